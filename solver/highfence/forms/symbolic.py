"""Expressions of formulas as sympy expressions, for studies that work with symbols.

Every input (a parameter, or a move) becomes a real ``sympy.Symbol`` of its name, made as an
object and never read from text: a parameter ``S``, ``beta`` or ``lambda`` is a symbol like any
other. Numbers are the exact rationals of the formulas. A finite move is a symbol that stands
for the index of its action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .. import limits
from ..errors import LimitExceeded, NotApplicable, Problem, RequestError, did_you_mean
from ..spec.formulas import FALSE, TRUE, Expr, apply, constant, order, variable
from ..spec.model import Number, exact
from .staged import substitute

if TYPE_CHECKING:
    Assumptions = Mapping[str, Mapping[str, bool]]
    Values = Mapping[str, Number]

__all__ = ["from_sympy", "symbol", "to_sympy"]

FACTS = (
    "even",
    "integer",
    "irrational",
    "negative",
    "nonnegative",
    "nonpositive",
    "nonzero",
    "odd",
    "positive",
    "prime",
    "rational",
    "zero",
)
"""What may be assumed of an input beside its being real."""

SIMPLE = 30
"""Parts of the sides of a ``min``, ``max``, ``abs`` or comparison up to which sympy may look for
what follows from the assumptions; on long ones it takes minutes and finds nothing."""

_FEWER = "Ask for a quantity that uses less of the game, or put numbers in for some inputs"


def symbol(name: str, **facts: bool) -> Any:
    """Return the symbol that stands for an input in what :func:`to_sympy` returns.

    Parameters
    ----------
    name
        A parameter or a move.
    facts
        What is assumed of it beside its being real, such as ``positive=True``; any of
        :data:`FACTS`. Symbols that differ in this are different symbols.

    Returns
    -------
    sympy.Symbol

    Raises
    ------
    RequestError
        A fact is unknown to sympy, or they contradict each other.

    Examples
    --------
    >>> symbol("beta", positive=True).is_nonzero
    True
    """
    import sympy

    for fact in facts:
        if fact not in FACTS:
            raise RequestError(f"{name} cannot be assumed {fact!r}. {did_you_mean(fact, FACTS)}")
    try:
        return sympy.Symbol(name, real=True, **facts)
    except sympy.core.facts.InconsistentAssumptions:
        listed = ", ".join(f"{fact}={value}" for fact, value in facts.items())
        raise RequestError(f"{name} is a real number: it cannot be {listed}") from None


def to_sympy(
    expressions: Expr | Sequence[Expr] | Mapping[str, Expr],
    assumptions: Assumptions | None = None,
    *,
    values: Values | None = None,
) -> Any:
    """Return expressions in sympy.

    Parameters
    ----------
    expressions
        An expression, a sequence of them, or a mapping from names to them, as
        :func:`highfence.spec.resolve.resolve` gives.
    assumptions
        Input -> facts, as in :func:`symbol`: ``{"a": {"positive": True}}``. Names that the
        expressions do not use are passed over, so one table serves all of a game.
    values
        Input -> the number that is put in for it, exactly (see
        :func:`highfence.spec.model.exact`); for a finite move the index of an action. Names
        that the expressions do not use are passed over.

    Returns
    -------
    sympy.Basic, tuple or dict
        In the shape of what was given. A number is a ``sympy.Expr``, a condition a
        ``sympy`` Boolean. A part that divides by zero in one branch of a ``where`` is
        ``nan`` there.

    Raises
    ------
    NotApplicable
        A part is a Python callable, which has values but no formula; or a part is undefined
        whatever the inputs are.
    LimitExceeded
        Written out, the expressions are more than :data:`highfence.limits.MAX_SYMBOLIC`
        parts; or numbers in them are too long, or they are nested too deeply for sympy.
    RequestError
        An assumption is unknown, or contradicts another; or a value is not a finite number.

    Notes
    -----
    Equal parts are translated once and shared, as in the formulas. But what sympy does with
    an expression takes as long as writing it out does, with every shared part as often as it
    is used; hence the limit.

    ``where`` becomes ``Piecewise``, left as it is until you simplify it; no condition in it
    contains a ``Piecewise``. Where a formula has no real value (the root of a negative
    number), sympy may give a complex one. Not promised: that sympy can solve or simplify
    what it is given.

    Examples
    --------
    >>> from highfence.spec.formulas import apply, constant, variable
    >>> profit = apply("mul", apply("sub", variable("S"), variable("q")), variable("q"))
    >>> to_sympy(profit).diff(symbol("q"))
    S - 2*q
    >>> to_sympy([profit, variable("S")], values={"S": 0.5})
    (q*(1/2 - q), 1/2)
    >>> to_sympy(apply("max", variable("q"), constant(0)), {"q": {"positive": True}})
    q
    """
    if isinstance(expressions, Expr):
        roots = [expressions]
    elif isinstance(expressions, Mapping):
        roots = list(expressions.values())
    else:
        roots = list(expressions)
    made = _translated(substitute(roots, _constants(values or {})), assumptions or {})
    if isinstance(expressions, Expr):
        return made[0]
    if isinstance(expressions, Mapping):
        return dict(zip(expressions, made, strict=True))
    return tuple(made)


def from_sympy(expression: Any) -> Expr:
    """Return a sympy expression as an expression of formulas: the way back from
    :func:`to_sympy`, for what can be compiled.

    Parameters
    ----------
    expression
        Sums, products and whole powers of rational numbers and of symbols, which become the
        inputs of their names.

    Raises
    ------
    NotApplicable
        It has another part.

    Examples
    --------
    >>> x = symbol("x")
    >>> from_sympy(1 / (x - 2))
    div(1, add(-2, x))
    """
    import sympy

    made: dict[Any, Expr] = {}
    for part in sympy.postorder_traversal(expression):
        if part in made:
            continue
        if part.is_Symbol:
            made[part] = variable(part.name)
        elif part.is_Rational:
            made[part] = constant(Fraction(int(part.p), int(part.q)))
        elif part.is_Add:
            total, *others = (made[arg] for arg in part.args)
            for other in others:
                total = apply("add", total, other)
            made[part] = total
        elif part.is_Mul:
            above, below = constant(1), constant(1)
            for arg in part.args:
                if arg.is_Pow and arg.exp.is_Integer and arg.exp.is_negative:
                    below = apply("mul", below, _whole_power(made[arg.base], -int(arg.exp)))
                else:
                    above = apply("mul", above, made[arg])
            made[part] = apply("div", above, below)
        elif part.is_Pow and part.exp.is_Integer:
            power = _whole_power(made[part.base], abs(int(part.exp)))
            made[part] = apply("div", constant(1), power) if part.exp.is_negative else power
        else:
            raise NotApplicable(f"{part.func.__name__} has no formula here")
    return made[expression]


def _whole_power(base: Expr, exponent: int) -> Expr:
    return base if exponent == 1 else apply("pow", base, constant(exponent))


def _constants(values: Values) -> dict[str, Expr]:
    try:
        return {name: constant(exact(value)) for name, value in values.items()}
    except ValueError as error:
        raise RequestError(f"values put in for inputs: {error}") from None


def _too_large(size: str) -> LimitExceeded:
    reason = (
        f"written out for sympy, the expressions have {size} parts; the limit MAX_SYMBOLIC is "
        f"{limits.MAX_SYMBOLIC}"
    )
    return LimitExceeded(Problem("", reason, _FEWER))


def _written(roots: Sequence[Expr]) -> dict[int, int]:
    """Return id of node -> its parts, every shared one as often as it is used."""
    written: dict[int, int] = {}
    for node in order(roots):
        written[id(node)] = 1 + sum(written[id(arg)] for arg in node.args)
    return written


def _require_small(roots: Sequence[Expr]) -> None:
    """Stop before more is written out than the limit."""
    written = _written(roots)
    count = sum(written[id(root)] for root in roots)
    if count > limits.MAX_SYMBOLIC:
        digits = count.bit_length() * 301 // 1000
        shown = str(count) if digits < 9 else f"about 1e{digits}"
        raise _too_large(shown)


class _Cases:
    """Takes cases out of comparisons: ``where(c, a, b) < d`` is ``c and a < d or not c and b < d``.

    What is compared mostly comes to constants (is there entry?), so conditions get shorter.
    And sympy rewrites conditions that contain cases by solving inequalities, which takes long
    and fails on what it cannot solve.
    """

    def __init__(self) -> None:
        self.room = limits.MAX_SYMBOLIC

    def out_of(self, roots: Sequence[Expr]) -> list[Expr]:
        """Return the roots, no comparison in which contains a case."""
        made: dict[int, Expr] = {}
        for node in order(roots):
            args = [made[id(arg)] for arg in node.args]
            if node.op in ("lt", "le", "eq", "ne"):
                made[id(node)] = self._compared(node.op, args)
            else:
                made[id(node)] = apply(node.op, *args) if args else node
        return [made[id(root)] for root in roots]

    def _compared(self, op: str, sides: Sequence[Expr]) -> Expr:
        nodes = order(sides)
        # The last one is not inside another: deciding it first leaves the least to decide.
        case = next((node for node in reversed(nodes) if node.op == "where"), None)
        if case is None:
            return apply(op, *sides)
        condition = case.args[0]
        self.room -= 2 * len(nodes)
        if self.room < 0:
            raise _too_large(f"more than {limits.MAX_SYMBOLIC}")
        yes, no = (
            self._compared(op, self._given(condition, truth, sides)) for truth in (TRUE, FALSE)
        )
        if yes is no:
            return yes
        return apply("or", apply("and", condition, yes), apply("and", apply("not", condition), no))

    @staticmethod
    def _given(condition: Expr, truth: Expr, roots: Sequence[Expr]) -> list[Expr]:
        """Return the roots where the condition is known."""
        made: dict[int, Expr] = {id(condition): truth}
        for node in order(roots):
            if id(node) not in made:
                args = [made[id(arg)] for arg in node.args]
                made[id(node)] = apply(node.op, *args) if args else node
        return [made[id(root)] for root in roots]


class _Undefined:
    """A part that has no value whatever the inputs are."""


_UNDEFINED = _Undefined()


def _translated(roots: list[Expr], assumptions: Assumptions) -> list[Any]:
    nodes = order(roots)
    for node in nodes:
        if node.op == "call":
            name = getattr(node.value, "__name__", repr(node.value))
            raise NotApplicable(
                f"symbolic studies do not apply: {name} is a Python callable, which has values "
                "but no formula. Write it as a formula"
            )
        if node.op == "text":
            raise NotApplicable(f"{node.value!r} is a text, not a quantity")
    _require_small(roots)
    try:
        roots = _Cases().out_of(roots)
        _require_small(roots)
        made = _made(roots, assumptions)
    except RecursionError:
        raise LimitExceeded(
            Problem("", "the expressions are nested too deeply for sympy", _FEWER)
        ) from None
    found = [made[id(root)] for root in roots]
    if any(value is _UNDEFINED for value in found):
        raise NotApplicable(
            "a quantity has no value whatever the inputs are: it divides by zero, or takes a "
            "root or logarithm that is not real. Guard it with where"
        )
    return found


def _made(roots: Sequence[Expr], assumptions: Assumptions) -> dict[int, Any]:
    """Return id of node -> its translation."""
    import sympy

    operations = _operations()
    written = _written(roots)
    undefined = {sympy.nan, sympy.zoo, sympy.oo, -sympy.oo}
    made: dict[int, Any] = {}
    for node in order(roots):
        parts = [made[id(arg)] for arg in node.args]
        if node.op == "const":
            value = node.value
            made[id(node)] = (
                (sympy.true if value else sympy.false)
                if isinstance(value, bool)
                else sympy.Rational(value.numerator, value.denominator)
            )
        elif node.op == "input":
            made[id(node)] = symbol(node.value, **assumptions.get(node.value, {}))
        elif node.op == "where":
            made[id(node)] = _case(parts[0], parts[1], parts[2], node.is_bool)
        elif any(part is _UNDEFINED for part in parts):
            made[id(node)] = _UNDEFINED
        else:
            options = {}
            if node.op in ("min", "max", "abs", "lt", "le", "eq", "ne"):
                options["evaluate"] = written[id(node)] <= SIMPLE
            found = operations[node.op](*parts, **options)
            if not node.is_bool:
                _require_short(found)
                if found in undefined or (
                    node.op in ("pow", "log", "sqrt") and found.is_extended_real is False
                ):
                    found = _UNDEFINED
            made[id(node)] = found
    return made


def _case(condition: Any, yes: Any, no: Any, is_bool: bool) -> Any:
    """Return ``where(condition, yes, no)``; one branch may be undefined."""
    import sympy

    if condition is _UNDEFINED or yes is no:
        return condition if condition is _UNDEFINED else yes
    if condition in (sympy.true, sympy.false):
        return yes if condition == sympy.true else no
    if is_bool:
        if yes is _UNDEFINED or no is _UNDEFINED:
            raise NotApplicable(
                "a condition divides by zero in one of its branches, and sympy has no undefined "
                "condition. Guard the division itself with where"
            )
        return sympy.Or(sympy.And(condition, yes), sympy.And(sympy.Not(condition), no))
    yes, no = (sympy.nan if part is _UNDEFINED else part for part in (yes, no))
    # Unevaluated: sympy's own way to simplify cases can take longer than all the rest.
    rest = no.args if isinstance(no, sympy.Piecewise) else ((no, True),)
    return sympy.Piecewise((yes, condition), *rest, evaluate=False)


def _operations() -> dict[str, Callable[..., Any]]:
    """Return op -> its translation; ``where`` aside, which has a function of its own."""
    import sympy

    def divide(a: Any, b: Any) -> Any:
        return sympy.nan if b.is_zero else a / b

    def power(base: Any, exponent: Any) -> Any:
        if exponent.is_Rational and abs(exponent) > limits.MAX_EXPONENT:
            raise LimitExceeded(
                Problem(
                    "",
                    f"the exponent {exponent} is worked out for sympy; the limit MAX_EXPONENT "
                    f"is {limits.MAX_EXPONENT}",
                    "Write the power with exp and log",
                )
            )
        return base**exponent

    return {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": divide,
        "pow": power,
        "neg": lambda a: -a,
        "min": sympy.Min,
        "max": sympy.Max,
        "abs": sympy.Abs,
        "exp": sympy.exp,
        "log": sympy.log,
        "sqrt": sympy.sqrt,
        "lt": sympy.Lt,
        "le": sympy.Le,
        "eq": sympy.Eq,
        "ne": sympy.Ne,
        "and": sympy.And,
        "or": sympy.Or,
        "not": sympy.Not,
    }


def _require_short(found: Any) -> None:
    """Stop before repeated squaring of a constant fills the memory: sympy folds it at once."""
    number = found if found.is_Rational else found.as_coeff_Mul()[0]
    if number.is_Rational and (
        max(int(number.p).bit_length(), int(number.q).bit_length()) > limits.MAX_EXACT_BITS
    ):
        raise LimitExceeded(
            Problem(
                "",
                f"a number has more than MAX_EXACT_BITS = {limits.MAX_EXACT_BITS} bits when it "
                "is worked out exactly",
                "Use smaller constants, or floats",
            )
        )
