"""The command ``highfence``: parse, call, print, and map what happened to an exit code.

Exit codes:

====  =========================================================================
0     solved and certified (or: listed, shown, checked, written); also a closed pipe
1     no equilibrium was found, or none was certified
2     the request is wrong: usage, file, game
3     answered in part: a limit was reached, or a compared regime has no equilibrium or several
70    a defect of highfence itself; ``--debug`` shows where
130   interrupted (143: terminated)
====  =========================================================================

Data goes to standard output, everything else to standard error. Nothing but click is
imported until a command needs it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .errors import HighfenceError, MethodFailed, Problem, RequestError, SpecError, did_you_mean

if TYPE_CHECKING:
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm
    from .report.text import Page
    from .solution import Solution
    from .spec.model import Game

__all__ = ["main"]

SOLVED, NOTHING, WRONG, PART, DEFECT = 0, 1, 2, 3, 70
INTERRUPTED, TERMINATED = 130, 143

Command = TypeVar("Command", bound=Callable[..., Any])


class _Group(click.Group):
    """A group that suggests the command that was meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            close = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"Commands: {', '.join(known)}"
            raise click.UsageError(f"unknown command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which one comes to use them


_debug_option = click.option(  # read off the arguments by main, wherever it stands
    "--debug",
    is_flag=True,
    expose_value=False,
    help="Show the traceback of an error.",
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="highfence", message="%(prog)s %(version)s")
@_debug_option
def cli() -> None:
    """Solve export-control games, and compare control regimes.

    GAME is a name from `highfence list`, a path to a .toml, .py, .nfg or .efg file, or - for
    a game in TOML on standard input.
    """


def _command(name: str, *options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def made(function: Command) -> Command:
        wrapped: Any = function
        for option in reversed([*options, _debug_option]):
            wrapped = option(wrapped)
        cli.command(name)(wrapped)
        return function

    return made


_game = click.argument("game")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON (documented, stable).")
_csv = click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per equilibrium.")
_all = click.option(
    "--all", "everything", is_flag=True, help="Print everything, not the short page."
)
_regime = click.option("--regime", metavar="R", help="Solve under this regime's overlay.")
_preset = click.option("--preset", metavar="P", help="Start from this preset of parameters.")
_set = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a parameter (repeatable)."
)
_method = click.option(
    "--method", default="auto", metavar="M", help="See `highfence methods`.", show_default=True
)


# ---------------------------------------------------------------------------------------------
# Commands


@_command("list", _json)
def list_games(as_json: bool) -> int:
    """List the games that can be called by name."""
    from .spec.catalog import entries

    found = entries()
    if as_json:
        _print_json([entry._asdict() for entry in found])
        return SOLVED
    from .report.text import Page

    page = Page()
    for origin in dict.fromkeys(entry.origin for entry in found):
        page.heading(f"Games in ./{origin}" if origin != "catalogue" else "Games of the catalogue")
        for entry in found:
            if entry.origin == origin:
                page.item(entry.name, entry.title or entry.question or entry.path, "bold", "  ")
    if not found:
        page.text("No games were found. Give the path of a game file to the other commands.")
    _print_page(page)
    return SOLVED


@_command("show", _game)
def show(game: str) -> int:
    """Show what a game is made of.

    Players, stages, parameters with values, ranges, units and sources, regimes, assumptions.
    """
    from .report.text import form_page, game_page
    from .spec.model import Game

    loaded = _load(game)
    _print_page(game_page(loaded) if isinstance(loaded, Game) else form_page(loaded, _source(game)))
    return SOLVED


@_command("check", click.argument("path"))
def check(path: str) -> int:
    """Validate a game file; name every mistake at once."""
    from .spec.model import Game

    loaded = _load(path)
    if isinstance(loaded, Game):
        parts = [
            _count(len(loaded.players), "player"),
            _count(len(loaded.stages), "stage"),
            _count(len(loaded.parameters), "parameter"),
            _count(len(loaded.regimes), "regime"),
        ]
        where, what = loaded.file, ", ".join(parts)
    else:
        where, what = _source(path), _count(len(loaded.players), "player")
    click.echo(_clean(f"{where}: nothing wrong ({what})"))
    return SOLVED


@_command("solve", _game, _regime, _preset, _set, _method, _all, _json, _csv)
def solve(
    game: str,
    regime: str | None,
    preset: str | None,
    settings: Sequence[str],
    method: str,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Find equilibria, each with its certificate."""
    _one_format(as_json, as_csv)
    pairs = _pairs(settings)
    loaded = _load(game)
    values = _values(loaded, pairs)
    with _progress() as tell:
        from .solve import solve as solve_game

        tell(f"solving {game}")
        solution = solve_game(loaded, method, regime=regime, preset=preset, **values)
    if solution.source == "python":
        from dataclasses import replace

        solution = replace(solution, source=_source(game))
    if as_json:
        from .report.json import solution_dict

        _print_json(solution_dict(solution))
    elif as_csv:
        from .report.csv import solution_csv

        click.echo(solution_csv(solution), nl=False)
    else:
        from .report.text import solution_page

        _print_page(
            solution_page(
                solution, everything=everything, players=_labels(loaded), settings=tuple(values)
            )
        )
    return _exit_code(solution)


@_command(
    "compare",
    _game,
    click.option("--regimes", metavar="A,B,...", help="Compare these; all by default."),
    _preset,
    _set,
    _method,
    click.option(
        "--commitment/--no-commitment",
        default=True,
        help="Work out the value of commitment, if the game declares it (may take long).",
    ),
    _all,
    _json,
    _csv,
)
def compare(
    game: str,
    regimes: str | None,
    preset: str | None,
    settings: Sequence[str],
    method: str,
    commitment: bool,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Compare the regimes of a game.

    Solves the game under each regime, says which is best for whom and by how much, and
    what happens under each, in words.
    """
    _one_format(as_json, as_csv)
    pairs = _pairs(settings)
    asked = None
    if regimes is not None:
        asked = [name.strip() for name in regimes.split(",")]
        if not all(asked):
            raise RequestError(f"--regimes {regimes!r}: a name is empty. Write --regimes A,B")
    loaded = _load(game)
    values = _values(loaded, pairs)
    with _progress() as tell:
        from .study.compare import compare_regimes

        comparison = compare_regimes(
            loaded,
            asked,
            preset=preset,
            method=method,
            commitment=commitment and not as_csv,  # CSV has no place for it
            parameters=values,
            tell=lambda step: tell(f"solving {game}: {step}"),
        )
    if as_json:
        from .report.json import comparison_dict

        _print_json(comparison_dict(comparison))
    elif as_csv:
        from .report.csv import comparison_csv

        click.echo(comparison_csv(comparison), nl=False)
    else:
        from .report.text import comparison_page

        _print_page(comparison_page(comparison, everything=everything))
    return SOLVED if comparison.settled else PART


@_command("methods", click.argument("game", required=False), _json)
def methods(game: str | None, as_json: bool) -> int:
    """List the methods that solve games.

    With GAME, those for its form, and whether they take it. What each promises: all
    equilibria of its kind, some, or one.
    """
    from .methods.registry import all_methods, for_form
    from .report.text import methods_page

    form = None
    if game is not None:
        loaded = _load(game)
        form = _form(loaded)
    listed = all_methods() if form is None else for_form(type(form))
    rows = [
        {
            "name": made.name,
            "form": _form_name(made.form),
            "domain": made.domain,
            "finds": made.finds.value,
            "exact": made.exact,
            "source": made.source,
            "summary": made.summary,
            "accepts": None if form is None else bool(made.accepts(form)),
        }
        for made in listed
    ]
    if as_json:
        _print_json(rows)
    else:
        _print_page(methods_page(rows))
    return SOLVED


@_command(
    "export",
    _game,
    click.argument("path", metavar="PATH.{nfg,efg,toml,json}"),
    _regime,
    _preset,
    _set,
    click.option("--force", is_flag=True, help="Replace the file if it exists."),
)
def export(
    game: str,
    path: str,
    regime: str | None,
    preset: str | None,
    settings: Sequence[str],
    force: bool,
) -> int:
    """Write a game as a Gambit file, TOML or JSON."""
    target = _target(path, force)
    pairs = _pairs(settings)
    loaded = _load(game)
    values = _values(loaded, pairs)
    text = _exported(loaded, game, target.suffix.lower(), regime, preset, values)
    _write(target, text, force)
    click.echo(f"highfence: wrote {_clean(target)}", err=True)
    return SOLVED


# ---------------------------------------------------------------------------------------------
# Requests


def _one_format(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise RequestError("--json and --csv were both given. Choose one")


def _pairs(settings: Sequence[str]) -> dict[str, str]:
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


def _load(name: str) -> Game | NormalForm | ExtensiveForm:
    if name != "-":
        from .load import load

        return load(name)
    if sys.stdin is None or sys.stdin.isatty():
        raise RequestError("- reads a game from standard input, and nothing is piped into it")
    from . import limits

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
        from .forms.gambit_files import parse_efg, parse_nfg

        parse = parse_nfg if text.lstrip().startswith("NFG") else parse_efg
        return parse(text, "standard input")
    from .spec.toml import loads

    return loads(text, file="standard input")


def _source(name: str) -> str:
    """Return where a game file was read from."""
    from .spec.catalog import find

    return "standard input" if name == "-" else str(find(name))


def _values(loaded: Any, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of --set as the game's parameters hold them."""
    from .spec.model import Game, number

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
        low, high = known[name].low, known[name].high
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{'' if low is None else low} .. {'' if high is None else high}"
            message = f"{name} = {pairs[name]} is outside its declared range, {bounds}"
            click.echo(_clean(f"highfence: note: {message}"), err=True)
    return values


def _labels(loaded: Any) -> dict[str, str]:
    """Return the labels of a game's players; a form has none beside their names."""
    from .spec.model import Game

    return {p.name: p.label for p in loaded.players} if isinstance(loaded, Game) else {}


def _form(
    loaded: Any,
    regime: str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """Return the form that a game is solved in."""
    from .forms.build import build
    from .spec.model import Game

    if isinstance(loaded, Game):
        return build(loaded, regime=regime, preset=preset, parameters=parameters)
    if regime or preset or parameters:
        raise RequestError(
            "--regime, --preset and --set: this game has no regimes, presets or parameters. "
            "Only .toml and .py games do"
        )
    return loaded


def _form_name(form: type) -> str:
    return form.__name__.removesuffix("Form").lower()


def _exit_code(solution: Solution) -> int:
    return {"solved": SOLVED, "partial": PART}.get(solution.status.value, NOTHING)


# ---------------------------------------------------------------------------------------------
# Export


def _target(path: str, force: bool) -> Path:
    """Return the path to write to, refused before anything is computed."""
    target = Path(path)
    if target.suffix.lower() not in (".nfg", ".efg", ".toml", ".json"):
        raise RequestError(f"{path}: the ending must be .nfg, .efg, .toml or .json")
    folder = target.parent
    if not folder.is_dir():
        raise RequestError(f"{path}: there is no folder {str(folder)!r}. Make it first")
    if target.is_dir():
        raise RequestError(f"{path}: this is a directory. Name a file in it")
    if target.is_symlink():
        raise RequestError(f"{path}: this is a symbolic link; it is not written through. Remove it")
    if target.exists() and not force:
        raise RequestError(f"{path}: the file exists. Add --force to replace it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(f"{path}: the folder {str(folder)!r} cannot be written to")
    if target.exists() and not os.access(target, os.W_OK):
        raise RequestError(f"{path}: the file is write-protected")
    return target


def _exported(
    loaded: Any,
    name: str,
    ending: str,
    regime: str | None,
    preset: str | None,
    values: Mapping[str, Any],
) -> str:
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm
    from .spec.model import Game

    if ending in (".toml", ".json"):
        if not isinstance(loaded, Game):
            raise RequestError(f"{name}: a game file has no stages; export it as .nfg or .efg")
        if regime or preset or values:
            raise RequestError(
                f"{ending} holds the game with all its regimes and parameters. "
                "Leave --regime, --preset and --set to solve and compare"
            )
        from .spec.toml import dumps

        text = dumps(loaded)
        if ending == ".toml":
            return text
        import tomllib

        from .report.json import dumps as json_dumps

        return json_dumps(tomllib.loads(text))
    form = _form(loaded, regime, preset, values)
    from .forms.gambit_files import format_efg, format_nfg

    if ending == ".nfg":
        if isinstance(form, ExtensiveForm):
            from .forms.reduce import reduced_strategic_form

            form = reduced_strategic_form.apply(form).form
            click.echo(
                "highfence: note: the strategic form of a tree forgets the order of play; "
                "its equilibria need not be subgame perfect. Use .efg to keep it",
                err=True,
            )
        if isinstance(form, NormalForm):
            return format_nfg(form)
    elif isinstance(form, ExtensiveForm):
        return format_efg(form)
    kind = _form_name(type(form))
    fits = {"normal": ".nfg", "extensive": ".efg or .nfg"}.get(kind, ".toml or .json")
    raise RequestError(f"{name}: a game in {kind} form cannot be written as {ending}. Use {fits}")


def _write(target: Path, text: str, force: bool) -> None:
    """Write a whole file or nothing: a temporary file beside it, then a rename."""
    import tempfile

    try:
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", text=False)
    except OSError as error:
        raise RequestError(f"{target}: cannot be written ({error.strerror})") from None
    temporary = Path(made)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        if force:
            os.replace(temporary, target)
        else:
            os.link(temporary, target)  # fails if somebody made the file meanwhile
            temporary.unlink()
    except FileExistsError:
        raise RequestError(f"{target}: the file exists. Add --force to replace it") from None
    except OSError as error:
        raise RequestError(f"{target}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---------------------------------------------------------------------------------------------
# Output


def _clean(text: object) -> str:
    from .report.text import clean

    return clean(text)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_json(value: Any) -> None:
    from .report.json import dumps

    click.echo(dumps(value), nl=False)


def _print_page(page: Page) -> None:
    from .report.text import plain, styled

    if sys.stdout.isatty():
        styled(page)
    else:
        click.echo(plain(page))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is being done, once it takes longer than a second."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    import threading
    import time

    done = threading.Event()
    current = [""]
    start = time.monotonic()

    def run() -> None:
        compiles = _Compiles()
        shown = False
        while not done.wait(0.1 if time.monotonic() - start < 1 else 1):
            compiles.listen()
            seconds = time.monotonic() - start
            if seconds < 1:
                continue
            shown = True
            what = "compiling for this machine (the first time only)" * compiles.going_on
            sys.stderr.write(f"\r\x1b[K{_clean(what or current[0])} ({seconds:.0f} s)")
            sys.stderr.flush()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield lambda step: current.__setitem__(0, step)
    finally:
        done.set()
        thread.join()


class _Compiles:
    """Tells whether numba compiles, once it has been imported by whoever needs it."""

    def __init__(self) -> None:
        self._heard: Any = None

    def listen(self) -> None:
        """Register with numba, if it is there by now."""
        events: Any = sys.modules.get("numba.core.event")
        if self._heard is None and hasattr(events, "RecordingListener"):
            self._heard = events.RecordingListener()
            events.register("numba:compile", self._heard)

    @property
    def going_on(self) -> bool:
        heard = [] if self._heard is None else self._heard.buffer
        return sum(1 if event.is_start else -1 for _, event in heard) > 0


# ---------------------------------------------------------------------------------------------
# What happened


class _Signals:
    """Turns SIGINT and SIGTERM into KeyboardInterrupt once; a second one ends at once."""

    def __init__(self) -> None:
        self.code: int | None = None
        self._before: dict[int, Any] = {}

    def _received(self, number: int, _: object) -> None:
        code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        if self.code is not None:
            os._exit(code)
        self.code = code
        raise KeyboardInterrupt

    def __enter__(self) -> _Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not in the main thread
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Parameters
    ----------
    arguments
        What follows ``highfence``; ``sys.argv[1:]`` by default.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with _Signals() as signals:
        try:
            try:
                code = _run(list(arguments))
                sys.stdout.flush()
            except BrokenPipeError:
                return _pipe_closed()
            return code
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | click.Abort) or signals.code is not None:
                return _interrupted(signals.code or INTERRUPTED)
            return _failed(error, "--debug" in arguments)


def _run(arguments: list[str]) -> int:
    if not arguments:
        with click.Context(cli, info_name="highfence") as context:
            click.echo(cli.get_help(context), err=True)
        return WRONG
    if "_HIGHFENCE_COMPLETE" in os.environ:  # what a shell asks for on Tab
        cli.main(args=arguments, prog_name="highfence")
    # Not cli.main: it turns a closed pipe into exit code 1 and swallows what else happened.
    try:
        with cli.make_context("highfence", arguments) as context:
            made = cli.invoke(context)
    except click.exceptions.Exit as ended:
        made = ended.exit_code
    return made if isinstance(made, int) else SOLVED


def _pipe_closed() -> int:
    # Python flushes standard output once more when it ends; let that go nowhere.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return SOLVED


def _interrupted(code: int) -> int:
    with suppress(OSError):
        click.echo("highfence: interrupted; nothing was written", err=True)
    return code


def _failed(error: BaseException, debug: bool) -> int:
    """Print what went wrong, one line per problem, and return the exit code."""
    if debug and not isinstance(error, click.ClickException | SystemExit):
        import traceback

        traceback.print_exception(error)
    code, lines = WRONG, [str(error)]
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else WRONG
        case click.UsageError():
            where = error.ctx.command_path if error.ctx is not None else "highfence"
            message = error.format_message()
            end = "" if message.endswith((".", "?")) else "."
            lines = [f"{message}{end} See `{where} --help`"]
        case click.ClickException():
            lines = [error.format_message()]
        case SpecError():
            lines = [str(problem) for problem in error.problems]
        case MethodFailed():
            code = NOTHING
        case HighfenceError():
            pass
        case OSError():
            lines = [f"{error.filename or 'input or output'}: {error.strerror or error}"]
        case MemoryError():
            lines = ["there is not enough memory for this game"]
        case _:
            code = DEFECT
            lines = [
                f"this is a defect of highfence, not of your game: {type(error).__name__}: {error}"
                ". Please report it, with what --debug prints"
            ]
    with suppress(OSError):
        for line in lines:
            click.echo(f"highfence: error: {_clean(line)}", err=True)
    return code
