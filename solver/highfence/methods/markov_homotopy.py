"""Markov-perfect equilibria without end, along the logit path.

At precision ``lambda`` a *logit Markov equilibrium* has every player choose every action in every
state with a probability proportional to ``exp(lambda Q)``, where ``Q`` is what the action is
worth given the others' play and what follows (quantal response: McKelvey and Palfrey 1995). At
``lambda = 0`` all actions are equally likely. From there leads, in almost all games, a smooth path
to a Markov-perfect equilibrium as ``lambda`` grows without bound: the *principal branch*.

The path is followed by steps along the cubic through its last two points, corrected by Newton's
method within a plane across it, so that it may turn back in ``lambda`` on its way. Unknowns are
log-odds and values. A state's odds meet other states only through values, so they are eliminated
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
from functools import lru_cache
from itertools import chain, pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import MethodFailed
from ..forms.markov import MarkovForm, MarkovProfile
from ..solution import Findings, Finds
from .registry import method

__all__ = ["equilibrium_near", "logit_equilibrium", "markov_homotopy"]

Array = NDArray[np.float64]

_CARE = ((0.9, 0.03), (0.98, 0.01), (0.998, 0.003))
"""Least cosine between the direction in which a step was to lead and where it led, and the error
in log-probability that a step aims at. If the path is lost, which happens where two of its arms
come close, it is begun again with the next."""
_CHUNK = 20
"""Steps between two looks at whether somebody wants to stop."""
_ON_THE_WAY, _LOST = 0, -1


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
    One step costs ``O((N S)^3 + N S^2 prod(a_i))`` and memory ``S^2 prod(a_i)``. Paths of 10
    states take some fifty steps, of 64 states hundreds.

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
        Newton's method starts there, and usually ends after three or four steps. By default,
        and where it does not end, the path is followed from 0; of several points at this
        precision it is the first.

    Raises
    ------
    MethodFailed
        The path was lost, or ``start`` is not of this game or not of full support.

    Examples
    --------
    >>> choice = MarkovForm.from_arrays([[[0.0, 1.0]]], [[[1.0], [1.0]]], 0.9)
    >>> [round(p, 4) for p in logit_equilibrium(choice, 2.0).at(0)[0]]
    [0.1192, 0.8808]
    """
    if game.horizon is not None or not precision >= 0:
        raise MethodFailed("logit_equilibrium takes games without end and a precision from 0")
    path = _Path(game)
    near = None if start is None else path.corrected(path.vector(start), float(precision))
    return path.follow(until=float(precision)) if near is None else near


def equilibrium_near(game: MarkovForm, start: MarkovProfile) -> MarkovProfile:
    """Return the Markov-perfect equilibrium next to a profile, or at the end of the logit path.

    Parameters
    ----------
    game
        A Markov form without end.
    start
        The equilibrium of a neighboring game, say: where the same actions are in use in this
        one, Newton's method ends after three or four steps at an equilibrium in which no
        probability differs by more than 0.05. Where there is none, the path is followed from 0.

    Returns
    -------
    MarkovProfile
        One profile, to a regret of 1e-11 of the payoff scale.

    Raises
    ------
    MethodFailed
        The path was lost, or ``start`` is not of this game.

    Notes
    -----
    The equilibrium next to that at the end of the one game's path need not be the one at the end
    of the other's.

    Examples
    --------
    >>> stay = [[[1.0]] * 2] * 2
    >>> def pennies(stake):
    ...     table = [[[stake, -1], [-1, 1]], [[-1, 1], [1, -1]]]
    ...     return MarkovForm.from_arrays([table], [stay], 0.5)
    >>> old = next(markov_homotopy(pennies(1.0)))
    >>> [round(p, 4) for p in equilibrium_near(pennies(1.1), old).at(0)[1]]
    [0.4878, 0.5122]
    """
    if game.horizon is not None:
        raise MethodFailed("equilibrium_near takes games without end")
    path = _Path(game)
    found = path.ended(path.vector(start))
    return path.follow() if found is None else found


@dataclass(frozen=True)
class _Shape:
    """What games with the same numbers of actions have in common; see the kernel's module."""

    arrays: tuple[Any, ...]
    """``choice``, ``first``, ``cells``, ``owner``, ``lead``."""
    ends: tuple[int, ...]
    """Where the slots of every player in every state begin, and the last ones end."""
    uniform: Array

    @property
    def slots(self) -> int:
        """Return the number of slots."""
        return self.ends[-1]


@lru_cache(maxsize=16)
def _shape(counts: tuple[tuple[int, ...], ...]) -> _Shape:
    players = len(counts[0])
    sizes = np.array(counts, dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(sizes.ravel())])
    begins = ends[:-1].reshape(sizes.shape)
    cells = np.concatenate([[0], np.cumsum([prod(own) for own in counts])]).astype(np.int64)
    choice = [
        np.indices(own).reshape(players, -1).T + begin
        for own, begin in zip(counts, begins, strict=True)
    ]
    repeats = sizes.ravel()
    arrays = (
        np.ascontiguousarray(np.concatenate(choice), dtype=np.int64),
        np.append(begins[:, 0], ends[-1]),
        cells,
        np.repeat(np.tile(np.arange(players), len(counts)), repeats),
        np.repeat(ends[:-1], repeats),
    )
    return _Shape(arrays, tuple(ends.tolist()), np.repeat(1.0 / repeats, repeats))


