"""One equilibrium of a tree by Lemke's algorithm: exact, undominated, one of all."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import searches
import trees
from highfence import limits
from highfence.certify import certify
from highfence.errors import LimitExceeded, NotApplicable
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Move, Terminal
from highfence.forms.gambit_files import write_efg
from highfence.forms.reduce import reduced_strategic_form
from highfence.methods import _lemke
from highfence.methods import sequence_lcp as module
from highfence.methods._equations import solution
from highfence.methods.backward_induction import backward_induction
from highfence.methods.registry import Method
from highfence.methods.sequence_lcp import sequence_lcp
from highfence.solution import Findings, Status
from highfence.solve import solve


def at_once(one: Sequence[Sequence[int]], two: Sequence[Sequence[int]]) -> ExtensiveForm:
    """Return the tree of a bimatrix game."""
    rows = [
        Move(
            1,
            "column",
            tuple(f"c{j}" for j in range(len(row))),
            trees.ends(*zip(row, other, strict=True)),
        )
        for row, other in zip(one, two, strict=True)
    ]
    return ExtensiveForm.from_tree(
        ["row", "column"], Move(0, "row", tuple(f"r{i}" for i in range(len(rows))), tuple(rows))
    )


def drained(form: ExtensiveForm, method: Method = sequence_lcp) -> tuple[list[Any], Findings]:
    """Return what is yielded, and what the search says of itself."""
    return searches.drained(method.function(form))


# --- known games ---------------------------------------------------------------------------


def test_three_card_poker_is_worth_a_loss_of_an_eighteenth_exactly():
    game = trees.kuhn_poker()
    (profile,) = sequence_lcp(game)

    assert game.expected_payoffs(profile)[0] == Fraction(-1, 18)
    assert certify(game, profile).regret == 0


def test_the_equilibrium_with_a_dominated_strategy_is_not_taken():
    """Both (r0, c0) and (r1, c1) are equilibria; the second rests on weakly dominated ones."""
    (profile,) = sequence_lcp(at_once([[1, 0], [0, 0]], [[1, 0], [0, 0]]))

    assert profile.probabilities == ((1, 0), (1, 0))


def test_a_threat_that_is_not_credible_is_not_made():
    (profile,) = sequence_lcp(trees.entry_deterrence())

    assert profile.probabilities == ((0, 1), (0, 1))


def test_the_only_equilibrium_of_matching_pennies_is_exact_whatever_the_units():
    for factor in (1, Fraction(1, 10**12), 10**12):
        game = trees.scaled(at_once([[1, -1], [-1, 1]], [[-1, 1], [1, -1]]), factor)

        assert next(sequence_lcp(game)).probabilities == ((Fraction(1, 2),) * 2,) * 2


# --- any game ------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), moves=st.integers(2, 6), most=st.sampled_from([1, 2, 9]))
def test_what_is_found_is_subgame_perfect_exactly(seed, moves, most):
    game = trees.hidden(seed, moves, most)
    if not sequence_lcp.accepts(game):
        return
    (profile,), findings = drained(game)
    certificate = certify(game, profile)

    assert findings.complete
    assert certificate.exact
    assert certificate.regret == 0
    assert certificate.refinement is not None


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1e-9, 0.1, 1e9]))
def test_in_floats_regret_is_rounding(seed, factor):
    game = trees.scaled(trees.hidden(seed, 5, 9), factor)
    if not sequence_lcp.accepts(game):
        return
    certificate = certify(game, next(sequence_lcp(game)))

    assert not certificate.exact
    assert certificate.regret < 1e-12
    assert certificate.refinement is not None


def test_it_is_among_all_equilibria(monkeypatch):
    """Without ties there are finitely many plays in equilibrium: it is one of them."""
    monkeypatch.setattr(limits, "MAX_RAYS", 300)
    compared = 0
    for seed in range(40):
        game = trees.hidden(seed, 4, 10**6)
        every, findings = drained(game, backward_induction)
        if findings.complete:
            assert game.reach(next(sequence_lcp(game))) in map(game.reach, every)
            compared += 1

    assert compared > 30


def is_dominated(payoffs: np.ndarray, mixture: Sequence[Any]) -> bool:
    """Return whether another mixture of rows is never worse, and somewhere better."""
    from scipy.optimize import linprog

    own = np.array([float(p) for p in mixture]) @ payoffs
    found = linprog(
        -payoffs.sum(axis=1),
        A_ub=-payoffs.T,
        b_ub=1e-12 - own,
        A_eq=np.ones((1, len(payoffs))),
        b_eq=[1.0],
    )
    return bool(-found.fun - own.sum() > 1e-7)


@pytest.mark.parametrize("seed", [1, 4, 14, 19, 24, 32, 39, 45])
def test_nobody_uses_a_weakly_dominated_strategy_where_others_equilibria_do(seed):
    """Von Stengel, van den Elzen and Talman (2002): the trembles of the path see to it."""
    game = trees.hidden(seed, 4, 1)
    reduced = reduced_strategic_form.apply(game)
    one, two = reduced.form.payoffs

    def dominated(profile: BehaviorProfile) -> bool:
        mixed = reduced.mixed(profile).strategies
        return is_dominated(one, mixed[0]) or is_dominated(two.T, mixed[1])

    assert game.subgame_roots() == (0,)
    assert not dominated(next(sequence_lcp(game)))
    assert any(map(dominated, backward_induction(game)))


def test_stages_of_two_of_several_players_are_taken_and_those_of_three_refused():
    def battle(name: str, one: int, two: int, gains: Sequence[tuple[int, int, int]]) -> Move:
        rows = (
            Move(two, name + " too", ("a", "b"), trees.ends(*gains[:2])),
            Move(two, name + " too", ("a", "b"), trees.ends(*gains[2:])),
        )
        return Move(one, name, ("a", "b"), rows)

    later = battle("later", 1, 2, [(0, 2, 1), (3, 0, 0), (3, 0, 0), (1, 1, 2)])
    root = Move(0, "first", ("out", "in"), (Terminal((2, 2, 2)), later))
    game = ExtensiveForm.from_tree(["one", "two", "three"], root)
    certificate = certify(game, solve(game, "sequence_lcp").equilibria[0].profile)

    assert certificate.regret == 0
    assert certificate.refinement is not None
    with pytest.raises(NotApplicable, match="at most two players with a choice in each stage"):
        solve(trees.selten_horse(), "sequence_lcp")
    with pytest.raises(NotApplicable, match="3 players have a choice in the stage of the root"):
        next(sequence_lcp(trees.selten_horse()))


def test_a_tree_in_which_all_is_seen_is_solved_move_by_move():
    game = trees.centipede(5)
    (profile,), findings = drained(game)

    assert profile == next(backward_induction(game))
    assert findings.notes[0] == "found by 0 pivots of Lemke's algorithm"


def test_who_forgets_is_refused():
    with pytest.raises(NotApplicable, match="perfect recall"):
        solve(trees.forgetful_driver(), "sequence_lcp")


# --- large games ---------------------------------------------------------------------------


@pytest.mark.parametrize("cards", [6, 13, pytest.param(52, marks=pytest.mark.slow)])
def test_large_trees_of_conflict_and_rake_are_solved_exactly(cards):
    game = trees.raked_poker(cards)
    (profile,), findings = drained(game)
    certificate = certify(game, profile)

    assert findings.complete
    assert certificate.exact
    assert certificate.regret == 0


def test_auto_goes_on_to_it_where_all_equilibria_are_out_of_reach():
    solution = solve(trees.raked_poker(13))

    assert solution.method == "sequence_lcp"
    assert solution.status is Status.PARTIAL
    assert "backward_induction passed a limit; then" in solution.method_reason
    assert "MAX_STRATEGIES" in " ".join(solution.notes)
    assert solution.equilibria[0].certificate.exact


def test_auto_takes_the_linear_program_where_one_wins_what_the_other_loses():
    solution = solve(trees.raked_poker(13, Fraction(0)))

    assert solution.method == "sequence_lp"
    assert solution.equilibria[0].certificate.holds


# --- the path in floats, pivot by pivot ----------------------------------------------------


class Recorded(_lemke.ExactPath):
    """A path in exact numbers that keeps what leaves at each pivot."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.leaving: dict[int, int] = {}

    def _swap(self, side: int, leave: int, enter: int) -> None:
        # Where z moves over to the other dictionary, the second exchange of a pivot counts.
        self.leaving[self.pivots] = int(self.basis[side][leave])
        super()._swap(side, leave, enter)


