"""Beliefs, refinements and the index of an equilibrium in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..solution import Belief, Equilibrium
from .text import interval, number

__all__ = ["refinement_items"]

_DIGITS = 4


def refinement_items(equilibrium: Equilibrium) -> Iterator[tuple[str, str]]:
    """Yield label and text of each belief, each verdict, and the index."""
    for belief in equilibrium.beliefs:
        yield f"{belief.player} believes at {belief.information_set}", _belief(belief)
    if equilibrium.index is not None:
        yield "index", f"{equilibrium.index:+d}"
    for verdict in equilibrium.refinements:
        holds = {True: "yes", False: "no", None: "left open"}[verdict.holds]
        yield verdict.name, f"{holds}; {verdict.reason}"


def _belief(belief: Belief) -> str:
    """Return a belief, or the range of each probability where there are several.

    Examples
    --------
    >>> _belief(Belief("C", "after narrow", ("security", "containment"), True, ((0.75, 0.25),)))
    "security 0.75, containment 0.25 (Bayes' rule)"
    >>> _belief(Belief("C", "after broad", ("s", "c"), False, ((0.5, 0.5), (0, 1))))
    's 0 .. 0.5, c 0.5 .. 1 (not reached)'
    """
    if not belief.extreme:
        return "nothing that would support the reply (not reached)"
    if belief.reached:
        odds = zip(belief.places, belief.extreme[0], strict=True)
        return ", ".join(f"{place} {number(p, _DIGITS)}" for place, p in odds) + " (Bayes' rule)"
    bounds = [(min(column), max(column)) for column in zip(*belief.extreme, strict=True)]
    anything = all(low == 0 and high == 1 for low, high in bounds)
    if anything and len(belief.extreme) == len(belief.places):
        return "anything (not reached)"
    listed = ", ".join(
        f"{place} {interval((float(low), float(high)), _DIGITS)}"
        for place, (low, high) in zip(belief.places, bounds, strict=True)
    )
    return f"{listed} (not reached)"
