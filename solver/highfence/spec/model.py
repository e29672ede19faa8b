"""What a user writes: a staged game as frozen data.

A game is a list of *stages*, played in order. Within a stage all moves are
simultaneous. A decision observes everything of earlier stages unless its
``observes`` says otherwise. Formulas are text (or vectorized Python callables);
they are parsed, and the whole game is validated, when the :class:`Game` is made.

With *state variables* the stages are those of one period of a game that goes on, for ever or to
a horizon: every decision sees the state, and a period hands the next one its values.

Numbers are kept as they were written: an int, a Fraction, or a decimal, whose
value is the decimal itself (``0.1`` is one tenth). See :func:`exact`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

from .. import limits
from ..errors import Problem, SpecError

__all__ = [
    "CHECKED",
    "CONFIDENCE",
    "ORIGINS",
    "UNVERIFIED",
    "Action",
    "Chance",
    "Commitment",
    "Decision",
    "Derived",
    "Formula",
    "Game",
    "Interval",
    "Mechanism",
    "Number",
    "Parameter",
    "Player",
    "Preset",
    "Published",
    "Regime",
    "Sentence",
    "Stage",
    "State",
    "Target",
    "exact",
    "number",
]

CONFIDENCE = ("high", "medium", "low", "memory")
"""How far a number with a source can be trusted: its primary source was seen; a reputable
secondary source was; one press report, or contested; cited from memory, to be checked."""

UNVERIFIED = ("low", "memory")
"""The marks of numbers that are shown as unverified."""

CHECKED: ContextVar[bool] = ContextVar("checked", default=False)
"""Games made where this is true are copies of games that were checked, and are not once more."""

Number = int | float | Fraction | Decimal
Formula = str | int | float | Fraction | Decimal | Callable[..., Any]
"""Formula text, a constant, or a vectorized callable whose argument names are names of the game."""


def exact(value: Number | str) -> Fraction:
    """Return the rational number that was written: ``exact(0.1) == Fraction(1, 10)``.

    Floats are read by their shortest decimal form, so ``0.1 + 0.2 - 0.3``, summed
    after conversion, is exactly 0.

    Raises
    ------
    ValueError
        The value is NaN, infinite, not a number, or has more than
        :data:`highfence.limits.MAX_DIGITS` digits.

    Examples
    --------
    >>> exact(0.1) + exact(0.2) - exact(0.3)
    Fraction(0, 1)
    >>> exact("1/3")
    Fraction(1, 3)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | Decimal | str):
        raise ValueError(f"{value!r} is not a number")
    try:
        if isinstance(value, str):
            return Fraction(number(value))
        if isinstance(value, float):
            return Fraction(repr(float(value)))
        if isinstance(value, Decimal):
            _require_short(value)
        if isinstance(value, int):
            _require_short_int(value)
        return Fraction(value)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise ValueError(f"{value!r} is not a finite number") from error


def _require_short(value: Decimal) -> None:
    if value.is_finite() and (
        abs(value.adjusted()) > limits.MAX_DIGITS
        or len(value.as_tuple().digits) > limits.MAX_DIGITS
    ):
        raise ValueError(f"more than MAX_DIGITS = {limits.MAX_DIGITS} digits")


def _require_short_int(value: int) -> None:
    if value.bit_length() > 10 * limits.MAX_DIGITS // 3:
        raise ValueError(f"more than MAX_DIGITS = {limits.MAX_DIGITS} digits")


_WHOLE = re.compile(r"[+-]?\d[\d_]*\Z", re.ASCII)
_RATIO = re.compile(r"([+-]?\d[\d_]*)\s*/\s*(\d[\d_]*)\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?\Z", re.ASCII)


