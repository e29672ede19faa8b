"""The staged method against closed forms: small games whose equilibria are known by hand.

Each game is solved by ``solve``, so every answer here was certified by the judge too; what is
tested is that it is the right one, that none is missed where several are known, and that what
was not found is not called absent. Games are written once with parameters: compiling one takes
a second.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from highfence import Action, Chance, Decision, Game, Interval
from highfence.forms.build import build
from highfence.methods.staged import Solver, staged
from highfence.solution import Solution, Status
from highfence.solve import solve as solve_by
from small_games import make

UNIT = Interval(0, 1)

solve = partial(solve_by, method="staged")


def answers(solution: Solution) -> list[dict[str, Any]]:
    """Return decision -> value (or probabilities) of every equilibrium."""
    return [
        {name: value for own in e.strategies.values() for name, value in own.items()}
        for e in solution.equilibria
    ]


def only(game: Game, **values: float) -> dict[str, Any]:
    """Return the decisions of the only equilibrium."""
    solution = solve(game, **values)
    assert solution.status is Status.SOLVED, solution.reason
    assert solution.rejected == 0
    (found,) = answers(solution)
    return found


def share(found: dict[str, Any], decision: str, action: str) -> float:
    return float(found[decision][action])


# ---------------------------------------------------------------------------------------------
# Outputs and prices

COURNOT = make(
    "one two",
    [[Decision("one", "q1", Interval(0, "high")), Decision("two", "q2", Interval(0, "high"))]],
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


def cournot(a: float, c1: float, c2: float) -> tuple[float, float]:
    """Return the outputs, with the dearer firm out where it would sell a negative amount."""
    q1, q2 = (a - 2 * c1 + c2) / 3, (a - 2 * c2 + c1) / 3
    if q2 <= 0:
        return (max(a - c1, 0) / 2, 0.0)
    return (0.0, max(a - c2, 0) / 2) if q1 <= 0 else (q1, q2)


@given(c1=st.integers(0, 60), c2=st.integers(0, 120))
@example(c1=10, c2=55)  # the dearer firm is just at the edge
@example(c1=10, c2=56)
@settings(max_examples=20)
def test_outputs_of_two_firms(c1, c2):
    found = only(COURNOT, c1=c1, c2=c2)
    assert (found["q1"], found["q2"]) == pytest.approx(cournot(100, c1, c2), abs=1e-7)


@pytest.mark.parametrize("money", [1e-6, 1e6])
@pytest.mark.parametrize("unit", [1e-5, 1, 1e4])
def test_units_of_money_and_of_actions_change_nothing(money, unit):
    """Intervals from 1e-3 to 1e6 wide, payoffs from 1e-6 to 1e9."""
    found = only(COURNOT, c1=10, c2=30, money=money, unit=unit, high=100 * unit)
    expected = [unit * q for q in cournot(100, 10, 30)]
    assert (found["q1"], found["q2"]) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("high", [40, 1e3, 1e6])
def test_a_wide_interval_with_the_answer_near_its_end_is_searched(high):
    found = only(COURNOT, high=high)
    assert (found["q1"], found["q2"]) == pytest.approx((30, 30), rel=1e-6)


def test_an_upper_bound_binds():
    found = only(COURNOT, high=20)
    assert (found["q1"], found["q2"]) == (20, 20)


def test_the_order_of_players_and_decisions_is_no_matter():
    turned = make(
        "two one",
        [[Decision("two", "q2", Interval(0, 100)), Decision("one", "q1", Interval(0, 100))]],
        {"one": "q1 * (100 - q1 - q2 - 10)", "two": "q2 * (100 - q1 - q2 - 30)"},
    )
    found = only(turned)
    assert (found["q1"], found["q2"]) == pytest.approx(cournot(100, 10, 30), abs=1e-7)


STACKELBERG = make(
    "leader follower",
    [[Decision("leader", "q1", Interval(0, 100))], [Decision("follower", "q2", Interval(0, 100))]],
    {"leader": "q1 * (a - q1 - q2 - c1)", "follower": "q2 * (a - q1 - q2 - c2)"},
    a=100,
    c1=10,
    c2=10,
)


@pytest.mark.parametrize(("c1", "c2"), [(10, 10), (10, 20), (30, 10), (5, 30)])
def test_a_leader_anticipates_its_follower(c1, c2):
    found = only(STACKELBERG, c1=c1, c2=c2)
    expected = ((100 - 2 * c1 + c2) / 2, (100 + 2 * c1 - 3 * c2) / 4)
    assert (found["q1"], found["q2"]) == pytest.approx(expected, abs=1e-6)


def test_a_leader_stops_at_the_kink_where_its_follower_leaves():
    """With c2 = 45 the leader's best is the least output that keeps the follower out: a - c2."""
    found = only(STACKELBERG, c1=10, c2=45)
    assert found["q1"] == pytest.approx(55, abs=1e-5)
    assert found["q2"] == pytest.approx(0, abs=1e-5)


