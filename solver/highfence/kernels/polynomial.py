"""The compiled search of supports for all roots of their indifference equations.

On given supports, the equilibria in which exactly those strategies are played solve one equation
per player and strategy but the first: it pays as much as the first. Each is linear in every other
player's probabilities. They are taken as homogeneous in each player's probabilities and in random
coordinates, in which no root is at infinity, and followed from equations of the same shape whose
roots are known: ``(1 - t) start + t target``, with complex starts, has as many smooth paths as a
generic system has roots.

Nothing is followed where two or three mix and one of the three mixes two strategies. Where two mix
the equations are linear. Where three do, let ``t`` be the probability of the one's second strategy:
the equations of the others are linear in each other's probabilities once ``t`` is given, so these
are minors of matrices whose entries are linear in ``t``, and what is left is one polynomial
equation in ``t``. Its roots in [0, 1] are separated by the signs of its Bernstein coefficients
(Lane and Riesenfeld 1981). Where a sign hangs on rounding all paths are followed instead.

Nor is anything followed where the simplices can be cut into parts on each of which some strategy
is better than another.

Arrays of a plan (see :mod:`highfence.methods.polynomial`), all systems one after the other:
``size`` unknowns; ``equation_at`` where a system's equations start in ``entry_at``, which says
where each one's coefficients start; ``places`` (entries, axes) the homogeneous coordinates that a
coefficient multiplies; ``turn`` the changes of coordinates; ``roots`` of the start systems.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
from numba import types

from .compiling import copy, inner, kept, lean
from .indifference import refine

__all__ = ["solve_supports", "unit_and_pure"]

_DEGREE = 6
"""Of the largest polynomial that is solved; it comes from two who mix four strategies."""
_PARTS = 100
"""Parts of the simplices that are looked at for each path, before paths are followed."""
_WAITING = 100
"""Parts of the simplices that wait at most."""
_DEPTH = 30
"""How often [0, 1] is halved before a root counts as double or at an end."""


def _bernstein(degree: int) -> tuple[Any, Any]:
    """Return points, and the matrix that turns values there into Bernstein coefficients."""
    points = (1 - np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))) / 2
    powers = np.arange(degree + 1)
    choose = np.array([comb(degree, k) for k in powers])
    return points, np.linalg.inv(
        choose * points[:, None] ** powers * (1 - points[:, None]) ** (degree - powers)
    )


_POINTS = np.zeros((_DEGREE + 1, _DEGREE + 1))
_COEFFICIENTS = np.zeros((_DEGREE + 1, _DEGREE + 1, _DEGREE + 1))
for _d in range(1, _DEGREE + 1):
    _POINTS[_d, : _d + 1], _COEFFICIENTS[_d, : _d + 1, : _d + 1] = _bernstein(_d)

_INTS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_COMPLEX = types.complex128[::1]


@kept(types.int64(types.Array(types.float64, 2, "C", readonly=True), _INTS, _INTS, _MATRIX, _INTS))
def unit_and_pure(payoffs, counts, strides, unit, cells):  # type: ignore[no-untyped-def]
    """Write payoffs (players, cells) mapped to [0, 1], and the cells that are pure equilibria.

    Returns the number of those, ascending; -1 if some player's payoffs are too far apart.
    """
    players, size = payoffs.shape
    for i in range(players):
        low, high = payoffs[i, 0], payoffs[i, 0]
        for c in range(size):
            low, high = min(low, payoffs[i, c]), max(high, payoffs[i, c])
        if not np.isfinite(high - low):
            return -1
        over = high - low if high > low else 1.0
        for c in range(size):
            unit[i, c] = (payoffs[i, c] - low) / over
    found = 0
    for c in range(size):
        best = True
        for i in range(players):
            begin = c - c // strides[i] % counts[i] * strides[i]
            for k in range(counts[i]):
                best = best and payoffs[i, begin + k * strides[i]] <= payoffs[i, c]
            if not best:
                break
        if best:
            cells[found] = c
            found += 1
    return found


@lean
def _size(z):  # type: ignore[no-untyped-def]
    return abs(z.real) + abs(z.imag)


@lean
def _solve(matrix, right, n):  # type: ignore[no-untyped-def]
    """Solve for two right sides in their place; return the least pivot over its column."""
    least = 1.0
    for c in range(n):
        pivot, largest, column = c, 0.0, 0.0
        for r in range(n):
            here = _size(matrix[r, c])
            column = max(column, here)
            if r >= c and here > largest:
                pivot, largest = r, here
        if not largest > 0.0:
            return 0.0
        least = min(least, largest / column)
        if pivot != c:
            for k in range(c, n):
                matrix[c, k], matrix[pivot, k] = matrix[pivot, k], matrix[c, k]
            for k in range(2):
                right[k, c], right[k, pivot] = right[k, pivot], right[k, c]
        z = matrix[c, c]
        over = 1.0 / (z.real * z.real + z.imag * z.imag)
        inverse = complex(z.real * over, -z.imag * over)
        matrix[c, c] = inverse
        for r in range(c + 1, n):
            factor = matrix[r, c] * inverse
            for k in range(c + 1, n):
                matrix[r, k] -= factor * matrix[c, k]
            for k in range(2):
                right[k, r] -= factor * right[k, c]
    for k in range(2):
        for r in range(n - 1, -1, -1):
            total = right[k, r]
            for c in range(r + 1, n):
                total -= matrix[r, c] * right[k, c]
            right[k, r] = total * matrix[r, r]
    return least


@lean
def _move(  # type: ignore[no-untyped-def]
    start, change, places, axes, entry_at, e0, n, unknown, x, t, matrix, right, wide
):
    """Solve for the Newton correction, and for the velocity of the root, in ``right``."""
    first = entry_at[e0]
    for r in range(n):
        value, slope = 0.0j, 0.0j
        wide[:] = 0.0
        begin, end = entry_at[e0 + r], entry_at[e0 + r + 1]
        if axes == 2:
            c = begin
            for a in range(places[begin, 0], places[end - 1, 0] + 1):
                inner, bent = 0.0j, 0.0j
                for b in range(places[begin, 1], places[end - 1, 1] + 1):
                    coefficient = start[c] + t * change[c - first]
                    wide[b] += coefficient * x[a]
                    inner += coefficient * x[b]
                    bent += change[c - first] * x[b]
                    c += 1
                wide[a] = inner
                value += inner * x[a]
                slope += bent * x[a]
        else:
            for c in range(begin, end):
                coefficient = start[c] + t * change[c - first]
                whole = 1.0 + 0.0j
                for k in range(axes):
                    part = coefficient
                    for m in range(axes):
                        if m != k:
                            part *= x[places[c, m]]
                    wide[places[c, k]] += part
                    whole *= x[places[c, k]]
                value += coefficient * whole
                slope += change[c - first] * whole
        right[0, r], right[1, r] = -value, -slope
        for k in range(n):
            matrix[r, k] = wide[unknown[k]]
    return _solve(matrix, right, n)


@lean
def _correct(n, unknown, x, right):  # type: ignore[no-untyped-def]
    """Add the Newton correction; return how large it is, relative to the root."""
    moved, most = 0.0, 1.0
    for k in range(n):
        x[unknown[k]] += right[0, k]
        moved = max(moved, _size(right[0, k]))
        most = max(most, _size(x[unknown[k]]))
    return moved / most


@lean
def _track(  # type: ignore[no-untyped-def]
    start, change, places, axes, entry_at, e0, n, unknown, x, longest, matrix, right, wide, work
):
    """Follow one root from t = 0 to 1 in ``x``; return the least pivot there, 0 if it was lost.

    What comes next is read off the cubic through the last two roots and their velocities, which
    the last correction brings along. A step is as long as makes the first correction some
    hundredth of the root, or less where ``longest`` is below 1/4.
    """
    t, step, before = 0.0, 0.1 * longest, 0.0
    usual = 0.04 * longest
    if not _move(
        start, change, places, axes, entry_at, e0, n, unknown, x, 0.0, matrix, right, wide
    ) > 0.0:  # fmt: skip
        return 0.0
    for k in range(n):
        work[2, k], work[3, k] = x[unknown[k]], right[1, k]
    while t < 1.0:
        if t + step > 1.0 - 1e-9:
            step = 1.0 - t
        s = 1.0 + step / before if before > 0.0 else 0.0
        for k in range(n):
            if before > 0.0:
                x[unknown[k]] = (
                    work[2, k]
                    + (2.0 * s - 3.0) * s * s * (work[0, k] - work[2, k])
                    + (work[0, k] - work[2, k])
                    + (s - 1.0) * s * before * ((s - 1.0) * work[1, k] + s * work[3, k])
                )
            else:
                x[unknown[k]] = work[2, k] + step * work[3, k]
        fine, off, here = False, np.inf, np.inf
        for turn in range(3):
            if not _move(
                start, change, places, axes, entry_at, e0, n, unknown, x, t + step, matrix, right,
                wide,
            ) > 0.0:  # fmt: skip
                break
            last, here = here, _correct(n, unknown, x, right)
            if turn == 0:
                off = here
            if not here < (3.0 * usual if turn == 0 else 0.1 * last):
                break
            if here < 1e-5:
                fine = True
                break
        if not fine:
            step *= 0.4
            if step < 1e-7:
                return 0.0
            continue
        t += step
        before = step
        for k in range(n):
            work[0, k], work[1, k] = work[2, k], work[3, k]
            work[2, k], work[3, k] = x[unknown[k]], right[1, k]
        # The cubic is off by the fourth power of the step.
        grow = 2.0 if off < 0.02 * usual else 0.8 * (usual / off) ** 0.25
        step = min(longest, step * min(2.0, max(0.5, grow)))
    pivot, here = 0.0, np.inf
    for _ in range(8):
        pivot = _move(
            start, change, places, axes, entry_at, e0, n, unknown, x, 1.0, matrix, right, wide
        )
        if not pivot > 0.0:
            return 0.0
        here = _correct(n, unknown, x, right)
        if not here < 1.0:
            return 0.0
        if here < 1e-14:
            break
    return pivot if here < 1e-8 else 0.0


@inner
def _excluded(payoffs, counts, first, strides, support):  # type: ignore[no-untyped-def]
    """Return 1 if a strategy of the support is worse than another wherever the others may be.

    2 if none is, but two of the support always pay the same; else 0.
    """
    players = counts.size
    same = False
    choice = np.empty(players, np.int64)
    for i in range(players):
        for a in range(counts[i]):
            if not support[first[i] + a]:
                continue
            for b in range(counts[i]):
                if a == b:
                    continue
                less, more = False, False
                offset = 0
                for k in range(players):
                    choice[k] = 0
                    if k != i:
                        while not support[first[k] + choice[k]]:
                            choice[k] += 1
                        offset += choice[k] * strides[k]
                while True:
                    gap = payoffs[i, offset + b * strides[i]] - payoffs[i, offset + a * strides[i]]
                    if gap > 0.0:
                        more = True
                    elif gap < 0.0:
                        less = True
                    if less and more:
                        break
                    k = players - 1
                    while k >= 0:
                        if k != i:
                            offset -= choice[k] * strides[k]
                            choice[k] += 1
                            while choice[k] < counts[k] and not support[first[k] + choice[k]]:
                                choice[k] += 1
                            if choice[k] < counts[k]:
                                offset += choice[k] * strides[k]
                                break
                            choice[k] = 0
                            while not support[first[k] + choice[k]]:
                                choice[k] += 1
                            offset += choice[k] * strides[k]
                        k -= 1
                    if k < 0:
                        break
                if more and not less:
                    return 1
                if not more and not less and support[first[i] + b]:
                    same = True
    return 2 if same else 0


@inner
def _differences(  # type: ignore[no-untyped-def]
    payoffs, strides, mixed, lists, sizes, origin, table
):
    """Write, per player who mixes and strategy but the first, what it pays more than the first.

    For each, the others' strategies in row-major order; returns the number of entries.
    """
    count = mixed.size
    at = 0
    choice = np.zeros(count, np.int64)
    for i in range(count):
        own = strides[mixed[i]]
        total = 1
        for j in range(count):
            if j != i:
                total *= sizes[j]
        for e in range(1, sizes[i]):
            choice[:] = 0
            for entry in range(total):
                offset = origin
                for j in range(count):
                    if j != i:
                        offset += lists[j, choice[j]] * strides[mixed[j]]
                table[at + entry] = (
                    payoffs[mixed[i], offset + lists[i, e] * own]
                    - payoffs[mixed[i], offset + lists[i, 0] * own]
                )
                j = count - 1
                while j >= 0:
                    if j != i:
                        choice[j] += 1
                        if choice[j] < sizes[j]:
                            break
                        choice[j] = 0
                    j -= 1
            at += total
    return at


@lean
def _one_sign(stack, part, begin, other, total):  # type: ignore[no-untyped-def]
    """Tell whether all values, less the other ones if ``other >= 0``, are surely of one sign."""
    up, down = False, False
    for k in range(total):
        value = stack[part, begin + k]
        if other >= 0:
            value -= stack[part, other + k]
        up = up or value > -1e-12
        down = down or value < 1e-12
        if up and down:
            return False
    return True


@lean
def _is_empty(table, sizes, entries, budget, stack, corner):  # type: ignore[no-untyped-def]
    """Tell whether no mixtures of all strategies make everybody indifferent, as far as is seen.

    Expected payoffs are linear in each player's mixture, so over parts of their simplices they
    lie between those at the corners: where a difference has one sign at all corners it has no
    root there. The longest edge is halved until no part is left, or ``budget`` parts were seen.

    ``table`` holds the differences, ``stack`` (parts, entries) those at the corners of parts,
    and ``corner`` (parts, players, corners, strategies) the corners.
    """
    count = sizes.size
    for k in range(entries):
        stack[0, k] = table[k]
    for i in range(count):
        for a in range(sizes[i]):
            for b in range(sizes[i]):
                corner[0, i, a, b] = 1.0 if a == b else 0.0
    waiting, seen = 1, 0
    while waiting:
        if seen >= budget or waiting + 2 > stack.shape[0]:
            return False
        here = waiting - 1
        who, one, two, longest = 0, 0, 1, 0.0
        for i in range(count):
            for a in range(sizes[i]):
                for b in range(a + 1, sizes[i]):
                    length = 0.0
                    for c in range(sizes[i]):
                        length += abs(corner[here, i, a, c] - corner[here, i, b, c])
                    if length > longest + 1e-9:
                        who, one, two, longest = i, a, b, length
        # Of two halves the one that stands last is taken up next; the first is put in its place.
        kept = 0
        for half in range(2):
            seen += 1
            at = here + 1 + kept
            moved = one if half == 0 else two
            for k in range(entries):
                stack[at, k] = stack[here, k]
            alive = True
            begin = 0
            for i in range(count):
                inner, outer, past = 1, 1, False
                for j in range(count):
                    if j == who:
                        past = True
                    elif j != i:
                        if past:
                            inner *= sizes[j]
                        else:
                            outer *= sizes[j]
                if i == who:
                    begin += (sizes[i] - 1) * inner * outer
                    continue
                size = sizes[who]
                total = inner * outer * size
                for e in range(sizes[i] - 1):
                    for o in range(outer):
                        row = begin + e * total + o * size * inner
                        for k in range(inner):
                            stack[at, row + moved * inner + k] = 0.5 * (
                                stack[here, row + one * inner + k]
                                + stack[here, row + two * inner + k]
                            )
                    alive = alive and not _one_sign(stack, at, begin + e * total, -1, total)
                    for f in range(e):
                        alive = alive and not _one_sign(
                            stack, at, begin + e * total, begin + f * total, total
                        )
                    if not alive:
                        break
                if not alive:
                    break
                begin += (sizes[i] - 1) * total
            if not alive:
                continue
            for i in range(count):
                for a in range(sizes[i]):
                    for b in range(sizes[i]):
                        corner[at, i, a, b] = corner[here, i, a, b]
            for b in range(sizes[who]):
                corner[at, who, moved, b] = 0.5 * (
                    corner[here, who, one, b] + corner[here, who, two, b]
                )
            kept += 1
        # The parts that are left move up by one, over the one that was halved.
        for part in range(here, here + kept):
            for k in range(entries):
                stack[part, k] = stack[part + 1, k]
            for i in range(count):
                for a in range(sizes[i]):
                    for b in range(sizes[i]):
                        corner[part, i, a, b] = corner[part + 1, i, a, b]
        waiting = here + kept
    return True


@lean
def _turn(table, sizes, entries, turn, turn_at, change, spare):  # type: ignore[no-untyped-def]
    """Write the coefficients of the indifference equations in the turned coordinates."""
    count = sizes.size
    for k in range(entries):
        change[k] = table[k]
    at = 0
    for i in range(count):
        total = 1
        for j in range(count):
            if j != i:
                total *= sizes[j]
        for _ in range(1, sizes[i]):
            stride = 1
            for j in range(count - 1, -1, -1):
                if j == i:
                    continue
                n = sizes[j]
                base = turn_at
                for k in range(j):
                    base += sizes[k] * sizes[k]
                for entry in range(total):
                    if entry // stride % n == 0:
                        for m in range(n):
                            value = 0.0j
                            for k in range(n):
                                value += change[at + entry + k * stride] * turn[base + k * n + m]
                            spare[m] = value
                        for m in range(n):
                            change[at + entry + m * stride] = spare[m]
                stride *= n
            at += total


@inner
def _keep(payoffs, counts, first, support, p, said, found, told, tally):  # type: ignore[no-untyped-def]
    """Make a root as exact as floats allow, and write it if it is an equilibrium not seen yet."""
    strategies = p.size
    whole = True
    for a in range(strategies):
        whole = whole and support[a]
    if not whole:
        refine(payoffs, counts, first, support, 0, p, said)
        if said[3] < -1e-2:
            return
    refine(payoffs, counts, first, support, 30, p, said)
    inside = np.inf
    for a in range(strategies):
        if support[a]:
            inside = min(inside, p[a])
    if not said[0] < 1e-9 or abs(said[1]) < 1e-11:
        tally[5] += 1
        return
    if abs(inside) <= 1e-9 and said[3] > -1e-9:
        tally[5] += 1
    if inside <= 0.0 or said[3] < -1e-11:
        return
    if said[3] < 1e-9:
        tally[5] += 1
    for q in range(tally[0]):
        apart = 0.0
        for a in range(strategies):
            apart = max(apart, abs(found[q, a] - p[a]))
        if apart < 1e-10:
            return
    for i in range(counts.size):
        total = 0.0
        for a in range(first[i], first[i] + counts[i]):
            total += p[a]
        for a in range(first[i], first[i] + counts[i]):
            found[tally[0], a] = p[a] / total
    told[tally[0], 0], told[tally[0], 1] = said[1], said[3]
    tally[0] += 1


@inner
def _null(rows, k, out):  # type: ignore[no-untyped-def]
    """Write the vector that ``rows`` (k, k + 1) map to 0, made of their signed minors.

    ``w @ out`` is the determinant of the rows with ``w`` below. ``rows`` may be overwritten.
    """
    if k == 1:
        out[0], out[1] = -rows[0, 1], rows[0, 0]
        return
    if k == 2:
        out[0] = rows[0, 1] * rows[1, 2] - rows[0, 2] * rows[1, 1]
        out[1] = rows[0, 2] * rows[1, 0] - rows[0, 0] * rows[1, 2]
        out[2] = rows[0, 0] * rows[1, 1] - rows[0, 1] * rows[1, 0]
        return
    column = np.arange(k + 1)
    whole = 1.0
    for c in range(k):
        pivot, at, largest = c, c, 0.0
        for r in range(c, k):
            for d in range(c, k + 1):
                if abs(rows[r, d]) > largest:
                    pivot, at, largest = r, d, abs(rows[r, d])
        if largest == 0.0:
            out[: k + 1] = 0.0
            return
        if pivot != c:
            whole = -whole
            for d in range(k + 1):
                rows[c, d], rows[pivot, d] = rows[pivot, d], rows[c, d]
        if at != c:
            whole = -whole
            column[c], column[at] = column[at], column[c]
            for r in range(k):
                rows[r, c], rows[r, at] = rows[r, at], rows[r, c]
        whole *= rows[c, c]
        for r in range(c + 1, k):
            factor = rows[r, c] / rows[c, c]
            for d in range(c + 1, k + 1):
                rows[r, d] -= factor * rows[c, d]
    out[column[k]] = whole
    for c in range(k - 1, -1, -1):
        total = 0.0
        for d in range(c + 1, k + 1):
            total -= rows[c, d] * out[column[d]]
        out[column[c]] = total / rows[c, c]


@lean
def _is_mixture(weights, size):  # type: ignore[no-untyped-def]
    """Divide by the sum, and tell whether all are positive or within rounding of 0."""
    total, largest = 0.0, 0.0
    for a in range(size):
        total += weights[a]
        largest = max(largest, abs(weights[a]))
    if not abs(total) > 0.5 * largest:
        return False
    least = 0.0
    for a in range(size):
        weights[a] /= total
        least = min(least, weights[a])
    return least > -1e-6


@lean
def _by_two(  # type: ignore[no-untyped-def]
    payoffs, first, strides, mixed, lists, size, origin, rows, y, p
):
    """Write the one root where two mix: linear equations for each.

    Returns 0 if it has a negative probability, and -1 where the equations may be dependent.
    """
    k = size - 1
    for i in range(2):
        j = 1 - i
        own = strides[mixed[i]]
        payoff = payoffs[mixed[i]]
        for e in range(k):
            scale = 0.0
            for b in range(size):
                offset = origin + lists[j, b] * strides[mixed[j]]
                rows[e, b] = (
                    payoff[offset + lists[i, e + 1] * own] - payoff[offset + lists[i, 0] * own]
                )
                scale = max(scale, abs(rows[e, b]))
            scale = 1.0 / scale if scale > 0.0 else 0.0
            for b in range(size):
                rows[e, b] *= scale
        _null(rows, k, y)
        largest = 0.0
        for b in range(size):
            largest = max(largest, abs(y[b]))
        if not largest > 1e-9:
            return -1
        if not _is_mixture(y, size):
            return 0
        for b in range(size):
            p[first[mixed[j]] + lists[j, b]] = y[b]
    return 1


@lean
def _gains(  # type: ignore[no-untyped-def]
    payoffs, strides, mixed, lists, sizes, origin, i, j, k, gains
):
    """Write what strategy ``e + 1`` of the ``i``-th who mixes pays more than their first.

    ``gains[e, a, b]``: the ``j``-th plays their ``a``-th strategy and the ``k``-th their
    ``b``-th; over the largest of all ``a`` and ``b``.
    """
    own = strides[mixed[i]]
    payoff = payoffs[mixed[i]]
    for e in range(sizes[i] - 1):
        scale = 0.0
        for a in range(sizes[j]):
            for b in range(sizes[k]):
                offset = origin + lists[j, a] * strides[mixed[j]] + lists[k, b] * strides[mixed[k]]
                gain = payoff[offset + lists[i, e + 1] * own] - payoff[offset + lists[i, 0] * own]
                gains[e, a, b] = gain
                scale = max(scale, abs(gain))
        scale = 1.0 / scale if scale > 0.0 else 0.0
        for a in range(sizes[j]):
            for b in range(sizes[k]):
                gains[e, a, b] *= scale


@lean
def _mean(gains, count, size, t, rows):  # type: ignore[no-untyped-def]
    """Write the gains (count, size) where the last player's second strategy has odds ``t``."""
    for e in range(count):
        for a in range(size):
            rows[e, a] = (1.0 - t) * gains[e, a, 0] + t * gains[e, a, 1]


