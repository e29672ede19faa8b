"""Bargaining over lotteries of pure profiles: Nash, and Kalai and Smorodinsky.

Players who agree may mix the pure profiles of a game in any way; if they do not, each gets a
disagreement payoff. Nash (1950) chooses the agreement with the largest product of gains over it,
Kalai and Smorodinsky (1975) the best one at which gains are in proportion to the most that each
could gain while nobody else loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MethodFailed, RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .registry import concept

__all__ = ["best_bargain"]

_SLACK = 1e-10
"""Share of a player's largest gain by which programs may fall short of what was reached before."""
_RISES = 1e-8
"""Share from which on a gain is said to rise."""


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
    With three or more players gains in one proportion may be bettered for some at no loss for
    others (Roth 1979); the shares are then made as equal as they can be, the least first (Imai
    1983), so that the agreement is efficient and its payoffs the only such ones.

    References
    ----------
    J. Nash (1950), "The bargaining problem", Econometrica 18; E. Kalai and M. Smorodinsky (1975),
    "Other solutions to Nash's bargaining problem", Econometrica 43; A. Roth (1979), "An
    impossibility result concerning n-person bargaining games", International Journal of Game
    Theory 8; H. Imai (1983), "Individual monotonicity and lexicographic maxmin solution",
    Econometrica 51.
    """
    import cvxpy

    cp: Any = cvxpy
    players = form.num_players
    if len(disagreement) == players and not all(map(isfinite, disagreement)):
        raise RequestError(f"disagreement payoffs {list(disagreement)} are not all finite")
    power = np.ones(players) if weights is None else np.array(weights, float)
    if (
        len(disagreement) != players
        or power.shape != (players,)
        or not ((power > 0) & (power < np.inf)).all()
    ):
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
    most = np.empty(players)
    for player in range(players):
        program = cp.Problem(cp.Maximize(gains[player]), [*lottery, gains >= 0])
        _solve(program, cp.HIGHS)
        most[player] = program.value
    # Everybody's gain as a share of the most that they can gain, however little that is.
    shares = (unit - floor[:, None]) / most[:, None]
    if solution == "nash":
        found, normal = _largest_product(shares, power / power.sum())
    else:
        found, normal = _most_equal(shares)
    return found.reshape(form.num_strategies), normal / most


def _largest_product(
    shares: NDArray[np.float64], power: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lottery with the largest product of gains, and weights that prove it."""
    import cvxpy

    cp: Any = cvxpy
    x = cp.Variable(shares.shape[1], nonneg=True)
    program = cp.Problem(cp.Maximize(power @ cp.log(shares @ x)), [cp.sum(x) == 1])
    # The product is flat where it is largest: half of the digits of its gap are lost.
    exact = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-11}
    _solve(program, cp.CLARABEL, **exact)
    rough = _probabilities(x.value)
    tried = [rough]
    for least in (1e-4, 1e-6):
        polished = _polished(shares, power, rough, rough > least)
        if polished is not None:
            tried.append(polished)
    best: tuple[float, NDArray[np.float64], NDArray[np.float64]] | None = None
    for each in tried:
        got = shares @ each
        if got.min() > 0:
            normal = power / got
            off = float((normal @ shares).max() - normal @ got)
            if best is None or off < best[0]:
                best = off, each, normal
    if best is None:
        raise MethodFailed("bargaining: the backend's agreement leaves a player without gain")
    return best[1:]


def _polished(
    shares: NDArray[np.float64],
    power: NDArray[np.float64],
    rough: NDArray[np.float64],
    used: NDArray[np.bool_],
) -> NDArray[np.float64] | None:
    """Return the lottery over some profiles with the largest product, by Newton's method.

    Where gains are largest on the plane through the gains of those profiles is a matter of a few
    unknowns, and well determined; a lottery that has these gains is a matter of least squares.
    """
    from scipy.optimize import nnls

    corners = shares[:, used]
    if not used.any():
        return None
    spread = corners - corners[:, :1]
    basis, sizes, _ = np.linalg.svd(spread, full_matrices=False)
    basis = basis[:, sizes > 1e-9 * max(1.0, float(sizes.max()))]
    got: NDArray[np.float64] = shares @ rough
    got = corners[:, 0] + basis @ (basis.T @ (got - corners[:, 0]))
    for _ in range(20):
        if got.min() <= 0 or not basis.size:
            break
        bent = basis.T @ ((power / got**2)[:, None] * basis)
        step = basis @ np.linalg.solve(bent, basis.T @ (power / got))
        got = got + step
        if np.abs(step).max() <= 1e-15:
            break
    if got.min() <= 0:
        return None
    weights, _ = nnls(np.vstack([corners, np.ones(corners.shape[1])]), np.append(got, 1.0))
    if not weights.sum() > 0:
        return None
    found = np.zeros(shares.shape[1])
    found[used] = weights / weights.sum()
    return found


def _most_equal(
    shares: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lottery that gives the least share the most, then the next; and weights.

    Of two players both have the same share. Where more do not, those whose share cannot rise
    keep it, and the others' is raised.
    """
    import cvxpy

    cp: Any = cvxpy
    players, profiles = shares.shape
    kept: dict[int, float] = {}
    while True:
        x, level = cp.Variable(profiles, nonneg=True), cp.Variable()
        got = shares @ x
        free = [player for player in range(players) if player not in kept]
        room = [cp.sum(x) == 1, *(got[player] >= least for player, least in kept.items())]
        _solve(cp.Problem(cp.Maximize(level), [*room, got[free] >= level]), cp.HIGHS)
        least = float(level.value)
        found = _probabilities(x.value)
        more = {}
        for player in free:
            others = [got[each] >= least - _SLACK for each in free if each != player]
            program = cp.Problem(cp.Maximize(got[player]), [*room, *others])
            _solve(program, cp.HIGHS)
            more[player] = float(program.value)
        fixed = [player for player in free if more[player] <= least + _RISES]
        # Rounding aside one at least is fixed.
        fixed = fixed or [min(more, key=lambda player: more[player])]
        kept.update(dict.fromkeys(fixed, least - _SLACK))
        if len(kept) == players:
            break
    rest = shares @ x >= shares @ found - _SLACK
    program = cp.Problem(cp.Maximize(cp.sum(shares @ x)), [cp.sum(x) == 1, rest])
    _solve(program, cp.HIGHS)
    return found, 1.0 + np.clip(rest.dual_value, 0.0, None)


def _probabilities(values: Any) -> NDArray[np.float64]:
    clipped: NDArray[np.float64] = np.clip(values, 0.0, None)
    clipped[clipped < 1e-9] = 0.0
    clipped /= clipped.sum()
    return clipped


def _solve(program: Any, solver: str, **options: Any) -> None:
    import warnings

    import cvxpy

    cp: Any = cvxpy
    if solver == cp.HIGHS:
        options["primal_feasibility_tolerance"] = options["dual_feasibility_tolerance"] = 1e-10
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            program.solve(solver=solver, **options)
    except cp.error.SolverError as error:
        raise MethodFailed(f"bargaining: backend failed: {error}") from error
    # Less exact than asked for is a matter for the judge.
    if program.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        raise MethodFailed(f"bargaining: backend reported {program.status!r}")
