"""Paths of games with bonuses, from one pure end to the other.

Definitions are those of :mod:`highfence.methods.global_newton`, conventions on arrays those of
:mod:`highfence.kernels.indifference`. A *point* (strategies + 1,) has a coordinate per strategy,
and the size of the bonuses last. What is not played has the probability 0, whatever its coordinate
is, so linear systems are solved for what is played, and the rest follows.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import copy, inner, kept, lean
from .indifference import eliminate, pay

__all__ = ["ENDED", "GOING", "LOST", "begin", "follow"]

GOING, ENDED, LOST = 0, 1, 2
"""Statuses of a path."""

_INTS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_FLAGS = types.boolean[::1]

_SIGN = 1e-10
"""How far a coordinate may be on the wrong side of a boundary, as rounding."""
_SETTLED = 1e-9
"""Relative size of a Newton step after which the next one would be rounding."""
_SHORTEST = 1e-12
"""Steps shorter than this, relative to the bonuses, are a standstill."""
_STRAIGHT = 0.995
"""Cosine of the turn up to which the next step is twice as long."""
_CLEAN = 1e-9
"""Regret of what is kept, with payoffs in [0, 1]."""
_SAME = 1e-6
"""Difference of probabilities up to which two equilibria are the same one."""


@lean
def _margins(counts, first, support, point, margins):  # type: ignore[no-untyped-def]
    """Write by how much each coordinate is above its player's cut: the probability, if played."""
    for i in range(counts.size):
        total, played = -1.0, 0
        for a in range(first[i], first[i] + counts[i]):
            if support[a]:
                total += point[a]
                played += 1
        for a in range(first[i], first[i] + counts[i]):
            margins[a] = point[a] - total / played


@lean
def _margin_slope(counts, first, support, strategy, row):  # type: ignore[no-untyped-def]
    """Write the slopes of one margin in the coordinates of a point."""
    row[:] = 0.0
    for i in range(counts.size):
        if first[i] <= strategy < first[i] + counts[i]:
            played = 0
            for a in range(first[i], first[i] + counts[i]):
                played += support[a]
            for a in range(first[i], first[i] + counts[i]):
                if support[a]:
                    row[a] = -1.0 / played
    row[strategy] += 1.0


@inner
def _solved(  # type: ignore[no-untyped-def]
    payoffs, counts, first, bonus, support, point, row, off, fixed, p, values, slopes, means, move,
    turn,
):  # fmt: skip
    """Write the Newton step at a point, and the direction in which the path goes.

    The equations are those of the path, and one more with the slopes ``row`` that is missed by
    ``off``; with ``fixed`` the bonuses stay as they are instead. ``turn`` solves the equations
    with 0 on the right, and 1 for the last.
    """
    size = p.size
    _margins(counts, first, support, point, p)
    for a in range(size):
        if not support[a]:
            p[a] = 0.0
    pay(payoffs, counts, first, p, values, slopes)
    # What matters of a slope is by how much it differs from the mean over what is played.
    played = 0
    place = np.empty(size, np.int64)
    for i in range(counts.size):
        begin, end = first[i], first[i] + counts[i]
        share = 0.0
        for b in range(begin, end):
            if support[b]:
                share += 1.0
        for a in range(size):
            mean = 0.0
            for b in range(begin, end):
                if support[b]:
                    mean += slopes[a, b]
            mean /= share
            for b in range(begin, end):
                slopes[a, b] = slopes[a, b] - mean if support[b] else 0.0
        for a in range(begin, end):
            if support[a]:
                place[played] = a
                played += 1
                for b in range(begin, end):
                    if support[b]:
                        slopes[a, b] -= 1.0 / share
    # For a strategy that is played, its own probability and coordinate cancel; for another one
    # the coordinate stands alone, and follows.
    matrix = np.zeros((played + 1, played + 1))
    right = np.zeros((played + 1, 2))
    for a in range(size):
        means[a] = p[a] + values[a] + point[size] * bonus[a] - point[a]
    for r in range(played):
        a = place[r]
        for c in range(played):
            matrix[r, c] = slopes[a, place[c]]
        matrix[r, played] = bonus[a]
        right[r, 0] = means[a]
        matrix[played, r] = row[a]
    matrix[played, played] = row[size]
    right[played, 0], right[played, 1] = off, 1.0
    for a in range(size):
        if not support[a] and row[a] != 0.0:
            for c in range(played):
                matrix[played, c] += row[a] * slopes[a, place[c]]
            matrix[played, played] += row[a] * bonus[a]
            right[played, 0] += row[a] * means[a]
    if fixed:
        matrix[played, :] = 0.0
        matrix[played, played] = 1.0
        right[played, 0] = 0.0
    if eliminate(matrix, right) == 0.0:
        return False
    move[size], turn[size] = right[played, 0], right[played, 1]
    for a in range(size):
        move[a] = bonus[a] * move[size] - means[a]
        turn[a] = bonus[a] * turn[size]
        for c in range(played):
            move[a] += slopes[a, place[c]] * right[c, 0]
            turn[a] += slopes[a, place[c]] * right[c, 1]
    for c in range(played):
        move[place[c]], turn[place[c]] = right[c, 0], right[c, 1]
    length = 0.0
    for a in range(size + 1):
        length += turn[a] * turn[a]
    length = np.sqrt(length)
    if not 0.0 < length < np.inf:
        return False
    for a in range(size + 1):
        turn[a] /= length
        if not np.isfinite(move[a]):
            return False
    return True


