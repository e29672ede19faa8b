"""Logit quantal response equilibria, and the equilibrium at the end of their principal branch.

Definitions
-----------
At *precision* ``r`` (lambda in the literature; in units of one over payoff), a profile is a logit
equilibrium if every player plays every pure strategy with a probability in proportion to
``exp(r u)``, where ``u`` is what it pays against the others' strategies. At precision 0 all play
uniformly. The logit equilibria of a game form curves; the one that starts there is the *principal
branch*. In almost every game it is a smooth curve that leads, as the precision grows, to a single
Nash equilibrium (McKelvey and Palfrey 1995, theorem 3).

The branch is followed in the logarithms of probabilities, so that none is too small to tell from
zero, by steps along the tangent and Newton corrections back (Turocy 2005). The direction of travel
is kept by the angle to the last tangent, not by the sign of a determinant, and a step that turns
by more than 18 degrees is halved: otherwise steps may jump to another branch, or turn back.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import MethodFailed, RequestError
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .registry import concept, method

__all__ = ["LogitFit", "fit_branch", "logit", "logit_profile"]

_CHUNK = 200
"""Steps between two looks at whether somebody wants to stop."""
_FIRST_STEP = 0.1
_AIMS = (0.15, 0.02)
"""Errors of the predictor (in log-probability) that are aimed at: the first, then more careful."""
_FAR = 1e9
"""Precision, with payoffs in [0, 1], at which regret is below what the judge allows.

A logit equilibrium maximizes payoff times precision plus entropy, so that its regret is at most
the logarithm of the number of strategies over the precision.
"""
_IDENTIFY = 1e6
"""Precision from which the strategies that stay are told from those that vanish."""
_ENOUGH = 1e4
"""Precision at which that is tried where the branch cannot be followed further."""
_VANISHING = 1e-9
"""Probability of a strategy that is out of the support at that precision."""
_NEAR = 1e-3
"""How far a polished equilibrium may be from the branch."""
_CLEAN = 1e-11
"""Regret of a polished equilibrium, with payoffs in [0, 1]."""


@method(
    "logit",
    form=NormalForm,
    accepts=lambda game: (
        sum(game.num_strategies) <= limits.MAX_PATH_STRATEGIES
        and game.payoffs.size <= limits.MAX_PATH_CELLS
    ),
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1995); Turocy (2005)",
    domain="any number of players, up to some hundred strategies in all",
    rank=50,
    use="one equilibrium of several players, where all are out of reach",
)
def logit(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield the equilibrium to which the principal branch of logit equilibria leads.

    The branch is followed until the strategies that stay are clear; then Newton steps make
    them equally good. Where they cannot (the branch leads into a continuum of equilibria), it
    is followed until nobody gains more than 1e-8 of their payoff scale.

    Parameters
    ----------
    game
        Each player's payoffs are mapped to [0, 1] first, so that the answer does not depend on
        the units in which they are measured. Where the players' payoff ranges differ, the
        branch is therefore another one than that of the payoffs as they stand, which
        :func:`logit_profile` follows.

    Yields
    ------
    Profile
        In floats.

    Raises
    ------
    MethodFailed
        The branch could not be followed to its end with the steps that are allowed.

    Notes
    -----
    Other equilibria may exist. The principal branch is a smooth curve in almost every game; in
    symmetric ones it may cross other branches, and is then followed straight on.

    A step costs ``O(N prod(a_i) + sum(a_i)^3)`` for ``N`` players with ``a_i`` strategies;
    30 to 100 steps are usual.

    References
    ----------
    R. D. McKelvey and T. R. Palfrey (1995), "Quantal response equilibria for normal form
    games"; T. L. Turocy (2005), "A dynamic homotopy interpretation of the logistic quantal
    response equilibrium correspondence".

    Examples
    --------
    >>> hunt = NormalForm.bimatrix([[9, 0], [8, 7]], symmetric=True)
    >>> [strategy.round(6).tolist() for strategy in next(logit(hunt)).floats()]
    [[0.0, 1.0], [0.0, 1.0]]
    """
    table = np.stack([game.unit_payoffs(player) for player in range(game.num_players)])
    for aim in _AIMS:
        branch = _Branch(table, aim)
        last = None
        for points in branch.run(_IDENTIFY):
            last = points[-1]
        if last is None or last[branch.size] < _ENOUGH:
            continue
        polished = branch.polished(last)
        if polished is None:
            if last[branch.size] < _IDENTIFY:
                continue
            for points in branch.run(_FAR):
                last = points[-1]
            polished = np.exp(last[: branch.size])
            if branch.point[branch.size] < _FAR and branch.regret(polished) > 1e-9:
                continue
        yield Profile.from_weights(*branch.split(polished))
        return Findings(complete=True, notes=("equilibria off the branch were not searched for",))
    raise MethodFailed(
        f"logit: the branch could not be followed beyond precision {branch.point[branch.size]:.3g} "
        f"(payoffs in [0, 1]) in {limits.MAX_PATH_STEPS} steps (highfence.limits.MAX_PATH_STEPS)"
    )


