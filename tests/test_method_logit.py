"""Logit equilibria against closed forms and Gambit; where the principal branch leads."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify import certify
from highfence.errors import MethodFailed, RequestError
from highfence.forms.normal import NormalForm
from highfence.methods.logit import fit_branch, logit, logit_profile
from highfence.solve import solve
from strategies import strategic_games


def random_game(seed: int, *shape: int) -> NormalForm:
    """Return a game with payoffs in [0, 1], both ends taken by every player."""
    table = np.random.default_rng(seed).random((len(shape), *shape))
    flat = table.reshape(len(shape), -1)
    flat -= flat.min(axis=1, keepdims=True)
    flat /= flat.max(axis=1, keepdims=True)
    return NormalForm.from_payoffs(table)


def residual(game: NormalForm, profile, precision: float) -> float:
    """Return how far probabilities are from the logit responses to them."""
    worst = 0.0
    strategies = profile.floats()
    for player in range(game.num_players):
        values = game.payoffs[player]
        for other in reversed(range(game.num_players)):
            if other != player:
                values = np.moveaxis(values, other, -1) @ strategies[other]
        weights = np.exp(precision * (values - values.max()))
        worst = max(worst, np.abs(strategies[player] - weights / weights.sum()).max())
    return worst


@pytest.mark.parametrize("precision", [0, 0.1, 1, 5, 30])
@settings(max_examples=15)
@given(game=strategic_games(payoffs=st.integers(-3, 3)))
def test_a_logit_equilibrium_is_its_own_logit_response(precision, game):
    assert residual(game, logit_profile(game, precision), precision) < 1e-9


def test_an_inspector_who_errs_inspects_at_the_known_rate():
    """In a 2x2 game of opposed interests the logit equilibrium is unique for every precision."""
    game = NormalForm.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    for precision in (0.5, 2.0, 10.0):
        p, q = (strategy[0] for strategy in logit_profile(game, precision).floats())

        assert np.log(p / (1 - p)) == pytest.approx(precision * (9 * q - (1 - q)), abs=1e-9)
        assert np.log(q / (1 - q)) == pytest.approx(precision * (1 - 2 * p), abs=1e-9)


def test_the_branch_leads_to_the_risk_dominant_equilibrium_of_a_stag_hunt():
    """Turocy (2005): in 2x2 coordination games the principal branch selects it."""
    hunt = NormalForm.bimatrix([[9, 0], [8, 7]], symmetric=True)

    assert solve(hunt, "logit").equilibria[0].profile.supports == ((1,), (1,))


def test_a_symmetric_branch_is_followed_straight_through_a_fork():
    game = NormalForm.bimatrix([[0, 3], [1, 0]], [[0, 1], [3, 0]])
    profile = solve(game, "logit").equilibria[0].profile

    assert profile.strategies == ((Fraction(3, 4), Fraction(1, 4)),) * 2


def test_two_of_three_allies_align_with_the_known_probability():
    """Palfrey and Rosenthal (1984), threshold 2 of 3, benefit 1, cost .3."""
    table = np.zeros((3, 2, 2, 2))
    for profile in np.ndindex(2, 2, 2):
        for player in range(3):
            table[(player, *profile)] = (sum(profile) >= 2) - 0.3 * profile[player]
    found = solve(NormalForm.from_payoffs(table), "logit").equilibria[0].profile.floats()

    assert all(
        min(abs(strategy[1] - p) for p in (0.183772, 0.816228)) < 1e-6 for strategy in found
    ) or all(strategy.max() == 1 for strategy in found)


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (2, 2, 2), (3, 3, 3), (2, 2, 2, 2)])
def test_equilibria_of_random_games_are_polished(shape):
    for seed in range(20):
        game = random_game(seed, *shape)

        assert certify(game, next(logit(game))).regret < 1e-12


def test_units_of_payoffs_scale_the_precision_and_nothing_else():
    game = random_game(3, 3, 3)
    scaled = NormalForm.from_payoffs(game.payoffs * 1e6 - 5)
    for precision in (1.0, 20.0):
        one = logit_profile(game, precision).floats()
        other = logit_profile(scaled, precision / 1e6).floats()

        assert np.allclose(one[0], other[0], atol=1e-8)


def test_precision_is_estimated_from_what_it_generated():
    game = random_game(7, 3, 3)
    for precision in (0.5, 4.0, 12.0):
        shares = logit_profile(game, precision).floats()
        fit = fit_branch(game, [(1000 * share).tolist() for share in shares], 1e5)

        assert fit.precision == pytest.approx(precision, rel=1e-4)
        assert not fit.at_limit


def test_uniform_play_is_precision_zero_and_exact_best_play_the_limit():
    dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    uniform, best = fit_branch(dilemma, [[5, 5]] * 2, 1e4), fit_branch(dilemma, [[0, 9]] * 2, 1e4)

    assert uniform.precision == pytest.approx(0, abs=1e-6)
    assert uniform.log_likelihood == pytest.approx(20 * np.log(0.5))
    assert best.at_limit


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (1, 2, 3), (3, 1, 2, 4), (2,) * 5])
def test_values_and_slopes_are_those_of_expected_payoffs(shape):
    from highfence.kernels.indifference import deviations

    rng = np.random.default_rng(1)
    table = rng.random((len(shape), *shape))
    chosen = [rng.dirichlet(np.ones(n)) for n in shape]
    counts = np.array(shape)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    values, slopes = np.empty(counts.sum()), np.empty((counts.sum(), counts.sum()))
    deviations(table.reshape(len(shape), -1), counts, first, np.concatenate(chosen), values, slopes)

    def averaged(player, kept):
        left = table[player]
        for other in reversed(range(len(shape))):
            if other not in kept:
                left = np.moveaxis(left, other, -1) @ chosen[other]
        return left

    parts = [slice(a, a + n) for a, n in zip(first, counts, strict=True)]
    for i, own in enumerate(parts):
        assert values[own] == pytest.approx(averaged(i, {i}))
        for j, others in enumerate(parts):
            wanted = averaged(i, {i, j})
            wanted = 0 * slopes[own, others] if i == j else wanted if i < j else wanted.T
            assert slopes[own, others] == pytest.approx(wanted)


def test_what_is_asked_wrongly_is_refused():
    game = random_game(0, 2, 2)
    with pytest.raises(RequestError, match="0 or more"):
        logit_profile(game, -1)
    with pytest.raises(RequestError, match="0 or more"):
        logit_profile(game, float("nan"))
    with pytest.raises(RequestError, match="one number"):
        fit_branch(game, [[1, 2]], 100)
    with pytest.raises(RequestError, match="not negative"):
        fit_branch(game, [[1, -2], [0, 0]], 100)


def test_a_branch_that_takes_too_many_steps_is_a_failure_that_names_the_limit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PATH_STEPS", 3)
    with pytest.raises(MethodFailed, match="MAX_PATH_STEPS"):
        next(logit(random_game(0, 3, 3)))


PEER = """
import json, sys
import numpy as np
import pygambit
made = []
for table in json.load(sys.stdin):
    table = np.array(table)
    build = getattr(pygambit, "StrategicGame", pygambit.Game).from_arrays
    game = build(*table)
    branch = pygambit.qre.logit_solve_lambda(game, lam=[2.0, 10.0])
    made.append([[p for mixed in point.profile for _, p in mixed] for point in branch])
print(json.dumps(made))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)
def test_the_principal_branch_is_that_of_gambit():
    games = [random_game(seed, *shape) for seed in range(5) for shape in ((2, 2), (3, 2), (2,) * 3)]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEER],
        input=json.dumps([game.payoffs.tolist() for game in games]),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    for game, theirs in zip(games, json.loads(ran.stdout), strict=True):
        for precision, point in zip((2.0, 10.0), theirs, strict=True):
            ours = np.concatenate(logit_profile(game, precision).floats())

            assert np.abs(ours - point).max() < 1e-4
