"""What flags and sentences say about regimes: formulas over the outcomes of solved regimes.

A formula reads this regime's payoffs (by player), outcomes and parameters by their names,
and another regime's as ``regime.outcome``. Where regimes have several equilibria it is
evaluated at every combination of them (this regime's equilibrium is one and the same
wherever it is named).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits, tolerances
from ..errors import Problem, SpecError
from ..solution import Equilibrium, Solution
from ..spec.formulas import Expr, evaluate, input_names
from ..spec.model import Game
from ..spec.sentences import compile_sentences
from ._undefined import value_and_known

__all__ = ["Readings", "readings"]


@dataclass(frozen=True)
class _Formula:
    """An expression and the names of its inputs."""

    root: Expr
    names: tuple[str, ...]

    @classmethod
    def of(cls, root: Expr) -> _Formula:
        return cls(root, tuple(sorted(input_names([root]))))


@dataclass(frozen=True)
class _Sentence:
    when: _Formula
    parts: tuple[str | tuple[_Formula, str], ...]
    """Text, and (formula, format) pairs."""


@dataclass(frozen=True)
class Readings:
    """The compiled flags and sentences of a game."""

    flags: Mapping[str, _Formula]
    sentences: tuple[_Sentence, ...]
    others: tuple[str, ...]
    """The regimes that they name, in order of declaration."""

    def read(
        self, name: str, solutions: Mapping[str, Solution]
    ) -> tuple[dict[str, bool | None], str]:
        """Return the flags of a regime and what its sentences say.

        A flag is None where it holds for some combinations of equilibria only, where a
        regime that it names has none or has others than those listed, which may pay something
        else, or where a value in it is undefined.
        """
        this = solutions[name]
        conditions = [*self.flags.values(), *(sentence.when for sentence in self.sentences)]
        values = [part[0] for s in self.sentences for part in s.parts if not isinstance(part, str)]
        formulas = [*conditions, *values]
        wanted = {key for formula in formulas for key in formula.names}
        inputs, shape = _inputs(name, this, solutions, wanted)
        if not this.equilibria or shape is None:
            return dict.fromkeys(self.flags), ""
        undefined = {key for key, column in inputs.items() if np.isnan(column).any()}
        roots = [formula.root for formula in values]
        found = dict(zip(map(id, roots), evaluate(roots, inputs), strict=True))
        truths = {id(one.root): value_and_known(one.root, inputs) for one in conditions}

        def holds(formula: _Formula) -> bool | None:
            if not undefined.isdisjoint(formula.names):
                return None
            if any(_is_open(key, this, solutions) for key in formula.names):
                return None
            value, known = truths[id(formula.root)]
            truth = np.asarray(value, dtype=bool)
            if not np.all(known):
                return None
            return bool(truth.flat[0]) if truth.all() or not truth.any() else None

        flags = {flag: holds(formula) for flag, formula in self.flags.items()}
        said = []
        for sentence in self.sentences:
            always = holds(sentence.when)
            if always is False or not undefined.isdisjoint(sentence.when.names):
                continue
            truth = np.asarray(truths[id(sentence.when.root)][0], dtype=bool)
            mask = np.broadcast_to(truth, shape)
            if not mask.any():
                continue
            words = "".join(
                part if isinstance(part, str) else _written(found[id(part[0].root)], part[1], mask)
                for part in sentence.parts
            )
            said.append(words if always else f"In some equilibria: {words}")
        return flags, " ".join(said)


def _inputs(
    name: str, this: Solution, solutions: Mapping[str, Solution], wanted: set[str]
) -> tuple[dict[str, NDArray[np.float64]], tuple[int, ...] | None]:
    """Return the values of the inputs, each along the axis of its regime, and the whole shape."""
    split = {key: key.rpartition(".")[::2] for key in wanted}
    others = sorted({regime for regime, _ in split.values() if regime not in ("", name)})
    distinct: dict[str, list[tuple[float, ...]]] = {}
    rows: dict[str, dict[str, int]] = {}
    for regime in (name, *others):
        names = sorted({o for r, o in split.values() if (r or name) == regime})
        rows[regime] = {outcome: k for k, outcome in enumerate(names)}
        solution = this if regime == name else solutions.get(regime)
        equilibria = () if solution is None else solution.equilibria
        seen = [
            tuple(
                _value(e, this, outcome)
                if regime == name
                else _told_apart(_value(e, this, outcome), e, this, outcome)
                for outcome in names
            )
            for e in equilibria
        ]
        distinct[regime] = list(dict.fromkeys(seen)) or [(float("nan"),) * len(names)]
    order = (name, *others)
    shape = tuple(len(distinct[regime]) for regime in order)
    inputs: dict[str, NDArray[np.float64]] = {}
    for key, (regime, outcome) in split.items():
        axis = order.index(regime or name)
        column = [row[rows[regime or name][outcome]] for row in distinct[regime or name]]
        axes = [1] * len(order)
        axes[axis] = len(column)
        inputs[key] = np.array(column, dtype=np.float64).reshape(axes)
    too_many = int(np.prod(shape, dtype=np.int64)) > limits.MAX_COMBINATIONS
    return inputs, None if too_many else shape


def _is_open(key: str, this: Solution, solutions: Mapping[str, Solution]) -> bool:
    """Return whether equilibria that are not listed may have another value of an input."""
    regime, _, name = key.rpartition(".")
    solution = solutions.get(regime) if regime else this
    if solution is None or not solution.unlisted or name in solution.parameters:
        return False
    known = solution.extremes.get(name)
    return known is None or known.low != known.high


def _value(equilibrium: Equilibrium, solution: Solution, name: str) -> float:
    for values in (equilibrium.outcomes, equilibrium.payoffs, solution.parameters):
        if name in values:
            return float(values[name])
    return float("nan")


def _told_apart(value: float, equilibrium: Equilibrium, this: Solution, outcome: str) -> float:
    """Return another regime's value, or this regime's own where they cannot be told apart.

    Otherwise rounding in the last digits of a search would raise flags such as ``x < none.x``.
    """
    for own in this.equilibria:
        mine = _value(own, this, outcome)
        exact = equilibrium.certificate.exact and own.certificate.exact
        slack = tolerances.ROUNDING if exact else tolerances.SAME
        if abs(value - mine) <= slack * max(abs(value), abs(mine)):
            return mine
    return value


def _written(value: Any, form: str, mask: NDArray[np.bool_]) -> str:
    seen = np.unique(np.broadcast_to(np.asarray(value, dtype=np.float64), mask.shape)[mask])
    if not np.isfinite(seen).all():
        return "(undefined)"
    low, high = format(float(seen[0]), form), format(float(seen[-1]), form)
    return low if low == high else f"{low} to {high}"


def readings(game: Game, categorical: Mapping[str, str]) -> Readings:
    """Return the compiled flags and sentences; made once for each game and categorical values.

    Raises
    ------
    SpecError
        A formula or a sentence's format is wrong under these values; all mistakes are listed.
    """
    key = ("readings", tuple(sorted(categorical.items())))
    if key not in game.cache:
        game.cache[key] = _compiled(game, categorical)
    found: Readings = game.cache[key]
    return found


def _compiled(game: Game, categorical: Mapping[str, str]) -> Readings:
    problems: list[Problem] = []
    conditions, compiled = compile_sentences(game, categorical, problems)
    if problems:
        raise SpecError(problems)
    flags = {flag: _Formula.of(condition) for flag, condition in conditions.items()}
    sentences = tuple(
        _Sentence(
            _Formula.of(sentence.when),
            tuple(
                part if isinstance(part, str) else (_Formula.of(part[0]), part[1])
                for part in sentence.parts
            ),
        )
        for sentence in compiled
    )
    formulas = [
        *flags.values(),
        *(s.when for s in sentences),
        *(p[0] for s in sentences for p in s.parts if not isinstance(p, str)),
    ]
    named = {key.partition(".")[0] for f in formulas for key in f.names if "." in key}
    others = tuple(regime.name for regime in game.regimes if regime.name in named)
    return Readings(flags, sentences, others)
