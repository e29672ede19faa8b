"""The stage game of one block with interval decisions, at one history of a staged game."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from .. import tolerances
from ..forms.staged import Block
from ._search import EQUAL, GRID, PEAK, Peaks, crossing, known, maxima, maximum, settle
from .plays import Play, distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .staged import Solver

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Line = Callable[[Ints, Array], Array]
    Table = Callable[[Ints, Array], Array]

__all__ = ["StageGame", "side_by_side", "starting_points"]

INDIFFERENT = 1e-7
"""Share of the payoff range within which the actions of a mixture must be equal: the
probability that makes them so is found by a search over re-solved subgames."""
HYSTERESIS = 1e-6
"""Difference, as a share of the payoff range, by which two branches count as parted."""
PATIENCE = 5
"""Newton steps within which the gaps of two who mix must halve."""
STARTS = 4
"""Starts from which an equilibrium among several interval decisions is looked for."""
HISTORIES = 256
"""Histories of one block that are solved side by side: each has some hundred points under way."""


def _halton(count: int, dimensions: int) -> Array:
    """Return the first points of a Halton sequence, shape (count, dimensions)."""
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
    points = np.empty((count, dimensions))
    for d in range(dimensions):
        base = primes[d % len(primes)]
        for n in range(count):
            index, share, value = n + 1, 1.0 / base, 0.0
            while index:
                index, digit = divmod(index, base)
                value += digit * share
                share /= base
            points[n, d] = value
    return points


def starting_points(dimensions: int) -> Array:
    """Return scaled starting points: center, corners (few dimensions), spread points."""
    rows = [np.full(dimensions, 0.5)]
    if dimensions <= 3:
        rows += [np.array(corner) for corner in product((0.0, 1.0), repeat=dimensions)]
    else:
        rows += [np.zeros(dimensions), np.ones(dimensions)]
    rows += list(_halton(4, dimensions))
    return np.ascontiguousarray(np.stack(rows))


class StageGame:
    """The stage game of one block with interval decisions, at one history."""

    def __init__(
        self,
        solver: Solver,
        block: int,
        row: Array,
        profiles: list[tuple[int, ...]],
        quick: bool = False,
    ) -> None:
        # Behind a candidate of an earlier block one answer is enough, and a neighbor's is near.
        self.quick = quick
        self.hint = solver.hints.get(block) if quick else None
        self.solver, self.block, self.row, self.profiles = solver, block, row, profiles
        self.moves: Block = solver.form.blocks[block]
        lo, hi = solver._bounds(block, row)
        self.lo, self.width = lo[0], hi[0] - lo[0]
        self.m = len(self.lo)
        self.owners = [move.player for move in self.moves.intervals]
        self._grid: dict[int, Array] = {}
        count = solver.form.num_players
        self._seen = np.array([np.full(count, np.inf), np.full(count, -np.inf)])
        self.last = block == solver.last
        self.steps = solver.resolution.grid

    def payoffs(self, which: Sequence[int], u: Array) -> Array:
        """Return payoffs (n, players) of finite profiles ``which`` with scaled actions ``u``."""
        actions = [self.profiles[k] for k in which]
        values = self.lo + self.width * u
        rows = self.solver._placed(self.block, self.row, actions, values)
        found = self.solver.value(self.block + 1, rows)
        self._seen[0] = np.fmin(self._seen[0], np.fmin.reduce(found, axis=0))
        self._seen[1] = np.fmax(self._seen[1], np.fmax.reduce(found, axis=0))
        return found

    def scale(self, player: int) -> float:
        """Return the range of the player's payoffs seen at this node so far."""
        low, high = self._seen[:, player]
        return float(high - low) if high > low else max(abs(float(high)), 1e-300)

    def mixture(self, weights: dict[int, float], u: Array) -> Array:
        """Return expected payoffs (n, players) at scaled actions ``u`` (n, m)."""
        live = [k for k, weight in weights.items() if weight > 0]
        which = np.repeat(live, len(u))
        found = self.payoffs(list(which), np.tile(u, (len(live), 1)))
        shares = np.array([weights[k] for k in live])
        table = found.reshape(len(live), len(u), -1)
        return np.tensordot(shares, table, axes=1)

    # -- interval decisions, the finite profile (or mixture) given ---------------------------------

    def replies(self, weights: dict[int, float]) -> list[Array]:
        """Return the equilibria u (m,) found among the interval decisions."""
        if self.last and len(weights) == 1:
            return self._kernel(next(iter(weights)))
        if self.m == 1:
            return self._maxima(weights)
        return self._nash(weights)

    def _kernel(self, profile: int) -> list[Array]:
        row = self.row.copy()
        for move, action in zip(self.moves.finite, self.profiles[profile], strict=True):
            row[0, move.slot] = action
        plays, _, counts = self.solver._last(row, 8)
        width = np.where(self.width > 0, self.width, 1.0)
        return [(plays[0, e] - self.lo) / width for e in range(counts[0])]

    def grid(self, profile: int) -> Array:
        """Return payoffs (steps + 1, players) of a pure profile over the only interval."""
        if profile not in self._grid:
            missing = [k for k in range(len(self.profiles)) if k not in self._grid]
            u = np.linspace(0, 1, self.steps + 1)[:, None]
            which = np.repeat(missing, len(u))
            table = self.payoffs(list(which), np.tile(u, (len(missing), 1)))
            for n, k in enumerate(missing):
                self._grid[k] = table[n * len(u) : (n + 1) * len(u)]
        return self._grid[profile]

    def _maxima(self, weights: dict[int, float]) -> list[Array]:
        """Return all global maximizers found of the only interval decision."""
        owner = self.owners[0]
        if self.width[0] <= 0:
            return [np.zeros(1)]
        scan = np.array(
            sum(w * self.grid(k)[:, owner] for k, w in weights.items() if w > 0), dtype=float
        )

        def objective(which: Ints, x: Array) -> Array:
            found = self.mixture(weights, x.reshape(-1, 1))[:, owner]
            return known(found).reshape(x.shape)

        (peaks,) = maxima(objective, scan[None], self.solver.resolution.edge)
        if peaks.flat:
            self.solver.continuum = True
        elif not self.solver.ruled:
            # Met on another branch than when it is asked for alone: there are several.
            for x, value in peaks.refined:
                alone = float(objective(np.zeros(1, int), np.array([[x]]))[0, 0])
                self.solver.several |= not abs(alone - value) <= HYSTERESIS * peaks.spread
        return [np.array([x]) for x in peaks.best]

    def _nash(self, weights: dict[int, float]) -> list[Array]:
        """Return the equilibria reached among several interval decisions."""

        def payoffs(which: Ints, u: Array) -> Array:
            return self.mixture(weights, u.reshape(-1, self.m)).reshape(*u.shape[:2], -1)

        free = self.width > 0
        starts = list(starting_points(self.m)[:STARTS])
        if self.hint is not None:
            starts.insert(0, self.hint)
        table = np.where(free, np.stack(starts), 0.0)
        found: list[Array] = []
        # All starts side by side, or one by one where the first answer is enough.
        for group in np.split(table, len(table)) if self.quick else [table]:
            u, reached = settle(payoffs, group, self.owners, np.tile(free, (len(group), 1)))
            for x in u[reached]:
                if all(np.abs(x - other).max() > tolerances.SAME for other in found):
                    found.append(x)
            if self.quick and found:
                break
        return found

    # -- finite decisions beside them --------------------------------------------------------------

    def equilibria(self, full: bool) -> list[Play]:
        """Return the equilibria of the stage game with their continuations."""
        plays: list[Play] = []
        answers: dict[int, list[Array]] = {}
        for k in range(len(self.profiles)):
            if self._hopeless(k):
                # Where the stage stands is known well enough to see who would leave.
                best = int(np.nanargmax(self.grid(k)[:, self.owners[0]]))
                answers[k] = [np.array([best / self.steps])]
                continue
            answers[k] = self.replies({k: 1.0})
            for u in answers[k]:
                if self._finite_gain({k: 1.0}, u) <= 0:
                    plays += self._plays({k: 1.0}, u, full)
        if len(self.profiles) > 1:
            for weights, u in [*self._one_mixes(answers), *self._two_mix()]:
                plays += self._plays(weights, u, full)
        elif not plays and self.last and not self.moves.finite:
            plays += self.solver.mixed_plays(self.row)
        return distinct(plays)

    def _hopeless(self, profile: int) -> bool:
        """Return whether the scan shows that a finite action is left wherever the only
        interval decision may answer: somebody gains around the best scanned points."""
        if self.m != 1 or self.last or len(self.profiles) == 1:
            return False
        here = self.grid(profile)
        scan = here[:, self.owners[0]]
        if np.isnan(scan).any():
            return False
        near = np.flatnonzero(scan >= scan.max() - PEAK * float(np.ptp(scan)))
        if len(near) > len(scan) // 2:
            return False
        around = np.unique(np.clip(np.concatenate([near - 1, near, near + 1]), 0, len(scan) - 1))
        for player in sorted({move.player for move in self.moves.finite} - set(self.owners)):
            for actions in self._alternatives(player):
                gain = self.grid(self._swap(profile, player, actions))[around, player]
                gain = gain - here[around, player]
                if (gain > 1e-3 * self.scale(player)).all():
                    return True
        return False

    def _players_moves(self, player: int) -> list[int]:
        return [k for k, move in enumerate(self.moves.finite) if move.player == player]

    def _alternatives(self, player: int) -> list[tuple[int, ...]]:
        own = self._players_moves(player)
        return sorted({tuple(profile[k] for k in own) for profile in self.profiles})

    def _swap(self, profile: int, player: int, actions: tuple[int, ...]) -> int:
        changed = list(self.profiles[profile])
        for k, action in zip(self._players_moves(player), actions, strict=True):
            changed[k] = action
        return self.profiles.index(tuple(changed))

    def _deviated(
        self, weights: dict[int, float], player: int, actions: tuple[int, ...]
    ) -> dict[int, float]:
        swapped: dict[int, float] = {}
        for k, weight in weights.items():
            to = self._swap(k, player, actions)
            swapped[to] = swapped.get(to, 0.0) + weight
        return swapped

    def _finite_gain(self, weights: dict[int, float], u: Array, skip: int = -1) -> float:
        """Return the largest gain of a finite deviation beyond what counts as equal."""
        now = self.mixture(weights, u[None])[0]
        worst = -np.inf
        for player in sorted({move.player for move in self.moves.finite}):
            if player == skip:
                continue
            found = []
            for actions in self._alternatives(player):
                swapped = self._deviated(weights, player, actions)
                if swapped == weights:
                    continue
                value = self.mixture(swapped, u[None])[0, player]
                if player in self.owners:
                    value = max(value, self._own_best(swapped, u, player))
                found.append(float(value))
            if found:
                gain = max(found) - float(now[player])
                worst = max(worst, gain - EQUAL * self.scale(player))
        return worst

    def _own_best(self, weights: dict[int, float], u: Array, player: int) -> float:
        """Return a player's best payoff over their own intervals, others' actions fixed."""
        best = -np.inf
        u = u.copy()
        for _ in range(3):
            for j in [j for j, owner in enumerate(self.owners) if owner == player]:

                def objective(which: Ints, x: Array, j: int = j) -> Array:
                    trial = np.repeat(u[None], x.size, axis=0)
                    trial[:, j] = x.ravel()
                    return known(self.mixture(weights, trial)[:, player]).reshape(x.shape)

                xs = np.linspace(0, 1, GRID + 1)
                scan = objective(np.zeros(1, int), xs[None])[0]
                k = int(np.argmax(scan))
                x, value = maximum(objective, xs[k : k + 1], scan[k : k + 1], 1.0 / GRID)
                u[j] = x[0]
                best = max(best, float(value[0]))
            if self.owners.count(player) == 1:
                break
        return float(best)

    def _gap(self, weights: tuple[dict[int, float], dict[int, float]], u: Array, i: int) -> float:
        """Return player i's payoff under the second mixture less that under the first."""
        a = self.mixture(weights[0], u[None])[0, i]
        b = self.mixture(weights[1], u[None])[0, i]
        return float(b - a)

    def _pairs(self) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
        """Return (player, action, other action) for all who may mix and own no interval."""
        found = []
        for player in sorted({move.player for move in self.moves.finite}):
            if player in self.owners:
                continue
            options = self._alternatives(player)
            found += [(player, a, b) for n, a in enumerate(options) for b in options[n + 1 :]]
        return found

    def _one_mixes(
        self, answers: dict[int, list[Array]]
    ) -> Iterator[tuple[dict[int, float], Array]]:
        """Yield equilibria in which one player mixes two actions and the others do not."""
        for player, first, second in self._pairs():
            others = sorted({self._swap(k, player, first) for k in range(len(self.profiles))})
            for base in others:
                low, high = base, self._swap(base, player, second)
                if self.profiles[low] == self.profiles[high]:
                    continue
                yield from self._mix_between(player, low, high, answers)

    def _mix_between(
        self, player: int, low: int, high: int, answers: dict[int, list[Array]]
    ) -> Iterator[tuple[dict[int, float], Array]]:
        def at(p: float) -> tuple[float, Array] | None:
            weights = (
                {low: 1 - p, high: p} if 0 < p < 1 else ({low: 1.0} if p <= 0 else {high: 1.0})
            )
            replies = self.replies(weights)
            if not replies:
                return None
            u = replies[0]
            return self._gap(({low: 1.0}, {high: 1.0}), u, player), u

        ends = []
        for profile in (low, high):
            if not answers.get(profile):
                return
            ends.append(self._gap(({low: 1.0}, {high: 1.0}), answers[profile][0], player))
        nodes: list[tuple[float, float]] = [(0.0, ends[0])]
        if self.m == 1 and not self.last:
            # The scan of the interval is at hand: interior sign changes cost nothing to see.
            owner = self.owners[0]
            a, b = self.grid(low), self.grid(high)
            for p in np.linspace(0, 1, 9)[1:-1]:
                mixed = (1 - p) * a[:, owner] + p * b[:, owner]
                k = int(np.nanargmax(mixed))
                nodes.append((float(p), float(b[k, player] - a[k, player])))
        nodes.append((1.0, ends[1]))
        for (p, gap), (q, other) in pairwise(nodes):
            if not (gap * other < 0):
                continue
            root = crossing(at, p, q)
            if root is None:
                continue
            probability, u = root
            weights = {low: 1 - probability, high: probability}
            if self._finite_gain(weights, u, skip=player) <= 0 and self._indifferent(
                weights, u, player
            ):
                yield weights, u

    def _indifferent(self, weights: dict[int, float], u: Array, player: int) -> bool:
        """Return whether all actions that a player mixes are best for them."""
        values = {
            actions: self.mixture(self._deviated(weights, player, actions), u[None])[0, player]
            for actions in self._alternatives(player)
        }
        own = self._players_moves(player)
        played = {tuple(self.profiles[k][c] for c in own) for k, w in weights.items() if w > 0}
        top = max(values.values())
        return all(values[a] >= top - INDIFFERENT * self.scale(player) for a in played)

    def _two_mix(self) -> Iterator[tuple[dict[int, float], Array]]:
        """Yield equilibria in which two players mix two actions each."""
        pairs = self._pairs()
        if len({player for player, _, _ in pairs}) < 2:
            return
        for n, (i, a, b) in enumerate(pairs):
            for j, c, d in pairs[n + 1 :]:
                if i != j:
                    bases = {
                        self._swap(self._swap(k, i, a), j, c) for k in range(len(self.profiles))
                    }
                    for base in sorted(bases):
                        yield from self._two_mix_at(base, (i, a, b), (j, c, d))

    def _two_mix_at(
        self,
        base: int,
        one: tuple[int, tuple[int, ...], tuple[int, ...]],
        two: tuple[int, tuple[int, ...], tuple[int, ...]],
    ) -> Iterator[tuple[dict[int, float], Array]]:
        i, a, b = one
        j, c, d = two
        corner = {
            (x, y): self._swap(self._swap(base, i, b if x else a), j, d if y else c)
            for x in (0, 1)
            for y in (0, 1)
        }

        def weights(p: float, q: float) -> dict[int, float]:
            return {
                corner[x, y]: (p if x else 1 - p) * (q if y else 1 - q)
                for x in (0, 1)
                for y in (0, 1)
            }

        def gaps(p: float, q: float) -> tuple[Array, Array] | None:
            mix = weights(p, q)
            replies = self.replies(mix)
            if not replies:
                return None
            u = replies[0]
            found = []
            for player, first, second in (one, two):
                pair = (self._deviated(mix, player, first), self._deviated(mix, player, second))
                found.append(self._gap(pair, u, player))
            return np.array(found), u

        # A root needs both gaps to change sign somewhere: look at a coarse grid first.
        steps = (0.02, 0.26, 0.5, 0.74, 0.98)
        look = self._gaps_on_grid if self.m == 1 and not self.last else None
        table = {
            (p, q): gaps(p, q) if look is None else look(weights(p, q), (one, two))
            for p in steps
            for q in steps
        }
        known = [g[0] for g in table.values() if g is not None]
        if not known:
            return
        signs = np.sign(np.stack(known))
        if np.abs(signs.sum(axis=0)).max() == len(known):
            return
        start = min(
            (key for key, g in table.items() if g is not None),
            key=lambda key: float(np.abs(table[key][0]).max()),  # type: ignore[index]
        )
        point = np.array(start)
        scales = np.array([self.scale(i), self.scale(j)])
        closest: list[float] = []
        for _ in range(30):
            here = gaps(*point)
            if here is None:
                return
            value, u = here
            closest.append(float(np.abs(value / scales).max()))
            if len(closest) > PATIENCE and min(closest[-PATIENCE:]) > 0.5 * min(
                closest[:-PATIENCE]
            ):
                return  # a reply jumps, and the steps go around in circles
            jacobian = np.empty((2, 2))
            for axis in (0, 1):
                moved = point.copy()
                h = 1e-4 if point[axis] < 0.5 else -1e-4
                moved[axis] += h
                there = gaps(*moved)
                if there is None:
                    return
                jacobian[:, axis] = (there[0] - value) / h
            try:
                step = np.linalg.solve(jacobian, -value)
            except np.linalg.LinAlgError:
                return
            new = np.clip(point + np.clip(step, -0.3, 0.3), 0.0, 1.0)
            if np.abs(new - point).max() < 1e-12:
                break
            point = new
        p, q = (float(x) for x in point)
        if not (1e-9 < p < 1 - 1e-9 and 1e-9 < q < 1 - 1e-9):
            return
        final = gaps(p, q)
        if final is None:
            return
        mix, u = weights(p, q), final[1]
        if all(self._indifferent(mix, u, player) for player in (i, j)) and (
            self._finite_gain({k: w for k, w in mix.items() if w > 0}, u) <= INDIFFERENT
        ):
            yield mix, u

    def _gaps_on_grid(
        self,
        mix: dict[int, float],
        pairs: Sequence[tuple[int, tuple[int, ...], tuple[int, ...]]],
    ) -> tuple[Array, Array]:
        """Return the gaps of players at the best scanned point: nothing new is solved."""
        objective = sum(w * self.grid(k)[:, self.owners[0]] for k, w in mix.items())
        k = int(np.nanargmax(objective))
        found = []
        for player, first, second in pairs:
            a = sum(
                w * self.grid(n)[k, player] for n, w in self._deviated(mix, player, first).items()
            )
            b = sum(
                w * self.grid(n)[k, player] for n, w in self._deviated(mix, player, second).items()
            )
            found.append(float(b - a))
        return np.array(found), np.array([k / self.steps])

    # -- answers -----------------------------------------------------------------------------------

    def _plays(self, weights: dict[int, float], u: Array, full: bool) -> Iterator[Play]:
        live = [k for k, weight in weights.items() if weight > 0]
        values = self.lo + self.width * u
        options: list[list[Play | None]] = []
        rows = self.solver._placed(
            self.block,
            self.row,
            [self.profiles[k] for k in live],
            np.repeat(values[None], len(live), axis=0),
        )
        table = np.empty((0, 0))
        if self.last:
            table = self.solver.form.finish(rows)
            options = [[None] for _ in live]
        else:
            # The stage was solved with one continuation behind every candidate, so the
            # rule's is the one that belongs to it.
            options = [
                self.solver.follow(self.block, rows[n : n + 1], False) for n in range(len(live))
            ]
        if not all(options):
            return
        chosen = [found[0] for found in options]
        payoffs = sum(
            weights[k] * (table[n] if play is None else play.payoffs)
            for n, (k, play) in enumerate(zip(live, chosen, strict=True))
        )
        self.solver.hints[self.block] = u
        mixed = []
        for c, move in enumerate(self.moves.finite):
            shares = [0.0] * len(move.labels)
            for k in live:
                shares[self.profiles[k][c]] += weights[k]
            mixed.append(tuple(shares))
        branches = tuple(
            (weights[k], self.profiles[k], play) for k, play in zip(live, chosen, strict=True)
        )
        yield Play(self.block, self.row, values, tuple(mixed), np.asarray(payoffs), branches)


