"""The report as one HTML file that needs nothing else: no network, no scripts, no other files.

Figures are SVG within the page. Every text passes Jinja's escaping, whoever wrote it; a policy in
the head forbids the page to load anything, should something slip through.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..study._digits import signed
from ..study.report import SECTIONS
from ..study.sweep import STATUSES
from . import plots
from .attribution_text import attribution_sentence
from .compare_text import is_constant, texts_of, verdict_sentence
from .discover_text import discover_sentence
from .map_text import answer as map_answer
from .plots import percent
from .sweep_text import sweep_sentence
from .text import game_page, interval, number, plain, regret_number
from .tipping_text import answer as tipping_answer

if TYPE_CHECKING:
    from ..spec.model import Parameter
    from ..study.report import Findings
    from .plots import Picture

__all__ = ["TITLES", "own_estimate", "pictures_of", "report_html", "report_summary"]

TITLES = {
    "outcomes": "What each regime brings about",
    "shares": "How often each regime is best",
    "tornado": "Which assumption matters, one at a time",
    "sobol": "Which assumption matters, all at once",
    "tipping": "Where the answer changes",
    "map": "Which regime is best over two assumptions",
    "attribution": "Which mechanisms bring it about",
    "discovery": "Under which assumptions it happens",
}
"""Section -> its heading."""

WITHOUT_WINNER = {
    "tie": "equally good",
    "undecided": "undecided (it depends on which equilibrium)",
    "not compared": "not compared (an answer is not certified)",
}
"""What a running share is called where no regime wins -> the same in a sentence."""

OUTCOMES = 7
"""Outcomes in the regime table beside the payoffs."""


@dataclass(frozen=True)
class Table:
    """A table of a section; the first column names the rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    """Columns that hold words rather than numbers."""


@dataclass(frozen=True)
class Section:
    """A section: the answer in sentences, then tables, then figures, then notes."""

    name: str
    title: str
    answer: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


def pictures_of(found: Findings) -> dict[str, Picture]:
    """Return the figures of a report by their names, in order."""
    looks = plots.looks_of([regime.name for regime in found.game.regimes])
    labels = {regime.name: regime.label or regime.name for regime in found.game.regimes}
    players = [player.name for player in found.game.players]
    made: list[Picture | None] = []
    comparison = found.comparison
    if "outcomes" in found.sections:
        base = _baseline_drawn(found)
        if base is not None:
            made.append(plots.outcome_bars(comparison, looks, base, found.player))
    if found.shares is not None:
        made.append(plots.convergence(found.shares, looks, labels))
    for one, draw in ((found.tornado, plots.tornado_bars), (found.sobol, plots.sobol_bars)):
        if one is not None and one.estimated:
            made.append(draw(one.targets[0], _target(found)))
    for k, tips in enumerate(found.tipping, 1):
        if tips.series:
            made.append(plots.tipping_strip(tips, looks, labels, f"tipping-{k}"))
    if found.map is not None:
        made.append(plots.regime_map(found.map, looks, labels))
    for k, attribution in enumerate(found.attribution, 1):
        if attribution.waterfall:
            made.append(plots.waterfall(attribution, f"attribution-{k}", players))
    if found.found is not None and found.sweep is not None:
        made.append(plots.discovery_box(found.found, found.sweep.inputs))
    return {picture.name: picture for picture in made if picture is not None}


def _baseline_drawn(found: Findings) -> str | None:
    """Return the regime with which bars compare the others; None if there is nothing to draw."""
    answered = [r.name for r in found.comparison.regimes if r.payoffs]
    if len(answered) < 2:
        return None
    return found.baseline if found.baseline in answered else answered[0]


