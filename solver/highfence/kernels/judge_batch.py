"""The judge's loop over the answers of a block of draws: regret of every way of every stage.

The structure of a game and the layout of answers are described in
:mod:`highfence.kernels.batch_tree`. Nothing but terminals' payoffs, probabilities and what was
answered is read; what continuations are worth is worked out anew.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept

__all__ = ["judge_draws_of_tree"]

_INTS = types.int64[::1]
_CUBE = types.float64[:, :, ::1]
_MATRIX = types.float64[:, ::1]
_CUBE_OF_INTS = types.int64[:, :, ::1]


@kept(
    types.void(
        _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS, _INTS,
        types.int64, types.int64,
        _CUBE, _MATRIX, types.int64, types.uint8[::1], _INTS, _CUBE_OF_INTS, _CUBE_OF_INTS, _MATRIX,
        types.float64[::1],
    )
)  # fmt: skip
def judge_draws_of_tree(  # type: ignore[no-untyped-def]
    axis_start, axis_player, axis_size, end_start, ends, cell_start, term_start, term_end,
    term_odds,
    players, terminals,
    values, odds, count, status, way_count, following, ways, mixed,
    regret,
):  # fmt: skip
    """Write the largest regret of all equilibria of each draw that has status 0.

    Regret is what the best deviation, in one stage or in several, adds to a player's payoff
    in any subgame, over the difference between the player's largest and least payoff in the
    game. Where a continuation comes about in several ways, the best deviation is taken over all
    of them, so the number bounds the regret of each equilibrium. Infinite where the answer is
    malformed: strategies that are no probabilities, ways out of order, stages without one,
    claimed payoffs at the root that are not those of the strategies.
    """
    stages = axis_start.size - 1
    room = values.shape[1] - terminals
    worth, best = np.empty((room, players)), np.empty((room, players))
    seen = np.empty(room, np.int64)
    most_ends, longest = 1, 1
    for s in range(stages):
        most_ends = max(most_ends, end_start[s + 1] - end_start[s])
        for a in range(axis_start[s], axis_start[s + 1]):
            longest = max(longest, axis_size[a])
    chosen = np.empty(most_ends, np.int64)
    deviation = np.empty(longest)
    here, reply = np.empty(players), np.empty(players)
    spread = np.empty(players)

    for d in range(count):
        if status[d] != 0:
            regret[d] = np.inf
            continue
        for i in range(players):
            here[i] = values[d, 0, i]
            reply[i] = values[d, 0, i]
        for t in range(1, terminals):
            for i in range(players):
                here[i] = min(here[i], values[d, t, i])
                reply[i] = max(reply[i], values[d, t, i])
        for i in range(players):
            spread[i] = reply[i] - here[i] if reply[i] > here[i] else 1.0
        seen[:] = 0
        worst = 0.0
        sound = True
        last = 0
        for w in range(way_count[d]):
            s, combination, cell = ways[d, w, 0], ways[d, w, 1], ways[d, w, 2]
            row = ways[d, w, 4] - terminals
            if not (last <= s < stages and 0 <= row < room) or not (
                following[d, s, 0] <= row + terminals < following[d, s, 0] + following[d, s, 1]
            ):
                sound = False
                break
            last = s
            # Which continuations follow: digits of the combination, the last end's first.
            rest = combination
            for e in range(end_start[s + 1] - end_start[s] - 1, -1, -1):
                end = ends[end_start[s] + e]
                if end < terminals:
                    chosen[e] = end
                    continue
                base = following[d, end - terminals, 1]
                if base < 1:
                    sound = False
                    break
                chosen[e] = following[d, end - terminals, 0] + rest % base
                rest //= base
                if not 0 <= chosen[e] - terminals < room or seen[chosen[e] - terminals] == 0:
                    sound = False
                    break
            if rest != 0 or not sound:
                sound = False
                break
            axes = axis_start[s + 1] - axis_start[s]
            cells = cell_start[s + 1] - cell_start[s]
            if cell >= cells:
                sound = False
                break
            place = ways[d, w, 3]
            if cell < 0:
                # Probabilities of one's own actions, one axis after the other.
                at = place
                for a in range(axes):
                    total = 0.0
                    for k in range(axis_size[axis_start[s] + a]):
                        share = mixed[d, at + k]
                        sound = sound and share >= 0.0
                        total += share
                    sound = sound and abs(total - 1.0) <= 1e-9
                    at += axis_size[axis_start[s] + a]
                if not sound:
                    break
            for i in range(players):
                here[i] = 0.0
                reply[i] = 0.0
            first_cell = cell_start[s]
            if cell >= 0:
                for t in range(term_start[first_cell + cell], term_start[first_cell + cell + 1]):
                    end = chosen[term_end[t]]
                    chance = odds[d, term_odds[t]] if term_odds[t] >= 0 else 1.0
                    for i in range(players):
                        if end < terminals:
                            here[i] += chance * values[d, end, i]
                            reply[i] += chance * values[d, end, i]
                        else:
                            here[i] += chance * worth[end - terminals, i]
                            reply[i] += chance * best[end - terminals, i]
                below = cells
                for a in range(axes):
                    player = axis_player[axis_start[s] + a]
                    size = axis_size[axis_start[s] + a]
                    below //= size
                    start = cell - (cell // below % size) * below
                    for k in range(size):
                        c = first_cell + start + k * below
                        gain = 0.0
                        for t in range(term_start[c], term_start[c + 1]):
                            end = chosen[term_end[t]]
                            chance = odds[d, term_odds[t]] if term_odds[t] >= 0 else 1.0
                            if end < terminals:
                                gain += chance * values[d, end, player]
                            else:
                                gain += chance * best[end - terminals, player]
                        reply[player] = max(reply[player], gain)
            else:
                for c in range(cells):
                    share = 1.0
                    at = place
                    below = cells
                    for a in range(axes):
                        size = axis_size[axis_start[s] + a]
                        below //= size
                        share *= mixed[d, at + c // below % size]
                        at += size
                    if share == 0.0:
                        continue
                    for t in range(term_start[first_cell + c], term_start[first_cell + c + 1]):
                        end = chosen[term_end[t]]
                        chance = share * (odds[d, term_odds[t]] if term_odds[t] >= 0 else 1.0)
                        for i in range(players):
                            if end < terminals:
                                here[i] += chance * values[d, end, i]
                                reply[i] += chance * values[d, end, i]
                            else:
                                here[i] += chance * worth[end - terminals, i]
                                reply[i] += chance * best[end - terminals, i]
                # Each mover's own action against what the others do.
                below = cells
                for a in range(axes):
                    player = axis_player[axis_start[s] + a]
                    size = axis_size[axis_start[s] + a]
                    below //= size
                    deviation[:size] = 0.0
                    for c in range(cells):
                        others = 1.0
                        span = cells
                        at = place
                        for b in range(axes):
                            width = axis_size[axis_start[s] + b]
                            span //= width
                            if b != a:
                                others *= mixed[d, at + c // span % width]
                            at += width
                        if others == 0.0:
                            continue
                        gain = 0.0
                        for t in range(term_start[first_cell + c], term_start[first_cell + c + 1]):
                            end = chosen[term_end[t]]
                            chance = odds[d, term_odds[t]] if term_odds[t] >= 0 else 1.0
                            if end < terminals:
                                gain += chance * values[d, end, player]
                            else:
                                gain += chance * best[end - terminals, player]
                        deviation[c // below % size] += others * gain
                    for k in range(size):
                        reply[player] = max(reply[player], deviation[k])
            for i in range(players):
                if seen[row] == 0:
                    worth[row, i] = here[i]
                    best[row, i] = reply[i]
                else:
                    best[row, i] = max(best[row, i], reply[i])
                worst = max(worst, (best[row, i] - min(worth[row, i], here[i])) / spread[i])
            seen[row] += 1
        for s in range(stages):
            sound = sound and following[d, s, 1] >= 1
            for k in range(following[d, s, 1]):
                row = following[d, s, 0] - terminals + k
                sound = sound and 0 <= row < room and seen[row] > 0
                if sound and s == stages - 1:
                    for i in range(players):
                        gap = abs(values[d, terminals + row, i] - worth[row, i])
                        worst = max(worst, gap / spread[i])
        regret[d] = worst if sound else np.inf
