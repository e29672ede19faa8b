"""Equilibria of trees, grouped by what comes of them: counted, and one listed for each."""

import csv
import io
import json
import time
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import trees
from highfence import (
    Chance,
    Decision,
    Game,
    Parameter,
    Player,
    Regime,
    Stage,
    compare,
    limits,
    solve,
)
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.methods.backward_induction import backward_induction, pure_sequential
from highfence.methods.perfect_bayesian import perfect_bayesian
from highfence.report.csv import solution_csv
from highfence.report.json import solution_dict
from highfence.report.text import solution_text
from highfence.solution import Extremes
from highfence.solve_many import rows_of, solve_many
from highfence.study import sweep
from searches import drained

A, C = Player("A"), Player("C")


def scales(number: int, answers: int = 4, worth: str = "0") -> Game:
    """Return a leader's choice among scales, to each of which the other is indifferent."""
    return Game(
        name="scales",
        players=[A, C],
        parameters=[Parameter("least", 0.5, low=0, high=1)],
        stages=[
            Stage("control", Decision(A, "scope", [Fraction(k, 10) for k in range(number)])),
            Stage("answer", Decision(C, "reply", [f"r{k}" for k in range(answers)])),
        ],
        derived={"lost": "scope"},
        payoffs={A: f"lost - least * lost ** 2 + {worth}", C: "-lost"},
    )


def after_chance(states: int, lead: bool = False) -> Game:
    """Return a game in which the other is asked in one of many states, and does not care."""
    entry = [Stage("entry", Decision(A, "enter", ["in", "out"]))] if lead else []
    nature = Chance("state", {f"s{k}": Fraction(1, states) for k in range(states)})
    harm = {"harm": "where(enter == 'out', 1, 3 - seen)"} if lead else {}
    return Game(
        name="after_chance",
        players=[A, C],
        stages=[
            *entry,
            Stage("nature", nature),
            Stage("answer", Decision(C, "reply", [f"r{k}" for k in range(4)])),
        ],
        derived={
            "seen": "(reply == 'r1') + 2 * (reply == 'r2') + 3 * (reply == 'r3')",
            **harm,
        },
        payoffs={A: "where(enter == 'out', 3/2, seen)" if lead else "seen", C: "0"},
        regimes=[Regime("entry", fix={"enter": "in"}), Regime("stay", fix={"enter": "out"})] * lead,
    )


def outcome_of(form: ExtensiveForm, profile) -> tuple:
    reached = form.reach(profile)
    return tuple((node, reached[node]) for node in form.terminals.tolist() if reached[node])


def groups_of(form: ExtensiveForm, profiles) -> dict:
    groups = defaultdict(list)
    for profile in profiles:
        groups[outcome_of(form, profile)].append(profile)
    return groups


def check_against_the_whole_list(form: ExtensiveForm, method=backward_induction) -> None:
    """One equilibrium per outcome says of the others what listing them all shows."""
    whole, findings = drained(method(form))
    groups = groups_of(form, whole)
    assert (findings.count, findings.outcomes) == (len(whole), len(groups))
    assert not findings.supports
    each, said = drained(method(form, plans=1))
    if len(whole) < 2:
        assert len(each) == len(whole)
        return
    assert said.complete == findings.complete
    assert (said.count, said.outcomes) == (len(whole), len(groups))
    assert len(each) == len(said.supports) == len(groups)
    listed = {profile.probabilities for profile in whole}
    assert {outcome_of(form, profile) for profile in each} == set(groups)
    for profile, support in zip(each, said.supports, strict=True):
        assert profile.probabilities in listed
        same = groups[outcome_of(form, profile)]
        assert support.plans == len(same)
        occurring = [set(column) for column in zip(*(p.probabilities for p in same), strict=True)]
        differing = {known: done for known, done in enumerate(occurring) if len(done) > 1}
        assert {known: set(done) for known, done in support.options.items()} == differing


