"""The catalogue's claims: that the printed commands give the verdicts, and how these compare with
what the reference of the main game said about the same sentences.

The commands' JSON is read here with a rule of its own, so that a verdict is worked out twice.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from highfence import load
from highfence.cli import main
from highfence.study.claims import Ruling, judge_claims, read_claims
from highfence.study.outcome import outcome_of

CLAIMS = read_claims()
ASKED = [claim for claim in CLAIMS if claim.game is not None]

# ---------------------------------------------------------------------------------------------
# The file


def test_every_counterfactual_of_the_essays_is_there():
    made = [claim.name for claim in CLAIMS if claim.kind == "counterfactual"]
    assert [int(re.match(r"cf(\d+)_", name)[1]) for name in made] == list(range(1, 11))


def test_every_essay_makes_claims_and_every_finding_bears_on_one():
    assert {essay for claim in CLAIMS for essay in claim.essays} == set(CLAIMS.essays)
    used = {item.name for claim in CLAIMS for item in claim.evidence}
    text = Path(CLAIMS.file).read_text("utf-8")
    assert used == set(re.findall(r"^\[evidence\.(\w+)\]$", text, re.M))


@pytest.mark.parametrize("claim", ASKED, ids=lambda claim: claim.name)
def test_a_claim_is_about_its_game(claim):
    """Games, regimes, outcomes, presets and parameters exist."""
    game = load(claim.game)
    presets, parameters = set(game.presets), {p.name for p in game.parameters}
    for proposition in claim.propositions:
        assert bool(outcome_of(game, proposition.margin).others) == bool(game.regimes)
    for case in claim.cases:
        assert case.preset is None or case.preset in presets
        assert set(case.settings) <= parameters
    assert {search.parameter for search in claim.searches} <= parameters


def test_the_main_game_is_asked_under_both_presets():
    """Whoever reports one preset alone hides half of the answer."""
    for claim in ASKED:
        if claim.game == "small_yard_high_fence":
            assert {case.preset for case in claim.cases} == {None, "conservative"}


# ---------------------------------------------------------------------------------------------
# Commands reproduce verdicts


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the JSON of a command, run as it is printed."""
    program, *arguments = shlex.split(command)
    assert program == "highfence"
    assert main([*arguments, "--json"]) in (0, 3)
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    return made


def side(text: str, answer: dict[str, Any]) -> tuple[float, float]:
    """Return the lowest and the highest value of one side of a comparison."""
    if re.fullmatch(r"[\d.]+", text):
        return float(text), float(text)
    regime, _, name = text.rpartition(".")
    if not regime:
        low, high = answer["bounds"][name]
        return low, high
    known = answer["regimes"][regime]
    low, high = {**known["payoffs"], **known["outcomes"]}[name]
    return low, high


def truth(proposition: str, answer: dict[str, Any]) -> str:
    left, relation, right = re.fullmatch(r"(\S+) ([<>]) (\S+)", proposition).groups()
    one, two = side(left, answer), side(right, answer)
    if relation == "<":
        one, two = two, one
    equal = 1e-9 * max(map(abs, (*one, *two)))
    if one[0] - two[1] > equal:
        return "holds"
    return "fails" if one[1] - two[0] <= equal else "depends"


