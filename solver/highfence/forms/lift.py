"""From a profile in floats to exact ones near it, so that a certificate can be a proof.

An equilibrium of a two-player game with rational payoffs is rational on its support: the
column player's probabilities solve the linear equations that make the row player
indifferent among what they play, and conversely. Which equations hold is read off the
floats; what the equations leave open is set to simple fractions near the floats. Nothing
found here is an equilibrium until the judge says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits, tolerances
from .normal import NormalForm, Number, Profile

__all__ = ["exact_candidates"]

_DENOMINATORS = (12, 1_000, 10**9)
"""Largest denominators of the fractions that stand for floats, the simplest first."""


def exact_candidates(form: NormalForm, profile: Profile) -> Iterator[Profile]:
    """Yield exact profiles close to a given one, the likeliest equilibrium first.

    Parameters
    ----------
    form
        The game.
    profile
        Of the game, in floats (an exact one is yielded as it is).

    Yields
    ------
    Profile
        Exact, within ``tolerances.SAME`` of the given probabilities. Nothing if there is
        none, or if the exact payoff table would pass ``limits.MAX_EXACT_CELLS``.

    Notes
    -----
    Mixed equilibria of three and more players are in general irrational; for those only
    simple fractions are tried.

    Examples
    --------
    >>> game = NormalForm.bimatrix([[1, 0], [0, 2]], [[2, 0], [0, 1]])
    >>> near = Profile(((1 / 3, 2 / 3), (2 / 3, 1 / 3)))
    >>> next(exact_candidates(game, near))  # doctest: +NORMALIZE_WHITESPACE
    Profile(strategies=((Fraction(1, 3), Fraction(2, 3)), (Fraction(2, 3), Fraction(1, 3))))
    """
    if profile.is_exact:
        yield profile
        return
    if form.payoffs.size > limits.MAX_EXACT_CELLS:
        return
    seen = set()
    for found in _solved(form, profile) if form.num_players == 2 else _simple(profile):
        if found not in seen and _is_close(found, profile):
            seen.add(found)
            yield found


def _is_close(exact: Profile, profile: Profile) -> bool:
    return all(
        abs(float(p) - q) <= tolerances.SAME
        for ours, theirs in zip(exact.floats(), profile.floats(), strict=True)
        for p, q in zip(ours, theirs, strict=True)
    )


def _simple(profile: Profile) -> Iterator[Profile]:
    """Yield the profile with all probabilities rounded to fractions of small denominators."""
    for denominator in _DENOMINATORS:
        rounded = [
            [Fraction(p).limit_denominator(denominator) for p in strategy]
            for strategy in profile.floats()
        ]
        if all(sum(strategy) == 1 and min(strategy) >= 0 for strategy in rounded):
            yield Profile(tuple(map(tuple, rounded)))


def _solved(form: NormalForm, profile: Profile) -> Iterator[Profile]:
    """Yield the solutions of the indifference equations of a two-player game."""
    payoffs = form.rational()
    mine = (payoffs[0], payoffs[1].T)  # own strategies first
    unit = (form.unit_payoffs(0), form.unit_payoffs(1).T)
    floats = profile.floats()
    for least in (tolerances.SAME, tolerances.PROBABILITY):
        supports = [np.flatnonzero(strategy > least).tolist() for strategy in floats]
        if not all(supports):
            continue
        options: list[list[tuple[Fraction, ...]]] = []
        for player in (0, 1):
            other = 1 - player
            values = unit[other] @ floats[player]
            ties = np.flatnonzero(values >= values.max() - tolerances.SAME).tolist()
            made: dict[tuple[Fraction, ...], None] = {}
            # Ties outside the support count first: without them an equation may be missed.
            for indifferent in (sorted({*ties, *supports[other]}), supports[other]):
                for denominator in _DENOMINATORS:
                    found = _indifference(
                        mine[other], indifferent, supports[player], floats[player], denominator
                    )
                    if found is not None:
                        made[found] = None
            options.append(list(made))
        for row, column in product(*options):
            yield Profile((row, column))


def _indifference(
    payoffs: NDArray[np.object_],
    indifferent: Sequence[int],
    support: Sequence[int],
    near: NDArray[np.float64],
    denominator: int,
) -> tuple[Fraction, ...] | None:
    """Return probabilities on ``support`` that make the other player indifferent.

    Parameters
    ----------
    payoffs
        The other player's, shape (their strategies, ours).
    indifferent
        Their strategies that must have the same value.
    support
        Our strategies that may have positive probability.
    near
        Our probabilities in floats; what the equations leave open is set near them.
    denominator
        Largest denominator of what is set so.

    Returns
    -------
    tuple of Fraction, or None
        None if the equations have no solution, or it has negative entries.
    """
    from flint import fmpq, fmpq_mat

    def entry(number: Number | int) -> Any:
        exact = Fraction(number)
        return fmpq(exact.numerator, exact.denominator)

    # Unknowns: the common value, then the probabilities; last column: right-hand side.
    width = len(support) + 2
    equations = [
        [entry(-1), *(entry(payoffs[k, j]) for j in support), entry(0)] for k in indifferent
    ]
    equations.append([entry(0), *(entry(1) for _ in support), entry(1)])
    reduced, rank = fmpq_mat(equations).rref()
    rows = [[reduced[k, column] for column in range(width)] for k in range(int(rank))]
    pivots = [next(column for column, value in enumerate(row) if value != 0) for row in rows]
    if width - 1 in pivots:
        return None
    solution: dict[int, Any] = {
        column: entry(Fraction(float(near[support[column - 1]])).limit_denominator(denominator))
        for column in range(1, width - 1)
        if column not in pivots
    }
    free = list(solution.items())
    for row, pivot in zip(rows, pivots, strict=True):
        solution[pivot] = row[-1] - sum((row[column] * value for column, value in free), entry(0))
    strategy = [Fraction(0)] * len(near)
    for column, pure in enumerate(support, start=1):
        value = solution[column]
        strategy[pure] = Fraction(int(value.p), int(value.q))
    return tuple(strategy) if min(strategy) >= 0 else None
