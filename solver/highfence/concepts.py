"""Answers other than Nash equilibria, each with a certificate of its own concept.

Correlated and coarse correlated equilibria, optimal commitment, logit quantal response, bargaining,
and iterated dominance, on games in strategic form; agent quantal response on trees. As in
:mod:`highfence.solve`, a method proposes and the judge checks; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .certify.assessment import certify_agent_logit
from .certify.concepts import (
    certify_bargain,
    certify_commitment,
    certify_correlated,
    certify_coverage,
    certify_elimination,
    certify_logit,
)
from .errors import RequestError, did_you_mean
from .solution import Certificate
from .tolerances import PROBABILITY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .forms.assessment import Assessment
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm, Profile
    from .spec.model import Game, Regime

__all__ = [
    "AgentLogitEquilibrium",
    "Bargain",
    "Commitment",
    "CorrelatedEquilibrium",
    "Elimination",
    "LogitEquilibrium",
    "PrecisionFit",
    "Removed",
    "SecurityCoverage",
    "Target",
    "VariationalEquilibrium",
    "agent_logit_equilibrium",
    "commitment",
    "correlated_equilibrium",
    "correlated_range",
    "eliminate_dominated",
    "fit_precision",
    "logit_equilibrium",
    "nash_bargaining",
    "security_coverage",
    "variational_equilibrium",
]


@dataclass(frozen=True)
class CorrelatedEquilibrium:
    """A distribution over pure profiles that nobody gains by disobeying."""

    concept: str
    """"correlated" or "coarse correlated"."""
    objective: str
    """What it is extreme in: ``"largest welfare"``, ``"least Player 1"``."""
    value: float
    """Expected value of that."""
    distribution: NDArray[np.float64]
    """Probabilities of the pure profiles, shape ``(a_0, ..., a_(N-1))``."""
    payoffs: Mapping[str, float]
    outcomes: Mapping[str, float]
    certificate: Certificate


@dataclass(frozen=True)
class Commitment:
    """A leader's best commitment, and how each type of the follower responds."""

    leader: str
    tie_breaking: str
    """"strong": indifferent followers favor the leader; "pessimistic": they harm the leader."""
    strategy: Mapping[str, float]
    follower: str
    responses: tuple[str, ...]
    """Of the follower, one per type."""
    leader_payoff: float
    """If not ``attained``, the supremum of what the leader can be sure of."""
    follower_payoffs: tuple[float, ...]
    attained: bool
    """Some commitment gives the leader this payoff. Always so if ties are broken for them."""
    certificate: Certificate
    proved: bool = True
    """Whether no commitment pays the leader more. Against several types, False where
    :data:`highfence.limits.MAX_COMMITMENT_PROGRAMS` ended the search."""


@dataclass(frozen=True)
class LogitEquilibrium:
    """A logit quantal response equilibrium on the principal branch."""

    precision: float
    """In units of one over payoff."""
    strategies: Mapping[str, Mapping[str, float]]
    payoffs: Mapping[str, float]
    profile: Profile
    certificate: Certificate
    """Its regret is the largest distance of a probability from the logit response."""


@dataclass(frozen=True)
class AgentLogitEquilibrium:
    """An agent logit equilibrium of a tree on the principal branch."""

    precision: float
    """In units of one over payoff."""
    strategies: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Player -> information set -> action -> probability."""
    payoffs: Mapping[str, float]
    profile: Assessment
    certificate: Certificate
    """Its regret is the largest distance of a probability from the logit response."""


@dataclass(frozen=True)
class PrecisionFit:
    """The logit equilibrium of the principal branch under which counts are most likely."""

    equilibrium: LogitEquilibrium
    log_likelihood: float
    """Of the counts, without the multinomial constant."""
    at_limit: bool
    """The likelihood still rises at the largest precision: play looks like exact best play."""


@dataclass(frozen=True)
class Bargain:
    """A lottery over pure profiles that players agree on."""

    solution: str
    disagreement: Mapping[str, float]
    lottery: NDArray[np.float64]
    """Probabilities of the pure profiles, shape ``(a_0, ..., a_(N-1))``."""
    payoffs: Mapping[str, float]
    certificate: Certificate
    """Its regret is how much better another lottery could be in the direction that decides."""


@dataclass(frozen=True)
class Target:
    """What a target is worth to who defends it and to who attacks it."""

    defender_covered: float
    """Payoff of the defender if the target is attacked while covered."""
    defender_uncovered: float
    attacker_covered: float
    attacker_uncovered: float


@dataclass(frozen=True)
class SecurityCoverage:
    """A defender's best odds of covering targets, seen by the attacker."""

    coverage: Mapping[str, float]
    """Target -> probability that it is covered."""
    attacked: str
    defender_payoff: float
    attacker_payoff: float
    patrols: Mapping[tuple[str, ...], float]
    """Schedules that are covered together -> probability. Empty if there are too many assignments
    to look at: the odds are then a bound on what patrols can bring about."""
    certificate: Certificate


