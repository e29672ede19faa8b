"""All equilibria from first-order conditions, and the proofs that go with them.

Games whose equilibria are known in closed form; the count is part of the claim, so a game with
several equilibria must bring all of them, and one with infinitely many must say so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Stage, limits, load
from highfence.certify import certify
from highfence.certify.interval import prove
from highfence.errors import NotApplicable
from highfence.forms.build import build
from highfence.methods.first_order import best_gain, first_order, profile_of
from highfence.solution import Finds, Solution, Status
from highfence.solve import solve


def make(
    players: str,
    decisions: list[tuple[str, str, Any, Any]],
    payoffs: dict[str, str],
    **values: float,
) -> Game:
    """Return a game of one stage: (player, decision, low, high) each."""
    return Game(
        name="at_once",
        players=players.split(),
        parameters=[Parameter(name, value) for name, value in values.items()],
        stages=[Stage("now", *(Decision(p, d, Interval(lo, hi)) for p, d, lo, hi in decisions))],
        payoffs=payoffs,
    )


def answers(solution: Solution) -> list[tuple[float, ...]]:
    """Return the actions of every equilibrium."""
    return [
        tuple(value for own in e.strategies.values() for value in own.values())
        for e in solution.equilibria
    ]


def proved(solution: Solution) -> list[tuple[float, ...]]:
    """Return the actions of all equilibria of a game that was solved completely, with proofs."""
    assert solution.status is Status.SOLVED, solution.reason
    assert solution.finds is Finds.ALL
    assert solution.rejected == 0
    for equilibrium in solution.equilibria:
        assert equilibrium.certificate.kind == "interval"
        assert equilibrium.certificate.regret < 1e-11
    return answers(solution)


COURNOT = make(
    "one two",
    [("one", "q1", 0, "high"), ("two", "q2", 0, "high")],
    {
        "one": "money * q1 / unit * (a - q1 / unit - q2 / unit - c1)",
        "two": "money * q2 / unit * (a - q1 / unit - q2 / unit - c2)",
    },
    a=100,
    c1=10,
    c2=10,
    high=100,
    unit=1,
    money=1,
)


def cournot(c1: float, c2: float) -> tuple[float, float]:
    q1, q2 = (100 - 2 * c1 + c2) / 3, (100 - 2 * c2 + c1) / 3
    if q2 <= 0:
        return (max(100 - c1, 0) / 2, 0.0)
    return (0.0, max(100 - c2, 0) / 2) if q1 <= 0 else (q1, q2)


@settings(max_examples=15)
@given(c1=st.integers(0, 60), c2=st.integers(0, 120))
def test_outputs_of_two_firms_inside_and_at_the_ends(c1, c2):
    (found,) = answers(solve(COURNOT, "first_order", c1=c1, c2=c2))
    assert found == pytest.approx(cournot(c1, c2), abs=1e-12)


@pytest.mark.parametrize("c2", [54.9, 55, 55.1])
def test_a_firm_that_is_just_driven_out(c2):
    (found,) = proved(solve(COURNOT, "first_order", c2=c2))
    assert found == pytest.approx(cournot(10, c2), abs=1e-12)


@pytest.mark.parametrize("money", [1e-6, 1e6])
@pytest.mark.parametrize("unit", [1e-5, 1, 1e4])
def test_units_change_nothing(money, unit):
    found = proved(solve(COURNOT, "first_order", c2=30, money=money, unit=unit, high=100 * unit))
    expected = tuple(unit * q for q in cournot(10, 30))
    assert found == [pytest.approx(expected, rel=1e-12)]


def test_an_exact_equilibrium_is_proved_to_exist():
    (equilibrium,) = solve(COURNOT, "first_order", c2=30).equilibria
    assert any(
        "an exact equilibrium lies within" in said for said in equilibrium.certificate.checks
    )


def test_prices_of_two_shops_on_a_line():
    """Hotelling with quadratic costs of travel and shops at the ends: p = c + t."""
    shops = make(
        "left right",
        [("left", "p", 0, 10), ("right", "r", 0, 10)],
        {"left": "(p - c) * (1/2 + (r - p) / (2*t))", "right": "(r - c) * (1/2 + (p - r) / (2*t))"},
        c=1,
        t=2,
    )
    assert proved(solve(shops, "first_order")) == [pytest.approx((3, 3), abs=1e-12)]


def test_prices_of_differentiated_goods():
    s, a, c = 0.5, 1.0, 0.2
    game = load("bertrand_differentiated")
    price = (a * (1 - s) + c) / (2 - s)
    found = proved(solve(game, "first_order", s=s, a=a, c=c))
    assert found == [pytest.approx((price, price), abs=1e-12)]


@pytest.mark.parametrize(("v1", "v2"), [(1, 1), (1, 0.5), (2, 0.25)])
def test_spending_in_a_contest(v1, v2):
    solution = solve(load("tullock_1980"), "first_order", v_1=v1, v_2=v2)
    total = (v1 + v2) ** 2
    (found,) = proved(solution)
    assert found[:2] == pytest.approx((v1**2 * v2 / total, v1 * v2**2 / total), abs=1e-12)


def test_gifts_with_logarithms_are_found_by_branch_and_prune():
    solution = solve(load("bergstrom_blume_varian_1986"), "first_order")
    assert len(proved(solution)) == 1
    assert any("branch and prune" in note for note in solution.notes)


def test_two_races_of_the_catalogue_have_one_equilibrium_each():
    for name in ("loury_1979", "lee_wilde_1980"):
        found = proved(solve(load(name), "first_order"))
        assert len(found) == 1
        assert found[0][0] == pytest.approx(found[0][1], rel=1e-9)


COORDINATION = make(
    "a b",
    [("a", "x", -2, 2), ("b", "y", -2, 2)],
    {"a": "-x**4/4 + x**2/2 + x*y/2", "b": "-y**4/4 + y**2/2 + x*y/2"},
)


def test_all_of_several_equilibria_are_found_and_saddles_are_left_out():
    """x^3 - x = y/2 and the same turned: nine critical points, of which two are equilibria."""
    root = 1.5**0.5
    found = proved(solve(COORDINATION, "first_order"))
    assert found == [pytest.approx((-root, -root)), pytest.approx((root, root))]


def test_every_equilibrium_of_a_search_is_among_all():
    searched = answers(solve(COORDINATION, "staged"))
    everything = answers(solve(COORDINATION, "first_order"))
    for one in searched:
        assert min(np.abs(np.subtract(one, other)).max() for other in everything) < 1e-5


def test_multiple_roots_are_found():
    """x^3 = y^2 and y^3 = x^2: four of the nine solutions fall together at zero."""
    game = make(
        "a b",
        [("a", "x", -2, 2), ("b", "y", -2, 2)],
        {"a": "x * y**2 - x**4 / 4", "b": "y * x**2 - y**4 / 4"},
    )
    assert proved(solve(game, "first_order")) == [(0, 0), pytest.approx((1, 1))]


def test_infinitely_many_equilibria_are_not_listed_as_all():
    game = make(
        "a b",
        [("a", "x", 0, 1), ("b", "y", 0, 1)],
        {"a": "-(x + y - 1)**2", "b": "-(x + y - 1)**2"},
    )
    solution = solve(game, "first_order")
    assert solution.status is Status.PARTIAL
    assert {(0.0, 1.0), (1.0, 0.0)} <= set(answers(solution))
    assert any("infinitely many" in note for note in solution.notes)


def test_a_decision_without_effect_is_not_settled_silently():
    game = make("a b", [("a", "x", 0, 1), ("b", "y", 0, 1)], {"a": "-x**2", "b": "x"})
    solution = solve(game, "first_order")
    assert solution.status is Status.PARTIAL
    assert any("infinitely many" in note for note in solution.notes)


def test_a_player_with_two_decisions():
    game = make(
        "a b",
        [("a", "x", 0, 5), ("a", "z", 0, 5), ("b", "y", 0, 5)],
        {"a": "x*(4 - x - y) + z*(3 - z) - x*z/2", "b": "y*(4 - x - y)"},
    )
    (found,) = proved(solve(game, "first_order"))
    x, z, y = found
    assert (4 - 2 * x - y - z / 2, 3 - 2 * z - x / 2, 4 - x - 2 * y) == pytest.approx(
        (0, 0, 0), abs=1e-12
    )


def test_no_equilibrium_is_a_result_with_a_reason():
    """Matching pennies over an interval: the pursuer's payoff is convex, nobody stays."""
    game = make(
        "a b", [("a", "x", 0, 1), ("b", "y", 0, 1)], {"a": "-(x - y)**2", "b": "(x - y)**2"}
    )
    solution = solve(game, "first_order")
    assert solution.status is Status.NONE_FOUND
    assert solution.equilibria == ()
    assert "there is none in pure strategies" in solution.reason
    assert any("mixtures over intervals" in note for note in solution.notes)


