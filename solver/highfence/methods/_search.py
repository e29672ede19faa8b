"""Searches over scaled interval actions whose payoffs are black boxes that take batches.

Every point may be a whole subgame, so points are asked for in batches, and many searches (the
same stage game at many histories, or from many starts) go side by side: in every step each
search that is not over asks for its next points, all in one batch. A smooth optimum is finished
by Newton on differences. Actions are scaled to [0, 1]. A payoff of NaN (a subgame that was not
solved) counts as minus infinity.

Index conventions: n searches; ``which`` (k,) says to which of them a row of points belongs;
lines are ``(which (k,), x (k, p)) -> objective (k, p)``, tables are
``(which (k,), u (k, p, m)) -> payoffs (k, p, players)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Line = Callable[[Ints, Array], Array]
    Table = Callable[[Ints, Array], Array]

__all__ = [
    "CLOSE",
    "COARSE",
    "EQUAL",
    "FINE",
    "GRID",
    "PEAK",
    "Peaks",
    "Resolution",
    "best_edges",
    "crossing",
    "known",
    "maxima",
    "maximum",
    "settle",
]

GRID = 40
"""Scan of one interval, where every point may be a subgame to solve."""
STEP = 5e-3
"""Step of differences, as a share of the interval: payoffs carry the rounding of the
subgames behind them, which a smaller step would magnify; of sixth order, so that a wider
one is exact enough."""
OFFSETS = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
FIRST = np.array([-1.0, 9.0, -45.0, 45.0, -9.0, 1.0]) / 60
SECOND = np.array([2.0, -27.0, 270.0, 270.0, -27.0, 2.0]) / 180
CENTER = -490.0 / 180
EQUAL = 1e-9
"""Payoffs of one stage game closer than this share of its payoff range count as equal."""
ROUNDING = 1e-13
"""A rise below this share of the payoff is rounding."""
FASTER = 1.5
"""How much faster than it was seen to an objective may rise towards a jump."""
CELLS = 4
"""Cells of one search that are halved together where jumps are looked for."""
PEAK = 0.02
"""Local maxima of a scan within this share of its range of the best one are zoomed in on."""


@dataclass(frozen=True)
class Resolution:
    """How closely an interval is searched."""

    grid: int
    """Points of the first scan."""
    edge: float
    """How closely a cliff or a kink is located, as a share of the interval."""


CLOSE = Resolution(GRID, 1e-10)
"""For a single answer."""
COARSE = Resolution(20, 1e-6)
"""For thousands of draws, certified to :data:`highfence.tolerances.REGRET_BATCH`."""
FINE = Resolution(40, 1e-6)
"""For those of them at which no answer was met."""


def known(payoffs: Array) -> Array:
    """Return payoffs with what is unknown as minus infinity."""
    return np.where(np.isnan(payoffs), -np.inf, payoffs)


# -- one interval decision ---------------------------------------------------------------------


@dataclass(frozen=True)
class Peaks:
    """What a search over one interval found."""

    refined: tuple[tuple[float, float], ...]
    """Local maximizers with their values, in order: all that might be the highest."""
    spread: float
    """Range of the scan."""
    flat: bool = False
    """Whether these are the ends of a stretch of equal best points."""

    @property
    def best(self) -> list[float]:
        """The global maximizers among them."""
        top = max((value for _, value in self.refined), default=0.0)
        slack = EQUAL * max(self.spread, 1e-300)
        kept: list[float] = []
        for x, value in self.refined:
            apart = all(abs(x - other) > 1e-7 for other in kept)
            if self.flat or (apart and value >= top - slack):
                kept.append(x)
        return kept


def maxima(objective: Line, scans: Array, edge: float = CLOSE.edge) -> list[Peaks]:
    """Return what each of n searches over one interval finds.

    ``scans`` (n, steps + 1) hold the objective over the whole interval.
    """
    steps = scans.shape[1] - 1
    scans = known(scans)
    searches: list[int] = []
    peaks: list[int] = []
    answers: list[Peaks] = []
    for n, scan in enumerate(scans):
        finite = scan[np.isfinite(scan)]
        spread = float(np.ptp(finite)) if len(finite) else 0.0
        flat = _plateau(scan, EQUAL * max(spread, 1e-300)) if len(finite) else None
        ends = () if flat is None else tuple((k / steps, float(scan[k])) for k in flat)
        answers.append(Peaks(ends, spread, flat is not None))
        if flat is None and len(finite):
            padded = np.concatenate([[-np.inf], scan, [-np.inf]])
            beside = np.maximum(padded[:-2], padded[2:])
            # Of two points that are equal but for rounding, neither hides the other.
            least = np.maximum(beside - EQUAL * spread, scan.max() - PEAK * spread)
            local = np.flatnonzero(scan >= least)
            highest = sorted(local.tolist(), key=lambda k: -scan[k])[:4]
            searches += [n] * len(highest)
            peaks += sorted(highest)
    if not searches:
        return answers
    owner, at = np.array(searches), np.array(peaks)

    def line(which: Ints, x: Array) -> Array:
        return objective(owner[which], x)

    xs, values = maximum(line, at / steps, scans[owner, at], 1.0 / steps, edge)
    level = np.array([answer.flat for answer in answers])
    jumping, places, heights = _edges(objective, scans, level, edge)
    for n in sorted(set(searches)):
        mine = np.flatnonzero(owner == n)
        refined = [(float(xs[k]), float(values[k])) for k in mine]
        slack = EQUAL * answers[n].spread
        for k in np.flatnonzero((jumping == n) & (heights > values[mine].max())):
            # An edge that a peak was zoomed in on already is not listed twice.
            apart = np.abs(xs[mine] - places[k]).min() > 1.0 / steps
            if apart or heights[k] > values[mine].max() + slack:
                refined.append((float(places[k]), float(heights[k])))
        answers[n] = Peaks(tuple(sorted(refined)), answers[n].spread)
    return answers


@np.errstate(invalid="ignore")
def _edges(
    objective: Line, scans: Array, flat: Bools, edge: float, beat: Array | None = None
) -> tuple[Ints, Array, Array]:
    """Return the edges of jumps between scanned points that may be higher than all of these:
    (search, x, value).

    A jump is seen by a difference that is far from the mean of its neighbors; where a kink beside
    it may hide it, a close search looks at every cell from which the objective may rise above all
    that was met, and above ``beat`` (n,). Cells are halved as long as what rises towards a jump in
    them may be the highest.
    """
    steps = scans.shape[1] - 1
    gains = np.pad(np.diff(scans, axis=1), ((0, 0), (1, 1)), mode="edge")
    gains[:, 0], gains[:, -1] = gains[:, 2], gains[:, -3]
    first, middle, last = gains[:, :-2], gains[:, 1:-1], gains[:, 2:]
    top = scans.max(axis=1)
    top = top if beat is None else np.fmax(top, beat)
    least = EQUAL * np.where(np.isfinite(scans), top[:, None] - scans, 0.0).max(axis=1)
    rough = np.abs(middle - 0.5 * (first + last)) > 0.25 * np.abs(first - last)
    left = scans[:, :-1] + FASTER * np.maximum(first, 0.0)
    right = scans[:, 1:] - FASTER * np.minimum(last, 0.0)
    hidden = (rough | (edge < FINE.edge)) & (np.maximum(left, right) > (top + least)[:, None])
    hidden &= np.isfinite(first) & np.isfinite(middle) & np.isfinite(last)
    owner, cell = np.nonzero(hidden & ~flat[:, None])
    p, width = cell / steps, 1.0 / steps
    low, high = scans[owner, cell], scans[owner, cell + 1]
    rise, fall = first[owner, cell], last[owner, cell]
    searches, best = np.unique(owner), top.copy()
    places = np.full(len(top), np.nan)
    while len(owner) and width > edge:
        width *= 0.5
        y = p + width
        found = objective(owner, y[:, None])[:, 0]
        for k in np.flatnonzero(found > best[owner] + ROUNDING * np.abs(best[owner])):
            if found[k] > best[owner[k]]:
                best[owner[k]], places[owner[k]] = found[k], y[k]
        # Of a half, the other one or what lies beyond tells how steep it is: a jump in there does
        # not count.
        rise, fall = 0.5 * rise, 0.5 * fall
        rise = np.concatenate([rise, np.fmin(rise, found - low)])
        fall = np.concatenate([np.fmax(fall, high - found), fall])
        low, high = np.concatenate([low, found]), np.concatenate([found, high])
        owner, p = np.concatenate([owner, owner]), np.concatenate([p, y])
        reach = np.maximum(
            low + FASTER * np.maximum(rise, 0.0), high - FASTER * np.minimum(fall, 0.0)
        )
        kept = np.flatnonzero(reach > best[owner] + least[owner])
        if len(kept) > CELLS * len(searches):
            kept = _highest(owner, reach, kept)
        owner, p, low, high = owner[kept], p[kept], low[kept], high[kept]
        rise, fall = rise[kept], fall[kept]
    owner = np.flatnonzero(best > top + ROUNDING * np.abs(top))
    places, heights = places[owner], best[owner]
    if len(owner):

        def line(which: Ints, x: Array) -> Array:
            return objective(owner[which], x)

        places, heights = _off_cliff(line, np.arange(len(owner)), places, heights, edge)
    return owner, places, heights


def best_edges(objective: Line, scans: Array, now: Array) -> Array:
    """Return the best values (n,) of scans (n, steps + 1) and of the edges of jumps between their
    points, where these may be higher than ``now`` (n,)."""
    owner, _, heights = _edges(objective, scans, np.zeros(len(scans), bool), FINE.edge, now)
    best: Array = scans.max(axis=1)
    best[owner] = np.maximum(best[owner], heights)
    return best


def _highest(owner: Ints, reach: Array, kept: Ints) -> Ints:
    """Return of each search's cells those that reach highest, in their order."""
    order = kept[np.lexsort((-reach[kept], owner[kept]))]
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    ranks = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return np.sort(order[ranks < CELLS])


