"""Figures of studies, drawn by matplotlib, for a report and as files.

Colors are those of Okabe and Ito, which color-blind readers tell apart; whatever a color says is
said again by a hatch, a marker or a word, so that nothing is lost in grayscale. A lever (a regime)
has the same color, hatch and marker in every figure, by its place in the game's own list
(:func:`looks_of`); what is said of uncertainties has the colors of :data:`ROLES`.

Every figure is 17 cm wide, for a page of A4 or Letter.

References
----------
M. Okabe and K. Ito (2008), Color Universal Design.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..study._digits import signed
from ..study.robust import share_interval
from .text import clean, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..study.attribution import Attribution
    from ..study.compare import Comparison
    from ..study.indices import Indices
    from ..study.map import Cell, RegimeMap
    from ..study.report import Found, Running
    from ..study.tipping import Series, Tipping

    Array = NDArray[np.float64]

__all__ = [
    "LEVERS",
    "ROLES",
    "Look",
    "Picture",
    "convergence",
    "discovery_box",
    "look_of_state",
    "looks_of",
    "outcome_bars",
    "percent",
    "regime_map",
    "sobol_bars",
    "tipping_strip",
    "tornado_bars",
    "waterfall",
]


@dataclass(frozen=True)
class Look:
    """How something is drawn, wherever it is drawn."""

    color: str
    hatch: str
    marker: str


BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GRAY = "#8C8C8C"

LEVERS = (
    Look(GRAY, "", "o"),
    Look(SKY, "..", "s"),
    Look(BLUE, "///", "^"),
    Look(VERMILION, "\\\\\\", "D"),
    Look(GREEN, "xxx", "v"),
    Look(YELLOW, "", "P"),
    Look(PURPLE, "---", "X"),
    Look(ORANGE, "|||", "<"),
    Look(SKY, "//", ">"),
    Look(YELLOW, "\\\\", "p"),
    Look(GREEN, "", "h"),
    Look(ORANGE, "o", "*"),
)
"""Looks of regimes, in the order in which a game declares them; a thirteenth begins again."""

ROLES: Mapping[str, Look] = MappingProxyType(
    {
        "low end": Look(SKY, "", "o"),
        "high end": Look(ORANGE, "///", "s"),
        "alone": Look(BLUE, "", "o"),
        "with others": Look(SKY, "///", "s"),
        "raises": Look(BLUE, "", "^"),
        "lowers": Look(ORANGE, "///", "v"),
        "level": Look("#BFBFBF", "", "o"),
        "holds": Look(VERMILION, "", "^"),
        "fails": Look(SKY, "", "o"),
        "undecided": Look("#E0E0E0", "xx", "d"),
        "unknown": Look("#FFFFFF", "", "x"),
    }
)
"""Looks of what figures say of uncertainties and outcomes."""

WIDTH = 6.7
"""Inches: the width of a page's text."""
TALLEST = 9.0
"""Inches: the height of a figure that fits on a page with its caption."""
MOST = 12
"""Parameters or mechanisms in one figure; the rest is named in the caption."""
POINTS = 600
"""Draws in one figure: more hide one another, and the box."""
DOTS = 200
"""Pixels per inch of PNG files."""

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8,
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "font.size": 8,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "highfence",
    "text.parse_math": False,  # a label may hold a dollar sign
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 0,
}


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context(STYLE):
        # A letter that the font lacks is drawn as a box in PNG; in SVG the reader's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@dataclass(frozen=True)
