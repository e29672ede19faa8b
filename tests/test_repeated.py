"""Repeated games: thresholds in closed form, and payoff sets against a slower way to them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify.repeated import certify_payoff_set
from highfence.errors import RequestError
from highfence.forms.normal import NormalForm
from highfence.methods.repeated import (
    critical_discount,
    feasible_set,
    grim_trigger,
    individually_rational_set,
    minmax,
    payoff_set,
    tit_for_tat,
)

DILEMMA = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)


def market_access(us: Fraction, china: Fraction, tariff: Fraction, value: Fraction) -> NormalForm:
    """Return a dilemma of market access: closing one's market gains ``tariff`` times its size,
    and costs the other ``value`` times that size."""
    row, column = np.empty((2, 2), dtype=object), np.empty((2, 2), dtype=object)
    for a in (0, 1):
        for b in (0, 1):
            row[a, b] = a * tariff * us + (1 - b) * value * china
            column[a, b] = b * tariff * china + (1 - a) * value * us
    return NormalForm.bimatrix(row, column)


def test_grim_trigger_and_tit_for_tat_have_their_textbook_thresholds():
    assert grim_trigger(DILEMMA, (0, 0), (1, 1)).all_players == Fraction(1, 2)
    assert tit_for_tat(5, 3, 1, 0).all_players == Fraction(2, 3)


def test_reciprocal_market_access_needs_the_patience_of_the_larger_market():
    """Threshold of i: tariff m_i / (value m_j)."""
    game = market_access(Fraction(1), Fraction(7, 10), Fraction(1, 2), Fraction(1))
    found = grim_trigger(game, (0, 0), (1, 1))

    assert found.players == (Fraction(5, 7), Fraction(7, 20))
    assert found.all_players == Fraction(5, 7)


def test_a_threshold_that_nothing_reaches_is_none():
    generous = NormalForm.bimatrix([[1, 0], [3, 2]], symmetric=True)  # defection pays all more
    assert grim_trigger(generous, (0, 0), (1, 1)).all_players is None
    assert tit_for_tat(5, 3, 2, Fraction(5, 2) - 2).all_players == Fraction(4, 5)
    assert tit_for_tat(9, 3, 1, 0).all_players is None


def test_an_equilibrium_of_the_stage_game_needs_no_patience():
    assert grim_trigger(DILEMMA, (1, 1), (1, 1)).all_players == 0
    assert critical_discount(DILEMMA, (1, 1)) == 0.0


def test_a_punishment_that_is_no_equilibrium_is_refused():
    with pytest.raises(RequestError, match="no equilibrium of the stage game"):
        grim_trigger(DILEMMA, (0, 0), (0, 0))


def test_minmax_in_pure_and_in_mixed_strategies():
    pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    three = NormalForm.from_payoffs(np.arange(24).reshape(3, 2, 2, 2))

    assert (minmax(pennies, 1), minmax(pennies, 1, mixed=True)) == (1, 0)
    assert minmax(DILEMMA, 0) == minmax(DILEMMA, 0, mixed=True) == 1
    assert minmax(three, 0) == 4
    with pytest.raises(RequestError, match="two players"):
        minmax(three, 0, mixed=True)
    with pytest.raises(RequestError, match="no player 3"):
        minmax(three, 3)


def test_the_feasible_and_rational_payoffs_of_the_dilemma():
    assert feasible_set(DILEMMA) == ((0, 5), (1, 1), (5, 0), (3, 3))
    assert set(individually_rational_set(DILEMMA)) == {
        (1, 1), (Fraction(13, 3), 1), (3, 3), (1, Fraction(13, 3)),
    }  # fmt: skip
    assert individually_rational_set(DILEMMA, (6, 6)) == ()


def test_patience_widens_the_payoff_set_of_the_dilemma_from_a_point_to_all_that_is_rational():
    impatient, patient = payoff_set(DILEMMA, 0.2), payoff_set(DILEMMA, 0.9)

    assert np.array(impatient.corners) == pytest.approx(np.ones((1, 2)))
    assert np.array(patient.corners) == pytest.approx(
        np.array([[1, 1], [13 / 3, 1], [3, 3], [1, 13 / 3]], dtype=float), abs=1e-9
    )
    assert patient.worst == pytest.approx((1, 1))
    assert critical_discount(DILEMMA, (0, 0)) == pytest.approx(0.5, abs=2e-6)


def test_harsher_punishments_than_the_static_equilibrium_lower_the_threshold():
    """Abreu (1988): with a third, ruinous action, an equilibrium worse than the static one."""
    game = NormalForm.bimatrix([[3, 0, -4], [5, 1, -4], [-3, -3, -4]], symmetric=True)
    plain = grim_trigger(game, (0, 0), (1, 1)).all_players
    best = critical_discount(game, (0, 0))

    assert plain == Fraction(1, 2)
    assert best is not None
    assert best < 0.45


@pytest.mark.parametrize("unit", [1e-200, 1e-13, 1e-9, 1e9, 1e300])
def test_units_of_payoffs_do_not_change_how_patient_players_must_be(unit):
    """Deviations were compared with a slack in payoffs: in small units any patience was enough."""
    scaled = NormalForm.from_payoffs(DILEMMA.payoffs * unit)

    assert critical_discount(scaled, (0, 0), 1e-4) == critical_discount(DILEMMA, (0, 0), 1e-4)


def test_whom_the_future_does_not_concern_still_play_the_equilibrium_of_the_stage():
    """A gain of 0 times a weight beyond all floats was no number, and nothing was left."""
    assert payoff_set(DILEMMA, 5e-324).corners == ((1.0, 1.0),)


def test_the_firmer_of_two_unlike_players_sets_the_threshold():
    """In a dilemma the worst that can be held against a player is what both get who defect."""
    row, column = [[3, -1], [7, 1]], [[4, 5], [-2, 0]]
    game = NormalForm.bimatrix(row, column)
    needed = max(Fraction(7 - 3, 7 - 1), Fraction(5 - 4, 5 - 0))

    assert grim_trigger(game, (0, 0), (1, 1)).all_players == needed
    assert critical_discount(game, (0, 0)) == pytest.approx(float(needed), abs=2e-6)


def test_a_game_without_pure_equilibria_has_no_impatient_ones():
    pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    found = payoff_set(pennies, 0.3)

    assert found.corners == ()
    assert found.worst is None
    assert certify_payoff_set(pennies, found.corners, 0.3).holds


def supports(game: NormalForm, discount: float, directions: np.ndarray) -> np.ndarray | None:
    """Return how far the equilibrium payoffs reach in each direction: outer approximation.

    As Judd, Yeltekin and Conklin (2003), with a linear program per action profile and direction.
    """
    from scipy.optimize import linprog

    levels = np.array([(game.payoffs.reshape(2, -1).T @ d).max() for d in directions])
    down = [int(np.argmin(directions @ axis)) for axis in np.eye(2)]
    for _ in range(400):
        worst = [-levels[k] for k in down]
        best = np.full(len(directions), -np.inf)
        for cell in np.ndindex(*game.num_strategies):
            now = game.payoffs[(slice(None), *cell)]
            tempted = np.array([game.payoffs[0][:, cell[1]].max(), game.payoffs[1][cell[0]].max()])
            least = worst + (1 - discount) / discount * (tempted - now)
            for k, direction in enumerate(directions):
                ran = linprog(
                    -direction,
                    A_ub=directions,
                    b_ub=levels + 1e-12,
                    bounds=[(low - 1e-12, None) for low in least],
                )
                if ran.status == 0:
                    reached = (1 - discount) * now @ direction - discount * ran.fun
                    best[k] = max(best[k], reached)
        if not np.isfinite(best).all():
            return None
        if np.abs(best - levels).max() < 1e-9:
            return best
        levels = best
    return levels


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_payoff_sets_agree_with_the_outer_approximation_by_linear_programs(seed):
    rng = np.random.default_rng(seed)
    game = NormalForm.from_payoffs(rng.integers(0, 10, (2, 2, 2)))
    angles = np.arange(16) * np.pi / 8
    directions = np.round(np.stack([np.cos(angles), np.sin(angles)], axis=1), 12)
    found = payoff_set(game, 0.6)
    levels = supports(game, 0.6, directions)

    if levels is None:
        assert found.corners == ()
        return
    reach = (np.array(found.corners) @ directions.T).max(axis=0)
    # The approximation by 16 half-planes lies outside, and close where corners are.
    assert (reach <= levels + 1e-6).all()
    assert certify_payoff_set(game, found.corners, 0.6).holds


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    discount=st.sampled_from([0.2, 0.4, 0.55, 0.7, 0.85, 0.95]),
)
def test_payoff_sets_generate_themselves_and_hold_every_static_equilibrium(
    seed, rows, columns, discount
):
    rng = np.random.default_rng(seed)
    game = NormalForm.from_payoffs(rng.integers(0, 8, (2, rows, columns)))
    found = payoff_set(game, discount)
    certificate = certify_payoff_set(game, found.corners, discount)

    assert found.complete
    assert certificate.holds
    assert len(found.corners) <= 3 * rows * columns
    for cell in np.ndindex(rows, columns):
        static = game.payoffs[(slice(None), *cell)]
        if (
            static[0] >= game.payoffs[0][:, cell[1]].max()
            and static[1] >= game.payoffs[1][cell[0]].max()
        ):
            assert within(static, np.array(found.corners))


def within(point: np.ndarray, corners: np.ndarray) -> bool:
    """Return True if no direction separates a point from the corners."""
    angles = np.linspace(0, 2 * np.pi, 721)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return bool(((corners @ directions.T).max(axis=0) >= directions @ point - 1e-9).all())


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), low=st.sampled_from([0.3, 0.5, 0.7]))
def test_with_a_public_lottery_patience_never_shrinks_the_payoff_set(seed, low):
    game = NormalForm.from_payoffs(np.random.default_rng(seed).integers(0, 8, (2, 3, 3)))
    smaller, larger = payoff_set(game, low), payoff_set(game, low + 0.2)

    for corner in smaller.corners:
        assert within(np.array(corner), np.array(larger.corners))


def test_the_judge_rejects_a_set_that_is_too_large():
    certificate = certify_payoff_set(DILEMMA, [(1, 1), (3, 3)], 0.4)

    assert not certificate.holds
    assert certificate.refinement is None
    assert "corner 1" in certificate.checks[0]
    assert certify_payoff_set(DILEMMA, [(1, 1), (3, 3)], 0.5).holds


def test_a_limit_on_rounds_is_said(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REPEATED_ROUNDS", 1)

    assert not payoff_set(DILEMMA, 0.49).complete


def test_wrong_requests_are_refused():
    three = NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), dtype=int))
    with pytest.raises(RequestError, match="two players"):
        payoff_set(three, 0.5)
    with pytest.raises(RequestError, match="two"):
        feasible_set(three)
    for wrong in (three, NormalForm.from_payoffs([[1, 2]])):
        with pytest.raises(RequestError, match="takes two players"):
            critical_discount(wrong, (1,) * wrong.num_players)
    for precision in (0, 1, 1e-18):
        with pytest.raises(RequestError, match="precision"):
            critical_discount(DILEMMA, (0, 0), precision)
    with pytest.raises(RequestError, match="no profile"):
        critical_discount(DILEMMA, (True, False))
    for discount in (0.0, 1.0, 1.5):
        with pytest.raises(RequestError, match="above 0 and below 1"):
            payoff_set(DILEMMA, discount)
    with pytest.raises(RequestError, match="no profile"):
        grim_trigger(DILEMMA, (0, 2), (1, 1))
    assert critical_discount(DILEMMA, tuple(np.array([1, 1]))) == 0
    for payoffs in ((float("nan"), 3, 1, 0), (float("inf"), 3, 1, 0), (5, 3, 1, None)):
        with pytest.raises(RequestError, match="not a finite number"):
            tit_for_tat(*payoffs)
    for floors in ([1], [float("nan"), 0], ["1", "1"]):
        with pytest.raises(RequestError, match="one number per player"):
            individually_rational_set(DILEMMA, floors)
    with pytest.raises(RequestError, match=r"no player 0\.5"):
        minmax(DILEMMA, 0.5)
    with pytest.raises(RequestError, match="above 0 and below 1"):
        payoff_set(DILEMMA, "0.5")
    with pytest.raises(RequestError, match="T > R > P > S"):
        tit_for_tat(3, 5, 1, 0)
