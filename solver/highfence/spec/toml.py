"""TOML text <-> :class:`~highfence.spec.model.Game`, without loss.

The file has the same parts as the model, under the same names; ``games/`` has examples.
Decimals are exact (``0.1`` is one tenth), ratios are text (``"1/3"``), shares may be
written ``"30%"``. Every mistake of a file is reported at once, each with its line.
"""

from __future__ import annotations

import hashlib
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from .. import limits
from ..errors import LimitExceeded, Problem, RequestError, SpecError, did_you_mean
from .model import (
    CHECKED,
    Action,
    Chance,
    Commitment,
    Decision,
    Derived,
    Game,
    Interval,
    Mechanism,
    Parameter,
    Player,
    Preset,
    Published,
    Regime,
    Sentence,
    Stage,
    State,
    Target,
    number,
)
from .positions import Position, Positions

__all__ = ["digest", "dumps", "load", "loads", "read_text"]

_SECTIONS = (
    "name",
    "title",
    "question",
    "source",
    "about",
    "assumptions",
    "outcomes",
    "players",
    "sets",
    "parameters",
    "functions",
    "states",
    "discount",
    "horizon",
    "stages",
    "derived",
    "payoffs",
    "mechanisms",
    "regimes",
    "presets",
    "targets",
    "published",
    "flags",
    "narrative",
    "commitment",
)

WORDS = frozenset({"title", "question", "source", "about", "label", "confidence", "id"})
"""Keys whose text is for people to read: no answer depends on it."""

PRESET_WORDS = ("label", "about", "source", "confidence")
"""Keys of a preset that are words about it where their value is text."""


