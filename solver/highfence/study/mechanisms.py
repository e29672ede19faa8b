"""The arguments that the catalogue knows by number, and the games that carry each.

An *argument* is a sentence of the essays from which the catalogue was made ("each lost sale is a
rival's sale"), with a number, M01 to M85. A game that carries it declares a *switch*: a mechanism
with that number (or several, separated by commas) and the values of parameters at which it is
off. The table is put together from these declarations whenever it is asked for; nothing in it is
stored but the list of arguments, which is the file ``_mechanisms.toml`` of the catalogue.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import HighfenceError, RequestError, did_you_mean
from ..load import load
from ..spec.catalog import catalogue, entries
from ..spec.model import Game
from ..spec.model import number as exact_number
from ..spec.toml import read_text
from .attribution import remove_each

if TYPE_CHECKING:
    from .attribution import Removals

__all__ = [
    "FLAGSHIP",
    "Argument",
    "MechanismTable",
    "Switch",
    "mechanisms",
    "numbers_of",
]

FLAGSHIP = "small_yard_high_fence"
"""The game in which effects are measured."""
OUTCOMES = ("W_A", "K_H")
"""The outcomes that are looked at by default: what the regime is chosen for, and what it does
to the challenger's capability."""


@dataclass(frozen=True)
class Switch:
    """A mechanism of a game, as the game declares it."""

    game: str
    mechanism: str
    label: str
    numbers: tuple[str, ...]
    """The arguments that it stands for."""
    off: Mapping[str, Any]
    """Parameter -> the value at which the mechanism is gone."""
    value: Mapping[str, Any]
    """Parameter -> the value that the game declares; without those that a builder takes over from
    another game."""

    @property
    def idle(self) -> bool:
        """The mechanism is off at the game's own numbers; a regime or preset switches it on."""
        return dict(self.off) == dict(self.value)


@dataclass(frozen=True)
class Argument:
    """An argument of the essays, and the switches of all games that carry it."""

    id: str
    title: str
    essays: tuple[str, ...]
    says: str
    """What the essays say, in our own words."""
    switches: tuple[Switch, ...]

    @property
    def games(self) -> tuple[str, ...]:
        """The games that carry it, each once."""
        return tuple(dict.fromkeys(switch.game for switch in self.switches))


@dataclass(frozen=True)
class MechanismTable:
    """Which games carry which argument."""

    essays: Mapping[str, str]
    """Essay -> what it is."""
    arguments: tuple[Argument, ...]
    """In the order of their numbers."""
    of: int
    """How many arguments there are, if not all were asked for."""
    unnumbered: tuple[Switch, ...]
    """Mechanisms that stand for no argument of the list."""
    unknown: tuple[tuple[str, str, str], ...]
    """(game, mechanism, number) of declarations that name a number that is not in the list."""
    unread: tuple[tuple[str, str], ...]
    """(file, reason) of games that could not be read."""
    effects: tuple[Removals, ...] | None
    """Measured in :data:`FLAGSHIP`, one for each outcome; None if not asked for."""

    @property
    def without_game(self) -> tuple[str, ...]:
        """Arguments that no game carries."""
        return tuple(one.id for one in self.arguments if not one.switches)

    def to_dict(self) -> dict[str, Any]:
        """Return the table with the keys of ``highfence mechanisms --json``.

        Returns
        -------
        dict
            ``essays`` {id: what}; ``mechanisms`` [{id, title, essays [id], says, switches
            [{game, mechanism, label, off {parameter: value}, value {parameter: value}, idle}]}];
            ``unnumbered`` [switch]; ``unknown`` [{game, mechanism, id}]; ``unread`` [{file,
            reason}]; ``effects`` null or [{game, regime, baseline, preset, settings, outcome,
            full, mechanisms {name: {without, effect, spread}}, idle [name]}].
        """
        return {
            "essays": dict(self.essays),
            "mechanisms": [
                {
                    "id": one.id,
                    "title": one.title,
                    "essays": list(one.essays),
                    "says": one.says,
                    "switches": [_switch(switch) for switch in one.switches],
                }
                for one in self.arguments
            ],
            "unnumbered": [_switch(switch) for switch in self.unnumbered],
            "unknown": [{"game": g, "mechanism": m, "id": n} for g, m, n in self.unknown],
            "unread": [{"file": file, "reason": reason} for file, reason in self.unread],
            "effects": None if self.effects is None else [_effects(one) for one in self.effects],
        }

    def __str__(self) -> str:
        from ..report.mechanisms_text import mechanisms_text

        text: str = mechanisms_text(self)
        return text


