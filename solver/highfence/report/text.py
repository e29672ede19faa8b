"""Solutions and games as text for people, and what all pages are made of.

A page is a list of lines, a line a list of (text, style) spans. :func:`plain` joins them;
:func:`styled` prints them in color. Nothing is ever cut off: a table that is too wide is
continued below, and where not even one column fits it becomes a list.
"""

from __future__ import annotations

import shutil
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from .. import tolerances
from ..study._digits import short

if TYPE_CHECKING:
    from ..forms.extensive import ExtensiveForm
    from ..forms.markov import MarkovForm
    from ..forms.normal import NormalForm
    from ..solution import Certificate, Equilibrium, Extremes, Play, Solution
    from ..spec.model import Game, Parameter, Preset, Target

__all__ = [
    "Line",
    "Page",
    "clean",
    "cleared",
    "count_of",
    "form_page",
    "game_page",
    "large",
    "listed",
    "numbers_text",
    "plain",
    "scales",
    "setting_text",
    "solution_page",
    "solution_text",
    "styled",
    "terminal_width",
]

Span = tuple[str, str]
Line = list[Span]
Range = tuple[float, float]

DIGITS = 5
"""Significant digits of an equilibrium; searches over intervals are not exact to more."""
SMALLEST = 1e-300
"""Regret below which no digits are written."""
DEFAULT_WIDTH = 100
"""Columns where neither a terminal nor COLUMNS says."""
NARROWEST = 12
"""Columns below which text is not folded any further."""
GAP = "  "
BRANCH = " | "
"""What parts a decision's name from the branch of play on which it is reached."""
MAX_NAMED = 40
"""Equilibria written out in full; the rest is counted, and is in the JSON."""
MAX_PLACES = 6
"""Information sets off the path where the same is done, on a solution's short page."""
MAX_OTHERWISE = 20
"""What is done at one place off the path, by all equilibria of an outcome, on the short page."""
MAX_OUTCOMES = 12
"""Outcomes of an equilibrium on a solution's short page."""


def terminal_width() -> int:
    """Return the width to write for: COLUMNS, else the terminal's, else 100."""
    return max(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, NARROWEST)


def clean(text: object) -> str:
    """Return text on one line, with control characters shown instead of obeyed.

    Examples
    --------
    >>> clean("a\\x1b[31mb\\nc")
    'a\\\\x1b[31mb c'
    """
    joined = " ".join(str(text).split(None))
    if joined.isascii() and joined.isprintable():
        return joined
    return "".join(
        character
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in joined
    )


def width_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


# ---------------------------------------------------------------------------------------------
# Numbers


def number(value: Any, digits: int = 6) -> str:
    """Return a number as text: a short fraction as it is, else so many significant digits.

    Digits before the point are all written, up to a billion: 474 is never 4.7e+02.

    Examples
    --------
    >>> number(Fraction(3, 5)), number(2.0), number(0.1234567), number(-0.0)
    ('3/5', '2', '0.123457', '0')
    >>> number(474.2, 2), number(-1234567.8), number(3e12)
    ('474', '-1234568', '3e+12')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | Fraction):
        text = str(value)
        if len(text) <= 24:
            return text
    elif isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < 12 else str(value)
    try:
        return _trimmed(short(float(value), digits))
    except OverflowError:
        return f"{Decimal(value.numerator) / Decimal(value.denominator):.6g}"


def _trimmed(text: str) -> str:
    return "0" if text == "-0" else text


def cleared(value: Any, scale: float) -> Any:
    """Return 0 in place of a float that is rounding beside a scale: beside what it is sums of.

    Examples
    --------
    >>> cleared(-3.3e-16, 9.0), cleared(-3.3e-16, 1e-9), cleared(0.25, 9.0)
    (0.0, -3.3e-16, 0.25)
    """
    rounding = isinstance(value, float) and abs(value) <= tolerances.ROUNDING * scale
    return 0.0 if rounding else value


def scales(payoffs: Iterable[float | Fraction]) -> tuple[float, float]:
    """Return the scales beside which payoffs and outcomes may be rounding.

    All payoffs of a game are sums of numbers as large as the largest of them. Outcomes have
    units of their own: of those that are small everywhere, what is rounding beside 1 is 0.
    """
    largest = max((abs(float(value)) for value in payoffs), default=0.0)
    return largest, min(largest, 1.0)


def interval(bounds: Range | None, digits: int = 6, scale: float = 0.0) -> str:
    """Return a range as text, or its one value; with 0 for what is rounding beside a scale."""
    if bounds is None:
        return "?"
    low, high = (number(cleared(end, scale), digits) for end in bounds)
    return low if low == high else f"{low} .. {high}"


def column_of_numbers(
    cells: Sequence[Range | None], digits: int = 5, scale: float = 0.0
) -> list[str]:
    """Return ranges as text with the same decimals throughout the column.

    What is rounding beside the largest number of the column, or beside ``scale``, is 0.

    Examples
    --------
    >>> column_of_numbers([(-3.3e-18, 0.0), (2.5e-5, 2.5e-5)])
    ['0', '2.5e-05']
    >>> column_of_numbers([(-3.3e-16, 0.0), None], scale=8.95)
    ['0', '-']
    """
    values = [value for cell in cells if cell is not None for value in cell if isfinite(value)]
    largest = max((abs(value) for value in values), default=0.0)
    scale = max(scale, largest)
    cells = [c if c is None else (cleared(c[0], scale), cleared(c[1], scale)) for c in cells]
    values = [cleared(value, scale) for value in values]
    largest = cleared(largest, scale)
    if largest and not 1e-4 <= largest < 1e7:
        return ["-" if cell is None else interval(cell, digits) for cell in cells]
    decimals = 0
    if largest:
        decimals = max(digits - 1 - max(floor(log10(largest)), 0), 0)
        decimals = max(decimals, digits - 2 - floor(log10(largest))) if largest < 0.1 else decimals
    while decimals and all(round(v, decimals) == round(v, decimals - 1) for v in values):
        decimals -= 1

    def written(value: float) -> str:
        return format(round(value, decimals) + 0.0, f".{decimals}f")

    texts = []
    for cell in cells:
        if cell is None:
            texts.append("-")
            continue
        low, high = written(cell[0]), written(cell[1])
        texts.append(low if low == high else f"{low}..{high}")
    return texts


# ---------------------------------------------------------------------------------------------
# Words


def count_of(number: int, what: str) -> str:
    """Return a count with its noun, whose plural is made by an s."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def setting_text(value: Any) -> str:
    """Return a parameter's value, as a decimal where it is one."""
    if isinstance(value, Fraction) and (2 * 5) ** 12 % value.denominator == 0:
        return format(Decimal(value.numerator) / Decimal(value.denominator), "f")
    return number(value)


