"""The commands attribute, robust and discover: sentence first, then tables, JSON, CSV and files."""

from __future__ import annotations

import csv
import io
import json

import pytest

from highfence.cli import main

# By hand: against "rest", "act" is worth 6 [pushing and pulling] + 4 [talking].
LEVERS = """\
name = "levers"
title = "Levers"

[players]
A = "Actor"
B = "Bystander"

[parameters]
push = {value = 3, low = 1, high = 5, label = "Push"}
pull = {value = 2, low = 1, high = 4, label = "Pull"}
drift = {value = 7, low = 0, high = 10}
tone = {value = "loud", choices = ["loud", "quiet"]}

[[stages]]
name = "control"
[stages.decisions.control]
player = "A"
actions = ["act", "rest", "dither"]

[[stages]]
name = "reply"
[stages.decisions.reply]
player = "B"
actions = ["nod", "frown"]

[derived]
gain = "(control == 'act') * (push * pull + where(tone == 'loud', 4, 0))"
hedge = "(control == 'dither') * (push + 2)"
W = {formula = "gain + hedge + drift - (control == 'act') * 8", label = "Welfare"}
nods = "where(reply == 'nod', 1, 0)"

[payoffs]
A = "W"
B = "nods"

[regimes]
act = {label = "Act", fix = {control = "act"}}
rest = {label = "Rest", fix = {control = "rest"}}
dither = {label = "Dither", fix = {control = "dither"}}

[mechanisms]
pushing = {off = {push = 0}, id = "M1", label = "It pushes"}
pulling = {off = {pull = 0}, id = "M2"}
talking = {off = {tone = "quiet"}}

[flags]
pays = "W > rest.W"
"""


@pytest.fixture
def levers(tmp_path, monkeypatch):
    (tmp_path / "levers.toml").write_text(LEVERS)
    monkeypatch.chdir(tmp_path)
    return "levers.toml"


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# ---------------------------------------------------------------------------------------------
# attribute


def test_attribute_answers_in_a_sentence_and_then_a_table(levers, capsys):
    code, out, err = run(capsys, "attribute", levers, "--regimes", "act", "--baseline", "rest")

    assert code == 0
    assert err == ""
    assert (
        "Under Act, W (Welfare) is 2 above that under Rest: -8 with every mechanism off, +10 "
        "through the mechanisms. talking (+4), pushing (+3), pulling (+3) raise it most."
    ) in " ".join(out.split())
    assert out.index("Under Act") < out.index("added last") < out.index("together")
    assert "all coalitions of 3 mechanisms" in out


