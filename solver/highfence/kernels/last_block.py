"""The last block, whose decisions are all intervals: one equilibrium of it, at one history.

A *history* is a slot vector v (see :mod:`.staged`) in which all earlier moves stand. Of one
decision, d = (slot, owner, low, width) is all that a search of it needs, and its actions are
scaled: x in [0, 1] stands for low + width x. The block's m decisions are a :class:`Box`, u (m,)
their scaled actions. Everything is looked for from where u stands, so that an answer may be
followed from one history to the next, or made a function of the history by a fixed start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, types

from .staged import FINISH, NARROW, OBJECTIVE, STEP, _newton, _place, inner, lean

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ANSWER", "Box", "answer", "answer_rows", "copy"]

GAIN = 1e-9
"""A gain below this share of the scanned range is rounding."""


NEXT = 1e-4
"""Step of the differences of a first guess."""
ROUNDS = 16
"""Replies to replies after which two decisions are not expected to meet."""
MET = 1e-9
"""Distance of replies that meet no closer, as kinks in which they are located by rounding."""
REACH = 0.2
"""How far a first guess may be."""
SMALL = 1e-6
"""Slope, over the curvature, from which the rest is read off the parabolas."""


class Box(NamedTuple):
    """The decisions of a block at one history, each array (m,)."""

    slots: NDArray[np.int64]
    owners: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


_VECTOR, _INTS = types.float64[::1], types.int64[::1]
_BOX = types.NamedTuple((_INTS, _INTS, _VECTOR, _VECTOR), Box)  # type: ignore[no-untyped-call]
ANSWER = types.boolean(
    types.FunctionType(OBJECTIVE),
    _VECTOR,
    _BOX,
    _VECTOR,
    types.float64[:, ::1],
    _VECTOR,
    types.boolean,
    types.boolean,
)


@lean
def _of(box, j):  # type: ignore[no-untyped-def]
    return box.slots[j], box.owners[j], box.low[j], box.high[j] - box.low[j]


@lean
def copy(to, found):  # type: ignore[no-untyped-def]
    """Copy a vector: numba's own way allocates."""
    for j in range(to.size):
        to[j] = found[j]


@lean
def _put(v, box, u):  # type: ignore[no-untyped-def]
    """Place actions in their slots."""
    _place(v, box.slots, box.low, box.high, u)


@lean
def _at(f, v, d, x):  # type: ignore[no-untyped-def]
    """Objective of a decision's owner with the decision at x, where it is left."""
    slot, owner, low, width = d
    v[slot] = low + width * x
    return f(v, owner)


@lean
def _top(f, v, d, center, height, size):  # type: ignore[no-untyped-def]
    """Height of the peak of a decision within ``size`` of ``center``."""
    for _ in range(10):
        middle = center
        for q in range(-3, 4):
            if q != 0:
                x = min(max(middle + size * q / 3, 0.0), 1.0)
                found = _at(f, v, d, x)
                if found > height:
                    height = found
                    center = x
        size *= 0.36
    return height


@lean
def _alone(f, v, d, x, scan):  # type: ignore[no-untyped-def]
    """Whether a decision does not gain by leaving x: by a scan with peaks between its points,
    and by a look close to x at five scales. ``scan`` is room for the points of a scan."""
    points = scan.size - 1
    step = 1.0 / points
    now = _at(f, v, d, x)
    least, most = now, now
    for k in range(points + 1):
        here = _at(f, v, d, k * step)
        scan[k] = here
        least = min(least, here)
        most = max(most, here)
    spread = most - least
    slack = GAIN * spread
    if not now >= most - slack:
        return False
    for k in range(points + 1):
        here = scan[k]
        before = scan[k - 1] if k > 0 else -np.inf
        after = scan[k + 1] if k < points else -np.inf
        if here < before or here < after or abs(k * step - x) <= 1.5 * step:
            continue
        bend = before - 2 * here + after
        top = here + 0.25 * spread
        if np.isfinite(bend) and bend < 0.0:
            rise = after - before
            top = here - 0.25 * rise * rise / bend - 0.02 * bend + NARROW * spread
        if top > now:
            found = _top(f, v, d, k * step, here, step)
            if found > now + slack:
                return False
    step *= 0.5
    for _ in range(5):
        if x - step >= 0.0 and _at(f, v, d, x - step) > now + slack:
            return False
        if x + step <= 1.0 and _at(f, v, d, x + step) > now + slack:
            return False
        step *= 0.25
    return True


