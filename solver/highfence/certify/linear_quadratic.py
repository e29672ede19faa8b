"""The judge of feedback equilibria of linear-quadratic games.

With the others' feedback fixed a player faces a linear-quadratic control problem by themselves.
Its optimal value is found by Howard's policy improvement: value a feedback by a linear (Lyapunov)
system, improve it, and so on (Kleinman 1968; Hewer 1971). A feedback is a best response if and
only if its own value solves the optimality equation, so one improvement step that changes
nothing is the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from ..solution import Certificate

__all__ = ["certify_feedback"]

_TOLERANCE = 1e-8
"""Relative change of the value matrix by one improvement up to which a feedback is optimal."""


def certify_feedback(
    transition: Any,
    controls: Sequence[Any],
    payoffs: Sequence[Any],
    discounts: Sequence[float],
    strategies: Sequence[Any],
    tolerance: float = _TOLERANCE,
) -> Certificate:
    """Return whether feedbacks ``u_i = -F_i x`` are best responses to each other.

    Parameters
    ----------
    transition, controls, payoffs, discounts
        The game, as in :class:`highfence.methods.linear_quadratic.LinearQuadraticGame`.
    strategies
        ``F_i``, shape ``(k_i, n)``.
    tolerance
        Largest regret for which the certificate holds.

    Returns
    -------
    Certificate
        ``regret``: by how much the value matrix of a player rises by one improvement of their
        feedback, over its largest entry. Infinite where the discounted state does not die out or
        the payoff is not concave in the player's own controls.

    Notes
    -----
    Values are judged, not coefficients. At a best response the value is flat in the feedback: an
    error ``e`` in a coefficient costs about ``e**2`` times the curvature there. So with a tolerance
    of 1e-8 an error of 1e-4 passes, and one of 1e-3 where the control matters little to the value.

    ``beta * r**2 < 1``, with the spectral radius ``r`` of the closed loop, is demanded of every
    player. It suffices for finite values from every state, and is not necessary: a state that grows
    but pays nobody and moves no other state costs nothing. Such states are not looked for, and a
    game with one is refused, though its feedbacks may be an equilibrium: leave the state out.
    """
    a = np.asarray(transition, dtype=float)
    n = len(a)
    bs = [np.asarray(b, dtype=float).reshape(n, -1) for b in controls]
    fs = [np.asarray(f, dtype=float).reshape(-1, n) for f in strategies]
    if [f.shape[0] for f in fs] != [b.shape[1] for b in bs]:
        return _failed("there is not one row of feedback for each control", tolerance)
    if not all(np.isfinite(f).all() for f in fs):
        return _failed("a feedback is not finite", tolerance)
    together = np.concatenate([np.eye(n), *(-f for f in fs)])
    moved = a - sum((b @ f for b, f in zip(bs, fs, strict=True)), np.zeros((n, n)))
    radius = float(np.abs(np.linalg.eigvals(moved)).max())
    regrets = []
    start = n
    for i, b in enumerate(bs):
        own = slice(start, start + b.shape[1])
        start = own.stop
        beta = float(discounts[i])
        if beta * radius**2 >= 1:
            # Refused even where the state carries no payoff: see the notes.
            return _failed(f"player {i + 1}: the discounted state does not die out", tolerance)
        form = np.asarray(payoffs[i], dtype=float)
        form = 0.5 * (form + form.T)
        earned = together.T @ form @ together
        # P = earned + beta moved' P moved, as a linear system in the entries of P.
        system = np.eye(n * n) - beta * np.kron(moved.T, moved.T)
        value = np.linalg.solve(system, earned.ravel()).reshape(n, n)
        full = np.concatenate([a, *bs], axis=1)
        worth = form + beta * full.T @ value @ full
        if np.linalg.eigvalsh(worth[own, own]).max() >= 0:
            return _failed(f"player {i + 1}: not concave in their own controls", tolerance)
        others = together.copy()
        others[own] = 0.0
        slope = worth[own] @ others
        gain = slope.T @ np.linalg.solve(-worth[own, own], slope)
        kept = together.T @ worth @ together
        improved = others.T @ worth @ others + gain
        regrets.append(
            float(np.abs(improved - kept).max()) / max(1e-300, float(np.abs(value).max()))
        )
    regret = max(regrets)
    return Certificate(
        regret,
        tolerance,
        exact=False,
        refinement="Markov perfect" if regret <= tolerance else None,
        checks=("no improvement of any player's feedback against the others' raises its value",)
        if regret <= tolerance
        else (f"player {regrets.index(regret) + 1}'s value rises by {regret:.3g} of itself",),
    )


def _failed(reason: str, tolerance: float) -> Certificate:
    return Certificate(inf, tolerance, exact=False, checks=(reason,))
