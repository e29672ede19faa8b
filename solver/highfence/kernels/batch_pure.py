"""Pure equilibria of many games in strategic form, and backward induction on one large tree.

Games lie side by side, 64 to a block: every loop over a block's games is one that the compiler
vectorizes, and what holds at a cell for 64 games is one machine word.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept, lean

__all__ = ["induct", "list_marked", "lowest_bit", "mark_pure"]

_WORDS = types.uint64[:, ::1]
_INTS = types.int64[::1]
_ALL = ~np.uint64(0)
_WIDE = 8
"""Blocks that are read together, so that what is read at once is 4 kB."""
_MAGIC = 0x03F79D71B4CB0A89
"""A de Bruijn sequence: its 64 shifts begin with 6 bits that differ."""
_PLACE = np.zeros(64, np.int64)
for _k in range(64):
    _PLACE[((_MAGIC << _k) & (2**64 - 1)) >> 58] = _k


@lean
def lowest_bit(word):  # type: ignore[no-untyped-def]
    """The place of the lowest bit of a word that is not 0."""
    lowest = word & (~word + np.uint64(1))
    return _PLACE[np.int64((lowest * np.uint64(_MAGIC)) >> np.uint64(58))]


@lean
def _at_least(x, most):  # type: ignore[no-untyped-def]
    """The word of the games in which ``x`` is as large as ``most``."""
    word = np.uint64(0)
    for g in range(64):
        word |= np.uint64(x[g] >= most[g]) << np.uint64(g)
    return word


@kept(types.boolean(types.float64[:, :, ::1], _INTS, types.int64, types.int64, _WORDS, _INTS))
def mark_pure(payoffs, sizes, start, stop, marks, counts):  # type: ignore[no-untyped-def]
    """Mark the pure equilibria of the games in the blocks ``start:stop``.

    Every payoff is read once. Returns whether all are finite; if not, the rest is not written.

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
    longest = 1
    for i in range(players):
        longest = max(longest, sizes[i])
    line = np.zeros((longest, 64 * _WIDE))
    most, sure = np.empty(64 * _WIDE), np.zeros(64 * _WIDE)
    for block in range(start, stop, _WIDE):
        first = 64 * block
        words = min(_WIDE, stop - block)
        width = min(64 * words, games - first)
        for w in range(words):
            marks[block + w, :] = _ALL
        stride = cells
        for i in range(players):
            size = sizes[i]
            span = stride
            stride //= size
            for base in range(0, cells, span):
                for begin in range(base, base + stride):
                    for g in range(64 * _WIDE):
                        most[g] = -np.inf
                    for k in range(size):
                        own, c = line[k], begin + k * stride
                        read = payoffs[i, c, first : first + width]
                        for g in range(width):
                            x = read[g]
                            own[g] = x
                            most[g] = x if x > most[g] else most[g]
                            sure[g] += x - x
                    for k in range(size):
                        own, c = line[k], begin + k * stride
                        for w in range(words):
                            marks[block + w, c] &= _at_least(
                                own[64 * w : 64 * w + 64], most[64 * w : 64 * w + 64]
                            )
        for g in range(width):
            counts[first + g] = 0
            if sure[g] != 0.0:
                return False
        if width < 64 * words:
            there = (np.uint64(1) << np.uint64(width % 64)) - np.uint64(1)
            for c in range(cells):
                marks[block + words - 1, c] &= there
        for w in range(words):
            for c in range(cells):
                word = marks[block + w, c]
                while word != 0:
                    counts[first + 64 * w + lowest_bit(word)] += 1
                    word &= word - np.uint64(1)
    return True


@kept(types.void(_WORDS, _INTS, types.int64[:, ::1], types.int64[:, ::1]))
def list_marked(marks, place, cell, actions):  # type: ignore[no-untyped-def]
    """Write the marked cells of each game, ascending, from ``place[game]`` on, which moves on.

    ``cell`` (cells, players) has each cell's actions, and ``actions`` gets those of the marked.
    """
    for block in range(marks.shape[0]):
        for c in range(marks.shape[1]):
            word = marks[block, c]
            while word != 0:
                g = 64 * block + lowest_bit(word)
                word &= word - np.uint64(1)
                for i in range(cell.shape[1]):
                    actions[place[g], i] = cell[c, i]
                place[g] += 1


@kept(
    types.void(
        _INTS, _INTS, types.int32[::1], types.float64[::1], types.float64[:, ::1],
        types.float64[::1], types.int32[::1], types.float64[::1],
    )
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
