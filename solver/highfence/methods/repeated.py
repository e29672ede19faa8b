"""Repeated games with perfect monitoring: what patience can sustain.

A stage game in strategic form is played again and again; everyone sees what was played; payoffs
are averages weighted by ``(1 - delta) delta^t``, with the discount factor ``delta`` of the next
round. Strategies are pure in every round, and players may condition on a public lottery.

*Minmax*: the least to which the others can hold a player. *Feasible*: a mixture of the stage
game's payoffs. *Individually rational*: not below the minmax. *Subgame-perfect payoffs* are the
largest set ``V`` such that every point of it is a mixture of points ``(1 - delta) g(a) + delta w``
with ``w`` in ``V``, where no player gains by leaving ``a`` if that is punished by the worst of
``V`` for them (Abreu, Pearce and Stacchetti 1990)::

    w_i >= min over V of v_i + (1 - delta) / delta h_i(a),   h_i(a) = gain of i's best deviation

A stage game is a :class:`highfence.forms.normal.NormalForm`; index conventions as there.

References
----------
Friedman (1971), "A non-cooperative equilibrium for supergames", Review of Economic Studies 38;
Axelrod (1984), "The Evolution of Cooperation"; Abreu (1988), "On the theory of infinitely repeated
games with discounting", Econometrica 56; Abreu, Pearce and Stacchetti (1990), Econometrica 58;
Abreu and Sannikov (2014), "An algorithm for two-player repeated games with perfect monitoring",
Theoretical Economics 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from numbers import Integral, Real
from typing import Any

from .. import limits
from ..errors import RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .rational_lp import matrix_game
from .registry import concept

__all__ = [
    "CriticalDiscounts",
    "PayoffSet",
    "critical_discount",
    "feasible_set",
    "grim_trigger",
    "individually_rational_set",
    "minmax",
    "payoff_set",
    "tit_for_tat",
]

Number = float | Fraction
Point = tuple[Any, Any]

_SETTLED = 1e-13
"""Movement of the payoff set's corners, over the payoff range, at which the iteration ends."""
_SIDE = 1e-12
"""Distance from a line, over the payoff range, up to which a point is on it."""


@dataclass(frozen=True)
class CriticalDiscounts:
    """From which discount factor on every player prefers to keep to a course of play."""

    players: tuple[Number | None, ...]
    """Per player: the least discount factor; None where none below 1 is enough."""
    reason: str

    @property
    def all_players(self) -> Number | None:
        """The least discount factor, common to all, at which nobody deviates; None if none is."""
        known = [each for each in self.players if each is not None]
        return max(known) if len(known) == len(self.players) else None


@dataclass(frozen=True)
class PayoffSet:
    """Average payoffs of all pure subgame-perfect equilibria, with public randomization."""

    corners: tuple[tuple[float, float], ...]
    """Extreme points, counterclockwise from the lowest payoff of the first player; empty if there
    is no equilibrium in pure strategies."""
    discount: float
    rounds: int
    """Rounds of the iteration."""
    complete: bool
    """The iteration settled. If not, the set is too large, never too small."""

    @property
    def worst(self) -> tuple[float, float] | None:
        """The worst equilibrium payoff of each player, by which deviations are punished."""
        if not self.corners:
            return None
        return min(v for v, _ in self.corners), min(v for _, v in self.corners)


@concept(
    "minmax",
    takes="normal: any number of players (mixed: two)",
    finds=Finds.ONE,
    source="Fudenberg & Maskin (1986)",
    call="highfence.methods.repeated.minmax",
    use="the least to which others can hold a player",
    exact=True,
)
def minmax(game: NormalForm, player: int, *, mixed: bool = False) -> Number:
    """Return the least payoff to which the others can hold a player.

    Parameters
    ----------
    game
        The stage game.
    player
        Index of the player.
    mixed
        False: the others choose pure strategies. True: they mix; two players only (of three,
        whether punishers may correlate their mixtures matters, and it is not a linear program).

    Returns
    -------
    Fraction or float
        Exact where the payoffs are, or where mixed (floats are taken as the rationals they are).

    Raises
    ------
    RequestError
        There is no such player, or a mixed minmax is asked of more than two.

    Examples
    --------
    >>> pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    >>> minmax(pennies, 0), minmax(pennies, 0, mixed=True)
    (Fraction(1, 1), Fraction(0, 1))
    """
    if not isinstance(player, Integral) or not 0 <= player < game.num_players:
        raise RequestError(f"there is no player {player!r}: give 0 to {game.num_players - 1}")
    player = int(player)
    if not mixed:
        best = _table(game)[player].max(axis=player)
        return _number(best.min() if game.num_players > 1 else best)
    if game.num_players != 2:
        raise RequestError("the mixed minmax is found for two players; ask for the pure one")
    own = game.rational()[player]
    rows = own if player == 0 else own.T
    value, _ = matrix_game([[-entry for entry in row] for row in rows.tolist()])
    return -value


