"""Tables of answers, and the files that other programs read them from.

A table is an ordered mapping from column names to columns of one length: arrays of numbers,
or lists of text. What is missing (a bound where nothing is certified, an infinite regret) is
NaN in a table, an empty cell in CSV, null in Parquet and JSON.

Files are written whole or not at all: into a temporary file beside, which then takes the name.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import Problem, RequestError, SpecError, did_you_mean
from ..spec.model import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[Any] | Sequence[str]
    Array = NDArray[np.float64]

__all__ = ["ENDINGS", "csv_text", "ending_of", "read_draws", "rows_of", "write_table", "write_text"]

ENDINGS = (".parquet", ".csv", ".json")
"""What a sweep can be written as."""


def ending_of(path: str | Path) -> str:
    """Return the ending of a file's name, one of :data:`ENDINGS`.

    Raises
    ------
    RequestError
        It is another one.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise RequestError(f"{path}: the ending must be one of {', '.join(ENDINGS)}")
    return ending


def write_table(
    table: Mapping[str, Column], path: str | Path, about: Mapping[str, str] | None = None
) -> None:
    """Write a table as Parquet or CSV, by the ending of the path, in place of what is there.

    Parameters
    ----------
    table
        Column name -> column.
    path
        Ends in ``.parquet``; everything else is written as CSV.
    about
        What a Parquet file says about itself, under the key ``highfence`` of its metadata.

    Raises
    ------
    OSError
        The file cannot be written; what was there before is untouched.
    """
    if Path(path).suffix.lower() == ".parquet":
        _replace(Path(path), lambda made: _write_parquet(table, made, about or {}))
    else:
        write_text(csv_text(table), path)


def write_text(text: str, path: str | Path) -> None:
    """Write a text file whole or not at all, in place of what is there."""
    _replace(Path(path), lambda made: made.write_text(text, "utf-8", newline="\n"))


def rows_of(table: Mapping[str, Column]) -> list[list[Any]]:
    """Return the table row by row, as JSON holds it."""
    columns = [[_plain(cell) for cell in _listed(column)] for column in table.values()]
    return [list(row) for row in zip(*columns, strict=True)]


def csv_text(table: Mapping[str, Column]) -> str:
    """Return the table as CSV, with all digits of every number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    columns = [[_cell(cell) for cell in _listed(column)] for column in table.values()]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _listed(column: Column) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def _plain(cell: Any) -> Any:
    return None if isinstance(cell, float) and not np.isfinite(cell) else cell


def _cell(cell: Any) -> str:
    plain = _plain(cell)
    if plain is None:
        return ""
    if isinstance(plain, str):
        # A spreadsheet would run this as a formula.
        return f"'{plain}" if plain.startswith(("=", "+", "-", "@", "\t", "\r")) else plain
    return repr(plain)


def _write_parquet(table: Mapping[str, Column], path: Path, about: Mapping[str, str]) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {}
    for name, column in table.items():
        values = np.asarray(column)
        if values.dtype.kind == "f":
            columns[name] = pyarrow.array(values, mask=~np.isfinite(values))
        elif values.dtype.kind in "iu":
            columns[name] = pyarrow.array(values)
        else:
            columns[name] = pyarrow.array(_listed(column), pyarrow.string())
    made = pyarrow.table(columns)
    described = made.replace_schema_metadata({"highfence": json.dumps(dict(about))})
    parquet.write_table(described, path)


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Let something be written beside a path, and put it there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    made = Path(name)
    try:
        write(made)
        with open(made, "rb") as file:
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        made.chmod(0o666 & ~mask)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------
# Reading draws


def read_draws(path: str | Path, known: Sequence[str]) -> dict[str, Array]:
    """Return the draws in a CSV file: a head with names of parameters, one draw per line.

    Parameters
    ----------
    path
        The file, in UTF-8, with commas. Numbers are written ``0.3``, ``3e-1``, ``3/10`` or
        ``30%``.
    known
        The names that may stand in the head.

    Returns
    -------
    dict of str to array
        Parameter -> its column, in the order of the file.

    Raises
    ------
    SpecError
        Something is wrong in the file; every mistake is named by its line and column, up to
        twenty.
    RequestError
        The file cannot be read, or is larger than :data:`highfence.limits.MAX_FILE_BYTES`.
    """
    text = _text_of(Path(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        place = f"{path}: line {reader.line_num}"
        raise SpecError(Problem(place, f"this is not CSV ({error})")) from None
    if not rows or not any(map(str.strip, rows[0][1])):
        raise SpecError(Problem(str(path), "there is no head", "Name the parameters in line 1"))
    head = [name.strip() for name in rows[0][1]]
    problems = _wrong_heads(path, head, known)
    columns: list[list[float]] = [[] for _ in head]
    lines = [(line, row) for line, row in rows[1:] if row]
    for line, row in lines:
        if len(row) != len(head):
            place = f"{path}: line {line}"
            reason = f"there are {len(row)} cells, and {len(head)} names in line 1"
            problems.append(Problem(place, reason))
            continue
        for name, cell, column in zip(head, row, columns, strict=True):
            try:
                value = float(number(cell.strip()))
                if not np.isfinite(value):
                    raise ValueError
                column.append(value)
            except (ValueError, OverflowError):
                problems.append(
                    Problem(
                        f"{path}: line {line}, column {name}",
                        f"{cell.strip()!r} is not a finite number" if cell.strip() else "empty",
                        "Write 0.3, 3e-1, 3/10 or 30%",
                    )
                )
        if len(problems) >= 20:
            break
    if not lines:
        problems.append(Problem(str(path), "there are no draws below the head"))
    if problems:
        raise SpecError(problems)
    return {name: np.array(column) for name, column in zip(head, columns, strict=True)}


def _text_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(limits.MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > limits.MAX_FILE_BYTES:
        raise RequestError(
            f"{path}: larger than the limit MAX_FILE_BYTES = {limits.MAX_FILE_BYTES}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{path}: byte {error.start + 1} is not UTF-8") from None


def _wrong_heads(path: str | Path, head: Sequence[str], known: Sequence[str]) -> list[Problem]:
    problems = []
    for position, name in enumerate(head):
        place = f"{path}: line 1, column {position + 1}"
        if not name:
            problems.append(Problem(place, "the name is empty", "Name a parameter"))
        elif name not in known:
            hint = did_you_mean(name, known)
            problems.append(Problem(place, f"there is no numeric parameter {name!r}", hint))
        elif name in head[:position]:
            problems.append(Problem(place, f"{name} stands twice in the head"))
    return problems
