"""Textbook games that several tests of the studies vary: each comes with its closed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from highfence import Decision, Game, Interval, Parameter, Regime, Stage


def duopoly(
    *parameters: Parameter,
    price: str = "a - q_1 - q_2",
    derived: Mapping[str, str] | None = None,
    payoff: str = "due * q_1",
    **more: Any,
) -> Game:
    """Return Cournot's duopoly after a law: firm one pays ``tax`` a unit if it is taxed.

    With u = c + due, q_1 = (a - 2u + c)/3, at least 0, and its profit is q_1^2; where q_1 is 0,
    q_2 = (a - c)/2 (Cournot 1838). ``payoff`` is the state's.
    """
    return Game(
        name="duopoly",
        players=["G", "one", "two"],
        parameters=list(parameters),
        stages=[
            Stage("law", Decision("G", "law", ["free", "taxed"])),
            Stage(
                "outputs",
                Decision("one", "q_1", Interval(0, "a")),
                Decision("two", "q_2", Interval(0, "a")),
            ),
        ],
        derived={"due": "tax * (law == 'taxed')", "price": price, **(derived or {})},
        payoffs={"G": payoff, "one": "(price - c - due) * q_1", "two": "(price - c) * q_2"},
        regimes=[Regime("free", fix={"law": "free"}), Regime("taxed", fix={"law": "taxed"})],
        **more,
    )


def battle(*parameters: Parameter, derived: Mapping[str, str] | None = None, **more: Any) -> Game:
    """Return a battle of the sexes in which the place one likes is worth w to them.

    For w > 0 there are two pure equilibria and one mixed, in which each gets w/(w + 1).
    """
    return Game(
        name="battle",
        players=["he", "she"],
        parameters=list(parameters),
        stages=[
            Stage(
                "go",
                Decision("he", "his", ["opera", "fight"]),
                Decision("she", "hers", ["opera", "fight"]),
            )
        ],
        derived={"opera": "1 * (his == 'opera' and hers == 'opera')", **(derived or {})},
        payoffs={
            "he": "opera + w * (his == 'fight' and hers == 'fight')",
            "she": "w * opera + 1 * (his == 'fight' and hers == 'fight')",
        },
        **more,
    )


def pursuit(*parameters: Parameter, derived: Mapping[str, str] | None = None, **more: Any) -> Game:
    """Return a pursuit: the second player follows the first and has a goal of their own.

    Replies: y = (goal + x)/2. If ``sign`` < 0 the first likes closeness, and x = y = goal. If it
    is > 0 the first likes distance and stands at the end further from y, and the second likes
    ends as well, that of x: for goals within (0, 1) there is an equilibrium only if both mix,
    which no method searches.
    """
    return Game(
        name="pursuit",
        players=["first", "second"],
        parameters=list(parameters),
        stages=[
            Stage(
                "go",
                Decision("first", "x", Interval(0, 1)),
                Decision("second", "y", Interval(0, 1)),
            )
        ],
        payoffs={
            "first": "sign * (x - y) ** 2",
            "second": "-(y - goal) ** 2 - (x - y) ** 2 + where(sign > 0, 4, 0) * (y - 0.5) ** 2",
        },
        derived=derived or {"apart": "abs(x - y)"},
        **more,
    )
