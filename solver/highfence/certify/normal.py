"""The judge of strategic-form profiles.

The *regret* of player ``i`` at a profile ``x`` is what their best pure strategy against
the others' mixed strategies gains over what they get::

    regret_i(x) = (max_k u_i(k, x_-i) - u_i(x)) / scale_i

where ``scale_i`` is the difference between the player's largest and smallest payoff in
the table (1 where that is 0), so that a regret does not change when payoffs are measured
in other units. ``x`` is an equilibrium if and only if all regrets are 0; a mixed deviation
never gains more than the best pure one.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import fsum, inf, isfinite, prod

import numpy as np

from .. import limits, tolerances
from ..forms.normal import NormalForm, Number, Profile
from ..solution import Certificate

__all__ = ["certify_normal"]


def certify_normal(
    form: NormalForm, profile: Profile, tolerance: float | None = None
) -> Certificate:
    """Return the certificate of a mixed strategy profile.

    If all probabilities are rational the regret is computed in rational arithmetic, for
    the exact payoffs, or for the float payoffs as the rational numbers that they are: the
    certificate is then a proof. Otherwise it is computed in floats, after each player's
    payoffs have been mapped to ``[0, 1]``.

    Parameters
    ----------
    form
        The game.
    profile
        One probability vector per player.
    tolerance
        Largest regret for which the certificate holds; by default 0 if exact, else
        ``tolerances.REGRET_FLOAT``.

    Returns
    -------
    Certificate
        Regret ``inf`` if the vectors are not probabilities of the right lengths: exact
        ones must be nonnegative and sum to exactly 1, floats up to
        ``tolerances.PROBABILITY``.

    Notes
    -----
    Time is proportional to the payoffs that matter: ``N`` players times the product of the
    support sizes times the number of strategies to deviate to.
    """
    fault = _simplex_fault(form, profile)
    exact = profile.is_exact and _cells(form, profile) <= limits.MAX_EXACT_CELLS
    if tolerance is None:
        tolerance = 0.0 if exact else tolerances.REGRET_FLOAT
    if fault is not None:
        return Certificate(inf, tolerance, exact=False, checks=(fault,))
    regrets: list[Number] = [
        _exact_regret(form, profile, player) if exact else _float_regret(form, profile, player)
        for player in range(form.num_players)
    ]
    return Certificate(
        max(regrets),
        tolerance,
        exact=exact,
        checks=("no player gains by any of their pure strategies",)
        if max(regrets) <= tolerance
        else tuple(
            f"{form.players[player]} gains {float(regret):.3g} of their payoff scale"
            for player, regret in enumerate(regrets)
            if regret > tolerance
        ),
    )


def _simplex_fault(form: NormalForm, profile: Profile) -> str | None:
    """Return why the vectors are not mixed strategies of the game, or None if they are."""
    lengths = tuple(len(strategy) for strategy in profile.strategies)
    if lengths != form.num_strategies:
        return f"probability vectors of lengths {lengths}, strategies {form.num_strategies}"
    exact = profile.is_exact
    slack = 0.0 if exact else tolerances.PROBABILITY
    for player, strategy in zip(form.players, profile.strategies, strict=True):
        if not all(map(isfinite, strategy)):
            return f"{player}: a probability is not finite"
        if min(strategy) < -slack:
            return f"{player}: the probability {min(strategy, key=float)} is negative"
        total: Number = sum(strategy) if exact else fsum(strategy)
        if not -slack <= total - 1 <= slack:
            return f"{player}: probabilities sum to {total}"
    return None


def _supports(profile: Profile) -> list[list[int]]:
    """Return the pure strategies that count: those whose probability is not 0."""
    return [[k for k, p in enumerate(strategy) if p != 0] for strategy in profile.strategies]


def _cells(form: NormalForm, profile: Profile) -> int:
    """Return how many payoffs the regrets of all players depend on."""
    sizes = [len(support) for support in _supports(profile)]
    return sum(
        count * prod(sizes[:player] + sizes[player + 1 :])
        for player, count in enumerate(form.num_strategies)
    )


def _exact_regret(form: NormalForm, profile: Profile, player: int) -> Fraction:
    low, high = form.payoff_ranges[player]
    if low == high:
        return Fraction(0)
    supports = _supports(profile)
    others = [k for k in range(form.num_players) if k != player]
    table = form.payoffs[player] if form.exact is None else form.exact[player]
    values = [Fraction(0)] * form.num_strategies[player]
    index = [0] * form.num_players
    for choice in product(*(supports[k] for k in others)):
        probability = Fraction(1)
        for k, pure in zip(others, choice, strict=True):
            probability *= Fraction(profile.strategies[k][pure])
            index[k] = pure
        for own in range(len(values)):
            index[player] = own
            values[own] += probability * Fraction(table[tuple(index)])
    expected = sum(
        (Fraction(p) * value for p, value in zip(profile.strategies[player], values, strict=True)),
        Fraction(0),
    )
    return (max(values) - expected) / (high - low)


def _float_regret(form: NormalForm, profile: Profile, player: int) -> float:
    supports = _supports(profile)
    supports[player] = list(range(form.num_strategies[player]))
    values = form.unit_payoffs(player, supports)
    own = np.array([float(p) for p in profile.strategies[player]])
    for k in reversed(range(form.num_players)):  # last axis first: the others keep their place
        if k != player:
            weights = np.array([float(profile.strategies[k][pure]) for pure in supports[k]])
            values = np.moveaxis(values, k, -1) @ weights
    return max(0.0, float(values.max() - own @ values))
