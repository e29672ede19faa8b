"""Draws of a game's numbers from their declared ranges, for studies over many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import RequestError, did_you_mean
from ._asked import levers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..spec.model import Game, Parameter

__all__ = ["METHODS", "sample"]

METHODS = ("latin_hypercube", "sobol", "random")
"""How draws are placed in the ranges."""


def sample(
    game: Game,
    count: int,
    rng: int | np.random.Generator = 0,
    *,
    names: Sequence[str] | None = None,
    method: str = "latin_hypercube",
) -> dict[str, NDArray[np.float64]]:
    """Return draws of numeric parameters, uniform over their declared ranges.

    Parameters
    ----------
    game
        The game.
    count
        Number of draws.
    rng
        A seed (0 is a seed), or a generator, which is advanced.
    names
        The parameters to draw, each once; by default all that declare ``low`` and ``high`` and
        that no regime sets.
    method
        ``"latin_hypercube"``: each parameter has exactly one draw in every one of ``count``
        equal slices of its range. ``"sobol"``: a scrambled Sobol sequence, which fills the
        space of all ranges evenly and is at its best if ``count`` is a power of two.
        ``"random"``: independent draws.

    Returns
    -------
    dict of str to array of shape (count,)
        Parameter -> draws, in the order of ``names`` (of the declaration by default),
        read-only. Ready for :func:`highfence.study.draws.solve_draws`.

    Raises
    ------
    RequestError
        A name is unknown, named twice, categorical or without a range; there is nothing to
        draw; ``count``, ``rng`` or ``method`` is not what it must be; or ``count`` times the
        parameters is more than :data:`highfence.limits.MAX_SAMPLES`.

    Notes
    -----
    The same request gives the same draws with the same release of numpy, and of scipy where it is
    a Sobol sequence; another set of ``names`` gives other draws. Parameters are independent:
    where one is the remainder of another, replace its column (second example). Ranges are
    declared bounds, not forecasts.

    References
    ----------
    M. D. McKay, R. J. Beckman and W. J. Conover (1979), Technometrics 21, 239-245 (Latin
    hypercubes). A. B. Owen (1998), J. Complexity 14, 466-489 (scrambled Sobol sequences).

    Examples
    --------
    >>> from highfence import load
    >>> game = load("small_yard_high_fence")
    >>> draws = sample(game, 4, names=["h", "mF"])
    >>> [int(share) for share in sorted(4 * draws["h"])]
    [0, 1, 2, 3]
    >>> draws["mM"] = 1 - draws["mF"]
    >>> sorted(draws)
    ['h', 'mF', 'mM']
    """
    chosen = _chosen(game, names)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise RequestError(f"count = {count!r} is not a positive whole number")
    if count * len(chosen) > limits.MAX_SAMPLES:
        raise RequestError(
            f"{count} draws of {len(chosen)} parameters are more numbers than MAX_SAMPLES = "
            f"{limits.MAX_SAMPLES}. Ask for fewer"
        )
    if method not in METHODS:
        raise RequestError(
            f"there is no sampling method {method!r}. {did_you_mean(str(method), METHODS)}"
        )
    unit = unit_cube(int(count), len(chosen), generator_of(rng), method)
    draws = {}
    for name, share in zip(chosen, unit.T, strict=True):
        low, high = chosen[name]
        column = np.clip(low + (high - low) * share, low, high)
        column.setflags(write=False)
        draws[name] = column
    return draws


def _chosen(game: Game, names: Sequence[str] | None) -> dict[str, tuple[float, float]]:
    """Return parameter -> range, in order."""
    declared = {parameter.name: parameter for parameter in game.parameters}
    ranges = {name: found for name, p in declared.items() if (found := _range(p)) is not None}
    if names is None:
        if not ranges:
            raise RequestError(f"{game.name} declares no range (low and high) of any parameter")
        levers = levers_of(game)
        if free := {name: found for name, found in ranges.items() if name not in levers}:
            return free
        raise RequestError(
            f"regimes of {game.name} set every parameter that declares a range: "
            f"{', '.join(ranges)}. Name what is drawn all the same"
        )
    asked = [names] if isinstance(names, str) else list(names)
    if not asked:
        raise RequestError("there is no parameter to draw. Name some, or leave names out")
    for position, name in enumerate(asked):
        if name not in declared:
            close = did_you_mean(str(name), ranges)
            raise RequestError(f"{game.name} has no parameter {name!r}. {close}")
        if name in asked[:position]:
            raise RequestError(f"the parameter {name!r} is asked for twice. Name it once")
        if name not in ranges:
            raise RequestError(_why_not(game, declared[name]))
    return {name: ranges[name] for name in asked}


def _range(parameter: Parameter) -> tuple[float, float] | None:
    if parameter.choices or parameter.low is None or parameter.high is None:
        return None
    return float(parameter.low), float(parameter.high)


def _why_not(game: Game, parameter: Parameter) -> str:
    if parameter.choices:
        return (
            f"{game.name}: {parameter.name} has choices, not a range. Solve once for each of "
            f"{', '.join(parameter.choices)}"
        )
    missing = " and ".join(side for side in ("low", "high") if getattr(parameter, side) is None)
    return (
        f"{game.name}: {parameter.name} declares no {missing}. Declare its range, or do not draw it"
    )


def generator_of(rng: Any) -> np.random.Generator:
    """Return the generator that a seed stands for, or the one that is given."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise RequestError(f"rng = {rng!r} is neither a seed (0, 1, 2, ...) nor a numpy Generator")
    return np.random.default_rng(int(rng))


def unit_cube(
    count: int, dimensions: int, rng: np.random.Generator, method: str
) -> NDArray[np.float64]:
    """Return draws from the unit cube, shape (count, dimensions)."""
    if method == "random":
        return rng.random((count, dimensions))
    if method == "latin_hypercube":
        return _latin_hypercube(count, dimensions, rng.spawn(1)[0])
    import inspect
    import warnings

    from scipy.stats import qmc

    # scipy 1.15 renamed the argument; both names take a Generator.
    word = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"
    with warnings.catch_warnings():
        # That Sobol sequences are balanced at powers of two only is said in the docstring.
        warnings.filterwarnings("ignore", "The balance properties of Sobol", UserWarning)
        drawn: NDArray[np.float64] = qmc.Sobol(dimensions, **{word: rng}).random(count)
    return drawn


def _latin_hypercube(count: int, dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a draw in each of ``count`` slices of every side of the cube.

    The draws are those of scipy, whose import takes longer than a thousand of them do to solve:
    sweeps that were stored when it was asked go on.
    """
    below = rng.random((count, dimensions))
    slices = np.tile(np.arange(1, count + 1), (dimensions, 1))
    for side in slices:
        rng.shuffle(side)
    made: NDArray[np.float64] = (slices.T - below) / count
    return made
