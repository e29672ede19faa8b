"""The judge of payoff sets of repeated games: a set that generates itself is sustainable.

Every point of a set is a subgame-perfect payoff if each of its corners is one action profile now
and a payoff of the set later, such that deviating, punished by the set's worst for who deviates,
does not pay (Abreu, Pearce and Stacchetti 1990, theorem 1). That is checked here, corner by
corner. It proves that the set is not too large; that it is not too small is not checked.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..forms.normal import NormalForm
from ..solution import Certificate

__all__ = ["certify_payoff_set"]

_TOLERANCE = 1e-9
"""Violation, over the payoff range, up to which a set counts as generating itself."""


def certify_payoff_set(
    game: NormalForm, corners: Any, discount: float, tolerance: float = _TOLERANCE
) -> Certificate:
    """Return whether all of a set of payoffs is sustained by equilibria with payoffs in the set.

    Parameters
    ----------
    game
        A two-player stage game.
    corners
        Shape ``(k, 2)``: extreme points, counterclockwise.
    discount
        Discount factor, above 0 and below 1.
    tolerance
        Largest violation, over each player's payoff range, for which the certificate holds.

    Returns
    -------
    Certificate
        ``regret``: over all corners the largest, over all action profiles the least, violation:
        how far the payoff that would have to follow lies outside the set, or how much a
        deviation gains. 0 for an empty set, of which there is nothing to prove.
    """
    points = np.asarray(corners, dtype=float).reshape(-1, 2)
    if len(points) == 0:
        return Certificate(0.0, tolerance, exact=False, checks=("the set is empty",))
    low = game.payoffs.reshape(2, -1).min(axis=1)
    width = game.payoffs.reshape(2, -1).max(axis=1) - low
    width = np.where(width > 0, width, 1.0)
    points = (points - low) / width
    worst = points.min(axis=0)
    violations = []
    for corner in points:
        least = inf
        for cell in np.ndindex(*game.num_strategies):
            now = (game.payoffs[(slice(None), *cell)] - low) / width
            best = (
                np.array([game.payoffs[0][:, cell[1]].max(), game.payoffs[1][cell[0]].max()]) - low
            ) / width
            later = (corner - (1 - discount) * now) / discount
            gain = (1 - discount) * best + discount * worst - corner
            least = min(least, max(float(gain.max()), discount * _outside(later, points), 0.0))
        violations.append(least)
    regret = max(violations)
    return Certificate(
        regret,
        tolerance,
        exact=False,
        refinement="subgame perfect" if regret <= tolerance else None,
        checks=(
            f"each of the {len(points)} corners is an action profile now and a payoff of the set "
            "later, with no gain from deviating",
        )
        if regret <= tolerance
        else (f"corner {violations.index(regret)} is not generated: it is off by {regret:.3g}",),
    )


def _outside(point: Any, corners: Any) -> float:
    """Return the distance of a point from a convex polygon; 0 inside."""
    edges = list(zip(corners, np.roll(corners, -1, axis=0), strict=True))
    if len(corners) > 2:
        sides = [
            (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) for a, b in edges
        ]
        if min(sides) >= 0:
            return 0.0
    distances = []
    for a, b in edges:
        along = b - a
        length = float(along @ along)
        share = 0.0 if length == 0 else min(1.0, max(0.0, float((point - a) @ along) / length))
        distances.append(float(np.linalg.norm(point - a - share * along)))
    return min(distances)
