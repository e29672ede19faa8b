"""Evidence for or against perfect and proper equilibria, and the index of components.

Nothing here is believed: the judge (:mod:`highfence.certify.refinement`) checks the evidence.

*Two players.* An equilibrium is perfect if and only if neither strategy is weakly dominated (van
Damme 1987, theorem 3.2.2), which a linear program decides. For a proper one, the payoffs that the
trembles bring about rank the strategies of both players. The rankings that are possible nearby
refine that by payoffs in the equilibrium itself; for each pair of them, trembles of one player
have to satisfy linear inequalities, which do not depend on the trembles of the other. They are
solved for one ``e`` that is small enough to speak for all smaller ones.

*More players.* Regular equilibria are proper. Others are held against a few patterns of
trembles, and against strategies that small trembles of the others always make worse.

*Components.* The index of a component of equilibria of two players is the sum of the indices of
the equilibria near it in a game nearby that has only regular ones. Payoffs are moved by so little
that no determinant that matters can change its sign on the way, and so that the limits, as
fractions with bounded denominators, can be read off.

References
----------
Myerson (1978); Blume, Brandenburger and Dekel (1991), "Lexicographic probabilities and equilibrium
refinements"; van Damme (1987); Kohlberg and Mertens (1986), "On the strategic stability of
equilibria"; Balthasar (2009), "Equilibrium tracing in strategic-form games" for the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, islice, product
from math import factorial, lcm
from typing import Any

import numpy as np

from .. import limits
from ..forms.normal import NormalForm, Profile
from ..forms.trembles import (
    BestAgainst,
    Dominated,
    Evidence,
    LocallyWorse,
    NearlyProper,
    NoOrder,
    Nothing,
    Trembles,
    Vector,
    sign_bound,
)
from ..solution import Finds
from .rational_lp import least_cost
from .registry import concept

__all__ = ["perfect_evidence", "proper_evidence", "regular_neighbor"]

Row = list[Fraction | int]

_STEPS = 1000
"""Payoffs move by random multiples, below this, of one distance."""


@concept(
    "refinements",
    takes="equilibria of normal and extensive forms, few enough to list",
    finds=Finds.ALL,
    exact=True,
    source="Shapley (1974); Selten (1975); Myerson (1978); Cho & Kreps (1987)",
    call="highfence solve GAME --refine",
    use="which equilibria survive trembles, which beliefs they need, and their index",
)
def perfect_evidence(form: NormalForm, profile: Profile) -> Iterator[Evidence]:
    """Yield what may show that an equilibrium is perfect, or that it is not.

    Parameters
    ----------
    form
        Any number of players.
    profile
        An equilibrium that is not regular.

    Yields
    ------
    Evidence
        For two players with exact probabilities, one proof: completely mixed strategies against
        which those of the profile are best, or a mixture that dominates one of them. For more,
        guesses, until the judge accepts one; in the end ``Nothing``.

    Examples
    --------
    >>> game = NormalForm.bimatrix([[1, 1], [1, 0]], [[1, 0], [1, 0]])
    >>> next(perfect_evidence(game, Profile.pure(game, (1, 0))))
    Dominated(player=0, mixture=(Fraction(1, 1), Fraction(0, 1)))
    """
    if (reason := _out_of_reach(form, profile)) is not None:
        yield Nothing(reason)
        return
    for player in range(form.num_players):
        if (mixture := _domination(form, profile, player)) is not None:
            yield Dominated(player, mixture)
            return
    if form.num_players == 2:
        first, second = (_best_against(form, profile, player) for player in (0, 1))
        if first is not None and second is not None:
            yield BestAgainst((second, first))
        return
    for player, support in enumerate(profile.supports):
        for used in support:
            others = (k for k in range(form.num_strategies[player]) if k != used)
            yield from (LocallyWorse(player, used, k) for k in others)
    yield from _patterns(profile)


def proper_evidence(form: NormalForm, profile: Profile) -> Iterator[Evidence]:
    """Yield what may show that a perfect equilibrium is proper, or that it is not.

    Parameters
    ----------
    form
        Any number of players.
    profile
        A perfect equilibrium that is not regular.

    Yields
    ------
    Evidence
        For two players a proof or, if no order of preferences will do, ``NoOrder``; ``Nothing``
        if there are more than ``limits.MAX_PREFERENCE_ORDERS`` to try. For more players, guesses.

    Examples
    --------
    Myerson's (1978) game: of three equilibria, that of the second strategies is perfect, and only
    that of the first ones is proper.

    >>> payoffs = [[1, 0, -9], [0, 0, -7], [-9, -7, -7]]
    >>> game = NormalForm.bimatrix(payoffs, symmetric=True)
    >>> next(proper_evidence(game, Profile.pure(game, (1, 1))))
    NoOrder(tried=4)
    """
    if (reason := _out_of_reach(form, profile)) is not None:
        yield Nothing(reason)
        return
    if form.num_players > 2:
        yield from _patterns(profile)
        return
    choices = [_rankings(form, profile, player) for player in (0, 1)]
    first, second = (list(islice(each, limits.MAX_PREFERENCE_ORDERS + 1)) for each in choices)
    if max(len(first), len(second)) <= limits.MAX_PREFERENCE_ORDERS:
        first, second = (
            [ranking for ranking in found if _is_possible(form, player, ranking)]
            for player, found in enumerate((first, second))
        )
    number = len(first) * len(second)
    if number > limits.MAX_PREFERENCE_ORDERS:
        yield Nothing(
            f"more than {limits.MAX_PREFERENCE_ORDERS} orders of preferences are possible nearby "
            "(highfence.limits.MAX_PREFERENCE_ORDERS)"
        )
        return
    bound = sign_bound(form, profile)
    epsilon = Fraction(1, 16 * bound**3)
    for rankings in product(first, second):
        made = []
        for player in (0, 1):
            near = _trembles(form, profile, player, rankings, epsilon, bound)
            if near is None:
                break
            made.append(near)
        else:
            yield NearlyProper(epsilon, (made[0], made[1]))
            return
    yield NoOrder(number)


def _out_of_reach(form: NormalForm, profile: Profile) -> str | None:
    """Return why a profile is not examined, or None if it is."""
    if not profile.is_exact:
        return "its probabilities are not known exactly, and it is not regular"
    if form.payoffs.size > limits.MAX_DOMINANCE_CELLS:
        return (
            f"the game has more than {limits.MAX_DOMINANCE_CELLS} payoffs "
            "(highfence.limits.MAX_DOMINANCE_CELLS)"
        )
    return None


# ---------------------------------------------------------------------------------------------
# Two players


def _table(form: NormalForm, player: int) -> list[list[Fraction]]:
    """Return a player's payoffs, own strategies first, those of the others flattened."""
    moved = np.moveaxis(form.rational()[player], player, 0)
    return [[Fraction(value) for value in row.ravel()] for row in moved]


