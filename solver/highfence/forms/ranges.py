"""Ranges of expressions, and of their first and second derivatives, over boxes of inputs.

Interval arithmetic (Moore 1966) with derivatives carried along (Rall 1981): every operation is
rounded outward, so the true value of the expression at every point of a box lies within the range
that is returned. Undefined values (division by zero, logarithms of negative numbers) make a
range infinite, never wrong. Many boxes are worked on at once.

An interval is a float64 array whose first axis has length 2: low ends, then high ends. Over n
boxes and m variables a value has shape (2, n), a gradient (2, n, m), a Hessian (2, n, m, m).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from ..errors import NotApplicable
from ..kernels.intervals import multiply, widen
from ..spec.formulas import Expr, as_float, order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Jet", "jets", "parameter", "plus", "point", "product", "widened"]

ULPS = 4
"""Units in the last place that exp, log and powers may be off; numpy's vector code claims 4."""


@dataclass(frozen=True, eq=False)
class Jet:
    """Ranges of one expression over n boxes. None stands for zero: it does not depend."""

    value: Array
    """(2, n)"""
    gradient: Array | None = None
    """(2, n, m)"""
    hessian: Array | None = None
    """(2, n, m, m)"""

    def slopes(self, m: int) -> Array:
        """Return the gradient with zeros written out, shape (2, n, m)."""
        n = self.value.shape[1]
        return np.zeros((2, n, m)) if self.gradient is None else self.gradient

    def bends(self, m: int) -> Array:
        """Return the Hessian with zeros written out, shape (2, n, m, m)."""
        n = self.value.shape[1]
        return np.zeros((2, n, m, m)) if self.hessian is None else self.hessian


def point(value: Fraction | float | Array) -> Array:
    """Return the narrowest interval around a number, or numbers: of no width for a float."""
    if isinstance(value, Fraction):
        near = as_float(value)
        if np.isfinite(near) and Fraction(near) == value:
            return np.array([near, near])
        return np.array([np.nextafter(near, -np.inf), np.nextafter(near, np.inf)])
    at = np.asarray(value, dtype=float)
    return np.stack([at, at])


def widened(found: Array, steps: int = 1, *, zeros: bool = False) -> Array:
    """Return intervals with both ends moved outward; what is no number is unbounded.

    ``zeros``: those are exact, and stay. So it is with sums of two floats (Hauser 1996), and else
    they would grow into numbers too small for the machine to be fast with.
    """
    ends = np.array(found, order="C")
    widen(ends.reshape(2, -1).view(np.int64), steps, zeros)
    return ends


def product(a: Array, b: Array) -> Array:
    """Return the products of intervals of as many axes, four at most; 0 times anything is 0."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    after = (1,) * (4 - len(shape))
    ends = np.empty((*shape, *after))
    multiply(a.reshape(*a.shape, *after), b.reshape(*b.shape, *after), ends)
    widen(ends.reshape(2, -1).view(np.int64), 1, True)
    return ends.reshape(shape)


def plus(a: Array, b: Array) -> Array:
    """Return the sums of intervals."""
    return widened(a + b, zeros=True)


def _minus(a: Array) -> Array:
    return -a[::-1]


def _hull(a: Array, b: Array) -> Array:
    return np.stack([np.minimum(a[0], b[0]), np.maximum(a[1], b[1])])


def _unbounded(like: Array) -> Array:
    return np.stack([np.full(like.shape[1:], -np.inf), np.full(like.shape[1:], np.inf)])


def _power(a: Array, n: int) -> Array:
    """Return a ** n for a whole n >= 0."""
    if n == 0:
        return np.ones_like(a)
    if n == 1:
        return a
    low, high = a**n
    if n % 2 == 0:
        across = (a[0] <= 0) & (a[1] >= 0)
        low, high = np.where(across, 0.0, np.minimum(low, high)), np.maximum(low, high)
        found = widened(np.stack([low, high]), ULPS)
        return np.stack([np.maximum(found[0], 0.0), found[1]])
    return widened(np.stack([low, high]), ULPS)


def _reciprocal(a: Array) -> Array:
    low, high = a
    found = 1.0 / a[::-1]
    across = (low <= 0) & (high >= 0)
    if across.any():
        # A zero of either sign at an end is approached from inside the interval.
        found[0, across & ((low < 0) | (high == 0))] = -np.inf
        found[1, across & ((high > 0) | (low == 0))] = np.inf
    return widened(found)


def _exp(a: Array) -> Array:
    found = widened(np.exp(a), ULPS)
    return np.stack([np.maximum(found[0], 0.0), found[1]])


def _log(a: Array) -> Array:
    found = widened(np.log(np.maximum(a, 0.0)), ULPS)
    return np.where(a[0] < 0, _unbounded(found), found)


def _sqrt(a: Array) -> Array:
    found = widened(np.sqrt(np.maximum(a, 0.0)))
    found = np.stack([np.maximum(found[0], 0.0), found[1]])
    return np.where(a[0] < 0, _unbounded(found), found)


# ---------------------------------------------------------------------------------------------
# Derivatives


def _outer(a: Array, b: Array) -> Array:
    return product(a[..., :, None], b[..., None, :])


def _sum(*parts: Array | None) -> Array | None:
    total: Array | None = None
    for part in parts:
        if part is not None:
            total = part if total is None else plus(total, part)
    return total


def _times(a: Array, of: Array | None) -> Array | None:
    """Return a (2, n) times a gradient or a Hessian."""
    if of is None:
        return None
    return product(a.reshape(*a.shape, *(1,) * (of.ndim - 2)), of)


def _chained(u: Jet, value: Array, first: Array, second: Array) -> Jet:
    """Return the jet of f(u) from the ranges of f, f' and f'' over u."""
    if u.gradient is None:
        return Jet(value)
    hessian = None
    if u.hessian is not None:
        square = _outer(u.gradient, u.gradient)
        # A square of one slope is not negative, which a product of two ranges forgets.
        d = range(u.gradient.shape[2])
        square[:, :, d, d] = _power(u.gradient, 2)
        hessian = _sum(_times(second, square), _times(first, u.hessian))
    return Jet(value, _times(first, u.gradient), hessian)


