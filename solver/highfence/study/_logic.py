"""Conditions on parameters: made, decided, and brought into the shortest form.

A condition is a number into a table of nodes (:class:`Conditions`): a literal, which is an
inequality between polynomials, or a conjunction or disjunction of conditions. Equal conditions
are one node, so a condition is a graph that shares its parts.

Whether a condition can hold is decided by z3 (:class:`Decider`), in exact arithmetic. Many
questions have an easy answer: a point of a sample at which the condition holds with room for
rounding, which is exact too, because a float is a rational number.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ._inequalities import FLIPPED, NEGATED, Exponents, Polynomial, factors_of, primitive

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FALSE", "TRUE", "Conditions", "Decider", "Literal", "Model", "Undecided", "cover"]

TRUE, FALSE = 0, 1

Bound = Fraction | float
"""A rational, or an infinite float."""

SAMPLE = 2048
"""Points at which conditions are looked at before z3 is asked."""
ROUNDING = 1e-9
"""A polynomial further from 0 than this share of the sum of its terms' absolute values has its
sign for sure: float arithmetic loses about 1e-16 of that sum a term."""
QUESTIONS = 6
"""One question takes at most so much of the time: 1 / QUESTIONS."""
CORE = 4
"""Literals from which on it pays to ask z3 which of them matter."""
CORNERS = 10
"""Parameters up to which a multilinear polynomial is looked at in all corners of its box."""


class Undecided(Exception):
    """z3 gave up on a question; the reason is its own."""


@dataclass(frozen=True)
class Literal:
    """``polynomial relation 0``; relation is one of ``<  <=  >  >=``."""

    polynomial: int
    """Index into :attr:`Conditions.polynomials`."""
    relation: str


@dataclass
class Conditions:
    """A table of conditions over a box of parameter values."""

    low: tuple[Bound, ...]
    high: tuple[Bound, ...]
    polynomials: list[dict[Exponents, Fraction]] = field(default_factory=list)
    nodes: list[Literal | tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes += [("and", ()), ("or", ())]
        self._index: dict[Any, int] = {("and", ()): TRUE, ("or", ()): FALSE}
        self._number: dict[Any, int] = {}
        self._made: dict[Any, int] = {}
        self._negations: dict[int, int] = {TRUE: FALSE, FALSE: TRUE}

    @property
    def count(self) -> int:
        """Number of parameters."""
        return len(self.low)

    # -- making --------------------------------------------------------------------------------

    def compare(self, polynomial: Polynomial, relation: str) -> int:
        """Return the condition ``polynomial relation 0``, with what the box decides decided.

        Factors whose sign the box settles are dropped; a factor that may be 0 and otherwise
        has one sign becomes a condition of its own.
        """
        negated, scaled = primitive(polynomial)
        if negated:
            relation = FLIPPED[relation]
        if relation == "==":
            return self.all_of([self.compare(scaled, "<="), self.compare(scaled, ">=")])
        if relation == "!=":
            return self.any_of([self.compare(scaled, "<"), self.compare(scaled, ">")])
        key = (tuple(scaled.items()), relation)
        if key not in self._made:
            self._made[key] = self._compare(scaled, relation)
        return self._made[key]

    def _compare(self, polynomial: dict[Exponents, Fraction], relation: str) -> int:
        decided = self._decided(polynomial, relation)
        if decided is not None:
            return decided
        if max(map(sum, polynomial)) <= 1:
            return self._literal(polynomial, relation)
        weak = relation in ("<=", ">=")
        zeros: list[int] = []
        kept: list[dict[Exponents, Fraction]] = []
        factors = factors_of(polynomial, self.count)
        if len(factors) == 1 and factors[0][1] == 1:
            return self._literal(polynomial, relation)
        leading = reduce(lambda a, f: a * f[0][max(f[0])] ** f[1], factors, Fraction(1))
        sign = 1 if polynomial[max(polynomial)] / leading > 0 else -1
        for factor, power in factors:
            low, high = self.range(factor)
            if power % 2 and low < 0 < high:
                kept.append(factor)
                continue
            if power % 2 and high <= 0:
                sign = -sign
            if low <= 0 <= high:  # it may be 0, and then the product is
                equal = self.all_of([self.compare(factor, "<="), self.compare(factor, ">=")])
                zeros.append(equal if weak else self.negation(equal))
        if sign < 0:
            relation = FLIPPED[relation]
        if not kept:
            one = {(0,) * self.count: Fraction(1)}
            rest = self._decided(one, relation)
            assert rest is not None
        else:
            product_ = reduce(_times, kept)
            negated, scaled = primitive(product_)
            if negated:
                relation = FLIPPED[relation]
            decided = self._decided(scaled, relation)
            rest = self._literal(scaled, relation) if decided is None else decided
        return self.any_of([rest, *zeros]) if weak else self.all_of([rest, *zeros])

    def _decided(self, polynomial: Polynomial, relation: str) -> int | None:
        if relation in (">", ">="):
            negation = self._decided(polynomial, NEGATED[relation])
            return None if negation is None else self.negation(negation)
        low, high = self.range(polynomial)
        if (high <= 0) if relation == "<=" else (high < 0):
            return TRUE
        if (low > 0) if relation == "<=" else (low >= 0):
            return FALSE
        return None

    def range(self, polynomial: Polynomial) -> tuple[Bound, Bound]:
        """Return bounds of a polynomial over the box; the least ones if it is multilinear."""
        low: Bound = Fraction(0)
        high: Bound = Fraction(0)
        for exponents, coefficient in polynomial.items():
            below, above = self._monomial(exponents, coefficient)
            low, high = low + below, high + above
        if low >= 0 or high <= 0 or max(map(sum, polynomial), default=0) <= 1:
            return low, high
        used = [k for k in range(self.count) if any(e[k] for e in polynomial)]
        finite = all(math.isfinite(self.low[k]) and math.isfinite(self.high[k]) for k in used)
        multilinear = all(e <= 1 for exponents in polynomial for e in exponents)
        if multilinear and finite and len(used) <= CORNERS:
            values = []
            for corner in product(*((self.low[k], self.high[k]) for k in used)):
                at = dict(zip(used, corner, strict=True))
                total: Bound = Fraction(0)
                for exponents, coefficient in polynomial.items():
                    term: Bound = coefficient
                    for k in used:
                        if exponents[k]:
                            term = term * at[k]
                    total = total + term
                values.append(total)
            return min(values), max(values)
        return low, high

    def _monomial(self, exponents: Exponents, coefficient: Fraction) -> tuple[Bound, Bound]:
        low: Bound = coefficient
        high: Bound = coefficient
        for k, exponent in enumerate(exponents):
            if not exponent:
                continue
            ends = [_power(self.low[k], exponent), _power(self.high[k], exponent)]
            if exponent % 2 == 0 and self.low[k] < 0 < self.high[k]:
                ends = [Fraction(0), max(ends)]
            products = [_by(a, b) for a in (low, high) for b in ends]
            low, high = min(products), max(products)
        return low, high

    def _literal(self, polynomial: dict[Exponents, Fraction], relation: str) -> int:
        key = tuple(polynomial.items())
        if key not in self._number:
            self._number[key] = len(self.polynomials)
            self.polynomials.append(polynomial)
        return self._node(Literal(self._number[key], relation))

    def _node(self, node: Any) -> int:
        if node not in self._index:
            self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return self._index[node]

    def all_of(self, conditions: Iterable[int]) -> int:
        """Return the conjunction."""
        return self._joined("and", conditions, TRUE, FALSE)

    def any_of(self, conditions: Iterable[int]) -> int:
        """Return the disjunction."""
        return self._joined("or", conditions, FALSE, TRUE)

    def _joined(self, op: str, conditions: Iterable[int], neutral: int, final: int) -> int:
        found: dict[int, None] = {}
        for condition in conditions:
            if condition == final:
                return final
            if condition == neutral:
                continue
            node = self.nodes[condition]
            if isinstance(node, tuple) and node[0] == op:
                found.update(dict.fromkeys(node[1]))
            else:
                found[condition] = None
        if any(self._negations.get(condition, -1) in found for condition in found):
            return final
        other = "or" if op == "and" else "and"
        absorbed = [
            c
            for c in found
            if isinstance(node := self.nodes[c], tuple)
            and node[0] == other
            and any(part in found for part in node[1])
        ]
        for condition in absorbed:  # a and (a or b) is a
            del found[condition]
        if len(found) <= 1:
            return next(iter(found), neutral)
        return self._node((op, tuple(sorted(found))))

    def negation(self, condition: int) -> int:
        """Return the negation."""
        for at in self.below([condition]):
            if at in self._negations:
                continue
            node = self.nodes[at]
            if isinstance(node, Literal):
                made = self._node(Literal(node.polynomial, NEGATED[node.relation]))
            else:
                join = self.any_of if node[0] == "and" else self.all_of
                made = join([self._negations[part] for part in node[1]])
            self._negations[at] = made
            self._negations.setdefault(made, at)
        return self._negations[condition]

    def strict(self, condition: int) -> int:
        """Return the condition with every inequality strict: it holds without any tie."""
        made: dict[int, int] = {}
        for at in self.below([condition]):
            node = self.nodes[at]
            if isinstance(node, Literal):
                made[at] = self._node(Literal(node.polynomial, node.relation[0]))
            else:
                join = self.all_of if node[0] == "and" else self.any_of
                made[at] = join([made[part] for part in node[1]])
        return made[condition]

    # -- reading -------------------------------------------------------------------------------

    def below(self, roots: Iterable[int]) -> list[int]:
        """Return all nodes that the roots are made of, parts before what they are parts of."""
        done: dict[int, None] = {}
        stack = [(root, False) for root in roots]
        while stack:
            at, ready = stack.pop()
            if at in done:
                continue
            node = self.nodes[at]
            if ready or isinstance(node, Literal):
                done[at] = None
                continue
            stack.append((at, True))
            stack.extend((part, False) for part in node[1])
        return list(done)

    def literals(self, condition: int) -> list[int]:
        """Return the literals that a condition is made of."""
        return [at for at in self.below([condition]) if isinstance(self.nodes[at], Literal)]

    def literal(self, condition: int) -> Literal:
        """Return the literal of a node that is one."""
        node = self.nodes[condition]
        assert isinstance(node, Literal)
        return node

    def truth(self, condition: int, signs: Mapping[int, int]) -> bool:
        """Return whether a condition holds, given the signs of its polynomials."""
        made: dict[int, bool] = {}
        for at in self.below([condition]):
            node = self.nodes[at]
            if isinstance(node, Literal):
                made[at] = agrees(signs[node.polynomial], node.relation)
            else:
                parts = (made[part] for part in node[1])
                made[at] = all(parts) if node[0] == "and" else any(parts)
        return made[condition]

    def signs_at(self, condition: int, point: Sequence[Fraction]) -> dict[int, int]:
        """Return the sign of every polynomial of a condition at a point."""
        used = {self.literal(at).polynomial for at in self.literals(condition)}
        return {k: _sign(value_at(self.polynomials[k], point)) for k in used}

    def holds_at(self, condition: int, point: Sequence[Fraction]) -> bool:
        """Return whether a condition holds at a point, exactly."""
        return self.truth(condition, self.signs_at(condition, point))


def agrees(sign: int, relation: str) -> bool:
    """Return whether a number of this sign is so related to 0."""
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[relation]


def value_at(polynomial: Polynomial, point: Sequence[Fraction]) -> Fraction:
    """Return a polynomial's value at a point."""
    total = Fraction(0)
    for exponents, coefficient in polynomial.items():
        for value, exponent in zip(point, exponents, strict=True):
            if exponent:
                coefficient = coefficient * value**exponent
        total += coefficient
    return total


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def _times(a: Polynomial, b: Polynomial) -> dict[Exponents, Fraction]:
    made: dict[Exponents, Fraction] = {}
    for left, c in a.items():
        for right, d in b.items():
            key = tuple(x + y for x, y in zip(left, right, strict=True))
            made[key] = made.get(key, Fraction(0)) + c * d
    return {e: c for e, c in made.items() if c}


