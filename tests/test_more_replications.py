"""Answers of the literature: those that games declare, and those that are no game of the catalogue.

What a game declares under ``published`` is solved and compared here, row by row, and the README's
table must say the same. Below that stand what follows from the models beyond single numbers, and
the dynamic models whose form the catalogue does not hold, through the Python API.
"""

from __future__ import annotations

import json
from itertools import pairwise
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from highfence import load, solve
from highfence.certify.linear_quadratic import certify_feedback
from highfence.commands.replications import replications as command
from highfence.errors import RequestError, SpecError
from highfence.methods.linear_quadratic import LinearQuadraticGame, coupled_riccati
from highfence.report.replications_text import replications_markdown
from highfence.spec import toml
from highfence.spec.catalog import entries
from highfence.spec.model import Game
from highfence.study import Replication, replicate, replications

GAMES = [
    entry.name
    for entry in entries()
    if entry.path.endswith(".toml") and "[[published]]" in Path(entry.path).read_text("utf-8")
]

SLOW = {"fershtman_kamien_1987", "harris_vickers_1987", "step_by_step_2001"}


def near(value: float) -> Any:
    """Equal to 1e-6, absolutely."""
    return pytest.approx(value, rel=0, abs=1e-6)


def outcome(game: str, **request: Any) -> dict[str, float]:
    """Return the outcomes of the only equilibrium of a game, which is certified."""
    (found,) = solve(game, **request).equilibria
    assert found.certificate.holds
    return dict(found.outcomes)


def answers(name: str) -> tuple[Replication, ...]:
    """Return what a game declares, beside ours."""
    game = load(name)
    assert isinstance(game, Game)
    return replicate(game, name=name)


def table() -> list[list[str]]:
    """Return the rows of the README's table: what `highfence replications --markdown` prints."""
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
    _, _, rest = readme.partition("| paper | quantity | game | published | ours | difference |\n")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize(
    "name",
    [pytest.param(g, marks=[pytest.mark.slow] if g in SLOW else []) for g in GAMES],
)
def test_what_others_published_is_found_here_too_and_stands_in_the_readme(name):
    found = answers(name)
    for row in found:
        assert row.holds, f"{row.label}: {row.published} against {row.ours}; {row.reason}"
        assert row.tolerance <= 1e-6 or row.origin != "published"
    shown = [row for row in table() if row[2] == f"`{name}`"]
    lines = replications_markdown(found).splitlines()[2:]
    new = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert [row[:4] for row in shown] == [row[:4] for row in new]
    for row, one in zip(shown, found, strict=True):
        assert float(row[4]) == pytest.approx(one.ours, rel=2e-6, abs=1e-6)
        bound = 1e-9 if row[5] == "0" else float(row[5].removeprefix("< "))
        assert abs(one.difference) <= 10 * bound  # of a search, on another machine


def test_the_readme_shows_no_replication_that_is_gone():
    assert [row[2].strip("`") for row in table()] == [
        name for name in GAMES for _ in load(name).published
    ]


def test_a_stylized_game_declares_no_answer_as_the_papers():
    for name in GAMES:
        game = load(name)
        if game.source.startswith(("stylized", "own model")):
            assert {row.origin for row in game.published} == {"own"}, name
        else:
            assert "own" not in {row.origin for row in game.published}, name


# -- Aghion, Harris, Howitt and Vickers 2001; Aghion et al. 2005 -----------------------------------


@pytest.mark.parametrize(
    ("D", "printed"),
    [
        ("0.2", 0.926),
        ("0.5", 1.107),
        pytest.param("0.8", 1.099, marks=pytest.mark.slow),
        pytest.param(1, 1.071, marks=pytest.mark.slow),
    ],
)
def test_step_by_step_innovation_is_an_inverted_u_of_competition(D, printed):
    assert outcome("step_by_step_2001", D=D)["innovation"] == pytest.approx(printed, abs=5.1e-4)


@pytest.mark.parametrize("h", ["0.1", pytest.param("0.6", marks=pytest.mark.slow)])
def test_step_by_step_efforts_follow_the_closed_forms_at_other_rates_of_imitation(h):
    found = outcome("step_by_step_2001", h=h, D="0.7")
    rate = float(h)

    level = -rate + sqrt(rate**2 + 2 * 0.7)
    assert found["n_0"] == near(level)
    assert found["n_1"] == near(-(rate + level) + sqrt(rate**2 + level**2 + 2))


# -- Harris and Vickers 1985, 1987 (own version) ---------------------------------------------------


def test_a_race_over_stages_leader_laggard_and_equals_answer_one_another():
    """Every situation's effort is the best reply, by its own first-order condition."""
    found = outcome("harris_vickers_1987")

    def best(rival: float, mine: float, theirs: float, r: float = 0.1) -> float:
        waits = r + rival
        return -waits + sqrt(waits**2 + 2 * (mine * waits - rival * theirs))

    assert found["h_11"] == near(best(found["h_11"], 1, 0))
    assert found["h_lead"] == near(best(found["h_lag"], 1, found["v_11"]))
    assert found["h_lag"] == near(best(found["h_lead"], found["v_11"], 0))
    assert found["h_22"] == near(best(found["h_22"], found["v_lead"], found["v_lag"]))
    assert found["h_11"] > found["h_lead"] > found["h_22"] > found["h_lag"]


