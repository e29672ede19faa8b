"""Correlated and coarse correlated equilibria as linear programs.

A mediator draws a pure profile from a known distribution and tells each player their own part of
it. The distribution is a *correlated equilibrium* if nobody gains by doing something else than
told (Aumann 1974, 1987), a *coarse* one if nobody gains by deciding, before being told, to do
some one thing instead (Moulin and Vial 1978). Both sets are polytopes that contain all mixtures
of Nash equilibria, so any linear quantity has its least and largest value by a linear program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import LimitExceeded, MethodFailed, Problem
from ..forms.normal import NormalForm
from ..solution import Finds
from .registry import concept

__all__ = ["best_distribution"]


@concept(
    "correlated",
    takes="normal: any number of players",
    finds=Finds.ONE,
    source="Aumann (1974, 1987)",
    call="highfence solve GAME --concept correlated",
    use="what a mediator who tells each their part can bring about",
)
@concept(
    "coarse_correlated",
    takes="normal: any number of players",
    finds=Finds.ONE,
    source="Moulin & Vial (1978)",
    call="highfence solve GAME --concept coarse_correlated",
    use="what a mediator can do where players commit before they are told",
)
def best_distribution(
    form: NormalForm, quantity: NDArray[np.float64], *, coarse: bool = False
) -> NDArray[np.float64]:
    """Return the correlated equilibrium with the largest expected value of a quantity.

    Parameters
    ----------
    form
        Any number of players.
    quantity
        Its value at every pure profile, shape ``(a_0, ..., a_(N-1))``.
    coarse
        Over the coarse correlated equilibria, which are more.

    Returns
    -------
    array
        Probabilities of the pure profiles, shape ``(a_0, ..., a_(N-1))``.

    Raises
    ------
    LimitExceeded
        More than ``limits.MAX_CORRELATED_CELLS`` payoffs.
    MethodFailed
        The backend reports anything but an optimum; every such program has one.

    Notes
    -----
    ``prod(a_i)`` variables and ``sum(a_i (a_i - 1))`` incentive constraints.
    """
    import cvxpy
    from scipy import sparse

    cp: Any = cvxpy
    if form.payoffs.size > limits.MAX_CORRELATED_CELLS:
        raise LimitExceeded(
            Problem(
                form.title or "payoffs",
                f"{form.payoffs.size} payoffs would pass the limit of "
                f"{limits.MAX_CORRELATED_CELLS}",
                "Raise highfence.limits.MAX_CORRELATED_CELLS if you have the time",
            )
        )
    shape = form.num_strategies
    cells = np.arange(form.num_profiles).reshape(shape)
    rows, columns, entries, count = [], [], [], 0
    for player in range(form.num_players):
        table = np.moveaxis(form.unit_payoffs(player), player, 0).reshape(shape[player], -1)
        places = np.moveaxis(cells, player, 0).reshape(shape[player], -1)
        for instead in range(shape[player]):
            gains = table - table[instead]  # of obeying
            for told in (None,) if coarse else range(shape[player]):
                if told == instead:
                    continue
                here = slice(None) if told is None else told
                values, where = gains[here].ravel(), places[here].ravel()
                rows.append(np.full(values.size, count))
                columns.append(where)
                entries.append(values)
                count += 1
    x = cp.Variable(form.num_profiles, nonneg=True)
    constraints = [cp.sum(x) == 1]
    if count:
        triple = (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))
        constraints.append(sparse.csr_array(triple, shape=(count, form.num_profiles)) @ x >= 0)
    low, high = float(quantity.min()), float(quantity.max())
    unit = (quantity.ravel() / 2 - low / 2) / (high / 2 - low / 2 or 1.0)
    program = cp.Problem(cp.Maximize(unit @ x), constraints)
    try:
        program.solve(
            solver=cp.HIGHS, primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10
        )
    except cp.error.SolverError as error:
        raise MethodFailed(f"correlated equilibrium: LP backend failed: {error}") from error
    if program.status != cp.OPTIMAL:
        raise MethodFailed(f"correlated equilibrium: LP backend reported {program.status!r}")
    found: NDArray[np.float64] = np.clip(x.value, 0.0, None)
    found /= found.sum()
    return found.reshape(shape)
