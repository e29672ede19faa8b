"""Formulas in sympy: they mean the same, names are plain symbols, and textbooks are found again."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Decision,
    Derived,
    Game,
    Interval,
    Parameter,
    Player,
    Stage,
    limits,
    load,
)
from highfence.errors import LimitExceeded, NotApplicable, RequestError
from highfence.forms.symbolic import symbol, to_sympy
from highfence.spec.formulas import (
    FALSE,
    TRUE,
    Expr,
    Inexact,
    apply,
    call,
    constant,
    evaluate_exact,
    order,
    text,
    variable,
)
from highfence.spec.resolve import resolve

X, Y = variable("x"), variable("y")
NAMES = ("x", "y", "S", "beta")


# ---------------------------------------------------------------------------------------------
# The same values


@st.composite
def graphs(draw: st.DrawFn, divide: bool) -> Expr:
    """Draw a graph: each step takes parts that are there already, so that parts are shared."""
    numbers = [variable(name) for name in NAMES]
    numbers += [constant(draw(st.fractions(-3, 3, max_denominator=4))) for _ in range(2)]
    conditions: list[Expr] = []
    for _ in range(draw(st.integers(2, 9))):
        a, b = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
        kind = draw(st.sampled_from(["two", "two", "one", "power", "test", "join", "where"]))
        if kind == "two":
            ops = ["add", "sub", "mul", "min", "max"] + (["div"] if divide else [])
            numbers.append(apply(draw(st.sampled_from(ops)), a, b))
        elif kind == "one":
            numbers.append(apply(draw(st.sampled_from(["neg", "abs"])), a))
        elif kind == "power":
            numbers.append(apply("pow", a, constant(draw(st.integers(0, 3)))))
        elif kind == "test" or not conditions:
            conditions.append(apply(draw(st.sampled_from(["lt", "le", "eq", "ne"])), a, b))
        elif kind == "join":
            p, q = draw(st.sampled_from(conditions)), draw(st.sampled_from(conditions))
            joined = {"and": (p, q), "or": (p, q), "not": (p,), "where": (q, p, apply("not", p))}
            op = draw(st.sampled_from(sorted(joined)))
            conditions.append(apply(op, *joined[op]))
        else:
            numbers.append(apply("where", draw(st.sampled_from(conditions)), a, b))
    return numbers[-1]


POINTS = st.fixed_dictionaries({name: st.fractions(-3, 3, max_denominator=4) for name in NAMES})


def put_in(expression: Any, point: dict[str, Fraction]) -> Any:
    """Return sympy's own value of an expression at a point."""
    for name, value in point.items():
        expression = expression.subs(symbol(name), sympy.Rational(str(value)))
    return expression


def lazily(expression: Any, point: dict[str, Fraction]) -> Any:
    """Return the value of a sympy tree in fractions; only the case that holds is looked at."""

    def value(part: Any) -> Any:
        return lazily(part, point)

    if expression.is_Symbol:
        return point[expression.name]
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    if expression in (sympy.true, sympy.false):
        return bool(expression)
    match expression.func.__name__:
        case "Add":
            return sum(value(arg) for arg in expression.args)
        case "Mul":
            product = Fraction(1)
            for arg in expression.args:
                product *= value(arg)
            return product
        case "Pow":
            base, exponent = (value(arg) for arg in expression.args)
            return base ** int(exponent) if exponent.denominator == 1 else abs(base) ** exponent
        case "Min":
            return min(value(arg) for arg in expression.args)
        case "Max":
            return max(value(arg) for arg in expression.args)
        case "Abs":
            return abs(value(expression.args[0]))
        case "Piecewise":
            return next(value(part) for part, holds in expression.args if value(holds))
        case "And":
            return all(value(arg) for arg in expression.args)
        case "Or":
            return any(value(arg) for arg in expression.args)
        case "Not":
            return not value(expression.args[0])
    left, right = (value(arg) for arg in expression.args)
    return {
        "StrictLessThan": left < right,
        "LessThan": left <= right,
        "StrictGreaterThan": left > right,
        "GreaterThan": left >= right,
        "Equality": left == right,
        "Unequality": left != right,
    }[expression.func.__name__]


