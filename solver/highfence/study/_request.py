"""What every study is asked: a game at its numbers, and how draws of it are solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .. import tolerances
from ..forms.build import values
from .draws import Draws, solve_draws
from .outcome import Outcome, categorical_values, outcome_of

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import ArrayLike

    from ..spec.model import Game

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """A game, the numbers that are not drawn, and how its draws are solved.

    Parameters
    ----------
    preset, parameters
        Where the numbers start from, and those that the request sets itself.
    workers, tolerance, progress
        As in :func:`highfence.study.draws.solve_draws`.
    """

    game: Game
    preset: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 1
    tolerance: float = tolerances.REGRET_BATCH
    progress: Callable[[int, int], None] | None = None

    def values(self, regime: str | None = None) -> Mapping[str, Fraction | str]:
        """Return the values of all parameters, under a regime or before any regime's own."""
        return values(self.game, regime=regime, preset=self.preset, parameters=self.parameters)

    @cached_property
    def base(self) -> Mapping[str, Fraction | str]:
        """Parameter -> value, before any regime's own."""
        return MappingProxyType(dict(self.values()))

    def numbers(self, regime: str | None = None) -> dict[str, float]:
        """Return the numeric ones among the values."""
        at = self.base if regime is None else self.values(regime)
        return {name: float(value) for name, value in at.items() if not isinstance(value, str)}

    @cached_property
    def categorical(self) -> Mapping[str, str]:
        """Categorical parameter -> value."""
        return MappingProxyType(categorical_values(self.game, self.base))

    def outcome(self, asked: str) -> Outcome:
        """Return an outcome at these values; see :func:`highfence.study.outcome.outcome_of`."""
        return outcome_of(self.game, asked, self.categorical)

    def solve(
        self,
        draws: Mapping[str, ArrayLike],
        regimes: Sequence[str] | None = None,
        *,
        also: Mapping[str, Any] = MappingProxyType({}),
        progress: Callable[[int, int], None] | None = None,
    ) -> Draws:
        """Return the answers at draws, as :func:`highfence.study.draws.solve_draws` gives them.

        Parameters
        ----------
        also
            Values of parameters that are set for these draws alone.
        progress
            Called instead of the request's own.
        """
        return solve_draws(
            self.game,
            draws,
            regimes,
            preset=self.preset,
            workers=self.workers,
            tolerance=self.tolerance,
            progress=progress or self.progress,
            parameters={**self.parameters, **also},
        )