@lean
def _sides(f, v, d, x, h):  # type: ignore[no-untyped-def]
    """Height at x, and slope and curvature to its left and to its right, by steps of h."""
    b = _at(f, v, d, x)
    left, left_bend, right, right_bend = 0.0, 0.0, 0.0, 0.0
    if x >= 2 * h:
        a = _at(f, v, d, x - h)
        c = _at(f, v, d, x - 2 * h)
        left, left_bend = (3 * b - 4 * a + c) / (2 * h), (b - 2 * a + c) / (h * h)
    if x <= 1.0 - 2 * h:
        a = _at(f, v, d, x + h)
        c = _at(f, v, d, x + 2 * h)
        right, right_bend = (-3 * b + 4 * a - c) / (2 * h), (b - 2 * a + c) / (h * h)
    else:
        right, right_bend = left, left_bend
    if x < 2 * h:
        left, left_bend = right, right_bend
    return b, left, left_bend, right, right_bend


@lean
def _meet_of(a, fa, sa, ca, b, fb, sb, cb):  # type: ignore[no-untyped-def]
    """Where the parabola at a, which is below at a, comes above that at b; NaN if nowhere."""
    width = b - a
    low = fa - (fb - sb * width + 0.5 * cb * width * width)
    high = (fa + sa * width + 0.5 * ca * width * width) - fb
    if not (low < 0.0 and high > 0.0):
        return np.nan
    # low + slope t + bend t^2 / 2, t from a.
    slope = sa - (sb - cb * width)
    bend = ca - cb
    t = width * low / (low - high)
    for _ in range(6):
        value = low + slope * t + 0.5 * bend * t * t
        grade = slope + bend * t
        if not grade > 0.0:
            break
        t = min(max(t - value / grade, 0.0), width)
    return a + t