def test_auto_looks_for_mixtures_where_no_pure_profile_is_an_equilibrium():
    """The same game: who is pursued runs to either end with even odds, the pursuer waits."""
    game = make(
        "a b", [("a", "x", 0, 1), ("b", "y", 0, 1)], {"a": "-(x - y)**2", "b": "(x - y)**2"}
    )
    solution = solve(game)
    (found,) = solution.equilibria
    assert solution.method == "staged"
    assert "first_order showed that no pure profile is an equilibrium" in solution.method_reason
    assert found.certificate.holds
    assert found.strategies["a"]["x"] == pytest.approx(0.5, abs=1e-9)
    assert sorted(found.strategies["b"]["y"].values()) == pytest.approx([0.5, 0.5], abs=1e-9)


def test_games_with_stages_or_finite_choices_are_refused():
    with pytest.raises(NotApplicable, match="first_order cannot solve"):
        solve(load("stackelberg_1934"), "first_order")


def test_a_search_that_passes_the_limit_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BOXES", 20)
    solution = solve(load("bergstrom_blume_varian_1986"), "first_order")
    assert solution.status is not Status.SOLVED
    assert any("undecided" in note for note in solution.notes)


# ------------------------------------------------------------------ the judge's proofs


@settings(max_examples=6)
@given(shift=st.floats(1e-4, 20), who=st.integers(0, 1))
def test_a_proved_bound_is_the_gain_rounded_upward(shift, who):
    """From 30 + d a firm gains d^2 by going back to 30, the other d^2 / 4 by going to 30 - d/2."""
    values = np.array([30.0, 30.0])
    values[who] += shift
    proof = prove(build(COURNOT), values, (), np.full(2, 1000.0), np.inf)
    assert proof is not None
    gains = np.array([shift**2, shift**2 / 4])[[who, 1 - who]]
    assert (proof.gain >= gains * (1 - 1e-9)).all()
    assert proof.gain == pytest.approx(gains, rel=1e-6, abs=1e-9)


