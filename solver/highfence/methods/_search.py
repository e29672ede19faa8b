"""Searches over scaled interval actions whose payoffs are black boxes that take batches.

Every point may be a whole subgame, so points are asked for in batches, and a smooth optimum
is finished by Newton on differences. Actions are scaled to [0, 1]. A payoff of NaN (a subgame
that was not solved) counts as minus infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "CLOSE",
    "COARSE",
    "EQUAL",
    "GRID",
    "Resolution",
    "crossing",
    "known",
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


def known(payoffs: Array) -> Array:
    """Return payoffs with what is unknown as minus infinity."""
    return np.where(np.isnan(payoffs), -np.inf, payoffs)


def maximum(
    objective: Callable[[Array], Array],
    x: float,
    value: float,
    width: float,
    edge: float = CLOSE.edge,
) -> tuple[float, float]:
    """Return a maximizer near x (within ``width``), and its value: located to rounding where
    the objective is smooth, to ``edge`` elsewhere."""
    for round_ in range(40):
        points = np.clip(x + width * np.linspace(-1, 1, 17), 0.0, 1.0)
        found = objective(points)
        k = int(np.argmax(found))
        if found[k] > value:
            x, value = float(points[k]), float(found[k])
        width /= 7.0
        if round_ == 1 or round_ == 3:
            for step in (STEP, STEP / 5, STEP / 25)[: 1 if edge >= COARSE.edge else 3]:
                polished = _polish(objective, x, value, step)
                if polished is not None:
                    return polished
        if width < edge:
            break
    return _off_cliff(objective, x, value, edge)


def _off_cliff(
    objective: Callable[[Array], Array], x: float, value: float, hair: float
) -> tuple[float, float]:
    """Return a maximizer at the edge of a cliff moved a hair to the safe side.

    Subgames are solved to some 1e-10 of their intervals, so that at the very edge a later
    mover's indifference may be decided by rounding, now this way, now that.
    """
    steps = hair * np.array([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    points = x + steps
    inside = (points >= 0.0) & (points <= 1.0)
    found = objective(np.clip(points, 0.0, 1.0))
    safe = inside & (found >= value - 1e-6 * max(abs(value), float(np.abs(found[0]))))
    below, above = bool(safe[:3].all()), bool(safe[3:].all())
    if below == above:
        return x, value
    k = 1 if below else 4
    return float(points[k]), float(found[k])


def _polish(
    objective: Callable[[Array], Array], x: float, value: float, width: float
) -> tuple[float, float] | None:
    """Return the stationary point next to x by Newton, if the objective is smooth within
    three widths of it."""
    start = x
    for _ in range(8):
        h = min(width, min(x, 1 - x) / 3)
        if h < 1e-5:
            return None
        found = objective(x + h * np.concatenate([OFFSETS, [0.0]]))
        if not np.isfinite(found).all():
            return None
        f, now = found[:-1], found[-1]
        slope = float(FIRST @ f) / h
        bend = float(SECOND @ f + CENTER * now) / (h * h)
        rough = (f[2] - 2 * now + f[3]) / (h * h)
        if not bend < 0 or abs(rough - bend) > 0.2 * abs(bend):
            return None
        step = -slope / bend
        if abs(step) > 4 * STEP:
            return None
        x = min(max(x + step, 0.0), 1.0)
        if abs(step) < 1e-11:
            break
    else:
        return None
    # A stencil that reaches across a kink sees a summit where there is none.
    around = width * np.array([0.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003])
    heights = objective(np.clip(np.concatenate([x + around, x - around]), 0.0, 1.0))
    final = float(heights[0])
    if not heights.max() <= final + 1e-12 * abs(final):
        return None
    if abs(x - start) > 0.05 or final < value - 1e-12 * max(abs(value), abs(final)):
        return None
    return x, final


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


def settle(
    payoffs: Callable[[Array], Array], u: Array, owners: Sequence[int], free: NDArray[np.bool_]
) -> Array | None:
    """Return an equilibrium among interval decisions, from a start; None if none is reached."""
    m = len(u)
    for _ in range(10):
        found = _newton(payoffs, u.copy(), owners, free)
        if found is not None and not _summits(payoffs, found, owners, free):
            found = None
        base = u if found is None else found
        u = base.copy()
        points = np.linspace(0, 1, GRID + 1)
        trial = np.repeat(u[None], 1 + m * len(points), axis=0)
        for j in range(m):
            trial[1 + j * len(points) : 1 + (j + 1) * len(points), j] = points
        table = payoffs(trial)
        moved = 0.0
        for j in range(m):
            if not free[j]:
                continue
            scan = known(table[1 + j * len(points) : 1 + (j + 1) * len(points), owners[j]])
            now = table[0, owners[j]]
            k = int(np.argmax(scan))
            spread = float(np.ptp(scan[np.isfinite(scan)])) if np.isfinite(scan).any() else 0.0
            better = not now >= scan[k] - EQUAL * spread
            if found is not None and not better:
                continue

            def objective(x: Array, j: int = j, u: Array = u) -> Array:
                line = np.repeat(u[None], len(x), axis=0)
                line[:, j] = x
                return known(payoffs(line)[:, owners[j]])

            start, value = (points[k], scan[k]) if better else (u[j], now)
            x, _ = maximum(objective, float(start), float(value), 1.0 / GRID)
            moved = max(moved, abs(x - u[j]))
            u[j] = x
        if moved == 0.0 if found is not None else moved < 1e-9:
            return u
    return None


def _summits(
    payoffs: Callable[[Array], Array], u: Array, owners: Sequence[int], free: NDArray[np.bool_]
) -> bool:
    """Return whether no free decision does better right beside u: a stencil that reaches
    across a kink comes to rest where nothing is stationary."""
    beside = STEP * np.array([1.0, 0.3, 0.1, 0.03, 0.01, 0.003])
    beside = np.concatenate([beside, -beside])
    free_ones = [int(j) for j in np.flatnonzero(free)]
    trial = np.repeat(u[None], 1 + len(free_ones) * len(beside), axis=0)
    for n, j in enumerate(free_ones):
        rows = slice(1 + n * len(beside), 1 + (n + 1) * len(beside))
        trial[rows, j] = np.clip(u[j] + beside, 0.0, 1.0)
    table = payoffs(trial)
    for n, j in enumerate(free_ones):
        heights = table[1 + n * len(beside) : 1 + (n + 1) * len(beside), owners[j]]
        now = table[0, owners[j]]
        if np.nanmax(heights, initial=-np.inf) > now + 1e-12 * abs(now):
            return False
    return True


def _newton(
    payoffs: Callable[[Array], Array], u: Array, owners: Sequence[int], free: NDArray[np.bool_]
) -> Array | None:
    """Return a stationary point with concave own payoffs, by Newton with an active set."""
    m = len(u)
    last = np.inf
    for _ in range(25):
        h = np.array([min(STEP, max(min(x, 1 - x) / 3, 0.0)) for x in u])
        inner = h >= 1e-6
        side = np.where(u < 0.5, STEP, -STEP)
        steps = np.where(inner, h, side)
        stencil = [u]
        for j in range(m):
            offsets = OFFSETS if inner[j] else np.arange(1.0, 7.0)
            for offset in offsets:
                moved = u.copy()
                moved[j] += offset * steps[j]
                stencil.append(moved)
        for j in range(m):
            for k in range(j + 1, m):
                for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                    moved = u.copy()
                    moved[j] += (a if inner[j] else (a + 1)) * steps[j]
                    moved[k] += (b if inner[k] else (b + 1)) * steps[k]
                    stencil.append(moved)
        table = payoffs(np.stack(stencil))
        if not np.isfinite(table).all():
            return None
        slope, jacobian = np.empty(m), np.empty((m, m))
        for j in range(m):
            f = table[1 + 6 * j : 7 + 6 * j, owners[j]]
            f0, s = table[0, owners[j]], steps[j]
            if inner[j]:
                slope[j] = float(FIRST @ f) / s
                jacobian[j, j] = float(SECOND @ f + CENTER * f0) / (s * s)
            else:
                slope[j] = (-25 * f0 + 48 * f[0] - 36 * f[1] + 16 * f[2] - 3 * f[3]) / (12 * s)
                jacobian[j, j] = (f0 - 2 * f[0] + f[1]) / (s * s)
        n = 1 + 6 * m
        for j in range(m):
            for k in range(j + 1, m):
                f4 = table[n : n + 4]
                n += 4
                area = 4 * steps[j] * steps[k]
                cross = (f4[0] - f4[1] - f4[2] + f4[3]) / area
                jacobian[j, k], jacobian[k, j] = cross[owners[j]], cross[owners[k]]
        active = ((u <= 0) & (slope <= 0)) | ((u >= 1) & (slope >= 0)) | ~free
        live = np.flatnonzero(~active)
        if len(live) == 0:
            return u
        if (np.diag(jacobian)[live] >= 0).any():
            return None
        try:
            step = np.linalg.solve(jacobian[np.ix_(live, live)], -slope[live])
        except np.linalg.LinAlgError:
            return None
        before = u.copy()
        u[live] = np.clip(u[live] + np.clip(step, -0.25, 0.25), 0.0, 1.0)
        size = float(np.abs(u - before).max())
        if size < 1e-12 or (size < 1e-8 and size >= 0.5 * last):
            return u
        last = size
    return None
