"""The page that lists all that answers: methods for equilibria, other concepts, batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .text import GAP, Page

__all__ = ["methods_page"]

_ABOUT = {
    "equilibrium method": "Methods for Nash equilibria and their refinements",
    "concept": "Answers to other questions",
    "batch": "Many games at once",
}


def methods_page(
    rows: Sequence[Mapping[str, Any]], auto: tuple[str, str] | None = None, width: int | None = None
) -> Page:
    """Return the page that ``highfence methods`` prints.

    Parameters
    ----------
    rows
        As in the JSON of the command.
    auto
        What ``auto`` takes for the game that was asked about, and why.
    """
    page = Page(width)
    asked = any(row["accepts"] is not None for row in rows)
    kind = None
    for row in rows:
        if row["kind"] != kind and not asked:
            kind = row["kind"]
            page.blank()
            page.text(_ABOUT[kind].upper(), "bold")
        page.heading(row["name"])
        page.item("for", row["use"], indent=GAP)
        page.item("takes", row["takes"], indent=GAP)
        page.item("promises", row["finds"] + (", exact" if row["exact"] else ""), indent=GAP)
        page.item("source", row["source"], indent=GAP)
        page.item("call", row["call"], indent=GAP)
        if asked:
            takes = "yes" if row["accepts"] else "no"
            if auto is not None and row["name"] == auto[0]:
                takes += f", and it is what auto takes ({auto[1]})"
            page.item("takes this game", takes, indent=GAP)
    if asked and auto is None:
        page.blank()
        page.text("No method takes this game.")
    return page
