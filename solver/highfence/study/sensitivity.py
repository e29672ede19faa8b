"""Which assumption matters: how outcomes of a game respond to its uncertain parameters.

Every method places points in the cube of shares of the uncertain parameters
(:mod:`highfence.study.uncertainty`), so all respect the distributions; every regime is solved
at the same points. Indices say how much of an outcome's variation goes with each parameter:

- ``sobol``: the share of its variance that a parameter explains alone (first order), together
  with others (total), and in pairs (second order).
- ``morris``: the mean size of its change when one parameter moves by a step (screening).
- ``pawn``: how far its distribution moves when a parameter is held (for outcomes that jump).
- ``rank``: Spearman's correlation with each parameter.
- ``tornado``: its values with one parameter at its low and high end, all else at the preset.

An outcome is undefined at a point where a regime that it reads has no certified equilibrium,
where several equilibria disagree about it, or where its formula has no finite value. Undefined
points are counted and named, and never reach an estimator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import Interrupted, RequestError, did_you_mean
from ._asked import levers_of, one_called
from ._request import Request
from .draws import Draws, keep_workers
from .indices import (
    DEFAULT_DRAWS,
    METHODS,
    Answers,
    Indices,
    Undefined,
    analyzed,
    check_confidence,
    designed,
    examples_of,
    indices,
    rank_correlations,
)
from .outcome import (
    EQUAL,
    Outcome,
    game_with_regimes,
    judging_player,
    largest,
    leveled,
    outcome_of,
    values_given,
)
from .scan import Answer, Standing, Standings, regimes_asked
from .uncertainty import Space, Uncertainty, space_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..spec.model import Game

    Array = NDArray[np.float64]

__all__ = [
    "DEFAULT_DRAWS",
    "METHODS",
    "SEVERAL",
    "Asking",
    "Indices",
    "Sensitivity",
    "Target",
    "Undefined",
    "indices",
    "rank_correlations",
    "sensitivity",
    "targets_of",
]

SEVERAL = ("drop", "low", "high", "middle")
"""What an outcome is where several equilibria disagree: undefined, or one end, or the middle."""

AGREE = 0.01
"""Equilibria whose outcomes differ by less than this share of the outcome's standard deviation
over the points agree: a batch finds each to about 1e-4, and indices are not that fine."""

PART = 2000
"""Points that are solved before an interruption keeps them."""


@dataclass(frozen=True)
class Sensitivity:
    """How outcomes of a game respond to its uncertain parameters."""

    game: str
    title: str
    method: str
    regimes: tuple[str, ...]
    """The regimes that were solved."""
    player: str | None
    """The player whose payoff says which regime wins, where that was asked."""
    preset: str | None
    parameters: Mapping[str, Any]
    """The parameters that the request set."""
    distributions: Mapping[str, str]
    """Uncertain parameter -> its distribution."""
    fixed: Mapping[str, float]
    ties: Mapping[str, str]
    draws: int
    """Blocks, trajectories or draws asked for."""
    points: int
    """Points solved, each under every regime."""
    rng: int | None
    """The seed; None if a generator was given."""
    targets: tuple[Indices, ...]

    def __getitem__(self, target: str) -> Indices:
        return one_called(target, {one.target: one for one in self.targets})

    @property
    def estimated(self) -> bool:
        """True if every target has its measures."""
        return not any(one.reason for one in self.targets)

    def __str__(self) -> str:
        return "\n".join(one.says for one in self.targets)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --json`` prints.

        Keys: ``game``, ``title``, ``method``, ``regimes``, ``player``, ``preset``,
        ``parameters`` (set by the request), ``distributions`` (text), ``fixed``, ``ties``,
        ``draws``, ``points``, ``rng``, and ``targets``: a list of what
        :meth:`Indices.to_dict` returns.
        """
        return {
            "game": self.game,
            "title": self.title,
            "method": self.method,
            "regimes": self.regimes,
            "player": self.player,
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "distributions": dict(self.distributions),
            "fixed": dict(self.fixed),
            "ties": dict(self.ties),
            "draws": self.draws,
            "points": self.points,
            "rng": self.rng,
            "targets": [one.to_dict() for one in self.targets],
        }


