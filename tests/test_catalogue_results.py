"""Answers of the catalogue's games: closed forms, printed numbers, and where each answer flips.

Closed forms stand here and nowhere in the games: the games have payoffs, and the solver finds
the rest. Every test of a published game names the paper; "own" marks stylized games, whose closed
forms are our own algebra. What test_replications.py tests is not repeated here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import pytest

from highfence import solve
from highfence.solution import Equilibrium, Status

F = Fraction


def near(value: float) -> Any:
    """Equal to 1e-6, relative to the number where it is large."""
    return pytest.approx(value, rel=1e-6, abs=1e-6)


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


def weights(found: Equilibrium, player: str) -> dict[str, Any]:
    """Return a player's mixture in a one-stage game: every action that has weight."""
    return {action: share for action, share in found.strategies[player].items() if share}


# -- Two-player classics ----------------------------------------------------------------------


@pytest.mark.parametrize("v", [F(1, 2), 1, 3])
def test_matching_pennies_the_better_paid_side_is_shown_less_often(v):
    found = the_one("matching_pennies", v=v)

    assert weights(found, "row") == {"heads": F(2) / (v + 3), "tails": 1 - F(2) / (v + 3)}
    assert weights(found, "column") == weights(found, "row")
    assert found.payoffs["row"] == -found.payoffs["column"] == (F(v) - 1) / (v + 3)


@pytest.mark.parametrize("w", [1, 3])
def test_rock_paper_scissors_what_beats_the_better_win_gains(w):
    found = the_one("rock_paper_scissors", w=w)

    each = F(1, w + 2)
    assert weights(found, "row") == {"rock": each, "paper": w * each, "scissors": each}
    assert found.payoffs["row"] == 0


def test_stag_hunt_the_risk_to_be_run_is_hare_over_stag():
    hare, mixed, stag = sorted(
        all_of("stag_hunt", stag=4, hare=3), key=lambda found: found.outcomes["caught"]
    )

    assert weights(hare, "row") == {"hare": 1}
    assert weights(mixed, "row") == {"stag": F(3, 4), "hare": F(1, 4)}
    assert weights(stag, "row") == {"stag": 1}


def test_chicken_a_dearer_crash_is_rarer_until_the_prize_is_worth_it():
    for crash in (3, 4, 8):
        mixed = max(all_of("chicken", v=2, c=crash), key=lambda found: found.outcomes["crash"])
        assert mixed.outcomes["crash"] == near((2 / crash) ** 2)

    assert outcome("chicken", v=4, c=F("3.9"))["crash"] == 1


def test_travelers_claim_the_least_whatever_the_penalty():
    assert outcome("travelers_dilemma", b=2)["lower"] == 2
    assert outcome("travelers_dilemma", b=F("1.01"))["lower"] == 2
    pure = [
        found
        for found in all_of("travelers_dilemma", b=1)
        if len(weights(found, "first")) == len(weights(found, "second")) == 1
    ]
    assert {found.outcomes["lower"] for found in pure} == set(range(2, 11))


def test_ultimatum_pride_above_a_half_halves_the_pie():
    assert {found.outcomes["offered"] for found in all_of("ultimatum")} == {0, 1}
    assert outcome("ultimatum", alpha=F("0.49"))["offered"] == 1
    assert outcome("ultimatum", alpha=F("0.51"))["offered"] == 2


def test_volunteers_mix_so_that_each_is_indifferent():
    found = all_of("volunteers_dilemma", b=1, c=F("0.3"))

    (mixed,) = [one for one in found if len(weights(one, "first")) == 2]
    assert weights(mixed, "first") == {"act": F("0.7"), "wait": F("0.3")}
    assert mixed.outcomes["done"] == near(1 - 0.3**2)
    assert len(found) == 3


def test_war_of_attrition_consumes_the_prize_if_both_mix():
    found = all_of("war_of_attrition", V=4, c=1)
    (mixed,) = [one for one in found if one.payoffs["first"] == one.payoffs["second"]]

    stop = F(1, 5)  # c/(V + c), in each round of those who are left
    assert weights(mixed, "first") == {
        "0": stop,
        "1": (1 - stop) * stop,
        "2": (1 - stop) ** 2 * stop,
        "3": (1 - stop) ** 3,
    }
    assert mixed.payoffs["first"] == 0


def test_colonel_blotto_is_worth_fourteen_ninths():
    for found in all_of("colonel_blotto"):
        assert found.payoffs["blotto"] == F(14, 9)
        assert weights(found, "blotto") == {"0": F(4, 9), "2": F(1, 9), "4": F(4, 9)}


def test_shapleys_game_has_one_equilibrium_although_learning_never_settles():
    found = the_one("shapley_1964")

    assert weights(found, "row") == {"0": F(1, 3), "1": F(1, 3), "2": F(1, 3)}
    assert found.payoffs == {"row": F(1, 3), "column": F(1, 3)}


def test_von_stengels_pure_equilibrium_grows_into_a_continuum_at_the_tie():
    def found(tie: int) -> set[tuple[Any, ...]]:
        return {
            (*sorted(weights(one, "row").items()), *sorted(weights(one, "column").items()))
            for one in all_of("von_stengel_2007", tie=tie)
        }

    last = (("bottom", F(2, 3)), ("middle", F(1, 3)), ("left", F(1, 3)), ("right", F(2, 3)))
    pure = (("top", 1), ("left", 1))
    edge = (("top", 1), ("left", F(2, 3)), ("right", F(1, 3)))
    inner = (("middle", F(1, 5)), ("top", F(4, 5)), ("left", F(2, 3)), ("right", F(1, 3)))

    assert found(2) == {pure, inner, last}
    assert found(3) == {pure, edge, last}
    assert found(4) == {last}
    assert sorted(map(len, solve("von_stengel_2007", tie=3).components)) == [1, 2]


