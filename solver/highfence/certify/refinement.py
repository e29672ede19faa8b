"""The judge of refinements of equilibria in strategic form, and their index.

Definitions
-----------
Perfect and proper: see :mod:`highfence.forms.trembles`. An equilibrium is *regular* here if it is
quasi-strict (strategies out of use pay strictly less) and the Jacobian ``J`` of the payoff
differences between strategies in use, in the probabilities in use, is nonsingular. Its *index* is
the sign of ``det(-J)``; of two players with positive payoffs ``A``, ``B`` on supports of size
``k`` this is Shapley's ``(-1)**(k + 1) sign(det A det B)``. A regular equilibrium is isolated,
perfect and proper; a strict one has index +1; and where all are regular, the indices sum to 1.

*Why a single e is enough.* The orders in which strategies of two players rank, and the linear
inequalities of ``e``-proper profiles, have finitely many combinations. In each, the distance
from ``x`` of the nearest profile is a ratio of determinants: polynomials in ``e`` with integer
coefficients whose absolute values sum to at most ``H`` (Leibniz' formula). For
``e <= 1/(16 H**3)`` that distance is below ``1/(2 H)`` only if it goes to 0 with ``e``.

References
----------
Shapley (1974), "A note on the Lemke-Howson algorithm"; Selten (1975); Myerson (1978),
"Refinements of the Nash equilibrium concept"; van Damme (1987), "Stability and perfection of
Nash equilibria", theorems 2.5.5 and 3.2.2; Gul, Pearce and Stacchetti (1993), "A bound on the
proportion of pure strategy equilibria in generic games"; von Stengel (2022), "Game theory basics".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
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
    Regular,
    Trembles,
    sign_bound,
)
from ..solution import Refinement

__all__ = ["index_of", "judge_evidence"]

_LEAST = 1e-7
"""In floats: least slack, and least singular value relative to the largest, that count as one."""


def index_of(form: NormalForm, profile: Profile) -> int | None:
    """Return the index of a regular equilibrium, or None if it is not regular.

    Parameters
    ----------
    form
        The game, any number of players.
    profile
        An equilibrium.

    Returns
    -------
    int or None
        +1 or -1. Exact if the profile is rational; in floats None where signs are in doubt.

    Notes
    -----
    One determinant of size ``sum of (support sizes - 1)``.

    Examples
    --------
    >>> battle = NormalForm.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    >>> index_of(battle, Profile.from_weights([3, 2], [2, 3]))
    -1
    >>> index_of(battle, Profile.from_weights([1, 0], [1, 0]))
    1
    """
    play = _Play(form, profile)
    for player in range(form.num_players):
        values = [play.payoff(player, {player: k}) for k in range(form.num_strategies[player])]
        best = max(values)
        for k, value in enumerate(values):
            is_used = k in play.supports[player]
            if not is_used and best - value <= play.slack:
                return None
    rows = []
    free = [(i, k) for i, support in enumerate(play.supports) for k in support[1:]]
    for i, k in free:
        row = []
        for j, other in free:
            row.append(
                play.zero
                if i == j
                else -play.change(i, (k, play.supports[i][0]), j, (other, play.supports[j][0]))
            )
        rows.append(row)
    return _sign(rows, play.exact)


class _Play:
    """Expected payoffs around a profile, in rational numbers if the profile is rational."""

    def __init__(self, form: NormalForm, profile: Profile) -> None:
        self.form = form
        self.exact = profile.is_exact and form.payoffs.size <= limits.MAX_EXACT_CELLS
        self.zero: Any = Fraction(0) if self.exact else 0.0
        self.slack = 0 if self.exact else _LEAST
        self.supports = profile.supports
        self.tables: Any = (
            form.rational()
            if self.exact
            else [form.unit_payoffs(player) for player in range(form.num_players)]
        )
        number: Any = Fraction if self.exact else float
        self.odds = [[number(p) for p in vector] for vector in profile.strategies]

    def payoff(self, player: int, fixed: Mapping[int, int]) -> Any:
        """Return a player's expected payoff if some players' strategies are fixed."""
        table = self.tables[player]
        total = self.zero
        choices = [
            (fixed[j],) if j in fixed else support for j, support in enumerate(self.supports)
        ]
        for cell in product(*choices):
            weight: Any = 1
            for j, k in enumerate(cell):
                if j not in fixed:
                    weight *= self.odds[j][k]
            total += weight * table[cell]
        return total

    def change(self, i: int, own: tuple[int, int], j: int, other: tuple[int, int]) -> Any:
        """Return how the gain from own[0] over own[1] changes with weight from other[1] to [0]."""
        return sum(
            sign * self.payoff(i, {i: k, j: m})
            for sign, k, m in (
                (1, own[0], other[0]),
                (-1, own[1], other[0]),
                (-1, own[0], other[1]),
                (1, own[1], other[1]),
            )
        )


def _sign(rows: list[list[Any]], exact: bool) -> int | None:
    """Return the sign of a determinant, or None if it is 0 or in doubt."""
    if not rows:
        return 1
    if not exact:
        matrix = np.array(rows, dtype=np.float64)
        singular = np.linalg.svd(matrix, compute_uv=False)
        if singular[-1] <= _LEAST * singular[0]:
            return None
        return int(np.sign(np.linalg.slogdet(matrix)[0]))
    sign = 1
    rows = [list(row) for row in rows]
    for column in range(len(rows)):
        pivot = next((r for r in range(column, len(rows)) if rows[r][column]), None)
        if pivot is None:
            return None
        if pivot != column:
            rows[column], rows[pivot] = rows[pivot], rows[column]
            sign = -sign
        lead = rows[column]
        if lead[column] < 0:
            sign = -sign
        for r in range(column + 1, len(rows)):
            if factor := rows[r][column] / lead[column]:
                rows[r] = [a - factor * b for a, b in zip(rows[r], lead, strict=True)]
    return sign


def judge_evidence(form: NormalForm, profile: Profile, name: str, evidence: Evidence) -> Refinement:
    """Return the verdict on an equilibrium that some evidence bears out.

    Parameters
    ----------
    form
        The game.
    profile
        An equilibrium.
    name
        ``"perfect"`` or ``"proper"``.
    evidence
        What a method found. All of it is checked here in rational arithmetic, except
        ``NoOrder``, which is the method's word.

    Returns
    -------
    Refinement
        Left open if the evidence does not bear out a verdict.

    Examples
    --------
    The second row is dominated, so the equilibrium in which it is played is not perfect:

    >>> game = NormalForm.bimatrix([[1, 1], [1, 0]], [[1, 0], [1, 0]])
    >>> stubborn = Profile.pure(game, (1, 0))
    >>> half = Fraction(1, 2)
    >>> judge_evidence(game, stubborn, "perfect", Dominated(0, (Fraction(1), Fraction(0)))).holds
    False
    """
    left_open = Refinement(name, None, "the evidence that was found does not bear out a verdict")
    match evidence:
        case Regular():
            if index_of(form, profile) is not None:
                return Refinement(
                    name, True, "it is regular (quasi-strict, and its Jacobian is nonsingular)"
                )
        case BestAgainst(strategies=strategies):
            if name == "perfect" and _are_best_against(form, profile, strategies):
                return Refinement(
                    name, True, "each strategy is best against some completely mixed one"
                )
        case Trembles(orders=orders):
            if _trembles_hold(form, profile, orders, name):
                return Refinement(
                    name,
                    True,
                    f"it is a limit where errors are rare in the orders {_listed(form, orders)}",
                )
        case NearlyProper(epsilon=epsilon, strategies=strategies):
            if _is_nearly_proper(form, profile, epsilon, strategies):
                return Refinement(
                    name, True, "it is the limit of profiles in which worse errors are rarer"
                )
        case Dominated(player=player, mixture=mixture):
            if _dominates(form, profile, player, mixture):
                better = ", ".join(
                    label if weight == 1 else f"{label} {weight}"
                    for label, weight in zip(form.strategies[player], mixture, strict=True)
                    if weight
                )
                return Refinement(
                    name, False, f"the strategy of {form.players[player]} is dominated by {better}"
                )
        case LocallyWorse(player=player, used=used, better=better_one):
            if _is_locally_worse(form, profile, player, used, better_one):
                labels = form.strategies[player]
                return Refinement(
                    name,
                    False,
                    f"{labels[better_one]} pays {form.players[player]} more than {labels[used]} "
                    "as soon as others err, however rarely",
                )
        case NoOrder(tried=tried):
            return Refinement(
                name,
                False,
                f"none of the {tried} orders of preferences that are possible nearby brings "
                "about trembles that lead to it",
            )
        case Nothing(reason=reason):
            return Refinement(name, None, reason)
    return left_open


def _are_best_against(
    form: NormalForm, profile: Profile, strategies: Sequence[Sequence[Fraction]]
) -> bool:
    """Return whether all strategies in use are best against completely mixed ones of the other."""
    if form.num_players != 2 or not all(_is_complete(vector) for vector in strategies):
        return False
    for player, support in enumerate(profile.supports):
        values = _against(form, player, strategies[1 - player])
        if any(values[k] != max(values) for k in support):
            return False
    return True


def _is_complete(vector: Sequence[Fraction]) -> bool:
    return all(p > 0 for p in vector) and sum(vector) == 1


def _against(form: NormalForm, player: int, other: Sequence[Fraction]) -> list[Fraction]:
    """Return a player's payoffs from their strategies against a mixture of the one other."""
    table = form.rational()[player] if player == 0 else form.rational()[player].T
    return [
        sum((Fraction(a) * p for a, p in zip(row, other, strict=True)), Fraction(0))
        for row in table.tolist()
    ]


