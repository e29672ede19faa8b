"""The judge of many draws of a staged game that is solved by one compiled rule.

What the rule says at a history is all that is taken from it. Deviations, payoffs, ranges and
comparisons are worked out here, by the game's own functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..forms.staged import StagedForm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["JudgedPlays", "certify_plays"]

DENSITY = (24, 12, 1, 1, 5)
"""Alternatives of each decision on the path, and off it; of those on the path, and of those off it,
how many are followed by a judgment of the next stage; side of the grid over two decisions of one
player. Coarser than for a single answer, as in all batches."""


@dataclass(frozen=True, eq=False)
class JudgedPlays:
    """Verdicts on n draws."""

    regret: Array
    """(n,): over the payoff scale; infinite where there is no answer, or an impossible one."""
    unknown: NDArray[np.int64]
    """(n,): deviations behind which the rule has no answer; they are not judged. -1: the actions
    themselves are not possible."""
    actions: Array
    """(n, decisions): what is done on the path, in order of play."""
    payoffs: Array
    """(n, players)"""


def certify_plays(
    form: StagedForm, rule: Any, inputs: Array, density: tuple[int, ...] = DENSITY
) -> JudgedPlays:
    """Judge what a rule does at draws of a game's numbers.

    Parameters
    ----------
    form
        The game: interval decisions alone.
    rule
        Compiled answers, such as :class:`highfence.methods.closed_form.ClosedForm`.
    inputs
        (n, parameters and moves): the draws; moves are not read.
    density
        See :data:`DENSITY`.

    Notes
    -----
    A dense search, not a bound: see :func:`highfence.certify.staged.certify_staged`. Games of more
    than :data:`highfence.kernels.judge_plays.MOST_BLOCKS` stages are not judged: infinite regret.
    Cost: some ten to forty microseconds a draw for three stages of two decisions.
    """
    from ..kernels.judge_plays import MOST_BLOCKS, judge_plays

    n = len(inputs)
    starts = np.zeros((n, form.root.shape[1]))
    starts[:, : inputs.shape[1]] = inputs
    form.advance(starts, -1)
    shape = rule.moves.shape
    owners, lows, highs = (np.full(shape, -1, dtype=np.int64) for _ in range(3))
    ends = np.zeros((2, *shape))
    for k, block in enumerate(form.blocks):
        for j, move in enumerate(block.intervals):
            owners[k, j], lows[k, j], highs[k, j] = move.player, move.low.slot, move.high.slot
            ends[:, k, j] = move.low.value, move.high.value
    regret, unknown = np.full(n, np.inf), np.full(n, -1, dtype=np.int64)
    taken, brought = np.empty((n, int(rule.counts.sum()))), np.empty((n, form.num_players))
    if len(form.blocks) > MOST_BLOCKS:
        return JudgedPlays(
            regret, unknown, np.full_like(taken, np.nan), np.full_like(brought, np.nan)
        )
    judge_plays(
        rule.program.advance,
        form.program.advance,
        form.program.finish,
        rule.moves,
        rule.answers,
        rule.fixed,
        rule.counts,
        owners,
        lows,
        highs,
        ends,
        np.array(density, dtype=np.int64),
        rule.rows(inputs),
        starts,
        tolerances.NARROW,
        regret,
        unknown,
        taken,
        brought,
    )
    return JudgedPlays(regret, unknown, taken, brought)
