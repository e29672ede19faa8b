"""Scenario discovery: planted boxes are found, counts are right, what is uncertain is said."""

from __future__ import annotations

import re
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Regime, Stage
from highfence.errors import RequestError, SpecError
from highfence.study.boxes import Box, cart, prim, prim_of_few, quasi_p_values
from highfence.study.discover import discover, discover_in, solved_for
from highfence.study.draws import Draws
from highfence.study.outcome import outcome_of
from highfence.study.uncertainty import draw

# The wall's stock is push * (1 - ease), the stock without it ease: backfire iff
# push * (1 - ease) > ease, a curve in two parameters. noise does not matter.
YARD = Game(
    name="yard",
    title="Yard",
    players=["A"],
    parameters=[
        Parameter("push", 1, low=0, high=2, label="Push"),
        Parameter("ease", 0.4, low=0, high=1, unit="1"),
        Parameter("noise", 0, low=-1, high=1),
    ],
    stages=[
        Stage("control", Decision("A", "control", {"wall": {"on": 1}, "none": {"on": 0}})),
        Stage("effort", Decision("A", "x", Interval(0, 2))),
    ],
    derived={"K": "control.on * push * (1 - ease) + (1 - control.on) * ease"},
    payoffs={"A": "2 * x - x ** 2"},
    outcomes=["K"],
    regimes=[
        Regime("wall", "Wall", fix={"control": "wall"}),
        Regime("none", "No wall", fix={"control": "none"}),
    ],
    flags={"backfires": "K > none.K"},
)


