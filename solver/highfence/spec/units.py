"""Units of inputs: what may not be added up or compared, because it is of two sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .expressions import Expr

__all__ = ["Units"]


class Units:
    """The declared units of a game's inputs.

    Units of one kind in different sizes ("EUR/kg" and "EUR/t") are not added, subtracted or
    compared; a factor converts. Units of different kinds are left alone: models drop
    coefficients that are 1.
    """

    def __init__(self, declared: Mapping[str, str] | None) -> None:
        self.declared = declared or {}

    def clash(self, left: Expr, right: Expr) -> tuple[str, str] | None:
        """Return the units of two expressions if they differ in size alone."""
        one, other = self._of(left), self._of(right)
        return (one, other) if one != other and _only_scale_differs(one, other) else None

    def _of(self, expr: Expr, depth: int = 4) -> str:
        """Return the unit of an input, of a sum or of shares of one; "" where none is declared."""
        if not self.declared:
            return ""
        while expr.op in ("neg", "abs", "add", "sub", "min", "max") and expr.args:
            first = expr.args[0]
            if first.op != "input" and len(expr.args) == 2 and expr.args[1].op == "input":
                first = expr.args[1]
            expr = first
        if expr.op == "mul" and depth:
            one, other = expr.args
            if self._is_share(other):
                return self._of(one, depth - 1)
            return self._of(other, depth - 1) if self._is_share(one) else ""
        return self.declared.get(expr.value, "") if expr.op == "input" else ""

    def _is_share(self, expr: Expr, depth: int = 4) -> bool:
        """Return whether a factor surely leaves the unit as it is: numbers in "1", 0 and 1."""
        if expr.op == "input":
            return self.declared.get(expr.value, "") == "1"
        if expr.op == "const":
            return expr.value in (0, 1)
        if expr.op == "where":
            return depth > 0 and all(self._is_share(a, depth - 1) for a in expr.args[1:])
        inside = expr.op in ("neg", "add", "sub", "mul", "min", "max") and depth > 0
        return expr.is_bool or (inside and all(self._is_share(a, depth - 1) for a in expr.args))


_KINDS = (
    {"g", "kg", "t", "kt", "tonne", "tonnes", "lb"},
    {"m", "km", "cm", "mm", "nm", "mile", "miles"},
    {"s", "min", "h", "hour", "day", "week", "month", "quarter", "yr", "year", "decade"},
    {"days", "weeks", "months", "quarters", "years"},
    {"W", "kW", "MW", "GW", "TW"},
    {"Wh", "kWh", "MWh", "GWh", "TWh"},
    {"USD", "EUR", "CNY", "JPY", "KRW", "TWD", "GBP", "CHF", "INR"},
)
_SIZES = {
    "k": "thousand",
    "thousand": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "million": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
    "billion": "billion",
    "tn": "trillion",
    "trillion": "trillion",
    "percent": "percent",
}
_SHORT = {"k", "m", "M", "b", "B"}  # sizes only beside a currency: m alone is a meter
_CURRENCIES = _KINDS[-1]
_PREFIXED = re.compile(rf"({'|'.join(sorted(_SIZES, key=len)[::-1])})({'|'.join(_CURRENCIES)})\Z")


def _words(unit: str) -> tuple[list[str], set[str]]:
    """Return what a unit is of, and in which size: "kUSD/yr" is of USD a year, in thousands."""
    kinds, sizes = ["/"] if "/" in unit else [], set()
    for factor in re.split(r"[/*]", unit.replace("%", " percent ")):
        written = re.findall(r"[A-Za-z]+", factor)
        for k, word in enumerate(written):
            beside = {*written[max(k - 1, 0) : k], *written[k + 1 : k + 2]} & _CURRENCIES
            joined = _PREFIXED.match(word)
            if joined:
                sizes.add(_SIZES[joined.group(1)])
                kinds.append(joined.group(2))
            elif word in _SIZES and (word not in _SHORT or word == "k" or beside):
                sizes.add(_SIZES[word])
            else:
                kinds.append(word)
    return kinds, sizes


def _only_scale_differs(one: str, other: str) -> bool:
    """Return whether two units are of one kind and differ in size: "USD mn" and "USD bn"."""
    if not one or not other:
        return False
    (left, left_size), (right, right_size) = _words(one), _words(other)
    if len(left) != len(right):
        return False
    differing = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    if any(not any(a in kind and b in kind for kind in _KINDS) for a, b in differing):
        return False
    if differing or left_size == right_size:
        return bool(differing)
    return len(left) > ("/" in left) and (len(left) > 1 or left[0] in _CURRENCIES)
