"""Best actions over intervals that are approached and not attained.

Where a payoff jumps, the best may be a supremum: x for x < 1 and -1 at x = 1 has no highest
point, and a profile that stops a hair short of 1 is an epsilon-equilibrium, however small the
epsilon. What is played is looked at here: where the mover's payoff drops right beside it, the
edge is located, and it is asked what is paid at the edge itself. Of the conditions that change
over there, ``<`` does not hold where both sides are equal and ``<=`` does. Where a later mover's
reply jumps, the edge is attained if that mover does not lose by the reply that is wanted there:
who is indifferent may do so in equilibrium.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..spec.formulas import as_float, numpy_operations, order
from .plays import Play

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..forms.staged import StagedForm
    from .staged import Solver

    Array = NDArray[np.float64]

__all__ = ["Approached", "approached"]

HAIRS = np.array([-4e-9, -1e-9, 1e-9, 4e-9])
"""How far beside an action a drop is looked for, as shares of its interval."""
DROP = 1e-6
"""Least drop, and least loss by a reply, as a share of the payoffs."""
SCAN = 41
"""Points at which a supremum may be attained elsewhere."""
ROUND = 1e-12
"""Payoffs closer than this share are one but for rounding."""
EQUAL_SIDES = 1e-6
"""Two sides of a condition that changes over an edge are equal there within this share."""
LEAST_SIDE = 1e-9
"""Sides smaller than this are compared with it: one may be zero."""
AT_EDGE = {"lt": False, "le": True, "eq": True, "ne": False}
"""Conditions where both sides are equal."""


@dataclass(frozen=True)
class Approached:
    """A supremum over one interval decision."""

    player: str
    decision: str
    edge: float
    """The action at which the supremum would be."""
    side: str
    """From which it is approached: "below" or "above"."""
    supremum: float
    """What the player gets in the limit."""
    at_edge: float
    """What the player gets at the edge itself."""
    given_up: float
    """What is played falls short of the supremum by this."""

    @property
    def words(self) -> str:
        """In a sentence."""
        size = max(abs(self.supremum), abs(self.at_edge))
        best, there = (0.0 if abs(v) < 1e-12 * size else v for v in (self.supremum, self.at_edge))
        less = f"{self.given_up:.1g}" if self.given_up > 1e-15 * size else "no more than rounding"
        return (
            f"{self.player} has no best {self.decision}: {best:.6g} is approached as "
            f"{self.decision} -> {self.edge:.6g} from {self.side}, and not attained (at "
            f"{self.edge:.6g} itself it is {there:.6g}). What is played stops a hair short and "
            f"gives up {less}: an epsilon-equilibrium"
        )


def approached(solver: Solver, play: Play) -> tuple[Approached, ...]:
    """Return the suprema that decisions on the path of a play are a hair short of.

    Notes
    -----
    Only nodes that play reaches for certain are looked at, and only drops of more than
    :data:`DROP` of the payoffs. What cannot be told is not claimed: edges behind which others
    mix, or where no condition of a formula changes.
    """
    probe = copy(solver)
    probe.hints = dict(solver.hints)
    found = []
    node: Play | None = play
    while node is not None and node.other is None:
        live = [branch for branch in node.branches if branch[0] > 0]
        if len(live) != 1:
            break
        for j in range(len(node.values)):
            found += [one for one in _of_decision(probe, node, live[0][1], j) if one is not None]
        node = live[0][2]
    return tuple(found)


def _of_decision(
    solver: Solver, play: Play, actions: tuple[int, ...], j: int
) -> Iterator[Approached | None]:
    move = solver.form.blocks[play.block].intervals[j]
    low, high = float(move.low.read(play.row)[0]), float(move.high.read(play.row)[0])
    x = float(play.values[j])
    if not low < high:
        return
    edge = _Edge(solver, play, actions, j)
    beside = np.clip(x + (high - low) * HAIRS, low, high)
    heights = edge.payoffs(np.append(beside, x))[:, move.player]
    now = heights[-1]
    for side in (slice(0, 2), slice(2, 4)):
        slack = DROP * np.fmax(np.abs(now), np.abs(heights[side]))
        drops = np.flatnonzero(heights[side] < now - slack)
        if len(drops):
            # The closest one that is lower.
            k = drops[-1] if side.start == 0 else drops[0]
            bounds = (low, high)
            yield edge.judge(x, float(beside[side][k]), now, float(heights[side][k]), bounds)


class _Edge:
    """The payoffs along one decision on the path, all else there being as played."""

    def __init__(self, solver: Solver, play: Play, actions: tuple[int, ...], j: int) -> None:
        self.solver, self.form, self.play = solver, solver.form, play
        self.actions, self.j = actions, j
        self.move = solver.form.blocks[play.block].intervals[j]

    def rows(self, x: Array) -> Array:
        """Return the histories behind the decision at x (n,)."""
        values = np.repeat(self.play.values[None], len(x), axis=0)
        values[:, self.j] = x
        row = np.repeat(self.play.row, len(x), axis=0)
        return self.form.placed(self.play.block, row, self.actions, values)

    def payoffs(self, x: Array) -> Array:
        """Return the payoffs (n, players), later stages solved anew."""
        behind = self.rows(x)
        if self.play.block == self.solver.last:
            return self.form.finish(behind)
        return self.solver.alone(self.play.block + 1, behind)

    def judge(
        self, good: float, bad: float, now: float, beyond: float, bounds: tuple[float, float]
    ) -> Approached | None:
        """Return the supremum between an action and a lower one beside it, if there is one and it
        is not attained."""
        player = self.move.player
        # At a tie, half of what is at stake may be paid: that is beyond the edge.
        least = now - 0.2 * (now - beyond)
        closest = 0.0 if self.play.block == self.solver.last else 1e-13 * (bounds[1] - bounds[0])
        height, drop = now, beyond
        for _ in range(64):
            middle = 0.5 * (good + bad)
            if middle in (good, bad) or abs(good - bad) <= closest:
                break
            here = float(self.payoffs(np.array([middle]))[0, player])
            if here >= least:
                good, height = middle, here
            else:
                bad, drop = middle, here
        if not height - drop >= 0.5 * (now - beyond):
            return None
        at_edge = self.at_edge(good, bad, bounds)
        size = max(abs(height), abs(drop))
        if at_edge is None or at_edge >= height - DROP * size:
            return None
        # What rises towards an edge is lower farther away; what does not is attained there.
        points = np.linspace(*bounds, SCAN)
        points = points[np.abs(points - good) > 1e-6 * (bounds[1] - bounds[0])]
        if np.fmax.reduce(self.payoffs(points)[:, player]) >= height - ROUND * size:
            return None
        edge = 0.5 * (good + bad)
        for end in bounds:
            edge = end if abs(edge - end) <= ROUND * (bounds[1] - bounds[0]) else edge
        return Approached(
            self.form.players[player],
            self.move.name,
            edge,
            "below" if good < bad else "above",
            height,
            at_edge,
            max(height - now, 0.0),
        )

    def at_edge(self, good: float, bad: float, bounds: tuple[float, float]) -> float | None:
        """Return what the mover gets at the edge itself; None if that cannot be told, and the
        limit where it is attained."""
        player = self.move.player
        rows = self.rows(np.array([good, bad]))
        taken = self.taken(rows)
        if taken is None:
            return None
        near = self.complete(rows, [(a[0], v[0]) for a, v in taken])
        found = _where_equal(self.form, player, near)
        limit = float(self.form.finish(near[:1])[0, player])
        for k, (actions, values) in enumerate(taken):
            block = self.play.block + 1 + k
            jumpers = self.jumpers(block, rows, actions, values)
            if not jumpers:
                continue
            scale = np.ptp(self.payoffs(np.linspace(*bounds, 5)), axis=0)
            for other, own_finite, own in jumpers:
                swapped = [(a[0], v[0]) for a, v in taken]
                mine, amount = list(swapped[k][0]), swapped[k][1].copy()
                for c in own_finite:
                    mine[c] = actions[1][c]
                amount[own] = values[1][own]
                swapped[k] = (tuple(mine), amount)
                if k < len(taken) - 1:
                    return None  # what follows would have to be solved behind it
                away = self.complete(rows, swapped)
                stays, leaves = self.paid(other, near), self.paid(other, away)
                if leaves > stays + DROP * max(scale[other], abs(stays), abs(leaves)):
                    return float(self.payoffs(np.array([bad]))[0, player])
            break
        return limit if found is None and len(taken) and self.jumps(rows, taken) else found

    def jumps(self, rows: Array, taken: list[Any]) -> bool:
        """Return whether some later mover's action jumps over the edge."""
        return any(
            self.jumpers(self.play.block + 1 + k, rows, actions, values)
            for k, (actions, values) in enumerate(taken)
        )

    def paid(self, player: int, rows: Array) -> float:
        """Return what a player gets at the edge, of rows (2, size) on its two sides."""
        found = _where_equal(self.form, player, rows)
        return float(self.form.finish(rows[:1])[0, player]) if found is None else found

    def taken(self, rows: Array) -> list[Any] | None:
        """Return what is done at later blocks behind two histories, block by block: (finite actions
        of each, interval actions of each); None where somebody mixes, or chance draws."""
        found = []
        for block in range(self.play.block + 1, self.solver.last + 1):
            if self.form.blocks[block].chance is not None:
                return None
            said = self.solver.prescribe(block, rows)
            mixes = said.shares is not None and (said.shares > 0).any()
            if not said.known.all() or mixes or not (said.weights.max(axis=1) == 1).all():
                return None
            actions = [said.profiles[k] for k in said.weights.argmax(axis=1)]
            found.append((actions, said.values))
            rows = self.form.placed(block, rows, actions, said.values)
        return found

    def complete(self, rows: Array, taken: list[Any]) -> Array:
        """Return histories with the same later moves placed behind each."""
        for k, (actions, values) in enumerate(taken):
            rows = self.form.placed(self.play.block + 1 + k, rows, actions, values)
        return rows

    def jumpers(
        self, block: int, rows: Array, actions: Any, values: Array
    ) -> list[tuple[int, list[int], list[int]]]:
        """Return whose actions differ between two histories: (player, their finite moves that do,
        their intervals that do)."""
        moves = self.form.blocks[block]
        found = []
        for player in moves.players:
            finite = [
                c
                for c, move in enumerate(moves.finite)
                if move.player == player and actions[0][c] != actions[1][c]
            ]
            own = [
                c
                for c, move in enumerate(moves.intervals)
                if move.player == player
                and abs(values[0, c] - values[1, c])
                > 1e-6 * float((move.high.read(rows) - move.low.read(rows)).max())
            ]
            if finite or own:
                found.append((player, finite, own))
        return found


