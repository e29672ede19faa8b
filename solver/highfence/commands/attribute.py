"""``highfence attribute``: which mechanisms bring about what a regime changes.

``--json`` prints what :meth:`highfence.study.attribution.Attribution.to_dict` documents.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from .draws import Drawing, Output, drawing_options, output_options, told
from .exit_codes import NOTHING, PART, SOLVED
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
    seed_option,
)


@command(
    "attribute",
    GAME,
    asked_option("Explain these; all but the baseline by default."),
    click.option(
        "--baseline",
        metavar="R",
        default="none",
        show_default=True,
        help="The regime that they are compared with.",
    ),
    click.option(
        "--absolute", is_flag=True, help="Explain the outcome itself; compare with no regime."
    ),
    click.option(
        "--outcome",
        metavar="O",
        help="An outcome, a flag, or a formula such as 'K_H / none.K_H'; the payoff by default.",
    ),
    click.option(
        "--mechanisms", metavar="A,B,...", help="Switch these; all that the game declares."
    ),
    click.option(
        "--permutations",
        type=click.IntRange(min=2),
        default=100,
        show_default=True,
        help="Orders to sample, where there are too many mechanisms for all coalitions.",
    ),
    click.option(
        "--equilibria",
        "rule",
        type=click.Choice(["mid", "low", "high"]),
        default="mid",
        show_default=True,
        help="Which value stands for several equilibria.",
    ),
    START,
    drawing_options(
        0,
        "Ask at so many draws and average; 0 asks at the game's own numbers.",
        seed_option("Seed of the draws and orders."),
        stored=False,
    ),
    EVERYTHING,
    output_options("mechanism"),
)
def attribute(
    game: str,
    asked: Sequence[str] | None,
    baseline: str,
    absolute: bool,
    outcome: str | None,
    mechanisms: str | None,
    permutations: int,
    rule: str,
    start: Start,
    drawing: Drawing,
    everything: bool,
    output: Output,
) -> int:
    """Say which mechanisms bring about what a regime changes.

    Switches the game's mechanisms off and on in all coalitions, and shares the difference
    that a regime makes among them (Shapley values), with interactions of pairs.
    """
    named = names_given("--mechanisms", mechanisms)
    with progress() as tell:
        from ..study.attribution import attribute_regimes
        from ..study.outcome import game_with_regimes

        loaded = game_with_regimes(load_game(game))
        values = start.values(loaded)
        draws = None
        if drawing.count or any(drawing.described.options.values()):
            draws = drawing.draws(loaded, start.preset, values)
        if asked is None:
            asked = [r.name for r in loaded.regimes if absolute or r.name != baseline]
        found = attribute_regimes(
            loaded, asked, None if absolute else baseline, outcome, named, draws=draws, rule=rule,
            permutations=permutations, rng=drawing.rng, preset=start.preset,
            workers=drawing.workers, parameters=values,
            progress=told(tell, f"solving {game}", workers=drawing.workers),
        )  # fmt: skip
    from ..report.attribution_text import attribution_csv, attribution_page

    output.put(
        lambda: attribution_page(found, everything=everything),
        lambda: attribution_csv(found),
        lambda: {"attributions": [one.to_dict() for one in found]},
    )
    if not any(one.used for one in found):
        return NOTHING
    whole = all(one.used == one.draws and not one.undefined for one in found)
    return SOLVED if whole else PART