class Picture:
    """A figure, its title, and what it shows in words."""

    name: str
    """The name of its files, without the ending."""
    title: str
    alt: str
    figure: Any

    def png(self) -> bytes:
        """Return the figure as PNG, at 200 dots per inch."""
        with _style():
            made = io.BytesIO()
            self.figure.savefig(
                made, format="png", dpi=DOTS, metadata={"Software": None, "Title": self.title}
            )
        return made.getvalue()

    def svg(self) -> str:
        """Return the figure as an SVG file."""
        return '<?xml version="1.0" encoding="utf-8"?>\n' + self._described(self._drawn())

    def inline(self) -> str:
        """Return the figure as an ``svg`` element of an HTML page, which names no address.

        Identifiers begin with the figure's name, so that several figures fit on one page.
        """
        svg = self._described(self._drawn())
        svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg, count=0)
        svg = svg.replace("xlink:href=", "href=")
        svg = re.sub(r'\bid="([^"]*)"', rf'id="{self.name}-\1"', svg)
        svg = re.sub(r"url\(#([^)]*)\)", rf"url(#{self.name}-\1)", svg)
        svg = re.sub(r'\bhref="#([^"]*)"', rf'href="#{self.name}-\1"', svg)
        # The names that the opening tag refers to.
        return re.sub(
            r'aria-labelledby="([^"]*)"',
            lambda found: (
                'aria-labelledby="'
                + " ".join(f"{self.name}-{one}" for one in found[1].split())
                + '"'
            ),
            svg,
            count=1,
        )

    def _drawn(self) -> str:
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with _style():
            made = io.StringIO()
            self.figure.savefig(made, format="svg", metadata=nothing)
        text = made.getvalue()
        # A hundredth of a point is finer than any printer; more digits triple the page.
        text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
        return text[text.index("<svg") :]

    def _described(self, svg: str) -> str:
        """Return the element with a role, a title and a description."""
        words = (
            f'<title id="title">{escape(self.title)}</title>\n'
            f'<desc id="desc">{escape(self.alt)}</desc>\n'
        )
        end = svg.index(">")
        return f'{svg[:end]} role="img" aria-labelledby="title desc">\n{words}{svg[end + 1 :]}'


def looks_of(regimes: Sequence[str]) -> dict[str, Look]:
    """Return the look of every regime of a game, in the order of declaration."""
    return {name: LEVERS[k % len(LEVERS)] for k, name in enumerate(regimes)}


def look_of_state(state: str, looks: Mapping[str, Look]) -> Look:
    """Return the look of what holds at a point: a regime, a tie, or nothing certified."""
    if state in looks:
        return looks[state]
    return ROLES["undecided" if state else "unknown"]


# ---------------------------------------------------------------------------------------------
# Helpers


def _figure(height: float, rows: int = 1, columns: int = 1, **more: Any) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **more)


def _folded(text: object, width: int = 26, lines: int = 2) -> str:
    """Return a label in a few lines, cut with an ellipsis where it is longer."""
    made = textwrap.wrap(clean(text), width, max_lines=lines, placeholder=" …")
    return "\n".join(made)


def _key(axes: Any, roles: Mapping[str, str]) -> None:
    """Put the meaning of the fills of roles above the axes."""
    axes.legend(
        handles=[_legend_patch(ROLES[role], text) for role, text in roles.items()],
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2,
    )  # fmt: skip