class _Path:
    """The equations of one game, as :mod:`highfence.kernels.markov` has them."""

    def __init__(self, game: MarkovForm) -> None:
        self.steps = 0
        self.shape = _shape(game.num_actions)
        self.players, self.count = players, count = game.num_players, game.num_states
        table = np.concatenate([own.reshape(players, -1) for own in game.payoffs], axis=1)
        high, low = table.max(axis=1), table.min(axis=1)
        scales = np.where(high > low, high - low, 1.0)
        discounts = np.array(game.discounts, order="C")
        # Payoffs are measured from the middle, so that values stay near 0: with one discount in
        # all states that is a constant in all values, and with several it is another game.
        even = (discounts == discounts[:, :1]).all(axis=1) & (discounts[:, 0] < 1)
        middle = np.where(even, 0.5 * (high + low), 0.0)
        self.equations = (
            np.ascontiguousarray((table - middle[:, None]) / scales[:, None]),
            np.ascontiguousarray(
                np.concatenate([move.reshape(-1, count) for move in game.transitions])
            ),
            *self.shape.arrays,
            discounts,
        )
        self.size = self.shape.slots + players * count + 1

    def follow(self, until: float | None = None) -> MarkovProfile:
        """Return the profile at the end of the path, or where it first reaches a precision."""
        for straight, aim in _CARE:
            found = self._follow(-1.0 if until is None else until, straight, aim)
            if isinstance(found, MarkovProfile):
                return found
        raise MethodFailed(f"{found}; of {len(_CARE)} attempts none reached the end")

    def _follow(self, until: float, straight: float, aim: float) -> MarkovProfile | str:
        """Return the profile at the end, or why there is none."""
        from ..kernels.markov import follow

        if until == 0.0:
            return self.profile(self.shape.uniform)
        point, tangent, earlier, slope = np.zeros((4, self.size))
        found, control = np.empty(self.shape.slots), np.zeros(5)
        begun = self.steps
        while self.steps - begun < limits.MAX_MARKOV_STEPS:
            most = min(_CHUNK, limits.MAX_MARKOV_STEPS - (self.steps - begun))
            told = follow(
                self.equations, point, tangent, earlier, slope, control, most, until, straight,
                aim, found,
            )  # fmt: skip
            self.steps = begun + int(control[3])
            if told > _ON_THE_WAY:
                return self.profile(found)
            if told == _LOST:
                return (
                    f"the logit path was lost at precision {point[-1]:.3g}, "
                    f"after {self.steps} steps"
                )
        return (
            f"the logit path has more than {limits.MAX_MARKOV_STEPS} steps "
            f"(highfence.limits.MAX_MARKOV_STEPS); it was left at precision {point[-1]:.3g}"
        )

    def vector(self, profile: MarkovProfile) -> Array:
        """Return the probabilities of all slots."""
        wanted = [stop - start for start, stop in pairwise(self.shape.ends)]
        if [len(vector) for vector in profile.strategies] != wanted:
            raise MethodFailed("the starting profile is of another game")
        return np.array(list(chain.from_iterable(profile.strategies)), dtype=np.float64)

    def corrected(self, sigma: Array, precision: float) -> MarkovProfile | None:
        """Return the logit equilibrium at a precision that Newton's method finds from a profile."""
        from ..kernels.markov import evaluate, follow

        if not sigma.min() > 0:
            raise MethodFailed("the starting profile is not of full support")
        logs = np.log(sigma)
        point, tangent, earlier, slope = np.zeros((4, self.size))
        point[: len(sigma)] = logs - logs[self.shape.arrays[-1]]
        point[-1] = precision
        found, control = np.empty_like(sigma), np.zeros(5)
        if not evaluate(self.equations, sigma, point[len(sigma) : -1]):
            return None
        told = follow(
            self.equations, point, tangent, earlier, slope, control, 0, precision, 0.0, 0.0, found
        )
        return self.profile(found) if told > _ON_THE_WAY else None

    def ended(self, sigma: Array) -> MarkovProfile | None:
        """Return the equilibrium with the actions in use at a profile, if there is one near."""
        from ..kernels.markov import end_near

        found = np.empty_like(sigma)
        return self.profile(found) if end_near(self.equations, sigma, found) else None

    def profile(self, sigma: Array) -> MarkovProfile:
        """Return the probabilities, grouped by state and player."""
        flat = sigma.tolist()
        strategies = tuple(tuple(flat[a:b]) for a, b in pairwise(self.shape.ends))
        return MarkovProfile(strategies, self.count, self.players)
