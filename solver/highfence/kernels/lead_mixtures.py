"""Equilibria of a node in which one or two of the finite movers mix (see :mod:`.lead`)."""

from __future__ import annotations

import numpy as np

from .last_block import copy
from .lead import behind, gains, how_of, led, mixed_scan, nearest, reply
from .staged import lean

__all__ = ["both_mix", "one_mixes"]

INDIFFERENT = 1e-7
"""Share of the payoff range within which the actions of a mixture must be equal."""
WIDE = 0.3
"""Share of the widest gap from which on a gap that a scan says has the right sign."""
NODES = 8
"""Parts into which the probability of a mixture of one player is divided for a scan."""


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
def _gap_at(h, i, one, other, p):  # type: ignore[no-untyped-def]
    """Player i's payoff behind profile ``other`` less that behind ``one``, where the leader
    replies to a mixture, ``other`` with probability p; and that reply (-1 where unsolved)."""
    _weigh(h, one, other, p)
    s = reply(h)
    if s < 0.0 or not np.isfinite(led(h, s, h.ruled, True)):
        return np.nan, -1.0
    return h.pays[other, i] - h.pays[one, i], s


@lean
def _scanned_gap(h, i, one, other, p, at_one, at_other):  # type: ignore[no-untyped-def]
    """The same gap by the table, but for the ends, where the leader's replies are known."""
    _weigh(h, one, other, p)
    if 0.0 < p < 1.0:
        g = mixed_scan(h)
        return h.table[other, g, i] - h.table[one, g, i]
    s = at_one if p == 0.0 else at_other
    nearest(h, s)
    _weigh(h, one, other, 0.5)
    value = led(h, s, h.ruled, True)
    return h.pays[other, i] - h.pays[one, i] if np.isfinite(value) else np.nan


@lean
def one_mixes(  # type: ignore[no-untyped-def]
    h, i, one, other, at_one, at_other, gaps
):
    """Write the gaps between two actions of player i at probabilities n / NODES of ``other``.

    ``at_one`` and ``at_other`` are the leader's replies to the profiles. False, and the gaps
    unfinished, if a scan says that they nowhere change their sign.
    """
    changes = False
    for n in range(NODES + 1):
        gaps[n] = _scanned_gap(h, i, one, other, n / NODES, at_one, at_other)
        changes |= n > 0 and gaps[n] * gaps[n - 1] < 0.0
    if changes:
        most = 0.0
        for n in range(NODES + 1):
            most = max(most, abs(gaps[n])) if gaps[n] == gaps[n] else np.inf
        # Where the scan says that the gap is wide, it has the sign that the scan says.
        wide = True
        for n in range(1, NODES):
            here = gaps[n]
            before = wide and abs(gaps[n - 1]) >= WIDE * most
            wide = abs(here) >= WIDE * most
            change = before != wide or here * gaps[n + 1] < 0.0 or gaps[n - 1] * here < 0.0
            if change or not wide:
                gaps[n], _ = _gap_at(h, i, one, other, n / NODES)
    return changes


@lean
def mixes_between(h, i, one, other, n, gaps):  # type: ignore[no-untyped-def]
    """The leader's action of an equilibrium in which player i mixes, with the probability of
    ``other`` between (n - 1) / NODES and n / NODES; -1 if there is none. ``weights`` and
    ``reached`` are left as they are in it."""
    p, q = (n - 1) / NODES, n / NODES
    lower, upper = gaps[n - 1], gaps[n]
    if not lower * upper < 0.0:
        return -1.0
    least = abs(lower) + abs(upper)
    s, here = -1.0, np.inf
    for step in range(60):
        root = -1.0
        if step % 3 != 2 and lower != upper:
            root = (p * upper - q * lower) / (upper - lower)
        if not p < root < q:
            root = 0.5 * (p + q)
        here, s = _gap_at(h, i, one, other, root)
        if s < 0.0:
            return -1.0
        if abs(here) < 0.01 * INDIFFERENT * h.scale[i] or q - p < 1e-13:
            break
        if here * lower > 0.0:
            p, lower = root, here
        else:
            q, upper = root, here
        if q - p < 1e-4 and abs(lower) + abs(upper) > 0.1 * least:
            return -1.0  # the gap jumps over zero: a reply does
    if not abs(here) < INDIFFERENT * h.scale[i]:
        return -1.0
    copy(h.near[one], h.reached[one])
    copy(h.near[other], h.reached[other])
    if not _third(h, i, one, other, s):
        return -1.0
    gain = gains(h, s, i)
    copy(h.reached[one], h.near[one])
    copy(h.reached[other], h.near[other])
    return s if gain <= 0.0 else -1.0


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
