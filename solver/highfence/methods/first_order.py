"""All pure-strategy equilibria of games in which all decide at once over intervals.

Every way in which decisions can lie at an end of their interval or inside it is a *face*, and
the first-order conditions of every face are solved completely: by elimination where they are
polynomial (:func:`highfence.methods._critical.eliminated`), else by branch and prune with
interval arithmetic (:func:`highfence.methods._critical.pruned`). Of the solutions those are
kept from which nobody gains by deviating.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from .. import limits, tolerances
from ..errors import LimitExceeded, NotApplicable
from ..forms.staged import StagedForm
from ..solution import Findings, Finds
from ._critical import Conditions, eliminated, fits, pruned
from .plays import Play, StagedProfile
from .registry import method
from .staged import Solver

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["best_gain", "first_order", "profile_of"]

SCAN = 1_000
"""Alternatives of one decision that are compared with a solution, before looking closer."""
JOINT = 4_000
"""Joint alternatives of a player's several decisions."""
GAIN = 1e-9
"""Share of a player's payoff range up to which a gain from deviating is rounding."""
DEGREES = (0, 3, 3, 3, 1)
"""Degree of first-order conditions up to which "auto" has algebra decide, by free decisions."""
GUESSES = 50
"""Undecided boxes whose middles are tried where nothing else was found."""


def profile_of(form: StagedForm, values: Array, rule: str) -> StagedProfile:
    """Return the profile of interval actions (decisions,) of a game in which all decide once."""
    block = form.blocks[0]
    actions = tuple(move.actions(form.root)[0][0] for move in block.finite)
    mixed = tuple(
        tuple(float(a == action) for a in range(len(move.labels)))
        for move, action in zip(block.finite, actions, strict=True)
    )
    row = form.placed(0, form.root, actions, values[None])
    payoffs = form.finish(np.ascontiguousarray(row))[0]
    play = Play(0, form.root.copy(), values, mixed, payoffs, ((1.0, actions, None),))
    return StagedProfile(form, play, rule, Solver(form))


