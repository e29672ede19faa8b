"""Last stages of two interval decisions whose replies jump past each other.

Where a player's best reply jumps, from one peak of their payoff to another, the replies need
not cross, and then no pair of actions is an equilibrium. What remains is a mixture: the other
player takes the action at which the two peaks are equally high, and the one whose reply jumps
mixes the peaks so that this action is best. (With its jumps filled in by mixtures the reply is
convex-valued, and fixed points come back: Glicksberg 1952; Dasgupta and Maskin 1986 where
payoffs themselves jump.)

Actions are scaled to [0, 1]. Searches go side by side: *spots* are positions among those that
are under way, and objectives are ``(spots (k,), x (k, p)) -> (k, p)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._search import known

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Payoff = Callable[[Ints, int, Array, Array], Array]
    Line = Callable[[Ints, Array], Array]

__all__ = ["mix_at_jumps"]

CELLS = 16
"""Cells of the other's interval in which a reply may jump."""
POINTS = 64
"""Scan of one interval."""
APART = 1.5 / POINTS
"""Share of its interval by which a reply jumps at least, from one end of a cell to the other."""
TRIED = 4
"""Jumps of one reply that are tried, the longest first."""
EVEN = 1e-11
"""Two peaks are equally high within this share of their difference at the ends of the cell."""
PEAKS = 4
"""Points of a scan around which it is looked at closely."""
ROUGH = 0.9 / POINTS
"""How closely replies are located before a jump is known of: by a single closer look."""
CLOSE = 1e-13
"""How closely the peaks that are mixed are located."""
NARROW = 48
"""Cells of a closer look; the next one spans three of them."""
SLOPE = 1e-5
"""Step of the differences in the action that must be best against the mixture."""
LOOSE = 1e-8
"""A gain below this share of the scanned range is rounding."""


def mix_at_jumps(payoff: Payoff, count: int) -> tuple[Array, Array, Array, Bools]:
    """Return equilibria in which one of two players mixes two actions, where such are found.

    Parameters
    ----------
    payoff
        (which (k,), player 0 or 1, u0 (k, p), u1 (k, p)) -> that player's payoffs (k, p) at
        k of the histories.
    count
        Histories.

    Returns
    -------
    tuple
        Actions (count, 2); the actions (count, 2) that are played instead with the share
        (count,); whether an equilibrium was found (count,). The two pairs differ in one
        player's action alone.

    Notes
    -----
    At every history the first mixture that holds is taken: jumps of player 0's reply come
    before those of player 1's, long ones before short ones. Mixtures of both players, and of
    more than two actions, are not searched.
    """
    first, second = np.full((count, 2), np.nan), np.full((count, 2), np.nan)
    share, found = np.zeros(count), np.zeros(count, bool)
    for mixer in (0, 1):
        which, cells, low, high = _jumps(payoff, mixer, np.flatnonzero(~found))
        for turn in range(TRIED):
            # The turn-th jump of every history that has one, and no answer yet.
            order = np.arange(len(which)) - np.searchsorted(which, which)
            now = np.flatnonzero((order == turn) & ~found[which])
            if not len(now):
                break
            at = which[now]
            y, pair, met = _even(payoff, mixer, at, cells[now] / CELLS, low[now], high[now])
            at, y, pair = at[met], y[met], pair[met]
            p, holds = _balanced(payoff, mixer, at, y, pair)
            at, y, pair, p = at[holds], y[holds], pair[holds], p[holds]
            first[at, mixer], second[at, mixer] = pair[:, 0], pair[:, 1]
            first[at, 1 - mixer] = second[at, 1 - mixer] = y
            share[at], found[at] = p, True
    return first, second, share, found


def _own(payoff: Payoff, mixer: int, which: Ints, y: Array) -> Line:
    """Return the payoff of the one who mixes, along their own action; y (k,) are the others'."""

    def line(spots: Ints, x: Array) -> Array:
        other = np.repeat(y[spots, None], x.shape[1], axis=1)
        pair = (x, other) if mixer == 0 else (other, x)
        return known(payoff(which[spots], mixer, *pair))

    return line


