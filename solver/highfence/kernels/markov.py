"""Compiled loops of the logit path of Markov games.

Conventions
-----------
*Slot* ``m`` is one action of one player in one state, slots ordered by state, then player, then
action; *cell* ``p`` is one pure action profile of one state. A game is the tuple of

``payoffs`` (N, cells), ``moves`` (cells, S)
    what players get at a cell, and where it leads;
``choice`` (cells, N)
    the slot that a player plays at a cell;
``first``, ``cells`` (S + 1)
    where the slots, and the cells, of a state begin;
``owner``, ``lead`` (slots)
    the player of a slot, and the first slot of the same player in the same state;
``discount`` (N, S).

A *point* holds, in this order, the *odds* of all slots (the logarithm of the probability, over
that of the lead; 0 for leads), the values (N, S) and the precision. The equations: the odds of a
slot are the precision times what it is worth more than the lead; values are what play is worth.

A state's odds meet other states through values alone. So with ``B`` the slopes of a state's
equations in its own odds, ``g`` those of what a player gets there, and ``C`` those of its
equations in values, the odds are eliminated by ``z = g B^-1``, one such row a player, which then
multiplies ``C``: no column of ``C`` need be solved for. What is left is one linear system with a
row a player and state, and one for the plane in which a point is corrected.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

from .compiling import LEAN, copy, inner, kept, lean

__all__ = ["end_near", "evaluate", "follow"]

_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]
_GAME = types.Tuple(  # type: ignore[no-untyped-call]
    (_MATRIX, _MATRIX, types.int64[:, ::1], _INTS, _INTS, _INTS, _INTS, _MATRIX)
)

_NEAR = 1e-2
"""Regret on the path below which Newton's method on the actions in use is tried."""
_CLOSE = 0.05
"""Largest change of a probability by that: more would be another equilibrium."""
_NEIGHBOR = 0.2
"""Largest change of a probability from the equilibrium of a neighboring game."""
_EXACT = 1e-11
"""Regret, over the payoff scale, at which the equilibrium is reached."""
_FIRST = 0.1
"""Length of the first step."""
_ROUNDS = 30
"""Newton's steps to a point from a profile nearby."""
_STRAY = 0.5
"""Largest correction of a step, over its length: with more it may end on another arm."""
_TURN = 0.5
"""Least cosine between consecutive tangents: after a sharper turn it may be the way back."""
_CROSSING = 1e-4
"""Length of a step, over one plus the precision, at which the determinant may change its sign. It
does where arms of the path cross, as they do in symmetric games, and not along one arm."""
_GROWTH = 2.5
"""Most by which a step is longer than the last."""
_STEEP = 1.0
"""How fast the probability of an action falls that goes out of use: see ``_stays``."""
_ON_PATH = 1e-5
"""Error in log-probability with which the path is followed, and the last point is not."""
_FAR = 1e12
"""Precision at which the path ends where no equilibrium with full use of actions was near: regret
is at most the logarithm of the number of actions over it."""


@lean
def _factor(matrix, size, order, rows):  # type: ignore[no-untyped-def]
    """Write the triangular factors of a matrix in its place, with exchanges of rows ``order``.

    Four columns at a time, so that the rest of the matrix is passed a quarter as often. ``rows``
    (4, size) is room to work in. Returns the sign of the determinant.
    """
    sign = 1.0
    for start in range(0, size, 4):
        stop = min(start + 4, size)
        for k in range(start, stop):
            pivot = k
            for r in range(k + 1, size):
                if abs(matrix[r, k]) > abs(matrix[pivot, k]):
                    pivot = r
            order[k] = pivot
            if not abs(matrix[pivot, k]) > 0.0:
                return 0.0
            if pivot != k:
                sign = -sign
                for c in range(size):
                    matrix[k, c], matrix[pivot, c] = matrix[pivot, c], matrix[k, c]
            if matrix[k, k] < 0.0:
                sign = -sign
            scale = 1.0 / matrix[k, k]
            for r in range(k + 1, size):
                factor = matrix[r, k] * scale
                matrix[r, k] = factor
                for c in range(k + 1, stop):
                    matrix[r, c] -= factor * matrix[k, c]
        if stop == size:
            break
        # Rows are read from room of their own, so that the loops below do several at once.
        for k in range(start, start + 4):
            own = rows[k - start]
            for c in range(stop, size):
                own[c] = matrix[k, c]
            for r in range(start, k):
                factor, other = matrix[k, r], rows[r - start]
                for c in range(stop, size):
                    own[c] -= factor * other[c]
            for c in range(stop, size):
                matrix[k, c] = own[c]
        a, b, d, e = rows[0], rows[1], rows[2], rows[3]
        for r in range(stop, size):
            fa, fb, fd, fe = (
                matrix[r, start], matrix[r, start + 1], matrix[r, start + 2], matrix[r, start + 3]
            )  # fmt: skip
            own = matrix[r]
            for c in range(stop, size):
                own[c] -= fa * a[c] + fb * b[c] + fd * d[c] + fe * e[c]
    return sign


