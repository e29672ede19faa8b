"""The table of mechanisms as text and CSV: which games carry which argument of the essays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .csv import table_csv
from .text import Page, clean, column_of_numbers, number, plain

if TYPE_CHECKING:
    from ..study.attribution import Removals
    from ..study.mechanisms import Argument, MechanismTable, Switch

__all__ = ["mechanisms_csv", "mechanisms_page", "mechanisms_text"]

INDENT = "    "
NAMED = 2
"""Games that the short table names where a switch is the same in many."""


def mechanisms_text(found: MechanismTable, width: int | None = None) -> str:
    """Return the table as plain text."""
    return plain(mechanisms_page(found, width))


def mechanisms_page(found: MechanismTable, width: int | None = None) -> Page:
    """Return the page that ``highfence mechanisms`` prints.

    All arguments are listed with games and switches; where some were asked for, these are
    shown with what the essays say and how each game labels its switch.
    """
    page = Page(width)
    page.text(_sentence(found))
    page.blank()
    whole = len(found.arguments) == found.of
    for one in found.arguments:
        if whole:
            _short(page, one)
        else:
            _long(page, one, found)
    if whole:
        page.heading("The essays")
        for essay, what in found.essays.items():
            page.item(essay, what)
    for measured in found.effects or ():
        if measured is (found.effects or ())[0]:
            _effects(page, found)
    page.notes(_notes(found))
    return page


def _sentence(found: MechanismTable) -> str:
    carried = sum(1 for one in found.arguments if one.switches)
    games = {game for one in found.arguments for game in one.games}
    if len(found.arguments) == found.of:
        return (
            f"{carried} of {found.of} mechanisms that the essays name have a game; "
            f"{len(games)} games carry them."
        )
    if len(found.arguments) == 1:
        (one,) = found.arguments
        if not one.switches:
            return f"No game carries {one.id}."
        return f"{_games(len(games))} {one.id}: {', '.join(one.games)}."
    return f"{carried} of {len(found.arguments)} mechanisms have a game."


def _games(count: int) -> str:
    return "1 game carries" if count == 1 else f"{count} games carry"


def _off(switch: Switch) -> str:
    return ", ".join(f"{name} = {number(value)}" for name, value in switch.off.items())


def _short(page: Page, one: Argument) -> None:
    page.text(f"{one.id} {one.title} ({', '.join(one.essays)})", "bold", hang=INDENT)
    alike: dict[str, list[str]] = {}
    for switch in one.switches:
        alike.setdefault(_off(switch), []).append(switch.game)
    listed = "; ".join(f"{_some(games)} (off: {off})" for off, games in alike.items())
    page.text(listed or "no game", indent=INDENT)


def _some(games: list[str]) -> str:
    """Return the first games by name, and how many more there are."""
    if len(games) <= NAMED + 1:
        return ", ".join(games)
    return f"{', '.join(games[:NAMED])} and {len(games) - NAMED} more"


def _long(page: Page, one: Argument, found: MechanismTable) -> None:
    page.blank()
    page.text(f"{one.id} {one.title}", "bold", hang=INDENT)
    where = " and ".join(f"{essay} ({found.essays[essay]})" for essay in one.essays)
    page.text(f"Where: {where}: {one.says}.", indent=INDENT)
    alike: dict[str, list[str]] = {}
    for switch in one.switches:
        rest = " It is off already at the game's own numbers." if switch.idle else ""
        alike.setdefault(f"{switch.label}; off: {_off(switch)}.{rest}", []).append(switch.game)
    for text, games in alike.items():
        page.item(", ".join(games), text, indent=INDENT)


def _effects(page: Page, found: MechanismTable) -> None:
    measured = found.effects or ()
    first = measured[0]
    against = f" less {first.baseline}" if first.baseline else ""
    given = [f"preset {first.preset}"] if first.preset else []
    given += [f"{name} = {number(value)}" for name, value in first.settings.items()]
    where = f" ({', '.join(given)})" if given else ""
    page.heading(f"What each adds to all others in {first.game}: {first.regime}{against}{where}")
    page.text(
        "With all mechanisms on: "
        + ", ".join(f"{one.outcome} {number(one.full, 3)}" for one in measured)
        + "."
    )
    page.blank()
    ids = _ids(found, first)
    columns = [
        column_of_numbers([(float(effect),) * 2 for effect in one.effects], 4) for one in measured
    ]
    rows = [
        [name, ids[name], *(column[k] for column in columns)]
        for k, name in enumerate(first.mechanisms)
    ]
    page.table(["mechanism", "id", *(one.outcome for one in measured)], rows, left=(0, 1))
    page.blank()
    page.text(
        "With the mechanism less without it, all others being on. Mechanisms interact, so these do "
        f"not add up: `highfence attribute {first.game}` shares out the whole.",
        "dim",
    )


def _ids(found: MechanismTable, measured: Removals) -> dict[str, str]:
    known = {
        switch.mechanism: ", ".join(switch.numbers)
        for switch in [s for one in found.arguments for s in one.switches] + [*found.unnumbered]
        if switch.game == measured.game
    }
    return {name: known.get(name, "") for name in measured.mechanisms}


def _notes(found: MechanismTable) -> list[str]:
    notes = []
    if found.without_game:
        notes.append(f"Without a game: {', '.join(found.without_game)}")
    if found.unnumbered:
        listed = ", ".join(f"{s.game} {s.mechanism}" for s in found.unnumbered)
        notes.append(f"Mechanisms of games that are none of these: {listed}")
    for game, mechanism, unknown in found.unknown:
        notes.append(f"{game}: the mechanism {mechanism} names {unknown}, which is not in the list")
    for file, reason in found.unread:
        notes.append(f"{file} was left out: {reason}")
    if found.effects == ():
        notes.append("The flagship carries none of these, so no effect was measured")
    for one in found.effects or ():
        several = [n for n, spread in zip(one.mechanisms, one.spread, strict=True) if spread > 1e-9]
        if several:
            notes.append(
                f"{one.outcome}: equilibria differ without {', '.join(several)}; half-way values "
                "stand for them"
            )
        missing = [
            n for n, value in zip(one.mechanisms, one.without, strict=True) if value != value
        ]
        if missing:
            notes.append(f"{one.outcome}: no certified answer without {', '.join(missing)}")
    if found.effects:
        idle = found.effects[0].idle
        if idle:
            notes.append(f"Off already at these numbers: {', '.join(idle)}")
    return notes


def mechanisms_csv(found: MechanismTable) -> str:
    """Return one row per argument and switch; an argument without a game has a row as well."""
    effects: dict[str, dict[str, float]] = {}
    for one in found.effects or ():
        for name, effect in zip(one.mechanisms, one.effects, strict=True):
            effects.setdefault(name, {})[f"effect.{one.outcome}"] = float(effect)
    measured = found.effects[0].game if found.effects else None
    rows: list[dict[str, Any]] = []
    for argument in found.arguments:
        for switch in argument.switches or (None,):
            row: dict[str, Any] = {
                "id": argument.id,
                "title": clean(argument.title),
                "essays": " ".join(argument.essays),
                "game": switch.game if switch else "",
                "mechanism": switch.mechanism if switch else "",
                "label": clean(switch.label) if switch else "",
                "off": _off(switch) if switch else "",
                "idle": switch.idle if switch else None,
            }
            if switch and switch.game == measured:
                row.update(effects.get(switch.mechanism, {}))
            rows.append(row)
    return table_csv(rows, ["id", "title", "essays", "game", "mechanism"])
