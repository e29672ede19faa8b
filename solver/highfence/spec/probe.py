"""Draw plays of a game and look at what the formulas say there.

A few hundred rows: at the declared values of the parameters, and over their declared
ranges (corners and quasi-random points inside). On each row the moves are played in order:
every available action and every possible outcome where they are few, a fixed random choice
of them otherwise; intervals at both ends and inside. The rows are always the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import Problem
from .formulas import Expr, Inexact, evaluate, evaluate_exact, input_names, order
from .model import Chance, Decision, Game, Interval, State, exact
from .resolve import Resolved, derived_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.float64]]

__all__ = ["ever_holds", "probe"]

_ROWS = 256  # plays at the declared values, and as many over the ranges
_POINTS = 64  # points of the ranges
_GRID = 4096  # combinations of moves at which a condition is looked for


def probe(resolved: Resolved, problems: list[Problem], wide: set[str]) -> None:
    """Append what is wrong at the probed plays to ``problems``.

    To ``wide`` are added the interval decisions that have more than one action somewhere.
    """
    _Probe(resolved, problems, wide).run()


def ever_holds(resolved: Resolved, condition: Expr) -> bool:
    """Return whether a condition holds at some history, as far as a search over moves tells.

    Whether the history can be reached is not asked, so False is safe to report.
    """
    if condition.op == "const":
        return bool(condition.value)
    names = input_names([condition])
    moves = resolved.moves
    sizes = {n: _size(moves[n]) for n in sorted(names & set(moves))}
    if 0 in sizes.values() or int(np.prod(list(sizes.values()) or [1], dtype=object)) > _GRID:
        return True
    grids = np.meshgrid(*(np.arange(size) for size in sizes.values()), indexing="ij")
    points = _points(resolved, declared=False)
    columns: dict[str, Any] = {
        name: grid.ravel()[:, None].astype(np.float64)
        for name, grid in zip(sizes, grids, strict=True)
    }
    columns |= {name: points[name][None, :] for name in names if name in points}
    (value,) = evaluate([condition], columns)
    return bool(np.any(value))


def _size(move: Decision | Chance) -> int:
    """Return the number of actions; 0 for an interval."""
    if isinstance(move, Chance):
        return len(move.outcomes)
    return 0 if isinstance(move.actions, Interval) else len(move.actions)


def _points(resolved: Resolved, *, declared: bool) -> Columns:
    """Return parameter values: one row as declared, or rows over the declared ranges."""
    key = ("points", declared)
    if key not in resolved.game.cache:
        resolved.game.cache[key] = _made_points(resolved.game, declared=declared)
    found: Columns = resolved.game.cache[key]
    return dict(found)


def _made_points(game: Game, *, declared: bool) -> Columns:
    numeric = [p for p in game.parameters if not p.choices]
    values = {p.name: exact(p.value) for p in numeric}
    if declared:
        return {name: np.array([float(value)]) for name, value in values.items()}
    ranged = [p for p in numeric if p.low is not None or p.high is not None]
    count = _POINTS if ranged else 1
    # Additive recurrence on powers of the root of x**(d+1) = x + 1 (Roberts 2018), on a
    # lattice of 1/1000 so that a point can be named with few digits.
    root = 2.0
    for _ in range(32):
        root = (1 + root) ** (1 / (len(ranged) + 1))
    made: Columns = {}
    places = np.arange(count)
    for k, p in enumerate(ranged, 1):
        share = np.round(np.mod(0.5 + places * root**-k, 1.0), 3)
        share[:2] = (0.0, 1.0)
        # Some corners: a different pattern of low and high for every parameter.
        for row in range(2, min(10, count)):
            share[row] = (row * 0x9E3779B1 >> (k % 24)) & 1
        low = float(exact(p.low) if p.low is not None else values[p.name])
        high = float(exact(p.high) if p.high is not None else values[p.name])
        made[p.name] = np.array([float(f"{low + (high - low) * u:.12g}") for u in share])
    for p in numeric:
        if p.name not in made:
            made[p.name] = np.full(count, float(values[p.name]))
    return made


class _Probe:
    def __init__(self, resolved: Resolved, problems: list[Problem], wide: set[str]) -> None:
        self.wide = wide
        self.resolved, self.problems = resolved, problems
        self.rng = np.random.default_rng(0)
        self.file = resolved.game.file

    def run(self) -> None:
        game = self.resolved.game
        keys = derived_names(game)
        for declared in (True, False):
            before = len(self.problems)
            self.declared = declared
            self.columns: Columns = _points(self.resolved, declared=declared)
            self.count = len(next(iter(self.columns.values()), [0]))
            for stage in self.resolved.stages:
                for move in stage.moves:
                    place = f"{self.file}: stages.{stage.name}.{move.name}"
                    if not self.play(move, place):
                        return
            roots = {f"payoffs.{p}": e for p, e in self.resolved.payoffs.items()}
            for name in self.resolved.outcomes:
                if name in self.resolved.derived:
                    roots[f"derived.{keys[name][0]}"] = self.resolved.derived[name]
            self.finite(roots)
            self.periods()
            if len(self.problems) > before:
                return
            if not game.parameters:
                return
        self.poles(list(self.resolved.payoffs.items()))

    # -- what one period hands to the next ---------------------------------------------------------

    def periods(self) -> None:
        """Check discounts, and that state variables have one of their values, now and next."""
        game, found = self.resolved.game, self.resolved
        for player, expr in found.discounts.items():
            named = isinstance(game.discount, Mapping)
            place = f"{self.file}: discount{f'.{player}' if named else ''}"
            self.within(expr, place, 0, 1, game.horizon is None)
        for state in game.states:
            place = f"{self.file}: states.{state.name}"
            values = found.moves[state.name]
            numbers = np.array(
                [float(exact(label)) for label in state.labels]
                if state.name in found.numeric
                else range(len(state.values))
            )
            # A range holds numbers that are no values: only the declared one counts.
            first = found.initial[state.name]
            if self.declared and self.of_parameters(first, f"{place}.initial"):
                self.among(first, f"{place}.initial", state, numbers)
            if isinstance(state.next, Mapping):
                table = self.values(found.next[state.name], f"{place}.next")
                if table is not None and isinstance(values, Chance):
                    self.lottery(values, found.next[state.name], table, f"{place}.next")
            else:
                self.among(found.next[state.name][0], f"{place}.next", state, numbers)

    def of_parameters(self, expr: Expr, place: str) -> bool:
        moves = input_names([expr]) & set(self.resolved.moves)
        if moves:
            reason = f"it depends on {min(moves)!r}"
            self.problems.append(Problem(place, reason, "Use parameters only"))
        return not moves

    def within(self, expr: Expr, place: str, low: float, high: float, below: bool) -> None:
        table = self.values([expr], place) if self.of_parameters(expr, place) else None
        if table is None:
            return
        right = (table[0] >= low) & ((table[0] < high) if below else (table[0] <= high))
        if not right.all():
            row = int(np.argmin(right))
            fix = f"Make it {low} to {high}" if not below else f"Make it {low} to less than {high}"
            if below:
                fix += ": without end, values are finite only with discounts below 1"
            if not self.declared:
                fix += ", or narrow the declared ranges"
            reason = f"it is {_number(table[0, row])}{self.at([expr], row)}"
            self.problems.append(Problem(place, reason, fix))

    def among(self, expr: Expr, place: str, state: State, numbers: NDArray[np.float64]) -> None:
        """Check that an expression is one of the values of a state variable."""
        table = self.values([expr], place)
        if table is None:
            return
        gaps = np.abs(table[0][:, None] - numbers).min(axis=1)
        right = gaps <= tolerances.PROBABILITY
        if right.all():
            return
        row = int(np.argmin(right))
        reason = f"it is {_number(table[0, row])}{self.at([expr], row)}"
        fix = "Cut it, for example min(max(..., low), high)"
        self.problems.append(Problem(place, f"{reason}, which is no value of {state.name}", fix))

    # -- playing ---------------------------------------------------------------------------------

    def values(self, exprs: Sequence[Expr], place: str) -> NDArray[np.float64] | None:
        """Return the values on all rows, shape (expressions, rows), or None with a problem."""
        made = np.empty((len(exprs), self.count))
        try:
            for row, value in zip(made, evaluate(exprs, self.columns), strict=True):
                row[:] = value
        except Exception as error:  # whatever a callable of the user raises
            self.problems.append(
                Problem(
                    place,
                    f"a callable failed ({type(error).__name__}: {error})",
                    "It is called with numpy arrays and returns an array of the same shape: "
                    "use numpy.where for conditions",
                )
            )
            return None
        return made

    def play(self, move: Decision | Chance, place: str) -> bool:
        """Add the column of a move; return False if play cannot go on."""
        if isinstance(move, Decision) and isinstance(move.actions, Interval):
            return self.interval(move, place)
        exprs = self.resolved.probabilities.get(move.name) or self.resolved.available[move.name]
        table = self.values(exprs, place)
        if table is None:
            return False
        if isinstance(move, Chance):
            if not self.lottery(move, exprs, table, place):
                return False
        elif not self.some_action(move, exprs, table, place):
            return False
        pairs = np.argwhere(table.T > 0)
        self.take(pairs[:, 0], move.name, pairs[:, 1].astype(np.float64))
        return True

    def take(self, rows: NDArray[np.int64], name: str, values: NDArray[np.float64]) -> None:
        """Go on with these rows and this move; with some of them if they are many."""
        if len(rows) > _ROWS:
            kept = np.sort(self.rng.choice(len(rows), _ROWS, replace=False))
            rows, values = rows[kept], values[kept]
        self.columns = {key: column[rows] for key, column in self.columns.items()}
        self.columns[name] = values
        self.count = len(rows)

    def interval(self, move: Decision, place: str) -> bool:
        exprs = self.resolved.bounds[move.name]
        table = self.values(exprs, place)
        if table is None:
            return False
        low, high = table
        wrong = ~np.isfinite(table)
        if wrong.any():
            which, row = np.argwhere(wrong)[0]
            key = ("low", "high")[which]
            self.undefined(f"{place}.{key}", exprs[which], int(row))
            return False
        if not (low == high).all():
            self.wide.add(move.name)
        if (low > high).any():
            row = int(np.argmax(low > high))
            self.problems.append(
                Problem(
                    place,
                    f"the interval from {_number(low[row])} to {_number(high[row])} is empty"
                    f"{self.at(exprs, row)}",
                    "Make low less than high",
                )
            )
            return False
        inside = np.round(self.rng.random(self.count), 2)
        rows = np.tile(np.arange(self.count), 3)
        values = np.concatenate([low, high, low + (high - low) * inside])
        self.take(rows, move.name, values)
        return True

    def lottery(
        self, move: Chance, exprs: Sequence[Expr], table: NDArray[np.float64], place: str
    ) -> bool:
        """Check that the probabilities are at least 0 and sum to one."""
        wrong = ~np.isfinite(table)
        if wrong.any():
            which, row = np.argwhere(wrong)[0]
            self.undefined(f"{place}.{list(move.outcomes)[which]}", exprs[which], int(row))
            return False
        fix = "They are never rescaled; correct them"
        if not self.declared:
            fix += ", or narrow the declared ranges"
        negative = np.argwhere(table < 0)
        if len(negative):
            which, row = (int(k) for k in negative[0])
            outcome = list(move.outcomes)[which]
            value = self.exactly([exprs[which]], row)
            self.problems.append(
                Problem(
                    f"{place}.{outcome}",
                    f"the probability is {value}{self.at([exprs[which]], row)}, which is negative",
                    fix,
                )
            )
            return False
        off = np.abs(table.sum(axis=0) - 1) > tolerances.PROBABILITY
        rows = np.flatnonzero(off)
        if not len(rows) and self.declared:
            rows = np.array([row for row in self.distinct(exprs) if self.total(exprs, row) != 1])
        if not len(rows):
            return True
        row = int(rows[0])
        self.problems.append(
            Problem(
                place,
                f"the probabilities sum to {self.exactly(exprs, row)}, not 1{self.at(exprs, row)}",
                fix,
            )
        )
        return False

    def distinct(self, exprs: Sequence[Expr]) -> list[int]:
        """Return one row for each combination of what the expressions depend on."""
        names = sorted(input_names(exprs))
        if not names:
            return [0]
        table = np.stack([self.columns[name] for name in names])
        return np.unique(table, axis=1, return_index=True)[1].tolist()  # type: ignore[no-any-return]

    def total(self, exprs: Sequence[Expr], row: int) -> Fraction | None:
        """Return the exact sum, or 1 where it is not rational."""
        try:
            return sum(map(Fraction, evaluate_exact(exprs, self.inputs(row))), Fraction(0))
        except Inexact:
            return Fraction(1)

    def exactly(self, exprs: Sequence[Expr], row: int) -> str:
        """Return the sum of expressions in a row, exact if it is rational."""
        try:
            total = sum(map(Fraction, evaluate_exact(exprs, self.inputs(row))), Fraction(0))
        except Inexact:
            values = evaluate(exprs, {n: c[row] for n, c in self.columns.items()})
            return _number(float(sum(values)))
        plain = total.denominator
        for prime in (2, 5):
            while plain % prime == 0:
                plain //= prime
        return _number(float(total)) if plain == 1 and total.denominator < 10**9 else str(total)

    def inputs(self, row: int) -> dict[str, Fraction]:
        """Return the exact values of a row; columns hold the decimals that they print as."""
        made = {n: Fraction(repr(float(column[row]))) for n, column in self.columns.items()}
        if self.declared:
            numeric = [p for p in self.resolved.game.parameters if not p.choices]
            made |= {p.name: exact(p.value) for p in numeric}
        return made

    def some_action(
        self, move: Decision, exprs: Sequence[Expr], table: NDArray[np.float64], place: str
    ) -> bool:
        stuck = np.flatnonzero(~(table > 0).any(axis=0))
        if not len(stuck):
            return True
        self.problems.append(
            Problem(
                place,
                f"no action is available{self.at(exprs, int(stuck[0]))}",
                "Let one action have no 'when', or add an action for this case",
            )
        )
        return False

    # -- finite values ---------------------------------------------------------------------------

    def finite(self, roots: dict[str, Expr]) -> None:
        """Check that the values of the roots are finite."""
        table = self.values(list(roots.values()), self.file)
        if table is None:
            for place, root in roots.items():
                self.problems.pop()
                if self.values([root], f"{self.file}: {place}") is None:
                    return
            return
        for (place, root), values in zip(roots.items(), table, strict=True):
            wrong = np.flatnonzero(~np.isfinite(values))
            if len(wrong):
                everywhere = len(wrong) == self.count
                self.undefined(f"{self.file}: {place}", root, int(wrong[0]), everywhere=everywhere)

    def undefined(self, place: str, root: Expr, row: int, *, everywhere: bool = False) -> None:
        inputs = {name: column[row] for name, column in self.columns.items()}
        nodes = order([root])
        values = dict(zip(map(id, nodes), evaluate(nodes, inputs), strict=True))
        cause, said, conditions = _cause(root, values)
        where = self.at([cause, *conditions] if input_names([cause]) else [root], row)
        what = "undefined" if cause.op == "div" or np.isnan(values[id(root)]) else "infinite"
        fix = "Guard it with where(condition, a, b)"
        if everywhere and self.declared:
            where += ", as at every play that was probed" if where else " at every play"
        elif not self.declared:
            fix += ", or narrow the declared ranges"
        self.problems.append(Problem(place, f"it is {what} ({said}){where}", fix))

    def at(self, exprs: Sequence[Expr], row: int) -> str:
        """Return " at c=3, response=accept": what the expressions depend on."""
        names = input_names(exprs)
        shown = [f"{n}={v}" for n, v in self.resolved.categorical.items()]
        shown = shown if len(self.resolved.categorical) > 0 and self.is_unusual() else []
        for name, column in self.columns.items():
            if name not in names:
                continue
            move = self.resolved.moves.get(name)
            value = float(column[row])
            if isinstance(move, Chance):
                shown.append(f"{name}={list(move.outcomes)[int(value)]}")
            elif isinstance(move, Decision) and not isinstance(move.actions, Interval):
                shown.append(f"{name}={move.actions[int(value)].name}")
            else:
                shown.append(f"{name}={_number(value)}")
        listed = ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")
        return f" at {listed}" if listed else ""

    def is_unusual(self) -> bool:
        """Return whether the categorical values are not the declared ones."""
        declared = {p.name: p.value for p in self.resolved.game.parameters if p.choices}
        return dict(self.resolved.categorical) != declared

    # -- poles -----------------------------------------------------------------------------------

    def poles(self, payoffs: Sequence[tuple[str, Expr]]) -> None:
        """Find denominators that change sign inside the declared ranges, and so are zero there.

        A sample never meets such a point. Looked at are denominators that a payoff always
        uses (not inside ``where``) and that are continuous in parameters alone.
        """
        box = {p.name for p in self.resolved.game.parameters if not p.choices}
        continuous = _continuous([root for _, root in payoffs], box)
        for player, root in payoffs:
            for node in _unguarded(root):
                below = node.args[1]
                if below.op == "const" or id(below) not in continuous:
                    continue
                points = _points(self.resolved, declared=False)
                (values,) = evaluate([below], points)
                values = np.broadcast_to(values, len(next(iter(points.values()))))
                if not (values.min() < 0 < values.max()):
                    continue
                a, b = int(values.argmin()), int(values.argmax())
                near = self.crossing(below, points, a, b)
                shown = ", ".join(
                    f"{n}={_number(near[n])}" for n in points if n in input_names([below])
                )
                self.problems.append(
                    Problem(
                        f"{self.file}: payoffs.{player}",
                        f"it is undefined (division by zero) near {shown}",
                        "Narrow the declared ranges, or guard it with where(condition, a, b)",
                    )
                )
                break

    def crossing(self, expr: Expr, points: Columns, a: int, b: int) -> dict[str, float]:
        """Return a point between two rows where the expression is about zero, by bisection."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            at = {n: c[a] + (c[b] - c[a]) * middle for n, c in points.items()}
            (value,) = evaluate([expr], at)
            low, high = (middle, high) if value < 0 else (low, middle)
        return {n: float(c[a] + (c[b] - c[a]) * high) for n, c in points.items()}