# -- many histories ------------------------------------------------------------------------------


def side_by_side(
    solver: Solver, block: int, rows: Array, reference: Array | None = None
) -> tuple[Array, Bools]:
    """Solve the stage game of a block without finite decisions at many histories.

    Parameters
    ----------
    rows
        (n, size) histories with their levels filled; not changed.
    reference
        (m,) scaled actions from which an equilibrium among several decisions is looked for
        first.

    Returns
    -------
    tuple
        (n, m) actions, the rule's where several were found; (n,) whether any was found.
    """
    # Where a regime leaves one point of an interval, many histories are one.
    first: dict[bytes, int] = {}
    which = np.array([first.setdefault(row.tobytes(), len(first)) for row in rows])
    different = rows[np.unique(which, return_index=True)[1]]
    found, solved = [], []
    for start in range(0, len(different), HISTORIES):
        u, reached = _solve_rows(solver, block, different[start : start + HISTORIES], reference)
        found.append(u)
        solved.append(reached)
    return np.concatenate(found)[which], np.concatenate(solved)[which]


def _solve_rows(
    solver: Solver, block: int, rows: Array, reference: Array | None
) -> tuple[Array, Bools]:
    lo, hi = solver._bounds(block, rows)
    width = hi - lo
    n, m = lo.shape
    owners = [move.player for move in solver.form.blocks[block].intervals]

    def payoffs(which: Ints, u: Array) -> Array:
        values = lo[which, None] + width[which, None] * u
        table = np.repeat(rows[which], u.shape[1], axis=0)
        placed = solver.form.placed(block, table, (), values.reshape(-1, m))
        return solver.value(block + 1, placed).reshape(*u.shape[:2], -1)

    def alone(which: Ints, x: Array) -> Array:
        values = lo[which] + width[which] * x[:, None]
        return solver.alone(block + 1, solver.form.placed(block, rows[which], (), values))

    if m == 1:
        u, reached = _highest(solver, payoffs, alone, width[:, 0] > 0, owners[0])
    else:
        u, reached = np.zeros((n, m)), np.zeros(n, bool)
        starts = list(starting_points(m)[:STARTS])
        if reference is not None:
            starts.insert(0, reference)
        for start in starts:
            left = np.flatnonzero(~reached)
            if not len(left):
                break
            free = width[left] > 0

            def some(which: Ints, x: Array, left: Ints = left) -> Array:
                return payoffs(left[which], x)

            found, there = settle(some, np.where(free, start, 0.0), owners, free)
            u[left], reached[left] = found, there
    return lo + width * u, reached


