"""Lemke-Howson paths of a bimatrix game, in exact integer arithmetic.

Definitions are those of :mod:`highfence.methods.extreme`: two best-response polytopes,
a pair of points with all ``m + n`` labels is an equilibrium, and so is, artificially, the
pair of origins. Dropping one label ``k`` there leads along edges, in the two polytopes by
turns, to another pair with all labels. In degenerate games the ratio test is
lexicographic, which is a perturbation of the right-hand sides; the pair it ends in is
still an equilibrium of the game itself.

References
----------
Lemke and Howson (1964); Shapley (1974), labels; von Stengel (2007), "Equilibrium
computation for two-player games", sec. 3.4 to 3.6: integer pivoting, lexicographic rule.
"""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction

from .. import limits
from ..errors import LimitForeseen, Problem
from ..forms.normal import NormalForm, Profile
from ..solution import Findings, Finds
from .extreme import integer_payoffs
from .registry import method

__all__ = ["lemke_howson"]


_DOZENS = 100
"""Strategies of both players up to which exact paths end soon: of 60 x 60 random games, nine paths
do within the limit on pivots, in some ten seconds."""


@method(
    "lemke_howson",
    form=NormalForm,
    accepts=lambda game: game.num_players == 2,
    finds=Finds.SOME,
    exact=True,
    source="Lemke & Howson (1964); von Stengel (2007), sec. 3.4-3.6",
    domain="two players",
    rank=15,
    use="some equilibria of two players with many strategies, soon",
)
def lemke_howson(game: NormalForm, *, foresee: bool = False) -> Generator[Profile, None, Findings]:
    """Yield the equilibria at the ends of the Lemke-Howson paths, one path per label, exactly.

    It works where the enumeration of all equilibria is out of reach: for games of some
    dozens of strategies per player.

    Parameters
    ----------
    game
        A game of two players.
    foresee
        Take no pivot if there are so many strategies that numbers have hundreds of digits and
        few paths would come to an end.

    Yields
    ------
    Profile
        Exact, each once, in the order of the labels that were dropped.

    Returns
    -------
    Findings
        ``complete`` if all paths were followed to their ends within
        ``limits.MAX_PIVOTS`` pivots.

    Raises
    ------
    LimitForeseen
        With ``foresee``, there are too many strategies.

    Notes
    -----
    Equilibria that no path from the origin reaches are not found. Paths are mostly short,
    but there are games where all are exponentially long (Savani & von Stengel 2006). A
    pivot takes ``O(n^2)`` operations on integers of ``O(n)`` times the digits of a payoff.

    Examples
    --------
    >>> battle = NormalForm.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    >>> [profile.supports for profile in lemke_howson(battle)]
    [((0,), (0,)), ((1,), (1,))]
    """
    m, n = game.num_strategies
    if foresee and m + n > _DOZENS:
        raise LimitForeseen(
            Problem(
                game.title or "game",
                f"on {m + n} paths of a {m} x {n} game, {limits.MAX_PIVOTS} exact pivots "
                "(highfence.limits.MAX_PIVOTS) are few, and take long",
                "Ask for lemke_howson to have them taken.",
            )
        )
    row, column = integer_payoffs(game)
    seen: set[Profile] = set()
    pivots = 0
    for dropped in range(m + n):
        # Columns are labels: x and the slacks of B^T x <= 1, the slacks of A y <= 1 and y.
        inner = _Tableau([[*column[j], *_unit(n, j)] for j in range(n)], range(m, m + n))
        outer = _Tableau([[*_unit(m, i), *row[i]] for i in range(m)], range(m))
        turn, other = (inner, outer) if dropped < m else (outer, inner)
        entering = turn.pivot(dropped)
        pivots += 1
        while entering != dropped:
            if pivots >= limits.MAX_PIVOTS:
                return Findings(
                    complete=False,
                    notes=(
                        f"{dropped} of {m + n} Lemke-Howson paths were followed in "
                        f"{limits.MAX_PIVOTS} pivots (highfence.limits.MAX_PIVOTS)",
                    ),
                )
            turn, other = other, turn
            entering = turn.pivot(entering)
            pivots += 1
        profile = Profile((inner.strategy(range(m)), outer.strategy(range(m, m + n))))
        if profile not in seen:
            seen.add(profile)
            yield profile
    return Findings(
        complete=True, notes=("equilibria that no Lemke-Howson path reaches were not found",)
    )


def _unit(size: int, place: int) -> list[int]:
    return [int(k == place) for k in range(size)]


class _Tableau:
    """The equations ``matrix v = 1`` in integers, solved for the basic variables.

    The true tableau is ``rows`` over ``scale``, a determinant that divides exactly.
    """

    def __init__(self, matrix: list[list[int]], basis: range) -> None:
        self.slacks = basis
        self.basis = list(basis)
        self.rows = [[*row, 1] for row in matrix]
        self.scale = 1

    def pivot(self, entering: int) -> int:
        """Let a variable enter the basis; return the one that leaves."""
        place = self._leaving_row(entering)
        chosen = self.rows[place]
        pivot = chosen[entering]
        for k, row in enumerate(self.rows):
            if k != place:
                factor = row[entering]
                self.rows[k] = [
                    (pivot * entry - factor * other) // self.scale
                    for entry, other in zip(row, chosen, strict=True)
                ]
        self.scale = pivot
        leaving, self.basis[place] = self.basis[place], entering
        return leaving

    def _leaving_row(self, entering: int) -> int:
        """Return the row with the lexicographically smallest ratios to the entering column."""
        candidates = [k for k, row in enumerate(self.rows) if row[entering] > 0]
        for column in (-1, *self.slacks):
            if len(candidates) == 1:
                break
            ratios = [Fraction(self.rows[k][column], self.rows[k][entering]) for k in candidates]
            smallest = min(ratios)
            candidates = [k for k, r in zip(candidates, ratios, strict=True) if r == smallest]
        return candidates[0]

    def strategy(self, labels: range) -> tuple[Fraction, ...]:
        """Return the values of these variables, divided by their sum."""
        values = dict(zip(self.basis, (row[-1] for row in self.rows), strict=True))
        weights = [values.get(label, 0) for label in labels]
        total = sum(weights)
        return tuple(Fraction(weight, total) for weight in weights)
