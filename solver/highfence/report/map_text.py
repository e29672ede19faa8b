"""Regime maps as text, JSON and CSV.

``highfence map --json``::

    game, title, source, preset
    changed             {name: number or text}: the parameters that were set
    x, y                {name, label, unit, value, low, high, lines: [number]}
    regimes, player     names; whose payoff decides
    answer              the sentence that the text begins with
    shares              {state: share of the rectangle}; state is a regime, several joined by
                        " = " (equal) or " or " (it depends), or "" (nothing certified)
    near_share          share of the rectangle in which the margin is a near tie
    points              [{x, y, state, regime or null, margin or null, runner_up or null, near_tie,
                          payoffs: {regime: [low, high] or null}}]
    cells               [{x: [low, high], y: [low, high], corners: [index of a point],
                          state, unsolved}]
    borders             [{x, y, regimes: [regime, regime], width}]
    complete, settled   true | false
    notes               [text]
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from ..study.map import Axis, Cell, RegimeMap
from .csv import table_csv
from .json import plain as plain_value
from .text import GAP, Page, number, plain
from .tipping_text import DEPENDS, EQUAL, UNKNOWN, letters_of

if TYPE_CHECKING:
    from ..study.scan import Placing

__all__ = ["map_csv", "map_dict", "map_page", "map_text"]

ROWS, COLUMNS = 21, 61
"""Size of the drawing."""


def answer(found: RegimeMap) -> str:
    """Return which regime is best over how much of the rectangle, in a sentence."""
    who = f"{found.player} ({found.player_label})" if found.player_label else found.player
    parts = []
    for state, share in found.shares.items():
        what = state or "nothing certified"
        parts.append(
            f"{what} {100 * share:.0f} percent" if share >= 0.005 else f"{what} under 1 percent"
        )
    axes = " and ".join(
        f"{axis.name} from {number(axis.low)} to {number(axis.high)}" for axis in (found.x, found.y)
    )
    near = f"; the margin is a near tie in {100 * found.near_share:.0f} percent"
    return f"Best for {who}, {axes}: {', '.join(parts)}{near}."


def map_page(found: RegimeMap, *, width: int | None = None) -> Page:
    """Return the page: the answer in a sentence, the map, and what its letters mean."""
    page = Page(width)
    page.text(found.title, "bold")
    given = ", ".join(f"{name} = {value}" for name, value in found.changed.items())
    base = f"{found.preset or 'default'} parameters" + (f" with {given}" if given else "")
    page.text(f"{found.game} over {_named(found.x)} and {_named(found.y)}; {base}")
    page.blank()
    page.answer(answer(found))
    page.blank()
    drawn = _table if found.x.listed or found.y.listed else _drawing
    page.text(_legend(found, drawn(page, found)), indent=GAP)
    page.blank()
    page.text(
        f"{len(found.points)} points solved under {len(found.regimes)} regimes, each answer "
        f"certified or left out; {len(found.cells)} cells. A region that lies inside one cell, and "
        "shows at none of its corners and edges, would be missed."
    )
    for note in found.notes:
        page.bullet(note)
    return page


def _named(axis: Axis) -> str:
    return f"{axis.name} ({axis.label})" if axis.label else axis.name


def _mark(found: RegimeMap, placing: Placing) -> str:
    state = placing.state
    letters = letters_of(found.regimes)
    if not state:
        return UNKNOWN
    if state in letters:
        return letters[state].lower() if placing.near_tie else letters[state]
    return EQUAL if " = " in state else DEPENDS


def _table(page: Page, found: RegimeMap) -> set[str]:
    """Add the points of the first grid, one row for each line of y, the highest first."""
    head = [f"{found.y.name} \\ {found.x.name}", *(number(value, 4) for value in found.x.lines)]
    rows = []
    seen: set[str] = set()
    for y in reversed(found.y.lines):
        marks = [_mark(found, found.best(x, y)) for x in found.x.lines]
        seen |= set(marks)
        rows.append([number(y, 4), *marks])
    page.table(head, rows)
    return seen


def _drawing(page: Page, found: RegimeMap) -> set[str]:
    """Add the rectangle as letters, y upward."""
    labels = [number(found.y.high, 4), number(found.y.low, 4)]
    margin = max(len(found.y.name), *map(len, labels)) + 1
    columns = max(min(page.width - margin - 2, COLUMNS), 8)
    seen: set[str] = set()
    for row in range(ROWS):
        y = found.y.high + (found.y.low - found.y.high) * row / (ROWS - 1)
        label = {0: labels[0], ROWS // 2: found.y.name, ROWS - 1: labels[1]}.get(row, "")
        drawn = []
        for column in range(columns):
            x = found.x.low + (found.x.high - found.x.low) * column / (columns - 1)
            drawn.append(_mark(found, _nearest(found, x, y)))
        seen |= set(drawn)
        page.line(f"{label:>{margin}} {''.join(drawn)}")
    low, high = number(found.x.low, 4), number(found.x.high, 4)
    middle = found.x.name.center(max(columns - len(low) - len(high), 1))
    page.line(" " * (margin + 1) + low + middle + high)
    return seen


def _nearest(found: RegimeMap, x: float, y: float) -> Placing:
    """Return the nearest corner of the cell that holds a place, where each axis has length 1."""
    cell = next(c for c in found.cells if _holds(c, x, y))
    spans = (found.x.high - found.x.low, found.y.high - found.y.low)

    def away(corner: int) -> float:
        at = found.at[corner]
        return float(((at[0] - x) / spans[0]) ** 2 + ((at[1] - y) / spans[1]) ** 2)

    return found.points[min(cell.corners, key=away)]


def _holds(cell: Cell, x: float, y: float) -> bool:
    slack = [1e-9 * (side[1] - side[0]) for side in (cell.x, cell.y)]
    return (
        cell.x[0] - slack[0] <= x <= cell.x[1] + slack[0]
        and cell.y[0] - slack[1] <= y <= cell.y[1] + slack[1]
    )


def _legend(found: RegimeMap, seen: set[str]) -> str:
    letters = letters_of(found.regimes)
    legend = [f"{letters[n]} {n}" for n in found.regimes if {letters[n], letters[n].lower()} & seen]
    if any(mark.islower() for mark in seen):
        legend.append("lower case: near tie")
    others = ((EQUAL, "equal"), (DEPENDS, "depends on which equilibrium"))
    for mark, words in (*others, (UNKNOWN, "nothing certified")):
        if mark in seen:
            legend.append(f"{mark} {words}")
    return ", ".join(legend)


def map_text(found: RegimeMap) -> str:
    """Return the page as plain text."""
    return plain(map_page(found))


def _axis_dict(axis: Axis) -> dict[str, Any]:
    return {
        "name": axis.name,
        "label": axis.label,
        "unit": axis.unit,
        "value": axis.value,
        "low": axis.low,
        "high": axis.high,
        "lines": list(axis.lines),
    }


def map_dict(found: RegimeMap) -> dict[str, Any]:
    """Return the map with the keys that the module's docstring lists."""
    changed = {n: v if isinstance(v, str) else float(v) for n, v in found.changed.items()}
    made = plain_value(
        {
            "game": found.game,
            "title": found.title,
            "source": found.source,
            "preset": found.preset,
            "changed": changed,
            "x": _axis_dict(found.x),
            "y": _axis_dict(found.y),
            "regimes": list(found.regimes),
            "player": found.player,
            "answer": answer(found),
            "shares": found.shares,
            "near_share": found.near_share,
            "points": [_point(found, k) for k in range(len(found.points))],
            "cells": [
                {
                    "x": cell.x,
                    "y": cell.y,
                    "corners": cell.corners,
                    "state": cell.state,
                    "unsolved": cell.unsolved,
                }
                for cell in found.cells
            ],
            "borders": [
                {"x": b.x, "y": b.y, "regimes": b.regimes, "width": b.width} for b in found.borders
            ],
            "complete": found.complete,
            "settled": found.settled,
            "notes": list(found.notes),
        }
    )
    assert isinstance(made, dict)
    return made


def _point(found: RegimeMap, k: int) -> dict[str, Any]:
    placing = found.points[k]
    payoffs = {}
    for r, name in enumerate(found.regimes):
        low, high = float(found.low[k, r]), float(found.high[k, r])
        payoffs[name] = [low, high] if isfinite(low) else None
    return {
        "x": float(found.at[k, 0]),
        "y": float(found.at[k, 1]),
        "state": placing.state,
        "regime": placing.best,
        "margin": placing.margin if placing.best else None,
        "runner_up": placing.runner_up,
        "near_tie": placing.near_tie,
        "payoffs": payoffs,
    }


def map_csv(found: RegimeMap) -> str:
    """Return one row per point, in the order in which they were solved."""
    rows = []
    for k in range(len(found.points)):
        point = _point(found, k)
        row = {found.x.name: point["x"], found.y.name: point["y"]}
        row |= {n: point[n] for n in ("state", "margin", "runner_up", "near_tie")}
        for name, bounds in point["payoffs"].items():
            low, high = bounds or (None, None)
            row |= {f"low.{name}": low, f"high.{name}": high}
        rows.append(row)
    return table_csv(rows, [found.x.name, found.y.name])
