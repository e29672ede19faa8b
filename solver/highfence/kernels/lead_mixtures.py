"""Equilibria of a node in which one or two of the finite movers mix (see :mod:`.lead`)."""

from __future__ import annotations

import numpy as np

from .compiling import copy, lean
from .lead import (
    PEAK,
    behind,
    climb,
    gains,
    how_of,
    led,
    mixed_scan,
    nearest,
    peaks,
    reply,
    slack_of,
    spread_of,
)

__all__ = ["both_mix", "one_mixes"]

INDIFFERENT = 1e-7
"""Share of the payoff range within which the actions of a mixture must be equal."""
JUMP = 1 / 32
"""Share of a cell of the scan within which a gap that changes its sign must have narrowed,"""
JUMPED = 0.3
"""to this share of what it was; else it jumps."""


@lean
def _even(h, i):  # type: ignore[no-untyped-def]
    """Whether all actions that player i mixes are best for them; ``room`` holds payoffs."""
    best, least = -np.inf, np.inf
    for a in range(h.movers.size):
        if h.movers[a] == i:
            value, played = 0.0, False
            for k in range(h.weights.size):
                if h.weights[k] > 0.0:
                    to = h.swaps[k, a]
                    value += h.weights[k] * h.room[to, i] if to >= 0 else -np.inf
                    played = played or to == k
            best = max(best, value)
            if played:
                least = min(least, value) if value == value else -np.inf
    return least >= best - INDIFFERENT * h.scale[i]


@lean
def _third(h, i, one, other, s):  # type: ignore[no-untyped-def]
    """Whether no third alternative of player i beats the two that are mixed, at s."""
    for a in range(h.movers.size):
        k = h.swaps[one, a]
        if h.movers[a] != i or k < 0 or k in (one, other):
            continue
        copy(h.reached[k], h.last.starts[0] if h.ruled else h.near[k])
        if not behind(h, k, s, h.reached[k], h.room[k], how_of(h), True):
            if h.lenient:
                continue
            return False
        if h.room[k, i] > h.pays[one, i] + INDIFFERENT * h.scale[i]:
            return False
    return True


@lean
def _weigh(h, one, other, p):  # type: ignore[no-untyped-def]
    h.weights[:] = 0.0
    h.weights[one], h.weights[other] = 1 - p, p


@lean
def _gap_at(h, i, one, other, s):  # type: ignore[no-untyped-def]
    """Player i's payoff behind profile ``other`` less that behind ``one``, at s; NaN where
    unsolved. ``pays`` and ``reached`` are filled for both."""
    _weigh(h, one, other, 0.5)
    if not np.isfinite(led(h, s, h.ruled, True)):
        return np.nan
    return h.pays[other, i] - h.pays[one, i]


@lean
def _scanned_gap(h, i, one, other, g):  # type: ignore[no-untyped-def]
    """The same gap at point g of the scan."""
    return h.table[other, g, i] - h.table[one, g, i]


@lean
def _can_lead(h, one, other, n):  # type: ignore[no-untyped-def]
    """Whether the scan leaves it open that point n is about the leader's best against some
    mixture of the two profiles: against which ones it beats another point is an interval."""
    lead, points = h.owner, h.line.size
    low, high = 0.0, 1.0
    a_least, a_most, b_least, b_most = np.inf, -np.inf, np.inf, -np.inf
    for g in range(points):
        a, b = h.table[one, g, lead], h.table[other, g, lead]
        if a == a and b == b:
            a_least, a_most = min(a_least, a), max(a_most, a)
            b_least, b_most = min(b_least, b), max(b_most, b)
    for g in range(points):
        at_one = h.table[one, n, lead] - h.table[one, g, lead] + PEAK * (a_most - a_least)
        at_other = h.table[other, n, lead] - h.table[other, g, lead] + PEAK * (b_most - b_least)
        if at_one < 0.0 and at_other < 0.0:
            return False
        if at_one < 0.0:
            low = max(low, at_one / (at_one - at_other))
        elif at_other < 0.0:
            high = min(high, at_one / (at_one - at_other))
    return low <= high


@lean
def _level(h, i, one, other, g):  # type: ignore[no-untyped-def]
    """Where between points g and g + 1 of the scan player i is indifferent; -1 if the gap jumps
    over zero."""
    steps = h.line.size - 1
    p, q = g / steps, (g + 1) / steps
    lower, upper = _scanned_gap(h, i, one, other, g), _scanned_gap(h, i, one, other, g + 1)
    least, close = abs(lower) + abs(upper), 0.01 * INDIFFERENT * h.scale[i]
    for step in range(60):
        s = 0.5 * (p + q)
        if step % 3 != 2 and lower != upper:
            root = (p * upper - q * lower) / (upper - lower)
            if p < root < q:
                s = root
        here = _gap_at(h, i, one, other, s)
        if abs(here) < close:
            return s
        if here != here or q - p < 1e-13:
            return -1.0
        if here * lower > 0.0:
            p, lower = s, here
        else:
            q, upper = s, here
        if (q - p) * steps < JUMP and abs(lower) + abs(upper) > JUMPED * least:
            return -1.0
    return -1.0


