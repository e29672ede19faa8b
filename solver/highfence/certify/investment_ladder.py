"""The judge of investment ladders: values by one linear system, then every best investment.

The worth of investing ``x`` is concave, so the best one is where its slope is zero, or nothing:
the gain of one deviation is known exactly at every state, and by the one-deviation principle no
other course gains where none of these does.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from .. import tolerances
from ..solution import Certificate

__all__ = ["certify_ladder"]


def certify_ladder(
    profits: Any,
    discount: float,
    success: float,
    depreciation: float,
    common_shock: bool,
    investments: Any,
    tolerance: float | None = None,
) -> Certificate:
    """Return whether both firms' investments are best responses at every pair of rungs.

    Parameters
    ----------
    profits, discount, success, depreciation, common_shock
        The game, as in :class:`highfence.methods.investment_ladder.InvestmentLadder`.
    investments
        Shape ``(L, L)``: of a firm on the first rung against one on the second.
    tolerance
        Largest regret for which the certificate holds; ``tolerances.REGRET_FLOAT`` by default.

    Returns
    -------
    Certificate
        ``regret``: the largest gain of one deviation, over the range of ``profits``.
    """
    limit = tolerances.REGRET_FLOAT if tolerance is None else tolerance
    table, plan = np.asarray(profits, dtype=float), np.asarray(investments, dtype=float)
    size = len(table)
    if plan.shape != table.shape or not np.isfinite(plan).all() or plan.min() < 0:
        reason = "investments are not nonnegative numbers, one per pair of rungs"
        return Certificate(inf, limit, exact=False, checks=(reason,))
    chance = success * plan / (1 + success * plan)
    shocks = (
        [((1, 1), depreciation), ((0, 0), 1 - depreciation)]
        if common_shock
        else [
            (
                (a, b),
                (depreciation if a else 1 - depreciation)
                * (depreciation if b else 1 - depreciation),
            )
            for a in (0, 1)
            for b in (0, 1)
        ]
    )
    # Next-state probabilities of every pair, if the own climb fails (0) and if it succeeds (1).
    moved = np.zeros((2, size * size, size * size))
    for k in range(size):
        for m in range(size):
            for climb in (0, 1):
                for rise in (0, 1):
                    weight = chance[m, k] if rise else 1 - chance[m, k]
                    for (a, b), p in shocks:
                        own = min(max(k + climb - a, 0), size - 1)
                        other = min(max(m + rise - b, 0), size - 1)
                        moved[climb, k * size + m, own * size + other] += weight * p
    flat = chance.ravel()[:, None]
    average = flat * moved[1] + (1 - flat) * moved[0]
    values = np.linalg.solve(np.eye(size * size) - discount * average, (table - plan).ravel())
    stayed, climbed = moved[0] @ values, moved[1] @ values
    worst = 0.0
    for index, x in enumerate(plan.ravel()):
        gap = discount * (climbed[index] - stayed[index])
        best = max(0.0, (sqrt(max(success * gap, 0.0)) - 1) / success)
        worth = [gap * success * z / (1 + success * z) - z for z in (x, best)]
        worst = max(worst, worth[1] - worth[0])
    width = float(table.max() - table.min()) or 1.0
    regret = worst / width
    return Certificate(
        regret,
        limit,
        exact=False,
        refinement="Markov perfect" if regret <= limit else None,
        checks=(f"the best investment against the plan, at each of {size * size} pairs of rungs",),
    )
