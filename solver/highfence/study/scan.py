"""Points of a parameter space, solved and judged: what tipping points and regime maps share.

A *point* is a value of each scanned parameter. At every point every regime is solved; an
answer counts only if it is certified. What a point *is* for one player follows the rule of
:func:`highfence.study.compare.compare`: a regime is best where its lowest payoff is above
the highest of every other, over the equilibria found. Other than there, a margin counts by
its sign: that it is small is said beside it.

To see which actions are played, the game is solved with more outcomes than it reports: for
every finite decision the probability of each action, for every interval decision the
distance from both ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import MethodFailed, Problem, RequestError, SpecError, did_you_mean
from ..forms.build import build
from ..solution import Status
from ..solve import solve
from ..spec.model import Decision, Derived, Formula, Game, Interval, Regime
from ..spec.resolve import active_stages, derived_names
from ._asked import game_of, names_asked
from ._request import Request
from .draws import Draws
from .outcome import EQUAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "AS_WRITTEN",
    "Answer",
    "Batch",
    "Placing",
    "Scanner",
    "Standing",
    "Standings",
    "declared_range",
    "loaded_game",
    "regimes_asked",
]

AS_WRITTEN = "as_written"
"""The regime that stands in for a game that declares none: no overlay."""

MAX_WATCHED = 200
"""Outcomes added to see what is played; finite decisions beyond are not watched."""


class Answer(IntEnum):
    """How the search at one point under one regime ended."""

    CERTIFIED = 0
    NONE_FOUND = 1
    """The search ended without an equilibrium."""
    UNCERTIFIED = 2
    """Profiles were proposed and rejected, or the game is undefined there."""


class Standing(StrEnum):
    """What a point is for the player who judges."""

    BEST = "best"
    """One regime is best."""
    TIE = "tie"
    """Several are best and equal."""
    DEPENDS = "depends on which equilibrium"
    """Ranges overlap."""
    UNSOLVED = "unsolved"
    """A regime that is compared has no certified answer."""


# ---------------------------------------------------------------------------------------------
# Who is asked, about what


def loaded_game(given: Game | str | Path) -> Game:
    """Return a game with stages: itself, from the catalogue, or from its file.

    Raises
    ------
    RequestError
        It is a strategic form or a tree, which has no parameters.
    """
    return game_of(
        given,
        "a game without stages has no parameters to vary. Write it as a Game (.toml or .py)",
    )


def regimes_asked(game: Game, regimes: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return the regimes to compare; :data:`AS_WRITTEN` alone if the game declares none.

    Raises
    ------
    RequestError
        A name is unknown or named twice, or no regime is asked for.
    """
    declared = [regime.name for regime in game.regimes]
    if not declared:
        if regimes:
            raise RequestError(f"{game.name} declares no regimes. Leave them out")
        return (AS_WRITTEN,)
    return names_asked("regime", regimes, declared, "unknown regime")


def declared_range(
    game: Game, name: str, low: float | None, high: float | None
) -> tuple[float, float]:
    """Return the range of a numeric parameter to look at: what is given, else what is declared.

    Raises
    ------
    RequestError
        There is no such numeric parameter, an end is neither given nor declared, or the
        range is empty.
    """
    found = {parameter.name: parameter for parameter in game.parameters}
    if name not in found:
        raise RequestError(f"{game.name} has no parameter {name!r}. {did_you_mean(name, found)}")
    parameter = found[name]
    if parameter.choices:
        raise RequestError(
            f"{game.name}: {name} has choices ({', '.join(parameter.choices)}), not a range. "
            "Set it to one of them"
        )
    ends = []
    for side, given, declared in (("low", low, parameter.low), ("high", high, parameter.high)):
        end = declared if given is None else given
        if end is None:
            raise RequestError(f"{game.name}: {name} declares no {side}. Say between which values")
        if not np.isfinite(float(end)):
            raise RequestError(f"{side} = {end!r} is not a finite number")
        ends.append(float(end))
    if not ends[0] < ends[1]:
        raise RequestError(f"{name}: {ends[0]:g} to {ends[1]:g} is not a range. Give low < high")
    return ends[0], ends[1]


