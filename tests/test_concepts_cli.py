"""``highfence solve --concept``: every concept is reached, says what it found, and is refused
where it does not apply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from highfence.cli import main
from highfence.commands.concepts import CONCEPTS, OPTIONS


@pytest.fixture
def run(capsys, monkeypatch, root):
    """Return a function that runs a command in this process, in the repository's folder."""
    monkeypatch.chdir(root)

    def run(*arguments: str, code: int = 0) -> str:
        ended = main(list(arguments))
        out, err = capsys.readouterr()
        assert ended == code, err
        return err if code == 2 else out

    return run


def answers(text: str) -> list[dict]:
    """Return the answers of the JSON, each certified."""
    made = json.loads(text)["answers"]
    assert all(answer["certificate"]["holds"] for answer in made)
    return made


NEEDED = {"logit": ("--precision", "1"), "agent_logit": ("--precision", "1")}


@pytest.mark.parametrize("concept", OPTIONS)
def test_every_concept_has_a_page_and_json_with_a_certificate(run, concept):
    game = "centipede" if concept == "agent_logit" else "chicken"
    request = ("solve", game, "--concept", concept, *NEEDED.get(concept, ()))
    page, made = run(*request), answers(run(*request, "--json"))

    assert made
    for answer in made:
        assert " ".join(answer["says"].split()) in " ".join(page.split())
    assert page.count("certificate: regret") == len(made)


def test_nash_is_what_is_solved_without_a_concept(run):
    assert run("solve", "chicken", "--concept", "nash") == run("solve", "chicken")


def test_the_range_over_correlated_equilibria_is_that_of_each_quantity(run):
    """Aumann (1974), with 0, 2, 6 and 7: from the worst mixture to 10.5 of 12."""
    low, high = answers(
        run("solve", "chicken", "--concept", "correlated", "--objective", "crash", "--json")
    )

    assert (low["objective"], high["objective"]) == ("least crash", "largest crash")
    assert low["value"] == pytest.approx(0, abs=1e-9)
    assert high["value"] == pytest.approx(1 / 3)
    for answer in (low, high):
        assert sum(cell["probability"] for cell in answer["distribution"]) == pytest.approx(1)
        assert answer["outcomes"]["crash"] == pytest.approx(answer["value"])


def test_one_answer_at_both_ends_is_printed_once(run):
    page = run("solve", "prisoners_dilemma", "--concept", "correlated")
    made = answers(run("solve", "prisoners_dilemma", "--concept", "correlated", "--json"))

    assert "The welfare in every correlated equilibrium is 2" in page
    assert page.count("certificate") == 1
    assert "Answer 1" not in page
    assert [answer["objective"] for answer in made] == ["least welfare", "largest welfare"]


def test_maschlers_inspector_leads_by_inspecting_a_quarter_of_the_time(run):
    """Avenhaus, von Stengel and Zamir (2002): announced, -0.025; in equilibrium, -0.1111."""
    (found,) = answers(run("solve", "enforcement_inspection", "--concept", "stackelberg", "--json"))

    assert found["leader"] == "agency"
    assert found["leader_payoff"] == pytest.approx(-0.025)
    assert found["strategy"]["inspect"] == pytest.approx(0.25)
    assert found["responses"] == ["legal"]
    (sure,) = answers(
        run(
            "solve", "enforcement_inspection", "--concept", "stackelberg", "--pessimistic", "--json"
        )
    )
    assert sure["leader_payoff"] == pytest.approx(-0.025)
    assert sure["attained"] is False


def test_the_other_player_may_lead(run):
    text = run(
        "solve", "enforcement_inspection", "--concept", "stackelberg", "--player", "exporter"
    )

    assert "By committing first, exporter gets" in text
    assert "as the first" not in text


def test_types_of_the_follower_are_regimes_with_probabilities(run):
    request = ("solve", "enforcement_inspection", "--concept", "stackelberg", "--json", "--types")
    (alone,) = answers(run(*request, "penalty=1"))
    (under,) = answers(
        run("solve", "enforcement_inspection", "--concept", "stackelberg", "--json",
            "--regime", "penalty")
    )  # fmt: skip
    assert alone["leader_payoff"] == pytest.approx(under["leader_payoff"])

    (found,) = answers(run(*request, "penalty=0.5,tripled_penalty=0.5"))
    assert len(found["responses"]) == 2
    assert found["leader_payoff"] >= alone["leader_payoff"]


def test_a_tree_is_taken_by_its_reduced_strategic_form(run):
    text = run("solve", "beer_quiche", "--concept", "dominance")

    assert "reduced strategic form of the tree" in text


def test_a_player_whose_decision_is_fixed_is_no_second_follower(run):
    text = run(
        "solve", "platform_tipping", "--regime", "none", "--concept", "stackelberg", "--json"
    )
    assert answers(text)[0]["certificate"]["regret"] <= 1e-8


