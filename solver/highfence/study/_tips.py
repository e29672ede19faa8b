"""What a study of tipping points finds: changes, stretches, gaps, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Change", "Gap", "Kind", "Probe", "Range", "Series", "Stretch", "Tip", "Tipping"]

Range = tuple[float, float]


class Kind(StrEnum):
    """What changes at a tipping point."""

    BEST = "best regime"
    OUTCOME = "outcome"
    """The outcome that was asked for changes its sign, or its truth."""
    EXISTENCE = "existence"
    """On one side no equilibrium is found."""
    ACTIONS = "actions"
    """Other finite actions are played, or mixed."""
    CORNER = "corner"
    """An end of an interval is met or left, or an outcome stops or starts being 0."""
    COUNT = "number of equilibria"
    """In a game with interval decisions: whether equilibria are found that differ visibly."""
    JUMP = "jump"
    """Outcomes jump, and none of the above tells why."""


@dataclass(frozen=True)
class Change:
    """An outcome that jumps; ranges are over the equilibria on each side."""

    name: str
    before: Range
    after: Range


@dataclass(frozen=True)
class Tip:
    """One change along the parameter, which happens between ``low`` and ``high``."""

    kind: Kind
    regime: str | None
    """The regime in which it happens; None if it is about which regime is best."""
    low: float
    high: float
    before: str
    """What holds at ``low``, in words."""
    after: str
    """What holds at ``high``."""
    says: str
    """What changes, in one line."""
    margins: tuple[float, float] | None = None
    """Of a flip: the margin of what holds before over what holds after, at both ends; of an
    outcome: its value at both ends."""
    crossing: bool = False
    """Of a flip: the margin runs through 0, or leaves it. Otherwise it jumps."""
    near_tie: Range | None = None
    """Of a flip: the stretch of solved points around it in which the margin is a near tie."""
    changes: tuple[Change, ...] = ()
    """The outcomes that jump, the largest share of their range first."""
    unsolved: bool = False
    """Points between ``low`` and ``high`` were tried, and have no certified answer."""

    @property
    def at(self) -> float:
        """The middle of the bracket."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Stretch:
    """A part of the range in which one thing holds, up to the middle of the brackets."""

    low: float
    high: float
    state: str
    """The best regime, several joined by " = " (a tie) or " or " (it depends on which
    equilibrium), "below 0", "above 0", "holds", ...; empty where nothing is certified."""
    regimes: tuple[str, ...] = ()
    margin: Range | None = None
    """Least and largest margin at the points solved, where one regime is best."""


@dataclass(frozen=True)
class Series:
    """What holds along the range: which regime is best, or the sign of an outcome."""

    regime: str | None
    """The regime that the outcome is read in, where it is one regime's; else None."""
    stretches: tuple[Stretch, ...]
    low: Array
    """(n,): the margin of the best regime, or the lowest value of the outcome; NaN if none."""
    high: Array
    states: tuple[str, ...]
    """(n,): what holds at each point; empty where nothing is certified."""
    near: tuple[bool, ...]
    """(n,): whether the margin is a near tie."""
    alone: tuple[tuple[float, str], ...] = ()
    """Where something else holds than on the stretch around it, at this solved point alone, and
    what: a tie that a margin only touches, or one at an end of the range."""


@dataclass(frozen=True)
class Probe:
    """A point within a gap that was searched again in full."""

    at: float
    found: int
    """Equilibria certified there."""
    says: str
    """What is played in them; why there is none."""
    payoff: Range | None
    """Of the player who judges."""


@dataclass(frozen=True)
class Gap:
    """Points without a certified answer, from the first to the last of a run."""

    low: float
    high: float
    regime: str
    found_none: bool
    """The search ended without an equilibrium; otherwise what it proposed was rejected."""
    probes: tuple[Probe, ...]
    """Some of its points, searched again in full, which takes much longer."""


@dataclass(frozen=True)
class Tipping:
    """Every change found along one parameter. Arrays are read-only."""

    game: str
    title: str
    source: str
    preset: str | None
    changed: Mapping[str, Any]
    """Parameters that the request set."""
    parameter: str
    label: str
    unit: str
    value: float
    """The parameter's value where nothing is varied."""
    regimes: tuple[str, ...]
    player: str | None
    """Whose payoff says which regime is best; None if an outcome was asked for."""
    outcome: str | None
    """The outcome that was asked for, as a formula."""
    condition: bool
    """The outcome holds or not, rather than being a number."""
    low: float
    high: float
    tolerance: float
    """Width to which changes are bracketed, in the parameter's unit."""
    resolution: float
    """The largest distance between neighboring points: two changes closer than this that
    neither side announces may be missed."""
    tips: tuple[Tip, ...]
    """In order of the parameter; flips first where they coincide."""
    series: tuple[Series, ...]
    gaps: tuple[Gap, ...]
    x: Array
    """(n,): the points solved, ascending."""
    complete: bool
    """Every bracket is as narrow as the tolerance; otherwise a limit or Ctrl-C ended it."""
    notes: tuple[str, ...] = ()
    player_label: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def flips(self) -> tuple[Tip, ...]:
        """The changes of the best regime, or of the outcome that was asked for."""
        return tuple(tip for tip in self.tips if tip.kind in (Kind.BEST, Kind.OUTCOME))

    @property
    def settled(self) -> bool:
        """True if every point has an answer, and nothing depends on which equilibrium."""
        return (
            self.complete
            and not self.gaps
            and not any(" or " in s.state for line in self.series for s in line.stretches)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the study with the keys of ``highfence tipping --json``."""
        from ..report.tipping_text import tipping_dict

        return tipping_dict(self)

    def __str__(self) -> str:
        from ..report.tipping_text import tipping_text

        return tipping_text(self)