# ---------------------------------------------------------------------------------------------
# Points solved


@dataclass(frozen=True)
class Batch:
    """Answers at n points under r regimes; NaN where nothing is certified."""

    low: Array
    """(n, r, columns): the lowest value over the equilibria found."""
    high: Array
    count: NDArray[np.int64]
    """(n, r): equilibria."""
    answer: NDArray[np.int64]
    """(n, r): an :class:`Answer`."""

    @classmethod
    def joined(cls, parts: Sequence[Batch], order: Any) -> Batch:
        """Return the points of several batches in a given order."""
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])[order]
                for name in ("low", "high", "count", "answer")
            )
        )


class Scanner:
    """Solves points of one request; what it needs is worked out once."""

    def __init__(self, request: Request, regimes: Sequence[str]) -> None:
        self.original, self.regimes = request.game, tuple(regimes)
        game = request.game
        if self.regimes == (AS_WRITTEN,):
            game = replace(game, regimes=(Regime(AS_WRITTEN),))
            request = replace(request, game=game)
        self.at = {name: request.values(name) for name in self.regimes}
        """Regime -> parameter -> value, other than along the scan."""
        self.reported = tuple(derived_names(game)) if game.outcomes is None else game.outcomes
        """The game's own outcomes."""
        self.retried = 0
        self.reasons: dict[tuple[int, str], str] = {}
        """(answer, regime) -> why there is none, as the solver said it last."""
        self.unwatched: tuple[str, ...] = ()
        """Decisions of which only the outcomes tell what is played."""
        self.staged = any(isinstance(m.actions, Interval) for m in self._moves(game).values())
        """Some decision is over an interval, so how many equilibria are found is no count."""
        self._watch(game)
        self.request = replace(request, game=self.game)
        """What is asked of the game with the outcomes that say what is played."""

    def _watch(self, game: Game) -> None:
        """Add outcomes that say what is played."""
        moves = self._moves(game)
        self.actions: dict[str, dict[str, str]] = {}
        """Finite decision -> action -> column of its probability."""
        self.room: dict[str, tuple[str, str]] = {}
        """Interval decision -> columns of the distances from its two ends."""
        self.owner = {name: move.player for name, move in moves.items()}
        extra: dict[str, str] = {}
        unwatched = []
        for name, move in moves.items():
            made = _watchers(move)
            if made is None or len(extra) + len(made) > MAX_WATCHED:
                unwatched.append(name)
                continue
            columns = tuple(f"watched_{len(extra) + k}" for k in range(len(made)))
            extra.update(zip(columns, made.values(), strict=True))
            if isinstance(move.actions, Interval):
                self.room[name] = (columns[0], columns[1])
            else:
                self.actions[name] = dict(zip(made, columns, strict=True))
        clash = set(extra) & (set(derived_names(game)) | set(self.reported))
        try:
            if clash:
                raise SpecError(Problem("", "names of the game"))
            # Checking and compiling a game takes as long as solving some dozen points of it.
            key = ("watched", tuple(extra.items()))
            if key not in game.cache:
                game.cache[key] = replace(
                    game,
                    derived={**game.derived, **{n: Derived(f) for n, f in extra.items()}},
                    outcomes=(*self.reported, *extra),
                )
            self.game = game.cache[key]
        except SpecError:  # a decision that exists in some timings only, say
            self.game, self.actions, self.room = game, {}, {}
            unwatched = list(moves)
            extra = {}
        self.unwatched = tuple(unwatched)
        self.columns = (*(p.name for p in game.players), *self.reported, *extra)
        """Columns of ``low`` and ``high``."""
        self.shown = len(game.players) + len(self.reported)
        """How many of them, from the first, are the game's own."""

    def _moves(self, game: Game) -> dict[str, Decision]:
        """Return the decisions that are taken under some of the regimes, and not fixed by all."""
        overlays = {regime.name: regime for regime in game.regimes}
        found: dict[str, Decision] = {}
        for name in self.regimes:
            categorical = {n: v for n, v in self.at[name].items() if isinstance(v, str)}
            for stage in active_stages(game, categorical, []):
                for move in stage.moves:
                    if isinstance(move, Decision) and move.name not in overlays[name].fix:
                        found[move.name] = move
        return found

    def solve(self, points: Mapping[str, Array]) -> Batch:
        """Return the answers at points: parameter -> values, all of one length."""
        draws = self.request.solve(points, self.regimes)
        order = [draws.names.index(name) for name in self.columns]
        certified = draws.certified
        answer = np.where(
            certified,
            Answer.CERTIFIED,
            np.where(draws.rejected > 0, Answer.UNCERTIFIED, Answer.NONE_FOUND),
        )
        low = np.where(certified[:, :, None], draws.low[:, :, order], np.nan)
        high = np.where(certified[:, :, None], draws.high[:, :, order], np.nan)
        return Batch(low, high, np.where(certified, draws.count, 0), answer)

    def retry(self, at: Mapping[str, float], regime: str) -> tuple[list[dict[str, float]], Answer]:
        """Search one point in full, which a batch left open.

        Returns
        -------
        found : list of dict
            For each equilibrium, column -> value; empty if none was certified.
        answer : Answer
            How it ended; ``reasons`` holds why.

        Notes
        -----
        After ``limits.MAX_RETRIES`` of these in one study, nothing more is searched.
        """
        given = {**self.request.parameters, **at}
        if self.retried >= limits.MAX_RETRIES:
            return [], Answer.UNCERTIFIED
        self.retried += 1
        try:
            form = build(self.game, regime=regime, preset=self.request.preset, parameters=given)
            solution = solve(form)
        except (MethodFailed, SpecError) as error:
            self.reasons[Answer.UNCERTIFIED, regime] = str(error).partition("\n")[0]
            return [], Answer.UNCERTIFIED
        if solution.status is Status.NONE_FOUND:
            self.reasons[Answer.NONE_FOUND, regime] = solution.reason
            return [], Answer.NONE_FOUND
        if solution.status is Status.UNCERTIFIED or solution.rejected:
            self.reasons[Answer.UNCERTIFIED, regime] = solution.reason
            return [], Answer.UNCERTIFIED
        table = []
        for equilibrium in solution.equilibria:
            known = {**equilibrium.payoffs, **equilibrium.outcomes}
            table.append({name: float(known[name]) for name in self.columns})
        return table, Answer.CERTIFIED

    def put(self, batch: Batch, n: int, r: int, found: Sequence[Mapping[str, float]]) -> Batch:
        """Return a batch with the equilibria that a second search found at one point."""
        table = np.array([[row[name] for name in self.columns] for row in found])
        low, high = batch.low.copy(), batch.high.copy()
        count, answer = batch.count.copy(), batch.answer.copy()
        low[n, r], high[n, r] = table.min(axis=0), table.max(axis=0)
        count[n, r], answer[n, r] = len(table), Answer.CERTIFIED
        return Batch(low, high, count, answer)

    def draws(self, batch: Batch) -> Draws:
        """Return points as draws, of which an outcome can be read."""
        certified = batch.answer == Answer.CERTIFIED
        return Draws(
            self.regimes,
            self.columns,
            batch.low,
            batch.high,
            np.where(certified, batch.count, 0),
            np.where(certified, 0.0, np.inf),
            np.zeros_like(batch.count),
        )

    def column(self, batch: Batch, name: str) -> tuple[Array, Array]:
        """Return the lowest and highest value of a payoff or outcome, each (n, r)."""
        k = self.columns.index(name)
        return batch.low[:, :, k], batch.high[:, :, k]