@concept(
    "quantal_response",
    takes="normal: as for logit",
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1995)",
    call="highfence solve GAME --concept logit --precision X",
    use="how players who err play",
)
def logit_profile(form: NormalForm, precision: float) -> Profile:
    """Return the logit equilibrium of the principal branch at a precision.

    Parameters
    ----------
    form
        Payoffs are taken as they stand, in their own units.
    precision
        Nonnegative, in units of one over payoff. 0 is uniform play.

    Returns
    -------
    Profile
        In floats. Where the branch passes the precision several times, the first of them.

    Raises
    ------
    RequestError
        The precision is negative or not finite, or the game is too large.
    MethodFailed
        The branch could not be followed so far.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> [round(float(p), 4) for p in logit_profile(dilemma, 1.0).strategies[0]]
    [0.2268, 0.7732]
    """
    if not (np.isfinite(precision) and precision >= 0):
        raise RequestError(f"precision = {precision!r} is not a finite number, 0 or more")
    table, scale = _in_common_units(form)
    target = precision * scale
    for aim in _AIMS:
        branch = _Branch(table, aim)
        if target == 0:
            return branch.profile(branch.point)
        before = branch.point.copy()
        for points in branch.run(target):
            if points[-1, branch.size] < target:
                before = points[-1, : branch.size + 1].copy()
                continue
            here = points[:, : branch.size + 1]
            k = len(here) - 1
            below = here[k - 1] if k else before
            settled = branch.at_precision(below, here[k], target)
            if settled is not None:
                return branch.profile(settled)
    raise MethodFailed(
        f"logit: the branch could not be followed to precision {precision:.6g}; it came to "
        f"{branch.point[branch.size] / scale:.6g}"
    )


@dataclass(frozen=True)
class LogitFit:
    """The point of the principal branch under which observed play is most likely."""

    precision: float
    """In units of one over payoff; the largest that was looked at if ``at_limit``."""
    log_likelihood: float
    """Of the counts, without the multinomial constant."""
    profile: Profile
    at_limit: bool
    """The likelihood still rose at the largest precision: the data look like exact best play."""