@concept(
    "grim_trigger",
    takes="normal: any number of players, and a profile",
    finds=Finds.ONE,
    source="Friedman (1971)",
    call="highfence.methods.repeated.grim_trigger",
    use="how patient they must be if deviations end cooperation for ever",
    exact=True,
)
def grim_trigger(
    game: NormalForm, target: Sequence[int], punishment: Sequence[int]
) -> CriticalDiscounts:
    """Return from which discount factor on grim trigger sustains a profile.

    All play ``target`` until somebody deviates, then ``punishment`` for ever. With deviation
    payoff ``d``, target ``r`` and punishment ``p`` the threshold of a player is
    ``(d - r) / (d - p)``.

    Parameters
    ----------
    game
        The stage game, any number of players.
    target, punishment
        One strategy index per player. The punishment must be an equilibrium of the stage game:
        otherwise the threat is not credible.

    Raises
    ------
    RequestError
        A profile is none of the game, or the punishment is no equilibrium of the stage game.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> grim_trigger(dilemma, (0, 0), (1, 1)).all_players
    Fraction(1, 2)
    """
    tempted = [_deviation(game, target, i) for i in range(game.num_players)]
    threatened = [_deviation(game, punishment, i) for i in range(game.num_players)]
    players: list[Number | None] = []
    for i, ((best, kept), (way_out, punished)) in enumerate(zip(tempted, threatened, strict=True)):
        if way_out > punished:
            raise RequestError(
                f"punishment {tuple(punishment)} is no equilibrium of the stage game: "
                f"{game.players[i]} would get {way_out} instead of {punished}"
            )
        if best <= kept and punished <= kept:
            players.append(_number(best - best))
        elif punished >= kept:
            players.append(None)
        else:
            players.append((best - kept) / (best - punished))
    return CriticalDiscounts(
        tuple(players),
        "the gain of one deviation, (1 - delta)(d - r), against what is lost for ever after, "
        "delta (r - p)",
    )


@concept(
    "tit_for_tat",
    takes="payoffs of a dilemma",
    finds=Finds.ONE,
    source="Axelrod (1984)",
    call="highfence.methods.repeated.tit_for_tat",
    use="how patient they must be for tit for tat",
    exact=True,
)
def tit_for_tat(temptation: Any, reward: Any, punishment: Any, sucker: Any) -> CriticalDiscounts:
    """Return from which discount factor on tit for tat is a Nash equilibrium of the dilemma.

    Against tit for tat the best answers are to cooperate, to defect for ever, or to alternate;
    so ``delta >= max{(T - R) / (T - P), (T - R) / (R - S)}`` (Axelrod 1984). It is subgame
    perfect only at ``delta = (T - R) / (R - S) = (P - S) / (T - P)``, if that is so at all:
    punishing must be worth no less, and no more, than forgiving.

    Parameters
    ----------
    temptation, reward, punishment, sucker
        Payoffs with ``T > R > P > S``; ints, Fractions or floats.

    Raises
    ------
    RequestError
        The payoffs are not those of a prisoners' dilemma, or not finite numbers.

    Examples
    --------
    >>> tit_for_tat(5, 3, 1, 0).all_players
    Fraction(2, 3)
    """
    try:
        t, r, p, s = (Fraction(v) for v in (temptation, reward, punishment, sucker))
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(f"a payoff is not a finite number: {error}") from None
    if not t > r > p > s:
        raise RequestError(
            f"a prisoners' dilemma has T > R > P > S, not {t}, {r}, {p}, {s}: check their order"
        )
    needed = max((t - r) / (t - p), (t - r) / (r - s))
    enough = needed if needed < 1 else None
    return CriticalDiscounts((enough, enough), "against defecting for ever and against alternating")


