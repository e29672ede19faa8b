"""Loops over slot vectors: stage games between interval decisions, and plain evaluation.

A *row* is a slot vector of a staged game (see :mod:`highfence.forms.compile`) in which all
moves of earlier stages stand and their levels are filled. Interval decisions are scaled to
u in [0, 1]. An equilibrium of a row is a u at which no decision, changed alone, raises its
owner's objective.

How a row is solved: Newton on the first-order conditions (differences of fourth order, so a
quadratic objective is differentiated exactly up to rounding), with bounds by an active set;
then a scan of every decision over its whole interval, because a stationary point is not an
equilibrium; where the scan finds better, or Newton fails (kinks, cliffs), best replies by
scan and zoom take over until Newton holds again. Of an objective that is a quadratic in the
own action, three points say all, and no scan is needed. Next to a kink, answers are finished by
differences that are taken on its smooth side.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import copy, inner, kept, lean, pointer

__all__ = [
    "ADVANCE",
    "FINISH",
    "LINE",
    "OBJECTIVE",
    "advance_rows",
    "finish_rows",
    "solve_rows",
]

_ROW = types.float64[::1]
ADVANCE = types.float64(_ROW, types.int64)
FINISH = types.float64(_ROW, _ROW)
_POINTER = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
OBJECTIVE = types.float64(_POINTER, types.int64)
LINE = types.float64(
    _POINTER, types.int64, types.int64, types.float64, types.float64, types.int64, _POINTER,
    _POINTER,
)  # fmt: skip
_ADVANCE = types.FunctionType(ADVANCE)
_OBJECTIVE = types.FunctionType(OBJECTIVE)
_FINISH = types.FunctionType(FINISH)
_MATRIX = types.float64[:, ::1]
_CUBE = types.float64[:, :, ::1]
_INTS = types.int64[::1]

STEP = 1e-3
"""Step of the differences, as a share of the interval."""
FINE = 1e-5
"""Step of the differences next to a kink, where the wider stencil would reach across it."""
ROUNDS = 6
"""Times that Newton and best replies take turns before a start is given up."""
NARROW = 0.01
"""Share of the scanned range by which a peak between two points may stick out."""
STEEP = 200.0
"""Slope of a reply to a reply that counts as a jump."""
LOOSE = 1e-7
"""The same at a kink, whose place is known only as well as the others' actions."""
FASTER = 1.5
"""How much faster than it was seen to an objective may rise towards a jump."""
SLACK = 1e-9
"""A gain found by a scan that is below this share of the scanned range is rounding."""


@lean
def _at(f, v, slots, owners, lo, hi, u, j, x):  # type: ignore[no-untyped-def]
    """Objective of decision j's owner with u[j] = x; the slot is left at u[j]."""
    v[slots[j]] = lo[j] + (hi[j] - lo[j]) * x
    found = f(v, owners[j])
    v[slots[j]] = lo[j] + (hi[j] - lo[j]) * u[j]
    return found


@lean
def _place(v, slots, lo, hi, u):  # type: ignore[no-untyped-def]
    for j in range(u.size):
        v[slots[j]] = lo[j] + (hi[j] - lo[j]) * u[j]


@lean
def _slope(f, v, slots, owners, lo, hi, u, j, width):  # type: ignore[no-untyped-def]
    """Derivative of the owner's objective with respect to u[j]."""
    x = u[j]
    room = min(x, 1.0 - x)
    if room >= 1e-6:
        h = min(width, 0.5 * room)
        a = _at(f, v, slots, owners, lo, hi, u, j, x - 2 * h)
        b = _at(f, v, slots, owners, lo, hi, u, j, x - h)
        c = _at(f, v, slots, owners, lo, hi, u, j, x + h)
        d = _at(f, v, slots, owners, lo, hi, u, j, x + 2 * h)
        return (a - 8 * b + 8 * c - d) / (12 * h)
    h = width if x < 0.5 else -width
    a = _at(f, v, slots, owners, lo, hi, u, j, x)
    b = _at(f, v, slots, owners, lo, hi, u, j, x + h)
    c = _at(f, v, slots, owners, lo, hi, u, j, x + 2 * h)
    return (-3 * a + 4 * b - c) / (2 * h)


@lean
def _parabola(f, v, slots, owners, lo, hi, u, j):  # type: ignore[no-untyped-def]
    """(a, b, c): the objective of decision j is a + b x + c x^2, if it is quadratic in x = u[j]."""
    left = _at(f, v, slots, owners, lo, hi, u, j, 0.0)
    middle = _at(f, v, slots, owners, lo, hi, u, j, 0.5)
    right = _at(f, v, slots, owners, lo, hi, u, j, 1.0)
    return left, 4 * middle - 3 * left - right, 2 * (left - 2 * middle + right)


@lean
def _top(a, b, c):  # type: ignore[no-untyped-def]
    """Where a + b x + c x^2 is highest over [0, 1]."""
    if c < 0.0:
        return min(max(-0.5 * b / c, 0.0), 1.0)
    return 1.0 if b + c > 0.0 else 0.0


