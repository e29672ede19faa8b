"""Tipping points as text, JSON and CSV.

``highfence tipping --json``::

    game, title, source, preset
    changed             {name: number or text}: the parameters that were set
    parameter, label, unit
    value               where nothing is varied
    low, high           the range looked at
    regimes             [name]
    player              whose payoff decides, or null
    outcome             the formula asked about instead, or null
    tolerance           width of the brackets
    resolution          largest distance between neighboring points
    complete, settled   true | false
    answer              the sentence that the text begins with
    tips                [{kind, regime or null, low, high, before, after, says,
                          margins: [number, number] or null, crossing, near_tie: likewise,
                          changes: {outcome: {before: [low, high], after: [low, high]}},
                          unsolved}]
    series              [{regime or null,
                          stretches: [{low, high, state, regimes, margin: [low, high] or null}],
                          points: [{at, state, low, high, near_tie}],
                          alone: [{at, state}]}]: points at which, alone, something else holds
    gaps                [{low, high, regime, found_none,
                          probes: [{at, found, says, payoff: [low, high] or null}]}]
    notes               [text]

``kind`` is a value of :class:`highfence.study.tipping.Kind`. ``low`` and ``high`` of a point are
the margin of the best regime, or the lowest and highest value of the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite, log10
from typing import TYPE_CHECKING, Any

from ..study.tipping import Kind, Tipping
from .csv import table_csv
from .json import plain as plain_value
from .text import GAP, Page, interval, number, plain

if TYPE_CHECKING:
    from ..study.tipping import Series, Stretch, Tip

__all__ = [
    "letters_of",
    "tipping_csv",
    "tipping_dict",
    "tipping_page",
    "tipping_text",
]

FULL, SHORT = 40, 12
"""Changes within regimes on the page with everything, and on the short one."""
SIGNS = {"above 0": "+", "below 0": "-", "0": "0", "holds": "+", "fails": "-"}
DEPENDS, EQUAL, UNKNOWN = "?", "=", "."


def letters_of(names: Sequence[str]) -> dict[str, str]:
    """Return a capital letter (or a digit) of its own for every name, its first if it is free.

    Examples
    --------
    >>> letters_of(["none", "small_yard", "screening_only"])
    {'none': 'N', 'small_yard': 'S', 'screening_only': 'C'}
    """
    made: dict[str, str] = {}
    for name in names:
        own = [c for c in name.upper() if "A" <= c <= "Z"]
        for letter in (*own, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"123456789"):
            if letter not in made.values():
                made[name] = letter
                break
        else:
            made[name] = "*"
    return made


def _place(value: float, found: Tipping, more: int = 0) -> str:
    """Return a value of the parameter with as many decimals as the tolerance carries."""
    decimals = max(0, ceil(-log10(found.tolerance) - 1e-9)) + more
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _judge(found: Tipping) -> str:
    return f"{found.player} ({found.player_label})" if found.player_label else str(found.player)


def answer(found: Tipping) -> str:
    """Return what was found about the best regime, or the outcome, in a sentence or two."""
    if not found.series:
        where = f"{found.parameter} from {_ends(found)}"
        if not found.tips:
            return f"Nothing changes under {', '.join(found.regimes)} along {where}."
        count = len(found.tips)
        places = "one place" if count == 1 else f"{count} places"
        return f"Under {', '.join(found.regimes)}, things change at {places} along {where}."
    lines = ((_sentence(found, line), _alone(found, line)) for line in found.series)
    return " ".join(f"{said.removesuffix('.')}{alone}." for said, alone in lines)


def _alone(found: Tipping, line: Series) -> str:
    """Return what holds at single points, which the stretches leave out."""
    told = []
    for state in dict.fromkeys(state for _, state in line.alone):
        places = [_place(at, found) for at, other in line.alone if other == state]
        more = f" and {len(places) - 3} more points" if len(places) > 3 else ""
        where = ", ".join(places[:3]) + more
        words = state if found.outcome is None else f"it {_told_of(state)}"
        told.append(f", except at {found.parameter} = {where}: {words}")
    return "".join(told)


def _ends(found: Tipping) -> str:
    return f"{_place(found.low, found)} to {_place(found.high, found)}"


def _sentence(found: Tipping, line: Series) -> str:
    known = [s for s in line.stretches if s.state]
    name = found.parameter
    where = f"{name} from {_ends(found)}"
    if not known:
        return f"Nothing is certified at any {where}."
    if found.outcome is not None:
        asked = f"{line.regime}: {found.outcome}" if line.regime else found.outcome
        told = [_told(stretch) for stretch in known]
        if len(set(told)) == 1:
            return f"{asked} {told[0]} at every {where}{_but(line)}."
        return f"{asked} {_listed(found, line, told)}."
    told = [stretch.state for stretch in known]
    who = _judge(found)
    if len(known) == 1 or len(set(told)) == 1:
        margin = known[0].margin
        by = f", by at least {number(margin[0], 3)} at the values solved" if margin else ""
        lowest = by if len(known) == 1 and not line.alone else ""
        best = f"{told[0]} is best" if " " not in told[0] else f"{told[0]}: {_undecided(told[0])}"
        return f"{best} for {who} at every {where}{lowest}{_but(line)}."
    if len(known) == 2 and all(" " not in state for state in told):
        first, second = known
        below = "below" if first.high == second.low else f"up to {_place(first.high, found)}"
        return (
            f"{second.state} is best for {who} from {name} = {_place(second.low, found)} up to "
            f"{_place(found.high, found)}; {below}, {first.state}."
        )
    return f"Best for {who}: {_listed(found, line, told)}."


def _undecided(state: str) -> str:
    return "equal" if "=" in state else "it depends on which equilibrium is played"


def _told(stretch: Stretch) -> str:
    return _told_of(stretch.state)


def _told_of(words: str) -> str:
    return words if words in ("holds", "fails") or words.startswith("depends") else f"is {words}"


def _but(line: Series) -> str:
    return "" if all(s.state for s in line.stretches) else " that is certified"


def _listed(found: Tipping, line: Series, told: list[str]) -> str:
    """Return ``none up to 0.3, small_yard from there to 0.7, broad from there on``."""
    parts = []
    known = [s for s in line.stretches if s.state]
    for k, (stretch, words) in enumerate(zip(known, told, strict=True)):
        joined = k > 0 and known[k - 1].high == stretch.low
        start = "from there" if joined else f"from {_place(stretch.low, found)}"
        if k == 0 and stretch is line.stretches[0]:
            parts.append(f"{words} up to {found.parameter} = {_place(stretch.high, found)}")
        elif k == len(known) - 1 and stretch is line.stretches[-1]:
            parts.append(f"{words} {start} on")
        else:
            parts.append(f"{words} {start} to {_place(stretch.high, found)}")
    return ", ".join(parts)


def _today(found: Tipping) -> str:
    """Return what holds at the parameter's own value, and how far the nearest flip is."""
    if not found.low <= found.value <= found.high or not found.series:
        return ""
    k = min(range(len(found.x)), key=lambda n: abs(float(found.x[n]) - found.value))
    lines = [line for line in found.series if line.states[k]]
    if not lines or abs(float(found.x[k]) - found.value) > found.tolerance:
        return ""
    line = lines[0]
    said = f"At {found.parameter} = {number(found.value)}, the value where nothing is varied, "
    if found.outcome is None:
        if line.states[k] in found.regimes:
            near = " (a near tie)" if line.near[k] else ""
            said += f"{line.states[k]} is best by {number(float(line.low[k]), 3)}{near}"
        else:
            said += f"{line.states[k]}: {_undecided(line.states[k])}"
    else:
        told = []
        for line in lines:
            value = interval((float(line.low[k]), float(line.high[k])), 4)
            what = line.states[k] if found.condition else value
            told.append(f"{what} under {line.regime}" if line.regime else what)
        said += ("it " if found.condition else "it is ") + ", ".join(told)
    if found.flips:
        away = min(abs(tip.at - found.value) for tip in found.flips)
        said += f"; the nearest flip is {_place(away, found)} away"
    return said + "."