def _multiplied(a: Jet, b: Jet) -> Jet:
    if a is b:
        return _chained(
            a, _power(a.value, 2), product(point(2.0)[:, None], a.value), np.full_like(a.value, 2.0)
        )
    gradient = _sum(_times(a.value, b.gradient), _times(b.value, a.gradient))
    hessian = _sum(_times(a.value, b.hessian), _times(b.value, a.hessian))
    if a.gradient is not None and b.gradient is not None and hessian is not None:
        cross = _outer(a.gradient, b.gradient)
        hessian = _sum(hessian, cross, np.swapaxes(cross, -1, -2))
    return Jet(product(a.value, b.value), gradient, hessian)


def _inverse(u: Jet) -> Jet:
    value = _reciprocal(u.value)
    square = _reciprocal(_power(u.value, 2))
    cube = _reciprocal(_power(u.value, 3))
    return _chained(u, value, _minus(square), product(point(2.0)[:, None], cube))


def _raised(base: Jet, exponent: Jet) -> Jet:
    """Return base ** exponent."""
    low, high = exponent.value
    if exponent.gradient is None and low.size and low.min() == high.max():
        n = float(low[0])
        if n == int(n) and abs(n) <= limits.MAX_EXPONENT:
            whole = int(abs(n))
            scale = point(float(whole))[:, None]
            bend = point(float(whole * (whole - 1)))[:, None]
            made = _chained(
                base,
                _power(base.value, whole),
                product(scale, _power(base.value, max(whole - 1, 0))),
                product(bend, _power(base.value, max(whole - 2, 0))),
            )
            return made if n >= 0 else _inverse(made)
    if exponent.gradient is None:
        # Not through exp and log of a jet: at a base of zero the value is still defined.
        p = exponent.value

        def power(of: Array) -> Array:
            return _exp(product(of, _log(base.value)))

        one, two = plus(p, point(-1.0)[:, None]), plus(p, point(-2.0)[:, None])
        made = _chained(
            base, power(p), product(p, power(one)), product(product(p, one), power(two))
        )
    else:
        made = _exponential(_multiplied(exponent, _logarithm(base)))
    # Where the exponent happens to be whole, the power of a negative base has a value too.
    negative = base.value[0] < 0

    def guarded(of: Array | None) -> Array | None:
        if of is None:
            return None
        return np.where(negative.reshape(-1, *(1,) * (of.ndim - 2)), _unbounded(of), of)

    value = guarded(made.value)
    assert value is not None
    return Jet(value, guarded(made.gradient), guarded(made.hessian))


def _exponential(u: Jet) -> Jet:
    value = _exp(u.value)
    return _chained(u, value, value, value)


def _logarithm(u: Jet) -> Jet:
    one = _reciprocal(np.maximum(u.value, 0.0))
    one = np.where(u.value[0] < 0, _unbounded(one), one)
    return _chained(u, _log(u.value), one, _minus(_power(one, 2)))


def _root(u: Jet) -> Jet:
    value = _sqrt(u.value)
    first = product(point(0.5)[:, None], _reciprocal(value))
    first = np.where(u.value[0] < 0, _unbounded(first), first)
    second = product(point(-2.0)[:, None], _power(first, 3))
    return _chained(u, value, first, second)


