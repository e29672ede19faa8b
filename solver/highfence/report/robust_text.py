"""Robust choices as text and CSV: which regime to choose when nobody knows the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .csv import table_csv
from .text import Page, column_of_numbers, number, numbers_text, plain

if TYPE_CHECKING:
    from ..study.beliefs import Mixture
    from ..study.robust import Ambiguity, Reversal, RobustChoice

__all__ = ["robust_csv", "robust_page", "robust_sentence", "robust_text"]

PARAMETERS = 6
"""Parameters in the short table of what information is worth."""
TILTED = 3
"""Parameters named where beliefs turn the recommendation."""
SETS = {
    "kl": "likelihood ball (kl)",
    "chi2": "chi-square ball (chi2)",
    "wasserstein": "Wasserstein ball (wasserstein)",
}


def robust_text(found: RobustChoice, width: int | None = None) -> str:
    """Return a robust choice as plain text."""
    return plain(robust_page(found, width))


def robust_page(found: RobustChoice, width: int | None = None, *, everything: bool = False) -> Page:
    """Return the page that ``highfence robust`` prints.

    Parameters
    ----------
    everything
        All parameters that information was valued of; else the most valuable.
    """
    page = Page(width)
    page.text(found.title, "bold")
    page.text(_asked(found))
    page.blank()
    for sentence in robust_sentence(found):
        page.answer(sentence, "")
    _regimes(page, found)
    _criteria(page, found)
    _dominance(page, found)
    _information(page, found, everything)
    page.notes(_notes(found))
    return page


def _asked(found: RobustChoice) -> str:
    at = numbers_text(found.preset, {n: number(found.parameters[n]) for n in found.changed})
    return (
        f"{found.game}; {at}; {found.draws} draws of {len(found.drawn)} parameters; judged by "
        f"the payoff of {found.player_label} ({found.payoff})"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def robust_sentence(found: RobustChoice) -> list[str]:
    """Return the answer in a few sentences."""
    label = found.labels
    if len(found.regimes) == 1:
        only = found.regimes[0]
        return [
            f"{label[only]} alone was asked about: {number(found.expected[0], 4)} on average over "
            f"{found.used} draws, {number(found.least[0], 4)} at the least."
        ]
    best = found.picks["expected payoff"]
    won = max(found.winning, key=lambda one: one.share)
    rival = label[str(best.runner_up)]
    first = (
        f"{label[best.regime]} has the highest expected payoff, by {number(best.margin, 3)} over "
        f"{rival}{' (a near tie)' if best.near_tie else ''}"
        if best.margin
        else f"{label[best.regime]} and {rival} have the same, and the highest, expected payoff"
    )
    wins = (
        f"{label[won.regime]} wins most often, in {_percent(won.share)} of them "
        f"({_percent(won.interval[0])} to {_percent(won.interval[1])})"
        if won.wins
        else "no regime wins in any of them"
    )
    first = f"Over {found.used} draws {first}; {wins}."
    maximin, regret = found.picks["maximin"], found.picks["minimax regret"]
    mixed = found.mixtures["minimax regret"]
    second = (
        f"Maximin picks {label[maximin.regime]} (never below {number(maximin.value, 4)} in these "
        f"draws), minimax regret {label[regret.regime]} (never more than {number(regret.value, 3)} "
        "behind the best"
    )
    if len(_parts(found, mixed)) > 1 and mixed.value < regret.value:
        second += f"; {_mixed(found, mixed)} is never more than {number(mixed.value, 3)} behind"
    said = [first, second + ")."]
    said += [_turned(found, one) for one in found.ambiguity[:1]]
    if found.information is not None:
        said.append(_worth(found))
    return said


def _turned(found: RobustChoice, one: Ambiguity) -> str:
    best = found.labels[found.picks["expected payoff"].regime]
    nearest = one.reversals[0]
    if nearest.radius is None:
        return f"Under no belief about these draws does another regime do better than {best}."
    return (
        f"The nearest belief at which another regime does better than {best} in expectation is "
        f"{number(nearest.radius, 2)} away ({SETS[one.kind]}): for "
        f"{found.labels[nearest.regime]}, with {_moved(nearest)}."
    )


def _moved(reversal: Reversal) -> str:
    """Return the parameters whose means a belief moves most."""
    return "the means moved by " + ", ".join(
        f"{number(shift, 2) if shift < 0 else '+' + number(shift, 2)} s.d. ({name})"
        for name, shift in list(reversal.tilt.items())[:TILTED]
    )


def _worth(found: RobustChoice) -> str:
    assert found.information is not None
    text = (
        f"To learn everything before choosing would be worth {number(found.information.perfect, 3)}"
    )
    clear = [one for one in found.information.partial if one.value > one.chance + 2 * one.error]
    if not clear:
        return text + "; no single parameter is worth learning alone, as far as these draws tell."
    listed = ", ".join(f"{one.parameter} ({number(one.value, 2)})" for one in clear[:TILTED])
    return f"{text}; of single parameters the most valuable are {listed}."


def _parts(found: RobustChoice, mixture: Mixture) -> list[tuple[str, float]]:
    pairs = zip(found.regimes, map(float, mixture.weights), strict=True)
    return sorted(((n, w) for n, w in pairs if w >= 0.005), key=lambda pair: -pair[1])


def _mixed(found: RobustChoice, mixture: Mixture) -> str:
    parts = _parts(found, mixture)
    return " + ".join(f"{_percent(weight)} {found.labels[name]}" for name, weight in parts)


def _cells(values: Any, digits: int = 4) -> list[str]:
    return column_of_numbers([(float(v), float(v)) for v in values], digits)


def _regimes(page: Page, found: RobustChoice) -> None:
    head = [
        "regime", "expected", "s.e.", "5%", "median", "95%", "least", "most regret", "wins",
        "95% interval",
    ]  # fmt: skip
    columns = [
        _cells(found.expected),
        _cells(found.expected_error, 3),
        *(_cells(found.quantiles[:, k]) for k in range(3)),
        _cells(found.least),
        _cells(found.regret),
        [_percent(one.share) for one in found.winning],
        [f"{_percent(one.interval[0])}..{_percent(one.interval[1])}" for one in found.winning],
    ]
    rows = [
        [found.labels[name], *(column[k] for column in columns)]
        for k, name in enumerate(found.regimes)
    ]
    page.blank()
    page.table(head, rows)


def _criteria(page: Page, found: RobustChoice) -> None:
    if len(found.regimes) == 1:
        return
    label = found.labels
    rows = []
    picks = [("most wins" if name == "winning" else name, p) for name, p in found.picks.items()]
    picks += [(f"{SETS[one.kind]} {number(one.radius)}", one.pick) for one in found.ambiguity]
    for name, pick in picks:
        share = name == "most wins"
        rows.append(
            [
                name,
                label[pick.regime],
                _percent(pick.value) if share else number(pick.value, 4),
                label[pick.runner_up] if pick.runner_up else "",
                (f"{100 * pick.margin:.0f} points" if share else number(pick.margin, 3))
                + ("~" if pick.near_tie else ""),
            ]
        )
    page.blank()
    page.table(["criterion", "choice", "value", "ahead of", "by"], rows, left=(0, 1, 3))
    if any("~" in row[-1] for row in rows):
        page.text("~ near tie, within 0.3 percent of the largest expected payoff", "dim")
    page.blank()
    mixtures = [(name, found.mixtures[name]) for name in found.mixtures]
    mixtures += [
        (f"{SETS[one.kind]} {number(one.radius)}", one.mixture)
        for one in found.ambiguity
        if one.mixture is not None
    ]
    for name, mixture in mixtures:
        if len(_parts(found, mixture)) > 1:
            value = number(mixture.value, 4)
            page.item(f"Best mixture by {name}", f"{_mixed(found, mixture)}, with {value}")
    for one in found.ambiguity:
        said = "; ".join(
            f"from {label[flip.before]} to {label[flip.after]} at {number(flip.high, 3)}"
            for flip in one.flips
        )
        page.item(
            f"Choice by the worst belief in a {SETS[one.kind]}, as its radius grows to "
            f"{number(one.largest, 3)}",
            said or "never changes",
        )
        near = [r for r in one.reversals if r.radius is not None]
        for reversal in near:
            page.item(
                f"Nearest belief for {label[reversal.regime]} ({SETS[one.kind]})",
                f"{number(reversal.radius, 3)} away, with {_moved(reversal)}",
            )


def _dominance(page: Page, found: RobustChoice) -> None:
    if len(found.regimes) == 1:
        return
    words = {
        "every draw": "is nowhere worse than",
        "first": "dominates to the first order",
        "second": "dominates to the second order",
    }
    said = [
        f"{found.labels[one.better]} {words[one.order]} {found.labels[one.worse]}"
        for one in found.dominance
    ]
    page.blank()
    page.item("Dominance in these draws", "; ".join(said) or "no regime dominates another")


def _information(page: Page, found: RobustChoice, everything: bool) -> None:
    information = found.information
    if information is None or len(found.regimes) == 1:
        return
    shown = information.partial if everything else information.partial[:PARAMETERS]
    rows_of: list[tuple[str, float, float, float | None, str]] = [
        ("everything", information.perfect, information.error, None, "")
    ]
    rows_of += [(p.parameter, p.value, p.error, p.chance, p.method) for p in shown]
    values = _cells([row[1] for row in rows_of], 3)
    errors = _cells([row[2] for row in rows_of], 3)
    chances = _cells([row[3] or 0.0 for row in rows_of], 3)
    rows = [
        [row[0], values[k], errors[k], chances[k] if row[3] is not None else "", row[4]]
        for k, row in enumerate(rows_of)
    ]
    page.blank()
    page.table(["to learn first", "worth", "s.e.", "by chance", "estimated by"], rows, left=(0, 4))
    hidden = len(information.partial) - len(shown)
    if hidden:
        page.text(f"{hidden} more parameters: --all", "dim")


def _notes(found: RobustChoice) -> list[str]:
    notes = []
    lost = found.draws - found.used
    if lost:
        by = ", ".join(f"{name} {count}" for name, count in found.undefined.items() if count)
        notes.append(
            f"{lost} of {found.draws} draws have no certified answer under every regime ({by}) and "
            "are left out of everything"
        )
    if any(found.several.values()):
        by = ", ".join(f"{name} {count}" for name, count in found.several.items() if count)
        notes.append(
            f"The payoff differs between equilibria in some draws ({by}); the {found.rule} counts"
        )
    if found.ties or found.depends or found.near_ties:
        notes.append(
            f"Of {found.used} draws {found.ties} are ties, in {found.depends} the winner depends "
            f"on which equilibrium is played, and in {found.near_ties} it wins by a near tie"
        )
    notes.append(
        "Draws are equally likely, and every statement is about them: the least payoff is the "
        "least seen"
    )
    return [*notes, *found.notes]


def robust_csv(found: RobustChoice) -> str:
    """Return one row per regime."""
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(found.regimes):
        won = found.winning[k]
        row: dict[str, Any] = {
            "regime": name,
            "label": found.labels[name],
            "draws": found.draws,
            "used": found.used,
            "undefined": found.undefined[name],
            "expected": float(found.expected[k]),
            "expected_error": float(found.expected_error[k]),
        }
        for share, value in zip((5, 50, 95), found.quantiles[k], strict=True):
            row[f"quantile_{share}"] = float(value)
        row |= {
            "least": float(found.least[k]),
            "largest_regret": float(found.regret[k]),
            "wins": won.wins,
            "win_share": won.share,
            "win_low": won.interval[0],
            "win_high": won.interval[1],
        }
        row |= {f"{one.kind}_{number(one.radius)}": float(one.worst[k]) for one in found.ambiguity}
        for criterion, mixture in found.mixtures.items():
            row[f"mixture_{criterion.replace(' ', '_')}"] = float(np.asarray(mixture.weights)[k])
        rows.append(row)
    return table_csv(rows, ["regime", "label"])
