"""Tipping points: every change is bracketed by certified answers, and closed forms are met.

Games small enough to be solved by hand stand beside their thresholds.
"""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Parameter, Regime, Stage, limits, load
from highfence.errors import Interrupted, RequestError, SpecError
from highfence.report.json import dumps
from highfence.report.tipping_text import letters_of, tipping_csv, tipping_text
from highfence.study.tipping import Kind, Tipping, find_tips, tipping
from study_games import duopoly, pursuit


def choice(rival: str) -> Game:
    """One player, whose payoff is 0 under "flat" and a formula in x under "rival"."""
    return Game(
        name="choice",
        players=["A"],
        parameters=[
            Parameter("x", 0.5, low=0, high=1),
            Parameter("a", 0.5, low=0, high=1),
            Parameter("b", 0.5, low=0, high=1),
        ],
        stages=[Stage("now", Decision("A", "law", ["flat", "rival"]))],
        derived={"value": f"where(law == 'flat', 0, {rival})"},
        payoffs={"A": "value"},
        regimes=[Regime("flat", fix={"law": "flat"}), Regime("rival", fix={"law": "rival"})],
    )


# Both like to meet at "here" by x; at "there" it is worth 1/2. For x > 0 there are two pure and
# one mixed equilibrium; for x < 0 "here" is dominated.
MEETING = Game(
    name="meeting",
    players=["one", "two"],
    parameters=[Parameter("x", 0.4, low=-1, high=1)],
    stages=[
        Stage(
            "go",
            Decision("one", "p", ["here", "there"]),
            Decision("two", "q", ["here", "there"]),
        )
    ],
    derived={"met": "1 * ((p == 'here') == (q == 'here'))"},
    payoffs={
        "one": "where(p == 'here', where(q == 'here', x, -1), where(q == 'here', 0, 1/2))",
        "two": "where(q == 'here', where(p == 'here', x, -1), where(p == 'here', 0, 1/2))",
    },
)

DUOPOLY = duopoly(
    Parameter("a", 100),
    Parameter("c", 10),
    Parameter("tax", 6, low=0, high=90),
    derived={"revenue": "due * q_1"},
    payoff="revenue - 100 * (law == 'taxed')",
    flags={"cheap": "price < 45"},
)

PURSUIT = pursuit(
    Parameter("goal", 0.5), Parameter("sign", -1, low=-1, high=1), regimes=[Regime("meet")]
)


def holds(tip, value, tolerance):
    """The bracket holds the value, and is as narrow as was asked for."""
    return tip.low <= value <= tip.high and tip.high - tip.low <= tolerance * (1 + 1e-6)


# ---------------------------------------------------------------------------------------------
# Flips


@given(a=st.floats(0.02, 0.98))
@settings(max_examples=15)
def test_a_margin_that_runs_through_zero_is_bracketed_to_the_tolerance(a):
    found = tipping(choice("x ** 3 - a ** 3"), "x", a=a, grid=9)

    (flip,) = found.flips
    assert holds(flip, a, 1e-4)
    assert flip.crossing
    assert flip.says == "flat -> rival"
    assert flip.margins[0] >= 0 >= flip.margins[1]
    assert [s.state for s in found.series[0].stretches] == ["flat", "rival"]
    assert found.complete
    assert found.settled


@given(a=st.floats(0.02, 0.9), apart=st.floats(0.004, 0.08))
@settings(max_examples=15)
def test_two_flips_inside_one_cell_are_both_found(a, apart):
    assume(a + apart < 0.98)
    found = tipping(choice("-(x - a) * (x - b)"), "x", a=a, b=a + apart, grid=9)

    first, second = found.flips
    assert holds(first, a, 1e-4)
    assert holds(second, a + apart, 1e-4)
    assert (first.says, second.says) == ("flat -> rival", "rival -> flat")