@lean
def _roots_between(b, degree, tie, roots, stack, ends):  # type: ignore[no-untyped-def]
    """Write the roots between 0 and 1 of a polynomial with Bernstein coefficients ``b``.

    Coefficients within ``tie`` of 0 have no sign. Returns the number, -1 if it is unsure.
    """
    for k in range(degree + 1):
        stack[0, k] = b[k]
    ends[0, 0], ends[0, 1] = 0.0, 1.0
    waiting, found = 1, 0
    while waiting:
        waiting -= 1
        c, low, high = stack[waiting], ends[waiting, 0], ends[waiting, 1]
        changes, last, unsure = 0, 0.0, False
        for k in range(degree + 1):
            if abs(c[k]) <= tie:
                unsure = True
            elif last * c[k] < 0.0:
                changes += 1
                last = c[k]
            else:
                last = c[k]
        if changes == 0 and not unsure:
            continue
        if changes == 1 and not unsure:
            # By false position, halving the weight of an end that stays.
            left, right, at_left, at_right = 0.0, 1.0, c[0], c[degree]
            for _ in range(80):
                s = (left * at_right - right * at_left) / (at_right - at_left)
                value, weight = 0.0, (1.0 - s) ** degree
                if s < 1.0:
                    for k in range(degree + 1):
                        value += weight * c[k]
                        weight *= (degree - k) / (k + 1.0) * s / (1.0 - s)
                else:
                    value = c[degree]
                if abs(right - left) < 1e-12 or abs(value) <= 1e-2 * tie:
                    break
                if value * at_right < 0.0:
                    left, at_left = right, at_right
                else:
                    at_left *= 0.5
                right, at_right = s, value
            roots[found] = low + s * (high - low)
            found += 1
            continue
        if high - low < 2.0**-_DEPTH:
            return -1
        # The coefficients of both halves (de Casteljau); the second is looked at first.
        other = stack[waiting + 1]
        for k in range(degree + 1):
            other[k] = c[k]
        for k in range(degree + 1):
            c[k] = other[0]
            for m in range(degree - k):
                other[m] = 0.5 * (other[m] + other[m + 1])
        middle = 0.5 * (low + high)
        ends[waiting, 0], ends[waiting, 1] = low, middle
        ends[waiting + 1, 0], ends[waiting + 1, 1] = middle, high
        waiting += 2
    return found


