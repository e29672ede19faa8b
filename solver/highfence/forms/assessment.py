"""A behavior profile with the completely mixed play that it is the limit of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .. import tolerances
from .extensive import BehaviorProfile

__all__ = ["Assessment", "exact_assessments"]

_DENOMINATORS = (12, 1_000)
"""Largest denominators of the fractions that stand for floats, the simplest first."""


@dataclass(frozen=True)
class Assessment(BehaviorProfile):
    """A behavior profile, and logarithms of the probabilities of a completely mixed one near it.

    The mixed one reaches every information set and so gives beliefs everywhere by Bayes' rule;
    logarithms, because its probabilities may be too small for floats while their ratios are not.
    """

    trembles: tuple[tuple[float, ...], ...] = ()
    """Per information set, a finite logarithm per action."""


def exact_assessments(given: Assessment) -> Iterator[Assessment]:
    """Yield assessments in simple fractions near one in floats, with the same trembles.

    Examples
    --------
    >>> near = Assessment(((0.3333333333, 0.6666666667),), ((-1.0986, -0.4055),))
    >>> next(exact_assessments(near)).probabilities
    ((Fraction(1, 3), Fraction(2, 3)),)
    """
    for denominator in _DENOMINATORS:
        rounded = tuple(
            tuple(Fraction(p).limit_denominator(denominator) for p in odds)
            for odds in given.probabilities
        )
        near = all(
            abs(float(q) - float(p)) <= tolerances.SAME
            for exact, odds in zip(rounded, given.probabilities, strict=True)
            for q, p in zip(exact, odds, strict=True)
        )
        if near and all(sum(odds) == 1 for odds in rounded):
            yield Assessment(rounded, given.trembles)