@st.composite
def tied_trees(draw, most: int = 1) -> ExtensiveForm:
    """Draw a small tree of two players with few payoffs, so with ties at every height."""
    names = iter(range(1000))

    def node(height: int):
        if height == 0 or draw(st.integers(0, 4)) == 0:
            paid = (draw(st.integers(0, most)), draw(st.integers(0, most)))
            return Terminal(paid, {"seen": draw(st.integers(0, 9))})
        width = draw(st.integers(2, 3))
        below = tuple(node(height - 1) for _ in range(width))
        labels = tuple("abc"[:width])
        kind = draw(st.integers(0, 5))
        if kind == 0:
            odds = (Fraction(0), Fraction(1)) if width == 2 else (Fraction(1, 3),) * 3
            return Lottery(f"c{next(names)}", labels, odds, below)
        if kind == 1:  # both at once
            other = f"s{next(names)}"
            rows = tuple(
                Move(1, other, ("l", "r"), (node(height - 1), node(height - 1))) for _ in "ab"
            )
            return Move(0, f"f{next(names)}", ("u", "d"), rows)
        return Move(draw(st.integers(0, 1)), f"m{next(names)}", labels, below)

    root = Move(0, "first", ("x", "y"), (node(2), node(2)))
    return ExtensiveForm.from_tree(["1", "2"], root)


@given(form=tied_trees())
def test_outcomes_and_plans_are_counted_without_being_listed(form):
    check_against_the_whole_list(form)


@pytest.mark.parametrize(
    "form",
    [
        trees.beer_quiche(),
        trees.battle_with_outside_option(),
        trees.many_ties(6),
        ExtensiveForm.from_tree(["1", "2"], trees.tied_subgames(0)),
        ExtensiveForm.from_tree(["1", "2"], trees.tied_subgames(1)),
    ],
    ids=lambda form: form.title or str(form.num_nodes),
)
@pytest.mark.parametrize("method", [backward_induction, pure_sequential, perfect_bayesian], ids=str)
def test_every_method_that_counts_plans_groups_them_alike(form, method):
    check_against_the_whole_list(form, method)


def test_counts_beyond_any_list_are_exact():
    found, findings = drained(backward_induction(trees.many_ties(200), plans=100))
    assert findings.count == 2**200
    assert sum(support.plans for support in findings.supports) == 2**200
    assert findings.complete
    # Whoever leaves first ends it: one outcome for each, and the last has two.
    assert findings.outcomes == len(found) == 201


def test_payoff_vectors_take_turns_where_not_all_outcomes_are_listed():
    low, high = (Terminal((0, k)) for k in (0, 1))
    wide = tuple(Move(1, f"low {k}", ("l", "r"), (low, low)) for k in range(5))
    root = Move(0, "first", tuple("abcdef"), (*wide, Move(1, "last", ("l", "r"), (high, high))))
    found, findings = drained(
        backward_induction(ExtensiveForm.from_tree(["1", "2"], root), plans=1, limit=2)
    )
    assert findings.outcomes == 12
    assert not findings.complete
    assert any("12 outcomes of play were found and 2" in note for note in findings.notes)
    form = ExtensiveForm.from_tree(["1", "2"], root)
    assert {form.expected_payoffs(profile) for profile in found} == {(0, 0), (0, 1)}


def paid(form: ExtensiveForm, profiles) -> list[tuple[float, float]]:
    """Return the least and greatest payoff of each player, and of what is seen."""
    rows = [
        (*map(float, form.expected_payoffs(p)), *form.expected_outcomes(p).values())
        for p in profiles
    ]
    return [(min(column), max(column)) for column in zip(*rows, strict=True)]


@given(form=st.integers(1, 3).flatmap(lambda most: tied_trees(most)))
def test_extremes_are_those_of_the_whole_list(form):
    whole, findings = drained(backward_induction(form))
    assume(findings.count > 1)
    assert findings.extremes == ()
    listed, said = drained(backward_induction(form, limit=1))
    assert len(listed) == 1
    for known, (low, high) in zip(said.extremes, paid(form, whole), strict=True):
        assert (known.low, known.high) == (pytest.approx(low), pytest.approx(high))
        assert known.low_met
        assert known.high_met


