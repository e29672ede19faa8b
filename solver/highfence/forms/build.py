"""A spec and parameter values -> a form: the only module that knows both.

A game of one stage of finite decisions becomes a :class:`NormalForm`, other finite games an
:class:`ExtensiveForm`, and games with interval decisions a staged form. What is fixed (by a
regime, or because one action or outcome is left) is no move of the form.

Payoffs of finite games are worked out in exact rational arithmetic where the formulas and
values are rational, and in floats otherwise. A formula is evaluated once per combination of
the moves that it depends on, not once per play.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import LimitExceeded, Problem, RequestError, SpecError, did_you_mean
from ..spec.formulas import (
    Expr,
    Inexact,
    as_float,
    constant,
    evaluate,
    evaluate_exact,
    order,
    rational,
)
from ..spec.model import Action, Chance, Decision, Game, Interval, Parameter, Regime, exact
from ..spec.resolve import Resolved, resolved
from .extensive import ExtensiveForm, Lottery, Move, Terminal
from .markov import MarkovForm
from .normal import NormalForm
from .order_of_play import order_of_play
from .periods import markov_form
from .staged import StagedForm, staged_form, substitute

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .extensive import Node

__all__ = ["allowed_actions", "build", "find_regime", "values", "values_given"]

Values = dict[str, Fraction | str]


# ---------------------------------------------------------------------------------------------
# Values of the parameters


def values(
    game: Game,
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Values:
    """Return the value of every parameter.

    Later ones win: the declared values, the preset, what the regime sets, the mechanisms
    that the regime switches off, and the values asked for.

    Parameters
    ----------
    regime
        A regime, or its name.
    preset
        Name of a preset; ``"default"`` is the declared values.
    parameters
        Parameter -> value. Text such as ``"0.3"``, ``"1/3"`` and ``"30%"`` is a number.
        A value outside the declared range is taken: studies probe there.

    Returns
    -------
    dict of str to Fraction or str
        In the order of the declaration; text for categorical parameters.

    Raises
    ------
    RequestError
        A name is unknown, or a value is not a finite number or not among the choices.
    """
    declared = {parameter.name: parameter for parameter in game.parameters}
    if "values" not in game.cache:  # a comparison asks some twenty times
        game.cache["values"] = {name: _value(game, p, p.value) for name, p in declared.items()}
    made: Values = dict(game.cache["values"])

    def put(given: Mapping[str, Any], whence: str) -> None:
        for name, value in given.items():
            if name not in declared:
                close = did_you_mean(name, declared)
                raise RequestError(f"{game.name} has no parameter {name!r}{whence}. {close}")
            made[name] = _value(game, declared[name], value)

    if preset is not None and (preset != "default" or preset in game.presets):
        if preset not in game.presets:
            close = did_you_mean(preset, ["default", *game.presets])
            raise RequestError(f"{game.name} has no preset {preset!r}. {close}")
        put(game.presets[preset], f" (preset {preset})")
    overlay = find_regime(game, regime)
    if overlay is not None:
        put(overlay.set, f" (regime {overlay.name})")
        for mechanism in overlay.off:
            if mechanism not in game.mechanisms:
                close = did_you_mean(mechanism, game.mechanisms)
                raise RequestError(f"{game.name} has no mechanism {mechanism!r}. {close}")
            put(game.mechanisms[mechanism].off, f" (mechanism {mechanism})")
    put(parameters or {}, "")
    return made


def values_given(parameters: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters that a function was given in a mapping and as keywords.

    The mapping takes parameters of every name, also those called like arguments of the function.

    Raises
    ------
    RequestError
        A parameter is given in both ways, or something else than a mapping is given.
    """
    if parameters is not None and not isinstance(parameters, Mapping):
        raise RequestError(
            f"parameters = {parameters!r} is no mapping of names to values. "
            "Give one, like parameters={'learning': 0.2}, or keywords: learning=0.2"
        )
    given = dict(parameters or {})
    for name in named:
        if name in given:
            raise RequestError(f"{name} is given twice, in parameters and as a keyword. Give one")
    return {**given, **named}


