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

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from .. import limits
from ..errors import Problem, SpecError
from ..forms.staged import IntervalMove, Prescription, StagedForm
from ..solution import Findings, Finds
from ..spec.formulas import Expr, order
from ._jumps import mix_at_jumps
from ._search import CLOSE, EQUAL, GRID, Resolution, best_edges, known
from ._stage_game import StageGame, side_by_side, starting_points
from ._suprema import approached
from .plays import Play, StagedProfile, close, distinct
from .registry import method

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

__all__ = ["RULES", "Solver", "staged"]

RULES = {
    "all actions low": (0.0, 0.0),
    "all actions high": (1.0, 1.0),
    "the first action low, the others high": (0.0, 1.0),
    "the first action high, the others low": (1.0, 0.0),
}
"""Rules by which one of several equilibria of a last block is taken: from where the first
decision, and the others, start as a share of their intervals. In a game of complements the
first two lead to the lowest and highest equilibrium, in one of substitutes the last two
(Topkis 1979; Milgrom and Roberts 1990)."""

TOGETHER = 64
"""Histories at which mixtures over intervals are looked for side by side."""
POINTS = 24
"""Scan of one interval in the last block; a peak between two points is seen by a parabola."""
TIED = 1e-10
"""Finite actions whose payoffs differ by less than this share of the largest payoff that the
player was seen to get are equally good: so well are the subgames behind them solved."""
SELECTIONS = 64
"""Combinations of continuation equilibria that are tried at a finite block."""

_QUADRATIC: WeakKeyDictionary[Expr, dict[str, bool]] = WeakKeyDictionary()
"""Payoff -> interval decision -> whether it is quadratic in it: formulas are long, and a study
asks for every draw."""


@dataclass(frozen=True)
class Mixtures:
    """Equilibria of the last block at n histories, in which one player mixes two actions."""

    values: Array
    others: Array
    """(n, m): played instead of ``values`` with the probability ``shares`` (n,)."""
    shares: Array
    payoffs: Array
    """(n, players): expected."""
    found: Bools


class _MetJumps(Exception):
    """A last block without a pure equilibrium was met: others are to be looked at closely."""


