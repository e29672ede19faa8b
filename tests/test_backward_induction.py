"""Backward induction: textbook trees, random trees against brute force, limits and notes."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import limits
from highfence.certify.extensive import certify_extensive
from highfence.errors import LimitExceeded, NotApplicable
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Lottery, Move, Node, Terminal
from highfence.forms.reduce import Truncation, reduced_strategic_form
from highfence.methods import registry
from highfence.methods.backward_induction import backward_induction, pure_sequential
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.rational_lp import in_convex_hull, matrix_game
from highfence.methods.sequence_form import (
    extreme_realization_plans,
    is_strictly_competitive,
    minimax_realization_plans,
)
from highfence.solution import Findings
from highfence.solve import solve
from searches import drained
from tree_oracles import (
    as_behavior,
    as_pure,
    pure_profiles,
    pure_subgame_perfect,
    random_tree,
    up_to_excluded_sets,
)

SEEDS = st.integers(0, 10**6)
SCALES = (1e-9, 1e-3, 1e9, 10**9, Fraction(1, 10**9))


def pure_profiles_of(profiles) -> set:
    """Return the pure ones among the profiles, as actions."""
    return {as_pure(profile) for profile in profiles} - {None}


def behaviors(form: ExtensiveForm, method=backward_induction) -> list:
    """Return the probabilities of the first action at every information set, per equilibrium."""
    return [tuple(odds[0] for odds in profile.probabilities) for profile in method(form)]


# --- textbook trees ------------------------------------------------------------------------


@pytest.mark.parametrize("moves", [4, 6, 300])
def test_a_centipede_has_one_equilibrium_where_everyone_takes(moves):
    found, findings = drained(backward_induction(trees.centipede(moves)))
    assert [as_pure(profile) for profile in found] == [(0,) * moves]
    assert findings == Findings(complete=True, count=1, outcomes=1)


def test_entry_is_not_deterred():
    assert behaviors(trees.entry_deterrence()) == [(0, 0)]


def test_the_chain_store_accommodates_in_every_market():
    """Selten (1978): three markets in a row, history observed."""

    def market(left: int, entrants: tuple[int, ...], store: int) -> Node:
        if not left:
            return Terminal((*entrants, store))
        number = 3 - left

        def then(entrant: int, gained: int) -> Node:
            paid = tuple(v + entrant * (k == number) for k, v in enumerate(entrants))
            return market(left - 1, paid, store + gained)

        history = (left, entrants, store)
        react = Move(3, ("store", history), ("Fight", "Accommodate"), (then(-1, -1), then(1, 1)))
        return Move(number, ("entrant", history), ("Out", "In"), (then(0, 2), react))

    form = ExtensiveForm.from_tree(["E1", "E2", "E3", "Store"], market(3, (0, 0, 0), 0))
    found, findings = drained(backward_induction(form))
    assert [as_pure(profile) for profile in found] == [(1,) * len(form.information_sets)]
    assert form.expected_payoffs(found[0]) == (1, 1, 1, 3)
    assert findings.complete


def test_seltens_horse_has_two_pure_equilibria_and_the_rest_are_continua():
    form = trees.selten_horse()
    found, findings = drained(backward_induction(form))
    assert [as_pure(profile) for profile in found] == [(0, 0, 0), (1, 1, 0)]
    assert not findings.complete
    assert any(
        "all pure equilibria were found, but mixed ones may be missing, in the stage of the whole "
        "game"
        in note
        and "equilibria may form continua" in note
        for note in findings.notes
    )


def test_only_one_pure_equilibrium_of_seltens_horse_is_sequentially_rational():
    found, findings = drained(pure_sequential(trees.selten_horse()))
    assert [as_pure(profile) for profile in found] == [(1, 1, 0)]
    assert findings.complete


def test_kuhn_poker_is_solved_exactly_and_completely():
    """Kuhn (1950): the first player bets a Jack with a in [0, 1/3], calls with a Queen with
    a + 1/3 and bets a King with 3a; the second player has one strategy."""
    form = trees.kuhn_poker()
    found, findings = drained(backward_induction(form))
    assert findings.complete
    assert {form.expected_payoffs(profile) for profile in found} == {
        (Fraction(-1, 18), Fraction(1, 18))
    }
    names = [(known.player, known.label) for known in form.information_sets]

    def second_action(profile: BehaviorProfile, player: int, label: str) -> Fraction:
        return profile.probabilities[names.index((player, label))][1]

    ends = set()
    for profile in found:
        bluff = second_action(profile, 0, "J")
        ends.add(bluff)
        assert second_action(profile, 0, "Q") == 0
        assert second_action(profile, 0, "K") == 3 * bluff
        assert second_action(profile, 0, "J, bet after check") == 0
        assert second_action(profile, 0, "Q, bet after check") == bluff + Fraction(1, 3)
        assert second_action(profile, 0, "K, bet after check") == 1
        third = Fraction(1, 3)
        for label, odds in {
            "J after check": third,
            "Q after check": 0,
            "K after check": 1,
            "J after bet": 0,
            "Q after bet": third,
            "K after bet": 1,
        }.items():
            assert second_action(profile, 1, label) == odds
    assert ends == {0, Fraction(1, 3)}


def test_beer_quiche_has_four_extreme_equilibria():
    form = trees.beer_quiche()
    half = Fraction(1, 2)
    # First actions: strong drinks beer, duel after beer, duel after quiche, weak drinks beer.
    assert set(behaviors(form)) == {(1, 0, 1, 1), (1, 0, half, 1), (0, 1, 0, 0), (0, half, 0, 0)}


def test_beer_quiche_has_exactly_two_pure_perfect_bayesian_equilibria():
    """Cho and Kreps (1987): all drink beer, or all eat quiche."""
    assert set(behaviors(trees.beer_quiche(), pure_sequential)) == {(1, 0, 1, 1), (0, 1, 0, 0)}


def test_beer_quiche_with_many_weak_types_separates_in_no_pure_equilibrium():
    """With P(strong) below one half, pooling meets a duel, and no type wants to separate."""
    form = trees.beer_quiche(Fraction(1, 10))
    assert behaviors(form, pure_sequential) == []
    found, findings = drained(backward_induction(form))
    assert findings.complete
    assert found
    assert all(as_pure(profile) is None for profile in found)


def test_an_outside_option_leaves_all_three_equilibria_of_the_battle():
    """The choice inside is solved off the path too; only the boxing outcome is worth entering."""
    form = trees.battle_with_outside_option()
    quarter = Fraction(1, 4)
    assert set(behaviors(form)) == {(0, 1, 1), (1, 0, 0), (1, 3 * quarter, quarter)}


def test_every_player_mixes_at_matching_pennies_after_chance():
    """A mixed stage below a lottery, beside a branch where play ends."""
    pennies = Move(
        0,
        "row",
        ("h", "t"),
        tuple(
            Move(1, "column", ("h", "t"), trees.ends((sign, -sign), (-sign, sign)))
            for sign in (1, -1)
        ),
    )
    root = Lottery("weather", ("rain", "sun"), (0.25, 0.75), (pennies, Terminal((7, 7))))
    form = ExtensiveForm.from_tree(["1", "2"], root)
    assert behaviors(form) == [(Fraction(1, 2), Fraction(1, 2))]


def test_one_player_with_imperfect_information_maximizes():
    root = Lottery(
        "state",
        ("low", "high"),
        (Fraction(1, 3), Fraction(2, 3)),
        tuple(Move(0, "blind", ("l", "r"), trees.ends(*p)) for p in ([(9,), (0,)], [(0,), (4,)])),
    )
    assert behaviors(ExtensiveForm.from_tree(["1"], root)) == [(1,)]


def test_a_game_of_one_terminal_has_one_empty_equilibrium():
    form = ExtensiveForm.from_tree(["1"], Terminal((3,)))
    assert drained(backward_induction(form)) == (
        [BehaviorProfile(())],
        Findings(complete=True, count=1, outcomes=1),
    )


def test_chance_alone_has_one_empty_equilibrium():
    root = Lottery("c", ("a", "b"), (Fraction(1, 2),) * 2, trees.ends((1,), (2,)))
    assert drained(backward_induction(ExtensiveForm.from_tree(["1"], root)))[0] == [
        BehaviorProfile(())
    ]


# --- ties ----------------------------------------------------------------------------------


def test_a_tie_yields_both_equilibria_with_a_note():
    """The last mover is indifferent; what the first does depends on it."""
    last = Move(1, "last", ("l", "r"), trees.ends((0, 1), (2, 1)))
    root = Move(0, "first", ("stop", "go"), (Terminal((1, 0)), last))
    found, findings = drained(backward_induction(ExtensiveForm.from_tree(["1", "2"], root)))
    assert [as_pure(profile) for profile in found] == [(0, 0), (1, 1)]
    assert any("indifference at 'last' of '2'" in note for note in findings.notes)
    assert any("infinitely many" in note for note in findings.notes)


def test_equilibria_that_differ_only_off_the_path_are_all_listed():
    subgame = Move(1, "off", ("l", "m", "r"), trees.ends((0, 0), (0, 0), (0, 0)))
    root = Move(0, "first", ("stop", "go"), (Terminal((1, 1)), subgame))
    form = ExtensiveForm.from_tree(["1", "2"], root)
    assert [as_pure(profile) for profile in backward_induction(form)] == [(0, 0), (0, 1), (0, 2)]


def test_equilibria_of_subgames_multiply():
    """Three coordination games, one of which chance selects: 3 extreme equilibria in each."""

    def coordination(name: str) -> Node:
        return Move(
            0,
            ("row", name),
            ("a", "b"),
            tuple(
                Move(1, ("column", name), ("a", "b"), trees.ends(*payoffs))
                for payoffs in ([(1, 1), (0, 0)], [(0, 0), (1, 1)])
            ),
        )

    root = Lottery("c", tuple("xyz"), (Fraction(1, 3),) * 3, tuple(map(coordination, "xyz")))
    form = ExtensiveForm.from_tree(["1", "2"], root)
    found, findings = drained(backward_induction(form))
    odds = ((1, 0), (0, 1), (Fraction(1, 2), Fraction(1, 2)))
    expected = {
        tuple(x for pair in triple for x in (pair, pair)) for triple in product(odds, repeat=3)
    }
    assert {profile.probabilities for profile in found} == expected
    assert len(found) == 27
    assert findings.complete


def test_a_continuum_in_a_subgame_is_named():
    stage = Move(
        0,
        "row",
        ("a", "b"),
        tuple(Move(1, "column", ("a", "b"), trees.ends((0, 1), (0, 0))) for _ in "ab"),
    )
    root = Move(0, "first", ("stop", "go"), (Terminal((-1, 0)), stage))
    found, findings = drained(backward_induction(ExtensiveForm.from_tree(["1", "2"], root)))
    assert len(found) == 2
    assert any(
        "infinitely many equilibria in the stage of the subgame at node 2" in note
        for note in findings.notes
    )


def test_float_payoffs_tie_within_the_tolerance():
    payoffs = trees.ends((0.1 + 0.2,), (0.3,), (0.299,), (-1.0,))
    form = ExtensiveForm.from_tree(["1"], Move(0, "x", tuple("abcd"), payoffs))
    assert pure_profiles_of(backward_induction(form)) == {(0,), (1,)}
    payoffs = trees.ends((-0.1 - 0.2,), (-0.3,), (-0.301,), (-1.0,))
    form = ExtensiveForm.from_tree(["1"], Move(0, "x", tuple("abcd"), payoffs))
    assert pure_profiles_of(backward_induction(form)) == {(0,), (1,)}


def test_exact_payoffs_never_tie_unless_equal():
    close = trees.ends((Fraction(1),), (1 - Fraction(1, 10**30),), (-1,))
    form = ExtensiveForm.from_tree(["1"], Move(0, "x", ("l", "r", "far"), close))
    assert behaviors(form) == [(1,)]


# --- against brute force -------------------------------------------------------------------


@settings(max_examples=120)
@given(seed=SEEDS, players=st.integers(1, 3))
def test_pure_equilibria_are_those_of_brute_force(seed, players):
    """Up to what is done where a player's own choice in the stage excludes it, each once."""
    form = random_tree(seed, players=players)
    found = [
        up_to_excluded_sets(form, pure) for pure in map(as_pure, backward_induction(form)) if pure
    ]
    assert len(set(found)) == len(found)
    assert set(found) == {up_to_excluded_sets(form, p) for p in pure_subgame_perfect(form)}


