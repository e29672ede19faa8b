"""All solutions of first-order conditions: by elimination where they are polynomial, else by
branch and prune.

A *face* says of every decision whether it is at the low end of its interval (-1), inside (0), or
at the high end (1). On a face, the conditions are: the payoff's derivative is zero for what is
inside, not positive at a low end, not negative at a high one (Karush 1939; Kuhn and Tucker 1951).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import LimitExceeded, NotApplicable
from ..forms.ranges import jets, parameter
from ..forms.staged import IntervalMove, StagedForm, substitute
from ..forms.symbolic import symbol, to_sympy
from ..spec.formulas import Expr, constant, order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Face = tuple[int, ...]

__all__ = ["Conditions", "Found", "eliminated", "fits", "pruned"]

ROOTS = 100
"""Most complex solutions (the product of the degrees) for which elimination is tried."""
COMBINATIONS = 20_000
"""Most combinations of single coordinates' roots that are tried."""
INFLATED = 0.1
"""Share of a box by which it is widened where a solution in it is looked for: one that lies on
the border between two boxes is then inside both."""
NARROWEST = 1e-7
"""Share of the intervals below which a box is not halved again."""
SLOPE = 1e-9
"""Derivatives at ends of intervals below this share of the largest one seen count as zero."""
TRIED = (0.0, 1e-3, 0.03, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of an interval at which actions are tried that may be better than a whole box."""
ROUNDING = 1e-13
"""What floating-point linear algebra on boxes is widened by, relative to the sizes added up."""


@dataclass
class Found:
    """What a search came to."""

    points: list[Array] = field(default_factory=list)
    """Solutions, each (decisions,)."""
    undecided: list[Array] = field(default_factory=list)
    """Boxes (2, decisions) of which it is not known whether they hold solutions."""
    exhausted: bool = False
    """A limit was reached before all was searched."""


class Conditions:
    """The first-order conditions of a game in which all decide at once."""

    def __init__(self, form: StagedForm) -> None:
        self.form = form
        block = form.blocks[0]
        row = form.root
        self.moves: tuple[IntervalMove, ...] = block.intervals
        self.names = [move.name for move in self.moves]
        self.low = np.array([float(move.low.read(row)[0]) for move in self.moves])
        self.high = np.array([float(move.high.read(row)[0]) for move in self.moves])
        self.width = self.high - self.low
        self.free = [k for k in range(len(self.moves)) if self.width[k] > 0]
        self.actions = [move.actions(row)[0][0] for move in block.finite]
        values: dict[str, Expr] = {}
        for k, name in enumerate(form.plan.names):
            if name not in self.names:
                values[name] = constant(Fraction(repr(float(row[0, k]))))
        for move, action in zip(block.finite, self.actions, strict=True):
            values[move.name] = constant(action)
        for k, name in enumerate(self.names):
            if k not in self.free:
                values[name] = constant(Fraction(float(self.low[k])))
        self._values = values
        self.payoffs = self.placed(form.payoffs)
        self.inputs = {name: parameter(float(row[0, k])) for k, name in enumerate(form.plan.names)}
        self._expressions: dict[int, Any] = {}

    def placed(self, roots: Sequence[Expr]) -> list[Expr]:
        """Return expressions in the decisions alone: all else is put in as numbers."""
        return substitute(roots, self._values)

    def faces(self) -> Iterator[Face]:
        """Yield every face: the inside of all intervals first."""
        options = [(0, -1, 1) if k in self.free else (-1,) for k in range(len(self.moves))]
        yield from product(*options)

    def face_box(self, face: Face) -> Array:
        """Return a face as a box (2, decisions)."""
        side = np.array(face)
        return np.stack(
            [np.where(side > 0, self.high, self.low), np.where(side < 0, self.low, self.high)]
        )

    def derivatives(self, boxes: Array, degree: int = 2) -> tuple[Array, Array]:
        """Return ranges over boxes (2, n, decisions) of each decision's derivative of its owner's
        payoff, (2, n, decisions), and of that one's derivatives, (2, n, decisions, decisions)."""
        n, m = boxes.shape[1:]
        inputs = dict(self.inputs)
        for k, name in enumerate(self.names):
            inputs[name] = boxes[:, :, k]
        slopes, bends = np.zeros((2, n, m)), np.zeros((2, n, m, m))
        for player in sorted({move.player for move in self.moves}):
            (found,) = jets([self.payoffs[player]], inputs, self.names, degree)
            for k, move in enumerate(self.moves):
                if move.player == player:
                    slopes[:, :, k] = found.slopes(m)[:, :, k]
                    if degree > 1:
                        bends[:, :, k] = found.bends(m)[:, :, k]
        return slopes, bends

    def beaten(self, boxes: Array) -> NDArray[np.bool_]:
        """Return for boxes (2, n, decisions) whether somebody gains, wherever in the box, from
        moving to one of a few actions."""
        inputs = dict(self.inputs)
        for k, name in enumerate(self.names):
            inputs[name] = boxes[:, :, k]
        found = np.zeros(boxes.shape[1], bool)
        for k in self.free:
            payoff = self.payoffs[self.moves[k].player]
            (now,) = jets([payoff], inputs)
            for share in TRIED:
                there = np.full((2, 1), self.low[k] + share * self.width[k])
                (then,) = jets([payoff], inputs | {self.names[k]: there})
                found |= then.value[0] > now.value[1]
        return found

    def allows(self, point: Array) -> bool:
        """Return whether actions at ends of intervals are kept there, up to rounding."""
        slopes = self.derivatives(point[None, None].repeat(2, axis=0), 1)[0][:, 0]
        size = SLOPE * max(1e-300, float(np.max(np.abs(slopes[:, self.free]), initial=0.0)))
        for k in self.free:
            if point[k] <= self.low[k] and slopes[0, k] > size:
                return False
            if point[k] >= self.high[k] and slopes[1, k] < -size:
                return False
        return True

    # -- polynomials -----------------------------------------------------------------------------

    def expression(self, k: int) -> tuple[Any, Any]:
        """Return numerator and denominator of a decision's derivative, as sympy polynomials in
        the decisions that are not fixed.

        Raises
        ------
        NotApplicable
            It is no quotient of polynomials.
        """
        import sympy

        if k not in self._expressions:
            own = self.payoffs[self.moves[k].player]
            kinks = {"where", "min", "max", "abs", "lt", "le", "eq", "ne", "exp", "log", "call"}
            if kinks & operations(own):
                raise NotApplicable("the payoffs are no quotients of polynomials")
            symbols = [symbol(self.names[j]) for j in self.free]
            slope = sympy.together(sympy.diff(to_sympy(own), symbol(self.names[k])))
            try:
                made = tuple(
                    sympy.Poly(part, *symbols, domain="QQ") for part in sympy.fraction(slope)
                )
            except sympy.polys.polyerrors.PolynomialError as error:
                raise NotApplicable("the payoffs are no quotients of polynomials") from error
            except sympy.polys.polyerrors.CoercionFailed as error:
                raise NotApplicable("the payoffs are not rational") from error
            self._expressions[k] = made
        found: tuple[Any, Any] = self._expressions[k]
        return found


def operations(root: Expr) -> set[str]:
    """Return the operations that an expression uses."""
    return {node.op for node in order([root])}


# ---------------------------------------------------------------------------------------------
# Elimination


def eliminated(conditions: Conditions, face: Face) -> list[Array] | None:
    """Return all points of a face at which the derivatives of what is inside are zero, or None
    if elimination does not tell: the conditions are no polynomials, or too large, or hold on a
    curve.

    Notes
    -----
    A Groebner basis gives the matrices of multiplication by every coordinate; the roots of their
    characteristic polynomials hold the coordinates of all solutions (Cox, Little and O'Shea 2005,
    sec. 2.4). They are isolated by ball arithmetic, and every combination is tried. So none is
    missed, multiple ones included. Conditions at the ends are not looked at.
    """
    inside = [k for k in range(len(face)) if face[k] == 0]
    box = conditions.face_box(face)
    if not inside:
        return [box[0].copy()]
    try:
        parts = [conditions.expression(k) for k in inside]
    except (NotApplicable, LimitExceeded):
        return None
    at_end = {
        symbol(conditions.names[k]): _rational(box[0, k]) for k in conditions.free if face[k] != 0
    }
    names = [symbol(conditions.names[k]) for k in inside]
    numerators = [_placed(top, at_end, names) for top, _ in parts]
    denominators = [_placed(bottom, at_end, names) for _, bottom in parts]
    if any(bottom.is_zero for bottom in denominators):
        return []  # undefined on the whole face
    if any(top.is_ground and not top.is_zero for top in numerators):
        return []
    values = _linear(numerators, names)
    if values is None:
        values = _polynomial(numerators, denominators, names, box[:, inside])
    if values is None:
        return None
    found = []
    for value in values:
        here = box[0].copy()
        here[inside] = value
        strictly = (here[inside] > box[0, inside]) & (here[inside] < box[1, inside])
        if strictly.all():
            found.append(here)
    return found


def _rational(value: float) -> Any:
    import sympy

    exact = Fraction(float(value))
    return sympy.Rational(exact.numerator, exact.denominator)


def _placed(polynomial: Any, at_end: dict[Any, Any], names: list[Any]) -> Any:
    import sympy

    for name, value in at_end.items():
        if name in polynomial.gens and len(polynomial.gens) > 1:
            polynomial = polynomial.eval(name, value)
    return sympy.Poly(polynomial.as_expr(), *names, domain="QQ")


def _linear(polynomials: Sequence[Any], names: list[Any]) -> list[Array] | None:
    """Return the only solution of linear equations; None if they are not, or are singular."""
    from flint import fmpq, fmpq_mat

    if any(p.total_degree() > 1 for p in polynomials):
        return None

    def number(value: Any) -> Any:
        return fmpq(int(value.p), int(value.q))

    d = len(names)
    rows, right = [], []
    for p in polynomials:
        rows += [number(p.coeff_monomial(name)) for name in names]
        right.append(-number(p.coeff_monomial(1)))
    try:
        solved = fmpq_mat(d, d, rows).solve(fmpq_mat(d, 1, right))
    except ZeroDivisionError:
        return None
    return [np.array([int(x.p) / int(x.q) for x in solved.entries()])]


def _polynomial(
    numerators: list[Any], denominators: list[Any], names: list[Any], box: Array
) -> list[Array] | None:
    """Return all solutions inside a box (2, d) of polynomial equations; None if not found out."""
    import sympy

    if float(np.prod([float(p.total_degree()) for p in numerators])) > ROOTS:
        return None
    variables = list(names)
    basis = sympy.groebner(numerators, *variables, order="grevlex")
    if not basis.is_zero_dimensional:
        # Where a denominator is zero nothing is a solution: t * denominator = 1 takes that away.
        extra = sympy.Dummy("t")
        bottom = sympy.Integer(1)
        for p in {p.as_expr() for p in denominators if not p.is_ground}:
            bottom *= p
        if bottom == 1:
            return None
        variables.append(extra)
        equations = [*(p.as_expr() for p in numerators), extra * bottom - 1]
        basis = sympy.groebner(equations, *variables, order="grevlex")
    if basis.exprs == [1]:
        return []
    if not basis.is_zero_dimensional:
        return None
    matrices = _multiplications(basis, variables, len(names))
    if matrices is None:
        return None
    coordinates = []
    for k, matrix in enumerate(matrices):
        roots = _real_roots(matrix, box[0, k], box[1, k])
        coordinates.append(roots)
    if float(np.prod([float(len(roots)) for roots in coordinates])) > COMBINATIONS:
        return None
    return _combined(numerators, denominators, coordinates)


def _multiplications(basis: Any, variables: list[Any], wanted: int) -> list[Any] | None:
    """Return the matrices of multiplication by the first ``wanted`` variables modulo an ideal."""
    import sympy
    from flint import fmpq, fmpq_mat

    leading = [p.monoms(order=sympy.polys.orderings.grevlex)[0] for p in basis.polys]

    def standard(monomial: tuple[int, ...]) -> bool:
        return not any(all(a >= b for a, b in zip(monomial, lead, strict=True)) for lead in leading)

    first = (0,) * len(variables)
    monomials, edge = [first], [first]
    while edge:
        grown = []
        for monomial in edge:
            for k in range(len(variables)):
                more = (*monomial[:k], monomial[k] + 1, *monomial[k + 1 :])
                if more not in monomials and standard(more):
                    monomials.append(more)
                    grown.append(more)
        edge = grown
        if len(monomials) > 2 * ROOTS:
            return None
    place = {monomial: n for n, monomial in enumerate(monomials)}
    size = len(monomials)
    matrices = []
    for k in range(wanted):
        entries = [[fmpq(0)] * size for _ in range(size)]
        for column, monomial in enumerate(monomials):
            more = (*monomial[:k], monomial[k] + 1, *monomial[k + 1 :])
            if more in place:
                entries[place[more]][column] = fmpq(1)
                continue
            power = sympy.Integer(1)
            for variable, exponent in zip(variables, more, strict=True):
                power *= variable**exponent
            _, rest = basis.reduce(power)
            for terms, value in sympy.Poly(rest, *variables, domain="QQ").terms():
                if terms in place:
                    entries[place[terms]][column] = fmpq(int(value.p), int(value.q))
        matrices.append(fmpq_mat(size, size, [x for line in entries for x in line]))
    return matrices


PRECISION = 200
"""Bits to which coordinates are isolated."""


def _real_roots(matrix: Any, low: float, high: float) -> list[Any]:
    """Return the real eigenvalues of a rational matrix in an interval, as balls."""
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = PRECISION
    try:
        roots = matrix.charpoly().numer().complex_roots()
        found = [root.real for root, _ in roots if root.imag == 0]
        margin = 1e-9 * (high - low)
        return [x for x in found if low - margin <= float(x.mid()) <= high + margin]
    finally:
        flint.ctx.prec = before


def _combined(
    numerators: list[Any], denominators: list[Any], coordinates: list[list[Any]]
) -> list[Array]:
    """Return the combinations of coordinates at which all numerators may be zero and no
    denominator is."""
    import flint

    before = flint.ctx.prec
    flint.ctx.prec = PRECISION
    try:
        tops = [_terms(p) for p in numerators]
        bottoms = [_terms(p) for p in denominators]
        found = []
        for combination in product(*coordinates):
            if all(_zero(terms, combination) for terms in tops) and not any(
                _zero(terms, combination) for terms in bottoms
            ):
                found.append(np.array([float(x.mid()) for x in combination]))
        return found
    finally:
        flint.ctx.prec = before


def _terms(polynomial: Any) -> list[tuple[tuple[int, ...], Any]]:
    from flint import fmpq

    return [(powers, fmpq(int(value.p), int(value.q))) for powers, value in polynomial.terms()]


def _zero(terms: list[tuple[tuple[int, ...], Any]], point: Sequence[Any]) -> bool:
    """Return whether a polynomial may be zero at balls."""
    from flint import arb

    total = arb(0)
    size = arb(0)
    for powers, value in terms:
        part = arb(value)
        for x, exponent in zip(point, powers, strict=True):
            if exponent:
                part *= x**exponent
        total += part
        size += abs(part)
    # Balls of multiple roots are wide, and those of exact ones have no width at all.
    return bool(total.contains(0)) or bool(abs(total) < size * arb(2) ** (-PRECISION // 4))


# ---------------------------------------------------------------------------------------------
# Branch and prune


def pruned(conditions: Conditions, faces: Sequence[Face], most: int | None = None) -> Found:
    """Return all solutions on some faces, found by discarding boxes that can hold none.

    Notes
    -----
    Solutions that are no equilibria may be left out. A box is discarded where interval arithmetic
    shows a derivative away from zero (or of the wrong sign at an end), a payoff strictly convex in
    an own action, or an action that is better for somebody than all of the box; Krawczyk's test
    shows that it holds no solution, or exactly one, which Newton's method then finds (Neumaier
    1990, ch. 5). What is left at :data:`NARROWEST` is undecided: mostly around solutions that are
    not isolated.
    """
    room = limits.MAX_BOXES if most is None else most
    found = Found()
    sides = np.array(faces, dtype=np.int64).reshape(len(faces), len(conditions.moves))
    boxes = np.stack([conditions.face_box(face) for face in faces], axis=1)
    seen = 0
    with np.errstate(all="ignore"):
        while boxes.shape[1]:
            seen += boxes.shape[1]
            if seen > room:
                found.undecided += [boxes[:, n] for n in range(boxes.shape[1])]
                found.exhausted = True
                return found
            boxes, sides = _round(conditions, boxes, sides, found)
    return found


def _round(
    conditions: Conditions, boxes: Array, sides: NDArray[np.int64], found: Found
) -> tuple[Array, NDArray[np.int64]]:
    """Look at boxes (2, n, decisions) once; return those that are left, halved."""
    slopes, bends = conditions.derivatives(boxes)
    d = np.arange(len(conditions.moves))
    fixed = ~np.isin(d, conditions.free)
    zero = (slopes[0] <= 0) & (slopes[1] >= 0)
    hollow = bends[0][:, d, d] > 0
    possible = np.where(
        sides == 0, zero & ~hollow, np.where(sides < 0, slopes[0] <= 0, slopes[1] >= 0)
    )
    live = (possible | fixed).all(axis=1)
    boxes, sides = boxes[:, live], sides[live]
    if not boxes.shape[1]:
        return boxes, sides
    live = ~conditions.beaten(boxes)
    boxes, sides = boxes[:, live], sides[live]
    if not boxes.shape[1]:
        return boxes, sides
    corner = (sides != 0).all(axis=1)
    for n in np.flatnonzero(corner):
        found.points.append(boxes[0, n].copy())
    boxes, sides = boxes[:, ~corner], sides[~corner]
    if not boxes.shape[1]:
        return boxes, sides
    boxes, empty, unique = _tested(conditions, boxes, sides)
    for n in np.flatnonzero(unique & ~empty):
        point = _newton(conditions, boxes[:, n].mean(axis=0), sides[n])
        if point is None:
            unique[n] = False
        elif _within(conditions, point, sides[n]) and not any(
            (np.abs(point - other) <= 1e-9 * np.maximum(conditions.width, 1e-300)).all()
            for other in found.points
        ):
            found.points.append(point)
    left = ~(empty | unique)
    boxes, sides = boxes[:, left], sides[left]
    share = (boxes[1] - boxes[0]) / np.where(fixed, 1.0, conditions.width)
    small = (share <= NARROWEST).all(axis=1)
    found.undecided += [boxes[:, n] for n in np.flatnonzero(small)]
    boxes, sides, share = boxes[:, ~small], sides[~small], share[~small]
    line, side = np.arange(boxes.shape[1]), np.argmax(share, axis=1)
    cut = boxes[:, line, side].mean(axis=0)
    lower, upper = boxes.copy(), boxes.copy()
    lower[1, line, side] = cut
    upper[0, line, side] = cut
    return np.concatenate([lower, upper], axis=1), np.concatenate([sides, sides])


def _within(conditions: Conditions, point: Array, sides: NDArray[np.int64]) -> bool:
    inside = sides == 0
    slack = 1e-12 * conditions.width
    return bool(
        ((point >= conditions.low - slack) & (point <= conditions.high + slack))[inside].all()
    )


def _tested(
    conditions: Conditions, boxes: Array, sides: NDArray[np.int64]
) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return boxes, tightened, and for each whether it holds no solution, and whether, widened,
    it holds exactly one."""
    m = boxes.shape[2]
    inside = sides == 0
    half = (boxes[1] - boxes[0]) / 2
    center = np.clip(boxes.mean(axis=0), boxes[0], boxes[1])
    wide = np.where(inside, half * (1 + INFLATED) + 1e-300, 0.0)
    held = ~inside
    large = np.stack([center - wide, center + wide])
    at_center = np.stack([center, center])
    slopes, _ = conditions.derivatives(at_center, 1)
    _, bends = conditions.derivatives(large)
    identity = np.eye(m)
    bends = np.where(held[None, :, :, None], identity[None, None], bends)
    slopes = np.where(held[None], 0.0, slopes)
    # Columns of what is held do not matter: it does not move.
    bends = np.where((inside[:, :, None] & held[:, None, :])[None], 0.0, bends)
    middle = bends.mean(axis=0)
    radius = (bends[1] - bends[0]) / 2
    usable = np.isfinite(middle).all(axis=(1, 2)) & np.isfinite(radius).all(axis=(1, 2))
    usable &= np.isfinite(slopes).all(axis=(0, 2))
    safe = np.where(usable[:, None, None], middle, identity)
    usable &= np.abs(np.linalg.det(_scaled(safe))) > 1e-12
    safe = np.where(usable[:, None, None], middle, identity)
    inverse = np.linalg.inv(safe)
    size = np.abs(inverse)
    rate = np.abs(identity - inverse @ safe) + size @ radius
    rate += ROUNDING * (size @ np.abs(safe) + identity)
    step = np.einsum("nij,nj->ni", inverse, slopes.mean(axis=0))
    blur = np.einsum("nij,nj->ni", size, (slopes[1] - slopes[0]) / 2)
    blur += ROUNDING * (np.abs(center) + np.einsum("nij,nj->ni", size, np.abs(slopes[0])))
    new = center - step
    spread = np.einsum("nij,nj->ni", rate, wide) + blur
    low, high = new - spread, new + spread
    usable &= np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    proper = inside & usable[:, None]
    empty = (proper & ((low > large[1]) | (high < large[0]))).any(axis=1)
    one = usable & (~inside | ((low > large[0]) & (high < large[1]))).all(axis=1)
    tight = boxes.copy()
    tight[0] = np.where(proper, np.maximum(boxes[0], low), boxes[0])
    tight[1] = np.where(proper, np.minimum(boxes[1], high), boxes[1])
    gone = (tight[0] > tight[1]).any(axis=1)
    tight = np.where(gone[None, :, None], boxes, tight)
    # One that lies in the widened box alone belongs to the neighbor.
    return tight, empty | (gone & ~one), one


def _scaled(matrices: Array) -> Array:
    """Return matrices with rows of size one, so that a determinant says how singular they are."""
    size = np.abs(matrices).max(axis=2, keepdims=True)
    scaled: Array = matrices / np.where(size > 0, size, 1.0)
    return scaled


def _newton(conditions: Conditions, point: Array, sides: NDArray[np.int64]) -> Array | None:
    """Return the solution near a point, or None if Newton's method does not come to rest."""
    inside = np.flatnonzero(sides == 0)
    width = conditions.width[inside]
    for _ in range(50):
        slopes, bends = conditions.derivatives(point[None, None].repeat(2, axis=0))
        matrix = bends.mean(axis=0)[0][np.ix_(inside, inside)]
        try:
            step = np.linalg.solve(matrix, slopes.mean(axis=0)[0, inside])
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all():
            return None
        point = point.copy()
        point[inside] -= step
        if (np.abs(step) <= 1e-15 * np.maximum(width, np.abs(point[inside]))).all():
            break
    else:
        if not (np.abs(step) <= 1e-10 * width).all():
            return None
    slack = 1e-12 * conditions.width
    near = (point >= conditions.low - slack) & (point <= conditions.high + slack)
    return np.where(near, np.clip(point, conditions.low, conditions.high), point)


def fits(form: StagedForm) -> bool:
    """Return whether all decide at once over intervals, by formulas, with no finite choice."""
    if len(form.blocks) != 1:
        return False
    block = form.blocks[0]
    if block.chance is not None or not block.intervals:
        return False
    if any(len(move.actions(form.root)[0]) != 1 for move in block.finite):
        return False
    return all("call" not in operations(payoff) for payoff in form.payoffs)