@lean
def _curvature(f, v, slots, owners, lo, hi, u, j, k):  # type: ignore[no-untyped-def]
    """Second derivative of decision j's objective with respect to u[j] and u[k]."""
    h = 2 * STEP
    x = min(max(u[j], h), 1.0 - h)
    if j == k:
        a = _at(f, v, slots, owners, lo, hi, u, j, x - h)
        b = _at(f, v, slots, owners, lo, hi, u, j, x)
        c = _at(f, v, slots, owners, lo, hi, u, j, x + h)
        return (a - 2 * b + c) / (h * h)
    y = min(max(u[k], h), 1.0 - h)
    v[slots[k]] = lo[k] + (hi[k] - lo[k]) * (y + h)
    a = _at(f, v, slots, owners, lo, hi, u, j, x + h)
    b = _at(f, v, slots, owners, lo, hi, u, j, x - h)
    v[slots[k]] = lo[k] + (hi[k] - lo[k]) * (y - h)
    c = _at(f, v, slots, owners, lo, hi, u, j, x + h)
    d = _at(f, v, slots, owners, lo, hi, u, j, x - h)
    v[slots[k]] = lo[k] + (hi[k] - lo[k]) * u[k]
    return (a - b - c + d) / (4 * h * h)


@lean
def _solve_linear(a, b, n):  # type: ignore[no-untyped-def]
    """Solve a[:n, :n] x = b[:n] in place (partial pivoting); False if singular."""
    for c in range(n):
        p = c
        for r in range(c + 1, n):
            if abs(a[r, c]) > abs(a[p, c]):
                p = r
        if not abs(a[p, c]) > 1e-300:
            return False
        if p != c:
            for k in range(n):
                a[c, k], a[p, k] = a[p, k], a[c, k]
            b[c], b[p] = b[p], b[c]
        for r in range(c + 1, n):
            m = a[r, c] / a[c, c]
            for k in range(c, n):
                a[r, k] -= m * a[c, k]
            b[r] -= m * b[c]
    for c in range(n - 1, -1, -1):
        for k in range(c + 1, n):
            b[c] -= a[c, k] * b[k]
        b[c] /= a[c, c]
    return True


@inner
def _newton(f, v, slots, owners, lo, hi, u, width):  # type: ignore[no-untyped-def]
    """:func:`_stationary` where nothing is known of the objectives."""
    return _stationary(f, v, slots, owners, lo, hi, u, width, np.zeros(u.size, np.int64))


@inner
def _stationary(f, v, slots, owners, lo, hi, u, width, plain):  # type: ignore[no-untyped-def]
    """Move u to a stationary point with concave own objectives; False if that fails.

    ``width`` is the step of the differences; ``plain`` is 1 for decisions whose objective is
    quadratic in their own action, so that three points say all of it. Steps that do not
    shrink are damped: where a slope has a kink, full steps jump from one side of it to the
    other.
    """
    m = u.size
    jacobian = np.empty((m, m))
    work = np.empty((m, m))
    slope = np.empty(m)
    step = np.empty(m)
    free = np.empty(m, np.int64)
    fresh = False
    last = np.inf
    damping = 1.0
    _place(v, slots, lo, hi, u)
    for _ in range(16):
        n = 0
        for j in range(m):
            if plain[j] == 1:
                _a, b, c = _parabola(f, v, slots, owners, lo, hi, u, j)
                slope[j] = b + 2 * c * u[j]
                jacobian[j, j] = 2 * c
            else:
                slope[j] = _slope(f, v, slots, owners, lo, hi, u, j, width)
            if not np.isfinite(slope[j]):
                return False
            at_low = u[j] <= 0.0 and slope[j] <= 0.0
            at_high = u[j] >= 1.0 and slope[j] >= 0.0
            if not (at_low or at_high or hi[j] <= lo[j]):
                free[n] = j
                n += 1
        if n == 0:
            return True
        if not fresh:
            for j in range(m):
                for k in range(m):
                    if j != k or plain[j] == 0:
                        jacobian[j, k] = _curvature(f, v, slots, owners, lo, hi, u, j, k)
            fresh = True
        for r in range(n):
            step[r] = -slope[free[r]]
            if not jacobian[free[r], free[r]] < 0.0:
                return False
            for c in range(n):
                work[r, c] = jacobian[free[r], free[c]]
        if not _solve_linear(work, step, n):
            return False
        size = 0.0
        for r in range(n):
            j = free[r]
            x = min(max(u[j] + damping * min(max(step[r], -0.25), 0.25), 0.0), 1.0)
            size = max(size, abs(x - u[j]))
            u[j] = x
        _place(v, slots, lo, hi, u)
        if size < 1e-13 or (size < 1e-9 and size >= 0.5 * last):
            return True
        if size > 0.1 * last or size > 0.02:
            fresh = False
        slow = size > 0.7 * last
        damping = max(0.5 * damping, 0.05) if slow else min(1.0, 1.5 * damping)
        last = size
    return False


@lean
def _leaps(earlier, before, here, after, best, least):  # type: ignore[no-untyped-def]
    """Whether an objective seems to jump between two of four scanned points, and one edge of
    the jump may be higher than ``best``. Beyond the interval a point is -inf."""
    first = before - earlier
    middle = here - before
    last = after - here
    if not np.isfinite(first):
        first = last
    if not np.isfinite(last):
        last = first
    if not (np.isfinite(first) and np.isfinite(middle)):
        return False
    # Where it is smooth the middle one is their mean, but for third differences.
    rough = abs(middle - 0.5 * (first + last)) > 0.25 * abs(first - last) + least
    rise = max(before + FASTER * max(first, 0.0), here - FASTER * min(last, 0.0))
    return rough and rise > best + least


