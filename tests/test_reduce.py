"""Strategic forms of trees, and the way back to behavior strategies."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import limits
from highfence.errors import LimitExceeded, NotApplicable
from highfence.forms import reduce
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.normal import Profile
from highfence.forms.reduce import REDUCTIONS, Truncation, reduced_strategic_form, strategic_form
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.zero_sum import zero_sum_lp
from tree_oracles import random_tree

HALF = Fraction(1, 2)
FACTS = json.loads((Path(__file__).parent / "data" / "trees.json").read_text("utf-8"))["games"]
BUILDERS: dict[str, Callable[[], ExtensiveForm]] = {
    "beer-quiche": trees.beer_quiche,
    "entry-deterrence": trees.entry_deterrence,
    "centipede-4": lambda: trees.centipede(4),
    "centipede-6": lambda: trees.centipede(6),
}


def fractions(nested: object) -> object:
    return [fractions(item) for item in nested] if isinstance(nested, list) else Fraction(nested)


@pytest.mark.parametrize("name", FACTS)
def test_reduced_forms_have_the_published_payoffs(name):
    game = reduced_strategic_form.apply(BUILDERS[name]()).form
    assert game.exact.tolist() == fractions(FACTS[name]["payoffs"])


@pytest.mark.parametrize("name", FACTS)
def test_reduced_forms_have_the_published_equilibria(name):
    game = reduced_strategic_form.apply(BUILDERS[name]()).form
    found = {profile.strategies for profile in extreme_enumeration(game)}
    known = {
        tuple(tuple(strategy) for strategy in profile)
        for profile in fractions(FACTS[name]["equilibria"])
    }
    assert found == known


def test_strategies_are_named_by_their_actions():
    game = reduced_strategic_form.apply(trees.centipede(4)).form
    assert game.players == ("1", "2")
    assert game.strategies[0] == (
        "move 1: Take",
        "move 1: Pass, move 3: Take",
        "move 1: Pass, move 3: Pass",
    )
    assert reduced_strategic_form.apply(trees.entry_deterrence()).form.strategies == (
        ("Out", "In"),
        ("Fight", "Accommodate"),
    )


def test_labels_that_would_coincide_are_numbered():
    below = [
        Move(0, f"{name}: x, {name}", ("y", "z"), trees.ends((0,), (1,))) for name in ("a", "b")
    ]
    root = Move(0, "first", ("a", "b"), tuple(below))
    game = reduced_strategic_form.apply(ExtensiveForm.from_tree(["1"], root)).form
    assert len(set(game.strategies[0])) == 4


def test_the_full_form_repeats_what_the_reduced_one_merges():
    full = strategic_form.apply(trees.centipede(4)).form
    assert full.num_strategies == (4, 4)
    assert full.exact[:, 0].tolist() == full.exact[:, 1].tolist()


def test_kuhn_poker_has_27_by_64_reduced_strategies():
    reduced = reduced_strategic_form.apply(trees.kuhn_poker())
    assert reduced.form.num_strategies == (27, 64)
    assert reduced.form.is_zero_sum


def test_float_mixtures_of_kuhn_poker_become_behavior_worth_minus_one_18th():
    reduced = reduced_strategic_form.apply(trees.kuhn_poker())
    profile = next(zero_sum_lp(reduced.form))
    behavior = reduced.invert(profile)
    assert reduced.original.expected_payoffs(behavior)[0] == pytest.approx(-1 / 18, abs=1e-9)


def test_a_player_who_never_moves_has_one_strategy():
    root = Move(1, "x", ("l", "r"), trees.ends((1, 2, 3), (4, 5, 6)))
    reduced = reduced_strategic_form.apply(ExtensiveForm.from_tree(["a", "b", "c"], root))
    assert reduced.form.num_strategies == (1, 2, 1)
    assert reduced.form.strategies[0] == ("(no move)",)
    assert reduced.form.exact[:, 0, 1, 0].tolist() == [4, 5, 6]
    assert reduced.invert(Profile.pure(reduced.form, (0, 1, 0))).probabilities == ((0, 1),)


def test_a_tree_of_chance_alone_has_one_cell():
    root = Lottery("c", ("a", "b"), (Fraction(1, 3), Fraction(2, 3)), trees.ends((3,), (0,)))
    reduced = reduced_strategic_form.apply(ExtensiveForm.from_tree(["1"], root))
    assert reduced.form.exact.tolist() == [[1]]


def test_outcomes_become_expected_outcomes():
    ends = tuple(Terminal((k, -k), {"exports": 10.0 * k}) for k in range(2))
    root = Lottery("c", ("a", "b"), (0.25, 0.75), (ends[1], Move(0, "x", ("l", "r"), ends)))
    reduced = reduced_strategic_form.apply(ExtensiveForm.from_tree(["1", "2"], root))
    assert reduced.form.outcomes["exports"].tolist() == [[2.5], [10.0]]
    assert reduced.form.exact is None
    assert reduced.form.payoffs[0].tolist() == [[0.25], [1.0]]


def test_behavior_where_a_strategy_never_leads_is_a_best_reply():
    """Player 1 stops at once; were they to go on, their second move would be worth more."""
    reduced = reduced_strategic_form.apply(trees.centipede(4))
    behavior = reduced.invert(Profile.pure(reduced.form, (0, 2)))
    assert behavior.probabilities[2] == (0, 1)  # player 2 passes twice, so passing pays


def test_best_replies_where_a_strategy_never_leads_look_ahead():
    """After b, going on is best because of what player 1 would then do: 5, against 1 or -9."""

    def second(high: int) -> Move:
        later = Move(0, f"later {high}", ("u", "v"), trees.ends((high, 0), (-9, 0)))
        return Move(0, f"now {high}", ("stop", "on"), (Terminal((1, 0)), later))

    hidden = tuple(Move(1, "2", ("l", "r"), (second(high), second(high))) for high in (10, 5))
    form = ExtensiveForm.from_tree(["1", "2"], Move(0, "1", ("a", "b"), hidden))
    reduced = reduced_strategic_form.apply(form)
    chosen = reduced.form.strategies[0].index("1: a, now 10: on, later 10: u")
    behavior = reduced.invert(Profile.pure(reduced.form, (chosen, 0)))
    plans = {
        known.label: odds
        for known, odds in zip(form.information_sets, behavior.probabilities, strict=True)
    }
    assert plans["now 5"] == (0, 1)
    assert plans["later 5"] == (1, 0)


def test_imperfect_recall_can_be_applied_but_not_carried_back():
    form = trees.forgetful_driver()
    assert not any(reduction.accepts(form) for reduction in REDUCTIONS)
    reduced = reduced_strategic_form.apply(form)
    assert reduced.form.exact.tolist() == [[0, 1]]
    with pytest.raises(NotApplicable, match=r"'Driver'.*'exit\?'"):
        reduced.invert(Profile.pure(reduced.form, (0,)))


def test_too_many_strategies_name_the_player(monkeypatch):
    monkeypatch.setattr(limits, "MAX_STRATEGIES", 30)
    with pytest.raises(LimitExceeded, match="'Second' has more than 30 pure strategies"):
        reduced_strategic_form.apply(trees.kuhn_poker())


def test_too_many_cells_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 1000)
    with pytest.raises(LimitExceeded, match="27 x 64 pure profiles"):
        reduced_strategic_form.apply(trees.kuhn_poker())


@given(
    seed=st.integers(0, 10**6),
    players=st.integers(1, 3),
    reduction=st.sampled_from(REDUCTIONS),
    draws=st.randoms(use_true_random=False),
)
def test_mixtures_and_their_behavior_give_the_same_payoffs(seed, players, reduction, draws):
    """Kuhn's theorem, exactly."""
    form = random_tree(seed, players=players)
    made = reduction.apply(form)
    weights = []
    for count in made.form.num_strategies:
        vector = [draws.choice((0, 0, 1, 2, 3)) for _ in range(count)]
        vector[draws.randrange(count)] += 1
        weights.append(vector)
    profile = Profile.from_weights(*weights)
    expected = made.form.exact
    for strategy in reversed(profile.strategies):
        expected = expected @ np.array(strategy, dtype=object)
    assert list(form.expected_payoffs(made.invert(profile))) == list(expected)


