"""Backward induction over the whole subgame structure of a tree.

Definitions
-----------
The *stage* of a subgame is what is left of it when the subgames inside it are cut off and
replaced by the payoffs of their continuations. A strategy profile is *subgame perfect* if
and only if, in every subgame, what it prescribes for the stage is an equilibrium of the
stage, given the payoffs of what it prescribes further down. So the subgames are solved from
the deepest up. Where a subgame has several equilibria, each counts: the stage above is
solved once for every combination of continuation payoffs.

Equilibria of a subgame are grouped into *continuations*, those with equal payoffs: the stage
above sees nothing else. A continuation is a list of ways to bring it about, each of which
is behavior in the stage together with a choice of continuations further down. The set of all
equilibria is thereby never written out, but counted, and listed from a number each (``_plans``).

All arithmetic is rational. Floats are read as their shortest decimals, and payoffs of one
player are multiplied by one number, which changes nothing and makes most of them integers.
The one exception: mixed equilibria of three or more players are in general irrational. They are
floats, and what they pay is rounded, so that higher up in the tree payoffs tie with it that
differ by no more than floats can tell.

References
----------
Kuhn (1953), "Extensive games and the problem of information"; Selten (1965, 1975), subgame
perfection; Mas-Colell, Whinston and Green (1995), propositions 9.B.1-3 and section 9.C.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import chain, islice, pairwise, product
from math import lcm, prod
from operator import mul
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import limits, tolerances
from ..errors import (
    LimitExceeded,
    LimitForeseen,
    MethodFailed,
    NotApplicable,
    Problem,
    RequestError,
)
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..forms.lift import exact_candidates
from ..forms.normal import NormalForm, Profile
from ..forms.reduce import Plan, Truncation, plans_over
from ..solution import Extremes, Findings, Finds, Support
from ._extremes import Ranges, extremes
from ._plans import MANY, Continuation, Listing, Way, extremes_first, grouped
from .extreme import extreme_enumeration
from .logit import logit
from .polynomial import path_count, polynomial_supports
from .rational_lp import matrix_game
from .registry import Method, for_form, form_name, get, method
from .sequence_form import (
    RealizationPlan,
    TooManyRays,
    extreme_realization_plans,
    is_strictly_competitive,
    minimax_realization_plans,
)

__all__ = ["Search", "backward_induction", "has_perfect_recall", "pure_sequential"]

Rational = Fraction | int
Values = Mapping[int, Sequence[Rational]]
Behavior = dict[int, tuple[Any, ...]]
_T = TypeVar("_T")

_MOST_BITS = 256
"""Payoffs are made integers if the common denominator has no more bits than this."""
_ROUNDED = 2**40
"""Steps into which the payoff scale is divided where payoffs of equilibria in floats are rounded:
far below what counts as a tie, and far above what floats lose."""
_SHOWN = 5
"""Subgames or information sets that one note names."""


def _forgotten(form: ExtensiveForm) -> tuple[int, str] | None:
    """Return a witness against perfect recall, or None."""
    if all(len(known.nodes) == 1 for known in form.information_sets):
        return None  # whoever always knows the node knows the past
    return form.perfect_recall()


def has_perfect_recall(form: ExtensiveForm) -> bool:
    """Return whether every player remembers what they knew and did."""
    return _forgotten(form) is None


@method(
    "backward_induction",
    form=ExtensiveForm,
    accepts=has_perfect_recall,
    finds=Finds.ALL,
    exact=True,
    source="Kuhn (1953); Selten (1965)",
    domain="perfect recall; mixtures of three or more players in one stage may be floats",
    rank=10,
    use="every subgame-perfect equilibrium of a game in stages",
)
def backward_induction(
    form: ExtensiveForm,
    *,
    inside: str | None = None,
    plans: int | None = None,
    limit: int | None = None,
    foresee: bool = False,
) -> Generator[BehaviorProfile, None, Findings]:
    """Yield all subgame-perfect equilibria that are built from extreme stage equilibria.

    Every subgame, from the deepest up, is solved for every combination of continuations. A
    node at which one player moves contributes all optimal actions, ties included; a stage of
    two players, all its extreme equilibria, mixed ones too; a stage of more players, its pure
    ones and all isolated mixed ones.

    Parameters
    ----------
    form
        A tree with perfect recall.
    inside
        A method for strategic forms (``"lemke_howson"``, ``"pure_enumeration"``, ``"logit"``,
        ...) that solves the reduced strategic form of every stage in which two or more players
        have a choice, in place of the above. What is found is complete if that method promises
        all equilibria and finished.
    plans
        Where there are more equilibria than this, one is yielded for each outcome of play, that
        is for each distribution over the terminals; payoff vectors take turns. All by default.
    limit
        Most that are yielded; by default ``limits.MAX_EQUILIBRIA``, or
        ``limits.MAX_LISTED_OUTCOMES`` where one is yielded for each outcome. If there are more,
        those with the least or the greatest payoff of some player come first.
    foresee
        Search no mixed equilibria of a stage of two in which the number of rays, by how it
        grows, is expected to be more than 1.2 times ``limits.MAX_RAYS``.

    Yields
    ------
    BehaviorProfile
        Complete plans: each says what is done at every information set, also off the path.
        Exact probabilities, but for mixed equilibria of stages of three or more players that
        are no simple fractions: those are floats. First actions come first. All equilibria in
        pure strategies are among them, up to this: of plans that differ only at information
        sets which a player's own choice in the same stage excludes, one is listed, with a best
        reply there.

    Returns
    -------
    Findings
        Not ``complete`` if a stage of more than two players may have equilibria that are not
        isolated (as a rule it may where a player moves twice in it, or where others decide
        whether a move counts), if payoffs there are too close to what was found in floats to
        be told apart, or if a limit was reached (of a stage of two with more than ``MAX_RAYS``
        only one equilibrium is found if interests are opposed, else only pure ones):
        ``MAX_STAGE_GAMES``, ``MAX_STAGE_ENTRIES``, ``MAX_CONTINUATIONS``, ``MAX_RAYS``,
        ``MAX_RAY_COMPARISONS``, ``MAX_SUPPORT_PATHS``, ``MAX_STAGE_PATHS``, ``MAX_EQUILIBRIA`` or
        ``MAX_LISTED_PROBABILITIES`` of :mod:`highfence.limits`. The notes name the subgames,
        and say where equilibria form a continuum. ``count`` and ``outcomes`` are exact, and made
        without listing anything; so are the ``extremes``, given where not all are yielded. At
        ``MAX_STAGE_GAMES`` or ``MAX_CONTINUATIONS`` not all are counted (``more``), and an
        extreme may be a bound that none meets: it says so.

    Raises
    ------
    NotApplicable
        A player does not have perfect recall. Then optimal play at an information set may
        depend on what its player plans elsewhere, and induction is not valid.
        Or the method for the inside does not take the strategic form of a stage.
    RequestError
        ``inside`` is no method, or none for strategic forms.
    LimitExceeded
        The stage of a subgame is too large to be written down.
    LimitForeseen
        With ``foresee``, mixed equilibria were not searched, and there are no pure ones.

    Notes
    -----
    Where stage equilibria form a continuum, or a player is indifferent, the extreme points are
    listed. What mixtures of them bring about higher up in the tree is not searched. At
    information sets that play inside a stage does not reach, nothing but equilibrium of the
    stage is demanded; see :func:`pure_sequential`.

    In float games, and where a continuation was found in floats, actions within
    ``tolerances.REGRET_FLOAT`` of the payoff scale tie.

    Of a stage of three or more players the strategic form is solved by
    :func:`highfence.methods.polynomial.polynomial_supports`, and answers for its completeness
    are that method's: no path lost, an odd number of equilibria, indices that sum to one.

    Cost: linear in the nodes where subgames have one equilibrium and one mover at a time.

    Examples
    --------
    >>> from highfence.forms.extensive import Move, Terminal
    >>> react = Move(1, "react", ("fight", "share"), (Terminal((-1, -1)), Terminal((1, 1))))
    >>> entry = Move(0, "enter", ("out", "in"), (Terminal((0, 2)), react))
    >>> game = ExtensiveForm.from_tree(["entrant", "incumbent"], entry)
    >>> for profile in backward_induction(game):
    ...     print(*(str(p) for strategy in profile.probabilities for p in strategy))
    0 1 0 1
    """
    search = Search(form, foresee=foresee)
    if inside is None:
        return (yield from search.run(search.nash, plans, limit))
    chosen = get(inside)
    if chosen.form is not NormalForm:
        fitting = ", ".join(made.name for made in for_form(NormalForm))
        raise RequestError(
            f"inside = {inside!r} takes {form_name(chosen.form)} forms; the stages of a tree are "
            f"solved as strategic forms, by one of: {fitting}"
        )
    return (yield from search.run(partial(search.by, chosen), plans, limit))


@method(
    "pure_sequential",
    form=ExtensiveForm,
    accepts=has_perfect_recall,
    finds=Finds.ALL,
    exact=True,
    source="Mas-Colell, Whinston & Green (1995), def. 9.C.3",
    domain="perfect recall; all of the weak perfect Bayesian equilibria in pure strategies",
    rank=30,
    use="pure plans with beliefs, where moves or types are hidden",
)
def pure_sequential(
    form: ExtensiveForm, *, plans: int | None = None, limit: int | None = None
) -> Generator[BehaviorProfile, None, Findings]:
    """Yield all pure profiles that are subgame perfect and weak perfect Bayesian.

    The pure equilibria of every stage are enumerated and completed in all ways at information
    sets which players exclude themselves; those are kept at which, at every information set,
    some belief makes what is prescribed from there on optimal.

    Parameters
    ----------
    form
        A tree with perfect recall.
    plans, limit
        As for :func:`backward_induction`.

    Yields
    ------
    BehaviorProfile
        Complete plans, exact. Plans that differ anywhere are different profiles.

    Returns
    -------
    Findings
        As for :func:`backward_induction`; mixed equilibria are never searched.

    Raises
    ------
    NotApplicable
        A player does not have perfect recall.
    LimitExceeded
        A stage is too large, or has more than ``limits.MAX_COMPLETIONS`` completions.

    Notes
    -----
    What is demanded at an information set, inside the smallest subgame that contains it:
    where the player's own choices could reach it against the strategies of the others (on the
    path in particular), the belief is that of Bayes' rule; elsewhere any belief over its
    nodes will do. Given the belief, no continuation strategy of the player does better
    than the prescribed one. Beliefs at different information sets need not be consistent with
    each other beyond that, so a sequential equilibrium is one of these, not conversely.

    Examples
    --------
    A type that is weak with probability 1/10 pools with the strong one, or not at all:

    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> def send(name, fight, yields):
    ...     answer = Move(1, "signal", ("fight", "yield"), (Terminal(fight), Terminal(yields)))
    ...     return Move(0, name, ("silent", "signal"), (Terminal((0, 0)), answer))
    >>> types = (send("strong", (-1, -1), (2, 0)), send("weak", (-3, 1), (1, 0)))
    >>> root = Lottery("type", ("strong", "weak"), (Fraction(9, 10), Fraction(1, 10)), types)
    >>> game = ExtensiveForm.from_tree(["sender", "receiver"], root)
    >>> for profile in pure_sequential(game):
    ...     print(*(str(p) for strategy in profile.probabilities for p in strategy))
    1 0 1 0 1 0
    0 1 0 1 0 1
    """
    search = Search(form, beliefs=True)
    search.note("mixed", "mixed equilibria were not searched")
    return (yield from search.run(search.pure_and_sequential, plans, limit))


class _Pure(dict[tuple[int, int], tuple[Fraction, ...]]):
    """Pure strategies by the action taken and the number of actions, made when first asked for.

    All share one zero and one one: whoever compares or counts them does so by identity.
    """

    _NO, _YES = Fraction(0), Fraction(1)

    def __missing__(self, key: tuple[int, int]) -> tuple[Fraction, ...]:
        action, count = key
        made = (self._NO,) * action + (self._YES,) + (self._NO,) * (count - action - 1)
        self[key] = made
        return made


StageSolver = Callable[[Truncation, Values], Iterable[Behavior]]
Listed = Generator[
    BehaviorProfile, None, tuple[int, int, tuple[Support, ...], tuple[Extremes | None, ...]]
]


@dataclass(eq=False)
class Search:
    """The state of one run: solves stages from the deepest up, by a stage solver."""

    form: ExtensiveForm
    foresee: bool = False
    """Stages in which too many rays are expected are not searched for mixed equilibria."""
    beliefs: bool = False
    """Each equilibrium of a stage is asked for beliefs that support it, which takes longer."""
    foreseen: str = ""
    """The first of these, and why."""
    complete: bool = True
    games: int = 0
    paths: int = 0
    """Paths followed to mixed equilibria of stages of three or more players."""
    rounded: set[tuple[Rational, ...]] = field(default_factory=set)
    """Payoffs of continuations that were found in floats."""
    cut: set[int] = field(default_factory=set)
    """Roots of subgames of which not all continuations were followed up."""
    some: set[int] = field(default_factory=set)
    """Those among them of whose stages not all equilibria were."""
    behaviors: dict[int, list[tuple[Any, ...]]] = field(default_factory=dict)
    """Per stage that has one set of equilibria, whatever follows: where each of them leads."""
    notes: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        witness = _forgotten(self.form)
        if witness is not None:
            player, label = witness
            raise NotApplicable(
                f"backward induction needs perfect recall: at information set {label!r} "
                f"player {self.form.players[player]!r} has forgotten what they knew or did. "
                "Make the strategic form and solve that"
            )
        self.owners: list[int] = self.form.owner.tolist()
        self.sets: list[int] = self.form.information_set.tolist()
        self.lotteries = _rational_lotteries(self.form)
        self.values, self.slack, self.scale, self.units = _integer_payoffs(
            self.form, self.lotteries
        )
        self.after: list[list[Continuation]] = [[] for _ in self.owners]
        self.pure = _Pure()

    # --- the induction ---------------------------------------------------------------------

    def run(
        self, solve: StageSolver, plans: int | None = None, limit: int | None = None
    ) -> Generator[BehaviorProfile, None, Findings]:
        """Solve all subgames, then list the equilibria of the whole."""
        for node, following in enumerate(self.form.children):
            if not following:
                self.after[node] = [Continuation(self.values[node], [], 1)]
        roots = self.form.subgame_roots()
        known = frozenset(roots)
        for root in reversed(roots):
            self.after[root] = self._subgame(root, known, solve)
        if not roots:
            yield BehaviorProfile(())
            return Findings(complete=True, count=1, outcomes=1)
        if self.foreseen and not self.after[0]:
            raise LimitForeseen(
                Problem(
                    self.form.title or "game",
                    f"{self.foreseen}, and no pure equilibrium was found",
                    "Ask for backward_induction to have it tried.",
                )
            )
        count, outcomes, supports, bounds = yield from self._listed(plans, limit)
        texts = tuple(self._sentence(*entry) for entry in self.notes.values())
        return Findings(
            self.complete, texts, count=count, outcomes=outcomes, more=bool(self.cut),
            supports=supports, extremes=bounds,
        )  # fmt: skip

    def _subgame(self, root: int, roots: frozenset[int], solve: StageSolver) -> list[Continuation]:
        following = self.form.children[root]
        if all(child in roots or not self.form.children[child] for child in following):
            made = self._draw(root) if self.owners[root] == CHANCE else self._decide(root)
        else:
            made = self._stage(root, roots, solve)
        if len(made) > limits.MAX_CONTINUATIONS:
            self.cut_short(
                "continuations",
                f"more than {limits.MAX_CONTINUATIONS} payoff vectors of equilibria "
                "(highfence.limits.MAX_CONTINUATIONS), of which only some were followed up,",
                root,
            )
            made = extremes_first(made)[: limits.MAX_CONTINUATIONS]
            self.cut.add(root)
        return made

    def _decide(self, node: int) -> list[Continuation]:
        """Return the continuations of a subgame whose stage is one player's choice."""
        known, player = self.sets[node], self.owners[node]
        following = self.form.children[node]
        options = [self.after[child] for child in following]
        slack = self.slack[player]
        count = len(following)
        ways: list[tuple[tuple[Rational, ...], Way]] = []
        tied = False
        if not all(options):
            return []
        if max(map(len, options)) == 1 and not self.rounded:
            gains = [option[0].value[player] for option in options]
            enough = max(gains) - slack
            parts = tuple([option for option in options if option[0].ways])
            number = min(MANY, prod([option[0].count for option in options]))
            ways = [
                (
                    options[action][0].value,
                    Way(((known, self.pure[action, count]),), parts, number, (options[action][0],)),
                )
                for action, gain in enumerate(gains)
                if gain >= enough
            ]
            tied = len(ways) > 1
        else:
            for action, option in enumerate(options):
                for chosen in option:
                    gain = chosen.value[player]
                    allowed = [
                        [chosen]
                        if k == action
                        else [
                            other
                            for other in others
                            if other.value[player] <= gain + self._slack(player, chosen, other)
                        ]
                        for k, others in enumerate(options)
                    ]
                    if all(allowed):
                        tied = tied or any(
                            other.value[player] >= gain - self._slack(player, chosen, other)
                            for k, others in enumerate(allowed)
                            if k != action
                            for other in others
                        )
                        way = self._way(((known, self.pure[action, count]),), allowed, (chosen,))
                        ways.append((chosen.value, way))
        if tied:
            self._see(
                "tie",
                "indifference at {}: all pure choices are listed; mixtures of them are "
                "equilibria of the subgame too (infinitely many), and what mixtures bring about "
                "earlier in the game was not searched",
                self._set_name(known),
            )
        return grouped(ways)

    def _slack(self, player: int, one: Continuation, other: Continuation) -> Rational:
        """Return the difference below which two continuations are worth the same to a player."""
        if self.rounded and not self.rounded.isdisjoint((one.value, other.value)):
            return self.scale[player] * Fraction(tolerances.REGRET_FLOAT)
        return self.slack[player]

    def _draw(self, node: int) -> list[Continuation]:
        """Return the continuations of a subgame whose stage is one lottery."""
        odds = self.lotteries[node]
        whole = lcm(*(weight.denominator for weight in odds))
        weights = [weight.numerator * (whole // weight.denominator) for weight in odds]
        options = [self.after[child] for child in self.form.children[node]]
        ways = []
        for combination in self._combinations(options, node):
            sums = [
                sum(map(mul, weights, entries))
                for entries in zip(*(chosen.value for chosen in combination), strict=True)
            ]
            value = tuple(
                total // whole
                if isinstance(total, int) and not total % whole
                else Fraction(total) / whole
                for total in sums
            )
            if self.rounded and not self.rounded.isdisjoint(each.value for each in combination):
                value = self._round(value)
            drawn = tuple(each for each, weight in zip(combination, weights, strict=True) if weight)
            ways.append((value, self._way((), [[chosen] for chosen in combination], drawn)))
        return grouped(ways)

    def _stage(self, root: int, roots: frozenset[int], solve: StageSolver) -> list[Continuation]:
        """Return the continuations of a subgame whose stage has several nodes."""
        tree = Truncation.of(self.form, root, roots - {root}, lotteries=self.lotteries)
        inner = [end for end in tree.ends if self.form.children[end]]
        values: dict[int, Sequence[Rational]] = {
            end: self.values[end] for end in tree.ends if not self.form.children[end]
        }
        movers = list(tree.counts)
        known: dict[object, list[Behavior]] = {}
        ways = []
        for combination in self._combinations([self.after[end] for end in inner], root):
            for end, chosen in zip(inner, combination, strict=True):
                values[end] = chosen.value
            # Payoffs of those who do not move here change nothing about the stage.
            key = tuple(tuple(chosen.value[player] for player in movers) for chosen in combination)
            inexact = self.rounded and not self.rounded.isdisjoint(
                chosen.value for chosen in combination
            )
            if key not in known:
                if inexact:
                    self._say_what_floats_cannot_tell(tree, values)
                known[key] = list(solve(tree, values))
                if inexact:  # solved exactly, but for payoffs that are not
                    known[key] = list(map(_in_floats, known[key]))
            for behavior in known[key]:
                reached = tree.reach(behavior)
                met = {end: p for end, p in zip(tree.ends, reached, strict=True) if p}
                value: tuple[Rational, ...] = tuple(
                    sum((Fraction(p) * values[end][player] for end, p in met.items()), Fraction(0))
                    for player in range(self.form.num_players)
                )
                if inexact or any(isinstance(p, float) for odds in behavior.values() for p in odds):
                    value = self._round(value)
                parts = [[chosen] for chosen in combination]
                onward = tuple(
                    each for end, each in zip(inner, combination, strict=True) if end in met
                )
                way = self._way(tuple(behavior.items()), parts, onward, tuple(met.items()))
                ways.append((value, way))
        if len(known) == 1 and len(ways) > 1 and root not in self.some:
            ((_, found),) = known.items()
            self.behaviors[root] = [tuple(tree.reach(behavior)) for behavior in found]
        return grouped(ways)

    def _round(self, value: Sequence[Rational]) -> tuple[Rational, ...]:
        """Return payoffs that were found in floats, so that equal ones are equal, and keep them."""
        made = tuple(
            Fraction(round(number / step)) * step
            for number, step in zip(value, (each / _ROUNDED for each in self.scale), strict=True)
        )
        self.rounded.add(made)
        return made

    def _combinations(
        self, options: Sequence[Sequence[Continuation]], root: int
    ) -> Iterator[tuple[Continuation, ...]]:
        """Yield combinations of continuations, as long as the limit allows."""
        number = prod(len(option) for option in options)
        if number <= 1:
            yield from product(*options)
            return
        allowed = max(1, limits.MAX_STAGE_GAMES - self.games)
        self.games += min(number, allowed)
        if number > allowed:
            self.cut_short(
                "games",
                f"too many combinations of continuations ({number}; "
                f"highfence.limits.MAX_STAGE_GAMES is {limits.MAX_STAGE_GAMES} in all), of which "
                "only some were followed up,",
                root,
            )
            self.cut.add(root)
            first = _extreme_combinations(options, self.form.num_players)
            rest = (one for one in product(*options) if tuple(map(id, one)) not in first)
            yield from islice(chain(first.values(), rest), allowed)
            return
        yield from product(*options)

    def _way(
        self,
        behavior: tuple[tuple[int, tuple[Any, ...]], ...],
        parts: Sequence[Sequence[Continuation]],
        onward: tuple[Continuation, ...],
        reach: tuple[Any, ...] = (),
    ) -> Way:
        inner = tuple(part for part in parts if any(choice.ways for choice in part))
        counts = (sum(choice.count for choice in part) for part in parts)
        return Way(behavior, inner, min(MANY, prod(counts)), onward, reach)

    # --- listing ---------------------------------------------------------------------------

    def _listed(self, plans: int | None, limit: int | None) -> Listed:
        """Yield all equilibria, or one per outcome where there are more than ``plans``."""
        size = max(1, sum(len(known.actions) for known in self.form.information_sets))
        listing = Listing(self.after[0], len(self.form.information_sets))
        count, outcomes = listing.plans, listing.outcomes
        one_of_each = plans is not None and count > plans
        room = limits.MAX_LISTED_PROBABILITIES // size
        usual = limits.MAX_LISTED_OUTCOMES if one_of_each else limits.MAX_EQUILIBRIA
        most = max(1, min(usual if limit is None else limit, room))
        found = outcomes if one_of_each else count
        if found > most:
            self.complete = False
            what = "outcomes of play" if one_of_each else "equilibria"
            said = f"at least 10 ** {len(str(MANY)) - 1}" if found == MANY else f"{found}"
            named = "MAX_LISTED_OUTCOMES" if one_of_each else "MAX_EQUILIBRIA"
            cause = (
                f"highfence.limits.{named} and MAX_LISTED_PROBABILITIES"
                if limit is None or most < limit
                else f"the limit asked for is {limit}"
            )
            self.note("listed", f"{said} {what} were found and {most} of them listed ({cause})")
        supports: list[Support] = []
        if one_of_each:
            for strategies, support in listing.one_of_each(most):
                supports.append(support)
                yield BehaviorProfile(strategies)
        else:
            for strategies in islice(listing.all_plans(in_turns=found > most), most):
                yield BehaviorProfile(strategies)
        bounds: tuple[Extremes | None, ...] = ()
        if found > most or self.cut:
            slack = self.slack
            if self.rounded:
                wide = Fraction(tolerances.REGRET_FLOAT)
                slack = tuple(max(s, w * wide) for s, w in zip(slack, self.scale, strict=True))
            ranges = Ranges(self.form, self.after, self.lotteries, slack, self.cut, self.behaviors)
            bounds = extremes(ranges, self.units)
        return count, outcomes, tuple(supports), bounds

    # --- stages of several nodes -----------------------------------------------------------

    def nash(self, tree: Truncation, values: Values) -> list[Behavior]:
        """Return the extreme equilibria of a stage of two, the isolated ones of more."""
        active = [player for player, count in tree.counts.items() if count > 1]
        if len(active) == 2:
            found = self.extreme(tree, active[0], active[1], values)
        elif len(active) > 2:
            found = self.isolated(tree, active, values)
        else:
            found = [self._behavior(tree, plans, values) for plans in self._pure(tree, values)]
            if len(found) > 1:
                self._continuum(tree)
        self._say_what_is_not_demanded(tree, found)
        return found

    def extreme(self, tree: Truncation, first: int, second: int, values: Values) -> list[Behavior]:
        """Return the extreme equilibria of a stage of two players, or the pure ones."""
        own = [
            sum(self.form.information_sets[known].player == player for known in tree.sets)
            for player in (first, second)
        ]
        pairs: list[tuple[object, ...]]
        if own == [1, 1]:
            game = NormalForm.from_payoffs(
                tree.payoff_table(values, (first, second), (first, second))
            )
            profiles, findings = _drained(extreme_enumeration(game))
            if not findings.complete:
                return self._pure_instead(tree, values, "; ".join(findings.notes))
            profiles = self._followed(
                tree, profiles, lambda profile: sum(map(_used, profile.strategies))
            )
            pairs = [profile.strategies for profile in profiles]
            found = [
                self._from_strategies(
                    tree, dict(zip((first, second), profile.strategies, strict=True)), values
                )
                for profile in profiles
            ]
        else:
            try:
                plans = extreme_realization_plans(tree, (first, second), values, self.foresee)
            except TooManyRays as passed:
                why = str(passed)
                if passed.foreseen and not self.foreseen:
                    self.foreseen = (
                        f"the stage of {self._subgame_name(tree.root)} is too large for all mixed "
                        f"equilibria ({why})"
                    )
                if not is_strictly_competitive(tree, (first, second), values):
                    return self._pure_instead(tree, values, why)
                self.complete = False
                self._see(
                    "minimax",
                    f"the stage of {{}} is too large for all equilibria ({why}): one was found by "
                    "a linear program; as interests are opposed, all have the same payoffs",
                    self._subgame_name(tree.root),
                )
                plans = [minimax_realization_plans(tree, (first, second), values)]
            plans = self._followed(
                tree, plans, lambda pair: _used(pair[0].values()) + _used(pair[1].values())
            )
            pairs = [(tuple(x.values()), tuple(y.values())) for x, y in plans]
            found = [self._from_realization_plans(tree, pair, values) for pair in plans]
        if any(len(set(side)) < len(pairs) for side in zip(*pairs, strict=True)):
            self._continuum(tree)
        return found

    def isolated(self, tree: Truncation, active: list[int], values: Values) -> list[Behavior]:
        """Return the pure equilibria of a stage of three or more players, and isolated mixed ones.

        If the stage is too large for that, or too many were solved before, a mixed equilibrium
        is sought only where there is no pure one.
        """
        paths = path_count(tuple(tree.counts[player] for player in active))
        self.paths += paths
        why = ""
        if paths > limits.MAX_SUPPORT_PATHS:
            why = "highfence.limits.MAX_SUPPORT_PATHS"
        elif self.paths > limits.MAX_STAGE_PATHS:
            why = "highfence.limits.MAX_STAGE_PATHS, for all stages together"
        if why:
            self.paths -= paths
            found = self._pure_instead(tree, values, f"{len(active)} players; {why}")
            if found:
                return found
        game = NormalForm.from_payoffs(tree.payoff_table(values, active, active))
        name = self._subgame_name(tree.root)
        if why and not logit.accepts(game):
            self.cut_short("no mixed", "no mixed equilibrium was sought", tree.root)
            return []
        try:
            profiles, findings = _drained((logit if why else polynomial_supports)(game))
        except (MethodFailed, NotApplicable, LimitExceeded):
            self.cut_short("no mixed", "no mixed equilibrium could be found", tree.root)
            return []
        if why:
            self._see(
                "logit", "one mixed equilibrium was found by the logit branch in the stage of {}",
                name,
            )  # fmt: skip
        elif findings.complete:
            self._see(
                "isolated",
                "all isolated equilibria of the stage of {} were found, by supports: each path "
                "came to a root of its own, the number of equilibria is odd and their indices "
                "sum to 1",
                name,
            )
        else:
            self.complete = False
            known = self.notes.get("doubts", ("", []))[1]
            if not any(place.startswith(f"{name} (") for place in known):
                self._see(
                    "doubts",
                    "all pure equilibria were found, but mixed ones may be missing, in the stage "
                    "of {}",
                    f"{name} ({'; '.join(findings.notes)})",
                )
        return self._from_profiles(tree, active, game, profiles, values)

    def by(self, chosen: Method, tree: Truncation, values: Values) -> list[Behavior]:
        """Return what a method for strategic forms finds in a stage of two or more players."""
        active = [player for player, count in tree.counts.items() if count > 1]
        if len(active) < 2:
            return self.nash(tree, values)
        game = NormalForm.from_payoffs(tree.payoff_table(values, active, active))
        name = self._subgame_name(tree.root)
        if not chosen.accepts(game):
            size = "x".join(map(str, game.num_strategies))
            raise NotApplicable(
                f"{chosen} does not take the stage of {name} ({size} strategies): it takes "
                f"{chosen.domain or 'fewer games'}"
            )
        self._see("by", f"the stage of {{}} was solved by {chosen}, for {chosen.use}", name)
        try:
            profiles, findings = _drained(chosen(game))
        except MethodFailed as failure:
            profiles, findings = [], Findings(complete=False, notes=(str(failure),))
        if not findings.complete or chosen.finds is not Finds.ALL:
            self.complete = False
            self._see(
                "by incomplete", f"{chosen} may have missed equilibria of the stage of {{}}", name
            )
        found = self._from_profiles(tree, active, game, profiles, values)
        self._say_what_is_not_demanded(tree, found)
        return found

    def _from_profiles(
        self,
        tree: Truncation,
        active: Sequence[int],
        game: NormalForm,
        profiles: Iterable[Profile],
        values: Values,
    ) -> list[Behavior]:
        """Return the behavior of mixed profiles, each once, exact where it is simple fractions."""
        name = self._subgame_name(tree.root)
        made: dict[tuple[tuple[int, ...], ...], Behavior] = {}
        for profile in profiles:
            exact = profile if profile.is_exact else _exact(game, profile)
            if exact is None:
                self._see(
                    "floats",
                    "mixed equilibria of the stage of {} are floats, as they are no simple "
                    "fractions; payoffs within "
                    f"{tolerances.REGRET_FLOAT:g} of the payoff scale count as equal to theirs",
                    name,
                )
            weights = dict(zip(active, (exact or profile).strategies, strict=True))
            behavior = self._from_strategies(tree, weights, values)
            # Mixed strategies over plans may come to the same behavior.
            same = tuple(
                tuple(round(p / tolerances.SAME) for p in odds) for odds in behavior.values()
            )
            made.setdefault(same, behavior)
        return list(made.values())

    def _pure_instead(self, tree: Truncation, values: Values, why: str) -> list[Behavior]:
        self.only_pure(tree, f"the stage of {{}} is too large for all mixed equilibria ({why})")
        return [self._behavior(tree, plans, values) for plans in self._pure(tree, values)]

    def _pure(self, tree: Truncation, values: Values) -> list[dict[int, Plan]]:
        """Return the pure equilibria of a stage as a plan per player."""
        active = [player for player, count in tree.counts.items() if count > 1]
        stable: NDArray[np.bool_] | None = None
        if active:
            table, _ = tree.scaled_table(values, active, active)
            stable = np.ones(table.shape[1:], dtype=bool)
            for axis, gains in enumerate(table):
                stable &= gains == gains.max(axis=axis, keepdims=True)
        rest = {player: plans[0] for player, plans in tree.plans.items()}
        if stable is None:
            return [rest]
        if not stable.any():
            self._see(
                "none", "no pure equilibrium in the stage of {}", self._subgame_name(tree.root)
            )
        return [
            rest | {player: tree.plans[player][k] for player, k in zip(active, chosen, strict=True)}
            for chosen in self._followed(tree, np.argwhere(stable).tolist())
        ]

    def _behavior(self, tree: Truncation, plans: Mapping[int, Plan], values: Values) -> Behavior:
        """Return the behavior of pure plans, completed where players exclude sets."""
        return tree.complete(
            self._prescribed(step for plan in plans.values() for step in plan), values
        )

    def _prescribed(self, steps: Iterable[tuple[int, int]]) -> Behavior:
        return {
            known: self.pure[action, len(self.form.information_sets[known].actions)]
            for known, action in steps
        }

    def _followed(
        self, tree: Truncation, found: list[_T], used: Callable[[_T], int] | None = None
    ) -> list[_T]:
        """Return the equilibria of a stage that are followed up, and note if these are not all.

        Those that mix least come first, by the number of actions that are ``used``.
        """
        size = sum(len(self.form.information_sets[known].actions) for known in tree.sets)
        size = (size + len(tree.ends)) * (10 if self.beliefs else 1)
        most = max(1, limits.MAX_STAGE_ENTRIES // size)
        if len(found) <= most:
            return found
        self.cut_short(
            "stage",
            f"only {most} of {len(found)} equilibria of one stage were followed up "
            "(highfence.limits.MAX_STAGE_ENTRIES), those that mix least,",
            tree.root,
        )
        self.cut.add(tree.root)
        self.some.add(tree.root)
        return found[:most] if used is None else sorted(found, key=used)[:most]

    def _from_strategies(
        self, tree: Truncation, weights: Mapping[int, Sequence[Any]], values: Values
    ) -> Behavior:
        certain = {player: (Fraction(1),) for player in tree.counts}
        return tree.behavior({**certain, **weights}, values)

    def _from_realization_plans(
        self, tree: Truncation, pair: tuple[RealizationPlan, RealizationPlan], values: Values
    ) -> Behavior:
        carried_out = {**pair[0], **pair[1]}
        behavior: Behavior = {}
        for known in tree.sets:
            actions = range(len(self.form.information_sets[known].actions))
            if len(actions) == 1:
                behavior[known] = self.pure[0, 1]
                continue
            odds = [carried_out[known, k] for k in actions]
            if total := sum(odds):
                behavior[known] = tuple(part / total for part in odds)
        return tree.complete(behavior, values)

    # --- sequential rationality ------------------------------------------------------------

    def pure_and_sequential(self, tree: Truncation, values: Values) -> Iterator[Behavior]:
        """Yield the pure equilibria of a stage that some beliefs support everywhere."""
        for plans in self._pure(tree, values):
            given = self._prescribed(step for plan in plans.values() for step in plan)
            free = [known for known in tree.sets if known not in given]
            sizes = [range(len(self.form.information_sets[known].actions)) for known in free]
            if (number := prod(map(len, sizes))) > limits.MAX_COMPLETIONS:
                raise LimitExceeded(
                    Problem(
                        self.form.title or "game",
                        f"an equilibrium of {self._subgame_name(tree.root)} can be completed in "
                        f"{number} ways at information sets that players exclude themselves; "
                        f"the limit is {limits.MAX_COMPLETIONS}",
                        "Raise highfence.limits.MAX_COMPLETIONS if you have the time.",
                    )
                )
            for actions in product(*sizes):
                behavior = given | self._prescribed(zip(free, actions, strict=True))
                if all(self.is_rational(tree, known, behavior, values) for known in tree.sets):
                    yield {known: behavior[known] for known in tree.sets}

    def is_rational(self, tree: Truncation, known: int, behavior: Behavior, values: Values) -> bool:
        """Return True if some admissible belief makes the prescribed continuation optimal."""
        about = self.form.information_sets[known]
        if len(about.actions) == 1 and len(about.nodes) == 1:
            return True
        player = about.player
        ends: list[list[tuple[Rational, tuple[tuple[int, int], ...]]]] = [[] for _ in about.nodes]
        ways: dict[int, dict[tuple[tuple[int, int], ...], None]] = {}
        for end in tree.ends:
            place = bisect_right(about.nodes, end) - 1
            if place < 0 or end >= self.form.end[about.nodes[place]]:
                continue
            weight, own = self._passage(about.nodes[place], end, player, behavior)
            for position, (later, _) in enumerate(own):
                ways.setdefault(later, {})[own[:position]] = None
            if weight:
                ends[place].append((weight * values[end][player], own))
        plans = plans_over(self.form, player, {later: tuple(ways[later]) for later in sorted(ways)})

        def worth(place: int, plan: set[tuple[int, int]]) -> Rational:
            return sum((gain for gain, own in ends[place] if plan.issuperset(own)), Fraction(0))

        kept = [
            sum(
                (gain * prod(behavior[later][k] for later, k in own) for gain, own in reached),
                Fraction(self.slack[player]),
            )
            for reached in ends
        ]
        losses = [
            [kept[place] - worth(place, set(plan)) for place in range(len(ends))] for plan in plans
        ]
        belief = [self._passage(tree.root, node, player, behavior)[0] for node in about.nodes]
        if any(belief):
            return all(
                sum(weight * loss for weight, loss in zip(belief, row, strict=True)) >= 0
                for row in losses
            )
        return matrix_game(losses)[0] >= 0

    def _passage(
        self, start: int, node: int, player: int, behavior: Behavior
    ) -> tuple[Rational, tuple[tuple[int, int], ...]]:
        """Return the probability that chance and others lead on, and the player's own steps."""
        weight: Rational = 1
        own = []
        while node != start:
            before, taken = int(self.form.parent[node]), int(self.form.branch[node])
            known = self.sets[before]
            if known < 0:
                weight *= self.lotteries[before][taken]
            elif self.owners[before] == player:
                own.append((known, taken))
            else:
                weight *= behavior[known][taken]
            node = before
        return weight, tuple(reversed(own))

    # --- notes -----------------------------------------------------------------------------

    def note(self, kind: str, text: str) -> None:
        """Add a note that names no place."""
        self.notes.setdefault(kind, (text, []))

    def _see(self, kind: str, text: str, place: str) -> None:
        """Add a place to the note of its kind; ``{}`` in the text stands for the places."""
        places = self.notes.setdefault(kind, (text, []))[1]
        if place not in places[: _SHOWN + 1]:
            places.append(place)

    def cut_short(self, kind: str, what: str, root: int) -> None:
        """Note that a subgame was not searched completely, and why."""
        self.complete = False
        self._see(kind, what + " in {}", self._subgame_name(root))

    def only_pure(self, tree: Truncation, text: str) -> None:
        """Note that mixed equilibria of a stage were not searched, and why."""
        self.complete = False
        self._see(
            text,
            text + ": only pure equilibria were searched there, mixed ones were not",
            self._subgame_name(tree.root),
        )

    def _say_what_floats_cannot_tell(self, tree: Truncation, values: Values) -> None:
        """Note that a stage has payoffs that may tie with some that were found in floats."""
        for player in tree.counts:
            slack = self.scale[player] * Fraction(tolerances.REGRET_FLOAT)
            gains = sorted({values[end][player] for end in tree.ends})
            if any(0 < more - less <= slack for less, more in pairwise(gains)):
                self.cut_short(
                    "close",
                    "payoffs of equilibria found in floats are too close to others to tell "
                    "whether they tie",
                    tree.root,
                )

    def _continuum(self, tree: Truncation) -> None:
        if tree.root == 0:
            self.note(
                "whole continuum",
                "infinitely many equilibria in the stage of the whole game: its extreme "
                "equilibria are listed, and all others are mixtures of them (of realization "
                "plans, one player at a time)",
            )
            return
        self._see(
            "continuum",
            "infinitely many equilibria in the stage of {}: its extreme equilibria are listed; "
            "what their mixtures bring about earlier in the game was not searched",
            self._subgame_name(tree.root),
        )

    def _say_what_is_not_demanded(self, tree: Truncation, found: Iterable[Behavior]) -> None:
        excluded = unreached = False
        histories = tree.own_histories().values()
        for behavior in found:
            if excluded and unreached:
                break
            for before in histories:
                excluded = excluded or any(not behavior[here][taken] for here, taken in before)
            reached = {
                step[0]
                for weight, taken in zip(tree.reach(behavior), tree.choices, strict=True)
                if weight
                for step in taken
            }
            unreached = unreached or len(reached) < len(tree.sets)
        if excluded:
            self._see(
                "excluded",
                "plans that differ only at information sets which a player's own choice excludes "
                "are listed once, with a best reply there (in {})",
                self._subgame_name(tree.root),
            )
        if unreached:
            self._see(
                "unreached",
                "at information sets that play does not reach inside the stage of {} only Nash "
                "equilibrium of the stage is demanded, not sequential rationality (the methods "
                "perfect_bayesian and pure_sequential demand it)",
                self._subgame_name(tree.root),
            )

    def _subgame_name(self, root: int) -> str:
        return "the whole game" if root == 0 else f"the subgame at {self.form.describe(root)}"

    def _set_name(self, known: int) -> str:
        about = self.form.information_sets[known]
        return f"{about.label!r} of {self.form.players[about.player]!r}"

    def _sentence(self, text: str, places: Sequence[str]) -> str:
        if not places:
            return text
        named = ", ".join(places[:_SHOWN]) + (" and others" if len(places) > _SHOWN else "")
        return text.format(named)


def _drained(
    profiles: Iterator[Profile],
) -> tuple[list[Profile], Findings]:
    """Return all that a generator yields, and what it returns."""
    found = []
    while True:
        try:
            found.append(next(profiles))
        except StopIteration as end:
            return found, end.value or Findings(complete=False)


def _used(odds: Iterable[Any]) -> int:
    return sum([1 for part in odds if part])


def _in_floats(behavior: Behavior) -> Behavior:
    """Return behavior with the odds of mixtures as floats."""
    return {
        known: odds if max(odds) == 1 else tuple(map(float, odds))
        for known, odds in behavior.items()
    }


def _exact(game: NormalForm, profile: Profile) -> Profile | None:
    """Return an equilibrium in rational probabilities next to one in floats, if one is simple."""
    payoffs = game.rational()
    for near in exact_candidates(game, profile):
        weights = [np.array(strategy, dtype=object) for strategy in near.strategies]
        for player, own in enumerate(weights):
            gains = payoffs[player]
            for other in reversed(range(len(weights))):
                if other != player:
                    gains = np.moveaxis(gains, other, -1) @ weights[other]
            if own @ gains != max(gains):
                break
        else:
            return near
    return None


def _ratio(number: Any) -> tuple[int, int]:
    """Return numerator and denominator of a number; of a float, those of its shortest decimal."""
    exact = Decimal(repr(number)) if isinstance(number, float) else number
    ratio: tuple[int, int] = exact.as_integer_ratio()
    return ratio


def _extreme_combinations(
    options: Sequence[Sequence[Continuation]], players: int
) -> dict[tuple[int, ...], tuple[Continuation, ...]]:
    """Return combinations in which all is least, or greatest, for one player, by identities."""
    made = {}
    for player in range(players):
        for end in (min, max):
            one = tuple(end(option, key=lambda e, who=player: e.value[who]) for option in options)  # type: ignore[misc]
            made[tuple(map(id, one))] = one
    return made


def _integer_payoffs(
    form: ExtensiveForm, lotteries: Sequence[tuple[Fraction, ...]]
) -> tuple[list[tuple[Rational, ...]], tuple[Rational, ...], tuple[Fraction, ...], tuple[int, ...]]:
    """Return payoffs per node, each player's in units that make them integers; slacks, scales and
    by what each player's payoffs were multiplied.

    The units are small enough that expected payoffs are integers too. A slack is the
    difference in payoff below which actions tie: 0 in exact games. A scale is the difference
    between a player's largest and smallest payoff, 1 where that is 0.
    """
    ends = form.terminals.tolist()
    table: list[list[Any]] = (form.payoffs if form.exact is None else form.exact)[ends].tolist()
    odds = _common_denominator(_path_denominators(form, lotteries))
    slacks: list[Rational] = []
    scales: list[Fraction] = []
    units: list[int] = []
    columns: list[list[Rational]] = []
    for column in zip(*table, strict=True):
        ratios = [_ratio(number) for number in column]
        whole = _common_denominator({denominator for _, denominator in ratios}) * odds
        scaled: list[Rational] = (
            [numerator * (whole // denominator) for numerator, denominator in ratios]
            if whole
            else [Fraction(numerator, denominator) for numerator, denominator in ratios]
        )
        width = max(scaled) - min(scaled)
        slack = width * Fraction(tolerances.REGRET_FLOAT)
        slacks.append(0 if form.is_exact else int(slack) if whole else slack)
        scales.append(Fraction(width or 1))
        units.append(whole or 1)
        columns.append(scaled)
    values: list[tuple[Rational, ...]] = [()] * form.num_nodes
    for end, value in zip(ends, zip(*columns, strict=True), strict=True):
        values[end] = value
    return values, tuple(slacks), tuple(scales), tuple(units)


def _path_denominators(form: ExtensiveForm, lotteries: Sequence[tuple[Fraction, ...]]) -> set[int]:
    """Return denominators such that each path's product of probabilities has one of them."""
    made = [1] * form.num_nodes
    for node, following in enumerate(form.children):
        here = made[node]
        if lotteries[node] and here:
            here *= lcm(*(weight.denominator for weight in lotteries[node]))
            here = here if here.bit_length() <= _MOST_BITS else 0
        if here != 1:
            for child in following:
                made[child] = here
    return set(made)


def _common_denominator(denominators: set[int]) -> int:
    """Return the least common denominator, or 0 if it is too long to be of use."""
    whole = 1
    for denominator in denominators:
        whole = lcm(whole, denominator)
        if not 0 < whole.bit_length() <= _MOST_BITS:
            return 0
    return whole


def _rational_lotteries(form: ExtensiveForm) -> Sequence[tuple[Fraction, ...]]:
    """Return the probabilities of chance per node; floats as decimals that sum to one."""
    if form.exact_probabilities is not None:
        return form.exact_probabilities
    made: list[tuple[Fraction, ...]] = []
    for odds in form.probabilities:
        exact = tuple(Fraction(*_ratio(weight)) for weight in odds)
        total = sum(exact, Fraction(0))
        made.append(tuple(entry / total for entry in exact))
    return made
