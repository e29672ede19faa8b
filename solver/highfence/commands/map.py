"""``highfence map``: which regime is best over two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from .draws import WORKERS, Output, as_far_as_it_went, output_options
from .exit_codes import NOTHING, PART, SOLVED
from .numbers import lines_in
from .output import progress
from .requests import ASKED, GAME, PLAYER, START, Start, command, load_game, note_outside


@command(
    "map",
    GAME,
    click.argument("x"),
    click.argument("y"),
    ASKED,
    START,
    click.option(
        "--x",
        "x_range",
        metavar="LOW:HIGH|A,B,C,...",
        help="Range of X (the declared one by default), or the lines of a grid: 1,2,5,10.",
    ),
    click.option("--y", "y_range", metavar="LOW:HIGH|A,B,C,...", help="The same for Y."),
    click.option(
        "--cells",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        metavar="N",
        help="Cells of the first grid along a range.",
    ),
    click.option(
        "--depth",
        type=click.IntRange(min=0, max=8),
        default=2,
        show_default=True,
        metavar="N",
        help="How often a cell may be quartered.",
    ),
    PLAYER,
    WORKERS,
    output_options("point"),
)
def regime_map(
    game: str,
    x: str,
    y: str,
    asked: Sequence[str] | None,
    start: Start,
    x_range: str | None,
    y_range: str | None,
    cells: int,
    depth: int,
    player: str | None,
    workers: int,
    output: Output,
) -> int:
    """Map which regime is best over the parameters X and Y.

    A capital letter is a regime that is best there, a small one that it is so by very little.
    Cells are quartered where the answer changes.
    """
    lines = tuple(
        None if text is None else lines_in(option, text)
        for option, text in (("--x", x_range), ("--y", y_range))
    )
    with progress() as tell:
        tell(f"loading {game}")
        from ..study.map import map_regimes

        loaded: Any = load_game(game)
        given = start.values(loaded)
        for name, values in zip((x, y), lines, strict=True):
            note_outside(loaded, name, values or ())
        found, interrupted = as_far_as_it_went(
            lambda: map_regimes(
                loaded, x, y, asked, x=lines[0], y=lines[1], cells=cells, depth=depth,
                preset=start.preset, player=player, workers=workers, parameters=given, tell=tell,
            )
        )  # fmt: skip
    from ..report.map_text import map_csv, map_dict, map_page

    output.put(lambda: map_page(found), lambda: map_csv(found), lambda: map_dict(found))
    if interrupted is not None:
        raise interrupted
    if not any(placing.state for placing in found.points):
        return NOTHING
    return SOLVED if found.settled else PART
