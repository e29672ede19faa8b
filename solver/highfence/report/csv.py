"""Solutions and comparisons as CSV: one row per equilibrium, one column per number.

Columns are named like the keys of the JSON, joined by dots: ``payoff.A``,
``outcome.K_H``, ``strategy.A.regime.small_yard``. Numbers keep all their digits. Text
that a spreadsheet would run as a formula is disarmed by an apostrophe. Where one equilibrium is
listed for each outcome of play, ``stands_for`` says of how many.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .json import plain

if TYPE_CHECKING:
    from ..solution import Equilibrium, Solution
    from ..study.compare import Comparison

__all__ = ["comparison_csv", "solution_csv", "table_csv"]


def solution_csv(solution: Solution) -> str:
    """Return the equilibria, one row each; only the header if there is none."""
    rows: list[dict[str, Any]] = [
        {"equilibrium": number, "status": solution.status.value, **_cells(equilibrium)}
        for number, equilibrium in enumerate(solution.equilibria, 1)
    ]
    first = ["equilibrium", "status"]
    counts = solution.multiplicities
    if max(counts, default=1) > 1:
        first.append("stands_for")
        for row, count in zip(rows, counts, strict=True):
            row["stands_for"] = count
    return table_csv(rows, first)


def comparison_csv(comparison: Comparison) -> str:
    """Return every equilibrium of every regime; a regime without one has a row with its status."""
    rows: list[dict[str, Any]] = []
    for result in comparison.regimes:
        head = {
            "regime": result.name,
            "label": result.label,
            "status": result.solution.status.value,
        }
        flags = {
            f"flag.{name}": "depends" if value is None else value
            for name, value in result.flags.items()
        }
        found = [
            {**head, "equilibrium": number, **_cells(equilibrium), **flags}
            for number, equilibrium in enumerate(result.solution.equilibria, 1)
        ]
        rows.extend(found or [head])
    return table_csv(rows, ["regime", "label", "status", "equilibrium"])


def table_csv(rows: Iterable[Mapping[str, Any]], first: Iterable[str] = ()) -> str:
    """Return rows as CSV; missing cells are empty.

    Columns stand in order of first appearance, except that payoffs, outcomes, flags and
    strategies each stand together, the certificate last.
    """
    rows = list(rows)
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    columns.sort(key=_group)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_disarmed(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return text.getvalue()


_GROUPS = ("payoff", "outcome", "flag", "strategy", "regret", "tolerance", "exact", "refinement")


def _group(column: str) -> int:
    group = column.partition(".")[0]
    return _GROUPS.index(group) if group in _GROUPS else -1


def _cells(equilibrium: Equilibrium) -> dict[str, Any]:
    certificate = equilibrium.certificate
    cells: dict[str, Any] = {f"payoff.{n}": float(v) for n, v in equilibrium.payoffs.items()}
    cells.update({f"outcome.{name}": value for name, value in equilibrium.outcomes.items()})
    cells.update(_leaves("strategy", equilibrium.strategies))
    cells["regret"] = float(certificate.regret)
    cells["tolerance"] = certificate.tolerance
    cells["exact"] = certificate.exact
    cells["refinement"] = certificate.refinement
    return cells


def _leaves(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {place: value if isinstance(value, str) else float(value)}
    made: dict[str, Any] = {}
    for key, item in value.items():
        made.update(_leaves(f"{place}.{key}", item))
    return made


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else _disarmed(str(value))


def _disarmed(text: str) -> str:
    # Tab and carriage return start a formula in some spreadsheets as well.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
