"""What can be shown about trembles: evidence for or against a refinement of an equilibrium.

A method looks for evidence, the judge checks it. Definitions: an equilibrium ``x`` is *perfect*
(Selten 1975) if it is a limit of completely mixed profiles to each of which every strategy in use
in ``x`` is a best reply; *proper* (Myerson 1978) if it is a limit of ``e``-proper ones as ``e``
goes to 0: completely mixed ones in which a strategy that pays less than another has at most ``e``
times the probability of that other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial, lcm

from .normal import NormalForm, Profile

__all__ = [
    "BestAgainst",
    "Dominated",
    "Evidence",
    "LocallyWorse",
    "NearlyProper",
    "NoOrder",
    "Nothing",
    "Regular",
    "Trembles",
    "sign_bound",
]

Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class Regular:
    """The equilibrium is regular; that is for the judge to see."""


@dataclass(frozen=True)
class BestAgainst:
    """Two players: completely mixed strategies against which the other's strategy is best."""

    strategies: tuple[Vector, Vector]


@dataclass(frozen=True)
class Trembles:
    """Strategies out of use come with probability ``e ** order``; of those in use, order 0."""

    orders: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class NearlyProper:
    """Two players: an ``e``-proper profile for an ``e`` below which signs do not change."""

    epsilon: Fraction
    strategies: tuple[Vector, Vector]


@dataclass(frozen=True)
class Dominated:
    """A mixture that does at least as well as the player's strategy everywhere, better once."""

    player: int
    mixture: Vector


@dataclass(frozen=True)
class LocallyWorse:
    """A strategy that beats one in use whenever the others' trembles are small."""

    player: int
    used: int
    better: int


@dataclass(frozen=True)
class NoOrder:
    """Two players: no orders of preferences, out of this many, go with trembles that they bring."""

    tried: int


@dataclass(frozen=True)
class Nothing:
    """The search came to nothing, and why."""

    reason: str


Evidence = (
    Regular | BestAgainst | Trembles | NearlyProper | Dominated | LocallyWorse | NoOrder | Nothing
)


def sign_bound(form: NormalForm, profile: Profile) -> int:
    """Return a bound on what determinants of inequalities about trembles can add up to.

    Determinants of systems of linear inequalities between strategies, payoffs and distances from
    a profile are polynomials in ``e`` with integer coefficients. The sum of the absolute values
    of these is at most the bound, by Leibniz' formula.

    Parameters
    ----------
    form
        Two players; payoffs as stored.
    profile
        Exact probabilities.

    Examples
    --------
    >>> sign_bound(NormalForm.bimatrix([[1]], [[1]]), Profile(((Fraction(1),), (Fraction(1),))))
    48
    """
    most = 1
    for player in (0, 1):
        entries = [Fraction(value) for value in form.rational()[player].ravel()]
        scale = lcm(*(entry.denominator for entry in entries))
        low = min(entries)
        most = max(most, *(int((entry - low) * scale) for entry in entries))
    for vector in profile.strategies:
        most = max(most, lcm(*(Fraction(p).denominator for p in vector)))
    size = max(form.num_strategies) + 2
    return int(factorial(size) * (most + 1) ** size)