@concept(
    "precision_fit",
    takes="normal: as for logit, with counts of play",
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1995), sec. 5",
    call="highfence solve GAME --concept logit --counts FILE.csv",
    use="how exactly those who were observed play",
)
def fit_branch(form: NormalForm, counts: Sequence[Sequence[float]], most: float) -> LogitFit:
    """Return the point of the principal branch under which counts are most likely.

    Parameters
    ----------
    form
        Payoffs are taken as they stand, in their own units.
    counts
        Per player, how often each pure strategy was observed. Not negative, not all 0.
    most
        Largest precision times the largest payoff range that is looked at.

    Raises
    ------
    RequestError
        The counts do not fit the game, or the game is too large.
    MethodFailed
        The branch could not be followed.

    Notes
    -----
    The likelihood may have several peaks along the branch; every point at which it turns is
    compared. Peaks closer to each other than a step are one.
    """
    weights = _weights(form, counts)
    table, scale = _in_common_units(form)
    branch = _Branch(table, _AIMS[1])
    size = branch.size
    here, slope = branch.point.copy(), branch.tangent.copy()
    best, chosen = float(weights @ here[:size]), here.copy()
    for points in branch.run(most):
        for row in points:
            after, next_slope = row[: size + 1], row[size + 1 :]
            if after[size] > most:  # the last step may go far beyond
                end = branch.at_precision(here, after, most)
                after = after if end is None else end
            rises = float(weights @ slope[:size])
            if rises > 0 >= float(weights @ next_slope[:size]):
                peak = branch.peak(weights, here, slope, after)
                value = float(weights @ peak[:size])
                if value > best:
                    best, chosen = value, peak
            here, slope = after.copy(), next_slope.copy()
        if points[-1, size] >= most:
            break
    if here[size] < most:
        raise MethodFailed(
            f"logit: the branch could not be followed beyond precision {here[size] / scale:.6g}"
        )
    at_limit = float(weights @ here[:size]) >= best - 1e-12 * float(weights.sum())
    if at_limit:
        best, chosen = float(weights @ here[:size]), here
    return LogitFit(float(chosen[size]) / scale, best, branch.profile(chosen), at_limit)