# -- Levhari and Mirman 1980 ----------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "b"), [("0.2", "0.8"), ("0.9", "0.95")])
def test_the_fish_war_empties_the_stock_faster_than_an_agreement(alpha, b):
    product = float(alpha) * float(b)

    each = outcome("levhari_mirman_1980", regime="war", alpha=alpha, b=b)
    both = outcome("levhari_mirman_1980", regime="agreement", alpha=alpha, b=b)
    assert each["c_1"] == near((1 - product) / (2 - product))
    assert both["c_1"] == near((1 - product) / 2)


# -- Fershtman and Kamien 1987 --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("s", ["0.2", 2, 10])
def test_watching_the_price_lowers_it_below_the_static_cournot_price(s):
    found = outcome("fershtman_kamien_1987", s=s)
    speed, r = float(s), 0.1
    k = (r + 6 * speed - sqrt((r + 6 * speed) ** 2 - 12 * speed**2)) / (6 * speed**2)

    assert found["slope"] == near(1 - speed * k)
    assert found["steady"] < found["static"] - 0.05


@pytest.mark.slow
def test_fershtman_kamien_the_rules_do_not_depend_on_where_the_price_starts():
    found = outcome("fershtman_kamien_1987", p_0="0.6")

    assert found["slope"] == near(0.8201593473755461)  # as from 0.8, above
    assert found["constant"] == near(-0.14522936000386794)


def _discrete_slope(h: float, a: float = 1, c: float = 0.1, s: float = 1, r: float = 0.1) -> float:
    """Return the slope of the feedback rule where firms act every h years."""
    payoffs = []
    for i in (0, 1):
        worth = np.zeros((4, 4))  # 1, price, sales of the two
        worth[0, 2 + i] = worth[2 + i, 0] = -c * h / 2
        worth[1, 2 + i] = worth[2 + i, 1] = h / 2
        worth[2 + i, 2 + i] = -h / 2
        payoffs.append(worth)
    game = LinearQuadraticGame.from_matrices(
        [[1, 0], [h * s * a, 1 - h * s]], [[0, -h * s], [0, -h * s]], payoffs, float(np.exp(-r * h))
    )
    found = coupled_riccati(game)
    judged = certify_feedback(
        game.transition, game.controls, game.payoffs, game.discounts, found.strategies
    )
    assert judged.holds
    return float(-found.strategies[0][0, 1])


@pytest.mark.slow
def test_fershtman_kamien_in_discrete_time_converges_to_the_published_rule():
    """Through the linear-quadratic method, with ever shorter periods, extrapolated."""
    slopes = [_discrete_slope(h) for h in (0.02, 0.01, 0.005)]
    once = [2 * b - a for a, b in pairwise(slopes)]

    r, s = 0.1, 1.0
    k = (r + 6 * s - sqrt((r + 6 * s) ** 2 - 12 * s**2)) / (6 * s**2)
    assert (4 * once[1] - once[0]) / 3 == pytest.approx(1 - s * k, abs=1e-4)


# -- Armstrong, Bostrom and Shulman 2016 ----------------------------------------------------------


@pytest.mark.parametrize(("e", "printed"), [(1, 0.666667), ("0.4", 0.346667)])
def test_racing_in_full_view_over_all_leads_has_the_published_risk(e, printed):
    """Leads z of two uniform draws have the density 2 (1 - z); the risk is linear in z up to e."""
    nodes, weights = np.polynomial.legendre.leggauss(2)  # exact for what is quadratic
    end = float(e)
    leads = end * (nodes + 1) / 2
    risks = [outcome("precipice_public_2016", Delta=float(z), e=e)["risk"] for z in leads]

    mean = sum(w * end / 2 * 2 * (1 - z) * r for w, z, r in zip(weights, leads, risks, strict=True))
    assert mean == pytest.approx(printed, abs=1e-6)


def test_racing_in_full_view_no_safety_beyond_lead_over_enmity_is_kept():
    assert outcome("precipice_public_2016", Delta="0.3", e="0.6")["overtaken"] == 0
    assert outcome("precipice_public_2016", Delta="0.7", e="0.6")["risk"] == near(0)


# -- Clayton, Maggiori and Schreger 2024 ----------------------------------------------------------


def test_the_last_percents_of_a_chokepoint_are_worth_the_most():
    worth = [
        outcome("clayton_maggiori_schreger_2024", omega=w)["power"] for w in ("0.5", "0.9", "0.95")
    ]

    assert worth[0] == near(0.2 * log(2))
    assert worth[2] - worth[1] == near(worth[0])