@lean
def _edge(  # type: ignore[no-untyped-def]
    f, v, slots, owners, lo, hi, u, j, p, q, rise, fall, best, least
):
    """The higher edge of a jump between p and q: (u[j], height). ``rise`` and ``fall`` are what
    the objective gains over as long a stretch before p and beyond q; halving goes to where
    the gain differs most from that, down to the last number before the jump and the first
    one behind it, as long as an edge may be higher than ``best``."""
    left = _at(f, v, slots, owners, lo, hi, u, j, p)
    right = _at(f, v, slots, owners, lo, hi, u, j, q)
    x, top = (p, left) if left >= right else (q, right)
    if not np.isfinite(rise):
        rise = fall
    if not np.isfinite(fall):
        fall = rise
    for _ in range(60):
        y = 0.5 * (p + q)
        if not p < y < q:
            break
        rise *= 0.5
        fall *= 0.5
        middle = _at(f, v, slots, owners, lo, hi, u, j, y)
        if middle > top:
            x, top = y, middle
        if abs(middle - left - rise) > abs(right - middle - fall):
            fall = right - middle
            q, right = y, middle
        else:
            rise = middle - left
            p, left = y, middle
        edge = max(left + FASTER * max(rise, 0.0), right - FASTER * min(fall, 0.0))
        if not edge > max(best, top) + least and q - p > 1e-9:
            break
    return x, top


@lean
def _best(f, v, slots, owners, lo, hi, u, j, points):  # type: ignore[no-untyped-def]
    """Best reply of decision j by scan and zoom: (u[j], gain over the present, scanned range).

    A peak between two scanned points is seen by the parabola through its three highest:
    where that could beat the present action, the peak is zoomed in on. A jump between two
    points is seen by a difference that is far from the mean of its neighbors; where the payoff
    on either side, carried on to the jump, could beat the present action, the edge is met.
    """
    now = _at(f, v, slots, owners, lo, hi, u, j, u[j])
    best = now
    least = now
    most = now
    where = u[j]
    width = 1.0 / points
    earlier = -np.inf
    before = -np.inf
    here = _at(f, v, slots, owners, lo, hi, u, j, 0.0)
    for k in range(points + 1):
        after = -np.inf
        if k < points:
            after = _at(f, v, slots, owners, lo, hi, u, j, (k + 1) * width)
        if here == here:
            least = min(least, here)
            most = max(most, here)
        if here >= before and here >= after:
            top = here
            bend = before - 2 * here + after
            if np.isfinite(bend) and bend < 0.0:
                rise = after - before
                top = here - 0.125 * rise * rise / bend
                # The parabola is a guess, and a peak may be a kink: allow for more.
                top += (top - here) + 0.02 * (2 * here - before - after)
                top += NARROW * (most - least)
            else:
                top = here + 0.25 * (most - least)
            if here > best or (top > best and abs(k * width - u[j]) > 0.5 * width):
                x0 = k * width
                peak = here
                size = width
                for _ in range(14):
                    center = x0
                    for q in range(-3, 4):
                        if q == 0:
                            continue
                        x = min(max(center + size * q / 3, 0.0), 1.0)
                        found = _at(f, v, slots, owners, lo, hi, u, j, x)
                        if found > peak:
                            peak = found
                            x0 = x
                    size *= 0.35
                    if peak < best and peak + 4 * (peak - here) < best:
                        break
                if peak > best:
                    best = peak
                    where = x0
        if k > 0 and _leaps(earlier, before, here, after, best, SLACK * (most - least)):
            x0, peak = _edge(
                f, v, slots, owners, lo, hi, u, j, (k - 1) * width, k * width,
                before - earlier, after - here, best, SLACK * (most - least),
            )  # fmt: skip
            if peak > best:
                best = peak
                where = x0
        earlier = before
        before = here
        here = after
    if where == u[j]:
        # A stencil that reached across a kink sees a slope of 0 where there is none.
        step = 0.5 * width
        for _ in range(5):
            for sign in range(-1, 2, 2):
                x = min(max(u[j] + sign * step, 0.0), 1.0)
                found = _at(f, v, slots, owners, lo, hi, u, j, x)
                if found > best:
                    best = found
                    where = x
            step *= 0.25
    return where, best - now, most - least


@lean
def _summit(f, v, slots, owners, lo, hi, u, j, x):  # type: ignore[no-untyped-def]
    """Newton on one decision from x: where it ends, or -1 if the peak is not smooth."""
    kept = u[j]
    y = x
    last = np.inf
    done = False
    for _ in range(8):
        if not (0.0 < y < 1.0):
            break
        u[j] = y
        slope = _slope(f, v, slots, owners, lo, hi, u, j, 0.1 * STEP)
        bend = _curvature(f, v, slots, owners, lo, hi, u, j, j)
        if not bend < 0.0:
            break
        step = -slope / bend
        if abs(step) > 0.5 * last:
            done = abs(step) < 1e-9
            break
        y = min(max(y + step, 0.0), 1.0)
        last = abs(step)
        if last < 1e-11:
            done = True
            break
    u[j] = kept
    return y if done else -1.0


