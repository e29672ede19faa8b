"""Staged games in closed form: the formulas of the literature, at thousands of draws a moment."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from highfence import Decision, Game, Interval, Parameter, Stage, load, tolerances
from highfence.certify.plays_batch import certify_plays
from highfence.errors import NotApplicable
from highfence.forms.build import build
from highfence.forms.staged import StagedForm
from highfence.forms.symbolic import from_sympy, symbol
from highfence.methods.closed_form import ClosedForm, closed_form_of
from highfence.solution import Solution, Status
from highfence.solve import solve
from highfence.spec.formulas import evaluate
from highfence.study.draws import solve_draws


def formed(name: str | Game, regime: str | None = None, **values: Any) -> StagedForm:
    game = load(name) if isinstance(name, str) else name
    form = build(game, regime=regime, parameters=values)
    assert isinstance(form, StagedForm)
    return form


def closed(form: StagedForm) -> ClosedForm:
    found = closed_form_of(form)
    assert found is not None
    return found


def draws(form: StagedForm, count: int, **ranges: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng(0)
    inputs = np.repeat(form.root[:, : len(form.plan.names)], count, axis=0)
    for name, (low, high) in ranges.items():
        inputs[:, form.plan.names.index(name)] = rng.uniform(low, high, count)
    return inputs


def column(form: StagedForm, inputs: np.ndarray, name: str) -> np.ndarray:
    return inputs[:, form.plan.names.index(name)]


def actions(solution: Solution) -> dict[str, float]:
    (equilibrium,) = solution.equilibria
    return {k: v for own in equilibrium.strategies.values() for k, v in own.items()}


RANGES = {"a": (110.0, 140.0), "c": (25.0, 40.0), "g": (3.5, 8.0)}


def test_three_stages_agree_with_the_closed_forms_to_the_last_digits():
    """Spencer and Brander 1983 with quadratic costs of research, both instruments."""
    form = formed("spencer_brander_1983", "both")
    inputs = draws(form, 2_000, **RANGES)
    found, _ = closed(form).solve(inputs)
    a, c, g = (column(form, inputs, name) for name in "acg")
    gap = a - c
    tax = -g * gap * (3 * g - 4) / (6 * (g - 2) * (3 * g - 1))
    subsidy = 3 * g**2 * gap * (3 * g - 4) / (4 * (g - 2) * (3 * g - 2) * (3 * g - 1))
    assert np.abs(found[:, 0] / tax - 1).max() < 1e-12
    assert np.abs(found[:, 1] / subsidy - 1).max() < 1e-12


def test_without_intervention_research_is_four_thirds_of_the_least_cost():
    form = formed("spencer_brander_1983", "laissez_faire")
    inputs = draws(form, 500, **RANGES)
    found, _ = closed(form).solve(inputs)
    a, c, g = (column(form, inputs, name) for name in "acg")
    assert np.abs(found[:, 2] / (4 * (a - c) / (9 * g - 4)) - 1).max() < 1e-12
    assert np.abs(found[:, 2] * g / found[:, 4] - 4 / 3).max() < 1e-12


@pytest.mark.parametrize(
    "regime",
    [
        pytest.param("both", marks=pytest.mark.slow),
        pytest.param("research_only", marks=pytest.mark.slow),
        "laissez_faire",
    ],
)
def test_every_draw_is_certified(regime):
    form = formed("spencer_brander_1983", regime)
    rule = closed(form)
    judged = certify_plays(form, rule, draws(form, 300, **RANGES))
    assert rule.single
    assert (judged.regret < 1e-9).all()
    assert (judged.unknown >= 0).all()
    assert judged.unknown.mean() < 3


@pytest.mark.parametrize(
    ("name", "regime"),
    [
        ("stackelberg_1934", None),
        ("brander_spencer_1985", "both"),
        ("brander_spencer_1985", "home_only"),
        ("daspremont_jacquemin_1988", "rivals"),
        ("minerals_ban", None),
        ("spencer_brander_1983", "laissez_faire"),
    ],
)
def test_it_agrees_with_the_search(name, regime):
    exact = solve(load(name), "closed_form", regime=regime)
    assert exact.status is Status.SOLVED, exact.reason
    (one,) = exact.equilibria
    assert one.certificate.holds
    assert one.certificate.refinement == "subgame perfect"
    searched = actions(solve(load(name), "staged", regime=regime))
    for key, value in actions(exact).items():
        assert value == pytest.approx(searched[key], rel=1e-5, abs=1e-5)


def market(low: Any = 0) -> Game:
    return Game(
        name="market",
        players=["one", "two"],
        parameters=[Parameter("a", 10), Parameter("c", 1), Parameter("unit", 1)],
        stages=[
            Stage("lead", Decision("one", "q1", Interval(low, "a * unit"))),
            Stage("follow", Decision("two", "q2", Interval(0, "a * unit"))),
        ],
        payoffs={
            "one": "q1 / unit * (a - q1 / unit - q2 / unit)",
            "two": "q2 / unit * (a - c - q1 / unit - q2 / unit)",
        },
    )


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("c", [-1, 0, 1, 3])
def test_a_leader_and_a_follower_in_any_unit(unit, c):
    found = actions(solve(market(), "closed_form", unit=unit, c=c))
    lead = (10 + c) / 2
    assert found["q1"] / unit == pytest.approx(lead, rel=1e-12)
    assert found["q2"] / unit == pytest.approx((10 - c - lead) / 2, rel=1e-12)


def test_where_the_leader_stops_at_a_kink_no_branch_is_right_and_nothing_is_claimed():
    """With c = 4 the leader drives the follower just out: a kink, where no slope is zero."""
    solution = solve(market(), "closed_form", c=4.5)
    assert all(e.certificate.holds for e in solution.equilibria)
    if not solution.equilibria:
        assert solution.status in (Status.NONE_FOUND, Status.UNCERTIFIED)


def test_the_leader_s_formula_is_von_stackelberg_s():
    formula = closed(formed(market())).formulas["q1"]
    a, c, unit = symbol("a"), symbol("c"), symbol("unit")
    assert (formula - unit * (a + c) / 2).expand() == 0


def test_games_that_are_not_linear_are_refused():
    game = dataclasses.replace(
        market(), payoffs={"one": "q1 * (a - q1**2 - q2)", "two": "q2 * (a - q1 - q2**3)"}
    )
    with pytest.raises(NotApplicable, match="closed_form cannot solve"):
        solve(game, "closed_form")
    with pytest.raises(NotApplicable, match="closed_form cannot solve"):
        solve(load("dixit_1980"), "closed_form")


def test_a_leader_with_equal_peaks_is_not_called_single():
    """The leader likes both ends alike: which end the formula takes is not all there is."""
    game = Game(
        name="ends",
        players=["one", "two"],
        stages=[
            Stage("lead", Decision("one", "x", Interval(-1, 1))),
            Stage("follow", Decision("two", "y", Interval(-3, 3))),
        ],
        payoffs={"one": "x**2 + 0*y", "two": "-(y - x)**2"},
    )
    found = closed_form_of(formed(game))
    assert found is None or not found.single


# ------------------------------------------------------------------ the judge of batches


def spoil(rule: ClosedForm, block: int, j: int, value: float) -> ClosedForm:
    """Return a rule that takes a number in one decision."""
    answers, fixed = rule.answers.copy(), rule.fixed.copy()
    answers[block, j], fixed[block, j] = -1, value
    return dataclasses.replace(rule, answers=answers, fixed=fixed)


@pytest.mark.parametrize(("block", "j"), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_a_rule_that_is_wrong_in_one_decision_is_turned_down(block, j):
    form = formed("spencer_brander_1983", "both")
    rule = closed(form)
    at = 2 * block + j
    right = rule.solve(form.root[:, : len(form.plan.names)])[0][0, at]
    wrong = spoil(rule, block, j, right + 5.0)
    judged = certify_plays(form, wrong, form.root[:, : len(form.plan.names)])
    assert judged.regret[0] > tolerances.REGRET_FLOAT


def test_an_action_outside_its_interval_is_turned_down():
    form = formed("spencer_brander_1983", "both")
    wrong = spoil(closed(form), 1, 0, -3.0)
    judged = certify_plays(form, wrong, form.root[:, : len(form.plan.names)])
    assert judged.regret[0] == np.inf
    assert judged.unknown[0] == -1


def test_a_rule_that_is_wrong_off_the_path_alone_is_turned_down():
    """The follower threatens to flood the market unless the leader stays out."""
    game = market(low=0)
    form = formed(game)
    rule = closed(form)
    # Nash, not subgame perfect: the leader sells nothing, the follower 9 whatever is done.
    wrong = spoil(spoil(rule, 0, 0, 0.0), 1, 0, 9.9)
    judged = certify_plays(form, wrong, form.root[:, : len(form.plan.names)])
    assert judged.regret[0] > 1e-3


def test_payoffs_of_the_judge_are_the_game_s():
    form = formed("spencer_brander_1983", "both")
    rule = closed(form)
    inputs = draws(form, 20, **RANGES)
    judged = certify_plays(form, rule, inputs)
    _, payoffs = rule.solve(inputs)
    assert judged.payoffs == pytest.approx(payoffs, rel=1e-12)


# ------------------------------------------------------------------ many draws


def test_draws_solved_together_are_those_solved_one_by_one():
    game = load("brander_spencer_1985")
    rng = np.random.default_rng(1)
    columns = {"c_1": rng.uniform(5, 15, 6), "c_2": rng.uniform(5, 15, 6)}
    together = solve_draws(game, columns, ["free_trade"])
    assert together.certified.all()
    for n in range(6):
        values = {name: float(column[n]) for name, column in columns.items()}
        (one,) = solve(game, regime="free_trade", **values).equilibria
        for k, player in enumerate(one.payoffs):
            assert together.low[n, 0, k] == pytest.approx(one.payoffs[player], rel=1e-6)


def test_three_thousand_draws_of_three_stages_are_certified_at_once():
    game = load("spencer_brander_1983")
    rng = np.random.default_rng(0)
    columns = {name: rng.uniform(*span, 3_000) for name, span in RANGES.items()}
    found = solve_draws(game, columns, ["both"])
    assert found.certified.all()
    low, high = found.column("v")
    g, gap = columns["g"], columns["a"] - columns["c"]
    tax = -g * gap * (3 * g - 4) / (6 * (g - 2) * (3 * g - 1))
    assert low[:, 0] == pytest.approx(tax, rel=1e-12)
    assert (low == high).all()


def test_formulas_go_to_sympy_and_back():
    x, y = symbol("x"), symbol("y")
    root = from_sympy((x**2 - 3 * y / 7) / (x + y) ** 3 - 1 / y)
    at = {"x": 1.5, "y": 2.25}
    expected = (1.5**2 - 3 * 2.25 / 7) / 3.75**3 - 1 / 2.25
    assert float(evaluate([root], at)[0]) == pytest.approx(expected, rel=1e-14)
    import sympy

    with pytest.raises(NotApplicable, match="has no formula here"):
        from_sympy(sympy.sin(x))