# -- Becko and O'Connor 2026; Liu and Yang 2025 (own versions) ------------------------------------


@pytest.mark.parametrize(("e_H", "e_F"), [(1, 2), (2, 1), ("1.5", "1.5"), (3, "0.7")])
def test_integration_before_a_conflict_has_the_sign_of_own_less_others_elasticity(e_H, e_F):
    found = outcome("pre_conflict_integration", e_H=e_H, e_F=e_F)["integration"]

    assert np.sign(round(found, 9)) == np.sign(float(e_H) - float(e_F))


@pytest.mark.slow
def test_power_is_what_bargaining_yields_and_shifts_with_the_easier_good():
    usual = outcome("power_of_imports")
    easier = outcome("power_of_imports", eps_chips=5)

    assert usual["gain"] == near(usual["power"] / 2)
    assert easier["gain"] == near(easier["power"] / 2)
    assert easier["power"] < usual["power"]
    assert outcome("power_of_imports", minerals_A=1, eps_chips=5)["power"] < 0


# -- Wang, Zhao and Jiang 2024 (Social Sciences in China): the property, in the flagship -----------


@pytest.mark.parametrize("allies", ["aligned", "endogenous"])
def test_the_targets_subsidy_rises_with_containment(allies):
    free = outcome("small_yard_high_fence", regime="none", allies=allies)
    for regime in ("small_yard", "broad"):
        contained = outcome("small_yard_high_fence", regime=regime, allies=allies)
        assert contained["s"] > free["s"] + 0.01


# -- What is declared, and how it is printed ------------------------------------------------------

DECLARED = """
name = "guess"
[players]
a = "A"
[parameters.t]
value = 0.25
[[stages]]
name = "one"
[stages.decisions.x]
player = "a"
interval = {low = 0, high = 1}
[derived]
seen = "x"
[payoffs]
a = "-(x - t) ** 2"
[regimes.half]
set = {t = 0.5}
[[published]]
formula = "seen"
value = "1/4"
source = "Nobody (1900)"
[[published]]
formula = "seen - half.seen"
value = -0.25
source = "Nobody (1900)"
label = "what half changes"
[[published]]
formula = "seen"
value = 0.7
source = "Nobody (1900)"
origin = "own"
equilibria = "some"
tolerance = 1e-3
set = {t = 0.1}
"""


def test_a_declared_answer_is_compared_at_its_own_numbers():
    first, second, third = replicate(toml.loads(DECLARED))

    assert first.holds
    assert first.published == 0.25
    assert second.holds
    assert second.label == "what half changes"
    assert not third.holds
    assert third.difference == near(0.1 - 0.7)
    assert third.command == "highfence solve guess --set t=0.1"


def test_declared_answers_survive_being_written_and_read():
    game = toml.loads(DECLARED)

    assert toml.loads(toml.dumps(game)) == game
    assert [row.origin for row in game.published] == ["published", "published", "own"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"seen - half.seen"', '"seen - whole.seen"', "whole"),
        ('value = "1/4"', 'value = "a quarter"', "not a finite number"),
        ('origin = "own"', 'origin = "mine"', "closed form"),
        ('equilibria = "some"', 'equilibria = "any"', "some"),
        ("set = {t = 0.1}", "set = {u = 0.1}", "there is no parameter 'u'"),
        ("tolerance = 1e-3", "tolerance = -1", "negative"),
        ("tolerance = 1e-3", "accuracy = 1e-3", "unknown key 'accuracy'"),
        ('formula = "seen"\nvalue = "1/4"', 'value = "1/4"', "'formula' is missing"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_line(old, new, said):
    assert old in DECLARED
    with pytest.raises(SpecError) as caught:
        toml.loads(DECLARED.replace(old, new, 1))

    assert any(said in str(problem) and problem.line for problem in caught.value.problems)


def test_a_game_that_declares_nothing_has_no_replications():
    with pytest.raises(RequestError, match="declares no published answers"):
        replications(["chicken"])


def test_the_command_prints_the_page_and_the_formats():
    run = CliRunner().invoke

    page = run(command, ["matching_pennies"])
    assert page.exit_code == 0
    assert "1 of 1 known answers, of 1 game, are found" in page.output
    (row,) = json.loads(run(command, ["matching_pennies", "--json"]).output)
    assert (row["published"], row["ours"], row["difference"], row["holds"]) == (0.5, 0.5, 0, True)
    assert run(command, ["matching_pennies", "--csv"]).output.splitlines()[0].startswith("source,")
    both = run(command, ["matching_pennies", "--markdown", "--csv"])
    assert isinstance(both.exception, RequestError)


def test_an_answer_that_is_missed_ends_with_another_exit_code(tmp_path):
    path = tmp_path / "guess.toml"
    path.write_text(DECLARED, "utf-8")

    found = CliRunner().invoke(command, [str(path)], standalone_mode=False)
    assert found.return_value == 3
    assert "MISSED" in found.output