def _plateau(scan: Array, slack: float) -> tuple[int, int] | None:
    """Return the ends of the stretch of three or more equal best points, if there is one."""
    best = np.flatnonzero(scan >= scan.max() - slack)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    longest = max(runs, key=len)
    return (int(longest[0]), int(longest[-1])) if len(longest) >= 3 else None


def maximum(
    objective: Line, x: Array, value: Array, width: float, edge: float = CLOSE.edge
) -> tuple[Array, Array]:
    """Return maximizers near x (n,), within ``width`` of it, and their values: located to
    rounding where the objective is smooth, to ``edge`` elsewhere."""
    x, value = x.astype(float), value.astype(float)
    live = np.arange(len(x))
    for round_ in range(40):
        points = np.clip(x[live, None] + width * np.linspace(-1, 1, 17), 0.0, 1.0)
        found = objective(live, points)
        k = np.argmax(found, axis=1)
        line = np.arange(len(live))
        # On a plateau, rounding does not lead away.
        slack = np.where(np.isfinite(value[live]), ROUNDING * np.abs(value[live]), 0.0)
        better = found[line, k] > value[live] + slack
        x[live] = np.where(better, points[line, k], x[live])
        value[live] = np.where(better, found[line, k], value[live])
        width /= 7.0
        if round_ == 1 or round_ == 3:
            for step in (STEP, STEP / 5, STEP / 25)[: 1 if edge >= COARSE.edge else 3]:
                y, top, smooth = _polish(objective, live, x[live], value[live], step)
                x[live[smooth]], value[live[smooth]] = y[smooth], top[smooth]
                live = live[~smooth]
                if not len(live):
                    return x, value
        if width < edge:
            break
    x[live], value[live] = _off_cliff(objective, live, x[live], value[live], edge)
    return x, value


