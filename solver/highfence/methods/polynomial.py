"""All isolated equilibria of small games of any number of players, by their supports.

On given supports an equilibrium makes every player indifferent among the strategies they play:
equations that are linear in each other player's probabilities. A generic system of that kind has
as many complex roots as there are ways to give each equation to one of the players whose
probabilities it contains, so that every player gets as many as they have free probabilities
(McKelvey and McLennan 1997). Start equations that are products of linear forms, one factor per
such player, have exactly these roots, each from small linear systems; all are followed to the
equations of the game. Where as many different roots arrive as set out, none is missing. Supports
on which two mix, or three of whom one mixes two strategies, need no such paths: their equations
come down to linear ones, and to one polynomial in one unknown whose roots are separated.

The number of equilibria of a generic game is odd, and their indices sum to one (Wilson 1971,
Gul, Pearce and Stacchetti 1993): what came out is held against both.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .logit import logit
from .pure import pure_enumeration
from .registry import method

__all__ = ["path_count", "polynomial_supports", "root_count"]

_BUDGET = 500
"""Paths between two looks at whether somebody wants to stop."""
_SEED = 20_071_113
"""Of the start systems: any will do, and the same one gives the same answer."""


@method(
    "polynomial_supports",
    form=NormalForm,
    accepts=lambda game: _is_small(game),
    finds=Finds.ALL,
    source="McKelvey & McLennan (1997); Datta (2010)",
    domain="small games of any number of players (3x3x3, 4x4x4, 2x2x2x2x2): isolated equilibria",
    rank=25,
    use="every isolated equilibrium, mixed too, of three or more players",
)
def polynomial_supports(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield all isolated equilibria, found as the roots of polynomials on every support.

    Supports on which some strategy pays less than another wherever the others may be are left
    out. On every other one, all roots of the indifference equations that are probabilities are
    computed, or all complex ones are followed from a start system; those that are positive
    probabilities are made as exact as floats allow and kept where no strategy outside the
    support pays more.

    Parameters
    ----------
    game
        At most ``limits.MAX_SUPPORT_PATHS`` paths over all supports: 16 at 2x2x2, 271 at 3x3x3,
        5,248 at 4x4x4.

    Yields
    ------
    Profile
        Pure equilibria first, exact; then mixed ones in floats, in the order of supports.

    Returns
    -------
    Findings
        Complete only if every path arrived at a root of its own, no root was double or at a
        boundary, and the number of equilibria is odd and their indices sum to one. Otherwise
        a note says what failed. Where payoffs tie, equilibria may form continua, of which
        points may be missing; then one equilibrium is yielded at least.

    Raises
    ------
    MethodFailed
        Nothing was found, and the logit branch could not be followed either.

    Notes
    -----
    Time grows with the number of paths, which grows faster than exponentially in the number of
    strategies: some 0.1 milliseconds each; at 2x2x2 none is followed, and at 3x3x3 no more than
    10 of 271.

    References
    ----------
    R. D. McKelvey and A. McLennan (1997), "The maximal number of regular totally mixed Nash
    equilibria"; R. S. Datta (2010), "Finding all Nash equilibria of a finite game using
    polynomial algebra".

    Examples
    --------
    >>> game = NormalForm.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> [profile.supports for profile in polynomial_supports(game)]
    [((0,), (0,)), ((1,), (1,)), ((0, 1), (0, 1))]
    """
    from ..kernels.polynomial import solve_supports, unit_and_pure

    plan = _plan(game.num_strategies)
    payoffs = np.empty((game.num_players, game.num_profiles))
    cells = np.empty(game.num_profiles, dtype=np.int64)
    number = -1
    if game.exact is None:
        raw = game.payoffs.reshape(payoffs.shape)
        number = unit_and_pure(raw, plan.counts, plan.strides, payoffs, cells)
    if number < 0:
        for player in range(game.num_players):
            payoffs[player] = game.unit_payoffs(player).ravel()
        yield from pure_enumeration(game)
    else:
        for cell in cells[:number].tolist():
            yield plan.corner(cell)

    tally = np.zeros(7, dtype=np.int64)
    pure, mixed, indices = 0, 0, 0
    place = 0
    found = np.empty((plan.rows, plan.supports.shape[1]))
    told = np.empty((plan.rows, 2))
    while place < len(plan.supports):
        tally[0] = 0
        arguments: list[Any] = [
            payoffs, plan.counts, plan.first, plan.strides, plan.supports, plan.system_of, place,
            _BUDGET, *plan.systems, found, told, tally,
        ]  # fmt: skip
        place = solve_supports(*arguments)
        for row, (index, _) in zip(
            found[: tally[0]].tolist(), told[: tally[0]].tolist(), strict=True
        ):
            indices += 1 if index > 0 else -1
            if all(p == 0.0 or p == 1.0 for p in row):
                pure += 1
                continue
            mixed += 1
            yield Profile(tuple([tuple(row[begin:end]) for begin, end in plan.parts]))
    count = pure + mixed
    notes = _doubts(tally, count, indices)
    if count == 0:
        yield from logit(game)
        notes.append("the equilibrium listed is the one to which the logit branch leads")
    if notes:
        return Findings(complete=False, notes=tuple(notes))
    return Findings(
        complete=True,
        notes=(
            f"all roots on {tally[6]} supports were found, and each of the {tally[1]} paths to "
            f"them came to one of its own; the number of equilibria ({count}) is odd and their "
            "indices sum to 1",
        ),
    )