def _value(game: Game, parameter: Parameter, value: Any) -> Fraction | str:
    if parameter.choices:
        if not isinstance(value, str) or value not in parameter.choices:
            close = did_you_mean(str(value), parameter.choices)
            raise RequestError(
                f"{game.name}: {parameter.name} cannot be {value!r}, it has choices. {close}"
            )
        return value
    from ..spec.model import number

    try:
        found = exact(number(value))
        if math.isinf(as_float(found)):
            raise ValueError("beyond the range of floating point")
        return found
    except ValueError:
        given = value if isinstance(value, Decimal) else repr(value)
        raise RequestError(
            f"{game.name}: {parameter.name} = {given} is not a finite number. "
            "Write it as 0.3, 1/3, 1e-3 or 30%"
        ) from None


def find_regime(game: Game, regime: Regime | str | None) -> Regime | None:
    """Return the regime of a name (a :class:`Regime` is returned as it is).

    Raises
    ------
    RequestError
        The game has no such regime.
    """
    if regime is None or isinstance(regime, Regime):
        return regime
    for known in game.regimes:
        if known.name == regime:
            return known
    names = [known.name for known in game.regimes]
    close = did_you_mean(regime, names) or "The game has no regimes"
    raise RequestError(f"{game.name} has no regime {regime!r}. {close}")


def allowed_actions(
    game: Game, found: Resolved, regime: Regime | str | None
) -> dict[str, tuple[int, ...]]:
    """Return, for each finite decision of these stages, the actions that the regime leaves.

    Raises
    ------
    RequestError
        The regime fixes or narrows what does not exist, or leaves a decision no action.
    """
    overlay = find_regime(game, regime)
    decisions = {
        move.name: move
        for stage in game.stages
        for move in stage.moves
        if isinstance(move, Decision)
    }
    left: dict[str, list[str]] = {
        name: [action.name for action in move.actions]
        for name, move in decisions.items()
        if not isinstance(move.actions, Interval)
    }
    if overlay is not None:
        fixed = {name: (action,) for name, action in overlay.fix.items()}
        for name, actions in [*overlay.narrow.items(), *fixed.items()]:
            whence = f"{game.name}: regime {overlay.name}"
            if name not in left:
                if name in decisions:
                    raise RequestError(
                        f"{whence}: {name} is an interval and cannot be fixed to an action. "
                        "Use a parameter as its bound"
                    )
                raise RequestError(
                    f"{whence}: there is no decision {name!r}. {did_you_mean(name, left)}"
                )
            known = [action.name for action in _finite(decisions[name])]
            for action in actions:
                if action not in known:
                    close = did_you_mean(action, known)
                    raise RequestError(f"{whence}: {name} has no action {action!r}. {close}")
            left[name] = [action for action in left[name] if action in actions]
            if not left[name]:
                raise RequestError(f"{whence}: no action of {name} is left")
    made = {}
    for name, move in found.moves.items():
        if isinstance(move, Decision) and not isinstance(move.actions, Interval):
            kept = set(left[name])
            made[name] = tuple(k for k, a in enumerate(move.actions) if a.name in kept)
    return made


# ---------------------------------------------------------------------------------------------
# Forms