def _off_cliff(
    objective: Line, which: Ints, x: Array, value: Array, hair: float
) -> tuple[Array, Array]:
    """Return maximizers at the edge of a cliff moved a hair to the safe side.

    Subgames are solved to some 1e-10 of their intervals, so that at the very edge a later
    mover's indifference may be decided by rounding, now this way, now that.
    """
    points = x[:, None] + hair * np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    inside = (points >= 0.0) & (points <= 1.0)
    found = objective(which, np.clip(points, 0.0, 1.0))
    slack = 1e-6 * np.fmax(np.abs(value), np.abs(found[:, 0]))
    safe = inside & (found >= (value - slack)[:, None])
    below, above = safe[:, :3].all(axis=1), safe[:, 3:].all(axis=1)
    line = np.arange(len(x))
    k = np.where(below, 1, 4)
    moved = below != above
    return np.where(moved, points[line, k], x), np.where(moved, found[line, k], value)


def _polish(
    objective: Line, which: Ints, x: Array, value: Array, width: float
) -> tuple[Array, Array, Bools]:
    """Return (x, value, smooth): stationary points next to x by Newton, where the objective is
    smooth within three widths of it."""
    start, x = x, x.copy()
    done = np.zeros(len(x), bool)
    live = np.arange(len(x))
    stencil = np.concatenate([OFFSETS, [0.0]])
    for _ in range(8):
        h = np.minimum(width, np.minimum(x[live], 1 - x[live]) / 3)
        live, h = live[h >= 1e-5], h[h >= 1e-5]
        if not len(live):
            break
        found = objective(which[live], x[live, None] + h[:, None] * stencil)
        f, now = found[:, :-1], found[:, -1]
        with np.errstate(all="ignore"):
            slope = f @ FIRST / h
            bend = (f @ SECOND + CENTER * now) / (h * h)
            rough = (f[:, 2] - 2 * now + f[:, 3]) / (h * h)
            step = -slope / bend
            good = np.isfinite(found).all(axis=1) & (bend < 0)
            good &= (np.abs(rough - bend) <= 0.2 * np.abs(bend)) & (np.abs(step) <= 4 * STEP)
        live, step = live[good], step[good]
        x[live] = np.clip(x[live] + step, 0.0, 1.0)
        still = np.abs(step) < 1e-11
        done[live[still]] = True
        live = live[~still]
    # A stencil that reaches across a kink sees a summit where there is none.
    final = np.full(len(x), -np.inf)
    ended = np.flatnonzero(done)
    if len(ended):
        around = width * np.array([0.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003])
        near = np.concatenate([x[ended, None] + around, x[ended, None] - around], axis=1)
        heights = objective(which[ended], np.clip(near, 0.0, 1.0))
        final[ended] = heights[:, 0]
        top = heights[:, 0]
        holds = heights.max(axis=1) <= top + 1e-12 * np.abs(top)
        least = value[ended] - 1e-12 * np.fmax(np.abs(value[ended]), np.abs(top))
        done[ended] = holds & (np.abs(x[ended] - start[ended]) <= 0.05) & (top >= least)
    return x, final, done


