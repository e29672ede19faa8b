"""Thousands of histories at once: one interval decision and finite ones, then interval ones.

A *history* is a row of slots (see :mod:`.staged`) at which the block before the last is
played: one interval decision s, scaled to [0, 1], of the *leader*, and finite decisions of
others, whose joint actions are the *profiles*. Behind it stands the last block, in which m
interval decisions are made. Everything that :mod:`highfence.methods.staged` does for one
history in Python is done here for each of many without leaving compiled code: scan of s
behind every profile, peaks located, finite deviations, mixtures of one or two finite movers.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

from .staged import (
    ADVANCE,
    FINISH,
    NARROW,
    OBJECTIVE,
    STEP,
    _newton,
    _place,
    lean,
)

__all__ = ["CONTINUUM", "CORNER", "OVERFLOW", "SEVERAL", "UNSOLVED", "answer_rows", "lead_rows"]

SEVERAL, UNSOLVED, CONTINUUM, OVERFLOW, CORNER = 1, 2, 4, 8, 16
"""Marks of a history: a last block has several equilibria; has none that was found; the leader
is indifferent over a stretch; there were more equilibria than room. ``CORNER << c``: searches
from corner c (first action high: + 2, others high: + 1) meet one of several answers, which no
corner before it does."""

EQUAL = 1e-9
"""Payoffs of one stage game closer than this share of its payoff range count as equal."""
GAIN = 1e-9
"""A gain below this share of the scanned range is rounding."""
PEAK = 0.02
"""Local maxima of a scan within this share of its range of the best one are located."""
INDIFFERENT = 1e-7
"""Share of the payoff range within which the actions of a mixture must be equal."""
HYSTERESIS = 1e-6
"""Difference, as a share of the payoff range, by which two branches count as parted."""

_MATRIX = types.float64[:, ::1]
_CUBE = types.float64[:, :, ::1]
_FOUR = types.float64[:, :, :, ::1]
_VECTOR = types.float64[::1]
_INTS = types.int64[::1]
_TABLE = types.int64[:, ::1]
_ARRAYS = types.Tuple(  # type: ignore[no-untyped-call]
    (_MATRIX, _INTS, _INTS, _INTS, _INTS, _VECTOR, _INTS, _VECTOR, _MATRIX)
)


@lean
def _at(f, v, slot, owner, value):  # type: ignore[no-untyped-def]
    """Objective of a decision's owner with the decision at ``value``, where it is left.

    Few arguments on purpose: every array that is passed costs as much as the objective does.
    """
    v[slot] = value
    return f(v, owner)


@lean
def _top(f, v, slot, owner, low, width, center, height, size):  # type: ignore[no-untyped-def]
    """Height of the peak of a decision within ``size`` of ``center``."""
    for _ in range(10):
        middle = center
        for q in range(-3, 4):
            if q != 0:
                x = min(max(middle + size * q / 3, 0.0), 1.0)
                found = _at(f, v, slot, owner, low + width * x)
                if found > height:
                    height = found
                    center = x
        size *= 0.36
    return height


@lean
def _alone(f, v, slot, owner, low, width, x, scan):  # type: ignore[no-untyped-def]
    """Whether a decision does not gain by leaving x: by a scan with peaks between its points,
    and by a look close to x at five scales. ``scan`` is room for the points of a scan."""
    points = scan.size - 1
    step = 1.0 / points
    now = _at(f, v, slot, owner, low + width * x)
    least, most = now, now
    for k in range(points + 1):
        here = _at(f, v, slot, owner, low + width * k * step)
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
            found = _top(f, v, slot, owner, low, width, k * step, here, step)
            if found > now + slack:
                return False
    step *= 0.5
    for _ in range(5):
        if x - step >= 0.0 and _at(f, v, slot, owner, low + width * (x - step)) > now + slack:
            return False
        if x + step <= 1.0 and _at(f, v, slot, owner, low + width * (x + step)) > now + slack:
            return False
        step *= 0.25
    return True


@lean
def _stands(f, v, slots, owners, lo, hi, u, scan):  # type: ignore[no-untyped-def]
    """Whether no decision, changed alone, gains. The moves stand in v, and are left there."""
    for j in range(u.size):
        if hi[j] > lo[j]:
            holds = _alone(f, v, slots[j], owners[j], lo[j], hi[j] - lo[j], u[j], scan)
            v[slots[j]] = lo[j] + (hi[j] - lo[j]) * u[j]
            if not holds:
                return False
    return True


@lean
def _sides(f, v, slot, owner, low, width, x, h):  # type: ignore[no-untyped-def]
    """Height at x, and slope and curvature to its left and to its right, by steps of h."""
    b = _at(f, v, slot, owner, low + width * x)
    left, left_bend, right, right_bend = 0.0, 0.0, 0.0, 0.0
    if x >= 2 * h:
        a = _at(f, v, slot, owner, low + width * (x - h))
        c = _at(f, v, slot, owner, low + width * (x - 2 * h))
        left, left_bend = (3 * b - 4 * a + c) / (2 * h), (b - 2 * a + c) / (h * h)
    if x <= 1.0 - 2 * h:
        a = _at(f, v, slot, owner, low + width * (x + h))
        c = _at(f, v, slot, owner, low + width * (x + 2 * h))
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
def _uphill(f, v, slot, owner, low, width, x, h):  # type: ignore[no-untyped-def]
    """The peak of one decision uphill from x, and whether it was verified as one.

    Parabolas on the two sides of the peak say where it is: at the top of one of them, or
    where they meet. Where the objective is piecewise quadratic that is exact. Each side's
    parabola is fitted outward, so that it does not reach across a kink between the sides.
    """
    a = min(max(x, 0.0), 1.0)
    fa, sl, cl, sr, cr = _sides(f, v, slot, owner, low, width, a, h)
    if a <= 0.0 and sr <= 0.0:
        return 0.0, True
    if a >= 1.0 and sl >= 0.0:
        return 1.0, True
    if sl > 0.0 and sr < 0.0:
        b = min(a + 2 * h, 1.0)
        a = max(a - 2 * h, 0.0)
        h *= 0.01
        fa, sa, ca, _, _ = _sides(f, v, slot, owner, low, width, a, h)
        fb, _, _, sb, cb = _sides(f, v, slot, owner, low, width, b, h)
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
            fb, sl, cl, sr, cr = _sides(f, v, slot, owner, low, width, b, h)
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
            fy = _at(f, v, slot, owner, low + width * y)
            t = y - a
            if abs(fy - (fa + sa * t + 0.5 * ca * t * t)) <= 1e-13 * abs(fy):
                return y, True
        near = min(h, 0.2 * (b - a))
        if near < 1e-9:
            return y, False
        fy, sl, cl, sr, cr = _sides(f, v, slot, owner, low, width, y, near)
        if cl < 0.0 and abs(sl) <= 1e-6 * abs(cl) and abs(sr) <= 1e-6 * abs(cl):
            # Smooth here: the mean of both slopes is a difference of higher order.
            return min(max(y - 0.5 * (sl + sr) / cl, 0.0), 1.0), True
        if sl >= 0.0 and sr <= 0.0:
            # The peak is within the stencil.
            a, b = max(y - 2 * near, a), min(y + 2 * near, b)
            h = 0.01 * near
            fa, sa, ca, _, _ = _sides(f, v, slot, owner, low, width, a, h)
            fb, _, _, sb, cb = _sides(f, v, slot, owner, low, width, b, h)
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
def _hill(f, v, slot, owner, low, width, x):  # type: ignore[no-untyped-def]
    """The peak of one decision uphill from x, smooth or a kink, to rounding.

    Where a stencil may have reached across a kink, a narrower one looks again.
    """
    h = 1e-4
    for _ in range(3):
        x, verified = _uphill(f, v, slot, owner, low, width, x, h)
        if verified:
            break
        h *= 0.01
    return x


@lean
def _scanned(f, v, slot, owner, low, width, points):  # type: ignore[no-untyped-def]
    """The best of equally spaced actions of a decision."""
    best, where = -np.inf, 0.5
    for k in range(points + 1):
        found = _at(f, v, slot, owner, low + width * k / points)
        if found > best:
            best, where = found, k / points
    return where


@lean
def _replied(f, v, slots, owners, lo, hi, j, x, points):  # type: ignore[no-untyped-def]
    """The reply of decision j, uphill from x, or from the best of a scan; it is left in v."""
    slot, owner, low, width = slots[j], owners[j], lo[j], hi[j] - lo[j]
    if points > 0:
        x = _scanned(f, v, slot, owner, low, width, points)
    x = _hill(f, v, slot, owner, low, width, x)
    v[slot] = low + width * x
    return x


@lean
def _join(f, v, slots, owners, lo, hi, u, points):  # type: ignore[no-untyped-def]
    """Move u to where the local replies of one or two decisions meet; False if they do not.

    A secant on the reply to the reply: replies are piecewise linear where objectives are
    piecewise quadratic. The first round looks for the replies on the whole interval.
    """
    m = u.size
    for j in range(m):
        if not hi[j] > lo[j]:
            u[j] = 0.0
    _place(v, slots, lo, hi, u)
    if m == 1:
        if hi[0] > lo[0]:
            u[0] = _replied(f, v, slots, owners, lo, hi, 0, u[0], points)
        return True
    second = m - 1
    first = second - 1
    y0, g0 = 0.0, 0.0
    for step in range(16):
        y = u[second]
        scan = points if step == 0 else 0
        if hi[first] > lo[first]:
            u[first] = _replied(f, v, slots, owners, lo, hi, first, u[first], scan)
        if not hi[second] > lo[second]:
            return True
        z = _replied(f, v, slots, owners, lo, hi, second, y, scan)
        g = z - y
        if abs(g) < 1e-11:
            u[second] = z
            return True
        move = g
        if step > 0 and y != y0:
            slope = (g - g0) / (y - y0)
            if slope < -0.1:
                move = -g / slope
        y0, g0 = y, g
        u[second] = min(max(y + move, 0.0), 1.0)
        v[slots[second]] = lo[second] + (hi[second] - lo[second]) * u[second]
    return False


@lean
def _round(f, v, slots, owners, lo, hi, u, y, points):  # type: ignore[no-untyped-def]
    """The second decision's reply to the first one's reply to y, less y; u is left at both."""
    v[slots[1]] = lo[1] + (hi[1] - lo[1]) * y
    u[0] = _replied(f, v, slots, owners, lo, hi, 0, 0.5, points)
    u[1] = _replied(f, v, slots, owners, lo, hi, 1, y, points)
    return u[1] - y


@njit(error_model="numpy")
def _crossed(f, v, slots, owners, lo, hi, u, scan):  # type: ignore[no-untyped-def]
    """Move u to where the replies of two decisions cross, nearest first; False if nowhere.

    The reply to the reply, less the action, is scanned for changes of sign. At a jump of a
    reply the sign changes without a crossing.
    """
    cells = 12
    start = u[1]
    points = scan.size - 1
    gaps = np.empty(cells + 1)
    for k in range(cells + 1):
        gaps[k] = _round(f, v, slots, owners, lo, hi, u, k / cells, points)
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
            g = _round(f, v, slots, owners, lo, hi, u, y, points)
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
        _place(v, slots, lo, hi, u)
        if _stands(f, v, slots, owners, lo, hi, u, scan):
            return True
        gaps[chosen] = np.nan
    return False


@njit(error_model="numpy")
def _answer(f, v, slots, owners, lo, hi, u, starts, scan):  # type: ignore[no-untyped-def]
    """Move u to an equilibrium of the last block, from where it stands; False if none is met."""
    trial = u.copy()
    points = scan.size - 1
    m = u.size
    for attempt in range(2):
        trial[:] = u
        if m <= 2:
            met = _join(f, v, slots, owners, lo, hi, trial, points if attempt else 0)
        else:
            width = STEP if attempt == 0 else 0.01 * STEP
            met = _newton(f, v, slots, owners, lo, hi, trial, width)
            _place(v, slots, lo, hi, trial)
        if met and _stands(f, v, slots, owners, lo, hi, trial, scan):
            u[:] = trial
            return True
    if m == 1:
        return False
    if m == 2 and hi[0] > lo[0] and hi[1] > lo[1]:
        trial[:] = u
        if not _crossed(f, v, slots, owners, lo, hi, trial, scan):
            return False
        u[:] = trial
        return True
    for attempt in range(starts.shape[0]):
        trial[:] = starts[attempt]
        if _newton(f, v, slots, owners, lo, hi, trial, STEP):
            _place(v, slots, lo, hi, trial)
            if _stands(f, v, slots, owners, lo, hi, trial, scan):
                u[:] = trial
                return True
    return False


@njit(error_model="numpy")
def _bounds(v, slots, fixed, found):  # type: ignore[no-untyped-def]
    for j in range(slots.size):
        found[j] = v[slots[j]] if slots[j] >= 0 else fixed[j]


@njit(error_model="numpy")
def _behind(  # type: ignore[no-untyped-def]
    advance, objective, finish, v, arrays, level, lead, low, width, k, s, u, lo, hi, scan, pay
):
    """Payoffs behind profile k and the leader's action s; u is the start and the answer."""
    profiles, places, slots, owners, low_slots, low_fixed, high_slots, high_fixed, starts = arrays
    for c in range(places.size):
        v[places[c]] = profiles[k, c]
    v[lead] = low + width * s
    advance(v, level)
    _bounds(v, low_slots, low_fixed, lo)
    _bounds(v, high_slots, high_fixed, hi)
    if not _answer(objective, v, slots, owners, lo, hi, u, starts, scan):
        pay[:] = np.nan
        return False
    _place(v, slots, lo, hi, u)
    finish(v, pay)
    return True


