"""Thousands of histories at once: one interval decision and finite ones, then interval ones.

Everything that :mod:`highfence.methods.staged` does for one history in Python is done here for
each of many without leaving compiled code: scan of the leader's interval behind every profile,
peaks located, finite deviations, mixtures of one or two finite movers. See :mod:`.lead` for the
terms, :mod:`.last_block` for what stands behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import types

from .compiling import copy, kept, lean, pointer
from .last_block import (
    ALONE,
    ANSWER,
    EITHER,
    NEAR,
    Box,
    answer,
    answer_of_many,
    answer_rows,
    payoffs_in,
    room,
)
from .lead import (
    PEAK,
    ROUNDING,
    Last,
    Node,
    Play,
    behind,
    climb,
    gains,
    led,
    mixed_scan,
    nearest,
    peaks,
    slack_of,
    spread_of,
)
from .lead_mixtures import both_mix, one_mixes
from .staged import ADVANCE, FINISH, LINE, OBJECTIVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "CONTINUUM",
    "CORNER",
    "OVERFLOW",
    "REFUTED",
    "SEVERAL",
    "UNSOLVED",
    "Deviations",
    "Found",
    "Last",
    "answer",
    "answer_of_many",
    "answer_rows",
    "lead_rows",
    "room",
]  # fmt: skip

SEVERAL, UNSOLVED, CONTINUUM, OVERFLOW, CORNER, REFUTED = 1, 2, 4, 8, 16, 256
"""Marks of a history: a last block has several equilibria; has none that was found; the leader
is indifferent over a stretch; there were more equilibria than room. ``CORNER << c``: searches
from corner c (first action high: + 2, others high: + 1) meet one of several answers, which no
corner before it does. REFUTED: nothing was found, and that is no wonder: the leader's reply to
every profile was found, and somebody leaves each."""

TOPS = 4
"""Most peaks of the leader's payoff that are located behind one profile."""
HYSTERESIS = 1e-6
"""Difference, as a share of the payoff range, by which two branches count as parted."""


class Deviations(NamedTuple):
    """What the finite players can change, as indices of profiles."""

    swaps: Ints
    """(P, A): the profile that alternative a makes of profile k."""
    movers: Ints
    """(A,): whose alternative it is."""
    pairs: Ints
    """(M, 3): player, profile, and profile with another action of the player: candidates for
    mixtures of one."""
    quads: Ints
    """(Q, 6): two players and the four profiles of two actions of each."""


class Found(NamedTuple):
    """Where answers are written; NaN where there is none."""

    counts: Ints
    """(n,): answers of each history."""
    marks: Ints
    """(n,)"""
    leads: Array
    """(n, E): the leader's action, scaled."""
    weights: Array
    """(n, E, P)"""
    actions: Array
    """(n, E, P, m): of the last block, scaled."""
    branches: Array
    """(n, P, steps + 1, m): likewise, over the scan of the leader's action."""


_VECTOR, _INTS = types.float64[::1], types.int64[::1]
_MATRIX, _TABLE = types.float64[:, ::1], types.int64[:, ::1]
_LAST = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_MATRIX, _INTS, _INTS, _INTS, _INTS, _VECTOR, _INTS, _VECTOR, _MATRIX), Last
)
_DEVIATIONS = types.NamedTuple((_TABLE, _INTS, _TABLE, _TABLE), Deviations)  # type: ignore[no-untyped-call]
_FOUND = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        _INTS,
        _INTS,
        _MATRIX,
        types.float64[:, :, ::1],
        types.float64[:, :, :, ::1],
        types.float64[:, :, :, ::1],
    ),
    Found,
)


@lean
def _follow(branch, g):  # type: ignore[no-untyped-def]
    """Write to point g of a branch where the points before it lead: on, by as much as before."""
    for j in range(branch.shape[1]):
        x = branch[g - 1, j]
        if g > 1 and branch[g - 2, j] == branch[g - 2, j]:
            step = x - branch[g - 2, j]
            if abs(step) < 0.1:
                x = min(max(x + step, 0.0), 1.0)
        branch[g, j] = x


