"""The judge of staged games at many draws at once.

It judges what :mod:`highfence.methods.staged_batch` proposes by the same rule as
:mod:`highfence.certify.staged` judges one profile, with loops of its own: on the path every
mover's other actions are tried, each with the last block played as the profile prescribes;
behind every deviation, the prescribed actions of the last block are checked in turn. Payoffs
are computed here, by playing actions out; of the method, only actions are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..forms.staged import StagedForm
from .staged import LIGHT, Density, whatever_follows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..forms.staged import FiniteMove, IntervalMove

    Array = NDArray[np.float64]
    Which = NDArray[np.int64]
    Prescribe = Callable[[Which, Array], tuple[Array, Any, NDArray[np.bool_]]]

__all__ = ["Judged", "certify_leads"]

_NEAR = np.concatenate([-(10.0 ** -np.arange(2, 8)), 10.0 ** -np.arange(2, 8)])
"""Distances from an action, as shares of its interval, at which others are tried."""
RIVAL = 0.05
"""Share of the payoffs' spread by which a peak elsewhere may stick out between the points."""
_AGAIN = 8
"""Histories that the profiles are asked for once more, alone: their answer must be the same."""


@dataclass(frozen=True)
class Judged:
    """Verdicts on e profiles."""

    regret: Array
    """(e,): largest gain found, over the payoff scale; infinite where a profile contradicts
    itself."""
    payoffs: Array
    """(e, players): what the profile's actions bring about."""
    outcomes: Array
    """(e, outcomes)."""


def certify_leads(
    form: StagedForm,
    block: int,
    rows: Array,
    profiles: tuple[tuple[int, ...], ...],
    lead: Array,
    weights: Array,
    actions: Array,
    prescribe: Prescribe,
    density: Density = LIGHT,
) -> Judged:
    """Judge equilibria at histories of the block before the last.

    Parameters
    ----------
    form
        The game. The block has one interval decision and finite ones of other players; the
        last block has interval decisions, each of another player; nothing is open before.
    block
        Index of the block.
    rows
        (e, size): the history of each profile.
    profiles
        Joint actions of the block's finite moves.
    lead, weights, actions
        (e,), (e, profiles), (e, profiles, m): what is done, in units of the decisions.
    prescribe
        (which (r,), rows (r, size)) -> actions (r, m), anything, known (r,): what profile
        ``which`` has done in the last block at each history.
    density
        How dense the search is. Every history behind a deviation is checked, however many its
        ``histories`` are.

    Notes
    -----
    A dense search, not a bound: see :func:`highfence.certify.staged.certify_staged`.

    Cost on the flagship: some 75 histories a profile are asked for, which takes most of the time;
    placing, playing and checking them takes about a tenth of a millisecond.
    """
    judge = _Judge(form, block, rows, profiles, lead, weights, actions, prescribe, density)
    with np.errstate(all="ignore"):
        return judge.run()


