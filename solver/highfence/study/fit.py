"""Which values of a few parameters bring a game nearest to what was observed.

Least squares over the solved game: each target is a formula over equilibrium outcomes, such as
``small_yard.x_H / none.x_H``, and what was observed of it. Fitted values are no evidence for the
game: with as many parameters as targets nearly every game fits. What tells is the residuals, how
well the targets pin the parameters down, and whether other values fit as well; all three are
part of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import RequestError, did_you_mean
from ..forms.build import values, values_given
from ..spec.model import Target, number
from ..spec.sentences import unnamed_regimes
from .draws import solve_draws
from .outcome import Outcome, game_with_regimes, outcome_of
from .sample import generator_of, unit_cube

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..spec.model import Game

    Array = NDArray[np.float64]

__all__ = ["Fit", "FitStatus", "Fitted", "Residual", "fit"]

STEP = 1e-4
"""Step of the differences that slopes are taken from, as a share of a parameter's range."""


class FitStatus(StrEnum):
    """How a fit ended."""

    FITTED = "fitted"
    """A search from at least one start came to a point from which no step is better."""
    STOPPED = "stopped early"
    """The best search spent its evaluations; better values may be near."""
    NOTHING = "nothing certified"
    """No start had certified answers for all targets."""


@dataclass(frozen=True)
class Fitted:
    """A parameter that was fitted."""

    name: str
    value: float
    low: float
    high: float
    before: float
    """Its value before the fit."""
    at_bound: bool
    """The value is an end of the range: beyond it the fit would be nearer."""
    others: tuple[float, float] | None
    """Lowest and highest value among the searches that ended as near the targets, where they
    ended elsewhere; None where all of them ended here."""


@dataclass(frozen=True)
class Residual:
    """A target, and what the game gives there."""

    name: str
    formula: str
    observed: float
    low: float | None
    """What the source leaves open, if it says."""
    high: float | None
    before: tuple[float, float]
    """Lowest and highest value over the equilibria before the fit; NaN if none is certified."""
    found: tuple[float, float]
    """The same at the fitted values."""
    scale: float
    """The difference that counts as 1 in the sum of squares."""
    source: str
    confidence: str

    @property
    def difference(self) -> float:
        """The fitted value (the middle, where equilibria differ) less the observed one."""
        return (self.found[0] + self.found[1]) / 2 - self.observed

    @property
    def within(self) -> bool | None:
        """Whether it lies in what the source leaves open; None where the source does not say."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.found[0] and self.found[1] <= self.high


@dataclass(frozen=True)
class Fit:
    """The fitted parameters, with what is left between the game and the observations."""

    game: str
    preset: str | None
    held: Mapping[str, Any]
    """Parameters that were set for the fit and kept."""
    status: FitStatus
    reason: str
    parameters: tuple[Fitted, ...]
    residuals: tuple[Residual, ...]
    distance: float
    """Root mean square of the differences over their scales at the fitted values; infinite if
    nothing was certified."""
    distance_before: float
    ends: tuple[float, ...]
    """The distance at which each search ended; the first is that of the fitted values, the one of
    those as near that moves the parameters least, the others follow from near to far."""
    rank: int
    """Number of independent directions in parameter space that the targets pin down at the
    fitted values; below the number of parameters, many values fit as well."""
    loose: Mapping[str, float]
    """Parameter -> share in the direction that the targets pin down least (of length 1, in
    shares of the ranges); empty where ``rank`` is full."""
    at_jump: bool
    """Slopes at the fitted values point to where it would be nearer, but no step there is: a
    target jumps, or has no certified answer, just beyond."""
    evaluations: int
    """Points of parameter space at which the regimes were solved."""

    @property
    def identified(self) -> bool:
        """Whether the targets pin down every parameter near the fitted values."""
        return self.rank == len(self.parameters)

    @property
    def settings(self) -> dict[str, float]:
        """Parameter -> fitted value: ready for ``solve`` and ``compare``."""
        return {one.name: one.value for one in self.parameters}

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints: ``schema``, ``game``, ``preset``, ``held``, ``status``,
        ``reason``, ``distance``, ``distance_before``, ``identified``, ``rank``, ``loose``,
        ``ends``, ``at_jump``, ``evaluations``; ``parameters`` and ``residuals`` with the fields of
        :class:`Fitted` and :class:`Residual`. What is not a number is null."""

        def plain(value: float | None) -> float | None:
            return None if value is None or not isfinite(value) else value

        return {
            "schema": "highfence.fit/1",
            "game": self.game,
            "preset": self.preset,
            "held": {k: v if isinstance(v, str) else float(v) for k, v in self.held.items()},
            "status": str(self.status),
            "reason": self.reason,
            "distance": plain(self.distance),
            "distance_before": plain(self.distance_before),
            "identified": self.identified,
            "rank": self.rank,
            "loose": dict(self.loose),
            "ends": [plain(end) for end in self.ends],
            "at_jump": self.at_jump,
            "evaluations": self.evaluations,
            "parameters": [
                {
                    "name": one.name,
                    "value": one.value,
                    "low": one.low,
                    "high": one.high,
                    "before": one.before,
                    "at_bound": one.at_bound,
                    "others": None if one.others is None else list(one.others),
                }
                for one in self.parameters
            ],
            "residuals": [
                {
                    "name": one.name,
                    "formula": one.formula,
                    "observed": one.observed,
                    "low": one.low,
                    "high": one.high,
                    "before": [plain(end) for end in one.before],
                    "found": [plain(end) for end in one.found],
                    "difference": plain(one.difference),
                    "within": one.within,
                    "scale": one.scale,
                    "source": one.source,
                    "confidence": one.confidence,
                }
                for one in self.residuals
            ],
        }