def tipping_page(found: Tipping, *, everything: bool = False, width: int | None = None) -> Page:
    """Return the page: the answer in a sentence, a strip, and what changes where."""
    page = Page(width)
    page.text(found.title, "bold")
    label = f" ({found.label})" if found.label else ""
    unit = f", in {found.unit}" if found.unit else ""
    given = ", ".join(f"{name} = {value}" for name, value in found.changed.items())
    base = f"{found.preset or 'default'} parameters" + (f" with {given}" if given else "")
    page.text(f"{found.game} along {found.parameter}{label}{unit}; {base}")
    page.blank()
    page.answer(answer(found))
    if today := _today(found):
        page.text(today)
    for line in found.series:
        _strip(page, found, line)
    flips = list(found.flips)
    if flips:
        page.heading("Flips")
        for tip in flips:
            page.item(_where(found, tip), _flip_text(found, tip))
    within = [tip for tip in found.tips if tip.kind not in (Kind.BEST, Kind.OUTCOME)]
    shown = within[: FULL if everything else SHORT]
    if shown:
        page.heading("What else changes")
        for tip in shown:
            page.item(_where(found, tip), f"{tip.regime}: {tip.says}{_open(tip)}")
        if len(within) > len(shown):
            page.text(f"... and {len(within) - len(shown)} more (--json has all of them)")
    if found.gaps:
        page.heading("Where nothing is certified")
        for gap in found.gaps[: FULL if everything else SHORT]:
            low, high = _place(gap.low, found), _place(gap.high, found)
            why = "no equilibrium found" if gap.found_none else "proposals rejected by the judge"
            where = low if low == high else f"{low} to {high}"
            page.item(f"{found.parameter} = {where}", f"{gap.regime}: {why}")
            for probe in gap.probes:
                said = f"found {probe.says or 'one'}" if probe.found else "none found either"
                payoff = f"; {found.player} {interval(probe.payoff, 5)}" if probe.payoff else ""
                place = _place(probe.at, found)
                page.text(f"searched in full at {place}: {said}{payoff}", indent=GAP, hang=GAP)
        if len(found.gaps) > len(found.gaps[: FULL if everything else SHORT]):
            page.text(f"... {len(found.gaps)} such stretches in all (--json has them)")
    page.blank()
    page.text(
        f"{len(found.x)} values solved under {len(found.regimes)} "
        f"{'regime' if len(found.regimes) == 1 else 'regimes'}, each answer certified or left out. "
        f"Changes are bracketed to {number(found.tolerance, 2)}; neighboring values are at most "
        f"{number(found.resolution, 2)} apart, and two changes that come and go between two of "
        "them, without a sign on either side, would be missed."
    )
    for note in found.notes:
        page.bullet(note)
    return page


