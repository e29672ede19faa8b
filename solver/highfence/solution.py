"""What a solver answers: solutions, equilibria and their certificates.

Everything here is frozen; arrays inside are read-only copies. Names: a
*profile* is what a method proposes, an *equilibrium* is a profile with the
judge's certificate on it, a *solution* is all that a request brought about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import prod
from typing import Any

__all__ = [
    "Belief",
    "Certificate",
    "Equilibrium",
    "Extremes",
    "Findings",
    "Finds",
    "Play",
    "Refinement",
    "Solution",
    "Status",
    "Support",
]

Number = float | Fraction


class Finds(StrEnum):
    """What a method promises: all equilibria of its kind, some, or one."""

    ALL = "all"
    SOME = "some"
    ONE = "one"


class Status(StrEnum):
    """How a request ended. Only ``SOLVED`` means that a certified equilibrium is there."""

    SOLVED = "solved"
    PARTIAL = "partial"
    """Certified equilibria are there, but a limit was reached: the set may be incomplete."""
    NONE_FOUND = "none found"
    """The search ended without an equilibrium; ``reason`` says if that proves there is none."""
    UNCERTIFIED = "not certified"
    """Profiles were proposed, and the judge rejected every one of them."""


@dataclass(frozen=True)
class Certificate:
    """What the judge, independent of the method, computed for one profile."""

    regret: Number
    """Largest gain of any player from a unilateral deviation, over that player's payoff scale."""
    tolerance: float
    """Regret up to which the certificate holds; 0 where it is exact."""
    exact: bool
    """Computed in rational arithmetic: ``regret`` is a Fraction, and 0 is a proof."""
    refinement: str | None = None
    """The refinement that was checked: "subgame perfect", "weak perfect Bayesian" (which includes
    it), or None for plain Nash."""
    checks: tuple[str, ...] = ()
    """What was checked, in words: which nodes, how dense the search."""
    kind: str | None = None
    """Over intervals: "interval" where ``regret`` is a proved bound of every gain, "search" where
    it is the largest gain that a dense search met. None where all deviations could be tried."""

    @property
    def holds(self) -> bool:
        """True if no player gains more than the tolerance."""
        return bool(self.regret <= self.tolerance)


@dataclass(frozen=True)
class Belief:
    """What a player may believe at an information set for the equilibrium to be rational there."""

    player: str
    information_set: str
    places: tuple[str, ...]
    """What may have happened before, in words; what all have in common is left out."""
    reached: bool
    """Play comes here, inside the smallest subgame around, so Bayes' rule gives the belief."""
    extreme: tuple[tuple[Number, ...], ...]
    """Extreme points of the set of beliefs, as probabilities of the places: one if reached."""


@dataclass(frozen=True)
class Refinement:
    """The verdict on one refinement of an equilibrium."""

    name: str
    """"sequential", "intuitive criterion", "D1", "D2"; "perfect", "proper"."""
    holds: bool | None
    """None if it is left open."""
    reason: str