@lean
def _sharpen(f, v, slots, owners, lo, hi, u, j, x, best, size):  # type: ignore[no-untyped-def]
    """Locate the peak of decision j within ``size`` of x: Newton if smooth, else golden section."""
    y = _summit(f, v, slots, owners, lo, hi, u, j, x)
    if y >= 0.0 and abs(y - x) <= size:
        found = _at(f, v, slots, owners, lo, hi, u, j, y)
        # A kink inside the stencil would make a neighbor beat a false summit.
        h = 0.02 * STEP
        left = _at(f, v, slots, owners, lo, hi, u, j, y - h)
        right = _at(f, v, slots, owners, lo, hi, u, j, y + h)
        if found >= best - 1e-14 * abs(best) and left <= found and right <= found:
            return y
    ratio = 0.6180339887498949
    a = max(x - size, 0.0)
    d = min(x + size, 1.0)
    b = d - ratio * (d - a)
    c = a + ratio * (d - a)
    fb = _at(f, v, slots, owners, lo, hi, u, j, b)
    fc = _at(f, v, slots, owners, lo, hi, u, j, c)
    for _ in range(70):
        if fb >= fc:
            d, c, fc = c, b, fb
            b = d - ratio * (d - a)
            fb = _at(f, v, slots, owners, lo, hi, u, j, b)
        else:
            a, b, fb = b, c, fc
            c = a + ratio * (d - a)
            fc = _at(f, v, slots, owners, lo, hi, u, j, c)
        if d - a < 1e-13:
            break
    y = b if fb >= fc else c
    top = max(fb, fc)
    if a <= 0.0 or d >= 1.0:
        edge = 0.0 if a <= 0.0 else 1.0
        found = _at(f, v, slots, owners, lo, hi, u, j, edge)
        if found >= top:
            y, top = edge, found
    return y if top >= best else x


@lean
def _better(f, v, slots, owners, lo, hi, u, j, points, plain):  # type: ignore[no-untyped-def]
    """Best reply of decision j, not located closely: (u[j], gain, range of the objective)."""
    if plain[j] == 0:
        return _best(f, v, slots, owners, lo, hi, u, j, points)
    a, b, c = _parabola(f, v, slots, owners, lo, hi, u, j)
    x = _top(a, b, c)
    now = a + (b + c * u[j]) * u[j]
    best = a + (b + c * x) * x
    return x, best - now, max(best, a, a + b + c) - min(a, a + b + c)


@lean
def _reply(f, v, slots, owners, lo, hi, u, j, points, plain):  # type: ignore[no-untyped-def]
    """Best reply of decision j, located to rounding."""
    if plain[j] == 1:
        a, b, c = _parabola(f, v, slots, owners, lo, hi, u, j)
        return _top(a, b, c)
    where, _gain, _spread = _best(f, v, slots, owners, lo, hi, u, j, points)
    best = _at(f, v, slots, owners, lo, hi, u, j, where)
    return _sharpen(f, v, slots, owners, lo, hi, u, j, where, best, 1.0 / points)


@lean
def _second_peak(f, v, slots, owners, lo, hi, u, j, points, spread):  # type: ignore[no-untyped-def]
    """Look closely around u[j], at two scales: next to a kink a second peak may stand in the
    same cell of the scan. Returns (where, gain) of the best one, (u[j], 0) if there is none."""
    close = 10
    now = _at(f, v, slots, owners, lo, hi, u, j, u[j])
    best = now
    where = u[j]
    for scale in range(2):
        size = 1.0 / (points * close) if scale == 0 else 0.12 / (points * close)
        before = -np.inf
        here = -np.inf
        for k in range(-close, close + 2):
            x = u[j] + k * size
            after = -np.inf
            if 0.0 <= x <= 1.0 and k <= close:
                after = _at(f, v, slots, owners, lo, hi, u, j, x)
            peak = here >= before and here >= after and here > best - NARROW * spread
            if peak and abs(k - 1) > 1 and (scale == 0 or abs(k - 1) < close):
                center = x - size
                top = here
                reach = size
                for _ in range(16):
                    middle = center
                    for q in range(-3, 4):
                        if q != 0:
                            y = min(max(middle + reach * q / 3, 0.0), 1.0)
                            found = _at(f, v, slots, owners, lo, hi, u, j, y)
                            if found > top:
                                top = found
                                center = y
                    reach *= 0.4
                if top > best:
                    best = top
                    where = center
            before, here = here, after
    return where, best - now


@lean
def _holds(f, v, slots, owners, lo, hi, u, plain, points):  # type: ignore[no-untyped-def]
    """Whether no decision, changed alone, gains: by a scan, and by a close look around u."""
    for j in range(u.size):
        _where, gain, spread = _better(f, v, slots, owners, lo, hi, u, j, points, plain)
        if gain > LOOSE * spread:
            return False
        if plain[j] == 1:
            continue
        _where, gain = _second_peak(f, v, slots, owners, lo, hi, u, j, points, spread)
        if gain > LOOSE * spread:
            return False
    return True


@lean
def _round_trip(f, v, slots, owners, lo, hi, u, plain, points, y):  # type: ignore[no-untyped-def]
    """Where decision 1 goes if decision 0 replies to u[1] = y: reply less y. Sets u[0], u[1]."""
    second = u.size - 1
    u[1] = y
    _place(v, slots, lo, hi, u)
    u[0] = _reply(f, v, slots, owners, lo, hi, u, second - 1, points, plain)
    _place(v, slots, lo, hi, u)
    return _reply(f, v, slots, owners, lo, hi, u, second, points, plain) - y