def numbers_text(preset: str | None, changed: Mapping[str, str]) -> str:
    """Return at which numbers a game was asked: its preset, and what was set, as text.

    Examples
    --------
    >>> numbers_text("now", {"h": "0.3"}), numbers_text(None, {})
    ('preset now with h = 0.3', 'default parameters')
    """
    text = f"preset {preset}" if preset else "default parameters"
    written = (f"{name} = {value}" for name, value in changed.items())
    return f"{text} with {', '.join(written)}" if changed else text


# ---------------------------------------------------------------------------------------------
# Pages


class Page:
    """Lines for a given width."""

    def __init__(self, width: int | None = None) -> None:
        self.width = max(width or terminal_width(), NARROWEST)
        self.lines: list[Line] = []
        self.answers: list[str] = []
        """The sentences that answer what was asked."""

    def answer(self, text: str, style: str = "bold") -> None:
        """Add a sentence that answers what was asked."""
        self.answers.append(text)
        self.text(text, style)

    def line(self, *spans: Span | str) -> None:
        """Add one line as it is."""
        self.lines.append([(s, "") if isinstance(s, str) else s for s in spans])

    def blank(self) -> None:
        """Add an empty line, but never two."""
        if self.lines and self.lines[-1]:
            self.lines.append([])

    def text(self, text: str, style: str = "", indent: str = "", hang: str = "") -> None:
        """Add a paragraph, folded at spaces."""
        for folded in self._folded(clean(text), indent, indent + hang):
            self.lines.append([(folded, style)])

    def _folded(self, text: str, first: str, later: str) -> list[str]:
        width = max(self.width, len(later) + NARROWEST)
        return textwrap.wrap(
            text,
            width,
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]

    def item(self, label: str, text: str, style: str = "", indent: str = "") -> None:
        """Add ``label: text``, folded with a hanging indent."""
        head = f"{indent}{clean(label)}: "
        if width_of(head) + NARROWEST > self.width:  # too narrow for both on one line
            self.text(f"{label}:", style, indent, GAP)
            self.text(text, indent=indent + GAP)
            return
        folded = self._folded(clean(text), head, indent + GAP)
        self.lines.append([(head, style), (folded[0][len(head) :], "")])
        for more in folded[1:]:
            self.lines.append([(more, "")])

    def bullet(self, text: str) -> None:
        """Add a paragraph with a dash before it."""
        for folded in self._folded(clean(text), "- ", GAP):
            self.lines.append([(folded, "")])

    def notes(self, notes: Iterable[str]) -> None:
        """Add notes under a heading, each once; nothing where there are none."""
        told = dict.fromkeys(notes)
        if told:
            self.heading("Notes")
            for note in told:
                self.bullet(note)

    def heading(self, text: str) -> None:
        """Add a heading after an empty line."""
        self.blank()
        self.text(text, "bold")

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        left: Iterable[int] = (0,),
        styles: Mapping[tuple[int, int], str] | None = None,
        indent: str = "",
        words: Sequence[str] = (),
    ) -> None:
        """Add a table; the first column is repeated where it is continued below.

        Parameters
        ----------
        left
            Columns that are flush left; others are flush right.
        styles
            (row, column) -> style.
        words
            What stands above the head of each column, folded. ``"group: rest"`` puts the
            group once over neighbors that share it.
        """
        head = [clean(cell) for cell in head]
        rows = [[clean(cell) for cell in row] for row in rows]
        above = [_split(clean(text)) for text in words] or [("", "")] * len(head)
        widths = [
            max(_narrowest(rest), *(width_of(row[k]) for row in [head, *rows]))
            for k, (_, rest) in enumerate(above)
        ]
        room = self.width - len(indent) - widths[0]
        units = [[k] for k in range(1, len(head))]
        if any(len(GAP) + _spread(unit, widths, above) > room for unit in units):
            self._list(head, rows, indent)
            return
        units = _together(units, above, lambda unit: len(GAP) + _spread(unit, widths, above) > room)
        parts: list[list[list[int]]] = [[]]
        used = 0
        for unit in units:
            wide = len(GAP) + _spread(unit, widths, above)
            if parts[-1] and used + wide > room:
                parts.append([])
                used = 0
            parts[-1].append(unit)
            used += wide
        for count, part in enumerate(parts):
            if count:
                self.blank()
            fitted = widths.copy()
            for unit in part:
                fitted[unit[0]] += _spread(unit, widths, above) - _sum(unit, widths)
            if any(words):
                self._words(part, above, fitted, indent)
            columns = [0, *(k for unit in part for k in unit)]
            self._rows(head, rows, columns, fitted, set(left), styles or {}, indent)

    def _words(
        self,
        part: Sequence[Sequence[int]],
        above: Sequence[tuple[str, str]],
        widths: Sequence[int],
        indent: str,
    ) -> None:
        """Add the lines above the head: groups over their columns, the rest over each."""
        grouped = [unit for unit in part if above[unit[0]][0]]
        rests = {k: _wrapped(above[k][1], widths[k]) for unit in part for k in unit}
        low = max((len(rests[k]) for unit in grouped for k in unit), default=0)
        stacks: list[list[str]] = []  # per unit, from the lowest line up, each as wide as it
        for unit in part:
            whole = _sum(unit, widths)
            group = above[unit[0]][0]
            below = low if any(rests[k] for k in unit) and group else 0
            height = max(below, *(len(rests[k]) for k in unit))
            lines = [
                GAP.join(
                    (rests[k][-1 - row] if row < len(rests[k]) else "").rjust(widths[k])
                    for k in unit
                )
                for row in range(height)
            ]
            folded = _wrapped(group, whole)
            ruled = len(unit) > 1 and len(folded) == 1 and width_of(group) + 2 < whole
            for text in reversed(folded):
                lines.append(f" {text} ".center(whole, "-") if ruled else text.rjust(whole))
            stacks.append(lines)
        for row in reversed(range(max(map(len, stacks), default=0))):
            cells = (
                stack[row] if row < len(stack) else " " * _sum(unit, widths)
                for unit, stack in zip(part, stacks, strict=True)
            )
            self.lines.append([(indent + GAP.join([" " * widths[0], *cells]), "bold")])

    def _rows(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        columns: Sequence[int],
        widths: Sequence[int],
        flush_left: set[int],
        styles: Mapping[tuple[int, int], str],
        indent: str,
    ) -> None:
        def padded(text: str, k: int) -> str:
            space = " " * (widths[k] - width_of(text))
            return text + space if k in flush_left else space + text

        for row, cells in enumerate([head, *rows], -1):
            line: Line = [(indent, "")] if indent else []
            for place, k in enumerate(columns):
                style = "bold" if row < 0 else styles.get((row, k), "")
                if place:
                    line.append((GAP, ""))
                line.append((padded(cells[k], k), style))
            self.lines.append(line)

    def _list(self, head: Sequence[str], rows: Sequence[Sequence[str]], indent: str) -> None:
        for row in rows:
            self.lines.append([(indent + row[0], "bold")])
            for label, cell in zip(head[1:], row[1:], strict=True):
                if cell:
                    self.item(label, cell, indent=indent + " ")


