"""Exact regions: for which parameters a pure equilibrium is one.

For finite games whose formulas are quotients of polynomials, in cases. What a region says is
exact: every inequality was derived from the formulas in rational arithmetic, z3 decided which of
them are redundant, and ties belong to the region, because at a tie an equilibrium stays one.

Where all decide at once, the equilibria are the Nash equilibria in pure strategies. Where
decisions follow one another and are observed, they are the outcomes of subgame-perfect equilibria
in pure strategies: in every subgame, reached or not, pure strategies are an equilibrium. (Mixed
strategies off the path could sustain more outcomes; these are not counted.) A decision that a
player takes twice without news in between counts as one decision.

References
----------
Selten (1965, 1975) for subgame perfection; Jovanovic and de Moura (2012), "Solving non-linear
arithmetic", for how z3 decides polynomial inequalities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import RequestError, did_you_mean
from ..spec.model import Game, Number, Regime, exact, number
from ._inequalities import Inequality, shown
from ._logic import FALSE, Bound, Conditions, Model, Undecided, cover
from ._outcomes import Choice
from ._question import Cut, Profile, Question, between, clamped, roots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Choice",
    "Inequality",
    "Overlap",
    "Region",
    "Regions",
    "Stretch",
    "Thresholds",
    "region",
    "regions",
    "thresholds",
]

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Region:
    """Where in the space of parameters a pure equilibrium is one.

    The region is where all ``inequalities`` hold and, if there are ``cases``, all of at least
    one of these; and where all of one of the ``ties`` hold. All this is within the declared
    ranges, and given these, nothing of it is redundant.
    """

    game: str
    choices: tuple[Choice, ...]
    """What is played: every decision on the path of play, or those that were asked for."""
    concept: str
    """"pure Nash equilibrium" or "pure subgame-perfect equilibrium"."""
    parameters: tuple[str, ...]
    """What varies, in the order of the declaration."""
    ranges: Mapping[str, tuple[Bound, Bound]]
    """Parameter that varies -> declared range; infinite where it is open."""
    held: Mapping[str, Fraction | str]
    """Other parameter -> the value at which it is held."""
    inequalities: tuple[Inequality, ...]
    """What holds throughout the region, sorted by the parameters that they are about."""
    cases: tuple[tuple[Inequality, ...], ...]
    """Empty if the inequalities suffice."""
    ties: tuple[tuple[Inequality, ...], ...]
    """Where else the equilibrium is one, by coincidence: all of at least one of these. They
    have no inside: each needs an equality, of payoffs as a rule."""
    witness: Point | None
    """A point of the region: Fractions, or algebraic numbers of sympy where it has to be."""
    status: str
    """"exact", or "unknown" where z3 gave up or there are too many cases."""
    reason: str = ""
    """Why the status is "unknown"; or that something may be redundant."""
    only_ties: bool = False
    """True if the region is not empty and has no inside: it needs a payoff tie."""
    regime: str | None = None
    preset: str | None = None
    complete: bool = True
    """False if only some decisions were asked for: the others may be anything."""
    _table: Conditions | None = field(default=None, repr=False, compare=False)
    _condition: int = field(default=FALSE, repr=False, compare=False)

    @property
    def empty(self) -> bool | None:
        """True if the equilibrium is one nowhere in the ranges; None if that is unknown."""
        if self.witness is not None:
            return False
        return True if self.status == "exact" else None

    @property
    def everywhere(self) -> bool:
        """True if the equilibrium is one throughout the ranges."""
        exact_ = self.status == "exact" and self.witness is not None
        return exact_ and not self.inequalities and not self.cases

    def contains(self, **given: Number | str) -> bool:
        """Return whether a point lies in the region, in exact arithmetic.

        Parameters
        ----------
        given
            A value for every parameter that varies: a number, or text such as ``"1/3"``.

        Returns
        -------
        bool
            False outside of the declared ranges. Known also where the status is "unknown".

        Raises
        ------
        RequestError
            A parameter is missing or does not vary, or a value is no number.
        """
        for name in given:
            if name not in self.parameters:
                raise RequestError(
                    f"{name} does not vary in this region. {did_you_mean(name, self.parameters)}"
                )
        missing = [name for name in self.parameters if name not in given]
        if missing:
            raise RequestError(f"a point has a value for each parameter; {missing[0]} is missing")
        point = [_rational(name, given[name]) for name in self.parameters]
        for value, (low, high) in zip(point, self.ranges.values(), strict=True):
            if not low <= value <= high:
                return False
        assert self._table is not None
        return self._table.holds_at(self._condition, point)

    def inside(self, columns: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Return for each row whether it satisfies the inequalities, in floating point.

        Parameters
        ----------
        columns
            Parameter -> values, all of one length; within the declared ranges.

        Raises
        ------
        RequestError
            The status is "unknown", so the inequalities are not the whole region.
        """
        if self.status != "exact":
            raise RequestError(f"the inequalities are not the whole region: {self.reason}")
        given = {name: np.asarray(columns[name], dtype=np.float64) for name in self.parameters}
        shape = np.broadcast_shapes(*(column.shape for column in given.values()))
        if self.empty:
            return np.zeros(shape, dtype=bool)

        def all_of(inequalities: Iterable[Inequality]) -> NDArray[np.bool_]:
            found = np.ones(shape, dtype=bool)
            for inequality in inequalities:
                found &= inequality.holds(given)
            return found

        found = all_of(self.inequalities)
        if self.cases:
            found &= np.logical_or.reduce([all_of(case) for case in self.cases])
        for tie in self.ties:
            found |= all_of(tie)
        return found

    @property
    def profile(self) -> str:
        """What is played, in words."""
        return ", ".join(map(str, self.choices))

    def condition(self, style: str = "text", *, ties: bool = True) -> str:
        """Return the condition alone.

        Parameters
        ----------
        style
            ``"text"``, ``"latex"`` or ``"python"``.
        ties
            Include :attr:`ties`, so that the condition is exact; else they are left out.
        """
        both, either = {
            "text": (" and ", " or "),
            "python": (" and ", " or "),
            "latex": (r" \;\wedge\; ", r" \;\vee\; "),
        }[style]
        if self.empty or self.everywhere:
            words = {"text": ("never", "always"), "python": ("False", "True")}
            return words.get(style, (r"\bot", r"\top"))[int(self.everywhere)]

        def way(case: Iterable[Inequality], alone: bool) -> str:
            parts = [getattr(inequality, style)() for inequality in case]
            return both.join(parts) if alone or len(parts) == 1 else _in(both.join(parts), style)

        parts = [way((inequality,), True) for inequality in self.inequalities]
        if self.cases:
            alone = not parts and not self.ties
            joined = either.join(way(case, len(self.cases) == 1) for case in self.cases)
            parts.append(joined if alone or len(self.cases) == 1 else _in(joined, style))
        whole = both.join(parts)
        if not self.ties or not ties:
            return whole
        return either.join(
            [_in(whole, style) if len(parts) > 1 else whole, *(way(t, False) for t in self.ties)]
        )

    def text(self) -> str:
        """Return the region as a sentence."""
        subject = self.profile
        if not self.complete:
            subject = f"some {self.concept} has {subject}"
        else:
            subject = f"{subject} is a {self.concept}"
        sentence = subject if self.complete else subject[0].upper() + subject[1:]
        if self.status != "exact":
            return f"It is unknown for which parameters {subject}: {self.reason}."
        if self.empty:
            return f"{sentence} for no parameters in the declared ranges."
        if self.everywhere:
            return f"{sentence} for all parameters in the declared ranges."
        also = f"; by coincidence also iff {self._coincidences()}" if self.ties else ""
        only = ", which needs a coincidence" if self.only_ties else ""
        return f"{sentence} iff {self.condition(ties=False)}{only}{also}."

    def _coincidences(self) -> str:
        ways = [" and ".join(inequality.text() for inequality in tie) for tie in self.ties]
        return " or ".join(f"({way})" if len(ways) > 1 and " and " in way else way for way in ways)

    def latex(self) -> str:
        """Return the condition in LaTeX, for math mode."""
        return self.condition("latex")

    def python(self) -> str:
        """Return the condition as a Python expression in the parameters."""
        return self.condition("python")

    def solved_for(self, name: str) -> tuple[str, ...]:
        """Return the inequalities about a parameter, solved for it where that is possible.

        They hold together, so there are none where the region has alternatives (``cases``):
        bounds of different alternatives cannot be joined by "and". An inequality is solved if
        the parameter is linear in it and its coefficient has one sign over the declared ranges;
        otherwise it is given as it is.

        Raises
        ------
        RequestError
            The parameter does not vary.
        """
        if name not in self.parameters:
            raise RequestError(
                f"{name} does not vary in this region. {did_you_mean(name, self.parameters)}"
            )
        k = self.parameters.index(name)
        ends = tuple(self.ranges.values())
        box = Conditions(tuple(low for low, _ in ends), tuple(high for _, high in ends))
        found = []
        for inequality in () if self.cases else self.inequalities:
            if name not in inequality.used:
                continue
            text = inequality.text()
            alone = text.startswith(f"{name} ") and inequality.isolates(name)
            if not alone and all(exponents[k] <= 1 for exponents, _ in inequality.terms):
                slope = {
                    tuple(0 if n == k else e for n, e in enumerate(exponents)): coefficient
                    for exponents, coefficient in inequality.terms
                    if exponents[k]
                }
                low, high = box.range(slope)
                if low > 0 or high < 0:
                    text = inequality.solved(name, low > 0).text()
            found.append(text)
        return tuple(dict.fromkeys(found))

    def to_dict(self) -> dict[str, Any]:
        """Return the region for JSON: rationals as text, so that nothing is rounded."""

        def plain(point: Point | None) -> dict[str, str] | None:
            return None if point is None else {name: str(v) for name, v in point.items()}

        return {
            "game": self.game,
            "regime": self.regime,
            "preset": self.preset,
            "choices": [
                {"decision": c.decision, "action": c.action, "given": dict(c.given)}
                for c in self.choices
            ],
            "concept": self.concept,
            "status": self.status,
            "reason": self.reason,
            "empty": self.empty,
            "only_ties": self.only_ties,
            "inequalities": [i.text() for i in self.inequalities],
            "cases": [[i.text() for i in case] for case in self.cases],
            "ties": [[i.text() for i in case] for case in self.ties],
            **{
                key: self.condition(style) if self.status == "exact" else None
                for key, style in (("condition", "text"), ("latex", "latex"), ("python", "python"))
            },
            "witness": plain(self.witness),
            "ranges": {name: list(map(str, pair)) for name, pair in self.ranges.items()},
            "held": {name: str(value) for name, value in self.held.items()},
        }

    def __str__(self) -> str:
        return self.text()


