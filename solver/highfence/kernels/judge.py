"""The judge's compiled loop: payoffs of one decision's alternatives at many histories."""

from __future__ import annotations

from numba import njit, types

from .staged import OBJECTIVE

__all__ = ["try_rows"]

_VECTOR = types.float64[::1]


@njit(
    types.void(
        types.FunctionType(OBJECTIVE),
        types.float64[:, ::1],
        types.int64,
        types.int64,
        _VECTOR,
        _VECTOR,
        types.int64,
        types.boolean,
        _VECTOR,
        _VECTOR,
        _VECTOR,
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
)
def try_rows(  # type: ignore[no-untyped-def]
    objective, rows, slot, player, lo, hi, points, closer, now, best, least
):
    """Write a player's payoff as prescribed, and the best and least of ``points + 1`` alternatives.

    ``rows`` (n, size) have every move in place; they are left as they were. ``closer`` adds a
    closer look around the action, and around the best one.
    """
    for r in range(rows.shape[0]):
        v = rows[r]
        kept = v[slot]
        width = hi[r] - lo[r]
        now[r] = objective(v, player)
        best[r] = now[r]
        least[r] = now[r]
        where = kept
        for k in range(points + 1):
            x = lo[r] + width * k / points
            v[slot] = x
            found = objective(v, player)
            least[r] = min(least[r], found)
            if found > best[r]:
                best[r] = found
                where = x
        if closer:
            for power in range(2, 8):
                for sign in range(-1, 2, 2):
                    x = min(max(kept + sign * width * 10.0**-power, lo[r]), hi[r])
                    v[slot] = x
                    found = objective(v, player)
                    if found > best[r]:
                        best[r] = found
                        where = x
            size = width / points
            for _ in range(3):
                center = where
                for k in range(-10, 11):
                    x = min(max(center + 0.1 * size * k, lo[r]), hi[r])
                    v[slot] = x
                    found = objective(v, player)
                    if found > best[r]:
                        best[r] = found
                        where = x
                size *= 0.1
        v[slot] = kept