def test_mckelvey_mclennan_has_four_pure_equilibria_and_says_what_was_not_searched():
    solution = solve("mckelvey_mclennan_1996")

    assert {tuple(found.payoffs.values()) for found in solution.equilibria} >= {
        (9, 8, 12),
        (9, 8, 2),
        (3, 4, 6),
    }
    pure = [f for f in solution.equilibria if all(len(weights(f, p)) == 1 for p in f.strategies)]
    assert len(pure) == 4
    if len(solution.equilibria) < 9:
        assert any("mixed" in note for note in solution.notes)


def test_repeated_dilemma_grim_from_one_half_tit_for_tat_from_two_thirds():
    def holds(plan: str, d: Fraction) -> bool:
        return any(
            weights(found, "row") == weights(found, "column") == {plan: 1}
            for found in all_of("repeated_prisoners_dilemma", d=d)
        )

    assert not holds("grim", F("0.49"))  # (T - R)/(T - P) = 1/2
    assert holds("grim", F("0.5"))
    assert not holds("tit_for_tat", F("0.66"))  # (T - R)/(R - S) = 2/3
    assert holds("tit_for_tat", F("0.67"))
    assert holds("always_defect", F("0.9"))


# -- Signals and hidden quality ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("e", "separates"),
    [(F("0.99"), False), (F("1.01"), True), (F("1.99"), True), (F("2.01"), False)],
)
def test_spence_a_signal_separates_between_one_and_two(e, separates):
    fully = [found for found in all_of("spence_1973", e=e) if found.payoffs["employer"] == 0]

    assert bool(fully) is separates
    assert all(found.outcomes["wage"] == 1.5 for found in fully)


def test_akerlof_good_cars_are_sold_from_a_share_on():
    share = F(10) / (25 - 10 - F("0.1"))

    assert outcome("akerlof_1970", p_good=share - F(1, 100))["good_sold"] == 0
    found = outcome("akerlof_1970", p_good=share + F(1, 100))
    assert found["good_sold"] == near(float(share) + 0.01)
    assert found["sold"] == 1


# -- Oligopoly --------------------------------------------------------------------------------


def test_cournot_two_and_three_firms():
    duopoly = outcome("cournot_1838", regime="duopoly")
    triopoly = outcome("cournot_1838", regime="triopoly")

    assert (duopoly["q_1"], duopoly["price"], duopoly["profit_1"]) == (
        near(30),
        near(40),
        near(900),
    )
    assert triopoly["q_3"] == near(90 / 4)


def test_cournot_a_dear_firm_is_shut_out():
    c_2 = 20
    inside = outcome("cournot_1838", c_1=59, c_2=c_2)
    outside = outcome("cournot_1838", c_1=61, c_2=c_2)

    assert inside["q_1"] == near((100 - 2 * 59 + c_2) / 3)
    assert outside["q_1"] == 0
    assert outside["q_2"] == near((100 - c_2) / 2)


def test_stackelberg_leading_is_worth_an_eighth_more():
    led = outcome("stackelberg_1934", regime="leader")
    both = outcome("stackelberg_1934", regime="together")

    assert (led["q_1"], led["q_2"]) == (near(45), near(22.5))
    assert (led["profit_1"], led["profit_2"]) == (near(1012.5), near(506.25))
    assert both["profit_1"] == near(900)


@pytest.mark.parametrize("s", [0, F("0.5"), F("0.9")])
def test_bertrand_closer_substitutes_are_cheaper(s):
    found = outcome("bertrand_differentiated", s=s)

    assert found["p_1"] == found["p_2"] == near((1 - float(s) + 0.2) / (2 - float(s)))


def test_hotelling_free_prices_part_the_shops_and_regulated_ones_join_them():
    free = outcome("hotelling_1929", regime="free_prices")
    fixed = outcome("hotelling_1929", regime="regulated")

    assert (free["place_1"], free["place_2"]) == (near(0), near(1))
    assert (free["p_1"], free["p_2"]) == (near(2), near(2))
    assert (fixed["place_1"], fixed["place_2"]) == (near(0.49), near(0.51))


def test_katz_shapiro_a_common_standard_sells_more():
    own = outcome("katz_shapiro_1985", regime="own_standards")
    common = outcome("katz_shapiro_1985", regime="common_standard")

    assert own["q_1"] == near(1 / (3 - 0.5)) == near(0.4)
    assert common["q_1"] == near(1 / (3 - 2 * 0.5)) == near(0.5)


def test_katz_shapiro_incompatible_markets_can_tip_from_one_on():
    def sales(theta: Fraction) -> set[tuple[float, ...]]:
        """Sales of the smaller and of the larger firm, in every equilibrium found."""
        return {
            tuple(sorted((round(found.outcomes["q_1"], 6), round(found.outcomes["q_2"], 6))))
            for found in all_of("katz_shapiro_1985", theta=theta)
        }

    equal = round(1 / (3 - 1.1), 6)
    assert sales(F("1.1")) == {(0, round(1 / (2 - 1.1), 6)), (equal, equal)}
    equal = round(1 / (3 - 0.9), 6)
    assert sales(F("0.9")) == {(equal, equal)}