@njit(error_model="numpy")
def _led(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    s,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
):
    """The leader's payoff at s against weights over profiles; -inf where unsolved.

    ``near`` (P, m): where the search behind each profile starts; ``reached`` and ``pays``
    (P, players) are filled for the profiles of positive weight.
    """
    level, lead, owner, low, width = places
    starts = arrays[8]
    total = 0.0
    for k in range(weights.size):
        if weights[k] <= 0.0:
            continue
        reached[k] = starts[0] if ruled else near[k]
        if not _behind(
            advance, objective, finish, v, arrays, level, lead, low, width,
            k, s, reached[k], lo, hi, scan, pays[k],
        ):  # fmt: skip
            return -np.inf
        total += weights[k] * pays[k, owner]
    return total if total == total else -np.inf


@njit(error_model="numpy")
def _smooth(line, n):  # type: ignore[no-untyped-def]
    """Whether a scan bends alike on both sides of its point n: no kink or cliff is near."""
    if n < 2 or n > line.size - 3:
        return False
    before = line[n - 2] - 2 * line[n - 1] + line[n]
    here = line[n - 1] - 2 * line[n] + line[n + 1]
    after = line[n] - 2 * line[n + 1] + line[n + 2]
    return here < 0.0 and abs(before - here) < -0.2 * here and abs(after - here) < -0.2 * here


