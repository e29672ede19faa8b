"""Solved draws, with the values of parameters in a mapping.

:func:`.draws.solve_draws` takes parameters as keywords, beside arguments of its own. A game may
well have a parameter called ``workers`` or ``tolerance``; the studies solve through here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RequestError
from ..solve_many import solve_many
from .draws import Draws, solve_draws

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..spec.model import Game

__all__ = ["draws_at"]

TAKEN = frozenset(
    name
    for function in (solve_draws, solve_many)
    for name, argument in inspect.signature(function).parameters.items()
    if argument.kind is not inspect.Parameter.VAR_KEYWORD
)
"""Names that are arguments of the solvers, and so cannot be keywords for a parameter."""


def draws_at(
    game: Game,
    draws: Mapping[str, ArrayLike],
    regimes: Sequence[str] | None = None,
    *,
    parameters: Mapping[str, Any],
    **options: Any,
) -> Draws:
    """Solve draws as :func:`.draws.solve_draws` does, whatever the game's parameters are called.

    Parameters
    ----------
    game, draws, regimes
        As there.
    parameters
        Values of parameters that are not drawn. Those with a name that is taken become columns
        of equal draws, which comes to the same.
    options
        Arguments of ``solve_draws``.

    Raises
    ------
    RequestError
        As there; or a parameter with a name that is taken is set to a text.
    """
    taken = {name: value for name, value in parameters.items() if name in TAKEN - set(draws)}
    lengths = {np.shape(column) for column in draws.values()}
    columns = dict(draws)
    if taken and len(lengths) == 1:
        (shape,) = lengths
        for name, value in taken.items():
            if isinstance(value, str):
                raise RequestError(
                    f"{game.name}: studies cannot set {name}, a text that is called like an "
                    "argument of theirs. Rename the parameter"
                )
            columns[name] = np.full(shape, float(value))
    named = {name: value for name, value in parameters.items() if name not in TAKEN}
    return solve_draws(game, columns, regimes, **options, **named)
