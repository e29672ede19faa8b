"""Correlated equilibria, commitments, logit play and bargains: known answers, and the judge."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify.concepts import (
    certify_bargain,
    certify_commitment,
    certify_correlated,
    certify_coverage,
    certify_logit,
)
from highfence.concepts import (
    Target,
    _expected,
    commitment,
    correlated_equilibrium,
    correlated_range,
    eliminate_dominated,
    fit_precision,
    logit_equilibrium,
    nash_bargaining,
    security_coverage,
)
from highfence.errors import LimitExceeded, RequestError
from highfence.forms.normal import NormalForm, Profile
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.pure import pure_enumeration
from highfence.methods.stackelberg import best_coverage
from strategies import SMALL, strategic_games, two_player_games

CHICKEN = NormalForm.bimatrix([[0, 7], [2, 6]], symmetric=True)
PENNIES = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
BATTLE = NormalForm.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]], players=["her", "him"])


def of_profile(profile: Profile) -> np.ndarray:
    """Return the distribution over pure profiles of independent play."""
    made = np.array(1.0)
    for strategy in profile.floats():
        made = np.multiply.outer(made, strategy)
    return made


# ------------------------------------------------------------------ correlated equilibria


def test_a_mediator_of_chicken_reaches_what_is_known():
    """Aumann (1974): 10.5 in sum by telling each of three profiles, half the time to yield both."""
    found = correlated_equilibrium(CHICKEN)

    assert found.value == pytest.approx(10.5)
    assert found.distribution == pytest.approx(np.array([[0, 0.25], [0.25, 0.5]]), abs=1e-9)
    assert found.payoffs == pytest.approx({"Player 1": 5.25, "Player 2": 5.25})
    assert not found.distribution.flags.writeable


def test_rounding_is_not_shown_as_a_payoff():
    """A third of 0.1 + 0.2 - 0.3 is 2e-17, and is 0."""
    game = NormalForm.bimatrix([[0.1, 0.2, -0.3]] * 3, [[0, 0, 0]] * 3)
    odds = np.full((3, 3), 1 / 9)
    assert float((game.payoffs[0] * odds).sum()) != 0
    assert _expected(game, odds) == {"Player 1": 0, "Player 2": 0}


def test_matching_pennies_has_one_correlated_equilibrium():
    for objective in ("Player 1", "Player 2", "welfare"):
        low, high = correlated_range(PENNIES, objective)

        assert low.distribution == pytest.approx(np.full((2, 2), 0.25), abs=1e-7)
        assert (low.value, high.value) == pytest.approx((0, 0), abs=1e-7)


@settings(max_examples=15)
@given(game=strategic_games((1, 3), 3, st.integers(-3, 3)))
def test_coarse_equilibria_contain_correlated_ones_which_contain_nash(game):
    player = game.players[0]
    low, high = correlated_range(game, player)
    lowest, highest = correlated_range(game, player, coarse=True)
    for found in (low, high, lowest, highest):
        assert found.certificate.holds, found.certificate.checks
    assert lowest.value <= low.value + 1e-6
    assert high.value <= highest.value + 1e-6
    assert certify_correlated(game, low.distribution, coarse=True).holds
    for profile in pure_enumeration(game):
        value = float(game.expected_payoffs(profile)[0])
        assert low.value - 1e-6 <= value <= high.value + 1e-6


@settings(max_examples=15)
@given(game=two_player_games(3, SMALL))
def test_every_nash_equilibrium_is_a_correlated_one_for_the_judge(game):
    for profile in extreme_enumeration(game):
        assert certify_correlated(game, of_profile(profile)).holds


def test_the_range_of_an_outcome_is_asked_by_its_name():
    game = NormalForm.bimatrix(
        [[2, 0], [0, 1]], [[1, 0], [0, 2]], outcomes={"apart": [[0, 1], [1, 0]]}
    )
    low, high = correlated_range(game, "apart")

    assert low.value == pytest.approx(0, abs=1e-9)
    assert high.outcomes["apart"] == pytest.approx(high.value)
    assert high.value >= 4 / 9 - 1e-9  # the mixed equilibrium's


def test_a_game_s_own_welfare_is_meant_where_it_has_one():
    own = NormalForm.from_payoffs(CHICKEN.payoffs, outcomes={"welfare": [[0, 0], [0, 3]]})

    assert correlated_equilibrium(own).value == pytest.approx(1.5)


def test_scales_of_payoffs_do_not_matter_to_a_mediator():
    scaled = NormalForm.from_payoffs(CHICKEN.payoffs * np.array([1e-9, 1e9]).reshape(2, 1, 1))
    found = correlated_equilibrium(scaled, "Player 1")

    assert found.certificate.holds
    assert found.value == pytest.approx(1e-9 * correlated_equilibrium(CHICKEN, "Player 1").value)


def test_the_judge_of_mediators_rejects_what_is_disobeyed():
    certificate = certify_correlated(CHICKEN, np.array([[0.0, 0.0], [0.0, 1.0]]))

    assert certificate.regret == pytest.approx(1 / 7)
    assert not certificate.holds
    assert "false by" in certificate.checks[0]
    assert certify_correlated(CHICKEN, np.full((2, 2), 0.3)).regret == float("inf")
    assert certify_correlated(CHICKEN, np.full((2, 3), 1 / 6)).regret == float("inf")
    assert certify_correlated(CHICKEN, np.array([[0.0, 1.5], [-0.5, 0.0]])).regret == float("inf")


def test_wrong_objectives_and_large_games_are_refused(monkeypatch):
    with pytest.raises(RequestError, match="Did you mean 'welfare'"):
        correlated_equilibrium(CHICKEN, "wellfare")
    monkeypatch.setattr(limits, "MAX_CORRELATED_CELLS", 7)
    with pytest.raises(LimitExceeded, match="MAX_CORRELATED_CELLS"):
        correlated_equilibrium(CHICKEN)


# ------------------------------------------------------------------ commitment


def inspection() -> NormalForm:
    """Return the inspection game: d = 1, b = 3, e = .1, a = .2, c = 1."""
    return NormalForm.bimatrix(
        [["-0.1", "-0.2"], [0, -1]],
        [[0, -3], [0, 1]],
        players=["inspector", "inspectee"],
        strategies=[["inspect", "trust"], ["legal", "violate"]],
    )


def test_an_inspector_who_commits_deters_for_a_tenth_of_the_price():
    """Maschler (1966); Avenhaus and Canty: inspect with probability .25, value -.025."""
    found = commitment(inspection(), "inspector")

    assert found.strategy["inspect"] == pytest.approx(0.25)
    assert found.responses == ("legal",)
    assert found.leader_payoff == pytest.approx(-0.025)
    assert found.attained
    assert found.certificate.holds


def test_a_pessimistic_inspector_only_comes_near_that_value():
    found = commitment(inspection(), "inspector", pessimistic=True)

    assert found.leader_payoff == pytest.approx(-0.025)
    assert not found.attained


def test_followers_who_always_tie_harm_a_pessimistic_leader():
    game = NormalForm.bimatrix([[3, 0], [1, 1]], [[5, 5], [5, 5]])

    assert commitment(game, "Player 1").leader_payoff == pytest.approx(3)
    careful = commitment(game, "Player 1", pessimistic=True)
    assert careful.leader_payoff == pytest.approx(1)
    assert careful.attained


@settings(max_examples=15)
@given(game=two_player_games(3, SMALL))
def test_committing_pays_at_least_as_much_as_any_equilibrium(game):
    strong = commitment(game, "Player 1")
    careful = commitment(game, "Player 1", pessimistic=True)

    assert strong.certificate.holds
    assert careful.leader_payoff <= strong.leader_payoff + 1e-6
    for profile in extreme_enumeration(game):
        assert strong.leader_payoff >= float(game.expected_payoffs(profile)[0]) - 1e-6


def pessimistic_by_hand(own, other):
    """Return the most that a leader with two strategies can be sure of, and whether it is reached.

    What the leader is sure of is linear between the commitments at which replies tie, or what
    tying replies pay crosses; there, and at the ends, it may jump.
    """
    own, other = ([[Fraction(v) for v in row] for row in table] for table in (own, other))
    replies = range(len(own[0]))

    def at(table, x, k):
        return x * table[0][k] + (1 - x) * table[1][k]

    def best(x):
        most = max(at(other, x, k) for k in replies)
        return [k for k in replies if at(other, x, k) == most]

    cuts = {Fraction(0), Fraction(1)}
    for table, (a, b) in product((own, other), combinations(replies, 2)):
        slope = table[0][a] - table[0][b] - table[1][a] + table[1][b]
        if slope:
            cuts.add((table[1][b] - table[1][a]) / slope)
    cuts = sorted(x for x in cuts if 0 <= x <= 1)
    found = [(min(at(own, x, k) for k in best(x)), True) for x in cuts]
    for low, high in pairwise(cuts):
        middle = (low + high) / 2
        found.append((min(at(own, middle, k) for k in best(middle)), True))
        for end in (low, high):
            found.append((min(at(own, end, k) for k in best(middle)), False))
    return max(value for value, _ in found), (max(found)[0], True) in found


@settings(max_examples=20)
@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(st.lists(SMALL, min_size=k, max_size=k), min_size=4, max_size=4)
    )
)
def test_a_pessimistic_leader_has_the_supremum_and_knows_whether_it_is_reached(rows):
    value, attained = pessimistic_by_hand(rows[:2], rows[2:])

    found = commitment(NormalForm.bimatrix(rows[:2], rows[2:]), "Player 1", pessimistic=True)

    assert found.leader_payoff == pytest.approx(float(value), abs=1e-7)
    assert found.attained == attained
    assert found.certificate.holds


def test_a_leader_who_does_not_care_avoids_commitments_at_which_followers_tie():
    """At (1/2, 1/2) the follower ties and may harm; the program's corner was taken for all."""
    game = NormalForm.bimatrix([[0, -1], [0, 0]], [[-1, 0], [1, 0]], players=["us", "them"])

    found = commitment(game, "us", pessimistic=True)

    assert (found.attained, found.leader_payoff, found.responses) == (True, 0, ("1",))
    assert found.strategy["2"] > 0.5 + 1e-6