# ---------------------------------------------------------------------------------------------
# Games


@dataclass(frozen=True)
class Target:
    """An outcome of a game: a formula under a regime, or that a regime wins, or by how much."""

    name: str
    reads: tuple[str, ...]
    """The regimes that must be certified."""
    outcome: Outcome | None = None
    regime: str = ""
    wins: bool = False

    @property
    def condition(self) -> bool:
        """Whether it holds or not, rather than being a number."""
        return self.wins if self.outcome is None else self.outcome.condition


def sensitivity(
    game: Game | str | Path,
    outcomes: str | Sequence[str],
    regimes: Sequence[str] | str | None = None,
    *,
    method: str = "sobol",
    draws: int | None = None,
    rng: int | np.random.Generator = 0,
    names: Sequence[str] | None = None,
    distributions: Mapping[str, Uncertainty | str | float] | None = None,
    correlation: Mapping[tuple[str, str], float] | None = None,
    correlation_of: str = "ranks",
    ties: Mapping[str, str] | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    player: str | None = None,
    second_order: bool = True,
    several: str = "drop",
    confidence: float = 0.95,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **named: Any,
) -> Sensitivity:
    """Say which uncertain parameters matter for outcomes of a game.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    outcomes
        What is asked about, one or several:

        - an outcome, a player (whose payoff it is), a flag, or a formula or condition in the
          language of flags: ``"W_A"``, ``"K_H > none.K_H"``. It is asked under each regime.
        - a formula that names the regime of all that it reads, such as
          ``"broad.K_H - none.K_H"``. It is asked once.
        - ``"wins(small_yard)"``: whether the regime wins among ``regimes``, by the rule of
          :func:`highfence.study.compare.compare` (a tie is no win); ``"wins"``: of each.
        - ``"margin(small_yard)"``: its payoff minus that of the best other; ``"margin"``: of
          each.
    regimes
        The regimes compared; all of the game's by default.
    method
        One of :data:`METHODS`.
    draws, rng, second_order, confidence
        As in :func:`indices`. A tornado needs no draws.
    names, distributions, correlation, correlation_of, ties, preset, parameters, named
        What is uncertain and how, as in :func:`highfence.study.uncertainty.draw`; by default
        without the parameters that a regime sets itself. Where one of these is named or
        described, the draw counts under every regime, and a note says so.
    player
        Whose payoff says which regime wins; by default the owner of the decision that the
        regimes fix.
    several
        What an outcome is where several equilibria disagree about it: ``"drop"`` (undefined),
        or its ``"low"`` or ``"high"`` end, or the ``"middle"``. They agree if it differs by no
        more than a hundredth of its standard deviation over the points; then it is the middle.
    workers
        Processes.
    progress
        Called with (points done, all points) now and then.

    Returns
    -------
    Sensitivity
        One :class:`Indices` for each target, in the order asked.

    Raises
    ------
    RequestError
        A name is unknown, or the request is otherwise wrong; nothing is solved then.
    SpecError
        An outcome is not a formula of the game.
    Interrupted
        Ctrl-C, after enough was solved: ``done`` holds the result of the points solved.

    Notes
    -----
    Cost: the points of the design times the regimes that the targets read; see :func:`indices`
    for the points. Indices are about the declared ranges or the distributions given: wider
    ranges make a parameter matter more.

    Examples
    --------
    >>> found = sensitivity(
    ...     "captive_market_timing", "T", "quota", method="tornado", names=["quota"]
    ... )
    >>> found.targets[0].target
    'T under quota'
    """
    game = game_with_regimes(game)
    given = values_given(parameters, named)
    if method not in METHODS:
        raise RequestError(f"there is no method {method!r}. {did_you_mean(str(method), METHODS)}")
    if several not in SEVERAL:
        raise RequestError(f"several = {several!r}. {did_you_mean(str(several), SEVERAL)}")
    check_confidence(confidence)
    request = Request(game, preset, given, workers, progress=progress)
    compared = regimes_asked(game, regimes)
    targets, judge = targets_of(game, outcomes, compared, player, request.categorical)
    needed = {name for target in targets for name in target.reads}
    levers = levers_of(game, needed)
    space = space_of(
        game,
        names=names,
        distributions=distributions,
        correlation=correlation,
        correlation_of=correlation_of,
        ties=ties,
        preset=preset,
        parameters=given,
        regimes=needed,
    )
    overridden = tuple(
        f"{' and '.join(levers[name])} would set {name}, but the draw counts"
        for name in space.columns
        if name in levers
    )
    ask = Asking(
        request=request,
        regimes=tuple(r.name for r in game.regimes if r.name in needed),
        compared=compared,
        targets=targets,
        judge=judge,
        several=several,
        agree=AGREE,
    )
    labels = {p.name: p.label for p in game.parameters if p.label}
    if method == "tornado":
        if not space.names:
            raise RequestError("no parameter varies. Give at least one a range or a distribution")
        design, columns = None, _tornado_columns(space, request.numbers())
    else:
        design = designed(space, method, draws, rng, second_order)
        columns = design.columns(space)
    total = len(next(iter(columns.values())))
    answers, done = ask.answers(columns, total if design is None else design.block)

    def result(upto: int) -> Sensitivity:
        made = []
        for target, one in zip(targets, answers, strict=True):
            if design is None:
                made.append(_tornado(space, columns, target.name, one, confidence, labels))
                continue
            part = replace(design, cube=design.cube[:upto], shares=design.shares[:upto])
            cut = {name: column[:upto] for name, column in columns.items()}
            made.append(analyzed(part, space, cut, target.name, one, confidence, labels))
        asked = DEFAULT_DRAWS[method] if draws is None else draws
        return Sensitivity(
            game=game.name,
            title=game.title or game.name,
            method=method,
            regimes=ask.regimes,
            player=judge,
            preset=preset,
            parameters=MappingProxyType(given),
            distributions=MappingProxyType(
                {name: str(one) for name, one in space.distributions.items()}
            ),
            fixed=space.fixed,
            ties=space.ties,
            draws=int(asked),
            points=upto,
            rng=None if isinstance(rng, np.random.Generator) else int(rng),
            targets=tuple(replace(one, notes=(*one.notes, *overridden)) for one in made),
        )

    if done < total:
        raise Interrupted(
            f"{done} of {total} points were solved; the answer is about these", result(done)
        )
    return result(total)


