"""The judge's loop over plays of staged games whose every history has a compiled answer.

At every block on the path of play, and at some behind deviations, each decision is moved over its
interval, all that follows is played as the rule says, and payoffs are compared. Two rows are
carried: ``a`` of the rule, which says what is done, and ``b`` of the game itself, in which payoffs
are worked out; inputs stand in the same slots of both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from .compiling import kept, lean
from .staged import ADVANCE, FINISH

__all__ = ["MOST_BLOCKS", "judge_plays"]

_ADVANCE = types.FunctionType(ADVANCE)
_FINISH = types.FunctionType(FINISH)
_ROW = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]
_TABLE = types.int64[:, ::1]
_CUBE = types.float64[:, :, ::1]


@lean
def _copy(to, source):  # type: ignore[no-untyped-def]
    """Copy a row. Written as a slice it would be copied twice, through new memory."""
    for k in range(to.size):
        to[k] = source[k]


@lean
def _play(  # type: ignore[no-untyped-def]
    rule, advance, finish, block, placed, moves, answers, fixed, counts, a, b, out
):
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


def _level(_deeper: Any) -> Any:
    """Return the function that judges a history, and those behind it by ``_deeper``.

    A function a level rather than one that calls itself: what numba keeps on disk of one that
    does crashes when it is loaded.
    """

    @lean
    def _behind(  # type: ignore[no-untyped-def]
        rule, advance, finish, block, path, slot, x,
        moves, answers, fixed, counts, owners, lows, highs, ends, density,
        rows_a, rows_b, payoffs, gain, least, most,
    ):  # fmt: skip
        """Judge the next block's history behind x in ``slot``, and all else as it is done."""
        a, b = rows_a[block + 1, 0], rows_b[block + 1, 0]
        _copy(a, rows_a[block, 0])
        _copy(b, rows_b[block, 0])
        a[slot] = x
        b[slot] = x
        rule(a, block)
        advance(b, block)
        return _deeper(
            rule, advance, finish, block + 1, path,
            moves, answers, fixed, counts, owners, lows, highs, ends, density,
            rows_a, rows_b, payoffs, gain, least, most,
        )  # fmt: skip

    @lean
    def _node(  # type: ignore[no-untyped-def]
        rule, advance, finish, block, path,
        moves, answers, fixed, counts, owners, lows, highs, ends, density,
        rows_a, rows_b, payoffs, gain, least, most,
    ):  # fmt: skip
        """Judge what is done at one history, which stands in ``rows_a[block, 0]`` and
        ``rows_b[block, 0]``. Return how many of its plays have no payoff, or -1 if what is done is
        not possible."""
        a, b = rows_a[block, 1], rows_b[block, 1]
        start_a, start_b = rows_a[block, 0], rows_b[block, 0]
        _copy(a, start_a)
        _copy(b, start_b)
        now, out = payoffs[2 * block], payoffs[2 * block + 1]
        _play(rule, advance, finish, block, False, moves, answers, fixed, counts, a, b, now)
        players = now.size
        for i in range(players):
            if not np.isfinite(now[i]):
                return 1
        for j in range(counts[block]):
            slot = moves[block, j]
            low = start_b[lows[block, j]] if lows[block, j] >= 0 else ends[0, block, j]
            high = start_b[highs[block, j]] if highs[block, j] >= 0 else ends[1, block, j]
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
            found = _behind(
                rule, advance, finish, block, True, slot, start_a[slot],
                moves, answers, fixed, counts, owners, lows, highs, ends, density,
                rows_a, rows_b, payoffs, gain, least, most,
            )  # fmt: skip
            if found < 0:
                return -1
            unknown += found
        behind = density[2] if path else density[3]
        for j in range(counts[block]):
            slot, owner = moves[block, j], owners[block, j]
            low = start_b[lows[block, j]] if lows[block, j] >= 0 else ends[0, block, j]
            high = start_b[highs[block, j]] if highs[block, j] >= 0 else ends[1, block, j]
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
                if not np.isfinite(out[owner]):
                    unknown += 1
                    continue
                gain[owner] = max(gain[owner], out[owner] - now[owner])
                for i in range(players):
                    least[i] = min(least[i], out[i])
                    most[i] = max(most[i], out[i])
                if block < last - 1 and p <= points and (p * behind) // points >= looked + 1:
                    looked += 1
                    found = _behind(
                        rule, advance, finish, block, False, slot, x,
                        moves, answers, fixed, counts, owners, lows, highs, ends, density,
                        rows_a, rows_b, payoffs, gain, least, most,
                    )  # fmt: skip
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
                floor = start_b[lows[block, k]] if lows[block, k] >= 0 else ends[0, block, k]
                roof = start_b[highs[block, k]] if highs[block, k] >= 0 else ends[1, block, k]
                if not roof > floor:
                    continue
                for p in range(side * side):
                    a[slot] = low + (high - low) * (p // side) / (side - 1)
                    a[other] = floor + (roof - floor) * (p % side) / (side - 1)
                    _play(
                        rule, advance, finish, block, True, moves, answers, fixed, counts, a, b, out
                    )
                    if not np.isfinite(out[owner]):
                        unknown += 1
                        continue
                    gain[owner] = max(gain[owner], out[owner] - now[owner])
                    for i in range(players):
                        least[i] = min(least[i], out[i])
                        most[i] = max(most[i], out[i])
                a[other] = start_a[other]
            a[slot] = kept
        return unknown

    return _node


@lean
def _nothing(  # type: ignore[no-untyped-def]
    rule, advance, finish, block, path,
    moves, answers, fixed, counts, owners, lows, highs, ends, density,
    rows_a, rows_b, payoffs, gain, least, most,
):  # fmt: skip
    """Stands behind the last level; never called where there are no more than ``MOST_BLOCKS``."""
    return 0


MOST_BLOCKS = 4
"""Stages of the longest game that is judged here."""
_node = _level(_level(_level(_level(_nothing))))


@kept(
    types.void(
        _ADVANCE, _ADVANCE, _FINISH,
        _TABLE, _TABLE, _MATRIX, _INTS, _TABLE, _TABLE, _TABLE, _CUBE, _INTS,
        _MATRIX, _MATRIX, types.float64, _ROW, _INTS, _MATRIX, _MATRIX,
    )
)  # fmt: skip
def judge_plays(  # type: ignore[no-untyped-def]
    rule, advance, finish,
    moves, answers, fixed, counts, owners, lows, highs, ends, density,
    starts_a, starts_b, narrow, regret, unknown, taken, brought,
):  # fmt: skip
    """Write regret, plays without a payoff, actions taken on the path (n, decisions) and the
    payoffs that they bring (n, players), of every draw.

    ``starts_a``, ``starts_b`` (n, size): rows with parameters and their level filled. ``lows``,
    ``highs``: slots in ``b`` of the ends of intervals, -1 for the numbers in ``ends``.
    ``density``: alternatives on the path; off it; on the path, and off it, those behind which the
    next block is judged; side of the grid over two decisions of one player. ``narrow``: least
    payoff scale, as a share of the payoffs themselves.
    """
    blocks, players = counts.size, brought.shape[1]
    rows_a = np.empty((blocks, 2, starts_a.shape[1]))
    rows_b = np.empty((blocks, 2, starts_b.shape[1]))
    payoffs = np.empty((2 * blocks, players))
    gain, least, most = np.empty(players), np.empty(players), np.empty(players)
    for n in range(starts_a.shape[0]):
        a, b = rows_a[0, 1], rows_b[0, 1]
        _copy(a, starts_a[n])
        _copy(b, starts_b[n])
        _play(rule, advance, finish, 0, False, moves, answers, fixed, counts, a, b, brought[n])
        at = 0
        for k in range(blocks):
            for j in range(counts[k]):
                taken[n, at] = b[moves[k, j]]
                at += 1
        for i in range(players):
            gain[i] = 0.0
            least[i] = brought[n, i]
            most[i] = brought[n, i]
        _copy(rows_a[0, 0], starts_a[n])
        _copy(rows_b[0, 0], starts_b[n])
        found = _node(
            rule, advance, finish, 0, True,
            moves, answers, fixed, counts, owners, lows, highs, ends, density,
            rows_a, rows_b, payoffs, gain, least, most,
        )  # fmt: skip
        unknown[n] = found
        worst = 0.0
        for i in range(players):
            scale = max(most[i] - least[i], narrow * max(abs(least[i]), abs(most[i])))
            if not scale > 0.0:
                scale = 1.0
            worst = max(worst, gain[i] / scale)
            if not np.isfinite(brought[n, i]):
                worst = np.inf
        regret[n] = worst if found >= 0 else np.inf
