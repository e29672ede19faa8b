"""All extreme equilibria of a two-player tree with perfect recall, in sequence form.

Definitions
-----------
A *sequence* of a player is an information set and an action there, together with the own
choices that lead to it; the empty sequence comes first. A *realization plan* gives every
sequence the probability with which the player's own choices carry it out: that of the empty
one is 1, and at every information set the probabilities of the actions sum to that of the
sequence before it. Under perfect recall realization plans are the behavior strategies, up to
what these do where the player's own choices never lead.

Let ``B`` be the payoffs of the other player per pair of sequences. A plan ``x`` is paired
with the *prices* ``q`` of the other's information sets, which are at least what each of their
sequences is worth against ``x``::

    P = {(x, q) : x is a realization plan,
         q_h >= (B x)_s + sum of q_h' over sets h' right after s,  for sequences s at h}

and likewise ``Q`` for ``y`` of the other player. A pair is an equilibrium if and only if
prices exist such that every sequence has probability 0 or a tight inequality. Faces of ``P``
are unbounded only in prices, hence all equilibria are convex combinations, in the
realization plans of one player at a time, of those at vertices of ``P`` and ``Q``.

The number of inequalities is linear in the tree, whereas the reduced strategic form, and
with it the dimension of its best-response polytopes, is exponential in it.

References
----------
von Stengel (1996), "Efficient computation of behavior strategies", Games and Economic
Behavior 14: the sequence form. Audet, Belhaiza and Hansen (2009), "A new sequence form
approach for the enumeration and refinement of all extreme Nash equilibria for extensive form
games": extreme equilibria in it. Fukuda and Prodon (1996), "Double description method
revisited".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from operator import mul

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..forms.reduce import Truncation
from ._growth import about, expected
from .rational_lp import least_cost

__all__ = [
    "RealizationPlan",
    "TooManyRays",
    "extreme_realization_plans",
    "is_strictly_competitive",
    "minimax_realization_plans",
]

RealizationPlan = dict[tuple[int, int], Fraction]
"""(information set, action) -> probability that the player's own choices carry it out."""
Ray = tuple[tuple[int, ...], int]
"""Integer coordinates, and the mask of inequalities that are tight."""
_PerPlayer = Sequence[Fraction | int] | Mapping[int, Fraction | int]
_FORESEEN = 1.2
"""How many times the limit must be expected: random trees were expected to have up to 1.15 times
the rays that they had."""
_EMPTY = (-1, 0)
"""The empty sequence."""


class TooManyRays(Exception):
    """A limit would be passed; the message says which, and what is known of the rays' number."""

    def __init__(self, known: str, foreseen: bool = False) -> None:
        super().__init__(known)
        self.foreseen = foreseen
        """It is an estimate."""


def _passed() -> str:
    return f"more than {limits.MAX_RAYS} rays, highfence.limits.MAX_RAYS"


@dataclass(frozen=True)
class _Side:
    """Sequences of one player: ``before[h]`` is the one that leads to information set h."""

    sequences: tuple[tuple[int, int], ...]
    before: dict[int, tuple[int, int]]


def extreme_realization_plans(
    tree: Truncation,
    players: tuple[int, int],
    values: Mapping[int, Sequence[Fraction | int]],
    foresee: bool = False,
) -> list[tuple[RealizationPlan, RealizationPlan]]:
    """Return all extreme equilibria of two players, exactly.

    Parameters
    ----------
    tree
        Part of a tree with perfect recall, rational probabilities of chance. Players other
        than the two have one action at each information set.
    players
        The two players.
    values
        Per end of the tree, a rational number per player.
    foresee
        Give up where the number of rays, by how it grows, would pass the limit.

    Returns
    -------
    list of pairs of realization plans
        Each pair once, in no promised order.

    Raises
    ------
    TooManyRays
        More than ``limits.MAX_RAYS`` rays on the way, or in the end: each pure strategy is that
        of at least one ray. Or more than ``limits.MAX_RAY_COMPARISONS``.
    """
    most = max(tree.counts[player] for player in players)
    if most > limits.MAX_RAYS:
        raise TooManyRays(f"{_passed()}: one player has {most} pure strategies, each one of a ray")
    sides = [_side(tree, player) for player in players]
    payoffs = _sequence_payoffs(tree, players, values)
    flipped = {(b, a): pair for (a, b), pair in payoffs.items()}
    vertices = []
    for own, other, table, whose in (
        (sides[0], sides[1], payoffs, 1),
        (sides[1], sides[0], flipped, 0),
    ):
        worth: dict[tuple[int, int], list[tuple[tuple[int, int], Fraction]]] = {}
        for (mine, theirs), pair in table.items():
            worth.setdefault(theirs, []).append((mine, pair[whose]))
        coordinates = _coordinates(own)
        rows = [
            [*coordinates[sequence], *([0] * len(other.before))] for sequence in own.sequences
        ] + _price_rows(other, worth, coordinates)
        points = _points(_extreme_rays(rows, foresee), own, coordinates)
        vertices.append(_vertices(points, own, other, table, whose))
    first, second = vertices
    # In the second polyhedron the sequences of the second player come first: turn round.
    counts = len(sides[0].sequences), len(sides[1].sequences)
    turned = {
        (mask >> counts[1]) | (mask & (1 << counts[1]) - 1) << counts[0]: plan
        for mask, plan in second.items()
    }
    return [
        (first[mask], turned[other_mask])
        for mask, other_mask in _complementary(list(first), list(turned), sum(counts))
    ]


