"""``highfence report``: what every study says about a game, as one HTML file with figures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import RequestError
from .draws import FORCE, WORKERS, refuse_with_store, stored_sweep
from .exit_codes import NOTHING, PART, SOLVED
from .export import try_folder, writable, write_file
from .output import clean, count_of, print_answers, progress
from .requests import (
    GAME,
    PLAYER,
    PRESET,
    REGIMES,
    RNG,
    SETTINGS,
    command,
    load_game,
    names_given,
    pairs_of,
    regime_names,
    values_of,
)
from .sensitivity import is_whole

if TYPE_CHECKING:
    from ..report.plots import Picture
    from ..study.report import Findings


@command(
    "report",
    GAME,
    REGIMES,
    PRESET,
    SETTINGS,
    click.option(
        "--sections",
        metavar="A,B,...",
        help="Some of outcomes, shares, tornado, sobol, tipping, map, attribution, discovery, or "
        "all; all but sobol by default.",
    ),
    PLAYER,
    click.option(
        "--along",
        metavar="A,B,...",
        help="Follow the answer along these parameters; those that matter most by default.",
    ),
    click.option(
        "--condition",
        metavar="C",
        help="What discovery looks for; the flag that splits the draws most evenly by default.",
    ),
    click.option(
        "--draws",
        "count",
        type=click.IntRange(min=2),
        metavar="N",
        help="Draws of the assumptions; 128.",
    ),
    RNG,
    WORKERS,
    click.option(
        "--store",
        metavar="FILE",
        help="Take draws and answers from this store of `highfence sweep`.",
    ),
    click.option("--out", required=True, metavar="FILE.html", help="The file to write."),
    click.option("--figures", metavar="DIR", help="Write every figure here too, as PNG and SVG."),
    FORCE,
)
def report(
    game: str,
    regimes: str | None,
    preset: str | None,
    settings: Sequence[str],
    sections: str | None,
    player: str | None,
    along: str | None,
    condition: str | None,
    count: int | None,
    rng: int,
    workers: int,
    store: str | None,
    out: str,
    figures: str | None,
    force: bool,
) -> int:
    """Write a report of a game: one HTML file that needs nothing else.

    Compares the regimes, solves them at draws of the assumptions, and says which assumptions
    matter, where the answer changes, which mechanisms bring it about, and what it rests on.
    """
    target = _target(out, force)
    folder = None if figures is None else _folder(figures, force)
    pairs = pairs_of(settings)
    asked = regime_names(regimes)
    if store is not None:
        refuse_with_store({"--preset": preset, "--set": settings, "--draws": count})
    again = _again(
        game, regimes=regimes, preset=preset, set=settings, sections=sections, player=player,
        along=along, condition=condition, draws=count, rng=rng or None, store=store,
        out=target.name, figures=figures,
    )  # fmt: skip
    with progress() as tell:
        tell(f"loading {game}")
        from ..study.outcome import game_with_regimes
        from ..study.report import DRAWS, gather

        loaded = game_with_regimes(load_game(game))
        found = gather(
            loaded,
            asked,
            sections=_sections(sections),
            draws=DRAWS if count is None else count,
            rng=rng,
            sweep=None if store is None else stored_sweep(loaded, store),
            player=player,
            along=names_given("--along", along),
            condition=condition,
            preset=preset,
            parameters=values_of(loaded, pairs),
            workers=workers,
            command=again,
            tell=lambda step: tell(f"{game}: {step}"),
        )
        tell(f"{game}: drawing figures")
        from ..report.html import pictures_of, report_html, report_summary

        pictures = pictures_of(found)
        page = report_html(found, pictures)
        files = [] if folder is None else list(_drawn(folder, pictures))
    for path, data in files:
        write_file(path, data, force)
    write_file(target, page, force)
    print_answers(report_summary(found))
    for name, reason in found.left_out.items():
        click.echo(f"highfence: note: left out {name}: {clean(reason)}", err=True)
    told = f"{count_of(len(files), 'file')} to {folder}, and " if folder is not None else ""
    click.echo(f"highfence: wrote {clean(f'{told}{target}')}", err=True)
    if not any(result.solution.equilibria for result in found.comparison.regimes):
        return NOTHING
    in_part = list(parts_answered_in_part(found))
    if in_part:
        click.echo(f"highfence: note: answered in part: {', '.join(in_part)}", err=True)
    whole = sections is None or found.complete
    return SOLVED if whole and not in_part else PART


def parts_answered_in_part(found: Findings) -> Iterator[str]:
    """Yield the parts of a report whose own commands would end with "answered in part"."""
    if not found.comparison.settled:
        yield "the comparison"
    used = found.shares is not None or found.found is not None
    if used and found.sweep is not None:
        certified = found.sweep.status == "certified"
        if not (certified.all() and found.sweep.complete):
            yield f"the draws ({int(certified.sum())} of {certified.size} answers certified)"
    for name, one in (("tornado", found.tornado), ("sobol", found.sobol)):
        if name in found.sections and one is not None and not is_whole(one):
            yield name
    if not all(one.settled for one in found.tipping):
        yield "tipping"
    if found.map is not None and not found.map.settled:
        yield "map"
    if any(one.used < one.draws or one.undefined for one in found.attribution):
        yield "attribution"
    if found.found is not None and found.found.discovery.used < found.found.discovery.draws:
        yield "discovery"


def _target(out: str, force: bool) -> Path:
    if Path(out).suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"{out}: the ending must be .html")
    return writable(out, force)


def _folder(figures: str, force: bool) -> Path:
    """Return the folder for figures, made if it is not there; refused where files would be lost."""
    folder = Path(figures)
    if folder.is_dir():
        known = re.compile(
            r"(outcomes|shares|tornado|sobol|map|discovery|(tipping|attribution)-\d+)\.(png|svg)"
        )
        there = sorted(path.name for path in folder.iterdir() if known.fullmatch(path.name))
        if there and not force:
            raise RequestError(
                f"{figures}: holds {', '.join(there[:3])} already. Add --force to replace figures"
            )
        try_folder(figures, folder)
        return folder
    if folder.exists() or folder.is_symlink():
        raise RequestError(f"{figures}: this is not a directory. Name another one")
    if not folder.parent.is_dir():
        raise RequestError(f"{figures}: there is no folder {str(folder.parent)!r}. Make it first")
    try_folder(figures, folder.parent)
    return folder


def _drawn(folder: Path, pictures: dict[str, Picture]) -> Iterator[tuple[Path, bytes | str]]:
    folder.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        yield folder / f"{name}.png", picture.png()
        yield folder / f"{name}.svg", picture.svg()


def _sections(text: str | None) -> Sequence[str] | None:
    names = names_given("--sections", text)
    if names == ["all"]:
        from ..study.report import SECTIONS

        return SECTIONS
    return names


def _again(game: str, **options: str | int | Sequence[str] | None) -> str:
    """Return the command that makes the report, in one way of writing it."""
    words = ["highfence", "report", game]
    for name, value in options.items():
        if isinstance(value, str | int):
            words += [f"--{name}", str(value)]
        else:
            for one in value or ():
                words += [f"--{name}", one]
    return shlex.join(words)
