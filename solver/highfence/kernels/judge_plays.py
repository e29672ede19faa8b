"""The judge's loop over plays of staged games whose every history has a compiled answer.

At every block on the path of play, and at some behind deviations, each decision is moved over its
interval, all that follows is played as the rule says, and payoffs are compared. Two rows are
carried: ``a`` of the rule, which says what is done, and ``b`` of the game itself, in which payoffs
are worked out; inputs stand in the same slots of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, types

from .judge import OPTIONS
from .staged import ADVANCE, FINISH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["MOST_BLOCKS", "Plays", "judge_plays"]

_lean = njit(**OPTIONS)
_ADVANCE = types.FunctionType(ADVANCE)
_FINISH = types.FunctionType(FINISH)
_ROW = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]
_TABLE = types.int64[:, ::1]
_CUBE = types.float64[:, :, ::1]


class Plays(NamedTuple):
    """What is judged, and how closely. Arrays over decisions are (blocks, most decisions)."""

    rule: Any
    """Fills a level of a row of the rule."""
    advance: Any
    """Fills a level of a row of the game."""
    finish: Any
    """Writes payoffs from a row of the game."""
    moves: Ints
    """Slots of the decisions."""
    answers: Ints
    """Slots in the rule's row of what is done; -1 where that is ``fixed``."""
    fixed: Array
    counts: Ints
    """(blocks,): decisions."""
    owners: Ints
    lows: Ints
    """Slots in the game's row of lower ends, -1 where that is the number in ``ends``."""
    highs: Ints
    ends: Array
    """(2, blocks, most decisions)."""
    density: Ints
    """Alternatives on the path; off it; on the path, and off it, those behind which the next
    block is judged; side of the grid over two decisions of one player."""


class Room(NamedTuple):
    """Rows and payoffs of every block, and what was seen of this draw."""

    rows_a: Array
    """(blocks, 2, size): of the rule: a block's history, and one to play on."""
    rows_b: Array
    """(blocks, 2, size): of the game."""
    payoffs: Array
    """(blocks, 2, players): of what is done, and of an alternative."""
    gain: Array
    """(players,): largest."""
    least: Array
    """(players,)"""
    most: Array
    """(players,)"""


@_lean
def _copy(to, source):  # type: ignore[no-untyped-def]
    """Copy a row. Written as a slice it would be copied twice, through new memory."""
    for k in range(to.size):
        to[k] = source[k]


@_lean
def _end(slots, fixed, b, block, j):  # type: ignore[no-untyped-def]
    """An end of a decision's interval."""
    return b[slots[block, j]] if slots[block, j] >= 0 else fixed[block, j]


@_lean
def _play(rule, advance, finish, block, placed, moves, answers, fixed, counts, a, b, out):  # type: ignore[no-untyped-def]
    """Play on from a block, the moves of which are ``placed`` or still to be answered; write
    payoffs. Levels before the block are filled in both rows."""
    last = counts.size
    for k in range(block, last):
        for j in range(counts[k]):
            slot = moves[k, j]
            if k > block or not placed:
                a[slot] = a[answers[k, j]] if answers[k, j] >= 0 else fixed[k, j]
            b[slot] = a[slot]
        if k < last - 1:
            rule(a, k)
            advance(b, k)
    finish(b, out)


@_lean
def _seen(owner, now, out, gain, least, most):  # type: ignore[no-untyped-def]
    """Take what an alternative brings; whether its owner's payoff is known."""
    if not np.isfinite(out[owner]):
        return False
    gain[owner] = max(gain[owner], out[owner] - now[owner])
    for i in range(out.size):
        least[i] = min(least[i], out[i])
        most[i] = max(most[i], out[i])
    return True