def is_strictly_competitive(
    tree: Truncation, players: tuple[int, int], values: Mapping[int, Sequence[Fraction | int]]
) -> bool:
    """Return True if one player's payoff falls linearly in the other's, over all ends."""
    points = sorted({(values[end][players[0]], values[end][players[1]]) for end in tree.ends})
    (x, y), (last_x, last_y) = points[0], points[-1]
    return all(
        (last_y - y) * (here_x - x) == (here_y - y) * (last_x - x) for here_x, here_y in points
    ) and (last_x > x and last_y < y)


def minimax_realization_plans(
    tree: Truncation,
    players: tuple[int, int],
    values: Mapping[int, Sequence[Fraction | int]],
) -> tuple[RealizationPlan, RealizationPlan]:
    """Return one equilibrium of two strictly competitive players, exactly.

    Each player keeps the best payoff of the other as low as possible, by a linear program
    over realization plans and prices of the size of the tree (von Stengel 1996). Parameters
    as for :func:`extreme_realization_plans`. Plans may exceed 1 and must be read as odds
    between the actions of an information set.
    """
    lowest = [min(values[end][player] for end in tree.ends) for player in players]
    # Payoffs from 0 on: then no cost is negative, and more of a sequence never pays.
    raised = {
        end: {
            player: values[end][player] - low for player, low in zip(players, lowest, strict=True)
        }
        for end in tree.ends
    }
    sides = [_side(tree, player) for player in players]
    payoffs = _sequence_payoffs(tree, players, raised)
    flipped = {(b, a): pair for (a, b), pair in payoffs.items()}
    first = _least_price(sides[0], sides[1], payoffs, 1)
    return first, _least_price(sides[1], sides[0], flipped, 0)


def _least_price(
    own: _Side,
    other: _Side,
    table: Mapping[tuple[tuple[int, int], tuple[int, int]], tuple[Fraction, Fraction]],
    whose: int,
) -> RealizationPlan:
    """Return a plan of one player against which the other's best payoff is least."""
    column = {sequence: k for k, sequence in enumerate(own.sequences)}
    price = {known: len(column) + k for k, known in enumerate(other.before)}
    costs = [Fraction(0)] * (len(column) + len(price))
    for known, leads in other.before.items():
        costs[price[known]] += leads == _EMPTY
    rows, bounds = [], []
    for known, leads in own.before.items():
        row = [Fraction(0)] * len(costs)
        for sequence in own.sequences:
            row[column[sequence]] += sequence[0] == known
        if leads != _EMPTY:
            row[column[leads]] -= 1
        rows.append(row)
        bounds.append(Fraction(leads == _EMPTY))
    for theirs in other.sequences:
        row = [Fraction(0)] * len(costs)
        row[price[theirs[0]]] += 1
        for known, leads in other.before.items():
            row[price[known]] -= leads == theirs
        rows.append(row)
        bounds.append(Fraction(0))
    place = {sequence: len(own.before) + k for k, sequence in enumerate(other.sequences)}
    for (mine, theirs), pair in table.items():
        if theirs == _EMPTY:
            if mine != _EMPTY:
                costs[column[mine]] += pair[whose]
        elif mine == _EMPTY:
            bounds[place[theirs]] += pair[whose]
        else:
            rows[place[theirs]][column[mine]] -= pair[whose]
    _, solution = least_cost(costs, rows, bounds)
    return {sequence: solution[k] for sequence, k in column.items()}


