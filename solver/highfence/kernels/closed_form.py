"""Plays of staged games whose decisions are known functions of what was decided before.

A *rule* is a compiled ``advance`` (see :mod:`.staged`) that, at every level, also fills slots
with what is decided next. ``moves[k, j]`` is the slot of the j-th decision of block k,
``answers[k, j]`` that of its answer (-1: the number ``fixed[k, j]``), ``counts[k]`` how many
there are.
"""

from __future__ import annotations

from numba import types

from .compiling import kept
from .staged import ADVANCE, FINISH

__all__ = ["play_rows"]

_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]
_TABLE = types.int64[:, ::1]


@kept(
    types.void(
        types.FunctionType(ADVANCE), types.FunctionType(FINISH), _MATRIX, types.int64,
        _TABLE, _TABLE, _MATRIX, _INTS, _MATRIX,
    )
)  # fmt: skip
def play_rows(  # type: ignore[no-untyped-def]
    advance, finish, rows, block, moves, answers, fixed, counts, payoffs
):
    """Play rows on from ``block``, in place, where everything before it stands and its level is
    filled; write payoffs (n, players)."""
    last = counts.size
    for n in range(rows.shape[0]):
        v = rows[n]
        for k in range(block, last):
            for j in range(counts[k]):
                slot = answers[k, j]
                v[moves[k, j]] = v[slot] if slot >= 0 else fixed[k, j]
            if k < last - 1:
                advance(v, k)
        finish(v, payoffs[n])