@dataclass(frozen=True)
class Removed:
    """A strategy that was removed, when, and what dominates it."""

    round: int
    player: str
    strategy: str
    dominated_by: Mapping[str, Fraction]
    """Strategy -> weight in the mixture that dominates."""
    strict: bool


@dataclass(frozen=True)
class Elimination:
    """What iterated elimination of dominated strategies leaves, and in what order the rest went."""

    form: NormalForm
    """The game that is left."""
    removed: tuple[Removed, ...]
    certificate: Certificate


@dataclass(frozen=True)
class VariationalEquilibrium:
    """A generalized Nash equilibrium at which shared constraints cost everybody the same."""

    actions: Mapping[str, float]
    payoffs: Mapping[str, float]
    outcomes: Mapping[str, float]
    shared: Mapping[str, float]
    """Constraint -> what a unit of it is worth at the margin, in payoff; 0 if it does not bind."""
    unique: bool
    """Proved: there is no other variational equilibrium. Other generalized ones there may be."""
    certificate: Certificate


def correlated_equilibrium(
    form: NormalForm,
    objective: str = "welfare",
    *,
    largest: bool = True,
    coarse: bool = False,
) -> CorrelatedEquilibrium:
    """Return the correlated equilibrium that is extreme in an objective.

    Parameters
    ----------
    form
        Any number of players.
    objective
        A player; an outcome of the form; or ``"welfare"``, the sum of payoffs as they stand, unless
        the game has an outcome (or a player) of that name.
    largest
        Or the least.
    coarse
        Coarse correlated equilibria, which are more.

    Raises
    ------
    RequestError
        The objective is not known.
    LimitExceeded
        More than ``limits.MAX_CORRELATED_CELLS`` payoffs.

    Notes
    -----
    The distribution is certified to be an equilibrium; that none is more extreme is the linear
    program's word. Several may be equally extreme.

    References
    ----------
    Aumann (1974, 1987); Moulin and Vial (1978).

    Examples
    --------
    In the game of chicken a mediator reaches 10.5 of 12, more than any mixture of equilibria.

    >>> from highfence.forms.normal import NormalForm
    >>> chicken = NormalForm.bimatrix([[0, 7], [2, 6]], symmetric=True)
    >>> found = correlated_equilibrium(chicken)
    >>> round(found.value, 6), found.certificate.holds
    (10.5, True)
    """
    from .methods.correlated import best_distribution

    _require_strategic(form)
    quantity = _quantity(form, objective)
    found = best_distribution(form, quantity if largest else -quantity, coarse=coarse)
    found.setflags(write=False)
    return CorrelatedEquilibrium(
        concept="coarse correlated" if coarse else "correlated",
        objective=f"{'largest' if largest else 'least'} {objective}",
        value=_mean(quantity, found),
        distribution=found,
        payoffs=_expected(form, found),
        outcomes=MappingProxyType(
            {name: _mean(table, found) for name, table in form.outcomes.items()}
        ),
        certificate=certify_correlated(form, found, coarse=coarse),
    )


def correlated_range(
    form: NormalForm, objective: str = "welfare", *, coarse: bool = False
) -> tuple[CorrelatedEquilibrium, CorrelatedEquilibrium]:
    """Return the correlated equilibria with the least and the largest value of an objective.

    Arguments as for :func:`correlated_equilibrium`.
    """
    return (
        correlated_equilibrium(form, objective, largest=False, coarse=coarse),
        correlated_equilibrium(form, objective, largest=True, coarse=coarse),
    )


