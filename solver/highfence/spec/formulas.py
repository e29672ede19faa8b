"""Formula text -> expressions, through an ``ast`` whitelist.

The text is parsed (:mod:`highfence.spec.syntax`) and compiled into nodes of a shared graph
(:mod:`highfence.spec.expressions`, whose names are here as well). Numbers in formulas are exact
rationals: ``0.1`` is 1/10.

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

from .. import limits
from ..errors import Problem, did_you_mean
from .expressions import (
    FALSE,
    TRUE,
    ZERO,
    Expr,
    Inexact,
    apply,
    as_float,
    as_number,
    call,
    constant,
    evaluate,
    evaluate_exact,
    input_names,
    numpy_operations,
    order,
    rational,
    text,
    variable,
)
from .model import exact
from .syntax import HINTS, parse
from .units import Units

__all__ = [
    "BUILTINS",
    "FALSE",
    "TRUE",
    "Compiler",
    "Expr",
    "Function",
    "Inexact",
    "Scope",
    "WrongFormula",
    "apply",
    "as_float",
    "call",
    "constant",
    "evaluate",
    "evaluate_exact",
    "input_names",
    "numpy_operations",
    "order",
    "parse",
    "rational",
    "text",
    "variable",
]

BUILTINS = ("abs", "exp", "log", "max", "min", "sqrt", "sum", "where")

_TOO_LARGE = "the number is beyond the range of floating point"
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


class WrongFormula(Exception):
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
        Declared units of inputs, by which sizes are told apart
        (:class:`highfence.spec.units.Units`).
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
        self.units = Units(units)
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
                raise WrongFormula(
                    f"the formula is the text {made.value!r}, not a number",
                    "Compare it with ==, or use an attribute",
                    tree,
                )
            if kind == "number" and made.is_bool:
                raise WrongFormula(
                    "the formula is a condition, not a number",
                    "Write where(condition, a, b), or condition * value",
                    tree,
                )
            if kind == "condition" and not made.is_bool:
                raise WrongFormula("the formula is a number, not a condition", "Compare it", tree)
            return made
        except WrongFormula as wrong:
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
                raise WrongFormula(
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
            raise WrongFormula(f"{shown} may be {' or '.join(found)}", "Rename one of them", node)
        hint = did_you_mean(candidates[0], self.scope.known())
        raise WrongFormula(f"{shown} is neither {' nor '.join(candidates)}", hint, node)

    def _name(self, node: ast.Name, env: Mapping[str, Expr]) -> Expr:
        if node.id in env:
            return env[node.id]
        return self._lookup(node.id, node)

    def _lookup(self, name: str, node: ast.AST) -> Expr:
        found = self.scope.name(name)
        if found is None:
            if name in self.functions or name in BUILTINS:
                raise WrongFormula(f"{name} is a function", f"Write {name}(...)", node)
            if name in self.sets:
                raise WrongFormula(
                    f"{name} is an index set", f"Write sum(... for j in {name})", node
                )
            raise WrongFormula(
                f"unknown name {name!r}", did_you_mean(name, self.scope.known()), node
            )
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
        raise WrongFormula(
            f"{_CONSTRUCTS.get(type(node), 'this')} is not part of the formula language",
            "Use + - * / **, comparisons, and or not, where, min, max, abs, exp, log, sqrt, sum",
            node,
        )

    def _too_many(self, node: ast.AST) -> WrongFormula:
        self._steps = 5 * limits.MAX_EXPRESSIONS + 1
        return WrongFormula(
            "the formulas are too long when functions and sums are written out; the limit "
            f"MAX_EXPRESSIONS is {limits.MAX_EXPRESSIONS}",
            "Use smaller sets, and derived quantities in place of nested functions",
            node,
        )

    def _literal(self, node: ast.Constant) -> Expr:
        # The tree has lost the digits of 0.1; the source text still has them.
        start, end = node.col_offset, node.end_col_offset
        offset = len(self._source) - len(self._source.lstrip())
        written = self._source.encode()[start : (end or 0) + offset].decode().replace("_", "")
        try:
            value = exact(written)
        except ValueError:  # an octal or hexadecimal integer
            value = Fraction(node.value)  # type: ignore[arg-type]
        if math.isinf(as_float(value)):
            raise WrongFormula(_TOO_LARGE, "Change the unit", node)
        return constant(value)

    def _numeric(self, node: ast.expr, env: Mapping[str, Expr]) -> Expr:
        made = self._compile(node, env)
        if made.op == "text":
            raise WrongFormula(
                f"the text {made.value!r} is used as a number",
                "Compare it: move == 'action'",
                node,
            )
        return made

    def _condition(self, node: ast.expr, env: Mapping[str, Expr]) -> Expr:
        made = self._compile(node, env)
        if not made.is_bool:
            raise WrongFormula("a number is used as a condition", "Compare it, e.g. x > 0", node)
        return made

    def _unary(self, node: ast.UnaryOp, env: Mapping[str, Expr]) -> Expr:
        if isinstance(node.op, ast.Not):
            return apply("not", self._condition(node.operand, env))
        operand = self._numeric(node.operand, env)
        if isinstance(node.op, ast.USub):
            return apply("neg", operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        raise WrongFormula("~ is not part of the formula language", "Write not", node)

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
            hint = HINTS.get(type(node.op), "Use + - * / **")
            raise WrongFormula(
                f"the operator {_OPERATORS[type(node.op)]} is not part of the formula language",
                hint,
                node,
            )
        left, right = self._numeric(node.left, env), self._numeric(node.right, env)
        if op == "pow" and right.op == "const" and abs(right.value) > limits.MAX_EXPONENT:
            raise WrongFormula(
                f"the exponent is beyond the limit MAX_EXPONENT = {limits.MAX_EXPONENT}",
                "Use a smaller exponent, or exp",
                node,
            )
        if op in ("add", "sub"):
            self._same_unit(left, right, node)
        if op == "div" and right is ZERO:
            raise WrongFormula("division by zero", "The denominator is 0 for all values", node)
        return apply(op, left, right)

    def _same_unit(self, left: Expr, right: Expr, node: ast.AST) -> None:
        clash = self.units.clash(left, right)
        if clash is not None:
            raise WrongFormula(
                f"units differ: {clash[0]!r} and {clash[1]!r}",
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
                raise WrongFormula(
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
        raise WrongFormula(
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
            raise WrongFormula(
                f"{name} has no action {label!r}", did_you_mean(label, known), action
            ) from None

    def _attribute(self, node: ast.Attribute, env: Mapping[str, Expr], elements: list[str]) -> Expr:
        name = self._reference(node.value, env)
        if name is None:
            raise WrongFormula("only moves have attributes", "Write move.attribute", node)
        attribute = node.attr
        try:
            if elements:
                known = self.scope.attributes(name)
                attribute = self._join(attribute, elements, lambda n: n in known, node)
            found = self.scope.attribute(name, attribute)
        except KeyError as error:
            raise WrongFormula(
                f"{name} has no attribute {attribute!r}",
                did_you_mean(attribute, error.args[0]),
                node,
            ) from None
        if found is None:
            if not self.scope.has(name):
                hint = did_you_mean(name, self.scope.known())
                raise WrongFormula(f"unknown name {name!r}", hint, node)
            raise WrongFormula(f"{name} has no attributes", "Only moves with attributes do", node)
        return found

    def _where(
        self, condition: ast.expr, yes: ast.expr, no: ast.expr, env: Mapping[str, Expr]
    ) -> Expr:
        test = self._condition(condition, env)
        return apply("where", test, self._numeric(yes, env), self._numeric(no, env))

    def _call(self, node: ast.Call, env: Mapping[str, Expr]) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise WrongFormula("only named functions can be called", "Write name(...)", node)
        name, arguments = node.func.id, node.args
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in arguments):
            raise WrongFormula("arguments are given by position", f"Write {name}(a, b)", node)
        if name in self.functions:
            return self._user_call(self.functions[name], node, env)
        if len(arguments) == 1 and isinstance(arguments[0], ast.GeneratorExp):
            return self._over_set(name, arguments[0], env)
        counts = {"abs": 1, "exp": 1, "log": 1, "sqrt": 1, "where": 3}
        if name in counts and len(arguments) != counts[name]:
            raise WrongFormula(
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
                raise WrongFormula(
                    f"{name} needs " + ("a set" if name == "sum" else "two or more arguments"),
                    f"Write {name}(... for j in set)",
                    node,
                )
        raise WrongFormula(
            f"unknown function {name!r}", did_you_mean(name, [*BUILTINS, *self.functions]), node
        )

    def _over_set(self, name: str, node: ast.GeneratorExp, env: Mapping[str, Expr]) -> Expr:
        op = {"sum": "add", "min": "min", "max": "max"}.get(name)
        if op is None:
            raise WrongFormula(f"{name} does not run over a set", "Use sum, min or max", node)
        terms = [
            self._numeric(node.elt, inner) for inner in self._bindings(node.generators, env, node)
        ]
        if not terms:
            if op == "add":
                return ZERO
            raise WrongFormula(f"{name} over an empty set", "Name its elements", node)
        made = terms[0]
        for term in terms[1:]:
            made = apply(op, made, term)
        return as_number(made)

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
                raise WrongFormula("the 'for' is not understood", "Write for j in set", node)
            elements = self.sets.get(generator.iter.id)
            if elements is None:
                raise WrongFormula(
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
                        raise WrongFormula("'if' in a sum may test indices only", "Use where", node)
                    if holds is TRUE:
                        kept.append(one)
                bindings = kept
        return bindings

    def _user_call(self, function: Function, node: ast.Call, env: Mapping[str, Expr]) -> Expr:
        if len(node.args) != len(function.arguments):
            raise WrongFormula(
                f"{function.name} takes {len(function.arguments)} argument(s), "
                f"not {len(node.args)}",
                f"It is {function.name}({', '.join(function.arguments)})",
                node,
            )
        if function.name in self._stack:
            raise WrongFormula(
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
        except WrongFormula as wrong:
            raise WrongFormula(
                f"{wrong.reason} (inside {function.name})", wrong.fix, node
            ) from None
        finally:
            self._stack.pop()
            self._source = saved


def _shorten(source: str) -> str:
    flat = " ".join(source.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
