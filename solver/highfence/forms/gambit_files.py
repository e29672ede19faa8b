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

import math
import os
import re
import stat
import tempfile
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .. import limits
from ..errors import GameFileError, LimitExceeded, Problem, RequestError, SpecError
from .extensive import (
    CHANCE,
    ExtensiveForm,
    Lottery,
    Move,
    Node,
    Terminal,
    improper,
    repeated_label,
)
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

_MAX_PROBLEMS = 50  # one message should stay readable; the rest would repeat it

_MAX_PLAYERS = 63  # a numpy array has at most 64 axes, and one is the player

_BLANK = r" \t\n\r\f\v"  # not \s, which would take no-break spaces for blanks
_TOKEN = re.compile(
    rf'[{_BLANK}]*+(?:([^{_BLANK}{{}},"]++)|"((?:[^"\\]++|\\.)*+)"|([{{}},])|(\Z)|("))', re.DOTALL
)
_WORD, _TEXT, _MARK, _END, _OPEN = 1, 2, 3, 4, 5  # groups of _TOKEN

_INTEGER = re.compile(r"[+-]?[0-9]+")
_RATIO = re.compile(r"[+-]?([0-9]+)/([0-9]+)")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_NOT_FINITE = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\])')
_BACKSLASHES = re.compile(r"\\+(?=(.)?)", re.DOTALL)

# Controls, marks that reorder text, line separators, and characters of no width: labels that
# look alike would differ, and reports could be made to say what is not there. The joiners
# U+200C and U+200D stay, because scripts and emoji need them.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)


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
    return _Nfg(text, source).game()


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
    return _Efg(text, source).game()


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