# ---------------------------------------------------------------------------------------------
# Conditions and kinks


def _either(which: Array, one: Jet, other: Jet, kinked: bool, jumps: bool) -> Jet:
    """Return ``one`` where ``which`` is 1, ``other`` where it is 0, and what holds of both where
    it is 1/2. ``kinked``: the boundary between them lies inside the box, so that second
    derivatives say nothing; ``jumps``: first ones neither."""

    def merged(a: Array | None, b: Array | None, unknown: bool) -> Array | None:
        if a is None and b is None:
            return None
        a = np.zeros_like(b) if a is None else a
        b = np.zeros_like(a) if b is None else b
        mark = which.reshape(len(which), *(1,) * (a.ndim - 2))
        both = _unbounded(a) if unknown else _hull(a, b)
        return np.where(mark == 1, a, np.where(mark == 0, b, both))

    value = merged(one.value, other.value, False)
    assert value is not None
    first, second = one, other
    if kinked:
        first, second = _dense(one, other), _dense(other, one)
    return Jet(
        value,
        merged(first.gradient, second.gradient, jumps),
        merged(first.hessian, second.hessian, kinked),
    )


def _dense(one: Jet, other: Jet) -> Jet:
    """Return a jet with the derivatives that the other has, zeros written out."""
    gradient, hessian = one.gradient, one.hessian
    if gradient is None and other.gradient is not None:
        gradient = np.zeros_like(other.gradient)
    if hessian is None and other.hessian is not None:
        hessian = np.zeros_like(other.hessian)
    return Jet(one.value, gradient, hessian)


def _compared(op: str, a: Array, b: Array) -> Array:
    """Return a condition's range: ends 0 or 1."""
    if op in ("eq", "ne"):
        same = (a[0] == a[1]) & (b[0] == b[1]) & (a[0] == b[0])
        apart = (a[1] < b[0]) | (b[1] < a[0])
        found = np.stack([same, ~apart])
        return (1.0 - found[::-1]) if op == "ne" else found.astype(float)
    if op == "lt":
        return np.stack([a[1] < b[0], a[0] < b[1]]).astype(float)
    return np.stack([a[1] <= b[0], a[0] <= b[1]]).astype(float)


def jets(
    roots: Sequence[Expr],
    inputs: Mapping[str, Array],
    variables: Sequence[str] = (),
    degree: int = 0,
) -> list[Jet]:
    """Return the ranges of expressions over boxes.

    Parameters
    ----------
    roots
        The expressions.
    inputs
        Input -> its interval in each box, shape (2, n) or (2, 1).
    variables
        Inputs with respect to which derivatives are taken, in order; m of them.
    degree
        0: values alone; 1: gradients too; 2: Hessians too.

    Returns
    -------
    list of Jet
        One a root, over n boxes.

    Raises
    ------
    NotApplicable
        A part is a Python callable, of which no range is known.

    Notes
    -----
    Where a condition is neither true nor false throughout a box, the value's range is that of
    both branches, and derivatives are unbounded. At kinks of ``min``, ``max`` and ``abs`` the
    gradient's range is that of both sides (Clarke 1983), and the Hessian's unbounded. So the mean
    value theorem holds with every gradient, and Taylor's with every Hessian, that is bounded.
    Not promised: what a comparison with an undefined value comes to.

    Cost: a few numpy operations a node, times 1 + m + m^2.

    Examples
    --------
    >>> from highfence.spec.formulas import apply, constant, variable
    >>> square = apply("mul", variable("x"), variable("x"))
    >>> found = jets([square], {"x": np.array([[-1.0], [2.0]])}, ["x"], degree=2)[0]
    >>> [float(end) for end in found.value[:, 0].round(9)]
    [0.0, 4.0]
    >>> [float(end) for end in found.slopes(1)[:, 0, 0].round(9)]
    [-2.0, 4.0]
    """
    n = max((interval.shape[1] for interval in inputs.values()), default=1)
    m = len(variables)
    at = {name: k for k, name in enumerate(variables)}
    depends: dict[int, bool] = {}
    made: dict[int, Jet] = {}
    with np.errstate(all="ignore"):
        for node in order(roots):
            depends[id(node)] = (node.op == "input" and node.value in at) or any(
                depends[id(arg)] for arg in node.args
            )
            if node.op == "const":
                value = float(node.value) if isinstance(node.value, bool) else node.value
                made[id(node)] = Jet(np.repeat(point(value)[:, None], n, axis=1))
            elif node.op == "input":
                value = np.broadcast_to(inputs[node.value], (2, n)).copy()
                made[id(node)] = _variable(value, at.get(node.value), m, degree)
            else:
                parts = [made[id(arg)] for arg in node.args]
                kinks = depends[id(node.args[0])] if node.op == "where" else depends[id(node)]
                if node.op == "where" and kinks and degree:
                    parts[1:] = [_filled(part, n, m, degree) for part in parts[1:]]
                made[id(node)] = _applied(node, parts, kinks)
    return [made[id(root)] for root in roots]


