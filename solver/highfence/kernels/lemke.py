"""Lemke's path of a two-player tree in sequence form, in floats.

Definitions are those of :mod:`highfence.methods.sequence_lcp`: two systems, one of the first
player's plan and the second's slacks, one of the second player's plan and the first's slacks. They
share the variable ``z``, and nothing else. Each is a dictionary: a row per basic variable, a column
per nonbasic one and a last column of constants, ``basic = constant + row @ nonbasic``. Variables
are known by labels, one per sequence; label ``k`` is the sequence's probability in one system and
its slack in the other. The last label is that of ``z``. Off the ends of the path it is basic in one
of the two.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

from .compiling import INNER, copy, kept, lean

__all__ = ["ENDED", "GOING", "LOST", "follow"]

_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]

GOING, ENDED, LOST = 0, 1, 2
"""Statuses: pivots are spent; ``z`` came to 0; rounding left no row, or led back to the start."""

_PIVOT = 1e-9
"""Rates up to this, relative to the largest of the column, are no pivots."""
_ZERO = 1e-11
"""Values up to this are 0: dictionaries are scaled so that largest entries are about 1."""
_TIED = 1e-10
"""Steps, and shares of perturbations, that differ by less are equal."""


@njit(**INNER, fastmath={"contract"})
def _exchange(table, leave, enter):  # type: ignore[no-untyped-def]
    """Pivot in place: the variables of this row and this column change places."""
    rows, width = table.shape
    inverse = 1.0 / table[leave, enter]
    chosen = np.empty(width)
    for j in range(width):
        chosen[j] = -table[leave, j] * inverse
    chosen[enter] = inverse
    copy(table[leave], chosen)
    for i in range(rows):
        if i != leave:
            factor = table[i, enter]
            if factor != 0.0:
                table[i, enter] = 0.0
                for j in range(width):
                    table[i, j] += factor * chosen[j]


@lean
def _swap(table, basis, free, places, leave, enter):  # type: ignore[no-untyped-def]
    """Pivot, and keep account of where variables are."""
    _exchange(table, leave, enter)
    out, into = basis[leave], free[enter]
    basis[leave], free[enter] = into, out
    places[into], places[out] = leave, -1 - enter


@lean
def _share(table, places, row, label):  # type: ignore[no-untyped-def]
    """Return how much of a label's perturbation the value of a row has."""
    place = places[label]
    if place >= 0:
        return 1.0 if place == row else 0.0
    return -table[row, -1 - place]