@lean
def _near(f, v, slots, owners, lo, hi, u, j, plain):  # type: ignore[no-untyped-def]
    """The peak of decision j next to u[j]: walk uphill, then locate it."""
    if plain[j] == 1:
        a, b, c = _parabola(f, v, slots, owners, lo, hi, u, j)
        return _top(a, b, c)
    x = u[j]
    best = _at(f, v, slots, owners, lo, hi, u, j, x)
    size = 1e-3
    for _ in range(14):
        left = max(x - size, 0.0)
        right = min(x + size, 1.0)
        a = _at(f, v, slots, owners, lo, hi, u, j, left)
        b = _at(f, v, slots, owners, lo, hi, u, j, right)
        if a > best and a >= b:
            x, best = left, a
        elif b > best:
            x, best = right, b
        else:
            break
        size *= 1.6
    return _sharpen(f, v, slots, owners, lo, hi, u, j, x, best, size)


@lean
def _meet(f, v, slots, owners, lo, hi, u, plain, points):  # type: ignore[no-untyped-def]
    """Move u to a crossing of two replies by secant steps on local peaks; False if that fails."""
    y0 = u[1]
    g0 = 0.0
    # A literal 0 or 1 as an argument would have the callee compiled once for each.
    second = u.size - 1
    for step in range(25):
        y = u[1]
        u[0] = _near(f, v, slots, owners, lo, hi, u, second - 1, plain)
        _place(v, slots, lo, hi, u)
        z = _near(f, v, slots, owners, lo, hi, u, second, plain)
        g = z - y
        if step >= 8 and abs(g) > 1e-4:
            return False
        if abs(g) < 1e-12:
            u[1] = z
            _place(v, slots, lo, hi, u)
            return _holds(f, v, slots, owners, lo, hi, u, plain, points)
        move = g
        if step > 0 and y != y0:
            slope = (g - g0) / (y - y0)
            if slope < -1e-3:
                move = -g / slope
        y0, g0 = y, g
        u[1] = min(max(y + min(max(move, -0.1), 0.1), 0.0), 1.0)
        _place(v, slots, lo, hi, u)
    return False


@inner
def _cross(f, v, slots, owners, lo, hi, u, plain, points):  # type: ignore[no-untyped-def]
    """Move u to where the replies of two decisions cross, near kinks too; False if nowhere.

    The reply to the reply, less the action, is scanned for changes of sign; each is narrowed
    down, nearest first. At a jump of a reply the sign changes without a crossing, unless the
    reply stays at the edge of a payoff's jump: then it crosses on the edge's own side.
    """
    cells = 12
    second = u.size - 1
    start = u[1]
    gaps = np.empty(cells + 1)
    for k in range(cells + 1):
        gaps[k] = _round_trip(f, v, slots, owners, lo, hi, u, plain, points, k / cells)
    tried = np.zeros(cells, np.int64)
    for _ in range(cells):
        chosen = -1
        for k in range(cells):
            if tried[k] == 0 and (gaps[k] == 0.0 or gaps[k] * gaps[k + 1] <= 0.0):
                middle = (k + 0.5) / cells
                if chosen < 0 or abs(middle - start) < abs((chosen + 0.5) / cells - start):
                    chosen = k
        if chosen < 0:
            return False
        tried[chosen] = 1
        p, q = chosen / cells, (chosen + 1) / cells
        a, b = gaps[chosen], gaps[chosen + 1]
        left, right = abs(a), abs(b)
        y = p
        for step in range(60):
            y = 0.5 * (p + q)
            if step % 3 != 2 and a != b:
                y = min(max((p * b - q * a) / (b - a), p), q)
            g = _round_trip(f, v, slots, owners, lo, hi, u, plain, points, y)
            if abs(g) < 1e-12 or q - p < 1e-13:
                break
            if g * a > 0.0:
                p, a = y, g
                left = abs(g)
                b *= 0.5
            else:
                q, b = y, g
                right = abs(g)
                a *= 0.5
            if q - p < 1e-3 and min(left, right) > STEEP * (q - p):
                # A reply jumps here: the sign changes, but there is no crossing.
                break
        if not abs(g) < 1e-12 and min(left, right) < LOOSE:
            # A payoff jumps here, and its edge is where the replies cross, on one side alone.
            y = p if left <= right else q
            u[1] = y + _round_trip(f, v, slots, owners, lo, hi, u, plain, points, y)
            _place(v, slots, lo, hi, u)
            u[0] = _reply(f, v, slots, owners, lo, hi, u, second - 1, points, plain)
            _place(v, slots, lo, hi, u)
        if _holds(f, v, slots, owners, lo, hi, u, plain, points):
            return True
    return False