def _best_against(form: NormalForm, profile: Profile, player: int) -> Vector | None:
    """Return a completely mixed strategy of the other against which the player's is best."""
    table = _table(form, player)
    own = _mixed(table, profile.strategies[player])
    # With y = 1 + z, z >= 0: (own - row) y >= 0 for every row.
    rows = [[a - b for a, b in zip(own, row, strict=True)] for row in table]
    width = len(own)
    try:
        _, extra = least_cost([1] * width, rows, [-sum(row) for row in rows])
    except ValueError:
        return None
    total = width + sum(extra)
    return tuple((1 + part) / total for part in extra)


def _mixed(table: Sequence[Sequence[Fraction]], odds: Sequence[Any]) -> list[Fraction]:
    return [
        sum((Fraction(p) * value for p, value in zip(odds, column, strict=True)), Fraction(0))
        for column in zip(*table, strict=True)
    ]


def _domination(form: NormalForm, profile: Profile, player: int) -> Vector | None:
    """Return a mixture that weakly dominates the player's strategy, or None."""
    table = _table(form, player)
    own = _mixed(table, profile.strategies[player])
    # A mixture z / t gains in every column, and 1 in all if multiplied by t.
    gains = [[*column, -kept] for column, kept in zip(zip(*table, strict=True), own, strict=True)]
    whole: Row = [*([1] * len(table)), -1]
    rows = [
        *gains,
        [sum(column) for column in zip(*gains, strict=True)],
        whole,
        [-w for w in whole],
    ]
    bounds = [*([0] * len(gains)), 1, 0, 0]
    try:
        _, found = least_cost([1] * (len(table) + 1), rows, bounds)
    except ValueError:
        return None
    return tuple(part / found[-1] for part in found[:-1])