@pytest.mark.parametrize(("k", "v"), [(F("0.5"), F("0.3")), (F("0.6"), F("0.2"))])
def test_bandwagon_users_who_would_rather_move_stay(k, v):
    """Own version of Farrell and Saloner 1985."""
    found = outcome("farrell_saloner_1985", k=k, v=v)

    k, v = float(k), float(v)
    assert found["follow_1"] == near(k - v)
    assert found["lead_1"] == near((k + sqrt(k**2 + 4 * v * (k - v))) / 2)
    assert found["inertia"] == near((found["lead_1"] - k) ** 2)


def test_bandwagon_defaults_are_a_fifth_and_three_fifths():
    found = outcome("farrell_saloner_1985")

    assert (found["follow_1"], found["lead_1"]) == (near(0.2), near(0.6))


def test_private_provision_does_not_depend_on_who_has_the_means():
    even = outcome("bergstrom_blume_varian_1986", w_1=1, w_2=1)
    uneven = outcome("bergstrom_blume_varian_1986", w_1=F("1.3"), w_2=F("0.7"))
    poor = outcome("bergstrom_blume_varian_1986", w_1=F("1.4"), w_2=F("0.6"))

    assert even["G"] == near(2 / 3)
    assert uneven["G"] == near(2 / 3)
    assert uneven["g_1"] == near(1.3 - 2 / 3)  # each consumes G/alpha
    assert poor["g_2"] == near(0)  # 0.6 is below G/alpha
    assert poor["G"] == near(1.4 / 2)


# -- Races and contests -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regime", "n", "printed"), [("two", 2, 1113.327798), ("three", 3, 1600.7991)]
)
def test_lee_wilde_rivals_spur_on(regime, n, printed):
    V, r = 100, 0.1
    half = ((n - 1) * V - 2 * r) / 2
    y = (half + sqrt(half**2 + (2 * n - 1) * r * V)) / (2 * n - 1)
    found = outcome("lee_wilde_1980", regime=regime)

    assert found["x_1"] == near(y**2)
    assert found["x_1"] == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(("regime", "printed"), [("two", 1.121420), ("three", 0.931918)])
def test_loury_rivals_discourage(regime, printed):
    assert outcome("loury_1979", regime=regime)["x_1"] == pytest.approx(printed, abs=1e-6)


def test_loury_constant_returns():
    found = outcome("loury_1979", preset="constant_returns")

    assert (1 + found["x_1"]) * 10 == near((1 + 2 * found["x_1"]) ** 2)
    assert found["x_1"] == pytest.approx(2.427051, abs=1e-6)


@pytest.mark.parametrize(("mu", "e"), [(1, 1), (F("0.5"), 1), (F("0.6"), F("0.4"))])
def test_precipice_safety_is_the_spread_over_twice_the_enmity(mu, e):
    """To 1e-5: the density of the difference of two uniform draws has a kink at equal safety."""
    safety = min(1.0, float(mu) / (2 * float(e)))

    for found in all_of("racing_to_the_precipice_2016", mu=mu, e=e):
        assert found.outcomes["s_1"] == pytest.approx(safety, abs=1e-5)
        assert found.outcomes["s_2"] == pytest.approx(safety, abs=1e-5)
        assert found.outcomes["risk"] == pytest.approx(1 - safety, abs=1e-5)


def test_precipice_there_is_no_risk_if_capabilities_differ_enough():
    assert outcome("racing_to_the_precipice_2016", mu=F("1.9"))["risk"] > 0.04
    assert outcome("racing_to_the_precipice_2016", mu=F("2.1"))["risk"] == near(0)


def test_tullock_unequal_and_three_contestants():
    two = outcome("tullock_1980", regime="two", v_1=1, v_2=F("0.5"))
    three = outcome("tullock_1980", regime="three", v_1=1, v_2=1, v_3=1)

    assert two["x_1"] == near(0.5 / 1.5**2)
    assert two["x_2"] == near(0.25 / 1.5**2)
    assert three["x_1"] == near(2 / 9)
    assert three["spent"] == near(2 / 3)


def test_tullock_a_third_joins_above_the_harmonic_threshold():
    assert outcome("tullock_1980", regime="three", v_2=1, v_3=F("0.49"))["x_3"] == near(0)
    assert outcome("tullock_1980", regime="three", v_2=1, v_3=F("0.51"))["x_3"] > 0.001


# -- Threats, sanctions, inspection -----------------------------------------------------------


def test_sanctions_that_are_seen_have_failed():
    """Own version of the threat stage of Lacy and Niou 2004."""
    found = outcome("sanctions_threat")
    tau, x, s, a, b = 0.3, 1, 2, 0.5, 1
    bluff = tau * (s - x) / ((1 - tau) * x)
    yields = a / (a + b)

    assert bluff == near(0.428571)
    assert found["threat"] == near(tau + (1 - tau) * bluff) == near(0.6)
    assert found["imposed"] == near(tau * (1 - yields)) == near(0.2)
    assert found["complied"] == near(0.6 * yields) == near(0.2)


def test_sanctions_are_not_seen_once_the_threat_is_believed():
    believed = outcome("sanctions_threat", tau=F("0.51"))  # x/s = 1/2

    assert (believed["threat"], believed["complied"], believed["imposed"]) == (1, 1, 0)
    assert outcome("sanctions_threat", tau=F("0.49"))["imposed"] > 0.3


