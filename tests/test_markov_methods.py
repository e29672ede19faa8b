"""Markov-perfect equilibria: against closed forms, plain enumeration, and each other."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify import certify
from highfence.errors import MethodFailed, NotApplicable, RequestError
from highfence.forms.markov import MarkovForm, MarkovProfile
from highfence.forms.normal import NormalForm
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.markov_homotopy import (
    equilibrium_near,
    logit_equilibrium,
    markov_homotopy,
)
from highfence.methods.markov_induction import markov_induction, markov_sweeps
from highfence.solution import Status
from highfence.solve import solve


def random_game(
    seed: int,
    states: int,
    sizes: tuple[int, ...],
    discount: float = 0.9,
    horizon: int | None = None,
) -> MarkovForm:
    rng = np.random.default_rng(seed)
    return MarkovForm.from_arrays(
        [rng.random((len(sizes), *sizes)) for _ in range(states)],
        [rng.dirichlet(np.ones(states), size=sizes) for _ in range(states)],
        discount,
        horizon=horizon,
    )


def repeated(stage: np.ndarray, discount: float, horizon: int | None = None) -> MarkovForm:
    return MarkovForm.from_arrays(
        [stage], [np.ones((*stage.shape[1:], 1))], discount, horizon=horizon
    )


COORDINATION = np.array([[[2.0, 0.0], [0.0, 1.0]]] * 2)
DILEMMA = np.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])


def all_pure(form: MarkovForm) -> set[tuple[tuple[float, ...], ...]]:
    """Return every pure stationary profile that the judge certifies, by trying all."""
    choices = product(*(range(count) for counts in form.num_actions for count in counts))
    found = set()
    for flat in choices:
        table = np.array(flat).reshape(form.num_states, form.num_players)
        profile = MarkovProfile.pure(form, table)
        if certify(form, profile).holds:
            found.add(profile.strategies)
    return found


# ------------------------------------------------------------------ the judge


def test_the_judge_accepts_mutual_best_play_and_names_who_gains_otherwise():
    form = repeated(DILEMMA, 0.9)
    defect = certify(form, MarkovProfile.pure(form, [[1, 1]]))
    cooperate = certify(form, MarkovProfile.pure(form, [[0, 0]]))

    assert defect.holds
    assert defect.refinement == "Markov perfect"
    assert cooperate.regret == pytest.approx(2 / 5)  # gains 2 of a payoff range of 5
    assert cooperate.refinement is None
    assert "Player 1 gains 0.4" in cooperate.checks[0]


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ([[[1.0], [1.0, 0.0]]], "1 probabilities, 2 actions"),
        ([[[0.5, 0.4], [1.0, 0.0]]], "sum to"),
        ([[[1.5, -0.5], [1.0, 0.0]]], "negative"),
        ([[[float("nan"), 1.0], [1.0, 0.0]]], "not finite"),
        ([[[1.0, 0.0], [1.0, 0.0]]] * 2, "vectors"),
        ([[[[1.0, 0.0], [1.0, 0.0]]]], "stages"),
    ],
)
def test_what_is_no_profile_of_the_game_has_infinite_regret(vectors, reason):
    certificate = certify(repeated(DILEMMA, 0.9), MarkovProfile.from_vectors(vectors))

    assert certificate.regret == np.inf
    assert reason in certificate.checks[0]


def test_the_judge_values_a_profile_as_the_form_does():
    form = random_game(0, 4, (2, 3))
    rng = np.random.default_rng(1)
    profile = MarkovProfile.from_vectors(
        [[rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(3))] for _ in range(4)]
    )
    values = form.values(profile)
    gains = []
    for s in range(4):
        x, y = (np.array(v) for v in profile.at(s))
        worth = form.payoffs[s] + 0.9 * np.einsum("abt,it->iab", form.transitions[s], values)
        gains.append(((worth[0] @ y).max() - values[0, s]) / form.scales[0])
        gains.append(((x @ worth[1]).max() - values[1, s]) / form.scales[1])

    assert certify(form, profile).regret == pytest.approx(max(gains))


# ------------------------------------------------------------------ with a horizon


def test_a_dilemma_that_ends_is_never_cooperated_in():
    solution = solve(repeated(DILEMMA, 1.0, horizon=5))

    assert solution.status is Status.SOLVED
    assert solution.method == "markov_induction"
    assert [e.payoffs for e in solution.equilibria] == [{"Player 1": 5.0, "Player 2": 5.0}]


def test_equilibria_of_the_stages_multiply():
    """Two pure and one mixed equilibrium a stage, two stages, one state: nine profiles."""
    solution = solve(repeated(COORDINATION, 1.0, horizon=2))
    totals = sorted(round(e.payoffs["Player 1"], 6) for e in solution.equilibria)

    assert len(solution.equilibria) == 9
    mixed = 2 / 3
    assert totals == pytest.approx(
        sorted(a + b for a in (2, 1, mixed) for b in (2, 1, mixed)), abs=1e-6
    )


def test_a_limit_on_their_number_is_said(monkeypatch):
    monkeypatch.setattr(limits, "MAX_MARKOV_EQUILIBRIA", 5)
    solution = solve(repeated(COORDINATION, 1.0, horizon=3))

    assert solution.status is Status.PARTIAL
    assert len(solution.equilibria) == 5
    assert any("MAX_MARKOV_EQUILIBRIA" in note for note in solution.notes)


def test_a_stage_without_pure_equilibria_is_mixed_in_also_by_three_players():
    for seed in range(30):
        form = random_game(seed, 2, (2, 2, 2), horizon=2)
        (first, *_) = markov_induction(form)
        if any(0 < p < 1 for vector in first.strategies for p in vector):
            assert certify(form, first).regret < 1e-9
            return
    pytest.fail("no sample needed mixing")


def test_one_stage_is_the_strategic_form():
    for seed in range(5):
        form = random_game(seed, 1, (3, 3), horizon=1)
        found = {profile.strategies for profile in markov_induction(form)}
        wanted = extreme_enumeration(NormalForm.from_payoffs(form.payoffs[0]))

        assert found == {tuple(tuple(map(float, v)) for v in p.strategies) for p in wanted}


# ------------------------------------------------------------------ without end


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), shape=st.sampled_from([(3, (2, 2)), (2, (3, 2)), (2, (2, 2, 2))])
)
def test_the_end_of_the_logit_path_is_an_equilibrium_to_eleven_digits(seed, shape):
    form = random_game(seed, *shape)
    profile = next(markov_homotopy(form))

    assert certify(form, profile).regret < 1e-10


def test_states_of_different_sizes_and_players_of_different_patience():
    rng = np.random.default_rng(7)
    sizes = [(1, 3), (2, 2), (4, 1), (3, 2)]
    form = MarkovForm.from_arrays(
        [rng.normal(0, 100, (2, *size)) for size in sizes],
        [rng.dirichlet(np.ones(4), size=size) for size in sizes],
        [0.5, 0.95],
    )

    assert certify(form, next(markov_homotopy(form))).regret < 1e-10


def test_a_single_player_finds_the_best_policy_both_ways():
    for seed in range(10):
        form = random_game(seed, 4, (3,))
        best = max(
            tuple(form.values(MarkovProfile.pure(form, np.array(c)[:, None]))[0])
            for c in product(range(3), repeat=4)
        )
        for method in (markov_homotopy, markov_sweeps):
            assert form.values(next(method(form)))[0] == pytest.approx(best)


def test_a_zero_sum_game_has_shapleys_value():
    """Shapley (1953): values are the fixed point of the stage games' values."""
    rng = np.random.default_rng(3)
    gains = [rng.normal(0, 1, (3, 3)) for _ in range(3)]
    moves = [rng.dirichlet(np.ones(3), size=(3, 3)) for _ in range(3)]
    form = MarkovForm.from_arrays([np.stack([g, -g]) for g in gains], moves, 0.8)
    values = np.zeros(3)
    for _ in range(150):
        tables = [g + 0.8 * move @ values for g, move in zip(gains, moves, strict=True)]
        values = np.array([value_of(table) for table in tables])

    assert form.values(next(markov_homotopy(form)))[0] == pytest.approx(values, abs=1e-9)


