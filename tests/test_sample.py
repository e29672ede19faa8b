"""Draws over declared ranges: where they lie, that they repeat, and what is refused."""

from __future__ import annotations

import inspect
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Parameter, Regime, Stage, limits
from highfence.errors import RequestError
from highfence.study.sample import METHODS, sample, unit_cube
from highfence.study.uncertainty import draw

PARAMETERS = (
    Parameter("cost", 2, low=1, high=5),
    Parameter("share", "1/3", low=0, high=1),
    Parameter("tilt", Fraction(-1, 2), low=-2, high=-0.25),
    Parameter("fixed", 7),
    Parameter("floor", 1, low=0),
    Parameter("allies", "aligned", choices=("aligned", "backfill")),
)
RANGES = {"cost": (1, 5), "share": (0, 1), "tilt": (-2, -0.25)}


def game(*parameters: Parameter) -> Game:
    """Return a game in which only the parameters matter."""
    return Game(
        name="ranges",
        players=["A"],
        parameters=list(parameters),
        stages=[Stage("go", Decision("A", "go", ["left", "right"]))],
        payoffs={"A": "1 * (go == 'left')"},
    )


GAME = game(*PARAMETERS)


@given(count=st.integers(1, 40), seed=st.integers(0, 2**64), method=st.sampled_from(METHODS))
def test_draws_lie_in_the_declared_ranges(count, seed, method):
    draws = sample(GAME, count, seed, method=method)

    assert list(draws) == ["cost", "share", "tilt"]  # all with both bounds, as declared
    for name, (low, high) in RANGES.items():
        assert draws[name].shape == (count,)
        assert draws[name].dtype == np.float64
        assert low <= draws[name].min() <= draws[name].max() <= high


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (7, 3), (300, 2**40)])
def test_a_latin_hypercube_is_the_one_of_scipy(count, seed):
    """Sweeps were stored whose draws it made, and they go on."""
    from scipy.stats import qmc

    word = "rng" if "rng" in inspect.signature(qmc.LatinHypercube).parameters else "seed"
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    for _ in range(2):  # a generator is advanced alike
        theirs = qmc.LatinHypercube(5, **{word: other}).random(count)
        assert unit_cube(count, 5, one, "latin_hypercube").tobytes() == theirs.tobytes()


@pytest.mark.parametrize("count", [1, 7, 64])
def test_a_latin_hypercube_has_one_draw_in_every_slice(count):
    draws = sample(GAME, count, 5)

    for name, (low, high) in RANGES.items():
        slices = np.floor((draws[name] - low) / (high - low) * count)
        assert sorted(slices) == list(range(count))


def test_a_sobol_sequence_has_a_draw_in_every_cell_of_a_grid():
    draws = sample(GAME, 64, 3, names=["share", "cost"], method="sobol")

    cells = {
        (int(8 * share), int(8 * (cost - 1) / 4))
        for share, cost in zip(draws["share"], draws["cost"], strict=True)
    }
    assert len(cells) == 64


def test_random_draws_are_those_of_the_generator():
    draws = sample(GAME, 5, 11, names=["share"], method="random")

    assert draws["share"].tolist() == np.random.default_rng(11).random(5).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_draws_and_zero_is_a_seed(method):
    first, again, other = (sample(GAME, 9, seed, method=method) for seed in (0, 0, 1))

    for name in RANGES:
        assert first[name].tobytes() == again[name].tobytes()
        assert set(first[name]).isdisjoint(other[name])
    assert sample(GAME, 9, method=method)["cost"].tobytes() == first["cost"].tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_a_generator_goes_on_where_it_was(method):
    rng = np.random.default_rng(0)

    first, second = (sample(GAME, 9, rng, method=method)["cost"] for _ in range(2))

    assert first.tobytes() == sample(GAME, 9, 0, method=method)["cost"].tobytes()
    assert set(first).isdisjoint(second)


def test_names_are_drawn_in_the_order_asked():
    assert list(sample(GAME, 2, names=["tilt", "cost"])) == ["tilt", "cost"]
    assert list(sample(GAME, 2, names="tilt")) == ["tilt"]


def test_a_range_of_one_point_is_that_point():
    draws = sample(game(Parameter("x", 0.1, low=0.1, high=0.1)), 8)

    assert set(draws["x"]) == {0.1}


def test_draws_cannot_be_written_over():
    with pytest.raises(ValueError, match="read-only"):
        sample(GAME, 3)["cost"][0] = 0


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["cots"], r"ranges has no parameter 'cots'\. Did you mean 'cost'\?"),
        (["cost", "cost"], "'cost' is asked for twice"),
        (["allies"], r"allies has choices, not a range\. .* aligned, backfill"),
        (["fixed"], r"fixed declares no low and high\."),
        (["floor"], r"floor declares no high\."),
        ([], "no parameter to draw"),
    ],
)
def test_names_that_cannot_be_drawn_are_refused(names, says):
    with pytest.raises(RequestError, match=says):
        sample(GAME, 3, names=names)


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "3", None])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(RequestError, match=r"count = .* is not a positive whole number"):
        sample(GAME, count)


@pytest.mark.parametrize("rng", [-1, 1.5, True, None, "0"])
def test_a_seed_that_is_none_is_refused(rng):
    with pytest.raises(RequestError, match="is neither a seed"):
        sample(GAME, 2, rng)


def test_an_unknown_method_is_refused():
    with pytest.raises(RequestError, match=r"no sampling method 'sobel'\. Did you mean 'sobol'"):
        sample(GAME, 2, method="sobel")


def test_a_game_without_ranges_is_refused():
    with pytest.raises(RequestError, match="declares no range"):
        sample(game(Parameter("x", 1)), 2)


def test_the_limit_on_numbers_is_named(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SAMPLES", 6)
    assert len(sample(GAME, 2)) == 3

    with pytest.raises(RequestError, match="MAX_SAMPLES = 6"):
        sample(GAME, 3)


def test_what_a_regime_sets_is_a_lever_and_drawn_only_where_it_is_named():
    """Drawn, it would be the same under all regimes."""
    taxed = replace(
        game(Parameter("tax", 1, low=0, high=2), Parameter("cost", 1, low=0, high=2)),
        regimes=[Regime("free", set={"tax": 0}), Regime("taxed", set={"tax": 2})],
    )

    assert list(sample(taxed, 2)) == ["cost"]
    assert list(draw(taxed, 2)) == ["cost"]
    assert set(sample(taxed, 2, names=["tax", "cost"])) == {"tax", "cost"}
    assert set(draw(taxed, 2, distributions={"tax": "uniform(0, 1)"})) == {"tax", "cost"}

    levers = replace(taxed, parameters=[Parameter("tax", 1, low=0, high=2)])
    with pytest.raises(RequestError, match="set every parameter that declares a range: tax"):
        sample(levers, 2)
