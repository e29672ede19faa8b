"""The judge of staged games.

A profile is a path of play and a rule that answers every other history. The judge walks the
path; at every node it tries a dense set of each mover's other actions, has the subgame
behind each of them played as the profile prescribes, and compares payoffs. Because a
deviation is deterred by what follows it, the prescribed play behind deviations is checked
too: at the last block for many of those histories, at earlier blocks for a stated sample.

Nothing of a method's search is used, only what it prescribes. Expectations over mixtures,
the choice of deviations and all comparisons are the judge's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..forms.staged import Block, StagedForm
from ..solution import Certificate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["certify_staged"]

PAIRS = 15
"""Alternatives of each of two interval decisions that one player changes together."""
ZOOMS = 3
"""Times that the judge looks closer around the best alternative found."""


@dataclass(frozen=True)
class Density:
    """How dense the judge's search is."""

    points: int
    """Alternatives tried of one interval decision on the path, before zooming."""
    behind: int
    """Alternatives of each last-block decision at a history off the path."""
    histories: int
    """Last-block histories off the path that are checked behind each mover's deviations."""
    sample: int
    """Histories off the path at which an earlier block's play is checked, behind each mover."""


FULL = Density(points=200, behind=64, histories=256, sample=4)
"""For a single answer."""
LIGHT = Density(points=40, behind=32, histories=40, sample=1)
"""For thousands of draws, certified to :data:`highfence.tolerances.REGRET_BATCH`."""