@njit(**LEAN, fastmath={"reassoc", "contract"})
def _solve(matrix, size, order, x):  # type: ignore[no-untyped-def]
    """Replace ``x`` by the solution for that right side, given the factors."""
    for k in range(size):
        x[k], x[order[k]] = x[order[k]], x[k]
    for r in range(1, size):
        total = 0.0
        for c in range(r):
            total += matrix[r, c] * x[c]
        x[r] -= total
    for r in range(size - 1, -1, -1):
        total = 0.0
        for c in range(r + 1, size):
            total += matrix[r, c] * x[c]
        x[r] = (x[r] - total) / matrix[r, r]


@lean
def _solve_left(matrix, size, order, x):  # type: ignore[no-untyped-def]
    """Replace ``x`` by the row that times the factored matrix is ``x``."""
    for r in range(size):
        x[r] /= matrix[r, r]
        for c in range(r + 1, size):
            x[c] -= matrix[r, c] * x[r]
    for r in range(size - 1, 0, -1):
        for c in range(r):
            x[c] -= matrix[r, c] * x[r]
    for k in range(size - 1, -1, -1):
        x[k], x[order[k]] = x[order[k]], x[k]


@lean
def _respond(lead, odds, sigma):  # type: ignore[no-untyped-def]
    """Write the probabilities that odds stand for."""
    start = 0
    while start < lead.size:
        stop = start
        most = -np.inf
        while stop < lead.size and lead[stop] == start:
            most = max(most, odds[stop])
            stop += 1
        total = 0.0
        for m in range(start, stop):
            sigma[m] = np.exp(odds[m] - most)
            total += sigma[m]
        for m in range(start, stop):
            sigma[m] /= total
        start = stop


@njit(**LEAN, fastmath={"reassoc", "contract"})
def _expect(game, sigma, values, q, dq, reach, spare):  # type: ignore[no-untyped-def]
    """Write what slots are worth, and the slopes of that.

    ``values`` (N S). ``q`` (slots): expected worth for the slot's player. ``dq`` (slots, most
    slots of a state): slope of ``q`` in the probability of a slot of the same state. ``reach``
    (slots, S): expected next state. ``spare`` (3, N + 1) is room to work in.
    """
    payoffs, moves, choice, first, cells, _, _, discount = game
    players, count = choice.shape[1], moves.shape[1]
    worth, before, after = spare[0], spare[1], spare[2]
    q[:] = 0.0
    dq[:, :] = 0.0
    reach[:, :] = 0.0
    for s in range(count):
        start = first[s]
        for p in range(cells[s], cells[s + 1]):
            for i in range(players):
                ahead = 0.0
                for t in range(count):
                    ahead += moves[p, t] * values[i * count + t]
                worth[i] = payoffs[i, p] + discount[i, s] * ahead
            if players == 2:
                a, b = choice[p, 0], choice[p, 1]
                x, y = sigma[a], sigma[b]
                q[a] += y * worth[0]
                q[b] += x * worth[1]
                dq[a, b - start] = worth[0]
                dq[b, a - start] = worth[1]
                for t in range(count):
                    reach[a, t] += y * moves[p, t]
                for t in range(count):
                    reach[b, t] += x * moves[p, t]
                continue
            before[0], after[players] = 1.0, 1.0
            for i in range(players):
                before[i + 1] = before[i] * sigma[choice[p, i]]
                k = players - 1 - i
                after[k] = after[k + 1] * sigma[choice[p, k]]
            for i in range(players):
                a = choice[p, i]
                others = before[i] * after[i + 1]
                q[a] += others * worth[i]
                if others > 0.0:
                    for t in range(count):
                        reach[a, t] += others * moves[p, t]
                between = before[i]
                for j in range(i + 1, players):
                    b = choice[p, j]
                    rest = between * after[j + 1]
                    dq[a, b - start] += rest * worth[i]
                    dq[b, a - start] += rest * worth[j]
                    between *= sigma[b]


