"""Tipping points: along one parameter, every value at which the answer changes.

A *flip* is a value at which another regime becomes best, or at which an outcome that was
asked for changes its sign. Within a regime, the equilibrium's kind may change: the actions
that are played, how many equilibria there are or whether one is found, an end of an interval
that is met or left, an outcome that stops or starts being 0, a jump of outcomes (a cliff).

Every change is bracketed: between the two ends of its bracket nothing was solved, and what
holds at each end is certified. The search starts from a grid and halves every cell

- whose ends differ in any of these respects,
- in which a margin, carried on from the neighboring cells by straight lines, could touch 0
  (so that two flips could hide inside),
- across which an outcome moves by more than its neighbors let expect,

until it is as narrow as the tolerance. Margins that run through 0 are bracketed by the root of
their chord as well. What could still be missed is said: two flips, both between the same two
neighboring points, that neither side announces. :attr:`Tipping.resolution` is how far apart
such neighbors are at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import Interrupted, RequestError
from ..forms.build import values
from .outcome import Outcome, categorical_values, judging_player, outcome_of, values_given
from .scan import (
    AS_WRITTEN,
    EQUAL,
    Answer,
    Batch,
    Placing,
    Scanner,
    Standing,
    Standings,
    declared_range,
    loaded_game,
    regimes_asked,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..spec.model import Game

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]

__all__ = ["Change", "Gap", "Kind", "Series", "Stretch", "Tip", "Tipping", "find_tips", "tipping"]

Range = tuple[float, float]

GRID = 33
"""Points of the first grid."""

SAFETY = 2.0
"""How much further than by straight lines a margin is expected to dip between two points."""

JUMP = 0.02
"""Least jump that is looked for, as a share of the outcome's range along the parameter."""

STEEP = 0.1
"""A cell in which an outcome covers this share of its range is halved in any case."""

ZERO = 1e-9
"""An outcome below this share of its largest size is 0."""

SURE = 1e-6
"""Probabilities this close to 0 or 1 are 0 or 1; likewise distances from an interval's end."""

PROBES = 3
"""Points of a gap that are searched again in full."""

UNKNOWN, NONE = -1, -2
"""Codes of points without an answer, and without an equilibrium."""


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
    """Of a flip: the margin runs through 0. Otherwise it jumps over it."""
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


