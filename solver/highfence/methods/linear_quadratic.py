"""Linear-quadratic dynamic games: feedback equilibria through coupled Riccati equations.

The state ``x`` (n) moves by ``x' = A x + B_1 u_1 + ... + B_N u_N`` with controls ``u_i`` (k_i).
Player ``i`` gets ``z' C_i z`` in every period, with ``z = (x, u_1, ..., u_N)`` stacked and ``C_i``
symmetric, and discounts by ``beta_i``. A constant 1 among the states makes room for linear terms.

In a *feedback equilibrium* ``u_i = -F_i x``, and from every state no player gains by any other
course of controls. With the value ``x' P_i x`` of what follows, ``H_i = C_i + beta_i (A B)' P_i
(A B)`` is a period's worth as a quadratic form in ``z``; its first-order conditions in ``u_i``,
of all players together, are one linear system for all ``F``; putting these back gives the value a
period earlier. Backwards from the last period this is the equilibrium of the game with a horizon;
where it settles, that without end (the limit of the games with ever longer horizons; there may be
others). With noise added to the state the strategies are the same (certainty equivalence).

References
----------
Basar and Olsder (1999), "Dynamic Noncooperative Game Theory", ch. 6; Judd (1998), "Numerical
Methods in Economics", ch. 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import limits
from ..errors import MethodFailed, Problem, RequestError, SpecError
from ..solution import Finds
from .registry import concept

__all__ = ["FeedbackEquilibrium", "LinearQuadraticGame", "coupled_riccati"]

Array = NDArray[np.float64]

_SETTLED = 1e-14
"""Change of a value matrix, over its largest entry, at which the iteration ends."""


@dataclass(frozen=True, eq=False)
class LinearQuadraticGame:
    """A linear-quadratic game; made by :meth:`from_matrices`, which validates and copies.

    Attributes
    ----------
    transition
        ``A``, shape ``(n, n)``.
    controls
        ``B_i``, shape ``(n, k_i)``, one per player.
    payoffs
        ``C_i``, shape ``(n + K, n + K)`` with ``K = k_1 + ... + k_N``, symmetric.
    discounts
        ``beta_i``, each from 0 to 1.
    """

    transition: Array
    controls: tuple[Array, ...]
    payoffs: tuple[Array, ...]
    discounts: tuple[float, ...]

    @classmethod
    def from_matrices(
        cls,
        transition: ArrayLike,
        controls: Sequence[ArrayLike],
        payoffs: Sequence[ArrayLike],
        discount: float | Sequence[float],
    ) -> LinearQuadraticGame:
        """Return the game with these matrices; ``payoffs`` are replaced by their symmetric part.

        Raises
        ------
        SpecError
            Shapes do not fit, a number is not finite, or a discount lies outside 0 to 1.
        """
        a = np.array(transition, dtype=float)
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise _problem("transition", f"has shape {a.shape}", "Give a square matrix")
        bs = [np.array(b, dtype=float) for b in controls]
        bs = [b[:, None] if b.ndim == 1 else b for b in bs]
        for i, b in enumerate(bs):
            if b.ndim != 2 or b.shape[0] != len(a) or b.shape[1] < 1:
                raise _problem(
                    f"controls[{i}]", f"has shape {b.shape}", f"Give ({len(a)}, number of controls)"
                )
        size = len(a) + sum(b.shape[1] for b in bs)
        cs = [np.array(c, dtype=float) for c in payoffs]
        if not bs or len(cs) != len(bs):
            raise _problem("payoffs", f"{len(cs)} for {len(bs)} players", "Give one per player")
        for i, c in enumerate(cs):
            if c.shape != (size, size):
                raise _problem(
                    f"payoffs[{i}]",
                    f"has shape {c.shape}",
                    f"Give {(size, size)}: the state, then the controls of all players",
                )
        if not all(np.isfinite(m).all() for m in (a, *bs, *cs)):
            raise _problem("matrices", "hold a number that is not finite", "Give finite ones")
        given = np.asarray(discount, dtype=float)
        if given.shape not in ((), (len(bs),)):
            raise _problem("discount", f"has shape {given.shape}", f"Give one number, or {len(bs)}")
        betas = np.broadcast_to(given, (len(bs),))
        if not ((betas >= 0) & (betas <= 1)).all():
            raise _problem("discount", f"{betas.tolist()} is not from 0 to 1", "Give such weights")
        return cls(
            _read_only(a),
            tuple(map(_read_only, bs)),
            tuple(_read_only(0.5 * (c + c.T)) for c in cs),
            tuple(float(beta) for beta in betas),
        )

    def blocks(self) -> list[slice]:
        """Return where each player's controls are in ``z``."""
        ends = np.cumsum([len(self.transition), *(b.shape[1] for b in self.controls)]).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]


