"""Inequalities between polynomials of parameters, brought into one form and written down.

A polynomial is a mapping from exponents (one per parameter, in their order) to a rational
coefficient, none of them 0. What is written has the terms with a plus sign on either side:
parameters that stand alone and linearly on one, what is left, in factors, on the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import Any

__all__ = ["Inequality", "Polynomial", "factors_of", "primitive", "shown"]

Exponents = tuple[int, ...]
Polynomial = Mapping[Exponents, Fraction]
Term = tuple[Fraction, tuple[tuple["str | tuple[Any, ...]", int], ...]]
"""A coefficient, and powers of names or of sums of terms."""

FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "==", "!=": "!="}
NEGATED = {"<=": ">", "<": ">=", ">=": "<", ">": "<=", "==": "!=", "!=": "=="}
LATEX = {"<=": r"\le", "<": "<", ">=": r"\ge", ">": ">", "==": "=", "!=": r"\ne"}
SHORT = 8
"""Digits up to which a rational is written as a decimal."""


def shown(value: Fraction) -> str:
    """Return a rational as a decimal if it ends shortly, else as a fraction.

    Examples
    --------
    >>> shown(Fraction(37, 100)), shown(Fraction(-1, 3)), shown(Fraction(5))
    ('0.37', '-1/3', '5')
    """
    rest = value.denominator
    places = 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    for prime in (2, 5):
        while rest % prime == 0:
            rest, places = rest // prime, places + 1
    if rest != 1 or places > SHORT or value.denominator == 1:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}".rstrip("0")


def _is_short(value: Fraction) -> bool:
    return "/" not in shown(value)


def primitive(polynomial: Polynomial) -> tuple[bool, dict[Exponents, Fraction]]:
    """Return the polynomial with coprime whole coefficients, the first positive; and if it
    was negated for that. Zero is returned as it is."""
    if not polynomial:
        return False, {}
    below = lcm(*(c.denominator for c in polynomial.values()))
    above = gcd(*(c.numerator * (below // c.denominator) for c in polynomial.values()))
    ordered = sorted(polynomial, reverse=True)
    negated = polynomial[ordered[0]] < 0
    scale = Fraction(-below if negated else below, above)
    return negated, {exponents: polynomial[exponents] * scale for exponents in ordered}


def factors_of(polynomial: Polynomial, count: int) -> list[tuple[dict[Exponents, Fraction], int]]:
    """Return the irreducible factors over the rationals, each primitive, with multiplicities.

    The constant factor is left out: the sign of the product may differ from the polynomial's.
    """
    common = tuple(min(e[k] for e in polynomial) for k in range(count))
    found = [
        ({tuple(int(k == n) for n in range(count)): Fraction(1)}, power)
        for k, power in enumerate(common)
        if power
    ]
    rest = {
        tuple(a - b for a, b in zip(exponents, common, strict=True)): c
        for exponents, c in polynomial.items()
    }
    if len(rest) == 1:
        return found
    if max(map(sum, rest)) == 1:
        return [*found, (primitive(rest)[1], 1)]
    from sympy import QQ
    from sympy.polys.rings import ring

    used = [k for k in range(count) if any(e[k] for e in rest)]
    domain, *_ = ring([f"x{k}" for k in used], QQ)
    small = {
        tuple(e[k] for k in used): QQ(int(c.numerator), int(c.denominator)) for e, c in rest.items()
    }
    for factor, power in domain.from_dict(small).factor_list()[1]:
        made = {}
        for exponents, c in factor.items():
            full = [0] * count
            for k, exponent in zip(used, exponents, strict=True):
                full[k] = int(exponent)
            made[tuple(full)] = Fraction(int(QQ.numer(c)), int(QQ.denom(c)))
        found.append((primitive(made)[1], int(power)))
    return found


@dataclass(frozen=True)
class Inequality:
    """``polynomial relation 0`` over named parameters.

    Use :meth:`text`, :meth:`latex` and :meth:`python` to print it, :meth:`holds` to test it.
    """

    names: tuple[str, ...]
    """The parameters, in the order of the exponents."""
    terms: tuple[tuple[Exponents, Fraction], ...]
    """Exponents and coefficient of every term; coprime whole numbers, the first positive."""
    relation: str
    """``<=``, ``<``, ``>=``, ``>``, ``==`` or ``!=``."""

    @classmethod
    def of(cls, names: Sequence[str], polynomial: Polynomial, relation: str) -> Inequality:
        """Return ``polynomial relation 0``, scaled to coprime whole coefficients."""
        negated, scaled = primitive(polynomial)
        return cls(tuple(names), tuple(scaled.items()), FLIPPED[relation] if negated else relation)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The parameters that it is about."""
        return tuple(
            name
            for k, name in enumerate(self.names)
            if any(exponents[k] for exponents, _ in self.terms)
        )

    @property
    def negation(self) -> Inequality:
        """The inequality that holds where this one does not."""
        return Inequality(self.names, self.terms, NEGATED[self.relation])

    @property
    def order(self) -> tuple[Any, ...]:
        """What inequalities are sorted by: how many parameters, which, degree, and text."""
        which = tuple(self.names.index(name) for name in self.used)
        return len(which), which, max(sum(e) for e, _ in self.terms), self.text()

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the polynomial's value; exact for Fractions, vectorized for arrays."""
        total: Any = 0
        for exponents, coefficient in self.terms:
            product: Any = coefficient
            for name, exponent in zip(self.names, exponents, strict=True):
                if exponent:
                    base = values[name]
                    if not isinstance(base, int | Fraction) and isinstance(product, Fraction):
                        product = float(product)
                    product = product * base**exponent
            if not isinstance(product, int | Fraction) and isinstance(total, int | Fraction):
                total = float(total)
            elif isinstance(product, Fraction) and not isinstance(total, int | Fraction):
                product = float(product)
            total = total + product
        return total

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Return whether it holds; for arrays an array of bools, in floating point."""
        return _compare(self.value(values), self.relation)

    # -- in print ------------------------------------------------------------------------------

    def text(self) -> str:
        """Return it as text, which is also how formulas of games are written."""
        return self._written(_Plain())

    def python(self) -> str:
        """Return it as a Python expression; formulas of games are written as in Python."""
        return self.text()

    def latex(self) -> str:
        """Return it in LaTeX, for math mode."""
        return self._written(_Latex())

    def __str__(self) -> str:
        return self.text()

    def _written(self, style: _Plain) -> str:
        left, relation, right = self._sides
        return f"{style.sum(left)} {style.relation(relation)} {style.sum(right)}"

    @cached_property
    def _sides(self) -> tuple[list[Term], str, list[Term]]:
        count = len(self.names)
        terms = dict(self.terms)
        alone = [e for e in terms if self._is_alone(e)]
        alone.sort(key=lambda e: e.index(1))
        zero = (0,) * count
        constant = terms.get(zero, Fraction(0))
        rest = {e: c for e, c in terms.items() if e not in alone and e != zero}
        parts: list[Term] = [(terms[e], ((self.names[e.index(1)], 1),)) for e in alone]
        if rest and not alone and constant:
            # A product is worth more than a constant that stands by itself.
            whole = self._product({**rest, zero: constant})
            if len(whole) == 1:
                rest, constant = {}, Fraction(0)
                parts += whole
        parts += self._product(rest) if rest else []
        if constant:
            parts.append((constant, ()))
        parts = self._scaled(parts)
        left, right = [t for t in parts if t[0] > 0], [(-c, f) for c, f in parts if c < 0]
        relation = self.relation
        if not left or (parts and parts[0][0] < 0 and right):
            left, right, relation = right, left, FLIPPED[relation]
        turned = None if right else next(filter(None, map(_turned, left)), None)
        if turned is not None and len(left) > 1:
            term, there = turned
            left, right = [t for t in left if t is not term], [there]
        elif not right and len(left) > 1 and left[-1][1] == ():
            right = [(-left[-1][0], ())]
            left = left[:-1]
        elif len(left) == 1 and left[0][1] == ():
            left, right, relation = right, left, FLIPPED[relation]
        return left, relation, right

    def _is_alone(self, exponents: Exponents) -> bool:
        """Return whether a term is a parameter by itself that is in no other term."""
        if sum(exponents) != 1:
            return False
        k = exponents.index(1)
        return sum(1 for e, _ in self.terms if e[k]) == 1

    def _product(self, rest: Polynomial) -> list[Term]:
        """Return a polynomial as one product, or as its terms if it has no factors."""
        count = len(self.names)
        factors = factors_of(rest, count)
        sums = [(f, power) for f, power in factors if len(f) > 1]
        if len(factors) == 1 and (sums and sums[0][1] == 1):
            return self._grouped(rest)
        first = max(rest)
        leading = Fraction(1)
        for factor, power in factors:
            leading *= factor[max(factor)] ** power
        powers: list[tuple[str | tuple[Any, ...], int]] = []
        turned = 0
        for factor, power in factors:
            if len(factor) == 1:
                powers += [(name, e * power) for name, e in self._powers(max(factor))]
                continue
            upright = self._upright(factor, power)
            turned += power if upright is not factor else 0
            powers.append((tuple((c, self._powers(e)) for e, c in upright.items()), power))
        return [((-1) ** turned * rest[first] / leading, tuple(powers))]

    @staticmethod
    def _upright(factor: dict[Exponents, Fraction], power: int) -> dict[Exponents, Fraction]:
        """Return a factor, negated where that makes its constant positive: ``1 - x``."""
        constant = factor.get((0,) * len(next(iter(factor))), Fraction(0))
        if constant < 0 and (len(factor) == 2 or power % 2 == 0):
            turned = {e: -c for e, c in factor.items()}
            return dict(sorted(turned.items(), key=lambda item: item[1] < 0))
        return factor

    def _grouped(self, rest: Polynomial) -> list[Term]:
        """Return a sum without factors as few products: ``b*(1 - x) - c*(y - x)``."""
        count = len(self.names)
        best: list[Polynomial] | None = None
        for start in range(count):
            left = dict(rest)
            groups: list[Polynomial] = []
            for k in (start, *(k for k in range(count) if k != start)):
                group = {e: c for e, c in left.items() if e[k]}
                if len(group) > 1 and min(e[k] for e in group) == max(e[k] for e in group):
                    groups.append(group)
                    left = {e: c for e, c in left.items() if not e[k]}
            groups += [{e: c} for e, c in left.items()]
            if best is None or len(groups) < len(best):
                best = groups
        assert best is not None
        if len(best) == len(rest) or (len(best) == 1 and len(rest) > 1):
            return [(c, self._powers(e)) for e, c in rest.items()]
        return [
            term
            for group in best
            for term in (
                self._product(group)
                if len(group) > 1
                else [(c, self._powers(e)) for e, c in group.items()]
            )
        ]

    def _powers(self, exponents: Exponents) -> tuple[tuple[str, int], ...]:
        return tuple((n, e) for n, e in zip(self.names, exponents, strict=True) if e)

    @staticmethod
    def _scaled(parts: list[Term]) -> list[Term]:
        """Return the terms divided so that what stands before them is short."""

        def scaled(divisor: Fraction) -> list[Term]:
            return [(c / divisor, f) for c, f in parts]

        def length(divisor: Fraction) -> tuple[bool, int]:
            numbers = [(shown(abs(c)), f) for c, f in scaled(divisor) if f]
            fractions = any("/" in text and not _is_product(f) for text, f in numbers)
            long = (1 if _is_product(f) else 1 + len(text) for text, f in numbers if text != "1")
            return fractions, sum(long)

        divisors = [abs(c) for c, f in parts if f]
        if len(divisors) == 1:
            return scaled(divisors[0])
        return scaled(min([*divisors, Fraction(1)], key=length))

    def isolates(self, name: str) -> bool:
        """Return whether the parameter stands alone on the left side, and nowhere else."""
        left, _, _ = self._sides
        k = self.names.index(name)
        return left == [(Fraction(1), ((name, 1),))] and sum(1 for e, _ in self.terms if e[k]) == 1

    def solved(self, name: str, positive: bool) -> Solved:
        """Return it solved for a parameter that it is linear in.

        Parameters
        ----------
        name
            The parameter.
        positive
            Whether the parameter's coefficient is positive (otherwise it is negative).
        """
        k = self.names.index(name)
        slope = {_without(e, k): c for e, c in self.terms if e[k] == 1}
        rest = {e: -c for e, c in self.terms if e[k] == 0}
        relation = self.relation if positive else FLIPPED[self.relation]
        return Solved(self.names, name, relation, tuple(rest.items()), tuple(slope.items()))


def _is_product(powers: Sequence[tuple[Any, int]]) -> bool:
    return len(powers) > 1 or any(exponent > 1 for _, exponent in powers)


def _turned(term: Term) -> tuple[Term, Term] | None:
    """Return a term with a difference as a factor, and what it is on the other side."""
    coefficient, powers = term
    for k, (base, exponent) in enumerate(powers):
        if isinstance(base, tuple) and len(base) == 2 and exponent % 2:
            signs = [c for c, _ in base]
            if signs[0] > 0 > signs[1] and all(inner for _, inner in base):
                swapped = ((-signs[1], base[1][1]), (-signs[0], base[0][1]))
                return term, (coefficient, (*powers[:k], (swapped, exponent), *powers[k + 1 :]))
    return None


def _without(exponents: Exponents, k: int) -> Exponents:
    return (*exponents[:k], 0, *exponents[k + 1 :])


def _compare(value: Any, relation: str) -> Any:
    match relation:
        case "<=":
            return value <= 0
        case "<":
            return value < 0
        case ">=":
            return value >= 0
        case ">":
            return value > 0
        case "==":
            return value == 0
    return value != 0


@dataclass(frozen=True)
class Solved:
    """``name relation above / below``, the polynomials not containing the name."""

    names: tuple[str, ...]
    name: str
    relation: str
    above: tuple[tuple[Exponents, Fraction], ...]
    below: tuple[tuple[Exponents, Fraction], ...]

    def text(self) -> str:
        """Return it as text."""
        return self._written(_Plain())

    def python(self) -> str:
        """Return it as a Python expression."""
        return self.text()

    def latex(self) -> str:
        """Return it in LaTeX."""
        return self._written(_Latex())

    def __str__(self) -> str:
        return self.text()

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the bound; exact for Fractions."""
        above, below = (
            Inequality(self.names, terms, "<=").value(values) for terms in (self.above, self.below)
        )
        return above / below

    def _written(self, style: _Plain) -> str:
        if len(self.below) == 1:
            (exponents, coefficient) = self.below[0]
            bound = [(c / coefficient, self._ratio(e, exponents)) for e, c in self.above]
            # What has a plus sign first, and of these what is shortest.
            bound.sort(key=lambda term: (term[0] < 0, len(term[1])))
            right = style.sum(bound)
        else:
            above, below = (
                [(c, self._ratio(e, (0,) * len(e))) for e, c in terms]
                for terms in (self.above, self.below)
            )
            right = style.quotient(above, below)
        return f"{style.name(self.name)} {style.relation(self.relation)} {right}"

    def _ratio(self, above: Exponents, below: Exponents) -> tuple[tuple[str, int], ...]:
        powers = zip(self.names, above, below, strict=True)
        return tuple((name, a - b) for name, a, b in powers if a != b)


