"""Staged games at many draws of their numbers at once: the compiled counterpart of `staged`.

For games, under a regime, of one shape: nothing is open in the earlier blocks, then one block
with one interval decision (and finite ones of other players), then a last block of interval
decisions. What cannot be settled here is marked, and left to :mod:`.staged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..forms.staged import Block, FiniteMove, StagedForm
from ..solution import Finds
from ._search import COARSE, FINE, Resolution
from ._stage_game import starting_points
from .registry import BATCH, concept
from .staged import POINTS, RULES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..kernels.staged_batch import Deviations

    Array = NDArray[np.float64]

__all__ = [
    "FINE",
    "LeadAnswers",
    "accepts",
    "empty_behind",
    "histories",
    "lead_answers",
    "lead_index",
]

APART = 1e-4
"""Equilibria of a history that are closer than this share of every interval are one: where
payoffs are flat, the same peak is met in slightly different places."""
ROOM = 8
"""Most equilibria of one history; with more, the history is left to the other method."""


@dataclass(frozen=True)
class LeadAnswers:
    """Equilibria proposed at n histories, one entry each, in order of history."""

    form: StagedForm
    profiles: tuple[tuple[int, ...], ...]
    """Joint actions of the block's finite moves."""
    history: NDArray[np.int64]
    """(e,): of which history."""
    lead: Array
    """(e,): the interval action, in its units."""
    weights: Array
    """(e, len(profiles))."""
    actions: Array
    """(e, len(profiles), m): the last block's actions behind each profile that is played."""
    starts: Array
    """(e, q, m): scaled actions from which the last block's answer to a history is looked for."""
    near: NDArray[np.bool_]
    """(e,): whether the first is the path's own, not a corner."""
    branches: Array
    """(n, len(profiles), steps + 1, m): scaled actions of the last block over a scan of the
    interval action; what is behind other actions is looked for from there, where ``near``."""
    left: NDArray[np.bool_]
    """(n,): not settled here."""
    refuted: NDArray[np.bool_]
    """(n,): by every rule the leader's reply to each joint action of the finite moves was found,
    and a finite player leaves each."""

    def prescribe(
        self, which: NDArray[np.int64], rows: Array
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return what the equilibria ``which`` (r,) have done in the last block, behind rows.

        Returns
        -------
        tuple of array
            Actions (r, m), payoffs (r, players), whether there is an answer (r,). Each row's
            answer depends on the row and its equilibrium alone.
        """
        from ..kernels.staged_batch import answer, answer_of_many, answer_rows, room

        moves = self.form.blocks[-1].intervals
        rows = np.ascontiguousarray(rows.copy())
        low = np.stack([move.low.read(rows) for move in moves], axis=1)
        high = np.stack([move.high.read(rows) for move in moves], axis=1)
        actions = np.empty((len(rows), len(moves)))
        payoffs = np.empty((len(rows), self.form.num_players))
        known = np.zeros(len(rows), dtype=np.bool_)
        program = self.form.program
        answer_rows(
            answer if len(moves) <= 2 else answer_of_many,
            program.objective,
            program.line,
            program.finish,
            rows,
            np.array([move.slot for move in moves]),
            np.array([move.player for move in moves]),
            np.ascontiguousarray(low),
            np.ascontiguousarray(high),
            self._first(which, rows),
            self.starts,
            np.ascontiguousarray(which),
            self.near[which],
            POINTS,
            np.zeros(room(POINTS, len(moves))),
            actions,
            payoffs,
            known,
        )
        return actions, payoffs, known

    def _first(self, which: NDArray[np.int64], rows: Array) -> Array:
        """Return scaled actions (r, m) from which answers to histories are looked for first."""
        first: Array = self.starts[which, 0]
        block = self.form.blocks[lead_index(self.form)]
        move, steps = block.intervals[0], self.branches.shape[2] - 1
        low, high = move.low.read(rows), move.high.read(rows)
        share = (rows[:, move.slot] - low) / np.where(high > low, high - low, 1.0)
        at = np.clip(np.rint(steps * np.nan_to_num(share)), 0, steps).astype(np.int64)
        profile = np.zeros(len(rows), np.int64)
        for finite in block.finite:
            profile = profile * len(finite.labels) + rows[:, finite.slot].astype(np.int64)
        scanned = self.branches[self.history[which], profile, at]
        known = self.near[which] & ~np.isnan(scanned[:, 0])
        first[known] = scanned[known]
        return np.ascontiguousarray(first)


def lead_index(form: StagedForm) -> int:
    """Return which block the batch is about: the one before the last."""
    return len(form.blocks) - 2


def accepts(form: StagedForm) -> bool:
    """Return whether the game has the shape that is solved here."""
    if len(form.blocks) < 2:
        return False
    *earlier, lead, last = form.blocks
    if any(block.chance is not None or block.intervals for block in earlier):
        return False
    if lead.chance is not None or len(lead.intervals) != 1:
        return False
    leader = lead.intervals[0].player
    if any(move.player == leader for move in lead.finite):
        return False
    owners = [move.player for move in last.intervals]
    return last.chance is None and not last.finite and len(set(owners)) == len(owners) > 0


def histories(form: StagedForm, inputs: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the histories (n, size) at which the block is played, one a draw.

    Parameters
    ----------
    inputs
        (n, parameters), in the order of the first slots.

    Returns
    -------
    tuple of array
        The rows, and (n,) whether nothing is open before the block, and no interval empty.
    """
    rows = np.zeros((len(inputs), form.root.shape[1]))
    rows[:, : inputs.shape[1]] = inputs
    form.advance(rows, -1)
    plain = np.ones(len(rows), dtype=np.bool_)
    for k in range(lead_index(form)):
        taken = []
        for move in form.blocks[k].finite:
            open_to = _open(move, rows)
            plain &= open_to.sum(axis=1) == 1
            taken.append(open_to.argmax(axis=1))
        rows = form.placed(k, rows, np.stack(taken, axis=1).tolist())
    leader = form.blocks[lead_index(form)].intervals[0]
    plain &= leader.low.read(rows) <= leader.high.read(rows)
    return rows, plain


def empty_behind(form: StagedForm, rows: Array) -> NDArray[np.bool_]:
    """Return at which histories (n,) an interval of the last block is empty after some action."""
    block = form.blocks[lead_index(form)]
    leader = block.intervals[0]
    low, high = leader.low.read(rows), leader.high.read(rows)
    empty = np.zeros(len(rows), dtype=np.bool_)
    for profile in product(*(range(len(move.labels)) for move in block.finite)):
        for share in np.linspace(0, 1, COARSE.grid + 1):
            lead = low + (high - low) * share
            placed = form.placed(lead_index(form), rows, profile, lead[:, None])
            for move in form.blocks[-1].intervals:
                least, most = move.low.read(placed), move.high.read(placed)
                empty |= least > most + 1e-12 * (np.abs(least) + np.abs(most))
    return empty


@concept(
    "solve_draws",
    takes="staged games at many draws of their numbers",
    finds=Finds.SOME,
    source="Backward induction (Selten 1965), all draws side by side",
    call="highfence.study.draws.solve_draws",
    use="a game with intervals at thousands of draws",
    kind=BATCH,
)
def lead_answers(
    form: StagedForm,
    rows: Array,
    resolution: Resolution = COARSE,
    corners: bool = False,
    lenient: bool = False,
) -> LeadAnswers:
    """Propose equilibria at many histories.

    Parameters
    ----------
    form
        A game that :func:`accepts` takes.
    rows
        (n, size) from :func:`histories`.
    resolution
        How closely the interval of the block before the last is searched.
    corners
        Solve a rule for each corner at every history, not only where the last block was seen
        to have several equilibria; there without mixtures.
    lenient
        Let a finite player be content although another action leads to where no answer of the
        last block is met, unless that action pays more whatever follows: what is proposed is
        then no more than an equilibrium of the block, given what is known to follow. Rules are
        solved without mixtures.

    Notes
    -----
    Not promised: that all equilibria are found (see :func:`highfence.methods.staged.staged`,
    whose search this follows). Histories where nothing is found, or that have more than
    :data:`ROOM` answers, are ``left``. Where the leader is indifferent over a stretch, its
    ends are listed.
    Where the last block has several equilibria, a rule for each corner is solved.

    Cost on the flagship: about a millisecond a history.
    """
    first = starting_points(len(form.blocks[-1].intervals))
    search = _Search(form, resolution)
    from ..kernels.staged_batch import CORNER, OVERFLOW, REFUTED, SEVERAL

    history, lead, weights, actions, marks, branches = search.run(
        rows, first, False, lenient=lenient
    )
    if corners:
        marks = marks & ~(15 * CORNER) | SEVERAL
    starts = _references(form, actions, weights, lead, history, rows, search.profiles, first)
    near = np.ones(len(history), dtype=np.bool_)
    left, refuted = (marks & OVERFLOW) > 0, (marks & REFUTED) > 0
    several = np.flatnonzero((marks & SEVERAL) > 0)
    if len(several):
        refuted[several] = True
        keep = ~np.isin(history, several)
        parts = [
            (history[keep], lead[keep], weights[keep], actions[keep], starts[keep], near[keep])
        ]
        names = RULES if len(form.blocks[-1].intervals) > 1 else list(RULES)[:2]
        for name in names:
            one, others = RULES[name]
            # Where it was seen which corners lead to different answers, those are enough; else
            # two that are opposite.
            seen = (marks[several] // CORNER & 15).astype(np.int64)
            unseen = (seen == 0) & (corners or one != others)
            asked = several[unseen | ((seen >> int(2 * one + others)) & 1 > 0)]
            if not len(asked):
                continue
            corner = np.full((1, first.shape[1]), others)
            corner[0, 0] = one
            ruled = np.concatenate([corner, first])
            found = search.run(
                rows[asked], ruled, True, mixed=not (corners or lenient), lenient=lenient
            )
            left[asked] |= (found[4] & OVERFLOW) > 0
            these = np.repeat(ruled[None], len(found[0]), axis=0)
            # The path's own starts have one row less: repeat the last.
            alone = np.zeros(len(these), dtype=np.bool_)
            parts.append((asked[found[0]], *found[1:4], these, alone))
        rooms = max(part[4].shape[1] for part in parts)
        parts = [(*part[:4], _padded(part[4], rooms), part[5]) for part in parts]
        columns: list[Any] = [np.concatenate([part[k] for part in parts]) for k in range(6)]
        history, lead, weights, actions, *_ = columns
        kept = _distinct(history, lead, weights, actions, search.width(rows), search.spans())
        history, lead, weights, actions, starts, near = (column[kept] for column in columns)
    left |= np.bincount(history, minlength=len(rows)) == 0
    order = np.lexsort([lead, history])
    return LeadAnswers(
        form, search.profiles, history[order], lead[order], weights[order], actions[order],
        np.ascontiguousarray(starts[order]), near[order], branches, left, refuted,
    )  # fmt: skip


class _Search:
    """What the kernel takes, made once for a form."""

    def __init__(self, form: StagedForm, resolution: Resolution) -> None:
        self.form, self.resolution = form, resolution
        self.index = lead_index(form)
        block = form.blocks[self.index]
        self.block: Block = block
        self.profiles: tuple[tuple[int, ...], ...] = tuple(
            product(*(range(len(move.labels)) for move in block.finite))
        )
        self.deviations = _deviations(block.finite, self.profiles)

    def width(self, rows: Array) -> Array:
        """Return the width of the interval at every history."""
        move = self.block.intervals[0]
        return move.high.read(rows) - move.low.read(rows)

    def spans(self) -> Array:
        """Return the widths of the last block's intervals, (m,); 1 where they vary."""
        moves = self.form.blocks[-1].intervals
        varies = [move.low.slot >= 0 or move.high.slot >= 0 for move in moves]
        widths = [move.high.value - move.low.value for move in moves]
        return np.where(varies, 1.0, widths)

    def run(
        self, rows: Array, starts: Array, ruled: bool, mixed: bool = True, lenient: bool = False
    ) -> tuple[Any, ...]:
        """Return history, lead, weights, actions of what is found, every history's marks, and
        the last block's scaled actions over the scan."""
        from ..kernels.staged_batch import Found, Last, answer, answer_of_many, lead_rows, room

        form, block, last = self.form, self.block, self.form.blocks[-1].intervals
        leader = block.intervals[0]
        n, p, m = len(rows), len(self.profiles), len(last)
        low, high = leader.low.read(rows), leader.high.read(rows)
        open_to = np.ones((n, p), dtype=np.bool_)
        for c, move in enumerate(block.finite):
            free = _open(move, rows)
            open_to &= free[:, [profile[c] for profile in self.profiles]]
        found = Found(
            np.zeros(n, np.int64),
            np.zeros(n, np.int64),
            np.full((n, ROOM), np.nan),
            np.full((n, ROOM, p), np.nan),
            np.full((n, ROOM, p, m), np.nan),
            np.full((n, p, self.resolution.grid + 1, m), np.nan),
        )
        behind = Last(
            np.array(self.profiles, dtype=np.float64).reshape(p, len(block.finite)),
            np.array([move.slot for move in block.finite], dtype=np.int64),
            np.array([move.slot for move in last]),
            np.array([move.player for move in last]),
            np.array([move.low.slot for move in last]),
            np.array([move.low.value for move in last]),
            np.array([move.high.slot for move in last]),
            np.array([move.high.value for move in last]),
            np.ascontiguousarray(starts),
        )
        deviations = self.deviations
        if not mixed:
            deviations = deviations._replace(pairs=deviations.pairs[:0], quads=deviations.quads[:0])
        program = form.program
        lead_rows(
            answer if len(last) <= 2 else answer_of_many,
            program.advance,
            program.objective,
            program.line,
            program.finish,
            np.ascontiguousarray(rows.copy()),
            behind,
            np.array([self.index, leader.slot, leader.player, form.num_players]),
            np.ascontiguousarray(np.stack([low, high], axis=1)),
            open_to,
            deviations,
            self.resolution.grid,
            POINTS,
            self.resolution.edge,
            ruled,
            lenient,
            np.zeros(room(POINTS, m) + 2 * m),
            found,
        )
        live = np.arange(ROOM)[None] < found.counts[:, None]
        history, _ = np.nonzero(live)
        lead = low[history] + (high - low)[history] * found.leads[live]
        weights = found.weights[live]
        actions = self._unscaled(rows[history], lead, weights, found.actions[live])
        return history, lead, weights, actions, found.marks, found.branches

    def _unscaled(self, rows: Array, lead: Array, weights: Array, scaled: Array) -> Array:
        """Return the last block's actions in their units, NaN behind profiles not played."""
        actions = np.full_like(scaled, np.nan)
        for k, profile in enumerate(self.profiles):
            live = np.flatnonzero(weights[:, k] > 0)
            if len(live):
                placed = self.form.placed(self.index, rows[live], profile, lead[live, None])
                for j, move in enumerate(self.form.blocks[-1].intervals):
                    low, high = move.low.read(placed), move.high.read(placed)
                    actions[live, k, j] = low + (high - low) * scaled[live, k, j]
        return actions


def _open(move: FiniteMove, rows: Array) -> NDArray[np.bool_]:
    """Return which actions of a finite move can be taken, (n, actions)."""
    table = np.zeros((len(rows), len(move.labels)), dtype=np.bool_)
    for action in move.allowed:
        table[:, action] = move.conditions[action].read(rows) != 0.0
    return table


def _deviations(moves: Sequence[FiniteMove], profiles: Sequence[tuple[int, ...]]) -> Deviations:
    """Return what finite players can change, as the kernel takes it."""
    from ..kernels.staged_batch import Deviations

    index = {profile: k for k, profile in enumerate(profiles)}
    players = sorted({move.player for move in moves})
    own = {i: [c for c, move in enumerate(moves) if move.player == i] for i in players}
    options = {i: list(product(*(range(len(moves[c].labels)) for c in own[i]))) for i in players}

    def changed(profile: tuple[int, ...], i: int, actions: tuple[int, ...]) -> int:
        new = list(profile)
        for c, action in zip(own[i], actions, strict=True):
            new[c] = action
        return index[tuple(new)]

    columns = [(i, actions) for i in players for actions in options[i]]
    swaps = np.array(
        [[changed(profile, i, actions) for i, actions in columns] for profile in profiles],
        dtype=np.int64,
    ).reshape(len(profiles), len(columns))
    movers = np.array([i for i, _ in columns], dtype=np.int64)
    pairs, quads = [], []
    for i in players:
        for a, b in combinations(options[i], 2):
            bases = sorted({changed(profile, i, a) for profile in profiles})
            pairs += [(i, base, changed(profiles[base], i, b)) for base in bases]
    for i, j in combinations(players, 2):
        for a, b in combinations(options[i], 2):
            for c, d in combinations(options[j], 2):
                bases = sorted({changed(profiles[changed(p, i, a)], j, c) for p in profiles})
                for base in bases:
                    corner = profiles[base]
                    there = profiles[changed(corner, i, b)]
                    quads.append(
                        (i, j, base, changed(corner, j, d), index[there], changed(there, j, d))
                    )
    return Deviations(
        swaps,
        movers,
        np.array(pairs, dtype=np.int64).reshape(-1, 3),
        np.array(quads, dtype=np.int64).reshape(-1, 6),
    )


def _references(
    form: StagedForm,
    actions: Array,
    weights: Array,
    lead: Array,
    history: NDArray[np.int64],
    rows: Array,
    profiles: Sequence[tuple[int, ...]],
    first: Array,
) -> Array:
    """Return starts (e, q, m) for answers off the path: the path's own actions come first."""
    m = first.shape[1]
    starts = np.repeat(first[None], len(history), axis=0)
    main = weights.argmax(axis=1) if len(weights) else np.zeros(0, int)
    reference = np.empty((len(history), m))
    for k, profile in enumerate(profiles):
        live = np.flatnonzero(main == k)
        if len(live):
            placed = form.placed(lead_index(form), rows[history[live]], profile, lead[live, None])
            for j, move in enumerate(form.blocks[-1].intervals):
                low = move.low.read(placed)
                width = move.high.read(placed) - low
                share = (actions[live, k, j] - low) / np.where(width > 0, width, 1.0)
                reference[live, j] = np.clip(share, 0.0, 1.0)
    return np.concatenate([reference[:, None], starts], axis=1)


def _padded(starts: Array, rooms: int) -> Array:
    """Return starts (e, rooms, m): the last start, tried once more, fills the rest."""
    missing = rooms - starts.shape[1]
    return np.concatenate([starts, np.repeat(starts[:, -1:], missing, axis=1)], axis=1)


def _distinct(
    history: NDArray[np.int64],
    lead: Array,
    weights: Array,
    actions: Array,
    width: Array,
    spans: Array,
) -> NDArray[np.int64]:
    """Return which entries do not repeat an earlier one of the same history."""
    kept: list[int] = []
    seen: dict[int, list[int]] = {}
    for e in range(len(history)):
        others = seen.setdefault(int(history[e]), [])
        played = weights[e] > 0
        for other in others:
            close = abs(lead[e] - lead[other]) <= APART * width[history[e]]
            close &= bool(np.abs(weights[e] - weights[other]).max() <= APART)
            if close and np.array_equal(played, weights[other] > 0):
                apart = np.abs(actions[e][played] - actions[other][played])
                if np.all(apart <= APART * spans):
                    break
        else:
            others.append(e)
            kept.append(e)
    return np.array(kept, dtype=np.int64)