def feasible_set(game: NormalForm) -> tuple[Point, ...]:
    """Return the extreme points of the feasible payoffs of a two-player game.

    Returns
    -------
    tuple
        Counterclockwise from the lowest payoff of the first player; exact where payoffs are.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> [(int(x), int(y)) for x, y in feasible_set(dilemma)]
    [(0, 5), (1, 1), (5, 0), (3, 3)]
    """
    return tuple(_hull(_payoffs(game)))


@concept(
    "individually_rational",
    takes="normal: two players",
    finds=Finds.ALL,
    source="Fudenberg & Maskin (1986)",
    call="highfence.methods.repeated.individually_rational_set",
    use="all payoffs that patient players can sustain",
    exact=True,
)
def individually_rational_set(
    game: NormalForm, floors: Sequence[Any] | None = None
) -> tuple[Point, ...]:
    """Return the extreme points of the feasible payoffs that give nobody less than a floor.

    Parameters
    ----------
    game
        A two-player stage game.
    floors
        One payoff per player; the mixed minmax by default.

    Returns
    -------
    tuple
        As for :func:`feasible_set`; empty if there is no such payoff.

    Raises
    ------
    RequestError
        The game has not two players, or the floors are not two numbers.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> [(str(x), str(y)) for x, y in individually_rational_set(dilemma)]
    [('1', '1'), ('13/3', '1'), ('3', '3'), ('1', '13/3')]
    """
    corners = _hull(_payoffs(game))
    if floors is not None and (
        len(floors) != 2 or not all(isinstance(x, Real) and x == x for x in floors)
    ):
        raise RequestError(f"floors = {floors!r}: give one number per player")
    least = [minmax(game, i, mixed=True) for i in (0, 1)] if floors is None else list(floors)
    for axis in (0, 1):
        corners = _above(corners, axis, least[axis], 0)
    return tuple(_hull(corners))


@concept(
    "repeated_payoffs",
    takes="normal: two players, and a discount factor",
    finds=Finds.ALL,
    source="Abreu, Pearce & Stacchetti (1990); Abreu & Sannikov (2014)",
    call="highfence.methods.repeated.payoff_set",
    use="all payoffs that players of given patience can sustain",
)
def payoff_set(game: NormalForm, discount: float) -> PayoffSet:
    """Return all average payoffs of pure subgame-perfect equilibria, with a public lottery.

    From all that is feasible, each round keeps what one action profile now and a payoff of the
    last round's set later can give, such that no deviation pays. What is later needs only be the
    profile's own payoff or a corner of the set where a player is just deterred, so that few
    points are looked at (Abreu and Sannikov 2014). The rounds come down to the set itself.

    Parameters
    ----------
    game
        A two-player stage game.
    discount
        Discount factor, above 0 and below 1.

    Returns
    -------
    PayoffSet
        ``complete`` unless ``limits.MAX_REPEATED_ROUNDS`` rounds did not settle it.

    Raises
    ------
    RequestError
        The game has not two players, or the discount factor is not between 0 and 1.

    Notes
    -----
    Strategies of a round are pure: where the stage game has no pure equilibrium the set may be
    empty though there are mixed equilibria. At most three corners per action profile.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> len(payoff_set(dilemma, 0.2).corners)
    1
    >>> [tuple(round(v, 6) + 0.0 for v in corner) for corner in payoff_set(dilemma, 0.6).corners]
    [(1.0, 1.0), (4.333333, 1.0), (3.0, 3.0), (1.0, 4.333333)]
    """
    if game.num_players != 2:
        raise RequestError(f"payoff_set takes two players; this game has {game.num_players}")
    if not isinstance(discount, Real) or not 0 < discount < 1:
        raise RequestError(f"discount = {discount!r}: give a number above 0 and below 1")
    discount = float(discount)
    corners, rounds, settled = _sustained(game, discount)
    ends = [tuple(map(float, limits_of)) for limits_of in game.payoff_ranges]
    return PayoffSet(
        tuple(
            (ends[0][0] * (1 - x) + ends[0][1] * x, ends[1][0] * (1 - y) + ends[1][1] * y)
            for x, y in corners
        ),
        float(discount),
        rounds,
        settled,
    )


