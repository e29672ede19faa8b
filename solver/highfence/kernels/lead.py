"""One interval decision of a leader beside finite ones, and a last block behind them.

At a *node* (a history of the block before the last) the leader plays s, scaled to [0, 1], and
the others' finite decisions make one of P *profiles*, each with a weight. Behind both stands
the last block (:mod:`.last_block`), so that payoffs are a function of s and the profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .compiling import copy, lean, pointer
from .last_block import ALONE, NEAR, Box, Payoffs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "Last",
    "Node",
    "Play",
    "behind",
    "climb",
    "gains",
    "how_of",
    "led",
    "mixed_scan",
    "nearest",
    "reply",
]

EQUAL = 1e-9
"""Payoffs of one stage game closer than this share of its payoff range count as equal."""
ROUNDING = 1e-12
"""Share of a payoff within which it is met again when what stands behind is solved anew."""
PROBES = 5
"""Ways in which the last block is played to see whether it matters."""
PEAK = 0.02
"""Local maxima of a scan within this share of its range of the best one are located."""


class Last(NamedTuple):
    """What follows the leader's action, at whichever node."""

    profiles: Array
    """(P, c): actions of the finite decisions."""
    places: Ints
    """(c,): their slots."""
    slots: Ints
    """(m,): slots of the last block's decisions."""
    owners: Ints
    low_slots: Ints
    """(m,): slots of the low bounds, -1 where they are fixed."""
    low_fixed: Array
    high_slots: Ints
    high_fixed: Array
    starts: Array
    """(q, m): scaled actions; a search begins at the first."""


class Play(NamedTuple):
    """The functions of a game (see :mod:`highfence.forms.compile`), and how it is solved."""

    advance: Any
    payoffs: Payoffs
    """Of the last block, and room."""
    finish: Any
    answer: Any
    """:data:`.last_block.answer`, by its address: else it were compiled into every caller."""


class Node(NamedTuple):
    """A history at which the leader's block is played, and room for what is found of it."""

    play: Play
    v: Array
    last: Last
    level: int
    lead: int
    """The leader's slot."""
    owner: int
    """The leader."""
    low: float
    width: float
    """Of the leader's interval."""
    edge: float
    """How closely peaks that are not smooth are located."""
    ruled: bool
    """Whether every search begins at the first start."""
    lenient: bool
    """Whether an action that leads to where no answer is met counts only for whom it does not
    matter what follows: else nobody is held to be content where there is such an action."""
    swaps: Ints
    """(P, A): the profile that alternative a makes of profile k, or -1."""
    movers: Ints
    """(A,): whose alternative it is."""
    weights: Array
    """(P,): of the profiles."""
    box: Box
    near: Array
    """(P, m): where the search behind each profile starts, unless ruled."""
    reached: Array
    """(P, m): where it ended."""
    pays: Array
    """(P, players): what was paid there."""
    room: Array
    """(P, players): what is paid after the finite deviations that were tried last."""
    seen: Ints
    """(P,): room for marks."""
    table: Array
    """(P, steps + 1, players): payoffs over the scan of s; NaN where unsolved."""
    branches: Array
    """(P, steps + 1, m): the last block's scaled actions there."""
    line: Array
    """(steps + 1,): the leader's payoffs over the scan, against the weights."""
    scale: Array
    """(players,): the range of their payoffs in the table."""


@lean
def behind(h, k, s, u, pay, how, sure):  # type: ignore[no-untyped-def]
    """Write the payoffs behind profile k and the leader's s; u is the start and the answer.

    ``how`` and ``sure`` are those of :func:`.last_block.answer`.

    False, and NaN for payoffs, if no answer of the last block is met.
    """
    v, last, box, play = h.v, h.last, h.box, h.play
    for c in range(last.places.size):
        v[last.places[c]] = last.profiles[k, c]
    v[h.lead] = h.low + h.width * s
    play.advance(v, h.level)
    for j in range(last.slots.size):
        at_low, at_high = last.low_slots[j], last.high_slots[j]
        box.low[j] = v[at_low] if at_low >= 0 else last.low_fixed[j]
        box.high[j] = v[at_high] if at_high >= 0 else last.high_fixed[j]
    starts = last.starts
    if not play.answer(
        play.payoffs, pointer(v), box, pointer(u), pointer(starts), starts.shape[0], how, sure
    ):
        pay[:] = np.nan
        return False
    play.finish(v, pay)
    return True


