"""The compiled search of supports for all roots of their indifference equations.

On given supports, the equilibria in which exactly those strategies are played solve one equation
per player and strategy but the first: it pays as much as the first. Each is linear in every other
player's probabilities. They are taken as homogeneous in each player's probabilities and in random
coordinates, in which no root is at infinity, and followed from equations of the same shape whose
roots are known: ``(1 - t) start + t target``, with complex starts, has as many smooth paths as a
generic system has roots. Where two mix the equations are linear, and where three mix two
strategies each they come down to one quadratic equation: those roots are written down.

Arrays of a plan (see :mod:`highfence.methods.polynomial`), all systems one after the other:
``size`` unknowns; ``equation_at`` where a system's equations start in ``entry_at``, which says
where each one's coefficients start; ``places`` (entries, axes) the homogeneous coordinates that a
coefficient multiplies; ``turn`` the changes of coordinates; ``roots`` of the start systems.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

from .indifference import polish

__all__ = ["solve_supports"]

_INTS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_COMPLEX = types.complex128[::1]


@njit(error_model="numpy", nogil=True)
def _solve(matrix, right, n):  # type: ignore[no-untyped-def]
    """Solve in place of ``right`` by elimination; return the least pivot over its column."""
    least = 1.0
    for c in range(n):
        pivot, largest, column = c, 0.0, 0.0
        for r in range(n):
            entry = matrix[r, c]
            here = abs(entry.real) + abs(entry.imag)
            column = max(column, here)
            if r >= c and here > largest:
                pivot, largest = r, here
        if not largest > 0.0:
            return 0.0
        least = min(least, largest / column)
        if pivot != c:
            for k in range(c, n):
                matrix[c, k], matrix[pivot, k] = matrix[pivot, k], matrix[c, k]
            right[c], right[pivot] = right[pivot], right[c]
        inverse = 1.0 / matrix[c, c]
        for r in range(c + 1, n):
            factor = matrix[r, c] * inverse
            if factor != 0.0:
                for k in range(c + 1, n):
                    matrix[r, k] -= factor * matrix[c, k]
                right[r] -= factor * right[c]
    for r in range(n - 1, -1, -1):
        total = right[r]
        for c in range(r + 1, n):
            total -= matrix[r, c] * right[c]
        right[r] = total / matrix[r, r]
    return least


@njit(error_model="numpy", nogil=True)
def _move(  # type: ignore[no-untyped-def]
    start, target, places, axes, entry_at, e0, n, unknown, x, t, along, matrix, right, wide
):
    """Solve for the velocity of the root (``along``), or for the Newton correction."""
    first = entry_at[e0]
    for r in range(n):
        value = 0.0j
        wide[:] = 0.0
        for c in range(entry_at[e0 + r], entry_at[e0 + r + 1]):
            here = c - first
            coefficient = (1.0 - t) * start[c] + t * target[here]
            change = target[here] - start[c] if along else coefficient
            if axes == 1:
                a = places[c, 0]
                wide[a] += coefficient
                value += change * x[a]
            elif axes == 2:
                a, b = places[c, 0], places[c, 1]
                wide[a] += coefficient * x[b]
                wide[b] += coefficient * x[a]
                value += change * (x[a] * x[b])
            else:
                whole = 1.0 + 0.0j
                for k in range(axes):
                    part = coefficient
                    for m in range(axes):
                        if m != k:
                            part *= x[places[c, m]]
                    wide[places[c, k]] += part
                    whole *= x[places[c, k]]
                value += change * whole
        right[r] = -value
        for k in range(n):
            matrix[r, k] = wide[unknown[k]]
    return _solve(matrix, right, n)


@njit(error_model="numpy", nogil=True)
def _track(  # type: ignore[no-untyped-def]
    start, target, places, axes, entry_at, e0, n, unknown, x, longest, matrix, right, wide, work
):
    """Follow one root from t = 0 to 1 in ``x``; return the least pivot there, 0 if it was lost."""
    t, step = 0.0, min(0.1, longest)
    good = 0
    while t < 1.0:
        step = min(step, 1.0 - t)
        for k in range(n):
            work[0, k] = x[unknown[k]]
            work[1, k] = 0.0
        fine = True
        for stage in range(4):
            share = 0.0 if stage == 0 else (1.0 if stage == 3 else 0.5)
            if stage:
                for k in range(n):
                    x[unknown[k]] = work[0, k] + share * step * right[k]
            if not _move(
                start, target, places, axes, entry_at, e0, n, unknown, x, t + share * step, True,
                matrix, right, wide,
            ) > 0.0:  # fmt: skip
                fine = False
                break
            weight = 1.0 if stage == 0 or stage == 3 else 2.0
            for k in range(n):
                work[1, k] += weight * right[k]
        if fine:
            for k in range(n):
                x[unknown[k]] = work[0, k] + step / 6.0 * work[1, k]
            fine = False
            for _ in range(3):
                if not _move(
                    start, target, places, axes, entry_at, e0, n, unknown, x, t + step, False,
                    matrix, right, wide,
                ) > 0.0:  # fmt: skip
                    break
                moved, most = 0.0, 1.0
                for k in range(n):
                    x[unknown[k]] += right[k]
                    moved = max(moved, abs(right[k]))
                    most = max(most, abs(x[unknown[k]]))
                if not moved < 1e-2 * most:
                    break
                if moved < 1e-7 * most:
                    fine = True
                    break
        if fine:
            t += step
            good += 1
            if t > 1.0 - 1e-14:
                break
            if good >= 2:
                step = min(2.0 * step, longest)
                good = 0
        else:
            for k in range(n):
                x[unknown[k]] = work[0, k]
            step *= 0.5
            good = 0
            if step < 1e-7:
                return 0.0
    pivot = 0.0
    for _ in range(8):
        pivot = _move(
            start, target, places, axes, entry_at, e0, n, unknown, x, 1.0, False, matrix, right,
            wide,
        )  # fmt: skip
        if not pivot > 0.0:
            return 0.0
        moved, most = 0.0, 1.0
        for k in range(n):
            x[unknown[k]] += right[k]
            moved = max(moved, abs(right[k]))
            most = max(most, abs(x[unknown[k]]))
        if not moved < most:
            return 0.0
        if moved < 1e-14 * most:
            break
    return pivot if moved < 1e-8 * most else 0.0


@njit(error_model="numpy", nogil=True)
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


@njit(error_model="numpy", nogil=True)
def _target(  # type: ignore[no-untyped-def]
    payoffs, counts, first, strides, mixed, lists, sizes, origin, turn, turn_at, target, spare
):
    """Write the coefficients of the indifference equations in the turned coordinates."""
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
                target[at + entry] = (
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
                                value += target[at + entry + k * stride] * turn[base + k * n + m]
                            spare[m] = value
                        for m in range(n):
                            target[at + entry + m * stride] = spare[m]
                stride *= n
            at += total
    return at


@njit(error_model="numpy", nogil=True)
def _keep(payoffs, counts, first, support, p, said, found, told, tally):  # type: ignore[no-untyped-def]
    """Make a root as exact as floats allow, and write it if it is an equilibrium not seen yet."""
    strategies = p.size
    polish(payoffs, counts, first, support, 30, p, said)
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
    found[tally[0]] = p
    told[tally[0], 0], told[tally[0], 1] = said[1], said[3]
    tally[0] += 1


@njit(error_model="numpy", nogil=True)
def _gain(payoffs, strides, mixed, lists, origin, i, e, a, j, b, k):  # type: ignore[no-untyped-def]
    """Return what strategy ``e`` of the ``i``-th who mixes pays more than their first.

    The ``j``-th plays their ``a``-th strategy, and the ``k``-th their ``b``-th.
    """
    offset = origin + lists[j, a] * strides[mixed[j]] + lists[k, b] * strides[mixed[k]]
    own = strides[mixed[i]]
    row = payoffs[mixed[i]]
    return row[offset + lists[i, e] * own] - row[offset + lists[i, 0] * own]


@njit(error_model="numpy", nogil=True)
def _by_two(  # type: ignore[no-untyped-def]
    payoffs, first, strides, mixed, lists, size, origin, line, side, p
):
    """Write the one root where two mix: linear equations for each. False if they are singular."""
    for i in range(2):
        j = 1 - i
        for e in range(1, size):
            for b in range(size):
                offset = origin + lists[j, b] * strides[mixed[j]]
                own = strides[mixed[i]]
                row = payoffs[mixed[i]]
                gain = row[offset + lists[i, e] * own] - row[offset + lists[i, 0] * own]
                line[e - 1, b] = complex(gain)
            side[e - 1] = 0.0j
        for b in range(size):
            line[size - 1, b] = 1.0 + 0.0j
        side[size - 1] = 1.0 + 0.0j
        if not _solve(line, side, size) > 1e-9:
            return False
        for b in range(size):
            p[first[mixed[j]] + lists[j, b]] = side[b].real
    return True


@njit(error_model="numpy", nogil=True)
def _by_three(payoffs, first, strides, mixed, lists, origin, p, other):  # type: ignore[no-untyped-def]
    """Write the real roots where three mix two strategies each: those of a quadratic equation.

    Each player's condition is ``a + b u + c v + d u v = 0`` in the probabilities of the others'
    second strategies. Two of them give two of the probabilities as quotients of linear functions
    of the third. Returns the number of roots, in ``p`` and ``other``; -1 where a quotient, or
    whether the roots are real, hangs on rounding.
    """
    f = np.empty((3, 4))
    for i in range(3):
        j, k = (1, 2) if i == 0 else ((0, 2) if i == 1 else (0, 1))
        low = _gain(payoffs, strides, mixed, lists, origin, i, 1, 0, j, 0, k)
        up = _gain(payoffs, strides, mixed, lists, origin, i, 1, 1, j, 0, k)
        across = _gain(payoffs, strides, mixed, lists, origin, i, 1, 0, j, 1, k)
        both = _gain(payoffs, strides, mixed, lists, origin, i, 1, 1, j, 1, k)
        f[i, 0], f[i, 1], f[i, 2], f[i, 3] = low, up - low, across - low, both - up - across + low
    # With x of the first player: y = -(a2 + b2 x)/(c2 + d2 x) by the third's condition, and
    # z = -(a0 + b0 y)/(c0 + d0 y) by the first's; the second's condition in x and z is left.
    top0 = -f[0, 0] * f[2, 2] + f[0, 1] * f[2, 0]
    top1 = -f[0, 0] * f[2, 3] + f[0, 1] * f[2, 1]
    low0 = f[0, 2] * f[2, 2] - f[0, 3] * f[2, 0]
    low1 = f[0, 2] * f[2, 3] - f[0, 3] * f[2, 1]
    c0 = f[1, 0] * low0 + f[1, 2] * top0
    c1 = f[1, 0] * low1 + f[1, 1] * low0 + f[1, 2] * top1 + f[1, 3] * top0
    c2 = f[1, 1] * low1 + f[1, 3] * top1
    size = max(abs(c0), max(abs(c1), abs(c2)))
    rest = c1 * c1 - 4.0 * c0 * c2
    if not abs(c2) > 1e-7 * size or not abs(rest) > 1e-9 * size * size:
        return -1
    if rest < 0.0:
        return 0
    half = -0.5 * (c1 + np.sqrt(rest)) if c1 >= 0.0 else -0.5 * (c1 - np.sqrt(rest))
    if half == 0.0:
        return -1
    for root in range(2):
        x = half / c2 if root == 0 else c0 / half
        under_y, under_z = f[2, 2] + f[2, 3] * x, low0 + low1 * x
        # Next to a pole the other coordinates are lost in rounding.
        if not abs(under_y) > 1e-7 * (abs(f[2, 2]) + abs(f[2, 3] * x)):
            return -1
        if not abs(under_z) > 1e-7 * (abs(low0) + abs(low1 * x)):
            return -1
        y, z = -(f[2, 0] + f[2, 1] * x) / under_y, (top0 + top1 * x) / under_z
        into = p if root == 0 else other
        for j in range(3):
            value = x if j == 0 else (y if j == 1 else z)
            into[first[mixed[j]] + lists[j, 0]] = 1.0 - value
            into[first[mixed[j]] + lists[j, 1]] = value
    return 2


@njit(error_model="numpy", nogil=True)
def _may_be(p, support):  # type: ignore[no-untyped-def]
    """Tell whether no probability is far below 0."""
    least = 0.0
    for a in range(p.size):
        if support[a]:
            least = min(least, p[a])
    return least > -1e-6


@njit(
    types.int64(
        _MATRIX, _INTS, _INTS, _INTS, types.boolean[:, ::1], _INTS, types.int64, types.int64,
        _INTS, _INTS, _INTS, types.int64[:, ::1], _COMPLEX, _COMPLEX, _INTS, _COMPLEX, _INTS, _INTS,
        types.int64, types.int64,
        _MATRIX, _MATRIX, _INTS,
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
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
    right, work = (
        np.empty(most_unknowns, np.complex128),
        np.empty((2, most_unknowns), np.complex128),
    )
    x, wide = np.empty(strategies, np.complex128), np.empty(strategies, np.complex128)
    target = np.empty(most_entries, np.complex128)
    spare = np.empty(strategies, np.complex128)
    unknown = np.empty(most_unknowns, np.int64)
    lists = np.empty((players, strategies), np.int64)
    p, other, said = np.empty(strategies), np.empty(strategies), np.empty(4)
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
        mixed_of = np.empty(players, np.int64)
        sizes_of = np.empty(players, np.int64)
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
            polish(payoffs, counts, first, support, 1, p, said)
            if said[3] >= 0.0:
                if said[3] == 0.0:
                    tally[5] += 1
                found[tally[0]] = p
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
        known = -1
        for a in range(strategies):
            p[a] = other[a] = 1.0 if support[a] else 0.0
        if count == 2:
            if _by_two(
                payoffs, first, strides, mixed, lists, sizes[0], origin, matrix, right, p
            ):  # fmt: skip
                known = 1
        elif count == 3 and n == 3:
            known = _by_three(payoffs, first, strides, mixed, lists, origin, p, other)
        if known >= 0:
            tally[1] += root_count[s]
            if known > 0 and _may_be(p, support):
                _keep(payoffs, counts, first, support, p, said, found, told, tally)
            if known > 1 and _may_be(other, support):
                _keep(payoffs, counts, first, support, other, said, found, told, tally)
            followed += 1
            place += 1
            continue
        _target(
            payoffs, counts, first, strides, mixed, lists, sizes, origin, turn, turn_at[s],
            target, spare,
        )  # fmt: skip
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
                    start, target, places, count - 1, entry_at, e0, n, unknown, x, longest,
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
