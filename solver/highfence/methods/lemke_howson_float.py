"""One equilibrium of a large bimatrix game, by short Lemke-Howson paths in floats.

Definitions are those of :mod:`highfence.methods.lemke_howson`. The lengths of the paths of one
game differ by orders of magnitude, and which of them is short cannot be told before. So labels
are dropped by turns, each path is given up after a few pivots, and the number of these doubles
once all labels had their turn: the work is then within a small factor of what the best such rule
needs. Ties are broken lexicographically, as in exact arithmetic.

References
----------
Lemke and Howson (1964); Codenotti, De Rossi and Pagan (2008), "An experimental analysis of
Lemke-Howson algorithm": paths of different labels, and giving up long ones.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .lemke_howson import lemke_howson
from .registry import method

__all__ = ["lemke_howson_float", "path_end"]

Array = NDArray[np.float64]

_FIRST = 16
"""Pivots after which the first round of labels gives up; 8 to 32 took least on random games."""
_SOUND = 1e-10
"""Largest regret, with payoffs mapped to [0, 1], of the end of a path that kept its digits."""


@method(
    "lemke_howson_float",
    form=NormalForm,
    accepts=lambda game: game.num_players == 2,
    finds=Finds.ONE,
    source="Lemke & Howson (1964); Codenotti, De Rossi & Pagan (2008)",
    domain="two players",
    rank=18,
    use="one equilibrium of two players with hundreds of strategies",
)
def lemke_howson_float(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield one equilibrium of a two-player game: the end of a short Lemke-Howson path.

    Parameters
    ----------
    game
        A game of two players.

    Yields
    ------
    Profile
        In floats. Where rounding broke the paths, the first one of the exact method instead.

    Returns
    -------
    Findings
        Not complete where neither floats nor the exact method came to an end within
        ``limits.MAX_FLOAT_PIVOTS`` and ``limits.MAX_PIVOTS`` pivots.

    Notes
    -----
    A pivot costs ``O(m n)``. Random games of 300 strategies a player take some hundred pivots;
    there are games on which all paths are exponentially long (Savani and von Stengel 2006).

    Examples
    --------
    >>> pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    >>> [strategy.round(9).tolist() for strategy in next(lemke_howson_float(pennies)).floats()]
    [[0.5, 0.5], [0.5, 0.5]]
    """
    row, column = game.unit_payoffs(0), game.unit_payoffs(1)
    paths = _Paths(row, column)
    pivots, left = 0, limits.MAX_FLOAT_PIVOTS
    most = _FIRST
    while left > 0:
        for label in range(sum(game.num_strategies)):
            found, used = paths.end(label, min(most, left))
            pivots, left = pivots + used, left - used
            if found is not None:
                yield Profile.from_weights(*found)
                note = f"the end of the path of label {label}, after {pivots} pivots on all paths"
                return Findings(complete=True, notes=(note, "others were not searched for"))
            if left <= 0:
                break
        most *= 2
    spent = f"{limits.MAX_FLOAT_PIVOTS} pivots in floats (highfence.limits.MAX_FLOAT_PIVOTS)"
    for profile in lemke_howson.function(game):
        yield profile
        return Findings(complete=True, notes=(f"found in exact arithmetic, after {spent}",))
    return Findings(complete=False, notes=(f"no Lemke-Howson path came to its end in {spent}",))


def path_end(
    row: Array, column: Array, label: int, most: int
) -> tuple[tuple[Array, Array] | None, int]:
    """Return the strategies at the end of one path, and the pivots that were spent.

    Parameters
    ----------
    row, column
        (m, n): payoffs of the two players, mapped to [0, 1].
    label
        Which one to drop: rows first, then columns.
    most
        Pivots after which to give up.

    Returns
    -------
    strategies
        None if the path was given up, or rounding left an end that is no equilibrium.
    pivots
        How many.
    """
    return _Paths(row, column).end(label, most)


class _Paths:
    """The paths of one game: its tableaus are made once, and copied for each path."""

    def __init__(self, row: Array, column: Array) -> None:
        self.row, self.column = row, column
        m, n = row.shape
        self.first = np.empty((m, n + 1)), np.empty((n, m + 1))
        for table, payoffs in zip(self.first, (row, column.T), strict=True):
            np.add(payoffs, 1.0, out=table[:, :-1])
            table[:, -1] = 1.0
        self.spare = np.empty((m, n + 1)), np.empty((n, m + 1))

    def end(self, label: int, most: int) -> tuple[tuple[Array, Array] | None, int]:
        """Return what :func:`path_end` returns."""
        from ..kernels.lemke_howson import follow

        for spare, first in zip(self.spare, self.first, strict=True):
            np.copyto(spare, first)
        x, y = (np.empty(count) for count in self.row.shape)
        pivots = follow(*self.spare, label, most, x, y)
        if pivots < 0:
            return None, most
        x /= x.sum()
        y /= y.sum()
        against_x, against_y = x @ self.column, self.row @ y
        regret = max(against_x.max() - against_x @ y, against_y.max() - x @ against_y)
        return ((x, y) if regret <= _SOUND else None), pivots
