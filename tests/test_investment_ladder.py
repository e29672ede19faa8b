"""The quality ladder of Pakes and McGuire (1994), calibrated as in Doraszelski's teaching code."""

from __future__ import annotations

import numpy as np
import pytest

from highfence import limits
from highfence.certify.investment_ladder import certify_ladder
from highfence.errors import MethodFailed, SpecError
from highfence.methods.investment_ladder import (
    InvestmentLadder,
    LadderEquilibrium,
    logit_bertrand,
    solve_ladder,
)
from highfence.solution import Certificate

RUNGS = np.arange(1, 19)
QUALITY = np.where(
    RUNGS <= 5, 3 * RUNGS - 4, 12 + np.log(2 - np.exp(np.minimum(0, 16 - 3 * RUNGS)))
)


def ladder(common_shock: bool) -> InvestmentLadder:
    return InvestmentLadder(logit_bertrand(QUALITY, 5, 5)[0], 0.925, 3.0, 0.7, common_shock)


def judged(game: InvestmentLadder, found: LadderEquilibrium) -> Certificate:
    return certify_ladder(
        game.profits,
        game.discount,
        game.success,
        game.depreciation,
        game.common_shock,
        found.investments,
    )


def test_prices_are_best_responses_to_each_other_among_all_prices():
    profits, prices = logit_bertrand(QUALITY, 5, 5)
    grid = np.linspace(5, 25, 20_001)

    assert profits[17, 17] == pytest.approx(4.983268, abs=1e-6)
    for own, other in ((17, 17), (17, 0), (0, 17), (5, 3), (3, 5)):
        mine = np.exp(QUALITY[own] - grid)
        theirs = np.exp(QUALITY[other] - prices[other, own])
        earned = 5 * (grid - 5) * mine / (1 + mine + theirs)
        assert profits[own, other] == pytest.approx(earned.max(), rel=1e-6)


@pytest.mark.parametrize("common_shock", [False, True])
def test_the_ladder_is_in_equilibrium_at_every_pair_of_rungs(common_shock):
    game = ladder(common_shock)
    found = solve_ladder(game)
    certificate = judged(game, found)

    assert certificate.regret < 1e-10
    assert certificate.refinement == "Markov perfect"
    assert (np.diff(found.values, axis=0) > 0).all()  # a rung is always worth something
    assert (np.diff(found.values, axis=1) < 0).all()  # and the rival's costs something


def test_a_firm_just_ahead_invests_more_than_one_just_behind():
    for common_shock in (False, True):
        found = solve_ladder(ladder(common_shock)).investments
        assert found[5, 3] > found[3, 5]


@pytest.mark.slow
def test_values_are_what_many_periods_earn():
    """Follow the distribution over pairs of rungs for 400 periods from one pair."""
    game = ladder(True)
    found = solve_ladder(game)
    chance = 3 * found.investments / (1 + 3 * found.investments)
    share, earned = np.zeros((18, 18)), 0.0
    share[8, 4] = 1.0
    for period in range(400):
        earned += 0.925**period * float((share * (game.profits - found.investments)).sum())
        then = np.zeros_like(share)
        for own, other in np.argwhere(share > 0):
            for up, p in ((1, chance[own, other]), (0, 1 - chance[own, other])):
                for rise, q in ((1, chance[other, own]), (0, 1 - chance[other, own])):
                    for lost, r in ((1, 0.7), (0, 0.3)):
                        place = np.clip([own + up - lost, other + rise - lost], 0, 17)
                        then[tuple(place)] += share[own, other] * p * q * r
        share = then

    assert earned == pytest.approx(found.values[8, 4], rel=1e-9)


def test_the_judge_rejects_a_plan_that_invests_too_little():
    game = ladder(False)
    found = solve_ladder(game)
    halved = LadderEquilibrium(found.values, 0.5 * found.investments, found.rounds)

    assert not judged(game, halved).holds
    wrong = LadderEquilibrium(found.values, -found.investments, found.rounds)
    assert judged(game, wrong).regret == np.inf


def test_where_a_rung_is_worth_nothing_nobody_invests():
    found = solve_ladder(InvestmentLadder(np.full((4, 4), 2.0), 0.9, 1.0, 0.3))

    assert found.investments.max() == 0
    assert found.values == pytest.approx(20)


def test_wrong_requests_are_refused(monkeypatch):
    with pytest.raises(SpecError, match="profits"):
        InvestmentLadder(np.ones((2, 3)), 0.9, 1.0, 0.3)
    with pytest.raises(SpecError, match="discount"):
        InvestmentLadder(np.ones((2, 2)), 1.0, 1.0, 0.3)
    monkeypatch.setattr(limits, "MAX_RICCATI_ROUNDS", 3)
    with pytest.raises(MethodFailed, match="MAX_RICCATI_ROUNDS"):
        solve_ladder(ladder(False))