def _split(words: str) -> tuple[str, str]:
    """Return the group and the rest of ``"group: rest"``."""
    group, colon, rest = words.partition(":")
    return (group, rest.strip()) if colon and rest[:1] in ("", " ") else ("", words)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)


def _narrowest(text: str, lines: int = 4) -> int:
    """Return the least width at which a text takes no more than so many lines."""
    width = max(map(width_of, text.split()), default=0)
    while len(_wrapped(text, width)) > lines:
        width += 1
    return width


def _sum(unit: Sequence[int], widths: Sequence[int]) -> int:
    return sum(widths[k] for k in unit) + len(GAP) * (len(unit) - 1)


def _spread(unit: Sequence[int], widths: Sequence[int], above: Sequence[tuple[str, str]]) -> int:
    """Return how wide columns under one group are."""
    return max(_sum(unit, widths), _narrowest(above[unit[0]][0], 2))


def _together(
    units: Sequence[list[int]],
    above: Sequence[tuple[str, str]],
    too_wide: Callable[[list[int]], bool],
) -> list[list[int]]:
    """Join neighbors of one group, as far as there is room for them."""
    joined: list[list[int]] = []
    for unit in units:
        group = above[unit[0]][0]
        if joined and group and group == above[joined[-1][0]][0]:
            both = [*joined[-1], *unit]
            if not too_wide(both):
                joined[-1] = both
                continue
        joined.append(unit)
    return joined


