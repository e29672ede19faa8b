"""Staged games: blocks of simultaneous moves, some over intervals, played in order.

Everything that was played in earlier blocks is observed. What a user wrote is brought into
this shape where it has the same meaning:

- a decision that does not observe the block before it moves simultaneously with it;
- a chance move that nobody observes is averaged over at the end;
- a chance move that everybody observes is a block of its own, behind decisions that neither
  see it nor depend on it (see :mod:`highfence.forms.order_of_play`).

Anything between (private types, or decisions that observe different things) cannot be
stated together with interval actions and is refused.

A *row* is a flat float64 vector: parameters, then one slot a move (the value of an interval
decision, the index of a finite action), then stored values (see
:mod:`highfence.forms.compile`). ``rows`` always has shape (n, size).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotApplicable, Problem, SpecError
from ..spec.formulas import Expr, apply, constant, order
from ..spec.model import Chance, Decision, Interval
from ..spec.resolve import Resolved
from .compile import Layout, Program, compile_staged, layout, numpy_function
from .order_of_play import chance_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]

__all__ = [
    "Block",
    "FiniteMove",
    "IntervalMove",
    "Prescription",
    "Ref",
    "StagedForm",
    "staged_form",
]


@dataclass(frozen=True)
class Ref:
    """A number that a row holds (``slot`` >= 0), or a constant."""

    slot: int
    value: float = 0.0

    def read(self, rows: Rows) -> NDArray[np.float64]:
        """Return the number in every row, shape (n,)."""
        if self.slot < 0:
            return np.full(rows.shape[0], self.value)
        return rows[:, self.slot].copy()


@dataclass(frozen=True)
class FiniteMove:
    """A finite decision, or a chance move (``player`` is -1)."""

    name: str
    player: int
    labels: tuple[str, ...]
    slot: int
    allowed: tuple[int, ...]
    """Actions that a regime leaves."""
    conditions: tuple[Ref, ...]
    """Availability of each action (0 or 1), or the probability of each outcome."""

    def actions(self, rows: Rows) -> list[tuple[int, ...]]:
        """Return the available actions in every row."""
        table = np.stack([ref.read(rows) for ref in self.conditions], axis=1)
        return [tuple(a for a in self.allowed if line[a] != 0.0) for line in table]


@dataclass(frozen=True)
class IntervalMove:
    """An interval decision with its bounds."""

    name: str
    player: int
    slot: int
    low: Ref
    high: Ref


@dataclass(frozen=True)
class Block:
    """Simultaneous moves; either decisions only, or one chance move only."""

    name: str
    finite: tuple[FiniteMove, ...]
    intervals: tuple[IntervalMove, ...]
    chance: FiniteMove | None = None

    @property
    def players(self) -> tuple[int, ...]:
        """The players who move, in order."""
        movers = {move.player for move in self.finite}
        return tuple(sorted(movers | {move.player for move in self.intervals}))


@dataclass(frozen=True, eq=False)
class Prescription:
    """What a strategy profile has done at one block, at n histories."""

    values: NDArray[np.float64]
    """(n, k): the block's interval actions."""
    profiles: tuple[tuple[int, ...], ...]
    """Finite profiles, one action for each finite move of the block."""
    weights: NDArray[np.float64]
    """(n, len(profiles)): probability of each."""
    known: NDArray[np.bool_]
    """(n,): whether the profile has an answer at all."""
    others: NDArray[np.float64] | None = None
    """(n, k): interval actions that are played instead of ``values`` with the probability
    ``shares``; they differ from those in one player's actions. None: nobody mixes."""
    shares: NDArray[np.float64] | None = None
    """(n,): 0 where nobody mixes."""


