"""Subgame-perfect equilibria of staged games by backward induction over continuous nodes.

At every node the block's stage game is solved with all later blocks re-solved behind each
candidate, so a candidate's payoffs are those of the subgame that follows it. Interval
decisions: scan of the whole interval, zoom, then Newton on the first-order conditions;
corners, kinks and cliffs included. Finite decisions beside them: every pure profile, and
mixtures of one player, or of two players, over two actions. Purely finite blocks: all
pure equilibria, and all extreme ones where two players move.

The search over intervals is a search, not a proof: it is refined where the scan shows a
local maximum, and started from several points; an equilibrium that no start reaches is missed.
What is found is certified by the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..forms.staged import Block, StagedForm
from ..solution import Findings, Finds
from .registry import method

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Play", "Solver", "StagedProfile", "staged"]

POINTS = 48
"""Scan of one interval in the last block."""
GRID = 40
"""Scan of one interval in earlier blocks, where every point is a subgame to solve."""
STEP = 1e-2
"""Step of differences in earlier blocks, as a share of the interval: payoffs there carry the
rounding of the subgames behind them, which a smaller step would magnify."""
EQUAL = 1e-9
"""Payoffs of one stage game closer than this share of its payoff range count as equal."""
SELECTIONS = 64
"""Combinations of continuation equilibria that are tried at a finite block."""


@dataclass(frozen=True, eq=False)
class Play:
    """What happens in a subgame.

    ``row`` (1, size) is the history; ``values`` the block's interval actions in order;
    ``mixed`` the probabilities of each finite move's actions; ``branches`` the realized
    finite profiles with their probability and what follows (None after the last block).
    """

    block: int
    row: Array
    values: Array
    mixed: tuple[tuple[float, ...], ...]
    payoffs: Array
    branches: tuple[tuple[float, tuple[int, ...], Play | None], ...]

    def key(self) -> tuple[float, ...]:
        """Return numbers by which plays are ordered and compared."""
        own = (*self.values, *(p for mix in self.mixed for p in mix))
        later = (x for _, _, play in self.branches if play is not None for x in play.key())
        return (*own, *later)


@dataclass(frozen=True, eq=False)
class StagedProfile:
    """A strategy profile: its path of play, and a rule that answers every other history."""

    form: StagedForm
    play: Play
    rule: str
    """How a continuation was chosen where a subgame has several equilibria."""
    solver: Solver = field(repr=False)

    def continuation(self, block: int, rows: Array) -> Array:
        """Return the payoffs (n, players) of the subgames at ``block`` behind each row; NaN
        where no equilibrium was found. ``rows`` are not changed."""
        return self.solver.value(block, rows.copy())

    def answer(self, block: int, row: Array) -> Play | None:
        """Return what the profile prescribes at one history (1, size), None if nothing."""
        plays = self.solver.equilibria(block, row.copy())
        return self.solver.choose(plays) if plays else None

    def last_rows(self, rows: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return rows with the last block's interval moves as prescribed, and which are known."""
        return self.solver.last_rows(rows)

    @property
    def several(self) -> bool:
        """True if some subgame met on the way had several equilibria."""
        return self.solver.several


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


def _starts(dimensions: int) -> Array:
    """Return scaled starting points: center, corners (few dimensions), spread points."""
    rows = [np.full(dimensions, 0.5)]
    if dimensions <= 3:
        rows += [np.array(corner) for corner in product((0.02, 0.98), repeat=dimensions)]
    else:
        rows += [np.full(dimensions, 0.02), np.full(dimensions, 0.98)]
    rows += list(_halton(4, dimensions))
    return np.ascontiguousarray(np.stack(rows))


