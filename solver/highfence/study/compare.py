"""Regimes compared: the same game, the same numbers, one overlay after another.

For every regime the game is solved under its overlay. A winner is named for a player
only where no choice among the equilibria found could make another regime better: the
ranges of the player's payoff do not overlap. Beside that stands which regime the player
who owns the decision would choose, and what commitment is worth to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from numbers import Rational
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .. import tolerances
from ..errors import RequestError
from ..forms.build import build, values
from ..forms.extensive import BehaviorProfile, ExtensiveForm
from ..forms.markov import MarkovForm
from ..solution import Equilibrium, Solution, Status
from ..solve import solve
from ..spec.model import Chance, Decision, Game, Interval, Regime
from ..spec.resolve import active_stages, derived_names
from ._asked import game_of, names_asked
from .outcome import values_given
from .reading import readings

if TYPE_CHECKING:
    from ..forms.normal import NormalForm

__all__ = [
    "Best",
    "Choice",
    "CommitmentValue",
    "Comparison",
    "RegimeResult",
    "Verdict",
    "compare",
    "compare_regimes",
]

Range = tuple[float, float]
SAID = 20
"""Most plays of a regime that are all told in words."""
FIRST = 4
"""Plays that are told of more than these."""


class Verdict(StrEnum):
    """How the comparison ends for one player."""

    WINS = "wins"
    """The lowest payoff of the winner is above the highest of every other regime."""
    TIE = "tie"
    """Several regimes are best and equal."""
    DEPENDS = "depends on which equilibrium"
    """Ranges overlap: which regime is best depends on which equilibrium is played."""
    ALONE = "nothing to compare with"
    """One regime only was compared, or one only has an equilibrium."""
    NONE = "no equilibrium"
    """No equilibrium was found under any regime."""


@dataclass(frozen=True)
class RegimeResult:
    """What one regime brings about."""

    name: str
    label: str
    solution: Solution
    payoffs: Mapping[str, Range]
    """Player -> lowest and highest payoff over the equilibria."""
    outcomes: Mapping[str, Range]
    """Outcome -> lowest and highest value over the equilibria."""
    flags: Mapping[str, bool | None]
    """None: it depends on which equilibrium, or cannot be told."""
    says: str
    """What happens, in words."""


@dataclass(frozen=True)
class Best:
    """The best regime for one player."""

    player: str
    verdict: Verdict
    regime: str | None = None
    """The winner, if there is one."""
    margin: float | None = None
    """The winner's lowest payoff minus the runner-up's highest."""
    runner_up: str | None = None
    near_tie: bool = False
    """A tie, or a margin below ``tolerances.TIE`` of the largest payoff, in absolute value,
    of the player in the comparison."""
    contenders: tuple[str, ...] = ()
    """The regimes that may be best."""
    near: tuple[str, ...] = ()
    """Behind a winner: the regimes that a near tie is with."""
    left_out: tuple[str, ...] = ()
    """Regimes without an equilibrium, which are not in the running."""


@dataclass(frozen=True)
class Choice:
    """Which regime a player chooses where they choose among those compared."""

    player: str
    decision: str
    regimes: tuple[str, ...]
    """The regimes chosen in some equilibrium; empty where it cannot be told."""
    reason: str


@dataclass(frozen=True)
class CommitmentValue:
    """What it is worth to a player to choose first and be seen, rather than last."""

    player: str
    parameter: str
    committed: Range | None
    discretionary: Range | None
    reason: str
    """How it was computed, or why it was not."""
    chosen_committed: tuple[str, ...] = ()
    """The regimes that the player chooses with commitment, in some equilibrium."""
    chosen_discretionary: tuple[str, ...] = ()
    """Likewise without."""

    @property
    def value(self) -> Range | None:
        """The payoff with commitment minus the payoff without, lowest and highest."""
        if self.committed is None or self.discretionary is None:
            return None
        return (
            self.committed[0] - self.discretionary[1],
            self.committed[1] - self.discretionary[0],
        )


@dataclass(frozen=True)
class Comparison:
    """Regimes side by side."""

    game: str
    title: str
    question: str
    source: str
    preset: str | None
    parameters: Mapping[str, Any]
    """The values before any regime's own settings."""
    changed: tuple[str, ...]
    """The parameters that the request set itself."""
    regimes: tuple[RegimeResult, ...]
    best: Mapping[str, Best]
    choice: Choice | None
    commitment: CommitmentValue | None
    flag_conditions: Mapping[str, str]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    labels: Mapping[str, str]
    """Player, outcome or parameter -> label, for reports."""
    units: Mapping[str, str]
    """Outcome or parameter -> unit, where it has one."""
    payoff_outcomes: Mapping[str, str]
    """Outcome -> the player whose payoff it is by definition (``payoffs.A = "W_A"``)."""

    @property
    def rational(self) -> bool:
        """True if all payoffs are rational numbers, so that none of them is rounding."""
        return _rational(self.regimes)

    @property
    def settled(self) -> bool:
        """True if every regime has exactly one equilibrium, and all was searched."""
        return all(
            result.solution.status is Status.SOLVED and len(result.solution.equilibria) == 1
            for result in self.regimes
        )

    def __getitem__(self, name: str) -> RegimeResult:
        for result in self.regimes:
            if result.name == name:
                return result
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison with the keys of ``highfence compare --json``."""
        from ..report.json import comparison_dict

        return comparison_dict(self)

    def __str__(self) -> str:
        from ..report.compare_text import comparison_text

        return comparison_text(self)


def compare(
    game: Game | NormalForm | ExtensiveForm | MarkovForm | str | Path,
    regimes: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    method: str = "auto",
    commitment: bool = True,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Comparison:
    """Solve a game under each of its regimes and compare what they bring about.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    regimes
        Names of the regimes; all of the game's by default.
    preset
        The preset of parameter values that the rest starts from.
    method
        As in :func:`highfence.solve.solve`.
    commitment
        Work out the value of commitment where the game declares it. It takes the
        game in which others move before the regime is chosen, which may be much harder
        than all regimes together.
    parameters, named
        Values of parameters, the same for all regimes, in a mapping or as keywords.

    Raises
    ------
    RequestError
        The game has no regimes, or a regime, preset, parameter or method is unknown.
    SpecError
        The game's file, or a flag or sentence in it, is wrong.

    Notes
    -----
    A regime whose search ends without an equilibrium is in the result, with its reason.
    The winner is the winner among the equilibria found: a method that does not promise
    all of them does not exclude others.
    """
    return compare_regimes(
        game, regimes, preset=preset, method=method, commitment=commitment,
        parameters=values_given(parameters, named),
    )  # fmt: skip


def compare_regimes(
    game: Game | NormalForm | ExtensiveForm | MarkovForm | str | Path,
    regimes: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    method: str = "auto",
    commitment: bool = True,
    parameters: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> Comparison:
    """Compare as :func:`compare` does; ``tell`` hears what is solved next."""
    game = game_of(
        game,
        "a game without stages has no regimes to compare. "
        "Write it as a Game (.toml or .py) and declare regimes",
    )
    asked = _asked(game, regimes)
    given = dict(parameters or {})

    def solved(regime: str | Regime | None, told: str, **changes: Any) -> Solution:
        tell(told)
        made: Solution = solve(game, method, regime=regime, preset=preset, **{**given, **changes})
        return made

    solutions = {name: solved(name, name) for name in asked}
    for name in asked:
        for other in readings(game, _categorical(game, solutions[name])).others:
            if other not in solutions:
                solutions[other] = solved(other, other)
    results = []
    for regime in game.regimes:
        if regime.name in asked:
            results.append(_result(game, regime, solutions))
    results.sort(key=lambda result: asked.index(result.name))
    names = [player.name for player in game.players]
    base = values(game, preset=preset, parameters=given)
    chooser = _Chooser(game, asked, solutions, solved, preset, given)
    labels, units = _labels(game)
    return Comparison(
        game=game.name,
        title=game.title or game.name,
        question=game.question,
        source=game.file,
        preset=preset,
        parameters=MappingProxyType(base),
        changed=tuple(given),
        regimes=tuple(results),
        best=MappingProxyType({name: _best(name, results) for name in names}),
        choice=chooser.choice(),
        commitment=chooser.commitment() if commitment else None,
        flag_conditions=game.flags,
        assumptions=game.assumptions,
        notes=_notes(results),
        labels=MappingProxyType(labels),
        units=MappingProxyType(units),
        payoff_outcomes=MappingProxyType(_payoff_outcomes(game)),
    )


def _asked(game: Game, regimes: Sequence[str] | None) -> tuple[str, ...]:
    declared = [regime.name for regime in game.regimes]
    if not declared:
        raise RequestError(
            f"{game.name} declares no regimes, so there is nothing to compare. Declare them: "
            "[regimes.NAME] with fix = {DECISION = 'ACTION'}, narrow, set or off; "
            "or use solve"
        )
    return names_asked("regime", regimes, declared, "unknown regime")


def _categorical(game: Game, solution: Solution) -> dict[str, str]:
    return {
        parameter.name: str(solution.parameters.get(parameter.name, parameter.value))
        for parameter in game.parameters
        if parameter.choices
    }


def _result(game: Game, regime: Regime, solutions: Mapping[str, Solution]) -> RegimeResult:
    solution = solutions[regime.name]
    bounds = solution.bounds()
    players = [player.name for player in game.players]
    flags, says = readings(game, _categorical(game, solution)).read(regime.name, solutions)
    if not solution.equilibria:
        says = "No equilibrium was found; the notes say how far the search went."
    elif not says:
        plays = list(dict.fromkeys(_played(e) for e in solution.equilibria))
        told = plays if len(plays) <= SAID else plays[:FIRST]
        says = " Or: ".join(told)
        if len(plays) > len(told):
            says += f" Or one of {len(plays) - len(told)} more; highfence solve lists them."
        elif solution.unlisted:
            says += " Or others, which are not listed."
    elif solution.unlisted:
        says = f"Of the {len(solution.equilibria)} equilibria listed: {says}"
    return RegimeResult(
        name=regime.name,
        label=regime.label or regime.name,
        solution=solution,
        payoffs=MappingProxyType({name: bounds[name] for name in players if name in bounds}),
        outcomes=MappingProxyType({n: r for n, r in bounds.items() if n not in players}),
        flags=MappingProxyType(flags),
        says=says,
    )


def _played(equilibrium: Equilibrium) -> str:
    """Return what is played: the path of play, or each player's strategy in a matrix game."""
    if equilibrium.path:
        return "; ".join(equilibrium.path)
    return "; ".join(
        f"{player}: {' or '.join(name for name, weight in mix.items() if weight)}"
        for player, mix in equilibrium.strategies.items()
    )


