"""Sweeps as text and as JSON.

Keys of ``sweep --json``::

    game, title, source, specification, preset, settings, design
    regimes, inputs     names
    draws               how many
    complete            every answer is there
    judge               the player by whom regimes are judged, or null
    best                {player: {regime: draws, "tie": draws, "undecided": draws,
                                  "not compared": draws}}
    counts              {regime: {status: draws}}
    branches            [{branch, regime, plays, from, to, points}] or null
    manifest            {name: text}: request and versions
    notes               [text]
    look_closer         the command that solves the first answer that is not certified, "" if none
    columns             names of the columns of the table
    rows                [[cell]]: the table
"""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..study.sweep import STATUSES, TIE, UNCOMPARED, UNDECIDED
from ..study.table import rows_of
from .json import plain as plain_json
from .text import Page, clean, column_of_numbers, number, plain, scales, setting_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..study.sweep import Sweep

__all__ = ["look_closer", "sweep_dict", "sweep_page", "sweep_sentence", "sweep_text"]

MAX_POINTS = 40
"""Points of a grid that are written out."""

ENDINGS_OF_GAMES = (".toml", ".py")

WITHOUT_WINNER = {TIE: "tie", UNDECIDED: "undecided", UNCOMPARED: "not compared"}

Range = tuple[float, float]


def sweep_text(found: Sweep, width: int | None = None) -> str:
    """Return a sweep as plain text."""
    return plain(sweep_page(found, width))


def sweep_page(found: Sweep, width: int | None = None, everything: bool = False) -> Page:
    """Return a sweep as a page: which regime is best how often, statuses, payoffs."""
    page = Page(width)
    page.answer(sweep_sentence(found))
    page.text(_certified(found))
    _open(page, found)
    for note in found.notes:
        page.bullet(note)
    if not len(found):
        return page
    _statuses(page, found)
    _spread(page, found, everything)
    if len(_varying(found)) == 1:
        _along(page, found, everything)
    if found.branches is not None:
        _branches(page, found)
    return page


def _label(found: Sweep, name: str) -> str:
    label = found.labels.get(name, "")
    return f"{label} ({name})" if label else name


def _varying(found: Sweep) -> list[str]:
    return [name for name, column in found.inputs.items() if len(np.unique(column)) > 1]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "-"


def _draws_of(found: Sweep) -> str:
    draws = "draw" if len(found) == 1 else "draws"
    return f"{len(found):,} {draws} of {', '.join(found.inputs)}"


def sweep_sentence(found: Sweep) -> str:
    """Return which regime is best how often, in a sentence."""
    what = f"{found.title}: {_draws_of(found)}"
    if found.judge is None or len(found.regimes) < 2 or not len(found):
        under = ", ".join(found.regimes)
        return f"{what}, under {under}."
    best = found.best()
    parts = [
        f"{name} in {_percent(count, len(found))}"
        for name, count in _wins(found, best).items()
        if count
    ]
    rest = {
        "equally good": int((best == TIE).sum()),
        "undecided (it depends on which equilibrium)": int((best == UNDECIDED).sum()),
        "not compared (an answer is not certified)": int((best == UNCOMPARED).sum()),
    }
    said = "; ".join(f"{w} in {_percent(n, len(found))}" for w, n in rest.items() if n)
    wins = f"the best regime is {', '.join(parts)}" if parts else "no regime is best in any"
    return f"{what}. For {_label(found, found.judge)} {wins}{f'; {said}' if said else ''}."


def _wins(found: Sweep, best: NDArray[np.int64]) -> dict[str, int]:
    """Return regime -> draws in which it wins, most first."""
    wins = {name: int((best == k).sum()) for k, name in enumerate(found.regimes)}
    return dict(sorted(wins.items(), key=lambda item: -item[1]))


def _certified(found: Sweep) -> str:
    certified = int((found.status == STATUSES[0]).sum())
    said = f"{certified:,} of {found.status.size:,} answers are certified"
    return f"{said} ({_percent(certified, found.status.size)}). Design: {found.design}."