@lean
def _gain(game, sigma, q):  # type: ignore[no-untyped-def]
    """Return the most that one deviation gains."""
    lead = game[6]
    most, start = 0.0, 0
    while start < lead.size:
        best, mean, stop = -np.inf, 0.0, start
        while stop < lead.size and lead[stop] == start:
            best = max(best, q[stop])
            mean += sigma[stop] * q[stop]
            stop += 1
        # Not by max, which would not see what is no number.
        if not best - mean <= most:
            most = best - mean
        start = stop
    return most


@lean
def _worth(game, sigma, values, ahead, matrix, order, rows, x):  # type: ignore[no-untyped-def]
    """:func:`evaluate` with room to work in, which may be larger than it must."""
    payoffs, moves, choice, _, cells, _, _, discount = game
    players, count = choice.shape[1], moves.shape[1]
    values[:] = 0.0
    for s in range(count):
        for t in range(count):
            ahead[s, t] = 0.0
        for p in range(cells[s], cells[s + 1]):
            odds = 1.0
            for i in range(players):
                odds *= sigma[choice[p, i]]
            if odds != 0.0:
                for t in range(count):
                    ahead[s, t] += odds * moves[p, t]
                for i in range(players):
                    values[i * count + s] += odds * payoffs[i, p]
    for i in range(players):
        for s in range(count):
            for t in range(count):
                matrix[s, t] = -discount[i, s] * ahead[s, t]
            matrix[s, s] += 1.0
        if _factor(matrix, count, order, rows) == 0.0:
            return False
        for s in range(count):
            x[s] = values[i * count + s]
        _solve(matrix, count, order, x)
        for s in range(count):
            values[i * count + s] = x[s]
    return True


@kept(types.boolean(_GAME, _VECTOR, _VECTOR))
def evaluate(game, sigma, values):  # type: ignore[no-untyped-def]
    """Write what a profile is worth, (N S); return whether it is worth something definite."""
    count = game[1].shape[1]
    ahead, matrix = np.empty((count, count)), np.empty((count, count))
    order, rows, x = np.empty(count, np.int64), np.empty((4, count)), np.empty(count)
    return _worth(game, sigma, values, ahead, matrix, order, rows, x)


@inner
def _free(lead):  # type: ignore[no-untyped-def]
    """Return the slots that are no leads."""
    found, number = np.empty(lead.size, np.int64), 0
    for m in range(lead.size):
        if lead[m] != m:
            found[number] = m
            number += 1
    return found[:number]


@inner
def _room(game):  # type: ignore[no-untyped-def]
    """Return arrays to work in."""
    _, moves, choice, first, _, _, lead, _ = game
    players, count = choice.shape[1], moves.shape[1]
    slots, rest = lead.size, players * count + 1
    free = _free(lead)
    most = 0
    starts = np.zeros(count + 1, np.int64)
    widest = 0
    for s in range(count):
        starts[s + 1] = starts[s]
        while starts[s + 1] < free.size and free[starts[s + 1]] < first[s + 1]:
            starts[s + 1] += 1
        most = max(most, starts[s + 1] - starts[s])
        widest = max(widest, first[s + 1] - first[s])
    return (
        free,
        starts,
        np.empty(slots),  # probabilities
        np.empty(slots),  # what slots are worth
        np.empty((slots, widest)),  # its slopes
        np.empty((slots, count)),  # next states
        np.empty((free.size, most)),  # factors of every state's block
        np.empty(free.size, np.int64),  # their exchanges of rows
        np.empty(free.size),  # residuals of the odds
        np.empty((rest, rest)),  # what is left of the equations
        np.empty(rest, np.int64),  # exchanges of its rows
        np.empty(rest),  # its right side
        np.empty((4, max(rest, most))),  # some rows
        np.empty(most),
        np.empty((3, players + 1)),
    )