BERTRAND = make(
    "one two",
    [[Decision("one", "p1", Interval(0, 10)), Decision("two", "p2", Interval(0, 10))]],
    {"one": "(p1 - c) * max(1 - p1 + b * p2, 0)", "two": "(p2 - c) * max(1 - p2 + b * p1, 0)"},
    b=0.5,
    c=0.2,
)


@pytest.mark.parametrize("b", [0, 0.5, 0.9])
def test_prices_of_differentiated_goods(b):
    found = only(BERTRAND, b=b)
    expected = (1 + 0.2) / (2 - b)
    assert (found["p1"], found["p2"]) == pytest.approx((expected, expected), abs=1e-7)


def test_prices_of_complements_have_the_equilibrium_without_sales_too():
    """At a price of 10 of one good nobody buys the other, whatever it costs."""
    inner, none = answers(solve(BERTRAND, b=-0.4))
    assert (inner["p1"], inner["p2"]) == pytest.approx((0.5, 0.5), abs=1e-7)
    assert (none["p1"], none["p2"]) == (10, 10)


# ---------------------------------------------------------------------------------------------
# Linear replies, with corners: all equilibria are known by enumeration

REPLIES = make(
    "one two",
    [[Decision("one", "x", UNIT), Decision("two", "y", UNIT)]],
    {"one": "-(x - (b1 + a1 * y)) ** 2", "two": "-(y - (b2 + a2 * x)) ** 2"},
    a1=0,
    a2=0,
    b1=0,
    b2=0,
)
KINKS = make(
    "one two",
    [[Decision("one", "x", UNIT), Decision("two", "y", UNIT)]],
    {"one": "-abs(x - (b1 + a1 * y))", "two": "-max(y - (b2 + a2 * x), 3 * (b2 + a2 * x - y))"},
    a1=0,
    a2=0,
    b1=0,
    b2=0,
)


def crossings(a1: float, a2: float, b1: float, b2: float) -> list[tuple[float, float]]:
    """Return all points where x = clip(b1 + a1 y) and y = clip(b2 + a2 x), in order."""
    found: list[tuple[float, float]] = []
    for at_x, at_y in product((0, 1, None), repeat=2):
        if at_x is not None and at_y is not None:
            x, y = float(at_x), float(at_y)
        elif at_x is not None:
            x, y = float(at_x), b2 + a2 * at_x
        elif at_y is not None:
            x, y = b1 + a1 * at_y, float(at_y)
        else:
            x = (b1 + a1 * b2) / (1 - a1 * a2)
            y = b2 + a2 * x
        holds = abs(x - np.clip(b1 + a1 * y, 0, 1)) < 1e-12
        holds &= abs(y - np.clip(b2 + a2 * x, 0, 1)) < 1e-12
        if holds and all(max(abs(x - p), abs(y - q)) > 1e-9 for p, q in found):
            found.append((x, y))
    return sorted(found)


SLOPES = st.integers(-15, 15).map(lambda n: n / 10)
LEVELS = st.integers(-5, 15).map(lambda n: n / 10)


@given(SLOPES, SLOPES, LEVELS, LEVELS)
@example(0.5, 0.5, 0.25, 0.25)
@example(-1.5, -1.5, 1.2, 1.2)  # two corners and one between
@example(0.9, -1.2, 0.0, 1.3)
@settings(max_examples=25)
@pytest.mark.parametrize("game", [REPLIES, KINKS], ids=["smooth", "kinked"])
def test_linear_replies_cross_where_algebra_says(game, a1, a2, b1, b2):
    assume(abs(abs(a1 * a2) - 1) > 1e-9)
    known = crossings(a1, a2, b1, b2)
    solution = solve(game, a1=a1, a2=a2, b1=b1, b2=b2)
    found = sorted((a["x"], a["y"]) for a in answers(solution))
    assert found
    for point in found:
        assert min(max(abs(point[0] - p), abs(point[1] - q)) for p, q in known) < 2e-7
    assert len(found) <= len(known)


CLIFF = make(
    "one two",
    [[Decision("one", "p", UNIT), Decision("two", "y", UNIT)]],
    {"one": "where(p <= edge, p * (1 - p), drop * p * (1 - p))", "two": "-(y - p) ** 2"},
    edge=0.3,
    drop=0.2,
)


