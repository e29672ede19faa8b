"""Comparisons of regimes as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .. import tolerances
from .text import (
    Page,
    column_of_numbers,
    count_of,
    interval,
    listed,
    number,
    numbers_text,
    plain,
    scales,
    setting_text,
)

if TYPE_CHECKING:
    from ..study.compare import Best, CommitmentValue, Comparison, RegimeResult

    Range = tuple[float, float]

__all__ = ["comparison_page", "comparison_text", "is_constant", "texts_of", "verdict_sentence"]

MAX_COLUMNS = 15
"""Columns of a comparison's short table: two blocks of a terminal with 100 columns."""


def comparison_text(
    comparison: Comparison, width: int | None = None, everything: bool = False
) -> str:
    """Return a comparison as plain text."""
    return plain(comparison_page(comparison, width, everything=everything))


def comparison_page(
    comparison: Comparison, width: int | None = None, *, everything: bool = False
) -> Page:
    """Return the page that ``highfence compare`` prints.

    Parameters
    ----------
    everything
        All outcomes, what each column means, every player's best regime, and what is
        assumed; else the first ``MAX_COLUMNS`` outcomes in the game's own order.
    """
    page = Page(width)
    page.text(comparison.title, "bold")
    if comparison.question:
        page.text(comparison.question)
    page.text(f"{comparison.game} ({comparison.source}); {_numbers_used(comparison)}", "dim")
    page.blank()
    columns = _columns(comparison)
    shown = list(columns) if everything else list(columns)[:MAX_COLUMNS]
    texts = {name: texts_of(comparison, *columns[name]) for name in shown}
    constant = [] if everything else [name for name in shown if is_constant(texts[name])]
    varied = [name for name in shown if name not in constant]
    if varied or not shown:
        _table_of(page, comparison, varied)
        page.blank()
    if constant:
        same = []
        for name in constant:
            player, ranges = columns[name]
            same.append(f"{name} {texts_of(comparison, player, ranges[:1])[0]}")
        page.item("The same under every regime", ", ".join(same))
        page.blank()
    _marks(page, comparison, [columns[name][0] for name in varied])
    _verdicts(page, comparison, [columns[name][0] for name in shown], everything)
    page.heading("What happens")
    for result in comparison.regimes:
        raised = _flags(result)
        head = f"{result.label} [{raised}]" if raised else result.label
        page.item(head, result.says, "bold")
    _flag_legend(page, comparison, everything)
    if everything:
        _legend(page, comparison)
    page.notes(comparison.notes)
    if everything and comparison.assumptions:
        page.heading("Assumed")
        for assumption in comparison.assumptions:
            page.bullet(assumption)
    if not everything:
        _left_out(page, comparison, len(columns) - len(shown))
    return page


def _left_out(page: Page, comparison: Comparison, columns: int) -> None:
    """Say what the short page leaves out."""
    parts = [count_of(columns, "more outcome")] if columns else []
    if comparison.labels:
        parts.append("what the columns mean")
    if comparison.assumptions:
        parts.append(count_of(len(comparison.assumptions), "assumption"))
    if parts:
        page.blank()
        page.text(f"Not shown: {listed(parts)} (highfence compare --all).", "dim")


def _numbers_used(comparison: Comparison) -> str:
    changed = {name: setting_text(comparison.parameters[name]) for name in comparison.changed}
    return numbers_text(comparison.preset, changed)


def _columns(comparison: Comparison) -> dict[str, tuple[str, list[Range | None]]]:
    """Return column -> (player whose payoff it is or "", ranges by regime), in order.

    An outcome that is a player's payoff by definition stands for it; then the game's order
    of outcomes rules.
    """
    results = comparison.regimes
    payoffs = {
        player: [result.payoffs.get(player) for result in results] for player in comparison.best
    }
    names = dict.fromkeys(name for result in results for name in result.outcomes)
    outcomes = {name: [result.outcomes.get(name) for result in results] for name in names}
    stands_for = comparison.payoff_outcomes
    rest = {
        player: (player, ranges)
        for player, ranges in payoffs.items()
        if player not in stands_for.values()
    }
    listed = {name: (stands_for.get(name, ""), values) for name, values in outcomes.items()}
    return {**listed, **rest} if stands_for else {**rest, **listed}


def texts_of(comparison: Comparison, player: str, ranges: Sequence[Range | None]) -> list[str]:
    """Return a column of the comparison as text; ``player`` is "" unless it is a payoff."""
    results = comparison.regimes
    of_payoffs, of_outcomes = scales(
        end for result in results for seen in result.payoffs.values() for end in seen
    )
    if player:
        return column_of_numbers(ranges, scale=0.0 if comparison.rational else of_payoffs)
    return column_of_numbers(ranges, scale=of_outcomes)


def is_constant(texts: Sequence[str]) -> bool:
    """Return whether a column says the same of every regime."""
    return len(texts) > 1 and "-" not in texts and len(set(texts)) == 1


def _table_of(page: Page, comparison: Comparison, names: Sequence[str]) -> None:
    columns = _columns(comparison)
    results = comparison.regimes
    head, words, cells = ["regime"], [""], [[result.label for result in results]]
    styles: dict[tuple[int, int], str] = {}
    for name in names:
        player, ranges = columns[name]
        texts = texts_of(comparison, player, ranges)
        if player:
            best = comparison.best[player]
            marks = [
                "*" if r.name in best.contenders else "~" if r.name in best.near else " "
                for r in results
            ]
            texts = [text + mark for text, mark in zip(texts, marks, strict=True)]
            for row, mark in enumerate(marks):
                if mark != " ":
                    styles[row, len(head)] = "bold green" if mark == "*" else "green"
        head.append(name + (" " if player else ""))
        words.append(_words(comparison, name))
        cells.append(texts)
    page.table(head, [list(row) for row in zip(*cells, strict=True)], styles=styles, words=words)


