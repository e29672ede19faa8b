"""Many games of one shape at once, one answer each: values, what survives dominance, logit play.

Tables have the games on the last axis, as in :mod:`highfence.methods.batch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import MethodFailed, RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .batch import frozen, in_parts, payoff_table
from .logit import logit_profile
from .registry import BATCH, concept
from .zero_sum import zero_sum_lp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = [
    "DominanceAnswers",
    "LogitAnswers",
    "ZeroSumAnswers",
    "eliminate_many",
    "logit_many",
    "zero_sum_many",
]

_PART = 256
"""Games that one task takes."""
_CLEAN = 1e-9
"""Regret, over the payoff scale, up to which a compiled answer is taken."""
_SETTLED = 1e-9
"""Largest difference between probabilities and logit responses that is taken."""
_AIM = 0.15
"""Error of the predictor (in log-probability) that is aimed at."""


@dataclass(frozen=True)
class ZeroSumAnswers:
    """The values of n two-player zero-sum games; arrays are read-only."""

    value: Floats
    """(n,): what the row player wins."""
    x: Floats
    """(n, m): an optimal strategy of the row player; others may be as good."""
    y: Floats
    """(n, k): one of the column player."""
    regret: Floats
    """(n,): what ``y`` lets the row player win at most, less what ``x`` guarantees, over the
    payoff scale; the value lies between the two."""


@concept(
    "zero_sum_many",
    takes="normal: many zero-sum games of two players",
    finds=Finds.ONE,
    source="von Neumann (1928); Bland (1977)",
    call="highfence.methods.batch_values.zero_sum_many",
    use="the values of thousands of games in which one wins what the other loses",
    kind=BATCH,
)
def zero_sum_many(payoffs: ArrayLike, *, workers: int = 1) -> ZeroSumAnswers:
    """Return the value and optimal strategies of many zero-sum games.

    Parameters
    ----------
    payoffs
        (m, k, games), finite: what the row player wins.
    workers
        Threads.

    Raises
    ------
    RequestError
        The shape is not that of games, or a payoff is not finite.
    MethodFailed
        A game could not be solved, by the linear program of ``zero_sum_lp`` either.

    Notes
    -----
    A compiled simplex method; games that it leaves undone are solved by ``zero_sum_lp``. The
    regret is computed from the payoffs, not from the tableau.

    Cost: about ``m + k`` pivots of ``m (m + k)`` operations a game.

    Examples
    --------
    Matching pennies, and a game with a saddle point:

    >>> tables = np.stack([[[1, -1], [-1, 1]], [[3, 2], [1, 0]]], axis=-1)
    >>> found = zero_sum_many(tables)
    >>> found.value.tolist(), found.x.round(9).tolist()
    ([0.0, 2.0], [[0.5, 0.5], [1.0, 0.0]])
    """
    from ..kernels.batch_simplex import solve_zero_sum

    table = np.ascontiguousarray(np.moveaxis(payoff_table(payoffs, 3), -1, 0))
    games, m, k = table.shape
    x, y = np.empty((games, m)), np.empty((games, k))
    most = 20 * (m + k)

    def run(start: int, stop: int) -> int:
        done: int = solve_zero_sum(table, start, stop, most, x, y)
        return done

    in_parts(games, workers, run, _PART)
    value, regret = _values(table, x, y)
    for g in np.flatnonzero(~(regret <= _CLEAN)):
        (profile,) = zero_sum_lp(NormalForm.from_payoffs(np.stack([table[g], -table[g]])))
        x[g], y[g] = profile.floats()
    value, regret = _values(table, x, y)
    if not (regret <= tolerances.REGRET_FLOAT).all():
        worst = int(np.argmax(np.where(np.isfinite(regret), regret, np.inf)))
        raise MethodFailed(f"game {worst} was solved to a regret of {regret[worst]:.2g} only")
    return ZeroSumAnswers(*map(frozen, (value, x, y, regret)))


def _values(table: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return what the strategies give, and the gap between what they guarantee.

    Payoffs are counted from the least, in units of their range: far from 0 a sum of products
    would lose the digits by which they differ.
    """
    low, high = table.min(axis=(1, 2)), table.max(axis=(1, 2))
    half = high / 2 - low / 2
    unit = (table / 2 - low[:, None, None] / 2) / np.where(half > 0, half, 1)[:, None, None]
    rows, columns = np.einsum("gmk,gk->gm", unit, y), np.einsum("gmk,gm->gk", unit, x)
    best, least = rows.max(axis=1), columns.min(axis=1)
    middle = (best + least) / 2
    return low * (1 - middle) + high * middle, np.maximum(best - least, 0)


