"""Local sensitivity: derivatives and elasticities of an equilibrium at one set of numbers.

How an equilibrium moves with a parameter is found in one of two ways.

*Implicit differentiation*, where all that is read are equilibria of strategic forms. On the
support of an equilibrium every action that is played earns its player the same, and
probabilities sum to one: F(x, t) = 0 for the probabilities and values x at the parameter t.
Where the Jacobian F_x is regular, the equilibrium is locally unique on that support, and
dx/dt = -F_x^(-1) F_t (implicit function theorem). Where an unused action earns as much as the
used ones, or a probability could become negative at once, the support changes and the
derivative is one-sided.

*Differences of the re-solved equilibrium* everywhere else: the game is solved at steps of
h/2, h and 2h to both sides. A smooth response has the same slope from both sides, at all step
sizes; a *kink* has two slopes that stay apart as the step shrinks; a *cliff* is a jump, which
is bracketed by bisection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import RequestError, SpecError, did_you_mean
from ..forms.build import build, values
from ..forms.normal import NormalForm
from ..solve import solve
from ..spec.formulas import evaluate
from ..spec.model import Chance, Decision, Derived, Game, Interval
from ..spec.resolve import derived_names
from .outcome import categorical_values, game_with_regimes, values_given
from .scan import regimes_asked
from .sensitivity import Asking, Target, levers_of, targets_of
from .uncertainty import Uncertainty, space_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Derivatives", "LocalTarget", "Response", "Slope", "derivatives"]

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

VISIBLE = 1e-6
"""Changes below this share of the outcome are rounding: batches repeat to about 1e-7."""

IMPLICIT, DIFFERENCES = "implicit differentiation", "differences"

NO_VALUE = "here it is not certified, or several equilibria disagree about it"

TABLE_STEP = 1e-3
"""Step of the differences of payoff tables, as a share of the parameter's range or size."""


class Response(StrEnum):
    """How an outcome responds to a small change of a parameter."""

    SMOOTH = "smooth"
    KINK = "kink"
    """The slopes to the two sides differ."""
    CLIFF = "cliff"
    """It jumps within the steps taken."""
    ONE_SIDED = "one-sided"
    """It has values on one side only, within the declared range."""
    UNDEFINED = "undefined"
    """It has no derivative that could be found."""


@dataclass(frozen=True)
class Slope:
    """The local response of one outcome to one parameter."""

    parameter: str
    at: float
    """The parameter's value."""
    response: Response
    derivative: float
    """NaN where there is none; at a kink the mean of both sides."""
    error: float
    """Estimate of its absolute error; NaN where unknown."""
    elasticity: float
    """Percent of the outcome per percent of the parameter; NaN where one of them is 0."""
    left: float
    """Slope below the value."""
    right: float
    """Slope above it."""
    swing: float
    """The derivative times the width of the declared range (or the value, without a range)."""
    note: str = ""


