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
_STEPS = 1_000
"""Steps of one path; most take fewer than 100."""
_AT_ONCE = 20
"""Steps after which whoever interrupts is heard."""
_ROOM = 500
"""Equilibria on one path that there is room for."""
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


class _Paths:
    """The paths of one game."""

    def __init__(self, game: NormalForm) -> None:
        table = np.stack([game.unit_payoffs(player) for player in range(game.num_players)])
        self.counts = np.array(game.num_strategies, dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        self.size = int(self.counts.sum())
        self.payoffs = np.ascontiguousarray(table.reshape(len(table), -1))
        self.ended = False
        """The last path that was followed came to its other end."""

    def split(self, vector: Array) -> list[Array]:
        """Return the parts of a vector over all strategies, one per player."""
        return np.split(vector, self.first[1:])

    def follow(self, bonus: Array) -> Iterator[Array]:
        """Yield the equilibria on the path of one direction, as they are met."""
        from ..kernels.global_newton import ENDED, GOING, begin, follow

        sorted_parts = [np.sort(part) for part in self.split(bonus) if len(part) > 1]
        gaps = [float(np.diff(part)[[0, -1]].min()) for part in sorted_parts]
        far = 1.0 + 1.0 / min(gaps, default=1.0)
        met = np.empty((_ROOM, self.size))
        for caution in _CAUTION:
            point, tangent = np.empty(self.size + 1), np.empty(self.size + 1)
            support, stride = np.empty(self.size, dtype=bool), np.array([0.1 * far])
            begin(self.payoffs, self.counts, self.first, bonus, far, point, tangent, support)
            count = np.zeros(1, np.int64)
            status, taken = GOING, 0
            while status == GOING and taken < _STEPS:
                steps, before = min(_AT_ONCE, _STEPS - taken), int(count[0])
                status = follow(
                    self.payoffs, self.counts, self.first, bonus, far, caution, steps, point,
                    tangent, support, stride, met, count,
                )  # fmt: skip
                taken += steps
                yield from met[before : count[0]].copy()
            self.ended = status == ENDED
            if self.ended:
                return