def targets_of(
    game: Game,
    outcomes: str | Sequence[str],
    compared: tuple[str, ...],
    player: str | None,
    categorical: Mapping[str, str],
) -> tuple[tuple[Target, ...], str | None]:
    """Return what is asked about, and the player whose payoff says who wins."""
    asked = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    if not asked:
        raise RequestError('no outcome is asked about. Name one, such as a player, or "wins"')
    targets: list[Target] = []
    judge: str | None = None
    for text in asked:
        word, regime = _contest(game, text)
        if not word:
            targets.extend(_formula_targets(game, text, compared, categorical))
            continue
        if len(compared) < 2:
            raise RequestError(
                f"{text}: a regime wins against others. Compare two or more, or ask about "
                "an outcome"
            )
        if regime and regime not in compared:
            raise RequestError(
                f"{text}: {regime!r} is not compared. {did_you_mean(regime, compared)}"
            )
        judge = judging_player(game, compared, player)
        for name in (regime,) if regime else compared:
            wins = word == "wins"
            shown = f"{name} wins" if wins else f"margin of {name}"
            targets.append(Target(shown, compared, None, name, wins))
    seen: dict[str, Target] = {}
    for target in targets:
        seen.setdefault(target.name, target)
    return tuple(seen.values()), judge


def _contest(game: Game, text: str) -> tuple[str, str]:
    """Split ``wins(broad)`` into its word and the regime; two empty texts if it is a formula."""
    known = {*game.derived, *(p.name for p in game.players), *game.flags, *game.functions}
    word, bracket, rest = text.strip().partition("(")
    word = word.strip()
    if word not in ("wins", "margin") or any(k.partition("(")[0] == word for k in known):
        return "", ""
    if bracket and not rest.strip().endswith(")"):
        return "", ""
    return word, rest.strip().removesuffix(")").strip()