def crossing(
    at: Callable[[float], tuple[float, Array] | None], p: float, q: float
) -> tuple[float, Array] | None:
    """Return the probability at which a gap vanishes, with the replies there; None at a jump."""
    left, right = at(p), at(q)
    if left is None or right is None or left[0] * right[0] > 0:
        return None
    a, b = left[0], right[0]
    width = q - p
    here: tuple[float, Array] | None = None
    middle = p
    for k in range(60):
        # Illinois steps converge fast where the gap is smooth; bisection guards the rest.
        middle = (p * b - q * a) / (b - a) if k % 3 != 2 and a != b else 0.5 * (p + q)
        if not p < middle < q:
            middle = 0.5 * (p + q)
        here = at(middle)
        if here is None:
            return None
        gap = here[0]
        if gap == 0 or q - p < 1e-13 or abs(gap) < 1e-11 * max(abs(left[0]), abs(right[0])):
            return middle, here[1]
        if gap * a > 0:
            p, a = middle, gap
        else:
            q, b = middle, gap
        if q - p < 1e-3 * width and abs(a) + abs(b) > 0.1 * (abs(left[0]) + abs(right[0])):
            # The gap jumps over zero: a reply does, and no mixture makes it vanish.
            return None
    if here is None or abs(here[0]) >= 1e-7 * max(abs(left[0]), abs(right[0])):
        return None
    return middle, here[1]


# -- several interval decisions ----------------------------------------------------------------