def plain(page: Page) -> str:
    """Return the page as text, without trailing blanks."""
    joined = ("".join(text for text, _ in line).rstrip() for line in page.lines)
    return "\n".join(joined).strip("\n")


def styled(page: Page) -> None:
    """Print the page to a terminal in color (rich leaves color out where NO_COLOR is set)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    while page.lines and not page.lines[-1]:
        page.lines.pop()
    for line in page.lines:
        console.print(Text.assemble(*line), soft_wrap=True)


# ---------------------------------------------------------------------------------------------
# Solutions


def solution_text(solution: Solution, width: int | None = None, everything: bool = False) -> str:
    """Return a solution as plain text."""
    return plain(solution_page(solution, width, everything=everything))


def solution_page(
    solution: Solution,
    width: int | None = None,
    *,
    everything: bool = False,
    players: Mapping[str, str] | None = None,
    settings: Sequence[str] = (),
) -> Page:
    """Return the page that ``highfence solve`` prints.

    Parameters
    ----------
    everything
        All outcomes, the path of play, and what the judge checked; else the short page.
    players
        Player -> label.
    settings
        Parameters to name in the heading, with their values.
    """
    page = Page(width)
    page.text(f"{solution.game} ({solution.source})", "bold")
    asked = [f"regime {solution.regime}"] if solution.regime else []
    asked += [f"preset {solution.preset}"] if solution.preset else []
    asked += [f"{name} = {setting_text(solution.parameters[name])}" for name in settings]
    if asked:
        page.text("; ".join(asked))
    promise = {"all": "all equilibria", "some": "some equilibria", "one": "one equilibrium"}
    page.text(
        f"{solution.form} form, solved by {solution.method}, "
        f"which promises {promise[solution.finds.value]}"
    )
    if solution.method_reason not in ("", "asked for"):
        page.text(f"auto chose it: {solution.method_reason}")
    page.text(_status(solution), "green" if solution.status.value == "solved" else "yellow")
    count = len(solution.equilibria)
    if _by_outcome(solution, everything):
        left_out = _plays(page, solution, players or {}, everything)
    else:
        left_out = set()
        for index, equilibrium in enumerate(solution.equilibria[:MAX_NAMED], 1):
            page.heading(f"Equilibrium {index} of {count}" if count > 1 else "Equilibrium")
            left_out |= _equilibrium(page, equilibrium, players or {}, solution.form, everything)
        if count > MAX_NAMED:
            page.blank()
            page.text(f"... and {count - MAX_NAMED} more; --json has all of them.")
    if count > 1:
        of_all = not solution.unlisted or solution.extremes
        page.heading("Over all equilibria" if of_all else "Over those listed")
        bounds = list(solution.bounds().items())
        most = len(bounds) if everything else len(solution.equilibria[0].payoffs) + MAX_OUTCOMES
        paid = solution.equilibria[0].payoffs
        of_payoffs, of_outcomes = scales(
            end for name, seen in bounds if name in paid for end in seen
        )
        for name, seen in bounds[:most]:
            scale = of_payoffs if name in paid else of_outcomes
            loose = _loose(solution.extremes.get(name))
            page.line(f"{GAP}{clean(name)}  {interval(seen, DIGITS, scale)}{loose}")
        left_out |= {"more outcomes"} if len(bounds) > most else set()
    _sets(page, solution)
    page.notes(solution.notes)
    if left_out and not everything:
        page.blank()
        page.text(f"Not shown: {listed(sorted(left_out))} (highfence solve --all).", "dim")
    if solution.count is not None and solution.count > count:
        page.blank()
        more = large(solution.count - count)
        page.text(f"Not listed: {more} more equilibria (highfence solve --limit N).", "dim")
    return page


def _loose(known: Extremes | None) -> str:
    """Return which ends of a range may be wider than what the equilibria bring, in words."""
    if known is None or (known.low_met and known.high_met):
        return ""
    said = [
        text
        for text, met in (
            ("the least may be more", known.low_met),
            ("the greatest may be less", known.high_met),
        )
        if not met
    ]
    return f"  ({', '.join(said)})"


def _by_outcome(solution: Solution, everything: bool) -> bool:
    """Return whether a page has one entry per outcome of play, not per equilibrium.

    Where all equilibria are listed, that is left to the short page.
    """
    listed = solution.equilibria
    if solution.count == len(listed) and (everything or any(e.refinements for e in listed)):
        return False
    return any(play.plans > 1 for play in solution.plays)


def _plays(page: Page, solution: Solution, labels: Mapping[str, str], everything: bool) -> set[str]:
    """Add one entry per outcome of play; return what was left out."""
    left_out: set[str] = set()
    many = max(len(solution.plays), solution.outcome_count or 0)
    written: dict[int, str] = {}
    for index, play in enumerate(solution.plays[:MAX_NAMED], 1):
        which = f"Outcome {index} of {large(many)}" if many > 1 else "Outcome"
        plans = "1 equilibrium" if play.plans == 1 else f"{large(play.plans)} equilibria"
        page.heading(f"{which}: {plans}")
        first = solution.equilibria[play.equilibria[0]]
        on_path = {
            player: {place: done for place, done in own.items() if place in play.reached[player]}
            for player, own in first.strategies.items()
            if player in play.reached
        }
        shown_alone = replace(first, strategies=on_path)
        left_out |= _equilibrium(page, shown_alone, labels, solution.form, everything)
        alike = _off_path(first, play, written)
        if alike:
            how = "in any combination" if play.any_combination else "in some of the combinations"
            page.text(f"off the path{f', {how}' if play.plans > 1 else ''}:", indent=GAP)
        for (player, done), places in alike.items():
            shown = places if everything else places[:MAX_PLACES]
            more = len(places) - len(shown)
            left_out |= {"more places off the path"} if more else set()
            said = "; ".join(shown) + (f"; and {more} more" if more else "")
            listed = done if everything else done[:MAX_OTHERWISE]
            if len(listed) < len(done):
                left_out.add("more of what is done off the path")
                listed = (*listed, f"{len(done) - len(listed)} more")
            page.item(player, f"{' | '.join(listed)}, at {said}", indent=GAP * 2)
    if len(solution.plays) > MAX_NAMED:
        page.blank()
        page.text(f"... and {len(solution.plays) - MAX_NAMED} more outcomes; --json has them.")
    if solution.count == len(solution.equilibria):
        left_out |= {"each equilibrium of an outcome"}
    return left_out


def _off_path(
    equilibrium: Equilibrium, play: Play, written: dict[int, str]
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Return (player, what is done) -> information sets to which play does not come.

    ``written`` keeps strategies as text by their identity, as many outcomes share them.
    """
    made: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for player, own in equilibrium.strategies.items():
        differ = play.elsewhere.get(player, {})
        for place, done in own.items():
            if place not in play.reached.get(player, ()):
                found = differ.get(place, (done,))
                for each in found:
                    if id(each) not in written:
                        written[id(each)] = mixture(each)
                said = tuple(written[id(each)] for each in found)
                made.setdefault((player, said), []).append(place)
    return made