def _number(value: float) -> str:
    return format(float(value), ".6g")


def _unguarded(root: Expr) -> list[Expr]:
    """Return the divisions that are reached without passing through a branch of ``where``."""
    found, seen, stack = [], set(), [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == "div":
            found.append(node)
        stack.extend(node.args[:1] if node.op == "where" else node.args)
    return found


def _continuous(roots: Sequence[Expr], inputs: set[str]) -> set[int]:
    """Return the ids of the expressions that are continuous functions of these inputs alone."""
    allowed = {"add", "sub", "mul", "neg", "abs", "exp", "min", "max"}
    found: set[int] = set()
    for node in order(roots):
        if node.op == "input":
            holds = node.value in inputs
        else:
            holds = node.op == "const" or (
                node.op in allowed and all(id(arg) in found for arg in node.args)
            )
        if holds:
            found.add(id(node))
    return found


def _cause(root: Expr, values: dict[int, Any]) -> tuple[Expr, str, list[Expr]]:
    """Return the operation that makes a value undefined or infinite, in words too.

    The conditions on which branches of ``where`` were taken on the way come third.
    """
    node, conditions = root, []
    while True:
        args = node.args
        if node.op == "where":
            conditions.append(args[0])
            args = (args[0], args[1] if values[id(args[0])] else args[2])
        bad = [arg for arg in args if not np.isfinite(values[id(arg)])]
        if not bad:
            break
        node = bad[0]
    given = [float(values[id(arg)]) for arg in node.args]
    said = "an overflow"
    match node.op:
        case "div" if given[1] == 0:
            said = "division by zero"
        case "log" | "sqrt" | "exp":
            said = f"{node.op} of {_number(given[0])}"
        case "pow":
            said = f"{_number(given[0])} to the power {_number(given[1])}"
        case "call":
            said = f"the callable {getattr(node.value, '__name__', '')}"
    return node, said, conditions