def _words(comparison: Comparison, name: str) -> str:
    """Return the words above a column: its label, without what its name says already."""
    label = comparison.labels.get(name, "")
    family, comma, member = label.rpartition(", ")
    if comma and name.endswith(f"_{member}"):
        return f"{family}: "
    return "" if label.casefold() == name.casefold() else label


def _flags(result: RegimeResult) -> str:
    if not result.solution.equilibria:
        return ""
    return " ".join(
        name if value else f"{name}?" for name, value in result.flags.items() if value is not False
    )


def _marks(page: Page, comparison: Comparison, shown: Sequence[str]) -> None:
    """Say what the marks in the table mean, if there are any."""
    marked = [comparison.best[player] for player in shown if player]
    if any(best.contenders for best in marked):
        near = any(best.near for best in marked)
        page.text("* best for that player" + (f"; ~ near tie, {_near()}" * near), "dim")


def _verdicts(page: Page, comparison: Comparison, shown: Sequence[str], everything: bool) -> None:
    labels = {result.name: result.label for result in comparison.regimes}
    others = []
    for player, best in comparison.best.items():
        who = comparison.labels.get(player, player)
        if everything or player in shown:
            page.item(f"Best for {who}", verdict_sentence(best, labels))
        elif len(best.contenders) < len(labels):
            named = " or ".join(labels[name] for name in best.contenders) or "none"
            others.append(f"{named} for {who}" + (" (a near tie)" if best.near else ""))
    if others:
        page.item("Best for the other players", "; ".join(others))
    left_out = [result.label for result in comparison.regimes if not result.solution.equilibria]
    if left_out:
        page.item("Not in the running, for want of an equilibrium", ", ".join(left_out))
    choice = comparison.choice
    if choice is not None and (
        everything or choice.regimes != comparison.best[choice.player].contenders
    ):
        who = comparison.labels.get(choice.player, choice.player)
        chosen = " or ".join(labels[name] for name in choice.regimes)
        page.item(f"Chosen by {who}", chosen or f"cannot be told ({choice.reason})")
    commitment = comparison.commitment
    if commitment is not None:
        who = comparison.labels.get(commitment.player, commitment.player)
        page.item(f"Value of commitment to {who}", _worth(commitment, labels))


def _near() -> str:
    return f"within {100 * tolerances.TIE:g} percent of the column's largest payoff"


def _worth(commitment: CommitmentValue, labels: Mapping[str, str]) -> str:
    if commitment.value is None:
        return f"not known ({commitment.reason})"

    payoffs = [*(commitment.committed or ()), *(commitment.discretionary or ())]
    scale, _ = scales(payoffs)

    def told(bounds: Range | None, order: str, regimes: Sequence[str]) -> str:
        named = " or ".join(labels[name] for name in regimes)
        return f"{interval(bounds, 5, scale)} by choosing {order} ({named})"

    first = told(commitment.committed, "first", commitment.chosen_committed)
    last = told(commitment.discretionary, "last", commitment.chosen_discretionary)
    return f"{interval(commitment.value, 3, scale)}, that is {first} less {last}"


def verdict_sentence(best: Best, labels: Mapping[str, str]) -> str:
    """Return which regime is best for a player, in words; ``labels`` are the regimes'."""
    named = [labels[name] for name in best.contenders]
    match best.verdict.value:
        case "tie" if len(named) == len(labels):
            return "all the same"
        case "wins":
            runner_up = labels[best.runner_up or ""]
            text = f"{named[0]}, by {_margin(best.margin or 0.0)} over {runner_up}"
            if best.near:
                also = [labels[name] for name in best.near if name != best.runner_up]
                text += ": a near tie" + (f", also with {listed(also)}" if also else "")
        case "tie":
            text = f"a tie of {listed(named)}"
        case "depends on which equilibrium":
            text = f"depends on which equilibrium: {' or '.join(named)}"
        case "nothing to compare with":
            text = f"{named[0]} (nothing to compare it with)"
        case _:
            text = "no equilibrium was found under any regime"
    return text


def _margin(value: float) -> str:
    """Return a difference with three digits, or all those before the point: 1567, not 1.57e+03."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else number(value, 3)


def _flag_legend(page: Page, comparison: Comparison, everything: bool) -> None:
    """Explain the flags: all of them, or those that are raised somewhere."""
    states = [result.flags for result in comparison.regimes]
    raised = [
        (name, condition)
        for name, condition in comparison.flag_conditions.items()
        if everything or any(flags.get(name) is not False for flags in states)
    ]
    if raised:
        page.blank()
        page.item(
            "Flags", "; ".join(f"{name} is {condition}" for name, condition in raised), "bold"
        )
    if any(value is None for flags in states for value in flags.values()):
        page.text("? depends on which equilibrium, or cannot be told", "dim")


def _legend(page: Page, comparison: Comparison) -> None:
    named = [
        (name, comparison.labels.get(name, name), comparison.units.get(name, ""))
        for name in _columns(comparison)
        if comparison.labels.get(name, name) != name or name in comparison.units
    ]
    if named:
        page.heading("Columns")
        for name, label, unit in named:
            page.item(name, f"{label} ({unit})" if unit else label)