@dataclass(frozen=True)
class LocalTarget:
    """The local responses of one outcome."""

    target: str
    value: float
    """The outcome at the numbers asked about."""
    how: str
    """``"implicit differentiation"`` or ``"differences"``."""
    slopes: tuple[Slope, ...]
    """In the order of the parameters."""
    reason: str = ""
    """Why there are none."""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> Slope:
        for slope in self.slopes:
            if slope.parameter == parameter:
                return slope
        known = [slope.parameter for slope in self.slopes]
        raise KeyError(f"{parameter!r}. {did_you_mean(parameter, known)}")

    @property
    def ranked(self) -> tuple[Slope, ...]:
        """Cliffs first, then by the size of the swing."""

        def size(slope: Slope) -> tuple[bool, float]:
            swing = abs(slope.swing) if math.isfinite(slope.swing) else -1.0
            return slope.response is not Response.CLIFF, -swing

        return tuple(sorted(self.slopes, key=size))

    @property
    def says(self) -> str:
        """The answer in a sentence."""
        return _sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --method local --json`` holds under ``targets``.

        Keys: ``target``, ``says``, ``value``, ``how``, ``reason``, and ``parameters``: {name:
        {"at", "response", "derivative", "error", "elasticity", "left", "right", "swing",
        "note"}}, largest swing first.
        """
        names = (
            "at", "response", "derivative", "error", "elasticity", "left", "right", "swing", "note"
        )  # fmt: skip
        return {
            "target": self.target,
            "says": self.says,
            "value": self.value,
            "how": self.how,
            "reason": self.reason,
            "parameters": {
                slope.parameter: {name: getattr(slope, name) for name in names}
                for slope in self.ranked
            },
        }


@dataclass(frozen=True)
class Derivatives:
    """Local derivatives of outcomes of a game."""

    game: str
    title: str
    preset: str | None
    parameters: Mapping[str, Any]
    """The parameters that the request set."""
    ties: Mapping[str, str]
    step: float
    targets: tuple[LocalTarget, ...]

    def __getitem__(self, target: str) -> LocalTarget:
        for one in self.targets:
            if one.target == target:
                return one
        raise KeyError(f"{target!r}. {did_you_mean(target, [t.target for t in self.targets])}")

    def __str__(self) -> str:
        return "\n".join(one.says for one in self.targets)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --method local --json`` prints.

        Keys: ``game``, ``title``, ``method`` ("local"), ``preset``, ``parameters``, ``ties``,
        ``step``, and ``targets``: a list of what :meth:`LocalTarget.to_dict` returns.
        """
        return {
            "game": self.game,
            "title": self.title,
            "method": "local",
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "ties": dict(self.ties),
            "step": self.step,
            "targets": [one.to_dict() for one in self.targets],
        }


def derivatives(
    game: Game | str | Path,
    outcomes: str | Sequence[str],
    regimes: Sequence[str] | str | None = None,
    *,
    names: Sequence[str] | None = None,
    ties: Mapping[str, str] | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    player: str | None = None,
    step: float = 0.01,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **named: Any,
) -> Derivatives:
    """Return derivatives and elasticities of equilibrium outcomes at one set of numbers.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    outcomes
        As in :func:`highfence.study.sensitivity.sensitivity`, other than ``wins``; or the name
        of a decision: its value, or the probability of each of its actions, on the path of
        play.
    regimes, preset, parameters, named, player, workers, progress
        As there.
    names
        The parameters; by default all numeric ones with a declared range that no regime sets.
    ties
        Parameter -> formula: it moves along with those that its formula reads.
    step
        Step h of the differences, as a share of the declared range (of the value, where none
        is declared). Shortened where a bound of the range is near.

    Returns
    -------
    Derivatives

    Raises
    ------
    RequestError
        A name is unknown, a regime that is read sets a parameter that is named, or the step
        is not between 0 and 0.2.
    SpecError
        An outcome is not a formula of the game, or the game is wrong at these numbers.

    Notes
    -----
    A derivative is about a small step. That the equilibrium is locally unique is shown where
    it is found by implicit differentiation (the Jacobian is regular); differences of a
    re-solved equilibrium do not show it. Where several equilibria disagree about an outcome,
    it has no derivatives and a reason. The error is the difference between derivatives at two
    steps, and at differences between Richardson's extrapolation and a cubic fit; it is an
    estimate, not a bound.

    Cost: for differences six solves per parameter and regime; otherwise four payoff tables.

    References
    ----------
    K. L. Judd (1998), Numerical Methods in Economics, sec. 1.8 and 7.7. P. Milgrom and
    I. Segal (2002), Econometrica 70, 583-601 (one-sided derivatives where the best reply
    changes).

    Examples
    --------
    In an inspection game the violator's probability is what keeps the inspector indifferent.

    >>> from highfence import Decision, Game, Parameter, Regime, Stage
    >>> game = Game(
    ...     name="inspection",
    ...     players=["inspectee", "inspector"],
    ...     parameters=[Parameter("cost", 0.1, low=0.05, high=0.2)],
    ...     stages=[
    ...         Stage(
    ...             "now",
    ...             Decision("inspectee", "act", ["comply", "violate"]),
    ...             Decision("inspector", "look", ["rest", "inspect"]),
    ...         )
    ...     ],
    ...     payoffs={
    ...         "inspectee": "where(act == 'violate', where(look == 'inspect', -3, 1), 0)",
    ...         "inspector": "-cost * (look == 'inspect') - (act == 'violate' and look == 'rest')",
    ...     },
    ...     regimes=[Regime("as_is")],
    ... )
    >>> found = derivatives(game, "act")["act = violate under as_is"]
    >>> round(found["cost"].derivative, 6), round(found["cost"].elasticity, 6)
    (1.0, 1.0)
    """
    game = game_with_regimes(game)
    if not 0 < step <= 0.2:
        raise RequestError(f"step = {step!r} is a share of the range between 0 and 0.2")
    parameters = values_given(parameters, named)
    base = values(game, preset=preset, parameters=parameters)
    compared = regimes_asked(game, regimes)
    asked = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    watched, asked, shown = _with_decisions(game, asked)
    targets, judge = targets_of(watched, asked, compared, player, categorical_values(game, base))
    if any(target.wins for target in targets):
        raise RequestError("whether a regime wins has no derivative. Ask for margin(REGIME)")
    levers = levers_of(game, {name for target in targets for name in target.reads})
    chosen = _chosen(game, names, ties or {}, levers)
    ends = {name: _range(game, name, float(base[name])) for name in chosen}
    given = {name: value for name, value in (parameters or {}).items() if name not in chosen}
    space = space_of(
        watched,
        names=[],
        distributions={n: Uncertainty("uniform", (end.low, end.high)) for n, end in ends.items()},
        ties=ties,
        preset=preset,
        parameters=given,
    )
    numbers = {name: float(v) for name, v in base.items() if not isinstance(v, str)}

    def columns(points: Mapping[str, Array]) -> dict[str, Array]:
        count = len(next(iter(points.values())))
        drawn = {n: points.get(n, np.full(count, numbers[n])) for n in space.names}
        return space.completed(drawn, count)

    job = _Local(watched, targets, judge, compared, chosen, ends, numbers, columns, step, preset,
                 dict(parameters or {}), workers, progress)  # fmt: skip
    labels = MappingProxyType({p.name: p.label for p in game.parameters if p.label})
    found = [replace(one, target=_renamed(one.target, shown), labels=labels) for one in job.found()]
    return Derivatives(
        game=game.name,
        title=game.title or game.name,
        preset=preset,
        parameters=MappingProxyType(dict(parameters or {})),
        ties=space.ties,
        step=step,
        targets=tuple(found),
    )


