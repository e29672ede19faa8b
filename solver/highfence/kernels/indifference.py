"""Compiled loops on mixed strategies: expected payoffs, their slopes, and indifference.

Conventions
-----------
The strategies of all players stand in one vector, player after player: strategy ``k`` of player
``i`` has the place ``first[i] + k``, and ``counts[i]`` of them are theirs. ``payoffs`` (N, T) is
the payoff table with the pure profiles in row-major order.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import copy, inner, kept, lean

__all__ = ["deviations", "eliminate", "polish"]

_INTS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]


@lean
def _average(table, ahead, count, behind, p, start, made):  # type: ignore[no-untyped-def]
    """Average a table (ahead, count, behind) over its middle axis."""
    for x in range(ahead):
        to = x * behind
        off = x * count * behind
        weight = p[start]
        for z in range(behind):
            made[to + z] = weight * table[off + z]
        for y in range(1, count):
            off += behind
            weight = p[start + y]
            for z in range(behind):
                made[to + z] += weight * table[off + z]


@inner
def pay(payoffs, counts, first, p, values, slopes):  # type: ignore[no-untyped-def]
    """Write what each pure strategy pays against the others, and its slopes in their probabilities.

    ``slopes[a, b]`` is the derivative of ``values[a]`` with respect to ``p[b]``, all
    probabilities being free; it is 0 where both strategies are the same player's.
    """
    players = counts.size
    slopes[:, :] = 0.0
    if players == 1:
        copy(values, payoffs[0])
        return
    # Averaged over the players before j, then over those behind, one after the other: that
    # takes some passes over a table, not one for every pair of players.
    room = np.empty((4, payoffs.shape[1]))
    for i in range(players):
        copy(room[0], payoffs[i])
        front, behind = 0, payoffs.shape[1]
        for j in range(players):
            behind //= counts[j]
            if j == i:
                continue
            ahead = counts[i] if i < j else 1
            table, rest, kept = front, behind, ahead * counts[j]
            for k in range(j + 1, players):
                rest //= counts[k]
                if k == i:
                    kept *= counts[i]
                    continue
                made = 5 - table if table > 1 else 2
                _average(room[table], kept, counts[k], rest, p, first[k], room[made])
                table = made
            for a in range(counts[i]):
                for b in range(counts[j]):
                    place = a * counts[j] + b if i < j else b * counts[i] + a
                    slopes[first[i] + a, first[j] + b] = room[table, place]
            _average(room[front], ahead, counts[j], behind, p, first[j], room[1 - front])
            front = 1 - front
    for i in range(players):
        j = 1 if i == 0 else 0
        for a in range(first[i], first[i] + counts[i]):
            total = 0.0
            for b in range(first[j], first[j] + counts[j]):
                total += slopes[a, b] * p[b]
            values[a] = total


@kept(types.void(_MATRIX, _INTS, _INTS, _VECTOR, _VECTOR, _MATRIX))
def deviations(payoffs, counts, first, p, values, slopes):  # type: ignore[no-untyped-def]
    """:func:`pay`, for whom Python calls."""
    pay(payoffs, counts, first, p, values, slopes)


@inner
def eliminate(matrix, right):  # type: ignore[no-untyped-def]
    """Solve ``matrix x = right`` in place of ``right`` (n, columns); ``matrix`` is overwritten.

    Returns the sign of the determinant times the smallest pivot over the largest entry that its
    column had in the beginning, so 0 says singular (and ``right`` is not a solution then).
    """
    n = matrix.shape[0]
    sign, least = 1.0, 1.0
    scale = np.empty(n)
    for c in range(n):
        scale[c] = 0.0
        for r in range(n):
            scale[c] = max(scale[c], abs(matrix[r, c]))
    for c in range(n):
        pivot = c
        for r in range(c + 1, n):
            if abs(matrix[r, c]) > abs(matrix[pivot, c]):
                pivot = r
        largest = abs(matrix[pivot, c])
        if not largest > 0.0 or scale[c] == 0.0:
            return 0.0
        least = min(least, largest / scale[c])
        if pivot != c:
            sign = -sign
            for k in range(c, n):
                matrix[c, k], matrix[pivot, k] = matrix[pivot, k], matrix[c, k]
            for k in range(right.shape[1]):
                right[c, k], right[pivot, k] = right[pivot, k], right[c, k]
        if matrix[c, c] < 0.0:
            sign = -sign
        for r in range(c + 1, n):
            factor = matrix[r, c] / matrix[c, c]
            if factor != 0.0:
                for k in range(c + 1, n):
                    matrix[r, k] -= factor * matrix[c, k]
                for k in range(right.shape[1]):
                    right[r, k] -= factor * right[c, k]
    for k in range(right.shape[1]):
        for r in range(n - 1, -1, -1):
            total = right[r, k]
            for c in range(r + 1, n):
                total -= matrix[r, c] * right[c, k]
            right[r, k] = total / matrix[r, r]
    return sign * least


@inner
def refine(payoffs, counts, first, support, most, p, told):  # type: ignore[no-untyped-def]
    """Improve ``p`` by Newton steps until all strategies of the support pay the same.

    ``p`` must be 0 outside the support. ``told`` gets, in this order: the last step's largest
    move (infinite if the system is singular); the sign of the determinant of minus the slopes
    along the support's simplices, which is the index of a regular equilibrium, times the least
    pivot (see :func:`eliminate`); the largest regret; the least that a strategy outside the
    support is worse than the best (infinite if there is none).
    """
    players, size = counts.size, p.size
    values, slopes = np.empty(size), np.empty((size, size))
    base = np.empty(players, np.int64)
    at, owner = np.empty(size, np.int64), np.empty(size, np.int64)
    free = 0
    for i in range(players):
        base[i] = -1
        for a in range(first[i], first[i] + counts[i]):
            if support[a] and (base[i] < 0 or p[a] > p[base[i]]):
                base[i] = a
        for a in range(first[i], first[i] + counts[i]):
            if support[a] and a != base[i]:
                at[free], owner[free] = a, i
                free += 1
    matrix, right = np.empty((free, free)), np.empty((free, 1))
    told[0], told[1] = 0.0, 1.0
    for _ in range(most):
        if free == 0:
            break
        pay(payoffs, counts, first, p, values, slopes)
        for r in range(free):
            a, a0 = at[r], base[owner[r]]
            right[r, 0] = values[a] - values[a0]
            for c in range(free):
                b, b0 = at[c], base[owner[c]]
                matrix[r, c] = -(slopes[a, b] - slopes[a0, b] - slopes[a, b0] + slopes[a0, b0])
        told[1] = eliminate(matrix, right)
        told[0] = np.inf
        if told[1] == 0.0:
            break
        moved = 0.0
        for r in range(free):
            moved = max(moved, abs(right[r, 0]))
            p[at[r]] += right[r, 0]
        for i in range(players):
            total = 0.0
            for a in range(first[i], first[i] + counts[i]):
                if a != base[i]:
                    total += p[a]
            p[base[i]] = 1.0 - total
        told[0] = moved
        if not moved < 10.0 or moved < 1e-15:
            break
    pay(payoffs, counts, first, p, values, slopes)
    told[2], told[3] = 0.0, np.inf
    for i in range(players):
        best, mean = -np.inf, 0.0
        for a in range(first[i], first[i] + counts[i]):
            best = max(best, values[a])
            mean += p[a] * values[a]
        told[2] = max(told[2], best - mean)
        for a in range(first[i], first[i] + counts[i]):
            if not support[a]:
                told[3] = min(told[3], mean - values[a])


@kept(types.void(_MATRIX, _INTS, _INTS, types.boolean[::1], types.int64, _VECTOR, _VECTOR))
def polish(payoffs, counts, first, support, most, p, told):  # type: ignore[no-untyped-def]
    """:func:`refine`, for whom Python calls."""
    refine(payoffs, counts, first, support, most, p, told)