def read_text(path: str | Path) -> str:
    """Return the text of a regular file of at most ``limits.MAX_FILE_BYTES`` bytes.

    Symbolic links are followed. A byte order mark is dropped.

    Raises
    ------
    RequestError
        There is no such file, or it is a directory, a device or a pipe, or it cannot be read.
    LimitExceeded
        The file is too large.
    SpecError
        The bytes are not UTF-8; line and column are named.
    """
    place = str(path)
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "directory" if stat.S_ISDIR(mode) else "device or a pipe"
            raise RequestError(f"{place}: this is a {kind}, not a file. Name a game file")
        with open(path, "rb") as file:
            data = file.read(limits.MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise RequestError(f"{place}: there is no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(f"{place}: the file cannot be read ({reason})") from None
    if len(data) > limits.MAX_FILE_BYTES:
        raise LimitExceeded(
            Problem(
                place,
                f"the file is larger than the limit MAX_FILE_BYTES = {limits.MAX_FILE_BYTES}",
                "Is this a game file?",
            )
        )
    return _decoded(data, place)


def _decoded(data: bytes, place: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SpecError(Problem(place, "the file is UTF-16", "Save it as UTF-8"))
    if data.startswith(b"\x1f\x8b"):
        raise SpecError(Problem(place, "the file is compressed", "Unpack it first"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise SpecError(
            Problem(
                place,
                f"the byte 0x{data[error.start]:02x} is not UTF-8",
                "Save the file as UTF-8",
                line,
                column,
            )
        ) from None


def load(path: str | Path) -> Game:
    """Return the game of a TOML file; ``game.file`` is the path as given.

    Raises
    ------
    SpecError
        Anything is wrong; ``error.problems`` lists all of it, with lines.
    RequestError
        The file cannot be read.
    """
    return loads(read_text(path), file=str(path))


def loads(text: str, file: str = "toml", *, checked: bool = False) -> Game:
    """Return the game of a TOML text.

    Parameters
    ----------
    text
        The contents of a file.
    file
        What error messages call it.
    checked
        The text is what :func:`dumps` returned, so that the game was checked when it was made:
        it is read, which takes a tenth of the time, and not checked once more.

    Raises
    ------
    SpecError
        Anything is wrong; ``error.problems`` lists all of it, with lines.
    """
    text = text.removeprefix("\ufeff")
    data = _parsed(text, file)
    reader = _Reader(file)
    made = reader.game(data)
    problems = list(reader.problems)
    game = None
    if made is not None:
        token = CHECKED.set(checked)
        try:
            game = Game(**made, file=file)
        except LimitExceeded:
            if not problems:
                raise
        except SpecError as error:
            # What follows from a part that could not be read is not said a second time.
            broken = {problem.place for problem in problems}
            problems += [p for p in error.problems if not _within(p.place, broken)]
        finally:
            CHECKED.reset(token)
    if game is None or problems:
        raise SpecError(_located(problems, data, text, file))
    return game


def _within(place: str, broken: Iterable[str]) -> bool:
    return any(place == other or place.startswith(f"{other}.") for other in broken)


# ---------------------------------------------------------------------------------------------
# Text -> tables


def _parsed(text: str, file: str) -> dict[str, Any]:
    if not text.strip():
        raise SpecError(Problem(file, "the file is empty", "Write a game; see the README"))
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(_syntax(str(error), text, file)) from None
    except RecursionError:
        reason = "lists or tables are nested too deeply"
    except ValueError as error:
        reason = f"a number cannot be read ({error})"
    raise SpecError(Problem(file, reason, "Numbers and lists of a game are short"))


_AT = re.compile(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)\Z", re.DOTALL)
_NAMED = re.compile(r"\((?:'[^']*',? ?)+\)")  # the parser's tuple of a dotted key
_YAML = re.compile(r"\A(---|([\w\"' -]+):(\s|\Z))")


def _syntax(message: str, text: str, file: str) -> Problem:
    first = next(
        (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")),
        "",
    ).lstrip()
    if first.startswith(("{", "[{")):
        return Problem(file, "this is JSON, not TOML", 'Write name = "..." and [tables]', 1)
    if _YAML.match(first):
        return Problem(file, "this is YAML, not TOML", 'Write key = "value", and [tables]', 1)
    for mark in ("<<<<<<<", "NFG", "EFG"):
        if first.startswith(mark):
            what = "a merge conflict" if mark[0] == "<" else f"a Gambit .{mark.lower()} file"
            return Problem(file, f"this is {what}, not TOML", "Name a .toml game", 1)
    matched = _AT.match(message)
    reason = matched.group(1) if matched else message
    line = int(matched.group(2)) if matched and matched.group(2) else len(text.splitlines())
    column = int(matched.group(3)) if matched and matched.group(3) else None
    twice = Positions(text).twice
    if twice:
        path, again, before = twice[0]
        key = ".".join(map(str, path))
        return Problem(
            f"{file}: {key}",
            f"the key is given twice, first on line {before.line}",
            "Keep one of the two",
            again.line,
            again.column,
        )
    named = _NAMED.search(reason)
    if named:
        key = ".".join(re.findall(r"'([^']*)'", named.group(0)))
        return Problem(
            f"{file}: {key}",
            f"it is given in two ways, as [{key}] and as [[{key}]] or a value",
            "Keep one of the two",
            line,
            column,
        )
    fix = "Check quotes, brackets and = signs, here and just before"
    return Problem(file, f"this is not TOML ({reason[0].lower()}{reason[1:]})", fix, line, column)


def _located(
    problems: Iterable[Problem], data: Mapping[str, Any], text: str, file: str
) -> list[Problem]:
    """Return the problems with the lines of their keys, in the order of the file."""
    where: dict[str, Position] = {}
    for path, position in Positions(text).found.items():
        place = f"{file}: {_place(path, data)}"
        # A formula inside a table of its own has the place of the table.
        inner = path[-1] == ("formula" if path[0] == "derived" else "probability")
        if place not in where or inner:
            where[place] = position
    found = []
    for problem in dict.fromkeys(problems):
        key: str | None = problem.place
        while key is not None and key not in where:
            head, dot, _ = key.rpartition(".")
            key = head if dot and head.startswith(f"{file}: ") else None
        if key is None:
            found.append(problem)
            continue
        position = where[key]
        line, column = position.line, position.column
        if problem.column is not None and key == problem.place:
            line, column = position.inside(problem.column, text)
        found.append(Problem(problem.place, problem.reason, problem.fix, line, column))
    return sorted(found, key=lambda p: (p.line or 0, p.column or 0))


def _place(path: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    """Return the place of a key as problems name it: stages by name, without container keys."""
    parts = list(path)
    if parts[0] == "derived" and len(parts) == 3 and parts[2] == "formula":
        del parts[2]
    if parts[0] == "stages" and len(parts) > 1 and isinstance(parts[1], int):
        stages = data.get("stages")
        stage = stages[parts[1]] if isinstance(stages, list) and parts[1] < len(stages) else {}
        name = stage.get("name") if isinstance(stage, Mapping) else None
        chance = len(parts) > 2 and parts[2] == "chance"
        if isinstance(name, str):
            parts[1] = name
        if len(parts) > 2 and parts[2] in ("chance", "decisions"):
            del parts[2]
            if not chance and len(parts) > 3 and parts[3] in ("actions", "interval"):
                del parts[3]
            elif chance and len(parts) > 4 and parts[4] == "probability":
                del parts[4]
    return ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in parts)


# ---------------------------------------------------------------------------------------------
# Tables -> model


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) < 40 else "a text"
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case datetime() | date() | time():
            return f"the date or time {value}"
    return repr(value)


class _Reader:
    """Reads tables; collects every mistake; leaves out, or stands in for, what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def wrong(self, place: str, reason: str, fix: str = "") -> None:
        self.problems.append(Problem(f"{self.file}: {place}" if place else self.file, reason, fix))

    # -- values --------------------------------------------------------------------------------

    def text(self, table: Mapping[str, Any], key: str, place: str, default: str = "") -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self.wrong(_join(place, key), f"expected a text, not {_kind(value)}", "Quote it")
        return default

    def texts(self, value: object, place: str, *, numbers: bool = False) -> tuple[str, ...]:
        if not isinstance(value, list):
            self.wrong(place, f"expected a list of texts, not {_kind(value)}", 'Write ["a", "b"]')
            return ()
        made = []
        for k, item in enumerate(value, 1):
            if isinstance(item, str):
                made.append(item)
            elif numbers and isinstance(item, int | Decimal) and not isinstance(item, bool):
                made.append(str(item))
            else:
                self.wrong(f"{place}.#{k}", f"expected a text, not {_kind(item)}", "Quote it")
        return tuple(made)

    def table(
        self, value: object, place: str, example: str = "Write {key = value}"
    ) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self.wrong(place, f"expected a table, not {_kind(value)}", example)
        return {}

    def keys(self, table: Mapping[str, Any], place: str, allowed: Sequence[str]) -> None:
        for key in table:
            if key not in allowed:
                self.wrong(_join(place, key), f"unknown key {key!r}", did_you_mean(key, allowed))

    def setting(self, value: object, place: str) -> Any:
        """Return the value of a parameter: a number, or a text (a choice, "1/3" or "30%")."""
        if isinstance(value, str):
            return value
        try:
            return number(value)
        except ValueError:
            fix = "Write a number"
            if isinstance(value, bool):
                fix = "Write 1 or 0, or use choices"
            finite = "a finite number" if isinstance(value, Decimal) else "a number or a text"
            self.wrong(place, f"expected {finite}, not {_kind(value)}", fix)
            return None

    def formula(self, value: object, place: str) -> Any:
        if isinstance(value, str):
            return value
        try:
            return number(value)
        except ValueError:
            what = "a finite number" if isinstance(value, Decimal) else "a formula or a number"
            self.wrong(place, f"expected {what}, not {_kind(value)}", 'Write "a + b", or 1.5')
            return 0

    def settings(self, value: object, place: str) -> dict[str, Any]:
        table = self.table(value, place, "Write parameter = value lines")
        made = {key: self.setting(item, _join(place, key)) for key, item in table.items()}
        return {key: item for key, item in made.items() if item is not None}

    def each(
        self, data: Mapping[str, Any], section: str, read: Callable[[str, Any, str], Any]
    ) -> dict[str, Any]:
        """Return ``{key: read(key, value, place)}`` of a section, without what is None."""
        table = self.table(data.get(section, {}), section, f"Write [{section}]")
        made = {key: read(key, value, f"{section}.{key}") for key, value in table.items()}
        return {key: item for key, item in made.items() if item is not None}

    # -- parts ---------------------------------------------------------------------------------

    def game(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments of :class:`Game`, or None if its main parts are missing."""
        missing = [key for key in ("name", "players", "stages", "payoffs") if key not in data]
        for key in data:
            if key not in _SECTIONS:
                self.wrong(key, f"unknown key {key!r}", did_you_mean(key, _SECTIONS))
        for key in missing:
            example = {
                "name": 'Write name = "my_game"',
                "players": 'Write [players], then name = "label" lines',
                "stages": "Write [[stages]] with decisions",
                "payoffs": "Write [payoffs], then player = formula lines",
            }[key]
            self.wrong("", f"the key {key!r} is missing", example)
        made: dict[str, Any] = {
            key: self.text(data, key, "") for key in ("title", "question", "source", "about")
        }
        made["name"] = self.text(data, "name", "", "unnamed")
        made["assumptions"] = self.texts(data.get("assumptions", []), "assumptions")
        outcomes = data.get("outcomes")
        made["outcomes"] = None if outcomes is None else self.texts(outcomes, "outcomes")
        made["players"] = tuple(self.each(data, "players", self.player).values())
        made["sets"] = self.each(
            data, "sets", lambda _, value, place: self.texts(value, place, numbers=True)
        )
        made["parameters"] = tuple(self.each(data, "parameters", self.parameter).values())
        made["functions"] = self.each(data, "functions", self.only_text)
        made["states"] = tuple(self.each(data, "states", self.state).values())
        made["discount"] = self.discount(data.get("discount"))
        made["horizon"] = data.get("horizon")
        made["derived"] = self.each(data, "derived", self.derived)
        made["payoffs"] = self.each(
            data, "payoffs", lambda _, value, place: self.formula(value, place)
        )
        made["mechanisms"] = self.each(data, "mechanisms", self.mechanism)
        made["regimes"] = tuple(self.each(data, "regimes", self.regime).values())
        made["presets"] = self.each(data, "presets", self.preset)
        made["targets"] = self.each(data, "targets", self.target)
        made["published"] = self.tables(data, "published", self.published)
        made["flags"] = self.each(data, "flags", self.only_text)
        made["stages"] = self.tables(data, "stages", self.stage)
        made["narrative"] = self.tables(data, "narrative", self.sentence)
        made["commitment"] = self.commitment(data)
        return None if missing else made

    def tables(
        self, data: Mapping[str, Any], section: str, read: Callable[[Mapping[str, Any], str], Any]
    ) -> tuple[Any, ...]:
        value = data.get(section, [])
        if not isinstance(value, list):
            self.wrong(
                section, f"expected [[{section}]], not {_kind(value)}", "Double the brackets"
            )
            return ()
        made = []
        for k, item in enumerate(value, 1):
            place = f"{section}.#{k}"
            made.append(read(self.table(item, place, f"Write [[{section}]]"), place))
        return tuple(item for item in made if item is not None)

    def only_text(self, _: str, value: object, place: str) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        self.wrong(place, f"expected a formula, not {_kind(value)}", "Quote it")
        return None

    def player(self, name: str, value: object, place: str) -> Player:
        if not isinstance(value, str):
            self.wrong(place, f"expected the player's label, not {_kind(value)}", "Quote it")
            return Player(name)
        return Player(name, value)

    def parameter(self, name: str, value: object, place: str) -> Parameter:
        table = self.table(value, place, f"Write [parameters.{name}], then value = ...")
        texts = ("unit", "label", "source", "about", "confidence")
        self.keys(table, place, ("value", "low", "high", "choices", *texts))
        if isinstance(value, Mapping) and "value" not in table:
            self.wrong(place, "the key 'value' is missing", "Write value = ...")
        words: dict[str, Any] = {key: self.text(table, key, place) for key in texts}
        choices = table.get("choices")
        read = () if choices is None else self.texts(choices, f"{place}.choices")
        numbers: dict[str, Any] = {
            key: self.setting(table[key], f"{place}.{key}")
            for key in ("value", "low", "high")
            if key in table
        }
        given = numbers.pop("value", None)
        if given is None:  # a stand-in; the problem is listed already
            given = read[0] if read else 1
        return Parameter(name, given, choices=read, **numbers, **words)

    def derived(self, _: str, value: object, place: str) -> Derived:
        if not isinstance(value, Mapping):
            return Derived(self.formula(value, place))
        self.keys(value, place, ("formula", "label", "unit", "about"))
        if "formula" not in value:
            self.wrong(place, "the key 'formula' is missing", 'Write formula = "..."')
        words = {key: self.text(value, key, place) for key in ("label", "unit", "about")}
        return Derived(self.formula(value.get("formula", 0), f"{place}.formula"), **words)

    def mechanism(self, _: str, value: object, place: str) -> Mechanism:
        if isinstance(value, str):
            return Mechanism({value: 0})
        table = self.table(value, place, "Write off = {parameter = 0}")
        self.keys(table, place, ("off", "label", "id", "about"))
        if isinstance(value, Mapping) and "off" not in table:
            self.wrong(place, "the key 'off' is missing", "Write off = {parameter = 0}")
        words = {key: self.text(table, key, place) for key in ("label", "id", "about")}
        return Mechanism(self.settings(table.get("off", {}), f"{place}.off"), **words)

    def regime(self, name: str, value: object, place: str) -> Regime:
        table = self.table(value, place, f"Write [regimes.{name}]")
        self.keys(table, place, ("label", "about", "fix", "narrow", "set", "off"))
        fix: dict[str, str] = {}
        for decision, action in self.table(table.get("fix", {}), f"{place}.fix").items():
            for one in self.texts([action], f"{place}.fix.{decision}", numbers=True):
                fix[decision] = one
        narrow = {
            decision: self.texts(actions, f"{place}.narrow.{decision}", numbers=True)
            for decision, actions in self.table(table.get("narrow", {}), f"{place}.narrow").items()
        }
        return Regime(
            name,
            self.text(table, "label", place),
            self.text(table, "about", place),
            fix,
            narrow,
            self.settings(table.get("set", {}), f"{place}.set"),
            self.texts(table.get("off", []), f"{place}.off"),
        )

    def preset(self, _: str, value: object, place: str) -> Preset:
        """Read a preset: words about it, where they are text, and values of parameters."""
        table = self.table(value, place, "Write PARAMETER = VALUE lines")
        words = {key: table[key] for key in PRESET_WORDS if isinstance(table.get(key), str)}
        rest = {key: given for key, given in table.items() if key not in words}
        return Preset(self.settings(rest, place), **words)

    def target(self, _: str, value: object, place: str) -> Target:
        table = self.table(value, place, 'Write formula = "..." and value = ...')
        texts = ("unit", "label", "source", "confidence", "about")
        self.keys(table, place, ("formula", "value", "low", "high", *texts))
        for key in ("formula", "value"):
            if isinstance(value, Mapping) and key not in table:
                self.wrong(place, f"the key {key!r} is missing", f"Write {key} = ...")
        numbers: dict[str, Any] = {
            key: self.setting(table[key], f"{place}.{key}")
            for key in ("value", "low", "high")
            if key in table
        }
        words: dict[str, Any] = {key: self.text(table, key, place) for key in texts}
        formula = self.only_text("", table.get("formula", "0"), f"{place}.formula")
        return Target(formula or "0", numbers.pop("value", 0), **numbers, **words)

    def published(self, table: Mapping[str, Any], place: str) -> Published:
        texts = ("source", "label", "origin", "equilibria", "regime", "preset", "method")
        self.keys(table, place, ("formula", "value", "tolerance", "set", *texts))
        for key in ("formula", "value", "source"):
            if key not in table:
                self.wrong(place, f"the key {key!r} is missing", f"Write {key} = ...")
        given = {key: table[key] for key in texts if key in table and key != "source"}
        words: dict[str, Any] = {key: self.text(given, key, place) for key in given}
        numbers: dict[str, Any] = {
            key: self.setting(table[key], f"{place}.{key}")
            for key in ("value", "tolerance")
            if key in table
        }
        formula = self.only_text("", table.get("formula", "0"), f"{place}.formula") or "0"
        source = self.text(table, "source", place) or "-"
        settings = self.settings(table.get("set", {}), f"{place}.set")
        numbers = {key: given for key, given in numbers.items() if given is not None}
        return Published(formula, numbers.pop("value", 0), source, set=settings, **numbers, **words)

    def sentence(self, table: Mapping[str, Any], place: str) -> Sentence:
        self.keys(table, place, ("text", "when"))
        if "text" not in table:
            self.wrong(place, "the key 'text' is missing", 'Write text = "..."')
        when = table.get("when", "True")
        if isinstance(when, bool):
            when = str(when)
        elif not isinstance(when, str):
            self.wrong(f"{place}.when", f"expected a condition, not {_kind(when)}", "Quote it")
            when = "True"
        return Sentence(self.text(table, "text", place), when)

    def commitment(self, data: Mapping[str, Any]) -> Commitment | None:
        if "commitment" not in data:
            return None
        keys = ("player", "parameter", "committed", "discretionary")
        place = "commitment"
        table = self.table(data[place], place, "Write [commitment]")
        self.keys(table, place, keys)
        missing = [key for key in keys if key not in table]
        for key in missing:
            self.wrong(place, f"the key {key!r} is missing", f'Write {key} = "..."')
        read = [self.text(table, key, place) for key in keys]
        return None if missing else Commitment(*read)

    # -- state variables -----------------------------------------------------------------------

    def state(self, name: str, value: object, place: str) -> State:
        table = self.table(value, place, f"Write [states.{name}], then values = [0, 1, 2]")
        texts = ("label", "unit", "about")
        self.keys(table, place, ("values", "low", "high", "initial", "next", *texts))
        for key in ("initial", "next"):
            if isinstance(value, Mapping) and key not in table:
                self.wrong(place, f"the key {key!r} is missing", f'Write {key} = "..."')
        after = table.get("next", 0)
        if isinstance(after, Mapping):
            after = {key: self.formula(item, f"{place}.next.{key}") for key, item in after.items()}
        else:
            after = self.formula(after, f"{place}.next")
        return State(
            name,
            self.state_values(table, place) if isinstance(value, Mapping) else (0,),
            self.formula(table.get("initial", 0), f"{place}.initial"),
            after,
            **{key: self.text(table, key, place) for key in texts},
        )

    def state_values(self, table: Mapping[str, Any], place: str) -> tuple[Any, ...]:
        """Return the values: those listed, or the whole numbers from low to high."""
        bounds = [table.get("low"), table.get("high")]
        whole = [n for n in bounds if isinstance(n, int) and not isinstance(n, bool)]
        listed = table.get("values")
        example = "Write values = [0, 1, 2], or low = 0 and high = 2"
        if "values" in table and ("low" in table or "high" in table):
            self.wrong(place, "a state variable has values or low and high, not both", "Drop one")
        elif isinstance(listed, list):
            for k, item in enumerate(listed, 1):
                self.setting(item, f"{place}.values.#{k}")
            return tuple(item for item in listed if isinstance(item, str | int | Decimal))
        elif "values" in table:
            self.wrong(f"{place}.values", f"expected a list, not {_kind(listed)}", example)
        elif len(whole) < 2:
            self.wrong(place, "the values are missing", example)
        elif not 0 <= whole[1] - whole[0] < limits.MAX_ACTIONS:
            self.wrong(
                f"{place}.high",
                f"from {whole[0]} to {whole[1]} is no range, or more values than the limit "
                f"MAX_ACTIONS = {limits.MAX_ACTIONS}",
                "Make low less than high, or use a coarser grid",
            )
        else:
            return tuple(range(whole[0], whole[1] + 1))
        return (0,)

    def discount(self, value: object) -> Any:
        if value is None:
            return None
        if isinstance(value, Mapping):
            return {key: self.formula(item, f"discount.{key}") for key, item in value.items()}
        return self.formula(value, "discount")

    # -- stages --------------------------------------------------------------------------------

    def stage(self, table: Mapping[str, Any], place: str) -> Stage:
        self.keys(table, place, ("name", "when", "decisions", "chance", "order"))
        name = self.text(table, "name", place, place.removeprefix("stages."))
        if "name" not in table:
            self.wrong(place, "the key 'name' is missing", 'Write name = "..."')
        elif isinstance(table["name"], str):
            place = f"stages.{name}"
        moves: dict[str, Decision | Chance] = {}
        for section in table:
            if section not in ("decisions", "chance"):
                continue
            found = self.table(table[section], place, f"Write [stages.{section}.name]")
            for move, given in found.items():
                at = f"{place}.{move}"
                if move in moves:
                    self.wrong(at, "a decision and a chance move have the same name", "Rename one")
                elif section == "decisions":
                    moves[move] = self.decision(move, given, at)
                else:
                    moves[move] = self.chance(move, given, at)
        if "order" in table:
            listed = self.texts(table["order"], f"{place}.order")
            if sorted(listed) != sorted(moves):
                self.wrong(
                    f"{place}.order",
                    f"expected each move of the stage once: {', '.join(moves)}",
                    "The order of moves of one stage has no meaning; drop the key",
                )
            else:
                moves = {move: moves[move] for move in listed}
        when = table.get("when")
        if isinstance(when, bool):
            when = str(when)
        elif when is not None and not isinstance(when, str):
            self.wrong(f"{place}.when", f"expected a condition, not {_kind(when)}", "Quote it")
            when = None
        return Stage(name, *moves.values(), when=when)

    def decision(self, name: str, value: object, place: str) -> Decision:
        table = self.table(value, place, f"Write [stages.decisions.{name}]")
        self.keys(table, place, ("player", "actions", "interval", "observes", "label"))
        if isinstance(value, Mapping) and "player" not in table:
            self.wrong(place, "the key 'player' is missing", 'Write player = "..."')
        observes = table.get("observes")
        read = None if observes is None else self.texts(observes, f"{place}.observes")
        actions: Interval | tuple[Action, ...] = ()
        if "actions" in table and "interval" in table:
            self.wrong(place, "a decision has actions or an interval, not both", "Drop one")
        elif "interval" in table:
            actions = self.interval(table["interval"], f"{place}")
        elif "actions" in table:
            actions = self.actions(table["actions"], place)
        elif isinstance(value, Mapping):
            fix = 'Write actions = ["a", "b"], or interval = {low = 0, high = 10}'
            self.wrong(place, "the key 'actions' or 'interval' is missing", fix)
        player = self.text(table, "player", place)
        return Decision(player, name, actions, read, self.text(table, "label", place))

    def interval(self, value: object, place: str) -> Interval:
        table = self.table(value, place, "Write interval = {low = 0, high = 10}")
        self.keys(table, place, ("low", "high", "unit"))
        for key in ("low", "high"):
            if key not in table and isinstance(value, Mapping):
                self.wrong(f"{place}", f"the key {key!r} is missing", f"Write {key} = ...")
        return Interval(
            self.formula(table.get("low", 0), f"{place}.low"),
            self.formula(table.get("high", 1), f"{place}.high"),
            self.text(table, "unit", place),
        )

    def actions(self, value: object, place: str) -> tuple[Action, ...]:
        if isinstance(value, list):
            return tuple(Action(name) for name in self.texts(value, place, numbers=True))
        made = []
        table = self.table(value, place, 'Write actions = ["a", "b"]')
        for name, given in table.items():
            at = f"{place}.{name}"
            rest = dict(self.table(given, at, "Write action = {attribute = 1}"))
            when, label = rest.pop("when", None), self.text(rest, "label", at)
            rest.pop("label", None)
            if when is not None and not isinstance(when, str | bool):
                self.wrong(f"{at}.when", f"expected a condition, not {_kind(when)}", "Quote it")
                when = None
            attributes = {key: self.formula(item, f"{at}.{key}") for key, item in rest.items()}
            made.append(Action(name, attributes, when, label))
        return tuple(made)

    def chance(self, name: str, value: object, place: str) -> Chance:
        example = 'Write outcome = "probability" lines'
        rest = dict(self.table(value, place, example))
        label = self.text(rest, "label", place)
        rest.pop("label", None)
        outcomes: dict[str, Any] = {}
        for outcome, given in rest.items():
            at = f"{place}.{outcome}"
            if not isinstance(given, Mapping):
                outcomes[outcome] = self.formula(given, at)
                continue
            if "probability" not in given:
                self.wrong(at, "the key 'probability' is missing", 'Write probability = "..."')
            outcomes[outcome] = {
                "probability": 0,
                **{key: self.formula(item, f"{at}.{key}") for key, item in given.items()},
            }
        return Chance(name, outcomes, label)


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


# ---------------------------------------------------------------------------------------------
# Model -> text

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\f": "\\f", "\r": "\\r"}


def _key(name: str) -> str:
    return name if _BARE.match(name) else _quoted(name)


def _quoted(value: str, *, lines: bool = False) -> str:
    """Return a TOML string; over several lines where the text has them and they are allowed."""
    several = lines and "\n" in value
    made = []
    for character in value:
        if character == "\n":
            made.append("\n" if several else "\\n")
        elif character in _ESCAPES:
            made.append(_ESCAPES[character])
        elif ord(character) < 32 or ord(character) == 127 or 0x80 <= ord(character) < 0xA0:
            made.append(f"\\u{ord(character):04X}")
        else:
            made.append(character)
    body = "".join(made)
    return f'"""\n{body}"""' if several else f'"{body}"'


def _value(value: Any, place: str, *, lines: bool = False) -> str:
    """Return a TOML value. A decimal keeps its digits; a ratio becomes text."""
    if isinstance(value, str):
        return _quoted(value, lines=lines)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Fraction):
        return f'"{value.numerator}/{value.denominator}"'
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_value(v, f'{place}.{k}')}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item, place) for item in value)}]"
    raise RequestError(
        f"{place} is a Python callable, which TOML cannot hold. "
        "Write it as a formula, or keep the game in a .py file"
    )


