"""Every limit that guards memory or time, by name.

Each is an attribute of this module, read at the time of use, so a test (or a
user with a large machine) can change it: ``highfence.limits.MAX_CELLS = 10**9``.
"""

from __future__ import annotations

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Largest game file that is read."""

MAX_FORMULA_LENGTH = 10_000
"""Characters in one formula."""

MAX_FORMULA_NESTING = 60
"""Depth of parentheses, brackets, calls and unary operators in one formula."""

MAX_EXPRESSIONS = 200_000
"""Distinct expressions in the formulas of one game after functions and sums are written out."""

MAX_EXPONENT = 64
"""Largest absolute constant exponent in a formula."""

MAX_DIGITS = 400
"""Digits of a number in a formula or a game file, and its largest decimal exponent."""

MAX_CELLS = 20_000_000
"""Payoff entries (players times pure strategy profiles) of a strategic form."""

MAX_EXACT_CELLS = 200_000
"""Payoff entries up to which the exact rational table is kept beside the floats."""

MAX_NODES = 2_000_000
"""Nodes of an extensive form."""

MAX_DEPTH = 1_000
"""Depth of the tree of an extensive form."""

MAX_ACTIONS = 10_000
"""Actions of one decision."""

MAX_PLAYERS = 100
"""Players of one game."""

MAX_EQUILIBRIA = 10_000
"""Equilibria listed before a search stops and says so."""

MAX_BASES = 2_000_000
"""Vertices of one best-response polytope visited by exact enumeration."""
