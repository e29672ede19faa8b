"""A game with state variables -> a Markov form: one period after another.

A period is the stages of the game, played in order. All its formulas are worked out on one
table whose axes are the state variables and the moves of the period; then every stage with
decisions becomes a stage of the form, in states named after the state variables and what was
done before (``"gap 4, ecosystem 1 | broad"``). What chance decides after a decision is drawn
on the way to the next state; what it decides after the last decision is averaged in the
payoffs, and hands the next period its state. Only the last decisions of a period are
discounted. The form's horizon counts its own stages: periods times stages with decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import LimitExceeded, Problem, SpecError
from ..spec.formulas import Expr, as_float, evaluate
from ..spec.model import Chance, Decision, Interval, exact
from ..spec.resolve import Resolved
from .markov import MarkovForm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["markov_form"]

WAITING = ("wait",)


def markov_form(
    found: Resolved, at: Mapping[str, Fraction | str], allowed: Mapping[str, tuple[int, ...]]
) -> MarkovForm:
    """Return the Markov form of a game with state variables.

    Parameters
    ----------
    found
        The resolved game.
    at
        Values of all parameters.
    allowed
        Per decision, the actions that the regime leaves. Where none of them is available, the
        decision keeps those that are.

    Raises
    ------
    SpecError
        At these values a payoff is undefined, probabilities do not sum to one, a decision has
        no action, a state variable leaves its values, or a discount lies outside its range.
    LimitExceeded
        More than ``limits.MAX_CELLS`` numbers in the table of a period, or
        ``limits.MAX_TRANSITIONS`` transition probabilities.
    """
    return _Period(found, at, allowed).form()


class _Period:
    """One period of a game, as tables with an axis for each state variable and move."""

    def __init__(
        self,
        found: Resolved,
        at: Mapping[str, Fraction | str],
        allowed: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.found, self.allowed, self.game = found, allowed, found.game
        self.players = tuple(player.name for player in self.game.players)
        self.variables = list(found.stages[0].moves)
        self.blocks: list[tuple[list[Decision], list[Chance]]] = []
        self.opening: list[Chance] = []
        for stage in found.stages[1:]:
            decisions = [move for move in stage.moves if isinstance(move, Decision)]
            drawn = [move for move in stage.moves if isinstance(move, Chance)]
            if decisions:
                self.blocks.append((decisions, drawn))
            elif self.blocks:
                self.blocks[-1][1].extend(drawn)
            else:
                self.opening.extend(drawn)
        if not self.blocks:
            self.blocks.append(([], []))
        self.moves: list[Decision | Chance] = [*self.variables, *self.opening]
        for decisions, drawn in self.blocks:
            self.moves += [*decisions, *drawn]
        self.labels = {move.name: _labels(move) for move in self.moves}
        self.shape = tuple(len(self.labels[move.name]) for move in self.moves)
        roots = len(self.players) + len(found.outcomes) + sum(self.shape) + 1
        if prod(self.shape) * roots > limits.MAX_CELLS:
            raise LimitExceeded(
                Problem(
                    self.game.file,
                    f"a period has {prod(self.shape)} courses in {roots} tables, more than the "
                    f"limit MAX_CELLS = {limits.MAX_CELLS}",
                    "Use fewer values, actions or outcomes",
                )
            )
        self.numbers: dict[str, Any] = {
            name: as_float(value) for name, value in at.items() if not isinstance(value, str)
        }
        self.columns = dict(self.numbers)
        for k, size in enumerate(self.shape):
            axes = [1] * len(self.shape)
            axes[k] = size
            self.columns[self.moves[k].name] = np.arange(size, dtype=np.float64).reshape(axes)

    # -- tables ----------------------------------------------------------------------------------

    def table(self, expr: Expr) -> Array:
        """Return the values of an expression in all courses of a period."""
        (value,) = evaluate([expr], self.columns)
        return np.broadcast_to(np.asarray(value, dtype=np.float64), self.shape)

    def course(self, cell: Sequence[int]) -> str:
        """Return ``gap=4, control=yard`` of a course, or of its beginning."""
        return ", ".join(
            f"{move.name}={self.labels[move.name][k]}"
            for move, k in zip(self.moves, cell, strict=False)
        )

    def wrong(self, place: str, reason: str, cell: Sequence[int], fix: str) -> SpecError:
        where = self.course(cell)
        return SpecError(
            Problem(f"{self.game.file}: {place}", f"{reason}{f' at {where}' if where else ''}", fix)
        )

    def place_of(self, move: Decision | Chance) -> str:
        stage = self.found.stages[self.found.stage_of[move.name]]
        return f"stages.{stage.name}.{move.name}"

    def reach(self) -> None:
        """Work out which courses can be played, and what chance makes of them."""
        self.reached = np.ones(self.shape, dtype=bool)
        self.weight: dict[str, Array] = {}
        for k, move in enumerate(self.moves):
            if k < len(self.variables):
                continue
            size = self.shape[k]
            live = np.asarray(self.reached.any(axis=tuple(range(k, len(self.shape)))))
            if isinstance(move, Decision):
                rows = self.found.available[move.name]
            else:
                rows = self.found.probabilities[move.name]
            # One slice per action: the condition does not depend on the move itself.
            slices = [self.table(row)[self._until(k)] for row in rows]
            stacked = np.stack(slices, axis=-1)
            stacked = np.where(live[..., None], stacked, 0.0)
            odd = ~np.isfinite(stacked)
            if odd.any():
                raise self.wrong(
                    self.place_of(move),
                    "a condition or probability is undefined",
                    np.argwhere(odd)[0][:-1].tolist(),
                    "Guard it with where(condition, a, b)",
                )
            if isinstance(move, Decision):
                stacked = self._left(move, stacked != 0)
                stuck = np.asarray(live & ~stacked.any(axis=-1))
                reason, fix = "no action is available", "Let one action have no 'when'"
            else:
                totals = stacked.sum(axis=-1)
                off = np.abs(totals - 1) > tolerances.PROBABILITY
                stuck = np.asarray(live & (off | (stacked.min(axis=-1) < 0)))
                reason = "the probabilities are not at least 0 with sum 1"
                fix = "They are never rescaled; correct them"
            if stuck.any():
                raise self.wrong(self.place_of(move), reason, np.argwhere(stuck)[0].tolist(), fix)
            tail = (1,) * (len(self.shape) - k - 1)
            wide = stacked.reshape(*self.shape[:k], size, *tail)
            self.reached = self.reached & (wide > 0)
            if isinstance(move, Chance):
                self.weight[move.name] = wide.astype(np.float64)

    def _until(self, k: int) -> tuple[Any, ...]:
        """Return the index of a table before the axis k: what comes later does not count."""
        return (slice(None),) * k + (0,) * (len(self.shape) - k)

    def _left(self, move: Decision, available: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the actions that the regime leaves; where it leaves none, all that there are."""
        mask = np.zeros(available.shape[-1], dtype=bool)
        mask[list(self.allowed[move.name])] = True
        kept = available & mask
        return np.where(kept.any(axis=-1, keepdims=True), kept, available)

    def finite(self, expr: Expr, place: str) -> Array:
        """Return the table of a payoff or outcome; 0 in courses that cannot be played."""
        made = np.where(self.reached, self.table(expr), 0.0)
        odd = ~np.isfinite(made)
        if odd.any():
            raise self.wrong(
                place,
                "it is undefined or infinite",
                np.argwhere(odd)[0].tolist(),
                "Guard it with where(condition, a, b), or change the values",
            )
        return made

    def following(self) -> Array:
        """Return the distribution of the next state: shape of a course, then one axis."""
        joint: Array = np.ones((*self.shape, 1))
        for state in self.game.states:
            exprs, place = self.found.next[state.name], f"states.{state.name}.next"
            if isinstance(state.next, Mapping):
                own = np.stack([self.table(expr) for expr in exprs], axis=-1)
                own = np.where(self.reached[..., None], own, 1 / len(state.values))
                off = (np.abs(own.sum(axis=-1) - 1) > tolerances.PROBABILITY) | (
                    own.min(axis=-1) < 0
                )
                off = off | ~np.isfinite(own).all(axis=-1)
                if off.any():
                    raise self.wrong(
                        place,
                        "the probabilities are not at least 0 with sum 1",
                        np.argwhere(off)[0].tolist(),
                        "They are never rescaled; correct them",
                    )
            else:
                value = np.where(self.reached, self.table(exprs[0]), self._values(state.name)[0])
                own = self._one_hot(state.name, value, place)
            joint = (joint[..., :, None] * own[..., None, :]).reshape(*self.shape, -1)
        return joint

    def _values(self, name: str) -> Array:
        labels = self.labels[name]
        if name in self.found.numeric:
            return np.array([float(exact(label)) for label in labels])
        return np.arange(len(labels), dtype=np.float64)

    def _one_hot(self, name: str, value: Array, place: str) -> Array:
        """Return which value of a state variable each number is, as a unit vector."""
        near = np.abs(value[..., None] - self._values(name)) <= tolerances.PROBABILITY
        lost = ~near.any(axis=-1)
        if lost.any():
            cell = np.argwhere(lost)[0]
            raise self.wrong(
                place,
                f"it is {float(value[tuple(cell)]):.12g}, which is no value of {name},",
                cell.tolist(),
                "Cut it, for example min(max(..., low), high)",
            )
        return near.astype(np.float64)

    # -- the form --------------------------------------------------------------------------------

    def form(self) -> MarkovForm:
        self.reach()
        found, count = self.found, len(self.variables)
        sizes = self.shape[:count]
        num_states = prod(sizes)
        self._limit(prod(self.shape) * num_states)
        after = self.following()
        names = found.outcomes
        tables = np.stack(
            [
                *(self.finite(found.payoffs[p], f"payoffs.{p}") for p in self.players),
                *(self.finite(found.outcome(n), f"derived.{n}") for n in names),
            ],
            axis=-1,
        )
        # What chance decides after the last decisions is averaged.
        drawn = self.blocks[-1][1]
        last = len(self.shape) - len(drawn)
        weight = np.ones((1,) * len(self.shape))
        for chance in drawn:
            weight = weight * self.weight[chance.name]
        weight = np.broadcast_to(weight, self.shape) * self.reached
        axes = tuple(range(last, len(self.shape)))
        tables = (tables * weight[..., None]).sum(axis=axes)
        after = (after * weight[..., None]).sum(axis=axes)

        # The states of the form: per block, what was reached before its decisions.
        starts = []
        place = count + len(self.opening)
        for block, later in self.blocks:
            starts.append(place)
            place += len(block) + len(later)
        where: list[dict[tuple[int, ...], int]] = []
        total = 0
        for start in starts:
            live = self.reached.any(axis=tuple(range(start, len(self.shape))))
            cells = [tuple(cell) for cell in np.argwhere(live).tolist()]
            where.append({cell: total + k for k, cell in enumerate(cells)})
            total += len(cells)
        self._limit(total * total)
        opening = self._opening(num_states, where[0], total)
        payoffs, moves, labels, states = [], [], [], []
        outcomes: dict[str, list[Array]] = {name: [] for name in names}
        for j, (block, _) in enumerate(self.blocks):
            final = j == len(self.blocks) - 1
            for cell in where[j]:
                chosen = [self._actions(cell, starts[j] + k) for k in range(len(block))]
                states.append(self._name(cell))
                own: list[tuple[str, ...]] = [WAITING] * len(self.players)
                shape = [1] * len(self.players)
                order = np.argsort([self.players.index(move.player) for move in block])
                for move, left in zip(block, chosen, strict=True):
                    who = self.players.index(move.player)
                    own[who] = tuple(self.labels[move.name][k] for k in left)
                    shape[who] = len(left)
                labels.append(own)
                grid = (*np.ix_(*chosen),) if chosen else ()
                turn = (*order.tolist(), len(block))
                if final:
                    rows = tables[cell][grid].transpose(turn).reshape(*shape, -1)
                    payoffs.append(np.moveaxis(rows[..., : len(self.players)], -1, 0))
                    for k, name in enumerate(names):
                        outcomes[name].append(rows[..., len(self.players) + k])
                    step = after[cell][grid].transpose(turn).reshape(*shape, -1) @ opening
                else:
                    payoffs.append(np.zeros((len(self.players), *shape)))
                    for name in names:
                        outcomes[name].append(np.zeros(shape))
                    step = np.zeros((*(len(left) for left in chosen), total))
                    for index in np.ndindex(step.shape[:-1]):
                        played = tuple(left[k] for left, k in zip(chosen, index, strict=True))
                        for then, p in self._draws((*cell, *played), starts[j + 1]):
                            step[(*index, where[j + 1][then])] += p
                    step = step.transpose(turn).reshape(*shape, total)
                moves.append(step)
        ends = np.zeros(total)
        ends[list(where[-1].values())] = 1.0
        per_player = np.array([self._discount(player) for player in self.players])
        horizon = self.game.horizon
        first = np.zeros(num_states)
        first[np.ravel_multi_index(self._initial(), sizes)] = 1.0
        return MarkovForm.from_arrays(
            payoffs,
            moves,
            np.where(ends > 0, per_player[:, None], 1.0),
            horizon=None if horizon is None else horizon * len(self.blocks),
            initial=first @ opening,
            players=self.players,
            states=states,
            actions=labels,
            title=self.game.title or self.game.name,
            question=self.game.question,
            outcomes=outcomes,
            ends=ends,
        )

    def _limit(self, count: int) -> None:
        if count > limits.MAX_TRANSITIONS:
            raise LimitExceeded(
                Problem(
                    f"{self.game.file}: states",
                    f"{count} transition probabilities are more than the limit MAX_TRANSITIONS = "
                    f"{limits.MAX_TRANSITIONS}",
                    "Use fewer values of state variables, actions or outcomes",
                )
            )

    def _actions(self, cell: tuple[int, ...], axis: int) -> list[int]:
        """Return the actions of a decision that are left at a history, by position of its axis."""
        start = len(cell)
        live = self.reached[cell]
        other = tuple(k for k in range(live.ndim) if k != axis - start)
        return [int(k) for k in np.flatnonzero(live.any(axis=other))]

    def _draws(self, played: tuple[int, ...], until: int) -> list[tuple[tuple[int, ...], float]]:
        """Return what chance may do after a history, up to an axis, and how likely it is."""
        found = [(played, 1.0)]
        for axis in range(len(played), until):
            move = self.moves[axis]
            table = self.weight[move.name]
            grown = []
            for cell, p in found:
                at = tuple(k if table.shape[n] > 1 or k == 0 else 0 for n, k in enumerate(cell))
                row = table[at].reshape(self.shape[axis], -1)[:, 0]
                grown += [((*cell, k), p * float(q)) for k, q in enumerate(row) if q > 0]
            found = grown
        return found

    def _opening(self, num_states: int, where: Mapping[tuple[int, ...], int], total: int) -> Array:
        """Return, per state, where its period begins: what chance does before any decision."""
        made = np.zeros((num_states, total))
        for s in range(num_states):
            cell = tuple(int(k) for k in np.unravel_index(s, self.shape[: len(self.variables)]))
            for then, p in self._draws(cell, len(cell) + len(self.opening)):
                made[s, where[then]] += p
        return made

    def _name(self, cell: tuple[int, ...]) -> str:
        count = len(self.variables)
        state = ", ".join(
            f"{own.name} {self.labels[own.name][k]}"
            for own, k in zip(self.game.states, cell, strict=False)
        )
        done = [self.labels[self.moves[n].name][k] for n, k in enumerate(cell) if n >= count]
        return f"{state} | {', '.join(done)}" if done else state

    def _discount(self, player: str) -> float:
        (value,) = evaluate([self.found.discounts[player]], self.numbers)
        number = float(value)
        high = number < 1 if self.game.horizon is None else number <= 1
        if not (number >= 0 and high):
            own = isinstance(self.game.discount, Mapping)
            raise self.wrong(
                f"discount{f'.{player}' if own else ''}",
                f"it is {number:.12g}",
                (),
                "Make it 0 to less than 1" if self.game.horizon is None else "Make it 0 to 1",
            )
        return number

    def _initial(self) -> tuple[int, ...]:
        """Return the index of each state variable's first value."""
        found = []
        for state in self.game.states:
            (value,) = evaluate([self.found.initial[state.name]], self.numbers)
            place = f"states.{state.name}.initial"
            near = np.abs(self._values(state.name) - float(value)) <= tolerances.PROBABILITY
            if not near.any():
                raise self.wrong(
                    place,
                    f"it is {float(value):.12g}, which is no value of {state.name}",
                    (),
                    f"Known: {', '.join(self.labels[state.name])}",
                )
            found.append(int(np.argmax(near)))
        return tuple(found)


def _labels(move: Decision | Chance) -> tuple[str, ...]:
    if isinstance(move, Chance):
        return tuple(move.outcomes)
    assert not isinstance(move.actions, Interval)
    return tuple(action.name for action in move.actions)
