"""Markov-perfect equilibria without end, along the logit path.

At precision ``lambda`` a *logit Markov equilibrium* has every player choose every action in every
state with a probability proportional to ``exp(lambda Q)``, where ``Q`` is what the action is
worth given the others' play and what follows (quantal response: McKelvey and Palfrey 1995). At
``lambda = 0`` all actions are equally likely. From there leads, in almost all games, a smooth path
to a Markov-perfect equilibrium as ``lambda`` grows without bound: the *principal branch*.

The path is followed by steps along its tangent, corrected by Newton's method within a plane
across it, so that it may turn back in ``lambda`` on its way. Unknowns are log-probabilities and
values. A state's log-probabilities meet other states only through values, so they are eliminated
state by state, and what is left is one linear system with a row per player and state. As the
path nears its end, the actions in use are read off it, and Newton's method on their indifference
and the Bellman equations ends at the equilibrium itself.

References
----------
Eibelshäuser and Poensgen (2019), "Markov quantal response equilibrium and a homotopy method for
computing and selecting Markov perfect equilibria of dynamic stochastic games"; Turocy (2005), "A
dynamic homotopy interpretation of the logistic quantal response equilibrium correspondence",
Games and Economic Behavior 51; Herings and Peeters (2004), "Stationary equilibria in stochastic
games: structure, selection, and computation", Journal of Economic Theory 118.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import MethodFailed
from ..forms.markov import MarkovForm, MarkovProfile
from ..solution import Findings, Finds
from .registry import method

__all__ = ["logit_equilibrium", "markov_homotopy"]

Array = NDArray[np.float64]

_NEAR = 1e-2
"""Regret on the path below which Newton's method on the actions in use is tried."""
_CLOSE = 0.05
"""Largest change of a probability by that: more would be another equilibrium."""
_EXACT = 1e-11
"""Regret, over the payoff scale, at which the equilibrium is reached."""
_CORRECTED = 1e-9
"""Residual at which a point counts as on the path."""
_STRAIGHT = (0.9, 0.98, 0.998)
"""Least cosine between consecutive tangents; a sharper turn is taken in smaller steps. If the path
is lost, which happens where two of its arms come close, it is begun again with the next."""
_STRAY = 0.5
"""Largest correction of a step, over its length: with more it may end on another arm."""


@method(
    "markov_homotopy",
    form=MarkovForm,
    accepts=lambda game: game.horizon is None,
    finds=Finds.ONE,
    source="Eibelshäuser & Poensgen (2019); Turocy (2005)",
    domain="dynamic games without end, any number of players",
    rank=40,
    use="a game on states without end, moves at once or mixed",
)
def markov_homotopy(game: MarkovForm) -> Generator[MarkovProfile, None, Findings]:
    """Yield one stationary Markov-perfect equilibrium: the end of the logit path.

    Parameters
    ----------
    game
        A Markov form without end.

    Yields
    ------
    MarkovProfile
        One profile, to a regret of 1e-11 of the payoff scale.

    Returns
    -------
    Findings
        Complete; other equilibria are not searched for.

    Raises
    ------
    MethodFailed
        The path was lost, or is longer than ``limits.MAX_MARKOV_STEPS`` steps.

    Notes
    -----
    One step costs ``O((N S)^3)`` and memory ``S^2 prod(a_i)``. Paths of 10 states take some
    hundred steps, of 64 states thousands.

    Examples
    --------
    >>> stay = [[[1.0]] * 2] * 2
    >>> pennies = MarkovForm.from_arrays([[[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]], [stay], 0.5)
    >>> next(markov_homotopy(pennies)).at(0)
    ((0.5, 0.5), (0.5, 0.5))
    """
    path = _Path(game)
    yield path.follow()
    note = (
        "the equilibrium at the end of the logit path from uniform play was followed "
        f"({path.steps} steps); others were not searched for"
    )
    return Findings(complete=True, notes=(note,))