@lean
def _uphill(f, v, d, x, h):  # type: ignore[no-untyped-def]
    """The peak of one decision uphill from x, and whether it was verified as one.

    Parabolas on the two sides of the peak say where it is: at the top of one of them, or
    where they meet. Where the objective is piecewise quadratic that is exact. Each side's
    parabola is fitted outward, so that it does not reach across a kink between the sides, and
    as widely as they are apart: curvatures of narrower stencils are rounding.
    """
    a = min(max(x, 0.0), 1.0)
    fa, sl, cl, sr, cr = _sides(f, v, d, a, h)
    if a <= 0.0 and sr <= 0.0:
        return 0.0, True
    if a >= 1.0 and sl >= 0.0:
        return 1.0, True
    if sl > 0.0 and sr < 0.0:
        b = min(a + 2 * h, 1.0)
        a = max(a - 2 * h, 0.0)
        fa, sa, ca, _, _ = _sides(f, v, d, a, h)
        fb, _, _, sb, cb = _sides(f, v, d, b, h)
        h *= 0.01
    else:
        way = 1.0 if sr > 0.0 else -1.0
        sa, ca = (sl, cl) if way > 0.0 else (sr, cr)
        step = 0.02
        if ca < 0.0 and abs(sa) < 0.1 * abs(ca):
            step = 1.02 * abs(sa / ca) + 2 * h
        b, fb, sb, cb = a, fa, sa, ca
        for _ in range(12):
            b = a + way * step
            if b <= 0.0 or b >= 1.0:
                b = 0.0 if b <= 0.0 else 1.0
            fb, sl, cl, sr, cr = _sides(f, v, d, b, h)
            sb, cb = (sr, cr) if way > 0.0 else (sl, cl)
            if sb * way <= 0.0:
                break
            if b <= 0.0 or b >= 1.0:
                return b, True
            a, fa = b, fb
            sa, ca = (sl, cl) if way > 0.0 else (sr, cr)
            step *= 3.0
        if sb * way > 0.0:
            return b, False
        if way < 0.0:
            a, fa, sa, ca, b, fb, sb, cb = b, fb, sb, cb, a, fa, sa, ca
    if sa < 0.0 or sb > 0.0:
        return (a, False) if sa < 0.0 else (b, False)
    for _ in range(40):
        if b - a < 1e-13:
            break
        top = a - sa / ca if ca < 0.0 else b
        other = b - sb / cb if cb < 0.0 else a
        kink = _meet_of(a, fa, sa, ca, b, fb, sb, cb)
        at_kink = False
        y = top if a <= top <= b else other
        if kink == kink:
            if top <= kink:
                y = top
            elif other >= kink:
                y = other
            else:
                y = kink
                at_kink = True
        if not a <= y <= b:
            y = 0.5 * (a + b)
            at_kink = False
        if at_kink:
            fy = _at(f, v, d, y)
            t = y - a
            off = abs(fy - (fa + sa * t + 0.5 * ca * t * t))
            if off <= 1e-13 * max(abs(fy), sa - sb):
                return y, True
        near = min(h, 0.2 * (b - a))
        if near < 1e-9:
            return y, False
        fy, sl, cl, sr, cr = _sides(f, v, d, y, near)
        flat = cl < 0.0 and abs(sl) <= 1e-6 * abs(cl) and abs(sr) <= 1e-6 * abs(cl)
        if flat and abs(cl - cr) <= -0.1 * cl:
            # Smooth here, no kink within a stencil: the mean of both slopes is a difference of
            # higher order.
            return min(max(y - 0.5 * (sl + sr) / cl, 0.0), 1.0), True
        if sl >= 0.0 and sr <= 0.0:
            # The peak is within the stencil.
            a, b = max(y - 2 * near, a), min(y + 2 * near, b)
            fa, sa, ca, _, _ = _sides(f, v, d, a, near)
            fb, _, _, sb, cb = _sides(f, v, d, b, near)
            h = 0.01 * near
            if sa < 0.0 or sb > 0.0:
                return y, False
            continue
        if sl < 0.0 and sr > 0.0:
            return y, False
        if sl > 0.0:
            if b - y > 0.9 * (b - a):
                h = min(h, 0.1 * (b - a))
            a, fa, sa, ca = y, fy, sl, cl
        else:
            b, fb, sb, cb = y, fy, sr, cr
    return 0.5 * (a + b), False


@lean
def _bent(f, v, d, x):  # type: ignore[no-untyped-def]
    """Slope and curvature of a decision's objective at x, by a narrow parabola next to it; and
    whether they agree further away, as they do not where there is a kink."""
    h = NEXT
    a = min(max(x, h), 1.0 - h)
    left, here, right = _at(f, v, d, a - h), _at(f, v, d, a), _at(f, v, d, a + h)
    curvature = (left - 2 * here + right) / (h * h)
    slope = (right - left) / (2 * h)
    far = -3 * h if a > 0.5 else 3 * h
    rest = _at(f, v, d, a + far) - here - slope * far - 0.5 * curvature * far * far
    even = abs(rest) <= 1e-3 * abs(curvature) * far * far
    v[d[0]] = d[2] + d[3] * x
    return slope + curvature * (x - a), curvature, even


@lean
def _held(x, slope):  # type: ignore[no-untyped-def]
    """Whether a bound keeps a decision from going up its slope."""
    return (x <= 0.0 and slope <= 0.0) or (x >= 1.0 and slope >= 0.0)