@settings(max_examples=120)
@given(seed=SEEDS, players=st.integers(1, 3))
def test_everything_yielded_is_certified_subgame_perfect_with_regret_zero(seed, players):
    form = random_tree(seed, players=players)
    found, findings = drained(backward_induction(form))
    assert found or not findings.complete
    for profile in found:
        certificate = certify_extensive(form, profile)
        assert certificate.holds
        assert certificate.exact is profile.is_exact
        assert profile.is_exact or players > 2
        assert certificate.refinement is not None


@settings(max_examples=120)
@given(seed=SEEDS, players=st.integers(1, 3))
def test_pure_sequential_profiles_are_those_that_the_judge_finds_among_all(seed, players):
    """The judge looks for beliefs in another way than the method."""
    form = random_tree(seed, players=players)
    found = [as_pure(profile) for profile in pure_sequential(form)]
    assert len(set(found)) == len(found)
    accepted = set()
    for pure in pure_profiles(form):
        certificate = certify_extensive(form, as_behavior(form, pure))
        unreached_and_doubtful = len(certificate.checks) > 1
        if certificate.refinement == "weak perfect Bayesian" or (
            certificate.refinement == "subgame perfect" and not unreached_and_doubtful
        ):
            accepted.add(pure)
    assert set(found) == accepted