@lean
def how_of(h):  # type: ignore[no-untyped-def]
    """How answers behind are looked for."""
    return ALONE if h.ruled else NEAR


@lean
def led(h, s, alone, sure):  # type: ignore[no-untyped-def]
    """The leader's payoff at s against the weights; -inf where unsolved.

    ``reached`` and ``pays`` are filled for the profiles of positive weight, from ``near``, or
    from the first start if ``alone``.
    """
    total = 0.0
    for k in range(h.weights.size):
        if h.weights[k] > 0.0:
            copy(h.reached[k], h.last.starts[0] if alone else h.near[k])
            if not behind(h, k, s, h.reached[k], h.pays[k], ALONE if alone else NEAR, sure):
                return -np.inf
            total += h.weights[k] * h.pays[k, h.owner]
    return total if total == total else -np.inf


@lean
def smooth(line, n):  # type: ignore[no-untyped-def]
    """Whether a scan bends alike on both sides of its point n: no kink or cliff is near."""
    if n < 2 or n > line.size - 3:
        return False
    before = line[n - 2] - 2 * line[n - 1] + line[n]
    here = line[n - 1] - 2 * line[n] + line[n + 1]
    after = line[n] - 2 * line[n + 1] + line[n + 2]
    return here < 0.0 and abs(before - here) < -0.2 * here and abs(after - here) < -0.2 * here


@lean
def climb(h, n):  # type: ignore[no-untyped-def]
    """Locate the peak of the leader's payoff around point n of the scan: (where, height).

    Where the scan is smooth, what stands behind is followed from ``near``, also by a rule that
    begins every search anew, if that meets the same payoff where the climb ends.
    """
    alone = h.ruled and not smooth(h.line, n)
    x, f = _climb(h, n, alone)
    if h.ruled and not alone and not abs(led(h, x, h.ruled, True) - f) <= ROUNDING * abs(f):
        x, f = _climb(h, n, h.ruled)
    return x, f


@lean
def _climb(h, n, alone):  # type: ignore[no-untyped-def]
    """:func:`climb`, by Brent's parabolas and golden sections, after half and quarter steps
    where the scan is not smooth; against a mixture, a Newton step where the peak is."""
    steps = h.line.size - 1
    size = 1.0 / steps
    x, edge, even = n / steps, h.edge, smooth(h.line, n)
    best, height = x, h.line[n]
    a, b = max(x - size, 0.0), min(x + size, 1.0)
    if not even:
        for q in (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75):
            y = x + q * size
            if 0.0 <= y <= 1.0:
                f = led(h, y, alone, False)
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
        f = led(h, y, alone, False)
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
            f = led(h, y, alone, False)
            if f >= f1:
                x1, f1 = y, f
    sharp = True
    for k in range(h.weights.size):
        sharp = sharp and h.weights[k] != 1.0
    if sharp:
        x1, f1 = _sharpened(h, x1, f1, alone)
    # At the very edge of a cliff a later mover's indifference may be decided by rounding.
    hair = 2 * edge
    if not even and x1 > hair and x1 < 1 - hair:
        left = led(h, x1 - hair, alone, False)
        right = led(h, x1 + hair, alone, False)
        slack = 1e-6 * max(abs(f1), 1e-300)
        safe_left, safe_right = left >= f1 - slack, right >= f1 - slack
        if safe_left != safe_right:
            x1 = x1 - hair if safe_left else x1 + hair
            f1 = left if safe_left else right
    return x1, f1


@lean
def _sharpened(h, x, fx, alone):  # type: ignore[no-untyped-def]
    """A smooth peak next to x, by Newton on differences; x itself if there is none."""
    d = 2e-3
    if x <= 2 * d or x >= 1 - 2 * d:
        return x, fx
    y = x
    for _ in range(3):
        a = led(h, y - 2 * d, alone, False)
        b = led(h, y - d, alone, False)
        c = led(h, y, alone, False)
        e = led(h, y + d, alone, False)
        f = led(h, y + 2 * d, alone, False)
        slope = (a - 8 * b + 8 * e - f) / (12 * d)
        bend = (-a + 16 * b - 30 * c + 16 * e - f) / (12 * d * d)
        rough = (b - 2 * c + e) / (d * d)
        if not (bend < 0.0 and abs(rough - bend) < 0.2 * abs(bend)):
            break
        move = -slope / bend
        if abs(move) > d or y + move < 2 * d or y + move > 1 - 2 * d:
            break
        y += move
        if abs(move) < 1e-5:
            # The next step would be less than what differences tell.
            break
    f = led(h, y, alone, False)
    return (y, f) if abs(y - x) < 0.5 * d and f >= fx - 1e-12 * abs(fx) else (x, fx)