@settings(max_examples=150)
@given(expr=graphs(divide=False), point=POINTS)
def test_sympy_has_the_exact_value_of_every_formula(expr, point):
    (exactly,) = evaluate_exact([expr], point)

    assert put_in(to_sympy(expr), point) == sympy.Rational(str(exactly))


@settings(max_examples=150)
@given(expr=graphs(divide=True), point=POINTS)
def test_sympy_has_the_exact_value_wherever_a_quotient_is_defined(expr, point):
    try:
        (exactly,) = evaluate_exact([expr], point)
        found = to_sympy(expr)
    except (Inexact, NotApplicable):
        return

    assert lazily(found, point) == exactly


@settings(max_examples=100)
@given(expr=graphs(divide=False), point=POINTS)
def test_putting_numbers_in_first_or_last_is_the_same(expr, point):
    some = {name: point[name] for name in ("x", "beta")}

    found = to_sympy(expr, values=some)

    assert not {"x", "beta"} & {each.name for each in found.free_symbols}
    assert put_in(found, point) == sympy.Rational(str(evaluate_exact([expr], point)[0]))


def test_functions_are_those_of_sympy():
    found = to_sympy(apply("exp", apply("log", apply("sqrt", X))), {"x": {"positive": True}})

    assert found == sympy.sqrt(sympy.Symbol("x", real=True, positive=True))


def test_decimals_are_exact():
    assert to_sympy(constant(Fraction("0.1"))) == sympy.Rational(1, 10)


def test_the_shape_of_what_is_asked_comes_back():
    x, y = symbol("x"), symbol("y")

    assert to_sympy(X) == x
    assert to_sympy([X, Y]) == (x, y)
    assert to_sympy({"first": X, "second": apply("neg", Y)}) == {"first": x, "second": -y}
    assert to_sympy([]) == ()


def test_conditions_are_booleans():
    assert to_sympy([TRUE, FALSE, apply("lt", X, Y)]) == (
        sympy.true,
        sympy.false,
        symbol("x") < symbol("y"),
    )


# ---------------------------------------------------------------------------------------------
# Names and assumptions


@pytest.mark.parametrize(
    "name",
    ["beta", "gamma", "zeta", "lambda_", "S", "N", "E", "I", "O", "Q", "C", "pi", "oo", "nan",
     "Symbol", "exp", "__import__"],
)  # fmt: skip
def test_every_name_is_a_plain_symbol(name):
    found = to_sympy(apply("mul", variable(name), variable(name)))

    assert found == sympy.Symbol(name, real=True) ** 2
    assert found.diff(symbol(name)) == 2 * symbol(name)


def test_assumptions_decide_what_they_decide():
    clipped = apply("max", X, constant(0))
    case = apply("where", apply("lt", X, constant(0)), Y, X)

    assert to_sympy([clipped, case], {"x": {"positive": True}, "unused": {"odd": True}}) == (
        symbol("x", positive=True),
        symbol("x", positive=True),
    )
    assert to_sympy(clipped) == sympy.Max(0, symbol("x"))


def test_an_unknown_or_impossible_assumption_is_refused():
    with pytest.raises(RequestError, match=r"'positve'\. Did you mean 'positive'"):
        to_sympy(X, {"x": {"positve": True}})
    with pytest.raises(RequestError, match="it cannot be positive=True, negative=True"):
        symbol("x", positive=True, negative=True)
    with pytest.raises(RequestError, match="not a finite number"):
        to_sympy(X, values={"x": float("nan")})


# ---------------------------------------------------------------------------------------------
# Cases


def test_no_condition_contains_a_case():
    enters = apply("where", apply("eq", variable("move"), constant(1)), constant(1), constant(0))
    price = apply("where", apply("lt", constant(0), enters), X, Y)

    assert to_sympy(price) == sympy.Piecewise(
        (symbol("x"), sympy.Eq(symbol("move"), 1)), (symbol("y"), True)
    )


def test_cases_in_a_row_are_one_list_of_cases():
    chosen = constant(30)
    for action in (2, 1, 0):
        chosen = apply("where", apply("eq", X, constant(action)), constant(10 * action), chosen)

    assert len(to_sympy(chosen).args) == 4