def test_enemies_are_threatened_and_concede_less():
    """Own version after Drezner 1998: credible iff C_t/C_s > (1 + f_s)/f_s."""
    enemy = outcome("conflict_expectations", f_s=1, f_t=1)
    mixed = outcome("conflict_expectations", f_s=1, f_t=F("0.2"))

    assert enemy["conceded"] == near((2 * 3 - 1) / 3) == near(1.666667)
    assert mixed["conceded"] == near((1.2 * 3 - 0.2) / 1.4) == near(2.428571)


@pytest.mark.parametrize(("f_s", "credible"), [(F("0.49"), False), (F("0.51"), True)])
def test_a_friend_is_not_believably_threatened(f_s, credible):
    for found in all_of("conflict_expectations", f_s=f_s):
        assert (found.outcomes["conceded"] > 0) is credible
        assert found.outcomes["imposed"] == 0


@pytest.mark.parametrize("S", [4, 8, 20])
def test_tsebelis_the_size_of_the_sanction_does_not_change_violations(S):
    found = the_one("tsebelis_1990", S=S)

    assert found.outcomes["violated"] == near(0.3)
    assert found.outcomes["sanctioned"] == near(1 / S)


def test_tsebelis_a_sanction_below_the_gain_deters_nobody():
    assert outcome("tsebelis_1990", S=F("0.9"))["violated"] == 1


@pytest.mark.parametrize("c_A", [F("0.1"), F("0.2")])
def test_fearon_offers_and_wars(c_A):
    found = outcome("fearon_1995", c_A=c_A)

    assert found["x"] == near(0.6 - (0.3 - float(c_A)) / 2)
    assert found["war"] == near((0.3 - float(c_A)) / 0.6)


def test_fearon_peace_if_war_costs_the_offering_side_enough():
    assert outcome("fearon_1995", c_A=F("0.29"))["war"] > 0.01
    assert outcome("fearon_1995", c_A=F("0.31"))["war"] == near(0)


def test_joint_threats_use_spare_incentive():
    separate = outcome("joint_threats", regime="separate")
    joint = outcome("joint_threats", regime="joint")

    assert (separate["met_1"], separate["met_2"]) == (0, 1)
    assert (joint["met_1"], joint["met_2"]) == (1, 1)
    slack = F("0.9") * F("2.5") - F("1.2")
    assert slack == F("1.05")
    just = outcome("joint_threats", regime="joint", t_1=1 + slack - F(1, 1000))
    beyond = outcome("joint_threats", regime="joint", t_1=1 + slack + F(1, 1000))
    assert (just["met_1"], beyond["met_1"]) == (1, 0)


def test_one_inspector_fills_up_the_most_valuable_routes():
    found = the_one("security_coverage")

    assert weights(found, "A") == {"first": F(5, 9), "second": F(1, 3), "third": F(1, 9)}
    assert found.payoffs["S"] == F(5, 3)
    left_alone = the_one("security_coverage", u_3=F("1.39"))
    watched = the_one("security_coverage", u_3=F("1.41"))
    assert "third" not in weights(left_alone, "A")
    assert "third" in weights(watched, "A")


@pytest.mark.parametrize(("m", "value"), [(0, -1), (1, F(-1, 2)), (2, F(-1, 7)), (3, 0)])
def test_dresher_values_of_the_sequential_inspection(m, value):
    for found in all_of("dresher_1962", m=m):
        assert found.payoffs["inspector"] == value


# -- Export controls: own models --------------------------------------------------------------


@pytest.mark.parametrize(("P", "listed"), [(F("0.24"), 0), (F("0.26"), 1)])
def test_a_firm_is_listed_if_it_is_fragile_with_a_quarter(P, listed):
    found = outcome("entity_listing", P=P)

    assert found["listed"] == listed
    assert found["killed"] == near(float(P) * listed)


def test_listing_only_hardens_once_everybody_has_stocked_up():
    assert outcome("entity_listing", preset="stocked_up")["listed"] == 0
    # stock * speed >= tau_0 * dependence, at 1.5 years of stock
    assert outcome("entity_listing", stock_f=F("1.49"))["listed"] == 1
    assert outcome("entity_listing", stock_f=F("1.51"))["listed"] == 0


@pytest.mark.parametrize(("left", "retaliates"), [(F("0.34"), 0), (F("0.33"), 1)])
def test_dependence_of_a_third_holds_retaliation_back(left, retaliates):
    found = outcome("retaliation_threshold", regime="broad", d_broad=left)

    assert found["retaliates"] == retaliates


def test_a_small_yard_keeps_the_hostage():
    assert outcome("retaliation_threshold")["dependence"] == 0.8
    assert outcome("retaliation_threshold", preset="worth_it")["retaliates"] == 1


def test_a_buyer_stays_while_the_premium_covers_the_risk():
    assert outcome("reliable_vendor", pi=F("0.24"))["foreign"] == 1  # u/X = 1/4
    assert outcome("reliable_vendor", pi=F("0.26"))["foreign"] == 0


def test_a_promise_not_to_cut_needs_patience():
    kept = outcome("reliable_vendor", delta=F("0.67"), extra=4)  # G/(G + Pi) = 2/3
    assert kept["cut"] == near(0.2)
    assert outcome("reliable_vendor", delta=F("0.66"))["foreign"] == 0


