"""Claims: how a file of them is read, by which rule a verdict follows, and how it is told."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence.cli import main
from highfence.errors import Interrupted, RequestError, SpecError
from highfence.study.claims import (
    Boundary,
    Cell,
    Ruling,
    Truth,
    judge_claims,
    read_claims,
    rule,
)

HEAD = """
[essays]
S1 = "an essay"

[evidence.seen]
source = "Somebody 2020"
says = "it rose by 5 percent"
confidence = "H"

[evidence.denied]
source = "Somebody else 2021"
says = "it fell"
confidence = "Md"

[evidence.rumored]
source = "a blog"
says = "it doubled"
confidence = "L"

[cases.offshoring]
default = {}
short = {set = {j_product = 0.55}}
"""

MOVES = """
[claims.moves]
says = "Production moves."
essays = ["S1"]
game = "offshoring"
holds = ["territorial.moves > 0.5"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "claims.toml"
    path.write_text(HEAD + text, "utf-8")
    return path


def judged(tmp_path: Path, text: str, **options: object):
    (verdict,) = judge_claims(file=written(tmp_path, text), **options)
    return verdict


# ---------------------------------------------------------------------------------------------
# Files


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MOVES.replace('"Production moves."', "3"), "claims.moves.says: it is not a text"),
        (MOVES.replace('["S1"]', '["S2"]'), "claims.moves.essays: there is no 'S2'"),
        (MOVES.replace("says", "say"), "claims.moves.say: there is no such key"),
        (MOVES.replace("> 0.5", "is high"), "is not one comparison"),
        (MOVES.replace("> 0.5", ">= 0.5"), "is not one comparison"),
        (MOVES.replace("> 0.5", "> 0.5 > 0.2"), "is not one comparison"),
        (MOVES + 'cases = ["long"]\n', "claims.moves.cases: there is no 'long'"),
        (MOVES + 'for = ["sean"]\n', "claims.moves.for: there is no 'sean'. Did you mean 'seen'?"),
        (MOVES + 'for = ["seen", "seen"]\n', "'seen' is named twice"),
        (MOVES + 'along = [{parameter = "F", holds = 2}]\n', "there is no proposition 2"),
        (MOVES + 'along = [{parameter = "F", between = [1]}]\n', "it is not [low, high]"),
        (MOVES + 'along = [{parameter = "F", at = 1}]\n', "claims.moves.along.#1.at"),
        ('[claims.x]\nsays = "x"\n', "it names no game, and does not say why"),
        ('[claims.x]\nsays = "x"\nholds = ["a > b"]\n', "it is asked about no game"),
        ('[claims.x]\nsays = "x"\ngame = "y"\nholds = []\n', "nothing has to hold"),
        (MOVES + MOVES.replace("[claims", "[counterfactuals"), "the name is taken by a claim"),
        ('[evidence.x]\nsource = "x"\nsays = "x"\nconfidence = "sure"\n', "'sure' is not one of H"),
        ("[claims]\nx = 3\n", "claims.x: it is not a table"),
        ("[verdicts]\n", "verdicts: there is no such key"),
    ],
)
def test_a_mistake_in_a_file_of_claims_is_named(tmp_path, text, said):
    with pytest.raises(SpecError, match=re.escape(said)):
        read_claims(written(tmp_path, text))


def test_all_mistakes_are_named_at_once(tmp_path):
    text = MOVES.replace('["S1"]', '["S2"]').replace("> 0.5", "!") + 'for = ["nobody"]\n'
    with pytest.raises(SpecError) as caught:
        read_claims(written(tmp_path, text))
    assert len(caught.value.problems) == 3


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path):
    with pytest.raises(SpecError, match=r"not valid TOML.*line"):
        read_claims(written(tmp_path, "[claims\n"))


def test_a_file_without_claims_is_refused(tmp_path, capsys):
    path = tmp_path / "none.toml"
    for text in ("", '[essays]\nS1 = "one"\n'):
        path.write_text(text)
        assert main(["claims", "--file", str(path)]) == 2
        assert "it has no claims" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RequestError, match="there is no such file"):
        read_claims(tmp_path / "none.toml")


