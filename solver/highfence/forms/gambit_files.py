r"""Read and write Gambit's game files: ``.nfg`` (strategic form) and ``.efg`` (extensive form).

What is read
------------
- ``.nfg`` with payoffs or with outcomes; strategies by number or by name.
- ``.efg`` with information sets, chance events and outcomes described once or each time,
  and outcomes at nonterminal nodes, which add to what follows.
- Numbers are exact: ``1/3``, ``.5``, ``-1.25`` and ``1e3`` are the rationals that they say.
- Labels are quoted; in them ``\"`` is a quote and ``\\`` a backslash, and a backslash
  before anything else stands for itself. Missing labels become numbers.
- UTF-8 with or without a byte order mark, any line ends, commas in outcomes or none.

In a ``.nfg`` file the strategy of the *first* player varies fastest, in forms that of the
last; the reader transposes.

Every error names file, line, column, field, and the fix. No limit is passed silently: see
``MAX_FILE_BYTES``, ``MAX_DIGITS``, ``MAX_CELLS``, ``MAX_NODES`` and ``MAX_DEPTH`` in
:mod:`highfence.limits`.

References
----------
The Gambit Project, "Game representation formats" (documentation of Gambit 16).
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from .. import limits
from ..errors import GameFileError, LimitExceeded, Problem, RequestError, SpecError
from ._gambit_efg import EfgReader
from ._gambit_nfg import NfgReader
from ._gambit_text import format_efg, format_nfg
from .extensive import ExtensiveForm
from .normal import NormalForm

__all__ = [
    "format_efg",
    "format_nfg",
    "parse_efg",
    "parse_nfg",
    "read",
    "read_efg",
    "read_nfg",
    "write",
    "write_efg",
    "write_nfg",
]


# --- reading -------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> NormalForm | ExtensiveForm:
    """Return the game in a ``.nfg`` or ``.efg`` file, by the ending of its name.

    Raises
    ------
    RequestError
        The name ends otherwise.
    GameFileError, LimitExceeded
        As for :func:`read_nfg` and :func:`read_efg`.
    """
    return read_nfg(path) if _kind(path) == "nfg" else read_efg(path)


def read_nfg(path: str | os.PathLike[str]) -> NormalForm:
    """Return the game in a ``.nfg`` file; see :func:`parse_nfg`.

    Raises
    ------
    GameFileError
        There is no such regular file, or it is not UTF-8, or as for :func:`parse_nfg`.
    LimitExceeded
        The file has more than ``limits.MAX_FILE_BYTES`` bytes, or as for :func:`parse_nfg`.
    """
    return parse_nfg(_text_of(path), os.fspath(path))


def read_efg(path: str | os.PathLike[str]) -> ExtensiveForm:
    """Return the game in an ``.efg`` file; see :func:`parse_efg`.

    Raises
    ------
    GameFileError
        There is no such regular file, or it is not UTF-8, or as for :func:`parse_efg`.
    LimitExceeded
        The file has more than ``limits.MAX_FILE_BYTES`` bytes, or as for :func:`parse_efg`.
    """
    return parse_efg(_text_of(path), os.fspath(path))


def parse_nfg(text: str, source: str = "nfg text") -> NormalForm:
    """Return the game that a ``.nfg`` text describes, with exact payoffs.

    Parameters
    ----------
    source
        What errors call the text, usually its path.

    Raises
    ------
    GameFileError
        The text is not a game; the problem names line, column, field and fix. Where the
        structure is intact, all mistakes are listed, up to 50.
    LimitExceeded
        A number or the table passes a named limit; checked before the table is allocated.

    Examples
    --------
    >>> game = parse_nfg('NFG 1 R "pennies" { "E" "O" } { 2 2 }  1 -1  -1 1  -1 1  1 -1')
    >>> game.payoffs[0].tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return NfgReader(text, source).game()


