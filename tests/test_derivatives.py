"""Local derivatives: closed forms are met, and kinks, cliffs and edges are called what they are.

The games are solved by hand beside their definitions; the derivatives follow.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from highfence import Decision, Game, Parameter, Regime, Stage, solve
from highfence.errors import RequestError, SpecError
from highfence.study.derivatives import DIFFERENCES, IMPLICIT, Response, derivatives
from study_games import battle, duopoly

# Tsebelis's inspection game: violated with probability e/(e + c - a), inspected with d/(b + d)
# (Avenhaus and Canty 1996). "strict": the penalty is three times as high.
INSPECTION = Game(
    name="inspection",
    players=["inspectee", "inspector"],
    parameters=[
        Parameter("d", 1, low=0.5, high=2),
        Parameter("b", 3, low=1, high=5),
        Parameter("c", 1, low=0.6, high=2),
        Parameter("a", 0.2, low=0.1, high=0.5),
        Parameter("e", 0.1),
    ],
    stages=[
        Stage(
            "now",
            Decision("inspectee", "act", ["comply", "violate"]),
            Decision("inspector", "look", ["rest", "inspect"]),
        )
    ],
    derived={"missed": "1 * (act == 'violate' and look == 'rest')"},
    payoffs={
        "inspectee": "d * missed - b * (act == 'violate' and look == 'inspect')",
        "inspector": "-c * missed - a * (act == 'violate' and look == 'inspect')"
        " - e * (act == 'comply' and look == 'inspect')",
    },
    outcomes=["missed"],
    regimes=[Regime("open"), Regime("strict", set={"b": 9})],
)
VIOLATES, INSPECTS = 0.1 / 0.9, 0.25

# Taxed, firm one is at a corner where due >= (a - c)/2.
DUOPOLY = duopoly(
    Parameter("a", 100, low=80, high=120),
    Parameter("c", 10, low=5, high=20),
    Parameter("tax", 6, low=0, high=60),
    Parameter("share", "1/2", low=0, high=1),
    derived={
        "active": "1 * (q_1 > 0.000001)",
        "step": "where(share < 0.503, 1, 3) + 0 * q_1",
        "root": "sqrt(share) + 0 * q_1",
        "bend": "max(share, 1 - share) + 0 * q_1",
        "curve": "share ** 2 + 0 * q_1",
    },
    outcomes=["price", "active", "step", "root", "bend", "curve"],
)


# ---------------------------------------------------------------------------------------------
# Implicit differentiation


def test_mixed_strategies_follow_the_indifference_of_the_other():
    found = derivatives(INSPECTION, ["act", "look"], "open", names=["d", "b", "c", "a", "e"])
    violates = found["act = violate under open"]
    inspects = found["look = inspect under open"]

    assert violates.how == inspects.how == IMPLICIT
    assert violates.value == pytest.approx(VIOLATES)
    expected = {  # of e/(e + c - a), and of d/(b + d)
        "d": (0, 3 / 16),
        "b": (0, -1 / 16),
        "c": (-0.1 / 0.81, 0),
        "a": (0.1 / 0.81, 0),
        "e": (0.8 / 0.81, 0),
    }
    for name, (one, other) in expected.items():
        assert violates[name].derivative == pytest.approx(one, abs=1e-9), name
        assert inspects[name].derivative == pytest.approx(other, abs=1e-9), name
        assert violates[name].response is Response.SMOOTH
        assert violates[name].error < 1e-6
        assert violates[name].left == violates[name].right == violates[name].derivative


def test_payoffs_outcomes_and_formulas_follow_by_the_chain_rule():
    found = derivatives(
        INSPECTION, ["inspector", "missed", "missed ** 2 / c"], "open", names=["c", "b"]
    )
    missed = VIOLATES * 0.75

    payoff = found["inspector under open"]
    assert payoff.value == pytest.approx(-VIOLATES * 1)  # resting costs c p
    assert payoff["c"].derivative == pytest.approx(-(VIOLATES - 0.1 / 0.81))
    outcome = found["missed under open"]
    assert outcome.value == pytest.approx(missed)
    assert outcome["b"].derivative == pytest.approx(VIOLATES / 16)
    assert outcome["c"].derivative == pytest.approx(-0.1 / 0.81 * 0.75)
    assert outcome["c"].elasticity == pytest.approx(-0.1 / 0.81 * 0.75 / missed)
    formula = found["missed ** 2 / c under open"]
    slope = 2 * missed * (-0.1 / 0.81 * 0.75) - missed**2
    assert formula["c"].derivative == pytest.approx(slope, rel=1e-5)


def test_regimes_are_compared_by_their_difference_and_their_margin():
    """With the penalty b the inspectee earns 0 always; the inspector -e c/(e + c - a) always."""
    found = derivatives(
        INSPECTION, ["strict.missed - open.missed", "strict.missed / open.missed"], names=["d"]
    )

    difference = found["strict.missed - open.missed"]
    assert difference.how == IMPLICIT
    assert difference.value == pytest.approx(VIOLATES * (0.9 - 0.75))
    slope = VIOLATES * (-(9 / 100) + 3 / 16)  # the chance to rest is b/(b + d)
    assert difference["d"].derivative == pytest.approx(slope)


def test_what_a_regime_sets_itself_stays_as_it_is():
    """Under "strict" the penalty is 9, whatever is asked about beside it."""
    found = derivatives(INSPECTION, ["strict.missed - open.missed", "missed"])

    assert found["strict.missed - open.missed"].value == pytest.approx(VIOLATES * 0.15)
    assert found["missed under strict"].value == pytest.approx(VIOLATES * 0.9)
    assert [s.parameter for s in found["missed under open"].slopes] == ["d", "c", "a"]
    assert "b" in [s.parameter for s in derivatives(INSPECTION, "missed", "open").targets[0].slopes]


def test_implicit_derivatives_are_those_of_the_game_solved_again():
    found = derivatives(INSPECTION, ["inspector", "missed"], "open", names=["c", "b"])

    for name, at in {"c": 1.0, "b": 3.0}.items():
        above, below = (
            solve(INSPECTION, regime="open", **{name: at + h}).equilibria[0] for h in (1e-4, -1e-4)
        )
        payoff = float(above.payoffs["inspector"]) - float(below.payoffs["inspector"])
        missed = float(above.outcomes["missed"]) - float(below.outcomes["missed"])
        assert found["inspector under open"][name].derivative == pytest.approx(payoff / 2e-4)
        assert found["missed under open"][name].derivative == pytest.approx(missed / 2e-4)


def test_a_pure_equilibrium_stays_where_it_is():
    game = Game(
        name="dilemma",
        players=["A", "B"],
        parameters=[Parameter("t", 3, low=2, high=4)],
        stages=[
            Stage(
                "go", Decision("A", "x", ["hold", "yield"]), Decision("B", "y", ["hold", "yield"])
            )
        ],
        derived={"both": "1 * (x == 'yield' and y == 'yield')"},
        payoffs={
            "A": "t * (x == 'yield') + 5 * (y == 'hold')",
            "B": "t * (y == 'yield') + 5 * (x == 'hold')",
        },
        regimes=[Regime("now")],
    )
    found = derivatives(game, ["A", "x", "both"])

    assert found["A under now"]["t"].derivative == pytest.approx(1)
    assert found["x = yield under now"]["t"].derivative == 0
    assert found["both under now"].says == "No parameter moves both under now here."


@pytest.mark.slow
def test_an_action_that_is_as_good_is_left_to_differences():
    """At stake 0 B is indifferent: A's payoff has a kink, or several equilibria."""
    game = Game(
        name="choice",
        players=["A"],
        parameters=[Parameter("stake", 0, low=-1, high=1)],
        stages=[Stage("go", Decision("A", "x", ["stay", "go"]))],
        payoffs={"A": "stake * (x == 'go')"},
        regimes=[Regime("now")],
    )
    slope = derivatives(game, "A").targets[0]["stake"]

    assert slope.response is Response.KINK
    assert (slope.left, slope.right) == pytest.approx((0, 1))
    assert slope.derivative == pytest.approx(0.5)
    assert math.isnan(slope.elasticity)
    assert "0 below and 1 above" in slope.note