@lean
def _by_three(  # type: ignore[no-untyped-def]
    payoffs, first, strides, mixed, lists, sizes, origin, made, cubes, squares, spare
):
    """Write the roots that may be mixtures, where three mix and one of them two strategies.

    Returns their number, the rows of ``made`` being filled from above; -1 where something
    hangs on rounding, and -2 if this is no such case.
    """
    u = 0 if sizes[0] == 2 else (1 if sizes[1] == 2 else 2)
    v, w = (1 if u == 0 else 0), (1 if u == 2 else 2)
    if sizes[v] > sizes[w]:
        v, w = w, v
    k, more = sizes[v] - 1, sizes[w] - sizes[v]
    degree = k + 1 if more else 2 * k
    if sizes[u] != 2 or degree > _DEGREE:
        return -2
    one, two, three = cubes[0], cubes[1], cubes[2]
    _gains(payoffs, strides, mixed, lists, sizes, origin, u, v, w, one)
    _gains(payoffs, strides, mixed, lists, sizes, origin, v, w, u, two)
    _gains(payoffs, strides, mixed, lists, sizes, origin, w, v, u, three)
    rows, stack, ends = squares[0], squares[1], squares[2]
    y, z, values, b, roots = spare[0], spare[1], spare[2], spare[3], spare[4]
    # The v-th player's probabilities are y: the w-th's equations are linear in them.
    for d in range(degree + 1):
        t = _POINTS[degree, d]
        _mean(three, k + more, k + 1, t, rows)
        value = 0.0
        if more:
            for a in range(k + 1):
                values[a] = rows[k, a]
            _null(rows, k, y)
            for a in range(k + 1):
                value += values[a] * y[a]
        else:
            _null(rows, k, y)
            _mean(two, k, k + 1, t, rows)
            _null(rows, k, z)
            for a in range(k + 1):
                for c in range(k + 1):
                    value += one[0, a, c] * y[a] * z[c]
        b[d] = value
    for d in range(degree + 1):
        values[d] = 0.0
        for c in range(degree + 1):
            values[d] += _COEFFICIENTS[degree, d, c] * b[c]
    largest = 0.0
    for d in range(degree + 1):
        largest = max(largest, abs(values[d]))
    if not largest > 1e-6:
        return -1
    number = _roots_between(values, degree, 1e-11 * max(1.0, largest), roots, stack, ends)
    if number < 0:
        return -1
    count = 0
    for r in range(number):
        t = roots[r]
        most = 0.0
        # Of the w-th's equations one follows from the others; the least telling is left out.
        for out in range(k if more else 0, -1, -1):
            _mean(three, k + more, k + 1, t, rows)
            if more:
                for a in range(k + 1):
                    rows[out, a] = rows[k, a]
            _null(rows, k, z)
            here = 0.0
            for a in range(k + 1):
                here = max(here, abs(z[a]))
            if here > most:
                most = here
                for a in range(k + 1):
                    y[a] = z[a]
        if not most > 1e-8:
            return -1
        if not _is_mixture(y, k + 1):
            continue
        _mean(two, k, k + more + 1, t, rows)
        if more:
            for c in range(k + 2):
                rows[k, c] = 0.0
                for a in range(k + 1):
                    rows[k, c] += y[a] * one[0, a, c]
        _null(rows, k + more, z)
        most = 0.0
        for c in range(k + more + 1):
            most = max(most, abs(z[c]))
        if not most > 1e-8:
            return -1
        if not _is_mixture(z, k + more + 1):
            continue
        p = made[count]
        p[first[mixed[u]] + lists[u, 0]] = 1.0 - t
        p[first[mixed[u]] + lists[u, 1]] = t
        for a in range(k + 1):
            p[first[mixed[v]] + lists[v, a]] = y[a]
        for c in range(k + more + 1):
            p[first[mixed[w]] + lists[w, c]] = z[c]
        count += 1
    return count