class Solver:
    """Solves the subgames of one staged form.

    Parameters
    ----------
    form
        The game.
    rule
        0: of several equilibria of a subgame take the first in order of actions (lowest, or
        listed first); -1: the last (highest, or listed last).
    ruled
        A key of :data:`RULES`: among interval decisions of the last block, take what is met
        from that corner; the answer is then a function of the history alone. If empty, follow
        one branch from node to node.
    resolution
        How closely intervals in the blocks before the last are searched.
    careful
        Answers of the last block, too, are functions of the history alone, and are kept only if
        nobody gains at an edge of a jump that no scan shows.
    """

    def __init__(
        self,
        form: StagedForm,
        rule: int = 0,
        ruled: str = "",
        resolution: Resolution = CLOSE,
        careful: bool = False,
    ) -> None:
        self.careful = careful
        self.watchful = False
        self.form = form
        self.rule = rule
        self.ruled = ruled
        self.resolution = resolution
        self.hints: dict[int, Array] = {}
        self.continuum = False
        self.several = False
        self.tied = False
        self.unsolved = 0
        self.mixed = False
        self.truncated = False
        self.pure_only = False
        self._tables: dict[tuple[int, tuple[tuple[int, ...], ...]], tuple[list[int], Ints]] = {}
        # At finite blocks: the largest payoffs met, in absolute value; the best ones that a
        # mover who is indifferent might have brought about, and did not under the rule.
        self.largest = np.zeros(form.num_players)
        self.promised = np.full(form.num_players, -np.inf)
        self.last = len(form.blocks) - 1
        # What a history does not say of the subgame behind it: the actions a regime leaves.
        self._later = [
            (k, tuple(move.allowed for later in form.blocks[k:] for move in later.finite))
            for k in range(len(form.blocks))
        ]
        block = form.blocks[-1]
        self._slots = np.array([move.slot for move in block.intervals], dtype=np.int64)
        self._owners = np.array([move.player for move in block.intervals], dtype=np.int64)
        self._plain = np.array([_is_quadratic(form, m) for m in block.intervals], dtype=np.int64)
        self._starts = starting_points(len(block.intervals))
        if ruled and len(block.intervals):
            lead, others = RULES[ruled]
            first = np.full((1, len(block.intervals)), others)
            first[0, 0] = lead
            self._starts = np.concatenate([first, self._starts])

    # -- rows ------------------------------------------------------------------------------------

    def _bounds(self, block: int, rows: Array) -> tuple[Array, Array]:
        moves = self.form.blocks[block].intervals
        lo = np.stack([move.low.read(rows) for move in moves], axis=1)
        hi = np.stack([move.high.read(rows) for move in moves], axis=1)
        empty = np.argwhere(lo > hi + 1e-12 * (np.abs(lo) + np.abs(hi)))
        if len(empty):
            n, k = (int(x) for x in empty[0])
            raise SpecError(_empty(self.form, block, rows[n], moves[k], lo[n, k], hi[n, k]))
        return np.ascontiguousarray(lo), np.ascontiguousarray(hi)

    def _placed(
        self, block: int, row: Array, actions: Sequence[tuple[int, ...]], values: Array
    ) -> Array:
        """Return one row with different moves of a block, placed in a copy each."""
        return self.form.placed(block, np.repeat(row, len(values), axis=0), actions, values)

    def prescribe(self, block: int, rows: Array, reference: Array | None = None) -> Prescription:
        """Return what is done at a block, behind each of ``rows`` (which are not changed).

        ``reference``: scaled actions of this block from which its equilibrium is looked for
        first, at every history alike, so that the answer is a function of the history.
        """
        moves = self.form.blocks[block]
        n, k = len(rows), len(moves.intervals)
        if not moves.finite and block == self.last:
            taken, _, counts = self._last(rows.copy(), 1, alone=True, reference=reference)
            values, solved = taken[:, 0], counts > 0
            if solved.all():
                return Prescription(values, ((),), np.ones((n, 1)), solved)
            left = np.flatnonzero(~solved)
            mixed = self._mixtures_at(rows[left])
            others, shares = values.copy(), np.zeros(n)
            values[left], others[left] = mixed.values, mixed.others
            shares[left], solved[left] = mixed.shares, mixed.found
            return Prescription(values, ((),), np.ones((n, 1)), solved, others, shares)
        profiles = tuple(product(*(range(len(move.labels)) for move in moves.finite)))
        weights = np.zeros((n, len(profiles)))
        values = np.full((n, k), np.nan)
        if not moves.intervals:
            answers, _ = self._finite_answers(block, rows)
            for r, answer in enumerate(answers):
                if answer is not None:
                    weights[r] = answer
            return Prescription(values, profiles, weights, weights.sum(axis=1) > 0)
        if not moves.finite and moves.chance is None:
            found, solved = side_by_side(self, block, rows, reference)
            values[solved] = found[solved]
            return Prescription(values, ((),), solved[:, None].astype(float), solved)
        for r in range(n):
            plays = self.equilibria(block, rows[r : r + 1].copy(), quick=True)
            if plays:
                play = self.choose(plays)
                values[r] = play.values
                for weight, actions, _ in play.branches:
                    weights[r, profiles.index(actions)] += weight
        return Prescription(values, profiles, weights, weights.sum(axis=1) > 0)

    def _last(
        self, rows: Array, room: int, alone: bool = False, reference: Array | None = None
    ) -> tuple[Array, Array, NDArray[np.int64]]:
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
        follow = room == 1 and not (self.ruled or alone or self.careful)
        starts = self._starts
        if reference is not None and not self.ruled:
            starts = np.concatenate([reference[None], starts])
        solve_rows(
            program.objective,
            program.finish,
            rows,
            self._slots,
            self._owners,
            lo,
            hi,
            starts,
            self._plain,
            POINTS if follow else 2 * POINTS,
            follow,
            plays,
            payoffs,
            counts,
        )
        if self.careful and m:
            self._drop_passed(rows, plays, payoffs, counts)
        if room > 1:
            for r in np.flatnonzero(counts > 1):
                self.several = True
                c = counts[r]
                rank = np.lexsort(plays[r, :c].T[::-1])
                plays[r, :c], payoffs[r, :c] = plays[r, rank], payoffs[r, rank]
        return plays, payoffs, counts

    def _drop_passed(self, rows: Array, plays: Array, payoffs: Array, counts: Ints) -> None:
        """Take away answers (n, room, m) of the last block, in place, that somebody leaves for the
        edge of a jump; where there is room for one alone, another is looked for."""
        room = plays.shape[1]
        row, place = np.nonzero(np.arange(room) < counts[:, None])
        passed = self._passed(rows[row], plays[row, place])
        for r in np.unique(row[passed]):
            kept = place[(row == r) & ~passed]
            if room == 1:
                several = self.several
                others, gains, count = self._last(rows[r : r + 1].copy(), len(self._starts))
                self.several = several
                counts[r] = min(count[0], 1)
                plays[r], payoffs[r] = others[0, :1], gains[0, :1]
            else:
                counts[r] = len(kept)
                plays[r, : len(kept)], payoffs[r, : len(kept)] = plays[r, kept], payoffs[r, kept]

    def passed(self, plays: Sequence[Play]) -> bool:
        """Return whether on the path of some play a mover of the last block, where all actions are
        over intervals, gains at the edge of a jump."""
        nodes = [node for play in plays for node in _last_plays(self.form, play)]
        if not nodes or not self._slots.size or self.form.blocks[-1].finite:
            return False
        pure = [node for node in nodes if node.other is None]
        rows = np.concatenate([node.row for node in pure] or [np.empty((0, 0))])
        return bool(self._passed(rows, np.array([node.values for node in pure])).any())

    def _passed(self, rows: Array, values: Array) -> Bools:
        """Return where some mover of the last block gains at the edge of a jump."""
        gains = np.zeros(len(rows), bool)
        if not len(rows):
            return gains
        lo, hi = self._bounds(self.last, rows)
        for j, owner in enumerate(self._owners):

            def line(which: Ints, x: Array, j: int = j, owner: int = owner) -> Array:
                taken = np.repeat(values[which, None], x.shape[1], axis=1)
                taken[:, :, j] = lo[which, None, j] + (hi - lo)[which, None, j] * x
                table = np.repeat(rows[which], x.shape[1], axis=0)
                paid = self._played(table, taken.reshape(-1, values.shape[1]))[:, owner]
                return known(paid.reshape(x.shape))

            scans = line(np.arange(len(rows)), np.tile(np.linspace(0, 1, GRID + 1), (len(rows), 1)))
            now = known(self._played(rows, values)[:, owner])
            best = best_edges(line, scans, now)
            spread = np.fmax(best, now) - np.where(np.isfinite(scans), scans, np.inf).min(axis=1)
            gains |= best > now + 100 * EQUAL * spread
        return gains

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
                branch = self.form.placed(block, rows, (outcome,))
                total += np.where(
                    (weight > 0)[:, None], weight[:, None] * self.value(block + 1, branch), 0.0
                )
            return total
        if block == self.last and moves.intervals and not moves.finite:
            return self._last_values(rows)
        if not moves.intervals:
            return self._finite_values(block, rows)
        if not moves.finite:
            return self._interval_values(block, rows)
        found = np.full((len(rows), self.form.num_players), np.nan)
        for n in range(len(rows)):
            plays = self.equilibria(block, rows[n : n + 1].copy(), quick=True)
            if plays:
                found[n] = self.choose(plays).payoffs
            else:
                self.unsolved += 1
        return found

    def alone(self, block: int, rows: Array) -> Array:
        """Return :meth:`value`, but of every history as if nothing else were asked: where the
        last block has several equilibria, its answers do not follow one branch."""
        moves = self.form.blocks[block]
        if block < self.last or moves.finite or not moves.intervals:
            return self.value(block, rows)
        return self._last_values(rows, alone=True)

    def _last_values(self, rows: Array, alone: bool = False) -> Array:
        """Return the payoffs (n, players) of a last block of interval decisions."""
        _, payoffs, counts = self._last(rows, 1, alone=alone)
        found = payoffs[:, 0]
        left = np.flatnonzero(counts == 0)
        if len(left):
            mixed = self._mixtures_at(rows[left])
            found[left] = mixed.payoffs
            self.mixed |= bool(mixed.found.any())
            self.unsolved += int((~mixed.found).sum())
        return found

    def _mixtures_at(self, rows: Array) -> Mixtures:
        """Return equilibria of the last block in which one player mixes two interval actions,
        at histories where no pure one was found."""
        rows = rows.copy()
        rows[:, self._slots] = 0.0
        n, m = len(rows), self._slots.size
        values, others = np.full((n, m), np.nan), np.full((n, m), np.nan)
        payoffs = np.full((n, self.form.num_players), np.nan)
        shares, found = np.zeros(n), np.zeros(n, bool)
        if m == 2 and self._owners[0] != self._owners[1]:
            memo = self.form.memo
            keys = [("mixed", row.tobytes()) for row in rows]
            missing = [k for k, key in enumerate(keys) if key not in memo]
            if len(memo) + len(missing) >= limits.MAX_REMEMBERED:
                memo.clear()
                missing = list(range(n))
            for start in range(0, len(missing), TOGETHER):
                group = missing[start : start + TOGETHER]
                for k, answer in zip(group, self._search_mixtures(rows[group]), strict=True):
                    memo[keys[k]] = answer
            for k, key in enumerate(keys):
                values[k], others[k], shares[k], found[k] = memo[key]
            if self.watchful and found.any():
                raise _MetJumps
            live = np.flatnonzero(found)
            share = shares[live, None]
            payoffs[live] = (1 - share) * self._played(rows[live], values[live])
            payoffs[live] += share * self._played(rows[live], others[live])
        return Mixtures(values, others, shares, payoffs, found)

    def _played(self, rows: Array, values: Array) -> Array:
        return self.form.finish(self.form.placed(self.last, rows, (), values))

    def _search_mixtures(self, rows: Array) -> list[tuple[Array, Array, float, bool]]:
        lo, hi = self._bounds(self.last, rows)
        width = hi - lo

        def payoff(which: Ints, decision: int, first: Array, second: Array) -> Array:
            u = np.stack([first, second], axis=2)
            values = lo[which, None] + width[which, None] * u
            table = np.repeat(rows[which], u.shape[1], axis=0)
            table[:, self._slots] = values.reshape(-1, 2)
            found = self.form.finish(table)[:, self._owners[decision]]
            return found.reshape(first.shape)

        first, second, shares, found = mix_at_jumps(payoff, len(rows))
        values, others = lo + width * first, lo + width * second
        return [(values[k], others[k], float(shares[k]), bool(found[k])) for k in range(len(rows))]

    def _interval_values(self, block: int, rows: Array) -> Array:
        """Return the payoffs of subgames at a block of interval decisions before the last."""
        values, solved = side_by_side(self, block, rows, self.hints.get(block))
        found = np.full((len(rows), self.form.num_players), np.nan)
        self.unsolved += int((~solved).sum())
        live = np.flatnonzero(solved)
        if not len(live):
            return found
        lo, hi = self._bounds(block, rows[live[:1]])
        self.hints[block] = ((values[live[0]] - lo) / np.where(hi > lo, hi - lo, 1.0))[0]
        behind = self.form.placed(block, rows[live], (), values[live])
        found[live] = self.alone(block + 1, behind)
        return found

    def _finite_values(self, block: int, rows: Array) -> Array:
        """Return the payoffs of subgames at a purely finite block, all rows in one batch."""
        answers, table = self._finite_answers(block, rows)
        found = np.full((len(rows), self.form.num_players), np.nan)
        for r, weights in enumerate(answers):
            if weights is None:
                self.unsolved += 1
            else:
                live = weights > 0
                found[r] = weights[live] @ table[r, live]
        return found

    def _finite_answers(self, block: int, rows: Array) -> tuple[list[Array | None], Array]:
        """Return weights over all finite profiles (None if unsolved) and their payoffs
        (n, profiles, players), at a purely finite block."""
        moves = self.form.blocks[block].finite
        available = [move.actions(rows) for move in moves]
        every = list(product(*(range(len(move.labels)) for move in moves)))
        table = np.full((len(rows), len(every), self.form.num_players), np.nan)
        open_to = np.ones((len(rows), len(every)), bool)
        for k, profile in enumerate(every):
            for action, options in zip(profile, available, strict=True):
                open_to[:, k] &= np.array([action in row for row in options])
            live = np.flatnonzero(open_to[:, k])
            if len(live):
                branch = self.form.placed(block, rows[live], profile)
                table[live, k] = self.value(block + 1, branch)
        self._measure(table)
        answers: list[Array | None] = []
        for n in range(len(rows)):
            live = np.flatnonzero(open_to[n])
            payoffs = table[n, live]
            answers.append(None)
            if not len(live) or np.isnan(payoffs).any():
                continue
            profiles = [every[k] for k in live]
            found = list(self._table_equilibria(block, profiles, payoffs))
            if not found:
                continue
            if len(found) > 1:
                self.tied = True
                found.sort(key=lambda answer: [-p for mix in answer[1] for p in mix])
                for other, _ in found:
                    self.promised = np.fmax(self.promised, other @ payoffs)
            weights = np.zeros(len(every))
            weights[live] = found[self.rule][0]
            answers[-1] = weights
        return answers, table

    def choose(self, plays: Sequence[Play]) -> Play:
        """Return the play that the rule takes."""
        if len(plays) > 1 and self.form.blocks[plays[0].block].intervals:
            self.several = True
        elif len(plays) > 1:
            self.tied = True
        return sorted(plays, key=Play.rank)[self.rule]

    # -- stage games -----------------------------------------------------------------------------

    def equilibria(
        self, block: int, row: Array, full: bool = False, quick: bool = False
    ) -> list[Play]:
        """Return the equilibria found of the subgame at one history.

        ``full`` enumerates selections of continuation equilibria behind finite blocks; else
        the rule selects them. ``quick`` is content with the first equilibrium among several
        interval decisions, from where a neighboring history's lies.
        """
        memo = self.form.memo
        key = (
            self.rule,
            self.ruled,
            self.resolution,
            self.careful,
            full,
            quick,
            self._later[block],
            row.tobytes(),
        )
        if key not in memo:
            if len(memo) >= limits.MAX_REMEMBERED:
                memo.clear()
            before = self.unsolved
            found = self._equilibria(block, row, full, quick)
            state = (self.several, self.tied, self.continuum, self.mixed)
            memo[key] = (found, state, self.unsolved - before, self.largest, self.promised)
            return found
        plays, state, unsolved, largest, promised = memo[key]
        self.largest = np.maximum(self.largest, largest)
        self.promised = np.fmax(self.promised, promised)
        self.several |= state[0]
        self.tied |= state[1]
        self.continuum |= state[2]
        self.mixed |= state[3]
        self.unsolved += unsolved
        return list(plays)

    def _equilibria(self, block: int, row: Array, full: bool, quick: bool) -> list[Play]:
        moves = self.form.blocks[block]
        if moves.chance is not None:
            return self._chance(block, row, full)
        available = [move.actions(row)[0] for move in moves.finite]
        if any(not actions for actions in available):
            return []
        profiles = list(product(*available))
        if not moves.intervals:
            return self._finite(block, row, profiles, full)
        return StageGame(self, block, row, profiles, quick).equilibria(full)

    def follow(self, block: int, row: Array, full: bool) -> list[Play | None]:
        """Return what may follow in the next block: plays, or [None] after the last."""
        if block == self.last:
            return [None]
        later = self.form.blocks[block + 1]
        if block + 1 == self.last and later.intervals and not later.finite:
            # One answer, the one that stands behind every candidate of this block.
            return list(self._prescribed(row))
        plays = self.equilibria(block + 1, row, full)
        if not full and len(plays) > 1:
            return [self.choose(plays)]
        return list(plays)

    def _prescribed(self, row: Array) -> list[Play]:
        """Return what is taken of the last block's equilibria at one history, if any."""
        plays, payoffs, counts = self._last(row.copy(), 1, alone=True)
        branches = ((1.0, (), None),)
        if not counts[0]:
            found = self.mixed_plays(row)
            self.unsolved += not found
            return found
        return [Play(self.last, row, plays[0, 0].copy(), (), payoffs[0, 0].copy(), branches)]

    def mixed_plays(self, row: Array) -> list[Play]:
        """Return the equilibrium of the last block in which one player mixes two actions of an
        interval, if there is one, at a history at which no pure one was found."""
        mixed = self._mixtures_at(row)
        if not mixed.found[0]:
            return []
        self.mixed = True
        branches = ((1.0, (), None),)
        values, others, payoffs = mixed.values[0], mixed.others[0], mixed.payoffs[0]
        share = float(mixed.shares[0])
        return [Play(self.last, row, values, (), payoffs, branches, others, share)]

    def _chance(self, block: int, row: Array, full: bool) -> list[Play]:
        chance = self.form.blocks[block].chance
        assert chance is not None
        weights = [float(ref.read(row)[0]) for ref in chance.conditions]
        options: list[list[Play | None]] = []
        live = [k for k, weight in enumerate(weights) if weight > 0]
        for outcome in live:
            branch = self.form.placed(block, row, (outcome,))
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
            self._measure(payoffs)
            for weights, mixed in self._table_equilibria(block, profiles, payoffs):
                branches = tuple(
                    (float(weight), profile, later)
                    for weight, profile, later in zip(weights, profiles, chosen, strict=True)
                )
                expected = weights @ payoffs
                plays.append(Play(block, row, np.empty(0), mixed, expected, branches))
        return distinct(plays)

    def _measure(self, payoffs: Array) -> None:
        met = payoffs.reshape(-1, payoffs.shape[-1])
        met = np.abs(np.where(np.isfinite(met), met, 0.0)).max(axis=0, initial=0.0)
        self.largest = np.maximum(self.largest, met)

    def _table_equilibria(
        self, block: int, profiles: list[tuple[int, ...]], payoffs: Array
    ) -> Iterator[tuple[Array, tuple[tuple[float, ...], ...]]]:
        """Yield (weights over profiles, probabilities of each finite move) of a finite block."""
        active, where = self._cells(block, tuple(profiles))
        cells = np.empty((len(active), *where.shape))
        for a, i in enumerate(active):
            cells[a] = payoffs[where, i]
        for mixture in self._mixtures(cells, TIED * self.largest[active]):
            probabilities = np.ones(())
            for mix in mixture:
                probabilities = np.multiply.outer(probabilities, mix)
            weights = np.zeros(len(profiles))
            weights[where] += probabilities
            shares = [[0.0] * len(move.labels) for move in self.form.blocks[block].finite]
            for n in weights.nonzero()[0]:
                for share, action in zip(shares, profiles[n], strict=True):
                    share[action] += float(weights[n])
            yield weights, tuple(tuple(share) for share in shares)

    def _cells(self, block: int, profiles: tuple[tuple[int, ...], ...]) -> tuple[list[int], Ints]:
        """Return the players who have a choice at a finite block, and the table of which each is
        an axis: the place of what they choose among ``profiles``. Worked out once."""
        found = self._tables.get((block, profiles))
        if found is not None:
            return found
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

        fixed = {i: joint[i][0] for i in players if i not in active}
        where = np.empty(tuple(len(joint[i]) for i in active), np.int64)
        for cell in np.ndindex(*where.shape):
            choice = fixed | {i: joint[i][c] for i, c in zip(active, cell, strict=True)}
            where[cell] = profile_of(choice)
        self._tables[block, profiles] = active, where
        return active, where

    def _mixtures(self, cells: Array, slack: Array) -> Iterator[Sequence[Sequence[float]]]:
        """Yield equilibria of a payoff table of the active players; what a player who is alone
        gets from two actions counts as equal within their ``slack``."""
        if len(cells) == 0:
            yield ()
            return
        if len(cells) == 1:
            row = cells[0]
            for k in np.flatnonzero(row >= row.max() - slack[0]):
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