def test_a_zero_sum_game_of_three_has_its_value():
    """Rock, paper, scissors where a win with rock pays w: the value is 0, and strategies move."""
    win = " + ".join(
        f"{stake} * (a == '{one}' and b == '{other}') - {stake} * (b == '{one}' and a == '{other}')"
        for one, other, stake in (("R", "S", "w"), ("P", "R", "1"), ("S", "P", "1"))
    )
    game = Game(
        name="rps",
        players=["A", "B"],
        parameters=[Parameter("w", 2, low=1, high=3)],
        stages=[
            Stage("go", Decision("A", "a", ["R", "P", "S"]), Decision("B", "b", ["R", "P", "S"]))
        ],
        payoffs={"A": win, "B": f"-({win})"},
        regimes=[Regime("now")],
    )
    found = derivatives(game, ["A", "a"])
    weights = np.array([1, 2, 1]) / 4  # (1, w, 1)/(2 + w)
    slopes = np.array([-1, 2, -1]) / 16

    for label, weight, slope in zip("RPS", weights, slopes, strict=True):
        one = found[f"a = {label} under now"]
        assert one.value == pytest.approx(weight)
        assert one["w"].derivative == pytest.approx(slope)
    assert found["A under now"]["w"].derivative == pytest.approx(0, abs=1e-9)