@lean
def _slopes(h, one, other, s, d):  # type: ignore[no-untyped-def]
    """How the leader's payoffs behind two profiles change with s, by differences of d."""
    lead = h.owner
    a, b = 0.0, 0.0
    _weigh(h, one, other, 0.5)
    for q in range(4):
        far = q - 2 if q < 2 else q - 1
        weight = (1.0 if far == -2 else -8.0) if far < 0 else (8.0 if far == 1 else -1.0)
        if not np.isfinite(led(h, s + far * d, h.ruled, True)):
            return np.nan, np.nan
        a += weight * h.pays[one, lead]
        b += weight * h.pays[other, lead]
    return a / (12 * d), b / (12 * d)


@lean
def _is_led(h, s):  # type: ignore[no-untyped-def]
    """Whether s is the leader's best action against the weights."""
    steps = h.line.size - 1
    g = mixed_scan(h)
    nearest(h, s)
    height = led(h, s, h.ruled, True)
    if not (np.isfinite(height) and np.isfinite(h.line[g])):
        return False
    spread = spread_of(h.line)
    slack = slack_of(height, spread)
    if h.line[g] > height + slack:
        return False
    for n in range(steps + 1):
        if peaks(h.line, n, height - PEAK * spread):
            nearest(h, n / steps)
            x, f = climb(h, n)
            # One's own peak is located as closely as the edge; what that misses is rounding.
            if f > height + (slack if abs(x - s) > h.edge else PEAK * spread):
                return False
    nearest(h, s)
    return True


@lean
def one_mixes(h, i, one, other, g):  # type: ignore[no-untyped-def]
    """The leader's action, between points g and g + 1 of the scan, of an equilibrium in which
    player i mixes two actions, which make the profiles ``one`` and ``other``; -1 if there is none.

    How much player i gains by the other action depends on the leader's action alone, not on the
    mixture. So it is looked for where that is nothing, and there the mixture follows at which the
    leader's slope is nothing as well. ``weights`` and ``reached`` are left as they are in the
    equilibrium.
    """
    steps, none = h.line.size - 1, 0.01 * INDIFFERENT * h.scale[i]
    before = _scanned_gap(h, i, one, other, max(g - 1, 0))
    lower = _scanned_gap(h, i, one, other, g)
    upper = _scanned_gap(h, i, one, other, g + 1)
    # At the point itself the gap may be nothing: where that is no accident of rounding.
    here = abs(lower) <= none and before * upper < 0.0
    change = here or (abs(lower) > none and abs(upper) > none and lower * upper < 0.0)
    if not (change and (_can_lead(h, one, other, g) or _can_lead(h, one, other, g + 1))):
        return -1.0
    nearest(h, g / steps)
    s = g / steps if here else _level(h, i, one, other, g)
    return s if s >= 0.0 and _mixed_at(h, i, one, other, s) else -1.0


@lean
def _mixed_at(h, i, one, other, s):  # type: ignore[no-untyped-def]
    """Whether there is such an equilibrium where the leader plays s, at which player i is
    indifferent; it is left in ``weights`` and ``reached``."""
    p = np.nan
    for d in (1e-3, 1e-5):
        if 2 * d < s < 1 - 2 * d:
            nearest(h, s)
            a, b = _slopes(h, one, other, s, d)
            # (1 - p) a + p b = 0.
            if a * b < 0.0:
                p = a / (a - b)
                _weigh(h, one, other, p)
                if _is_led(h, s):
                    break
                p = np.nan
    if not 0.0 < p < 1.0:
        return False
    _weigh(h, one, other, p)
    if not np.isfinite(led(h, s, h.ruled, True)):
        return False
    if not abs(h.pays[other, i] - h.pays[one, i]) < INDIFFERENT * h.scale[i]:
        return False
    copy(h.near[one], h.reached[one])
    copy(h.near[other], h.reached[other])
    if not _third(h, i, one, other, s):
        return False
    gain = gains(h, s, i)
    copy(h.reached[one], h.near[one])
    copy(h.reached[other], h.near[other])
    return gain <= 0.0