@njit(error_model="numpy")
def _climb(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    x,
    fx,
    size,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
    edge,
    sharp,
    smooth,
):
    """Locate the peak of the leader's payoff within ``size`` of x: (where, height).

    Brent's parabolas and golden sections, after half and quarter steps where the scan was not
    ``smooth``; ``sharp`` adds a Newton step where the peak is smooth.
    """
    best, height = x, fx
    a, b = max(x - size, 0.0), min(x + size, 1.0)
    if not smooth:
        for q in (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75):
            y = x + q * size
            if 0.0 <= y <= 1.0:
                f = _led(
                    advance,
                    objective,
                    finish,
                    v,
                    arrays,
                    places,
                    weights,
                    y,
                    ruled,
                    near,
                    reached,
                    pays,
                    lo,
                    hi,
                    scan,
                )
                if f > height:
                    best, height = y, f
        a, b = max(best - 0.25 * size, 0.0), min(best + 0.25 * size, 1.0)
    x1, x2, x3 = best, best, best
    f1, f2, f3 = height, height, height
    step, before = 0.0, 0.0
    for _ in range(50):
        middle = 0.5 * (a + b)
        tolerance = 0.5 * edge
        if abs(x1 - middle) <= 2 * tolerance - 0.5 * (b - a):
            break
        golden = True
        if abs(before) > tolerance:
            r = (x1 - x2) * (f1 - f3)
            q = (x1 - x3) * (f1 - f2)
            p = (x1 - x3) * q - (x1 - x2) * r
            q = 2 * (q - r)
            if q > 0:
                p = -p
            q = abs(q)
            if abs(p) < abs(0.5 * q * before) and p > q * (a - x1) and p < q * (b - x1):
                before = step
                step = p / q
                golden = False
        if golden:
            before = (b - x1) if x1 < middle else (a - x1)
            step = 0.3819660112501051 * before
        if abs(step) < tolerance:
            step = tolerance if step > 0 else -tolerance
        y = min(max(x1 + step, 0.0), 1.0)
        f = _led(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            y,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
        )
        if f >= f1:
            if y >= x1:
                a = x1
            else:
                b = x1
            x3, f3, x2, f2, x1, f1 = x2, f2, x1, f1, y, f
        else:
            if y < x1:
                a = y
            else:
                b = y
            if f >= f2 or x2 == x1:
                x3, f3, x2, f2 = x2, f2, y, f
            elif f >= f3 or x3 in (x1, x2):
                x3, f3 = y, f
    # A bound of the interval is approached by sections, and never tried by them.
    for y in (0.0, 1.0):
        if abs(y - x1) < 4 * edge and y != x1:
            f = _led(
                advance,
                objective,
                finish,
                v,
                arrays,
                places,
                weights,
                y,
                ruled,
                near,
                reached,
                pays,
                lo,
                hi,
                scan,
            )
            if f >= f1:
                x1, f1 = y, f
    h = 2e-3
    if sharp and x1 > 2 * h and x1 < 1 - 2 * h:
        y = x1
        for _ in range(3):
            g = np.empty(5)
            for n in range(5):
                g[n] = _led(
                    advance,
                    objective,
                    finish,
                    v,
                    arrays,
                    places,
                    weights,
                    y + (n - 2) * h,
                    ruled,
                    near,
                    reached,
                    pays,
                    lo,
                    hi,
                    scan,
                )
            slope = (g[0] - 8 * g[1] + 8 * g[3] - g[4]) / (12 * h)
            bend = (-g[0] + 16 * g[1] - 30 * g[2] + 16 * g[3] - g[4]) / (12 * h * h)
            rough = (g[1] - 2 * g[2] + g[3]) / (h * h)
            if not (bend < 0.0 and abs(rough - bend) < 0.2 * abs(bend)):
                break
            move = -slope / bend
            if abs(move) > h or y + move < 2 * h or y + move > 1 - 2 * h:
                break
            y += move
            if abs(move) < 1e-11:
                break
        f = _led(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            y,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
        )
        if abs(y - x1) < 0.5 * h and f >= f1 - 1e-12 * abs(f1):
            x1, f1 = y, f
    # At the very edge of a cliff a later mover's indifference may be decided by rounding.
    hair = 2 * edge
    if not smooth and x1 > hair and x1 < 1 - hair:
        left = _led(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            x1 - hair,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
        )
        right = _led(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            x1 + hair,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
        )
        slack = 1e-6 * max(abs(f1), 1e-300)
        safe_left, safe_right = left >= f1 - slack, right >= f1 - slack
        if safe_left != safe_right:
            x1 = x1 - hair if safe_left else x1 + hair
            f1 = left if safe_left else right
    return x1, f1