@pytest.mark.parametrize(
    ("T", "program", "years"), [(6, F("0.6"), 6), (6, 0, 4)], ids=["steady", "crash"]
)
def test_a_control_pays_if_decisive_ai_is_near_enough(T, program, years):
    rate = log(1 + 1.5) / years - 0.03
    assert rate == pytest.approx({6: 0.1227, 4: 0.1991}[years], abs=1e-4)

    for step, controlled in ((-0.001, 0), (0.001, 1)):
        found = outcome("ai_timelines", p_short=1, h_short=rate + step, T=T, program=program)
        assert found["controlled"] == controlled


@pytest.mark.parametrize(
    ("rho", "open_", "cut"), [(F("0.7"), 6.355, 6.791), (F("0.2"), 3.749, 3.443)]
)
def test_scarcity_raises_effort_only_if_algorithms_replace_chips(rho, open_, cut):
    free = outcome("scarcity_and_efficiency", regime="open", rho=rho)
    scarce = outcome("scarcity_and_efficiency", regime="control", rho=rho)

    assert free["effort"] == pytest.approx(open_, abs=6e-4)
    assert scarce["effort"] == pytest.approx(cut, abs=6e-4)
    assert scarce["Y"] < free["Y"]


def test_scarcity_flips_where_substitutability_equals_returns():
    def change(rho: Fraction) -> float:
        free = outcome("scarcity_and_efficiency", regime="open", rho=rho)
        scarce = outcome("scarcity_and_efficiency", regime="control", rho=rho)
        return scarce["effort"] - free["effort"]

    assert change(F("0.39")) < 0 < change(F("0.41"))  # nu = 0.4


@pytest.mark.parametrize(("kappa", "opens"), [(F("0.285"), 1), (F("0.286"), 0)])
def test_labs_open_their_weights_below_a_capacity(kappa, opens):
    assert float(F("0.2") / (1 - F("0.3"))) == pytest.approx(0.2857, abs=1e-4)

    assert outcome("open_weights", regime="control", kappa_cut=kappa)["open"] == opens


def test_distrust_opens_the_weights_at_any_capacity():
    assert outcome("open_weights", preset="distrusted", regime="none", kappa_free=1)["open"] == 1


def test_markets_stay_open_if_the_larger_one_is_patient():
    def opens(d_US: Fraction, d_CN: Fraction) -> bool:
        return any(
            found.outcomes["open"] == 1
            for found in all_of("reciprocal_market_access", d_US=d_US, d_CN=d_CN)
        )

    large, small = F("0.5") / F("0.7"), F("0.35")
    assert float(large) == pytest.approx(0.714, abs=1e-3)
    assert opens(large, small)
    assert not opens(large - F(1, 100), F("0.9"))
    assert not opens(F("0.9"), small - F(1, 100))


@pytest.mark.parametrize(
    ("mu", "tax"),
    [(0, 4), (F("0.05"), 4.2322), (F("0.1"), 4.4357), (F("0.3"), 5.0869), (F("0.6"), 5.9219)],
)
def test_the_tax_of_a_licence_rises_with_military_use(mu, tax):
    found = outcome("licence_or_ban", mu=mu)

    assert found["t"] == pytest.approx(tax, abs=6e-5)
    q, mu = found["quantity"], float(mu)
    marginal_revenue, marginal_loss = 8 - 2 * q, 50 * 5 * mu / (5 + mu * q) ** 2
    assert marginal_revenue == pytest.approx(marginal_loss, abs=1e-5)


def test_a_licence_gives_way_to_a_ban_at_once():
    last = outcome("licence_or_ban", mu=F("0.8139"))
    ban = outcome("licence_or_ban", mu=F("0.8141"))

    assert last["t"] == pytest.approx(7.07, abs=5e-3)
    assert last["quantity"] > 0.9
    assert ban["t"] == near(8)
    assert ban["quantity"] == near(0)


def test_a_control_offsets_lazy_subsidies_up_to_a_subsidy():
    calm = outcome("lazy_subsidies", regime="none")
    threat = outcome("lazy_subsidies", regime="control")

    assert calm["s"] == near(0.5 - 0.4 * 0.5) == near(0.3)
    assert threat["s"] == near(0.74 - 0.4 * 0.5 * 1.4) == near(0.46)
    assert (calm["effort"], threat["effort"]) == (near(0.85), near(1.078))
    # The subsidy is 0.571 where theta is 0.571 + 0.28.
    limit = (1 - 1 / 1.4) / 0.5
    assert limit == pytest.approx(0.571, abs=1e-3)
    below = outcome("lazy_subsidies", regime="control", theta_threat=limit + 0.28 - 0.01)
    above = outcome("lazy_subsidies", regime="control", theta_threat=limit + 0.28 + 0.01)
    assert below["undisturbed"] > 0 > above["undisturbed"]


def test_deterrence_fails_before_autonomy_gets_there_by_itself():
    g, k_0, S, gain = 3.2, 0.3, 1, 0.3
    limit = g * (1 - k_0) - S / 2 - g * gain / S
    assert limit == near(0.78)

    held = outcome("taiwan_deterrence", regime="broad", v_broad=limit - 0.01)
    failed = outcome("taiwan_deterrence", regime="broad", v_broad=limit + 0.01)
    assert (held["attack"], failed["attack"]) == (0, 1)
    assert held["k"] == near(k_0 + (limit - 0.01) / g)
    assert held["k"] < 1 - gain / S < failed["k"]
    assert outcome("taiwan_deterrence")["attack"] == 0


