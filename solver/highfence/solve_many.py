"""Thousands of draws of one finite game at once, each answer judged.

Wherever the game allows it, draws are solved together by compiled code over both payoffs and
stages (:mod:`highfence.methods.batch_tree`), on several threads. What floats cannot decide, and
games of other kinds, are solved one by one by :func:`highfence.solve.solve`, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np

from . import limits, tolerances
from .errors import MethodFailed, NotApplicable, RequestError, SpecError, did_you_mean
from .forms.batch import BatchForm, trees
from .forms.build import build, values, values_given
from .processes import refuse_workers, worker_processes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .solution import Solution
    from .spec.model import Game, Regime

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["Answers", "draws_table", "solve_many"]

_ONE_BY_ONE = 50
"""Draws that are solved one by one before progress is told."""
_WORTH_A_PROCESS = 200
"""Draws to be solved one by one from which on processes are started for them."""


@dataclass(frozen=True)
class Answers:
    """Answers for n draws of a finite game. Arrays are read-only; NaN where nothing is certified.

    ``low`` and ``high`` have a column per payoff, in the order of the players, then one per
    outcome: see :attr:`names`. Each has the lowest or highest value over the draw's equilibria.

    The ragged part lists the distinct payoff vectors of the certified equilibria: those of
    draw ``d`` are the rows ``start[d]:start[d + 1]`` of ``payoffs``, and ``equilibria`` says how
    many equilibria have them.
    """

    players: tuple[str, ...]
    outcomes: tuple[str, ...]
    low: Floats
    """(n, columns)."""
    high: Floats
    """(n, columns)."""
    count: Integers
    """(n,): certified equilibria."""
    regret: Floats
    """(n,): largest regret, over the payoff scale, of the profiles proposed; infinite if none."""
    rejected: Integers
    """(n,): profiles proposed that were not certified."""
    exact: NDArray[np.bool_]
    """(n,): solved one by one, in exact arithmetic where the numbers allow it."""
    start: Integers
    """(n + 1,)."""
    payoffs: Floats
    """(rows, players)."""
    equilibria: Integers
    """(rows,)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of ``low`` and ``high``."""
        return (*self.players, *self.outcomes)

    @property
    def certified(self) -> NDArray[np.bool_]:
        """(n,): at least one equilibrium, and none rejected."""
        holds: NDArray[np.bool_] = (self.count > 0) & (self.rejected == 0)
        return holds

    def column(self, name: str) -> tuple[Floats, Floats]:
        """Return ``low`` and ``high`` of a payoff or an outcome, each (n,)."""
        if name not in self.names:
            raise RequestError(f"no column {name!r}. {did_you_mean(name, self.names)}")
        k = self.names.index(name)
        return self.low[:, k], self.high[:, k]


def solve_many(
    game: Game,
    draws: Mapping[str, ArrayLike],
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_FLOAT,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Answers:
    """Return the equilibria of a finite game at many draws of its numbers.

    Parameters
    ----------
    game
        A game without interval decisions.
    draws
        Numeric parameter -> values, all of one length n.
    regime, preset
        As for :func:`highfence.solve.solve`; a draw counts more than what they set.
    parameters, named
        Values of parameters that are not drawn, in a mapping or as keywords. In the mapping they
        may be called like the arguments here.
    workers
        Threads; and processes for draws that must be solved one by one, if they are many and
        the game can be written as TOML.
    tolerance
        Regret, over the payoff scale, up to which an answer is certified.
    progress
        Called with (draws done, n) now and then.

    Returns
    -------
    Answers
        In the order of the draws. The equilibria are those that ``solve(game)`` yields at each
        draw: all extreme equilibria of a game in which two have a choice; of others the pure
        ones, and mixed ones where there are none; and in a tree all subgame-perfect equilibria
        that are built from those of its stages, mixed ones of three or more players too.

    Raises
    ------
    RequestError
        A name is unknown, a value is not a finite number, the lengths differ, or a parameter is
        given twice.
    NotApplicable
        A decision is over an interval. :func:`highfence.study.draws.solve_draws` takes those.
    SpecError
        The game is wrong at the values that are not drawn.

    Notes
    -----
    A draw at which the game is wrong (a payoff is undefined), or at which no equilibrium is
    found, has count 0. Answers in floats carry the rounding of a few dozen operations;
    ``exact`` tells which were solved one by one.

    Cost of a draw: proportional to its terminals and to the operations in its formulas, some
    nanoseconds each. A draw is solved alone, which takes a millisecond to a second, where a stage
    of three or more players in a tree may have mixed equilibria: where iterated strict dominance
    leaves more than one combination of actions in it. ``exact`` tells how many those are.

    Examples
    --------
    >>> import numpy as np
    >>> from highfence import load
    >>> found = solve_many(load("chain_store"), {"stay_out": np.array([0.5, 1.0, 1.5])})
    >>> found.count.tolist(), found.column("entries")[0].tolist()
    ([1, 1, 1], [3.0, 3.0, 3.0])
    """
    refuse_workers(workers)
    given = values_given(parameters, named)
    names, table = draws_table(game, draws, preset, given)
    found = trees(game, names, regime=regime, preset=preset, parameters=given)
    if found is None:
        raise NotApplicable(
            f"{game.name} has {'state variables' if game.states else 'interval decisions'}, and "
            "solve_many takes finite games that are played once. "
            "highfence.study.draws.solve_draws solves draws of such a game"
        )
    n = len(table)
    players = tuple(player.name for player in game.players)
    made = _Made(n, len(players), len(players) + len(found.outcomes), tolerance)
    left: list[NDArray[np.intp]] = []
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None and more:
            progress(done, n)

    with ThreadPoolExecutor(workers) if workers > 1 else nullcontext() as pool:
        for chosen, form in found.sort(table):
            if form is None:
                left.append(chosen)
                continue
            for rows, part in _together(form, table, chosen, pool):
                made.put(rows, part)
                left.append(rows[part.status != 0])
                tell(int((part.status == 0).sum()))
    alone = np.sort(np.concatenate(left)) if left else np.zeros(0, np.intp)
    request = partial(_alone, regime, preset, given, tolerance)
    for rows, answers in _one_by_one(game, request, names, table, alone, workers):
        for d, answer in zip(rows.tolist(), answers, strict=True):
            made.put_alone(d, *answer)
        tell(len(rows))
    return made.finish(players, tuple(found.outcomes))


def draws_table(
    game: Game,
    draws: Mapping[str, ArrayLike],
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[tuple[str, ...], Floats]:
    """Return the names of the parameters drawn, and the draws as an array (n, names).

    Raises
    ------
    RequestError
        See :func:`solve_many`.
    """
    columns = {}
    for name, column in draws.items():
        try:
            numbers = np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            numbers = np.array([np.nan])
        if not np.isfinite(numbers).all():
            raise RequestError(f"{game.name}: the draws of {name} are not all finite numbers")
        columns[name] = numbers
    shapes = {column.shape for column in columns.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise RequestError("draws are one-dimensional columns of one length")
    if shapes == {(0,)}:
        raise RequestError("there are no draws")
    fixed = values(game, preset=preset, parameters=parameters)
    numeric = {name for name, value in fixed.items() if not isinstance(value, str)}
    for name in columns:
        if name not in numeric:
            raise RequestError(
                f"{game.name} has no numeric parameter {name!r}. {did_you_mean(name, numeric)}"
            )
    return tuple(columns), np.column_stack(list(columns.values()))


# ---------------------------------------------------------------------------------------------
# Together


@dataclass(frozen=True, eq=False)
class _Part:
    """The judged answers of one block."""

    status: NDArray[np.uint8]
    count: Integers
    low: Floats
    high: Floats
    regret: Floats
    row_draw: Integers
    """(rows,): place in the block of each distinct payoff vector."""
    payoffs: Floats
    equilibria: Integers


def _together(
    form: BatchForm, table: Floats, chosen: NDArray[np.intp], pool: Executor | None
) -> Iterator[tuple[NDArray[np.intp], _Part]]:
    """Yield the answers to draws that have one tree, block by block."""
    from .methods.batch_tree import block_length

    length = block_length(form)
    blocks = [chosen[k : k + length] for k in range(0, len(chosen), length)]
    inputs: Iterable[Floats] = (table[rows] for rows in blocks)
    run = partial(_judged, form, local())
    answers = map(run, inputs) if pool is None else pool.map(run, inputs)
    yield from zip(blocks, answers, strict=True)


def _judged(form: BatchForm, own: local, draws: Floats) -> _Part:
    """Solve and judge a block; ``own`` holds the memory of each thread."""
    from .certify.batch import batch_regret
    from .methods.batch_tree import Memory, solve_block

    if not hasattr(own, "memory"):
        own.memory = Memory()
    block = solve_block(form, draws, own.memory)
    regret = batch_regret(block)
    count, low, high = block.answers()
    row_draw, payoffs, equilibria = block.listed()
    return _Part(block.status, count, low, high, regret, row_draw, payoffs, equilibria)


# ---------------------------------------------------------------------------------------------
# One by one

_Answer = tuple["Floats", float, int, "Floats | None"]
_GAME: Game | None = None


def _alone(
    regime: Regime | str | None,
    preset: str | None,
    parameters: Mapping[str, Any],
    tolerance: float,
    game: Game,
    draw: Mapping[str, float],
) -> _Answer:
    """Return what :func:`rows_of` does, of one draw."""
    from .solve import solve

    try:
        form = build(game, regime=regime, preset=preset, parameters={**parameters, **draw})
        solution = solve(form)
    except (MethodFailed, SpecError):
        return np.empty((0, 0)), np.inf, 0, None
    return rows_of(solution, tolerance)


def rows_of(solution: Solution, tolerance: float) -> _Answer:
    """Return (payoffs and outcomes of each equilibrium, largest regret, number rejected, bounds).

    An equilibrium that stands for others with the same outcome of play has as many rows. The
    bounds, lowest and highest of each column, are given where they cover others than these.
    """
    kept, worst, wrong = held(solution, tolerance)
    if not kept:
        return np.empty((0, 0)), worst, wrong, None
    found, counts = solution.equilibria, solution.multiplicities
    most = limits.MAX_EQUILIBRIA // len(kept)
    table = [[*found[k].payoffs.values(), *found[k].outcomes.values()] for k in kept]
    times = [max(1, min(most, counts[k])) for k in kept]
    rows = np.repeat(np.array(table, dtype=float), times, axis=0)
    return rows, worst, wrong, bounds_of(solution)


def bounds_of(solution: Solution) -> Floats | None:
    """Return the lowest and the highest of all payoffs and outcomes, (2, columns), of a solution
    of which not all is listed and all is known; else None."""
    if not solution.unlisted or not _is_known(solution):
        return None
    first, bounds = solution.equilibria[0], solution.bounds()
    return np.array([bounds[name] for name in (*first.payoffs, *first.outcomes)]).T


def _is_known(solution: Solution) -> bool:
    """Return whether equilibria that are not listed have their payoffs among those listed, and
    outcomes within bounds that are known."""
    known = solution.extremes
    first = solution.equilibria[0]
    return all(name in known for name in (*first.payoffs, *first.outcomes)) and all(
        known[name].low_met and known[name].high_met for name in first.payoffs
    )


def held(solution: Solution, tolerance: float) -> tuple[list[int], float, int]:
    """Return (equilibria certified to a tolerance, largest regret, number rejected).

    Equilibria of outcomes that are not listed were not judged; they count as one that is rejected,
    unless it is known what all of them pay, from some that are listed.
    """
    regrets = [float(e.certificate.regret) for e in solution.equilibria]
    kept = [k for k, regret in enumerate(regrets) if regret <= tolerance]
    wrong = solution.rejected + len(regrets) - len(kept)
    if solution.unlisted and not (kept and _is_known(solution)):
        wrong += 1
    return kept, max(regrets, default=np.inf), wrong


def _start(text: str) -> None:
    """Read the game once in every process."""
    global _GAME
    from .spec.toml import loads

    _GAME = loads(text, checked=True)


def _several(
    request: Callable[..., _Answer], game: Game | None, draws: Sequence[Mapping[str, float]]
) -> list[_Answer]:
    return [request(_GAME if game is None else game, draw) for draw in draws]


def _one_by_one(
    game: Game,
    request: Callable[..., _Answer],
    names: Sequence[str],
    table: Floats,
    alone: NDArray[np.intp],
    workers: int,
) -> Iterator[tuple[NDArray[np.intp], list[_Answer]]]:
    """Yield the answers to draws that are solved alone, some at a time."""
    parts = [alone[k : k + _ONE_BY_ONE] for k in range(0, len(alone), _ONE_BY_ONE)]
    draws = [
        [dict(zip(names, line, strict=True)) for line in table[rows].tolist()] for rows in parts
    ]
    if workers > 1 and len(alone) >= _WORTH_A_PROCESS:
        from .spec.toml import dumps

        try:
            text = dumps(game)
        except RequestError:
            pass  # a game with a Python callable stays in this process
        else:
            with worker_processes(min(workers, len(parts)), _start, (text,)) as pool:
                yield from zip(
                    parts, pool.map(partial(_several, request, None), draws), strict=True
                )
            return
    for rows, each in zip(parts, draws, strict=True):
        yield rows, _several(request, game, each)


# ---------------------------------------------------------------------------------------------
# Result


class _Made:
    """Answers on their way."""

    def __init__(self, n: int, players: int, columns: int, tolerance: float) -> None:
        self.players, self.tolerance = players, tolerance
        self.low, self.high = np.full((n, columns), np.nan), np.full((n, columns), np.nan)
        self.count, self.rejected = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.regret = np.full(n, np.inf)
        self.exact = np.zeros(n, np.bool_)
        self.draw: list[Integers] = []
        self.payoffs: list[Floats] = []
        self.equilibria: list[Integers] = []

    def put(self, rows: NDArray[np.intp], part: _Part) -> None:
        """Put the answers of a block in their places; what was not solved is left."""
        solved = part.status == 0
        holds = solved & (part.regret <= self.tolerance)
        at = rows[holds]
        self.low[at], self.high[at] = part.low[holds], part.high[holds]
        self.count[at] = part.count[holds]
        wrong = solved & ~holds
        self.rejected[rows[wrong]] = part.count[wrong]
        self.regret[rows[solved]] = part.regret[solved]
        kept = holds[part.row_draw]
        self.draw.append(rows[part.row_draw[kept]])
        self.payoffs.append(part.payoffs[kept])
        self.equilibria.append(part.equilibria[kept])

    def put_alone(
        self, d: int, table: Floats, worst: float, wrong: int, bounds: Floats | None
    ) -> None:
        """Put the answer of one draw in its place."""
        self.exact[d] = True
        self.count[d], self.regret[d], self.rejected[d] = len(table), worst, wrong
        if not len(table):
            return
        ends = (table.min(axis=0), table.max(axis=0)) if bounds is None else bounds
        self.low[d], self.high[d] = ends
        payoffs, number = np.unique(table[:, : self.players], axis=0, return_counts=True)
        self.draw.append(np.full(len(payoffs), d))
        self.payoffs.append(payoffs)
        self.equilibria.append(number)

    def finish(self, players: tuple[str, ...], outcomes: tuple[str, ...]) -> Answers:
        n = len(self.count)
        draw = np.concatenate([np.zeros(0, np.int64), *self.draw])
        order = np.argsort(draw, kind="stable")
        payoffs = np.concatenate([np.empty((0, self.players)), *self.payoffs])[order]
        equilibria = np.concatenate([np.zeros(0, np.int64), *self.equilibria])[order]
        start = np.searchsorted(draw[order], np.arange(n + 1)).astype(np.int64)
        arrays = [
            self.low, self.high, self.count, self.regret, self.rejected, self.exact, start,
            payoffs, equilibria,
        ]  # fmt: skip
        for array in arrays:
            array.setflags(write=False)
        return Answers(players, outcomes, *arrays)
