"""Verdicts on claims as text, JSON and CSV.

``highfence claims --json``::

    file, complete      where the claims stand; false if it was interrupted
    essays              {essay: what it is}
    counts              {ruling: number of claims}
    claims              [{name, kind, essays, says, about, game or null,
                          ruling              "yes" | "no" | "only if" | "mixed" | "not decided"
                                              | "not solved" | "not modeled"
                          verdict             the ruling in words
                          holds               at every case; null if that is no yes and no no
                          margin              [low, high] over all cells, or null
                          quick               boundaries were not looked for
                          cells               [{case, proposition, truth, margin: [low, high] or
                                                null, near_tie, equilibria, command, reason}]
                          boundaries          [{parameter, label, case, proposition, low, high,
                                                value, where, moves, holds: [[low, high]],
                                                fails, depends, unsolved, brackets: likewise,
                                                complete, command}]
                          nearest             the number of the nearest boundary, or null
                          evidence            "for" | "against" | "mixed" | "unverified" | "none"
                          findings            [{source, says, direction, confidence, verified}]
                          commands            [text]}]
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..study.claims import CONFIDENCE, Ruling, Truth, Verdict, Verdicts
from .csv import table_csv
from .json import plain as plain_value
from .text import GAP, Page, interval, number, plain

if TYPE_CHECKING:
    from ..study.claims import Boundary, Cell

__all__ = ["claims_csv", "claims_dict", "claims_page", "claims_text"]

KINDS = {"claim": "Claims", "counterfactual": "Counterfactuals"}
WEIGHED = {
    "for": "Measured: for it",
    "against": "Measured: against it",
    "mixed": "Measured: the evidence is mixed",
    "unverified": "Measured: nothing that was verified",
    "none": "Measured: nothing here",
}


def claims_page(found: Verdicts, *, everything: bool = False, width: int | None = None) -> Page:
    """Return the page: how many are yes and no, then each claim with its verdict.

    Parameters
    ----------
    everything
        Show every cell, boundary and finding, and all commands, rather than those that decide.
    """
    page = Page(width)
    page.answer(_summary(found))
    page.text(f"From {found.file}")
    pointed = {essay for verdict in found for essay in verdict.claim.essays}
    for essay, what in found.essays.items():
        if essay in pointed:
            page.item(essay, what)
    kind = ""
    for verdict in found:
        if verdict.claim.kind != kind:
            kind = verdict.claim.kind
            page.heading(KINDS[kind])
        _block(page, verdict, everything)
    page.blank()
    if any(verdict.quick for verdict in found):
        page.text("Boundaries were not looked for (--quick): a yes or no is one at these numbers.")
    page.text(
        "A verdict is about the games, not about the world. Margins are how far one side of the "
        "comparison is ahead, in its own unit."
    )
    if not everything:
        page.text("Every cell, boundary and finding: highfence claims --claim NAME.")
    return page


def _summary(found: Verdicts) -> str:
    counts = Counter(verdict.ruling for verdict in found)
    kinds = Counter(verdict.claim.kind for verdict in found)
    what = " and ".join(
        f"{count} {kind}" if count == 1 else f"{count} {kind}s" for kind, count in kinds.items()
    )
    told = ", ".join(f"{counts[ruling]} {ruling}" for ruling in Ruling if counts[ruling])
    return f"{what}: {told}." + ("" if found.complete else " Interrupted: the rest is missing.")


def _block(page: Page, verdict: Verdict, everything: bool) -> None:
    claim = verdict.claim
    page.blank()
    pointers = f" ({', '.join(claim.essays)})" if claim.essays else ""
    page.item(claim.name, f"{claim.says}{pointers}", "bold")
    said = verdict.says
    if verdict.quick and verdict.ruling in (Ruling.YES, Ruling.NO):
        said += " at these numbers"
    page.text(f"{said[0].upper()}{said[1:]}.", "bold", GAP, GAP)
    if verdict.margin is not None:
        page.text(_margin(verdict), indent=GAP, hang=GAP)
    if everything:
        for cell in verdict.cells:
            page.text(_cell(cell), indent=2 * GAP, hang=GAP)
    if verdict.boundaries:
        moving = [boundary for boundary in verdict.boundaries if boundary.moves]
        said_above = verdict.nearest if verdict.ruling is Ruling.ONLY_IF else None
        others = [boundary for boundary in moving if boundary is not said_above]
        shown = list(verdict.boundaries) if everything else others
        for boundary in sorted(shown, key=lambda boundary: boundary.distance):
            page.text(_boundary(verdict, boundary), indent=GAP, hang=GAP)
        if not moving and not everything:
            along = dict.fromkeys(boundary.parameter for boundary in verdict.boundaries)
            page.text(f"No boundary along {', '.join(along)}.", indent=GAP, hang=GAP)
    page.text(_weighed(verdict), indent=GAP, hang=GAP)
    if everything:
        for item in claim.evidence:
            mark = item.confidence if item.verified else f"{item.confidence}, unverified"
            text = f"{item.direction} [{mark}]: {item.source}: {item.says}."
            page.text(text, indent=2 * GAP, hang=GAP)
    if claim.about:
        page.text(claim.about, indent=GAP, hang=GAP)
    for command in verdict.commands if everything else verdict.deciding:
        page.line(f"{GAP}$ {command}")


def _margin(verdict: Verdict) -> str:
    cells = len(verdict.cells)
    text = f"Margin {interval(verdict.margin, 3)}"
    if cells > 1:
        text += f" in {cells} cells"
    near = list(dict.fromkeys(cell.case for cell in verdict.cells if cell.near_tie))
    if near:
        where = f" under {', '.join(near)}" if len(verdict.claim.cases) > 1 else ""
        text += f"; a near tie{where}"
    return f"{text}."


def _cell(cell: Cell) -> str:
    text = f"{cell.case}: {cell.proposition} {_truth(cell)}"
    if cell.equilibria > 1:
        text += f"; {cell.equilibria} equilibria"
    return text


def _truth(cell: Cell) -> str:
    if cell.truth is Truth.UNKNOWN:
        return f"- nothing certified ({cell.reason})"
    if cell.truth is Truth.DEPENDS:
        return f"depends on which equilibrium, margin {interval((cell.low, cell.high), 3)}"
    near = ", a near tie" if cell.near_tie else ""
    held = cell.truth is Truth.HOLDS
    size = (cell.low, cell.high) if held else (-cell.high + 0.0, -cell.low + 0.0)
    return f"{cell.truth.value} by {interval(size, 3)}{near}"


def _boundary(verdict: Verdict, boundary: Boundary) -> str:
    claim = verdict.claim
    what = f"{boundary.proposition} " if len(claim.propositions) > 1 else ""
    at = f" under {boundary.case}" if len(claim.cases) > 1 or "=" in boundary.case else ""
    text = f"{what}{'only if ' if boundary.moves else ''}{boundary.where}{at}"
    if boundary.moves:
        text += f"; it is {number(boundary.value)}"
    for stretches, why in (
        (boundary.depends, "it depends on which equilibrium"),
        (boundary.unsolved, "nothing is certified"),
    ):
        if stretches:
            ends = ", ".join(f"{number(low, 4)} to {number(high, 4)}" for low, high in stretches)
            text += f"; {why} from {ends}"
    return f"{text[0].upper()}{text[1:]}." if not what else f"{text}."


def _weighed(verdict: Verdict) -> str:
    claim = verdict.claim
    counts = Counter(item.direction for item in claim.evidence if item.verified)
    told = [f"{counts[d]} {d}" for d in ("for", "against", "mixed") if counts[d]]
    doubtful = sum(not item.verified for item in claim.evidence)
    if doubtful:
        told.append(f"{doubtful} unverified")
    return WEIGHED[claim.weighed] + (f" ({', '.join(told)})." if told else ".")


def claims_text(found: Verdicts) -> str:
    """Return the page as plain text."""
    return plain(claims_page(found))


def claims_dict(found: Verdicts) -> dict[str, Any]:
    """Return the verdicts with the keys that the module's docstring lists."""
    counts = Counter(verdict.ruling.value for verdict in found)
    made = plain_value(
        {
            "file": found.file,
            "complete": found.complete,
            "essays": dict(found.essays),
            "confidence": CONFIDENCE,
            "counts": {r.value: counts[r.value] for r in Ruling if counts[r.value]},
            "claims": [_verdict_dict(verdict) for verdict in found],
        }
    )
    assert isinstance(made, dict)
    return made


