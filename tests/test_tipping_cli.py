"""``highfence tipping`` and ``highfence map``: what they print and write, and how they end."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from games_for_cli import MEETING, YARD
from highfence.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs a command in a folder with two games: (output, errors)."""
    (tmp_path / "yard.toml").write_text(YARD, "utf-8")
    (tmp_path / "meeting.nfg").write_text(MEETING, "utf-8")
    monkeypatch.chdir(tmp_path)

    def run(command: str, *arguments: str, code: int = 0) -> tuple[str, str]:
        ended = main([command, *arguments])
        out, err = capsys.readouterr()
        assert ended == code, err
        assert "Traceback" not in err
        return out, err

    return run


# At cost 1 the yard beats none from stake 1/2 on, and the wall the yard from 7.5 on.


def test_tipping_says_first_where_the_best_regime_changes(run):
    out, err = run("tipping", "yard.toml", "stake")
    said = " ".join(out.split())

    assert (
        "Best for A (Restricting state): none up to stake = 0.5, yard from there to 7.5, wall from "
        "there on." in said
    )
    assert "stake = 0.5: none -> yard" in said
    assert "stake = 7.5: yard -> wall" in said
    assert "N none, Y yard, W wall" in said
    assert err == ""


def test_the_range_the_judge_and_other_values_can_be_given(run):
    out, _ = run("tipping", "yard.toml", "stake", "--between", "6:", "--set", "cost=1")
    assert "wall is best for A (Restricting state) from stake = 7.5 up to 10; below, yard." in (
        " ".join(out.split())
    )

    out, _ = run("tipping", "yard.toml", "stake", "--player", "C")
    assert "C" in out.split("is best for ")[1][:1]


def test_an_outcome_is_asked_for_in_place_of_the_best_regime(run):
    out, _ = run("tipping", "yard.toml", "stake", "--outcome", "wall.W_A - none.W_A")
    said = " ".join(out.split())

    assert "wall.W_A - none.W_A is below 0 up to stake = " in said
    assert "above 0 from there on." in said


def test_what_holds_today_is_said_of_every_regime_and_the_strip_has_a_legend(run):
    """denial is stake * scope: 0, 2 and 4 at stake = 4, under none, yard and wall."""
    out, _ = run("tipping", "yard.toml", "stake", "--outcome", "denial")
    said = " ".join(out.split())

    assert "it is 0 under none, 2 under yard, 4 under wall" in said
    strip = out.split("\nnone\n")[1].split("\nyard\n")[0]
    assert "0 is 0" in strip.splitlines()[2]


def test_json_and_csv_hold_the_flips(run):
    out, _ = run("tipping", "yard.toml", "stake", "--json")
    flips = [tip for tip in json.loads(out)["tips"] if tip["kind"] == "best regime"]
    assert [flip["says"] for flip in flips] == ["none -> yard", "yard -> wall"]
    for flip, value in zip(flips, (0.5, 7.5), strict=True):
        assert flip["low"] <= value <= flip["high"]
        assert flip["high"] - flip["low"] <= 1.001e-3

    out, _ = run("tipping", "yard.toml", "stake", "--csv")
    rows = [r for r in csv.DictReader(io.StringIO(out)) if r["kind"] == "best regime"]
    assert [row["after"] for row in rows] == ["yard", "wall"]


def test_the_answer_is_written_to_a_new_file(run, tmp_path):
    out, err = run("tipping", "yard.toml", "stake", "--out", "tips.json")
    assert err == "highfence: wrote tips.json\n"
    page, _ = run("tipping", "yard.toml", "stake")
    assert 0 < len(out) < len(page) / 2
    assert " ".join(out.split()) in " ".join(page.split())
    assert json.loads((tmp_path / "tips.json").read_text("utf-8"))["parameter"] == "stake"

    run("tipping", "yard.toml", "stake", "--out", "tips.json", code=2)
    run("tipping", "yard.toml", "stake", "--out", "tips.json", "--force")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("steak",), "Did you mean 'stake'"),
        (("timing",), "has choices"),
        (("stake", "--between", "3"), "LOW:HIGH"),
        (("stake", "--between", "9:3"), "is above the upper one"),
        (("stake", "--regimes", "nonne"), "Did you mean 'none'"),
        (("stake", "--set", "stake=3"), "cannot be set"),
        (("stake", "--tolerance", "2"), "tolerance"),
        (("stake", "--json", "--csv"), "Choose one"),
        (("stake", "--outcome", "none.W_B"), "W_B"),
    ],
)
def test_a_wrong_request_for_tipping_points_ends_with_two(run, arguments, says):
    _, err = run("tipping", "yard.toml", *arguments, code=2)
    assert says in err


def test_a_form_without_parameters_is_refused(run):
    _, err = run("tipping", "meeting.nfg", "x", code=2)
    assert "no parameters" in err


# ---------------------------------------------------------------------------------------------
# Maps


def test_a_map_says_first_who_is_best_where_and_draws_it(run):
    out, err = run("map", "yard.toml", "stake", "cost", "--cells", "4", "--depth", "1")
    said = " ".join(out.split())

    assert "Best for A (Restricting state), stake from 0 to 10 and cost from 0 to 5: " in said
    assert "percent" in said
    rows = [line for line in out.splitlines() if set(line.strip()[-40:]) <= set("NYWnyw=?.")]
    assert len(rows) >= 15
    assert err == ""


def test_regimes_that_tie_everywhere_are_an_answer_to_a_map(run, tmp_path):
    (tmp_path / "same.toml").write_text(SAME, "utf-8")

    out, _ = run("map", "same.toml", "x", "y", "--cells", "2", code=0)
    assert "one = other 100 percent" in " ".join(out.split())


SAME = """
name = "same"
[players]
A = "Anybody"
[parameters]
x = {value = 0.5, low = 0, high = 1}
y = {value = 0.5, low = 0, high = 1}
[[stages]]
name = "now"
[stages.decisions.law]
player = "A"
actions = ["this", "that"]
[payoffs]
A = "x + y"
[regimes]
one = {fix = {law = "this"}}
other = {fix = {law = "that"}}
"""


def test_a_map_takes_the_lines_of_its_grid(run):
    out, _ = run(
        "map", "yard.toml", "stake", "cost", "--x", "0.25,3,9", "--y", "0.5,1,2", "--depth", "0"
    )

    (row,) = [line for line in out.splitlines() if line.split()[:1] == ["1"]]
    assert [mark.upper() for mark in row.split()[1:]] == ["N", "Y", "W"]


def test_a_map_as_json_and_as_csv_holds_every_point(run):
    asked = ("map", "yard.toml", "stake", "cost", "--cells", "2", "--depth", "1")
    tree = json.loads(run(*asked, "--json")[0])
    rows = list(csv.DictReader(io.StringIO(run(*asked, "--csv")[0])))

    assert len(rows) == len(tree["points"]) >= 9
    assert rows[0]["stake"] == "0.0"
    assert {cell["state"] for cell in tree["cells"]} - {""} <= {"none", "yard", "wall"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stake", "stake"), "both axes"),
        (("stake", "price"), "no parameter 'price'"),
        (("stake", "cost", "--x", "1"), "neither LOW:HIGH nor"),
        (("stake", "cost", "--y", "1:"), "both ends"),
        (("stake", "cost", "--x", "1,3,2"), "lines of a grid ascend"),
        (("stake", "cost", "--regimes", "wall"), "at least two"),
    ],
)
def test_a_wrong_request_for_a_map_ends_with_two(run, arguments, says):
    _, err = run("map", "yard.toml", *arguments, code=2)
    assert says in err