def test_talent_leaves_beyond_a_strictness_that_a_captive_market_lowers():
    found = outcome("talent_flows", regime="restrict")
    open_door = outcome("talent_flows", regime="welcome")
    captive = outcome("talent_flows", regime="restrict", preset="captive_market")

    assert (found["v"], found["w"], found["talent"]) == (near(0.3), near(0.25), near(0.475))
    assert (open_door["v"], open_door["talent"]) == (near(0), near(0.625))
    assert captive["w"] == near(0.4)
    # v = w_A - w, where the stock is one half, is reached at lam = 0.75.
    assert outcome("talent_flows", lam=F("0.74"))["talent"] > 0.5
    assert outcome("talent_flows", lam=F("0.76"))["talent"] < 0.5


def test_stock_is_what_the_newsvendor_wants_unless_notice_is_short():
    wanted = log(0.4 * 10 / 1) / 0.5
    assert wanted == near(2.772589)
    full = outcome("stockpiling_notice", regime="long_notice")
    bound = outcome("stockpiling_notice", regime="short_notice")

    assert full["stock"] == near(wanted)
    assert full["bite"] == near(exp(-0.5 * wanted)) == near(0.25)
    assert bound["stock"] == near(0.5)
    # Notice beyond S/rate, 1.386 years, changes nothing.
    just = outcome("stockpiling_notice", regime="long_notice", long=F("1.3"))
    assert just["stock"] == near(2.6)


def test_the_yard_creeps_without_commitment():
    """Own analogue of Barro and Gordon 1983."""
    discretion = the_one("scope_creep", regime="discretion")
    commitment = the_one("scope_creep", regime="commitment")

    assert discretion.outcomes["s"] == near(0.5)
    assert discretion.payoffs["A"] == near(-0.125)
    assert commitment.outcomes["s"] == near(0)
    assert commitment.payoffs["A"] == near(0)


@pytest.mark.parametrize(("lam", "k"), [(F("0.5"), 1), (F("0.8"), 2)])
def test_the_yard_keeps_itself_from_a_discount_factor_of_one_half(lam, k):
    weak = outcome("scope_creep", regime="reputation", delta=F("0.49"), lam=lam, k=k)
    strong = outcome("scope_creep", regime="reputation", delta=F("0.51"), lam=lam, k=k)

    assert weak["s"] == near(float(lam) / float(k))
    assert strong["s"] == near(0)


@pytest.mark.parametrize(("f", "can_stay"), [(F("0.59"), True), (F("0.61"), False)])
def test_a_platform_tips_from_three_fifths_on(f, can_stay):
    found = all_of("platform_tipping", regime="broad", f_broad=f)

    assert any(one.outcomes["tipped"] == 1 for one in found)
    assert any(one.outcomes["on_incumbent"] == near(1 - float(f)) for one in found) is can_stay


@pytest.mark.parametrize("policy", ["none", "screening_only", "control", "screen_and_control"])
def test_the_lead_depends_on_motive_over_cost(policy):
    found = outcome("policy_portfolio", regime=policy)
    dearer = {"none": 0.0, "screening_only": 0.2, "control": 0.4, "screen_and_control": 0.6}[policy]
    moved = 0.6 if "control" in policy else 0.0
    R = 0.8 * (1 + moved) / (1.25 * (1 + dearer))

    assert found["lead"] == near(1 / (1 + R))


def test_a_control_raises_the_lead_only_if_it_costs_more_than_it_provokes():
    base = outcome("policy_portfolio", regime="none")["lead"]

    assert outcome("policy_portfolio", regime="control", threat=F("0.39"))["lead"] > base
    assert outcome("policy_portfolio", regime="control", threat=F("0.41"))["lead"] < base


@pytest.mark.parametrize(("o_cut", "forced"), [(F("0.99"), True), (F("1.01"), False)])
def test_a_threat_joins_firms_by_taking_away_what_they_fall_back_on(o_cut, forced):
    found = all_of("siloed_industries", regime="control", o_cut=o_cut)

    assert any(one.outcomes["common"] == 1 for one in found)
    assert all(one.outcomes["common"] == 1 for one in found) is forced
    free = {one.outcomes["common"] for one in all_of("siloed_industries", regime="none")}
    assert {0, 1} <= free


def test_suppliers_give_technology_away_although_both_lose():
    dilemma = the_one("technology_for_access", x_much=F("0.4"))

    assert dilemma.outcomes["accepted"] == 2
    assert dilemma.payoffs["L_1"] == F(1, 2) - 2 * F("0.4") < 0

    def refusals(x: Fraction) -> bool:
        """No supplier accepts the large demand in some equilibrium."""
        return any(
            found.outcomes["x"] == near(0.2) for found in all_of("technology_for_access", x_much=x)
        )

    assert not refusals(F("0.49"))  # m/D = 1/2
    assert refusals(F("0.51"))


def test_a_control_hinders_now_and_strengthens_later():
    free = outcome("time_paradox", regime="none")
    controlled = outcome("time_paradox", regime="control")

    assert controlled["x"] == near(1)
    assert controlled["K_1"] - free["K_1"] == near(-0.4)
    assert controlled["K_2"] - free["K_2"] == near(1 * (1 - 0.3) / 1 - 0.5 * 0.4) == near(0.5)
    # D over that is 0.8.
    assert outcome("time_paradox", delta=F("0.79"))["K_1"] == near(0.6)
    assert outcome("time_paradox", delta=F("0.81"))["K_1"] == near(1)


def test_without_talent_a_control_is_an_obstacle_only():
    free = outcome("time_paradox", regime="none", preset="little_talent")
    controlled = outcome("time_paradox", regime="control", preset="little_talent")

    assert controlled["K_2"] - free["K_2"] == near(0.49 * 0.3 - 0.2)
    assert controlled["K_2"] < free["K_2"]