def planted(count: int, seed: int, noise: int = 6, wrong: float = 0.0):
    """Return draws, cases in x > 0.6 and y < 0.4, of which a share is turned around."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.random(count) for name in ("x", "y", *(f"n{k}" for k in range(noise)))}
    cases = (columns["x"] > 0.6) & (columns["y"] < 0.4)
    return columns, cases ^ (rng.random(count) < wrong)


# ---------------------------------------------------------------------------------------------
# PRIM


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("search", [prim, prim_of_few])
def test_a_planted_box_is_found(search, seed):
    columns, cases = planted(1000, seed)
    box = search(columns, cases).box

    assert set(box.ends) == {"x", "y"}
    assert box.ends["x"][0] == pytest.approx(0.6, abs=0.05)
    assert box.ends["y"][1] == pytest.approx(0.4, abs=0.05)
    assert box.ends["x"][1] is None
    assert box.ends["y"][0] is None
    assert box.density > 0.8
    assert box.coverage > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_box_is_found_among_many_parameters_and_wrong_cases(seed):
    columns, cases = planted(600, seed, noise=20, wrong=0.08)
    box = prim_of_few(columns, cases, density=0.75).box

    assert {"x", "y"} <= set(box.ends)
    assert box.ends["x"][0] == pytest.approx(0.6, abs=0.1)
    assert box.ends["y"][1] == pytest.approx(0.4, abs=0.1)
    assert len(box.ends) <= 3


def test_a_box_is_as_good_as_the_best_of_all_boxes_on_a_coarse_grid():
    """The oracle tries every box with ends at tenths."""
    columns, cases = planted(400, 3, noise=0, wrong=0.05)
    best = 0.0
    grid = np.linspace(0, 1, 11)
    for low, high in product(grid, repeat=2):
        inside = (columns["x"] >= low) & (columns["y"] <= high)
        if inside.sum() >= 20 and cases[inside].mean() >= 0.8:
            best = max(best, (cases & inside).sum() / cases.sum())
    found = prim_of_few(columns, cases, density=0.8).box

    assert best > 0.5
    assert found.density >= 0.8
    assert found.coverage >= best - 0.03


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(40, 200), st.booleans())
def test_the_counts_of_every_box_are_those_of_its_draws(seed, count, coarse):
    rng = np.random.default_rng(seed)
    columns = {name: rng.random(count) for name in "ab"}
    if coarse:  # few values: draws go together
        columns["a"] = np.round(4 * columns["a"])
    cases = rng.random(count) < 0.3 + 0.4 * (columns["b"] > 0.5)
    if not cases.any() or cases.all():
        return
    found = prim(columns, cases)

    for box in (*found.boxes, found.box):
        inside = np.ones(count, dtype=bool)
        for name, (low, high) in box.ends.items():
            inside &= columns[name] >= (-np.inf if low is None else low)
            inside &= columns[name] <= (np.inf if high is None else high)
        assert (box.holds(columns) == inside).all()
        assert box.inside == inside.sum()
        assert box.cases == (inside & cases).sum()
        assert box.coverage == pytest.approx(box.cases / cases.sum())
        assert box.density == pytest.approx(box.cases / box.inside)
        assert box.mass == pytest.approx(box.inside / count)
        assert box.inside >= 0.05 * count - 1e-9
    assert found.boxes[0].ends == {}


def test_peeling_raises_the_density_step_by_step():
    columns, cases = planted(500, 1, wrong=0.1)
    path = prim(columns, cases).boxes

    assert len(path) > 10
    assert path[-1].density > 2 * path[0].density
    coverage = [box.coverage for box in path]
    assert coverage[0] == 1
    # Steps that peel hold fewer draws; those that paste never lower the density.
    for before, after in pairwise(path):
        assert after.density >= before.density - 1e-12


def test_values_that_are_equal_are_peeled_together():
    columns = {"kind": np.repeat([1.0, 2.0, 3.0], 100)}
    cases = columns["kind"] == 3
    box = prim(columns, cases).box

    assert box.ends == {"kind": (3.0, None)}
    assert box.density == box.coverage == 1


def test_quasi_p_values_are_binomial_tails():
    from scipy.stats import binom

    columns, cases = planted(300, 2, noise=1, wrong=0.1)
    ends = {"x": (0.6, None), "y": (0.1, 0.4), "n0": (0.2, None)}
    found = {(limit.parameter, limit.side): limit for limit in quasi_p_values(ends, columns, cases)}
    x, y, n0 = (columns[name] for name in ("x", "y", "n0"))
    inside = (x >= 0.6) & (y >= 0.1) & (y <= 0.4) & (n0 >= 0.2)
    wider = (x >= 0.6) & (y >= 0.1) & (n0 >= 0.2)
    tail = binom.sf((inside & cases).sum() - 1, inside.sum(), cases[wider].mean())

    assert len(found) == 4
    assert found["y", "below"].quasi_p == pytest.approx(tail, rel=1e-9)
    assert found["y", "below"].value == 0.4
    assert found["x", "above"].quasi_p < 1e-6
    assert found["n0", "above"].quasi_p > 0.05


def test_wrong_data_are_refused():
    with pytest.raises(RequestError, match="no draw is a case"):
        prim({"x": [1.0, 2.0]}, np.array([False, False]))
    with pytest.raises(RequestError, match="every draw is a case"):
        cart({"x": [1.0, 2.0]}, np.array([True, True]))
    with pytest.raises(RequestError, match="booleans"):
        prim({"x": [1.0, 2.0]}, np.array([0.0, 1.0]))
    with pytest.raises(RequestError, match="finite"):
        prim({"x": [1.0, np.nan]}, np.array([False, True]))
    with pytest.raises(RequestError, match="peel = 2"):
        prim({"x": [1.0, 2.0]}, np.array([False, True]), peel=2)


# ---------------------------------------------------------------------------------------------
# CART


def test_a_tree_finds_the_planted_box_and_prunes_the_rest():
    columns, cases = planted(1000, 4, wrong=0.05)
    leaves = cart(columns, cases)
    says = [leaf for leaf in leaves if leaf.says]

    assert len(says) == 1
    assert set(says[0].box.ends) == {"x", "y"}
    assert says[0].box.ends["x"][0] == pytest.approx(0.6, abs=0.03)
    assert says[0].box.ends["y"][1] == pytest.approx(0.4, abs=0.03)
    assert len(leaves) == 3


def test_every_draw_lies_in_one_leaf():
    columns, cases = planted(300, 5, wrong=0.2)
    leaves = cart(columns, cases)

    assert sum(leaf.box.holds(columns).astype(int) for leaf in leaves).tolist() == [1] * 300
    assert sum(leaf.box.inside for leaf in leaves) == 300
    assert sum(leaf.box.cases for leaf in leaves) == cases.sum()
    assert all(leaf.says == (leaf.box.density > 0.5) for leaf in leaves)


def test_the_first_split_is_the_best_of_all_splits():
    rng = np.random.default_rng(8)
    columns = {name: rng.random(60) for name in "abc"}
    cases = columns["b"] + 0.3 * rng.random(60) > 0.7
    (left, right) = cart(columns, cases, depth=1, least=0.02)
    (name,) = left.box.ends

    def impurity(mask):
        share = cases[mask].mean()
        return mask.sum() * share * (1 - share)

    best = min(
        impurity(column <= cut) + impurity(column > cut)
        for column in columns.values()
        for cut in np.sort(column)[1:-2]
    )
    (cut,) = {end for ends in (*left.box.ends.values(), *right.box.ends.values())
              for end in ends if end is not None}  # fmt: skip
    assert impurity(columns[name] <= cut) + impurity(columns[name] > cut) == pytest.approx(best)


def test_pure_noise_is_pruned_to_one_leaf():
    rng = np.random.default_rng(2)
    leaves = cart({"a": rng.random(400), "b": rng.random(400)}, rng.random(400) < 0.3)

    assert len(leaves) == 1
    assert leaves[0].box.ends == {}


# ---------------------------------------------------------------------------------------------
# A game


def test_boxes_of_a_game_say_where_a_flag_holds():
    draws = draw(YARD, 300, 1)
    found = discover(YARD, "backfires", "wall", draws=draws)
    truth = draws["push"] * (1 - draws["ease"]) > draws["ease"]

    assert found.formula == "K > none.K"
    assert found.cases == truth.sum()
    assert found.used == found.draws == 300
    box = found.boxes[0].box
    assert set(box.ends) == {"push", "ease"} or set(box.ends) == {"ease"}
    assert truth[box.holds(draws)].mean() == pytest.approx(box.density)
    assert box.density >= 0.8
    assert found.held_out.density > 0.6
    text = str(found)
    assert text.splitlines()[3].startswith("Under Wall, backfires (K > none.K) holds in ")
    assert "ease <= " in text


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_row_that_is_marked_as_reported_is_that_of_the_headline(seed):
    found = discover(YARD, "backfires", "wall", draws=draw(YARD, 120, seed))
    text = str(found)
    (peeling,) = found.boxes[:1]
    less = peeling.boxes[peeling.chosen].ends != peeling.box.ends
    name = "reported" if less else f"{peeling.chosen} *"
    (row,) = [line for line in text.splitlines() if re.match(re.escape(name) + r"  +\d", line)]
    coverage, density, _, draws, limited = row.removeprefix(name).split()
    assert f"that box holds {coverage} of all draws at which it holds" in " ".join(text.split())
    assert f"holds in {density} of cases" in " ".join(text.split())
    assert (int(draws), int(limited)) == (peeling.box.inside, len(peeling.box.ends))
    assert ("less the limits that do not matter" in text) == less


def test_a_condition_may_name_its_regimes_itself():
    draws = draw(YARD, 100, 2)
    one = discover(YARD, "wall.K > none.K", draws=draws)
    other = discover(YARD, "backfires", "wall", draws=draws)

    assert one.regime is None
    assert one.cases == other.cases
    assert one.boxes[0].box.ends == other.boxes[0].box.ends


def test_conditions_read_parameters_as_well():
    draws = draw(YARD, 60, 2)
    found = discover(YARD, "K > ease", "none", draws=draws)
    assert found.cases == 0
    assert found.boxes == ()
    assert "at none of 60 draws" in str(found)

    found = discover(YARD, "K >= push * (1 - ease)", "wall", draws=draws)
    assert found.cases == 60
    assert "at every one of 60 draws" in str(found)


def answers(**columns) -> Draws:
    """Return answers of three draws under two regimes, as if solved."""
    shape = (3, 2)
    low = np.array(columns["low"], dtype=float).reshape(*shape, 1)
    high = np.array(columns["high"], dtype=float).reshape(*shape, 1)
    count = np.where(np.isnan(low[:, :, 0]), 0, np.where(low[:, :, 0] < high[:, :, 0], 2, 1))
    return Draws(("wall", "none"), ("K",), low, high, count, np.zeros(shape), np.zeros(shape, int))


def test_undefined_draws_and_draws_that_depend_are_counted_and_named():
    given = {"push": np.array([0.1, 0.2, 0.3])}
    low = [[2, 1], [0, 1], [np.nan, 1]]
    high = [[2, 1], [3, 1], [np.nan, 1]]
    found = discover_in(YARD, answers(low=low, high=high), given, "backfires", "wall")

    assert (found.draws, found.used, found.cases) == (3, 1, 1)
    assert found.lost == 1
    assert found.depends == 1
    assert found.undefined == {"wall": 1, "none": 0}
    assert "1 of 3 draws have no certified answer (wall 1)" in str(found)
    assert "At 1 of 3 draws it depends on which equilibrium is played" in str(found)


def test_a_condition_that_no_draw_settles_is_refused():
    given = {"push": np.array([0.1, 0.2, 0.3])}
    table = [[np.nan, 1]] * 3
    with pytest.raises(RequestError, match="at no draw is it certain"):
        discover_in(YARD, answers(low=table, high=table), given, "backfires", "wall")


def test_an_outcome_over_several_equilibria_spans_all_combinations():
    measured = outcome_of(YARD, "K / none.K")
    low, high = measured.values(
        answers(low=[[2, 1], [0, 1], [4, 2]], high=[[2, 1], [3, 2], [4, 2]]), "wall", {}
    )

    assert low.tolist() == [2, 0, 2]
    assert high.tolist() == [2, 3, 2]


@pytest.mark.parametrize(
    ("formula", "bounds"),
    [
        ("K > 1 and K < 2", [(0, 1), (0, 0), (1, 1)]),
        ("abs(K - 1.5)", [(0, 1.5), (0.5, 1.5), (0, 0)]),
        ("abs(K - none.K)", [(0, 3), (0, 1), (0.5, 0.5)]),
    ],
)
def test_what_rises_and_falls_again_over_several_equilibria_is_spanned_too(formula, bounds):
    """At the ends alone a condition failed for sure that holds in between, and was no case."""
    table = answers(low=[[0, 0], [0, 1], [1.5, 1]], high=[[3, 0], [1, 1], [1.5, 1]])
    low, high = outcome_of(YARD, formula).values(table, "wall", {})

    assert [*zip(low, high, strict=True)] == [pytest.approx(pair, abs=0.1) for pair in bounds]


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("log(K) > 1", [np.nan, np.nan, 1]),  # of -1, 0 and 3
        ("not (log(K) > 1)", [np.nan, np.nan, 0]),
        ("K > 0 and log(K) > 1", [0, 0, 1]),
        ("K <= 0 or log(K) > 1", [1, 1, 1]),
        ("log(K) > 1 or K < 0", [1, np.nan, 1]),
        ("none.K / K > 0", [0, np.nan, 1]),
        ("where(K > 0, log(K), -9) > 1", [0, 0, 1]),
        ("where(log(K) > 1, 2, 3)", [np.nan, np.nan, 2]),
        ("2 / (1 + exp(300 * K ** 2))", [0, 1, 0]),
    ],
)
def test_a_condition_over_an_undefined_number_neither_holds_nor_fails(formula, values):
    """NaN is above nothing: the condition failed, and was counted among the draws."""
    table = answers(low=[[-1, 1], [0, 1], [3, 1]], high=[[-1, 1], [0, 1], [3, 1]])
    low, high = outcome_of(YARD, formula).values(table, "wall", {})

    assert low == pytest.approx(np.array(values, dtype=float), abs=1e-99, nan_ok=True)
    assert high == pytest.approx(np.array(values, dtype=float), abs=1e-99, nan_ok=True)


def test_rounding_does_not_make_one_regime_exceed_another():
    measured = outcome_of(YARD, "backfires")
    table = [[1 + 1e-9, 1], [1, 1], [1.001, 1]]
    low, high = measured.values(answers(low=table, high=table), "wall", {})

    assert low.tolist() == high.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"condition": "K"}, RequestError, "is a number, not a condition"),
        ({"condition": "backfires"}, RequestError, "without saying of which regime"),
        ({"condition": "backfire", "regime": "wall"}, SpecError, "Did you mean 'backfires'"),
        ({"condition": "backfires", "regime": "wal"}, RequestError, "Did you mean 'wall'"),
        ({"condition": "wall.K > nnone.K"}, SpecError, "nnone"),
        ({"condition": "push > 1"}, RequestError, "no outcome"),
        ({"condition": "wall.K > 1", "among": ["pull"]}, RequestError, "pull is not drawn"),
        ({"condition": "wall.K > 1", "boxes": 0}, RequestError, "boxes = 0"),
    ],
)
def test_a_wrong_request_is_refused_with_a_way_to_mend_it(arguments, error, message):
    with pytest.raises(error, match=message):
        discover(YARD, draws={"push": [0.5, 1.0]}, **arguments)


def test_the_answers_must_hold_the_regimes_that_the_condition_reads():
    draws = {"push": np.linspace(0, 2, 20)}
    solved = solved_for(YARD, "wall.K > 1", [None], draws=draws)

    assert solved.regimes == ("wall",)
    with pytest.raises(RequestError, match="not solved under none"):
        discover_in(YARD, solved, draws, "wall.K > none.K")


def test_further_boxes_are_of_draws_outside_the_first():
    rng = np.random.default_rng(6)
    count = 400
    draws = {"push": 2 * rng.random(count), "ease": rng.random(count), "noise": rng.random(count)}
    condition = "wall.K < 0.05 or none.K > 0.9"
    found = discover(YARD, condition, draws=draws, boxes=3)

    assert len(found.boxes) >= 2
    kept = np.ones(count, dtype=bool)
    for peeling, (_, mass) in zip(found.boxes, found.shares, strict=True):
        inside = peeling.box.holds(draws) & kept
        assert inside.sum() == peeling.box.inside
        assert mass == pytest.approx(inside.sum() / count)
        kept &= ~inside
    assert isinstance(found.boxes[0].box, Box)
    assert found.to_dict()["boxes"][1]["coverage_of_all"] < 1


def test_a_draw_lies_in_one_leaf_even_where_a_split_has_no_middle():
    x = np.repeat([1.0, np.nextafter(1.0, 2.0)], 20)
    leaves = cart({"x": x}, x > 1)

    assert [(leaf.says, leaf.box.inside) for leaf in leaves] == [(True, 20), (False, 20)]


def test_a_tree_whose_splits_predict_nothing_is_a_single_leaf():
    """Four draws in five are cases on either side of every split, so no split mends an error."""
    x = np.arange(40.0)
    cases = np.arange(40) % 5 != 0

    (leaf,) = cart({"x": x}, cases, least=0.25)

    assert leaf.says
    assert leaf.box.inside == 40
