"""A game and the values of its categorical parameters -> expressions.

Categorical parameters decide which stages exist and are folded away; numeric
parameters and moves stay inputs of the expressions, so one resolved game serves
every draw of the numeric parameters.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from .. import limits
from ..errors import LimitExceeded, Problem, SpecError
from .formulas import (
    FALSE,
    TRUE,
    Compiler,
    Expr,
    Function,
    WrongFormula,
    apply,
    call,
    constant,
    order,
    parse,
    text,
    variable,
)
from .model import Chance, Decision, Game, Interval, Stage, State

__all__ = ["Resolved", "derived_names", "resolve", "resolved"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FAMILY = re.compile(r"\s*([A-Za-z_]\w*)\s*\[(.*)\]\s*\Z")
_SIGNATURE = re.compile(r"\s*([A-Za-z_]\w*)\s*\(([^()]*)\)\s*\Z")


@dataclass(frozen=True)
class Resolved:
    """The expressions of a game. Inputs are named like the parameters and moves that they are;
    a finite move's input is the index of its action (or outcome)."""

    game: Game
    categorical: Mapping[str, str]
    stages: tuple[Stage, ...]
    """Those whose ``when`` holds. With state variables the first one draws them, each value
    as likely as any other: formulas, and the search for mistakes, take them for chance moves."""
    payoffs: Mapping[str, Expr]
    derived: Mapping[str, Expr]
    probabilities: Mapping[str, tuple[Expr, ...]]
    """Chance move -> probability of each outcome."""
    available: Mapping[str, tuple[Expr, ...]]
    """Finite decision -> condition of each action."""
    bounds: Mapping[str, tuple[Expr, Expr]]
    """Interval decision -> lower and upper bound."""
    next: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)
    """State variable -> its next value, or where that is drawn the probability of each value."""
    initial: Mapping[str, Expr] = field(default_factory=dict)
    """State variable -> its first value; the index of the value where values are names."""
    discounts: Mapping[str, Expr] = field(default_factory=dict)
    """Player -> what a payoff of the next period is worth; empty without state variables."""
    cache: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out from the expressions once (compiled functions)."""

    @property
    def numeric(self) -> frozenset[str]:
        """The state variables whose values are numbers."""
        return frozenset(s.name for s in self.game.states if _numbers(s.labels) is not None)

    @property
    def moves(self) -> dict[str, Decision | Chance]:
        """The moves in order of play."""
        return {move.name: move for stage in self.stages for move in stage.moves}

    @property
    def stage_of(self) -> dict[str, int]:
        """Move -> index of its stage."""
        return {move.name: k for k, stage in enumerate(self.stages) for move in stage.moves}

    def observed(self, decision: Decision) -> tuple[str, ...]:
        """Return the earlier moves that the decision observes, in order of play."""
        stage_of = self.stage_of
        mine = stage_of[decision.name]
        earlier = [name for name, stage in stage_of.items() if stage < mine]
        if decision.observes is None:
            return tuple(earlier)
        return tuple(name for name in earlier if name in decision.observes)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The derived quantities that are reported."""
        return tuple(self.derived) if self.game.outcomes is None else self.game.outcomes

    def outcome(self, name: str) -> Expr:
        """Return the expression of a reported outcome: a derived quantity, or a move's number.

        Raises
        ------
        KeyError
            There is no such quantity, or the move's actions are not numbers.
        """
        if name in self.derived:
            return self.derived[name]
        move = self.moves[name]
        if isinstance(move, Decision) and isinstance(move.actions, Interval):
            return variable(name)
        labels = tuple(move.outcomes) if isinstance(move, Chance) else _names(move)
        numbers = _numbers(labels)
        if numbers is None:
            raise KeyError(name)
        return _chosen(name, [constant(value) for value in numbers])


def family(name: str) -> tuple[str, list[tuple[str, str]]] | None:
    """Split ``"q[j in segments, t in periods]"`` into base and (variable, set) pairs."""
    matched = _FAMILY.match(name)
    if matched is None:
        return None
    pairs = []
    for part in matched.group(2).split(","):
        words = part.split()
        if len(words) != 3 or words[1] != "in":
            return None
        pairs.append((words[0], words[2]))
    return matched.group(1), pairs


