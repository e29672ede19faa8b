"""Answers that are not Nash equilibria as pages and as JSON.

A request for a concept may have several answers (the least and the largest of a quantity, one
per precision); they share one page, and one list in the JSON::

    game, source        name of the game, and where it was read
    concept             as asked for
    regime, preset      names, or null
    parameters          {name: number or text}: the values that were used
    notes               [text]
    answers             [answer]

    answer:
      says              the answer in a sentence
      certificate       {regret, tolerance, exact, holds, checks}
      ...               what belongs to the concept: payoffs, outcomes, strategy, ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..tolerances import PROBABILITY
from .text import GAP, Page, mixture, number, regret_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..concepts import (
        AgentLogitEquilibrium,
        Bargain,
        Commitment,
        CorrelatedEquilibrium,
        Elimination,
        LogitEquilibrium,
        PrecisionFit,
    )
    from ..forms.extensive import ExtensiveForm
    from ..forms.normal import NormalForm
    from ..solution import Certificate

    Form = NormalForm | ExtensiveForm
    Answer = (
        AgentLogitEquilibrium
        | Bargain
        | Commitment
        | CorrelatedEquilibrium
        | Elimination
        | LogitEquilibrium
        | PrecisionFit
    )

__all__ = ["Concepts", "concepts_dict", "concepts_page"]

_DIGITS = 5
_LEAST = 1e-9
"""Probability below which a cell of a lottery is left out."""


@dataclass(frozen=True)
class Concepts:
    """The answers to one request for a concept."""

    game: str
    source: str
    concept: str
    form: Form
    answers: tuple[Answer, ...]
    regime: str | None = None
    preset: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    """Parameters to name in the heading."""
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Every answer is certified."""
        return all(_certificate(answer).holds for answer in self.answers)


def concepts_dict(given: Concepts) -> dict[str, Any]:
    """Return the answers with the keys that the module documents."""
    return {
        "game": given.game,
        "source": given.source,
        "concept": given.concept,
        "regime": given.regime,
        "preset": given.preset,
        "parameters": given.parameters,
        "notes": given.notes,
        "answers": [
            {
                "says": _sentence(answer),
                **_fields(given.form, answer),
                "certificate": _certificate_dict(_certificate(answer)),
            }
            for answer in given.answers
        ],
    }


def concepts_page(given: Concepts, everything: bool = False, width: int | None = None) -> Page:
    """Return the page that ``highfence solve --concept`` prints."""
    page = Page(width)
    page.text(f"{given.game} ({given.source})", "bold")
    asked = [f"regime {given.regime}"] if given.regime else []
    asked += [f"preset {given.preset}"] if given.preset else []
    asked += [f"{name} = {number(given.parameters[name])}" for name in given.settings]
    if asked:
        page.text("; ".join(asked))
    answers, told = given.answers, [_sentence(answer) for answer in given.answers]
    if both := _one_range(answers):
        low, high = (answer.distribution for answer in answers)  # type: ignore[union-attr]
        alike = bool((abs(low - high) <= PROBABILITY).all())
        answers, told = answers[:1] if alike else answers, [both]
    for sentence in told:
        page.text(sentence, "green" if given.holds else "yellow")
    for place, answer in enumerate(answers, 1):
        if len(answers) > 1:
            page.heading(f"Answer {place} of {len(answers)}")
        else:
            page.blank()
        _body(page, given.form, answer, everything)
        page.item("certificate", _certificate_text(_certificate(answer)), indent=GAP)
    page.notes(given.notes)
    return page


# ---------------------------------------------------------------------------------------------
# What each concept says


