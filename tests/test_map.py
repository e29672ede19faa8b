"""Regime maps: closed-form borders are met, and what is drawn was solved."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Regime, Stage, limits
from highfence.errors import Interrupted, RequestError
from highfence.report.json import dumps
from highfence.report.map_text import map_csv, map_text
from highfence.study.map import RegimeMap, map_regimes, regime_map
from highfence.study.scan import Standing


def three(x_wins: str, y_wins: str) -> Game:
    """One player, whose payoff is 0 under "none" and a formula in x and y under two others."""
    return Game(
        name="three",
        players=["A"],
        parameters=[Parameter("x", 0.5, low=0, high=1), Parameter("y", 0.5, low=0, high=2)],
        stages=[Stage("now", Decision("A", "law", ["none", "one", "two"]))],
        derived={"value": f"where(law == 'none', 0, where(law == 'one', {x_wins}, {y_wins}))"},
        payoffs={"A": "value"},
        regimes=[Regime(name, fix={"law": name}) for name in ("none", "one", "two")],
    )


PLANE = three("x - 1/2", "y - 1 - x / 4")


def winner(x, y):
    """The closed form of PLANE."""
    values = {"none": 0, "one": x - 0.5, "two": y - 1 - x / 4}
    return max(values, key=values.__getitem__)


def test_every_point_is_what_the_closed_form_says():
    found = regime_map(PLANE, "x", "y", cells=5, depth=2)

    assert found.complete
    for (x, y), placing in zip(found.at, found.points, strict=True):
        if placing.standing is Standing.BEST:
            assert placing.best == winner(x, y)
        else:
            assert placing.standing is Standing.TIE
    assert found.player == "A"


def test_borders_lie_where_the_margin_is_zero():
    found = regime_map(PLANE, "x", "y", cells=4, depth=2)

    assert found.borders
    for border in found.borders:
        values = {"none": 0, "one": border.x - 0.5, "two": border.y - 1 - border.x / 4}
        one, two = border.regimes
        assert values[one] == pytest.approx(values[two], abs=1e-9)  # margins are linear
        assert border.width <= 2 / 16 + 1e-12


@pytest.mark.parametrize(("margin", "borders"), [("x - y / 2", 9), ("x - 1/2", 9)])
def test_a_border_through_the_points_of_the_grid_is_one_and_has_no_area(margin, borders):
    """All of it ties, so that no edge has a winner at both ends: it was an area and no border."""
    found = regime_map(three(margin, "-9"), "x", "y", ["none", "one"], cells=4, depth=1)

    assert found.shares == pytest.approx({"none": 0.5, "one": 0.5})
    assert found.near_share == 0
    assert len(found.borders) == borders
    for border in found.borders:
        assert eval(margin, {"x": border.x, "y": border.y}) == 0
        assert set(border.regimes) == {"none", "one"}


def test_a_stretch_of_ties_has_an_area():
    found = regime_map(three("where(x < 1/2, 0, x - 1/2)", "-9"), "x", "y", cells=4, depth=2)

    assert found.shares["none = one"] == pytest.approx(0.5, abs=1 / 32)


def test_cells_tile_the_rectangle_and_are_small_only_where_the_answer_changes():
    found = regime_map(PLANE, "x", "y", cells=8, depth=2)

    areas = [(c.x[1] - c.x[0]) * (c.y[1] - c.y[0]) for c in found.cells]
    assert sum(areas) == pytest.approx(2)
    assert len(found.points) < 33 * 33
    far = [c for c in found.cells if c.x[1] <= 0.25 and c.y[1] <= 0.5]
    assert {c.state for c in far} == {"none"}
    assert all(c.x[1] - c.x[0] == pytest.approx(1 / 8) for c in far)
    for cell in found.cells:
        if not cell.state:
            assert cell.x[1] - cell.x[0] == pytest.approx(1 / 32)


def test_shares_are_areas():
    found = regime_map(PLANE, "x", "y", cells=8, depth=3)
    x, y = np.meshgrid(np.linspace(0, 1, 401), np.linspace(0, 2, 401))
    exact = {name: np.mean(np.vectorize(winner)(x, y) == name) for name in ("none", "one", "two")}

    assert sum(found.shares.values()) == pytest.approx(1)
    for name, share in exact.items():
        assert found.shares[name] == pytest.approx(share, abs=0.02)


@given(a=st.floats(0.1, 0.9), b=st.floats(0.2, 1.8))
@settings(max_examples=10)
def test_an_island_that_is_larger_than_a_cell_is_seen_from_its_edge_points(a, b):
    island = three(f"0.04 - (x - {a}) ** 2 - (y - {b}) ** 2 / 4", "-1")
    found = regime_map(island, "x", "y", cells=5, depth=2)

    # A disc of radius .2 in x: at least one corner of a grid of .2 by .4 (radius .4 in y) is
    # within it, or its border comes so near that margins fall towards 0.
    assert found.shares.get("one", 0) == pytest.approx(np.pi * 0.08 / 2, rel=0.8)


def test_asked_for_lines_are_the_grid():
    found = regime_map(PLANE, "x", "y", x=[0, 0.1, 0.7, 1], y=[0.5, 1, 2], depth=0)

    assert len(found.points) == 12
    assert found.best(0.7, 0.5).best == "one"
    assert found.best(0.1, 2).best == "two"
    with pytest.raises(RequestError, match="not a point"):
        found.best(0.3, 0.5)
    rows = [line for line in str(found).splitlines() if line[:3].strip() in ("2", "1", "0.5")]
    assert [row.split()[1:] for row in rows] == [
        ["T", "T", "T", "T"],
        ["=", "N", "O", "O"] if found.best(0, 1).standing is Standing.TIE else ["N", "N", "O", "O"],
        ["N", "N", "O", "O"],
    ]


def test_a_near_tie_is_lower_case_and_counted():
    near = replace(
        PLANE,
        derived={"value": "where(law == 'none', 10, where(law == 'one', 10 + (x - 0.51) / 10, 0))"},
    )
    found = regime_map(near, "x", "y", cells=4, depth=1)

    assert found.near_share == pytest.approx(0.6, abs=0.2)  # |x - .51| < .3
    assert "n" in map_text(found)
    assert "lower case: near tie" in map_text(found)


# If x > .55, "first" wants to be far from "second", who wants to be at the same end: both would
# have to mix, which no method searches.
PURSUIT = Game(
    name="pursuit",
    players=["first", "second"],
    parameters=[Parameter("x", 0.2, low=0, high=1), Parameter("y", 0.5, low=0.1, high=0.9)],
    stages=[
        Stage("go", Decision("first", "p", Interval(0, 1)), Decision("second", "q", Interval(0, 1)))
    ],
    payoffs={
        "first": "(x - 0.55) * (p - q) ** 2",
        "second": "-(q - y) ** 2 - (p - q) ** 2 + where(x > 0.55, 4, 0) * (q - 0.5) ** 2",
    },
    regimes=[Regime("high", set={"y": 0.9}), Regime("low")],
)


def test_points_without_an_answer_name_no_regime(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RETRIES", 1)
    found = regime_map(PURSUIT, "x", "y", player="first", cells=2, depth=0)

    for (x, _), placing in zip(found.at, found.points, strict=True):
        assert (placing.standing is Standing.UNSOLVED) == (x > 0.55)
    assert not found.settled
    assert any("no certified answer" in note for note in found.notes)
    assert ". nothing certified" in str(found)
    assert any(cell.unsolved for cell in found.cells)


# ---------------------------------------------------------------------------------------------
# The result


def test_json_and_csv_hold_every_point():
    found = regime_map(PLANE, "x", "y", cells=3, depth=1)
    tree = json.loads(dumps(found.to_dict()))

    assert len(tree["points"]) == len(found.points)
    assert tree["answer"] in map_text(found).replace("\n", " ")
    assert tree["x"]["lines"] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    for cell in tree["cells"]:
        corner = tree["points"][cell["corners"][0]]
        assert [corner["x"], corner["y"]] == [cell["x"][0], cell["y"][0]]
    rows = list(csv.DictReader(io.StringIO(map_csv(found))))
    assert len(rows) == len(found.points)
    assert float(rows[0]["low.one"]) == -0.5


def test_an_interrupted_map_hands_over_what_is_solved():
    def stop(step):
        if step.startswith("refining"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        map_regimes(PLANE, "x", "y", tell=stop)

    found = caught.value.done
    assert isinstance(found, RegimeMap)
    assert not found.complete
    assert len(found.points) == 81


def test_a_limit_ends_refinement_and_refuses_a_grid_beyond_it(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SCAN_POINTS", 90)

    assert not regime_map(PLANE, "x", "y", cells=8).complete
    with pytest.raises(RequestError, match="MAX_SCAN_POINTS"):
        regime_map(PLANE, "x", "y", cells=9)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y_parameter": "x"}, "both axes"),
        ({"x_parameter": "z"}, "no parameter 'z'"),
        ({"x": [0, 0.5, 0.2]}, "ascending"),
        ({"x": (0.5, 0.2)}, "not a range"),
        ({"cells": 0}, "cells"),
        ({"depth": 9}, "depth"),
        ({"regimes": ["one"]}, "at least two"),
        ({"player": "B"}, "no player 'B'"),
        ({"parameters": {"x": 0.3}}, "cannot be set"),
    ],
)
def test_a_wrong_request_names_what_is_wrong(changes, says):
    asked = {"x_parameter": "x", "y_parameter": "y", **changes}
    with pytest.raises(RequestError, match=says):
        map_regimes(PLANE, **asked)


# ---------------------------------------------------------------------------------------------
# The flagship, allies aligned: the reference's map


@pytest.mark.slow
def test_the_reference_map_is_met_but_for_two_near_ties():
    """N none, S small yard, B broad; rows from Om = 1 up, columns by h."""
    printed = """
        1 NNNNNNNN
        2 NNNNNNSS
        3 NNNSSSSS
        5 NSSSSSSS
        8 SSSSSSSS
        12 SSSSSSSB
        20 SSSSSBBB
        50 SSSSBBBB
    """
    rows = {
        float(om): row for om, row in (line.split() for line in printed.split("\n") if line.strip())
    }
    weights = [0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1]
    found = regime_map(
        "small_yard_high_fence", "h", "Om", ["none", "small_yard", "broad"],
        x=weights, y=sorted(rows), depth=0, allies="aligned",
    )  # fmt: skip

    letters = {"N": "none", "S": "small_yard", "B": "broad"}
    differ = {}
    for om, row in rows.items():
        for h, letter in zip(weights, row, strict=True):
            placing = found.best(h, om)
            if placing.best != letters[letter]:
                differ[om, h] = (letters[letter], placing.best, placing.near_tie)
    # The reference put the subsidy on a grid of .1; two solvers without one agree on these.
    assert differ == {
        (20, 0.65): ("broad", "small_yard", True),
        (50, 0.5): ("broad", "small_yard", True),
    }