@lean
def _beside(f, v, slots, owners, lo, hi, u, j, h):  # type: ignore[no-untyped-def]
    """(height, slope, bend) of decision j's objective in u[j], carried over from five points on
    one side, h to 5 h away: a kink that is nearer does not matter."""
    x = u[j]
    a = _at(f, v, slots, owners, lo, hi, u, j, x + h)
    b = _at(f, v, slots, owners, lo, hi, u, j, x + 2 * h)
    c = _at(f, v, slots, owners, lo, hi, u, j, x + 3 * h)
    d = _at(f, v, slots, owners, lo, hi, u, j, x + 4 * h)
    e = _at(f, v, slots, owners, lo, hi, u, j, x + 5 * h)
    height = 5 * a - 10 * b + 10 * c - 5 * d + e
    slope = (-77 * a + 214 * b - 234 * c + 122 * d - 25 * e) / (12 * h)
    bend = (71 * a - 236 * b + 294 * c - 164 * d + 35 * e) / (12 * h * h)
    return height, slope, bend


@lean
def _distance(u, j):  # type: ignore[no-untyped-def]
    """Distance of the points of :func:`_beside`, so that twice as far is inside the interval."""
    return min(0.4 * STEP, 0.1 * min(u[j], 1.0 - u[j]))


@lean
def _kink(f, v, slots, owners, lo, hi, u, j):  # type: ignore[no-untyped-def]
    """How far from u[j] the objectives on its two sides, carried over, are equal."""
    h = _distance(u, j)
    low, below, bend = _beside(f, v, slots, owners, lo, hi, u, j, -h)
    high, above, other = _beside(f, v, slots, owners, lo, hi, u, j, h)
    height, slope, curve = low - high, below - above, bend - other
    x = 0.0
    for _ in range(4):
        x -= (height + (slope + 0.5 * curve * x) * x) / (slope + curve * x)
    return x


@lean
def _smooth_side(f, v, slots, owners, lo, hi, u, j):  # type: ignore[no-untyped-def]
    """Where the objective is smooth next to u[j]: 0 on both sides, -1 below, 1 above; 2 if the
    peak is a kink.

    Next to a kink the slopes that are taken on its side differ from those on the other one,
    and with the distance that they reach.
    """
    h = _distance(u, j)
    if h < 1e-7 or hi[j] <= lo[j]:
        return 0
    height, below, bend = _beside(f, v, slots, owners, lo, hi, u, j, -h)
    across, above, other = _beside(f, v, slots, owners, lo, hi, u, j, h)
    apart = abs(above - below)
    rounding = 1e-11 * max(abs(bend), abs(other)) + 1.5e-14 * abs(height) / h
    bent = abs(bend - other)
    if bent > 1e-2 * max(abs(bend), abs(other)) and bent > 1e-12 * abs(height) / (h * h):
        # Two curves that touch, next to u[j] if not there: one slope, two bends. A difference
        # over both is off by its width times that of the bends; one over either is not.
        touch = abs(2 * bent * abs(height - across) - apart * apart)
        if touch <= 0.05 * apart * apart + 1e-12 * bent * abs(height) and apart < bent * h:
            return -1
    if not apart > rounding:
        return 0
    _height, far_below, _bend = _beside(f, v, slots, owners, lo, hi, u, j, -2 * h)
    _height, far_above, _bend = _beside(f, v, slots, owners, lo, hi, u, j, 2 * h)
    rough_below = abs(below - far_below)
    rough_above = abs(above - far_above)
    if apart > 100 * max(rough_below, rough_above):
        x = _kink(f, v, slots, owners, lo, hi, u, j)
        if not abs(x) < h:
            return 0
        rises = below + bend * x > 0.0
        falls = above + other * x < 0.0
        if rises and falls:
            return 2
        if rises or falls:
            return 1 if rises else -1
        return -1 if abs(below) <= abs(above) else 1
    if 100 * rough_below < rough_above:
        return -1
    if 100 * rough_above < rough_below:
        return 1
    return 0


@lean
def _slopes(f, v, slots, owners, lo, hi, u, plain, sides, slopes):  # type: ignore[no-untyped-def]
    """Write every decision's slope, taken on its smooth side; 0 at peaks that are kinks."""
    for j in range(u.size):
        if sides[j] == 2:
            slopes[j] = 0.0
        elif plain[j] == 1:
            _a, b, c = _parabola(f, v, slots, owners, lo, hi, u, j)
            slopes[j] = b + 2 * c * u[j]
        elif sides[j] == 0:
            slopes[j] = _slope(f, v, slots, owners, lo, hi, u, j, STEP)
        else:
            h = sides[j] * _distance(u, j)
            _height, slopes[j], _bend = _beside(f, v, slots, owners, lo, hi, u, j, h)


@lean
def _sides(f, v, slots, owners, lo, hi, u, plain, sides):  # type: ignore[no-untyped-def]
    """Write every decision's smooth side (:func:`_smooth_side`): whether any has changed."""
    changed = False
    for j in range(u.size):
        side = 0
        if plain[j] == 0:
            side = _smooth_side(f, v, slots, owners, lo, hi, u, j)
        changed = changed or side != sides[j]
        sides[j] = side
    return changed


@lean
def _smooth(f, v, slots, owners, lo, hi, u, plain):  # type: ignore[no-untyped-def]
    """Whether no kink stands within reach of the differences that are taken in u."""
    _place(v, slots, lo, hi, u)
    for j in range(u.size):
        if plain[j] == 0 and _smooth_side(f, v, slots, owners, lo, hi, u, j) != 0:
            return False
    return True