def test_a_case_that_is_not_taken_may_divide_by_zero():
    guarded = apply("where", apply("eq", Y, constant(0)), constant(0), apply("div", X, Y))
    hopeless = apply("where", apply("eq", Y, constant(0)), apply("div", X, constant(0)), X)

    assert put_in(to_sympy(guarded), {"y": Fraction(0)}) == 0
    assert put_in(to_sympy(hopeless), {"y": Fraction(1)}) == symbol("x")
    assert put_in(to_sympy(hopeless), {"y": Fraction(0)}) is sympy.nan


@pytest.mark.parametrize(
    "expr",
    [
        apply("div", X, constant(0)),
        apply("div", constant(1), apply("sub", apply("add", X, Y), apply("add", Y, X))),
        apply("lt", apply("div", X, constant(0)), Y),
        apply("log", constant(0)),
        apply("add", X, apply("sqrt", constant(-2))),
    ],
    ids=str,
)
def test_a_quantity_without_any_value_is_refused(expr):
    with pytest.raises(NotApplicable, match="has no value whatever the inputs are"):
        to_sympy(expr)


# ---------------------------------------------------------------------------------------------
# What is refused


def test_a_python_callable_has_no_formula():
    def demand(price):
        return 1 / price

    with pytest.raises(NotApplicable, match="do not apply: demand is a Python callable"):
        to_sympy({"good": X, "bad": apply("add", call(demand, [X]), Y)})


def test_a_text_is_no_quantity():
    with pytest.raises(NotApplicable, match="'aligned' is a text"):
        to_sympy(text("aligned"))


def test_shared_parts_count_as_often_as_they_are_written():
    shared = X
    for _ in range(200):
        shared = apply("mul", apply("add", shared, Y), shared)

    with pytest.raises(LimitExceeded, match=r"have about 1e6\d parts; the limit MAX_SYMBOLIC"):
        to_sympy(shared)


def test_the_limit_can_be_moved(monkeypatch):
    expr = apply("add", apply("mul", X, Y), constant(1))  # five parts
    monkeypatch.setattr(limits, "MAX_SYMBOLIC", 5)
    assert to_sympy(expr) == symbol("x") * symbol("y") + 1
    monkeypatch.setattr(limits, "MAX_SYMBOLIC", 4)

    with pytest.raises(LimitExceeded, match="have 5 parts"):
        to_sympy(expr)


def test_cases_that_multiply_in_a_comparison_meet_the_limit():
    total = X
    for number in range(40):
        level = variable(f"v{number}")
        case = apply("where", apply("lt", level, Y), level, constant(number))
        total = apply("add", total, case)

    with pytest.raises(LimitExceeded, match="MAX_SYMBOLIC"):
        to_sympy(apply("lt", total, Y))


def test_numbers_that_grow_by_squaring_meet_a_limit():
    number = apply("mul", X, constant(10**60))
    for _ in range(9):
        number = apply("mul", number, number)

    with pytest.raises(LimitExceeded, match="MAX_EXACT_BITS"):
        to_sympy(number)


def test_a_power_that_only_sympy_sees_is_not_worked_out():
    hidden = apply("sub", apply("add", X, Y), apply("add", Y, X))  # 0, once sympy adds up

    with pytest.raises(LimitExceeded, match="MAX_EXPONENT"):
        to_sympy(apply("pow", constant(2), apply("add", hidden, constant(10**9))))


def test_what_is_too_deep_for_sympy_is_refused():
    deep = X
    for number in range(1500):
        deep = apply("max", apply("add", apply("mul", deep, Y), constant(1)), constant(number))

    with pytest.raises(LimitExceeded, match="nested too deeply for sympy"):
        to_sympy(deep)


def test_the_flagship_is_refused_at_once_and_fits_where_the_regime_is_put_in():
    found = resolve(load("small_yard_high_fence"))
    with pytest.raises(LimitExceeded, match="parts"):
        to_sympy(found.payoffs["A"])

    regime = {action.name: k for k, action in enumerate(found.moves["regime"].actions)}
    free_trade = {"regime": regime["none"], "b_F": 0, "b_M": 0}
    scope = to_sympy(found.derived["scope"], values={"regime": regime["broad"]})

    assert scope == sympy.Rational(5, 4) * (symbol("mF") + symbol("mM"))
    assert to_sympy(found.derived["smuggled_F_1"], values=free_trade) == 0