@pytest.mark.parametrize("method", [backward_induction, pure_sequential, perfect_bayesian], ids=str)
@given(
    form=st.integers(1, 3).flatmap(lambda most: tied_trees(most)),
    games=st.integers(1, 6),
    continuations=st.integers(1, 3),
)
def test_no_equilibrium_is_outside_the_extremes_whatever_was_not_followed_up(
    method, form, games, continuations
):
    whole, findings = drained(method(form))
    assume(findings.count and findings.complete)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_STAGE_GAMES", games)
        patch.setattr(limits, "MAX_CONTINUATIONS", continuations)
        followed, said = drained(method(form))
    assert said.count <= findings.count
    if not said.more:
        assert (said.count, said.extremes) == (findings.count, ())
        return
    assert not said.complete
    for known, (low, high) in zip(said.extremes, paid(form, whole), strict=True):
        assert known.low <= low + 1e-9
        assert known.high >= high - 1e-9
        assert not known.low_met or known.low == pytest.approx(low)
        assert not known.high_met or known.high == pytest.approx(high)
    found = {profile.probabilities for profile in whole}
    assert all(profile.probabilities in found for profile in followed)


def test_what_can_be_paid_is_known_where_most_is_not_followed_up():
    """Four answers in each of seven states: the first 10,000 of 16,384 are followed up."""
    solution = solve(after_chance(7))
    assert solution.more
    assert solution.unlisted
    assert solution.extremes["A"] == Extremes(0.0, 3.0)
    assert solution.bounds()["seen"] == (0, pytest.approx(3))
    assert solution.extremes["seen"].high_met
    assert [e.payoffs["A"] for e in solution.equilibria[:2]] == [0, 3]
    assert solution.bounds()["A"] == (0, 3)


@pytest.mark.slow
def test_an_action_is_left_out_that_is_never_as_good_as_another():
    """What follows "in" pays the leader 1 to 3 and what follows "out" 4: it is taken."""
    choices = ["a", "b", "c", "d"]
    states = [f"s{k}" for k in range(7)]
    rooms = tuple(
        Move(1, f"room {state}", tuple(choices), tuple(Terminal((k, 0, k)) for k in range(4)))
        for state in states
    )
    inside = Lottery("state", tuple(states), (Fraction(1, 7),) * 7, rooms)
    for outside, (low, high), met in ((4, (4, 4), True), (2, (2, 3), True), (-1, (0, 3), True)):
        root = Move(0, "enter", ("in", "out"), (inside, Terminal((outside, 0, 9))))
        form = ExtensiveForm.from_tree(["A", "C", "B"], root)
        _, findings = drained(backward_induction(form))
        assert findings.more
        leader, _, other = findings.extremes
        assert (leader.low, leader.high) == (low, high)
        assert leader.high_met is met
        assert other.low <= (9 if outside == 4 else 2 if outside == 2 else 0)
        assert other.high == (3 if outside == -1 else 9)


@pytest.mark.slow
def test_ends_that_no_equilibrium_need_meet_are_said_to_be_bounds():
    """Entry pays the leader 3/2 at least, so that harm is never as large as it could be."""
    game = after_chance(7, lead=True)
    solution = solve(game)
    leader, harm = solution.extremes["A"], solution.extremes["harm"]
    assert leader == Extremes(1.5, 3.0)
    assert (harm.low_met, harm.high_met) == (True, False)
    assert harm.high == pytest.approx(3)
    assert max(e.outcomes["harm"] for e in solution.equilibria) <= 1.5
    text = solution_text(solution)
    assert "harm  0 .. 3  (the greatest may be less)" in text
    assert "Over all equilibria" in text
    inside = compare(game).regimes[0]
    assert inside.solution.extremes["harm"] == Extremes(0, pytest.approx(3))


def test_a_finely_gridded_game_is_answered_by_outcome():
    solution = solve(scales(7))
    assert solution.status == "solved"
    assert (solution.count, solution.outcome_count) == (4**7, 4)
    assert len(solution.equilibria) == len(solution.plays) == 4
    assert sum(solution.multiplicities) == 4**7
    for play in solution.plays:
        assert play.plans == 4**6
        assert play.any_combination
        assert set(play.elsewhere) == {"C"}
        assert len(play.elsewhere["C"]) == 6
        assert all(len(occurring) == 4 for occurring in play.elsewhere["C"].values())
    assert all(e.certificate.regret == 0 for e in solution.equilibria)


