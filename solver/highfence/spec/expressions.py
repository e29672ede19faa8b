"""Expressions: a shared graph of what formulas say, and its values, exact or in floats.

An :class:`Expr` is a node: equal expressions are one object (hash-consing), named definitions
are nodes that others point to, and nothing is ever written out twice. A condition used as a
number is 0 or 1. Constants are exact rationals and are folded exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any
from weakref import WeakValueDictionary

from .. import limits

__all__ = [
    "FALSE",
    "ONE",
    "TRUE",
    "ZERO",
    "Expr",
    "Inexact",
    "apply",
    "as_float",
    "as_number",
    "call",
    "constant",
    "evaluate",
    "evaluate_exact",
    "input_names",
    "numpy_operations",
    "order",
    "rational",
    "text",
    "variable",
]

IRRATIONAL = {"exp", "log", "sqrt", "call"}
BOOLEAN = {"lt", "le", "eq", "ne", "and", "or", "not"}
DEPTH_SHOWN = 4
"""Levels of an expression that its ``repr`` writes out."""


class Expr:
    """A node: ``op`` applied to ``args``; ``value`` for constants, inputs, texts and calls.

    Ops: ``const`` (a Fraction or a bool), ``text``, ``input`` (a name), ``call`` (a Python
    callable), ``where``, and those of :func:`numpy_operations`.
    """

    __slots__ = ("__weakref__", "args", "is_bool", "op", "value")

    op: str
    args: tuple[Expr, ...]
    value: Any
    is_bool: bool

    def __repr__(self) -> str:
        return self._written(DEPTH_SHOWN)

    def _written(self, depth: int) -> str:
        # Written out in full, what is shared would be repeated, and grow without bound.
        if self.op in ("const", "text", "input"):
            return str(self.value)
        inside = ", ".join(arg._written(depth - 1) for arg in self.args) if depth else "..."
        return f"{self.op}({inside})"


_INTERNED: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()


def _make(op: str, args: tuple[Expr, ...] = (), value: Any = None) -> Expr:
    key = (op, tuple(map(id, args)), type(value), value)
    found = _INTERNED.get(key)
    if found is None:
        found = Expr()
        found.op, found.args, found.value = op, args, value
        found.is_bool = (
            op in BOOLEAN
            or (op == "const" and isinstance(value, bool))
            or (op == "where" and args[1].is_bool and args[2].is_bool)
        )
        _INTERNED[key] = found
    return found


def constant(value: Fraction | int | bool) -> Expr:
    """Return the node of a constant."""
    return _make("const", value=value if isinstance(value, bool) else Fraction(value))


def text(value: str) -> Expr:
    """Return the node of a text (an action's name, a set's element, a categorical value)."""
    return _make("text", value=value)


def variable(name: str) -> Expr:
    """Return the node of an input: a parameter, or a move (its value, or its action's index)."""
    return _make("input", value=name)


def call(function: Callable[..., Any], args: Sequence[Expr]) -> Expr:
    """Return the node of a vectorized Python callable applied to expressions."""
    return _make("call", tuple(args), function)


TRUE, FALSE = constant(True), constant(False)
ZERO, ONE = constant(0), constant(1)


def as_number(expr: Expr) -> Expr:
    """Return a condition as the number 0 or 1."""
    if expr is TRUE:
        return ONE
    if expr is FALSE:
        return ZERO
    return apply("where", expr, ONE, ZERO) if expr.is_bool else expr


def apply(op: str, *args: Expr) -> Expr:
    """Return ``op(args)``, folding constants exactly and dropping neutral elements."""
    if op not in ("and", "or", "not", "where"):
        args = tuple(as_number(arg) for arg in args)
    elif op == "where" and args[1].is_bool != args[2].is_bool:
        args = (args[0], as_number(args[1]), as_number(args[2]))
    if op not in IRRATIONAL and all(arg.op == "const" for arg in args):
        try:
            return constant(rational(op, *(arg.value for arg in args)))
        except (ZeroDivisionError, Inexact):
            pass
    simple = _simplify(op, args)
    return simple if simple is not None else _make(op, args)


def _simplify(op: str, args: tuple[Expr, ...]) -> Expr | None:
    first = args[0]
    if op == "where":
        if first is TRUE or args[1] is args[2]:
            return args[1]
        return args[2] if first is FALSE else None
    if op == "not":
        return first.args[0] if first.op == "not" else None
    if len(args) < 2:
        return None
    second = args[1]
    match op:
        case "and":
            if first is FALSE or second is FALSE:
                return FALSE
            if first is TRUE or first is second:
                return second
            return first if second is TRUE else None
        case "or":
            if first is TRUE or second is TRUE:
                return TRUE
            if first is FALSE or first is second:
                return second
            return first if second is FALSE else None
        case "add":
            return second if first is ZERO else first if second is ZERO else None
        case "sub":
            if second is ZERO:
                return first
            if first is second:
                return ZERO
            return apply("neg", second) if first is ZERO else None
        case "mul":
            if first is ZERO or second is ZERO:
                return ZERO
            return second if first is ONE else first if second is ONE else None
        case "div" | "pow":
            return first if second is ONE else None
        case "min" | "max":
            return first if first is second else None
        case "eq" | "le":
            return TRUE if first is second else None
        case "ne" | "lt":
            return FALSE if first is second else None
    return None


class Inexact(ArithmeticError):
    """The expression has no exact rational value (it uses exp, log, sqrt, ...)."""


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise Inexact("fractional power")
    whole = exponent.numerator
    if abs(whole) > limits.MAX_EXPONENT:
        raise Inexact("large power")
    size = max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(whole)
    if size > 4 * limits.MAX_DIGITS:
        raise Inexact("large power")
    return Fraction(base) ** whole


RATIONAL: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: Fraction(a) / b,
    "pow": _power,
    "min": min,
    "max": max,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "neg": lambda a: -a,
    "abs": abs,
    "not": lambda a: not a,
    "where": lambda c, a, b: a if c else b,
}