@settings(max_examples=80)
@given(seed=SEEDS)
def test_the_sequence_form_finds_the_extreme_equilibria_of_the_strategic_form(seed):
    """As realization plans, extreme mixed profiles are extreme too, or mixtures of those."""
    form = random_tree(seed, players=2, most_profiles=150)
    reduced = reduced_strategic_form.apply(form)
    if min(len(plans[0]) for plans in reduced.plans) == 0:
        return
    tree = Truncation.of(form)
    values = {end: tuple(form.exact[end]) for end in tree.ends}
    direct = {
        (tuple(x.values()), tuple(y.values()))
        for x, y in extreme_realization_plans(tree, (0, 1), values)
    }

    def realization(player: int, weights) -> tuple[Fraction, ...]:
        plans = reduced.plans[player]
        return tuple(
            sum(
                (p for p, plan in zip(weights, plans, strict=True) if (known, action) in plan),
                Fraction(0),
            )
            for known in form.sets_of(player)
            for action in range(len(form.information_sets[known].actions))
        )

    images = {
        tuple(realization(player, weights) for player, weights in enumerate(profile.strategies))
        for profile in extreme_enumeration(reduced.form)
    }
    assert direct <= images
    for x, y in images - direct:
        with_y = [other for other, mate in images if mate == y and other != x]
        with_x = [mate for other, mate in images if other == x and mate != y]
        assert in_convex_hull(x, with_y) or in_convex_hull(y, with_x)