def _points(
    rays: Sequence[Ray], own: _Side, coordinates: Mapping[tuple[int, int], Sequence[int]]
) -> list[tuple[int, ...]]:
    """Return the plans at the vertices among rays, each once, whatever the prices.

    Each is given by integers in a common ratio: that of the empty sequence, then of all others.
    """
    parts = [
        [(k, entry) for k, entry in enumerate(coordinates[sequence]) if entry]
        for sequence in (_EMPTY, *own.sequences)
    ]
    points: dict[tuple[int, ...], None] = {}
    for ray, _ in rays:
        if ray[0] > 0:  # the others are directions in which prices grow
            points[_primitive([sum([ray[k] * entry for k, entry in part]) for part in parts])] = (
                None
            )
    return list(points)


def _vertices(
    points: Sequence[tuple[int, ...]],
    own: _Side,
    other: _Side,
    table: Mapping[tuple[tuple[int, int], tuple[int, int]], tuple[Fraction, Fraction]],
    whose: int,
) -> dict[int, RealizationPlan]:
    """Return the plans that are no mixtures of others with the same best replies, by mask.

    A vertex of ``P`` need not be one in ``x`` alone: prices where play never comes have kinks
    of their own. Let ``v`` be what the other's best plan against ``x`` is worth. The polyhedron of
    all ``(x, v)`` with a ``v`` at least that large has facets of two kinds: a sequence of ``x``
    has probability zero, or a pure plan of the other is worth ``v``. Its vertices are among the
    points of vertices of ``P``, and a point is one if and only if no other point lies on all facets
    on which it lies.

    Returns
    -------
    dict
        Bit ``s`` of a key: the own sequence of this number has probability 0. Bits of the other's
        sequences follow: a best plan carries it out.
    """
    size = len(own.sequences)
    number = {sequence: k for k, sequence in enumerate((_EMPTY, *own.sequences))}
    whole = lcm(*(pair[whose].denominator for pair in table.values()))
    pays: list[list[tuple[tuple[int, int], int]]] = [[] for _ in number]
    for (mine, theirs), pair in table.items():
        if pair[whose]:
            pays[number[mine]].append((theirs, int(pair[whose] * whole)))
    masks = []
    for point in points:
        zero = sum([1 << k for k, part in enumerate(point[1:]) if not part])
        gains = dict.fromkeys((_EMPTY, *other.sequences), 0)
        for part, paid in zip(point, pays, strict=True):
            if part:
                for theirs, pay in paid:
                    gains[theirs] += part * pay
        masks.append(zero | _best(other, gains) << size)
    words = _words(masks, size + len(other.sequences))
    columns = np.ascontiguousarray(words.T)
    kept = {}
    for point, mask, own_words in zip(points, masks, words, strict=True):
        if _having(columns, own_words) == 1:
            kept[mask] = {
                sequence: Fraction(part, point[0])
                for sequence, part in zip(own.sequences, point[1:], strict=True)
            }
    return kept


def _best(side: _Side, gains: dict[tuple[int, int], int]) -> int:
    """Return a mask of the sequences that a player's best plans carry out.

    ``gains``: what each sequence adds to the payoff; what follows it is added to it here.
    """
    actions: dict[int, list[tuple[int, int]]] = {known: [] for known in side.before}
    for sequence in side.sequences:
        actions[sequence[0]].append(sequence)
    # A player's later information sets have higher numbers.
    for known, leads in reversed(side.before.items()):
        price = max([gains[sequence] for sequence in actions[known]])
        actions[known] = [sequence for sequence in actions[known] if gains[sequence] == price]
        gains[leads] += price
    reached = {_EMPTY}
    for known, leads in side.before.items():
        if leads in reached:
            reached.update(actions[known])
    return sum([1 << k for k, sequence in enumerate(side.sequences) if sequence in reached])


def _side(tree: Truncation, player: int) -> _Side:
    before = {
        known: taken[-1] if taken else _EMPTY
        for known, taken in tree.own_histories().items()
        if tree.form.information_sets[known].player == player
    }
    before = dict(sorted(before.items()))
    return _Side(
        tuple(
            (known, action)
            for known in before
            for action in range(len(tree.form.information_sets[known].actions))
        ),
        before,
    )