def commitment(
    games: NormalForm | Sequence[NormalForm],
    leader: str,
    *,
    weights: Sequence[float] | None = None,
    pessimistic: bool = False,
) -> Commitment:
    """Return the best mixed strategy to commit to before a follower responds.

    Parameters
    ----------
    games
        A two-player game, or one for each type of the follower.
    leader
        The player who commits.
    weights
        Probability of each type; equal by default.
    pessimistic
        A follower who is indifferent does what is worst for the leader. One type only.

    Raises
    ------
    RequestError
        The leader is no player; the games do not fit together; or the weights do not.

    References
    ----------
    Conitzer and Sandholm (2006); von Stengel and Zamir (2010); Paruchuri and others (2008).

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> game = NormalForm.bimatrix([[2, 4], [1, 3]], [[1, 0], [0, 1]], players=["us", "them"])
    >>> found = commitment(game, "us")
    >>> round(found.leader_payoff, 6), found.responses
    (3.5, ('2',))
    """
    from .methods.stackelberg import best_commitment

    forms: list[Any] = (
        list(games) if isinstance(games, Sequence) and not isinstance(games, str) else [games]
    )
    if not forms:
        raise RequestError("give a game, or one for each type of the follower")
    for form in forms:
        _require_strategic(form)
    if any(leader not in form.players for form in forms):
        raise RequestError(f"no player {leader!r}. {did_you_mean(leader, forms[0].players)}")
    index = forms[0].players.index(leader)
    if any(form.players.index(leader) != index for form in forms):
        raise RequestError(f"{leader!r} is the first player of one game and the second of another")
    odds = [1 / len(forms)] * len(forms) if weights is None else list(map(float, weights))
    found = best_commitment(forms, odds, index, pessimistic=pessimistic)
    payoffs = []
    for form, response in zip(forms, found.responses, strict=True):
        pair = []
        for player in (0, 1):
            table = form.payoffs[player] if index == 0 else form.payoffs[player].T
            pair.append(sum(p * float(table[k, response]) for k, p in enumerate(found.strategy)))
        payoffs.append(pair)
    return Commitment(
        leader=leader,
        tie_breaking="pessimistic" if pessimistic else "strong",
        strategy=MappingProxyType(
            dict(zip(forms[0].strategies[index], found.strategy, strict=True))
        ),
        follower=forms[0].players[1 - index],
        responses=tuple(
            form.strategies[1 - index][k] for form, k in zip(forms, found.responses, strict=True)
        ),
        leader_payoff=sum(w * pair[index] for w, pair in zip(odds, payoffs, strict=True)),
        follower_payoffs=tuple(pair[1 - index] for pair in payoffs),
        attained=found.attained,
        certificate=certify_commitment(forms, index, found.strategy, found.responses),
        proved=found.proved,
    )


def logit_equilibrium(form: NormalForm, precision: float) -> LogitEquilibrium:
    """Return the logit quantal response equilibrium of the principal branch at a precision.

    Parameters
    ----------
    form
        Any number of players; payoffs as they stand.
    precision
        In units of one over payoff; 0 is uniform play, large is close to best play.

    Raises
    ------
    RequestError
        The precision is negative or not finite, or the game is too large.
    MethodFailed
        The branch could not be followed so far.

    References
    ----------
    McKelvey and Palfrey (1995); Turocy (2005).

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> found = logit_equilibrium(dilemma, 1.0)
    >>> round(found.strategies["Player 1"]["2"], 4), found.certificate.holds
    (0.7732, True)
    """
    from .methods.logit import logit_profile

    _require_strategic(form)
    return _logit_result(form, logit_profile(form, precision), float(precision))


def agent_logit_equilibrium(form: ExtensiveForm, precision: float) -> AgentLogitEquilibrium:
    """Return the agent logit equilibrium of the principal branch at a precision.

    At every information set actions are played in proportion to ``exp(precision * payoff)``, the
    payoff being what the action is expected to pay once the set is reached.

    Parameters
    ----------
    form
        A tree with perfect recall, any number of players; payoffs as they stand.
    precision
        In units of one over payoff; 0 is uniform play, large is close to best play.

    Raises
    ------
    RequestError
        The precision is negative or not finite, or the game is too large or without perfect
        recall.
    MethodFailed
        The branch could not be followed so far.

    References
    ----------
    McKelvey and Palfrey (1998); Turocy (2010).

    Examples
    --------
    >>> from highfence.forms.extensive import ExtensiveForm, Move, Terminal
    >>> entry = Move(0, "enter?", ("in", "out"), (
    ...     Move(1, "react", ("fight", "share"), (Terminal((-1, -1)), Terminal((1, 1)))),
    ...     Terminal((0, 2)),
    ... ))
    >>> game = ExtensiveForm.from_tree(["entrant", "incumbent"], entry)
    >>> found = agent_logit_equilibrium(game, 1.0)
    >>> round(found.strategies["incumbent"]["react"]["fight"], 4), found.certificate.holds
    (0.1192, True)
    """
    from .methods.agent_logit import agent_logit_profile

    profile = agent_logit_profile(form, precision)
    strategies: dict[str, dict[str, Mapping[str, float]]] = {name: {} for name in form.players}
    for known, odds in zip(form.information_sets, profile.probabilities, strict=True):
        strategies[form.players[known.player]][known.label] = MappingProxyType(
            dict(zip(known.actions, map(float, odds), strict=True))
        )
    payoffs = zip(form.players, map(float, form.expected_payoffs(profile)), strict=True)
    return AgentLogitEquilibrium(
        precision=float(precision),
        strategies=MappingProxyType(
            {player: MappingProxyType(made) for player, made in strategies.items()}
        ),
        payoffs=MappingProxyType(dict(payoffs)),
        profile=profile,
        certificate=certify_agent_logit(form, profile, precision),
    )