@pytest.mark.parametrize(
    ("rival", "alone"),
    [("x", (0,)), ("1 - x", (1,)), ("x * (1 - x)", (0, 1)), ("(x - a) ** 2", (0.5,))],
)
def test_a_tie_at_one_point_is_no_flip_and_is_told(rival, alone):
    """That one regime is best at every x was said, though a point was solved where it is not."""
    found = tipping(choice(rival), "x", grid=9)

    assert found.flips == ()
    assert found.series[0].alone == tuple((at, "flat = rival") for at in alone)
    where = ", ".join(f"{at:g}" for at in alone)
    assert (
        f"rival is best for A at every x from 0 to 1, except at x = {where}: flat = rival.\n"
        in str(found)
    )
    assert json.loads(dumps(found.to_dict()))["series"][0]["alone"][0]["state"] == "flat = rival"
    assert tipping(choice("x - a"), "x", grid=9).series[0].alone == ()


@given(a=st.floats(0.02, 0.98), tolerance=st.sampled_from([1e-2, 1e-4, 1e-6]))
@settings(max_examples=15)
def test_a_jump_over_zero_is_bracketed_and_said_to_be_one(a, tolerance):
    found = tipping(choice("where(x < a, -1, 2)"), "x", a=a, tolerance=tolerance)

    (flip,) = found.flips
    assert holds(flip, a, tolerance)
    assert not flip.crossing
    assert flip.margins == (1, -2)
    (jump,) = [tip for tip in found.tips if tip.kind is not Kind.BEST]
    assert jump.regime == "rival"
    assert holds(jump, a, tolerance)
    assert {c.name: (c.before, c.after) for c in jump.changes}["value"] == ((-1, -1), (2, 2))


@pytest.mark.parametrize("slope", [1e4, 1e5, 1e6])
def test_a_margin_that_rises_steeply_but_evenly_is_no_jump(slope):
    """The rise is narrower than the bracket, and is told from a jump by halving the cell."""
    found = tipping(choice(f"max(-1, min(1, {slope!r} * (x - 0.37)))"), "x")

    (flip,) = found.flips
    assert holds(flip, 0.37, 1e-4)
    assert flip.crossing
    assert not any(tip.changes for tip in found.tips)
    assert "jump" not in tipping_text(found)


def test_leaving_a_tie_little_by_little_is_no_jump():
    slow = tipping(choice("max(0, x - 0.37)"), "x")
    sudden = tipping(choice("where(x > 0.37, 1, 0)"), "x")

    assert slow.flips[0].crossing
    assert "; equal at 0.3" in tipping_text(slow)
    assert "jump" not in tipping_text(slow)
    assert not sudden.flips[0].crossing
    assert ", a jump" in tipping_text(sudden)


def test_what_comes_and_goes_unannounced_is_within_the_resolution_that_is_stated():
    found = tipping(choice("where(abs(x - 0.545) < 0.004, 1, -1)"), "x")

    assert found.flips == ()
    assert found.resolution >= 0.008
    assert "would be missed" in str(found)


def test_regimes_that_do_the_same_are_equal_and_do_not_flip():
    found = tipping(choice("0 * x"), "x")

    assert found.flips == ()
    assert [s.state for s in found.series[0].stretches] == ["flat = rival"]


def test_a_stretch_of_equality_ends_where_it_ends():
    found = tipping(choice("max(x - a, 0)"), "x", a=0.3)

    (flip,) = found.flips
    assert abs(flip.at - 0.3) < 1e-3
    assert flip.says == "flat = rival -> rival"


def test_a_flip_on_a_point_of_the_grid_is_one_flip():
    found = tipping(choice("x - 1/2"), "x", grid=33)

    (flip,) = found.flips
    assert holds(flip, 0.5, 1e-4)
    assert flip.says == "flat -> rival"


def test_a_parameter_may_be_called_like_an_argument():
    game = replace(
        choice("0"),
        parameters=(Parameter("workers", 0.5, low=0, high=1), Parameter("tolerance", 0.3)),
        derived={"value": "where(law == 'flat', 0, workers - tolerance)"},
    )
    found = find_tips(game, "workers", parameters={"tolerance": 0.4})

    assert holds(found.flips[0], 0.4, 1e-4)


def test_a_margin_that_only_touches_zero_does_not_flip():
    found = tipping(choice("-(x - 0.47) ** 2 - 1e-5"), "x")

    assert found.flips == ()
    assert float(np.diff(found.x).min()) < 0.01, "it was looked at closely"


