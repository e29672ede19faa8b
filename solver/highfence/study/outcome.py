"""One outcome of many draws: a payoff, an outcome, a formula of several, or a condition.

A formula reads the payoffs (by player), outcomes and parameters of the regime that it is asked
about by their names, and those of another regime as ``regime.outcome``: the language of a
game's flags. ``"W_A"``, ``"K_H / none.K_H"``, ``"K_H > none.K_H"`` and the name of a flag are
outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import Problem, RequestError, SpecError, did_you_mean
from ..forms.build import values_given
from ..spec.formulas import Expr, evaluate, input_names
from ..spec.model import Chance, Game
from ..spec.resolve import derived_names
from ..spec.sentences import compile_outcome, outcome_names
from ._asked import game_of, owners_of
from ._undefined import decides, value_and_known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .draws import Draws

    Array = NDArray[np.float64]

__all__ = [
    "EQUAL",
    "Outcome",
    "categorical_values",
    "game_with_regimes",
    "judging_player",
    "largest",
    "leveled",
    "outcome_of",
    "payoff_of",
    "values_given",
]


@dataclass(frozen=True)
class Outcome:
    """A compiled outcome."""

    name: str
    """What was asked for: a name or a formula."""
    formula: str
    """The formula; that of the flag if a flag was asked for."""
    condition: bool
    """Whether it holds or not, rather than being a number."""
    label: str
    """What the game calls it: its label, and for a flag its condition; may be empty."""
    others: tuple[str, ...]
    """The regimes that it names, in order of declaration."""
    root: Expr
    inputs: tuple[str, ...]

    def values(
        self, found: Draws, regime: str, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array]:
        """Return the outcome's lowest and highest value at each draw.

        Parameters
        ----------
        found
            Answers that hold ``regime`` and the regimes that the outcome names.
        regime
            The regime that it is asked about.
        parameters
            Parameter -> number, or column of n numbers.

        Returns
        -------
        low, high : array, shape (n,)
            0 and 1 of a condition; 0 and 1 together where it depends on which equilibrium is
            played. NaN where a regime that it reads is not certified, or the value is undefined:
            that of a condition too, where a number that it hangs on is.

        Notes
        -----
        Where regimes have several equilibria, the formula is evaluated with every input at
        its lowest and at its highest value, and from there with one at a time at
        :data:`BETWEEN` values in between, for formulas that rise and fall again. What does so
        within less than that is missed; and the bracket may be wider than what the equilibria
        give together.

        Values of one name under several regimes that rounding alone parts are taken for one:
        to ``tolerances.SAME`` of their size in a condition, to :data:`EQUAL` in a number.
        """
        index = {name: k for k, name in enumerate(found.regimes)}
        columns: dict[str, tuple[Array, Array]] = {}
        fixed: dict[str, Any] = {}
        rows = len(found.count)
        certain = np.ones(rows, dtype=bool)
        for key in self.inputs:
            other, _, name = key.rpartition(".")
            if name in found.names:
                at = index[other or regime]
                low, high = found.column(name)
                columns[key] = low[:, at], high[:, at]
                certain &= found.certified[:, at]
            else:
                fixed[key] = np.asarray(parameters[key], dtype=np.float64)
        self._level(found, columns)
        made = self._at(rows, {key: low for key, (low, _) in columns.items()}, fixed, slice(None))
        certain &= np.isfinite(made)
        for low, high in columns.values():
            certain &= np.isfinite(low) & np.isfinite(high)
        lowest, highest = made, made.copy()
        wide = np.zeros(rows, dtype=bool)
        for low, high in columns.values():
            wide |= certain & (low < high)
        if wide.any():
            self._corners(columns, fixed, wide, lowest, highest)
        undefined = ~(certain & np.isfinite(lowest) & np.isfinite(highest))
        lowest[undefined] = highest[undefined] = np.nan
        return lowest, highest

    def _level(self, found: Draws, columns: dict[str, tuple[Array, Array]]) -> None:
        """Make the values of one name under several regimes one where only rounding parts them.

        Otherwise ``x < none.x`` would hold, and ``broad.x - none.x`` vary, by the last digits of
        a search.
        """
        alike: dict[str, list[str]] = {}
        for key in columns:
            alike.setdefault(key.rpartition(".")[2], []).append(key)
        scale = np.minimum(largest(found.low, found.high), 1.0)
        for keys in alike.values():
            table = np.column_stack([side for key in keys for side in columns[key]])
            made = leveled(table, tolerances.SAME if self.condition else EQUAL, scale)
            for k, key in enumerate(keys):
                columns[key] = made[:, 2 * k], made[:, 2 * k + 1]

    def _at(
        self, rows: int, columns: Mapping[str, Array], fixed: Mapping[str, Any], where: Any
    ) -> Array:
        inputs = {key: np.broadcast_to(value, rows)[where] for key, value in fixed.items()}
        inputs.update(columns)
        size = len(np.empty(rows)[where])
        if not decides(self.root):
            (value,) = evaluate([self.root], inputs)
            return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), size))
        value, known = value_and_known(self.root, inputs)
        made = np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), size))
        made[~np.broadcast_to(known, size)] = np.nan
        return made

    def _corners(
        self,
        columns: Mapping[str, tuple[Array, Array]],
        fixed: Mapping[str, Any],
        wide: NDArray[np.bool_],
        lowest: Array,
        highest: Array,
    ) -> None:
        varying = [k for k, (low, high) in columns.items() if (low[wide] < high[wide]).any()]
        if 2 ** len(varying) * int(wide.sum()) > limits.MAX_SAMPLES:
            lowest[wide] = highest[wide] = np.nan
            return
        at = {key: low[wide] for key, (low, _) in columns.items()}

        def widen(moved: Mapping[str, Array]) -> None:
            made = self._at(len(wide), {**at, **moved}, fixed, wide)
            lowest[wide] = np.minimum(lowest[wide], made)
            highest[wide] = np.maximum(highest[wide], made)

        corners = 2 ** len(varying) * int(wide.sum())
        count = min(max(limits.MAX_SAMPLES // (corners * len(varying)), 1), BETWEEN)
        for corner in product((0, 1), repeat=len(varying)):
            at.update({k: columns[k][side][wide] for k, side in zip(varying, corner, strict=True)})
            widen({})
            for key, side in zip(varying, corner, strict=True):
                low, high = (end[wide] for end in columns[key])
                if side == 0:
                    for part in np.arange(1, count + 1) / (count + 1):
                        widen({key: low + (high - low) * part})


BETWEEN = 15
"""Values between the lowest and the highest of an input at which a formula is evaluated."""

EQUAL = 1e-9
"""Values that differ by less than this share of the larger one are equal: a margin's sign counts
beyond it.