@inner
def _newton_beside(f, v, slots, owners, lo, hi, u, plain, sides):  # type: ignore[no-untyped-def]
    """Newton from near a solution, with slopes taken on the smooth sides, and with kinks that
    are peaks held; False if it does not converge."""
    m = u.size
    slopes = np.empty(m)
    moved = np.empty(m)
    jacobian = np.zeros((m, m))
    free = np.ones(m, np.int64)
    for j in range(m):
        if sides[j] == 2:
            u[j] += _kink(f, v, slots, owners, lo, hi, u, j)
    _place(v, slots, lo, hi, u)
    _slopes(f, v, slots, owners, lo, hi, u, plain, sides, slopes)
    for j in range(m):
        at_low = u[j] <= 0.0 and slopes[j] <= 0.0
        at_high = u[j] >= 1.0 and slopes[j] >= 0.0
        if at_low or at_high or hi[j] <= lo[j] or sides[j] == 2:
            free[j] = 0
    for k in range(m):
        if free[k] == 1:
            h = _distance(u, k)
            if h < 1e-7:
                h = 0.1 * STEP if u[k] < 0.5 else -0.1 * STEP
            elif sides[k] < 0:
                h = -h
            x = u[k]
            u[k] = x + h
            _place(v, slots, lo, hi, u)
            _slopes(f, v, slots, owners, lo, hi, u, plain, sides, moved)
            u[k] = x
            for j in range(m):
                jacobian[j, k] = (moved[j] - slopes[j]) / h
    _place(v, slots, lo, hi, u)
    last = np.inf
    for _ in range(12):
        work = jacobian.copy()
        step = -slopes
        for j in range(m):
            if free[j] == 0:
                work[j, :] = 0.0
                work[j, j] = 1.0
                step[j] = 0.0
            elif not jacobian[j, j] < 0.0:
                return False
        if not _solve_linear(work, step, m):
            return False
        size = 0.0
        for j in range(m):
            if sides[j] == 2:
                step[j] = _kink(f, v, slots, owners, lo, hi, u, j)
            if not abs(step[j]) <= 4 * STEP:
                return False
            x = min(max(u[j] + step[j], 0.0), 1.0)
            size = max(size, abs(x - u[j]))
            u[j] = x
        _place(v, slots, lo, hi, u)
        if size < 1e-13 or (size < 1e-10 and size >= 0.5 * last):
            return True
        if not size < 0.5 * last:
            return False
        last = size
        _slopes(f, v, slots, owners, lo, hi, u, plain, sides, slopes)
    return False


@inner
def _straighten(f, v, slots, owners, lo, hi, u, plain):  # type: ignore[no-untyped-def]
    """Find u again by differences on the smooth sides of the kinks next to it, so that what
    follows is as exact as anywhere else."""
    sides = np.zeros(u.size, np.int64)
    _sides(f, v, slots, owners, lo, hi, u, plain, sides)
    kept = u.copy()
    done = False
    for _ in range(4):
        if not _newton_beside(f, v, slots, owners, lo, hi, u, plain, sides):
            break
        # The side was judged where the others' actions were not exact yet.
        if not _sides(f, v, slots, owners, lo, hi, u, plain, sides):
            done = True
            break
    for j in range(u.size):
        if not done:
            break
        done = abs(u[j] - kept[j]) <= 4 * STEP
        if done and plain[j] == 0:
            now = _at(f, v, slots, owners, lo, hi, u, j, u[j])
            for sign in range(-1, 2, 2):
                x = min(max(u[j] + sign * FINE, 0.0), 1.0)
                other = _at(f, v, slots, owners, lo, hi, u, j, x)
                done = done and not other > now + 1e-14 * abs(now)
    if not done:
        copy(u, kept)
        _place(v, slots, lo, hi, u)


@inner
def _settle(f, v, slots, owners, lo, hi, u, points, rounds, kinked):  # type: ignore[no-untyped-def]
    """:func:`_settled` where nothing is known of the objectives."""
    plain = np.zeros(u.size, np.int64)
    return _settled(f, v, slots, owners, lo, hi, u, plain, points, rounds, kinked)


@inner
def _settled(  # type: ignore[no-untyped-def]
    f, v, slots, owners, lo, hi, u, plain, points, rounds, kinked
):
    """Move u to an equilibrium from where it stands, and make it exact next to a kink; answers
    as :func:`_search`."""
    found = _search(f, v, slots, owners, lo, hi, u, plain, points, rounds, kinked)
    if found > 0 and not _smooth(f, v, slots, owners, lo, hi, u, plain):
        _straighten(f, v, slots, owners, lo, hi, u, plain)
    return found