def test_a_claim_says_nothing_of_its_verdict(root):
    """The catalogue's file has no key in which an answer could stand."""
    text = (root / "games" / "_claims.toml").read_text("utf-8")
    keys = set(re.findall(r"^(\w+) = ", text, re.M)) - set(re.findall(r"^(S\d) = ", text, re.M))
    cases = {"default", "aligned", "conservative", "conservative_aligned"}
    cases |= {"another_path", "little_talent"}
    assert keys - cases <= {
        "source", "says", "confidence", "essays", "game", "about", "holds", "cases", "along",
        "for", "against", "mixed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("a.x > b.x", "a.x - b.x"),
        ("a.x < b.x", "b.x - a.x"),
        ("a.x > 0", "a.x"),
        ("a.x < 0", "0 - a.x"),
        ("a.x > b.x + c.x", "a.x - (b.x + c.x)"),
    ],
)
def test_a_margin_is_above_zero_where_the_proposition_holds(tmp_path, text, margin):
    (claim,) = read_claims(written(tmp_path, MOVES.replace("territorial.moves > 0.5", text)))
    assert claim.propositions[0].margin == margin


@pytest.mark.parametrize(
    ("evidence", "weighed"),
    [
        ("", "none"),
        ('for = ["seen"]', "for"),
        ('against = ["seen", "denied"]', "against"),
        ('for = ["seen"]\nagainst = ["denied"]', "mixed"),
        ('mixed = ["seen"]', "mixed"),
        ('for = ["rumored"]', "unverified"),
        ('for = ["seen"]\nagainst = ["rumored"]', "for"),
    ],
)
def test_only_what_was_verified_is_weighed(tmp_path, evidence, weighed):
    (claim,) = read_claims(written(tmp_path, MOVES + evidence + "\n"))
    assert claim.weighed == weighed


# ---------------------------------------------------------------------------------------------
# The rule


def cell(truth: Truth, case: str = "default") -> Cell:
    return Cell(case, "a.x > b.x", truth, -1.0, 1.0, False, 1, "")


def boundary(*holds, fails=(), depends=(), unsolved=(), value=0.5, beside=False) -> Boundary:
    return Boundary(
        "p", "", "default", "a.x > b.x", 0.0, 1.0, value, holds, fails, depends, unsolved, (), "",
        beside=beside,
    )  # fmt: skip


FLIP = boundary((0.0, 0.4), fails=((0.4, 1.0),))
ALWAYS = boundary((0.0, 1.0))
NEVER = boundary(fails=((0.0, 1.0),))


@pytest.mark.parametrize(
    ("truths", "boundaries", "ruling"),
    [
        ([], [], Ruling.NOT_MODELED),
        ([Truth.HOLDS, Truth.HOLDS], [ALWAYS], Ruling.YES),
        ([Truth.HOLDS], [ALWAYS, FLIP], Ruling.ONLY_IF),
        ([Truth.FAILS], [NEVER], Ruling.NO),
        ([Truth.FAILS], [NEVER, FLIP], Ruling.ONLY_IF),
        ([Truth.HOLDS, Truth.FAILS], [FLIP], Ruling.MIXED),
        ([Truth.HOLDS, Truth.DEPENDS], [FLIP], Ruling.UNDECIDED),
        ([Truth.HOLDS, Truth.DEPENDS, Truth.UNKNOWN], [FLIP], Ruling.UNSOLVED),
    ],
)
def test_the_first_line_of_the_rule_that_applies_decides(truths, boundaries, ruling):
    assert rule([cell(truth) for truth in truths], boundaries)[0] is ruling


def test_the_nearest_boundary_is_named():
    far = boundary((0.0, 0.9), fails=((0.9, 1.0),))
    assert rule([cell(Truth.HOLDS)], [far, FLIP])[1] is FLIP