@pytest.mark.parametrize(
    ("edge", "drop", "expected"),
    [(0.3, 0.2, 0.3), (0.1, 0.2, 0.1), (0.1, 0.9, 0.5), (0.123456, 0.4, 0.123456), (0.7, 0, 0.5)],
)
def test_a_best_action_at_the_edge_of_a_cliff_is_met(edge, drop, expected):
    """A scan may step over the edge and take the hump behind it; the judge turns that down."""
    (found,) = answers(solve(CLIFF, edge=edge, drop=drop))
    assert found["p"] == pytest.approx(expected, abs=1e-8)
    assert found["y"] == pytest.approx(found["p"], abs=1e-8)


PEAKS = make(
    "one two",
    [[Decision("one", "x", UNIT)], [Decision("two", "y", UNIT)]],
    {
        "one": "max(1 - 40 * (x - 0.2) ** 2, height - 40 * (x - 0.8) ** 2) + 0 * y",
        "two": "-(y - x) ** 2",
    },
    height=1,
)


@pytest.mark.parametrize(("height", "best"), [(1.004, [0.8]), (0.996, [0.2]), (1, [0.2, 0.8])])
def test_of_two_peaks_the_higher_is_proposed_and_both_where_they_are_equal(height, best):
    solution = solve(PEAKS, height=height)
    assert [a["x"] for a in answers(solution)] == pytest.approx(best, abs=1e-7)
    assert solution.rejected == 0


LIMIT = make(
    "incumbent entrant",
    [
        [Decision("incumbent", "q1", UNIT)],
        [Decision("entrant", "entry", ["stay_out", "enter"])],
        [Decision("entrant", "q2", Interval(0, "where(entry == 'enter', 1, 0)"))],
    ],
    {
        "incumbent": "q1 * (1 - q1 - q2)",
        "entrant": "where(entry == 'enter', q2 * (1 - q1 - q2) - F, 0)",
    },
    F=0.02,
)


@pytest.mark.parametrize("F", [0.01, 0.02, 0.04])
def test_an_incumbent_deters_entry_with_just_enough(F):
    """Entry pays iff (1 - q1)^2 / 4 > F, so q1 = 1 - 2 sqrt(F), if that beats sharing (1/8)."""
    found = only(LIMIT, F=F)
    assert share(found, "entry", "stay_out") == 1
    assert found["q1"] == pytest.approx(1 - 2 * F**0.5, abs=1e-6)
    assert 1 - 2 * F**0.5 > 0.5


def test_an_incumbent_shares_where_deterrence_costs_more_and_ignores_an_entrant_who_stays():
    found = only(LIMIT, F=0.002)
    assert share(found, "entry", "enter") == 1
    assert (found["q1"], found["q2"]) == pytest.approx((0.5, 0.25), abs=1e-6)
    blockaded = only(LIMIT, F=0.07)
    assert share(blockaded, "entry", "stay_out") == 1
    assert blockaded["q1"] == pytest.approx(0.5, abs=1e-7)


ALONE = make(
    "one two",
    [
        [
            Decision("one", "x", UNIT),
            Decision("one", "y", UNIT),
            Decision("two", "z", UNIT),
        ]
    ],
    {
        "one": "ridge * x * y - (1 - ridge) * ((x - y) ** 2 + (x + y - z) ** 2)",
        "two": "-(z - a) ** 2",
    },
    ridge=1,
    a=0.6,
)


def test_a_player_with_two_intervals_moves_both_at_once():
    """With payoff x y no change of x alone, or of y alone, leaves (0, 0)."""
    for found in answers(solve(ALONE, ridge=1)):
        assert (found["x"], found["y"]) == (1, 1)
    found = only(ALONE, ridge=0)
    assert (found["x"], found["y"], found["z"]) == pytest.approx((0.3, 0.3, 0.6), abs=1e-7)


def test_a_peak_with_an_infinite_slope_beside_it_is_met():
    game = make(
        "one two",
        [[Decision("one", "x", UNIT)], [Decision("two", "y", UNIT)]],
        {
            "one": "where(x > edge, sqrt(max(x - edge, 0)) * (1 - x), -y)",
            "two": "-(y - x) ** 2",
        },
        edge=0.5,
    )
    found = only(game)
    assert (found["x"], found["y"]) == pytest.approx((2 / 3, 2 / 3), abs=1e-6)


# ---------------------------------------------------------------------------------------------
# Several equilibria behind a decision

