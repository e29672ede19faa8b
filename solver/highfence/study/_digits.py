"""Numbers in sentences."""

from __future__ import annotations

__all__ = ["short", "signed"]

BILLION = 1e9


def short(value: float, digits: int = 6) -> str:
    """Return a number with so many significant digits; of large ones all before the point.

    Examples
    --------
    >>> short(0.1234567), short(474.2, 2), short(-1234567.8), short(3e12), short(-0.0)
    ('0.123457', '474', '-1234568', '3e+12', '0')
    """
    text = format(value + 0.0, f".{digits}g")
    return format(value, ".0f") if "e+" in text and abs(value) < BILLION else text


def signed(value: float, digits: int = 3) -> str:
    """Return a change with its sign; 0 has none.

    Examples
    --------
    >>> signed(0.25), signed(-1234.5), signed(0.0)
    ('+0.25', '-1234', '0')
    """
    text = short(value, digits)
    return text if text.startswith("-") or text == "0" else f"+{text}"