@lean
def nearest(h, s):  # type: ignore[no-untyped-def]
    """Start behind every profile from what was reached at the nearest scanned action."""
    g = int(np.floor(s * (h.line.size - 1) + 0.5))
    for k in range(h.near.shape[0]):
        copy(h.near[k], h.branches[k, g])


@lean
def mixed_scan(h):  # type: ignore[no-untyped-def]
    """Write the leader's payoffs over the scan against the weights; return the best point."""
    best = -1
    for g in range(h.line.size):
        total = 0.0
        for k in range(h.weights.size):
            if h.weights[k] > 0.0:
                total += h.weights[k] * h.table[k, g, h.owner]
        h.line[g] = total if total == total else -np.inf
        if best < 0 or h.line[g] > h.line[best]:
            best = g
    return best


@lean
def slack_of(height, spread):  # type: ignore[no-untyped-def]
    """How far below the best point of a scan others count as equal to it: where a player is
    indifferent all over, what is left is rounding."""
    return max(EQUAL * spread, ROUNDING * abs(height))


@lean
def spread_of(line):  # type: ignore[no-untyped-def]
    """How far the best point of a scan is above its least."""
    most, least = -np.inf, np.inf
    for n in range(line.size):
        if np.isfinite(line[n]):
            most = max(most, line[n])
            least = min(least, line[n])
    return max(most - least, 0.0)


@lean
def peaks(line, n, least):  # type: ignore[no-untyped-def]
    """Whether point n of a scan is a local maximum of at least this height."""
    before = line[n - 1] if n > 0 else -np.inf
    after = line[n + 1] if n < line.size - 1 else -np.inf
    return line[n] >= before and line[n] >= after and line[n] >= least


@lean
def reply(h):  # type: ignore[no-untyped-def]
    """The leader's best action against the weights, located sharply; -1 where unsolved."""
    g = mixed_scan(h)
    if not np.isfinite(h.line[g]):
        return -1.0
    top, where = -np.inf, -1.0
    least = h.line[g] - PEAK * spread_of(h.line)
    for n in range(h.line.size):
        if peaks(h.line, n, least):
            nearest(h, n / (h.line.size - 1))
            x, f = climb(h, n)
            if f > top:
                top, where = f, x
    nearest(h, where)
    return where


@lean
def _whatever(h, n):  # type: ignore[no-untyped-def]
    """Write to ``room`` what profile n pays those to whom it does not matter what follows, NaN
    for others. The moves before stand in v, and no answer to them was met."""
    v, box, pay, other = h.v, h.box, h.room[n], h.pays[n]
    for c in range(PROBES):
        for j in range(box.m):
            share = (c * (j + 1)) % PROBES / (PROBES - 1)
            v[box.slots[j]] = box.low[j] + (box.high[j] - box.low[j]) * share
        h.play.finish(v, pay if c == 0 else other)
        for i in range(pay.size if c > 0 else 0):
            if other[i] != pay[i]:
                pay[i] = np.nan


@lean
def gains(h, s, skip):  # type: ignore[no-untyped-def]
    """Largest gain of a finite deviation, beyond what counts as equal; inf where unsolved.

    Alternatives of the player ``skip`` are left out. ``room`` is filled.
    """
    worst = -np.inf
    h.seen[:] = 0
    for a in range(h.movers.size):
        i = h.movers[a]
        if i == skip:
            continue
        now, then = 0.0, 0.0
        for k in range(h.weights.size):
            if h.weights[k] <= 0.0:
                continue
            for which in range(2):
                n = k if which == 0 else h.swaps[k, a]
                if n < 0:
                    then = -np.inf
                    continue
                if h.seen[n] == 0:
                    copy(h.reached[n], h.last.starts[0] if h.ruled else h.near[n])
                    h.seen[n] = 1
                    met = behind(h, n, s, h.reached[n], h.room[n], how_of(h), True)
                    if not met:
                        if which == 0 or not h.lenient:
                            return np.inf
                        _whatever(h, n)
                if which == 0:
                    now += h.weights[k] * h.room[n, i]
                else:
                    then += h.weights[k] * h.room[n, i]
        gain = then - now - EQUAL * h.scale[i]
        if gain == gain:
            worst = max(worst, gain)
        elif not h.lenient:
            return np.inf
    return worst
