"""What the loops over draws of a game's stages share: words for how they end, and dominance.

How the structure of a game is laid out is said in :mod:`highfence.kernels.batch_tree`.
"""

from __future__ import annotations

from .compiling import lean

__all__ = [
    "ALL",
    "CLOSE",
    "MIXED",
    "NARROW",
    "NEVER",
    "NO_PURE",
    "PURE",
    "SOLVED",
    "TOO_LARGE",
    "TOO_MANY",
    "UNDEFINED",
    "survivors",
    "undominated",
]

ALL, PURE, NEVER = 0, 1, 2
SOLVED, UNDEFINED, NARROW, CLOSE, NO_PURE, TOO_MANY, TOO_LARGE, MIXED = 0, 1, 2, 3, 4, 5, 6, 7
"""How a draw ended: what is not solved is left to a slower, exact method. ``UNDEFINED``: a
payoff is not finite, or probabilities are none. ``NARROW``: payoffs differ by little more than
their rounding. ``CLOSE``: two payoffs may tie or not. ``NO_PURE``: a stage has no pure
equilibrium, and mixed ones are not searched for. ``TOO_MANY``: combinations of equilibria.
``TOO_LARGE``: a stage. ``MIXED``: dominance does not settle a stage of three or more."""


@lean
def _clear_best(table, side, start, step, size, clear):  # type: ignore[no-untyped-def]
    """Index of the one entry that is larger than all others for certain, -1 if there is none."""
    best, most = 0, table[side, start]
    for k in range(1, size):
        if table[side, start + k * step] > most:
            best, most = k, table[side, start + k * step]
    for k in range(size):
        if k != best and most - table[side, start + k * step] <= clear:
            return -1
    return best


@lean
def survivors(  # type: ignore[no-untyped-def]
    table, m, n, clear_1, clear_2, first, second, rows, columns
):
    """Write what survives iterated strict dominance by pure strategies; return both numbers.

    ``table`` (2, m * n): payoffs of both. ``first`` (m, n) and ``second`` (n, m), own strategies
    first, are written unless one strategy of each is left at once.
    """
    # Most often one of the two has the same best reply to everything.
    i = _clear_best(table, 0, 0, n, m, clear_1)
    j = 1
    while i >= 0 and j < n:
        if _clear_best(table, 0, j, n, m, clear_1) != i:
            i = -1
        j += 1
    if i >= 0:
        j = _clear_best(table, 1, i * n, 1, n, clear_2)
        if j >= 0:
            rows[0], columns[0] = i, j
            return 1, 1
    else:
        j = _clear_best(table, 1, 0, 1, n, clear_2)
        i = 1
        while j >= 0 and i < m:
            if _clear_best(table, 1, i * n, 1, n, clear_2) != j:
                j = -1
            i += 1
        if j >= 0:
            i = _clear_best(table, 0, j, n, m, clear_1)
            if i >= 0:
                rows[0], columns[0] = i, j
                return 1, 1
    for i in range(m):
        for j in range(n):
            first[i, j] = table[0, i * n + j]
            second[j, i] = table[1, i * n + j]
    for i in range(m):
        rows[i] = i
    for j in range(n):
        columns[j] = j
    changed = True
    while changed:
        changed = False
        for side in range(2):
            table = first if side == 0 else second
            own, other = (rows, columns) if side == 0 else (columns, rows)
            count = m if side == 0 else n
            against = n if side == 0 else m
            clear = clear_1 if side == 0 else clear_2
            k = 0
            while k < count and count > 1:
                gone = False
                for i in range(count):
                    if i == k:
                        continue
                    better = True
                    for j in range(against):
                        if table[own[i], other[j]] - table[own[k], other[j]] <= clear:
                            better = False
                            break
                    if better:
                        gone = True
                        break
                if gone:
                    for i in range(k, count - 1):
                        own[i] = own[i + 1]
                    count -= 1
                    changed = True
                else:
                    k += 1
            if side == 0:
                m = count
            else:
                n = count
    return m, n


@lean
def undominated(table, axis_size, axis_player, first, axes, cells, clear, live):  # type: ignore[no-untyped-def]
    """Mark the cells that iterated strict dominance by pure strategies leaves; return how many.

    ``table`` (axes, cells): payoffs of the player of each axis. ``live`` (cells,), written: 1 or 0.
    """
    for c in range(cells):
        live[c] = 1
    left = cells
    changed = True
    while changed and left > 1:
        changed = False
        stride = cells
        for a in range(axes):
            size = axis_size[first + a]
            stride //= size
            for k in range(size):
                for other in range(size):
                    if other == k:
                        continue
                    there, worse = False, True
                    for c in range(cells):
                        if live[c] == 0 or (c // stride) % size != k:
                            continue
                        there = True
                        better = c + (other - k) * stride
                        gain = table[a, better] - table[a, c]
                        if live[better] == 0 or gain <= clear[axis_player[first + a]]:
                            worse = False
                            break
                    if there and worse:
                        for c in range(cells):
                            if live[c] == 1 and (c // stride) % size == k:
                                live[c] = 0
                                left -= 1
                        changed = True
                        break
    return left