def _sequence_payoffs(
    tree: Truncation, players: tuple[int, int], values: Mapping[int, _PerPlayer]
) -> dict[tuple[tuple[int, int], tuple[int, int]], tuple[Fraction, Fraction]]:
    """Return, per pair of sequences, the payoffs at their ends times chance."""
    sums: dict[tuple[tuple[int, int], tuple[int, int]], tuple[Fraction, Fraction]] = {}
    nothing = Fraction(0), Fraction(0)
    first, second = players
    for end, weight, taken in zip(tree.ends, tree.chance, tree.choices, strict=True):
        last = {first: _EMPTY, second: _EMPTY}
        for step in taken:
            last[tree.form.information_sets[step[0]].player] = step
        pair = last[first], last[second]
        known, odds = sums.get(pair, nothing), Fraction(weight)
        sums[pair] = (
            known[0] + odds * values[end][first],
            known[1] + odds * values[end][second],
        )
    return sums


def _coordinates(side: _Side) -> dict[tuple[int, int], list[int]]:
    """Return every sequence's probability as a linear function of free coordinates.

    The first coordinate is that of the empty sequence; then, per information set, come all
    actions but the last, whose probability is what the others leave.
    """
    counts: dict[int, int] = {}
    for known, _ in side.sequences:
        counts[known] = counts.get(known, 0) + 1
    width = 1 + sum(count - 1 for count in counts.values())
    made = {_EMPTY: [1] + [0] * (width - 1)}
    position = 1
    for known, count in counts.items():
        rest = list(made[side.before[known]])
        for action in range(count - 1):
            made[known, action] = [int(k == position) for k in range(width)]
            rest[position] -= 1
            position += 1
        made[known, count - 1] = rest
    return made


def _price_rows(
    other: _Side,
    worth: Mapping[tuple[int, int], Sequence[tuple[tuple[int, int], Fraction]]],
    coordinates: Mapping[tuple[int, int], Sequence[int]],
) -> list[list[int]]:
    """Return, per sequence of the other player, price minus worth as an integer row."""
    width = len(coordinates[_EMPTY])
    places = {known: position for position, known in enumerate(other.before)}
    rows = []
    for sequence in other.sequences:
        row = [Fraction(0)] * (width + len(places))
        row[width + places[sequence[0]]] += 1
        for known, leads in other.before.items():
            if leads == sequence:
                row[width + places[known]] -= 1
        for mine, payoff in worth.get(sequence, ()):
            for k, part in enumerate(coordinates[mine]):
                row[k] -= part * payoff
        whole = lcm(*(entry.denominator for entry in row))
        rows.append([int(entry * whole) for entry in row])
    return rows


def _extreme_rays(rows: list[list[int]], foresee: bool = False) -> list[Ray]:
    """Return the extreme rays of the pointed cone ``{z : rows z >= 0}``.

    Inequalities are added one by one to a simplicial cone of independent ones; rays that a
    new one cuts off give way to the points where it meets the edges to rays that stay.
    """
    basis = _independent(rows)
    dimension = len(basis)
    all_of_basis = sum(1 << k for k in basis)
    rays = [
        (ray, all_of_basis & ~(1 << k))
        for k, ray in zip(basis, _dual_basis([rows[k] for k in basis]), strict=True)
    ]
    counts = [len(rays)]
    compared = 0
    added = [k for k in range(len(rows)) if k not in basis]
    for place, k in enumerate(added, 1):
        rays, compared = _cut(rays, rows[k], k, dimension, len(rows), compared)
        counts.append(len(rays))
        likely = expected(counts, len(added) - place, limits.MAX_RAYS) if foresee else 0
        if likely > _FORESEEN * limits.MAX_RAYS:
            raise TooManyRays(
                f"{about(likely)} rays are expected, as there are {len(rays)} "
                f"of them {len(added) - place} inequalities before the last; "
                f"highfence.limits.MAX_RAYS is {limits.MAX_RAYS}",
                foreseen=True,
            )
    return rays


def _independent(rows: list[list[int]]) -> list[int]:
    """Return the indices of the first linearly independent rows."""
    chosen: list[int] = []
    reduced: list[tuple[int, list[Fraction]]] = []  # pivot, row with 1 there
    for k, row in enumerate(rows):
        rest = [Fraction(entry) for entry in row]
        for pivot, known in reduced:
            if factor := rest[pivot]:
                rest = [a - factor * b for a, b in zip(rest, known, strict=True)]
        pivot = next((j for j, entry in enumerate(rest) if entry), -1)
        if pivot >= 0:
            lead = rest[pivot]
            reduced.append((pivot, [entry / lead for entry in rest]))
            chosen.append(k)
    return chosen