@pytest.mark.parametrize(("q", "adopts"), [(F("0.77"), 1), (F("0.78"), 0)])
def test_a_user_is_locked_in_while_a_crisis_is_unlikely(q, adopts):
    assert pytest.approx(0.7778, abs=1e-4) == (0.2 * 1.9 + 0.32) / 0.9

    assert outcome("lock_in_or_denial", regime="sell", q=q)["adopted"] == adopts


def test_denial_pays_from_the_worth_of_the_lever_on():
    worth = F("0.3") * (1 + F("0.9") * F("0.7")) + F("0.9") * F("0.3")
    assert worth == F("0.759")

    assert outcome("lock_in_or_denial", D=worth - F(1, 1000))["sold"] == 1
    assert outcome("lock_in_or_denial", D=worth + F(1, 1000))["sold"] == 0


def test_firms_are_won_back_seldom_unless_the_state_is_trusted():
    found = outcome("roll_back", p=F("0.5"))
    again = 0.5 * 1 / (0.5 * 3)

    assert found["rolled_back"] == near(0.5 + 0.5 * again)
    assert found["returned"] == near(found["rolled_back"] * 0.5 / (0.5 + 1.5))
    assert found["relisted"] == near(0.5 * again * 0.25)


@pytest.mark.parametrize(("p", "trusted"), [(F("0.74"), False), (F("0.76"), True)])
def test_firms_return_for_certain_from_three_quarters_on(p, trusted):
    assert any(found.outcomes["returned"] == 1 for found in all_of("roll_back", p=p)) is trusted


@pytest.mark.parametrize(
    ("pi", "free", "bound"),
    [(F("0.49"), 0, 0), (F("0.51"), 1, 0), (F("0.64"), 1, 0), (F("0.65"), 1, 1)],
)
def test_only_a_lab_without_investors_takes_the_long_shot(pi, free, bound):
    assert float((F("0.5") + F("0.4")) / F("1.4")) == pytest.approx(0.643, abs=1e-3)

    found = outcome("bold_labs", pi=pi)

    assert (found["bold_free"], found["bold_bound"]) == (free, bound)


@pytest.mark.parametrize(("b", "g"), [(F("0.2"), 4), (0, 4), (F("0.2"), 8)])
def test_withheld_minerals_open_mines_elsewhere(b, g):
    a, delta, b_, g_ = 1.0, 0.9, float(b), float(g)
    response = 1 / (2 + delta + g_)
    most = a * (1 + delta / 2) * response
    slope = 2 - 2 * response - delta * response**2 / 2
    q = (a - most - b_ + delta * response * (a - most) / 2) / slope
    found = outcome("minerals_ban", b=b, g=g)

    assert found["q"] == near(q)
    assert found["s"] == near(most - response * q)
    assert found["price_later"] == near((a - found["s"]) / 2)


def test_mckelvey_mclennan_has_nine_equilibria_of_which_two_are_totally_mixed():
    """Where all mix, the first two are indifferent at c = 1/4 and 1/3, or at odds of one half."""
    solution = solve("mckelvey_mclennan_1996", method="polynomial_supports")
    first = [
        tuple(float(mixture["1"]) for mixture in found.strategies.values())
        for found in solution.equilibria
    ]

    assert all(found.certificate.holds for found in solution.equilibria)
    assert sorted(first) == [
        near(profile)
        for profile in sorted(
            [
                *[(1, 1, 1), (0, 0, 1), (1, 0, 0), (0, 1, 0)],
                *[(1 / 2, 1 / 2, 1), (0, 1 / 4, 1 / 3), (1 / 3, 1, 1 / 4)],
                *[(1 / 2, 2 / 5, 1 / 4), (2 / 5, 1 / 2, 1 / 3)],
            ]
        )
    ]


def alike(c: Any, w: int) -> set[float]:
    """Return the probabilities of giving where all three mix alike."""
    solution = solve("palfrey_rosenthal_1984", method="polynomial_supports", c=c, w=w)
    found = set()
    for one in solution.equilibria:
        shares = {round(float(mixture["give"]), 6) for mixture in one.strategies.values()}
        if len(shares) == 1 and not shares <= {0, 1}:
            found |= shares
    return found


def test_palfrey_rosenthal_each_gives_with_the_chance_that_it_matters():
    """2 p (1 - p) = c where two of three are needed, p^2 = c where all are."""
    assert alike(F("0.3"), 2) == {0.183772, 0.816228}
    assert alike(F("0.3"), 3) == {0.547723}


def test_palfrey_rosenthal_nobody_mixes_alike_above_a_half():
    assert len(alike(F("0.49"), 2)) == 2
    assert alike(F("0.51"), 2) == set()


def test_control_of_a_path_that_ai_may_leave_is_worth_less():
    """The handicap counts with the probability that AI stays: 1 - switch of it."""
    rate = log(1 + 1.5 / 0.4) / 6 - 0.03

    for step, controlled in ((-0.001, 0), (0.001, 1)):
        found = outcome(
            "ai_timelines", p_short=1, h_short=rate + step, switch=F("0.6"), program=F("0.6")
        )
        assert found["controlled"] == controlled


def test_resentment_lowers_the_strictness_that_talent_bears():
    found = outcome("talent_flows", grievance=F("0.1"), lam=F("0.64"))
    assert found["talent"] > 0.5  # v = 0.14, below w_A - w - 0.1 = 0.15
    assert outcome("talent_flows", grievance=F("0.1"), lam=F("0.66"))["talent"] < 0.5


