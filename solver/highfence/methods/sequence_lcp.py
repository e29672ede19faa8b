"""One equilibrium of a large two-player tree, by Lemke's algorithm on its sequence form.

Definitions
-----------
Sequences, realization plans and prices are those of :mod:`highfence.methods.sequence_form`. With
plans ``x`` and ``y``, payoffs ``A`` and ``B`` per pair of sequences, chance included, and the
constraints ``E x = e`` and ``F y = f`` of plans, an equilibrium is a solution of::

    E x = e,   r = E'p - A y >= 0,   x >= 0,   no sequence with x > 0 has r > 0,
    F y = f,   c = F'q - B'x >= 0,   y >= 0,   no sequence with y > 0 has c > 0.

Let both tremble: with probability ``z`` they follow completely mixed plans ``s`` and ``t``, so that
``E x = e (1 - z)``, and they meet ``y + t z`` and ``x + s z``. At ``z = 1`` the solution is
``x = y = 0``, with the prices of best replies to ``t`` and ``s``. From there a path of solutions
leads, pivot by pivot, to one with ``z = 0``. On its last edge ``z`` falls to 0 from above, so what
is played is optimal against completely mixed plans that are as near to those of the other as one
likes: the equilibrium is *normal-form perfect*, and uses no strategy that is weakly dominated.

Prices, and one probability per information set, are solved for in the beginning. What is left has a
row or a column per sequence in each of two dictionaries, which share only ``z``; a pivot changes
one of them, so that it costs a quarter of one in the whole.

References
----------
Koller, Megiddo and von Stengel (1996), "Efficient computation of equilibria for extensive
two-person games", Games and Economic Behavior 14; von Stengel, van den Elzen and Talman (2002),
"Computing normal form perfect equilibria for extensive two-person games", Econometrica 70; Lemke
(1965), "Bimatrix equilibrium points and mathematical programming".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitExceeded, NotApplicable, Problem
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..solution import Findings, Finds
from ._equations import solution
from ._lemke import SOUND, End, ExactPath, Path, Side, mixed_plan
from .registry import method

__all__ = ["sequence_lcp"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_ATTEMPTS = 4
"""Starts tried in one stage in floats: uniform play first, then random ones."""
_SEED = 19_960_301
"""Of the random starts: any will do, and the same one gives the same answer."""


def _accepts(form: ExtensiveForm) -> bool:
    if all(len(each.nodes) == 1 for each in form.information_sets):
        return bool(form.information_sets)  # every move is a subgame
    return form.perfect_recall() is None and (form.num_players == 2 or _most_movers(form) <= 2)


def _most_movers(form: ExtensiveForm) -> int:
    """Return the largest number of players who have a choice in one stage."""
    roots = frozenset(form.subgame_roots())
    stage = [0] * form.num_nodes
    for node, parent in enumerate(form.parent.tolist()):
        stage[node] = node if node in roots else stage[parent]
    movers: dict[int, set[int]] = {}
    for each in form.information_sets:
        if len(each.actions) > 1:
            movers.setdefault(stage[each.nodes[0]], set()).add(each.player)
    return max(map(len, movers.values()), default=0)


@method(
    "sequence_lcp",
    form=ExtensiveForm,
    accepts=_accepts,
    finds=Finds.ONE,
    source="Koller, Megiddo & von Stengel (1996); von Stengel, van den Elzen & Talman (2002)",
    domain="perfect recall, at most two players with a choice in each stage",
    rank=14,
    use="one subgame-perfect equilibrium of a large tree, where all are out of reach",
)
def sequence_lcp(form: ExtensiveForm) -> Generator[BehaviorProfile, None, Findings]:
    """Yield one subgame-perfect equilibrium, stage by stage, by Lemke's algorithm.

    Subgames are solved from the deepest up, and replaced by what their equilibrium pays. The stage
    of each is solved in sequence form, which has the size of the tree; the strategic form, which
    is exponentially larger, is never made.

    Parameters
    ----------
    form
        A tree with perfect recall in whose stages one or two players have a choice.

    Yields
    ------
    BehaviorProfile
        In exact probabilities if the game is exact; otherwise in floats, with a regret of some
        1e-15. In each stage it is normal-form perfect: nobody uses a strategy of the stage that is
        weakly dominated. Where a player's own choice excludes an information set, a best reply.

    Returns
    -------
    Findings
        Not complete where no path came to its end within ``limits.MAX_LEMKE_PIVOTS`` pivots in
        floats, nor within ``limits.MAX_PIVOTS`` in exact numbers, which are for stages of at most
        ``limits.MAX_EXACT_CELLS`` payoffs whose odds or payoffs differ too much for floats.

    Raises
    ------
    NotApplicable
        Three players or more have a choice in one stage.
    LimitExceeded
        A stage has more than ``limits.MAX_SEQUENCES`` sequences.

    Notes
    -----
    Other equilibria may exist. Inside a stage, what is planned where play does not come need not
    be sequentially rational: for that see ``perfect_bayesian`` and ``agent_logit``.

    A pivot costs ``O(n^2)`` for ``n`` sequences of a player, and some multiple of ``n`` pivots are
    usual; there are games in which it is exponentially many (Savani and von Stengel 2006).

    Examples
    --------
    A weak sender bluffs at times, and the target resists at times:

    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> def threat(name, resisted, loss):
    ...     ends = (Terminal((1, -1)), Terminal((resisted, loss)))
    ...     answer = Move(1, "threatened", ("comply", "resist"), ends)
    ...     return Move(0, name, ("quiet", "threaten"), (Terminal((0, 0)), answer))
    >>> types = (threat("tough", Fraction(1, 4), -2), threat("weak", -1, 0))
    >>> root = Lottery("type", ("tough", "weak"), (Fraction(1, 4), Fraction(3, 4)), types)
    >>> game = ExtensiveForm.from_tree(["sender", "target"], root)
    >>> for profile in sequence_lcp(game):
    ...     print(*(str(p) for strategy in profile.probabilities for p in strategy))
    0 1 1/2 1/2 2/3 1/3
    """
    search = _Search(form)
    for root in sorted(search.roots, reverse=True):
        if not search.solve(root):
            return Findings(complete=False, notes=(search.why,))
    if search.rounded:  # the judge must not take what is rounded for exact
        search.behavior = [tuple(map(float, odds)) for odds in search.behavior]
    yield BehaviorProfile(tuple(search.behavior))
    pivots = f"{search.pivots} pivot{'s' * (search.pivots != 1)}"
    notes = [f"found by {pivots} of Lemke's algorithm", "others were not searched for"]
    if search.rounded:
        notes.insert(0, search.rounded)
    return Findings(complete=True, notes=tuple(notes))


@dataclass(frozen=True)
class _Stage:
    """A subgame without the subgames inside it."""

    sides: tuple[Side, Side]
    sets: tuple[int, ...]
    """All information sets, also where there is no choice."""
    ends: Integers
    """Nodes at which play ends or goes on in a subgame."""
    last: tuple[Integers, Integers]
    """Per side and end, the last own sequence."""
    chance: Array
    """Per end, the probability with which chance leads there."""
    odds: Integers
    """Per end, the place in ``weights`` of the same in exact numbers."""
    weights: tuple[Fraction, ...]


class _Search:
    """The state of one run: what was decided, and what subgames are worth."""

    def __init__(self, form: ExtensiveForm) -> None:
        self.form = form
        self.is_exact = form.is_exact
        self.roots = frozenset(form.subgame_roots())
        self.behavior: list[tuple[Any, ...]] = [
            (Fraction(1),) if len(each.actions) == 1 else () for each in form.information_sets
        ]
        self.values = form.payoffs.copy()
        self.worth: dict[int, tuple[Any, ...]] = {}
        self.pivots = 0
        self.why = ""
        self.rounded = ""
        self.share = np.ones(form.num_nodes)
        for node in np.flatnonzero(form.owner == CHANCE).tolist():
            self.share[list(form.children[node])] = form.probabilities[node]
        self.kids = np.argsort(form.parent, kind="stable")[1:]
        number = np.bincount(form.parent[self.kids], minlength=form.num_nodes)
        self.degree = number.astype(np.int64)
        self.place = np.cumsum(self.degree) - self.degree
        self.is_end = np.ones(form.num_nodes, dtype=bool)
        self.is_end[self.degree > 0] = False
        self.is_end[list(self.roots)] = True
        sets = len(form.information_sets)
        # The last entry is that of nodes at which no player moves.
        self.side_of = np.full(sets + 1, -1, np.int64)
        self.start_of = np.zeros(sets + 1, np.int64)
        self.before_of = np.zeros(sets + 1, np.int64)

    # --- subgames ---------------------------------------------------------------------------

    def solve(self, root: int) -> bool:
        """Solve the stage of a subgame; return whether an equilibrium was found."""
        following = self.form.children[root]
        if all(child in self.roots or not self.form.children[child] for child in following):
            self._single(root)
            return True
        stage = self._stage(root)
        plans = self._plans(stage)
        if plans is None:
            return False
        self._behave(stage, plans)
        if root:
            self._pay(root, stage, plans)
        return True

    def _paid(self, node: int) -> tuple[Any, ...]:
        """Return what all get from a node on at which play ends or a subgame starts."""
        known = self.worth.get(node)
        if known is None:
            table = self.form.exact if self.is_exact else self.form.payoffs
            known = tuple(table[node].tolist())  # type: ignore[index]
        elif not self.is_exact:
            known = tuple(map(float, known))
        return known

    def _single(self, root: int) -> None:
        """Solve a stage of one node."""
        form = self.form
        options = [self._paid(child) for child in form.children[root]]
        player = int(form.owner[root])
        if player == CHANCE:
            exact = form.exact_probabilities if self.is_exact else None
            odds: Sequence[Any] = (exact or form.probabilities)[root]
            paid = tuple(
                sum(weight * each[k] for weight, each in zip(odds, options, strict=True))
                for k in range(form.num_players)
            )
        else:
            best = max(range(len(options)), key=lambda k: options[k][player])
            paid = options[best]
            self.behavior[int(form.information_set[root])] = _pure(best, len(options))
        self._keep(root, paid)

    def _keep(self, root: int, paid: tuple[Any, ...]) -> None:
        self.worth[root] = paid
        self.values[root] = [float(each) for each in paid]

    def _stage(self, root: int) -> _Stage:
        """Return the stage of a subgame."""
        form = self.form
        levels: list[tuple[Integers, Integers]] = []
        nodes: Integers = np.array([root], np.int64)
        above: Integers = np.zeros(1, np.int64)
        while len(nodes):
            levels.append((nodes, above))
            inner = ~self.is_end[nodes] | (nodes == root)
            degree = np.where(inner, self.degree[nodes], 0)
            above = np.repeat(np.arange(len(nodes)), degree)
            offset = np.arange(len(above)) - np.repeat(np.cumsum(degree) - degree, degree)
            nodes = self.kids[np.repeat(self.place[nodes], degree) + offset]
        everything = np.concatenate([each for each, _ in levels])
        stops = self.is_end[everything] & (everything != root)
        sets = np.unique(form.information_set[everything[~stops]])
        sets = sets[sets >= 0]
        choices = [k for k in sets.tolist() if len(form.information_sets[k].actions) > 1]
        movers = sorted({form.information_sets[known].player for known in choices})
        if len(movers) > 2:
            raise NotApplicable(
                f"sequence_lcp: {len(movers)} players have a choice in the stage of "
                f"{form.describe(root)}; it takes stages of two"
            )
        self.side_of[sets] = -1
        sizes = [0, 0]
        own: tuple[list[int], list[int]] = ([], [])
        for known in choices:
            each = form.information_sets[known]
            side = movers.index(each.player)
            self.side_of[known], self.start_of[known] = side, 1 + sizes[side]
            sizes[side] += len(each.actions)
            own[side].append(known)
        if sum(sizes) > limits.MAX_SEQUENCES:
            raise LimitExceeded(
                Problem(
                    form.title or "game",
                    f"the stage of {form.describe(root)} has {sum(sizes)} sequences, the limit is "
                    f"{limits.MAX_SEQUENCES}",
                    "Raise highfence.limits.MAX_SEQUENCES if memory allows.",
                )
            )
        last, chance, odds = [np.zeros(1, np.int64)] * 2, np.ones(1), np.zeros(1, np.int64)
        weights = [Fraction(1)]
        made = []
        for depth, (nodes, above) in enumerate(levels):
            if depth:
                parents = levels[depth - 1][0][above]
                known = form.information_set[parents]
                taken = self.start_of[known] + form.branch[nodes]
                last = [np.where(self.side_of[known] == k, taken, last[k][above]) for k in (0, 1)]
                chance, odds = chance[above] * self.share[nodes], odds[above]
                if self.is_exact:
                    self._draw(nodes, parents, odds, weights)
            here = form.information_set[nodes]
            for side in (0, 1):
                mine = (self.side_of[here] == side) & (~self.is_end[nodes] | (nodes == root))
                self.before_of[here[mine]] = last[side][mine]
            stop = self.is_end[nodes] & (nodes != root)
            made.append((nodes[stop], *(each[stop] for each in (*last, chance, odds))))
        ends, one, two, chance, odds = (np.concatenate(part) for part in zip(*made, strict=True))
        sides = [
            Side(
                movers[k] if k < len(movers) else -1,
                tuple(own[k]),
                tuple(self.start_of[own[k]].tolist()),
                tuple(len(form.information_sets[known].actions) for known in own[k]),
                tuple(self.before_of[own[k]].tolist()),
                sizes[k],
            )
            for k in (0, 1)
        ]
        return _Stage(
            (sides[0], sides[1]), tuple(sets.tolist()), ends, (one, two), chance, odds,
            tuple(weights),
        )  # fmt: skip

    def _draw(
        self, nodes: Integers, parents: Integers, odds: Integers, weights: list[Fraction]
    ) -> None:
        """Set the places of the exact probabilities of nodes right after moves of chance."""
        exact = self.form.exact_probabilities
        assert exact is not None
        for k in np.flatnonzero(self.form.owner[parents] == CHANCE).tolist():
            before, odd = weights[odds[k]], exact[parents[k]][self.form.branch[nodes[k]]]
            weights.append(odd if before == 1 else before * odd)
            odds[k] = len(weights) - 1

    # --- one stage --------------------------------------------------------------------------

    def _plans(self, stage: _Stage) -> tuple[Sequence[Any], Sequence[Any]] | None:
        """Return the realization plans of an equilibrium of a stage, exact if the game is."""
        tables = self._tables(stage)
        rng = np.random.default_rng(_SEED)
        rounded: End | None = None
        budget = 50 * (sum(side.size for side in stage.sides) + 10)
        for attempt in range(_ATTEMPTS):
            left = limits.MAX_LEMKE_PIVOTS - self.pivots
            if left <= 0:
                break
            start = [mixed_plan(side, rng if attempt else None) for side in stage.sides]
            path = Path(stage.sides, tables, start)
            found = path.run(min(left, budget << attempt))
            self.pivots += path.pivots
            if found is None:
                continue
            if not self.is_exact:
                return found.plans[0].tolist(), found.plans[1].tolist()
            exact = [self._exact(stage, side, found) for side in (0, 1)]
            if exact[0] is not None and exact[1] is not None:
                return exact[0], exact[1]
            rounded = rounded or found
        found_exactly = self._exact_path(stage, tables)
        if found_exactly is not None:
            return found_exactly
        if rounded is not None:
            self.is_exact = False
            self.rounded = "the exact solution was not found near what was found in floats"
            return rounded.plans[0].tolist(), rounded.plans[1].tolist()
        self.why = (
            f"no path came to its end, after {self.pivots} pivots in all "
            f"(highfence.limits.MAX_LEMKE_PIVOTS is {limits.MAX_LEMKE_PIVOTS}, in exact numbers "
            f"MAX_PIVOTS is {limits.MAX_PIVOTS})"
        )
        return None

    def _exact_path(
        self, stage: _Stage, tables: tuple[Array, Array]
    ) -> tuple[list[Any], list[Any]] | None:
        """Return the plans at the end of the path in exact numbers, if the stage is small."""
        from flint import fmpq

        if tables[0].size + tables[1].size > limits.MAX_EXACT_CELLS:
            return None
        exact = self._exact_tables(stage, tables)
        start = [mixed_plan(side, None, fmpq(1)) for side in stage.sides]
        path = ExactPath(stage.sides, exact, start)
        found = path.plans(limits.MAX_PIVOTS)
        self.pivots += path.pivots
        if found is None:
            return None
        plans = [[Fraction(int(fmpq(p).p), int(fmpq(p).q)) for p in plan] for plan in found]
        if not self.is_exact:
            return [float(p) for p in plans[0]], [float(p) for p in plans[1]]
        return plans[0], plans[1]

    def _exact_tables(
        self, stage: _Stage, tables: tuple[Array, Array]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return payoffs per pair of sequences in exact numbers: own sequences are rows.

        They are in other units than those in floats, which changes no pivot.
        """
        from flint import fmpq

        exact: list[NDArray[Any]] = []
        for k, side in enumerate(stage.sides):
            table = np.full(tables[k].shape, fmpq(0), dtype=object)
            if self.is_exact and side.player >= 0:
                gains = self._integer_payoffs(stage, side.player)
                mine, theirs = stage.last[k].tolist(), stage.last[1 - k].tolist()
                for gain, here, there in zip(gains, mine, theirs, strict=True):
                    table[here, there] += gain
            else:
                for here, there in np.argwhere(tables[k] != 0).tolist():
                    ratio = float(tables[k][here, there]).as_integer_ratio()
                    table[here, there] = fmpq(*ratio)
            exact.append(table)
        return exact[0], exact[1]

    def _tables(self, stage: _Stage) -> tuple[Array, Array]:
        """Return payoffs per pair of sequences, mapped to [0, 1] first: own sequences are rows."""
        made: list[Array] = []
        for k, side in enumerate(stage.sides):
            other = stage.sides[1 - k].size + 1
            shape = side.size + 1, other
            if side.player < 0:
                made.append(np.zeros(shape))
                continue
            paid = self.values[stage.ends, side.player]
            low, high = paid.min(), paid.max()
            gains = stage.chance * ((paid - low) / (high - low) if high > low else 0.0)
            flat = stage.last[k] * other + stage.last[1 - k]
            table: Array = np.bincount(flat, gains, shape[0] * other).astype(np.float64)
            made.append(table.reshape(shape))
        return made[0], made[1]

    def _exact(self, stage: _Stage, own: int, found: End) -> list[Fraction] | None:
        """Return one side's plan in exact numbers, or None if it is none.

        Unknown are the probabilities of the sequences that may be played, and prices of the other
        side's information sets; known is which sequences of the other side are optimal.
        """
        side, other = stage.sides[own], stage.sides[1 - own]
        played, optimal = found.played[own], found.optimal[own]
        column = {sequence: k for k, sequence in enumerate(played)}
        rows: list[dict[int, Any]] = []
        right: list[Any] = []
        for low, high, before in side.blocks:
            row = {column[each]: 1 for each in range(low, high) if each in column}
            if before in column:
                row[column[before]] = -1
            rows.append(row)
            right.append(int(before == 0))
        prices = _prices(other, len(column))
        worth: dict[int, dict[int, int]] = {sequence: {} for sequence in prices}
        for gain, here, there in self._gains(stage, own, [0, *played]):
            entry = worth[there]
            entry[here] = entry.get(here, 0) + gain
        for sequence in optimal:
            row = dict(prices[sequence])
            for here, gain in worth[sequence].items():
                if here and gain:
                    row[column[here]] = -gain
            rows.append(row)
            right.append(worth[sequence].get(0, 0))
        solved = solution(rows, right, len(column) + len(other.sets))
        if solved is None or any(solved[k] < 0 for k in range(len(column))):
            return None
        plan = [Fraction(0)] * (side.size + 1)
        plan[0] = Fraction(1)
        for sequence, k in column.items():
            plan[sequence] = Fraction(int(solved[k].p), int(solved[k].q))
        for sequence in prices.keys() - set(optimal):
            slack = sum(sign * solved[k] for k, sign in prices[sequence].items())
            for here, gain in worth[sequence].items():
                slack -= gain * solved[column[here]] if here else gain
            if slack < 0:
                return None
        return plan

    def _gains(
        self, stage: _Stage, own: int, sequences: list[int]
    ) -> Iterator[tuple[int, int, int]]:
        """Yield, per end after some sequences of one side, what the other gets there.

        Chance times payoff, in units in which all are integers; the sequence of the one, and that
        of the other, which is not the empty one.
        """
        player = stage.sides[1 - own].player
        if player < 0:
            return
        is_wanted = np.zeros(stage.sides[own].size + 1, dtype=bool)
        is_wanted[sequences] = True
        kept = np.flatnonzero(is_wanted[stage.last[own]] & (stage.last[1 - own] > 0))
        paid = self._integer_payoffs(stage, player)
        mine, theirs = stage.last[own][kept].tolist(), stage.last[1 - own][kept].tolist()
        for k, here, there in zip(kept.tolist(), mine, theirs, strict=True):
            if paid[k]:
                yield paid[k], here, there

    def _integer_payoffs(self, stage: _Stage, player: int) -> list[int]:
        """Return, per end, chance times a payoff, in units in which all are integers."""
        whole = lcm(*{weight.denominator for weight in stage.weights})
        weights = [weight.numerator * (whole // weight.denominator) for weight in stage.weights]
        exact = self.form.exact
        assert exact is not None
        paid: list[Fraction] = exact[stage.ends, player].tolist()
        if self.worth:
            for k, end in enumerate(stage.ends.tolist()):
                if end in self.worth:
                    paid[k] = self.worth[end][player]
        ratios = [each.as_integer_ratio() for each in paid]
        unit = lcm(*{below for _, below in ratios})
        return [
            weights[place] * above * (unit // below)
            for place, (above, below) in zip(stage.odds.tolist(), ratios, strict=True)
        ]

    def _behave(self, stage: _Stage, plans: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Set the behavior of a stage: what plans say, and best replies where they are silent."""
        for k, side in enumerate(stage.sides):
            own, replies = plans[k], None
            for known, (low, high, before) in zip(side.sets, side.blocks, strict=True):
                if own[before]:
                    odds = own[low:high]
                    total = sum(odds)
                    self.behavior[known] = (
                        _pure(odds.index(total), high - low)
                        if total in odds
                        else tuple(p / total for p in odds)
                    )
                    continue
                if replies is None:
                    table, trembles = self._tables(stage)[k], mixed_plan(stage.sides[1 - k], None)
                    others = np.array([float(p) for p in plans[1 - k]])
                    replies = _replies(side, table @ others, table @ trembles)
                self.behavior[known] = _pure(replies[known], high - low)

    def _pay(self, root: int, stage: _Stage, plans: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Set what a subgame is worth to all players."""
        zero = Fraction(0) if self.is_exact else 0.0
        paid: list[Any] = [zero] * self.form.num_players
        chance = stage.chance.tolist()
        ends, odds = stage.ends.tolist(), stage.odds.tolist()
        first, second = (each.tolist() for each in stage.last)
        for k, end in enumerate(ends):
            reached = plans[0][first[k]] * plans[1][second[k]]
            if reached:
                reached *= stage.weights[odds[k]] if self.is_exact else chance[k]
                gains = self._paid(end)
                paid = [total + reached * gain for total, gain in zip(paid, gains, strict=True)]
        self._keep(root, tuple(paid))


@lru_cache(maxsize=256)
def _pure(action: int, count: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(k == action)) for k in range(count))


def _replies(side: Side, gains: Array, then: Array) -> dict[int, int]:
    """Return the best action at each set; where it is not reached, by what trembles pay."""
    gains, then = gains.copy(), then.copy()
    best: dict[int, int] = {}
    order = [*zip(side.sets, side.blocks, strict=True)]
    for known, (low, high, before) in reversed(order):
        most = gains[low:high].max()
        tied = gains[low:high] >= most - SOUND
        best[known] = action = int(np.argmax(np.where(tied, then[low:high], -np.inf)))
        gains[before] += gains[low + action]
        then[before] += then[low + action]
    return best


def _prices(side: Side, start: int) -> dict[int, dict[int, int]]:
    """Return, per sequence, the price of its set minus those of the sets right after it."""
    made: dict[int, dict[int, int]] = {}
    for place, (low, high, before) in enumerate(side.blocks, start=start):
        for sequence in range(low, high):
            made[sequence] = {place: 1}
        if before:
            made[before][place] = -1
    return made
