"""The flagship's file says what the model says: every formula, judged by an independent oracle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flagship_oracle as oracle
from highfence.spec.formulas import evaluate, input_names
from highfence.spec.model import Decision, Game, Interval
from highfence.spec.resolve import Resolved, resolve
from highfence.spec.toml import dumps, load, loads

ROWS = ("prisk", "k_half", "threat_yard", "threat_half", "tax_licence", "s_invest", "beta_screen")
TEN = tuple(oracle.REGIMES)


@pytest.fixture(scope="module")
def game() -> Game:
    path = Path(__file__).resolve().parent.parent / "games/export_control"
    return load(path / "small_yard_high_fence.toml")


def numbers(game: Game) -> dict[str, float]:
    return {p.name: float(p.value) for p in game.parameters if not p.choices}


def regime_decision(resolved: Resolved) -> Decision:
    move = resolved.moves["regime"]
    assert isinstance(move, Decision)
    return move


def draw(game: Game, rng: np.random.Generator) -> dict[str, float]:
    """Return parameters within their ranges, now and then at an end; others within a third."""
    drawn = {}
    for parameter in game.parameters:
        if parameter.choices:
            continue
        value = float(parameter.value)
        low = value * 2 / 3 if parameter.low is None else float(parameter.low)
        high = value * 4 / 3 if parameter.high is None else float(parameter.high)
        at = rng.random()
        drawn[parameter.name] = low if at < 0.05 else high if at > 0.95 else rng.uniform(low, high)
    return drawn


def plays(
    game: Game, count: int, seed: int
) -> list[tuple[dict[str, float], int, tuple[float, float, float, float, float]]]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        s, x_L, x_H = rng.random(3) * (oracle.S_MAX, oracle.X_L_MAX, oracle.X_H_MAX)
        if number % 7 == 0:
            x_L, x_H = oracle.X_L_MAX * rng.integers(0, 2), oracle.X_H_MAX * rng.integers(0, 2)
        b_F, b_M = (float(b) for b in rng.integers(0, 2, 2))
        made.append((draw(game, rng), number % len(TEN), (s, b_F, b_M, x_L, x_H)))
    return made


def judged(values: Mapping[str, float], regime: str, play: tuple[float, ...]) -> dict[str, float]:
    """Return what the oracle says, with objectives under the names of the players."""
    row = oracle.controls(**{name: values[name] for name in ROWS})[regime]
    par = {name: values[name] for name in oracle.Calibration._fields}
    said = oracle.evaluate(par, row, *play)
    objectives = {"A": "W_A", "C": "W_C", "L": "payoff_L", "H": "payoff_H"}
    objectives |= {"T_F": "profit_T_F", "T_M": "profit_T_M"}
    return said | {f"payoff of {player}": said[name] for player, name in objectives.items()}


@pytest.mark.parametrize("timing", ["commitment", "discretion"])
def test_every_metric_and_payoff_agrees_with_the_oracle_at_random_plays(game, timing):
    resolved = resolve(game, {"timing": timing})
    names = [*resolved.derived, *(f"payoff of {player}" for player in resolved.payoffs)]
    roots = [*resolved.derived.values(), *resolved.payoffs.values()]
    labels = [action.name for action in regime_decision(resolved).actions]
    metrics = [name for name in oracle.METRICS if not name.startswith(("payoff_", "profit_"))]
    assert set(metrics) <= set(names)

    drawn = plays(game, 500, seed=1)
    columns = {name: np.array([values[name] for values, _, _ in drawn]) for name in drawn[0][0]}
    for k, move in enumerate(("s", "b_F", "b_M", "x_L", "x_H")):
        columns[move] = np.array([play[k] for _, _, play in drawn])
    columns["regime"] = np.array([labels.index(TEN[regime]) for _, regime, _ in drawn], float)
    found = dict(zip(names, evaluate(roots, columns), strict=True))

    for i, (values, regime, play) in enumerate(drawn):
        said = judged(values, TEN[regime], play)
        for name in (*metrics, *(f"payoff of {player}" for player in resolved.payoffs)):
            got = float(np.broadcast_to(found[name], (len(drawn),))[i])
            assert got == pytest.approx(said[name], rel=1e-12, abs=1e-12), (name, TEN[regime], i)


def test_the_random_plays_reach_every_kind_of_corner(game):
    """A test of formulas that never leaves the interior would pass on a wrong corner."""
    kinds = set()
    for values, regime, play in plays(game, 500, seed=1):
        said = judged(values, TEN[regime], play)
        kinds |= {f"retaliates {said['ret']}", f"entry {said['entry_F'] + said['entry_M']}"}
        kinds.add(f"challenger absent {said['sh_H1'] <= 0}")
        kinds.add(f"incumbent dearer {said['gap_M'] < 0}")
    assert kinds == {
        *("retaliates 0.0", "retaliates 1.0", "entry 0.0", "entry 1.0", "entry 2.0"),
        *("challenger absent True", "challenger absent False"),
        *("incumbent dearer True", "incumbent dearer False"),
    }


def test_the_players_and_their_decisions_are_those_of_the_model(game):
    resolved = resolve(game)
    owners = {name: move.player for name, move in resolved.moves.items()}
    expected = {"regime": "A", "s": "C", "b_F": "T_F", "b_M": "T_M", "x_L": "L", "x_H": "H"}
    assert owners == expected
    assert [[move.name for move in stage.moves] for stage in resolved.stages] == [
        ["regime"],
        ["s", "b_F", "b_M"],
        ["x_L", "x_H"],
    ]
    intervals = {n: m.actions for n, m in resolved.moves.items() if isinstance(m.actions, Interval)}
    bounds = {n: (float(i.low), float(i.high)) for n, i in intervals.items()}
    assert bounds == {
        "s": (0, oracle.S_MAX),
        "x_L": (0, oracle.X_L_MAX),
        "x_H": (0, oracle.X_H_MAX),
    }


def test_discretion_moves_the_regime_behind_the_response_and_changes_nothing_else(game):
    early, late = resolve(game), resolve(game, {"timing": "discretion"})
    assert [stage.name for stage in late.stages] == ["response", "regime_late", "research"]
    assert regime_decision(early) == regime_decision(late)
    assert early.payoffs == late.payoffs
    assert game.commitment is not None
    assert (game.commitment.player, game.commitment.parameter) == ("A", "timing")


@pytest.mark.parametrize("allies", ["endogenous", "aligned", "backfill"])
def test_under_commitment_vendors_may_enter_controlled_segments_alone(game, allies):
    resolved = resolve(game, {"allies": allies})
    labels = [action.name for action in regime_decision(resolved).actions]
    for index, name in enumerate(labels):
        row = oracle.REGIMES[name]
        for vendor, strictness in (("b_F", row.k_F), ("b_M", row.k_M)):
            inputs = numbers(game) | {"regime": index}
            stay, enter = (bool(v) for v in evaluate(resolved.available[vendor], inputs))
            controlled = strictness > 0
            assert enter == (controlled and allies != "aligned")
            assert stay == (not controlled or allies != "backfill")


@pytest.mark.parametrize("allies", ["endogenous", "aligned", "backfill"])
def test_under_discretion_entry_is_sunk_before_the_regime_is_known(game, allies):
    resolved = resolve(game, {"allies": allies, "timing": "discretion"})
    for vendor in ("b_F", "b_M"):
        assert not input_names(resolved.available[vendor])
        stay, enter = (bool(v) for v in evaluate(resolved.available[vendor], {}))
        assert (stay, enter) == (allies != "backfill", allies != "aligned")


def test_a_vendor_that_enters_an_open_segment_pays_and_sells_nothing(game):
    resolved = resolve(game, {"timing": "discretion"})
    inputs = numbers(game) | {"regime": 0, "s": 0.2, "b_F": 1, "b_M": 0, "x_L": 0.1, "x_H": 0.1}
    payoff, entry = evaluate([resolved.payoffs["T_F"], resolved.derived["entry_F"]], inputs)
    assert (float(payoff), float(entry)) == (-inputs["Phi"], 0.0)


def test_the_values_and_presets_are_those_of_the_calibration(game):
    values = numbers(game)
    assert {name: values[name] for name in oracle.Calibration._fields} == oracle.DEFAULT._asdict()
    conservative = {name: float(value) for name, value in game.presets["conservative"].items()}
    assert oracle.DEFAULT._replace(**conservative) == oracle.CONSERVATIVE


def test_every_parameter_says_what_it_is_and_where_it_comes_from(game):
    for parameter in game.parameters:
        assert parameter.label, parameter.name
        if not parameter.choices:
            assert parameter.unit, parameter.name
            assert parameter.source, parameter.name
            if parameter.low is not None:
                assert parameter.low <= parameter.value <= parameter.high, parameter.name


def test_each_regime_fixes_the_action_of_its_name(game):
    assert tuple(regime.name for regime in game.regimes) == TEN
    for regime in game.regimes:
        assert dict(regime.fix) == {"regime": regime.name}
        assert regime.label
        assert regime.about


def test_a_mechanism_that_is_off_leaves_its_trace_nowhere(game):
    """Each switch makes the quantity it is named for what it would be without the mechanism."""
    resolved = resolve(game)
    labels = [action.name for action in regime_decision(resolved).actions]

    def after(regime: str, *mechanisms: str, **moves: Any) -> dict[str, float]:
        inputs = numbers(game) | {"regime": labels.index(regime), "s": 0.4, "b_F": 0, "b_M": 0}
        inputs |= {"x_L": 0.1, "x_H": 0.2} | moves
        for name in mechanisms:
            inputs |= {n: float(v) for n, v in game.mechanisms[name].off.items()}
        found = evaluate(list(resolved.derived.values()), inputs)
        return {name: float(value) for name, value in zip(resolved.derived, found, strict=True)}

    learning = ("learning_by_doing", "access_learning")
    assert after("none", *learning)["K_H"] == after("none")["theta"] * 0.2
    assert after("broad", "alignment")["theta"] == 1
    assert after("none", "lazy_subsidies")["theta"] == 1
    assert after("broad", "smuggling")["mil_2c"] < after("broad")["mil_2c"]
    assert after("broad", "dilution")["smuggled_F_1"] == pytest.approx(
        after("small_yard")["smuggled_F_1"], rel=1e-12
    )
    assert after("broad", "tool_chokepoint")["cost_H_F_1"] == after("none")["cost_H_F_1"]
    assert after("broad", "chokepoint_erosion", "learning_by_doing", "access_learning", x_H=0)[
        "cost_H_F_2"
    ] == pytest.approx(after("broad")["cost_H_F_1"])
    assert after("broad")["ret"] == 1
    assert after("broad", "retaliation")["ret"] == 0
    assert after("small_yard", "risk_discount")["wedge_1"] == 0
    assert after("none", "research_and_power", x_L=0.2)["capability_2"] == numbers(game)["M0"]
    calm = after("none", "leverage_in_crisis")
    assert calm["X"] == pytest.approx(0.35 * calm["P_1"] + 0.65 * calm["P_2"])
    assert after("none", "dual_use_mainstream")["mil_1"] == after("none")["units_F_1"]
    assert after("none", "exports")["exports_H"] == 0
    assert dict(game.mechanisms["backfill"].off) == {"allies": "aligned"}
    assert len(game.mechanisms) == 15


def test_the_file_survives_a_round_trip(game):
    again = loads(dumps(game))
    assert again == game


def test_no_metric_is_undefined_anywhere_in_the_declared_ranges(game):
    resolved = resolve(game)
    rng = np.random.default_rng(3)
    drawn = [draw(game, rng) for _ in range(2000)]
    columns = {name: np.array([one[name] for one in drawn]) for name in drawn[0]}
    columns |= {"s": rng.uniform(0, 0.9, 2000), "x_L": rng.uniform(0, 0.27, 2000)}
    columns |= {"x_H": rng.uniform(0, 0.6, 2000), "regime": rng.integers(0, 10, 2000)}
    columns |= {"b_F": rng.integers(0, 2, 2000), "b_M": rng.integers(0, 2, 2000)}
    for name, value in zip(
        resolved.derived, evaluate(list(resolved.derived.values()), columns), strict=True
    ):
        assert np.isfinite(value).all(), name
        if name.startswith(("q_", "units_", "price_", "mil_", "smuggled_", "CS_")):
            assert np.min(value) >= 0, name
