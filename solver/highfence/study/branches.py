"""Branches: the equilibria of neighboring points of a grid, joined.

Two equilibria are of one branch if the same is played in them, but for probabilities and amounts,
and if no amount jumps between them. Where several would do, the pairing is taken in which the
branches go on most evenly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["Branches", "Matcher", "branches_of", "frozen", "position"]

JUMP = 0.5
"""A branch ends where an amount moves from one point of a grid to the next by more than this
share of all that it moves over, and more than thrice as far as the step before."""


@dataclass(frozen=True)
class Branches:
    """Every equilibrium along a one-dimensional grid, joined into branches.

    Arrays have one item per equilibrium, (m,), ordered by regime, then by the parameter.
    """

    parameter: str
    """What the grid varies."""
    row: Whole
    """Row of the draw in the sweep's arrays."""
    regime: Whole
    """Index of the regime."""
    branch: Whole
    """Number of the branch, from 1; a branch stays within its regime."""
    plays: tuple[str, ...]
    """What is played, without probabilities and amounts."""
    values: Array
    """(m, columns): payoffs and outcomes, in the order of ``Draws.names``."""

    @property
    def count(self) -> int:
        """Number of branches."""
        return int(self.branch.max(initial=0))


def position(form: str, strategies: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is played in words, and the probabilities and amounts in order.

    Examples
    --------
    >>> position("staged", {"A": {"yard": {"small": 0.25, "broad": 0.75}}, "B": {"q": 2.5}})
    {'plays': 'A.yard: small or broad', 'shares': [0.25, 0.75], 'amounts': [2.5]}
    """
    words: list[str] = []
    shares: list[float] = []
    amounts: list[float] = []
    for player, strategy in strategies.items():
        places = {player: strategy}
        if form != "normal":
            places = {f"{player}.{place}": item for place, item in strategy.items()}
        for place, item in places.items():
            if not isinstance(item, Mapping):
                amounts.append(float(item))
                continue
            played = {action: float(p) for action, p in item.items() if p > tolerances.PROBABILITY}
            words.append(f"{place}: {' or '.join(map(str, played))}")
            shares.extend(played.values())
    return {"plays": "; ".join(words), "shares": shares, "amounts": amounts}


def branches_of(
    inputs: Mapping[str, Array],
    cells: Mapping[tuple[int, int], Sequence[Mapping[str, Any]]],
    regimes: int,
    columns: int,
) -> Branches:
    """Join the equilibria of neighboring points.

    ``cells`` maps (row, regime) to the equilibria there, as :func:`position` and their values
    describe them.
    """
    varies = [name for name, column in inputs.items() if len(set(column.tolist())) > 1]
    parameter = varies[0] if varies else next(iter(inputs))
    axis = inputs[parameter]
    order = np.argsort(axis, kind="stable").tolist()
    rows, at, numbers, plays, table = [], [], [], [], []
    count = 0
    for k in range(regimes):
        matcher = Matcher([cells.get((row, k), ()) for row in order], axis[order])
        for row, listed, found in zip(order, matcher.points, matcher.follow(), strict=True):
            for equilibrium, branch in zip(listed, found, strict=True):
                rows.append(row)
                at.append(k)
                numbers.append(count + branch)
                plays.append(equilibrium["plays"])
                table.append(equilibrium["values"])
        count += matcher.count
    return Branches(
        parameter=parameter,
        row=frozen(np.array(rows, np.int64)),
        regime=frozen(np.array(at, np.int64)),
        branch=frozen(np.array(numbers, np.int64)),
        plays=tuple(plays),
        values=frozen(np.array(table, np.float64).reshape(len(table), columns)),
    )


@dataclass
class _End:
    """The end of a branch so far."""

    number: int
    at: float
    place: Array
    slope: Array | None
    """How the place changed per unit of the parameter in the last step."""
    step: float
    """How far amounts moved in the last step."""


class Matcher:
    """Follows the equilibria of one regime along a grid."""

    def __init__(self, points: Sequence[Sequence[Mapping[str, Any]]], axis: Array) -> None:
        self.points, self.axis = points, axis
        self.count = 0
        everything = [equilibrium for listed in points for equilibrium in listed]
        self._values = _spans([e["values"] for e in everything])
        kinds = {e["plays"] for e in everything}
        self._amounts = {
            kind: _spans([e["amounts"] for e in everything if e["plays"] == kind]) for kind in kinds
        }

    def follow(self) -> list[list[int]]:
        """Return the number of the branch, from 1, of every equilibrium of every point."""
        ends: dict[str, list[_End]] = {}
        found = []
        for k, listed in enumerate(self.points):
            numbers = [0] * len(listed)
            after: dict[str, list[_End]] = {}
            for kind in dict.fromkeys(e["plays"] for e in listed):
                here = [n for n, e in enumerate(listed) if e["plays"] == kind]
                places = [self._place(listed[n]) for n in here]
                joined = self._joined(ends.get(kind, []), places, float(self.axis[k]), kind)
                for n, end in zip(here, joined, strict=True):
                    numbers[n] = end.number
                after[kind] = joined
            ends = after
            found.append(numbers)
        return found

    def _place(self, equilibrium: Mapping[str, Any]) -> Array:
        """Return where an equilibrium is: amounts first, then probabilities, then values."""
        amounts = np.array(equilibrium["amounts"]) / self._amounts[equilibrium["plays"]]
        values = np.array(equilibrium["values"]) / self._values
        return np.concatenate([amounts, np.array(equilibrium["shares"]), values])

    def _joined(
        self, ends: Sequence[_End], places: Sequence[Array], at: float, kind: str
    ) -> list[_End]:
        """Return the ends of the branches that go on to these places, or begin there."""
        from scipy.optimize import linear_sum_assignment

        made: dict[int, _End] = {}
        if ends:
            far = [[self._distance(end, place, at) for place in places] for end in ends]
            amounts = len(self._amounts[kind])
            for e, p in zip(*linear_sum_assignment(far), strict=True):
                end, place = ends[e], places[p]
                moved = place - end.place
                step = float(np.abs(moved[:amounts]).max(initial=0.0))
                if step <= max(JUMP, 3 * end.step):
                    gap = at - end.at
                    slope = moved / gap if gap else None
                    made[int(p)] = _End(end.number, at, place, slope, step)
        for p, place in enumerate(places):
            if p not in made:
                self.count += 1
                made[p] = _End(self.count, at, place, None, 0.0)
        return [made[p] for p in range(len(places))]

    @staticmethod
    def _distance(end: _End, place: Array, at: float) -> float:
        expected = end.place if end.slope is None else end.place + end.slope * (at - end.at)
        return float(np.abs(place - expected).max(initial=0.0))


def _spans(rows: Sequence[Sequence[float]]) -> Array:
    """Return what each column ranges over; 1 where that is nothing, but for rounding."""
    table = np.array(rows, np.float64).reshape(len(rows), -1) if rows else np.empty((0, 0))
    if not table.size:
        return np.ones(table.shape[1])
    span = table.max(axis=0) - table.min(axis=0)
    noise = tolerances.TIE * np.abs(table).max(axis=0)
    return np.where(span > noise, span, np.where(noise > 0, np.maximum(noise, span), 1.0))


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only copy."""
    made = np.array(array)
    made.setflags(write=False)
    return made
