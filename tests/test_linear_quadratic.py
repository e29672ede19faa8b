"""Linear-quadratic dynamic games: feedback equilibria against published and closed-form ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify.linear_quadratic import certify_feedback
from highfence.errors import MethodFailed, RequestError, SpecError
from highfence.methods.linear_quadratic import (
    FeedbackEquilibrium,
    LinearQuadraticGame,
    coupled_riccati,
)
from highfence.solution import Certificate


def duopoly(adjustment: float = 12.0, discount: float = 0.96) -> LinearQuadraticGame:
    """Return two sellers at price 10 - 2 (q1 + q2) who pay for changing output.

    The state is (1, q1, q2), the control a firm's change of output.
    """
    payoffs = []
    for i in (0, 1):
        worth = np.zeros((5, 5))
        own, other = 1 + i, 2 - i
        worth[0, own] = 10.0
        worth[own, own] = -2.0
        worth[own, other] = -2.0
        worth[3 + i, 3 + i] = -adjustment
        payoffs.append(worth)
    return LinearQuadraticGame.from_matrices(np.eye(3), [[0, 1, 0], [0, 0, 1]], payoffs, discount)


def judged(game: LinearQuadraticGame, found: FeedbackEquilibrium) -> Certificate:
    return certify_feedback(
        game.transition, game.controls, game.payoffs, game.discounts, found.strategies
    )


def test_the_duopoly_with_adjustment_costs_is_as_published():
    """Judd (1998); numbers as in the QuantEcon lecture on Markov perfect equilibrium."""
    found = coupled_riccati(duopoly())

    assert found.strategies[0] == pytest.approx(
        np.array([[-0.66846615, 0.29512482, 0.07584666]]), abs=2e-7
    )
    assert found.strategies[1] == pytest.approx(
        np.array([[-0.66846615, 0.07584666, 0.29512482]]), abs=2e-7
    )
    assert found.path([1, 0, 3], 300)[-1] == pytest.approx([1, 1.801934, 1.801934], abs=1e-6)
    assert judged(duopoly(), found).holds


def test_firms_that_look_ahead_sell_more_than_in_one_shot():
    """The static quantity is 10 / 6; an output that is costly to change commits to more."""
    steady = coupled_riccati(duopoly()).path([1, 1, 1], 500)[-1, 1]
    myopic = coupled_riccati(duopoly(discount=0.01)).path([1, 1, 1], 30_000)[-1, 1]

    assert steady > 10 / 6 + 0.1
    assert myopic == pytest.approx(10 / 6, abs=1e-2)


def test_one_player_alone_solves_the_control_problem_in_closed_form():
    """``x' = x + u``, cost ``x^2 + u^2``: P is the golden ratio."""
    game = LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [-np.eye(2)], 1.0)
    found = coupled_riccati(game)
    golden = (1 + 5**0.5) / 2

    assert found.values[0][0, 0] == pytest.approx(-golden, rel=1e-12)
    assert found.strategies[0][0, 0] == pytest.approx(golden / (1 + golden), rel=1e-12)


def test_the_last_period_of_a_horizon_is_the_static_game():
    found = coupled_riccati(duopoly(), horizon=1)

    assert found.strategies[0] == pytest.approx(np.zeros((1, 3)))
    assert found.rounds == 1


