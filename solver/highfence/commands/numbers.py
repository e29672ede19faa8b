"""Numbers in the texts of options: one alone, a list, a range. Errors name option and entry."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import isfinite
from typing import Any

import click

from ..errors import RequestError

WAYS = "Write 0.3, 3e-1, 3/10 or 30%"


UNBOUNDED = ("nan", "inf", "infinity")


def number_read(text: str, entry: str = "") -> Fraction:
    """Return the number that a text says, exactly.

    Parameters
    ----------
    entry
        Which of several, such as ``entry 2``.

    Raises
    ------
    ValueError
        It is no number, or none that a float can hold; the message says which, and not where.
    """
    from ..spec.model import exact

    text = text.strip()
    which = f"{entry}, {text!r}," if entry else repr(text)
    if not text:
        raise ValueError(f"{entry or 'the number'} is empty")
    try:
        value = exact(text)
    except (ValueError, ZeroDivisionError):
        what = "finite number" if text.lower().lstrip("+-") in UNBOUNDED else "number"
        raise ValueError(f"{which} is not a {what}") from None
    try:
        float(value)
    except OverflowError:
        raise ValueError(f"{which} is too large for a floating-point number") from None
    return value


def number_in(place: str, text: str, entry: str = "", fix: str = WAYS) -> float:
    """Return the number that a text says, as a float.

    Parameters
    ----------
    place
        Option and what was given, such as ``--x 1,nan,3``.
    entry
        Which of several, such as ``entry 2``.

    Raises
    ------
    RequestError
        It is no number, or none that a float can hold.
    """
    try:
        return float(number_read(text, entry))
    except ValueError as error:
        raise RequestError(f"{place}: {error}. {fix}") from None


def numbers_in(option: str, text: str) -> list[float]:
    """Return the numbers of ``A,B,C``."""
    parts = text.split(",")
    return [
        number_in(f"{option} {text}", part, f"entry {k}" if len(parts) > 1 else "")
        for k, part in enumerate(parts, 1)
    ]


def ends_in(option: str, text: str, separator: str = " ") -> tuple[float | None, float | None]:
    """Return the ends of ``LOW:HIGH``; either may be left out."""
    place = f"{option}{separator}{text}"
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2:
        raise RequestError(f"{place} is not LOW:HIGH. Write {option}{separator}0.1:0.5")
    low, high = (
        number_in(place, part, f"the {which} end") if part else None
        for which, part in zip(("lower", "upper"), parts, strict=True)
    )
    if low is not None and high is not None and not low < high:
        wrong = "equals" if low == high else "is above"
        raise RequestError(
            f"{place}: the lower end, {parts[0]}, {wrong} the upper one, {parts[1]}. "
            f"Write {option}{separator}0.1:0.5"
        )
    return low, high


def lines_in(option: str, text: str) -> list[float]:
    """Return ``LOW:HIGH`` as two numbers, or the ascending lines of a grid, three or more."""
    if ":" in text:
        low, high = ends_in(option, text)
        if low is None or high is None:
            raise RequestError(f"{option} {text!r}: both ends are needed. Write {option} 0.1:0.5")
        return [low, high]
    made = numbers_in(option, text) if "," in text else []
    if len(made) < 3:
        raise RequestError(
            f"{option} {text!r} is neither LOW:HIGH nor three values and more. "
            f"Write {option} 0.1:0.5, or {option} 1,2,5,10"
        )
    written = [part.strip() for part in text.split(",")]
    for k, (one, other) in enumerate(pairwise(made), 2):
        if not one < other:
            raise RequestError(
                f"{option} {text}: entry {k}, {written[k - 1]}, is not above entry {k - 1}, "
                f"{written[k - 2]}. The lines of a grid ascend: {option} 1,2,5,10"
            )
    return made


class Within(click.FloatRange):
    """A number between bounds, NaN not among them, nor infinity."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the number, or refuse it."""
        made = super().convert(value, param, ctx)
        if not isfinite(made):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return made
