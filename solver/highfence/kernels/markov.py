"""Compiled loops of the logit path of Markov games.

Variables are flat: *slot* ``m`` is one action of one player in one state, slots ordered by state,
then player, then action. *Cell* ``p`` is one pure action profile of one state. ``choice[p, i]`` is
the slot that player ``i`` plays at cell ``p``; slots of state ``s`` are ``first[s]:first[s + 1]``,
its cells ``cells[s]:cells[s + 1]``.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

__all__ = ["expect", "reduce_states"]

_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_INTS = types.int64[::1]


@njit(
    types.void(
        _VECTOR, _MATRIX, _MATRIX, types.int64[:, ::1], _INTS, _INTS, _VECTOR, _MATRIX, _MATRIX
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def expect(sigma, worth, moves, choice, first, cells, q, dq, reach):  # type: ignore[no-untyped-def]
    """Write expected payoffs of slots, and their derivatives.

    ``worth`` (N, cells): payoff and discounted continuation at a cell. ``q`` (slots): expected
    worth of the slot's player. ``dq`` (slots, most slots of a state): derivative of ``q`` by the
    probability of a slot of the same state. ``reach`` (slots, S): expected next state.
    """
    players = choice.shape[1]
    count = moves.shape[1]
    q[:] = 0.0
    dq[:, :] = 0.0
    reach[:, :] = 0.0
    for s in range(first.size - 1):
        start = first[s]
        for p in range(cells[s], cells[s + 1]):
            for i in range(players):
                others = 1.0
                for k in range(players):
                    if k != i:
                        others *= sigma[choice[p, k]]
                row = choice[p, i]
                q[row] += others * worth[i, p]
                if others > 0.0:
                    for t in range(count):
                        reach[row, t] += others * moves[p, t]
                for j in range(players):
                    if j != i:
                        rest = 1.0
                        for k in range(players):
                            if k not in (i, j):
                                rest *= sigma[choice[p, k]]
                        dq[row, choice[p, j] - start] += rest * worth[i, p]


@njit(
    types.void(
        _VECTOR,
        _VECTOR,
        _MATRIX,
        types.float64,
        _VECTOR,
        _MATRIX,
        _MATRIX,
        _MATRIX,
        _INTS,
        _INTS,
        _INTS,
        _MATRIX,
        _MATRIX,
    ),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def reduce_states(  # type: ignore[no-untyped-def]
    beta, sigma, values, lam, q, dq, reach, discount, first, owner, lead, local, schur
):
    """Eliminate log-probabilities state by state.

    Unknowns are ``beta`` (slots), ``values`` (N, S), ``lam``. Writes ``local`` (slots, NS + 2):
    the solution of every state's own equations against values, ``lam`` and residuals, and
    ``schur`` (NS, NS + 2): what is left of the Bellman equations. Column ``i S + t`` belongs to
    ``values[i, t]``; the last two are ``lam`` and the residual.

    ``owner`` (slots) is the player of a slot, ``lead`` (slots) the first slot of the same player
    in the same state.
    """
    players, count = values.shape
    width = players * count + 2
    for s in range(count):
        start, stop = first[s], first[s + 1]
        size = stop - start
        block = np.zeros((size, size))
        for r in range(size):
            m = start + r
            i = owner[m]
            head = lead[m]
            for c in range(width):
                local[m, c] = 0.0
            if m == head:
                total = -1.0
                for c in range(size):
                    if lead[start + c] == head:
                        block[r, c] = sigma[start + c]
                        total += sigma[start + c]
                local[m, width - 1] = total
            else:
                for c in range(size):
                    block[r, c] = -lam * (dq[m, c] - dq[head, c]) * sigma[start + c]
                block[r, r] += 1.0
                block[r, head - start] -= 1.0
                for t in range(count):
                    local[m, i * count + t] = -lam * discount[i, s] * (reach[m, t] - reach[head, t])
                local[m, width - 2] = -(q[m] - q[head])
                local[m, width - 1] = beta[m] - beta[head] - lam * (q[m] - q[head])
        # Gaussian elimination with row exchanges, right sides along.
        for k in range(size):
            best = k
            for r in range(k + 1, size):
                if abs(block[r, k]) > abs(block[best, k]):
                    best = r
            if best != k:
                for c in range(size):
                    block[k, c], block[best, c] = block[best, c], block[k, c]
                for c in range(width):
                    local[start + k, c], local[start + best, c] = (
                        local[start + best, c],
                        local[start + k, c],
                    )
            for r in range(k + 1, size):
                factor = block[r, k] / block[k, k]
                if factor != 0.0:
                    for c in range(k, size):
                        block[r, c] -= factor * block[k, c]
                    for c in range(width):
                        local[start + r, c] -= factor * local[start + k, c]
        for k in range(size - 1, -1, -1):
            for r in range(k + 1, size):
                factor = block[k, r]
                if factor != 0.0:
                    for c in range(width):
                        local[start + k, c] -= factor * local[start + r, c]
            for c in range(width):
                local[start + k, c] /= block[k, k]
        for i in range(players):
            row = i * count + s
            for c in range(width):
                schur[row, c] = 0.0
            schur[row, row] = 1.0
            schur[row, width - 1] = values[i, s]
            for m in range(start, stop):
                if owner[m] == i:
                    schur[row, width - 1] -= sigma[m] * q[m]
                    for t in range(count):
                        schur[row, i * count + t] -= discount[i, s] * sigma[m] * reach[m, t]
            for c in range(size):
                slope = 0.0
                if owner[start + c] == i:
                    slope = -q[start + c]
                else:
                    for m in range(start, stop):
                        if owner[m] == i:
                            slope -= sigma[m] * dq[m, c]
                slope *= sigma[start + c]
                if slope != 0.0:
                    for d in range(width):
                        schur[row, d] -= slope * local[start + c, d]