def _best(player: str, results: Sequence[RegimeResult]) -> Best:
    ranges = {r.name: r.payoffs[player] for r in results if player in r.payoffs}
    # Where others than those listed may pay anything, what is listed may happen, and no more is
    # known.
    open_ended = [r.name for r in results if r.name in ranges and _is_open(r.solution, player)]
    left_out = tuple(r.name for r in results if r.name not in ranges)
    if not ranges:
        return Best(player, Verdict.NONE, left_out=left_out)
    if len(ranges) == 1:
        (only,) = ranges
        return Best(player, Verdict.ALONE, only, contenders=(only,), left_out=left_out)
    scale = max(abs(value) for bounds in ranges.values() for value in bounds) or 1.0
    certificates = [e.certificate for result in results for e in result.solution.equilibria]
    slack = scale * max(certificate.tolerance for certificate in certificates)
    if not _rational(results):
        slack = max(slack, scale * tolerances.ROUNDING)
        everybody = max(abs(v) for result in results for b in result.payoffs.values() for v in b)
        if scale <= tolerances.ROUNDING * everybody:  # all are 0, but for rounding: -3e-14, say
            slack = 2 * scale
    lows = {n: -inf if n in open_ended else bounds[0] for n, bounds in ranges.items()}
    leader = max(ranges, key=lambda name: lows[name])
    top = lows[leader]
    contenders = tuple(
        name for name in ranges if name in open_ended or ranges[name][1] >= top - slack
    )
    if len(contenders) == 1:
        runner_up = max((n for n in ranges if n != leader), key=lambda n: ranges[n][1])
        margin = top - ranges[runner_up][1]
        near = tuple(
            name
            for name, bounds in ranges.items()
            if name != leader and top - bounds[1] <= tolerances.TIE * scale
        )
        return Best(
            player, Verdict.WINS, leader, margin, runner_up, bool(near), contenders, near, left_out
        )
    equal = not open_ended and all(
        ranges[name][1] - ranges[name][0] <= slack for name in contenders
    )
    verdict = Verdict.TIE if equal else Verdict.DEPENDS
    return Best(player, verdict, near_tie=equal, contenders=contenders, left_out=left_out)