Ranking = tuple[tuple[int, ...], ...]
"""Classes of strategies, the best first."""


def _rankings(form: NormalForm, profile: Profile, player: int) -> Iterator[Ranking]:
    """Yield the rankings of a player's strategies that trembles of the other may bring about."""
    table = _table(form, player)
    values = [
        sum(
            (Fraction(p) * a for p, a in zip(profile.strategies[1 - player], row, strict=True)),
            Fraction(0),
        )
        for row in table
    ]
    groups = [
        [k for k, value in enumerate(values) if value == level]
        for level in sorted(set(values), reverse=True)
    ]
    used = set(profile.supports[player])
    for parts in product(*(list(_partitions(group, table)) for group in groups)):
        ranking = tuple(cell for part in parts for cell in part)
        if used <= set(ranking[0]):
            yield ranking


def _is_possible(form: NormalForm, player: int, ranking: Ranking) -> bool:
    """Return whether some completely mixed strategy of the other brings a ranking about."""
    table = _table(form, player)
    return _cover(_order_rows(ranking, table), _unit_rows(len(table[0]))) is not None


def _partitions(group: Sequence[int], table: Sequence[Sequence[Fraction]]) -> Iterator[Ranking]:
    """Yield the ordered partitions of strategies that dominance allows."""
    if not group:
        yield ()
        return

    def beats(one: int, other: int) -> bool:
        pairs = list(zip(table[one], table[other], strict=True))
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    for mask in range(1, 1 << len(group)):
        first = tuple(k for position, k in enumerate(group) if mask >> position & 1)
        rest = [k for k in group if k not in first]
        if any(beats(other, k) for k in first for other in group):
            continue
        if any(table[k] == table[other] for k in first for other in rest):
            continue
        for later in _partitions(rest, table):
            yield (first, *later)


def _trembles(
    form: NormalForm,
    profile: Profile,
    player: int,
    rankings: Sequence[Ranking],
    epsilon: Fraction,
    bound: int,
) -> Vector | None:
    """Return trembles of a player that fit both rankings and are close enough, or None."""
    count = form.num_strategies[player]
    rows: list[Row] = []
    for better, worse in zip(rankings[player], rankings[player][1:], strict=False):
        for k, other in product(worse, better):
            row: Row = [0] * count
            row[k], row[other] = -1, epsilon
            rows.append(row)
    rows += _order_rows(rankings[1 - player], _table(form, 1 - player))
    mixed = _cover(rows, _unit_rows(count))
    if mixed is None:
        return None
    nearest = _nearest(rows, [Fraction(p) for p in profile.strategies[player]])
    if nearest is None:
        return None
    distance, close = nearest
    if distance >= Fraction(1, 2 * bound):
        return None
    # A little of the mixed one makes the closest one completely mixed, and moves it little.
    weight = (Fraction(1, 2 * bound) - distance) / 2
    total = sum(mixed)
    return tuple((1 - weight) * a + weight * b / total for a, b in zip(close, mixed, strict=True))