def settle(
    payoffs: Table, starts: Array, owners: Sequence[int], free: Bools
) -> tuple[Array, Bools]:
    """Return (u (n, m), reached (n,)): equilibria among m interval decisions, from starts (n, m).

    ``free`` (n, m): decisions whose interval is not a point.
    """
    u = starts.copy()
    n, m = u.shape
    reached = np.zeros(n, bool)
    points = np.linspace(0, 1, GRID + 1)
    live = np.arange(n)
    for _ in range(10):
        v, stationary = _newton(payoffs, live, u[live], owners, free[live])
        on = np.flatnonzero(stationary)
        stationary[on] = _summits(payoffs, live[on], v[on], owners, free[live[on]])
        u[live[stationary]] = v[stationary]
        trial = np.repeat(u[live, None], 1 + m * len(points), axis=1)
        for j in range(m):
            trial[:, 1 + j * len(points) : 1 + (j + 1) * len(points), j] = points
        table = payoffs(live, trial)
        moved = np.zeros(len(live))
        for j in range(m):
            scan = known(table[:, 1 + j * len(points) : 1 + (j + 1) * len(points), owners[j]])
            now = table[:, 0, owners[j]]
            k = np.argmax(scan, axis=1)
            top = scan[np.arange(len(live)), k]
            low = np.where(np.isfinite(scan), scan, np.inf).min(axis=1)
            with np.errstate(invalid="ignore"):
                spread = np.where(np.isfinite(low), top - low, 0.0)
                better = ~(now >= top - EQUAL * spread)
            seek = np.flatnonzero(free[live, j] & (better | ~stationary))
            if not len(seek):
                continue

            def objective(which: Ints, x: Array, j: int = j, seekers: Ints = live[seek]) -> Array:
                line = np.repeat(u[seekers[which], None], x.shape[1], axis=1)
                line[:, :, j] = x
                return known(payoffs(seekers[which], line)[:, :, owners[j]])

            before = u[live[seek], j]
            x, _ = maximum(
                objective,
                np.where(better, points[k], u[live, j])[seek],
                known(np.where(better, top, now))[seek],
                1.0 / GRID,
            )
            moved[seek] = np.maximum(moved[seek], np.abs(x - before))
            u[live[seek], j] = x
        over = np.where(stationary, moved == 0.0, moved < 1e-9)
        reached[live[over]] = True
        live = live[~over]
        if not len(live):
            break
    return u, reached


def _summits(payoffs: Table, which: Ints, u: Array, owners: Sequence[int], free: Bools) -> Bools:
    """Return whether no free decision does better right beside u: a stencil that reaches
    across a kink comes to rest where nothing is stationary."""
    if not len(u):
        return np.zeros(0, bool)
    m = u.shape[1]
    beside = STEP * np.array([1.0, 0.3, 0.1, 0.03, 0.01, 0.003])
    beside = np.concatenate([beside, -beside])
    trial = np.repeat(u[:, None], 1 + m * len(beside), axis=1)
    for j in range(m):
        rows = slice(1 + j * len(beside), 1 + (j + 1) * len(beside))
        trial[:, rows, j] = np.clip(u[:, j, None] + beside, 0.0, 1.0)
    table = payoffs(which, trial)
    holds = np.ones(len(u), bool)
    for j in range(m):
        heights = table[:, 1 + j * len(beside) : 1 + (j + 1) * len(beside), owners[j]]
        now = table[:, 0, owners[j]]
        best = known(heights).max(axis=1)
        holds &= ~free[:, j] | ~(best > now + 1e-12 * np.abs(now))
    return holds