# ---------------------------------------------------------------------------------------------
# Differences


def test_a_staged_equilibrium_follows_its_closed_form():
    found = derivatives(DUOPOLY, ["q_1", "price", "G"], "taxed", names=["a", "c", "tax"])
    output = found["q_1 under taxed"]

    assert output.how == DIFFERENCES
    assert output.value == pytest.approx((90 - 12) / 3, rel=1e-4)
    for name, slope in {"a": 1 / 3, "c": -1 / 3, "tax": -2 / 3}.items():
        one = output[name]
        assert one.response is Response.SMOOTH
        assert one.derivative == pytest.approx(slope, rel=1e-3)
        assert abs(one.derivative - slope) <= max(10 * one.error, 1e-5)
        assert one.elasticity == pytest.approx(slope * one.at / 26, rel=1e-3)
        assert one.swing == pytest.approx(slope * {"a": 40, "c": 15, "tax": 60}[name], rel=1e-3)
    assert found["G under taxed"]["tax"].derivative == pytest.approx((90 - 24) / 3, rel=1e-3)
    assert output.ranked[0].parameter == "tax"


def test_curves_are_told_from_kinks_and_cliffs():
    found = derivatives(
        DUOPOLY, ["curve", "bend", "root", "step"], "free", names=["share"], step=0.01
    )
    curve, bend, root, step = (one["share"] for one in found.targets)

    assert curve.response is Response.SMOOTH
    assert curve.derivative == pytest.approx(1, abs=1e-6)
    assert root.derivative == pytest.approx(0.5 / math.sqrt(0.5), abs=1e-6)
    assert bend.response is Response.KINK
    assert (bend.left, bend.right) == pytest.approx((-1, 1), abs=1e-6)
    assert step.response is Response.CLIFF
    low, high = (float(word) for word in step.note.split("between ")[1].split(" and "))
    assert low <= 0.503 <= high
    assert high - low <= 1.1 * 0.005 / 2**8
    assert "+2" in step.note
    assert found["step under free"].says.startswith("step under free is at a cliff of share")


def test_a_corner_has_a_slope_to_one_side_only():
    """At the tax (a - c)/2 firm one stops selling: q_1 is (a - c - 2 tax)/3 below, 0 above."""
    found = derivatives(DUOPOLY, "q_1", "taxed", names=["tax"], parameters={"tax": 45})
    slope = found.targets[0]["tax"]

    assert slope.response is Response.KINK
    assert slope.left == pytest.approx(-2 / 3, rel=1e-2)
    assert slope.right == pytest.approx(0, abs=1e-2)