@dataclass(frozen=True)
class DominanceAnswers:
    """What survives the elimination of strictly dominated strategies in n games; read-only."""

    survives: tuple[NDArray[np.bool_], ...]
    """For each player (n, strategies)."""
    rounds: Integers
    """(n,): rounds in which something was eliminated."""

    @property
    def solvable(self) -> NDArray[np.bool_]:
        """(n,): one strategy of each player is left, which is the only equilibrium."""
        solved: NDArray[np.bool_] = np.all([own.sum(axis=1) == 1 for own in self.survives], axis=0)
        return solved


@concept(
    "eliminate_many",
    takes="normal: many games of one shape",
    finds=Finds.ALL,
    source="Luce & Raiffa (1957), sec. 5.6",
    call="highfence.methods.batch_values.eliminate_many",
    use="which strategies thousands of games leave after dominance by pure strategies",
    kind=BATCH,
)
def eliminate_many(payoffs: ArrayLike, *, workers: int = 1) -> DominanceAnswers:
    """Eliminate strategies that a pure strategy strictly dominates, again and again.

    Parameters
    ----------
    payoffs
        (players, a_0, ..., a_{N-1}, games), finite.
    workers
        Threads.

    Raises
    ------
    RequestError
        The shape is not that of games, or a payoff is not finite.

    Notes
    -----
    Payoffs are compared as they are. The order does not matter for what is left. Dominance by
    mixed strategies, which may eliminate more, is :func:`highfence.concepts.eliminate_dominated`.

    Examples
    --------
    >>> dilemma = np.array([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])[..., None]
    >>> found = eliminate_many(dilemma)
    >>> [own.tolist() for own in found.survives], found.solvable.tolist()
    ([[[False, True]], [[False, True]]], [True])
    """
    from ..kernels.batch_dominance import eliminate_dominated

    table = payoff_table(payoffs, None)
    players, *sizes, games = table.shape
    flat = np.ascontiguousarray(np.moveaxis(table.reshape(players, -1, games), -1, 0))
    alive = np.empty((games, sum(sizes)), np.bool_)
    rounds = np.empty(games, np.int64)
    shape = np.array(sizes, dtype=np.int64)
    in_parts(
        games, workers, lambda a, b: eliminate_dominated(flat, shape, a, b, alive, rounds), _PART
    )
    parts = np.split(alive, np.cumsum(sizes)[:-1], axis=1)
    return DominanceAnswers(
        tuple(frozen(np.ascontiguousarray(own)) for own in parts), frozen(rounds)
    )


@dataclass(frozen=True)
class LogitAnswers:
    """The logit equilibria of n games on their principal branches; arrays are read-only."""

    probabilities: tuple[Floats, ...]
    """For each player (n, strategies); NaN where the branch could not be followed."""
    residual: Floats
    """(n,): largest difference between a probability and the logit response to the others'."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,): the precision was reached."""
        reached: NDArray[np.bool_] = np.isfinite(self.residual)
        return reached


