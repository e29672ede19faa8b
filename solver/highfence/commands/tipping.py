"""``highfence tipping``: where along one parameter the answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..errors import RequestError
from .draws import WORKERS, Output, as_far_as_it_went, output_options
from .exit_codes import NOTHING, PART, SOLVED
from .numbers import Within, ends_in
from .output import progress
from .requests import (
    ASKED,
    EVERYTHING,
    GAME,
    PLAYER,
    START,
    Start,
    command,
    load_game,
    note_outside,
)


@command(
    "tipping",
    GAME,
    click.argument("parameter"),
    ASKED,
    START,
    click.option(
        "--between", "range_", metavar="LOW:HIGH", help="The range; the declared one by default."
    ),
    PLAYER,
    click.option(
        "--outcome",
        metavar="FORMULA",
        help="Look for changes of sign of this instead, such as broad.K_H - none.K_H.",
    ),
    click.option(
        "--tolerance",
        type=Within(0, 0.1, min_open=True),
        default=1e-4,
        show_default=True,
        metavar="T",
        help="Width of the brackets, as a share of the range.",
    ),
    click.option(
        "--exact",
        is_flag=True,
        help="Pure equilibria by formulas, not by search: finite games only.",
    ),
    WORKERS,
    EVERYTHING,
    output_options("change"),
)
def tipping(
    game: str,
    parameter: str,
    asked: Sequence[str] | None,
    start: Start,
    range_: str | None,
    player: str | None,
    outcome: str | None,
    tolerance: float,
    exact: bool,
    workers: int,
    everything: bool,
    output: Output,
) -> int:
    """Find every value of PARAMETER at which the answer changes.

    Which regime is best, which actions are played, whether there is an equilibrium, and where
    outcomes jump: each change with what holds on its two sides, bracketed by certified answers.
    """
    low, high = (None, None) if range_ is None else ends_in("--between", range_)
    if exact:
        if range_ is not None or player is not None or outcome is not None:
            raise RequestError(
                "--exact looks at the equilibria over the declared range: leave out --between, "
                "--player and --outcome"
            )
        return _exact(game, parameter, asked, start, output)
    with progress() as tell:
        tell(f"loading {game}")
        from ..study.tipping import find_tips

        loaded: Any = load_game(game)
        given = start.values(loaded)
        note_outside(loaded, parameter, [end for end in (low, high) if end is not None])
        found, interrupted = as_far_as_it_went(
            lambda: find_tips(
                loaded, parameter, asked, low=low, high=high, preset=start.preset, player=player,
                outcome=outcome, tolerance=tolerance, workers=workers, parameters=given, tell=tell,
            )
        )  # fmt: skip
    from ..report.tipping_text import tipping_csv, tipping_dict, tipping_page

    output.put(
        lambda: tipping_page(found, everything=everything),
        lambda: tipping_csv(found),
        lambda: tipping_dict(found),
    )
    if interrupted is not None:
        raise interrupted
    if found.series and not any(s.state for line in found.series for s in line.stretches):
        return NOTHING
    return SOLVED if found.settled else PART


def _exact(
    game: str, parameter: str, regimes: Sequence[str] | None, start: Start, output: Output
) -> int:
    """Print exact thresholds, and the region of every equilibrium between them."""
    answers = []
    with progress() as tell:
        tell(f"loading {game}")
        from ..study.regions import region, thresholds

        loaded: Any = load_game(game)
        preset, given = start.preset, start.values(loaded)
        declared = {p.name: p for p in getattr(loaded, "parameters", ())}.get(parameter)
        open_ended = declared is None or declared.low is None or declared.high is None
        vary = [parameter] if open_ended else None
        overlays: Sequence[str | None] = regimes or [None]
        for regime in overlays:
            tell(f"{regime or parameter}: thresholds")
            found = thresholds(loaded, parameter, regime=regime, preset=preset, **given)
            played = dict.fromkeys(c for stretch in found.stretches for c in stretch.equilibria)
            conditions = []
            for choices in played:
                tell(", ".join(map(str, choices)))
                made = region(loaded, choices, vary, regime=regime, preset=preset, **given)
                conditions.append(made)
            answers.append((found, conditions))
    from ..report.regions_text import exact_csv, exact_dict, exact_page

    output.put(
        lambda: exact_page(loaded, answers),
        lambda: exact_csv(answers),
        lambda: exact_dict(loaded, answers),
    )
    exactly = all(r.status == "exact" for _, conditions in answers for r in conditions)
    return SOLVED if exactly else PART