def test_responses_that_rounding_alone_parts_are_one_to_a_pessimistic_leader():
    game = NormalForm.bimatrix([[1, 0], [0, 1]], [[0.3, 0.1 + 0.2], [0, 0]])

    found = commitment(game, "Player 1", pessimistic=True)

    assert found.leader_payoff == pytest.approx(0.5)
    assert found.attained
    assert found.certificate.holds


def test_the_second_player_may_lead():
    transposed = NormalForm.from_payoffs(
        np.stack([inspection().payoffs[1].T, inspection().payoffs[0].T])
    )

    assert commitment(transposed, "Player 2").leader_payoff == pytest.approx(-0.025)


def test_one_commitment_against_two_types_is_the_best_of_a_grid():
    first = NormalForm.bimatrix([[2, 4], [1, 3]], [[1, 0], [0, 1]])
    second = NormalForm.bimatrix([[2, 4], [1, 3]], [[0, 1], [2, 0]])
    found = commitment([first, second], "Player 1", weights=[0.4, 0.6])
    best = -np.inf
    for p in np.linspace(0, 1, 3001):
        x, value = np.array([p, 1 - p]), 0.0
        for weight, game in ((0.4, first), (0.6, second)):
            replies = x @ game.payoffs[1]
            value += weight * (x @ game.payoffs[0])[replies >= replies.max() - 1e-9].max()
        best = max(best, value)

    assert found.leader_payoff == pytest.approx(best, abs=2e-3)
    assert found.leader_payoff >= best - 1e-9
    assert found.certificate.holds