@dataclass(frozen=True, eq=False)
class StagedForm:
    """A staged game at one set of parameter values. Make it with :func:`staged_form`."""

    title: str
    players: tuple[str, ...]
    blocks: tuple[Block, ...]
    root: Rows
    """(1, size): the parameters, with their level filled."""
    plan: Layout
    payoffs: tuple[Expr, ...]
    outcome_names: tuple[str, ...]
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)
    """Subgames solved so far, for methods: forms of one game that differ in the actions that
    a regime leaves share it."""
    _outcomes: Any = field(default=None, repr=False)
    _program: Any = field(default=None, repr=False)

    @property
    def num_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def program(self) -> Program:
        """The compiled functions; compiled on first use."""
        made: Program = self._program()
        return made

    def at(self, parameters: Rows) -> StagedForm:
        """Return the same game at other numbers, in the order of the first slots; no memory
        of subgames is shared. For batches of draws: cheap, nothing is compiled again."""
        root = np.zeros_like(self.root)
        root[0, : len(parameters)] = parameters
        form = replace(self, root=root, memo={})
        form.advance(root, -1)
        root.setflags(write=False)
        return form

    def advance(self, rows: Rows, block: int) -> None:
        """Fill the slots of a block's level, in place, once its moves stand in the rows."""
        from ..kernels.staged import advance_rows

        if block < self.plan.last:
            advance_rows(self.program.advance, rows, block)

    def placed(
        self,
        block: int,
        rows: Rows,
        actions: Sequence[int] | Sequence[Sequence[int]],
        values: NDArray[np.float64] | None = None,
    ) -> Rows:
        """Return rows with a block's moves in place and its level filled.

        ``actions``: one for each finite move (or the chance move's outcome), for all rows or
        for each; ``values`` (n, k) or (k,): the interval actions.
        """
        moves = self.blocks[block]
        finite = moves.finite if moves.chance is None else (moves.chance,)
        rows = rows.copy()
        if finite:
            rows[:, [move.slot for move in finite]] = np.asarray(actions, dtype=float)
        if moves.intervals:
            rows[:, [move.slot for move in moves.intervals]] = values
        self.advance(rows, block)
        return rows

    def finish(self, rows: Rows) -> NDArray[np.float64]:
        """Return all payoffs, shape (n, players), of rows in which every move stands."""
        from ..kernels.staged import finish_rows

        found = np.empty((rows.shape[0], self.num_players))
        finish_rows(self.program.finish, rows, found)
        return found

    def outcomes(self, rows: Rows) -> NDArray[np.float64]:
        """Return all outcomes, shape (n, len(outcome_names)), from the inputs in the rows.

        Computed through numpy, not through the compiled functions that solvers use.
        """
        found: NDArray[np.float64] = self._outcomes(rows[:, : len(self.plan.names)])
        return found


def substitute(roots: Sequence[Expr], values: Mapping[str, Expr]) -> list[Expr]:
    """Return the roots with inputs replaced, constants folded."""
    made: dict[int, Expr] = {}
    for node in order(roots):
        if node.op == "input" and node.value in values:
            made[id(node)] = values[node.value]
        elif not node.args:
            made[id(node)] = node
        elif node.op == "call":
            from ..spec.formulas import call

            made[id(node)] = call(node.value, [made[id(arg)] for arg in node.args])
        else:
            made[id(node)] = apply(node.op, *(made[id(arg)] for arg in node.args))
    return [made[id(root)] for root in roots]


