"""Points along one parameter: which are solved next, and what holds at each.

The search starts from a grid and halves cells until every change is bracketed; by which rules
is said in :mod:`highfence.study.tipping`. What holds at a point is kept as codes: a
:class:`Track` for each thing that may change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ._tips import Kind, Probe, Range
from .outcome import EQUAL, Outcome
from .scan import Answer, Batch, Placing, Scanner, Standing, Standings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Codes = NDArray[np.int64]

__all__ = ["JUMP", "NONE", "SURE", "UNKNOWN", "Line", "Track", "neighbors", "runs_of"]

SAFETY = 2.0
"""How much further than by straight lines a margin is expected to dip between two points."""

JUMP = 0.02
"""Least jump that is looked for, as a share of the outcome's range along the parameter."""

STEEP = 0.1
"""A cell in which an outcome covers this share of its range is halved in any case."""

HALVINGS, KEPT = 5, 0.6
"""How often a cell is halved across which an outcome seems to jump, and the share of its change
that a jump keeps: what only rises steeply moves less and less."""

ZERO = 1e-9
"""An outcome below this share of its largest size is 0."""

SURE = 1e-6
"""Probabilities this close to 0 or 1 are 0 or 1; likewise distances from an interval's end."""

PROBES = 3
"""Points of a gap that are searched again in full."""

UNKNOWN, NONE = -1, -2
"""Codes of points without an answer, and without an equilibrium."""


@dataclass(frozen=True)
class Track:
    """Something that holds or not at every point, as codes; below 0 it is not known."""

    kind: Kind
    regime: int | None
    codes: Codes
    key: str = ""
    gaps: bool = False
    """Where it begins and ends to be unknown is sought as well."""