def test_a_bound_of_the_range_is_not_crossed():
    found = derivatives(
        DUOPOLY, ["curve", "root"], "free", names=["share"], parameters={"share": 1}
    )
    slope = found["curve under free"]["share"]

    assert slope.response is Response.ONE_SIDED
    assert slope.derivative == pytest.approx(2, abs=1e-4)
    assert math.isnan(slope.right)
    assert slope.note == "the slope is that below"
    near = derivatives(DUOPOLY, "root", "free", names=["share"], parameters={"share": 0.004})
    assert near.targets[0]["share"].response is Response.SMOOTH
    assert near.targets[0]["share"].derivative == pytest.approx(0.5 / math.sqrt(0.004), rel=0.05)


def test_a_tied_parameter_moves_along():
    found = derivatives(DUOPOLY, "price", "free", names=["a"], ties={"c": "a / 10"})

    assert found.ties == {"c": "a / 10"}
    assert found.targets[0]["a"].derivative == pytest.approx((1 + 2 / 10) / 3, rel=1e-3)


def test_the_sign_of_a_change_is_told_where_the_outcome_is_negative():
    """Where loss is -18, a percentage would say that more of k raises it."""
    game = Game(
        name="loss",
        players=["A"],
        parameters=[Parameter("k", 18, low=1, high=40)],
        stages=[Stage("s", Decision("A", "x", ["stay", "go"]))],
        payoffs={"A": "where(x == 'go', -1, 0)"},
        derived={
            "loss": "-k + 0 * (x == 'go')",
            "debt": "3 * k - 72 + 0 * (x == 'go')",
            "gain": "k + 0 * (x == 'go')",
        },
        outcomes=["loss", "debt", "gain"],
        regimes=[Regime("any")],
    )
    said = derivatives(game, ["loss", "debt", "gain"], "any", names=["k"])

    assert said["loss under any"].says.endswith("at 18: 1% more of it lowers it by 0.18, from -18.")
    assert said["debt under any"].says.endswith("1% more of it raises it by 0.54, from -18.")
    assert said["gain under any"].says.endswith("1% more of it changes it by +1%.")


def test_several_equilibria_have_no_derivative():
    game = battle(Parameter("w", 2, low=1.5, high=3), regimes=[Regime("any")])
    (only,) = derivatives(game, "he").targets

    assert only.slopes == ()
    assert "several equilibria disagree" in only.reason
    assert only.says.startswith("Nothing can be said about he under any")


def test_what_is_returned_is_plain_data():
    import json

    from highfence.report.json import dumps

    found = derivatives(INSPECTION, "missed", "open")
    tree = json.loads(dumps(found.to_dict()))

    assert tree["method"] == "local"
    assert set(tree["targets"][0]["parameters"]) == {"d", "b", "c", "a"}
    assert tree["targets"][0]["parameters"]["b"]["response"] == "smooth"
    with pytest.raises(KeyError, match="Did you mean"):
        found["mised under open"]
    with pytest.raises(KeyError, match="'q'"):
        found.targets[0]["q"]


@pytest.mark.parametrize(
    ("outcomes", "more", "says"),
    [
        ("missed", {"names": ["bb"]}, "no numeric parameter 'bb'"),
        ("missed", {"names": ["c", "c"]}, "named twice"),
        ("missed", {"names": ["c"], "ties": {"c": "d"}}, "tied"),
        ("missed", {"names": []}, "no parameter is named"),
        ("missed", {"names": ["b"]}, "b is set by the regime strict"),
        ("missed", {"ties": {"b": "d"}}, "b is set by the regime strict"),
        ("missed", {"step": 0}, "share of the range"),
        ("missed", {"step": 1}, "share of the range"),
        ("misse", {}, "Did you mean 'missed'"),
        ("wins(open)", {"player": "inspector"}, "has no derivative"),
        ("missed", {"regimes": "opn"}, "Did you mean 'open'"),
    ],
)
def test_wrong_requests_are_refused(outcomes, more, says):
    with pytest.raises((RequestError, SpecError), match=says):
        derivatives(INSPECTION, outcomes, **more)
