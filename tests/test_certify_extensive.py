"""The judge of behavior profiles: what it accepts, what it rejects, and what it says."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import tolerances
from highfence.certify import certify
from highfence.certify.extensive import certify_extensive
from highfence.errors import NotApplicable
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Lottery, Move, Terminal
from highfence.methods.backward_induction import pure_sequential
from tree_oracles import (
    as_behavior,
    pure_profiles,
    pure_subgame_perfect,
    random_tree,
    regret,
    subgames,
)

SEEDS = st.integers(0, 10**6)
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def profile(*first: float | Fraction) -> BehaviorProfile:
    """Return a profile of binary choices by the probabilities of the first actions."""
    return BehaviorProfile(tuple((p, 1 - p) for p in first))


# --- empty threats -------------------------------------------------------------------------


def test_an_empty_threat_is_nash_and_no_more():
    """The entrant stays out because the incumbent would fight, which costs 2 of a scale of 3."""
    certificate = certify_extensive(trees.entry_deterrence(), profile(1, 1))
    assert certificate.holds
    assert certificate.exact
    assert certificate.regret == 0
    assert certificate.refinement is None
    assert "in the subgame at node 2 (after 'In'), Incumbent gains 0.667" in certificate.checks[0]


def test_accommodated_entry_is_subgame_perfect():
    certificate = certify_extensive(trees.entry_deterrence(), profile(0, 0))
    assert (certificate.regret, certificate.refinement) == (0, "subgame perfect")


def test_a_profile_that_is_not_nash_has_the_regret_of_the_whole_game():
    """Entry met by a fight: the entrant could have 0 for -1 (scale 2), the incumbent 1 for -1."""
    certificate = certify_extensive(trees.entry_deterrence(), profile(0, 1))
    assert not certificate.holds
    assert certificate.regret == Fraction(2, 3)
    assert certificate.refinement is None


@pytest.mark.parametrize("factor", [1e-9, 1e9, Fraction(1, 10**9), 10**9, -(10**-3)])
def test_verdicts_do_not_depend_on_the_unit_of_payoffs(factor):
    form = trees.scaled(trees.entry_deterrence(), abs(factor))
    threat, entry = (certify(form, profile(*p)) for p in ((1, 1), (0, 0)))
    assert (threat.holds, threat.refinement) == (True, None)
    assert (entry.holds, entry.refinement) == (True, "subgame perfect")


def test_a_threat_deep_off_the_path_is_found():
    """Only the last of six movers is wrong, so the one before could pass too."""
    certificate = certify(trees.centipede(6), profile(1, 1, 1, 1, 1, 0))
    assert certificate.holds
    assert certificate.refinement is None
    assert "after 'Pass', 'Pass', 'Pass', 'Pass')" in certificate.checks[0]


def test_a_player_who_moves_only_later_has_regret_in_the_whole_game_too():
    """Players 1 and 2 move at once; player 3 sees it, and gives away a quarter of the scale."""

    def last(good: int, bad: int) -> Move:
        return Move(2, ("3", good), ("l", "r"), trees.ends((0, 0, good), (0, 0, bad)))

    columns = (
        Move(1, "2", ("a", "b"), (last(4, 3), last(2, 1))),
        Move(1, "2", ("a", "b"), (last(1, 0), last(3, 2))),
    )
    form = ExtensiveForm.from_tree(["1", "2", "3"], Move(0, "1", ("a", "b"), columns))
    played = BehaviorProfile(((HALF, HALF),) * 2 + ((0, 1),) * 4)
    certificate = certify(form, played)
    assert certificate.regret == regret(form, 0, played) == Fraction(1, 4)


# --- exactness -----------------------------------------------------------------------------


def test_a_gain_of_a_trillionth_of_a_trillionth_is_a_gain_in_exact_games():
    payoffs = trees.ends((1,), (1 - Fraction(1, 10**24),))
    form = ExtensiveForm.from_tree(["1"], Move(0, "x", ("l", "r"), (*payoffs,)))
    certificate = certify(form, profile(0))
    assert certificate.exact
    assert not certificate.holds
    assert certificate.regret == 1  # the scale is as small


def test_float_games_are_judged_with_the_float_tolerance():
    form = ExtensiveForm.from_tree(
        ["1"], Move(0, "x", ("l", "m", "r"), trees.ends((1.0,), (1 - 1e-10,), (0.0,)))
    )
    close, far = (certify(form, BehaviorProfile((odds,))) for odds in ((0, 1, 0), (0, 0, 1)))
    assert (close.exact, close.holds) == (False, True)
    assert close.tolerance == tolerances.REGRET_FLOAT
    assert close.regret == pytest.approx(1e-10, rel=1e-4)
    assert far.regret == 1


def test_float_probabilities_make_the_certificate_inexact():
    form = trees.battle_with_outside_option()
    certificate = certify(form, profile(1.0, 0.75, 0.25))
    assert (certificate.exact, certificate.holds) == (False, True)
    assert isinstance(certificate.regret, float)
    exact = certify(form, profile(1, Fraction(3, 4), Fraction(1, 4)))
    assert (exact.exact, exact.regret) == (True, 0)
    assert isinstance(exact.regret, Fraction)


def test_a_given_tolerance_is_the_one_that_counts():
    form = trees.battle_with_outside_option()
    nearly = profile(1.0, 0.76, 0.24)
    assert not certify(form, nearly).refinement
    assert certify(form, nearly, tolerance=0.1).refinement == "subgame perfect"


def test_equal_payoffs_everywhere_have_regret_zero():
    form = ExtensiveForm.from_tree(["1"], Move(0, "x", ("l", "r"), trees.ends((5,), (5,))))
    assert certify(form, profile(HALF)).regret == 0


def test_a_game_without_moves_is_certified():
    form = ExtensiveForm.from_tree(["1"], Terminal((3,)))
    assert certify(form, BehaviorProfile(())).regret == 0


# --- what is no profile --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_odds", "said"),
    [
        (((1, 0),), "strategies at 1 information sets, the game has 2"),
        (((1, 0), (1, 0, 0)), "Incumbent, information set 'react': 3 probabilities for 2 actions"),
        (((1, 0), (2, -1)), "the probability -1 is negative"),
        (((1, 0), (0.5, 0.4)), "probabilities sum to 0.9"),
        (((1, 0), (HALF, THIRD)), "probabilities sum to 5/6"),
        (((1, 0), (float("nan"), 1.0)), "a probability is not finite"),
    ],
)
def test_what_is_no_profile_has_infinite_regret_and_a_reason(given_odds, said):
    certificate = certify(trees.entry_deterrence(), BehaviorProfile(given_odds))
    assert certificate.regret == inf
    assert not certificate.holds
    assert said in certificate.checks[0]


def test_imperfect_recall_is_refused_by_name():
    with pytest.raises(NotApplicable, match=r"'exit\?'.*'Driver'"):
        certify(trees.forgetful_driver(), profile(HALF))


# --- beliefs -------------------------------------------------------------------------------


def test_seltens_horse_has_one_equilibrium_that_no_belief_supports():
    """Player 2 is not reached, and would gain by d given that 3 plays L."""
    form = trees.selten_horse()
    bad, good = certify(form, profile(1, 1, 1)), certify(form, profile(0, 0, 1))
    assert (bad.regret, bad.refinement) == (0, "subgame perfect")
    assert "what 2 plans at information set '2' is optimal under no belief" in bad.checks[-1]
    assert (good.regret, good.refinement) == (0, "weak perfect Bayesian")


def test_pooling_on_quiche_is_weak_perfect_bayesian():
    """A duel after beer is optimal if beer is believed to come from the weak type."""
    certificate = certify(trees.beer_quiche(), profile(0, 1, 0, 0))
    assert certificate.refinement == "weak perfect Bayesian"
    assert "1 with a free belief" in certificate.checks[-1]


def three_types(answers: tuple[tuple[int, int, int], ...]) -> ExtensiveForm:
    """Return a game in which silence is dominant for all types, and 2's answer needs a belief.

    ``answers[k][t]`` is the payoff of player 2 for answer ``k`` to a signal of type ``t``.
    """
    types = tuple(
        Move(
            0,
            f"type {t}",
            ("silent", "signal"),
            (
                Terminal((9, 0)),
                Move(1, "answer", ("x", "y", "z"), trees.ends(*((0, row[t]) for row in answers))),
            ),
        )
        for t in range(3)
    )
    root = Lottery("type", ("0", "1", "2"), (THIRD,) * 3, types)
    return ExtensiveForm.from_tree(["1", "2"], root)


def answering(action: int) -> BehaviorProfile:
    """Return the profile of silence in which player 2 would answer with an action."""
    answer = tuple(Fraction(k == action) for k in range(3))
    return BehaviorProfile(((1, 0), answer, (1, 0), (1, 0)))


def test_a_belief_that_must_be_exact_is_found():
    """x is optimal at one belief only: types 0 and 1 alike (3 and 0 average, y gives 3/2)."""
    form = three_types(((3, 0, -5), (Fraction(3, 2), Fraction(3, 2), 9), (0, 3, -5)))
    assert certify(form, answering(0)).refinement == "weak perfect Bayesian"
    tighter = three_types(((3, 0, -5), (2, Fraction(101, 100), 9), (0, 3, -5)))
    assert certify(tighter, answering(0)).refinement == "weak perfect Bayesian"


def test_an_answer_that_a_mixture_beats_at_every_type_has_no_belief():
    """y gives 1; x and z mixed half and half give 3/2 at both types, neither alone beats y."""
    form = three_types(((3, 0, 3), (1, 1, 1), (0, 3, 3)))
    certificate = certify(form, answering(1))
    assert certificate.refinement == "subgame perfect"
    assert "optimal under no belief" in certificate.checks[-1]
    fair = three_types(((3, 0, 3), (Fraction(3, 2), Fraction(3, 2), 0), (0, 3, 3)))
    assert certify(fair, answering(1)).refinement == "weak perfect Bayesian"


def test_beliefs_are_sought_in_float_games_too():
    form = trees.scaled(three_types(((3, 0, 3), (1.5, 1.5, 0.0), (0, 3, 3))), 1e-6)
    certificate = certify(form, answering(1))
    assert (certificate.exact, certificate.refinement) == (False, "weak perfect Bayesian")


def two_steps(second: int) -> BehaviorProfile:
    """Return a profile in which 2, never asked, would go on and then take an action."""
    return BehaviorProfile(((1, 0, 0), (0, 1), (1 - second, second)))


def test_beliefs_support_continuation_strategies_not_only_single_actions():
    """Player 2, off the path, moves twice without learning more.

    Going on and then l is best if a was played, going on and then r if b was; stopping pays 1.
    """

    def twice(left: int, right: int) -> Move:
        later = Move(1, "later", ("l", "r"), trees.ends((0, left), (0, right)))
        return Move(1, "now", ("stop", "on"), (Terminal((0, 1)), later))

    root = Move(0, "first", ("out", "a", "b"), (Terminal((5, 0)), twice(3, 0), twice(0, 3)))
    form = ExtensiveForm.from_tree(["1", "2"], root)
    for second in (0, 1):
        assert certify(form, two_steps(second)).refinement == "weak perfect Bayesian"
    low = Move(0, "first", ("out", "a", "b"), (Terminal((5, 0)), twice(0, 0), twice(0, 0)))
    bad = certify(ExtensiveForm.from_tree(["1", "2"], low), two_steps(0))
    assert bad.refinement == "subgame perfect"
    assert "what 2 plans at information set 'now' is optimal under no belief" in bad.checks[-1]


def test_own_exclusion_does_not_excuse_a_bad_plan():
    """Player 1 takes a; had they taken b, the later choice against 2's l would be wrong."""
    hidden = tuple(
        Move(
            1,
            "2",
            ("l", "r"),
            tuple(Move(0, f"after {k}", ("x", "y"), trees.ends((1 - k, 0), (0, 0))) for _ in "lr"),
        )
        for k in (0, 2)
    )
    form = ExtensiveForm.from_tree(["1", "2"], Move(0, "1", ("a", "b"), hidden))
    fine, bad = certify(form, profile(1, 1, 1, 0)), certify(form, profile(1, 1, 1, 1))
    assert fine.refinement == "weak perfect Bayesian"
    assert bad.refinement == "subgame perfect"
    assert "not optimal, had it been reached" in bad.checks[-1]