def root_stage(game: ExtensiveForm) -> tuple[Any, Any]:
    """Return a search, and the stage of the root, where it has no subgames inside."""
    search = module._Search(game)
    return search, search._stage(0)


def pivots_in_floats(path: _lemke.Path, most: int = 2_000) -> list[int]:
    """Follow a path by the compiled loop one pivot at a time; return what leaves at each."""
    from highfence.kernels.lemke import ENDED, LOST, follow  # compiled when it is first needed

    tables = [_lemke._scaled(table) for table in path.plain]
    left: list[int] = []
    for _ in range(most):
        one, two = zip(tables, path.basis, path.free, path.places, strict=True)
        status = follow(
            one[0], two[0], one[1], two[1], one[2], two[2], one[3], two[3], path.home, path.order,
            path.state, 1,
        )  # fmt: skip
        assert status != LOST
        if status == ENDED:
            return [*left, path.home.size]
        left.append(int(path.state[1]))
    raise AssertionError(f"no end after {most} pivots: {left[-20:]}")


def both_paths(game: ExtensiveForm) -> tuple[_lemke.Path, Recorded] | None:
    """Return the path of a tree in floats and in exact numbers, if they start alike.

    In floats, what a sequence pays against the trembles at the start may not tie exactly.
    """
    search, stage = root_stage(game)
    tables = search._tables(stage)
    in_floats = _lemke.Path(
        stage.sides, tables, [_lemke.mixed_plan(side, None) for side in stage.sides]
    )
    exactly = Recorded(
        stage.sides,
        search._exact_tables(stage, tables),
        [_lemke.mixed_plan(side, None, fmpq(1)) for side in stage.sides],
    )
    alike = all(map(np.array_equal, in_floats.rows, exactly.rows))
    return (in_floats, exactly) if alike else None