def _blocks(resolved: Resolved) -> tuple[list[tuple[str, list[Decision | Chance]]], list[Chance]]:
    """Return the blocks in order, and the chance moves that nobody observes."""

    decisions = [m for m in resolved.moves.values() if isinstance(m, Decision)]
    over = ", ".join(d.name for d in decisions if isinstance(d.actions, Interval))

    def refuse(decision: Decision, reason: str) -> NotApplicable:
        return NotApplicable(
            f"{resolved.game.file}: {decision.name}: {reason}. With interval actions, a decision "
            "observes everything of earlier stages, or nothing of the stages just before it. "
            f"Write the actions of {over} as a list: actions = [0, 1, 2], a grid of the interval"
        )

    drawn = chance_among(resolved, decisions)
    if drawn.split is not None:
        chance, blind, seeing = drawn.split
        raise refuse(blind, f"it does not observe {chance.name!r}, which {seeing.name!r} does")
    hidden = list(drawn.hidden)
    unseen = {move.name for move in hidden}
    blocks: list[tuple[str, list[Decision | Chance]]] = []
    seen_before: list[set[str]] = []
    public = [move for move in resolved.moves.values() if move.name in drawn.behind]
    for place, stage in enumerate(resolved.stages):
        movers = [m for m in stage.moves if isinstance(m, Decision)]
        if movers:
            past = {n for _, moves in blocks for n in (m.name for m in moves)}
            views = [set(resolved.observed(d)) - unseen for d in movers]
            if any(view != views[0] for view in views):
                raise refuse(movers[0], "decisions of one stage observe different things")
            view = views[0]
            if view == past:
                blocks.append((stage.name, list(movers)))
                seen_before.append(view)
            elif (
                blocks
                and view == seen_before[-1]
                and all(isinstance(m, Decision) for m in blocks[-1][1])
            ):
                name, moves = blocks[-1]
                blocks[-1] = (f"{name}, {stage.name}", [*moves, *movers])
            else:
                missing = sorted(past - view)
                raise refuse(movers[0], f"it does not observe {', '.join(missing)}")
        for move in public:
            if drawn.behind[move.name] == place:
                past = {n for _, moves in blocks for n in (m.name for m in moves)}
                stated = resolved.stages[resolved.stage_of[move.name]]
                blocks.append((stated.name, [move]))
                seen_before.append(past)
    return blocks, hidden


def staged_form(
    resolved: Resolved,
    values: Mapping[str, Fraction | str],
    allowed: Mapping[str, tuple[int, ...]] | None = None,
) -> StagedForm:
    """Build a staged form.

    Parameters
    ----------
    resolved
        The game's expressions.
    values
        Parameter -> value (categorical ones are already resolved).
    allowed
        Finite decision -> indices of the actions that a regime leaves.

    Raises
    ------
    NotApplicable
        Information is partial in a way that interval actions do not allow.
    SpecError
        A parameter is missing, or an interval is empty at these values.
    """
    plan, payoffs, outcome_names, outcomes, blocks = _planned(resolved)
    players = tuple(player.name for player in resolved.game.players)
    size = plan.size
    root = np.zeros((1, size))
    for k, name in enumerate(plan.names):
        if name in values and not isinstance(values[name], str):
            root[0, k] = float(values[name])
    made = tuple(
        _block(resolved, plan, players, name, moves, allowed or {}) for name, moves in blocks
    )

    def program() -> Program:
        found = resolved.cache.get("program")
        if found is None:
            last = blocks[-1][1] if blocks else []
            moves = [
                (players.index(m.player), plan.names.index(m.name))
                for m in last
                if isinstance(m, Decision) and isinstance(m.actions, Interval)
            ]
            deciders = [player for player, _ in moves]
            found = resolved.cache["program"] = compile_staged(plan, payoffs, deciders, moves)
        assert isinstance(found, Program)
        return found

    title = resolved.game.title or resolved.game.name
    memo = resolved.cache.setdefault("subgames", {})
    form = StagedForm(
        title, players, made, root, plan, payoffs, outcome_names, memo, outcomes, program
    )
    form.advance(root, -1)
    root.setflags(write=False)
    _refuse_empty(resolved, form)
    return form


def _refuse_empty(resolved: Resolved, form: StagedForm) -> None:
    """Refuse intervals that are empty whatever is played: bounds of parameters alone."""
    problems = []
    for block in form.blocks:
        for move in block.intervals:
            if any(form.plan.level[id(bound)] >= 0 for bound in resolved.bounds[move.name]):
                continue
            low, high = (float(ref.read(form.root)[0]) for ref in (move.low, move.high))
            if not low <= high:
                stage = resolved.stages[resolved.stage_of[move.name]]
                problems.append(
                    Problem(
                        f"{resolved.game.file}: stages.{stage.name}.{move.name}",
                        f"the interval from {low:g} to {high:g} is empty at these values",
                        "Choose values at which the low bound is at most the high one",
                    )
                )
    if problems:
        raise SpecError(problems)