def test_a_boundary_at_other_numbers_than_a_case_s_takes_no_part():
    beside = boundary((0.0, 0.4), fails=((0.4, 1.0),), beside=True)
    assert rule([cell(Truth.HOLDS)], [beside])[0] is Ruling.YES


def test_points_without_an_answer_are_no_boundary():
    gap = boundary((0.0, 1.0), unsolved=((0.3, 0.4),))
    assert gap.always
    assert not gap.moves
    assert rule([cell(Truth.HOLDS)], [gap])[0] is Ruling.YES


@given(st.lists(st.sampled_from(list(Truth)), min_size=1, max_size=6))
def test_a_yes_or_no_is_given_only_where_all_cells_agree(truths):
    ruling = rule([cell(truth) for truth in truths])[0]
    if ruling is Ruling.YES:
        assert set(truths) == {Truth.HOLDS}
    elif ruling is Ruling.NO:
        assert set(truths) == {Truth.FAILS}
    else:
        assert len(set(truths)) > 1 or truths[0] in (Truth.DEPENDS, Truth.UNKNOWN)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (FLIP, "p < 0.4"),
        (boundary((0.25, 1.0), fails=((0.0, 0.25),)), "p > 0.25"),
        (boundary((0.25, 0.5), fails=((0.0, 0.25), (0.5, 1.0))), "0.25 < p < 0.5"),
        (boundary((0.0, 0.2), (0.7, 1.0), fails=((0.2, 0.7),)), "p < 0.2 or p > 0.7"),
        (ALWAYS, "at every p from 0 to 1"),
        (NEVER, "at no p from 0 to 1"),
    ],
)
def test_a_boundary_is_told_in_words(made, words):
    assert made.where == words


# ---------------------------------------------------------------------------------------------
# Verdicts


def test_a_claim_and_its_contrary_are_judged_contrarily(tmp_path):
    yes = judged(tmp_path, MOVES)
    no = judged(tmp_path, MOVES.replace(">", "<"))
    assert (yes.ruling, no.ruling) == (Ruling.YES, Ruling.NO)
    assert yes.margin == (0.5, 0.5)
    assert no.margin == (-0.5, -0.5)
    assert (yes.holds, no.holds) == (True, False)


def test_a_claim_holds_only_on_one_side_of_its_boundary(tmp_path):
    text = MOVES.replace("territorial", "product") + 'cases = ["{}"]\n'
    along = 'along = [{parameter = "j_product"}]\n'
    far, near = (judged(tmp_path, text.format(name) + along) for name in ("default", "short"))
    assert near.says == "only if j_product < 0.6 (at 0.55 it holds)"
    assert near.boundaries[0].command == far.boundaries[0].command
    assert far.says == "only if j_product < 0.6 (at 0.8 it fails)"
    assert far.boundaries[0].brackets[0] == pytest.approx((0.6, 0.6), abs=1e-3)


def test_different_answers_at_different_numbers_are_mixed(tmp_path):
    verdict = judged(tmp_path, MOVES.replace("territorial", "product"))
    assert verdict.ruling is Ruling.MIXED
    assert verdict.says == "mixed: yes under short, no under default"
    assert verdict.holds is None


def test_propositions_that_differ_are_told_apart(tmp_path):
    both = '["territorial.moves > 0.5", "product.moves > 0.5"]'
    text = MOVES.replace('["territorial.moves > 0.5"]', both) + 'cases = ["default"]\n'
    verdict = judged(tmp_path, text)
    assert verdict.says == "mixed: yes for territorial.moves > 0.5, no for product.moves > 0.5"


def test_several_equilibria_leave_a_claim_undecided(tmp_path):
    text = '[claims.x]\nsays = "x"\ngame = "stag_hunt"\nholds = ["hunter_1 > 3.5"]\n'
    from highfence import load

    player = load("stag_hunt").players[0].name
    verdict = judged(tmp_path, text.replace("hunter_1", player))
    assert verdict.ruling is Ruling.UNDECIDED
    assert verdict.cells[0].low < 0 < verdict.cells[0].high
    assert verdict.cells[0].equilibria > 1