@dataclass(frozen=True)
class Equilibrium:
    """A certified profile.

    ``strategies`` is keyed by player, then

    - strategic form: action -> probability;
    - extensive form: information set -> action -> probability;
    - staged form: decision -> value (interval), or action -> probability, on the path of play.

    Probabilities are Fractions where the certificate is exact.
    """

    payoffs: Mapping[str, Number]
    strategies: Mapping[str, Mapping[str, Any]]
    outcomes: Mapping[str, float]
    certificate: Certificate
    path: tuple[str, ...] = ()
    """What happens on the path of play, one line per stage, in words."""
    notes: tuple[str, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    """At information sets of several nodes; where the request asked for them."""
    refinements: tuple[Refinement, ...] = ()
    """Verdicts on refinements, where the request asked for them."""
    index: int | None = None
    """Of an isolated equilibrium in strategic form, where asked for: +1 or -1 if it is regular."""
    profile: Any = field(default=None, repr=False, compare=False)
    """The method's profile (indices, arrays), for studies."""


@dataclass(frozen=True)
class Support:
    """What a method says of one equilibrium that stands for all with the same outcome."""

    plans: int
    """How many equilibria have this outcome, this one included."""
    options: Mapping[int, tuple[tuple[Number, ...], ...]]
    """Information set at which they differ, by its index -> the strategies that occur there."""


@dataclass(frozen=True)
class Play:
    """One outcome of play, that is a probability of each terminal, and the plans behind it.

    All of these agree wherever play comes, and so in payoffs and outcomes.
    """

    equilibria: tuple[int, ...]
    """Which of the solution's equilibria have this outcome."""
    plans: int
    """How many equilibria have it, listed or not."""
    elsewhere: Mapping[str, Mapping[str, tuple[Mapping[str, Number], ...]]]
    """Where they differ, off the path: player -> information set -> what occurs there, each
    as action -> probability."""
    reached: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Player -> information sets to which play comes."""

    @property
    def any_combination(self) -> bool:
        """True if every combination of what occurs elsewhere is one of the equilibria."""
        return self.plans == prod(
            len(own) for sets in self.elsewhere.values() for own in sets.values()
        )


@dataclass(frozen=True)
class Extremes:
    """The least and the greatest of a payoff or outcome over all equilibria counted in a tree.

    No equilibrium that backward induction counts, or would count without its limits, is outside.
    Where an end is not met it is a bound: the equilibria may all keep away from it.
    """

    low: float
    high: float
    low_met: bool = True
    """Some equilibrium has the least."""
    high_met: bool = True
    """Some equilibrium has the greatest."""


@dataclass(frozen=True)
class Findings:
    """What a method says about its own search when it ends (its generator's return value)."""

    complete: bool
    """Everything that the method promises was searched."""
    notes: tuple[str, ...] = ()
    """What was not searched, and what was seen on the way (continua, multiplicity)."""
    proves_none: bool = False
    """Where nothing was found: the search proves that there is none in pure strategies."""
    count: int | None = None
    """Of a tree: how many equilibria were found, whether or not all were yielded."""
    outcomes: int | None = None
    """How many outcomes of play these have."""
    more: bool = False
    """There are others that were not followed up, so that the counts are lower bounds."""
    supports: tuple[Support, ...] = ()
    """Where one equilibrium was yielded for each outcome: one entry for each, in this order."""
    extremes: tuple[Extremes | None, ...] = ()
    """Where not all were yielded: of each player's payoff, then of each outcome of the form, over
    all of them; None where it is not defined."""


@dataclass(frozen=True)
class Solution:
    """The answer to one request."""

    game: str
    source: str
    """Where the game came from: a file, or "python"."""
    form: str
    """"normal", "extensive" or "staged"."""
    status: Status
    reason: str
    method: str
    finds: Finds
    """What the method promises on this game."""
    equilibria: tuple[Equilibrium, ...] = ()
    regime: str | None = None
    preset: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was and was not searched; rules by which one was singled out; continua."""
    rejected: int = 0
    """How many proposed profiles the judge rejected."""
    subsets: tuple[tuple[int, ...], ...] = ()
    """Maximal Nash subsets: indices of the extreme equilibria whose convex hull (in
    either player's strategies) is all equilibria. Empty where not computed."""
    components: tuple[tuple[int, ...], ...] = ()
    """Connected components, as indices of extreme equilibria. Empty where not computed."""
    indices: tuple[int | None, ...] = ()
    """Index of each component, None where it was not had; empty where not asked for."""
    method_reason: str = ""
    """Why this method was taken: "asked for", or what decided under ``"auto"``."""
    plays: tuple[Play, ...] = ()
    """Of a tree: the listed equilibria by their outcome of play, in the order of the equilibria."""
    count: int | None = None
    """Of a tree: how many equilibria the search found; more than ``equilibria`` if these stand for
    others with the same outcome, or if a limit was reached. Exact below 10 ** 300."""
    outcome_count: int | None = None
    """Of a tree: how many outcomes of play these have."""
    more: bool = False
    """Of a tree: there are others that were not followed up; the counts are lower bounds."""
    extremes: Mapping[str, Extremes] = field(default_factory=dict)
    """Of a tree of which not all is listed: player or outcome -> the least and the greatest over
    all equilibria, made without listing them. Where they are known, equilibria come in the order
    of the method: first those that have some player's least or greatest payoff."""

    @property
    def unlisted(self) -> bool:
        """Whether there are equilibria of other outcomes than those listed. What they pay is
        within :attr:`extremes`, if these are there."""
        if self.more:
            return True
        if self.count is None:
            return False
        if self.plays:
            return len(self.plays) < (self.outcome_count or 0)
        return self.count > len(self.equilibria) + self.rejected

    @property
    def multiplicities(self) -> tuple[int, ...]:
        """How many equilibria each that is listed stands for: others only if these are not."""
        found = [1] * len(self.equilibria)
        for play in self.plays:
            found[play.equilibria[0]] = play.plans - len(play.equilibria) + 1
        return tuple(found)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """Return the lowest and highest value of every payoff and outcome over all equilibria
        found: over those listed, and over the others where :attr:`extremes` are known."""
        values: dict[str, list[float]] = {}
        for equilibrium in self.equilibria:
            for name, value in (*equilibrium.payoffs.items(), *equilibrium.outcomes.items()):
                values.setdefault(name, []).append(float(value))
        for name, seen in values.items():
            if name in self.extremes:
                seen += (self.extremes[name].low, self.extremes[name].high)
        return {name: (min(seen), max(seen)) for name, seen in values.items()}

    def __str__(self) -> str:
        from .report.text import solution_text

        return solution_text(self)