@concept(
    "critical_discount",
    takes="normal: two players, and a profile",
    finds=Finds.ONE,
    source="Abreu (1988)",
    call="highfence.methods.repeated.critical_discount",
    use="how patient players must be to keep to a course of play",
)
def critical_discount(
    game: NormalForm, target: Sequence[int], precision: float = 1e-6
) -> float | None:
    """Return the least discount factor at which any equilibrium plays a profile for ever.

    Deviations are met by the worst equilibrium for who deviates (Abreu 1988), so no threshold is
    lower, grim trigger's included. Found by bisection: with a public lottery what is sustained
    at one discount factor is at all higher ones.

    Parameters
    ----------
    game
        A two-player stage game.
    target
        One strategy index per player.
    precision
        Width to which the threshold is bracketed; the upper end is returned.

    Returns
    -------
    float or None
        0 where the profile is an equilibrium of the stage game; None where ``1 - precision`` is
        not enough.

    Raises
    ------
    RequestError
        The game has not two players, the profile is none of it, or the precision is no number
        between 0 and 1 that a discount factor can differ from 1 by.

    Examples
    --------
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    >>> round(critical_discount(dilemma, (0, 0)), 4)
    0.5
    """
    if game.num_players != 2:
        raise RequestError(f"critical_discount takes two players; this game has {game.num_players}")
    if not 0 < precision < 1 or 1 - precision == 1:
        raise RequestError(f"precision = {precision!r}: give a number such as 1e-6")
    if all(best <= kept for best, kept in (_deviation(game, target, i) for i in (0, 1))):
        return 0.0
    cell = tuple(map(int, target))
    unit = [game.unit_payoffs(i) for i in (0, 1)]
    kept = [float(unit[i][cell]) for i in (0, 1)]
    best = [float(unit[0][:, cell[1]].max()), float(unit[1][cell[0]].max())]

    def holds(discount: float) -> bool:
        corners, _, _ = _sustained(game, discount)
        return bool(corners) and all(
            kept[i]
            >= (1 - discount) * best[i] + discount * min(corner[i] for corner in corners) - _SIDE
            for i in (0, 1)
        )

    low, high = 0.0, 1 - precision
    if not holds(high):
        return None
    while high - low > precision:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


# ---------------------------------------------------------------------------------------------
# Stage games


def _table(game: NormalForm) -> Any:
    return game.payoffs if game.exact is None else game.exact


def _number(value: Any) -> Number:
    return value if isinstance(value, Fraction) else float(value)


def _deviation(game: NormalForm, profile: Sequence[int], player: int) -> tuple[Any, Any]:
    """Return a player's best payoff against a pure profile, and what the profile gives them."""
    cell = tuple(profile)
    if len(cell) != game.num_players or not all(
        isinstance(k, Integral) and not isinstance(k, bool) and 0 <= k < count
        for k, count in zip(cell, game.num_strategies, strict=False)
    ):
        raise RequestError(
            f"{cell} is no profile: give one index per player, below {game.num_strategies}"
        )
    table = _table(game)[player]
    line = (*cell[:player], slice(None), *cell[player + 1 :])
    return _number(table[line].max()), _number(table[cell])


def _payoffs(game: NormalForm) -> list[Point]:
    if game.num_players != 2:
        raise RequestError(f"payoff sets are of two players; this game has {game.num_players}")
    table = _table(game)
    return [
        (_number(table[(0, *cell)]), _number(table[(1, *cell)]))
        for cell in product(*map(range, game.num_strategies))
    ]


# ---------------------------------------------------------------------------------------------
# The rounds, in payoffs from 0 to 1