def report_html(found: Findings, pictures: Mapping[str, Picture] | None = None) -> str:
    """Return the report as a page of HTML.

    Parameters
    ----------
    pictures
        The figures, where they were drawn before.

    Notes
    -----
    The same findings give the same page, byte for byte, with the same version of matplotlib.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    drawn = pictures_of(found) if pictures is None else pictures

    def shown(value: Any) -> Any:
        return value if hasattr(value, "__html__") else _printable(str(value))

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    game = found.game
    return environment.get_template("report.html.j2").render(
        game=game,
        title=game.title or game.name,
        summary=report_summary(found),
        sections=[section for name in SECTIONS if (section := _section(name, found, drawn))],
        left_out=[(TITLES[name], reason) for name, reason in found.left_out.items()],
        certificates=_certificates(found),
        assumptions=game.assumptions,
        parameters=_parameters(found),
        page=plain(game_page(game, 100)),
        specification=found.specification,
        manifest={k: v for k, v in found.manifest.items() if k != "command"},
        command=found.manifest.get("command", ""),
    )


def _printable(text: str) -> str:
    """Return text with control and formatting characters shown instead of obeyed."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        c
        if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


# ---------------------------------------------------------------------------------------------
# Sections


def _target(found: Findings) -> str:
    """Return what sensitivity is about, in words."""
    if found.chosen is None:
        return ""
    label = found.comparison[found.chosen].label
    who = found.comparison.labels.get(found.player or "", found.player or "")
    if len(found.comparison.regimes) < 2:
        return f"payoff of {who} under {label}"
    return f"margin of {label} over the best other regime, for {who}"


def report_summary(found: Findings) -> list[str]:
    """Return the sentences that a report begins with."""
    comparison = found.comparison
    labels = {result.name: result.label for result in comparison.regimes}
    said = []
    if found.player is not None:
        who = comparison.labels.get(found.player, found.player)
        verdict = verdict_sentence(comparison.best[found.player], labels)
        said.append(f"At the numbers as given, best for {who}: {verdict}.")
    else:
        said += [
            f"Best for {comparison.labels.get(player, player)}: {verdict_sentence(best, labels)}."
            for player, best in comparison.best.items()
        ]
    if found.shares is not None:
        last = found.shares.share[-1].tolist()
        ranked = sorted(zip(last, found.shares.regimes, strict=True), key=lambda one: -one[0])
        wins = [f"{labels[name]} in {percent(share)}" for share, name in ranked if name in labels]
        rest = [
            f"{WITHOUT_WINNER[name]} in {percent(share)}"
            for share, name in ranked
            if name in WITHOUT_WINNER
        ]
        best = [", ".join(wins) if wins else "no regime is best in any"]
        count = int(found.shares.draws[-1])
        said.append(f"Over {count:,} draws of the assumptions: {'; '.join(best + rest)}.")
    return said


def _section(name: str, found: Findings, drawn: Mapping[str, Picture]) -> Section | None:
    if name not in found.sections or name in found.left_out:
        return None
    made: Section = _MAKERS[name](found)
    own = tuple(
        picture
        for key, picture in drawn.items()
        if key == name or (key.rpartition("-")[0] == name and key.rpartition("-")[2].isdigit())
    )
    return replace(made, pictures=own)