def value_of(table: np.ndarray) -> float:
    """Return the value of a zero-sum game by linear programming."""
    from scipy.optimize import linprog

    m, n = table.shape
    ran = linprog(
        [*[0.0] * m, -1.0],
        A_ub=np.concatenate([-table.T, np.ones((n, 1))], axis=1),
        b_ub=np.zeros(n),
        A_eq=[[*[1.0] * m, 0.0]],
        b_eq=[1.0],
        bounds=[*[(0, None)] * m, (None, None)],
    )
    return float(-ran.fun)


def test_the_path_of_one_state_ends_where_that_of_the_stage_game_does():
    """Battle of the sexes with unequal stakes: the logit path picks the risk-dominant one."""
    stage = np.array([[[3.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 1.9]]])
    profile = next(markov_homotopy(repeated(stage, 0.9)))

    assert profile.at(0) == ((1.0, 0.0), (1.0, 0.0))


def test_logit_equilibria_solve_their_own_equations():
    form = random_game(5, 3, (2, 3), discount=0.7)
    precision = 4.0
    profile = logit_equilibrium(form, precision)
    values = form.values(profile)
    for s in range(3):
        worth = form.payoffs[s] + 0.7 * np.einsum("abt,it->iab", form.transitions[s], values)
        x, y = (np.array(v) for v in profile.at(s))
        for own, q, scale in (
            (x, worth[0] @ y, form.scales[0]),
            (y, x @ worth[1], form.scales[1]),
        ):
            wanted = np.exp(precision * (q - q.max()) / scale)
            assert own == pytest.approx(wanted / wanted.sum(), abs=1e-7)


