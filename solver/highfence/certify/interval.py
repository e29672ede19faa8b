"""Proofs by interval arithmetic for games in which all decide at once over intervals.

Two statements about given actions, each rigorous up to faults of the machine:

- *No deviation gains more than g*: branch and bound over all of a player's intervals. A box of
  deviations is settled by the range of the payoff over it, by its mean value or Taylor form, or,
  where the payoff is concave in the player's own actions on the way from the given action to the
  whole box, by the slope at the given action (Hansen and Walster 2004, ch. 12-14).
- *An exact equilibrium lies within r, and no other critical point within R*: Krawczyk's test on
  the first-order conditions of the actions that are inside their intervals, with the others'
  derivatives of one sign (Krawczyk 1969; Neumaier 1990, sec. 5.1); and the same branch and bound
  with the equilibrium in place of the given actions, which must come to "no gain at all".

Parameters are taken as intervals that hold the float and the decimal number written for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from ..errors import NotApplicable
from ..forms.ranges import Jet, jets, parameter, plus, point, product, widened
from ..forms.staged import IntervalMove, StagedForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Proof", "provable", "prove"]

GOAL = 1e-12
"""Share of a player's payoff scale at which branch and bound is content with a bound."""
ROUNDING = 1e-13
"""Share of a payoff below which a bound of gains is not looked for: it is lost in rounding."""
ROUNDS = 60
"""Rounds of halving; after them a box is 1e-18 of the interval wide."""
SIZES = tuple(10.0**-k for k in range(14, 0, -1))
"""Half widths, as shares of the intervals, of the boxes on which Krawczyk's test is tried."""


@dataclass(frozen=True, eq=False)
class Proof:
    """What was proved about given actions."""

    gain: Array
    """(players,): no deviation of the player gains more."""
    within: float | None
    """An exact equilibrium lies within this share of the intervals; None if not proved."""
    alone: float | None
    """The first-order conditions have no other solution within this share; None likewise."""
    boxes: int
    """Boxes of deviations that were looked at."""

    @property
    def words(self) -> list[str]:
        """What was proved, for a certificate."""
        said = [
            "proved by interval arithmetic: the regret is a bound of every deviation's gain "
            f"({self.boxes} boxes)"
        ]
        if self.within is not None:
            said.append(
                f"proved: an exact equilibrium lies within {self.within:.0e} of the intervals"
            )
        if self.alone is not None:
            said.append(
                "proved: the first-order conditions have no other solution within "
                f"{self.alone:.0e} of the intervals"
            )
        return said


def provable(form: StagedForm) -> bool:
    """Return whether all decide at once, over intervals, with no choice among finite actions."""
    if len(form.blocks) != 1:
        return False
    block = form.blocks[0]
    choices = any(len(move.actions(form.root)[0]) != 1 for move in block.finite)
    return block.chance is None and bool(block.intervals) and not choices


def prove(
    form: StagedForm,
    values: Array,
    actions: Sequence[int] | None,
    scale: Array,
    wanted: float,
    shared: tuple[Array, Array] | None = None,
) -> Proof | None:
    """Return what interval arithmetic proves of actions, or None if that is not enough.

    Parameters
    ----------
    form
        A game for which :func:`provable` holds.
    values
        The interval actions of its block, in order.
    actions
        The finite actions of its block, in order; None if they are mixed: nothing is proved.
    scale
        (players,): what gains are divided by.
    wanted
        Gain, over the scale, up to which a bound is of use.
    shared
        Matrix and limits of constraints ``matrix @ actions <= limits`` that deviations keep too;
        the existence of an exact equilibrium is then not looked at.

    Notes
    -----
    Cost: :data:`highfence.limits.MAX_BOXES` boxes a player at most, a few microseconds each.
    """
    if actions is None:
        return None
    with np.errstate(all="ignore"):
        return _prove(form, values, actions, scale, wanted, shared)


