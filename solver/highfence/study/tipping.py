"""Tipping points: along one parameter, every value at which the answer changes.

A *flip* is a value at which another regime becomes best, or at which an outcome that was
asked for changes its sign. Within a regime, the equilibrium's kind may change: the actions
that are played, how many equilibria there are or whether one is found, an end of an interval
that is met or left, an outcome that stops or starts being 0, a jump of outcomes (a cliff).

Every change is bracketed: between the two ends of its bracket nothing was solved, and what
holds at each end is certified. The search starts from a grid and halves every cell

- whose ends differ in any of these respects,
- in which a margin, carried on from the neighboring cells by straight lines, could touch 0
  (so that two flips could hide inside),
- across which an outcome moves by more than its neighbors let expect,

until it is as narrow as the tolerance. What then seems to jump is told from what rises steeply
by halving its cell further: a jump keeps its size. Margins that run through 0 are bracketed by
the root of their chord as well. What could still be missed is said: two flips, both between the
same two neighboring points, that neither side announces. :attr:`Tipping.resolution` is how far
apart such neighbors are at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted, RequestError
from ._changes import Changes
from ._line import Line
from ._request import Request
from ._tips import Change, Gap, Kind, Series, Stretch, Tip, Tipping
from .outcome import Outcome, judging_player, values_given
from .scan import Scanner, declared_range, loaded_game, regimes_asked

if TYPE_CHECKING:
    from ..spec.model import Game

__all__ = ["Change", "Gap", "Kind", "Series", "Stretch", "Tip", "Tipping", "find_tips", "tipping"]

GRID = 33
"""Points of the first grid."""


def tipping(
    game: Game | str | Path,
    parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    preset: str | None = None,
    player: str | None = None,
    outcome: str | None = None,
    tolerance: float = 1e-4,
    grid: int = GRID,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Tipping:
    """Find every value of a parameter at which the best regime or the equilibrium changes.

    Parameters
    ----------
    game
        A game, its name in the catalogue, or its file.
    parameter
        The numeric parameter that is varied.
    regimes
        The regimes compared; by default all, or those that ``outcome`` names. One regime
        alone is searched for changes within it.
    low, high
        The range to look at; by default the one that the parameter declares.
    preset
        The preset of parameter values that the rest starts from.
    player
        Whose payoff says which regime is best; by default the owner of the decision that
        the regimes fix.
    outcome
        Look at this instead of at the best regime: a formula over outcomes, such as
        ``"broad.K_H - none.K_H"``, whose changes of sign are sought, or a condition or flag
        such as ``"K_H > none.K_H"``. One that names outcomes without a regime is read in
        each of ``regimes``.
    tolerance
        Width of the brackets, as a share of the range.
    grid
        Points of the first grid, at least 3.
    workers
        Processes for large batches.
    parameters, named
        Values of the other parameters, in a mapping or as keywords.

    Raises
    ------
    RequestError
        A name is unknown, the parameter has choices or no range, or a number is not what it
        must be.
    SpecError
        The outcome is not a formula of the game, or the game is wrong at these values.

    Notes
    -----
    Where ranges of payoffs over several equilibria overlap, no regime is best. A regime that
    is best by very little is best: how little is in the margins. Not promised: changes that
    come and go between two neighboring points without a sign on either side
    (``resolution``); jumps below 2 percent of an outcome's range; equilibria that the method
    does not find. Cost: about ``grid`` points, and 10 to 25 more for each change, times the
    regimes.

    Examples
    --------
    >>> found = tipping("captive_market_timing", "quota", outcome="quota.T - free_trade.T")
    >>> [(round(flip.at, 3), flip.says) for flip in found.flips]
    [(0.208, 'below 0 -> above 0')]
    """
    return find_tips(
        game,
        parameter,
        regimes,
        low=low,
        high=high,
        preset=preset,
        player=player,
        outcome=outcome,
        tolerance=tolerance,
        grid=grid,
        workers=workers,
        parameters=values_given(parameters, named),
    )


def find_tips(
    game: Game | str | Path,
    parameter: str,
    regimes: Sequence[str] | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    preset: str | None = None,
    player: str | None = None,
    outcome: str | None = None,
    tolerance: float = 1e-4,
    grid: int = GRID,
    workers: int = 1,
    parameters: Mapping[str, Any] | None = None,
    around: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda step: None,
) -> Tipping:
    """Search as :func:`tipping` does; ``tell`` hears what is solved next.

    Parameters
    ----------
    around
        The value where nothing is varied, of the parameter that is; by default that of the preset.

    Raises
    ------
    Interrupted
        Ctrl-C: ``done`` is what was found until then, with brackets as wide as they were.
    """
    game = loaded_game(game)
    given = dict(parameters or {})
    if parameter in given:
        raise RequestError(f"{parameter} is varied, so it cannot be set. Leave one of both out")
    ends = declared_range(game, parameter, low, high)
    if isinstance(grid, bool) or not isinstance(grid, int) or grid < 3:
        raise RequestError(f"grid = {grid!r} is not a whole number of at least 3 points")
    if not 0 < tolerance <= 0.1:
        raise RequestError(f"tolerance = {tolerance!r} is not a share of the range, up to 0.1")
    request = Request(game, preset, {**given, **(around or {})}, workers)
    asked, read = _regimes_and_outcome(request, regimes, outcome)
    judging = None
    if player is not None or (read is None and len(asked) > 1):
        judging = judging_player(game, asked, player)
    solved = asked if read is None else tuple(dict.fromkeys([*asked, *read.others]))
    line = Line(Scanner(request, solved), parameter, ends, asked, judging, read, tolerance, grid)
    try:
        line.run(tell)
    except KeyboardInterrupt:
        if not len(line.x):
            raise
        line.interrupted = True
        done = Changes(line).result()
        raise Interrupted("what was found until then is shown", done) from None
    return Changes(line).result()


def _regimes_and_outcome(
    request: Request, regimes: Sequence[str] | None, outcome: str | None
) -> tuple[tuple[str, ...], Outcome | None]:
    """Return the regimes that are asked about, and the outcome."""
    game = request.game
    if outcome is None:
        return regimes_asked(game, regimes), None
    read = request.outcome(outcome)
    own = [key for key in read.inputs if "." not in key and key not in request.base]
    if own or not read.others:
        return regimes_asked(game, regimes), read
    if regimes is not None:
        for name in regimes_asked(game, regimes):
            if name not in read.others:
                raise RequestError(
                    f"the outcome {outcome!r} does not read the regime {name!r}. Leave regimes "
                    "out, or name outcomes without a regime to read them in each"
                )
    return read.others, read