def derived_names(game: Game) -> dict[str, tuple[str, dict[str, str]]]:
    """Return every derived quantity's full name -> (key in ``game.derived``, index -> element).

    Malformed keys are left out; validation reports them.
    """
    names: dict[str, tuple[str, dict[str, str]]] = {}
    for key in game.derived:
        split = family(key)
        if split is None:
            if _IDENTIFIER.match(key):
                names[key] = (key, {})
            continue
        base, pairs = split
        if any(of not in game.sets for _, of in pairs):
            continue
        for elements in product(*(game.sets[of] for _, of in pairs)):
            bound = {index: e for (index, _), e in zip(pairs, elements, strict=True)}
            names["_".join([base, *elements])] = (key, bound)
    return names


def _names(decision: Decision) -> tuple[str, ...]:
    return () if isinstance(decision.actions, Interval) else tuple(a.name for a in decision.actions)


def _numbers(labels: Sequence[str]) -> list[Fraction] | None:
    """Return the labels as numbers, if all of them are."""
    from .model import exact

    try:
        return [exact(label) for label in labels]
    except ValueError:
        return None


def _chosen(name: str, values: Sequence[Expr]) -> Expr:
    """Return the value that belongs to the action chosen (``name`` is its index)."""
    made = values[-1]
    for index in range(len(values) - 2, -1, -1):
        made = apply("where", apply("eq", variable(name), constant(index)), values[index], made)
    return made


class _GameScope:
    """The names of a game; derived quantities are resolved on first use."""

    def __init__(self, game: Game, stages: Sequence[Stage], categorical: Mapping[str, str]) -> None:
        self.game = game
        self.categorical = categorical
        self.parameters = {parameter.name: parameter for parameter in game.parameters}
        self.moves = {move.name: move for stage in stages for move in stage.moves}
        self.derived = derived_names(game)
        self.made: dict[str, Expr | None] = {}
        self.making: list[str] = []
        self.problems: list[Problem] = []
        self.compiler: Compiler

    def place(self, *keys: str) -> str:
        return f"{self.game.file}: {'.'.join(keys)}" if self.game.file else ".".join(keys)

    def known(self) -> Iterable[str]:
        return [*self.parameters, *self.moves, *self.derived]

    def has(self, name: str) -> bool:
        return name in self.parameters or name in self.moves or name in self.derived

    def name(self, name: str) -> Expr | None:
        if name in self.parameters:
            if name in self.categorical:
                return text(self.categorical[name])
            return variable(name)
        if name in self.moves:
            return self._move_value(name)
        if name in self.derived:
            return self._derived(name)
        return None

    def _labels(self, name: str) -> tuple[str, ...] | None:
        move = self.moves.get(name)
        if move is None:
            return None
        if isinstance(move, Chance):
            return tuple(move.outcomes)
        if isinstance(move.actions, Interval):
            return None
        return tuple(action.name for action in move.actions)

    def _move_value(self, name: str) -> Expr | None:
        labels = self._labels(name)
        if labels is None:
            return variable(name)
        numbers = _numbers(labels)
        if numbers is None:
            return self._not_a_number(name)
        return _chosen(name, [constant(number) for number in numbers])

    def _not_a_number(self, name: str) -> Expr | None:
        raise WrongFormula(
            f"{name} is a move, not a number",
            f"Test it ({name} == 'action'), or read an attribute ({name}.attribute)",
        )

    def _is(self, name: str, index: int) -> Expr:
        return apply("eq", variable(name), constant(index))

    def test(self, name: str, action: str) -> Expr | None:
        labels = self._labels(name)
        if labels is None:
            return None
        if action not in labels:
            raise KeyError(labels)
        if len(labels) == 1:
            return TRUE
        return self._is(name, labels.index(action))

    def _attribute_table(self, name: str) -> list[Mapping[str, Any]] | None:
        move = self.moves.get(name)
        if move is None or (isinstance(move, Decision) and isinstance(move.actions, Interval)):
            return None
        if isinstance(move, Chance):
            return [move.attributes[outcome] for outcome in move.outcomes]
        return [action.attributes for action in move.actions]  # type: ignore[union-attr]

    def attributes(self, name: str) -> Sequence[str]:
        table = self._attribute_table(name)
        return [] if not table else list(table[0])

    def attribute(self, name: str, attribute: str) -> Expr | None:
        table = self._attribute_table(name)
        if table is None or not any(table):
            return None
        labels = self._labels(name) or ()
        if any(attribute not in row for row in table):
            raise KeyError(self.attributes(name))
        made = []
        for label, row in zip(labels, table, strict=True):
            expr = self.compiler.formula(row[attribute], self.place(name, label, attribute))
            made.append(expr if expr is not None else constant(0))
        return _chosen(name, made)

    def _derived(self, name: str) -> Expr | None:
        if name in self.made:
            found = self.made[name]
            return found if found is not None else constant(0)
        if name in self.making:
            cycle = " -> ".join([*self.making[self.making.index(name) :], name])
            raise WrongFormula(f"definitions go round in a circle: {cycle}", "Break the circle")
        key, bound = self.derived[name]
        formula = self.game.derived[key].formula
        self.making.append(name)
        try:
            if callable(formula):
                made = self._called(formula, name)
            else:
                place = self.place("derived", key)
                made = self.compiler.formula(formula, place, bound=bound, kind="any")
        finally:
            self.making.pop()
        self.made[name] = made
        # A wrong definition is reported once; what uses it goes on with a stand-in.
        return made if made is not None else constant(0)

    def _called(self, function: Any, name: str) -> Expr | None:
        place = self.place("derived", name)
        try:
            arguments = list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            self.problems.append(
                Problem(place, "the callable has no readable signature", "Wrap it in a def")
            )
            return None
        made = []
        for argument in arguments:
            expr = self.compiler.formula(argument, f"{place}({argument})", kind="any")
            if expr is None:
                return None
            made.append(expr)
        return call(function, made)