def _highest(
    solver: Solver, payoffs: Table, alone: Line, free: Bools, owner: int
) -> tuple[Array, Bools]:
    """Return, of every history, the rule's global maximizer of the only decision's objective.

    ``alone``: payoffs at points (k,) that are asked for by themselves.
    """

    def objective(which: Ints, x: Array) -> Array:
        return known(payoffs(which, x[:, :, None])[:, :, owner])

    n = len(free)
    u, reached = np.zeros((n, 1)), ~free
    live = np.flatnonzero(free)
    if not len(live):
        return u, reached

    def line(which: Ints, x: Array) -> Array:
        return objective(live[which], x)

    steps = solver.resolution.grid
    scans = line(np.arange(len(live)), np.tile(np.linspace(0, 1, steps + 1), (len(live), 1)))
    found = maxima(line, scans, solver.resolution.edge)
    _see_branches(solver, alone, owner, live, found)
    for k, peaks in zip(live, found, strict=True):
        best = peaks.best
        solver.continuum |= peaks.flat
        solver.several |= bool(best) and max(best) - min(best) > tolerances.SAME
        if best:
            u[k], reached[k] = best[solver.rule], True
    return u, reached


def _see_branches(
    solver: Solver, alone: Line, owner: int, histories: Ints, found: Sequence[Peaks]
) -> None:
    """Note that a later block has several equilibria where a peak was met on another branch
    than when it is asked for alone."""
    met = [
        (k, x, value, peaks.spread)
        for k, peaks in zip(histories, found, strict=True)
        if not peaks.flat
        for x, value in peaks.refined
    ]
    if not met or solver.ruled:
        return
    which, x, value, spread = (np.array(column) for column in zip(*met, strict=True))
    apart = np.abs(alone(which, x)[:, owner] - value)
    solver.several |= bool((~(apart <= HYSTERESIS * spread)).any())
