"""``highfence fit``: which values of a few parameters are nearest to what was observed.

``--json`` prints what :meth:`highfence.study.fit.Fit.to_dict` documents.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import RequestError
from .draws import WORKERS, Output, numbers_given, output_options, told
from .exit_codes import NOTHING, PART, SOLVED
from .numbers import ends_in
from .output import progress
from .requests import GAME, RNG, START, Start, command, load_game, names_given, note_outside


@command(
    "fit",
    GAME,
    click.option(
        "--vary",
        required=True,
        metavar="A,B=LOW:HIGH,...",
        help="The parameters to fit, over their declared ranges or these.",
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="NAME[=VALUE]",
        help="A target of the game, or FORMULA=VALUE as in none.sh_H1=0.125 (repeatable); "
        "all declared ones by default.",
    ),
    click.option(
        "--scale",
        "scales",
        multiple=True,
        metavar="TARGET=SIZE",
        help="The difference of a target that counts as 1 (repeatable).",
    ),
    START,
    click.option(
        "--starts",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        metavar="N",
        help="Searches, from the preset and from N - 1 other points.",
    ),
    RNG,
    WORKERS,
    output_options("parameter, then one per target"),
)
def fit(
    game: str,
    vary: str,
    targets: Sequence[str],
    scales: Sequence[str],
    start: Start,
    starts: int,
    rng: int,
    workers: int,
    output: Output,
) -> int:
    """Find values of a few parameters that bring the game nearest to what was observed.

    Least squares over the solved game, from several starts. Says what is left of each target,
    which values fit as well, and which parameters the targets do not pin down.
    """
    ranges = _ranges(vary)
    observed = dict(map(_observed, targets))
    sizes = numbers_given("--scale", scales, "TARGET=SIZE", "effort=0.1")
    with progress() as tell:
        from ..study.fit import fit as run
        from ..study.outcome import game_with_regimes

        loaded = game_with_regimes(load_game(game))
        given = start.values(loaded)
        if not observed and not loaded.targets:
            raise RequestError(
                f"there is nothing to fit to: {loaded.name} declares no targets. Give one, as in "
                f"--target {loaded.regimes[0].name}.OUTCOME=VALUE, or declare some: [targets.NAME]"
            )
        for name, ends in ranges.items():
            note_outside(loaded, name, ends or ())
        found = run(
            loaded, ranges, observed or None, scales=sizes, preset=start.preset,
            parameters=given, starts=starts, rng=rng, workers=workers,
            progress=told(tell, f"fitting {game}", " points at most", workers),
        )  # fmt: skip
    from ..report.fit_text import fit_csv, fit_page

    output.put(lambda: fit_page(found), lambda: fit_csv(found), found.to_dict)
    if not found.ends:
        return NOTHING
    return SOLVED if found.status.value == "fitted" else PART


def _ranges(vary: str) -> dict[str, tuple[float, float] | None]:
    """Return parameter -> range, None for the declared one."""
    made: dict[str, tuple[float, float] | None] = {}
    for text in names_given("--vary", vary) or []:
        name, equals, ends = (part.strip() for part in text.partition("="))
        if name in made:
            raise RequestError(f"--vary {name} is given twice. Give one")
        made[name] = None
        if equals:
            low, high = ends_in(f"--vary {name}", ends, "=")
            if low is None or high is None:
                raise RequestError(f"--vary {text!r} lacks an end. Write --vary {name}=0.1:0.5")
            made[name] = (low, high)
    return made


def _observed(text: str) -> tuple[str, str | None]:
    """Return a target and its observed value, None for the declared one."""
    formula, equals, value = (part.strip() for part in text.rpartition("="))
    if not equals:
        return value, None
    if not formula or not value:
        raise RequestError(f"--target {text!r} is not FORMULA=VALUE. Write none.sh_H1=0.125")
    return formula, value
