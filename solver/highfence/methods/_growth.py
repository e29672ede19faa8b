"""How many vertices a polyhedron will have, seen from how many there are on the way."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

__all__ = ["about", "expected"]

_SHARE = 8
"""A limit is foreseen from this part of it on: small numbers tell little, and cost little."""
_BEYOND = 1_000
"""Earlier only where this many times the limit are expected."""
_WINDOW = 4
"""Most inequalities over which growth is measured."""


def expected(counts: Sequence[int], left: int, limit: int) -> int:
    """Return how many vertices to expect once all inequalities are there, or 0 if it is too soon.

    As inequalities are added one by one, the number of vertices grows by an ever smaller factor,
    whose logarithm falls about linearly, to zero at the last inequality. From an eighth of the
    final number on, what was expected was at most twice the true number in random bimatrix games,
    and at most 1.2 times in random trees and in poker; before, up to twelve times.

    Parameters
    ----------
    counts
        Numbers of vertices, after each inequality so far.
    left
        Number of inequalities that are not there yet.
    limit
        What the number is compared with.
    """
    window = min(_WINDOW, len(counts) - 1)
    if not window or not left:
        return 0
    rate = log(counts[-1] / counts[-1 - window]) / window
    likely = counts[-1] * exp(min(rate * left * left / (2 * left + window), 40.0))
    soon = counts[-1] * _SHARE < limit and likely < _BEYOND * limit
    return 0 if soon else round(likely)


def about(number: int) -> str:
    """Return a large number in words, to one digit."""
    return "billions of" if number >= 2e9 else f"some {float(f'{number:.1g}'):,.0f}"
