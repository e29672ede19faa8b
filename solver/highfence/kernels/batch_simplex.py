"""Optimal strategies of many zero-sum games: the simplex method on small dense tableaus."""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept

__all__ = ["solve_zero_sum"]

_MATRIX = types.float64[:, ::1]


@kept(
    types.int64(types.float64[:, :, ::1], types.int64, types.int64, types.int64, _MATRIX, _MATRIX)
)
def solve_zero_sum(payoffs, start, stop, most, x, y):  # type: ignore[no-untyped-def]
    """Write optimal strategies of the games ``start:stop``; return how many were left undone.

    Parameters
    ----------
    payoffs
        (games, m, n): what the row player wins.
    most
        Pivots a game.
    x, y
        (games, m) and (games, n), written; NaN where the pivots were spent.

    Notes
    -----
    With payoffs mapped to [1, 2], ``max sum(w)`` over ``B w <= 1``, ``w >= 0`` is one over the
    value, ``w`` over its sum the column player's strategy, and the duals the row player's.
    Steepest columns first; after half of the pivots the first improving one with the first
    limiting row (Bland 1977), which cannot cycle.
    """
    _, m, n = payoffs.shape
    width = n + m + 1
    tableau = np.empty((m + 1, width))
    basis = np.empty(m, np.int64)
    undone = 0
    for g in range(start, stop):
        least, largest = np.inf, -np.inf
        for i in range(m):
            for j in range(n):
                least = min(least, payoffs[g, i, j])
                largest = max(largest, payoffs[g, i, j])
        scale = largest - least
        for i in range(m):
            for j in range(n):
                unit = (payoffs[g, i, j] - least) / scale if scale > 0.0 else 0.0
                tableau[i, j] = 1.0 + unit
            for j in range(n, width):
                tableau[i, j] = 0.0
            tableau[i, n + i] = 1.0
            tableau[i, width - 1] = 1.0
            basis[i] = n + i
        for j in range(width):
            tableau[m, j] = -1.0 if j < n else 0.0
        solved = False
        for step in range(most):
            enter, best = -1, -1e-12
            for j in range(n + m):
                if tableau[m, j] < best:
                    enter = j
                    if 2 * step >= most:
                        break
                    best = tableau[m, j]
            if enter < 0:
                solved = True
                break
            leave, ratio = -1, np.inf
            for i in range(m):
                if tableau[i, enter] > 1e-11:
                    here = tableau[i, width - 1] / tableau[i, enter]
                    first = leave >= 0 and basis[i] < basis[leave]
                    if here < ratio or (here == ratio and first):
                        leave, ratio = i, here
            if leave < 0:
                break
            over = tableau[leave, enter]
            for j in range(width):
                tableau[leave, j] /= over
            for i in range(m + 1):
                factor = tableau[i, enter]
                if i != leave and factor != 0.0:
                    for j in range(width):
                        tableau[i, j] -= factor * tableau[leave, j]
            basis[leave] = enter
        if not solved:
            undone += 1
            x[g, :] = np.nan
            y[g, :] = np.nan
            continue
        y[g, :] = 0.0
        for i in range(m):
            if basis[i] < n:
                y[g, basis[i]] = max(tableau[i, width - 1], 0.0)
            x[g, i] = max(tableau[m, n + i], 0.0)
        total = x[g, :].sum()
        for k in range(x.shape[1]):
            x[g, k] /= total
        total = y[g, :].sum()
        for k in range(y.shape[1]):
            y[g, k] /= total
    return undone
