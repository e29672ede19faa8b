"""The Markov form: what it refuses, what a profile is worth in it, and courses of play."""

from __future__ import annotations

import numpy as np
import pytest

from highfence import limits
from highfence.errors import LimitExceeded, RequestError, SpecError
from highfence.forms.markov import MarkovForm, MarkovProfile


def two_states(discount: object = 0.5, **options: object) -> MarkovForm:
    """Return a game in which only the first player, in the first state, has a choice."""
    return MarkovForm.from_arrays(
        [[[[1.0], [0.0]], [[0.0], [3.0]]], [[[2.0]], [[1.0]]]],
        [[[[1.0, 0.0]], [[0.25, 0.75]]], [[[0.0, 1.0]]]],
        discount,
        **options,
    )


def climb(in_turn: bool, horizon: int | None = None) -> MarkovForm:
    """Return a ladder: each player may push, and the state rises by one with luck."""

    def moved(k: int, did: tuple[str, ...]) -> dict[int, float]:
        target = min(2, max(0, k + (did[0] == "push") - (did[1] == "push")))
        return {k: 1.0} if target == k else {target: 0.75, k: 0.25}

    return MarkovForm.build(
        ["a", "b"],
        range(3),
        lambda k: [["rest", "push"], ["rest", "push"]],
        lambda k, did: [k - 0.4 * (did[0] == "push"), 2 - k - 0.4 * (did[1] == "push")],
        moved,
        0.9,
        in_turn=in_turn,
        horizon=horizon,
        terminal=(lambda k: [k, -k]) if horizon else None,
        initial=1,
    )


def test_sizes_differ_between_states_and_nothing_is_padded():
    form = two_states()

    assert form.num_actions == ((2, 1), (1, 1))
    assert [table.shape for table in form.payoffs] == [(2, 2, 1), (2, 1, 1)]
    assert form.one_mover
    assert form.scales.tolist() == [2.0, 3.0]


def test_arrays_are_read_only_copies():
    payoffs = [np.zeros((1, 2))]
    form = MarkovForm.from_arrays(payoffs, [np.ones((2, 1))], 0.5)
    payoffs[0][0, 0] = 7.0

    assert form.payoffs[0][0, 0] == 0.0
    for array in (form.payoffs[0], form.transitions[0], form.discounts, form.initial):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_values_without_end_solve_the_bellman_equation_by_hand():
    form = two_states()
    leave = MarkovProfile.pure(form, [[1, 0], [0, 0]])

    # V(second) = 2 / (1 - .5) = 4 for the first player; V(first) = .5 (.25 V + .75 * 4).
    assert form.values(leave)[0] == pytest.approx([1.5 / 0.875, 4.0])
    assert form.values(leave)[1] == pytest.approx([(3 + 0.75) / 0.875, 2.0])


def test_values_with_a_horizon_count_backwards_from_what_comes_after_it():
    form = two_states(1.0, horizon=2, terminal=[[10.0, 0.0], [0.0, 0.0]])
    stay = MarkovProfile.pure(form, [[[0, 0], [0, 0]]] * 2)

    assert form.values(stay)[:, 0, 0].tolist() == [12.0, 11.0, 10.0]


def test_players_may_discount_differently_and_not_at_all_within_a_period():
    form = climb(in_turn=True)

    assert form.num_states == 3 + 6
    assert form.states[3] == "0 | rest"
    assert form.discounts[:, :3].tolist() == [[1.0] * 3] * 2
    assert (form.discounts[:, 3:] == 0.9).all()
    assert np.flatnonzero(form.initial).tolist() == [1]
    assert (form.with_discount([0.5, 0.7]).discounts[:, :3] == 1.0).all()
    assert (form.with_discount([0.5, 0.7]).discounts[:, 3:] == [[0.5], [0.7]]).all()


def test_moves_in_turn_are_worth_the_same_as_at_once_where_nobody_looks():
    """Two constant strategies: who sees whom cannot matter."""
    once, turned = climb(in_turn=False), climb(in_turn=True)
    together = MarkovProfile.pure(once, [[1, 0]] * 3)
    apart = MarkovProfile.pure(turned, [[1, 0]] * 3 + [[0, 0]] * 6)

    assert turned.values(apart)[:, :3] == pytest.approx(once.values(together))


def test_a_horizon_of_periods_is_one_of_moves_where_moves_are_in_turn():
    assert climb(in_turn=False, horizon=4).horizon == 4
    form = climb(in_turn=True, horizon=4)
    assert form.horizon == 8
    assert form.terminal[0].tolist() == [0, 1, 2] + [0] * 6


def test_the_distribution_is_what_many_simulated_courses_show():
    form = climb(in_turn=False)
    profile = MarkovProfile.from_vectors([[[0.5, 0.5], [0.9, 0.1]]] * 3)
    expected = form.distribution(profile, 6)
    rng = np.random.default_rng(0)
    seen = np.zeros_like(expected)
    for _ in range(2_000):
        for k, s in enumerate(form.simulate(profile, 6, rng).states):
            seen[k, s] += 1 / 2_000

    assert expected.sum(axis=1) == pytest.approx(1)
    assert seen == pytest.approx(expected, abs=0.05)


