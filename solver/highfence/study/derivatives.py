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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import RequestError, did_you_mean
from ..spec.model import Chance, Decision, Derived, Game, Interval
from ..spec.resolve import derived_names
from ._asked import levers_of
from ._differences import Differences
from ._implicit import Implicit
from ._local import End, Local
from ._request import Request
from ._slopes import DIFFERENCES, IMPLICIT, Derivatives, LocalTarget, Response, Slope
from .outcome import game_with_regimes, values_given
from .scan import regimes_asked
from .sensitivity import targets_of
from .uncertainty import Uncertainty, space_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DIFFERENCES",
    "IMPLICIT",
    "Derivatives",
    "LocalTarget",
    "Response",
    "Slope",
    "derivatives",
]


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
    given = values_given(parameters, named)
    compared = regimes_asked(game, regimes)
    asked = [outcomes] if isinstance(outcomes, str) else list(outcomes)
    watched, asked, shown = _with_decisions(game, asked)
    request = Request(watched, preset, given, workers, progress=progress)
    targets, judge = targets_of(watched, asked, compared, player, request.categorical)
    if any(target.wins for target in targets):
        raise RequestError("whether a regime wins has no derivative. Ask for margin(REGIME)")
    levers = levers_of(game, {name for target in targets for name in target.reads})
    chosen = _chosen(game, names, ties or {}, levers)
    numbers = request.numbers()
    ends = {name: _range(game, name, numbers[name]) for name in chosen}
    space = space_of(
        watched,
        names=[],
        distributions={n: Uncertainty("uniform", (end.low, end.high)) for n, end in ends.items()},
        ties=ties,
        preset=preset,
        parameters={name: value for name, value in given.items() if name not in chosen},
    )
    local = Local(request, targets, judge, compared, ends, space, step)
    labels = MappingProxyType({p.name: p.label for p in game.parameters if p.label})
    return Derivatives(
        game=game.name,
        title=game.title or game.name,
        preset=preset,
        parameters=MappingProxyType(given),
        ties=space.ties,
        step=step,
        targets=tuple(
            replace(one, target=_renamed(one.target, shown), labels=labels) for one in _found(local)
        ),
    )


def _found(local: Local) -> list[LocalTarget]:
    """Return what is found about every target: implicitly where that applies."""
    implicit = Implicit(local)
    made = {target.name: implicit.target(target) for target in local.targets}
    left = tuple(target for target in local.targets if made[target.name] is None)
    if left:
        made |= {one.target: one for one in Differences(local).targets(left)}
    return [one for one in made.values() if one is not None]


# ---------------------------------------------------------------------------------------------
# What is asked


def _range(game: Game, name: str, at: float) -> End:
    (parameter,) = (p for p in game.parameters if p.name == name)
    if parameter.low is not None and parameter.high is not None:
        low, high = float(parameter.low), float(parameter.high)
        if low <= at <= high and low < high:
            return End(at, low, high, high - low, True)
    width = abs(at) or 1.0
    return End(at, at - width, at + width, width, False)


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
