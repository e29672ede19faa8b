"""Ranges of expressions over boxes: the truth at every point lies within them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence.errors import NotApplicable
from highfence.forms.ranges import jets, parameter, plus, product, widened
from highfence.spec.formulas import Expr, apply, call, constant, evaluate, variable

X, Y = variable("x"), variable("y")
STEP = 1e-5


def expressions(depth: int = 3) -> st.SearchStrategy[Expr]:
    numbers = st.fractions(-5, 5, max_denominator=7).map(constant)
    leaves = st.one_of(st.sampled_from([X, Y]), numbers)

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        powers = st.sampled_from([2, 3, -1, -2, Fraction(1, 2), Fraction(-3, 2)])
        one = st.sampled_from(["neg", "abs", "exp", "log", "sqrt"])
        two = st.sampled_from(["add", "sub", "mul", "div", "min", "max"])
        return st.one_of(
            st.builds(apply, one, inner),
            st.builds(apply, two, inner, inner),
            st.builds(lambda a, p: apply("pow", a, constant(p)), inner, powers),
            st.builds(
                lambda a, b, c, d: apply("where", apply("lt", a, b), c, d),
                leaves,
                leaves,
                inner,
                inner,
            ),
        )

    return st.recursive(leaves, grown, max_leaves=2**depth)


def at(root: Expr, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(evaluate([root], {"x": x, "y": y})[0], float), x.shape)


@settings(max_examples=300)
@given(
    root=expressions(),
    corner=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    size=st.sampled_from([0.0, 1e-6, 0.05, 1.0]),
)
def test_values_and_derivatives_at_every_point_lie_in_their_ranges(root, corner, size):
    box = {name: np.array([[low], [low + size]]) for name, low in zip("xy", corner, strict=True)}
    with np.errstate(all="ignore"):
        (found,) = jets([root], box, ["x", "y"], 2)
        shares = np.random.default_rng(0).random((2, 40))
        x, y = (low + size * share for low, share in zip(corner, shares, strict=True))
        value = at(root, x, y)
        defined = np.isfinite(value)
        low, high = found.value[:, 0]
        assert ((value >= low) & (value <= high))[defined].all()
        if size < 0.01:
            return
        x, y = (np.clip(v, c + STEP, c + size - STEP) for v, c in zip((x, y), corner, strict=True))
        slope = (at(root, x + STEP, y) - at(root, x - STEP, y)) / (2 * STEP)
        low, high = found.slopes(2)[:, 0, 0]
        slack = 1e-4 * (1 + np.abs(slope))
        counted = np.isfinite(slope) & (np.abs(slope) < 1e4) & (np.abs(value) < 1e4)
        if np.isfinite([low, high]).all() and np.abs(found.bends(2)).max() < 1e6:
            assert ((slope >= low - slack) & (slope <= high + slack))[counted].all()


@pytest.mark.parametrize(
    ("op", "low", "high", "expected"),
    [
        ("log", -1.0, 2.0, (-np.inf, np.inf)),
        ("sqrt", -1e-9, 1.0, (-np.inf, np.inf)),
        ("log", 0.0, 1.0, (-np.inf, 0.0)),
    ],
)
def test_what_is_not_defined_everywhere_is_unbounded(op, low, high, expected):
    with np.errstate(all="ignore"):
        (found,) = jets([apply(op, X)], {"x": np.array([[low], [high]])})
    assert found.value[:, 0] == pytest.approx(expected, abs=1e-15)


def test_dividing_by_what_may_be_zero_is_unbounded():
    (found,) = jets(
        [apply("div", constant(1), X)], {"x": np.array([[-1.0, 0.0, 1.0], [1.0, 1.0, 2.0]])}
    )
    assert found.value[:, 0].tolist() == [-np.inf, np.inf]
    assert found.value[0, 1] <= 1.0
    assert found.value[1, 1] == np.inf
    assert 0.49 < found.value[0, 2] <= 0.5


def test_a_jump_inside_a_box_has_no_bounded_derivative():
    step = apply("where", apply("lt", X, constant(1)), constant(0), constant(1))
    (found,) = jets([step], {"x": np.array([[0.0, 2.0], [2.0, 3.0]])}, ["x"], 2)
    assert found.value[:, 0].tolist() == [0.0, 1.0]
    assert found.slopes(1)[:, 0, 0].tolist() == [-np.inf, np.inf]
    assert found.slopes(1)[:, 1, 0].tolist() == [0.0, 0.0]


def test_a_kink_has_slopes_of_both_sides_and_no_bounded_second_derivative():
    (found,) = jets([apply("abs", X)], {"x": np.array([[-1.0], [2.0]])}, ["x"], 2)
    assert found.slopes(1)[:, 0, 0].tolist() == [-1.0, 1.0]
    assert not np.isfinite(found.bends(1)).any()


def test_a_python_callable_has_no_range():
    with pytest.raises(NotApplicable, match="its range over an interval is not known"):
        jets([call(np.sin, [X])], {"x": np.array([[0.0], [1.0]])})


@given(st.floats(-1e6, 1e6))
def test_a_parameter_stands_for_its_float_and_for_its_decimal_number(value):
    low, high = (Fraction(float(end)) for end in parameter(value)[:, 0])
    assert low <= Fraction(value) <= high
    assert low <= Fraction(repr(value)) <= high


ENDS = st.one_of(
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e-200, -1e-200, 1e308, np.inf, -np.inf]),
    st.floats(allow_nan=False),
)
INTERVALS = st.lists(ENDS, min_size=2, max_size=2).map(sorted).map(np.array)


def exact(end: float) -> Fraction | None:
    """Return a float as it is, None if it is infinite."""
    return Fraction(end) if np.isfinite(end) else None


@settings(max_examples=300)
@given(one=INTERVALS, other=INTERVALS)
def test_sums_and_products_hold_what_exact_arithmetic_gives(one, other):
    with np.errstate(all="ignore"):
        sums, products = plus(one, other), product(one, other)

    for a in map(exact, one):
        for b in map(exact, other):
            if a is not None and b is not None:
                for (low, high), true in ((sums, a + b), (products, a * b)):
                    assert low == -np.inf or Fraction(low) <= true
                    assert high == np.inf or true <= Fraction(high)


@pytest.mark.parametrize("steps", [1, 4])
@given(ends=INTERVALS)
def test_ends_move_outward_to_the_next_float(steps, ends):
    low, high = ends
    for _ in range(steps):
        low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)

    assert widened(ends, steps).tolist() == [low, high]


def test_an_exact_zero_stays_and_one_that_was_too_small_does_not():
    assert product(np.zeros(2), np.array([-np.inf, np.inf])).tolist() == [0.0, 0.0]
    assert plus(np.array([1.0, 1.0]), np.array([-1.0, -1.0])).tolist() == [0.0, 0.0]
    assert (product(np.full(2, 1e-200), np.full(2, 1e-200)) != 0).all()
    assert widened(np.array([np.nan, np.nan])).tolist() == [-np.inf, np.inf]
