"""``highfence export``: a game as a Gambit file, TOML or JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..errors import RequestError
from ..methods.registry import form_name
from .exit_codes import SOLVED
from .output import clean
from .requests import (
    GAME,
    REGIME,
    START,
    Start,
    command,
    form_of,
    load_game,
)


@command(
    "export",
    GAME,
    click.argument("path", metavar="PATH.{nfg,efg,toml,json}"),
    REGIME,
    START,
    click.option("--force", is_flag=True, help="Replace the file if it exists."),
)
def export(
    game: str,
    path: str,
    regime: str | None,
    start: Start,
    force: bool,
) -> int:
    """Write a game as a Gambit file, TOML or JSON."""
    target = target_of(path, force)
    loaded = load_game(game)
    values = start.values(loaded)
    text = _exported(loaded, game, target.suffix.lower(), regime, start.preset, values)
    write_file(target, text, force)
    click.echo(f"highfence: wrote {clean(target)}", err=True)
    if target.suffix.lower() == ".json":
        click.echo(
            "highfence: note: JSON is for other programs and is not read back; .toml is", err=True
        )
    return SOLVED


def target_of(path: str, force: bool) -> Path:
    """Return the path to write to, refused before anything is computed."""
    target = Path(path)
    if target.suffix.lower() not in (".nfg", ".efg", ".toml", ".json"):
        raise RequestError(f"{path}: the ending must be .nfg, .efg, .toml or .json")
    return writable(path, force)


def writable(path: str, force: bool) -> Path:
    """Return the path of a file that can be made, or replaced where that was asked for."""
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise RequestError(f"{path}: there is no folder {str(folder)!r}. Make it first")
    if target.is_dir():
        raise RequestError(f"{path}: this is a directory. Name a file in it")
    if target.is_symlink():
        raise RequestError(f"{path}: this is a symbolic link; it is not written through. Remove it")
    if target.exists() and not force:
        raise RequestError(f"{path}: the file exists. Add --force to replace it")
    try_folder(path, folder)
    if target.exists() and not os.access(target, os.W_OK):
        raise RequestError(f"{path}: the file is write-protected")
    return target


def try_folder(path: str, folder: Path) -> None:
    """Refuse a path in a folder in which no file can be made, by making one.

    What permissions say is not enough: a file system may be read-only, full or not for files.
    """
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".highfence-"):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise RequestError(
            f"{path}: the folder {str(folder)!r} cannot be written to ({reason})"
        ) from None


def _exported(
    loaded: Any,
    name: str,
    ending: str,
    regime: str | None,
    preset: str | None,
    values: Mapping[str, Any],
) -> str:
    from ..forms.extensive import ExtensiveForm
    from ..forms.normal import NormalForm
    from ..spec.model import Game

    if ending in (".toml", ".json"):
        if not isinstance(loaded, Game):
            raise RequestError(f"{name}: a game file has no stages; export it as .nfg or .efg")
        if regime or preset or values:
            raise RequestError(
                f"{ending} holds the game with all its regimes and parameters. "
                "Leave --regime, --preset and --set to solve and compare"
            )
        from ..spec.toml import dumps

        text = dumps(loaded)
        if ending == ".toml":
            return text
        import tomllib

        from ..report.json import dumps as json_dumps

        return json_dumps(tomllib.loads(text))
    form = form_of(loaded, regime, preset, values)
    from ..forms.gambit_files import format_efg, format_nfg

    if ending == ".nfg":
        if isinstance(form, ExtensiveForm):
            from ..forms.reduce import reduced_strategic_form

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
    kind = form_name(type(form))
    fits = {"normal": ".nfg", "extensive": ".efg or .nfg"}.get(kind, ".toml or .json")
    raise RequestError(f"{name}: a game in {kind} form cannot be written as {ending}. Use {fits}")


def write_file(target: Path, content: str | bytes, force: bool) -> None:
    """Write a whole file or nothing: a temporary file beside it, then a rename."""
    import tempfile

    try:
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", text=False)
    except OSError as error:
        raise RequestError(f"{target}: cannot be written ({error.strerror})") from None
    temporary = Path(made)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        if force:
            os.replace(temporary, target)
        else:
            _placed(temporary, target)
    except FileExistsError:
        raise RequestError(f"{target}: the file exists. Add --force to replace it") from None
    except OSError as error:
        raise RequestError(f"{target}: cannot be written ({error.strerror})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _placed(temporary: Path, target: Path) -> None:
    """Give a file its name, unless somebody made a file of that name meanwhile."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        content = temporary.read_bytes()
        with target.open("xb") as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                target.unlink(missing_ok=True)
                raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