# ---------------------------------------------------------------------------------------------
# What is asked


@dataclass(frozen=True)
class _End:
    """Where a parameter may be moved."""

    at: float
    low: float
    high: float
    width: float
    bounded: bool
    """Whether low and high are declared."""


def _range(game: Game, name: str, at: float) -> _End:
    (parameter,) = (p for p in game.parameters if p.name == name)
    if parameter.low is not None and parameter.high is not None:
        low, high = float(parameter.low), float(parameter.high)
        if low <= at <= high and low < high:
            return _End(at, low, high, high - low, True)
    width = abs(at) or 1.0
    return _End(at, at - width, at + width, width, False)


def _chosen(
    game: Game,
    names: Sequence[str] | str | None,
    ties: Mapping[str, str],
    levers: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    numeric = {p.name: p for p in game.parameters if not p.choices}
    for name in [*ties, *([names] if isinstance(names, str) else names or ())]:
        if name in levers:
            raise RequestError(
                f"{name} is set by the regime {levers[name][0]}, so no one value of it can be "
                "moved. Leave it out, or ask about other regimes"
            )
    if names is None:
        chosen = [
            name
            for name, p in numeric.items()
            if p.low is not None and p.high is not None and name not in ties and name not in levers
        ]
        if not chosen:
            raise RequestError(f"{game.name} declares no range of any parameter. Name parameters")
        return tuple(chosen)
    asked = [names] if isinstance(names, str) else list(names)
    for position, name in enumerate(asked):
        if name not in numeric:
            raise RequestError(
                f"{game.name} has no numeric parameter {name!r}. {did_you_mean(name, numeric)}"
            )
        if name in ties or name in asked[:position]:
            raise RequestError(f"{name} is tied, or named twice. Name it once, or untie it")
    if not asked:
        raise RequestError("no parameter is named. Name some, or leave names out")
    return tuple(asked)


def _with_decisions(game: Game, asked: Sequence[str]) -> tuple[Game, list[str], dict[str, str]]:
    """Return the game with what decisions do among its outcomes, what to ask, and its names."""
    moves = {
        move.name: move
        for stage in game.stages
        for move in stage.moves
        if not isinstance(move, Chance)
    }
    taken = {*derived_names(game), *(p.name for p in game.players), *game.flags}
    reported = tuple(derived_names(game)) if game.outcomes is None else game.outcomes
    extra: dict[str, str] = {}
    shown: dict[str, str] = {}
    made: list[str] = []
    for text in asked:
        move = moves.get(text.strip())
        if move is None or text.strip() in taken:
            made.append(text)
            continue
        for label, formula in _played(move).items():
            name = f"played_{len(extra)}"
            while name in taken:
                name = f"_{name}"
            extra[name], shown[name] = formula, label
            made.append(name)
    if not extra:
        return game, made, shown
    derived = {**game.derived, **{name: Derived(formula) for name, formula in extra.items()}}
    return replace(game, derived=derived, outcomes=(*reported, *extra)), made, shown


def _played(move: Decision) -> dict[str, str]:
    """Return what is shown of a decision -> its formula."""
    if isinstance(move.actions, Interval):
        return {move.name: move.name}
    return {
        f"{move.name} = {action.name}": f"1 * ({move.name} == {action.name!r})"
        for action in move.actions
    }


def _renamed(target: str, shown: Mapping[str, str]) -> str:
    name, space, rest = target.partition(" ")
    return shown.get(name, name) + space + rest


# ---------------------------------------------------------------------------------------------
# Both ways


@dataclass(frozen=True)
class _Local:
    """A request, ready to be worked out."""

    game: Game
    targets: tuple[Target, ...]
    judge: str | None
    compared: tuple[str, ...]
    names: tuple[str, ...]
    ends: Mapping[str, _End]
    base: Mapping[str, float]
    columns: Callable[[Mapping[str, Array]], dict[str, Array]]
    step: float
    preset: str | None
    parameters: Mapping[str, Any]
    workers: int
    progress: Callable[[int, int], None] | None

    def found(self) -> list[LocalTarget]:
        """Return what is found about every target."""
        implicit = _Implicit(self)
        made: dict[str, LocalTarget] = {}
        for target in self.targets:
            answer = implicit.target(target)
            if answer is not None:
                made[target.name] = answer
        left = tuple(target for target in self.targets if target.name not in made)
        if left:
            made |= {one.target: one for one in self._by_differences(left)}
        return [made[target.name] for target in self.targets]

    def _solve(self, targets: tuple[Target, ...], points: Mapping[str, Array]) -> Array:
        """Return the values of the targets, shape (targets, points), NaN where undefined."""
        needed = {name for target in targets for name in target.reads}
        ask = Asking(
            game=self.game,
            regimes=tuple(r.name for r in self.game.regimes if r.name in needed),
            compared=self.compared,
            targets=targets,
            judge=self.judge,
            several="drop",
            fixed=self.base,
            preset=self.preset,
            parameters=self.parameters,
            workers=self.workers,
            progress=self.progress,
        )
        columns = self.columns(points)
        answers, _ = ask.answers(columns, len(next(iter(columns.values()))))
        return np.array([one.value for one in answers])

    def _points(self, moved: Sequence[tuple[str, float]]) -> dict[str, Array]:
        """Return points at which one parameter each is moved, all others as they are."""
        return {
            name: np.array([x if moves == name else self.ends[name].at for moves, x in moved])
            for name in self.names
        }

    def _grid(self, name: str) -> tuple[float, ...]:
        """Return where a parameter is put, in order, its own value among them."""
        end = self.ends[name]
        step = self.step * end.width
        below, above = (end.at - end.low) / 2, (end.high - end.at) / 2
        if end.bounded and min(below, above) < CLOSEST * step:
            sides = [k for k in STEPS if k == 0 or (k > 0) == (above > below)]
        else:
            sides = list(STEPS)
            step = min(step, below, above)
        return tuple(end.at + k * step for k in sides)

    def _by_differences(self, targets: tuple[Target, ...]) -> list[LocalTarget]:
        grids = {name: self._grid(name) for name in self.names}
        moved = [(name, x) for name, grid in grids.items() for x in grid if x != self.ends[name].at]
        table = self._solve(targets, self._points([(self.names[0], self._at(0)), *moved]))
        curves: list[dict[str, _Curve]] = []
        for row in table:
            known = dict(zip(moved, row[1:], strict=True))
            curves.append(
                {
                    name: _Curve.of(
                        self.ends[name].at, [(x, known.get((name, x), row[0])) for x in grid]
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
                    for name in self.names
                )
                made.append(LocalTarget(target.name, value, DIFFERENCES, slopes))
            else:
                made.append(LocalTarget(target.name, value, DIFFERENCES, (), NO_VALUE))
        return made

    def _at(self, k: int) -> float:
        return self.ends[self.names[k]].at

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
        return self.slope(name, value, response, derivative, error, left, right, note)

    def slope(
        self,
        name: str,
        value: float,
        response: Response,
        derivative: float,
        error: float,
        left: float,
        right: float,
        note: str = "",
    ) -> Slope:
        """Return the response of an outcome of this value to a parameter."""
        end = self.ends[name]
        elastic = value != 0 and end.at != 0
        return Slope(
            parameter=name,
            at=end.at,
            response=response,
            derivative=derivative,
            error=error,
            elasticity=derivative * end.at / value + 0.0 if elastic else math.nan,
            left=left,
            right=right,
            swing=derivative * end.width,
            note=note,
        )


# ---------------------------------------------------------------------------------------------
# Differences


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


# ---------------------------------------------------------------------------------------------
# Implicit differentiation


@dataclass(frozen=True)
class _Solved:
    """The one equilibrium of a strategic form."""

    form: NormalForm
    mixed: tuple[Array, ...]
    """Probabilities, for each player."""
    singular: bool
    """Whether the Jacobian of the indifference equations is singular."""


Moved = Mapping[str, tuple[float, float]]
"""Column -> its value and its derivative."""


class _Implicit:
    """Derivatives of equilibria of strategic forms, worked out once per regime and parameter."""

    def __init__(self, job: _Local) -> None:
        self.job = job
        self._regimes: dict[str, _Solved | None] = {}
        self._moved: dict[tuple[str, str], tuple[Moved, Moved] | None] = {}

    def target(self, target: Target) -> LocalTarget | None:
        """Return the responses of a target; None if it is for differences."""
        if target.outcome is not None and target.outcome.condition:
            return None
        solved = [self._solved(regime) for regime in target.reads]
        if any(one is None for one in solved):
            return None
        value = math.nan
        slopes = []
        for name in self.job.names:
            tables: dict[str, tuple[Moved, Moved]] = {}
            for regime in target.reads:
                one = self._columns(regime, name)
                if one is None:
                    return None
                tables[regime] = one
            fine = self._value(target, name, {r: moved[0] for r, moved in tables.items()})
            rough = self._value(target, name, {r: moved[1] for r, moved in tables.items()})
            if fine is None or rough is None:
                return None
            value, derivative = fine
            coarse = rough[1]
            if any(form is not None and form.singular for form in solved):
                note = "the equilibrium is not locally unique: others with its support are near"
                response, derivative, error = Response.UNDEFINED, math.nan, math.nan
            else:
                note, response, error = "", Response.SMOOTH, abs(derivative - coarse)
            slopes.append(
                self.job.slope(
                    name, value, response, derivative, error, derivative, derivative, note
                )
            )
        return LocalTarget(target.name, value, IMPLICIT, tuple(slopes))

    def _form(self, regime: str, moved: Mapping[str, float]) -> Any:
        points = {name: np.array([x]) for name, x in moved.items()}
        columns = self.job.columns(points) if points else {}
        numbers = {name: float(column[0]) for name, column in columns.items()}
        return build(
            self.job.game,
            regime=regime,
            preset=self.job.preset,
            parameters={**self.job.parameters, **numbers},
        )

    def _solved(self, regime: str) -> _Solved | None:
        if regime not in self._regimes:
            self._regimes[regime] = self._solve(regime)
        return self._regimes[regime]

    def _solve(self, regime: str) -> _Solved | None:
        form = self._form(regime, {self.job.names[0]: self.job.ends[self.job.names[0]].at})
        if not isinstance(form, NormalForm):
            return None
        found = solve(form).equilibria
        if len(found) != 1:
            return None
        mixed = tuple(
            np.array([float(p) for p in strategy]) for strategy in found[0].profile.strategies
        )
        for player, payoffs in enumerate(form.payoffs):
            earned = _contracted(payoffs, mixed, (player,))
            span = float(np.ptp(payoffs)) or 1.0
            unused = mixed[player] == 0
            best = float(earned.max())
            if unused.any() and best - float(earned[unused].max()) <= tolerances.SAME * span:
                return None  # an unused action is as good: the support may change at once
        matrix, _ = _system(form.payoffs, form.payoffs, mixed)
        sizes = np.linalg.svd(matrix, compute_uv=False)
        return _Solved(form, mixed, bool(sizes[-1] <= tolerances.PROBABILITY * sizes[0]))

    def _columns(self, regime: str, name: str) -> tuple[Moved, Moved] | None:
        key = regime, name
        if key not in self._moved:
            self._moved[key] = self._differentiated(regime, name)
        return self._moved[key]

    def _differentiated(self, regime: str, name: str) -> tuple[Moved, Moved] | None:
        """Return every column's value and derivative, by extrapolated and by coarser tables."""
        solved = self._solved(regime)
        assert solved is not None
        end = self.job.ends[name]
        step = TABLE_STEP * end.width
        try:
            forms = [self._form(regime, {name: end.at + k * step}) for k in (-2, -1, 1, 2)]
        except SpecError:
            return None
        if any(form.payoffs.shape != solved.form.payoffs.shape for form in forms):
            return None
        made = []
        for fine in (True, False):
            payoffs = _slope_of([form.payoffs for form in forms], step, fine)
            outcomes = {
                column: _slope_of([form.outcomes[column] for form in forms], step, fine)
                for column in solved.form.outcomes
            }
            made.append(_responses(solved, payoffs, outcomes))
        return made[0], made[1]

    def _value(
        self, target: Target, name: str, columns: Mapping[str, Moved]
    ) -> tuple[float, float] | None:
        """Return a target's value and derivative from those of what it reads."""
        if target.outcome is None:
            return self._margin(target, columns)
        end = self.job.ends[name]
        step = TABLE_STEP * end.width
        offsets = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) * step
        along = self.job.columns({name: end.at + offsets})
        inputs: dict[str, Any] = {}
        for key in target.outcome.inputs:
            regime, _, column = key.rpartition(".")
            moved = columns[regime or target.regime]
            if column in moved:
                inputs[key] = moved[column][0] + offsets * moved[column][1]
            else:
                inputs[key] = along.get(key, np.full(5, self.job.base[key]))
        (value,) = evaluate([target.outcome.root], inputs)
        y = np.broadcast_to(np.asarray(value, dtype=np.float64), 5)
        if not np.isfinite(y).all():
            return None
        return float(y[2]), float(_slope_of([y[0], y[1], y[3], y[4]], step, True))

    def _margin(self, target: Target, columns: Mapping[str, Moved]) -> tuple[float, float] | None:
        assert self.job.judge is not None
        own = columns[target.regime][self.job.judge]
        others = sorted(
            (columns[regime][self.job.judge] for regime in target.reads if regime != target.regime),
            reverse=True,
        )
        if len(others) > 1 and others[0][0] - others[1][0] <= VISIBLE * abs(others[0][0]):
            return None  # two regimes are best at once: differences show both sides
        return own[0] - others[0][0], own[1] - others[0][1]


def _slope_of(four: Sequence[Any], step: float, fine: bool) -> Any:
    """Return the derivative from values at -2, -1, 1 and 2 steps."""
    narrow = (four[2] - four[1]) / (2 * step)
    wide = (four[3] - four[0]) / (4 * step)
    return (4 * narrow - wide) / 3 if fine else narrow


def _contracted(table: Array, mixed: Sequence[Array], keep: tuple[int, ...]) -> Array:
    """Return the expectation of a table over all players' strategies but those kept."""
    made = table
    for player in reversed(range(len(mixed))):
        if player not in keep:
            made = np.tensordot(made, mixed[player], axes=(player, 0))
    return np.asarray(made)


def _system(payoffs: Array, moved: Array, mixed: Sequence[Array]) -> tuple[Array, Array]:
    """Return the Jacobian of the indifference equations, and minus their derivative.

    Unknowns: the probabilities on the support, player by player, then each player's payoff.
    Equations: each action of the support earns its player's payoff; probabilities sum to 1.
    """
    players = len(mixed)
    supports = [np.flatnonzero(strategy > 0) for strategy in mixed]
    starts = np.cumsum([0, *(len(support) for support in supports)])
    size = int(starts[-1])
    matrix = np.zeros((size + players, size + players))
    right = np.zeros(size + players)
    for i in range(players):
        rows = slice(starts[i], starts[i + 1])
        right[rows] = -_contracted(moved[i], mixed, (i,))[supports[i]]
        matrix[rows, size + i] = -1
        matrix[size + i, rows] = 1
        for j in range(players):
            if j == i:
                continue
            table = _contracted(payoffs[i], mixed, (i, j))
            table = table if i < j else table.T
            columns = slice(starts[j], starts[j + 1])
            matrix[rows, columns] = table[np.ix_(supports[i], supports[j])]
    return matrix, right


def _responses(solved: _Solved, payoffs: Array, outcomes: Mapping[str, Array]) -> Moved:
    """Return the value and the derivative of every payoff and outcome."""
    form, mixed = solved.form, solved.mixed
    matrix, right = _system(form.payoffs, payoffs, mixed)
    change = np.linalg.lstsq(matrix, right, rcond=None)[0]
    moves, start = [], 0
    for strategy in mixed:
        support = np.flatnonzero(strategy > 0)
        move = np.zeros(len(strategy))
        move[support] = change[start : start + len(support)]
        moves.append(move)
        start += len(support)
    made = {
        player: (float(_contracted(form.payoffs[i], mixed, ())), float(change[start + i]))
        for i, player in enumerate(form.players)
    }
    for column, table in form.outcomes.items():
        derivative = float(_contracted(outcomes[column], mixed, ()))
        for player, move in enumerate(moves):
            derivative += float(_contracted(table, mixed, (player,)) @ move)
        made[column] = (float(_contracted(table, mixed, ())), derivative)
    return made


# ---------------------------------------------------------------------------------------------
# Sentences


def _sentence(found: LocalTarget) -> str:
    if found.reason:
        return f"Nothing can be said about {found.target}: {found.reason}."
    top = found.ranked[0]
    label = found.labels.get(top.parameter, "")
    called = f"{label} ({top.parameter})" if label else top.parameter
    if top.response is Response.CLIFF:
        return f"{found.target} is at a cliff of {called}, which is {top.at:.4g}: {top.note}."
    if not math.isfinite(top.derivative):
        return f"No derivative of {found.target} could be found: {top.note}."
    if top.derivative == 0:
        return f"No parameter moves {found.target} here."
    elastic = math.isfinite(top.elasticity)
    size = f"its derivative is {top.derivative:.3g}"
    if elastic and top.at > 0 and found.value > 0:
        size = f"1% more of it changes it by {top.elasticity:+.2g}%"
    elif elastic and top.at > 0:  # a percentage of what is negative has the wrong sign
        change = top.derivative * top.at / 100
        size = (
            f"1% more of it {'raises' if change > 0 else 'lowers'} it by {abs(change):.2g}, "
            f"from {found.value:.4g}"
        )
    kink = f"; {top.note}" if top.note else ""
    return f"{called} matters most for {found.target} here, at {top.at:.4g}: {size}{kink}."
