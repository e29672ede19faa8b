"""What is asked of a game, as conditions on its parameters; and roots along one parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import NotApplicable, RequestError, did_you_mean
from ..forms.build import allowed_actions, find_regime, values
from ..solution import Equilibrium
from ..spec.formulas import input_names
from ..spec.model import Decision, Game, Interval, Regime, exact
from ..spec.resolve import Resolved, resolved
from ._asked import game_of, set_by
from ._inequalities import factors_of
from ._logic import Bound, Conditions, Decider, Literal
from ._outcomes import Choice, Outcome, Tree

__all__ = ["Cut", "Profile", "Question", "between", "clamped", "roots_of"]

Profile = Mapping[str, str] | Equilibrium | Sequence[Choice]


@dataclass
class Question:
    """A game as conditions on its parameters."""

    game: Game
    names: tuple[str, ...]
    ranges: Mapping[str, tuple[Bound, Bound]]
    held_all: Mapping[str, Fraction | str]
    regime: str | None
    preset: str | None
    table: Conditions
    decider: Decider
    tree: Tree
    outcomes: list[Outcome]

    @classmethod
    def of(
        cls,
        game: Game | str | Path,
        parameters: Sequence[str] | None,
        regime: Regime | str | None,
        preset: str | None,
        fixed: Mapping[str, Any],
    ) -> Question:
        """Return the question about a game; arguments as in :func:`.regions.region`."""
        loaded = game_of(
            game, "exact regions need a game with formulas (.toml or .py), not a table of numbers"
        )
        if loaded.states:
            raise NotApplicable(
                f"{loaded.name} goes on over periods: its answers are no formulas of its "
                "parameters, so regions cannot be proved. Use sweep, tipping or sensitivity"
            )
        at = values(loaded, regime=regime, preset=preset, parameters=fixed)
        found = resolved(loaded, {name: v for name, v in at.items() if isinstance(v, str)})
        names = _varied(loaded, found, parameters, find_regime(loaded, regime), fixed)
        declared = {parameter.name: parameter for parameter in loaded.parameters}
        ranges: dict[str, tuple[Bound, Bound]] = {}
        start = []
        for name in names:
            low, high = declared[name].low, declared[name].high
            bottom: Bound = -math.inf if low is None else exact(low)
            top: Bound = math.inf if high is None else exact(high)
            if bottom >= top:
                raise RequestError(f"{name} cannot vary: its range is {low} to {high}")
            ranges[name] = (bottom, top)
            value = at[name]
            assert isinstance(value, Fraction)
            start.append(clamped(value, bottom, top))
        table = Conditions(
            tuple(low for low, _ in ranges.values()), tuple(high for _, high in ranges.values())
        )
        held = {n: v for n, v in at.items() if n not in ranges and isinstance(v, Fraction)}
        tree = Tree(found, names, held, allowed_actions(loaded, found, regime), table)
        outcomes = tree.outcomes()
        overlay = find_regime(loaded, regime)
        return cls(
            game=loaded,
            names=names,
            ranges=MappingProxyType(ranges),
            held_all=MappingProxyType({n: v for n, v in at.items() if n not in ranges}),
            regime=None if overlay is None else overlay.name,
            preset=preset,
            table=table,
            decider=Decider(table, start),
            tree=tree,
            outcomes=outcomes,
        )

    @property
    def concept(self) -> str:
        """What the equilibria are."""
        kind = "Nash" if self.tree.simultaneous else "subgame-perfect"
        return f"pure {kind} equilibrium"

    @property
    def profiles(self) -> int:
        """How many ways to play there are."""
        return self.tree.plays

    # -- what is asked for ---------------------------------------------------------------------

    def chosen(self, profile: Profile) -> tuple[Callable[[Outcome], bool], bool]:
        """Return a test of outcomes, and whether it names every decision."""
        if isinstance(profile, Equilibrium):
            wanted = _on_path(profile, self.tree)
            return (lambda z: set(z.choices) == wanted), True
        if isinstance(profile, Mapping):
            return self._by_name(profile)
        listed = set(profile)
        if not all(isinstance(choice, Choice) for choice in listed):
            raise RequestError(
                "a profile is a mapping of decision -> action, an equilibrium, or choices of a "
                "region"
            )
        whole = any(listed == set(z.choices) for z in self.outcomes)
        return (lambda z: listed <= set(z.choices)), whole

    def _by_name(self, profile: Mapping[str, str]) -> tuple[Callable[[Outcome], bool], bool]:
        moves = {
            name: move
            for name, move in self.tree.found.moves.items()
            if isinstance(move, Decision) and not isinstance(move.actions, Interval)
        }
        free = {move.name for block in self.tree.blocks for move in block.moves}
        asked: dict[str, str] = {}
        for name, action in profile.items():
            if name not in moves:
                raise RequestError(
                    f"{self.game.name} has no decision {name!r}. {did_you_mean(str(name), moves)}"
                )
            labels = [a.name for a in moves[name].actions]  # type: ignore[union-attr]
            if action not in labels:
                close = did_you_mean(str(action), labels)
                raise RequestError(f"{name} has no action {action!r}. {close}")
            left = [labels[k] for k in self.tree.options(moves[name])]
            if action not in left:
                raise RequestError(
                    f"the regime {self.regime} leaves {name} only {', '.join(left)}, not {action}"
                )
            if name in free:
                asked[name] = action

        def wanted(z: Outcome) -> bool:
            return all(
                choice.action == asked[choice.decision]
                for choice in z.choices
                if choice.decision in asked
            )

        return wanted, set(asked) == free

    def named(self, profile: Profile) -> tuple[Choice, ...]:
        """Return the choices by which the answer goes."""
        if isinstance(profile, Mapping):
            free = [move.name for block in self.tree.blocks for move in block.moves]
            return tuple(Choice(name, profile[name]) for name in free if name in profile)
        if isinstance(profile, Equilibrium):
            return tuple(sorted(_on_path(profile, self.tree), key=self._place))
        return tuple(sorted(profile, key=self._place))

    def _place(self, choice: Choice) -> Any:
        return list(self.tree.found.moves).index(choice.decision), choice

    def true_at(
        self, middle: Fraction, factor_of: Mapping[int, set[int]] | None = None, cut: Any = None
    ) -> tuple[tuple[Choice, ...], ...]:
        """Return the equilibria at a value of the only parameter, or at a root beside it."""
        found = []
        for z in self.outcomes:
            signs = self.table.signs_at(z.condition, (middle,))
            if factor_of is not None:
                for polynomial in signs:
                    if cut.factor in factor_of[polynomial]:
                        signs[polynomial] = 0
            if self.table.truth(z.condition, signs):
                found.append(z.choices)
        return tuple(found)


def clamped(value: Fraction, low: Bound, high: Bound) -> Fraction:
    """Return the number of a range that is nearest to a value."""
    if value < low:
        return Fraction(low)
    return Fraction(high) if value > high else value


def _varied(
    game: Game,
    found: Resolved,
    parameters: Sequence[str] | None,
    overlay: Regime | None,
    fixed: Mapping[str, Any],
) -> tuple[str, ...]:
    """Return the parameters that vary, in the order of the declaration."""
    declared = {parameter.name: parameter for parameter in game.parameters}
    if parameters is None:
        used = input_names(
            [
                *found.payoffs.values(),
                *(e for row in found.probabilities.values() for e in row),
                *(e for row in found.available.values() for e in row),
            ]
        )
        settled = {*fixed, *(() if overlay is None else set_by(game, overlay))}
        names = [
            name
            for name, p in declared.items()
            if name in used
            and name not in settled
            and p.low is not None
            and p.high is not None
            and exact(p.low) < exact(p.high)
        ]
        if not names:
            raise RequestError(
                f"{game.name} has no parameter with a range that is left to vary. Name those that "
                "shall vary"
            )
        return tuple(names)
    if isinstance(parameters, str):
        parameters = [parameters]
    for name in parameters:
        if name not in declared:
            raise RequestError(
                f"{game.name} has no parameter {name!r}. {did_you_mean(str(name), declared)}"
            )
        if declared[name].choices:
            raise RequestError(
                f"{name} has choices, not a range: give it a value, {name} = "
                f"{declared[name].choices[0]!r}"
            )
        if name in fixed:
            raise RequestError(f"{name} cannot both vary and be {fixed[name]!r}")
    if not parameters:
        raise RequestError("no parameter is named that shall vary")
    return tuple(name for name in declared if name in set(parameters))


def _on_path(equilibrium: Equilibrium, tree: Tree) -> set[Choice]:
    """Return the choices on the path of play of an equilibrium in pure strategies."""

    def certain(probabilities: Any, where: str) -> str:
        chosen = [action for action, p in probabilities.items() if p != 0]
        if len(chosen) != 1:
            raise RequestError(
                f"the equilibrium is mixed at {where}: exact regions are for pure strategies"
            )
        return str(chosen[0])

    def action_of(move: Decision, history: Sequence[tuple[str, str]]) -> str:
        strategy = equilibrium.strategies[move.player]
        if all(not isinstance(value, Mapping) for value in strategy.values()):
            return certain(strategy, move.player)
        for label, probabilities in strategy.items():
            if label == move.name or _after(label, move.name, history):
                return certain(probabilities, label)
        # What has one action left is in no strategy.
        return ""

    found: set[Choice] = set()
    stack: list[tuple[int, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = [
        (0, (), ())
    ]
    while stack:
        at, history, given = stack.pop()
        if at == len(tree.blocks):
            continue
        block = tree.blocks[at]
        if block.chance is not None:
            for label in block.chance.outcomes:
                step = (block.chance.name, label)
                stack.append((at + 1, (*history, step), (*given, step)))
            continue
        taken = []
        for move in block.moves:
            action = action_of(move, history)
            if not action:
                action = tree.only(move, history)
            taken.append((move.name, action))
            found.add(Choice(move.name, action, given))
        stack.append((at + 1, (*history, *taken), given))
    return found


def _after(label: str, name: str, history: Sequence[tuple[str, str]]) -> bool:
    """Return whether an information set's label names a decision after parts of a history.

    The label has them in the order of the game, the history in that of play.
    """
    if not label.startswith(f"{name} after "):
        return False
    rest = label[len(name) + len(" after ") :] + ", "
    pieces = {f"{move}={action}, " for move, action in history}
    while rest:
        piece = next((piece for piece in pieces if rest.startswith(piece)), None)
        if piece is None:
            return False
        pieces.remove(piece)
        rest = rest[len(piece) :]
    return True


# ---------------------------------------------------------------------------------------------
# One parameter: roots


@dataclass(frozen=True)
class Cut:
    """A value at which some polynomial is 0."""

    value: Any
    near: Any
    """A rational so near that the order of the cuts can be read off it; the value if rational."""
    factor: int


def roots_of(table: Conditions, conditions: Sequence[int]) -> tuple[list[Cut], dict[int, set[int]]]:
    """Return the real roots of all polynomials of conditions on one parameter, in order, and
    for each polynomial the numbers of its irreducible factors."""
    number_of: dict[Any, int] = {}
    factor_of: dict[int, set[int]] = {}
    for at in table.below(conditions):
        node = table.nodes[at]
        if not isinstance(node, Literal) or node.polynomial in factor_of:
            continue
        factor_of[node.polynomial] = {
            number_of.setdefault(tuple(factor.items()), len(number_of))
            for factor, _ in factors_of(table.polynomials[node.polynomial], 1)
        }
    cuts: list[Cut] = []
    algebraic: list[tuple[Any, int]] = []
    for terms, factor in number_of.items():
        coefficients = {exponents[0]: coefficient for exponents, coefficient in terms}
        if max(coefficients) == 1:
            value = -coefficients.get(0, Fraction(0)) / coefficients[1]
            cuts.append(Cut(value, value, factor))
        else:
            algebraic += [(root, factor) for root in _real_roots(coefficients)]
    digits = 30
    while True:
        made = cuts + [Cut(root, _near(root, digits), factor) for root, factor in algebraic]
        made.sort(key=lambda cut: cut.near)
        gap = Fraction(4, 10**digits)
        apart = all(b.near - a.near > gap for a, b in pairwise(made))
        if apart or not algebraic:  # the factors have no root in common
            return made, factor_of
        digits *= 2


def _real_roots(coefficients: Mapping[int, Fraction]) -> list[Any]:
    import sympy

    x = sympy.Symbol("x")
    polynomial = sympy.Poly(
        {(e,): sympy.Rational(c.numerator, c.denominator) for e, c in coefficients.items()}, x
    )
    return list(sympy.real_roots(polynomial))


def _near(root: Any, digits: int) -> Fraction:
    """Return a rational within ``10**-digits`` of a root."""
    import sympy

    decimal = sympy.Rational(str(sympy.N(root, digits + 20)))
    return Fraction(int(decimal.p), int(decimal.q))


def between(low: Any, high: Any) -> Fraction:
    """Return a rational between two."""
    if math.isfinite(low) and math.isfinite(high):
        return (Fraction(low) + Fraction(high)) / 2
    if math.isfinite(low):
        return Fraction(low) + 1
    return Fraction(high) - 1 if math.isfinite(high) else Fraction(0)
