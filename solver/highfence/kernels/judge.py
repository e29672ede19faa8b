"""The judge's compiled loops: histories behind deviations, and alternatives at them.

Rows, levels and the functions of a game are those of :mod:`highfence.forms.compile`. Alternatives
of one decision are tried along a line, many in one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import types

from .compiling import ALLOCATES_NOTHING, kept, lean, pointer
from .staged import ADVANCE, FINISH, LINE, OBJECTIVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Intervals", "Seen", "place_rows", "play_rows", "try_histories", "try_rows"]

LANES = 8
"""Alternatives that are computed side by side: asked for are multiples of it."""
NEAR = 6
"""Powers of ten, from the second on, at which a closer look begins around the action."""
ZOOMS = 3
"""Times that it then looks closer around the best alternative."""
FINE = 10
"""Alternatives on either side there."""


class Intervals(NamedTuple):
    """Interval decisions of the last block, each array (m,)."""

    slots: Ints
    owners: Ints
    low_slots: Ints
    """Of their lower ends; -1 where that is ``low_fixed``."""
    low_fixed: Array
    high_slots: Ints
    high_fixed: Array


class Seen(NamedTuple):
    """What was seen of e profiles."""

    gain: Array
    """(e, players): largest, from 0."""
    low: Array
    """(e, players): least payoff."""
    high: Array
    """(e, players): largest one."""
    faulty: NDArray[np.bool_]
    """(e,): whether a profile contradicts itself."""


_VECTOR, _INTS = types.float64[::1], types.int64[::1]
_MATRIX = types.float64[:, ::1]
_BOOLS = types.boolean[::1]
_OBJECTIVE, _LINE = types.FunctionType(OBJECTIVE), types.FunctionType(LINE)
_INTERVALS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_INTS, _INTS, _INTS, _VECTOR, _INTS, _VECTOR), Intervals
)
_SEEN = types.NamedTuple((_MATRIX, _MATRIX, _MATRIX, _BOOLS), Seen)  # type: ignore[no-untyped-call]


@lean
def _room(points):  # type: ignore[no-untyped-def]
    """Alternatives that are asked for at most at once."""
    most = max(points + 1 + 2 * NEAR, 2 * FINE + 1)
    return (most + LANES - 1) // LANES * LANES


@lean
def _along(line, v, slot, player, low, width, count, x, found):  # type: ignore[no-untyped-def]
    """Write the payoffs at the first ``count`` actions x, scaled."""
    whole = (count + LANES - 1) // LANES * LANES
    for k in range(count, whole):
        x[k] = x[0]
    line(pointer(v), player, slot, low, width, whole, pointer(x), pointer(found))


@lean
def _tried(objective, line, v, slot, player, low, width, points, closer, x, found):  # type: ignore[no-untyped-def]
    """(now, best, least) of the payoffs of one decision's alternatives; what is infinite or
    undefined does not count, but for now. ``x`` and ``found`` are room."""
    now = objective(pointer(v), player)
    best, least = now, now
    kept = (v[slot] - low) / width if width > 0.0 else 0.0
    where = kept
    count = points + 1
    for k in range(count):
        x[k] = k / points
    if closer:
        for power in range(2, 2 + NEAR):
            x[count] = min(max(kept - 10.0**-power, 0.0), 1.0)
            x[count + 1] = min(max(kept + 10.0**-power, 0.0), 1.0)
            count += 2
    _along(line, v, slot, player, low, width, count, x, found)
    for k in range(count):
        if np.isfinite(found[k]):
            least = min(least, found[k])
            if found[k] > best:
                best, where = found[k], x[k]
    if closer:
        size = 1.0 / points
        for _ in range(ZOOMS):
            center = where
            size *= 0.1
            for k in range(-FINE, FINE + 1):
                x[k + FINE] = min(max(center + size * k, 0.0), 1.0)
            _along(line, v, slot, player, low, width, 2 * FINE + 1, x, found)
            for k in range(2 * FINE + 1):
                if np.isfinite(found[k]) and found[k] > best:
                    best, where = found[k], x[k]
    return now, best, least


@kept(
    types.void(
        _OBJECTIVE, _LINE, _MATRIX, types.int64, types.int64, _VECTOR, _VECTOR, types.int64,
        _VECTOR, _VECTOR, _VECTOR,
    )
)  # fmt: skip
def try_rows(objective, line, rows, slot, player, lo, hi, points, now, best, least):  # type: ignore[no-untyped-def]
    """Write a player's payoff as prescribed, and the best and least of ``points + 1`` alternatives.

    ``rows`` (n, size) have every move in place; they are left as they are.
    """
    x, found = np.empty(_room(points)), np.empty(_room(points))
    for r in range(rows.shape[0]):
        now[r], best[r], least[r] = _tried(
            objective, line, rows[r], slot, player, lo[r], hi[r] - lo[r], points, False, x, found
        )


@lean
def _try_each(objective, line, rows, chosen, which, moves, points, dense, seen, x, found):  # type: ignore[no-untyped-def]
    """:func:`try_histories`, with room."""
    for n in range(chosen.size):
        r = chosen[n]
        v, e = rows[r], which[r]
        for j in range(moves.slots.size):
            slot, i = moves.slots[j], moves.owners[j]
            low = v[moves.low_slots[j]] if moves.low_slots[j] >= 0 else moves.low_fixed[j]
            high = v[moves.high_slots[j]] if moves.high_slots[j] >= 0 else moves.high_fixed[j]
            slack = 1e-9 * (high - low)
            if not (v[slot] >= low - slack and v[slot] <= high + slack):
                seen.faulty[e] = True
                continue
            now, best, least = _tried(
                objective, line, v, slot, i, low, high - low, points, dense, x, found
            )
            if not np.isfinite(now):
                seen.faulty[e] = True
                continue
            seen.gain[e, i] = max(seen.gain[e, i], best - now)
            if dense:
                seen.low[e, i] = min(seen.low[e, i], least)
                seen.high[e, i] = max(seen.high[e, i], best)


@kept(
    types.void(
        _OBJECTIVE, _LINE, _MATRIX, _INTS, _INTS, _INTERVALS, types.int64, types.boolean, _SEEN
    )
)  # fmt: skip
def try_histories(objective, line, rows, chosen, which, moves, points, dense, seen):  # type: ignore[no-untyped-def]
    """Check the last block's actions, which stand in the chosen rows, against ``points + 1``
    alternatives of each decision.

    ``which`` (n,): the profile that prescribes them. ``dense`` adds a closer look around the
    action, and around the best one; and what is seen is taken into the range of payoffs, which
    histories off the path would only widen, so that gains count for less.
    """
    x, found = np.empty(_room(points)), np.empty(_room(points))
    _try_each(objective, line, rows, chosen, which, moves, points, dense, seen, x, found)


@kept(
    types.void(
        types.FunctionType(ADVANCE), types.int64, _MATRIX, _INTS, _INTS, _MATRIX, _INTS,
        types.int64, _VECTOR, _MATRIX,
    ),
    **ALLOCATES_NOTHING,
)  # fmt: skip
def place_rows(advance, level, rows, which, slots, profiles, profile, lead_slot, lead, placed):  # type: ignore[no-untyped-def]
    """Write the rows ``which`` with a block's moves in place, and its level filled.

    ``profiles`` (P, c): finite actions, in ``slots`` (c,); ``profile`` (n,): which of them.
    ``lead`` (n,): the interval action.
    """
    for r in range(which.size):
        v = placed[r]
        for k in range(v.size):
            v[k] = rows[which[r], k]
        for c in range(slots.size):
            v[slots[c]] = profiles[profile[r], c]
        v[lead_slot] = lead[r]
        advance(v, level)


@kept(
    types.void(types.FunctionType(FINISH), _MATRIX, _INTS, _INTERVALS, _MATRIX, _BOOLS, _MATRIX,
               _SEEN),
    **ALLOCATES_NOTHING,
)  # fmt: skip
def play_rows(finish, rows, which, moves, actions, known, payoffs, seen):  # type: ignore[no-untyped-def]
    """Place the last block's actions in rows, and write payoffs: NaN where none are known.

    What is finite is taken into the range of the profile ``which`` (n,).
    """
    for r in range(rows.shape[0]):
        if not known[r]:
            for i in range(payoffs.shape[1]):
                payoffs[r, i] = np.nan
            continue
        v, e = rows[r], which[r]
        for j in range(moves.slots.size):
            v[moves.slots[j]] = actions[r, j]
        finish(v, payoffs[r])
        for i in range(payoffs.shape[1]):
            if np.isfinite(payoffs[r, i]):
                seen.low[e, i] = min(seen.low[e, i], payoffs[r, i])
                seen.high[e, i] = max(seen.high[e, i], payoffs[r, i])
