"""Attribution: Shapley values by hand, sums to the total, coalitions without a value, sampling."""

from __future__ import annotations

import dataclasses
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Mechanism, Parameter, Regime, Stage, limits
from highfence.errors import RequestError, SpecError
from highfence.study.attribution import (
    attribute,
    attribute_regimes,
)
from highfence.study.cooperative import interaction_indices, shapley_values
from highfence.study.draws import solve_draws
from study_games import pursuit

# A gets worth * (2x - x^2), so x = 1 and the payoff is the worth wherever that is positive: under
# "act" push * pull + bonus [loud] + drift,
# under "rest" drift alone. A mechanism that works under both regimes alike cancels.
LEVERS = Game(
    name="levers",
    players=["A"],
    parameters=[
        Parameter("push", 3, low=1, high=5),
        Parameter("pull", 2, low=1, high=4),
        Parameter("drift", 7, low=0, high=10),
        Parameter("bonus", 4, low=0, high=9),
        Parameter("tone", "loud", choices=("loud", "quiet")),
    ],
    stages=[
        Stage("control", Decision("A", "control", {"act": {"on": 1}, "rest": {"on": 0}})),
        Stage("effort", Decision("A", "x", Interval(0, 2))),
    ],
    derived={
        "worth": "control.on * (push * pull + bonus * (tone == 'loud')) + drift",
        "W": "worth * (2 * x - x ** 2)",
    },
    payoffs={"A": "W"},
    outcomes=["W", "worth"],
    regimes=[
        Regime("act", "Act", fix={"control": "act"}),
        Regime("rest", "Rest", fix={"control": "rest"}),
    ],
    mechanisms={
        "pushing": Mechanism({"push": 0}, label="Pushing", id="M1"),
        "pulling": Mechanism({"pull": 0}, label="Pulling"),
        "drifting": Mechanism({"drift": 0}),
        "talking": Mechanism({"tone": "quiet"}),
    },
    flags={"big": "worth > rest.worth + 5"},
)

# With sign 1 there is no pure equilibrium, so coalitions without `calm` have no answer.
PURSUIT = pursuit(
    Parameter("goal", 0.5, low=0.1, high=0.9),
    Parameter("sign", -1),
    Parameter("prize", 2),
    Parameter("gift", 3),
    derived={"score": "prize * gift + 10 * prize"},
    outcomes=["score"],
    regimes=[Regime("meet"), Regime("also")],
    mechanisms={
        "calm": Mechanism({"sign": 1}),
        "prizes": Mechanism({"prize": 0}),
        "gifts": Mechanism({"gift": 0}),
    },
)


def brute_force(worth: np.ndarray) -> np.ndarray:
    """Return Shapley values as the mean over all orders, written out."""
    players = len(worth).bit_length() - 1
    orders = list(permutations(range(players)))
    made = np.zeros(players)
    for order in orders:
        held = 0
        for player in order:
            made[player] += worth[held | 1 << player] - worth[held]
            held |= 1 << player
    return made / len(orders)


# ---------------------------------------------------------------------------------------------
# Cooperative games


def test_shapley_values_of_a_three_player_game_match_the_hand():
    # v(1)=10, v(2)=20, v(12)=50, v(3)=30, v(13)=60, v(23)=70, v(123)=120. By hand, player 1:
    # (2*10 + (50-20) + (60-30) + 2*(120-70))/6 = (20+30+30+100)/6 = 30; player 2:
    # (2*20 + (50-10) + (70-30) + 2*(120-60))/6 = 40; player 3: 50.
    found = shapley_values([0, 10, 20, 50, 30, 60, 70, 120])

    assert found.values[:, 0] == pytest.approx([30, 40, 50])
    assert found.orders[0] == 1