def number(value: object) -> Number:
    """Return a number as the model keeps it: an int, a Fraction, or a Decimal.

    Text may be whole, decimal, a ratio, or a percentage; floats become the decimal that
    they print as; numpy scalars are taken.

    Raises
    ------
    ValueError
        The value is NaN, infinite, not a number, or has too many digits.

    Examples
    --------
    >>> number("1/3"), number("30%"), number(0.1), number("12")
    (Fraction(1, 3), Decimal('0.30'), Decimal('0.1'), 12)
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a finite number")
        _require_short(value)
        return value
    if isinstance(value, str):
        return _number_in(value)
    if isinstance(value, Integral):
        _require_short_int(int(value))
        return int(value)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, Real):
        return number(Decimal(repr(float(value))))
    raise ValueError(f"{value!r} is not a number")


def _number_in(source: str) -> Number:
    stripped = source.strip()
    share = stripped.endswith("%")
    digits = stripped[:-1].rstrip() if share else stripped
    if len(digits) > 2 * limits.MAX_DIGITS:
        raise ValueError(f"more than MAX_DIGITS = {limits.MAX_DIGITS} digits")
    if _WHOLE.match(digits) and not share:
        return int(digits)
    ratio = _RATIO.match(digits)
    if ratio is not None and not share:
        if int(ratio.group(2)) == 0:
            raise ValueError(f"{source!r} divides by zero")
        return Fraction(int(ratio.group(1)), int(ratio.group(2)))
    if _DECIMAL.match(digits):
        try:
            read = Decimal(digits)
        except InvalidOperation as error:
            raise ValueError(f"{source!r} is not a number") from error
        if share:  # not scaleb, which rounds to the context's 28 digits
            sign, written, exponent = read.as_tuple()
            read = Decimal((sign, written, int(exponent) - 2))
        return number(read)
    raise ValueError(f"{source!r} is not a number")


def _listed(value: Any, what: str, example: str) -> tuple[Any, ...]:
    """Return the items of a list; a text is no list of its letters."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise SpecError(Problem(what, f"expected a list, not {value!r}", f"Write {example}"))
    return tuple(value)


def _mapped(value: Any, what: str, example: str) -> dict[Any, Any]:
    """Return a mapping as a dict."""
    if not isinstance(value, Mapping):
        raise SpecError(Problem(what, f"expected a mapping, not {value!r}", f"Write {example}"))
    return dict(value)


def _frozen(mapping: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
    return MappingProxyType(dict(mapping or {}))


def _kept(value: Any) -> Any:
    """Return a number as :func:`number` does, and anything else as it is."""
    try:
        return value if isinstance(value, str) else number(value)
    except ValueError:
        return value


def _formula(value: Any) -> Any:
    """Return a formula in the one way it is kept: a ratio is text, other numbers are numbers."""
    kept = _kept(value)
    if isinstance(kept, Fraction):
        return int(kept) if kept.denominator == 1 else f"{kept.numerator}/{kept.denominator}"
    return kept


def _setting(value: Any) -> Any:
    """Return the value of a numeric parameter; text that is no number stays for validation."""
    try:
        return number(value)
    except ValueError:
        return value


def _state_value(value: Any) -> Any:
    """Return a value of a state variable: 1.0 is 1, so that it has one label."""
    kept = _formula(value)
    return int(kept) if isinstance(kept, Decimal) and kept == kept.to_integral_value() else kept


def _formulas(mapping: Mapping[Any, Any] | None) -> Mapping[str, Any]:
    return _frozen({str(name): _formula(value) for name, value in (mapping or {}).items()})


@dataclass(frozen=True)
class Player:
    """A player. ``name`` is an identifier; ``label`` is what reports print (the name if empty)."""

    name: str
    label: str = ""


@dataclass(frozen=True)
class Parameter:
    """A named number that every formula may use, with its declared range, unit and source.

    A parameter with ``choices`` is categorical: its value is one of them (text), it is
    used in tests such as ``allies == 'aligned'``, and it may decide which stages exist.
    """

    name: str
    value: Number | str
    low: Number | None = None
    high: Number | None = None
    unit: str = ""
    label: str = ""
    source: str = ""
    about: str = ""
    choices: tuple[str, ...] = ()
    confidence: str = ""
    """How far the source of the value can be trusted: one of :data:`CONFIDENCE`, or nothing."""

    def __post_init__(self) -> None:
        choices = _listed(self.choices, f"parameter {self.name}: choices", '("a", "b")')
        object.__setattr__(self, "choices", choices)
        for name in ("value", "low", "high"):
            given = getattr(self, name)
            object.__setattr__(self, name, given if self.choices else _setting(given))


@dataclass(frozen=True)
class Action:
    """One action of a finite decision.

    ``attributes`` are numbers, or formulas over parameters, that formulas read as
    ``decision.attribute``; all actions of a decision have the same attributes.
    ``when`` is a condition over parameters and moves that the decision observes: where
    it is false, the action is not available.
    """

    name: str
    attributes: Mapping[str, Formula] = field(default_factory=dict)
    when: Formula | None = None
    label: str = ""

    def __post_init__(self) -> None:
        given = _mapped(self.attributes, f"action {self.name}", 'Action("a", {"attribute": 1})')
        object.__setattr__(self, "attributes", _formulas(given))


@dataclass(frozen=True)
class Interval:
    """The actions of a continuous decision: all numbers from ``low`` to ``high``.

    The bounds are numbers or formulas over parameters and observed moves.
    """

    low: Formula
    high: Formula
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _formula(self.low))
        object.__setattr__(self, "high", _formula(self.high))