def test_the_stretch_of_near_ties_around_a_flip_is_named():
    game = replace(choice("x"), derived={"value": "where(law == 'flat', 10, 10 + x - a)"})
    (flip,) = tipping(game, "x", a=0.5).flips
    low, high = flip.near_tie
    assert 0.5 - 0.04 < low < 0.5 < high < 0.5 + 0.04  # 0.3 percent of 10


# ---------------------------------------------------------------------------------------------
# Within a regime


@given(cost=st.floats(0.006, 0.029), profit=st.floats(0.031, 0.079))
@settings(max_examples=10)
def test_production_moves_where_the_closed_form_says(cost, profit):
    threshold = 1 - cost / profit
    assume(0.505 < threshold < 0.995)
    found = tipping("offshoring", "j_product", ["product"], F=cost, pi_CN=profit)

    (tip,) = found.tips
    assert tip.kind is Kind.ACTIONS
    assert holds(tip, threshold, 0.5e-4)
    assert tip.says.startswith("L: location = move -> stay")
    assert found.player is None


def test_the_number_of_equilibria_of_a_finite_game_is_watched():
    found = tipping(MEETING, "x")

    (tip,) = [t for t in found.tips if holds(t, 0, 2e-4)]
    assert tip.kind is Kind.ACTIONS
    assert "1 equilibrium -> 3 equilibria" in tip.says
    assert any("declares no regimes" in note for note in found.notes)


def test_an_end_of_an_interval_is_met_where_the_closed_form_says():
    found = tipping(DUOPOLY, "tax", ["free", "taxed"], player="one")

    corner = next(t for t in found.tips if t.kind is Kind.CORNER and t.low > 1)
    assert holds(corner, 45, 90e-4)  # (a - c)/2
    assert corner.regime == "taxed"
    assert "q_1 inside its interval -> at its lower end" in corner.says
    assert "revenue not 0 -> 0" in corner.says


def test_where_nothing_is_certified_nothing_is_drawn():
    found = tipping(PURSUIT, "sign", outcome="apart", grid=9)

    first, last = found.series[0].stretches
    assert first.state == "0"
    assert last.state == ""
    (gap,) = found.gaps
    assert gap.low == pytest.approx(last.low, abs=2e-4)
    assert gap.high == 1
    assert gap.probes
    assert not any(probe.found for probe in gap.probes)
    (tip,) = [t for t in found.tips if t.kind is Kind.EXISTENCE]
    assert holds(tip, 0, 2e-4)
    assert tip.says.startswith("1 equilibrium -> no equilibrium found")
    assert not found.settled
    assert "Where nothing is certified" in str(found)


# ---------------------------------------------------------------------------------------------
# Outcomes that are asked for


def test_an_outcome_that_names_regimes_is_solved_under_those_alone():
    found = tipping(DUOPOLY, "tax", outcome="taxed.G - free.G")

    assert found.regimes == ("free", "taxed")
    root = np.roots([-2 / 3, 30, -100])  # tax (90 - 2 tax)/3 = 100
    flips = [t.at for t in found.flips]
    assert flips == pytest.approx(sorted(root), abs=90e-4)
    assert found.outcome == "taxed.G - free.G"
    assert [s.state for s in found.series[0].stretches] == ["below 0", "above 0", "below 0"]


def test_an_outcome_without_a_regime_is_read_in_each_and_a_flag_by_its_name():
    found = tipping(DUOPOLY, "tax", outcome="cheap")

    assert found.condition
    assert [line.regime for line in found.series] == ["free", "taxed"]
    free, taxed = ([s.state for s in line.stretches] for line in found.series)
    assert free == ["holds"]  # 40 without the tax, 40 + tax/3 with it
    assert taxed == ["holds", "fails"]
    assert holds(found.flips[0], 15, 90e-4)


def test_a_parameter_in_the_outcome_is_the_one_that_is_varied():
    found = tipping(DUOPOLY, "tax", outcome="taxed.price - 40 - tax / 2 + 2")

    assert holds(found.flips[0], 12, 90e-4)  # tax/3 - tax/2 + 2


# ---------------------------------------------------------------------------------------------
# The result