def large(count: int) -> str:
    """Return a count, in scientific notation if it has more than 15 digits.

    Examples
    --------
    >>> large(16384), large(4**40)
    ('16384', '1.20893e+24')
    """
    return str(count) if len(str(count)) <= 15 else f"{Decimal(count):.6g}"


def _status(solution: Solution) -> str:
    count = len(solution.equilibria)
    found = "1 equilibrium, certified" if count == 1 else f"{count} equilibria, each certified"
    total, outcomes = solution.count, solution.outcome_count
    if total is not None and outcomes is not None and total > 1:
        behind = (
            f"{'at least ' * solution.more}{large(total)} equilibria in {large(outcomes)} "
            f"outcome{'s' * (outcomes != 1)} of play"
        )
        if total > count and not solution.plays:
            found = f"{behind}; showing {count} of them, each certified"
        elif outcomes > len(solution.plays):
            found = f"{behind}; showing one equilibrium each of {len(solution.plays)}, certified"
        elif total > count:
            found = f"{behind}; showing one equilibrium of each, certified"
        elif outcomes < total or solution.more:
            found = f"{behind}, each certified"
    if any(len(subset) > 1 for subset in solution.subsets):
        found = f"infinitely many equilibria; the {count} extreme ones are listed, each certified"
    text = solution.status.value if not count else f"{solution.status.value}: {found}"
    if solution.reason:
        text += f"; {solution.reason}" if count else f": {solution.reason}"
    if solution.rejected:
        text += f"; the judge rejected {count_of(solution.rejected, 'proposed profile')}"
    return text


def _equilibrium(
    page: Page, equilibrium: Equilibrium, labels: Mapping[str, str], form: str, everything: bool
) -> set[str]:
    """Add an equilibrium of a form; return what was left out."""
    left_out = set()
    for player, strategy in equilibrium.strategies.items():
        label = labels.get(player) or player
        who = player if label == player else f"{player} ({label})"
        if not isinstance(strategy, Mapping):
            page.item(who, number(strategy, DIGITS), "bold", indent=GAP)
        elif not strategy:
            page.item(who, "no decision on the path of play", "bold", indent=GAP)
        elif form == "normal":
            page.item(who, mixture(strategy), "bold", indent=GAP)
        else:
            _decisions(page, who, strategy)
    of_payoffs, of_outcomes = scales(equilibrium.payoffs.values())
    payoffs = (
        f"{name} {number(cleared(value, of_payoffs), DIGITS)}"
        for name, value in equilibrium.payoffs.items()
    )
    page.item("payoffs", ", ".join(payoffs), indent=GAP)
    extra = {n: v for n, v in equilibrium.outcomes.items() if n not in equilibrium.payoffs}
    if extra:
        shown = list(extra.items())[: None if everything else MAX_OUTCOMES]
        outcomes = ", ".join(
            f"{name} {number(cleared(value, of_outcomes), DIGITS)}" for name, value in shown
        )
        if len(shown) < len(extra):
            outcomes += f", ... ({len(extra) - len(shown)} more)"
            left_out.add("more outcomes")
        page.item("outcomes", outcomes, indent=GAP)
    if equilibrium.path and everything:
        page.item("play", "; ".join(equilibrium.path), indent=GAP)
    elif equilibrium.path:
        left_out.add("the play, move by move")
    page.item("certificate", _certificate(equilibrium, everything), indent=GAP)
    if equilibrium.certificate.checks and not equilibrium.certificate.exact:
        left_out.add("what the judge checked")
    from .refinement_text import refinement_items

    for label, text in refinement_items(equilibrium):
        page.item(label, text, indent=GAP)
    for note in equilibrium.notes:
        page.text(note, indent=GAP)
    return left_out