def _variable(value: Array, k: int | None, m: int, degree: int) -> Jet:
    if k is None or degree == 0:
        return Jet(value)
    n = value.shape[1]
    gradient = np.zeros((2, n, m))
    gradient[:, :, k] = 1.0
    return Jet(value, gradient, np.zeros((2, n, m, m)) if degree > 1 else None)


def _filled(jet: Jet, n: int, m: int, degree: int) -> Jet:
    """Return a jet with zero derivatives written out: at a jump those are not zero."""
    gradient = np.zeros((2, n, m)) if jet.gradient is None else jet.gradient
    if degree < 2:
        return Jet(jet.value, gradient)
    hessian = np.zeros((2, n, m, m)) if jet.hessian is None else jet.hessian
    return Jet(jet.value, gradient, hessian)


def _applied(node: Expr, parts: list[Jet], kinks: bool) -> Jet:
    """Return a node's jet. ``kinks``: where the branches of this node meet depends on the
    variables."""
    a = parts[0]
    b = parts[1] if len(parts) > 1 else a
    match node.op:
        case "add":
            return Jet(
                plus(a.value, b.value),
                _sum(a.gradient, b.gradient),
                _sum(a.hessian, b.hessian),
            )
        case "sub":
            return _applied_minus(a, b)
        case "neg":
            return _negated(a)
        case "mul":
            return _multiplied(a, b)
        case "div":
            return _multiplied(a, _inverse(b))
        case "pow":
            return _raised(a, b)
        case "exp":
            return _exponential(a)
        case "log":
            return _logarithm(a)
        case "sqrt":
            return _root(a)
        case "lt" | "le" | "eq" | "ne":
            return Jet(_compared(node.op, a.value, b.value))
        case "and":
            return Jet(np.minimum(a.value, b.value))
        case "or":
            return Jet(np.maximum(a.value, b.value))
        case "not":
            return Jet(1.0 - a.value[::-1])
        case "where":
            return _either(a.value.mean(axis=0), b, parts[2], kinks, kinks)
        case "abs":
            which = np.where(a.value[0] >= 0, 1.0, np.where(a.value[1] <= 0, 0.0, 0.5))
            found = _either(which, a, _negated(a), kinks, False)
            inside = np.maximum(-a.value[0], a.value[1])
            across = np.stack([np.zeros_like(inside), inside])
            return Jet(np.where(which == 0.5, across, found.value), found.gradient, found.hessian)
        case "min" | "max":
            first = (a.value[1] <= b.value[0]) if node.op == "min" else (a.value[0] >= b.value[1])
            last = (b.value[1] <= a.value[0]) if node.op == "min" else (b.value[0] >= a.value[1])
            which = np.where(first, 1.0, np.where(last, 0.0, 0.5))
            found = _either(which, a, b, kinks, False)
            ends = np.minimum if node.op == "min" else np.maximum
            return Jet(ends(a.value, b.value), found.gradient, found.hessian)
    name = getattr(node.value, "__name__", node.op)
    raise NotApplicable(f"{name} is a Python callable: its range over an interval is not known")


def _negated(a: Jet) -> Jet:
    return Jet(
        _minus(a.value),
        None if a.gradient is None else _minus(a.gradient),
        None if a.hessian is None else _minus(a.hessian),
    )


def _applied_minus(a: Jet, b: Jet) -> Jet:
    other = _negated(b)
    return Jet(
        plus(a.value, other.value),
        _sum(a.gradient, other.gradient),
        _sum(a.hessian, other.hessian),
    )


def parameter(value: float) -> Array:
    """Return an interval (2, 1) that holds a parameter both as its float and as the decimal
    number that is written for it: 0.1 is no float, and either may be meant.

    Examples
    --------
    >>> [bool(end == 0.5) for end in parameter(0.5)[:, 0]]
    [True, True]
    >>> low, high = parameter(0.1)[:, 0]
    >>> bool(low < 0.1 < high)
    True
    """
    if Fraction(repr(float(value))) == Fraction(float(value)):
        return point(float(value))[:, None]
    return np.array([[np.nextafter(value, -np.inf)], [np.nextafter(value, np.inf)]])
