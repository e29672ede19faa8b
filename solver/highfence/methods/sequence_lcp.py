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

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitExceeded, MethodFailed, Problem
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..solution import Findings, Finds
from .registry import method

__all__ = ["sequence_lcp"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_ATTEMPTS = 6
"""Starts tried in one stage: uniform play first, then random ones."""
_FRESH = 100
"""Pivots after which dictionaries are made anew from their first ones."""
_SOUND = 1e-11
"""How far below 0 probabilities and slacks may be, with payoffs in [0, 1], as rounding."""
_SEED = 19_960_301
"""Of the random starts: any will do, and the same one gives the same answer."""


def _accepts(form: ExtensiveForm) -> bool:
    if not form.information_sets or form.perfect_recall() is not None:
        return False
    return form.num_players == 2 or _most_movers(form) <= 2


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
        Not complete where no path came to its end within ``limits.MAX_LEMKE_PIVOTS`` pivots, or
        rounding broke all that were tried.

    Raises
    ------
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
    yield BehaviorProfile(tuple(search.behavior))
    notes = [f"found by {search.pivots} pivots", "others were not searched for"]
    if search.rounded:
        notes.insert(0, search.rounded)
    return Findings(complete=True, notes=tuple(notes))


@dataclass(frozen=True)
class _Side:
    """The sequences of one player in a stage; 0 is the empty one, sets ascend."""

    player: int
    """-1: there is no second player with a choice."""
    sets: tuple[int, ...]
    first: tuple[int, ...]
    """Per set, its first sequence."""
    counts: tuple[int, ...]
    before: tuple[int, ...]
    """Per set, the sequence that leads to it."""
    size: int
    """Number of sequences, without the empty one."""

    @property
    def blocks(self) -> Iterable[tuple[int, int, int]]:
        """Per set, the first of its sequences, one past the last, and the one before."""
        ends = (first + count for first, count in zip(self.first, self.counts, strict=True))
        return zip(self.first, ends, self.before, strict=True)


@dataclass(frozen=True)
class _Stage:
    """A subgame without the subgames inside it."""

    sides: tuple[_Side, _Side]
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


@dataclass(frozen=True)
class _End:
    """Where a path ended: per side, the sequences that may be played, those of the other side
    that are optimal, and the plan in floats."""

    played: tuple[list[int], list[int]]
    optimal: tuple[list[int], list[int]]
    plans: tuple[Array, Array]


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
            raise MethodFailed(
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
            _Side(
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
            weights.append(weights[odds[k]] * exact[parents[k]][self.form.branch[nodes[k]]])
            odds[k] = len(weights) - 1

    # --- one stage --------------------------------------------------------------------------

    def _plans(self, stage: _Stage) -> tuple[Sequence[Any], Sequence[Any]] | None:
        """Return the realization plans of an equilibrium of a stage, exact if the game is."""
        tables = self._tables(stage)
        rng = np.random.default_rng(_SEED)
        rounded: _End | None = None
        budget = 50 * (sum(side.size for side in stage.sides) + 10)
        for attempt in range(_ATTEMPTS):
            left = limits.MAX_LEMKE_PIVOTS - self.pivots
            if left <= 0:
                break
            start = [_mixed(side, rng if attempt else None) for side in stage.sides]
            path = _Path(stage.sides, tables, start)
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
        if rounded is not None:
            self.is_exact = False
            self.rounded = "the exact solution was not found near what was found in floats"
            return rounded.plans[0].tolist(), rounded.plans[1].tolist()
        self.why = (
            f"no path came to its end within {self.pivots} pivots "
            f"(highfence.limits.MAX_LEMKE_PIVOTS is {limits.MAX_LEMKE_PIVOTS})"
        )
        return None

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

    def _exact(self, stage: _Stage, own: int, found: _End) -> list[Fraction] | None:
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
        paid = self._integer_payoffs(stage, other.player) if other.size else []
        mine, theirs = stage.last[own].tolist(), stage.last[1 - own].tolist()
        prices = _prices(other, len(column))
        worth: dict[int, dict[int, int]] = {sequence: {} for sequence in optimal}
        wanted = set(column) | {0}
        for gain, here, there in zip(paid, mine, theirs, strict=False):
            if there in worth and here in wanted:
                entry = worth[there]
                entry[here] = entry.get(here, 0) + gain
        for sequence in optimal:
            row = dict(prices[sequence])
            for here, gain in worth[sequence].items():
                if here and gain:
                    row[column[here]] = -gain
            rows.append(row)
            right.append(worth[sequence].get(0, 0))
        solved = _solution(rows, right, len(column) + len(other.sets))
        if solved is None or any(solved[k] < 0 for k in range(len(column))):
            return None
        plan = [Fraction(0)] * (side.size + 1)
        plan[0] = Fraction(1)
        for sequence, k in column.items():
            plan[sequence] = Fraction(int(solved[k].p), int(solved[k].q))
        slack: list[Any] = [0] * (other.size + 1)
        for sequence, row in prices.items():
            slack[sequence] = sum(sign * solved[k] for k, sign in row.items())
        for gain, here, there in zip(paid, mine, theirs, strict=False):
            if gain and there:
                if here == 0:
                    slack[there] -= gain
                elif here in column:
                    slack[there] -= gain * solved[column[here]]
        return None if any(each < 0 for each in slack) else plan

    def _integer_payoffs(self, stage: _Stage, player: int) -> list[int]:
        """Return, per end, chance times a payoff, in units in which all are integers."""
        whole = lcm(*(weight.denominator for weight in stage.weights))
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
                    total = sum(own[low:high])
                    self.behavior[known] = tuple(p / total for p in own[low:high])
                    continue
                if replies is None:
                    table, trembles = self._tables(stage)[k], _mixed(stage.sides[1 - k], None)
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


def _pure(action: int, count: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(k == action)) for k in range(count))


def _mixed(side: _Side, rng: np.random.Generator | None) -> Array:
    """Return a completely mixed plan: all actions equally likely, or odds at random."""
    plan = np.ones(side.size + 1)
    for low, high, before in side.blocks:
        odds = np.ones(high - low) if rng is None else 0.1 + rng.random(high - low)
        plan[low:high] = plan[before] * odds / odds.sum()
    return plan


def _replies(side: _Side, gains: Array, then: Array) -> dict[int, int]:
    """Return the best action at each set; where it is not reached, by what trembles pay."""
    gains, then = gains.copy(), then.copy()
    best: dict[int, int] = {}
    order = [*zip(side.sets, side.blocks, strict=True)]
    for known, (low, high, before) in reversed(order):
        most = gains[low:high].max()
        tied = gains[low:high] >= most - _SOUND
        best[known] = action = int(np.argmax(np.where(tied, then[low:high], -np.inf)))
        gains[before] += gains[low + action]
        then[before] += then[low + action]
    return best


def _prices(side: _Side, start: int) -> dict[int, dict[int, int]]:
    """Return, per sequence, the price of its set minus those of the sets right after it."""
    made: dict[int, dict[int, int]] = {}
    for place, (low, high, before) in enumerate(side.blocks, start=start):
        for sequence in range(low, high):
            made[sequence] = {place: 1}
        if before:
            made[before][place] = -1
    return made


# ---------------------------------------------------------------------------------------------
# One path


class _Path:
    """The path from one start: the two dictionaries, and where it is."""

    def __init__(
        self, sides: tuple[_Side, _Side], tables: tuple[Array, Array], start: Sequence[Array]
    ) -> None:
        self.sides = sides
        self.offsets = -1, sides[0].size - 1
        """Label of a sequence, minus the sequence."""
        chosen = [_best(side, tables[k] @ start[1 - k]) for k, side in enumerate(sides)]
        frames = [_frame(side, chosen[k]) for k, side in enumerate(sides)]
        count = sum(side.size for side in sides)
        self.home = np.zeros(count, np.int64)
        first = np.zeros(count, dtype=bool)
        self.plain: list[Array] = []
        self.rows: list[Integers] = []
        self.columns: list[Integers] = []
        for k in (0, 1):
            others = frames[1 - k].T @ tables[1 - k] if sides[1 - k].size else None
            self._add(k, chosen, frames, others, start[k])
            mine = chosen[k] + self.offsets[k]
            first[mine] = True
            self.home[self.rows[k]] = k
        # Slacks are perturbed by more than probabilities: then the start is on one edge only.
        self.order = np.concatenate([np.flatnonzero(~first), np.flatnonzero(first)])
        self.fresh = [_scaled(table) for table in self.plain]
        self.state = np.array([-1, 0, 0, 0], np.int64)
        self.tables = [table.copy() for table in self.fresh]
        self.basis = [rows.copy() for rows in self.rows]
        self.free = [columns.copy() for columns in self.columns]
        self.places = [_places(self.rows[k], self.columns[k], count) for k in (0, 1)]

    @property
    def pivots(self) -> int:
        """Pivots so far."""
        return int(self.state[3])

    def _add(
        self,
        k: int,
        chosen: Sequence[Integers],
        frames: Sequence[Array],
        others: Array | None,
        start: Array,
    ) -> None:
        """Add the first dictionary of a side's plan and the other's slacks."""
        side, other = self.sides[k], self.sides[1 - k]
        rest = [np.setdiff1d(np.arange(1, self.sides[i].size + 1), chosen[i]) for i in (0, 1)]
        frame, base = frames[k], _followed(side, chosen[k])
        width = len(rest[k]) + len(chosen[1 - k]) + 2
        table = np.zeros((len(chosen[k]) + len(rest[1 - k]), width))
        own = table[: len(chosen[k])]
        own[:, : len(rest[k])] = frame[chosen[k]]
        own[:, -2], own[:, -1] = -base[chosen[k]], base[chosen[k]]
        if others is not None:
            slack = table[len(chosen[k]) :]
            slack[:, : len(rest[k])] = -others @ frame
            slack[:, len(rest[k]) : -2] = -frames[1 - k][chosen[1 - k]].T
            slack[:, -2], slack[:, -1] = -others @ (start - base), -others @ base
        count = side.size + other.size
        mine, theirs = self.offsets[k], self.offsets[1 - k]
        self.plain.append(table)
        self.rows.append(np.concatenate([chosen[k] + mine, rest[1 - k] + theirs]))
        self.columns.append(np.concatenate([rest[k] + mine, chosen[1 - k] + theirs, [count]]))

    def run(self, most: int) -> _End | None:
        """Follow the path; return where it ended, or None if it did not, or was lost."""
        from ..kernels.lemke import ENDED, GOING, follow

        status = GOING
        while status == GOING and self.pivots < most:
            if self.pivots:
                self._renew()
            one, two = zip(self.tables, self.basis, self.free, self.places, strict=True)
            status = follow(
                one[0], two[0], one[1], two[1], one[2], two[2], one[3], two[3], self.home,
                self.order, self.state, min(_FRESH, most - self.pivots),
            )  # fmt: skip
        return self._end() if status == ENDED else None

    def _renew(self) -> None:
        """Make the dictionaries anew from the first ones: rounding does not add up."""
        for k in (0, 1):
            made = self._dictionary(k)
            if made is not None:
                self.tables[k] = made

    def _changed(self, k: int) -> tuple[Integers, Integers]:
        """Return the rows of a first dictionary that became columns, and columns that became rows.

        In the order of the labels in ``free`` and in ``basis``.
        """
        count = self.home.size + 1
        row_of, column_of = np.full(count, -1), np.full(count, -1)
        row_of[self.rows[k]] = np.arange(len(self.rows[k]))
        column_of[self.columns[k]] = np.arange(len(self.columns[k]))
        gone, come = row_of[self.free[k]], column_of[self.basis[k]]
        return gone[gone >= 0], come[come >= 0]

    def _dictionary(self, k: int) -> Array | None:
        """Return a first dictionary solved for the variables that are basic now."""
        first, count = self.fresh[k], self.home.size + 1
        gone, come = self._changed(k)
        rows, columns = np.arange(first.shape[0]), np.arange(first.shape[1])
        kept, stay = np.delete(rows, gone), np.delete(columns, come)
        right = np.concatenate([np.eye(len(gone)), -first[np.ix_(gone, stay)]], axis=1)
        try:
            solved = np.linalg.solve(first[np.ix_(gone, come)], right)
        except np.linalg.LinAlgError:
            return None
        rest = first[np.ix_(kept, come)] @ solved
        rest[:, len(gone) :] += first[np.ix_(kept, stay)]
        made = np.concatenate([solved, rest])
        place = np.empty(count, np.int64)
        place[np.concatenate([self.columns[k][come], self.rows[k][kept]])] = rows
        chosen = place[self.basis[k]]
        place[np.concatenate([self.rows[k][gone], self.columns[k][stay[:-1]]])] = columns[:-1]
        return np.ascontiguousarray(
            made[np.ix_(chosen, np.append(place[self.free[k]], columns[-1]))]
        )

    def _values(self, k: int) -> Array | None:
        """Return the values of the variables that are basic now, where all others are 0."""
        first = self.plain[k]
        gone, come = self._changed(k)
        matrix, right = first[np.ix_(gone, come)], -first[gone, -1]
        try:
            solved = np.linalg.solve(matrix, right)
            solved += np.linalg.solve(matrix, right - matrix @ solved)
        except np.linalg.LinAlgError:
            return None
        everything = first[:, come] @ solved + first[:, -1]
        value = np.zeros(self.home.size + 1)
        value[self.rows[k]] = everything
        value[self.columns[k][come]] = solved
        made: Array = value[self.basis[k]]
        return made

    def _end(self) -> _End | None:
        """Return the plans of the last dictionaries, or None if rounding made them none."""
        played: list[list[int]] = []
        optimal: list[list[int]] = []
        plans: list[Array] = []
        for k, side in enumerate(self.sides):
            values = self._values(k)
            if values is None or values.min(initial=0.0) < -_SOUND:
                return None
            low, high = self.offsets[k] + 1, self.offsets[k] + 1 + side.size
            basic, free = self.basis[k], self.free[k][self.free[k] < self.home.size]
            mine = (basic >= low) & (basic < high)
            plan = np.zeros(side.size + 1)
            plan[0] = 1.0
            plan[basic[mine] - self.offsets[k]] = np.clip(values[mine], 0.0, None)
            plan[plan < _SOUND] = 0.0
            played.append((basic[mine] - self.offsets[k]).tolist())
            theirs = free[(free < low) | (free >= high)]
            optimal.append((theirs - self.offsets[1 - k]).tolist())
            plans.append(plan)
        return _End((played[0], played[1]), (optimal[0], optimal[1]), (plans[0], plans[1]))


def _best(side: _Side, gains: Array) -> Integers:
    """Return, per information set, the sequence of a best reply."""
    gains = gains.copy()
    chosen = np.empty(len(side.sets), np.int64)
    for place, (low, high, before) in reversed([*enumerate(side.blocks)]):
        chosen[place] = low + int(np.argmax(gains[low:high]))
        gains[before] += gains[chosen[place]]
    return chosen


def _followed(side: _Side, chosen: Integers) -> Array:
    """Return the plan of a pure strategy, as floats."""
    plan = np.zeros(side.size + 1)
    plan[0] = 1.0
    for place, (_, _, before) in enumerate(side.blocks):
        plan[chosen[place]] = plan[before]
    return plan


def _frame(side: _Side, chosen: Integers) -> Array:
    """Return what each free probability adds to the plan: (sequences + 1, not chosen)."""
    made = np.zeros((side.size + 1, side.size - len(chosen)))
    column = 0
    for place, (low, high, before) in enumerate(side.blocks):
        kept = chosen[place]
        made[kept] = made[before]
        for sequence in range(low, high):
            if sequence != kept:
                made[sequence, column] = 1.0
                made[kept, column] = -1.0
                column += 1
    return made


def _scaled(table: Array) -> Array:
    """Return a dictionary with rows and columns times powers of two: largest entries about 1.

    The columns of ``z`` and of constants keep their units, which the dictionaries share.
    """
    made = table.copy()
    for _ in range(2):
        largest = np.abs(made).max(axis=1, initial=0.0)
        made /= np.exp2(np.round(np.log2(np.where(largest > 0, largest, 1.0))))[:, None]
        largest = np.abs(made[:, :-2]).max(axis=0, initial=0.0)
        made[:, :-2] /= np.exp2(np.round(np.log2(np.where(largest > 0, largest, 1.0))))
    return made


def _places(rows: Integers, columns: Integers, count: int) -> Integers:
    made = np.zeros(count + 1, np.int64)
    made[rows] = np.arange(len(rows))
    made[columns] = -1 - np.arange(len(columns))
    return made


# ---------------------------------------------------------------------------------------------
# Exact linear equations


def _solution(rows: list[dict[int, Any]], right: list[Any], count: int) -> list[Any] | None:
    """Return the solution of sparse equations in integers, as flint rationals; None if not one.

    Unknowns with a coefficient of 1 or -1 are eliminated first, from the shortest equations: no
    number gets longer by that. What is left is dense and small.
    """
    from flint import fmpq, fmpq_mat

    if len(rows) != count:
        return None
    columns: list[set[int]] = [set() for _ in range(count)]
    for k, row in enumerate(rows):
        for place in row:
            columns[place].add(k)
    waiting = set(range(count))
    done: list[tuple[int, int]] = []
    while True:
        best, chosen = None, (-1, -1)
        for k in waiting:
            length = len(rows[k])
            if best is not None and length - 1 >= best:
                continue
            for place, entry in rows[k].items():
                if entry in (1, -1):
                    fill = (length - 1) * (len(columns[place]) - 1)
                    if best is None or fill < best:
                        best, chosen = fill, (k, place)
            if best == 0:
                break
        if best is None:
            break
        k, place = chosen
        lead, pivot = rows[k][place], rows[k]
        waiting.remove(k)
        done.append(chosen)
        for other in pivot:
            columns[other].discard(k)
        for r in columns[place]:
            row = rows[r]
            factor = row.pop(place) * lead
            right[r] -= factor * right[k]
            for other, entry in pivot.items():
                if other != place:
                    value = row.get(other, 0) - factor * entry
                    if value:
                        row[other] = value
                        columns[other].add(r)
                    else:
                        del row[other]
                        columns[other].discard(r)
        columns[place] = set()
    solved: list[Any] = [fmpq(0)] * count
    if waiting:
        left = sorted(waiting)
        eliminated = {place for _, place in done}
        unknown = [place for place in range(count) if place not in eliminated]
        dense = [[rows[k].get(place, 0) for place in unknown] for k in left]
        try:
            found = fmpq_mat(len(left), len(left), [fmpq(e) for row in dense for e in row]).solve(
                fmpq_mat(len(left), 1, [fmpq(right[k]) for k in left])
            )
        except ZeroDivisionError:
            return None
        for position, place in enumerate(unknown):
            solved[place] = found[position, 0]
    for k, place in reversed(done):
        total = fmpq(right[k])
        for other, entry in rows[k].items():
            if other != place:
                total -= entry * solved[other]
        solved[place] = total * rows[k][place]
    return solved