def hidden_then_guess() -> ExtensiveForm:
    """Return a game in which 1 moves, 2 moves unseen, and after b player 1 guesses 2's move.

    Information sets: 0 player 1's move, 1 player 2's, 2 the guess after b.
    """
    after_b = Move(
        1,
        "2",
        ("l", "r"),
        (
            Move(0, "guess", ("l", "r"), trees.ends((1, 0), (0, 0))),
            Move(0, "guess", ("l", "r"), trees.ends((0, 0), (1, 0))),
        ),
    )
    after_a = Move(1, "2", ("l", "r"), trees.ends((5, 1), (5, 0)))
    return ExtensiveForm.from_tree(["1", "2"], Move(0, "1", ("a", "b"), (after_a, after_b)))


def test_a_belief_against_bayes_rule_does_not_excuse_a_plan_either():
    """Player 1 takes a; after b they would know that 2 plays l, whatever else they might like."""
    form = hidden_then_guess()
    assert certify(form, profile(1, 1, 1)).refinement == "weak perfect Bayesian"
    wrong = certify(form, profile(1, 1, 0))
    assert wrong.refinement == "subgame perfect"
    assert "'guess' is not optimal, had it been reached" in wrong.checks[-1]
    assert [known.probabilities for known in pure_sequential(form)] == [((1, 0),) * 3]


