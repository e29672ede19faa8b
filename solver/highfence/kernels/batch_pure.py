"""Pure equilibria of many games in strategic form, and backward induction on one large tree.

Games lie side by side, 64 to a block: every loop over a block's games is one that the compiler
vectorizes, and what holds at a cell for 64 games is one machine word.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

__all__ = ["induct", "list_marked", "mark_pure", "packed"]

_WORDS = types.uint64[:, ::1]
_INTS = types.int64[::1]


_SPREAD = np.uint64(0x0102040810204080)


@njit(nogil=True)
def packed(words):  # type: ignore[no-untyped-def]
    """The 64 bytes, 0 or 1, of 8 words as the bits of one word, the first lowest.

    A product with the constant brings the lowest bits of a word's bytes together in its top byte.
    """
    made = np.uint64(0)
    for k in range(8):
        made |= ((words[k] * _SPREAD) >> np.uint64(56)) << np.uint64(8 * k)
    return made


@njit(
    types.void(types.float64[:, :, ::1], _INTS, types.int64, types.int64, _WORDS, _INTS),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def mark_pure(payoffs, sizes, start, stop, marks, counts):  # type: ignore[no-untyped-def]
    """Mark the pure equilibria of the games in the blocks ``start:stop``.

    Parameters
    ----------
    payoffs
        (players, cells, games), the last player's action running fastest over the cells.
    sizes
        (players,): actions.
    marks
        (blocks, cells), written: bit ``g`` of a block's word says that the cell is an
        equilibrium of the block's game ``g``.
    counts
        (games,), written.
    """
    players, cells, games = payoffs.shape
    words = np.empty((cells, 8), np.uint64)
    stable = words.view(np.uint8)
    most = np.empty(64)
    number = np.empty(64, np.int64)
    for block in range(start, stop):
        first = 64 * block
        width = min(64, games - first)
        for c in range(cells):
            for g in range(64):
                stable[c, g] = 1
        stride = cells
        for i in range(players):
            size = sizes[i]
            span = stride
            stride //= size
            for base in range(0, cells, span):
                for line in range(base, base + stride):
                    for g in range(width):
                        most[g] = payoffs[i, line, first + g]
                    for k in range(1, size):
                        c = line + k * stride
                        for g in range(width):
                            x = payoffs[i, c, first + g]
                            most[g] = x if x > most[g] else most[g]
                    for k in range(size):
                        c = line + k * stride
                        for g in range(width):
                            stable[c, g] &= payoffs[i, c, first + g] >= most[g]
        for g in range(64):
            number[g] = 0
        for c in range(cells):
            for g in range(width, 64):
                stable[c, g] = 0
            for g in range(width):
                number[g] += stable[c, g]
            marks[block, c] = packed(words[c])
        for g in range(width):
            counts[first + g] = number[g]


@njit(types.void(_WORDS, _INTS, _INTS), cache=True, nogil=True)
def list_marked(marks, place, cells_of):  # type: ignore[no-untyped-def]
    """Write the marked cells of each game, ascending, from ``place[game]`` on, which moves on."""
    for block in range(marks.shape[0]):
        for c in range(marks.shape[1]):
            word = marks[block, c]
            g = 64 * block
            while word != 0:
                if word & np.uint64(1):
                    cells_of[place[g]] = c
                    place[g] += 1
                word >>= np.uint64(1)
                g += 1


@njit(
    types.void(
        _INTS, _INTS, types.int32[::1], types.float64[::1], types.float64[:, ::1],
        types.float64[::1], types.int32[::1], types.float64[::1],
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)  # fmt: skip
def induct(  # type: ignore[no-untyped-def]
    first_child, child_count, owner, chance, values, tie, choice, plans
):
    """Solve a tree of perfect information whose nodes come after their parents.

    Parameters
    ----------
    first_child, child_count
        (nodes,): children stand side by side.
    owner
        (nodes,): player, or -1 for chance; not read at terminals.
    chance
        (nodes,): probability of the branch that leads to a node, where chance moves before it.
    values
        (nodes, players): payoffs at terminals; written elsewhere.
    tie
        (players,): payoffs that differ by no more tie.
    choice
        (nodes,), written: position of the first best child, -1 at chance and terminals.
    plans
        (nodes,), written: pure subgame-perfect equilibria of the subgame in which ties are
        between equal payoffs for all, else -1: what others get then depends on the choice.
    """
    players = values.shape[1]
    for node in range(values.shape[0] - 1, -1, -1):
        count = child_count[node]
        choice[node] = -1
        if count == 0:
            plans[node] = 1.0
            continue
        first = first_child[node]
        number = 1.0
        sure = True
        for k in range(first, first + count):
            number *= plans[k]
            sure = sure and plans[k] >= 0.0
        i = owner[node]
        if i < 0:
            for p in range(players):
                values[node, p] = 0.0
            for k in range(first, first + count):
                for p in range(players):
                    values[node, p] += chance[k] * values[k, p]
        else:
            best = first
            for k in range(first + 1, first + count):
                if values[k, i] > values[best, i]:
                    best = k
            ties = 0
            for k in range(first, first + count):
                if values[best, i] - values[k, i] <= tie[i]:
                    ties += 1
                    for p in range(players):
                        sure = sure and abs(values[best, p] - values[k, p]) <= tie[p]
            number *= ties
            choice[node] = best - first
            for p in range(players):
                values[node, p] = values[best, p]
        plans[node] = number if sure else -1.0