@dataclass(frozen=True)
class Decision:
    """A player's move.

    Parameters
    ----------
    player
        The player, or their name.
    name
        Formulas use it: ``name == 'action'``, ``name.attribute``, and ``name`` alone for
        the value of an interval decision (or of actions that are all numbers).
    actions
        A list of action names (or numbers, or :class:`Action`), a mapping from action
        name to attributes (the key ``when`` is the availability condition, ``label``
        the label), or an :class:`Interval`.
    observes
        Names of the earlier moves (decisions and chance moves) that are known; None for all.
        Players know their own earlier decisions in any case, and must list again what
        their earlier decisions observed: nobody forgets.
    """

    player: str
    name: str
    actions: tuple[Action, ...] | Interval
    observes: tuple[str, ...] | None = None
    label: str = ""

    def __init__(
        self,
        player: Player | str,
        name: str,
        actions: Interval | Sequence[Any] | Mapping[Any, Mapping[str, Any]],
        observes: Sequence[str] | None = None,
        label: str = "",
    ) -> None:
        object.__setattr__(self, "player", player.name if isinstance(player, Player) else player)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "actions", _actions(actions, f"decision {name}"))
        if observes is not None:
            observes = _listed(observes, f"decision {name}: observes", '("move",)')
        object.__setattr__(self, "observes", observes)
        object.__setattr__(self, "label", label)

    @property
    def is_interval(self) -> bool:
        """True if the actions are a continuum."""
        return isinstance(self.actions, Interval)


def _actions(
    actions: Interval | Sequence[Any] | Mapping[Any, Mapping[str, Any]],
    what: str,
) -> tuple[Action, ...] | Interval:
    if isinstance(actions, Interval):
        return actions
    if isinstance(actions, Mapping):
        made = []
        for name, attributes in actions.items():
            rest = _mapped(attributes, f"{what}: {name}", '{"action": {"attribute": 1}}')
            when, label = rest.pop("when", None), rest.pop("label", "")
            made.append(Action(str(name), rest, when, label))
        return tuple(made)
    listed = _listed(actions, f"{what}: actions", '["a", "b"], or Interval(0, 1)')
    return tuple(item if isinstance(item, Action) else Action(str(item)) for item in listed)


@dataclass(frozen=True)
class Chance:
    """A chance move: outcome -> probability (formulas over parameters and earlier moves).

    An outcome may also be a mapping with the key ``probability`` and numeric attributes.
    A player's private type is a chance move that only this player's decisions observe.
    """

    name: str
    outcomes: Mapping[str, Formula]
    attributes: Mapping[str, Mapping[str, Formula]]
    label: str = ""

    def __init__(
        self,
        name: str,
        outcomes: Mapping[str, Formula | Mapping[str, Formula]],
        label: str = "",
    ) -> None:
        probabilities: dict[str, Any] = {}
        attributes: dict[str, Mapping[str, Formula]] = {}
        given = _mapped(outcomes, f"chance move {name}", '{"outcome": "probability"}')
        for outcome, value in given.items():
            if isinstance(value, Mapping):
                rest = dict(value)
                probabilities[str(outcome)] = rest.pop("probability", None)
                attributes[str(outcome)] = _formulas(rest)
            else:
                probabilities[str(outcome)] = value
                attributes[str(outcome)] = _frozen({})
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "outcomes", _formulas(probabilities))
        object.__setattr__(self, "attributes", _frozen(attributes))
        object.__setattr__(self, "label", label)