class Solver:
    """Solves the subgames of one staged form.

    Parameters
    ----------
    form
        The game.
    rule
        0: of several equilibria of a subgame take the first in order of actions (lowest);
        -1: the last (highest).
    thorough
        Follow every start at every last-block node, so that all equilibria met are ranked
        by ``rule``; else follow one branch from node to node.
    """

    def __init__(self, form: StagedForm, rule: int = 0, thorough: bool = False) -> None:
        self.form = form
        self.rule = rule
        self.thorough = thorough
        self.several = False
        self.unsolved = 0
        self.truncated = False
        self.pure_only = False
        self.last = len(form.blocks) - 1
        block = form.blocks[-1]
        self._slots = np.array([move.slot for move in block.intervals], dtype=np.int64)
        self._owners = np.array([move.player for move in block.intervals], dtype=np.int64)
        self._starts = _starts(len(block.intervals))

    # -- rows ------------------------------------------------------------------------------------

    def _bounds(self, block: int, rows: Array) -> tuple[Array, Array]:
        moves = self.form.blocks[block].intervals
        lo = np.stack([move.low.read(rows) for move in moves], axis=1)
        hi = np.stack([move.high.read(rows) for move in moves], axis=1)
        return np.ascontiguousarray(lo), np.ascontiguousarray(hi)

    def _placed(
        self, block: int, row: Array, actions: Sequence[tuple[int, ...]], values: Array
    ) -> Array:
        """Return rows with a block's moves in place and its level filled."""
        moves = self.form.blocks[block]
        rows = np.repeat(row, len(values), axis=0)
        if moves.finite:
            rows[:, [move.slot for move in moves.finite]] = np.asarray(actions, dtype=float)
        if moves.intervals:
            rows[:, [move.slot for move in moves.intervals]] = values
        self.form.advance(rows, block)
        return rows

    def last_rows(self, rows: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return rows with the last block's interval moves placed, and which were solved."""
        rows = rows.copy()
        plays, _, counts = self._last(rows, 1 if not self.thorough else 8)
        block = self.form.blocks[-1]
        for n in range(len(rows)):
            if counts[n]:
                pick = 0 if self.rule == 0 else counts[n] - 1
                rows[n, [m.slot for m in block.intervals]] = plays[n, pick]
        return rows, counts > 0

    def _last(self, rows: Array, room: int) -> tuple[Array, Array, NDArray[np.int64]]:
        """Solve the last block's interval decisions at every row (finite moves are in place)."""
        from ..kernels.staged import solve_rows

        n, m = rows.shape[0], self._slots.size
        plays = np.full((n, room, m), np.nan)
        payoffs = np.full((n, room, self.form.num_players), np.nan)
        counts = np.zeros(n, dtype=np.int64)
        if m:
            lo, hi = self._bounds(self.last, rows)
        else:
            lo = hi = np.zeros((n, 0))
        program = self.form.program
        starts = self._starts if self.rule == 0 else self._starts[::-1].copy()
        solve_rows(
            program.objective,
            program.finish,
            rows,
            self._slots,
            self._owners,
            lo,
            hi,
            starts,
            POINTS,
            plays,
            payoffs,
            counts,
        )
        if room > 1:
            for r in np.flatnonzero(counts > 1):
                self.several = True
                c = counts[r]
                rank = np.lexsort(plays[r, :c].T[::-1])
                plays[r, :c], payoffs[r, :c] = plays[r, rank], payoffs[r, rank]
        return plays, payoffs, counts

    # -- values ----------------------------------------------------------------------------------

    def value(self, block: int, rows: Array) -> Array:
        """Return the payoffs (n, players) of the subgames at ``block``; NaN where unsolved.

        ``rows`` hold the history with its levels filled; they may be changed.
        """
        if block > self.last:
            return self.form.finish(rows)
        moves = self.form.blocks[block]
        if moves.chance is not None:
            total = np.zeros((len(rows), self.form.num_players))
            for outcome, ref in enumerate(moves.chance.conditions):
                weight = ref.read(rows)
                branch = rows.copy()
                branch[:, moves.chance.slot] = outcome
                self.form.advance(branch, block)
                total += np.where(
                    (weight > 0)[:, None], weight[:, None] * self.value(block + 1, branch), 0.0
                )
            return total
        if block == self.last and moves.intervals and not moves.finite:
            room = 8 if self.thorough else 1
            _, payoffs, counts = self._last(rows, room)
            pick = np.zeros(len(rows), int) if self.rule == 0 else np.maximum(counts - 1, 0)
            self.unsolved += int((counts == 0).sum())
            return payoffs[np.arange(len(rows)), pick]
        found = np.full((len(rows), self.form.num_players), np.nan)
        for n in range(len(rows)):
            plays = self.equilibria(block, rows[n : n + 1].copy())
            if plays:
                found[n] = self.choose(plays).payoffs
            else:
                self.unsolved += 1
        return found

    def choose(self, plays: Sequence[Play]) -> Play:
        """Return the play that the rule takes."""
        if len(plays) > 1:
            self.several = True
        return sorted(plays, key=Play.key)[self.rule]

    # -- stage games -----------------------------------------------------------------------------

    def equilibria(self, block: int, row: Array, full: bool = False) -> list[Play]:
        """Return the equilibria found of the subgame at one history.

        ``full`` enumerates selections of continuation equilibria behind finite blocks; else
        the rule selects them.
        """
        moves = self.form.blocks[block]
        if moves.chance is not None:
            return self._chance(block, row, full)
        available = [move.actions(row)[0] for move in moves.finite]
        if any(not actions for actions in available):
            return []
        profiles = list(product(*available))
        if not moves.intervals:
            return self._finite(block, row, profiles, full)
        return _Stage(self, block, row, profiles).equilibria(full)

    def follow(self, block: int, row: Array, full: bool) -> list[Play | None]:
        """Return what may follow in the next block: plays, or [None] after the last."""
        if block == self.last:
            return [None]
        plays = self.equilibria(block + 1, row, full)
        if not full and len(plays) > 1:
            return [self.choose(plays)]
        return list(plays)

    def _chance(self, block: int, row: Array, full: bool) -> list[Play]:
        chance = self.form.blocks[block].chance
        assert chance is not None
        weights = [float(ref.read(row)[0]) for ref in chance.conditions]
        options: list[list[Play | None]] = []
        live = [k for k, weight in enumerate(weights) if weight > 0]
        for outcome in live:
            branch = row.copy()
            branch[:, chance.slot] = outcome
            self.form.advance(branch, block)
            options.append(self.follow(block, branch, full))
        plays = []
        for chosen in self._combinations(options):
            payoffs = sum(
                weights[k] * play.payoffs
                for k, play in zip(live, chosen, strict=True)
                if play is not None
            )
            branches = tuple((weights[k], (k,), play) for k, play in zip(live, chosen, strict=True))
            plays.append(
                Play(block, row, np.empty(0), (tuple(weights),), np.asarray(payoffs), branches)
            )
        return plays

    def _combinations(self, options: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
        for count, chosen in enumerate(product(*options)):
            if count == SELECTIONS:
                self.truncated = True
                return
            yield chosen

    def _finite(
        self, block: int, row: Array, profiles: list[tuple[int, ...]], full: bool
    ) -> list[Play]:
        rows = self._placed(block, row, profiles, np.empty((len(profiles), 0)))
        if block == self.last:
            options: list[list[Play | None]] = [[None] for _ in profiles]
            table = self.form.finish(rows)
        else:
            options = [self.follow(block, rows[k : k + 1], full) for k in range(len(profiles))]
            table = np.empty((0, 0))
        if not all(options):
            self.unsolved += 1
            return []
        plays: list[Play] = []
        for chosen in self._combinations(options):
            payoffs = (
                table
                if block == self.last
                else np.stack([play.payoffs for play in chosen if play is not None])
            )
            for weights, mixed in self._table_equilibria(block, profiles, payoffs):
                live = np.flatnonzero(weights > 0)
                branches = tuple((float(weights[k]), profiles[k], chosen[k]) for k in live)
                expected = weights @ payoffs
                plays.append(Play(block, row, np.empty(0), mixed, expected, branches))
        return _distinct(plays)

    def _table_equilibria(
        self, block: int, profiles: list[tuple[int, ...]], payoffs: Array
    ) -> Iterator[tuple[Array, tuple[tuple[float, ...], ...]]]:
        """Yield (weights over profiles, probabilities of each finite move) of a finite block."""
        moves = self.form.blocks[block].finite
        available = [sorted({p[k] for p in profiles}) for k in range(len(moves))]
        players = sorted({move.player for move in moves})
        own = {i: [k for k, move in enumerate(moves) if move.player == i] for i in players}
        joint = {i: list(product(*(available[k] for k in own[i]))) for i in players}
        active = [i for i in players if len(joint[i]) > 1]
        index = {profile: n for n, profile in enumerate(profiles)}

        def profile_of(choice: dict[int, tuple[int, ...]]) -> int:
            actions = [0] * len(moves)
            for i, picked in choice.items():
                for k, action in zip(own[i], picked, strict=True):
                    actions[k] = action
            return index[tuple(actions)]

        shape = tuple(len(joint[i]) for i in active)
        fixed = {i: joint[i][0] for i in players if i not in active}
        cells = np.empty((len(active), *shape))
        where = np.empty(shape, int)
        for cell in np.ndindex(*shape):
            choice = fixed | {i: joint[i][c] for i, c in zip(active, cell, strict=True)}
            where[cell] = profile_of(choice)
            for a, i in enumerate(active):
                cells[(a, *cell)] = payoffs[where[cell], i]
        for mixture in self._mixtures(cells):
            weights = np.zeros(len(profiles))
            for cell in np.ndindex(*shape):
                probability = 1.0
                for a, c in enumerate(cell):
                    probability *= mixture[a][c]
                weights[where[cell]] += probability
            mixed = []
            for k, move in enumerate(moves):
                shares = [0.0] * len(move.labels)
                for weight, profile in zip(weights, profiles, strict=True):
                    shares[profile[k]] += float(weight)
                mixed.append(tuple(shares))
            yield weights, tuple(mixed)

    def _mixtures(self, cells: Array) -> Iterator[Sequence[Sequence[float]]]:
        """Yield equilibria of a payoff table of the active players."""
        if len(cells) == 0:
            yield ()
            return
        if len(cells) == 1:
            row = cells[0]
            slack = EQUAL * max(float(np.ptp(row)), 1e-300)
            for k in np.flatnonzero(row >= row.max() - slack):
                yield [np.eye(len(row))[k]]
            return
        from ..forms.normal import NormalForm

        form = NormalForm.from_payoffs(cells)
        if len(cells) == 2:
            from .extreme import extreme_enumeration

            for profile in extreme_enumeration(form):
                yield [[float(x) for x in strategy] for strategy in profile.strategies]
            return
        from .pure import pure_enumeration

        self.pure_only = True
        for profile in pure_enumeration(form):
            yield [[float(x) for x in strategy] for strategy in profile.strategies]


def _distinct(plays: list[Play]) -> list[Play]:
    kept: list[Play] = []
    for play in plays:
        key = np.array(play.key())
        size = 1.0 + np.abs(key)
        if not any(
            len(other.key()) == len(key)
            and np.all(np.abs(np.array(other.key()) - key) <= tolerances.SAME * size)
            for other in kept
        ):
            kept.append(play)
    return kept


class _Stage:
    """The stage game of one block with interval decisions, at one history."""

    def __init__(
        self, solver: Solver, block: int, row: Array, profiles: list[tuple[int, ...]]
    ) -> None:
        self.solver, self.block, self.row, self.profiles = solver, block, row, profiles
        self.moves: Block = solver.form.blocks[block]
        lo, hi = solver._bounds(block, row)
        self.lo, self.width = lo[0], hi[0] - lo[0]
        self.m = len(self.lo)
        self.owners = [move.player for move in self.moves.intervals]
        self._grid: dict[int, Array] = {}
        self.last = block == solver.last

    def payoffs(self, which: Sequence[int], u: Array) -> Array:
        """Return payoffs (n, players) of finite profiles ``which`` with scaled actions ``u``."""
        actions = [self.profiles[k] for k in which]
        values = self.lo + self.width * u
        rows = self.solver._placed(self.block, self.row, actions, values)
        return self.solver.value(self.block + 1, rows)

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
        """Return payoffs (GRID + 1, players) of a pure profile over the only interval."""
        if profile not in self._grid:
            missing = [k for k in range(len(self.profiles)) if k not in self._grid]
            u = np.linspace(0, 1, GRID + 1)[:, None]
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
        scan = np.where(np.isnan(scan), -np.inf, scan)
        if not np.isfinite(scan).any():
            return []

        def objective(x: Array) -> Array:
            found = self.mixture(weights, x[:, None])[:, owner]
            return np.where(np.isnan(found), -np.inf, found)

        spread = float(np.ptp(scan[np.isfinite(scan)]))
        padded = np.concatenate([[-np.inf], scan, [-np.inf]])
        peaks = [k for k in range(GRID + 1) if scan[k] >= padded[k] and scan[k] >= padded[k + 2]]
        peaks = [k for k in peaks if scan[k] >= scan.max() - 0.02 * spread]
        peaks = sorted(peaks, key=lambda k: -scan[k])[:4]
        refined = [_refine(objective, k / GRID, scan[k], 1.0 / GRID) for k in sorted(peaks)]
        top = max(value for _, value in refined)
        slack = EQUAL * max(spread, 1e-300)
        kept: list[Array] = []
        for x, value in refined:
            if value >= top - slack and all(abs(x - other[0]) > 1e-7 for other in kept):
                kept.append(np.array([x]))
        return kept

    def _nash(self, weights: dict[int, float]) -> list[Array]:
        """Return the equilibria reached among several interval decisions."""

        def payoffs(u: Array) -> Array:
            return self.mixture(weights, u)

        found: list[Array] = []
        free = self.width > 0
        for start in _starts(self.m)[:6]:
            u = _settle(payoffs, np.where(free, start, 0.0), self.owners, free)
            if u is not None and all(np.abs(u - v).max() > tolerances.SAME for v in found):
                found.append(u)
            if len(found) == 0 and start is _starts(self.m)[3]:
                break
        return found

    # -- finite decisions beside them --------------------------------------------------------------

    def equilibria(self, full: bool) -> list[Play]:
        """Return the equilibria of the stage game with their continuations."""
        plays: list[Play] = []
        answers: dict[int, list[Array]] = {}
        for k in range(len(self.profiles)):
            answers[k] = self.replies({k: 1.0})
            for u in answers[k]:
                if self._finite_gain({k: 1.0}, u) <= 0:
                    plays += self._plays({k: 1.0}, u, full)
        if len(self.profiles) > 1:
            for weights, u in [*self._one_mixes(answers), *self._two_mix()]:
                plays += self._plays(weights, u, full)
        return _distinct(plays)

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
                top = max(found)
                size = max(abs(top - now[player]), max(found) - min(found), abs(now[player]))
                worst = max(worst, top - now[player] - EQUAL * size)
        return worst

    def _own_best(self, weights: dict[int, float], u: Array, player: int) -> float:
        """Return a player's best payoff over their own intervals, others' actions fixed."""
        best = -np.inf
        u = u.copy()
        for _ in range(3):
            for j in [j for j, owner in enumerate(self.owners) if owner == player]:

                def objective(x: Array, j: int = j) -> Array:
                    trial = np.repeat(u[None], len(x), axis=0)
                    trial[:, j] = x
                    found = self.mixture(weights, trial)[:, player]
                    return np.where(np.isnan(found), -np.inf, found)

                xs = np.linspace(0, 1, GRID + 1)
                scan = objective(xs)
                k = int(np.argmax(scan))
                u[j], value = _refine(objective, xs[k], scan[k], 1.0 / GRID)
                best = max(best, value)
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
            root = _bisect(at, p, q)
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
        size = max(abs(v) for v in values.values()) + float(np.ptp(list(values.values())))
        top = max(values.values())
        return all(values[a] >= top - 1e-7 * size for a in played)

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
        for _ in range(30):
            here = gaps(*point)
            if here is None:
                return
            value, u = here
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
            self._finite_gain({k: w for k, w in mix.items() if w > 0}, u) <= 1e-7
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
        return np.array(found), np.array([k / GRID])

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


def _refine(
    objective: Callable[[Array], Array], x: float, value: float, width: float
) -> tuple[float, float]:
    """Return a maximizer near x (within ``width``), located to rounding, and its value."""
    for round_ in range(40):
        points = np.clip(x + width * np.linspace(-1, 1, 17), 0.0, 1.0)
        found = objective(points)
        k = int(np.argmax(found))
        if found[k] > value:
            x, value = float(points[k]), float(found[k])
        width /= 7.0
        if round_ == 1 or round_ == 3:
            polished = _polish(objective, x, value)
            if polished is not None:
                return polished
        if width < 1e-12:
            break
    return x, value


def _polish(
    objective: Callable[[Array], Array], x: float, value: float
) -> tuple[float, float] | None:
    """Return the stationary point next to x by Newton, if the objective is smooth there."""
    start = x
    for _ in range(8):
        room = min(x, 1 - x)
        h = min(STEP, room / 2)
        if h < 1e-5:
            return None
        f = objective(x + h * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
        if not np.isfinite(f).all():
            return None
        slope = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * h)
        bend = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h * h)
        rough = (f[1] - 2 * f[2] + f[3]) / (h * h)
        if not bend < 0 or abs(rough - bend) > 0.2 * abs(bend):
            return None
        step = -slope / bend
        if abs(step) > 2 * STEP:
            return None
        x = min(max(x + step, 0.0), 1.0)
        if abs(step) < 1e-11:
            break
    else:
        return None
    final = float(objective(np.array([x]))[0])
    if abs(x - start) > 0.05 or final < value - 1e-12 * max(abs(value), abs(final)):
        return None
    return x, final


def _bisect(
    at: Callable[[float], tuple[float, Array] | None], p: float, q: float
) -> tuple[float, Array] | None:
    """Return the probability at which a gap vanishes, with the replies there; None at a jump."""
    left, right = at(p), at(q)
    if left is None or right is None or left[0] * right[0] > 0:
        return None
    a, b = left[0], right[0]
    for k in range(60):
        # Illinois steps converge fast where the gap is smooth; bisection guards the rest.
        middle = (p * b - q * a) / (b - a) if k % 3 != 2 and a != b else 0.5 * (p + q)
        if not p < middle < q:
            middle = 0.5 * (p + q)
        here = at(middle)
        if here is None:
            return None
        gap = here[0]
        if gap == 0 or q - p < 1e-13 or abs(gap) < 1e-13 * max(abs(left[0]), abs(right[0])):
            return middle, here[1]
        if gap * a > 0:
            p, a = middle, gap
        else:
            q, b = middle, gap
    gap = abs(here[0])
    return (middle, here[1]) if gap < 1e-7 * max(abs(left[0]), abs(right[0])) else None


def _settle(
    payoffs: Callable[[Array], Array], u: Array, owners: Sequence[int], free: NDArray[np.bool_]
) -> Array | None:
    """Return an equilibrium among interval decisions, from a start; None if none is reached."""
    m = len(u)
    for _ in range(10):
        found = _newton(payoffs, u.copy(), owners, free)
        base = u if found is None else found
        u = base.copy()
        points = np.linspace(0, 1, GRID + 1)
        trial = np.repeat(u[None], 1 + m * len(points), axis=0)
        for j in range(m):
            trial[1 + j * len(points) : 1 + (j + 1) * len(points), j] = points
        table = payoffs(trial)
        moved = 0.0
        for j in range(m):
            if not free[j]:
                continue
            scan = table[1 + j * len(points) : 1 + (j + 1) * len(points), owners[j]]
            scan = np.where(np.isnan(scan), -np.inf, scan)
            now = table[0, owners[j]]
            k = int(np.argmax(scan))
            spread = float(np.ptp(scan[np.isfinite(scan)])) if np.isfinite(scan).any() else 0.0
            better = not now >= scan[k] - EQUAL * spread
            if found is not None and not better:
                continue

            def objective(x: Array, j: int = j) -> Array:
                line = np.repeat(u[None], len(x), axis=0)
                line[:, j] = x
                value = payoffs(line)[:, owners[j]]
                return np.where(np.isnan(value), -np.inf, value)

            start, value = (points[k], scan[k]) if better else (u[j], now)
            x, _ = _refine(objective, float(start), float(value), 1.0 / GRID)
            moved = max(moved, abs(x - u[j]))
            u[j] = x
        if moved == 0.0 if found is not None else moved < 1e-9:
            return u
    return None


def _newton(
    payoffs: Callable[[Array], Array], u: Array, owners: Sequence[int], free: NDArray[np.bool_]
) -> Array | None:
    """Return a stationary point with concave own payoffs, by Newton with an active set."""
    m = len(u)
    last = np.inf
    for _ in range(25):
        h = np.array([min(STEP, max(min(x, 1 - x) / 2, 0.0)) for x in u])
        inner = h >= 1e-6
        side = np.where(u < 0.5, STEP, -STEP)
        steps = np.where(inner, h, side)
        stencil = [u]
        for j in range(m):
            offsets = (-2, -1, 1, 2) if inner[j] else (1, 2, 3, 4)
            for offset in offsets:
                moved = u.copy()
                moved[j] += offset * steps[j]
                stencil.append(moved)
        for j in range(m):
            for k in range(j + 1, m):
                for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                    moved = u.copy()
                    moved[j] += (a if inner[j] else (a + 1)) * steps[j]
                    moved[k] += (b if inner[k] else (b + 1)) * steps[k]
                    stencil.append(moved)
        table = payoffs(np.stack(stencil))
        if not np.isfinite(table).all():
            return None
        slope, jacobian = np.empty(m), np.empty((m, m))
        for j in range(m):
            f = table[1 + 4 * j : 5 + 4 * j, owners[j]]
            f0, s = table[0, owners[j]], steps[j]
            if inner[j]:
                slope[j] = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * s)
                jacobian[j, j] = (-f[0] + 16 * f[1] - 30 * f0 + 16 * f[2] - f[3]) / (12 * s * s)
            else:
                slope[j] = (-25 * f0 + 48 * f[0] - 36 * f[1] + 16 * f[2] - 3 * f[3]) / (12 * s)
                jacobian[j, j] = (f0 - 2 * f[0] + f[1]) / (s * s)
        n = 1 + 4 * m
        for j in range(m):
            for k in range(j + 1, m):
                f4 = table[n : n + 4]
                n += 4
                area = 4 * steps[j] * steps[k]
                cross = (f4[0] - f4[1] - f4[2] + f4[3]) / area
                jacobian[j, k], jacobian[k, j] = cross[owners[j]], cross[owners[k]]
        active = ((u <= 0) & (slope <= 0)) | ((u >= 1) & (slope >= 0)) | ~free
        live = np.flatnonzero(~active)
        if len(live) == 0:
            return u
        if (np.diag(jacobian)[live] >= 0).any():
            return None
        try:
            step = np.linalg.solve(jacobian[np.ix_(live, live)], -slope[live])
        except np.linalg.LinAlgError:
            return None
        before = u.copy()
        u[live] = np.clip(u[live] + np.clip(step, -0.25, 0.25), 0.0, 1.0)
        size = float(np.abs(u - before).max())
        if size < 1e-12 or (size < 1e-8 and size >= 0.5 * last):
            return u
        last = size
    return None


