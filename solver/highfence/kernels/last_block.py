"""The last block, whose decisions are all intervals: one equilibrium of it, at one history.

A *history* is a slot vector v (see :mod:`.staged`) in which all earlier moves stand. Of one
decision, d = (slot, owner, low, width) is all that a search of it needs, and its actions are
scaled: x in [0, 1] stands for low + width x. The block's m decisions are a :class:`Box`, u (m,)
their scaled actions. Everything is looked for from where u stands, so that an answer may be
followed from one history to the next, or made a function of the history by a fixed start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types

from .compiling import ALLOCATES_NOTHING, addressed, inner, kept, lean, pointer
from .staged import FINISH, LINE, NARROW, OBJECTIVE, STEP, _newton

__all__ = [
    "ALONE",
    "ANSWER",
    "CELLS",
    "EITHER",
    "NEAR",
    "Box",
    "Payoffs",
    "answer",
    "answer_of_many",
    "answer_rows",
    "payoffs_in",
    "room",
]

GAIN = 1e-9
"""A gain below this share of the scanned range is rounding."""


NEXT = 1e-4
"""Step of the differences."""
ROUNDS = 16
"""Replies to replies after which two decisions are not expected to meet."""
MET = 1e-9
"""Distance of replies that meet no closer, as kinks in which they are located by rounding."""
REACH = 0.2
"""How far a parabola is trusted on the way uphill."""
CLOSE = 0.05
"""How far a start that is probably close may be from where Newton goes."""
LOOKS = 12
"""Looks at a hill after which it is climbed by ever finer ones."""
ALONE, NEAR, EITHER = 0, 1, 2
"""How an answer is looked for: from where it starts, step by step; by Newton first, the start
being probably close; or as alone, but only if the first decision's start does not matter."""
SMALL = 1e-6
"""Slope, over the curvature, from which the rest is read off the parabolas."""
TOUCH = 1e-14
"""Share of a height within which two parabolas touch."""
LAST = 1e-7
"""Step that is right to rounding where rates are known."""


BESIDE = 5
"""Scales at which actions close to an answer are tried, each a quarter of the one before."""
CELLS = 12
"""Parts of an interval in which replies are looked at for where they cross."""
LANES = 8
"""Values of a line that are computed side by side: asked for are multiples of it."""


class Payoffs(NamedTuple):
    """The payoffs of the block, and room for those along a line."""

    objective: Any
    line: Any
    points: int
    """Parts into which scans divide an interval."""
    at: Any
    """Scaled actions that are asked for."""
    heights: Any
    """What they bring."""
    trial: Any
    """(m,): room for actions that are tried."""
    gaps: Any
    """(CELLS + 1,): room for differences of replies."""


class Box(NamedTuple):
    """The decisions of a block at one history."""

    m: int
    slots: Any
    owners: Any
    low: Any
    high: Any


_VECTOR, _INTS = types.float64[::1], types.int64[::1]
_NUMBERS: Any = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
_SPOTS: Any = types.CPointer(types.int64)  # type: ignore[no-untyped-call]
_BOX = types.NamedTuple((types.int64, _SPOTS, _SPOTS, _NUMBERS, _NUMBERS), Box)  # type: ignore[no-untyped-call]
_PAYOFFS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        types.FunctionType(OBJECTIVE),
        types.FunctionType(LINE),
        types.int64,
        _NUMBERS,
        _NUMBERS,
        _NUMBERS,
        _NUMBERS,
    ),
    Payoffs,
)
ANSWER = types.boolean(
    _PAYOFFS,
    _NUMBERS,
    _BOX,
    _NUMBERS,
    _NUMBERS,
    types.int64,
    types.int64,
    types.boolean,
)


def room(points: int, m: int) -> int:
    """Return how many numbers :func:`payoffs_in` takes, for m decisions."""
    return 2 * _most(points) + m + CELLS + 1


def _most(points: int) -> int:
    """Values of a line that are asked for at most at once."""
    return (points + 2 + 2 * BESIDE + LANES - 1) // LANES * LANES