def test_long_horizons_come_near_the_game_without_end():
    endless = coupled_riccati(duopoly()).strategies[0]
    gaps = [
        np.abs(coupled_riccati(duopoly(), k).strategies[0] - endless).max() for k in (5, 50, 400)
    ]

    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-6


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), players=st.integers(1, 3), size=st.integers(1, 3))
def test_every_feedback_equilibrium_passes_the_judge_and_a_changed_one_does_not(
    seed, players, size
):
    rng = np.random.default_rng(seed)
    total = size + 2 * players
    payoffs = []
    for i in range(players):
        root = 0.3 * rng.standard_normal((total, total))
        worth = -root @ root.T
        own = slice(size + 2 * i, size + 2 * i + 2)
        worth[own, own] -= 2 * np.eye(2)
        payoffs.append(worth)
    game = LinearQuadraticGame.from_matrices(
        0.5 * rng.standard_normal((size, size)),
        [0.5 * rng.standard_normal((size, 2)) for _ in range(players)],
        payoffs,
        0.9,
    )
    try:
        found = coupled_riccati(game)
    except MethodFailed:
        return  # the iteration may cycle, or a state may explode; then nothing is claimed
    certificate = judged(game, found)
    changed = [f + (0.05 if i == 0 else 0.0) for i, f in enumerate(found.strategies)]
    spoilt = certify_feedback(game.transition, game.controls, game.payoffs, game.discounts, changed)

    assert certificate.holds
    assert certificate.refinement == "Markov perfect"
    assert not spoilt.holds


def test_values_are_what_the_path_earns():
    game, found = duopoly(), coupled_riccati(duopoly())
    start = np.array([1.0, 0.5, 2.5])
    states = found.path(start, 1500)
    earned = 0.0
    for k, state in enumerate(states):
        moves = [-f @ state for f in found.strategies]
        z = np.concatenate([state, *moves])
        earned += 0.96**k * z @ game.payoffs[0] @ z

    assert start @ found.values[0] @ start == pytest.approx(earned, rel=1e-9)


def test_a_payoff_that_is_not_concave_has_no_best_response():
    game = LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [np.eye(2)], 0.9)

    with pytest.raises(MethodFailed, match="not concave"):
        coupled_riccati(game)


@pytest.mark.parametrize("unit", [1e-200, 1e300])
def test_units_of_payoffs_change_no_feedback(unit):
    def feedback(size):
        costs = size * np.diag([-1.0, -2.0])
        game = LinearQuadraticGame.from_matrices([[1.1]], [[0.5]], [costs], 0.95)
        return coupled_riccati(game).strategies[0]

    assert feedback(unit) == pytest.approx(feedback(1.0))


def test_what_overflows_is_said_to_grow_without_bound():
    game = LinearQuadraticGame.from_matrices([[1e300]], [[1.0]], [np.diag([-1.0, -1.0])], 0.9)

    with pytest.raises(MethodFailed, match="without bound"):
        coupled_riccati(game)


def test_the_judge_refuses_what_is_no_feedback_of_the_game():
    game = [[1.0]], [[1.0]], [np.diag([-1.0, -1.0])], [0.9]

    for strategies in ([], [[[0.5]], [[0.5]]], [[[0.5], [0.5]]], [[[float("nan")]]]):
        assert certify_feedback(*game, strategies).regret == float("inf")


def test_a_limit_on_periods_is_said(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RICCATI_ROUNDS", 5)

    with pytest.raises(MethodFailed, match="MAX_RICCATI_ROUNDS"):
        coupled_riccati(duopoly())


def test_wrong_shapes_are_refused_by_name():
    with pytest.raises(SpecError, match="transition"):
        LinearQuadraticGame.from_matrices([[1.0, 2.0]], [[1.0]], [np.eye(2)], 0.9)
    with pytest.raises(SpecError, match=r"controls\[0\]"):
        LinearQuadraticGame.from_matrices([[1.0]], [[1.0, 2.0]], [np.eye(2)], 0.9)
    with pytest.raises(SpecError, match=r"payoffs\[0\]"):
        LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [np.eye(3)], 0.9)
    with pytest.raises(SpecError, match="discount"):
        LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [np.eye(2)], 1.5)
    with pytest.raises(SpecError, match="discount: has shape"):
        LinearQuadraticGame.from_matrices([[1.0]], [[1.0]], [np.eye(2)], [0.9, 0.9])
    for horizon in (0, 1.5, "3", True):
        with pytest.raises(RequestError, match="horizon"):
            coupled_riccati(duopoly(), horizon=horizon)
