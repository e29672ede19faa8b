"""What commands have in common before they compute: options, and the game that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ..errors import Problem, RequestError, SpecError, did_you_mean
from .output import clean

if TYPE_CHECKING:
    from ..forms.extensive import ExtensiveForm
    from ..forms.markov import MarkovForm
    from ..forms.normal import NormalForm
    from ..spec.model import Game

Option = Callable[[Any], Any]

DEBUG = click.option(  # read off the arguments by main, wherever it stands
    "--debug",
    is_flag=True,
    expose_value=False,
    help="Show the traceback of an error.",
)
GAME = click.argument("game")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON (documented, stable).")


def csv_option(row: str) -> Option:
    """Return ``--csv``, which says what a row is."""
    made: Option = click.option(
        "--csv", "as_csv", is_flag=True, help=f"Print CSV, one row per {row}."
    )
    return made


AS_CSV = csv_option("equilibrium")
EVERYTHING = click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Print everything, not the short page. JSON and CSV are whole without it.",
)
REGIME = click.option("--regime", metavar="R", help="Solve under this regime's overlay.")
PLAYER = click.option("--player", metavar="P", help="Whose payoff says which regime is best.")
REGIMES = click.option("--regimes", metavar="A,B,...", help="Compare these; all by default.")
PRESET = click.option("--preset", metavar="P", help="Start from this preset of parameters.")
SETTINGS = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter (repeatable)."
)
METHOD = click.option(
    "--method", default="auto", metavar="M", help="See `highfence methods`.", show_default=True
)


def seed_option(what: str) -> Option:
    """Return ``--rng``, which says what it is the seed of."""
    made: Option = click.option(
        "--rng", type=click.IntRange(min=0), default=0, show_default=True, help=what
    )
    return made


RNG = seed_option("Seed of the draws.")


@dataclass(frozen=True)
class Group:
    """Options that a command takes as one argument, made of their values."""

    name: str
    options: Mapping[str, Option]
    """The name under which click hands over each option -> the option."""
    made: Callable[..., Any]
    """Called with the values by these names, before the command runs."""


def command(name: str, *options: Option | Group) -> Callable[[Callable[..., int]], click.Command]:
    """Return a decorator that makes a command of a function that returns an exit code."""
    groups = [option for option in options if isinstance(option, Group)]
    single: list[Option] = []
    for option in options:
        single += option.options.values() if isinstance(option, Group) else (option,)

    def made(function: Callable[..., int]) -> click.Command:
        @wraps(function)
        def run(**given: Any) -> int:
            for group in groups:
                given[group.name] = group.made(**{key: given.pop(key) for key in group.options})
            return function(**given)

        wrapped: Any = run
        for option in reversed([*single, DEBUG]):
            wrapped = option(wrapped)
        settings = {"help_option_names": ["-h", "--help"]}
        return click.command(name, context_settings=settings)(wrapped)

    return made


def names_given(option: str, text: str | None) -> list[str] | None:
    """Return the names of an option that takes A,B,...; None if it was not given."""
    if text is None:
        return None
    asked = [name.strip() for name in text.split(",")]
    if not all(asked):
        raise RequestError(f"{option} {text!r}: a name is empty. Write {option} A,B")
    return asked


def regime_names(regimes: str | None) -> list[str] | None:
    """Return the names of ``--regimes A,B``; None if it was not given."""
    return names_given("--regimes", regimes)


def asked_option(what: str) -> Group:
    """Return ``--regimes`` as the argument ``asked``: its names, or None."""
    option = click.option("--regimes", metavar="A,B,...", help=what)
    return Group("asked", {"regimes": option}, regime_names)


ASKED = asked_option("Compare these; all by default.")


def one_format(as_json: bool, as_csv: bool) -> None:
    """Refuse --json together with --csv."""
    if as_json and as_csv:
        raise RequestError("--json and --csv were both given. Choose one")


def pairs_of(settings: Sequence[str]) -> dict[str, str]:
    """Return the NAME=VALUE texts of --set as a mapping."""
    pairs: dict[str, str] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not name or not value:
            raise RequestError(
                f"--set {setting!r} is not NAME=VALUE. Write --set {name or 'x'}=0.5"
            )
        if name in pairs:
            raise RequestError(f"--set {name} is given twice. Give one value")
        pairs[name] = value
    return pairs


def load_game(name: str) -> Game | NormalForm | ExtensiveForm | MarkovForm:
    """Return the game that an argument names, or the form that its file holds."""
    if name != "-":
        from ..load import load

        return load(name)
    if sys.stdin is None or sys.stdin.isatty():
        raise RequestError("- reads a game from standard input, and nothing is piped into it")
    from .. import limits

    data = sys.stdin.buffer.read(limits.MAX_FILE_BYTES + 1)
    if len(data) > limits.MAX_FILE_BYTES:
        raise RequestError(
            f"standard input is larger than the limit MAX_FILE_BYTES = {limits.MAX_FILE_BYTES}"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"standard input: byte {error.start + 1} is not UTF-8") from None
    if not text.strip():
        raise RequestError("standard input is empty. Pipe a game in TOML into it, or name a file")
    if text.lstrip().startswith(("NFG ", "EFG ")):
        from ..forms.gambit_files import parse_efg, parse_nfg

        parse = parse_nfg if text.lstrip().startswith("NFG") else parse_efg
        return parse(text, "standard input")
    from ..spec.toml import loads

    return loads(text, file="standard input")


def source_of(name: str) -> str:
    """Return where a game file was read from."""
    from ..spec.catalog import find

    return "standard input" if name == "-" else str(find(name))


def values_of(loaded: Any, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of --set as the game's parameters hold them."""
    from ..spec.model import Game, number

    if not pairs:
        return {}
    if not isinstance(loaded, Game):
        raise RequestError("--set: this game has no parameters. Only .toml and .py games do")
    known = {parameter.name: parameter for parameter in loaded.parameters}
    values: dict[str, Any] = {}
    problems = []
    for name, text in pairs.items():
        place = f"--set {name}={text}"
        if name not in known:
            hint = did_you_mean(name, known) or "The game has no parameters"
            problems.append(Problem(place, f"there is no parameter {name!r}", hint))
        elif known[name].choices:
            if text not in known[name].choices:
                reason = f"{name} is one of {', '.join(known[name].choices)}"
                hint = did_you_mean(text, known[name].choices)
                problems.append(Problem(place, reason, hint if hint.startswith("Did") else ""))
            values[name] = text
        else:
            try:
                values[name] = number(text)
            except ValueError:
                problems.append(
                    Problem(place, f"{text!r} is not a number", "Write 0.3, 3e-1, 3/10 or 30%")
                )
    if problems:
        raise SpecError(problems)
    for name, value in values.items():
        note_outside(loaded, name, [value], f"= {pairs[name]} is outside")
    return values


