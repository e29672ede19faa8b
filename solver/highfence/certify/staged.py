"""The judge of staged games.

A profile is a path of play and a rule that answers every other history. The judge walks the
path; at every node it tries a dense set of each mover's other actions, has the game behind
each of them played as the profile prescribes, and compares payoffs. Because a deviation is
deterred by what follows it, the prescribed play behind deviations is checked too: at the
last block and at finite blocks for many of those histories, at other blocks for a sample.

Nothing of a method's search is used, only the actions that it prescribes: every payoff, on
the path and off it, is computed here by playing those actions out. Expectations over
mixtures, the choice of deviations and all comparisons are the judge's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..forms.staged import Block, Prescription, StagedForm
from ..solution import Certificate
from .interval import provable, prove

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Drawn = Sequence[tuple[Any, Array]]

__all__ = ["certify_staged"]

PAIRS = 15
"""Alternatives of each of two interval decisions that one player changes together."""
CUBE = 500
"""Joint alternatives of three and more interval decisions of one player."""
_PRIMES = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37], dtype=float)
ALONE = 4
"""Histories that the profile is asked for once more, alone: its answer must be the same."""
ZOOMS = 3
"""Times that the judge looks closer around the best alternative found."""
JUMPS = 6
"""Jumps of a last mover's payoff whose edges the judge looks at, the largest first."""
HALVINGS = 33
"""Times that a cell with a jump is halved: to some 1e-12 of the interval."""
PROBES = 5
"""Ways in which a last block is played that has no known answer, to see whom it matters to."""


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
    faults: dict[str, None] = field(default_factory=dict)
    """What is wrong with the profile itself; each makes the regret infinite."""

    def see(self, player: int, now: float, found: Array) -> None:
        """Count a player's payoffs from deviations."""
        known = found[np.isfinite(found)]
        self.alternatives += len(found)
        self.unknown += len(found) - len(known)
        if len(known):
            self.gain[player] = max(self.gain[player], float(known.max()) - now)

    def widen(self, payoffs: Array) -> None:
        """Take payoffs (n, players) of anybody's deviations into every player's range."""
        finite = np.where(np.isfinite(payoffs), payoffs, np.nan)
        self.low = np.fmin(self.low, np.fmin.reduce(finite, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(finite, axis=0))

    def scale(self) -> Array:
        """Return every player's payoff range."""
        width = self.high - self.low
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        # A player whose only action is fixed was seen to get one payoff, give or take rounding.
        width = np.maximum(width, tolerances.NARROW * size)
        return np.where(np.isfinite(width) & (width > 0), width, 1.0)


def certify_staged(
    form: StagedForm, profile: Any, tolerance: float | None = None, density: Density = FULL
) -> Certificate:
    """Return the certificate of a staged profile.

    Parameters
    ----------
    form
        The game.
    profile
        Has ``play`` (the path) and ``prescribe(block, rows)`` (what is done anywhere else);
        see :class:`highfence.methods.plays.StagedProfile`.
    tolerance
        :data:`highfence.tolerances.REGRET_STAGED` if None.
    density
        How dense the search is.

    Notes
    -----
    The regret is the largest gain found, over the range of payoffs that the same player was
    seen to get behind anybody's deviations. It is a dense search, not a bound: a spike
    narrower than the tried alternatives (1/200 of an interval by default) can be missed. But
    where all decide at once, a bound is looked for by interval arithmetic, and if it is within
    the tolerance it is the regret: the certificate's ``kind`` is then "interval".
    Where a deviation leads to where nothing is prescribed, it is not judged; but it counts if the
    last block follows, and who deviates is paid the same whatever is done there.
    Subgame perfection is claimed if every subgame behind a tried deviation was answered, and
    every one that was checked holds. A profile that contradicts itself (payoffs that its
    actions do not bring, actions that are not available, probabilities that are none) has
    an infinite regret, and the checks say why.
    """
    judge = _Judge(form, profile, density)
    with np.errstate(all="ignore"):
        judge.path(profile.play)
        judge.consistent()
    tally = judge.tally
    regret = float(np.max(np.maximum(tally.gain, 0.0) / tally.scale(), initial=0.0))
    if tally.faults or not np.isfinite(regret):
        regret = float("inf")
    limit = tolerances.REGRET_STAGED if tolerance is None else tolerance
    checks = [
        *tally.faults,
        f"{tally.nodes} node(s) on the path and {tally.sampled} sampled off it: "
        f"{tally.alternatives} deviations, each with all later stages played as prescribed",
    ]
    if tally.histories:
        checks.append(
            f"what is prescribed checked at {tally.histories} histories off the path, "
            f"{density.behind + 1} alternatives of each interval decision"
        )
    if tally.unknown:
        checks.append(
            f"{tally.unknown} deviations lead to subgames where no equilibrium was found: "
            "not judged, so subgame perfection is not claimed"
        )
    perfect = tally.unknown == 0 and regret <= limit
    kind = "search"
    if perfect and density is FULL and len(_drawn(profile.play)) == 1 and provable(form):
        proof = prove(form, profile.play.values, _pure(profile.play.mixed), tally.scale(), limit)
        if proof is not None:
            kind = "interval"
            regret = max(regret, float(np.max(proof.gain / tally.scale(), initial=0.0)))
            checks += proof.words
    refinement = "subgame perfect" if perfect else None
    return Certificate(regret, limit, False, refinement, tuple(checks), kind)


def _pure(mixed: Sequence[Sequence[float]]) -> list[int] | None:
    """Return the finite actions of a block if all but one of each move are never played."""
    taken = [int(np.argmax(mix)) for mix in mixed]
    return taken if all(max(mix) == 1.0 for mix in mixed) else None


class _Judge:
    """Judges one profile."""

    def __init__(self, form: StagedForm, profile: Any, density: Density) -> None:
        self.form, self.profile, self.density = form, profile, density
        count = form.num_players
        self.tally = _Tally(np.zeros(count), np.full(count, np.inf), np.full(count, -np.inf))
        self.last = len(form.blocks) - 1
        self._asked: list[tuple[int, Array, Any]] = []
        self._answers: dict[tuple[int, bytes], tuple[Array, Array, bool, Array, float]] = {}
        self._profiles: dict[int, tuple[tuple[int, ...], ...]] = {}

    # -- playing out -----------------------------------------------------------------------------

    def value(self, block: int, rows: Array) -> Array:
        """Return payoffs (n, players) of playing on as prescribed; NaN where there is no answer."""
        if block > self.last:
            return self.form.finish(np.ascontiguousarray(rows))
        total = np.zeros((len(rows), self.form.num_players))
        chance = self.form.blocks[block].chance
        if chance is not None:
            for outcome, ref in enumerate(chance.conditions):
                weight = ref.read(rows)
                live = np.flatnonzero(weight > 0)
                if len(live):
                    branch = self.form.placed(block, rows[live], (outcome,), None)
                    total[live] += weight[live, None] * self.value(block + 1, branch)
            return total
        said = self.ask(block, rows)
        self._remember(block, rows, said)
        for k, actions in enumerate(said.profiles):
            live = np.flatnonzero(said.known & (said.weights[:, k] > 0))
            for shares, values in _points(said, live):
                played = np.flatnonzero(shares > 0)
                if len(played):
                    at = live[played]
                    branch = self.form.placed(block, rows[at], actions, values[played])
                    weight = said.weights[at, k] * shares[played]
                    total[at] += weight[:, None] * self.value(block + 1, branch)
        total[~said.known] = np.nan
        return total

    def ask(self, block: int, rows: Array) -> Prescription:
        """Return what is prescribed; a history that was asked about before is not asked again."""
        keys = [(block, row.tobytes()) for row in rows]
        missing = [n for n, key in enumerate(keys) if key not in self._answers]
        if missing:
            said = self.profile.prescribe(block, np.ascontiguousarray(rows[missing]))
            self._profiles[block] = said.profiles
            others, shares = _mixed(said)
            self._refuse_mixtures(block, said.values, others, shares)
            for k, n in enumerate(missing):
                self._answers[keys[n]] = (
                    said.values[k],
                    said.weights[k],
                    bool(said.known[k]),
                    others[k],
                    float(shares[k]),
                )
        found = [self._answers[key] for key in keys]
        return Prescription(
            np.stack([values for values, *_ in found]),
            self._profiles[block],
            np.stack([weights for _, weights, *_ in found]),
            np.array([known for _, _, known, *_ in found]),
            np.stack([others for *_, others, _ in found]),
            np.array([share for *_, share in found]),
        )

    def _refuse_mixtures(self, block: int, values: Array, others: Array, shares: Array) -> None:
        """Note mixtures over intervals that are none, or of several players: what others do
        would then not be drawn independently."""
        if not ((shares >= 0) & (shares <= 1)).all():
            self.tally.faults["not a probability distribution over an interval"] = None
        moves = self.form.blocks[block].intervals
        differ = (values != others) & (shares > 0)[:, None]
        for row in np.unique(differ, axis=0):
            if len({move.player for move, apart in zip(moves, row, strict=True) if apart}) > 1:
                self.tally.faults["several players mix over intervals together"] = None

    def _remember(self, block: int, rows: Array, said: Any) -> None:
        if len(self._asked) < ALONE and len(rows) > 1:
            middle = len(rows) // 2
            others, shares = _mixed(said)
            taken = np.concatenate([said.values[middle], others[middle], shares[middle, None]])
            answer = (taken, said.weights[middle].copy(), said.known[middle])
            self._asked.append((block, rows[middle : middle + 1].copy(), answer))

    def consistent(self) -> None:
        """Ask for a few histories once more, alone: a strategy answers a history, not a batch."""
        for block, row, (values, weights, known) in self._asked:
            again = self.profile.prescribe(block, row)
            moves = self.form.blocks[block].intervals
            width = np.array([m.high.read(row)[0] - m.low.read(row)[0] for m in moves])
            width = np.concatenate([width, width, [1.0]])
            others, shares = _mixed(again)
            taken = np.concatenate([again.values[0], others[0], shares])
            apart = np.abs(taken - values) > tolerances.SAME * np.maximum(width, 1e-300)
            if known != again.known[0] or (
                known and (apart.any() or np.abs(again.weights[0] - weights).max() > 1e-6)
            ):
                self.tally.faults["its answer to a history depends on what else is asked"] = None

    def follow(self, play: Any) -> Array:
        """Return the payoffs (players,) that the actions of a play bring about.

        Its branches must be those that its mixtures make, each behind its own history.
        """
        block = self.form.blocks[play.block]
        if block.chance is not None:
            shares = [[float(ref.read(play.row)[0]) for ref in block.chance.conditions]]
        else:
            shares = [list(mix) for mix in play.mixed]
        branches = {actions: later for _, actions, later in play.branches}
        total = np.zeros(self.form.num_players)
        for actions in product(*(range(len(mix)) for mix in shares)):
            weight = float(np.prod([mix[a] for mix, a in zip(shares, actions, strict=True)]))
            if weight <= 0:
                continue
            if play.block == self.last:
                for probability, values in _drawn(play):
                    row = self.form.placed(play.block, play.row, actions, values[None])
                    total += weight * probability * self.form.finish(row)[0]
                continue
            row = self.form.placed(play.block, play.row, actions, play.values[None])
            later = branches.get(actions)
            if len(_drawn(play)) > 1:
                self.tally.faults["a mixture over an interval before the last block"] = None
            if later is None or not np.array_equal(later.row, row):
                self.tally.faults["a branch of its play is missing, or not behind its history"] = (
                    None
                )
                return np.full(self.form.num_players, np.nan)
            total += weight * self.follow(later)
        return total

    # -- nodes -----------------------------------------------------------------------------------

    def path(self, play: Any) -> None:
        """Judge every node on the path."""
        brought = self.follow(play)
        said = np.asarray(play.payoffs, dtype=float)
        if not np.isfinite(brought).all():
            self.tally.faults["its payoff on the path is unknown or infinite"] = None
            return
        self.tally.widen(brought[None])
        self._walk(play)
        off = np.abs(brought - said) > 1e-6 * self.tally.scale()
        if off.any() or not np.isfinite(said).all():
            self.tally.faults["its actions do not bring the payoffs that it states"] = None

    def _walk(self, play: Any) -> None:
        block = self.form.blocks[play.block]
        self.tally.nodes += 1
        if block.chance is None:
            branches = {actions: later for _, actions, later in play.branches}
            self.node(play.block, play.row, _drawn(play), play.mixed, branches, True, 0)
        for weight, _, later in play.branches:
            if later is not None and weight > 0:
                self._walk(later)

    def node(
        self,
        block: int,
        row: Array,
        drawn: Drawn,
        mixed: Sequence[Sequence[float]],
        branches: dict[tuple[int, ...], Any],
        dense: bool,
        depth: int,
    ) -> None:
        """Judge what is done at one history (1, size): interval actions, each with its
        probability, and the probabilities of finite actions."""
        moves = self.form.blocks[block]
        if not self._possible(block, row, drawn, mixed):
            return
        for player in moves.players:
            own = [k for k, move in enumerate(moves.intervals) if move.player == player]
            alternatives = _alternatives(moves, row, player)
            if not own and len(alternatives) == 1:
                continue
            payoff = self._expected(block, row, drawn, mixed, branches, player)
            now = float(sum(p * payoff(values[own][None], None)[0][0] for p, values in drawn))
            if not np.isfinite(now):
                self.tally.faults["its payoff at a node is unknown or infinite"] = None
                return
            lows = np.array([moves.intervals[k].low.read(row)[0] for k in own])
            highs = np.array([moves.intervals[k].high.read(row)[0] for k in own])
            points = self.density.points if dense else self.density.behind
            behind = []
            for actions in alternatives:
                tried = np.concatenate(
                    [_candidates(values[own], lows, highs, points) for _, values in drawn]
                )
                found, rows = payoff(tried, actions)
                self.tally.see(player, now, found)
                behind.append(rows)
                if dense and own and np.isfinite(found).any():
                    best = tried[int(np.nanargmax(found))]
                    for zoomed in _zoom(best, lows, highs, payoff, actions, points):
                        self.tally.see(player, now, zoomed)
                    if block == self.last:
                        at = [values[own] for _, values in drawn]
                        for beside in _beside_jumps(at, now, lows, highs, payoff, actions, points):
                            self.tally.see(player, now, beside)
            if block < self.last:
                self._off_path(block + 1, np.concatenate(behind), dense, depth)

    def _possible(
        self, block: int, row: Array, drawn: Drawn, mixed: Sequence[Sequence[float]]
    ) -> bool:
        """Return whether the actions are there to be taken."""
        moves = self.form.blocks[block]
        for move, mix in zip(moves.finite, mixed, strict=True):
            shares = np.asarray(mix, dtype=float)
            if not (
                shares.min() >= -tolerances.PROBABILITY
                and abs(shares.sum() - 1) <= tolerances.PROBABILITY
            ):
                self.tally.faults[f"{move.name}: not a probability distribution"] = None
            if not {int(a) for a in np.flatnonzero(shares > 0)} <= set(move.actions(row)[0]):
                self.tally.faults[f"{move.name}: an action that is not available"] = None
        for _, values in drawn:
            for interval, value in zip(moves.intervals, values, strict=True):
                low, high = interval.low.read(row)[0], interval.high.read(row)[0]
                slack = 1e-9 * (high - low)
                if not low - slack <= value <= high + slack:
                    self.tally.faults[f"{interval.name}: an action outside its interval"] = None
        if len(drawn) > 1:
            (_, values), (share, other) = drawn
            self._refuse_mixtures(block, values[None], other[None], np.array([share]))
        return not self.tally.faults

    def _expected(
        self,
        block: int,
        row: Array,
        drawn: Drawn,
        mixed: Sequence[Sequence[float]],
        branches: dict[tuple[int, ...], Any],
        player: int,
    ) -> Callable[[Array, tuple[int, ...] | None], tuple[Array, Array]]:
        """Return the function (own interval values (n, k), own finite actions) -> (payoff, rows).

        Others play as in the profile: their interval actions, and their mixtures multiplied
        out. (Where the player mixes, nobody else does, and all that is drawn is the same.)
        """
        moves = self.form.blocks[block]
        own_finite = [k for k, move in enumerate(moves.finite) if move.player == player]
        own = [k for k, move in enumerate(moves.intervals) if move.player == player]
        supports = [[(a, p) for a, p in enumerate(mix) if p > 0] for mix in mixed]

        def payoff(tried: Array, actions: tuple[int, ...] | None) -> tuple[Array, Array]:
            choices = list(supports)
            if actions is not None:
                for k, action in zip(own_finite, actions, strict=True):
                    choices[k] = [(action, 1.0)]
            total = np.zeros(len(tried))
            everything = []
            for (share, values), combination in product(drawn, list(product(*choices))):
                table = np.repeat(values[None], len(tried), axis=0)
                table[:, own] = tried
                weight = share * float(np.prod([p for _, p in combination]))
                taken = tuple(a for a, _ in combination)
                rows = self.form.placed(block, np.repeat(row, len(tried), axis=0), taken, table)
                later = branches.get(taken)
                same = (
                    (rows == later.row).all(axis=1)
                    if later is not None
                    else np.zeros(len(rows), bool)
                )
                found = np.empty((len(rows), self.form.num_players))
                if not same.all():
                    found[~same] = self.value(block + 1, rows[~same])
                    self._fill(block + 1, rows, found, ~same, player)
                if later is not None and same.any():
                    # What the play itself says of this history comes before the rule.
                    found[same] = self.follow(later)
                everything.append(rows)
                self.tally.widen(found)
                total += weight * found[:, player]
            return total, np.concatenate(everything)

        return payoff

    def _fill(
        self, block: int, rows: Array, found: Array, asked: NDArray[np.bool_], player: int
    ) -> None:
        """Write what is paid at histories without an answer to those to whom none matters."""
        unknown = np.flatnonzero(asked & np.isnan(found).any(axis=1))
        if block == self.last and len(unknown):
            found[unknown] = whatever_follows(self.form, rows[unknown])
            # Known to the player, and yet a subgame that nothing is prescribed for.
            self.tally.unknown += int(np.isfinite(found[unknown, player]).sum())

    # -- histories off the path ------------------------------------------------------------------

    def _off_path(self, block: int, rows: Array, dense: bool, depth: int) -> None:
        """Check what the profile prescribes at histories behind deviations."""
        moves = self.form.blocks[block]
        share = self.density.histories if dense else -(-self.density.histories // 8)
        if moves.chance is not None:
            if depth < 2:
                for outcome, ref in enumerate(moves.chance.conditions):
                    live = _spread(rows[ref.read(rows) > 0], share)
                    if len(live):
                        self._off_path(
                            block + 1, self.form.placed(block, live, (outcome,), None), dense, depth
                        )
            return
        if block == self.last and moves.intervals and not moves.finite:
            self._last_block(np.ascontiguousarray(_spread(rows, share)))
            return
        if depth >= 2:
            return
        if not moves.intervals:
            self._finite_block(block, _spread(rows, max(share // 4, 1)))
        for n in range(len(picked := _spread(rows, self.density.sample if dense else 1))):
            row = picked[n : n + 1]
            said = self.ask(block, row)
            if not said.known[0]:
                self.tally.unknown += 1
                continue
            self.tally.sampled += 1
            mixed = [np.zeros(len(move.labels)) for move in moves.finite]
            for weight, actions in zip(said.weights[0], said.profiles, strict=True):
                for shares, action in zip(mixed, actions, strict=True):
                    shares[action] += weight
            drawn = _drawn_at(said, 0)
            self.node(block, row, drawn, [list(m) for m in mixed], {}, False, depth + 1)

    def _finite_block(self, block: int, rows: Array) -> None:
        """Check a purely finite block at many histories in one batch."""
        moves = self.form.blocks[block].finite
        said = self.ask(block, rows)
        self.tally.unknown += int((~said.known).sum())
        rows, weights = rows[said.known], said.weights[said.known]
        if not len(rows):
            return
        self.tally.histories += len(rows)
        count = self.form.num_players
        table = np.full((len(rows), len(said.profiles), count), np.nan)
        for k, actions in enumerate(said.profiles):
            free = np.ones(len(rows), bool)
            for move, action in zip(moves, actions, strict=True):
                free &= np.array([action in left for left in move.actions(rows)])
            live = np.flatnonzero(free)
            if (weights[:, k][~free] > 0).any():
                self.tally.faults["an action that is not available"] = None
            if len(live):
                branch = self.form.placed(block, rows[live], actions, None)
                table[live, k] = self.value(block + 1, branch)
                self.tally.unknown += int(np.isnan(table[live, k]).any(axis=1).sum())
        self.tally.widen(table.reshape(-1, count))
        index = {actions: k for k, actions in enumerate(said.profiles)}
        for player in sorted({move.player for move in moves}):
            own = [k for k, move in enumerate(moves) if move.player == player]
            now = np.nansum(weights * np.where(weights > 0, table[:, :, player], 0.0), axis=1)
            for taken in product(*(range(len(moves[k].labels)) for k in own)):
                found = np.zeros(len(rows))
                for actions, k in index.items():
                    swapped = list(actions)
                    for position, action in zip(own, taken, strict=True):
                        swapped[position] = action
                    to = table[:, index[tuple(swapped)], player]
                    found += np.where(weights[:, k] > 0, weights[:, k] * to, 0.0)
                gain = found - now
                if np.isfinite(gain).any():
                    self.tally.gain[player] = max(self.tally.gain[player], float(np.nanmax(gain)))

    def _last_block(self, rows: Array) -> None:
        """Check the last block's prescribed interval actions at many histories."""
        from ..kernels.judge import try_rows

        said = self.ask(self.last, rows)
        self.tally.unknown += int((~said.known).sum())
        self.tally.histories += int(said.known.sum())
        mixes = _mixed(said)[1] > 0
        for n in np.flatnonzero(said.known & mixes):
            self.node(self.last, rows[n : n + 1], _drawn_at(said, int(n)), [], {}, False, 2)
        pure = said.known & ~mixes
        if not pure.any():
            return
        placed = self.form.placed(self.last, rows[pure], (), said.values[pure])
        placed = np.ascontiguousarray(placed)
        for move in self.form.blocks[-1].intervals:
            lo, hi = move.low.read(placed), move.high.read(placed)
            slack = 1e-9 * (hi - lo)
            value = placed[:, move.slot]
            inside = (value >= lo - slack) & (value <= hi + slack)
            if not inside.all():
                self.tally.faults[f"{move.name}: an action outside its interval"] = None
            now, best, least = (np.empty(len(placed)) for _ in range(3))
            program = self.form.program
            try_rows(
                program.objective, program.line, placed, move.slot, move.player, lo, hi,
                self.density.behind, now, best, least,
            )  # fmt: skip
            player = move.player
            gain = best - now
            if not np.isfinite(now).all():
                self.tally.faults["its payoff at a node is unknown or infinite"] = None
                continue
            self.tally.gain[player] = max(self.tally.gain[player], float(np.max(gain)))
            self.tally.low[player] = min(self.tally.low[player], float(least.min()))
            self.tally.high[player] = max(self.tally.high[player], float(best.max()))
        owners = [move.player for move in self.form.blocks[-1].intervals]
        if len(set(owners)) < len(owners):
            # Somebody has two interval decisions: those are changed together as well.
            rows, values = rows[pure], said.values[pure]
            step = max(len(rows) // self.density.sample, 1)
            for k in range(0, len(rows), step):
                self.node(self.last, rows[k : k + 1], [(1.0, values[k])], [], {}, False, 2)


def _drawn(play: Any) -> Drawn:
    """Return the interval actions of a play, each with its probability."""
    share = float(getattr(play, "share", 0.0))
    if share == 0:
        return [(1.0, play.values)]
    return [(1.0 - share, play.values), (share, play.other)]


def _mixed(said: Any) -> tuple[Array, Array]:
    """Return the other interval actions (n, k), and the shares (n,) with which they are played."""
    if getattr(said, "shares", None) is None:
        return said.values, np.zeros(len(said.values))
    return said.others, said.shares


def _points(said: Any, live: Any) -> Drawn:
    """Return the interval actions (k, m) at some histories, each with its probabilities (k,)."""
    others, shares = _mixed(said)
    return [(1.0 - shares[live], said.values[live]), (shares[live], others[live])]


def _drawn_at(said: Any, n: int) -> Drawn:
    """Return the interval actions that are prescribed at one history, with probabilities."""
    return [(float(p[0]), values[0]) for p, values in _points(said, [n]) if p[0] > 0]


def whatever_follows(form: StagedForm, rows: Array) -> Array:
    """Return the payoffs (n, players) before a last block of interval decisions of those to whom
    it makes no difference what is done there; NaN for others, and before other blocks.

    ``rows`` (n, size) hold the history with its levels filled.
    """
    moves = form.blocks[-1]
    found = np.full((len(rows), form.num_players), np.nan)
    if moves.finite or moves.chance is not None or not moves.intervals:
        return found
    low = np.stack([move.low.read(rows) for move in moves.intervals], axis=1)
    high = np.stack([move.high.read(rows) for move in moves.intervals], axis=1)
    every = np.arange(1, len(moves.intervals) + 1)
    for way in range(PROBES):
        shares = way * every % PROBES / (PROBES - 1)
        placed = form.placed(len(form.blocks) - 1, rows, (), low + (high - low) * shares)
        payoffs = form.finish(np.ascontiguousarray(placed))
        found = payoffs if way == 0 else np.where(found == payoffs, found, np.nan)
    return found


def _spread(rows: Array, count: int) -> Array:
    """Return at most ``count`` rows, evenly spread over all."""
    if len(rows) <= count:
        return rows
    kept: Array = rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(int))]
    return kept


def _alternatives(block: Block, row: Array, player: int) -> list[tuple[int, ...] | None]:
    """Return a player's pure finite alternatives at the node; [None] if there are none."""
    own = [move for move in block.finite if move.player == player]
    if not own:
        return [None]
    return list(product(*(move.actions(row)[0] for move in own)))


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
    if k > 2:
        # Three and more together: points that fill the box evenly.
        n = np.arange(1, CUBE + 1)[:, None]
        rows.append(lows + (highs - lows) * np.modf(n * np.sqrt(_PRIMES[:k]))[0])
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


def _beside_jumps(
    taken: Sequence[Array],
    now: float,
    lows: Array,
    highs: Array,
    payoff: Callable[[Array, tuple[int, ...] | None], tuple[Array, Array]],
    actions: tuple[int, ...] | None,
    points: int,
) -> Iterator[Array]:
    """Yield payoffs on both sides of jumps along each of a player's interval decisions, ever
    closer: what rises to the edge of a jump may be the best within a thousandth of it only.

    A jump is where neighboring differences are far from each other, and matters where what rises
    towards it may come above what the player has ``now``. The middle of its cell is on the side
    whose slope leads to what is paid there.
    """
    for values in taken:
        for j in range(len(values)):
            line = np.repeat(values[None], points + 1, axis=0)
            line[:, j] = np.linspace(lows[j], highs[j], points + 1)
            found, _ = payoff(line, actions)
            change = np.pad(np.diff(found), 1, mode="edge")
            odd = np.abs(change[1:-1] - 0.5 * (change[:-2] + change[2:]))
            odd = np.where(odd > 0.01 * np.abs(change[:-2] - change[2:]), odd, 0.0)
            reach = np.maximum(found[:-1] + 2 * change[:-2], found[1:] - 2 * change[2:])
            odd = np.where(reach > now, odd, 0.0)
            cells = np.argsort(-np.nan_to_num(odd), kind="stable")[:JUMPS]
            cells = cells[odd[cells] > tolerances.REGRET_STAGED * np.fmax.reduce(np.abs(change))]
            left, right = line[cells], line[cells + 1]
            below, above = found[cells], found[cells + 1]
            rise, fall = change[cells], change[cells + 2]
            for _ in range(HALVINGS if len(cells) else 0):
                middle = 0.5 * (left + right)
                here, _ = payoff(middle, actions)
                yield here
                rise, fall = 0.5 * rise, 0.5 * fall
                first = np.abs(here - below - rise) > np.abs(above - fall - here)
                right[first], above[first] = middle[first], here[first]
                left[~first], below[~first] = middle[~first], here[~first]