@kept(
    types.int64(
        _MATRIX, _MATRIX, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS,
        types.int64,
    )
)  # fmt: skip
def follow(  # type: ignore[no-untyped-def]
    one, two, basis_one, basis_two, free_one, free_two, places_one, places_two, home, order, state,
    most,
):  # fmt: skip
    """Follow the path for some pivots; return its status. It goes on from where it was left.

    Parameters
    ----------
    one, two
        The dictionaries, changed in place.
    basis_one, basis_two, free_one, free_two
        Labels of rows and columns; ``places_one`` and ``places_two`` (labels + 1,) where they are:
        a row, or -1 minus a column.
    home
        Per label, in which dictionary its variable was basic in the beginning. Those variables
        are perturbed, by amounts ever smaller in the order of ``order``.
    state
        (4,): the dictionary in which ``z`` is basic, -1 before the first pivot; the label that
        enters, and in which dictionary; the number of pivots.
    most
        Pivots after which to return.
    """
    last = home.size  # the label of z
    heights = one.shape[0], two.shape[0]
    total = heights[0] + heights[1]
    values, rates = np.empty(total), np.empty(total)
    candidates, spare = np.empty(total, np.int64), np.empty(total, np.int64)
    for _ in range(most):
        at, entering, block = state[0], state[1], state[2]
        # What moves, and how fast: rows of the first dictionary, then of the second.
        column, row_of_z = -1, -1
        rates[:] = 0.0
        if at < 0:
            z, fall = 1.0, -1.0
        else:
            held, places = (one, places_one) if at == 0 else (two, places_two)
            row_of_z = places[last]
            z = held[row_of_z, held.shape[1] - 1]
            if not z < 1.0 + 1e-7:
                return LOST
            column = -1 - (places_one[entering] if block == 0 else places_two[entering])
            fall = held[row_of_z, column] if block == at else 0.0
        for side in range(2):
            table, places = (one, places_one) if side == 0 else (two, places_two)
            start = 0 if side == 0 else heights[0]
            width = table.shape[1]
            place = places[last]
            for i in range(heights[side]):
                value, rate = table[i, width - 1], 0.0
                if place < 0:
                    value += table[i, -1 - place] * z
                    rate = table[i, -1 - place] * fall
                if side == block and column >= 0:
                    rate += table[i, column]
                values[start + i] = value if value > _ZERO else 0.0
                rates[start + i] = rate
        steepest = 1.0
        for i in range(total):
            steepest = max(steepest, abs(rates[i]))
        if at >= 0:  # z has a rule of its own
            rates[row_of_z if at == 0 else heights[0] + row_of_z] = 0.0
        least = np.inf
        for i in range(total):
            if rates[i] < -_PIVOT * steepest:
                least = min(least, -values[i] / rates[i])
        if fall < 0.0 and z <= -fall * (least + _TIED * max(1.0, least)):
            # z is the last to leave, whatever else would: then it came down from above 0.
            if at == 0:
                _swap(one, basis_one, free_one, places_one, row_of_z, column)
            elif at == 1:
                _swap(two, basis_two, free_two, places_two, row_of_z, column)
            state[3] += 1
            return ENDED
        if not least < np.inf:
            return LOST
        count = 0
        for i in range(total):
            falls = rates[i] < -_PIVOT * steepest
            if falls and -values[i] / rates[i] <= least + _TIED * max(1.0, least):
                candidates[count] = i
                count += 1
        for k in range(order.size):
            if count == 1:
                break
            label = order[k]
            side_of = home[label]
            with_z = 0.0
            if at >= 0 and side_of == at:
                if at == 0:
                    with_z = _share(one, places_one, row_of_z, label)
                else:
                    with_z = _share(two, places_two, row_of_z, label)
            lowest, kept = np.inf, 0
            for c in range(count):
                i = candidates[c]
                side = 0 if i < heights[0] else 1
                row = i if side == 0 else i - heights[0]
                table, places = (one, places_one) if side == 0 else (two, places_two)
                value = 0.0
                if side == side_of:
                    value = _share(table, places, row, label)
                if with_z != 0.0 and side != at:
                    value += table[row, -1 - places[last]] * with_z
                value = -value / rates[i]
                near = _TIED * max(1.0, abs(value))
                if value < lowest - near:
                    lowest, kept = value, 0
                if value <= lowest + near:
                    spare[kept] = i
                    kept += 1
                    lowest = min(lowest, value)
            count = kept
            for c in range(count):
                candidates[c] = spare[c]
        i = candidates[0]
        for c in range(1, count):
            if rates[candidates[c]] < rates[i]:
                i = candidates[c]
        side = 0 if i < heights[0] else 1
        row = i if side == 0 else i - heights[0]
        leaving = basis_one[row] if side == 0 else basis_two[row]
        if at >= 0 and block == at and side != at:
            # z moves over to the other dictionary.
            if at == 0:
                _swap(one, basis_one, free_one, places_one, row_of_z, column)
            else:
                _swap(two, basis_two, free_two, places_two, row_of_z, column)
        if at < 0 or side != block:
            column = -1 - (places_one[last] if side == 0 else places_two[last])
            state[0] = side
        if side == 0:
            _swap(one, basis_one, free_one, places_one, row, column)
        else:
            _swap(two, basis_two, free_two, places_two, row, column)
        state[1], state[2] = leaving, 1 - side
        state[3] += 1
    return GOING