@method(
    "staged",
    form=StagedForm,
    finds=Finds.SOME,
    domain="staged games with interval decisions",
    source="Backward induction (Selten 1965) over stage games: scan, zoom and Newton",
    rank=10,
    use="decisions over intervals, in one stage or several",
)
def staged(
    form: StagedForm, *, limit: int | None = None, resolution: Resolution = CLOSE
) -> Generator[StagedProfile, None, Findings]:
    """Yield the subgame-perfect equilibria found of a staged game.

    Parameters
    ----------
    form
        The game.
    limit
        Most equilibria to yield; :data:`highfence.limits.MAX_EQUILIBRIA` if None.
    resolution
        How closely intervals in the blocks before the last are searched.

    Yields
    ------
    StagedProfile
        In order of actions.

    Notes
    -----
    Not promised: that all equilibria are found. Several continuation equilibria of a
    subgame are told apart by a rule that holds at every node (:data:`RULES`); a rule for each
    corner of the actions is solved. Mixing over intervals is searched only where two players
    decide last, over an interval each, and no pure equilibrium was found: one of them mixes
    two actions. Mixing by more than two players over finite actions beside intervals is not
    searched.
    Where the last stage has no pure equilibrium behind some history, all is solved anew with
    a closer look at it. What stops a hair short of a best action that is approached and not
    attained is yielded all the same, with ``approached`` saying so (:mod:`._suprema`).
    """
    most = limits.MAX_EQUILIBRIA if limit is None else limit
    notes: list[str] = [
        "interval decisions were searched by scan, zoom and Newton from several starts: "
        "certified, but not proved to be all"
    ]
    solver = Solver(form, resolution=resolution)
    solver.watchful = len(form.blocks) > 1
    try:
        plays = solver.equilibria(0, form.root.copy(), full=True)
        solver.watchful = False
        passed = solver.passed(plays)
    except _MetJumps:
        passed = True
    if passed:
        solver = Solver(form, resolution=resolution, careful=True)
        plays = solver.equilibria(0, form.root.copy(), full=True)
    careful = solver.careful
    profiles = [(play, solver, "the only continuation found at every node") for play in plays]
    if solver.several or _multiple(form, solver, plays):
        profiles = []
        for name in RULES if len(form.blocks[-1].intervals) > 1 else list(RULES)[:2]:
            rule = 0 if RULES[name][0] == 0 else -1
            solver = Solver(form, rule, name, resolution, careful)
            text = f"where a subgame has several equilibria, the one met from {name}"
            for play in solver.equilibria(0, form.root.copy(), full=True):
                if not any(close(play, other) for other, _, _ in profiles):
                    profiles.append((play, solver, text))
        notes.append(
            "some subgames have several equilibria; continuations follow one rule at all nodes "
            "(the one met from a corner of the actions), and a rule for each corner was solved"
        )
    elif _promising(form, solver, plays) or any(
        _tied_behind_interval(form, solver, play, False) for play in plays
    ):
        other = Solver(form, -1, "", resolution, careful)
        text = "where a later mover is indifferent, the action listed last of the best ones"
        profiles = [
            (play, made, "where a later mover is indifferent, the first")
            for play, made, _ in profiles
        ]
        for play in other.equilibria(0, form.root.copy(), full=True):
            if not any(close(play, known) for known, _, _ in profiles):
                profiles.append((play, other, text))
    if solver.continuum:
        notes.append(
            "a decision is indifferent over a stretch of its interval: infinitely many equilibria, "
            "of which the ends of the stretch are listed"
        )
    if solver.mixed:
        where, there = ("behind some histories ", " there") if len(form.blocks) > 1 else ("", "")
        movers = "last movers" if where else "two players"
        notes.append(
            f"{where}the replies of the {movers} jump past each other, so that no pair of pure "
            f"actions is an equilibrium: one of them mixes two actions{there}"
        )
    if solver.pure_only:
        notes.append("at finite blocks where three or more move, only pure actions were searched")
    if solver.truncated:
        notes.append(f"more than {SELECTIONS} selections of continuations: not all were tried")
    if solver.tied:
        notes.append(
            "at some finite nodes several actions are best; the one that the rule takes there "
            "stands for all in the search of earlier stages"
        )
    if solver.unsolved:
        notes.append(
            f"{solver.unsolved} subgames met in the search had no equilibrium that was found"
        )
    for count, (play, made_by, rule_text) in enumerate(
        sorted(profiles, key=lambda item: item[0].key())
    ):
        if count >= most:
            return Findings(False, (*notes, f"stopped at {most} equilibria"))
        yield StagedProfile(form, play, rule_text, made_by, approached(made_by, play))
    return Findings(not solver.truncated, tuple(notes))


