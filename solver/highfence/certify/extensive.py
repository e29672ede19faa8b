"""The judge of behavior strategy profiles of a tree.

Definitions
-----------
In a subgame, the *gain* of player ``i`` is what their best deviation inside the subgame adds
to their payoff there, with the strategies of all others as they are. A profile is a Nash
equilibrium if no one gains in the whole game, and *subgame perfect* if no one gains in any
subgame. The *regret* is the largest gain over ``scale_i``, the difference between the
player's largest and smallest payoff in the whole game (1 where that is 0).

A best deviation is found by dynamic programming over the player's information sets, the
last ones first: at each, the action with the largest payoff, nodes weighted by the
probability with which chance and the *others* lead there from the root of the subgame. With
perfect recall this is a best response (own earlier choices weight all nodes of a set
alike). What a subgame inside another one is worth to a deviator does not depend on how it was
reached, so one pass over the tree serves all subgames.

A subgame-perfect profile is called *weak perfect Bayesian* here if in addition, at every
information set, no continuation strategy of its player does better than the profile, given
some belief over its nodes. Inside the smallest subgame that contains the set, the belief is
that of Bayes' rule wherever the player's own choices could reach the set against the others'
strategies, so on the path in particular; elsewhere any belief will do. This is a little more
than Mas-Colell, Whinston and Green's definition 9.C.3 (they let beliefs be free also where
only the player's own earlier choices exclude the set), and less than sequential equilibrium.

References
----------
Kuhn (1953); Selten (1975); Mas-Colell, Whinston and Green (1995), sections 9.B-C; Fukuda and
Terlaky (1997), "Criss-cross methods", for the small exact linear program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import fsum, inf, isfinite
from typing import Any
from weakref import WeakKeyDictionary

from .. import tolerances
from ..errors import NotApplicable
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..solution import Certificate

__all__ = ["certify_extensive"]

_ROUNDS = 1_000
"""Deviations considered in the search for one belief, before it is left open."""


def certify_extensive(
    form: ExtensiveForm, profile: BehaviorProfile, tolerance: float | None = None
) -> Certificate:
    """Return the certificate of a behavior strategy profile.

    Parameters
    ----------
    form
        A tree with perfect recall.
    profile
        Probabilities over the actions of every information set.
    tolerance
        Largest regret for which the certificate holds; by default 0 if form and profile are
        rational (all arithmetic is then), else ``tolerances.REGRET_FLOAT``.

    Returns
    -------
    Certificate
        ``refinement`` is "subgame perfect" if no one gains in any subgame, on the path or
        off it; the regret is then the largest over all subgames. It is "weak perfect
        Bayesian", which includes subgame perfect, if play inside some subgame leaves
        information sets unreached, and the profile is optimal there too given some beliefs
        (see the module's definitions). Otherwise it is None, the regret is that of the whole
        game alone (plain Nash), and ``checks`` names a subgame in which someone gains.
        Regret ``inf`` if the numbers are not probabilities over the actions.

    Raises
    ------
    NotApplicable
        A player does not have perfect recall: then action by action optimality is not
        enough, and no certificate is given.

    Notes
    -----
    O(n N) for ``n`` nodes and ``N`` players, plus a small exact linear program per
    information set with free beliefs.
    """
    exact = form.is_exact and profile.is_exact
    tree = _tree_of(form, exact)
    if tolerance is None:
        tolerance = 0.0 if exact else tolerances.REGRET_FLOAT
    fault = _fault(form, profile)
    if fault is not None:
        return Certificate(inf, tolerance, exact=False, checks=(fault,))
    return _Judge(form, tree, profile, exact, tolerance).certificate()


def _fault(form: ExtensiveForm, profile: BehaviorProfile) -> str | None:
    """Return why the numbers are not a behavior profile of the form, or None if they are."""
    if len(profile.probabilities) != len(form.information_sets):
        return (
            f"strategies at {len(profile.probabilities)} information sets, "
            f"the game has {len(form.information_sets)}"
        )
    slack = 0.0 if profile.is_exact else tolerances.PROBABILITY
    fine: set[tuple[int, int]] = set()  # pure strategies are often one object at many sets
    for known, odds in zip(form.information_sets, profile.probabilities, strict=True):
        if (id(odds), len(known.actions)) in fine:
            continue
        place = f"{form.players[known.player]}, information set {known.label!r}"
        if len(odds) != len(known.actions):
            return f"{place}: {len(odds)} probabilities for {len(known.actions)} actions"
        # Of hundreds of probabilities most are one object, zero: each object is looked at once.
        distinct = {id(p): p for p in odds}.values()
        if not all(map(isfinite, distinct)):
            return f"{place}: a probability is not finite"
        if (least := min(distinct)) < -slack:
            return f"{place}: the probability {least} is negative"
        total: Any = sum(map(_rational, filter(None, odds))) if profile.is_exact else fsum(odds)
        if abs(total - 1) > slack:
            return f"{place}: probabilities sum to {total}"
        fine.add((id(odds), len(known.actions)))
    return None


class _Tree:
    """What the judge reads off a form, once for all profiles. Lists are per node."""

    def __init__(self, form: ExtensiveForm, exact: bool) -> None:
        # Whoever always knows the node remembers everything.
        if any(len(known.nodes) > 1 for known in form.information_sets):
            _require_perfect_recall(form)
        self.owners: list[int] = form.owner.tolist()
        self.sets: list[int] = form.information_set.tolist()
        table = (form.exact if exact and form.exact is not None else form.payoffs).tolist()
        self.payoffs: list[tuple[Any, ...]] = [
            () if following else tuple(map(_short, row)) if exact else tuple(row)
            for following, row in zip(form.children, table, strict=True)
        ]
        self.scale: list[Any] = [
            max(column) - min(column) or (1 if exact else 1.0)
            for column in zip(*(row for row in self.payoffs if row), strict=True)
        ]
        lotteries: Sequence[Sequence[Any]] = form.probabilities
        if exact and form.exact_probabilities is not None:
            lotteries = form.exact_probabilities
        self.draws = {
            node: _support(lotteries[node], exact)
            for node, owner in enumerate(self.owners)
            if owner == CHANCE
        }
        """Per lottery: (branch, probability), without zeros."""
        self.roots = form.subgame_roots()
        self.is_root = [False] * form.num_nodes
        for root in self.roots:
            self.is_root[root] = True
        self.is_single = [
            all(self.is_root[child] or not form.children[child] for child in form.children[root])
            for root in self.roots
        ]
        """Per subgame: its stage is one move."""


_TREES: WeakKeyDictionary[ExtensiveForm, dict[bool, _Tree]] = WeakKeyDictionary()
"""Trees of forms that are still in use: a form never changes, and has many profiles."""


def _tree_of(form: ExtensiveForm, exact: bool) -> _Tree:
    trees = _TREES.setdefault(form, {})
    if exact not in trees:
        trees[exact] = _Tree(form, exact)
    return trees[exact]


def _require_perfect_recall(form: ExtensiveForm) -> None:
    witness = form.perfect_recall()
    if witness is not None:
        player, label = witness
        raise NotApplicable(
            f"a behavior profile can be certified only with perfect recall: at information set "
            f"{label!r} player {form.players[player]!r} has forgotten what they knew or did"
        )


class _Judge:
    """One profile under examination. All lists are per node unless said otherwise."""

    def __init__(
        self,
        form: ExtensiveForm,
        tree: _Tree,
        profile: BehaviorProfile,
        exact: bool,
        tolerance: float,
    ) -> None:
        self.form, self.exact, self.tolerance = form, exact, tolerance
        self.owners, self.sets, self.draws = tree.owners, tree.sets, tree.draws
        self.roots, self.is_root, self.is_single = tree.roots, tree.is_root, tree.is_single
        self.payoffs, self.scale = tree.payoffs, tree.scale
        self.count = form.num_players
        self.zero: Any = 0 if exact else 0.0
        self.one: Any = 1 if exact else 1.0
        # What happens at each information set: (branch, probability), without zeros.
        distinct = {id(odds): odds for odds in profile.probabilities}
        supports = {key: _support(odds, exact) for key, odds in distinct.items()}
        self.moves = [supports[id(odds)] for odds in profile.probabilities]
        self.worth: list[tuple[Any, ...]] = self._worth()
        self.best = list(self.worth)
        """Per subgame root and terminal, payoffs from best deviations, each player's own."""
        self.gain: list[Any] = [self.zero] * self.count
        """Per player, the largest gain in any subgame."""
        self.place = [0] * self.count
        """Per player, the subgame where it is."""
        self.stages: dict[int, list[int]] = {}
        """Stages of several nodes: root -> information sets inside."""

    def _branches(self, node: int) -> list[tuple[int, Any]]:
        known = self.sets[node]
        return self.moves[known] if known >= 0 else self.draws[node]

    def _worth(self) -> list[tuple[Any, ...]]:
        """Return everybody's expected payoff at every node."""
        worth = list(self.payoffs)
        for node in range(len(worth) - 1, -1, -1):
            following = self.form.children[node]
            if following:
                worth[node] = self._mean(node, worth)
        return worth

    def _mean(self, node: int, values: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        following = self.form.children[node]
        branches = self._branches(node)
        if len(branches) == 1 and branches[0][1] == 1:
            return values[following[branches[0][0]]]
        return tuple(
            sum((weight * values[following[k]][player] for k, weight in branches), self.zero)
            for player in range(self.count)
        )

    # --- subgames --------------------------------------------------------------------------

    def certificate(self) -> Certificate:
        """Judge all subgames, then beliefs."""
        for root, is_single in zip(reversed(self.roots), reversed(self.is_single), strict=True):
            if is_single:
                self._judge_single(root)
            else:
                self._judge_stage(root)
            if self.best[root] is not self.worth[root]:
                for player in range(self.count):
                    gain = self.best[root][player] - self.worth[root][player]
                    if gain > self.gain[player]:
                        self.gain[player], self.place[player] = gain, root
        regrets = [gain / scale for gain, scale in self._with_scale(self.gain)]
        largest = max(regrets)
        total = len(self.roots)
        if largest <= self.tolerance:
            checks = [
                f"no one gains by any deviation in any of {total} subgame(s), on and off the path"
            ]
            return Certificate(
                largest, self.tolerance, self.exact, self._refinement(checks), tuple(checks)
            )
        whole = [
            max(best - worth, self.zero)
            for best, worth in zip(self.best[0], self.worth[0], strict=True)
        ]
        player = regrets.index(largest)
        root = self.place[player]
        where = "the whole game" if root == 0 else f"the subgame at {self.form.describe(root)}"
        return Certificate(
            max(gain / scale for gain, scale in self._with_scale(whole)),
            self.tolerance,
            self.exact,
            None,
            (
                f"in {where}, {self.form.players[player]} gains {float(largest):.3g} of their "
                "payoff scale by deviating",
                f"{total} subgame(s) checked, on and off the path",
            ),
        )

    def _with_scale(self, gains: Sequence[Any]) -> list[tuple[Any, Any]]:
        number: Any = Fraction if self.exact else float
        return [
            (number(gain), number(scale)) for gain, scale in zip(gains, self.scale, strict=True)
        ]

    def _judge_single(self, root: int) -> None:
        """Set what a subgame is worth whose stage is one move."""
        mean = self._mean(root, self.best)
        player = self.owners[root]
        if player >= 0:
            most = max(self.best[child][player] for child in self.form.children[root])
            if most > mean[player]:
                mean = (*mean[:player], most, *mean[player + 1 :])
        same = mean == self.worth[root]
        self.best[root] = self.worth[root] if same else mean

    def _judge_stage(self, root: int) -> None:
        """Set what a subgame is worth whose stage has several nodes."""
        inside = sorted({self.sets[node] for node in self._inner(root)} - {-1})
        self.stages[root] = inside
        movers = {self.form.information_sets[known].player for known in inside}
        mean = self._stage_mean(root)
        self.best[root] = tuple(
            self._respond(player, {root: self.one}, self.best)[0][root]
            if player in movers
            else mean[player]
            for player in range(self.count)
        )

    def _inner(self, root: int) -> list[int]:
        """Return the nodes of a stage at which someone moves, ascending."""
        found = []
        waiting = [root]
        while waiting:
            node = waiting.pop()
            found.append(node)
            waiting.extend(
                child
                for child in self.form.children[node]
                if self.form.children[child] and not self.is_root[child]
            )
        return sorted(found)

    def _stage_mean(self, root: int) -> tuple[Any, ...]:
        """Return payoffs of the stage if no one deviates in it, but may in later subgames."""
        values: dict[int, tuple[Any, ...]] = {}
        for node in reversed(self._inner(root)):
            following = self.form.children[node]
            values[node] = tuple(
                sum(
                    (
                        weight * values.get(following[k], self.best[following[k]])[player]
                        for k, weight in self._branches(node)
                    ),
                    self.zero,
                )
                for player in range(self.count)
            )
        return values[root]

    def _respond(
        self, player: int, start: Mapping[int, Any], values: Sequence[tuple[Any, ...]]
    ) -> tuple[dict[int, Any], dict[int, int], dict[int, Any]]:
        """Return a player's best response from some nodes of a stage on.

        Parameters
        ----------
        start
            Node -> weight; none of the nodes lies below another.
        values
            Payoffs of subgames below the stage, and at terminals.

        Returns
        -------
        tuple
            Node -> value to the player, for the start and all nodes with positive weight
            below; information set -> action, for the player's sets there; and the weights.
        """
        weight: dict[int, Any] = {}
        own: dict[int, list[int]] = {}
        value: dict[int, Any] = {}
        waiting = list(start.items())
        order = []
        while waiting:
            node, reached = waiting.pop()
            following = self.form.children[node]
            if not following or (self.is_root[node] and node not in start):
                value[node] = values[node][player]
                continue
            weight[node] = reached
            if self.owners[node] == player:
                own.setdefault(self.sets[node], []).append(node)
                waiting.extend((child, reached) for child in following)
            else:
                order.append(node)
                waiting.extend((following[k], reached * p) for k, p in self._branches(node))
        choice: dict[int, int] = {}
        # A player's later information sets have higher numbers, so below a set all is decided.
        for known in sorted(own, reverse=True):
            nodes = own[known]
            for node in nodes:
                for child in self.form.children[node]:
                    self._evaluate(child, player, value)
            sums = [
                sum(
                    (weight[node] * value[self.form.children[node][k]] for node in nodes), self.zero
                )
                for k in range(len(self.form.information_sets[known].actions))
            ]
            choice[known] = sums.index(max(sums))
            for node in nodes:
                value[node] = value[self.form.children[node][choice[known]]]
        for node in start:
            self._evaluate(node, player, value)
        return value, choice, weight

    def _evaluate(self, node: int, player: int, value: dict[int, Any]) -> None:
        """Add the values of a node and of what follows, down to nodes that have one."""
        waiting = [node]
        while waiting:
            here = waiting[-1]
            if here in value:
                waiting.pop()
                continue
            following = self.form.children[here]
            branches = self._branches(here)
            missing = [following[k] for k, _ in branches if following[k] not in value]
            if missing:
                waiting.extend(missing)
            else:
                value[here] = sum((p * value[following[k]] for k, p in branches), self.zero)
                waiting.pop()

    # --- beliefs ---------------------------------------------------------------------------

    def _refinement(self, checks: list[str]) -> str:
        """Return what a subgame-perfect profile is, and add to the checks why."""
        free: list[tuple[int, int]] = []
        unreached = False
        for root, inside in self.stages.items():
            reached = self._reached(root)
            missed = [
                known
                for known in inside
                if not any(reached.get(node) for node in self.form.information_sets[known].nodes)
            ]
            unreached = unreached or bool(missed)
            for player in {self.form.information_sets[known].player for known in missed}:
                value, _, weight = self._respond(player, {root: self.one}, self.worth)
                for known in missed:
                    about = self.form.information_sets[known]
                    if about.player != player:
                        continue
                    total = sum((weight.get(node, self.zero) for node in about.nodes), self.zero)
                    if not total:
                        free.append((root, known))
                        continue
                    gain = sum(
                        weight[node] * (value[node] - self.worth[node][player])
                        for node in about.nodes
                        if node in weight
                    )
                    if gain / total > self.tolerance * self.scale[player]:
                        checks.append(self._name(known) + " not optimal, had it been reached")
                        return "subgame perfect"
        if not unreached:
            return "subgame perfect"
        for _, known in free:
            verdict = self._has_belief(known)
            if not verdict:
                checks.append(
                    self._name(known)
                    + (" optimal under no belief" if verdict is False else " left open")
                )
                return "subgame perfect"
        checks.append(
            "at information sets that play does not reach inside a subgame, some belief makes "
            f"the profile optimal ({len(free)} with a free belief, elsewhere Bayes' rule)"
        )
        return "weak perfect Bayesian"

    def _name(self, known: int) -> str:
        about = self.form.information_sets[known]
        return f"what {self.form.players[about.player]} plans at information set {about.label!r} is"

    def _reached(self, root: int) -> dict[int, Any]:
        """Return the probabilities of the nodes of a stage that play reaches from its root."""
        reached = {root: self.one}
        for node in self._inner(root):
            if node in reached:
                for k, p in self._branches(node):
                    reached[self.form.children[node][k]] = reached[node] * p
        return reached

    def _has_belief(self, known: int) -> bool | None:
        """Return whether some belief makes the profile optimal at an information set.

        Deviations that refute a belief are collected, and the belief that does best against
        all of them is tried next, until one is not refuted or none is left. None if this
        did not end.
        """
        about = self.form.information_sets[known]
        nodes, player = about.nodes, about.player
        slack = Fraction(self.tolerance) * Fraction(self.scale[player])
        belief = [Fraction(1, len(nodes))] * len(nodes)
        rows: list[list[Fraction]] = []
        for _ in range(_ROUNDS):
            start = {
                node: p if self.exact else float(p) for node, p in zip(nodes, belief, strict=True)
            }
            _, choice, _ = self._respond(player, start, self.worth)
            deviation = self._follow(player, choice, nodes)
            row = [Fraction(self.worth[node][player]) - Fraction(deviation[node]) for node in nodes]
            if sum(p * loss for p, loss in zip(belief, row, strict=True)) >= -slack:
                return True
            rows.append(row)
            most, belief = _best_belief(rows)
            if most < -slack:
                return False
        return None

    def _follow(
        self, player: int, choice: Mapping[int, int], nodes: Sequence[int]
    ) -> dict[int, Any]:
        """Return the player's payoffs from the nodes if they take these actions."""
        value: dict[int, Any] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting[-1]
            following = self.form.children[node]
            if node in value:
                waiting.pop()
                continue
            if not following or (self.is_root[node] and node not in nodes):
                value[node] = self.worth[node][player]
                continue
            own = choice.get(self.sets[node]) if self.owners[node] == player else None
            branches = self._branches(node) if own is None else [(own, self.one)]
            missing = [following[k] for k, _ in branches if following[k] not in value]
            if missing:
                waiting.extend(missing)
            else:
                value[node] = sum((p * value[following[k]] for k, p in branches), self.zero)
        return value


def _rational(number: Any) -> Fraction:
    return Fraction(number)


def _short(number: Fraction) -> Fraction | int:
    """Return an integer as int: its arithmetic is many times faster."""
    return number.numerator if number.denominator == 1 else number


def _support(odds: Sequence[Any], exact: bool) -> list[tuple[int, Any]]:
    return [(k, _short(Fraction(p)) if exact else float(p)) for k, p in enumerate(odds) if p != 0]


def _best_belief(rows: Sequence[Sequence[Fraction]]) -> tuple[Fraction, list[Fraction]]:
    """Return the largest guaranteed value of a mixture over columns, and the mixture.

    Maximizes over beliefs the least of ``sum of row[x] belief[x]`` over the rows. With all
    entries shifted to be at least 1, ``u = belief / value`` minimizes ``sum of u`` subject to
    ``row u >= 1``, ``u >= 0``. The dictionary of that program is dual feasible from the start,
    and pivots by least index keep it so until it is primal feasible.
    """
    lift = 1 - min(min(row) for row in rows)
    width = len(rows[0])
    # Line of a basic variable: constant, then coefficients of the nonbasic ones.
    lines = [[Fraction(-1), *(entry + lift for entry in row)] for row in rows]
    cost = [Fraction(0), *([Fraction(1)] * width)]
    basic = [width + r for r in range(len(rows))]
    nonbasic = list(range(width))
    while True:
        short = [r for r, line in enumerate(lines) if line[0] < 0]
        if not short:
            break
        r = min(short, key=lambda line: basic[line])
        # Entries are positive and the cost too, so some variable can always enter.
        column = min(
            (c for c in range(1, width + 1) if lines[r][c] > 0),
            key=lambda c: (cost[c] / lines[r][c], nonbasic[c - 1]),
        )
        lead = lines[r][column]
        solved = [-entry / lead for entry in lines[r]]
        solved[column] = 1 / lead
        basic[r], nonbasic[column - 1] = nonbasic[column - 1], basic[r]
        lines[r] = solved
        for k, line in enumerate(lines):
            if k != r:
                lines[k] = _substituted(line, solved, column)
        cost = _substituted(cost, solved, column)
    value = 1 / cost[0]
    belief = [Fraction(0)] * width
    for variable, line in zip(basic, lines, strict=True):
        if variable < width:
            belief[variable] = line[0] * value
    return value - lift, belief


def _substituted(line: list[Fraction], solved: list[Fraction], column: int) -> list[Fraction]:
    """Return a line after the variable of a column is replaced by its solution."""
    factor = line[column]
    if not factor:
        return line
    made = [a + factor * b for a, b in zip(line, solved, strict=True)]
    made[column] = factor * solved[column]
    return made