@lean
def _near_top(f, v, d, x):  # type: ignore[no-untyped-def]
    """The peak of the parabola on which x lies, if it is close and also on it; else -1."""
    slope, curvature, even = _bent(f, v, d, x)
    if _held(x, slope) and even:
        return x
    if not (even and curvature < 0.0 and abs(slope) <= -REACH * curvature):
        return -1.0
    y = min(max(x - slope / curvature, 0.0), 1.0)
    slope, again, even = _bent(f, v, d, y)
    if not (even and abs(again - curvature) <= -1e-3 * curvature):
        return -1.0
    if _held(y, slope):
        return y
    return min(max(y - slope / again, 0.0), 1.0) if abs(slope) <= -SMALL * again else -1.0


@lean
def _hill(f, v, d, x):  # type: ignore[no-untyped-def]
    """The peak of one decision uphill from x, smooth or a kink, to rounding.

    Where a stencil may have reached across a kink, a narrower one looks again.
    """
    h = 1e-4
    top = _near_top(f, v, d, x)
    if top >= 0.0:
        return top
    for _ in range(3):
        x, verified = _uphill(f, v, d, x, h)
        if verified:
            break
        h *= 0.01
    return x


@lean
def _scanned(f, v, d, points):  # type: ignore[no-untyped-def]
    """The best of equally spaced actions of a decision."""
    best, where = -np.inf, 0.5
    for k in range(points + 1):
        found = _at(f, v, d, k / points)
        if found > best:
            best, where = found, k / points
    return where


@lean
def _stands(f, v, box, u, scan):  # type: ignore[no-untyped-def]
    """Whether no decision, changed alone, gains. The moves stand in v, and are left there."""
    for j in range(u.size):
        d = _of(box, j)
        if d[3] > 0.0:
            holds = _alone(f, v, d, u[j], scan)
            v[d[0]] = d[2] + d[3] * u[j]
            if not holds:
                return False
    return True


@lean
def _replied(f, v, d, x, points):  # type: ignore[no-untyped-def]
    """The reply of a decision, uphill from x, or from the best of a scan; it is left in v."""
    if points > 0:
        x = _scanned(f, v, d, points)
    x = _hill(f, v, d, x)
    v[d[0]] = d[2] + d[3] * x
    return x


@lean
def _join(f, v, box, u, points):  # type: ignore[no-untyped-def]
    """Move u to where the local replies of one or two decisions meet; False if they do not.

    A secant on the reply to the reply: replies are piecewise linear where objectives are
    piecewise quadratic. The first round looks for the replies on the whole interval.
    """
    m = u.size
    for j in range(m):
        if not box.high[j] > box.low[j]:
            u[j] = 0.0
    _put(v, box, u)
    one, other = _of(box, 0), _of(box, m - 1)
    if m == 1:
        if one[3] > 0.0:
            u[0] = _replied(f, v, one, u[0], points)
        return True
    y0, g0, g = 0.0, 0.0, 1.0
    for step in range(ROUNDS):
        y = u[1]
        scan = points if step == 0 else 0
        if one[3] > 0.0:
            u[0] = _replied(f, v, one, u[0], scan)
        if not other[3] > 0.0:
            return True
        z = _replied(f, v, other, y, scan)
        g = z - y
        if abs(g) < 1e-11:
            u[1] = z
            return True
        move = g
        if step > 0 and y != y0:
            slope = (g - g0) / (y - y0)
            if slope < -0.1:
                move = -g / slope
        y0, g0 = y, g
        u[1] = min(max(y + move, 0.0), 1.0)
        v[other[0]] = other[2] + other[3] * u[1]
    return abs(g) < MET


@lean
def _slope(f, v, d, x):  # type: ignore[no-untyped-def]
    """Slope of a decision's objective next to x, taken at x by a parabola where x is a bound."""
    h = NEXT
    a = min(max(x, h), 1.0 - h)
    left, right = _at(f, v, d, a - h), _at(f, v, d, a + h)
    slope = (right - left) / (2 * h)
    if a != x:
        slope += (left - 2 * _at(f, v, d, a) + right) / (h * h) * (x - a)
    v[d[0]] = d[2] + d[3] * x
    return slope