def _open(page: Page, found: Sweep) -> None:
    """Say how many answers are not certified, and the command that looks at the first."""
    count = int((found.status != STATUSES[0]).sum())
    if not count:
        return
    several = count > 1
    page.text(
        f"{count:,} {'answers are' if several else 'answer is'} not certified, and left out of "
        "what is said. A sweep spends less on each answer than solve does on one; this looks "
        f"closer at {'the first of them (--csv has the numbers of all)' if several else 'it'}:"
    )
    page.line(f"  {clean(look_closer(found))}")  # unfolded, so that it can be copied


def look_closer(found: Sweep) -> str:
    """Return the command that solves the first answer that is not certified, "" if all are."""
    open_ = np.argwhere(found.status != STATUSES[0])
    if not len(open_):
        return ""
    draw, k = (int(index) for index in open_[0])
    words = ["highfence", "solve", _callable(found), "--regime", found.regimes[k]]
    if found.preset:
        words += ["--preset", found.preset]
    values = {n: setting_text(v) for n, v in found.settings.items() if n not in found.inputs}
    values |= {name: repr(float(column[draw])) for name, column in found.inputs.items()}
    for name, value in values.items():
        words += ["--set", f"{name}={value.removesuffix('.0')}"]
    return shlex.join(words)


def _callable(found: Sweep) -> str:
    """Return what a command calls the game by: its file, or its name in the catalogue."""
    return found.source if Path(found.source).suffix in ENDINGS_OF_GAMES else found.game


def _statuses(page: Page, found: Sweep) -> None:
    counts = found.counts()
    shown = [name for name in STATUSES if any(counts[r][name] for r in found.regimes)]
    several = (found.answers.count > 1).sum(axis=0)
    head = ["regime", *shown, "several equilibria"]
    rows = [
        [regime, *(f"{counts[regime][name]:,}" for name in shown), f"{several[k]:,}"]
        for k, regime in enumerate(found.regimes)
    ]
    page.heading("Answers")
    page.table(head, rows)


def _scales(found: Sweep) -> tuple[float, float]:
    """Return beside what payoffs and outcomes are rounding: see :func:`.text.scales`."""
    width = len(found.players)
    sides = (found.answers.low[:, :, :width], found.answers.high[:, :, :width])
    return scales(float(np.abs(side[np.isfinite(side)]).max(initial=0.0)) for side in sides)


def _spread(page: Page, found: Sweep, everything: bool) -> None:
    """Show how payoffs spread over the draws: of the judge, or of everybody."""
    some = [found.judge] if found.judge is not None and not everything else found.players
    names = found.names if everything else some
    for name in names:
        low, high = found.column(name)
        rows: list[str] = []
        cells: list[list[Range | None]] = []
        for k, regime in enumerate(found.regimes):
            sides = [side[:, k][np.isfinite(side[:, k])] for side in (low, high)]
            if not len(sides[0]):
                cells.append([None] * 3)
            else:
                marks = [np.quantile(side, (0.05, 0.5, 0.95)) for side in sides]
                cells.append([(float(a), float(b)) for a, b in zip(*marks, strict=True)])
            rows.append(regime)
        scale = _scales(found)[0 if name in found.players else 1]
        texts = column_of_numbers([cell for row in cells for cell in row], scale=scale)
        table = [[regime, *texts[3 * k : 3 * k + 3]] for k, regime in enumerate(rows)]
        what = "Payoff of" if name in found.players else "Outcome"
        page.heading(f"{what} {_label(found, name)} over the draws")
        page.table(["regime", "5 %", "median", "95 %"], table)