def _weights(form: NormalForm, counts: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    given = tuple(len(row) for row in counts)
    if given != form.num_strategies:
        raise RequestError(
            f"counts of {given} strategies, and the players have {form.num_strategies}. "
            "Give one number per pure strategy of each player"
        )
    weights = np.array([float(count) for row in counts for count in row])
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() == 0:
        raise RequestError("counts must be finite, not negative, and not all 0")
    return weights


def _in_common_units(form: NormalForm) -> tuple[NDArray[np.float64], float]:
    """Return payoffs divided by the largest range of any player, each from 0; and that range."""
    if not (logit.accepts(form)):
        raise RequestError(
            f"{form.title or 'the game'} has {sum(form.num_strategies)} strategies and "
            f"{form.payoffs.size} payoffs; logit equilibria are computed up to "
            f"{limits.MAX_PATH_STRATEGIES} and {limits.MAX_PATH_CELLS} "
            "(highfence.limits.MAX_PATH_STRATEGIES and MAX_PATH_CELLS)"
        )
    try:
        ranges = [float(high - low) for low, high in form.payoff_ranges]
    except OverflowError:
        raise RequestError(
            "payoffs differ by more than a float can hold. Measure them in larger units"
        ) from None
    scale = max(ranges) or 1.0
    units = [form.unit_payoffs(player) * (ranges[player] / scale) for player in range(len(ranges))]
    return np.stack(units), scale


class _Branch:
    """The principal branch of a table of payoffs, (N, a_0, ..., a_(N-1)), from precision 0."""

    def __init__(self, table: NDArray[np.float64], aim: float) -> None:
        self.counts = np.array(table.shape[1:], dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        self.size = int(self.counts.sum())
        self.payoffs = np.ascontiguousarray(table.reshape(len(table), -1))
        self.point = np.append(np.repeat(-np.log(self.counts), self.counts), 0.0)
        values = self.values(np.exp(self.point[:-1]))
        gains = np.concatenate([part - part.mean() for part in self.split(values)])
        self.tangent = np.append(gains, 1.0)
        self.tangent /= np.linalg.norm(self.tangent)
        self.control = np.array([_FIRST_STEP, aim])

    def run(self, until: float) -> Iterator[NDArray[np.float64]]:
        """Yield points, each with its tangent, until the precision or the last step is reached."""
        from ..kernels.logit import follow

        left = limits.MAX_PATH_STEPS
        while left > 0 and self.point[self.size] < until:
            record = np.empty((min(_CHUNK, left), 2 * (self.size + 1)))
            arguments: list[Any] = [
                self.payoffs, self.counts, self.first, self.point, self.tangent, self.control,
                until, 2.0, record,
            ]  # fmt: skip
            done = follow(*arguments)
            left -= len(record)
            if done:
                yield record[:done]
            if self.control[0] < 0:
                return

    def split(self, vector: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the parts of a vector over all strategies, one per player."""
        return np.split(vector, self.first[1:])

    def profile(self, point: NDArray[np.float64]) -> Profile:
        """Return the probabilities at a point."""
        return Profile.from_weights(*self.split(np.exp(point[: self.size])))

    def values(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each pure strategy pays against the others' probabilities."""
        from ..kernels.indifference import deviations

        values = np.empty(self.size)
        deviations(
            self.payoffs, self.counts, self.first, p, values, np.empty((self.size, self.size))
        )
        return values

    def regret(self, p: NDArray[np.float64]) -> float:
        """Return the largest gain of any player from any pure strategy."""
        parts = zip(self.split(p), self.split(self.values(p)), strict=True)
        return max(float(values.max() - own @ values / own.sum()) for own, values in parts)

    def polished(self, point: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the equilibrium next to a point whose support is what stays, if there is one."""
        from ..kernels.indifference import polish

        near = np.exp(point[: self.size])
        support = near > _VANISHING
        p = np.where(support, near, 0.0)
        told = np.empty(4)
        polish(self.payoffs, self.counts, self.first, support, 30, p, told)
        fine = (
            told[0] < 1e-9
            and abs(told[1]) > 1e-12
            and told[2] < _CLEAN
            and p.min() >= 0
            and np.abs(p - near).max() < _NEAR
        )
        return p if fine else None

    def at_precision(
        self, below: NDArray[np.float64], above: NDArray[np.float64], target: float
    ) -> NDArray[np.float64] | None:
        """Return the point of a precision between two neighbors on the branch."""
        from ..kernels.logit import settle

        share = (target - below[self.size]) / (above[self.size] - below[self.size])
        point: NDArray[np.float64] = below + share * (above - below)
        point[self.size] = target
        guess = point.copy()
        moved = settle(self.payoffs, self.counts, self.first, point, 30)
        # Far from where the chord says it is, the point may be one of another branch.
        slack = 1e-9 + np.abs(above - below)[: self.size].max()
        if moved < 1e-9 and np.abs(point - guess)[: self.size].max() <= slack:
            return point
        # Where branches cross the equations are singular, but the chord may be exact.
        return guess if self.is_settled(guess) else None

    def is_settled(self, point: NDArray[np.float64]) -> bool:
        """Return whether probabilities are the logit responses to each other."""
        p = np.exp(point[: self.size])
        parts = zip(self.split(p), self.split(self.values(p)), strict=True)
        for own, values in parts:
            weights = np.exp(point[self.size] * (values - values.max()))
            if np.abs(own - weights / weights.sum()).max() > 1e-12:
                return False
        return True

    def peak(
        self,
        weights: NDArray[np.float64],
        below: NDArray[np.float64],
        slope: NDArray[np.float64],
        above: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the point between two neighbors at which the likelihood is largest."""
        best = max((below, above), key=lambda point: float(weights @ point[: self.size]))
        low, high = below, above
        golden = (5**0.5 - 1) / 2
        a, b = 0.0, 1.0

        def at(share: float) -> NDArray[np.float64] | None:
            target = low[self.size] + share * (high[self.size] - low[self.size])
            return self.at_precision(low, high, target)

        if not high[self.size] > low[self.size]:  # the branch turns back here
            return best
        while b - a > 1e-10:
            c, d = b - golden * (b - a), a + golden * (b - a)
            first, second = at(c), at(d)
            if first is None or second is None:
                return best
            if weights @ first[: self.size] >= weights @ second[: self.size]:
                b, found = d, first
            else:
                a, found = c, second
            if weights @ found[: self.size] >= weights @ best[: self.size]:
                best = found
        return best