def _planned(resolved: Resolved) -> Any:
    """Return layout, payoffs, outcomes and blocks: the part that does not depend on numbers."""
    found = resolved.cache.get("staged")
    if found is not None:
        return found
    game = resolved.game
    blocks, hidden = _blocks(resolved)
    kept = [move for _, moves in blocks for move in moves]
    outcome_names = list(resolved.outcomes)
    outcome_exprs = [resolved.outcome(name) for name in outcome_names]
    roots = _averaged(
        [*(resolved.payoffs[player.name] for player in game.players), *outcome_exprs],
        hidden,
        resolved,
    )
    count = len(game.players)
    payoffs, outcome_exprs = tuple(roots[:count]), roots[count:]
    names = [p.name for p in game.parameters if not p.choices] + [move.name for move in kept]
    stage_of = {move.name: k for k, (_, moves) in enumerate(blocks) for move in moves}
    stored: list[Expr] = []
    for move in kept:
        stored += resolved.probabilities.get(move.name, ())
        stored += resolved.available.get(move.name, ())
        stored += resolved.bounds.get(move.name, ())
    plan = layout(names, stage_of, max(len(blocks) - 1, 0), payoffs, stored)
    for move in kept:
        for expr in (
            *resolved.probabilities.get(move.name, ()),
            *resolved.available.get(move.name, ()),
            *resolved.bounds.get(move.name, ()),
        ):
            if plan.level[id(expr)] >= stage_of[move.name]:
                raise SpecError(
                    Problem(
                        f"{game.file}: {move.name}",
                        "its bounds, conditions or probabilities depend on a move that is not "
                        "made yet",
                        "Use parameters and earlier moves only",
                    )
                )
    found = (
        plan,
        payoffs,
        tuple(outcome_names),
        numpy_function(outcome_exprs, names),
        blocks,
    )
    resolved.cache["staged"] = found
    # The layout is keyed by the identity of the expressions, so they must stay alive.
    resolved.cache["alive"] = (roots, stored)
    return found


def _averaged(roots: list[Expr], hidden: Sequence[Chance], resolved: Resolved) -> list[Expr]:
    """Return expectations over the chance moves that nobody observes."""
    if not hidden:
        return roots
    total: list[Expr] | None = None
    for combination in product(*(range(len(move.outcomes)) for move in hidden)):
        fixed = {m.name: constant(k) for m, k in zip(hidden, combination, strict=True)}
        weight = constant(1)
        for move, k in zip(hidden, combination, strict=True):
            weight = apply("mul", weight, resolved.probabilities[move.name][k])
        (weight,) = substitute([weight], fixed)
        terms = [apply("mul", weight, root) for root in substitute(roots, fixed)]
        total = (
            terms
            if total is None
            else [apply("add", a, b) for a, b in zip(total, terms, strict=True)]
        )
    return total or roots


def _ref(plan: Layout, expr: Expr) -> Ref:
    if expr.op == "const":
        return Ref(-1, float(expr.value))
    return Ref(plan.slot[id(expr)])


def _block(
    resolved: Resolved,
    plan: Layout,
    players: tuple[str, ...],
    name: str,
    moves: Sequence[Decision | Chance],
    allowed: Mapping[str, tuple[int, ...]],
) -> Block:
    slots = {move: k for k, move in enumerate(plan.names)}
    finite: list[FiniteMove] = []
    intervals: list[IntervalMove] = []
    for move in moves:
        if isinstance(move, Chance):
            refs = tuple(_ref(plan, e) for e in resolved.probabilities[move.name])
            labels = tuple(move.outcomes)
            every = tuple(range(len(labels)))
            chance = FiniteMove(move.name, -1, labels, slots[move.name], every, refs)
            return Block(name, (), (), chance)
        player = players.index(move.player)
        if isinstance(move.actions, Interval):
            low, high = (_ref(plan, e) for e in resolved.bounds[move.name])
            intervals.append(IntervalMove(move.name, player, slots[move.name], low, high))
        else:
            labels = tuple(action.name for action in move.actions)
            left = allowed.get(move.name, tuple(range(len(labels))))
            refs = tuple(_ref(plan, e) for e in resolved.available[move.name])
            finite.append(FiniteMove(move.name, player, labels, slots[move.name], left, refs))
    return Block(name, tuple(finite), tuple(intervals))
