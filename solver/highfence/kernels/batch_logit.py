"""Logit equilibria of many games at one precision, each followed from uniform play."""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import copy, kept
from .logit import go, move

__all__ = ["logit_points"]

_INTS = types.int64[::1]
_MATRIX = types.float64[:, ::1]


@kept(
    types.void(
        types.float64[:, :, ::1], _INTS, _INTS, types.float64[::1], types.int64, types.int64,
        types.float64, types.int64, _MATRIX, _MATRIX, types.boolean[::1],
    )
)  # fmt: skip
def logit_points(  # type: ignore[no-untyped-def]
    payoffs, counts, first, targets, start, stop, aim, most, tangents, points, found
):
    """Write the logs of the probabilities of the games ``start:stop`` at their precisions.

    Parameters
    ----------
    payoffs
        (games, players, cells).
    targets
        (games,): precisions in the units of ``payoffs``, above 0.
    aim, most
        Error of the predictor that is aimed at, and steps a game.
    tangents
        (games, strategies + 1): unit tangents at precision 0.
    points
        (games, strategies + 1): the points at precision 0; written.
    found
        (games,), written: the point was reached and settled.
    """
    size = points.shape[1] - 1
    record = np.empty((50, 2 * (size + 1)))
    before, control = np.empty(size + 1), np.empty(2)
    point, tangent = np.empty(size + 1), np.empty(size + 1)
    for g in range(start, stop):
        control[0], control[1] = 0.1, aim
        copy(point, points[g])
        copy(before, points[g])
        copy(tangent, tangents[g])
        left = most
        found[g] = False
        while left > 0:
            done = go(payoffs[g], counts, first, point, tangent, control, targets[g], 2.0, record)
            left -= 50
            if point[size] < targets[g]:
                copy(before, point)
            elif done > 1:
                copy(before, record[done - 2])
            if point[size] >= targets[g] or control[0] < 0.0:
                break
        if point[size] < targets[g]:
            continue
        share = (targets[g] - before[size]) / (point[size] - before[size])
        gap = 0.0
        for k in range(size):
            gap = max(gap, abs(point[k] - before[k]))
            points[g, k] = before[k] + share * (point[k] - before[k])
        points[g, size] = targets[g]
        copy(before, points[g])
        moved = move(payoffs[g], counts, first, points[g], 30)
        away = 0.0
        for k in range(size):
            away = max(away, abs(points[g, k] - before[k]))
        # Far from where the chord says it is, the point may be one of another branch.
        found[g] = moved < 1e-9 and away <= 1e-9 + gap
