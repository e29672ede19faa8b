"""Two-player zero-sum games by linear programming.

In a zero-sum game an equilibrium strategy is one that maximizes the payoff that its
player can guarantee (von Neumann 1928). Where payoffs sum to a constant, subtracting it
from one player's payoffs makes them zero-sum and changes no best response.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from ..errors import MethodFailed
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .registry import method

__all__ = ["zero_sum_lp"]


@method(
    "zero_sum_lp",
    form=NormalForm,
    accepts=lambda game: game.num_players == 2 and game.is_zero_sum,
    finds=Finds.ONE,
    source="von Neumann (1928); Shoham & Leyton-Brown (2009), sec. 4.1",
    domain="two players whose payoffs sum to a constant",
    rank=40,
    use="the value of a large game in which one wins what the other loses",
)
def zero_sum_lp(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield one equilibrium of a two-player zero-sum (or constant-sum) game.

    The row player maximizes the payoff they can guarantee; the multipliers on the
    guarantees are the column player's strategy, so one program gives both. Payoffs are
    mapped to [0, 1] first: a solver calls anything optimal where payoffs differ by less
    than its tolerance.

    Parameters
    ----------
    game
        Two players; payoffs sum to the same number at every pure profile.

    Yields
    ------
    Profile
        In floats.

    Raises
    ------
    MethodFailed
        The LP backend reports anything but an optimum. Every such program has one.

    Notes
    -----
    Other equilibria may exist; all give both players the same payoffs.

    Examples
    --------
    >>> pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    >>> [strategy.round(6).tolist() for strategy in next(zero_sum_lp(pennies)).floats()]
    [[0.5, 0.5], [0.5, 0.5]]
    """
    import cvxpy

    cp: Any = cvxpy
    row_payoffs = game.unit_payoffs(0)  # (m, n)
    row = cp.Variable(row_payoffs.shape[0], nonneg=True)
    value = cp.Variable()
    guarantees = row @ row_payoffs >= value
    program = cp.Problem(cp.Maximize(value), [guarantees, cp.sum(row) == 1])

    try:
        program.solve(solver=cp.HIGHS)
    except cp.error.SolverError as error:
        raise MethodFailed(f"zero_sum_lp: LP backend failed: {error}") from error
    if program.status != cp.OPTIMAL:
        raise MethodFailed(f"zero_sum_lp: LP backend reported {program.status!r}")

    # Solvers return -1e-9 for 0; the judge decides whether what is left is an equilibrium.
    weights = (np.clip(row.value, 0, None), np.clip(guarantees.dual_value, 0, None))
    try:
        profile = Profile.from_weights(*weights)
    except ValueError as error:
        raise MethodFailed(f"zero_sum_lp: LP backend returned no strategies: {error}") from error
    yield profile
    return Findings(complete=True, notes=("all equilibria of a zero-sum game give these payoffs",))