def _watchers(move: Decision) -> dict[str, str] | None:
    """Return action (or end of the interval) -> formula of its column; None if there is none."""
    if isinstance(move.actions, Interval):
        low, high = _written(move.actions.low), _written(move.actions.high)
        if low is None or high is None:
            return None
        return {"low": f"{move.name} - ({low})", "high": f"({high}) - {move.name}"}
    made = {}
    for action in move.actions:
        quote = '"' if "'" in action.name else "'"
        if quote in action.name or "\\" in action.name:
            return None
        made[action.name] = f"1 * ({move.name} == {quote}{action.name}{quote})"
    return made


def _written(formula: Formula) -> str | None:
    return None if callable(formula) else str(formula)


# ---------------------------------------------------------------------------------------------
# Points judged


@dataclass(frozen=True)
class Placing:
    """What one point is for the player who judges."""

    standing: Standing
    regimes: tuple[str, ...]
    """The best regime; those that tie, or may be best; those without an answer."""
    margin: float
    """The lowest payoff of the best minus the highest of the runner-up; NaN if none is best."""
    runner_up: str | None
    near_tie: bool

    @property
    def best(self) -> str | None:
        """The best regime, if there is one."""
        return self.regimes[0] if self.standing is Standing.BEST else None

    @property
    def state(self) -> str:
        """What the point is, in a word or two; empty where it is not known."""
        match self.standing:
            case Standing.BEST:
                return self.regimes[0]
            case Standing.TIE:
                return " = ".join(self.regimes)
            case Standing.DEPENDS:
                return " or ".join(self.regimes)
            case Standing.UNSOLVED:
                return ""


