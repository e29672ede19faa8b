"""Iterated dominance: textbook games, what must survive, and the judge."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from highfence import limits
from highfence.certify.concepts import certify_elimination
from highfence.concepts import eliminate_dominated
from highfence.errors import LimitExceeded
from highfence.forms.normal import NormalForm
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.pure import pure_enumeration
from strategies import SMALL, strategic_games, two_player_games

BY_A_MIXTURE = NormalForm.bimatrix([[3, 0], [0, 3], [1, 1]], [[1, 2], [2, 1], [0, 5]])


def test_a_strategy_that_only_a_mixture_dominates_goes():
    """Shoham and Leyton-Brown (2009), section 3.4.3."""
    found = eliminate_dominated(BY_A_MIXTURE)

    assert [step.strategy for step in found.removed] == ["3"]
    assert found.removed[0].dominated_by == {"1": Fraction(1, 2), "2": Fraction(1, 2)}
    assert found.form.num_strategies == (2, 2)
    assert eliminate_dominated(BY_A_MIXTURE, mixtures=False).removed == ()


def test_rounds_are_recorded_in_order():
    """A guess of two thirds of the average, 0 to 3 with prizes for the closer: only 0 is left."""
    size = 4
    table = np.zeros((2, size, size), dtype=int)
    for a, b in np.ndindex(size, size):
        target = (a + b) / 3
        table[:, a, b] = (abs(a - target) <= abs(b - target), abs(b - target) <= abs(a - target))
    found = eliminate_dominated(NormalForm.from_payoffs(table), weak=True)

    assert found.form.strategies == (("1",), ("1",))
    assert [step.round for step in found.removed] == sorted(step.round for step in found.removed)
    assert not all(step.strict for step in found.removed)
    assert found.certificate.exact
    assert found.certificate.holds


@settings(max_examples=40)
@given(game=two_player_games(4, SMALL))
def test_strict_elimination_keeps_every_equilibrium_and_makes_none(game):
    found = eliminate_dominated(game)
    kept = [
        [labels.index(label) for label in left]
        for labels, left in zip(game.strategies, found.form.strategies, strict=True)
    ]
    widened = set()
    for profile in extreme_enumeration(found.form):
        strategies = []
        for strategy, places, count in zip(
            profile.strategies, kept, game.num_strategies, strict=True
        ):
            row = [Fraction(0)] * count
            for p, k in zip(strategy, places, strict=True):
                row[k] = p
            strategies.append(tuple(row))
        widened.add(tuple(strategies))

    assert widened == {profile.strategies for profile in extreme_enumeration(game)}
    assert found.certificate.holds


@settings(max_examples=40)
@given(game=strategic_games((2, 3), 3, SMALL))
def test_weak_elimination_makes_no_pure_equilibrium(game):
    found = eliminate_dominated(game, weak=True)
    before = {
        tuple(game.strategies[i][k] for i, (k,) in enumerate(profile.supports))
        for profile in pure_enumeration(game)
    }
    after = {
        tuple(found.form.strategies[i][k] for i, (k,) in enumerate(profile.supports))
        for profile in pure_enumeration(found.form)
    }

    assert after <= before
    assert found.certificate.holds


@settings(max_examples=20)
@given(game=strategic_games((2, 3), 3, SMALL))
def test_nothing_is_left_to_remove(game):
    assert eliminate_dominated(eliminate_dominated(game, weak=True).form, weak=True).removed == ()


def test_the_judge_rejects_what_is_not_dominated():
    half = Fraction(1, 2)

    assert certify_elimination(BY_A_MIXTURE, [[(0, 2, {0: half, 1: half}, True)]]).holds
    assert not certify_elimination(BY_A_MIXTURE, [[(0, 0, {1: Fraction(1)}, True)]]).holds
    assert not certify_elimination(BY_A_MIXTURE, [[(0, 2, {0: half}, True)]]).holds
    twice = [[(0, 2, {0: half, 1: half}, True)], [(0, 2, {0: half, 1: half}, True)]]
    assert not certify_elimination(BY_A_MIXTURE, twice).holds


def test_a_program_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_DOMINANCE_CELLS", 5)
    with pytest.raises(LimitExceeded, match="mixtures=False"):
        eliminate_dominated(BY_A_MIXTURE)