def test_an_airport_is_paid_for_by_those_who_need_each_stretch():
    # Littlechild and Owen (1973): costs 1, 3, 6; each stretch is shared by those who need it.
    costs = (1, 3, 6)
    worth = [max((costs[i] for i in range(3) if k >> i & 1), default=0) for k in range(8)]

    assert shapley_values(worth).values[:, 0] == pytest.approx([1 / 3, 1 / 3 + 1, 1 / 3 + 1 + 3])


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_shapley_values_are_the_mean_over_orders_and_sum_to_the_total(players, seed):
    worth = np.random.default_rng(seed).normal(size=(2**players, 3))
    found = shapley_values(worth)

    for draw in range(3):
        assert found.values[:, draw] == pytest.approx(brute_force(worth[:, draw]), abs=1e-12)
    assert found.values.sum(axis=0) == pytest.approx(worth[-1] - worth[0], abs=1e-12)


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_without_some_coalitions_the_mean_is_over_the_orders_that_avoid_them(players, seed):
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=2**players)
    worth[rng.integers(1, 2**players - 1)] = np.nan
    found = shapley_values(worth)

    kept, made = 0, np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        held = np.cumsum([0, *(1 << player for player in order)])
        if not np.isnan(worth[held]).any():
            kept += 1
            made[list(order)] += np.diff(worth[held])
    assert found.orders[0] == pytest.approx(kept / len(orders))
    assert found.values[:, 0] == pytest.approx(made / kept)
    assert found.values.sum() == pytest.approx(worth[-1] - worth[0])


def test_a_total_without_a_value_is_not_shared():
    found = shapley_values([0, 1, 2, np.nan])

    assert np.isnan(found.values).all()
    assert found.orders[0] == 0


def test_interactions_of_an_additive_game_are_zero_and_of_a_product_its_weight():
    additive = [sum((2.0, 3.0, -1.0)[i] for i in range(3) if k >> i & 1) for k in range(8)]
    product = [4.0 * (k & 3 == 3) + 5.0 * (k >> 2 & 1) for k in range(8)]

    assert np.nanmax(np.abs(interaction_indices(additive))) < 1e-12
    found = interaction_indices(product)[:, :, 0]
    assert found[0, 1] == pytest.approx(4)
    assert found[0, 2] == pytest.approx(0)
    assert np.isnan(found[1, 1])


def test_interactions_of_unanimity_games_match_grabisch_and_roubens():
    # The index of a pair in the unanimity game of t members that hold it is 1/(t - 1).
    for members in (2, 3, 4):
        whole = (1 << members) - 1
        worth = [float(k & whole == whole) for k in range(16)]
        assert interaction_indices(worth)[0, 1, 0] == pytest.approx(1 / (members - 1))


def test_values_of_coalitions_must_be_a_power_of_two():
    with pytest.raises(RequestError, match=r"2\^n rows"):
        shapley_values([0, 1, 2])


# ---------------------------------------------------------------------------------------------
# Mechanisms of a game


def test_mechanisms_of_a_game_get_the_shares_computed_by_hand():
    # Against "rest": v(S) = 6 [pushing and pulling] + 4 [talking]; drifting cancels.
    found = attribute(LEVERS, "act", "rest")

    assert found.mechanisms == ("pushing", "pulling", "drifting", "talking")
    assert found.outcome == "W"
    assert found.shapley == pytest.approx([3, 3, 0, 4], abs=2e-3)
    assert found.bare == pytest.approx(0, abs=1e-6)
    assert found.full == pytest.approx(10, abs=2e-3)
    assert found.shapley.sum() == pytest.approx(found.total, abs=1e-12)
    assert found.added_last == pytest.approx([6, 6, 0, 4], abs=2e-3)
    assert found.added_first == pytest.approx([0, 0, 0, 4], abs=2e-3)
    assert found.interactions[0, 1] == pytest.approx(6, abs=5e-3)
    assert found.interactions[0, 3] == pytest.approx(0, abs=5e-3)
    assert found.waterfall[0].mechanism == "talking"
    assert found.waterfall[-1].end == pytest.approx(found.full, abs=1e-12)
    assert found.exact
    assert (found.error == 0).all()
    assert found.orders == 1
    assert found.coalitions == 16


