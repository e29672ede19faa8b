"""Equilibria in pure strategies, for any number of players.

A pure profile is an equilibrium if every player's strategy is a best response to the
others'. The payoff table of a player, reduced along the player's own axis to its maximum,
is compared with itself: one pass per player over the whole table.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .registry import method

__all__ = ["pure_enumeration"]


@method(
    "pure_enumeration",
    form=NormalForm,
    finds=Finds.ALL,
    exact=True,
    source="Nash (1951); Shoham & Leyton-Brown (2009), sec. 3.3",
    domain="any number of players; all of the equilibria in pure strategies, no mixed ones",
    rank=20,
    use="every pure equilibrium, whatever the number of players",
    pure_alone=True,
)
def pure_enumeration(game: NormalForm) -> Generator[Profile, None, Findings]:
    """Yield all equilibria in pure strategies.

    Every pure profile is tested against every unilateral deviation, for all profiles at
    once. Exact payoffs are compared exactly, also where their floats are equal.

    Parameters
    ----------
    game
        Any game in strategic form.

    Yields
    ------
    Profile
        Exact, in lexicographic order of the strategies' indices.

    Returns
    -------
    Findings
        Always complete for pure strategies. It proves that there is no equilibrium only
        for a single player; a game of several always has one, maybe mixed.

    Notes
    -----
    Time ``O(N prod(a_i))`` for ``N`` players with ``a_i`` strategies.

    Examples
    --------
    >>> hunt = NormalForm.bimatrix([[4, 1], [3, 2]], symmetric=True)
    >>> [profile.supports for profile in pure_enumeration(hunt)]
    [((0,), (0,)), ((1,), (1,))]
    """
    stable = np.ones(game.num_strategies, dtype=bool)
    for player in range(game.num_players):
        stable &= _best_responses(game, player)
    for choice in np.argwhere(stable):
        yield Profile.pure(game, choice.tolist())
    if stable.any():
        note = "equilibria in mixed strategies were not searched for"
    else:
        note = (
            "no pure profile is an equilibrium (all were checked); "
            "mixed strategies were not searched"
        )
    return Findings(complete=True, notes=(note,) if game.num_players > 1 else ())


def _best_responses(game: NormalForm, player: int) -> NDArray[np.bool_]:
    """Return where the player's pure strategy is a best response to the others'."""
    table = game.payoffs[player]
    best: NDArray[np.bool_] = table == table.max(axis=player, keepdims=True)
    if game.exact is None:
        return best
    # Rounding keeps order, so exact best responses are among the float ones; only where
    # those are several do the exact payoffs decide.
    for place in np.argwhere(best.sum(axis=player) > 1):
        line = (*place[:player].tolist(), slice(None), *place[player:].tolist())
        exact = game.exact[player][line]
        best[line] = exact == exact.max()
    return best
