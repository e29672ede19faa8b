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

import numpy as np
from numba import njit, types

from .batch_pure import packed

__all__ = ["solve_blocks"]

_INTS = types.int64[::1]
_CUBE = types.float64[:, :, ::1]
_MATRIX = types.float64[:, ::1]
_WORDS = types.uint64[::1]


@njit(nogil=True, error_model="numpy")
def _minors(  # type: ignore[no-untyped-def]
    entries,
    first,
    width,
    start,
    term_entry,
    term_minor,
    term_sign,
    level,
    bounds,
    minors,
    plus,
    none,
):
    """Write all minors of a block, the words of their signs, and the words of those without."""
    for g in range(64):
        minors[0, g] = 1.0
    plus[0] = ~np.uint64(0)
    none[0] = np.uint64(0)
    up, unsure = np.empty(8, np.uint64), np.empty(8, np.uint64)
    up_bytes, unsure_bytes = up.view(np.uint8), unsure.view(np.uint8)
    for k in range(1, start.size - 1):
        total = minors[k]
        for g in range(64):
            total[g] = 0.0
        for t in range(start[k], start[k + 1]):
            entry, minor, sign = term_entry[t], term_minor[t], term_sign[t]
            if minor == 0:
                for g in range(64):
                    total[g] += sign * entries[entry, g]
            else:
                for g in range(64):
                    total[g] += sign * (entries[entry, g] * minors[minor, g])
        bound = bounds[level[k]]
        for g in range(64):
            up_bytes[g] = total[g] > 0.0
            unsure_bytes[g] = abs(total[g]) <= bound
        plus[k] = packed(up)
        none[k] = packed(unsure)


@njit(nogil=True, error_model="numpy")
def _unit(payoffs, first, width, entries):  # type: ignore[no-untyped-def]
    """Write a block's payoffs mapped to [0, 1]; games that are not there are zero."""
    low, high = np.empty(64), np.empty(64)
    for g in range(64):
        low[g], high[g] = 0.0, 1.0
    for g in range(width):
        low[g] = payoffs[0, first + g]
        high[g] = payoffs[0, first + g]
    for e in range(1, payoffs.shape[0]):
        for g in range(width):
            x = payoffs[e, first + g]
            low[g] = x if x < low[g] else low[g]
            high[g] = x if x > high[g] else high[g]
    for g in range(64):
        high[g] = 1.0 / (high[g] - low[g]) if high[g] > low[g] else 0.0
    for e in range(payoffs.shape[0]):
        for g in range(width):
            entries[e, g] = (payoffs[e, first + g] - low[g]) * high[g]
        for g in range(width, 64):
            entries[e, g] = 0.0


@njit(nogil=True)
def _holds(plus, none, of, y_start, y_minor, y_flip, s_start, s_minor, s_flip):  # type: ignore[no-untyped-def]
    """Words of the games in which one side's conditions hold: surely, and perhaps."""
    everything = ~np.uint64(0)
    sure_up, sure_down, may_up, may_down = everything, everything, everything, everything
    for t in range(y_start[of], y_start[of + 1]):
        sign = plus[y_minor[t]] ^ y_flip[t]
        zero = none[y_minor[t]]
        sure_up &= sign & ~zero
        sure_down &= ~sign & ~zero
        may_up &= sign | zero
        may_down &= ~sign | zero
    for t in range(s_start[of], s_start[of + 1]):
        sign = plus[s_minor[t]] ^ s_flip[t]
        zero = none[s_minor[t]]
        sure_up &= ~sign & ~zero
        sure_down &= sign & ~zero
        may_up &= ~sign | zero
        may_down &= sign | zero
    return sure_up | sure_down, may_up | may_down


_SIDE = types.Tuple((_INTS, _INTS, _INTS, types.float64[::1], _INTS, types.float64[::1]))  # type: ignore[no-untyped-call]
_TESTS = types.Tuple((_INTS, _INTS, _WORDS, _INTS, _INTS, _WORDS))  # type: ignore[no-untyped-call]


