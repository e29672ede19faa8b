"""Several equilibria of games of any size, along paths of games with bonuses.

Definitions
-----------
Let every strategy pay a *bonus*, ``r`` times a number drawn at random for it. If ``r`` is large,
bonuses decide: the game has one equilibrium, and it is pure. The equilibria of all these games
form, in almost every direction of bonuses, smooth curves that cross ``r = 0`` in equilibria of
the game itself (Govindan and Wilson 2003). The curve that comes from the single equilibrium at
large ``r`` ends in that at ``-r``, so it crosses an odd number of times.

Unknown are not the probabilities but ``z``: strategy ``a`` of player ``i`` has probability
``max(z_a - c_i, 0)``, where ``c_i`` makes them sum to one (Kohlberg and Mertens 1986). In these
coordinates an equilibrium satisfies ``z = p(z) + v(p(z)) + r g``, with what strategies pay, ``v``,
and bonuses ``g``: smooth as long as nobody takes up or drops a strategy, and where somebody does,
the curve goes on with the new support.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .logit import logit
from .registry import method

__all__ = ["global_newton"]

Array = NDArray[np.float64]

_SEED = 20_030_110
"""Of the bonuses: any will do, and the same one gives the same answer."""
_SAME = 1e-6
"""Difference of probabilities up to which two equilibria are the same one."""
_SIGN = 1e-10
"""How far a coordinate may be on the wrong side of a boundary, as rounding."""
_CLEAN = 1e-9
"""Regret of what is yielded, with payoffs in [0, 1]."""
_STEPS = 1_000
"""Steps of one path; most take fewer than 100."""
_CAUTION = (0.1, 0.01)
"""How far a point may be from where the tangent led, over the step: at first, then if a path came
back to where it was, which no path does that is followed rightly."""


@method(
    "global_newton",
    form=NormalForm,
    accepts=lambda game: (
        sum(game.num_strategies) <= limits.MAX_PATH_STRATEGIES
        and game.payoffs.size <= limits.MAX_PATH_CELLS
    ),
    finds=Finds.SOME,
    source="Govindan & Wilson (2003)",
    domain="any number of players, up to some hundred strategies in all",
    rank=55,
    use="several equilibria of several players, where all are out of reach",
)
def global_newton(game: NormalForm, *, rays: int = 10) -> Generator[Profile, None, Findings]:
    """Yield the equilibria that paths of games with bonuses meet.

    Each path comes from a random direction of bonuses, and is followed to its other end, through
    all equilibria of the game on it.

    Parameters
    ----------
    game
        Each player's payoffs are mapped to [0, 1] first, so that the answer does not depend on
        the units in which they are measured.
    rays
        How many directions are tried.

    Yields
    ------
    Profile
        In floats, each once, in the order in which they are met.

    Returns
    -------
    Findings
        Complete if every path came to its other end. Paths of other directions may meet more.

    Raises
    ------
    MethodFailed
        Nothing was found, and the logit branch could not be followed either.

    Notes
    -----
    Where payoffs tie, equilibria may form continua, at which paths stop. If none was met, the
    end of the logit branch is yielded.

    A step costs ``O(N^3 prod(a_i) + sum(a_i)^3)`` for ``N`` players with ``a_i`` strategies.

    References
    ----------
    S. Govindan and R. Wilson (2003), "A global Newton method to compute Nash equilibria";
    E. Kohlberg and J.-F. Mertens (1986), "On the strategic stability of equilibria".

    Examples
    --------
    >>> battle = NormalForm.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> found = list(global_newton(battle))
    >>> sorted(round(float(profile.strategies[0][0]), 6) for profile in found)
    [0.0, 0.666667, 1.0]
    """
    paths = _Paths(game)
    rng = np.random.default_rng(_SEED)
    seen: list[Array] = []
    unfinished = 0
    for _ in range(rays):
        for p in paths.follow(rng.random(paths.size)):
            if all(np.abs(p - other).max() > _SAME for other in seen):
                seen.append(p)
                yield Profile.from_weights(*paths.split(p))
        unfinished += not paths.ended
    notes = [f"met on paths of {rays} random directions; others may meet more"]
    if unfinished:
        notes.append(f"{unfinished} of {rays} paths could not be followed to their end")
    if not seen:
        yield from logit(game)
        notes.append("the equilibrium listed is the one to which the logit branch leads")
    return Findings(complete=not unfinished, notes=tuple(notes))


class _Stuck(Exception):
    """A path cannot be followed any further."""


class _Paths:
    """The paths of one game."""

    def __init__(self, game: NormalForm) -> None:
        table = np.stack([game.unit_payoffs(player) for player in range(game.num_players)])
        self.counts = np.array(game.num_strategies, dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        self.size = int(self.counts.sum())
        self.payoffs = np.ascontiguousarray(table.reshape(len(table), -1))
        self.owner = np.repeat(np.arange(len(table)), self.counts)
        self.bonus = np.zeros(self.size)
        self.support = np.zeros(self.size, dtype=bool)
        self.changed = 0
        self.caution = _CAUTION[0]
        self.ended = False
        """The last path that was followed came to its other end."""

    def split(self, vector: Array) -> list[Array]:
        """Return the parts of a vector over all strategies, one per player."""
        return np.split(vector, self.first[1:])

    def follow(self, bonus: Array) -> Iterator[Array]:
        """Yield the equilibria on the path of one direction."""
        self.bonus = bonus
        sorted_parts = [np.sort(part) for part in self.split(bonus) if len(part) > 1]
        gaps = [float(np.diff(part)[[0, -1]].min()) for part in sorted_parts]
        far = 1.0 + 1.0 / min(gaps, default=1.0)
        for self.caution in _CAUTION:
            met: list[Array] = []
            try:
                for p in self._crossings(far):
                    if any(np.abs(p - other).max() < _SAME for other in met):
                        raise _Stuck
                    met.append(p)
                    yield p
            except _Stuck:
                self.ended = False
                continue
            self.ended = True
            return

    def _crossings(self, far: float) -> Iterator[Array]:
        """Yield the equilibria on the path from the far end, as they are met."""
        self.support = np.concatenate([part == part.max() for part in self.split(self.bonus)])
        pure = self.support.astype(np.float64)
        point = np.append(pure + self.values(pure)[0] + far * self.bonus, far)
        tangent = -np.append(self.bonus, 1.0)
        tangent /= float(np.linalg.norm(tangent))
        length = 0.1 * far
        for _ in range(_STEPS):
            if abs(point[-1]) > far and tangent[-1] * point[-1] > 0:
                return
            after, turned, length = self.step(point, tangent, length)
            if point[-1] * after[-1] <= 0 and point[-1] != after[-1]:
                yield from self.crossing(point, after)
            if turned is None:  # a strategy is taken up or dropped
                turned = self.enter(after, self.changed)
            point, tangent = after, turned
        raise _Stuck

    def step(
        self, point: Array, tangent: Array, length: float
    ) -> tuple[Array, Array | None, float]:
        """Return the next point, its tangent, and the next step's length.

        Where the support changes at the point, there is no tangent yet, ``changed`` is the
        strategy, and ``support`` is still the old one.
        """
        here = self.margins(point)
        while True:
            if length < 1e-12 * (1.0 + abs(point[-1])):
                raise _Stuck
            guess = point + length * tangent
            trial = self.corrected(guess, tangent)
            turned = None if trial is None else self.tangent(trial, tangent)
            if trial is None or turned is None or self.is_astray(guess, trial, length):
                length *= 0.5
                continue
            there = self.margins(trial)
            wrong = np.flatnonzero(np.where(self.support, there < 0, there > 0))
            if not len(wrong):
                return trial, turned, length * (2.0 if turned @ tangent > 0.995 else 1.0)
            apart = here[wrong] - there[wrong]
            shares = here[wrong] / np.where(apart == 0, 1.0, apart)
            nearest = int(np.argmin(shares))
            guess = point + shares[nearest] * (trial - point)
            met = self.boundary(guess, int(wrong[nearest]))
            if (
                met is not None
                and not self.is_astray(guess, met, length)
                and self.is_inside(met, int(wrong[nearest]))
            ):
                self.changed = int(wrong[nearest])
                return met, None, length
            length *= 0.5

    def is_astray(self, guess: Array, found: Array, length: float) -> bool:
        """Return whether a point is too far from a guess to be surely on the same path."""
        return float(np.linalg.norm(found - guess)) > self.caution * length

    def is_inside(self, point: Array, but: int) -> bool:
        """Return whether all strategies but one are on the right side of their boundary."""
        margins = self.margins(point)
        right = np.where(self.support, margins >= -_SIGN, margins <= _SIGN)
        right[but] = True
        return bool(right.all())

    def enter(self, point: Array, strategy: int) -> Array:
        """Return the tangent behind a boundary, where a strategy changes sides."""
        self.support[strategy] = not self.support[strategy]
        slope = np.append(self.margin_slope(strategy), 0.0)
        matrix = np.vstack([self.slopes(point), slope])
        side = 1.0 if self.support[strategy] else -1.0
        turned = _solved(matrix, np.append(np.zeros(self.size), side))
        if turned is None:
            raise _Stuck
        return turned / float(np.linalg.norm(turned))

    def crossing(self, before: Array, after: Array) -> Iterator[Array]:
        """Yield the equilibrium of the game itself between two points of the path."""
        share = before[-1] / (before[-1] - after[-1])
        point = before + share * (after - before)
        point[-1] = 0.0
        for _ in range(20):
            move = _solved(self.slopes(point)[:, :-1], self.residual(point))
            if move is None:
                return
            point[:-1] -= move
            if np.abs(move).max() < 1e-14:
                break
        p = np.clip(self.probabilities(point), 0.0, None)
        p = np.concatenate([part / part.sum() for part in self.split(p)])
        values = self.values(p)[0]
        parts = zip(self.split(p), self.split(values), strict=True)
        if max(float(v.max() - own @ v) for own, v in parts) <= _CLEAN:
            yield p

    def values(self, p: Array) -> tuple[Array, Array]:
        """Return what each pure strategy pays against the others', and its slopes."""
        from ..kernels.indifference import deviations

        values, slopes = np.empty(self.size), np.empty((self.size, self.size))
        deviations(self.payoffs, self.counts, self.first, np.ascontiguousarray(p), values, slopes)
        return values, slopes

    def margins(self, point: Array) -> Array:
        """Return by how much each coordinate is above the player's cut: the probability, if so."""
        z = point[:-1]
        inside = np.where(self.support, z, 0.0)
        sums = np.add.reduceat(inside, self.first)
        sizes = np.add.reduceat(self.support.astype(np.int64), self.first)
        cut: Array = (sums - 1.0) / sizes
        return z - cut[self.owner]

    def margin_slope(self, strategy: int) -> Array:
        """Return the slopes of one margin in the coordinates."""
        mine = (self.owner == self.owner[strategy]) & self.support
        slope: Array = mine / -float(mine.sum())
        slope[strategy] += 1.0
        return slope

    def probabilities(self, point: Array) -> Array:
        """Return the probabilities at a point, on the support that is followed."""
        return np.where(self.support, self.margins(point), 0.0)

    def residual(self, point: Array) -> Array:
        """Return by how much the equations are missed."""
        p = self.probabilities(point)
        made: Array = p + self.values(p)[0] + point[-1] * self.bonus - point[:-1]
        return made

    def slopes(self, point: Array) -> Array:
        """Return the slopes of the equations, (size, size + 1)."""
        pairs = self.owner[:, None] == self.owner[None, :]
        both = pairs & self.support[:, None] & self.support[None, :]
        spread = np.diag(self.support.astype(np.float64)) - both / np.maximum(
            both.sum(axis=1, keepdims=True), 1
        )
        _, across = self.values(self.probabilities(point))
        inner = spread + across @ spread - np.eye(self.size)
        return np.column_stack([inner, self.bonus])

    def tangent(self, point: Array, before: Array) -> Array | None:
        """Return the unit tangent in the direction of the last one."""
        found = _solved(
            np.vstack([self.slopes(point), before]), np.append(np.zeros(self.size), 1.0)
        )
        return None if found is None else found / float(np.linalg.norm(found))

    def corrected(self, trial: Array, tangent: Array) -> Array | None:
        """Return the point of the path next to a guess."""
        return self._newton(trial, tangent, 0.0)

    def boundary(self, trial: Array, strategy: int) -> Array | None:
        """Return the point of the path at which a strategy is taken up or dropped."""
        slope = np.append(self.margin_slope(strategy), 0.0)
        return self._newton(trial, slope, float(self.margins(trial)[strategy]))

    def _newton(self, trial: Array, row: Array, off: float) -> Array | None:
        """Solve the equations together with one more that is linear and now off by ``off``."""
        before = np.inf
        for _ in range(10):
            right = np.append(self.residual(trial), off)
            move = _solved(np.vstack([self.slopes(trial), row]), right)
            if move is None:
                return None
            moved = float(np.abs(move).max()) / (1.0 + abs(trial[-1]))
            if moved > 0.5 * before and before < 1e-12:
                return trial
            if not moved < 1.0 or moved > 0.9 * before:
                return None
            trial, before, off = trial - move, moved, 0.0
            if moved < 1e-14:
                return trial
        return None


def _solved(matrix: Array, right: Array) -> Array | None:
    try:
        found: Array = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None
