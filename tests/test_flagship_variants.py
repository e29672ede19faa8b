"""The flagship's variants: where nothing is changed they are the flagship; what each one adds."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from highfence import load, solve
from highfence.solution import Equilibrium, Status
from highfence.spec import toml
from highfence.spec.model import Game

GAMES = Path(__file__).resolve().parent.parent / "games" / "export_control"
NEUTRAL: dict[str, dict[str, Any]] = {
    "yard_on_conditions": {"rent": 0, "harm": 0},
    "yard_reverse_spillovers": {"back": 0},
    "yard_tool_maker": {"home": 0, "shared": 0},
    "yard_unknown_challenger": {"near_by": 0, "far_by": 0},
    "yard_unseen_enforcement": {"caught": 0.000001, "watching": 1},
    "yard_with_allies": {"stake": 0},
}
"""Where a variant is the flagship."""


@pytest.fixture(scope="module")
def variants() -> dict[str, Game]:
    """Return the variants, each compiled once."""
    return {name: load(name) for name in (*NEUTRAL, "yard_unknown_motive")}


def all_of(game: Game, **request: Any) -> tuple[Equilibrium, ...]:
    """Return the equilibria of a game; each of them is certified."""
    solution = solve(game, **request)
    assert solution.status is Status.SOLVED, solution.reason
    assert all(found.certificate.holds for found in solution.equilibria)
    return solution.equilibria


def outcome(game: Game, **request: Any) -> dict[str, float]:
    """Return the outcomes of the only equilibrium of a game."""
    (found,) = all_of(game, **request)
    return dict(found.outcomes)


@pytest.mark.parametrize("name", [*NEUTRAL, "yard_unknown_motive"])
def test_a_variant_says_what_it_asks_and_survives_being_written(name, variants):
    game = variants[name]

    assert game.name == name
    assert game.question.endswith("?")
    assert game.source.startswith("own model")
    assert game.title
    assert game.about
    assert game.assumptions
    for parameter in game.parameters:
        assert parameter.label
        if not parameter.choices:
            assert parameter.unit
            assert parameter.source
    assert toml.loads(toml.dumps(game)) == game


@pytest.mark.parametrize("regime", ["none", "small_yard", "broad"])
@pytest.mark.parametrize("name", NEUTRAL)
def test_a_variant_with_nothing_changed_is_the_flagship(name, regime, variants):
    flagship = outcome(load("small_yard_high_fence"), regime=regime, allies="aligned")
    for found in all_of(variants[name], regime=regime, allies="aligned", **NEUTRAL[name]):
        for key in ("W_A", "W_C", "x_L", "x_H", "K_H", "s", "P_1", "P_2", "P_2c"):
            assert found.outcomes[key] == pytest.approx(flagship[key], abs=2e-5), key


# -- Regimes on conditions ------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["0.13", "0.16"])
def test_a_challenger_stops_short_of_the_mark_at_which_a_sliding_scale_ends(mark, variants):
    game = variants["yard_on_conditions"]
    sliding = outcome(game, regime="sliding_scale", K_lift=mark)
    yard = outcome(game, regime="small_yard")

    assert sliding["K_H"] == pytest.approx(float(mark), abs=1e-4)
    assert sliding["lifted"] == 0
    assert sliding["K_H"] < yard["K_H"]
    assert sliding["W_A"] > yard["W_A"]


def test_a_mark_out_of_reach_is_a_yard_and_a_low_one_is_passed(variants):
    game = variants["yard_on_conditions"]

    far = outcome(game, regime="sliding_scale", K_lift="0.2")
    assert far["W_A"] == pytest.approx(outcome(game, regime="small_yard")["W_A"], abs=1e-6)
    near = outcome(game, regime="sliding_scale", K_lift="0.05")
    assert near["lifted"] == 1
    assert near["K_H"] > 0.05


@pytest.mark.parametrize(("rent", "blocked"), [("0.070", 0), ("0.072", 1)])
def test_reciprocity_opens_a_market_whose_block_is_worth_less_than_a_yard_costs(
    rent, blocked, variants
):
    found = outcome(variants["yard_on_conditions"], regime="reciprocal", rent=rent)

    assert found["blocked"] == found["bites"] == blocked


# -- Reverse spillovers, tools, allies ------------------------------------------------------------


def test_what_flows_back_speaks_for_a_yard_and_against_broad_controls(variants):
    game = variants["yard_reverse_spillovers"]
    learned = {
        r: outcome(game, regime=r, back="0.1")["learned"] for r in ("none", "small_yard", "broad")
    }

    assert learned["small_yard"] > learned["none"] > learned["broad"] == 0


@pytest.mark.parametrize(("back", "yard_wins"), [("0.14", False), ("0.16", True)])
def test_a_patient_state_fences_once_enough_flows_back(back, yard_wins, variants):
    game = variants["yard_reverse_spillovers"]
    none, yard = (
        outcome(game, regime=r, back=back, h="0.2")["W_A"] for r in ("none", "small_yard")
    )

    assert (yard > none) is yard_wins


@pytest.mark.parametrize(("home", "yard_wins"), [("0.04", True), ("0.08", False), (1, False)])
def test_a_tool_maker_at_home_speaks_against_every_control(home, yard_wins, variants):
    game = variants["yard_tool_maker"]
    none, yard, tools = (
        outcome(game, regime=r, home=home)["W_A"] for r in ("none", "small_yard", "tools_only")
    )

    assert (yard > none) is yard_wins
    assert tools < none


@pytest.mark.parametrize(("Phi", "held"), [("0.01", {0}), ("0.03", {2}), ("0.045", {3})])
def test_how_many_of_three_allies_hold_the_fence(Phi, held, variants):
    found = all_of(variants["yard_with_allies"], regime="small_yard", Phi=Phi)
    counts = {e.outcomes["aligned"] for e in found if float(e.outcomes["aligned"]).is_integer()}

    assert counts == held


def test_one_ally_who_backfills_is_as_good_as_the_flagships_vendor(variants):
    flagship = outcome(load("small_yard_high_fence"), regime="small_yard")
    found = all_of(variants["yard_with_allies"], regime="small_yard", stake="0.2")
    pure = [e for e in found if e.outcomes["aligned"] == 2]

    assert len(pure) == 3  # each of the three may be the one
    for equilibrium in pure:
        assert equilibrium.outcomes["W_A"] == pytest.approx(flagship["W_A"], abs=2e-5)


# -- Enforcement unseen, types unknown ------------------------------------------------------------


@pytest.mark.parametrize("fine", [2, 5])
def test_a_higher_fine_lowers_watching_and_not_smuggling(fine, variants):
    found = outcome(variants["yard_unseen_enforcement"], regime="small_yard", fine=fine)
    usual = outcome(variants["yard_unseen_enforcement"], regime="small_yard")

    assert found["watched"] == pytest.approx(1 / (0.8 * (1 + fine)), abs=1e-6)
    assert found["runs"] == pytest.approx(usual["runs"], abs=1e-6)


def test_cheaper_watching_lowers_smuggling(variants):
    usual = outcome(variants["yard_unseen_enforcement"], regime="small_yard")
    cheap = outcome(variants["yard_unseen_enforcement"], regime="small_yard", watching="0.004")

    assert cheap["runs"] == pytest.approx(usual["runs"] / 2, abs=1e-3)
    assert cheap["W_A"] > usual["W_A"]


@pytest.mark.parametrize(("watching", "watched"), [("0.019", True), ("0.0194", False)])
def test_a_fence_that_costs_too_much_is_not_watched(watching, watched, variants):
    found = outcome(variants["yard_unseen_enforcement"], regime="small_yard", watching=watching)

    assert (found["watched"] > 0) is watched
    assert (found["runs"] < 1) is watched


@pytest.mark.parametrize(("belief", "yard_wins"), [("0.51", True), ("0.53", False)])
def test_a_yard_pays_against_a_challenger_that_is_far_enough_for_certain_enough(
    belief, yard_wins, variants
):
    game = variants["yard_unknown_challenger"]
    none, yard = (outcome(game, regime=r, p_near=belief)["W_A"] for r in ("none", "small_yard"))

    assert (yard > none) is yard_wins


@pytest.mark.parametrize(
    ("gain", "found"),
    [("0.155", {(1, 0.5)}), ("0.160", {(1, 0.5), (0.5, 0)}), ("0.165", {(0.5, 0)})],
)
def test_containment_hides_behind_a_yard_while_broad_control_gains_it_little(gain, found, variants):
    pure = all_of(variants["yard_unknown_motive"], method="pure_sequential", gain=gain)

    assert {(e.outcomes["yard"], e.outcomes["hides"]) for e in pure} == found


def test_suspicion_lowers_the_subsidy(variants):
    game = variants["yard_unknown_motive"]
    subsidies = [outcome(game, p=p)["subsidy"] for p in ("0.05", "0.5", "0.95")]

    assert subsidies == [pytest.approx(s) for s in (0.20, 0.25, 0.30)]


def test_the_numbers_before_the_signal_are_the_flagships():
    """Solve anew what the game keeps, and that no other subsidy is best under any belief."""
    module = run_path(str(GAMES / "yard_unknown_motive.py"))

    for case, row in module["tabulate"]().items():
        kept = module["AFTER"][case]
        for new, old in zip(row, kept, strict=True):
            assert [float(x) for x in new] == pytest.approx([float(x) for x in old], abs=2e-5)
    yard, grown = ([float(c) for _, c in module["AFTER"][case]] for case in ("yard", "grown"))
    best = set()
    for step in range(1001):
        mixed = [step / 1000 * a + (1 - step / 1000) * b for a, b in zip(yard, grown, strict=True)]
        best.add(module["SUBSIDIES"][mixed.index(max(mixed))])
    assert best == set(module["ANSWERS"])
    for case in ("none", "broad"):
        values = [float(c) for _, c in module["AFTER"][case]]
        assert module["SUBSIDIES"][values.index(max(values))] == "0.25"