def best_of_two_rows(games):
    """Return the most that a leader with two strategies gets of types that are equally likely.

    Responses change where two pay a type the same, and payoffs are linear between.
    """

    def pay(table, x, k):
        return x * Fraction(table[0][k]) + (1 - x) * Fraction(table[1][k])

    def gets(x):
        total = Fraction(0)
        for own, other in games:
            most = max(pay(other, x, k) for k in (0, 1))
            total += max(pay(own, x, k) for k in (0, 1) if pay(other, x, k) == most)
        return total / len(games)

    cuts = {Fraction(0), Fraction(1)}
    for _, other in games:
        ends = [pay(other, Fraction(x), 0) - pay(other, Fraction(x), 1) for x in (0, 1)]
        if ends[0] * ends[1] < 0:
            cuts.add(ends[0] / (ends[0] - ends[1]))
    return max(map(gets, cuts))


@pytest.mark.parametrize("seed", [1, 2, 8, 10, 39, 52, 71, 99])
def test_types_who_are_nearly_indifferent_are_not_taken_for_indifferent(seed):
    """A millionth of the payoffs parts their responses; the integer program had room for that."""
    rng = np.random.default_rng(seed)
    games = []
    for _ in range(2):
        own = rng.integers(-3, 4, (2, 2)).astype(float)
        games.append((own, rng.integers(-1, 2, (2, 2)) + 1e-6 * rng.integers(-2, 3, (2, 2))))

    found = commitment([NormalForm.bimatrix(*game) for game in games], "Player 1")

    assert found.leader_payoff == pytest.approx(float(best_of_two_rows(games)), abs=1e-5)
    assert found.certificate.holds


