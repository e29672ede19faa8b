"""Hypothesis strategies for games in strategic form, and for profiles of them.

Small integers are drawn most of the time: they make ties, and ties are where methods err.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from highfence.forms.normal import NormalForm, Profile

SMALL = st.integers(-3, 3)
RATIONAL = st.builds(Fraction, st.integers(-30, 30), st.integers(1, 7))
FLOAT = st.floats(-1e6, 1e6, allow_nan=False, width=32).map(float)

PAYOFFS = st.sampled_from([SMALL, SMALL, SMALL, RATIONAL, FLOAT])


@st.composite
def strategic_games(
    draw: st.DrawFn,
    players: tuple[int, int] = (1, 3),
    most_strategies: int = 3,
    payoffs: st.SearchStrategy[Any] | None = None,
) -> NormalForm:
    """Draw a game; ``players`` is the least and the largest number of them."""
    count = draw(st.integers(*players))
    shape = tuple(draw(st.integers(1, most_strategies)) for _ in range(count))
    numbers = draw(PAYOFFS) if payoffs is None else payoffs
    size = count * prod(shape)
    flat = draw(st.lists(numbers, min_size=size, max_size=size))
    table = np.empty(size, dtype=object)
    table[:] = flat
    return NormalForm.from_payoffs(table.reshape(count, *shape))


def two_player_games(
    most_strategies: int = 4, payoffs: st.SearchStrategy[Any] | None = None
) -> st.SearchStrategy[NormalForm]:
    """Draw a game of two players."""
    return strategic_games((2, 2), most_strategies, payoffs)


@st.composite
def zero_sum_games(draw: st.DrawFn, most_strategies: int = 4) -> NormalForm:
    """Draw a game of two players whose payoffs sum to a constant."""
    row = draw(two_player_games(most_strategies, SMALL)).rational()[0]
    constant = draw(st.integers(-2, 2))
    return NormalForm.bimatrix(row, constant - row)


@st.composite
def mixed_strategies(draw: st.DrawFn, count: int) -> tuple[Fraction, ...]:
    """Draw exact probabilities of ``count`` pure strategies; zeros are frequent."""
    weights = draw(
        st.lists(st.integers(0, 4), min_size=count, max_size=count).filter(lambda w: sum(w) > 0)
    )
    return tuple(Fraction(weight, sum(weights)) for weight in weights)


@st.composite
def profiles_of(draw: st.DrawFn, game: NormalForm) -> Profile:
    """Draw an exact profile of a game."""
    return Profile(tuple(draw(mixed_strategies(count)) for count in game.num_strategies))
