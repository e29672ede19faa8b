"""Attributions as text and CSV: which mechanisms bring about what a regime changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..study._digits import signed
from .csv import table_csv
from .text import Page, clean, cleared, column_of_numbers, number, numbers_text, plain

if TYPE_CHECKING:
    from ..study.attribution import Attribution

__all__ = [
    "attribution_csv",
    "attribution_page",
    "attribution_sentence",
    "attribution_text",
]

NAMED = 3
"""Mechanisms that the sentence names."""
PAIRS = 5
"""Pairs of mechanisms in the short table of interactions."""
NEGLIGIBLE = 0.02
"""Contributions below this share of the largest are not worth a word."""


def attribution_text(found: Sequence[Attribution], width: int | None = None) -> str:
    """Return attributions as plain text."""
    return plain(attribution_page(found, width))


def attribution_page(
    found: Sequence[Attribution], width: int | None = None, *, everything: bool = False
) -> Page:
    """Return the page that ``highfence attribute`` prints.

    Parameters
    ----------
    everything
        All pairs of mechanisms and all coalitions without a value; else the short page.
    """
    page = Page(width)
    first = found[0]
    page.text(first.title, "bold")
    page.text(_asked(first))
    for one in found:
        page.blank()
        page.answer(attribution_sentence(one), "")
        _table(page, one)
        _interactions(page, one, everything)
    page.blank()
    page.text(
        "share: the Shapley value, what a mechanism adds averaged over all orders in which "
        "mechanisms may be switched on; the shares sum to the whole. added last: to all others. "
        "added first: to none. so far: from every mechanism off to the game as it is.",
        "dim",
    )
    page.notes(note for one in found for note in _notes(one, everything))
    return page


def _asked(one: Attribution) -> str:
    at = numbers_text(one.preset, {name: number(one.parameters[name]) for name in one.changed})
    text = f"{one.game}; {at}"
    if one.drawn:
        text += f"; {one.draws} draws of {len(one.drawn)} parameters"
    how = "all coalitions of" if one.exact else f"{2 * one.permutations} sampled orders of"
    return f"{text}; {how} {len(one.mechanisms)} mechanisms"


def _what(one: Attribution) -> str:
    return f"{one.outcome} ({one.outcome_label})" if one.outcome_label else one.outcome


def _amount(one: Attribution, value: float) -> str:
    """Return a value of the outcome: a share of draws for a condition, else a number."""
    if one.condition and one.drawn:
        return f"{100 * value:.0f}%"
    return signed(value) if one.baseline else number(value, 4)


def _change(one: Attribution, value: float) -> str:
    if one.condition and one.drawn:
        return f"{100 * value:+.0f} points"
    return signed(value)


def attribution_sentence(one: Attribution) -> str:
    """Return the answer in a sentence or two."""
    label = one.regime_label
    if not one.used:
        return (
            f"{label}: nothing can be attributed, because no order of the mechanisms is certified."
        )
    if one.condition and one.drawn:
        head = (
            f"Under {label}, {_what(one)} holds in {_amount(one, one.full)} of the draws, and in "
            f"{_amount(one, one.bare)} with every mechanism off."
        )
    elif one.condition:
        said = {0.0: "does not hold", 1.0: "holds"}
        head = (
            f"Under {label}, {_what(one)} {said.get(one.full, 'depends on which equilibrium')}; "
            f"with every mechanism off it {said.get(one.bare, 'depends on which equilibrium')}."
        )
    else:
        size = max(abs(one.full), abs(one.bare))
        full, bare, total = (cleared(value, size) for value in (one.full, one.bare, one.total))
        if one.baseline:
            apart = f"{number(abs(full), 3)} {'above' if full >= 0 else 'below'} that"
            head = (
                f"Under {label}, {_what(one)} is {apart if full else 'the same as'} under "
                f"{one.baseline_label}: {signed(bare)} with every mechanism off, "
                f"{signed(total)} through the mechanisms."
            )
        else:
            head = (
                f"Under {label}, {_what(one)} is {number(full, 4)}, and {number(bare, 4)} with "
                f"every mechanism off: the mechanisms change it by {signed(total)}."
            )
    return f"{head} {_blame(one)}"


def _blame(one: Attribution) -> str:
    steps = [step for step in one.waterfall if step.change]
    if not steps:
        return "No mechanism changes it."
    least = NEGLIGIBLE * abs(steps[0].change)
    large = [step for step in steps if abs(step.change) >= least]
    signs = {1.0: "raise", -1.0: "lower"}
    said = []
    for sign, verb in signs.items():
        those = [step for step in large if step.change * sign > 0][:NAMED]
        if those:
            listed = ", ".join(f"{s.mechanism} ({_change(one, s.change)})" for s in those)
            said.append((abs(those[0].change), f"{listed} {verb}{'s' * (len(those) == 1)} it most"))
    return "; ".join(text for _, text in sorted(said, reverse=True)) + "."


def _table(page: Page, one: Attribution) -> None:
    if not one.waterfall:
        return
    place = {name: k for k, name in enumerate(one.mechanisms)}
    order = [place[step.mechanism] for step in one.waterfall]
    uncertain = bool((one.error > 0).any())
    ranged = bool((one.highest - one.lowest > 1e-4 * abs(one.shapley).max()).any())

    def cells(values: Any) -> list[str]:
        return column_of_numbers([(float(v), float(v)) for v in values], 4)

    head = ["mechanism", "id", "share"]
    columns = [cells([step.change for step in one.waterfall])]
    if uncertain:
        head.append("s.e.")
        columns.append(cells(one.error[order]))
    if ranged:
        head.append("range")
        columns.append(
            column_of_numbers([(float(one.lowest[k]), float(one.highest[k])) for k in order], 4)
        )
    head += ["added last", "added first", "so far"]
    columns.append(cells(one.added_last[order]))
    columns.append(cells(one.added_first[order]))
    so_far = cells([one.bare, *(step.end for step in one.waterfall), one.full])
    columns.append(so_far[1:-1])
    rows = [["(every mechanism off)", *[""] * (len(head) - 2), so_far[0]]]
    for k, step in enumerate(one.waterfall):
        rows.append([step.mechanism, one.ids[step.mechanism], *(column[k] for column in columns)])
    rows.append(["(the game as it is)", *[""] * (len(head) - 2), so_far[-1]])
    page.blank()
    page.table(head, rows, left=(0, 1))


def _interactions(page: Page, one: Attribution, everything: bool) -> None:
    if one.interactions is None or one.interaction_errors is None or len(one.mechanisms) < 2:
        return
    names, table, errors = one.mechanisms, one.interactions, one.interaction_errors
    pairs = [
        (i, j)
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if table[i, j] == table[i, j]
    ]
    pairs.sort(key=lambda pair: -abs(table[pair]))
    largest = abs(table[pairs[0]]) if pairs else 0.0
    shown = pairs if everything else [p for p in pairs if abs(table[p]) >= NEGLIGIBLE * largest]
    shown = shown if everything else shown[:PAIRS]
    if not largest:
        return
    page.blank()
    index = column_of_numbers([(float(table[p]),) * 2 for p in shown], 3)
    head, columns = ["together", "interaction"], [index]
    if any(errors[pair] > 0 for pair in shown):
        head.append("s.e.")
        columns.append(column_of_numbers([(float(errors[p]),) * 2 for p in shown], 3))
    head.append("in words")
    rows = []
    for k, (i, j) in enumerate(shown):
        same = table[i, j] * one.shapley[i] > 0 and table[i, j] * one.shapley[j] > 0
        against = table[i, j] * one.shapley[i] < 0 and table[i, j] * one.shapley[j] < 0
        words = "each strengthens the other" if same else ""
        words = "each takes from the other's share" if against else words
        rows.append([f"{names[i]} and {names[j]}", *(column[k] for column in columns), words])
    page.table(head, rows, left=(0, len(head) - 1))


def _notes(one: Attribution, everything: bool) -> list[str]:
    notes = []
    if one.idle:
        notes.append(f"Off already at these numbers, so without a share: {', '.join(one.idle)}")
    if not one.exact:
        notes.append(
            f"{one.regime}: with {len(one.mechanisms)} mechanisms orders are sampled, each with "
            "its reverse; s.e. is the standard error of that"
            + (" and of the draws" if one.draws > 1 else "")
        )
    elif one.draws > 1:
        notes.append(f"{one.regime}: s.e. is the standard error over the draws")
    if one.used < one.draws:
        notes.append(
            f"{one.regime}: {one.draws - one.used} of {one.draws} draws have no answer and are "
            "left out, because no order of the mechanisms is certified there"
        )
    if one.undefined:
        shown = one.undefined if everything else one.undefined[:3]
        listed = "; ".join(
            ("all on" if not off else f"off: {', '.join(off)}")
            + (f" ({count} draws)" if one.draws > 1 else "")
            for off, count in shown
        )
        rest = len(one.undefined) - len(shown)
        notes.append(
            f"{one.regime}: {len(one.undefined)} of {one.coalitions} coalitions have no certified "
            f"value{'' if one.draws == 1 else ' at some draw'} ({listed}"
            + (f"; and {rest} more: --all" if rest else "")
            + f"); shares average over the {100 * one.orders:.1f}% of orders that avoid them"
        )
    if one.several:
        notes.append(
            f"{one.regime}: {one.several} of {one.coalitions * one.draws} answers differ between "
            f"equilibria; the {one.rule} value stands for them, and range says what other choices "
            "would give"
        )
    return notes


def attribution_csv(found: Sequence[Attribution]) -> str:
    """Return one row per regime and mechanism, in the order of the waterfall."""
    rows: list[dict[str, Any]] = []
    for one in found:
        place = {name: k for k, name in enumerate(one.mechanisms)}
        for step in one.waterfall:
            k = place[step.mechanism]
            rows.append(
                {
                    "regime": one.regime,
                    "baseline": one.baseline,
                    "outcome": one.outcome,
                    "mechanism": step.mechanism,
                    "id": one.ids[step.mechanism],
                    "label": clean(one.labels[step.mechanism]),
                    "share": step.change,
                    "error": float(one.error[k]),
                    "lowest": float(one.lowest[k]),
                    "highest": float(one.highest[k]),
                    "added_last": float(one.added_last[k]),
                    "added_first": float(one.added_first[k]),
                    "start": step.start,
                    "end": step.end,
                }
            )
    return table_csv(rows, ["regime", "baseline", "outcome", "mechanism"])