@lean
def _linearize(game, room, point, plane):  # type: ignore[no-untyped-def]
    """Bring ``room`` up to date at a point, in the plane across ``plane``.

    Returns the sign of the determinant of the equations.
    """
    sign = 1.0
    _, moves, choice, first, _, owner, lead, discount = game
    free, starts, sigma, q, dq, reach, blocks, swaps, off, system, order, right, rows, z, spare = (
        room
    )
    players, count = choice.shape[1], moves.shape[1]
    slots, rest = lead.size, players * count
    lam = point[slots + rest]
    values = point[slots : slots + rest]
    _respond(lead, point, sigma)
    _expect(game, sigma, values, q, dq, reach, spare)
    system[:, :] = 0.0
    for k in range(rest + 1):
        system[rest, k] = plane[slots + k]
    right[rest] = 0.0
    for s in range(count):
        start, low = first[s], starts[s]
        size = starts[s + 1] - low
        block = blocks[low : low + size]
        for r in range(size):
            m = free[low + r]
            head, i = lead[m], owner[m]
            gain = q[m] - q[head]
            for c in range(size):
                k = free[low + c]
                block[r, c] = 0.0
                if owner[k] != i:
                    slope = dq[m, k - start] - dq[head, k - start] - gain
                    block[r, c] = -lam * sigma[k] * slope
            block[r, r] = 1.0
            off[low + r] = point[m] - lam * gain
        sign *= _factor(block, size, swaps[low : low + size], rows)
        if sign == 0.0:
            return 0.0
        swap = swaps[low : low + size]
        m = start
        for i in range(players + 1):
            if i == players:  # the plane
                own = rest
                for c in range(size):
                    z[c] = -plane[free[low + c]]
            else:
                stop = m
                earned = 0.0
                while stop < first[s + 1] and owner[stop] == i:
                    earned += sigma[stop] * q[stop]
                    stop += 1
                own = i * count + s
                right[own] = earned - values[own]
                # All players expect the same next state.
                for k in range(m, stop):
                    weight = discount[i, s] * sigma[k]
                    for t in range(count):
                        system[own, i * count + t] -= weight * reach[k, t]
                system[own, own] += 1.0
                for c in range(size):
                    k = free[low + c]
                    worth = q[k]
                    if owner[k] != i:
                        worth = 0.0
                        for a in range(m, stop):
                            worth += sigma[a] * dq[a, k - start]
                    z[c] = sigma[k] * (worth - earned)
                m = stop
            # The odds of this state are taken out of an equation whose slopes in them are -z.
            _solve_left(block, size, swap, z)
            for r in range(size):
                if z[r] != 0.0:
                    k = free[low + r]
                    head, j = lead[k], owner[k]
                    weight = lam * discount[j, s] * z[r]
                    begin = j * count
                    for t in range(count):
                        system[own, begin + t] -= weight * (reach[k, t] - reach[head, t])
                    system[own, rest] -= z[r] * (q[k] - q[head])
                    right[own] -= z[r] * off[low + r]
    return sign * _factor(system, rest + 1, order, rows)


@lean
def _step(game, room, along, change):  # type: ignore[no-untyped-def]
    """Write a step: Newton's in the plane, or (``along``) one of 1 across it on the path."""
    _, moves, choice, _, _, owner, lead, discount = game
    free, starts, _, q, _, reach, blocks, swaps, off, system, order, right, _, z, _ = room
    players, count = choice.shape[1], moves.shape[1]
    slots, rest = lead.size, players * count
    lam = along[1]
    outer = change[slots:]
    if along[0] != 0.0:
        outer[:] = 0.0
        outer[rest] = along[0]
    else:
        copy(outer, right)
    _solve(system, rest + 1, order, outer)
    for m in range(slots):
        change[m] = 0.0
    for s in range(count):
        low = starts[s]
        size = starts[s + 1] - low
        for r in range(size):
            m = free[low + r]
            head, i = lead[m], owner[m]
            ahead = 0.0
            begin = i * count
            for t in range(count):
                ahead += (reach[m, t] - reach[head, t]) * outer[begin + t]
            z[r] = lam * discount[i, s] * ahead + (q[m] - q[head]) * outer[rest]
            if along[0] == 0.0:
                z[r] -= off[low + r]
        _solve(blocks[low : low + size], size, swaps[low : low + size], z)
        for r in range(size):
            change[free[low + r]] = z[r]