def _is_quadratic(form: StagedForm, move: IntervalMove) -> bool:
    """Return whether the formula of its owner's payoff is a quadratic in a decision, whatever
    the rest: then three points say all of it."""
    root = form.payoffs[move.player]
    known = _QUADRATIC.setdefault(root, {})
    if move.name not in known:
        known[move.name] = _degree(root, move.name) <= 2
    return known[move.name]


def _degree(root: Expr, name: str) -> float:
    """Return a bound of the degree of a polynomial in an input; infinite if it is none."""
    degrees: dict[int, float] = {}
    for node in order([root]):
        own = [degrees[id(arg)] for arg in node.args]
        if node.op == "input":
            degree = float(node.value == name)
        elif not any(own):
            degree = 0.0
        elif node.op in ("add", "sub", "neg"):
            degree = max(own)
        elif node.op == "mul":
            degree = sum(own)
        elif node.op == "div" and own[1] == 0:
            degree = own[0]
        elif node.op == "where" and own[0] == 0:
            degree = max(own[1:])
        elif node.op == "pow" and node.args[1].op == "const" and node.args[1].value in (1, 2):
            degree = own[0] * float(node.args[1].value)
        else:
            degree = np.inf
        degrees[id(node)] = degree
    return degrees[id(root)]


def _multiple(form: StagedForm, solver: Solver, plays: Sequence[Play]) -> bool:
    """Return whether last-block nodes on or near the paths have several equilibria."""
    block = form.blocks[-1]
    if not block.intervals or block.finite or len(form.blocks) == 1:
        return False
    rows = [node.row for play in plays for node in _last_plays(form, play)]
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