@given(
    seed=st.integers(0, 10**6),
    players=st.integers(1, 3),
    reduction=st.sampled_from(REDUCTIONS),
    draws=st.randoms(use_true_random=False),
)
def test_behavior_becomes_a_mixture_of_the_same_plays_and_comes_back(
    seed, players, reduction, draws
):
    """Kuhn's theorem the other way, exactly; what a player's own choices exclude may differ."""
    form = random_tree(seed, players=players)
    made = reduction.apply(form)
    weights = []
    for known in form.information_sets:
        vector = [draws.choice((0, 0, 1, 2, 3)) for _ in known.actions]
        vector[draws.randrange(len(vector))] += 1
        weights.append(vector)
    behavior = BehaviorProfile.from_weights(*weights)
    mixed = made.mixed(behavior)

    assert mixed.is_exact
    assert all(sum(strategy) == 1 for strategy in mixed.strategies)
    assert made.form.expected_payoffs(mixed) == form.expected_payoffs(behavior)
    back = made.invert(mixed)
    assert form.reach(back) == form.reach(behavior)
    own = made.tree.own_histories()
    for known, odds in enumerate(back.probabilities):
        if all(behavior.probabilities[before][action] for before, action in own[known]):
            assert odds == behavior.probabilities[known]
    if reduction is reduced_strategic_form:
        assert made.mixed(back) == mixed