def parse_efg(text: str, source: str = "efg text") -> ExtensiveForm:
    """Return the game that an ``.efg`` text describes, with exact payoffs and probabilities.

    Information sets without a label are called ``set 1``, ... by their number in the file;
    where a player has several of the same label, the later ones get a number, and the
    form's ``notes`` say so. A comment in the file becomes the first note.

    Parameters
    ----------
    source
        What errors call the text, usually its path.

    Raises
    ------
    GameFileError
        The text is not a game; the problem names line, column, field and fix. Where the
        structure is intact, all mistakes are listed, up to 50. Imperfect recall is no
        mistake of the file: see :meth:`ExtensiveForm.perfect_recall`.
    LimitExceeded
        A number or the tree passes a named limit.

    Notes
    -----
    Without recursion, one pass, about 25 microseconds per node.

    Examples
    --------
    >>> game = parse_efg('EFG 2 R "dictator" { "Ann" "Bob" } '
    ...                  'p "" 1 1 "" { "keep" "share" } 0 '
    ...                  't "" 1 "" { 4, 0 } t "" 2 "" { 2, 2 }')
    >>> game.information_sets[0].actions
    ('keep', 'share')
    >>> game.payoffs[1:].tolist()
    [[4.0, 0.0], [2.0, 2.0]]
    """
    return EfgReader(text, source).game()


def _kind(path: str | os.PathLike[str]) -> str:
    ending = Path(path).suffix.lower()
    if ending not in (".nfg", ".efg"):
        raise RequestError(
            f"{os.fspath(path)}: Gambit files end in .nfg (strategic form) or .efg (extensive form)"
        )
    return ending[1:]


def _text_of(path: str | os.PathLike[str]) -> str:
    """Return the text of a regular file, without its byte order mark."""
    place = os.fspath(path)
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        opened = os.open(path, flags)
        try:
            mode = os.fstat(opened).st_mode
            if not stat.S_ISREG(mode):
                what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
                raise GameFileError(Problem(place, f"this is {what}", "Give a .nfg or .efg file."))
            with open(opened, "rb", closefd=False) as file:
                data = file.read(limits.MAX_FILE_BYTES + 1)
        finally:
            os.close(opened)
    except SpecError:
        raise
    except FileNotFoundError:
        raise GameFileError(Problem(place, "there is no such file", "Check the path.")) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise GameFileError(
            Problem(place, f"cannot be read: {reason}", "Give a readable .nfg or .efg file.")
        ) from None
    if len(data) > limits.MAX_FILE_BYTES:
        raise LimitExceeded(
            Problem(
                place,
                f"the file has more than {limits.MAX_FILE_BYTES} bytes",
                "Use a smaller game, or raise highfence.limits.MAX_FILE_BYTES.",
            )
        )
    return _decoded(data, place)


def _decoded(data: bytes, place: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise GameFileError(
            Problem(place, "the file is in UTF-16", "Save it as UTF-8.", line=1, column=1)
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise GameFileError(
            Problem(
                place,
                f"byte 0x{data[error.start]:02x} is not UTF-8",
                "Save the file as UTF-8.",
                line=before.count("\n") + 1,
                column=len(before) - (before.rfind("\n") + 1) + 1,
            )
        ) from None


# --- writing -------------------------------------------------------------------------------


def write(
    form: NormalForm | ExtensiveForm, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write a form to a ``.nfg`` or ``.efg`` file, whichever fits it.

    Raises
    ------
    RequestError
        The path ends otherwise, is in a missing folder, or exists (unless ``overwrite``).
    SpecError
        As for :func:`format_nfg` and :func:`format_efg`.
    """
    if isinstance(form, NormalForm):
        write_nfg(form, path, overwrite=overwrite)
    else:
        write_efg(form, path, overwrite=overwrite)


def write_nfg(form: NormalForm, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a strategic form to a ``.nfg`` file; see :func:`format_nfg` and :func:`write`."""
    _save(format_nfg(form), path, "nfg", overwrite)


def write_efg(
    form: ExtensiveForm, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write an extensive form to an ``.efg`` file; see :func:`format_efg` and :func:`write`."""
    _save(format_efg(form), path, "efg", overwrite)


def _save(text: str, path: str | os.PathLike[str], kind: str, overwrite: bool) -> None:
    place = os.fspath(path)
    target = Path(path)
    if _kind(path) != kind:
        raise RequestError(f"{place}: this form is written to a .{kind} file")
    if not overwrite and os.path.lexists(target):
        raise RequestError(f"{place} exists. Choose another name, or pass overwrite=True")
    if target.is_dir():
        raise RequestError(f"{place} is a directory. Give the path of a file")
    # A new file takes the place of the old one at once, so an interruption loses neither.
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=target.parent, suffix=".tmp", delete=False
        ) as file:
            temporary = file.name
            file.write(text)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise RequestError(f"{place} cannot be written: {error.strerror}") from None