def verdict_of(made: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the ruling that the printed commands give."""
    answers = {command: printed(command, capsys) for command in made["commands"]}
    truths = set()
    for cell in made["cells"]:
        found = truth(cell["proposition"], answers[cell["command"]])
        assert cell["truth"].startswith(found), cell
        truths.add(found)
    moves = False
    for boundary in made["boundaries"]:
        (line,) = answers[boundary["command"]]["series"]
        states = [s["state"] for s in line["stretches"] if s["state"]]
        ends = {round(s[end], 9) for s in line["stretches"] for end in ("low", "high")}
        told = {round(end, 9) for stretch in boundary["holds"] for end in stretch}
        assert told <= ends
        holds = states.count("above 0")
        assert bool(boundary["holds"]) == bool(holds)
        assert boundary["moves"] == (0 < holds < len(states))
        moves |= boundary["moves"] and "=" not in boundary["case"]
    if "depends" in truths:
        return "not decided"
    if len(truths) == 2:
        return "mixed"
    return "only if" if moves else "yes" if truths == {"holds"} else "no"


SAMPLE = (
    "production_moves_abroad",  # mixed
    # Slow: "tight_quota_speeds_up" (only if), "scarcity_breeds_results" (no), "drift_is_bad" (yes)
    "cf5_reciprocity",  # not decided
    "cf10_domestic_from_the_start",  # a game without regimes
)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_printed_commands_give_the_verdict(name, capsys):
    (made,) = judge_claims(name).to_dict()["claims"]
    assert verdict_of(made, capsys) == made["ruling"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [c.name for c in ASKED if c.name not in SAMPLE])
def test_every_printed_command_gives_its_part_of_the_verdict(name, capsys):
    (made,) = judge_claims(name).to_dict()["claims"]
    assert verdict_of(made, capsys) == made["ruling"]


def test_a_printed_command_runs_in_a_process_of_its_own(tmp_path):
    (made,) = judge_claims("listing_kills", quick=True).to_dict()["claims"]
    (command,) = made["commands"]
    line = [sys.executable, "-m", *shlex.split(command), "--json"]
    ran = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=100)
    assert ran.returncode == 0, ran.stderr
    bounds = json.loads(ran.stdout)["bounds"]
    assert bounds["killed"][1] - bounds["hardened"][0] == pytest.approx(made["margin"][1])


@pytest.fixture(scope="module")
def verdicts():
    """Every verdict, with its boundaries: about a minute of computing."""
    return judge_claims()


@pytest.mark.slow
def test_the_catalogue_says_yes_no_only_if_mixed_and_not_decided(verdicts):
    """No claim is left unsolved, and every other word is said of some claim."""
    found = {verdict.ruling for verdict in verdicts}
    assert found == set(Ruling) - {Ruling.UNSOLVED}
    assert {verdict.claim.weighed for verdict in verdicts} == {
        "for", "against", "mixed", "unverified", "none",
    }  # fmt: skip


@pytest.mark.slow
def test_a_boundary_agrees_with_the_cell_that_it_starts_from(verdicts):
    """Two ways to the same number: one solve in full, and the search along a parameter."""
    compared = 0
    for verdict in verdicts:
        cells = {(cell.case, cell.proposition): cell.truth.value for cell in verdict.cells}
        for boundary in verdict.boundaries:
            if boundary.beside or not boundary.low <= boundary.value <= boundary.high:
                continue
            at = cells[boundary.case, boundary.proposition]
            held = any(low < boundary.value < high for low, high in boundary.holds)
            edge = any(boundary.value in ends for ends in (*boundary.holds, *boundary.fails))
            if not edge:
                assert held == (at == "holds"), (verdict.claim.name, boundary.parameter)
                compared += 1
    assert compared > 80


# ---------------------------------------------------------------------------------------------
# The reference of the main game, sentence by sentence
#
# It was solved on grids: subsidies in steps of 0.1, other decisions in steps of a few hundredths.
# Where a boundary lies at a near tie, that moves it; tests/test_tipping.py shows that ours moves
# toward the reference on its grid. What it left open is said here beside what we find.


def edge(verdict, parameter, case="default", number=0):
    """Return the only value at which a proposition starts or stops holding."""
    proposition = verdict.claim.propositions[number].text
    (found,) = [
        b
        for b in verdict.boundaries
        if (b.parameter, b.case, b.proposition) == (parameter, case, proposition)
    ]
    (value,) = {end for ends in found.holds for end in ends} - {found.low, found.high}
    return value


def count(verdict, case):
    """Return in how many cells of a case the claim holds, and of how many."""
    mine = [cell.truth.value == "holds" for cell in verdict.cells if cell.case == case]
    return sum(mine), len(mine)


@pytest.mark.slow
def test_controls_raise_effort_almost_always_and_capability_in_a_region(verdicts):
    """Reference: effort yes almost always; capability above a relative capability of 0.515 with
    third countries free to step in, and with learning from access below 0.15 to 0.21. Ours: 0.510
    and 0.152; with allies aligned 0.227, beyond the declared range of beta.
    """
    assert verdicts["controls_raise_effort"].holds
    capability = verdicts["controls_raise_capability"]
    gap = edge(capability, "gM", number=1)
    assert 0.3 / (0.3 + gap) == pytest.approx(0.515, abs=0.01)
    assert 0.15 < edge(capability, "beta", number=1) < 0.21


@pytest.mark.slow
def test_more_advanced_in_a_decade_under_one_preset_only(verdicts):
    """Reference: true in the default preset (1.4 to 3.4 times), false in three of four cells of the
    conservative one. Ours: the same cells.
    """
    found = verdicts["controls_raise_capability"]
    assert found.ruling is Ruling.MIXED
    assert count(found, "default") == count(found, "aligned") == (2, 2)
    assert count(found, "conservative") == (0, 2)
    assert count(found, "conservative_aligned") == (1, 2)


@pytest.mark.slow
def test_a_lost_market_cuts_the_incumbent_s_research(verdicts):
    """Reference: yes, by 11 percent under the yard and 33 under broad controls."""
    found = verdicts["lost_market_cuts_research"]
    assert found.ruling is Ruling.YES
    yard, broad = (cell.low for cell in found.cells if cell.case == "default")
    free = 0.153
    assert yard / free == pytest.approx(0.11, abs=0.01)
    assert broad / free == pytest.approx(0.33, abs=0.01)


@pytest.mark.slow
def test_leverage_is_used_up_but_for_one_cell_that_the_reference_does_not_show(verdicts):
    """Reference, default preset: yes, 0.45 to 0.35 (yard) and 0.27 (broad), 0 if allies align.
    Ours: the same there. It differs under the conservative preset, for which the reference prints
    no leverage: broad controls keep the challenger so weak that they leave more to cut off.
    """
    found = verdicts["leverage_is_used_up"]
    assert found.ruling is Ruling.MIXED
    yard, broad = (cell.low for cell in found.cells if cell.case == "default")
    assert (yard, broad) == pytest.approx((0.10, 0.18), abs=0.005)
    assert [count(found, case)[0] for case in ("default", "aligned", "conservative_aligned")] == [
        2, 2, 2,
    ]  # fmt: skip
    assert count(found, "conservative") == (1, 2)


@pytest.mark.slow
def test_narrow_is_good_and_drift_is_bad(verdicts):
    """Reference: a drift risk of 0.01 to 0.02 removes the yard's gain if allies align (0.017 here);
    third countries free to enter make it worse than none.
    """
    found = verdicts["narrow_is_good"]
    assert found.says == (
        "mixed: yes under aligned and conservative_aligned, no under default and conservative"
    )
    assert 0.01 < edge(found, "prisk", "aligned") < 0.02
    assert 10.3 <= edge(found, "Om") <= 11.65
    assert 1.7 < edge(found, "Om", "aligned") < 3
    assert verdicts["drift_is_bad"].ruling is Ruling.YES


@pytest.mark.slow
def test_half_a_fence_is_worse_than_none_if_third_countries_enter(verdicts):
    """Reference: from a strictness of about 0.45 on (0.47 here). It did not look further: from 0.78
    on the fence denies more than the third country brings in.
    """
    found = verdicts["half_measures_backfire"]
    (along,) = [b for b in found.boundaries if b.parameter == "k_half"]
    ((low, high),) = along.holds
    assert low == pytest.approx(0.45, abs=0.03)
    assert high == pytest.approx(0.781, abs=0.002)


@pytest.mark.slow
def test_third_countries_decide(verdicts):
    """Reference: broad controls are never best while others are free to step in, at any stakes; the
    yard beats none from a penalty of 0.042 to 0.046 on.
    """
    third, broad = verdicts["third_countries_decide"], verdicts["broad_beats_none"]
    assert third.holds
    assert 0.042 < edge(third, "Phi") < 0.046
    along = {(b.parameter, b.case): b for b in broad.boundaries}
    assert along["Om", "default"].holds == along["h", "default"].holds == ()
    assert along["h", "aligned"].holds == ()


@pytest.mark.slow
def test_investing_at_home_is_a_complement_if_allies_align(verdicts):
    """Reference: alone it beats a leaky yard at stakes of 3 and 8; together they are best if allies
    align, from 3 on. Ours: alone up to 31; together better than it from 2.5 on if aligned, from
    6.6 on if not.
    """
    alone, together = verdicts["cf6_invest_instead"], verdicts["invest_and_fence"]
    assert edge(alone, "Om") > 8
    assert edge(alone, "Om", "aligned") < 3
    assert edge(together, "Om", "aligned", 1) < 3
    assert 3 < edge(together, "Om", "default", 1) < 8


@pytest.mark.slow
def test_long_timelines_make_controls_bad(verdicts):
    """Reference: below 0.25 to 0.29 at stakes of 3; at 8 the yard is better at any. Ours: the same
    at 8, and below 0.328 at 3, a near tie that the reference's grid of subsidies moves.
    """
    found = verdicts["long_timelines_make_controls_bad"]
    assert edge(found, "h", "aligned") == pytest.approx(0.328, abs=0.002)
    (stakes,) = [b for b in found.boundaries if b.case == "aligned, Om = 8"]
    assert stakes.holds == ()


@pytest.mark.slow
def test_broad_controls_free_retaliation(verdicts):
    """Reference: the yard keeps the hostage from a cost of about 0.004 on, broad controls never."""
    found = verdicts["broad_frees_retaliation"]
    assert found.holds
    assert edge(found, "r1", number=1) == pytest.approx(0.004, abs=5e-4)


@pytest.mark.slow
def test_screening_alone_is_best_but_where_a_yard_has_allies_and_learning_is_slow(verdicts):
    """Reference: 3.4822 and 3.4784 under the two presets, above every control regime with third
    countries free to enter. Ours: likewise; with allies aligned, the yard beats it under the
    conservative preset (3.492 against 3.477), which the reference's own table of aligned allies
    (3.5210 for both together) allows.
    """
    found = verdicts["cf2_screening_only"]
    assert [count(found, case)[0] for case in ("default", "aligned", "conservative")] == [3, 3, 3]
    assert count(found, "conservative_aligned") == (2, 3)


CLOSED_FORMS = {
    ("tight_quota_speeds_up", "quota"): 1 / 9 + 7 * 0.25 / 18,
    ("scarcity_breeds_effort", "rho"): 0.4,  # nu
    ("scarcity_opens_weights", "kappa_cut"): 0.2 / 0.7,
    ("broad_ban_tips_the_platform", "f_broad"): (0.5 + 0.4) / 1.5,
    ("opaque_lists_drive_buyers_away", "pi"): 1 / 4,
    ("cf10_domestic_from_the_start", "delta"): 2 / 3,
    ("cf4_roll_back", "p"): 3 / 4,
    ("dependence_restrains", "d_broad"): 1 / 3,
    ("cf7_dependence_kept", "v_broad"): 0.78,
    ("the_yard_creeps", "delta"): 1 / 2,
    ("long_arm_aligns_allies", "Phi"): 0.0270,
    ("a_taxed_sale_beats_a_ban", "mu"): 0.814,
    ("controls_raise_the_chance_to_lead", "chi"): 0.6,  # threat
    ("time_bought_is_not_worth_it", "delta"): 0.8,
    ("selling_beats_denying", "D"): 0.759,
    ("hard_visas_lose_talent", "w_A"): 0.55,
}
"""Where single arguments flip, by the formulas that the games' own pages give."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameter"), CLOSED_FORMS)
def test_single_arguments_flip_where_their_formulas_say(verdicts, name, parameter):
    expected = CLOSED_FORMS[name, parameter]
    edges = {
        end
        for b in verdicts[name].boundaries
        if b.parameter == parameter
        for ends in b.holds
        for end in ends
        if b.low < end < b.high
    }
    assert min(abs(end - expected) for end in edges) < 1e-3