BEHIND = make(
    "leader one two",
    [
        [Decision("leader", "x", UNIT)],
        [Decision("one", "y", UNIT), Decision("two", "z", UNIT)],
    ],
    {
        "leader": "-(x - (0.2 + 0.5 * (y + z) / 2)) ** 2 + y",
        "one": "-(y - where(steep > 0, 1.5 * z - 0.25, z ** 2 * (3 - 2 * z))) ** 2",
        "two": "-(z - where(steep > 0, 1.5 * y - 0.25, y ** 2 * (3 - 2 * y))) ** 2",
    },
    steep=0,
)


def see_both_rules(solution: Solution) -> None:
    assert solution.status is Status.SOLVED
    found = sorted((a["x"], a["y"], a["z"]) for a in answers(solution))
    assert found[0] == pytest.approx((0.2, 0, 0), abs=1e-6)
    assert found[-1] == pytest.approx((0.7, 1, 1), abs=1e-6)
    assert solution.bounds()["leader"] == pytest.approx((0, 1), abs=1e-6)
    assert any("rule" in note for note in solution.notes)
    for equilibrium in solution.equilibria:
        assert equilibrium.certificate.refinement == "subgame perfect"


def test_where_a_last_stage_has_several_equilibria_the_bounds_show_it():
    """Both reply by z^2 (3 - 2 z): all at 0, all at 0.5, all at 1. Newton leads to each."""
    see_both_rules(solve(BEHIND, steep=0))


def test_an_equilibrium_that_a_rule_singled_out_names_it():
    solution = solve(BEHIND, steep=0)
    rules = {equilibrium.notes for equilibrium in solution.equilibria}
    assert len(rules) == len(solution.equilibria) > 1
    assert all("several equilibria" in note for (note,) in rules)


def test_equilibria_at_the_corners_of_a_last_stage_are_in_the_bounds():
    """Both reply by 1.5 z - 0.25: all at 0, all at 0.5, all at 1."""
    see_both_rules(solve(BEHIND, steep=1))


CAPACITY = make(
    "one two",
    [[Decision("one", "q1", Interval(0, 100)), Decision("two", "q2", Interval(0, 100))]],
    {
        "one": "q1 * (a - q1 - q2 - 10) - 30 * max(k, q1)",
        "two": "q2 * (a - q1 - q2 - 40)",
    },
    a=100,
    k=40,
)


@pytest.mark.parametrize("apart", [10.0**-n for n in range(9)])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_outputs_next_to_a_kink_are_as_exact_as_elsewhere(side, apart):
    """Beyond its capacity k, the first firm pays 30 more: it sells min(k, 40)."""
    k = 40 + side * apart
    found = only(CAPACITY, k=k)
    assert found["q1"] == pytest.approx(min(k, 40), abs=1e-9)
    assert found["q2"] == pytest.approx((60 - min(k, 40)) / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("payoff", "quadratic"),
    [
        ("q1 * (a - q1 - q2)", True),
        ("(a - q1) ** 2 / a - exp(q2) * q1", True),
        ("where(q2 > 0.5, q1, 2 * q1 ** 2)", True),
        ("a * max(q2, 0.5)", True),
        ("q1 * max(a - q1 - q2, 0)", False),
        ("q1 ** 3 - q1", False),
        ("q1 * (a - q1) * (a - q1 - q2)", False),
        ("a / (1 + q1)", False),
        ("where(q1 > 0.5, q1, 2 * q1 ** 2)", False),
        ("a ** q1", False),
        ("-abs(q1 - q2)", False),
    ],
)
def test_only_quadratics_are_taken_for_quadratics(payoff, quadratic):
    """Three points say all of a quadratic, and nothing of anything else."""
    game = make(
        "one two",
        [[Decision("one", "q1", UNIT), Decision("two", "q2", UNIT)]],
        {"one": payoff, "two": "q2 * (a - q1 - q2)"},
        a=2,
    )
    assert list(Solver(build(game))._plain) == [quadratic, True]


@pytest.mark.parametrize(("a", "b"), [(1.5, -0.25), (-1.5, 1.2)])
def test_a_single_stage_yields_its_corner_equilibria_too(a, b):
    found = sorted((p["x"], p["y"]) for p in answers(solve(REPLIES, a1=a, a2=a, b1=b, b2=b)))
    assert found == [pytest.approx(point, abs=1e-7) for point in crossings(a, a, b, b)]


# ---------------------------------------------------------------------------------------------
# Finite decisions beside intervals

