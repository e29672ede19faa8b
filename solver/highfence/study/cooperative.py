"""Cooperative games: who brings about what a group does together.

A game gives every coalition of n players a value. A coalition is a number whose bit i says
whether player i is in it, and a game is the column of the values of all 2^n coalitions; several
games (d draws) are several columns. A value may be missing, and is NaN then.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

__all__ = ["Shares", "averaged", "interaction_indices", "kept", "paths", "shapley_values"]


@dataclass(frozen=True)
class Shares:
    """What players of a cooperative game contribute, in each of d draws."""

    values: Array
    """(n, d): contribution of each player; NaN where no order of the players is defined."""
    orders: Array
    """(d,): share of the n! orders in which every coalition on the way has a value."""


def shapley_values(worth: ArrayLike) -> Shares:
    """Return the Shapley value of a cooperative game, by enumeration.

    Parameters
    ----------
    worth
        (2^n,) or (2^n, d): the value of every coalition, in each of d games. The coalition of
        row k holds the players whose bits are set in k. NaN: the coalition has no value.

    Returns
    -------
    Shares
        ``values`` sum to ``worth[-1] - worth[0]`` over the players, in every game.

    Raises
    ------
    RequestError
        The number of rows is not a power of two.

    Notes
    -----
    A player's value is what they add to those before them, averaged over all orders of the
    players. Where coalitions have no value, the average is over the orders in which all on the
    way have one; ``orders`` says how many of all these are. The sum is the total all the same.
    Cost O(n 2^n d).

    References
    ----------
    L. S. Shapley (1953), A value for n-person games, Annals of Mathematics Studies 28.

    Examples
    --------
    One left glove and two right ones; a pair is worth 1:

    >>> gloves = [0, 0, 0, 1, 0, 1, 0, 1]
    >>> [round(float(share), 4) for share in shapley_values(gloves).values[:, 0]]
    [0.6667, 0.1667, 0.1667]
    """
    table = table_of(worth)
    before, after = paths(~np.isnan(table))
    shares, _, _ = averaged(table, table, before, after)
    complete = factorial(players_of(table))
    return Shares(kept(shares), kept(before[-1] / complete))


def table_of(worth: ArrayLike) -> Array:
    """Return the values as a new (2^n, d)."""
    table = np.array(worth, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or len(table) < 2 or len(table) & (len(table) - 1):
        raise RequestError(
            f"values of coalitions have the shape {table.shape}; write 2^n rows, n players"
        )
    return table


def players_of(table: Array) -> int:
    """Return n."""
    return len(table).bit_length() - 1


def paths(defined: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the number of orders that lead to each coalition, and from it to the full one.

    Only orders on which every coalition is defined count.
    """
    players = len(defined).bit_length() - 1
    numbers = np.arange(len(defined))
    sizes = np.array([int(number).bit_count() for number in numbers])
    before, after = np.zeros(defined.shape), np.zeros(defined.shape)
    before[0], after[-1] = defined[0], defined[-1]
    for size in range(1, players + 1):
        layer = numbers[sizes == size]
        for player in range(players):
            held = layer[(layer >> player) & 1 == 1]
            before[held] += before[held ^ (1 << player)]
        before[layer] *= defined[layer]
    for size in reversed(range(players)):
        layer = numbers[sizes == size]
        for player in range(players):
            free = layer[(layer >> player) & 1 == 0]
            after[free] += after[free | (1 << player)]
        after[layer] *= defined[layer]
    return before, after


def averaged(low: Array, high: Array, before: Array, after: Array) -> tuple[Array, Array, Array]:
    """Return average contributions (n, d): of ``low`` to itself, and the least and greatest."""
    players = players_of(low)
    numbers = np.arange(len(low))
    low, high = np.nan_to_num(low), np.nan_to_num(high)
    orders = before[-1]
    made = np.zeros((3, players, low.shape[1]))
    for player in range(players):
        without = numbers[(numbers >> player) & 1 == 0]
        joined = without | (1 << player)
        weight = before[without] * after[joined]
        gains = (
            low[joined] - low[without],
            low[joined] - high[without],
            high[joined] - low[without],
        )
        for k, gain in enumerate(gains):
            made[k, player] = (weight * gain).sum(axis=0)
    with np.errstate(all="ignore"):
        made /= orders
    made[:, :, orders == 0] = np.nan
    return made[0], made[1], made[2]


def interaction_indices(worth: ArrayLike) -> Array:
    """Return the Shapley interaction index of every pair of players.

    Parameters
    ----------
    worth
        As in :func:`shapley_values`.

    Returns
    -------
    array, shape (n, n, d)
        Symmetric. Above 0: together the two do more than one by one; below: each does part of
        the other's work. NaN on the diagonal and where no context of the pair is defined.

    Notes
    -----
    The index averages v(S + i + j) - v(S + i) - v(S + j) + v(S) over the coalitions S without
    the two, with weight s! (n - s - 2)! / (n - 1)! for s members. Where coalitions have no
    value, the average is over the contexts that have one, with weights made to sum to one.

    References
    ----------
    M. Grabisch and M. Roubens (1999), An axiomatic approach to the concept of interaction
    among players in cooperative games, International Journal of Game Theory 28, 547-565.

    Examples
    --------
    >>> float(interaction_indices([0, 0, 0, 1])[0, 1, 0])
    1.0
    """
    table = table_of(worth)
    players = players_of(table)
    numbers = np.arange(len(table))
    sizes = np.array([int(number).bit_count() for number in numbers])
    made = np.full((players, players, table.shape[1]), np.nan)
    for i in range(players):
        for j in range(i + 1, players):
            both = (1 << i) | (1 << j)
            rest = numbers[numbers & both == 0]
            gain = table[rest | both] - table[rest | 1 << i] - table[rest | 1 << j] + table[rest]
            weight = np.array(
                [
                    factorial(int(s)) * factorial(players - int(s) - 2) / factorial(players - 1)
                    for s in sizes[rest]
                ]
            )[:, None] * ~np.isnan(gain)
            whole = weight.sum(axis=0)
            with np.errstate(all="ignore"):
                made[i, j] = made[j, i] = np.where(
                    whole > 0, (weight * np.nan_to_num(gain)).sum(axis=0) / whole, np.nan
                )
    return kept(made)


def kept(array: Array) -> Array:
    """Return an array made read-only."""
    array.setflags(write=False)
    return array