Much less than ``tolerances.SAME``, so that a margin that runs slowly through 0 has a root
rather than a stretch of ties.
"""


def largest(*tables: Array) -> Array:
    """Return the largest finite number of every draw, in absolute value, shape (n,); 0 if none."""
    sizes = [np.where(np.isfinite(table), np.abs(table), 0.0) for table in tables]
    made: Array = np.max([s.reshape(len(s), -1).max(axis=1, initial=0.0) for s in sizes], axis=0)
    return made


def leveled(table: Array, share: float, scale: Array) -> Array:
    """Return rows of numbers in which those that nothing but rounding parts are one number.

    Parameters
    ----------
    table : array, shape (n, m)
    share
        Numbers that differ by no more than this share of the larger one are equal.
    scale : array, shape (n,)
        What the numbers of a row are sums of: beside it, ``tolerances.ROUNDING`` is nothing.

    Examples
    --------
    >>> leveled(np.array([[0.3, 0.1 + 0.2, 0.4]]), 1e-9, np.ones(1)).tolist()
    [[0.3, 0.3, 0.4]]
    """
    order = np.argsort(table, axis=1, kind="stable")
    ordered = np.take_along_axis(table, order, axis=1)
    sizes = np.abs(ordered)
    with np.errstate(invalid="ignore"):
        slack = share * np.maximum(sizes[:, 1:], sizes[:, :-1])
        slack = np.maximum(slack, tolerances.ROUNDING * scale[:, None])
        apart = ~(np.diff(ordered, axis=1) <= slack)
    first = np.where(apart, np.arange(1, table.shape[1]), 0)
    first = np.maximum.accumulate(np.pad(first, ((0, 0), (1, 0))), axis=1)
    made = np.empty_like(table)
    np.put_along_axis(made, order, np.take_along_axis(ordered, first, axis=1), axis=1)
    return made


def outcome_of(game: Game, asked: str, categorical: Mapping[str, str] | None = None) -> Outcome:
    """Compile an outcome of a game's regimes.

    Parameters
    ----------
    asked
        An outcome, a player (whose payoff it is), a flag, or a formula or condition.
    categorical
        Values of the categorical parameters; the declared ones by default.

    Raises
    ------
    SpecError
        It is not a formula over the game's outcomes, payoffs, parameters and regimes.

    Examples
    --------
    >>> from highfence import load
    >>> game = load("small_yard_high_fence")
    >>> outcome_of(game, "B1").formula
    'K_H > none.K_H'
    >>> outcome_of(game, "K_H / none.K_H").others
    ('none',)
    """
    chosen = categorical_values(game) if categorical is None else categorical
    formula = game.flags.get(asked, asked)
    problems: list[Problem] = []
    root = compile_outcome(game, formula, chosen, f"outcome {asked!r}", problems)
    if root is None:
        raise SpecError([_with_flags(problem, asked, game) for problem in problems])
    names = tuple(sorted(input_names([root])))
    named = {key.rpartition(".")[0] for key in names}
    others = tuple(regime.name for regime in game.regimes if regime.name in named)
    return Outcome(asked, formula, root.is_bool, _label(game, asked), others, root, names)


def _label(game: Game, asked: str) -> str:
    if asked in game.flags:
        return game.flags[asked]
    labels = {declared.name: declared.label for declared in game.parameters}
    for stage in game.stages:
        for move in stage.moves:
            if not isinstance(move, Chance):
                labels[move.name] = move.label
    for name, (key, bound) in derived_names(game).items():
        label = game.derived[key].label
        labels[name] = ", ".join([label, *bound.values()]) if label else ""
    labels.update({player.name: player.label for player in game.players})
    return labels.get(asked, "")


def payoff_of(game: Game, player: str) -> str:
    """Return the outcome that is a player's payoff by definition (``payoffs.A = "W_A"``).

    The player's own name, under which payoffs are reported, where there is none.
    """
    formula = game.payoffs[player]
    if isinstance(formula, str) and formula.strip() in outcome_names(game):
        return formula.strip()
    return player


def _with_flags(problem: Problem, asked: str, game: Game) -> Problem:
    """Return the problem with flags among the names that may have been meant."""
    if not asked.isidentifier():
        return problem
    hint = did_you_mean(asked, [*outcome_names(game), *game.flags])
    return Problem(problem.place, "there is no such outcome, payoff, parameter or flag", hint)


def game_with_regimes(given: Any) -> Game:
    """Return a game that has regimes: itself, or from the catalogue or its file.

    Raises
    ------
    RequestError
        It has none.
    """
    found = game_of(
        given, "a game without stages has no regimes. Write it as a Game (.toml or .py)"
    )
    if not found.regimes:
        raise RequestError(
            f"{found.name} declares no regimes, so there is nothing to compare. Declare them: "
            "[regimes.NAME] with fix = {DECISION = 'ACTION'}, narrow, set or off; [regimes.game] "
            "alone asks about the game as it is"
        )
    return found


def categorical_values(game: Game, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the values of a game's categorical parameters, the declared ones unless given."""
    given = values or {}
    return {
        parameter.name: str(given.get(parameter.name, parameter.value))
        for parameter in game.parameters
        if parameter.choices
    }


def judging_player(
    game: Game,
    regimes: Sequence[str],
    player: str | None = None,
    fix: str = "Name the player whose payoff ranks them",
) -> str:
    """Return the player whose payoff ranks regimes: the owner of the decision that they fix.

    ``fix``: what an error says is to be done where they fix none, before it lists the players.

    Raises
    ------
    RequestError
        The player is unknown; or none is named, and the regimes are not the actions of one
        decision.
    """
    names = [declared.name for declared in game.players]
    if player is not None:
        if player not in names:
            raise RequestError(
                f"{game.name} has no player {player!r}. {did_you_mean(player, names)}"
            )
        return player
    fixed = {name for regime in game.regimes if regime.name in regimes for name in regime.fix}
    owners = owners_of(game, fixed)
    if len(owners) != 1:
        raise RequestError(
            f"{game.name}: the regimes are not the actions of one player's decision. "
            f"{fix}: {', '.join(names)}"
        )
    return owners.pop()
