"""What it is worth to know: perfect information, and information on one parameter.

Who chooses among regimes by expected payoff and learns the draw before choosing gains
E[max_r u_r] - max_r E[u_r], the expected value of perfect information. Who learns one parameter
x only gains E[max_r E[u_r | x]] - max_r E[u_r]. The conditional expectations are estimated from
the draws themselves, by regression on the parameter or by bins of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import tolerances
from ..errors import RequestError, did_you_mean
from .sample import generator_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

__all__ = ["METHODS", "Information", "Partial", "value_of_information"]

METHODS = ("regression", "bins")
"""How payoffs are predicted from a parameter."""

KNOTS = (2, 3, 4, 5, 6, 8, 10)
"""Knots of the splines that are tried; 2 make a straight line."""
FEW = 12
"""Values of a parameter up to which each is a bin of its own."""
SHUFFLES = 20
"""Permutations of a parameter that show what chance alone would give."""
RESAMPLES = 100
"""Bootstrap samples of the standard errors."""


@dataclass(frozen=True)
class Partial:
    """What it is worth to learn one parameter before choosing."""

    parameter: str
    value: float
    error: float
    """Bootstrap standard error."""
    chance: float
    """The value that the estimator gives a parameter that tells nothing: its mean over
    shuffles of the column. A value that is not well above it is noise."""
    method: str
    """``spline with k knots`` or ``k bins``."""


@dataclass(frozen=True)
class Information:
    """What information is worth to who chooses the regime by expected payoff."""

    perfect: float
    error: float
    """Bootstrap standard error."""
    partial: tuple[Partial, ...]
    """The most valuable first."""
    method: str


def value_of_information(
    payoffs: ArrayLike,
    columns: Mapping[str, ArrayLike],
    *,
    method: str = "regression",
    rng: int | np.random.Generator = 0,
) -> Information:
    """Return the expected value of perfect information, and of each parameter's.

    Parameters
    ----------
    payoffs
        (n, r): at each draw of each regime; the draws are equally likely.
    columns
        Parameter -> its n draws. Those that do not vary are left out.
    method
        ``"regression"``: natural cubic splines of the parameter, the number of knots by
        generalized cross-validation. ``"bins"``: the mean within bins that hold equally many
        draws, about the cube root of n of them. Either way a parameter with at most
        :data:`FEW` values has a bin for each.
    rng
        A seed or a generator, for the shuffles and the bootstrap.

    Returns
    -------
    Information

    Raises
    ------
    RequestError
        The method is unknown, a length differs, or there are fewer than 10 draws.

    Notes
    -----
    Estimates from a finite sample are a little high, because the best regime is picked by
    predictions that fit the sample; ``chance`` says by about how much. Values of several
    parameters do not add up: learning both may be worth more or less than the sum.

    References
    ----------
    H. Raiffa and R. Schlaifer (1961), Applied Statistical Decision Theory. M. Strong,
    J. E. Oakley and A. Brennan (2014), Estimating multiparameter partial expected value of
    perfect information from a probabilistic sensitivity analysis sample, Medical Decision
    Making 34, 311-326.

    Examples
    --------
    A bet on the sign of x pays x, staying out nothing; y does not matter:

    >>> x = np.linspace(-1, 1, 200)
    >>> found = value_of_information(
    ...     np.column_stack([x, 0 * x]), {"x": x, "y": np.tile([0.0, 1.0], 100)}
    ... )
    >>> round(found.perfect, 2), [(one.parameter, round(one.value, 2)) for one in found.partial]
    (0.25, [('x', 0.25), ('y', 0.0)])
    """
    table = np.asarray(payoffs, dtype=np.float64)
    if method not in METHODS:
        raise RequestError(f"there is no method {method!r}. {did_you_mean(method, METHODS)}")
    if table.ndim != 2 or not np.isfinite(table).all():
        raise RequestError("payoffs are finite numbers, of shape (draws, regimes)")
    if len(table) < 10:
        raise RequestError(f"{len(table)} draws tell nothing of what information is worth")
    generator = generator_of(rng)
    size = len(table)
    samples = generator.integers(0, size, (RESAMPLES, size))
    orders = np.array([generator.permutation(size) for _ in range(SHUFFLES)])
    perfect = _gain(table)
    spread = np.std([_gain(table[rows]) for rows in samples], ddof=1)
    partial = []
    for name, given in columns.items():
        column = np.asarray(given, dtype=np.float64)
        if column.shape != (size,):
            raise RequestError(f"{name}: {size} draws of payoffs need {size} values")
        if np.ptp(column) > 0:
            partial.append(_partial(name, column, table, method, samples, orders))
    partial.sort(key=lambda one: (-one.value, one.parameter))
    return Information(perfect, float(spread), tuple(partial), method)


def _gain(predicted: Array) -> float:
    """Return how much the best regime at each draw is better than the best one overall."""
    gain = float(predicted.max(axis=1).mean() - predicted.mean(axis=0).max())
    size = float(np.abs(predicted).max(initial=0.0))
    return gain if gain > tolerances.ROUNDING * size else 0.0


def _partial(
    name: str,
    column: Array,
    table: Array,
    method: str,
    samples: NDArray[np.int64],
    orders: NDArray[np.int64],
) -> Partial:
    basis, how = _basis(column, table, method)
    value = _gain(_predicted(basis, table))
    chance = np.mean([_gain(_predicted(basis, table[order])) for order in orders])
    resampled = [_gain(_predicted(basis[rows], table[rows])) for rows in samples]
    # The bootstrap's own upward shift cancels in its spread, which is all that is used.
    return Partial(name, value, float(np.std(resampled, ddof=1)), float(chance), how)


def _predicted(basis: Array, table: Array) -> Array:
    """Return the least-squares predictions; the basis is close to orthonormal."""
    inverse = np.linalg.pinv(basis.T @ basis, hermitian=True)  # a resample may leave a bin empty
    fitted: Array = basis @ (inverse @ (basis.T @ table))
    return fitted


def _basis(column: Array, table: Array, method: str) -> tuple[Array, str]:
    """Return the columns that predict, (n, k), the constant among their combinations."""
    seen = np.unique(column)
    if len(seen) <= FEW:
        return np.asarray(column[:, None] == seen, dtype=np.float64), f"{len(seen)} bins"
    size = len(column)
    if method == "bins":
        count = max(2, round(size ** (1 / 3)))
        cuts = np.quantile(column, np.linspace(0, 1, count + 1)[1:-1])
        at = np.searchsorted(cuts, column)
        made = np.asarray(at[:, None] == np.unique(at), dtype=np.float64)
        return made, f"{made.shape[1]} bins"
    best: tuple[float, Array, int] | None = None
    # What is chosen is a difference of payoffs, so the fit is judged by differences.
    differences = table - table.mean(axis=1, keepdims=True)
    for knots in KNOTS:
        if 3 * knots > size:
            break
        basis = _spline(column, knots)
        left = ((differences - _predicted(basis, differences)) ** 2).sum()
        score = left / (1 - basis.shape[1] / size) ** 2  # Craven and Wahba 1979
        if best is None or score < best[0]:
            best = float(score), basis, knots
    assert best is not None
    return best[1], f"spline with {best[2]} knots"


def _spline(column: Array, count: int) -> Array:
    """Return the natural cubic spline basis with knots at quantiles, (n, count).

    Linear beyond the outer knots (Hastie, Tibshirani and Friedman 2009, sec. 5.2.1).
    """
    unit = (column - column.min()) / np.ptp(column)
    knots = np.unique(np.quantile(unit, np.linspace(0, 1, count)))
    made = [np.ones_like(unit), unit]
    last = knots[-1]

    def bent(knot: float) -> Array:
        cubes = np.maximum(unit - knot, 0) ** 3 - np.maximum(unit - last, 0) ** 3
        curve: Array = cubes / (last - knot)
        return curve

    if len(knots) > 2:
        straight = bent(float(knots[-2]))
        made += [bent(float(knot)) - straight for knot in knots[:-2]]
    return np.asarray(np.linalg.qr(np.column_stack(made))[0])