def _level(_deeper: Any) -> Any:
    """Return the function that judges a history, and those behind it by ``_deeper``.

    A function a level rather than one that calls itself: what numba keeps on disk of one that
    does crashes when it is loaded.
    """

    @_lean
    def _behind(game, room, block, path, slot, x):  # type: ignore[no-untyped-def]
        """Judge the next block's history behind x in ``slot``, and all else as it is done."""
        a, b = room.rows_a[block + 1, 0], room.rows_b[block + 1, 0]
        _copy(a, room.rows_a[block, 0])
        _copy(b, room.rows_b[block, 0])
        a[slot] = x
        b[slot] = x
        game.rule(a, block)
        game.advance(b, block)
        return _deeper(game, room, block + 1, path)

    @_lean
    def _node(game, room, block, path):  # type: ignore[no-untyped-def]
        """Judge what is done at one history, which stands in ``rows_a[block, 0]`` and
        ``rows_b[block, 0]``. Return how many of its plays have no payoff, or -1 if what is done is
        not possible."""
        # Taken apart here: to take a tuple apart at every play takes as long as the play.
        rule, advance, finish, moves, answers, fixed, counts, owners, lows, highs, ends, density = (
            game
        )
        gain, least, most = room.gain, room.least, room.most
        a, b = room.rows_a[block, 1], room.rows_b[block, 1]
        start_a, start_b = room.rows_a[block, 0], room.rows_b[block, 0]
        _copy(a, start_a)
        _copy(b, start_b)
        now, out = room.payoffs[block, 0], room.payoffs[block, 1]
        _play(rule, advance, finish, block, False, moves, answers, fixed, counts, a, b, now)
        for i in range(now.size):
            if not np.isfinite(now[i]):
                return 1
        for j in range(counts[block]):
            slot = moves[block, j]
            low = _end(lows, ends[0], start_b, block, j)
            high = _end(highs, ends[1], start_b, block, j)
            if not (a[slot] >= low and a[slot] <= high):
                return -1
            # What is done stands in the start row from here on, for whoever deviates from it.
            start_a[slot] = a[slot]
            start_b[slot] = a[slot]
        last = counts.size
        unknown = 0
        points = density[0] if path else density[1]
        if path and block < last - 1:
            # On the path, the next block is judged just as closely.
            slot = moves[block, 0]
            found = _behind(game, room, block, True, slot, start_a[slot])
            if found < 0:
                return -1
            unknown += found
        behind = density[2] if path else density[3]
        for j in range(counts[block]):
            slot, owner = moves[block, j], owners[block, j]
            low = _end(lows, ends[0], start_b, block, j)
            high = _end(highs, ends[1], start_b, block, j)
            if not high > low:
                continue
            kept = start_a[slot]
            looked = 0
            for p in range(points + 5):
                if p <= points:
                    x = low + (high - low) * p / points
                else:
                    # Closer around what is done: a hundredth and a thousandth on either side.
                    q = p - points - 1
                    size = 0.01 if q < 2 else 0.001
                    x = kept + (high - low) * (size if q % 2 == 0 else -size)
                    x = min(max(x, low), high)
                # What later levels hold from the last play is worked out anew.
                a[slot] = x
                _play(rule, advance, finish, block, True, moves, answers, fixed, counts, a, b, out)
                if not _seen(owner, now, out, gain, least, most):
                    unknown += 1
                    continue
                if block < last - 1 and p <= points and (p * behind) // points >= looked + 1:
                    looked += 1
                    found = _behind(game, room, block, False, slot, x)
                    if found < 0:
                        return -1
                    unknown += found
            a[slot] = kept
            # Together with another decision of the same player.
            side = density[4] if path else 0
            for k in range(j):
                if owners[block, k] != owner:
                    continue
                other = moves[block, k]
                floor = _end(lows, ends[0], start_b, block, k)
                roof = _end(highs, ends[1], start_b, block, k)
                if not roof > floor:
                    continue
                for p in range(side * side):
                    a[slot] = low + (high - low) * (p // side) / (side - 1)
                    a[other] = floor + (roof - floor) * (p % side) / (side - 1)
                    _play(
                        rule, advance, finish, block, True, moves, answers, fixed, counts, a, b, out
                    )
                    unknown += not _seen(owner, now, out, gain, least, most)
                a[other] = start_a[other]
            a[slot] = kept
        return unknown

    return _node


@_lean
def _nothing(game, room, block, path):  # type: ignore[no-untyped-def]
    """Stands behind the last level; never called where there are no more than ``MOST_BLOCKS``."""
    return 0


MOST_BLOCKS = 4
"""Stages of the longest game that is judged here."""
_node = _level(_level(_level(_level(_nothing))))
_PLAYS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (
        _ADVANCE, _ADVANCE, _FINISH, _TABLE, _TABLE, _MATRIX, _INTS, _TABLE, _TABLE, _TABLE, _CUBE,
        _INTS,
    ),
    Plays,
)  # fmt: skip


@njit(
    types.void(
        _PLAYS, _MATRIX, _MATRIX, types.float64, _ROW, _INTS, _MATRIX, _MATRIX,
    ),
    error_model="numpy",
    nogil=True,
    cache=True,
)  # fmt: skip
def judge_plays(game, starts_a, starts_b, narrow, regret, unknown, taken, brought):  # type: ignore[no-untyped-def]
    """Write regret, plays without a payoff, actions taken on the path (n, decisions) and the
    payoffs that they bring (n, players), of every draw.

    ``starts_a``, ``starts_b`` (n, size): rows of the rule and of the game with parameters and
    their level filled. ``narrow``: least payoff scale, as a share of the payoffs themselves.
    """
    blocks, players = game.counts.size, brought.shape[1]
    room = Room(
        np.empty((blocks, 2, starts_a.shape[1])), np.empty((blocks, 2, starts_b.shape[1])),
        np.empty((blocks, 2, players)), np.empty(players), np.empty(players), np.empty(players),
    )  # fmt: skip
    for n in range(starts_a.shape[0]):
        a, b = room.rows_a[0, 1], room.rows_b[0, 1]
        _copy(a, starts_a[n])
        _copy(b, starts_b[n])
        _play(
            game.rule, game.advance, game.finish, 0, False, game.moves, game.answers, game.fixed,
            game.counts, a, b, brought[n],
        )  # fmt: skip
        at = 0
        for k in range(blocks):
            for j in range(game.counts[k]):
                taken[n, at] = b[game.moves[k, j]]
                at += 1
        room.gain[:] = 0.0
        _copy(room.least, brought[n])
        _copy(room.most, brought[n])
        _copy(room.rows_a[0, 0], starts_a[n])
        _copy(room.rows_b[0, 0], starts_b[n])
        found = _node(game, room, 0, True)
        unknown[n] = found
        worst = 0.0
        for i in range(players):
            least, most = room.least[i], room.most[i]
            scale = max(most - least, narrow * max(abs(least), abs(most)))
            if not scale > 0.0:
                scale = 1.0
            worst = max(worst, room.gain[i] / scale)
            if not np.isfinite(brought[n, i]):
                worst = np.inf
        regret[n] = worst if found >= 0 else np.inf