def _units(game: Game) -> dict[str, str]:
    """Return the units of what is declared with one: parameters and interval decisions."""
    found = {parameter.name: parameter.unit for parameter in game.parameters}
    for stage in game.stages:
        for move in stage.moves:
            if isinstance(move, Decision) and isinstance(move.actions, Interval):
                found[move.name] = move.actions.unit
    return {name: unit for name, unit in found.items() if unit}


def functions_of(game: Game, problems: list[Problem]) -> dict[str, Function]:
    """Return the user functions of a game; mistakes are appended to ``problems``."""
    found: dict[str, Function] = {}
    for signature, body in game.functions.items():
        place = f"{game.file}: functions.{signature}"
        matched = _SIGNATURE.match(signature)
        names = [] if matched is None else [n.strip() for n in matched.group(2).split(",")]
        if matched is None or not all(_IDENTIFIER.match(name) for name in names):
            problems.append(
                Problem(place, "this is not a signature", 'Write "name(a, b)" = "formula"')
            )
            continue
        if len(set(names)) < len(names):
            problems.append(Problem(place, "two arguments have the same name", "Rename one"))
            continue
        tree = parse(body, place, problems)
        if tree is not None:
            source = body.replace("\n", " ").replace("\t", " ")
            found[matched.group(1)] = Function(matched.group(1), names, tree, place, source)
    return found


def active_stages(
    game: Game, categorical: Mapping[str, str], problems: list[Problem]
) -> tuple[Stage, ...]:
    """Return the stages whose ``when`` holds for these values of the categorical parameters."""
    scope = _GameScope(game, (), categorical)
    scope.compiler = compiler = Compiler(scope, {}, game.sets, problems)
    kept = []
    for stage in game.stages:
        if stage.when is None:
            kept.append(stage)
            continue
        place = scope.place("stages", stage.name, "when")
        holds = compiler.formula(stage.when, place, kind="condition")
        if holds is None:
            continue
        if holds is not TRUE and holds is not FALSE:
            problems.append(
                Problem(
                    place,
                    "the condition depends on more than categorical parameters",
                    "Use a parameter with choices",
                )
            )
        if holds is TRUE:
            kept.append(stage)
    return tuple(kept)


