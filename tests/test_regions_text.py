"""How inequalities and exact answers are printed: short, true, and the same in every form."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from highfence.cli import cli
from highfence.study._inequalities import Inequality, factors_of, shown

NAMES = ("x", "y", "z")


def inequality(text, relation="<="):
    """Return ``text relation 0``; sympy expands the polynomial."""
    import sympy

    symbols = sympy.symbols(" ".join(NAMES))
    terms = sympy.Poly(text, *symbols).terms()
    return Inequality.of(NAMES, {e: Fraction(int(c.p), int(c.q)) for e, c in terms}, relation)


@pytest.mark.parametrize(
    ("polynomial", "printed"),
    [
        ("100*x - 37", "x <= 0.37"),
        ("3*x - 1", "x <= 1/3"),
        ("-x - 3", "x >= -3"),
        ("x - y - z", "x <= y + z"),
        ("x + y + 1", "x + y <= -1"),
        ("x - y - 1", "x <= y + 1"),
        ("100*x - 9*y", "x <= 0.09*y"),
        ("z - y*(1 - x)", "z <= y*(1 - x)"),
        ("z - y**2*(1 - 2*x)**2/9", "z <= y**2*(1 - 2*x)**2/9"),
        ("x**2 - 2", "x**2 <= 2"),
        ("x*y - x*z", "x*(y - z) <= 0"),
        ("x*y - 1", "x*y <= 1"),
    ],
)
def test_inequalities_are_written_as_on_paper(polynomial, printed):
    assert inequality(polynomial).text() == printed


COEFFICIENTS = st.integers(-12, 12).map(lambda k: Fraction(k, 4))
POLYNOMIALS = st.dictionaries(
    st.tuples(*[st.integers(0, 2)] * 3), COEFFICIENTS.filter(bool), min_size=1, max_size=6
)
VALUES = st.tuples(*[st.integers(-8, 8).map(lambda k: Fraction(k, 2))] * 3)


@given(polynomial=POLYNOMIALS, point=VALUES, relation=st.sampled_from(["<=", "<", ">=", ">", "=="]))
def test_what_is_printed_holds_exactly_where_the_inequality_does(polynomial, point, relation):
    """Scaling, factors and sides change nothing. Points and coefficients are exact in floats."""
    one = Inequality.of(NAMES, polynomial, relation)
    at = dict(zip(NAMES, point, strict=True))
    value = sum(
        c * point[0] ** e[0] * point[1] ** e[1] * point[2] ** e[2] for e, c in polynomial.items()
    )
    truth = {"<=": value <= 0, "<": value < 0, ">=": value >= 0, ">": value > 0}
    truth["=="] = value == 0

    assert one.holds(at) == truth[relation]
    assert one.negation.holds(at) != truth[relation]
    if value == 0 or abs(value) > Fraction(1, 1000):
        left, _, right = one._sides
        assert _value(left, at) - _value(right, at) == 0 or value != 0
        assert _truth(one, at) == truth[relation]


def _value(terms, at):
    total = Fraction(0)
    for coefficient, powers in terms:
        product = coefficient
        for base, exponent in powers:
            product *= (at[base] if isinstance(base, str) else _value(base, at)) ** exponent
        total += product
    return total


def _truth(one, at):
    left, relation, right = one._sides
    difference = _value(left, at) - _value(right, at)
    return {
        "<=": difference <= 0,
        "<": difference < 0,
        ">=": difference >= 0,
        ">": difference > 0,
        "==": difference == 0,
    }[relation]


@given(polynomial=POLYNOMIALS, point=VALUES)
def test_factors_multiply_to_the_polynomial_but_for_a_constant(polynomial, point):
    def at(terms):
        return sum(
            c * point[0] ** e[0] * point[1] ** e[1] * point[2] ** e[2] for e, c in terms.items()
        )

    product, leading = Fraction(1), Fraction(1)
    for factor, power in factors_of(polynomial, 3):
        product *= at(factor) ** power
        leading *= factor[max(factor)] ** power
    assert product * polynomial[max(polynomial)] / leading == at(polynomial)


@given(value=st.fractions(max_denominator=10**9))
def test_numbers_are_printed_exactly(value):
    assert Fraction(shown(value)) == value


# ------------------------------------------------------------------ on the command line


def run(*arguments):
    """Run highfence in this process."""
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_exact_thresholds_are_printed_with_the_condition_of_each_equilibrium():
    ran = run("tipping", "offshoring", "j_product", "--exact", "--regimes", "product")

    assert ran.exit_code == 0
    words = " ".join(ran.output.split())
    assert "the pure Nash equilibria change at j_product = 0.6." in words
    assert "location = stay is a pure Nash equilibrium iff F >= pi_CN*(1 - j_product)." in words
    assert "that is, j_product >= 1 - F/pi_CN" in words


def test_conditions_are_said_to_be_of_the_equilibria_along_the_line_alone():
    page = " ".join(run("tipping", "offshoring", "j_product", "--exact").output.split())

    assert "Where each of these is one, over the declared ranges" in page
    assert "Others may be equilibria elsewhere in these ranges" in page


def test_exact_thresholds_as_json_and_csv_keep_all_digits():
    tree = json.loads(run("tipping", "offshoring", "j_product", "--exact", "--json").output)
    (answer,) = tree["answers"]
    assert answer["thresholds"] == [{"exact": "3/5", "value": 0.6}]
    assert {c["status"] for c in answer["conditions"]} == {"exact"}

    table = run(
        "tipping", "offshoring", "j_product", "--exact", "--regimes", "product,parts", "--csv"
    )
    head, *rows = table.output.splitlines()
    assert head.startswith("in_regime,parameter,low,high,low_exact")
    assert len(rows) == 5
    assert "product,j_product,0.6,0.6,3/5,3/5,true,true,location = stay" in rows


def test_a_parameter_that_a_setting_makes_irrelevant_changes_nothing():
    ran = run("tipping", "prisoners_dilemma", "P", "--exact")

    assert "Nothing changes along P from 0.5 to 2." in " ".join(ran.output.split())