# ---------------------------------------------------------------------------------------------
# Terms as text


class _Plain:
    """Formulas as they are written in games."""

    times = "*"

    def relation(self, relation: str) -> str:
        return relation

    def name(self, name: str) -> str:
        return name

    def number(self, value: Fraction) -> str:
        return shown(value)

    def sum(self, terms: Sequence[Term]) -> str:
        text = ""
        for coefficient, powers in terms:
            sign = "-" if coefficient < 0 else "+"
            term = self.term(abs(coefficient), powers)
            text = f"{text} {sign} {term}" if text else (f"-{term}" if coefficient < 0 else term)
        return text or "0"

    def term(self, coefficient: Fraction, powers: Sequence[tuple[Any, int]]) -> str:
        above = [self.power(base, e) for base, e in powers if e > 0]
        below = [self.power(base, -e) for base, e in powers if e < 0]
        return self.ratio(coefficient, above, below)

    def ratio(self, coefficient: Fraction, above: list[str], below: list[str]) -> str:
        if _is_short(coefficient):
            number = [shown(coefficient)] if coefficient != 1 or not above else []
        else:
            number = [str(coefficient.numerator)] if coefficient.numerator != 1 or not above else []
            below = [str(coefficient.denominator), *below]
        text = self.times.join([*number, *above])
        if len(below) > 1:
            return f"{text}/({self.times.join(below)})"
        return f"{text}/{below[0]}" if below else text

    def power(self, base: Any, exponent: int) -> str:
        text = self.name(base) if isinstance(base, str) else f"({self.sum(base)})"
        return text if exponent == 1 else f"{text}**{exponent}"

    def quotient(self, above: Sequence[Term], below: Sequence[Term]) -> str:
        top = self.sum(above)
        return f"({top})/({self.sum(below)})" if len(above) > 1 else f"{top}/({self.sum(below)})"


class _Latex(_Plain):
    """LaTeX in math mode."""

    times = r" \, "

    def relation(self, relation: str) -> str:
        return LATEX[relation]

    def name(self, name: str) -> str:
        import sympy

        return str(sympy.latex(sympy.Symbol(name)))

    def ratio(self, coefficient: Fraction, above: list[str], below: list[str]) -> str:
        if _is_short(coefficient):
            number = [shown(coefficient)] if coefficient != 1 or not above else []
        else:
            number = [str(coefficient.numerator)] if coefficient.numerator != 1 or not above else []
            below = [str(coefficient.denominator), *below]
        text = self.times.join([*number, *above])
        return rf"\frac{{{text}}}{{{self.times.join(below)}}}" if below else text

    def power(self, base: Any, exponent: int) -> str:
        if isinstance(base, str):
            text = self.name(base)
            if exponent != 1 and "^" in text:
                text = f"{{{text}}}"
        else:
            text = rf"\left({self.sum(base)}\right)"
        return text if exponent == 1 else f"{text}^{{{exponent}}}"

    def quotient(self, above: Sequence[Term], below: Sequence[Term]) -> str:
        return rf"\frac{{{self.sum(above)}}}{{{self.sum(below)}}}"