def test_a_search_among_responses_of_types_that_is_ended_says_so(monkeypatch):
    rng = np.random.default_rng(1)
    games = [NormalForm.bimatrix(*rng.integers(0, 9, (2, 3, 3))) for _ in range(4)]
    ended = []
    for most in (limits.MAX_COMMITMENT_PROGRAMS, 0):
        monkeypatch.setattr(limits, "MAX_COMMITMENT_PROGRAMS", most)
        ended.append(commitment(games, "Player 1"))

    whole, cut = ended
    assert whole.proved
    assert not cut.proved
    assert cut.leader_payoff <= whole.leader_payoff + 1e-9
    assert cut.certificate.holds


def test_one_type_twice_is_one_type():
    once = commitment(inspection(), "inspector")
    twice = commitment([inspection(), inspection()], "inspector")

    assert twice.leader_payoff == pytest.approx(once.leader_payoff)
    assert twice.responses == once.responses * 2


def test_wrong_requests_for_commitments_are_refused():
    with pytest.raises(RequestError, match=r"no player 'inspektor'.* mean 'inspector'"):
        commitment(inspection(), "inspektor")
    with pytest.raises(RequestError, match="one type"):
        commitment([inspection()] * 2, "inspector", pessimistic=True)
    with pytest.raises(RequestError, match="sum to one"):
        commitment([inspection()] * 2, "inspector", weights=[0.5, 0.6])
    with pytest.raises(RequestError, match="sum to one"):
        commitment(inspection(), "inspector", weights=[float("nan")])
    with pytest.raises(RequestError, match="two players"):
        commitment(NormalForm.from_payoffs(np.zeros((3, 2, 2, 2))), "Player 1")
    tables = [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]
    one = NormalForm.from_payoffs(tables, players=["us", "them"])
    with pytest.raises(RequestError, match="first player of one game and the second of another"):
        commitment([one, NormalForm.from_payoffs(tables, players=["them", "us"])], "us")
    names = [["left", "right"], ["1", "2"]]
    other = NormalForm.from_payoffs(tables, players=["us", "them"], strategies=names)
    with pytest.raises(RequestError, match="other names"):
        commitment([one, other], "us")


def test_the_judge_of_commitments_rejects_a_worse_response():
    certificate = certify_commitment([inspection()], 0, [0.0, 1.0], [0])

    assert certificate.regret == pytest.approx(1 / 4)
    assert not certificate.holds


def test_the_judges_refuse_answers_to_other_games():
    """A weight without bound, an index from behind, or a short vector is no proof."""
    game = NormalForm.bimatrix([[1, 0], [0, 1]], symmetric=True)
    lottery = np.full((2, 2), 0.25)
    refused = [
        certify_commitment([game], 0, [0.5, 0.5], [-1]),
        certify_commitment([game], 0, [0.5, 0.5], [2]),
        certify_commitment([game], 0, [0.5, 0.5], []),
        certify_commitment([game], 0, [1.0], [0]),
        certify_bargain(game, lottery, [float("inf"), 1]),
        certify_bargain(game, lottery, [1]),
        certify_bargain(game, lottery.ravel(), [1, 1]),
        certify_coverage([(1, -1, -1, 1)], [[0]], 1, [1.5], 0, []),
        certify_coverage([(1, -1, -1, 1)], [[0]], 1, [float("nan")], 0, []),
        certify_coverage([(1, -1, -1, 1)], [[0]], 1, [0.5], 1, []),
    ]

    assert [certificate.regret for certificate in refused] == [float("inf")] * len(refused)