@dataclass(frozen=True)
class Standings:
    """The payoffs of the player who judges, at n points under r regimes."""

    regimes: tuple[str, ...]
    low: Array
    """(n, r)."""
    high: Array
    answer: NDArray[np.int64]
    least: float
    """Payoffs that differ by no more than this are equal whatever their own size."""

    @classmethod
    def of(cls, scanner: Scanner, batch: Batch, player: str, regimes: Sequence[str]) -> Standings:
        """Return the payoffs of a player among some of the regimes of a scan."""
        low, high = scanner.column(batch, player)
        at = [scanner.regimes.index(name) for name in regimes]
        players = len(scanner.original.players)
        seen = np.abs(batch.low[:, :, :players])
        everybody = float(np.nanmax(seen)) if np.isfinite(seen).any() else 0.0
        return cls(
            tuple(regimes),
            low[:, at],
            high[:, at],
            batch.answer[:, at],
            tolerances.ROUNDING * everybody,
        )

    def placings(self, equal: float = EQUAL) -> list[Placing]:
        """Return what each point is; payoffs that differ by less than ``equal`` of them tie."""
        return [self._placing(n, equal) for n in range(len(self.low))]

    @cached_property
    def scale(self) -> Array:
        """(n,): the largest payoff compared, in absolute value; 1 where all are 0."""
        if not self.low.size:
            return np.ones(len(self.low))
        sizes = np.maximum(np.abs(self.low), np.abs(self.high))
        largest = np.where(np.isfinite(sizes), sizes, 0.0).max(axis=1)
        return np.where(largest > 0, largest, 1.0)

    def _placing(self, n: int, equal: float) -> Placing:
        low, high = self.low[n], self.high[n]
        missing = np.flatnonzero(self.answer[n] != Answer.CERTIFIED)
        if missing.size:
            return Placing(
                Standing.UNSOLVED, tuple(self.regimes[k] for k in missing), np.nan, None, False
            )
        slack = max(equal * float(self.scale[n]), self.least)
        leader = int(low.argmax())
        top = float(low[leader])
        if len(low) == 1:
            return Placing(Standing.BEST, self.regimes, np.nan, None, False)
        others = np.delete(np.arange(len(low)), leader)
        second = int(others[high[others].argmax()])
        margin = top - float(high[second])
        if margin > slack:
            near = margin <= tolerances.TIE * float(self.scale[n])
            return Placing(
                Standing.BEST, (self.regimes[leader],), margin, self.regimes[second], near
            )
        contenders = np.flatnonzero(high >= top - slack)
        tied = bool((high[contenders] - low[contenders] <= slack).all())
        names = tuple(self.regimes[k] for k in contenders)
        return Placing(Standing.TIE if tied else Standing.DEPENDS, names, np.nan, None, tied)

    def lead(self, one: str, other: str) -> Array:
        """(n,): how far one regime is ahead of another, by its lowest payoff where it is."""
        a, b = self.regimes.index(one), self.regimes.index(other)
        ahead = self.low[:, a] - self.high[:, b]
        behind = self.high[:, a] - self.low[:, b]
        return np.where(ahead > 0, ahead, np.where(behind < 0, behind, 0.0))
