"""Backward induction over one game's stages, for a block of draws of its numbers.

The structure of the game is the same at every draw and comes as flat arrays; payoffs differ.

Structure
---------
A *stage* is what is left of a subgame when the subgames inside it are cut off. Stages are
numbered so that what a stage leads to comes before it; the last one is that of the whole game.
A stage has *axes*, one per player who has a choice in it, and *cells*, one per combination of
choices, the last axis running fastest. A cell leads to *ends*: terminals, or other stages. Each
*term* of a cell is one end and the probability with which chance leads there.

- ``axis_start`` (stages + 1,), ``axis_player``, ``axis_size``: axes of stage ``s`` are
  ``axis_start[s]:axis_start[s + 1]``.
- ``end_start`` (stages + 1,), ``ends``: what a stage leads to, each once: terminal ``t`` is
  ``t``, stage ``s`` is ``terminals + s``.
- ``cell_start`` (stages + 1,), ``term_start`` (cells + 1,), ``term_end``: position among the
  stage's ends; ``term_odds``: entry of the draw's probabilities, -1 for certainty.
- ``rule`` (stages,): ``ALL`` or ``PURE`` equilibria are searched for, or ``NEVER``. All of a stage
  of three or more are those that iterated strict dominance leaves, if it leaves one combination.

Answers
-------
A *continuation* is the set of equilibria of a subgame with the same payoffs: a row of
``values`` beside those of the terminals. A *way* says how one is brought about: the stage; the
number of the combination of continuations further down, mixed radix over the stage's ends, the
last one running fastest; and the cell that is played, or mixed strategies, axis after axis.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .batch_bimatrix import extreme_pairs
from .batch_stages import (
    ALL,
    CLOSE,
    MIXED,
    NARROW,
    NEVER,
    NO_PURE,
    SOLVED,
    TOO_LARGE,
    TOO_MANY,
    UNDEFINED,
    survivors,
    undominated,
)  # fmt: skip
from .compiling import kept, lean

__all__ = ["solve_draws_of_tree"]

_INTS = types.int64[::1]
_CUBE = types.float64[:, :, ::1]
_MATRIX = types.float64[:, ::1]


@lean
def _add(  # type: ignore[no-untyped-def]
    values, upper, odds, chosen, term_start, term_end, term_odds, cell, weight, players, terminals,
    made, made_upper,
):  # fmt: skip
    """Add a cell's payoffs and outcomes, times its probability, to the sums."""
    for t in range(term_start[cell], term_start[cell + 1]):
        row = chosen[term_end[t]]
        share = weight
        if term_odds[t] >= 0:
            share *= odds[term_odds[t]]
        for c in range(values.shape[1]):
            made[c] += share * values[row, c]
        for c in range(made_upper.size):
            if row < terminals:
                made_upper[c] += share * values[row, players + c]
            else:
                made_upper[c] += share * upper[row - terminals, c]


