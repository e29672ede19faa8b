"""What a staged method answers: plays of subgames, and profiles that answer every history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..forms.staged import Block, Prescription, StagedForm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._suprema import Approached
    from .staged import Solver

    Array = NDArray[np.float64]

__all__ = ["Play", "StagedProfile", "close", "distinct"]


@dataclass(frozen=True, eq=False)
class Play:
    """What happens in a subgame.

    ``row`` (1, size) is the history; ``values`` the block's interval actions in order;
    ``mixed`` the probabilities of each finite move's actions; ``branches`` the realized
    finite profiles with their probability and what follows (None after the last block);
    at purely finite blocks also those of probability 0, for what deviations lead to.
    """

    block: int
    row: Array
    values: Array
    mixed: tuple[tuple[float, ...], ...]
    payoffs: Array
    branches: tuple[tuple[float, tuple[int, ...], Play | None], ...]
    other: Array | None = None
    """Interval actions of the last block that are played instead of ``values`` with the
    probability ``share``: one player mixes two actions."""
    share: float = 0.0

    def key(self) -> tuple[float, ...]:
        """Return numbers by which plays are ordered and compared."""
        own = (*self._intervals(), *(p for mix in self.mixed for p in mix))
        live = (play for weight, _, play in self.branches if play is not None and weight > 0)
        return (*own, *(x for play in live for x in play.key()))

    def rank(self) -> tuple[float, ...]:
        """Return numbers that put low values, and actions that are listed first, first."""
        own = (*self._intervals(), *(-p for mix in self.mixed for p in mix))
        live = (play for weight, _, play in self.branches if play is not None and weight > 0)
        return (*own, *(x for play in live for x in play.rank()))

    def _intervals(self) -> tuple[float, ...]:
        return (*self.values, *(() if self.other is None else (*self.other, self.share)))

    def points(self) -> tuple[tuple[float, Array], ...]:
        """Return the interval actions that are played, each with its probability."""
        if self.other is None:
            return ((1.0, self.values),)
        return ((1.0 - self.share, self.values), (self.share, self.other))


@dataclass(frozen=True, eq=False)
class StagedProfile:
    """A strategy profile: its path of play, and a rule that answers every other history."""

    form: StagedForm
    play: Play
    rule: str
    """How a continuation was chosen where a subgame has several equilibria."""
    solver: Solver = field(repr=False)
    approached: tuple[Approached, ...] = ()
    """Best actions on the path that are approached and not attained."""

    def prescribe(self, block: int, rows: Array) -> Prescription:
        """Return what is done at a block behind each history; ``rows`` are not changed.

        Behind a finite block, the play itself says what follows each of its actions.
        """
        return self.solver.prescribe(block, rows, self.references.get(block))

    @cached_property
    def references(self) -> dict[int, Array]:
        """Each block's interval actions on the path, scaled: where off the path they are looked
        for first. Of several branches the likeliest counts."""
        found: dict[int, Array] = {}
        play: Play | None = self.play
        while play is not None:
            moves = self.form.blocks[play.block].intervals
            if moves and len(play.values):
                low = np.array([move.low.read(play.row)[0] for move in moves])
                width = np.array([move.high.read(play.row)[0] for move in moves]) - low
                scaled: Array = (play.values - low) / np.where(width > 0, width, 1.0)
                found[play.block] = np.clip(scaled, 0.0, 1.0)
            play = max(play.branches, key=lambda branch: branch[0])[2]
        return found

    def present(self, form: StagedForm) -> dict[str, Any]:
        """Return payoffs, strategies, outcomes and path, with labels, as an Equilibrium has them.

        A decision that is reached on several branches (behind a mixed or a chance move) has
        one entry a branch, named ``"decision | move=action"``. Outcomes are expected values.
        """
        strategies: dict[str, dict[str, Any]] = {player: {} for player in form.players}
        lines: list[str] = []
        outcomes = np.zeros(len(form.outcome_names))
        several = _branching(self.play)
        for weight, met, play in _walk(form, self.play, 1.0, ()):
            block = form.blocks[play.block]
            behind = f" | {', '.join(met)}" if several and met else ""
            said = []
            points = play.points()
            for k, interval in enumerate(block.intervals):
                taken: dict[str, float] = {}
                for probability, values in points:
                    label = f"{values[k]:.6g}"
                    taken[label] = taken.get(label, 0.0) + float(probability)
                mixes = len(taken) > 1
                strategies[form.players[interval.player]][interval.name + behind] = (
                    taken if mixes else float(play.values[k])
                )
                said.append(f"{interval.name} = {_mixture(taken)}")
            for move, mix in zip(block.finite, play.mixed, strict=False):
                options = dict(zip(move.labels, map(float, mix), strict=True))
                left = {label: p for label, p in options.items() if p > 0} or options
                strategies[form.players[move.player]][move.name + behind] = options
                said.append(f"{move.name} = {_mixture(left)}")
            if block.chance is not None:
                said.append(f"{block.chance.name} is drawn")
            if said:
                lines.append(f"{block.name}{behind}: " + "; ".join(said))
            if play.block == len(form.blocks) - 1:
                for share, actions, _ in play.branches:
                    for probability, values in points:
                        row = play.row.copy()
                        row[0, [move.slot for move in block.finite]] = actions
                        row[0, [move.slot for move in block.intervals]] = values
                        outcomes += weight * share * probability * form.outcomes(row)[0]
        return {
            "payoffs": dict(zip(form.players, map(float, self.play.payoffs), strict=True)),
            "strategies": strategies,
            "outcomes": dict(zip(form.outcome_names, map(float, outcomes), strict=True)),
            "path": tuple(lines),
            "notes": (
                *((self.rule,) if self.several else ()),
                *(one.words for one in self.approached),
            ),
        }

    @property
    def several(self) -> bool:
        """True if some subgame met on the way had several equilibria."""
        return self.solver.several or bool(self.solver.ruled) or self.solver.rule != 0


def _mixture(shares: dict[str, float]) -> str:
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{label} with probability {p:.6g}" for label, p in shares.items())


def _branching(play: Play) -> bool:
    """Return whether more than one branch is played anywhere."""
    live = [later for weight, _, later in play.branches if weight > 0]
    return len(live) > 1 or any(_branching(later) for later in live if later is not None)


def _walk(
    form: StagedForm, play: Play, weight: float, met: tuple[str, ...]
) -> Iterator[tuple[float, tuple[str, ...], Play]]:
    """Yield (probability, mixed and chance moves met, play) for every node on the path."""
    yield weight, met, play
    block: Block = form.blocks[play.block]
    moves = block.finite if block.chance is None else (block.chance,)
    for share, actions, later in play.branches:
        if later is None or share <= 0:
            continue
        said = tuple(
            f"{move.name}={move.labels[action]}"
            for move, action, mix in zip(moves, actions, play.mixed, strict=True)
            if max(mix) < 1
        )
        yield from _walk(form, later, weight * share, (*met, *said))


def close(one: Play, other: Play) -> bool:
    """Return whether two plays are the same up to :data:`highfence.tolerances.SAME`."""
    a, b = np.array(one.key()), np.array(other.key())
    return len(a) == len(b) and bool(np.all(np.abs(a - b) <= tolerances.SAME * (1 + np.abs(a))))


def distinct(plays: list[Play]) -> list[Play]:
    """Return the plays without those that repeat an earlier one."""
    kept: list[Play] = []
    for play in plays:
        if not any(close(play, other) for other in kept):
            kept.append(play)
    return kept