def _decisions(page: Page, who: str, strategy: Mapping[str, Any]) -> None:
    """Add what a player does at each decision: on one line if it fits, else on one each.

    What all branches of play have in common is not said of each.
    """
    branches = [place.split(BRANCH)[1].split(", ") for place in strategy if BRANCH in place]
    common = set.intersection(*map(set, branches)) if branches else set()
    said = []
    for place, value in strategy.items():
        text = mixture(value) if isinstance(value, Mapping) else number(value, DIGITS)
        name, _, behind = place.partition(BRANCH)
        met = [move for move in behind.split(", ") if move and move not in common]
        said.append((f"{name} if {', '.join(met)}" if met else name, text))
    line = "; ".join(f"{name} = {text}" for name, text in said)
    if len(said) == 1 or (
        all(" " not in name for name, _ in said)
        and width_of(f"{GAP}{clean(who)}: {clean(line)}") <= page.width
    ):
        page.item(who, line, "bold", indent=GAP)
        return
    page.line((f"{GAP}{clean(who)}", "bold"))
    for name, text in said:
        page.item(name, text, indent=GAP * 2)


def mixture(strategy: Mapping[str, Any], least: float = 0, digits: int = DIGITS) -> str:
    """Return what is played with more than the least probability, in words.

    Examples
    --------
    >>> mixture({"sell": 1, "deny": 0}), mixture({"1": 0.5, "0.5": 0.25, "0": 0.25})
    ('sell', '1 with probability 0.5, 0.5 with 0.25, 0 with 0.25')
    """
    played = [(action, number(p, digits)) for action, p in strategy.items() if p and p > least]
    if len(played) == 1:
        return played[0][0]
    return ", ".join(
        f"{action} with {'' if k else 'probability '}{p}" for k, (action, p) in enumerate(played)
    )


def regret_text(certificate: Certificate) -> str:
    """Return the regret of a certificate beside its tolerance, in words."""
    if certificate.exact:
        return f"regret {number(certificate.regret)}, exact"
    sign = "<=" if certificate.holds else ">"
    return f"regret {regret_number(certificate.regret)} {sign} {certificate.tolerance:.2g}"


def regret_number(regret: Any) -> str:
    """Return a regret to two digits; a bound that was rounded up from 0, as what it is below.

    Examples
    --------
    >>> regret_number(5e-324), regret_number(1.234e-9), regret_number(0.0)
    ('< 1e-300', '1.2e-09', '0')
    """
    return f"< {SMALLEST:g}" if 0 < regret < SMALLEST else f"{float(regret):.2g}"


def _certificate(equilibrium: Equilibrium, everything: bool) -> str:
    certificate = equilibrium.certificate
    text = regret_text(certificate)
    text += ", a proved bound" if certificate.kind == "interval" else ""
    if certificate.refinement:
        text += f"; {certificate.refinement}"
    if certificate.checks and (everything or certificate.exact):
        text += f"; {'; '.join(certificate.checks)}"
    return text


def _sets(page: Page, solution: Solution) -> None:
    infinite = [subset for subset in solution.subsets if len(subset) > 1]
    if not infinite:
        return
    page.heading("Infinitely many equilibria")
    components = len(solution.components)
    where = f", in {count_of(components, 'connected component')}" if components else ""
    page.text(
        f"The equilibria listed are the extreme ones{where}. Within each of these maximal Nash "
        "subsets, any mixture of a player's strategies may be combined with any mixture of the "
        "other's:"
    )
    for subset in infinite:
        members = ", ".join(str(index + 1) for index in subset)
        page.text(f"equilibria {members}", indent=GAP, hang=GAP)


# ---------------------------------------------------------------------------------------------
# Games


def game_page(game: Game, width: int | None = None) -> Page:
    """Return the page that ``highfence show`` prints."""
    page = Page(width)
    page.text(game.title or game.name, "bold")
    if game.title:
        page.text(f"{game.name} ({game.file})", "dim")
    for label, text in (("question", game.question), ("source", game.source)):
        if text:
            page.item(label, text)
    if game.about:
        page.blank()
        page.text(game.about)
    page.heading("Players")
    for player in game.players:
        page.item(player.name, player.label or player.name, "bold", indent=GAP)
    _stages(page, game)
    _parameters(page, game)
    _overlays(page, game)
    page.heading("Payoffs")
    for name, formula in game.payoffs.items():
        page.item(name, _formula(formula), indent=GAP)
    _quantities(page, game)
    if game.assumptions:
        page.heading("Assumed")
        for assumption in game.assumptions:
            page.bullet(assumption)
    return page


def _formula(formula: Any) -> str:
    if callable(formula):
        return f"Python function {getattr(formula, '__name__', '')}"
    return formula if isinstance(formula, str) else number(formula)


