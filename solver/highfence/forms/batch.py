"""A finite game -> arrays that serve all draws of its numbers.

The tree of a game, who moves where and who knows what, is the same at most draws; payoffs and
the probabilities of chance differ. Here the tree is worked out once, as flat arrays, and
payoffs become straight-line code (:mod:`highfence.kernels.batch_formulas`): at every terminal
the moves are put into the formulas and what is constant is folded, so that what is left is
shared between terminals and depends on the draw alone.

Where draws differ in the tree itself (an action is not available, an outcome of chance has no
probability), they are sorted by it, and each tree is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import SpecError
from ..spec.formulas import Expr, apply, as_float, call, constant, input_names, order
from ..spec.model import Chance, Decision, Game, Interval, Regime
from ..spec.resolve import Resolved, resolved
from .build import _Finite, _ordered, _Plays, allowed_actions, values
from .extensive import CHANCE, ExtensiveForm, Terminal
from .reduce import Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .extensive import Node

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["BatchForm", "Formulas", "Stages", "Trees", "trees"]

ALL, PURE, NEVER = 0, 1, 2
"""Rules of stages, as in :mod:`highfence.kernels.batch_tree`, which is not imported before it runs:
that loads the compiler."""
_EXACT_OPS = {"min", "max", "neg", "abs", "where", "lt", "le", "eq", "ne", "and", "or", "not"}
"""Operations that do not round."""
_TRIES = 8
"""Draws of one structure at which the tree is tried to be built, before all are left alone."""
_KEPT = 8
"""Games whose trees are kept, per resolved game."""


# ---------------------------------------------------------------------------------------------
# Formulas


@dataclass(frozen=True, eq=False)
class Formulas:
    """Straight-line code for many formulas of the same inputs."""

    names: tuple[str, ...]
    """Inputs; they stand in the first registers."""
    code: NDArray[np.int32]
    """(instructions, 5): see :mod:`highfence.kernels.batch_formulas`."""
    constants: Floats
    """They stand in the registers after the inputs."""
    registers: int
    places: Integers
    """Per formula, the register in which its result is left. Equal formulas share one."""

    def run(self, inputs: Floats, registers: Floats, marks: NDArray[np.uint8]) -> None:
        """Evaluate.

        Parameters
        ----------
        inputs
            (n, len(names)).
        registers
            (at least :attr:`registers`, n), written: results are where :attr:`places` says.
            Undefined values are NaN or infinite.
        marks
            (n,): set to 1 where two computed numbers are compared that differ by no more than
            their rounding.
        """
        from ..kernels.batch_formulas import run_formulas

        registers[: len(self.names)] = inputs.T
        end = len(self.names) + len(self.constants)
        registers[len(self.names) : end] = self.constants[:, None]
        run_formulas(self.code, registers, len(inputs), marks)


class _Callable(Exception):
    """A formula calls Python."""


def _formulas(names: Sequence[str], roots: Sequence[Expr]) -> Formulas:
    """Return code that leaves the value of each expression in a register."""
    from ..kernels.batch_formulas import GUARDED, OPS

    nodes = order(roots)
    uses: dict[int, int] = {}
    for arg in (*(arg for node in nodes for arg in node.args), *roots):
        uses[id(arg)] = uses.get(id(arg), 0) + 1
    place: dict[int, int] = {}
    rounded: dict[int, bool] = {}
    constants: list[float] = []
    column = {name: k for k, name in enumerate(names)}
    for node in nodes:
        rounded[id(node)] = False
        if node.op == "call":
            raise _Callable
        if node.op == "input":
            place[id(node)] = column[node.value]
        elif node.op == "const":
            place[id(node)] = len(names) + len(constants)
            constants.append(as_float(node.value))
    base = count = len(names) + len(constants)
    free: list[int] = []
    code: list[tuple[int, ...]] = []

    def used(node: Expr) -> None:
        uses[id(node)] -= 1
        if uses[id(node)] == 0 and place[id(node)] >= base:
            free.append(place[id(node)])

    # One root after the other, so that results of neighbors stand side by side in memory; what
    # is left in a root's register is never written over.
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if id(node) in place:
                continue
            if not ready:
                stack.append((node, True))
                stack.extend((arg, False) for arg in reversed(node.args))
                continue
            at = [place[id(arg)] for arg in node.args]
            loose = any(rounded[id(arg)] for arg in node.args)
            rounded[id(node)] = loose or node.op not in _EXACT_OPS
            if free:
                out = free.pop()
            else:
                out = count
                count += 1
            place[id(node)] = out
            code += _instructions(node, out, at, loose, OPS, GUARDED)
            for arg in node.args:
                used(arg)
    table = np.array(code, dtype=np.int32).reshape(len(code), 5)
    places = np.array([place[id(root)] for root in roots], dtype=np.int64)
    return Formulas(tuple(names), table, np.array(constants), count, places)


def _instructions(
    node: Expr, out: int, at: Sequence[int], loose: bool, ops: Mapping[str, int], guarded: int
) -> list[tuple[int, ...]]:
    """Return the code of one operation on the registers ``at``."""
    if node.op == "pow" and node.args[1].op == "const" and node.args[1].value in (2, 3, 4):
        times = ops["mul"]
        square = (times, out, at[0], at[0], 0)
        rest = {2: [], 3: [(times, out, out, at[0], 0)], 4: [(times, out, out, out, 0)]}
        return [square, *rest[int(node.args[1].value)]]
    op = ops[node.op]
    if loose and node.op in ("lt", "le", "eq", "ne"):
        op += guarded
    return [(op, out, *[*at, 0, 0][:3])]


def _placed(
    roots: Sequence[Expr], columns: Mapping[str, NDArray[np.int64]], count: int
) -> list[list[Expr]]:
    """Return, per root, the expression that is left of it at each play.

    ``columns`` has the action (or outcome) of each move in each of the ``count`` plays. A
    formula is looked at once per combination of the moves that it depends on.
    """
    plays = _Plays(dict(columns), count)
    nodes, tables = _ordered(roots)
    depends: dict[int, tuple[str, ...]] = {}
    made: dict[int, list[Expr]] = {}
    groups: dict[tuple[str, ...], tuple[Any, Any]] = {}

    def at(node: Expr, rows: Any) -> list[Expr]:
        known = made[id(node)]
        where = groups[depends[id(node)]][1]
        return [known[k] for k in where[rows].tolist()]

    for node in nodes:
        table = tables.get(id(node))
        args = node.args if table is None else tuple(table.branches.values())
        names = {name for arg in args for name in depends[id(arg)]}
        if table is not None:
            names.add(table.move)
        if node.op == "input":
            names = {node.value}
        ordered = tuple(name for name in columns if name in names)
        depends[id(node)] = ordered
        if ordered not in groups:
            groups[ordered] = plays._group(ordered)
        firsts, _ = groups[ordered]
        if node.op == "const" or (node.op == "input" and node.value not in columns):
            made[id(node)] = [node]
        elif node.op == "input":
            made[id(node)] = [constant(k) for k in columns[node.value][firsts].tolist()]
        elif table is not None and table.move in columns:
            actions = columns[table.move][firsts]
            line: list[Any] = [None] * len(firsts)
            for action in np.unique(actions).tolist():
                rows = np.flatnonzero(actions == action)
                for row, value in zip(
                    rows.tolist(), at(table.branch(action), firsts[rows]), strict=True
                ):
                    line[row] = value
            made[id(node)] = line
        else:
            given = [at(arg, firsts) for arg in node.args]
            made[id(node)] = [
                call(node.value, row) if node.op == "call" else apply(node.op, *row)
                for row in zip(*given, strict=True)
            ]
    everywhere = np.arange(count)
    return [at(root, everywhere) for root in roots]


# ---------------------------------------------------------------------------------------------
# Structure


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages of a game as flat arrays; see :mod:`highfence.kernels.batch_tree`."""

    axis_start: Integers
    axis_player: Integers
    axis_size: Integers
    end_start: Integers
    ends: Integers
    cell_start: Integers
    term_start: Integers
    term_end: Integers
    term_odds: Integers
    rule: Integers
    players: int
    terminals: int

    @property
    def count(self) -> int:
        """Number of stages."""
        return len(self.rule)

    @property
    def arrays(self) -> tuple[Integers, ...]:
        """The arrays in the order in which kernels take them, ``rule`` last."""
        return (
            self.axis_start, self.axis_player, self.axis_size, self.end_start, self.ends,
            self.cell_start, self.term_start, self.term_end, self.term_odds, self.rule,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class BatchForm:
    """One tree, with formulas in place of its numbers."""

    players: tuple[str, ...]
    outcomes: tuple[str, ...]
    stages: Stages
    formulas: Formulas
    """Formula ``t * columns + k``: payoff (then outcome) ``k`` at terminal ``t``; then the
    probabilities of chance that stages refer to."""
    num_odds: int
    lotteries: tuple[tuple[int, ...], ...]
    """Probabilities, as entries, of chance moves at which they depend on the draw: each once."""
    one_shot: bool
    """The game is a strategic form: one stage, whose axes are the players in order."""

    @property
    def columns(self) -> int:
        """Number of payoffs and outcomes."""
        return len(self.players) + len(self.outcomes)

    @property
    def places(self) -> Integers:
        """(terminals, columns): the registers of payoffs and outcomes."""
        kept = self.formulas.places[: self.stages.terminals * self.columns]
        return kept.reshape(-1, self.columns)

    @property
    def odds_places(self) -> Integers:
        """(num_odds,): the registers of probabilities."""
        return self.formulas.places[self.stages.terminals * self.columns :]

    @cached_property
    def distinct(self) -> tuple[Integers, Integers]:
        """Where the registers of each column start, and its registers, each once."""
        rows = [np.unique(column) for column in self.places.T]
        start = np.cumsum([0, *map(len, rows)])
        return start.astype(np.int64), np.concatenate(rows)

    def values(self, draws: Floats) -> Floats:
        """Return payoffs, then outcomes, at all terminals: (n, terminals, columns).

        ``draws`` is (n, number of drawn parameters).
        """
        registers = np.empty((self.formulas.registers, len(draws)))
        self.formulas.run(draws, registers, np.zeros(len(draws), np.uint8))
        return np.ascontiguousarray(registers[self.places].transpose(2, 0, 1))


class _Structure:
    """Stages on their way to arrays."""

    def __init__(self) -> None:
        self.axes: list[list[tuple[int, int]]] = []
        self.ends: list[list[int]] = []
        self.cells: list[list[list[tuple[int, int]]]] = []
        self.rule: list[int] = []
        self.odds: list[Expr] = []
        self.entry: dict[int, int] = {}

    def chance(self, expr: Expr) -> int:
        """Return the entry of a probability."""
        if id(expr) not in self.entry:
            self.entry[id(expr)] = len(self.odds)
            self.odds.append(expr)
        return self.entry[id(expr)]

    def add(
        self,
        axes: list[tuple[int, int]],
        ends: list[int],
        cells: list[list[tuple[int, int]]],
        rule: int,
    ) -> None:
        """Add a stage: axes (player, size), ends, and per cell its terms (end, odds or -1)."""
        self.axes.append(axes)
        self.ends.append(ends)
        self.cells.append(cells)
        self.rule.append(rule)

    def finish(self, players: int, terminals: int) -> Stages:
        def starts(lengths: Sequence[int]) -> Integers:
            return np.concatenate([[0], np.cumsum(np.array(lengths, dtype=np.int64))]).astype(
                np.int64
            )

        def flat(numbers: Any) -> Integers:
            return np.array(list(numbers), dtype=np.int64)

        cells = [cell for stage in self.cells for cell in stage]
        return Stages(
            axis_start=starts([len(axes) for axes in self.axes]),
            axis_player=flat(player for axes in self.axes for player, _ in axes),
            axis_size=flat(size for axes in self.axes for _, size in axes),
            end_start=starts([len(ends) for ends in self.ends]),
            ends=flat(end for ends in self.ends for end in ends),
            cell_start=starts([len(stage) for stage in self.cells]),
            term_start=starts([len(cell) for cell in cells]),
            term_end=flat(end for cell in cells for end, _ in cell),
            term_odds=flat(odds for cell in cells for _, odds in cell),
            rule=flat(self.rule),
            players=players,
            terminals=terminals,
        )


# ---------------------------------------------------------------------------------------------
# Trees


@dataclass(eq=False)
class Trees:
    """The trees that a game has at different draws of some of its parameters."""

    found: Resolved
    at: Mapping[str, Fraction | str]
    """All parameters; drawn ones at any value."""
    drawn: tuple[str, ...]
    allowed: Mapping[str, tuple[int, ...]]
    known: dict[bytes, BatchForm | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rest = {name: value for name, value in self.at.items() if name not in self.drawn}
        self.symbolic = _Finite(self.found, rest, self.allowed)
        self.symbolic.prepare()
        self.keys = self._key_formulas()

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes: their columns come after those of the payoffs."""
        return self.found.outcomes

    def _key_formulas(self) -> tuple[Formulas, int] | None:
        """Return code for what the tree depends on; None if the draws cannot be sorted."""
        made: dict[int, Expr] = {}
        drawn = set(self.drawn)
        for rows in self.symbolic.conditions.values():
            for expr in rows:
                names = input_names([expr])
                if not names & drawn:
                    continue
                moves = [name for name in self.symbolic.place if name in names]
                options = [range(len(self.symbolic.conditions[name])) for name in moves]
                if len(made) + np.prod([len(o) for o in options]) > limits.MAX_BATCH_CONDITIONS:
                    return None
                for actions in product(*options):
                    columns = {name: np.array([k]) for name, k in zip(moves, actions, strict=True)}
                    left = _placed([expr], columns, 1)[0][0]
                    if left.op != "const":
                        made[id(left)] = left
        try:
            return _formulas(self.drawn, list(made.values())), len(made)
        except _Callable:
            return None

    def sort(self, draws: Floats) -> Iterator[tuple[NDArray[np.intp], BatchForm | None]]:
        """Yield the draws by the tree that they have: their indices, and the form.

        Parameters
        ----------
        draws
            (n, len(drawn)).

        Yields
        ------
        tuple
            The form is None where draws are to be solved one by one: the game is wrong
            there, or it is too large or of another kind.
        """
        if self.keys is None:
            yield np.arange(len(draws)), None
            return
        formulas, count = self.keys
        if count == 0:
            yield np.arange(len(draws)), self._form(b"", draws, np.arange(len(draws)))
            return
        registers = np.empty((formulas.registers, len(draws)))
        marks = np.zeros(len(draws), np.uint8)
        formulas.run(draws, registers, marks)
        signs = np.sign(registers[formulas.places].T)
        signs[np.isnan(signs)] = 2
        signs = signs.astype(np.int8)
        unclear = np.flatnonzero(marks)
        if len(unclear):
            yield unclear, None
        clear = np.flatnonzero(marks == 0)
        kinds, which = np.unique(signs[clear], axis=0, return_inverse=True)
        for k, kind in enumerate(kinds):
            chosen = clear[which.ravel() == k]
            yield chosen, self._form(kind.tobytes(), draws, chosen)

    def _form(self, key: bytes, draws: Floats, chosen: NDArray[np.intp]) -> BatchForm | None:
        if key not in self.known:
            if len(self.known) >= limits.MAX_BATCH_TREES:
                return None
            made = None
            for k in chosen[:_TRIES].tolist():
                try:
                    made = self._made(dict(zip(self.drawn, draws[k].tolist(), strict=True)))
                except SpecError:
                    continue
                break
            else:
                return None  # the game is wrong at these draws; it need not be at others
            self.known[key] = made
        return self.known[key]

    def _made(self, draw: Mapping[str, float]) -> BatchForm | None:
        """Return the form of the tree at a draw; None if it is no game for batches."""
        from ..spec.model import exact, number

        at = {**self.at, **{name: exact(number(value)) for name, value in draw.items()}}
        concrete = _Finite(self.found, at, self.allowed)
        free = concrete.prepare()
        structure = _Structure()
        try:
            one_shot = concrete.is_one_shot(free)
            if one_shot:
                plays = self._one_shot(concrete, free, structure)
            else:
                plays = self._tree(concrete, structure)
            if plays is None:
                return None
            columns, terminals, lotteries = plays
            roots = [
                *self.symbolic.payoffs,
                *(self.symbolic.outcomes[name] for name in self.found.outcomes),
            ]
            if terminals * len(roots) > limits.MAX_BATCH_PAYOFFS:
                return None
            lines = _placed(roots, columns, terminals)
            entries = [line[t] for t in range(terminals) for line in lines] + structure.odds
            return BatchForm(
                concrete.players,
                tuple(self.found.outcomes),
                structure.finish(len(concrete.players), terminals),
                _formulas(self.drawn, entries),
                len(structure.odds),
                lotteries,
                one_shot,
            )
        except _Callable:
            return None

    def _one_shot(
        self, concrete: _Finite, free: Sequence[Decision | Chance], structure: _Structure
    ) -> tuple[dict[str, Any], int, tuple[tuple[int, ...], ...]] | None:
        """Add the only stage of a strategic form; return columns of moves, one row a profile."""
        movers = sorted(
            (move for move in free if isinstance(move, Decision)),
            key=lambda move: concrete.players.index(move.player),
        )
        options = [concrete._constant_actions(move) or () for move in movers]
        if not all(options):
            return None
        sizes = [len(actions) for actions in options]
        count = int(np.prod(sizes, dtype=object))
        if count * len(concrete.players) > limits.MAX_BATCH_PAYOFFS:
            return None
        # As solve does: where three or more have a choice, pure equilibria if there are any.
        rule = ALL if len(movers) <= 2 else PURE
        axes = [
            (concrete.players.index(move.player), len(actions))
            for move, actions in zip(movers, options, strict=True)
        ]
        structure.add(axes, list(range(count)), [[(k, -1)] for k in range(count)], rule)
        columns: dict[str, Any] = {name: np.full(count, k) for name, k in concrete.choice.items()}
        grids = np.meshgrid(*(np.array(a, dtype=np.int64) for a in options), indexing="ij")
        for move, grid in zip(movers, grids, strict=True):
            columns[move.name] = grid.ravel()
        ordered = {name: columns[name] for name in concrete.place}
        return ordered, count, ()

    def _tree(
        self, concrete: _Finite, structure: _Structure
    ) -> tuple[dict[str, Any], int, tuple[tuple[int, ...], ...]] | None:
        """Add the stages of a tree; return columns of moves, one row a terminal."""
        tree = concrete.tree()
        ends = [node for node in tree.nodes if isinstance(node, tuple)]
        count = len(ends)
        if count * len(concrete.players) > limits.MAX_BATCH_PAYOFFS:
            return None
        nothing = (0,) * len(concrete.players)
        drawn: list[Node] = [Terminal(nothing) if isinstance(n, tuple) else n for n in tree.nodes]
        form = ExtensiveForm.from_preorder(concrete.players, drawn, concrete.title, concrete.labels)
        if any(len(known.nodes) > 1 for known in form.information_sets) and form.perfect_recall():
            return None
        table = np.array(ends, dtype=np.int64).reshape(count, len(tree.order))
        columns: dict[str, Any] = {name: np.full(count, k) for name, k in concrete.choice.items()}
        columns |= {name: table[:, k] for k, name in enumerate(tree.order)}
        columns = {name: columns[name] for name in concrete.place}
        lotteries = _Lotteries(form, concrete, self.symbolic, columns, structure, set(self.drawn))
        _add_stages(form, structure, lotteries)
        return columns, count, lotteries.checked()


class _Lotteries:
    """The probabilities of chance at the nodes of a tree, as expressions of the draw."""

    def __init__(
        self,
        form: ExtensiveForm,
        concrete: _Finite,
        symbolic: _Finite,
        columns: Mapping[str, Any],
        structure: _Structure,
        drawn: set[str],
    ) -> None:
        self.form, self.structure, self.drawn = form, structure, drawn
        self.of: dict[int, list[Expr]] = {}
        terminals = form.terminals
        by_move: dict[str, list[int]] = {}
        for node in np.flatnonzero(form.owner == CHANCE).tolist():
            by_move.setdefault(form.labels[node], []).append(node)
        for name, nodes in by_move.items():
            below = np.searchsorted(terminals, nodes)  # any play through the node will do
            plays = {move: column[below] for move, column in columns.items()}
            lines = _placed(symbolic.conditions[name], plays, len(nodes))
            outcomes = concrete._labels(concrete.moves[concrete.place[name]])
            for k, node in enumerate(nodes):
                self.of[node] = [
                    lines[outcomes.index(label)][k] for label in form.action_labels[node]
                ]

    def checked(self) -> tuple[tuple[int, ...], ...]:
        """Return the entries of those lotteries that depend on the draw."""
        found = (
            tuple(self.structure.chance(expr) for expr in exprs)
            for exprs in self.of.values()
            if any(expr.op != "const" for expr in exprs)
        )
        return tuple(dict.fromkeys(found))

    def product(self, steps: Sequence[tuple[int, int]]) -> int:
        """Return the entry of the probability of (node, branch) pairs; -1 if there are none."""
        if not steps:
            return -1
        made = self.of[steps[0][0]][steps[0][1]]
        for node, branch in steps[1:]:
            made = apply("mul", made, self.of[node][branch])
        return self.structure.chance(made)


def _add_stages(form: ExtensiveForm, structure: _Structure, lotteries: _Lotteries) -> None:
    """Add the stages of all subgames, the deepest first."""
    roots = form.subgame_roots()
    known = frozenset(roots)
    terminal = {int(node): k for k, node in enumerate(form.terminals)}
    stage = {root: len(roots) - 1 - k for k, root in enumerate(roots)}

    def reference(node: int) -> int:
        return terminal[node] if node in terminal else len(terminal) + stage[node]

    if not roots:
        structure.add([], [0], [[(0, -1)]], ALL)
    owners = form.owner
    for root in reversed(roots):
        following = form.children[root]
        if all(child in known or not form.children[child] for child in following):
            ends = [reference(child) for child in following]
            if owners[root] == CHANCE:
                terms = [(k, lotteries.product([(root, k)])) for k in range(len(ends))]
                structure.add([], ends, [terms], ALL)
            else:
                axes = [(int(owners[root]), len(ends))]
                structure.add(axes, ends, [[(k, -1)] for k in range(len(ends))], ALL)
            continue
        tree = Truncation.of(form, root, known)
        active = [player for player, plans in tree.plans.items() if len(plans) > 1]
        sizes = [len(tree.plans[player]) for player in active]
        number = int(np.prod(sizes, dtype=object))
        own = [
            sum(form.information_sets[k].player == player for k in tree.sets) for player in active
        ]
        axes = list(zip(active, sizes, strict=True))
        ends = [reference(end) for end in tree.ends]
        # All equilibria of a signalling stage need the sequence form.
        rule = NEVER if len(active) == 2 and own != [1, 1] else ALL
        if rule == NEVER or number * len(ends) > limits.MAX_BATCH_PAYOFFS:
            structure.add([], ends, [[(k, -1) for k in range(len(ends))]], NEVER)
            continue
        cells: list[list[tuple[int, int]]] = [[] for _ in range(number)]
        shape = np.arange(number).reshape(sizes)
        for k, (end, taken) in enumerate(zip(tree.ends, tree.choices, strict=True)):
            odds = lotteries.product(_chance_between(form, root, end))
            lines: tuple[Any, ...] = np.ix_(*(tree.compatible(player, taken) for player in active))
            for cell in shape[lines].ravel().tolist() if active else [0]:
                cells[cell].append((k, odds))
        structure.add(axes, ends, cells, rule)


def _chance_between(form: ExtensiveForm, root: int, end: int) -> list[tuple[int, int]]:
    """Return the (node, branch) pairs of chance on the way from a root to an end."""
    steps = []
    node = end
    while node != root:
        before, taken = int(form.parent[node]), int(form.branch[node])
        if form.owner[before] == CHANCE:
            steps.append((before, taken))
        node = before
    return steps


def trees(
    game: Game,
    drawn: Sequence[str],
    *,
    regime: Regime | str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Trees | None:
    """Return the trees of a finite game for draws of some of its numeric parameters.

    Parameters
    ----------
    drawn
        Names of numeric parameters. A draw counts more than what a regime sets.
    regime, preset, parameters
        See :func:`highfence.forms.build.values`; of ``drawn`` they are not looked at.

    Returns
    -------
    Trees or None
        None if a decision is over an interval, or there are state variables. Kept with
        the game: asking again costs little.

    Raises
    ------
    RequestError
        A name is unknown or a value is no number.
    SpecError
        The game is wrong at the values that are not drawn.
    """
    at = values(game, regime=regime, preset=preset, parameters=parameters)
    found = resolved(game, {name: v for name, v in at.items() if isinstance(v, str)})
    decisions = [move for move in found.moves.values() if isinstance(move, Decision)]
    if game.states or any(isinstance(move.actions, Interval) for move in decisions):
        return None
    allowed = allowed_actions(game, found, regime)
    names = tuple(drawn)
    rest = tuple((name, value) for name, value in at.items() if name not in names)
    key = (names, rest, tuple(allowed.items()))
    kept: dict[Any, Trees] = found.cache.setdefault("batch", {})
    if key not in kept:
        while len(kept) >= _KEPT:
            kept.pop(next(iter(kept)), None)
        kept[key] = Trees(found, at, names, allowed)
    return kept[key]
