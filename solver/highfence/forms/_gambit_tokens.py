"""Tokens of Gambit's game files, and the parts that both formats share.

A reader takes one token after the other; what it takes is checked there and then. A mistake that
leaves the structure intact is noted and reading goes on; one after which nothing can be read, or
a limit, ends it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from .. import limits
from ..errors import GameFileError, LimitExceeded, Problem, SpecError
from .extensive import repeated_label

__all__ = ["FORBIDDEN", "Reader", "counted", "listed", "located"]

_MAX_PROBLEMS = 50  # one message should stay readable; the rest would repeat it

_BLANK = r" \t\n\r\f\v"  # not \s, which would take no-break spaces for blanks
_TOKEN = re.compile(
    rf'[{_BLANK}]*+(?:([^{_BLANK}{{}},"]++)|"((?:[^"\\]++|\\.)*+)"|([{{}},])|(\Z)|("))', re.DOTALL
)
WORD, TEXT, MARK, END, OPEN = 1, 2, 3, 4, 5  # groups of _TOKEN

INTEGER = re.compile(r"[+-]?[0-9]+")
_RATIO = re.compile(r"[+-]?([0-9]+)/([0-9]+)")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_NOT_FINITE = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(["\\])')

# Controls, marks that reorder text, line separators, and characters of no width: labels that
# look alike would differ, and reports could be made to say what is not there. The joiners
# U+200C and U+200D stay, because scripts and emoji need them.
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)


class Reader:
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
        kind = match.lastindex or END
        self.kind: int = kind
        self.value: str = match[kind]
        self.end = match.end()
        self.at: int = match.start(kind)
        if kind == TEXT:
            self.at -= 1
            self.text_at = self.at
        elif kind == OPEN:
            self.fail("text", "this quote is never closed", 'Add the closing ".')

    # errors

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column, from 1, of a position in the text."""
        if not self.lines:  # computed only when there is something to report
            self.lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        line = bisect_right(self.lines, at)
        return line, at - self.lines[line - 1] + 1

    def line(self, at: int) -> int:
        """Return the line, from 1, of a position in the text."""
        return self.place(at)[0]

    def problem(self, field: str, reason: str, fix: str, at: int | None = None) -> None:
        """Note a mistake that leaves the structure intact; reading goes on."""
        line, column = self.place(self.at if at is None else at)
        self.problems.append(Problem(self.source, f"{field}: {reason}", fix, line, column))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise GameFileError(self.problems)

    def fail(self, field: str, reason: str, fix: str, at: int | None = None) -> NoReturn:
        """Stop at a mistake after which nothing can be read."""
        if self.kind != OPEN and self.text_at >= 0 and self._quotes() % 2:
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
        if self.kind == END:
            return "the end of the file"
        value = self.value if len(self.value) <= 40 else self.value[:37] + "..."
        return ascii(value) if self.kind != TEXT else f'the text "{ascii(value)[1:-1]}"'

    def expect(self, mark: str, field: str) -> None:
        """Take a brace."""
        if self.kind != MARK or self.value != mark:
            self.fail(
                field,
                f"expected {mark!r}, found {self.shown()}"
                if self.kind != END
                else f"unexpected end of the file, expected {mark!r}",
                f"Write {mark!r} here.",
            )
        self.advance()

    def at_mark(self, mark: str) -> bool:
        """Return whether the current token is this brace or comma."""
        return self.kind == MARK and self.value == mark

    # values

    def label(self, field: str, several_lines: bool = False) -> str:
        """Take a quoted text."""
        if self.kind != TEXT:
            found = "unexpected end of the file" if self.kind == END else f"found {self.shown()}"
            self.fail(field, f"expected a quoted text, {found}", 'Write a text in "quotes".')
        value = self.value
        if not (value.isascii() and value.isprintable()):
            self._check_characters(field, value, several_lines)
        if "\\" in value:
            value = _ESCAPED.sub(r"\1", value)
        self.advance()
        return value

    def _check_characters(self, field: str, value: str, several_lines: bool) -> None:
        for match in FORBIDDEN.finditer(value):
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
        if self.kind != WORD or not INTEGER.fullmatch(self.value):
            found = (
                "unexpected end of the file, expected"
                if self.kind == END
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
        value = self.numbers.get(self.value) if self.kind == WORD else None
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
        if self.kind != WORD:
            found = (
                "unexpected end of the file, expected a number"
                if self.kind == END
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
        if self.kind == END:
            self.fail("header", "the file is empty", f"A {name} file starts with {self.magic}.")
        if self.kind != WORD or self.value != self.magic:
            self.fail(
                "header",
                f"a {name} file starts with {self.magic}, this one with {self.shown()}",
                f"Is it a .{self.other.lower()} file?"
                if self.value == self.other
                else f"Give a Gambit {name} file.",
            )
        self.advance()
        if self.kind != WORD or self.value != self.version:
            self.fail(
                "version",
                f"found {self.shown()}, only version {self.version} is known",
                f"Write {self.magic} {self.version} R.",
            )
        self.advance()
        if self.kind != WORD or self.value not in ("R", "D"):
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
        while self.kind == TEXT:
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
        return self.label("comment", several_lines=True) if self.kind == TEXT else ""

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
                f"{counted(len(values), 'payoff')} for {counted(len(players), 'player')}",
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


def counted(number: int, what: str) -> str:
    """Return a count with its noun, whose plural is made by an s."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def listed(items: Sequence[object], most: int = 12) -> str:
    """Return items with commas between them, cut off after the first few."""
    return ", ".join(map(str, items[:most])) + (", ..." if len(items) > most else "")


def located(error: SpecError, source: str) -> SpecError:
    """Return the error with the name of the file; lines are no longer known."""
    kind = LimitExceeded if isinstance(error, LimitExceeded) else GameFileError
    return kind(
        Problem(f"{source}: {found.place}", found.reason, found.fix) for found in error.problems
    )
