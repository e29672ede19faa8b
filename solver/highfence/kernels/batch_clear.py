"""Backward induction for a block of draws side by side, where every stage is clear.

Most draws of most games have one equilibrium in every subgame, because some action is better than
all others, or is left when dominated ones are gone. Then nothing is to be listed, and one loop
over the draws of a block does each step of the induction, which the compiler vectorizes. A draw
that is not clear at some stage is left to :mod:`highfence.kernels.batch_tree`, which also says how
the structure of a game is laid out.

Payoffs are not written out per terminal: they are read where the formulas left them. A row of
``numbers`` holds one number at every draw of the block.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .batch_bimatrix import extreme_pairs
from .batch_stages import NARROW, NEVER, SOLVED, UNDEFINED, survivors, undominated
from .compiling import copy, kept, lean

__all__ = ["UNSETTLED", "gather_draws", "settle_draws_of_tree"]

UNSETTLED = 255
"""Status of a draw that is not clear at some stage."""

_INTS = types.int64[::1]
_MATRIX = types.float64[:, ::1]


@lean
def _lead(numbers, where, first, step, size, ahead, best, next_best):  # type: ignore[no-untyped-def]
    """Write by how much the best of some rows is ahead of the next at every draw, and its number.

    Row ``k`` is ``where[first + k * step]``. The first of equals counts as the best. ``next_best``
    is room.
    """
    if size == 1:
        for d in range(ahead.size):
            ahead[d] = np.inf
            best[d] = 0.0
        return
    x, y = numbers[where[first]], numbers[where[first + step]]
    if size == 2:
        for d in range(ahead.size):
            ahead[d] = abs(x[d] - y[d])
            best[d] = 0.0 if x[d] >= y[d] else 1.0
        return
    if size == 3:
        z = numbers[where[first + 2 * step]]
        for d in range(ahead.size):
            top = x[d] if x[d] > y[d] else y[d]
            low = y[d] if x[d] > y[d] else x[d]
            number = 0.0 if x[d] >= y[d] else 1.0
            best[d] = 2.0 if z[d] > top else number
            rest = top if z[d] > top else z[d]
            top = z[d] if z[d] > top else top
            ahead[d] = top - (rest if rest > low else low)
        return
    for d in range(ahead.size):
        ahead[d] = x[d] if x[d] > y[d] else y[d]
        next_best[d] = y[d] if x[d] > y[d] else x[d]
    for d in range(ahead.size):
        best[d] = 0.0 if x[d] >= y[d] else 1.0
    for k in range(2, size):
        z = numbers[where[first + k * step]]
        number = float(k)
        for d in range(ahead.size):
            best[d] = number if z[d] > ahead[d] else best[d]
        for d in range(ahead.size):
            rest = ahead[d] if z[d] > ahead[d] else z[d]
            next_best[d] = rest if rest > next_best[d] else next_best[d]
            ahead[d] = z[d] if z[d] > ahead[d] else ahead[d]
    for d in range(ahead.size):
        ahead[d] -= next_best[d]


@lean
def _join(margin, pick, ahead, best):  # type: ignore[no-untyped-def]
    """Join what the best is ahead by with ``margin``: -1 where it is another than ``pick``."""
    for d in range(margin.size):
        least = ahead[d] if ahead[d] < margin[d] else margin[d]
        margin[d] = least if pick[d] == best[d] else -1.0


@lean
def _at_most_one(table, n, rows, columns, left_1, left_2, clear_1, clear_2):  # type: ignore[no-untyped-def]
    """Tell whether at most one pure combination of what dominance leaves may be an equilibrium.

    ``left_1`` and ``left_2``: those strategies, ``rows`` and ``columns`` of them.
    """
    found = 0
    for r in range(rows):
        for c in range(columns):
            cell = left_1[r] * n + left_2[c]
            stays = True
            for k in range(rows):
                gain = table[0, left_1[k] * n + left_2[c]] - table[0, cell]
                stays = stays and gain <= clear_1
            for k in range(columns):
                gain = table[1, left_1[r] * n + left_2[k]] - table[1, cell]
                stays = stays and gain <= clear_2
            if stays:
                found += 1
    return found <= 1


@kept(
    types.void(
        _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS,
        types.int64, types.int64, types.int64,
        _INTS, _INTS, _INTS, types.int64,
        _MATRIX,
        types.float64, types.float64, types.float64,
        types.uint8[::1], types.int32[:, ::1], types.float64[::1],
    )
)  # fmt: skip
def settle_draws_of_tree(  # type: ignore[no-untyped-def]
    axis_start, axis_player, axis_size, end_start, ends, cell_start, term_start, term_end,
    term_odds, rule,
    players, terminals, columns,
    places, row_start, rows_of, base,
    numbers,
    rounding, least, clear_share,
    status, cells, mixed,
):  # fmt: skip
    """Solve those draws of a block that are clear at every stage.

    Parameters
    ----------
    places
        (terminals * columns + probabilities,): rows of ``numbers``.
    row_start, rows_of
        The rows of column ``k``, each once: ``rows_of[row_start[k]:row_start[k + 1]]``.
    base
        Rows from here on are written: column ``k`` of what stage ``s`` is worth is row
        ``base + s * columns + k``, and there is room for the cells of one stage after those.
    numbers
        (rows, draws).
    rounding, least, clear_share
        As in :func:`highfence.kernels.batch_tree.solve_draws_of_tree`.
    status
        (draws,): other than 0 where a draw is to be left alone. Written.
    cells
        (stages, draws), written: the cell that is played; ``-2 - k`` if mixed strategies are,
        which begin at ``k`` in ``mixed``, axis after axis; -1 where nothing is known.
    """
    stages = axis_start.size - 1
    count = numbers.shape[1]
    odds_places = places[terminals * columns :]
    spare = base + stages * columns
    widest, most_axes, longest = 1, 1, 1
    for s in range(stages):
        widest = max(widest, cell_start[s + 1] - cell_start[s])
        most_axes = max(most_axes, axis_start[s + 1] - axis_start[s])
        for a in range(axis_start[s], axis_start[s + 1]):
            longest = max(longest, axis_size[a])
    where = np.empty(widest * columns, np.int64)
    side = np.empty((2, widest), np.int64)
    table = np.empty((most_axes, widest))
    live = np.empty(widest, np.uint8)
    first, second = np.empty((longest, longest)), np.empty((longest, longest))
    left_1, left_2 = np.empty(longest, np.int64), np.empty(longest, np.int64)
    low, high, strange = np.empty(count), np.empty(count), np.empty(count)
    ties, clear = np.empty((players, count)), np.empty((players, count))
    small_1, small_2 = np.empty((6, 6)), np.empty((6, 6))
    xs, ys = np.empty((128, 6)), np.empty((128, 6))
    used = 0
    own_clear = np.empty(players)
    # By how much, and which, an action is the best against one of the other player's, or all.
    ahead_1, best_1 = np.empty((longest, count)), np.empty((longest, count))
    ahead_2, best_2 = np.empty((longest, count)), np.empty((longest, count))
    margin, pick = np.empty((2, count)), np.empty((2, count))
    at, odd = np.empty(count, np.int64), np.empty(count, np.int64)

    # What is a tie, and is it far from what is none?
    for k in range(columns):
        x = numbers[rows_of[row_start[k]]]
        for d in range(count):
            low[d] = x[d]
            high[d] = x[d]
            strange[d] = x[d] - x[d]
        for r in range(row_start[k] + 1, row_start[k + 1]):
            x = numbers[rows_of[r]]
            for d in range(count):
                low[d] = x[d] if x[d] < low[d] else low[d]
                high[d] = x[d] if x[d] > high[d] else high[d]
                strange[d] += x[d] - x[d]
        for d in range(count):
            if strange[d] != 0.0:
                if status[d] == SOLVED or status[d] == NARROW:
                    status[d] = UNDEFINED
            elif k < players:
                spread = high[d] - low[d]
                tie = rounding * max(abs(low[d]), abs(high[d]))
                ties[k, d] = tie
                clear[k, d] = max(clear_share * spread, 16 * tie)
                if spread > 0 and tie > least * spread and status[d] == SOLVED:
                    status[d] = NARROW

    for s in range(stages):
        alive = False
        for d in range(count):
            alive = alive or status[d] == SOLVED
        if not alive:
            return
        axes = axis_start[s + 1] - axis_start[s]
        first_axis, first_cell = axis_start[s], cell_start[s]
        number = cell_start[s + 1] - first_cell
        made = base + s * columns
        if rule[s] == NEVER:
            for d in range(count):
                if status[d] == SOLVED:
                    status[d] = UNSETTLED
            return
        for c in range(number):
            t, last = term_start[first_cell + c], term_start[first_cell + c + 1]
            if last == t + 1 and term_odds[t] < 0:
                end = ends[end_start[s] + term_end[t]]
                for k in range(columns):
                    where[c * columns + k] = (
                        places[end * columns + k]
                        if end < terminals
                        else base + (end - terminals) * columns + k
                    )
                continue
            for k in range(columns):
                row = spare + c * columns + k
                where[c * columns + k] = row
                z = numbers[row]
                z[:] = 0.0
                for each in range(t, last):
                    end = ends[end_start[s] + term_end[each]]
                    x = numbers[
                        places[end * columns + k]
                        if end < terminals
                        else base + (end - terminals) * columns + k
                    ]
                    if term_odds[each] < 0:
                        for d in range(count):
                            z[d] += x[d]
                    else:
                        y = numbers[odds_places[term_odds[each]]]
                        for d in range(count):
                            z[d] += y[d] * x[d]
        chosen = cells[s]
        if axes == 0:
            for d in range(count):
                chosen[d] = 0
            for k in range(columns):
                x, z = numbers[where[k]], numbers[made + k]
                for d in range(count):
                    z[d] = x[d]
            continue
        m, n = axis_size[first_axis], 1
        if axes <= 2:
            for a in range(axes):
                for c in range(number):
                    side[a, c] = where[c * columns + axis_player[first_axis + a]]
            if axes == 2:
                n = axis_size[first_axis + 1]
            for j in range(n):
                _lead(numbers, side[0], j, n, m, ahead_1[j], best_1[j], low)
            if axes == 2:
                for i in range(m):
                    _lead(numbers, side[1], i * n, 1, n, ahead_2[i], best_2[i], low)
                copy(margin[0], ahead_1[0])
                copy(pick[0], best_1[0])
                for j in range(1, n):
                    _join(margin[0], pick[0], ahead_1[j], best_1[j])
                copy(margin[1], ahead_2[0])
                copy(pick[1], best_2[0])
                for i in range(1, m):
                    _join(margin[1], pick[1], ahead_2[i], best_2[i])
        odd_draws = 0
        for d in range(count):
            cell = -1
            if status[d] == SOLVED:
                if axes == 1:
                    if ahead_1[0, d] > clear[axis_player[first_axis], d]:
                        cell = int(best_1[0, d])
                elif axes == 2:
                    clear_1 = clear[axis_player[first_axis], d]
                    clear_2 = clear[axis_player[first_axis + 1], d]
                    if margin[0, d] > clear_1:
                        i = int(pick[0, d])
                        if ahead_2[i, d] > clear_2:
                            cell = i * n + int(best_2[i, d])
                    elif margin[1, d] > clear_2:
                        j = int(pick[1, d])
                        if ahead_1[j, d] > clear_1:
                            cell = int(best_1[j, d]) * n + j
                    else:
                        for c in range(number):
                            table[0, c] = numbers[side[0, c], d]
                            table[1, c] = numbers[side[1, c], d]
                        i, j = survivors(
                            table, m, n, clear_1, clear_2, first, second, left_1, left_2
                        )
                        if i == 1 and j == 1:
                            cell = left_1[0] * n + left_2[0]
                        elif (
                            i <= 6
                            and j <= 6
                            and used + m + n <= mixed.size
                            and _at_most_one(table, n, i, j, left_1, left_2, clear_1, clear_2)
                        ):
                            for r in range(i):
                                for c in range(j):
                                    cell = left_1[r] * n + left_2[c]
                                    small_1[r, c] = table[0, cell]
                                    small_2[c, r] = table[1, cell]
                            tie_1 = ties[axis_player[first_axis], d]
                            tie_2 = ties[axis_player[first_axis + 1], d]
                            cell = -1
                            if (
                                extreme_pairs(
                                    small_1, small_2, i, j, tie_1, tie_2, clear_1, clear_2, xs, ys
                                )
                                == 1
                            ):
                                cell = -2 - used
                                mixed[used : used + m + n] = 0.0
                                for r in range(i):
                                    mixed[used + left_1[r]] = xs[0, r]
                                for c in range(j):
                                    mixed[used + m + left_2[c]] = ys[0, c]
                                used += m + n
                else:
                    for a in range(axes):
                        for c in range(number):
                            row = where[c * columns + axis_player[first_axis + a]]
                            table[a, c] = numbers[row, d]
                    for i in range(players):
                        own_clear[i] = clear[i, d]
                    left = undominated(
                        table, axis_size, axis_player, first_axis, axes, number, own_clear, live
                    )
                    if left == 1:
                        for c in range(number):
                            if live[c] == 1:
                                cell = c
                if cell == -1:
                    status[d] = UNSETTLED
            chosen[d] = cell
            # What is worked out for draws that are left alone is not read.
            at[d] = max(cell, 0) * columns
            if cell < -1:
                odd[odd_draws] = d
                odd_draws += 1
        for k in range(columns):
            z = numbers[made + k]
            for d in range(count):
                z[d] = numbers[where[at[d] + k], d]
        for each in range(odd_draws):
            d = odd[each]
            place = -2 - chosen[d]
            for k in range(columns):
                numbers[made + k, d] = 0.0
            for i in range(m):
                for j in range(n):
                    weight = mixed[place + i] * mixed[place + m + j]
                    if weight == 0:
                        continue
                    c = first_cell + i * n + j
                    for t in range(term_start[c], term_start[c + 1]):
                        share = weight
                        if term_odds[t] >= 0:
                            share *= numbers[odds_places[term_odds[t]], d]
                        end = ends[end_start[s] + term_end[t]]
                        for k in range(columns):
                            row = (
                                places[end * columns + k]
                                if end < terminals
                                else base + (end - terminals) * columns + k
                            )
                            numbers[made + k, d] += share * numbers[row, d]


@kept(types.void(_INTS, _MATRIX, _INTS, types.float64[:, :, ::1]))
def gather_draws(places, numbers, draws, values):  # type: ignore[no-untyped-def]
    """Write, for each of some draws, the numbers in given rows side by side.

    ``places`` (k,): rows of ``numbers`` (rows, n). ``draws`` (m,): which of the n. ``values`` (m,
    rows of one draw, columns): the first k numbers of each draw are written.
    """
    for start in range(0, draws.size, 8):
        stop = min(draws.size, start + 8)
        for k in range(places.size):
            x = numbers[places[k]]
            r, c = k // values.shape[2], k % values.shape[2]
            for d in range(start, stop):
                values[d, r, c] = x[draws[d]]