# --- against brute force -------------------------------------------------------------------


def drawn_profile(form: ExtensiveForm, draws) -> BehaviorProfile:
    """Return a random exact profile, with many zeros."""
    odds = []
    for known in form.information_sets:
        weights = [draws.choice((0, 0, 1, 2)) for _ in known.actions]
        weights[draws.randrange(len(weights))] += 1
        odds.append(tuple(Fraction(weight, sum(weights)) for weight in weights))
    return BehaviorProfile(tuple(odds))


@settings(max_examples=120)
@given(seed=SEEDS, players=st.integers(1, 3), draws=st.randoms(use_true_random=False))
def test_regrets_are_those_of_trying_every_deviation(seed, players, draws):
    """Of the whole game, and (with a tolerance that accepts all) the largest of all subgames."""
    form = random_tree(seed, players=players, most_profiles=100)
    played = drawn_profile(form, draws)
    found = {root: regret(form, root, played) for root in subgames(form)}
    certificate = certify_extensive(form, played)
    assert certificate.regret == found[0]
    assert (certificate.refinement is not None) == (max(found.values()) == 0)
    assert certify_extensive(form, played, tolerance=1e6).regret == max(found.values())


@settings(max_examples=60)
@given(seed=SEEDS, players=st.integers(1, 3))
def test_exactly_the_subgame_perfect_profiles_are_called_so(seed, players):
    form = random_tree(seed, players=players, most_profiles=150)
    perfect = pure_subgame_perfect(form)
    for pure in pure_profiles(form):
        certificate = certify_extensive(form, as_behavior(form, pure))
        assert (certificate.refinement is not None) == (pure in perfect)
        assert (certificate.regret == 0) == certificate.holds


@settings(max_examples=40)
@given(seed=SEEDS, draws=st.randoms(use_true_random=False))
def test_float_and_exact_arithmetic_agree(seed, draws):
    form = random_tree(seed, most_profiles=100)
    played = drawn_profile(form, draws)
    inexact = BehaviorProfile(tuple(tuple(map(float, odds)) for odds in played.probabilities))
    exact, rounded = certify(form, played), certify(form, inexact)
    assert rounded.regret == pytest.approx(float(exact.regret), abs=1e-12)
    assert rounded.holds == exact.holds
    assert rounded.refinement == exact.refinement