@njit(error_model="numpy")
def _nearest(reached, branches, steps, s, near):  # type: ignore[no-untyped-def]
    """Start behind every profile from what was reached at the nearest scanned action."""
    g = int(np.floor(s * steps + 0.5))
    near[:] = branches[:, g]


@njit(error_model="numpy")
def _mixed_scan(weights, table, owner, line):  # type: ignore[no-untyped-def]
    """Write the leader's payoffs over the scan against a mixture; return the best point."""
    line[:] = 0.0
    for k in range(weights.size):
        if weights[k] > 0.0:
            line += weights[k] * table[k, :, owner]
    best = -1
    for g in range(line.size):
        if line[g] != line[g]:
            line[g] = -np.inf
        if best < 0 or line[g] > line[best]:
            best = g
    return best


@njit(error_model="numpy")
def _reply(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    table,
    branches,
    line,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
    edge,
):
    """The leader's best action against a mixture, located sharply; -1 where unsolved."""
    steps = table.shape[1] - 1
    g = _mixed_scan(weights, table, places[2], line)
    if not np.isfinite(line[g]):
        return -1.0
    top, where = -np.inf, -1.0
    spread = 0.0
    for n in range(line.size):
        if np.isfinite(line[n]):
            spread = max(spread, line[g] - line[n])
    for n in range(line.size):
        before = line[n - 1] if n > 0 else -np.inf
        after = line[n + 1] if n < steps else -np.inf
        if line[n] < before or line[n] < after or line[n] < line[g] - PEAK * spread:
            continue
        _nearest(reached, branches, steps, n / steps, near)
        x, f = _climb(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            n / steps,
            line[n],
            1.0 / steps,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
            edge,
            True,
            _smooth(line, n),
        )
        if f > top:
            top, where = f, x
    _nearest(reached, branches, steps, where, near)
    return where


@njit(error_model="numpy")
def _gains(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    swaps,
    movers,
    scale,
    s,
    skip,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
    room,
):
    """Largest gain of a finite deviation, beyond what counts as equal; inf where unsolved.

    ``swaps`` (P, A): the profile that alternative a makes of profile k; ``movers`` (A,): whose
    alternative it is. ``skip`` is left out.
    """
    starts = arrays[8]
    level, lead, _, low, width = places
    worst = -np.inf
    solved = np.zeros(weights.size, np.int64)
    for a in range(movers.size):
        i = movers[a]
        if i == skip:
            continue
        now, then = 0.0, 0.0
        for k in range(weights.size):
            if weights[k] <= 0.0:
                continue
            for which in range(2):
                n = k if which == 0 else swaps[k, a]
                if n < 0:
                    then = -np.inf
                    continue
                if solved[n] == 0:
                    reached[n] = starts[0] if ruled else near[n]
                    solved[n] = 1
                    if not _behind(
                        advance, objective, finish, v, arrays, level, lead, low, width,
                        n, s, reached[n], lo, hi, scan, room[n],
                    ):  # fmt: skip
                        return np.inf
                if which == 0:
                    now += weights[k] * room[n, i]
                else:
                    then += weights[k] * room[n, i]
        worst = max(worst, then - now - EQUAL * scale[i])
    return worst


@njit(error_model="numpy")
def _even(weights, swaps, movers, scale, i, room, slack):  # type: ignore[no-untyped-def]
    """Whether all actions that player i mixes are best for them; ``room`` holds payoffs."""
    best = -np.inf
    for a in range(movers.size):
        if movers[a] == i:
            value = 0.0
            for k in range(weights.size):
                if weights[k] > 0.0:
                    value += weights[k] * room[swaps[k, a], i] if swaps[k, a] >= 0 else -np.inf
            best = max(best, value)
    for a in range(movers.size):
        if movers[a] == i:
            value, played = 0.0, False
            for k in range(weights.size):
                if weights[k] > 0.0:
                    value += weights[k] * room[swaps[k, a], i] if swaps[k, a] >= 0 else -np.inf
                    played = played or swaps[k, a] == k
            if played and not value >= best - slack * scale[i]:
                return False
    return True


@njit(error_model="numpy")
def _third(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    swaps,
    movers,
    scale,
    i,
    one,
    other,
    s,
    ruled,
    near,
    reached,
    room,
    lo,
    hi,
    scan,
):
    """Whether no third alternative of player i beats the two that are mixed; ``room`` holds
    their payoffs at s."""
    starts = arrays[8]
    level, lead, _, low, width = places
    pay = np.empty(room.shape[1])
    for a in range(movers.size):
        k = swaps[one, a]
        if movers[a] != i or k < 0 or k in (one, other):
            continue
        reached[k] = starts[0] if ruled else near[k]
        if not _behind(
            advance, objective, finish, v, arrays, level, lead, low, width,
            k, s, reached[k], lo, hi, scan, pay,
        ):  # fmt: skip
            return False
        if pay[i] > room[one, i] + INDIFFERENT * scale[i]:
            return False
    return True


