"""All extreme equilibria of small bimatrix games, many at a time.

Definitions are those of :mod:`highfence.methods.extreme`: the vertices of the two
best-response polytopes, paired where together they have all labels.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import inner, kept, lean

__all__ = ["extreme_games", "extreme_pairs"]

_RAYS = 320
"""Room for the vertices of one polytope and those that come and go on the way; a polytope of
six dimensions and twelve facets has at most 112."""

_MATRIX = types.float64[:, ::1]


@lean
def _bits(mask):  # type: ignore[no-untyped-def]
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@lean
def _unit(payoffs, matrix, own, other, tie, clear):  # type: ignore[no-untyped-def]
    """Write payoffs (own, other) mapped to [1, 2] to ``matrix``; return what a tie is there.

    Each column is shifted so that its least entry is 1, and all are divided by one number.
    The two shares returned are negative if the payoffs are too close to each other.
    """
    widest = 0.0
    for j in range(other):
        low = payoffs[0, j]
        for i in range(1, own):
            low = min(low, payoffs[i, j])
        for i in range(own):
            matrix[i, j] = payoffs[i, j] - low
            widest = max(widest, matrix[i, j])
    if widest <= tie:
        for i in range(own):
            for j in range(other):
                matrix[i, j] = 1.0
        return 1e-12, 1e-7
    if 8 * clear > 1e-2 * widest:
        return -1.0, -1.0
    for i in range(own):
        for j in range(other):
            matrix[i, j] = 1.0 + matrix[i, j] / widest
    return 4 * tie / widest + 1e-13, 8 * clear / widest + 1e-8


@inner
def _vertices(matrix, own, size, tie, clear, points, masks):  # type: ignore[no-untyped-def]
    """Write the vertices of ``{x >= 0 : matrix x <= 1}``; return their number, -1 if unsure.

    ``matrix`` (own, size) has positive entries. Bit ``i < size`` of a mask: ``x_i = 0``; bit
    ``size + j``: inequality ``j`` is tight. Points are homogeneous: ``x_0`` first. New points
    are sums of nonnegative numbers, so rounding does not grow by cancellation; only whether
    an inequality is tight can be unclear, and is then not guessed.
    """
    zero = (1 << size) - 1
    points[0, 0] = 1.0
    for i in range(size):
        points[0, 1 + i] = 0.0
    masks[0] = zero
    count = 1
    for i in range(size):
        for k in range(size):
            points[count, 1 + k] = 0.0
        points[count, 0] = matrix[0, i]
        points[count, 1 + i] = 1.0
        masks[count] = (zero ^ (1 << i)) | (1 << size)
        count += 1
    slack = np.empty(points.shape[0])
    for j in range(1, own):
        some = False
        for r in range(count):
            value = 0.0
            for i in range(size):
                value += matrix[j, i] * points[r, 1 + i]
            value = 1.0 - value / points[r, 0]
            if abs(value) <= tie:
                slack[r] = 0.0
                masks[r] |= 1 << (size + j)
            elif abs(value) < clear:
                return -1
            else:
                slack[r] = value * points[r, 0]
                some = some or value < 0
        if not some:
            continue
        before = count
        for a in range(before):
            if slack[a] <= 0:
                continue
            for b in range(before):
                if slack[b] >= 0:
                    continue
                shared = masks[a] & masks[b]
                if _bits(shared) < size - 1:
                    continue
                edge = True
                for r in range(before):
                    if r != a and r != b and masks[r] & shared == shared:
                        edge = False
                        break
                if not edge:
                    continue
                if count == points.shape[0]:
                    return -1
                total = 0.0
                for i in range(size + 1):
                    value = slack[a] * points[b, i] - slack[b] * points[a, i]
                    points[count, i] = value
                    total = max(total, value)
                for i in range(size + 1):
                    points[count, i] /= total
                masks[count] = shared | (1 << (size + j))
                count += 1
        kept = 0
        for r in range(count):
            if r >= before or slack[r] >= 0:
                if kept != r:
                    for i in range(size + 1):
                        points[kept, i] = points[r, i]
                    masks[kept] = masks[r]
                kept += 1
        count = kept
    return count


@inner
def extreme_pairs(  # type: ignore[no-untyped-def]
    first, second, m, n, tie_1, tie_2, clear_1, clear_2, xs, ys
):
    """Write all extreme equilibria of one game; return their number, -1 if it is unsure.

    Parameters
    ----------
    first
        (>= m, >= n): payoffs of the row player, rows first.
    second
        (>= n, >= m): payoffs of the column player, columns first.
    tie_1, tie_2, clear_1, clear_2
        Per player: differences up to the tie are ties, from the clear one on differences are
        real, and in between the game is left to exact arithmetic.
    xs, ys
        (room, >= m) and (room, >= n), written.
    """
    matrix = np.empty((6, 6))
    row_points, row_masks = np.empty((_RAYS, 7)), np.empty(_RAYS, np.int64)
    column_points, column_masks = np.empty((_RAYS, 7)), np.empty(_RAYS, np.int64)
    tie, clear = _unit(second, matrix, n, m, tie_2, clear_2)
    if tie < 0:
        return -1
    rows = _vertices(matrix, n, m, tie, clear, row_points, row_masks)
    if rows < 0:
        return -1
    tie, clear = _unit(first, matrix, m, n, tie_1, clear_1)
    if tie < 0:
        return -1
    columns = _vertices(matrix, m, n, tie, clear, column_points, column_masks)
    if columns < 0:
        return -1
    for b in range(columns):
        mask = column_masks[b]
        column_masks[b] = (mask >> n) | ((mask & ((1 << n) - 1)) << m)
    everything = (1 << (m + n)) - 1
    found = 0
    for a in range(rows):
        missing = everything & ~row_masks[a]
        for b in range(columns):
            if column_masks[b] & missing != missing:
                continue
            x_total, y_total = 0.0, 0.0
            for i in range(m):
                x_total += row_points[a, 1 + i]
            for j in range(n):
                y_total += column_points[b, 1 + j]
            if x_total == 0.0 or y_total == 0.0:
                continue
            if found == xs.shape[0]:
                return -1
            for i in range(m):
                xs[found, i] = row_points[a, 1 + i] / x_total
            for j in range(n):
                ys[found, j] = column_points[b, 1 + j] / y_total
            found += 1
    return found


@kept(
    types.int64(
        _MATRIX, _MATRIX, types.int64, types.int64, types.int64[::1], types.int64, types.float64,
        types.float64, types.int64[::1], types.float64[:, ::1], types.float64[:, ::1],
        types.float64[::1],
    )
)  # fmt: skip
def extreme_games(  # type: ignore[no-untyped-def]
    row, column, m, n, chosen, start, rounding, clear_share, counts, xs, ys, regrets
):
    """Solve some of many games one after the other, until the room for answers is used up.

    Parameters
    ----------
    row, column
        (m * n, games) and (n * m, games): payoffs, own strategies first.
    chosen, start
        Games to be solved, from position ``start`` on.
    rounding, clear_share
        Payoffs within ``rounding`` of the largest tie, and those that differ by more than
        ``clear_share`` of the difference between largest and least do not.
    counts
        Per game chosen, written: equilibria, -1 if it is unsure.
    xs, ys, regrets
        (room, m), (room, n), (room,): equilibria, game by game, written.

    Returns
    -------
    The position of the first game chosen that was not solved.
    """
    one, two = np.empty((6, 6)), np.empty((6, 6))
    x, y = np.empty((128, 6)), np.empty((128, 6))
    tie, clear, scale = np.empty(2), np.empty(2), np.empty(2)
    used = 0
    for k in range(start, chosen.size):
        if used + 128 > xs.shape[0]:
            return k
        g = chosen[k]
        for side in range(2):
            table = row if side == 0 else column
            low, high = table[0, g], table[0, g]
            for e in range(m * n):
                low, high = min(low, table[e, g]), max(high, table[e, g])
            scale[side] = high - low if high > low else 1.0
            tie[side] = rounding * max(abs(low), abs(high))
            clear[side] = max(clear_share * (high - low), 16 * tie[side])
        for i in range(m):
            for j in range(n):
                one[i, j] = row[i * n + j, g]
                two[j, i] = column[j * m + i, g]
        counts[k] = extreme_pairs(one, two, m, n, tie[0], tie[1], clear[0], clear[1], x, y)
        for f in range(counts[k]):
            worst = 0.0
            for side in range(2):
                own, other = (m, n) if side == 0 else (n, m)
                most, mean = -np.inf, 0.0
                for i in range(own):
                    value = 0.0
                    for j in range(other):
                        if side == 0:
                            value += one[i, j] * y[f, j]
                        else:
                            value += two[i, j] * x[f, j]
                    most = max(most, value)
                    mean += value * (x[f, i] if side == 0 else y[f, i])
                worst = max(worst, (most - mean) / scale[side])
            for i in range(m):
                xs[used, i] = x[f, i]
            for j in range(n):
                ys[used, j] = y[f, j]
            regrets[used] = worst
            used += 1
    return chosen.size