def trees_of_one_stage(most: int, count: int, moves: int = 5) -> list[ExtensiveForm]:
    """Return random trees whose only subgame is the whole, with payoffs of size up to ``most``."""
    made = (trees.hidden(seed, moves, most) for seed in range(count))
    return [
        game
        for game in made
        if game.subgame_roots() == (0,)
        and any(len(known.nodes) > 1 for known in game.information_sets)
        and sequence_lcp.accepts(game)
    ]


@pytest.mark.parametrize("most", [1, 3, 10**6])
def test_in_floats_the_pivots_are_those_in_exact_numbers(most):
    """Payoffs of few sizes tie at most pivots: only the order of perturbations decides there."""
    compared = pivots = 0
    for game in [*trees_of_one_stage(most, 120), trees.raked_poker(4), trees.raked_poker(6)]:
        paths = both_paths(game)
        if paths is None:
            continue
        in_floats, exactly = paths
        assert exactly.plans(2_000) is not None
        z = exactly.home.size  # where it leaves at once, nothing is exchanged
        leaving = [exactly.leaving.get(k, z) for k in range(1, exactly.pivots + 1)]
        assert pivots_in_floats(in_floats) == leaving
        for k in (0, 1):
            assert in_floats.basis[k].tolist() == exactly.basis[k].tolist()
        compared += 1
        pivots += exactly.pivots

    assert compared >= 20
    assert pivots > 100


@pytest.mark.parametrize("most", [1, 2, 9, 10**3])
def test_floats_alone_suffice_on_ordinary_trees(most, monkeypatch):
    """Neither another start nor exact pivots are needed."""

    def unwanted(*given: Any) -> None:
        raise AssertionError("pivots in exact numbers were taken")

    monkeypatch.setattr(_lemke.ExactPath, "plans", unwanted)
    monkeypatch.setattr(module, "_ATTEMPTS", 1)
    games = [trees.hidden(seed, moves, most) for moves in (4, 6) for seed in range(30)]
    for game in [*filter(sequence_lcp.accepts, games), trees.kuhn_poker(), trees.raked_poker(7)]:
        (profile,), findings = drained(game)

        assert findings.complete
        assert certify(game, profile).regret == 0


@pytest.mark.parametrize("size", [3, 5, 8])
def test_paths_through_ties_come_to_an_end_in_floats(size):
    """Payoffs of 0 and 1 alone: without the order of perturbations such paths return to where
    they were."""
    rng = np.random.default_rng(size)
    for _ in range(60):
        one, two = rng.integers(0, 2, (2, size, size)).tolist()
        search, stage = root_stage(at_once(one, two))
        start = [_lemke.mixed_plan(side, None) for side in stage.sides]
        path = _lemke.Path(stage.sides, search._tables(stage), start)
        left = pivots_in_floats(path, 50 * size)
        # A basis comes once only: z is perturbed too, and there is one way on from each.
        assert left[-1] == path.home.size
        assert path._end() is not None


# --- bounds --------------------------------------------------------------------------------


def test_a_path_that_is_too_long_is_given_up_and_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LEMKE_PIVOTS", 5)
    monkeypatch.setattr(limits, "MAX_PIVOTS", 5)
    solution = solve(trees.raked_poker(4), "sequence_lcp")

    assert solution.status is Status.NONE_FOUND
    assert "MAX_LEMKE_PIVOTS is 5" in solution.reason


def test_a_stage_with_too_many_sequences_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SEQUENCES", 30)
    with pytest.raises(LimitExceeded, match="32 sequences, the limit is 30"):
        next(sequence_lcp(trees.raked_poker(4)))