@method(
    "staged",
    form=StagedForm,
    finds=Finds.SOME,
    domain="staged games with interval decisions",
    source="Backward induction (Selten 1965) over stage games: scan, zoom and Newton",
    rank=10,
)
def staged(
    form: StagedForm, *, limit: int | None = None
) -> Generator[StagedProfile, None, Findings]:
    """Yield the subgame-perfect equilibria found of a staged game.

    Parameters
    ----------
    form
        The game.
    limit
        Most equilibria to yield; :data:`highfence.limits.MAX_EQUILIBRIA` if None.

    Yields
    ------
    StagedProfile
        In order of actions.

    Notes
    -----
    Not promised: that all equilibria are found. Several continuation equilibria of a
    subgame are told apart by a rule (lowest actions, highest actions) that holds at every
    node; both rules are solved. Mixing over intervals, and by more than two players over
    finite actions beside intervals, is not searched.
    """
    most = limits.MAX_EQUILIBRIA if limit is None else limit
    notes: list[str] = [
        "interval decisions were searched by scan, zoom and Newton from several starts: "
        "certified, but not proved to be all"
    ]
    solver = Solver(form)
    plays = solver.equilibria(0, form.root.copy(), full=True)
    profiles = [(play, solver, "the only continuation found at every node") for play in plays]
    if _multiple(form, solver, plays):
        profiles = []
        for rule, name in ((0, "lowest"), (-1, "highest")):
            solver = Solver(form, rule, thorough=True)
            text = f"where a subgame has several equilibria, the one with the {name} actions"
            for play in solver.equilibria(0, form.root.copy(), full=True):
                if not any(_close(play, other) for other, _, _ in profiles):
                    profiles.append((play, solver, text))
        notes.append(
            "some subgames have several equilibria; continuations follow one rule at all nodes "
            "(lowest, or highest actions), and both rules were solved"
        )
    if solver.pure_only:
        notes.append("at finite blocks where three or more move, only pure actions were searched")
    if solver.truncated:
        notes.append(f"more than {SELECTIONS} selections of continuations: not all were tried")
    if solver.unsolved:
        notes.append(
            f"{solver.unsolved} subgames met in the search had no equilibrium that was found"
        )
    for count, (play, made_by, rule_text) in enumerate(
        sorted(profiles, key=lambda item: item[0].key())
    ):
        if count >= most:
            return Findings(False, (*notes, f"stopped at {most} equilibria"))
        yield StagedProfile(form, play, rule_text, made_by)
    return Findings(not solver.truncated, tuple(notes))


