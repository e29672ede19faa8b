"""``highfence sensitivity``: which assumption matters for an outcome.

``--json`` prints what :meth:`highfence.study.sensitivity.Sensitivity.to_dict` and
:meth:`highfence.study.derivatives.Derivatives.to_dict` (``--method local``) document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..errors import RequestError
from .draws import (
    DESCRIBED,
    WORKERS,
    Described,
    Output,
    as_far_as_it_went,
    output_options,
    told,
)
from .exit_codes import NOTHING, PART, SOLVED
from .output import progress
from .requests import ASKED, EVERYTHING, GAME, RNG, START, Start, command, load_game

if TYPE_CHECKING:
    from ..study.sensitivity import Sensitivity

NOTED = 1000
"""Draws that are looked at for values outside the declared ranges; they are not solved."""


@command(
    "sensitivity",
    GAME,
    click.option(
        "--method",
        type=click.Choice(["sobol", "morris", "pawn", "rank", "tornado", "local"]),
        default="rank",
        show_default=True,
        help="How sensitivity is measured.",
    ),
    click.option(
        "--outcome",
        "outcomes",
        multiple=True,
        metavar="O",
        help="An outcome, a player (the payoff), a flag, a formula such as "
        "'broad.K_H - none.K_H', wins(REGIME) or margin(REGIME) (repeatable); "
        "margin by default.",
    ),
    ASKED,
    START,
    click.option(
        "--draws",
        "count",
        type=click.IntRange(min=1),
        metavar="N",
        help="Draws (rank: 1000, pawn: 1000), blocks (sobol: 256) or trajectories (morris: 20).",
    ),
    DESCRIBED,
    RNG,
    click.option("--player", metavar="P", help="Whose payoff says which regime wins."),
    click.option(
        "--second-order/--no-second-order",
        default=True,
        help="Sobol indices of pairs as well, at nearly twice the points.",
    ),
    click.option(
        "--several",
        type=click.Choice(["drop", "low", "high", "middle"]),
        default="drop",
        show_default=True,
        help="What stands for several equilibria that disagree.",
    ),
    WORKERS,
    EVERYTHING,
    output_options("parameter"),
)
def sensitivity(
    game: str,
    method: str,
    outcomes: Sequence[str],
    asked: Sequence[str] | None,
    start: Start,
    count: int | None,
    described: Described,
    rng: int,
    player: str | None,
    second_order: bool,
    several: str,
    workers: int,
    everything: bool,
    output: Output,
) -> int:
    """Say which assumption matters for an outcome.

    Moves the uncertain parameters over their ranges or distributions, solves every regime,
    and says how much of the outcome goes with each parameter, and how surely.
    """
    if method == "local":
        return _local(output, game, outcomes, asked, start, described, player, workers, everything)
    with progress() as tell:
        from ..study.outcome import game_with_regimes
        from ..study.sensitivity import sensitivity as study

        loaded = game_with_regimes(load_game(game))
        values = start.values(loaded)
        if any(described.options.values()):  # drawn for the notes on what leaves its range
            described.draw(loaded, NOTED, rng, preset=start.preset, parameters=values)
        found, stopped = as_far_as_it_went(
            lambda: study(
                loaded, list(outcomes) or ["margin"], asked, method=method, draws=count, rng=rng,
                preset=start.preset, parameters=values, player=player,
                second_order=second_order, several=several, workers=workers,
                progress=told(tell, f"solving {game}", workers=workers), **described.arguments,
            )
        )  # fmt: skip
    from ..report.sensitivity_text import sensitivity_csv, sensitivity_page

    output.put(
        lambda: sensitivity_page(found, everything=everything),
        lambda: sensitivity_csv(found),
        found.to_dict,
    )
    if stopped is not None:
        raise stopped
    return _code(found)


def _local(
    output: Output,
    game: str,
    outcomes: Sequence[str],
    regimes: Sequence[str] | None,
    start: Start,
    described: Described,
    player: str | None,
    workers: int,
    everything: bool,
) -> int:
    """Answer ``--method local``."""
    if described.distributions or described.correlation:
        raise RequestError(
            "--method local asks at one set of numbers: leave --distribution and --correlate out"
        )
    with progress() as tell:
        from ..study.derivatives import derivatives
        from ..study.outcome import game_with_regimes

        loaded = game_with_regimes(load_game(game))
        found = derivatives(
            loaded, list(outcomes) or ["margin"], regimes, names=described.names,
            ties=described.ties, preset=start.preset, parameters=start.values(loaded),
            player=player, workers=workers,
            progress=told(tell, f"solving {game}", workers=workers),
        )  # fmt: skip
    from ..report.sensitivity_text import derivatives_csv, derivatives_page

    output.put(
        lambda: derivatives_page(found, everything=everything),
        lambda: derivatives_csv(found),
        found.to_dict,
    )
    if all(one.reason for one in found.targets):
        return NOTHING
    whole = not any(one.reason for one in found.targets)
    return SOLVED if whole else PART


def _code(found: Sensitivity) -> int:
    without = [one for one in found.targets if one.reason and not one.constant]
    if len(without) == len(found.targets):
        return NOTHING
    return SOLVED if is_whole(found) else PART


def is_whole(found: Sensitivity) -> bool:
    """Return whether every target is answered, and defined everywhere."""
    return not any(
        (one.reason and not one.constant) or one.undefined.count for one in found.targets
    )