FIXED_FIRST = """
name = "fixed_first"
[players]
A = "Whose one decision a regime takes"
B = "Who moves then"
C = "Who moves with B"
[[stages]]
name = "rule"
[stages.decisions.rule]
player = "A"
actions = ["go", "stop"]
[[stages]]
name = "answer"
[stages.decisions.answer]
player = "C"
actions = ["wait", "train"]
[stages.decisions.ally]
player = "B"
actions = ["join", "step_in"]
[payoffs]
A = "0"
B = "where(ally == 'step_in', 1.6, 1)"
C = "where(answer == 'wait', 3, 2)"
[regimes]
stop = {fix = {rule = "stop"}}
alone = {fix = {rule = "stop", ally = "join"}}
"""


def test_the_follower_is_who_moves_and_not_the_first_player(run, tmp_path: Path):
    """Where a regime takes the first player's decision, the follower is another."""
    path = tmp_path / "fixed_first.toml"
    path.write_text(FIXED_FIRST)
    request = ("solve", str(path), "--regime", "stop", "--concept", "stackelberg", "--player")
    for leader, follower, line in (
        ("C", "B", "B: step_in, and gets 1.6"),
        ("B", "C", "C: wait, and gets 3"),
    ):
        page = run(*request, leader)
        assert line in page
        assert "A:" not in page
        (found,) = answers(run(*request, leader, "--json"))
        assert (found["leader"], found["follower"]) == (leader, follower)

    assert "--player A has nothing to decide here" in run(*request, "A", code=2)


def test_types_of_one_follower_are_not_several_players(run, tmp_path: Path):
    path = tmp_path / "fixed_first.toml"
    path.write_text(FIXED_FIRST)
    told = run(
        "solve", str(path), "--regime", "stop", "--concept", "stackelberg", "--player", "C",
        "--types", "stop=0.5,alone=0.5", code=2,
    )  # fmt: skip

    assert "The types are of one follower" in told


def test_several_precisions_are_several_answers(run):
    made = answers(
        run("solve", "chicken", "--concept", "logit", "--precision", "0,1/2,2", "--json")
    )

    assert [answer["precision"] for answer in made] == [0, 0.5, 2]
    assert made[0]["strategies"]["row"] == {"straight": 0.5, "swerve": 0.5}


def test_precision_is_fitted_to_counts(run, tmp_path: Path):
    counts = tmp_path / "counts.csv"
    counts.write_text(
        "player,strategy,count\nrow,cooperate,269\nrow,defect,731\ncolumn,cooperate,269\n"
        "column,defect,731\n"
    )
    (found,) = answers(
        run("solve", "prisoners_dilemma", "--concept", "logit", "--counts", str(counts), "--json")
    )

    assert found["strategies"]["row"]["defect"] == pytest.approx(0.731, abs=1e-6)
    assert found["at_limit"] is False


def test_bargains_start_from_the_minmax_unless_told_otherwise(run):
    (deal,) = answers(run("solve", "battle_of_the_sexes", "--concept", "bargaining", "--json"))
    assert deal["disagreement"] == pytest.approx({"row": 2 / 3, "column": 2 / 3})
    assert deal["payoffs"] == pytest.approx({"row": 1.5, "column": 1.5}, abs=1e-6)

    (deal,) = answers(
        run("solve", "battle_of_the_sexes", "--concept", "bargaining", "--json",
            "--disagreement", "row=1.2,column=0")
    )  # fmt: skip
    assert deal["payoffs"]["row"] > 1.5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chicken", "--concept", "correlatd"], "Did you mean 'correlated'"),
        (["chicken", "--concept", "dominance", "--precision", "1"], "but to logit"),
        (["chicken", "--weak"], "does not belong to --concept nash"),
        (["chicken", "--concept", "logit"], "wants --precision"),
        (["chicken", "--concept", "logit", "--precision", "x"], "is not a number"),
        (["chicken", "--concept", "logit", "--counts", "nowhere.csv"], "no such file. Name a CSV"),
        (["chicken", "--concept", "correlated", "--objective", "wealth"], "unknown objective"),
        (["chicken", "--concept", "stackelberg", "--player", "he"], "no player 'he'"),
        (["chicken", "--concept", "stackelberg", "--types", "a"], "is not NAME=NUMBER"),
        (["chicken", "--concept", "bargaining", "--disagreement", "row=1"], "Give one for each"),
        (["chicken", "--concept", "bargaining", "--disagreement", "row=2,column=2"], "no lottery"),
        (["chicken", "--concept", "correlated", "--method", "logit"], "--method is for equilibria"),
        (["chicken", "--concept", "correlated", "--csv"], "--csv is for equilibria"),
        (["chicken", "--concept", "agent_logit", "--precision", "1"], "takes trees"),
        (["centipede", "--concept", "agent_logit"], "wants --precision"),
        (["mckelvey_mclennan_1996", "--concept", "stackelberg"], "3 players have a choice"),
        (["cournot_1838", "--concept", "correlated"], "takes finite games"),
        (["small_yard_dynamic", "--concept", "correlated"], "takes finite games"),
    ],
)
def test_what_does_not_apply_is_refused_with_the_reason(run, arguments, told):
    assert told in run("solve", *arguments, code=2)


def test_the_help_names_every_concept(run):
    text = " ".join(run("solve", "--help").split())

    assert all(concept in text for concept in CONCEPTS)
