"""Many small games of one shape at once: tables in, arrays of equilibria out.

Tables have the games on the last axis, so that the same cell of neighboring games lies side by
side: ``payoffs[i, a_0, ..., a_{N-1}, g]`` is player ``i``'s payoff in game ``g``.

References
----------
Nash (1951); von Stengel (2002), "Computing equilibria for two-person games", for supports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .registry import BATCH, concept

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = [
    "BimatrixAnswers",
    "Induction",
    "PureAnswers",
    "bimatrix_many",
    "induction",
    "pure_many",
]

_PART = 1024
"""Most blocks of 64 games that one task takes."""
_USUAL = 3
"""Equilibria a game for which room is made at once."""
_ROOM = 4096
"""Equilibria of degenerate games that are written before they are put aside."""
_LARGEST = 6
"""Most strategies of a player of :func:`bimatrix_many`."""


@dataclass(frozen=True)
class PureAnswers:
    """The pure equilibria of n games; arrays are read-only."""

    count: Integers
    """(n,)."""
    start: Integers
    """(n + 1,): the equilibria of game ``g`` are the rows ``start[g]:start[g + 1]``."""
    actions: Integers
    """(rows, players): actions, in lexicographic order in each game."""


@dataclass(frozen=True)
class BimatrixAnswers:
    """The extreme equilibria of n two-player games; arrays are read-only."""

    count: Integers
    """(n,)."""
    start: Integers
    """(n + 1,): the equilibria of game ``g`` are the rows ``start[g]:start[g + 1]``."""
    x: Floats
    """(rows, m): the row player's strategies."""
    y: Floats
    """(rows, n): the column player's."""
    regret: Floats
    """(rows,): largest gain of a player from deviating, over that player's payoff scale."""
    degenerate: NDArray[np.bool_]
    """(n,): a tie may matter; such games were solved by enumeration of vertices, and their
    equilibria may span continua."""
    exact: NDArray[np.bool_]
    """(n,): solved in rational arithmetic, because floats could not tell a tie."""


