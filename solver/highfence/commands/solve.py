"""``highfence solve``: equilibria, each with its certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from .exit_codes import NOTHING, PART, SOLVED
from .output import print_json, print_page, progress
from .requests import (
    AS_CSV,
    AS_JSON,
    EVERYTHING,
    GAME,
    METHOD,
    PRESET,
    REGIME,
    SETTINGS,
    command,
    labels_of,
    load_game,
    one_format,
    pairs_of,
    source_of,
    values_of,
)

if TYPE_CHECKING:
    from ..solution import Solution


@command("solve", GAME, REGIME, PRESET, SETTINGS, METHOD, EVERYTHING, AS_JSON, AS_CSV)
def solve(
    game: str,
    regime: str | None,
    preset: str | None,
    settings: Sequence[str],
    method: str,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Find equilibria, each with its certificate."""
    one_format(as_json, as_csv)
    pairs = pairs_of(settings)
    loaded = load_game(game)
    values = values_of(loaded, pairs)
    with progress() as tell:
        from ..solve import solve as solve_game

        tell(f"solving {game}")
        solution = solve_game(loaded, method, regime=regime, preset=preset, **values)
    if solution.source == "python":
        from dataclasses import replace

        solution = replace(solution, source=source_of(game))
    if as_json:
        from ..report.json import solution_dict

        print_json(solution_dict(solution))
    elif as_csv:
        from ..report.csv import solution_csv

        click.echo(solution_csv(solution), nl=False)
    else:
        from ..report.text import solution_page

        print_page(
            solution_page(
                solution, everything=everything, players=labels_of(loaded), settings=tuple(values)
            )
        )
    return _exit_code(solution)


def _exit_code(solution: Solution) -> int:
    return {"solved": SOLVED, "partial": PART}.get(solution.status.value, NOTHING)
