"""``highfence sensitivity``: what it prints, in which form, and how it ends.

In the little yard W_A is stake/2 - cost/4 under the yard and stake - 3 - cost under the wall; with
stake from 0 to 10 and cost from 0 to 5 the stake matters most, and the wall wins where
stake/2 - 3 - 3 cost/4 > 0.
"""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module
from pathlib import Path

import pytest

from games_for_cli import MEETING, YARD
from highfence.cli import main
from highfence.commands import sensitivity as module
from highfence.errors import Interrupted

BATTLE = """\
name = "battle"
[players]
he = "He"
she = "She"
[parameters.w]
value = 2
low = 1.5
high = 3
[[stages]]
name = "go"
[stages.decisions.his]
player = "he"
actions = ["opera", "fight"]
[stages.decisions.hers]
player = "she"
actions = ["opera", "fight"]
[payoffs]
he = "1 * (his == 'opera' and hers == 'opera') + w * (his == 'fight' and hers == 'fight')"
she = "w * (his == 'opera' and hers == 'opera') + 1 * (his == 'fight' and hers == 'fight')"
[regimes.any]
[regimes.gallant]
fix = {his = "opera"}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "yard.toml").write_text(YARD, "utf-8")
    (tmp_path / "meeting.nfg").write_text(MEETING, "utf-8")
    (tmp_path / "battle.toml").write_text(BATTLE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(here: Path, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs the command here and returns (code, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["sensitivity", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


def test_the_answer_is_a_sentence_and_then_a_table(ran):
    code, out, err = ran("yard.toml", "--outcome", "W_A", "--regimes", "yard", "--draws", "60")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "A little yard"
    assert lines[1].startswith("little_yard; default parameters; rank: 60 draws of 2 uncertain")
    assert "What denial is worth to A (stake) goes most with W_A under yard" in out
    assert lines[6].split() == ["parameter", "rank", "correlation", "95%"]
    assert lines[7].split()[0] == "stake"
    assert lines[8].split()[0] == "cost"
    assert lines[8].split()[1].startswith("-")


@pytest.mark.parametrize(
    ("method", "says", "points"),
    [
        ("sobol", "explains", 6 * 16),
        ("morris", "moves W_A under yard most, by 5 on average", 3 * 16),
        ("tornado", "moves W_A under yard most: -0.25 at 0, 4.75 at 10 (1.75 at the preset)", 5),
    ],
)
def test_every_method_says_its_own(ran, method, says, points):
    code, out, _ = ran(
        "yard.toml", "--method", method, "--outcome", "W_A", "--regimes", "yard", "--draws", "16"
    )
    flat = " ".join(out.split())

    assert code == 0
    assert says in flat
    assert f"{points} points" in flat


def test_pawn_names_what_chance_gives(ran):
    code, out, _ = ran(
        "yard.toml", "--method", "pawn", "--outcome", "W_A", "--regimes", "yard", "--draws", "200"
    )

    assert code == 0
    assert "where chance gives up to" in " ".join(out.split())
    assert "A parameter without any effect stays below" in out


def test_without_an_outcome_the_margins_are_asked_about(ran):
    code, out, _ = ran("yard.toml", "--json", "--draws", "40", "--regimes", "yard,wall")
    tree = json.loads(out)

    assert code == 0
    assert [one["target"] for one in tree["targets"]] == ["margin of yard", "margin of wall"]
    assert tree["player"] == "A"
    assert tree["method"] == "rank"
    assert tree["regimes"] == ["yard", "wall"]
    margin = tree["targets"][0]["parameters"]
    assert list(margin) == ["stake", "cost"] or list(margin) == ["cost", "stake"]
    assert margin["stake"]["correlation"] < 0 < margin["cost"]["correlation"]


def test_the_winner_is_an_outcome(ran):
    _, out, _ = ran(
        "yard.toml", "--outcome", "wins(wall)", "--regimes", "yard,wall", "--draws", "400", "--json"
    )
    (wins,) = json.loads(out)["targets"]

    # stake > 6 + 3 cost/2: a triangle of 4 by 8/3 in a rectangle of 10 by 5.
    assert wins["mean"] == pytest.approx(4 * (8 / 3) / 2 / 50, abs=0.02)
    assert wins["condition"] is True
    assert wins["says"].startswith("What denial is worth to A (stake) goes most with whether wall")


def test_what_is_uncertain_can_be_described(ran):
    _, out, _ = ran(
        "yard.toml", "--outcome", "W_A", "--regimes", "yard", "--draws", "20", "--rng", "3",
        "--distribution", "stake=triangular(0, 2, 4)", "--tie", "cost=stake / 4", "--json",
        "--preset", "calm",
    )  # fmt: skip
    tree = json.loads(out)

    assert tree["distributions"] == {"stake": "triangular(0, 2, 4)"}
    assert tree["ties"] == {"cost": "stake / 4"}
    assert tree["preset"] == "calm"
    assert tree["rng"] == 3
    assert list(tree["targets"][0]["parameters"]) == ["stake"]
    assert tree["targets"][0]["mean"] == pytest.approx(2 * (0.5 - 1 / 16), abs=0.05)


def test_parameters_can_be_set_and_picked(ran):
    _, out, _ = ran(
        "yard.toml", "--outcome", "W_A", "--regimes", "wall", "--draws", "20", "--set", "stake=10",
        "--json",
    )  # fmt: skip
    _, picked, _ = ran(
        "yard.toml", "--outcome", "W_A", "--regimes", "wall", "--draws", "20", "--vary", "stake",
        "--json",
    )  # fmt: skip

    assert list(json.loads(out)["targets"][0]["parameters"]) == ["cost"]
    assert json.loads(out)["parameters"] == {"stake": 10}
    assert list(json.loads(picked)["targets"][0]["parameters"]) == ["stake"]


def test_parameters_can_be_correlated(ran):
    _, out, _ = ran(
        "yard.toml", "--outcome", "W_A", "--regimes", "wall", "--draws", "200", "--correlate",
        "stake,cost=0.9", "--json",
    )  # fmt: skip

    (found,) = json.loads(out)["targets"]
    assert found["parameters"]["cost"]["correlation"] > 0.4  # -1 for the cost, by itself


def test_csv_has_a_row_for_each_parameter(ran):
    code, out, _ = ran("yard.toml", "--outcome", "W_A", "--draws", "30", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))

    assert code == 0  # that nothing varies under "none" is an answer
    assert [row["target"] for row in rows] == [
        "W_A under none", "W_A under yard", "W_A under yard", "W_A under wall", "W_A under wall",
    ]  # fmt: skip
    assert rows[0]["reason"].startswith("the outcome is the same at all points")
    assert (rows[1]["rank"], rows[1]["parameter"]) == ("1", "stake")
    assert float(rows[1]["correlation.low"]) < float(rows[1]["correlation"])


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("a.json", lambda text: json.loads(text)["method"] == "rank"),
        ("a.csv", lambda text: text.startswith("target,rank,parameter,label,correlation")),
        ("a.txt", lambda text: text.startswith("A little yard\n")),
    ],
)
def test_the_answer_goes_to_a_file_by_its_ending(ran, here, name, reads):
    asked = ("yard.toml", "--outcome", "W_A", "--regimes", "yard", "--draws", "20", "--out", name)

    code, out, err = ran(*asked)
    assert code == 0
    assert out.startswith("stake") or "goes most with W_A" in " ".join(out.split())
    assert f"wrote {name}" in err
    assert reads((here / name).read_text("utf-8"))
    code, _, err = ran(*asked)
    assert code == 2
    assert "--force" in err


# ---------------------------------------------------------------------------------------------
# Local derivatives


def test_local_derivatives_are_a_method_too(ran):
    code, out, _ = ran("yard.toml", "--method", "local", "--outcome", "W_A", "--regimes", "yard")
    flat = " ".join(out.split())

    assert code == 0
    assert "What denial is worth to A (stake) matters most for W_A under yard here, at 4" in flat
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.endswith(" smooth")}
    assert float(rows["stake"][2]) == pytest.approx(0.5, abs=1e-3)
    assert float(rows["cost"][2]) == pytest.approx(-0.25, abs=1e-3)


def test_local_derivatives_as_data(ran):
    _, out, _ = ran(
        "yard.toml", "--method", "local", "--outcome", "yard.W_A - wall.W_A", "--vary", "stake",
        "--json",
    )  # fmt: skip
    (only,) = json.loads(out)["targets"]
    assert only["value"] == pytest.approx(1.75)
    assert only["parameters"]["stake"]["derivative"] == pytest.approx(-0.5)

    _, out, _ = ran("yard.toml", "--method", "local", "--outcome", "W_A", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 6
    assert {row["response"] for row in rows} == {"smooth"}


# ---------------------------------------------------------------------------------------------
# How it ends


def test_what_cannot_be_said_is_said_and_ends_in_one(ran):
    code, out, _ = ran("battle.toml", "--outcome", "he", "--regimes", "any", "--draws", "20")

    assert code == 1
    assert "Nothing can be said about he under any" in out
    assert "equilibria that disagree: 20" in out
    code, _, _ = ran("battle.toml", "--method", "local", "--outcome", "he", "--regimes", "any")
    assert code == 1


def test_an_answer_in_part_ends_in_three(ran):
    code, _, _ = ran("battle.toml", "--outcome", "she", "--draws", "20")
    assert code == 3
    code, _, _ = ran("battle.toml", "--method", "local", "--outcome", "she")
    assert code == 3


def test_several_equilibria_can_be_taken_at_their_lowest(ran):
    code, _, _ = ran(
        "battle.toml", "--outcome", "he", "--regimes", "any", "--draws", "20", "--several", "low"
    )
    assert code == 0


def test_an_interruption_prints_what_was_done(ran, monkeypatch):
    study = import_module("highfence.study.sensitivity")

    whole = study.sensitivity

    def interrupted(*arguments, **more):
        raise Interrupted("20 of 99 points were solved", whole(*arguments, **more))

    monkeypatch.setattr(study, "sensitivity", interrupted)
    code, out, err = ran("yard.toml", "--outcome", "W_A", "--regimes", "yard", "--draws", "20")

    assert code == 130
    assert "(stake) goes most with W_A under yard" in " ".join(out.split())
    assert "interrupted; 20 of 99 points were solved" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["yard.toml", "--method", "sobel"], "--method"),
        (["yard.toml", "--outcome", "W_B"], "Did you mean 'W_A'"),
        (["yard.toml", "--regimes", "yrd"], "Did you mean 'yard'"),
        (["yard.toml", "--regimes", "yard"], "Compare two or more"),
        (["yard.toml", "--draws", "0"], "--draws"),
        (["yard.toml", "--vary", "stake,,cost"], "a name is empty"),
        (["yard.toml", "--distribution", "stake"], "is not NAME=VALUE"),
        (["yard.toml", "--distribution", "stake=uniforn(0, 1)"], "Did you mean 'uniform'"),
        (["yard.toml", "--distribution", "stake=uniform(2, 1)"], "low first"),
        (["yard.toml", "--tie", "cost=stak + 1"], "Did you mean 'stake'"),
        (["yard.toml", "--correlate", "stake=0.5"], "is not A,B=R"),
        (["yard.toml", "--correlate", "stake,cost=high"], "is not a number"),
        (["yard.toml", "--correlate", "stake,cost=2"], "beyond -1 .. 1"),
        (["yard.toml", "--method", "sobol", "--correlate", "stake,cost=0.5"], "independent"),
        (["yard.toml", "--method", "local", "--distribution", "stake=3"], "leave --distribution"),
        (["yard.toml", "--json", "--csv"], "Choose one"),
        (["meeting.nfg"], "no regimes"),
        (["nowhere"], "nowhere"),
    ],
)
def test_wrong_requests_end_in_two_and_say_what_to_write(ran, arguments, says):
    code, out, err = ran(*arguments)

    assert code == 2
    assert out == ""
    assert says in err


def test_the_help_names_every_option(ran):
    code, out, _ = ran("--help")

    assert code == 0
    for option in (
        "--method",
        "--outcome",
        "--correlate",
        "--tie",
        "--several",
        "--out",
        "--draws",
    ):
        assert option in out
    assert module.sensitivity.name == "sensitivity"