def test_one_guard_for_three_targets_covers_them_like_water():
    """Kiekintveld and others (2009): what the attacker gets is level over covered targets."""
    worth = [(-1.0, 5.0), (-1.0, 3.0), (-1.0, 2.0)]
    found = best_coverage([(-a, -b) for a, b in worth], worth, 1)

    assert found.coverage == pytest.approx((0.555556, 0.333333, 0.111111), abs=1e-6)
    assert found.attacker == pytest.approx(1.666667, abs=1e-6)
    assert found.defender == pytest.approx(-1.666667, abs=1e-6)
    assert found.implementable


def test_schedules_that_cover_two_targets_are_at_least_as_good():
    worth = [(-1.0, 5.0), (-1.0, 3.0), (-1.0, 2.0)]
    ours = [(-a, -b) for a, b in worth]
    found = best_coverage(ours, worth, 1, schedules=[[0, 1], [1, 2], [0, 2]])

    assert found.defender > best_coverage(ours, worth, 1).defender
    assert found.attacker == pytest.approx(1 / 3)
    assert found.implementable
    with pytest.raises(RequestError, match="0 to 2"):
        best_coverage(ours, worth, 1, schedules=[[3]])


# ------------------------------------------------------------------ logit play


def test_the_judge_of_logit_play_measures_the_distance_from_the_response():
    found = logit_equilibrium(CHICKEN, 2.0)

    assert found.certificate.holds
    assert not certify_logit(CHICKEN, Profile.from_weights([1, 1], [1, 1]), 2.0).holds
    assert logit_equilibrium(CHICKEN, 0).payoffs == {"Player 1": 3.75, "Player 2": 3.75}


def test_a_precision_is_recovered_with_the_equilibrium_that_it_belongs_to():
    shares = logit_equilibrium(BATTLE, 1.5).profile.floats()
    fit = fit_precision(BATTLE, [(100 * share).tolist() for share in shares])

    assert fit.equilibrium.precision == pytest.approx(1.5, rel=1e-4)
    assert fit.equilibrium.certificate.holds


# ------------------------------------------------------------------ bargaining


def test_no_precision_is_fitted_beyond_the_largest_that_is_looked_at():
    """Whoever always plays best is fitted by the end of the range, not by where a step led."""
    dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True)
    fit = fit_precision(dilemma, [[0, 9], [0, 9]], most=100)

    assert fit.at_limit
    assert fit.equilibrium.precision == pytest.approx(100 / 5)


def test_symmetric_bargainers_share_alike():
    for solution in ("nash", "kalai_smorodinsky"):
        found = nash_bargaining(BATTLE, {"her": 0, "him": 0}, solution=solution)

        assert found.payoffs == pytest.approx({"her": 1.5, "him": 1.5}, abs=1e-5)
        assert found.certificate.holds


def test_a_textbook_frontier_tells_the_two_solutions_apart():
    """Agreements (0, 0), (4, 0), (0, 2), (2, 2): the frontier runs through (2, 2) and (4, 0)."""
    game = NormalForm.bimatrix([[0, 4], [0, 2]], [[0, 0], [2, 2]], players=["one", "two"])
    nowhere = {"one": 0.0, "two": 0.0}
    nash = nash_bargaining(game, nowhere)
    fair = nash_bargaining(game, nowhere, solution="kalai_smorodinsky")

    assert nash.payoffs == pytest.approx({"one": 2, "two": 2}, abs=1e-4)
    assert fair.payoffs == pytest.approx({"one": 8 / 3, "two": 4 / 3}, abs=1e-6)
    assert fair.certificate.holds


def test_power_moves_the_agreement_as_the_formula_says():
    """On the frontier one + two = 3 between (2, 1) and (1, 2), or at an end of it."""
    game = NormalForm.bimatrix([[3, 0], [0, 0]], [[0, 0], [0, 3]], players=["one", "two"])
    found = nash_bargaining(game, {"one": 0, "two": 0}, weights={"one": 2, "two": 1})

    assert found.payoffs == pytest.approx({"one": 2, "two": 1}, abs=1e-5)