SIDES = {"left": {"at": 0}, "right": {"at": 1}}
COIN = {"head": {"at": 0}, "tail": {"at": 1}}
MEETING = make(
    "one two three",
    [
        [
            Decision("one", "go_1", SIDES),
            Decision("two", "go_2", SIDES),
            Decision("three", "x", UNIT),
        ]
    ],
    {
        "one": "where(go_1.at != go_2.at, 0, where(go_1 == 'left', 2 + x, 1))",
        "two": "where(go_1.at != go_2.at, 0, where(go_1 == 'left', 2 + x, 1))",
        "three": "-(x - where(go_1 == 'left' and go_2 == 'left', 1, 0)) ** 2",
    },
    derived={"met": "where(go_1.at == go_2.at, 1, 0)"},
)


def root(function: Any, low: float, high: float) -> float:
    """Return the zero of an increasing function."""
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return low


def test_coordination_beside_an_interval_has_two_pure_equilibria_and_a_mixed_one():
    """Mixed: left with p each, x = p^2, and p (2 + x) = 1 - p."""
    solution = solve(MEETING)
    p = root(lambda p: p * (2 + p * p) - (1 - p), 0, 1)
    found = {round(share(a, "go_1", "left"), 9): a for a in answers(solution)}
    assert sorted(found) == [0, pytest.approx(p, abs=1e-7), 1]
    for q, a in found.items():
        assert share(a, "go_2", "left") == pytest.approx(q, abs=1e-7)
        assert a["x"] == pytest.approx(q**2, abs=1e-7)
    low, high = solution.bounds()["met"]
    assert (low, high) == pytest.approx((p * p + (1 - p) ** 2, 1), abs=1e-7)


PENNIES = make(
    "one two three",
    [
        [
            Decision("one", "go_1", COIN),
            Decision("two", "go_2", COIN),
            Decision("three", "x", UNIT),
        ]
    ],
    {
        "one": "money * where(go_1.at != go_2.at, 0, where(go_1 == 'head', 1 + x, 1))",
        "two": "-money * where(go_1.at != go_2.at, 0, where(go_1 == 'head', 1 + x, 1))",
        "three": "-(x - where(go_1 == 'head' and go_2 == 'head', 1, 0)) ** 2",
    },
    money=1,
)


@pytest.mark.parametrize("money", [1e-6, 1, 1e6])
def test_two_players_mix_beside_the_interval_of_a_third(money):
    """Heads with p = 1 / (2 + x) each, and x = p^2: x (2 + x)^2 = 1."""
    found = only(PENNIES, money=money)
    x = root(lambda x: x * (2 + x) ** 2 - 1, 0, 1)
    assert found["x"] == pytest.approx(x, abs=1e-7)
    for decision in ("go_1", "go_2"):
        assert share(found, decision, "head") == pytest.approx(1 / (2 + x), abs=1e-7)


INTO = [Action("stay"), Action("enter")]
DETERRED = {
    "vendor": "money * where(entry == 'enter', a - s, 0)",
    "state": "-money * (s - where(entry == 'enter', b, 0)) ** 2",
}
GAP = make(
    "vendor state",
    [[Decision("vendor", "entry", INTO), Decision("state", "s", Interval(0, "width"))]],
    DETERRED,
    a=0.4,
    b=0.6,
    width=1,
    money=1,
)
GAP_BEFORE = make(
    "vendor state firm",
    [
        [Decision("vendor", "entry", INTO), Decision("state", "s", Interval(0, "width"))],
        [Decision("firm", "x", UNIT)],
    ],
    {
        "vendor": "money * where(entry == 'enter', a - s + x - s / 2, 0)",
        "state": DETERRED["state"],
        "firm": "-(x - s / 2) ** 2",
    },
    a=0.4,
    b=0.6,
    width=1,
    money=1,
)


@pytest.mark.parametrize("game", [GAP, GAP_BEFORE], ids=["last", "earlier"])
@pytest.mark.parametrize("money", [1e-6, 1, 1e6])
def test_a_vendor_that_enters_where_it_is_not_expected_mixes(game, money):
    """The state's best is s = b P(enter), and the vendor is indifferent at s = a: P = a / b."""
    for a, b in ((0.4, 0.6), (0.05, 0.9), (0.31, 0.32)):
        found = only(game, a=a, b=b, money=money)
        assert found["s"] == pytest.approx(a, abs=1e-7)
        assert share(found, "entry", "enter") == pytest.approx(a / b, abs=1e-6)