def _outcomes(found: Findings) -> Section:
    comparison = found.comparison
    results = comparison.regimes
    stands_for = {player: name for name, player in comparison.payoff_outcomes.items()}
    columns: dict[str, list[tuple[float, float] | None]] = {}
    words = {}
    for player in sorted(comparison.best, key=lambda one: one != found.player):
        columns[player] = [result.payoffs.get(player) for result in results]
        words[player] = f"payoff of {comparison.labels.get(player, player)}"
    same = []
    for name in dict.fromkeys(name for result in results for name in result.outcomes):
        if name in stands_for.values():
            continue
        values = [result.outcomes.get(name) for result in results]
        if is_constant(texts_of(comparison, "", values)):
            same.append(f"{name} {texts_of(comparison, '', values[:1])[0]}")
        elif len(columns) < len(comparison.best) + OUTCOMES:
            columns[name] = values
            unit = comparison.units.get(name, "")
            label = comparison.labels.get(name, name)
            words[name] = f"{label} ({unit})" if unit not in ("", "1") else label
    cells = [[f"{r.label} ({r.name})" if r.label != r.name else r.name for r in results]]
    for name, values in columns.items():
        texts = texts_of(comparison, name if name in comparison.best else "", values)
        if name in comparison.best:
            best = comparison.best[name]
            texts = [
                text + ("*" if r.name in best.contenders else "~" if r.name in best.near else "")
                for text, r in zip(texts, results, strict=True)
            ]
        cells.append(texts)
    flags = [
        " ".join(f if value else f"{f}?" for f, value in r.flags.items() if value is not False)
        for r in results
    ]
    head = ["regime", *columns]
    if any(flags):
        head.append("flags")
        cells.append(flags)
    numbers = Table(
        "Payoffs and outcomes; ranges are over all equilibria found. * best for that player, "
        "~ a near tie with it.",
        tuple(head),
        tuple(zip(*cells, strict=True)),
        (0, len(head) - 1) if any(flags) else (0,),
    )
    said = tuple((result.label, result.says) for result in results)
    told = tuple((name, words[name]) for name in columns)
    tables = (
        numbers,
        Table("What happens", ("regime", "what happens"), said, (0, 1)),
        Table("What the columns are", ("name", "what it is"), told, (0, 1)),
    )
    labels = {result.name: result.label for result in results}
    answer = [
        f"Best for {comparison.labels.get(player, player)}: {verdict_sentence(best, labels)}."
        for player, best in sorted(comparison.best.items(), key=lambda one: one[0] != found.player)
    ]
    notes = list(comparison.notes)
    drawn = _baseline_drawn(found)
    if drawn is not None:
        notes.append(
            f"Bars are changes from {labels[drawn]}, the baseline; a line across the end of a bar "
            "reaches from the lowest to the highest value over all equilibria."
        )
    if any("?" in flag for flag in flags):
        notes.append("A flag with a question mark depends on which equilibrium is played.")
    if any(text == "-" for own in cells[1:] for text in own):
        notes.append("-: no equilibrium was certified there.")
    if same:
        notes.append(f"The same under every regime: {', '.join(same)}.")
    raised = {f for r in results for f, value in r.flags.items() if value is not False}
    notes += [f"{f}: {c}." for f, c in comparison.flag_conditions.items() if f in raised]
    return Section("outcomes", TITLES["outcomes"], tuple(answer), tables, tuple(notes))


def _shares(found: Findings) -> Section:
    sweep, shares = found.sweep, found.shares
    assert sweep is not None
    assert shares is not None
    labels = {result.name: result.label for result in found.comparison.regimes}
    rows = tuple(
        (
            labels.get(name, name),
            f"{100 * shares.share[-1, k]:.1f}%",
            f"{100 * shares.low[-1, k]:.1f}% to {100 * shares.high[-1, k]:.1f}%",
        )
        for k, name in sorted(
            enumerate(shares.regimes), key=lambda one: -float(shares.share[-1, one[0]])
        )
    )
    return Section(
        "shares",
        TITLES["shares"],
        (sweep_sentence(replace(sweep, judge=found.player)),),
        (Table("Share of draws in which it is best", ("regime", "share", "95 % interval"), rows),),
        (
            "Intervals are those of independent draws (Wilson 1927). They hold for more draws of "
            "the same ranges; they say nothing about whether the ranges are right.",
            *sweep.notes,
        ),
    )


def _tornado(found: Findings) -> Section:
    assert found.tornado is not None
    one = found.tornado.targets[0]
    notes = [
        "Each parameter moves over its declared range, all others as given. The vertical line is "
        "the value at the numbers as given.",
        *one.notes,
    ]
    if one.reason:
        notes.append(one.reason)
    left = sum(one.of(name) > 0 for name in one.names) - plots.MOST if one.measures else 0
    if left > 0:
        notes.append(f"{left} more parameters move it, each by less than those drawn.")
    return Section("tornado", TITLES["tornado"], (one.says,), notes=tuple(notes))


