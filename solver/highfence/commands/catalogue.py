"""``highfence list``, ``show`` and ``check``: what games there are, and what one is made of."""

from __future__ import annotations

import click

from .exit_codes import SOLVED
from .output import clean, count_of, print_json, print_page
from .requests import AS_JSON, GAME, command, load_game, source_of


@command("list", AS_JSON)
def list_games(as_json: bool) -> int:
    """List the games that can be called by name."""
    from ..spec.catalog import entries

    found = entries()
    if as_json:
        print_json([entry._asdict() for entry in found])
        return SOLVED
    from ..report.text import Page

    page = Page()
    for origin in dict.fromkeys(entry.origin for entry in found):
        page.heading(f"Games in ./{origin}" if origin != "catalogue" else "Games of the catalogue")
        for entry in found:
            if entry.origin == origin:
                page.item(entry.name, entry.title or entry.question or entry.path, "bold", "  ")
    if not found:
        page.text("No games were found. Give the path of a game file to the other commands.")
    print_page(page)
    return SOLVED


@command("show", GAME)
def show(game: str) -> int:
    """Show what a game is made of.

    Players, stages, parameters with values, ranges, units and sources, regimes, assumptions.
    """
    from ..report.text import form_page, game_page
    from ..spec.model import Game

    loaded = load_game(game)
    print_page(
        game_page(loaded) if isinstance(loaded, Game) else form_page(loaded, source_of(game))
    )
    return SOLVED


@command("check", click.argument("path"))
def check(path: str) -> int:
    """Validate a game file; name every mistake at once."""
    from ..spec.model import Game

    loaded = load_game(path)
    if isinstance(loaded, Game):
        parts = [
            count_of(len(loaded.players), "player"),
            count_of(len(loaded.stages), "stage"),
            count_of(len(loaded.parameters), "parameter"),
            count_of(len(loaded.regimes), "regime"),
        ]
        where, what = loaded.file, ", ".join(parts)
    else:
        where, what = source_of(path), count_of(len(loaded.players), "player")
    click.echo(clean(f"{where}: nothing wrong ({what})"))
    return SOLVED
