"""Products of intervals, and their ends moved outward to the next float, many at once."""

from __future__ import annotations

from numba import types

from .compiling import kept

__all__ = ["multiply", "widen"]

_ANY = types.Array(types.float64, 4, "A", readonly=True)
_BITS = types.int64[:, ::1]

_LAST = 0x7FF0000000000000
"""The bits of infinity, read as a whole number. Floats that are not negative lie in the order of
their bits, the others in the reverse: so bits below zero are mirrored, and a step to the next
float is a step to the next whole number (IEEE 754-2019, 5.10)."""
_MIRROR = -(2**63)
_TINY = 5e-324


@kept(types.void(_BITS, types.int64, types.boolean))
def widen(bits, steps, zeros):  # type: ignore[no-untyped-def]
    """Move low ends (row 0) down and high ends (row 1) up, in place; no number is unbounded.

    Parameters
    ----------
    bits
        (2, n), the ends as whole numbers of 64 bits.
    steps
        How many floats to move by.
    zeros
        Whether zeros are exact, and stay.
    """
    for j in range(bits.shape[1]):
        key = bits[0, j]
        if key < 0:
            key = _MIRROR - key
        if key > _LAST:
            key = -_LAST
        elif key != 0 or not zeros:
            key = max(key - steps, -_LAST)
        bits[0, j] = key if key >= 0 else _MIRROR - key
    for j in range(bits.shape[1]):
        key = bits[1, j]
        if key < 0:
            key = _MIRROR - key
        if key < -_LAST:
            key = _LAST
        elif key != 0 or not zeros:
            key = min(key + steps, _LAST)
        bits[1, j] = key if key >= 0 else _MIRROR - key


@kept(types.void(_ANY, _ANY, types.float64[:, :, :, ::1]))
def multiply(one, other, ends):  # type: ignore[no-untyped-def]
    """Write the least and the greatest product, rounded to the nearest; 0 times anything is 0.

    A zero that is written is exact: products too small for a float are written as the smallest.

    Parameters
    ----------
    one, other
        (2, n, p, q), where n, p and q may be 1 for all that the other has.
    ends
        (2, n, p, q), written.
    """
    for i in range(ends.shape[1]):
        ia = i if one.shape[1] > 1 else 0
        ib = i if other.shape[1] > 1 else 0
        for j in range(ends.shape[2]):
            ja = j if one.shape[2] > 1 else 0
            jb = j if other.shape[2] > 1 else 0
            for k in range(ends.shape[3]):
                ka = k if one.shape[3] > 1 else 0
                kb = k if other.shape[3] > 1 else 0
                a, b = one[0, ia, ja, ka], one[1, ia, ja, ka]
                c, d = other[0, ib, jb, kb], other[1, ib, jb, kb]
                if (a == 0.0 and b == 0.0) or (c == 0.0 and d == 0.0):
                    ends[0, i, j, k] = ends[1, i, j, k] = 0.0
                    continue
                p = a * c if a != 0.0 and c != 0.0 else 0.0
                q = a * d if a != 0.0 and d != 0.0 else 0.0
                r = b * c if b != 0.0 and c != 0.0 else 0.0
                s = b * d if b != 0.0 and d != 0.0 else 0.0
                low, high = min(p, q, r, s), max(p, q, r, s)
                if low == 0.0 or high == 0.0:
                    small = (
                        (p == 0.0 and a != 0.0 and c != 0.0)
                        or (q == 0.0 and a != 0.0 and d != 0.0)
                        or (r == 0.0 and b != 0.0 and c != 0.0)
                        or (s == 0.0 and b != 0.0 and d != 0.0)
                    )
                    if small and low == 0.0:
                        low = -_TINY
                    if small and high == 0.0:
                        high = _TINY
                ends[0, i, j, k] = low
                ends[1, i, j, k] = high
