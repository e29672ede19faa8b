"""All equilibria of many nondegenerate bimatrix games, by signs of bordered minors.

Definitions
-----------
For a payoff matrix ``A``, a set ``I`` of rows and a set ``K`` of one column fewer, the bordered
minor is ``M(I, K) = det [A_IK | 1]``. On supports ``I`` and ``J`` of equal size, the strategy of
the column player that makes the rows of ``I`` equally good is, up to a factor,
``y_j = (-1)^q M(I, J - j)`` for the ``q``-th column ``j`` of ``J``, and row ``i`` outside is
worse by ``(-1)^p M(I + i, J)`` over the same factor, ``p`` being the position of ``i`` in
``I + i``. So an equilibrium is a pair of supports at which some signs agree. A minor follows
from smaller ones by expansion along its last column of payoffs.

Games lie side by side, 64 to a block: minors are loops that the compiler vectorizes, and a sign
of 64 games is one machine word. A minor closer to zero than its rounding has no sign; a game in
which it would decide about an equilibrium is marked.

References
----------
The conditions on supports are those of support enumeration (see von Stengel 2002, "Computing
equilibria for two-person games", section 2.4), written with Cramer's rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from .batch_pure import lowest_bit
from .compiling import inner, kept, lean

__all__ = ["solve_blocks"]

_INTS = types.int64[::1]
_MATRIX = types.float64[:, ::1]
_TABLE = types.int64[:, ::1]


@lean
def _minors(entries, start, entry, smaller, bounds, minors, signs):  # type: ignore[no-untyped-def]
    """Write all minors of a block, and in which games each is surely positive or negative.

    Terms alternate in sign, and the last one is negative. Loops have few enough arrays for the
    compiler to see at run time that none is written to while it is read, and no views of rows,
    which would be counted.
    """
    for g in range(64):
        minors[0, g] = 1.0
    signs[0], signs[1] = ~np.uint64(0), np.uint64(0)
    for k in range(1, start.size - 1):
        t = start[k]
        terms = start[k + 1] - t
        a0, a1, b0, b1 = entry[t], entry[t + 1], smaller[t], smaller[t + 1]
        if terms == 2:
            for g in range(64):
                minors[k, g] = entries[a0, g] - entries[a1, g]
        elif terms == 3:
            a2, b2 = entry[t + 2], smaller[t + 2]
            for g in range(64):
                minors[k, g] = (
                    entries[a1, g] * minors[b1, g]
                    - entries[a0, g] * minors[b0, g]
                    - entries[a2, g] * minors[b2, g]
                )
        else:
            a2, a3, b2, b3 = entry[t + 2], entry[t + 3], smaller[t + 2], smaller[t + 3]
            for g in range(64):
                minors[k, g] = (entries[a0, g] * minors[b0, g] - entries[a1, g] * minors[b1, g]) + (
                    entries[a2, g] * minors[b2, g] - entries[a3, g] * minors[b3, g]
                )
            if terms == 5:
                a4, b4 = entry[t + 4], smaller[t + 4]
                for g in range(64):
                    minors[k, g] = -minors[k, g] - entries[a4, g] * minors[b4, g]
            elif terms == 6:
                a4, a5, b4, b5 = entry[t + 4], entry[t + 5], smaller[t + 4], smaller[t + 5]
                for g in range(64):
                    minors[k, g] += entries[a4, g] * minors[b4, g] - entries[a5, g] * minors[b5, g]
        bound = bounds[terms]
        up, down = np.uint64(0), np.uint64(0)
        for g in range(64):
            up |= np.uint64(minors[k, g] > bound) << np.uint64(g)
            down |= np.uint64(minors[k, g] < -bound) << np.uint64(g)
        signs[2 * k], signs[2 * k + 1] = up, down


@inner
def _unit(payoffs, cell, first, width, entries):  # type: ignore[no-untyped-def]
    """Write a block's payoffs mapped to [0, 1]; games that are not there are zero.

    ``cell`` says which row of ``payoffs`` an entry is. Returns whether all are finite.
    """
    low, high, sure = np.empty(64), np.empty(64), np.zeros(64)
    for g in range(64):
        low[g], high[g] = np.inf, -np.inf
    for e in range(cell.size):
        read, into = payoffs[cell[e], first : first + width], entries[e]
        for g in range(width):
            into[g] = read[g]
        for g in range(width, 64):
            into[g] = 0.0
        for g in range(64):
            x = into[g]
            low[g] = x if x < low[g] else low[g]
            high[g] = x if x > high[g] else high[g]
            sure[g] += x - x
    fine = True
    for g in range(64):
        fine &= sure[g] == 0.0
        high[g] = 1.0 / (high[g] - low[g]) if high[g] > low[g] else 0.0
    for e in range(cell.size):
        into = entries[e]
        for g in range(64):
            into[g] = (into[g] - low[g]) * high[g]
    return fine


@lean
def _holds(signs, terms, pair):  # type: ignore[no-untyped-def]
    """Words of the games in which one side's conditions hold: surely, and perhaps."""
    sure_up, sure_down = ~np.uint64(0), ~np.uint64(0)
    not_up, not_down = np.uint64(0), np.uint64(0)
    for t in range(terms.shape[1]):
        up, down = signs[terms[pair, t]], signs[terms[pair, t] ^ 1]
        sure_up &= up
        sure_down &= down
        not_up |= down
        not_down |= up
    return sure_up | sure_down, ~not_up | ~not_down


