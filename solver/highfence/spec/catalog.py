"""Find a game by name or path: an explicit path, then ``./games``, then the catalogue.

The catalogue is ``_catalog`` beside this package in an installed wheel, or the folder
``games`` of the checkout in an editable install. Listing reads only the heads of files;
nothing is run, and numpy is not imported.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RequestError, did_you_mean

if TYPE_CHECKING:
    pass

__all__ = ["ENDINGS", "Entry", "catalogue", "entries", "find", "load_game"]

ENDINGS = (".toml", ".py", ".nfg", ".efg")
"""The endings of game files."""

_HEAD = 64 * 1024  # bytes read to list a file; names and titles stand at the top


class Entry(NamedTuple):
    """One game of the catalogue, as far as the head of its file tells."""

    name: str
    title: str
    question: str
    form: str
    """A hint: "normal", "extensive", "staged", or "" where only building would tell."""
    path: str
    origin: str
    """Where it was found: "games" (the folder where you work) or "catalogue"."""
    folder: str
    """The folder that sorts it, below that place: "coercion"; "" for none."""


def catalogue() -> Path | None:
    """Return the folder of the bundled catalogue, or None if there is none."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_catalog", package.parent.parent / "games"):
        if folder.is_dir():
            return folder
    return None


def _places() -> list[tuple[str, Path]]:
    """Return (origin, folder) in the order of search; one folder is searched once."""
    places = []
    own = Path("games")
    if own.is_dir():
        places.append(("games", own))
    bundled = catalogue()
    if bundled is not None and not (places and own.resolve() == bundled.resolve()):
        places.append(("catalogue", bundled))
    return places


