"""What commands over many draws have in common: which draws, how many, and where to write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Interrupted, RequestError, SpecError, StoreError
from .numbers import number_in
from .output import clean, print_answers, print_json, print_page
from .requests import (
    AS_JSON,
    RNG,
    Group,
    Option,
    Start,
    csv_option,
    names_given,
    note_outside,
    one_format,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..report.text import Page
    from ..spec.model import Game
    from ..study.sweep import Sweep

VARY = click.option(
    "--vary",
    metavar="A,B,...",
    help="Draw these; by default all with a declared range that no regime sets.",
)
DISTRIBUTIONS = click.option(
    "--distribution",
    "distributions",
    multiple=True,
    metavar="NAME=D",
    help="Draw from D, as in 'h=triangular(0, 0.35, 1)' (repeatable); uniform by default.",
)
TIES = click.option(
    "--tie",
    "ties",
    multiple=True,
    metavar="NAME=FORMULA",
    help="Compute a parameter from others, as in 'mM=1 - mF' (repeatable).",
)
CORRELATIONS = click.option(
    "--correlate",
    "correlations",
    multiple=True,
    metavar="A,B=R",
    help="Rank correlation of two parameters that are drawn (repeatable).",
)
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes."
)
OUT = click.option(
    "--out",
    metavar="PATH",
    help="Write to a new file, .json, .csv, or .txt for text, and print the answer alone.",
)
STORE = click.option(
    "--store",
    metavar="FILE",
    help="Take draws and answers from this store of `highfence sweep`; solve nothing.",
)
FORCE = click.option("--force", is_flag=True, help="Replace the file of --out.")


def draws_option(default: int, what: str) -> Option:
    """Return ``--draws N`` with a default."""
    least = 0 if default == 0 else 2
    made: Option = click.option(
        "--draws",
        "count",
        type=click.IntRange(min=least),
        default=default,
        show_default=True,
        metavar="N",
        help=what,
    )
    return made


@dataclass(frozen=True)
class Described:
    """Which draws --vary, --distribution, --tie and --correlate describe."""

    names: list[str] | None
    distributions: dict[str, str]
    ties: dict[str, str]
    correlation: dict[tuple[str, str], float]

    @classmethod
    def of(
        cls,
        vary: str | None,
        distributions: Sequence[str],
        ties: Sequence[str],
        correlations: Sequence[str],
    ) -> Described:
        """Return what the texts of the options say."""
        return cls(
            names_given("--vary", vary),
            _pairs("--distribution", distributions, "h=uniform(0, 1)"),
            _pairs("--tie", ties, "mM=1 - mF"),
            _correlation(correlations),
        )

    @property
    def options(self) -> dict[str, Any]:
        """What was given of each option; empty or None if it was not."""
        return {
            "--vary": self.names,
            "--distribution": self.distributions,
            "--tie": self.ties,
            "--correlate": self.correlation,
        }

    @property
    def arguments(self) -> dict[str, Any]:
        """The same as the arguments of a study."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def draw(
        self,
        game: Game,
        count: int,
        rng: int,
        *,
        preset: str | None,
        parameters: Mapping[str, Any],
        **more: Any,
    ) -> dict[str, NDArray[Any]]:
        """Return the draws; ``more`` as in :func:`highfence.study.uncertainty.draw`."""
        from ..study.uncertainty import draw

        found = draw(
            game, count, rng, preset=preset, parameters=parameters, **self.arguments, **more
        )
        for name, column in found.items():
            note_outside(game, name, column.tolist())
        return found

    def note_levers(self, game: Game, told: Collection[str]) -> None:
        """Say on stderr which parameters with a range regimes set, and so are not drawn."""
        from ..study._asked import levers_of

        levers = levers_of(game) if self.names is None else {}
        left = [
            p.name
            for p in game.parameters
            if p.name in levers and p.name not in told and None not in (p.low, p.high)
        ]
        if left:
            what = f"since regimes set {'it' if len(left) == 1 else 'them'}"
            said = f"{', '.join(left)} not drawn, {what}; --vary draws what it names"
            click.echo(clean(f"highfence: note: {said}"), err=True)