@njit(
    types.int64(
        _MATRIX, _MATRIX, types.int64, types.int64, types.int64, types.int64,
        _SIDE, _SIDE, _TESTS, _TESTS, _INTS, _INTS,
        _INTS, types.uint8[::1], _INTS, _MATRIX, _MATRIX, types.float64[::1],
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)  # fmt: skip
def solve_blocks(  # type: ignore[no-untyped-def]
    row, column, m, n, start, stop, side_1, side_2, tests_1, tests_2, rows_of, columns_of,
    counts, marked, game_of, xs, ys, regrets,
):  # fmt: skip
    """Solve the games in blocks ``start:stop``; return the number of equilibria written.

    Parameters
    ----------
    row, column
        (m * n, games) and (n * m, games): payoffs, own strategies first.
    side_1, side_2
        Per player, of each minor: the first of its terms; of each term, the entry, the smaller
        minor and the sign; then per minor its size and per size its bound.
    tests_1, tests_2
        Per pair of supports, the minors that are to have one sign and those that are to have
        the other, each with a word that turns it.
    rows_of, columns_of
        Per pair of supports, bit masks.
    counts, marked
        (games,), written: equilibria, and 1 where degeneracy may matter; such a game has none.
    game_of, xs, ys, regrets
        Per equilibrium, written, game by game: the game, strategies (room, m) and (room, n), and
        the largest gain from deviating, over the payoff scale.
    """
    games = row.shape[1]
    one, two = np.zeros((m * n, 64)), np.zeros((m * n, 64))
    minors_1, minors_2 = np.empty((side_1[0].size - 1, 64)), np.empty((side_2[0].size - 1, 64))
    plus_1, none_1 = np.empty(side_1[0].size, np.uint64), np.empty(side_1[0].size, np.uint64)
    plus_2, none_2 = np.empty(side_2[0].size, np.uint64), np.empty(side_2[0].size, np.uint64)
    found = 0
    pairs = rows_of.size
    held, words = np.empty(pairs, np.int64), np.empty(pairs, np.uint64)
    place = np.empty(64, np.int64)
    for block in range(start, stop):
        first = 64 * block
        width = min(64, games - first)
        _unit(row, first, width, one)
        _unit(column, first, width, two)
        _minors(one, first, width, side_1[0], side_1[1], side_1[2], side_1[3], side_1[4],
                side_1[5], minors_1, plus_1, none_1)  # fmt: skip
        _minors(two, first, width, side_2[0], side_2[1], side_2[2], side_2[3], side_2[4],
                side_2[5], minors_2, plus_2, none_2)  # fmt: skip
        several = 0
        there = ~np.uint64(0)
        if width < 64:
            there = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
        for g in range(width):
            counts[first + g] = 0
        unsure = np.uint64(0)
        for pair in range(pairs):
            sure_1, may_1 = _holds(
                plus_1, none_1, pair, tests_1[0], tests_1[1], tests_1[2], tests_1[3], tests_1[4],
                tests_1[5],
            )  # fmt: skip
            if may_1 & there == 0:
                continue
            sure_2, may_2 = _holds(
                plus_2, none_2, pair, tests_2[0], tests_2[1], tests_2[2], tests_2[3], tests_2[4],
                tests_2[5],
            )  # fmt: skip
            word = sure_1 & sure_2 & there
            unsure |= may_1 & may_2 & ~word & there
            if word != 0:
                held[several] = pair
                words[several] = word
                several += 1
        # Each game's equilibria stand together.
        for k in range(several):
            words[k] &= ~unsure
            word = words[k]
            g = first
            while word != 0:
                counts[g] += word & np.uint64(1)
                word >>= np.uint64(1)
                g += 1
        for g in range(width):
            place[g] = found
            found += counts[first + g]
            marked[first + g] = unsure >> np.uint64(g) & np.uint64(1)
        for k in range(several):
            pair = held[k]
            word = words[k]
            g = -1
            while word != 0:
                g += 1
                here = word & np.uint64(1)
                word >>= np.uint64(1)
                if not here:
                    continue
                at = place[g]
                place[g] += 1
                game_of[at] = first + g
                # The column player's strategy comes from the row player's payoffs.
                total, t = 0.0, tests_1[0][pair]
                for j in range(n):
                    ys[at, j] = 0.0
                    if columns_of[pair] >> j & 1:
                        ys[at, j] = abs(minors_1[tests_1[1][t], g])
                        total += ys[at, j]
                        t += 1
                for j in range(n):
                    ys[at, j] /= total
                total, t = 0.0, tests_2[0][pair]
                for i in range(m):
                    xs[at, i] = 0.0
                    if rows_of[pair] >> i & 1:
                        xs[at, i] = abs(minors_2[tests_2[1][t], g])
                        total += xs[at, i]
                        t += 1
                for i in range(m):
                    xs[at, i] /= total
                worst = 0.0
                most, mean = -1.0, 0.0
                for i in range(m):
                    value = 0.0
                    for j in range(n):
                        value += one[i * n + j, g] * ys[at, j]
                    most = max(most, value)
                    mean += xs[at, i] * value
                worst = most - mean
                most, mean = -1.0, 0.0
                for j in range(n):
                    value = 0.0
                    for i in range(m):
                        value += two[j * m + i, g] * xs[at, i]
                    most = max(most, value)
                    mean += ys[at, j] * value
                regrets[at] = max(worst, most - mean)
    return found
