"""The judge of staged games at many draws at once.

It judges what :mod:`highfence.methods.staged_batch` proposes by the same rule as
:mod:`highfence.certify.staged` judges one profile, with loops of its own: on the path every
mover's other actions are tried, each with the last block played as the profile prescribes;
behind the deviations, the prescribed actions of the last block are checked in turn. Payoffs
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
from .staged import LIGHT, Density

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        How dense the search is.

    Notes
    -----
    A dense search, not a bound: see :func:`highfence.certify.staged.certify_staged`.
    """
    judge = _Judge(form, block, rows, profiles, lead, weights, actions, prescribe, density)
    with np.errstate(all="ignore"):
        return judge.run()


class _Judge:
    """Judges many profiles; every array's first axis is theirs."""

    def __init__(self, form: StagedForm, block: int, rows: Array, *about: Any) -> None:
        self.form, self.block, self.rows = form, block, rows
        self.profiles, self.lead, self.weights, self.actions, self.prescribe, self.density = about
        self.count = len(rows)
        self.moves = form.blocks[block]
        self.last = form.blocks[-1].intervals
        self.faulty = np.zeros(self.count, dtype=np.bool_)
        self.gain = np.zeros((self.count, form.num_players))
        self.low = np.full((self.count, form.num_players), np.inf)
        self.high = np.full((self.count, form.num_players), -np.inf)
        self.behind: list[tuple[Which, Array, Array]] = []

    def run(self) -> Judged:
        """Return the verdicts."""
        outcomes = np.zeros((self.count, len(self.form.outcome_names)))
        payoffs = np.zeros((self.count, self.form.num_players))
        if not self.count:
            return Judged(np.zeros(0), payoffs, outcomes)
        self._possible()
        for k, profile in enumerate(self.profiles):
            live = np.flatnonzero(self.weights[:, k] > 0)
            if not len(live):
                continue
            placed = self.form.placed(self.block, self.rows[live], profile, self.lead[live, None])
            self._at_last(live, placed, self.actions[live, k])
            placed = self._acted(placed, self.actions[live, k])
            found = self.form.finish(placed)
            self._widen(live, found)
            share = self.weights[live, k][:, None]
            payoffs[live] += share * found
            outcomes[live] += share * self.form.outcomes(placed)
        self.faulty |= ~np.isfinite(payoffs).all(axis=1)
        self._leader(payoffs)
        self._others(payoffs)
        self._histories()
        width = self.high - self.low
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        width = np.maximum(width, tolerances.NARROW * size)
        scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)
        regret = np.max(np.maximum(self.gain, 0.0) / scale, axis=1)
        regret = np.where(self.faulty | ~np.isfinite(regret), np.inf, regret)
        return Judged(regret, payoffs, outcomes)

    # -- what is proposed ------------------------------------------------------------------------

    def _possible(self) -> None:
        """Find what cannot be: actions outside their intervals, weights that are none."""
        move = self.moves.intervals[0]
        low, high = move.low.read(self.rows), move.high.read(self.rows)
        slack = 1e-9 * (high - low)
        self.faulty |= ~((self.lead >= low - slack) & (self.lead <= high + slack))
        self.faulty |= ~(self.weights >= -tolerances.PROBABILITY).all(axis=1)
        self.faulty |= ~(np.abs(self.weights.sum(axis=1) - 1) <= tolerances.PROBABILITY)
        # Movers mix on their own: the weights are products of each mover's shares.
        shape = tuple(len(m.labels) for m in self.moves.finite)
        table = self.weights.reshape(self.count, *shape)
        independent = np.ones_like(table)
        for c, finite in enumerate(self.moves.finite):
            others = tuple(1 + d for d in range(len(shape)) if d != c)
            shares = table.sum(axis=others)
            view = [self.count] + [1] * len(shape)
            view[1 + c] = shape[c]
            independent = independent * shares.reshape(view)
            open_to = self._open(finite)
            self.faulty |= ((shares > 0) & ~open_to).any(axis=1)
        apart = np.abs(independent - table).reshape(self.count, -1).max(axis=1)
        self.faulty |= ~(apart <= 1e-7)

    def _open(self, finite: Any) -> NDArray[np.bool_]:
        table = np.zeros((self.count, len(finite.labels)), dtype=np.bool_)
        for action in finite.allowed:
            table[:, action] = finite.conditions[action].read(self.rows) != 0.0
        return table

    def _acted(self, placed: Array, actions: Array) -> Array:
        """Return rows with the last block's actions in place."""
        placed = np.ascontiguousarray(placed.copy())
        placed[:, [move.slot for move in self.last]] = actions
        return placed

    def _widen(self, which: Which, found: Array) -> None:
        """Take payoffs into every player's range."""
        np.minimum.at(self.low, which, np.where(np.isfinite(found), found, np.inf))
        np.maximum.at(self.high, which, np.where(np.isfinite(found), found, -np.inf))

    def _see(self, which: Which, player: int, gain: Array) -> None:
        np.maximum.at(self.gain[:, player], which, np.where(np.isfinite(gain), gain, -np.inf))

    # -- deviations ------------------------------------------------------------------------------

    def _played(self, which: Which, profile: int, lead: Array) -> Array:
        """Return payoffs (r, players) after the leader's action and a profile; NaN if unknown."""
        placed = self.form.placed(
            self.block, self.rows[which], self.profiles[profile], lead[:, None]
        )
        found = np.full((len(which), self.form.num_players), np.nan)
        # Where nothing deviates, what the profile itself does comes before its rule.
        same = (lead == self.lead[which]) & (self.weights[which, profile] > 0)
        actions = np.empty((len(which), len(self.last)))
        known = same.copy()
        actions[same] = self.actions[which[same], profile]
        if not same.all():
            said, _, answered = self.prescribe(which[~same], placed[~same])
            actions[~same], known[~same] = said, answered
            off = np.flatnonzero(~same & known)
            self.behind.append((which[off], placed[off], actions[off]))
        live = np.flatnonzero(known)
        found[live] = self.form.finish(self._acted(placed[live], actions[live]))
        self._widen(which[live], found[live])
        return found

    def _led(self, which: Which, lead: Array) -> Array:
        """Return the leader's payoff (r,) from an action, the others mixing as proposed."""
        leader = self.moves.intervals[0].player
        total = np.zeros(len(which))
        for k in range(len(self.profiles)):
            live = np.flatnonzero(self.weights[which, k] > 0)
            if len(live):
                found = self._played(which[live], k, lead[live])[:, leader]
                total[live] += self.weights[which[live], k] * found
        return total

    def _leader(self, payoffs: Array) -> None:
        move = self.moves.intervals[0]
        low, high = move.low.read(self.rows), move.high.read(self.rows)
        width = high - low
        points = self.density.points
        tried = np.concatenate(
            [
                low[:, None] + width[:, None] * np.linspace(0, 1, points + 1),
                np.clip(self.lead[:, None] + width[:, None] * _NEAR, low[:, None], high[:, None]),
            ],
            axis=1,
        )
        now = payoffs[:, move.player]
        size = width / points
        at = np.arange(self.count)
        for _ in range(4):  # the scan, and three closer looks
            flat = np.repeat(at, tried.shape[1])
            found = self._led(flat, tried.reshape(-1)).reshape(len(at), -1)
            known = np.where(np.isfinite(found), found, -np.inf)
            self._see(at, move.player, known.max(axis=1) - now[at])
            # Close to the action itself all scales were tried: look around the best elsewhere,
            # if it comes near what the action brings.
            elsewhere = np.abs(tried - self.lead[at, None]) > 1.5 * width[at, None] / points
            rival = np.where(elsewhere, known, -np.inf)
            best = rival.argmax(axis=1)
            line = np.arange(len(at))
            spread = now[at] - np.where(np.isfinite(found), found, np.inf).min(axis=1)
            near = rival[line, best] >= now[at] - RIVAL * spread
            center = tried[line, best][near]
            at = at[near]
            if not len(at):
                return
            tried = center[:, None] + size[at, None] * np.linspace(-1, 1, 21)
            tried = np.clip(tried, low[at, None], high[at, None])
            size = size / 10

    def _others(self, payoffs: Array) -> None:
        """Try every finite alternative of every finite mover."""
        moves = self.moves.finite
        index = {profile: k for k, profile in enumerate(self.profiles)}
        for player in sorted({move.player for move in moves}):
            own = [c for c, move in enumerate(moves) if move.player == player]
            for taken in product(*(range(len(moves[c].labels)) for c in own)):
                free = np.ones(self.count, dtype=np.bool_)
                for c, action in zip(own, taken, strict=True):
                    free &= self._open(moves[c])[:, action]
                total = np.zeros(self.count)
                for k, profile in enumerate(self.profiles):
                    swapped = list(profile)
                    for c, action in zip(own, taken, strict=True):
                        swapped[c] = action
                    live = np.flatnonzero(free & (self.weights[:, k] > 0))
                    if len(live):
                        found = self._played(live, index[tuple(swapped)], self.lead[live])
                        total[live] += self.weights[live, k] * found[:, player]
                which = np.flatnonzero(free)
                self._see(which, player, total[which] - payoffs[which, player])

    # -- the last block --------------------------------------------------------------------------

    def _scan(self, which: Which, placed: Array, actions: Array, dense: bool) -> None:
        """Check the last block's actions at histories in which all moves stand."""
        from ..kernels.judge import try_rows

        placed = self._acted(placed, actions)
        points = self.density.points if dense else self.density.behind
        for move in self.last:
            low, high = move.low.read(placed), move.high.read(placed)
            slack = 1e-9 * (high - low)
            value = placed[:, move.slot]
            inside = (value >= low - slack) & (value <= high + slack)
            self.faulty[which[~inside]] = True
            now, best, least = (np.empty(len(placed)) for _ in range(3))
            objective = self.form.program.objective
            try_rows(
                objective,
                placed,
                move.slot,
                move.player,
                low,
                high,
                points,
                dense,
                now,
                best,
                least,
            )
            self.faulty[which[~np.isfinite(now)]] = True
            self._see(which, move.player, best - now)
            np.minimum.at(
                self.low[:, move.player], which, np.where(np.isfinite(least), least, np.inf)
            )
            np.maximum.at(
                self.high[:, move.player], which, np.where(np.isfinite(best), best, -np.inf)
            )

    def _at_last(self, which: Which, placed: Array, actions: Array) -> None:
        self._scan(which, placed, actions, True)

    def _histories(self) -> None:
        """Check what is prescribed behind deviations, at most so many histories a profile."""
        if not self.behind:
            return
        which = np.concatenate([part[0] for part in self.behind])
        placed = np.concatenate([part[1] for part in self.behind])
        actions = np.concatenate([part[2] for part in self.behind])
        order = np.argsort(which, kind="stable")
        first = np.searchsorted(which[order], np.arange(self.count))
        total = np.bincount(which, minlength=self.count)
        rank = np.arange(len(order)) - first[which[order]]
        # Evenly spread: the histories of a profile at which a step of its share is passed.
        share = np.minimum(self.density.histories / np.maximum(total, 1), 1.0)[which[order]]
        kept = order[np.floor((rank + 1) * share) > np.floor(rank * share)]
        self._scan(which[kept], placed[kept], actions[kept], False)
        step = max(len(kept) // _AGAIN, 1)
        for n in kept[::step]:
            again, _, known = self.prescribe(which[n : n + 1], placed[n : n + 1])
            width = np.array(
                [
                    move.high.read(placed[n : n + 1])[0] - move.low.read(placed[n : n + 1])[0]
                    for move in self.last
                ]
            )
            apart = np.abs(again[0] - actions[n]) > tolerances.SAME * np.maximum(width, 1e-300)
            if not known[0] or apart.any():
                self.faulty[which[n]] = True
