"""Published answers, found by the solver from the payoffs alone.

Every test names the paper. Where the paper prints fewer digits than 1e-6, the closed form is
tested to 1e-6 and the printed number to its digits. Closed forms stand here and nowhere in the
games: the games have payoffs, and the solver finds the rest. "Own" marks stylized games that
replicate no paper; their closed forms are our own algebra.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import pytest

from highfence import solve
from highfence.solution import Equilibrium, Status


def near(value: float) -> Any:
    """Equal to 1e-6, absolutely."""
    return pytest.approx(value, rel=0, abs=1e-6)


def all_of(game: str, **request: Any) -> tuple[Equilibrium, ...]:
    """Return the equilibria of a game; each of them is certified."""
    solution = solve(game, **request)
    assert solution.status is Status.SOLVED, solution.reason
    assert all(found.certificate.holds for found in solution.equilibria)
    return solution.equilibria


def the_one(game: str, **request: Any) -> Equilibrium:
    """Return the only equilibrium of a game."""
    (found,) = all_of(game, **request)
    return found


def outcome(game: str, **request: Any) -> dict[str, float]:
    """Return the outcomes of the only equilibrium of a game."""
    return dict(the_one(game, **request).outcomes)


# -- Brander and Spencer 1985, J. Int. Econ. 18:83-100 -----------------------------------------

FIRMS = {"a": 100, "c_1": 10, "c_2": 10}


def test_brander_spencer_one_government_makes_its_firm_a_stackelberg_leader():
    found = outcome("brander_spencer_1985", regime="home_only", **FIRMS)

    assert found["s_1"] == near((100 - 2 * 10 + 10) / 4) == near(22.5)
    assert found["s_2"] == 0
    assert found["q_1"] == near((100 - 2 * 10 + 10) / 2) == near(45)  # the leader's output
    assert found["q_2"] == near((100 + 2 * 10 - 3 * 10) / 4) == near(22.5)  # the follower's
    assert found["W_1"] == near(1012.5)
    assert found["W_2"] == near(506.25)


def test_brander_spencer_two_governments_subsidize_and_both_lose():
    found = outcome("brander_spencer_1985", regime="both", **FIRMS)
    free = outcome("brander_spencer_1985", regime="free_trade", **FIRMS)

    assert found["s_1"] == near(18)
    assert found["s_2"] == near(18)
    assert found["W_1"] == near(648)
    assert found["W_2"] == near(648)
    assert (free["s_1"], free["s_2"]) == (0, 0)
    assert free["W_1"] == near(900)
    assert free["W_2"] == near(900)


@pytest.mark.parametrize(("c_1", "c_2"), [(10, 16), (20, 8)])
def test_brander_spencer_unequal_firms_follow_the_closed_forms(c_1, c_2):
    both = outcome("brander_spencer_1985", a=100, c_1=c_1, c_2=c_2)
    alone = outcome("brander_spencer_1985", regime="home_only", a=100, c_1=c_1, c_2=c_2)

    assert both["s_1"] == near((100 - 3 * c_1 + 2 * c_2) / 5)
    assert both["s_2"] == near((100 - 3 * c_2 + 2 * c_1) / 5)
    assert alone["s_1"] == near((100 - 2 * c_1 + c_2) / 4)


# -- Spencer and Brander 1983, Rev. Econ. Stud. 50:707-722; closed forms of our quadratic case ---

RIVALS = {"a": 100, "c": 10, "g": 4}


def test_spencer_brander_rivals_overinvest_in_research():
    found = outcome("spencer_brander_1983", regime="laissez_faire", **RIVALS)

    assert found["x_1"] == near(4 * 90 / (9 * 4 - 4)) == near(11.25)
    assert found["x_2"] == near(11.25)
    # Over-investment: the research that minimizes the cost of this output is x = q/g.
    assert found["x_1"] / (found["q_1"] / 4) == near(4 / 3)


def test_spencer_brander_a_research_subsidy_alone_is_positive():
    found = outcome("spencer_brander_1983", regime="research_only", **RIVALS)

    g, gap = 4, 90
    closed = 8 * g * gap * (3 * g - 4) / (3 * (81 * g**3 - 216 * g**2 + 160 * g - 32))
    assert found["v"] == near(closed) == near(240 / 73)
    assert found["v"] == pytest.approx(3.287671, abs=5e-7)


def test_spencer_brander_with_an_export_subsidy_research_is_taxed():
    found = outcome("spencer_brander_1983", regime="both", **RIVALS)

    g, gap = 4, 90
    tax = -g * gap * (3 * g - 4) / (6 * (g - 2) * (3 * g - 1))
    subsidy = 3 * g**2 * gap * (3 * g - 4) / (4 * (g - 2) * (3 * g - 2) * (3 * g - 1))
    assert found["v"] == near(tax) == near(-240 / 11)
    assert found["s"] == near(subsidy) == near(432 / 11)


# -- d'Aspremont and Jacquemin 1988, Amer. Econ. Rev. 78:1133-1137 --------------------------------

PRINTED = {
    0: (14.285714, 6.25, 7.142857, 16.666667),
    0.5: (11.111111, 11.111111, 13.043478, 42.857143),
    0.75: (9.174312, 14.736842, 17.721519, 93.333333),
}


@pytest.mark.parametrize("beta", PRINTED)
def test_daspremont_jacquemin_research_under_the_four_arrangements(beta):
    gap, gamma = 50, 2
    closed = {
        "rivals": (2 - beta) * gap / (4.5 * gamma - (2 - beta) * (1 + beta)),
        "research_cartel": (1 + beta) * gap / (4.5 * gamma - (1 + beta) ** 2),
        "monopoly": (1 + beta) * gap / (4 * gamma - (1 + beta) ** 2),
        "planner": (1 + beta) * gap / (2 * gamma - (1 + beta) ** 2),
    }
    for (regime, value), printed in zip(closed.items(), PRINTED[beta], strict=True):
        found = outcome(
            "daspremont_jacquemin_1988", regime=regime, a=100, A=50, b=1, gamma=2, beta=beta
        )
        assert found["research_1"] == near(value), regime
        assert found["research_2"] == near(value), regime
        assert found["research_1"] == pytest.approx(printed, abs=5.1e-7), regime


@pytest.mark.parametrize(("beta", "cartel_does_more"), [(0.45, False), (0.55, True)])
def test_daspremont_jacquemin_a_cartel_does_more_research_iff_spillovers_exceed_half(
    beta, cartel_does_more
):
    rivals = outcome("daspremont_jacquemin_1988", regime="rivals", beta=beta)
    cartel = outcome("daspremont_jacquemin_1988", regime="research_cartel", beta=beta)

    assert (cartel["research_1"] > rivals["research_1"]) == cartel_does_more


# -- Dixit 1980, Econ. J. 90:95-106 ---------------------------------------------------------------

COSTS = {"a": 100, "w": 10, "r": 30}


def test_dixit_without_an_entry_cost_the_incumbent_accommodates():
    found = outcome("dixit_1980", F=0, **COSTS)

    assert found["enters"] == 1
    assert found["k"] == near(30)
    assert found["profit_1"] == near(450)
    assert found["profit_2"] == near(225)


@pytest.mark.parametrize(
    ("F", "printed_capacity", "printed_profit"),
    [(150, 35.5051, 869.694), (200, 31.7157, 897.056)],
)
def test_dixit_at_a_middling_entry_cost_limit_capacity_deters(F, printed_capacity, printed_profit):
    found = outcome("dixit_1980", F=F, **COSTS)
    limit = 100 - 10 - 30 - 2 * sqrt(F)

    assert found["enters"] == 0
    assert found["k"] == near(limit)
    assert found["profit_1"] == near((100 - limit - 40) * limit)
    assert found["k"] == pytest.approx(printed_capacity, abs=5.1e-5)
    assert found["profit_1"] == pytest.approx(printed_profit, abs=5.1e-4)


def test_dixit_at_the_lowest_entry_cost_that_can_be_deterred_both_answers_hold():
    # The entrant is indifferent at *every* capacity from 40 on. Where it stays out, 40 deters;
    # where it comes in, nothing does.
    accommodated, deterred = all_of("dixit_1980", F=100, **COSTS)

    assert accommodated.outcomes["enters"] == 1
    assert accommodated.outcomes["k"] == near(30)
    assert accommodated.outcomes["profit_1"] == near(450)
    assert accommodated.outcomes["profit_2"] == near(225 - 100)
    assert deterred.outcomes["enters"] == 0
    assert deterred.outcomes["k"] == near(60 - 2 * sqrt(100)) == near(40)
    assert deterred.outcomes["profit_1"] == near(800)
    assert deterred.outcomes["profit_2"] == near(0)


def test_dixit_a_little_below_that_entry_cost_nothing_deters():
    found = outcome("dixit_1980", F=99.9999, **COSTS)

    assert found["enters"] == 1
    assert found["k"] == near(30)
    assert found["profit_1"] == near(450)
    assert found["profit_2"] == near(225 - 99.9999)


def test_dixit_a_little_above_that_entry_cost_limit_capacity_deters():
    found = outcome("dixit_1980", F=100.0001, **COSTS)
    limit = 60 - 2 * sqrt(100.0001)

    assert found["enters"] == 0
    assert found["k"] == near(limit)
    assert found["profit_1"] == near((60 - limit) * limit)
    assert found["k"] == pytest.approx(40, abs=1e-4)
    assert found["profit_1"] == pytest.approx(800, abs=1e-2)


@pytest.mark.parametrize("F", [225, 300, 400, 900])
def test_dixit_at_a_high_entry_cost_the_monopoly_capacity_blockades(F):
    found = all_of("dixit_1980", F=F, **COSTS)

    for equilibrium in found:
        assert equilibrium.outcomes["enters"] == 0
        assert equilibrium.outcomes["q_1"] == near(30)
        assert equilibrium.outcomes["profit_1"] == near(900)
    # Smaller capacities do as well, because the incumbent adds to them later.
    assert max(equilibrium.outcomes["k"] for equilibrium in found) == near(30)


# -- Learning by doing: Fudenberg and Tirole 1983; Dasgupta and Stiglitz 1988 ----------------------


def test_learning_by_doing_separates_closed_loop_from_open_loop():
    request = {"a": 100, "c": 10, "lam": 0.3, "delta": 0.9}
    closed = outcome("learning_by_doing_duopoly", regime="closed_loop", **request)
    opened = outcome("learning_by_doing_duopoly", regime="open_loop", **request)
    gap, lam, delta = 90, 0.3, 0.9

    assert closed["q_A1"] == near(gap * (9 + 4 * delta * lam) / (27 - 4 * delta * lam**2))
    assert closed["q_A1"] == pytest.approx(34.008097, abs=5.1e-7)
    assert closed["q_B1"] == near(closed["q_A1"])
    assert opened["q_A1"] == near(gap * (3 + delta * lam) / (9 - delta * lam**2))
    assert opened["q_A1"] == pytest.approx(32.996973, abs=5.1e-7)
    assert opened["q_B1"] == near(opened["q_A1"])


@pytest.mark.parametrize("regime", ["closed_loop", "open_loop"])
def test_learning_by_doing_without_learning_is_plain_cournot(regime):
    found = outcome("learning_by_doing_duopoly", regime=regime, lam=0)

    assert found["q_A1"] == near(30)
    assert found["q_A2"] == near(30)


# -- Krugman 1984, Import protection as export promotion -------------------------------------------


def test_krugman_a_closed_home_market_promotes_exports():
    numbers = {"a": 100, "c": 10, "lam": 0.3}
    free = outcome("learning_market", regime="open", **numbers)
    closed = outcome("learning_market", regime="closed", **numbers)

    assert [free[flow] for flow in ("h_C", "h_W", "l_C", "l_W")] == [near(37.5)] * 4
    assert closed["h_C"] == near(1050 / 17)
    assert closed["h_C"] == pytest.approx(61.7647, abs=5.1e-5)
    assert closed["l_C"] == 0
    assert closed["h_W"] == near(50)
    assert closed["l_W"] == near(400 / 17)
    assert closed["l_W"] == pytest.approx(23.5294, abs=5.1e-5)


def test_krugman_without_economies_of_scale_the_other_market_does_not_move():
    free = outcome("learning_market", regime="open", lam=0)
    closed = outcome("learning_market", regime="closed", lam=0)

    assert closed["h_W"] == near(free["h_W"]) == near(30)
    assert closed["l_W"] == near(free["l_W"])


# -- Miyagiwa and Ohno 1995, Amer. Econ. Rev. 85:755-770: the propositions; our functional forms ---


def adoption_date(gain: float, k: float = 1, r: float = 0.05, alpha: float = 0.1) -> float:
    """Return when a flow gain justifies a cost k exp(-alpha T)."""
    return log((r + alpha) * k / gain) / alpha


def test_miyagiwa_ohno_a_loose_quota_delays_and_a_ban_speeds_up_adoption():
    free = outcome("captive_market_timing", regime="free_trade")
    quota = outcome("captive_market_timing", regime="quota")
    ban = outcome("captive_market_timing", regime="ban")

    assert free["sales_before"] == near(5 / 12)
    assert free["T"] == near(adoption_date(1 / 12))
    assert free["T"] == pytest.approx(5.8779, abs=1e-4)
    assert quota["T"] == near(adoption_date((0.7**2 - 0.45**2) / 4))
    assert quota["T"] == pytest.approx(7.3571, abs=1e-4)
    assert ban["T"] == near(adoption_date(7 / 64))
    assert ban["T"] == pytest.approx(3.1585, abs=1e-4)


def test_miyagiwa_ohno_a_ban_that_is_lifted_on_catching_up_stops_adoption():
    found = outcome("captive_market_timing", regime="sliding_scale")

    assert found["adopts"] == 0
    assert found["T"] == near(60)  # the horizon, which stands for never
    assert found["price_after"] < found["price_before"]


def test_miyagiwa_ohno_the_quota_at_which_delay_turns_into_speed():
    threshold = 1 / 9 + 7 * 0.25 / 18
    free = outcome("captive_market_timing", regime="free_trade")["T"]

    at = outcome("captive_market_timing", regime="quota", quota=threshold)["T"]
    tighter = outcome("captive_market_timing", regime="quota", quota=threshold - 0.002)["T"]
    looser = outcome("captive_market_timing", regime="quota", quota=threshold + 0.002)["T"]

    assert threshold == pytest.approx(0.208333, abs=5e-7)
    assert at == near(free)
    assert tighter < free - 1e-3
    assert looser > free + 1e-3


def test_miyagiwa_ohno_the_threshold_holds_at_other_costs():
    costs = {"a": 1.1, "c_H": 0.3, "c_L": 0.05, "c_f": 0.02}
    threshold = 1.1 / 9 + 7 * (0.3 + 0.05) / 18 - 8 * 0.02 / 9
    free = outcome("captive_market_timing", regime="free_trade", **costs)["T"]
    quota = outcome("captive_market_timing", regime="quota", quota=threshold, **costs)["T"]

    gain = ((1.1 - 2 * 0.05 + 0.02) ** 2 - (1.1 - 2 * 0.3 + 0.02) ** 2) / 9
    assert free == near(adoption_date(gain))
    assert quota == near(free)


# -- The inspection game: Avenhaus, von Stengel and Zamir 2002; Maschler 1966 ----------------------


def test_inspection_both_sides_mix_and_the_penalty_does_not_move_violations():
    found = the_one("enforcement_inspection")

    assert found.certificate.exact
    assert found.certificate.regret == 0
    assert found.strategies["agency"]["inspect"] * 4 == 1
    assert found.strategies["exporter"]["divert"] * 9 == 1
    assert found.strategies["exporter"]["divert"] == pytest.approx(0.1111, abs=5.1e-5)
    assert found.payoffs["agency"] * 9 == -1
    assert found.payoffs["exporter"] == 0

    tripled = the_one("enforcement_inspection", regime="tripled_penalty")
    assert tripled.strategies["exporter"]["divert"] * 9 == 1
    assert tripled.strategies["agency"]["inspect"] * 10 == 1


def test_inspection_leadership_deters_for_a_fraction_of_the_loss():
    found = the_one("enforcement_announced")

    assert found.outcomes["rate"] == near(0.25)
    assert found.outcomes["diverted"] == 0
    assert found.payoffs["agency"] == near(-0.025)


# -- Beer or quiche: Cho and Kreps 1987, Quarterly J. Econ. 102:179-221 ----------------------------


def test_beer_quiche_has_exactly_two_pure_perfect_bayesian_equilibria():
    beer, quiche = all_of("beer_quiche", method="pure_sequential")

    for found, eaten, other in ((beer, "beer", "quiche"), (quiche, "quiche", "beer")):
        assert found.certificate.exact
        sender, receiver = found.strategies["sender"], found.strategies["receiver"]
        assert all(breakfast[eaten] == 1 for breakfast in sender.values())
        assert receiver[f"reply after breakfast={eaten}"]["let_go"] == 1
        assert receiver[f"reply after breakfast={other}"]["fight"] == 1
        assert found.payoffs["receiver"] * 10 == 9


# -- Own stylized games ---------------------------------------------------------------------------


@pytest.mark.parametrize(("regime", "markets", "printed"), [("open", 4, 0.14), ("denied", 3, 0.10)])
def test_own_lost_market_research_falls_with_the_markets(regime, markets, printed):
    found = outcome("lost_market_research", regime=regime)

    assert found["x"] == near(markets * 0.7 / (2 * 12 - markets))
    assert found["x"] == near(printed)


def test_own_lost_market_one_of_four_markets_costs_29_percent_of_research():
    before = outcome("lost_market_research", regime="open")["x"]
    after = outcome("lost_market_research", regime="denied")["x"]

    assert after / before - 1 == pytest.approx(-0.286, abs=5e-4)


FORGONE = {0.75: 0.3 * 0.3**2, 0.55: 0.3 * 0.25**2, 0.45: 0.3 * (0.65 / 3) ** 2}


@pytest.mark.parametrize(("c_H", "printed"), [(0.75, 0.0270), (0.55, 0.0188), (0.45, 0.0141)])
def test_own_an_ally_joins_iff_the_penalty_covers_the_profit_forgone(c_H, printed):
    forgone = FORGONE[c_H]
    below = outcome("allied_alignment", security=0, Phi=forgone - 1e-4, c_H=c_H)
    above = outcome("allied_alignment", security=0, Phi=forgone + 1e-4, c_H=c_H)

    assert [below[f"backfill_{i}"] for i in "123"] == [near(forgone)] * 3
    assert below["backfill_1"] == pytest.approx(printed, abs=5.1e-5)
    assert below["joined"] == 0
    assert above["joined"] == 3


def test_own_alignment_becomes_cheaper_as_the_challenger_catches_up():
    assert FORGONE[0.75] > FORGONE[0.55] > FORGONE[0.45]


def test_threshold_public_good_has_nobody_or_just_enough_joining():
    """Palfrey and Rosenthal 1984: the pure equilibria of two of three, at a cost of 0.3."""
    found = all_of("allied_alignment")

    assert pytest.approx(0.3 * 0.09) == 0.3 * 0.3**2  # the profit forgone over the benefit
    assert sorted(e.outcomes["joined"] for e in found if e.outcomes["joined"] in (0, 2, 3)) == [
        0,
        2,
        2,
        2,
    ]


def test_own_offshoring_stops_at_the_reach_at_which_moving_no_longer_pays():
    below = outcome("offshoring", regime="product", j_product="0.599999")
    above = outcome("offshoring", regime="product", j_product="0.600001")
    at = all_of("offshoring", regime="product", j_product="0.6")

    assert below["moves"] == 1
    assert above["moves"] == 0
    assert sorted(found.outcomes["moves"] for found in at) == [0, 1]


@pytest.mark.parametrize(
    ("regime", "fine", "printed"), [("strong_fine", 4, 4.48), ("weak_fine", 1, 1.44)]
)
def test_own_a_weak_fine_shrinks_the_yard_that_can_be_enforced(regime, fine, printed):
    found = outcome("enforceable_yard", regime=regime)

    assert found["smuggling"] == 0
    assert found["n"] == near(1 / log(1 + 1 / fine))
    assert found["n"] == pytest.approx(printed, abs=5.1e-3)


@pytest.mark.parametrize(
    ("regime", "subsidy", "price"),
    [
        ("no_subsidy", 0, 0.45),
        ("small_subsidy", 0.05, 0.40),
        ("medium_subsidy", 0.10, 0.35),
        ("large_subsidy", 0.15, 0.30),
    ],
)
def test_own_subsidized_entry_lowers_the_price_one_for_one(regime, subsidy, price):
    found = outcome("commoditisation", regime=regime)

    assert found["n"] == near((1 - 0.4 + subsidy) / 0.05 - 1)
    assert found["price"] == near(price)
    assert found["entrant_margin"] == near(0.05)
    assert found["incumbent_margin"] == near(price - 0.35)


def test_own_yard_credibility_is_semi_separating_between_the_bounds():
    found = the_one("yard_credibility")
    mu = 0.2 / (1 * 0.8)

    containment = found.strategies["A"]["yard after type=containment"]["narrow"]
    mobilizes = found.strategies["C"]["answer after yard=narrow"]["mobilize"]
    assert found.certificate.exact
    assert containment * 3 == 1
    assert float(containment) == near(0.5 * mu / (0.5 * (1 - mu)))
    assert mobilizes * 5 == 2
    assert float(mobilizes) == near(1 - 0.3 / 0.5)
    assert solve("yard_credibility", "pure_sequential").status is Status.NONE_FOUND


def test_own_yard_credibility_separates_where_containment_gains_enough():
    found = the_one("yard_credibility", method="pure_sequential", preset="separating")

    assert found.strategies["A"]["yard after type=security"]["narrow"] == 1
    assert found.strategies["A"]["yard after type=containment"]["broad"] == 1
    assert found.strategies["C"]["answer after yard=narrow"]["wait"] == 1


def test_own_yard_credibility_pools_where_security_is_likely():
    found = the_one("yard_credibility", method="pure_sequential", preset="pooling")

    assert found.strategies["A"]["yard after type=containment"]["narrow"] == 1
    assert found.outcomes == {"broad": 0, "mobilized": 0}


# -- Classics -------------------------------------------------------------------------------------


def test_kuhn_poker_is_worth_minus_one_eighteenth_to_the_first_player():
    """Kuhn 1950."""
    for found in all_of("kuhn_poker"):
        assert found.certificate.exact
        assert found.payoffs["first"] * 18 == -1
        assert found.payoffs["second"] * 18 == 1


def test_battle_of_the_sexes_has_two_pure_equilibria_and_a_mixed_one():
    """Luce and Raiffa 1957."""
    found = all_of("battle_of_the_sexes")

    assert sorted(e.payoffs["row"] * 3 for e in found) == [2, 3, 6]
    mixed = next(e for e in found if e.payoffs["row"] * 3 == 2)
    assert mixed.strategies["row"]["first_standard"] * 3 == 2


def test_prisoners_dilemma_both_defect():
    found = the_one("prisoners_dilemma")

    assert found.strategies["row"]["defect"] == found.strategies["column"]["defect"] == 1


def test_centipede_everybody_takes_at_every_turn():
    """Rosenthal 1981; McKelvey and Palfrey 1992."""
    found = the_one("centipede")

    assert found.certificate.refinement == "subgame perfect"
    moves = {**found.strategies["first"], **found.strategies["second"]}
    assert len(moves) == 4
    assert all(choice["take"] == 1 for choice in moves.values())


def test_chain_store_nobody_is_fought_anywhere():
    """Selten 1978."""
    found = the_one("chain_store")

    assert found.certificate.refinement == "subgame perfect"
    assert found.payoffs == {"chain": 6, "entrant_1": 2, "entrant_2": 2, "entrant_3": 2}
    assert all(reply["accommodate"] == 1 for reply in found.strategies["chain"].values())


def test_seltens_horse_only_one_pure_equilibrium_is_sequential():
    """Selten 1975: (across, across, right) is sequential, (down, across, left) is only Nash."""
    found = the_one("selten_horse", method="pure_sequential")

    assert found.payoffs == {"first": 1, "second": 1, "third": 1}
    nash = solve("selten_horse").equilibria
    assert sorted(tuple(e.payoffs.values()) for e in nash) == [(1, 1, 1), (3, 3, 2)]


def test_the_adoption_cost_is_what_the_closed_form_takes_it_to_be():
    """The present value that the restricted firm weighs, recomputed from the outcome."""
    found = the_one("captive_market_timing", regime="ban")
    date, r, alpha = found.outcomes["T"], 0.05, 0.1
    before, after = (1 - 0.25) ** 2 / 4, 1 / 4
    waiting, then = (1 - exp(-r * date)) / r, exp(-r * date) / r

    assert found.payoffs["H"] == near(waiting * before + then * after - exp(-(alpha + r) * date))