DESCRIBED = Group(
    "described",
    {"vary": VARY, "distributions": DISTRIBUTIONS, "ties": TIES, "correlations": CORRELATIONS},
    Described.of,
)


@dataclass(frozen=True)
class Drawing:
    """At which draws a study asks, and how many processes answer."""

    count: int
    described: Described
    rng: int
    workers: int
    store: str | None

    @classmethod
    def of(
        cls, count: int, rng: int, workers: int, store: str | None = None, **described: Any
    ) -> Drawing:
        """Return what the values of the options say."""
        return cls(count, Described.of(**described), rng, workers, store)

    def draws(
        self, game: Game, preset: str | None, parameters: Mapping[str, Any]
    ) -> dict[str, NDArray[Any]]:
        """Return the draws, one at least."""
        count = self.count or 1
        found = self.described.draw(game, count, self.rng, preset=preset, parameters=parameters)
        self.described.note_levers(game, {*found, *parameters})
        return found

    def kept(self, game: Game, start: Start) -> Sweep | None:
        """Return the sweep of ``--store``, which says all that is asked; None without one."""
        if self.store is None:
            return None
        refuse_with_store({**start.options, **self.described.options})
        return stored_sweep(game, self.store)


def drawing_options(default: int, what: str, rng: Option = RNG, *, stored: bool = True) -> Group:
    """Return the options of draws as one argument, ``drawing``."""
    options = {"count": draws_option(default, what), **DESCRIBED.options}
    options |= {"rng": rng, "workers": WORKERS}
    return Group("drawing", options | ({"store": STORE} if stored else {}), Drawing.of)


def stored_sweep(game: Game, store: str) -> Sweep:
    """Return the sweep that a store holds, refused if it is of another game or spec.

    Words of the game may have changed since: no answer depends on them.
    """
    import hashlib

    from ..spec.toml import digest, dumps
    from ..study.sweep import read_sweep

    found = read_sweep(store)
    if found.game != game.name:
        raise StoreError(f"{store} holds a sweep of {found.game}, not of {game.name}")
    old = found.manifest.get("layout of the store") == "1"  # told games by all of their text
    try:
        made = hashlib.sha256(dumps(game).encode()).hexdigest() if old else digest(game)
    except (RequestError, SpecError):  # a game with callables has no text to compare
        made = ""
    if found.specification and made and found.specification != made:
        raise StoreError(
            f"{store} was made by another specification of {game.name}. Sweep again, or use the "
            "game as it was"
        )
    return found


def refuse_with_store(given: Mapping[str, Any]) -> None:
    """Refuse options that say what to solve beside a store, which says it already."""
    wrong = [option for option, value in given.items() if value]
    if wrong:
        raise RequestError(
            f"--store takes draws and answers as they are; {', '.join(wrong)} would change them. "
            "Leave one of the two"
        )


def _pairs(option: str, given: Sequence[str], example: str) -> dict[str, str]:
    made: dict[str, str] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise RequestError(f"{option} {text!r} is not NAME=VALUE. Write {option} '{example}'")
        if name in made:
            raise RequestError(f"{option} {name} is given twice. Give one")
        made[name] = value
    return made


def numbers_given(option: str, given: Sequence[str], form: str, example: str) -> dict[str, float]:
    """Return the numbers of a repeatable option that takes ``form``, such as TARGET=SIZE."""
    made: dict[str, float] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if not equals or not name or not value:
            raise RequestError(f"{option} {text!r} is not {form}. Write {option} {example}")
        if name in made:
            raise RequestError(f"{option} {name} is given twice. Give one")
        made[name] = number_in(f"{option} {text}", value)
    return made


def _correlation(given: Sequence[str]) -> dict[tuple[str, str], float]:
    made: dict[tuple[str, str], float] = {}
    for text in given:
        names, _, value = text.partition("=")
        pair = tuple(name.strip() for name in names.split(","))
        if len(pair) != 2 or not all(pair) or not value.strip():
            raise RequestError(f"--correlate {text!r} is not A,B=R. Write --correlate 'h,Om=0.5'")
        if pair in made:
            raise RequestError(f"--correlate {','.join(pair)} is given twice. Give one")
        made[pair[0], pair[1]] = number_in(f"--correlate {text}", value)
    return made