def _dual_basis(rows: list[list[int]]) -> list[tuple[int, ...]]:
    """Return integer vectors; the k-th is positive on row k and zero on the others."""
    size = len(rows)
    table = [
        [Fraction(entry) for entry in row] + [Fraction(j == k) for j in range(size)]
        for k, row in enumerate(rows)
    ]
    for column in range(size):
        pivot = next(k for k in range(column, size) if table[k][column])
        table[column], table[pivot] = table[pivot], table[column]
        lead = table[column][column]
        table[column] = [entry / lead for entry in table[column]]
        for k in range(size):
            if k != column and (factor := table[k][column]):
                table[k] = [a - factor * b for a, b in zip(table[k], table[column], strict=True)]
    made = []
    for k in range(size):
        vector = [table[j][size + k] for j in range(size)]
        whole = lcm(*(entry.denominator for entry in vector))
        made.append(_primitive([int(entry * whole) for entry in vector]))
    return made


def _primitive(vector: Sequence[int]) -> tuple[int, ...]:
    divisor = gcd(*vector)
    return tuple(entry // divisor for entry in vector) if divisor > 1 else tuple(vector)


def _cut(
    rays: list[Ray], row: list[int], k: int, dimension: int, count: int, compared: int
) -> tuple[list[Ray], int]:
    """Return the rays of the cone after adding the inequality ``row z >= 0``, number ``k``.

    ``compared``: comparisons of rays so far, which are returned with those made here.
    """
    bit = 1 << k
    kept: list[Ray] = []
    stay: list[tuple[int, int]] = []
    go: list[tuple[int, int]] = []
    for index, (ray, mask) in enumerate(rays):
        slack = sum(map(mul, row, ray))
        if slack < 0:
            go.append((index, -slack))
        else:
            kept.append((ray, mask if slack else mask | bit))
            if slack:
                stay.append((index, slack))
    if not go:
        return kept, compared
    if len(kept) > limits.MAX_RAYS:
        raise TooManyRays(_passed())
    table = _words([mask for _, mask in rays], count)
    columns = np.ascontiguousarray(table.T)
    gone = table[[index for index, _ in go]]
    for index, slack in stay:
        shared = table[index] & gone
        enough = np.flatnonzero(np.bitwise_count(shared).sum(axis=1) >= dimension - 2)
        compared += len(enough) * len(table)
        if compared > limits.MAX_RAY_COMPARISONS:
            raise TooManyRays(
                f"more than {limits.MAX_RAY_COMPARISONS} comparisons of rays, "
                "highfence.limits.MAX_RAY_COMPARISONS"
            )
        for position in enough.tolist():
            # Two rays span a face if and only if no third one has all that they share.
            if _having(columns, shared[position]) == 2:
                outer, excess = go[position]
                made = [
                    excess * a + slack * b
                    for a, b in zip(rays[index][0], rays[outer][0], strict=True)
                ]
                kept.append((_primitive(made), rays[index][1] & rays[outer][1] | bit))
                if len(kept) > limits.MAX_RAYS:
                    raise TooManyRays(_passed())
    return kept, compared


def _having(columns: NDArray[np.uint64], words: NDArray[np.uint64]) -> int:
    """Return how many masks have all bits of one; ``columns[k, i]`` is word k of mask i."""
    within: NDArray[np.intp] | None = None
    for k in np.flatnonzero(words):  # hardly any are left after the first
        column = columns[k] if within is None else columns[k, within]
        fits = np.flatnonzero((column & words[k]) == words[k])
        within = fits if within is None else within[fits]
    return columns.shape[1] if within is None else len(within)


def _words(masks: Sequence[int], bits: int) -> NDArray[np.uint64]:
    """Return bit masks as rows of 64-bit words."""
    words = max(1, -(-bits // 64))
    whole = (1 << 64) - 1
    return np.array(
        [[mask >> 64 * k & whole for k in range(words)] for mask in masks], dtype=np.uint64
    ).reshape(len(masks), words)


def _complementary(
    first: Sequence[int], second: Sequence[int], bits: int
) -> Iterator[tuple[int, int]]:
    """Yield the pairs of masks that together have all bits."""
    if not second:
        return
    table = _words(second, bits)
    everything = (1 << bits) - 1
    for mask in first:
        missing = _words([everything & ~mask], bits)[0]
        for position in np.flatnonzero(((table & missing) == missing).all(axis=1)).tolist():
            yield mask, second[position]