@lean
def _error(lead, sigma, change, plain):  # type: ignore[no-untyped-def]
    """Return how much a step of the odds changes log-probabilities.

    Unless ``plain``, each counts by the root of the probability: what is hardly ever done may be
    mistaken, as others hardly depend on it.
    """
    most, start = 0.0, 0
    while start < lead.size:
        mean, stop = 0.0, start
        while stop < lead.size and lead[stop] == start:
            mean += sigma[stop] * change[stop]
            stop += 1
        for m in range(start, stop):
            moved = abs(change[m] - mean)
            if not plain:
                moved *= sigma[m] ** 0.5
            if not moved <= most:
                most = moved
        start = stop
    return most


@lean
def _largest(x):  # type: ignore[no-untyped-def]
    """Return the largest absolute value; no number if one is none."""
    most = 0.0
    for k in range(x.size):
        if abs(x[k]) > most or x[k] != x[k]:
            most = abs(x[k])
    return most


@lean
def _renormalize(lead, x):  # type: ignore[no-untyped-def]
    """Divide what stands for probabilities by their sums."""
    start = 0
    while start < lead.size:
        stop, total = start, 0.0
        while stop < lead.size and lead[stop] == start:
            total += x[stop]
            stop += 1
        for m in range(start, stop):
            x[m] /= total
        start = stop


@lean
def _restrict(lead, near, used, x, head, mixed):  # type: ignore[no-untyped-def]
    """Write the profile with certain actions in use alone, the most probable action of each
    player and state, and which others mix; return how many these are."""
    number, start = 0, 0
    while start < lead.size:
        stop, best = start, start
        while stop < lead.size and lead[stop] == start:
            if near[stop] > near[best]:
                best = stop
            stop += 1
        for m in range(start, stop):
            head[m] = best
            x[m] = 0.0
            if used[m] or m == best:
                x[m] = near[m]
                if m != best:
                    mixed[number] = m
                    number += 1
        start = stop
    _renormalize(lead, x)
    return number


@lean
def _equations(  # type: ignore[no-untyped-def]
    game, x, values, q, dq, reach, head, mixed, state, system, right
):
    """Write the equations of what mixes, and of values, and their slopes."""
    first, owner, lead, discount = game[3], game[5], game[6], game[7]
    count = game[1].shape[1]
    number = right.size - values.size
    system[:, :] = 0.0
    right[number:] = 0.0
    for r in range(number):
        m = mixed[r]
        h, i, s = head[m], owner[m], state[m]
        right[r] = q[h] - q[m]
        for c in range(number):
            k = mixed[c]
            if state[k] == s and owner[k] != i:
                a, b = k - first[s], head[k] - first[s]
                system[r, c] = dq[m, a] - dq[m, b] - dq[h, a] + dq[h, b]
        own = number + i * count
        for t in range(count):
            system[r, own + t] = discount[i, s] * (reach[m, t] - reach[h, t])
    for m in range(lead.size):
        i, s = owner[m], state[m]
        own = number + i * count + s
        if lead[m] == m:
            system[own, own] += 1.0
            right[own] = -values[own - number]
        right[own] += x[m] * q[m]
        for t in range(count):
            system[own, number + i * count + t] -= x[m] * discount[i, s] * reach[m, t]
    for c in range(number):
        k = mixed[c]
        h, s = head[k], state[k]
        system[number + owner[k] * count + s, c] -= q[k] - q[h]
        for m in range(first[s], first[s + 1]):
            if owner[m] != owner[k]:
                slope = dq[m, k - first[s]] - dq[m, h - first[s]]
                system[number + owner[m] * count + s, c] -= x[m] * slope