def _sentence(answer: Answer) -> str:
    """Return the answer in a sentence."""
    from .. import concepts as c

    if isinstance(answer, c.CorrelatedEquilibrium):
        return (
            f"The {answer.objective} in {answer.concept} equilibrium is "
            f"{number(answer.value, _DIGITS)}."
        )
    if isinstance(answer, c.Commitment):
        ties = "helps" if answer.tie_breaking == "strong" else "harms"
        verb = "gets" if answer.attained else "can come as near as they like to"
        return (
            f"By committing first, {answer.leader} {verb} "
            f"{number(answer.leader_payoff, _DIGITS)}, if indifference {ties} them."
        )
    if isinstance(answer, c.AgentLogitEquilibrium):
        return (
            "Agent logit equilibrium of the principal branch at precision "
            f"{number(answer.precision)}."
        )
    if isinstance(answer, c.LogitEquilibrium):
        return f"Logit equilibrium of the principal branch at precision {number(answer.precision)}."
    if isinstance(answer, c.PrecisionFit):
        found = number(answer.equilibrium.precision, _DIGITS)
        if answer.at_limit:
            return f"Play looks exact: the likelihood still rises at precision {found}."
        return (
            f"The observed play is most likely at precision {found} "
            f"(log-likelihood {number(answer.log_likelihood)})."
        )
    if isinstance(answer, c.Bargain):
        named = {"nash": "Nash", "kalai_smorodinsky": "Kalai-Smorodinsky"}[answer.solution]
        shares = ", ".join(
            f"{player} {number(value, _DIGITS)}" for player, value in answer.payoffs.items()
        )
        return f"The {named} agreement pays {shares}."
    left = " x ".join(str(count) for count in answer.form.num_strategies)
    if not answer.removed:
        return f"No strategy is dominated; all of {left} are left."
    count, rounds = len(answer.removed), answer.removed[-1].round
    what = "1 dominated strategy goes" if count == 1 else f"{count} dominated strategies go"
    return f"{what} in {rounds} round{'s' * (rounds > 1)}; {left} are left."


def _one_range(answers: Sequence[Answer]) -> str:
    """Return what to say if the least and the largest of a quantity are one; else nothing."""
    from .. import concepts as c

    ends = [answer for answer in answers if isinstance(answer, c.CorrelatedEquilibrium)]
    if len(ends) != 2:
        return ""
    low, high = ends
    if not low.certificate.holds or not high.certificate.holds:
        return ""
    quantity = low.objective.removeprefix("least ")
    size = max(1.0, abs(low.value), abs(high.value))
    if abs(high.value - low.value) > PROBABILITY * size:
        return ""
    return (
        f"The {quantity} in every {low.concept} equilibrium is {number(low.value, _DIGITS)}: "
        "the least and the largest are one."
    )


def _body(page: Page, form: Any, answer: Answer, everything: bool) -> None:
    from .. import concepts as c

    if isinstance(answer, c.CorrelatedEquilibrium):
        _lottery(page, "told", form, answer.distribution, everything)
        _numbers(page, "payoffs", answer.payoffs)
        _numbers(page, "outcomes", answer.outcomes)
    elif isinstance(answer, c.Commitment):
        page.item(answer.leader, _mixture(answer.strategy), "bold", indent=GAP)
        for place, (response, payoff) in enumerate(
            zip(answer.responses, answer.follower_payoffs, strict=True), 1
        ):
            who = answer.follower + (f", type {place}" if len(answer.responses) > 1 else "")
            page.item(who, f"{response}, and gets {number(payoff, _DIGITS)}", "bold", indent=GAP)
    elif isinstance(answer, c.AgentLogitEquilibrium):
        for player, sets in answer.strategies.items():
            for label, strategy in sets.items():
                page.item(f"{player} at {label}", _mixture(strategy), "bold", indent=GAP)
        _numbers(page, "payoffs", answer.payoffs)
    elif isinstance(answer, c.LogitEquilibrium | c.PrecisionFit):
        shown = answer.equilibrium if isinstance(answer, c.PrecisionFit) else answer
        for player, strategy in shown.strategies.items():
            page.item(player, _mixture(strategy), "bold", indent=GAP)
        _numbers(page, "payoffs", shown.payoffs)
    elif isinstance(answer, c.Bargain):
        _lottery(page, "agreed", form, answer.lottery, everything)
        _numbers(page, "without agreement", answer.disagreement)
    else:
        for player, labels in zip(answer.form.players, answer.form.strategies, strict=True):
            page.item(player, ", ".join(labels), "bold", indent=GAP)
        if answer.removed:
            page.table(
                ["round", "who", "what", "dominated by", "how"],
                [
                    [
                        str(step.round),
                        step.player,
                        step.strategy,
                        _mixture(step.dominated_by),
                        "strictly" if step.strict else "weakly",
                    ]
                    for step in answer.removed
                ],
                left=(0, 1, 2, 3, 4),
                indent=GAP,
            )