def test_a_seed_gives_the_same_course_again_and_seed_0_is_a_seed():
    form = climb(in_turn=False)
    profile = MarkovProfile.from_vectors([[[0.5, 0.5], [0.5, 0.5]]] * 3)

    assert form.simulate(profile, 30, 0) == form.simulate(profile, 30, 0)
    assert form.simulate(profile, 30, 0) != form.simulate(profile, 30, 1)
    course = form.simulate(profile, 30, 0)
    assert len(course.states) == 31
    assert course.payoffs[0][0] == pytest.approx(1 - 0.4 * course.actions[0][0])


def test_a_player_bound_to_one_action_has_no_choice_where_it_is_offered():
    form = climb(in_turn=False).commit("a", "push")

    assert form.num_actions == ((1, 2),) * 3
    assert form.actions[0] == (("push",), ("rest", "push"))
    assert form.states == ("0", "1", "2")


def test_an_open_loop_runs_through_its_actions_and_stays_at_the_last():
    form = climb(in_turn=True)
    bound = form.commit("a", "push", "push", "rest")
    follow = MarkovProfile.pure(bound, [[0, 0]] * bound.num_states)
    course = bound.simulate(follow, 10, 3)
    done = [bound.actions[s][0][0] for s in course.states[:10:2]]

    assert bound.num_states == 3 * form.num_states
    assert done == ["push", "push", "rest", "rest", "rest"]


def test_a_loop_that_repeats_one_action_is_worth_what_the_constant_policy_is():
    form = climb(in_turn=False)
    constant, loop = form.commit("a", "push"), form.commit("a", "push", "push")
    once = constant.values(MarkovProfile.pure(constant, [[0, 1]] * 3))
    twice = loop.values(MarkovProfile.pure(loop, [[0, 1]] * 6))

    assert twice[:, :3] == pytest.approx(once)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"transitions": [[[1.0]]]}, "transitions"),
        ({"payoffs": [[1.0]]}, r"payoffs\[0\]"),
        ({"payoffs": [[[float("nan"), 0.0]]]}, r"payoffs\[0\]"),
        ({"payoffs": [[[]]]}, r"payoffs\[0\]"),
        ({"transitions": [[[0.5], [1.0]]]}, r"transitions\[0\].*actions \(0,\)"),
        ({"transitions": [[[-1.0], [1.0]]]}, r"transitions\[0\]"),
        ({"discount": 1.0}, "discount.*circle"),
        ({"discount": 1.5}, "discount"),
        ({"discount": [0.5, 0.5, 0.5]}, "discount"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": True}, "horizon"),
        ({"terminal": [[1.0]]}, "terminal"),
        ({"initial": 4}, "initial"),
        ({"initial": [0.5]}, "initial"),
        ({"players": ["a", "b"]}, "players"),
        ({"actions": [[["x", "x"]]]}, r"actions\[0\]\[0\]"),
    ],
)
def test_what_is_wrong_is_refused_by_name(change, place):
    sound = {"payoffs": [[[1.0, 0.0]]], "transitions": [[[1.0], [1.0]]], "discount": 0.5}
    MarkovForm.from_arrays(**sound)

    with pytest.raises(SpecError, match=place):
        MarkovForm.from_arrays(**{**sound, **change})


def test_a_builder_that_leads_nowhere_or_offers_nothing_is_refused():
    def made(target: int, offered: list[str]) -> MarkovForm:
        return MarkovForm.build(
            ["a"], [0], lambda s: [offered], lambda s, did: [0.0], lambda s, did: {target: 1.0}, 0.9
        )

    assert made(0, ["x"]).num_states == 1
    with pytest.raises(SpecError, match=r"transition\(0, x\).*leads to 7"):
        made(7, ["x"])
    with pytest.raises(SpecError, match=r"actions\(0\)"):
        made(0, [])


def test_wrong_requests_name_what_is_known():
    form = climb(in_turn=False)

    with pytest.raises(RequestError, match="unknown player 'A'"):
        form.commit("A", "push")
    with pytest.raises(RequestError, match="Did you mean 'push'"):
        form.commit("a", "pusk")
    with pytest.raises(RequestError, match="commit takes"):
        climb(in_turn=False, horizon=2).commit("a", "push", "rest")
    with pytest.raises(RequestError, match="unknown state"):
        form.state("9")
    with pytest.raises(RequestError, match="the horizon"):
        climb(in_turn=False, horizon=2).distribution(
            MarkovProfile.pure(climb(False, 2), [[[0, 0]] * 3] * 2), 3
        )


def test_a_game_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_TRANSITIONS", 5)

    with pytest.raises(LimitExceeded, match="MAX_TRANSITIONS"):
        two_states()
