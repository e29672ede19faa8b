"""The strategic form: what it accepts, what it refuses and where, and what it keeps exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from highfence import limits
from highfence.errors import LimitExceeded, SpecError
from highfence.forms.lift import exact_candidates
from highfence.forms.normal import NormalForm, Profile
from strategies import FLOAT, profiles_of, strategic_games, two_player_games

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
PENNIES = [[1, -1], [-1, 1]]
BATTLE = ([[3, 0], [0, 2]], [[2, 0], [0, 3]])


# ------------------------------------------------------------------ what is kept


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (2, Fraction(2)),
        (True, Fraction(1)),
        (Fraction(1, 3), THIRD),
        (Decimal("0.1"), Fraction(1, 10)),
        ("1/3", THIRD),
        ("-0.25", Fraction(-1, 4)),
        ("1e-3", Fraction(1, 1000)),
        (np.int64(7), Fraction(7)),
        (2**53 + 1, Fraction(2**53 + 1)),
        (10**30 + 1, Fraction(10**30 + 1)),
    ],
)
def test_rational_payoffs_are_kept_exactly(given, exact):
    game = NormalForm.from_payoffs([[given, 0]])

    assert game.exact[0, 0] == exact
    assert type(game.exact[0, 0]) is Fraction
    assert game.payoffs[0, 0] == float(exact)


def test_one_float_makes_the_table_inexact_but_its_numbers_stay_rational():
    game = NormalForm.from_payoffs([[0.1, 1]])

    assert game.exact is None
    assert game.rational()[0].tolist() == [Fraction(0.1), Fraction(1)]


def test_the_exact_table_is_kept_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EXACT_CELLS", 7)
    game = NormalForm.bimatrix(*BATTLE)

    assert game.exact is None
    with pytest.raises(LimitExceeded, match="MAX_EXACT_CELLS"):
        game.rational()


def test_the_form_copies_its_input_and_cannot_be_changed():
    table = np.array([[1.0, 2.0]])
    metric = np.array([5.0, 6.0])
    game = NormalForm.from_payoffs(table, outcomes={"w": metric})
    table[0, 0] = metric[0] = 99

    assert game.payoffs[0, 0] == 1
    assert game.outcomes["w"][0] == 5
    for array in (game.payoffs, game.rational(), game.outcomes["w"]):
        with pytest.raises(ValueError, match="read-only"):
            array[..., 0] = 0
    with pytest.raises(TypeError):
        game.outcomes["w"] = metric


def test_labels_are_numbers_unless_given():
    game = NormalForm.from_payoffs([[[1, 2, 3]], [[4, 5, 6]]])

    assert game.players == ("Player 1", "Player 2")
    assert game.strategies == (("1",), ("1", "2", "3"))
    assert (game.num_players, game.num_strategies, game.num_profiles) == (2, (1, 3), 3)


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("bad", [inf, -inf, nan, Decimal("NaN"), Decimal("Infinity"), "inf", "x"])
def test_a_payoff_that_is_no_finite_number_is_refused_by_its_cell(bad):
    with pytest.raises(SpecError, match=r"payoffs\[1, 0, 1\]"):
        NormalForm.from_payoffs([[[1, 2], [3, 4]], [[5, bad], [7, 8]]])


@pytest.mark.parametrize("bad", [inf, nan])
def test_a_float_array_with_a_payoff_that_is_not_finite_is_refused_by_its_cell(bad):
    table = np.zeros((2, 2, 2))
    table[1, 0, 1] = bad

    with pytest.raises(SpecError, match=r"payoffs\[1, 0, 1\]"):
        NormalForm.from_payoffs(table)


@pytest.mark.parametrize("bad", [1j, None, [[1]], b"1", object()])
def test_what_is_no_number_is_refused_by_its_cell(bad):
    with pytest.raises((TypeError, SpecError), match=r"payoffs\[0, 1\]"):
        NormalForm.from_payoffs([[1, bad]])


def test_every_bad_cell_is_listed():
    with pytest.raises(SpecError) as refused:
        NormalForm.from_payoffs([[nan, 1, inf]])

    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("huge", ["1e401", "1e999999999", "9" * 500, Decimal("1e500"), 10**400])
def test_numbers_beyond_the_limits_are_refused_by_their_cell(huge):
    with pytest.raises(SpecError, match=r"payoffs\[0, 0\]"):
        NormalForm.from_payoffs([[huge, 1]])


@pytest.mark.parametrize(
    ("payoffs", "shape"),
    [([1, 2], r"\(2,\)"), ([[1], [2]], r"\(2, 1\)"), ([[[1, 2]]], r"\(1, 1, 2\)"), (3, r"\(\)")],
)
def test_a_table_that_is_no_game_is_refused_with_its_shape(payoffs, shape):
    with pytest.raises(SpecError, match=f"shape {shape}"):
        NormalForm.from_payoffs(payoffs)


@pytest.mark.parametrize(
    ("payoffs", "place"),
    [
        ([[[1, 2], [3]], [[1, 2], [3, 4]]], r"payoffs\[0, 1\]"),
        ([[[1, 2], [3, 4]], [[1, 2]]], r"payoffs\[1\]"),
        ([[[1, 2], 3], [[1, 2], [3, 4]]], r"payoffs\[0, 1\]"),
        ([[1, [2]]], r"payoffs\[0, 1\]"),
    ],
)
def test_ragged_tables_are_refused_by_place(payoffs, place):
    with pytest.raises(SpecError, match=place):
        NormalForm.from_payoffs(payoffs)


def test_a_player_without_strategies_is_refused():
    with pytest.raises(SpecError, match="no strategy"):
        NormalForm.from_payoffs(np.zeros((2, 0, 3)))


def test_too_many_payoffs_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 7)

    for payoffs in (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)).tolist(), np.zeros((2, 2, 2), int)):
        with pytest.raises(LimitExceeded, match="limit of 7"):
            NormalForm.from_payoffs(payoffs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"players": ["A"]}, r"1 label.*\(2, 2, 2\)"),
        ({"players": "AB"}, r"1 label"),
        ({"players": ["A", "A"]}, "'A' appears twice"),
        ({"players": ["A", ""]}, "empty"),
        ({"strategies": [["u", "d"], ["l"]]}, r"\(2, 1\).*\(2, 2, 2\)"),
        ({"strategies": [["u", "u"], ["l", "r"]]}, "'u' appears twice"),
        ({"strategies": ["ud", "lr"]}, "labels of shape"),
        ({"outcomes": {"w": [1, 2]}}, r"\(2,\).*\(2, 2\)"),
        ({"outcomes": {"w": [[1, 2], [3, nan]]}}, r"outcomes.w\[1, 1\]"),
    ],
)
def test_labels_and_outcomes_that_do_not_fit_are_refused_with_both_shapes(labels, message):
    with pytest.raises(SpecError, match=message):
        NormalForm.bimatrix(*BATTLE, **labels)


# ------------------------------------------------------------------ two players


def test_one_matrix_alone_is_not_a_game_unless_declared():
    with pytest.raises(SpecError, match="zero_sum=True"):
        NormalForm.bimatrix(PENNIES)

    zero_sum = NormalForm.bimatrix(PENNIES, zero_sum=True)
    symmetric = NormalForm.bimatrix([[1, 2], [3, 4]], symmetric=True)
    assert (zero_sum.exact[0] + zero_sum.exact[1] == 0).all()
    assert (symmetric.exact[1] == symmetric.exact[0].T).all()


@pytest.mark.parametrize("column", [[[1, 2]], [[1, 2, 3], [1, 2, 3]], [1, 2]])
def test_matrices_of_different_shapes_are_refused_with_both(column):
    with pytest.raises(SpecError, match=r"shape .*\(2, 2\)"):
        NormalForm.bimatrix(PENNIES, column)


def test_a_game_declared_zero_sum_that_is_not_is_refused_with_a_cell():
    with pytest.raises(SpecError, match=r"sum to 1 at \(Player 1='2', Player 2='1'\)"):
        NormalForm.bimatrix([[1, -1], [0, 1]], [[-1, 1], [1, -1]], zero_sum=True)


def test_a_game_declared_symmetric_that_is_not_is_refused_with_a_cell():
    with pytest.raises(SpecError, match=r"Player 1 gets 3 at .* and 2 after"):
        NormalForm.bimatrix(*BATTLE, symmetric=True)
    with pytest.raises(SpecError, match=r"\(1, 2\) strategies"):
        NormalForm.bimatrix([[1, 2]], [[1, 2]], symmetric=True)


def test_symmetry_of_three_players_is_checked_under_every_exchange():
    # Each wants to be alone: symmetric. One changed cell breaks it.
    table = np.zeros((3, 2, 2, 2), dtype=int)
    for profile in np.ndindex(2, 2, 2):
        for player in range(3):
            table[(player, *profile)] = profile.count(profile[player]) == 1
    NormalForm.from_payoffs(table, symmetric=True)
    table[2, 0, 0, 1] = 7

    with pytest.raises(SpecError, match="declared symmetric"):
        NormalForm.from_payoffs(table, symmetric=True)


def test_zero_sum_is_judged_exactly_where_payoffs_are_exact():
    tiny = Fraction(1, 10**30)

    assert NormalForm.bimatrix([[1, 2]], [[4, 3]]).is_zero_sum  # a constant sum counts
    assert not NormalForm.bimatrix([[1, 2]], [[4, 3 + tiny]]).is_zero_sum
    assert NormalForm.bimatrix([[0.1, 0.3]], [[0.2, 0.0]]).is_zero_sum  # 0.1 + 0.2 != 0.3 + 0
    assert NormalForm.bimatrix(np.array(PENNIES) * 1e-300, zero_sum=True).is_zero_sum


# ------------------------------------------------------------------ derived numbers


def test_unit_payoffs_tell_apart_what_floats_do_not():
    game = NormalForm.from_payoffs([[2**53, 2**53 + 1]])

    assert game.payoffs[0, 0] == game.payoffs[0, 1]
    assert game.unit_payoffs(0).tolist() == [0, 1]


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-10, 1, 1e10, 1e308])
def test_unit_payoffs_are_defined_at_every_scale(scale):
    game = NormalForm.from_payoffs(np.array([[-scale, 0, scale]]))

    assert game.unit_payoffs(0).tolist() == [0, 0.5, 1]


def test_unit_payoffs_of_a_player_who_does_not_care_are_zero():
    assert NormalForm.from_payoffs([[5, 5]]).unit_payoffs(0).tolist() == [0, 0]


@given(st.data())
def test_expected_payoffs_are_the_sum_over_pure_profiles(data):
    game = data.draw(strategic_games())
    profile = data.draw(profiles_of(game))
    table = game.rational()
    by_definition = [Fraction(0)] * game.num_players
    for choice in np.ndindex(*game.num_strategies):
        probability = Fraction(1)
        for strategy, k in zip(profile.strategies, choice, strict=True):
            probability *= strategy[k]
        for player in range(game.num_players):
            by_definition[player] += probability * table[(player, *choice)]

    expected = game.expected_payoffs(profile)
    if game.exact is not None:
        assert list(expected) == by_definition
    for ours, exact, (low, high) in zip(expected, by_definition, game.payoff_ranges, strict=True):
        assert abs(float(ours) - float(exact)) <= 1e-9 * max(1, abs(low), abs(high))


def test_expected_outcomes_are_weighted_by_the_profile():
    game = NormalForm.bimatrix(*BATTLE, outcomes={"w": [[4, 0], [0, 8]]})
    profile = Profile.from_weights([1, 1], [1, 3])

    assert game.expected_outcomes(profile) == {"w": 0.5 * 0.25 * 4 + 0.5 * 0.75 * 8}


# ------------------------------------------------------------------ profiles


def test_profiles_of_rational_weights_are_exact():
    profile = Profile.from_weights([1, 2], [THIRD, THIRD])

    assert profile.strategies == ((THIRD, 1 - THIRD), (HALF, HALF))
    assert profile.is_exact
    assert not Profile.from_weights([1, 2], [0.5, 0.5]).is_exact
    assert Profile.from_weights([0, 2], [1, 1]).supports == ((1,), (0, 1))


def test_rounding_below_zero_is_clipped_and_more_is_refused():
    assert Profile.from_weights([-1e-12, 1.0]).strategies == ((0.0, 1.0),)
    for weights in ([-1e-3, 1.0], [0.0, 0.0], [nan, 1.0], [inf, 1.0], [-1, 2], [0, 0]):
        with pytest.raises(ValueError, match="weights"):
            Profile.from_weights(weights)


# ------------------------------------------------------------------ from floats to exact


def test_the_exact_profile_is_found_next_to_a_rounded_one():
    game = NormalForm.bimatrix(*BATTLE)
    near = Profile(((0.6 + 1e-12, 0.4 - 1e-12), (0.4, 0.6)))
    wanted = ((Fraction(3, 5), Fraction(2, 5)), (Fraction(2, 5), Fraction(3, 5)))

    assert next(exact_candidates(game, near)).strategies == wanted


def test_what_the_equations_leave_open_is_set_near_the_floats():
    """Rows 1 and 2 are alike: the row player may mix them as they like."""
    game = NormalForm.bimatrix([[1, 1], [1, 1]], [[0, 1], [0, 1]])
    exact = next(exact_candidates(game, Profile(((0.3, 0.7), (0.0, 1.0)))))

    assert exact.is_exact
    assert exact.floats()[0] == pytest.approx([0.3, 0.7])


def test_a_tie_with_a_strategy_that_is_not_played_is_an_equation_too():
    """The second row is tied and not played; rounding the column's mixture would break the tie."""
    a, b = 10**11 + 3, 7 * 10**10 + 1
    game = NormalForm.bimatrix([[0, 0], [a, -b]], [[1, 1], [0, 0]])
    tied = (Fraction(b, a + b), Fraction(a, a + b))
    exact = next(exact_candidates(game, Profile(((1.0, 0.0), (float(tied[0]), float(tied[1]))))))

    assert exact.strategies == ((1, 0), tied)


@given(game=two_player_games(payoffs=FLOAT), data=st.data())
def test_exact_candidates_are_probabilities_near_the_given_ones(game, data):
    profile = data.draw(profiles_of(game))
    assume(min(p for strategy in profile.strategies for p in strategy if p > 0) > Fraction(1, 99))

    for candidate in exact_candidates(game, Profile(profile.floats())):
        assert candidate.is_exact
        for ours, theirs in zip(candidate.strategies, profile.strategies, strict=True):
            assert sum(ours) == 1
            assert min(ours) >= 0
            assert [float(p) for p in ours] == pytest.approx(list(map(float, theirs)), abs=1e-5)


def test_profiles_of_three_players_are_rounded_to_simple_fractions():
    game = NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), dtype=int))
    exact = next(exact_candidates(game, Profile(((0.5, 0.5), (1 / 3, 2 / 3), (1.0, 0.0)))))

    assert exact.strategies == ((HALF, HALF), (THIRD, 1 - THIRD), (1, 0))