@pytest.mark.parametrize("gain", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("solution", ["nash", "kalai_smorodinsky"])
def test_little_to_share_is_shared_as_well_as_much(gain, solution):
    """A dollar, of which both have nearly all between them without agreement."""
    dollar = NormalForm.bimatrix([[1, 0], [0, 0]], [[0, 0], [0, 1]], players=["her", "him"])

    deal = nash_bargaining(dollar, {"her": 0.75 - gain, "him": 0.25 - gain}, solution=solution)

    assert deal.payoffs["her"] - 0.75 == pytest.approx(0, abs=1e-3 * gain)
    assert deal.payoffs["him"] - 0.25 == pytest.approx(0, abs=1e-3 * gain)
    assert deal.certificate.holds


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), players=st.integers(2, 3))
def test_the_largest_product_is_proved_by_its_slopes(seed, players):
    """No profile has a larger sum of payoffs, each divided by its player's gain."""
    rng = np.random.default_rng(seed)
    payoffs = rng.normal(size=(players, *(3,) * players))
    form = NormalForm.from_payoffs(payoffs)
    least = {name: float(table.mean()) for name, table in zip(form.players, payoffs, strict=True)}

    try:
        deal = nash_bargaining(form, least)
    except RequestError:
        assume(False)

    slopes = np.array([1 / (deal.payoffs[name] - least[name]) for name in form.players])
    agreed = sum(slopes * list(deal.payoffs.values()))
    assert np.tensordot(slopes, payoffs, 1).max() == pytest.approx(agreed, abs=1e-7 * slopes.sum())
    assert deal.certificate.regret < 1e-9


def test_of_three_who_bargain_the_one_whose_gain_costs_nobody_has_it_in_full():
    """Imai (1983): the first two halve what they quarrel about, and the third stands aside."""
    payoffs = np.zeros((3, 2, 2, 1))
    payoffs[:, 0, 0, 0], payoffs[:, 0, 1, 0] = (1, 0, 1), (0, 1, 1)
    payoffs[:, 1, 0, 0] = (0.5, 0.5, 0)
    form = NormalForm.from_payoffs(payoffs, players=["a", "b", "c"])

    deal = nash_bargaining(form, dict.fromkeys("abc", 0), solution="kalai_smorodinsky")

    assert list(deal.payoffs.values()) == pytest.approx([0.5, 0.5, 1], abs=1e-8)
    assert deal.certificate.holds


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_bargains_are_made_of_finite_numbers(wrong):
    with pytest.raises(RequestError, match="not all finite"):
        nash_bargaining(BATTLE, {"her": wrong, "him": 0})
    with pytest.raises(RequestError, match="positive weights"):
        nash_bargaining(BATTLE, {"her": 0, "him": 0}, weights={"her": wrong, "him": 1})


@pytest.mark.parametrize(
    "ask",
    [
        correlated_equilibrium,
        lambda game: commitment(game, "Player 1"),
        lambda game: commitment([CHICKEN, game], "Player 1"),
        lambda game: logit_equilibrium(game, 1.0),
        lambda game: fit_precision(game, [[1, 1], [1, 1]]),
        lambda game: nash_bargaining(game, {}),
        eliminate_dominated,
    ],
)
@pytest.mark.parametrize("game", [None, "cournot_1838", np.zeros((2, 2, 2))], ids=str)
def test_what_is_no_game_in_strategic_form_is_refused(ask, game):
    with pytest.raises(RequestError, match="not a game in strategic form"):
        ask(game)


def test_no_gain_for_all_is_no_bargain_and_missing_players_are_named():
    with pytest.raises(RequestError, match="better off"):
        nash_bargaining(BATTLE, {"her": 2, "him": 2})
    with pytest.raises(RequestError, match="'her', 'him'"):
        nash_bargaining(BATTLE, {"her": 2})
    with pytest.raises(RequestError, match="Known: nash"):
        nash_bargaining(BATTLE, {"her": 0, "him": 0}, solution="equal")


def test_the_judge_of_bargains_rejects_what_all_could_improve_on():
    waste = np.array([[0.0, 1.0], [0.0, 0.0]])

    assert not certify_bargain(BATTLE, waste, [1.0, 1.0]).holds
    assert certify_bargain(BATTLE, waste, [0.0, 0.0]).regret == float("inf")


# ------------------------------------------------------------------ security games


def routes(*worth: float) -> dict[str, Target]:
    """Return targets of a zero-sum game, worth so much if uncovered and -1 if covered."""
    return {f"route {k}": Target(1, -value, -1, value) for k, value in enumerate(worth, 1)}