@dataclass(frozen=True)
class State:
    """A state variable of a game that goes on: what one period hands to the next.

    Formulas of the game read it as they read a move: ``gap`` where its values are numbers,
    ``market == 'open'`` where they are names. Every decision sees it.

    Parameters
    ----------
    name
        Formulas use it.
    values
        The values that it can have: numbers or names, in order.
    initial
        Its value in the first period: one of the values, or a formula over parameters.
    next
        Its value in the next period: a formula over parameters, state variables and the moves
        of the period (chance moves among them), which must give one of the values; or a
        mapping from value to probability, each a formula of that kind. Values that are left
        out have probability 0.
    label, unit, about
        What reports print.
    """

    name: str
    values: tuple[Number | str, ...]
    initial: Formula
    next: Formula | Mapping[str, Formula]
    label: str = ""
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        put, what = object.__setattr__, f"state {self.name}"
        values = _listed(self.values, f"{what}: values", "range(6), or ('open', 'closed')")
        put(self, "values", tuple(map(_state_value, values)))
        put(self, "initial", _formula(self.initial))
        given = self.next
        put(self, "next", _formulas(given) if isinstance(given, Mapping) else _formula(given))

    @property
    def labels(self) -> tuple[str, ...]:
        """The values as text."""
        return tuple(map(str, self.values))


@dataclass(frozen=True)
class Stage:
    """Simultaneous moves. ``when`` is a condition over categorical parameters: where it is
    false the stage does not exist (so the same decision may stand at two places in the order).
    """

    name: str
    moves: tuple[Decision | Chance, ...]
    when: str | None = None

    def __init__(self, name: str, *moves: Decision | Chance, when: str | None = None) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "moves", tuple(moves))
        object.__setattr__(self, "when", when)


@dataclass(frozen=True)
class Derived:
    """A named quantity: a formula with what a reader of its value needs to know."""

    formula: Formula
    label: str = ""
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "formula", _formula(self.formula))


@dataclass(frozen=True)
class Regime:
    """An overlay on a game: what it fixes, narrows, overrides or switches off."""

    name: str
    label: str = ""
    about: str = ""
    fix: Mapping[str, str] = field(default_factory=dict)
    """decision -> the action it is fixed to."""
    narrow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """decision -> the actions that remain."""
    set: Mapping[str, Number | str] = field(default_factory=dict)
    """parameter -> value."""
    off: tuple[str, ...] = ()
    """Mechanisms that are switched off."""

    def __post_init__(self) -> None:
        put, what = object.__setattr__, f"regime {self.name}"
        fix = _mapped(self.fix, f"{what}: fix", '{"decision": "action"}')
        put(self, "fix", _frozen({name: str(action) for name, action in fix.items()}))
        narrow = {
            name: tuple(map(str, _listed(actions, f"{what}: narrow", '{"decision": ("a", "b")}')))
            for name, actions in _mapped(self.narrow, f"{what}: narrow", '{"d": ("a",)}').items()
        }
        put(self, "narrow", _frozen(narrow))
        settings = _mapped(self.set, f"{what}: set", '{"parameter": 1}')
        put(self, "set", _frozen({name: _kept(value) for name, value in settings.items()}))
        put(self, "off", _listed(self.off, f"{what}: off", '("mechanism",)'))


@dataclass(frozen=True)
class Preset(Mapping[str, Number | str]):
    """Values of parameters that belong together; reads like the mapping ``set``."""

    set: Mapping[str, Number | str]
    """parameter -> value."""
    label: str = ""
    about: str = ""
    source: str = ""
    confidence: str = ""
    """How far the source can be trusted: one of :data:`CONFIDENCE`, or nothing."""

    def __post_init__(self) -> None:
        given = _mapped(self.set, "preset: set", '{"parameter": 1}')
        object.__setattr__(self, "set", _frozen({n: _kept(v) for n, v in given.items()}))

    def __getitem__(self, name: str) -> Number | str:
        return self.set[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.set)

    def __len__(self) -> int:
        return len(self.set)