@dataclass(frozen=True)
class Start:
    """The numbers that a command starts from: ``--preset`` and ``--set``."""

    preset: str | None
    pairs: Mapping[str, str]
    """What is set, as it was written."""

    @classmethod
    def of(cls, preset: str | None, settings: Sequence[str]) -> Start:
        """Return what the texts of the options say."""
        return cls(preset, pairs_of(settings))

    @property
    def options(self) -> dict[str, Any]:
        """What was given of each option; empty or None if it was not."""
        return {"--preset": self.preset, "--set": self.pairs}

    def values(self, loaded: Any) -> dict[str, Any]:
        """Return what is set as the game's parameters hold it."""
        return values_of(loaded, self.pairs)


START = Group("start", {"preset": PRESET, "settings": SETTINGS}, Start.of)


def note_outside(loaded: Any, name: str, values: Iterable[Any], said: str = "goes beyond") -> None:
    """Say on stderr that values of a parameter lie outside its declared range, if they do.

    Names that the game does not know are left to the study, which refuses them.
    """
    from ..spec.model import Game

    declared = loaded.parameters if isinstance(loaded, Game) else ()
    known = {parameter.name: parameter for parameter in declared}.get(name)
    taken = list(values)
    if known is None or known.choices or not taken:
        return
    low, high = known.low, known.high
    # A float nearest to a bound such as 1/3 is that bound.
    below = low is not None and min(taken) < min(low, float(low))
    above = high is not None and max(taken) > max(high, float(high))
    if below or above:
        bounds = f"{'' if low is None else low} .. {'' if high is None else high}"
        message = f"{name} {said} its declared range, {bounds}"
        click.echo(clean(f"highfence: note: {message}"), err=True)


def labels_of(loaded: Any) -> dict[str, str]:
    """Return the labels of a game's players; a form has none beside their names."""
    from ..spec.model import Game

    return {p.name: p.label for p in loaded.players} if isinstance(loaded, Game) else {}


def form_of(
    loaded: Any,
    regime: str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """Return the form that a game is solved in."""
    from ..forms.build import build
    from ..spec.model import Game

    if isinstance(loaded, Game):
        return build(loaded, regime=regime, preset=preset, parameters=parameters)
    if regime or preset or parameters:
        raise RequestError(
            "--regime, --preset and --set: this game has no regimes, presets or parameters. "
            "Only .toml and .py games do"
        )
    return loaded