def _where(found: Tipping, tip: Tip) -> str:
    if tip.high - tip.low > found.tolerance * (1 + 1e-6):
        return f"{found.parameter} = {_place(tip.low, found)} to {_place(tip.high, found)}"
    return f"{found.parameter} = {_place(tip.at, found)}"


def _open(tip: Tip) -> str:
    return " (what lies between is not certified)" if tip.unsolved else ""


def _flip_text(found: Tipping, tip: Tip) -> str:
    said = tip.says
    if tip.margins is not None and not found.condition:
        low, high = (_place(end, found, 1) for end in (tip.low, tip.high))
        one, two = tip.margins
        if tip.kind is Kind.BEST:
            ahead = _ahead(found, tip.before, one, "is ahead by")
            then = _ahead(found, tip.after, -two, "by" if "ahead" in ahead else "is ahead by")
            said += f"; {ahead} at {low}, {then} at {high}"
        else:
            said += f"; it is {number(one, 3)} at {low} and {number(two, 3)} at {high}"
        said += "" if tip.crossing or tip.unsolved else ", a jump"
    if tip.near_tie is not None:
        low, high = (_place(end, found) for end in tip.near_tie)
        said += f"; a near tie at the values solved from {low} to {high}"
    return said + _open(tip)


def _ahead(found: Tipping, state: str, margin: float, verb: str) -> str:
    if state in found.regimes:
        return f"{state} {verb} {number(margin, 3)}"
    return "equal" if "=" in state else "open"