def test_without_a_baseline_the_outcome_itself_is_explained():
    found = attribute(LEVERS, "act", None, mechanisms=["drifting", "talking"])

    assert found.baseline is None
    assert found.shapley == pytest.approx([7, 4], abs=2e-3)
    assert found.bare == pytest.approx(6, abs=2e-3)


def test_switching_one_by_one_agrees_with_solving_the_game_without_the_mechanism():
    found = attribute(LEVERS, "act", "rest", "worth")
    off = solve_draws(LEVERS, {"push": [0.0]}, ["act", "rest"]).column("worth")[0][0]
    on = solve_draws(LEVERS, {"push": [3.0]}, ["act", "rest"]).column("worth")[0][0]

    assert found.added_last[0] == pytest.approx((on[0] - on[1]) - (off[0] - off[1]))


def test_with_draws_the_shares_are_means_and_the_condition_a_share_of_draws():
    draws = {"push": np.array([1.0, 2.0, 3.0, 4.0]), "bonus": np.array([4.0, 4.0, 6.0, 0.0])}
    # worth - rest.worth = 2 push + bonus = 6, 8, 12, 8, above 5 in every draw. Without pushing:
    # 4, 4, 6, 0, above in one; without talking 2, 4, 6, 8, above in two; without both never.
    found = attribute(LEVERS, "act", "rest", "big", mechanisms=["pushing", "talking"], draws=draws)

    assert found.condition
    assert found.baseline is None
    assert (found.full, found.bare) == (1, 0)
    assert found.added_last == pytest.approx([3 / 4, 2 / 4])
    assert found.added_first == pytest.approx([2 / 4, 1 / 4])
    assert found.shapley == pytest.approx([5 / 8, 3 / 8])
    per_draw = np.array([[0.5, 0.5, 0.5, 1], [0.5, 0.5, 0.5, 0]])
    assert found.error == pytest.approx(per_draw.std(axis=1, ddof=1) / 2)
    assert found.used == found.draws == 4


def test_a_coalition_without_an_answer_is_named_and_only_orders_around_it_count():
    # Off, "calm" makes the pursuit unsolvable; on, the score is prize * gift + 10 prize.
    found = attribute(PURSUIT, "meet", None, "score", mechanisms=["prizes", "gifts", "calm"])

    assert found.used == 0  # the coalition of none has no answer, and every order begins there
    assert np.isnan(found.shapley).all()
    assert found.waterfall == ()
    assert "nothing can be attributed" in str(found)
    assert all("calm" in off for off, _ in found.undefined)
    assert len(found.undefined) == 4
    assert found.to_dict()["undefined"][0]["draws"] == 1

    fine = attribute(PURSUIT, "meet", None, "score", mechanisms=["prizes", "gifts"])
    assert fine.undefined == ()
    assert fine.shapley == pytest.approx([20 + 3, 3])


def test_draws_without_an_answer_are_left_out_and_counted():
    draws = {"sign": np.array([-1.0, 1.0, -1.0])}
    found = attribute(PURSUIT, "meet", None, "score", mechanisms=["prizes", "gifts"], draws=draws)

    assert (found.draws, found.used) == (3, 2)
    assert found.shapley == pytest.approx([23, 3])
    assert "1 of 3 draws have no answer" in str(found)


def test_a_mechanism_that_is_off_already_is_idle_and_said():
    found = attribute(LEVERS, "act", "rest", mechanisms=["pushing", "pulling"], push=0)

    assert found.idle == ("pushing",)
    assert found.mechanisms == ("pulling",)
    assert found.shapley == pytest.approx([0], abs=1e-6)
    assert "Off already" in str(found)