@lean
def _tangent(f, v, box, u):  # type: ignore[no-untyped-def]
    """Move u to where the slopes of one or two decisions vanish, by Newton; False where that
    is not at once, or not smooth and concave. On quadratics, two steps."""
    m = u.size
    one, other = _of(box, 0), _of(box, m - 1)
    x = u[0] if one[3] > 0.0 else 0.0
    y = u[m - 1] if other[3] > 0.0 else 0.0
    v[one[0]] = one[2] + one[3] * x
    v[other[0]] = other[2] + other[3] * y
    single = m == 1 or not other[3] > 0.0
    sx, cx, even_x, sy, cy, even_y = 0.0, -1.0, True, 0.0, -1.0, True
    for _ in range(5):
        if one[3] > 0.0:
            sx, cx, even_x = _bent(f, v, one, x)
        if not single:
            sy, cy, even_y = _bent(f, v, other, y)
        still_x = not one[3] > 0.0 or _held(x, sx)
        still_y = single or _held(y, sy)
        if not ((still_x or cx < 0.0) and (still_y or cy < 0.0) and even_x and even_y):
            return False
        if (still_x or abs(sx) <= -SMALL * cx) and (still_y or abs(sy) <= -SMALL * cy):
            # The parabolas say the rest.
            u[0] = x if still_x else min(max(x - sx / cx, 0.0), 1.0)
            if m > 1:
                u[1] = y if still_y else min(max(y - sy / cy, 0.0), 1.0)
            _put(v, box, u)
            return True
        to_x, to_y = 0.0, 0.0
        if still_x or still_y:
            to_x = 0.0 if still_x else -sx / cx
            to_y = 0.0 if still_y else -sy / cy
        else:
            h = NEXT if y < 0.5 else -NEXT
            v[other[0]] = other[2] + other[3] * (y + h)
            a = (_slope(f, v, one, x) - sx) / h
            v[other[0]] = other[2] + other[3] * y
            h = NEXT if x < 0.5 else -NEXT
            v[one[0]] = one[2] + one[3] * (x + h)
            b = (_slope(f, v, other, y) - sy) / h
            determinant = cx * cy - a * b
            if not determinant > 0.0:
                return False
            to_x = (a * sy - cy * sx) / determinant
            to_y = (b * sx - cx * sy) / determinant
        x = min(max(x + to_x, 0.0), 1.0)
        y = min(max(y + to_y, 0.0), 1.0)
        v[one[0]] = one[2] + one[3] * x
        v[other[0]] = other[2] + other[3] * y
    return False


@lean
def _round(f, v, box, u, y, points):  # type: ignore[no-untyped-def]
    """The second decision's reply to the first one's reply to y, less y; u is left at both."""
    one, other = _of(box, 0), _of(box, 1)
    v[other[0]] = other[2] + other[3] * y
    u[0] = _replied(f, v, one, 0.5, points)
    u[1] = _replied(f, v, other, y, points)
    return u[1] - y


@inner
def _crossed(f, v, box, u, scan):  # type: ignore[no-untyped-def]
    """Move u to where the replies of two decisions cross, nearest first; False if nowhere.

    The reply to the reply, less the action, is scanned for changes of sign. At a jump of a
    reply the sign changes without a crossing.
    """
    cells = 12
    start = u[1]
    points = scan.size - 1
    gaps = np.empty(cells + 1)
    for k in range(cells + 1):
        gaps[k] = _round(f, v, box, u, k / cells, points)
    for _ in range(cells):
        # Cells outward from the start.
        chosen, least = -1, np.inf
        for k in range(cells):
            distance = abs((k + 0.5) / cells - start)
            if gaps[k] * gaps[k + 1] <= 0.0 and distance < least:
                chosen, least = k, distance
        if chosen < 0:
            return False
        p, q = chosen / cells, (chosen + 1) / cells
        a, b = gaps[chosen], gaps[chosen + 1]
        left, right = abs(a), abs(b)
        for step in range(50):
            y = 0.5 * (p + q)
            if step % 3 != 2 and a != b:
                y = min(max((p * b - q * a) / (b - a), p), q)
            g = _round(f, v, box, u, y, points)
            if abs(g) < 1e-11 or q - p < 1e-13:
                break
            if g * a > 0.0:
                p, a, left = y, g, abs(g)
                b *= 0.5
            else:
                q, b, right = y, g, abs(g)
                a *= 0.5
            if q - p < 1e-3 and left + right > 200.0 * (q - p):
                break
        _put(v, box, u)
        if _stands(f, v, box, u, scan):
            return True
        gaps[chosen] = np.nan
    return False


