"""Fits: planted values are found again, and what targets cannot pin down is said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Regime, Stage, Target, limits
from highfence.cli import main
from highfence.errors import RequestError, SpecError
from highfence.report.fit_text import fit_text
from highfence.spec.toml import dumps
from highfence.study.draws import solve_draws
from highfence.study.fit import FitStatus, fit

# A plays x = gain / (2 cost) under "act" and nothing else matters: closed forms to fit to.
LEVER = Game(
    name="lever",
    players=["A"],
    parameters=[
        Parameter("gain", 1, low=0.5, high=3),
        Parameter("cost", 2, low=0.5, high=4),
        Parameter("idle", 1, low=0, high=2),
        Parameter("level", 0, low=-1, high=1),
        Parameter("mood", "calm", choices=("calm", "cross")),
    ],
    stages=[
        Stage("control", Decision("A", "control", {"act": {"on": 1}, "rest": {"on": 0.5}})),
        Stage("effort", Decision("A", "x", Interval(0, 4))),
    ],
    derived={"push": "control.on * gain", "worth": "push * x - cost * x ** 2 + level"},
    payoffs={"A": "worth"},
    regimes=[Regime("act", fix={"control": "act"}), Regime("rest", fix={"control": "rest"})],
    targets={
        "effort": Target("act.worth - level", 0.25, low=0.15, high=0.35, source="a survey"),
    },
)
"""worth is gain ** 2 / (4 cost) under act, a quarter of it under rest, plus level."""


@pytest.mark.slow
@settings(max_examples=8)
@given(gain=st.floats(0.8, 2.8), level=st.floats(-0.9, 0.9))
def test_planted_values_are_found_again(gain, level):
    planted = {"gain": [gain], "level": [level]}
    low, _ = solve_draws(LEVER, planted).column("worth")
    found = fit(
        LEVER, ["gain", "level"], {"act.worth": low[0, 0], "rest.worth": low[0, 1]}, starts=2
    )
    assert found.status is FitStatus.FITTED
    assert found.distance < 1e-4
    assert found.settings["gain"] == pytest.approx(gain, abs=5e-3)
    assert found.settings["level"] == pytest.approx(level, abs=5e-3)
    assert found.identified
    assert not found.loose


@pytest.mark.slow
def test_a_fit_does_as_well_as_a_grid_where_nothing_fits_exactly():
    targets = {"act.worth": 0.5, "rest.worth": 0.4}
    found = fit(LEVER, ["gain"], targets, scales=dict.fromkeys(targets, 1.0))
    worth = np.linspace(0.5, 3, 5001) ** 2 / 8
    best = np.sqrt(((worth - 0.5) ** 2 + (worth / 4 - 0.4) ** 2) / 2).min()
    assert found.distance == pytest.approx(best, abs=1e-6)
    by_hand = np.sqrt(np.mean([one.difference**2 for one in found.residuals]))
    assert found.distance == pytest.approx(by_hand)


def test_values_that_fit_as_well_are_shown_where_the_targets_do_not_pin_them_down():
    found = fit(LEVER, ["gain", "cost"], {"act.worth": 0.125}, starts=6)
    assert found.distance < 1e-6
    assert (found.rank, found.identified) == (1, False)
    assert set(found.loose) == {"gain", "cost"}
    # Along gain ** 2 / cost = const both rise or both fall together.
    assert found.loose["gain"] * found.loose["cost"] > 0
    assert all(one.others is not None and one.others[0] < one.others[1] for one in found.parameters)


def test_a_parameter_without_effect_is_the_loose_one():
    found = fit(LEVER, ["gain", "idle"], {"act.worth": 0.3}, starts=1)
    assert not found.identified
    assert abs(found.loose["idle"]) == pytest.approx(1)


def test_a_value_at_the_end_of_its_range_is_said_to_be_there():
    found = fit(LEVER, {"gain": (0.5, 1.5)}, {"act.worth": 1.0})
    (gain,) = found.parameters
    assert (gain.value, gain.at_bound) == (1.5, True)
    assert found.residuals[0].difference == pytest.approx(1.5**2 / 8 - 1)


def test_a_search_that_ends_at_a_jump_says_so():
    step = Game(
        name="step",
        players=["A"],
        parameters=[Parameter("gain", 0.5, low=0, high=2), Parameter("hurdle", 1)],
        stages=[
            Stage("control", Decision("A", "control", {"on": {"k": 1}, "off": {"k": 0}})),
            Stage("effort", Decision("A", "x", Interval(0, 4))),
        ],
        # The reply is gain below the hurdle, and 1 more above it.
        derived={"aim": "gain + (gain > hurdle)", "effort": "x"},
        payoffs={"A": "-(x - aim) ** 2"},
        regimes=[Regime("on", fix={"control": "on"})],
    )
    found = fit(step, ["gain"], {"on.effort": 1.4}, starts=1)
    assert found.at_jump
    assert found.settings["gain"] == pytest.approx(1, abs=0.02)
    assert not fit(step, ["gain"], {"on.effort": 0.8}, starts=1).at_jump


def test_a_declared_target_counts_by_what_its_source_leaves_open():
    found = fit(LEVER, ["gain"], starts=1)
    (one,) = found.residuals
    assert (one.name, one.scale, one.source) == ("effort", pytest.approx(0.1), "a survey")
    assert one.within is True
    assert one.before[0] == pytest.approx(1 / 8)
    assert found.distance_before == pytest.approx((0.25 - 1 / 8) / 0.1)
    held = fit(LEVER, ["gain"], {"effort": 0.6}, starts=1).residuals[0]
    assert (held.observed, held.within) == (0.6, None)


def test_what_is_set_for_the_fit_is_kept_and_the_rest_is_free():
    found = fit(LEVER, ["gain"], parameters={"cost": 1, "gain": 2}, starts=1)
    assert dict(found.held) == {"cost": 1}
    assert found.parameters[0].before == 2
    assert found.settings["gain"] == pytest.approx(1, abs=1e-4)


def test_a_fit_without_a_certified_start_says_so_instead_of_a_value():
    broken = Game(
        name="broken",
        players=["A", "B"],
        parameters=[Parameter("size", 1, low=0.5, high=2)],
        stages=[
            Stage("control", Decision("A", "control", {"on": {"k": 1}, "off": {"k": 0}})),
            # Both like the ends, B that of A, A the other: no equilibrium unless both mix.
            Stage(
                "play",
                Decision("A", "x", Interval(-1, 1)),
                Decision("B", "y", Interval(-1, 1)),
            ),
        ],
        derived={"near": "size * (x - y) ** 2"},
        payoffs={"A": "near", "B": "4 * y ** 2 - near"},
        regimes=[Regime("on", fix={"control": "on"})],
    )
    found = fit(broken, ["size"], {"on.near": 0.5}, starts=2)
    assert found.status is FitStatus.NOTHING
    assert found.distance == np.inf
    assert found.reason
    assert not found.ends
    assert found.parameters[0].value == 1
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_same_seed_gives_the_same_fit():
    asked = (LEVER, ["gain", "cost"], {"act.worth": 0.4})
    assert fit(*asked, starts=3, rng=7).to_dict() == fit(*asked, starts=3, rng=7).to_dict()


@pytest.mark.parametrize(
    ("vary", "targets", "words"),
    [
        ([], None, "no parameter to fit"),
        (["gian"], None, "Did you mean 'gain'"),
        (["mood"], None, "has choices"),
        ({"gain": (2, 3)}, None, "outside 2 to 3"),
        ({"gain": (3, 3)}, None, "is empty. Write the lower end first: gain=LOW:HIGH"),
        ({"gain": (6, 0)}, None, "is empty. Write the lower end first: gain=0:6"),
        (["gain"], ["nosuch"], r"Known: [a-z, ]+\. To fit to a formula, give"),
        (["gain"], ["efort"], r"Did you mean 'effort'\? To fit"),
        (["gain"], {"worth": 1}, "Write REGIME.worth"),
        (["gain"], {"act.worth > rest.worth": 1}, "is a condition"),
        (["gain"], {"cost": 1}, "reads no outcome"),
        (["gain"], {"act.worth": "much"}, "is no number"),
        (["gain"], {}, "nothing to fit to"),
    ],
)
def test_a_wrong_request_names_the_fix(vary, targets, words):
    with pytest.raises(RequestError, match=words):
        fit(LEVER, vary, targets)


@pytest.mark.parametrize("starts", [0, True, 1.5, limits.MAX_FIT_STARTS + 1])
def test_starts_are_a_bounded_whole_number(starts):
    with pytest.raises(RequestError, match="whole number"):
        fit(LEVER, ["gain"], starts=starts)


def test_a_target_that_does_not_name_its_regime_is_refused_with_the_game():
    with pytest.raises(SpecError, match="does not say of which regime"):
        Game(
            name="bare",
            players=["A"],
            stages=[Stage("one", Decision("A", "x", ["a", "b"]))],
            payoffs={"A": "x == 'a'"},
            regimes=[Regime("only")],
            targets={"seen": Target("A", 1)},
        )


@pytest.mark.slow
def test_the_flagship_is_fitted_to_what_it_declares_and_says_what_does_not_fit():
    found = fit("small_yard_high_fence", ["align", "gamH", "gamL"], starts=2)
    assert found.status is FitStatus.FITTED
    assert found.distance < found.distance_before
    assert {one.name for one in found.residuals} == {
        "research_response",
        "self_sufficiency",
        "incumbent_research",
    }
    assert all(one.confidence in ("high", "medium") for one in found.residuals)


def test_the_command_prints_the_fit_as_page_json_and_csv(tmp_path, capsys):
    path = tmp_path / "lever.toml"
    path.write_text(dumps(LEVER), "utf-8")
    asked = ["fit", str(path), "--vary", "gain,level=-0.5:0.5", "--starts", "1"]
    aims = ["--target", "act.worth=0.5", "--target", "rest.worth = 0.125", "--scale", "act.worth=2"]
    assert main([*asked, *aims]) == 0
    page = capsys.readouterr().out
    assert page.startswith("With gain = 2 and level = ")
    assert "--set gain=2" in page
    assert main([*asked, *aims, "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert tree["parameters"][1]["low"] == -0.5
    assert [one["scale"] for one in tree["residuals"]] == [2, 0.125]
    assert main([*asked, *aims, "--csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [
        ["parameter", "gain"],
        ["parameter", "level"],
        ["target", "act.worth"],
        ["target", "rest.worth"],
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--vary", "gain,gain"], "given twice"),
        (["--vary", "gain=1"], "LOW:HIGH"),
        (["--vary", "gain=1:"], "lacks an end"),
        (["--vary", "gain", "--target", "=3"], "FORMULA=VALUE"),
        (["--vary", "gain", "--scale", "effort"], "TARGET=SIZE"),
        (["--vary", "gain", "--scale", "effort=big"], "is not a number"),
        ([], "--vary"),
    ],
)
def test_the_command_refuses_what_it_cannot_read(tmp_path, capsys, asked, words):
    path = tmp_path / "lever.toml"
    path.write_text(dumps(LEVER), "utf-8")
    assert main(["fit", str(path), *asked]) == 2
    assert words in capsys.readouterr().err


def test_the_command_names_the_option_where_a_game_declares_no_targets(tmp_path, capsys):
    path = tmp_path / "lever.toml"
    path.write_text(dumps(replace(LEVER, targets={})), "utf-8")
    assert main(["fit", str(path), "--vary", "gain"]) == 2
    said = capsys.readouterr().err
    assert f"--target {LEVER.regimes[0].name}.OUTCOME=VALUE, or declare some" in said


def test_the_page_names_what_is_not_met_and_a_search_that_could_not_begin():
    missed = fit(LEVER, {"gain": (0.5, 1.5)}, {"act.worth": 1.0}, starts=1)
    assert "Not met: act.worth." in fit_text(missed)
    assert "says nothing about the game" not in fit_text(missed)
    stuck = fit(LEVER, ["idle"], {"act.worth": 1.0}, starts=1)
    assert "No parameter moves any target here" in fit_text(stuck)
    exactly = fit(LEVER, ["gain"], {"act.worth": 0.3}, starts=1)
    assert "says nothing about the game" in fit_text(exactly)