def _states(page: Page, game: Game) -> None:
    page.heading("State variables")
    for state in game.states:
        unit = f" {state.unit}" if state.unit not in ("", "1") else ""
        label = f" ({state.label})" if state.label else ""
        values = f"{', '.join(state.labels)}{unit}, first {_formula(state.initial)}"
        page.item(f"{state.name}{label}", values, indent=GAP)
        if isinstance(state.next, Mapping):
            odds = ", ".join(f"{value} {_formula(p)}" for value, p in state.next.items())
            page.item("next", odds, indent=GAP * 2)
        else:
            page.item("next", _formula(state.next), indent=GAP * 2)
        if state.about:
            page.text(state.about, "dim", indent=GAP * 2)
    discount = game.discount
    if isinstance(discount, Mapping):
        shown = ", ".join(f"{player} {_formula(own)}" for player, own in discount.items())
    else:
        shown = _formula(discount)
    page.item("discount", shown, indent=GAP)
    ends = "without end" if game.horizon is None else count_of(game.horizon, "period")
    page.item("horizon", ends, indent=GAP)


def _stages(page: Page, game: Game) -> None:
    from ..spec.model import Chance, Interval

    if game.states:
        _states(page, game)
    page.heading("Stages of a period" if game.states else "Stages")
    listed: dict[str, tuple[Any, int]] = {}
    for order, stage in enumerate(game.stages, 1):
        page.text(
            f"{order}. {stage.name}" + (f" (when {stage.when})" if stage.when else ""), indent=GAP
        )
        for move in stage.moves:
            label = f", {move.label}" if move.label else ""
            if isinstance(move, Chance):
                page.item(
                    f"chance {move.name}{label}",
                    ", ".join(
                        f"{outcome} {_formula(p)}{_attributes(move.attributes[outcome])}"
                        for outcome, p in move.outcomes.items()
                    ),
                    indent=GAP * 2,
                )
                continue
            sees = (
                "" if move.observes is None else f" (sees {', '.join(move.observes) or 'nothing'})"
            )
            head = f"{move.player} chooses {move.name}{label}{sees}"
            if isinstance(move.actions, Interval):
                bounds = move.actions
                unit = f" {bounds.unit}" if bounds.unit not in ("", "1") else ""
                page.item(
                    head, f"{_formula(bounds.low)} .. {_formula(bounds.high)}{unit}", indent=GAP * 2
                )
            elif move.name in listed and listed[move.name][0] == move.actions:
                page.item(head, f"as in stage {listed[move.name][1]}", indent=GAP * 2)
            elif not any(a.attributes or a.when or a.label for a in move.actions):
                page.item(head, ", ".join(a.name for a in move.actions), indent=GAP * 2)
            else:
                listed[move.name] = (move.actions, order)
                page.text(f"{head}:", indent=GAP * 2)
                for action in move.actions:
                    label = f" ({action.label})" if action.label else ""
                    when = f"; when {_formula(action.when)}" if action.when is not None else ""
                    page.text(
                        f"{action.name}{label}{_attributes(action.attributes)}{when}",
                        indent=GAP * 3,
                        hang=GAP,
                    )


