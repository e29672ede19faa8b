"""Published answers beside ours, as text, CSV and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .csv import table_csv
from .text import Page, number, plain

if TYPE_CHECKING:
    from ..study.replications import Replication

__all__ = [
    "difference_text",
    "replications_csv",
    "replications_markdown",
    "replications_page",
    "replications_text",
]

DIGITS = 10
"""Significant digits of a value: enough to see a difference of 1e-6 in it."""
HEAD = ("paper", "quantity", "game", "published", "ours", "difference")
ORIGIN = {"published": "", "closed form": "closed form", "own": "own, stylized"}
MARK = {"published": "", "closed form": "c", "own": "own"}
STEPS = (1e-6, 1e-5, 1e-4, 1e-3)
"""Differences are named by the smallest of these that they are within: their digits are those
of a search, and of the machine."""
NONE = 1e-9
"""A difference within this is none."""
SHORT = 7
"""Significant digits in the README's table."""


def replications_text(found: Sequence[Replication], width: int | None = None) -> str:
    """Return the table as plain text."""
    return plain(replications_page(found, width))


def replications_page(found: Sequence[Replication], width: int | None = None) -> Page:
    """Return the page that ``highfence replications`` prints."""
    page = Page(width)
    missed = [row for row in found if not row.holds]
    games = len({row.game for row in found})
    of = f"{games} game" if games == 1 else f"{games} games"
    page.text(
        f"{len(found) - len(missed)} of {len(found)} known answers, of {of}, are found "
        "here too, within the tolerance that each declares.",
        "bold",
    )
    for game in dict.fromkeys(row.game for row in found):
        rows = [row for row in found if row.game == game]
        for source in dict.fromkeys(row.source for row in rows):
            page.heading(f"{source} ({game})")
            mine = [row for row in rows if row.source == source]
            cells = [
                [*_cells(row)[:-1], MARK[row.origin], "" if row.holds else "MISSED"] for row in mine
            ]
            head = ("quantity", "published", "ours", "difference", "", "")
            page.table(head, cells, left=(0, 4, 5), indent="  ")
    if missed:
        page.heading("Missed")
        for row in missed:
            page.bullet(f"{row.game}, {row.label}: {row.reason}. {row.command}")
    if any(row.origin != "published" for row in found):
        page.heading("Notes")
        page.bullet(
            "c: closed form, the source's model at our numbers, solved by hand; own: a stylized "
            "game of ours in the spirit of the source, which replicates nothing."
        )
    return page


def _cells(row: Replication, digits: int = DIGITS) -> list[str]:
    return [
        row.label,
        number(row.published, digits),
        "-" if row.ours is None else number(_shown(row), digits),
        difference_text(row.difference),
        ORIGIN[row.origin],
    ]


def _shown(row: Replication) -> float:
    """Return our value, without the digits that a search leaves below the tolerance."""
    assert row.ours is not None
    return row.published if abs(row.ours - row.published) <= NONE else row.ours


def difference_text(difference: float | None) -> str:
    """Return how far apart the two are, by steps.

    Examples
    --------
    >>> difference_text(1e-12), difference_text(3e-8), difference_text(-0.25)
    ('0', '< 1e-06', '-0.25')
    """
    if difference is None:
        return "-"
    if abs(difference) <= NONE:
        return "0"
    for step in STEPS:
        if abs(difference) <= step:
            return f"< {step:.0e}"
    return number(difference, 2)


def replications_csv(found: Sequence[Replication]) -> str:
    """Return one row per published answer, with all digits."""
    return table_csv([row.to_dict() for row in found], ["source", "label", "origin"])


def replications_markdown(found: Sequence[Replication]) -> str:
    """Return the table of the README."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for row in found:
        label, published, ours, difference, origin = _cells(row, SHORT)
        paper = f"{row.source} ({origin})" if origin else row.source
        cells = (paper, label, f"`{row.game}`", published, ours, difference)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
