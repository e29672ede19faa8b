"""Duopoly on a quality ladder: investment races as symmetric Markov-perfect equilibria.

Two firms stand on rungs ``0, ..., L - 1``. In every period a firm on rung ``k`` against one on
rung ``l`` earns ``profits[k, l]`` and invests ``x >= 0``; it climbs a rung with probability
``a x / (1 + a x)``, and with probability ``depreciation`` a shock takes a rung away, from each
firm by itself, or from both together (the outside good improves). Nobody leaves the ladder.

With ``W1`` and ``W0`` the expected value of the next period if the climb succeeds and if not,
the best investment has a closed form, ``x = max(0, (sqrt(discount a (W1 - W0)) - 1) / a)``: what
it adds is concave. Values are iterated with it until they settle (Pakes and McGuire 1994).

References
----------
Ericson and Pakes (1995), "Markov-perfect industry dynamics", Review of Economic Studies 62; Pakes
and McGuire (1994), "Computing Markov-perfect Nash equilibria", RAND Journal of Economics 25;
Borkovsky, Doraszelski and Kryukov (2010), Operations Research 58 (several equilibria may exist).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import limits
from ..errors import MethodFailed, Problem, SpecError
from ..solution import Finds
from .registry import concept

__all__ = ["InvestmentLadder", "LadderEquilibrium", "logit_bertrand", "solve_ladder"]

Array = NDArray[np.float64]

_SETTLED = 1e-14
"""Change of values, over the largest, at which the iteration ends."""


@dataclass(frozen=True, eq=False)
class InvestmentLadder:
    """The game; arrays are checked and copied when it is made.

    Raises
    ------
    SpecError
        ``profits`` is not square and finite, or a number lies outside its range.
    """

    profits: Array
    """Shape ``(L, L)``: per period, of a firm on the first rung against one on the second."""
    discount: float
    """From 0, below 1."""
    success: float
    """``a``, above 0."""
    depreciation: float
    """Probability of the shock, 0 to 1."""
    common_shock: bool = False
    """The shock hits both firms together."""

    def __post_init__(self) -> None:
        table = np.array(self.profits, dtype=float)
        if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.isfinite(table).all():
            raise SpecError(
                Problem("profits", f"has shape {table.shape}", "Give a square, finite array")
            )
        sound = 0 <= self.discount < 1 and self.success > 0 and 0 <= self.depreciation <= 1
        if not sound:
            raise SpecError(
                Problem(
                    "discount, success, depreciation",
                    f"are {self.discount}, {self.success}, {self.depreciation}",
                    "Give 0 to below 1, above 0, and 0 to 1",
                )
            )
        table.setflags(write=False)
        object.__setattr__(self, "profits", table)


@dataclass(frozen=True, eq=False)
class LadderEquilibrium:
    """A symmetric Markov-perfect equilibrium of a ladder."""

    values: Array
    """Shape ``(L, L)``: to a firm on the first rung against one on the second."""
    investments: Array
    """Shape ``(L, L)``: of that firm."""
    rounds: int
    """Rounds of the iteration."""


@concept(
    "investment_ladder",
    takes="two firms on a ladder of qualities",
    finds=Finds.ONE,
    source="Ericson & Pakes (1995)",
    call="highfence.methods.investment_ladder.solve_ladder",
    use="investment in a race that goes on",
)
def solve_ladder(game: InvestmentLadder) -> LadderEquilibrium:
    """Return the symmetric equilibrium on which iterated best investments settle.

    Raises
    ------
    MethodFailed
        Values had not settled after ``limits.MAX_RICCATI_ROUNDS`` rounds.

    Notes
    -----
    ``O(L^2)`` a round. Other equilibria may exist. Judged by
    :func:`highfence.certify.investment_ladder.certify_ladder`.

    Examples
    --------
    >>> flat = InvestmentLadder(np.ones((2, 2)), 0.5, 1.0, 0.0)
    >>> solve_ladder(flat).values.tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    values = game.profits / (1 - game.discount)
    investments = np.zeros_like(values)
    change = np.inf
    for rounds in range(1, limits.MAX_RICCATI_ROUNDS + 1):
        climbed, stayed = _next_values(game, values, investments)
        worth = np.maximum(game.discount * game.success * (climbed - stayed), 0.0)
        found = np.maximum((np.sqrt(worth) - 1) / game.success, 0.0)
        chance = game.success * found / (1 + game.success * found)
        new = game.profits - found + game.discount * (chance * climbed + (1 - chance) * stayed)
        change = max(
            float(np.abs(new - values).max()) / max(1.0, float(np.abs(new).max())),
            float(np.abs(found - investments).max()) / max(1.0, float(found.max())),
        )
        values, investments = new, found
        if change <= _SETTLED:
            for array in (values, investments):
                array.setflags(write=False)
            return LadderEquilibrium(values, investments, rounds)
    raise MethodFailed(
        f"values had not settled after {limits.MAX_RICCATI_ROUNDS} rounds "
        f"(highfence.limits.MAX_RICCATI_ROUNDS); they last changed by {change:.1e}"
    )


def _next_values(game: InvestmentLadder, values: Array, investments: Array) -> tuple[Array, Array]:
    """Return the expected next value of a firm that climbs, and of one that does not."""
    top = len(values) - 1
    rungs = np.arange(top + 1)
    chance = game.success * investments / (1 + game.success * investments)
    rival = chance.T  # at (own, other), the other firm's chance to climb
    lost = game.depreciation

    def at(own: int, other: int) -> Array:
        """Values after moves of so many rungs; both ends of the ladder hold."""
        found: Array = values[
            np.clip(rungs + own, 0, top)[:, None], np.clip(rungs + other, 0, top)[None, :]
        ]
        return found

    def after(climb: int) -> Array:
        """Average over the rival's climb and the shocks."""
        total = np.zeros_like(values)
        for rise, weight in ((1, rival), (0, 1 - rival)):
            if game.common_shock:
                total += weight * (lost * at(climb - 1, rise - 1) + (1 - lost) * at(climb, rise))
            else:
                for own, p in ((1, lost), (0, 1 - lost)):
                    for other, q in ((1, lost), (0, 1 - lost)):
                        total += weight * p * q * at(climb - own, rise - other)
        return total

    return after(1), after(0)


def logit_bertrand(qualities: ArrayLike, cost: float, market: float) -> tuple[Array, Array]:
    """Return profits and prices of two firms with logit demand and an outside good.

    A share ``exp(g_i - p_i) / (1 + sum of exp(g_j - p_j))`` of ``market`` buys from firm ``i``;
    prices are the Nash equilibrium, ``p_i = cost + 1 / (1 - share_i)``.

    Parameters
    ----------
    qualities
        Shape ``(L,)``: ``g`` of every rung.
    cost, market
        Unit cost, and number of buyers.

    Returns
    -------
    profits, prices
        Shape ``(L, L)``: of a firm on the first rung against one on the second.

    Raises
    ------
    MethodFailed
        Prices did not settle.
    """
    g = np.asarray(qualities, dtype=float)
    margins = np.ones((len(g), len(g)))
    for _ in range(10_000):
        own = np.exp(g[:, None] - cost - margins)
        other = np.exp(g[None, :] - cost - margins.T)
        odds = own / (1 + other)
        # The condition is m = 1 + odds(m), concave in the margin m with odds' = -odds: Newton's
        # steps from the left do not overshoot.
        step = (margins - 1 - odds) / (1 + odds)
        margins = margins - step
        if np.abs(step).max() <= 1e-14 * margins.max():
            return market * margins * odds / (1 + odds), cost + margins
    raise MethodFailed("logit prices did not settle")
