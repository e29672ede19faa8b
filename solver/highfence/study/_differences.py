"""Derivatives by differences: the game is solved again at steps to both sides of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._local import VISIBLE, Local
from ._slopes import DIFFERENCES, LocalTarget, Response, Slope
from .sensitivity import Asking, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Differences"]

STEPS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
"""Where a difference is taken, in steps h."""

CLOSEST = 0.05
"""Least share of the step to which it is shortened for a bound that is near."""

KINK = 0.1
"""Slopes to the two sides that differ by less than this share are those of a curve."""

JUMP = 10.0
"""A piece this many times as steep as all others is taken for a jump, and bisected."""

BISECTIONS = 8
"""Halvings that bracket a jump."""

NO_VALUE = "here it is not certified, or several equilibria disagree about it"


class Differences:
    """Responses of outcomes, by differences."""

    def __init__(self, local: Local) -> None:
        self.local = local

    def _solve(self, targets: tuple[Target, ...], points: Mapping[str, Array]) -> Array:
        """Return the values of the targets, shape (targets, points), NaN where undefined."""
        needed = {name for target in targets for name in target.reads}
        local = self.local
        ask = Asking(
            request=local.request,
            regimes=tuple(r.name for r in local.request.game.regimes if r.name in needed),
            compared=local.compared,
            targets=targets,
            judge=local.judge,
            several="drop",
        )
        columns = local.columns(points)
        answers, _ = ask.answers(columns, len(next(iter(columns.values()))))
        return np.array([one.value for one in answers])

    def _points(self, moved: Sequence[tuple[str, float]]) -> dict[str, Array]:
        """Return points at which one parameter each is moved, all others as they are."""
        return {
            name: np.array([x if moves == name else self.local.ends[name].at for moves, x in moved])
            for name in self.local.names
        }

    def _grid(self, name: str) -> tuple[float, ...]:
        """Return where a parameter is put, in order, its own value among them."""
        end = self.local.ends[name]
        step = self.local.step * end.width
        below, above = (end.at - end.low) / 2, (end.high - end.at) / 2
        if end.bounded and min(below, above) < CLOSEST * step:
            sides = [k for k in STEPS if k == 0 or (k > 0) == (above > below)]
        else:
            sides = list(STEPS)
            step = min(step, below, above)
        return tuple(end.at + k * step for k in sides)

    def targets(self, targets: tuple[Target, ...]) -> list[LocalTarget]:
        """Return the responses of some of the targets."""
        grids = {name: self._grid(name) for name in self.local.names}
        moved = [
            (name, x) for name, grid in grids.items() for x in grid if x != self.local.ends[name].at
        ]
        table = self._solve(targets, self._points([(self.local.names[0], self._at(0)), *moved]))
        curves: list[dict[str, _Curve]] = []
        for row in table:
            known = dict(zip(moved, row[1:], strict=True))
            curves.append(
                {
                    name: _Curve.of(
                        self.local.ends[name].at, [(x, known.get((name, x), row[0])) for x in grid]
                    )
                    for name, grid in grids.items()
                }
            )
        jumps = self._jumps(targets, curves)
        made = []
        for k, (target, row) in enumerate(zip(targets, table, strict=True)):
            value = float(row[0])
            if math.isfinite(value):
                slopes = tuple(
                    self._slope(name, value, curves[k][name], jumps.get((k, name)))
                    for name in self.local.names
                )
                made.append(LocalTarget(target.name, value, DIFFERENCES, slopes))
            else:
                made.append(LocalTarget(target.name, value, DIFFERENCES, (), NO_VALUE))
        return made

    def _at(self, k: int) -> float:
        return self.local.ends[self.local.names[k]].at

    def _jumps(
        self, targets: tuple[Target, ...], curves: Sequence[Mapping[str, _Curve]]
    ) -> dict[tuple[int, str], _Jump]:
        """Return the jumps that stay as their brackets are halved: (target, parameter) -> it."""
        open_: dict[tuple[int, str], _Jump] = {}
        for k, row in enumerate(curves):
            for name, curve in row.items():
                suspect = curve.suspect()
                if suspect is not None:
                    open_[k, name] = suspect
        first = dict(open_)
        for _ in range(BISECTIONS if open_ else 0):
            middles = list(dict.fromkeys((name, jump.middle) for (_, name), jump in open_.items()))
            table = self._solve(targets, self._points(middles))
            for (k, name), jump in open_.items():
                value = float(table[k][middles.index((name, jump.middle))])
                open_[k, name] = jump.halved(value)
        return {
            key: jump for key, jump in open_.items() if abs(jump.size) >= abs(first[key].size) / 2
        }

    def _slope(self, name: str, value: float, curve: _Curve, jump: _Jump | None) -> Slope:
        response, derivative, error, left, right, note = curve.read(jump)
        return self.local.slope(name, value, response, derivative, error, left, right, note)


@dataclass(frozen=True)
class _Jump:
    """A bracket in which an outcome jumps."""

    low: float
    high: float
    at_low: float
    at_high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    @property
    def size(self) -> float:
        return self.at_high - self.at_low

    def halved(self, value: float) -> _Jump:
        """Return the half in which the outcome changes more, given its value in the middle."""
        if not math.isfinite(value):
            return self
        if abs(value - self.at_low) >= abs(self.at_high - value):
            return _Jump(self.low, self.middle, self.at_low, value)
        return _Jump(self.middle, self.high, value, self.at_high)


@dataclass(frozen=True)
class _Curve:
    """An outcome at the steps of one parameter: NaN where it is undefined."""

    at: float
    x: Array
    y: Array

    @classmethod
    def of(cls, at: float, points: Sequence[tuple[float, float]]) -> _Curve:
        x, y = (np.array(column) for column in zip(*points, strict=True))
        return cls(at, x, y)

    @property
    def size(self) -> float:
        """The largest value, in absolute value."""
        known = np.abs(self.y[np.isfinite(self.y)])
        return float(known.max()) if known.size else 0.0

    def suspect(self) -> _Jump | None:
        """Return the piece that is far steeper than all others, if there is one."""
        known = np.isfinite(self.y)
        x, y = self.x[known], self.y[known]
        if len(x) < 3:
            return None
        steep = np.abs(np.diff(y) / np.diff(x))
        k = int(steep.argmax())
        others = float(np.delete(steep, k).max())
        if steep[k] <= JUMP * others or abs(y[k + 1] - y[k]) <= 10 * VISIBLE * self.size:
            return None
        return _Jump(float(x[k]), float(x[k + 1]), float(y[k]), float(y[k + 1]))

    def _side(self, sign: int) -> tuple[float, float]:
        """Return the slope to one side by two step sizes; NaN where it is undefined."""
        order = np.argsort(sign * (self.x - self.at))
        zero = int(np.searchsorted((sign * (self.x - self.at))[order], 0))
        side = order[zero : zero + 4]
        if len(side) < 4:
            return math.nan, math.nan
        h = float(self.x[side[2]] - self.at)
        base, half, one, two = (float(value) for value in self.y[side])
        return (-3 * base + 4 * half - one) / h, (-3 * base + 4 * one - two) / (2 * h)

    def read(self, jump: _Jump | None) -> tuple[Response, float, float, float, float, str]:
        """Return response, derivative, error, slopes to the left and right, and a note."""
        left, left_wide = self._side(-1)
        right, right_wide = self._side(1)
        note = ""
        response = Response.ONE_SIDED
        if jump is not None:
            note = (
                f"it jumps by {jump.size:+.3g} where the parameter is between {jump.low:.6g} and "
                f"{jump.high:.6g}"
            )
            response = Response.CLIFF
            if jump.middle > self.at:
                right = right_wide = math.nan
            else:
                left = left_wide = math.nan
        if math.isnan(left) and math.isnan(right):
            return (
                Response.UNDEFINED if jump is None else response,
                math.nan,
                math.nan,
                left,
                right,
                note or "it is undefined on both sides",
            )
        if math.isnan(left) or math.isnan(right):
            one, wide, side = (
                (right, right_wide, "above") if math.isnan(left) else (left, left_wide, "below")
            )
            sure = math.isfinite(wide)
            derivative = (4 * one - wide) / 3 if sure else one
            error = abs(one - wide) / 3 if sure else math.nan
            return response, derivative, error, left, right, note or f"the slope is that {side}"
        return self._both(left, left_wide, right, right_wide)

    def _both(
        self, left: float, left_wide: float, right: float, right_wide: float
    ) -> tuple[Response, float, float, float, float, str]:
        h = float(self.x[5] - self.at)
        low_one, low_half, half, one = self.y[[1, 2, 4, 5]]
        narrow, wide = (half - low_half) / h, (one - low_one) / (2 * h)
        apart = right - left
        apart_wide = right_wide - left_wide
        steepest = max(abs(left), abs(right))
        if (
            abs(apart) > KINK * steepest
            and abs(apart) > VISIBLE * self.size / h
            and not abs(apart) < abs(apart_wide) / 2
        ):
            return (
                Response.KINK,
                (left + right) / 2,
                abs(apart) / 2,
                left,
                right,
                f"the slope is {left:.3g} below and {right:.3g} above",
            )
        derivative = (4 * narrow - wide) / 3
        error = abs(narrow - wide) / 3
        if np.isfinite(self.y).all():
            fit = np.polyfit((self.x - self.at) / h, self.y, 3)[-2] / h
            error = max(error, abs(derivative - float(fit)))
        return Response.SMOOTH, derivative, error, left, right, ""