def test_sympy_is_not_imported_before_it_is_needed():
    code = "import sys, highfence.forms.symbolic; print('sympy' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------------------------------------
# Textbooks


def test_the_closed_form_of_cournot_is_found_again():
    """Cournot (1838): q_i = (a - 2 c_i + c_j) / 3b, profit (a - 2 c_i + c_j)^2 / 9b."""
    game = Game(
        name="cournot",
        players=[Player("one"), Player("two")],
        parameters=[
            Parameter("a", 100),
            Parameter("b", 1),
            Parameter("c_1", 10),
            Parameter("S", 10),
        ],
        stages=[
            Stage(
                "outputs",
                Decision("one", "q_1", Interval(0, "a / b")),
                Decision("two", "q_2", Interval(0, "a / b")),
            )
        ],
        derived={"price": Derived("a - b * (q_1 + q_2)")},
        payoffs={"one": "(price - c_1) * q_1", "two": "(price - S) * q_2"},
    )
    facts = {"b": {"positive": True}}
    payoffs = to_sympy(resolve(game).payoffs, facts)
    a, b, c_1, c_2 = symbol("a"), symbol("b", positive=True), symbol("c_1"), symbol("S")
    q_1, q_2 = symbol("q_1"), symbol("q_2")

    conditions = [payoffs["one"].diff(q_1), payoffs["two"].diff(q_2)]
    (found,) = sympy.solve(conditions, [q_1, q_2], dict=True)

    assert sympy.simplify(found[q_1] - (a - 2 * c_1 + c_2) / (3 * b)) == 0
    assert sympy.simplify(found[q_2] - (a - 2 * c_2 + c_1) / (3 * b)) == 0
    profit = payoffs["one"].subs(found)
    assert sympy.simplify(profit - (a - 2 * c_1 + c_2) ** 2 / (9 * b)) == 0
    assert profit.subs({a: 100, b: 1, c_1: 10, c_2: 10}) == 900


def test_the_subsidies_of_brander_and_spencer_are_found_again():
    """Brander and Spencer (1985, J. Int. Econ. 18:83-100), in the catalogue's own formulas.

    One government alone: s = (a - 2 c_1 + c_2)/4. Both: s_1 = (a - 3 c_1 + 2 c_2)/5.
    """
    payoffs = to_sympy(resolve(load("brander_spencer_1985")).payoffs)
    a, c_1, c_2, s_1, s_2, q_1, q_2 = map(symbol, ["a", "c_1", "c_2", "s_1", "s_2", "q_1", "q_2"])

    (outputs,) = sympy.solve(
        [payoffs["F_1"].diff(q_1), payoffs["F_2"].diff(q_2)], [q_1, q_2], dict=True
    )
    welfare_1, welfare_2 = (payoffs[player].subs(outputs) for player in ("G_1", "G_2"))
    (both,) = sympy.solve([welfare_1.diff(s_1), welfare_2.diff(s_2)], [s_1, s_2], dict=True)
    (alone,) = sympy.solve(welfare_1.diff(s_1).subs(s_2, 0), s_1)

    assert sympy.expand(alone - (a - 2 * c_1 + c_2) / 4) == 0
    assert sympy.expand(both[s_1] - (a - 3 * c_1 + 2 * c_2) / 5) == 0
    numbers = {a: 100, c_1: 10, c_2: 10}
    assert alone.subs(numbers) == sympy.Rational(45, 2)
    assert welfare_1.subs({s_1: alone, s_2: 0}).subs(numbers) == sympy.Rational(2025, 2)
    assert both[s_1].subs(numbers) == 18
    assert welfare_1.subs(both).subs(numbers) == 648


def test_what_is_shared_in_the_formulas_is_one_object_in_sympy():
    part = apply("exp", apply("add", X, Y))
    first, second = to_sympy([apply("mul", part, X), apply("mul", part, Y)])

    shared = {id(arg) for arg in first.args} & {id(arg) for arg in second.args}

    assert shared == {id(next(arg for arg in first.args if arg.func is sympy.exp))}
    assert len(order([part])) == 4
