"""Which strategies survive the elimination of strictly dominated ones, in many games."""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept

__all__ = ["eliminate_dominated"]

_INTS = types.int64[::1]


@kept(
    types.void(
        types.float64[:, :, ::1], _INTS, types.int64, types.int64, types.boolean[:, ::1], _INTS
    )
)
def eliminate_dominated(payoffs, sizes, start, stop, alive, rounds):  # type: ignore[no-untyped-def]
    """Mark what survives in the games ``start:stop``.

    Parameters
    ----------
    payoffs
        (games, players, cells), the last player's action running fastest over the cells.
    sizes
        (players,): strategies.
    alive
        (games, strategies of all players), written.
    rounds
        (games,), written: rounds in which something was eliminated; in each, all that is
        dominated given the survivors of the round before goes at once.
    """
    _, players, cells = payoffs.shape
    first = np.zeros(players, np.int64)
    stride = np.ones(players, np.int64)
    for i in range(1, players):
        first[i] = first[i - 1] + sizes[i - 1]
    for i in range(players - 2, -1, -1):
        stride[i] = stride[i + 1] * sizes[i + 1]
    total = first[players - 1] + sizes[players - 1]
    stays = np.empty(total, np.bool_)
    for g in range(start, stop):
        for a in range(total):
            alive[g, a] = True
        rounds[g] = 0
        changed = True
        while changed:
            changed = False
            for a in range(total):
                stays[a] = alive[g, a]
            for i in range(players):
                for a in range(sizes[i]):
                    if not alive[g, first[i] + a]:
                        continue
                    for b in range(sizes[i]):
                        if b == a or not alive[g, first[i] + b]:
                            continue
                        better = True
                        for t in range(cells):
                            if t // stride[i] % sizes[i] != a:
                                continue
                            played = True
                            for k in range(players):
                                own = first[k] + t // stride[k] % sizes[k]
                                if k != i and not alive[g, own]:
                                    played = False
                                    break
                            there = payoffs[g, i, t + (b - a) * stride[i]]
                            if played and not there > payoffs[g, i, t]:
                                better = False
                                break
                        if better:
                            stays[first[i] + a] = False
                            changed = True
                            break
            for a in range(total):
                alive[g, a] = stays[a]
            if changed:
                rounds[g] += 1