def _jumps(payoff: Payoff, mixer: int, which: Ints) -> tuple[Ints, Ints, Array, Array]:
    """Return where a reply jumps: (history, cell, reply at its low end, at its high end), by
    history, the longest jump first."""
    ends = np.tile(np.arange(CELLS + 1) / CELLS, len(which))
    line = _own(payoff, mixer, np.repeat(which, CELLS + 1), ends)
    spots = np.arange(len(ends))
    scan = line(spots, np.tile(_GRID, (len(ends), 1)))
    replies, _ = _highest(line, spots, scan, ROUGH)
    replies = replies.reshape(len(which), CELLS + 1)
    length = np.abs(np.diff(replies, axis=1))
    row, cell = np.nonzero(length > APART)
    order = np.lexsort((cell, -length[row, cell], row))
    row, cell = row[order], cell[order]
    return which[row], cell, replies[row, cell], replies[row, cell + 1]


def _even(
    payoff: Payoff, mixer: int, which: Ints, start: Array, low: Array, high: Array
) -> tuple[Array, Array, Bools]:
    """Return the others' actions at which two peaks are equally high, the peaks (k, 2), and
    whether there are such.

    The peaks near ``low`` and ``high`` are followed through the cell that begins at ``start``,
    by Illinois steps on the difference of their heights. As the replies were located roughly,
    the cell in which they jump may be one nearby: it is widened until its ends differ.
    """
    a, b = start.copy(), start + 1.0 / CELLS
    near = np.stack([low, high], axis=1)
    pair = near.copy()

    def gap(spots: Ints, y: Array) -> Array:
        line = _own(payoff, mixer, which[spots], y)
        pair[spots], heights = _two_peaks(line, near[spots])
        difference: Array = heights[:, 0] - heights[:, 1]
        return difference

    every = np.arange(len(which))
    left, right = gap(every, a), gap(every, b)
    reach = 1.0 / CELLS
    while reach < 1.0:
        below = np.flatnonzero((left < 0) & (a > 0))
        above = np.flatnonzero((right > 0) & (b < 1))
        if not len(below) and not len(above):
            break
        a[below], b[above] = np.maximum(a[below] - reach, 0.0), np.minimum(b[above] + reach, 1.0)
        left[below], right[above] = gap(below, a[below]), gap(above, b[above])
        reach *= 2
    least = EVEN * np.maximum(np.abs(left), np.abs(right))
    met = (left >= -least) & (right <= least)
    y = np.where(left <= least, a, b)
    live = np.flatnonzero(met & (left > least) & (right < -least))
    for step in range(60):
        if not len(live):
            break
        p, q = a[live], b[live]
        with np.errstate(all="ignore"):
            now = (p * right[live] - q * left[live]) / (right[live] - left[live])
        now = np.where((now > p) & (now < q) & (step % 3 != 2), now, 0.5 * (p + q))
        near[live] = pair[live]
        here = gap(live, now)
        y[live] = now
        up = here >= 0
        # Illinois: the end that stays counts half.
        left[live] = np.where(up, here, 0.5 * left[live])
        right[live] = np.where(up, 0.5 * right[live], here)
        a[live], b[live] = np.where(up, now, p), np.where(up, q, now)
        live = live[(np.abs(here) > least[live]) & (b[live] - a[live] > 1e-15)]
    gap(every, y)
    return y, pair, met & (np.abs(pair[:, 0] - pair[:, 1]) > 0.5 * APART)


def _two_peaks(line: Line, near: Array) -> tuple[Array, Array]:
    """Return the peaks (k, 2) that are nearest to ``near``, with their heights."""
    k = len(near)
    spots = np.arange(k)
    scan = line(spots, np.tile(_GRID, (k, 1)))
    local = _local(scan)
    distance = np.abs(_GRID - near[:, :, None])
    at = np.where(local[:, None, :], distance, np.inf).argmin(axis=2).ravel()
    rows = np.repeat(spots, 2)
    peaks, heights = _zoom(line, rows, _GRID[at], scan[rows, at])
    return peaks.reshape(k, 2), heights.reshape(k, 2)


