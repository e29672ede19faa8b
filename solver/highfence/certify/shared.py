"""The judge of variational equilibria: games with linear constraints that all share.

Checked are that the actions keep the constraints; that nobody gains by a deviation that keeps them
too, given the others (interval arithmetic where it can prove it, else a dense search); and that
one multiplier a constraint, the same for all, balances everybody's slopes.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from .. import tolerances
from ..forms.staged import StagedForm
from ..solution import Certificate
from .interval import prove

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["certify_shared"]

POINTS = 1_000
"""Alternatives of one decision."""
JOINT = 4_000
"""Joint alternatives of a player's several decisions."""
STEP = 1e-6
"""Share of an interval over which slopes are differences of payoffs."""


def certify_shared(
    form: StagedForm, values: Array, matrix: Array, limits: Array, multipliers: Array
) -> Certificate:
    """Return the certificate of a variational equilibrium.

    Parameters
    ----------
    form
        A game in which all decide at once over intervals.
    values
        Interval actions (decisions,).
    matrix, limits
        The shared constraints ``matrix @ values <= limits``.
    multipliers
        What a unit of each constraint is worth at the margin, the same for everybody.
    """
    block = form.blocks[0]
    low = np.array([float(m.low.read(form.root)[0]) for m in block.intervals])
    high = np.array([float(m.high.read(form.root)[0]) for m in block.intervals])
    width = high - low
    size = np.abs(matrix) @ np.maximum(np.abs(low), np.abs(high)) + np.abs(limits)
    over = float(np.max((matrix @ values - limits) / np.maximum(size, 1e-300), initial=0.0))
    inside = ((values >= low) & (values <= high)).all()
    if over > tolerances.REGRET_FLOAT or not inside or (multipliers < 0).any():
        reason = "a constraint is broken, or a multiplier is negative"
        return Certificate(inf, tolerances.REGRET_STAGED, False, None, (reason,), "search")
    # What rounding leaves over the limits is no gain of anybody's.
    limits = np.maximum(limits, matrix @ values)
    actions = tuple(move.actions(form.root)[0][0] for move in block.finite)

    def payoffs(tried: Array) -> Array:
        rows = form.placed(0, np.repeat(form.root, len(tried), axis=0), actions, tried)
        return form.finish(np.ascontiguousarray(rows))

    now = payoffs(values[None])[0]
    gain, scale = np.zeros(form.num_players), np.ones(form.num_players)
    slopes = np.zeros(len(values))
    for player in block.players:
        own = [k for k, m in enumerate(block.intervals) if m.player == player and width[k] > 0]
        if not own:
            continue
        tried = []
        for k in own:
            line = np.repeat(values[None], POINTS + 1, axis=0)
            line[:, k] = np.linspace(low[k], high[k], POINTS + 1)
            tried.append(line)
            pair = np.repeat(values[None], 2, axis=0)
            pair[:, k] = np.clip(values[k] + STEP * width[k] * np.array([-1, 1]), low[k], high[k])
            there = payoffs(pair)[:, player]
            slopes[k] = (there[1] - there[0]) / (pair[1, k] - pair[0, k])
        if len(own) > 1:
            joint = np.repeat(values[None], JOINT, axis=0)
            joint[:, own] = low[own] + width[own] * np.random.default_rng(0).random(
                (JOINT, len(own))
            )
            tried.append(joint)
        table = np.concatenate(tried)
        table = table[(table @ matrix.T <= limits).all(axis=1)]
        found = payoffs(table)[:, player] if len(table) else np.empty(0)
        found = found[np.isfinite(found)]
        spread = float(np.ptp(found)) if len(found) else 0.0
        scale[player] = max(spread, tolerances.NARROW * abs(float(now[player])), 1e-300)
        gain[player] = max(float(found.max() - now[player]) if len(found) else 0.0, 0.0)
    regret = float(np.max(gain / scale, initial=0.0))
    if not np.isfinite(now[list(block.players)]).all():
        regret = inf
    kind = "search"
    limit = tolerances.REGRET_STAGED
    checks = [f"{POINTS + 1} deviations of each decision that keep the shared constraints"]
    if regret <= limit:
        proof = prove(form, values, actions, scale, limit, (matrix, limits))
        if proof is not None:
            kind = "interval"
            regret = max(regret, float(np.max(proof.gain / scale, initial=0.0)))
            checks = [proof.words[0]]
    # Everybody's slope, less what the shared constraints cost: zero inside an interval.
    left = (slopes - matrix.T @ multipliers) * width
    pushed = np.where(
        values <= low + 1e-9 * width,
        np.maximum(left, 0.0),
        np.where(values >= high - 1e-9 * width, np.maximum(-left, 0.0), np.abs(left)),
    )
    pushed = np.where(width > 0, pushed, 0.0)
    whole = max(float(np.max(np.abs(slopes * width), initial=0.0)), float(np.max(scale)))
    slack = multipliers * (limits - matrix @ values)
    off = max(float(np.max(pushed, initial=0.0)), float(np.max(slack, initial=0.0))) / whole
    if off > 1e-5:
        regret = inf
        checks.append(f"the multipliers do not balance the slopes: they are off by {off:.2g}")
    else:
        checks.append(f"one multiplier a constraint balances everybody's slopes, to {off:.0e}")
    return Certificate(regret, limit, False, None, tuple(checks), kind)