@lean
def _cross(h, quad, p, q):  # type: ignore[no-untyped-def]
    """Weigh the four profiles of two actions of each of two players."""
    h.weights[:] = 0.0
    h.weights[quad[2]] = (1 - p) * (1 - q)
    h.weights[quad[3]] = (1 - p) * q
    h.weights[quad[4]] = p * (1 - q)
    h.weights[quad[5]] = p * q


@lean
def _cross_gaps(quad, p, q, a, b, c, d):  # type: ignore[no-untyped-def]
    """Gain of each of the two from their second action, by the payoffs after the profiles."""
    i, j = quad[0], quad[1]
    return (
        (1 - q) * (c[i] - a[i]) + q * (d[i] - b[i]),
        (1 - p) * (b[j] - a[j]) + p * (d[j] - c[j]),
    )


@lean
def _scanned_root(h, quad):  # type: ignore[no-untyped-def]
    """By the table: where both gaps are smallest, and whether both change their sign."""
    t = h.table
    start_p, start_q, least = 0.5, 0.5, np.inf
    up_i, down_i, up_j, down_j = False, False, False, False
    for a in range(5):
        for b in range(5):
            p, q = 0.02 + 0.24 * a, 0.02 + 0.24 * b
            _cross(h, quad, p, q)
            g = mixed_scan(h)
            x, y = _cross_gaps(
                quad, p, q, t[quad[2], g], t[quad[3], g], t[quad[4], g], t[quad[5], g]
            )
            up_i, down_i, up_j, down_j = (
                up_i or x > 0,
                down_i or x < 0,
                up_j or y > 0,
                down_j or y < 0,
            )
            size = max(abs(x) / h.scale[quad[0]], abs(y) / h.scale[quad[1]])
            if size < least:
                start_p, start_q, least = p, q, size
    return start_p, start_q, up_i and down_i and up_j and down_j


@lean
def _both_gaps(h, quad, p, q):  # type: ignore[no-untyped-def]
    """Both gaps where the leader replies to the mixture, and the reply, -1 where unsolved."""
    _cross(h, quad, p, q)
    s = reply(h)
    if s < 0.0:
        return np.nan, np.nan, -1.0
    led(h, s, h.ruled, True)
    pays = h.pays
    x, y = _cross_gaps(quad, p, q, pays[quad[2]], pays[quad[3]], pays[quad[4]], pays[quad[5]])
    return x, y, s


@lean
def both_mix(h, quad):  # type: ignore[no-untyped-def]
    """The leader's action of an equilibrium in which two players mix two actions each; -1 if
    none is met. ``weights`` and ``reached`` are left as they are in it."""
    # A root needs both gaps to change sign somewhere: a coarse look costs no solving.
    p, q, possible = _scanned_root(h, quad)
    if not possible:
        return -1.0
    s = -1.0
    least, since = np.inf, 0
    for step in range(30):
        x, y, s = _both_gaps(h, quad, p, q)
        if s < 0.0:
            return -1.0
        size = max(abs(x) / h.scale[quad[0]], abs(y) / h.scale[quad[1]])
        if size < 0.1 * INDIFFERENT:
            break
        if size < 0.5 * least:
            least, since = size, step
        elif step - since >= 5:
            return -1.0  # a reply jumps, and the steps go around in circles
        dp, dq = 1e-4 if p < 0.5 else -1e-4, 1e-4 if q < 0.5 else -1e-4
        xp, yp, at_p = _both_gaps(h, quad, p + dp, q)
        xq, yq, at_q = _both_gaps(h, quad, p, q + dq)
        if at_p < 0.0 or at_q < 0.0:
            return -1.0
        a, b, c, d = (xp - x) / dp, (xq - x) / dq, (yp - y) / dp, (yq - y) / dq
        determinant = a * d - b * c
        if not abs(determinant) > 0.0:
            return -1.0
        move_p = (b * y - d * x) / determinant
        move_q = (c * x - a * y) / determinant
        p2 = min(max(p + min(max(move_p, -0.3), 0.3), 0.0), 1.0)
        q2 = min(max(q + min(max(move_q, -0.3), 0.3), 0.0), 1.0)
        if (abs(p2 - p) < 1e-12 and abs(q2 - q) < 1e-12) or step == 29:
            return -1.0
        if step > 3 and min(p, q, 1 - p, 1 - q, p2, q2, 1 - p2, 1 - q2) <= 0.0:
            return -1.0
        p, q = p2, q2
    if not (1e-9 < p < 1 - 1e-9 and 1e-9 < q < 1 - 1e-9):
        return -1.0
    gain = gains(h, s, -1)
    most = 0.0
    for i in range(h.scale.size):
        most = max(most, h.scale[i])
    if gain > INDIFFERENT * most or not (_even(h, quad[0]) and _even(h, quad[1])):
        return -1.0
    led(h, s, h.ruled, True)
    return s