def test_attribute_json_and_csv_hold_the_same_shares(levers, capsys):
    asked = ["attribute", levers, "--baseline", "rest"]
    code, out, _ = run(capsys, *asked, "--json")
    found = json.loads(out)["attributions"]

    assert code == 0
    assert [one["regime"] for one in found] == ["act", "dither"]
    shares = {name: one["shapley"] for name, one in found[0]["mechanisms"].items()}
    assert shares == {"pushing": 3, "pulling": 3, "talking": 4}
    assert found[0]["interactions"][0]["index"] == 6
    _, out, _ = run(capsys, *asked, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {r["mechanism"]: float(r["share"]) for r in rows if r["regime"] == "act"} == shares
    assert {r["mechanism"]: float(r["share"]) for r in rows if r["regime"] == "dither"}[
        "pushing"
    ] == 3


def test_attribute_over_draws_attributes_the_share_of_draws(levers, capsys):
    asked = [
        "attribute", levers, "--regimes", "act", "--outcome", "pays", "--baseline", "rest",
        "--draws", "40", "--vary", "push", "--tie", "pull=6 - push", "--json",
    ]  # fmt: skip
    code, out, _ = run(capsys, *asked)
    (found,) = json.loads(out)["attributions"]

    assert code == 0
    assert found["condition"]
    assert found["drawn"] == ["push", "pull"]
    # push (6 - push) + 4 > 8 wherever push is in (0.76, 5.24), so always.
    assert (found["full"], found["bare"]) == (1, 0)
    assert sum(one["shapley"] for one in found["mechanisms"].values()) == pytest.approx(1)


def test_attribute_explains_the_outcome_itself_where_asked(levers, capsys):
    code, out, _ = run(
        capsys, "attribute", levers, "--regimes", "act", "--absolute", "--set", "drift=1"
    )

    assert code == 0
    assert "Under Act, W (Welfare) is 3, and -7 with every mechanism off" in " ".join(out.split())
    assert "with drift = 1" in out


# ---------------------------------------------------------------------------------------------
# robust


def test_robust_answers_in_sentences_and_then_tables(levers, capsys):
    asked = ["robust", levers, "--draws", "60", "--rng", "1"]
    code, out, _ = run(capsys, *asked)

    assert code == 0
    assert out.splitlines()[3].startswith("Over 60 draws ")
    for part in ("criterion", "minimax regret", "likelihood ball", "Dominance", "to learn first"):
        assert part in out
    assert run(capsys, *asked)[1] == out  # the same seed, the same answer
    assert run(capsys, *asked[:-1], "2")[1] != out


def test_robust_json_and_csv_agree(levers, capsys):
    asked = ["robust", levers, "--draws", "50", "--regimes", "act,rest", "--beliefs", "chi2=0.3"]
    _, out, _ = run(capsys, *asked, "--json")
    found = json.loads(out)

    assert [one["kind"] for one in found["ambiguity"]] == ["chi2"]
    assert found["ambiguity"][0]["radius"] == 0.3
    assert set(found["picks"]) == {"expected payoff", "maximin", "minimax regret", "winning"}
    _, out, _ = run(capsys, *asked, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["regime"] for row in rows] == ["act", "rest"]
    assert float(rows[0]["expected"]) == found["regimes"]["act"]["expected"]
    assert float(rows[1]["chi2_0.3"]) == found["ambiguity"][0]["worst"]["rest"]
    assert sum(int(row["wins"]) for row in rows) <= 50


def test_robust_judges_by_the_player_asked_for(levers, capsys):
    asked = ["robust", levers, "--draws", "12", "--player", "B", "--information", "none"]
    _, out, _ = run(capsys, *asked)

    assert "judged by the payoff of Bystander (nods)" in " ".join(out.split())
    assert "12 are ties" in " ".join(out.split())


# ---------------------------------------------------------------------------------------------
# discover


def test_discover_answers_in_words(levers, capsys):
    asked = ["discover", levers, "--condition", "pays", "--regimes", "act", "--draws", "200"]
    code, out, _ = run(capsys, *asked)

    assert code == 0
    answer = " ".join(out.split())
    assert "Under Act, pays (W > rest.W) holds in " in answer
    assert " of cases with p" in answer  # push or pull
    assert out.index("Under Act") < out.index("quasi-p") < out.index("coverage  density")


def test_discover_json_and_csv_agree(levers, capsys):
    asked = [
        "discover", levers, "--condition", "act.W > rest.W", "--draws", "150", "--boxes", "1",
        "--among", "push,pull", "--density", "0.9",
    ]  # fmt: skip
    _, out, _ = run(capsys, *asked, "--json")
    (found,) = json.loads(out)["discoveries"]
    (box,) = found["boxes"]

    assert found["regime"] is None
    assert found["among"] == ["push", "pull"]
    assert box["density"] >= 0.9
    _, out, _ = run(capsys, *asked, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    (reported,) = [r for r in rows if r["kind"] == "prim"]
    assert float(reported["coverage"]) == box["coverage"]
    assert len([r for r in rows if r["kind"] == "trajectory"]) == len(box["trajectory"])


def test_discover_asks_each_regime_on_the_same_draws(levers, capsys):
    asked = ["discover", levers, "--condition", "pays", "--regimes", "act,dither", "--draws", "60"]
    code, out, _ = run(capsys, *asked)

    assert code == 0
    assert "Under Act, pays" in out
    assert "holds at every one of 60 draws" in " ".join(out.split())
    assert run(capsys, *asked, "--csv")[0] == 2


def test_tied_parameters_are_not_limited(levers, capsys):
    asked = [
        "discover", levers, "--condition", "act.W > rest.W", "--draws", "60",
        "--vary", "push", "--tie", "pull=push / 2", "--json",
    ]  # fmt: skip
    _, out, _ = run(capsys, *asked)

    assert json.loads(out)["discoveries"][0]["among"] == ["push"]


# ---------------------------------------------------------------------------------------------
# Files, mistakes, and what is left open


@pytest.mark.parametrize(
    ("name", "begins"), [("a.json", "{"), ("a.csv", "regime,"), ("a.txt", "Levers")]
)
def test_out_writes_a_new_file_in_the_form_of_its_ending(levers, capsys, tmp_path, name, begins):
    asked = ["attribute", levers, "--regimes", "act", "--baseline", "rest", "--out", name]
    code, out, err = run(capsys, *asked)

    assert code == 0
    assert out.startswith("Under ")
    assert len(out.splitlines()) < 8
    assert err == f"highfence: wrote {name}\n"
    assert (tmp_path / name).read_text().startswith(begins)
    code, _, err = run(capsys, *asked)
    assert code == 2
    assert "the file exists" in err
    assert run(capsys, *asked, "--force")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attribute", "--baseline", "none"], "Name another baseline (--baseline), or none"),
        (["robust", "--beliefs", "kl=-1"], "is below 0. Give 0 or more: kl=0.1"),
        (["attribute", "--baseline", "rest", "--mechanisms", "push"], "Did you mean 'pushing'"),
        (["attribute", "--baseline", "rest", "--json", "--csv"], "Choose one"),
        (["attribute", "--baseline", "rest", "--force"], "--force replaces the file of --out"),
        (["attribute", "--baseline", "rest", "--vary", "push,"], "--vary 'push,'"),
        (["robust", "--beliefs", "kl"], "--beliefs 'kl' is not KIND=RADIUS"),
        (["robust", "--beliefs", "lk=1"], "no set of beliefs 'lk'"),
        (["robust", "--tie", "pull"], "--tie 'pull' is not NAME=VALUE"),
        (["robust", "--distribution", "push=unform(0, 1)"], "push"),
        (["robust", "--draws", "1"], "is not in the range"),
        (["discover"], "--condition"),
        (["discover", "--condition", " "], "--condition is empty. Give a flag such as B1"),
        (["discover", "--condition", "pays"], "Name the regime"),
        (["discover", "--condition", "W"], "Compare it"),
        (["discover", "--condition", "act.W > 1", "--among", "puhs"], "puhs is not drawn"),
    ],
)
def test_a_wrong_request_says_what_to_do(levers, capsys, arguments, message):
    code, out, err = run(capsys, arguments[0], levers, *arguments[1:])

    assert code == 2
    assert out == ""
    assert message in err
    assert "defect" not in err


