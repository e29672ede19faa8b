"""What a study of derivatives finds: the response of each outcome to each parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ._asked import one_called
from ._digits import short, signed

__all__ = ["DIFFERENCES", "IMPLICIT", "Derivatives", "LocalTarget", "Response", "Slope"]

IMPLICIT, DIFFERENCES = "implicit differentiation", "differences"
"""How a slope was found."""


class Response(StrEnum):
    """How an outcome responds to a small change of a parameter."""

    SMOOTH = "smooth"
    KINK = "kink"
    """The slopes to the two sides differ."""
    CLIFF = "cliff"
    """It jumps within the steps taken."""
    ONE_SIDED = "one-sided"
    """It has values on one side only, within the declared range."""
    UNDEFINED = "undefined"
    """It has no derivative that could be found."""


@dataclass(frozen=True)
class Slope:
    """The local response of one outcome to one parameter."""

    parameter: str
    at: float
    """The parameter's value."""
    response: Response
    derivative: float
    """NaN where there is none; at a kink the mean of both sides."""
    error: float
    """Estimate of its absolute error; NaN where unknown."""
    elasticity: float
    """Percent of the outcome per percent of the parameter; NaN where one of them is 0."""
    left: float
    """Slope below the value."""
    right: float
    """Slope above it."""
    swing: float
    """The derivative times the width of the declared range (or the value, without a range)."""
    note: str = ""


@dataclass(frozen=True)
class LocalTarget:
    """The local responses of one outcome."""

    target: str
    value: float
    """The outcome at the numbers asked about."""
    how: str
    """``"implicit differentiation"`` or ``"differences"``."""
    slopes: tuple[Slope, ...]
    """In the order of the parameters."""
    reason: str = ""
    """Why there are none."""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> Slope:
        return one_called(parameter, {slope.parameter: slope for slope in self.slopes})

    @property
    def ranked(self) -> tuple[Slope, ...]:
        """Cliffs first, then by the size of the swing."""

        def size(slope: Slope) -> tuple[bool, float]:
            swing = abs(slope.swing) if math.isfinite(slope.swing) else -1.0
            return slope.response is not Response.CLIFF, -swing

        return tuple(sorted(self.slopes, key=size))

    @property
    def says(self) -> str:
        """The answer in a sentence."""
        return _sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --method local --json`` holds under ``targets``.

        Keys: ``target``, ``says``, ``value``, ``how``, ``reason``, and ``parameters``: {name:
        {"at", "response", "derivative", "error", "elasticity", "left", "right", "swing",
        "note"}}, largest swing first.
        """
        names = (
            "at", "response", "derivative", "error", "elasticity", "left", "right", "swing", "note"
        )  # fmt: skip
        return {
            "target": self.target,
            "says": self.says,
            "value": self.value,
            "how": self.how,
            "reason": self.reason,
            "parameters": {
                slope.parameter: {name: getattr(slope, name) for name in names}
                for slope in self.ranked
            },
        }


@dataclass(frozen=True)
class Derivatives:
    """Local derivatives of outcomes of a game."""

    game: str
    title: str
    preset: str | None
    parameters: Mapping[str, Any]
    """The parameters that the request set."""
    ties: Mapping[str, str]
    step: float
    targets: tuple[LocalTarget, ...]

    def __getitem__(self, target: str) -> LocalTarget:
        return one_called(target, {one.target: one for one in self.targets})

    def __str__(self) -> str:
        return "\n".join(one.says for one in self.targets)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --method local --json`` prints.

        Keys: ``game``, ``title``, ``method`` ("local"), ``preset``, ``parameters``, ``ties``,
        ``step``, and ``targets``: a list of what :meth:`LocalTarget.to_dict` returns.
        """
        return {
            "game": self.game,
            "title": self.title,
            "method": "local",
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "ties": dict(self.ties),
            "step": self.step,
            "targets": [one.to_dict() for one in self.targets],
        }


def _sentence(found: LocalTarget) -> str:
    if found.reason:
        return f"Nothing can be said about {found.target}: {found.reason}."
    top = found.ranked[0]
    label = found.labels.get(top.parameter, "")
    called = f"{label} ({top.parameter})" if label else top.parameter
    if top.response is Response.CLIFF:
        return f"{found.target} is at a cliff of {called}, which is {short(top.at, 4)}: {top.note}."
    if not math.isfinite(top.derivative):
        return f"No derivative of {found.target} could be found: {top.note}."
    if top.derivative == 0:
        return f"No parameter moves {found.target} here."
    elastic = math.isfinite(top.elasticity)
    size = f"its derivative is {short(top.derivative, 3)}"
    if elastic and top.at > 0 and found.value > 0:
        size = f"1% more of it changes it by {signed(top.elasticity, 2)}%"
    elif elastic and top.at > 0:  # a percentage of what is negative has the wrong sign
        change = top.derivative * top.at / 100
        size = (
            f"1% more of it {'raises' if change > 0 else 'lowers'} it by {short(abs(change), 2)}, "
            f"from {short(found.value, 4)}"
        )
    kink = f"; {top.note}" if top.note else ""
    return f"{called} matters most for {found.target} here, at {short(top.at, 4)}: {size}{kink}."