def _along(page: Page, found: Sweep, everything: bool) -> None:
    """Show a grid of one parameter: which regime is best where."""
    (name,) = _varying(found)
    column = found.inputs[name]
    order = np.argsort(column, kind="stable")
    judge = found.judge or found.players[0]
    best = found.best(judge)
    said = _changes(found, name, column[order], best[order].tolist())
    page.heading(f"Payoff of {_label(found, judge)} along {_label(found, name)}")
    if said:
        page.text(said)
    shown = order if everything or len(order) <= MAX_POINTS else order[:MAX_POINTS]
    low, high = found.column(judge)
    per_regime = [
        column_of_numbers(
            [
                (float(a), float(b)) if np.isfinite(a) else None
                for a, b in zip(low[shown, k], high[shown, k], strict=True)
            ],
            scale=_scales(found)[0],
        )
        for k in range(len(found.regimes))
    ]
    head = [name, "best", *found.regimes]
    rows = [
        [number(float(column[row])), _name(found, int(best[row])), *(c[i] for c in per_regime)]
        for i, row in enumerate(shown.tolist())
    ]
    if len(found.regimes) < 2:
        head, rows = [head[0], *head[2:]], [[row[0], *row[2:]] for row in rows]
    page.table(head, rows, left=(1,) if len(found.regimes) > 1 else ())
    if len(shown) < len(order):
        page.text(f"{len(order) - len(shown)} more points: --all, or --csv.")


def _name(found: Sweep, best: int) -> str:
    return found.regimes[best] if best >= 0 else WITHOUT_WINNER[best]


def _changes(found: Sweep, name: str, axis: NDArray[np.float64], best: list[int]) -> str:
    """Return between which points the best regime changes."""
    if len(found.regimes) < 2:
        return ""
    parts = [
        f"{_name(found, before)} gives way to {_name(found, after)} between "
        f"{name} = {number(float(axis[k]))} and {number(float(axis[k + 1]))}"
        for k, (before, after) in enumerate(pairwise(best))
        if before != after
    ]
    if not parts:
        return f"At every point it is the same: {_name(found, best[0])}."
    return f"{'; '.join(parts)}. What changes between two points twice is not seen."


def _branches(page: Page, found: Sweep) -> None:
    rows = [
        [
            str(branch["branch"]),
            branch["regime"],
            number(branch["from"]),
            number(branch["to"]),
            f"{branch['points']}",
            branch["plays"],
        ]
        for branch in _branch_list(found)
    ]
    assert found.branches is not None
    page.heading(f"Branches of equilibria along {found.branches.parameter}")
    page.table(["branch", "regime", "from", "to", "points", "plays"], rows, left=(1, 5))


def _branch_list(found: Sweep) -> list[dict[str, Any]]:
    kept = found.branches
    if kept is None:
        return []
    made = []
    for branch in range(1, kept.count + 1):
        on = np.nonzero(kept.branch == branch)[0]
        values = found.inputs[kept.parameter][kept.row[on]]
        made.append(
            {
                "branch": branch,
                "regime": found.regimes[int(kept.regime[on[0]])],
                "plays": kept.plays[on[0]],
                "from": float(values.min()),
                "to": float(values.max()),
                "points": len(on),
            }
        )
    return made


def sweep_dict(found: Sweep) -> dict[str, Any]:
    """Return a sweep with the keys that the module documents."""
    best = {}
    if len(found.regimes) > 1:
        for player in found.players:
            verdict = found.best(player)
            best[player] = {
                **{name: int((verdict == k).sum()) for k, name in enumerate(found.regimes)},
                **{word: int((verdict == k).sum()) for k, word in WITHOUT_WINNER.items()},
            }
    table = found.table()
    made: dict[str, Any] = plain_json(
        {
            "game": found.game,
            "title": found.title,
            "source": found.source,
            "specification": found.specification,
            "preset": found.preset,
            "settings": found.settings,
            "design": found.design,
            "regimes": found.regimes,
            "inputs": list(found.inputs),
            "draws": len(found),
            "complete": found.complete,
            "judge": found.judge,
            "best": best,
            "counts": found.counts(),
            "branches": None if found.branches is None else _branch_list(found),
            "manifest": found.manifest,
            "notes": found.notes,
            "look_closer": look_closer(found),
            "columns": list(table),
            "rows": rows_of(table),
        }
    )
    return made