@settings(max_examples=40)
@given(seed=SEEDS, factor=st.sampled_from(SCALES))
def test_scaling_payoffs_changes_no_equilibrium(seed, factor):
    form = random_tree(seed, most_profiles=80)
    scaled = trees.scaled(form, factor)
    plain = {profile.probabilities for profile in backward_induction(form)}
    assert {profile.probabilities for profile in backward_induction(scaled)} == plain
    for profile in backward_induction(scaled):
        assert certify_extensive(scaled, profile).refinement is not None


@settings(max_examples=30)
@given(seed=SEEDS)
def test_payoffs_that_are_all_negative_change_nothing(seed):
    form = random_tree(seed, payoffs=(-9, -5), most_profiles=80)
    found = {
        up_to_excluded_sets(form, pure) for pure in map(as_pure, backward_induction(form)) if pure
    }
    assert found == {up_to_excluded_sets(form, p) for p in pure_subgame_perfect(form)}


# --- what was not searched -----------------------------------------------------------------


def test_a_forgetful_player_is_refused_by_name():
    form = trees.forgetful_driver()
    for method in (backward_induction, pure_sequential):
        assert not method.accepts(form)
        with pytest.raises(NotApplicable, match=r"'exit\?'.*'Driver'"):
            next(method(form))


def test_unreached_information_sets_are_said_to_be_held_to_nash_only():
    _, findings = drained(backward_induction(trees.beer_quiche()))
    assert any("not sequential rationality" in note for note in findings.notes)
    _, findings = drained(backward_induction(trees.battle_with_outside_option()))
    assert findings.notes == ()