def _balanced(
    payoff: Payoff, mixer: int, which: Ints, y: Array, pair: Array
) -> tuple[Array, Bools]:
    """Return the share of the second peak that makes y best for the other, and whether the
    mixture is an equilibrium."""

    def others(spots: Ints, x: Array, side: int) -> Array:
        fixed = np.repeat(pair[spots, side, None], x.shape[1], axis=1)
        both = (fixed, x) if mixer == 0 else (x, fixed)
        return known(payoff(which[spots], 1 - mixer, *both))

    spots = np.arange(len(y))
    h = np.minimum(SLOPE, 0.5 * np.minimum(y, 1.0 - y))
    beside = y[:, None] + h[:, None] * np.array([-2.0, -1.0, 1.0, 2.0])
    with np.errstate(all="ignore"):
        slopes = [others(spots, beside, side) @ _FOURTH / h for side in (0, 1)]
        p = slopes[0] / (slopes[0] - slopes[1])
    good = np.isfinite(p) & (p > 0) & (p < 1)
    p = np.where(good, p, 0.5)

    def mixed(spots: Ints, x: Array) -> Array:
        shares = p[spots, None]
        return (1 - shares) * others(spots, x, 0) + shares * others(spots, x, 1)

    for line, actions in (
        (mixed, y[:, None]),
        (_own(payoff, mixer, which, y), pair),
    ):
        heights = line(spots, actions)
        scan = line(spots, np.tile(_GRID, (len(y), 1)))
        _, best = _highest(line, spots, scan)
        low = np.where(np.isfinite(scan), scan, np.inf).min(axis=1)
        slack = LOOSE * (best - low)
        good &= (heights >= (best - slack)[:, None]).all(axis=1)
    return p, good


def _local(scan: Array) -> Bools:
    """Return which points (k, p) are no lower than their neighbors."""
    padded = np.pad(scan, ((0, 0), (1, 1)), constant_values=-np.inf)
    return np.asarray((scan >= padded[:, :-2]) & (scan >= padded[:, 2:]) & np.isfinite(scan))


def _highest(line: Line, spots: Ints, scan: Array, closely: float = CLOSE) -> tuple[Array, Array]:
    """Return the best actions over the interval, and their heights, from scans (k, p)."""
    every = np.arange(len(spots))
    top = scan.argmax(axis=1)
    x, best = _GRID[top], scan[every, top]
    # How high a peak may rise between its points, and an edge of a jump in a cell beside it.
    padded = np.pad(scan, ((0, 0), (1, 1)), mode="edge")
    with np.errstate(invalid="ignore"):
        before, after = scan - padded[:, :-2], scan - padded[:, 2:]
    reach = scan + 2 * np.fmax(np.fmax(before, after), 0.0)
    reach = np.where((before >= 0) | (after >= 0), reach, -np.inf)
    spread = np.fmax(best - np.where(np.isfinite(scan), scan, np.inf).min(axis=1), 1e-300)
    order = np.where(_local(scan), 1.0, 0.0) + (scan - best[:, None]) / spread[:, None]
    reach = np.where(reach >= best[:, None], order, -np.inf)
    ranked = np.argsort(-reach, axis=1, kind="stable")[:, :PEAKS]
    row, rank = np.nonzero(np.isfinite(np.take_along_axis(reach, ranked, axis=1)))
    at = ranked[row, rank]
    peak, height = _zoom(line, spots[row], _GRID[at], scan[row, at], closely)
    for k in range(PEAKS):
        now = np.flatnonzero(rank == k)
        better = now[height[now] > best[row[now]]]
        x[row[better]], best[row[better]] = peak[better], height[better]
    return x, best


def _zoom(
    line: Line, spots: Ints, x: Array, height: Array, closely: float = CLOSE
) -> tuple[Array, Array]:
    """Return the best actions within one point of the scan around x, and their heights."""
    rows = np.arange(len(x))
    width = 1.0 / POINTS
    while width > closely:
        around = np.clip(x[:, None] + width * _AROUND, 0.0, 1.0)
        found = line(spots, around)
        k = found.argmax(axis=1)
        better = found[rows, k] > height
        x = np.where(better, around[rows, k], x)
        height = np.where(better, found[rows, k], height)
        width *= 1.5 / (NARROW / 2)
    return x, height


_GRID = np.linspace(0.0, 1.0, POINTS + 1)
_AROUND = np.linspace(-1.0, 1.0, NARROW + 1)
_FOURTH = np.array([1.0, -8.0, 8.0, -1.0]) / 12