@lean
def _tabulate(h, open_to):  # type: ignore[no-untyped-def]
    """Fill the table over the scan of s behind every open profile; whether all was solved."""
    steps = h.line.size - 1
    complete = True
    h.table[:] = np.nan
    h.branches[:] = np.nan
    for k in range(h.weights.size):
        for g in range(steps + 1 if open_to[k] else 0):
            u = h.branches[k, g]
            how = NEAR if g > 0 and not h.ruled else ALONE
            if how == NEAR:
                _follow(h.branches[k], g)
            if u[0] != u[0]:
                copy(u, h.last.starts[0])
            if not behind(h, k, g / steps, u, h.table[k, g], how, True):
                complete = False
                u[:] = np.nan
    for i in range(h.scale.size):
        low, high = np.inf, -np.inf
        for k in range(h.weights.size):
            for g in range(steps + 1):
                if h.table[k, g, i] == h.table[k, g, i]:
                    low = min(low, h.table[k, g, i])
                    high = max(high, h.table[k, g, i])
        h.scale[i] = high - low if high > low else max(abs(high), 1e-300)
    return complete


@lean
def _stretch(line, least):  # type: ignore[no-untyped-def]
    """The longest run of points of at least this height: (length, last point)."""
    longest, run, end = 0, 0, 0
    for n in range(line.size):
        run = run + 1 if line[n] >= least else 0
        if run > longest:
            longest, end = run, n
    return longest, end


@lean
def _hopeless(h, k, least):  # type: ignore[no-untyped-def]
    """Whether a finite mover leaves profile k wherever the leader may answer: around all points
    of the scan of at least this height."""
    steps = h.line.size - 1
    high = 0
    for n in range(steps + 1):
        high += h.line[n] >= least
    if high > (steps + 1) // 2:
        return False
    for a in range(h.movers.size):
        to, i = h.swaps[k, a], h.movers[a]
        if to < 0 or to == k:
            continue
        leaves = True
        for n in range(steps + 1):
            around = False
            for near in range(max(n - 1, 0), min(n + 1, steps) + 1):
                around |= h.line[near] >= least
            if around:
                leaves &= h.table[to, n, i] - h.table[k, n, i] > 1e-3 * h.scale[i]
        if leaves:
            return True
    return False


@lean
def _keep(h, s, found, r):  # type: ignore[no-untyped-def]
    """Add an answer of history r, with its weights, unless it is there or there is no room."""
    count = found.counts[r]
    for e in range(count):
        apart = abs(found.leads[r, e] - s)
        for k in range(h.weights.size):
            apart = max(apart, abs(found.weights[r, e, k] - h.weights[k]))
        if apart < 1e-6:
            return
    if count == found.leads.shape[1]:
        found.marks[r] |= OVERFLOW
        return
    found.leads[r, count] = s
    copy(found.weights[r, count], h.weights)
    for k in range(h.weights.size):
        copy(found.actions[r, count, k], h.reached[k])
    found.counts[r] += 1


@lean
def _alike(one, other, box):  # type: ignore[no-untyped-def]
    """Whether two answers of the last block are the same."""
    apart = 0.0
    for j in range(one.size):
        if box.high[j] > box.low[j]:
            apart = max(apart, abs(one[j] - other[j]))
    return apart <= 1e-6


