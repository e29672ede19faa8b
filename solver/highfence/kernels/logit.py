"""The compiled loop that follows a branch of logit equilibria.

The unknowns are the logarithms of all probabilities, then the precision: ``size + 1`` numbers.
The equations, one per strategy: each strategy's log-probability exceeds that of the player's most
probable one by the precision times the difference of what both pay, and the probabilities of a
player sum to one.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import copy_rows, inner, kept, lean
from .indifference import eliminate, pay

__all__ = ["follow", "settle"]

_INTS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]


@inner
def _equations(  # type: ignore[no-untyped-def]
    payoffs, counts, first, point, base, values, slopes, p, matrix, right
):
    """Write the equations' values at a point, and their slopes (size, size + 1)."""
    size = p.size
    precision = point[size]
    for a in range(size):
        p[a] = np.exp(point[a])
    pay(payoffs, counts, first, p, values, slopes)
    for i in range(counts.size):
        b0 = base[i]
        for a in range(first[i], first[i] + counts[i]):
            if a == b0:
                total = -1.0
                for b in range(size + 1):
                    matrix[a, b] = 0.0
                for b in range(first[i], first[i] + counts[i]):
                    total += p[b]
                    matrix[a, b] = p[b]
                right[a, 0] = total
            else:
                gain = values[a] - values[b0]
                right[a, 0] = point[a] - point[b0] - precision * gain
                for b in range(size):
                    matrix[a, b] = -precision * (slopes[a, b] - slopes[b0, b]) * p[b]
                matrix[a, a] += 1.0
                matrix[a, b0] -= 1.0
                matrix[a, size] = -gain


@lean
def _compare(payoffs, counts, first, point, base, relative):  # type: ignore[no-untyped-def]
    """Write what each strategy pays more than the most probable one of the player.

    Payoffs that tie then differ by exactly 0 when they are multiplied by a large precision.
    """
    same = True
    for i in range(counts.size):
        best = first[i]
        for a in range(first[i], first[i] + counts[i]):
            if point[a] > point[best]:
                best = a
        same = same and base[i] == best
        base[i] = best
    if same:
        return
    stride = 1
    for i in range(counts.size - 1, -1, -1):
        chosen = base[i] - first[i]
        for t in range(payoffs.shape[1]):
            own = t // stride % counts[i]
            relative[i, t] = payoffs[i, t] - payoffs[i, t + (chosen - own) * stride]
        stride *= counts[i]


@inner
def go(  # type: ignore[no-untyped-def]
    payoffs, counts, first, point, tangent, control, until, longest, record
):
    """Go on along the branch from ``point``, at most as many steps as ``record`` has rows.

    ``tangent`` is the last unit tangent, whose direction is kept. ``control`` holds the next
    step's length and the error of the predictor that is aimed at. Every point is written to
    ``record``, followed by its tangent. Returns the number of points; then ``control[0]`` is
    negative if the steps became too short, and the last point's precision is at least
    ``until`` if the branch came there.
    """
    size = point.size - 1
    values, p, slopes = np.empty(size), np.empty(size), np.empty((size, size))
    matrix, right = np.empty((size + 1, size + 1)), np.empty((size + 1, 1))
    base, relative = np.full(counts.size, -1), np.empty_like(payoffs)
    trial, turned = np.empty(size + 1), np.empty(size + 1)
    done = 0
    while done < record.shape[0]:
        length = control[0]
        for k in range(size + 1):
            trial[k] = point[k] + length * tangent[k]
        _compare(payoffs, counts, first, point, base, relative)
        before, error, good = np.inf, 0.0, False
        for turn in range(8):
            _equations(relative, counts, first, trial, base, values, slopes, p, matrix, right)
            for k in range(size + 1):
                matrix[size, k] = tangent[k]
            right[size, 0] = 0.0
            if eliminate(matrix, right) == 0.0:
                break
            moved = 0.0
            for k in range(size + 1):
                moved = max(moved, abs(right[k, 0]) / (1.0 + 0.02 * abs(trial[k])))
            if not moved < 4.0 or moved > 0.7 * before:
                # No digit is left to gain where the precision magnifies the rounding of payoffs.
                good = before <= 1e-8 + 1e-14 * abs(trial[size])
                break
            for k in range(size + 1):
                trial[k] -= right[k, 0]
            if turn == 0:
                error = moved
            before = moved
            if moved <= 1e-11 + 1e-15 * abs(trial[size]):
                good = True
                break
        if good:
            _equations(relative, counts, first, trial, base, values, slopes, p, matrix, right)
            for k in range(size + 1):
                matrix[size, k] = tangent[k]
                right[k, 0] = 0.0
            right[size, 0] = 1.0
            good = eliminate(matrix, right) != 0.0
        if good:
            norm, angle = 0.0, 0.0
            for k in range(size + 1):
                norm += right[k, 0] ** 2
            norm = np.sqrt(norm)
            for k in range(size + 1):
                turned[k] = right[k, 0] / norm
                angle += turned[k] * tangent[k]
            # A branch that seems to bend so sharply may be another one, or the way back.
            # So is one that comes back to precision 0, where the only point is the first.
            good = angle >= 0.95 and error <= 2.0 * control[1] and trial[size] > 0.0
        if not good:
            control[0] = 0.5 * length
            if not length >= 1e-10 * (1.0 + abs(point[size])):
                control[0] = -1.0
                break
            continue
        for k in range(size + 1):
            point[k], tangent[k] = trial[k], turned[k]
            record[done, k], record[done, size + 1 + k] = trial[k], turned[k]
        done += 1
        factor = np.sqrt(control[1] / max(error, 1e-300))
        control[0] = min(length * min(2.5, max(0.4, factor)), longest * (1.0 + abs(point[size])))
        if point[size] >= until:
            break
    return done


@kept(
    types.int64(
        _MATRIX, _INTS, _INTS, _VECTOR, _VECTOR, _VECTOR, types.float64, types.float64, _MATRIX
    )
)
def follow(payoffs, counts, first, point, tangent, control, until, longest, record):  # type: ignore[no-untyped-def]
    """:func:`go`, for whom Python calls."""
    return go(payoffs, counts, first, point, tangent, control, until, longest, record)


@inner
def move(payoffs, counts, first, point, most):  # type: ignore[no-untyped-def]
    """Move ``point`` onto the equilibrium at its precision by Newton steps; return the last move.

    Infinite if the steps do not shrink.
    """
    size = point.size - 1
    values, p, slopes = np.empty(size), np.empty(size), np.empty((size, size))
    whole, square, right = np.empty((size, size + 1)), np.empty((size, size)), np.empty((size, 1))
    base, relative = np.full(counts.size, -1), np.empty_like(payoffs)
    before = np.inf
    for _ in range(most):
        _compare(payoffs, counts, first, point, base, relative)
        _equations(relative, counts, first, point, base, values, slopes, p, whole, right)
        copy_rows(square, whole)
        if eliminate(square, right) == 0.0:
            return np.inf
        moved = 0.0
        for k in range(size):
            moved = max(moved, abs(right[k, 0]) / (1.0 + 0.02 * abs(point[k])))
        if not moved < 4.0 or moved > 0.9 * before:
            return before
        for k in range(size):
            point[k] -= right[k, 0]
        before = moved
        if moved <= 1e-13:
            break
    return before


@kept(types.float64(_MATRIX, _INTS, _INTS, _VECTOR, types.int64))
def settle(payoffs, counts, first, point, most):  # type: ignore[no-untyped-def]
    """:func:`move`, for whom Python calls."""
    return move(payoffs, counts, first, point, most)