@dataclass
class _Tally:
    """What was seen: largest gain and payoff range of every player, and counts."""

    gain: Array
    low: Array
    high: Array
    alternatives: int = 0
    histories: int = 0
    nodes: int = 0
    sampled: int = 0
    unknown: int = 0
    density: Density = FULL

    def see(self, player: int, now: float, found: Array) -> None:
        """Count a player's payoffs from deviations."""
        known = found[np.isfinite(found)]
        self.alternatives += len(found)
        self.unknown += len(found) - len(known)
        if len(known):
            self.gain[player] = max(self.gain[player], float(known.max()) - now)

    def widen(self, payoffs: Array) -> None:
        """Take payoffs (n, players) of anybody's deviations into every player's range."""
        self.low = np.fmin(self.low, np.fmin.reduce(payoffs, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(payoffs, axis=0))


def certify_staged(
    form: StagedForm, profile: Any, tolerance: float | None = None, density: Density = FULL
) -> Certificate:
    """Return the certificate of a staged profile.

    Parameters
    ----------
    form
        The game.
    profile
        Has ``play`` (the path), ``continuation(block, rows)``, ``answer(block, row)`` and
        ``last_rows(rows)``; see :class:`highfence.methods.staged.StagedProfile`.
    tolerance
        :data:`highfence.tolerances.REGRET_STAGED` if None.
    density
        How dense the search is.

    Notes
    -----
    The regret is the largest gain found, over the range of payoffs that the same player was
    seen to get behind anybody's deviations. It is a dense search, not a bound: a spike
    narrower than the tried alternatives (1/200 of an interval by default) can be missed.
    Subgame perfection is claimed if every subgame behind a tried deviation was answered, and
    every one that was checked holds.
    """
    count = form.num_players
    tally = _Tally(np.zeros(count), np.full(count, np.inf), np.full(count, -np.inf))
    tally.density = density
    _judge(form, profile, profile.play, tally, dense=True, depth=0)
    width = tally.high - tally.low
    size = np.maximum(np.abs(tally.low), np.abs(tally.high))
    # A player whose only action is fixed was seen to get one payoff, give or take rounding.
    width = np.maximum(width, tolerances.NARROW * size)
    scale = np.where(np.isfinite(width) & (width > 0), width, 1.0)
    regret = float(np.max(np.maximum(tally.gain, 0.0) / scale, initial=0.0))
    if not np.isfinite(profile.play.payoffs).all():
        regret = float("inf")
    limit = tolerances.REGRET_STAGED if tolerance is None else tolerance
    checks = [
        f"{tally.nodes} node(s) on the path and {tally.sampled} sampled off it: "
        f"{tally.alternatives} deviations, each with all later stages re-solved",
    ]
    if tally.histories:
        checks.append(
            f"last stage checked at {tally.histories} histories off the path, "
            f"{density.behind + 1} alternatives of each decision"
        )
    if tally.unknown:
        checks.append(
            f"{tally.unknown} deviations lead to subgames where no equilibrium was found: "
            "not judged, so subgame perfection is not claimed"
        )
    perfect = tally.unknown == 0 and regret <= limit
    return Certificate(regret, limit, False, "subgame perfect" if perfect else None, tuple(checks))


def _judge(
    form: StagedForm, profile: Any, play: Any, tally: _Tally, dense: bool, depth: int
) -> None:
    """Check one node and what follows it on the path."""
    block = form.blocks[play.block]
    if dense:
        tally.nodes += 1
    else:
        tally.sampled += 1
    if block.chance is None:
        _check_probabilities(play)
        for player in block.players:
            owns_interval = any(move.player == player for move in block.intervals)
            if not owns_interval and len(_alternatives(block, play, player)) == 1:
                continue
            _deviations(form, profile, play, block, player, tally, dense, depth)
    for weight, _, later in play.branches:
        if later is not None and weight > 0:
            _judge(form, profile, later, tally, dense, depth)


def _check_probabilities(play: Any) -> None:
    for mix in play.mixed:
        if min(mix) < -tolerances.PROBABILITY or abs(sum(mix) - 1) > tolerances.PROBABILITY:
            raise ValueError(f"not a probability distribution: {mix}")


def _expected(
    form: StagedForm, profile: Any, play: Any, block: Block, player: int, tally: _Tally
) -> Callable[[Array, tuple[int, ...] | None], tuple[Array, Array]]:
    """Return the function (own interval values (n, k), own finite actions) -> (payoff, rows).

    Others play as in the profile: their interval actions, and their mixtures multiplied out.
    """
    own_finite = [k for k, move in enumerate(block.finite) if move.player == player]
    own_interval = [k for k, move in enumerate(block.intervals) if move.player == player]
    supports = [
        [(a, p) for a, p in enumerate(mix) if p > 0] for mix in play.mixed[: len(block.finite)]
    ]

    def payoff(values: Array, actions: tuple[int, ...] | None) -> tuple[Array, Array]:
        choices = list(supports)
        if actions is not None:
            for k, action in zip(own_finite, actions, strict=True):
                choices[k] = [(action, 1.0)]
        total = np.zeros(len(values))
        everything = []
        for combination in product(*choices):
            weight = float(np.prod([p for _, p in combination])) if combination else 1.0
            rows = np.repeat(play.row, len(values), axis=0)
            for move, (action, _) in zip(block.finite, combination, strict=True):
                rows[:, move.slot] = action
            for k, other in enumerate(block.intervals):
                rows[:, other.slot] = play.values[k]
            for column, k in enumerate(own_interval):
                rows[:, block.intervals[k].slot] = values[:, column]
            form.advance(rows, play.block)
            everything.append(rows)
            found = profile.continuation(play.block + 1, rows)
            tally.widen(found)
            total += weight * found[:, player]
        return total, np.concatenate(everything)

    return payoff


def _alternatives(block: Block, play: Any, player: int) -> list[tuple[int, ...] | None]:
    """Return a player's pure finite alternatives at the node; [None] if there are none."""
    own = [move for move in block.finite if move.player == player]
    if not own:
        return [None]
    return list(product(*(move.actions(play.row)[0] for move in own)))


def _deviations(
    form: StagedForm,
    profile: Any,
    play: Any,
    block: Block,
    player: int,
    tally: _Tally,
    dense: bool,
    depth: int,
) -> None:
    payoff = _expected(form, profile, play, block, player, tally)
    own = [k for k, move in enumerate(block.intervals) if move.player == player]
    now_values = play.values[own][None] if own else np.empty((1, 0))
    now, _ = payoff(now_values, None)
    lows = np.array([block.intervals[k].low.read(play.row)[0] for k in own])
    highs = np.array([block.intervals[k].high.read(play.row)[0] for k in own])
    if own and (
        (now_values[0] < lows - 1e-9 * (highs - lows)).any()
        or (now_values[0] > highs + 1e-9 * (highs - lows)).any()
    ):
        tally.gain[player] = np.inf
        return
    behind = []
    for actions in _alternatives(block, play, player):
        values = _candidates(
            now_values[0], lows, highs, tally.density.points if dense else tally.density.behind
        )
        found, rows = payoff(values, actions)
        tally.see(player, float(now[0]), found)
        behind.append(rows)
        if dense and own and np.isfinite(found).any():
            best = values[int(np.nanargmax(found))]
            for zoomed in _zoom(best, lows, highs, payoff, actions, tally.density.points):
                tally.see(player, float(now[0]), zoomed)
    if not np.isfinite(now[0]):
        tally.unknown += 1
    if play.block + 1 < len(form.blocks):
        _off_path(form, profile, play.block + 1, np.concatenate(behind), tally, dense, depth)


def _candidates(now: Array, lows: Array, highs: Array, points: int) -> Array:
    """Return a player's alternative values (n, k): each alone, and pairs together."""
    k = len(now)
    if k == 0:
        return np.empty((1, 0))
    rows = []
    for j in range(k):
        line = np.repeat(now[None], points + 1, axis=0)
        line[:, j] = np.linspace(lows[j], highs[j], points + 1)
        rows.append(line)
        near = np.repeat(now[None], 12, axis=0)
        near[:, j] += (highs[j] - lows[j]) * np.concatenate(
            [-(10.0 ** -np.arange(2, 8)), 10.0 ** -np.arange(2, 8)]
        )
        rows.append(np.clip(near, lows, highs))
    for a in range(k):
        for b in range(a + 1, k):
            x = np.linspace(lows[a], highs[a], PAIRS)
            y = np.linspace(lows[b], highs[b], PAIRS)
            grid = np.repeat(now[None], PAIRS * PAIRS, axis=0)
            grid[:, a], grid[:, b] = (axis.ravel() for axis in np.meshgrid(x, y))
            rows.append(grid)
            for size in (1e-1, 1e-2, 1e-3):
                near = np.repeat(now[None], 8, axis=0)
                angle = np.arange(8) * np.pi / 4
                near[:, a] += size * (highs[a] - lows[a]) * np.cos(angle)
                near[:, b] += size * (highs[b] - lows[b]) * np.sin(angle)
                rows.append(np.clip(near, lows, highs))
    return np.concatenate(rows)


def _zoom(
    best: Array,
    lows: Array,
    highs: Array,
    payoff: Callable[[Array, tuple[int, ...] | None], tuple[Array, Array]],
    actions: tuple[int, ...] | None,
    points: int,
) -> Iterator[Array]:
    """Yield payoffs at points ever closer around the best alternative."""
    for j in range(len(best)):
        width = (highs[j] - lows[j]) / points
        center = best.copy()
        for _ in range(ZOOMS):
            line = np.repeat(center[None], 21, axis=0)
            line[:, j] = np.clip(center[j] + width * np.linspace(-1, 1, 21), lows[j], highs[j])
            found, _ = payoff(line, actions)
            yield found
            if not np.isfinite(found).any():
                return
            center = line[int(np.nanargmax(found))]
            width /= 10


def _off_path(
    form: StagedForm,
    profile: Any,
    block: int,
    rows: Array,
    tally: _Tally,
    dense: bool,
    depth: int,
) -> None:
    """Check what the profile prescribes at histories behind deviations."""
    last = len(form.blocks) - 1
    moves = form.blocks[block]
    if block == last and moves.intervals and not moves.finite:
        share = tally.density.histories if dense else -(-tally.density.histories // 8)
        picked = np.unique(np.linspace(0, len(rows) - 1, min(share, len(rows))).astype(int))
        _last_block(form, profile, np.ascontiguousarray(rows[picked]), tally)
        return
    if depth >= 2:
        return
    count = tally.density.sample if dense else 1
    picked = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))
    for n in picked:
        play = profile.answer(block, rows[n : n + 1])
        if play is None:
            tally.unknown += 1
        else:
            _judge(form, profile, play, tally, dense=False, depth=depth + 1)


def _last_block(form: StagedForm, profile: Any, rows: Array, tally: _Tally) -> None:
    """Check the last block's prescribed interval actions at many histories."""
    from ..kernels.judge import scan_rows

    placed, known = profile.last_rows(rows)
    placed = np.ascontiguousarray(placed[known])
    tally.unknown += int((~known).sum())
    if not len(placed):
        return
    tally.histories += len(placed)
    behind = tally.density.behind
    for move in form.blocks[-1].intervals:
        lo, hi = move.low.read(placed), move.high.read(placed)
        inside = (placed[:, move.slot] >= lo - 1e-9 * (hi - lo)) & (
            placed[:, move.slot] <= hi + 1e-9 * (hi - lo)
        )
        now, best, least = (np.empty(len(placed)) for _ in range(3))
        scan_rows(
            form.program.objective, placed, move.slot, move.player, lo, hi, behind, now, best, least
        )
        now[~inside] = -np.inf
        gain = float(np.max(best - now))
        tally.gain[move.player] = max(tally.gain[move.player], gain)
        tally.low[move.player] = min(tally.low[move.player], float(least.min()))
        tally.high[move.player] = max(tally.high[move.player], float(best.max()))