class Line:
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
        self.steep: set[tuple[int, int, int]] = set()
        """(cell, regime, column) of what rises steeply across a cell, and does not jump."""

    # -- solving ---------------------------------------------------------------------------

    def run(self, tell: Callable[[str], None]) -> None:
        """Solve the first grid, then what is wanted until nothing is; ``tell`` hears of it."""
        start = np.linspace(*self.ends, self.grid)
        usual = self.usual()
        if self.ends[0] < usual < self.ends[1]:
            start = np.union1d(start, [usual])
        count = len(self.scanner.regimes)
        many = f"{count} regime{'s' * (count != 1)}"
        tell(f"solving {len(start)} values of {self.parameter}, {many}")
        self._add(start)
        while len(new := self._wanted()):
            if len(self.x) + len(new) > limits.MAX_SCAN_POINTS:
                self.limited = True
                return
            tell(f"narrowing down: {len(self.x)} values of {self.parameter} done, {many}")
            self._add(new)
        self._probe_gaps(tell)
        self._follow_jumps(tell)

    def _follow_jumps(self, tell: Callable[[str], None]) -> None:
        """Halve the cells that an outcome seems to jump across though nothing else changes."""
        seen = self.jumps()
        for track in self.tracks:
            if track.kind in (Kind.ACTIONS, Kind.COUNT) and track.regime is not None:
                seen[track.codes[:-1] != track.codes[1:], track.regime] = False
        followed = [(int(k), int(r), int(c)) for k, r, c in np.argwhere(seen)]
        if not followed:
            return
        tell(f"looking closer at jumps along {self.parameter}")
        middles = self.middles()
        ends = {key: (self.x[key[0]], self.x[key[0] + 1]) for key in followed}
        values = {(k, r, c): (middles[k, r, c], middles[k + 1, r, c]) for k, r, c in followed}
        least = {key: KEPT * abs(two - one) for key, (one, two) in values.items()}
        for _ in range(HALVINGS):
            at = np.unique([sum(ends[key]) / 2 for key in followed])
            found = self.scanner.solve({self.parameter: at})
            solved = (found.low + found.high) / 2
            for key in followed:
                (low, high), (one, two) = ends[key], values[key]
                middle = (low + high) / 2
                value = solved[at.searchsorted(middle), key[1], key[2]]
                below = abs(value - one) >= abs(two - value)
                ends[key] = (low, middle) if below else (middle, high)
                values[key] = (one, value) if below else (value, two)
            moved = {key: abs(two - one) for key, (one, two) in values.items()}
            self.steep |= {key for key in followed if moved[key] < least[key]}
            followed = [key for key in followed if moved[key] >= least[key]]
            if not followed:
                return

    def jumps(self) -> NDArray[np.bool_]:
        """(n - 1, r, columns): a bracketed cell across which a column jumps."""
        middles = self.middles()
        step = np.diff(middles, axis=0)
        width = np.diff(self.x)[:, None, None]
        before, after = neighbors(step / width)
        smooth = 4 * np.maximum(np.abs(before), np.abs(after)) * width
        with np.errstate(invalid="ignore"):
            jumped = (np.abs(step) > JUMP * self.spread(middles)) & ~(np.abs(step) <= smooth)
        jumped[self.open] = False
        for key in self.steep:
            jumped[key] = False
        return np.asarray(jumped)

    def _probe_gaps(self, tell: Callable[[str], None]) -> None:
        """Search some points of every gap again in full."""
        for r, first, last in list(self.runs_without()):
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

    def runs_without(self) -> Iterator[tuple[int, int, int]]:
        """Yield (regime, first, last) of the runs of points without an answer."""
        for r in range(len(self.scanner.regimes)):
            unknown = (self.batch.answer[:, r] != Answer.CERTIFIED).astype(np.int64)
            for code, first, last in runs_of(unknown):
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

    def usual(self) -> float:
        """Return the parameter's value where it is not varied."""
        return float(self.scanner.request.base[self.parameter])

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
        for code, first, last in runs_of(equal):
            if code and self.x[last] - self.x[first] > 10 * self.tolerance:
                sharp[first : last + 1] = blunt[first : last + 1]
        return sharp

    def _answers(self) -> Iterator[Track]:
        """Yield which regime is best, the outcome's sign, and how many equilibria there are."""
        if self.standings is not None:
            self.kinds = [
                (UNKNOWN,) if p.standing is Standing.UNSOLVED else (p.standing, p.regimes)
                for p in self.placings
            ]
            yield Track(Kind.BEST, None, _coded(self.kinds))
        for regime, low, high in self.outcomes:
            yield Track(Kind.OUTCOME, regime, self._signs(low, high))
        count = self.batch.count
        if self.scanner.staged:
            middles, shown = self.middles(), self.scanner.shown
            wide = self.batch.high[:, :, :shown] - self.batch.low[:, :, :shown]
            with np.errstate(invalid="ignore"):
                count = np.where((wide > JUMP * self.spread(middles)).any(axis=2), 2, 1)
        for r in range(len(self.scanner.regimes)):
            answer = self.batch.answer[:, r]
            codes = np.where(answer == Answer.NONE_FOUND, NONE, UNKNOWN)
            codes = np.where(self.certified[:, r], count[:, r], codes)
            yield Track(Kind.COUNT, r, codes, gaps=True)

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

    def _played(self) -> Iterator[Track]:
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
                    yield Track(Kind.ACTIONS, r, codes[:, r], column)

    def _corners(self) -> Iterator[Track]:
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
                yield Track(Kind.CORNER, r, codes[:, r], name)
        for name in self.scanner.reported:
            if name in self.scanner.room:
                continue
            low, high = self.scanner.column(self.batch, name)
            sizes = np.where(self.certified, np.maximum(np.abs(low), np.abs(high)), 0.0)
            zero = (sizes <= ZERO * sizes.max(axis=0)) & (sizes.max(axis=0) > 0)
            codes = np.where(self.certified, zero, UNKNOWN)
            for r in range(codes.shape[1]):
                yield Track(Kind.CORNER, r, codes[:, r], name)

    # -- what to solve next ----------------------------------------------------------------

    @property
    def open(self) -> NDArray[np.bool_]:
        """(n - 1,): the cell is wide enough to be halved."""
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
        halve &= self.open
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

    def middles(self) -> Array:
        """Return (n, r, columns): the game's own payoffs and outcomes, amid their range."""
        low, high = self.batch.low, self.batch.high
        made: Array = (low[:, :, : self.scanner.shown] + high[:, :, : self.scanner.shown]) / 2
        return made

    def spread(self, middles: Array) -> Array:
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
        middles = self.middles()
        spread = self.spread(middles)
        step = np.diff(middles, axis=0)
        width = np.diff(self.x)[:, None, None]
        before, after = neighbors(step / width)
        with np.errstate(invalid="ignore"):
            least, most = np.minimum(before, after) * width, np.maximum(before, after) * width
            excess = np.maximum(step - most, least - step)
            odd = (excess > JUMP * spread) | (np.abs(step) > STEEP * spread)
        return np.asarray(odd.any(axis=2))


def _mixed(chances: Mapping[str, float]) -> str:
    """Return a mixture of actions in words."""
    sure = [action for action, chance in chances.items() if chance >= 1 - SURE]
    mixed = [f"{action} {chance:.2g}" for action, chance in chances.items() if chance > SURE]
    return sure[0] if sure else ", ".join(mixed) or "not reached"


def _coded(keys: Sequence[tuple[Any, ...]]) -> Codes:
    """Return a code for each distinct key; unknown keys are :data:`UNKNOWN`."""
    known: dict[Any, int] = {(UNKNOWN,): UNKNOWN}
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def runs_of(codes: NDArray[Any]) -> Iterator[tuple[int, int, int]]:
    """Yield (code, first, last) of every run of equal codes."""
    borders = np.flatnonzero(np.diff(codes)) + 1
    first = 0
    for end in (*borders, len(codes)):
        yield int(codes[first]), first, int(end) - 1
        first = int(end)


def neighbors(slopes: Array) -> tuple[Array, Array]:
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