class _Reader:
    """Tokens of a game file, and the parts that both formats share."""

    magic: str
    version: str
    other: str

    def __init__(self, text: str, source: str) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.source = source
        self.problems: list[Problem] = []
        self.numbers: dict[str, Fraction] = {}
        self.lines: list[int] = []
        self.end = 0  # where the current token ends
        self.text_at = -1  # where the last quoted text starts
        self.advance()

    def advance(self) -> None:
        """Go to the next token: ``kind``, ``value`` (as written, without quotes), ``at``."""
        match = _TOKEN.match(self.text, self.end)
        assert match is not None  # every character starts or continues some token
        kind = match.lastindex or _END
        self.kind: int = kind
        self.value: str = match[kind]
        self.end = match.end()
        self.at: int = match.start(kind)
        if kind == _TEXT:
            self.at -= 1
            self.text_at = self.at
        elif kind == _OPEN:
            self.fail("text", "this quote is never closed", 'Add the closing ".')

    # errors

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column, from 1, of a position in the text."""
        if not self.lines:  # computed only when there is something to report
            self.lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self.lines, at)
        return line, at - self.lines[line - 1] + 1

    def line(self, at: int) -> int:
        return self.place(at)[0]

    def problem(self, field: str, reason: str, fix: str, at: int | None = None) -> None:
        """Note a mistake that leaves the structure intact; reading goes on."""
        line, column = self.place(self.at if at is None else at)
        self.problems.append(Problem(self.source, f"{field}: {reason}", fix, line, column))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise GameFileError(self.problems)

    def fail(self, field: str, reason: str, fix: str, at: int | None = None) -> NoReturn:
        """Stop at a mistake after which nothing can be read."""
        if self.kind != _OPEN and self.text_at >= 0 and self._quotes() % 2:
            line, column = self.place(self.text_at)
            closing = self.place(self._closing(self.text_at))
            self.problem(
                field,
                f"{reason}. The file has an odd number of quotes, and the text that opens at line "
                f"{line}, column {column} ends at line {closing[0]}, column {closing[1]}",
                'Is its closing " missing?',
                self.text_at,
            )
        else:
            self.problem(field, reason, fix, at)
        raise GameFileError(self.problems)

    def _quotes(self) -> int:
        """Return the number of quotes in the file that are not escaped."""
        return sum(1 for match in re.finditer(r'\\.|"', self.text, re.DOTALL) if match[0] == '"')

    def _closing(self, at: int) -> int:
        match = _TOKEN.match(self.text, at)
        return at if match is None else match.end() - 1

    def exceed(self, field: str, reason: str, fix: str, at: int | None = None) -> NoReturn:
        """Stop where a named limit would be passed."""
        line, column = self.place(self.at if at is None else at)
        raise LimitExceeded(
            [*self.problems, Problem(self.source, f"{field}: {reason}", fix, line, column)]
        )

    def shown(self) -> str:
        """Return the current token for a message."""
        if self.kind == _END:
            return "the end of the file"
        value = self.value if len(self.value) <= 40 else self.value[:37] + "..."
        return ascii(value) if self.kind != _TEXT else f'the text "{ascii(value)[1:-1]}"'

    def expect(self, mark: str, field: str) -> None:
        """Take a brace."""
        if self.kind != _MARK or self.value != mark:
            self.fail(
                field,
                f"expected {mark!r}, found {self.shown()}"
                if self.kind != _END
                else f"unexpected end of the file, expected {mark!r}",
                f"Write {mark!r} here.",
            )
        self.advance()

    def at_mark(self, mark: str) -> bool:
        return self.kind == _MARK and self.value == mark

    # values

    def label(self, field: str, several_lines: bool = False) -> str:
        """Take a quoted text."""
        if self.kind != _TEXT:
            found = "unexpected end of the file" if self.kind == _END else f"found {self.shown()}"
            self.fail(field, f"expected a quoted text, {found}", 'Write a text in "quotes".')
        value = self.value
        if not (value.isascii() and value.isprintable()):
            self._check_characters(field, value, several_lines)
        if "\\" in value:
            value = _ESCAPED.sub(r"\1", value)
        self.advance()
        return value

    def _check_characters(self, field: str, value: str, several_lines: bool) -> None:
        for match in _FORBIDDEN.finditer(value):
            if several_lines and match[0] in "\n\t":
                continue
            name = unicodedata.name(match[0], "a control character")
            self.problem(
                field,
                f"U+{ord(match[0]):04X} ({name}) is not allowed, because it would be invisible "
                "or reorder text in reports",
                "Remove it.",
                self.at + 1 + match.start(),
            )
            return

    def integer(self, field: str, lowest: int, fix: str) -> int:
        """Take an integer that is at least ``lowest``."""
        if self.kind != _WORD or not _INTEGER.fullmatch(self.value):
            found = (
                "unexpected end of the file, expected"
                if self.kind == _END
                else f"{self.shown()} is not"
            )
            self.fail(field, f"{found} an integer", fix)
        self._check_digits(field, len(self.value))
        value = int(self.value)
        if value < lowest:
            self.problem(field, f"{value} is less than {lowest}", fix)
            value = lowest
        self.advance()
        return value

    def number(self, field: str) -> Fraction:
        """Take a number, exactly."""
        value = self.numbers.get(self.value) if self.kind == _WORD else None
        if value is None:
            value = self._number(field)
            if value is None:  # noted; zero stands in, so that reading can go on
                value = Fraction(0)
            else:
                self.numbers[self.value] = value
        self.advance()
        return value

    def _number(self, field: str) -> Fraction | None:
        fix = "Write an integer, a decimal such as 0.25, or a ratio such as 1/3."
        word = self.value
        if self.kind != _WORD:
            found = (
                "unexpected end of the file, expected a number"
                if self.kind == _END
                else f"expected a number, found {self.shown()}"
            )
            self.fail(field, found, fix)
        if match := _RATIO.fullmatch(word):
            self._check_digits(field, max(len(match[1]), len(match[2])))
            if not int(match[2]):
                self.problem(field, f"the denominator of {word} is zero", fix)
                return None
        elif match := _DECIMAL.fullmatch(word):
            mantissa, _, exponent = word.lower().partition("e")
            self._check_digits(field, len(mantissa))
            size = exponent.lstrip("+-").lstrip("0")
            if len(size) > 9 or int(size or 0) > limits.MAX_DIGITS:
                self.exceed(
                    field,
                    f"the exponent of {self.shown()} is beyond the limit of {limits.MAX_DIGITS}",
                    "Rescale the payoffs.",
                )
        elif _NOT_FINITE.fullmatch(word):
            self.problem(field, f"{self.shown()} is not a finite number", fix)
            return None
        elif re.fullmatch(r"[+-]?[0-9]+/[+-][0-9]+", word):
            self.problem(
                field,
                f"the denominator of {self.shown()} has a sign",
                "Put the sign in front, as in -1/3.",
            )
            return None
        else:
            self.problem(field, f"{self.shown()} is not a number", fix)
            return None
        value = Fraction(word)
        self._check_size(field, value)
        return value

    def _check_digits(self, field: str, count: int) -> None:
        # Signs and points count too: a limit on length is as good, and simple.
        if count > limits.MAX_DIGITS:
            self.exceed(
                field,
                f"a number of {count} characters is longer than the limit of "
                f"{limits.MAX_DIGITS} digits",
                "Round it, or raise highfence.limits.MAX_DIGITS.",
            )

    def _check_size(self, field: str, value: Fraction) -> None:
        try:
            nearest = float(value)
        except OverflowError:
            nearest = math.inf
        if math.isinf(nearest):
            self.exceed(
                field,
                f"{self.shown()} is beyond the largest float, about 1.8e308",
                "Rescale the payoffs.",
            )
        if nearest == 0 and value:
            self.exceed(
                field,
                f"{self.shown()} is closer to zero than the smallest float, about 4.9e-324",
                "Rescale the payoffs.",
            )

    # shared parts

    def header(self) -> tuple[str, tuple[str, ...]]:
        """Take everything up to the players; return title and players."""
        name = f".{self.magic.lower()}"
        if self.kind == _END:
            self.fail("header", "the file is empty", f"A {name} file starts with {self.magic}.")
        if self.kind != _WORD or self.value != self.magic:
            self.fail(
                "header",
                f"a {name} file starts with {self.magic}, this one with {self.shown()}",
                f"Is it a .{self.other.lower()} file?"
                if self.value == self.other
                else f"Give a Gambit {name} file.",
            )
        self.advance()
        if self.kind != _WORD or self.value != self.version:
            self.fail(
                "version",
                f"found {self.shown()}, only version {self.version} is known",
                f"Write {self.magic} {self.version} R.",
            )
        self.advance()
        if self.kind != _WORD or self.value not in ("R", "D"):
            self.fail(
                "number type",
                f"expected R (or the old D), found {self.shown()}",
                f"Write {self.magic} {self.version} R.",
            )
        self.advance()
        title = self.label("title", several_lines=True)
        return title, self._players()

    def _players(self) -> tuple[str, ...]:
        start = self.at
        self.expect("{", "players")
        names: list[str] = []
        while self.kind == _TEXT:
            names.append(self.label(f"player {len(names) + 1}"))
        self.expect("}", "players")
        if not names:
            self.problem("players", "there are no players", 'Name at least one: { "A" }.', start)
        if len(names) > limits.MAX_PLAYERS:
            self.exceed(
                "players",
                f"{len(names)} players, the limit is {limits.MAX_PLAYERS}",
                "Raise highfence.limits.MAX_PLAYERS if memory allows.",
                start,
            )
        return self.distinct(names, "players", "player", start, "Player ")

    def distinct(
        self, labels: Sequence[str], field: str, what: str, at: int, prefix: str = ""
    ) -> tuple[str, ...]:
        """Return labels with numbers for the empty ones; two equal ones are a mistake."""
        named = [label for label in labels if label]
        if (twice := repeated_label(named)) is not None:
            self.problem(field, f"two of them are called {twice!r}", f"Rename one {what}.", at)
        if len(named) == len(labels):
            return tuple(labels)
        filled: list[str] = []
        taken = set(named)
        for number, label in enumerate(labels, start=1):
            name = label or f"{prefix}{number}"
            while not label and name in taken:
                name += "'"
            taken.add(name)
            filled.append(name)
        return tuple(filled)

    def comment(self) -> str:
        """Take the optional comment after the header."""
        return self.label("comment", several_lines=True) if self.kind == _TEXT else ""

    def payoffs(self, field: str, players: Sequence[str]) -> tuple[Fraction, ...]:
        """Take ``1, 2 }``, what follows an opening brace: a number per player, commas or not."""
        start = self.at
        values: list[Fraction] = []
        places = [self.at]
        while not self.at_mark("}"):
            whose = (
                f" of {players[len(values)]!r}"
                if len(values) < len(players)
                else f" {len(values) + 1}"
            )
            values.append(self.number(f"{field}, payoff{whose}"))
            if self.at_mark(","):
                self.advance()
            places.append(self.at)
        if len(values) != len(players):
            inside = self.text[start : self.at]
            comma = re.search(r"[0-9],[0-9]", inside) if len(values) > len(players) else None
            self.problem(
                field,
                f"{_count(len(values), 'payoff')} for {_count(len(players), 'player')}",
                f"Commas separate payoffs: did you mean "
                f"'{_around(inside, comma.start()).replace(',', '.')}'?"
                if comma
                else "Give one payoff per player.",
                places[min(len(players), len(values))],
            )
            values = (values + [Fraction(0)] * len(players))[: len(players)]
        self.advance()
        return tuple(values)

    def finish(self) -> None:
        """Raise what was found."""
        if self.problems:
            raise GameFileError(self.problems)


def _around(text: str, at: int) -> str:
    """Return the blank-free run of ``text`` around a position, without a final comma."""
    start = max(text.rfind(blank, 0, at) for blank in " \t\n{") + 1
    match = re.compile(r"[^ \t\n}]*").match(text, start)
    return match[0].rstrip(",") if match else ""


class _Nfg(_Reader):
    magic, version, other = "NFG", "1", "EFG"

    def game(self) -> NormalForm:
        title, players = self.header()
        strategies = self._strategies(players)
        sizes = [len(labels) for labels in strategies]
        cells = math.prod(sizes) * len(players)
        if len(players) > _MAX_PLAYERS:
            self.exceed(
                "players",
                f"{len(players)} players, a strategic form holds at most {_MAX_PLAYERS}",
                "Leave out players who have no choice.",
                self.sizes_at,
            )
        if cells > limits.MAX_CELLS:
            self.exceed(
                "strategies",
                f"{_product(sizes)} make {cells} payoffs, the limit is {limits.MAX_CELLS}",
                "Use a smaller game, or raise highfence.limits.MAX_CELLS if memory allows.",
                self.sizes_at,
            )
        self.comment()
        # Counts that contradict each other would make every further message wrong.
        self.finish()
        listed = (
            self._by_outcomes(players, sizes)
            if self.at_mark("{")
            else self._by_payoffs(players, sizes)
        )
        self.finish()
        # As listed: last player slowest, first player faster, then the player whose payoff it is.
        flat = np.empty(cells, dtype=object)
        flat[:] = listed
        table = flat.reshape((*reversed(sizes), len(players))).transpose()
        try:
            return NormalForm.from_payoffs(
                table, players=players, strategies=strategies, title=title
            )
        except SpecError as error:
            raise _located(error, self.source) from None

    def _strategies(self, players: Sequence[str]) -> list[tuple[str, ...]]:
        self.sizes_at = self.at
        self.expect("{", "strategies")
        lists: list[tuple[str, ...]] = []
        if self.at_mark("{"):
            while self.at_mark("{"):
                start = self.at
                whose = f"strategies of {_named(players, len(lists))}"
                self.advance()
                labels: list[str] = []
                while self.kind == _TEXT:
                    labels.append(self.label(f"{whose}, number {len(labels) + 1}"))
                self.expect("}", whose)
                if not labels:
                    self.problem(whose, "there are none", "Give every player one.", start)
                self._check_count(whose, len(labels), start)
                lists.append(self.distinct(labels, whose, "strategy", start))
        else:
            while self.kind == _WORD:
                start = self.at
                whose = f"number of strategies of {_named(players, len(lists))}"
                count = self.integer(whose, 1, "Give every player at least one strategy.")
                self._check_count(whose, count, start)
                lists.append(tuple(str(number + 1) for number in range(count)))
        self.expect("}", "strategies")
        if len(lists) != len(players):
            self.problem(
                "strategies",
                f"{len(players)} players are named, and strategies are given for {len(lists)}",
                "Give one entry per player.",
                self.sizes_at,
            )
        return lists

    def _check_count(self, field: str, count: int, at: int) -> None:
        if count > limits.MAX_ACTIONS:
            self.exceed(
                field,
                f"{count} strategies, the limit is {limits.MAX_ACTIONS}",
                "Raise highfence.limits.MAX_ACTIONS if memory allows.",
                at,
            )

    def _by_payoffs(self, players: Sequence[str], sizes: Sequence[int]) -> list[Fraction]:
        total = math.prod(sizes) * len(players)
        values: list[Fraction] = []
        before = ""
        while len(values) < total:
            if self.kind == _END:
                self.fail(
                    "payoffs",
                    f"unexpected end of the file after {len(values)} of {total} payoffs "
                    f"({_product(sizes)})",
                    "Add the rest.",
                )
            if self.at_mark(","):
                self._comma(before)
            before = self.value
            whose = players[len(values) % len(players)]
            values.append(self.number(f"payoff {len(values) + 1} of {total}, to {whose!r}"))
        if self.at_mark(","):
            self._comma(before)
        if self.kind != _END:
            self.problem(
                "payoffs",
                f"{self.shown()} comes after all {total} payoffs ({_product(sizes)})",
                "Remove it, or correct the numbers of strategies.",
            )
        return values

    def _comma(self, before: str) -> NoReturn:
        comma = self.at
        after = re.compile(r"[0-9]+").match(self.text, comma + 1)
        tight = _INTEGER.fullmatch(before) and self.text[comma - 1] not in " \t\n"
        self.fail(
            "payoffs",
            "blanks separate payoffs, not commas",
            f"Did you mean {before}.{after[0]}?" if tight and after else "Remove the comma.",
        )

    def _by_outcomes(self, players: Sequence[str], sizes: Sequence[int]) -> list[Fraction]:
        self.expect("{", "outcomes")
        zeros = (Fraction(0),) * len(players)
        outcomes = [zeros]  # number 0 pays nothing
        while self.at_mark("{"):
            outcomes.append(self._outcome(players, len(outcomes)))
        self.expect("}", "outcomes")
        total = math.prod(sizes)
        values: list[Fraction] = []
        for cell in range(total):
            what = f"outcome number {cell + 1} of {total}"
            start = self.at
            number = self.integer(what, 0, "Outcomes are numbered from 1; 0 pays nothing.")
            if number >= len(outcomes):
                self.problem(
                    what,
                    f"outcome {number} used, {len(outcomes) - 1} defined",
                    "Define it, or use a smaller number.",
                    start,
                )
                number = 0
            values.extend(outcomes[number])
        if self.kind != _END:
            self.problem(
                "outcome numbers",
                f"{self.shown()} comes after all {total} ({_product(sizes)})",
                "Remove it, or correct the lists of strategies.",
            )
        return values

    def _outcome(self, players: Sequence[str], number: int) -> tuple[Fraction, ...]:
        """Take ``{ "label" 1, 2 }``, the label optional."""
        field = f"outcome {number}"
        self.expect("{", field)
        if self.kind == _TEXT:
            self.label(f"{field}, label")
        return self.payoffs(field, players)


@dataclass(frozen=True)
class _Described:
    """An information set, chance event or outcome, as first described at ``at``."""

    at: int
    label: str
    written: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    values: tuple[Fraction, ...] = ()


class _Efg(_Reader):
    magic, version, other = "EFG", "2", "NFG"

    def game(self) -> ExtensiveForm:
        title, self.players = self.header()
        comment = self.comment()
        self.finish()
        self.sets: dict[tuple[int, int], _Described] = {}
        self.events: dict[int, _Described] = {}
        self.outcomes: dict[int, _Described] = {}
        self.notes = [comment] if comment else []
        self.numbered = False
        nodes = list(self._nodes())
        if self.kind != _END:
            self.problem(
                "tree",
                f"{self.shown()} comes after the tree is complete",
                "Remove it, or give the action that leads to it.",
            )
        self.finish()
        labels = {key: known.label or f"set {key[1]}" for key, known in self.sets.items()}
        try:
            return ExtensiveForm.from_preorder(self.players, nodes, title, labels, self.notes)
        except SpecError as error:
            raise _located(error, self.source) from None

    def _nodes(self) -> Iterator[Node]:
        """Take the nodes until the tree is complete."""
        left: list[list[int]] = []  # per open node: [children still to come, where it is]
        count = 0
        while True:
            if count >= limits.MAX_NODES:
                self.exceed(
                    "tree",
                    f"more than {limits.MAX_NODES} nodes",
                    "Use a smaller game, or raise highfence.limits.MAX_NODES if memory allows.",
                )
            if len(left) > limits.MAX_DEPTH:
                self.exceed(
                    "tree",
                    f"deeper than {limits.MAX_DEPTH} moves",
                    "Shorten the game, or raise highfence.limits.MAX_DEPTH.",
                )
            if self.kind == _END and left:
                parent = self.line(left[-1][1])
                self.fail(
                    "tree",
                    f"unexpected end of the file; the node on line {parent} lacks "
                    f"{left[-1][0]} of its children",
                    "Add the rest.",
                )
            if left:
                left[-1][0] -= 1
            start = self.at
            node = self._node()
            count += 1
            yield node
            if isinstance(node, Terminal):
                while left and not left[-1][0]:
                    left.pop()
                if not left:
                    return
            else:
                left.append([len(node.actions), start])

    def _node(self) -> Node:
        kind = self.value if self.kind == _WORD else ""
        if kind not in ("p", "t", "c"):
            self.fail(
                "node",
                "unexpected end of the file, expected a node"
                if self.kind == _END
                else f"a node starts with c, p or t, not with {self.shown()}",
                "Write c for chance, p for a player, t for the end of a play.",
            )
        at = self.at
        self.advance()
        label = self.label("node label") if self.kind == _TEXT else ""
        if kind == "t":
            values, outcome = self._outcome()
            return Terminal(values or (Fraction(0),) * len(self.players), label=label or outcome)
        if kind == "c":
            event = self._event(at)
            values, _ = self._outcome()
            return Lottery(label or event.label, event.actions, event.values, (), values)
        key, known = self._information_set(at)
        values, _ = self._outcome()
        return Move(key[0], key, known.actions, (), label, values)

    def _information_set(self, at: int) -> tuple[tuple[int, int], _Described]:
        start = self.at
        count = len(self.players)
        player = self.integer("player number", -1 << 31, f"Give a number from 1 to {count}.")
        if not 1 <= player <= count:
            self.problem(
                "player number",
                f"player {player}, but {count} players are declared",
                f"Give a number from 1 to {count}"
                + (", or write c for a chance node." if player == 0 else "."),
                start,
            )
            player = 1
        name = self.players[player - 1]
        number = self.integer("information set number", 1, "Number information sets from 1.")
        field = f"information set {number} of {name!r}"
        key = (player - 1, number)
        known = self.sets.get(key)
        found = self._description(field, at, known, chance=False)
        if known is None:
            self.sets[key] = found
        return key, found

    def _event(self, at: int) -> _Described:
        number = self.integer("event number", 1, "Number the events of chance from 1.")
        field = f"event {number} of chance"
        known = self.events.get(number)
        found = self._description(field, at, known, chance=True)
        if known is None:
            self.events[number] = found
        return found

    def _description(
        self, field: str, at: int, known: _Described | None, chance: bool
    ) -> _Described:
        """Take ``"label" { "a" "b" }`` or, of chance, ``"label" { "a" 1/2 "b" 1/2 }``.

        Both parts may be missing where the set is known.
        """
        label_at = self.at
        label = self.label(f"{field}, label") if self.kind == _TEXT else ""
        if known is not None and label and label != known.label:
            self.problem(
                field,
                f"it is called {label!r} here, and {known.label!r} on line {self.line(known.at)}",
                "Use one label, or another number.",
                label_at,
            )
        if not self.at_mark("{"):
            if known is None:
                self.fail(
                    field,
                    f"its actions are not given, and no node before has it; found {self.shown()}",
                    'List them: { "a" "b" }.',
                )
            return known
        start = self.at
        self.advance()
        written: list[str] = []
        words: list[str] = []
        values: list[Fraction] = []
        while not self.at_mark("}"):
            what = f"{field}, action {len(written) + 1}"
            written.append(self.label(what))
            if chance:
                words.append(self.value)
                values.append(self.number(f"{what}, probability"))
        self.advance()
        if known is not None and tuple(written) == known.written and tuple(values) == known.values:
            return known
        if not written:
            self.fail(field, "there are no actions", "Use t where a play ends.", start)
        if len(written) > limits.MAX_ACTIONS:
            self.exceed(
                field,
                f"{len(written)} actions, the limit is {limits.MAX_ACTIONS}",
                "Raise highfence.limits.MAX_ACTIONS if memory allows.",
                start,
            )
        if known is not None:
            self._mismatch(field, at, start, known, written, values)
        elif chance and (wrong := improper(values, words)) is not None:
            self.problem(field, *wrong, start)
        apart = self._apart(written, field) if chance else written
        actions = self.distinct(apart, field, "action", start)
        return _Described(at, label, tuple(written), actions, tuple(values))

    def _apart(self, labels: Sequence[str], field: str) -> list[str]:
        """Return the labels of a chance event, with a number where one comes again.

        Files of the Gambit project label the actions of chance by their probabilities.
        Nobody chooses among them, so a number does no harm.
        """
        apart: list[str] = []
        numbers: dict[str, int] = {}
        taken = set(labels)
        for label in labels:
            name, number = label, numbers.get(label, 0) + 1
            if label and number > 1:
                name = f"{label} ({number})"
                while name in taken:
                    number += 1
                    name = f"{label} ({number})"
                if not self.numbered:
                    self.numbered = True
                    self.notes.append(
                        f"{field} has several actions labeled {label!r}; the second is called "
                        f"{name!r}, and likewise at other events"
                    )
            numbers[label] = number
            taken.add(name)
            apart.append(name)
        return apart

    def _mismatch(
        self,
        field: str,
        at: int,
        start: int,
        known: _Described,
        written: Sequence[str],
        values: Sequence[Fraction],
    ) -> None:
        here, there = self.line(at), self.line(known.at)
        if tuple(written) != known.written:
            self.problem(
                field,
                f"the node on line {here} has the actions {_quoted(written)}, "
                f"the node on line {there} has {_quoted(known.written)}",
                "All nodes of one set have the same actions in the same order; "
                "or give this node another number.",
                start,
            )
        else:
            self.problem(
                field,
                f"the node on line {here} has the probabilities {_listed(values)}, "
                f"the node on line {there} has {_listed(known.values)}",
                "Use the same probabilities, or another number.",
                start,
            )

    def _outcome(self) -> tuple[tuple[Fraction, ...] | None, str]:
        """Take ``0``, ``3`` or ``3 "label" { 1, 2 }``; return payoffs (None for 0) and label."""
        at = self.at
        number = self.integer("outcome number", 0, "Outcomes are numbered from 1; 0 pays nothing.")
        field = f"outcome {number}"
        known = self.outcomes.get(number)
        label_at = self.at
        label = self.label(f"{field}, label") if self.kind == _TEXT else ""
        if self.at_mark("{"):
            if number == 0:
                self.problem(
                    field, "number 0 pays nothing and has no payoffs", "Number it from 1.", at
                )
            start = self.at
            self.advance()
            values = self.payoffs(field, self.players)
            if known is None:
                if number:
                    self.outcomes[number] = _Described(at, label, values=values)
                return values, label
            if values != known.values:
                self.problem(
                    field,
                    f"it pays {_listed(values)} here, and {_listed(known.values)} "
                    f"on line {self.line(known.at)}",
                    "Use the same payoffs, or another number.",
                    start,
                )
        if number == 0:
            if label:
                self.problem(
                    field, "number 0 pays nothing and has no label", "Number it from 1.", label_at
                )
            return None, label
        if known is None:
            self.problem(
                field,
                "its payoffs are not given, and no node before has it",
                "Give them: { 1, 2 }." if len(self.players) == 2 else "Give one per player in { }.",
                at,
            )
            return None, label
        if label and known.label and label != known.label:
            self.problem(
                field,
                f"it is called {label!r} here, and {known.label!r} on line {self.line(known.at)}",
                "Use one label, or another number.",
                label_at,
            )
        return known.values, known.label


def _product(sizes: Sequence[int]) -> str:
    shown = " x ".join(map(str, sizes[:6])) + (" x ..." if len(sizes) > 6 else "")
    return f"{shown} strategies of {_count(len(sizes), 'player')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _quoted(labels: Sequence[str]) -> str:
    return _listed([f"'{label}'" for label in labels])


def _listed(items: Sequence[object], most: int = 12) -> str:
    return ", ".join(map(str, items[:most])) + (", ..." if len(items) > most else "")


def _named(players: Sequence[str], index: int) -> str:
    return repr(players[index]) if index < len(players) else f"player {index + 1}"


def _located(error: SpecError, source: str) -> SpecError:
    """Return the error with the name of the file; lines are no longer known."""
    kind = LimitExceeded if isinstance(error, LimitExceeded) else GameFileError
    return kind(
        Problem(f"{source}: {found.place}", found.reason, found.fix) for found in error.problems
    )


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


def format_nfg(form: NormalForm) -> str:
    r"""Return the ``.nfg`` text of a strategic form, payoff version, with named strategies.

    Exact payoffs are written as integers and ratios, floats as the shortest decimal that
    is that float. Reading the text gives the same players, strategies, title and payoffs.
    Outcome metrics have no place in the format and are left out.

    Raises
    ------
    SpecError
        A label has a control character or a mark that reorders text.

    Examples
    --------
    >>> game = NormalForm.from_payoffs([[["1/3"], [2]], [[0], [0.5]]], players=["A", "B"])
    >>> print(format_nfg(game))
    NFG 1 R "" { "A" "B" }
    { { "1" "2" } { "1" } }
    ""
    <BLANKLINE>
    0.3333333333333333 0.0
    2.0 0.5
    <BLANKLINE>
    """
    place = form.title or "game"
    lists = [_braced(labels, f"{place}: strategies") for labels in form.strategies]
    table = form.payoffs if form.exact is None else form.exact
    rows = table.transpose().reshape(-1, form.num_players)
    lines = [
        f"NFG 1 R {_quote(form.title, place, True)} {_braced(form.players, f'{place}: players')}",
        f"{{ {' '.join(lists)} }}",
        '""',
        "",
        *(" ".join(map(_written, row)) for row in rows.tolist()),
        "",
    ]
    return "\n".join(lines)


def format_efg(form: ExtensiveForm) -> str:
    """Return the ``.efg`` text of an extensive form, one node per line.

    Exact numbers are written as integers and ratios, floats as the shortest decimal that
    is that float. Reading the text gives the same tree, labels, information sets,
    probabilities and payoffs. Payoffs stand at terminals only, where those of the
    nonterminal nodes before are included. Outcome metrics and notes are left out.

    Raises
    ------
    SpecError
        A label has a control character or a mark that reorders text; or probabilities that
        are floats do not sum to one exactly as decimals (the format is exact, and
        probabilities are never rescaled).
    """
    place = form.title or "game"
    sets = _numbered(known.player for known in form.information_sets)
    payoffs = (form.payoffs if form.exact is None else form.exact).tolist()
    outcomes: dict[tuple[str, str], int] = {}
    described = [
        f"{_quote(known.label, place)} {_braced(known.actions, place)}"
        for known in form.information_sets
    ]
    lines = [
        f"EFG 2 R {_quote(form.title, place, True)} {_braced(form.players, place)}",
        '""',
        "",
    ]
    owners, members = form.owner.tolist(), form.information_set.tolist()
    events: dict[tuple[str, str], int] = {}
    # Newer Gambits want labels of nodes to be unique, so labels of terminals name outcomes, and
    # labels of lotteries name events.
    for node, following in enumerate(form.children):
        label = _quote(form.labels[node], place)
        if not following:
            values = ", ".join(map(_written, payoffs[node]))
            number = outcomes.setdefault((label, values), len(outcomes) + 1)
            lines.append(f't "" {number} {label} {{ {values} }}')
        elif owners[node] == CHANCE:
            lottery = _lottery(form, node)
            number = events.setdefault((label, lottery), len(events) + 1)
            lines.append(f'c "" {number} {label} {{ {lottery} }} 0')
        else:
            known = members[node]
            lines.append(f"p {label} {owners[node] + 1} {sets[known]} {described[known]} 0")
    lines.append("")
    return "\n".join(lines)


def _lottery(form: ExtensiveForm, node: int) -> str:
    exact = form.exact_probabilities
    numbers: Sequence[Any] = form.probabilities[node] if exact is None else exact[node]
    words = [_written(number) for number in numbers]
    if (wrong := improper([Fraction(word) for word in words], words)) is not None:
        raise SpecError(
            Problem(
                f"{form.title or 'game'}, {form.describe(node)}",
                f"{wrong[0]}; .efg files hold exact numbers",
                "Give the probabilities as fractions.",
            )
        )
    return " ".join(
        f"{_quote(label, form.title)} {word}"
        for label, word in zip(form.action_labels[node], words, strict=True)
    )


def _numbered(players: Iterator[int] | Sequence[int]) -> list[int]:
    """Return, per information set, its number among those of its player, from 1."""
    counts: dict[int, int] = {}
    numbers = []
    for player in players:
        counts[player] = counts.get(player, 0) + 1
        numbers.append(counts[player])
    return numbers


def _written(number: Fraction | float) -> str:
    return repr(number) if isinstance(number, float) else str(number)


def _quote(label: str, place: str, several_lines: bool = False) -> str:
    """Return a label in quotes; a lone backslash stays as it is, as Gambit writes it."""
    for match in _FORBIDDEN.finditer(label):
        if not (several_lines and match[0] in "\n\t"):
            raise SpecError(
                Problem(
                    place,
                    f"label {label!a} has the character U+{ord(match[0]):04X}, "
                    "which game files may not hold",
                    "Remove it from the label.",
                )
            )

    def doubled(match: re.Match[str]) -> str:
        alone = len(match[0]) == 1 and match[1] not in (None, '"')
        return match[0] if alone else match[0] * 2

    text = _BACKSLASHES.sub(doubled, label) if "\\" in label else label
    return '"' + text.replace('"', '\\"') + '"'


def _braced(labels: Sequence[str], place: str) -> str:
    return "{ " + " ".join(_quote(label, place) for label in labels) + " }"


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
