"""Compiled inner loops (numba); imported by methods and forms only when they run."""