def test_the_result_is_frozen_and_its_json_and_text_say_the_same():
    found = tipping(choice("x - a"), "x", a=0.3)

    with pytest.raises(FrozenInstanceError):
        found.low = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        found.x[0] = 1
    tree = json.loads(dumps(found.to_dict()))
    assert tree["answer"] == "rival is best for A from x = 0.3 up to 1; below, flat."
    assert tree["answer"] in tipping_text(found)
    assert tree["tips"][0]["says"] == "flat -> rival"
    assert len(tree["series"][0]["points"]) == len(found.x)
    lines = tipping_csv(found).splitlines()
    assert lines[0].startswith("parameter,low,high,kind,in_regime,before,after")
    assert len(lines) == 1 + len(found.tips)


def test_letters_are_distinct_and_the_first_if_it_is_free():
    names = ["none", "north", "n", "nn"]
    letters = letters_of(names)

    assert len(set(letters.values())) == 4
    assert letters["none"] == "N"


def test_the_distance_of_the_usual_value_to_the_nearest_flip_is_said():
    text = str(tipping(choice("x - a"), "x", a=0.3))

    assert "At x = 0.5, the value where nothing is varied, rival is best by 0.2" in text
    assert "the nearest flip is 0.2 away" in text


def test_a_limit_ends_the_search_and_is_said(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SCAN_POINTS", 36)
    found = tipping(choice("where(x < a, -1, 2)"), "x", a=0.3)

    assert not found.complete
    assert any("MAX_SCAN_POINTS" in note for note in found.notes)
    (flip,) = found.flips
    assert flip.low < 0.3 <= flip.high


def test_an_interrupted_search_hands_over_what_it_found():
    def stop(step):
        if step.startswith("narrowing"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        find_tips(choice("x - a"), "x", parameters={"a": 0.3}, tell=stop)

    found = caught.value.done
    assert isinstance(found, Tipping)
    assert not found.complete
    (flip,) = found.flips
    assert flip.low < 0.3 < flip.high
    assert any("interrupted" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parameter": "y"}, "no parameter 'y'"),
        ({"low": 0.5, "high": 0.2}, "not a range"),
        ({"low": float("nan")}, "not a finite number"),
        ({"grid": 2}, "at least 3"),
        ({"tolerance": 0}, "tolerance"),
        ({"regimes": ["flatt"]}, "Did you mean 'flat'"),
        ({"regimes": ["flat", "flat"]}, "twice"),
        ({"player": "B"}, "no player 'B'"),
        ({"parameters": {"x": 0.3}}, "cannot be set"),
        ({"outcome": "rival.value", "regimes": ["flat"]}, "does not read"),
    ],
)
def test_a_wrong_request_names_what_is_wrong(changes, says):
    asked = {"parameter": "x", **changes}
    with pytest.raises(RequestError, match=says):
        find_tips(choice("x - a"), **asked)


def test_a_parameter_with_choices_or_without_a_range_cannot_be_varied_so():
    flagship = load("small_yard_high_fence")
    with pytest.raises(RequestError, match="has choices"):
        tipping(flagship, "allies")
    with pytest.raises(RequestError, match="declares no low"):
        tipping(flagship, "c_L", ["none", "broad"])
    with pytest.raises(SpecError, match="Did you mean 'K_H'"):
        tipping(flagship, "h", outcome="none.K_H - broad.KH")


# ---------------------------------------------------------------------------------------------
# The flagship: where reference thresholds lie, and why some lie elsewhere


@pytest.mark.slow
def test_a_third_country_enters_where_the_half_fence_gets_too_high():
    found = tipping(
        "small_yard_high_fence", "k_half", ["half_fence"], low=0.4, high=0.55, grid=9,
        tolerance=1e-2, prisk=0,
    )  # fmt: skip

    entries = [t for t in found.tips if "T_F: b_F = stay -> enter" in t.says]
    (entry,) = entries
    assert 0.45 <= entry.low < entry.high <= 0.5
    changes = {c.name: (c.before[0], c.after[0]) for c in entry.changes}
    assert changes["mil_1"][0] < 0.15 < 0.18 < changes["mil_1"][1]
    assert changes["W_A"][0] - changes["W_A"][1] > 0.05


def coarse(game, step):
    """The game with the subsidy on a grid: the shares 0, step, 2 step, ... up to 0.9."""
    shares = [f"{k * step:.6g}" for k in range(round(0.9 / step) + 1)]

    def on_grid(move):
        return Decision(move.player, move.name, shares, move.observes) if move.name == "s" else move

    stages = [Stage(s.name, *map(on_grid, s.moves), when=s.when) for s in game.stages]
    return replace(
        game, stages=tuple(stages), outcomes=tuple(name for name in game.outcomes if name != "s")
    )


# Parameter -> the bracket of a reference that put the subsidy on a grid of 0.1; the flip with a
# continuous subsidy, as two independent solvers found it; the flip with the subsidy on that grid.
THRESHOLDS = {
    "Om": ((1.7, 3.0), 2.911, 2.818),
    "h": ((0.25, 0.29), 0.328, 0.276),
    "crisis": ((0.33, 0.375), 0.290, 0.355),
    "lam": ((0.325, 0.35), 0.295, 0.329),
    "chiF": ((0.067, 0.083), 0.0877, 0.0762),
    "gF": ((0.42, 0.44), 0.4402, 0.4316),
    "muM": ((0.33, 0.375), 0.283, 0.352),
    "kapL": ((3.0, 3.3), 2.664, 3.168),
    "align": ((1.29, 1.33), 1.282, 1.306),
    "mR": ((3.5, 3.7), 3.227, 3.518),
    "prisk": ((0.01, 0.02), 0.0169, None),
    "rhoT": ((0.83, 0.875), 0.641, 0.758),
    "leak": ((0.27, 0.29), 0.142, 0.227),
}
REGIMES = ["none", "small_yard"]


@pytest.fixture(scope="module")
def flagship():
    return load("small_yard_high_fence")


@pytest.mark.slow
@pytest.mark.parametrize("parameter", THRESHOLDS)
def test_flips_of_the_flagship_are_where_independent_solvers_found_them(flagship, parameter):
    bracket, value, _ = THRESHOLDS[parameter]
    found = tipping(flagship, parameter, REGIMES, grid=17, allies="aligned")

    (flip,) = found.flips
    assert flip.at == pytest.approx(value, rel=3e-3)
    assert flip.crossing
    # Three lie in the reference's brackets; what moves the others is the next test's matter.
    inside = bracket[0] <= flip.at <= bracket[1] * (1 + 1e-3)
    assert inside == (parameter in ("Om", "gF", "prisk"))


@pytest.mark.slow
@pytest.mark.parametrize("parameter", [name for name, row in THRESHOLDS.items() if row[2]])
def test_with_the_subsidy_on_the_grid_of_the_reference_flips_move_to_its_brackets(
    flagship, parameter
):
    bracket, fine, value = THRESHOLDS[parameter]
    found = tipping(coarse(flagship, 0.1), parameter, REGIMES, grid=17, allies="aligned")

    (flip,) = found.flips
    assert flip.at == pytest.approx(value, rel=3e-3)
    middle = sum(bracket) / 2
    assert abs(flip.at - middle) < abs(fine - middle)
    # Two of them move there, but not all the way.
    assert (bracket[0] <= flip.at <= bracket[1]) == (parameter not in ("rhoT", "leak"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameter", "low", "high", "more"),
    [
        ("Om", 10.3, 11.6, {}),
        ("Phi", 0.042, 0.046, {}),
        ("tauT", 0.25, 0.265, {"high": 0.3}),
    ],
)
def test_flips_with_third_countries_free_to_enter(flagship, parameter, low, high, more):
    (flip,) = tipping(flagship, parameter, REGIMES, grid=17, **more).flips

    assert flip.says == "none -> small_yard"
    slack = 1e-3 * high
    assert low - slack <= flip.low <= flip.high <= high + slack


@pytest.mark.slow
def test_between_entry_and_no_entry_lies_a_stretch_without_a_pure_answer(flagship):
    found = tipping(flagship, "Phi", ["small_yard"], low=0.04, high=0.046, grid=9)

    sure = [t for t in found.tips if "b_F" in t.says]
    assert sure
    assert min(t.low for t in sure) == pytest.approx(0.0428, abs=2e-4)
    assert max(t.high for t in sure) == pytest.approx(0.0438, abs=2e-4)