@njit(error_model="numpy")
def _gap_beside(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    one,
    other,
    i,
    s,
    branches,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
):
    """Player i's payoff behind profile ``other`` less that behind ``one``, at the leader's s."""
    _nearest(reached, branches, branches.shape[1] - 1, s, near)
    weights[one], weights[other] = 0.5, 0.5
    value = _led(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        s,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
    )
    return pays[other, i] - pays[one, i] if np.isfinite(value) else np.nan


@njit(error_model="numpy")
def _gap_at(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    one,
    other,
    i,
    p,
    table,
    branches,
    line,
    ruled,
    near,
    reached,
    pays,
    lo,
    hi,
    scan,
    edge,
):
    """The same gap where the leader replies to a mixture, ``other`` with probability p; and
    that reply (-1 where unsolved). ``weights`` and ``reached`` are left as they are there."""
    weights[:] = 0.0
    weights[one], weights[other] = 1 - p, p
    s = _reply(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        table,
        branches,
        line,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
        edge,
    )
    if s < 0.0:
        return np.nan, -1.0
    value = _led(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        s,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
    )
    if not np.isfinite(value):
        return np.nan, -1.0
    return pays[other, i] - pays[one, i], s


@njit(error_model="numpy")
def _one_mixes(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    weights,
    one,
    other,
    i,
    node,
    gaps,
    table,
    branches,
    line,
    swaps,
    movers,
    scale,
    ruled,
    near,
    reached,
    pays,
    room,
    lo,
    hi,
    scan,
    edge,
):
    """The leader's action of an equilibrium in which player i mixes, with the probability of
    ``other`` between (node - 1) / 8 and node / 8; -1 if there is none."""
    p, q = (node - 1) / 8, node / 8
    lower, upper = gaps[node - 1], gaps[node]
    least = abs(lower) + abs(upper)
    s, here = -1.0, np.inf
    for step in range(60):
        root = -1.0
        if step % 3 != 2 and lower != upper:
            root = (p * upper - q * lower) / (upper - lower)
        if not p < root < q:
            root = 0.5 * (p + q)
        here, s = _gap_at(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            one,
            other,
            i,
            root,
            table,
            branches,
            line,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
            edge,
        )
        if s < 0.0:
            return -1.0
        if abs(here) < 0.01 * INDIFFERENT * scale[i] or q - p < 1e-13:
            break
        if here * lower > 0.0:
            p, lower = root, here
        else:
            q, upper = root, here
        if q - p < 1e-4 and abs(lower) + abs(upper) > 0.1 * least:
            return -1.0  # the gap jumps over zero: a reply does
    if not abs(here) < INDIFFERENT * scale[i]:
        return -1.0
    for k in (one, other):
        near[k] = reached[k]
        room[k] = pays[k]
    if not _third(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        swaps,
        movers,
        scale,
        i,
        one,
        other,
        s,
        ruled,
        near,
        reached,
        room,
        lo,
        hi,
        scan,
    ):
        return -1.0
    gain = _gains(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        swaps,
        movers,
        scale,
        s,
        i,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
        room,
    )
    for k in (one, other):
        reached[k] = near[k]
    return s if gain <= 0.0 else -1.0


@njit(error_model="numpy")
def _cross_weights(quad, p, q, weights):  # type: ignore[no-untyped-def]
    weights[:] = 0.0
    weights[quad[2]] = (1 - p) * (1 - q)
    weights[quad[3]] = (1 - p) * q
    weights[quad[4]] = p * (1 - q)
    weights[quad[5]] = p * q


@njit(error_model="numpy")
def _cross_gaps(quad, p, q, pays, found):  # type: ignore[no-untyped-def]
    """Gain of each of two players from their second action, the other mixing."""
    i, j = quad[0], quad[1]
    found[0] = (1 - q) * (pays[quad[4], i] - pays[quad[2], i])
    found[0] += q * (pays[quad[5], i] - pays[quad[3], i])
    found[1] = (1 - p) * (pays[quad[3], j] - pays[quad[2], j])
    found[1] += p * (pays[quad[5], j] - pays[quad[4], j])


