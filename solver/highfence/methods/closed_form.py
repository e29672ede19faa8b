"""Subgame-perfect equilibria of staged games in closed form, from the last stage to the first.

Where everybody's slope is linear in the decisions of a stage, its first-order conditions are
linear equations, and their solution is a formula in parameters and earlier decisions. Put into the
payoffs of the stage before, it gives that stage's slopes in turn: leaders differentiate through
the followers' response (von Stackelberg 1934; Simaan and Cruz 1973). A *branch* says which
decisions of the stage, and of those after it, are at which end of their interval; its formulas
hold where what is inside is inside, and slopes at the ends point outward. Branches are worked out
as far as histories that are tried need them, and compiled once; a draw of the parameters then
costs less than a microsecond to solve.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import LimitExceeded, NotApplicable
from ..forms.compile import Layout, Program, compile_staged, layout
from ..forms.staged import IntervalMove, Prescription, StagedForm
from ..forms.symbolic import from_sympy, symbol, to_sympy
from ..solution import Findings, Finds
from ..spec.formulas import Expr, apply, constant, evaluate, order
from ._critical import operations
from .plays import Play, StagedProfile
from .registry import method

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["ClosedForm", "closed_form", "closed_form_of"]

PROBES = 500
"""Histories at which branches are tried before a stage is solved."""
BRANCHES = 8
"""Most branches of one stage."""
COVERED = 1.0
"""Share of the probes that the branches must answer; then no more are worked out."""
TRIALS = 150
"""Systems of equations that are solved for one stage."""
ROUNDING = 10**9
"""One over the share of an interval by which an action may be outside it, and is put back."""
ALLOWED = {"const", "input", "add", "sub", "mul", "div", "neg", "pow"}


@dataclass(frozen=True, eq=False)
class _Branch:
    """Formulas of all decisions from one stage on, in what was decided before, and where they
    hold: conditions that are not negative."""

    decisions: dict[str, Any]
    conditions: tuple[Any, ...]
    ends: int = 0
    """Decisions that are at an end of their interval."""


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """The compiled answers of a game under one regime, for all values of its numbers."""

    form: StagedForm
    formulas: Mapping[str, Any]
    """Decision -> its formula (sympy) in parameters and earlier decisions, on the branch on which
    fewest are at an end of their interval."""
    branches: tuple[int, ...]
    """Number of branches of each stage."""
    single: bool
    """At every history tried there is one branch, and the slopes of every stage form a P-matrix, so
    that linear conditions have one solution (Cottle, Pang and Stone 1992, theorem 3.3.7)."""
    plan: Layout = field(repr=False)
    program: Program = field(repr=False)
    moves: NDArray[np.int64] = field(repr=False)
    answers: NDArray[np.int64] = field(repr=False)
    fixed: Array = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    _alive: tuple[Any, ...] = field(default=(), repr=False)

    def rows(self, inputs: Array, block: int = 0) -> Array:
        """Return rows of slots with inputs (n, parameters and moves) in place, and the levels
        before ``block`` filled."""
        from ..kernels.staged import advance_rows

        made = np.zeros((len(inputs), self.plan.size))
        made[:, : inputs.shape[1]] = inputs
        for level in range(-1, block):
            advance_rows(self.program.advance, made, level)
        return made

    def play(self, rows: Array, block: int = 0) -> Array:
        """Play rows on from ``block``, in place; return payoffs (n, players), NaN where no branch
        holds."""
        from ..kernels.closed_form import play_rows

        payoffs = np.empty((len(rows), self.form.num_players))
        play_rows(
            self.program.advance,
            self.program.finish,
            rows,
            block,
            self.moves,
            self.answers,
            self.fixed,
            self.counts,
            payoffs,
        )
        return payoffs

    def solve(self, inputs: Array) -> tuple[Array, Array]:
        """Return the actions of all stages (n, decisions, in order of play) and payoffs
        (n, players) at draws (n, parameters and moves; moves are not read)."""
        rows = self.rows(inputs)
        payoffs = self.play(rows)
        slots = [move.slot for block in self.form.blocks for move in block.intervals]
        return rows[:, slots], payoffs


_KNOWN: dict[Any, ClosedForm | None] = {}
REMEMBERED = 64
"""Games whose closed forms are kept."""


def _fits(form: StagedForm) -> bool:
    if len(form.blocks) < 2:
        return False
    for block in form.blocks:
        if block.finite or block.chance is not None or not block.intervals:
            return False
    return all(operations(payoff) <= ALLOWED for payoff in form.payoffs)


def closed_form_of(form: StagedForm, *, only_known: bool = False) -> ClosedForm | None:
    """Return the closed form of a game, or None if its stages are not linear ones; worked out once
    for all values of its numbers.

    Parameters
    ----------
    form
        Two stages or more, each of interval decisions, by formulas that are quotients of
        polynomials.
    only_known
        Return None too if it was not worked out before.

    Notes
    -----
    Branches are those that are met at the form's own numbers and at numbers within a fifth of
    them; at others there may be no answer, never a wrong one without conditions being checked.
    Cost: some seconds of algebra for three stages of two decisions, and, once on a machine, some
    more to compile them.
    """
    if not _fits(form):
        return None
    nodes = _nodes(form)
    bounds = tuple(
        (move.name, move.player, _bound(nodes, move, False), _bound(nodes, move, True))
        for block in form.blocks
        for move in block.intervals
    )
    # Slots too: other games may have the same payoffs.
    key = (form.payoffs, form.plan.names, tuple(len(b.intervals) for b in form.blocks), bounds)
    if key not in _KNOWN:
        if only_known:
            return None
        if len(_KNOWN) >= REMEMBERED:
            _KNOWN.pop(next(iter(_KNOWN)))
        try:
            _KNOWN[key] = _Derivation(form).closed()
        except (NotApplicable, LimitExceeded):
            _KNOWN[key] = None
    return _KNOWN[key]


def _shut(form: StagedForm) -> Iterator[str]:
    """Yield the decisions whose interval is a point at the root, by its formula."""
    nodes = _nodes(form)
    for block in form.blocks:
        for move in block.intervals:
            if _bound(nodes, move, False) is _bound(nodes, move, True):
                yield move.name


def _nodes(form: StagedForm) -> dict[int, Expr]:
    """Return slot -> expression."""
    return {
        form.plan.slot[id(node)]: node for node in form.plan.nodes if id(node) in form.plan.slot
    }


def _bound(nodes: Mapping[int, Expr], move: IntervalMove, high: bool) -> Expr:
    ref = move.high if high else move.low
    if ref.slot >= 0:
        return nodes[ref.slot]
    return constant(Fraction(repr(ref.value)))


class _Derivation:
    """Works out the branches of every stage."""

    def __init__(self, form: StagedForm) -> None:
        self.form = form
        nodes = _nodes(form)
        self.shut = set(_shut(form))
        self.low: dict[str, Any] = {}
        self.high: dict[str, Any] = {}
        self.bounds: dict[str, tuple[Expr, Expr]] = {}
        for block in form.blocks:
            for move in block.intervals:
                pair = (_bound(nodes, move, False), _bound(nodes, move, True))
                if any(not operations(bound) <= ALLOWED for bound in pair):
                    raise NotApplicable("bounds with kinks")
                self.bounds[move.name] = pair
                self.low[move.name], self.high[move.name] = to_sympy(pair)
        self.payoffs = to_sympy(form.payoffs)
        self.rng = np.random.default_rng(0)
        self.single = True

    def closed(self) -> ClosedForm:
        """Return the compiled closed form."""
        later = [_Branch({}, ())]
        kept: list[list[_Branch]] = []
        for block in reversed(range(len(self.form.blocks))):
            later = self.stage(block, later)
            kept.insert(0, later)
        return self.compiled(kept)

    # -- one stage -------------------------------------------------------------------------------

    def stage(self, block: int, later: Sequence[_Branch]) -> list[_Branch]:
        """Return the branches of a stage that probes need, what is inside first."""
        probes = self.probes(block)
        self.single &= self.settles(block, later[0], probes)
        several = np.zeros(PROBES, dtype=np.int64)
        open_to = np.ones(PROBES, bool)
        found: list[_Branch] = []
        for tried, (face, behind) in enumerate(self.candidates(block, later)):
            if tried == TRIALS or len(found) == BRANCHES or open_to.mean() <= 1 - COVERED:
                break
            branch = self.branch(block, face, behind)
            if branch is None:
                continue
            everywhere = self.holds(branch, probes)
            several += everywhere
            holds = everywhere & open_to
            if holds.any():
                found.append(branch)
                open_to &= ~holds
        if not found:
            raise NotApplicable("no branch of a stage holds anywhere")
        # On the border between two branches both hold, and say the same; few probes are there.
        self.single &= bool((several > 1).mean() < 0.02)
        return sorted(found, key=lambda branch: branch.ends)

    def slopes(self, block: int, behind: _Branch) -> dict[str, Any]:
        """Return the slope of every decision of a stage that is open, what follows put in."""
        import sympy

        change = {symbol(name): formula for name, formula in behind.decisions.items()}
        made = {}
        for move in self.form.blocks[block].intervals:
            if move.name not in self.shut:
                payoff = self.payoffs[move.player].subs(change, simultaneous=True)
                made[move.name] = sympy.diff(payoff, symbol(move.name))
        return made

    def settles(self, block: int, behind: _Branch, probes: dict[str, Array]) -> bool:
        """Return whether the slopes' derivatives, less than zero, form a P-matrix at all probes."""
        slopes = self.slopes(block, behind)
        names = list(slopes)
        entries = [
            from_sympy(slopes[row].diff(symbol(column)).cancel())
            for row in names
            for column in names
        ]
        if not names:
            return True
        middle = {}
        for name in names:
            low, high = evaluate(self.bounds[name], probes)
            middle[name] = (low + high) / 2
        values = evaluate(entries, {**probes, **middle})
        shape = (len(names), len(names), PROBES)
        table = np.stack([np.broadcast_to(value, (PROBES,)) for value in values]).reshape(shape)
        matrices = -np.moveaxis(table, 2, 0)
        return all(
            bool((np.linalg.det(matrices[:, rows][:, :, rows]) > 0).all())
            for size in range(1, len(names) + 1)
            for rows in map(list, combinations(range(len(names)), size))
        )

    def candidates(
        self, block: int, later: Sequence[_Branch]
    ) -> Iterator[tuple[dict[str, int], _Branch]]:
        """Yield faces of a stage with branches of what follows, what is inside first."""
        names = [move.name for move in self.form.blocks[block].intervals]
        options = [(-1,) if name in self.shut else (0, -1, 1) for name in names]
        pairs = [
            (dict(zip(names, face, strict=True)), behind)
            for face in product(*options)
            for behind in later
        ]
        yield from sorted(pairs, key=lambda pair: self.ends(*pair))

    def ends(self, face: dict[str, int], behind: _Branch) -> int:
        """Return how many decisions are at an end, of those that are open."""
        own = [side for name, side in face.items() if side != 0 and name not in self.shut]
        return len(own) + behind.ends

    def branch(self, block: int, face: dict[str, int], behind: _Branch) -> _Branch | None:
        """Return a branch, or None if its equations have no single solution.

        Raises
        ------
        NotApplicable
            A slope is not linear in what is inside.
        """
        import sympy

        here = {
            symbol(name): self.low[name] if side < 0 else self.high[name]
            for name, side in face.items()
            if side != 0
        }
        slopes = {
            name: slope.subs(here, simultaneous=True)
            for name, slope in self.slopes(block, behind).items()
        }
        inside = [name for name, side in face.items() if side == 0]
        solution: dict[Any, Any] = {}
        if inside:
            unknown = [symbol(name) for name in inside]
            equations = []
            for name in inside:
                top, _ = sympy.fraction(sympy.cancel(sympy.together(slopes[name])))
                poly = sympy.Poly(top, *unknown)
                if poly.total_degree() > 1:
                    raise NotApplicable(f"the slope of {name} is not linear")
                equations.append(poly)
            matrix = sympy.Matrix([[p.coeff_monomial(u) for u in unknown] for p in equations])
            right = sympy.Matrix([-p.coeff_monomial(1) for p in equations])
            whole = sympy.cancel(matrix.det())
            if whole == 0:
                return None
            for k, u in enumerate(unknown):
                replaced = matrix.copy()
                replaced[:, k] = right
                solution[u] = sympy.factor(sympy.cancel(replaced.det() / whole))
        decided = {**here, **solution}
        conditions = []
        for name, side in face.items():
            if name in self.shut:
                continue
            if side == 0:
                value = solution[symbol(name)]
                # Else rounding may put what is on the border of two branches on neither.
                room = sympy.Rational(1, ROUNDING) * (self.high[name] - self.low[name])
                conditions += [value - self.low[name] + room, self.high[name] - value + room]
            else:
                slope = slopes[name].subs(solution, simultaneous=True)
                conditions.append(side * slope)
        conditions += [c.subs(decided, simultaneous=True) for c in behind.conditions]
        decisions = {name: decided[symbol(name)] for name in face}
        decisions |= {
            name: sympy.cancel(formula.subs(decided, simultaneous=True))
            for name, formula in behind.decisions.items()
        }
        return _Branch(decisions, tuple(conditions), self.ends(face, behind))

    # -- numbers ---------------------------------------------------------------------------------

    def probes(self, block: int) -> dict[str, Array]:
        """Return numbers of parameters near the form's own, and earlier decisions anywhere."""
        form = self.form
        made: dict[str, Array] = {}
        own = {move.name for b in form.blocks for move in b.intervals}
        for k, name in enumerate(form.plan.names):
            if name not in own:
                spread = self.rng.uniform(0.8, 1.2, PROBES)
                spread[: PROBES // 4] = 1.0
                made[name] = form.root[0, k] * spread
        for b in range(block):
            for move in form.blocks[b].intervals:
                low, high = evaluate(self.bounds[move.name], made)
                # Ends are where other branches begin: of every ten probes, two are at each.
                share = np.clip(self.rng.uniform(-0.3, 1.3, PROBES), 0.0, 1.0)
                made[move.name] = low + (high - low) * share
        return made

    def holds(self, branch: _Branch, probes: dict[str, Array]) -> NDArray[np.bool_]:
        """Return at which probes all conditions of a branch hold."""
        if not branch.conditions:
            return np.ones(PROBES, bool)
        found = evaluate([from_sympy(c) for c in branch.conditions], probes)
        with np.errstate(all="ignore"):
            good = [np.asarray(value >= -1e-12) for value in found]
        holds: NDArray[np.bool_] = np.logical_and.reduce(
            [np.broadcast_to(value, (PROBES,)) for value in good]
        )
        return holds

    # -- code ------------------------------------------------------------------------------------

    def compiled(self, kept: list[list[_Branch]]) -> ClosedForm:
        """Return the branches as compiled code: of each history the first that holds."""
        form = self.form
        nowhere = apply("div", constant(0), constant(0))
        rules: list[list[Expr]] = []
        for block, branches in zip(form.blocks, kept, strict=True):
            answers = [nowhere] * len(block.intervals)
            for branch in reversed(branches):
                holds = constant(True)
                for condition in branch.conditions:
                    holds = apply("and", holds, apply("le", constant(0), from_sympy(condition)))
                for k, move in enumerate(block.intervals):
                    low, high = self.bounds[move.name]
                    value = from_sympy(branch.decisions[move.name])
                    if move.name not in self.shut:
                        value = apply("min", apply("max", value, low), high)
                    answers[k] = apply("where", holds, value, answers[k])
            rules.append(answers)
        stored = [bound for pair in self.bounds.values() for bound in pair]
        stored += [answer for answers in rules for answer in answers]
        stage_of = {m.name: k for k, block in enumerate(form.blocks) for m in block.intervals}
        names = form.plan.names
        plan = layout(names, stage_of, len(form.blocks) - 1, form.payoffs, stored)
        program = compile_staged(plan, form.payoffs, [])
        most = max(len(block.intervals) for block in form.blocks)
        moves = np.zeros((len(form.blocks), most), dtype=np.int64)
        where = np.full((len(form.blocks), most), -1, dtype=np.int64)
        fixed = np.zeros((len(form.blocks), most))
        for b, block in enumerate(form.blocks):
            for j, move in enumerate(block.intervals):
                moves[b, j] = move.slot
                answer = rules[b][j]
                if answer.op == "const":
                    fixed[b, j] = float(answer.value)
                else:
                    where[b, j] = plan.slot[id(answer)]
        counts = np.array([len(block.intervals) for block in form.blocks], dtype=np.int64)
        formulas = {
            move.name: branches[0].decisions[move.name]
            for block, branches in zip(form.blocks, kept, strict=True)
            for move in block.intervals
        }
        sizes = tuple(len(branches) for branches in kept)
        alive = (rules, stored, order(stored))
        return ClosedForm(
            form=form,
            formulas=formulas,
            branches=sizes,
            single=self.single,
            plan=plan,
            program=program,
            moves=moves,
            answers=where,
            fixed=fixed,
            counts=counts,
            _alive=alive,
        )


class _Rule:
    """Answers every history by the closed form; what a :class:`StagedProfile` asks of a solver."""

    several, ruled, rule = False, "", 0

    def __init__(self, closed: ClosedForm) -> None:
        self.closed = closed

    def prescribe(self, block: int, rows: Array, reference: Array | None = None) -> Prescription:
        """Return what is decided at a block behind each history."""
        closed = self.closed
        count = len(closed.form.plan.names)
        filled = closed.rows(rows[:, :count], block)
        closed.play(filled, block)
        slots = [move.slot for move in closed.form.blocks[block].intervals]
        values = filled[:, slots]
        known = np.asarray(np.isfinite(values).all(axis=1))
        return Prescription(values, ((),), known[:, None].astype(float), known)


def _is_quadratic(form: StagedForm) -> bool:
    """Return whether all payoffs are quadratics in all decisions together: then every stage is
    linear on every branch of what follows."""
    names = {move.name for block in form.blocks for move in block.intervals}
    return _fits(form) and all(_degree(payoff, names) <= 2 for payoff in form.payoffs)


def _degree(root: Expr, names: set[str]) -> float:
    """Return a bound of the joint degree of a polynomial in some inputs; infinite if it is none."""
    degrees: dict[int, float] = {}
    for node in order([root]):
        own = [degrees[id(arg)] for arg in node.args]
        if node.op == "input":
            degree = float(node.value in names)
        elif node.op in ("add", "sub", "neg"):
            degree = max(own)
        elif node.op == "mul":
            degree = sum(own)
        elif not any(own):
            degree = 0.0
        elif node.op == "div" and own[1] == 0:
            degree = own[0]
        elif node.op == "pow" and node.args[1].op == "const" and node.args[1].value in (1, 2):
            degree = own[0] * float(node.args[1].value)
        else:
            degree = np.inf
        degrees[id(node)] = degree
    return degrees[id(root)]


@method(
    "closed_form",
    form=StagedForm,
    accepts=_is_quadratic,
    finds=Finds.ONE,
    domain="two stages or more of interval decisions, payoffs quadratic in all of them together",
    source="Selten (1965); Simaan & Cruz (1973)",
    rank=50,
    use="stages of linear responses, as formulas: many draws, to the last digit",
)
def closed_form(form: StagedForm) -> Generator[StagedProfile, None, Findings]:
    """Yield a subgame-perfect equilibrium of a staged game in closed form.

    Parameters
    ----------
    form
        Stages of interval decisions alone, payoffs quadratic in all of them together.

    Notes
    -----
    The formulas are in the notes. Not promised: that it is the only equilibrium. Where no branch
    holds at the form's numbers, nothing is yielded, and the search is not called complete.
    """
    closed = closed_form_of(form)
    if closed is None:
        return Findings(False, ("its stages' equations were not solved",))
    count = len(form.plan.names)
    actions, payoffs = closed.solve(form.root[:, :count])
    if not (np.isfinite(actions).all() and np.isfinite(payoffs).all()):
        return Findings(False, ("no branch of the closed form holds at these numbers",))
    yield StagedProfile(form, _play(form, actions[0], payoffs[0]), "in closed form", _Rule(closed))  # type: ignore[arg-type]
    said = [f"{name} = {formula}" for name, formula in closed.formulas.items()]
    shown = [text for text in said if len(text) <= 300]
    return Findings(True, ("in closed form, where most decisions are inside: " + "; ".join(shown),))


def _play(form: StagedForm, actions: Array, payoffs: Array) -> Play:
    """Return the play of all stages' actions."""
    rows, at = [], 0
    row = form.root.copy()
    taken = []
    for k, block in enumerate(form.blocks):
        values = actions[at : at + len(block.intervals)]
        at += len(block.intervals)
        rows.append(row)
        taken.append(values)
        row = form.placed(k, row, (), values[None])
    play: Play | None = None
    for k in reversed(range(len(form.blocks))):
        play = Play(k, rows[k], taken[k].copy(), (), payoffs.copy(), ((1.0, (), play),))
    assert play is not None
    return play
