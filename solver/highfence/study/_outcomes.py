"""Which outcomes a finite game has in pure equilibrium, as conditions on its parameters.

Backward induction over formulas. A subgame is a list of outcomes, each with what everybody
gets and the condition under which some equilibrium of the subgame leads to it. An outcome
``z`` that begins with the joint action ``a`` is one of an equilibrium exactly where

- it is an outcome of an equilibrium of the subgame after ``a``, and
- for every player who could change ``a`` by themselves, the subgame after the change has an
  equilibrium with an outcome that gives the player no more than ``z``, and
- every other subgame has an equilibrium.

What each of the equilibria off the path looks like does not matter, only what it pays, so
strategies are never enumerated: the conditions are a graph with one comparison for each pair
of outcomes at most.

Formulas are polynomials and quotients of them, in cases: ``where``, ``min``, ``max``, ``abs``
and comparisons split a quantity into pieces, each with the condition under which it applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from .. import limits
from ..errors import LimitExceeded, NotApplicable, Problem
from ..forms.order_of_play import chance_among
from ..spec.formulas import Expr, order
from ..spec.model import Chance, Decision, Interval
from ..spec.resolve import Resolved
from ._inequalities import Exponents
from ._logic import FALSE, TRUE, Conditions

__all__ = ["Choice", "Outcome", "Tree"]

Poly = dict[Exponents, Fraction]
Quotient = tuple[Poly, Poly]
Pieces = tuple[tuple[int, Quotient], ...]
"""(condition, value) pairs whose conditions exclude one another; undefined elsewhere."""

NUMERICALLY = "by search: tipping, without --exact"
"""What to do where formulas do not serve."""

IRRATIONAL = ("exp", "log", "sqrt")


@dataclass(frozen=True, order=True)
class Choice:
    """A decision on the path of play and the action taken there."""

    decision: str
    action: str
    given: tuple[tuple[str, str], ...] = ()
    """The outcomes of the chance moves before it, which it observes."""

    def __str__(self) -> str:
        given = ", ".join(f"{move} = {outcome}" for move, outcome in self.given)
        return f"{self.decision} = {self.action}" + (f" after {given}" if given else "")


@dataclass(frozen=True)
class Outcome:
    """What an equilibrium leads to in a subgame."""

    choices: tuple[Choice, ...]
    payoffs: tuple[Pieces, ...]
    condition: int
    """Where an equilibrium of the subgame leads to it."""


@dataclass(frozen=True)
class _Block:
    """Moves that nobody observes before the next block begins; or one chance move."""

    moves: tuple[Decision, ...] = ()
    chance: Chance | None = None


@dataclass
class _Subgame:
    outcomes: list[Outcome]
    solvable: int
    """Where it has an equilibrium in pure strategies."""


@dataclass
class Tree:
    """A finite game as a tree over formulas.

    ``names`` are the parameters that vary; every other numeric parameter has a value in
    ``held``. ``allowed`` says which actions a regime leaves.
    """

    found: Resolved
    names: tuple[str, ...]
    held: Mapping[str, Fraction]
    allowed: Mapping[str, tuple[int, ...]]
    conditions: Conditions
    comparisons: int = 0
    _known: dict[Any, Any] = field(default_factory=dict)
    _uses: dict[int, frozenset[str]] = field(default_factory=dict)

    def outcomes(self) -> list[Outcome]:
        """Return every outcome of pure play, with the condition under which it is one of an
        equilibrium.

        Raises
        ------
        NotApplicable
            Interval decisions, information that is hidden from some, or formulas that are
            not quotients of polynomials.
        LimitExceeded
            Too many outcomes, comparisons or cases.
        """
        game = self.found.game
        self.players = [player.name for player in game.players]
        self._require_finite()
        self._forced = {
            move.name: self.options(move)[0]
            for move in self.found.moves.values()
            if isinstance(move, Decision) and len(self.options(move)) == 1
        }
        self._defined: dict[int, None] = {}
        self.blocks, self.hidden = self._blocks()
        self._note_use()
        self.plays = 0
        found = self._subgame(0, self._forced, ())
        self.defined = defined = self.conditions.all_of(self._defined)
        return [
            Outcome(z.choices, z.payoffs, self.conditions.all_of([z.condition, defined]))
            for z in found.outcomes
        ]

    @property
    def simultaneous(self) -> bool:
        """True if all decisions are made at once."""
        return sum(1 for block in self.blocks if block.chance is None) <= 1

    @property
    def perfect(self) -> bool:
        """True if one decides at a time, so that an equilibrium in pure strategies exists."""
        return all(len({move.player for move in block.moves}) <= 1 for block in self.blocks)

    def only(self, move: Decision, history: Sequence[tuple[str, str]]) -> str:
        """Return the only action that a decision has after a history, by name."""
        played = dict(self._forced)
        for name, label in history:
            earlier = self.found.moves[name]
            if isinstance(earlier, Chance):
                played[name] = list(earlier.outcomes).index(label)
            else:
                names = [self._label(earlier, k) for k in self._every(earlier)]
                played[name] = names.index(label)
        left = [
            action
            for action in self.options(move)
            if self._condition(self.found.available[move.name][action], played) != FALSE
        ]
        return self._label(move, left[0])

    # -- who knows what ------------------------------------------------------------------------

    def _require_finite(self) -> None:
        for move in self.found.moves.values():
            if isinstance(move, Decision) and isinstance(move.actions, Interval):
                raise NotApplicable(
                    f"{self.found.game.name}: exact regions are for finite decisions, and "
                    f"{move.name} is over an interval. Find where the equilibrium changes "
                    f"{NUMERICALLY}"
                )

    def options(self, move: Decision) -> tuple[int, ...]:
        """Return the actions of a decision that the regime leaves."""
        assert not isinstance(move.actions, Interval)
        return self.allowed.get(move.name, tuple(range(len(move.actions))))

    def _blocks(self) -> tuple[list[_Block], list[Chance]]:
        """Return the blocks in order of play, and the chance moves that no decision observes."""
        found = self.found
        free = [
            move
            for move in found.moves.values()
            if isinstance(move, Decision) and len(self.options(move)) > 1
        ]
        drawn = chance_among(found, free)
        if drawn.split is not None:
            chance, blind, _ = drawn.split
            raise self._refused(blind, chance.name)
        public = [
            m for m in found.moves.values() if isinstance(m, Chance) and m.name in drawn.behind
        ]
        known = {*drawn.behind, *(move.name for move in free)}
        blocks: list[_Block] = []
        start: set[str] = set()
        """What was done before the last block."""
        placed: set[str] = set()
        for at, stage in enumerate(found.stages):
            opened = False
            for move in stage.moves:
                if not isinstance(move, Decision) or move.name not in known:
                    continue
                own = {m.name for m in free if m.player == move.player} & placed
                view = (set(found.observed(move)) & known) | own
                last = {m.name for m in blocks[-1].moves} if blocks else set()
                joins = bool(last) and view - (own & last) == start
                if view == placed and not (joins and opened):
                    blocks.append(_Block((move,)))
                    start = set(placed)
                elif joins:
                    blocks[-1] = _Block((*blocks[-1].moves, move))
                else:
                    raise self._refused(move, *sorted(placed - view))
                opened = True
                placed.add(move.name)
            for chance in public:
                if drawn.behind[chance.name] == at:
                    blocks.append(_Block(chance=chance))
                    start = set(placed)
                    placed.add(chance.name)
        return blocks, list(drawn.hidden)

    def _refused(self, move: Decision, *unseen: str) -> NotApplicable:
        return NotApplicable(
            f"{self.found.game.name}: exact regions are for games in which whoever decides knows "
            f"what was done before, or decides at the same time; {move.name} does not observe "
            f"{', '.join(unseen)}. Find where the equilibrium changes {NUMERICALLY}"
        )

    # -- backward induction --------------------------------------------------------------------

    def _subgame(
        self, at: int, history: Mapping[str, int], given: tuple[tuple[str, str], ...]
    ) -> _Subgame:
        if at == len(self.blocks):
            self.plays += 1
            return _Subgame([Outcome((), self._payoffs(history), TRUE)], TRUE)
        block = self.blocks[at]
        if block.chance is not None:
            return self._after_chance(block.chance, at, history, given)
        return self._after_moves(block.moves, at, history, given)

    def _after_chance(
        self,
        move: Chance,
        at: int,
        history: Mapping[str, int],
        given: tuple[tuple[str, str], ...],
    ) -> _Subgame:
        weights = self._probabilities(move, history)
        labels = tuple(move.outcomes)
        branches = [
            (weight, self._subgame(at + 1, {**history, move.name: k}, (*given, (move.name, label))))
            for k, (label, weight) in enumerate(zip(labels, weights, strict=True))
            if weight != ((TRUE, ({}, self._one)),)
        ]
        outcomes = []
        for combination in product(*(below.outcomes for _, below in branches)):
            condition = self.conditions.all_of(z.condition for z in combination)
            if condition == FALSE:
                continue
            payoffs = tuple(
                self._sum(
                    self._each("mul", weight, z.payoffs[player])
                    for (weight, _), z in zip(branches, combination, strict=True)
                )
                for player in range(len(self.players))
            )
            choices = tuple(choice for z in combination for choice in z.choices)
            outcomes.append(Outcome(choices, payoffs, condition))
            self._require_few(outcomes)
        solvable = self.conditions.all_of(below.solvable for _, below in branches)
        return _Subgame(outcomes, solvable)

    def _after_moves(
        self,
        moves: Sequence[Decision],
        at: int,
        history: Mapping[str, int],
        given: tuple[tuple[str, str], ...],
    ) -> _Subgame:
        table = self.conditions
        profiles: dict[tuple[int, ...], int] = {}
        """Joint action -> where it is available."""
        for actions in product(*map(self.options, moves)):
            played = dict(history)
            there = TRUE
            for move, action in zip(moves, actions, strict=True):
                there = table.all_of(
                    [there, self._condition(self.found.available[move.name][action], played)]
                )
                played[move.name] = action
            if there != FALSE:
                profiles[actions] = there
        subgames = {
            actions: self._subgame(
                at + 1,
                {**history, **{m.name: k for m, k in zip(moves, actions, strict=True)}},
                given,
            )
            for actions in profiles
        }
        movers = list(dict.fromkeys(move.player for move in moves))
        own = {player: [k for k, m in enumerate(moves) if m.player == player] for player in movers}
        outcomes = []
        for actions, there in profiles.items():
            changes = {
                player: [
                    other
                    for other in profiles
                    if other != actions
                    and all(
                        other[k] == actions[k] for k in range(len(moves)) if k not in own[player]
                    )
                ]
                for player in movers
            }
            alone = {other for others in changes.values() for other in others}
            elsewhere = [
                table.any_of([table.negation(profiles[other]), subgames[other].solvable])
                for other in profiles
                if other != actions and other not in alone
            ]
            taken = tuple(
                Choice(m.name, self._label(m, k), given)
                for m, k in zip(moves, actions, strict=True)
            )
            for z in subgames[actions].outcomes:
                needed = [there, z.condition, *elsewhere]
                for player, others in changes.items():
                    who = self.players.index(player)
                    needed += [
                        table.any_of(
                            [
                                table.negation(profiles[other]),
                                self._held_to(subgames[other], who, z.payoffs[who]),
                            ]
                        )
                        for other in others
                    ]
                condition = table.all_of(needed)
                if condition != FALSE:
                    outcomes.append(Outcome((*taken, *z.choices), z.payoffs, condition))
                    self._require_few(outcomes)
        if len(movers) == 1:  # the best of what can be had is there
            solvable = table.all_of(
                table.any_of([table.negation(there), subgames[actions].solvable])
                for actions, there in profiles.items()
            )
        else:
            solvable = table.any_of(z.condition for z in outcomes)
        return _Subgame(outcomes, solvable)

    def _held_to(self, subgame: _Subgame, player: int, most: Pieces) -> int:
        """Return where some equilibrium of a subgame gives a player no more than this."""
        self.comparisons += len(subgame.outcomes)
        if self.comparisons > limits.MAX_REGION_COMPARISONS:
            raise self._too_large(
                f"needs more than MAX_REGION_COMPARISONS = {limits.MAX_REGION_COMPARISONS} "
                "comparisons of payoffs"
            )
        return self.conditions.any_of(
            self.conditions.all_of([w.condition, self._related(w.payoffs[player], most, "<=")])
            for w in subgame.outcomes
        )

    def _require_few(self, outcomes: Sequence[Outcome]) -> None:
        if len(outcomes) > limits.MAX_REGION_OUTCOMES:
            raise self._too_large(
                f"has more than MAX_REGION_OUTCOMES = {limits.MAX_REGION_OUTCOMES} outcomes"
            )

    def _too_large(self, what: str) -> LimitExceeded:
        return LimitExceeded(
            Problem(
                self.found.game.file,
                f"the game {what} in exact regions",
                "Fix or narrow decisions by a regime, or hold more parameters",
            )
        )

    def _every(self, move: Decision) -> range:
        assert not isinstance(move.actions, Interval)
        return range(len(move.actions))

    def _label(self, move: Decision, action: int) -> str:
        assert not isinstance(move.actions, Interval)
        return move.actions[action].name

    # -- formulas ------------------------------------------------------------------------------

    def _note_use(self) -> None:
        """Note which moves every expression depends on, and number the parameters."""
        found = self.found
        count = len(self.names)
        zero = (0,) * count
        self._one: Poly = {zero: Fraction(1)}
        self._inputs: dict[str, Pieces] = {
            name: self._constant(value) for name, value in self.held.items()
        }
        for k, name in enumerate(self.names):
            unit = tuple(int(k == n) for n in range(count))
            self._inputs[name] = ((TRUE, ({unit: Fraction(1)}, self._one)),)
        moves = set(found.moves)
        roots = [
            *found.payoffs.values(),
            *(e for row in found.available.values() for e in row),
            *(e for row in found.probabilities.values() for e in row),
        ]
        for node in order(roots):
            if node.op == "input":
                self._uses[id(node)] = frozenset({node.value} & moves)
            else:
                self._uses[id(node)] = frozenset().union(
                    *(self._uses[id(arg)] for arg in node.args)
                )

    def _payoffs(self, history: Mapping[str, int]) -> tuple[Pieces, ...]:
        """Return what everybody gets after a play, expected over the hidden chance moves."""
        lotteries: list[tuple[Pieces, dict[str, int]]] = [
            (self._constant(Fraction(1)), dict(history))
        ]
        for chance in self.hidden:
            longer = []
            for weight, played in lotteries:
                for k, probability in enumerate(self._probabilities(chance, played)):
                    if probability != self._constant(Fraction(0)):
                        longer.append(
                            (self._each("mul", weight, probability), {**played, chance.name: k})
                        )
            lotteries = longer
        return tuple(
            self._sum(
                self._each("mul", weight, self._pieces(self.found.payoffs[player], played))
                for weight, played in lotteries
            )
            for player in self.players
        )

    def _probabilities(self, move: Chance, history: Mapping[str, int]) -> list[Pieces]:
        """Return the probabilities of a chance move, and note where they are probabilities."""
        found = [self._pieces(e, history) for e in self.found.probabilities[move.name]]
        for probability in found:
            self._defined[self._related(self._constant(Fraction(0)), probability, "<=")] = None
        self._defined[self._related(self._sum(found), self._constant(Fraction(1)), "==")] = None
        return found

    def _constant(self, value: Fraction) -> Pieces:
        zero = (0,) * len(self.names)
        return ((TRUE, ({zero: value} if value else {}, {zero: Fraction(1)})),)

    def _condition(self, expr: Expr, history: Mapping[str, int]) -> int:
        made = self._evaluated(expr, history)
        return (
            made
            if isinstance(made, int)
            else self._related(made, self._constant(Fraction(0)), "!=")
        )

    def _pieces(self, expr: Expr, history: Mapping[str, int]) -> Pieces:
        made = self._evaluated(expr, history)
        return self._as_number(made) if isinstance(made, int) else made

    def _as_number(self, condition: int) -> Pieces:
        (_, one), (_, zero) = self._constant(Fraction(1))[0], self._constant(Fraction(0))[0]
        both = ((condition, one), (self.conditions.negation(condition), zero))
        return tuple((where, value) for where, value in both if where != FALSE)

    def _evaluated(self, root: Expr, history: Mapping[str, int]) -> int | Pieces:
        """Return a condition, or the pieces of a number; only what is needed is looked at."""

        def key(node: Expr) -> tuple[Any, ...]:
            return (id(node), *((n, history[n]) for n in sorted(self._uses[id(node)])))

        stack = [root]
        while stack:
            node = stack[-1]
            if key(node) in self._known:
                stack.pop()
                continue
            needed: tuple[Expr, ...] = node.args
            if node.op == "where":
                condition = self._known.get(key(node.args[0]))
                if condition is None:
                    stack.append(node.args[0])
                    continue
                if condition in (TRUE, FALSE):
                    needed = (node.args[1] if condition == TRUE else node.args[2],)
                    if key(needed[0]) in self._known:
                        self._known[key(node)] = self._known[key(needed[0])]
                        continue
            missing = [arg for arg in needed if key(arg) not in self._known]
            if missing:
                stack.extend(missing)
                continue
            args = [self._known[key(arg)] for arg in needed]
            self._known[key(node)] = self._applied(node, args, history)
        return self._known[key(root)]  # type: ignore[no-any-return]

    def _applied(self, node: Expr, args: Sequence[Any], history: Mapping[str, int]) -> int | Pieces:
        table = self.conditions
        match node.op:
            case "const":
                if isinstance(node.value, bool):
                    return TRUE if node.value else FALSE
                return self._constant(node.value)
            case "input":
                if node.value in history:
                    return self._constant(Fraction(history[node.value]))
                return self._inputs[node.value]
            case "and" | "or":
                join = table.all_of if node.op == "and" else table.any_of
                return join(args)
            case "not":
                return table.negation(args[0])
            case "where" if node.is_bool:
                condition, yes, no = args
                return table.any_of(
                    [
                        table.all_of([condition, yes]),
                        table.all_of([table.negation(condition), no]),
                    ]
                )
            case "where":
                condition, yes, no = args
                return self._cases([(condition, yes), (table.negation(condition), no)])
            case "lt" | "le" | "eq" | "ne":
                relation = {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}[node.op]
                return self._related(args[0], args[1], relation)
            case "min" | "max":
                a, b = args if node.op == "min" else reversed(args)
                first = self._related(a, b, "<=")
                return self._cases([(first, args[0]), (table.negation(first), args[1])])
            case "abs":
                down = self._related(args[0], self._constant(Fraction(0)), "<")
                turned = self._each("neg", args[0])
                return self._cases([(down, turned), (table.negation(down), args[0])])
            case "pow":
                return self._power(node, args[0], args[1])
            case "add" | "sub" | "mul" | "div" | "neg":
                return self._each(node.op, *args)
        raise self._not_rational(node)

    def _not_rational(self, node: Expr) -> NotApplicable:
        what = (
            f"the Python callable {getattr(node.value, '__name__', 'given')}"
            if node.op == "call"
            else f"{node.op}()"
            if node.op in IRRATIONAL
            else "a power that is not a whole number"
        )
        return NotApplicable(
            f"{self.found.game.name}: exact regions are for formulas of + - * /, whole powers, "
            f"where, min, max, abs and comparisons; {what} is none of these. Find where the "
            f"equilibrium changes {NUMERICALLY}"
        )

    def _power(self, node: Expr, base: Pieces, exponent: Pieces) -> Pieces:
        made: list[tuple[int, Pieces]] = []
        for where, (above, below) in exponent:
            constant = max(map(sum, above), default=0) == 0 and below == self._one
            value = next(iter(above.values()), Fraction(0)) if constant else None
            if value is None or value.denominator != 1 or abs(value) > limits.MAX_EXPONENT:
                raise self._not_rational(node)
            power = self._constant(Fraction(1))
            for _ in range(abs(int(value))):
                power = self._each("mul", power, base)
            made.append(
                (
                    where,
                    power if value >= 0 else self._each("div", self._constant(Fraction(1)), power),
                )
            )
        return self._cases(made)

    def _cases(self, cases: Sequence[tuple[int, Pieces]]) -> Pieces:
        """Return pieces that hold where their case does."""
        merged: dict[Any, tuple[int, Quotient]] = {}
        for where, pieces in cases:
            for condition, value in pieces:
                both = self.conditions.all_of([where, condition])
                if both == FALSE:
                    continue
                key = tuple(tuple(sorted(part.items())) for part in value)
                known = merged.get(key)
                if known is not None:
                    both = self.conditions.any_of([known[0], both])
                merged[key] = (both, value)
        if len(merged) > limits.MAX_REGION_CASES:
            raise self._too_large(
                f"has a quantity of more than MAX_REGION_CASES = {limits.MAX_REGION_CASES} cases"
            )
        return tuple(merged.values())

    def _each(self, op: str, *args: Pieces) -> Pieces:
        """Return ``op`` of quantities, piece by piece."""
        if all(len(pieces) == 1 and pieces[0][0] == TRUE for pieces in args):
            made = self._quotient(op, *(pieces[0][1] for pieces in args))
            if len(made) == 1 and made[0][0] == TRUE:
                return made
            return self._cases([(TRUE, made)])
        cases = []
        for combination in product(*args):
            where = self.conditions.all_of(condition for condition, _ in combination)
            if where != FALSE:
                cases.append((where, self._quotient(op, *(value for _, value in combination))))
        return self._cases(cases)

    def _quotient(self, op: str, a: Quotient, b: Quotient | None = None) -> Pieces:
        """Return ``op`` of quotients of polynomials, where it is defined."""
        if b is None:
            return ((TRUE, (_scaled(a[0], Fraction(-1)), a[1])),)
        if op == "div":
            if len(b[0]) == 1 and max(map(sum, b[0])) == 0:
                b = ({e: 1 / c for e, c in b[0].items()}, b[1])
                return self._quotient("mul", a, (_multiplied(b[0], b[1]), self._one))
            there = self.conditions.compare(b[0], "!=")
            made = self._reduced(_multiplied(a[0], b[1]), _multiplied(a[1], b[0]))
            return ((there, made),) if there != FALSE else ()
        if op == "mul":
            above = _multiplied(a[0], b[0])
            if a[1] == self._one and b[1] == self._one:
                return ((TRUE, (above, self._one)),)
            return ((TRUE, self._reduced(above, _multiplied(a[1], b[1]))),)
        right = b[0] if op == "add" else _scaled(b[0], Fraction(-1))
        if a[1] == b[1]:
            return ((TRUE, (_added(a[0], right), a[1])),)
        above = _added(_multiplied(a[0], b[1]), _multiplied(right, a[1]))
        return ((TRUE, self._reduced(above, _multiplied(a[1], b[1]))),)

    def _reduced(self, above: Poly, below: Poly) -> Quotient:
        """Return a quotient without common factors, a constant denominator taken in."""
        if not above:
            return {}, self._one
        if max(map(sum, below)) > 0 and max(map(sum, above)) > 0:
            above, below = _cancelled(above, below, len(self.names))
        if max(map(sum, below)) == 0:
            return _scaled(above, 1 / next(iter(below.values()))), self._one
        return above, below

    def _related(self, a: Pieces, b: Pieces, relation: str) -> int:
        """Return where ``a relation b``; nowhere where one of them is undefined."""
        key = (relation, _key(a), _key(b))
        if key not in self._known:
            table = self.conditions
            ways = []
            for (where, (above, below)), (there, (other_above, other_below)) in product(a, b):
                if below == other_below:
                    above, below = _added(above, _scaled(other_above, Fraction(-1))), below
                else:
                    left = _multiplied(above, other_below)
                    right = _scaled(_multiplied(other_above, below), Fraction(-1))
                    above, below = _added(left, right), _multiplied(below, other_below)
                if below != self._one and relation not in ("==", "!="):
                    above = _multiplied(above, below)
                ways.append(table.all_of([where, there, table.compare(above, relation)]))
            self._known[key] = table.any_of(ways)
        made: int = self._known[key]
        return made

    def _sum(self, parts: Iterator[Pieces] | Sequence[Pieces]) -> Pieces:
        total = self._constant(Fraction(0))
        for part in parts:
            total = self._each("add", total, part)
        return total


def _key(pieces: Pieces) -> Any:
    return tuple((c, *(tuple(sorted(part.items())) for part in value)) for c, value in pieces)


def _added(a: Poly, b: Poly) -> Poly:
    made = dict(a)
    for exponents, coefficient in b.items():
        total = made.get(exponents, 0) + coefficient
        if total:
            made[exponents] = total
        else:
            made.pop(exponents, None)
    return made


def _scaled(a: Poly, factor: Fraction) -> Poly:
    return (
        {exponents: coefficient * factor for exponents, coefficient in a.items()} if factor else {}
    )


def _multiplied(a: Poly, b: Poly) -> Poly:
    if len(a) * len(b) > limits.MAX_REGION_TERMS:
        raise LimitExceeded(
            Problem(
                "",
                f"a product of formulas has more than MAX_REGION_TERMS = {limits.MAX_REGION_TERMS} "
                "terms when it is written out",
                "Hold more parameters",
            )
        )
    made: Poly = {}
    for left, c in a.items():
        for right, d in b.items():
            exponents = tuple(x + y for x, y in zip(left, right, strict=True))
            made[exponents] = made.get(exponents, 0) + c * d
    return {exponents: coefficient for exponents, coefficient in made.items() if coefficient}


def _cancelled(above: Poly, below: Poly, count: int) -> Quotient:
    from sympy import QQ
    from sympy.polys.rings import ring

    domain, *_ = ring([f"x{k}" for k in range(count)], QQ)
    made = [
        domain.from_dict({e: QQ(c.numerator, c.denominator) for e, c in part.items()})
        for part in (above, below)
    ]
    top, bottom = made[0].cancel(made[1])
    first, second = (
        {tuple(map(int, e)): Fraction(int(QQ.numer(c)), int(QQ.denom(c))) for e, c in part.items()}
        for part in (top, bottom)
    )
    return first, second