def fit_precision(
    form: NormalForm, counts: Sequence[Sequence[float]], *, most: float = 1e4
) -> PrecisionFit:
    """Return the logit equilibrium under which observed play is most likely.

    Parameters
    ----------
    form
        Any number of players; payoffs as they stand.
    counts
        Per player, how often each pure strategy was observed.
    most
        Largest precision times the largest payoff range that is looked at.

    Raises
    ------
    RequestError
        The counts do not fit the game.
    MethodFailed
        The principal branch could not be followed.

    References
    ----------
    McKelvey and Palfrey (1995), section 5.

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> fit = fit_precision(dilemma, [[2268, 7732], [2268, 7732]])
    >>> round(fit.equilibrium.precision, 3)
    1.0
    """
    from .methods.logit import fit_branch

    _require_strategic(form)
    fit = fit_branch(form, counts, most)
    return PrecisionFit(
        equilibrium=_logit_result(form, fit.profile, fit.precision),
        log_likelihood=fit.log_likelihood,
        at_limit=fit.at_limit,
    )


def nash_bargaining(
    form: NormalForm,
    disagreement: Mapping[str, float],
    *,
    solution: str = "nash",
    weights: Mapping[str, float] | None = None,
) -> Bargain:
    """Return the lottery over pure profiles on which players agree.

    Parameters
    ----------
    form
        Its pure profiles are the possible agreements.
    disagreement
        Player -> payoff without agreement.
    solution
        ``"nash"``, or ``"kalai_smorodinsky"``: gains in proportion to the most that each could
        gain while nobody loses; of three players and more, as nearly as is efficient (Imai 1983).
    weights
        Player -> bargaining power, for the Nash solution; equal by default.

    Raises
    ------
    RequestError
        A player is missing or unknown, or no lottery makes all better off than disagreement.

    References
    ----------
    Nash (1950); Kalai and Smorodinsky (1975).

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> battle = NormalForm.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]], players=["her", "him"])
    >>> deal = nash_bargaining(battle, {"her": 0, "him": 0})
    >>> {player: round(payoff, 5) for player, payoff in deal.payoffs.items()}
    {'her': 1.5, 'him': 1.5}
    """
    from .methods.bargaining import best_bargain

    _require_strategic(form)
    for given in (disagreement, weights):
        if given is not None and set(given) != set(form.players):
            raise RequestError(
                f"numbers for {', '.join(map(repr, given))}, and the players are "
                f"{', '.join(map(repr, form.players))}. Give one for each player"
            )
    lottery, normal = best_bargain(
        form,
        [float(disagreement[player]) for player in form.players],
        solution=solution,
        weights=None if weights is None else [float(weights[name]) for name in form.players],
    )
    lottery.setflags(write=False)
    return Bargain(
        solution=solution,
        disagreement=MappingProxyType(dict(disagreement)),
        lottery=lottery,
        payoffs=_expected(form, lottery),
        certificate=certify_bargain(form, lottery, normal.tolist()),
    )


