"""Regimes whose payoffs differ by the last bits alone tie, in every study."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Mechanism, Parameter, Regime, Stage
from highfence.report.attribution_text import attribution_sentence
from highfence.report.robust_text import robust_sentence
from highfence.study import attribute, discover, draw, robust, sensitivity, tipping
from highfence.study.outcome import leveled

# The same sum in two orders: at most draws the floats differ by some 1e-16.
NOISE = Game(
    name="noise",
    outcomes=["gain"],
    players=["A"],
    parameters=[Parameter(name, 0.37, low=0.1, high=1.1) for name in ("a", "b", "c")]
    + [Parameter("m", 0.2, low=0, high=1)],
    stages=[Stage("now", Decision("A", "law", ["left", "right"]))],
    derived={
        "one": "a * 0.1 + b * 0.2 + c / 3 + m - m",
        "two": "(a + 2 * b) / 10 + c / 3",
        "gain": "where(law == 'left', one, two)",
    },
    payoffs={"A": "gain"},
    regimes=[Regime("left", fix={"law": "left"}), Regime("right", fix={"law": "right"})],
    mechanisms={"switch": Mechanism(off={"m": 0})},
)
DRAWS = draw(NOISE, 40, 1)


def test_the_game_has_noise_to_see():
    a, b, c, m = (DRAWS[name] for name in "abcm")
    apart = a * 0.1 + b * 0.2 + c / 3 + m - m - ((a + 2 * b) / 10 + c / 3)
    assert 0 < np.abs(apart).max() < 1e-14


@pytest.mark.parametrize("outcome", ["right.gain - left.gain", "right.gain / left.gain - 1"])
def test_a_difference_of_regimes_that_is_rounding_is_0_along_a_parameter(outcome):
    found = tipping(NOISE, "a", outcome=outcome)

    (line,) = found.series
    assert [stretch.state for stretch in line.stretches] == ["0"]
    assert not found.tips


@pytest.mark.parametrize("method", ["rank", "sobol", "morris", "pawn", "tornado"])
def test_nothing_moves_a_margin_that_is_rounding(method):
    found = sensitivity(NOISE, ["margin", "right.gain - left.gain"], method=method, draws=64)

    for one in found.targets:
        if method == "tornado":
            assert one.says == f"No parameter moves {one.target} by itself."
        else:
            assert one.constant


@pytest.mark.parametrize("method", ["morris", "tornado"])
def test_a_parameter_that_moves_an_outcome_by_rounding_does_not_move_it(method):
    found = sensitivity(NOISE, "gain", "left", method=method, draws=8)

    (gain,) = found.targets
    assert gain.of("m") == 0
    assert gain.of("c") > 0.3


def test_no_mechanism_is_to_blame_for_rounding():
    found = attribute(NOISE, "right", "left", "gain", draws=DRAWS)

    assert found.bare == found.full == 0
    assert not found.shapley.any()
    assert "is the same as under left" in attribution_sentence(found)


def test_no_regime_is_worse_by_rounding():
    found = robust(NOISE, DRAWS)

    assert not found.regret.any()
    assert not any(one.flips for one in found.ambiguity)
    assert "no regime wins in any of them" in robust_sentence(found)[0]


def test_a_condition_does_not_hold_by_rounding():
    assert discover(NOISE, "right.gain > left.gain", draws=DRAWS).density == 0


@given(
    st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_leveling_joins_what_rounding_parts_and_nothing_else(values, seed):
    exact = np.array([values * 2])
    noise = 1 + 4e-16 * np.random.default_rng(seed).uniform(-1, 1, exact.shape)

    made = leveled(exact * noise, 1e-9, np.ones(1))
    assert made == pytest.approx(exact, rel=1e-9, abs=1e-9)
    assert len(np.unique(made)) == len(np.unique(exact))


def test_leveling_leaves_what_is_not_known_and_what_is_infinite():
    table = np.array([[1.0, np.nan, np.inf, 1.0 + 1e-15], [np.nan] * 4])
    made = leveled(table, 0.0, np.ones(2))
    assert made[0, [0, 2, 3]].tolist() == [1.0, np.inf, 1.0]
    assert np.isnan(made[0, 1])
    assert np.isnan(made[1]).all()