CHASE = """
name = "chase"
outcomes = ["gap"]
[players]
A = "Hider"
B = "Seeker"
[[stages]]
name = "move"
[stages.decisions.x]
player = "A"
interval = {low = 0, high = 1}
[stages.decisions.y]
player = "B"
interval = {low = 0, high = 1}
[derived]
gap = "(x - 0.5) * (y - 0.5)"
[payoffs]
A = "(x - 0.5) ** 2 - gap"
B = "(y - 0.5) ** 2 + gap"
"""


def test_a_game_without_an_answer_leaves_its_claim_unsolved(tmp_path, capsys):
    (tmp_path / "chase.toml").write_text(CHASE, "utf-8")
    path = (tmp_path / "chase.toml").as_posix()
    text = f'[claims.x]\nsays = "x"\ngame = "{path}"\nholds = ["gap > 0"]\n'
    verdict = judged(tmp_path, text)
    assert verdict.ruling is Ruling.UNSOLVED
    assert verdict.cells[0].reason
    assert main(["claims", "--file", str(tmp_path / "claims.toml")]) == 3
    assert "Not solved: nothing certified." in capsys.readouterr().out


def test_an_equal_pair_does_not_exceed_each_other(tmp_path):
    text = MOVES.replace("moves > 0.5", "moves > territorial.moves")
    verdict = judged(tmp_path, text)
    assert verdict.ruling is Ruling.NO
    assert all(c.near_tie for c in verdict.cells)


def test_a_claim_without_a_game_is_not_modeled(tmp_path):
    verdict = judged(tmp_path, '[claims.x]\nsays = "x"\nabout = "an observation"\n')
    assert verdict.ruling is Ruling.NOT_MODELED
    assert verdict.commands == ()


def test_quick_looks_for_no_boundaries(tmp_path):
    text = MOVES.replace("territorial", "product") + 'along = [{parameter = "j_product"}]\n'
    text += 'cases = ["default"]\n'
    verdict = judged(tmp_path, text, quick=True)
    assert verdict.ruling is Ruling.NO
    assert verdict.boundaries == ()
    assert verdict.quick


@pytest.mark.slow
def test_a_boundary_starts_from_what_the_regime_sets():
    """long_arm sets Phi to 0.03, whatever the game's own value is."""
    verdict = judge_claims("long_arm_aligns_allies")["long_arm_aligns_allies"]
    phi = next(b for b in verdict.boundaries if b.parameter == "Phi")
    assert phi.value == pytest.approx(0.03)
    assert phi.holds[0][0] == pytest.approx(0.027, abs=1e-4)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (MOVES.replace("offshoring", "onshoring"), RequestError),
        (MOVES.replace("territorial.moves", "territorial.mooves"), SpecError),
        (MOVES.replace("territorial.moves", "nowhere.moves"), SpecError),
        (MOVES.replace("territorial.moves", "moves"), SpecError),
        (MOVES + 'along = [{parameter = "G"}]\n', RequestError),
    ],
)
def test_a_claim_that_its_game_does_not_know_is_refused(tmp_path, wrong, error):
    with pytest.raises(error):
        judged(tmp_path, wrong)


def test_claims_are_named_in_the_order_of_the_file_or_by_a_pattern(tmp_path):
    text = MOVES + MOVES.replace("claims.moves", "claims.rests")
    claims = read_claims(written(tmp_path, text))
    assert [c.name for c in claims.named(["rests", "moves", "rests"])] == ["moves", "rests"]
    assert [c.name for c in claims.named("r*")] == ["rests"]
    with pytest.raises(RequestError, match=r"no claim 'x\*'"):
        claims.named("x*")


def test_an_unknown_claim_is_refused_with_the_one_that_was_meant():
    with pytest.raises(RequestError, match="Did you mean 'drift_is_bad'"):
        judge_claims("drift_is_good")