def security_coverage(
    targets: Mapping[str, Target],
    resources: int,
    schedules: Mapping[str, Sequence[str]] | None = None,
) -> SecurityCoverage:
    """Return a defender's best odds of covering targets, when the attacker sees the odds.

    Parameters
    ----------
    targets
        Name -> payoffs.
    resources
        How many inspectors, patrols or audits there are; each covers one schedule.
    schedules
        Name -> targets that one resource covers together; single targets by default.

    Raises
    ------
    RequestError
        There are no targets or resources, or a schedule names an unknown target.

    References
    ----------
    Kiekintveld and others (2009); Jain and others (2010); Korzhyk and others (2010).

    Examples
    --------
    One inspector and three routes: watched so often that all are equally good to a smuggler.

    >>> worth = {"first": 5, "second": 3, "third": 2}
    >>> routes = {name: Target(1, -value, -1, value) for name, value in worth.items()}
    >>> found = security_coverage(routes, 1)
    >>> {name: round(odds, 4) for name, odds in found.coverage.items()}
    {'first': 0.5556, 'second': 0.3333, 'third': 0.1111}
    >>> round(found.attacker_payoff, 4), found.certificate.holds
    (1.6667, True)
    """
    from .methods.stackelberg import best_coverage

    names = list(targets)
    named = {name: [name] for name in names} if schedules is None else dict(schedules)
    for schedule, covered in named.items():
        for target in covered:
            if target not in targets:
                raise RequestError(
                    f"schedule {schedule!r}: no target {target!r}. {did_you_mean(target, names)}"
                )
    rows = [[names.index(target) for target in covered] for covered in named.values()]
    found = best_coverage(
        [(target.defender_covered, target.defender_uncovered) for target in targets.values()],
        [(target.attacker_covered, target.attacker_uncovered) for target in targets.values()],
        resources,
        rows,
    )
    labels = list(named)
    return SecurityCoverage(
        coverage=MappingProxyType(dict(zip(names, found.coverage, strict=True))),
        attacked=names[found.attacked],
        defender_payoff=found.defender,
        attacker_payoff=found.attacker,
        patrols=MappingProxyType({tuple(labels[k] for k in team): p for team, p in found.patrols}),
        certificate=certify_coverage(
            [
                (t.defender_covered, t.defender_uncovered, t.attacker_covered, t.attacker_uncovered)
                for t in targets.values()
            ],
            rows,
            resources,
            found.coverage,
            found.attacked,
            found.patrols,
        ),
    )


def eliminate_dominated(
    form: NormalForm, *, weak: bool = False, mixtures: bool = True
) -> Elimination:
    """Return what is left when dominated strategies are removed, again and again.

    Parameters
    ----------
    form
        Any number of players. Exact arithmetic throughout, for the payoffs as stored.
    weak
        Remove strategies too that another pure one weakly dominates. Equilibria may go with
        them, and which strategies are left depends on the order: here, all that are dominated
        at the start of a round go at once.
    mixtures
        Look for strict dominance by mixtures as well.

    Raises
    ------
    LimitExceeded
        The game is too large for exact arithmetic.

    References
    ----------
    Bernheim (1984); Pearce (1984); Shoham and Leyton-Brown (2009), section 3.4.3.

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> found = eliminate_dominated(dilemma)
    >>> found.form.strategies
    (('2',), ('2',))
    >>> [(step.round, step.player, step.strategy) for step in found.removed]
    [(1, 'Player 1', '1'), (1, 'Player 2', '1')]
    """
    import numpy as np

    from .forms.normal import NormalForm
    from .methods.dominance import removals

    _require_strategic(form)
    found = removals(form, weak=weak, mixtures=mixtures)
    rounds: dict[int, list[tuple[int, int, Mapping[int, Fraction], bool]]] = {}
    for step in found:
        row = (step.player, step.strategy, step.dominated_by, step.strict)
        rounds.setdefault(step.round, []).append(row)
    gone = {(step.player, step.strategy) for step in found}
    kept = [
        [k for k in range(count) if (player, k) not in gone]
        for player, count in enumerate(form.num_strategies)
    ]
    table = form.payoffs if form.exact is None else form.exact
    return Elimination(
        form=NormalForm.from_payoffs(
            table[np.ix_(range(form.num_players), *kept)],
            players=form.players,
            strategies=[
                [labels[k] for k in left]
                for labels, left in zip(form.strategies, kept, strict=True)
            ],
            title=form.title,
            outcomes={name: values[np.ix_(*kept)] for name, values in form.outcomes.items()},
        ),
        removed=tuple(
            Removed(
                round=step.round,
                player=form.players[step.player],
                strategy=form.strategies[step.player][step.strategy],
                dominated_by=MappingProxyType(
                    {form.strategies[step.player][k]: w for k, w in step.dominated_by.items()}
                ),
                strict=step.strict,
            )
            for step in found
        ),
        certificate=certify_elimination(form, list(rounds.values())),
    )