def test_sampled_orders_sum_to_the_total_and_come_close(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EXACT_MECHANISMS", 3)
    found = attribute(LEVERS, "act", "rest", permutations=20, interactions=True, rng=3)

    assert not found.exact
    assert found.permutations == 20
    assert found.shapley.sum() == pytest.approx(found.total, abs=1e-9)
    # Interactions come in pairs only, for which an order and its reverse have no error.
    assert found.shapley == pytest.approx([3, 3, 0, 4], abs=5e-3)
    assert found.error.max() < 5e-3
    assert found.interactions[0, 1] == pytest.approx(6, abs=5e-3)
    assert found.added_last == pytest.approx([6, 6, 0, 4], abs=5e-3)
    same = attribute(LEVERS, "act", "rest", permutations=20, interactions=True, rng=3)
    assert (same.shapley == found.shapley).all()


@pytest.mark.slow
def test_standard_errors_of_sampled_orders_cover_the_exact_values(monkeypatch):
    # push * pull * drift: a product of three, for which sampling does err.
    game = Game(
        name="triple",
        players=["A"],
        parameters=[Parameter(name, 2) for name in ("a", "b", "c", "d")],
        stages=[Stage("s", Decision("A", "x", ["only", "other"]))],
        derived={"W": "a * b * c + d * a"},
        payoffs={"A": "W"},
        regimes=[Regime("on", fix={"x": "only"})],
        mechanisms={name: Mechanism({name: 0}) for name in ("a", "b", "c", "d")},
    )
    exact = attribute(game, "on", None)
    assert exact.shapley == pytest.approx([8 / 3 + 2, 8 / 3, 8 / 3, 2])
    monkeypatch.setattr(limits, "MAX_EXACT_MECHANISMS", 2)
    inside = []
    for seed in range(40):
        found = attribute(game, "on", None, permutations=30, rng=seed)
        wide = found.error > 0
        inside += list((np.abs(found.shapley - exact.shapley) <= 2 * found.error + 1e-12)[wide])
    assert 0.85 < np.mean(inside) <= 1


@pytest.mark.slow
def test_sampled_interactions_have_the_error_of_an_order_with_its_reverse(monkeypatch):
    """Of three that interact the two together have none: one by one, 1/sqrt(n) was said."""
    names = ("a", "b", "c", "d", "e")
    game = Game(
        name="triple",
        players=["A"],
        parameters=[Parameter(name, 2) for name in names],
        stages=[Stage("s", Decision("A", "x", ["only", "other"]))],
        derived={"triple": "a * b * c + d * e", "whole": "a * b * c * d * e"},
        payoffs={"A": "triple"},
        outcomes=["triple", "whole"],
        regimes=[Regime("on", fix={"x": "only"})],
        mechanisms={name: Mechanism({name: 0}) for name in names},
    )
    exact = attribute(game, "on", None, "whole").interactions
    monkeypatch.setattr(limits, "MAX_EXACT_MECHANISMS", 2)
    more = {"interactions": True, "permutations": 40}
    found = attribute(game, "on", None, "triple", **more)
    assert found.interactions[0, 1] == pytest.approx(4)
    assert found.interaction_errors[0, 1] == 0

    upper = np.triu_indices(5, 1)
    distances = []
    for seed in range(5):
        found = attribute(game, "on", None, "whole", **more, rng=seed)
        errors = found.interaction_errors[upper]
        assert (errors > 0).all()
        distances += list((found.interactions - exact)[upper] / errors)
    assert 0.7 < np.std(distances) < 1.3


def test_several_regimes_share_their_coalitions():
    both = attribute_regimes(LEVERS, ["act", "rest"], None, "worth", ["drifting"])

    assert [one.regime for one in both] == ["act", "rest"]
    assert [float(one.shapley[0]) for one in both] == [7, 7]


def test_a_regime_that_switches_a_mechanism_off_itself_is_explained_by_its_own_numbers():
    overlaid = Game(
        name="overlaid",
        players=["A"],
        parameters=[Parameter("a", 2), Parameter("b", 5)],
        stages=[Stage("s", Decision("A", "x", ["only", "other"]))],
        derived={"W": "a + b"},
        payoffs={"A": "W"},
        regimes=[
            Regime("plain", fix={"x": "only"}),
            Regime("muted", fix={"x": "only"}, set={"b": 9}, off=("one",)),
        ],
        mechanisms={"one": Mechanism({"a": 0}), "two": Mechanism({"b": 0})},
    )
    found = attribute(overlaid, "muted", "plain")

    # muted: a = 0 always, b = 9 while `two` works; plain: a = 2, b = 5.
    assert found.full == (0 + 9) - (2 + 5)
    assert found.shapley == pytest.approx([-2, 4])


# ---------------------------------------------------------------------------------------------
# Wrong requests


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"regime": "acts"}, RequestError, "unknown regime 'acts'. Did you mean 'act'"),
        ({"baseline": "nothing"}, RequestError, "no regime 'nothing'"),
        ({"regime": "rest"}, RequestError, "compared with itself"),
        ({"mechanisms": ["pull"]}, RequestError, "Did you mean 'pulling'"),
        ({"mechanisms": []}, RequestError, "no mechanism is asked for"),
        ({"mechanisms": ["pulling", "pulling"]}, RequestError, "asked for twice"),
        ({"outcome": "wort"}, SpecError, "Did you mean 'worth'"),
        ({"outcome": "worth +"}, SpecError, "outcome 'worth \\+'"),
        ({"rule": "middle"}, RequestError, "no rule 'middle'"),
        ({"permutations": 1}, RequestError, "too few"),
        ({"draws": {"push": [1.0], "pull": [1.0, 2.0]}}, RequestError, "one length"),
        ({"draws": {"push": []}}, RequestError, "no draws"),
    ],
)
def test_a_wrong_request_is_refused_with_a_way_to_mend_it(arguments, error, message):
    asked = {"regime": "act", "baseline": "rest", **arguments}

    with pytest.raises(error, match=message):
        attribute(LEVERS, **asked)