def _in(text: str, style: str) -> str:
    return rf"\left({text}\right)" if style == "latex" else f"({text})"


@dataclass(frozen=True)
class Overlap:
    """Two equilibria that are both there, not only at ties."""

    first: int
    second: int
    """Indices into :attr:`Regions.regions`."""
    witness: Point


@dataclass(frozen=True)
class Regions:
    """All pure equilibria of a game, each with its region."""

    game: str
    concept: str
    parameters: tuple[str, ...]
    regions: tuple[Region, ...]
    """Those that are not empty; first those that do not need a tie."""
    profiles: int
    """How many ways to play there are, an equilibrium somewhere or not."""
    overlaps: tuple[Overlap, ...]
    without: Point | None
    """A point at which there is no equilibrium in pure strategies, if there is one."""
    status: str
    """"exact" if every region is, and overlaps and :attr:`without` are settled."""
    reason: str = ""

    @property
    def always(self) -> bool | None:
        """True if everywhere in the ranges there is a pure equilibrium: that is proved."""
        if self.without is not None:
            return False
        return True if self.status == "exact" else None

    def __iter__(self) -> Any:
        return iter(self.regions)

    def __len__(self) -> int:
        return len(self.regions)

    def at(self, **given: Number | str) -> tuple[Region, ...]:
        """Return the regions that a point lies in; see :meth:`Region.contains`."""
        return tuple(found for found in self.regions if found.contains(**given))

    def text(self) -> str:
        """Return one line per equilibrium, overlaps, and whether there always is one."""
        lines = [found.text() for found in self.regions]
        for overlap in self.overlaps:
            first, second = self.regions[overlap.first], self.regions[overlap.second]
            lines.append(
                f"Both {first.profile} and {second.profile} are equilibria at "
                f"{point_text(overlap.witness)}."
            )
        if self.without is not None:
            lines.append(f"There is no {self.concept} at {point_text(self.without)}.")
        elif self.status == "exact":
            lines.append(f"Everywhere in the declared ranges there is a {self.concept}.")
        else:
            lines.append(f"Not all is known: {self.reason}.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the regions for JSON."""
        return {
            "game": self.game,
            "concept": self.concept,
            "parameters": list(self.parameters),
            "status": self.status,
            "reason": self.reason,
            "profiles": self.profiles,
            "regions": [found.to_dict() for found in self.regions],
            "overlaps": [
                {
                    "first": o.first,
                    "second": o.second,
                    "witness": {name: str(v) for name, v in o.witness.items()},
                }
                for o in self.overlaps
            ],
            "without": None
            if self.without is None
            else {name: str(v) for name, v in self.without.items()},
            "always": self.always,
        }

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Stretch:
    """Values of one parameter, an interval or a point, with the same equilibria."""

    low: Any
    high: Any
    """Fractions, algebraic numbers of sympy, or infinite floats; equal for a point."""
    equilibria: tuple[tuple[Choice, ...], ...]
    closed: tuple[bool, bool] = (True, True)
    """Whether the low and the high end belong to it."""

    @property
    def is_point(self) -> bool:
        """True if it is a single value."""
        return bool(self.low == self.high)


@dataclass(frozen=True)
class Thresholds:
    """Every value of one parameter at which the set of pure equilibria changes, exactly."""

    game: str
    parameter: str
    concept: str
    range: tuple[Bound, Bound]
    stretches: tuple[Stretch, ...]
    """From low to high: intervals, and between them the points at which something changes."""
    held: Mapping[str, Fraction | str]
    regime: str | None = None
    preset: str | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """The values at which the set of equilibria changes."""
        return tuple(dict.fromkeys(after.low for after in self.stretches[1:]))

    def text(self) -> str:
        """Return one line per stretch."""
        lines = []
        for stretch in self.stretches:
            where = self.where(stretch)
            what = "; ".join(", ".join(map(str, c)) for c in stretch.equilibria)
            lines.append(f"{where}: {what or 'no ' + self.concept}")
        return "\n".join(lines)

    def where(self, stretch: Stretch) -> str:
        """Return a stretch as a chain of inequalities."""
        if stretch.is_point:
            return f"{self.parameter} = {value_text(stretch.low)}"
        left, right = ("<=" if closed else "<" for closed in stretch.closed)
        return (
            f"{value_text(stretch.low)} {left} {self.parameter} {right} {value_text(stretch.high)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds for JSON; exact values as text, beside them floats."""
        return {
            "game": self.game,
            "regime": self.regime,
            "preset": self.preset,
            "parameter": self.parameter,
            "concept": self.concept,
            "range": list(map(str, self.range)),
            "thresholds": [{"exact": str(v), "value": float(v)} for v in self.values],
            "stretches": [
                {
                    "low": str(s.low),
                    "high": str(s.high),
                    "closed": list(s.closed),
                    "equilibria": [
                        [
                            {"decision": c.decision, "action": c.action, "given": dict(c.given)}
                            for c in choices
                        ]
                        for choices in s.equilibria
                    ],
                }
                for s in self.stretches
            ],
            "held": {name: str(value) for name, value in self.held.items()},
        }

    def __str__(self) -> str:
        return self.text()


def value_text(value: Any) -> str:
    """Return a parameter's value: a rational as it is, else its root and a float."""
    if isinstance(value, Fraction):
        return shown(value)
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value} (about {float(value):.6g})"


def point_text(point: Point) -> str:
    """Return ``name = value, ...``."""
    return ", ".join(f"{name} = {value_text(value)}" for name, value in point.items())


# ---------------------------------------------------------------------------------------------
# Requests


def region(
    game: Game | str | Path,
    profile: Profile,
    parameters: Sequence[str] | None = None,
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    **fixed: Any,
) -> Region:
    """Return for which parameters a pure equilibrium is one.

    Parameters
    ----------
    game
        A finite game, its name in the catalogue, or its file.
    profile
        Decision -> action; or an equilibrium in pure strategies that :func:`highfence.solve`
        found, or the ``choices`` of another region. A mapping may leave decisions out: then
        the region is where *some* equilibrium has these actions on its path.
    parameters
        The parameters that vary over their declared ranges. By default all numeric ones that
        the formulas use, that have a range, and that are neither in ``fixed`` nor set by the
        regime. Those that do not vary are held at the preset's values, exactly.
    regime, preset, fixed
        As in :func:`highfence.solve`.

    Returns
    -------
    Region
        With status "unknown" where z3 takes more than ``limits.MAX_REGION_SECONDS``, or the
        region has more than ``limits.MAX_REGION_CASES`` cases.

    Raises
    ------
    NotApplicable
        The game has interval decisions, decisions that do not see what was done before, or
        formulas with exp, log, sqrt or Python callables.
    RequestError
        The game, a parameter, decision or action is unknown, or the equilibrium is mixed.
    LimitExceeded
        The game has too many outcomes.

    Notes
    -----
    Not promised: the shortest list of cases, where one list of inequalities does not do; and an
    answer in time, where many parameters are multiplied with one another. Cost: conditions of
    one comparison per pair of outcomes; then z3, which is fast where the inequalities are
    linear.

    Examples
    --------
    >>> print(region("prisoners_dilemma", {"first": "cooperate", "second": "cooperate"}))
    first = cooperate, second = cooperate is a pure Nash equilibrium iff T <= R, which needs a
    coincidence.
    >>> print(region("offshoring", {"rule": "parts", "location": "stay"},
    ...              ["F", "pi_CN", "j_parts"], regime="parts"))
    location = stay is a pure Nash equilibrium iff F >= pi_CN*(1 - j_parts).
    """
    question = Question.of(game, parameters, regime, preset, fixed)
    wanted, complete = question.chosen(profile)
    matching = [z for z in question.outcomes if wanted(z)]
    condition = question.table.any_of(z.condition for z in matching)
    choices = question.named(profile)
    return _region(question, choices, condition, complete)


def regions(
    game: Game | str | Path,
    parameters: Sequence[str] | None = None,
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    **fixed: Any,
) -> Regions:
    """Return every pure equilibrium with its region, and where there is none.

    Parameters, errors and limits as in :func:`region`.

    Returns
    -------
    Regions
        One region per outcome that is one of an equilibrium somewhere in the ranges, in the
        order of the actions; where two of them overlap not only at ties; and a point at which
        there is no equilibrium in pure strategies, or the proof that there is none such.

    Examples
    --------
    >>> print(regions("prisoners_dilemma", ["T", "R", "S"]))
    first = defect, second = defect is a pure Nash equilibrium for all parameters in the declared
    ranges.
    first = cooperate, second = cooperate is a pure Nash equilibrium iff T <= R, which needs a
    coincidence.
    Everywhere in the declared ranges there is a pure Nash equilibrium.
    """
    question = Question.of(game, parameters, regime, preset, fixed)
    found = []
    left = float(limits.MAX_REGION_SECONDS)
    for k, z in enumerate(question.outcomes):
        # What one region does not use of its share of the time is for the next ones.
        share = left / (len(question.outcomes) - k + 1)
        made = _region(question, z.choices, z.condition, True, share)
        left -= share - question.decider.left
        if not made.empty:
            found.append(made)
    found.sort(key=lambda made: made.only_ties)
    reasons = [made.reason for made in found if made.status != "exact"]
    overlaps: list[Overlap] = []
    without = None
    try:
        question.decider.left = left
        overlaps = _overlaps(question, found)
        without = _without(question)
    except Undecided as error:
        reasons.append(_gave_up(error))
    return Regions(
        game=question.game.name,
        concept=question.concept,
        parameters=question.names,
        regions=tuple(found),
        profiles=question.profiles,
        overlaps=tuple(overlaps),
        without=without,
        status="unknown" if reasons else "exact",
        reason=reasons[0] if reasons else "",
    )


def thresholds(
    game: Game | str | Path,
    parameter: str,
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    **fixed: Any,
) -> Thresholds:
    """Return every value of one parameter at which the set of pure equilibria changes.

    All other parameters are held. The values are exact: roots of the inequalities at which a
    payoff comparison turns, rational or algebraic; none is missed, and no grid is used.

    Parameters
    ----------
    parameter
        The parameter that varies over its declared range.
    game, regime, preset, fixed
        As in :func:`region`, whose errors are raised too.

    Examples
    --------
    >>> print(thresholds("offshoring", "j_product", regime="product"))
    0.5 <= j_product < 0.6: location = move
    j_product = 0.6: location = stay; location = move
    0.6 < j_product <= 1: location = stay
    """
    question = Question.of(game, [parameter], regime, preset, fixed)
    low, high = question.table.low[0], question.table.high[0]
    cuts, factor_of = roots_of(question.table, [z.condition for z in question.outcomes])
    cuts = [cut for cut in cuts if low <= cut.near <= high]
    ends = [Cut(low, low, -1)] + [c for c in cuts if low < c.near < high] + [Cut(high, high, -1)]
    known = {c.value: c for c in cuts}
    ends[0], ends[-1] = known.get(low, ends[0]), known.get(high, ends[-1])
    pieces: list[Stretch] = []
    middle = Fraction(0)
    for left, right in pairwise(ends):
        middle = between(left.near, right.near)
        if math.isfinite(left.near):
            there = question.true_at(middle, factor_of, left)
            pieces.append(Stretch(left.value, left.value, there))
        pieces.append(Stretch(left.value, right.value, question.true_at(middle), (False, False)))
    if math.isfinite(ends[-1].near):
        there = question.true_at(middle, factor_of, ends[-1])
        pieces.append(Stretch(ends[-1].value, ends[-1].value, there))
    stretches: list[Stretch] = []
    for piece in pieces:
        if stretches and stretches[-1].equilibria == piece.equilibria:
            last = stretches.pop()
            closed = (last.closed[0], piece.closed[1])
            piece = Stretch(last.low, piece.high, piece.equilibria, closed)
        stretches.append(piece)
    return Thresholds(
        game=question.game.name,
        parameter=parameter,
        concept=question.concept,
        range=(low, high),
        stretches=tuple(stretches),
        held=question.held_all,
        regime=question.regime,
        preset=preset,
    )


# ---------------------------------------------------------------------------------------------
# Answers


def _region(
    question: Question,
    choices: tuple[Choice, ...],
    condition: int,
    complete: bool,
    seconds: float | None = None,
) -> Region:
    """Return the region where a condition holds."""
    witness: Point | None = None
    inequalities: tuple[Inequality, ...] = ()
    cases: tuple[tuple[Inequality, ...], ...] = ()
    ties: tuple[tuple[Inequality, ...], ...] = ()
    status, reason, only_ties = "exact", "", False
    question.decider.left = limits.MAX_REGION_SECONDS if seconds is None else seconds
    question.decider.minimal = True
    try:
        found = question.decider.find(condition)
        if found is not None:
            strict = question.decider.find(question.table.strict(condition))
            only_ties = strict is None
            witness = _point(question, condition, found)
            made = cover(question.decider, condition)
            inequalities = _inequalities(question, made.common)
            cases = tuple(_inequalities(question, case) for case in made.cases)
            ties = tuple(_inequalities(question, case) for case in made.ties)
            cases, ties = (
                tuple(sorted(part, key=lambda c: (len(c), [i.order for i in c])))
                for part in (cases, ties)
            )
            if not question.decider.minimal:
                reason = "z3 gave up on whether some inequalities are redundant; they are kept"
            if not made.complete:
                status = "unknown"
                reason = (
                    "the region has more than MAX_REGION_CASES cases; those listed are part "
                    "of it. Hold more parameters"
                )
    except Undecided as error:
        status, reason = "unknown", _gave_up(error)
    return Region(
        game=question.game.name,
        choices=choices,
        concept=question.concept,
        parameters=question.names,
        ranges=question.ranges,
        held=question.held_all,
        inequalities=inequalities,
        cases=cases,
        ties=ties,
        witness=witness,
        status=status,
        reason=reason,
        only_ties=only_ties,
        regime=question.regime,
        preset=question.preset,
        complete=complete,
        _table=question.table,
        _condition=condition,
    )


def _inequalities(question: Question, nodes: Iterable[int]) -> tuple[Inequality, ...]:
    """Return literals as inequalities, sorted; two that make an equality as one."""
    literals = [question.table.literal(at) for at in nodes]
    relations: dict[int, list[str]] = {}
    for literal in literals:
        relations.setdefault(literal.polynomial, []).append(literal.relation)
    made = []
    for polynomial, found in relations.items():
        listed = ["=="] if {"<=", ">="} <= set(found) else found
        for relation in listed:
            terms = question.table.polynomials[polynomial]
            made.append(Inequality.of(question.names, terms, relation))
    return tuple(sorted(made, key=lambda inequality: inequality.order))


def _point(question: Question, condition: int, found: Model) -> Point:
    """Return a point where a condition holds: the preset's, or one with short numbers."""
    if found.rational:
        for point in _short(question, found.point):
            if question.table.holds_at(condition, point):
                found_point: tuple[Any, ...] = point
                break
        else:
            found_point = found.point
    else:
        found_point = found.point
    return MappingProxyType(dict(zip(question.names, found_point, strict=True)))


def _short(question: Question, point: Sequence[Fraction]) -> Iterator[tuple[Fraction, ...]]:
    """Yield points to try: the preset's, and a point with its numbers rounded ever less."""
    yield question.decider.start
    spans = [
        float(high - low) if math.isfinite(low) and math.isfinite(high) else 1.0
        for low, high in question.ranges.values()
    ]
    for digits in range(1, 9):
        rounded = []
        for value, span, (low, high) in zip(point, spans, question.ranges.values(), strict=True):
            places = digits - math.floor(math.log10(span)) - 1 if span > 0 else digits
            short = round(value, places) if places > 0 else Fraction(round(value))
            rounded.append(clamped(Fraction(short), low, high))
        yield tuple(rounded)


def _overlaps(question: Question, found: Sequence[Region]) -> list[Overlap]:
    """Return the pairs of regions that share more than ties."""
    made = []
    inner = [question.table.strict(each._condition) for each in found]
    for first in range(len(found)):
        if found[first].only_ties:
            continue
        for second in range(first + 1, len(found)):
            if found[second].only_ties:
                continue
            both = question.table.all_of([inner[first], inner[second]])
            shared = question.decider.find(both)
            if shared is not None:
                made.append(Overlap(first, second, _point(question, both, shared)))
    return made


def _without(question: Question) -> Point | None:
    """Return a point at which there is no equilibrium in pure strategies."""
    if question.tree.perfect:
        return None  # backward induction finds one, whatever the payoffs are
    some = question.table.any_of(z.condition for z in question.outcomes)
    none = question.table.all_of([question.table.negation(some), question.tree.defined])
    found = question.decider.find(none)
    return None if found is None else _point(question, none, found)


def _gave_up(error: Undecided) -> str:
    return (
        f"z3 gave up ({error}). Let fewer parameters vary, or raise "
        f"MAX_REGION_SECONDS = {limits.MAX_REGION_SECONDS}"
    )


def _rational(name: str, value: Any) -> Fraction:
    try:
        return exact(number(value))
    except ValueError:
        raise RequestError(f"{name} = {value!r} is not a finite number") from None
