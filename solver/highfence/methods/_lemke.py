"""One path of Lemke's algorithm, from given trembles of two players to an equilibrium.

Definitions are those of :mod:`highfence.methods.sequence_lcp`. In floats a path may be lost where
the odds of chance differ by many orders of magnitude; in exact numbers it always comes to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SOUND", "End", "ExactPath", "Path", "Side", "mixed_plan"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_FRESH = 200
"""Pivots after which dictionaries are made anew from their first ones."""
SOUND = 1e-11
"""How far below 0 probabilities and slacks may be, with payoffs in [0, 1], as rounding."""


@dataclass(frozen=True)
class Side:
    """The sequences of one player in a stage; 0 is the empty one, sets ascend."""

    player: int
    """-1: there is no second player with a choice."""
    sets: tuple[int, ...]
    first: tuple[int, ...]
    """Per set, its first sequence."""
    counts: tuple[int, ...]
    before: tuple[int, ...]
    """Per set, the sequence that leads to it."""
    size: int
    """Number of sequences, without the empty one."""

    @property
    def blocks(self) -> Iterable[tuple[int, int, int]]:
        """Per set, the first of its sequences, one past the last, and the one before."""
        ends = (first + count for first, count in zip(self.first, self.counts, strict=True))
        return zip(self.first, ends, self.before, strict=True)


@dataclass(frozen=True)
class End:
    """Where a path ended: per side, the sequences that may be played, those of the other side
    that are optimal, and the plan in floats."""

    played: tuple[list[int], list[int]]
    optimal: tuple[list[int], list[int]]
    plans: tuple[Array, Array]


def mixed_plan(side: Side, rng: np.random.Generator | None, one: Any = 1.0) -> NDArray[Any]:
    """Return a completely mixed plan: all actions equally likely, or odds at random.

    In the kind of numbers of ``one``.
    """
    plan = [one] * (side.size + 1)
    for low, high, before in side.blocks:
        if rng is None:
            plan[low:high] = [plan[before] / (high - low)] * (high - low)
        else:
            odds = 0.1 + rng.random(high - low)
            plan[low:high] = (plan[before] * odds / odds.sum()).tolist()
    return np.array(plan)


class Path:
    """The path from one start: the two dictionaries, and where it is.

    Parameters
    ----------
    sides
        The sequences of the players.
    tables
        Per side, its payoffs in [0, 1] per pair of sequences, chance included; own ones are rows.
    start
        Per side, the completely mixed plan with which it trembles.
    """

    def __init__(
        self,
        sides: tuple[Side, Side],
        tables: tuple[NDArray[Any], NDArray[Any]],
        start: Sequence[NDArray[Any]],
    ) -> None:
        self.sides = sides
        self.offsets = -1, sides[0].size - 1
        """Label of a sequence, minus the sequence."""
        chosen = [_best(side, tables[k] @ start[1 - k]) for k, side in enumerate(sides)]
        frames = [_frame(side, chosen[k]) for k, side in enumerate(sides)]
        count = sum(side.size for side in sides)
        self.home = np.zeros(count, np.int64)
        first = np.zeros(count, dtype=bool)
        self.plain: list[NDArray[Any]] = []
        self.rows: list[Integers] = []
        self.columns: list[Integers] = []
        for k in (0, 1):
            others = frames[1 - k].T @ tables[1 - k] if sides[1 - k].size else None
            self._add(k, chosen, frames, others, start[k])
            mine = chosen[k] + self.offsets[k]
            first[mine] = True
            self.home[self.rows[k]] = k
        # Slacks are perturbed by more than probabilities: then the start is on one edge only.
        self.order = np.concatenate([np.flatnonzero(~first), np.flatnonzero(first)])
        self.state = np.array([-1, 0, 0, 0], np.int64)
        self.fresh: list[Array] = []
        self.tables: list[NDArray[Any]] = [table.copy() for table in self.plain]
        self.basis = [rows.copy() for rows in self.rows]
        self.free = [columns.copy() for columns in self.columns]
        self.places = [_places(self.rows[k], self.columns[k], count) for k in (0, 1)]

    @property
    def pivots(self) -> int:
        """Pivots so far."""
        return int(self.state[3])

    def _add(
        self,
        k: int,
        chosen: Sequence[Integers],
        frames: Sequence[Integers],
        others: NDArray[Any] | None,
        start: NDArray[Any],
    ) -> None:
        """Add the first dictionary of a side's plan and the other's slacks."""
        side, other = self.sides[k], self.sides[1 - k]
        rest = [np.setdiff1d(np.arange(1, self.sides[i].size + 1), chosen[i]) for i in (0, 1)]
        frame, base = frames[k], _followed(side, chosen[k])
        width = len(rest[k]) + len(chosen[1 - k]) + 2
        kind = start.dtype
        table: NDArray[Any] = np.zeros((len(chosen[k]) + len(rest[1 - k]), width), dtype=kind)
        own = table[: len(chosen[k])]
        own[:, : len(rest[k])] = frame[chosen[k]]
        own[:, -2], own[:, -1] = -base[chosen[k]], base[chosen[k]]
        if others is not None:
            slack = table[len(chosen[k]) :]
            slack[:, : len(rest[k])] = -others @ frame
            slack[:, len(rest[k]) : -2] = -frames[1 - k][chosen[1 - k]].T
            slack[:, -2], slack[:, -1] = -others @ (start - base), -others @ base
        count = side.size + other.size
        mine, theirs = self.offsets[k], self.offsets[1 - k]
        self.plain.append(table)
        self.rows.append(np.concatenate([chosen[k] + mine, rest[1 - k] + theirs]))
        self.columns.append(np.concatenate([rest[k] + mine, chosen[1 - k] + theirs, [count]]))

    def run(self, most: int) -> End | None:
        """Follow the path; return where it ended, or None if it did not, or was lost."""
        from ..kernels.lemke import ENDED, GOING, follow

        self.fresh = [_scaled(table) for table in self.plain]
        self.tables = [table.copy() for table in self.fresh]
        status = GOING
        while status == GOING and self.pivots < most:
            if self.pivots:
                self._renew()
            one, two = zip(self.tables, self.basis, self.free, self.places, strict=True)
            status = follow(
                one[0], two[0], one[1], two[1], one[2], two[2], one[3], two[3], self.home,
                self.order, self.state, min(_FRESH, most - self.pivots),
            )  # fmt: skip
        return self._end() if status == ENDED else None

    def _renew(self) -> None:
        """Make the dictionaries anew from the first ones: rounding does not add up."""
        for k in (0, 1):
            made = self._dictionary(k)
            if made is not None:
                self.tables[k] = made

    def _changed(self, k: int) -> tuple[Integers, Integers]:
        """Return the rows of a first dictionary that became columns, and columns that became rows.

        In the order of the labels in ``free`` and in ``basis``.
        """
        count = self.home.size + 1
        row_of, column_of = np.full(count, -1), np.full(count, -1)
        row_of[self.rows[k]] = np.arange(len(self.rows[k]))
        column_of[self.columns[k]] = np.arange(len(self.columns[k]))
        gone, come = row_of[self.free[k]], column_of[self.basis[k]]
        return gone[gone >= 0], come[come >= 0]

    def _dictionary(self, k: int) -> Array | None:
        """Return a first dictionary solved for the variables that are basic now."""
        first, count = self.fresh[k], self.home.size + 1
        gone, come = self._changed(k)
        rows, columns = np.arange(first.shape[0]), np.arange(first.shape[1])
        kept, stay = np.delete(rows, gone), np.delete(columns, come)
        right = np.concatenate([np.eye(len(gone)), -first[np.ix_(gone, stay)]], axis=1)
        try:
            solved = np.linalg.solve(first[np.ix_(gone, come)], right)
        except np.linalg.LinAlgError:
            return None
        rest = first[np.ix_(kept, come)] @ solved
        rest[:, len(gone) :] += first[np.ix_(kept, stay)]
        made = np.concatenate([solved, rest])
        place = np.empty(count, np.int64)
        place[np.concatenate([self.columns[k][come], self.rows[k][kept]])] = rows
        chosen = place[self.basis[k]]
        place[np.concatenate([self.rows[k][gone], self.columns[k][stay[:-1]]])] = columns[:-1]
        return np.ascontiguousarray(
            made[np.ix_(chosen, np.append(place[self.free[k]], columns[-1]))]
        )

    def _values(self, k: int) -> Array | None:
        """Return the values of the variables that are basic now, where all others are 0."""
        first = self.plain[k]
        gone, come = self._changed(k)
        matrix, right = first[np.ix_(gone, come)], -first[gone, -1]
        try:
            solved = np.linalg.solve(matrix, right)
            solved += np.linalg.solve(matrix, right - matrix @ solved)
        except np.linalg.LinAlgError:
            return None
        everything = first[:, come] @ solved + first[:, -1]
        value = np.zeros(self.home.size + 1)
        value[self.rows[k]] = everything
        value[self.columns[k][come]] = solved
        made: Array = value[self.basis[k]]
        return made

    def _end(self) -> End | None:
        """Return the plans of the last dictionaries, or None if rounding made them none."""
        played: list[list[int]] = []
        optimal: list[list[int]] = []
        plans: list[Array] = []
        for k, side in enumerate(self.sides):
            values = self._values(k)
            if values is None or values.min(initial=0.0) < -SOUND:
                return None
            low, high = self.offsets[k] + 1, self.offsets[k] + 1 + side.size
            basic, free = self.basis[k], self.free[k][self.free[k] < self.home.size]
            mine = (basic >= low) & (basic < high)
            plan = np.zeros(side.size + 1)
            plan[0] = 1.0
            plan[basic[mine] - self.offsets[k]] = np.clip(values[mine], 0.0, None)
            plan[plan < SOUND] = 0.0
            played.append((basic[mine] - self.offsets[k]).tolist())
            theirs = free[(free < low) | (free >= high)]
            optimal.append((theirs - self.offsets[1 - k]).tolist())
            plans.append(plan)
        return End((played[0], played[1]), (optimal[0], optimal[1]), (plans[0], plans[1]))


class ExactPath(Path):
    """The same path in exact numbers: tables and start hold flint rationals."""

    def plans(self, most: int) -> tuple[list[Any], list[Any]] | None:
        """Follow the path to its end; return both plans, or None if pivots are spent."""
        from flint import fmpq

        rational = np.vectorize(fmpq, otypes=[object])
        self.tables = [rational(table) for table in self.plain]
        last, at, entering, block = self.home.size, -1, -1, -1
        while self.pivots < most:
            self.state[3] += 1
            column, row_of_z, z, fall = -1, -1, fmpq(1), fmpq(-1)
            if at >= 0:
                row_of_z, column = (
                    int(self.places[at][last]),
                    -1 - int(self.places[block][entering]),
                )
                z = self.tables[at][row_of_z, -1]
                fall = self.tables[at][row_of_z, column] if block == at else fmpq(0)
            steps: list[tuple[Any, Any, int, int]] = []
            for side, table in enumerate(self.tables):
                place = int(self.places[side][last])
                for i in range(len(table)):
                    value, rate = table[i, -1], fmpq(0)
                    if place < 0:
                        value = value + table[i, -1 - place] * z
                        rate = table[i, -1 - place] * fall
                    if side == block:
                        rate = rate + table[i, column]
                    if rate < 0 and not (side == at and i == row_of_z):
                        steps.append((-value / rate, -rate, side, i))
            least = min((step[0] for step in steps), default=None)
            if fall < 0 and (least is None or z <= -fall * least):
                if at >= 0:
                    self._swap(at, row_of_z, column)
                return self._plan(0), self._plan(1)
            if least is None:
                return None
            tied = [step for step in steps if step[0] == least]
            for label in self.order.tolist():
                if len(tied) == 1:
                    break
                shares = [self._share(side, row, label, at) / rate for _, rate, side, row in tied]
                lowest = min(shares)
                tied = [step for step, share in zip(tied, shares, strict=True) if share == lowest]
            _, _, side, row = tied[0]
            leaving = int(self.basis[side][row])
            if at >= 0 and block == at and side != at:
                self._swap(at, row_of_z, column)  # z moves over to the other dictionary
            if at < 0 or side != block:
                column, at = -1 - int(self.places[side][last]), side
            self._swap(side, row, column)
            entering, block = leaving, 1 - side
        return None

    def _share(self, side: int, row: int, label: int, at: int) -> Any:
        """Return how much of a label's perturbation the value of a row has."""
        home = int(self.home[label])
        total = self._direct(side, row, label) if home == side else 0
        if at >= 0 and side != at and home == at:
            row_of_z = int(self.places[at][self.home.size])
            column = -1 - int(self.places[side][self.home.size])
            total = total + self.tables[side][row, column] * self._direct(at, row_of_z, label)
        return total

    def _direct(self, side: int, row: int, label: int) -> Any:
        place = int(self.places[side][label])
        return int(place == row) if place >= 0 else -self.tables[side][row, -1 - place]

    def _swap(self, side: int, leave: int, enter: int) -> None:
        """Pivot: the variables of this row and this column change places."""
        table = self.tables[side]
        inverse = table[leave, enter] ** -1
        chosen = -table[leave] * inverse
        chosen[enter] = inverse
        factors = table[:, enter].copy()
        table[:, enter] = 0 * inverse
        rows, columns = np.flatnonzero(factors != 0), np.flatnonzero(chosen != 0)
        table[np.ix_(rows, columns)] += np.outer(factors[rows], chosen[columns])
        table[leave] = chosen
        out, into = self.basis[side][leave], self.free[side][enter]
        self.basis[side][leave], self.free[side][enter] = into, out
        self.places[side][into], self.places[side][out] = leave, -1 - enter

    def _plan(self, k: int) -> list[Any]:
        plan: list[Any] = [0] * (self.sides[k].size + 1)
        plan[0] = 1
        for label, value in zip(self.basis[k].tolist(), self.tables[k][:, -1], strict=True):
            sequence = label - self.offsets[k]
            if 0 < sequence <= self.sides[k].size and label < self.home.size:
                plan[sequence] = value
        return plan