class _Judge:
    """Judges many profiles; every array's first axis is theirs, or that of ``pairs``."""

    def __init__(
        self,
        form: StagedForm,
        block: int,
        rows: Array,
        profiles: tuple[tuple[int, ...], ...],
        lead: Array,
        weights: Array,
        actions: Array,
        prescribe: Prescribe,
        density: Density,
    ) -> None:
        from ..kernels.judge import Intervals, Seen

        self.form, self.block, self.rows = form, block, np.ascontiguousarray(rows)
        self.profiles, self.lead, self.weights, self.actions = profiles, lead, weights, actions
        self.prescribe, self.density = prescribe, density
        self.count = len(rows)
        self.finite = form.blocks[block].finite
        (self.leader,) = form.blocks[block].intervals
        self.last = form.blocks[-1].intervals
        self.moves = Intervals(
            np.array([move.slot for move in self.last]),
            np.array([move.player for move in self.last]),
            np.array([move.low.slot for move in self.last]),
            np.array([move.low.value for move in self.last]),
            np.array([move.high.slot for move in self.last]),
            np.array([move.high.value for move in self.last]),
        )
        self.seen = Seen(
            np.zeros((self.count, form.num_players)),
            np.full((self.count, form.num_players), np.inf),
            np.full((self.count, form.num_players), -np.inf),
            np.zeros(self.count, dtype=np.bool_),
        )
        self.low, self.high = self.leader.low.read(self.rows), self.leader.high.read(self.rows)
        # The joint actions that are played, profile by profile.
        self.pairs, self.pair_profile = (
            np.ascontiguousarray(axis) for axis in np.nonzero(weights > 0)
        )
        self.pair_weight = weights[self.pairs, self.pair_profile]
        self.behind: list[tuple[Which, Array]] = []

    def run(self) -> Judged:
        """Return the verdicts."""
        outcomes = np.zeros((self.count, len(self.form.outcome_names)))
        payoffs = np.zeros((self.count, self.form.num_players))
        if not self.count:
            return Judged(np.zeros(0), payoffs, outcomes)
        self._possible()
        self._path(payoffs, outcomes)
        self._deviations(payoffs)
        self._histories()
        seen = self.seen
        width = seen.high - seen.low
        size = np.maximum(np.abs(seen.low), np.abs(seen.high))
        width = np.maximum(width, tolerances.NARROW * size)
        scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)
        regret = np.max(seen.gain / scale, axis=1)
        regret = np.where(seen.faulty | ~np.isfinite(regret), np.inf, regret)
        return Judged(regret, payoffs, outcomes)

    # -- what is proposed ------------------------------------------------------------------------

    def _possible(self) -> None:
        """Find what cannot be: actions outside their intervals, weights that are none."""
        faulty = self.seen.faulty
        slack = 1e-9 * (self.high - self.low)
        faulty |= ~((self.lead >= self.low - slack) & (self.lead <= self.high + slack))
        faulty |= ~(self.weights >= -tolerances.PROBABILITY).all(axis=1)
        faulty |= ~(np.abs(self.weights.sum(axis=1) - 1) <= tolerances.PROBABILITY)
        # Movers mix on their own: the weights are products of each mover's shares.
        shape = tuple(len(move.labels) for move in self.finite)
        table = self.weights.reshape(self.count, *shape)
        independent = np.ones_like(table)
        for c, finite in enumerate(self.finite):
            others = tuple(1 + d for d in range(len(shape)) if d != c)
            shares = table.sum(axis=others)
            view = [self.count] + [1] * len(shape)
            view[1 + c] = shape[c]
            independent = independent * shares.reshape(view)
            faulty |= ((shares > 0) & ~self._open(finite)).any(axis=1)
        apart = np.abs(independent - table).reshape(self.count, -1).max(axis=1)
        faulty |= ~(apart <= 1e-7)

    def _open(self, move: FiniteMove) -> NDArray[np.bool_]:
        table = np.zeros((self.count, len(move.labels)), dtype=np.bool_)
        for action in move.allowed:
            table[:, action] = move.conditions[action].read(self.rows) != 0.0
        return table

    def _path(self, payoffs: Array, outcomes: Array) -> None:
        """Write what the actions bring, and check those of the last block."""
        placed = self._placed(self.pairs, self.pair_profile, self.lead[self.pairs])
        actions = self.actions[self.pairs, self.pair_profile]
        known = np.ones(len(placed), dtype=np.bool_)
        found = self._played(self.pairs, placed, actions, known)
        np.add.at(payoffs, self.pairs, self.pair_weight[:, None] * found)
        np.add.at(outcomes, self.pairs, self.pair_weight[:, None] * self.form.outcomes(placed))
        self.seen.faulty[:] |= ~np.isfinite(payoffs).all(axis=1)
        self._check(placed, np.arange(len(placed)), self.pairs, self.density.points, True)

    # -- playing out -----------------------------------------------------------------------------

    def _placed(self, which: Which, profile: Which, lead: Array) -> Array:
        """Return rows in which the block's moves stand, and those of the last block do not."""
        from ..kernels.judge import place_rows

        placed = np.empty((len(which), self.rows.shape[1]))
        place_rows(
            self.form.program.advance,
            self.block,
            self.rows,
            which,
            np.array([move.slot for move in self.finite], dtype=np.int64),
            np.array(self.profiles, dtype=np.float64).reshape(len(self.profiles), len(self.finite)),
            profile,
            self.leader.slot,
            lead,
            placed,
        )
        return placed

    def _played(
        self, which: Which, placed: Array, actions: Array, known: NDArray[np.bool_]
    ) -> Array:
        """Place the last block's actions, and return payoffs (r, players); NaN if unknown."""
        from ..kernels.judge import play_rows

        found = np.empty((len(which), self.form.num_players))
        play_rows(
            self.form.program.finish, placed, which, self.moves, actions, known, found, self.seen
        )
        return found

    def _followed(self, which: Which, profile: Which, lead: Array, player: Which) -> Array:
        """Return a player's payoff (r,) after joint actions, which the last block answers as
        prescribed; NaN where it does not."""
        # Where nothing deviates, what the profile itself does comes before its rule.
        same = (lead == self.lead[which]) & (self.weights[which, profile] > 0)
        order = np.argsort(same, kind="stable")
        which, profile, lead = which[order], profile[order], lead[order]
        asked = len(which) - int(same.sum())
        placed = self._placed(which, profile, lead)
        actions = np.empty((len(which), len(self.last)))
        known = np.ones(len(which), dtype=np.bool_)
        actions[asked:] = self.actions[which[asked:], profile[asked:]]
        if asked:
            shown = placed[:asked]
            shown.setflags(write=False)
            actions[:asked], _, known[:asked] = self.prescribe(which[:asked], shown)
            self.behind.append((np.where(known[:asked], which[:asked], -1), placed[:asked]))
        found = self._played(which, placed, actions, known)
        if not known.all():
            found[~known] = whatever_follows(self.form, placed[~known])
        payoff = np.empty(len(order))
        payoff[order] = found[np.arange(len(order)), player[order]]
        return payoff

    # -- deviations ------------------------------------------------------------------------------

    def _deviations(self, payoffs: Array) -> None:
        """Try the leader's other actions and every finite alternative of every finite mover."""
        points = self.density.points
        width = self.high - self.low
        tried = np.concatenate(
            [
                self.low[:, None] + width[:, None] * np.linspace(0, 1, points + 1),
                self.lead[:, None] + width[:, None] * _NEAR,
            ],
            axis=1,
        )
        tried = np.clip(tried, self.low[:, None], self.high[:, None])
        swaps, movers, free = self._alternatives()
        # Of every pair: the leader's actions, then the others' alternatives.
        at = np.arange(self.count)
        led = self._led(at, tried)
        pair, alternative = np.nonzero(free[self.pairs])
        taken = (
            self.pairs[pair],
            swaps[self.pair_profile[pair], alternative],
            self.lead[self.pairs[pair]],
            movers[alternative],
        )
        cut = len(led[0])
        found = self._followed(*(np.concatenate([a, b]) for a, b in zip(led, taken, strict=True)))
        total = np.zeros((self.count, len(movers)))
        np.add.at(total, (self.pairs[pair], alternative), self.pair_weight[pair] * found[cut:])
        gain = np.where(free, total - payoffs[:, movers], -np.inf)
        for a, mover in enumerate(movers):
            self._see(at, int(mover), gain[:, a])
        self._lead(tried, self._summed(at, tried, found[:cut]), payoffs[:, self.leader.player])

    def _led(self, at: Which, tried: Array) -> tuple[Which, Which, Array, Which]:
        """Return (profile, joint action, action, leader) for ``at`` (r,) and actions (r, t)."""
        place = np.full(self.count, -1)
        place[at] = np.arange(len(at))
        live = np.flatnonzero(place[self.pairs] >= 0)
        times = tried.shape[1]
        return (
            np.repeat(self.pairs[live], times),
            np.repeat(self.pair_profile[live], times),
            tried[place[self.pairs[live]]].reshape(-1),
            np.full(len(live) * times, self.leader.player),
        )

    def _summed(self, at: Which, tried: Array, found: Array) -> Array:
        """Return the leader's payoffs (r, t) from what each pair brings, others mixing."""
        place = np.full(self.count, -1)
        place[at] = np.arange(len(at))
        live = np.flatnonzero(place[self.pairs] >= 0)
        total = np.zeros(tried.shape)
        weighted = self.pair_weight[live][:, None] * found.reshape(len(live), tried.shape[1])
        np.add.at(total, place[self.pairs[live]], weighted)
        return total

    def _lead(self, tried: Array, found: Array, now: Array) -> None:
        """See what the leader gains, looking closer where another peak comes near."""
        points = self.density.points
        width = self.high - self.low
        size = width / points
        at = np.arange(self.count)
        for closer in range(4):  # the scan, and three closer looks
            if closer:
                found = self._summed(at, tried, self._followed(*self._led(at, tried)))
            known = np.where(np.isfinite(found), found, -np.inf)
            self._see(at, self.leader.player, known.max(axis=1) - now[at])
            # Close to the action itself all scales were tried: look around the best peak
            # elsewhere, if it comes near what the action brings.
            if not closer:
                known = known[:, : points + 1]
            apart = np.abs(tried[:, : known.shape[1]] - self.lead[at, None])
            elsewhere = apart > 1.5 * width[at, None] / points
            rival = np.where(elsewhere & _peaks(known), known, -np.inf)
            best = rival.argmax(axis=1)
            each = np.arange(len(at))
            spread = now[at] - np.where(np.isfinite(found), found, np.inf).min(axis=1)
            near = rival[each, best] >= now[at] - RIVAL * spread
            center = tried[each, best][near]
            at = at[near]
            if not len(at):
                return
            tried = center[:, None] + size[at, None] * np.linspace(-1, 1, 21)
            tried = np.clip(tried, self.low[at, None], self.high[at, None])
            size = size / 10

    def _see(self, which: Which, player: int, gain: Array) -> None:
        """Take gains of a player, once for each profile ``which``."""
        gain = np.where(np.isfinite(gain), gain, -np.inf)
        self.seen.gain[which, player] = np.maximum(self.seen.gain[which, player], gain)

    def _alternatives(self) -> tuple[Which, Which, NDArray[np.bool_]]:
        """Return what each alternative makes of each joint action (P, A), whose it is (A,), and
        to which profiles it is open (e, A)."""
        index = {profile: k for k, profile in enumerate(self.profiles)}
        swaps, movers, free = [], [], []
        for player in sorted({move.player for move in self.finite}):
            own = [c for c, move in enumerate(self.finite) if move.player == player]
            for taken in product(*(range(len(self.finite[c].labels)) for c in own)):
                open_to = np.ones(self.count, dtype=np.bool_)
                for c, action in zip(own, taken, strict=True):
                    open_to &= self._open(self.finite[c])[:, action]
                swapped = []
                for profile in self.profiles:
                    changed = list(profile)
                    for c, action in zip(own, taken, strict=True):
                        changed[c] = action
                    swapped.append(index[tuple(changed)])
                swaps.append(swapped)
                movers.append(player)
                free.append(open_to)
        return (
            np.array(swaps, dtype=np.int64).reshape(len(swaps), len(self.profiles)).T,
            np.array(movers, dtype=np.int64),
            np.array(free, dtype=np.bool_).reshape(len(free), self.count).T,
        )

    # -- the last block --------------------------------------------------------------------------

    def _check(self, placed: Array, chosen: Which, which: Which, points: int, dense: bool) -> None:
        """Check the last block's actions, which stand in the chosen rows."""
        from ..kernels.judge import try_histories

        program = self.form.program
        try_histories(
            program.objective, program.line, placed, chosen, which, self.moves, points, dense,
            self.seen,
        )  # fmt: skip

    def _histories(self) -> None:
        """Check all that is prescribed behind deviations."""
        answered = [np.flatnonzero(which >= 0) for which, _ in self.behind]
        step = max(sum(len(rows) for rows in answered) // _AGAIN, 1)
        skip = 0
        for (which, placed), rows in zip(self.behind, answered, strict=True):
            self._check(placed, rows, which, self.density.behind, False)
            for n in rows[skip::step]:
                self._ask_again(int(which[n]), placed[n])
            skip = (skip - len(rows)) % step

    def _ask_again(self, profile: int, row: Array) -> None:
        """Ask for a history once more, alone; what stands in the row must be the answer."""
        slots = self.moves.slots
        alone = row[None].copy()
        alone[:, slots] = self.rows[profile, slots]
        again, _, known = self.prescribe(np.array([profile]), alone)
        width = np.array([_width(move, row) for move in self.last])
        apart = np.abs(again[0] - row[slots]) > tolerances.SAME * np.maximum(width, 1e-300)
        if not known[0] or apart.any():
            self.seen.faulty[profile] = True


def _peaks(heights: Array) -> NDArray[np.bool_]:
    """Return which points (r, t) of scans are not below the one before and the one after them."""
    beyond = np.full((len(heights), 1), -np.inf)
    before = np.concatenate([beyond, heights[:, :-1]], axis=1)
    after = np.concatenate([heights[:, 1:], beyond], axis=1)
    peaks: NDArray[np.bool_] = (heights >= before) & (heights >= after)
    return peaks


def _width(move: IntervalMove, row: Array) -> float:
    return float(move.high.read(row[None])[0] - move.low.read(row[None])[0])