def _decimal(value: Decimal) -> str:
    written = str(value)
    mantissa, e, exponent = written.partition("E")
    if "." not in mantissa and not e:
        return f"{mantissa}.0"  # a float in TOML; the same number
    return f"{mantissa}e{int(exponent)}" if e else mantissa


class _Writer:
    """Lines of TOML; without ``words``, those that say something to people alone are left out."""

    def __init__(self, words: bool = True) -> None:
        self.out: list[str] = []
        self.words = words

    def header(self, *keys: str, double: bool = False) -> None:
        name = ".".join(map(_key, keys))
        self.out += ["", f"[[{name}]]" if double else f"[{name}]"]

    def put(self, key: str, value: Any, place: str = "") -> None:
        self.out.append(f"{_key(key)} = {_value(value, _join(place, key), lines=True)}")

    def some(self, owner: Any, *keys: str) -> None:
        """Write the attributes that are not empty."""
        for key in keys:
            value = getattr(owner, key)
            if key in WORDS and not self.words:
                continue
            if value is not None and value != "" and value != () and value != {}:
                self.put(key, value)

    def section(self, name: str, table: Mapping[str, Any]) -> None:
        if table:
            self.header(name)
        for key, value in table.items():
            self.put(key, value, name)


def dumps(game: Game, *, words: bool = True) -> str:
    """Return the TOML text of a game; ``loads`` makes an equal game of it.

    Parameters
    ----------
    words
        With what is there for people to read (:data:`WORDS`, assumptions, the narrative).
        Without, the text is what answers depend on, and no game that ``loads`` need take.

    Raises
    ------
    RequestError
        A formula is a Python callable, or a name is one that TOML reserves.
    """
    writer = _Writer(words)
    put, some, header = writer.put, writer.some, writer.header
    put("name", game.name)
    some(game, "title", "question", "source", "about")
    if game.assumptions and words:
        items = "".join(f"  {_quoted(item)},\n" for item in game.assumptions)
        writer.out.append(f"assumptions = [\n{items}]")
    if game.outcomes is not None:
        put("outcomes", game.outcomes)
    if game.discount is not None:
        put("discount", game.discount)
    if game.horizon is not None:
        put("horizon", game.horizon)
    header("players")
    for player in game.players:
        put(player.name, player.label if words else "")
    writer.section("sets", game.sets)
    for parameter in game.parameters:
        header("parameters", parameter.name)
        some(parameter, "value", "choices", "low", "high", "unit", "label", "source", "confidence")
        some(parameter, "about")
    writer.section("functions", game.functions)
    for state in game.states:
        header("states", state.name)
        some(state, "values", "initial", "next", "label", "unit", "about")
    for stage in game.stages:
        _write_stage(writer, stage)
    if game.derived:
        header("derived")
        for name, derived in game.derived.items():
            told = ("label", "unit", "about") if words else ("unit",)
            more = {key: text for key in told if (text := getattr(derived, key))}
            value = {"formula": derived.formula, **more} if more else derived.formula
            put(name, value, "derived")
    header("payoffs")
    for name, formula in game.payoffs.items():
        put(name, formula, "payoffs")
    for name, mechanism in game.mechanisms.items():
        header("mechanisms", name)
        put("off", mechanism.off)
        some(mechanism, "label", "id", "about")
    for regime in game.regimes:
        header("regimes", regime.name)
        some(regime, "label", "about", "fix", "narrow", "set", "off")
    for name, preset in game.presets.items():
        header("presets", name)
        some(preset, *PRESET_WORDS)
        for key, value in preset.items():
            put(key, value)
    for name, target in game.targets.items():
        header("targets", name)
        some(target, "formula", "value", "low", "high", "unit", "label", "source", "confidence")
        some(target, "about")
    for row in game.published:
        header("published", double=True)
        some(row, "formula", "value", "source", "label")
        for key, usual in (("origin", "published"), ("equilibria", "all"), ("method", "auto")):
            if getattr(row, key) != usual:
                put(key, getattr(row, key))
        if row.tolerance != Decimal("1e-6"):
            put("tolerance", row.tolerance)
        some(row, "regime", "preset", "set")
    writer.section("flags", game.flags)
    for sentence in game.narrative if words else ():
        header("narrative", double=True)
        if sentence.when != "True":
            put("when", sentence.when)
        put("text", sentence.text)
    if game.commitment is not None:
        header("commitment")
        some(game.commitment, "player", "parameter", "committed", "discretionary")
    return "\n".join(writer.out) + "\n"


