"""Payoffs that jump, and replies that jump past each other, against answers known by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Stage, load
from highfence.certify import certify
from highfence.forms.build import build
from highfence.methods.plays import Play, StagedProfile
from highfence.methods.staged import Solver, staged
from highfence.solution import Status
from highfence.solve import solve
from small_games import make

UNIT = Interval(0, 1)
WORDS = "jump past each other"


def only(game: Game, **values: Any) -> dict[str, Any]:
    """Return the decisions of the only equilibrium, which is certified."""
    solution = solve(game, "staged", **values)
    assert solution.status is Status.SOLVED, solution.reason
    (found,) = solution.equilibria
    assert found.certificate.holds
    return {name: value for own in found.strategies.values() for name, value in own.items()}


A, B = Decision("A", "a", UNIT), Decision("B", "x", UNIT)

GOLDEN = (3 - 5**0.5) / 2
"""Where golden sections of the unit interval begin."""

MET = st.one_of(
    st.sampled_from([GOLDEN, 1 - GOLDEN, GOLDEN**2, GOLDEN * (1 - GOLDEN), 2 * GOLDEN - GOLDEN**2]),
    st.integers(0, 40).map(lambda k: k / 40),
    st.builds(lambda n, k: (k % 2**n) / 2**n, st.integers(1, 12), st.integers(0, 4095)),
)
"""Points at which searches look: golden sections, grids, halves of halves."""
BESIDE = st.one_of(
    st.just(0.0),
    st.builds(lambda sign, n: sign * 10.0**-n, st.sampled_from([-1, 1]), st.integers(3, 16)),
)
"""How far from such a point an edge is."""

# -- Edges of jumps -------------------------------------------------------------------------------

HIDDEN = "a - 0.012 * (a > t) - 3 * max(a - t - w, 0)"
"""Rises to t, drops there by more than it rises again after it, to t + w: no scan of the
interval whose points are wider apart than w sees that t is the best."""
ALONE = make("A", [[A]], {"A": HIDDEN}, t=0.3, w=0.005)
LED = make("A B", [[A], [B]], {"A": HIDDEN, "B": "-(x - a)**2"}, t=0.3, w=0.005)
MIRRORED = "1 - a - 0.012 * (1 - a > t) - 3 * max(1 - a - t - w, 0)"
FALLING = make("A B", [[A], [B]], {"A": MIRRORED, "B": "-(x - a)**2"}, t=0.3, w=0.005)


@pytest.mark.parametrize("game", [ALONE, LED, FALLING], ids=["last stage", "leader", "mirrored"])
@given(
    t=st.one_of(st.floats(0.03, 0.9), st.builds(float.__add__, MET, BESIDE)),
    w=st.floats(0.001, 0.011),
)
@example(t=0.5, w=0.005)
@example(t=GOLDEN, w=0.005)
@example(t=0.3101, w=0.005)
@example(t=0.03, w=0.0109)
@example(t=0.7265625, w=0.0109)
@settings(max_examples=20)
def test_the_best_action_is_met_at_the_edge_of_a_jump_that_no_scanned_point_shows(game, t, w):
    assume(0.03 <= t <= 0.9)
    best = 1 - t if game is FALLING else t
    assert only(game, t=t, w=w)["a"] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("game", [ALONE, LED], ids=["last stage", "leader"])
def test_a_jump_whose_far_side_is_higher_is_passed(game):
    assert only(game, t=0.31, w=0.02)["a"] == pytest.approx(0.33, abs=1e-9)


def test_of_two_jumps_the_better_edge_is_taken():
    game = make(
        "A", [[A]], {"A": "a - first * (a > 0.301) - second * (a > 0.702)"}, first=1, second=1
    )

    assert only(game, first=0.5, second=0.5)["a"] == pytest.approx(0.301, abs=1e-9)
    assert only(game, first=0.2, second=0.5)["a"] == pytest.approx(0.702, abs=1e-9)
    assert only(game, first=0.2, second=0.2)["a"] == pytest.approx(1.0, abs=1e-9)


def test_a_jump_at_a_bound_is_met():
    game = make("A", [[A]], {"A": "high * (a >= 1) + low * (a <= 0) - a / 2"}, high=0, low=0)

    assert only(game, high=2)["a"] == 1.0
    assert only(game, low=2)["a"] == 0.0


@pytest.mark.parametrize("t", [0.37, 0.5, 0.81])
def test_a_threshold_is_just_met_or_just_not_passed(t):
    followers = [[A], [Decision("B", "b", actions=["no", "yes"])]]
    wanted = make(
        "A B", followers, {"A": "2 * (b == 'yes') - a", "B": "(b == 'yes') * (a - t)"}, t=t
    )
    feared = make(
        "A B", followers, {"A": "a - 2 * (b == 'yes')", "B": "(b == 'yes') * (a - t)"}, t=t
    )

    said = only(wanted)
    assert said["a"] == pytest.approx(t, abs=1e-8)
    assert said["b"]["yes"] == 1
    said = only(feared)
    assert said["a"] == pytest.approx(t, abs=1e-8)
    assert said["b"]["no"] == 1


# -- Replies that jump past each other ------------------------------------------------------------

PAIR = [Decision("A", "x", UNIT), Decision("B", "y", UNIT)]
ENDS = make(
    "A B", [PAIR], {"A": "4 * (x - 0.5)**2 + (x - 0.5) * (y - t)", "B": "-(y - 1 + x)**2"}, t=0.4
)
"""A wants an end of the interval, the high one iff y > t; B wants y = 1 - x."""
RULE = make(
    "A B",
    [PAIR],
    {
        "A": "0.1 * (x <= t) - (x - 0.8)**2 - 0.3 * y * (x > t)",
        "B": "-(y - where(x > t, 0.9, 0.1))**2",
    },
    t=0.3,
)
"""A stops at t, or goes on to .8 if B, who answers the one by .1 and the other by .9, lets it."""


def mixture(said: dict[str, float]) -> dict[float, float]:
    """Return action -> probability, from labels."""
    return {float(label): p for label, p in said.items()}


@given(t=st.floats(0.05, 0.95))
@example(t=0.5)
@settings(max_examples=25)
def test_two_ends_are_mixed_so_that_the_reply_is_where_they_are_equally_good(t):
    said = only(ENDS, t=t)

    assert said["y"] == pytest.approx(t, abs=1e-9)
    assert mixture(said["x"]) == pytest.approx({0.0: t, 1.0: 1 - t}, abs=1e-6)


@given(t=st.one_of(st.floats(0.2, 0.4), st.builds(float.__add__, MET, BESIDE)))
@example(t=0.3)
@example(t=GOLDEN)
@example(t=0.38196)
@settings(max_examples=100)
def test_stopping_at_the_edge_of_a_jump_is_mixed_with_passing_it(t):
    even = ((t - 0.8) ** 2 - 0.1) / 0.3
    assume(0.1 < even < 0.9 and t < 0.5)
    said = only(RULE, t=t)

    assert said["y"] == pytest.approx(even, abs=1e-9)
    low, high = sorted(mixture(said["x"]))
    assert (low, high) == pytest.approx((t, 0.8), abs=1e-5)
    assert sorted(mixture(said["x"]).items())[1][1] == pytest.approx((even - 0.1) / 0.8, abs=1e-6)


@pytest.mark.parametrize("side", [-1, 1])
@given(even=st.integers(2, 14), off=st.one_of(st.just(0.0), st.floats(1e-9, 0.01)))
@settings(max_examples=25)
def test_a_reply_that_jumps_beside_the_end_of_a_cell_is_found_wherever_it_was_seen(even, off, side):
    """Replies are compared where they are located roughly: the cell may be the next one."""
    wanted = even / 16 + side * off
    said = only(RULE, t=0.8 - (0.1 + 0.3 * wanted) ** 0.5)

    assert said["y"] == pytest.approx(wanted, abs=1e-9)


STOP = make(
    "A B",
    [PAIR],
    {
        "A": "where(x <= t, -0.15 - 40 * (t - x), -(x - 0.8)**2 - 0.3 * y)",
        "B": "-(y - where(x > t, 0.9, 0.1))**2",
    },
    t=0.333,
)
"""As RULE, but stopping pays only within .003 of t, where no scan looks."""
LED_STOP = replace(
    STOP,
    players=("L", *STOP.players),
    stages=(Stage("lead", Decision("L", "s", UNIT)), *STOP.stages),
    payoffs={**STOP.payoffs, "L": "-(s - t)**2 - x"},
)


@pytest.mark.parametrize("game", [STOP, LED_STOP], ids=["alone", "led"])
@pytest.mark.parametrize(
    "t", [0.3001, 0.333, *(pytest.param(t, marks=pytest.mark.slow) for t in (0.313, 0.3312))]
)
def test_an_action_that_is_left_for_a_narrow_edge_is_no_equilibrium(game, t):
    said = only(game, t=t)

    assert said["y"] == pytest.approx(0.5, abs=1e-9)
    (low, p), (high, q) = sorted(mixture(said["x"]).items())
    assert (low, high) == pytest.approx((t, 0.8), abs=1e-5)
    assert (p, q) == pytest.approx((0.5, 0.5), abs=1e-6)


@given(t=st.one_of(st.floats(0.05, 0.7), MET), w=st.floats(1e-4, 3e-3))
@example(t=0.333, w=3e-3)
@settings(max_examples=25)
def test_the_judge_rejects_an_action_that_is_left_for_the_edge_of_a_jump(t, w):
    """Stopping pays .12 more than passing at t, and less from w below it."""
    assume(0.05 <= t <= 0.7)
    payoffs = {**STOP.payoffs, "A": STOP.payoffs["A"].replace("40", "0.12 / w")}
    form = build(
        replace(STOP, payoffs=payoffs, parameters=(*STOP.parameters, Parameter("w", 3e-3))),
        parameters={"t": t, "w": w},
    )
    passing = np.array([0.8, 0.9])
    paid = form.finish(form.placed(0, form.root, (), passing[None]))[0]
    play = Play(0, form.root.copy(), passing, (), paid, ((1.0, (), None),))

    assert not certify(form, StagedProfile(form, play, "", Solver(form))).holds


def test_a_mixture_is_told_as_one_and_its_outcomes_are_expected():
    game = replace(ENDS, derived={}, outcomes=None)
    (found,) = solve(game, "staged", t=0.25).equilibria

    assert found.payoffs["A"] == pytest.approx(1.0, abs=1e-9)
    assert found.payoffs["B"] == pytest.approx(-(0.25 * 0.75), abs=1e-9)
    assert any(
        "x = 0 with probability 0.25, 1 with probability 0.75" in line for line in found.path
    )
    (told,) = [note for note in solve(game, "staged", t=0.25).notes if WORDS in note]
    assert told.startswith("the replies of the two players")  # one stage has no histories


def test_a_leader_looks_ahead_to_mixtures():
    """Behind s the expected x is 1 - s, so L gets 1 - s - (s - .6)^2, which is best at .1."""
    game = make(
        "L A B",
        [[Decision("L", "s", UNIT)], PAIR],
        {
            "L": "x - (s - 0.6)**2",
            "A": "4 * (x - 0.5)**2 + (x - 0.5) * (y - s)",
            "B": "-(y - 1 + x)**2",
        },
    )
    (found,) = solve(game, "staged").equilibria

    assert found.strategies["L"]["s"] == pytest.approx(0.1, abs=1e-6)
    assert found.payoffs["L"] == pytest.approx(0.65, abs=1e-9)
    assert found.certificate.refinement == "subgame perfect"


@pytest.mark.parametrize(
    ("change", "tolerated"),
    [({}, True), ({"share": 0.5}, False), ({"share": 1.5}, False), ({"other": [0.9, 0.4]}, False)],
    ids=["as found", "another share", "no probability", "another action"],
)
def test_the_judge_rejects_mixtures_that_are_no_equilibria(change, tolerated):
    form = build(ENDS, parameters={"t": 0.4})
    (profile,) = staged(form)
    play = profile.play
    assert play.other is not None
    changed = {k: (play.other * 0 + v if k == "other" else v) for k, v in change.items()}
    play = replace(play, **changed)
    payoffs = sum(
        p * form.finish(form.placed(0, play.row, (), values[None]))[0]
        for p, values in play.points()
    )
    certificate = certify(form, replace(profile, play=replace(play, payoffs=payoffs)))

    assert certificate.holds is tolerated


def test_the_judge_rejects_two_who_mix_together():
    form = build(ENDS, parameters={"t": 0.4})
    (profile,) = staged(form)
    play = replace(profile.play, other=profile.play.other - 0.1)
    certificate = certify(form, replace(profile, play=play))

    assert not certificate.holds
    assert any("together" in check for check in certificate.checks)


# -- The sliding scale ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "subsidy", "payoff"),
    [
        (None, 0.51569, -0.66432),
        ("conservative", 0.64782, -0.66513),
        ("much_smuggling", 0.55107, -0.70932),
        ("low_yields", 0.51500, -0.66560),
    ],
)
def test_a_sliding_scale_with_free_entry_has_an_equilibrium_at_the_end_of_a_stretch_of_mixtures(
    preset, subsidy, payoff
):
    """Behind subsidies of .4965 to .5157 (without a preset) the challenger mixes stopping at the
    mark with passing it; the best subsidy is the upper end, behind which it passes. (From an
    independent program: each side of the mark solved by itself, on fine grids.)"""
    game = load("yard_on_conditions")
    solution = solve(game, regime="sliding_scale", preset=preset, allies="endogenous")
    assert solution.status is Status.SOLVED, solution.reason
    (found,) = solution.equilibria

    assert found.certificate.refinement == "subgame perfect"
    assert found.strategies["C"]["s"] == pytest.approx(subsidy, abs=1e-5)
    assert found.payoffs["C"] == pytest.approx(payoff, abs=1e-5)
    assert found.outcomes["lifted"] == pytest.approx(1, abs=1e-5)
    assert any(WORDS in note and "behind some histories" in note for note in solution.notes)