def _sustained(game: NormalForm, discount: float) -> tuple[list[Point], int, bool]:
    """Return the corners of the payoff set, the rounds it took, and whether it settled."""
    unit = [game.unit_payoffs(i) for i in (0, 1)]
    cells = [
        (
            (float(unit[0][cell]), float(unit[1][cell])),
            (
                float(unit[0][:, cell[1]].max() - unit[0][cell]),
                float(unit[1][cell[0], :].max() - unit[1][cell]),
            ),
        )
        for cell in product(*map(range, game.num_strategies))
    ]
    # No equilibrium gives a player less than their pure minmax.
    floors = [float(unit[i].max(axis=i).min()) for i in (0, 1)]
    corners = _hull([payoffs for payoffs, _ in cells])
    settled, rounds = False, 0
    while corners and not settled and rounds < limits.MAX_REPEATED_ROUNDS:
        rounds += 1
        found = _round(corners, cells, floors, discount)
        settled = _distance(corners, found) <= _SETTLED if found else True
        corners = found
    return corners, rounds, settled


def _round(
    corners: list[Point],
    cells: Sequence[tuple[Any, tuple[float, float]]],
    floors: Sequence[float],
    discount: float,
) -> list[Point]:
    """Return the corners of what one action profile now and a payoff of the set later can give."""
    weight = (1 - discount) / discount
    worst = [max(floors[i], min(point[i] for point in corners)) for i in (0, 1)]
    made: list[Point] = []
    for payoffs, gains in cells:
        # Who gains nothing by deviating needs no deterrence, however little the future weighs.
        needed = [worst[i] + (weight * gains[i] if gains[i] else 0.0) for i in (0, 1)]
        later = _above(_above(corners, 0, needed[0], _SIDE), 1, needed[1], _SIDE)
        if not later:
            continue
        if all(payoffs[i] >= needed[i] - _SIDE for i in (0, 1)) and _inside(payoffs, corners):
            made.append(payoffs)
            continue
        made += [
            ((1 - discount) * payoffs[0] + discount * x, (1 - discount) * payoffs[1] + discount * y)
            for x, y in later
            if x <= needed[0] + _SIDE or y <= needed[1] + _SIDE
        ]
    return _hull(made)


def _cross(o: Point, a: Point, b: Point) -> Any:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def _hull(points: Sequence[Point]) -> list[Point]:
    """Return the corners of the convex hull, counterclockwise from the least (Andrew 1979)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    chains = []
    for each in (ordered, ordered[::-1]):
        chain: list[Point] = []
        for point in each:
            while len(chain) > 1 and _cross(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains.append(chain[:-1])
    lower, upper = chains
    # Of a segment both chains are the same two points.
    return ordered[:1] + ordered[-1:] if len(lower) + len(upper) == 2 else lower + upper


def _above(corners: Sequence[Point], axis: int, least: Any, slack: Any) -> list[Point]:
    """Return the corners of the part of a convex polygon in which a coordinate is at least so."""
    kept: list[Point] = []
    for k, here in enumerate(corners):
        there = corners[(k + 1) % len(corners)]
        if here[axis] >= least - slack:
            kept.append(here)
        if len(corners) > 1 and (here[axis] - least) * (there[axis] - least) < 0:
            share = (least - here[axis]) / (there[axis] - here[axis])
            cut = [here[i] + share * (there[i] - here[i]) for i in (0, 1)]
            cut[axis] = least
            kept.append((cut[0], cut[1]))
    return kept


def _inside(point: Point, corners: Sequence[Point]) -> bool:
    """Return True if a point lies in a convex polygon, a segment or a point, up to rounding."""
    if len(corners) == 1:
        return all(abs(point[i] - corners[0][i]) <= _SIDE for i in (0, 1))
    if len(corners) == 2:
        low, high = corners
        return bool(
            abs(_cross(low, high, point)) <= _SIDE
            and low[0] - _SIDE <= point[0] <= high[0] + _SIDE
            and min(low[1], high[1]) - _SIDE <= point[1] <= max(low[1], high[1]) + _SIDE
        )
    return all(
        _cross(here, corners[(k + 1) % len(corners)], point) >= -_SIDE
        for k, here in enumerate(corners)
    )


def _distance(one: Sequence[Point], other: Sequence[Point]) -> float:
    """Return how far the corners of two polygons are apart, at most, either way."""

    def far(points: Sequence[Point], targets: Sequence[Point]) -> float:
        gaps = [min(max(abs(p[0] - q[0]), abs(p[1] - q[1])) for q in targets) for p in points]
        return float(max(gaps))

    return max(far(one, other), far(other, one))
