"""All extreme equilibria of a bimatrix game, in rational arithmetic, and what they span.

Definitions
-----------
With payoff matrices ``A`` and ``B`` (shape ``(m, n)``), made positive by an affine map
that changes no best response, the *best-response polytopes* are::

    P = {x in R^m : x >= 0, B^T x <= 1}        Q = {y in R^n : y >= 0, A y <= 1}

A nonzero vertex of P, divided by the sum of its coordinates, is a strategy of the row
player, likewise for Q. A point of P has the *label* ``i`` where ``x_i = 0`` and the label
``m + j`` where column ``j`` is a best response to it (its inequality is tight); a point
of Q has the label ``m + j`` where ``y_j = 0`` and ``i`` where row ``i`` is a best response.
A profile is an equilibrium if and only if the two points together have all ``m + n``
labels. An equilibrium is *extreme* if both points are vertices. Every equilibrium is a
convex combination of extreme ones: the set of equilibria is the union of the *maximal
Nash subsets* ``conv(U) x conv(V)``, one for every maximal biclique ``(U, V)`` of the
bipartite graph whose nodes are vertices and whose edges are extreme equilibria; its
connected components are those of the graph.

Indices: bit ``k`` of a label mask is label ``k``, rows first.

References
----------
Mangasarian (1964), "Equilibrium points of bimatrix games": equilibria as vertex pairs.
Winkels (1979), Jansen (1981): maximal Nash subsets. Motzkin, Raiffa, Thompson and Thrall
(1953): the double description method. Avis, Rosenberg, Savani and von Stengel (2010),
"Enumeration of Nash equilibria for two-player games", Economic Theory 42: the whole.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice, product
from math import gcd, lcm
from operator import mul

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitForeseen, Problem
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from ._growth import about, expected
from .registry import method

__all__ = ["components", "extreme_enumeration", "integer_payoffs", "maximal_nash_subsets"]

Vertex = tuple[tuple[int, ...], int]
"""Homogeneous integer coordinates ``(x_0, x_1, ..., x_m)``, and the mask of tight inequalities."""

_FORESEEN = 2.0
"""How many times the limit must be expected: random games were expected to have twice the vertices
that they had."""
_FEW_PAIRS = 600
"""Below this many pairs of rays, testing each pair is faster than hashing their faces."""


class _TooLarge(Exception):
    """A named limit would be passed; the message says which."""


class _Foreseen(_TooLarge):
    """By an estimate."""


@method(
    "extreme_enumeration",
    form=NormalForm,
    accepts=lambda game: game.num_players == 2,
    finds=Finds.ALL,
    exact=True,
    source="Avis, Rosenberg, Savani & von Stengel (2010)",
    domain="two players",
    rank=10,
    use="every equilibrium of two players, with the continua they span",
)
def extreme_enumeration(
    game: NormalForm, *, foresee: bool = False
) -> Generator[Profile, None, Findings]:
    """Yield all extreme equilibria of a two-player game, exactly.

    The vertices of both best-response polytopes are enumerated in integers (double
    description), and the pairs that together have all labels are the extreme equilibria.
    Ties and continua are no special case. Float payoffs are taken as the rational numbers
    that they are.

    Parameters
    ----------
    game
        A game of two players.
    foresee
        Stop as soon as a polytope, by how it grows, is expected to have more than twice
        ``limits.MAX_BASES`` vertices.

    Yields
    ------
    Profile
        Exact, each once, in no promised order. All other equilibria are convex
        combinations of these, see :func:`maximal_nash_subsets`.

    Returns
    -------
    Findings
        ``complete`` unless a polytope passes ``limits.MAX_BASES`` or ``limits.MAX_PAIRS`` on
        the way; then nothing is yielded.

    Raises
    ------
    LimitForeseen
        With ``foresee``, the limit would be passed.

    Notes
    -----
    The number of vertices grows like ``2.6^n`` for random ``n x n`` games (degenerate ones
    have fewer), and time with it: about 0.05 s at 10 x 10, 0.3 s at 12 x 12,
    2 s at 15 x 15.

    Examples
    --------
    >>> battle = NormalForm.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    >>> found = sorted(profile.strategies for profile in extreme_enumeration(battle))
    >>> for row, column in found:
    ...     print(*row, "|", *column)
    0 1 | 0 1
    3/5 2/5 | 2/5 3/5
    1 0 | 1 0
    """
    row, column = integer_payoffs(game)
    rows, columns = _undominated(row, column)
    row = [[row[i][j] for j in columns] for i in rows]
    column = [[column[j][i] for i in rows] for j in columns]
    m, n = len(rows), len(columns)
    try:
        row_vertices = _vertices(column, foresee)
        column_vertices = [
            (point, mask >> n | (mask & (1 << n) - 1) << m)
            for point, mask in _vertices(row, foresee)
        ]
    except _Foreseen as limit:
        raise LimitForeseen(
            Problem(
                game.title or "game",
                f"a best-response polytope of this {m} x {n} game {limit}",
                "Ask for extreme_enumeration to have it tried.",
            )
        ) from None
    except _TooLarge as limit:
        return Findings(
            complete=False,
            notes=(f"this {m} x {n} game was not enumerated: a best-response polytope {limit}",),
        )
    everything = (1 << m + n) - 1
    size = game.num_strategies
    row_strategies: dict[int, tuple[Fraction, ...]] = {}
    column_strategies: dict[int, tuple[Fraction, ...]] = {}
    for k, other in _complementary(
        [mask for _, mask in row_vertices], [mask for _, mask in column_vertices], everything
    ):
        if not any(row_vertices[k][0][1:]) or not any(column_vertices[other][0][1:]):
            continue  # the origins have no mixed strategy
        if k not in row_strategies:
            row_strategies[k] = _strategy(row_vertices[k][0], rows, size[0])
        if other not in column_strategies:
            column_strategies[other] = _strategy(column_vertices[other][0], columns, size[1])
        yield Profile((row_strategies[k], column_strategies[other]))
    return Findings(complete=True)


def maximal_nash_subsets(profiles: Sequence[Profile]) -> tuple[tuple[int, ...], ...] | None:
    """Return the maximal Nash subsets that the extreme equilibria of a game span.

    Parameters
    ----------
    profiles
        All extreme equilibria of a two-player game.

    Returns
    -------
    tuple of tuples of int, or None
        Each subset as the increasing indices of its extreme equilibria, in lexicographic
        order. A subset with ``U`` row strategies and ``V`` column strategies lists their
        ``|U| |V|`` combinations, and its equilibria are ``conv(U) x conv(V)``. None if there
        are more than ``limits.MAX_SUBSETS``.

    Notes
    -----
    Maximal bicliques, as the family of neighborhoods closed under intersection; their
    number can be exponential in that of the extreme equilibria.

    Examples
    --------
    Two rows that are alike, against one column: one continuum.

    >>> game = NormalForm.bimatrix([[1], [1]], [[0], [0]])
    >>> maximal_nash_subsets(list(extreme_enumeration(game)))
    ((0, 1),)
    """
    edges, neighbors = _graph(profiles)
    closed: set[int] = set()
    for mask in neighbors:
        closed |= {mask & other for other in closed} | {mask}
        if len(closed) > limits.MAX_SUBSETS:
            return None
    closed.discard(0)
    subsets = []
    for mask in closed:
        row_nodes = {k for k, adjacent in enumerate(neighbors) if adjacent & mask == mask}
        subsets.append(
            tuple(
                index
                for index, (k, other) in enumerate(edges)
                if k in row_nodes and mask >> other & 1
            )
        )
    return tuple(sorted(subsets))


def components(profiles: Sequence[Profile]) -> tuple[tuple[int, ...], ...]:
    """Return the connected components of the equilibrium set, as indices of extreme equilibria.

    Parameters
    ----------
    profiles
        All extreme equilibria of a two-player game.

    Examples
    --------
    >>> coordination = NormalForm.bimatrix([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    >>> components(list(extreme_enumeration(coordination)))
    ((0,), (1,), (2,))
    """
    edges, neighbors = _graph(profiles)
    groups: list[tuple[int, list[int]]] = []  # mask of column nodes, edges
    for k, mask in enumerate(neighbors):
        merged_mask = mask
        merged = [index for index, (row_node, _) in enumerate(edges) if row_node == k]
        apart = []
        for group_mask, members in groups:
            if group_mask & merged_mask:
                merged_mask |= group_mask
                merged += members
            else:
                apart.append((group_mask, members))
        groups = [*apart, (merged_mask, merged)]
    return tuple(sorted(tuple(sorted(members)) for _, members in groups))


def _graph(profiles: Sequence[Profile]) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the edges (row node, column node) and, per row node, its neighbors as a mask."""
    nodes: tuple[dict[Hashable, int], dict[Hashable, int]] = ({}, {})
    edges = []
    neighbors: list[int] = []
    for profile in profiles:
        k, other = (
            known.setdefault(strategy, len(known))
            for known, strategy in zip(nodes, profile.strategies, strict=True)
        )
        if k == len(neighbors):
            neighbors.append(0)
        neighbors[k] |= 1 << other
        edges.append((k, other))
    return edges, neighbors


def _strategy(point: tuple[int, ...], positions: Sequence[int], size: int) -> tuple[Fraction, ...]:
    total = sum(point[1:])
    strategy = [Fraction(0)] * size
    for position, weight in zip(positions, point[1:], strict=True):
        strategy[position] = Fraction(weight, total)
    return tuple(strategy)


def integer_payoffs(game: NormalForm) -> tuple[list[list[int]], list[list[int]]]:
    """Return positive integer payoffs of a two-player game with the same best responses.

    Adding a number to all of a player's payoffs against one strategy of the other, and
    multiplying all of them by a positive number, changes no best response.

    Returns
    -------
    row, column
        The row player's payoffs, rows first; the column player's, columns first.

    Raises
    ------
    LimitExceeded
        See :meth:`NormalForm.rational`.
    """
    payoffs = game.rational()
    return _positive_integers(payoffs[0]), _positive_integers(payoffs[1].T)


def _positive_integers(payoffs: NDArray[np.object_]) -> list[list[int]]:
    entries: list[list[Fraction]] = payoffs.tolist()
    denominator = lcm(*(entry.denominator for row in entries for entry in row))
    matrix = [
        [entry.numerator * (denominator // entry.denominator) for entry in row] for row in entries
    ]
    lowest = [min(column) for column in zip(*matrix, strict=True)]
    shifted = [[entry - low for entry, low in zip(row, lowest, strict=True)] for row in matrix]
    # Small entries make small determinants.
    common = gcd(*(entry for row in shifted for entry in row)) or 1
    return [[entry // common + 1 for entry in row] for row in shifted]


def _undominated(row: list[list[int]], column: list[list[int]]) -> tuple[list[int], list[int]]:
    """Return the rows and columns that survive iterated strict dominance by pure strategies.

    A strictly dominated strategy is in no equilibrium's support, so removing it changes no
    equilibrium; it only saves time.
    """
    tables = (_ranks(row), _ranks(column))  # comparisons alone matter
    alive = [np.arange(len(row)), np.arange(len(column))]
    changed = True
    while changed:
        changed = False
        for player, table in enumerate(tables):
            own, other = alive[player], alive[1 - player]
            if len(own) == 1:
                continue
            seen = table[np.ix_(own, other)]
            best = seen.max(axis=0)
            # Only a row that is nowhere best can be strictly dominated.
            suspects = np.flatnonzero((seen < best).all(axis=1))
            dominated = [k for k in suspects if (seen > seen[k]).all(axis=1).any()]
            if dominated:
                alive[player] = np.delete(own, dominated)
                changed = True
    return alive[0].tolist(), alive[1].tolist()


def _ranks(matrix: list[list[int]]) -> NDArray[np.int64]:
    order = {value: k for k, value in enumerate(sorted({v for row in matrix for v in row}))}
    return np.array([[order[value] for value in row] for row in matrix], dtype=np.int64)


def _vertices(matrix: list[list[int]], foresee: bool = False) -> list[Vertex]:
    """Return all vertices of ``{x >= 0 : matrix x <= 1}``, the origin included.

    The inequalities are added one by one to a cone of homogeneous coordinates; those of
    its rays that a new inequality cuts off give way to the points where it meets the edges
    between rays that stay and rays that go.

    Parameters
    ----------
    matrix
        Shape ``(n, m)``, all entries positive.
    foresee
        Give up where the number of vertices, by how it grows, would pass ``limits.MAX_BASES``.

    Returns
    -------
    list of (point, mask)
        Bit ``i < m`` of the mask: ``x_i = 0``; bit ``m + j``: inequality ``j`` is tight.

    Raises
    ------
    _TooLarge
        ``limits.MAX_BASES`` or ``limits.MAX_PAIRS`` would be passed, or is foreseen to be.
    """
    size = len(matrix[0])
    all_zero = (1 << size) - 1
    # What cuts off most comes first: the later inequalities then meet fewer vertices.
    (first, row), *others = sorted(enumerate(matrix), key=lambda numbered: -sum(numbered[1]))
    # Of one inequality and x >= 0 the rays are known: the origin, and one per axis.
    rays: list[Vertex] = [((1, *([0] * size)), all_zero)]
    for i, entry in enumerate(row):
        point = [0] * (size + 1)
        point[0], point[i + 1] = entry, 1
        rays.append((tuple(point), all_zero ^ 1 << i | 1 << size + first))
    counts = [len(rays)]
    for left, (j, row) in zip(reversed(range(len(others))), others, strict=True):
        rays = _cut(rays, row, 1 << size + j, size)
        counts.append(len(rays))
        if len(rays) > limits.MAX_BASES:
            raise _TooLarge(
                f"has more than {limits.MAX_BASES} vertices (highfence.limits.MAX_BASES)"
            )
        likely = expected(counts, left, limits.MAX_BASES) if foresee else 0
        if likely > _FORESEEN * limits.MAX_BASES:
            raise _Foreseen(
                f"is expected to have {about(likely)} vertices, as it has "
                f"{len(rays)} of them {left} inequalities before the last "
                f"(highfence.limits.MAX_BASES is {limits.MAX_BASES})"
            )
    return rays


def _cut(rays: list[Vertex], row: list[int], bit: int, size: int) -> list[Vertex]:
    """Return the rays of the cone after adding ``row x <= x_0``, whose label is ``bit``."""
    stay: list[tuple[tuple[int, ...], int, int]] = []
    go: list[tuple[tuple[int, ...], int, int]] = []
    kept: list[Vertex] = []
    for point, mask in rays:
        slack = point[0] - sum(map(mul, row, point[1:]))
        if slack > 0:
            stay.append((point, mask, slack))
            kept.append((point, mask))
        elif slack < 0:
            go.append((point, mask, -slack))
        else:
            kept.append((point, mask | bit))
    if not go:
        return kept
    masks = [mask for _, mask in rays]
    for a, b in _edges([mask for _, mask, _ in stay], [mask for _, mask, _ in go], masks, size):
        (inner, inner_mask, slack), (outer, outer_mask, excess) = stay[a], go[b]
        point = tuple(excess * p + slack * q for p, q in zip(inner, outer, strict=True))
        divisor = gcd(*point)
        if divisor > 1:
            point = tuple(p // divisor for p in point)
        kept.append((point, inner_mask & outer_mask | bit))
    return kept


def _edges(
    stay: list[int], go: list[int], masks: list[int], size: int
) -> Iterator[tuple[int, int]]:
    """Yield index pairs (one that stays, one that goes) of vertices joined by an edge.

    Two vertices are adjacent if and only if no third one has all labels that they share. A
    vertex with exactly ``size`` labels is simple: its labels are independent, and sharing
    all but one of them is enough.
    """
    tangled = [mask for mask in masks if mask.bit_count() > size]
    numbered_stay, numbered_go = list(enumerate(stay)), list(enumerate(go))
    if len(stay) * len(go) <= _FEW_PAIRS:
        pairs: Iterable[tuple[tuple[int, int], tuple[int, int]]]
        pairs = product(numbered_stay, numbered_go)
    else:
        simple_stay, tangled_stay = _by_simplicity(numbered_stay, size)
        simple_go, tangled_go = _by_simplicity(numbered_go, size)
        # Two simple vertices share all but one label if and only if they share such a face.
        ends = {face: b for b, mask in simple_go for face in _faces(mask)}
        for a, mask in simple_stay:
            for face in _faces(mask):
                if face in ends:
                    yield a, ends[face]
        count = len(tangled_stay) * len(go) + len(simple_stay) * len(tangled_go)
        if count > limits.MAX_PAIRS:
            raise _TooLarge(
                f"is too degenerate: {count} pairs of vertices would be compared "
                f"(highfence.limits.MAX_PAIRS is {limits.MAX_PAIRS})"
            )
        pairs = chain(product(tangled_stay, numbered_go), product(simple_stay, tangled_go))
    for (a, mask), (b, other) in pairs:
        shared = mask & other
        if shared.bit_count() < size - 1:
            continue
        if mask.bit_count() > size < other.bit_count():
            witnesses = (third for third in tangled if third & shared == shared)
            if sum(1 for _ in islice(witnesses, 3)) > 2:  # the two, and a third
                continue
        yield a, b


def _by_simplicity(
    numbered: list[tuple[int, int]], size: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    simple = [item for item in numbered if item[1].bit_count() == size]
    return simple, [item for item in numbered if item[1].bit_count() > size]


def _faces(mask: int) -> Iterator[int]:
    """Yield the mask without each of its bits in turn."""
    rest = mask
    while rest:
        lowest = rest & -rest
        yield mask ^ lowest
        rest ^= lowest


def _complementary(
    first: list[int], second: list[int], everything: int
) -> Iterator[tuple[int, int]]:
    """Yield all index pairs of masks that together have all bits of ``everything``."""
    exactly = {mask: k for k, mask in enumerate(second)}  # labels determine a vertex
    fewest = min(mask.bit_count() for mask in second)
    tangled = [k for k, mask in enumerate(second) if mask.bit_count() > fewest]
    among_all = _Supersets(second, everything.bit_length())
    among_tangled = _Supersets([second[k] for k in tangled], everything.bit_length())
    for a, mask in enumerate(first):
        missing = everything & ~mask
        if missing.bit_count() < fewest:
            for b in among_all.of(missing):
                yield a, b
            continue
        if missing in exactly and missing.bit_count() == fewest:
            yield a, exactly[missing]
        for b in among_tangled.of(missing):
            yield a, tangled[b]


class _Supersets:
    """Bit masks, searched for those that contain a given one."""

    def __init__(self, masks: list[int], bits: int) -> None:
        self.masks = masks
        self.words = -(-bits // 64)
        self.table = np.array([self._split(mask) for mask in masks], dtype=np.uint64)

    def _split(self, mask: int) -> list[int]:
        return [mask >> 64 * k & 0xFFFF_FFFF_FFFF_FFFF for k in range(self.words)]

    def of(self, wanted: int) -> list[int]:
        """Return the indices of the masks that have all bits of ``wanted``."""
        if len(self.masks) < 100:  # numpy's overhead is that of so many Python steps
            return [k for k, mask in enumerate(self.masks) if mask & wanted == wanted]
        bits = np.array(self._split(wanted), dtype=np.uint64)
        found: list[int] = np.flatnonzero(((self.table & bits) == bits).all(axis=1)).tolist()
        return found