def _prove(
    form: StagedForm,
    values: Array,
    actions: Sequence[int],
    scale: Array,
    wanted: float,
    shared: tuple[Array, Array] | None,
) -> Proof | None:
    try:
        case = _Case(form, values, actions, shared)
        gain = np.zeros(form.num_players)
        for player in case.deciders:
            most = wanted * scale[player]
            bound = case.bound(player, case.given, GOAL * scale[player], most, exact=False)
            if not bound <= most:
                return None
            gain[player] = max(bound, 0.0)
        within, alone = (None, None) if shared is not None else case.existence()
    except NotApplicable:
        return None
    return Proof(gain, within, alone, case.boxes)


class _Case:
    """Actions of one game, and what is known of them."""

    def __init__(
        self,
        form: StagedForm,
        values: Array,
        actions: Sequence[int],
        shared: tuple[Array, Array] | None = None,
    ) -> None:
        self.form = form
        self.shared = shared
        self.boxes = 0
        block = form.blocks[0]
        row = form.root
        own = {move.name for move in block.intervals}
        self.fixed = {
            name: parameter(float(row[0, k]))
            for k, name in enumerate(form.plan.names)
            if name not in own
        }
        for move, action in zip(block.finite, actions, strict=True):
            self.fixed[move.name] = point(float(action))[:, None]
        self.low = np.array([float(move.low.read(row)[0]) for move in block.intervals])
        self.high = np.array([float(move.high.read(row)[0]) for move in block.intervals])
        self.width = self.high - self.low
        self.moves: list[IntervalMove] = list(block.intervals)
        self.values = np.asarray(values, dtype=float)
        if not ((self.values >= self.low) & (self.values <= self.high)).all():
            raise NotApplicable("an action outside its interval")
        self.given = np.stack([self.values, self.values])
        self.deciders = sorted({m.player for m, w in zip(self.moves, self.width, strict=True) if w})

    def owned(self, player: int) -> list[int]:
        """Return the positions of a player's decisions that are not fixed."""
        return [k for k, m in enumerate(self.moves) if m.player == player and self.width[k] > 0]

    def payoff(self, player: int, boxes: Array, over: Sequence[int], degree: int) -> Jet:
        """Return the jet of a player's payoff over boxes (2, n, decisions), derivatives with
        respect to the decisions ``over``."""
        inputs = dict(self.fixed)
        for k, move in enumerate(self.moves):
            inputs[move.name] = boxes[:, :, k]
        names = [self.moves[k].name for k in over]
        (found,) = jets([self.form.payoffs[player]], inputs, names, degree)
        self.boxes += boxes.shape[1]
        return found

    # -- deviations ------------------------------------------------------------------------------

    def bound(self, player: int, at: Array, goal: float, most: float, exact: bool) -> float:
        """Return an upper bound of a player's gain from deviating from ``at`` (2, decisions).

        It is within ``goal`` of the truth, or above ``most``, or as good as the limit allows.
        ``exact``: ``at`` holds an equilibrium, at which no slope leads upward; then what the
        bound says of boxes that concavity settles is 0.
        """
        own = self.owned(player)
        now = self.payoff(player, at[:, None, :], own, 1)
        slope = now.slopes(len(own))[:, 0]
        least, highest = (float(end) for end in now.value[:, 0])
        if not exact:
            goal = max(goal, ROUNDING * abs(least))
        reached = 0.0
        room = np.stack([self.low[own], self.high[own]])
        open_boxes = room[:, None, :]
        settled = -np.inf
        for _ in range(ROUNDS):
            above, sure = self._above(player, at, own, open_boxes, least, slope, exact)
            reached = max(reached, sure - highest)
            if reached > most:
                return np.inf
            live = ~(above <= reached + goal)
            if (~live).any():
                settled = max(settled, float(above[~live].max()))
            if not live.any():
                return settled
            open_boxes, above = open_boxes[:, live], above[live]
            if self.boxes > limits.MAX_BOXES:
                break
            open_boxes = _halved(open_boxes, self.width[own])
        return max(settled, float(above.max()))

    def _above(
        self,
        player: int,
        at: Array,
        own: list[int],
        boxes: Array,
        least: float,
        slope: Array,
        exact: bool,
    ) -> tuple[Array, float]:
        """Return upper bounds (n,) of the payoff over boxes (2, n, own) above ``least``, and a
        payoff that is surely reached somewhere."""
        n, d = boxes.shape[1], len(own)
        full = np.repeat(at[:, None, :], n, axis=1)
        full[:, :, own] = boxes
        found = self.payoff(player, full, own, 2)
        best = found.value[1]
        center = np.clip(boxes.mean(axis=0), boxes[0], boxes[1])
        middle = full.copy()
        middle[:, :, own] = center
        here = self.payoff(player, middle, own, 1)
        away = plus(boxes, -center)
        # Mean value and Taylor forms about the center.
        rise = _total(product(found.slopes(d), away))
        best = np.fmin(best, plus(here.value, rise)[1])
        bend = found.bends(d)
        twice = _total(_total(product(bend, _squares(away))))
        rise = _total(product(here.slopes(d), away))
        best = np.fmin(best, plus(here.value, plus(rise, product(point(0.5)[:, None], twice)))[1])
        best = np.nextafter(best - least, np.inf)
        # From the given action, along which the payoff is concave all the way.
        hull = full.copy()
        hull[0][:, own] = np.minimum(boxes[0], at[0, own])
        hull[1][:, own] = np.maximum(boxes[1], at[1, own])
        concave = _concave(self.payoff(player, hull, own, 2).bends(d))
        reach = plus(boxes, -at[::-1, None, own])
        rise = _total(product(np.repeat(slope[:, None, :], n, axis=1), reach))
        along = np.zeros(n) if exact else np.maximum(rise[1], 0.0)
        sure = np.where(np.isfinite(here.value[0]), here.value[0], -np.inf)
        best = np.where(concave, np.fmin(best, along), best)
        if self.shared is not None:
            matrix, most = self.shared
            least_used = _total(product(point(matrix)[:, None], full[:, :, None, :]))[0]
            best = np.where((least_used > most).any(axis=1), -np.inf, best)
            sure = np.where((middle[0] @ matrix.T <= most).all(axis=1), sure, -np.inf)
        return best, float(sure.max())

    # -- existence -------------------------------------------------------------------------------

    def existence(self) -> tuple[float | None, float | None]:
        """Return radii (as shares of the intervals) within which an exact equilibrium exists, and
        within which it is the only critical point; None where it is not proved."""
        inside = (self.values > self.low) & (self.values < self.high)
        free = [k for k in range(len(self.moves)) if inside[k] and self.width[k] > 0]
        held = [k for k in range(len(self.moves)) if not inside[k] and self.width[k] > 0]
        matrix = self._jacobian(self.given, free)[1].mean(axis=0) if free else np.eye(0)
        if not np.isfinite(matrix).all() or (free and np.linalg.cond(matrix) > 1e13):
            return None, None
        inverse = np.linalg.inv(matrix) if free else matrix
        first, last = None, None
        root = self.given
        for size in SIZES:
            box = self.given.copy()
            box[0, free] = self.values[free] - size * self.width[free]
            box[1, free] = self.values[free] + size * self.width[free]
            if (box[0, free] <= self.low[free]).any() or (box[1, free] >= self.high[free]).any():
                break
            image = self._krawczyk(box, free, inverse)
            proved = bool(((image[0] > box[0, free]) & (image[1] < box[1, free])).all())
            if proved and self._leaning(box, held):
                if first is None:
                    first = size
                    root = box.copy()
                    root[0, free] = np.maximum(image[0], box[0, free])
                    root[1, free] = np.minimum(image[1], box[1, free])
                last = size
            elif first is not None:
                break
        if first is None:
            return None, None
        for player in self.deciders:
            if not self.bound(player, root, 0.0, 0.0, exact=True) <= 0.0:
                return None, last
        return first, last

    def _jacobian(self, box: Array, free: list[int]) -> tuple[Array, Array]:
        """Return the first-order conditions' ranges (2, free) over a box (2, decisions), and those
        of their derivatives (2, free, free)."""
        slopes = np.zeros((2, len(free)))
        rows = np.zeros((2, len(free), len(free)))
        for player in sorted({self.moves[k].player for k in free}):
            found = self.payoff(player, box[:, None, :], free, 2)
            for a, k in enumerate(free):
                if self.moves[k].player == player:
                    slopes[:, a] = found.slopes(len(free))[:, 0, a]
                    rows[:, a] = found.bends(len(free))[:, 0, a]
        return slopes, rows

    def _krawczyk(self, box: Array, free: list[int], inverse: Array) -> Array:
        """Return Krawczyk's image (2, free) of a box."""
        if not free:
            return np.zeros((2, 0))
        slopes, _ = self._jacobian(self.given, free)
        _, rows = self._jacobian(box, free)
        both = np.stack([inverse, inverse])
        step = _matrix(both, slopes[:, :, None])[:, :, 0]
        rest = plus(np.eye(len(free)), -_matrix(both, rows)[::-1])
        away = plus(box[:, free], -self.values[free])
        spread = _matrix(rest, away[:, :, None])[:, :, 0]
        return widened(self.values[free] - step[::-1] + spread, 2)

    def _leaning(self, box: Array, held: list[int]) -> bool:
        """Return whether every action at an end of its interval is strictly kept there."""
        for k in held:
            player = self.moves[k].player
            slope = self.payoff(player, box[:, None, :], [k], 1).slopes(1)[:, 0, 0]
            if not (slope[1] < 0 if self.values[k] <= self.low[k] else slope[0] > 0):
                return False
        return True