def test_all_equilibria_are_listed_for_who_asks():
    asked = solve(scales(5), limit=10**6)
    assert asked.status == "solved"
    assert len(asked.equilibria) == asked.count == 4**5
    assert {len(play.equilibria) for play in asked.plays} == {4**4}
    brief = solve(scales(5))
    assert brief.bounds() == asked.bounds()
    plans = {play.plans for play in asked.plays}
    assert plans == {play.plans for play in brief.plays}
    assert [play.elsewhere for play in asked.plays] == [play.elsewhere for play in brief.plays]


def test_a_limit_that_cuts_the_list_off_is_named():
    cut = solve(scales(5), limit=10)
    assert cut.status == "partial"
    assert (len(cut.equilibria), cut.count, cut.outcome_count) == (10, 4**5, 4)
    assert cut.plays == ()
    assert any("the limit asked for is 10" in note for note in cut.notes)
    assert "1024 equilibria in 4 outcomes of play; showing 10 of them" in solution_text(cut)
    assert "Not listed: 1014 more equilibria (highfence solve --limit N)" in solution_text(cut)


def test_more_outcomes_than_are_listed_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 20)
    monkeypatch.setattr(limits, "MAX_LISTED_OUTCOMES", 3)
    solution = solve(scales(3))
    assert solution.status == "partial"
    assert (solution.count, solution.outcome_count, len(solution.plays)) == (64, 4, 3)
    text = solution_text(solution)
    assert "64 equilibria in 4 outcomes of play; showing one equilibrium each of 3" in text
    assert "MAX_LISTED_OUTCOMES" in text
    assert "Over all equilibria" in text
    # Scopes 0, 0.1 and 0.2 pay 0, 0.095 and 0.18, and the last is chosen whatever is answered.
    assert solution.extremes["A"] == Extremes(0.18, 0.18)


def test_the_page_has_one_entry_per_outcome():
    text = solution_text(solve(scales(7)), width=100)
    assert "16384 equilibria in 4 outcomes of play; showing one equilibrium of each" in text
    assert text.count("Outcome 1 of 4: 4096 equilibria") == 1
    assert "off the path, in any combination:" in text
    assert "C: r0 | r1 | r2 | r3, at reply after scope=0;" in text
    assert len(text.splitlines()) < 80


def test_a_page_of_few_equilibria_lists_each_if_everything_is_asked_for():
    solution = solve("beer_quiche")
    assert "4 equilibria in 2 outcomes of play, each certified" in solution_text(solution)
    assert "Equilibrium 4 of 4" in solution_text(solution, everything=True)


def test_json_and_csv_say_what_each_equilibrium_stands_for():
    solution = solve(scales(7))
    made = json.loads(json.dumps(solution_dict(solution)))
    assert (made["count"], made["outcome_count"]) == (4**7, 4)
    first = made["plays"][0]
    assert (first["equilibria"], first["plans"]) == ([0], 4**6)
    assert first["any_combination"] is True
    assert set(first["reached"]) == {"A", "C"}
    (row, *_) = csv.DictReader(io.StringIO(solution_csv(solution)))
    assert row["stands_for"] == str(4**6)
    (row, *_) = csv.DictReader(io.StringIO(solution_csv(solve("beer_quiche"))))
    assert "stands_for" not in row


def test_combinations_that_are_not_all_equilibria_are_told_from_those_that_are():
    solution = solve("ecosystem_complements")
    several = [play for play in solution.plays if play.plans > 1]
    assert several
    for play in several:
        sizes = [len(done) for own in play.elsewhere.values() for done in own.values()]
        assert prod(sizes) > play.plans
        assert not play.any_combination


def test_strategic_forms_have_no_outcomes_of_play():
    solution = solve("battle_of_the_sexes")
    assert (solution.count, solution.outcome_count, solution.plays) == (None, None, ())
    assert solution.multiplicities == (1,) * len(solution.equilibria)


def test_chance_before_the_play_multiplies_outcomes():
    game = Game(
        name="drawn",
        players=[A, C],
        stages=[
            Stage("nature", Chance("state", {f"s{k}": Fraction(1, 5) for k in range(5)})),
            Stage("answer", Decision(C, "reply", ["l", "m", "r"])),
        ],
        payoffs={A: "0", C: "0"},
    )
    solution = solve(game)
    assert solution.count == solution.outcome_count == 3**5
    assert all(play.plans == 1 for play in solution.plays)