def _strip(page: Page, found: Tipping, line: Series) -> None:
    """Add the range as one line of letters, the ends below it, and what the letters mean."""
    page.blank()
    if line.regime is not None:
        page.text(line.regime)
    columns = max(min(page.width - 4, 72), 10)
    letters = letters_of(found.regimes)
    drawn = []
    for k in range(columns):
        at = found.low + (found.high - found.low) * (k + 0.5) / columns
        stretch = next((s for s in line.stretches if s.low <= at <= s.high), None)
        mark = UNKNOWN
        if stretch is not None and stretch.state:
            mark = _mark(stretch.state, letters)
            nearest = min(range(len(found.x)), key=lambda n: abs(float(found.x[n]) - at))
            if mark.isalpha() and line.near[nearest]:
                mark = mark.lower()
        drawn.append(mark)
    page.line(GAP + "".join(drawn))
    low, high = _place(found.low, found), _place(found.high, found)
    page.line(GAP + low + found.parameter.center(max(columns - len(low) - len(high), 1)) + high)
    seen = set(drawn)
    legend = [f"{letters[n]} {n}" for n in found.regimes if {letters[n], letters[n].lower()} & seen]
    if any(mark.islower() for mark in seen):
        legend.append("lower case: near tie")
    for mark, words in (
        ("+", "holds" if found.condition else "above 0"),
        ("-", "fails" if found.condition else "below 0"),
        ("0", "is 0"),
        (EQUAL, "equal"),
        (DEPENDS, "depends on which equilibrium"),
        (UNKNOWN, "nothing certified"),
    ):
        if mark in seen:
            legend.append(f"{mark} {words}")
    page.text(GAP + ", ".join(legend), indent=GAP)


def _mark(state: str, letters: dict[str, str]) -> str:
    if state in letters:
        return letters[state]
    if state in SIGNS:
        return SIGNS[state]
    return EQUAL if " = " in state else DEPENDS


def tipping_text(found: Tipping) -> str:
    """Return the page as plain text."""
    return plain(tipping_page(found))


def tipping_dict(found: Tipping) -> dict[str, Any]:
    """Return the study with the keys that the module's docstring lists."""
    made = plain_value(
        {
            "game": found.game,
            "title": found.title,
            "source": found.source,
            "preset": found.preset,
            "changed": {n: _json(v) for n, v in found.changed.items()},
            "parameter": found.parameter,
            "label": found.label,
            "unit": found.unit,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "regimes": list(found.regimes),
            "player": found.player,
            "outcome": found.outcome,
            "tolerance": found.tolerance,
            "resolution": found.resolution,
            "complete": found.complete,
            "settled": found.settled,
            "answer": answer(found),
            "tips": [_tip_dict(tip) for tip in found.tips],
            "series": [_series_dict(found, line) for line in found.series],
            "gaps": [
                {
                    "low": gap.low,
                    "high": gap.high,
                    "regime": gap.regime,
                    "found_none": gap.found_none,
                    "probes": [
                        {"at": p.at, "found": p.found, "says": p.says, "payoff": p.payoff}
                        for p in gap.probes
                    ],
                }
                for gap in found.gaps
            ],
            "notes": list(found.notes),
        }
    )
    assert isinstance(made, dict)
    return made


def _json(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)


def _tip_dict(tip: Tip) -> dict[str, Any]:
    return {
        "kind": tip.kind.value,
        "regime": tip.regime,
        "low": tip.low,
        "high": tip.high,
        "before": tip.before,
        "after": tip.after,
        "says": tip.says,
        "margins": tip.margins,
        "crossing": tip.crossing,
        "near_tie": tip.near_tie,
        "changes": {c.name: {"before": c.before, "after": c.after} for c in tip.changes},
        "unsolved": tip.unsolved,
    }


def _series_dict(found: Tipping, line: Series) -> dict[str, Any]:
    return {
        "regime": line.regime,
        "stretches": [
            {
                "low": s.low,
                "high": s.high,
                "state": s.state,
                "regimes": list(s.regimes),
                "margin": s.margin,
            }
            for s in line.stretches
        ],
        "points": [
            {
                "at": float(found.x[k]),
                "state": line.states[k],
                "low": _finite(line.low[k]),
                "high": _finite(line.high[k]),
                "near_tie": line.near[k],
            }
            for k in range(len(found.x))
        ],
        "alone": [{"at": at, "state": state} for at, state in line.alone],
    }


def _finite(value: Any) -> float | None:
    return float(value) if isfinite(value) else None


def tipping_csv(found: Tipping) -> str:
    """Return one row per change, in order of the parameter."""
    rows = []
    for tip in found.tips:
        margins = tip.margins or (None, None)
        rows.append(
            {
                "parameter": found.parameter,
                "low": tip.low,
                "high": tip.high,
                "kind": tip.kind.value,
                "in_regime": tip.regime,
                "before": tip.before,
                "after": tip.after,
                "margin_low": margins[0],
                "margin_high": margins[1],
                "crossing": tip.crossing,
                "unsolved": tip.unsolved,
                "says": tip.says,
            }
        )
    return table_csv(rows, ["parameter", "low", "high", "kind"])