def test_games_without_regimes_are_refused(capsys):
    for command in (["attribute"], ["robust"], ["discover", "--condition", "a > 1"]):
        code, _, err = run(capsys, command[0], "prisoners_dilemma", *command[1:])
        assert code == 2
        assert "no regimes" in err


# ---------------------------------------------------------------------------------------------
# Stored sweeps


def test_a_stored_sweep_is_read_instead_of_solved(levers, capsys, tmp_path):
    drawn = ["--draws", "80", "--rng", "4", "--vary", "push,pull", "--tie", "drift=2 * pull"]
    assert run(capsys, "sweep", levers, *drawn, "--store", "kept")[0] == 0
    for study in (["robust"], ["discover", "--condition", "act.W > rest.W"]):
        asked = [study[0], levers, *study[1:], "--json"]
        code, stored, _ = run(capsys, *asked, "--store", "kept", "--rng", "4")
        solved = run(capsys, *asked, *drawn)[1]
        assert code == 0
        if study[0] == "robust":
            assert json.loads(stored) == json.loads(solved)
        else:
            (one,), (other,) = (json.loads(text)["discoveries"] for text in (stored, solved))
            assert one["boxes"] == other["boxes"]
            assert "drift moves with pull in a straight line" in one["notes"][0]


def test_a_stored_sweep_serves_the_game_in_other_words(levers, capsys, tmp_path):
    assert run(capsys, "sweep", levers, "--draws", "40", "--store", "kept")[0] == 0
    code, before, _ = run(capsys, "robust", levers, "--store", "kept", "--json")
    assert code == 0
    (tmp_path / "levers.toml").write_text(f'question = "Which lever?"\n{LEVERS}')
    code, after, _ = run(capsys, "robust", levers, "--store", "kept", "--json")
    assert code == 0
    assert json.loads(after) == json.loads(before)


def test_a_store_of_another_game_or_beside_other_draws_is_refused(levers, capsys, tmp_path):
    assert run(capsys, "sweep", levers, "--draws", "3", "--store", "kept")[0] == 0
    code, _, err = run(capsys, "robust", levers, "--store", "kept", "--set", "push=2")
    assert code == 2
    assert "--set would change them" in err
    (tmp_path / "levers.toml").write_text(LEVERS.replace("* 8", "* 9"))
    code, _, err = run(capsys, "robust", levers, "--store", "kept")
    assert code == 4
    assert "another specification" in err
    (tmp_path / "levers.toml").write_text(LEVERS.replace('name = "levers"', 'name = "other"'))
    code, _, err = run(capsys, "discover", levers, "--condition", "act.W > 1", "--store", "kept")
    assert code == 4
    assert "holds a sweep of levers, not of other" in err
    assert run(capsys, "robust", levers, "--store", "nowhere")[0] == 4