def _legend_patch(look: Look, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(
        facecolor=look.color, hatch=look.hatch, edgecolor=BLACK, linewidth=0.5, label=label
    )


def _bar(axes: Any, at: float, start: float, length: float, look: Look, height: float) -> None:
    axes.barh(
        at, length, left=start, height=height, color=look.color, hatch=look.hatch,
        edgecolor=BLACK, linewidth=0.5,
    )  # fmt: skip


def _named(name: str, label: str, width: int = 38, lines: int = 2) -> str:
    """Return a parameter's name and its label."""
    return _folded(f"{name}: {label}" if label and label != name else name, width, lines)


def percent(share: float) -> str:
    """Return a share in percent, with a decimal next to 0 and 100: what is rare is not never."""
    if 0 < share < 0.0005:
        return "under 0.1%"
    if 0.9995 < share < 1:
        return "over 99.9%"
    return f"{100 * share:.1f}%" if 0 < share < 0.02 or 0.98 < share < 1 else f"{100 * share:.0f}%"


def _finite_limits(axes: Any, values: Sequence[float], share: float = 0.14) -> None:
    """Leave room on both sides for numbers beside the bars."""
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return
    low, high = min(known), max(known)
    room = (high - low or abs(high) or 1.0) * share
    axes.set_xlim(low - room, high + room)


# ---------------------------------------------------------------------------------------------
# Regimes beside one another


def outcome_bars(
    comparison: Comparison,
    looks: Mapping[str, Look],
    baseline: str,
    first: str | None = None,
) -> Picture:
    """Draw what each regime changes, with bounds over equilibria.

    Payoffs come first, then outcomes in the game's order, as many as fit on a page; those that no
    regime changes are left out.

    Parameters
    ----------
    baseline
        The regime whose payoffs and outcomes are subtracted.
    first
        The player whose payoff is drawn first.
    """
    results = comparison.regimes
    base = comparison[baseline]
    players = sorted(comparison.best, key=lambda name: name != first)
    named = comparison.payoff_outcomes
    columns: list[tuple[str, str, Mapping[str, tuple[float, float]]]] = []
    for player in players:
        label = f"Payoff of {comparison.labels.get(player, player)}"
        columns.append((player, label, {r.name: r.payoffs[player] for r in results if r.payoffs}))
    for name in dict.fromkeys(name for r in results for name in r.outcomes):
        if name not in named:
            seen = {r.name: r.outcomes[name] for r in results if name in r.outcomes}
            columns.append((name, comparison.labels.get(name, name), seen))
    drawn = []
    for name, label, found in columns:
        if baseline not in found:
            continue
        low, high = found[baseline]
        changes = {one: (ends[0] - high, ends[1] - low) for one, ends in found.items()}
        changes[baseline] = (0.0, 0.0)
        size = max(abs(end) for ends in found.values() for end in ends)
        if any(max(map(abs, ends)) > 1e-9 * size for ends in changes.values()):
            drawn.append((name, label, changes, (low + high) / 2))
    height = 0.75 + 0.2 * len(results)
    drawn = drawn[: 3 * min(max(int(TALLEST / height), 2), 4)]
    rows = -(-len(drawn) // 3) or 1
    with _style():
        figure, axes = _figure(rows * height, rows, 3, sharey=True)
        for panel in axes.flat[len(drawn) :]:
            panel.set_visible(False)
        places = range(len(results))
        for panel, (name, label, changes, at_base) in zip(axes.flat, drawn, strict=False):
            for place, result in zip(places, results, strict=True):
                if result.name not in changes:
                    panel.text(0, place, " nothing certified", va="center", fontsize=6.5)
                    continue
                low, high = changes[result.name]
                middle = (low + high) / 2
                _bar(panel, place, 0, middle, looks[result.name], 0.66)
                if high > low:
                    panel.errorbar(
                        middle, place, xerr=[[middle - low], [high - middle]], color=BLACK,
                        capsize=2, linewidth=1,
                    )  # fmt: skip
            panel.axvline(0, color=BLACK, linewidth=0.8)
            shown = f"{label} ({name})" if label != name else name
            panel.set_title(
                f"{_folded(shown, 30, 2)}\nchange from {number(at_base, 4)} (baseline)",
                fontsize=7,
            )
            panel.locator_params(axis="x", nbins=4)
            told_apart = (f"{r.label} (baseline)" if r is base else r.label for r in results)
            panel.set_yticks(list(places), [_folded(text, 22) for text in told_apart])
        axes.flat[0].invert_yaxis()
    label = comparison[baseline].label
    told = []
    for _, label_of, changes, _ in drawn:
        least = min(changes, key=lambda one: changes[one][0])
        most = max(changes, key=lambda one: changes[one][1])
        told.append(
            f"{label_of}: from {number(changes[least][0], 3)} ({comparison[least].label}) to "
            f"{number(changes[most][1], 3)} ({comparison[most].label})"
        )
    return Picture(
        "outcomes",
        f"What each regime changes, compared with {base.label}",
        clean(f"Bars: the change against {label} for each regime. {'; '.join(told)}."),
        figure,
    )


def convergence(found: Running, looks: Mapping[str, Look], labels: Mapping[str, str]) -> Picture:
    """Draw in what share of the first n draws each regime wins, with 95 percent intervals."""
    order = np.argsort(-found.share[-1], kind="stable")
    columns = 4
    rows = -(-len(order) // columns)
    with _style():
        figure, axes = _figure(0.35 + 1.15 * rows, rows, columns, sharex=True, sharey=True)
        for panel in axes.flat[len(order) :]:
            panel.set_visible(False)
        top = min(1.0, float(found.high.max())) * 1.05
        for panel, k in zip(axes.flat, order, strict=False):
            name = found.regimes[k]
            look = looks.get(name, ROLES["undecided"])
            share = found.share[:, k]
            panel.errorbar(
                found.draws, share, yerr=[share - found.low[:, k], found.high[:, k] - share],
                color=BLACK, ecolor=GRAY, elinewidth=0.8, capsize=1.5, linewidth=1,
                marker=look.marker, markersize=4, markerfacecolor=look.color,
                markeredgecolor=BLACK, markeredgewidth=0.5,
            )  # fmt: skip
            panel.set_title(
                _folded(f"{labels.get(name, name)}: {percent(share[-1])}", 24, 2), fontsize=7
            )
            panel.set_xscale("log")
            ends = [int(found.draws[0]), int(found.draws[-1])]
            panel.set_xticks(ends, [f"{end:,}" for end in ends])
            panel.set_xticks([], minor=True)
            panel.set_ylim(-0.04 * top, top)
            panel.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
            panel.grid(visible=True, axis="y")
        figure.supxlabel("number of draws", fontsize=8)
    told = "; ".join(
        f"{labels.get(found.regimes[k], found.regimes[k])} {percent(found.share[-1, k])} "
        f"({percent(found.low[-1, k])} to {percent(found.high[-1, k])})"
        for k in order
    )
    return Picture(
        "shares",
        "How often each regime is best, as draws are added",
        clean(f"Share of the first n draws with 95 percent intervals. All draws: {told}."),
        figure,
    )


# ---------------------------------------------------------------------------------------------
# Sensitivity


def tornado_bars(found: Indices, target: str = "") -> Picture:
    """Draw an outcome with one parameter at its ends, all else at the preset."""
    names = [name for name in found.ranked if found.of(name) > 0][:MOST] or list(found.ranked[:1])
    base = float(found.base if found.base is not None else np.nan)
    target = target or found.target
    sides = (("low", "low end", -0.19), ("high", "high end", 0.19))
    with _style():
        figure, ((axes,),) = _figure(0.9 + 0.36 * len(names))
        for place, name in enumerate(names):
            for side, role, shift in sides:
                value = found.of(name, f"at_{side}")
                if np.isfinite(value):
                    _bar(axes, place + shift, base, value - base, ROLES[role], 0.38)
                axes.annotate(
                    _reached(found, name, side, 2), (1.02, place + shift),
                    xycoords=("axes fraction", "data"), va="center", fontsize=6.5,
                )  # fmt: skip
        axes.axvline(base, color=BLACK, linewidth=0.8)
        axes.set_yticks(range(len(names)), [_named(n, found.labels.get(n, "")) for n in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel(_folded(target, 60))
        _key(axes, {"low end": "parameter at its low end", "high end": "at its high end"})
    told = "; ".join(
        f"{name}: {_reached(found, name, 'low', 3)}, {_reached(found, name, 'high', 3)}"
        for name in names
    )
    return Picture(
        "tornado",
        f"One assumption at a time: {clean(target)}",
        clean(f"At the numbers as given {number(base, 3)}. {told}."),
        figure,
    )


def _reached(found: Indices, name: str, side: str, digits: int) -> str:
    """Return an outcome and the end of a parameter's range at which it is that."""
    value = found.of(name, f"at_{side}")
    shown = number(value, digits) if np.isfinite(value) else "undefined"
    return f"{shown} at {number(found.of(name, side), 3)}"


def _write(axes: Any, at: float, place: float, text: str, right: bool) -> None:
    axes.annotate(
        text, (at, place), xytext=(3 if right else -3, 0), textcoords="offset points",
        ha="left" if right else "right", va="center", fontsize=6.5, zorder=3,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def sobol_bars(found: Indices, target: str = "") -> Picture:
    """Draw first-order and total Sobol indices with their confidence intervals."""
    from matplotlib.patheffects import withStroke

    names = list(found.ranked[:MOST])
    target = target or found.target
    with _style():
        figure, ((axes,),) = _figure(0.8 + 0.4 * len(names))
        for place, name in enumerate(names):
            for shift, measure, role in ((-0.2, "first", "alone"), (0.2, "total", "with others")):
                value = found.of(name, measure)
                _bar(axes, place + shift, 0, value, ROLES[role], 0.36)
                bounds = found.interval(name, measure)
                if bounds is not None and np.isfinite(bounds).all():
                    axes.plot(
                        bounds, [place + shift] * 2, color=BLACK, linewidth=1, marker="|",
                        path_effects=[withStroke(linewidth=2.4, foreground="white")],
                    )  # fmt: skip
        axes.axvline(0, color=BLACK, linewidth=0.8)
        labels = [_named(name, found.labels.get(name, "")) for name in names]
        axes.set_yticks(range(len(names)), labels)
        axes.invert_yaxis()
        axes.set_xlabel(_folded(f"share of the variance of {target}", 64))
        _key(axes, {"alone": "alone (first order)", "with others": "together with others (total)"})
    told = "; ".join(
        f"{name}: first order {number(found.of(name, 'first'), 2)}, total "
        f"{number(found.of(name, 'total'), 2)}"
        for name in names
    )
    percent = f"{100 * found.confidence:.0f}"
    return Picture(
        "sobol",
        f"Shares of variance: {clean(target)}",
        clean(f"Sobol indices with {percent} percent intervals. {told}."),
        figure,
    )


# ---------------------------------------------------------------------------------------------
# Where the answer changes


def tipping_strip(
    found: Tipping, looks: Mapping[str, Look], labels: Mapping[str, str], name: str = "tipping"
) -> Picture:
    """Draw which regime is best along one parameter, its margin above, and where it flips."""
    line: Series = found.series[0]
    # Somewhere in a stretch without answers is nowhere in particular.
    flips = [tip.at for tip in found.flips if not tip.unsolved]
    with _style():
        figure, grid = _figure(2.5, 2, 1, sharex=True, height_ratios=[1.5, 0.55])
        margin, strip = grid[0][0], grid[1][0]
        for stretch in line.stretches:
            look = look_of_state(stretch.state, looks)
            strip.barh(
                0, stretch.high - stretch.low, left=stretch.low, height=1, color=look.color,
                hatch=look.hatch, edgecolor=BLACK, linewidth=0.5,
            )  # fmt: skip
        _name_stretches(strip, found, line, labels)
        kinds = list(dict.fromkeys(state for state in line.states if state))
        for state in kinds:
            at = [k for k, one in enumerate(line.states) if one == state]
            look = look_of_state(state, looks)
            margin.plot(
                found.x[at], line.low[at], linestyle="none", marker=look.marker, markersize=3.5,
                markerfacecolor=look.color, markeredgecolor=BLACK, markeredgewidth=0.4,
                clip_on=False,
            )  # fmt: skip
        margin.plot(found.x, line.low, color=GRAY, linewidth=0.8, zorder=1)
        margin.set_ylim(bottom=min(0.0, float(np.nanmin(line.low, initial=0.0))))
        margin.set_ylabel("margin over\nthe next best")
        margin.grid(visible=True, axis="both")
        for axes in (margin, strip):
            axes.axvline(found.value, color=BLACK, linewidth=1.2, linestyle=(0, (4, 2)))
            for value in flips:
                axes.axvline(value, color=BLACK, linewidth=0.8)
        _tip_numbers(margin, found, flips)
        strip.set_yticks([])
        strip.grid(visible=False)
        strip.set_xlim(found.low, found.high)
        unit = f" ({found.unit})" if found.unit not in ("", "1") else ""
        label = f"{found.label or found.parameter}, {found.parameter}{unit}"
        given = f"dashed: {number(found.value, 4)}, as given"
        between = "; " if len(label) + len(given) < 94 else "\n"
        strip.set_xlabel(f"{_folded(label, 96)}{between}{given}")
    told = "; ".join(
        f"{_state_label(s.state, labels)} from {number(s.low, 4)} to {number(s.high, 4)}"
        for s in line.stretches
    )
    return Picture(
        name,
        f"Which regime is best along {clean(found.label or found.parameter)} ({found.parameter})",
        clean(f"A strip of regimes along {found.parameter}: {told}."),
        figure,
    )


def _state_label(state: str, labels: Mapping[str, str]) -> str:
    if not state:
        return "nothing certified"
    for joint in (" = ", " or "):
        if joint in state:
            return joint.join(labels.get(part, part) for part in state.split(joint))
    return labels.get(state, state)


def _name_stretches(strip: Any, found: Tipping, line: Series, labels: Mapping[str, str]) -> None:
    """Write the regime into each stretch that has room; the others are named below by a legend."""
    whole = found.high - found.low
    narrow = []
    for stretch in line.stretches:
        share = (stretch.high - stretch.low) / whole
        text = _folded(_state_label(stretch.state, labels), max(int(share * 88), 1), 2)
        longest = max(map(len, text.split("\n")), default=0)
        if share >= 0.1 and "…" not in text and longest <= share * 88:
            strip.text(
                (stretch.low + stretch.high) / 2, 0, text, ha="center", va="center", fontsize=7,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9},
            )  # fmt: skip
        else:
            narrow.append(stretch)
    if narrow:
        strip.figure.text(
            0.99, 0.995,
            _folded(
                "narrow stretches, from the left: "
                + ", ".join(dict.fromkeys(_state_label(s.state, labels) for s in narrow)),
                120, 2,
            ),
            ha="right", va="top", fontsize=6.5,
        )  # fmt: skip
        strip.figure.get_layout_engine().set(rect=(0, 0, 1, 0.94))


def _tip_numbers(axes: Any, found: Tipping, flips: Sequence[float]) -> None:
    """Write the flips above the drawing, those too near to one another in one text."""
    groups: list[list[float]] = []
    for value in flips:
        if groups and value - groups[-1][-1] < 0.09 * (found.high - found.low):
            groups[-1].append(value)
        else:
            groups.append([value])
    for group in groups:
        shown = [number(value, 4) for value in group]
        text = ", ".join(shown) if len(shown) < 3 else f"{shown[0]} … {shown[-1]}"
        axes.annotate(
            text, (sum(group) / len(group), 1), xycoords=("data", "axes fraction"),
            xytext=(0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=7,
        )  # fmt: skip


def regime_map(found: RegimeMap, looks: Mapping[str, Look], labels: Mapping[str, str]) -> Picture:
    """Draw which regime is best over two parameters; paler is a smaller margin."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    with _style():
        figure, ((axes,),) = _figure(4.2)
        margins = np.array([point.margin for point in found.points])
        known = margins[np.isfinite(margins)]
        largest = float(np.quantile(known, 0.9)) if len(known) else 1.0
        seen: dict[str, float] = {}
        outlines: dict[str, list[Any]] = {}
        for cell in found.cells:
            states = {found.points[k].state for k in cell.corners}
            whole = [(cell.x, cell.y, cell.corners)]
            for (x0, x1), (y0, y1), corners in _quarters(cell) if len(states) > 1 else whole:
                state = found.points[corners[0]].state
                here = margins[list(corners)]
                margin = float(here.mean()) if np.isfinite(here).all() else np.nan
                shade = _shaded(look_of_state(state, looks), margin, largest)
                outline = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
                axes.fill(*zip(*outline, strict=True), facecolor=shade, linewidth=0)
                outlines.setdefault(state, []).append(Path([*outline, (x0, y0)], closed=True))
                seen[state] = seen.get(state, 0.0) + (x1 - x0) * (y1 - y0)
        for state, paths in outlines.items():  # one hatch each: it is the bulk of a drawing
            axes.add_patch(
                PathPatch(
                    Path.make_compound_path(*paths),
                    facecolor="none",
                    linewidth=0,
                    hatch=look_of_state(state, looks).hatch,
                    edgecolor=(0, 0, 0, 0.35),
                )
            )
        dot: dict[str, Any] = {"marker": ".", "markersize": 2.5, "color": BLACK}
        star: dict[str, Any] = {"marker": "*", "markersize": 11, "color": "white",
                                "markeredgecolor": BLACK}  # fmt: skip
        for mark in (dot, star):
            mark["linestyle"] = "none"
        if found.borders:
            axes.plot([b.x for b in found.borders], [b.y for b in found.borders], **dot)
        axes.plot(found.x.value, found.y.value, clip_on=False, zorder=5, **star)
        axes.set_xlim(found.x.low, found.x.high)
        axes.set_ylim(found.y.low, found.y.high)
        axes.set_xlabel(_axis_label(found.x))
        axes.set_ylabel(_axis_label(found.y, 44))
        axes.grid(visible=False)
        order = sorted(seen, key=lambda state: -seen[state])
        handles = [
            _legend_patch(look_of_state(state, looks), _folded(_state_label(state, labels), 24, 3))
            for state in order[:12]
        ]
        handles.append(Line2D([], [], label="the numbers as given", **star))
        if found.borders:
            handles.append(Line2D([], [], label="a border, bracketed", **dot))
        legend = axes.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=2.4,
            handleheight=1.6, labelspacing=0.7, title="paler: a smaller margin", alignment="left",
        )  # fmt: skip
        legend.get_title().set_fontsize("small")
    told = ", ".join(
        f"{_state_label(state, labels)} {100 * share:.0f}%"
        for state, share in found.shares.items()
        if share >= 0.005
    )
    return Picture(
        "map",
        f"Which regime is best over {found.x.name} and {found.y.name}",
        clean(f"Map; shares of the area: {told}. The star marks the numbers as given."),
        figure,
    )


def _quarters(cell: Cell) -> list[tuple[Any, Any, tuple[int, ...]]]:
    """Return the quarters of a cell, each with the corner that it touches."""
    (x0, x1), (y0, y1) = cell.x, cell.y
    half = (x0 + x1) / 2, (y0 + y1) / 2
    a, b, c, d = cell.corners
    return [
        ((x0, half[0]), (y0, half[1]), (a,)),
        ((half[0], x1), (y0, half[1]), (b,)),
        ((x0, half[0]), (half[1], y1), (c,)),
        ((half[0], x1), (half[1], y1), (d,)),
    ]


def _shaded(look: Look, margin: float, largest: float) -> tuple[float, float, float]:
    """Return the color, paler for a smaller margin."""
    from matplotlib.colors import to_rgb

    strength = 1.0 if not np.isfinite(margin) else 0.35 + 0.65 * min(margin / (largest or 1.0), 1)
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(look.color))
    return red, green, blue


def _axis_label(axis: Any, width: int = 60) -> str:
    unit = f" ({axis.unit})" if axis.unit else ""
    return _folded(f"{axis.label or axis.name}, {axis.name}{unit}", width)


# ---------------------------------------------------------------------------------------------
# Why


def waterfall(
    found: Attribution, name: str = "attribution", players: Collection[str] = ()
) -> Picture:
    """Draw what each mechanism adds, from every mechanism off to the game as it is.

    Parameters
    ----------
    players
        The game's players: an outcome of this name is a payoff.
    """
    steps = list(found.waterfall)
    errors = dict(zip(found.mechanisms, found.error, strict=True))
    size = max((abs(step.change) for step in steps), default=0.0)
    kept = [step for step in steps[:MOST] if abs(step.change) > 0.005 * size]
    rest = [step for step in steps if step not in kept]
    rows: list[tuple[str, float, float, float]] = [
        (_named(step.mechanism, found.labels[step.mechanism]), step.start, step.end,
         float(errors[step.mechanism]))
        for step in kept
    ]  # fmt: skip
    if any(step.change for step in rest):
        rows.append((f"{len(rest)} smaller ones", rest[0].start, rest[-1].end, 0.0))
    with _style():
        figure, ((axes,),) = _figure(0.8 + 0.32 * (len(rows) + 2))
        level = ROLES["level"]
        _bar(axes, 0, 0, found.bare, level, 0.6)
        _bar(axes, len(rows) + 1, 0, found.full, level, 0.6)
        ends = [0.0, found.bare, found.full]
        for place, (_, start, end, error) in enumerate(rows, 1):
            look = ROLES["raises" if end >= start else "lowers"]
            _bar(axes, place, start, end - start, look, 0.6)
            axes.plot([start, start], [place - 1.3, place + 0.3], color=GRAY, linewidth=0.6)
            if error > 0:
                axes.errorbar(end, place, xerr=1.96 * error, color=BLACK, capsize=2, linewidth=0.8)
            reach = 1.96 * error * (1 if end >= start else -1)
            _write(axes, end + reach, place, signed(end - start), end >= start)
            ends += [start, end + reach]
        for place, value in ((0, found.bare), (len(rows) + 1, found.full)):
            _write(axes, value, place, number(value, 3), value >= 0)
        axes.axvline(0, color=BLACK, linewidth=0.8)
        labels = ["every mechanism off", *(row[0] for row in rows), "the game as it is"]
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        _finite_limits(axes, ends)
        against = f", less that under {found.baseline_label}" if found.baseline else ""
        payoff = "payoff of " * (found.outcome in players)
        what = payoff + (found.outcome_label or found.outcome)
        axes.set_xlabel(_folded(f"{what} under {found.regime_label}{against}", 80))
        _key(axes, {"raises": "raises it", "lowers": "lowers it"})
    told = "; ".join(f"{step.mechanism} {signed(step.change)}" for step in kept)
    return Picture(
        name,
        f"Which mechanisms bring about what {clean(found.regime_label)} changes",
        clean(
            f"Waterfall from {number(found.bare, 3)} with every mechanism off to "
            f"{number(found.full, 3)}. {told}."
        ),
        figure,
    )


def discovery_box(found: Found, columns: Mapping[str, Array]) -> Picture | None:
    """Draw the first box: its limits beside the ranges drawn, and the draws in and out of it.

    Parameters
    ----------
    columns
        Parameter -> its draws.

    Returns
    -------
    Picture or None
        None if no box was found.
    """
    discovery = found.discovery
    if not discovery.boxes or not discovery.boxes[0].box.ends:
        return None
    box = discovery.boxes[0].box
    names = list(dict.fromkeys([*(limit.parameter for limit in box.limits), *box.ends]))
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        ranges, draws = figure.subplots(1, 2, width_ratios=[1, 1.25])
        for place, name in enumerate(names):
            low, high = float(columns[name].min()), float(columns[name].max())
            whole = high - low or 1.0
            start, end = box.ends[name]
            inner = [low if start is None else start, high if end is None else end]
            at = [(value - low) / whole for value in inner]
            ranges.plot([0, 1], [place, place], color=GRAY, linewidth=1.5, zorder=0.5)
            _bar(ranges, place, at[0], at[1] - at[0], ROLES["holds"], 0.3)
            for value, shown, side in (
                (at[0], start, "right" if at[0] > 0.5 else "left"),
                (at[1], end, "left" if at[1] < 0.5 else "right"),
            ):
                if shown is not None:
                    ranges.annotate(
                        number(shown, 3), (value, place), xytext=(0, 8),
                        textcoords="offset points", ha=side, va="bottom", fontsize=7,
                    )  # fmt: skip
            for value, shown, side in ((0, low, "left"), (1, high, "right")):
                ranges.annotate(
                    number(round(shown, 2 - math.floor(math.log10(whole))), 3), (value, place),
                    xytext=(0, -10), textcoords="offset points",
                    ha=side, va="top", fontsize=6.5, color="#555555",
                )  # fmt: skip
        ranges.set_yticks(
            range(len(names)), [_named(n, discovery.labels.get(n, ""), 24, 4) for n in names]
        )
        spare = max(3 - len(names), 0) / 2
        ranges.set_ylim(len(names) - 0.4 + spare, -0.6 - spare)
        ranges.set_xlim(-0.04, 1.04)
        ranges.set_xticks([])
        ranges.grid(visible=False)
        ranges.set_title("the box (thick) in the range drawn (thin)")
        if len(names) > 1:
            _scatter(draws, found, columns, names[:2])
        else:
            _by_value(draws, found, columns[names[0]], names[0], box.ends[names[0]])
    limits = " and ".join(
        f"{name} from {'its low end' if low is None else number(low, 3)} to "
        f"{'its high end' if high is None else number(high, 3)}"
        for name, (low, high) in box.ends.items()
    )
    where = f", under {discovery.regime_label}" if discovery.regime else ""
    return Picture(
        "discovery",
        f"Where {clean(discovery.condition)} holds{clean(where)}",
        clean(
            f"A box with {limits}: {100 * box.density:.0f}% of its {box.inside} draws are cases, "
            f"and {100 * box.coverage:.0f}% of all cases lie in it."
        ),
        figure,
    )


def _scatter(axes: Any, found: Found, columns: Mapping[str, Array], names: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    x, y = (columns[name] for name in names)
    count = len(x)
    shown = np.zeros(count, dtype=bool)
    shown[np.random.default_rng(0).permutation(count)[:POINTS]] = True
    kinds = (
        (found.holds == 0, "fails", "the condition fails"),
        (found.holds == 1, "holds", "the condition holds"),
    )
    for these, role, label in kinds:
        look, kept = ROLES[role], these & shown
        axes.plot(
            x[kept], y[kept], linestyle="none", marker=look.marker, markersize=4, label=label,
            markerfacecolor=look.color if role == "holds" else "white",
            markeredgecolor=BLACK if role == "holds" else BLUE, markeredgewidth=0.5,
        )  # fmt: skip
    ends = found.discovery.boxes[0].box.ends
    corners = []
    for name, column in zip(names, (x, y), strict=True):
        low, high = ends[name]
        room = 0.03 * float(np.ptp(column))
        corners.append(
            (float(column.min()) - room if low is None else low,
             float(column.max()) + room if high is None else high)
        )  # fmt: skip
    (x0, x1), (y0, y1) = corners
    axes.add_patch(
        Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=BLACK, linewidth=1.5, zorder=3)
    )
    axes.set_xlabel(names[0] + f" ({POINTS:,} of {count:,} draws shown)" * (count > POINTS))
    axes.set_ylabel(names[1])
    axes.grid(visible=False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _by_value(
    axes: Any, found: Found, column: Array, name: str, ends: tuple[float | None, float | None]
) -> None:
    """Draw in what share of the draws it holds, in slices of one parameter."""
    known = ~np.isnan(found.holds)
    values, holds = column[known], found.holds[known] == 1
    edges = np.linspace(float(column.min()), float(column.max()), 9)
    look = ROLES["holds"]
    for low, high in pairwise(edges.tolist()):
        inside = (values >= low) & ((values < high) | (high == edges[-1]))
        if not inside.any():
            continue
        share = float(holds[inside].mean())
        bounds = share_interval(int(holds[inside].sum()), int(inside.sum()))
        axes.errorbar(
            (low + high) / 2, share, yerr=[[share - bounds[0]], [bounds[1] - share]],
            color=BLACK, ecolor=GRAY, elinewidth=0.8, capsize=2, marker=look.marker, markersize=5,
            markerfacecolor=look.color, markeredgewidth=0.5,
        )  # fmt: skip
    for end in ends:
        if end is not None:
            axes.axvline(end, color=BLACK, linewidth=1.5)
    axes.set_ylim(-0.04, 1.04)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.set_xlabel(name)
    axes.set_title("share of draws at which the condition\nholds, with 95 percent intervals")
    axes.grid(visible=True, axis="y")