@lean
def _newton(  # type: ignore[no-untyped-def]
    game, x, values, q, dq, reach, spare, head, mixed, state, system, order, right, rows
):
    """Solve the equations of what mixes from a profile nearby; False if they are singular."""
    size = right.size
    number = size - values.size
    before = np.inf
    for _ in range(12):
        _expect(game, x, values, q, dq, reach, spare)
        _equations(game, x, values, q, dq, reach, head, mixed, state, system, right)
        residual = 0.0
        for r in range(size):
            if not abs(right[r]) <= residual:
                residual = abs(right[r])
        if residual <= 1e-14 * (1.0 + _largest(values)) or not residual < 0.9 * before:
            break
        before = residual
        if _factor(system, size, order, rows) == 0.0:
            return False
        _solve(system, size, order, right)
        for c in range(number):
            x[mixed[c]] += right[c]
            x[head[mixed[c]]] -= right[c]
        for k in range(values.size):
            values[k] += right[number + k]
    return True


@inner
def _settle(game, near, used, close, x):  # type: ignore[no-untyped-def]
    """Write the equilibrium with certain actions in use and near a profile, if there is one."""
    _, moves, choice, first, _, _, lead, _ = game
    players, count = choice.shape[1], moves.shape[1]
    slots = lead.size
    head, mixed = np.empty(slots, np.int64), np.empty(slots, np.int64)
    number = _restrict(lead, near, used, x, head, mixed)
    widest = 0
    for s in range(count):
        widest = max(widest, first[s + 1] - first[s])
    q, dq, reach = np.empty(slots), np.empty((slots, widest)), np.empty((slots, count))
    values, spare = np.empty(players * count), np.empty((3, players + 1))
    size = number + values.size
    system, order, right, rows = (
        np.empty((size, size)), np.empty(size, np.int64), np.empty(size), np.empty((4, size))
    )  # fmt: skip
    # Every state has a slot, so that there is room for the next states.
    if not _worth(game, x, values, reach, system, order, rows, right):
        return False
    if number:
        state = np.empty(slots, np.int64)
        for s in range(count):
            for m in range(first[s], first[s + 1]):
                state[m] = s
        if not _newton(
            game, x, values, q, dq, reach, spare, head, mixed, state, system, order, right, rows
        ):
            return False
    for m in range(slots):
        if not (x[m] >= -1e-13 and abs(x[m] - near[m]) <= close):
            return False
        x[m] = max(x[m], 0.0)
    _renormalize(lead, x)
    if not _worth(game, x, values, reach, system, order, rows, right):
        return False
    _expect(game, x, values, q, dq, reach, spare)
    return _gain(game, x, q) <= _EXACT * (1.0 + _largest(values))


@kept(types.boolean(_GAME, _VECTOR, _VECTOR))
def end_near(game, near, found):  # type: ignore[no-untyped-def]
    """Write the equilibrium with the actions in use at a profile, if there is one near."""
    used = np.empty(near.size, np.bool_)
    for least in (1e-6, 1e-3, 1e-2):
        for m in range(near.size):
            used[m] = near[m] >= least
        if _settle(game, near, used, _NEIGHBOR, found):
            return True
    return False


@lean
def _stays(lead, sigma, tangent, lam, used):  # type: ignore[no-untyped-def]
    """Write which actions will stay in use, as the tangent tells; return whether it is clear.

    The probability of what goes out of use falls as the exponential of minus the precision times
    a loss, so that the slope of its logarithm in that of the precision is the logarithm itself.
    """
    last = tangent.size - 1
    start, clear = 0, tangent[last] > 0.0
    least = -_STEEP * tangent[last] / lam
    while start < lead.size:
        stop, mean = start, 0.0
        while stop < lead.size and lead[stop] == start:
            mean += sigma[stop] * tangent[stop]
            stop += 1
        for m in range(start, stop):
            used[m] = sigma[m] > 1e-12 and tangent[m] - mean >= least
            clear = clear and (used[m] or sigma[m] < _CLOSE)
        start = stop
    return clear