def logit_equilibrium(
    game: MarkovForm, precision: float, start: MarkovProfile | None = None
) -> MarkovProfile:
    """Return the logit Markov equilibrium at a precision, in units of 1 / payoff scale.

    Parameters
    ----------
    game
        A Markov form without end.
    precision
        ``lambda``, from 0: errors cost ``1 / lambda`` of the player's payoff scale.
    start
        A profile with all probabilities positive, near the answer (of a neighboring game, say):
        Newton's method starts there, and usually ends after three or four steps. By default
        the path is followed from 0; of several points at this precision it is the first.

    Raises
    ------
    MethodFailed
        The path was lost, or Newton's method from ``start`` did not converge.

    Examples
    --------
    >>> choice = MarkovForm.from_arrays([[[0.0, 1.0]]], [[[1.0], [1.0]]], 0.9)
    >>> [round(p, 4) for p in logit_equilibrium(choice, 2.0).at(0)[0]]
    [0.1192, 0.8808]
    """
    if game.horizon is not None or not precision >= 0:
        raise MethodFailed("logit_equilibrium takes games without end and a precision from 0")
    path = _Path(game)
    if start is None:
        return path.follow(until=float(precision))
    return path.correct_from(start, float(precision))


@dataclass
class _Point:
    beta: Array
    values: Array
    lam: float

    def flat(self) -> Array:
        return np.concatenate([self.beta, self.values.ravel(), [self.lam]])


class _Lost(Exception):
    """The path could not be followed further; the message says where."""