def _is_nearly_proper(
    form: NormalForm,
    profile: Profile,
    epsilon: Fraction,
    strategies: Sequence[Sequence[Fraction]],
) -> bool:
    bound = sign_bound(form, profile)
    if form.num_players != 2 or not 0 < epsilon <= Fraction(1, 16 * bound**3):
        return False
    for player, vector in enumerate(strategies):
        if not _is_complete(vector):
            return False
        near = zip(vector, profile.strategies[player], strict=True)
        if any(abs(p - Fraction(q)) >= Fraction(1, 2 * bound) for p, q in near):
            return False
        values = _against(form, player, strategies[1 - player])
        for k, other in product(range(len(values)), repeat=2):
            if values[k] < values[other] and vector[k] > epsilon * vector[other]:
                return False
    return True


def _dominates(
    form: NormalForm, profile: Profile, player: int, mixture: Sequence[Fraction]
) -> bool:
    """Return whether a mixture weakly dominates the strategy that a player uses."""
    if any(p < 0 for p in mixture) or sum(mixture) != 1:
        return False
    table = np.moveaxis(form.rational()[player], player, 0)
    gains = sum(
        (p - Fraction(q)) * row
        for p, q, row in zip(mixture, profile.strategies[player], table, strict=True)
    )
    flat = np.asarray(gains, dtype=object).ravel().tolist()
    return all(gain >= 0 for gain in flat) and any(gain > 0 for gain in flat)