def rational(op: str, *values: Any) -> Any:
    """Return ``op(values)`` in exact arithmetic.

    Raises
    ------
    Inexact
        The value is not rational, or it has so many digits that floats must do.
    ZeroDivisionError
        The value is undefined.
    """
    made = RATIONAL[op](*values)
    if not isinstance(made, bool):
        size = max(made.numerator.bit_length(), made.denominator.bit_length())
        if (
            size > limits.MAX_EXACT_BITS
            or made.numerator.bit_length() - (made.denominator.bit_length()) > 1000
        ):
            raise Inexact("too many digits")
    return made


def as_float(value: Fraction | int | bool) -> float:
    """Return the nearest float; infinite beyond the range of floats."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def order(roots: Iterable[Expr]) -> list[Expr]:
    """Return all nodes under the roots, arguments before what uses them."""
    done: dict[int, Expr] = {}
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done[id(node)] = node
            continue
        stack.append((node, True))
        stack.extend((arg, False) for arg in reversed(node.args) if id(arg) not in done)
    return list(done.values())


def input_names(roots: Iterable[Expr]) -> set[str]:
    """Return the names of the inputs that the roots depend on."""
    return {node.value for node in order(roots) if node.op == "input"}


def evaluate_exact(
    roots: Sequence[Expr], inputs: Mapping[str, Fraction | int | bool]
) -> list[Fraction | bool]:
    """Return the exact values of the roots; both branches of a ``where`` are *not* needed.

    Raises
    ------
    Inexact
        A value is not rational, or a needed one is undefined.
    """
    values: dict[int, Any] = {}
    stack: list[Expr] = list(reversed(roots))
    while stack:
        node = stack[-1]
        if id(node) in values:
            stack.pop()
            continue
        needed: tuple[Expr, ...] = node.args
        if node.op == "where":
            condition = values.get(id(node.args[0]))
            if condition is None:
                stack.append(node.args[0])
                continue
            needed = (node.args[0], node.args[1] if condition else node.args[2])
        missing = [arg for arg in needed if id(arg) not in values]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        match node.op:
            case "const":
                values[id(node)] = node.value
            case "input":
                values[id(node)] = inputs[node.value]
            case "where":
                values[id(node)] = values[id(needed[1])]
            case op if op in RATIONAL:
                try:
                    values[id(node)] = rational(op, *(values[id(arg)] for arg in node.args))
                except ZeroDivisionError as error:
                    raise Inexact("division by zero") from error
            case op:
                raise Inexact(op)
    return [values[id(root)] for root in roots]


def numpy_operations() -> dict[str, Callable[..., Any]]:
    """Return the vectorized function of every op that takes arguments, ``call`` aside."""
    import numpy as np

    return {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "pow": np.power,
        "min": np.minimum,
        "max": np.maximum,
        "lt": np.less,
        "le": np.less_equal,
        "eq": np.equal,
        "ne": np.not_equal,
        "and": np.logical_and,
        "or": np.logical_or,
        "neg": np.negative,
        "abs": np.abs,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "not": np.logical_not,
        "where": np.where,
    }


def evaluate(roots: Sequence[Expr], inputs: Mapping[str, Any]) -> list[Any]:
    """Return the float values of the roots, vectorized: inputs are floats or arrays that broadcast.

    Undefined values are NaN or infinite, without warnings.
    """
    import numpy as np

    numpy_op = numpy_operations()
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in order(roots):
            if node.op == "const":
                value = node.value
                values[id(node)] = value if isinstance(value, bool) else np.float64(as_float(value))
            elif node.op == "input":
                values[id(node)] = np.asarray(inputs[node.value], dtype=np.float64)
            elif node.op == "call":
                values[id(node)] = node.value(*(values[id(arg)] for arg in node.args))
            else:
                values[id(node)] = numpy_op[node.op](*(values[id(arg)] for arg in node.args))
    return [values[id(root)] for root in roots]
