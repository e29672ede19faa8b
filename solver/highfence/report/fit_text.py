"""A fit as text and CSV: which values come nearest, what is left, and what is not pinned down."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from .. import tolerances
from .csv import table_csv
from .text import Page, number, plain

if TYPE_CHECKING:
    from ..study.fit import Fit, Fitted, Residual

__all__ = ["fit_csv", "fit_page", "fit_text"]

MET = 0.01
"""Difference, in scales, up to which a target without a range counts as met."""
DIGITS = 6
"""Significant digits of fitted values: no more are known of a search over certified answers."""


def fit_text(found: Fit, width: int | None = None) -> str:
    """Return a fit as plain text."""
    return plain(fit_page(found, width))


def fit_page(found: Fit, width: int | None = None) -> Page:
    """Return the page that ``highfence fit`` prints."""
    page = Page(width)
    page.answer(_sentence(found))
    page.text(_asked(found), "dim")
    if not found.ends:
        return page
    page.blank()
    page.table(
        ["parameter", "before", "fitted", "range", "as near found at"],
        [_row(one) for one in found.parameters],
        left={0, 3, 4},
    )
    page.blank()
    page.table(
        ["target", "observed", "source leaves open", "before", "fitted", "difference"],
        [_target(one) for one in found.residuals],
        left={0, 2},
    )
    page.blank()
    page.text(
        "Difference: of the fitted value from the observed one. The sum of squares counts it over "
        "its scale: half of what the source leaves open, or else the observed value.",
        "dim",
    )
    notes = _notes(found)
    if notes:
        page.heading("Before believing it")
        for note in notes:
            page.bullet(note)
    sourced = [one for one in found.residuals if one.source]
    if sourced:
        page.heading("Sources")
        for one in sourced:
            mark = f" (confidence: {one.confidence})" if one.confidence else ""
            page.item(one.name, f"{one.source}{mark}")
    page.heading("To use these values")
    page.text(" ".join(f"--set {one.name}={one.value:.{DIGITS}g}" for one in found.parameters))
    return page


def _sentence(found: Fit) -> str:
    if not found.ends:
        return f"Nothing was fitted: {found.reason}."
    values = [f"{one.name} = {number(one.value, 3)}" for one in found.parameters]
    before = number(found.distance_before, 2)
    if found.distance <= tolerances.FIT:
        return (
            f"With {_listed(values)}, {found.game} gives what was observed ({before} scales from "
            "it before)."
        )
    return (
        f"With {_listed(values)}, {found.game} is {number(found.distance, 2)} scales from what "
        f"was observed ({before} before)."
    )


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _asked(found: Fit) -> str:
    parts = [found.game, f"preset {found.preset}" if found.preset else "default parameters"]
    parts += [f"{k} = {v if isinstance(v, str) else number(v)}" for k, v in found.held.items()]
    searches = f"{len(found.ends)} search{'' if len(found.ends) == 1 else 'es'}"
    return f"{', '.join(parts)}; {searches}, solved at {found.evaluations:,} points"


def _row(one: Fitted) -> list[str]:
    others = "" if one.others is None else _span(one.others, 3)
    at = f"{number(one.value, DIGITS)}{' (end)' if one.at_bound else ''}"
    return [one.name, number(one.before), at, f"{number(one.low)} .. {number(one.high)}", others]


def _span(ends: tuple[float, float], digits: int) -> str:
    low, high = (number(end, digits) if isfinite(end) else "-" for end in ends)
    return low if low == high else f"{low} .. {high}"


def _target(one: Residual) -> list[str]:
    opened = "" if one.low is None or one.high is None else _span((one.low, one.high), 4)
    if one.within is not None:
        opened += ", met" if one.within else ", missed"
    left = 0.0 if abs(one.difference) < tolerances.SAME * one.scale else one.difference
    return [
        one.name, number(one.observed, 4), opened, _span(one.before, 4), _span(one.found, 4),
        number(left, 2) if isfinite(left) else "-",
    ]  # fmt: skip


def _notes(found: Fit) -> list[str]:
    notes = [f"{found.reason}; better values may be near."] if found.reason else []
    if found.rank == 0:
        notes.append(
            "No parameter moves any target here, so there was nowhere to go: begin elsewhere "
            "(--set), or from more points (--starts)."
        )
    elif not found.identified:
        by_size = sorted(found.loose, key=lambda name: -abs(found.loose[name]))
        moved = [
            f"{name} ({number(found.loose[name], 2)})"
            for name in by_size
            if abs(found.loose[name]) >= 0.01
        ]
        notes.append(
            f"The targets do not pin down all {len(found.parameters)} parameters, only "
            f"{found.rank} of their combinations: moving along {_listed(moved)}, in shares of "
            "the ranges, changes no target here. There may be more values as near than the "
            "searches found."
        )
    elif len(found.residuals) <= len(found.parameters) and found.distance <= tolerances.FIT:
        notes.append(
            "There are as many parameters as targets, so that the targets come out says "
            "nothing about the game."
        )
    unmet = [
        one.name
        for one in found.residuals
        if one.within is None and not abs(one.difference) <= MET * one.scale
    ]
    if unmet:
        notes.append(f"Not met: {_listed(unmet)}.")
    if found.at_jump:
        notes.append(
            "The search stopped at a jump: just beyond these values an equilibrium changes (or "
            "none is certified), and the fit is no longer as near."
        )
    ends = [one.name for one in found.parameters if one.at_bound]
    if ends:
        notes.append(f"At an end of its range: {_listed(ends)}. Beyond it the fit may be nearer.")
    notes += [
        f"{one.name} has several equilibria there; the middle of their values counts."
        for one in found.residuals
        if one.found[0] < one.found[1]
    ]
    missed = [one.name for one in found.residuals if one.within is False]
    if missed:
        notes.append(f"Outside what its source leaves open: {_listed(missed)}.")
    return notes


def fit_csv(found: Fit) -> str:
    """Return one row per parameter, then one per target.

    Columns: ``kind`` (``parameter`` or ``target``), ``name``, ``before``, ``value``, ``low``,
    ``high``, ``at_bound``, ``observed``, ``difference``, ``within``, ``source``,
    ``confidence``. Of a target ``before`` and ``value`` are the middle over its equilibria, and
    ``low`` and ``high`` what its source leaves open.
    """
    rows: list[dict[str, object]] = [
        {
            "kind": "parameter", "name": one.name, "before": one.before, "value": one.value,
            "low": one.low, "high": one.high, "at_bound": one.at_bound,
        }
        for one in found.parameters
    ]  # fmt: skip
    rows += [
        {
            "kind": "target", "name": one.name, "before": sum(one.before) / 2,
            "value": sum(one.found) / 2, "low": one.low, "high": one.high,
            "observed": one.observed, "difference": one.difference, "within": one.within,
            "source": one.source, "confidence": one.confidence,
        }
        for one in found.residuals
    ]  # fmt: skip
    return table_csv(rows, ["kind", "name", "before", "value", "low", "high"])
