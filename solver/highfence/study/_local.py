"""One set of numbers, and the parameters that are moved from there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ._request import Request
from ._slopes import Response, Slope
from .sensitivity import Target
from .uncertainty import Space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["VISIBLE", "End", "Local"]

VISIBLE = 1e-6
"""Changes below this share of the outcome are rounding: batches repeat to about 1e-7."""


@dataclass(frozen=True)
class End:
    """Where a parameter may be moved."""

    at: float
    low: float
    high: float
    width: float
    bounded: bool
    """Whether low and high are declared."""


@dataclass(frozen=True)
class Local:
    """Which outcomes are asked about, and how which parameters may be moved."""

    request: Request
    targets: tuple[Target, ...]
    judge: str | None
    compared: tuple[str, ...]
    ends: Mapping[str, End]
    """In the order of the parameters."""
    space: Space
    """What moves along with them."""
    step: float

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters."""
        return tuple(self.ends)

    @cached_property
    def base(self) -> Mapping[str, float]:
        """Numeric parameter -> value where nothing is moved."""
        return self.request.numbers()

    def columns(self, points: Mapping[str, Array]) -> dict[str, Array]:
        """Return all that is moved at some points: parameters, and what is tied to them."""
        count = len(next(iter(points.values())))
        drawn = {n: points.get(n, np.full(count, self.base[n])) for n in self.space.names}
        return self.space.completed(drawn, count)

    def slope(
        self,
        name: str,
        value: float,
        response: Response,
        derivative: float,
        error: float,
        left: float,
        right: float,
        note: str = "",
    ) -> Slope:
        """Return the response of an outcome of this value to a parameter."""
        end = self.ends[name]
        elastic = value != 0 and end.at != 0
        return Slope(
            parameter=name,
            at=end.at,
            response=response,
            derivative=derivative,
            error=error,
            elasticity=derivative * end.at / value + 0.0 if elastic else math.nan,
            left=left,
            right=right,
            swing=derivative * end.width,
            note=note,
        )
