"""Sensitivity as text and CSV: which assumption matters for an outcome, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from .csv import table_csv
from .text import Page, number, plain

if TYPE_CHECKING:
    from ..study.derivatives import Derivatives, LocalTarget, Slope
    from ..study.sensitivity import Indices, Sensitivity

__all__ = [
    "derivatives_csv",
    "derivatives_page",
    "sensitivity_csv",
    "sensitivity_page",
    "sensitivity_text",
]

SHOWN = 12
"""Parameters of a target in the short table."""
PAIRS = 5
"""Pairs of parameters in the short table of interactions."""

EXPLAINED = {
    "sobol": "first: share of the variance that a parameter explains alone. total: together "
    "with all its interactions. Totals may sum to more than 1.",
    "morris": "mu*: mean size of the change when the parameter moves, per whole range. "
    "mu: its mean with sign. sigma: how much it differs from place to place.",
    "pawn": "median, maximum: how far the outcome's distribution moves (Kolmogorov-Smirnov "
    "distance) when the parameter is held in one of ten slices of its range.",
    "rank": "rank correlation: Spearman's, from -1 to 1.",
    "tornado": "swing: from the lowest to the highest of the outcomes at the parameter's low "
    "end, at the preset and at its high end, all else at the preset.",
}


def sensitivity_text(found: Sensitivity, width: int | None = None) -> str:
    """Return a sensitivity study as plain text."""
    return plain(sensitivity_page(found, width))


def sensitivity_page(
    found: Sensitivity, width: int | None = None, *, everything: bool = False
) -> Page:
    """Return the page that ``highfence sensitivity`` prints.

    Parameters
    ----------
    everything
        All parameters and pairs; else the short page.
    """
    page = Page(width)
    page.text(found.title, "bold")
    page.text(_asked(found))
    for one in found.targets:
        page.blank()
        page.answer(one.says, "")
        if not one.reason:
            page.blank()
            _table(page, one, everything)
            _interactions(page, one, everything)
    page.blank()
    page.text(EXPLAINED[found.method], "dim")
    page.notes(f"{one.target}: {note}" for one in found.targets for note in one.notes)
    return page


def _asked(found: Sensitivity) -> str:
    parts = [f"preset {found.preset}" if found.preset else "default parameters"]
    parts += [f"{name} = {number(value)}" for name, value in found.parameters.items()]
    how = {
        "sobol": f"{found.draws} blocks, {found.points} points",
        "morris": f"{found.draws} trajectories, {found.points} points",
        "tornado": f"{found.points} points",
    }.get(found.method, f"{found.points} draws")
    tied = [f"{name} = {formula}" for name, formula in found.ties.items()]
    count = len(found.distributions)
    return (
        f"{found.game}; {', '.join(parts)}; {found.method}: {how} of {count} uncertain "
        f"parameter{'' if count == 1 else 's'}"
        + (f" (and {', '.join(tied)})" if tied else "")
        + f", each under {', '.join(found.regimes)}"
    )


def _range(one: Indices, name: str, measure: str) -> str:
    interval = one.interval(name, measure)
    if interval is None or not isfinite(interval[0]):
        return "-"
    return f"{number(interval[0], 2)} .. {number(interval[1], 2)}"


def _table(page: Page, one: Indices, everything: bool) -> None:
    percent = f"{100 * one.confidence:g}%"
    heads = {
        "sobol": ["first", percent, "total", percent],
        "morris": ["mu*", percent, "mu", "sigma"],
        "pawn": ["median", percent, "maximum"],
        "rank": ["rank correlation", percent],
        "tornado": ["swing", "from", "to", "outcome at low", "at high"],
    }
    measures: dict[str, list[tuple[str, bool]]] = {
        "sobol": [("first", True), ("total", True)],
        "morris": [("mu_star", True), ("mu", False), ("sigma", False)],
        "pawn": [("median", True), ("maximum", False)],
        "rank": [("correlation", True)],
        "tornado": [(m, False) for m in ("swing", "low", "high", "at_low", "at_high")],
    }
    shown = one.ranked if everything else one.ranked[:SHOWN]
    rows = []
    for name in shown:
        row = [name]
        for measure, interval in measures[one.method]:
            value = one.of(name, measure)
            row.append(number(value, 3) if isfinite(value) else "-")
            if interval:
                row.append(_range(one, name, measure))
        rows.append(row)
    page.table(["parameter", *heads[one.method]], rows)
    _more(page, len(one.names) - len(shown), "parameter")
    if one.noise is not None:
        page.text(f"A parameter without any effect stays below {number(one.noise, 2)}.")


def _more(page: Page, left: int, what: str) -> None:
    if left > 0:
        page.text(f"{left} more {what}{'' if left == 1 else 's'}: --all", "dim")


def _interactions(page: Page, one: Indices, everything: bool) -> None:
    pairs = one.strongest_pairs
    if not pairs:
        return
    # What can be told from 0, unless everything is asked for.
    shown = pairs if everything else [p for p in pairs if p[2][0] > 0 or p[2][1] < 0][:PAIRS]
    page.blank()
    if not shown:
        page.text("No interaction of two parameters can be told from 0 with these draws.")
        return
    page.table(
        ["pair", "second", f"{100 * one.confidence:g}%"],
        [
            [" and ".join(pair), number(value, 3), f"{number(low, 2)} .. {number(high, 2)}"]
            for pair, value, (low, high) in shown
        ],
    )


def sensitivity_csv(found: Sensitivity) -> str:
    """Return one row per target and parameter, most influential first.

    Columns: ``target``, ``rank`` (1, 2, ...), ``parameter``, ``label``, each measure, and
    ``MEASURE.low`` and ``MEASURE.high`` where it has an interval. A target without measures
    has one row with its ``reason``.
    """
    rows: list[dict[str, Any]] = []
    for one in found.targets:
        if one.reason:
            rows.append({"target": one.target, "reason": one.reason})
        for rank, name in enumerate(one.ranked, 1):
            row: dict[str, Any] = {
                "target": one.target,
                "rank": rank,
                "parameter": name,
                "label": one.labels.get(name, ""),
            }
            for measure in one.measures:
                row[measure] = one.of(name, measure)
                interval = one.interval(name, measure) if measure in one.intervals else None
                if interval is not None:
                    row[f"{measure}.low"], row[f"{measure}.high"] = interval
            rows.append(row)
    return table_csv(rows, _first(rows))


def _first(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


# ---------------------------------------------------------------------------------------------
# Local derivatives


def derivatives_page(
    found: Derivatives, width: int | None = None, *, everything: bool = False
) -> Page:
    """Return the page that ``highfence sensitivity --method local`` prints."""
    page = Page(width)
    page.text(found.title, "bold")
    parts = [f"preset {found.preset}" if found.preset else "default parameters"]
    parts += [f"{name} = {number(value)}" for name, value in found.parameters.items()]
    parts += [f"{name} = {formula}" for name, formula in found.ties.items()]
    page.text(f"{found.game}; {', '.join(parts)}; local derivatives at these numbers")
    for one in found.targets:
        page.blank()
        page.answer(one.says, "")
        if one.slopes:
            page.blank()
            _slopes(page, one, everything)
    page.blank()
    page.text(
        "derivative: change of the outcome per unit of the parameter. +-: estimate of its error. "
        "elasticity: percent per percent. swing: the derivative times the parameter's range.",
        "dim",
    )
    return page


def _slopes(page: Page, one: LocalTarget, everything: bool) -> None:
    moving = [slope for slope in one.ranked if slope.note or not _still(slope, one)]
    shown = list(one.ranked) if everything else moving[:SHOWN]
    page.table(
        ["parameter", "at", "derivative", "+-", "elasticity", "swing", "response"],
        [
            [
                slope.parameter,
                number(slope.at, 4),
                *(
                    number(value, digits) if isfinite(value) else "-"
                    for value, digits in (
                        (slope.derivative, 4),
                        (slope.error, 1),
                        (slope.elasticity, 3),
                        (slope.swing, 3),
                    )
                ),
                slope.response.value,
            ]
            for slope in shown
        ],
        left=(0, 6),
    )
    if not everything:
        _more(page, len(moving) - len(shown), "parameter")
        still = [slope.parameter for slope in one.ranked if slope not in moving]
        if still:
            page.text(f"It does not respond to {', '.join(still)}.")
    for slope in shown:
        if slope.note:
            page.bullet(f"{slope.parameter}: {slope.note}")
    page.text(f"By {one.how}; {one.target} is {number(one.value, 5)} here.")


def _still(slope: Slope, one: LocalTarget) -> bool:
    return isfinite(slope.swing) and abs(slope.swing) <= 1e-9 * max(abs(one.value), 1e-300)


def derivatives_csv(found: Derivatives) -> str:
    """Return one row per target and parameter; a target without slopes has one with its reason."""
    rows: list[dict[str, Any]] = []
    for one in found.targets:
        if one.reason:
            rows.append({"target": one.target, "reason": one.reason})
        for slope in one.ranked:
            rows.append(
                {
                    "target": one.target,
                    "parameter": slope.parameter,
                    "label": one.labels.get(slope.parameter, ""),
                    "at": slope.at,
                    "value": one.value,
                    "response": slope.response.value,
                    "derivative": slope.derivative,
                    "error": slope.error,
                    "elasticity": slope.elasticity,
                    "left": slope.left,
                    "right": slope.right,
                    "swing": slope.swing,
                    "note": slope.note,
                }
            )
    return table_csv(rows, _first(rows))