def test_a_firm_gives_up_if_low_technology_pays_more_than_hardening():
    assert outcome("entity_listing", pivot=F("0.9"))["hardened"] == near(0.6)
    assert outcome("entity_listing", pivot=F("1.1"))["hardened"] == 0  # prize - crash = 1


@pytest.mark.parametrize(("p", "pays"), [(F("0.24"), True), (F("0.26"), False)])
def test_kreps_wilson_a_doubt_of_b_squared_deters(p, pays):
    """With two markets entering the first one pays up to p = b^2."""
    found = outcome("kreps_wilson_1982", p=p, b=F("0.5"))

    assert found["first_entrant"] == near(0.5 - float(p) / 0.5)
    assert (found["first_entrant"] > 0) is pays


def test_kreps_wilson_a_weak_monopolist_fights_for_its_reputation():
    found = outcome("kreps_wilson_1982", p=F("0.15"), b=F("0.5"), a=2)
    bluff = 0.15 * (1 - 0.5) / ((1 - 0.15) * 0.5)

    assert found["fight_1"] == near(0.15 + 0.85 * bluff) == near(0.15 / 0.5)
    # After a fight the second entrant enters with 1 - 1/a, after a surrender always.
    assert found["entry_2"] == near(0.7 + 0.3 * (1 - 1 / 2))


def test_kreps_wilson_a_likely_enough_strong_monopolist_fights_and_is_believed():
    assert any(
        found.outcomes["fight_1"] == 1 and found.outcomes["entry_2"] == 0
        for found in all_of("kreps_wilson_1982", p=F("0.51"), b=F("0.5"))
    )


def test_an_ambitious_state_keeps_quiet_at_times_and_is_suspected_for_it():
    found = outcome("boastful_plan")
    p, beta, d, mu = 0.5, 0.2, 0.5, 0.2
    quiet = (1 - p) * mu / (p * (1 - mu))

    assert found["plan"] == near(p * (1 - quiet)) == near(0.375)
    unannounced = 1 - beta / d
    assert found["coalition"] == near(0.375 + 0.625 * unannounced) == near(0.75)


@pytest.mark.parametrize(("beta", "boasts"), [(F("0.49"), False), (F("0.51"), True)])
def test_a_plan_that_mobilizes_enough_is_published(beta, boasts):
    found = outcome("boastful_plan", beta=beta)  # d = 0.5

    assert (found["plan"] == 0.5) is boasts


@pytest.mark.parametrize(("p", "quiet"), [(F("0.19"), True), (F("0.21"), False)])
def test_nobody_acts_against_a_state_that_is_hardly_ambitious(p, quiet):
    found = all_of("boastful_plan", p=p)  # m/B = 0.2

    assert all(one.outcomes["coalition"] == 0 for one in found) is quiet


def test_minerals_withheld_cost_four_percent_of_the_later_profit():
    used = outcome("minerals_ban")["price_later"] ** 2
    kept = outcome("minerals_ban", preset="no_politics")["price_later"] ** 2

    assert used / kept == pytest.approx(0.96, abs=2e-3)


@pytest.mark.parametrize(("sigma", "h"), [(F("1.1"), F("0.5")), (F("0.8"), F("0.9"))])
def test_a_control_stops_half_way_if_tightness_invites_retaliation(sigma, h):
    found = outcome("tightness_and_retaliation", regime="rising", sigma=sigma, h=h)

    assert found["t"] == near((float(sigma) - 0.5) / (2 * float(h)))
    assert found["retaliation"] == near(float(h) * found["t"])


def test_without_security_or_with_fixed_chances_there_is_no_half_way():
    assert outcome("tightness_and_retaliation", sigma=F("0.49"))["t"] == near(0)  # sigma = c
    assert outcome("tightness_and_retaliation", regime="fixed", sigma=F("0.89"))["t"] == near(0)
    assert outcome("tightness_and_retaliation", regime="fixed", sigma=F("0.91"))["t"] == near(1)


# -- What holds for every game ---------------------------------------------------------------

GAMES = Path(__file__).resolve().parent.parent / "games"


SLOW = ("small_yard_dynamic", "step_by_step_2001")


def switches() -> Iterator[Any]:
    """Yield every mechanism of the catalogue but the flagship's, which has tests of its own."""
    for path in sorted(GAMES.glob("*/*.toml")):
        if path.stem != "small_yard_high_fence":
            mechanisms = tomllib.loads(path.read_text("utf-8")).get("mechanisms", {})
            for name, mechanism in mechanisms.items():
                marks = [pytest.mark.slow] if path.stem in SLOW else []
                yield pytest.param(
                    path.stem, mechanism["off"], id=f"{path.stem}-{name}", marks=marks
                )


@pytest.mark.parametrize(("game", "off"), list(switches()))
def test_a_game_without_one_of_its_mechanisms_is_still_a_game(game, off):
    solution = solve(game, **off)

    assert solution.status in (Status.SOLVED, Status.PARTIAL), solution.reason
    assert all(found.certificate.holds for found in solution.equilibria)


def test_the_readme_of_the_catalogue_names_games_where_they_are():
    text = (GAMES / "README.md").read_text("utf-8")
    sections = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    named = {
        (folder, name)
        for folder, part in zip(sections[::2], sections[1::2], strict=True)
        for name in re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)
    }

    assert len(named) > 70
    assert named <= {(path.parent.name, path.stem) for path in GAMES.glob("*/*")}