@kept(
    types.void(
        _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS,
        types.int64, types.int64,
        _CUBE, _CUBE, _MATRIX, _MATRIX, types.int64,
        types.float64, types.float64, types.float64,
        types.int64, types.float64,
        types.uint8[::1], _INTS,
        types.int64[:, :, ::1], types.int64[:, :, ::1], _MATRIX, types.float64[:, ::1],
    )
)  # fmt: skip
def solve_draws_of_tree(  # type: ignore[no-untyped-def]
    axis_start, axis_player, axis_size, end_start, ends, cell_start, term_start, term_end,
    term_odds, rule,
    players, terminals,
    values, upper, odds, scale, count,
    rounding, least, clear_share,
    most_combinations, most_equilibria,
    status, way_count,
    following, ways, mixed, counts,
):  # fmt: skip
    """Solve the first ``count`` draws of a block.

    Parameters
    ----------
    values
        (draws, terminals + room, columns): payoffs, then outcomes. Those of terminals are
        given; rows of continuations are written, with the least outcomes.
    upper
        (draws, room, outcomes): the largest outcomes of continuations.
    odds
        (draws, entries): probabilities.
    scale
        (draws, players), written: largest payoff less the least, 1 where that is 0.
    rounding, least, clear_share
        Payoffs within ``rounding`` of the largest tie. Draws are left at which that is more
        than ``least`` of the payoff scale. Payoffs that differ by more than ``clear_share``
        of the scale do not tie.
    status, way_count
        (draws,), written.
    following
        (draws, stages, 2), written: the first row of a stage's continuations, and their number.
    ways
        (draws, room, 5), written: stage, combination, cell or -1, place of the mixed strategies
        in ``mixed``, row of the continuation.
    counts
        (draws, room), written: equilibria per continuation.
    """
    stages = axis_start.size - 1
    columns = values.shape[2]
    metrics = columns - players
    room = values.shape[1] - terminals
    way_room = ways.shape[1]
    widest, most_axes, most_ends = 1, 1, 1
    for s in range(stages):
        widest = max(widest, cell_start[s + 1] - cell_start[s])
        most_axes = max(most_axes, axis_start[s + 1] - axis_start[s])
        most_ends = max(most_ends, end_start[s + 1] - end_start[s])
    table = np.empty((most_axes, widest))
    good = np.empty(widest, np.uint8)
    chosen = np.empty(most_ends, np.int64)
    several = np.empty(most_ends, np.int64)
    made = np.empty(columns)
    made_upper = np.empty(metrics)
    tie, clear = np.empty(players), np.empty(players)
    low, high, strange = np.empty(columns), np.empty(columns), np.empty(columns)
    longest = 6
    for s in range(stages):
        for a in range(axis_start[s], axis_start[s + 1]):
            longest = max(longest, axis_size[a])
    first, second = np.empty((longest, longest)), np.empty((longest, longest))
    small_1, small_2 = np.empty((6, 6)), np.empty((6, 6))
    rows, others = np.empty(longest, np.int64), np.empty(longest, np.int64)
    xs, ys = np.empty((128, 6)), np.empty((128, 6))

    for d in range(count):
        way_count[d] = 0
        if status[d] != SOLVED:
            continue
        v, up, p = values[d], upper[d], odds[d]
        # What is a tie, and is it far from what is none?
        for c in range(columns):
            low[c] = v[0, c]
            high[c] = v[0, c]
            strange[c] = 0.0
        for t in range(terminals):
            for c in range(columns):
                x = v[t, c]
                low[c] = min(low[c], x)
                high[c] = max(high[c], x)
                strange[c] += x - x
        for c in range(columns):
            if strange[c] != 0.0:
                status[d] = UNDEFINED
        for i in range(players):
            spread = high[i] - low[i]
            scale[d, i] = spread if spread > 0 else 1.0
            tie[i] = rounding * max(abs(low[i]), abs(high[i]))
            clear[i] = max(clear_share * spread, 16 * tie[i])
            if spread > 0 and tie[i] > least * spread and status[d] == SOLVED:
                status[d] = NARROW
        if status[d] != SOLVED:
            continue
        used, used_ways, used_mixed = 0, 0, 0
        combinations = 0
        for s in range(stages):
            start = used
            following[d, s, 0], following[d, s, 1] = terminals + start, 0
            axes = axis_start[s + 1] - axis_start[s]
            first_axis = axis_start[s]
            cells = cell_start[s + 1] - cell_start[s]
            first_cell = cell_start[s]
            number, choices = 0, 1
            for e in range(end_start[s + 1] - end_start[s]):
                end = ends[end_start[s] + e]
                if end < terminals:
                    chosen[e] = end
                    continue
                below = end - terminals
                chosen[e] = following[d, below, 0]
                if following[d, below, 1] > 1:
                    several[number] = e
                    number += 1
                    if choices > most_combinations // following[d, below, 1]:
                        status[d] = TOO_MANY
                        break
                    choices *= following[d, below, 1]
            if choices > 1:
                combinations += choices
            if combinations > most_combinations:
                status[d] = TOO_MANY
            if rule[s] == NEVER:
                status[d] = TOO_LARGE
            if status[d] != SOLVED:
                break
            for combination in range(choices):
                rest = combination
                for k in range(number - 1, -1, -1):
                    e = several[k]
                    below = ends[end_start[s] + e] - terminals
                    chosen[e] = following[d, below, 0] + rest % following[d, below, 1]
                    rest //= following[d, below, 1]
                for c in range(cells):
                    # Nearly always a cell is one end, for certain; no call is made for it.
                    t = term_start[first_cell + c]
                    last = term_start[first_cell + c + 1]
                    if last == t + 1 and term_odds[t] < 0:
                        row = chosen[term_end[t]]
                        for a in range(axes):
                            table[a, c] = v[row, axis_player[first_axis + a]]
                        continue
                    for a in range(axes):
                        total = 0.0
                        for k in range(t, last):
                            share = p[term_odds[k]] if term_odds[k] >= 0 else 1.0
                            total += share * v[chosen[term_end[k]], axis_player[first_axis + a]]
                        table[a, c] = total
                pairs = -1
                m, n = 1, 1
                begin, finish = 0, cells
                if axes == 2 and rule[s] == ALL:
                    size = axis_size[first_axis + 1]
                    one, two = axis_player[first_axis], axis_player[first_axis + 1]
                    m, n = survivors(
                        table, axis_size[first_axis], size, clear[one], clear[two], first, second,
                        rows, others,
                    )  # fmt: skip
                    if m == 1 and n == 1:
                        begin = rows[0] * size + others[0]
                        finish = begin + 1
                        good[begin] = 1
                    elif m > 6 or n > 6:
                        status[d] = TOO_LARGE
                        break
                    else:
                        for i in range(m):
                            for j in range(n):
                                small_1[i, j] = first[rows[i], others[j]]
                                small_2[j, i] = second[others[j], rows[i]]
                        pairs = extreme_pairs(
                            small_1, small_2, m, n, tie[one], tie[two], clear[one], clear[two],
                            xs, ys,
                        )  # fmt: skip
                        if pairs < 0:
                            status[d] = CLOSE
                            break
                elif axes > 2 and rule[s] == ALL:
                    left = undominated(
                        table, axis_size, axis_player, first_axis, axes, cells, clear, good
                    )
                    if left > 1:
                        status[d] = MIXED
                        break
                else:
                    for c in range(cells):
                        good[c] = 1
                    stride = cells
                    for a in range(axes):
                        player = axis_player[first_axis + a]
                        size = axis_size[first_axis + a]
                        span = stride
                        stride //= size
                        for base in range(0, cells, span):
                            for offset in range(base, base + stride):
                                most = table[a, offset]
                                for k in range(1, size):
                                    most = max(most, table[a, offset + k * stride])
                                for k in range(size):
                                    c = offset + k * stride
                                    gap = most - table[a, c]
                                    if gap > clear[player]:
                                        good[c] = 0
                                    elif gap > tie[player] and good[c] == 1:
                                        good[c] = 2
                found = 0
                if pairs >= 0:
                    finish = pairs
                for each in range(begin, finish):
                    if pairs < 0:
                        if good[each] == 0:
                            continue
                        if good[each] == 2:
                            status[d] = CLOSE
                            break
                    found += 1
                    if used == room or used_ways == way_room:
                        status[d] = TOO_MANY
                        break
                    for c in range(columns):
                        made[c] = 0.0
                    for c in range(metrics):
                        made_upper[c] = 0.0
                    if pairs < 0:
                        for t in range(
                            term_start[first_cell + each], term_start[first_cell + each + 1]
                        ):
                            row = chosen[term_end[t]]
                            share = p[term_odds[t]] if term_odds[t] >= 0 else 1.0
                            for k in range(columns):
                                made[k] += share * v[row, k]
                            for k in range(metrics):
                                if row < terminals:
                                    made_upper[k] += share * v[row, players + k]
                                else:
                                    made_upper[k] += share * up[row - terminals, k]
                    else:
                        size = axis_size[first_axis + 1]
                        for i in range(m):
                            for j in range(n):
                                weight = xs[each, i] * ys[each, j]
                                if weight > 0:
                                    _add(
                                        v, up, p, chosen, term_start, term_end, term_odds,
                                        first_cell + rows[i] * size + others[j], weight, players,
                                        terminals, made, made_upper,
                                    )  # fmt: skip
                    equilibria = 1.0
                    for e in range(end_start[s + 1] - end_start[s]):
                        if chosen[e] >= terminals:
                            equilibria *= counts[d, chosen[e] - terminals]
                    place = used
                    for r in range(start, used):
                        same = True
                        for i in range(players):
                            if abs(v[terminals + r, i] - made[i]) > tie[i]:
                                same = False
                                break
                        if same:
                            place = r
                            break
                    if place == used:
                        used += 1
                        following[d, s, 1] += 1
                        counts[d, place] = equilibria
                        for c in range(columns):
                            v[terminals + place, c] = made[c]
                        for c in range(metrics):
                            up[place, c] = made_upper[c]
                    else:
                        counts[d, place] += equilibria
                        for c in range(metrics):
                            v[terminals + place, players + c] = min(
                                v[terminals + place, players + c], made[players + c]
                            )
                            up[place, c] = max(up[place, c], made_upper[c])
                    ways[d, used_ways, 0] = s
                    ways[d, used_ways, 1] = combination
                    ways[d, used_ways, 2] = each if pairs < 0 else -1
                    ways[d, used_ways, 3] = used_mixed
                    ways[d, used_ways, 4] = terminals + place
                    used_ways += 1
                    if pairs >= 0:
                        m_all, n_all = axis_size[first_axis], axis_size[first_axis + 1]
                        if used_mixed + m_all + n_all > mixed.shape[1]:
                            status[d] = TOO_MANY
                            break
                        for k in range(m_all + n_all):
                            mixed[d, used_mixed + k] = 0.0
                        for i in range(m):
                            mixed[d, used_mixed + rows[i]] = xs[each, i]
                        for j in range(n):
                            mixed[d, used_mixed + m_all + others[j]] = ys[each, j]
                        used_mixed += m_all + n_all
                if status[d] == SOLVED and found == 0:
                    status[d] = NO_PURE
                if status[d] != SOLVED:
                    break
            if status[d] != SOLVED:
                break
        if status[d] != SOLVED:
            continue
        total = 0.0
        for r in range(following[d, stages - 1, 1]):
            total += counts[d, following[d, stages - 1, 0] - terminals + r]
        if total > most_equilibria:
            status[d] = TOO_MANY
        way_count[d] = used_ways