def resolve(
    game: Game,
    values: Mapping[str, Any] | None = None,
    *,
    problems: list[Problem] | None = None,
) -> Resolved:
    """Return the expressions of a game.

    Parameters
    ----------
    values
        Values of the categorical parameters; others are ignored, missing ones take the
        declared value.
    problems
        If given, mistakes are appended to it instead of raised.

    Raises
    ------
    SpecError
        Any formula is wrong; all mistakes are listed.
    LimitExceeded
        The expressions are more than :data:`highfence.limits.MAX_EXPRESSIONS`.
    """
    found: list[Problem] = [] if problems is None else problems
    given = values or {}
    categorical = {
        parameter.name: str(given.get(parameter.name, parameter.value))
        for parameter in game.parameters
        if parameter.choices
    }
    stages = active_stages(game, categorical, found)
    if game.states:
        drawn = [_drawn(state) for state in game.states]
        stages = (Stage("states", *drawn), *stages)
    scope = _GameScope(game, stages, categorical)
    scope.problems = found
    functions = functions_of(game, found)
    scope.compiler = compiler = Compiler(scope, functions, game.sets, found, _units(game))

    def condition(formula: Any, *keys: str) -> Expr:
        if formula is None:
            return TRUE
        made = compiler.formula(formula, scope.place(*keys), kind="condition")
        return made if made is not None else TRUE

    def number(formula: Any, *keys: str) -> Expr:
        if callable(formula):
            made = scope._called(formula, ".".join(keys))
        else:
            made = compiler.formula(formula, scope.place(*keys))
        return made if made is not None else constant(0)

    derived = {}
    for name in scope.derived:
        try:
            made = scope.name(name)
        except Exception as error:
            reason = getattr(error, "reason", None)
            if reason is None:
                raise
            found.append(Problem(scope.place("derived", name), reason, error.fix))  # type: ignore[attr-defined]
            made = None
        derived[name] = made if made is not None else constant(0)
    payoffs = {
        player.name: number(game.payoffs[player.name], "payoffs", player.name)
        for player in game.players
        if player.name in game.payoffs
    }
    probabilities: dict[str, tuple[Expr, ...]] = {}
    available: dict[str, tuple[Expr, ...]] = {}
    bounds: dict[str, tuple[Expr, Expr]] = {}
    for stage in stages:
        for move in stage.moves:
            if isinstance(move, Chance):
                probabilities[move.name] = tuple(
                    number(formula, "stages", stage.name, move.name, outcome)
                    for outcome, formula in move.outcomes.items()
                )
            elif isinstance(move.actions, Interval):
                bounds[move.name] = (
                    number(move.actions.low, "stages", stage.name, move.name, "low"),
                    number(move.actions.high, "stages", stage.name, move.name, "high"),
                )
            else:
                available[move.name] = tuple(
                    condition(action.when, "stages", stage.name, move.name, action.name, "when")
                    for action in move.actions
                )
    following: dict[str, tuple[Expr, ...]] = {}
    initial: dict[str, Expr] = {}
    for state in game.states:
        place = ("states", state.name, "next")
        if isinstance(state.next, Mapping):
            table = {str(value): formula for value, formula in state.next.items()}
            following[state.name] = tuple(
                number(table[label], *place, label) if label in table else constant(0)
                for label in state.labels
            )
        else:
            following[state.name] = (number(state.next, *place),)
        if str(state.initial) not in state.labels:
            initial[state.name] = number(state.initial, "states", state.name, "initial")
        else:
            index = state.labels.index(str(state.initial))
            numbers = _numbers(state.labels)
            initial[state.name] = constant(index if numbers is None else numbers[index])
    discounts: dict[str, Expr] = {}
    if game.states:
        for player in game.players:
            own: Any = game.discount
            keys: tuple[str, ...] = ("discount",)
            if isinstance(own, Mapping):
                own, keys = own.get(player.name, 0), ("discount", player.name)
            discounts[player.name] = number(own, *keys)
    everything = [
        *(e for row in following.values() for e in row),
        *initial.values(),
        *discounts.values(),
        *payoffs.values(),
        *derived.values(),
        *(e for row in probabilities.values() for e in row),
        *(e for row in available.values() for e in row),
        *(e for pair in bounds.values() for e in pair),
    ]
    if not found:
        size = len(order(everything))
        if size > limits.MAX_EXPRESSIONS:
            raise LimitExceeded(
                Problem(
                    game.file,
                    f"the formulas have {size} expressions; the limit MAX_EXPRESSIONS is "
                    f"{limits.MAX_EXPRESSIONS}",
                    "Use smaller index sets",
                )
            )
    elif problems is None:
        raise SpecError(found)
    return Resolved(
        game,
        categorical,
        stages,
        payoffs,
        derived,
        probabilities,
        available,
        bounds,
        following,
        initial,
        discounts,
    )


def _drawn(state: State) -> Chance:
    share = Fraction(1, max(len(state.values), 1))
    return Chance(state.name, dict.fromkeys(state.labels, share), state.label)


def resolved(game: Game, values: Mapping[str, Any] | None = None) -> Resolved:
    """Return the expressions of a valid game, worked out once per categorical values."""
    given = values or {}
    key = (
        "resolved",
        *(str(given.get(p.name, p.value)) for p in game.parameters if p.choices),
    )
    if key not in game.cache:
        game.cache[key] = resolve(game, given)
    found: Resolved = game.cache[key]
    return found
