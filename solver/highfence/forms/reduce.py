"""Reductions: one form made into another, and answers carried back.

A :class:`Reduction` says which forms it ``accepts``; ``apply`` gives a
:class:`StrategicForm`, which holds the new form, whose ``invert`` turns a profile of the new
form into one of the old, and whose ``mixed`` does the reverse.

Definitions
-----------
A *pure strategy* of a tree is an action at each of the player's information sets. Two
pure strategies that differ only at information sets which the player's own earlier
actions exclude lead to the same play whatever others do; the *reduced* strategic form
keeps one of them. A *plan* is such a pure strategy, written as pairs (information set,
action) in the order of the information sets, without the excluded ones.

References
----------
Kuhn (1953), "Extensive games and the problem of information", theorem 4: under perfect
recall every mixed strategy has a behavior strategy with the same plays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitExceeded, NotApplicable, Problem
from .extensive import BehaviorProfile, ExtensiveForm
from .normal import NormalForm, Profile

__all__ = [
    "REDUCTIONS",
    "Plan",
    "Reduction",
    "StrategicForm",
    "Truncation",
    "plans_over",
    "reduced_strategic_form",
    "strategic_form",
    "without_idle",
]

Number = float | Fraction
Plan = tuple[tuple[int, int], ...]
"""Pairs (information set, action), information sets ascending."""
Choices = tuple[tuple[int, int], ...]
"""Pairs (information set, action) in the order in which they are taken."""

_INT64_SAFE = 2**62
_FLOAT_SAFE = 2**53


@dataclass(frozen=True, eq=False)
class Truncation:
    """The part of a tree from ``root`` down to ``ends``, where play is taken to stop.

    Make it by :meth:`of`. No information set may have nodes both inside and outside: so it
    is if the root is that of a subgame and the ends are terminals or roots of subgames.
    """

    form: ExtensiveForm
    root: int
    ends: tuple[int, ...]
    """Nodes at which play stops, ascending."""
    sets: tuple[int, ...]
    """Information sets inside, ascending."""
    chance: tuple[Number, ...]
    """Per end, the product of the probabilities of chance on the way from the root."""
    choices: tuple[Choices, ...]
    """Per end, what players do on the way from the root."""
    counts: Mapping[int, int]
    """Per player who moves inside, the number of pure strategies."""
    _ways: Mapping[int, tuple[Choices, ...]] = field(repr=False)
    """Per information set inside, its player's own choices that may precede it."""
    _reduced: bool = field(repr=False)
    _compatible: dict[tuple[int, Choices], NDArray[np.intp]] = field(
        default_factory=dict, repr=False
    )
    _actions: dict[int, tuple[dict[int, int], NDArray[np.int16]]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def plans(self) -> Mapping[int, tuple[Plan, ...]]:
        """Per player who moves inside, the pure strategies, lexicographic."""
        return {
            player: plans_over(self.form, player, self._ways, self._reduced)
            for player in self.counts
        }

    @classmethod
    def of(
        cls,
        form: ExtensiveForm,
        root: int = 0,
        ends: Collection[int] | None = None,
        *,
        reduced: bool = True,
        lotteries: Sequence[Sequence[Number]] | None = None,
    ) -> Truncation:
        """Return the part of ``form`` below ``root``, cut at ``ends`` and at terminals.

        Parameters
        ----------
        form
            Any extensive form; perfect recall is not needed here.
        root
            Node from which play starts.
        ends
            Nodes below the root where play stops; terminals always do.
        reduced
            Merge strategies that differ only where the player's own actions exclude it.
        lotteries
            Per node of the form, the probabilities of chance; by default those of the form,
            exact if it has exact ones.

        Raises
        ------
        LimitExceeded
            A player has more than ``limits.MAX_STRATEGIES`` pure strategies.
        """
        cut = frozenset(ends or ())
        stops: list[int] = []
        chance: list[Number] = []
        choices: list[Choices] = []
        ways: dict[int, dict[Choices, None]] = {}
        if lotteries is None:
            lotteries = form.exact_probabilities or form.probabilities
        waiting: list[tuple[int, Number, Choices]] = [(root, Fraction(1), ())]
        while waiting:
            node, weight, taken = waiting.pop()
            following = form.children[node]
            if not following or (node in cut and node != root):
                stops.append(node)
                chance.append(weight)
                choices.append(taken)
                continue
            here = int(form.information_set[node])
            steps: list[tuple[int, Number, Choices]]
            if here < 0:
                odds = lotteries[node]
                steps = [(child, weight * odds[k], taken) for k, child in enumerate(following)]
            else:
                own = _of_player(form, form.information_sets[here].player, taken)
                ways.setdefault(here, {})[own] = None
                steps = [(child, weight, (*taken, (here, k))) for k, child in enumerate(following)]
            waiting.extend(reversed(steps))
        inside = tuple(sorted(ways))
        before = {known: tuple(ways[known]) for known in inside}
        counts = {
            player: _number_of_plans(form, player, before, reduced)
            for player in sorted({form.information_sets[known].player for known in inside})
        }
        return cls(
            form, root, tuple(stops), inside, tuple(chance), tuple(choices), counts, before, reduced
        )

    def payoff_table(
        self,
        values: Mapping[int, Sequence[Number]],
        players: Sequence[int],
        axes: Sequence[int],
    ) -> NDArray[Any]:
        """Return expected payoffs for all profiles of plans.

        Parameters
        ----------
        values
            Per end, a number per player. If all of them and the probabilities of chance
            are rational, so is the table.
        players
            Whose payoffs.
        axes
            Players whose plans are the axes. All others who move inside must have one plan.

        Returns
        -------
        Shape ``(len(players), number of plans of axes[0], ...)``: objects (Fraction) or
        float64.

        Raises
        ------
        LimitExceeded
            More than ``limits.MAX_CELLS`` entries.

        Notes
        -----
        Cost: entries times the number of outcomes of chance.
        """
        table, whole = self.scaled_table(values, players, axes)
        if table.dtype == np.float64:
            return table
        made = np.empty(table.size, dtype=object)
        made[:] = [Fraction(number, whole) for number in table.ravel().tolist()]
        return made.reshape(table.shape)

    def scaled_table(
        self,
        values: Mapping[int, Sequence[Number]],
        players: Sequence[int],
        axes: Sequence[int],
    ) -> tuple[NDArray[Any], int]:
        """Return expected payoffs times a number that makes them integers, and that number.

        Parameters are those of :meth:`payoff_table`. The table has int64 or, where these do not
        do, Python's integers; float64 and 1 where values or probabilities are floats.
        """
        gains = [
            [weight * values[end][player] for player in players]
            for end, weight in zip(self.ends, self.chance, strict=True)
        ]
        shape = (len(players), *(self.counts[player] for player in axes))
        self._check_size(shape)
        if any(isinstance(number, float) for row in gains for number in row):
            table: NDArray[Any] = np.zeros(shape)
            self._spread(table, axes, np.array(gains, dtype=np.float64))
            return table, 1
        # Sums of integers over one denominator: many times faster than sums of Fractions.
        whole = lcm(1, *(Fraction(number).denominator for row in gains for number in row))
        scaled = [[int(number * whole) for number in row] for row in gains]
        largest = sum(abs(number) for row in scaled for number in row)
        if len(axes) == 2 and largest < _FLOAT_SAFE:
            return self._multiplied(axes, np.array(scaled, dtype=np.float64)), whole
        table = np.zeros(shape, dtype=np.int64 if largest < _INT64_SAFE else object)
        self._spread(table, axes, np.array(scaled, dtype=table.dtype))
        return table, whole

    def metric_table(self, values: NDArray[np.float64], axes: Sequence[int]) -> NDArray[np.float64]:
        """Return the expected value of a metric for all profiles of plans, as float64.

        ``values`` has one number per node of the form; ``axes`` as in :meth:`payoff_table`.
        """
        shape = (1, *(self.counts[player] for player in axes))
        self._check_size(shape)
        table = np.zeros(shape)
        chance = np.array([float(weight) for weight in self.chance])
        self._spread(table, axes, (chance * values[list(self.ends)])[:, None])
        made: NDArray[np.float64] = table[0]
        return made

    def _check_size(self, shape: Sequence[int]) -> None:
        if prod(shape) > limits.MAX_CELLS:
            raise LimitExceeded(
                Problem(
                    f"subgame at {self.form.describe(self.root)}",
                    f"its strategic form has {' x '.join(map(str, shape[1:]))} pure profiles, "
                    f"{prod(shape)} payoffs; the limit is {limits.MAX_CELLS}",
                    "Raise highfence.limits.MAX_CELLS if memory allows.",
                )
            )

    def _spread(self, table: NDArray[Any], axes: Sequence[int], gains: NDArray[Any]) -> None:
        """Add the gain at every end to the cells of the profiles of plans that lead there."""
        for row, taken in zip(gains, self.choices, strict=True):
            cells: tuple[Any, ...] = np.ix_(*(self.compatible(player, taken) for player in axes))
            for position, gain in enumerate(row):
                if gain:
                    table[(position, *cells)] += gain

    def _multiplied(self, axes: Sequence[int], gains: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the table of two axes as a product of matrices: floats hold these integers."""
        sides = []
        for player in axes:
            keys: dict[Choices, int] = {}
            of = [
                keys.setdefault(_of_player(self.form, player, taken), len(keys))
                for taken in self.choices
            ]
            allowed = np.zeros((self.counts[player], len(keys)))
            for own, place in keys.items():
                allowed[self.compatible(player, own), place] = 1.0
            sides.append((np.array(of), allowed))
        (first, rows), (second, columns) = sides
        tables = []
        for gain in gains.T:
            between = np.zeros((rows.shape[1], columns.shape[1]))
            np.add.at(between, (first, second), gain)
            tables.append(np.rint(rows @ between @ columns.T).astype(np.int64))
        return np.stack(tables)

    def compatible(self, player: int, taken: Choices) -> NDArray[np.intp]:
        """Return the indices of the player's plans that agree with their part of ``taken``."""
        own = _of_player(self.form, player, taken)
        key = (player, own)
        if key not in self._compatible:
            places, actions = self._actions_of(player)
            agree = np.ones(len(actions), dtype=bool)
            for known, action in own:
                agree &= actions[:, places[known]] == action
            self._compatible[key] = np.flatnonzero(agree)
        return self._compatible[key]

    def _actions_of(self, player: int) -> tuple[dict[int, int], NDArray[np.int16]]:
        """Return a column per information set of a player; per plan its actions, -1 for none."""
        if player not in self._actions:
            plans = self.plans[player]
            own = [
                known for known in self.sets if self.form.information_sets[known].player == player
            ]
            places = {known: k for k, known in enumerate(own)}
            actions = np.full((len(plans), len(own)), -1, np.int16)
            for index, plan in enumerate(plans):
                for known, action in plan:
                    actions[index, places[known]] = action
            self._actions[player] = places, actions
        return self._actions[player]

    def behavior(
        self,
        weights: Mapping[int, Sequence[Number]],
        values: Mapping[int, Sequence[Number]],
    ) -> dict[int, tuple[Number, ...]]:
        """Return behavior strategies with the same plays as these mixed strategies.

        Parameters
        ----------
        weights
            Per player who moves inside, a probability per plan.
        values
            Per end, a number per player.

        Returns
        -------
        Per information set inside, a probability per action. Those that a player's own
        strategy excludes are filled by :meth:`complete`.

        Notes
        -----
        Requires perfect recall (Kuhn 1953). Where two nodes of one information set had
        different own histories, no such behavior strategy need exist.
        """
        made: dict[int, tuple[Number, ...]] = {}
        for known, before in self.own_histories().items():
            about = self.form.information_sets[known]
            odds, plans = weights[about.player], self.plans[about.player]
            sums: list[Number] = [Fraction(0)] * len(about.actions)
            for index in self.compatible(about.player, before).tolist():
                if odds[index]:
                    sums[dict(plans[index])[known]] += odds[index]
            if total := sum(sums, Fraction(0)):
                made[known] = tuple(part / total for part in sums)
        return self.complete(made, values)

    def complete(
        self,
        behavior: Mapping[int, Sequence[Number]],
        values: Mapping[int, Sequence[Number]],
    ) -> dict[int, tuple[Number, ...]]:
        """Return the behavior with information sets added that players themselves exclude.

        Parameters
        ----------
        behavior
            Probabilities per action at all information sets inside, but for those that
            their player's own choices reach with probability 0.
        values
            Per end, a number per player.

        Returns
        -------
        Per information set inside, ascending. What is added is the first action that is
        best against the strategies of the others, or simply the first one where these
        exclude the information set too. It changes no play and no one's gain from
        deviating, so a Nash equilibrium of this part stays one.
        """
        made = {known: tuple(odds) for known, odds in behavior.items()}
        excluded = [known for known in self.sets if known not in made]
        for known in excluded:
            made[known] = _pure(0, len(self.form.information_sets[known].actions))
        # Later information sets of a player have higher numbers, so this goes bottom up.
        for known in reversed(excluded):
            made[known] = self._reply(known, made, values)
        return {known: made[known] for known in self.sets}

    def own_histories(self) -> dict[int, Choices]:
        """Return, per information set inside, its player's own choices before it."""
        found: dict[int, Choices] = {}
        for taken in self.choices:
            for position, (known, _) in enumerate(taken):
                if known not in found:
                    player = self.form.information_sets[known].player
                    found[known] = _of_player(self.form, player, taken[:position])
        return found

    def _reply(
        self,
        known: int,
        behavior: Mapping[int, Sequence[Number]],
        values: Mapping[int, Sequence[Number]],
    ) -> tuple[Number, ...]:
        """Return the first action that is best at an information set, had it been reached."""
        about = self.form.information_sets[known]
        gains: list[Number] = [Fraction(0)] * len(about.actions)
        for end, weight, taken in zip(self.ends, self.chance, self.choices, strict=True):
            action, since = None, False
            for here, chosen in taken:
                if here == known:
                    action, since = chosen, True
                elif since or self.form.information_sets[here].player != about.player:
                    weight = weight * behavior[here][chosen]
            if action is not None and weight:
                gains[action] += weight * values[end][about.player]
        return _pure(gains.index(max(gains)), len(gains))

    def reach(self, behavior: Mapping[int, Sequence[Number]]) -> list[Number]:
        """Return the probability of every end if play starts at the root."""
        # Most ends are reached with probability 0, and most that are not by sure moves alone.
        taken_at_all = {
            (known, action): part
            for known, odds in behavior.items()
            for action, part in enumerate(odds)
            if part
        }
        sure = {
            step for step, part in taken_at_all.items() if part == 1 and not isinstance(part, float)
        }
        reached = []
        for weight, taken in zip(self.chance, self.choices, strict=True):
            for step in taken:
                if step in sure:
                    continue
                if step not in taken_at_all:
                    weight = behavior[step[0]][step[1]]
                    break
                weight = weight * taken_at_all[step]
            reached.append(weight)
        return reached


def _pure(action: int, count: int) -> tuple[Number, ...]:
    return tuple(Fraction(k == action) for k in range(count))


def _of_player(form: ExtensiveForm, player: int, taken: Choices) -> Choices:
    return tuple(step for step in taken if form.information_sets[step[0]].player == player)


def plans_over(
    form: ExtensiveForm,
    player: int,
    ways: Mapping[int, tuple[Choices, ...]],
    reduced: bool = True,
) -> tuple[Plan, ...]:
    """Return a player's pure strategies over some information sets, lexicographic.

    Parameters
    ----------
    ways
        Per information set (those of other players are passed over), the player's own
        choices that may precede it.
    reduced
        Leave out information sets that a plan's own choices exclude.

    Raises
    ------
    LimitExceeded
        More than ``limits.MAX_STRATEGIES``.

    Notes
    -----
    A plan grows by the first information set that its choices so far allow, until all of
    these are there.
    """
    own = [known for known in ways if form.information_sets[known].player == player]
    after = _sets_after(own, ways) if reduced else None
    if after is not None:
        if _count(form, after) > limits.MAX_STRATEGIES:
            raise _too_many(form, player, len(own))
        return tuple(sorted(_plans_after(form, after, ())))
    before = [(known, [frozenset(way) for way in ways[known]]) for known in own]
    made: list[Plan] = []
    waiting: list[dict[int, int]] = [{}]
    while waiting:
        plan = waiting.pop()
        chosen = set(plan.items())
        for known, needs in before:
            if known not in plan and (not reduced or any(need <= chosen for need in needs)):
                count = len(form.information_sets[known].actions)
                waiting.extend({**plan, known: action} for action in reversed(range(count)))
                break
        else:
            made.append(tuple(sorted(chosen)))
        if len(made) + len(waiting) > limits.MAX_STRATEGIES:
            raise _too_many(form, player, len(own))
    return tuple(made)


def _number_of_plans(
    form: ExtensiveForm, player: int, ways: Mapping[int, tuple[Choices, ...]], reduced: bool
) -> int:
    """Return how many pure strategies a player has over some information sets.

    Raises
    ------
    LimitExceeded
        More than ``limits.MAX_STRATEGIES``.
    """
    own = [known for known in ways if form.information_sets[known].player == player]
    after = _sets_after(own, ways)
    if not reduced:
        number = prod(len(form.information_sets[known].actions) for known in own)
    elif after is not None:
        number = _count(form, after)
    else:
        number = len(plans_over(form, player, ways))
    if number > limits.MAX_STRATEGIES:
        raise _too_many(form, player, len(own))
    return number


def _too_many(form: ExtensiveForm, player: int, sets: int) -> LimitExceeded:
    return LimitExceeded(
        Problem(
            form.title or "game",
            f"{form.players[player]!r} has more than {limits.MAX_STRATEGIES} pure "
            f"strategies over {sets} information sets",
            "Raise highfence.limits.MAX_STRATEGIES if time and memory allow.",
        )
    )


def _sets_after(
    own: Sequence[int], ways: Mapping[int, tuple[Choices, ...]]
) -> dict[Choices, list[int]] | None:
    """Return the information sets right after each own choice, or None where a player forgets."""
    if any(len(ways[known]) > 1 for known in own):
        return None
    after: dict[Choices, list[int]] = {}
    for known in sorted(own):
        (way,) = ways[known]
        after.setdefault(way[-1:], []).append(known)
    return after


def _count(form: ExtensiveForm, after: Mapping[Choices, Sequence[int]]) -> int:
    """Return how many reduced pure strategies there are."""
    number: dict[Choices, int] = {}
    # Sets that come later have higher numbers.
    for last, following in sorted(after.items(), key=lambda item: item[1][0], reverse=True):
        number[last] = prod(
            sum(
                number.get(((known, action),), 1)
                for action in range(len(form.information_sets[known].actions))
            )
            for known in following
        )
    return number.get((), 1)


def _plans_after(
    form: ExtensiveForm, after: Mapping[Choices, Sequence[int]], last: Choices
) -> list[Plan]:
    """Return the plans over all information sets after an own choice, each sorted."""
    made: list[Plan] = [()]
    for known in after.get(last, ()):
        mine = [
            ((known, action), *rest)
            for action in range(len(form.information_sets[known].actions))
            for rest in _plans_after(form, after, ((known, action),))
        ]
        made = [(*plan, *part) for plan in made for part in mine]
    return [tuple(sorted(plan)) for plan in made]


@dataclass(frozen=True, eq=False)
class StrategicForm:
    """A strategic form of a tree, and the way back.

    ``plans[i][k]`` is what strategy ``k`` of player ``i`` does.
    """

    form: NormalForm
    original: ExtensiveForm
    plans: tuple[tuple[Plan, ...], ...]
    tree: Truncation = field(repr=False)

    def invert(self, profile: Profile) -> BehaviorProfile:
        """Return the behavior profile with the same plays as a mixed profile.

        Exact if form and profile are. Where a player's own strategy excludes an
        information set, the behavior is a best reply there, as :meth:`Truncation.behavior`
        describes.

        Raises
        ------
        NotApplicable
            A player does not have perfect recall: then a mixed strategy need not have an
            equivalent behavior strategy.
        """
        _require_perfect_recall(self.original)
        weights = {player: profile.strategies[player] for player in self.tree.plans}
        behavior = self.tree.behavior(weights, _terminal_values(self.original, self.tree.ends))
        return BehaviorProfile(
            tuple(behavior[known] for known in range(len(self.original.information_sets)))
        )

    def mixed(self, profile: BehaviorProfile) -> Profile:
        """Return the mixed profile with the same plays as a behavior profile.

        A plan has the product of the probabilities of its actions: the choices at different
        information sets are made independently. Exact if the profile is.

        Raises
        ------
        NotApplicable
            A play passes one information set twice: then no mixed strategy need have the same
            plays (Piccione and Rubinstein 1997).

        Notes
        -----
        :meth:`invert` undoes it wherever the player's own choices do not exclude the
        information set (Kuhn 1953).

        Examples
        --------
        >>> from highfence.forms.extensive import Move, Terminal
        >>> later = Move(0, "later", ("l", "r"), (Terminal((1,)), Terminal((2,))))
        >>> first = Move(0, "first", ("go", "stay"), (later, Terminal((0,))))
        >>> game = reduced_strategic_form.apply(ExtensiveForm.from_tree(["one"], first))
        >>> half, third = Fraction(1, 2), Fraction(1, 3)
        >>> behavior = BehaviorProfile(((half, half), (third, 1 - third)))
        >>> dict(zip(game.form.strategies[0], map(str, game.mixed(behavior).strategies[0])))
        {'first: go, later: l': '1/6', 'first: go, later: r': '1/3', 'first: stay': '1/2'}
        """
        for taken in self.tree.choices:
            known = [here for here, _ in taken]
            if len(set(known)) < len(known):
                twice = next(here for here in known if known.count(here) > 1)
                about = self.original.information_sets[twice]
                raise NotApplicable(
                    f"a play passes information set {about.label!r} of "
                    f"{self.original.players[about.player]!r} twice: then no mixed strategy need "
                    "have the same plays as a behavior strategy"
                )
        odds: Sequence[Sequence[Any]] = profile.probabilities
        return Profile(
            tuple(
                tuple(prod(odds[known][action] for known, action in plan) for plan in plans)
                for plans in self.plans
            )
        )


@dataclass(frozen=True)
class Reduction:
    """A way to make one form into another and to carry profiles back."""

    name: str
    source: type
    target: type
    accepts: Callable[[Any], bool] = field(repr=False)
    """True if the form can be made over *and* every profile carried back."""
    apply: Callable[[Any], StrategicForm] = field(repr=False)
    about: str = ""


def _require_perfect_recall(form: ExtensiveForm) -> None:
    witness = form.perfect_recall()
    if witness is not None:
        player, label = witness
        raise NotApplicable(
            f"{form.players[player]!r} does not have perfect recall: at information set "
            f"{label!r} they have forgotten what they knew or did. Mixed strategies then need "
            "not have equivalent behavior strategies (Kuhn 1953)"
        )


def _terminal_values(form: ExtensiveForm, ends: Sequence[int]) -> dict[int, tuple[Number, ...]]:
    table: NDArray[Any] = form.payoffs if form.exact is None else form.exact
    return {end: tuple(table[end].tolist()) for end in ends}


def _strategic(form: ExtensiveForm, reduced: bool) -> StrategicForm:
    tree = Truncation.of(form, reduced=reduced)
    everyone = range(form.num_players)
    axes = list(tree.plans)
    values = _terminal_values(form, tree.ends)
    idle = [k + 1 for k in everyone if k not in tree.plans]
    payoffs = np.expand_dims(tree.payoff_table(values, everyone, axes), idle)
    plans = tuple(tree.plans.get(player, ((),)) for player in everyone)
    made = NormalForm.from_payoffs(
        payoffs,
        players=form.players,
        strategies=[_labels(form, player, plans[player]) for player in everyone],
        title=form.title,
        outcomes={
            name: np.expand_dims(tree.metric_table(metric, axes), [k - 1 for k in idle])
            for name, metric in form.outcomes.items()
        },
    )
    return StrategicForm(made, form, plans, tree)


def _labels(form: ExtensiveForm, player: int, plans: Sequence[Plan]) -> list[str]:
    """Return a distinct label per plan: the actions, with information sets if several."""
    if plans == ((),):
        return ["(no move)"]
    several = len(form.sets_of(player)) > 1

    def words() -> Iterator[str]:
        for plan in plans:
            yield ", ".join(
                f"{about.label}: {about.actions[action]}" if several else about.actions[action]
                for about, action in ((form.information_sets[known], a) for known, a in plan)
            )

    labels = list(words())
    if len(set(labels)) < len(labels):  # labels that hold ", " or ": " themselves
        labels = [f"{number}. {label}" for number, label in enumerate(labels, start=1)]
    return labels


def _has_perfect_recall(form: Any) -> bool:
    return isinstance(form, ExtensiveForm) and form.perfect_recall() is None


reduced_strategic_form = Reduction(
    "reduced strategic form",
    ExtensiveForm,
    NormalForm,
    accepts=_has_perfect_recall,
    apply=lambda form: _strategic(form, reduced=True),
    about="strategies that differ only where the player's own actions exclude it are one",
)
"""Tree -> reduced strategic form. Exact payoffs are kept; ``apply`` raises
:class:`highfence.errors.LimitExceeded` beyond ``limits.MAX_STRATEGIES`` or ``limits.MAX_CELLS``."""

strategic_form = Reduction(
    "strategic form",
    ExtensiveForm,
    NormalForm,
    accepts=_has_perfect_recall,
    apply=lambda form: _strategic(form, reduced=False),
    about="one strategy per combination of actions over all information sets of a player",
)
"""Tree -> full strategic form; same limits."""

REDUCTIONS: tuple[Reduction, ...] = (reduced_strategic_form, strategic_form)


def without_idle(
    form: NormalForm,
) -> tuple[NormalForm, Callable[[Profile], Profile]] | None:
    """Return a game of three or more players as one of two, if no more have a choice.

    Parameters
    ----------
    form
        A game in which at most two players have more than one strategy.

    Returns
    -------
    The game of these two (of whom one or both may be without a choice, too) with exact payoffs
    kept, and what carries its profiles back; None for a game that is not of this kind. The
    metrics of the game are not kept.

    Examples
    --------
    >>> import numpy as np
    >>> game, back = without_idle(NormalForm.from_payoffs(np.zeros((3, 2, 1, 2), int)))
    >>> game.num_strategies, back(Profile(((1, 0), (0, 1)))).strategies
    ((2, 2), ((1, 0), (1,), (0, 1)))
    """
    kept = [player for player, count in enumerate(form.num_strategies) if count > 1]
    if form.num_players < 3 or len(kept) > 2:
        return None
    kept = sorted([*kept, *(k for k in range(form.num_players) if k not in kept)][:2])
    table: NDArray[Any] = form.payoffs if form.exact is None else form.exact
    axes = tuple(player + 1 for player in range(form.num_players) if player not in kept)

    def back(profile: Profile) -> Profile:
        ours = dict(zip(kept, profile.strategies, strict=True))
        return Profile(tuple(ours.get(player, (1,)) for player in range(form.num_players)))

    smaller = NormalForm.from_payoffs(
        table[kept].squeeze(axes),
        players=[form.players[player] for player in kept],
        strategies=[form.strategies[player] for player in kept],
        title=form.title,
    )
    return smaller, back