@dataclass(frozen=True)
class Target:
    """Something that was observed, and what it corresponds to in the game.

    Parameters can be chosen so that the game comes near it (:func:`highfence.study.fit`).
    """

    formula: str
    """Over the outcomes of named regimes, and parameters: ``"small_yard.x_H / none.x_H"``."""
    value: Number
    low: Number | None = None
    """The lowest and highest value that the source leaves open."""
    high: Number | None = None
    unit: str = ""
    label: str = ""
    source: str = ""
    confidence: str = ""
    """How far the source can be trusted: one of :data:`CONFIDENCE`, or nothing."""
    about: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            given = getattr(self, name)
            object.__setattr__(self, name, given if given is None else _setting(given))


ORIGINS = ("published", "closed form", "own")
"""Whose a published value is. ``published``: a number or formula that the source prints;
``closed form``: the source's model at our numbers, solved by hand; ``own``: a stylized game of
ours in the spirit of the source, which replicates nothing."""


@dataclass(frozen=True)
class Published:
    """An answer that somebody else gave, which ours must match.

    Solving never reads it: ``highfence replications`` solves the game and sets the two beside
    each other.
    """

    formula: str
    """Over the outcomes, payoffs and parameters of the regime, in the language of flags."""
    value: Number
    source: str
    """Author and year; where in the source, if that matters."""
    label: str = ""
    """What the number is, in a few words."""
    origin: str = "published"
    """Whose the value is: one of :data:`ORIGINS`."""
    tolerance: Number = Decimal("1e-6")
    """The largest difference, in absolute value, that counts as a match."""
    equilibria: str = "all"
    """``all``: every equilibrium has the value; ``some``: at least one has."""
    regime: str = ""
    """The regime that it is about; the game without overlay if empty."""
    preset: str = ""
    set: Mapping[str, Number | str] = field(default_factory=dict)
    """parameter -> value."""
    method: str = "auto"

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in ("value", "tolerance"):
            put(self, name, _setting(getattr(self, name)))
        given = _mapped(self.set, "published: set", '{"parameter": 1}')
        put(self, "set", _frozen({name: _kept(value) for name, value in given.items()}))


@dataclass(frozen=True)
class Mechanism:
    """A named switch: ``off`` maps parameters to the values that neutralize the mechanism.

    ``id`` names the arguments of the essays that it stands for, separated by commas (see
    :mod:`highfence.study.mechanisms`).
    """

    off: Mapping[str, Number | str]
    label: str = ""
    id: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        off = _mapped(self.off, "mechanism: off", '{"parameter": 0}')
        object.__setattr__(self, "off", _frozen({n: _kept(v) for n, v in off.items()}))


@dataclass(frozen=True)
class Sentence:
    """A sentence about a regime, said where ``when`` holds.

    ``{formula:format}`` inside the text is replaced by the formula's value. Formulas read
    this regime's outcomes by name and another regime's as ``regime.outcome``.
    """

    text: str
    when: str = "True"


@dataclass(frozen=True)
class Commitment:
    """Which categorical parameter switches the player's timing, for the value of commitment."""

    player: str
    parameter: str
    committed: str
    discretionary: str


