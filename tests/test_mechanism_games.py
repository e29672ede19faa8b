"""Answers of the games that were written for arguments which had none: our own algebra.

Closed forms stand here and nowhere in the games. Each answer is looked at on both sides of the
number at which it changes.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
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
    assert solution.status in (Status.SOLVED, Status.PARTIAL), solution.reason
    assert all(found.certificate.holds for found in solution.equilibria)
    return solution.equilibria


def outcome(game: str, **request: Any) -> dict[str, Any]:
    """Return the outcomes of the only equilibrium of a game."""
    (found,) = all_of(game, **request)
    return dict(found.outcomes)


# -- An architecture of one's own -------------------------------------------------------------


@pytest.mark.parametrize(("pi", "independent"), [(F("0.51"), 0), (F("0.512"), 1)])
def test_a_design_is_independent_if_a_cut_off_is_likely_enough(pi, independent):
    # 1/delta - (rho - s)/(s + F) = 0.5111
    found = outcome("own_architecture", regime="control", pi=pi)

    assert found["independent"] == independent


@pytest.mark.parametrize("pi", [F("0.5"), F("0.99")])
def test_what_does_not_compound_is_never_begun(pi):
    found = outcome("own_architecture", regime="control", pi=pi, rho=F("0.19"))

    assert found["independent"] == 0
    assert found["late"] == near(float(pi))


def test_an_independent_design_outlasts_the_danger():
    """Off the path too: in calm, it is kept where it compounds, and given up where it does not."""
    for rho, kept in ((F("0.5"), "own"), (F("0.1"), "world")):
        (found,) = all_of("own_architecture", regime="control", rho=rho)
        later = found.strategies["H"]["later after design=independent, fate=calm"]
        assert later[kept] == 1


# -- Split standards --------------------------------------------------------------------------


@pytest.mark.parametrize(("risk", "split"), [(F("0.39"), 0), (F("0.41"), 1)])
def test_a_platform_splits_if_the_risk_exceeds_the_cost_of_another(risk, split):
    found = outcome("split_standards", regime="control", risk_control=risk)

    assert found["split"] == found["served_twice"] == split
    assert found["waste"] == near(split * (0.4 + 0.2))
    assert found["joint"] == near(2 - split * (0.35 + 0.4))


@pytest.mark.parametrize(("risk", "split"), [(F("0.89"), 0), (F("0.91"), 1)])
def test_a_state_that_developers_would_not_follow_stays_longer(risk, split):
    # F + v (1 - b) = 0.9, where port = 0.5 > theta m_C
    found = outcome(
        "split_standards", regime="control", preset="developers_stay", risk_control=risk
    )

    assert found["split"] == split
    assert found["served_twice"] == 0


@pytest.mark.parametrize(("gain", "controls"), [(F("0.34"), False), (F("0.36"), True)])
def test_a_control_that_splits_pays_if_it_is_worth_the_users_lost(gain, controls):
    assert (outcome("split_standards", D=gain)["split"] == 1) is controls


# -- The ecosystem ----------------------------------------------------------------------------


def parts(**request: Any) -> set[float]:
    return {float(e.outcomes["parts"]) for e in all_of("ecosystem_complements", **request)}


def test_without_a_control_the_ecosystem_is_a_matter_of_expectations():
    assert {0.0, 3.0} <= parts(regime="none")
    assert parts(regime="none", s=F("0.49")) == {0.0}


@pytest.mark.parametrize(("s", "all_follow"), [(F("0.99"), False), (F("1.01"), True)])
def test_a_control_on_chips_brings_the_rest_if_complements_are_strong(s, all_follow):
    found = parts(regime="chips", s=s)

    assert 3.0 in found
    assert (1.0 not in found) is all_follow


def test_a_broad_control_makes_the_whole_ecosystem_certain():
    assert parts(regime="broad") == {3.0}
    assert 0.0 in parts(regime="broad", b=F("0.9"))


# -- A lead, bought or sustained --------------------------------------------------------------


@pytest.mark.parametrize("N", [3, 5])
@pytest.mark.parametrize("regime", ["none", "control", "fund"])
def test_research_follows_sales_imitation_the_gap(N, regime):
    found = outcome("bought_or_sustained_lead", regime=regime, N=N)

    gap = 3 if regime == "control" else 2
    sales = {"none": 1, "control": 0.7, "fund": 1.3}[regime]
    invented = 0.1 * N * 0.6**2
    assert found["x"] == near(0.2 * N * sales)
    assert found["imitated"] == near(0.1 * N * (0.25 * gap) ** 2)
    assert found["invented"] == near(invented)
    back = 0 if regime == "control" else 0.5 * invented
    later = 2 + (0.2 if regime == "control" else 0) + found["x"] - found["imitated"] - invented
    assert found["lead_later"] == near(later + back)


def horizon(fade: float) -> float:
    """The number of later periods up to which a control pays."""
    k = 0.2 * 0.3 + 0.1 * 0.25**2 * (3**2 - 2**2) + 0.5 * 0.1 * 0.6**2
    return (1 - fade + sqrt((1 - fade) ** 2 + 4 * k)) / (2 * k)


@pytest.mark.parametrize(("fade", "limit"), [(F("0.8"), 4.08), (0, 10.06)])
def test_a_control_pays_up_to_a_horizon(fade, limit):
    assert horizon(float(fade)) == pytest.approx(limit, abs=0.005)
    for N, pays in (
        (F(round(100 * limit) - 2, 100), True),
        (F(round(100 * limit) + 2, 100), False),
    ):
        request = {"N": N, "fade": fade, "budget": 100}  # so that funding is out of the question
        gap = outcome("bought_or_sustained_lead", **request)["gap_now"]
        assert (gap == near(3)) is pays


# -- Make or buy ------------------------------------------------------------------------------


def sourcing(**request: Any) -> str:
    found = outcome("make_or_buy", **request)
    return "make" if found["integrated"] else "dual" if found["dual"] else "buy"


@pytest.mark.parametrize(
    ("h", "below", "above"), [(F("0.5"), F("0.105"), F("0.107")), (0, F("0.188"), F("0.190"))]
)
def test_a_firm_integrates_earlier_if_it_can_be_held_up(h, below, above):
    # (1 - p) v + ((1 - p)(1 - h) r)^2/2 = v - k + r^2/2
    assert sourcing(regime="listed", risk_listed=below, h=h) == "buy"
    assert sourcing(regime="listed", risk_listed=above, h=h) == "make"


@pytest.mark.parametrize("h", [F("0.2"), F("0.5")])
def test_a_supplier_who_takes_half_halves_the_design(h):
    assert outcome("make_or_buy", regime="none", h=h)["x"] == near(0.95 * (1 - float(h)) * 0.6)


def test_a_second_source_will_do_if_it_is_cheap():
    # v - d + (r (1 - q h/2))^2/2 against v - k + r^2/2: d = 0.2078 at q = 1/2
    assert sourcing(regime="listed", d=F("0.207")) == "dual"
    assert sourcing(regime="listed", d=F("0.209")) == "make"
    assert sourcing(regime="listed", preset="cheap_second_source") == "dual"


# -- Orders too broad -------------------------------------------------------------------------


@pytest.mark.parametrize("E", [0, 1, F("1.4"), 2, 4])
def test_an_order_is_as_broad_as_survives(E):
    found = outcome("over_broad_orders", E=E)

    assert found["b"] == pytest.approx(min(1 / 1.2, 2 / (1 + float(E))), abs=1e-4)
    assert found["upheld"] == 1


def test_an_order_reaches_everything_if_the_harmless_count_nowhere():
    assert outcome("over_broad_orders", e_A=0, E=0)["b"] == near(1)


# -- State firms and private firms ------------------------------------------------------------


@pytest.mark.parametrize(("need", "delivers"), [(F("1.49"), 0.5), (F("1.51"), 1.0)])
def test_a_private_firm_enters_once_the_state_needs_it(need, delivers):
    found = outcome("squeezed_out", regime="control", need_control=need)

    assert found["entered"] == found["tender"] == (delivers == 1)
    assert found["output"] == near(delivers)


def test_a_state_firm_without_power_leaves_the_private_one_alone():
    assert outcome("squeezed_out", regime="none", rent=0)["entered"] == 1


def test_a_megaproject_that_wastes_nothing_is_preferred():
    # need (1 - waste) + perk > need q_P: waste below perk/need
    assert outcome("squeezed_out", regime="control", waste=F("0.09"))["tender"] == 0
    assert outcome("squeezed_out", regime="control", waste=F("0.11"))["tender"] == 1


# -- Lead users -------------------------------------------------------------------------------


@pytest.mark.parametrize(("z", "m"), [(F("0.5"), F("0.1")), (0, F("0.1")), (F("0.5"), 0)])
def test_research_rises_with_the_laboratories_that_buy(z, m):
    for found in all_of("lead_users", regime="control", z=z, m=m, bonus=F("0.3")):
        n = float(found.outcomes["domestic"])
        if n in (0, 1, 2):
            x = (0.1 + float(m) * n) / (1 - float(z) * n / 2)
            assert found.outcomes["x"] == near(x)


def bought(bonus: Fraction) -> set[float]:
    """How many buy domestic chips under a control, in the pure equilibria."""
    found = all_of("lead_users", regime="control", bonus=bonus)
    return {float(e.outcomes["domestic"]) for e in found} & {0.0, 1.0, 2.0}


def test_a_bonus_makes_the_first_move_worthwhile():
    # f + delta ((1 - risk) f + risk (h + x_n - switch)) against h + bonus + delta (h + x_n+1)
    assert bought(F("0.025")) == {0.0}
    assert bought(F("0.027")) == {0.0, 2.0}
    assert bought(F("0.205")) == {0.0, 2.0}
    assert bought(F("0.207")) == {2.0}


# -- Steal what is not sold -------------------------------------------------------------------


@pytest.mark.parametrize("e", [F("0.1"), F("0.3"), F("0.49")])
def test_guard_and_thief_mix_and_a_denial_costs_the_guard(e):
    (found,) = all_of("steal_or_buy", e=e)

    assert found.outcomes["denied"] == 1
    assert found.outcomes["tried"] == near(float(e) / 0.8)
    assert found.outcomes["guarded"] == near((0.8 - 0.1) / (1 + 0.8))
    assert found.payoffs["A"] == -e


@pytest.mark.parametrize(("sigma", "denied"), [(F("0.49"), 1), (F("0.51"), 0)])
def test_a_denial_that_cannot_be_guarded_is_void_if_theft_succeeds(sigma, denied):
    found = outcome("steal_or_buy", e=F("0.9"), sigma=sigma)

    assert found["denied"] == denied
    assert found["stolen"] == near(denied * float(sigma))


# -- One budget -------------------------------------------------------------------------------


@pytest.mark.parametrize("B", [1, F("1.5")])
def test_without_provocation_the_budget_is_split(B):
    share = (0.8 - 0.6 + 0.48 * float(B)) / (0.96 * float(B))
    found = outcome("invest_or_control", threat=0, B=B)

    assert found["i"] == pytest.approx(share, abs=1e-5)
    own, other = 1 + 0.8 * share * float(B), 0.8 / (1 + 0.6 * (1 - share) * float(B))
    assert found["lead"] == near(own / (own + other))


@pytest.mark.parametrize(("threat", "all_in"), [(F("0.15"), False), (F("0.16"), True)])
def test_controls_that_provoke_are_left_out(threat, all_in):
    # chi B - alpha B/(1 + alpha B) = 0.1556
    assert (outcome("invest_or_control", threat=threat)["i"] == near(1)) is all_in


def test_without_innovation_policy_the_budget_goes_into_controls():
    assert outcome("invest_or_control", alpha=0)["i"] == near(0)
    assert outcome("invest_or_control", alpha=0, threat=F("0.61"))["i"] == near(1)


# -- A deadline -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("S", "years"), [(F("1.5"), 2), (F("1.9"), 2), (F("2.5"), 2.5), (F("3.9"), 3.9), (5, 4)]
)
def test_a_stock_sets_the_date_between_haste_and_leisure(S, years):
    assert outcome("crash_program", regime="control", S=S)["T"] == pytest.approx(years, abs=1e-5)
    assert outcome("crash_program", regime="none", S=S)["T"] == near(4)


@pytest.mark.parametrize("w", [0, F("0.25"), F("1.5")])
def test_the_dearer_the_wait_the_shorter_the_program(w):
    found = outcome("crash_program", regime="control", w=w, S=0)

    assert found["T"] == near(sqrt(4 / (0.25 + float(w))))
