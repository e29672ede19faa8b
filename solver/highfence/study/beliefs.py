"""Sets of beliefs about draws: how bad can an expected payoff be, and which mixture bears it best?

A *belief* is a probability for each of n draws. An ambiguity set holds the beliefs q within
a radius of a reference w (the empirical weights, by default):

- ``kl``: the likelihood ball, sum q log(q / w) <= radius; largest useful radius -log(min w);
- ``chi2``: sum (q - w)^2 / w <= radius; largest useful radius 1 / min w - 1;
- ``wasserstein``: moving probability from one draw to another costs the distance between
  them, and the whole transport costs radius at most; largest useful radius the largest distance.

At radius 0 a set holds the reference alone, at the largest useful radius every belief.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import MethodFailed, RequestError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

__all__ = ["BALLS", "Ball", "Mixture", "distances_between", "mixture_over", "worst_mixture"]

BALLS = ("kl", "chi2", "wasserstein")
"""The kinds of ambiguity sets."""

HALVINGS = 200
"""Steps of a bisection; floats are exhausted before."""
CUTS = 500
"""Beliefs that the search for the best mixture collects."""
KEPT = 16
"""Payoffs of which a Wasserstein ball remembers where probability moves."""
BLOCK = 1_000_000
"""Pairs of draws that are looked at together."""
GAP = 1e-6
"""Gap to which mixtures are certified, as a share of the range of payoffs."""


@dataclass(frozen=True)
class Mixture:
    """A probability for each regime, and how good it is."""

    weights: Array
    """(r,): sums to 1."""
    value: float
    """What the mixture is certain to attain: the least payoff, or the largest regret."""
    gap: float
    """How much better any mixture could be at most; a proof that it is optimal."""
    belief: Array
    """(n,): a belief over the draws against which no mixture does better than value and gap."""


class Ball:
    """The beliefs within any radius of a reference.

    Parameters
    ----------
    kind
        One of :data:`BALLS`.
    weights
        (n,): the reference, positive; made to sum to 1.
    distances
        (n, n): of draws, for ``wasserstein``; zero on the diagonal, nonnegative.

    Raises
    ------
    RequestError
        The kind is unknown, weights are not positive numbers, or distances are missing or wrong.
    """

    def __init__(self, kind: str, weights: ArrayLike, distances: ArrayLike | None = None) -> None:
        if kind not in BALLS:
            raise RequestError(f"there is no set of beliefs {kind!r}. {did_you_mean(kind, BALLS)}")
        made = np.array(weights, dtype=np.float64)
        if made.ndim != 1 or not len(made) or not (np.isfinite(made) & (made > 0)).all():
            raise RequestError("weights of draws are positive numbers, one for each draw")
        self.kind = kind
        self.weights: Array = made / made.sum()
        self.distances = None
        if kind == "wasserstein":
            table = None if distances is None else np.array(distances, dtype=np.float64)
            size = len(made)
            if table is None or table.shape != (size, size) or not (table >= 0).all():
                raise RequestError(f"wasserstein needs distances of shape ({size}, {size}), >= 0")
            if np.diag(table).any():
                raise RequestError("the distance of a draw from itself is 0")
            self.distances = table
        self._curves: dict[bytes, tuple[Array, Array]] = {}
        self._found: dict[bytes, tuple[Array, Array, NDArray[np.int64]]] = {}
        self._nearest: NDArray[np.int32] | None = None
        """(n, n): per draw, all draws by their distance; the same whatever they pay."""

    @property
    def largest(self) -> float:
        """The radius at which the set holds every belief."""
        if self.kind == "kl":
            return float(-np.log(self.weights.min()))
        if self.kind == "chi2":
            return float(1 / self.weights.min() - 1)
        assert self.distances is not None
        return float(self.distances.max())

    def worst(self, payoffs: ArrayLike, radius: float) -> float:
        """Return the least expected payoff over the beliefs within the radius.

        Parameters
        ----------
        payoffs
            (n,): at each draw.
        radius
            At least 0.

        Notes
        -----
        By the dual of the problem, in one variable: exponential tilting for ``kl``, linear
        tilting cut off at 0 for ``chi2``; for ``wasserstein`` probability moves along the
        steepest way down first, which is the linear program's optimum. Cost O(n); for
        ``wasserstein`` O(n^2 log n) the first time, and O(n^2) for other payoffs after that.

        References
        ----------
        A. Ben-Tal, D. den Hertog, A. De Waegenaere, B. Melenberg and G. Rennen (2013), Robust
        solutions of optimization problems affected by uncertain probabilities, Management
        Science 59, 341-357. P. Mohajerin Esfahani and D. Kuhn (2018), Data-driven
        distributionally robust optimization using the Wasserstein metric, Mathematical
        Programming 171, 115-166.
        """
        u = self._checked(payoffs, radius)
        if self.kind == "wasserstein":
            costs, values = self._curve(u)
            return float(np.interp(radius, costs, values))
        return float(self.belief(u, radius) @ u)

    def belief(self, payoffs: ArrayLike, radius: float) -> Array:
        """Return a belief within the radius at which the expected payoff is least."""
        u = self._checked(payoffs, radius)
        spread = float(np.ptp(u))
        if self.kind == "wasserstein":
            return self._transported(u, radius)
        if radius == 0 or spread == 0:
            return self.weights.copy()
        unit = (u - u.min()) / spread
        tilted, distance = (
            (self._exponential, self._likelihood)
            if self.kind == "kl"
            else (self._linear, self._chi_square)
        )
        # The tilt runs from 0 (the reference) to infinity (the worst draws alone).
        low, high = 0.0, 1.0
        while distance(tilted(unit, high)) < radius:
            low, high = high, 2 * high
            if high > 1e18:  # the set holds the belief in the worst draws
                return tilted(unit, np.inf)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if distance(tilted(unit, middle)) < radius:
                low = middle
            else:
                high = middle
        return tilted(unit, low)

    def _checked(self, payoffs: ArrayLike, radius: float) -> Array:
        u = np.asarray(payoffs, dtype=np.float64)
        if u.shape != self.weights.shape or not np.isfinite(u).all():
            raise RequestError(f"payoffs are {len(self.weights)} finite numbers, one for each draw")
        if not radius >= 0:
            raise RequestError(f"a radius of {radius:g} is below 0. Give 0 or more")
        return u

    def _exponential(self, unit: Array, tilt: float) -> Array:
        if np.isinf(tilt):
            return self._worst_draws(unit)
        made: Array = self.weights * np.exp(-tilt * unit)  # unit >= 0 with a 0 in it
        return _normal(made)

    def _linear(self, unit: Array, tilt: float) -> Array:
        """Return weights that fall linearly with the payoff, cut off at 0."""
        if np.isinf(tilt):
            return self._worst_draws(unit)
        made: Array = self.weights * np.maximum(1 - tilt * unit, 0)
        return _normal(made)

    def _worst_draws(self, unit: Array) -> Array:
        made: Array = self.weights * (unit <= 0)
        return _normal(made)

    def _likelihood(self, belief: Array) -> float:
        held = belief > 0
        return float((belief[held] * np.log(belief[held] / self.weights[held])).sum())

    def _chi_square(self, belief: Array) -> float:
        return float(((belief - self.weights) ** 2 / self.weights).sum())

    # -- Wasserstein ---------------------------------------------------------------------------

    def _moves(self, u: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        """Return the ways down, steepest first: costs, gains, and rows of (draw, from, to)."""
        assert self.distances is not None
        key = u.tobytes()
        if key in self._found:
            return self._found[key]
        costs: list[float] = []
        gains: list[float] = []
        ways: list[tuple[int, int, int]] = []
        weights, payoff = self.weights.tolist(), u.tolist()
        for i, targets, far in self._lower(u):
            at, gone = i, 0.0
            for target, distance in _hull(targets, far, payoff):
                if payoff[target] < payoff[at]:  # not where a draw like this one pays the same
                    costs.append(weights[i] * (distance - gone))
                    gains.append(weights[i] * (payoff[at] - payoff[target]))
                    ways.append((i, at, target))
                    at, gone = target, distance
        cost, gain = np.array(costs), np.array(gains)
        with np.errstate(divide="ignore"):
            steep = np.argsort(-(gain / cost), kind="stable") if len(cost) else np.array([], int)
        while len(self._found) >= KEPT:
            self._found.pop(next(iter(self._found)))
        found = np.array(ways, dtype=np.int64).reshape(-1, 3)[steep]
        self._found[key] = cost[steep], gain[steep], found
        return self._found[key]

    def _lower(self, u: Array) -> Iterator[tuple[int, list[int], list[float]]]:
        """Yield, per draw, the draws that pay less than all that are as near: they, and how far.

        The draw itself comes first. Of draws that are equally far only the lowest is there.
        """
        assert self.distances is not None
        if self._nearest is None:
            self._nearest = np.argsort(self.distances, axis=1, kind="stable").astype(np.int32)
        size = len(u)
        step = max(1, BLOCK // size)
        for start in range(0, size, step):
            nearest = self._nearest[start : start + step]
            falls = np.minimum.accumulate(u[nearest], axis=1)
            lower = np.ones(falls.shape, dtype=bool)
            lower[:, 1:] = falls[:, 1:] < falls[:, :-1]
            rows, places = np.nonzero(lower)
            targets = nearest[rows, places]
            far = self.distances[start + rows, targets]
            last = np.ones(len(rows), dtype=bool)
            last[:-1] = (rows[1:] > rows[:-1]) | (far[1:] > far[:-1])
            rows, targets, far = rows[last], targets[last], far[last]
            ends = np.searchsorted(rows, np.arange(len(nearest) + 1)).tolist()
            each, away = targets.tolist(), far.tolist()
            for row, (first, end) in enumerate(pairwise(ends)):
                yield start + row, each[first:end], away[first:end]

    def _curve(self, u: Array) -> tuple[Array, Array]:
        """Return the corners of the least expected payoff as a function of the radius."""
        key = u.tobytes()
        if key not in self._curves:
            cost, gain, _ = self._moves(u)
            costs = np.concatenate([[0.0], np.cumsum(cost)])
            values = self.weights @ u - np.concatenate([[0.0], np.cumsum(gain)])
            free = costs == 0  # moves between draws that are one cost nothing
            start = int(free.sum()) - 1
            self._curves[key] = costs[start:], values[start:]
            if len(self._curves) > 64:
                self._curves.pop(next(iter(self._curves)))
        return self._curves[key]

    def _transported(self, u: Array, radius: float) -> Array:
        cost, _, ways = self._moves(u)
        belief = self.weights.copy()
        left = radius
        for price, (draw, source, target) in zip(cost.tolist(), ways.tolist(), strict=True):
            part = 1.0 if price <= left else left / price
            belief[source] -= part * self.weights[draw]
            belief[target] += part * self.weights[draw]
            left -= part * price
            if part < 1:
                break
        return np.maximum(belief, 0.0)


def _normal(weights: Array) -> Array:
    made: Array = weights / weights.sum()
    return made


def _hull(
    targets: Sequence[int], far: Sequence[float], payoff: Sequence[float]
) -> Iterator[tuple[int, float]]:
    """Yield the targets on the lower convex hull of (distance, payoff), by distance."""
    kept: list[tuple[int, float, float]] = []
    for target, distance in zip(targets, far, strict=True):
        low = payoff[target]
        while len(kept) > 1:
            (_, x, y), (_, along, down) = kept[-2:]
            if (down - y) * (distance - x) - (low - y) * (along - x) < 0:
                break
            kept.pop()
        kept.append((target, distance, low))
    for target, distance, _ in kept:
        yield target, distance


def distances_between(columns: Mapping[str, ArrayLike]) -> Array:
    """Return the distance of every two draws: the mean share of its range that a parameter moves.

    Parameters
    ----------
    columns
        Parameter -> its n draws. Parameters that do not vary are left out.

    Returns
    -------
    array, shape (n, n)
        Between 0 and 1; a radius of 0.05 moves every parameter by 5 percent of its range on
        average.

    Raises
    ------
    RequestError
        Nothing varies, or the table is more than :data:`highfence.limits.MAX_SAMPLES` numbers.
    """
    table = [np.asarray(column, dtype=np.float64) for column in columns.values()]
    varying = [(column - column.min()) / np.ptp(column) for column in table if np.ptp(column) > 0]
    if not varying:
        raise RequestError("draws that do not differ have no distances")
    size = len(varying[0])
    if size * size > limits.MAX_SAMPLES:
        raise RequestError(
            f"distances between {size} draws are more numbers than MAX_SAMPLES = "
            f"{limits.MAX_SAMPLES}. Ask for fewer draws"
        )
    made = np.zeros((size, size))
    for column in varying:
        made += np.abs(column[:, None] - column[None, :])
    return np.asarray(made / len(varying))


# ---------------------------------------------------------------------------------------------
# Mixtures


def worst_mixture(table: ArrayLike, *, largest: bool = False) -> Mixture:
    """Return the mixture of regimes whose least payoff over all draws is greatest.

    Parameters
    ----------
    table
        (n, r): payoff at each draw of each regime, finite.
    largest
        The table holds losses (regrets): the mixture whose largest one is least.

    Raises
    ------
    MethodFailed
        The LP backend fails, or its answer is not optimal to :data:`GAP`.

    Notes
    -----
    A linear program in r + 1 variables with a constraint for each draw; its multipliers are a
    belief over the draws, and prove the answer: no mixture has a better expected payoff against
    it. That is checked with the backend's numbers put aside.

    References
    ----------
    L. J. Savage (1951), The theory of statistical decision, Journal of the American Statistical
    Association 46, 55-67 (minimax regret).

    Examples
    --------
    >>> found = worst_mixture([[0, 3], [3, 0]])
    >>> found.weights.round(6).tolist(), round(found.value, 6)
    ([0.5, 0.5], 1.5)
    """
    given = np.asarray(table, dtype=np.float64)
    if given.ndim != 2 or not given.size or not np.isfinite(given).all():
        raise RequestError("payoffs are finite numbers, of shape (draws, regimes)")
    signed = -given if largest else given
    scale = float(np.ptp(signed)) or 1.0
    unit = (signed - signed.min()) / scale
    weights, belief = _program(unit)
    attained = float((unit @ weights).min())
    gap = float((belief @ unit).max()) - attained
    if not gap <= GAP:
        raise MethodFailed(f"the best mixture is certified to {gap:.1e} only, not to {GAP:.0e}")
    value = float((given @ weights).max() if largest else (given @ weights).min())
    return Mixture(_fixed(weights), value, max(gap, 0.0) * scale, _fixed(belief))


def _program(unit: Array) -> tuple[Array, Array]:
    """Return the weights that maximize the least of ``unit @ weights``, and the multipliers."""
    import cvxpy

    cp: Any = cvxpy
    weights, least = cp.Variable(unit.shape[1], nonneg=True), cp.Variable()
    floors = unit @ weights >= least
    program = cp.Problem(cp.Maximize(least), [floors, cp.sum(weights) == 1])
    try:
        program.solve(solver=cp.HIGHS)
    except cp.error.SolverError as error:
        raise MethodFailed(f"the best mixture: LP backend failed: {error}") from error
    if program.status != cp.OPTIMAL:
        raise MethodFailed(f"the best mixture: LP backend reported {program.status!r}")
    return _shares(weights.value), _shares(np.atleast_1d(floors.dual_value))


def _shares(found: Any) -> Array:
    """Return nonnegative numbers that sum to one; backends return -1e-9 for 0."""
    made = np.clip(np.asarray(found, dtype=np.float64), 0.0, None)
    made[made < 1e-9 * made.max()] = 0.0
    total = made.sum()
    if not total > 0:
        raise MethodFailed("the best mixture: LP backend returned no weights")
    return np.asarray(made / total)


def _fixed(array: Array) -> Array:
    array.setflags(write=False)
    return array


def mixture_over(table: ArrayLike, ball: Ball, radius: float) -> Mixture:
    """Return the mixture whose expected payoff over a set of beliefs is greatest at its worst.

    Parameters
    ----------
    table
        (n, r): payoff at each draw of each regime.
    ball, radius
        The beliefs.

    Raises
    ------
    MethodFailed
        The LP backend fails, or after :data:`CUTS` beliefs the answer is not optimal to
        :data:`GAP`.

    Notes
    -----
    Cutting planes: the mixture that is best against the beliefs collected so far is the
    linear program of :func:`worst_mixture`; the belief that is worst for it joins them, until
    the two values meet.

    References
    ----------
    J. E. Kelley (1960), The cutting-plane method for solving convex programs, Journal of the
    SIAM 8, 703-712. I. Gilboa and D. Schmeidler (1989), Maxmin expected utility with non-unique
    prior, Journal of Mathematical Economics 18, 141-153.
    """
    payoffs = np.asarray(table, dtype=np.float64)
    scale = float(np.ptp(payoffs)) or 1.0
    beliefs = [ball.belief(payoffs[:, k], radius) for k in range(payoffs.shape[1])]
    beliefs.append(ball.weights)
    best: tuple[float, Array] | None = None
    for _ in range(CUTS):
        expected = np.array([belief @ payoffs for belief in beliefs])
        found = worst_mixture(expected)
        against = ball.belief(payoffs @ found.weights, radius)
        attained = float(against @ payoffs @ found.weights)
        if best is None or attained > best[0]:
            best = attained, found.weights
        bound = found.value + found.gap
        if bound - best[0] <= GAP * scale:
            belief = np.tensordot(found.belief, np.array(beliefs), axes=1)
            gap = max(bound - best[0], 0.0)
            return Mixture(_fixed(best[1].copy()), best[0], gap, _fixed(belief))
        beliefs.append(against)
    raise MethodFailed(f"the best mixture over {ball.kind} beliefs: {CUTS} cuts were not enough")
