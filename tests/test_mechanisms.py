"""The table of mechanisms: every argument has a game, and every switch switches something."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from highfence import RequestError, load, solve
from highfence.cli import main
from highfence.report.mechanisms_text import mechanisms_csv, mechanisms_text
from highfence.spec.formulas import evaluate
from highfence.spec.model import Chance, Decision, Game, Mechanism, Parameter
from highfence.spec.resolve import resolved
from highfence.study.attribution import attribute, remove_each
from highfence.study.mechanisms import FLAGSHIP, MechanismTable, mechanisms, numbers_of

GAMES = Path(__file__).resolve().parent.parent / "games"
LISTED = tomllib.loads((GAMES / "_mechanisms.toml").read_text("utf-8"))
BUILDERS = sorted(path for path in GAMES.glob("*/*.py") if not path.name.startswith("_"))
DRAWS = 400


@cache
def flagships() -> dict[str, Mechanism]:
    """Return the mechanisms of the flagship."""
    game = load(FLAGSHIP)
    assert isinstance(game, Game)
    return dict(game.mechanisms)


def mechanisms_of(path: Path) -> dict[str, Mechanism]:
    """Return the mechanisms that a builder of the catalogue adds to the flagship's, by running it.

    A form has none.
    """
    game = load(path)
    taken_over = flagships()
    if not isinstance(game, Game):
        return {}
    return {name: one for name, one in game.mechanisms.items() if taken_over.get(name) != one}


@pytest.fixture(scope="module")
def table() -> MechanismTable:
    """Return the whole table, from the games of this checkout."""
    return mechanisms()


def declared() -> Iterator[Any]:
    """Yield (game, mechanism) for every switch of the catalogue."""
    for path in sorted(GAMES.glob("*/*.toml")):
        for name in tomllib.loads(path.read_text("utf-8")).get("mechanisms", {}):
            yield pytest.param(path, name, id=f"{path.stem}-{name}")


# -- What the games declare ------------------------------------------------------------------


def test_there_are_eighty_five_arguments_each_with_an_essay_and_a_pointer():
    assert list(LISTED["mechanisms"]) == [f"M{k:02}" for k in range(1, 86)]
    for number, one in LISTED["mechanisms"].items():
        assert one["title"], number
        assert one["says"], number
        assert one["essays"], number
        assert set(one["essays"]) <= set(LISTED["essays"]), number
    assert len({one["title"] for one in LISTED["mechanisms"].values()}) == 85


def test_claims_and_mechanisms_are_of_the_same_essays():
    claims = tomllib.loads((GAMES / "_claims.toml").read_text("utf-8"))

    assert claims["essays"] == LISTED["essays"]


def test_every_argument_has_a_game(table: MechanismTable):
    assert table.without_game == ()
    assert [one.id for one in table.arguments] == list(LISTED["mechanisms"])


def test_no_game_names_an_argument_that_does_not_exist(table: MechanismTable):
    assert table.unknown == ()
    assert table.unread == ()


def test_the_table_holds_what_the_files_declare(table: MechanismTable):
    """Nothing is stored but the list: the files say the same when read without highfence."""
    read = {
        (path.stem, name, number)
        for path in GAMES.glob("*/*.toml")
        for name, one in tomllib.loads(path.read_text("utf-8")).get("mechanisms", {}).items()
        for number in numbers_of(one.get("id", ""))
    }
    ran = {
        (path.stem, name, number): dict(one.off)
        for path in BUILDERS
        for name, one in mechanisms_of(path).items()
        for number in numbers_of(one.id)
    }
    read |= set(ran)

    assert read == {
        (switch.game, switch.mechanism, one.id)
        for one in table.arguments
        for switch in one.switches
    }
    for one in table.arguments:
        for switch in one.switches:
            known = ran.get((switch.game, switch.mechanism, one.id), dict(switch.off))
            assert dict(switch.off) == known


@pytest.mark.parametrize(("path", "name"), list(declared()))
def test_every_parameter_of_a_switch_has_an_effect_on_payoffs(path: Path, name: str):
    """At random numbers of the declared ranges and random play, each changes who gets what.

    What changes may be a payoff, a probability, or which actions there are.
    """
    game = load(path)
    assert isinstance(game, Game)
    check_switch(game, name)


@pytest.mark.parametrize("path", BUILDERS, ids=lambda path: path.stem)
def test_every_switch_of_a_builder_has_an_effect_on_payoffs(path: Path):
    game = load(path)
    for name in mechanisms_of(path):
        assert isinstance(game, Game)
        check_switch(game, name)


def check_switch(game: Game, name: str) -> None:
    """Assert that every parameter of a mechanism changes what somebody gets."""
    rng = np.random.default_rng(0)
    off = game.mechanisms[name].off
    assert off
    parameters = {parameter.name: parameter for parameter in game.parameters}
    for parameter, value in off.items():
        assert parameter in parameters
        on = {p.name: drawn(p, rng) for p in game.parameters}
        chosen = {p.name: str(p.value) for p in game.parameters if p.choices}
        shares = {move: rng.random(DRAWS) for move in moves_of(game)}
        if parameter in chosen:
            others = [c for c in parameters[parameter].choices if c != value]
            texts = [{**chosen, parameter: other} for other in others]
            gone = {**chosen, parameter: str(value)}
            differs = any(
                different(received(game, on, text, shares), received(game, on, gone, shares))
                for text in texts
            )
        else:
            neutral = {**on, parameter: np.full(DRAWS, float(value))}
            differs = different(
                received(game, on, chosen, shares), received(game, neutral, chosen, shares)
            )
        assert differs, f"{game.name}: {parameter} = {value} changes no payoff"


def moves_of(game: Game) -> list[str]:
    moves = [move.name for stage in game.stages for move in stage.moves]
    return list(dict.fromkeys([*(state.name for state in game.states), *moves]))


def drawn(parameter: Parameter, rng: np.random.Generator) -> Any:
    """Return draws from the declared range; the value where there is none."""
    if parameter.choices:
        return None
    if parameter.low is None or parameter.high is None:
        return np.full(DRAWS, float(parameter.value))
    return rng.uniform(float(parameter.low), float(parameter.high), DRAWS)


def received(
    game: Game, numbers: dict[str, Any], texts: dict[str, str], shares: dict[str, Any]
) -> list[Any]:
    """Return payoffs times the probability of the play, for one play at each draw.

    ``shares`` says which action, or how far along its interval, every move is.
    """
    found = resolved(game, texts)
    inputs = {name: value for name, value in numbers.items() if value is not None}
    weight = np.ones(DRAWS)
    for name, move in found.moves.items():
        if isinstance(move, Decision) and move.is_interval:
            low, high = evaluate(found.bounds[name], inputs)
            inputs[name] = low + shares[name] * (high - low)
            continue
        chances = found.probabilities if isinstance(move, Chance) else found.available
        table = np.array([np.broadcast_to(v, DRAWS) for v in evaluate(chances[name], inputs)])
        index = np.minimum((shares[name] * len(table)).astype(int), len(table) - 1)
        inputs[name] = index.astype(float)
        weight = weight * table[index, np.arange(DRAWS)]
    return [weight * payoff for payoff in evaluate(list(found.payoffs.values()), inputs)]


def different(one: list[Any], other: list[Any]) -> bool:
    return any(
        bool((np.abs(a - b) > 1e-9 * (1 + np.abs(b)))[np.isfinite(a) & np.isfinite(b)].any())
        for a, b in zip(one, other, strict=True)
    )


def test_a_parameter_that_does_nothing_would_be_found(tmp_path: Path):
    """The test above can fail: a payoff that leaves the parameter out."""
    text = (GAMES / "classics" / "chicken.toml").read_text("utf-8")
    text = text.replace("[parameters]", "[parameters]\nidle = { value = 1, low = 0, high = 2 }", 1)
    if "idle" not in text:
        text = text.replace(
            "[parameters.", "[parameters.idle]\nvalue = 1\nlow = 0\nhigh = 2\n\n[parameters.", 1
        )
    path = tmp_path / "chicken.toml"
    path.write_text(text + "\n[mechanisms.idle]\noff = { idle = 0 }\n", "utf-8")

    with pytest.raises(AssertionError, match="idle = 0 changes no payoff"):
        test_every_parameter_of_a_switch_has_an_effect_on_payoffs(path, "idle")


# -- Asking for some, and for games of one's own ----------------------------------------------

OWN = """name = "mine"
[players]
one = "One"
two = "Two"
[parameters]
v = { value = 1, low = 0, high = 2 }
[[stages]]
name = "play"
[stages.decisions.a]
player = "one"
actions = ["left", "right"]
[stages.decisions.b]
player = "two"
actions = ["left", "right"]
[payoffs]
one = "v * where(a == 'left', 1, 0)"
two = "v * where(b == 'left', 1, 0)"
[mechanisms.mine]
off = { v = 0 }
label = "My switch"
id = "M41, M99"
"""

BUILDER = """raise SystemExit("a builder is not run")
game = Game(
    name="never_run",
    parameters=[Parameter("v", Decimal("0.1"), 0, 1)],
    mechanisms={"told": Mechanism({"v": Fraction(1, 10)}, "Told", id="M02")},
)
"""


def test_games_of_ones_own_are_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "games").mkdir()
    (tmp_path / "games" / "mine.toml").write_text(OWN, "utf-8")
    (tmp_path / "games" / "broken.toml").write_text('name = "broken"\n', "utf-8")
    (tmp_path / "games" / "never_run.py").write_text(BUILDER, "utf-8")
    (tmp_path / "games" / "no_python.py").write_text("game = (\n", "utf-8")
    monkeypatch.chdir(tmp_path)

    found = mechanisms()

    (switch,) = [s for one in found.arguments for s in one.switches if s.game == "mine"]
    assert (switch.mechanism, dict(switch.off), switch.idle) == ("mine", {"v": 0}, False)
    assert found.unknown == (("mine", "mine", "M99"),)
    (told,) = [s for one in found.arguments for s in one.switches if s.game == "never_run"]
    assert (told.mechanism, told.label, told.idle) == ("told", "Told", True)
    assert dict(told.off) == dict(told.value) == {"v": Fraction(1, 10)}
    assert {Path(file).name for file, reason in found.unread if reason} == {
        "broken.toml", "no_python.py",
    }  # fmt: skip
    text = mechanisms_text(found, 100)
    assert "mine names M99, which is not in the list" in text
    assert "broken.toml was left out" in text


def test_one_argument_is_shown_with_what_the_essays_say():
    found = mechanisms("M41")

    assert [one.id for one in found.arguments] == ["M41"]
    text = mechanisms_text(found, 100)
    assert "lazy_subsidies" in text
    assert "off: align = 1" in text
    assert "S3" in text


def test_arguments_come_in_their_order_and_once():
    assert [one.id for one in mechanisms(["m41", "M02", "M41"]).arguments] == ["M02", "M41"]


@pytest.mark.parametrize("wrong", ["M86", "41", "", []])
def test_an_argument_that_is_not_in_the_list_is_refused(wrong: Any):
    with pytest.raises(RequestError, match="no mechanism"):
        mechanisms(wrong)


# -- What the flagship's mechanisms do --------------------------------------------------------


def test_an_effect_is_the_game_less_the_game_without_the_mechanism():
    """Against solving the four games one by one."""
    (found,) = remove_each(FLAGSHIP, "broad", outcomes=["K_H"], mechanisms=["alignment"])

    def stock(regime: str, **parameters: Any) -> float:
        (one,) = solve(FLAGSHIP, regime=regime, **parameters).equilibria
        return float(one.outcomes["K_H"])

    full = stock("broad") - stock("none")
    without = stock("broad", align=1) - stock("none", align=1)
    assert found.full == pytest.approx(full, abs=2e-5)
    assert found.without[0] == pytest.approx(without, abs=2e-5)
    assert found.effects[0] == pytest.approx(full - without, abs=4e-5)


def test_an_effect_is_what_attribution_says_is_added_last():
    named = ["retaliation", "exports", "tool_chokepoint"]
    (removed,) = remove_each(FLAGSHIP, "broad", mechanisms=named)
    attributed = attribute(FLAGSHIP, "broad", mechanisms=named)

    assert removed.mechanisms == attributed.mechanisms
    np.testing.assert_allclose(removed.effects, attributed.added_last, atol=1e-9)
    assert not removed.effects.flags.writeable


def test_effects_are_measured_for_every_switch_of_the_flagship():
    found = mechanisms(effects=True)

    assert found.effects is not None
    welfare, capability = found.effects
    assert (welfare.outcome, capability.outcome) == ("W_A", "K_H")
    game = load(FLAGSHIP)
    assert isinstance(game, Game)
    assert set(welfare.mechanisms) | set(welfare.idle) == set(game.mechanisms)
    assert np.isfinite(welfare.effects).all()
    effect = dict(zip(capability.mechanisms, capability.effects, strict=True))
    assert effect["alignment"] > 0.1 > 0 > effect["backfill"]
    assert "What each adds" in mechanisms_text(found, 100)


def test_effects_are_those_of_the_numbers_that_are_set():
    """Whatever else is measured: each switch is thrown alone."""
    aligned = mechanisms("M58", effects=True, allies="aligned")
    assert aligned.effects is not None
    (expected,) = remove_each(
        FLAGSHIP, "broad", outcomes=["W_A"], mechanisms=["smuggling", "retaliation"],
        allies="aligned",
    )  # fmt: skip
    alone = dict(zip(expected.mechanisms, expected.effects, strict=True))
    welfare = aligned.effects[0]

    assert welfare.mechanisms == ("retaliation",)
    assert dict(welfare.settings) == {"allies": "aligned"}
    assert welfare.effects[0] == pytest.approx(alone["retaliation"], abs=1e-9)
    assert "allies = aligned" in mechanisms_text(aligned, 100)


def test_an_argument_that_the_flagship_does_not_carry_has_no_effect_there():
    found = mechanisms("M27", effects=True)

    assert found.effects == ()
    assert "no effect was measured" in mechanisms_text(found, 100)


# -- The command ------------------------------------------------------------------------------


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]):
    assert main(["mechanisms"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("85 of 85 mechanisms")
    for number in LISTED["mechanisms"]:
        assert f"{number} " in out
    assert "no game" not in out


def test_the_commands_json_is_that_of_the_table(
    capsys: pytest.CaptureFixture[str], table: MechanismTable
):
    assert main(["mechanisms", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)

    assert len(made["mechanisms"]) == 85
    assert made["effects"] is None
    for one, argument in zip(made["mechanisms"], table.arguments, strict=True):
        assert one["id"] == argument.id
        assert [s["game"] for s in one["switches"]] == [s.game for s in argument.switches]
    assert made["mechanisms"][40]["switches"][0]["off"] == {"align": 1}


def test_csv_has_a_row_for_each_argument_and_switch(table: MechanismTable):
    rows = list(csv.DictReader(io.StringIO(mechanisms_csv(table))))

    assert len(rows) == sum(len(one.switches) for one in table.arguments)
    assert {row["id"] for row in rows} == set(LISTED["mechanisms"])


def test_csv_carries_effects(capsys: pytest.CaptureFixture[str]):
    code = main(["mechanisms", "--mechanism", "M41,M33", "--effects", "--outcomes", "K_H", "--csv"])

    assert code == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    measured = {row["mechanism"]: row["effect.K_H"] for row in rows if row["game"] == FLAGSHIP}
    assert float(measured["alignment"]) > 0 > float(measured["tool_chokepoint"])
    assert all(row["effect.K_H"] == "" for row in rows if row["game"] != FLAGSHIP)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mechanism", "M41x"], "Did you mean"),
        (["--effects", "--regime", "brod"], "broad"),
        (["--effects", "--outcomes", "K_X"], "K_X"),
        (["--json", "--csv"], "Choose one"),
        (["--set", "align=1"], "Ask for effects"),
        (["--effects", "--set", "algin=1"], "align"),
    ],
)
def test_a_wrong_request_names_the_mistake(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    assert main(["mechanisms", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--regime=broad", "--baseline=none", "--outcomes=W_A"])
def test_how_effects_are_measured_is_refused_without_effects(option: str, capsys: Any):
    assert main(["mechanisms", "--mechanism", "M41", option]) == 2
    err = capsys.readouterr().err
    assert f"{option.split('=')[0]} says how effects are measured. Add --effects" in err