def test_odds_on_single_targets_come_with_patrols_that_have_them():
    """Kiekintveld and others (2009): water-filling; with two resources the odds sum to two."""
    for resources, value in ((1, 5 / 3), (2, None)):
        found = security_coverage(routes(5, 3, 2), resources)

        assert found.certificate.holds, found.certificate.checks
        assert sum(found.coverage.values()) == pytest.approx(resources)
        assert sum(found.patrols.values()) == pytest.approx(1)
        assert all(len(team) <= resources for team in found.patrols)
        for name, odds in found.coverage.items():
            real = sum(p for team, p in found.patrols.items() if name in team)
            assert real == pytest.approx(odds)
        if value is not None:
            assert found.attacker_payoff == pytest.approx(value)


@settings(max_examples=15)
@given(
    worth=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    resources=st.integers(1, 3),
)
def test_water_filling_is_what_the_program_finds(worth, resources):
    """The least height at which the odds that bring all targets down to it are not too many."""
    found = security_coverage(routes(*worth), resources)
    low, high = -1.0, float(max(worth))
    for _ in range(100):
        level = (low + high) / 2
        needed = sum(max(0.0, (value - level) / (value + 1)) for value in worth)
        low, high = (level, high) if needed > resources else (low, level)

    assert found.attacker_payoff == pytest.approx(high, abs=1e-6)
    assert found.certificate.holds, found.certificate.checks


def test_schedules_are_mixed_exactly_where_odds_of_each_alone_promise_too_much(monkeypatch):
    """Three targets in a ring, patrols of two neighbors: with two patrols all are covered, since
    overlaps count once; the relaxation counts them twice and thinks so of 1.5 patrols."""
    ring = {"a": ["route 1", "route 2"], "b": ["route 2", "route 3"], "c": ["route 3", "route 1"]}
    one = security_coverage(routes(2, 2, 2), 1, ring)
    assert one.coverage == pytest.approx(dict.fromkeys(one.coverage, 2 / 3))
    assert one.certificate.holds

    two = security_coverage(routes(2, 2, 2), 2, ring)
    assert two.coverage == pytest.approx(dict.fromkeys(two.coverage, 1))
    assert two.attacker_payoff == pytest.approx(-1)

    hub = {"x": ["route 1", "route 2"], "y": ["route 1", "route 3"]}
    real = security_coverage(routes(4, 2, 2), 1, hub)
    assert real.certificate.holds
    assert real.patrols == pytest.approx({("x",): 0.5, ("y",): 0.5})
    assert real.coverage == pytest.approx({"route 1": 1, "route 2": 0.5, "route 3": 0.5})

    monkeypatch.setattr(limits, "MAX_ASSIGNMENTS", 1)
    bound = security_coverage(routes(2, 2, 2), 2, ring)
    assert not bound.patrols
    assert "a bound" in bound.certificate.checks[-1]
    assert bound.attacker_payoff <= two.attacker_payoff + 1e-9


def test_the_judge_of_coverage_recounts_the_patrols():
    good = security_coverage(routes(5, 3, 2), 1)
    rows = [(1, -5, -1, 5), (1, -3, -1, 3), (1, -2, -1, 2)]
    single = [[0], [1], [2]]
    odds = tuple(good.coverage.values())

    def judged(coverage, attacked, patrols, resources=1):
        return certify_coverage(rows, single, resources, coverage, attacked, patrols)

    patrols = [((0,), odds[0]), ((1,), odds[1]), ((2,), odds[2])]
    assert judged(odds, 0, patrols).holds
    assert not judged((0.2, 0.5, 0.3), 1, []).holds
    assert not judged(odds, 0, [((0, 1), 1.0)]).holds
    assert not judged(odds, 0, [((0,), 0.9)]).holds
    assert not judged(odds, 0, [((0,), 1.0)]).holds


def test_wrong_targets_and_schedules_are_named():
    with pytest.raises(RequestError, match=r"schedule 'night': no target 'rout 1'\. Did you mean"):
        security_coverage(routes(1, 2), 1, {"night": ["rout 1"]})
    with pytest.raises(RequestError, match="at least one"):
        security_coverage(routes(1, 2), 0)
    with pytest.raises(RequestError, match=r"resources = 1\.5"):
        security_coverage(routes(1, 2), 1.5)
    with pytest.raises(RequestError, match="not a finite number"):
        security_coverage(routes(1, float("nan")), 1)
    with pytest.raises(RequestError, match="no schedules"):
        security_coverage(routes(1, 2), 1, {})
    with pytest.raises(RequestError, match="every target"):
        security_coverage({}, 1)