def tipping(
    game: Game | str | Path,
    parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    preset: str | None = None,
    player: str | None = None,
    outcome: str | None = None,
    tolerance: float = 1e-4,
    grid: int = GRID,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Tipping:
    """Find every value of a parameter at which the best regime or the equilibrium changes.

    Parameters
    ----------
    game
        A game, its name in the catalogue, or its file.
    parameter
        The numeric parameter that is varied.
    regimes
        The regimes compared; by default all, or those that ``outcome`` names. One regime
        alone is searched for changes within it.
    low, high
        The range to look at; by default the one that the parameter declares.
    preset
        The preset of parameter values that the rest starts from.
    player
        Whose payoff says which regime is best; by default the owner of the decision that
        the regimes fix.
    outcome
        Look at this instead of at the best regime: a formula over outcomes, such as
        ``"broad.K_H - none.K_H"``, whose changes of sign are sought, or a condition or flag
        such as ``"K_H > none.K_H"``. One that names outcomes without a regime is read in
        each of ``regimes``.
    tolerance
        Width of the brackets, as a share of the range.
    grid
        Points of the first grid, at least 3.
    workers
        Processes for large batches.
    parameters, named
        Values of the other parameters, in a mapping or as keywords.

    Raises
    ------
    RequestError
        A name is unknown, the parameter has choices or no range, or a number is not what it
        must be.
    SpecError
        The outcome is not a formula of the game, or the game is wrong at these values.

    Notes
    -----
    Where ranges of payoffs over several equilibria overlap, no regime is best. A regime that
    is best by very little is best: how little is in the margins. Not promised: changes that
    come and go between two neighboring points without a sign on either side
    (``resolution``); jumps below 2 percent of an outcome's range; equilibria that the method
    does not find. Cost: about ``grid`` points, and 10 to 25 more for each change, times the
    regimes.

    Examples
    --------
    >>> found = tipping("captive_market_timing", "quota", outcome="quota.T - free_trade.T")
    >>> [(round(flip.at, 3), flip.says) for flip in found.flips]
    [(0.208, 'below 0 -> above 0')]
    """
    return find_tips(
        game,
        parameter,
        regimes,
        low=low,
        high=high,
        preset=preset,
        player=player,
        outcome=outcome,
        tolerance=tolerance,
        grid=grid,
        workers=workers,
        parameters=values_given(parameters, named),
    )


def find_tips(
    game: Game | str | Path,
    parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    preset: str | None = None,
    player: str | None = None,
    outcome: str | None = None,
    tolerance: float = 1e-4,
    grid: int = GRID,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> Tipping:
    """Search as :func:`tipping` does; ``tell`` hears what is solved next.

    Raises
    ------
    Interrupted
        Ctrl-C: ``done`` is what was found until then, with brackets as wide as they were.
    """
    game = loaded_game(game)
    given = dict(parameters or {})
    if parameter in given:
        raise RequestError(f"{parameter} is varied, so it cannot be set. Leave one of both out")
    ends = declared_range(game, parameter, low, high)
    if isinstance(grid, bool) or not isinstance(grid, int) or grid < 3:
        raise RequestError(f"grid = {grid!r} is not a whole number of at least 3 points")
    if not 0 < tolerance <= 0.1:
        raise RequestError(f"tolerance = {tolerance!r} is not a share of the range, up to 0.1")
    asked, read = _regimes_and_outcome(game, regimes, outcome, preset, given)
    judging = None
    if player is not None or (read is None and len(asked) > 1):
        judging = judging_player(game, asked, player)
    solved = asked if read is None else tuple(dict.fromkeys([*asked, *read.others]))
    scanner = Scanner(game, solved, preset=preset, parameters=given, workers=workers)
    search = _Search(scanner, parameter, ends, asked, judging, read, tolerance, grid)
    try:
        search.run(tell)
    except KeyboardInterrupt:
        if not len(search.x):
            raise
        search.interrupted = True
        raise Interrupted("what was found until then is shown", search.result()) from None
    return search.result()


def _regimes_and_outcome(
    game: Game,
    regimes: Sequence[str] | None,
    outcome: str | None,
    preset: str | None,
    given: Mapping[str, Any],
) -> tuple[tuple[str, ...], Outcome | None]:
    """Return the regimes that are asked about, and the outcome."""
    if outcome is None:
        return regimes_asked(game, regimes), None
    at = values(game, preset=preset, parameters=given)
    read = outcome_of(game, outcome, categorical_values(game, at))
    own = [key for key in read.inputs if "." not in key and key not in at]
    if own or not read.others:
        return regimes_asked(game, regimes), read
    if regimes is not None:
        for name in regimes_asked(game, regimes):
            if name not in read.others:
                raise RequestError(
                    f"the outcome {outcome!r} does not read the regime {name!r}. Leave regimes "
                    "out, or name outcomes without a regime to read them in each"
                )
    return read.others, read


# ---------------------------------------------------------------------------------------------
# The search


@dataclass(frozen=True)
class _Track:
    """Something that holds or not at every point, as codes; below 0 it is not known."""

    kind: Kind
    regime: int | None
    codes: Codes
    key: str = ""
    gaps: bool = False
    """Where it begins and ends to be unknown is sought as well."""


@dataclass(frozen=True)
class _Event:
    """A change of a track (or a jump, without track) between two points."""

    track: _Track | None
    left: int
    right: int


class _Search:
    """The points solved so far, and what to solve next."""

    def __init__(
        self,
        scanner: Scanner,
        parameter: str,
        ends: Range,
        asked: tuple[str, ...],
        judge: str | None,
        read: Outcome | None,
        tolerance: float,
        grid: int,
    ) -> None:
        self.scanner, self.parameter, self.ends = scanner, parameter, ends
        self.asked, self.judge, self.read, self.grid = asked, judge, read, grid
        self.tolerance = tolerance * (ends[1] - ends[0])
        # A change may straddle a point at which neither side holds (a tie): three cells.
        self.fine = self.tolerance / 3
        self.x: Array = np.empty(0)
        self.batch: Batch
        self.standings: Standings | None = None
        self.outcomes: list[tuple[int | None, Array, Array]] = []
        """(regime, lowest, highest) of the outcome that was asked for."""
        self.limited = self.interrupted = False
        self.probes: dict[tuple[int, int], tuple[Probe, ...]] = {}
        """(regime, first point of a gap) -> points in it."""

    # -- solving ---------------------------------------------------------------------------

    def run(self, tell: Callable[[str], None]) -> None:
        start = np.linspace(*self.ends, self.grid)
        usual = self._usual()
        if self.ends[0] < usual < self.ends[1]:
            start = np.union1d(start, [usual])
        many = f"{len(self.scanner.regimes)} regimes"
        tell(f"solving {len(start)} values of {self.parameter}, {many}")
        self._add(start)
        while len(new := self._wanted()):
            if len(self.x) + len(new) > limits.MAX_SCAN_POINTS:
                self.limited = True
                return
            tell(f"narrowing down: {len(self.x)} values of {self.parameter} done, {many}")
            self._add(new)
        self._probe_gaps(tell)

    def _probe_gaps(self, tell: Callable[[str], None]) -> None:
        """Search some points of every gap again in full."""
        for r, first, last in list(self._runs_without()):
            inside = np.unique(np.linspace(self.x[first], self.x[last], PROBES + 2)[1:-1])
            made = []
            for at in inside:
                tell(f"searching {self.parameter} = {at:.6g} again, in full")
                if self.scanner.retried >= limits.MAX_RETRIES:
                    break
                found, answer = self.scanner.retry(
                    {self.parameter: float(at)}, self.scanner.regimes[r]
                )
                if found and first == last:
                    self.batch = self.scanner.put(self.batch, first, r, found)
                made.append(self._probed(r, float(at), found, answer))
            self.probes[r, first] = tuple(made)
        self._look()

    def _runs_without(self) -> Iterator[tuple[int, int, int]]:
        """Yield (regime, first, last) of the runs of points without an answer."""
        for r in range(len(self.scanner.regimes)):
            unknown = (self.batch.answer[:, r] != Answer.CERTIFIED).astype(np.int64)
            for code, first, last in _runs(unknown):
                if code:
                    yield r, first, last

    def _probed(self, r: int, at: float, found: list[dict[str, float]], answer: Answer) -> Probe:
        if not found:
            reason = self.scanner.reasons.get((answer, self.scanner.regimes[r]), "")
            return Probe(at, 0, reason, None)
        said = []
        for name, actions in self.scanner.actions.items():
            mixes = [{a: row[column] for a, column in actions.items()} for row in found]
            words = dict.fromkeys(_mixed(mix) for mix in mixes)
            if len(actions) > 1:
                said.append(f"{self.scanner.owner[name]}: {name} = {' or '.join(words)}")
        payoffs = [row[self.judge] for row in found] if self.judge else []
        return Probe(
            at, len(found), "; ".join(said), (min(payoffs), max(payoffs)) if payoffs else None
        )

    def _usual(self) -> float:
        """Return the parameter's value where it is not varied."""
        scanner = self.scanner
        at = values(scanner.original, preset=scanner.preset, parameters=scanner.parameters)
        return float(at[self.parameter])

    def _add(self, new: Array) -> None:
        batch = self.scanner.solve({self.parameter: new})
        x = np.concatenate([self.x, new])
        order = np.argsort(x, kind="stable")
        parts = [self.batch, batch] if len(self.x) else [batch]
        self.x, self.batch = x[order], Batch.joined(parts, order)
        self._look()

    def _look(self) -> None:
        """Work out what holds at the points."""
        scanner, batch = self.scanner, self.batch
        self.certified = batch.answer == Answer.CERTIFIED
        self.standings = None
        self.outcomes = []
        if self.read is not None:
            draws = scanner.draws(batch)
            own = any("." not in key and key in scanner.columns for key in self.read.inputs)
            for name in self.asked if own else self.asked[:1]:
                at = {n: v for n, v in scanner.at[name].items() if not isinstance(v, str)}
                known = {n: float(v) for n, v in at.items()} | {self.parameter: self.x}
                low, high = self.read.values(draws, name, known)
                self.outcomes.append((scanner.regimes.index(name) if own else None, low, high))
        elif self.judge is not None and len(self.asked) > 1:
            self.standings = Standings.of(scanner, batch, self.judge, self.asked)
            self.placings = self._placings(self.standings)
        self.tracks = [*self._answers(), *self._played(), *self._corners()]

    # -- what holds ------------------------------------------------------------------------

    def _placings(self, standings: Standings) -> list[Placing]:
        """Return what the points are; along a stretch of next to nothing regimes are equal.

        Otherwise two regimes that do the same would flip back and forth by rounding.
        """
        sharp, blunt = standings.placings(), standings.placings(tolerances.SAME)
        equal = np.array([p.standing is Standing.TIE for p in blunt], dtype=np.int64)
        for code, first, last in _runs(equal):
            if code and self.x[last] - self.x[first] > 10 * self.tolerance:
                sharp[first : last + 1] = blunt[first : last + 1]
        return sharp

    def _answers(self) -> Iterator[_Track]:
        """Yield which regime is best, the outcome's sign, and how many equilibria there are."""
        if self.standings is not None:
            self.kinds = [
                (UNKNOWN,) if p.standing is Standing.UNSOLVED else (p.standing, p.regimes)
                for p in self.placings
            ]
            yield _Track(Kind.BEST, None, _coded(self.kinds))
        for regime, low, high in self.outcomes:
            yield _Track(Kind.OUTCOME, regime, self._signs(low, high))
        count = self.batch.count
        if self.scanner.staged:
            middles, shown = self._middles(), self.scanner.shown
            wide = self.batch.high[:, :, :shown] - self.batch.low[:, :, :shown]
            with np.errstate(invalid="ignore"):
                count = np.where((wide > JUMP * self._spread(middles)).any(axis=2), 2, 1)
        for r in range(len(self.scanner.regimes)):
            answer = self.batch.answer[:, r]
            codes = np.where(answer == Answer.NONE_FOUND, NONE, UNKNOWN)
            codes = np.where(self.certified[:, r], count[:, r], codes)
            yield _Track(Kind.COUNT, r, codes, gaps=True)

    def _signs(self, low: Array, high: Array) -> Codes:
        """Return 0 where an outcome is 0 or fails, 1 above or holds, 2 below, 3 if it depends."""
        known = np.isfinite(low)
        if self.read is not None and self.read.condition:
            codes = np.where(low != high, 3, np.where(low > 0.5, 1, 0))
        else:
            size = np.abs(np.concatenate([low[known], high[known]])).max(initial=0.0)
            slack = EQUAL * size
            with np.errstate(invalid="ignore"):
                codes = np.where(
                    low > slack,
                    1,
                    np.where(high < -slack, 2, np.where((low >= -slack) & (high <= slack), 0, 3)),
                )
        return np.where(known, codes, UNKNOWN)

    def _played(self) -> Iterator[_Track]:
        """Yield which actions are played: never 0, always 1, sometimes 2, it depends 3."""
        for actions in self.scanner.actions.values():
            for column in actions.values():
                low, high = self.scanner.column(self.batch, column)
                with np.errstate(invalid="ignore"):
                    codes = np.where(
                        high <= SURE,
                        0,
                        np.where(low >= 1 - SURE, 1, np.where(high - low <= SURE, 2, 3)),
                    )
                codes = np.where(self.certified, codes, UNKNOWN)
                for r in range(codes.shape[1]):
                    yield _Track(Kind.ACTIONS, r, codes[:, r], column)

    def _corners(self) -> Iterator[_Track]:
        """Yield which ends of intervals are met (1 low, 2 high), and which outcomes are 0 (1)."""
        for name, (below, above) in self.scanner.room.items():
            sides = []
            width = sum(self.scanner.column(self.batch, side)[1] for side in (below, above))
            for side in (below, above):
                _, high = self.scanner.column(self.batch, side)
                with np.errstate(invalid="ignore"):
                    sides.append(high <= SURE * width)
            codes = np.where(sides[0], 1, np.where(sides[1], 2, 0))
            codes = np.where(self.certified, codes, UNKNOWN)
            for r in range(codes.shape[1]):
                yield _Track(Kind.CORNER, r, codes[:, r], name)
        for name in self.scanner.reported:
            if name in self.scanner.room:
                continue
            low, high = self.scanner.column(self.batch, name)
            sizes = np.where(self.certified, np.maximum(np.abs(low), np.abs(high)), 0.0)
            zero = (sizes <= ZERO * sizes.max(axis=0)) & (sizes.max(axis=0) > 0)
            codes = np.where(self.certified, zero, UNKNOWN)
            for r in range(codes.shape[1]):
                yield _Track(Kind.CORNER, r, codes[:, r], name)

    # -- what to solve next ----------------------------------------------------------------

    @property
    def _open(self) -> NDArray[np.bool_]:
        return np.asarray(np.diff(self.x) > self.fine * (1 + 1e-9))

    def _wanted(self) -> Array:
        """Return the points to solve next; none if every change is bracketed."""
        halve = np.zeros(len(self.x) - 1, dtype=bool)
        for track in self.tracks:
            one, two = track.codes[:-1], track.codes[1:]
            halve |= (one != two) & (track.gaps | ((one >= 0) & (two >= 0)))
        for margin in self._margins():
            halve |= _may_touch_zero(self.x, margin)
        halve |= self._uneven().any(axis=1)
        halve &= self._open
        middles = ((self.x[:-1] + self.x[1:]) / 2)[halve]
        return np.unique(np.concatenate([middles, *self._roots(halve)]))

    def _margins(self) -> Iterator[Array]:
        """Yield what must keep its sign where nothing flips: (n,), NaN where it is not asked."""
        if self.standings is not None:
            best = np.array([p.best or "" for p in self.placings])
            for one in self.asked:
                for other in self.asked:
                    if one != other and (best == one).any():
                        yield np.where(best == one, self.standings.lead(one, other), np.nan)
        if self.read is None or not self.read.condition:
            for _, low, high in self.outcomes:
                yield np.where(low > 0, low, np.nan)
                yield np.where(high < 0, -high, np.nan)

    def _roots(self, halve: NDArray[np.bool_]) -> Iterator[Array]:
        """Yield points on both sides of the root of the chord, where a margin changes its sign."""
        lines: list[tuple[Array, NDArray[np.bool_]]] = []
        if self.standings is not None:
            placings = self.placings
            for k in np.flatnonzero(halve):
                one, two = placings[k].best, placings[k + 1].best
                if one and two and one != two:
                    here = np.zeros(len(halve), dtype=bool)
                    here[k] = True
                    lines.append((self.standings.lead(one, two), here))
        if self.read is None or not self.read.condition:
            for _, low, high in self.outcomes:
                middle = (low + high) / 2
                with np.errstate(invalid="ignore"):
                    lines.append((middle, halve & (middle[:-1] * middle[1:] < 0)))
        for line, here in lines:
            for k in np.flatnonzero(here):
                a, b = self.x[k], self.x[k + 1]
                root = a + (b - a) * line[k] / (line[k] - line[k + 1])
                near = np.array([root - 0.45 * self.fine, root + 0.45 * self.fine])
                yield near[(near > a + 0.05 * self.fine) & (near < b - 0.05 * self.fine)]

    def _middles(self) -> Array:
        """Return (n, r, columns): the game's own payoffs and outcomes, amid their range."""
        low, high = self.batch.low, self.batch.high
        made: Array = (low[:, :, : self.scanner.shown] + high[:, :, : self.scanner.shown]) / 2
        return made

    def _spread(self, middles: Array) -> Array:
        """Return (r, columns): the range of each column, against which its jumps are seen."""
        known = np.isfinite(middles)
        top = np.where(known, middles, -np.inf).max(axis=0)
        bottom = np.where(known, middles, np.inf).min(axis=0)
        size = np.where(known, np.abs(middles), 0.0).max(axis=0)
        least = np.maximum(1e-3 * size, 1e-9 * size.max(initial=0.0))
        spread = np.maximum(np.where(top >= bottom, top - bottom, 0.0), least)
        return np.where(spread > 0, spread, 1.0)

    def _uneven(self) -> NDArray[np.bool_]:
        """(n - 1, r): across the cell an outcome moves by more than its neighbors let expect."""
        middles = self._middles()
        spread = self._spread(middles)
        step = np.diff(middles, axis=0)
        width = np.diff(self.x)[:, None, None]
        before, after = _neighbors(step / width)
        with np.errstate(invalid="ignore"):
            least, most = np.minimum(before, after) * width, np.maximum(before, after) * width
            excess = np.maximum(step - most, least - step)
            odd = (excess > JUMP * spread) | (np.abs(step) > STEEP * spread)
        return np.asarray(odd.any(axis=2))

    # -- what was found --------------------------------------------------------------------

    def result(self) -> Tipping:
        scanner, game = self.scanner, self.scanner.original
        jumps = self._jumps()
        tips = [*self._flips(jumps), *self._within(jumps)]
        order = list(Kind)
        tips.sort(key=lambda tip: (tip.low, order.index(tip.kind), tip.regime or ""))
        done = not (self.limited or self.interrupted)
        declared = next(p for p in game.parameters if p.name == self.parameter)
        labels = {p.name: p.label for p in game.players if p.label}
        self.x.setflags(write=False)
        return Tipping(
            game=game.name,
            title=game.title or game.name,
            source=game.file,
            preset=scanner.preset,
            changed=MappingProxyType(dict(scanner.parameters)),
            parameter=self.parameter,
            label=declared.label,
            unit="" if declared.unit == "1" else declared.unit,
            value=self._usual(),
            regimes=self.asked,
            player=self.judge if self.read is None else None,
            outcome=None if self.read is None else self.read.formula,
            condition=self.read is not None and self.read.condition,
            low=self.ends[0],
            high=self.ends[1],
            tolerance=self.tolerance,
            resolution=float(np.diff(self.x).max()),
            tips=tuple(tips),
            series=tuple(self._series()),
            gaps=tuple(self._gaps()),
            x=self.x,
            complete=done,
            notes=tuple(self._notes()),
            player_label=labels.get(self.judge or "", ""),
            labels=MappingProxyType(labels),
        )

    def _jumps(self) -> NDArray[np.bool_]:
        """(n - 1, r, columns): a bracketed cell across which a column jumps."""
        middles = self._middles()
        step = np.diff(middles, axis=0)
        width = np.diff(self.x)[:, None, None]
        before, after = _neighbors(step / width)
        smooth = 4 * np.maximum(np.abs(before), np.abs(after)) * width
        with np.errstate(invalid="ignore"):
            jumped = (np.abs(step) > JUMP * self._spread(middles)) & ~(np.abs(step) <= smooth)
        jumped[self._open] = False
        return np.asarray(jumped)

    def _flips(self, jumps: NDArray[np.bool_]) -> Iterator[Tip]:
        """Yield where another regime becomes best, and where the outcome changes its sign."""
        for track in self.tracks:
            if track.kind is Kind.BEST:
                for event in self._events(track):
                    yield self._flip(event, jumps)
        outcomes = [track for track in self.tracks if track.kind is Kind.OUTCOME]
        for track, (regime, low, high) in zip(outcomes, self.outcomes, strict=True):
            name = None if regime is None else self.scanner.regimes[regime]
            for event in self._events(track):
                left, right = event.left, event.right
                one, two = (self._sign(track.codes[k]) for k in (left, right))
                yield Tip(
                    Kind.OUTCOME,
                    name,
                    float(self.x[left]),
                    float(self.x[right]),
                    one,
                    two,
                    ("" if name is None else f"{name}: ") + f"{one} -> {two}",
                    (float((low + high)[left] / 2), float((low + high)[right] / 2)),
                    not (self.read is not None and self.read.condition)
                    and not jumps[left:right].any(),
                    unsolved=bool((track.codes[left : right + 1] < 0).any()),
                )

    def _sign(self, code: int) -> str:
        if self.read is not None and self.read.condition:
            return ("fails", "holds", "", "depends on which equilibrium")[code]
        return ("0", "above 0", "below 0", "depends on which equilibrium")[code]

    def _flip(self, event: _Event, jumps: NDArray[np.bool_]) -> Tip:
        assert self.standings is not None
        left, right = event.left, event.right
        codes = self.tracks[0].codes
        one, two = (self.placings[k] for k in (left, right))
        before, after = (_in_words(p.standing, p.regimes) for p in (one, two))
        margins = None
        if one.best and two.best:
            lead = self.standings.lead(one.best, two.best)
            margins = (float(lead[left]), float(lead[right]))
        elif one.best or two.best:
            margins = (one.margin if one.best else 0.0, -two.margin if two.best else 0.0)
        at = self.scanner.columns.index(self.judge or "")
        of = [self.scanner.regimes.index(name) for name in {*one.regimes, *two.regimes}]
        unsolved = bool((codes[left : right + 1] < 0).any())
        crossing = (
            bool(one.best and two.best) and not unsolved and not jumps[left:right, of, at].any()
        )
        return Tip(
            Kind.BEST,
            None,
            float(self.x[left]),
            float(self.x[right]),
            before,
            after,
            f"{before} -> {after}",
            margins,
            crossing,
            self._near(left, right),
            unsolved=unsolved,
        )

    def _near(self, left: int, right: int) -> Range | None:
        """Return the solved points around a flip at which the margin is a near tie."""
        assert self.standings is not None
        placings = self.placings
        first, last = left, right
        while first >= 0 and placings[first].near_tie:
            first -= 1
        while last < len(placings) and placings[last].near_tie:
            last += 1
        if first == left and last == right:
            return None
        low, high = (first + 1 if first < left else right), (last - 1 if last > right else left)
        return float(self.x[low]), float(self.x[high])

    def _events(self, track: _Track) -> Iterator[_Event]:
        """Yield the changes of a track, leaving out what holds at single points only."""
        kept: list[tuple[int, int, int]] = []
        for code, first, last in _runs(track.codes):
            if code == UNKNOWN or (code == NONE and not track.gaps):
                continue
            if self.x[last] - self.x[first] <= self.fine and len(self.x) > 3:
                continue
            if kept and kept[-1][0] == code:
                kept[-1] = (code, kept[-1][1], last)
            else:
                kept.append((code, first, last))
        for one, two in pairwise(kept):
            yield _Event(track, one[2], two[1])

    def _within(self, jumps: NDArray[np.bool_]) -> Iterator[Tip]:
        """Yield what changes within each regime, everything at one place together."""
        for r in range(len(self.scanner.regimes)):
            events = [
                event
                for track in self.tracks
                if track.regime == r and track.kind is not Kind.OUTCOME
                for event in self._events(track)
            ]
            events += [_Event(None, int(k), int(k) + 1) for k in np.flatnonzero(jumps[:, r].any(1))]
            for group in self._grouped(events):
                tip = self._described(r, group, jumps)
                if tip is not None:
                    yield tip

    def _grouped(self, events: list[_Event]) -> Iterator[list[_Event]]:
        """Yield events whose brackets meet, those across unsolved points on their own."""
        limit = self.tolerance * (1 + 1e-6)
        narrow: list[_Event] = []
        wide: list[_Event] = []
        for event in events:
            gap = self.x[event.right] - self.x[event.left] > limit
            (wide if gap else narrow).append(event)
        group: list[_Event] = []
        for event in sorted(narrow, key=lambda event: event.left):
            right = max((e.right for e in group), default=-1)
            if group and event.left <= right:
                ends = self.x[group[0].left], self.x[max(right, event.right)]
                if ends[1] - ends[0] <= limit:
                    group.append(event)
                    continue
            if group:
                yield group
            group = [event]
        if group:
            yield group
        pairs = dict.fromkeys((event.left, event.right) for event in wide)
        for left, right in pairs:
            yield [event for event in wide if (event.left, event.right) == (left, right)]

    def _described(self, r: int, group: list[_Event], jumps: NDArray[np.bool_]) -> Tip | None:
        """Return what changes in a regime from one point to another, or None if nothing does."""
        left, right = group[0].left, max(event.right for event in group)
        tracks = [event.track for event in group if event.track is not None]
        before: list[str] = []
        after: list[str] = []
        said: list[str] = []
        kinds: list[Kind] = []

        def add(kind: Kind, what: str, one: str, two: str) -> None:
            if one != two:
                kinds.append(kind)
                said.append(f"{what}{one} -> {two}")
                before.append(f"{what}{one}")
                after.append(f"{what}{two}")

        for track in tracks:
            if track.kind is Kind.COUNT:
                codes = [int(track.codes[k]) for k in (left, right)]
                kind = Kind.EXISTENCE if NONE in codes else Kind.COUNT
                add(kind, "", self._counted(codes[0]), self._counted(codes[1]))
        touched = {track.key for track in tracks if track.kind is Kind.ACTIONS}
        for name, actions in self.scanner.actions.items():
            if touched & set(actions.values()):
                one, two = (self._mixture(k, r, actions) for k in (left, right))
                add(Kind.ACTIONS, f"{self.scanner.owner[name]}: {name} = ", one, two)
        for track in tracks:
            if track.kind is Kind.CORNER:
                one, two = (self._at_corner(track, k) for k in (left, right))
                add(Kind.CORNER, f"{track.key} ", one, two)
        changes = self._changes(r, left, right, jumps)
        if changes and not kinds:
            kinds.append(Kind.JUMP)
            before.append(", ".join(f"{c.name} {_short(c.before)}" for c in changes[:3]))
            after.append(", ".join(f"{c.name} {_short(c.after)}" for c in changes[:3]))
        if not kinds:
            return None
        players = {player.name for player in self.scanner.original.players}
        told = [c for c in changes if c.name not in players] or list(changes)
        shown = [f"{c.name} {_short(c.before)} -> {_short(c.after)}" for c in told[:6]]
        if shown:
            more = f" and {len(told) - 6} more" if len(told) > 6 else ""
            said.append(f"jumps: {', '.join(shown)}{more}")
        unknown = self.batch.answer[left : right + 1, r] != Answer.CERTIFIED
        order = list(Kind)
        return Tip(
            min(kinds, key=order.index),
            self.scanner.regimes[r],
            float(self.x[left]),
            float(self.x[right]),
            ", ".join(before),
            ", ".join(after),
            "; ".join(said),
            changes=changes,
            unsolved=bool(unknown[1:-1].any()),
        )

    def _counted(self, code: int) -> str:
        if code == NONE:
            return "no equilibrium found"
        if code == 1:
            return "1 equilibrium"
        return "equilibria that differ" if self.scanner.staged else f"{code} equilibria"

    def _mixture(self, k: int, r: int, actions: Mapping[str, str]) -> str:
        """Return what is played at a point, in words."""
        played = []
        for action, column in actions.items():
            low, high = (float(c[k, r]) for c in self.scanner.column(self.batch, column))
            if low >= 1 - SURE:
                return action
            if high - low > SURE:
                played.append(f"{action} {low:.2g}..{high:.2g}")
            elif high > SURE:
                played.append(f"{action} {high:.2g}")
        return ", ".join(played) or "not reached"

    def _at_corner(self, track: _Track, k: int) -> str:
        code = int(track.codes[k])
        if track.key in self.scanner.room:
            return ("inside its interval", "at its lower end", "at its upper end")[code]
        return ("not 0", "0")[code]

    def _changes(
        self, r: int, left: int, right: int, jumps: NDArray[np.bool_]
    ) -> tuple[Change, ...]:
        """Return the columns that jump, the largest share of their range first."""
        middles = self._middles()
        spread = self._spread(middles)[r]
        share = np.abs(middles[right, r] - middles[left, r]) / spread
        jumped = jumps[left:right, r].any(axis=0) | self._breaks(middles[:, r], left, right)
        if right - left > 1 and self.x[right] - self.x[left] > self.tolerance * (1 + 1e-6):
            jumped = share > JUMP  # across unsolved points there is no telling otherwise
        columns = sorted(np.flatnonzero(jumped & (share > JUMP)), key=lambda k: -share[k])
        low, high = self.batch.low, self.batch.high
        made = []
        for k in columns:
            one, two = ((float(low[at, r, k]), float(high[at, r, k])) for at in (left, right))
            made.append(Change(self.scanner.columns[k], one, two))
        return tuple(made)

    def _breaks(self, middles: Array, left: int, right: int) -> NDArray[np.bool_]:
        """(columns,): from one point to another a column moves as it does on neither side.

        A jump may take several cells, where what is played is mixed for a short way.
        """
        width = self.x[right] - self.x[left]
        outside = [
            (middles[k + 1] - middles[k]) / (self.x[k + 1] - self.x[k])
            for k in (left - 1, right)
            if 0 <= k < len(self.x) - 1
        ]
        with np.errstate(invalid="ignore"):
            smooth = [np.where(np.isfinite(slope), np.abs(slope), 0.0) for slope in outside]
            steepest = np.max([np.zeros(middles.shape[1]), *smooth], axis=0)
            return np.asarray(np.abs(middles[right] - middles[left]) > 4 * steepest * width)

    def _series(self) -> Iterator[Series]:
        """Yield what holds along the range."""
        tracks = {t.kind: t for t in self.tracks}
        if self.standings is not None:
            placings = self.placings
            words = [_in_words(p.standing, p.regimes) for p in placings]
            margin = np.array([p.margin for p in placings])
            near = tuple(p.near_tie for p in placings)
            track = tracks[Kind.BEST]
            yield self._one_series(track, None, words, margin, margin.copy(), near)
        outcomes = [track for track in self.tracks if track.kind is Kind.OUTCOME]
        for track, (regime, low, high) in zip(outcomes, self.outcomes, strict=True):
            words = ["" if code < 0 else self._sign(code) for code in track.codes]
            name = None if regime is None else self.scanner.regimes[regime]
            yield self._one_series(track, name, words, low, high, (False,) * len(low))

    def _one_series(
        self,
        track: _Track,
        regime: str | None,
        words: list[str],
        low: Array,
        high: Array,
        near: tuple[bool, ...],
    ) -> Series:
        stretches = []
        for first, last, from_, to in self._pieces(track):
            regimes: tuple[str, ...] = ()
            margin = None
            if self.standings is not None and words[first]:
                regimes = self.placings[first].regimes
                seen = [p.margin for p in self.placings[first : last + 1] if p.best]
                margin = (min(seen), max(seen)) if seen else None
            stretches.append(Stretch(from_, to, words[first], regimes, margin))
        for column in (low, high):
            column.setflags(write=False)
        return Series(regime, tuple(stretches), low, high, tuple(words), near)

    def _pieces(self, track: _Track) -> Iterator[tuple[int, int, float, float]]:
        """Yield the runs of a track, unknown ones included, from border to border."""
        kept: list[list[int]] = []
        for code, first, last in _runs(np.where(track.codes < 0, UNKNOWN, track.codes)):
            short = self.x[last] - self.x[first] <= self.fine and len(self.x) > 3
            if short and code != UNKNOWN:
                continue
            if kept and kept[-1][0] == code:
                kept[-1][2] = last
            else:
                kept.append([code, first, last])
        for k, (_, first, last) in enumerate(kept):
            from_, to = self.ends
            if k:
                from_ = float(self.x[kept[k - 1][2]] + self.x[first]) / 2
            if k + 1 < len(kept):
                to = float(self.x[last] + self.x[kept[k + 1][1]]) / 2
            yield first, last, from_, to

    def _gaps(self) -> Iterator[Gap]:
        for r, first, last in self._runs_without():
            none = bool((self.batch.answer[first : last + 1, r] == Answer.NONE_FOUND).all())
            yield Gap(
                float(self.x[first]),
                float(self.x[last]),
                self.scanner.regimes[r],
                none,
                self.probes.get((r, first), ()),
            )

    def _notes(self) -> Iterator[str]:
        game, parameter = self.scanner.original, self.parameter
        if self.limited:
            yield (
                f"stopped at MAX_SCAN_POINTS = {limits.MAX_SCAN_POINTS} points: some changes are "
                "bracketed less narrowly than asked for"
            )
        if self.interrupted:
            yield "interrupted: some changes are bracketed less narrowly than asked for"
        for regime in game.regimes:
            if regime.name in self.scanner.regimes and parameter in regime.set:
                yield f"{regime.name} sets {parameter} itself; here it is varied there too"
        several = {
            name
            for r, name in enumerate(self.scanner.regimes)
            if (self.batch.count[:, r] > 1).any()
        }
        if several:
            yield (
                f"several equilibria somewhere under {', '.join(sorted(several))}: a regime is "
                "best where its worst is better than the others' best"
            )
        if self.scanner.unwatched:
            yield (
                "what is played is read off the outcomes alone for "
                f"{', '.join(self.scanner.unwatched)}"
            )
        declared = next(p for p in game.parameters if p.name == parameter)
        for side, end, sign in (("low", self.ends[0], 1), ("high", self.ends[1], -1)):
            bound = getattr(declared, side)
            if bound is not None and sign * end < sign * float(bound):
                yield f"{parameter} = {end:g} is outside its declared range"
        if self.scanner.regimes == (AS_WRITTEN,):
            yield "the game declares no regimes: it is solved as it is written"


def _in_words(standing: Standing, regimes: Sequence[str]) -> str:
    match standing:
        case Standing.BEST:
            return regimes[0]
        case Standing.TIE:
            return " = ".join(regimes)
        case Standing.DEPENDS:
            return " or ".join(regimes)
        case Standing.UNSOLVED:
            return ""


def _short(bounds: Range) -> str:
    low, high = (f"{value:.4g}" for value in bounds)
    return low if low == high else f"{low}..{high}"


def _mixed(chances: Mapping[str, float]) -> str:
    """Return a mixture of actions in words."""
    sure = [action for action, chance in chances.items() if chance >= 1 - SURE]
    mixed = [f"{action} {chance:.2g}" for action, chance in chances.items() if chance > SURE]
    return sure[0] if sure else ", ".join(mixed) or "not reached"


def _coded(keys: Sequence[tuple[Any, ...]]) -> Codes:
    """Return a code for each distinct key; unknown keys are :data:`UNKNOWN`."""
    known: dict[Any, int] = {(UNKNOWN,): UNKNOWN}
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def _runs(codes: NDArray[Any]) -> Iterator[tuple[int, int, int]]:
    """Yield (code, first, last) of every run of equal codes."""
    borders = np.flatnonzero(np.diff(codes)) + 1
    first = 0
    for end in (*borders, len(codes)):
        yield int(codes[first]), first, int(end) - 1
        first = int(end)


def _neighbors(slopes: Array) -> tuple[Array, Array]:
    """Return the slopes of the cells before and after each, or of the other one where missing."""
    missing = np.full_like(slopes[:1], np.nan)
    before = np.concatenate([missing, slopes[:-1]])
    after = np.concatenate([slopes[1:], missing])
    return (
        np.where(np.isfinite(before), before, after),
        np.where(np.isfinite(after), after, before),
    )


def _may_touch_zero(x: Array, margin: Array) -> NDArray[np.bool_]:
    """(n - 1,): a margin that is positive at both ends of the cell may touch 0 inside.

    The straight lines that carry on the neighboring cells bound a convex margin from below;
    for others the dip is taken :data:`SAFETY` times as deep. At the ends of the range a
    parabola stands in for the missing neighbor.
    """
    width = np.diff(x)
    slope = np.diff(margin) / width
    missing = np.full(1, np.nan)
    left, right = (
        np.concatenate([missing, slope[:-1]]),
        np.concatenate([slope[1:], missing]),
    )
    left = np.where(np.isfinite(left), left, 2 * slope - right)
    right = np.where(np.isfinite(right), right, 2 * slope - left)
    ends = np.minimum(margin[:-1], margin[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        where = (margin[1:] - margin[:-1] - right * width) / (left - right)
        lowest = np.where(
            (left < right) & (where > 0) & (where < width), margin[:-1] + left * where, ends
        )
        deepest = ends - SAFETY * (ends - np.minimum(lowest, ends))
        return np.asarray((ends > 0) & (deepest <= 0))