@kept(
    types.int64(
        _MATRIX, _INTS, _INTS, _INTS, types.boolean[:, ::1], _INTS, types.int64, types.int64,
        _INTS, _INTS, _INTS, types.int64[:, ::1], _COMPLEX, _COMPLEX, _INTS, _COMPLEX, _INTS, _INTS,
        types.int64, types.int64,
        _MATRIX, _MATRIX, _INTS,
    )
)  # fmt: skip
def solve_supports(  # type: ignore[no-untyped-def]
    payoffs, counts, first, strides, supports, system_of, begin, budget,
    size, equation_at, entry_at, places, start, turn, turn_at, roots, root_at, root_count,
    most_unknowns, most_entries,
    found, told, tally,
):  # fmt: skip
    """Search supports from ``begin`` on until ``budget`` paths were followed; return the next.

    ``found`` (rows, strategies) gets the equilibria and ``told`` their index and how much worse
    than the best the strategies outside the support are. ``tally``: equilibria written; paths;
    paths lost; roots found twice; supports with payoffs that always tie; roots at or next to a
    boundary; supports searched.
    """
    players, strategies = counts.size, supports.shape[1]
    matrix = np.empty((most_unknowns, most_unknowns), np.complex128)
    right = np.empty((2, most_unknowns), np.complex128)
    work = np.empty((4, most_unknowns), np.complex128)
    x, wide = np.empty(strategies, np.complex128), np.empty(strategies, np.complex128)
    table, change = np.empty(most_entries), np.empty(most_entries, np.complex128)
    spare = np.empty(strategies, np.complex128)
    unknown = np.empty(most_unknowns, np.int64)
    lists = np.empty((players, strategies), np.int64)
    p, said = np.empty(strategies), np.empty(4)
    mixed_of, sizes_of = np.empty(players, np.int64), np.empty(players, np.int64)
    most = 2
    for i in range(players):
        most = max(most, counts[i])
    made = np.empty((_DEGREE, strategies))
    stack = np.empty((_WAITING, most_entries))
    corner = np.empty((_WAITING, players, most, most))
    cubes = np.empty((3, most, most, most))
    squares = np.empty((3, max(most, _DEPTH + 3), max(most, _DEGREE + 1)))
    spares = np.empty((5, max(most, _DEGREE + 1)))
    followed = 0
    place = begin
    while place < supports.shape[0] and followed < budget and tally[0] < found.shape[0]:
        support = supports[place]
        verdict = _excluded(payoffs, counts, first, strides, support)
        if verdict == 1:
            place += 1
            continue
        if verdict == 2:
            tally[4] += 1
            place += 1
            continue
        tally[6] += 1
        origin, count = 0, 0
        for i in range(players):
            here = 0
            for a in range(counts[i]):
                if support[first[i] + a]:
                    lists[count, here] = a
                    here += 1
            if here == 1:
                origin += lists[count, 0] * strides[i]
            else:
                mixed_of[count], sizes_of[count] = i, here
                count += 1
        mixed, sizes = mixed_of[:count], sizes_of[:count]
        if count == 0:
            for a in range(strategies):
                p[a] = 1.0 if support[a] else 0.0
            refine(payoffs, counts, first, support, 1, p, said)
            if said[3] >= 0.0:
                if said[3] == 0.0:
                    tally[5] += 1
                copy(found[tally[0]], p)
                told[tally[0], 0], told[tally[0], 1] = 1.0, said[3]
                tally[0] += 1
            place += 1
            continue
        if count == 1:
            place += 1
            continue
        s = system_of[place]
        n, e0 = size[s], equation_at[s]
        if tally[0] + root_count[s] > found.shape[0]:
            break
        known = -2
        if count == 2 or count == 3:
            for r in range(_DEGREE if count == 3 else 1):
                for a in range(strategies):
                    made[r, a] = 1.0 if support[a] else 0.0
        if count == 2:
            known = _by_two(
                payoffs, first, strides, mixed, lists, sizes[0], origin, squares[0], spares[0],
                made[0],
            )  # fmt: skip
        elif count == 3:
            known = _by_three(
                payoffs, first, strides, mixed, lists, sizes, origin, made, cubes, squares, spares,
            )  # fmt: skip
        if known >= 0:
            for r in range(known):
                _keep(payoffs, counts, first, support, made[r], said, found, told, tally)
            followed += 1
            place += 1
            continue
        entries = _differences(payoffs, strides, mixed, lists, sizes, origin, table)
        if _is_empty(table, sizes, entries, _PARTS * root_count[s], stack, corner):
            followed += 1 + root_count[s] // 10
            place += 1
            continue
        _turn(table, sizes, entries, turn, turn_at[s], change, spare)
        for k in range(entries):
            change[k] -= start[entry_at[e0] + k]
        at, h = 0, 0
        for j in range(count):
            for k in range(sizes[j]):
                if k:
                    unknown[at] = h
                    at += 1
                h += 1
        ends = np.empty((root_count[s], h), np.complex128)
        longest = 0.25
        lost, twice = 0, 0
        for _ in range(3):
            lost, twice = 0, 0
            for r in range(root_count[s]):
                x[:] = 1.0
                for k in range(n):
                    x[unknown[k]] = roots[root_at[s] + r * n + k]
                pivot = _track(
                    start, change, places, count - 1, entry_at, e0, n, unknown, x, longest,
                    matrix, right, wide, work,
                )  # fmt: skip
                followed += 1
                if not pivot > 1e-11:
                    lost += 1
                    ends[r, :] = np.nan
                    continue
                for k in range(h):
                    ends[r, k] = x[k]
                for q in range(r):
                    apart = 0.0
                    for k in range(h):
                        apart = max(apart, abs(ends[q, k] - x[k]) / (1.0 + abs(x[k])))
                    if apart < 1e-7:
                        twice += 1
            if lost == 0 and twice == 0:
                break
            longest *= 0.1
        tally[1] += root_count[s]
        tally[2] += lost
        tally[3] += twice
        for r in range(root_count[s]):
            if not abs(ends[r, 0]) > 0.0:
                continue
            for a in range(strategies):
                p[a] = 1.0 if support[a] else 0.0
            real, h, base, bent = True, 0, turn_at[s], 0.0
            for j in range(count):
                n_j = sizes[j]
                total, largest = 0.0j, 0.0
                for k in range(n_j):
                    value = 0.0j
                    for m in range(n_j):
                        value += turn[base + k * n_j + m] * ends[r, h + m]
                    spare[k] = value
                    total += value
                    largest = max(largest, abs(value))
                if abs(total) < 1e-10 * largest:
                    real = False
                    break
                for k in range(n_j):
                    value = spare[k] / total
                    bent = max(bent, abs(value.imag))
                    if value.real < -1e-6:
                        real = False
                    p[first[mixed[j]] + lists[j, k]] = value.real
                h += n_j
                base += n_j * n_j
            if not real or bent > 1e-6:
                continue
            _keep(payoffs, counts, first, support, p, said, found, told, tally)
        place += 1
    return place