def fit(
    game: Game | str,
    vary: Sequence[str] | Mapping[str, tuple[float, float] | None],
    targets: Sequence[str] | Mapping[str, Any] | None = None,
    *,
    scales: Mapping[str, float] | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    starts: int = 8,
    rng: int | np.random.Generator = 0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """Choose values of a few parameters so that the game comes nearest to what was observed.

    Parameters
    ----------
    game
        A game with regimes, or its name.
    vary
        The parameters to fit; names, or a mapping from name to range. The declared range where
        none is given.
    targets
        Names of targets that the game declares (all of them by default); or a mapping from
        such a name, or a formula over outcomes of named regimes, to the observed value (None:
        the declared one).
    scales
        Target -> the difference that counts as 1. By default half of what the source leaves
        open, if the target says; or else the size of the observed value (1 if that is 0), so
        that relative differences are compared.
    preset, parameters
        The other parameters, and the first start.
    starts
        Searches: the first begins at the preset's values, the others at the best of twenty
        times as many points of a Latin hypercube.
    rng
        A seed, or a generator, for those points.
    workers
        Processes.
    progress
        Called with (points solved, most there can be) now and then.

    Raises
    ------
    RequestError
        The game has no regimes; there is nothing to fit or to fit to; a parameter is
        categorical or without a range; an outcome in a formula does not name its regime.
    SpecError
        A target is not a formula of the game.

    Notes
    -----
    Bounded least squares (scipy's trust-region reflective algorithm; Branch, Coleman and Li
    1999) on slopes by differences, from several starts. It finds local optima; that the best
    of them is the best of all is *not* promised. Where an outcome jumps, slopes say nothing,
    and a search may stop there; where several equilibria give different values the middle
    counts, and the residual shows both ends. A step to where nothing is certified is refused.

    Cost: starts times about ten steps, each of which solves every regime that a target names
    at one more point than there are parameters.

    Examples
    --------
    >>> from highfence.study import fit
    >>> found = fit("small_yard_high_fence", ["gamL"], {"none.x_L": 0.15}, starts=1)
    >>> found.status.value, found.identified, abs(found.residuals[0].difference) < 1e-6
    ('fitted', True, True)
    """
    loaded = game_with_regimes(game)
    given = values_given(parameters, {})
    start = values(loaded, preset=preset, parameters=given)
    ranges = _ranges(loaded, vary, start)
    wanted = _targets(loaded, targets, scales or {}, start)
    most = limits.MAX_FIT_STARTS
    if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= most:
        raise RequestError(f"starts = {starts!r} is not a whole number from 1 to {most}")
    model = _Model(loaded, tuple(ranges), wanted, preset, given, workers, progress)
    return _fitted(model, ranges, start, starts, generator_of(rng), given, preset)


@dataclass(frozen=True)
class _Wanted:
    name: str
    target: Target
    outcome: Outcome
    scale: float


def _ranges(game: Game, vary: Any, start: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return parameter -> range."""
    if isinstance(vary, str):
        vary = (vary,)
    asked = dict(vary) if isinstance(vary, Mapping) else {str(name): None for name in vary}
    if not asked:
        raise RequestError("there is no parameter to fit. Name some")
    declared = {p.name: p for p in game.parameters}
    made = {}
    for name, ends in asked.items():
        if name not in declared:
            close = did_you_mean(name, declared)
            raise RequestError(f"{game.name} has no parameter {name!r}. {close}")
        parameter = declared[name]
        if parameter.choices:
            raise RequestError(f"{game.name}: {name} has choices; fit once for each of them")
        low, high = (parameter.low, parameter.high) if ends is None else ends
        if low is None or high is None:
            raise RequestError(f"{game.name}: {name} declares no range. Give one: {name}=LOW:HIGH")
        bottom, top = float(low), float(high)
        if not (isfinite(bottom) and isfinite(top) and bottom < top):
            fix = f"{name}={top:g}:{bottom:g}" if top < bottom else f"{name}=LOW:HIGH"
            raise RequestError(
                f"the range of {name}, {bottom:g} to {top:g}, is empty. Write the lower end "
                f"first: {fix}"
            )
        if not bottom <= float(start[name]) <= top:
            raise RequestError(
                f"{name} is {float(start[name]):g} before the fit, outside {bottom:g} to {top:g}. "
                f"Widen the range, or set {name}"
            )
        made[name] = (bottom, top)
    return made


def _targets(
    game: Game, targets: Any, scales: Mapping[str, float], start: Mapping[str, Any]
) -> tuple[_Wanted, ...]:
    """Return the targets, compiled."""
    if targets is None:
        targets = tuple(game.targets)
    if isinstance(targets, str):
        targets = (targets,)
    asked = dict(targets) if isinstance(targets, Mapping) else {str(t): None for t in targets}
    if not asked:
        raise RequestError(
            f"there is nothing to fit to: {game.name} declares no targets. Give some: "
            "'REGIME.OUTCOME=VALUE'"
        )
    for name in scales:
        if name not in asked:
            raise RequestError(f"a scale for {name!r}, which is not a target. {', '.join(asked)}")
    chosen = {p.name: str(start[p.name]) for p in game.parameters if p.choices}
    made = []
    for name, value in asked.items():
        found = game.targets.get(name)
        if found is None and value is None:
            close = did_you_mean(name, game.targets)
            close += "" if not close else " " if close.endswith("?") else ". "
            raise RequestError(
                f"{game.name} declares no target {name!r}. {close}To fit to a formula, give the "
                "observed value with it"
            )
        try:
            observed = None if value is None else number(value)
        except ValueError:
            raise RequestError(f"the observed value of {name!r}, {value!r}, is no number") from None
        if found is None:
            assert observed is not None
            target = Target(name, observed)
        else:
            target = found if observed is None else Target(found.formula, observed)
        outcome = outcome_of(game, target.formula, chosen)
        bare = unnamed_regimes(game, outcome.root)
        if bare:
            raise RequestError(
                f"{name!r}: {bare[0]} does not say of which regime. Write REGIME.{bare[0]}"
            )
        if not outcome.others:
            raise RequestError(f"{name!r} reads no outcome of a regime: it stays as it is")
        if outcome.condition:
            raise RequestError(f"{name!r} is a condition; a fit needs a number to come near")
        scale = float(scales.get(name, _scale(target)))
        if not (isfinite(scale) and scale > 0):
            raise RequestError(f"the scale of {name!r}, {scale:g}, is not a positive number")
        made.append(_Wanted(name, target, outcome, scale))
    return tuple(made)


def _scale(target: Target) -> float:
    if target.low is not None and target.high is not None and target.low != target.high:
        return (float(target.high) - float(target.low)) / 2
    return abs(float(target.value)) or 1.0


class _Model:
    """The targets as functions of the parameters: a batch of points is solved at once."""

    def __init__(
        self,
        game: Game,
        names: tuple[str, ...],
        wanted: tuple[_Wanted, ...],
        preset: str | None,
        given: Mapping[str, Any],
        workers: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.game, self.names, self.wanted = game, names, wanted
        self.preset, self.workers, self.progress = preset, workers, progress
        self.given = {name: value for name, value in given.items() if name not in names}
        self.held = values(game, preset=preset, parameters=self.given)
        named = {regime for one in wanted for regime in one.outcome.others}
        self.regimes = tuple(r.name for r in game.regimes if r.name in named)
        self.evaluations = 0
        self.most = 0

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return the lowest and highest value of each target, shape (points, targets)."""
        table = dict(zip(self.names, np.ascontiguousarray(points.T), strict=True))
        found = solve_draws(
            self.game, table, self.regimes, preset=self.preset, workers=self.workers,
            thorough=False, parameters=self.given,
        )  # fmt: skip
        fixed = {**self.held, **table}
        ends = [one.outcome.values(found, self.regimes[0], fixed) for one in self.wanted]
        self.evaluations += len(points)
        if self.progress is not None:
            self.progress(self.evaluations, max(self.most, self.evaluations))
        low, high = (np.stack([end[k] for end in ends], axis=1) for k in (0, 1))
        return low, high

    def residuals(self, points: Array) -> Array:
        """Return the differences over their scales, shape (points, targets); NaN undefined."""
        low, high = self.at(points)
        observed = np.array([float(one.target.value) for one in self.wanted])
        made: Array = ((low + high) / 2 - observed) / np.array([one.scale for one in self.wanted])
        return made


NEAR_BOUND = 1e-3
"""Share of the range within which its end is tried as well."""
APART = 1e-2
"""Ends of searches that are further apart, in shares of the range, are told apart."""
POINTS_A_START = 20
"""Points tried for each search after the first."""


class _Search:
    """The residuals in shares of the ranges, one search at a time."""

    def __init__(self, model: _Model, low: Array, width: Array) -> None:
        self.model, self.low, self.width = model, low, width

    def value(self, share: Array) -> Array:
        made: Array = self.model.residuals((self.low + share * self.width)[np.newaxis])[0]
        return made

    def at_bounds(self, share: Array, distance: float) -> tuple[float, Array]:
        """Put values beside an end of their range on it, unless that is further off.

        The search stays inside the ranges and only creeps up to their ends.
        """
        near = np.where(share < NEAR_BOUND, 0.0, np.where(share > 1 - NEAR_BOUND, 1.0, share))
        if (near != share).any():
            there = float(_distances(self.value(near)))
            if there <= distance + tolerances.FIT:
                return there, near
        return distance, share

    def slopes(self, share: Array) -> Array:
        """Return the Jacobian, shape (targets, parameters), by central differences.

        One-sided at the ends of the range and beside undefined points; 0 where both sides are
        undefined: the search does not move along that parameter then.
        """
        d = len(share)
        ahead = np.minimum(share + STEP * np.eye(d), 1)
        behind = np.maximum(share - STEP * np.eye(d), 0)
        points = np.vstack([share, ahead, behind])
        found = self.model.residuals(self.low + points * self.width)
        here, up, down = found[0], found[1 : d + 1], found[d + 1 :]
        step_up = np.diag(ahead) - share
        step_down = share - np.diag(behind)
        made = np.zeros((found.shape[1], d))
        for k in range(d):
            sides = [
                (up[k] - down[k], step_up[k] + step_down[k]),
                (up[k] - here, step_up[k]),
                (here - down[k], step_down[k]),
            ]
            for difference, step in sides:
                if step > 0 and np.isfinite(difference).all():
                    made[:, k] = difference / step
                    break
        return made


def _fitted(
    model: _Model,
    ranges: Mapping[str, tuple[float, float]],
    start: Mapping[str, Any],
    starts: int,
    rng: np.random.Generator,
    given: Mapping[str, Any],
    preset: str | None,
) -> Fit:
    from scipy.optimize import least_squares

    names = tuple(ranges)
    low = np.array([ranges[name][0] for name in names])
    width = np.array([ranges[name][1] for name in names]) - low
    before = np.array([float(start[name]) for name in names])
    search = _Search(model, low, width)
    tried = POINTS_A_START * (starts - 1)
    model.most = 1 + tried + starts * limits.MAX_FIT_STEPS * (2 * len(names) + 2)
    shares = ((before - low) / width)[np.newaxis]
    if tried:
        shares = np.vstack([shares, unit_cube(tried, len(names), rng, "latin_hypercube")])
    sizes = _distances(model.residuals(low + shares * width))
    distance_before = float(sizes[0])
    order = [0] if isfinite(sizes[0]) else []
    others = 1 + np.argsort(sizes[1:], kind="stable")
    order += [int(k) for k in others if isfinite(sizes[k])][: starts - len(order)]
    ends = []
    for k in order:
        found = least_squares(
            search.value, np.clip(shares[k], 0, 1), search.slopes, bounds=(0, 1), method="trf",
            xtol=1e-9, ftol=1e-12, gtol=1e-12, max_nfev=limits.MAX_FIT_STEPS,
        )  # fmt: skip
        end, share = search.at_bounds(found.x, float(_distances(found.fun)))
        ends.append((end, share, found.status != 0))
    ends.sort(key=lambda end: end[0])
    if ends:
        # Of those that are as near, the one that moves the parameters least.
        near = [end for end in ends if end[0] <= ends[0][0] + tolerances.FIT]
        best = min(near, key=lambda end: float(np.linalg.norm(end[1] - shares[0])))
        ends = [best, *(end for end in ends if end is not best)]
    return _answer(model, ranges, before, ends, distance_before, given, preset, search)


def _distances(residuals: Array) -> Array:
    """Return the root mean square along the last axis; infinite where it is undefined."""
    size: Array = np.sqrt(np.mean(np.square(residuals), axis=-1))
    return np.where(np.isfinite(size), size, np.inf)


def _answer(
    model: _Model,
    ranges: Mapping[str, tuple[float, float]],
    before: Array,
    ends: list[tuple[float, Array, bool]],
    distance_before: float,
    given: Mapping[str, Any],
    preset: str | None,
    search: _Search,
) -> Fit:
    names = tuple(ranges)
    if ends:
        distance, share, settled = ends[0]
        status = FitStatus.FITTED if settled else FitStatus.STOPPED
        reason = "" if settled else f"the best search took {limits.MAX_FIT_STEPS} steps"
    else:
        distance, share, status = np.inf, (before - search.low) / search.width, FitStatus.NOTHING
        reason = "at no start do all regimes that the targets name have certified answers"
    best = search.low + share * search.width
    lows, highs = model.at(np.vstack([before, best]))
    rank, loose, at_jump = 0, dict[str, float](), False
    if ends:
        slopes = search.slopes(share)
        rank, loose = _pinned(slopes, names)
        at_jump = status is FitStatus.FITTED and _points_on(slopes, search.value(share), share)
    near = [e for e in ends if e[0] <= distance + tolerances.FIT]
    return Fit(
        game=model.game.name,
        preset=preset,
        held=MappingProxyType({k: v for k, v in given.items() if k not in ranges}),
        status=status,
        reason=reason,
        parameters=tuple(
            Fitted(
                name, float(best[k]), *ranges[name], float(before[k]),
                bool(share[k] in (0, 1)),
                _others([float(search.low[k] + e[1][k] * search.width[k]) for e in near],
                        float(search.width[k])),
            )
            for k, name in enumerate(names)
        ),
        residuals=tuple(
            Residual(
                one.name, one.target.formula, float(one.target.value),
                None if one.target.low is None else float(one.target.low),
                None if one.target.high is None else float(one.target.high),
                (float(lows[0, k]), float(highs[0, k])), (float(lows[1, k]), float(highs[1, k])),
                one.scale, one.target.source, one.target.confidence,
            )
            for k, one in enumerate(model.wanted)
        ),
        distance=float(distance),
        distance_before=distance_before,
        ends=tuple(end[0] for end in ends),
        rank=rank,
        loose=MappingProxyType(loose),
        at_jump=at_jump,
        evaluations=model.evaluations,
    )  # fmt: skip


def _points_on(slopes: Array, residuals: Array, share: Array) -> bool:
    """Tell whether a linear model of the residuals promises to come a tenth nearer."""
    from scipy.optimize import lsq_linear

    distance = float(_distances(residuals))
    if distance <= tolerances.FIT:
        return False
    inside = np.clip(share, 1e-12, 1 - 1e-12)
    step = lsq_linear(slopes, -residuals, bounds=(-inside, 1 - inside))
    return bool(_distances(residuals + slopes @ step.x) < 0.9 * distance)


def _others(values: Sequence[float], width: float) -> tuple[float, float] | None:
    """Return the range of equally good values, unless they are one."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return (low, high) if high - low > APART * width else None


def _pinned(slopes: Array, names: Sequence[str]) -> tuple[int, dict[str, float]]:
    """Return how many directions the targets pin down, and the one that they do least."""
    _, sizes, directions = np.linalg.svd(slopes)
    full = np.zeros(len(names))
    full[: len(sizes)] = sizes
    rank = int((full > tolerances.FIT * max(float(full.max()), tolerances.FIT)).sum())
    if rank == len(names):
        return rank, {}
    weakest = directions[-1]
    weakest = weakest * np.sign(weakest[np.argmax(np.abs(weakest))])
    return rank, {name: float(part) for name, part in zip(names, weakest, strict=True)}
