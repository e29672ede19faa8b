"""The judge of strategic forms, attacked: what is no equilibrium must not pass, what is must."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan, nextafter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from highfence import limits, tolerances
from highfence.certify import certify
from highfence.forms.extensive import BehaviorProfile
from highfence.forms.normal import NormalForm, Profile
from highfence.methods.extreme import extreme_enumeration
from strategies import FLOAT, SMALL, profiles_of, strategic_games, two_player_games

HALF, ZERO, ONE = Fraction(1, 2), Fraction(0), Fraction(1)
PENNIES = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
EVEN = ((HALF, HALF), (HALF, HALF))


def regret_by_definition(game: NormalForm, profile: Profile) -> Fraction:
    """Return the largest gain over all pure deviations, summed over all pure profiles."""
    table = game.rational()
    worst = ZERO
    for player in range(game.num_players):
        everything = [Fraction(v) for v in table[player].ravel()]
        scale = max(everything) - min(everything) or ONE

        def value(strategies: tuple[tuple[Fraction, ...], ...], player: int = player) -> Fraction:
            total = ZERO
            for choice in np.ndindex(*game.num_strategies):
                weight = ONE
                for strategy, k in zip(strategies, choice, strict=True):
                    weight *= strategy[k]
                total += weight * table[(player, *choice)]
            return total

        now = value(profile.strategies)
        for k in range(game.num_strategies[player]):
            changed = list(profile.strategies)
            changed[player] = tuple(Fraction(int(k == j)) for j in range(len(changed[player])))
            worst = max(worst, (value(tuple(changed)) - now) / scale)
    return worst


# ------------------------------------------------------------------ the number itself


@given(st.data())
def test_exact_regret_is_the_largest_gain_from_a_pure_deviation(data):
    game = data.draw(strategic_games(most_strategies=2))
    profile = data.draw(profiles_of(game))
    certificate = certify(game, profile)

    assert certificate.exact
    assert isinstance(certificate.regret, Fraction)
    assert certificate.regret == regret_by_definition(game, profile)
    assert certificate.holds == (certificate.regret == 0)


@given(st.data())
def test_float_regret_agrees_with_exact_regret(data):
    game = data.draw(strategic_games())
    profile = data.draw(profiles_of(game))
    rounded = certify(game, Profile(profile.floats()))

    assert not rounded.exact
    assert rounded.tolerance == tolerances.REGRET_FLOAT
    assert rounded.regret == pytest.approx(float(certify(game, profile).regret), abs=1e-12)


@settings(max_examples=25)
@given(game=two_player_games(payoffs=SMALL), data=st.data())
@pytest.mark.parametrize("scales", [(1e-10, 1e-10), (1e10, 1e10), (1e-10, 1e10), (1e300, 1e-300)])
def test_regret_does_not_depend_on_the_unit_of_either_players_payoffs(scales, game, data):
    profile = data.draw(profiles_of(game))
    factors = np.array(scales).reshape(2, 1, 1)
    floats = NormalForm.from_payoffs(game.payoffs * factors)
    exact = NormalForm.from_payoffs(
        game.rational() * np.array([Fraction(s) for s in scales], dtype=object).reshape(2, 1, 1)
    )
    regret = certify(game, profile).regret

    assert certify(exact, profile).regret == regret
    assert certify(floats, Profile(profile.floats())).regret == pytest.approx(float(regret))


def test_a_constant_added_to_payoffs_is_no_scale():
    """Payoffs of 1e10 + 1 and 1e10 - 1 are as far apart as 1 and -1."""
    game = NormalForm.from_payoffs(PENNIES.payoffs + 1e10)

    assert certify(game, Profile(((0.5, 0.5), (0.6, 0.4)))).regret == pytest.approx(0.1)


def test_players_who_do_not_care_have_no_regret():
    """Not 0/0: the scale of constant payoffs is one."""
    game = NormalForm.from_payoffs(np.full((2, 2, 2), 7.0))

    assert certify(game, Profile(((0.3, 0.7), (1.0, 0.0)))).regret == 0
    assert certify(game, Profile(((HALF, HALF), (ONE, ZERO)))).regret == 0


def test_float_payoffs_are_judged_as_the_rational_numbers_that_they_are():
    """0.1 + 0.2 is not 0.3 in floats: the tie is none, and the proof says by how much."""
    game = NormalForm.from_payoffs([[0.1 + 0.2, 0.3, 0.0]])
    certificate = certify(game, Profile(((ZERO, ONE, ZERO),)))

    assert certificate.exact
    assert 0 < certificate.regret < Fraction(1, 10**15)
    assert not certificate.holds
    assert certify(game, Profile(((0.0, 1.0, 0.0),))).holds  # in floats, within tolerance


def test_integers_that_floats_merge_are_told_apart():
    game = NormalForm.from_payoffs([[2**53, 2**53 + 1]])

    for profile in (Profile(((ONE, ZERO),)), Profile(((1.0, 0.0),))):
        assert certify(game, profile).regret == 1


def test_the_tolerance_can_be_chosen():
    near = Profile(((Fraction(51, 100), Fraction(49, 100)), (HALF, HALF)))

    assert certify(PENNIES, near).regret == Fraction(1, 100)
    assert not certify(PENNIES, near).holds
    assert certify(PENNIES, near, tolerance=0.01).holds


def test_large_supports_are_judged_in_floats(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EXACT_CELLS", 3)

    assert not certify(PENNIES, Profile(EVEN)).exact
    assert certify(PENNIES, Profile(EVEN)).holds
    assert certify(PENNIES, Profile(((ONE, ZERO), (HALF, HALF)))).regret == 0.5


def test_a_certificate_says_who_gains():
    pure = certify(PENNIES, Profile(((ONE, ZERO), (ONE, ZERO))))

    assert pure.checks == ("Player 2 gains 1 of their payoff scale",)
    assert pure.refinement is None


# ------------------------------------------------------------------ what is no profile


@pytest.mark.parametrize(
    ("strategies", "why"),
    [
        (((ONE, ONE), (HALF, HALF)), "sum to 2"),
        (((HALF, ZERO), (HALF, HALF)), "sum to 1/2"),
        (((2 * ONE, -ONE), (HALF, HALF)), "-1 is negative"),
        (((ONE, ZERO, ZERO), (HALF, HALF)), "lengths"),
        (((HALF, HALF),), "lengths"),
        (((0.5, 0.6), (0.5, 0.5)), "sum to 1.1"),
        (((1.1, -0.1), (0.5, 0.5)), "negative"),
        (((nan, 1.0), (0.5, 0.5)), "not finite"),
        (((inf, -inf), (0.5, 0.5)), "not finite"),
        (((0.5 + 1e-8, 0.5), (0.5, 0.5)), "sum to"),
        (((HALF + Fraction(1, 10**30), HALF), (HALF, HALF)), "sum to"),
        (((5.0, 5.0), (5.0, 5.0)), "sum to 10"),
        (((-0.0, 0.0), (0.5, 0.5)), "sum to"),
    ],
)
def test_weights_that_are_no_probabilities_never_pass(strategies, why):
    certificate = certify(PENNIES, Profile(strategies))

    assert certificate.regret == inf
    assert not certificate.holds
    assert why in certificate.checks[0]


def test_rounding_of_floats_is_forgiven_and_of_fractions_is_not():
    up = nextafter(0.5, 1)

    assert certify(PENNIES, Profile(((up, 0.5), (0.5, 0.5)))).holds
    assert not certify(PENNIES, Profile(((Fraction(up), HALF), (HALF, HALF)))).holds


def test_a_profile_of_another_form_is_refused():
    with pytest.raises(TypeError, match="certified with Profile"):
        certify(PENNIES, BehaviorProfile(((ONE, ZERO),)))


# ------------------------------------------------------------------ the attack


@given(game=two_player_games(3), data=st.data())
def test_every_extreme_equilibrium_passes_and_moving_any_weight_to_a_worse_reply_fails(game, data):
    profiles = list(extreme_enumeration(game))
    profile = data.draw(st.sampled_from(profiles))
    table = game.rational()
    values = (
        table[0] @ np.array(profile.strategies[1], dtype=object),
        table[1].T @ np.array(profile.strategies[0], dtype=object),
    )
    worse = [
        (player, k)
        for player in (0, 1)
        for k in range(game.num_strategies[player])
        if values[player][k] < max(values[player])
    ]
    assert certify(game, profile).regret == 0
    assume(worse)
    player, k = data.draw(st.sampled_from(worse))
    epsilon = Fraction(1, 10 ** data.draw(st.integers(1, 40)))
    moved = [p * (1 - epsilon) for p in profile.strategies[player]]
    moved[k] += epsilon
    strategies = list(profile.strategies)
    strategies[player] = tuple(moved)
    certificate = certify(game, Profile(tuple(strategies)))

    assert certificate.regret > 0
    assert not certificate.holds


@given(game=two_player_games(3, FLOAT), data=st.data())
def test_a_float_profile_passes_only_if_the_exact_regret_is_within_tolerance(game, data):
    profile = Profile(data.draw(profiles_of(game)).floats())
    exact = Profile(
        tuple(
            tuple(Fraction(p) / sum(map(Fraction, strategy)) for p in strategy)
            for strategy in profile.strategies
        )
    )
    regret = regret_by_definition(game, exact)
    assume(abs(float(regret) - tolerances.REGRET_FLOAT) > 1e-12)

    assert certify(game, profile).holds == (regret <= tolerances.REGRET_FLOAT)


@given(game=strategic_games((2, 3)), data=st.data())
def test_a_profile_that_the_judge_accepts_leaves_nobody_a_gain_and_the_others_do(game, data):
    profile = data.draw(profiles_of(game))

    assert certify(game, profile).holds == (regret_by_definition(game, profile) == 0)