def _is_open(solution: Solution, player: str) -> bool:
    """Return whether equilibria that are not listed may pay a player anything."""
    return solution.unlisted and player not in solution.extremes


def _rational(results: Sequence[RegimeResult]) -> bool:
    found = [e for result in results for e in result.solution.equilibria]
    return all(isinstance(value, Rational) for e in found for value in e.payoffs.values())


def _notes(results: Sequence[RegimeResult]) -> tuple[str, ...]:
    notes = []
    for result in results:
        solution = result.solution
        if not solution.equilibria:
            notes.append(f"{result.name}: {solution.status.value}; {solution.reason}")
        elif len(solution.equilibria) > 1:
            infinite = any(len(subset) > 1 for subset in solution.subsets)
            count = max(solution.count or 0, len(solution.equilibria))
            notes.append(
                f"{result.name}: "
                + ("infinitely many equilibria, " if infinite else "")
                + f"{'at least ' * solution.more}{count} "
                + f"{'extreme' if infinite else 'equilibria'}; "
                + _covered(solution)
            )
        if solution.status is Status.PARTIAL:
            notes.append(f"{result.name}: searched in part; {solution.reason}")
    return tuple(notes)


def _covered(solution: Solution) -> str:
    """Return of which equilibria the ranges are, in words."""
    listed = len(solution.equilibria)
    if not solution.unlisted:
        return "ranges are over all of them"
    if not solution.extremes:
        return f"ranges are over the {listed} that are listed; others may bring more, or less"
    loose = [
        name for name, known in solution.extremes.items() if not (known.low_met and known.high_met)
    ]
    said = f"ranges are over all of them, of which {listed} are listed"
    if loose:
        said += f"; those of {', '.join(loose)} may be wider than what the equilibria bring"
    return said