def _is_locally_worse(
    form: NormalForm, profile: Profile, player: int, used: int, better: int
) -> bool:
    """Return whether a strategy in use pays less than another for all small trembles of others.

    The others' strategies are pure. A profile of theirs from which the strategy in use gains is
    outweighed by one from which it loses if the latter takes a part of the same errors.
    """
    others = [j for j in range(form.num_players) if j != player]
    if used not in profile.supports[player] or any(len(profile.supports[j]) > 1 for j in others):
        return False
    at = {j: profile.supports[j][0] for j in others}
    table = np.moveaxis(form.rational()[player], player, 0)
    gains: dict[frozenset[tuple[int, int]], Fraction] = {}
    for choice in product(*(range(form.num_strategies[j]) for j in others)):
        errors = frozenset((j, k) for j, k in zip(others, choice, strict=True) if k != at[j])
        gains[errors] = Fraction(table[(used, *choice)]) - Fraction(table[(better, *choice)])
    worse = [errors for errors, gain in gains.items() if gain < 0]
    return bool(worse) and all(
        any(fewer < errors for fewer in worse) for errors, gain in gains.items() if gain > 0
    )


Polynomial = list[Fraction]
"""Coefficients in e, from the constant up."""


def _trembles_hold(
    form: NormalForm, profile: Profile, orders: Sequence[Sequence[int]], name: str
) -> bool:
    """Return whether trembles of these orders bear out that an equilibrium is perfect or proper."""
    if not profile.is_exact:
        return False
    curves: list[list[Polynomial]] = []
    for vector, of_player in zip(profile.strategies, orders, strict=True):
        if any(
            (order == 0) != (p > 0) or order < 0 for p, order in zip(vector, of_player, strict=True)
        ):
            return False
        curves.append(
            [
                [Fraction(p)] if p else [Fraction(0)] * order + [Fraction(1)]
                for p, order in zip(vector, of_player, strict=True)
            ]
        )
    for player, count in enumerate(form.num_strategies):
        values = [_value(form, player, k, curves) for k in range(count)]
        for k, other in product(range(count), repeat=2):
            lower = _leading([a - b for a, b in _aligned(values[k], values[other])]) < 0
            if lower and name == "perfect" and orders[player][k] == 0:
                return False
            if lower and name == "proper" and orders[player][k] <= orders[player][other]:
                return False
    return True


def _value(
    form: NormalForm, player: int, own: int, curves: Sequence[Sequence[Polynomial]]
) -> Polynomial:
    """Return a player's payoff from a strategy along the curve, as a polynomial."""
    table = form.rational()[player]
    others = [j for j in range(form.num_players) if j != player]
    total: Polynomial = [Fraction(0)]
    for choice in product(*(range(form.num_strategies[j]) for j in others)):
        term: Polynomial = [Fraction(1)]
        cell = [own] * form.num_players
        for j, k in zip(others, choice, strict=True):
            term = _times(term, curves[j][k])
            cell[j] = k
        payoff = Fraction(table[tuple(cell)])
        total = [a + payoff * b for a, b in _aligned(total, term)]
    return total


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    made = [Fraction(0)] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        if a:
            for j, b in enumerate(other):
                made[i + j] += a * b
    return made


def _aligned(one: Polynomial, other: Polynomial) -> list[tuple[Fraction, Fraction]]:
    size = max(len(one), len(other))
    zero = Fraction(0)
    return list(
        zip(one + [zero] * (size - len(one)), other + [zero] * (size - len(other)), strict=True)
    )


def _leading(polynomial: Sequence[Fraction]) -> Fraction:
    """Return the first coefficient that is not 0: its sign is that for small e."""
    return next((c for c in polynomial if c), Fraction(0))


def _listed(form: NormalForm, orders: Sequence[Sequence[int]]) -> str:
    return ", ".join(
        f"{label} {order}"
        for labels, of_player in zip(form.strategies, orders, strict=True)
        for label, order in zip(labels, of_player, strict=True)
        if order
    )