def _best(side: Side, gains: NDArray[Any]) -> Integers:
    """Return, per information set, the sequence of a best reply."""
    best: list[Any] = gains.tolist()
    chosen = [0] * len(side.sets)
    for place, (low, high, before) in reversed([*enumerate(side.blocks)]):
        chosen[place] = max(range(low, high), key=best.__getitem__)
        best[before] += best[chosen[place]]
    return np.array(chosen, np.int64)


def _followed(side: Side, chosen: Integers) -> Integers:
    """Return the plan of a pure strategy."""
    plan = [1] + [0] * side.size
    for kept, (_, _, before) in zip(chosen.tolist(), side.blocks, strict=True):
        plan[kept] = plan[before]
    return np.array(plan)


def _frame(side: Side, chosen: Integers) -> Integers:
    """Return what each free probability adds to the plan: (sequences + 1, not chosen)."""
    made = np.zeros((side.size + 1, side.size - len(chosen)), np.int64)
    column = 0
    for kept, (low, high, before) in zip(chosen.tolist(), side.blocks, strict=True):
        if before:
            made[kept] = made[before]
        for sequence in range(low, high):
            if sequence != kept:
                made[sequence, column] = 1
                made[kept, column] = -1
                column += 1
    return made


def _scaled(table: Array) -> Array:
    """Return a dictionary with rows and columns times powers of two: largest entries about 1.

    The columns of ``z`` and of constants keep their units, which the dictionaries share.
    """
    made = table.copy()
    for _ in range(2):
        largest = np.abs(made).max(axis=1, initial=0.0)
        made /= np.exp2(np.round(np.log2(np.where(largest > 0, largest, 1.0))))[:, None]
        largest = np.abs(made[:, :-2]).max(axis=0, initial=0.0)
        made[:, :-2] /= np.exp2(np.round(np.log2(np.where(largest > 0, largest, 1.0))))
    return made


def _places(rows: Integers, columns: Integers, count: int) -> Integers:
    made = np.zeros(count + 1, np.int64)
    made[rows] = np.arange(len(rows))
    made[columns] = -1 - np.arange(len(columns))
    return made