def _labels(game: Game) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels and the units of players, outcomes and parameters, by name."""
    labels = {p.name: p.label for p in game.parameters}
    units = {p.name: p.unit for p in game.parameters}
    for stage in game.stages:
        for move in stage.moves:
            if not isinstance(move, Chance) and isinstance(move.actions, Interval):
                labels[move.name] = move.label
                units[move.name] = move.actions.unit
    for state in game.states:
        labels[state.name], units[state.name] = state.label, state.unit
    for name, (key, bound) in derived_names(game).items():
        quantity = game.derived[key]
        labels[name] = ", ".join([quantity.label, *bound.values()]) if quantity.label else ""
        units[name] = quantity.unit
    labels.update({player.name: player.label for player in game.players})
    return (
        {name: label for name, label in labels.items() if label},
        {name: unit for name, unit in units.items() if unit not in ("", "1")},
    )


def _payoff_outcomes(game: Game) -> dict[str, str]:
    reported = tuple(derived_names(game)) if game.outcomes is None else game.outcomes
    return {
        formula.strip(): player
        for player, formula in game.payoffs.items()
        if isinstance(formula, str) and formula.strip() in reported
    }


def _is_known(solution: Solution, player: str) -> bool:
    """Return whether some equilibrium has the least, and one the greatest, that a player gets."""
    if not solution.unlisted:
        return True
    known = solution.extremes.get(player)
    return known is not None and known.low_met and known.high_met


class _Chooser:
    """The game in which the player chooses among the regimes compared."""

    def __init__(
        self,
        game: Game,
        asked: Sequence[str],
        solutions: Mapping[str, Solution],
        solved: Callable[..., Solution],
        preset: str | None,
        given: Mapping[str, Any],
    ) -> None:
        self.game, self.solutions, self.solved = game, solutions, solved
        self.preset, self.given = preset, given
        self.asked = {regime.name: regime for regime in game.regimes if regime.name in asked}
        self.decision, self.trouble = self._decision()

    def _decision(self) -> tuple[str, str]:
        """Return the decision that every regime fixes and nothing else, or "" and why not."""
        if self.game.states:
            return "", "in a game that goes on a decision is made anew in every period"
        fixed = {decision for regime in self.asked.values() for decision in regime.fix}
        more = [
            name
            for name, regime in self.asked.items()
            if regime.set or regime.off or regime.narrow or len(regime.fix) != 1
        ]
        if more or len(fixed) != 1:
            return "", (
                "the regimes are not the actions of one decision"
                + (f" ({', '.join(more)} changes more than that)" if more else "")
            )
        return next(iter(fixed)), ""

    @property
    def player(self) -> str:
        """The player who owns the decision."""
        for stage in self.game.stages:
            for move in stage.moves:
                if move.name == self.decision and not isinstance(move, Chance):
                    return move.player
        return ""

    def _leads(self, categorical: Mapping[str, str]) -> bool:
        """Return whether the decision opens the game alone and everybody later observes it.

        Then each of its actions opens a subgame, which is the game under the regime that
        fixes it: what is known of the regimes settles the choice by backward induction.
        A chance move that it does not see may as well come after it.
        """
        earlier: list[str] = []
        stages = active_stages(self.game, categorical, [])
        for place, stage in enumerate(stages):
            decisions = [move for move in stage.moves if isinstance(move, Decision)]
            if not decisions:
                earlier += [move.name for move in stage.moves]
                continue
            if [move.name for move in decisions] != [self.decision]:
                return False
            seen = decisions[0].observes
            later = [move for after in stages[place + 1 :] for move in after.moves]
            return not (set(earlier) if seen is None else set(earlier) & set(seen)) and all(
                isinstance(move, Chance) or move.observes is None or self.decision in move.observes
                for move in later
            )
        return False

    def _payoffs(self, changes: Mapping[str, Any]) -> tuple[dict[str, Range], str]:
        """Return the player's payoff range for each regime that opens a subgame."""
        ranges = {}
        for name in self.asked:
            solution = self.solved(name, name, **changes) if changes else self.solutions[name]
            bounds = solution.bounds()
            if not bounds:
                return {}, f"no equilibrium of {name} was found"
            if not _is_known(solution, self.player):
                return {}, f"not all equilibria of {name} are listed"
            ranges[name] = bounds[self.player]
        return ranges, ""

    def _chosen_at_once(self, changes: Mapping[str, Any]) -> tuple[Range | None, list[str], str]:
        ranges, trouble = self._payoffs(changes)
        if trouble:
            return None, [], trouble
        floor = max(low for low, _ in ranges.values())
        ceiling = max(high for _, high in ranges.values())
        slack = self._slack() * (max(abs(floor), abs(ceiling)) or 1.0)
        chosen = [name for name, (_, high) in ranges.items() if high >= floor - slack]
        return (floor, ceiling), chosen, "backward induction over the regimes' own equilibria"

    def _slack(self) -> float:
        return max(
            equilibrium.certificate.tolerance
            for name in self.asked
            for equilibrium in self.solutions[name].equilibria
        )

    def _chosen_by_solving(self, changes: Mapping[str, Any]) -> tuple[Range | None, list[str], str]:
        actions = {regime.fix[self.decision]: name for name, regime in self.asked.items()}
        overlay = Regime("choice", narrow={self.decision: tuple(actions)})
        solution = self.solved(overlay, "the choice among the regimes", **changes)
        if not solution.equilibria:
            return None, [], f"no equilibrium was found: {solution.reason}"
        if not _is_known(solution, self.player):
            return None, [], "not all equilibria of the choice are listed"
        chosen: set[str] = set()
        for equilibrium in solution.equilibria:
            chosen |= self._played(equilibrium, overlay, changes)
        regimes = [name for action, name in actions.items() if action in chosen]
        several = len(solution.equilibria)
        how = f"solved by {solution.method}" + (f", {several} equilibria" if several > 1 else "")
        if solution.unlisted:
            how += " listed, and others, in which other regimes may be chosen"
        return solution.bounds()[self.player], regimes, how

    def _played(
        self, equilibrium: Equilibrium, overlay: Regime, changes: Mapping[str, Any]
    ) -> set[str]:
        """Return the actions of the decision that are played with positive probability."""
        strategy = equilibrium.strategies[self.player]
        if not isinstance(equilibrium.profile, BehaviorProfile):
            own = [
                item if isinstance(item, Mapping) else {place: item}
                for place, item in strategy.items()
                if not isinstance(item, Mapping) or place.split(" ")[0] == self.decision
            ]
            return {action for mixture in own for action, p in mixture.items() if p > 0}
        form = build(
            self.game, regime=overlay, preset=self.preset, parameters={**self.given, **changes}
        )
        assert isinstance(form, ExtensiveForm)
        played: set[str] = set()
        for node, reached in enumerate(form.reach(equilibrium.profile)):
            known = int(form.information_set[node])
            if reached > 0 and known >= 0:
                about = form.information_sets[known]
                if about.label.split(" ")[0] == self.decision:
                    chances = equilibrium.profile.probabilities[known]
                    played |= {a for a, p in zip(about.actions, chances, strict=True) if p > 0}
        return played

    def _outcome(self, changes: Mapping[str, Any]) -> tuple[Range | None, list[str], str]:
        any_solution = next(iter(self.solutions.values()))
        categorical = _categorical(self.game, any_solution)
        same = all(categorical.get(name) == value for name, value in changes.items())
        categorical.update({name: str(value) for name, value in changes.items()})
        if self._leads(categorical):
            return self._chosen_at_once({} if same else changes)
        return self._chosen_by_solving(changes)

    def choice(self) -> Choice | None:
        """Return which regime the player chooses, or None if regimes are not choices."""
        if not self.decision or len(self.asked) < 2:
            return None
        _, chosen, reason = self._outcome({})
        return Choice(self.player, self.decision, tuple(chosen), reason)

    def commitment(self) -> CommitmentValue | None:
        """Return the value of commitment, or None if the game declares no timing."""
        declared = self.game.commitment
        if declared is None:
            return None
        player, parameter = declared.player, declared.parameter
        if len(self.asked) < 2:
            reason = "there is no choice among fewer than two regimes"
            return CommitmentValue(player, parameter, None, None, reason)
        ranges: list[Range | None] = []
        choices: list[tuple[str, ...]] = []
        reasons = []
        for value in (declared.committed, declared.discretionary):
            found: Range | None = None
            chosen: list[str] = []
            if not self.decision or player != self.player:
                reason = self.trouble or f"{player} does not choose the regime"
            else:
                found, chosen, reason = self._outcome({parameter: value})
                reason = f"{parameter} = {value}: {reason}"
            ranges.append(found)
            choices.append(tuple(chosen))
            reasons.append(reason)
        reason = "; ".join(dict.fromkeys(reasons))
        return CommitmentValue(
            player, parameter, ranges[0], ranges[1], reason, choices[0], choices[1]
        )