def _switch(switch: Switch) -> dict[str, Any]:
    return {
        "game": switch.game,
        "mechanism": switch.mechanism,
        "label": switch.label,
        "off": dict(switch.off),
        "value": dict(switch.value),
        "idle": switch.idle,
    }


def _effects(found: Removals) -> dict[str, Any]:
    columns = zip(found.mechanisms, found.without, found.effects, found.spread, strict=True)
    return {
        "game": found.game,
        "regime": found.regime,
        "baseline": found.baseline,
        "preset": found.preset,
        "settings": dict(found.settings),
        "outcome": found.outcome,
        "full": found.full,
        "mechanisms": {
            name: {"without": float(without), "effect": float(effect), "spread": float(spread)}
            for name, without, effect, spread in columns
        },
        "idle": list(found.idle),
    }


def numbers_of(declared: str) -> tuple[str, ...]:
    """Return the numbers that a mechanism's ``id`` names, each once.

    Examples
    --------
    >>> numbers_of("M15, M65")
    ('M15', 'M65')
    """
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,]+", declared) if part))


def mechanisms(
    only: str | Sequence[str] | None = None,
    *,
    effects: bool = False,
    regime: str = "broad",
    baseline: str = "none",
    outcomes: Sequence[str] = OUTCOMES,
    preset: str | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **parameters: Any,
) -> MechanismTable:
    """Say which games carry which argument of the essays, and which parameters switch it.

    Parameters
    ----------
    only
        Numbers of arguments, such as ``"M41"``; all by default.
    effects
        Also measure what the flagship's mechanisms do, by switching them off one at a time.
        It takes a few seconds.
    regime, baseline, outcomes, preset, parameters
        What is measured: outcomes of the flagship under a regime, less those under the baseline.
    workers, progress
        As in :func:`highfence.study.attribution.attribute`.

    Returns
    -------
    MechanismTable
        Games are read from ``./games`` and from the catalogue. Nothing is run: of a Python
        builder, what stands in its text is read.

    Raises
    ------
    RequestError
        A number is not in the list, the catalogue is missing, or a regime, an outcome or a
        preset is unknown.
    SpecError
        An outcome is not a formula of the flagship.

    Notes
    -----
    That a game carries an argument says that its formulas contain it, not that it is true. An
    effect is that of one switch, all others being on, at one set of numbers: effects do not add
    up (:func:`highfence.study.attribution.attribute` shares out the whole).

    Examples
    --------
    >>> found = mechanisms("M41")
    >>> found.arguments[0].title
    'A threat aligns private firms with the state'
    >>> "lazy_subsidies" in found.arguments[0].games
    True
    """
    if not effects and (preset is not None or parameters):
        raise RequestError(
            "a preset or parameters change what effects measure, and none are asked for. "
            "Ask for effects as well"
        )
    essays, listed = _listed()
    asked = _asked(only, listed)
    switches, unread = _declared()
    by_number: dict[str, list[Switch]] = {number: [] for number in listed}
    unknown: list[tuple[str, str, str]] = []
    for switch in switches:
        for number in switch.numbers:
            if number in by_number:
                by_number[number].append(switch)
            else:
                unknown.append((switch.game, switch.mechanism, number))
    found = tuple(
        Argument(
            number,
            listed[number]["title"],
            tuple(listed[number]["essays"]),
            listed[number]["says"],
            tuple(by_number[number]),
        )
        for number in asked
    )
    measured = None
    if effects:
        wanted = [s.mechanism for one in found for s in one.switches if s.game == FLAGSHIP]
        if only is None:
            wanted = [s.mechanism for s in switches if s.game == FLAGSHIP]
        measured = (
            remove_each(
                FLAGSHIP, regime, baseline, outcomes, list(dict.fromkeys(wanted)), preset=preset,
                workers=workers, progress=progress, **parameters,
            )
            if wanted
            else ()
        )  # fmt: skip
    return MechanismTable(
        essays=MappingProxyType(essays),
        arguments=found,
        of=len(listed),
        unnumbered=tuple(s for s in switches if not s.numbers) if only is None else (),
        unknown=tuple(unknown) if only is None else (),
        unread=unread,
        effects=measured,
    )