def _sobol(found: Findings) -> Section:
    assert found.sobol is not None
    one = found.sobol.targets[0]
    names = ", ".join(found.sobol.distributions)
    notes = [
        f"{found.sobol.points:,} points, {one.used:,} of them used; {names} vary, all else is as "
        "given.",
        *one.notes,
    ]
    if one.reason:
        notes.append(one.reason)
    return Section("sobol", TITLES["sobol"], (one.says,), notes=tuple(notes))


def _tipping(found: Findings) -> Section:
    tables, notes = [], []
    for tips in found.tipping:
        rows = tuple(
            (f"{number(tip.low, 6)} to {number(tip.high, 6)}", tip.before, tip.after)
            for tip in tips.flips
        )
        if rows:
            tables.append(
                Table(
                    f"Along {tips.parameter}",
                    ("between", "best below", "best above"),
                    rows,
                    (0, 1, 2),
                )
            )
        notes += [f"{tips.parameter}: {note}" for note in tips.notes]
        notes.append(
            f"{tips.parameter}: {len(tips.x)} values were solved; two flips nearer to one another "
            f"than {number(tips.resolution, 2)} that neither side announces would be missed."
        )
        open_ = {gap.regime for gap in tips.gaps}
        if open_:
            notes.append(
                f"{tips.parameter}: at some values nothing is certified under "
                f"{', '.join(sorted(open_))}, so no regime is named there."
            )
    if any(tips.series for tips in found.tipping):
        notes.insert(
            0,
            "Marks have the color and the shape of the regime that is best there; a vertical line "
            "with a number is a flip, a dashed one the number as given.",
        )
    answer = tuple(tipping_answer(tips) for tips in found.tipping)
    return Section("tipping", TITLES["tipping"], answer, tuple(tables), tuple(notes))


def _map(found: Findings) -> Section:
    assert found.map is not None
    notes = (
        f"{len(found.map.points)} points were solved. Paler is a smaller margin; dots are where "
        "one regime takes over from another; the star marks the numbers as given.",
        *found.map.notes,
    )
    return Section("map", TITLES["map"], (map_answer(found.map),), notes=notes)


def _attribution(found: Findings) -> Section:
    tables, notes = [], []
    for one in found.attribution:
        rows = tuple(
            (
                step.mechanism,
                one.labels[step.mechanism],
                signed(step.change),
                number(float(one.error[one.mechanisms.index(step.mechanism)]), 2),
            )
            for step in one.waterfall
        )
        if rows:
            tables.append(
                Table(
                    f"Shapley values, {one.regime_label}",
                    ("mechanism", "what it is", "what it adds", "standard error"),
                    rows,
                    (0, 1),
                )
            )
    if tables:
        notes.append(
            "What a mechanism adds is its Shapley value: averaged over all orders in which "
            "mechanisms may be switched on."
        )
    first = found.attribution[0]
    if first.exact:
        notes.append(f"All {first.coalitions} coalitions of the mechanisms were solved.")
    else:
        notes.append(
            f"{2 * first.permutations} orders of {len(first.mechanisms)} mechanisms were sampled; "
            "error bars are 95 percent. `highfence attribute` samples more."
        )
    return Section(
        "attribution",
        TITLES["attribution"],
        tuple(attribution_sentence(one) for one in found.attribution),
        tuple(tables),
        tuple(notes),
    )


def _discovery(found: Findings) -> Section:
    assert found.found is not None
    one = found.found.discovery
    rows = tuple(
        (
            limit.parameter,
            one.labels.get(limit.parameter, ""),
            f"at {'least' if limit.side == 'above' else 'most'} {number(limit.value, 4)}",
            one.units.get(limit.parameter, ""),
            number(limit.quasi_p, 2),
        )
        for peeling in one.boxes[:1]
        for limit in peeling.box.limits
    )
    head = ("parameter", "what it is", "limit", "unit", "quasi-p")
    tables = (Table("The first box", head, rows, (0, 1, 2, 3)),) if rows else ()
    notes = [f"{one.used} of {one.draws} draws tell whether it holds.", *one.notes]
    if one.depends:
        notes.append(f"At {one.depends} draws it depends on which equilibrium is played.")
    if rows:
        notes.append(
            "quasi-p: how likely so high a density would be if the limit did not matter "
            "(Bryant and Lempert 2010). Thick vertical lines in the figure are limits of the box."
        )
    return Section(
        "discovery", TITLES["discovery"], tuple(discover_sentence(one)), tables, tuple(notes)
    )