def digest(game: Game) -> str:
    """Return the SHA-256 of what answers depend on: the game's text without words.

    Two games with one digest have the same players, numbers, formulas, units, stages,
    regimes and presets; titles, labels, sources, assumptions and sentences may differ.

    Raises
    ------
    RequestError
        See :func:`dumps`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from highfence import load
    >>> game = load("chain_store")
    >>> digest(replace(game, title="Another title")) == digest(game)
    True
    """
    return hashlib.sha256(dumps(game, words=False).encode()).hexdigest()


def _write_stage(writer: _Writer, stage: Stage) -> None:
    writer.header("stages", double=True)
    writer.put("name", stage.name)
    writer.some(stage, "when")
    kinds = [isinstance(move, Chance) for move in stage.moves]
    if kinds != sorted(kinds) and kinds != sorted(kinds, reverse=True):
        writer.put("order", [move.name for move in stage.moves])
    for move in stage.moves:
        place = f"stages.{stage.name}.{move.name}"
        if isinstance(move, Chance):
            writer.header("stages", "chance", move.name)
            _write_chance(writer, move, place)
        else:
            writer.header("stages", "decisions", move.name)
            _write_decision(writer, move, place)


def _write_chance(writer: _Writer, move: Chance, place: str) -> None:
    if "label" in move.outcomes and writer.words:
        raise RequestError(f"{place}: an outcome cannot be called 'label' in TOML. Rename it")
    writer.some(move, "label")
    for outcome, probability in move.outcomes.items():
        attributes = move.attributes[outcome]
        value = {"probability": probability, **attributes} if attributes else probability
        writer.put(outcome, value, place)


def _write_decision(writer: _Writer, move: Decision, place: str) -> None:
    writer.put("player", move.player)
    writer.some(move, "label")
    if move.observes is not None:
        writer.put("observes", move.observes)
    if isinstance(move.actions, Interval):
        unit = {"unit": move.actions.unit} if move.actions.unit else {}
        bounds = {"low": move.actions.low, "high": move.actions.high, **unit}
        writer.put("interval", bounds, place)
        return
    if not any(
        a.attributes or a.when is not None or (a.label and writer.words) for a in move.actions
    ):
        writer.put("actions", [action.name for action in move.actions])
        return
    header = ".".join(map(_key, ("stages", "decisions", move.name, "actions")))
    writer.out.append(f"[{header}]")
    for action in move.actions:
        words: dict[str, Any] = dict(action.attributes)
        if action.when is not None:
            words["when"] = action.when
        if action.label and writer.words:
            words["label"] = action.label
        writer.put(action.name, words, place)