@lean
def _part(h, k, s, corners):  # type: ignore[no-untyped-def]
    """Marks of profile k and s behind which the last block has several answers; 0 if all are
    the same. The corners are marked from which different answers are met, none if it is only
    the neighbor's answer that is another one: elsewhere corners may differ. ``corners`` (4, m)
    is room."""
    near = h.near[k]
    copy(near, h.branches[k, int(np.floor(s * (h.line.size - 1) + 0.5))])
    if near[0] != near[0] or not behind(h, k, s, near, h.pays[k], NEAR, True):
        return 0
    apart = False
    for c in range(2):
        # Where it does not matter from where the first of two starts, two corners are one.
        u = corners[c]
        u[:] = c
        one = behind(h, k, s, u, h.pays[k], EITHER, True)
        for q in range(2):
            u = corners[c + 2 * q]
            if one:
                copy(u, corners[c])
            else:
                u[:] = c
                u[0] = q
                if not behind(h, k, s, u, h.pays[k], ALONE, True):
                    copy(u, near)
            apart |= not _alike(u, near, h.box)
    if not apart:
        return 0
    marks = 0
    for c in range(4):
        known = False
        for earlier in range(c):
            known |= _alike(corners[c], corners[earlier], h.box)
        if not known:
            marks |= CORNER << c
    return SEVERAL if marks == CORNER else SEVERAL | marks


@lean
def _pure(h, k, tops, heights, corners, found, r):  # type: ignore[no-untyped-def]
    """Keep the equilibria with profile k for sure; return the leader's first reply to it, -1 if
    there is none. ``tops`` and ``heights`` (TOPS,) and ``corners`` (4, m) are room."""
    h.weights[:] = 0.0
    h.weights[k] = 1.0
    line, steps = h.line, h.line.size - 1
    g = mixed_scan(h)
    if not np.isfinite(line[g]):
        return -1.0
    spread = spread_of(line)
    if _hopeless(h, k, line[g] - PEAK * spread):
        return g / steps
    count = 0
    equal, end = _stretch(line, line[g] - slack_of(line[g], spread))
    if not h.width > 0.0:
        tops[0], heights[0], count = 0.0, line[0], 1
    elif equal >= 3:
        # Indifferent over a stretch: its ends stand for all of it.
        found.marks[r] |= CONTINUUM
        tops[0], heights[0] = (end - equal + 1) / steps, line[g]
        tops[1], heights[1], count = end / steps, line[g], 2
    else:
        for n in range(steps + 1):
            if count < TOPS and peaks(line, n, line[g] - PEAK * spread):
                copy(h.near[k], h.branches[k, n])
                tops[count], heights[count] = climb(h, n)
                count += 1
    best = -np.inf
    for n in range(count):
        best = max(best, heights[n])
    least = best - slack_of(best, spread)
    first = -1.0
    for n in range(count):
        repeated = False
        for other in range(n):
            repeated |= heights[other] >= least and abs(tops[n] - tops[other]) <= 1e-7
        if repeated or heights[n] < least:
            continue
        s = tops[n]
        if first < 0.0:
            first = s
        if not h.ruled:
            # Met on another branch than when it is asked for alone: there are several.
            copy(h.reached[k], h.last.starts[0])
            behind(h, k, s, h.reached[k], h.pays[k], ALONE, True)
            parted = max(HYSTERESIS * spread, ROUNDING * abs(best))
            if not abs(h.pays[k, h.owner] - heights[n]) <= parted:
                found.marks[r] |= SEVERAL | _part(h, k, s, corners)
        nearest(h, s)
        if gains(h, s, -1) <= 0.0:
            led(h, s, h.ruled, True)
            _keep(h, s, found, r)
    return first


@lean
def _several(h, open_to, corners, found, r):  # type: ignore[no-untyped-def]
    """Look for several answers of the last block, at the ends of the leader's interval and at
    the answers, behind every profile that is played (behind all if none is)."""
    total = found.counts[r]
    for k in range(h.weights.size):
        if not open_to[k]:
            continue
        played = total == 0
        for e in range(total):
            played |= found.weights[r, e, k] > 0.0
        for n in range(total + 2 if played else 0):
            if n >= 2 and found.weights[r, n - 2, k] <= 0.0:
                continue
            s = float(n) if n < 2 else found.leads[r, n - 2]
            # One corner for each answer is enough.
            found.marks[r] |= _part(h, k, s, corners)