def _listed() -> tuple[dict[str, str], dict[str, Any]]:
    """Return the essays, and the arguments by number."""
    folder = catalogue()
    if folder is None:
        raise RequestError("the catalogue of games is missing. Install highfence again")
    data = tomllib.loads((folder / "_mechanisms.toml").read_text("utf-8"))
    return data["essays"], data["mechanisms"]


def _asked(only: str | Sequence[str] | None, listed: Mapping[str, Any]) -> list[str]:
    if only is None:
        return list(listed)
    texts = [only] if isinstance(only, str) else list(only)
    given = [number.upper() for text in texts for number in numbers_of(text)]
    if not given:
        raise RequestError("no mechanism is asked for. Name one, such as M41")
    for number in given:
        if number not in listed:
            raise RequestError(
                f"there is no mechanism {number!r}. "
                + (did_you_mean(number, listed) or f"They are {min(listed)} to {max(listed)}")
            )
    return [number for number in listed if number in given]


def _declared() -> tuple[list[Switch], tuple[tuple[str, str], ...]]:
    """Return the mechanisms of all games, flagship first, and what could not be read."""
    found: list[Switch] = []
    unread: list[tuple[str, str]] = []
    seen: set[str] = set()
    for entry in sorted(entries(), key=lambda entry: entry.name != FLAGSHIP):
        path = Path(entry.path)
        if entry.name in seen:
            continue
        seen.add(entry.name)
        try:
            if path.suffix.lower() == ".py":
                found += _written(path)
            elif path.suffix.lower() == ".toml":
                game = load(path)
                found += _switches(game) if isinstance(game, Game) else []
        except (HighfenceError, OSError, ValueError, SyntaxError, RecursionError) as error:
            unread.append((entry.path, str(error).partition("\n")[0]))
    return found, tuple(unread)


def _written(path: Path) -> list[Switch]:
    """Return the mechanisms that stand in the text of a builder, which is not run.

    They are ``mechanisms={"name": Mechanism({"parameter": value}, "label", "M41")}``; values that
    are not written out, and mechanisms taken over from another game, are not seen.
    """
    tree = ast.parse(read_text(path))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    values = {}
    for call in calls:
        if _name(call) == "Parameter":
            given = _arguments(call, ("name", "value"))
            if "name" in given and "value" in given:
                values[given["name"]] = given["value"]
    made = []
    for keyword in [keyword for call in calls for keyword in call.keywords]:
        if keyword.arg != "mechanisms" or not isinstance(keyword.value, ast.Dict):
            continue
        for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(value, ast.Call):
                continue
            given = _arguments(value, ("off", "label", "id", "about"))
            if _name(value) == "Mechanism" and isinstance(given.get("off"), dict):
                made.append(
                    Switch(
                        game=path.stem,
                        mechanism=str(key.value),
                        label=str(given.get("label") or key.value),
                        numbers=numbers_of(str(given.get("id", ""))),
                        off=MappingProxyType(given["off"]),
                        value=MappingProxyType({n: values[n] for n in given["off"] if n in values}),
                    )
                )
    return made


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _arguments(call: ast.Call, names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a call that are written out, by name."""
    given = dict(zip(names, call.args, strict=False))
    given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    made = {}
    for name, node in given.items():
        with suppress(ValueError, TypeError):
            made[name] = _literal(node)
    return made


def _literal(node: ast.expr) -> Any:
    """Return a value that is written out: what `ast.literal_eval` takes, and exact numbers."""
    if isinstance(node, ast.Call) and _name(node) in ("Decimal", "Fraction") and node.args:
        return exact_number("/".join(str(ast.literal_eval(argument)) for argument in node.args))
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    return ast.literal_eval(node)


def _switches(game: Game) -> list[Switch]:
    values = {parameter.name: parameter.value for parameter in game.parameters}
    return [
        Switch(
            game=game.name,
            mechanism=name,
            label=mechanism.label or name,
            numbers=numbers_of(mechanism.id),
            off=mechanism.off,
            value=MappingProxyType({parameter: values[parameter] for parameter in mechanism.off}),
        )
        for name, mechanism in game.mechanisms.items()
    ]