def _total(parts: Array) -> Array:
    """Return sums over the last axis, outward."""
    total = parts[..., 0]
    for k in range(1, parts.shape[-1]):
        total = plus(total, parts[..., k])
    return total


def _squares(away: Array) -> Array:
    """Return the products (2, n, d, d) of a box's distances from its center."""
    found = product(away[..., :, None], away[..., None, :])
    d = range(away.shape[-1])
    found[0][:, d, d] = np.maximum(found[0][:, d, d], 0.0)
    return found


def _concave(bends: Array) -> NDArray[np.bool_]:
    """Return where every matrix of a range (2, n, d, d) is negative semidefinite (Gershgorin)."""
    size = np.maximum(np.abs(bends[0]), np.abs(bends[1]))
    d = range(bends.shape[-1])
    size[:, d, d] = 0.0
    # Sums are rounded: a little is taken off what must not be exceeded.
    sums = size.sum(axis=-1) * (1 + 1e-12)
    found: NDArray[np.bool_] = (bends[1][:, d, d] + sums <= 0).all(axis=-1)
    return found


def _matrix(a: Array, b: Array) -> Array:
    """Return the product of matrices of intervals, (2, i, j) by (2, j, k)."""
    total = product(a[:, :, 0, None], b[:, None, 0, :])
    for j in range(1, a.shape[2]):
        total = plus(total, product(a[:, :, j, None], b[:, None, j, :]))
    return total


def _halved(boxes: Array, width: Array) -> Array:
    """Return boxes (2, n, d), each cut in two across its widest side."""
    n = boxes.shape[1]
    side = np.argmax((boxes[1] - boxes[0]) / width, axis=1)
    line = np.arange(n)
    cut = boxes[:, line, side].mean(axis=0)
    left, right = boxes.copy(), boxes.copy()
    left[1, line, side] = cut
    right[0, line, side] = cut
    return np.concatenate([left, right], axis=1)