def variational_equilibrium(
    game: Game,
    shared: Sequence[str],
    *,
    regime: str | Regime | None = None,
    preset: str | None = None,
    **parameters: Any,
) -> VariationalEquilibrium:
    """Return the equilibrium of a game whose players share constraints, at equal shadow prices.

    Parameters
    ----------
    game
        All decide at once over intervals; the game is monotone (Rosen 1965).
    shared
        Inequalities between formulas that are linear in the decisions: ``"q_1 + q_2 <= cap"``.
        Everybody's feasible actions depend on the others' through them.
    regime, preset, parameters
        As in :func:`highfence.solve.solve`.

    Raises
    ------
    RequestError
        A constraint is no inequality, or not linear in the decisions.
    NotApplicable
        The game is not of that kind, or not proved monotone.
    MethodFailed
        No actions keep the constraints.

    Notes
    -----
    A game with shared constraints has in general a continuum of generalized Nash equilibria;
    this is the one that a market for the constraint brings about.

    References
    ----------
    Rosen (1965); Facchinei and Kanzow (2007), section 3.

    Examples
    --------
    >>> from highfence import load
    >>> found = variational_equilibrium(load("cournot_1838"), ["q_1 + q_2 <= 40"])
    >>> [round(float(found.actions[name]), 6) for name in ("q_1", "q_2")]
    [20.0, 20.0]
    >>> [round(price, 6) for price in found.shared.values()]
    [30.0]
    """
    from .certify.shared import certify_shared
    from .methods.variational import shared_equilibrium

    if not isinstance(shared, str):
        shared = list(dict.fromkeys(shared))  # one that is given twice has one price
    found = shared_equilibrium(game, shared, regime, preset, parameters)
    form, values = found.profile.form, found.profile.play.values
    said = found.profile.present(form)
    return VariationalEquilibrium(
        actions=MappingProxyType(
            {m.name: float(x) for m, x in zip(form.blocks[0].intervals, values, strict=True)}
        ),
        payoffs=MappingProxyType(said["payoffs"]),
        outcomes=MappingProxyType(said["outcomes"]),
        shared=MappingProxyType(dict(zip(shared, map(float, found.multipliers), strict=True))),
        unique=found.unique,
        certificate=certify_shared(form, values, found.matrix, found.limits, found.multipliers),
    )


def _require_strategic(form: object) -> None:
    from .forms.normal import NormalForm

    if not isinstance(form, NormalForm):
        raise RequestError(
            f"{type(form).__name__} is not a game in strategic form. Give a NormalForm: "
            "highfence.solve.form_of makes one of a game in which all decide at once, "
            "highfence.forms.reduce.reduced_strategic_form one of a tree"
        )


def _logit_result(form: NormalForm, profile: Profile, precision: float) -> LogitEquilibrium:
    strategies = {
        player: MappingProxyType(dict(zip(labels, map(float, vector), strict=True)))
        for player, labels, vector in zip(
            form.players, form.strategies, profile.strategies, strict=True
        )
    }
    payoffs = zip(form.players, map(float, form.expected_payoffs(profile)), strict=True)
    return LogitEquilibrium(
        precision=precision,
        strategies=MappingProxyType(strategies),
        payoffs=MappingProxyType(dict(payoffs)),
        profile=profile,
        certificate=certify_logit(form, profile, precision),
    )


def _quantity(form: NormalForm, objective: str) -> NDArray[np.float64]:
    known: dict[str, Any] = {
        "welfare": form.payoffs.sum(axis=0),
        **{name: form.outcomes[name] for name in form.outcomes},
        **dict(zip(form.players, form.payoffs, strict=True)),
    }
    if objective not in known:
        raise RequestError(f"unknown objective {objective!r}. {did_you_mean(objective, known)}")
    table: NDArray[np.float64] = known[objective]
    return table


def _mean(table: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return an expected value; 0 where what is left of it is rounding."""
    import numpy as np

    mean = float((table * weights).sum())
    return 0.0 if abs(mean) <= PROBABILITY * float(np.abs(table).max()) else mean


def _expected(form: NormalForm, distribution: NDArray[np.float64]) -> Mapping[str, float]:
    return MappingProxyType(
        {
            player: _mean(table, distribution)
            for player, table in zip(form.players, form.payoffs, strict=True)
        }
    )