def _power(base: Bound, exponent: int) -> Bound:
    return base**exponent


def _by(a: Bound, b: Bound) -> Bound:
    return Fraction(0) if a == 0 or b == 0 else a * b


# ---------------------------------------------------------------------------------------------
# Deciding


@dataclass(frozen=True)
class Model:
    """A point at which a condition holds."""

    point: tuple[Any, ...]
    """A Fraction, or a real algebraic number of sympy, per parameter."""
    signs: Mapping[int, int]
    """The sign of each polynomial there."""

    @property
    def rational(self) -> bool:
        """True if all coordinates are rational."""
        return all(isinstance(value, Fraction) for value in self.point)


class Decider:
    """Answers whether conditions can hold in the box, and where.

    Parameters
    ----------
    conditions
        The table.
    start
        A point of the box that is looked at first: the preset's values.
    """

    def __init__(self, conditions: Conditions, start: Sequence[Fraction]) -> None:
        self.conditions = conditions
        self.start = tuple(start)
        self.points = self._sample(start)
        self._values: dict[int, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
        self._sure: dict[int, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
        self._terms: dict[Any, Any] = {}
        self.context: Any = None
        self._solver: Any = None
        self.minimal = True
        """False once z3 gave up on whether something is redundant, which was kept then."""
        self.asked = 0
        """Questions that z3 was asked."""
        self.left = float(limits.MAX_REGION_SECONDS)
        """Seconds that z3 may still take; set it anew for another region."""

    # -- the sample ----------------------------------------------------------------------------

    def _sample(self, start: Sequence[Fraction]) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        table = self.conditions
        columns = []
        for low, high, value in zip(table.low, table.high, start, strict=True):
            share = rng.random(SAMPLE)
            at, bottom, top = float(value), float(low), float(high)
            if math.isfinite(bottom) and math.isfinite(top):
                column = bottom + (top - bottom) * share
            else:
                reach = max(abs(at), 1.0) * share / (1 - share)
                below, above = math.isfinite(bottom), math.isfinite(top)
                side = rng.random(SAMPLE) < 0.5
                column = np.where(side & (not below), at - reach, at + reach)
                if below:
                    column = bottom + reach
                elif above:
                    column = top - reach
            # The float nearest to a bound may lie outside of it: points keep off both.
            middle = (bottom + top) / 2 if math.isfinite(bottom + top) else at
            column = np.where((column > bottom) & (column < top), column, middle)
            if low <= Fraction(at) <= high:
                column[0] = at
            columns.append(column)
        return np.stack(columns, axis=1) if columns else np.empty((SAMPLE, 0))

    def _signs(self, k: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where a polynomial of the table is surely negative, and surely positive."""
        if k not in self._values:
            total = np.zeros(len(self.points))
            size = np.zeros(len(self.points))
            for exponents, coefficient in self.conditions.polynomials[k].items():
                term = np.full(len(self.points), float(coefficient))
                for n, exponent in enumerate(exponents):
                    if exponent:
                        term = term * self.points[:, n] ** exponent
                total += term
                size += np.abs(term)
            margin = ROUNDING * size
            self._values[k] = (total < -margin, total > margin)
        return self._values[k]

    def sure(self, condition: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return at which points of the sample a condition surely holds, and surely does not."""
        for at in self.conditions.below([condition]):
            if at in self._sure:
                continue
            node = self.conditions.nodes[at]
            if isinstance(node, Literal):
                negative, positive = self._signs(node.polynomial)
                self._sure[at] = (
                    (negative, positive) if node.relation[0] == "<" else (positive, negative)
                )
                continue
            yes = np.full(len(self.points), node[0] == "and")
            no = ~yes
            for part in node[1]:
                its_yes, its_no = self._sure[part]
                if node[0] == "and":
                    yes, no = yes & its_yes, no | its_no
                else:
                    yes, no = yes | its_yes, no & its_no
            self._sure[at] = (yes, no)
        return self._sure[condition]

    def _model_of(self, row: int) -> Model:
        point = tuple(Fraction(x) for x in self.points[row].tolist())
        return Model(point, _Signs(self.conditions, point))

    # -- questions -----------------------------------------------------------------------------

    def find(self, *conditions: int) -> Model | None:
        """Return a point of the box at which all conditions hold, or None if there is none.

        Raises
        ------
        Undecided
            z3 gave up.
        """
        whole = self.conditions.all_of(conditions)
        if whole == FALSE:
            return None
        found = self.sampled(whole)
        return found if found is not None else self._ask(whole)

    def sampled(self, condition: int) -> Model | None:
        """Return a point of the sample at which a condition surely holds, or None."""
        yes, _ = self.sure(condition)
        row = int(np.argmax(yes))
        return self._model_of(row) if yes[row] else None

    def possible(self, *conditions: int) -> bool:
        """Return whether all conditions hold together somewhere in the box."""
        return self.find(*conditions) is not None

    def implied(self, condition: int, *given: int) -> bool:
        """Return whether a condition holds wherever the given ones do."""
        return not self.possible(*given, self.conditions.negation(condition))

    def superfluous(self, *conditions: int) -> bool:
        """Return whether conditions cannot hold together, so that what was left out of them is
        redundant; False, and not minimal, where z3 gives up."""
        try:
            return not self.possible(*conditions)
        except Undecided:
            self.minimal = False
            return False

    # -- z3 ------------------------------------------------------------------------------------

    def _solver_for(self, conditions: Sequence[int]) -> tuple[Any, bool]:
        """Return a solver that knows the box, and whether it is the shared one for what is
        linear, which is to be popped."""
        import z3

        if self.context is None:
            self.context = z3.Context()
            self._variables = [z3.Real(f"p{k}", self.context) for k in range(self.conditions.count)]
        used = {
            self.conditions.literal(at).polynomial
            for condition in conditions
            for at in self.conditions.literals(condition)
        }
        polynomials = [self.conditions.polynomials[k] for k in used]
        if any(max(map(sum, polynomial), default=0) > 1 for polynomial in polynomials):
            solver = z3.SolverFor("QF_NRA", ctx=self.context)
            solver.add(*self._box(self._occurring(used)))
            return solver, False
        if self._solver is None:
            self._solver = z3.SolverFor("QF_LRA", ctx=self.context)
            self._solver.add(*self._box(range(self.conditions.count)))
        self._solver.push()
        return self._solver, True

    def _check(self, solver: Any, *assumed: Any) -> Any:
        """Return z3's verdict, within the time that is left."""
        if self.left <= 0:
            raise Undecided("the time is up")
        self.asked += 1
        seconds = min(self.left, limits.MAX_REGION_SECONDS / QUESTIONS)
        solver.set("timeout", max(int(1000 * seconds), 1))
        began = time.monotonic()
        verdict = solver.check(*assumed)
        self.left -= time.monotonic() - began
        return verdict

    def _ask(self, condition: int) -> Model | None:
        import z3

        solver, shared = self._solver_for([condition])
        try:
            solver.add(self._term(condition))
            verdict = self._check(solver)
            if verdict == z3.unsat:
                return None
            if verdict != z3.sat:
                raise Undecided(solver.reason_unknown())
            return self._read(solver.model())
        finally:
            if shared:
                solver.pop()

    def core(self, literals: Iterable[int], against: int) -> set[int]:
        """Return literals of a set that cannot hold together with a condition; the whole set,
        where that is not quicker than to try them one by one."""
        import z3

        listed = sorted(literals)
        if len(listed) < CORE:
            return set(listed)
        solver, shared = self._solver_for([*listed, against])
        try:
            if not shared:
                return set(listed)
            solver.add(self._term(against))
            names = {}
            for at in listed:
                name = z3.Bool(f"a{at}", self.context)
                names[name.get_id()] = at
                solver.add(z3.Implies(name, self._term(at)))
            assumed = [z3.Bool(f"a{at}", self.context) for at in listed]
            if self._check(solver, *assumed) != z3.unsat:
                return set(listed)
            return {names[name.get_id()] for name in solver.unsat_core()}
        finally:
            if shared:
                solver.pop()

    def _occurring(self, used: Iterable[int]) -> list[int]:
        polynomials = [self.conditions.polynomials[k] for k in used]
        return [
            n
            for n in range(self.conditions.count)
            if any(exponents[n] for polynomial in polynomials for exponents in polynomial)
        ]

    def _box(self, which: Iterable[int]) -> list[Any]:
        made = []
        for k in which:
            low, high = self.conditions.low[k], self.conditions.high[k]
            if math.isfinite(low):
                made.append(self._variables[k] >= self._number(Fraction(low)))
            if math.isfinite(high):
                made.append(self._variables[k] <= self._number(Fraction(high)))
        return made

    def _number(self, value: Fraction) -> Any:
        import z3

        return z3.RealVal(str(value), self.context)

    def _term(self, condition: int) -> Any:
        import z3

        for at in self.conditions.below([condition]):
            if at in self._terms:
                continue
            node = self.conditions.nodes[at]
            if isinstance(node, Literal):
                whole = self._polynomial(node.polynomial)
                zero = self._number(Fraction(0))
                match node.relation:
                    case "<=":
                        made = whole <= zero
                    case "<":
                        made = whole < zero
                    case ">=":
                        made = whole >= zero
                    case _:
                        made = whole > zero
            elif not node[1]:
                made = z3.BoolVal(node[0] == "and", self.context)
            else:
                parts = [self._terms[part] for part in node[1]]
                made = z3.And(*parts) if node[0] == "and" else z3.Or(*parts)
            self._terms[at] = made
        return self._terms[condition]

    def _polynomial(self, k: int) -> Any:
        import z3

        key = ("polynomial", k)
        if key not in self._terms:
            terms = []
            for exponents, coefficient in self.conditions.polynomials[k].items():
                powers = [self._variables[n] for n, e in enumerate(exponents) for _ in range(e)]
                if coefficient != 1 or not powers:
                    powers.insert(0, self._number(coefficient))
                terms.append(powers[0] if len(powers) == 1 else z3.Product(*powers))
            self._terms[key] = terms[0] if len(terms) == 1 else z3.Sum(*terms)
        return self._terms[key]

    def _read(self, model: Any) -> Model:
        import z3

        point = []
        for k, variable in enumerate(self._variables):
            value = model[variable]
            if value is None:  # it does not matter
                point.append(self._anywhere(k))
            elif z3.is_rational_value(value):
                point.append(Fraction(value.numerator_as_long(), value.denominator_as_long()))
            else:
                point.append(_algebraic(value))
        made = tuple(point)
        if all(isinstance(value, Fraction) for value in made):
            return Model(made, _Signs(self.conditions, made))
        return Model(made, _SignsOf(self, model))

    def _anywhere(self, k: int) -> Fraction:
        return Fraction(float(self.points[0, k]))


def _algebraic(value: Any) -> Any:
    """Return a z3 algebraic number as sympy's."""
    import sympy

    coefficients = [
        sympy.Rational(c.numerator_as_long(), c.denominator_as_long()) for c in value.poly()
    ]
    return sympy.rootof(sympy.Poly(coefficients[::-1], sympy.Symbol("x")), value.index() - 1)


class _Signs(Mapping[int, int]):
    """Signs of the polynomials of a table at a rational point, worked out when asked for."""

    def __init__(self, conditions: Conditions, point: Sequence[Fraction]) -> None:
        self._conditions, self._point = conditions, point
        self._known: dict[int, int] = {}

    def __getitem__(self, k: int) -> int:
        if k not in self._known:
            self._known[k] = _sign(value_at(self._conditions.polynomials[k], self._point))
        return self._known[k]

    def __iter__(self) -> Any:
        return iter(range(len(self._conditions.polynomials)))

    def __len__(self) -> int:
        return len(self._conditions.polynomials)


class _SignsOf(Mapping[int, int]):
    """Signs of the polynomials of a table at a point with irrational coordinates."""

    def __init__(self, decider: Decider, model: Any) -> None:
        self._decider, self._model = decider, model

    def __getitem__(self, k: int) -> int:
        import z3

        value = self._model.eval(self._decider._polynomial(k), model_completion=True)
        zero = self._decider._number(Fraction(0))
        above, below = (z3.is_true(z3.simplify(test)) for test in (value > zero, value < zero))
        return int(above) - int(below)

    def __iter__(self) -> Any:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._decider.conditions.polynomials)


# ---------------------------------------------------------------------------------------------
# The shortest form


@dataclass(frozen=True)
class Cover:
    """A condition as ``(all of common, and all of one of the cases) or all of one of the ties``.

    Literals as nodes. Ties are cases without an inside, beside others that have one.
    """

    common: tuple[int, ...]
    cases: tuple[tuple[int, ...], ...]
    """Empty if the common ones suffice."""
    ties: tuple[tuple[int, ...], ...]
    complete: bool
    """False if there are more cases than the limit."""


def cover(decider: Decider, condition: int) -> Cover:
    """Return a condition, which can hold, as a union of cases without anything redundant.

    From a point at which the condition holds, the literals that hold there and suffice are
    gathered and reduced to a minimal set that implies the condition: a case. The next point is
    taken outside of the cases so far, first where no tie is needed, until there is none left.
    A case implied by the others is dropped, and what holds in all cases is taken out of them.

    Raises
    ------
    Undecided
        z3 gave up.
    """
    table = decider.conditions
    if decider.implied(condition, TRUE):
        return Cover((), (), (), True)
    found: list[list[tuple[int, ...]]] = []
    for wanted in (table.strict(condition), condition):
        cases: list[tuple[int, ...]] = []
        found.append(cases)
        while True:
            outside = [table.negation(table.all_of(case)) for part in found for case in part]
            model = decider.find(wanted, *outside)
            if model is None:
                break
            if sum(map(len, found)) >= limits.MAX_REGION_CASES:
                return _split(decider, condition, found[0], found[1] if found[1:] else [], False)
            case = _case(decider, condition, model)
            cases.append(case)
            if set(case) <= set(_needed(table, condition)):
                # What is needed in any case suffices: there is no other case.
                return Cover(_ordered(decider, case), (), (), True)
    proper, ties = found
    if not proper:
        proper, ties = ties, []
    proper = _without_implied(decider, proper, [])
    ties = _without_implied(decider, ties, proper)
    return _split(decider, condition, proper, ties, True)


def _needed(table: Conditions, condition: int) -> tuple[int, ...]:
    """Return the literals whose conjunction with other things the condition is."""
    node = table.nodes[condition]
    if isinstance(node, Literal):
        return (condition,)
    if node[0] == "or":
        return ()
    return tuple(part for part in node[1] if isinstance(table.nodes[part], Literal))


def _complexity(table: Conditions, at: int) -> tuple[int, ...]:
    """Return what literals are ranked by: those with less in them are kept rather."""
    polynomial = table.polynomials[table.literal(at).polynomial]
    used = sum(any(e[k] for e in polynomial) for k in range(table.count))
    return max(map(sum, polynomial)), used, len(polynomial), at


def _ordered(decider: Decider, literals: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(literals, key=lambda at: _complexity(decider.conditions, at)))


def _case(decider: Decider, condition: int, model: Model) -> tuple[int, ...]:
    """Return a minimal set of literals that hold at a point and imply the condition."""
    table = decider.conditions
    against = table.negation(condition)
    kept = list(_ordered(decider, decider.core(_sufficient(table, condition, model), against)))
    for at in reversed(kept.copy()):
        rest = [other for other in kept if other != at]
        if decider.superfluous(*rest, table.negation(at)) or decider.superfluous(*rest, against):
            kept = rest
    return tuple(kept)


def _sufficient(table: Conditions, condition: int, model: Model) -> set[int]:
    """Return few literals that hold at a point and make the condition true."""
    chosen: dict[int, frozenset[int]] = {}
    for at in table.below([condition]):
        node = table.nodes[at]
        if isinstance(node, Literal):
            if agrees(model.signs[node.polynomial], node.relation):
                chosen[at] = frozenset((at,))
        elif node[0] == "and":
            if all(part in chosen for part in node[1]):
                chosen[at] = frozenset().union(*(chosen[part] for part in node[1]))
        else:
            ways = [chosen[part] for part in node[1] if part in chosen]
            if ways:
                chosen[at] = min(ways, key=lambda way: (len(way), sorted(way)))
    return set(chosen[condition])


def _without_implied(
    decider: Decider, cases: list[tuple[int, ...]], beside: list[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """Return the cases without those that the others, and those beside them, imply."""
    table = decider.conditions
    kept = sorted(cases, key=len)
    for case in reversed(kept.copy()):
        others = [other for other in [*kept, *beside] if other != case]
        uncovered = [table.negation(table.all_of(other)) for other in others]
        if others and decider.superfluous(*case, *uncovered):
            kept.remove(case)
    return kept


def _split(
    decider: Decider,
    condition: int,
    cases: list[tuple[int, ...]],
    ties: list[tuple[int, ...]],
    complete: bool,
) -> Cover:
    """Take what holds in all cases out of them."""
    table = decider.conditions
    shown = tuple(_ordered(decider, case) for case in ties)
    if len(cases) == 1 and complete:
        return Cover(_ordered(decider, cases[0]), (), shown, True)
    union = table.any_of(map(table.all_of, cases))
    every = dict.fromkeys(at for case in cases for at in case)
    common = [
        at for at in _ordered(decider, every) if decider.superfluous(union, table.negation(at))
    ]
    for at in reversed(common.copy()):
        rest = [other for other in common if other != at]
        if decider.superfluous(*rest, table.negation(at)):
            common = rest
    against = table.negation(condition)
    shorter: list[tuple[int, ...]] = []
    for case in cases:
        kept = [at for at in _ordered(decider, case) if at not in common]
        for at in reversed(kept.copy()):
            rest = [other for other in kept if other != at]
            if decider.superfluous(*common, *rest, against):
                kept = rest
        shorter.append(tuple(kept))
    if any(not case for case in shorter):
        return Cover(tuple(common), (), shown, complete)
    # A case may now say what a common condition says, and more.
    for at in reversed(common.copy()):
        rest = [other for other in common if other != at]
        remaining = table.any_of(map(table.all_of, shorter))
        if decider.superfluous(*rest, remaining, table.negation(at)):
            common = rest
    return Cover(tuple(common), tuple(dict.fromkeys(shorter)), shown, complete)
