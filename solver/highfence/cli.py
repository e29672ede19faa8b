"""The command ``highfence``: parse, call, and map what happened to an exit code.

Each command has a module in :mod:`highfence.commands`, which is imported when the command
runs; nothing but click is imported before. Data goes to standard output, everything else to
standard error. The exit codes are in :mod:`highfence.commands.exit_codes`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from . import __version__
from .commands.exit_codes import (
    DEFECT,
    INTERRUPTED,
    NOTHING,
    SOLVED,
    STORE,
    TERMINATED,
    WRONG,
)
from .errors import HighfenceError, Interrupted, MethodFailed, SpecError, StoreError
from .garbage import look_seldom

__all__ = ["main"]

COMMANDS = {
    "list": ("catalogue:list_games", "List the games that can be called by name."),
    "show": ("catalogue:show", "Show what a game is made of."),
    "check": ("catalogue:check", "Validate a game file; name every mistake at once."),
    "solve": ("solve:solve", "Find equilibria, each with its certificate."),
    "compare": ("compare:compare", "Compare the regimes of a game."),
    "sensitivity": ("sensitivity:sensitivity", "Say which assumption matters for an outcome."),
    "attribute": ("attribute:attribute", "Say which mechanisms bring about what a regime changes."),
    "sweep": ("sweep:sweep", "Solve a game at many draws of its numbers."),
    "robust": ("robust:robust", "Say which regime to choose when nobody knows the numbers."),
    "tipping": ("tipping:tipping", "Find where along one parameter the answer changes."),
    "discover": ("discover:discover", "Find the assumptions under which a condition holds."),
    "fit": ("fit:fit", "Fit a few parameters to what was observed."),
    "map": ("map:regime_map", "Map which regime is best over two parameters."),
    "report": ("report:report", "Write what all studies say as one HTML file with figures."),
    "replications": ("replications:replications", "Set published answers beside ours."),
    "mechanisms": ("mechanisms:mechanisms", "Say which games carry which mechanism."),
    "claims": ("claims:claims", "Say which claims hold, where they stop, and what was measured."),
    "methods": ("methods:methods", "List the methods that solve games."),
    "export": ("export:export", "Write a game as a Gambit file, TOML or JSON."),
}
"""Command -> (module:attribute in highfence.commands, first line of its help), in the order in
which one comes to use them."""


class _Group(click.Group):
    """A group that imports a command when it runs, and suggests the one that was meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(f".commands.{module}", __package__), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"Commands: {', '.join(COMMANDS)}"
            raise click.UsageError(f"unknown command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="highfence", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Solve export-control games, and compare control regimes.

    GAME is a name from `highfence list`, a path to a .toml, .py, .nfg or .efg file, or - for
    a game in TOML on standard input.
    """


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
    if arguments is None:
        look_seldom()
        arguments = sys.argv[1:]
    arguments = list(arguments)
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
                return _interrupted(error, signals.code or INTERRUPTED)
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


def _interrupted(error: BaseException, code: int) -> int:
    kept = str(error) if isinstance(error, Interrupted) else "nothing was written"
    with suppress(OSError):
        click.echo(f"highfence: interrupted; {kept}", err=True)
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
            for kind, word in (("integer", "whole number"), ("float", "number")):
                for name in (f"a valid {kind} range", f"a valid {kind}"):
                    message = message.replace(name, f"a {word}")
            end = "" if message.endswith((".", "?")) else "."
            lines = [f"{message}{end} See `{where} --help`"]
        case click.ClickException():
            lines = [error.format_message()]
        case SpecError():
            lines = [str(problem) for problem in error.problems]
        case MethodFailed():
            code = NOTHING
        case StoreError():
            code = STORE
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
    from .report.text import clean

    with suppress(OSError):
        for line in lines:
            click.echo(f"highfence: error: {clean(line)}", err=True)
    return code