@lean
def _correct(  # type: ignore[no-untyped-def]
    game, room, point, plane, change, along, farthest, least, most
):
    """Move ``point`` onto the path in a plane; return the first move, a sign and if it came there.

    The sign is that of the determinant of the equations.

    A first move beyond ``farthest`` is not made.

    It came there when the next move would be below ``least``, as the last two tell, by which
    Newton's method converges quadratically. ``change`` and ``along`` (2,) are written
    to.
    """
    lead, last = game[6], point.size - 1
    along[0] = 0.0
    first, before, sign = np.inf, np.inf, 0.0
    for turn in range(most):
        along[1] = point[last]
        sign = _linearize(game, room, point, plane)
        if sign == 0.0:
            return first, sign, False
        _step(game, room, along, change)
        ahead = abs(change[last]) / (1.0 + abs(point[last]))
        moved = max(_error(lead, room[2], change, False), ahead)
        if turn == 0:
            first = moved
        if not moved < 4.0 or not first <= farthest:
            return first, sign, False
        if least < _ON_PATH:
            moved = max(_error(lead, room[2], change, True), ahead)
        if turn and moved > 0.5 * before:
            if before <= 1e-7:
                # No digit is left to gain where the precision magnifies rounding of payoffs.
                return first, sign, True
            if least == _ON_PATH or turn > 3:
                return first, sign, False
        for k in range(point.size):
            point[k] += change[k]
        if moved <= least or (turn and moved * (moved / before) ** 2 <= least):
            return first, sign, True
        before = moved
    return first, sign, False


@lean
def _norm(x):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(x.size):
        total += x[k] * x[k]
    return np.sqrt(total)


@lean
def _begin(game, room, point, plane, along, tangent):  # type: ignore[no-untyped-def]
    """Write the point at precision 0, uniform play, and the path's direction there."""
    slots, last = game[6].size, point.size - 1
    point[:] = 0.0
    _respond(game[6], point, room[2])
    along[0], along[1] = 1.0, 0.0
    # There is room in what is not in use yet.
    if not _worth(game, room[2], point[slots:last], room[5], room[9], room[10], room[12], room[11]):
        return False
    if _linearize(game, room, point, plane) == 0.0:
        return False
    _step(game, room, along, tangent)
    norm = _norm(tangent)
    for k in range(tangent.size):
        tangent[k] /= norm
    return True


@lean
def _predict(point, tangent, earlier, slope, past, length, trial, plane):  # type: ignore[no-untyped-def]
    """Write the point so far ahead on the cubic through two points, and its direction there."""
    if past == 0.0:
        for k in range(point.size):
            trial[k] = point[k] + length * tangent[k]
            plane[k] = tangent[k]
        return
    x = 1.0 + length / past
    a, b = (x * x * (3.0 - 2.0 * x)), past * (x * (x - 1.0) ** 2)
    c = past * (x * x * (x - 1.0))
    da, db, dc = 6.0 * x * (1.0 - x) / past, (3.0 * x - 1.0) * (x - 1.0), x * (3.0 * x - 2.0)
    norm = 0.0
    for k in range(point.size):
        gap = point[k] - earlier[k]
        trial[k] = earlier[k] + a * gap + b * slope[k] + c * tangent[k]
        plane[k] = da * gap + db * slope[k] + dc * tangent[k]
        norm += plane[k] ** 2
    norm = np.sqrt(norm)
    for k in range(point.size):
        plane[k] /= norm