@kept(
    types.void(
        types.FunctionType(ANSWER),
        types.FunctionType(ADVANCE),
        types.FunctionType(OBJECTIVE),
        types.FunctionType(LINE),
        types.FunctionType(FINISH),
        _MATRIX,
        _LAST,
        _INTS,
        _MATRIX,
        types.boolean[:, ::1],
        _DEVIATIONS,
        types.int64,
        types.int64,
        types.float64,
        types.boolean,
        types.boolean,
        _VECTOR,
        _FOUND,
    )
)
def lead_rows(  # type: ignore[no-untyped-def]
    answer, advance, objective, line, finish, rows, last, places, bounds, open_to, deviations,
    steps, points, edge, ruled, lenient, work, found,
):  # fmt: skip
    """Find the equilibria of every history.

    Parameters
    ----------
    answer
        :data:`.last_block.answer`.
    rows
        (n, size) histories, changed in place.
    last
        What follows.
    places
        Level of the block, the leader's slot, the leader, the number of players.
    bounds
        (n, 2) of the leader's interval.
    open_to
        (n, P) profiles that can be played.
    deviations
        Of the finite players.
    steps, points
        Points of the scan of s, and of scans of the last block.
    edge
        How closely peaks that are not smooth are located.
    ruled
        Begin every search at the first start, not at a neighbor's answer: what is found in
        the last block is then a function of the history alone.
    lenient
        Do not count finite actions that lead to where the last block has no answer.
    work
        (room(points, m) + 2 m,): room.
    found
        Written.
    """
    total, m, players = last.profiles.shape[0], last.slots.size, places[3]
    play = Play(advance, payoffs_in(objective, line, points, work[2 * m :]), finish, answer)
    box = Box(m, pointer(last.slots), pointer(last.owners), pointer(work), pointer(work[m:]))
    seen, over = np.empty(total, np.int64), np.empty(steps + 1)
    near, reached, weights = np.empty((total, m)), np.empty((total, m)), np.zeros(total)
    pays, spare, scale = np.empty((total, players)), np.empty((total, players)), np.empty(players)
    table = np.empty((total, steps + 1, players))
    answers, corners = np.empty(total), np.empty((4, m))
    tops, heights = np.empty(TOPS), np.empty(TOPS)
    swaps, movers = np.empty_like(deviations.swaps), deviations.movers
    for r in range(rows.shape[0]):
        low, width = bounds[r, 0], bounds[r, 1] - bounds[r, 0]
        h = Node(
            play, rows[r], last, places[0], places[1], places[2], low, width, edge, ruled, lenient,
            swaps, movers, weights, box, near, reached, pays, spare, seen, table,
            found.branches[r], over, scale,
        )  # fmt: skip
        found.counts[r] = 0
        found.marks[r] = 0
        for k in range(total):
            for a in range(movers.size):
                to = deviations.swaps[k, a]
                swaps[k, a] = to if to >= 0 and open_to[r, to] else -1
        if not _tabulate(h, open_to[r]):
            found.marks[r] |= UNSOLVED
        for k in range(total):
            answers[k] = -1.0
            if open_to[r, k]:
                answers[k] = _pure(h, k, tops, heights, corners, found, r)
        refuted = True
        for k in range(total):
            refuted &= answers[k] >= 0.0 or not open_to[r, k]
        for n in range(deviations.pairs.shape[0]):
            i, one, other = deviations.pairs[n, 0], deviations.pairs[n, 1], deviations.pairs[n, 2]
            if answers[one] < 0.0 or answers[other] < 0.0:
                continue
            for g in range(steps):
                s = one_mixes(h, i, one, other, g)
                if s >= 0.0:
                    _keep(h, s, found, r)
        for n in range(deviations.quads.shape[0]):
            quad = deviations.quads[n]
            free = True
            for c in range(2, 6):
                free &= open_to[r, quad[c]]
            s = both_mix(h, quad) if free else -1.0
            if s >= 0.0:
                _keep(h, s, found, r)
        if refuted and found.counts[r] == 0:
            found.marks[r] |= REFUTED
        if not ruled and m > 1:
            _several(h, open_to[r], corners, found, r)