def test_dictionaries_made_anew_on_the_way_lead_to_the_same_end(monkeypatch):
    game = trees.raked_poker(9)
    whole = next(sequence_lcp(game))
    monkeypatch.setattr(_lemke, "_FRESH", 3)

    assert next(sequence_lcp(game)) == whole


def test_another_start_is_tried_where_a_path_is_lost(monkeypatch):
    followed = _lemke.Path.run
    runs = []

    def first_lost(path: Any, most: int) -> Any:
        runs.append(most)
        return None if len(runs) == 1 else followed(path, most)

    monkeypatch.setattr(_lemke.Path, "run", first_lost)
    game = trees.raked_poker(5)

    assert certify(game, next(sequence_lcp(game))).regret == 0
    assert len(runs) == 2


def test_in_exact_numbers_the_path_leads_to_the_same_end(monkeypatch):
    games = [trees.hidden(seed, 4, most) for seed in range(15) for most in (1, 10**3)]
    games = [*filter(sequence_lcp.accepts, games), trees.kuhn_poker(), trees.raked_poker(5)]
    in_floats = [next(sequence_lcp(game)) for game in games]
    monkeypatch.setattr(module, "_ATTEMPTS", 0)

    assert [next(sequence_lcp(game)) for game in games] == in_floats


@pytest.mark.parametrize("seed", [8, 14, 30, 75])
@pytest.mark.parametrize("number", [Fraction, float])
def test_odds_that_differ_by_many_orders_of_magnitude_do_no_harm(seed, number):
    """Floats alone lose these paths."""
    game = trees.hidden(seed, 7, 10**6 if seed % 2 else 3, ratio=Fraction(1, 10**3))
    game = trees.scaled(game, number(1))
    certificate = certify(game, next(sequence_lcp(game)))

    assert certificate.regret == 0 if number is Fraction else certificate.regret < 1e-11


def test_floats_are_yielded_and_told_where_no_exact_solution_is_near(monkeypatch):
    monkeypatch.setattr(module, "solution", lambda *given: None)
    monkeypatch.setattr(limits, "MAX_EXACT_CELLS", 0)
    game = trees.raked_poker(4)
    (profile,), findings = drained(game)

    assert certify(game, profile).holds
    assert not profile.is_exact
    assert "exact solution was not found" in findings.notes[0]


def test_equations_without_a_unique_solution_have_none():
    assert solution([{0: 2, 1: 3}, {0: 4, 1: 6}], [1, 2], 2) is None
    assert solution([{0: 1}], [1], 2) is None


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 8))
def test_sparse_equations_are_solved_exactly(seed, size):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-2, 3, (size, size)) * (rng.random((size, size)) < 0.5)
    right = rng.integers(-5, 6, size)
    rows = [{k: int(v) for k, v in enumerate(row) if v} for row in matrix]
    solved = solution(rows, right.tolist(), size)

    if solved is None:
        assert abs(np.linalg.det(matrix)) < 1e-6
    else:
        for row, wanted in zip(matrix.tolist(), right.tolist(), strict=True):
            assert sum(a * x for a, x in zip(row, solved, strict=True)) == wanted


# --- Gambit --------------------------------------------------------------------------------

ASK_GAMBIT = """
import json, sys
import pygambit
found = []
for path in json.load(sys.stdin):
    try:
        payoffs = pygambit.nash.lcp_solve(pygambit.read_efg(path)).equilibrium.payoffs
        found.append([str(payoffs["p0"]), str(payoffs["p1"])])
    except RuntimeError:  # it takes a tree with perfect recall for one without
        found.append(None)
json.dump(found, sys.stdout)
"""


@pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)
def test_where_payoffs_in_equilibrium_are_unique_gambits_lcp_finds_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_RAYS", 300)
    ours, paths = [], []
    for seed in range(100):
        game = trees.hidden(seed, 4, 10**3)
        every, findings = drained(game, backward_induction)
        unique = findings.complete and len(set(map(game.expected_payoffs, every))) == 1
        if unique and game.subgame_roots() == (0,):
            ours.append(game.expected_payoffs(next(sequence_lcp(game))))
            paths.append(str(tmp_path / f"{seed}.efg"))
            write_efg(game, Path(paths[-1]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_GAMBIT],
        input=json.dumps(paths), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    theirs = [each and tuple(map(Fraction, each)) for each in json.loads(done.stdout)]

    assert sum(each is not None for each in theirs) > 5
    for payoffs, found in zip(ours, theirs, strict=True):
        assert found in (None, payoffs)