class _Path:
    """The equations of one game, in slots and cells; see :mod:`highfence.kernels.markov`."""

    def __init__(self, game: MarkovForm) -> None:
        self.game = game
        self.steps = 0
        counts = game.num_actions
        self.players, self.count = game.num_players, game.num_states
        self.scales = game.scales
        sizes = [sum(own) for own in counts]
        self.first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.cells = np.concatenate([[0], np.cumsum([int(np.prod(own)) for own in counts])]).astype(
            np.int64
        )
        owner, lead, choice, payoffs, where = [], [], [], [], []
        for s, own in enumerate(counts):
            begin = self.first[s] + np.concatenate([[0], np.cumsum(own)])[:-1]
            for i, size in enumerate(own):
                owner += [i] * size
                lead += [int(begin[i])] * size
            choice.append(np.indices(own).reshape(self.players, -1).T + begin)
            payoffs.append(game.payoffs[s].reshape(self.players, -1) / self.scales[:, None])
            where += [s] * len(choice[-1])
        self.owner = np.array(owner, dtype=np.int64)
        self.lead = np.array(lead, dtype=np.int64)
        self.state = np.repeat(np.arange(self.count), sizes)
        self.choice = np.ascontiguousarray(np.concatenate(choice), dtype=np.int64)
        # A player's payoffs are measured from the middle, so values stay near 0.
        table = np.concatenate(payoffs, axis=1)
        self.middle = 0.5 * (table.max(axis=1) + table.min(axis=1))
        self.payoffs = table - self.middle[:, None]
        self.moves = np.ascontiguousarray(
            np.concatenate([m.reshape(-1, self.count) for m in game.transitions])
        )
        self.discount = np.array(game.discounts)
        self.cell_discount = self.discount[:, np.array(where)]
        slots = len(owner)
        self.q = np.empty(slots)
        self.dq = np.empty((slots, max(sizes)))
        self.reach = np.empty((slots, self.count))
        width = self.players * self.count + 2
        self.local = np.empty((slots, width))
        self.schur = np.empty((width - 2, width))

    # -------------------------------------------------------------- the equations

    def expect(self, sigma: Array, values: Array) -> None:
        """Bring ``q``, ``dq`` and ``reach`` up to date."""
        from ..kernels.markov import expect

        worth = self.payoffs + self.cell_discount * (values @ self.moves.T)
        expect(
            sigma, worth, self.moves, self.choice, self.first, self.cells, self.q, self.dq,
            self.reach,
        )  # fmt: skip

    def linearize(self, point: _Point) -> float:
        """Bring the reduced system up to date; return the largest residual."""
        from ..kernels.markov import reduce_states

        sigma = np.exp(np.minimum(point.beta, 50.0))
        self.expect(sigma, point.values)
        reduce_states(
            point.beta, sigma, point.values, point.lam, self.q, self.dq, self.reach,
            self.discount, self.first, self.owner, self.lead, self.local, self.schur,
        )  # fmt: skip
        totals = np.zeros(len(sigma))
        np.add.at(totals, self.lead, sigma)
        gaps = (
            point.beta - point.beta[self.lead] - point.lam * (self.q - self.q[self.lead])
        ) / max(1.0, point.lam)
        earned = np.zeros((self.players, self.count))
        np.add.at(earned, (self.owner, self.state), sigma * self.q)
        return float(
            max(
                np.abs(totals[self.lead] - 1).max(),
                np.abs(gaps).max(),
                np.abs(point.values - earned).max() / (1 + np.abs(point.values).max()),
            )
        )

    def solve(self, row: Array, right: float, with_residual: bool) -> Array:
        """Return the step that the linearized equations and ``row @ step = right`` give."""
        slots, rest = len(self.owner), self.players * self.count
        system = np.empty((rest + 1, rest + 1))
        goal = np.zeros(rest + 1)
        system[:rest] = self.schur[:, : rest + 1]
        system[rest] = row[slots:] - row[:slots] @ self.local[:, : rest + 1]
        goal[rest] = right
        if with_residual:
            goal[:rest] = -self.schur[:, -1]
            goal[rest] += row[:slots] @ self.local[:, -1]
        outer = np.linalg.solve(system, goal)
        inner = -self.local[:, : rest + 1] @ outer
        if with_residual:
            inner -= self.local[:, -1]
        return np.concatenate([inner, outer])

    def moved(self, point: _Point, step: Array) -> _Point:
        """Return the point a step further."""
        slots = len(self.owner)
        return _Point(
            point.beta + step[:slots],
            point.values + step[slots:-1].reshape(self.players, self.count),
            point.lam + float(step[-1]),
        )

    def correct(self, point: _Point, row: Array, most: int = 6) -> tuple[_Point, int] | None:
        """Return the point of the path in the plane across ``row``, and the Newton steps taken."""
        before = np.inf
        for step in range(most + 1):
            residual = self.linearize(point)
            if residual <= _CORRECTED:
                return point, step
            if not np.isfinite(residual) or (step > 1 and residual >= 0.5 * before):
                return None
            before = residual
            try:
                change = self.solve(row, 0.0, True)
            except np.linalg.LinAlgError:
                return None
            point = self.moved(point, change)
        return None

    # -------------------------------------------------------------- the path

    def start(self) -> _Point:
        """Return the point at precision 0: uniform play and what it is worth."""
        sizes = np.bincount(self.lead, minlength=len(self.lead))[self.lead]
        uniform = 1.0 / sizes
        self.expect(uniform, np.zeros((self.players, self.count)))
        values = np.empty((self.players, self.count))
        for i in range(self.players):
            earned, moved = np.zeros(self.count), np.zeros((self.count, self.count))
            own = self.owner == i
            np.add.at(earned, self.state[own], (uniform * self.q)[own])
            np.add.at(moved, self.state[own], (uniform[:, None] * self.reach)[own])
            system = np.eye(self.count) - self.discount[i][:, None] * moved
            values[i] = np.linalg.solve(system, earned)
        return _Point(np.log(uniform), values, 0.0)

    def follow(self, until: float | None = None) -> MarkovProfile:
        """Return the profile at the end of the path, or where it first reaches a precision."""
        for straight in _STRAIGHT:
            try:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    return self._follow(until, straight)
            except np.linalg.LinAlgError as error:
                lost = f"the logit path met a singular system ({error})"
            except _Lost as error:
                lost = str(error)
        raise MethodFailed(f"{lost}; of {len(_STRAIGHT)} attempts none reached the end")

    def _follow(self, until: float | None, straight: float) -> MarkovProfile:
        point = self.start()
        self.linearize(point)
        row = np.zeros(len(self.owner) + self.players * self.count + 1)
        row[-1] = 1.0
        if until == 0.0:
            return self.profile(np.exp(point.beta))
        tangent = self.solve(row, 1.0, False)
        tangent /= np.linalg.norm(tangent)
        size, tried = 0.1, 0.0
        begun = self.steps
        while self.steps - begun < limits.MAX_MARKOV_STEPS:
            self.steps += 1
            ahead = self.moved(point, size * tangent)
            if until is not None and ahead.lam >= until:
                ahead = self.moved(point, (until - point.lam) / tangent[-1] * tangent)
                found = self.correct(ahead, row)
                if found is not None:
                    return self.profile(np.exp(found[0].beta))
                size *= 0.5
                continue
            found = self.correct(ahead, tangent)
            if found is not None:
                turned = self.solve(tangent, 1.0, False)
                turned /= np.linalg.norm(turned)
                strayed = np.linalg.norm(found[0].flat() - ahead.flat()) > _STRAY * size
                if not turned @ tangent >= straight or found[0].lam < 0 or strayed:  # NaN too
                    found = None
            if found is None:
                size *= 0.4
                if size < 1e-10:
                    raise _Lost(
                        f"the logit path was lost at precision {point.lam:.3g}, "
                        f"after {self.steps} steps"
                    )
                continue
            point, tangent = found[0], turned
            size *= 2.0 if found[1] <= 3 else 1.2 if found[1] == 4 else 0.8
            if until is None and point.lam > 1.3 * tried:
                sigma = np.exp(point.beta)
                if self.regret(sigma) < _NEAR:
                    tried = point.lam
                    end = self.polish(sigma, point.values)
                    if end is not None:
                        return self.profile(end)
                    self.linearize(point)
        raise _Lost(
            f"the logit path has more than {limits.MAX_MARKOV_STEPS} steps "
            f"(highfence.limits.MAX_MARKOV_STEPS); it was left at precision {point.lam:.3g}"
        )

    def correct_from(self, start: MarkovProfile, precision: float) -> MarkovProfile:
        """Return the logit equilibrium at a precision that Newton's method finds from a profile."""
        sigma = np.concatenate([np.array(vector, dtype=float) for vector in start.strategies])
        if len(sigma) != len(self.owner) or sigma.min() <= 0:
            raise MethodFailed("the starting profile is of another game, or not of full support")
        values = self.game.values(start) / self.scales[:, None]
        values -= self._offset()
        row = np.zeros(len(self.owner) + self.players * self.count + 1)
        row[-1] = 1.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = self.correct(_Point(np.log(sigma), values, precision), row, most=30)
        if found is None:
            raise MethodFailed(f"Newton's method found no logit equilibrium at {precision:g}")
        return self.profile(np.exp(found[0].beta))

    def _offset(self) -> Array:
        """Return what measuring payoffs from the middle takes off values: a constant per stage."""
        # The value of getting ``middle`` in every stage depends on the discounts met, so only a
        # discount that is the same in all states has a closed form; a Newton start needs no more.
        low = np.minimum(self.discount.max(axis=1), 1 - 1e-9)
        return np.broadcast_to((self.middle / (1 - low))[:, None], (self.players, self.count))

    # -------------------------------------------------------------- the end

    def regret(self, sigma: Array) -> float:
        """Return the largest gain of one deviation at the values that ``expect`` last saw."""
        best = np.full(len(sigma), -np.inf)
        np.maximum.at(best, self.lead, self.q)
        earned = np.zeros(len(sigma))
        np.add.at(earned, self.lead, sigma * self.q)
        heads = np.unique(self.lead)
        return float((best - earned)[heads].max())

    def polish(self, sigma: Array, values: Array) -> Array | None:
        """Return the equilibrium with the actions in use at ``sigma``, if there is one near."""
        best = np.full(len(sigma), -np.inf)
        np.maximum.at(best, self.lead, sigma)
        for least in (1e-2, 1e-3, 1e-4):
            used = sigma >= least * best[self.lead]
            end = self._on_support(sigma, values, used)
            if end is not None and np.abs(end - sigma).max() <= _CLOSE:
                return end
        return None

    def _on_support(self, sigma: Array, values: Array, used: NDArray[np.bool_]) -> Array | None:
        """Solve for equal worth of the used actions, by Newton's method."""
        slots = np.flatnonzero(used)
        counts = np.bincount(self.lead[slots], minlength=len(sigma))
        mixed = slots[counts[self.lead[slots]] > 1]
        x = np.where(used, sigma, 0.0)
        totals = np.zeros(len(sigma))
        np.add.at(totals, self.lead, x)
        x /= totals[self.lead]
        values = values.copy()
        rest = self.players * self.count
        before = np.inf
        for _ in range(12):
            self.expect(x, values)
            earned = np.zeros((self.players, self.count))
            np.add.at(earned, (self.owner, self.state), x * self.q)
            # Unknowns: probabilities of mixed slots, values. Every mixed slot's own equation is
            # that it is worth the player's value; the first of a player's has the sum instead,
            # and with the Bellman equation the rest follows.
            size = len(mixed) + rest
            system, right = np.zeros((size, size)), np.zeros(size)
            place = {int(m): k for k, m in enumerate(mixed)}
            head: dict[int, int] = {}
            for k, m in enumerate(mixed):
                group = int(self.lead[m])
                i, s = int(self.owner[m]), int(self.state[m])
                if group not in head:
                    head[group] = int(m)
                    same = mixed[self.lead[mixed] == group]
                    system[k, [place[int(c)] for c in same]] = 1.0
                    right[k] = 1.0 - x[same].sum()
                    continue
                lead = head[group]
                for c in mixed[self.state[mixed] == s]:
                    system[k, place[int(c)]] = (
                        self.dq[m, c - self.first[s]] - self.dq[lead, c - self.first[s]]
                    )
                columns = slice(len(mixed) + i * self.count, len(mixed) + (i + 1) * self.count)
                system[k, columns] = self.discount[i, s] * (self.reach[m] - self.reach[lead])
                right[k] = -(self.q[m] - self.q[lead])
            for i in range(self.players):
                own = self.owner == i
                moved = np.zeros((self.count, self.count))
                np.add.at(moved, self.state[own], (x[:, None] * self.reach)[own])
                rows = slice(len(mixed) + i * self.count, len(mixed) + (i + 1) * self.count)
                system[rows, rows] = np.eye(self.count) - self.discount[i][:, None] * moved
                right[rows] = earned[i] - values[i]
            for c in mixed:
                s, column = int(self.state[c]), place[int(c)]
                for m in range(self.first[s], self.first[s + 1]):
                    row = len(mixed) + int(self.owner[m]) * self.count + s
                    system[row, column] -= x[m] * self.dq[m, c - self.first[s]]
                system[len(mixed) + int(self.owner[c]) * self.count + s, column] -= self.q[c]
            residual = float(np.abs(right).max()) if size else 0.0
            if residual <= 1e-13 * (1 + np.abs(values).max()) or residual >= 0.9 * before:
                break
            before = residual
            try:
                step = np.linalg.solve(system, right)
            except np.linalg.LinAlgError:
                return None
            x[mixed] += step[: len(mixed)]
            values += step[len(mixed) :].reshape(self.players, self.count)
            if not np.isfinite(values).all():
                return None
        self.expect(x, values)
        if x.min() < -1e-13 or np.abs(x - sigma).max() > _CLOSE:
            return None
        x = np.maximum(x, 0.0)
        earned = np.zeros((self.players, self.count))
        np.add.at(earned, (self.owner, self.state), x * self.q)
        if np.abs(earned - values).max() > 1e-12 * (1 + np.abs(values).max()):
            return None
        return x if self.regret(x) <= _EXACT * (1 + np.abs(values).max()) else None

    def profile(self, sigma: Array) -> MarkovProfile:
        """Return the probabilities, grouped by state and player."""
        ends = [*np.unique(self.lead).tolist(), len(sigma)]
        strategies = []
        for start, stop in pairwise(ends):
            vector = sigma[start:stop] / sigma[start:stop].sum()
            strategies.append(tuple(float(p) for p in vector))
        return MarkovProfile(tuple(strategies), self.count, self.players)