def best_gain(form: StagedForm, values: Array) -> tuple[float, bool]:
    """Return the largest gain that a scan finds for anybody who deviates from interval actions
    (decisions,), over that player's payoff range; and whether somebody is indifferent over a
    stretch of a decision around the given action."""
    block = form.blocks[0]
    actions = tuple(move.actions(form.root)[0][0] for move in block.finite)
    low = np.array([float(move.low.read(form.root)[0]) for move in block.intervals])
    high = np.array([float(move.high.read(form.root)[0]) for move in block.intervals])

    def payoffs(tried: Array) -> Array:
        rows = form.placed(0, np.repeat(form.root, len(tried), axis=0), actions, tried)
        return form.finish(np.ascontiguousarray(rows))

    now = payoffs(values[None])[0]
    worst, flat = 0.0, False
    for player in block.players:
        own = [k for k, m in enumerate(block.intervals) if m.player == player and high[k] > low[k]]
        if not own:
            continue
        if not np.isfinite(now[player]):
            return np.inf, False
        tried = []
        for k in own:
            line = np.repeat(values[None], SCAN + 1, axis=0)
            line[:, k] = np.linspace(low[k], high[k], SCAN + 1)
            tried.append(line)
        if len(own) > 1:
            joint = np.repeat(values[None], JOINT, axis=0)
            steps = np.arange(1, JOINT + 1)[:, None] * np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
            for n, k in enumerate(own):
                joint[:, k] = low[k] + (high[k] - low[k]) * np.modf(steps[:, n % 6] + n // 6)[0]
            tried.append(joint)
        table = np.concatenate(tried)
        found = payoffs(table)[:, player]
        found = np.where(np.isfinite(found), found, -np.inf)
        top = int(np.argmax(found))
        best, center = found[top], table[top].copy()
        seen = found[np.isfinite(found)]
        scale = max(
            float(np.ptp(seen)) if len(seen) else 0.0,
            tolerances.NARROW * abs(float(now[player])),
            1e-300,
        )
        for size in (1e-3, 1e-5, 1e-7):
            for k in own:
                line = np.repeat(center[None], 41, axis=0)
                line[:, k] = np.clip(
                    center[k] + size * (high[k] - low[k]) * np.linspace(-1, 1, 41), low[k], high[k]
                )
                near = payoffs(line)[:, player]
                if np.isfinite(near).any() and np.nanmax(near) > best:
                    best, center = np.nanmax(near), line[int(np.nanargmax(near))].copy()
        worst = max(worst, float(best - now[player]) / scale)
        for n, k in enumerate(own):
            # Flat over a hundredth of the interval beside the action, on either side.
            line = tried[n]
            beside = np.abs(line[:, k] - values[k]) <= 0.01 * (high[k] - low[k])
            level = payoffs(line[beside])[:, player]
            flat |= bool(len(level) and np.ptp(level) <= 1e-13 * scale)
    return worst, flat


def is_settled_by_algebra(form: StagedForm) -> bool:
    """Return whether few conditions of low degree decide: then all equilibria are found, and
    proved to be all, in about the time in which others find some."""
    conditions = Conditions(form)
    if len(conditions.free) >= len(DEGREES):
        return False
    try:
        parts = [conditions.expression(k) for k in conditions.free]
    except (NotApplicable, LimitExceeded):
        return False
    return all(top.total_degree() <= DEGREES[len(parts)] for top, _ in parts)


@method(
    "first_order",
    form=StagedForm,
    accepts=fits,
    finds=Finds.ALL,
    domain="all decide at once over intervals, by formulas; all of the equilibria in pure "
    "strategies",
    source="Karush (1939); Kuhn & Tucker (1951); Cox, Little & O'Shea (2005), sec. 2.4; "
    "Neumaier (1990), ch. 5",
    rank=20,
    first_for=is_settled_by_algebra,
    use="every equilibrium of a game in which all choose amounts at once, and a proof of it",
    pure_alone=True,
)
def first_order(
    form: StagedForm, *, limit: int | None = None
) -> Generator[StagedProfile, None, Findings]:
    """Yield all pure-strategy equilibria of a game in which all decide at once over intervals.

    Parameters
    ----------
    form
        A game of one stage (or of stages that do not observe each other) of interval decisions.
    limit
        Most equilibria to yield; :data:`highfence.limits.MAX_EQUILIBRIA` if None.

    Yields
    ------
    StagedProfile
        In order of actions.

    Notes
    -----
    Complete, and said to be, where every face's conditions are quotients of polynomials that
    elimination solves, or branch and prune left no box undecided. It is not where conditions hold
    on a curve (then there may be infinitely many equilibria, and those at the ends of intervals
    are listed), where payoffs have kinks at an equilibrium, or where
    :data:`highfence.limits.MAX_BOXES` was reached; the notes say which. Where a payoff is
    undefined nothing is looked for. Mixing over intervals is not searched.

    Cost: 3^m faces for m decisions; a few milliseconds each where conditions are linear, seconds
    where elimination is large.
    """
    most = limits.MAX_EQUILIBRIA if limit is None else limit
    conditions = Conditions(form)
    points: list[Array] = []
    rest = []
    faces = list(conditions.faces()) if len(conditions.free) <= 8 else []
    if not faces:
        return Findings(False, (f"{len(conditions.free)} decisions: too many faces to look at",))
    for face in faces:
        found = eliminated(conditions, face)
        if found is None:
            rest.append(face)
        else:
            points += [point for point in found if conditions.allows(point)]
    notes = []
    guesses: list[Array] = []
    curve, complete, boxes = False, True, 0
    if rest:
        by_boxes = pruned(conditions, rest)
        points += [point for point in by_boxes.points if conditions.allows(point)]
        boxes = len(by_boxes.undecided)
        complete = not boxes
        guesses = by_boxes.undecided[:: max(boxes // GUESSES, 1)]
        notes.append(
            f"{len(faces) - len(rest)} of {len(faces)} faces were solved by elimination, the "
            "others by branch and prune with interval arithmetic"
        )
    else:
        notes.append(f"the first-order conditions of all {len(faces)} faces were solved exactly")
    kept: list[Array] = []
    width = np.maximum(conditions.width, 1e-300)
    for point in points:
        if any((np.abs(point - other) <= tolerances.SAME * width).all() for other in kept):
            continue
        gain, flat = best_gain(form, point)
        if gain <= GAIN:
            kept.append(point)
            curve |= flat
    if curve:
        complete = False
        notes.append(
            "a decision is indifferent over a stretch of its interval: there may be infinitely "
            "many equilibria, and only some are listed"
        )
    if boxes:
        notes.append(
            f"{boxes} boxes of actions are undecided: there may be equilibria in them that are not "
            "listed, even infinitely many"
        )
    if not kept:
        kept += [p for box in guesses if best_gain(form, p := box.mean(axis=0))[0] <= GAIN][:1]
    kept.sort(key=lambda point: tuple(point))
    rule = "the solution of first-order conditions"
    for point in kept[:most]:
        yield profile_of(form, point, rule)
    if len(kept) > most:
        return Findings(False, (*notes, f"stopped at {most} equilibria"))
    if not kept:
        notes.append("mixtures over intervals were not looked for")
    return Findings(complete, tuple(notes), proves_none=complete and not kept)
