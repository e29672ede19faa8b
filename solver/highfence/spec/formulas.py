"""Formula text -> expressions, through an ``ast`` whitelist.

An :class:`Expr` is a node of a shared graph: equal expressions are one object
(hash-consing), named definitions are nodes that others point to, and nothing is
ever written out twice. Numbers in formulas are exact rationals: ``0.1`` is 1/10.

The language: ``+ - * /``, ``**`` with a bounded constant exponent or any exponent that
depends on parameters, comparisons (chained too), ``and or not``, ``where(condition, a, b)``
(or ``a if condition else b``), ``min max abs exp log sqrt``, user functions,
``move == 'action'``, ``move.attribute``, ``name[element]`` for the existing name
``nameelement`` or ``name_element``, and ``sum``, ``min``, ``max`` over
``... for j in set``. A condition used as a number is 0 or 1.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol
from weakref import WeakValueDictionary

from .. import limits
from ..errors import Problem, did_you_mean

__all__ = [
    "FALSE",
    "TRUE",
    "Compiler",
    "Expr",
    "Function",
    "Inexact",
    "Scope",
    "constant",
    "evaluate",
    "evaluate_exact",
    "input_names",
    "order",
    "parse",
]

IRRATIONAL = {"exp", "log", "sqrt", "call"}
BOOLEAN = {"lt", "le", "eq", "ne", "and", "or", "not"}
DEPTH_SHOWN = 4
"""Levels of an expression that its ``repr`` writes out."""
BUILTINS = ("abs", "exp", "log", "max", "min", "sqrt", "sum", "where")


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


def _number(expr: Expr) -> Expr:
    """Return a condition as the number 0 or 1."""
    if expr is TRUE:
        return ONE
    if expr is FALSE:
        return ZERO
    return apply("where", expr, ONE, ZERO) if expr.is_bool else expr


def apply(op: str, *args: Expr) -> Expr:
    """Return ``op(args)``, folding constants exactly and dropping neutral elements."""
    if op not in ("and", "or", "not", "where"):
        args = tuple(_number(arg) for arg in args)
    elif op == "where" and args[1].is_bool != args[2].is_bool:
        args = (args[0], _number(args[1]), _number(args[2]))
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


# ---------------------------------------------------------------------------------------------
# Text -> tree


class Scope(Protocol):
    """What the names of a formula mean."""

    def name(self, name: str) -> Expr | None:
        """Return the value of a name, or None if it is unknown."""

    def has(self, name: str) -> bool:
        """Return whether the name is known, without resolving it."""

    def test(self, name: str, action: str) -> Expr | None:
        """Return the condition ``name == action``, or None if ``name`` is not a finite move.

        Raises ``KeyError(known_actions)`` if the move has no such action.
        """

    def attribute(self, name: str, attribute: str) -> Expr | None:
        """Return ``name.attribute``, or None if ``name`` has no attributes.

        Raises ``KeyError(known_attributes)`` if there is no such attribute.
        """

    def attributes(self, name: str) -> Sequence[str]:
        """Return the attributes of a name."""

    def known(self) -> Iterable[str]:
        """Return all names, for suggestions."""


class Function:
    """A user function: argument names and the tree of its body."""

    def __init__(
        self, name: str, arguments: Sequence[str], body: ast.expr, place: str, source: str
    ) -> None:
        self.name, self.arguments, self.body = name, tuple(arguments), body
        self.place, self.source = place, source


_TOO_LARGE = "the number is beyond the range of floating point"
_NUMBER = re.compile(r"(?<![\w.])(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE]([+-]?\d+))?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_STRANGE = re.compile(r"[^\n\r\t -\"$-~]")  # anything but printable ASCII and blanks; and #
_BRACKET = re.compile(r"[()\[\]{}]")
_OPERATORS: dict[type, str] = {
    ast.BitXor: "^",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.FloorDiv: "//",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_CONSTRUCTS: dict[type, str] = {
    ast.Constant: "a constant of this kind",
    ast.Dict: "a table {...}",
    ast.GeneratorExp: "a bare 'for'",
    ast.JoinedStr: "a formatted text",
    ast.Lambda: "lambda",
    ast.List: "a list [...]",
    ast.ListComp: "a list [...]",
    ast.NamedExpr: "an assignment",
    ast.Set: "a set {...}",
    ast.Subscript: "an index here",
    ast.Tuple: "a list (..., ...)",
}
_HINTS: dict[type, str] = {
    ast.BitXor: "Powers are written **",
    ast.Mod: "A share is written 0.3, not 30%",
    ast.BitAnd: "Write 'and'",
    ast.BitOr: "Write 'or'",
    ast.FloorDiv: "Write / for division",
    ast.MatMult: "Write * for a product",
}


def parse(source: object, place: str, problems: list[Problem]) -> ast.expr | None:
    """Return the syntax tree of a formula, or None with the mistakes appended to ``problems``.

    The tree is shared between calls and must not be changed. Cost: linear in the length,
    which :data:`highfence.limits.MAX_FORMULA_LENGTH` bounds.
    """
    if not isinstance(source, str):
        problems.append(Problem(place, f"a formula is text, not {source!r}", "Quote it"))
        return None
    bounds = limits.MAX_FORMULA_LENGTH, limits.MAX_FORMULA_NESTING, limits.MAX_DIGITS
    made = _parsed(source, *bounds)
    if isinstance(made, ast.expr):
        return made
    reason, fix, column = made
    problems.append(Problem(place, reason, fix, None, column))
    return None


@lru_cache(maxsize=8192)
def _parsed(
    source: str, longest: int, deepest: int, digits: int
) -> ast.expr | tuple[str, str, int | None]:
    """Return the tree, or reason, fix and column."""
    if not source.strip():
        return "the formula is empty", "Write a number or an expression", None
    split = "Split it into derived quantities"
    if len(source) > longest:
        found = f"the formula has {len(source)} characters"
        return f"{found}; the limit MAX_FORMULA_LENGTH is {longest}", split, None
    outside = _QUOTED.sub(lambda match: " " * len(match.group()), source)
    strange = _STRANGE.search(outside) or re.search(r"\\", source)
    if strange is not None:
        return (*_stranger(strange.group()), strange.start() + 1)
    depth = nested = 0
    for bracket in _BRACKET.findall(outside):
        depth += 1 if bracket in "([{" else -1
        nested = max(nested, depth)
    if nested > deepest:
        found = f"the formula nests {nested} levels deep"
        return f"{found}; the limit MAX_FORMULA_NESTING is {deepest}", split, None
    for match in _NUMBER.finditer(outside):
        written, exponent = match.group(1), match.group(2) or "0"
        if len(written) > digits or len(exponent) > 6 or abs(int(exponent)) > digits:
            found = f"the number {match.group()[:20]}... is too long or too large"
            return (
                f"{found}; the limit MAX_DIGITS is {digits}",
                "Change the unit",
                match.start() + 1,
            )
    flat = re.sub(r"[\n\r\t]", " ", source)
    start = len(flat) - len(flat.lstrip())
    try:
        with warnings.catch_warnings():  # of "1if x else y", or of escapes in quoted text
            warnings.simplefilter("ignore")
            tree = ast.parse(flat.strip(), mode="eval").body
    except SyntaxError as error:
        fix = "Check brackets and operators"
        if re.search(r"(?<![=<>!])=(?!=)", outside):
            fix = "Write == to compare"
        if "%" in outside:
            fix = _HINTS[ast.Mod]
        return f"this is not a formula ({error.msg})", fix, start + (error.offset or 1)
    except (RecursionError, MemoryError, ValueError):
        return "the formula is too deeply nested", split, None
    level, nodes = 0, [tree]
    while nodes:
        level += 1
        children: list[Any] = []
        for node in nodes:
            if hasattr(node, "col_offset"):
                node.col_offset += start
            children.extend(ast.iter_child_nodes(node))
        nodes = children
    if level > 4 * deepest:
        return f"the formula is {level} operations deep", split, None
    return tree


def _stranger(character: str) -> tuple[str, str]:
    if character == "\\":
        return "a formula holds no backslashes", "Write the characters themselves"
    if character == "#":
        return "a formula holds no comments", "Put the remark outside, or into 'about'"
    label = unicodedata.name(character, f"U+{ord(character):04X}")
    reason = f"the character {character!r} ({label}) is not allowed in a formula"
    return reason, "Names are plain ASCII letters, digits and _"


class _Wrong(Exception):
    """A mistake in a formula, on its way to the list of problems."""

    def __init__(self, reason: str, fix: str = "", node: ast.AST | None = None) -> None:
        super().__init__(reason)
        self.reason, self.fix, self.node = reason, fix, node


class Compiler:
    """Turns syntax trees into expressions.

    Parameters
    ----------
    scope
        What names mean.
    functions
        User functions by name.
    sets
        Index sets: name -> elements.
    problems
        Mistakes are appended here; the result of a wrong formula is None.
    units
        Declared units of inputs. Units of one kind in different sizes ("EUR/kg" and
        "EUR/t") are not added, subtracted or compared; a factor converts. Units of
        different kinds are left alone: models drop coefficients that are 1.
    """

    def __init__(
        self,
        scope: Scope,
        functions: Mapping[str, Function],
        sets: Mapping[str, Sequence[str]],
        problems: list[Problem],
        units: Mapping[str, str] | None = None,
    ) -> None:
        self.scope, self.functions, self.sets, self.problems = scope, functions, sets, problems
        self.units = units or {}
        self._source = ""
        self._stack: list[str] = []
        self._steps = 0
        self._calls: dict[tuple[Any, ...], tuple[Expr, Mapping[str, Expr]]] = {}

    def formula(
        self,
        source: object,
        place: str,
        *,
        bound: Mapping[str, str] | None = None,
        kind: str = "number",
    ) -> Expr | None:
        """Return the expression of a formula, or None with its mistakes in ``problems``.

        ``bound`` gives index variables their elements. ``kind`` is "number", "condition"
        or "any".
        """
        from .model import exact

        if isinstance(source, bool) and kind == "condition":
            return constant(source)
        if not isinstance(source, str):
            try:
                found = exact(source)  # type: ignore[arg-type]
            except ValueError:
                self.problems.append(
                    Problem(place, f"{source!r} is not a finite number", "Write a number")
                )
                return None
            if math.isinf(as_float(found)):
                self.problems.append(Problem(place, _TOO_LARGE, "Change the unit"))
                return None
            return constant(found)
        if self._steps > 5 * limits.MAX_EXPRESSIONS:
            return None  # said once, where the limit was passed
        tree = parse(source, place, self.problems)
        if tree is None:
            return None
        saved, self._source = self._source, source.replace("\n", " ").replace("\t", " ")
        try:
            made = self._compile(tree, {name: text(to) for name, to in (bound or {}).items()})
            if made.op == "text":
                raise _Wrong(
                    f"the formula is the text {made.value!r}, not a number",
                    "Compare it with ==, or use an attribute",
                    tree,
                )
            if kind == "number" and made.is_bool:
                raise _Wrong(
                    "the formula is a condition, not a number",
                    "Write where(condition, a, b), or condition * value",
                    tree,
                )
            if kind == "condition" and not made.is_bool:
                raise _Wrong("the formula is a number, not a condition", "Compare it", tree)
            return made
        except _Wrong as wrong:
            column = getattr(wrong.node, "col_offset", None)
            self.problems.append(
                Problem(
                    place,
                    f"{wrong.reason} (in: {_shorten(source)})",
                    wrong.fix,
                    None,
                    None if column is None else column + 1,
                )
            )
            return None
        except RecursionError:
            self.problems.append(Problem(place, "definitions are nested too deeply", "Reorder"))
            return None
        finally:
            self._source = saved

    # -- names ---------------------------------------------------------------------------------

    def _reference(self, node: ast.expr, env: Mapping[str, Expr]) -> str | None:
        """Return the game's name that a Name or Subscript node stands for, if any."""
        if isinstance(node, ast.Name):
            return None if node.id in env else node.id
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            elements = self._elements(node.slice, env)
            return self._join(node.value.id, elements, self.scope.has, node)
        return None

    def _elements(self, node: ast.expr, env: Mapping[str, Expr]) -> list[str]:
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        elements = []
        for part in parts:
            if isinstance(part, ast.Name) and part.id in env and env[part.id].op == "text":
                elements.append(str(env[part.id].value))
            elif isinstance(part, ast.Name) and any(part.id in e for e in self.sets.values()):
                elements.append(part.id)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str | int):
                elements.append(str(part.value))
            else:
                raise _Wrong(
                    "an index is an element of a set, or a variable of 'for ... in'",
                    "Write name[j] inside sum(... for j in set)",
                    part,
                )
        return elements

    def _join(
        self, base: str, elements: list[str], has: Callable[[str], bool], node: ast.AST
    ) -> str:
        candidates = list(dict.fromkeys(["_".join([base, *elements]), base + "".join(elements)]))
        found = [name for name in candidates if has(name)]
        if len(found) == 1:
            return found[0]
        shown = f"{base}[{', '.join(elements)}]"
        if found:
            raise _Wrong(f"{shown} may be {' or '.join(found)}", "Rename one of them", node)
        hint = did_you_mean(candidates[0], self.scope.known())
        raise _Wrong(f"{shown} is neither {' nor '.join(candidates)}", hint, node)

    def _name(self, node: ast.Name, env: Mapping[str, Expr]) -> Expr:
        if node.id in env:
            return env[node.id]
        return self._lookup(node.id, node)

    def _lookup(self, name: str, node: ast.AST) -> Expr:
        found = self.scope.name(name)
        if found is None:
            if name in self.functions or name in BUILTINS:
                raise _Wrong(f"{name} is a function", f"Write {name}(...)", node)
            if name in self.sets:
                raise _Wrong(f"{name} is an index set", f"Write sum(... for j in {name})", node)
            raise _Wrong(f"unknown name {name!r}", did_you_mean(name, self.scope.known()), node)
        return found

    # -- the whitelist -------------------------------------------------------------------------

    def _compile(self, node: ast.expr, env: Mapping[str, Expr]) -> Expr:
        # A few nested functions or sums can stand for more work than memory and time allow.
        self._steps += 1
        if self._steps > 5 * limits.MAX_EXPRESSIONS:
            raise self._too_many(node)
        match node:
            case ast.Constant(value=bool()):
                return constant(node.value)  # type: ignore[arg-type]
            case ast.Constant(value=int() | float()):
                return self._literal(node)
            case ast.Constant(value=str()):
                return text(str(node.value))
            case ast.Name():
                return self._name(node, env)
            case ast.Subscript():
                name = self._reference(node, env)
                if name is not None:
                    return self._lookup(name, node)
                if isinstance(node.value, ast.Attribute):
                    return self._attribute(node.value, env, self._elements(node.slice, env))
            case ast.Attribute():
                return self._attribute(node, env, [])
            case ast.UnaryOp():
                return self._unary(node, env)
            case ast.BinOp():
                return self._binary(node, env)
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                made = self._condition(node.values[0], env)
                for other in node.values[1:]:
                    made = apply(op, made, self._condition(other, env))
                return made
            case ast.Compare():
                return self._compare(node, env)
            case ast.IfExp():
                return self._where(node.test, node.body, node.orelse, env)
            case ast.Call():
                return self._call(node, env)
        raise _Wrong(
            f"{_CONSTRUCTS.get(type(node), 'this')} is not part of the formula language",
            "Use + - * / **, comparisons, and or not, where, min, max, abs, exp, log, sqrt, sum",
            node,
        )

    def _too_many(self, node: ast.AST) -> _Wrong:
        self._steps = 5 * limits.MAX_EXPRESSIONS + 1
        return _Wrong(
            "the formulas are too long when functions and sums are written out; the limit "
            f"MAX_EXPRESSIONS is {limits.MAX_EXPRESSIONS}",
            "Use smaller sets, and derived quantities in place of nested functions",
            node,
        )

    def _literal(self, node: ast.Constant) -> Expr:
        # The tree has lost the digits of 0.1; the source text still has them.
        from .model import exact

        start, end = node.col_offset, node.end_col_offset
        offset = len(self._source) - len(self._source.lstrip())
        written = self._source.encode()[start : (end or 0) + offset].decode().replace("_", "")
        try:
            value = exact(written)
        except ValueError:  # an octal or hexadecimal integer
            value = Fraction(node.value)  # type: ignore[arg-type]
        if math.isinf(as_float(value)):
            raise _Wrong(_TOO_LARGE, "Change the unit", node)
        return constant(value)

    def _numeric(self, node: ast.expr, env: Mapping[str, Expr]) -> Expr:
        made = self._compile(node, env)
        if made.op == "text":
            raise _Wrong(
                f"the text {made.value!r} is used as a number",
                "Compare it: move == 'action'",
                node,
            )
        return made

    def _condition(self, node: ast.expr, env: Mapping[str, Expr]) -> Expr:
        made = self._compile(node, env)
        if not made.is_bool:
            raise _Wrong("a number is used as a condition", "Compare it, e.g. x > 0", node)
        return made

    def _unary(self, node: ast.UnaryOp, env: Mapping[str, Expr]) -> Expr:
        if isinstance(node.op, ast.Not):
            return apply("not", self._condition(node.operand, env))
        operand = self._numeric(node.operand, env)
        if isinstance(node.op, ast.USub):
            return apply("neg", operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        raise _Wrong("~ is not part of the formula language", "Write not", node)

    def _binary(self, node: ast.BinOp, env: Mapping[str, Expr]) -> Expr:
        names: dict[type, str] = {
            ast.Add: "add",
            ast.Sub: "sub",
            ast.Mult: "mul",
            ast.Div: "div",
            ast.Pow: "pow",
        }
        op = names.get(type(node.op))
        if op is None:
            hint = _HINTS.get(type(node.op), "Use + - * / **")
            raise _Wrong(
                f"the operator {_OPERATORS[type(node.op)]} is not part of the formula language",
                hint,
                node,
            )
        left, right = self._numeric(node.left, env), self._numeric(node.right, env)
        if op == "pow" and right.op == "const" and abs(right.value) > limits.MAX_EXPONENT:
            raise _Wrong(
                f"the exponent is beyond the limit MAX_EXPONENT = {limits.MAX_EXPONENT}",
                "Use a smaller exponent, or exp",
                node,
            )
        if op in ("add", "sub"):
            self._same_unit(left, right, node)
        if op == "div" and right is ZERO:
            raise _Wrong("division by zero", "The denominator is 0 for all values", node)
        return apply(op, left, right)

    def _unit(self, expr: Expr, depth: int = 4) -> str:
        """Return the unit of an input, of a sum or of shares of one; "" where none is declared."""
        if not self.units:
            return ""
        while expr.op in ("neg", "abs", "add", "sub", "min", "max") and expr.args:
            first = expr.args[0]
            if first.op != "input" and len(expr.args) == 2 and expr.args[1].op == "input":
                first = expr.args[1]
            expr = first
        if expr.op == "mul" and depth:
            one, other = expr.args
            if self._is_share(other):
                return self._unit(one, depth - 1)
            return self._unit(other, depth - 1) if self._is_share(one) else ""
        return self.units.get(expr.value, "") if expr.op == "input" else ""

    def _is_share(self, expr: Expr, depth: int = 4) -> bool:
        """Return whether a factor surely leaves the unit as it is: numbers in "1", 0 and 1."""
        if expr.op == "input":
            return self.units.get(expr.value, "") == "1"
        if expr.op == "const":
            return expr.value in (0, 1)
        if expr.op == "where":
            return depth > 0 and all(self._is_share(a, depth - 1) for a in expr.args[1:])
        inside = expr.op in ("neg", "add", "sub", "mul", "min", "max") and depth > 0
        return expr.is_bool or (inside and all(self._is_share(a, depth - 1) for a in expr.args))

    def _same_unit(self, left: Expr, right: Expr, node: ast.AST) -> None:
        one, other = self._unit(left), self._unit(right)
        if one != other and _only_scale_differs(one, other):
            raise _Wrong(
                f"units differ: {one!r} and {other!r}",
                "Convert one by a factor, or correct the declared units",
                node,
            )

    def _compare(self, node: ast.Compare, env: Mapping[str, Expr]) -> Expr:
        made, left = TRUE, node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            made = apply("and", made, self._relation(op, left, right, env, node))
            left = right
        return made

    def _relation(
        self,
        op: ast.cmpop,
        left: ast.expr,
        right: ast.expr,
        env: Mapping[str, Expr],
        node: ast.AST,
    ) -> Expr:
        equality = isinstance(op, ast.Eq | ast.NotEq)
        if equality:
            for move, action in ((left, right), (right, left)):
                tested = self._test(move, action, env)
                if tested is not None:
                    return apply("not", tested) if isinstance(op, ast.NotEq) else tested
        a, b = self._compile(left, env), self._compile(right, env)
        if a.op == "text" or b.op == "text":
            if not (equality and a.op == b.op):
                raise _Wrong(
                    "a text is compared with a number",
                    "Compare a move with an action's name, quoted",
                    node,
                )
            return constant((a is b) == isinstance(op, ast.Eq))
        self._same_unit(a, b, node)
        match op:
            case ast.Lt():
                return apply("lt", a, b)
            case ast.LtE():
                return apply("le", a, b)
            case ast.Gt():
                return apply("lt", b, a)
            case ast.GtE():
                return apply("le", b, a)
            case ast.Eq():
                return apply("eq", a, b)
            case ast.NotEq():
                return apply("ne", a, b)
        raise _Wrong(
            "this comparison is not part of the formula language",
            "Use < <= == != >= >",
            node,
        )

    def _test(self, move: ast.expr, action: ast.expr, env: Mapping[str, Expr]) -> Expr | None:
        """Return ``move == 'action'`` if the nodes are a finite move and a text."""
        name = self._reference(move, env)
        if name is None:
            return None
        if isinstance(action, ast.Constant) and isinstance(action.value, str):
            label = action.value
        elif isinstance(action, ast.Name) and action.id in env and env[action.id].op == "text":
            label = env[action.id].value
        else:
            return None
        try:
            return self.scope.test(name, label)
        except KeyError as error:
            known = error.args[0]
            raise _Wrong(
                f"{name} has no action {label!r}", did_you_mean(label, known), action
            ) from None

    def _attribute(self, node: ast.Attribute, env: Mapping[str, Expr], elements: list[str]) -> Expr:
        name = self._reference(node.value, env)
        if name is None:
            raise _Wrong("only moves have attributes", "Write move.attribute", node)
        attribute = node.attr
        try:
            if elements:
                known = self.scope.attributes(name)
                attribute = self._join(attribute, elements, lambda n: n in known, node)
            found = self.scope.attribute(name, attribute)
        except KeyError as error:
            raise _Wrong(
                f"{name} has no attribute {attribute!r}",
                did_you_mean(attribute, error.args[0]),
                node,
            ) from None
        if found is None:
            if not self.scope.has(name):
                hint = did_you_mean(name, self.scope.known())
                raise _Wrong(f"unknown name {name!r}", hint, node)
            raise _Wrong(f"{name} has no attributes", "Only moves with attributes do", node)
        return found

    def _where(
        self, condition: ast.expr, yes: ast.expr, no: ast.expr, env: Mapping[str, Expr]
    ) -> Expr:
        test = self._condition(condition, env)
        return apply("where", test, self._numeric(yes, env), self._numeric(no, env))

    def _call(self, node: ast.Call, env: Mapping[str, Expr]) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise _Wrong("only named functions can be called", "Write name(...)", node)
        name, arguments = node.func.id, node.args
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in arguments):
            raise _Wrong("arguments are given by position", f"Write {name}(a, b)", node)
        if name in self.functions:
            return self._user_call(self.functions[name], node, env)
        if len(arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp):
            return self._over_set(name, arguments[0], env)
        counts = {"abs": 1, "exp": 1, "log": 1, "sqrt": 1, "where": 3}
        if name in counts and len(arguments) != counts[name]:
            raise _Wrong(
                f"{name} takes {counts[name]} argument(s), not {len(arguments)}",
                "Write where(condition, a, b)" if name == "where" else f"Write {name}(x)",
                node,
            )
        match name:
            case "where":
                return self._where(arguments[0], arguments[1], arguments[2], env)
            case "abs" | "exp" | "log" | "sqrt":
                return apply(name, self._numeric(arguments[0], env))
            case "min" | "max" if len(arguments) >= 2:
                made = self._numeric(arguments[0], env)
                for other in arguments[1:]:
                    made = apply(name, made, self._numeric(other, env))
                return made
            case "min" | "max" | "sum":
                raise _Wrong(
                    f"{name} needs " + ("a set" if name == "sum" else "two or more arguments"),
                    f"Write {name}(... for j in set)",
                    node,
                )
        raise _Wrong(
            f"unknown function {name!r}", did_you_mean(name, [*BUILTINS, *self.functions]), node
        )

    def _over_set(self, name: str, node: ast.GeneratorExp, env: Mapping[str, Expr]) -> Expr:
        op = {"sum": "add", "min": "min", "max": "max"}.get(name)
        if op is None:
            raise _Wrong(f"{name} does not run over a set", "Use sum, min or max", node)
        terms = [
            self._numeric(node.elt, inner) for inner in self._bindings(node.generators, env, node)
        ]
        if not terms:
            if op == "add":
                return ZERO
            raise _Wrong(f"{name} over an empty set", "Name its elements", node)
        made = terms[0]
        for term in terms[1:]:
            made = apply(op, made, term)
        return _number(made)

    def _bindings(
        self,
        generators: Sequence[ast.comprehension],
        env: Mapping[str, Expr],
        node: ast.AST,
    ) -> list[Mapping[str, Expr]]:
        bindings: list[Mapping[str, Expr]] = [env]
        for generator in generators:
            if not isinstance(generator.target, ast.Name) or not isinstance(
                generator.iter, ast.Name
            ):
                raise _Wrong("the 'for' is not understood", "Write for j in set", node)
            elements = self.sets.get(generator.iter.id)
            if elements is None:
                raise _Wrong(
                    f"unknown index set {generator.iter.id!r}",
                    did_you_mean(generator.iter.id, self.sets) or "Declare it in sets",
                    generator.iter,
                )
            variable_name = generator.target.id
            if len(bindings) * len(elements) > limits.MAX_EXPRESSIONS:
                raise self._too_many(node)
            bindings = [{**one, variable_name: text(e)} for one in bindings for e in elements]
            for condition in generator.ifs:
                kept = []
                for one in bindings:
                    holds = self._condition(condition, one)
                    if holds is not TRUE and holds is not FALSE:
                        raise _Wrong("'if' in a sum may test indices only", "Use where", node)
                    if holds is TRUE:
                        kept.append(one)
                bindings = kept
        return bindings

    def _user_call(self, function: Function, node: ast.Call, env: Mapping[str, Expr]) -> Expr:
        if len(node.args) != len(function.arguments):
            raise _Wrong(
                f"{function.name} takes {len(function.arguments)} argument(s), "
                f"not {len(node.args)}",
                f"It is {function.name}({', '.join(function.arguments)})",
                node,
            )
        if function.name in self._stack:
            raise _Wrong(
                f"the function {function.name} calls itself", "Write the formula out", node
            )
        values = {
            argument: self._compile(given, env)
            for argument, given in zip(function.arguments, node.args, strict=True)
        }
        key = (function.name, *map(id, values.values()))
        known = self._calls.get(key)
        if known is not None:
            return known[0]
        self._stack.append(function.name)
        saved, self._source = self._source, function.source
        try:
            made = self._compile(function.body, values)
            self._calls[key] = made, values  # the values stay alive, so their ids stay theirs
            return made
        except _Wrong as wrong:
            raise _Wrong(f"{wrong.reason} (inside {function.name})", wrong.fix, node) from None
        finally:
            self._stack.pop()
            self._source = saved


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


def _shorten(source: str) -> str:
    flat = " ".join(source.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