_most_of = lean(_most)


@lean
def payoffs_in(objective, line, points, work):  # type: ignore[no-untyped-def]
    """Payoffs whose room is an array that must outlive them."""
    most = _most_of(points)
    return Payoffs(
        objective,
        line,
        points,
        pointer(work),
        pointer(work[most:]),
        pointer(work[2 * most + CELLS + 1 :]),
        pointer(work[2 * most :]),
    )


@lean
def _copy(to, source, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        to[k] = source[k]


@lean
def _of(box, j):  # type: ignore[no-untyped-def]
    return box.slots[j], box.owners[j], box.low[j], box.high[j] - box.low[j]


@lean
def _put(v, box, u):  # type: ignore[no-untyped-def]
    """Place actions in their slots."""
    for j in range(box.m):
        v[box.slots[j]] = box.low[j] + (box.high[j] - box.low[j]) * u[j]


@lean
def _at(f, v, d, x):  # type: ignore[no-untyped-def]
    """Objective of a decision's owner with the decision at x, where it is left."""
    slot, owner, low, width = d
    v[slot] = low + width * x
    return f.objective(v, owner)


@lean
def _along(f, v, d, count):  # type: ignore[no-untyped-def]
    """Write the heights at the first ``count`` scaled actions that stand in ``f.at``."""
    slot, owner, low, width = d
    whole = (count + LANES - 1) // LANES * LANES
    for k in range(count, whole):
        f.at[k] = f.at[0]
    f.line(v, owner, slot, low, width, whole, f.at, f.heights)


@lean
def _top(f, v, d, center, height, size):  # type: ignore[no-untyped-def]
    """Height of the peak of a decision within ``size`` of ``center``."""
    for _ in range(10):
        for q in range(7):
            f.at[q] = min(max(center + size * (q - 3) / 3, 0.0), 1.0)
        _along(f, v, d, 7)
        for q in range(7):
            if f.heights[q] > height:
                height = f.heights[q]
                center = f.at[q]
        size *= 0.36
    return height


@lean
def _alone(f, v, d, x):  # type: ignore[no-untyped-def]
    """Whether a decision does not gain by leaving x: by a scan with peaks between its points,
    and by a look close to x at five scales."""
    points = f.points
    step = 1.0 / points
    for k in range(points + 1):
        f.at[k] = k * step
    f.at[points + 1] = x
    size = 0.5 * step
    for q in range(points + 2, points + 2 + 2 * BESIDE, 2):
        f.at[q] = x - size if x - size >= 0.0 else x
        f.at[q + 1] = x + size if x + size <= 1.0 else x
        size *= 0.25
    count = points + 2 + 2 * BESIDE
    _along(f, v, d, count)
    now = f.heights[points + 1]
    least, most = now, now
    for k in range(points + 1):
        least = min(least, f.heights[k])
        most = max(most, f.heights[k])
    spread = most - least
    slack = GAIN * spread
    if not now >= most - slack:
        return False
    for q in range(points + 2, count):
        if f.heights[q] > now + slack:
            return False
    for k in range(points + 1):
        here = f.heights[k]
        before = f.heights[k - 1] if k > 0 else -np.inf
        after = f.heights[k + 1] if k < points else -np.inf
        if here < before or here < after or abs(k * step - x) <= 1.5 * step:
            continue
        bend = before - 2 * here + after
        top = here + 0.25 * spread
        if np.isfinite(bend) and bend < 0.0:
            rise = after - before
            top = here - 0.25 * rise * rise / bend - 0.02 * bend + NARROW * spread
        if top > now:
            # The room is used anew: the rest of the scan is read again.
            if _top(f, v, d, k * step, here, step) > now + slack:
                return False
            for again in range(points + 1):
                f.at[again] = again * step
            _along(f, v, d, points + 1)
    return True


@lean
def _sides(f, v, d, x, h):  # type: ignore[no-untyped-def]
    """Height at x, and slope and curvature to its left and to its right, by steps of h."""
    at_left, at_right = x >= 2 * h, x <= 1.0 - 2 * h
    to_left, to_right = -h if at_left else h, h if at_right else -h
    f.at[0], f.at[1], f.at[2] = x, x + to_left, x + 2 * to_left
    f.at[3], f.at[4] = x + to_right, x + 2 * to_right
    _along(f, v, d, 5)
    b = f.heights[0]
    left, left_bend, right, right_bend = 0.0, 0.0, 0.0, 0.0
    if at_left:
        a, c = f.heights[1], f.heights[2]
        left, left_bend = (3 * b - 4 * a + c) / (2 * h), (b - 2 * a + c) / (h * h)
    if at_right:
        a, c = f.heights[3], f.heights[4]
        right, right_bend = (-3 * b + 4 * a - c) / (2 * h), (b - 2 * a + c) / (h * h)
    else:
        right, right_bend = left, left_bend
    if not at_left:
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
        y, met = _between(a, fa, sa, ca, b, fb, sb, cb)
        if met and _on(f, v, d, y, a, fa, sa, ca, b, fb, sb, cb):
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
def _look(f, v, d, x):  # type: ignore[no-untyped-def]
    """Ask for eight heights around x, at steps of NEXT.

    Their center (x, but for the bounds); height, slope and curvature there, by the inner ones;
    and whether the outer ones agree, as they do not where there is a kink.
    """
    h = NEXT
    a = min(max(x, 3.5 * h), 1.0 - 3.5 * h)
    for q in range(8):
        f.at[q] = a + (q - 3.5) * h
    _along(f, v, d, 8)
    r = f.heights
    here = (9 * (r[3] + r[4]) - (r[2] + r[5])) / 16
    slope = (27 * (r[4] - r[3]) - (r[5] - r[2])) / (24 * h)
    bend = (r[2] - r[3] - r[4] + r[5]) / (2 * h * h)
    far = 3.5 * h
    square = 0.5 * bend * far * far
    off = max(abs(r[0] - here + slope * far - square), abs(r[7] - here - slope * far - square))
    return a, here, slope, bend, off <= 1e-3 * abs(bend) * far * far


@lean
def _left_of(f):  # type: ignore[no-untyped-def]
    """Height, slope and curvature of the parabola through the left heights of a look, at the
    innermost of the three, 1.5 steps from the center."""
    r, h = f.heights, NEXT
    return r[2], (3 * r[2] - 4 * r[1] + r[0]) / (2 * h), (r[0] - 2 * r[1] + r[2]) / (h * h)


@lean
def _right_of(f):  # type: ignore[no-untyped-def]
    """Likewise of the right heights."""
    r, h = f.heights, NEXT
    return r[5], (4 * r[6] - 3 * r[5] - r[7]) / (2 * h), (r[5] - 2 * r[6] + r[7]) / (h * h)


@lean
def _held(x, slope):  # type: ignore[no-untyped-def]
    """Whether a bound keeps a decision from going up its slope."""
    return (x <= 0.0 and slope <= 0.0) or (x >= 1.0 and slope >= 0.0)


@lean
def _between(a, fa, sa, ca, b, fb, sb, cb):  # type: ignore[no-untyped-def]
    """Where the peak between a and b is, by a parabola on each side; and whether it is where
    they meet, or they touch: where only the curvature jumps, the peak is that of one of them."""
    width = b - a
    t = (sb - cb * width - sa) / (ca - cb)
    if 0.0 <= t <= width:
        r = t - width
        apart = fa + sa * t + 0.5 * ca * t * t - (fb + sb * r + 0.5 * cb * r * r)
        if abs(apart) <= TOUCH * max(abs(fa), abs(fb)):
            y = b - sb / cb
            if sa + ca * t > 0.0 and cb < 0.0 and a + t <= y <= b:
                return y, True
            y = a - sa / ca
            if sa + ca * t <= 0.0 and ca < 0.0 and a <= y <= a + t:
                return y, True
    top = a - sa / ca if ca < 0.0 else b
    other = b - sb / cb if cb < 0.0 else a
    kink = _meet_of(a, fa, sa, ca, b, fb, sb, cb)
    y, met = top if a <= top <= b else other, False
    if kink == kink:
        if top <= kink:
            y = top
        elif other >= kink:
            y = other
        else:
            y, met = kink, True
    if not a <= y <= b:
        y, met = 0.5 * (a + b), False
    return y, met


@lean
def _on(f, v, d, y, a, fa, sa, ca, b, fb, sb, cb):  # type: ignore[no-untyped-def]
    """Whether the objective at y, where two parabolas meet or touch, is theirs to rounding."""
    fy = _at(f, v, d, y)
    t, r = y - a, y - b
    off = min(
        abs(fy - (fa + sa * t + 0.5 * ca * t * t)), abs(fy - (fb + sb * r + 0.5 * cb * r * r))
    )
    return off <= 1e-13 * max(abs(fy), sa - sb)


@lean
def _hill(f, v, d, x):  # type: ignore[no-untyped-def]
    """The peak of one decision uphill from x, smooth or a kink, to rounding.

    Parabolas lead from look to look; once there is one on each side, to a top or to where they
    meet. Where that does not end, ever narrower stencils look again.
    """
    x = min(max(x, 0.0), 1.0)
    a, fa, sa, ca = -1.0, 0.0, 0.0, 0.0
    b, fb, sb, cb = 2.0, 0.0, 0.0, 0.0
    for _ in range(LOOKS):
        c, here, slope, bend, even = _look(f, v, d, x)
        inside = False
        if even:
            at_x = slope + bend * (x - c)
            if _held(x, at_x):
                return x
            if bend < 0.0 and abs(at_x) <= -SMALL * bend:
                return min(max(x - at_x / bend, 0.0), 1.0)
            if slope > 0.0:
                a, fa, sa, ca = c, here, slope, bend
            else:
                b, fb, sb, cb = c, here, slope, bend
        else:
            fl, sl, cl = _left_of(f)
            fr, sr, cr = _right_of(f)
            inside = sl > 0.0 and sr < 0.0
            if sl > 0.0 and sr > 0.0:
                a, fa, sa, ca = c + 1.5 * NEXT, fr, sr, cr
            elif sl < 0.0 and sr < 0.0:
                b, fb, sb, cb = c - 1.5 * NEXT, fl, sl, cl
            elif inside:
                a, fa, sa, ca = c - 1.5 * NEXT, fl, sl, cl
                b, fb, sb, cb = c + 1.5 * NEXT, fr, sr, cr
            else:
                break
        if a >= 0.0 and b <= 1.0:
            if not a < b:
                break
            y, met = _between(a, fa, sa, ca, b, fb, sb, cb)
            if met and _on(f, v, d, y, a, fa, sa, ca, b, fb, sb, cb):
                return y
            if y == x or (inside and not met):
                break
            x = y
        elif a >= 0.0:
            x = min(a + (min(-sa / ca, REACH) if ca < 0.0 else REACH), 1.0)
        else:
            x = max(b - (min(sb / cb, REACH) if cb < 0.0 else REACH), 0.0)
    h = NEXT
    for _ in range(3):
        x, verified = _uphill(f, v, d, x, h)
        if verified:
            break
        h *= 0.01
    return x


@lean
def _aim(f, v, d, x):  # type: ignore[no-untyped-def]
    """Where one look says that the peak next to x is; NaN if it does not."""
    c, _, slope, bend, even = _look(f, v, d, x)
    if even:
        at_x = slope + bend * (x - c)
        if _held(x, at_x):
            return x
        if bend < 0.0 and abs(at_x) <= -0.01 * bend:
            return min(max(x - at_x / bend, 0.0), 1.0)
        return np.nan
    fl, sl, cl = _left_of(f)
    fr, sr, cr = _right_of(f)
    if not (sl > 0.0 and sr < 0.0):
        return np.nan
    y, met = _between(c - 1.5 * NEXT, fl, sl, cl, c + 1.5 * NEXT, fr, sr, cr)
    return y if met else np.nan


@lean
def _rates(f, v, one, other, x, y, z):  # type: ignore[no-untyped-def]
    """How fast the first decision's reply x to y moves with it, and the second one's reply z
    with x; NaN where a kink is in the way. The decisions are left at x and y."""
    h = NEXT if y < 0.5 else -NEXT
    v[other[0]] = other[2] + other[3] * (y + h)
    a = (_aim(f, v, one, x) - x) / h
    v[other[0]] = other[2] + other[3] * y
    h = NEXT if x < 0.5 else -NEXT
    v[one[0]] = one[2] + one[3] * (x + h)
    b = (_aim(f, v, other, z) - z) / h
    v[one[0]] = one[2] + one[3] * x
    return a, b


@lean
def _scanned(f, v, d, points):  # type: ignore[no-untyped-def]
    """The best of equally spaced actions of a decision."""
    best, where = -np.inf, 0.5
    for k in range(points + 1):
        f.at[k] = k / points
    _along(f, v, d, points + 1)
    for k in range(points + 1):
        if f.heights[k] > best:
            best, where = f.heights[k], k / points
    return where


@lean
def _stands(f, v, box, u):  # type: ignore[no-untyped-def]
    """Whether no decision, changed alone, gains. The moves stand in v, and are left there."""
    for j in range(box.m):
        d = _of(box, j)
        if d[3] > 0.0 and not _alone(f, v, d, u[j]):
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
def _join(f, v, box, u, points, near):  # type: ignore[no-untyped-def]
    """Move u to where the local replies of one or two decisions meet; False if they do not.

    A secant on the reply to the reply: replies are piecewise linear where objectives are
    piecewise quadratic. With ``near`` the first step goes by the rates at which replies move.
    The first round looks for the replies on the whole interval, if there are ``points``.
    """
    m = box.m
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
    rate, product = np.nan, np.nan
    for step in range(ROUNDS):
        y = u[1]
        scan = points if step == 0 else 0
        if one[3] > 0.0:
            u[0] = _replied(f, v, one, u[0], scan)
        if not other[3] > 0.0:
            return True
        z = _replied(f, v, other, y, scan)
        g = z - y
        if abs(g) < 1e-11 or (step > 2 and abs(g) < MET and abs(g) > 0.5 * abs(g0)):
            u[1] = z
            return True
        move = g
        if near and step == 0 and abs(g) < CLOSE and one[3] > 0.0:
            rate, b = _rates(f, v, one, other, u[0], y, z)
            product = rate * b
        if product < 0.9:
            move = g / (1.0 - product)
            # Next to the start, with the rates taken there, the rest is known to rounding.
            done = step > 0 and abs(move) < LAST
            u[0] = min(max(u[0] + rate * move, 0.0), 1.0)
            if done:
                u[1] = min(max(y + move, 0.0), 1.0)
                _put(v, box, u)
                return True
            if step > 0:
                product = np.nan
        elif step > 0 and y != y0:
            slope = (g - g0) / (y - y0)
            if slope < -0.1:
                move = -g / slope
        y0, g0 = y, g
        u[1] = min(max(y + move, 0.0), 1.0)
        v[other[0]] = other[2] + other[3] * u[1]
    return abs(g) < MET


@lean
def _tangent(f, v, box, u):  # type: ignore[no-untyped-def]
    """Move u to where the slopes of one or two decisions vanish, by Newton; False where that
    is not close, or not smooth and concave. On quadratics, two steps."""
    m = box.m
    one, other = _of(box, 0), _of(box, m - 1)
    single = m == 1 or not other[3] > 0.0
    x = u[0] if one[3] > 0.0 else 0.0
    y = u[m - 1] if other[3] > 0.0 else 0.0
    v[one[0]] = one[2] + one[3] * x
    v[other[0]] = other[2] + other[3] * y
    a, b, known = 0.0, 0.0, single or not one[3] > 0.0
    for _ in range(5):
        to_x, to_y, still = 0.0, 0.0, False
        cx, cy = -1.0, -1.0
        if one[3] > 0.0:
            c, _, slope, cx, even = _look(f, v, one, x)
            slope += cx * (x - c)
            held = _held(x, slope)
            if not (even and (held or (cx < 0.0 and abs(slope) <= -CLOSE * cx))):
                return False
            to_x = 0.0 if held else -slope / cx
            still |= held
        if not single:
            c, _, slope, cy, even = _look(f, v, other, y)
            slope += cy * (y - c)
            held = _held(y, slope)
            if not (even and (held or (cy < 0.0 and abs(slope) <= -CLOSE * cy))):
                return False
            to_y = 0.0 if held else -slope / cy
            still |= held
        size = max(abs(to_x), abs(to_y))
        if not (still or known or size <= 1e-11):
            # How fast each one's best action moves with the other's.
            h = NEXT if y < 0.5 else -NEXT
            v[other[0]] = other[2] + other[3] * (y + h)
            c, _, slope, bend, even = _look(f, v, one, x)
            a = (-(slope + bend * (x - c)) / cx - to_x) / h
            v[other[0]] = other[2] + other[3] * y
            h = NEXT if x < 0.5 else -NEXT
            v[one[0]] = one[2] + one[3] * (x + h)
            c, _, slope, bend, even = _look(f, v, other, y)
            b = (-(slope + bend * (y - c)) / cy - to_y) / h
            known = True
            if not a * b < 1.0:
                return False
        if not still:
            to_x, to_y = (to_x + a * to_y) / (1.0 - a * b), (to_y + b * to_x) / (1.0 - a * b)
        x = min(max(x + to_x, 0.0), 1.0)
        y = min(max(y + to_y, 0.0), 1.0)
        v[one[0]] = one[2] + one[3] * x
        v[other[0]] = other[2] + other[3] * y
        if size <= SMALL:
            # The parabolas said the rest.
            u[0] = x
            u[m - 1] = y if m > 1 else x
            _put(v, box, u)
            return True
    return False


@lean
def _round(f, v, box, u, y, points):  # type: ignore[no-untyped-def]
    """The second decision's reply to the first one's reply to y, less y; u is left at both."""
    one, other = _of(box, 0), _of(box, 1)
    v[other[0]] = other[2] + other[3] * y
    u[0] = _replied(f, v, one, 0.5, points)
    u[1] = _replied(f, v, other, y, points)
    return u[1] - y


@lean
def _crossed(f, v, box, u):  # type: ignore[no-untyped-def]
    """Move u to where the replies of two decisions cross, nearest first; False if nowhere.

    The reply to the reply, less the action, is scanned for changes of sign. At a jump of a
    reply the sign changes without a crossing.
    """
    cells, gaps = CELLS, f.gaps
    start = u[1]
    points = f.points
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
        if _stands(f, v, box, u):
            return True
        gaps[chosen] = np.nan
    return False


@inner
def _settled(f, v, box, u, width):  # type: ignore[no-untyped-def]
    """Whether Newton, from u, where it may be left, ends at an equilibrium: any number of
    decisions."""
    met = _newton(f.objective, v, box.slots, box.owners, box.low, box.high, u, width)
    _put(v, box, u)
    return met and _stands(f, v, box, u)


@lean
def _indifferent_start(f, v, box, u):  # type: ignore[no-untyped-def]
    """Whether the first of two decisions replies alike from both ends; it is moved there."""
    if not (box.m == 2 and box.high[0] > box.low[0] and box.high[1] > box.low[1]):
        return False
    _put(v, box, u)
    d = _of(box, 0)
    low = _hill(f, v, d, 0.0)
    u[0] = _hill(f, v, d, 1.0)
    return abs(low - u[0]) < 1e-11


@kept(ANSWER, **ALLOCATES_NOTHING)
def _answer(f, v, box, u, starts, count, how, sure):  # type: ignore[no-untyped-def]
    """Move u to an equilibrium of a block of one or two decisions, from where it stands; False
    if none is met.

    ``starts`` are not used. ``how``: NEAR says that u is probably close: Newton is tried first;
    ALONE has replies meet step by step, so that the answer is the one on u's side; so does
    EITHER, but only where the first of two decisions replies alike wherever it starts, False
    elsewhere. Unless ``sure``, what Newton finds need not hold against far actions.
    The moves are left in v.
    """
    trial, m = f.trial, box.m
    _copy(trial, u, m)
    if how == EITHER and not _indifferent_start(f, v, box, u):
        return False
    near = how == NEAR
    met = near and _tangent(f, v, box, trial)
    if met and (not sure or _stands(f, v, box, trial)):
        _copy(u, trial, m)
        return True
    # From where u stands, from the best replies to it, and from the corners.
    for attempt in range(6 if m == 2 else 2):
        _copy(trial, u, m)
        if attempt >= 2:
            trial[0], trial[1] = (attempt - 2) // 2, 1 - (attempt - 2) % 2
        points = f.points if attempt == 1 else 0
        met = _join(f, v, box, trial, points, near and attempt == 0)
        if met and _stands(f, v, box, trial):
            _copy(u, trial, m)
            return True
    if m == 2 and box.high[0] > box.low[0] and box.high[1] > box.low[1]:
        _copy(trial, u, m)
        if _crossed(f, v, box, trial):
            _copy(u, trial, m)
            return True
    return False


@kept(ANSWER)
def _answer_of_many(f, v, box, u, starts, count, how, sure):  # type: ignore[no-untyped-def]
    """Likewise of a block of three or more decisions, by Newton. ``starts`` (count, m) are tried
    where u leads nowhere; ``how`` and ``sure`` make no difference."""
    m = box.m
    trial = np.empty(m)
    for attempt in range(2):
        _copy(trial, u, m)
        if _settled(f, v, box, trial, STEP if attempt == 0 else 0.01 * STEP):
            _copy(u, trial, m)
            return True
    for attempt in range(count):
        for j in range(m):
            trial[j] = starts[attempt * m + j]
        if _settled(f, v, box, trial, STEP):
            _copy(u, trial, m)
            return True
    return False


answer, answer_of_many = addressed(_answer, ANSWER), addressed(_answer_of_many, ANSWER)


@kept(
    types.void(
        types.FunctionType(ANSWER),
        types.FunctionType(OBJECTIVE),
        types.FunctionType(LINE),
        types.FunctionType(FINISH),
        types.float64[:, ::1],
        _INTS,
        _INTS,
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.float64[:, :, ::1],
        _INTS,
        types.boolean[::1],
        types.int64,
        _VECTOR,
        types.float64[:, ::1],
        types.float64[:, ::1],
        types.boolean[::1],
    ),
    **ALLOCATES_NOTHING,
)
def answer_rows(  # type: ignore[no-untyped-def]
    answer, objective, line, finish, rows, slots, owners, low, high, first, starts, which, near,
    points, work, actions, payoffs, known,
):  # fmt: skip
    """Solve the last block at histories, each from its own starts: a function of the history.

    ``answer`` is :data:`answer` or :data:`answer_of_many`. ``first`` (n, m): scaled, where the
    search begins, which is probably close where ``near`` (n,), and then where it ended;
    ``starts`` (e, q, m) are tried then, those of ``which`` (n,). Written: ``actions`` (n, m),
    ``payoffs`` (n, players), ``known`` (n,). The rows' last moves are changed. ``work``
    (room(points, m),) is room.
    """
    m, goals = slots.size, payoffs_in(objective, line, points, work)
    for r in range(rows.shape[0]):
        v = rows[r]
        box = Box(m, pointer(slots), pointer(owners), pointer(low[r]), pointer(high[r]))
        u, others = first[r], starts[which[r]]
        how = NEAR if near[r] else ALONE
        known[r] = answer(
            goals, pointer(v), box, pointer(u), pointer(others), others.shape[0], how, True
        )
        if not known[r]:
            actions[r] = np.nan
            payoffs[r] = np.nan
            continue
        for j in range(m):
            actions[r, j] = v[slots[j]]
        finish(v, payoffs[r])