def build(
    game: Game,
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> NormalForm | ExtensiveForm | StagedForm | MarkovForm:
    """Return the form of a game at one set of parameter values.

    Parameters
    ----------
    regime, preset, parameters
        See :func:`values`. The regime also fixes and narrows decisions.

    Returns
    -------
    NormalForm
        All decisions that are left stand in one stage, are finite, and belong to distinct
        players; nothing is left to chance. A player without one has a single strategy.
    ExtensiveForm
        Other finite games. Simultaneous decisions follow one another; information sets
        are what the decision observes. A chance move follows the decisions that do not see it
        where that adds subgames (see :mod:`highfence.forms.order_of_play`), unless the tree
        would then have too many nodes, which a note says.
    StagedForm
        Some decision is over an interval.
    MarkovForm
        The game has state variables.

    Raises
    ------
    RequestError
        An unknown name, or a value that is no number.
    SpecError
        At these values a payoff is undefined, probabilities do not sum to one, or a
        decision has no available action.
    LimitExceeded
        More than ``limits.MAX_CELLS`` payoffs, or ``limits.MAX_NODES`` nodes.

    Notes
    -----
    Exact payoffs are kept up to ``limits.MAX_EXACT_CELLS`` of them. Cost: for each
    formula, the combinations of the moves that it depends on.

    Examples
    --------
    >>> from highfence import Decision, Game, Stage
    >>> game = Game(
    ...     name="matching",
    ...     players=["even", "odd"],
    ...     stages=[Stage("show",
    ...         Decision("even", "coin_1", ["heads", "tails"]),
    ...         Decision("odd", "coin_2", ["heads", "tails"]))],
    ...     derived={"same": "(coin_1 == 'heads') == (coin_2 == 'heads')"},
    ...     payoffs={"even": "where(same, 1, -1)", "odd": "where(same, -1, 1)"},
    ... )
    >>> build(game).payoffs[0].tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    at = values(game, regime=regime, preset=preset, parameters=parameters)
    found = resolved(game, {name: v for name, v in at.items() if isinstance(v, str)})
    allowed = allowed_actions(game, found, regime)
    if game.states:
        return markov_form(found, at, allowed)
    decisions = [m for m in found.moves.values() if isinstance(m, Decision)]
    if any(isinstance(m.actions, Interval) for m in decisions):
        return staged_form(found, at, allowed)
    return _Finite(found, at, allowed).form()


def _finite(decision: Decision) -> tuple[Action, ...]:
    return () if isinstance(decision.actions, Interval) else decision.actions


@dataclass(frozen=True)
class Tree:
    """A tree without payoffs."""

    order: tuple[str, ...]
    """The moves that are left, in the order in which the tree has them."""
    nodes: Sequence[Move | Lottery | tuple[int, ...]]
    """In preorder; a terminal is the actions of the moves in that order."""
    shown: tuple[int, ...] = ()
    """The decision nodes in the order in which the game states its moves; () if that is the
    tree's own."""
    notes: tuple[str, ...] = ()


@dataclass
class _Finite:
    """A finite game on its way to a form."""

    found: Resolved
    at: Mapping[str, Fraction | str]
    allowed: Mapping[str, tuple[int, ...]]
    known: dict[tuple[int, ...], Any] = field(default_factory=dict)
    """(expression, values it depends on) -> value."""
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Move -> labels of its actions or outcomes."""
    labels: dict[tuple[Any, ...], str] = field(default_factory=dict)
    """Information set -> label."""

    def form(self) -> NormalForm | ExtensiveForm:
        free = self.prepare()
        return self._normal(free) if self.is_one_shot(free) else self._extensive()

    def prepare(self) -> list[Decision | Chance]:
        """Fold what is fixed into all formulas, and return the moves that are left."""
        self.game = game = self.found.game
        self.players = tuple(player.name for player in game.players)
        self.title = game.title or game.name
        self.moves = list(self.found.moves.values())
        self.place = {move.name: k for k, move in enumerate(self.moves)}
        fixed: dict[str, Expr] = {
            name: constant(value) for name, value in self.at.items() if not isinstance(value, str)
        }
        for name, actions in self.allowed.items():
            if len(actions) == 1:
                fixed[name] = constant(actions[0])
        self.fixed = {name for name in self.place if name in fixed}
        # What is fixed may fix more: the outcomes of a lottery, the actions that are available.
        self._simplify(fixed)
        for _ in self.moves:
            more = {
                move.name: constant(forced)
                for move in self.moves
                if move.name not in self.fixed and (forced := self._forced(move)) is not None
            }
            if not more:
                break
            fixed |= more
            self.fixed |= set(more)
            self._simplify(fixed)
        self.choice = {name: int(fixed[name].value) for name in self.fixed}
        return [move for move in self.moves if move.name not in self.fixed]

    def is_one_shot(self, free: Sequence[Decision | Chance]) -> bool:
        """Return whether the moves left make a strategic form: at once, of distinct players."""
        stages = {self.found.stage_of[move.name] for move in free}
        owners = [move.player for move in free if isinstance(move, Decision)]
        simultaneous = len(stages) <= 1 and len(set(owners)) == len(owners) == len(free)
        return simultaneous and all(self._constant_actions(move) is not None for move in free)

    def _simplify(self, fixed: Mapping[str, Expr]) -> None:
        """Fold what is fixed into all formulas."""
        found = self.found
        outcome_names = list(found.outcomes)
        outcomes = [found.outcome(name) for name in outcome_names]
        conditions = {**found.available, **found.probabilities}
        flat = [e for row in conditions.values() for e in row]
        roots = [*(found.payoffs[player] for player in self.players), *outcomes, *flat]
        made = iter(substitute(roots, fixed))
        self.payoffs = [next(made) for _ in self.players]
        self.outcomes = {name: next(made) for name in outcome_names}
        self.conditions = {name: [next(made) for _ in row] for name, row in conditions.items()}

    def _constant_actions(self, move: Decision | Chance) -> tuple[int, ...] | None:
        """Return the actions available, if that is the same at every history."""
        left = self.allowed.get(move.name, range(len(self.conditions[move.name])))
        conditions = self.conditions[move.name]
        if any(conditions[k].op != "const" for k in left):
            return None
        return tuple(k for k in left if conditions[k].value != 0)

    def _forced(self, move: Decision | Chance) -> int | None:
        """Return the only action or outcome that is left at every history, if there is one."""
        actions = self._constant_actions(move)
        if actions is None or len(actions) != 1:
            return None
        if isinstance(move, Chance) and self.conditions[move.name][actions[0]].value != 1:
            return None  # reported where the probabilities are summed
        return actions[0]

    def _labels(self, move: Decision | Chance) -> tuple[str, ...]:
        if move.name not in self.names:
            names = move.outcomes if isinstance(move, Chance) else [a.name for a in _finite(move)]
            self.names[move.name] = tuple(names)
        return self.names[move.name]

    def _where(self, history: Sequence[tuple[str, int]]) -> str:
        """Return ``move=action`` of a history and the parameter values, for messages."""
        played = [f"{n}={self._labels(self.moves[self.place[n]])[k]}" for n, k in history]
        return ", ".join(played)

    # -- strategic form ------------------------------------------------------------------------

    def _normal(self, free: Sequence[Decision | Chance]) -> NormalForm:
        by_player = {move.player: move for move in free if isinstance(move, Decision)}
        actions: list[tuple[int, ...]] = []
        labels: list[tuple[str, ...]] = []
        for player in self.players:
            move = by_player.get(player)
            if move is None:
                actions.append((0,))
                labels.append((self._fixed_label(player),))
                continue
            available = self._constant_actions(move) or ()
            if not available:
                raise self._no_action(move, [])
            actions.append(available)
            labels.append(tuple(self._labels(move)[k] for k in available))
        shape = tuple(len(a) for a in actions)
        cells = int(np.prod(shape, dtype=object)) * len(self.players)
        if cells > limits.MAX_CELLS:
            raise LimitExceeded(
                Problem(
                    self.game.file,
                    f"{' x '.join(map(str, shape))} strategies are {cells} payoffs; the limit "
                    f"MAX_CELLS is {limits.MAX_CELLS}",
                    "Use fewer actions",
                )
            )
        grids = np.meshgrid(*(np.array(a, dtype=np.int64) for a in actions), indexing="ij")
        columns = {
            by_player[player].name: grid.ravel()
            for player, grid in zip(self.players, grids, strict=True)
            if player in by_player
        }
        plays = _Plays(columns, int(np.prod(shape)))
        floats, rationals = self._tables(plays)
        table: Any = floats if rationals is None else rationals
        return NormalForm.from_payoffs(
            table.reshape((len(self.players), *shape)),
            players=self.players,
            strategies=labels,
            title=self.title,
            outcomes={n: v.reshape(shape) for n, v in self._metrics(plays).items()},
        )

    def _fixed_label(self, player: str) -> str:
        """Return the label of the only strategy of a player whose decisions are all fixed."""
        own = [m for m in self.moves if isinstance(m, Decision) and m.player == player]
        played = [self._labels(move)[self.choice[move.name]] for move in own]
        return ", ".join(played) if played else "(no decision)"

    # -- payoffs -------------------------------------------------------------------------------

    def _tables(self, plays: _Plays) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
        """Return payoffs, shape (players, plays): floats, and exact ones if there are."""
        rationals = None
        if len(self.players) * plays.count <= limits.MAX_EXACT_CELLS:
            rationals = plays.exact(self.payoffs)
        if rationals is not None:
            return np.empty((0, 0)), rationals
        floats = plays.floats(self.payoffs)
        self._refuse_undefined(floats, [f"payoffs.{player}" for player in self.players], plays)
        return floats, None

    def _metrics(self, plays: _Plays) -> dict[str, NDArray[np.float64]]:
        names = list(self.outcomes)
        table = plays.floats([self.outcomes[name] for name in names])
        self._refuse_undefined(table, [f"derived.{name}" for name in names], plays)
        return dict(zip(names, table, strict=True))

    def _refuse_undefined(
        self, table: NDArray[np.float64], names: Sequence[str], plays: _Plays
    ) -> None:
        problems = []
        for row, name in zip(table, names, strict=True):
            wrong = np.flatnonzero(~np.isfinite(row))
            if not len(wrong):
                continue
            history = [(move, int(column[wrong[0]])) for move, column in plays.columns.items()]
            where = self._where(history) or "every play"
            what = "undefined" if np.isnan(row[wrong[0]]) else "infinite"
            problems.append(
                Problem(
                    f"{self.game.file}: {name}",
                    f"it is {what} at {where}{self._parameters()}",
                    "Guard it with where(condition, a, b), or change the values",
                )
            )
        if problems:
            raise SpecError(problems)

    def _parameters(self) -> str:
        """Return the values that differ from the declared ones, for messages."""
        declared = {p.name: p.value for p in self.game.parameters}
        shown = []
        for name, value in self.at.items():
            same = value == declared[name] or (
                isinstance(value, Fraction) and value == exact(declared[name])
            )
            if not same:
                shown.append(f"{name}={value}")
        return f" with {', '.join(shown)}" if shown else ""

    # -- extensive form ------------------------------------------------------------------------

    def _extensive(self) -> ExtensiveForm:
        tree = self.tree()
        ends = [node for node in tree.nodes if isinstance(node, tuple)]
        table = np.array(ends, dtype=np.int64).reshape(len(ends), len(tree.order))
        columns = {name: table[:, k] for k, name in enumerate(tree.order)}
        stated = [name for name in self.place if name in columns]
        plays = _Plays({name: columns[name] for name in stated}, len(ends))
        floats, rationals = self._tables(plays)
        payoffs: Any = floats if rationals is None else rationals
        metrics = self._metrics(plays)

        def finished() -> Iterator[Node]:
            k = 0
            for node in tree.nodes:
                if not isinstance(node, tuple):
                    yield node
                    continue
                line = tuple(payoffs[:, k].tolist())
                yield Terminal(line, {name: float(row[k]) for name, row in metrics.items()})
                k += 1

        form = ExtensiveForm.from_preorder(
            self.players, finished(), self.title, self.labels, tree.notes
        )
        return replace(form, order_shown=tree.shown) if tree.shown else form

    def tree(self) -> Tree:
        """Return the tree without payoffs, chance where it leaves the most subgames.

        Raises
        ------
        LimitExceeded
            More than ``limits.MAX_NODES`` nodes, also in the order that the game states.
        """
        stated = [move for move in self.moves if move.name not in self.fixed]
        observed = self._observed(stated)
        needed: dict[str, set[str]] = {}
        if any(isinstance(move, Chance) for move in stated):
            for move in stated:
                needed[move.name] = set(observed.get(move.name, ()))
                for expr in self.conditions[move.name]:
                    needed[move.name].update(self._inputs(expr))
            order = order_of_play(stated, needed, observed)
        else:
            order = stated
        if order == stated:
            nodes, _ = self._grown(stated, observed)
            return Tree(tuple(move.name for move in stated), nodes)
        try:
            nodes, histories = self._grown(order, observed, remember=True)
        except LimitExceeded:
            nodes, _ = self._grown(stated, observed)
            note = (
                f"{', '.join(_put_later(stated, order))} would be played behind decisions that do "
                "not see it, which leaves more subgames, but the tree would have more than "
                f"{limits.MAX_NODES} nodes (highfence.limits.MAX_NODES)"
            )
            return Tree(tuple(move.name for move in stated), nodes, notes=(note,))
        shown = _as_stated(stated, order, nodes, histories)
        return Tree(tuple(move.name for move in order), nodes, shown)

    def _grown(
        self,
        free: Sequence[Decision | Chance],
        observed: Mapping[str, Sequence[str]],
        remember: bool = False,
    ) -> tuple[list[Move | Lottery | tuple[int, ...]], list[tuple[int, ...]]]:
        """Return the nodes in preorder, a terminal as the actions of the free moves; and what
        was played before each of them, if it is to be remembered."""
        nodes: list[Move | Lottery | tuple[int, ...]] = []
        histories: list[tuple[int, ...]] = []
        stack: list[tuple[tuple[int, ...], frozenset[str]]] = [((), frozenset())]
        while stack:
            played, forced = stack.pop()
            while len(played) < len(free):  # what is forced is no node
                move = free[len(played)]
                history = [(m.name, k) for m, k in zip(free, played, strict=False)]
                actions, probabilities = self._options(move, history)
                if len(actions) > 1:
                    break
                played, forced = (*played, actions[0]), forced | {move.name}
            if len(nodes) >= limits.MAX_NODES:
                raise LimitExceeded(
                    Problem(
                        self.game.file,
                        f"the tree has more nodes than the limit MAX_NODES = {limits.MAX_NODES}",
                        "Use fewer stages or actions",
                    )
                )
            if remember:
                histories.append(played)
            if len(played) == len(free):
                nodes.append(played)
                continue
            stack.extend(((*played, action), forced) for action in reversed(actions))
            names = self._labels(move)
            labels = tuple(names[k] for k in actions)
            if isinstance(move, Chance):
                nodes.append(Lottery(move.name, labels, probabilities, ()))
                continue
            at = dict(history)
            key = (move.name, *(at[name] for name in observed[move.name]))
            if key not in self.labels:
                chosen = [(n, at[n]) for n in observed[move.name] if n not in forced]
                after = f" after {self._where(chosen)}" if chosen else ""
                self.labels[key] = f"{move.name}{after}"
            nodes.append(Move(self.players.index(move.player), key, labels, ()))
        return nodes, histories

    def _observed(self, free: Sequence[Decision | Chance]) -> dict[str, list[str]]:
        """Return what each decision knows: what it observes, and its player's own moves so far."""
        names = {move.name for move in free}
        known: dict[str, list[str]] = {}
        for k, move in enumerate(free):
            if isinstance(move, Decision):
                seen = set(self.found.observed(move))
                for other in free[:k]:
                    if isinstance(other, Decision) and other.player == move.player:
                        seen.add(other.name)
                known[move.name] = [m.name for m in free[:k] if m.name in seen & names]
        return known

    def _options(
        self, move: Decision | Chance, history: Sequence[tuple[str, int]]
    ) -> tuple[tuple[int, ...], tuple[Fraction | float, ...]]:
        """Return what can happen at a history: actions, or outcomes and their probabilities."""
        numbers = [self._number(expr, history, move.name) for expr in self.conditions[move.name]]
        if isinstance(move, Decision):
            left = tuple(k for k in self.allowed[move.name] if numbers[k] != 0)
            if not left:
                raise self._no_action(move, history)
            return left, ()
        total = sum(numbers)
        exactly = all(isinstance(number, Fraction) for number in numbers)
        off = total != 1 if exactly else abs(float(total) - 1) > tolerances.PROBABILITY
        if off or min(numbers) < 0:
            raise SpecError(
                Problem(
                    self._place_of(move),
                    f"the probabilities are {', '.join(map(_shown, numbers))}"
                    f"{self._at(history)}; their sum is {_shown(total)}",
                    "Make each at least 0 and their sum 1; they are never rescaled",
                )
            )
        left = tuple(k for k, number in enumerate(numbers) if number != 0)
        return left, tuple(numbers[k] for k in left)

    def _at(self, history: Sequence[tuple[str, int]]) -> str:
        where = self._where(history)
        return f" at {where}{self._parameters()}" if where else self._parameters()

    def _place_of(self, move: Decision | Chance) -> str:
        stage = self.found.stages[self.found.stage_of[move.name]]
        return f"{self.game.file}: stages.{stage.name}.{move.name}"

    def _no_action(self, move: Decision | Chance, history: Sequence[tuple[str, int]]) -> SpecError:
        return SpecError(
            Problem(
                self._place_of(move),
                f"no action is available{self._at(history)}",
                "Let one action have no 'when', or give the decision an action for this case",
            )
        )

    def _number(
        self, expr: Expr, history: Sequence[tuple[str, int]], name: str
    ) -> Fraction | float:
        """Return the value of a condition or probability at a history."""
        if expr.op == "const":
            return Fraction(expr.value)
        names = self._inputs(expr)
        played = dict(history)
        key = (id(expr), *(played[n] for n in names))
        if key not in self.known:
            at = {n: played[n] for n in names}
            value: Fraction | float
            try:
                value = Fraction(evaluate_exact([expr], at)[0])
            except Inexact:
                value = float(evaluate([expr], at)[0])
            if not np.isfinite(float(value)):
                move = self.moves[self.place[name]]
                raise SpecError(
                    Problem(
                        self._place_of(move),
                        f"a condition or probability is undefined{self._at(history)}",
                        "Guard it with where(condition, a, b)",
                    )
                )
            self.known[key] = value
        number: Fraction | float = self.known[key]
        return number

    def _inputs(self, expr: Expr) -> tuple[str, ...]:
        key = (-1, id(expr))
        if key not in self.known:
            names = {node.value for node in order([expr]) if node.op == "input"}
            self.known[key] = tuple(sorted(names, key=self.place.__getitem__))
        found: tuple[str, ...] = self.known[key]
        return found


def _put_later(
    stated: Sequence[Decision | Chance], order: Sequence[Decision | Chance]
) -> list[str]:
    """Return the chance moves that have more decisions before them in another order."""

    def before(moves: Sequence[Decision | Chance], chance: Chance) -> int:
        return sum(isinstance(move, Decision) for move in moves[: moves.index(chance)])

    return [
        move.name
        for move in stated
        if isinstance(move, Chance) and before(order, move) > before(stated, move)
    ]


def _as_stated(
    stated: Sequence[Decision | Chance],
    order: Sequence[Decision | Chance],
    nodes: Sequence[Move | Lottery | tuple[int, ...]],
    histories: Sequence[tuple[int, ...]],
) -> tuple[int, ...]:
    """Return the decision nodes of a tree in preorder of the tree that has the stated order."""
    place = {move.name: k for k, move in enumerate(stated)}
    columns: list[list[int]] = []
    """Per move of the tree, where it has the moves that are stated before; -1 if later."""
    for k, move in enumerate(order):
        at = {other.name: j for j, other in enumerate(order[:k])}
        columns.append([at.get(other.name, -1) for other in stated[: place[move.name]]])

    def key(node: int) -> tuple[int, ...]:
        played = histories[node]
        return tuple(played[k] if k >= 0 else -1 for k in columns[len(played)])

    return tuple(sorted((k for k, node in enumerate(nodes) if isinstance(node, Move)), key=key))


def _shown(number: Fraction | float) -> str:
    return str(number) if isinstance(number, Fraction) else repr(float(number))


# ---------------------------------------------------------------------------------------------
# Formulas over many plays


class _Undefined:
    """Stands for a value that is not a rational number."""


_UNDEFINED = _Undefined()


@dataclass
class _Plays:
    """Plays as columns: for each free move, its action in every play."""

    columns: dict[str, NDArray[np.int64]]
    count: int

    def floats(self, roots: Sequence[Expr]) -> NDArray[np.float64]:
        """Return the values of the roots in every play, shape (roots, plays)."""
        made = np.empty((len(roots), self.count))
        for row, value in zip(made, evaluate(roots, self.columns), strict=True):
            row[:] = value
        return made

    def exact(self, roots: Sequence[Expr]) -> NDArray[np.object_] | None:
        """Return the exact values, shape (roots, plays), or None if one is not rational."""
        nodes, tables = _ordered(roots)
        depends: dict[int, tuple[str, ...]] = {}
        values: dict[int, list[Any]] = {}
        groups: dict[tuple[str, ...], tuple[Any, Any]] = {}

        def at(node: Expr, plays: Any) -> list[Any]:
            """Return the values of a finished node in these plays."""
            known = values[id(node)]
            return [known[k] for k in groups[depends[id(node)]][1][plays]]

        for node in nodes:
            table = tables.get(id(node))
            args = node.args if table is None else tuple(table.branches.values())
            names = {name for arg in args for name in depends[id(arg)]}
            if table is not None:
                names.add(table.move)
            if node.op == "input":
                names = {node.value}
            ordered = tuple(name for name in self.columns if name in names)
            depends[id(node)] = ordered
            if ordered not in groups:
                groups[ordered] = self._group(ordered)
            firsts, _ = groups[ordered]
            if node.op == "const":
                values[id(node)] = [node.value]
            elif node.op == "input":
                values[id(node)] = [Fraction(int(k)) for k in self.columns[node.value][firsts]]
            elif table is not None:
                actions = self.columns[table.move][firsts]
                made: list[Any] = [None] * len(firsts)
                for action in np.unique(actions):
                    rows = np.flatnonzero(actions == action)
                    found = at(table.branch(int(action)), firsts[rows])
                    for row, value in zip(rows, found, strict=True):
                        made[row] = value
                values[id(node)] = made
            else:
                values[id(node)] = _each(node.op, [at(arg, firsts) for arg in args])
        result = np.empty((len(roots), self.count), dtype=object)
        for line, root in zip(result, roots, strict=True):
            known = values[id(root)]
            if any(value is _UNDEFINED for value in known):
                return None
            numbers = [Fraction(value) for value in known]
            line[:] = [numbers[k] for k in groups[depends[id(root)]][1]]
        return result

    def _group(self, names: tuple[str, ...]) -> tuple[Any, Any]:
        """Return a play of each combination of these moves, and each play's combination."""
        inverse = np.zeros(self.count, dtype=np.int64)
        for name in names:
            column = self.columns[name]
            key = inverse * (int(column.max(initial=0)) + 1) + column
            _, inverse = np.unique(key, return_inverse=True)
        _, firsts = np.unique(inverse, return_index=True)
        return firsts, inverse


@dataclass
class _Table:
    """A chain ``where(move == 0, a, where(move == 1, b, c))``, read as a table.

    An attribute of a move is such a chain, one link an action; looked up link by link, a
    decision of many actions would cost the square of their number.
    """

    move: str
    branches: dict[int | None, Expr]
    """Action -> expression; None -> what is left."""

    def branch(self, action: int) -> Expr:
        return self.branches.get(action, self.branches[None])


def _table(node: Expr) -> _Table | None:
    """Return the chain that starts at a node, or None if it has fewer than three links."""
    move: str | None = None
    branches: dict[int | None, Expr] = {}
    while node.op == "where":
        test = node.args[0]
        if test.op != "eq" or [arg.op for arg in test.args] != ["input", "const"]:
            break
        name, action = test.args[0].value, test.args[1].value
        if move not in (None, name):
            break
        move = name
        branches.setdefault(int(action), node.args[1])
        node = node.args[2]
    if move is None or len(branches) < 3:
        return None
    branches[None] = node
    return _Table(move, branches)


def _ordered(roots: Sequence[Expr]) -> tuple[list[Expr], dict[int, _Table]]:
    """Return the nodes that are needed, arguments first, and the chains among them."""
    done: dict[int, Expr] = {}
    tables: dict[int, _Table] = {}
    stack = [(root, False) for root in roots]
    while stack:
        node, ready = stack.pop()
        if id(node) in done:
            continue
        if ready:
            done[id(node)] = node
            continue
        table = _table(node)
        if table is not None:
            tables[id(node)] = table
        args = node.args if table is None else tuple(table.branches.values())
        stack.append((node, True))
        stack.extend((arg, False) for arg in args if id(arg) not in done)
    return list(done.values()), tables


def _each(op: str, given: Sequence[Sequence[Any]]) -> list[Any]:
    """Return ``op`` of each line; undefined where an argument that matters is."""
    made: list[Any] = []
    for line in zip(*given, strict=True):
        if op == "where" and line[0] is not _UNDEFINED:
            made.append(line[1] if line[0] else line[2])
            continue
        try:
            if any(value is _UNDEFINED for value in line):
                raise Inexact("an argument")
            made.append(rational(op, *line))
        except (KeyError, ZeroDivisionError, Inexact):
            made.append(_UNDEFINED)
    return made
