"""Regime maps: which regime is best over two parameters, and by how much.

The plane is cut into cells whose corners are solved. A cell is quartered where its corners
disagree about what is best, where a point on its edge does, or where the margin falls so
fast from corner to corner that it could reach 0 inside; all new corners of a round are solved
together. What is drawn between corners is what the corners of the cell agree on; a border
that lies between two solved points is placed by the root of their chord.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import Interrupted, RequestError
from ._request import Request
from .outcome import judging_player, values_given
from .scan import (
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

__all__ = ["Axis", "Border", "Cell", "RegimeMap", "map_regimes", "regime_map"]

CELLS, DEPTH = 8, 2
"""Cells of the first grid along each axis, and how often one may be quartered."""

MAX_DEPTH = 8
"""Quarterings beyond this would make cells narrower than any bracket is worth."""

FALL = 0.25
"""A margin that may fall by this share of its fall across the cell once more could reach 0."""

Place = tuple[int, int]


@dataclass(frozen=True)
class Axis:
    """One of the two parameters."""

    name: str
    label: str
    unit: str
    value: float
    """Its value where nothing is varied."""
    lines: tuple[float, ...]
    """Where the first grid is solved, ascending."""
    listed: bool
    """The lines were asked for one by one."""

    @property
    def low(self) -> float:
        """The lowest value."""
        return self.lines[0]

    @property
    def high(self) -> float:
        """The highest value."""
        return self.lines[-1]


@dataclass(frozen=True)
class Cell:
    """A rectangle that was not divided further; its corners are points."""

    x: tuple[float, float]
    y: tuple[float, float]
    corners: tuple[int, int, int, int]
    """Indices of the points: (low x, low y), (high x, low y), (low x, high y), (high, high)."""
    state: str
    """What its corners agree on: a regime, several joined by " = " or " or "; empty where they
    differ, or where nothing is certified."""
    unsolved: bool
    """A corner has no certified answer."""


@dataclass(frozen=True)
class Border:
    """A point at which one regime takes over from another, on the edge of a cell."""

    x: float
    y: float
    regimes: tuple[str, str]
    width: float
    """Distance, along the axis, of the two solved points that it lies between; of a point on the
    border from the next."""


@dataclass(frozen=True)
class RegimeMap:
    """Which regime is best over two parameters. Arrays are read-only."""

    game: str
    title: str
    source: str
    preset: str | None
    changed: Mapping[str, Any]
    """Parameters that the request set."""
    x: Axis
    y: Axis
    regimes: tuple[str, ...]
    player: str
    """Whose payoff says which regime is best."""
    at: Array
    """(n, 2): the points solved."""
    points: tuple[Placing, ...]
    """(n,): what each point is."""
    low: Array
    """(n, r): the player's lowest payoff under each regime; NaN if nothing is certified."""
    high: Array
    cells: tuple[Cell, ...]
    borders: tuple[Border, ...]
    complete: bool
    """Every cell whose corners differ is as small as the depth allows."""
    notes: tuple[str, ...] = ()
    player_label: str = ""
    names: Mapping[tuple[float, float], int] = field(default_factory=dict, repr=False)
    """Point -> its index."""

    def best(self, x: float, y: float) -> Placing:
        """Return what a solved point is.

        Raises
        ------
        RequestError
            The point was not solved.
        """
        if (x, y) not in self.names:
            raise RequestError(f"({x:g}, {y:g}) is not a point of the map")
        return self.points[self.names[x, y]]

    @property
    def shares(self) -> dict[str, float]:
        """State -> share of the rectangle; cells whose corners differ count by corner.

        A tie that no cell has at all of its corners is a border, which has no area: the cell's
        other corners count.
        """
        made: dict[str, float] = {}
        for area, corners in self._weighed():
            for point in corners:
                made[point.state] = made.get(point.state, 0.0) + area / len(corners)
        return dict(sorted(made.items(), key=lambda item: -item[1]))

    @property
    def near_share(self) -> float:
        """Share of the rectangle in which the margin is a near tie."""
        return sum(
            area * sum(point.near_tie for point in corners) / len(corners)
            for area, corners in self._weighed()
        )

    def _weighed(self) -> Iterator[tuple[float, list[Placing]]]:
        """Yield each cell's share of the rectangle, and the corners that it is counted by."""
        whole = (self.x.high - self.x.low) * (self.y.high - self.y.low)
        wide = {k for cell in self.cells if cell.state for k in cell.corners}
        for cell in self.cells:
            area = (cell.x[1] - cell.x[0]) * (cell.y[1] - cell.y[0]) / whole
            corners = [
                self.points[k]
                for k in cell.corners
                if k in wide or self.points[k].standing is not Standing.TIE
            ]
            yield area, corners or [self.points[k] for k in cell.corners]

    @property
    def settled(self) -> bool:
        """True if every point has an answer, and nothing depends on which equilibrium."""
        return self.complete and all(
            p.standing in (Standing.BEST, Standing.TIE) for p in self.points
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the map with the keys of ``highfence map --json``."""
        from ..report.map_text import map_dict

        return map_dict(self)

    def __str__(self) -> str:
        from ..report.map_text import map_text

        return map_text(self)


def regime_map(
    game: Game | str | Path,
    x_parameter: str,
    y_parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    x: Sequence[float] | None = None,
    y: Sequence[float] | None = None,
    cells: int = CELLS,
    depth: int = DEPTH,
    preset: str | None = None,
    player: str | None = None,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> RegimeMap:
    """Map which regime is best over two parameters.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    x_parameter, y_parameter
        Two numeric parameters.
    regimes
        At least two regimes; all by default.
    x, y
        Two numbers, the range to look at (by default the declared one), cut into ``cells``
        equal parts; or three and more, ascending: the lines of the first grid.
    depth
        How often a cell may be quartered: borders are known to 1/2^depth of a first cell.
    preset, player, workers, parameters, named
        As in :func:`highfence.study.tipping.tipping`.

    Raises
    ------
    RequestError
        A name is unknown, a range is missing or empty, or the first grid has more than
        ``limits.MAX_SCAN_POINTS`` points.

    Notes
    -----
    Where payoffs over several equilibria overlap no regime is best; where one regime has no
    certified answer, none is named. Not promised: a region that lies inside one cell and
    shows at none of its corners and edges. Cost: the first grid, and about 5 points for each
    quartered cell, times the regimes.

    Examples
    --------
    >>> found = regime_map("offshoring", "j_product", "friction", ["territorial", "product"])
    >>> found.best(0.5, 0.1).best, found.best(1, 0).best
    ('territorial', 'product')
    """
    return map_regimes(
        game, x_parameter, y_parameter, regimes, x=x, y=y, cells=cells, depth=depth,
        preset=preset, player=player, workers=workers,
        parameters=values_given(parameters, named),
    )  # fmt: skip


def map_regimes(
    game: Game | str | Path,
    x_parameter: str,
    y_parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    x: Sequence[float] | None = None,
    y: Sequence[float] | None = None,
    cells: int = CELLS,
    depth: int = DEPTH,
    preset: str | None = None,
    player: str | None = None,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    around: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> RegimeMap:
    """Map as :func:`regime_map` does; ``tell`` hears what is solved next.

    Parameters
    ----------
    around
        Values where nothing is varied, of parameters that are; by default those of the preset.

    Raises
    ------
    Interrupted
        Ctrl-C: ``done`` is the map as far as it was refined.
    """
    game = loaded_game(game)
    given = dict(parameters or {})
    if x_parameter == y_parameter:
        raise RequestError(f"{x_parameter} cannot be on both axes. Name two parameters")
    for name in (x_parameter, y_parameter):
        if name in given:
            raise RequestError(f"{name} is varied, so it cannot be set. Leave one of both out")
    if isinstance(depth, bool) or not isinstance(depth, int) or not 0 <= depth <= MAX_DEPTH:
        raise RequestError(f"depth = {depth!r} is not a whole number from 0 to {MAX_DEPTH}")
    if isinstance(cells, bool) or not isinstance(cells, int) or cells < 1:
        raise RequestError(f"cells = {cells!r} is not a positive whole number")
    asked = regimes_asked(game, regimes)
    if len(asked) < 2:
        raise RequestError("a map compares at least two regimes")
    request = Request(game, preset, {**given, **(around or {})}, workers)
    axes = (
        _axis(request, x_parameter, x, cells),
        _axis(request, y_parameter, y, cells),
    )
    judge = judging_player(game, asked, player)
    size = len(axes[0].lines) * len(axes[1].lines)
    if size > limits.MAX_SCAN_POINTS:
        raise RequestError(
            f"the first grid has {size} points, more than MAX_SCAN_POINTS = "
            f"{limits.MAX_SCAN_POINTS}. Ask for fewer cells"
        )
    search = _Quadtree(Scanner(request, asked), axes, judge, depth)
    try:
        search.run(tell)
    except KeyboardInterrupt:
        if not search.index:
            raise
        search.interrupted = True
        raise Interrupted("the map as far as it was refined is shown", search.result()) from None
    return search.result()


def _axis(request: Request, name: str, given: Sequence[float] | None, cells: int) -> Axis:
    game = request.game
    listed = given is not None and len(given) != 2
    if given is not None and listed:
        lines = [float(value) for value in given]
        if len(lines) < 2 or not all(np.isfinite(lines)) or (np.diff(lines) <= 0).any():
            raise RequestError(
                f"{name}: lines are ascending numbers, at least two. Write 1, 2, 5, 10"
            )
        declared_range(game, name, lines[0], lines[-1])
    else:
        low, high = (None, None) if given is None else (given[0], given[1])
        lines = np.linspace(*declared_range(game, name, low, high), cells + 1).tolist()
    declared = next(p for p in game.parameters if p.name == name)
    unit = "" if declared.unit == "1" else declared.unit
    return Axis(name, declared.label, unit, float(request.base[name]), tuple(lines), listed)


class _Quadtree:
    """The points and cells of a map on its way."""

    def __init__(self, scanner: Scanner, axes: tuple[Axis, Axis], judge: str, depth: int) -> None:
        self.scanner, self.axes, self.judge, self.depth = scanner, axes, judge, depth
        self.step: int = 2**depth
        self.index: dict[Place, int] = {}
        """Place on the finest lattice -> index of the point."""
        self.batch: Batch
        self.limited = self.interrupted = False
        self.cells: list[tuple[int, int, int]] = []
        """(x, y, size) on the lattice."""

    def run(self, tell: Callable[[str], None]) -> None:
        counts = [len(axis.lines) for axis in self.axes]
        places = [
            (i * self.step, j * self.step) for j in range(counts[1]) for i in range(counts[0])
        ]
        tell(f"solving {len(places)} points, {len(self.scanner.regimes)} regimes")
        self._add(places)
        self.cells = [
            (i * self.step, j * self.step, self.step)
            for j in range(counts[1] - 1)
            for i in range(counts[0] - 1)
        ]
        while split := {cell for cell in self.cells if cell[2] > 1 and self._mixed(cell)}:
            places = list(
                dict.fromkeys(
                    place
                    for i, j, size in sorted(split)
                    for place in _lattice(i, j, size // 2)
                    if place not in self.index
                )
            )
            if len(self.index) + len(places) > limits.MAX_SCAN_POINTS:
                self.limited = True
                return
            tell(f"refining: {len(self.index)} points done, {len(places)} more")
            if places:
                self._add(places)
            kept = [cell for cell in self.cells if cell not in split]
            for i, j, size in sorted(split):
                half = size // 2
                kept += [(i + a, j + b, half) for b in (0, half) for a in (0, half)]
            self.cells = kept

    def _value(self, axis: int, place: int) -> float:
        """Return the value of a line of the lattice."""
        lines = self.axes[axis].lines
        k, part = divmod(place, self.step)
        if part == 0:
            return lines[k]
        return lines[k] + (lines[k + 1] - lines[k]) * part / self.step

    def _add(self, places: Sequence[Place]) -> None:
        columns = {
            axis.name: np.array([self._value(k, place[k]) for place in places])
            for k, axis in enumerate(self.axes)
        }
        batch = self.scanner.solve(columns)
        before = len(self.index)
        for k in np.argwhere(batch.answer != Answer.CERTIFIED):
            n, r = int(k[0]), int(k[1])
            at = {name: float(column[n]) for name, column in columns.items()}
            found, _ = self.scanner.retry(at, self.scanner.regimes[r])
            if found:
                batch = self.scanner.put(batch, n, r, found)
        parts = [self.batch, batch] if before else [batch]
        self.batch = Batch.joined(parts, slice(None))
        self.index.update({place: before + k for k, place in enumerate(places)})
        self.standings = Standings.of(self.scanner, self.batch, self.judge, self.scanner.regimes)
        self.placings = self.standings.placings()

    def _mixed(self, cell: tuple[int, int, int]) -> bool:
        """Whether a cell's corners and edges disagree, or its margin could reach 0 inside."""
        i, j, size = cell
        corners = [self.placings[self.index[place]] for place in _corners(i, j, size)]
        half = size // 2
        on_edges = [
            self.placings[self.index[place]]
            for place in _lattice(i, j, half)
            if place in self.index
        ]
        kinds = {(p.standing, p.regimes) for p in (*corners, *on_edges)}
        if len(kinds) > 1:
            return True
        if corners[0].standing is not Standing.BEST:
            return False
        margins = [p.margin for p in corners]
        return min(margins) <= FALL * (max(margins) - min(margins))

    # -- what was found --------------------------------------------------------------------

    def result(self) -> RegimeMap:
        scanner, game = self.scanner, self.scanner.original
        places = list(self.index)
        at = np.array([[self._value(0, i), self._value(1, j)] for i, j in places])
        for array in (at, self.standings.low, self.standings.high):
            array.setflags(write=False)
        label = next(p.label for p in game.players if p.name == self.judge)
        return RegimeMap(
            game=game.name,
            title=game.title or game.name,
            source=game.file,
            preset=scanner.request.preset,
            changed=MappingProxyType(dict(scanner.request.parameters)),
            x=self.axes[0],
            y=self.axes[1],
            regimes=scanner.regimes,
            player=self.judge,
            at=at,
            points=tuple(self.placings),
            low=self.standings.low,
            high=self.standings.high,
            cells=tuple(self._cell(cell) for cell in sorted(self.cells)),
            borders=tuple(self._borders()),
            complete=not (self.limited or self.interrupted),
            notes=tuple(self._notes()),
            player_label=label,
            names=MappingProxyType({(float(a), float(b)): k for k, (a, b) in enumerate(at)}),
        )

    def _cell(self, cell: tuple[int, int, int]) -> Cell:
        i, j, size = cell
        corners = [self.index[place] for place in _corners(i, j, size)]
        states = {self.placings[k].state for k in corners}
        return Cell(
            (self._value(0, i), self._value(0, i + size)),
            (self._value(1, j), self._value(1, j + size)),
            (corners[0], corners[1], corners[2], corners[3]),
            states.pop() if len(states) == 1 else "",
            any(self.placings[k].standing is Standing.UNSOLVED for k in corners),
        )

    def _borders(self) -> Iterator[Border]:
        """Yield where the winner changes along the edges of cells, placed by linear margins.

        Where two regimes are equal at a corner, and one of them is best at one neighbor of it and
        the other at another, the border runs through the corner.
        """
        edges = dict.fromkeys(
            edge
            for i, j, size in sorted(self.cells)
            for edge in (
                ((i, j), (i + size, j)),
                ((i, j), (i, j + size)),
                ((i + size, j), (i + size, j + size)),
                ((i, j + size), (i + size, j + size)),
            )
        )
        around: dict[Place, dict[str, Place]] = {}
        for one, two in edges:
            if self._halved(one, two):
                continue  # a neighbor's smaller edges lie on it
            a, b = self.index[one], self.index[two]
            first, second = self.placings[a].best, self.placings[b].best
            for place, other, best in ((one, two, second), (two, one, first)):
                tied = self.placings[self.index[place]]
                if tied.standing is Standing.TIE and best in tied.regimes:
                    around.setdefault(place, {}).setdefault(best, other)
            if not first or not second or first == second:
                continue
            lead = self.standings.lead(first, second)
            share = float(lead[a] / (lead[a] - lead[b])) if lead[a] > lead[b] else 0.5
            ends = [(self._value(0, i), self._value(1, j)) for i, j in (one, two)]
            x, y = (ends[0][k] + share * (ends[1][k] - ends[0][k]) for k in (0, 1))
            width = max(abs(ends[1][k] - ends[0][k]) for k in (0, 1))
            yield Border(x, y, (first, second), width)
        for place, neighbors in around.items():
            x, y = (self._value(k, place[k]) for k in (0, 1))
            for (first, one), (second, two) in combinations(neighbors.items(), 2):
                ends = [(self._value(0, i), self._value(1, j)) for i, j in (one, two)]
                width = max(max(abs(a - x), abs(b - y)) for a, b in ends)
                yield Border(x, y, (first, second), width)

    def _halved(self, one: Place, two: Place) -> bool:
        middle = ((one[0] + two[0]) // 2, (one[1] + two[1]) // 2)
        return middle not in (one, two) and middle in self.index

    def _notes(self) -> Iterator[str]:
        if self.limited:
            yield f"stopped at MAX_SCAN_POINTS = {limits.MAX_SCAN_POINTS} points"
        if self.interrupted:
            yield "interrupted: refined in part"
        open_ = sum(p.standing is Standing.UNSOLVED for p in self.placings)
        if open_:
            yield f"{open_} of {len(self.placings)} points have no certified answer"
        for axis in self.axes:
            declared = next(p for p in self.scanner.original.parameters if p.name == axis.name)
            low = -np.inf if declared.low is None else float(declared.low)
            high = np.inf if declared.high is None else float(declared.high)
            if axis.low < low or axis.high > high:
                yield f"{axis.name} goes beyond its declared range"


def _corners(i: int, j: int, size: int) -> list[Place]:
    return [(i, j), (i + size, j), (i, j + size), (i + size, j + size)]


def _lattice(i: int, j: int, half: int) -> list[Place]:
    """Return the middle of a cell and of its edges; nothing for a cell of the finest size."""
    if half == 0:
        return []
    return [
        (i + half, j),
        (i, j + half),
        (i + half, j + half),
        (i + 2 * half, j + half),
        (i + half, j + 2 * half),
    ]