def _formula_targets(
    game: Game, text: str, compared: tuple[str, ...], categorical: Mapping[str, str]
) -> list[Target]:
    outcome = outcome_of(game, text, categorical)
    parameters = {p.name for p in game.parameters}
    own = [key for key in outcome.inputs if "." not in key and key not in parameters]
    if not own:
        if not outcome.others:
            raise RequestError(f"{text}: this reads no outcome of the game, only parameters")
        return [Target(text.strip(), outcome.others, outcome, outcome.others[0])]
    return [
        Target(
            f"{text.strip()} under {regime}",
            tuple(dict.fromkeys([regime, *outcome.others])),
            outcome,
            regime,
        )
        for regime in compared
    ]


@dataclass(frozen=True)
class Asking:
    """A request on a game, ready to be answered at points."""

    request: Request
    regimes: tuple[str, ...]
    """The regimes to solve."""
    compared: tuple[str, ...]
    targets: tuple[Target, ...]
    judge: str | None
    several: str
    agree: float = 0.0
    """Share of the outcome's spread over the points within which equilibria agree about it."""

    def answers(self, columns: Mapping[str, Array], block: int) -> tuple[list[Answers], int]:
        """Return each target's values, and the number of points that were solved.

        An interruption ends it early, at a whole block; nothing solved raises it again.
        """
        total = len(next(iter(columns.values())))
        progress = self.request.progress
        step = max(PART // block, 1) * block
        parts: list[list[tuple[Array, Array, Array]]] = []
        done = 0
        try:
            with keep_workers(self.request.game, self.request.workers, total):
                for start in range(0, total, step):
                    part = {name: column[start : start + step] for name, column in columns.items()}

                    def tell(count: int, _: int, start: int = start) -> None:
                        if progress is not None:
                            progress(start + count, total)

                    found = self.request.solve(part, self.regimes, progress=tell)
                    parts.append([self._read(target, found, part) for target in self.targets])
                    done = min(start + step, total)
        except KeyboardInterrupt:
            if not parts:
                raise
        joined = []
        for k, target in enumerate(self.targets):
            low, high, uncertified = (
                np.concatenate([part[k][column] for part in parts]) for column in range(3)
            )
            joined.append(self._judged(target, low, high, uncertified.astype(bool)))
        return joined, done

    def _read(
        self, target: Target, found: Draws, columns: Mapping[str, Array]
    ) -> tuple[Array, Array, Array]:
        """Return a target's lowest and highest values, and where it is not certified."""
        at = [found.regimes.index(name) for name in target.reads]
        uncertified = ~np.logical_and.reduce(found.certified[:, at], axis=1)
        if target.outcome is not None:
            known = {**self.request.numbers(), **columns}
            low, high = target.outcome.values(found, target.regime, known)
        else:
            low, high = self._contest(target, found)
        low, high = (np.where(uncertified, np.nan, side) for side in (low, high))
        return low, high, uncertified

    def _judged(self, target: Target, low: Array, high: Array, uncertified: Any) -> Answers:
        """Return the values of a target, and where and why it has none."""
        without = ~uncertified & ~(np.isfinite(low) & np.isfinite(high))
        with np.errstate(invalid="ignore"):
            middle = low + (high - low) / 2
            known = middle[np.isfinite(middle)]
            spread = float(known.std()) if known.size else 0.0
            slack = np.maximum(
                tolerances.SAME * np.maximum(np.abs(low), np.abs(high)), self.agree * spread
            )
            several = ~uncertified & ~without & (high - low > slack)
        if self.several == "drop":
            value = np.where(several, np.nan, middle)
        else:
            value = {"low": low, "high": high, "middle": middle}[self.several]
            several = np.zeros_like(several)
        return Answers(value, uncertified, several, without, target.condition)

    def _contest(self, target: Target, found: Draws) -> tuple[Array, Array]:
        """Return whether a regime wins, or its margin, lowest and highest."""
        assert self.judge is not None
        low, high = found.column(self.judge)
        at = [found.regimes.index(name) for name in self.compared]
        low, high = low[:, at], high[:, at]
        me = self.compared.index(target.regime)
        payoffs = slice(0, len(self.request.game.players))
        scale = largest(found.low[:, :, payoffs], found.high[:, :, payoffs])
        if not target.wins:
            sides = leveled(np.concatenate([low, high], axis=1), EQUAL, scale)
            low, high = sides[:, : len(at)], sides[:, len(at) :]
            others = np.delete(np.arange(len(at)), me)
            return (
                low[:, me] - high[:, others].max(axis=1),
                high[:, me] - low[:, others].max(axis=1),
            )
        answer = np.where(found.certified[:, at], Answer.CERTIFIED, Answer.UNCERTIFIED)
        rounding = tolerances.ROUNDING * float(scale.max(initial=0.0))
        standings = Standings(self.compared, low, high, answer, rounding)
        lowest, highest = np.zeros(len(low)), np.zeros(len(low))
        for n, placing in enumerate(standings.placings()):
            if target.regime not in placing.regimes:
                continue
            sure = placing.standing is Standing.BEST
            lowest[n] = float(sure)
            highest[n] = float(sure or placing.standing is Standing.DEPENDS)
        return lowest, highest


# ---------------------------------------------------------------------------------------------
# Tornado


def _tornado_columns(space: Space, base: Mapping[str, float]) -> dict[str, Array]:
    """Return the preset, then each parameter at its low end, then each at its high end."""
    size = len(space.names)
    drawn = {name: np.full(2 * size + 1, base[name]) for name in space.names}
    for k, (name, one) in enumerate(space.distributions.items()):
        drawn[name][1 + k], drawn[name][1 + size + k] = _ends(one)
    return space.completed(drawn, 2 * size + 1)


def _ends(one: Uncertainty) -> tuple[float, float]:
    """Return the ends of the support, or the 5% and 95% points of a side without an end."""
    low, high = one.support
    return (
        low if math.isfinite(low) else float(one.quantile(0.05)),
        high if math.isfinite(high) else float(one.quantile(0.95)),
    )


def _tornado(
    space: Space,
    columns: Mapping[str, Array],
    target: str,
    answers: Answers,
    confidence: float,
    labels: Mapping[str, str],
) -> Indices:
    size = len(space.names)
    y = answers.value
    sizes = np.abs(y[np.isfinite(y)])
    with np.errstate(invalid="ignore"):  # what moves it by rounding alone does not move it
        y = np.where(abs(y - y[0]) <= tolerances.ROUNDING * sizes.max(initial=0.0), y[0], y)
    base, low, high = y[0], y[1 : size + 1], y[size + 1 :]
    three = np.stack([np.full(size, base), low, high])
    ends = [_ends(one) for one in space.distributions.values()]
    measures = {
        "swing": three.max(axis=0) - three.min(axis=0),
        "at_low": low.copy(),
        "at_high": high.copy(),
        "low": np.array([end[0] for end in ends]),
        "high": np.array([end[1] for end in ends]),
    }
    for array in measures.values():
        array.setflags(write=False)
    missing = ~np.isfinite(y)
    notes = []
    if missing.any():
        which = [
            f"{name} = {end:.4g}"
            for side in (0, 1)
            for name, end, gone in zip(
                space.names,
                [pair[side] for pair in ends],
                missing[1 + side * size : 1 + (side + 1) * size],
                strict=True,
            )
            if gone
        ]
        places = (["the preset"] if missing[0] else []) + which
        notes.append("the outcome is undefined at " + ", ".join(places))
    if space.correlation is not None:
        notes.append("one parameter is moved at a time, so correlations play no part")
    swings = measures["swing"]
    reason = ""
    if not np.isfinite(swings).any():
        reason = "the outcome is undefined at the preset, or wherever a parameter is moved"
    return Indices(
        method="tornado",
        target=target,
        names=space.names,
        measures=MappingProxyType({} if reason else measures),
        intervals=MappingProxyType({}),
        points=len(y),
        used=int((~missing).sum()),
        confidence=confidence,
        base=float(base),
        condition=answers.condition,
        undefined=Undefined(
            uncertified=int(answers.uncertified.sum()),
            several=int(answers.several.sum()),
            without_value=int(answers.without_value.sum()),
            dropped=int(missing.sum()),
            examples=examples_of(columns, missing),
        ),
        reason=reason,
        labels=MappingProxyType({n: lab for n, lab in labels.items() if n in space.names}),
        notes=tuple(notes),
    )