@njit(error_model="numpy")
def _both_mix(  # type: ignore[no-untyped-def]
    advance,
    objective,
    finish,
    v,
    arrays,
    places,
    quad,
    table,
    branches,
    line,
    swaps,
    movers,
    scale,
    ruled,
    near,
    reached,
    pays,
    room,
    weights,
    lo,
    hi,
    scan,
    edge,
):
    """The leader's action of an equilibrium in which two players mix two actions each; -1 if
    none is met. ``weights`` and ``reached`` are left as they are in it."""
    owner = places[2]
    gaps, moved = np.empty(2), np.empty(2)
    # A root needs both gaps to change sign somewhere: a coarse look costs no solving.
    start_p, start_q, least = 0.5, 0.5, np.inf
    positive, negative = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for a in range(5):
        for b in range(5):
            p, q = 0.02 + 0.24 * a, 0.02 + 0.24 * b
            _cross_weights(quad, p, q, weights)
            g = _mixed_scan(weights, table, owner, line)
            _cross_gaps(quad, p, q, table[:, g], gaps)
            size = 0.0
            for c in range(2):
                positive[c] += gaps[c] > 0.0
                negative[c] += gaps[c] < 0.0
                size = max(size, abs(gaps[c]) / scale[quad[c]])
            if size < least:
                start_p, start_q, least = p, q, size
    if positive.min() == 0 or negative.min() == 0:
        return -1.0
    p, q = start_p, start_q
    h = 1e-4
    s = -1.0
    least, since = np.inf, 0
    for step in range(30):
        _cross_weights(quad, p, q, weights)
        s = _reply(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            table,
            branches,
            line,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
            edge,
        )
        if s < 0.0:
            return -1.0
        _led(
            advance,
            objective,
            finish,
            v,
            arrays,
            places,
            weights,
            s,
            ruled,
            near,
            reached,
            pays,
            lo,
            hi,
            scan,
        )
        _cross_gaps(quad, p, q, pays, gaps)
        size = max(abs(gaps[0]) / scale[quad[0]], abs(gaps[1]) / scale[quad[1]])
        if size < 0.1 * INDIFFERENT:
            break
        if size < 0.5 * least:
            least, since = size, step
        elif step - since >= 5:
            return -1.0  # a reply jumps, and the steps go around in circles
        slopes = np.empty((2, 2))
        for c in range(2):
            d = h if (p if c == 0 else q) < 0.5 else -h
            pp, qq = (p + d, q) if c == 0 else (p, q + d)
            _cross_weights(quad, pp, qq, weights)
            x = _reply(
                advance,
                objective,
                finish,
                v,
                arrays,
                places,
                weights,
                table,
                branches,
                line,
                ruled,
                near,
                reached,
                pays,
                lo,
                hi,
                scan,
                edge,
            )
            if x < 0.0:
                return -1.0
            _led(
                advance,
                objective,
                finish,
                v,
                arrays,
                places,
                weights,
                x,
                ruled,
                near,
                reached,
                pays,
                lo,
                hi,
                scan,
            )
            _cross_gaps(quad, pp, qq, pays, moved)
            slopes[0, c] = (moved[0] - gaps[0]) / d
            slopes[1, c] = (moved[1] - gaps[1]) / d
        determinant = slopes[0, 0] * slopes[1, 1] - slopes[0, 1] * slopes[1, 0]
        if not abs(determinant) > 0.0:
            return -1.0
        dp = -(gaps[0] * slopes[1, 1] - gaps[1] * slopes[0, 1]) / determinant
        dq = -(slopes[0, 0] * gaps[1] - slopes[1, 0] * gaps[0]) / determinant
        p2 = min(max(p + min(max(dp, -0.3), 0.3), 0.0), 1.0)
        q2 = min(max(q + min(max(dq, -0.3), 0.3), 0.0), 1.0)
        if (abs(p2 - p) < 1e-12 and abs(q2 - q) < 1e-12) or step == 29:
            return -1.0
        if step > 3 and min(p, q, 1 - p, 1 - q, p2, q2, 1 - p2, 1 - q2) <= 0.0:
            return -1.0
        p, q = p2, q2
    if not (1e-9 < p < 1 - 1e-9 and 1e-9 < q < 1 - 1e-9):
        return -1.0
    _cross_weights(quad, p, q, weights)
    gain = _gains(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        swaps,
        movers,
        scale,
        s,
        -1,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
        room,
    )
    for c in range(2):
        if not _even(weights, swaps, movers, scale, quad[c], room, INDIFFERENT):
            return -1.0
    if gain > INDIFFERENT * scale.max():
        return -1.0
    _led(
        advance,
        objective,
        finish,
        v,
        arrays,
        places,
        weights,
        s,
        ruled,
        near,
        reached,
        pays,
        lo,
        hi,
        scan,
    )
    return s


@lean
def _alike(one, other, lo, hi):  # type: ignore[no-untyped-def]
    """Whether two answers of the last block are the same."""
    apart = 0.0
    for j in range(one.size):
        if hi[j] > lo[j]:
            apart = max(apart, abs(one[j] - other[j]))
    return apart <= 1e-6


@njit(error_model="numpy")
def _keep(count, s, weights, reached, found_s, found_weights, found_actions):  # type: ignore[no-untyped-def]
    """Add an answer unless it is there; return how many there are, -1 if there is no room."""
    for e in range(count):
        apart = abs(found_s[e] - s)
        for k in range(weights.size):
            apart = max(apart, abs(found_weights[e, k] - weights[k]))
        if apart < 1e-6:
            return count
    if count == found_s.size:
        return -1
    found_s[count] = s
    found_weights[count] = weights
    found_actions[count] = reached
    return count + 1