@pytest.mark.parametrize("game", [GAP, GAP_BEFORE], ids=["last", "earlier"])
def test_a_vendor_that_nothing_deters_enters_for_sure(game):
    found = only(game, a=0.7, b=0.6)
    assert share(found, "entry", "enter") == 1
    assert found["s"] == pytest.approx(0.6, abs=1e-8)
    stays = only(game, a=-0.1, b=0.6)
    assert share(stays, "entry", "stay") == 1
    assert stays["s"] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("width", [1e-3, 1e6])
def test_mixing_does_not_depend_on_the_width_of_the_interval(width):
    found = only(GAP, a=0.4 * width, b=0.6 * width, width=width)
    assert found["s"] == pytest.approx(0.4 * width, rel=1e-6)
    assert share(found, "entry", "enter") == pytest.approx(2 / 3, abs=1e-6)


def test_a_branch_behind_a_mixed_move_is_played_on_both_sides():
    game = make(
        "vendor state firm",
        [
            [Decision("vendor", "entry", INTO), Decision("state", "s", UNIT)],
            [Decision("firm", "x", UNIT)],
        ],
        DETERRED | {"firm": "-(x - where(entry == 'enter', s, 1 - s)) ** 2"},
        derived={"effort": "x"},
        a=0.4,
        b=0.6,
        money=1,
    )
    (equilibrium,) = solve(game).equilibria
    own = equilibrium.strategies["firm"]
    assert len(own) == 2
    values = {name.split("=")[1]: value for name, value in own.items()}
    assert values == pytest.approx({"enter": 0.4, "stay": 0.6}, abs=1e-6)
    expected = 2 / 3 * 0.4 + 1 / 3 * 0.6
    assert equilibrium.outcomes["effort"] == pytest.approx(expected, abs=1e-6)


TECHNOLOGY = make(
    "one two",
    [
        [
            Decision("one", "kind", {"old": {"cost": 0.4}, "new": {"cost": 0.1}}),
            Decision("one", "q1", UNIT),
            Decision("two", "q2", UNIT),
        ]
    ],
    {
        "one": "q1 * (1 - q1 - q2 - kind.cost) - fee * (kind == 'new')",
        "two": "q2 * (1 - q1 - q2 - c2)",
    },
    fee=0.05,
    c2=0.2,
)


@pytest.mark.parametrize(
    ("fee", "kinds"), [(0.0, {"new"}), (0.05, {"new"}), (0.2, {"old"}), (0.102, {"old", "new"})]
)
def test_a_player_chooses_a_finite_action_and_an_interval_action_together(fee, kinds):
    """Pure equilibria, found by trying each kind with the best output of the other kind."""
    expected = set()
    for kind, other in (("old", "new"), ("new", "old")):
        cost = {"old": 0.4, "new": 0.1}
        q1, q2 = cournot(1, cost[kind], 0.2)
        paid = {"old": 0.0, "new": fee}
        stay = q1 * (1 - q1 - q2 - cost[kind]) - paid[kind]
        switch = max((1 - q2 - cost[other]) / 2, 0) ** 2 - paid[other]
        if stay >= switch:
            expected.add((kind, round(q1, 6)))
    solution = solve(TECHNOLOGY, fee=fee)
    assert solution.rejected == 0
    found = {(max(a["kind"], key=a["kind"].get), round(a["q1"], 6)) for a in answers(solution)}
    assert found == expected
    assert {kind for kind, _ in found} <= kinds


# ---------------------------------------------------------------------------------------------
# More stages

CHAIN = make(
    "one two three",
    [
        [Decision("one", "q1", UNIT)],
        [Decision("two", "q2", UNIT)],
        [Decision("three", "q3", UNIT)],
    ],
    {
        "one": "q1 * (1 - q1 - q2 - q3)",
        "two": "q2 * (1 - q1 - q2 - q3 - c)",
        "three": "q3 * (1 - q1 - q2 - q3)",
    },
    c=0,
)


@pytest.mark.parametrize("c", [0, 0.05])
def test_three_firms_in_a_row(c):
    """The last sells half of what is left; the second, facing half its cost, looks ahead; so on."""
    found = only(CHAIN, c=c)
    q1 = 0.5 * (1 + 2 * c)
    q2 = 0.5 * (1 - q1 - 2 * c)
    assert (found["q1"], found["q2"]) == pytest.approx((q1, q2), abs=1e-5)
    assert found["q3"] == pytest.approx(0.5 * (1 - q1 - q2), abs=1e-5)