def _newton(
    payoffs: Table, which: Ints, u: Array, owners: Sequence[int], free: Bools
) -> tuple[Array, Bools]:
    """Return (u, found): stationary points with concave own payoffs, by Newton with an active
    set."""
    u = u.copy()
    n, m = u.shape
    found = np.zeros(n, bool)
    last = np.full(n, np.inf)
    live = np.arange(n)
    for _ in range(25):
        x = u[live]
        h = np.minimum(STEP, np.maximum(np.minimum(x, 1 - x) / 3, 0.0))
        inner = h >= 1e-6
        steps = np.where(inner, h, np.where(x < 0.5, STEP, -STEP))
        table = payoffs(which[live], _stencil(x, steps, inner))
        slope, jacobian = _differences(table, steps, inner, owners)
        active = ((x <= 0) & (slope <= 0)) | ((x >= 1) & (slope >= 0)) | ~free[live]
        known_all = np.isfinite(table).all(axis=(1, 2))
        bends = np.diagonal(jacobian, axis1=1, axis2=2)
        concave = (active | (bends < 0)).all(axis=1)
        # Decisions at their bounds stay there.
        system = np.where(active[:, :, None] | active[:, None, :], 0.0, jacobian)
        system += active[:, :, None] * np.eye(m)
        good = known_all & concave
        step, regular = _solve(system[good], np.where(active, 0.0, -slope)[good])
        live, step = live[good][regular], step[regular]
        before = u[live]
        u[live] = np.clip(before + np.clip(step, -0.25, 0.25), 0.0, 1.0)
        size = np.abs(u[live] - before).max(axis=1, initial=0.0)
        still = (size < 1e-12) | ((size < 1e-8) & (size >= 0.5 * last[live]))
        last[live] = size
        found[live[still]] = True
        live = live[~still]
        if not len(live):
            break
    return u, found


def _stencil(u: Array, steps: Array, inner: Bools) -> Array:
    """Return the points (n, 1 + 6m + 2m(m-1), m) that differences around u (n, m) are taken of:
    centered where there is room, else to the inside."""
    m = u.shape[1]
    offsets = np.where(inner[:, :, None], OFFSETS, np.arange(1.0, 7.0)) * steps[:, :, None]
    trial = np.repeat(u[:, None], 1 + 6 * m + 2 * m * (m - 1), axis=1)
    for j in range(m):
        trial[:, 1 + 6 * j : 7 + 6 * j, j] += offsets[:, j]
    at = 1 + 6 * m
    for j in range(m):
        for k in range(j + 1, m):
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                trial[:, at, j] += np.where(inner[:, j], a, a + 1) * steps[:, j]
                trial[:, at, k] += np.where(inner[:, k], b, b + 1) * steps[:, k]
                at += 1
    return trial


def _differences(
    table: Array, steps: Array, inner: Bools, owners: Sequence[int]
) -> tuple[Array, Array]:
    """Return slopes (n, m) and their derivatives (n, m, m) from payoffs at a stencil."""
    n, m = steps.shape
    slope, jacobian = np.empty((n, m)), np.empty((n, m, m))
    with np.errstate(all="ignore"):
        for j in range(m):
            f = table[:, 1 + 6 * j : 7 + 6 * j, owners[j]]
            f0, s = table[:, 0, owners[j]], steps[:, j]
            edge = -25 * f0 + 48 * f[:, 0] - 36 * f[:, 1] + 16 * f[:, 2] - 3 * f[:, 3]
            slope[:, j] = np.where(inner[:, j], f @ FIRST, edge / 12) / s
            bend = np.where(inner[:, j], f @ SECOND + CENTER * f0, f0 - 2 * f[:, 0] + f[:, 1])
            jacobian[:, j, j] = bend / (s * s)
        at = 1 + 6 * m
        for j in range(m):
            for k in range(j + 1, m):
                f = table[:, at : at + 4]
                cross = f[:, 0] - f[:, 1] - f[:, 2] + f[:, 3]
                cross = cross / (4 * steps[:, j] * steps[:, k])[:, None]
                jacobian[:, j, k], jacobian[:, k, j] = cross[:, owners[j]], cross[:, owners[k]]
                at += 4
    return slope, jacobian


def _solve(systems: Array, right: Array) -> tuple[Array, Bools]:
    """Return the solutions (n, m) of n linear systems, and which of them have one."""
    found = np.zeros_like(right)
    regular = np.ones(len(right), bool)
    try:
        found[:] = np.linalg.solve(systems, right[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        for k, system in enumerate(systems):
            try:
                found[k] = np.linalg.solve(system, right[k])
            except np.linalg.LinAlgError:
                regular[k] = False
    return found, regular