TEXT_ENDINGS = (".txt", ".md", "")
"""Endings of what takes the page as text."""


def refuse_ending(path: str, data: Sequence[str] = (".json", ".csv")) -> None:
    """Refuse an ending of --out that is neither one of data nor one of text."""
    if Path(path).suffix.lower() not in (*data, *TEXT_ENDINGS):
        raise RequestError(
            f"--out {path}: the ending must be one of {', '.join(data)}, or .txt for text"
        )


class Output:
    """Where the answer goes, and in which form: refused before anything is computed."""

    def __init__(self, as_json: bool, as_csv: bool, out: str | None, force: bool) -> None:
        one_format(as_json, as_csv)
        if force and out is None:
            raise RequestError("--force replaces the file of --out. Name it")
        self.as_json, self.as_csv, self.force = as_json, as_csv, force
        self.asked = as_json or as_csv
        """A format was named: then nothing else is printed beside the file."""
        self.target = None
        if out is not None:
            if not as_json and not as_csv:
                refuse_ending(out)
            from .export import writable

            self.target = writable(out, force)
            ending = self.target.suffix.lower()
            if not as_json and not as_csv:
                self.as_json, self.as_csv = ending == ".json", ending == ".csv"

    def put(
        self, page: Callable[[], Page], table: Callable[[], str], tree: Callable[[], Any]
    ) -> None:
        """Print or write the page, the CSV or the JSON; beside a file, print the answer."""
        if self.target is None:
            if self.as_json:
                print_json(tree())
            elif self.as_csv:
                click.echo(table(), nl=False)
            else:
                print_page(page())
            return
        from ..report.json import dumps
        from ..report.text import plain
        from .export import write_file

        whole = page()
        text = dumps(tree()) if self.as_json else table() if self.as_csv else plain(whole) + "\n"
        write_file(self.target, text, self.force)
        if not self.asked:
            print_answers(whole.answers)
        click.echo(f"highfence: wrote {clean(self.target)}", err=True)


def as_far_as_it_went(study: Callable[[], Any]) -> tuple[Any, Interrupted | None]:
    """Return what a study found, and the interruption that ended it early, if one did."""
    try:
        return study(), None
    except Interrupted as stop:
        return stop.done, stop


def output_options(row: str) -> Group:
    """Return --json, --csv, --out and --force as one argument, ``output``."""
    return Group(
        "output",
        {"as_json": AS_JSON, "as_csv": csv_option(row), "out": OUT, "force": FORCE},
        Output,
    )


SOON = 1.0
"""Seconds of answers before a rate is told: parts that end together come at millions a second."""
SILENT = 10
"""Seconds without an answer after which it is said what workers may be doing."""


def told(
    tell: Callable[[str], None], what: str, of: str = "", workers: int | None = 1
) -> Callable[[int, int], None]:
    """Return what to call with (done, all); the first call may tell what was there before.

    Worker processes compile out of sight: where no answer comes for long, that is said. Of its
    own process :func:`highfence.progress` knows when it compiles.
    """
    began: list[tuple[float, int]] = []
    tell(what)

    def nothing_yet() -> None:
        if not began:
            tell(f"{what}; on a new machine workers compile for a minute or so")

    if workers != 1:
        timer = threading.Timer(SILENT, nothing_yet)
        timer.daemon = True
        timer.start()

    def heard(done: int, whole: int) -> None:
        began.append((time.monotonic(), done))
        seconds, solved = began[-1][0] - began[0][0], done - began[0][1]
        del began[1:]
        step = f"{what}: {done:,} of {whole:,}{of}"
        if solved and seconds >= SOON:
            rate = solved / seconds
            step += f", {rate:.3g} a second, about {lasting((whole - done) / rate)} left"
        tell(step)

    return heard


def lasting(seconds: float) -> str:
    """Return a length of time in words."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
