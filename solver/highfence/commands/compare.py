"""``highfence compare``: the regimes of a game beside one another."""

from __future__ import annotations

from collections.abc import Sequence

import click

from .exit_codes import PART, SOLVED
from .output import print_json, print_page, progress
from .requests import (
    AS_CSV,
    AS_JSON,
    EVERYTHING,
    GAME,
    METHOD,
    PRESET,
    REGIMES,
    SETTINGS,
    command,
    load_game,
    one_format,
    pairs_of,
    regime_names,
    values_of,
)


@command(
    "compare",
    GAME,
    REGIMES,
    PRESET,
    SETTINGS,
    METHOD,
    click.option(
        "--commitment/--no-commitment",
        default=True,
        help="Work out the value of commitment, if the game declares it (may take long).",
    ),
    EVERYTHING,
    AS_JSON,
    AS_CSV,
)
def compare(
    game: str,
    regimes: str | None,
    preset: str | None,
    settings: Sequence[str],
    method: str,
    commitment: bool,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Compare the regimes of a game.

    Solves the game under each regime, says which is best for whom and by how much, and
    what happens under each, in words.
    """
    one_format(as_json, as_csv)
    pairs = pairs_of(settings)
    asked = regime_names(regimes)
    loaded = load_game(game)
    values = values_of(loaded, pairs)
    with progress() as tell:
        from ..study.compare import compare_regimes

        comparison = compare_regimes(
            loaded,
            asked,
            preset=preset,
            method=method,
            commitment=commitment and not as_csv,  # CSV has no place for it
            parameters=values,
            tell=lambda step: tell(f"solving {game}: {step}"),
        )
    if as_json:
        from ..report.json import comparison_dict

        print_json(comparison_dict(comparison))
    elif as_csv:
        from ..report.csv import comparison_csv

        click.echo(comparison_csv(comparison), nl=False)
    else:
        from ..report.compare_text import comparison_page

        print_page(comparison_page(comparison, everything=everything))
    return SOLVED if comparison.settled else PART