_MAKERS: dict[str, Any] = {
    "outcomes": _outcomes,
    "shares": _shares,
    "tornado": _tornado,
    "sobol": _sobol,
    "tipping": _tipping,
    "map": _map,
    "attribution": _attribution,
    "discovery": _discovery,
}


# ---------------------------------------------------------------------------------------------
# What it rests on


def _certificates(found: Findings) -> list[Table]:
    rows = []
    for result in found.comparison.regimes:
        solution = result.solution
        if not solution.equilibria:
            rows.append(
                (result.label, solution.method, solution.status.value, "", "", solution.reason)
            )
        for equilibrium in solution.equilibria:
            certificate = equilibrium.certificate
            rows.append(
                (
                    result.label,
                    solution.method,
                    solution.status.value,
                    number(certificate.regret, 2)
                    if certificate.exact
                    else regret_number(certificate.regret),
                    "exact" if certificate.exact else number(certificate.tolerance, 2),
                    "; ".join(
                        part
                        for part in (certificate.refinement or "Nash", *certificate.checks)
                        if part
                    ),
                )
            )
    head = ("regime", "method", "status", "regret", "tolerance", "what was checked")
    made = [Table("Every equilibrium at the numbers as given", head, tuple(rows), (0, 1, 2, 5))]
    sweep = found.sweep
    if sweep is not None:
        labels = {result.name: result.label for result in found.comparison.regimes}
        counts = sweep.counts()
        present = [status for status in STATUSES if any(c[status] for c in counts.values())]
        answers = []
        for k, regime in enumerate(sweep.regimes):
            sure = sweep.answers.certified[:, k]
            worst = sweep.answers.regret[sure, k].max() if sure.any() else float("nan")
            answers.append(
                (
                    labels.get(regime, regime),
                    *(str(counts[regime][status]) for status in present),
                    regret_number(worst) if sure.any() else "-",
                )
            )
        columns = ("regime", *present, "largest regret certified")
        made.append(Table(f"Answers at {len(sweep):,} draws", columns, tuple(answers), (0,)))
    return made


def own_estimate(parameter: Parameter) -> str:
    """Return why a parameter's value is flagged: nothing outside the game vouches for it.

    Examples
    --------
    >>> from highfence import Parameter
    >>> own_estimate(Parameter("a", 1, source="own calibration"))
    'own estimate'
    >>> own_estimate(Parameter("a", 1)), own_estimate(Parameter("a", 1, source="OECD 2024"))
    ('no source', '')
    """
    source = parameter.source.strip().casefold()
    if not source:
        return "no source"
    return "own estimate" if source.split()[0].rstrip(",:;") == "own" else ""


def _parameters(found: Findings) -> list[dict[str, str]]:
    used = found.comparison.parameters
    made = []
    for p in found.game.parameters:
        if p.choices:
            bounds = " | ".join(p.choices)
        elif p.low is None and p.high is None:
            bounds = ""
        else:
            bounds = " to ".join("" if end is None else number(end) for end in (p.low, p.high))
        value = used.get(p.name, p.value)
        shown = value if isinstance(value, str) else interval((float(value), float(value)), 6)
        declared = p.value if isinstance(p.value, str) else interval((float(p.value),) * 2, 6)
        made.append(
            {
                "name": p.name,
                "label": ". ".join(part.rstrip(".") for part in (p.label, p.about) if part),
                "value": shown if shown == declared else f"{shown} (declared: {declared})",
                "range": bounds,
                "unit": "" if p.unit == "1" else p.unit,
                "source": p.source,
                "flag": own_estimate(p),
            }
        )
    return made