def test_draws_count_the_equilibria_that_stand_behind_one():
    game = scales(5)
    answers = solve_many(game, {"least": np.array([0.3, 0.5])})
    assert answers.count.tolist() == [4**5, 4**5]


def test_draws_are_bounded_by_all_equilibria_listed_or_not(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_OUTCOMES", 4)
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 4)
    game = after_chance(5, lead=True)
    game = replace(
        game,
        parameters=(Parameter("bonus", 0.0, low=0, high=5),),
        payoffs={**game.payoffs, "A": "where(enter == 'out', bonus, seen)"},
    )
    draws = {"bonus": np.array([1.0, 4.0])}
    answers = solve_many(game, draws, regime="entry")
    assert answers.count.tolist() == [4, 4]
    assert answers.rejected.tolist() == [0, 0]
    assert answers.low.tolist() == [[0, 0, 0, 0]] * 2
    assert answers.high[0].tolist() == pytest.approx([3, 0, 3, 3])
    swept = sweep(game, draws)
    low, high = swept.column("A")
    assert low.tolist() == [[0, 1], [0, 4]]
    assert high.tolist() == [[3, 1], [3, 4]]
    assert (swept.status == "certified").all()
    assert swept.best()[1] == 1


def test_draws_of_which_not_all_is_known_are_not_certified(monkeypatch):
    """Below the leader's choice some combinations are left out, and a range has loose ends."""
    monkeypatch.setattr(limits, "MAX_STAGE_GAMES", 4)
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 4)
    form = build(after_chance(5, lead=True))
    solution = solve(form)
    assert not solution.extremes["harm"].high_met
    known = replace(solution.extremes["A"], high_met=False)
    rows, _, rejected, bounds = rows_of(solution, 1e-9)
    assert (len(rows) > 0, rejected, bounds is None) == (True, 0, False)
    loose = replace(solution, extremes={**solution.extremes, "A": known})
    _, _, rejected, bounds = rows_of(loose, 1e-9)
    assert (rejected, bounds) == (1, None)


def test_orders_of_scales_do_not_change_the_count():
    counts = {solve(scales(n, k)).count for n, k in product((3,), (2, 3))}
    assert counts == {2**3, 3**3}


def tied_replies(count):
    """A leader of two actions, and a follower who is indifferent between all replies to each."""
    ends = [tuple(Terminal((lead, 0)) for _ in range(count)) for lead in (0, 1)]
    names = tuple(f"b{k}" for k in range(count))
    replies = tuple(Move(1, f"reply {lead}", names, ends[lead]) for lead in (0, 1))
    return ExtensiveForm.from_tree(["A", "B"], Move(0, "lead", ("no", "yes"), replies))


def test_equal_strategies_off_the_path_are_listed_once_for_every_outcome():
    solution = solve(tied_replies(30))
    assert (solution.count, solution.outcome_count, len(solution.plays)) == (900, 30, 30)
    (others,) = {tuple(map(str, play.elsewhere["B"]["reply 0"])) for play in solution.plays}
    assert len(set(others)) == 30


def test_the_limit_on_listed_probabilities_counts_actions_and_is_named(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_PROBABILITIES", 62 * 7)
    solution = solve(tied_replies(30))
    assert (solution.status, len(solution.plays)) == ("partial", 7)
    assert "MAX_LISTED_PROBABILITIES" in solution_text(solution)


def test_json_leaves_out_what_is_done_off_the_path_beyond_the_limit(monkeypatch):
    solution = solve(tied_replies(30))
    assert len(solution_dict(solution)["plays"][0]["elsewhere"]["B"]["reply 0"]) == 30
    monkeypatch.setattr(limits, "MAX_LISTED_PROBABILITIES", 30**3 - 1)
    assert {play["elsewhere"] for play in solution_dict(solution)["plays"]} == {None}


@pytest.mark.slow
def test_hundreds_of_tied_replies_take_seconds():
    begun = time.process_time()
    text = solution_text(solve(tied_replies(800)))
    assert "640000 equilibria in 800 outcomes of play" in text
    assert "780 more, at reply 0" in text
    assert time.process_time() - begun < 20  # three here; it was seventy