def test_who_passes_a_set_twice_has_no_mixture_with_the_same_plays():
    made = strategic_form.apply(trees.forgetful_driver())

    with pytest.raises(NotApplicable, match=r"passes information set 'exit\?' of 'Driver' twice"):
        made.mixed(BehaviorProfile(((HALF, HALF),)))


@given(seed=st.integers(0, 10**6), players=st.integers(1, 3))
def test_reduced_strategies_are_the_full_ones_that_differ(seed, players):
    """Every full strategy has the payoffs of some reduced one, and no two plans are alike."""
    form = random_tree(seed, players=players)
    reduced, full = reduced_strategic_form.apply(form), strategic_form.apply(form)
    for player in range(players):
        kept, whole = reduced.plans[player], full.plans[player]
        assert len(set(kept)) == len(kept)
        for plan in whole:
            assert sum(set(short) <= set(plan) for short in kept) == 1


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), moves=st.integers(2, 4))
def test_plans_are_counted_and_listed_in_order(seed, moves):
    """Reduced plans are full strategies without what their own choices exclude, each once."""
    game = trees.hidden(seed, moves)
    part = Truncation.of(game)
    for player, plans in part.plans.items():
        own = [known for known in part.sets if game.information_sets[known].player == player]
        actions = [range(len(game.information_sets[known].actions)) for known in own]
        if prod(map(len, actions)) > 1_000:
            continue
        before = {
            known: dict(taken) for known, taken in part.own_histories().items() if known in own
        }
        wanted = set()
        for chosen in product(*actions):
            full = dict(zip(own, chosen, strict=True))
            wanted.add(
                tuple(
                    (known, action)
                    for known, action in full.items()
                    if all(full[k] == taken for k, taken in before[known].items())
                )
            )

        assert list(plans) == sorted(wanted)
        assert part.counts[player] == len(plans)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), players=st.integers(2, 3))
def test_tables_are_the_same_however_they_are_summed(seed, players):
    """As a product of matrices of floats, as sums of integers, and as sums of long integers."""
    game = trees.hidden(seed, 3, 9, players)
    assert game.exact is not None
    part = Truncation.of(game)
    axes = list(part.plans)
    values = {end: game.exact[end].tolist() for end in part.ends}
    by_product = part.payoff_table(values, axes, axes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduce, "_FLOAT_SAFE", 0)
        by_sums = part.payoff_table(values, axes, axes)
        patch.setattr(reduce, "_INT64_SAFE", 0)
        by_long_sums = part.payoff_table(values, axes, axes)

    assert by_product.shape == by_sums.shape
    assert by_product.tolist() == by_sums.tolist() == by_long_sums.tolist()
    for plans in np.ndindex(by_product.shape[1:]):
        taken = {
            step for k, place in zip(axes, plans, strict=True) for step in part.plans[k][place]
        }
        reached = [
            weight * game.exact[end]
            for end, weight, steps in zip(part.ends, part.chance, part.choices, strict=True)
            if taken.issuperset(steps)
        ]
        assert by_product[(slice(None), *plans)].tolist() == sum(reached)[axes].tolist()