def _order_rows(ranking: Ranking, table: Sequence[Sequence[Fraction]]) -> list[Row]:
    """Return inequalities on trembles of the other under which payoffs rank as they should."""

    def gain(k: int, other: int) -> Row:
        return [a - b for a, b in zip(table[k], table[other], strict=True)]

    rows = []
    for cell, after in zip(ranking, (*ranking[1:], ()), strict=True):
        for k in cell[1:]:
            rows += [gain(cell[0], k), gain(k, cell[0])]
        if after:
            rows.append(gain(cell[0], after[0]))
    return rows


def _unit_rows(count: int) -> list[Row]:
    return [[int(k == j) for j in range(count)] for k in range(count)]


def _cover(rows: Sequence[Row], ones: Sequence[Row]) -> tuple[Fraction, ...] | None:
    """Return a vector of at least 1 everywhere that satisfies homogeneous rows, or None.

    It stands for a completely mixed strategy, which need only be divided by its sum.
    """
    count = len(ones)
    try:
        return least_cost([1] * count, [*rows, *ones], [0] * len(rows) + [1] * count)[1]
    except ValueError:
        return None


def _nearest(
    rows: Sequence[Row], point: Sequence[Fraction]
) -> tuple[Fraction, tuple[Fraction, ...]] | None:
    """Return the probability vector nearest to a point that satisfies homogeneous rows."""
    count = len(point)
    every: list[Row] = [[*row, 0] for row in rows]
    bounds: list[Fraction | int] = [0] * len(rows)
    every += [[*([1] * count), 0], [*([-1] * count), 0]]
    bounds += [1, -1]
    for k, value in enumerate(point):
        unit: Row = [int(k == j) for j in range(count)]
        every += [[*(-u for u in unit), 1], [*unit, 1]]
        bounds += [-value, value]
    try:
        distance, found = least_cost([*([0] * count), 1], every, bounds)
    except ValueError:
        return None
    return distance, found[:count]


# ---------------------------------------------------------------------------------------------
# More players


def _patterns(profile: Profile) -> Iterator[Evidence]:
    """Yield trembles of a few orders, most of them 1, and in the end that no more were tried."""
    free = sum(not p for vector in profile.strategies for p in vector)
    patterns = (
        dict(zip(rarer, orders, strict=True))
        for count in range(free + 1)
        for rarer in combinations(range(free), count)
        for orders in product((2, 3), repeat=count)
    )
    number = min(3**free, limits.MAX_TREMBLES)
    for pattern in islice(patterns, number):
        place = iter(range(free))
        yield Trembles(
            tuple(
                tuple(0 if p else pattern.get(next(place), 1) for p in vector)
                for vector in profile.strategies
            )
        )
    yield Nothing(f"none of {number} patterns of trembles bears it out, which proves nothing")


# ---------------------------------------------------------------------------------------------
# Components


def regular_neighbor(form: NormalForm, seed: int = 0) -> tuple[NormalForm, int]:
    """Return a game of two players nearby, and the bound on denominators of what it leads to.

    Parameters
    ----------
    form
        Two players.
    seed
        Of the direction in which payoffs are moved. For most directions all equilibria of the
        game nearby are regular.

    Returns
    -------
    game, bound
        An equilibrium of the game nearby tends to an equilibrium of the form as the distance
        goes to 0. Its probabilities are the fractions nearest to those of the former with
        denominators up to the bound.
    """
    rng = np.random.default_rng(seed)
    size = max(form.num_strategies) + 2
    moved = np.empty(form.payoffs.shape, dtype=object)
    largest = 1
    for player in (0, 1):
        table = form.rational()[player]
        scale = lcm(*(Fraction(value).denominator for value in table.ravel()))
        low = min(Fraction(value) for value in table.ravel())
        for cell, value in np.ndenumerate(table):
            moved[(player, *cell)] = (Fraction(value) - low) * scale
            largest = max(largest, int(moved[(player, *cell)]))
    steps = rng.integers(1, _STEPS, form.payoffs.shape)
    bound = factorial(size) * (largest + _STEPS) ** size
    distance = Fraction(1, 16 * bound**4)
    for index, step in np.ndenumerate(steps):
        moved[index] += distance * int(step)
    return NormalForm.from_payoffs(moved), bound
