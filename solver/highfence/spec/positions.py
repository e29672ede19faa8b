"""Where the keys of a TOML text stand, so that messages can name lines.

``tomllib`` gives values without places. This scanner follows the grammar of TOML 1.0 for
keys, tables and values, and stops without complaint at what it cannot follow: it is used
only to decorate messages about texts that ``tomllib`` has read, or refused, already.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Position", "Positions"]

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}\n#]*")


class Position(NamedTuple):
    """Line and column of a key, and where its value starts (an offset into the text)."""

    line: int
    column: int
    value: int
    """Offset of the first character of the value, inside its quotes; -1 if it has none."""

    def inside(self, column: int, text: str) -> tuple[int, int]:
        """Return line and column, in the file, of a column of the value (from 1).

        Escapes in the value are not unfolded: after one, the column is that of the
        key's value as it is written only approximately.
        """
        if self.value < 0:
            return self.line, self.column
        offset = min(self.value + column - 1, len(text))
        before = text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


class _Stop(Exception):
    """The scanner cannot follow."""


class Positions:
    """The positions of a text.

    Attributes
    ----------
    found
        Path of keys (and indices of arrays) -> position.
    twice
        Keys given twice: path, second position, first position.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: dict[Path, Position] = {}
        self.twice: list[tuple[Path, Position, Position]] = []
        self._at = 0
        self._starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._last: dict[Path, int] = {}  # array of tables -> index of its last table
        with suppress(_Stop, IndexError, RecursionError):
            self._document()

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_SKIP)
            if self._at >= len(self.text):
                return
            start = self._at
            if self.text.startswith("[[", start):
                self._at += 2
                base = self._resolve(self._key())
                self._last[base] = self._last.get(base, -1) + 1
                table = (*base, self._last[base])
                self._record(table, start, -1)
                self._expect("]]")
            elif self.text[start] == "[":
                self._at += 1
                table = self._resolve(self._key())
                self._record(table, start, -1)
                self._expect("]")
            else:
                self._pair(table)
            self._skip(_BLANK)
            if self._at < len(self.text) and self.text[self._at] not in "\r\n#":
                raise _Stop

    def _resolve(self, keys: list[str]) -> Path:
        path: Path = ()
        for k, key in enumerate(keys):
            path = (*path, key)
            if path in self._last and k < len(keys) - 1:
                path = (*path, self._last[path])
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        keys = self._key()
        self._expect("=")
        self._skip(_BLANK)
        path = (*table, *keys)
        for k in range(1, len(keys)):
            self.found.setdefault((*table, *keys[:k]), self._position(start, -1))
        self._record(path, start, self._opening())
        self._value(path)

    def _record(self, path: Path, start: int, value: int) -> None:
        position = self._position(start, value)
        before = self.found.get(path)
        if before is None:
            self.found[path] = position
        else:
            self.twice.append((path, position, before))

    def _position(self, start: int, value: int) -> Position:
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= start else (low, middle)
        return Position(low + 1, start - self._starts[low] + 1, value)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self._at)
        if match is not None:
            self._at = match.end()

    def _expect(self, mark: str) -> None:
        self._skip(_BLANK)
        if not self.text.startswith(mark, self._at):
            raise _Stop
        self._at += len(mark)

    def _key(self) -> list[str]:
        keys = []
        while True:
            self._skip(_BLANK)
            if self.text[self._at] in "\"'":
                keys.append(self._string())
            else:
                match = _BARE.match(self.text, self._at)
                if match is None:
                    raise _Stop
                keys.append(match.group())
                self._at = match.end()
            self._skip(_BLANK)
            if not self.text.startswith(".", self._at):
                return keys
            self._at += 1

    def _opening(self) -> int:
        """Return where the contents of the string that starts here start, or -1."""
        for mark in ('"""', "'''", '"', "'"):
            if self.text.startswith(mark, self._at):
                start = self._at + len(mark)
                if len(mark) == 3 and self.text.startswith("\n", start):
                    return start + 1
                if len(mark) == 3 and self.text.startswith("\r\n", start):
                    return start + 2
                return start
        return -1

    def _string(self) -> str:
        quote = self.text[self._at]
        mark = quote * 3 if self.text.startswith(quote * 3, self._at) else quote
        start = self._at + len(mark)
        at = start
        while not self.text.startswith(mark, at):
            if at >= len(self.text) or (len(mark) == 1 and self.text[at] == "\n"):
                raise _Stop
            at += 2 if self.text[at] == "\\" and quote == '"' else 1
        while len(mark) == 3 and self.text.startswith(quote, at + 3):
            at += 1  # up to two quotes may stand before the closing three
        self._at = at + len(mark)
        body = self.text[start:at]
        return _unescaped(body) if quote == '"' else body

    def _value(self, path: Path) -> None:
        character = self.text[self._at]
        if character in "\"'":
            self._string()
        elif character == "[":
            self._array(path)
        elif character == "{":
            self._inline(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_SKIP)
            if self.text[self._at] == "]":
                self._at += 1
                return
            self._record((*path, index), self._at, self._opening())
            self._value((*path, index))
            index += 1
            self._skip(_SKIP)
            if self.text[self._at] == ",":
                self._at += 1
            elif self.text[self._at] != "]":
                raise _Stop

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_SKIP)
            if self.text[self._at] == "}":
                self._at += 1
                return
            self._pair(path)
            self._skip(_SKIP)
            if self.text[self._at] == ",":
                self._at += 1
            elif self.text[self._at] != "}":
                raise _Stop


def _unescaped(body: str) -> str:
    if "\\" not in body:
        return body
    import tomllib

    try:
        return str(tomllib.loads(f'k = "{body}"')["k"])
    except tomllib.TOMLDecodeError:
        return body
