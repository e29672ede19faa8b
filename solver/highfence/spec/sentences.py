"""Flags and sentences: formulas over the outcomes of solved regimes.

A formula reads this regime's payoffs (by player), outcomes and parameters by their names,
and another regime's as ``regime.outcome``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import Problem
from .formulas import Compiler, Expr, input_names, text, variable
from .model import Game
from .resolve import derived_names, functions_of

__all__ = [
    "CompiledSentence",
    "compile_outcome",
    "compile_sentences",
    "outcome_names",
    "unnamed_regimes",
]

_FORMAT = re.compile(r"\+?,?(\.\d{1,2})?[fge%]?\Z")
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{|\}")


@dataclass(frozen=True)
class CompiledSentence:
    """A sentence: where it holds, and its text with the formulas in it."""

    when: Expr
    parts: tuple[str | tuple[Expr, str], ...]
    """Text, and (formula, format) pairs."""


class _OutcomeScope:
    """The names of flags and sentences."""

    def __init__(self, game: Game, categorical: Mapping[str, str]) -> None:
        self.categorical = categorical
        self.regimes = {regime.name for regime in game.regimes}
        self.outcomes = dict.fromkeys(outcome_names(game))
        self.parameters = {parameter.name for parameter in game.parameters}

    def name(self, name: str) -> Expr | None:
        if name in self.outcomes:
            return variable(name)
        if name in self.parameters:
            found = self.categorical.get(name)
            return variable(name) if found is None else text(found)
        return None

    def has(self, name: str) -> bool:
        return name in self.outcomes or name in self.parameters or name in self.regimes

    def test(self, name: str, action: str) -> Expr | None:
        return None

    def attribute(self, name: str, attribute: str) -> Expr | None:
        if name not in self.regimes:
            return None
        if attribute not in self.outcomes:
            raise KeyError(list(self.outcomes))
        return variable(f"{name}.{attribute}")

    def attributes(self, name: str) -> Sequence[str]:
        return list(self.outcomes) if name in self.regimes else []

    def known(self) -> Iterable[str]:
        return [*self.outcomes, *self.parameters, *self.regimes]


def outcome_names(game: Game) -> tuple[str, ...]:
    """Return what flags and sentences may read of a regime: its outcomes, then the payoffs."""
    reported = tuple(derived_names(game)) if game.outcomes is None else game.outcomes
    return (*reported, *(player.name for player in game.players))


def unnamed_regimes(game: Game, root: Expr) -> list[str]:
    """Return the outcomes and payoffs that a compiled formula reads without naming a regime."""
    return sorted(input_names([root]) & set(outcome_names(game)))


def compile_outcome(
    game: Game, source: str, categorical: Mapping[str, str], place: str, problems: list[Problem]
) -> Expr | None:
    """Return a number or a condition in the language of flags; None with what is wrong in it."""
    scope = _OutcomeScope(game, categorical)
    compiler = Compiler(scope, functions_of(game, []), game.sets, problems)
    return compiler.formula(source, place, kind="any")


def compile_sentences(
    game: Game, categorical: Mapping[str, str], problems: list[Problem]
) -> tuple[dict[str, Expr], tuple[CompiledSentence, ...]]:
    """Return the flags and sentences of a game; mistakes are appended to ``problems``.

    Inputs of the expressions are outcomes, payoffs (by player) and parameters by name, and
    ``regime.outcome`` for another regime's.
    """
    compiler = Compiler(
        _OutcomeScope(game, categorical), functions_of(game, []), game.sets, problems
    )
    flags = {}
    for flag, condition in game.flags.items():
        made = compiler.formula(condition, f"{game.file}: flags.{flag}", kind="condition")
        if made is not None:
            flags[flag] = made
    for name, target in game.targets.items():
        place = f"{game.file}: targets.{name}.formula"
        made = compiler.formula(target.formula, place, kind="number")
        bare = [] if made is None else unnamed_regimes(game, made)
        if bare:
            reason = f"{bare[0]!r} does not say of which regime"
            problems.append(Problem(place, reason, f"Write REGIME.{bare[0]}"))
    for number, row in enumerate(game.published, 1):
        compiler.formula(row.formula, f"{game.file}: published.#{number}.formula", kind="number")
    sentences = []
    for number, sentence in enumerate(game.narrative, 1):
        place = f"{game.file}: narrative.#{number}"
        when = compiler.formula(sentence.when, f"{place}.when", kind="condition")
        parts = _parts(sentence.text, f"{place}.text", compiler, problems)
        if when is not None:
            sentences.append(CompiledSentence(when, parts))
    return flags, tuple(sentences)


def _parts(
    source: str, place: str, compiler: Compiler, problems: list[Problem]
) -> tuple[str | tuple[Expr, str], ...]:
    """Split ``"K is {K_H / none.K_H:.1f} times ..."`` into text and (formula, format) pairs."""
    parts: list[str | tuple[Expr, str]] = []
    end = 0
    for match in _PIECE.finditer(source):
        parts.append(source[end : match.start()])
        end = match.end()
        if match.group() in ("{{", "}}"):
            parts.append(match.group()[0])
            continue
        if match.group(1) is None:
            reason = f"the brace at character {match.start() + 1} has no partner"
            problems.append(Problem(place, reason, "Write {formula:.2f}, or {{ for a brace"))
            continue
        formula, colon, form = match.group(1).partition(":")
        if colon and not _FORMAT.match(form):
            reason = f"{form!r} is not a number format"
            problems.append(Problem(place, reason, "Write .2f, .0%, .3g or leave it out"))
            continue
        made = compiler.formula(formula, place)
        if made is not None:
            parts.append((made, form or ".4g"))
    parts.append(source[end:])
    return tuple(part for part in parts if part)