@concept(
    "pure_many",
    takes="normal: many games of one shape",
    finds=Finds.ALL,
    source="Nash (1951)",
    call="highfence.methods.batch.pure_many",
    use="pure equilibria of a million games",
    kind=BATCH,
)
def pure_many(payoffs: ArrayLike, *, workers: int = 1) -> PureAnswers:
    """Return all pure equilibria of many games.

    Parameters
    ----------
    payoffs
        (players, a_0, ..., a_{N-1}, n), finite: the games on the last axis.
    workers
        Threads.

    Raises
    ------
    RequestError
        The shape is not that of games, or a payoff is not finite.

    Notes
    -----
    Payoffs are compared as they are: equal floats tie, others do not. Every payoff is read
    once; the cost is that of reading.

    Examples
    --------
    A stag hunt, and matching pennies:

    >>> hunt = [[[4, 1], [3, 2]], [[4, 3], [1, 2]]]
    >>> pennies = [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]
    >>> found = pure_many(np.stack([hunt, pennies], axis=-1))
    >>> found.count.tolist(), found.actions.tolist()
    ([2, 0], [[0, 0], [1, 1]])
    """
    from ..kernels.batch_pure import list_marked, mark_pure

    table = _shaped(payoffs, None)
    players, *sizes, games = table.shape
    cells = int(np.prod(sizes))
    flat = table.reshape(players, cells, games)
    blocks = -(-games // 64)
    marks = np.empty((blocks, cells), np.uint64)
    count = np.empty(games, np.int64)
    shape = np.array(sizes, dtype=np.int64)
    if not all(in_parts(blocks, workers, lambda a, b: mark_pure(flat, shape, a, b, marks, count))):
        raise _not_finite()
    start = _starts(count)
    actions = np.empty((start[-1], players), np.int64)
    cell = np.ascontiguousarray(np.indices(sizes).reshape(players, cells).T, dtype=np.int64)
    list_marked(marks, start[:-1].copy(), cell, actions)
    return PureAnswers(*map(frozen, (count, start, actions)))


@concept(
    "bimatrix_many",
    takes="normal: many two-player games up to 6x6",
    finds=Finds.ALL,
    source="von Stengel (2007), sec. 3.2; Avis et al. (2010)",
    call="highfence.methods.batch.bimatrix_many",
    use="every equilibrium of a million two-player games",
    kind=BATCH,
)
def bimatrix_many(row: ArrayLike, column: ArrayLike, *, workers: int = 1) -> BimatrixAnswers:
    """Return all extreme equilibria of many two-player games of up to 6 strategies each.

    Parameters
    ----------
    row, column
        (m, n, games): payoffs of the row player and of the column player, finite.
    workers
        Threads.

    Returns
    -------
    BimatrixAnswers
        Within a nondegenerate game, equilibria with small supports come first.

    Raises
    ------
    RequestError
        The shapes are not those of such games, or a payoff is not finite.

    Notes
    -----
    Signs of bordered minors decide; a game in which a minor is as small as its rounding, and
    would matter, is solved by enumeration of vertices with a tolerance for ties of
    ``tolerances.ROUNDING``, or, where a difference is neither a tie nor clearly none, in
    rational arithmetic. Payoffs that differ by less than ``ROUNDING`` count as equal there, unless
    somebody would then gain by more than ``tolerances.REGRET_FLOAT``.

    Examples
    --------
    >>> battle = np.array([[3.0, 0.0], [0.0, 2.0]]), np.array([[2.0, 0.0], [0.0, 3.0]])
    >>> found = bimatrix_many(battle[0][..., None], battle[1][..., None])
    >>> found.x.round(3).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.6, 0.4]]
    """
    from ..kernels.batch_minors import solve_blocks

    one, two = _shaped(row, 3), _shaped(column, 3)
    if one.shape != two.shape or max(one.shape[:2]) > _LARGEST:
        raise RequestError(
            f"shapes {one.shape} and {two.shape}: both must be (m, n, games), and m and n at "
            f"most {_LARGEST}"
        )
    m, n, games = one.shape
    first, second = one.reshape(m * n, games), two.reshape(m * n, games)
    tables = _tables(m, n)
    most = _most_equilibria(min(m, n))
    count, marked = np.zeros(games, np.int64), np.zeros(games, np.uint8)

    def solved(start: int, stop: int) -> list[tuple[Floats, Floats, Floats]]:
        made = []
        while start < stop:
            room = 64 * (_USUAL * (stop - start) + most)
            x, y, regret = np.empty((room, m)), np.empty((room, n)), np.empty(room)
            arguments: list[Any] = [
                first, second, m, n, start, stop, *tables, most, count, marked, x, y, regret
            ]  # fmt: skip
            start, number = solve_blocks(*arguments)
            if start < 0:
                raise _not_finite()
            for array, width in ((x, m), (y, n), (regret, 0)):
                array.resize((number, width) if width else number, refcheck=False)
            made.append((x, y, regret))
        return made

    parts = [part for made in in_parts(-(-games // 64), workers, solved) for part in made]
    x, y, regret = (_joined(arrays) for arrays in zip(*parts, strict=True))
    exact = np.zeros(games, np.bool_)
    if marked.any():
        chosen = np.flatnonzero(marked)
        rest = _degenerate(
            first,
            np.ascontiguousarray(two.transpose(1, 0, 2)).reshape(n * m, games),
            m,
            n,
            chosen,
            exact,
        )
        game = np.concatenate([np.repeat(np.arange(games), count), rest[0]])
        order = np.argsort(game, kind="stable")
        x, y, regret = (
            np.concatenate(both)[order] for both in zip((x, y, regret), rest[1:], strict=True)
        )
        count = np.bincount(game, minlength=games).astype(np.int64)
    return BimatrixAnswers(*map(frozen, (count, _starts(count), x, y, regret, marked != 0, exact)))


@dataclass(frozen=True)
class Induction:
    """A tree of perfect information, solved backwards; arrays are read-only."""

    values: Floats
    """(nodes, players): payoffs of the subgame at each node, first best actions being taken."""
    choice: NDArray[np.int32]
    """(nodes,): position of the first best child; -1 at chance moves and terminals."""
    plans: Floats
    """(nodes,): number of pure subgame-perfect equilibria of the subgame at each node. -1 where
    players are indifferent between actions that are not the same to others: what is best before
    may then depend on the choice, and :func:`highfence.solve.solve` is to be asked."""


@concept(
    "induction",
    takes="a tree of perfect information as arrays",
    finds=Finds.ONE,
    source="Kuhn (1953)",
    call="highfence.methods.batch.induction",
    use="backward induction on millions of nodes",
    kind=BATCH,
)
def induction(
    first_child: ArrayLike,
    child_count: ArrayLike,
    owner: ArrayLike,
    payoffs: ArrayLike,
    chance: ArrayLike | None = None,
) -> Induction:
    """Solve a tree of perfect information that is given as arrays, by backward induction.

    Parameters
    ----------
    first_child, child_count
        (nodes,): the children of a node stand side by side, after it; the root is node 0.
    owner
        (nodes,): the player who moves, or -1 for chance. Not read at terminals.
    payoffs
        (nodes, players): read at terminals.
    chance
        (nodes,): the probability with which chance leads to a node; read where chance moves
        before it.

    Raises
    ------
    RequestError
        The arrays are no tree: lengths differ, children come before their parents or are not
        there, an owner is unknown, a terminal's payoff is not finite, or probabilities are
        negative or do not sum to one.

    Notes
    -----
    Payoffs tie up to ``tolerances.ROUNDING`` of the player's largest. Linear in the nodes: some
    20 ns each.

    Examples
    --------
    Entry, which is answered by fighting (-1, -1) or sharing (1, 1), or staying out (0, 2):

    >>> found = induction(
    ...     first_child=[1, 3, 0, 0, 0], child_count=[2, 2, 0, 0, 0], owner=[0, 1, -1, -1, -1],
    ...     payoffs=[[0, 0], [0, 0], [0, 2], [-1, -1], [1, 1]])
    >>> found.values[0].tolist(), found.choice.tolist(), float(found.plans[0])
    ([1.0, 1.0], [0, 1, -1, -1, -1], 1.0)
    """
    from ..kernels.batch_pure import induct

    first = np.ascontiguousarray(first_child, dtype=np.int64)
    count = np.ascontiguousarray(child_count, dtype=np.int64)
    mover = np.ascontiguousarray(owner, dtype=np.int32)
    values = np.array(payoffs, dtype=np.float64, order="C")
    nodes = len(first)
    odds = np.zeros(nodes) if chance is None else np.ascontiguousarray(chance, dtype=np.float64)
    shapes = {first.shape, count.shape, mover.shape, odds.shape}
    if shapes != {(nodes,)} or values.ndim != 2 or len(values) != nodes or values.size == 0:
        raise RequestError("the arrays of a tree are of one length, and payoffs (nodes, players)")
    inner = count > 0
    here = np.flatnonzero(inner)
    # Numbered in the order of their parents, every node but the root is the child of one.
    order = here[np.argsort(first[here], kind="stable")] if len(here) else here
    ends = first[order] + count[order]
    starts = np.concatenate([[1], ends])
    if (count < 0).any() or (first[order] != starts[:-1]).any() or starts[-1] != nodes:
        raise RequestError("some node is the child of no node, or of several")
    if (first[here] <= here).any():
        raise RequestError("a child stands before its parent")
    players = values.shape[1]
    if (mover[here] < -1).any() or (mover[here] >= players).any():
        raise RequestError(f"an owner is neither -1 (chance) nor one of {players} players")
    ends_payoffs = values[~inner]
    if not np.isfinite(ends_payoffs).all():
        raise RequestError("a payoff at a terminal is not a finite number")
    before = np.repeat(order, count[order])  # the parent of each node but the root
    drawn = np.flatnonzero(mover[before] < 0) + 1
    sums = np.bincount(before[drawn - 1], weights=odds[drawn], minlength=nodes)
    lotteries = here[mover[here] < 0]
    if (odds[drawn] < 0).any() or (np.abs(sums[lotteries] - 1) > tolerances.PROBABILITY).any():
        raise RequestError("probabilities of chance are negative, or do not sum to one")
    tie = tolerances.ROUNDING * np.abs(ends_payoffs).max(axis=0)
    choice, plans = np.empty(nodes, np.int32), np.empty(nodes)
    induct(first, count, mover, odds, values, tie, choice, plans)
    return Induction(*map(frozen, (values, choice, plans)))


def frozen(array: Any) -> Any:
    """Make an array read-only and return it."""
    array.setflags(write=False)
    return array


def payoff_table(payoffs: ArrayLike, axes: int | None) -> Floats:
    """Return payoffs as floats, refused if they are no games.

    ``axes`` is 3 for (m, n, games); None for (players, actions of each, games).
    """
    table = _shaped(payoffs, axes)
    if not np.isfinite(table).all():
        raise _not_finite()
    return table


def _not_finite() -> RequestError:
    return RequestError("a payoff is not a finite number")


def _shaped(payoffs: ArrayLike, axes: int | None) -> Floats:
    """Return payoffs as floats, refused if their shape is not that of games."""
    table = np.ascontiguousarray(payoffs, dtype=np.float64)
    if axes is None:
        fits = table.ndim >= 3 and table.ndim == table.shape[0] + 2
        wanted = "(players, actions of each, games)"
    else:
        fits, wanted = table.ndim == axes, "(m, n, games)"
    if not fits or 0 in table.shape:
        raise RequestError(f"payoffs have shape {table.shape}; {wanted} is needed")
    return table if table.flags.writeable else table.copy()


def _starts(count: Integers) -> Integers:
    """Return where each game's rows start, and where the last one's end."""
    start = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=start[1:])
    return start


def _joined(arrays: Sequence[Floats]) -> Floats:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def in_parts(
    blocks: int, workers: int, run: Callable[[int, int], Any], part: int = _PART
) -> list[Any]:
    """Run over parts of the blocks, on several threads, and return the results in order."""
    part = min(part, -(-blocks // (4 * workers))) if workers > 1 else part
    edges = [(k, min(k + part, blocks)) for k in range(0, blocks, part)]
    if workers <= 1 or len(edges) == 1:
        return [run(*edge) for edge in edges]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda edge: run(*edge), edges))


# ---------------------------------------------------------------------------------------------
# Supports


def _most_equilibria(side: int) -> int:
    """Return a bound on the equilibria of a nondegenerate game with this shorter side."""
    return (0, 1, 3, 7, 15, 31, 127)[side]


def _subsets(size: int, count: int) -> list[tuple[int, ...]]:
    return list(combinations(range(size), count))


def _side(
    m: int, n: int, pairs: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], cell: Integers
) -> tuple[Any, ...]:
    """Return how the minors of an (m, n) matrix follow from each other, and what they must be.

    See :func:`highfence.kernels.batch_minors.solve_blocks`; ``cell`` (m, n) says where a payoff
    is among the rows of the table.
    """
    number: dict[tuple[Any, Any], int] = {}
    start = [0]
    entry: list[int] = []
    smaller: list[int] = []
    for size in range(min(m - 1, n) + 1):
        for rows in _subsets(m, size + 1):
            for columns in _subsets(n, size):
                if size == 0:
                    number[rows, columns] = 0  # the determinant of (1)
                    continue
                number[rows, columns] = len(start)
                start.append(len(entry))
                for p, i in enumerate(rows):
                    rest = rows[:p] + rows[p + 1 :]
                    entry.append(i * n + columns[-1])
                    smaller.append(number[rest, columns[:-1]])
    terms = []
    for rows, columns in pairs:
        here = [
            2 * number[rows, columns[:q] + columns[q + 1 :]] + q % 2 for q in range(len(columns))
        ]
        for i in range(m):
            if i not in rows:
                larger = tuple(sorted((*rows, i)))
                here.append(2 * number[larger, columns] + (larger.index(i) + 1) % 2)
        terms.append(here)
    # A minor of k terms of payoffs in [0, 1] is a sum of k! products of fewer than k of them.
    bounds = [1e-15 * k * factorial(k) for k in range(_LARGEST + 1)]
    return (
        np.array([*start, len(entry)], dtype=np.int64),
        np.array(entry, dtype=np.int64),
        np.array(smaller, dtype=np.int64),
        cell.ravel(),
        np.array(bounds),
        np.array(terms, dtype=np.int64),
    )


@lru_cache(maxsize=64)
def _tables(m: int, n: int) -> tuple[Any, ...]:
    """Return what :func:`highfence.kernels.batch_minors.solve_blocks` needs for a shape."""
    pairs = [
        (rows, columns)
        for size in range(1, min(m, n) + 1)
        for rows in _subsets(m, size)
        for columns in _subsets(n, size)
    ]
    cell = np.arange(m * n, dtype=np.int64).reshape(m, n)
    side_1 = _side(m, n, pairs, cell)
    side_2 = _side(n, m, [(columns, rows) for rows, columns in pairs], cell.T)
    lists = [
        np.array([[*pair[side], *[0] * (min(m, n) - len(pair[0]))] for pair in pairs])
        for side in (0, 1)
    ]
    support = np.array([len(rows) for rows, _ in pairs], dtype=np.int64)
    return side_1, side_2, support, *(rows.astype(np.int64) for rows in lists)


def _degenerate(
    first: Floats, second: Floats, m: int, n: int, chosen: NDArray[np.intp], exact: NDArray[Any]
) -> tuple[Any, ...]:
    """Return the extreme equilibria of games in which ties may matter."""
    from ..kernels.batch_bimatrix import extreme_games

    chosen = chosen.astype(np.int64)
    counts = np.zeros(len(chosen), np.int64)
    parts: list[tuple[Any, ...]] = []
    at = 0
    while at < len(chosen):
        x, y, regret = np.empty((_ROOM, m)), np.empty((_ROOM, n)), np.empty(_ROOM)
        arguments: list[Any] = [
            first, second, m, n, chosen, at, tolerances.ROUNDING, 2 * tolerances.REGRET_FLOAT,
            counts, x, y, regret,
        ]  # fmt: skip
        stop = extreme_games(*arguments)
        made = np.maximum(counts[at:stop], 0)
        place = np.repeat(np.arange(at, stop), made)
        # Payoffs that differ by no more than rounding may still be all that a player's differ by.
        counts[place[regret[: len(place)] > tolerances.REGRET_FLOAT]] = -1
        kept = np.flatnonzero(counts[place] >= 0)
        parts.append((chosen[place[kept]], *(part[kept] for part in (x, y, regret))))
        at = stop
    for g in chosen[counts < 0].tolist():
        exact[g] = True
        parts.append(_exactly(first[:, g].reshape(m, n), second[:, g].reshape(n, m), g))
    game, x, y, regret = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return game, x, y, regret


def _exactly(row: Floats, column: Floats, g: int) -> tuple[Any, ...]:
    """Return the extreme equilibria of one game in rational arithmetic, as floats."""
    from .extreme import extreme_enumeration

    form = NormalForm.from_payoffs(np.stack([row, column.T]))
    profiles = [profile.floats() for profile in extreme_enumeration(form)]
    x = np.array([profile[0] for profile in profiles])
    y = np.array([profile[1] for profile in profiles])
    gains = []
    for own, values in ((x, y @ row.T), (y, x @ column.T)):
        table = row if own is x else column
        gains.append(
            (values.max(axis=1) - (values * own).sum(axis=1)) / (float(np.ptp(table)) or 1.0)
        )
    return np.full(len(x), g), x, y, np.maximum(*gains)