THREE = make(
    "government home foreign",
    [
        [Decision("government", "v", Interval(-20, 20))],
        [Decision("home", "x1", Interval(0, 40)), Decision("foreign", "x2", Interval(0, 40))],
        [Decision("home", "q1", Interval(0, 120)), Decision("foreign", "q2", Interval(0, 120))],
    ],
    {
        "government": "profit_1 - v * x1",
        "home": "profit_1",
        "foreign": "q2 * (a - q1 - q2 - (c - x2)) - g * x2 ** 2 / 2",
    },
    derived={"profit_1": "q1 * (a - q1 - q2 - (c - x1)) - g * x1 ** 2 / 2 + v * x1"},
    a=100,
    c=10,
    g=4,
)


@pytest.mark.parametrize("g", [4, 6])
def test_research_rivalry_in_three_stages(g):
    """Spencer and Brander (1983) with a quadratic research cost: the subsidy alone."""
    a_c = 90
    v = 8 * g * a_c * (3 * g - 4) / (3 * (81 * g**3 - 216 * g**2 + 160 * g - 32))
    found = only(THREE, g=g)
    assert found["v"] == pytest.approx(v, abs=1e-6)  # of an interval of 40
    assert g != 4 or v == pytest.approx(240 / 73, abs=1e-9)
    # Research solves g x_i = (4/3) q_i + v_i, with outputs of the cost differences.
    m = np.array([[g - 8 / 9, 4 / 9], [4 / 9, g - 8 / 9]])
    x1, x2 = np.linalg.solve(m, [4 / 9 * a_c + v, 4 / 9 * a_c])
    assert (found["x1"], found["x2"]) == pytest.approx((x1, x2), abs=1e-6)
    q1, q2 = cournot(100, 10 - x1, 10 - x2)
    assert (found["q1"], found["q2"]) == pytest.approx((q1, q2), abs=1e-6)


@pytest.mark.parametrize("game", [THREE, CHAIN], ids=["pairs", "chain"])
def test_histories_solved_side_by_side_are_answered_as_each_alone(game):
    form = build(game)
    (profile,) = staged(form)
    (first,) = form.blocks[0].intervals
    low, high = (float(bound.read(form.root)[0]) for bound in (first.low, first.high))
    values = np.concatenate([np.linspace(low, high, 23), [0.3 * low + 0.7 * high] * 3])
    rows = form.placed(0, np.repeat(form.root, len(values), axis=0), (), values[:, None])

    together = profile.prescribe(1, rows)
    assert together.known.all()
    for n in range(len(rows)):
        alone = profile.prescribe(1, rows[n : n + 1])
        assert together.values[n] == pytest.approx(alone.values[0], abs=1e-8)


@pytest.mark.parametrize("actions", [["no", "yes"], ["yes", "no"]], ids="-".join)
def test_a_finite_choice_between_interval_stages_is_decided_by_what_follows(actions):
    """The state bans iff its own gain b exceeds the loss of the later research."""
    game = make(
        "state firm",
        [
            [Decision("firm", "x", UNIT)],
            [Decision("state", "ban", actions)],
            [Decision("firm", "y", UNIT)],
        ],
        {
            "state": "where(ban == 'yes', b * x, y)",
            "firm": "-(x - 0.7) ** 2 - (y - where(ban == 'yes', 0, x)) ** 2 - (ban == 'yes')",
        },
        b=0.5,
    )
    found = only(game, b=0.5)
    assert share(found, "ban", "no") == 1
    assert (found["x"], found["y"]) == pytest.approx((0.7, 0.7), abs=1e-7)
    # Any x above 0 is banned, which costs 1: at x = 0 the state is indifferent, and a firm
    # that may hope for mercy there loses 0.49; one that may not does as it likes. Solved twice,
    # because the second time subgames are remembered.
    for _ in range(2):
        mercy, banned = answers(solve(game, b=1.5))
        assert share(mercy, "ban", "no") == 1
        assert mercy["x"] == pytest.approx(0, abs=1e-6)
        assert share(banned, "ban", "yes") == 1
        assert (banned["x"], banned["y"]) == pytest.approx((0.7, 0), abs=1e-7)


COLORS = ["red", "blue"]


def colors(solution: Solution) -> dict[str, float]:
    return {max(a["color"], key=a["color"].get): a["x"] for a in answers(solution)}


def test_a_tie_before_an_interval_yields_both_answers():
    game = make(
        "firm state",
        [[Decision("state", "color", COLORS)], [Decision("firm", "x", UNIT)]],
        {"firm": "-(x - where(color == 'red', 0.3, 0.6)) ** 2", "state": "0 * x"},
    )
    found = colors(solve(game))
    assert found == pytest.approx({"red": 0.3, "blue": 0.6}, abs=1e-7)