@dataclass(frozen=True, eq=False)
class FeedbackEquilibrium:
    """Feedback strategies of a linear-quadratic game, and what they are worth."""

    strategies: tuple[Array, ...]
    """``F_i``, shape ``(k_i, n)``: player ``i`` plays ``-F_i x``."""
    values: tuple[Array, ...]
    """``P_i``, shape ``(n, n)``: state ``x`` is worth ``x' P_i x``."""
    closed_loop: Array
    """The matrix that takes the state to the next one."""
    rounds: int
    """Periods until the iteration settled; the horizon, where there is one."""
    residual: float
    """Change of the values in the last period, relative; 0 with a horizon."""

    def path(self, start: ArrayLike, periods: int) -> Array:
        """Return the states after 0, 1, ..., ``periods`` periods: shape ``(periods + 1, n)``."""
        states = [np.array(start, dtype=float)]
        for _ in range(periods):
            states.append(self.closed_loop @ states[-1])
        return np.array(states)


@concept(
    "linear_quadratic",
    takes="linear-quadratic games of any number of players",
    finds=Finds.ONE,
    source="Basar & Olsder (1999), ch. 6",
    call="highfence.methods.linear_quadratic.coupled_riccati",
    use="feedback policies for a linear system with quadratic costs",
)
def coupled_riccati(game: LinearQuadraticGame, horizon: int | None = None) -> FeedbackEquilibrium:
    """Return the feedback equilibrium of a linear-quadratic game.

    Parameters
    ----------
    game
        The game.
    horizon
        Number of periods, nothing being worth anything after the last; or None for the limit
        of ever longer games. With a horizon the strategies and values are those of the first
        period.

    Raises
    ------
    MethodFailed
        A player's payoff is not concave in their controls (no best response exists), the
        first-order conditions have no unique solution, or the iteration did not settle.

    Notes
    -----
    ``O((n + K)^3)`` a period. Judged by
    :func:`highfence.certify.linear_quadratic.certify_feedback`.

    Examples
    --------
    One player who holds a stock near 0 at a cost:

    >>> game = LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [[[-1, 0], [0, -1]]], 1.0)
    >>> coupled_riccati(game).strategies[0].round(6).tolist()
    [[0.618034]]
    """
    if horizon is not None and (
        not isinstance(horizon, Integral) or isinstance(horizon, bool) or horizon < 1
    ):
        raise RequestError(f"horizon = {horizon!r}: give a number of periods from 1, or None")
    a, n = game.transition, len(game.transition)
    blocks, count = game.blocks(), len(game.controls)
    moves = np.concatenate([a, *game.controls], axis=1)
    total = moves.shape[1] - n
    values = [np.zeros((n, n)) for _ in range(count)]
    most = limits.MAX_RICCATI_ROUNDS if horizon is None else int(horizon)
    change, still = np.inf, 0
    sizes = [float(np.abs(payoffs).max()) or 1.0 for payoffs in game.payoffs]
    for rounds in range(1, most + 1):
        system, right = np.empty((total, total)), np.empty((total, n))
        worth = []
        for i, block in enumerate(blocks):
            with np.errstate(over="ignore", invalid="ignore"):
                form = game.payoffs[i] + game.discounts[i] * moves.T @ values[i] @ moves
            if not np.isfinite(form).all():
                raise MethodFailed(f"values grow without bound ({rounds} periods)")
            worth.append(form)
            own = slice(block.start - n, block.stop - n)
            system[own], right[own] = form[block, n:], form[block, :n]
            if np.linalg.eigvalsh(form[block, block]).max() >= 0:
                raise MethodFailed(
                    f"player {i + 1}'s payoff is not concave in their own controls "
                    f"{rounds} periods before the end: there is no best response"
                )
        try:
            feedback = np.linalg.solve(system, right)
        except np.linalg.LinAlgError:
            raise MethodFailed(
                "the first-order conditions have no unique solution "
                f"{rounds} periods before the end"
            ) from None
        played = np.concatenate([np.eye(n), -feedback])
        with np.errstate(over="ignore", invalid="ignore"):
            found = [played.T @ form @ played for form in worth]
        change = max(
            float(np.abs(new - old).max()) / max(1e-300, float(np.abs(new).max()))
            for new, old in zip(found, values, strict=True)
        )
        values = [0.5 * (new + new.T) for new in found]
        if not np.isfinite(change) or any(
            float(np.abs(value).max()) / size > 1e100
            for value, size in zip(values, sizes, strict=True)
        ):
            raise MethodFailed(f"values grow without bound ({rounds} periods)")
        # Rounding keeps the last digits moving: a few rounds at their level are the end.
        still = still + 1 if change <= 1e-12 else 0
        if horizon is None and (change <= _SETTLED or still >= 50):
            break
    else:
        if horizon is None:
            raise MethodFailed(
                f"values had not settled after {most} periods (highfence.limits."
                f"MAX_RICCATI_ROUNDS); they last changed by {change:.1e}"
            )
    return FeedbackEquilibrium(
        strategies=tuple(
            _read_only(feedback[block.start - n : block.stop - n]) for block in blocks
        ),
        values=tuple(map(_read_only, values)),
        closed_loop=_read_only(moves @ played),
        rounds=rounds,
        residual=change if horizon is None else 0.0,
    )


def _problem(place: str, reason: str, fix: str) -> SpecError:
    return SpecError(Problem(place, reason, fix))


def _read_only(array: ArrayLike) -> Array:
    made = np.array(array, dtype=np.float64)
    made.setflags(write=False)
    return made