def test_the_limit_on_listed_equilibria_is_named_with_their_number(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EQUILIBRIA", 7)
    found, findings = drained(backward_induction(trees.many_ties()))
    assert len({profile.probabilities for profile in found}) == 7
    assert not findings.complete
    assert any("32 equilibria were found and 7 of them listed" in note for note in findings.notes)


def test_a_billion_billion_equilibria_are_counted_not_made(monkeypatch):
    monkeypatch.setattr(limits, "MAX_EQUILIBRIA", 5)
    found, findings = drained(backward_induction(trees.many_ties(200)))
    assert len({profile.probabilities for profile in found}) == 5
    assert findings.count == 2**200
    assert any(f"{2**200} equilibria were found and 5" in note for note in findings.notes)


@pytest.mark.parametrize("tied", [0, 1])
def test_every_combination_of_continuations_is_followed_up(tied):
    form = ExtensiveForm.from_tree(["1", "2"], trees.tied_subgames(tied))
    assert pure_profiles_of(backward_induction(form)) == pure_subgame_perfect(form)


def test_the_limit_on_stage_games_is_named(monkeypatch):
    form = ExtensiveForm.from_tree(["1", "2"], trees.tied_subgames())
    whole, findings = drained(backward_induction(form))
    assert findings.complete
    monkeypatch.setattr(limits, "MAX_STAGE_GAMES", 3)
    found, findings = drained(backward_induction(form))
    assert 0 < len(found) < len(whole)
    assert not findings.complete
    assert any("MAX_STAGE_GAMES" in note and "the whole game" in note for note in findings.notes)


def test_the_limit_on_stage_games_is_one_for_the_whole_search(monkeypatch):
    """Each of the two branches has sixteen."""
    root = Move(0, "which", ("x", "y"), (trees.tied_subgames(1, "x"), trees.tied_subgames(1, "y")))
    form = ExtensiveForm.from_tree(["1", "2"], root)
    for limit, complete in ((20, False), (32, True)):
        monkeypatch.setattr(limits, "MAX_STAGE_GAMES", limit)
        notes = drained(backward_induction(form))[1].notes
        assert any("MAX_STAGE_GAMES" in note for note in notes) is not complete


def test_the_limit_on_continuations_is_named(monkeypatch):
    form = ExtensiveForm.from_tree(["1", "2"], trees.tied_subgames())
    whole, _ = drained(backward_induction(form))
    monkeypatch.setattr(limits, "MAX_CONTINUATIONS", 1)
    found, findings = drained(backward_induction(form))
    assert 0 < len(found) < len(whole)
    assert not findings.complete
    assert any("MAX_CONTINUATIONS" in note and "subgame at node" in note for note in findings.notes)


def test_a_stage_too_large_for_mixed_equilibria_is_searched_for_pure_ones(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RAYS", 5)
    found, findings = drained(backward_induction(trees.beer_quiche()))
    assert {as_pure(profile) for profile in found} == {(0, 1, 0, 0), (1, 0, 1, 1)}
    assert not findings.complete
    assert any("MAX_RAYS" in note and "the whole game" in note for note in findings.notes)


def test_a_stage_too_large_with_opposed_interests_yields_one_exact_equilibrium(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RAYS", 5)
    form = trees.kuhn_poker()
    (found,), findings = drained(backward_induction(form))
    assert form.expected_payoffs(found) == (Fraction(-1, 18), Fraction(1, 18))
    assert certify_extensive(form, found).regret == 0
    assert not findings.complete
    assert any("MAX_RAYS" in note and "linear program" in note for note in findings.notes)


@settings(max_examples=60)
@given(seed=SEEDS, slope=st.sampled_from([-1, -3, Fraction(-1, 2)]))
def test_linear_programs_solve_random_trees_with_opposed_interests(seed, slope):
    form = trees.opposed(random_tree(seed, merging=1.0), slope)
    tree = Truncation.of(form)
    values = {end: tuple(form.exact[end]) for end in tree.ends}
    if not is_strictly_competitive(tree, (0, 1), values):
        return  # a constant game
    plans = minimax_realization_plans(tree, (0, 1), values)
    behavior = {}
    for known, about in enumerate(form.information_sets):
        odds = [plans[about.player][known, action] for action in range(len(about.actions))]
        if any(odds):
            behavior[known] = [Fraction(part, sum(odds)) for part in odds]
    whole = tree.complete(behavior, values)
    profile = BehaviorProfile(tuple(whole.values()))
    assert certify_extensive(form, profile).regret == 0


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(-4, 4), min_size=n, max_size=n), min_size=1, max_size=5
        )
    )
)
def test_matrix_games_are_worth_to_one_player_what_they_cost_the_other(payoffs):
    value, mixture = matrix_game(payoffs)
    assert sum(mixture) == 1
    assert min(mixture) >= 0
    assert min(sum(p * x for p, x in zip(row, mixture, strict=True)) for row in payoffs) == value
    assert (
        matrix_game([[-entry for entry in column] for column in zip(*payoffs, strict=True)])[0]
        == -value
    )


