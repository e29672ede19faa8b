"""Batches of one answer a game: each is that of the method for one game, and judged anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence.concepts import eliminate_dominated
from highfence.errors import RequestError
from highfence.forms.normal import NormalForm
from highfence.methods.batch_values import eliminate_many, logit_many, zero_sum_many
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.logit import logit_profile


def tables(seed, *shape, most=None):
    """Return random payoffs: floats, or whole numbers up to ``most`` in size."""
    rng = np.random.default_rng(seed)
    return rng.random(shape) if most is None else rng.integers(-most, most + 1, shape).astype(float)


@pytest.mark.parametrize("most", [None, 1, 3], ids=["no ties", "many ties", "ties"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (5, 3), (6, 6)], ids=str)
def test_values_are_those_of_all_equilibria(shape, most):
    payoffs = tables(1, *shape, 40, most=most)
    found = zero_sum_many(payoffs)
    assert found.regret.max() <= 1e-9
    for g in range(40):
        rows = payoffs[..., g]
        x, y = next(iter(extreme_enumeration(NormalForm.from_payoffs([rows, -rows])))).floats()
        assert found.value[g] == pytest.approx(x @ rows @ y, abs=1e-9)
        # The gap is counted once more, from what the strategies are.
        gap = (rows @ found.y[g]).max() - (found.x[g] @ rows).min()
        assert gap <= 1e-9 * max(np.ptp(rows), 1)


@pytest.mark.parametrize("size", [20, 60])
def test_values_of_larger_games_have_no_gap(size):
    found = zero_sum_many(tables(2, size, size, 12))
    assert found.regret.max() <= 1e-9
    assert np.allclose(found.x.sum(axis=1), 1)
    assert (found.y >= 0).all()


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_and_shifts_change_no_optimal_strategy(factor):
    payoffs = tables(3, 4, 4, 30)
    plain, scaled = zero_sum_many(payoffs), zero_sum_many(factor * payoffs - 5 * factor)
    np.testing.assert_allclose(plain.x, scaled.x, atol=1e-9)
    np.testing.assert_allclose(factor * (plain.value - 5), scaled.value, rtol=1e-9)


def test_payoffs_far_from_zero_keep_their_digits():
    """A batch was given up for one game: far from 0 its gap was that of rounding."""
    payoffs = np.random.default_rng(8).integers(-3, 4, (4, 4, 60)).astype(float)
    plain, far = zero_sum_many(payoffs), zero_sum_many(payoffs + 1e10)
    assert far.regret.max() <= 1e-9
    np.testing.assert_allclose(far.value - 1e10, plain.value, atol=1e-5)


def test_payoffs_at_the_ends_of_what_floats_hold_are_solved():
    largest = 1.7e308
    pennies = np.array([[largest, -largest], [-largest, largest]])[..., None]
    found = zero_sum_many(pennies)
    assert found.value.tolist() == [0]
    assert found.x.tolist() == [[0.5, 0.5]]
    dilemma = np.array([[[3, 0], [5, 1]], [[3, 5], [0, 1]]])[..., None]
    scaled = logit_many((dilemma - 2.5) * (largest / 2.5), 2.5 / largest)
    assert scaled.probabilities[0] == pytest.approx(logit_many(dilemma, 1.0).probabilities[0])
    with pytest.raises(RequestError, match="larger units"):
        logit_profile(NormalForm.from_payoffs([[largest, -largest]]), 1 / largest)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_degenerate_games_do_not_cycle(seed):
    """Payoffs 0 and 1 give every tie that a tableau can have."""
    payoffs = np.random.default_rng(seed).integers(0, 2, (5, 6, 20)).astype(float)
    assert zero_sum_many(payoffs).regret.max() <= 1e-9


@pytest.mark.parametrize("most", [2, 5])
@pytest.mark.parametrize("sizes", [(3, 3), (2, 4), (3, 2, 2), (2, 2, 2, 2)], ids=str)
def test_what_survives_is_what_the_elimination_of_one_game_leaves(sizes, most):
    payoffs = tables(4, len(sizes), *sizes, 60, most=most)
    for player, size in enumerate(sizes):  # later strategies pay more, so that some dominate
        bonus = np.arange(size).reshape(-1, *(1,) * (len(sizes) - player))
        payoffs[player] += most * bonus
    found = eliminate_many(payoffs)
    eliminated = 0
    for g in range(60):
        game = NormalForm.from_payoffs(payoffs[..., g])
        left = eliminate_dominated(game, mixtures=False)
        eliminated += len(left.removed)
        for player, own in enumerate(found.survives):
            names = [game.strategies[player][a] for a in np.flatnonzero(own[g])]
            assert tuple(names) == tuple(left.form.strategies[player])
        assert (found.rounds[g] == 0) == (not left.removed)
    assert eliminated


def test_a_game_that_dominance_solves_has_that_one_equilibrium():
    payoffs = tables(5, 2, 3, 3, 500, most=6)
    found = eliminate_many(payoffs)
    assert 0 < found.solvable.sum() < 500
    for g in np.flatnonzero(found.solvable)[:40]:
        (only,) = extreme_enumeration(NormalForm.from_payoffs(payoffs[..., g]))
        for own, strategy in zip(found.survives, only.floats(), strict=True):
            assert (own[g] == (strategy > 0.5)).all()


@pytest.mark.parametrize("precision", [0, 0.7, 12.0])
@pytest.mark.parametrize("sizes", [(2, 2), (3, 4), (2, 3, 2), (2, 2, 2, 2)], ids=str)
def test_logit_play_is_that_of_the_principal_branch(sizes, precision):
    payoffs = tables(6, len(sizes), *sizes, 25)
    found = logit_many(payoffs, precision)
    assert found.found.all()
    assert found.residual.max() < 1e-9
    for g in range(25):
        alone = logit_profile(NormalForm.from_payoffs(payoffs[..., g]), precision).floats()
        for own, strategy in zip(found.probabilities, alone, strict=True):
            np.testing.assert_allclose(own[g], strategy, atol=1e-8)


def test_every_game_may_have_its_own_precision_and_units():
    payoffs = tables(7, 2, 3, 3, 20)
    factor = np.geomspace(1e-6, 1e6, 20)
    plain = logit_many(payoffs, 5.0)
    scaled = logit_many(payoffs * factor, 5.0 / factor)
    for one, other in zip(plain.probabilities, scaled.probabilities, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_logit_play_at_a_large_precision_is_nearly_an_equilibrium():
    payoffs = tables(8, 2, 3, 3, 50)
    found = logit_many(payoffs, 1e4)
    x, y = found.probabilities
    for g in np.flatnonzero(found.found):
        rows, columns = payoffs[0, ..., g] @ y[g], x[g] @ payoffs[1, ..., g]
        assert rows.max() - x[g] @ rows < 1e-3
        assert columns.max() - y[g] @ columns < 1e-3
    assert found.found.sum() >= 49


@pytest.mark.parametrize(
    "solve", [zero_sum_many, eliminate_many, lambda p, **k: logit_many(p, 2.0, **k)]
)
def test_threads_change_nothing_and_results_are_read_only(solve):
    payoffs = tables(9, *((4, 3, 700) if solve is zero_sum_many else (2, 4, 3, 700)))
    one, two = solve(payoffs), solve(payoffs, workers=2)
    for name in one.__dataclass_fields__:
        first, second = getattr(one, name), getattr(two, name)
        for a, b in zip(
            *(f if isinstance(f, tuple) else (f,) for f in (first, second)), strict=True
        ):
            np.testing.assert_array_equal(a, b)
            assert not a.flags.writeable


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: zero_sum_many(np.ones((2, 2))), r"\(m, n, games\)"),
        (lambda: zero_sum_many([[[np.inf]]]), "not a finite number"),
        (lambda: eliminate_many(np.ones((3, 2, 2, 5))), "players, actions"),
        (lambda: logit_many(np.ones((2, 2, 2, 1)), -1), "0 or more"),
        (lambda: logit_many(np.ones((2, 2, 2, 1)), np.nan), "0 or more"),
    ],
)
def test_what_is_no_batch_is_refused(call, says):
    with pytest.raises(RequestError, match=says):
        call()