_SIDE = types.Tuple((_INTS, _INTS, _INTS, _INTS, types.float64[::1], _TABLE))  # type: ignore[no-untyped-call]
_TWO: Any = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]


@kept(
    _TWO(
        _MATRIX, _MATRIX, types.int64, types.int64, types.int64, types.int64,
        _SIDE, _SIDE, _INTS, _TABLE, _TABLE, types.int64,
        _INTS, types.uint8[::1], _MATRIX, _MATRIX, types.float64[::1],
    )
)  # fmt: skip
def solve_blocks(  # type: ignore[no-untyped-def]
    row, column, m, n, start, stop, side_1, side_2, support, rows_of, columns_of, most,
    counts, marked, xs, ys, regrets,
):  # fmt: skip
    """Solve the games in blocks from ``start`` on, until ``stop`` or the room is used up.

    Parameters
    ----------
    row, column
        (m * n, games): payoffs, the columns running fastest.
    side_1, side_2
        Per player: of each minor the first of its terms; of each term the entry and the smaller
        minor; of each entry the row of the payoffs; by the number of terms, how small a minor
        has no sign; and (pairs, own strategies) the signs that are to agree, those of
        probabilities first: twice a minor's number, plus 1 for the opposite of its sign.
    support, rows_of, columns_of
        Per pair of supports: their size, and the strategies (pairs, size or more).
    most
        Most equilibria of one game.
    counts, marked
        (games,), written: equilibria, and 1 where degeneracy may matter; such a game has none.
    xs, ys, regrets
        Per equilibrium, written, game by game: strategies (room, m) and (room, n), and
        the largest gain from deviating, over the payoff scale.

    Returns
    -------
    The block that would be next, -1 if a payoff is not finite; and the number of equilibria.
    """
    games = row.shape[1]
    cells = m * n
    one, two = np.empty((cells, 64)), np.empty((cells, 64))
    minors_1, minors_2 = np.empty((side_1[0].size - 1, 64)), np.empty((side_2[0].size - 1, 64))
    signs_1 = np.empty(2 * side_1[0].size, np.uint64)
    signs_2 = np.empty(2 * side_2[0].size, np.uint64)
    found = 0
    pairs = support.size
    held, words = np.empty(pairs, np.int64), np.empty(pairs, np.uint64)
    place = np.empty(64, np.int64)
    for block in range(start, stop):
        if found + 64 * most > xs.shape[0]:
            return block, found
        first = 64 * block
        width = min(64, games - first)
        if not _unit(row, side_1[3], first, width, one):
            return -1, found
        if not _unit(column, side_2[3], first, width, two):
            return -1, found
        _minors(one, side_1[0], side_1[1], side_1[2], side_1[4], minors_1, signs_1)
        _minors(two, side_2[0], side_2[1], side_2[2], side_2[4], minors_2, signs_2)
        several = 0
        there = ~np.uint64(0)
        if width < 64:
            there = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        unsure = np.uint64(0)
        for pair in range(pairs):
            sure_1, may_1 = _holds(signs_1, side_1[5], pair)
            sure_2, may_2 = _holds(signs_2, side_2[5], pair)
            word = sure_1 & sure_2 & there
            unsure |= may_1 & may_2 & ~word & there
            if word != 0:
                held[several] = pair
                words[several] = word
                several += 1
        # Each game's equilibria stand together.
        for g in range(64):
            place[g] = 0
        for k in range(several):
            word = words[k] & ~unsure
            words[k] = word
            while word != 0:
                place[lowest_bit(word)] += 1
                word &= word - np.uint64(1)
        for g in range(width):
            counts[first + g] = place[g]
            marked[first + g] = unsure >> np.uint64(g) & np.uint64(1)
            place[g] = found
            found += counts[first + g]
        for k in range(several):
            pair = held[k]
            size = support[pair]
            word = words[k]
            while word != 0:
                g = lowest_bit(word)
                word &= word - np.uint64(1)
                at = place[g]
                place[g] += 1
                for i in range(m):
                    xs[at, i] = 0.0
                for j in range(n):
                    ys[at, j] = 0.0
                if size == 1:
                    xs[at, rows_of[pair, 0]] = 1.0
                    ys[at, columns_of[pair, 0]] = 1.0
                    regrets[at] = 0.0
                    continue
                # The column player's strategy comes from the row player's payoffs.
                in_x, in_y = 0.0, 0.0
                for t in range(size):
                    of_y = abs(minors_1[side_1[5][pair, t] >> 1, g])
                    of_x = abs(minors_2[side_2[5][pair, t] >> 1, g])
                    ys[at, columns_of[pair, t]] = of_y
                    xs[at, rows_of[pair, t]] = of_x
                    in_y += of_y
                    in_x += of_x
                for i in range(m):
                    xs[at, i] /= in_x
                for j in range(n):
                    ys[at, j] /= in_y
                most_1, mean_1 = -1.0, 0.0
                for i in range(m):
                    value = 0.0
                    for t in range(size):
                        j = columns_of[pair, t]
                        value += one[i * n + j, g] * ys[at, j]
                    most_1 = max(most_1, value)
                    mean_1 += xs[at, i] * value
                most_2, mean_2 = -1.0, 0.0
                for j in range(n):
                    value = 0.0
                    for t in range(size):
                        i = rows_of[pair, t]
                        value += two[j * m + i, g] * xs[at, i]
                    most_2 = max(most_2, value)
                    mean_2 += ys[at, j] * value
                regrets[at] = max(most_1 - mean_1, most_2 - mean_2)
    return stop, found
