"""Robust choice: criteria against values by hand, brute force, or another program."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Regime, Stage
from highfence.errors import RequestError
from highfence.study import beliefs
from highfence.study.beliefs import BALLS, Ball, distances_between, mixture_over, worst_mixture
from highfence.study.draws import solve_draws
from highfence.study.information import value_of_information
from highfence.study.robust import (
    Payoffs,
    choose,
    dominance,
    payoffs_of,
    robust,
    share_interval,
    winning,
)

# A fixes a regime, then chooses x with payoff worth * (2x - x^2): the payoff is the worth,
# "bold": b * s - 1, "meek": 1, "mad": never better than meek.
BETS = Game(
    name="bets",
    title="Bets",
    players=["A", "B"],
    parameters=[
        Parameter("s", 2, low=0, high=4, unit="1"),
        Parameter("b", 2, low=1, high=3),
        Parameter("idle", 0, low=-1, high=1),
    ],
    stages=[
        Stage("choice", Decision("A", "choice", ["bold", "meek", "mad"])),
        Stage("effort", Decision("B", "x", Interval(0, 2))),
    ],
    derived={
        "worth": "(choice == 'bold') * (b * s - 1) + (choice == 'meek') + (choice == 'mad') * 0.5"
    },
    payoffs={"A": "worth", "B": "2 * x - x ** 2"},
    outcomes=["worth"],
    regimes=[
        Regime("bold", "Bold", fix={"choice": "bold"}),
        Regime("meek", "Meek", fix={"choice": "meek"}),
        Regime("mad", "Mad", fix={"choice": "mad"}),
    ],
)


def table_of(rows: list[list[float]], regimes: tuple[str, ...] | None = None, **columns) -> Payoffs:
    """Return payoffs without several equilibria."""
    array = np.array(rows, dtype=float)
    names = regimes or ("bold", "meek", "mad")[: array.shape[1]]
    made = {name: np.array(column, dtype=float) for name, column in columns.items()}
    return Payoffs(names, array, array, made or {"s": np.arange(len(array), dtype=float)})


small_tables = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(-5, 5), min_size=3, max_size=3), min_size=n, max_size=n)
)

# ---------------------------------------------------------------------------------------------
# Maximin and regret


def test_criteria_of_a_table_by_hand():
    # Savage's kind of table: maximin picks the third, minimax regret the second, expected
    # payoff the first. Regrets: first (0, 5, 0), second (3, 3, 3), third (7, 0, 5).
    payoffs = table_of([[9, 6, 2], [-1, 1, 4], [7, 4, 2]])
    found = choose(BETS, payoffs, "A", beliefs={}, information=None)

    assert {name: pick.regime for name, pick in found.picks.items()} == {
        "expected payoff": "bold",
        "maximin": "mad",
        "minimax regret": "meek",
        "winning": "bold",
    }
    assert found.expected == pytest.approx([5, 11 / 3, 8 / 3])
    assert found.least.tolist() == [-1, 1, 2]
    assert found.regret.tolist() == [5, 3, 7]
    assert found.least_draw == (1, 1, 0)
    assert found.regret_draw == (1, 0, 0)
    assert found.picks["minimax regret"].margin == 2
    assert found.expected_error == pytest.approx(payoffs.low.std(axis=0, ddof=1) / np.sqrt(3))
    assert [one.wins for one in found.winning] == [2, 0, 1]


def test_the_best_mixture_against_regret_is_known_for_two_regimes():
    # Regrets (0, 4) and (1, 0): weight p on the first has regrets 1 - p and 4p, equal at p = 1/5.
    found = worst_mixture([[0, 1], [4, 0]], largest=True)

    assert found.weights == pytest.approx([1 / 5, 4 / 5])
    assert found.value == pytest.approx(4 / 5)
    assert found.belief == pytest.approx([4 / 5, 1 / 5])


@settings(max_examples=25)
@given(small_tables)
def test_no_mixture_on_a_grid_beats_the_best_one(rows):
    table = np.array(rows, dtype=float)
    best = worst_mixture(table)
    regrets = table.max(axis=1, keepdims=True) - table
    least = worst_mixture(regrets, largest=True)
    grid = [np.array([i, j, 12 - i - j]) / 12 for i in range(13) for j in range(13 - i)]

    assert best.value >= max((table @ p).min() for p in grid) - 1e-6
    assert best.value == pytest.approx((table @ best.weights).min())
    assert least.value <= min((regrets @ p).max() for p in grid) + 1e-6
    assert least.value <= regrets.max(axis=0).min() + 1e-6
    assert best.gap <= 1e-6 * max(np.ptp(table), 1)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_mixtures_do_not_depend_on_the_unit_of_payoffs(scale):
    found = worst_mixture(scale * np.array([[0.0, 3.0], [3.0, 0.0], [1.0, 2.0]]))

    assert found.weights == pytest.approx([0.5, 0.5], abs=1e-6)
    assert found.value == pytest.approx(1.5 * scale, rel=1e-6)


# ---------------------------------------------------------------------------------------------
# Beliefs


def by_program(kind, u, weights, distances, radius):
    """Return the least expectation over a ball, by a conic program in the belief itself."""
    import cvxpy as cp

    count = len(u)
    belief = cp.Variable(count, nonneg=True)
    rules = [cp.sum(belief) == 1]
    if kind == "kl":
        rules.append(cp.sum(cp.rel_entr(belief, weights)) <= radius)
    elif kind == "chi2":
        rules.append(cp.sum(cp.multiply(1 / weights, cp.square(belief - weights))) <= radius)
    else:
        moved = cp.Variable((count, count), nonneg=True)
        rules += [
            cp.sum(moved, axis=1) == weights,
            cp.sum(moved, axis=0) == belief,
            cp.sum(cp.multiply(distances, moved)) <= radius,
        ]
    return cp.Problem(cp.Minimize(belief @ u), rules).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("kind", BALLS)
@pytest.mark.parametrize("seed", range(4))
def test_the_worst_belief_agrees_with_a_conic_program(kind, seed):
    rng = np.random.default_rng(seed)
    count = (4, 9, 15, 25)[seed]
    u = rng.normal(size=count).round(1)  # with ties
    weights = rng.dirichlet(np.ones(count))
    columns = {"x": rng.random(count), "y": rng.random(count)}
    if seed == 2:  # two draws that are one
        columns["x"][1], columns["y"][1] = columns["x"][0], columns["y"][0]
    distances = distances_between(columns)
    ball = Ball(kind, weights, distances)

    for radius in (0.02, 0.1, 0.3, ball.largest):
        belief = ball.belief(u, radius)
        assert ball.worst(u, radius) == pytest.approx(
            by_program(kind, u, weights, distances, radius), abs=3e-6
        )
        assert belief @ u == pytest.approx(ball.worst(u, radius), abs=1e-8)
        assert belief.sum() == pytest.approx(1)
        assert (belief >= 0).all()


def test_draws_that_are_one_and_pay_the_same_keep_their_probability():
    distances = distances_between({"x": [0.0, 0.0, 1.0, 3.0]})
    ball = Ball("wasserstein", [1, 1, 1, 1], distances)
    u = np.array([2.0, 2.0, 1.0, 0.0])
    for radius in (0.05, 0.1, 0.3):
        belief = ball.belief(u, radius)
        assert belief.sum() == pytest.approx(1)
        assert belief @ u == pytest.approx(ball.worst(u, radius))


def test_draws_are_looked_at_in_blocks_of_any_size(monkeypatch):
    rng = np.random.default_rng(3)
    distances = distances_between({"x": rng.integers(0, 6, 40), "y": rng.integers(0, 3, 40)})
    u, weights = rng.integers(0, 9, 40).astype(float), rng.dirichlet(np.ones(40))
    whole = Ball("wasserstein", weights, distances).belief(u, 0.1)
    monkeypatch.setattr(beliefs, "BLOCK", 100)
    assert Ball("wasserstein", weights, distances).belief(u, 0.1).tolist() == whole.tolist()


def test_the_ends_of_a_ball_are_the_mean_and_the_least():
    u, weights = np.array([1.0, 4.0, 2.0]), np.array([0.2, 0.5, 0.3])
    distances = distances_between({"x": [0.0, 1.0, 3.0]})
    for kind in BALLS:
        ball = Ball(kind, weights, distances)
        assert ball.worst(u, 0) == pytest.approx(weights @ u)
        assert ball.worst(u, ball.largest) == pytest.approx(1)
    assert Ball("kl", weights).largest == pytest.approx(log(5))
    assert Ball("chi2", weights).largest == pytest.approx(4)


def test_balls_of_two_draws_by_hand():
    # q on the draw with payoff 0, reference 1/2: chi2 = 4 (q - 1/2)^2; moving 0.1 of the
    # probability over a distance of 1 costs 0.1.
    u = np.array([0.0, 1.0])
    assert Ball("chi2", [1, 1]).worst(u, 0.16) == pytest.approx(1 - (0.5 + 0.2))
    ball = Ball("wasserstein", [1, 1], [[0, 1], [1, 0]])
    assert ball.worst(u, 0.1) == pytest.approx(0.4)
    q = 0.8
    radius = q * log(2 * q) + (1 - q) * log(2 * (1 - q))
    assert Ball("kl", [1, 1]).worst(u, radius) == pytest.approx(0.2)


@pytest.mark.parametrize("kind", BALLS)
def test_the_best_mixture_over_a_ball_beats_a_grid_and_is_proved(kind):
    rng = np.random.default_rng(5)
    table = rng.normal(size=(12, 3))
    distances = distances_between({"x": rng.random(12)})
    ball = Ball(kind, np.ones(12), distances)
    found = mixture_over(table, ball, 0.2)

    assert found.value == pytest.approx(ball.worst(table @ found.weights, 0.2), abs=1e-9)
    for i, j in product(range(21), repeat=2):
        if i + j <= 20:
            weights = np.array([i, j, 20 - i - j]) / 20
            assert ball.worst(table @ weights, 0.2) <= found.value + found.gap + 1e-9
    # The proof: against its belief, which is in the ball, no regime does better.
    assert (found.belief @ table).max() <= found.value + 1e-4
    assert found.belief.sum() == pytest.approx(1)


def test_the_flip_of_a_likelihood_ball_is_where_the_two_curves_cross():
    # bold pays 0 or 10, meek 4: mean 5 beats 4, until the belief in the bad draw is 0.6.
    payoffs = table_of([[0, 4], [10, 4]])
    found = choose(BETS, payoffs, "A", beliefs={"kl": 0.01, "chi2": 0.01}, information=None)
    q = 0.6
    crossing = {
        "kl": q * log(2 * q) + (1 - q) * log(2 * (1 - q)),
        "chi2": 4 * (q - 0.5) ** 2,
    }

    for one in found.ambiguity:
        (flip,) = one.flips
        assert (flip.before, flip.after) == ("bold", "meek")
        assert flip.low <= crossing[one.kind] <= flip.high
        assert flip.high - flip.low <= 2e-4 * flip.high
        (reversal,) = one.reversals
        assert reversal.regime == "meek"
        assert reversal.radius == pytest.approx(crossing[one.kind], rel=1e-3)
        # The mean of s, 0 or 1, moves from 0.5 to 0.4: by 0.2 standard deviations.
        assert reversal.tilt["s"] == pytest.approx(-0.2, abs=1e-3)
        assert one.pick.regime == "bold"


def test_one_flip_after_the_other_is_reported():
    # The first is best on average; the second where the third draw is likelier, the third
    # regime at the very worst of all.
    payoffs = table_of([[10, 6, 3], [6, 6, 3], [0, 2, 3]])
    found = choose(BETS, payoffs, "A", beliefs={"kl": 0.1}, information=None)

    assert [(f.before, f.after) for f in found.ambiguity[0].flips] == [
        ("bold", "meek"), ("meek", "mad")
    ]  # fmt: skip


def test_no_belief_turns_to_a_regime_that_is_nowhere_better():
    payoffs = table_of([[3, 1], [5, 5], [4, 0]])
    found = choose(BETS, payoffs, "A", beliefs={"chi2": 0.2}, information=None)

    assert found.ambiguity[0].flips == ()
    assert found.ambiguity[0].reversals[0].radius is None
    assert "Under no belief" in str(found)


# ---------------------------------------------------------------------------------------------
# Information


def test_perfect_information_by_hand():
    # Equal chances: max(9, 6) = 9, max(0, 2) = 2 on average 5.5, against 4.5.
    rows = [[9, 6], [0, 2]] * 10
    found = value_of_information(np.array(rows, float), {"x": np.tile([0.0, 1.0], 20)[:20]})

    assert found.perfect == pytest.approx(1)
    (one,) = found.partial
    assert (one.parameter, one.value, one.method) == ("x", pytest.approx(1), "2 bins")


@pytest.mark.parametrize("method", ["regression", "bins"])
def test_partial_information_meets_the_closed_form_of_normal_bets(method):
    # Payoffs 0 and m + x + y/2 with standard normal x, y: knowing a part with deviation s is
    # worth m F(m/s) + s f(m/s) - m (Raiffa and Schlaifer's unit normal loss).
    from scipy.stats import norm

    rng = np.random.default_rng(1)
    x, y, z = rng.normal(size=(3, 4000))
    table = np.column_stack([np.zeros(4000), 0.1 + x + y / 2])
    found = value_of_information(table, {"x": x, "y": y, "z": z}, method=method)
    closed = {
        name: 0.1 * norm.cdf(0.1 / s) + s * norm.pdf(0.1 / s) - 0.1
        for name, s in {"all": 1.25**0.5, "x": 1.0, "y": 0.5}.items()
    }
    worth = {one.parameter: one for one in found.partial}

    assert found.perfect == pytest.approx(closed["all"], abs=4 * found.error)
    for name in ("x", "y"):
        assert worth[name].value == pytest.approx(closed[name], abs=3 * worth[name].error)
    assert worth["z"].value < 0.02
    assert [one.parameter for one in found.partial] == ["x", "y", "z"]
    assert worth["x"].value <= found.perfect


def test_partial_information_of_a_discrete_parameter_is_its_table():
    # Within each value of d the means decide: E max over the values of d, minus the best mean.
    rng = np.random.default_rng(0)
    d = rng.integers(0, 3, 600).astype(float)
    table = rng.normal(size=(600, 3)) + np.column_stack([d, 2 - d, np.ones(600)])
    (one,) = value_of_information(table, {"d": d}).partial
    by_hand = (
        sum((d == v).mean() * table[d == v].mean(axis=0).max() for v in range(3))
        - table.mean(axis=0).max()
    )

    assert one.value == pytest.approx(by_hand)


# ---------------------------------------------------------------------------------------------
# Winning and dominance


def test_winning_follows_the_ranges_over_equilibria():
    low = np.array([[3, 1], [1, 1], [2, 1], [5, np.nan], [1.0000001, 1]])
    high = np.array([[4, 2], [1, 1], [3, 2.5], [5, np.nan], [1.0000001, 1]])
    payoffs = Payoffs(("bold", "meek"), low, high, {"s": np.arange(5.0)})
    won, ties, depends, near = winning(payoffs)

    assert [one.wins for one in won] == [1, 0]
    assert (ties, depends, near) == (2, 1, 0)
    assert won[0].share == 1 / 4
    assert won[0].bounds == (1 / 5, 5 / 5)


def test_the_interval_of_a_share_is_wilsons():
    from scipy.stats import binomtest

    for successes, trials in ((0, 7), (3, 7), (7, 7), (130, 1000)):
        peer = binomtest(successes, trials).proportion_ci(method="wilson")
        assert share_interval(successes, trials) == pytest.approx((peer.low, peer.high), abs=1e-9)


def test_dominance_by_hand():
    names = ["a", "b"]
    assert [d.order for d in dominance([[2, 1], [3, 3]], names)] == ["every draw"]
    assert [d.order for d in dominance([[1, 3], [4, 1]], names)] == ["first"]
    # b is safer with the same mean: second order, and no first.
    assert [(d.better, d.order) for d in dominance([[0, 1], [2, 1]], names)] == [("b", "second")]
    assert dominance([[0, 1], [5, 2]], names) == ()
    assert dominance([[1, 1], [2, 2]], names) == ()


@given(small_tables, st.integers(0, 999))
def test_dominance_agrees_with_utilities_that_define_it(rows, seed):
    table = np.array(rows, dtype=float)
    found = {(d.better, d.worse): d.order for d in dominance(table, ["a", "b", "c"])}
    rng = np.random.default_rng(seed)
    steps = np.unique(table)
    for i, j in product(range(3), repeat=2):
        if i == j:
            continue
        order = found.get(("abc"[i], "abc"[j]))
        # First order: F_i <= F_j at every step; second: the integrals of F.
        cdf = np.array([[(table[:, k] <= step).mean() for step in steps] for k in (i, j)])
        area = np.cumsum(cdf[:, :-1] * np.diff(steps), axis=1) if len(steps) > 1 else cdf[:, :0]
        first = (cdf[0] <= cdf[1] + 1e-12).all() and (cdf[0] < cdf[1] - 1e-12).any()
        second = (area[0] <= area[1] + 1e-12).all() and (area[0] < area[1] - 1e-12).any()
        assert (order in ("every draw", "first")) == first
        assert (order is not None) == (second or first)
        if order is not None:
            utility = rng.choice([1.0, 3.0]) * table + np.minimum(table, rng.normal())
            assert utility[:, i].mean() >= utility[:, j].mean() - 1e-9


# ---------------------------------------------------------------------------------------------
# A game


def test_a_game_is_solved_and_judged_by_the_owner_of_the_decision():
    rng = np.random.default_rng(0)
    draws = {"s": rng.uniform(0, 4, 60), "b": rng.uniform(1, 3, 60), "idle": rng.uniform(-1, 1, 60)}
    found = robust(BETS, draws, ["bold", "meek"])
    bold = draws["b"] * draws["s"] - 1

    assert found.player == "A"
    assert found.payoff == "worth"
    assert found.used == 60
    assert found.expected == pytest.approx([bold.mean(), 1])
    assert found.least == pytest.approx([bold.min(), 1])
    assert found.regret == pytest.approx(
        [np.maximum(1 - bold, 0).max(), np.maximum(bold - 1, 0).max()]
    )
    assert [one.wins for one in found.winning] == [(bold > 1).sum(), (bold < 1).sum()]
    assert found.information.perfect == pytest.approx(
        np.maximum(bold, 1).mean() - max(bold.mean(), 1)
    )
    assert found.information.partial[0].parameter == "s"
    assert found.to_dict()["picks"]["maximin"]["regime"] == "meek"
    text = str(found)
    assert text.index("Over 60 draws") < text.index("criterion")


def test_a_player_can_be_named_and_the_rule_for_equilibria_too():
    low = np.array([[1.0, 2.0], [1.0, 2.0]])
    high = np.array([[5.0, 2.0], [5.0, 2.0]])
    payoffs = Payoffs(("bold", "meek"), low, high, {"s": np.array([0.0, 1.0])})
    picks = {
        rule: choose(BETS, payoffs, "A", rule=rule, beliefs={}, information=None)
        .picks["maximin"]
        .regime
        for rule in ("worst", "best", "mid")
    }

    assert picks == {"worst": "meek", "best": "bold", "mid": "bold"}
    assert robust(BETS, {"s": [1.0, 2.0]}, player="B", beliefs={}, information=None).player == "B"


def test_draws_without_an_answer_are_left_out_counted_and_named():
    rows = [[3, 1], [np.nan, 1], [2, 1], [3, np.nan], [3, 2]]
    found = choose(BETS, table_of(rows), "A", beliefs={}, information=None)

    assert (found.draws, found.used) == (5, 3)
    assert found.undefined == {"bold": 1, "meek": 1}
    assert found.expected == pytest.approx([8 / 3, 4 / 3])
    assert found.least_draw[0] == 2
    assert "2 of 5 draws have no certified answer" in str(found)


def test_what_is_not_certified_is_undefined():
    answers = solve_draws(BETS, {"s": [1.0, 2.0]}, ["bold", "meek"], tolerance=1e-4)
    payoffs = payoffs_of(answers, "A", {"s": [1.0, 2.0]})

    assert payoffs.defined.all()
    assert payoffs.low[:, 0] == pytest.approx([1, 3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "worse"}, "no rule 'worse'. Did you mean 'worst'"),
        ({"beliefs": {"lk": 1}}, "no set of beliefs 'lk'"),
        ({"beliefs": {"kl": -1}}, "below 0"),
        ({"player": "Z"}, "no player 'Z'"),
        ({"regimes": ["bald"]}, "Did you mean 'bold'"),
        ({"information": "regresion"}, "Did you mean 'regression'"),
    ],
)
def test_a_wrong_request_is_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        robust(BETS, {"s": np.linspace(0, 4, 12)}, **arguments)


def test_nothing_to_compare_is_said():
    with pytest.raises(RequestError, match="nothing to compare"):
        choose(BETS, table_of([[np.nan, 1.0]]), "A")


def test_one_regime_alone_is_reported_without_a_comparison():
    found = choose(BETS, table_of([[1.0], [2.0]]), "A", beliefs={}, information=None)

    assert "alone was asked about" in str(found)


def test_the_same_seed_gives_the_same_estimates():
    rng = np.random.default_rng(3)
    payoffs = table_of(rng.normal(size=(50, 3)).tolist(), s=rng.random(50))
    one, same = (choose(BETS, payoffs, "A", rng=7).to_dict() for _ in range(2))

    assert one == same


def test_what_is_done_after_solving_is_told_step_by_step():
    said = []
    choose(BETS, table_of(np.eye(2).repeat(6, axis=0)), "A", beliefs={"kl": 0.1}, step=said.append)
    assert said == [
        "step 1 of 3: mixtures of regimes over 12 draws",
        "step 2 of 3: beliefs of kind kl over 12 draws",
        "step 3 of 3: the value of information over 12 draws",
    ]
