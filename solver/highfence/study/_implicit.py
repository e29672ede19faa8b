"""Derivatives of equilibria of strategic forms, by the implicit function theorem."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import SpecError
from ..forms.build import build
from ..forms.normal import NormalForm
from ..solve import solve
from ..spec.formulas import evaluate
from ._local import VISIBLE, Local
from ._slopes import IMPLICIT, LocalTarget, Response
from .sensitivity import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Implicit"]

TABLE_STEP = 1e-3
"""Step of the differences of payoff tables, as a share of the parameter's range or size."""


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


class Implicit:
    """Derivatives of equilibria of strategic forms, worked out once per regime and parameter."""

    def __init__(self, local: Local) -> None:
        self.local = local
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
        for name in self.local.names:
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
                self.local.slope(
                    name, value, response, derivative, error, derivative, derivative, note
                )
            )
        return LocalTarget(target.name, value, IMPLICIT, tuple(slopes))

    def _form(self, regime: str, moved: Mapping[str, float]) -> Any:
        points = {name: np.array([x]) for name, x in moved.items()}
        columns = self.local.columns(points) if points else {}
        numbers = {name: float(column[0]) for name, column in columns.items()}
        request = self.local.request
        given = {**request.parameters, **numbers}
        return build(request.game, regime=regime, preset=request.preset, parameters=given)

    def _solved(self, regime: str) -> _Solved | None:
        if regime not in self._regimes:
            self._regimes[regime] = self._solve(regime)
        return self._regimes[regime]

    def _solve(self, regime: str) -> _Solved | None:
        form = self._form(regime, {self.local.names[0]: self.local.ends[self.local.names[0]].at})
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
        end = self.local.ends[name]
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
        end = self.local.ends[name]
        step = TABLE_STEP * end.width
        offsets = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) * step
        along = self.local.columns({name: end.at + offsets})
        inputs: dict[str, Any] = {}
        for key in target.outcome.inputs:
            regime, _, column = key.rpartition(".")
            moved = columns[regime or target.regime]
            if column in moved:
                inputs[key] = moved[column][0] + offsets * moved[column][1]
            else:
                inputs[key] = along.get(key, np.full(5, self.local.base[key]))
        (value,) = evaluate([target.outcome.root], inputs)
        y = np.broadcast_to(np.asarray(value, dtype=np.float64), 5)
        if not np.isfinite(y).all():
            return None
        return float(y[2]), float(_slope_of([y[0], y[1], y[3], y[4]], step, True))

    def _margin(self, target: Target, columns: Mapping[str, Moved]) -> tuple[float, float] | None:
        assert self.local.judge is not None
        own = columns[target.regime][self.local.judge]
        others = sorted(
            (
                columns[regime][self.local.judge]
                for regime in target.reads
                if regime != target.regime
            ),
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
