"""Bargaining over lotteries of pure profiles: Nash, and Kalai and Smorodinsky.

Players who agree may mix the pure profiles of a game in any way; if they do not, each gets a
disagreement payoff. Nash (1950) chooses the agreement with the largest product of gains over it,
Kalai and Smorodinsky (1975) the best one at which gains are in proportion to the most that each
could gain while nobody else loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MethodFailed, RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .registry import concept

__all__ = ["best_bargain"]


@concept(
    "nash_bargaining",
    takes="normal: any number of players",
    finds=Finds.ONE,
    source="Nash (1950)",
    call="highfence solve GAME --concept bargaining",
    use="a deal by the largest product of gains",
)
@concept(
    "kalai_smorodinsky",
    takes="normal: any number of players",
    finds=Finds.ONE,
    source="Kalai & Smorodinsky (1975)",
    call="highfence solve GAME --concept kalai_smorodinsky",
    use="a deal by gains in proportion to what each could hope for",
)
def best_bargain(
    form: NormalForm,
    disagreement: Sequence[float],
    *,
    solution: str = "nash",
    weights: Sequence[float] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lottery that is agreed on, and weights of payoffs that prove it efficient.

    Parameters
    ----------
    form
        Its pure profiles are the possible agreements.
    disagreement
        What each player gets without agreement.
    solution
        ``"nash"`` or ``"kalai_smorodinsky"``.
    weights
        Bargaining power of each player in the Nash solution; equal by default.

    Returns
    -------
    lottery
        Shape ``(a_0, ..., a_(N-1))``.
    normal
        Per player, a nonnegative weight of their payoff over its scale: no other lottery has a
        larger weighted sum, up to the backend's tolerance.

    Raises
    ------
    RequestError
        Numbers that are wrong in count or sign, an unknown solution, or no lottery under which
        every player gains.
    MethodFailed
        The backend reports no optimum.

    Notes
    -----
    With three or more players the Kalai-Smorodinsky agreement is efficient only in that no
    other is better for *all*.
    """
    import cvxpy

    cp: Any = cvxpy
    players = form.num_players
    power = np.ones(players) if weights is None else np.array(weights, float)
    if len(disagreement) != players or power.shape != (players,) or not (power > 0).all():
        raise RequestError(
            f"{players} players need as many disagreement payoffs, and as many positive weights"
        )
    if solution not in ("nash", "kalai_smorodinsky"):
        raise RequestError(f"unknown solution {solution!r}. Known: nash, kalai_smorodinsky")
    ends = [(float(low), float(high)) for low, high in form.payoff_ranges]
    apart = [(high - low) or 1.0 for low, high in ends]
    unit = np.stack([form.unit_payoffs(player).ravel() for player in range(players)])
    floor = np.array(
        [(d - low) / size for d, (low, _), size in zip(disagreement, ends, apart, strict=True)]
    )
    x = cp.Variable(form.num_profiles, nonneg=True)
    level = cp.Variable()
    lottery = [cp.sum(x) == 1]
    gains = unit @ x - floor
    _solve(cp.Problem(cp.Maximize(level), [*lottery, gains >= level]), cp.HIGHS)
    if level.value is None or float(level.value) <= 1e-9:
        raise RequestError(
            "no lottery over the pure profiles makes every player better off than "
            "disagreement. Lower the disagreement payoffs"
        )
    if solution == "nash":
        share = power / power.sum()
        # The product is flat where it is largest: half of the digits of its gap are lost.
        exact = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-11}
        _solve(cp.Problem(cp.Maximize(share @ cp.log(gains)), lottery), cp.CLARABEL, **exact)
        found = _probabilities(x.value)
        normal = share / (unit @ found - floor)
    else:
        most = np.empty(players)
        for player in range(players):
            program = cp.Problem(cp.Maximize(gains[player]), [*lottery, gains >= 0])
            _solve(program, cp.HIGHS)
            most[player] = program.value
        equal = gains >= cp.multiply(most, level)
        _solve(cp.Problem(cp.Maximize(level), [*lottery, equal]), cp.HIGHS)
        found, normal = _probabilities(x.value), np.clip(equal.dual_value, 0.0, None)
    return found.reshape(form.num_strategies), normal


def _probabilities(values: Any) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = np.clip(values, 0.0, None)
    clipped[clipped < 1e-9] = 0.0
    clipped /= clipped.sum()
    return clipped


def _solve(program: Any, solver: str, **options: Any) -> None:
    import warnings

    import cvxpy

    cp: Any = cvxpy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            program.solve(solver=solver, **options)
    except cp.error.SolverError as error:
        raise MethodFailed(f"bargaining: backend failed: {error}") from error
    # Less exact than asked for is a matter for the judge.
    if program.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        raise MethodFailed(f"bargaining: backend reported {program.status!r}")
