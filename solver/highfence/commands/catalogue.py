"""``highfence list``, ``show`` and ``check``: what games there are, and what one is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import RequestError, did_you_mean
from .exit_codes import SOLVED
from .output import clean, count_of, print_json, print_page, progress
from .requests import AS_JSON, GAME, command, load_game, source_of

if TYPE_CHECKING:
    from ..spec.model import Game


@command(
    "list",
    click.argument("folder", required=False),
    click.option(
        "--search",
        metavar="WORD",
        help="Those with this text in their name, title or question, in capitals or not.",
    ),
    AS_JSON,
)
def list_games(folder: str | None, search: str | None, as_json: bool) -> int:
    """List the games that can be called by name.

    FOLDER limits the list to one folder of the catalogue, such as coercion.
    """
    from ..spec.catalog import entries

    found = entries()
    if folder is not None:
        folders = sorted({entry.folder for entry in found} - {""})
        if folder.strip("/") not in folders:
            hint = did_you_mean(folder, folders) or "The games are in no folders"
            raise RequestError(f"there is no folder {folder!r} of games. {hint}")
        found = [entry for entry in found if entry.folder == folder.strip("/")]
    if search is not None:
        told = ((entry, f"{entry.name} {entry.title} {entry.question}") for entry in found)
        found = [entry for entry, text in told if search.casefold() in text.casefold()]
    if as_json:
        print_json([entry._asdict() for entry in found])
        return SOLVED
    from ..report.text import Page

    page = Page()
    origins = dict.fromkeys(entry.origin for entry in found)  # where you work comes first
    own_names = {entry.name for entry in found if entry.origin != "catalogue"}
    for origin in origins:
        own = origin != "catalogue"
        for below in sorted({entry.folder for entry in found if entry.origin == origin}):
            listed = [entry for entry in found if (entry.origin, entry.folder) == (origin, below)]
            head = f"Games in ./{origin}" if own else "Games of the catalogue"
            page.heading(f"{head}{'/' if own else ', '}{below}" if below else head)
            for entry in listed:
                text = entry.title or entry.question or entry.path
                if not own and entry.name in own_names:
                    text += " (by its path only: the name calls another in ./games)"
                page.item(entry.name, text, "bold", "  ")
    if not found and search is not None:
        page.text(f"No game has {search!r} in its name, title or question.")
    elif not found:
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
    """Validate a game file; name every mistake at once.

    Warns where nothing is wrong with the game, but no method here solves it.
    """
    from ..spec.model import Game

    loaded = load_game(path)
    obstacles: dict[str, list[str]] = {}
    if isinstance(loaded, Game):
        parts = [
            count_of(len(loaded.players), "player"),
            *([count_of(len(loaded.states), "state variable")] if loaded.states else []),
            count_of(len(loaded.stages), "stage"),
            count_of(len(loaded.parameters), "parameter"),
            count_of(len(loaded.regimes), "regime"),
        ]
        where, what = loaded.file, ", ".join(parts)
        obstacles = _obstacles(loaded)
    else:
        where, what = source_of(path), count_of(len(loaded.players), "player")
    click.echo(clean(f"{where}: nothing wrong ({what})"))
    for reason, overlays in obstacles.items():
        under = f" under {', '.join(overlays)}" if all(overlays) else ""
        click.echo(clean(f"highfence: warning: no method solves it{under}: {reason}"), err=True)
    return SOLVED


def _obstacles(game: Game) -> dict[str, list[str]]:
    """Return why no method solves a game -> the regimes under which, "" for without one."""
    with progress() as tell:
        from ..solve import why_not_solved

        tell(f"looking for a method for {game.name}")
        found: dict[str, list[str]] = {}
        for name in ("", *(regime.name for regime in game.regimes)):
            reason = why_not_solved(game, regime=name or None)
            if reason is not None:
                found.setdefault(reason, []).append(name)
    # What stands in the way without a regime does so in general: regimes need not be named.
    return {reason: [""] if "" in names else names for reason, names in found.items()}
