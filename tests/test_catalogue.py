"""Every game of the catalogue: complete for a reader, sound for the solver, lossless as TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from highfence import load, solve
from highfence.solution import Solution, Status
from highfence.spec import toml
from highfence.spec.model import Chance, Game, exact

FILES = sorted((Path(__file__).resolve().parent.parent / "games").glob("*/*.toml"))
NAMES = [path.stem for path in FILES]
SLOW = {
    "spencer_brander_1983",  # three nested continuous stages
    "fershtman_kamien_1987",  # races over stages; as they stand, tests/golden has them
    "harris_vickers_1987",
}
SLOW_PRESETS = {"firms_based_in_china", "wary", "much_smuggling", "low_yields"}


@pytest.fixture(params=FILES, ids=NAMES)
def game(request: pytest.FixtureRequest) -> Game:
    """Return each game of the catalogue in turn."""
    return load(request.param)


def requests() -> Iterator[Any]:
    """Yield every game as it stands, under each regime, and from each preset."""
    for path in FILES:
        name, data = path.stem, tomllib.loads(path.read_text("utf-8"))
        marks = [pytest.mark.slow] if name in SLOW else []
        yield pytest.param(name, {}, id=name, marks=marks)
        for regime in data.get("regimes", ()):
            yield pytest.param(name, {"regime": regime}, id=f"{name}-{regime}", marks=marks)
        for preset in data.get("presets", ()):
            yield pytest.param(
                name,
                {"preset": preset},
                id=f"{name}-{preset}",
                marks=[pytest.mark.slow] if name in SLOW or preset in SLOW_PRESETS else [],
            )


def test_the_catalogue_holds_the_games_that_prove_the_spec_general():
    assert {
        "allied_alignment",
        "battle_of_the_sexes",
        "beer_quiche",
        "brander_spencer_1985",
        "captive_market_timing",
        "centipede",
        "chain_store",
        "commoditisation",
        "daspremont_jacquemin_1988",
        "dixit_1980",
        "enforceable_yard",
        "enforcement_announced",
        "enforcement_inspection",
        "kuhn_poker",
        "learning_by_doing_duopoly",
        "learning_market",
        "lost_market_research",
        "offshoring",
        "prisoners_dilemma",
        "selten_horse",
        "small_yard_high_fence",
        "spencer_brander_1983",
        "yard_credibility",
    } <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES), "names are unique over all folders"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_game_is_found_by_its_name(path):
    found = load(path.stem)

    assert found.name == path.stem
    assert found == load(path)


def test_a_game_says_what_it_asks_and_where_it_comes_from(game: Game):
    assert game.title
    assert game.question.endswith("?")
    assert game.about
    assert game.assumptions
    assert all(player.label for player in game.players)
    # Whether it is a published game or one of ours must be said, and which of the two.
    assert re.search(r"stylized|own model|[Pp]ublished", game.source)


def test_a_stylized_game_does_not_pass_for_a_replication(game: Game):
    if re.match(r"stylized|own model", game.source):
        said = " ".join((game.title, game.source, game.about, *game.assumptions)).lower()
        assert "replicat" not in said
        assert "published model" not in said


def test_parameters_have_labels_units_and_sources_and_lie_in_their_ranges(game: Game):
    for parameter in game.parameters:
        assert parameter.label, parameter.name
        if parameter.choices:
            assert parameter.value in parameter.choices
            continue
        assert parameter.unit, parameter.name
        assert parameter.source, parameter.name
        if parameter.low is not None and parameter.high is not None:
            low, value, high = map(exact, (parameter.low, parameter.value, parameter.high))
            assert low <= value <= high, parameter.name


def test_what_is_reported_has_a_label_and_a_unit(game: Game):
    moves = {move.name for stage in game.stages for move in stage.moves}
    reported = set(game.derived if game.outcomes is None else game.outcomes) - moves
    families: dict[str, Any] = {
        re.sub(r"\[.*", "", key): quantity for key, quantity in game.derived.items()
    }
    families |= {state.name: state for state in game.states}
    for name in reported:
        quantity = families.get(name) or families[name.rpartition("_")[0]]
        assert quantity.label, name
        assert quantity.unit, name


def test_a_game_survives_being_written_and_read(game: Game):
    again = toml.loads(toml.dumps(game))

    assert again == game
    assert toml.dumps(again) == toml.dumps(game)


def test_sentences_and_flags_can_be_read(game: Game):
    from highfence.study.reading import readings

    categorical = {p.name: str(p.value) for p in game.parameters if p.choices}
    found = readings(game, categorical)

    assert len(found.sentences) == len(game.narrative)
    assert set(found.flags) == set(game.flags)


def test_chance_moves_add_up_to_one(game: Game):
    """At the declared values, for probabilities that depend on parameters alone."""
    from highfence.spec.formulas import Inexact, evaluate_exact
    from highfence.spec.resolve import resolve

    resolved = resolve(game)
    values = {p.name: exact(p.value) for p in game.parameters if not p.choices}
    for stage in resolved.stages:
        for move in stage.moves:
            if isinstance(move, Chance):
                try:
                    found = evaluate_exact(resolved.probabilities[move.name], values)
                except (Inexact, KeyError):
                    continue  # it depends on moves; building the tree checks it there
                assert sum(found) == 1


def interval_values(solution: Solution) -> Iterator[tuple[str, float, float, float]]:
    """Yield (decision, value, low, high) of the interval decisions on the paths of play."""
    for equilibrium in solution.equilibria:
        plays = [equilibrium.profile.play]
        while plays:
            play = plays.pop()
            block = equilibrium.profile.form.blocks[play.block]
            for move, value in zip(block.intervals, play.values, strict=True):
                low, high = (float(ref.read(play.row)[0]) for ref in (move.low, move.high))
                yield move.name, float(value), low, high
            plays += [later for _, _, later in play.branches if later is not None]


AT_A_BOUND = {
    # The quota binds; at the horizon the firm never adopts.
    "captive_market_timing": {"m_before", "m_after", "T"},
    # Beyond a spread of twice the enmity safety is complete.
    "racing_to_the_precipice_2016": {"s_1", "s_2"},
    # Beyond a lead of the enmity too.
    "precipice_public_2016": {"s_L"},
    # The budget goes where the varieties are: 95 percent of them.
    "clayton_maggiori_schreger_2024": {"share"},
    # As far as the halves of the street go; a price is fixed where prices are regulated.
    "hotelling_1929": {"x_1", "x_2"},
    # Beyond a military use of 0.814 the tax is a ban.
    "licence_or_ban": {"t"},
    # Short notice binds.
    "stockpiling_notice": {"S"},
    # A fixed chance of retaliation makes it all or nothing.
    "tightness_and_retaliation": {"t"},
    # A supplier takes what it can.
    "make_or_buy": {"take"},
    # Controls that provoke too much are left out of the budget.
    "invest_or_control": {"i"},
    # Corners that the flagship declares: costs and subsidies have floors and ceilings.
    "small_yard_high_fence": {"x_L", "x_H", "s"},
}


@pytest.mark.parametrize(("name", "request_"), list(requests()))
def test_a_game_has_certified_equilibria_inside_its_bounds(name: str, request_: dict[str, str]):
    solution = solve(name, **request_)

    assert solution.status in (Status.SOLVED, Status.PARTIAL), solution.reason
    assert solution.equilibria
    for equilibrium in solution.equilibria:
        assert equilibrium.certificate.holds
    if solution.form == "staged":
        for decision, value, low, high in interval_values(solution):
            if high > low and decision not in AT_A_BOUND.get(name, ()):
                assert low <= value <= low + 0.9 * (high - low), decision