@concept(
    "logit_many",
    takes="normal: many games of one shape",
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1995); Turocy (2005)",
    call="highfence.methods.batch_values.logit_many",
    use="how players who err play thousands of games",
    kind=BATCH,
)
def logit_many(
    payoffs: ArrayLike, precision: float | ArrayLike, *, workers: int = 1
) -> LogitAnswers:
    """Return the logit equilibria of many games at a precision, each on its principal branch.

    Parameters
    ----------
    payoffs
        (players, a_0, ..., a_{N-1}, games), finite, in their own units.
    precision
        Nonnegative, in units of one over payoff; one number, or one for each game.
    workers
        Threads.

    Raises
    ------
    RequestError
        The shape is not that of games, a payoff is not finite, or a precision is negative.

    Notes
    -----
    Where the branch passes the precision several times, the first of them. A game whose branch
    the compiled loop loses is followed once more with smaller steps by
    :func:`highfence.methods.logit.logit_profile`; what that cannot follow is NaN. The residual
    is computed from the payoffs, not from the branch.

    Cost: 10 to 60 steps a game, see :func:`highfence.methods.logit.logit`.

    Examples
    --------
    >>> dilemma = np.array([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])[..., None]
    >>> found = logit_many(dilemma, 1.0)
    >>> found.probabilities[0].round(4).tolist()
    [[0.2268, 0.7732]]
    """
    from ..kernels.batch_logit import logit_points

    table = payoff_table(payoffs, None)
    players, *sizes, games = table.shape
    wanted = np.array(np.broadcast_to(np.asarray(precision, np.float64), games))
    if not (np.isfinite(wanted).all() and (wanted >= 0).all()):
        raise RequestError("precisions are finite numbers, 0 or more")
    flat = np.ascontiguousarray(np.moveaxis(table.reshape(players, -1, games), -1, 0))
    # Halves of payoffs cannot differ by more than a float holds.
    unit = flat / 2 - flat.min(axis=2, keepdims=True) / 2
    scale = unit.max(axis=(1, 2))
    scale[scale == 0] = 0.5
    unit /= scale[:, None, None]
    counts = np.array(sizes, dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    points = np.zeros((games, int(counts.sum()) + 1))
    points[:, :-1] = np.repeat(-np.log(counts), counts)
    targets = wanted * scale * 2
    found = targets == 0
    tangents = np.ones_like(points)
    responses = _deviations(unit, sizes, [np.full((games, n), 1.0 / n) for n in sizes])
    tangents[:, :-1] = np.hstack([own - own.mean(axis=1, keepdims=True) for own in responses])
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    todo = np.flatnonzero(~found)
    if len(todo):
        some = np.ascontiguousarray(unit[todo])
        reached = np.zeros(len(todo), np.bool_)
        own_tangents, own_points, own_targets = tangents[todo], points[todo], targets[todo]

        def run(start: int, stop: int) -> None:
            arguments: list[Any] = [
                some, counts, first, own_targets, start, stop, _AIM, limits.MAX_PATH_STEPS,
                own_tangents, own_points, reached,
            ]  # fmt: skip
            logit_points(*arguments)

        in_parts(len(todo), workers, run, _PART)
        points[todo], found[todo] = own_points, reached
    split = np.split(np.exp(points[:, :-1]), first[1:], axis=1)
    chosen = [own / own.sum(axis=1, keepdims=True) for own in split]
    residual = _residual(unit, sizes, chosen, targets)
    for g in np.flatnonzero(~(found & (residual <= _SETTLED))):
        try:
            profile = logit_profile(NormalForm.from_payoffs(table[..., g]), float(wanted[g]))
        except MethodFailed:
            for own in chosen:
                own[g] = np.nan
            continue
        for own, strategy in zip(chosen, profile.floats(), strict=True):
            own[g] = strategy
    residual = _residual(unit, sizes, chosen, targets)
    return LogitAnswers(
        tuple(frozen(np.ascontiguousarray(own)) for own in chosen), frozen(residual)
    )


def _deviations(flat: Floats, sizes: list[int], chosen: list[Floats]) -> list[Floats]:
    """Return what each pure strategy pays against the others' mixed ones, (n, strategies) each."""
    games = len(flat)
    made = []
    for i in range(len(sizes)):
        values = flat[:, i].reshape(games, *sizes)
        for k in reversed(range(len(sizes))):
            if k != i:
                weights = chosen[k].reshape(games, *(1,) * k, -1, *(1,) * (values.ndim - k - 2))
                values = (values * weights).sum(axis=k + 1, keepdims=k < i)
        made.append(values.reshape(games, sizes[i]))
    return made


def _residual(flat: Floats, sizes: list[int], chosen: list[Floats], wanted: Floats) -> Floats:
    """Return how far probabilities are from the logit responses; NaN where they are undefined."""
    worst = np.zeros(len(flat))
    for own, values in zip(chosen, _deviations(flat, sizes, chosen), strict=True):
        weights = np.exp(wanted[:, None] * (values - values.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        worst = np.maximum(worst, np.abs(weights - own).max(axis=1))
    return worst
