"""Answers that are certified, made wrong in many ways: the judge of batches rejects what a plain
count of gains, written here once more, finds to gain.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from highfence import load
from highfence.certify.staged import LIGHT
from highfence.certify.staged_batch import certify_leads
from highfence.forms.build import build
from highfence.forms.staged import StagedForm
from highfence.methods.staged_batch import LeadAnswers, histories, lead_answers, lead_index
from highfence.study.sample import sample

DRAWS = 4
TOLERANCE = 1e-4
LEADS, LINE = np.linspace(0, 1, 11), np.linspace(0, 1, LIGHT.behind + 1)
SIZES = (-1e-2, -1e-3, 1e-3, 1e-2)

Profile = dict[str, Any]
"""What is judged: lead, weights, actions, prescribe."""


@pytest.fixture(scope="module", params=["none", "small_yard", "broad"])
def cell(request) -> tuple[StagedForm, np.ndarray, LeadAnswers]:
    game = load("small_yard_high_fence")
    form = build(game, regime=request.param)
    assert isinstance(form, StagedForm)
    table = dict(sample(game, DRAWS, 21))
    table["mM"] = 1 - table["mF"]
    inputs = np.repeat(form.root[:, : len(form.plan.names)], DRAWS, axis=0)
    for name, column in table.items():
        inputs[:, form.plan.names.index(name)] = column
    rows, plain = histories(form, inputs)
    assert plain.all()
    found = lead_answers(form, rows)
    return form, rows[found.history], found


def judged(cell: Any, profile: Profile) -> np.ndarray:
    form, rows, found = cell
    return certify_leads(form, lead_index(form), rows, found.profiles, **profile).regret


def as_found(found: LeadAnswers) -> Profile:
    names = ("lead", "weights", "actions", "prescribe")
    return {name: getattr(found, name) for name in names}


def answered(cell: Any, profile: Profile, everywhere: bool = False) -> Profile:
    """Have the last block done as the rule says, where it is played or everywhere."""
    form, rows, found = cell
    actions = profile["actions"].copy()
    for k, joint in enumerate(found.profiles):
        placed = form.placed(lead_index(form), rows, joint, profile["lead"][:, None])
        said, _, known = profile["prescribe"](np.arange(len(rows)), placed)
        live = known & (everywhere | (profile["weights"][:, k] > 0))
        actions[live, k] = said[live]
    return {**profile, "actions": actions}


def wrong(cell: Any) -> Iterator[tuple[str, Profile]]:
    """Yield profiles that were certified, and made wrong."""
    form, _, found = cell
    base = as_found(found)
    (leader,) = form.blocks[lead_index(form)].intervals
    last = form.blocks[-1].intervals
    for size in SIZES:
        lead = found.lead + size * (leader.high.value - leader.low.value)
        lead = np.clip(lead, leader.low.value, leader.high.value)
        yield f"lead {size}", {**base, "lead": lead}
        yield f"lead {size}, answered", answered(cell, {**base, "lead": lead})
        for j, move in enumerate(last):
            low, high = move.low.value, move.high.value
            actions = found.actions.copy()
            actions[..., j] = np.clip(actions[..., j] + size * (high - low), low, high)
            yield f"{move.name} {size}", {**base, "actions": actions}

            def behind(which: Any, rows: Any, j: int = j, ends: Any = (low, high, size)) -> Any:
                said, payoffs, known = found.prescribe(which, rows)
                low, high, size = ends
                said[:, j] = np.clip(said[:, j] + size * (high - low), low, high)
                return said, payoffs, known

            yield f"{move.name} {size} behind", {**base, "prescribe": behind}
    count = len(found.profiles)
    main = found.weights.argmax(axis=1)
    every = answered(cell, base, everywhere=True)
    for shift in range(1, count):
        weights = np.zeros_like(found.weights)
        weights[np.arange(len(main)), (main + shift) % count] = 1
        yield f"joint action + {shift}", {**every, "weights": weights}
    shape = tuple(len(move.labels) for move in form.blocks[lead_index(form)].finite)
    table = found.weights.reshape(-1, *shape)
    for c in range(len(shape)):
        for share in (0.999, 0.9, 0.5):
            mixed = share * table + (1 - share) * np.roll(table, 1, axis=1 + c)
            yield f"mixture {c} {share}", {**every, "weights": mixed.reshape(-1, count)}
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        starts = found.starts.copy()
        starts[:, 0] = corner
        near = np.zeros_like(found.near)
        other = dataclasses.replace(found, starts=starts, near=near)
        profile = {**base, "prescribe": other.prescribe}
        yield f"rule {corner}", profile
        yield (
            f"rule {corner} on the path",
            {**answered(cell, profile), "prescribe": base["prescribe"]},
        )


def gains(cell: Any, profile: Profile) -> np.ndarray:
    """Return what the best deviation found brings, over all payoffs seen, (e,): actions of the
    leader, finite actions of the others, and those of the last block on the path and behind."""
    form, rows, found = cell
    block = lead_index(form)
    (leader,) = form.blocks[block].intervals
    finite, last = form.blocks[block].finite, form.blocks[-1].intervals
    slots = [move.slot for move in last]
    regret = np.zeros(len(rows))
    for e in range(len(rows)):
        seen: list[np.ndarray] = []
        gain = np.zeros(form.num_players)

        def played(k: int, lead: float, e: int = e, seen: Any = seen, gain: Any = gain) -> Any:
            row = form.placed(block, rows[e : e + 1], found.profiles[k], np.array([[lead]]))
            if lead == profile["lead"][e] and profile["weights"][e, k] > 0:
                row[:, slots] = profile["actions"][e, k]
            else:
                said, _, known = profile["prescribe"](np.array([e]), row)
                if not known[0]:
                    return np.full(form.num_players, np.nan)
                row[:, slots] = said[0]
            payoffs = form.finish(row)[0]
            seen.append(payoffs)
            for move in last:
                low, high = move.low.read(row)[0], move.high.read(row)[0]
                tried = np.repeat(row, len(LINE), axis=0)
                tried[:, move.slot] = low + (high - low) * LINE
                found_ = form.finish(tried)[:, move.player]
                gain[move.player] = max(gain[move.player], found_.max() - payoffs[move.player])
                for end in (found_.min(), found_.max()):
                    seen.append(np.where(np.arange(len(payoffs)) == move.player, end, payoffs))
            return payoffs

        live = np.flatnonzero(profile["weights"][e] > 0)
        now = sum(profile["weights"][e, k] * played(k, profile["lead"][e]) for k in live)
        low, high = leader.low.read(rows)[e], leader.high.read(rows)[e]
        for lead in low + (high - low) * LEADS:
            total = sum(profile["weights"][e, k] * played(k, lead)[leader.player] for k in live)
            gain[leader.player] = np.nanmax([gain[leader.player], total - now[leader.player]])
        for c, move in enumerate(finite):
            for action in move.allowed:
                if not move.conditions[action].read(rows)[e]:
                    continue
                total = 0.0
                for k in live:
                    swapped = list(found.profiles[k])
                    swapped[c] = action
                    to = found.profiles.index(tuple(swapped))
                    total += profile["weights"][e, k] * played(to, profile["lead"][e])[move.player]
                gain[move.player] = np.nanmax([gain[move.player], total - now[move.player]])
        spread = np.ptp(np.array(seen), axis=0)
        regret[e] = (gain / np.where(spread > 0, spread, 1)).max()
    return regret


def test_what_is_found_is_certified(cell):
    regret = judged(cell, as_found(cell[2]))

    assert (regret <= TOLERANCE).mean() > 0.9


def test_wrong_profiles_that_gain_are_rejected(cell):
    rejected = compared = 0
    for name, profile in wrong(cell):
        plain = gains(cell, profile)
        regret = judged(cell, profile)
        compared += len(plain)
        rejected += int((regret > TOLERANCE).sum())
        # The judge sees more payoffs, so that its scale may be larger.
        assert (regret >= 0.5 * plain)[plain > TOLERANCE].all(), name
    assert rejected > 0.4 * compared
