"""Exact thresholds and regions as text, JSON and CSV.

``highfence tipping GAME PARAMETER --exact --json``::

    game, title, source, preset, parameter
    answers   one per regime asked for (or one, without a regime):
              [{regime or null, concept,
                range: [text, text],
                thresholds: [{exact: text, value: number}],
                stretches: [{low, high: text, closed: [bool, bool],
                             equilibria: [[{decision, action, given: {move: outcome}}]]}],
                held: {name: text},
                conditions: [{choices, condition, latex, python: text or null, solved: [text],
                              status, reason,
                              only_ties, inequalities: [text], cases: [[text]], ties: [[text]],
                              witness: {name: text} or null, ...}]}]

``conditions`` are those of the equilibria in ``stretches``; others may be equilibria elsewhere.
Exact numbers are text: a rational such as ``3/5``, or an expression of its roots.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..study.regions import value_text
from .csv import table_csv
from .text import GAP, Page

if TYPE_CHECKING:
    from ..spec.model import Game
    from ..study.regions import Region, Thresholds

    Answer = tuple[Thresholds, Sequence[Region]]

__all__ = ["exact_csv", "exact_dict", "exact_page"]


def exact_page(game: Game, answers: Sequence[Answer], *, width: int | None = None) -> Page:
    """Return the page: where the equilibria change, and under which conditions each is one."""
    page = Page(width)
    page.text(game.title or game.name, "bold")
    first = answers[0][0]
    page.text(
        f"{game.name} along {first.parameter}: {_plural(first.concept)}, exactly; "
        f"{first.preset or 'default'} parameters"
    )
    for found, conditions in answers:
        if found.regime is not None:
            page.heading(found.regime)
        page.blank()
        page.answer(_answer(found), "bold" if found.regime is None else "")
        for stretch in found.stretches:
            played = "; or ".join(", ".join(map(str, c)) for c in stretch.equilibria)
            page.item(found.where(stretch), played or f"no {found.concept}", indent=GAP)
        if conditions:
            page.blank()
            page.text(
                "Where each of these is one, over the declared ranges of all parameters that are "
                "not set. Others may be equilibria elsewhere in these ranges; --set NAME=VALUE "
                "moves the line there:"
            )
        for region in conditions:
            page.bullet(region.text())
            if solved := _solved(region, found):
                page.text(f"that is, {' and '.join(solved)}", indent=GAP, hang=GAP)
    page.blank()
    page.text(
        "Ties count: at a threshold, what holds on either side holds. Inequalities are exact, and "
        "none is redundant given the declared ranges, unless it is said."
    )
    return page


def _plural(concept: str) -> str:
    return concept.replace("equilibrium", "equilibria")


def _solved(region: Region, found: Thresholds) -> list[str]:
    """Return the inequalities that say more once they are solved for the parameter."""
    name = found.parameter
    if name not in region.parameters:  # it is set by the regime, or has no range
        return []
    printed = {inequality.text() for inequality in region.inequalities}
    solved = region.solved_for(name)
    return [text for text in solved if text.startswith(f"{name} ") and text not in printed]


def _answer(found: Thresholds) -> str:
    low, high = map(value_text, found.range)
    span = f"{found.parameter} from {low} to {high}"
    if not found.values:
        return f"Nothing changes along {span}."
    places = ", ".join(map(value_text, found.values))
    return f"Along {span}, the {_plural(found.concept)} change at {found.parameter} = {places}."


def exact_dict(game: Game, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the answers with the keys that the module's docstring lists."""
    return {
        "game": game.name,
        "title": game.title or game.name,
        "source": game.file,
        "preset": answers[0][0].preset,
        "parameter": answers[0][0].parameter,
        "answers": [
            {
                **{
                    key: value
                    for key, value in found.to_dict().items()
                    if key not in ("game", "preset", "parameter")
                },
                "conditions": [
                    {**region.to_dict(), "solved": _solved(region, found)} for region in conditions
                ],
            }
            for found, conditions in answers
        ],
    }


def exact_csv(answers: Sequence[Answer]) -> str:
    """Return one row per stretch and equilibrium; a stretch without one has a row of its own."""
    rows = []
    for found, _ in answers:
        for stretch in found.stretches:
            for choices in stretch.equilibria or ((),):
                rows.append(
                    {
                        "in_regime": found.regime,
                        "parameter": found.parameter,
                        "low": float(stretch.low),
                        "high": float(stretch.high),
                        "low_exact": str(stretch.low),
                        "high_exact": str(stretch.high),
                        "with_low": stretch.closed[0],
                        "with_high": stretch.closed[1],
                        "equilibrium": ", ".join(map(str, choices)) or None,
                    }
                )
    return table_csv(rows, ["in_regime", "parameter", "low", "high"])
