"""``highfence discover``: under which assumptions a condition holds.

``--json`` prints what :meth:`highfence.study.discover.Discovery.to_dict` documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..errors import RequestError
from .draws import Drawing, Output, drawing_options, output_options, told
from .exit_codes import PART, SOLVED
from .numbers import Within
from .output import progress
from .requests import (
    EVERYTHING,
    GAME,
    START,
    Start,
    asked_option,
    command,
    load_game,
    names_given,
)


@command(
    "discover",
    GAME,
    click.option(
        "--condition",
        metavar="C",
        required=True,
        help="A flag such as B1, or a condition such as 'broad.K_H > none.K_H'.",
    ),
    asked_option("Ask it of each of these, where the condition names outcomes without a regime."),
    click.option(
        "--among", metavar="A,B,...", help="Limit these parameters only; all drawn by default."
    ),
    click.option(
        "--boxes",
        type=click.IntRange(min=1),
        default=2,
        show_default=True,
        help="How many boxes to look for.",
    ),
    click.option(
        "--most",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        help="Parameters that a box may limit.",
    ),
    click.option(
        "--density",
        type=Within(0, 1, min_open=True),
        default=0.8,
        show_default=True,
        help="In what share of a box the condition should hold.",
    ),
    START,
    drawing_options(500, "Number of draws."),
    EVERYTHING,
    output_options("box"),
)
def discover(
    game: str,
    condition: str,
    asked: Sequence[str] | None,
    among: str | None,
    boxes: int,
    most: int,
    density: float,
    start: Start,
    drawing: Drawing,
    everything: bool,
    output: Output,
) -> int:
    """Find the assumptions under which a condition holds.

    Solves the game at many draws and looks for boxes of few assumptions that hold most of the
    draws at which the condition holds, and few others (PRIM), and for a tree of them (CART).
    """
    regimes: Sequence[str | None] = asked or [None]
    names = names_given("--among", among)
    if not condition.strip():
        raise RequestError(
            "--condition is empty. Give a flag such as B1, or compare outcomes: "
            "--condition 'broad.K_H > none.K_H'"
        )
    if output.as_csv and len(regimes) > 1:
        raise RequestError("--csv holds the boxes of one regime. Name one")
    with progress() as tell:
        from ..study.discover import discover_in, solved_for
        from ..study.outcome import game_with_regimes

        loaded = game_with_regimes(load_game(game))
        given: dict[str, Any]
        draws: Mapping[str, Any]
        kept = drawing.kept(loaded, start)
        if kept is not None:
            draws, answers = kept.inputs, kept.answers
            preset, given = kept.preset, dict(kept.settings)
        else:
            preset, given = start.preset, start.values(loaded)
            draws = drawing.draws(loaded, preset, given)
            answers = solved_for(
                loaded, condition, regimes, draws=draws, preset=preset, workers=drawing.workers,
                progress=told(tell, f"solving {game}", workers=drawing.workers), parameters=given,
            )  # fmt: skip
        ties = drawing.described.ties
        if names is None and ties:
            names = [name for name in draws if name not in ties]
        tell("looking for boxes")
        found = [
            discover_in(
                loaded, answers, draws, condition, regime, among=names, boxes=boxes, most=most,
                density=density, rng=drawing.rng, preset=preset, parameters=given,
            )
            for regime in regimes
        ]  # fmt: skip
    from ..report.discover_text import discover_csv, discover_pages

    output.put(
        lambda: discover_pages(found, everything=everything),
        lambda: discover_csv(found[0]),
        lambda: {"discoveries": [one.to_dict() for one in found]},
    )
    return SOLVED if all(one.used == one.draws for one in found) else PART