def _lottery(
    page: Page, label: str, form: NormalForm, weights: NDArray[np.float64], everything: bool
) -> None:
    """Add the profiles that a lottery draws, the likeliest first."""
    cells = sorted(_cells(form, weights), key=lambda cell: -cell[1])
    most = len(cells) if everything else 12
    rows = [[*profile, number(p, _DIGITS)] for profile, p in cells[:most]]
    page.table([*form.players, label], rows, left=range(form.num_players), indent=GAP)
    if len(cells) > most:
        page.text(f"... and {len(cells) - most} more (--all)", indent=GAP)


def _cells(
    form: NormalForm, weights: NDArray[np.float64]
) -> Iterator[tuple[tuple[str, ...], float]]:
    import numpy as np

    for cell in np.argwhere(weights > _LEAST).tolist():
        labels = (known[k] for known, k in zip(form.strategies, cell, strict=True))
        yield tuple(labels), float(weights[tuple(cell)])


def _mixture(strategy: Mapping[str, Any]) -> str:
    return mixture(strategy, _LEAST, _DIGITS)


def _numbers(page: Page, label: str, values: Mapping[str, Any]) -> None:
    if values:
        told = ", ".join(f"{name} {number(value, _DIGITS)}" for name, value in values.items())
        page.item(label, told, indent=GAP)


# ---------------------------------------------------------------------------------------------
# What each concept holds, for programs


def _fields(form: Any, answer: Answer) -> dict[str, Any]:
    from .. import concepts as c

    if isinstance(answer, c.CorrelatedEquilibrium):
        return {
            "concept": answer.concept,
            "objective": answer.objective,
            "value": answer.value,
            "payoffs": answer.payoffs,
            "outcomes": answer.outcomes,
            "distribution": _listed(form, answer.distribution),
        }
    if isinstance(answer, c.Commitment):
        return {
            "leader": answer.leader,
            "tie_breaking": answer.tie_breaking,
            "strategy": answer.strategy,
            "follower": answer.follower,
            "responses": answer.responses,
            "leader_payoff": answer.leader_payoff,
            "follower_payoffs": answer.follower_payoffs,
            "attained": answer.attained,
        }
    if isinstance(answer, c.LogitEquilibrium | c.AgentLogitEquilibrium):
        return {
            "precision": answer.precision,
            "strategies": answer.strategies,
            "payoffs": answer.payoffs,
        }
    if isinstance(answer, c.PrecisionFit):
        return {
            **_fields(form, answer.equilibrium),
            "log_likelihood": answer.log_likelihood,
            "at_limit": answer.at_limit,
        }
    if isinstance(answer, c.Bargain):
        return {
            "solution": answer.solution,
            "disagreement": answer.disagreement,
            "payoffs": answer.payoffs,
            "lottery": _listed(form, answer.lottery),
        }
    return {
        "left": dict(zip(answer.form.players, answer.form.strategies, strict=True)),
        "removed": [
            {
                "round": step.round,
                "player": step.player,
                "strategy": step.strategy,
                "dominated_by": step.dominated_by,
                "strict": step.strict,
            }
            for step in answer.removed
        ],
    }


def _listed(form: NormalForm, weights: NDArray[np.float64]) -> Sequence[Mapping[str, Any]]:
    return [
        {"profile": dict(zip(form.players, profile, strict=True)), "probability": p}
        for profile, p in _cells(form, weights)
    ]


def _certificate(answer: Answer) -> Certificate:
    from ..concepts import PrecisionFit

    return (
        answer.equilibrium.certificate if isinstance(answer, PrecisionFit) else answer.certificate
    )


def _certificate_text(certificate: Certificate) -> str:
    return "; ".join([regret_text(certificate), *certificate.checks])


def _certificate_dict(certificate: Certificate) -> dict[str, Any]:
    return {
        "regret": certificate.regret,
        "tolerance": certificate.tolerance,
        "exact": certificate.exact,
        "holds": certificate.holds,
        "checks": certificate.checks,
    }