def test_a_warm_start_ends_at_the_neighbor_of_the_old_answer():
    form = random_game(6, 4, (2, 2))
    near = MarkovForm.from_arrays([1.01 * p for p in form.payoffs], form.transitions, 0.9)
    old = logit_equilibrium(form, 5.0)

    warm, cold = logit_equilibrium(near, 5.0, old), logit_equilibrium(near, 5.0)
    for one, other in zip(warm.strategies, cold.strategies, strict=True):
        assert one == pytest.approx(other, abs=1e-7)


def test_a_start_from_which_newtons_method_goes_astray_is_left_for_the_path():
    form = random_game(8, 3, (2, 3), discount=0.7)
    vectors = [[[1e-200, 1.0], [1.0, 1e-200, 1e-100]] for _ in range(3)]
    found = logit_equilibrium(form, 30.0, MarkovProfile.from_vectors(vectors))
    values = form.values(found)
    for s in range(3):
        worth = form.payoffs[s][0] + 0.7 * form.transitions[s] @ values[0]
        x, y = (np.array(v) for v in found.at(s))
        wanted = np.exp(30.0 * ((worth @ y) - (worth @ y).max()) / form.scales[0])
        assert x == pytest.approx(wanted / wanted.sum(), abs=1e-8)


def test_the_path_is_that_of_small_steps_in_precision_also_where_another_comes_close():
    """At precision 12.3 two arms nearly touch; a long step would go on along the other one."""
    rng = np.random.default_rng(41)
    form = MarkovForm.from_arrays(
        [rng.random((2, 4, 4)) for _ in range(10)],
        [rng.dirichlet(np.ones(10), size=(4, 4)) for _ in range(10)],
        0.9,
    )
    slowly = None
    for precision in np.linspace(0, 20, 801):
        slowly = logit_equilibrium(form, float(precision), slowly)
    quickly = logit_equilibrium(form, 20.0)

    assert slowly is not None
    for one, other in zip(slowly.strategies, quickly.strategies, strict=True):
        assert one == pytest.approx(other, abs=1e-8)


def test_a_symmetric_path_is_followed_straight_through_a_fork():
    """At the fork arms cross, and the determinant of the equations changes its sign."""
    stage = np.array([[[0.0, 3.0], [1.0, 0.0]], [[0.0, 1.0], [3.0, 0.0]]])
    profile = next(markov_homotopy(repeated(stage, 0.9)))

    assert [vector[0] for vector in profile.strategies] == pytest.approx([0.75, 0.75], abs=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), shape=st.sampled_from([(3, (2, 2)), (2, (2, 2, 2))]))
def test_the_equilibrium_next_to_that_of_a_neighboring_game_is_one(seed, shape):
    form = random_game(seed, *shape)
    rng = np.random.default_rng(seed)
    near = MarkovForm.from_arrays(
        [table * (1 + 1e-4 * rng.random(table.shape)) for table in form.payoffs],
        form.transitions,
        0.9,
    )
    profile = equilibrium_near(near, next(markov_homotopy(form)))

    assert certify(near, profile).regret < 1e-10


def test_without_an_equilibrium_near_the_path_is_followed():
    """Only defection is an equilibrium, and a start at cooperation has none near."""
    start = MarkovProfile.pure(repeated(DILEMMA, 0.9), [[0, 0]])

    assert equilibrium_near(repeated(DILEMMA, 0.9), start).at(0) == ((0.0, 1.0), (0.0, 1.0))


def test_starts_of_other_games_and_without_full_support_are_refused():
    form = repeated(DILEMMA, 0.9)
    with pytest.raises(MethodFailed, match="another game"):
        equilibrium_near(form, MarkovProfile.from_vectors([[[1.0], [1.0]]]))
    with pytest.raises(MethodFailed, match="full support"):
        logit_equilibrium(form, 1.0, MarkovProfile.pure(form, [[0, 0]]))


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_discounts_may_differ_between_states(seed):
    """Then a constant in all payoffs is no constant in values, and may not be left out."""
    rng = np.random.default_rng(seed)
    form = MarkovForm.from_arrays(
        [5 + rng.random((2, 2, 3)) for _ in range(4)],
        [rng.dirichlet(np.full(4, 0.3), size=(2, 3)) for _ in range(4)],
        rng.uniform(0.3, 0.95, (2, 4)),
    )

    assert certify(form, next(markov_homotopy(form))).regret < 1e-10