def test_a_game_without_mechanisms_or_regimes_says_so():
    with pytest.raises(RequestError, match="declares no mechanisms"):
        attribute(dataclasses.replace(LEVERS, mechanisms={}), "act", "rest")
    with pytest.raises(RequestError, match="no regimes"):
        attribute("prisoners_dilemma", "none")


def test_mechanisms_that_disagree_about_a_parameter_are_refused():
    game = Game(
        name="clash",
        players=["A"],
        parameters=[Parameter("a", 2)],
        stages=[Stage("s", Decision("A", "x", ["only", "other"]))],
        payoffs={"A": "a"},
        regimes=[Regime("on", fix={"x": "only"})],
        mechanisms={"zero": Mechanism({"a": 0}), "one": Mechanism({"a": 1})},
    )
    with pytest.raises(RequestError, match="zero and one both set a"):
        attribute(game, "on", None)


# ---------------------------------------------------------------------------------------------
# The main game


@pytest.mark.slow
def test_under_broad_controls_the_flagship_blames_retaliation_backfill_and_alignment():
    found = attribute(
        "small_yard_high_fence",
        "broad",
        mechanisms=["retaliation", "backfill", "alignment", "access_learning"],
    )
    shares = dict(zip(found.mechanisms, found.shapley, strict=True))

    # Retaliation costs Rcost (1 + delta) = .074 whatever else works.
    assert shares["retaliation"] == pytest.approx(-0.04 * 1.85, abs=1e-4)
    assert shares["backfill"] < -0.05
    assert shares["alignment"] < -0.03
    assert shares["access_learning"] > 0.01
    assert found.full == pytest.approx(3.1291 - 3.4682, abs=2e-3)
    assert found.shapley.sum() == pytest.approx(found.total, abs=1e-12)