TIE_BEHIND = make(
    "firm state",
    [[Decision("firm", "x", UNIT)], [Decision("state", "color", COLORS)]],
    {"firm": "-(x - 0.3) ** 2 + where(color == 'red', 1, 0)", "state": "0 * x"},
)


def test_a_tie_behind_an_interval_is_told():
    solution = solve(TIE_BEHIND)
    assert all(x == pytest.approx(0.3, abs=1e-7) for x in colors(solution).values())
    assert any("several actions are best" in note for note in solution.notes)


def test_a_tie_behind_an_interval_yields_both_answers():
    solution = solve(TIE_BEHIND)
    assert set(colors(solution)) == {"red", "blue"}
    assert solution.bounds()["firm"] == pytest.approx((0, 1), abs=1e-9)


def test_play_after_a_public_draw_is_best_for_each_outcome_and_before_it_on_average():
    game = make(
        "one two",
        [
            [Decision("one", "x", UNIT)],
            [Chance("weather", {"good": "p", "bad": "1 - p"})],
            [Decision("two", "y", UNIT)],
        ],
        {
            "one": "-(x - y) ** 2",
            "two": "-(y - where(weather == 'good', 0.8, 0.2)) ** 2",
        },
        p=0.25,
    )
    (equilibrium,) = solve(game).equilibria
    assert equilibrium.strategies["one"]["x"] == pytest.approx(0.35, abs=1e-7)
    values = sorted(equilibrium.strategies["two"].values())
    assert values == pytest.approx([0.2, 0.8], abs=1e-7)
    expected = 0.25 * 0.45**2 + 0.75 * 0.15**2
    assert equilibrium.payoffs["one"] == pytest.approx(-expected, abs=1e-9)


# ---------------------------------------------------------------------------------------------
# Where nothing is found

HIDES = "(x - 0.5) ** 2 - (x - 0.5) * (y - 0.5)"
SEEKS = "(y - 0.5) ** 2 + (x - 0.5) * (y - 0.5)"
CHASE = make(
    "hider seeker",
    [[Decision("hider", "x", UNIT), Decision("seeker", "y", UNIT)]],
    {"hider": HIDES, "seeker": SEEKS},
)


def test_a_game_without_a_pure_equilibrium_is_not_answered_and_nothing_is_proved():
    """Both run to an end, the seeker to the hider's, the hider to the other: only mixtures of
    both hold, and none of two decisions over an interval are searched."""
    solution = solve(CHASE)
    assert solution.status is Status.NONE_FOUND
    assert not solution.equilibria
    assert "there is none" not in solution.reason
    assert any("not proved to be all" in note for note in solution.notes)


def test_a_game_whose_last_stage_has_no_pure_equilibrium_is_not_answered():
    game = make(
        "leader hider seeker",
        [
            [Decision("leader", "a", UNIT)],
            [Decision("hider", "x", UNIT), Decision("seeker", "y", UNIT)],
        ],
        {"leader": "-(a - x) ** 2", "hider": HIDES, "seeker": SEEKS},
    )
    solution = solve(game)
    assert solution.status is Status.NONE_FOUND
    assert "there is none" not in solution.reason


def test_subgames_without_an_answer_are_kept_off_and_perfection_is_not_claimed():
    """Above 0.4 both followers would have to mix, and what the leader is paid there is not known:
    the leader's best among known ones is 0.4."""
    game = make(
        "leader hider seeker",
        [
            [Decision("leader", "a", UNIT)],
            [Decision("hider", "x", UNIT), Decision("seeker", "y", UNIT)],
        ],
        {
            "leader": "a - 2 + x / 10",
            "hider": f"where(a > 0.4, {HIDES}, -(x - 0.3) ** 2)",
            "seeker": f"where(a > 0.4, {SEEKS}, -(x - y) ** 2)",
        },
    )
    solution = solve(game)
    (equilibrium,) = solution.equilibria
    assert equilibrium.strategies["leader"]["a"] == pytest.approx(0.4, abs=1e-6)
    assert equilibrium.payoffs["leader"] == pytest.approx(-1.57, abs=1e-6)
    assert equilibrium.certificate.refinement is None
    assert any("no equilibrium that was found" in note for note in solution.notes)


def test_a_limit_stops_the_search_and_is_told():
    solution = solve(MEETING, limit=1)
    assert len(solution.equilibria) == 1
    assert solution.status is Status.PARTIAL
    profiles = list(staged(build(MEETING), limit=2))
    assert len(profiles) == 2


def test_solving_twice_gives_the_same_to_the_last_bit():
    for game in (GAP_BEFORE, MEETING, CHAIN):
        assert answers(solve(game)) == answers(solve(game))