@njit(
    types.void(
        types.FunctionType(ADVANCE),
        types.FunctionType(OBJECTIVE),
        types.FunctionType(FINISH),
        _MATRIX,
        _ARRAYS,
        _INTS,
        _MATRIX,
        types.boolean[:, ::1],
        _TABLE,
        _INTS,
        _TABLE,
        _TABLE,
        types.int64,
        types.int64,
        types.float64,
        types.boolean,
        _INTS,
        _INTS,
        _MATRIX,
        _CUBE,
        _FOUR,
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
)
def lead_rows(  # type: ignore[no-untyped-def]
    advance, objective, finish, rows, arrays, places, bounds, open_to, swaps, movers, pairs,
    quads, steps, points, edge, ruled, counts, marks, found_s, found_weights, found_actions,
):  # fmt: skip
    """Find the equilibria of every history.

    Parameters
    ----------
    rows
        (n, size) histories, changed in place.
    arrays
        (P, c) profiles, (c,) slots of the finite moves; of the last block's decisions: (m,)
        slots, owners, slots of the low bounds (-1: fixed), fixed low bounds, the same for the
        high ones; (q, m) scaled starts, the first of which is where a search begins.
    places
        Level of the block, the leader's slot, the leader, the number of players.
    bounds
        (n, 2) of the leader's interval.
    open_to
        (n, P) profiles that can be played.
    swaps, movers
        (P, A) the profile that alternative a makes of profile k, (A,) whose alternative it is.
    pairs
        (M, 3): player, profile, and profile with another action of the player: candidates for
        mixtures of one.
    quads
        (Q, 6): two players and the four profiles of two actions of each.
    steps, points
        Points of the scan of s, and of scans of the last block.
    edge
        How closely peaks that are not smooth are located.
    ruled
        Begin every search at the first start, not at a neighbor's answer: what is found in
        the last block is then a function of the history alone.
    counts, marks
        (n,) answers found, and marks.
    found_s, found_weights, found_actions
        (n, E), (n, E, P), (n, E, P, m): answers; NaN where there is none.
    """
    total_profiles, m = arrays[0].shape[0], arrays[2].size
    starts = arrays[8]
    owner, players = places[2], places[3]
    lo, hi, scan = np.empty(m), np.empty(m), np.empty(points + 1)
    table = np.empty((total_profiles, steps + 1, players))
    branches = np.empty((total_profiles, steps + 1, m))
    near, reached = np.empty((total_profiles, m)), np.empty((total_profiles, m))
    pays, room = np.empty((total_profiles, players)), np.empty((total_profiles, players))
    weights, line = np.zeros(total_profiles), np.empty(steps + 1)
    answers, gaps, corners = np.empty(total_profiles), np.empty(9), np.empty((4, m))
    scale = np.empty(players)
    swap = np.empty_like(swaps)
    for r in range(rows.shape[0]):
        v = rows[r]
        place = (places[0], places[1], places[2], bounds[r, 0], bounds[r, 1] - bounds[r, 0])
        counts[r] = 0
        marks[r] = 0
        # ------------------------------------------------ what follows each action and profile
        for k in range(total_profiles):
            table[k] = np.nan
            branches[k] = np.nan
            for a in range(movers.size):
                to = swaps[k, a]
                swap[k, a] = to if to >= 0 and open_to[r, to] else -1
            if not open_to[r, k]:
                continue
            for g in range(steps + 1):
                u = branches[k, g]
                u[:] = branches[k, g - 1] if g > 0 and not ruled else starts[0]
                if u[0] != u[0]:
                    u[:] = starts[0]
                if not _behind(
                    advance, objective, finish, v, arrays, place[0], place[1], place[3], place[4],
                    k, g / steps, u, lo, hi, scan, table[k, g],
                ):  # fmt: skip
                    marks[r] |= UNSOLVED
                    u[:] = np.nan
        for i in range(players):
            low, high = np.inf, -np.inf
            for k in range(total_profiles):
                for g in range(steps + 1):
                    if table[k, g, i] == table[k, g, i]:
                        low = min(low, table[k, g, i])
                        high = max(high, table[k, g, i])
            scale[i] = high - low if high > low else max(abs(high), 1e-300)
        # ------------------------------------------------ pure profiles
        for k in range(total_profiles):
            answers[k] = -1.0
            if not open_to[r, k]:
                continue
            weights[:] = 0.0
            weights[k] = 1.0
            g = _mixed_scan(weights, table, owner, line)
            if not np.isfinite(line[g]):
                continue
            spread, equal, run = 0.0, 0, 0
            for n in range(steps + 1):
                if np.isfinite(line[n]):
                    spread = max(spread, line[g] - line[n])
            flat = 0
            for n in range(steps + 1):
                run = run + 1 if line[n] >= line[g] - EQUAL * max(spread, 1e-300) else 0
                if run > equal:
                    equal, flat = run, n
            # Who would leave wherever the leader may answer is seen without locating the peak.
            hopeless = False
            near_best = 0
            for n in range(steps + 1):
                near_best += line[n] >= line[g] - PEAK * spread
            if near_best <= (steps + 1) // 2:
                for a in range(movers.size):
                    if swap[k, a] < 0 or swap[k, a] == k:
                        continue
                    leaves = True
                    for n in range(steps + 1):
                        around = False
                        for d in range(-1, 2):
                            if 0 <= n + d <= steps:
                                around |= line[n + d] >= line[g] - PEAK * spread
                        if around:
                            i = movers[a]
                            gain = table[swap[k, a], n, i] - table[k, n, i]
                            leaves &= gain > 1e-3 * scale[i]
                    hopeless |= leaves
            if hopeless:
                answers[k] = g / steps
                continue
            tops, count = np.empty(4), 0
            heights = np.empty(4)
            if not place[4] > 0.0:
                tops[0], heights[0], count = 0.0, line[0], 1
            elif equal >= 3:
                # Indifferent over a stretch: its ends stand for all of it.
                marks[r] |= CONTINUUM
                tops[0], heights[0] = (flat - equal + 1) / steps, line[g]
                tops[1], heights[1], count = flat / steps, line[g], 2
            else:
                for n in range(steps + 1):
                    before = line[n - 1] if n > 0 else -np.inf
                    after = line[n + 1] if n < steps else -np.inf
                    if line[n] < before or line[n] < after or line[n] < line[g] - PEAK * spread:
                        continue
                    if count == 4:
                        break
                    near[k] = branches[k, n]
                    x, f = _climb(
                        advance,
                        objective,
                        finish,
                        v,
                        arrays,
                        place,
                        weights,
                        n / steps,
                        line[n],
                        1.0 / steps,
                        ruled,
                        near,
                        reached,
                        pays,
                        lo,
                        hi,
                        scan,
                        edge,
                        False,
                        _smooth(line, n),
                    )
                    tops[count], heights[count] = x, f
                    count += 1
            best = heights[:count].max()
            for n in range(count):
                if heights[n] < best - EQUAL * spread - 1e-15 * abs(best):
                    continue
                repeated = False
                for other in range(n):
                    same = heights[other] >= best - EQUAL * spread
                    repeated |= same and abs(tops[n] - tops[other]) <= 1e-7
                if repeated:
                    continue
                x = tops[n]
                if answers[k] < 0.0:
                    answers[k] = x
                _nearest(reached, branches, steps, x, near)
                if not ruled:
                    # Met on another branch than when it is asked for alone: there are several.
                    near[k] = starts[0]
                    alone = _led(
                        advance,
                        objective,
                        finish,
                        v,
                        arrays,
                        place,
                        weights,
                        x,
                        ruled,
                        near,
                        reached,
                        pays,
                        lo,
                        hi,
                        scan,
                    )
                    if not abs(alone - heights[n]) <= HYSTERESIS * spread:
                        marks[r] |= SEVERAL
                    _nearest(reached, branches, steps, x, near)
                gain = _gains(
                    advance,
                    objective,
                    finish,
                    v,
                    arrays,
                    place,
                    weights,
                    swap,
                    movers,
                    scale,
                    x,
                    -1,
                    ruled,
                    near,
                    reached,
                    pays,
                    lo,
                    hi,
                    scan,
                    room,
                )
                if gain <= 0.0:
                    f = _led(
                        advance,
                        objective,
                        finish,
                        v,
                        arrays,
                        place,
                        weights,
                        x,
                        ruled,
                        near,
                        reached,
                        pays,
                        lo,
                        hi,
                        scan,
                    )
                    added = _keep(
                        counts[r],
                        x,
                        weights,
                        reached,
                        found_s[r],
                        found_weights[r],
                        found_actions[r],
                    )
                    if added < 0:
                        marks[r] |= OVERFLOW
                    else:
                        counts[r] = added
        # ------------------------------------------------ mixtures of one player
        for n in range(pairs.shape[0]):
            i, one, other = pairs[n, 0], pairs[n, 1], pairs[n, 2]
            if not (open_to[r, one] and open_to[r, other]):
                continue
            if answers[one] < 0.0 or answers[other] < 0.0:
                continue
            # The scan says for nothing whether the gap may change its sign.
            changes = False
            for node in range(9):
                p = node / 8
                weights[:] = 0.0
                weights[one], weights[other] = 1 - p, p
                if 0 < node < 8:
                    g = _mixed_scan(weights, table, owner, line)
                    gaps[node] = table[other, g, i] - table[one, g, i]
                else:
                    x = answers[one] if node == 0 else answers[other]
                    gaps[node] = _gap_beside(
                        advance,
                        objective,
                        finish,
                        v,
                        arrays,
                        place,
                        weights,
                        one,
                        other,
                        i,
                        x,
                        branches,
                        ruled,
                        near,
                        reached,
                        pays,
                        lo,
                        hi,
                        scan,
                    )
                changes |= node > 0 and gaps[node] * gaps[node - 1] < 0.0
            if not changes:
                continue
            for node in range(1, 8):
                gaps[node], _ = _gap_at(
                    advance,
                    objective,
                    finish,
                    v,
                    arrays,
                    place,
                    weights,
                    one,
                    other,
                    i,
                    node / 8,
                    table,
                    branches,
                    line,
                    ruled,
                    near,
                    reached,
                    pays,
                    lo,
                    hi,
                    scan,
                    edge,
                )
            for node in range(1, 9):
                if gaps[node] * gaps[node - 1] >= 0.0 or np.isnan(gaps[node] * gaps[node - 1]):
                    continue
                x = _one_mixes(
                    advance,
                    objective,
                    finish,
                    v,
                    arrays,
                    place,
                    weights,
                    one,
                    other,
                    i,
                    node,
                    gaps,
                    table,
                    branches,
                    line,
                    swap,
                    movers,
                    scale,
                    ruled,
                    near,
                    reached,
                    pays,
                    room,
                    lo,
                    hi,
                    scan,
                    edge,
                )
                if x < 0.0:
                    continue
                added = _keep(
                    counts[r],
                    x,
                    weights,
                    reached,
                    found_s[r],
                    found_weights[r],
                    found_actions[r],
                )
                if added < 0:
                    marks[r] |= OVERFLOW
                else:
                    counts[r] = added
        # ------------------------------------------------ mixtures of two players
        for n in range(quads.shape[0]):
            skip = False
            for c in range(2, 6):
                skip |= not open_to[r, quads[n, c]]
            if skip:
                continue
            added = _both_mix(
                advance,
                objective,
                finish,
                v,
                arrays,
                place,
                quads[n],
                table,
                branches,
                line,
                swap,
                movers,
                scale,
                ruled,
                near,
                reached,
                pays,
                room,
                weights,
                lo,
                hi,
                scan,
                edge,
            )
            if added >= 0.0:
                count = _keep(
                    counts[r],
                    added,
                    weights,
                    reached,
                    found_s[r],
                    found_weights[r],
                    found_actions[r],
                )
                if count < 0:
                    marks[r] |= OVERFLOW
                else:
                    counts[r] = count
        # ------------------------------------------------ several equilibria of the last block
        if not ruled and m > 1:
            total = counts[r]
            for k in range(total_profiles):
                if marks[r] & SEVERAL or not open_to[r, k]:
                    continue
                played = False
                for e in range(total):
                    played |= found_weights[r, e, k] > 0.0
                if not played and total > 0:
                    continue
                for n in range(total + 2):
                    if n < 2:
                        x = float(n)
                    else:
                        x = found_s[r, n - 2]
                        if found_weights[r, n - 2, k] <= 0.0:
                            continue
                    near[k] = branches[k, int(np.floor(x * steps + 0.5))]
                    if near[k, 0] != near[k, 0]:
                        continue
                    if not _behind(
                        advance, objective, finish, v, arrays, place[0], place[1], place[3],
                        place[4], k, x, near[k], lo, hi, scan, pays[k],
                    ):  # fmt: skip
                        continue
                    for corner in range(4):
                        u = corners[corner]
                        u[:] = corner % 2
                        u[0] = corner // 2
                        if not _behind(
                            advance,
                            objective,
                            finish,
                            v,
                            arrays,
                            place[0],
                            place[1],
                            place[3],
                            place[4],
                            k,
                            x,
                            u,
                            lo,
                            hi,
                            scan,
                            pays[k],
                        ):
                            u[:] = near[k]
                    apart = False
                    for corner in range(4):
                        apart |= not _alike(corners[corner], near[k], lo, hi)
                    if not apart:
                        continue
                    # One corner for each answer is enough.
                    marks[r] |= SEVERAL
                    for corner in range(4):
                        known = False
                        for earlier in range(corner):
                            known |= _alike(corners[corner], corners[earlier], lo, hi)
                        if not known:
                            marks[r] |= CORNER << corner


@njit(
    types.void(
        types.FunctionType(OBJECTIVE),
        types.FunctionType(FINISH),
        _MATRIX,
        _INTS,
        _INTS,
        _MATRIX,
        _MATRIX,
        _CUBE,
        types.int64,
        _MATRIX,
        _MATRIX,
        types.boolean[::1],
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
)
def answer_rows(  # type: ignore[no-untyped-def]
    objective, finish, rows, slots, owners, low, high, starts, points, actions, payoffs, known
):
    """Solve the last block at histories, each from its own starts: a function of the history.

    ``starts`` (n, q, m): scaled, the first is where the search begins. Written: ``actions``
    (n, m), ``payoffs`` (n, players), ``known`` (n,). The rows' last moves are changed.
    """
    m = slots.size
    scan = np.empty(points + 1)
    u = np.empty(m)
    for r in range(rows.shape[0]):
        v = rows[r]
        u[:] = starts[r, 0]
        known[r] = _answer(objective, v, slots, owners, low[r], high[r], u, starts[r], scan)
        if not known[r]:
            actions[r] = np.nan
            payoffs[r] = np.nan
            continue
        _place(v, slots, low[r], high[r], u)
        for j in range(m):
            actions[r, j] = low[r, j] + (high[r, j] - low[r, j]) * u[j]
        finish(v, payoffs[r])