@inner
def _search(  # type: ignore[no-untyped-def]
    f, v, slots, owners, lo, hi, u, plain, points, rounds, kinked
):
    """Move u to an equilibrium from where it stands: 1 if reached, 0 if not, -1 if a scan of
    all crossings of two replies found none, so that other starts are not worth trying; 2 if it
    lies at a kink. ``kinked`` says that it probably does."""
    m = u.size
    trial = np.empty(m)
    width = STEP
    pair = m == 2 and hi[0] > lo[0] and hi[1] > lo[1]
    if kinked and pair:
        copy(trial, u)
        _place(v, slots, lo, hi, u)
        if _meet(f, v, slots, owners, lo, hi, trial, plain, points):
            copy(u, trial)
            return 2
    for round_ in range(rounds):
        copy(trial, u)
        if _stationary(f, v, slots, owners, lo, hi, trial, width, plain):
            copy(u, trial)
            _place(v, slots, lo, hi, u)
            better = False
            far = 0.0
            for j in range(m):
                where, gain, spread = _better(f, v, slots, owners, lo, hi, u, j, points, plain)
                if gain <= SLACK * spread and plain[j] == 0:
                    where, gain = _second_peak(f, v, slots, owners, lo, hi, u, j, points, spread)
                if gain > SLACK * spread:
                    better = True
                    far = max(far, abs(where - u[j]))
                    u[j] = where
                    _place(v, slots, lo, hi, u)
            if not better:
                return 1
            if far < 0.01:
                width = FINE
            continue
        _place(v, slots, lo, hi, u)
        if round_ >= 1 and pair:
            copy(trial, u)
            if _meet(f, v, slots, owners, lo, hi, trial, plain, points):
                copy(u, trial)
                return 2
            _place(v, slots, lo, hi, u)
            return 2 if _cross(f, v, slots, owners, lo, hi, u, plain, points) else -1
        moved = 0.0
        for j in range(m):
            if hi[j] > lo[j]:
                where = _reply(f, v, slots, owners, lo, hi, u, j, points, plain)
                moved = max(moved, abs(where - u[j]))
                u[j] = where
                _place(v, slots, lo, hi, u)
        if moved < 1e-9:
            # A kink: best replies stand still although no slope vanishes.
            return 1 if _holds(f, v, slots, owners, lo, hi, u, plain, points) else 0
        if moved < 0.01:
            width = FINE
    if pair:
        return 1 if _cross(f, v, slots, owners, lo, hi, u, plain, points) else -1
    return 0


@kept(
    types.void(
        _OBJECTIVE,
        _FINISH,
        _MATRIX,
        _INTS,
        _INTS,
        _MATRIX,
        _MATRIX,
        _MATRIX,
        _INTS,
        types.int64,
        types.boolean,
        _CUBE,
        _CUBE,
        _INTS,
    )
)
def solve_rows(  # type: ignore[no-untyped-def]
    objective,
    finish,
    rows,
    slots,
    owners,
    lo,
    hi,
    starts,
    plain,
    points,
    follow,
    plays,
    payoffs,
    counts,
):
    """Solve the last stage at every row.

    Parameters
    ----------
    rows
        (n, size) slot vectors; the slots of the last stage's interval decisions are changed.
    slots, owners
        (m,) slot and player of each interval decision.
    lo, hi
        (n, m) bounds.
    starts
        (s, m) scaled starting points. With one slot for answers, the next start is tried only
        where none was reached; with more, every start is tried and different answers kept.
    plain
        (m,) 1 for decisions whose owner's objective is a quadratic in their own action.
    follow
        Try the previous row's answer before all starts. Else a row's answer is a function of
        the row alone.
    points
        Points of a scan of one interval.
    plays, payoffs, counts
        Answers: (n, e, m) actions, (n, e, players) payoffs, (n,) how many (0: none reached).
    """
    m = slots.size
    u = np.empty(m)
    previous = np.empty(m)
    chained = False
    kinked = False
    room = plays.shape[1]
    for r in range(rows.shape[0]):
        row, v = rows[r], pointer(rows[r])
        counts[r] = 0
        if m == 0:
            finish(row, payoffs[r, 0])
            counts[r] = 1
            continue
        first = -1 if (chained and follow) else 0
        for s in range(first, starts.shape[0]):
            if s < 0:
                copy(u, previous)
            else:
                copy(u, starts[s])
            again = kinked and s < 0
            found = _settled(
                objective, v, slots, owners, lo[r], hi[r], u, plain, points, ROUNDS, again
            )
            if found < 0:
                break
            if found == 0:
                continue
            kinked = found == 2
            same = False
            for e in range(counts[r]):
                distance = 0.0
                for j in range(m):
                    width = hi[r, j] - lo[r, j]
                    x = lo[r, j] + width * u[j]
                    if width > 0.0:
                        distance = max(distance, abs(plays[r, e, j] - x) / width)
                same = same or distance < 1e-6
            if same:
                continue
            _place(v, slots, lo[r], hi[r], u)
            e = counts[r]
            for j in range(m):
                plays[r, e, j] = lo[r, j] + (hi[r, j] - lo[r, j]) * u[j]
            finish(row, payoffs[r, e])
            counts[r] += 1
            if counts[r] >= room:
                break
        if counts[r] > 0:
            for j in range(m):
                width = hi[r, j] - lo[r, j]
                previous[j] = (plays[r, 0, j] - lo[r, j]) / width if width > 0.0 else 0.0
            chained = True


@kept(types.void(_ADVANCE, _MATRIX, types.int64))
def advance_rows(advance, rows, level):  # type: ignore[no-untyped-def]
    """Fill the slots of one level in every row."""
    for r in range(rows.shape[0]):
        advance(rows[r], level)


@kept(types.void(_FINISH, _MATRIX, _MATRIX))
def finish_rows(finish, rows, payoffs):  # type: ignore[no-untyped-def]
    """Write the payoffs (n, players) of rows whose last-stage moves stand in their slots."""
    for r in range(rows.shape[0]):
        finish(rows[r], payoffs[r])