def test_uniform_play_is_the_start_of_the_path():
    assert logit_equilibrium(repeated(DILEMMA, 0.9), 0.0).at(0) == ((0.5, 0.5), (0.5, 0.5))


def test_a_path_that_passes_the_limit_fails_and_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_MARKOV_STEPS", 2)

    with pytest.raises(MethodFailed, match="MAX_MARKOV_STEPS"):
        next(markov_homotopy(random_game(0, 4, (3, 3))))


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_sweeps_yield_equilibria_among_those_that_plain_enumeration_finds(seed):
    rng = np.random.default_rng(seed)
    sizes = [(3, 1), (1, 3), (2, 1), (1, 2)]
    form = MarkovForm.from_arrays(
        [rng.random((2, *size)) for size in sizes],
        [rng.dirichlet(np.ones(4), size=size) for size in sizes],
        0.8,
    )
    everything = all_pure(form)

    assert {profile.strategies for profile in markov_sweeps(form)} <= everything


def test_sweeps_that_go_round_hand_over_to_the_logit_path():
    """Moves in turn, and no pure stationary equilibrium: only mixing settles it."""
    for seed in range(400):
        rng = np.random.default_rng(seed)
        sizes = [(2, 1), (1, 2), (2, 1), (1, 2)]
        form = MarkovForm.from_arrays(
            [rng.normal(0, 1, (2, *size)) for size in sizes],
            [np.eye(4)[rng.integers(0, 4, size)] for size in sizes],
            0.95,
        )
        if not all_pure(form):
            solution = solve(form)
            assert solution.method == "markov_homotopy"
            assert solution.status is not Status.NONE_FOUND
            assert any("still changed" in note for note in solution.notes)
            assert all(e.certificate.regret < 1e-9 for e in solution.equilibria)
            return
    pytest.skip("every sample had a pure equilibrium")


# ------------------------------------------------------------------ invariance


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-9, 1e-3, 1e6]))
def test_units_and_zero_of_payoffs_do_not_matter(seed, scale):
    form = random_game(seed, 3, (2, 2))
    changed = MarkovForm.from_arrays(
        [p * np.array([scale, 3.0]).reshape(2, 1, 1) + 7 * scale for p in form.payoffs],
        form.transitions,
        0.9,
    )

    for one, other in zip(
        next(markov_homotopy(form)).strategies,
        next(markov_homotopy(changed)).strategies,
        strict=True,
    ):
        assert one == pytest.approx(other, abs=1e-6)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_states_does_not_matter(seed):
    form = random_game(seed, 3, (2, 2))
    order = [2, 0, 1]
    changed = MarkovForm.from_arrays(
        [form.payoffs[s] for s in order], [form.transitions[s][..., order] for s in order], 0.9
    )
    one, other = next(markov_homotopy(form)), next(markov_homotopy(changed))

    for place, s in enumerate(order):
        for mine, theirs in zip(one.at(s), other.at(place), strict=True):
            assert mine == pytest.approx(theirs, abs=1e-8)


# ------------------------------------------------------------------ requests


def test_a_solution_names_states_and_prints():
    solution = solve(
        MarkovForm.build(
            ["warden", "smuggler"],
            ["calm", "alert"],
            lambda s: [["rest", "patrol"], ["wait", "run"]],
            lambda s, a: [
                -(a[0] == "patrol") - 4 * (a == ("rest", "run")),
                2 * (a == ("rest", "run")) - 3 * (a == ("patrol", "run")),
            ],
            lambda s, a: {"alert" if a[1] == "run" else "calm": 1.0},
            0.9,
            title="smuggling",
        )
    )

    (equilibrium,) = solution.equilibria
    assert equilibrium.strategies["warden"]["calm"]["patrol"] == pytest.approx(2 / 5)
    assert equilibrium.strategies["smuggler"]["alert"]["run"] == pytest.approx(1 / 4)
    assert "smuggling" in str(solution)
    assert "calm" in str(solution)
    assert solution.form == "markov"


def test_methods_of_other_horizons_are_refused():
    with pytest.raises(NotApplicable, match="markov_homotopy"):
        solve(repeated(DILEMMA, 0.9), "markov_induction")
    with pytest.raises(NotApplicable, match="one player at a time"):
        solve(repeated(DILEMMA, 0.9), "markov_sweeps")
    with pytest.raises(RequestError, match="markov form, which has no regimes"):
        solve(repeated(DILEMMA, 0.9), regime="broad")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("states", "sizes"),
    [(10, (2, 2)), (10, (4, 4)), (10, (3, 3, 3)), (10, (2,) * 5), (30, (3, 3))],
)
def test_two_hundred_games_of_many_states_all_converge(states, sizes):
    for seed in range(40):
        form = random_game(seed, states, sizes, discount=0.95)

        assert certify(form, next(markov_homotopy(form))).regret <= 1e-10, seed
