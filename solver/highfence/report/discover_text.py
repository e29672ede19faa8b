"""Scenario discovery as text and CSV: under which assumptions a condition holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..study.robust import share_interval
from .csv import table_csv
from .text import Page, clean, number, numbers_text, plain

if TYPE_CHECKING:
    from ..study.boxes import Box
    from ..study.discover import Discovery

__all__ = [
    "box_in_words",
    "discover_csv",
    "discover_page",
    "discover_pages",
    "discover_sentence",
    "discover_text",
]

DIGITS = 3
"""Significant digits of limits in words."""
STEPS = 8
"""Boxes of the trajectory in the short table."""


def discover_text(found: Discovery, width: int | None = None) -> str:
    """Return a discovery as plain text."""
    return plain(discover_page(found, width))


def discover_page(found: Discovery, width: int | None = None, *, everything: bool = False) -> Page:
    """Return the page that ``highfence discover`` prints.

    Parameters
    ----------
    everything
        The whole trajectory and all leaves of the tree; else some.
    """
    return discover_pages([found], width, everything=everything)


def discover_pages(
    found: Sequence[Discovery], width: int | None = None, *, everything: bool = False
) -> Page:
    """Return the page of several regimes asked about on the same draws."""
    page = Page(width)
    page.text(found[0].title, "bold")
    page.text(_asked(found[0]))
    for one in found:
        page.blank()
        for sentence in discover_sentence(one):
            page.answer(sentence, "")
        _limits(page, one)
        _trajectory(page, one, everything)
        _tree(page, one, everything)
    page.blank()
    page.text(
        "density: share of the draws in the box at which it holds. coverage: share of all such "
        "draws that the box holds. mass: share of all draws. quasi-p: chance of such a density if "
        "the limit did not matter; it was chosen on the same draws, so it ranks limits and tests "
        "nothing.",
        "dim",
    )
    page.notes(note for one in found for note in _notes(one))
    return page


def _asked(found: Discovery) -> str:
    at = numbers_text(found.preset, {n: number(found.parameters[n]) for n in found.changed})
    return f"{found.game}; {at}; {found.draws} draws of {len(found.drawn)} parameters"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f}%" if 0 < percent < 2 or 98 < percent < 100 else f"{percent:.0f}%"


def _between(ends: tuple[float, float]) -> str:
    return f"{_percent(ends[0])} to {_percent(ends[1])}"


def box_in_words(box: Box) -> str:
    """Return the limits of a box: ``align >= 1.31 and beta <= 0.09``, the most telling first.

    Limits are rounded to three digits.
    """
    told = []
    order = dict.fromkeys([limit.parameter for limit in box.limits] + list(box.ends))
    for name in order:
        low, high = box.ends[name]
        if low is not None and high is not None:
            told.append(f"{number(low, DIGITS)} <= {name} <= {number(high, DIGITS)}")
        elif low is not None:
            told.append(f"{name} >= {number(low, DIGITS)}")
        elif high is not None:
            told.append(f"{name} <= {number(high, DIGITS)}")
    return " and ".join(told) if told else "no limit at all"


def _what(found: Discovery) -> str:
    formula = f" ({found.formula})" if found.formula != found.condition else ""
    where = f"under {found.regime_label}, " if found.regime else ""
    return f"{where}{found.condition}{formula}"


def discover_sentence(found: Discovery) -> list[str]:
    """Return the answer in a few sentences."""
    what = _what(found)
    what = what[0].upper() + what[1:] if found.regime else what
    if found.cases in (0, found.used):
        share = "every one" if found.cases else "none"
        return [f"{what} holds at {share} of {found.used} draws, so there is no box to find."]
    if not found.boxes:
        return [f"{what} holds in {_percent(found.density)} of {found.used} draws."]
    box = found.boxes[0].box
    if not box.ends:
        return [
            f"{what} holds in {_percent(found.density)} of {found.used} draws "
            f"({_between(found.interval)}), and no box of these assumptions tells where."
        ]
    said = [
        f"{what} holds in {_percent(box.density)} of cases with {box_in_words(box)} "
        f"({_between(share_interval(box.cases, box.inside))}); that box holds "
        f"{_percent(box.coverage)} of all draws at which it holds, and {_percent(box.mass)} of all "
        f"draws. Overall it holds in {_percent(found.density)} ({_between(found.interval)})."
    ]
    for peeling, (coverage, _) in list(zip(found.boxes, found.shares, strict=True))[1:]:
        more = peeling.box
        said.append(
            f"Outside it, in {_percent(more.density)} with {box_in_words(more)}, which adds "
            f"{_percent(coverage)}."
        )
    if found.held_out is not None:
        said.append(
            f"Checked on draws that the box was not made from ({found.held_out.folds}-fold): it "
            f"holds in {_percent(found.held_out.density)} of those inside, and these are "
            f"{_percent(found.held_out.coverage)} of all."
        )
    return said


def _limits(page: Page, found: Discovery) -> None:
    if not any(peeling.box.limits for peeling in found.boxes):
        return
    page.blank()
    for k, peeling in enumerate(found.boxes, 1):
        for limit in peeling.box.limits:
            sign = ">=" if limit.side == "above" else "<="
            unit = found.units.get(limit.parameter, "")
            text = f"box {k}, {limit.parameter} {sign} {number(limit.value, 4)}"
            text += f" {unit}" if unit not in ("", "1") else ""
            label = found.labels[limit.parameter]
            page.item(f"{text} (quasi-p {limit.quasi_p:.1g})", label)


def _trajectory(page: Page, found: Discovery, everything: bool) -> None:
    if not found.boxes:
        return
    reported = found.boxes[0]
    path, chosen = reported.boxes, reported.chosen
    shown = list(range(len(path)))
    if not everything and len(path) > STEPS:
        gap = (len(path) - 1) / (STEPS - 1)
        shown = sorted({round(k * gap) for k in range(STEPS)} | {chosen})
    less = path[chosen].ends != reported.box.ends
    rows = [_row(f"{k} *" if k == chosen and not less else str(k), path[k]) for k in shown]
    rows += [_row("reported", reported.box)] if less else []
    page.blank()
    head = ["step", "coverage", "density", "mass", "draws", "parameters limited"]
    page.table(head, rows)
    what = f"reported: step {chosen}, less the limits that do not matter" if less else "* reported"
    page.text(f"{what}: {reported.reason}", "dim")


def _row(step: str, box: Box) -> list[str]:
    return [
        step,
        _percent(box.coverage),
        _percent(box.density),
        _percent(box.mass),
        str(box.inside),
        str(len(box.ends)),
    ]


def _tree(page: Page, found: Discovery, everything: bool) -> None:
    leaves = found.tree if everything else [leaf for leaf in found.tree if leaf.says]
    if len(found.tree) < 2 or not leaves:
        return
    page.blank()
    rows = [
        [
            box_in_words(leaf.box),
            "holds" if leaf.says else "does not",
            _percent(leaf.box.density),
            _percent(leaf.box.coverage),
            _percent(leaf.box.mass),
        ]
        for leaf in leaves
    ]
    page.table(["leaf of the tree", "mostly", "density", "coverage", "mass"], rows, left=(0, 1))


def _notes(found: Discovery) -> list[str]:
    notes = []
    if found.lost:
        by = ", ".join(f"{name} {count}" for name, count in found.undefined.items() if count)
        least = _percent(found.cases / found.draws)
        most = _percent((found.draws - found.used + found.cases) / found.draws)
        notes.append(
            f"{found.lost} of {found.draws} draws have no certified answer ({by}) and are left "
            f"out; whatever they are, it holds in {least} to {most} of all draws"
        )
    if found.depends:
        notes.append(
            f"At {found.depends} of {found.draws} draws it depends on which equilibrium is played; "
            "they are left out"
        )
    if len(found.tree) == 1:
        notes.append("The pruned tree is a single leaf: no split predicts better than none")
    return [*notes, *found.notes]


def discover_csv(found: Discovery) -> str:
    """Return one row per box: the trajectory and the reported boxes of PRIM, and the leaves."""
    rows: list[dict[str, Any]] = []

    def add(kind: str, number_of: int, step: int | None, box: Box, reported: bool) -> None:
        row: dict[str, Any] = {
            "kind": kind,
            "box": number_of,
            "step": step,
            "reported": reported,
            "coverage": box.coverage,
            "density": box.density,
            "mass": box.mass,
            "inside": box.inside,
            "cases": box.cases,
            "limits": clean(box_in_words(box)),
        }
        for name, (low, high) in box.ends.items():
            row[f"{name}.low"], row[f"{name}.high"] = low, high
        rows.append(row)

    for k, peeling in enumerate(found.boxes, 1):
        for step, box in enumerate(peeling.boxes):
            add("trajectory", k, step, box, False)
        add("prim", k, peeling.chosen, peeling.box, True)
    for k, leaf in enumerate(found.tree, 1):
        add("cart", k, None, leaf.box, leaf.says)
    return table_csv(rows, ["kind", "box", "step", "reported"])
