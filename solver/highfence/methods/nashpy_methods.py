"""Backends of nashpy for two-player games, in floats.

Nashpy decides by signs of rounded numbers, so it may miss equilibria, and may yield
profiles that are none: nothing here promises all, and the judge checks every profile.
Payoffs are mapped to [1, 2] per player first, which changes no equilibrium, makes the
best-response polytopes bounded and keeps rounding within what nashpy's tests assume.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import cycle
from typing import Any

import numpy as np

from .. import limits
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .registry import Method, method

__all__ = ["nashpy_lemke_howson", "nashpy_support_enumeration", "nashpy_vertex_enumeration"]


_FAULTS = (ValueError, LookupError, ArithmeticError)
"""What nashpy raises where rounding leads its algorithms astray."""


def _in_nashpy(name: str, source: str, rank: int) -> Callable[[Callable[..., Any]], Method]:
    """Return the decorator of a method that nashpy computes; no such method promises all."""
    return method(
        name,
        form=NormalForm,
        accepts=lambda game: game.num_players == 2,
        finds=Finds.SOME,
        source=f"{source}, as in nashpy",
        domain="two players",
        rank=rank,
        use="comparing with nashpy",
    )


@_in_nashpy("nashpy_support_enumeration", "Shoham & Leyton-Brown (2009), alg. 3.4.1", 62)
def nashpy_support_enumeration(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield equilibria found by nashpy's enumeration of supports.

    For every pair of supports of equal size the indifference conditions are solved.

    Yields
    ------
    Profile
        In floats.

    Notes
    -----
    Not promised to be all, although the algorithm finds all in nondegenerate games:
    nashpy rejects weights that rounding makes negative. Time ``O(4^(m+n))``.
    """
    return (yield from _run(game, lambda backend: backend.support_enumeration()))


@_in_nashpy("nashpy_vertex_enumeration", "Nisan et al. (2007), alg. 3.5", 61)
def nashpy_vertex_enumeration(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield equilibria found by nashpy's enumeration of vertices of best-response polytopes.

    The vertices are computed by Qhull; pairs that together have all labels are equilibria.

    Yields
    ------
    Profile
        In floats.

    Notes
    -----
    Not promised to be all: in degenerate games Qhull merges or loses vertices. Qhull takes
    polytopes of two dimensions and more, so a player with a single strategy is not taken.
    """
    if min(game.num_strategies) < 2:
        return Findings(
            complete=False,
            notes=("nashpy: vertex enumeration needs two strategies for each player",),
        )
    return (yield from _run(game, lambda backend: backend.vertex_enumeration()))


@_in_nashpy("nashpy_lemke_howson", "Lemke & Howson (1964)", 60)
def nashpy_lemke_howson(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield the equilibria at the ends of nashpy's Lemke-Howson paths, one per label.

    Yields
    ------
    Profile
        In floats; the same one may end several paths.

    Notes
    -----
    Equilibria that no path reaches are not found. In degenerate games a path may end in a
    profile that is no equilibrium, or pivot for long; it is stopped after
    ``highfence.limits.MAX_PATH_PIVOTS`` pivots.
    """

    from nashpy.linalg import create_col_tableau, create_row_tableau

    def path(row_payoffs: Any, column_payoffs: Any, label: int) -> Any:
        # Nashpy's own loop, which has no end where rounding makes it cycle.
        columns = create_col_tableau(row_payoffs, True)
        rows = create_row_tableau(column_payoffs, True)
        turns = cycle((columns, rows))
        if label in rows.non_basic_variables:
            next(turns)
        entering = label
        for _, tableau in zip(range(limits.MAX_PATH_PIVOTS), turns, strict=False):
            entering = tableau.pivot_and_drop_label(entering)
            if columns.non_basic_variables | rows.non_basic_variables == columns.labels:
                return (
                    rows.to_strategy(columns.non_basic_variables),
                    columns.to_strategy(rows.non_basic_variables),
                )
        return (
            f"a Lemke-Howson path was given up after {limits.MAX_PATH_PIVOTS} pivots "
            "(highfence.limits.MAX_PATH_PIVOTS)"
        )

    def paths(backend: Any) -> Iterator[Any]:
        row_payoffs, column_payoffs = backend.payoff_matrices
        for label in range(sum(game.num_strategies)):
            try:
                yield path(row_payoffs, column_payoffs, label)
            except _FAULTS as error:  # of this path; another may end well
                yield f"nashpy failed on a Lemke-Howson path: {_first_line(error)}"

    return (yield from _run(game, paths))


def _run(
    game: NormalForm, solve: Callable[[Any], Iterable[Any]]
) -> Generator[Profile, None, Findings]:
    """Yield what nashpy yields for the rescaled game; its warnings become notes.

    ``solve`` yields pairs of strategies, or text that says why one is missing.
    """
    import nashpy

    notes: Counter[str] = Counter()
    complete = True
    answers = iter(solve(nashpy.Game(1 + game.unit_payoffs(0), 1 + game.unit_payoffs(1))))
    while True:
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            try:
                answer = next(answers, None)
            except _FAULTS as error:
                complete = False
                notes[f"nashpy stopped: {_first_line(error)}"] += 1
                answer = None
        notes.update(f"nashpy warned: {_first_line(item.message)}" for item in caught)
        if answer is None:
            told = (f"{note} ({k} times)" if k > 1 else note for note, k in notes.items())
            return Findings(complete=complete, notes=tuple(told))
        if isinstance(answer, str):
            complete = False
            notes[answer] += 1
            continue
        try:
            profile = Profile.from_weights(*answer)
        except ValueError:
            notes["nashpy returned weights that are no probabilities; they were left out"] += 1
        else:
            yield profile


def _first_line(message: Warning | str | Exception) -> str:
    if isinstance(message, KeyError):
        return f"KeyError: {message}"
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    return lines[0] if lines else type(message).__name__
