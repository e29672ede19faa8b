"""What changes along a line of solved points: read off its tracks, bracketed and put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from ._digits import short
from ._line import JUMP, NONE, SURE, UNKNOWN, Line, Track, runs_of
from ._tips import Change, Gap, Kind, Range, Series, Stretch, Tip, Tipping
from .scan import AS_WRITTEN, Answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Changes"]


@dataclass(frozen=True)
class _Event:
    """A change of a track (or a jump, without track) between two points."""

    track: Track | None
    left: int
    right: int


class Changes:
    """What changes along a line."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def result(self) -> Tipping:
        """Return all that was found."""
        scanner, game = self.line.scanner, self.line.scanner.original
        jumps = self.line.jumps()
        tips = [*self._flips(jumps), *self._within(jumps)]
        order = list(Kind)
        tips.sort(key=lambda tip: (tip.low, order.index(tip.kind), tip.regime or ""))
        done = not (self.line.limited or self.line.interrupted)
        declared = next(p for p in game.parameters if p.name == self.line.parameter)
        labels = {p.name: p.label for p in game.players if p.label}
        self.line.x.setflags(write=False)
        return Tipping(
            game=game.name,
            title=game.title or game.name,
            source=game.file,
            preset=scanner.request.preset,
            changed=MappingProxyType(dict(scanner.request.parameters)),
            parameter=self.line.parameter,
            label=declared.label,
            unit="" if declared.unit == "1" else declared.unit,
            value=self.line.usual(),
            regimes=self.line.asked,
            player=self.line.judge if self.line.read is None else None,
            outcome=None if self.line.read is None else self.line.read.formula,
            condition=self.line.read is not None and self.line.read.condition,
            low=self.line.ends[0],
            high=self.line.ends[1],
            tolerance=self.line.tolerance,
            resolution=float(np.diff(self.line.x).max()),
            tips=tuple(tips),
            series=tuple(self._series()),
            gaps=tuple(self._gaps()),
            x=self.line.x,
            complete=done,
            notes=tuple(self._notes()),
            player_label=labels.get(self.line.judge or "", ""),
            labels=MappingProxyType(labels),
        )

    def _flips(self, jumps: NDArray[np.bool_]) -> Iterator[Tip]:
        """Yield where another regime becomes best, and where the outcome changes its sign."""
        for track in self.line.tracks:
            if track.kind is Kind.BEST:
                for event in self._events(track):
                    yield self._flip(event, jumps)
        outcomes = [track for track in self.line.tracks if track.kind is Kind.OUTCOME]
        for track, (regime, low, high) in zip(outcomes, self.line.outcomes, strict=True):
            name = None if regime is None else self.line.scanner.regimes[regime]
            for event in self._events(track):
                left, right = event.left, event.right
                one, two = (self._sign(track.codes[k]) for k in (left, right))
                yield Tip(
                    Kind.OUTCOME,
                    name,
                    float(self.line.x[left]),
                    float(self.line.x[right]),
                    one,
                    two,
                    ("" if name is None else f"{name}: ") + f"{one} -> {two}",
                    (float((low + high)[left] / 2), float((low + high)[right] / 2)),
                    not (self.line.read is not None and self.line.read.condition)
                    and not jumps[left:right].any(),
                    unsolved=bool((track.codes[left : right + 1] < 0).any()),
                )

    def _sign(self, code: int) -> str:
        if self.line.read is not None and self.line.read.condition:
            return ("fails", "holds", "", "depends on which equilibrium")[code]
        return ("0", "above 0", "below 0", "depends on which equilibrium")[code]

    def _flip(self, event: _Event, jumps: NDArray[np.bool_]) -> Tip:
        assert self.line.standings is not None
        left, right = event.left, event.right
        codes = self.line.tracks[0].codes
        one, two = (self.line.placings[k] for k in (left, right))
        before, after = (p.state for p in (one, two))
        margins = None
        if one.best and two.best:
            lead = self.line.standings.lead(one.best, two.best)
            margins = (float(lead[left]), float(lead[right]))
        elif one.best or two.best:
            margins = (one.margin if one.best else 0.0, -two.margin if two.best else 0.0)
        at = self.line.scanner.columns.index(self.line.judge or "")
        of = [self.line.scanner.regimes.index(name) for name in {*one.regimes, *two.regimes}]
        unsolved = bool((codes[left : right + 1] < 0).any())
        crossing = not unsolved and not jumps[left:right, of, at].any()
        return Tip(
            Kind.BEST,
            None,
            float(self.line.x[left]),
            float(self.line.x[right]),
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
        assert self.line.standings is not None
        placings = self.line.placings
        first, last = left, right
        while first >= 0 and placings[first].near_tie:
            first -= 1
        while last < len(placings) and placings[last].near_tie:
            last += 1
        if first == left and last == right:
            return None
        low, high = (first + 1 if first < left else right), (last - 1 if last > right else left)
        return float(self.line.x[low]), float(self.line.x[high])

    def _events(self, track: Track) -> Iterator[_Event]:
        """Yield the changes of a track, leaving out what holds at single points only."""
        kept: list[tuple[int, int, int]] = []
        for code, first, last in runs_of(track.codes):
            if code == UNKNOWN or (code == NONE and not track.gaps):
                continue
            if self.line.x[last] - self.line.x[first] <= self.line.fine and len(self.line.x) > 3:
                continue
            if kept and kept[-1][0] == code:
                kept[-1] = (code, kept[-1][1], last)
            else:
                kept.append((code, first, last))
        for one, two in pairwise(kept):
            yield _Event(track, one[2], two[1])

    def _within(self, jumps: NDArray[np.bool_]) -> Iterator[Tip]:
        """Yield what changes within each regime, everything at one place together."""
        for r in range(len(self.line.scanner.regimes)):
            events = [
                event
                for track in self.line.tracks
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
        limit = self.line.tolerance * (1 + 1e-6)
        narrow: list[_Event] = []
        wide: list[_Event] = []
        for event in events:
            gap = self.line.x[event.right] - self.line.x[event.left] > limit
            (wide if gap else narrow).append(event)
        group: list[_Event] = []
        for event in sorted(narrow, key=lambda event: event.left):
            right = max((e.right for e in group), default=-1)
            if group and event.left <= right:
                ends = self.line.x[group[0].left], self.line.x[max(right, event.right)]
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
        for name, actions in self.line.scanner.actions.items():
            if touched & set(actions.values()):
                one, two = (self._mixture(k, r, actions) for k in (left, right))
                add(Kind.ACTIONS, f"{self.line.scanner.owner[name]}: {name} = ", one, two)
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
        players = {player.name for player in self.line.scanner.original.players}
        told = [c for c in changes if c.name not in players] or list(changes)
        shown = [f"{c.name} {_short(c.before)} -> {_short(c.after)}" for c in told[:6]]
        if shown:
            more = f" and {len(told) - 6} more" if len(told) > 6 else ""
            said.append(f"jumps: {', '.join(shown)}{more}")
        unknown = self.line.batch.answer[left : right + 1, r] != Answer.CERTIFIED
        order = list(Kind)
        return Tip(
            min(kinds, key=order.index),
            self.line.scanner.regimes[r],
            float(self.line.x[left]),
            float(self.line.x[right]),
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
        return "equilibria that differ" if self.line.scanner.staged else f"{code} equilibria"

    def _mixture(self, k: int, r: int, actions: Mapping[str, str]) -> str:
        """Return what is played at a point, in words."""
        played = []
        for action, column in actions.items():
            low, high = (float(c[k, r]) for c in self.line.scanner.column(self.line.batch, column))
            if low >= 1 - SURE:
                return action
            if high - low > SURE:
                played.append((action, f"{low:.2g}..{high:.2g}"))
            elif high > SURE:
                played.append((action, f"{high:.2g}"))
        words = ("probability ", *[""] * len(played))
        said = (
            f"{action} with {word}{p}" for word, (action, p) in zip(words, played, strict=False)
        )
        return ", ".join(said) or "not reached"

    def _at_corner(self, track: Track, k: int) -> str:
        code = int(track.codes[k])
        if track.key in self.line.scanner.room:
            return ("inside its interval", "at its lower end", "at its upper end")[code]
        return ("not 0", "0")[code]

    def _changes(
        self, r: int, left: int, right: int, jumps: NDArray[np.bool_]
    ) -> tuple[Change, ...]:
        """Return the columns that jump, the largest share of their range first."""
        middles = self.line.middles()
        spread = self.line.spread(middles)[r]
        share = np.abs(middles[right, r] - middles[left, r]) / spread
        breaks = self._breaks(middles[:, r], left, right)
        for cell, regime, steep in self.line.steep:
            if regime == r and left <= cell < right:
                breaks[steep] = False
        jumped = jumps[left:right, r].any(axis=0) | breaks
        x = self.line.x
        if right - left > 1 and x[right] - x[left] > self.line.tolerance * (1 + 1e-6):
            jumped = share > JUMP  # across unsolved points there is no telling otherwise
        columns = sorted(np.flatnonzero(jumped & (share > JUMP)), key=lambda k: -share[k])
        low, high = self.line.batch.low, self.line.batch.high
        made = []
        for k in columns:
            one, two = ((float(low[at, r, k]), float(high[at, r, k])) for at in (left, right))
            made.append(Change(self.line.scanner.columns[k], one, two))
        return tuple(made)

    def _breaks(self, middles: Array, left: int, right: int) -> NDArray[np.bool_]:
        """(columns,): from one point to another a column moves as it does on neither side.

        A jump may take several cells, where what is played is mixed for a short way.
        """
        width = self.line.x[right] - self.line.x[left]
        outside = [
            (middles[k + 1] - middles[k]) / (self.line.x[k + 1] - self.line.x[k])
            for k in (left - 1, right)
            if 0 <= k < len(self.line.x) - 1
        ]
        with np.errstate(invalid="ignore"):
            smooth = [np.where(np.isfinite(slope), np.abs(slope), 0.0) for slope in outside]
            steepest = np.max([np.zeros(middles.shape[1]), *smooth], axis=0)
            return np.asarray(np.abs(middles[right] - middles[left]) > 4 * steepest * width)

    def _series(self) -> Iterator[Series]:
        """Yield what holds along the range."""
        tracks = {t.kind: t for t in self.line.tracks}
        if self.line.standings is not None:
            placings = self.line.placings
            words = [p.state for p in placings]
            margin = np.array([p.margin for p in placings])
            near = tuple(p.near_tie for p in placings)
            track = tracks[Kind.BEST]
            yield self._one_series(track, None, words, margin, margin.copy(), near)
        outcomes = [track for track in self.line.tracks if track.kind is Kind.OUTCOME]
        for track, (regime, low, high) in zip(outcomes, self.line.outcomes, strict=True):
            words = ["" if code < 0 else self._sign(code) for code in track.codes]
            name = None if regime is None else self.line.scanner.regimes[regime]
            yield self._one_series(track, name, words, low, high, (False,) * len(low))

    def _one_series(
        self,
        track: Track,
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
            if self.line.standings is not None and words[first]:
                regimes = self.line.placings[first].regimes
                seen = [p.margin for p in self.line.placings[first : last + 1] if p.best]
                margin = (min(seen), max(seen)) if seen else None
            stretches.append(Stretch(from_, to, words[first], regimes, margin))
        for column in (low, high):
            column.setflags(write=False)
        alone = tuple((float(self.line.x[k]), words[k]) for k in self._alone(track))
        return Series(regime, tuple(stretches), low, high, tuple(words), near, alone)

    def _alone(self, track: Track) -> Iterator[int]:
        """Yield the points that a stretch of something else holds on both sides, or ends at."""
        codes = np.where(track.codes < 0, UNKNOWN, track.codes)
        pieces = [(first, last) for first, last, *_ in self._pieces(track)]
        for first, last in pieces:
            yield from (k for k in range(first, last) if codes[k] not in (codes[first], UNKNOWN))
        if pieces:
            outside = [*range(pieces[0][0]), *range(pieces[-1][1] + 1, len(codes))]
            yield from (k for k in outside if codes[k] != UNKNOWN)

    def _pieces(self, track: Track) -> Iterator[tuple[int, int, float, float]]:
        """Yield the runs of a track, unknown ones included, from border to border."""
        x = self.line.x
        kept: list[list[int]] = []
        for code, first, last in runs_of(np.where(track.codes < 0, UNKNOWN, track.codes)):
            short = x[last] - x[first] <= self.line.fine and len(x) > 3
            if short and code != UNKNOWN:
                continue
            if kept and kept[-1][0] == code:
                kept[-1][2] = last
            else:
                kept.append([code, first, last])
        for k, (_, first, last) in enumerate(kept):
            from_, to = self.line.ends
            if k:
                from_ = float(x[kept[k - 1][2]] + x[first]) / 2
            if k + 1 < len(kept):
                to = float(x[last] + x[kept[k + 1][1]]) / 2
            yield first, last, from_, to

    def _gaps(self) -> Iterator[Gap]:
        for r, first, last in self.line.runs_without():
            none = bool((self.line.batch.answer[first : last + 1, r] == Answer.NONE_FOUND).all())
            yield Gap(
                float(self.line.x[first]),
                float(self.line.x[last]),
                self.line.scanner.regimes[r],
                none,
                self.line.probes.get((r, first), ()),
            )

    def _notes(self) -> Iterator[str]:
        game, parameter = self.line.scanner.original, self.line.parameter
        if self.line.limited:
            yield (
                f"stopped at MAX_SCAN_POINTS = {limits.MAX_SCAN_POINTS} points: some changes are "
                "bracketed less narrowly than asked for"
            )
        if self.line.interrupted:
            yield "interrupted: some changes are bracketed less narrowly than asked for"
        for regime in game.regimes:
            if regime.name in self.line.scanner.regimes and parameter in regime.set:
                yield f"{regime.name} sets {parameter} itself; here it is varied there too"
        several = {
            name
            for r, name in enumerate(self.line.scanner.regimes)
            if (self.line.batch.count[:, r] > 1).any()
        }
        if several:
            yield (
                f"several equilibria somewhere under {', '.join(sorted(several))}: a regime is "
                "best where its worst is better than the others' best"
            )
        if self.line.scanner.unwatched:
            yield (
                "what is played is read off the outcomes alone for "
                f"{', '.join(self.line.scanner.unwatched)}"
            )
        declared = next(p for p in game.parameters if p.name == parameter)
        for side, end, sign in (("low", self.line.ends[0], 1), ("high", self.line.ends[1], -1)):
            bound = getattr(declared, side)
            if bound is not None and sign * end < sign * float(bound):
                yield f"{parameter} = {end:g} is outside its declared range"
        if self.line.scanner.regimes == (AS_WRITTEN,):
            yield "the game declares no regimes: it is solved as it is written"


def _short(bounds: Range) -> str:
    low, high = (short(value, 4) for value in bounds)
    return low if low == high else f"{low}..{high}"