def _doubts(tally: NDArray[np.int64], count: int, indices: int) -> list[str]:
    """Return why some equilibria may be missing."""
    doubts = []
    if tally[2]:
        doubts.append(f"{tally[2]} of {tally[1]} paths came to no regular root")
    if tally[3]:
        doubts.append(f"{tally[3]} of {tally[1]} paths came to a root of another one")
    if tally[4]:
        doubts.append(
            f"on {tally[4]} supports two strategies always pay the same: equilibria there may "
            "form continua, which are not listed"
        )
    if tally[5]:
        doubts.append(
            f"{tally[5]} times an equilibrium was singular, or a strategy that is not played was "
            "as good: equilibria may form continua, which are not listed"
        )
    if not doubts and (count % 2 == 0 or indices != 1):
        doubts.append(
            f"{count} equilibria with indices that sum to {indices} were found, where in a "
            "generic game the number is odd and the sum 1"
        )
    return doubts


# ---------------------------------------------------------------------------------------------
# Start systems


@lru_cache(maxsize=10_000)
def root_count(sizes: tuple[int, ...]) -> int:
    """Return how many roots generic indifference equations have on supports of these sizes.

    Parameters
    ----------
    sizes
        How many strategies each player plays, 1 or more.

    Examples
    --------
    >>> [root_count(sizes) for sizes in ((3, 3), (2, 2, 2), (3, 3, 3), (2,) * 5)]
    [1, 2, 10, 44]
    """
    return _ways(tuple(sizes), 0, tuple(size - 1 for size in sizes))


@lru_cache(maxsize=100_000)
def _ways(sizes: tuple[int, ...], player: int, left: tuple[int, ...]) -> int:
    """Return in how many ways the equations from a player on fill the places that are left."""
    if player == len(sizes):
        return int(not any(left))
    states = {left: 1}
    for _ in range(sizes[player] - 1):
        after: dict[tuple[int, ...], int] = {}
        for state, ways in states.items():
            for block, room in enumerate(state):
                if block != player and room:
                    taken = (*state[:block], room - 1, *state[block + 1 :])
                    after[taken] = after.get(taken, 0) + ways
        states = after
    return sum(ways * _ways(sizes, player + 1, state) for state, ways in states.items())


def _is_small(game: NormalForm) -> bool:
    return path_count(game.num_strategies) <= limits.MAX_SUPPORT_PATHS


def path_count(counts: tuple[int, ...]) -> int:
    """Return the number of paths over all supports of a game with these numbers of strategies.

    Beyond ``limits.MAX_SUPPORT_PATHS``, some number above it.

    Examples
    --------
    >>> path_count((2, 2, 2)), path_count((3, 3, 3))
    (16, 271)
    """
    return _paths(tuple(counts), limits.MAX_SUPPORT_PATHS)


@lru_cache(maxsize=1_000)
def _paths(counts: tuple[int, ...], most: int) -> int:
    from math import comb

    if max(counts) > 30 or prod(2**count - 1 for count in counts) > 10 * most:
        return most + 1
    total = 0
    for sizes in product(*(range(1, count + 1) for count in counts)):
        total += root_count(tuple(sorted(sizes))) * prod(
            comb(count, size) for count, size in zip(counts, sizes, strict=True)
        )
        if total > most:
            break
    return total


@dataclass(frozen=True, eq=False)
class _Plan:
    """What depends on the numbers of strategies alone: supports, and a system for each sizes."""

    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    strides: NDArray[np.int64]
    supports: NDArray[np.bool_]
    system_of: NDArray[np.int64]
    systems: tuple[Any, ...]
    rows: int
    parts: tuple[tuple[int, int], ...]
    corners: dict[int, Profile] = field(default_factory=dict)

    def corner(self, cell: int) -> Profile:
        """Return the pure profile with a number in row-major order."""
        made = self.corners.get(cell)
        if made is None:
            choices = np.unravel_index(cell, tuple(self.counts.tolist()))
            made = self.corners[cell] = Profile(
                tuple(
                    tuple(Fraction(int(k == chosen)) for k in range(count))
                    for count, chosen in zip(self.counts.tolist(), choices, strict=True)
                )
            )
        return made