def _where_equal(form: StagedForm, player: int, rows: Array) -> float | None:
    """Return a player's payoff between two rows (2, size), at which the sides of the conditions
    that change from one to the other are equal; None if no such condition changes."""
    root = form.payoffs[player]
    nodes = order([root])
    inputs = {name: rows[:, k] for k, name in enumerate(form.plan.names)}
    numpy_op = numpy_operations()

    def values(at: Any, fixed: dict[int, bool]) -> dict[int, Any]:
        made: dict[int, Any] = {}
        for node in nodes:
            if id(node) in fixed:
                made[id(node)] = fixed[id(node)]
            elif node.op == "const":
                plain = isinstance(node.value, bool)
                made[id(node)] = node.value if plain else np.float64(as_float(node.value))
            elif node.op == "input":
                made[id(node)] = inputs[node.value][at]
            else:
                function = node.value if node.op == "call" else numpy_op[node.op]
                made[id(node)] = function(*(made[id(arg)] for arg in node.args))
        return made

    with np.errstate(all="ignore"):
        both = values(slice(None), {})
        fixed: dict[int, bool] = {}
        for node in nodes:
            if node.op not in AT_EDGE:
                continue
            held = np.broadcast_to(both[id(node)], 2)
            if held[0] == held[1]:
                continue
            one, other = (np.broadcast_to(both[id(arg)], 2) for arg in node.args)
            size = np.maximum(np.abs(one), np.abs(other)).max()
            if (np.abs(one - other) <= EQUAL_SIDES * max(size, LEAST_SIDE)).all():
                fixed[id(node)] = AT_EDGE[node.op]
        return float(values(0, fixed)[id(root)]) if fixed else None