@lean
def _go(  # type: ignore[no-untyped-def]
    game, room, point, tangent, earlier, slope, control, most, until, straight, aim, found,
    trial, plane, change, step, along, used,
):  # fmt: skip
    """:func:`follow` with room to work in."""
    lead, last = game[6], point.size - 1
    plane[:] = 0.0
    plane[last] = 1.0
    if most == 0:
        good = _correct(game, room, point, plane, step, along, np.inf, 1e-12, _ROUNDS)[2]
        _respond(lead, point, found)
        return 2 if good else -1
    if control[0] == 0.0:
        if not _begin(game, room, point, plane, along, tangent):
            return -1
        control[0] = _FIRST
    for _ in range(most):
        control[3] += 1.0
        length = control[0]
        _predict(point, tangent, earlier, slope, control[1], length, trial, plane)
        arrives = until >= 0.0 and trial[last] >= until
        if arrives:
            low, high = 0.0, length
            for _ in range(60):
                middle = 0.5 * (low + high)
                _predict(point, tangent, earlier, slope, control[1], middle, trial, plane)
                if trial[last] >= until:
                    high = middle
                else:
                    low = middle
            trial[last] = until
            plane[:] = 0.0
            plane[last] = 1.0
        least = 1e-12 if arrives else _ON_PATH
        copy(change, trial)
        error, sign, good = _correct(game, room, trial, plane, step, along, 2.0 * aim, least, 10)
        good = good and trial[last] > 0.0
        if good and arrives:
            _respond(lead, trial, found)
            return 2
        chord, stray, angle, norm = 0.0, 0.0, 0.0, 1.0
        if good:
            along[0], along[1] = 1.0, trial[last] - step[last]
            for k in range(point.size):
                stray += (trial[k] - change[k]) ** 2
            _step(game, room, along, change)
            norm = _norm(change)
            for k in range(point.size):
                chord += (trial[k] - point[k]) ** 2
                angle += change[k] / norm * tangent[k]
            # Across the plane it goes 1 ahead, so that 1 / norm is the cosine of the angle.
            turned = sign * control[4] < 0.0 and length > _CROSSING * (1.0 + trial[last])
            good = not turned and stray <= (_STRAY * length) ** 2
            good = good and 1.0 / norm >= straight and angle >= _TURN
        # The error of a cubic through two points, with slopes: h^2 (h + past)^2 for a step h.
        past = control[1]
        reach = length * (length + past) * np.sqrt(aim / min(max(error, 1e-12), 1e12))
        if not good:
            longest = 0.5 * length
            if error < np.inf and error > aim:
                longest = min(longest, 0.5 * (np.sqrt(past * past + 4.0 * reach) - past))
            control[0] = max(longest, 0.1 * length)
            if not control[0] >= 1e-10 * (1.0 + abs(point[last])):
                return -1
            continue
        for k in range(point.size):
            earlier[k], slope[k] = point[k], tangent[k]
            point[k], tangent[k] = trial[k], change[k] / norm
        control[4] = sign
        length = np.sqrt(chord) * (1.0 + (1.0 - angle) / 12.0)
        control[1] = length
        longest = 0.5 * (np.sqrt(length * length + 4.0 * reach) - length)
        control[0] = min(_GROWTH * length, max(0.3 * length, longest))
        lam = point[last]
        if until < 0.0 and lam > 1.3 * control[2] and _gain(game, room[2], room[3]) < _NEAR:
            if _stays(lead, room[2], tangent, lam, used):
                control[2] = lam
                if _settle(game, room[2], used, _CLOSE, found):
                    return 1
            if lam > _FAR:
                copy(found, room[2])
                return 1 if _gain(game, found, room[3]) <= _EXACT else -1
    return 0


@kept(
    types.int64(
        _GAME,
        _VECTOR,
        _VECTOR,
        _VECTOR,
        _VECTOR,
        _VECTOR,
        types.int64,
        types.float64,
        types.float64,
        types.float64,
        _VECTOR,
    )
)
def follow(  # type: ignore[no-untyped-def]
    game, point, tangent, earlier, slope, control, most, until, straight, aim, found
):
    """Go on along the path from ``point``, at most so many steps.

    With no steps at all, go from near the path to the point of it at the same precision.

    Parameters
    ----------
    point, tangent, earlier, slope
        Where the path has come to and its direction, and the same a step earlier; brought up
        to date.
    control
        The next step's length, the last one's, the precision at which the end was last looked
        for, the steps taken, the sign of the determinant: zeros begin at uniform play; brought
        up to date.
    until
        Precision at which to stop; negative to go to the end.
    straight
        Least cosine of the angle between where a step was to lead and where it led.
    aim
        Error of the predictor, in log-probability, that is aimed at.
    found
        Probabilities; written at the end.

    Returns
    -------
    int
        0 on the way, 1 at the equilibrium at the end, 2 at the precision, -1 if the path was
        lost.
    """
    size = point.size
    return _go(
        game, _room(game), point, tangent, earlier, slope, control, most, until, straight, aim,
        found, np.empty(size), np.empty(size), np.empty(size), np.empty(size), np.empty(2),
        np.empty(game[6].size, np.bool_),
    )  # fmt: skip