def _attributes(attributes: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{name} {_formula(value)}" for name, value in attributes.items())
    return f": {listed}" if listed else ""


def _parameters(page: Page, game: Game) -> None:
    if not game.parameters:
        return
    page.heading("Parameters")
    rows = []
    for p in game.parameters:
        bounds = " | ".join(p.choices)
        if not p.choices and (p.low is not None or p.high is not None):
            low = "" if p.low is None else number(p.low)
            high = "" if p.high is None else number(p.high)
            bounds = f"{low} .. {high}"
        rows.append([p.name, number(p.value), bounds, p.unit])
    page.table(["name", "value", "range", "unit"], rows, left={0, 2, 3}, indent=GAP)
    told = [p for p in game.parameters if p.label or p.source or p.about]
    if told:
        page.heading("What they mean, and their sources")
        for p in told:
            page.item(p.name, _sentences(p.label, p.about, sourced(p)), indent=GAP)


def sourced(given: Parameter | Preset | Target) -> str:
    """Return where a number comes from, and how far that can be trusted.

    Examples
    --------
    >>> from highfence import Parameter
    >>> sourced(Parameter("a", 1, source="OECD 2024", confidence="high"))
    'Source: OECD 2024 (confidence: high)'
    >>> sourced(Parameter("a", 1, source="a press report", confidence="low"))
    'Source, unverified: a press report (confidence: low)'
    """
    from ..spec.model import UNVERIFIED

    if not given.source and not given.confidence:
        return ""
    head = "Source, unverified" if given.confidence in UNVERIFIED else "Source"
    mark = f" (confidence: {given.confidence})" if given.confidence else ""
    return f"{head}: {given.source or 'none'}{mark}"


def _sentences(*parts: str) -> str:
    """Return parts one after another, each ended by a period."""
    ended = (part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)
    return " ".join(ended)


def _overlays(page: Page, game: Game) -> None:
    if game.regimes:
        page.heading("Regimes")
        for regime in game.regimes:
            does = [
                *(f"{decision} = {action}" for decision, action in regime.fix.items()),
                *(f"{name} in {', '.join(kept)}" for name, kept in regime.narrow.items()),
                *(f"{name} = {number(value)}" for name, value in regime.set.items()),
                *(f"without {mechanism}" for mechanism in regime.off),
            ]
            label = f" ({regime.label})" if regime.label else ""
            text = _sentences("; ".join(does), regime.about)
            page.item(f"{regime.name}{label}", text, "bold", indent=GAP)
    if game.mechanisms:
        page.heading("Mechanisms")
        for name, mechanism in game.mechanisms.items():
            label = " ".join(part for part in (mechanism.id, mechanism.label) if part)
            off = ", ".join(f"{p} = {number(value)}" for p, value in mechanism.off.items())
            head = f"{name} ({label})" if label else name
            page.item(head, _sentences(f"off: {off}", mechanism.about), indent=GAP)
    if game.presets:
        page.heading("Presets")
        for name, values in game.presets.items():
            text = ", ".join(
                f"{parameter} = {number(value)}" for parameter, value in values.items()
            )
            label = f" ({values.label})" if values.label else ""
            told = _sentences(text or "the declared values", values.about, sourced(values))
            plain = not (values.about or values.source or values.confidence)
            page.item(f"{name}{label}", told.removesuffix(".") if plain else told, indent=GAP)
    if game.targets:
        page.heading("What was observed, to fit to")
        for name, target in game.targets.items():
            page.item(name, _sentences(*_observed(target), sourced(target)), indent=GAP)
    if game.published:
        page.heading("Known answers, for `highfence replications`")
        for row in game.published:
            told = f"{row.formula} = {number(row.value)} ({row.source}; {row.origin})"
            page.item(row.label or row.formula, told, indent=GAP)
    if game.flags:
        page.heading("Flags")
        for name, condition in game.flags.items():
            page.item(name, condition, indent=GAP)


def _observed(target: Target) -> tuple[str, ...]:
    """Return what a target is, its value and what the source leaves open."""
    unit = f" {target.unit}" if target.unit not in ("", "1") else ""
    value = f"{target.formula} = {number(target.value)}{unit}"
    if target.low is not None or target.high is not None:
        ends = ("" if end is None else number(end) for end in (target.low, target.high))
        value += f" ({' .. '.join(ends)})"
    return (target.label, value, target.about)


def _quantities(page: Page, game: Game) -> None:
    reported = None if game.outcomes is None else set(game.outcomes)
    from ..spec.resolve import derived_names

    keys = dict.fromkeys(
        key
        for name, (key, _) in derived_names(game).items()
        if reported is None or name in reported
    )
    if not keys:
        return
    page.heading("Outcomes")
    for key in keys:
        quantity = game.derived[key]
        unit = f" ({quantity.unit})" if quantity.unit not in ("", "1") else ""
        words = _sentences(quantity.label + unit, quantity.about)
        page.item(key, words or _formula(quantity.formula), indent=GAP)


def form_page(
    form: NormalForm | ExtensiveForm | MarkovForm, file: str, width: int | None = None
) -> Page:
    """Return the page that ``highfence show`` prints of a game file."""
    from ..forms.markov import MarkovForm
    from ..forms.normal import NormalForm

    page = Page(width)
    page.text(form.title or file, "bold")
    page.text(file, "dim")
    if isinstance(form, MarkovForm):
        if form.question:
            page.text(form.question)
        ends = "without end" if form.horizon is None else f"{count_of(form.horizon, 'stage')}"
        page.text(f"Markov form: {count_of(form.num_states, 'state')}, {ends}")
        page.heading("Players")
        for index, player in enumerate(form.players):
            offered = [own[index] for own in form.actions if len(own[index]) > 1]
            page.item(player, f"a choice in {count_of(len(offered), 'state')}", "bold", indent=GAP)
            for choice in list(dict.fromkeys(offered))[:MAX_NAMED]:
                page.item("among", ", ".join(choice), indent=GAP * 2)
        return page
    if not isinstance(form, NormalForm):
        page.text(
            f"extensive form: {count_of(len(form.parent), 'node')}, "
            f"{count_of(len(form.information_sets), 'information set')}"
        )
        page.heading("Players")
        for index, player in enumerate(form.players):
            sets = [s for s in form.information_sets if s.player == index]
            page.item(player, count_of(len(sets), "information set"), "bold", indent=GAP)
            for one in sets[:MAX_NAMED]:
                page.item(one.label, ", ".join(one.actions), indent=GAP * 2)
            if len(sets) > MAX_NAMED:
                page.text(f"... and {len(sets) - MAX_NAMED} more", indent=GAP * 2)
        return page
    page.text(f"strategic form: {' x '.join(map(str, form.num_strategies))} pure strategies")
    page.heading("Players")
    for player, strategies in zip(form.players, form.strategies, strict=True):
        shown = ", ".join(strategies[:MAX_NAMED])
        more = "" if len(strategies) <= MAX_NAMED else f", ... ({len(strategies)} in all)"
        page.item(player, shown + more, "bold", indent=GAP)
    return page
