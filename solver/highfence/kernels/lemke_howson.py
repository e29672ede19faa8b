"""One Lemke-Howson path of a large bimatrix game, in floats.

Definitions are those of :mod:`highfence.methods.lemke_howson`. A tableau has a row per variable
in the basis and a column per variable outside, and one of right-hand sides; the unit columns of
the basis are not stored. Variables are known by their labels, ``0..m-1`` the rows' and
``m..m+n-1`` the columns'.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

from .compiling import LEAN, kept, lean

__all__ = ["follow"]

_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]

_POSITIVE = 1e-11
"""Entries of a column up to this are no pivots: payoffs are mapped to [1, 2]."""
_TIED = 1e-12
"""Ratios closer than this, relative to the smaller, are equal."""


@lean
def _leaving(tableau, places, spare, enter, low, high, candidates):  # type: ignore[no-untyped-def]
    """Return the row of the lexicographically smallest ratios, or -1.

    ``places[label]`` is the row of a variable in the basis, or ``-1 - column``; the slacks, whose
    columns break ties, have the labels ``low:high``.
    """
    rows, last = tableau.shape[0], tableau.shape[1] - 1
    best, count = np.inf, 0
    for i in range(rows):
        entry = tableau[i, enter]
        if entry > _POSITIVE:
            ratio = max(tableau[i, last], 0.0) / entry
            if ratio < best * (1.0 - _TIED):
                best, count = ratio, 0
            if ratio <= best * (1.0 + _TIED):
                candidates[count] = i
                count += 1
                best = min(best, ratio)
    if count == 0:
        return -1
    for slack in range(low, high):
        if count == 1:
            break
        place = places[slack]
        if place == -1 - enter:
            continue
        least, kept = np.inf, 0
        for k in range(count):
            i = candidates[k]
            value = tableau[i, -1 - place] if place < 0 else 1.0 * (place == i)
            ratio = value / tableau[i, enter]
            near = _TIED * max(1.0, abs(ratio))
            if ratio < least - near:
                least, kept = ratio, 0
            if ratio <= least + near:
                spare[kept] = i
                kept += 1
                least = min(least, ratio)
        count = kept
        for k in range(count):
            candidates[k] = spare[k]
    return candidates[0]


@njit(**LEAN, fastmath={"contract"})
def _exchange(tableau, leave, enter, chosen):  # type: ignore[no-untyped-def]
    """Pivot in place: the variables of this row and this column change places.

    ``chosen`` is room for a row: read from the tableau itself, it would have to be read again
    after every entry that is written.
    """
    rows, width = tableau.shape
    inverse = 1.0 / tableau[leave, enter]
    tableau[leave, enter] = 1.0
    for j in range(width):
        chosen[j] = tableau[leave, j] * inverse
        tableau[leave, j] = chosen[j]
    for i in range(rows):
        if i != leave:
            factor = tableau[i, enter]
            if factor != 0.0:
                tableau[i, enter] = 0.0
                for j in range(width):
                    tableau[i, j] -= factor * chosen[j]


@kept(types.int64(_MATRIX, _MATRIX, types.int64, types.int64, _VECTOR, _VECTOR))
def follow(row, column, dropped, most, x, y):  # type: ignore[no-untyped-def]
    """Follow the path of one label; write the strategies; return its pivots, or -1.

    Parameters
    ----------
    row, column
        (m, n + 1) and (n, m + 1): the row player's payoffs and the transpose of the column
        player's, positive, with a last column of ones; written over.
    dropped
        The label, ``0 <= dropped < m + n``.
    most
        Pivots after which the path is given up, with -1; likewise where rounding leaves no row.
    x, y
        (m,) and (n,), written: weights that do not sum to one yet, 0 outside the supports.
    """
    m, n = x.size, y.size
    total = m + n
    # Per player: labels of rows and columns, and where a label is.
    inner_basis, outer_basis = np.arange(m, total), np.arange(m)
    inner_free, outer_free = np.arange(m), np.arange(m, total)
    inner_places, outer_places = np.empty(total, np.int64), np.empty(total, np.int64)
    for i in range(m):
        inner_places[i], outer_places[i] = -1 - i, i
    for j in range(n):
        inner_places[m + j], outer_places[m + j] = j, -1 - j
    candidates, spare = np.empty(max(m, n), np.int64), np.empty(max(m, n), np.int64)
    chosen = np.empty(max(m, n) + 1)
    turn = dropped < m
    entering = dropped
    for pivots in range(1, most + 1):
        if turn:
            tableau, basis, free, places = column, inner_basis, inner_free, inner_places
            low, high = m, total
        else:
            tableau, basis, free, places = row, outer_basis, outer_free, outer_places
            low, high = 0, m
        enter = -1 - places[entering]
        leave = _leaving(tableau, places, spare, enter, low, high, candidates)
        if leave < 0:
            return -1
        _exchange(tableau, leave, enter, chosen)
        leaving = basis[leave]
        basis[leave], free[enter] = entering, leaving
        places[entering], places[leaving] = leave, -1 - enter
        if leaving == dropped:
            x[:] = 0.0
            y[:] = 0.0
            for k in range(n):
                if inner_basis[k] < m:
                    x[inner_basis[k]] = max(column[k, m], 0.0)
            for k in range(m):
                if outer_basis[k] >= m:
                    y[outer_basis[k] - m] = max(row[k, n], 0.0)
            return pivots
        entering = leaving
        turn = not turn
    return -1