def test_too_many_completions_are_refused(monkeypatch):
    """Player 1 moves, 2 does not see it, 1 moves again: half of 1's later sets are excluded."""
    hidden = [
        Move(
            1,
            "2",
            ("l", "r"),
            tuple(Move(0, f"1 after {k}", ("x", "y"), trees.ends((k, 0), (k, 0))) for _ in "lr"),
        )
        for k in (0, 1)
    ]
    form = ExtensiveForm.from_tree(["1", "2"], Move(0, "1", ("a", "b"), tuple(hidden)))
    assert pure_profiles_of(pure_sequential(form)) == {
        (1, second, *later) for second in (0, 1) for later in product((0, 1), repeat=2)
    }
    monkeypatch.setattr(limits, "MAX_COMPLETIONS", 1)
    with pytest.raises(LimitExceeded, match="MAX_COMPLETIONS"):
        list(pure_sequential(form))


# --- the registry, and speed ---------------------------------------------------------------


def test_the_registry_takes_backward_induction_first_for_trees():
    names = [method.name for method in registry.for_form(ExtensiveForm)]
    assert names[0] == "backward_induction"
    assert "pure_sequential" in names


def bushy(depth: int) -> ExtensiveForm:
    """Return a ternary tree with a different payoff at every terminal, shared by no tie."""
    count = iter(range(3**depth))

    def node(level: int) -> Node:
        if level == depth:
            k = next(count)
            return Terminal((k * 7919 % 59049, k * 104729 % 59051))
        return Move(level % 2, object(), ("a", "b", "c"), tuple(node(level + 1) for _ in "abc"))

    return ExtensiveForm.from_tree(["1", "2"], node(0))


def test_a_tree_of_three_thousand_nodes_has_one_equilibrium():
    form = bushy(7)
    (found,), findings = drained(backward_induction(form))
    assert prod(max(odds) for odds in found.probabilities) == 1
    assert findings == Findings(complete=True, count=1, outcomes=1)
    assert certify_extensive(form, found).refinement == "subgame perfect"


@pytest.mark.benchmark
def test_a_hundred_thousand_nodes_take_two_seconds():
    from time import process_time

    form = bushy(10)
    start = process_time()
    found = list(backward_induction(form))
    elapsed = process_time() - start
    assert len(found) == 1
    assert form.num_nodes > 88_000
    assert elapsed < 2


def tied_replies(count: int) -> ExtensiveForm:
    """Two types of a sender, two signals, and a receiver to whom all replies are the same."""

    def send(kind: int) -> Move:
        def answer(signal: int) -> Move:
            ends = [Terminal(((7 * kind + 5 * signal + 3 * k) % 11, 0)) for k in range(count)]
            return Move(1, f"signal {signal}", tuple(map(str, range(count))), tuple(ends))

        return Move(0, f"type {kind}", ("first", "second"), (answer(0), answer(1)))

    root = Lottery("type", ("a", "b"), (Fraction(1, 2), Fraction(1, 2)), (send(0), send(1)))
    return ExtensiveForm.from_tree(["sender", "receiver"], root)


@pytest.mark.parametrize("name", ["backward_induction", "perfect_bayesian"])
def test_many_tied_replies_end_at_a_named_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_STAGE_ENTRIES", 10_000)
    solution = solve(tied_replies(6), method=name)
    assert solution.status == "partial"
    assert any("highfence.limits.MAX_STAGE_ENTRIES" in note for note in solution.notes)
    assert solution.equilibria
    assert all(found.certificate.holds for found in solution.equilibria)


def test_comparisons_of_rays_end_at_a_named_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RAY_COMPARISONS", 1_000)
    profiles, findings = drained(backward_induction(tied_replies(6)))
    assert not findings.complete
    assert any("highfence.limits.MAX_RAY_COMPARISONS" in note for note in findings.notes)
    assert profiles
