"""Iterated elimination of dominated strategies, in exact arithmetic, with the order recorded.

A strategy is *strictly* dominated if some mixture of the player's others pays more whatever the
others play, *weakly* if some other strategy never pays less and sometimes more. What survives
strict elimination does not depend on the order and keeps every Nash equilibrium; a strategy that
is strictly dominated by a mixture may be dominated by no pure strategy (Pearce 1984). What
survives weak elimination depends on the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitExceeded, Problem
from ..forms.normal import NormalForm
from ..solution import Finds
from .rational_lp import matrix_game
from .registry import concept

__all__ = ["Removal", "removals"]


@dataclass(frozen=True)
class Removal:
    """One strategy that was removed, and what dominates it, as indices in the whole game."""

    round: int
    """From 1. All strategies that are dominated at the start of a round go in it."""
    player: int
    strategy: int
    dominated_by: Mapping[int, Fraction]
    """Strategy -> weight in the mixture that dominates."""
    strict: bool


@concept(
    "dominance",
    takes="normal: any number of players",
    finds=Finds.ALL,
    source="Bernheim (1984); Pearce (1984)",
    call="highfence solve GAME --concept dominance",
    use="what is left once nobody plays what something else always beats",
    exact=True,
)
@concept(
    "weak_dominance",
    takes="normal: any number of players",
    finds=Finds.ONE,
    source="Shoham & Leyton-Brown (2009), sec. 3.4.3",
    call="highfence solve GAME --concept dominance --weak",
    use="what is left once nobody plays what another plan weakly beats",
    exact=True,
)
def removals(form: NormalForm, *, weak: bool = False, mixtures: bool = True) -> list[Removal]:
    """Return the removals, round after round, until no strategy is dominated.

    Parameters
    ----------
    form
        Any number of players.
    weak
        Remove weakly dominated strategies too: those dominated by a pure strategy.
    mixtures
        Look for strict dominance by mixtures, by exact linear programs, where no pure
        strategy dominates.

    Raises
    ------
    LimitExceeded
        A program for a mixture would have more than ``limits.MAX_DOMINANCE_CELLS`` payoffs, or
        exact arithmetic would pass ``limits.MAX_EXACT_CELLS``.
    """
    table = form.rational()
    left = [list(range(count)) for count in form.num_strategies]
    found: list[Removal] = []
    for turn in range(1, sum(form.num_strategies) + 1):
        gone = []
        for player in range(form.num_players):
            rows = _rows(table, player, left)
            for at, strategy in enumerate(left[player]):
                why = _dominator(rows, at, weak, mixtures, form)
                if why is not None:
                    weights, strict = why
                    named = {left[player][k]: weight for k, weight in weights.items()}
                    gone.append(Removal(turn, player, strategy, named, strict))
        if not gone:
            break
        found += gone
        for removal in gone:
            left[removal.player].remove(removal.strategy)
    return found


def _rows(table: NDArray[Any], player: int, left: list[list[int]]) -> NDArray[Any]:
    """Return a player's payoffs: own strategies that are left, by profiles of the others."""
    block: NDArray[Any] = np.moveaxis(table[player][np.ix_(*left)], player, 0)
    return block.reshape(len(left[player]), -1)


def _dominator(
    rows: NDArray[Any], at: int, weak: bool, mixtures: bool, form: NormalForm
) -> tuple[dict[int, Fraction], bool] | None:
    """Return the mixture that dominates a row, and whether strictly; None if there is none."""
    gaps = rows - rows[at]
    others = [k for k in range(len(rows)) if k != at]
    for k in others:
        if (gaps[k] > 0).all():
            return {k: Fraction(1)}, True
    if mixtures and len(others) > 1 and (gaps[others] > 0).any(axis=0).all():
        if prod(gaps.shape) > limits.MAX_DOMINANCE_CELLS:
            raise LimitExceeded(
                Problem(
                    form.title or "payoffs",
                    f"{prod(gaps.shape)} payoffs in one exact program for a mixture would pass "
                    f"the limit of {limits.MAX_DOMINANCE_CELLS}",
                    "Say mixtures=False, or raise highfence.limits.MAX_DOMINANCE_CELLS",
                )
            )
        value, mixture = matrix_game(gaps[others].T.tolist())
        if value > 0:
            return {k: w for k, w in zip(others, mixture, strict=True) if w}, True
    if weak:
        for k in others:
            if (gaps[k] >= 0).all() and (gaps[k] > 0).any():
                return {k: Fraction(1)}, False
    return None
