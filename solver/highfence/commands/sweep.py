"""``highfence sweep``: a game at many draws of its numbers, under every regime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Interrupted, Problem, RequestError, SpecError, StoreError
from .draws import DESCRIBED, FORCE, TEXT_ENDINGS, Described, refuse_ending, told
from .exit_codes import NOTHING, PART, SOLVED
from .numbers import Within, number_read
from .output import clean, count_of, print_json, print_page, progress
from .requests import (
    AS_JSON,
    ASKED,
    EVERYTHING,
    GAME,
    RNG,
    START,
    Start,
    command,
    load_game,
    note_outside,
    one_format,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..spec.model import Game
    from ..study.sweep import Sweep

    Draws = dict[str, NDArray[Any]]

DESIGNS = ("latin_hypercube", "sobol", "random")


@command(
    "sweep",
    GAME,
    ASKED,
    START,
    click.option(
        "--grid",
        "axes",
        multiple=True,
        metavar="NAME=LOW:HIGH:N",
        help="N even steps, or NAME=a,b,c (repeatable; all combinations).",
    ),
    click.option(
        "--list", "listed", metavar="FILE.csv", help="One draw per line; names in line 1."
    ),
    click.option("--draws", "count", type=click.IntRange(min=1), metavar="N", help="Draw N times."),
    click.option(
        "--design",
        type=click.Choice(DESIGNS),
        help="How --draws are placed; latin_hypercube by default.",
    ),
    RNG,
    DESCRIBED,
    click.option("--branches", is_flag=True, help="Follow every equilibrium along a grid of one."),
    click.option("--tolerance", type=Within(min=0), help="Regret that is certified; 1e-4."),
    click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many; 1."),
    click.option(
        "--engine",
        metavar="E",
        help="serial, threads, processes, dask or dask://HOST:PORT; processes by default.",
    ),
    click.option("--store", metavar="FILE", help="Keep answers here, and go on from what it has."),
    click.option("--repair", is_flag=True, help="Solve again what is damaged in the store."),
    click.option("--stored", is_flag=True, help="Show what the store has; solve nothing."),
    click.option(
        "--out",
        metavar="PATH",
        help="Write the table too: .parquet, .csv, .json; or the page: .txt.",
    ),
    FORCE,
    EVERYTHING,
    AS_JSON,
    click.option("--csv", "as_csv", is_flag=True, help="Print the table, one row per answer."),
)
def sweep(game: str, store: str | None, stored: bool, **options: Any) -> int:
    """Solve a game at many draws of its numbers.

    Takes a grid (--grid), a list (--list) or draws from ranges and distributions (--draws),
    solves all regimes at each, and says how often which is best.
    """
    one_format(options["as_json"], options["as_csv"])
    target = _target(options["out"], options["force"])
    if options["repair"] and (store is None or stored):
        raise RequestError("--repair mends the store while sweeping. Name it: --store FILE")
    if stored:
        if store is None:
            raise RequestError("--stored shows a store. Name it: --store FILE")
        from ..study.sweep import read_sweep

        found = read_sweep(store)
        _same_game(game, found)
    else:
        try:
            found = _swept(game, store, options)
        except Interrupted as interrupted:
            raise _kept(interrupted, target, store) from None
    if target is not None:
        _write(found, target, options["everything"])
    if options["as_json"]:
        print_json(found.to_dict())
    elif options["as_csv"]:
        from ..study.table import csv_text

        click.echo(csv_text(found.table()), nl=False)
    else:
        from ..report.sweep_text import sweep_page

        print_page(sweep_page(found, everything=options["everything"]))
    certified = found.status == "certified"
    if not certified.any():
        return NOTHING
    return SOLVED if certified.all() and found.complete else PART


def _swept(game: str, store: str | None, options: dict[str, Any]) -> Sweep:
    start: Start = options["start"]
    loaded: Any = load_game(game)
    from ..spec.model import Game

    if not isinstance(loaded, Game):
        raise RequestError(
            f"{game}: a game without parameters has nothing to vary. Only .toml and .py games do"
        )
    values = start.values(loaded)
    draws, design = _draws(loaded, options, values)
    from ..study.sweep import sweep as study

    apart = 2 if str(options["engine"]).startswith("dask") else options["workers"] or 1
    more = {} if options["tolerance"] is None else {"tolerance": options["tolerance"]}
    with progress() as tell:
        return study(
            loaded,
            draws,
            options["asked"],
            preset=start.preset,
            store=store,
            repair=options["repair"],
            workers=options["workers"],
            engine=options["engine"],
            branches=options["branches"],
            design=design,
            progress=told(tell, f"sweeping {game}", " answers", apart),
            parameters=values,
            **more,
        )


# ---------------------------------------------------------------------------------------------
# Which draws


def _draws(game: Game, options: dict[str, Any], values: dict[str, Any]) -> tuple[Draws, str]:
    """Return the draws that are asked for, and how they were made, in words."""
    ways = {
        "--grid": bool(options["axes"]),
        "--list": options["listed"] is not None,
        "--draws": options["count"] is not None,
    }
    chosen = [way for way, given in ways.items() if given]
    if len(chosen) != 1:
        both = f"{' and '.join(chosen)} were both given" if chosen else "nothing says what to solve"
        raise RequestError(
            f"{both}. Choose one of --grid NAME=LOW:HIGH:N, --list FILE.csv and --draws N"
        )
    only_drawn = {"--design": options["design"], **options["described"].options}
    given = [option for option, value in only_drawn.items() if value]
    if given and chosen != ["--draws"]:
        raise RequestError(f"{given[0]} is for --draws N. Leave it out")
    if chosen == ["--grid"]:
        found, design = _grid(options["axes"])
    elif chosen == ["--list"]:
        found, design = _list(game, options["listed"])
    else:
        found, design = _drawn(game, options, values)
    for name in values:
        if name in found:
            raise RequestError(f"{name} is drawn and set by --set {name}=.... Leave out one")
    if chosen != ["--draws"]:  # of which draws say it themselves
        for name, column in found.items():
            note_outside(game, name, column.tolist())
    return found, design


def _grid(axes: Sequence[str]) -> tuple[Draws, str]:
    from ..study.sweep import grid

    points: dict[str, list[float]] = {}
    problems = []
    for text in axes:
        name, _, steps = (part.strip() for part in text.partition("="))
        try:
            if not name or not steps:
                raise ValueError("it is not NAME=LOW:HIGH:N or NAME=a,b,c")
            if name in points:
                raise ValueError(f"{name} is given twice")
            points[name] = _axis(steps)
        except ValueError as error:
            fix = f"Write --grid {name or 'x'}=0:1:11 or --grid {name or 'x'}=0.1,0.2"
            problems.append(Problem(f"--grid {text}", str(error), fix))
    if problems:
        raise SpecError(problems)
    told = "; ".join(" ".join(text.split()) for text in axes)
    return grid(points), f"grid {told}"


def _axis(text: str) -> list[float]:
    """Return the values of ``low:high:n`` or ``a,b,c``; steps are exact before rounding.

    Raises
    ------
    ValueError
        The text is neither.
    """
    from .. import limits

    if ":" not in text:
        entries = text.split(",")
        several = len(entries) > 1
        return [
            float(number_read(entry, f"entry {k}" if several else ""))
            for k, entry in enumerate(entries, 1)
        ]
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3:
        raise ValueError("a range is LOW:HIGH:N")
    low, high = number_read(parts[0], "the lower end"), number_read(parts[1], "the upper end")
    if not parts[2].isascii() or not parts[2].isdigit() or len(parts[2]) > 12 or int(parts[2]) < 2:
        raise ValueError(f"{parts[2]!r} is not a number of steps of at least 2")
    count = int(parts[2])
    if count > limits.MAX_SAMPLES:
        raise ValueError(f"more steps than MAX_SAMPLES = {limits.MAX_SAMPLES}")
    if not low < high:
        raise ValueError(f"{parts[0]} is not below {parts[1]}")
    step = (high - low) / (count - 1)
    return [float(low + k * step) for k in range(count)]


def _list(game: Game, path: str) -> tuple[Draws, str]:
    from ..study.table import read_draws

    known = [parameter.name for parameter in game.parameters if not parameter.choices]
    found = read_draws(path, known)
    return found, "a list"


def _drawn(game: Game, options: dict[str, Any], values: dict[str, Any]) -> tuple[Draws, str]:
    design = options["design"] or "latin_hypercube"
    described: Described = options["described"]
    found = described.draw(
        game,
        options["count"],
        options["rng"],
        preset=options["start"].preset,
        parameters=values,
        design=design,
    )
    described.note_levers(game, {*found, *values})
    words = [f"{design.replace('_', ' ')}", f"seed {options['rng']}"]
    words += [
        f"{name} = {text}"
        for texts in (described.distributions, described.ties)
        for name, text in texts.items()
    ]
    words += [
        f"correlation of {one} and {other} = {value:g}"
        for (one, other), value in described.correlation.items()
    ]
    return found, ", ".join(words)


# ---------------------------------------------------------------------------------------------
# What is written


def _target(out: str | None, force: bool) -> Path | None:
    """Return the path of --out, refused before anything is computed."""
    if out is None:
        if force:
            raise RequestError("--force replaces the file of --out. Name it")
        return None
    from ..study.table import ENDINGS
    from .export import writable

    refuse_ending(out, ENDINGS)
    return writable(out, force)


def _write(found: Sweep, target: Path, everything: bool = False) -> None:
    if target.suffix.lower() in TEXT_ENDINGS:
        from ..report.sweep_text import sweep_page
        from ..report.text import plain
        from .export import write_file

        write_file(target, plain(sweep_page(found, everything=everything)) + "\n", True)
        click.echo(f"highfence: wrote {clean(target)}", err=True)
        return
    try:
        found.write(target)
    except OSError as error:
        raise RequestError(f"{target}: cannot be written ({error.strerror or error})") from None
    rows = count_of(found.status.size, "answer")
    click.echo(f"highfence: wrote {rows} to {clean(target)}", err=True)


def _same_game(game: str, found: Sweep) -> None:
    """Refuse to show another game's store under this game's name."""
    loaded: Any = load_game(game)
    if loaded.name != found.game:
        raise StoreError(f"the store holds a sweep of {found.game}, not of {loaded.name}")


def _kept(interrupted: Interrupted, target: Path | None, store: str | None) -> Interrupted:
    """Return the interruption with what is true of the command line."""
    done: Sweep = interrupted.done
    there = done.status.size - int((done.status == "not solved").sum())
    told = f"{there:,} of {done.absent + there:,} answers"
    if store is not None:
        return Interrupted(f"{told} are kept in {store}; the same command goes on from there", done)
    if target is not None and there:
        _write(done, target)
        return Interrupted(f"{told} are in {target}; with --store FILE one can go on", done)
    return Interrupted(f"{told} were solved, and are gone; --store FILE keeps them", done)