def _close(one: Play, other: Play) -> bool:
    a, b = np.array(one.key()), np.array(other.key())
    return len(a) == len(b) and bool(np.all(np.abs(a - b) <= tolerances.SAME * (1 + np.abs(a))))


def _multiple(form: StagedForm, solver: Solver, plays: Sequence[Play]) -> bool:
    """Return whether last-block nodes on or near the paths have several equilibria."""
    if solver.several and len(form.blocks) > 1:
        return True
    block = form.blocks[-1]
    if not block.intervals or block.finite or len(form.blocks) == 1:
        return False
    rows = [row for play in plays for row in _last_nodes(form, play)]
    if not rows:
        return False
    nearby = []
    for row in rows:
        for moves in form.blocks[:-1]:
            for move in moves.intervals:
                lo, hi = float(move.low.read(row)[0]), float(move.high.read(row)[0])
                for share in (0.0, 0.25, 0.5, 0.75, 1.0):
                    changed = row.copy()
                    changed[0, move.slot] = lo + share * (hi - lo)
                    nearby.append(changed)
    table = np.ascontiguousarray(np.concatenate([*rows, *nearby]))
    for k in range(len(form.blocks) - 1):
        form.advance(table, k)
    _, _, counts = solver._last(table, 4)
    return bool((counts > 1).any())


def _last_nodes(form: StagedForm, play: Play) -> Iterator[Array]:
    """Yield the histories (1, size) at which the last block is played."""
    if play.block == len(form.blocks) - 1:
        yield play.row
    for _, _, later in play.branches:
        if later is not None:
            yield from _last_nodes(form, later)