@dataclass(frozen=True)
class Game:
    """A game: players, parameters, stages, derived quantities, payoffs, regimes.

    Raises
    ------
    SpecError
        Anything is wrong; ``error.problems`` lists all of it.
    """

    name: str
    players: tuple[Player, ...]
    stages: tuple[Stage, ...]
    payoffs: Mapping[str, Formula]
    parameters: tuple[Parameter, ...] = ()
    derived: Mapping[str, Derived] = field(default_factory=dict)
    """Name -> quantity, in order. A name may be indexed: ``"sales[j in segments]"``."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Signature -> formula: ``{"price(Z, c1, c2)": "..."}``."""
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Index set -> elements. ``m[j]`` with j = 'F' is the name ``mF`` or ``m_F``."""
    regimes: tuple[Regime, ...] = ()
    mechanisms: Mapping[str, Mechanism] = field(default_factory=dict)
    presets: Mapping[str, Preset] = field(default_factory=dict)
    """Preset -> parameter -> value. ``default`` is always there: the declared values. A
    mapping from parameter to value is taken for a :class:`Preset`."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """Observations that the game's parameters can be fitted to."""
    published: tuple[Published, ...] = ()
    """Answers of the literature, which :func:`highfence.study.replicate` sets beside ours."""
    outcomes: tuple[str, ...] | None = None
    """The derived quantities that are reported; None for all of them."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Flag -> condition over this regime's and the baseline's outcomes, for compare:
    ``{"B1": "K_H > none.K_H"}``; the baseline is a regime's name."""
    narrative: tuple[Sentence, ...] = ()
    """Sentences of which compare makes the line in words that it prints for each regime."""
    commitment: Commitment | None = None
    states: tuple[State, ...] = ()
    """State variables. With any, the stages are those of one period of a game that goes on."""
    discount: Formula | Mapping[str, Formula] | None = None
    """What a payoff of the next period is worth now, over parameters; or player -> that."""
    horizon: int | None = None
    """How many periods there are; None for a game without end."""
    title: str = ""
    question: str = ""
    source: str = ""
    about: str = ""
    assumptions: tuple[str, ...] = ()
    """What a reader should know before believing the answer; reports print it."""
    file: str = field(default="python", compare=False)
    """Where the game was read from."""
    cache: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out from the game once (resolved formulas, compiled functions)."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in (
            "players",
            "stages",
            "parameters",
            "regimes",
            "narrative",
            "assumptions",
            "published",
            "states",
        ):
            put(self, name, _listed(getattr(self, name), f"{self.file}: {name}", "a list"))
        for name in (
            "payoffs",
            "derived",
            "functions",
            "sets",
            "mechanisms",
            "presets",
            "targets",
            "flags",
        ):
            _mapped(getattr(self, name), f"{self.file}: {name}", "a dict")
        put(self, "players", tuple(p if isinstance(p, Player) else Player(p) for p in self.players))
        put(self, "payoffs", _formulas(self._of_players(self.payoffs)))
        derived = {n: d if isinstance(d, Derived) else Derived(d) for n, d in self.derived.items()}
        put(self, "derived", _frozen(derived))
        put(self, "functions", _frozen(self.functions))
        sets = {
            name: tuple(map(str, _listed(members, f"{self.file}: sets.{name}", '("a", "b")')))
            for name, members in self.sets.items()
        }
        put(self, "sets", _frozen(sets))
        put(self, "regimes", tuple(map(self._regime, self.regimes)))
        put(self, "published", tuple(map(self._regime, self.published)))
        put(self, "mechanisms", _frozen(self._mechanisms()))
        put(self, "presets", _frozen({n: self._preset(n, p) for n, p in self.presets.items()}))
        put(self, "targets", _frozen(self.targets))
        put(
            self,
            "discount",
            _formulas(self._of_players(self.discount))
            if isinstance(self.discount, Mapping)
            else _formula(self.discount),
        )
        if self.outcomes is not None:
            put(self, "outcomes", _listed(self.outcomes, f"{self.file}: outcomes", '("name",)'))
        put(self, "flags", _frozen(self.flags))
        sentences = tuple(s if isinstance(s, Sentence) else Sentence(s) for s in self.narrative)
        put(self, "narrative", sentences)

        if not CHECKED.get():
            from .validate import validate

            validate(self)

    def _of_players(self, given: Any) -> dict[str, Any]:
        return {p.name if isinstance(p, Player) else p: f for p, f in given.items()}

    def _regime(self, regime: Any) -> Any:
        if not isinstance(regime, Regime | Published):
            return regime  # reported by validation
        return replace(regime, set=self._settings(regime.set))

    def _preset(self, name: str, given: Any) -> Preset:
        if isinstance(given, Preset):
            return replace(given, set=self._settings(given.set))
        return Preset(self._settings(_mapped(given, f"{self.file}: presets.{name}", "a dict")))

    def _mechanisms(self) -> dict[str, Mechanism]:
        made: dict[str, Mechanism] = {}
        for name, given in self.mechanisms.items():
            if isinstance(given, Mechanism):
                made[name] = replace(given, off=self._settings(given.off))
            elif isinstance(given, str):
                made[name] = Mechanism({given: 0})
            else:
                off = _mapped(given, f"{self.file}: mechanisms.{name}", '{"parameter": 0}')
                made[name] = Mechanism(self._settings(off))
        return made

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameter values with "1/3" and "30%" read as numbers where numbers are meant."""
        categorical = {p.name for p in self.parameters if isinstance(p, Parameter) and p.choices}
        return {n: v if n in categorical else _setting(v) for n, v in given.items()}
