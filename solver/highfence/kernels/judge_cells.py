"""The judge's loop over draws side by side, where each stage of a game has one equilibrium.

Nothing but terminals' payoffs, probabilities and what is played is read, besides what the whole
game is said to be worth: what continuations are worth is worked out anew.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept, lean

__all__ = ["judge_cells_of_tree"]

_INTS = types.int64[::1]
_MATRIX = types.float64[:, ::1]


@lean
def _sum_up(to, chance, x, begin):  # type: ignore[no-untyped-def]
    """Add a row times its probability at every draw, or begin a sum with it."""
    if begin:
        for d in range(to.size):
            to[d] = chance[d] * x[d]
    else:
        for d in range(to.size):
            to[d] += chance[d] * x[d]


@kept(
    types.void(
        _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS,
        types.int64, types.int64, types.int64,
        _INTS, _INTS, _INTS,
        _MATRIX, types.uint8[::1], types.int32[:, ::1], types.float64[::1], _MATRIX,
        types.float64[::1],
    )
)  # fmt: skip
def judge_cells_of_tree(  # type: ignore[no-untyped-def]
    axis_start, axis_player, axis_size, end_start, ends, cell_start, term_start, term_end,
    term_odds,
    players, terminals, columns,
    places, row_start, rows_of,
    numbers, status, cells, mixed, claimed,
    regret,
):  # fmt: skip
    """Write the regret of the one equilibrium of each draw that has status 0.

    As :func:`highfence.kernels.judge_batch.judge_draws_of_tree` where every subgame has one way:
    ``cells`` (stages, draws) and ``mixed`` say what is played, and ``numbers`` (rows, draws) what
    terminals are worth and the probabilities of chance, as in
    :mod:`highfence.kernels.batch_clear`; ``claimed`` (columns, draws) is what the whole game is
    said to be worth.
    """
    stages = axis_start.size - 1
    count = numbers.shape[1]
    odds_places = places[terminals * columns :]
    widest, longest = 1, 1
    for s in range(stages):
        widest = max(widest, cell_start[s + 1] - cell_start[s])
        for a in range(axis_start[s], axis_start[s + 1]):
            longest = max(longest, axis_size[a])
    # Row s * players + i: what stage s is worth to player i. What it is worth if i deviates is
    # that row too if nothing is to be gained there or later, else a row of its own. At the end
    # is room for the cells of a stage.
    spare = 2 * stages * players
    own = np.empty((spare + 2 * widest * players, count))
    best_at = np.empty(stages * players, np.int64)
    used = stages * players
    where, where_best = np.empty(widest * players, np.int64), np.empty(widest * players, np.int64)
    start_of = np.empty(widest, np.int64)
    certain = np.ones(count)
    low, high, spread = np.empty(count), np.empty(count), np.empty((players, count))
    most = np.zeros((players, count))
    broken = np.zeros(count, np.uint8)
    at, odd = np.empty(count, np.int64), np.empty(count, np.int64)
    deviation = np.empty(longest)
    moves = np.empty(players, np.uint8)
    for i in range(players):
        x = numbers[rows_of[row_start[i]]]
        for d in range(count):
            low[d] = x[d]
            high[d] = x[d]
        for r in range(row_start[i] + 1, row_start[i + 1]):
            x = numbers[rows_of[r]]
            for d in range(count):
                low[d] = x[d] if x[d] < low[d] else low[d]
                high[d] = x[d] if x[d] > high[d] else high[d]
        for d in range(count):
            spread[i, d] = high[d] - low[d] if high[d] > low[d] else 1.0
    for s in range(stages):
        axes, first_axis = axis_start[s + 1] - axis_start[s], axis_start[s]
        number, first_cell = cell_start[s + 1] - cell_start[s], cell_start[s]
        made = s * players
        moves[:] = 0
        for a in range(axes):
            moves[axis_player[first_axis + a]] = 1
        # Which draws play which cell?
        odds_draws = 0
        for d in range(count):
            cell = cells[s, d]
            at[d] = 0
            if status[d] != 0 or broken[d] != 0:
                continue
            if 0 <= cell < number:
                at[d] = cell
            elif cell <= -2:
                odd[odds_draws] = d
                odds_draws += 1
            else:
                broken[d] = 1
        # Where is what a cell is worth, and what is it worth at most?
        leaf, plain = True, True
        for t in range(term_start[first_cell], term_start[first_cell + number]):
            leaf = leaf and ends[end_start[s] + term_end[t]] < terminals
            plain = plain and term_odds[t] < 0
        if term_start[first_cell + number] - term_start[first_cell] != number:
            plain = False
        for c in range(number):
            first, last = term_start[first_cell + c], term_start[first_cell + c + 1]
            end = ends[end_start[s] + term_end[first]]
            for i in range(players):
                k = c * players + i
                if plain and last == first + 1 and leaf:
                    where[k] = places[end * columns + i]
                    where_best[k] = where[k]
                    continue
                below = (end - terminals) * players + i
                if plain and last == first + 1 and end >= terminals:
                    where[k] = below
                    where_best[k] = best_at[below]
                    continue
                where[k] = spare + k
                where_best[k] = where[k]
                for t in range(first, last):
                    end = ends[end_start[s] + term_end[t]]
                    if end >= terminals:
                        below = (end - terminals) * players + i
                        if best_at[below] != below:
                            where_best[k] = spare + widest * players + k
                for t in range(first, last):
                    end = ends[end_start[s] + term_end[t]]
                    below = (end - terminals) * players + i
                    chance = certain
                    if term_odds[t] >= 0:
                        chance = numbers[odds_places[term_odds[t]]]
                    x = own[below] if end >= terminals else numbers[places[end * columns + i]]
                    _sum_up(own[where[k]], chance, x, t == first)
                    if where_best[k] != where[k]:
                        if end >= terminals:
                            x = own[best_at[below]]
                        _sum_up(own[where_best[k]], chance, x, t == first)
        source = numbers if plain and leaf else own
        # What is played, and the best of what is played and deviations.
        for i in range(players):
            to = own[made + i]
            for d in range(count):
                to[d] = source[where[at[d] * players + i], d]
            best_at[made + i] = made + i
            same = moves[i] == 0
            for c in range(number):
                same = same and where[c * players + i] == where_best[c * players + i]
            if not same:
                best_at[made + i] = used
                to = own[used]
                used += 1
                for d in range(count):
                    to[d] = source[where_best[at[d] * players + i], d]
        step = number
        for a in range(axes):
            player, size = axis_player[first_axis + a], axis_size[first_axis + a]
            step //= size
            for c in range(number):
                start_of[c] = c - (c // step % size) * step
            reply = own[best_at[made + player]]
            for d in range(count):
                k = start_of[at[d]] * players + player
                high_d = reply[d]
                for _ in range(size):
                    x_d = source[where_best[k], d]
                    high_d = x_d if x_d > high_d else high_d
                    k += step * players
                reply[d] = high_d
        # Mixed strategies: probabilities of one's own actions, one axis after the other.
        for each in range(odds_draws):
            d = odd[each]
            place = -2 - cells[s, d]
            length = 0
            for a in range(axes):
                length += axis_size[first_axis + a]
            sound = axes > 0 and place + length <= mixed.size
            k = place
            for a in range(axes):
                if sound:
                    total = 0.0
                    for _ in range(axis_size[first_axis + a]):
                        sound = sound and mixed[k] >= 0.0
                        total += mixed[k]
                        k += 1
                    sound = sound and abs(total - 1.0) <= 1e-9
            if not sound:
                broken[d] = 1
                continue
            for i in range(players):
                own[made + i, d] = 0.0
                own[best_at[made + i], d] = 0.0
            for c in range(number):
                share = 1.0
                k, below = place, number
                for a in range(axes):
                    size = axis_size[first_axis + a]
                    below //= size
                    share *= mixed[k + c // below % size]
                    k += size
                if share == 0.0:
                    continue
                for i in range(players):
                    own[made + i, d] += share * source[where[c * players + i], d]
                    if best_at[made + i] != made + i:
                        value = source[where_best[c * players + i], d]
                        own[best_at[made + i], d] += share * value
            # Each mover's own action against what the others do.
            step = number
            for a in range(axes):
                player, size = axis_player[first_axis + a], axis_size[first_axis + a]
                step //= size
                deviation[:size] = 0.0
                for c in range(number):
                    others = 1.0
                    k, below = place, number
                    for b in range(axes):
                        width = axis_size[first_axis + b]
                        below //= width
                        if b != a:
                            others *= mixed[k + c // below % width]
                        k += width
                    if others > 0.0:
                        value = source[where_best[c * players + player], d]
                        deviation[c // step % size] += others * value
                for k in range(size):
                    if deviation[k] > own[best_at[made + player], d]:
                        own[best_at[made + player], d] = deviation[k]
        for i in range(players):
            if best_at[made + i] == made + i:
                continue
            x, y, z = own[made + i], own[best_at[made + i]], most[i]
            for d in range(count):
                gain = y[d] - x[d]
                z[d] = gain if gain > z[d] else z[d]
    for d in range(count):
        if status[d] != 0 or broken[d] != 0:
            regret[d] = np.inf
            continue
        worst = 0.0
        for i in range(players):
            # The largest gain over the scale is the largest of gains over the scale.
            gap = abs(claimed[i, d] - own[(stages - 1) * players + i, d])
            worst = max(worst, most[i, d] / spread[i, d], gap / spread[i, d])
        regret[d] = worst