@lean
def _settle(  # type: ignore[no-untyped-def]
    payoffs, counts, first, bonus, support, point, row, off, p, values, slopes, means, move, turn,
):  # fmt: skip
    """Bring a guess onto the path by Newton steps; return whether they converged."""
    before = np.inf
    size = p.size
    for _ in range(10):
        if not _solved(
            payoffs, counts, first, bonus, support, point, row, off, False, p, values, slopes,
            means, move, turn,
        ):  # fmt: skip
            return False
        moved = 0.0
        for a in range(size + 1):
            moved = max(moved, abs(move[a]))
        moved /= 1.0 + abs(point[size])
        if not moved < 1.0 or moved > 0.9 * before:
            return False
        for a in range(size + 1):
            point[a] -= move[a]
        before, off = moved, 0.0
        if moved < _SETTLED:
            return True
    return False


@kept(types.void(_MATRIX, _INTS, _INTS, _VECTOR, types.float64, _VECTOR, _VECTOR, _FLAGS))
def begin(payoffs, counts, first, bonus, far, point, tangent, support):  # type: ignore[no-untyped-def]
    """Write the far end of the path of a direction: point, tangent, and who plays what."""
    size = bonus.size
    p, values, slopes = np.zeros(size), np.empty(size), np.empty((size, size))
    for i in range(counts.size):
        best = first[i]
        for a in range(first[i], first[i] + counts[i]):
            support[a] = False
            if bonus[a] > bonus[best]:
                best = a
        support[best], p[best] = True, 1.0
    pay(payoffs, counts, first, p, values, slopes)
    norm = 1.0
    for a in range(size):
        point[a] = p[a] + values[a] + far * bonus[a]
        norm += bonus[a] * bonus[a]
    norm = np.sqrt(norm)
    for a in range(size):
        tangent[a] = -bonus[a] / norm
    point[size], tangent[size] = far, -1.0 / norm