def _empty(
    form: StagedForm, block: int, row: Array, move: IntervalMove, low: float, high: float
) -> Problem:
    """Return the problem of an interval that earlier moves leave empty."""
    met = []
    for earlier in form.blocks[:block]:
        finite = earlier.finite if earlier.chance is None else (earlier.chance,)
        met += [f"{m.name} = {m.labels[int(row[m.slot])]}" for m in finite]
        met += [f"{m.name} = {row[m.slot]:.6g}" for m in earlier.intervals]
    return Problem(
        move.name,
        f"its interval from {low:.6g} to {high:.6g} is empty after {', '.join(met)}",
        "Bound it with min and max so that low is never above high",
    )


def _promising(form: StagedForm, solver: Solver, plays: Sequence[Play]) -> bool:
    """Return whether somebody with an interval decision would do better if a later mover who is
    indifferent chose otherwise."""
    owners = sorted({move.player for block in form.blocks[:-1] for move in block.intervals})
    slack = TIED * solver.largest[owners]
    return any(((solver.promised - play.payoffs)[owners] > slack).any() for play in plays)


def _tied_behind_interval(form: StagedForm, solver: Solver, play: Play, behind: bool) -> bool:
    """Return whether a finite block that is played behind an interval has several answers."""
    block = form.blocks[play.block]
    finite = not block.intervals and block.chance is None
    if behind and finite and len(solver.equilibria(play.block, play.row)) > 1:
        return True
    behind = behind or bool(block.intervals)
    return any(
        _tied_behind_interval(form, solver, later, behind)
        for weight, _, later in play.branches
        if later is not None and weight > 0
    )


def _last_plays(form: StagedForm, play: Play) -> Iterator[Play]:
    """Yield what is played of the last block, at every history to which play comes."""
    if play.block == len(form.blocks) - 1:
        yield play
    for weight, _, later in play.branches:
        if later is not None and weight > 0:
            yield from _last_plays(form, later)