# ---------------------------------------------------------------------------------------------
# Interruptions


def test_an_interruption_keeps_the_verdicts_that_were_finished(tmp_path):
    text = MOVES + MOVES.replace("claims.moves", "claims.again").replace("> 0.5", "< 0.5")

    def stop(step: str) -> None:
        if step.startswith("claim 2"):
            raise KeyboardInterrupt

    searching = text + 'along = [{parameter = "F"}]\n'
    with pytest.raises(Interrupted, match="1 of 2 claims") as caught:
        judge_claims(file=written(tmp_path, searching), tell=stop)
    assert [verdict.claim.name for verdict in caught.value.done] == ["moves"]
    assert not caught.value.done.complete


def test_the_command_prints_what_was_done_before_an_interruption(tmp_path, monkeypatch, capsys):
    from highfence.commands import claims as module

    @contextmanager
    def stopping():
        def tell(step: str) -> None:
            if step.startswith("claim 2"):
                raise KeyboardInterrupt

        yield tell

    monkeypatch.setattr(module, "progress", stopping)
    text = MOVES + MOVES.replace("claims.moves", "claims.again") + 'along = [{parameter = "F"}]\n'
    assert main(["claims", "--file", str(written(tmp_path, text))]) == 130
    told = capsys.readouterr()
    assert "moves: Production moves." in told.out
    assert "again" not in told.out
    assert "1 of 2 claims" in told.err


# ---------------------------------------------------------------------------------------------
# The command


def test_the_page_shows_evidence_with_its_confidence(tmp_path, capsys):
    text = MOVES + 'for = ["seen", "rumored"]\nagainst = ["denied"]\n'
    path = str(written(tmp_path, text))
    assert main(["claims", "--file", path]) == 0
    short = capsys.readouterr().out
    assert "Measured: the evidence is mixed (1 for, 1 against, 1 unverified)." in short
    assert "$ highfence compare offshoring --regimes territorial" in short
    assert main(["claims", "--file", path, "--claim", "moves"]) == 0
    full = capsys.readouterr().out
    assert "for [H]: Somebody 2020: it rose by 5 percent." in full
    assert "for [L, unverified]: a blog: it doubled." in full


def test_json_and_csv_hold_the_verdicts(tmp_path, capsys):
    text = MOVES.replace("territorial", "product") + 'along = [{parameter = "j_product"}]\n'
    path = str(written(tmp_path, text + 'cases = ["default"]\n'))
    assert main(["claims", "--file", path, "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)["claims"]
    assert made["ruling"] == "only if"
    assert made["nearest"] == 0
    assert made["boundaries"][0]["where"] == "j_product < 0.6"
    assert made["cells"][0]["margin"] == [-0.5, -0.5]
    assert main(["claims", "--file", path, "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["ruling"] == "only if"
    assert row["boundary_where"] == "j_product < 0.6"
    assert row["commands"].startswith("highfence compare offshoring --regimes product")


@pytest.mark.parametrize(
    "arguments",
    [["--claim", "nothing_like_it"], ["--file", "no_such_file.toml"], ["--json", "--csv"]],
)
def test_a_wrong_request_ends_with_code_2(arguments, capsys):
    assert main(["claims", *arguments]) == 2
    assert capsys.readouterr().err.startswith("highfence: error:")


def test_verdicts_go_to_a_file(tmp_path, capsys):
    path, out = written(tmp_path, MOVES), tmp_path / "verdicts.json"
    assert main(["claims", "--file", str(path), "--out", str(out)]) == 0
    assert json.loads(out.read_text("utf-8"))["counts"] == {"yes": 1}
    assert capsys.readouterr().out == "1 claim: 1 yes.\n"


def test_a_file_here_comes_before_the_catalogue_s(tmp_path, monkeypatch):
    (tmp_path / "games").mkdir()
    (tmp_path / "games" / "_claims.toml").write_text(HEAD + MOVES, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert [claim.name for claim in read_claims()] == ["moves"]