@kept(
    types.int64(
        _MATRIX, _INTS, _INTS, _VECTOR, types.float64, types.float64, types.int64, _VECTOR, _VECTOR,
        _FLAGS, _VECTOR, _MATRIX, _INTS,
    )
)  # fmt: skip
def follow(  # type: ignore[no-untyped-def]
    payoffs, counts, first, bonus, far, caution, steps, point, tangent, support, stride, met, count
):
    """Follow the path of one direction for some steps.

    Parameters
    ----------
    payoffs, counts, first
        The game, with payoffs in [0, 1].
    bonus
        (strategies,): the direction.
    far
        The size of bonuses at which they decide, where the path starts and ends.
    caution
        How far a point may be from where the tangent led, over the step.
    steps
        After which to return.
    point, tangent, support, stride
        Where the path is, from :func:`begin` on, written over; ``stride`` (1,) is the next step.
    met
        (most, strategies), written: the equilibria in the order of the path.
    count
        (1,), changed: how many there are by now.

    Returns
    -------
    int
        ``GOING`` if steps are spent; ``ENDED`` if the path came to its other end; ``LOST`` if it
        stood still, came back to an equilibrium where it had been, or met more than there is room
        for.
    """
    size = bonus.size
    p, values, slopes = np.zeros(size), np.empty(size), np.empty((size, size))
    means, move, turn = np.empty(size), np.empty(size + 1), np.empty(size + 1)
    row, trial, guess = np.empty(size + 1), np.empty(size + 1), np.empty(size + 1)
    here, there = np.empty(size), np.empty(size)
    length, found = stride[0], count[0]
    for _ in range(steps):
        if abs(point[size]) > far and tangent[size] * point[size] > 0.0:
            return ENDED
        _margins(counts, first, support, point, here)
        changed = -2
        while changed == -2:
            if length < _SHORTEST * (1.0 + abs(point[size])):
                return LOST
            for a in range(size + 1):
                trial[a] = guess[a] = point[a] + length * tangent[a]
            if not _settle(
                payoffs, counts, first, bonus, support, trial, tangent, 0.0, p, values, slopes,
                means, move, turn,
            ):  # fmt: skip
                length *= 0.5
                continue
            if np.linalg.norm(trial - guess) > caution * length:
                length *= 0.5
                continue
            _margins(counts, first, support, trial, there)
            nearest, share = -1, np.inf
            for a in range(size):
                if (there[a] < 0.0) if support[a] else (there[a] > 0.0):
                    apart = here[a] - there[a]
                    part = here[a] / (apart if apart != 0.0 else 1.0)
                    if part < share:
                        nearest, share = a, part
            if nearest < 0:
                changed = -1
                cosine = 0.0
                for a in range(size + 1):
                    cosine += turn[a] * tangent[a]
                if cosine > _STRAIGHT:
                    length *= 2.0
                continue
            # Somebody takes up or drops a strategy before: the point where it happens.
            for a in range(size + 1):
                guess[a] = point[a] + share * (trial[a] - point[a])
            copy(trial, guess)
            _margin_slope(counts, first, support, nearest, row)
            _margins(counts, first, support, trial, there)
            if (
                _settle(
                    payoffs, counts, first, bonus, support, trial, row, there[nearest], p, values,
                    slopes, means, move, turn,
                )
                and np.linalg.norm(trial - guess) <= caution * length
            ):  # fmt: skip
                _margins(counts, first, support, trial, there)
                inside = True
                for a in range(size):
                    if a != nearest:
                        inside = inside and (
                            there[a] >= -_SIGN if support[a] else there[a] <= _SIGN
                        )
                if inside:
                    changed = nearest
                    continue
            length *= 0.5
        if point[size] * trial[size] <= 0.0 and point[size] != trial[size]:
            # The game itself, between the two points.
            share = point[size] / (point[size] - trial[size])
            for a in range(size):
                guess[a] = point[a] + share * (trial[a] - point[a])
            guess[size] = 0.0
            for _ in range(20):
                if not _solved(
                    payoffs, counts, first, bonus, support, guess, row, 0.0, True, p, values,
                    slopes, means, move, row,
                ):  # fmt: skip
                    break
                moved = 0.0
                for a in range(size):
                    guess[a] -= move[a]
                    moved = max(moved, abs(move[a]))
                if moved < 1e-14:
                    break
            _margins(counts, first, support, guess, p)
            worst = 0.0
            for i in range(counts.size):
                total = 0.0
                for a in range(first[i], first[i] + counts[i]):
                    p[a] = max(p[a], 0.0) if support[a] else 0.0
                    total += p[a]
                for a in range(first[i], first[i] + counts[i]):
                    p[a] /= total
            pay(payoffs, counts, first, p, values, slopes)
            for i in range(counts.size):
                most, mean = -np.inf, 0.0
                for a in range(first[i], first[i] + counts[i]):
                    most = max(most, values[a])
                    mean += p[a] * values[a]
                worst = max(worst, most - mean)
            if worst <= _CLEAN:
                if found == met.shape[0]:
                    return LOST
                for k in range(found):
                    if np.abs(met[k] - p).max() < _SAME:
                        return LOST
                copy(met[found], p)
                found += 1
                count[0] = found
        if changed >= 0:
            support[changed] = not support[changed]
            _margin_slope(counts, first, support, changed, row)
            if not _solved(
                payoffs, counts, first, bonus, support, trial, row, 0.0, False, p, values, slopes,
                means, move, turn,
            ):  # fmt: skip
                return LOST
            side = 1.0 if support[changed] else -1.0
            for a in range(size + 1):
                turn[a] *= side
        copy(point, trial)
        copy(tangent, turn)
    stride[0] = length
    return GOING