@inner
def _settled(f, v, box, u, width, scan):  # type: ignore[no-untyped-def]
    """Whether Newton, from u, where it may be left, ends at an equilibrium: any number of
    decisions."""
    met = _newton(f, v, box.slots, box.owners, box.low, box.high, u, width)
    _put(v, box, u)
    return met and _stands(f, v, box, u, scan)


@njit(ANSWER, cache=True, error_model="numpy", nogil=True)
def answer(f, v, box, u, starts, scan, near, sure):  # type: ignore[no-untyped-def]
    """Move u to an equilibrium of the block, from where it stands; False if none is met.

    ``starts`` (q, m) are tried where u leads nowhere, unless exactly two decisions are open;
    ``scan`` is room for the points of a scan. ``near`` says that u is probably close: one or two
    decisions try Newton first; else their replies meet step by step, so that the answer is
    the one on u's side. Unless ``sure``, what Newton finds need not hold against far actions.
    The moves are left in v.
    """
    trial = u.copy()
    m = u.size
    met = near and m <= 2 and _tangent(f, v, box, trial)
    if met and (not sure or _stands(f, v, box, trial, scan)):
        copy(u, trial)
        return True
    # From where u stands, from the best replies to it, and from the corners.
    for attempt in range(6 if m == 2 else 2):
        copy(trial, u)
        if attempt >= 2:
            trial[0], trial[1] = (attempt - 2) // 2, 1 - (attempt - 2) % 2
        if m > 2:
            met = _settled(f, v, box, trial, STEP if attempt == 0 else 0.01 * STEP, scan)
        else:
            met = _join(f, v, box, trial, scan.size - 1 if attempt == 1 else 0)
            met = met and _stands(f, v, box, trial, scan)
        if met:
            copy(u, trial)
            return True
    if m == 1:
        return False
    if m == 2 and box.high[0] > box.low[0] and box.high[1] > box.low[1]:
        trial[:] = u
        if not _crossed(f, v, box, trial, scan):
            return False
        u[:] = trial
        return True
    for attempt in range(starts.shape[0]):
        trial[:] = starts[attempt]
        if _settled(f, v, box, trial, STEP, scan):
            u[:] = trial
            return True
    return False


@njit(
    types.void(
        types.FunctionType(OBJECTIVE),
        types.FunctionType(FINISH),
        types.float64[:, ::1],
        _INTS,
        _INTS,
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.float64[:, :, ::1],
        types.boolean[::1],
        types.int64,
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.boolean[::1],
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
)
def answer_rows(  # type: ignore[no-untyped-def]
    objective, finish, rows, slots, owners, low, high, starts, near, points, actions, payoffs, known
):
    """Solve the last block at histories, each from its own starts: a function of the history.

    ``starts`` (n, q, m): scaled, the first is where the search begins, which is probably
    close where ``near`` (n,). Written: ``actions``
    (n, m), ``payoffs`` (n, players), ``known`` (n,). The rows' last moves are changed.
    """
    scan = np.empty(points + 1)
    u = np.empty(slots.size)
    for r in range(rows.shape[0]):
        v = rows[r]
        box = Box(slots, owners, low[r], high[r])
        u[:] = starts[r, 0]
        known[r] = answer(objective, v, box, u, starts[r], scan, near[r], True)
        if not known[r]:
            actions[r] = np.nan
            payoffs[r] = np.nan
            continue
        for j in range(u.size):
            actions[r, j] = v[slots[j]]
        finish(v, payoffs[r])
