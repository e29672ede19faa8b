"""``highfence compare``: the regimes of a game beside one another."""

from __future__ import annotations

from collections.abc import Sequence

import click

from .exit_codes import PART, SOLVED
from .output import print_json, print_page, progress
from .requests import (
    AS_CSV,
    AS_JSON,
    ASKED,
    EVERYTHING,
    GAME,
    METHOD,
    START,
    Start,
    command,
    load_game,
    one_format,
)


@command(
    "compare",
    GAME,
    ASKED,
    START,
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
    asked: Sequence[str] | None,
    start: Start,
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
    loaded = load_game(game)
    values = start.values(loaded)
    with progress() as tell:
        from ..study.compare import compare_regimes

        comparison = compare_regimes(
            loaded,
            asked,
            preset=start.preset,
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