@lru_cache(maxsize=16)
def _plan(counts: tuple[int, ...]) -> _Plan:
    """Return the plan for games with these numbers of strategies."""
    systems: dict[tuple[int, ...], int] = {}
    supports, system_of = [], []
    subsets = [
        sorted(product((False, True), repeat=count), key=lambda row: (sum(row), row))[1:]
        for count in counts
    ]
    for choice in sorted(product(*subsets), key=lambda rows: sum(map(sum, rows))):
        sizes = tuple(sum(row) for row in choice if sum(row) > 1)
        if root_count(sizes):
            supports.append([flag for row in choice for flag in row])
            system_of.append(systems.setdefault(sizes, len(systems)))
    made = [_system(sizes) for sizes in systems]
    axes = max([1, *(table.shape[1] for _, table, *_ in made)])
    lengths = [length for equations, *_ in made for length in equations]
    systems_arrays = (
        np.array([sum(size - 1 for size in sizes) for sizes in systems], dtype=np.int64),
        _starts([len(equations) for equations, *_ in made])[:-1],
        _starts(lengths),
        np.concatenate([_widened(table, axes) for _, table, *_ in made]),
        np.concatenate([start for _, _, start, _, _ in made]),
        np.concatenate([turn for _, _, _, turn, _ in made]),
        _starts([turn.size for _, _, _, turn, _ in made])[:-1],
        np.concatenate([roots.ravel() for *_, roots in made]),
        _starts([roots.size for *_, roots in made])[:-1],
        np.array([len(roots) for *_, roots in made], dtype=np.int64),
        max(1, *(sum(size - 1 for size in sizes) for sizes in systems)),
        max(1, *(start.size for _, _, start, _, _ in made)),
    )  # fmt: skip
    shape = np.array(counts, dtype=np.int64)
    return _Plan(
        counts=shape,
        first=_starts(list(counts))[:-1],
        strides=np.array([prod(counts[k + 1 :]) for k in range(len(counts))], dtype=np.int64),
        supports=np.array(supports),
        system_of=np.array(system_of, dtype=np.int64),
        systems=systems_arrays,
        rows=max(256, *(2 * len(roots) for *_, roots in made)),
        parts=tuple(pairwise(_starts(list(counts)).tolist())),
    )


def _widened(table: NDArray[np.int64], axes: int) -> NDArray[np.int64]:
    return np.pad(table, ((0, 0), (0, axes - table.shape[1])))


def _starts(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _system(sizes: tuple[int, ...]) -> tuple[list[int], Any, Any, Any, Any]:
    """Return a start system: lengths of equations, places, coefficients, turns, and roots.

    ``sizes`` are those of the players who mix.
    """
    rng = np.random.default_rng([_SEED, *sizes])
    origin = _starts(list(sizes))
    forms: list[dict[int, NDArray[np.complex128]]] = []
    lengths, places, coefficients = [], [], []
    factor = np.exp(2j * np.pi * rng.random())
    for player, size in enumerate(sizes):
        others = [other for other in range(len(sizes)) if other != player]
        for _ in range(size - 1):
            of_equation = {other: _disc(rng, sizes[other]) for other in others}
            forms.append(of_equation)
            table = np.array(factor)
            for other in others:
                table = np.multiply.outer(table, of_equation[other])
            coefficients.append(table.ravel())
            lengths.append(table.size)
            grid = np.indices(table.shape).reshape(len(others), -1).T
            places.append(grid + origin[others] if others else grid)
    turns = [np.linalg.qr(_disc(rng, size * size).reshape(size, size))[0].ravel() for size in sizes]
    empty = np.empty(0, dtype=np.complex128)
    return (
        lengths,
        np.concatenate(places).astype(np.int64) if places else np.empty((0, 1), dtype=np.int64),
        np.concatenate(coefficients) if coefficients else empty,
        np.concatenate(turns) if turns else empty,
        _start_roots(sizes, forms),
    )


def _disc(rng: np.random.Generator, size: int) -> NDArray[np.complex128]:
    numbers: NDArray[np.complex128] = rng.normal(size=size) + 1j * rng.normal(size=size)
    return numbers


def _start_roots(
    sizes: tuple[int, ...], forms: list[dict[int, NDArray[np.complex128]]]
) -> NDArray[np.complex128]:
    """Return all roots of the products: in each, every equation has one factor that is 0."""
    roots: list[NDArray[np.complex128]] = []

    def assign(equation: int, given: list[list[NDArray[np.complex128]]]) -> None:
        if equation == len(forms):
            parts = [
                np.linalg.solve(np.array(rows)[:, 1:], -np.array(rows)[:, 0]) for rows in given
            ]
            roots.append(np.concatenate(parts))
            return
        for block, form in forms[equation].items():
            if len(given[block]) < sizes[block] - 1:
                given[block].append(form)
                assign(equation + 1, given)
                given[block].pop()

    if sizes:
        assign(0, [[] for _ in sizes])
    free = sum(size - 1 for size in sizes)
    return np.array(roots, dtype=np.complex128).reshape(len(roots), free)
