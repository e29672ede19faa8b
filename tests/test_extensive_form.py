"""The extensive form: trees become arrays, and what is no game is refused with a reason."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import limits
from highfence.errors import LimitExceeded, SpecError
from highfence.forms.extensive import (
    CHANCE,
    TERMINAL,
    BehaviorProfile,
    ExtensiveForm,
    Lottery,
    Move,
    Node,
    Terminal,
)

HALF = Fraction(1, 2)


def make(root: Node, players: tuple[str, ...] = ("A", "B"), **rest: Any) -> ExtensiveForm:
    return ExtensiveForm.from_tree(players, root, **rest)


def refused(root: Node, players: tuple[str, ...] = ("A", "B"), **rest: Any) -> str:
    """Return the message with which a tree is refused."""
    with pytest.raises(SpecError) as caught:
        make(root, players, **rest)
    return str(caught.value)


def ends(*payoffs: tuple[Any, ...]) -> tuple[Terminal, ...]:
    return tuple(Terminal(vector) for vector in payoffs)


def signal() -> Node:
    """Nature, then an informed and an uninformed player; eleven nodes."""

    def sender(weather: str) -> Node:
        guess = Move(1, "guess", ("sun", "rain"), ends((1, 1), (0, 0)))
        return Move(0, f"saw {weather}", ("tell", "leave"), (guess, Terminal((0, 0))))

    return Lottery(
        "weather", ("sun", "rain"), (Fraction(1, 3), Fraction(2, 3)), (sender("s"), sender("r"))
    )


@st.composite
def trees(draw: st.DrawFn, players: int = 2, depth: int = 4) -> Node:
    """Any small game; the number of actions follows from the information set."""
    small = st.integers(-3, 3)
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return Terminal(tuple(draw(small) for _ in range(players)))
    bonus = tuple(draw(small) for _ in range(players)) if draw(st.booleans()) else None
    owner = draw(st.integers(-1, players - 1))
    if owner < 0:
        weights = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3).filter(any))
        children = tuple(draw(trees(players, depth - 1)) for _ in weights)
        odds = tuple(Fraction(weight, sum(weights)) for weight in weights)
        return Lottery("", tuple("xyz"[: len(weights)]), odds, children, bonus)
    which = draw(st.integers(0, 3))
    count = 1 + (which + owner) % 3
    children = tuple(draw(trees(players, depth - 1)) for _ in range(count))
    return Move(owner, (owner, which), tuple("abc"[:count]), children, "", bonus)


def uniform(form: ExtensiveForm) -> BehaviorProfile:
    return BehaviorProfile.from_weights(*([1] * len(s.actions) for s in form.information_sets))


# --- arrays --------------------------------------------------------------------------------


def test_nodes_are_numbered_in_preorder():
    form = make(signal())
    assert form.num_nodes == 11
    assert form.parent.tolist() == [-1, 0, 1, 2, 2, 1, 0, 6, 7, 7, 6]
    assert form.branch.tolist() == [-1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1]
    assert form.children[:3] == ((1, 6), (2, 5), (3, 4))
    assert form.end.tolist() == [11, 6, 5, 4, 5, 6, 11, 10, 9, 10, 11]
    assert form.depth.tolist() == [0, 1, 2, 3, 3, 2, 1, 2, 3, 3, 2]
    assert form.owner.tolist() == [CHANCE, 0, 1, -2, -2, -2, 0, 1, -2, -2, -2]
    assert form.terminals.tolist() == np.flatnonzero(form.owner == TERMINAL).tolist()


def test_information_sets_are_numbered_by_their_first_node():
    form = make(signal())
    assert [s.label for s in form.information_sets] == ["saw s", "guess", "saw r"]
    assert form.information_sets[1].nodes == (2, 7)
    assert form.information_sets[1].player == 1
    assert form.information_sets[1].actions == ("sun", "rain")
    assert form.information_set.tolist() == [-1, 0, 1, -1, -1, -1, 2, 1, -1, -1, -1]
    assert form.sets_of(0) == (0, 2)


def test_arrays_are_read_only():
    form = make(signal())
    for array in (form.parent, form.branch, form.end, form.owner, form.information_set):
        assert not array.flags.writeable
    assert not form.payoffs.flags.writeable
    assert form.exact is not None
    assert not form.exact.flags.writeable


def test_a_node_knows_its_history():
    form = make(signal())
    assert form.path(8) == ((0, 1), (6, 0), (7, 0))
    assert form.history(8) == ("rain", "tell", "sun")
    assert form.describe(8) == "node 8 (after 'rain', 'tell', 'sun')"
    assert form.describe(0) == "the root"


def test_payoffs_on_the_way_add_up():
    inner = Move(1, "later", ("l", "r"), ends((1, 0), (0, 5)), payoffs=(0, Fraction(1, 2)))
    chance = Lottery("", ("u", "d"), (HALF, HALF), (inner, Terminal((0, 0))), payoffs=(10, 20))
    form = make(chance)
    assert form.payoffs[form.terminals].tolist() == [[11, 20.5], [10, 25.5], [10, 20]]
    assert form.exact is not None
    assert form.exact[3, 1] == Fraction(51, 2)
    assert not form.payoffs[form.owner != TERMINAL].any()


def test_a_node_that_stands_twice_counts_twice():
    shared = Move(1, "same", ("l", "r"), ends((1, 0), (0, 1)))
    form = make(Move(0, "first", ("a", "b"), (shared, shared)))
    assert form.num_nodes == 7
    assert form.information_sets[1].nodes == (1, 4)


# --- exactness -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, Fraction(1, 3), Decimal("0.1"), np.int64(7), True])
def test_ints_fractions_and_decimals_are_exact(number):
    form = make(Terminal((number, 0)))
    assert form.exact is not None
    assert form.exact[0, 0] == Fraction(int(number) if isinstance(number, np.int64) else number)
    assert form.payoffs[0, 0] == float(number)


def test_a_float_anywhere_means_that_the_game_is_not_exact():
    payoff = make(Terminal((0.5, 0)))
    odds = make(Lottery("", ("a", "b"), (0.5, 0.5), ends((1, 0), (0, 1))))
    bonus = make(Move(0, 0, ("a",), ends((1, 0)), payoffs=(0.25, 0)))
    for form in (payoff, odds, bonus):
        assert form.exact is None
        assert form.exact_probabilities is None
        assert not form.is_exact
    assert odds.probabilities[0] == (0.5, 0.5)
    assert bonus.payoffs[1].tolist() == [1.25, 0]


def test_float_probabilities_are_kept_as_they_are():
    tenth = (0.1,) * 10
    form = make(Lottery("", tuple("abcdefghij"), tenth, ends(*[(1, 1)] * 10)))
    assert form.probabilities[0] == tenth


# --- refusals ------------------------------------------------------------------------------


def test_probabilities_must_sum_to_one_exactly():
    message = refused(
        Lottery("", ("a", "b"), (Fraction(1, 2), Fraction(1, 3)), ends((0, 0), (0, 0)))
    )
    assert "5/6" in message
    assert "never rescaled" in message


def test_thirds_cut_short_get_a_suggestion():
    third = Decimal("0.333")
    message = refused(Lottery("", ("a", "b", "c"), (third,) * 3, ends(*[(0, 0)] * 3)))
    assert "999/1000 = 0.999" in message
    assert "1/3, 1/3, 1/3" in message


def test_float_probabilities_must_sum_to_one_too():
    message = refused(Lottery("", ("a", "b"), (0.5, 0.4), ends((0, 0), (0, 0))))
    assert "sum to 0.9" in message


@pytest.mark.parametrize("odds", [(Fraction(3, 2), -HALF), (1.5, -0.5)])
def test_a_negative_probability_is_refused(odds):
    message = refused(Lottery("", ("a", "b"), odds, ends((0, 0), (0, 0))))
    assert "negative" in message


def test_probability_zero_is_allowed():
    form = make(Lottery("", ("a", "b"), (1, 0), ends((3, 0), (0, 0))))
    assert form.expected_payoffs(BehaviorProfile(())) == (3, 0)


def test_an_information_set_has_one_list_of_actions():
    left = Move(1, "I", ("x", "y"), ends((0, 0), (0, 0)))
    for other in (("y", "x"), ("x", "z"), ("x", "y", "z")):
        right = Move(1, "I", other, ends(*[(0, 0)] * len(other)))
        message = refused(Move(0, "first", ("a", "b"), (left, right)))
        assert "node 4 (after 'b')" in message
        assert "node 1 (after 'a')" in message
        assert "same order" in message


def test_an_information_set_has_one_player():
    left, right = (Move(p, "I", ("x", "y"), ends((0, 0), (0, 0))) for p in (0, 1))
    message = refused(Move(0, "first", ("a", "b"), (left, right)))
    assert "'A' at" in message
    assert "'B' here" in message
    assert "node 1 (after 'a')" in message


@pytest.mark.parametrize("payoffs", [(1,), (1, 2, 3), ()])
def test_there_is_one_payoff_per_player(payoffs):
    assert f"{len(payoffs)} payoffs for 2 players" in refused(Terminal(payoffs))


@pytest.mark.parametrize(
    ("payoff", "says"),
    [
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        (Decimal("Infinity"), "not finite"),
        (Decimal("1e999999999"), "10 to the 400"),
        (10**400, "largest float"),
        (Fraction(1, 10**400), "too small"),
        ("1", "not a real number"),
        (1j, "not a real number"),
        (None, "not a real number"),
    ],
)
def test_a_payoff_is_a_finite_number(payoff, says):
    message = refused(Terminal((0, payoff)))
    assert says in message
    assert "'B'" in message


def test_payoffs_along_a_path_stay_finite():
    big = Fraction(10) ** 308
    message = refused(Move(0, 0, ("a",), (Terminal((big, 0)),), payoffs=(big, 0)))
    assert "exceed the largest float" in message


@pytest.mark.parametrize("player", [-1, 2, True, 0.0, "A"])
def test_the_player_of_a_move_exists(player):
    message = refused(Move(player, 0, ("a",), ends((0, 0))))
    assert repr(player) in message
    assert "Use 0 to 1" in message


def test_actions_are_distinct_and_named():
    assert "'a'" in refused(Move(0, 0, ("a", "a"), ends((0, 0), (0, 0))))
    assert "no label" in refused(Move(0, 0, ("a", ""), ends((0, 0), (0, 0))))
    assert "no actions" in refused(Move(0, 0, (), ()))
    # The same letter, composed and decomposed.
    assert "two actions" in refused(Move(0, 0, ("\u00e9", "e\u0301"), ends((0, 0), (0, 0))))


def test_players_are_distinct_and_named():
    assert "two players" in refused(Terminal((0, 0)), ("A", "A"))
    assert "two players" in refused(Terminal((0, 0)), ("\u00e9", "e\u0301"))
    assert "no name" in refused(Terminal((0, 0)), ("A", ""))
    assert "no players" in refused(Terminal(()), ())


def test_every_action_has_a_child_and_no_node_is_left_over():
    message = refused(Move(0, 0, ("a", "b"), ends((0, 0))))
    assert "number of children is 1, that of actions 2" in message
    with pytest.raises(SpecError, match="before every action has a node"):
        ExtensiveForm.from_preorder(["A"], [Move(0, 0, ("a", "b"), ()), Terminal((0,))])
    with pytest.raises(SpecError, match="after the tree is complete"):
        ExtensiveForm.from_preorder(["A"], [Terminal((0,)), Terminal((0,))])


def test_what_is_no_node_is_refused():
    assert "str is not a node" in refused(Move(0, 0, ("a",), ("end",)))  # type: ignore[arg-type]


def test_all_mistakes_are_reported_at_once():
    bad = Lottery("", ("a", "a"), (HALF, Fraction(1, 3)), ends((1,), (0, float("nan"))))
    with pytest.raises(SpecError) as caught:
        make(bad)
    assert len(caught.value.problems) == 4


def test_a_message_stays_readable_however_many_mistakes():
    with pytest.raises(SpecError) as caught:
        make(Move(0, 0, tuple(map(str, range(500))), ends(*[(0,)] * 500)))
    assert len(caught.value.problems) == 50


# --- limits --------------------------------------------------------------------------------


def chain(length: int) -> Node:
    node: Node = Terminal((0, 0))
    for step in range(length):
        node = Move(step % 2, step, ("stop", "go"), (Terminal((0, 0)), node))
    return node


def test_a_tree_may_be_as_deep_as_the_limit():
    form = make(chain(limits.MAX_DEPTH))
    assert form.depth.max() == limits.MAX_DEPTH
    assert form.perfect_recall() is None
    assert len(form.subgame_roots()) == limits.MAX_DEPTH


@pytest.mark.parametrize("length", [limits.MAX_DEPTH + 1, 100_000])
def test_a_deeper_tree_is_refused_by_name(length):
    with pytest.raises(LimitExceeded, match=f"deeper than {limits.MAX_DEPTH} moves"):
        make(chain(length))


def test_the_limit_on_depth_is_read_at_the_time_of_use(monkeypatch):
    monkeypatch.setattr(limits, "MAX_DEPTH", 5_000)
    form = make(chain(5_000))
    assert form.num_nodes == 10_001
    assert form.perfect_recall() is None


def test_a_tree_that_unfolds_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_NODES", 1000)
    node: Node = Terminal((0, 0))
    for step in range(60):  # 2^61 nodes if written out
        node = Move(0, step, ("a", "b"), (node, node))
    with pytest.raises(LimitExceeded, match="more than 1000 nodes"):
        make(node)


def test_players_and_actions_are_limited(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PLAYERS", 1)
    with pytest.raises(LimitExceeded, match="2 players"):
        make(Terminal((0, 0)))
    monkeypatch.setattr(limits, "MAX_PLAYERS", 2)
    monkeypatch.setattr(limits, "MAX_ACTIONS", 2)
    with pytest.raises(LimitExceeded, match="3 actions"):
        make(Move(0, 0, ("a", "b", "c"), ends(*[(0, 0)] * 3)))


# --- labels --------------------------------------------------------------------------------


def test_information_sets_get_labels():
    second = Move(0, ("key", 2), ("x",), ends((0, 0)))
    third = Move(1, 3, ("y",), (second,))
    form = make(Move(0, "start", ("a",), (third,)))
    assert [s.label for s in form.information_sets] == ["start", "set 1", "set 2"]
    form = make(Move(0, "start", ("a",), (third,)), set_labels={("key", 2): "later", 3: "reply"})
    assert [s.label for s in form.information_sets] == ["start", "reply", "later"]


def test_equal_labels_of_one_player_are_told_apart_with_a_note():
    third = Move(0, 3, ("c",), ends((0, 0)))
    other = Move(1, 9, ("o",), (third,))
    second = Move(0, 2, ("b",), (other,))
    form = make(Move(0, 1, ("a",), (second,)), set_labels={1: "I", 2: "I", 3: "I (2)", 9: "I"})
    assert [s.label for s in form.information_sets] == ["I", "I (3)", "I", "I (2)"]
    assert len(form.notes) == 1
    assert "'I (3)'" in form.notes[0]


# --- perfect recall and subgames -----------------------------------------------------------


def test_perfect_recall_holds_where_everything_own_is_remembered():
    assert make(signal()).perfect_recall() is None


def test_a_player_who_forgets_a_move_is_named():
    later = Move(0, "later", ("x", "y"), ends((1, 1), (0, 0)))
    form = make(Move(0, "first", ("a", "b"), (later, later)))
    assert form.perfect_recall() == (0, "later")


def test_a_player_who_forgets_what_they_knew_is_named():
    def knows(name: str) -> Node:
        forgets = Move(1, "later", ("x", "y"), ends((0, 0), (0, 0)))
        return Move(1, name, ("on",), (forgets,))

    form = make(Lottery("", ("l", "r"), (HALF, HALF), (knows("left"), knows("right"))))
    assert form.perfect_recall() == (1, "later")


def test_an_absent_minded_player_is_named():
    """Piccione and Rubinstein (1997), the driver who cannot tell the exits apart."""
    second = Move(0, "exit?", ("out", "on"), ends((4,), (1,)))
    form = make(Move(0, "exit?", ("out", "on"), (Terminal((0,)), second)), ("driver",))
    assert form.perfect_recall() == (0, "exit?")
    assert form.subgame_roots() == ()


def test_subgames_do_not_cut_information_sets():
    form = make(signal())
    assert form.subgame_roots() == (0,)
    last = Move(0, "last", ("a", "b"), ends((0, 0), (0, 0)))
    reply = Lottery("", ("u", "d"), (HALF, HALF), (last, Terminal((0, 0))))
    form = make(Move(1, "first", ("in", "out"), (reply, Terminal((0, 0)))))
    assert form.subgame_roots() == (0, 1, 2)


@given(trees())
def test_recall_agrees_with_comparing_all_pairs(tree):
    form = make(tree)

    def memory(node: int) -> list[tuple[int, int]]:
        player = form.owner[node]
        return [
            (int(form.information_set[before]), taken)
            for before, taken in form.path(node)
            if form.owner[before] == player
        ]

    forgets = {
        (s.player, s.label)
        for s in form.information_sets
        for one, other in combinations(s.nodes, 2)
        if memory(one) != memory(other)
    }
    witness = form.perfect_recall()
    assert witness in forgets if forgets else witness is None


@given(trees())
def test_subgames_agree_with_their_definition(tree):
    form = make(tree)

    def below(node: int) -> set[int]:
        return {node}.union(*(below(child) for child in form.children[node]))

    expected = tuple(
        node
        for node in range(form.num_nodes)
        if form.children[node]
        and all(node not in s.nodes or len(s.nodes) == 1 for s in form.information_sets)
        and all(
            not below(node) & set(s.nodes) or set(s.nodes) <= below(node)
            for s in form.information_sets
        )
    )
    assert form.subgame_roots() == expected
    assert all(below(v) == set(range(v, form.end[v])) for v in range(form.num_nodes))


# --- profiles ------------------------------------------------------------------------------


def test_expected_payoffs_are_exact_where_all_is_exact():
    form = make(signal())
    always = BehaviorProfile(((1, 0), (Fraction(3, 4), Fraction(1, 4)), (0, 1)))
    assert form.expected_payoffs(always) == (Fraction(1, 4), Fraction(1, 4))
    assert all(isinstance(value, Fraction) for value in form.expected_payoffs(always))
    rough = BehaviorProfile(((1.0, 0.0), (0.75, 0.25), (0.0, 1.0)))
    assert form.expected_payoffs(rough) == pytest.approx((0.25, 0.25))
    assert all(isinstance(value, float) for value in form.expected_payoffs(rough))


@given(trees())
def test_reaching_the_ends_has_probability_one(tree):
    form = make(tree)
    reached = form.reach(uniform(form))
    assert sum(reached[node] for node in form.terminals) == 1
    exact = form.expected_payoffs(uniform(form))
    floats = BehaviorProfile(
        tuple(tuple(map(float, weights)) for weights in uniform(form).probabilities)
    )
    assert form.expected_payoffs(floats) == pytest.approx(tuple(map(float, exact)), abs=1e-12)


def test_a_profile_fits_the_information_sets():
    form = make(signal())
    for wrong in (BehaviorProfile(()), BehaviorProfile(((1, 0), (1, 0, 0), (0, 1)))):
        with pytest.raises(SpecError, match="behavior profile"):
            form.expected_payoffs(wrong)


def test_profiles_come_from_weights():
    made = BehaviorProfile.from_weights([2, 6], [0.5, 1.5], [1.0, -1e-12])
    assert made.probabilities == ((Fraction(1, 4), Fraction(3, 4)), (0.25, 0.75), (1.0, 0.0))
    assert not made.is_exact
    assert BehaviorProfile.from_weights([1, 1]).is_exact


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2], [0.0, 0.0], [-0.1, 1.1], [float("nan")], []])
def test_weights_that_are_no_probabilities_are_refused(weights):
    with pytest.raises(SpecError):
        BehaviorProfile.from_weights(weights)


# --- metrics and small games ---------------------------------------------------------------


def test_metrics_are_kept_per_terminal():
    root = Move(
        0, 0, ("a", "b"), (Terminal((1, 0), {"sales": 4.5}), Terminal((0, 0), {"sales": 1}))
    )
    form = make(root)
    assert form.outcomes["sales"].tolist() == [0, 4.5, 1]
    assert form.expected_outcomes(uniform(form)) == {"sales": 2.75}


def test_metrics_are_the_same_everywhere_and_finite():
    good = Terminal((0, 0), {"sales": 1})
    assert "same outcomes" in refused(Move(0, 0, ("a", "b"), (good, Terminal((0, 0)))))
    bad = Terminal((0, 0), {"sales": float("inf")})
    assert "'sales' is inf" in refused(Move(0, 0, ("a", "b"), (good, bad)))


def test_a_game_may_have_no_decisions():
    form = make(Lottery("coin", ("h", "t"), (HALF, HALF), ends((1, 1), (0, 0))))
    assert form.information_sets == ()
    assert form.expected_payoffs(BehaviorProfile(())) == (HALF, HALF)
    assert form.subgame_roots() == (0,)
    assert form.perfect_recall() is None


def test_a_game_may_be_a_single_end():
    form = make(Terminal((2, 3)))
    assert form.num_nodes == 1
    assert form.expected_payoffs(BehaviorProfile(())) == (2, 3)
    assert form.subgame_roots() == ()