def _files(folder: Path) -> Iterator[Path]:
    """Yield the game files below a folder, sorted; hidden and private files are skipped."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for name in sorted(names):
            if name.endswith(ENDINGS) and not name.startswith((".", "_")):
                yield Path(root) / name


def find(name_or_path: str | Path) -> Path:
    """Return the file of a game.

    A text with a folder separator, or with one of :data:`ENDINGS`, is a path. Any other
    text is a name: ``name.*`` is looked for below ``./games``, then in the catalogue.

    Raises
    ------
    RequestError
        There is no such game, or two files of one place have the name.
    """
    given = str(name_or_path)
    if not given.strip():
        raise RequestError("the name of the game is empty. `highfence list` shows all games")
    separators = [mark for mark in (os.sep, os.altsep) if mark]
    is_path = isinstance(name_or_path, Path) or any(mark in given for mark in separators)
    ending = os.path.splitext(given)[1].lower()
    if is_path or ending in ENDINGS or given in (".", ".."):
        return _explicit(given, ending)
    known: list[str] = []
    for _, folder in _places():
        files = list(_files(folder))
        found = [path for path in files if path.stem == given]
        if len(found) > 1:
            both = " and ".join(map(str, found))
            raise RequestError(f"two games are called {given}: {both}. Give a path, or rename one")
        if found:
            return found[0]
        known += [path.stem for path in files]
    if ending:  # rather a path than a name
        if Path(given).is_file():
            return _explicit(given, ending)
        beside = [path.name for path in Path().iterdir() if path.suffix in ENDINGS]
        close = did_you_mean(given, [*beside, *known])
        hint = f". {close}" if close.startswith("Did") else ""
        raise RequestError(f"{given}: there is no such file, nor a game of this name{hint}")
    close = did_you_mean(given, known) or "No folder of games was found"
    if Path(given).is_dir():
        close = "It is a folder: name a game in it"
    elif close.endswith("..."):  # too many to read
        close = "`highfence list` shows all that there are"
    raise RequestError(f"there is no game {given!r}. {close}")


def _explicit(given: str, ending: str) -> Path:
    path = Path(given)
    if ending not in ENDINGS:
        if path.is_dir():
            raise RequestError(f"{given}: this is a directory, not a file. Name a game file in it")
        what = f"the ending {ending!r} is not known" if ending else "the file has no ending"
        if not path.exists():
            what = "there is no such file"
        elif ending in (".yaml", ".yml", ".json"):
            what = f"{ending} games are not read"
            what += "; JSON is for other programs" * (ending == ".json")
        elif ending in (".gz", ".zip", ".xz", ".bz2", ".zst"):
            what = "compressed games are not read; unpack it first"
        raise RequestError(f"{given}: {what}. Games are {', '.join(ENDINGS)} files")
    if not path.exists() and os.path.basename(given) == given:
        # "name.toml" may be the file name of a game of the catalogue.
        named = [p for _, folder in _places() for p in _files(folder) if p.name == given]
        if named:
            return named[0]
    if not os.path.lexists(given):
        folder = path.parent
        near = []
        if folder.is_dir():
            near = [str(p) for p in folder.iterdir() if p.suffix in ENDINGS]
        close = did_you_mean(given, near)
        hint = f". {close}" if close.startswith("Did") else ""
        raise RequestError(f"{given}: there is no such file{hint}")
    return path


def entries() -> list[Entry]:
    """Return what can be called by name, ``./games`` first, sorted by name in each place.

    A file that cannot be read is listed with the reason as its title. A game of the catalogue of
    which ``./games`` has the same copy is listed once: there.
    """
    made: list[Entry] = []
    places = _places()
    for origin, folder in places:
        listed = [
            _entry(path, origin, path.parent.relative_to(folder).as_posix().strip("."))
            for path in _files(folder)
            if folder is places[0][1] or not _same(path, places[0][1] / path.relative_to(folder))
        ]
        made += sorted(listed, key=lambda entry: entry.name)
    return made


def _same(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)


def _entry(path: Path, origin: str, folder: str) -> Entry:
    try:
        with open(path, "rb") as file:
            text = file.read(_HEAD).decode("utf-8-sig", errors="replace")
    except OSError as error:
        reason = f"(cannot be read: {error.strerror})"
        return Entry(path.stem, reason, "", "", str(path), origin, folder)
    read = {".toml": _toml_head, ".py": _python_head, ".nfg": _gambit_head, ".efg": _gambit_head}
    title, question, form = read[path.suffix](text)
    return Entry(path.stem, title, question, form, str(path), origin, folder)


def _toml_head(text: str) -> tuple[str, str, str]:
    import tomllib

    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    try:
        head = tomllib.loads(text[: table.start()] if table else text)
    except (ValueError, RecursionError):
        return "(not valid TOML: highfence check says why)", "", ""
    stages = len(re.findall(r"^\s*\[\[\s*stages\s*\]\]", text, re.MULTILINE))
    if re.search(r"^\s*interval\s*=|\.interval\]", text, re.MULTILINE):
        form = "staged"
    elif stages > 1 or re.search(r"^\s*\[stages\.chance\b", text, re.MULTILINE):
        form = "extensive"
    else:
        form = "normal"
    return str(head.get("title", "")), str(head.get("question", "")), form


def _python_head(text: str) -> tuple[str, str, str]:
    """Read ``title=`` and ``question=`` of the builder, or its docstring; nothing is run."""
    import ast

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "(not valid Python: highfence check says why)", "", ""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("title", "question"):
            try:
                found.setdefault(node.arg, str(ast.literal_eval(node.value)))
            except (ValueError, TypeError):
                continue
    summary = (ast.get_docstring(tree) or "").split("\n", 1)[0]
    form = "staged" if re.search(r"\bInterval\(", text) else ""
    return found.get("title", summary), found.get("question", ""), form


def _gambit_head(text: str) -> tuple[str, str, str]:
    match = re.match(r'\s*(NFG|EFG)\s+\S+\s+\S+\s+"((?:[^"\\]|\\.)*)"', text)
    if match is None:
        return "(not a Gambit file: highfence check says why)", "", ""
    title = re.sub(r"\\(.)", r"\1", match.group(2))
    return title, "", "normal" if match.group(1) == "NFG" else "extensive"


def load_game(path: Path) -> Any:
    """Return what a ``.toml`` or ``.py`` file defines: a Game, or (from Python) a form.

    A ``.py`` file is *run*. It defines ``game``, or a function ``build()`` that returns one.

    Raises
    ------
    SpecError
        The game is wrong, or the Python file failed; file and line are named.
    RequestError
        The file cannot be read.
    """
    if path.suffix.lower() == ".toml":
        from .toml import load

        return load(path)
    return _run(path)


def _run(path: Path) -> Any:
    import copy
    import sys
    from importlib.util import module_from_spec, spec_from_file_location

    from ..errors import HighfenceError, Problem, SpecError
    from .toml import read_text

    read_text(path)  # a regular, readable file of bounded size
    safe = re.sub(r"\W", "_", path.stem)
    spec = spec_from_file_location(f"_highfence_game_{safe}", path)
    if spec is None or spec.loader is None:
        raise RequestError(f"{path}: Python cannot load this file")
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses and pickling look a module up here
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
        made = _defined(module, path)
    except HighfenceError as error:
        raise _retold(error, path) from error
    except (Exception, SystemExit) as error:
        line = _line_in(error, path)
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        if isinstance(error, SyntaxError):
            reason, line = f"this is not valid Python ({error.msg})", error.lineno
        problem = Problem(str(path), reason, "Mend the Python file", line)
        raise SpecError(problem) from error
    finally:
        sys.dont_write_bytecode = writes
        sys.modules.pop(module.__name__, None)
    if getattr(made, "file", None) == "python":
        made = copy.copy(made)
        object.__setattr__(made, "file", str(path))  # validated already; only the place is new
        object.__setattr__(made, "cache", {})  # what is in it names the old place
    return made


def _defined(module: Any, path: Path) -> Any:
    from ..errors import Problem, SpecError

    if hasattr(module, "game"):
        return module.game
    if callable(getattr(module, "build", None)):
        return module.build()
    raise SpecError(
        Problem(str(path), "the file defines no game", "Define game = Game(...), or def build()")
    )


def _retold(error: Exception, path: Path) -> Exception:
    """Return an error of a game made in Python with the file and line of the statement."""
    from ..errors import LimitExceeded, Problem, SpecError

    if not isinstance(error, SpecError):
        return error
    line = _line_in(error, path)
    problems = []
    for problem in error.problems:
        file, colon, key = problem.place.partition(": ")
        if file == "python" or not os.path.exists(file):
            place = f"{path}{colon}{key}" if file == "python" else f"{path}: {problem.place}"
            problem = Problem(place, problem.reason, problem.fix, line)
        problems.append(problem)
    kind = LimitExceeded if isinstance(error, LimitExceeded) else SpecError
    return kind(problems)


def _line_in(error: BaseException, path: Path) -> int | None:
    """Return the last line of the file that the error passed through."""
    from traceback import extract_tb

    full = os.path.abspath(path)  # as importlib names it
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == full]
    return lines[-1] if lines else None