def _verdict_dict(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    nearest = verdict.nearest
    return {
        "name": claim.name,
        "kind": claim.kind,
        "essays": list(claim.essays),
        "says": claim.says,
        "about": claim.about,
        "game": claim.game,
        "ruling": verdict.ruling.value,
        "verdict": verdict.says,
        "holds": verdict.holds,
        "margin": verdict.margin,
        "quick": verdict.quick,
        "cells": [
            {
                "case": cell.case,
                "proposition": cell.proposition,
                "truth": cell.truth.value,
                "margin": None if cell.truth is Truth.UNKNOWN else (cell.low, cell.high),
                "near_tie": cell.near_tie,
                "equilibria": cell.equilibria,
                "command": cell.command,
                "reason": cell.reason,
            }
            for cell in verdict.cells
        ],
        "boundaries": [
            {
                "parameter": boundary.parameter,
                "label": boundary.label,
                "case": boundary.case,
                "proposition": boundary.proposition,
                "low": boundary.low,
                "high": boundary.high,
                "value": boundary.value,
                "where": boundary.where,
                "moves": boundary.moves,
                "holds": boundary.holds,
                "fails": boundary.fails,
                "depends": boundary.depends,
                "unsolved": boundary.unsolved,
                "brackets": boundary.brackets,
                "complete": boundary.complete,
                "command": boundary.command,
            }
            for boundary in verdict.boundaries
        ],
        "nearest": None if nearest is None else verdict.boundaries.index(nearest),
        "evidence": claim.weighed,
        "findings": [
            {
                "source": item.source,
                "says": item.says,
                "direction": item.direction,
                "confidence": item.confidence,
                "verified": item.verified,
            }
            for item in claim.evidence
        ],
        "commands": list(verdict.commands),
    }


def claims_csv(found: Verdicts) -> str:
    """Return one row per claim, in the order of the file."""
    rows = []
    for verdict in found:
        claim, nearest = verdict.claim, verdict.nearest
        low, high = verdict.margin or (None, None)
        rows.append(
            {
                "claim": claim.name,
                "kind": claim.kind,
                "essays": " ".join(claim.essays),
                "says": claim.says,
                "game": claim.game,
                "ruling": verdict.ruling.value,
                "verdict": verdict.says,
                "holds": verdict.holds,
                "margin_low": low,
                "margin_high": high,
                "boundary_parameter": None if nearest is None else nearest.parameter,
                "boundary_value": None if nearest is None else nearest.value,
                "boundary_where": None if nearest is None else nearest.where,
                "evidence": claim.weighed,
                "commands": "; ".join(verdict.commands),
            }
        )
    return table_csv(rows, ["claim", "kind", "essays", "says", "game", "ruling", "verdict"])
