"""Subgame-perfect equilibria of a finite game at many draws of its numbers.

Backward induction as in :mod:`highfence.methods.backward_induction`, in floats, for a block of
draws at once and over all combinations of continuations: a stage of one player gives all
optimal actions, one of two players all its extreme equilibria. One of more players is settled
here if iterated strict dominance leaves one combination of actions, which then is the only
equilibrium; else the draw is left to that method, which finds mixed ones too. (Of a game that is
one such stage, the pure equilibria are found, if there are any: as by
:func:`highfence.solve.solve`.)

Floats cannot tell a tie from a small difference. Payoffs that differ by no more than their
rounding count as ties, those that differ by much more as different, and a draw at which a
decision hangs on a difference in between is not answered here but left to exact arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..forms.batch import ALL, PURE, BatchForm, Stages
from ..solution import Finds
from .registry import BATCH, concept

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["REASONS", "Block", "Memory", "Ways", "block_length", "solve_block", "solve_ways"]

REASONS = (
    "solved",
    "a payoff, an outcome or a probability is undefined",
    "payoffs differ by little more than their rounding",
    "two payoffs are equal or not, floats cannot tell",
    "a stage has no pure equilibrium, and mixed ones are not searched for",
    "too many equilibria",
    "a stage is too large",
    "a stage of three or more players may have mixed equilibria",
)
"""By status of a draw."""

_BYTES = 2**21
"""Memory of a block's numbers: they stay in the processor's cache."""
_OTHERS = 2**23
"""Likewise of the payoffs that are written out, terminal by terminal, for some of its draws."""
_MOST = 1024
"""Draws of a block."""
_MIXED = 64
"""Room a draw for mixed strategies, before it is solved as one with many equilibria."""
_LEAST_SHARE = 1e-9
"""Rounding over the payoff scale, from which on exact arithmetic is asked."""
_CLEAR = 2 * tolerances.REGRET_FLOAT
_SUM = 1e-12
"""How far probabilities may be from summing to one."""


class Memory:
    """Arrays that one block after the other is written to: fresh memory costs more than solving."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[Any]] = {}

    def room_for(self, name: str, shape: tuple[int, ...], kind: Any = np.float64) -> NDArray[Any]:
        """Return an array of this shape, whatever it holds."""
        size = prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            kept = self._kept[name] = np.empty(size, kind)
        return kept[:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class Ways:
    """The answers of some draws of a block at which a stage may have several equilibria.

    See :mod:`highfence.kernels.batch_tree` for what the arrays mean.
    """

    form: BatchForm
    status: NDArray[np.uint8]
    """(n,): 0 if solved; see :data:`REASONS`."""
    values: Floats
    """(n, terminals + room, columns): payoffs and least outcomes."""
    upper: Floats
    """(n, room, outcomes): largest outcomes."""
    odds: Floats
    following: Integers
    way_count: Integers
    ways: Integers
    mixed: Floats
    counts: Floats
    """(n, room): equilibria per continuation."""

    def answers(self) -> tuple[Integers, Floats, Floats]:
        """Return, per draw, the number of equilibria, and the least and largest columns.

        Returns
        -------
        count
            (n,): 0 where the draw is not solved.
        low, high
            (n, columns): NaN where it is not.
        """
        terminals = self.form.stages.terminals
        n, _, columns = self.values.shape
        players = len(self.form.players)
        count = np.zeros(n)
        low, high = np.full((n, columns), np.nan), np.full((n, columns), np.nan)
        solved = self.status == 0
        first = np.where(solved, self.following[:, -1, 0], terminals)
        number = np.where(solved, self.following[:, -1, 1], 0)
        for k in range(int(number.max(initial=0))):
            d = np.flatnonzero(number > k)
            row = first[d] + k
            least = self.values[d, row]
            most = least.copy()
            most[:, players:] = self.upper[d, row - terminals]
            low[d] = np.fmin(low[d], least)
            high[d] = np.fmax(high[d], most)
            count[d] += self.counts[d, row - terminals]
        return count.astype(np.int64), low, high

    def listed(self) -> tuple[Integers, Floats, Integers]:
        """Return the distinct payoff vectors of all solved draws, in the order of the draws.

        Returns
        -------
        draw
            (rows,): the draw that has it.
        payoffs
            (rows, players).
        equilibria
            (rows,): how many equilibria have these payoffs.
        """
        terminals = self.form.stages.terminals
        number = np.where(self.status == 0, self.following[:, -1, 1], 0)
        draw = np.repeat(np.arange(len(number)), number)
        before = np.cumsum(number) - number
        row = self.following[draw, -1, 0] + np.arange(len(draw)) - before[draw]
        payoffs = self.values[draw, row, : len(self.form.players)]
        return draw, payoffs, self.counts[draw, row - terminals].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Block:
    """The answers of a block of draws.

    At most draws of most games every stage has one equilibrium, and the answer is short.
    """

    form: BatchForm
    status: NDArray[np.uint8]
    """(n,): 0 if solved; see :data:`REASONS`."""
    numbers: Floats
    """(rows, n): what the form's formulas left."""
    clear: NDArray[np.uint8]
    """(n,): 0 where each stage has one equilibrium."""
    cells: NDArray[np.int32]
    """(stages, n): the cell that is played, or where mixed strategies begin: see
    :mod:`highfence.kernels.batch_clear`."""
    mixed: Floats
    root: Floats
    """(columns, n): payoffs and outcomes of those draws."""
    others: tuple[tuple[NDArray[np.intp], Ways], ...]
    """Other draws, and their answers."""

    def answers(self) -> tuple[Integers, Floats, Floats]:
        """Return the same of all draws: see :meth:`Ways.answers`."""
        count = (self.clear == 0).astype(np.int64)
        low = self.root.T.copy()
        low[self.clear != 0] = np.nan
        high = low.copy()
        for draws, ways in self.others:
            count[draws], low[draws], high[draws] = ways.answers()
        return count, low, high

    def listed(self) -> tuple[Integers, Floats, Integers]:
        """Return the distinct payoff vectors of all solved draws.

        Returns
        -------
        draw
            (rows,): the draw that has it. The rows of a draw stand side by side.
        payoffs
            (rows, players).
        equilibria
            (rows,): how many equilibria have these payoffs.
        """
        draw = np.flatnonzero(self.clear == 0)
        payoffs = self.root[: len(self.form.players), draw].T
        parts = [(draw, payoffs, np.ones(len(draw), np.int64))]
        for draws, ways in self.others:
            draw, payoffs, equilibria = ways.listed()
            parts.append((draws[draw], payoffs, equilibria))
        if len(parts) == 1:
            return parts[0]
        draw, payoffs, equilibria = (np.concatenate(part) for part in zip(*parts, strict=True))
        return draw, payoffs, equilibria


def block_length(form: BatchForm) -> int:
    """Return how many draws make a block that stays in the processor's cache."""
    rows = form.stages.terminals + 2 * form.stages.count
    most = min(_BYTES // (8 * _rows(form)), _OTHERS // (8 * rows * form.columns))
    return int(np.clip(most, 16, _MOST))


def _rows(form: BatchForm) -> int:
    """Return how many numbers a draw of a block has: results of formulas, what each stage is
    worth, and the cells of a stage."""
    stages = form.stages
    widest = int(np.diff(stages.cell_start).max(initial=1))
    return form.formulas.registers + (stages.count + widest) * form.columns


@lru_cache(maxsize=32)
def _rules(stages: Stages, most: int) -> Integers:
    """Return the rules of stages: of one that backward induction finds too large for all
    equilibria, with more than ``most`` paths to follow, the pure ones are found."""
    axes = np.diff(stages.axis_start)
    several = np.flatnonzero((axes > 2) & (stages.rule == ALL))
    if not len(several):
        return stages.rule
    from .polynomial import path_count

    rules = stages.rule.copy()
    for s in several.tolist():
        sizes = stages.axis_size[stages.axis_start[s] : stages.axis_start[s + 1]]
        if path_count(tuple(sizes.tolist())) > most:
            rules[s] = PURE
    return rules


@concept(
    "solve_many",
    takes="finite games at many draws of their numbers",
    finds=Finds.ALL,
    source="Kuhn (1953); Selten (1965)",
    call="highfence.solve_many",
    use="a finite game at thousands of draws",
    kind=BATCH,
)
def solve_block(form: BatchForm, draws: Floats, memory: Memory | None = None) -> Block:
    """Solve the draws of a block.

    Parameters
    ----------
    form
        The game.
    draws
        (n, number of drawn parameters), finite.
    memory
        Where the block is put: one that was put there before is overwritten.

    Returns
    -------
    Block
        Draws whose status is not 0 are to be solved by another method.

    Notes
    -----
    In time linear in the terminals where subgames have one equilibrium each. What is left to
    exact methods takes milliseconds a draw there, a thousand times as long. Releases the
    interpreter: threads solve blocks side by side.
    """
    from ..kernels.batch_clear import UNSETTLED, settle_draws_of_tree

    n = len(draws)
    status = np.zeros(n, np.uint8)
    memory = memory or Memory()
    numbers = memory.room_for("numbers", (_rows(form), n))
    cells = memory.room_for("cells", (form.stages.count, n), np.int32)
    mixed = memory.room_for("mixed, one after the other", (n * _MIXED,))
    _evaluate(form, draws, numbers, status)
    base = form.formulas.registers
    rules = _rules(form.stages, limits.MAX_SUPPORT_PATHS)
    if (rules != ALL).any():
        # Where pure ones are asked for, often none comes about by dominance, or several do.
        status[status == 0] = UNSETTLED
    else:
        arguments: list[Any] = [
            *form.stages.arrays[:-1],
            rules,
            form.stages.players,
            form.stages.terminals,
            form.columns,
            form.formulas.places,
            *form.distinct,
            base,
            numbers,
            tolerances.ROUNDING,
            _LEAST_SHARE,
            _CLEAR,
            status,
            cells,
            mixed,
        ]
        settle_draws_of_tree(*arguments)
    clear = status.copy()
    rest = np.flatnonzero(status == UNSETTLED)
    others: tuple[tuple[NDArray[np.intp], Ways], ...] = ()
    if len(rest):
        ways = _solve_ways(form, numbers, rest, memory)
        status[rest] = ways.status
        others = ((rest, ways),)
    last = base + (form.stages.count - 1) * form.columns
    root = numbers[last : last + form.columns]
    return Block(form, status, numbers, clear, cells, mixed, root, others)


def solve_ways(form: BatchForm, draws: Floats) -> Ways:
    """Solve draws as if none were clear: see :func:`solve_block`."""
    status = np.zeros(len(draws), np.uint8)
    numbers = np.empty((_rows(form), len(draws)))
    _evaluate(form, draws, numbers, status)
    return _solve_ways(form, numbers, np.arange(len(draws)), Memory(), status)


def _evaluate(form: BatchForm, draws: Floats, numbers: Floats, status: NDArray[np.uint8]) -> None:
    """Write the numbers of draws, and the status of those that have none."""
    marks = np.zeros(len(draws), np.uint8)
    form.formulas.run(draws, numbers, marks)
    status[marks != 0] = REASONS.index("two payoffs are equal or not, floats cannot tell")
    for entries in form.lotteries:
        lines = numbers[form.odds_places[list(entries)]]
        with np.errstate(invalid="ignore"):
            fine = (lines >= 0).all(axis=0) & (np.abs(lines.sum(axis=0) - 1) <= _SUM)
        status[~fine] = 1


def _solve_ways(
    form: BatchForm,
    numbers: Floats,
    draws: NDArray[np.intp],
    memory: Memory,
    status: NDArray[np.uint8] | None = None,
) -> Ways:
    """Solve some draws of a block, whose numbers are given."""
    from ..kernels.batch_clear import gather_draws
    from ..kernels.batch_tree import solve_draws_of_tree

    stages = form.stages
    n = len(draws)
    room = 2 * stages.count + 64
    sizes = stages.axis_size.sum() if stages.count else 0
    metrics = form.columns - len(form.players)
    if status is None:
        status = np.zeros(n, np.uint8)
    room_for = memory.room_for
    values = room_for("values", (n, stages.terminals + room, form.columns))
    upper = room_for("upper", (n, room, metrics))
    odds = room_for("odds", (n, max(1, form.num_odds)))
    scale = room_for("scale", (n, len(form.players)))
    mixed = room_for("mixed", (n, 2 * int(sizes) + 256))
    counts = room_for("counts", (n, room))
    following = room_for("following", (n, stages.count, 2), np.int64)
    ways = room_for("ways", (n, room, 5), np.int64)
    gather_draws(form.places.ravel(), numbers, draws, values)
    gather_draws(form.odds_places, numbers, draws, odds[:, None])
    way_count = np.zeros(n, np.int64)
    arguments: list[Any] = [
        *stages.arrays[:-1],
        _rules(stages, limits.MAX_SUPPORT_PATHS),
        stages.players,
        stages.terminals,
        values,
        upper,
        odds,
        scale,
        n,
        tolerances.ROUNDING,
        _LEAST_SHARE,
        _CLEAR,
        limits.MAX_STAGE_GAMES,
        float(limits.MAX_EQUILIBRIA),
        status,
        way_count,
        following,
        ways,
        mixed,
        counts,
    ]
    solve_draws_of_tree(*arguments)
    return Ways(form, status, values, upper, odds, following, way_count, ways, mixed, counts)