def test_a_spike_that_a_search_misses_is_not_proved_away():
    """A payoff with a peak of width 1e-4 between the tried alternatives."""
    game = make(
        "a b",
        [("a", "x", 0, 1), ("b", "y", 0, 1)],
        {"a": "-(x - y)**2 / 10 + exp(-((x - s) / w)**2)", "b": "-(y - 0.2)**2"},
        s=0.7123456,
        w=1e-5,
    )
    form = build(game)
    certificate = certify(form, profile_of(form, np.array([0.2, 0.2]), "misled"))
    assert certificate.holds  # the search sees nothing
    assert certificate.kind == "search"  # and it is not called a proof


def test_games_with_stages_are_searched_not_proved():
    (equilibrium,) = solve(load("stackelberg_1934")).equilibria
    assert equilibrium.certificate.kind == "search"


def test_a_wrong_profile_is_not_proved():
    form = build(COURNOT)
    certificate = certify(form, profile_of(form, np.array([30.0, 45.0]), "wrong"))
    assert not certificate.holds


def test_a_gain_is_found_and_flatness_is_seen():
    form = build(COURNOT)
    gain, flat = best_gain(form, np.array([30.0, 30.0]))
    assert gain < 1e-12
    assert not flat
    assert best_gain(form, np.array([20.0, 30.0]))[0] > 0.01


def test_it_yields_in_the_order_of_actions():
    found = [profile.play.values for profile in first_order(build(COORDINATION))]
    assert found[0][0] < found[1][0]
