"""Perfect and proper equilibria, and the index: published games, laws, and float oracles.

The oracles are written anew: Shapley's formula for the index, float linear programs for dominance,
and for proper equilibria all pairs of ordered partitions at one small error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import refine, solve
from highfence.certify.refinement import index_of, judge_evidence
from highfence.cli import main
from highfence.errors import NotApplicable, RequestError
from highfence.forms.extensive import ExtensiveForm, Move, Terminal
from highfence.forms.normal import NormalForm, Profile
from highfence.forms.reduce import strategic_form
from highfence.forms.trembles import (
    BestAgainst,
    Dominated,
    LocallyWorse,
    NearlyProper,
    Regular,
    Trembles,
    sign_bound,
)
from highfence.methods.batch import bimatrix_many
from highfence.methods.trembles import perfect_evidence, proper_evidence, regular_neighbor
from highfence.solution import Equilibrium, Solution
from strategies import SMALL, two_player_games
from tree_oracles import random_tree

F = Fraction
HALF = F(1, 2)


def refined(form: NormalForm, method: str = "auto") -> Solution:
    return refine(form, solve(form, method))


def verdicts(equilibrium: Equilibrium) -> dict[str, bool | None]:
    return {verdict.name: verdict.holds for verdict in equilibrium.refinements}


def by_play(solution: Solution) -> dict[tuple, Equilibrium]:
    return {eq.profile.strategies: eq for eq in solution.equilibria}


def pure(form: NormalForm, *choices: int) -> tuple:
    return Profile.pure(form, choices).strategies


# ------------------------------------------------------------------ published games


def test_myersons_game_has_a_perfect_equilibrium_that_is_not_proper():
    """Myerson (1978), International Journal of Game Theory 7:73-80, section 2.

    Without the third strategies the second ones are dominated; with them, they are perfect.
    """
    small = NormalForm.bimatrix([[1, 0], [0, 0]], symmetric=True)
    found = by_play(refined(small))
    assert verdicts(found[pure(small, 0, 0)]) == {"perfect": True, "proper": True}
    assert verdicts(found[pure(small, 1, 1)]) == {"perfect": False, "proper": False}

    large = NormalForm.bimatrix([[1, 0, -9], [0, 0, -7], [-9, -7, -7]], symmetric=True)
    solution = refined(large)
    found = by_play(solution)
    assert verdicts(found[pure(large, 0, 0)]) == {"perfect": True, "proper": True}
    assert verdicts(found[pure(large, 1, 1)]) == {"perfect": True, "proper": False}
    assert verdicts(found[pure(large, 2, 2)]) == {"perfect": False, "proper": False}
    assert sorted(solution.indices) == [0, 0, 1]


def test_one_of_the_horses_equilibria_is_perfect():
    """Selten (1975), International Journal of Game Theory 4:25-55, section 6."""
    horse = trees.selten_horse()
    game = strategic_form.apply(horse).form
    found = by_play(refined(game, "pure_enumeration"))

    assert len(found) == 2
    across = [eq for eq in found.values() if eq.strategies["1"]["C"] == 1]
    down = [eq for eq in found.values() if eq.strategies["1"]["D"] == 1]
    assert [verdicts(eq)["perfect"] for eq in across] == [True]
    assert [verdicts(eq)["perfect"] for eq in down] == [False]
    assert "as soon as others err" in down[0].refinements[0].reason

    for eq in refine(horse, solve(horse)).equilibria:
        kept = eq.strategies["1"]["1"]["C"] == 1
        assert verdicts(eq) == {"sequential": kept, "perfect": kept}


def test_kohlberg_and_mertens_hexagon_is_one_component_of_index_one():
    """Kohlberg and Mertens (1986), Econometrica 54:1003-1037: topologically a circle."""
    game = NormalForm.bimatrix(
        [[1, 0, -1], [-1, 0, -1], [1, 0, -2]], [[1, -1, 1], [0, 0, 0], [-1, -1, -2]]
    )
    solution = refined(game)

    assert len(solution.equilibria) == len(solution.subsets) == 6
    assert solution.components == (tuple(range(6)),)
    assert solution.indices == (1,)
    perfect = [eq for eq in solution.equilibria if verdicts(eq)["perfect"]]
    assert [eq.profile.strategies for eq in perfect] == [pure(game, 0, 0)]


def test_an_outside_option_is_proper_though_its_component_has_index_zero():
    """The battle of the sexes after an outside option: van Damme (1989), J. Econ. Theory 48:476."""
    game = NormalForm.bimatrix([[2, 2], [3, 0], [0, 1]], [[2, 2], [1, 0], [0, 3]])
    solution = refined(game)
    found = by_play(solution)

    assert verdicts(found[pure(game, 0, 1)]) == {"perfect": True, "proper": True}
    assert dict(zip(solution.components, solution.indices, strict=True)) == {(0, 1): 0, (2,): 1}
    assert found[pure(game, 1, 0)].index == 1
    # Where the column player mixes so that the first option of the battle ties, the row player's
    # second one is an error worse than the first, and the column player would not be indifferent.
    mixed = found[((1, 0, 0), (F(2, 3), F(1, 3)))]
    assert verdicts(mixed) == {"perfect": True, "proper": False}


def test_the_game_of_chicken_has_indices_one_one_and_minus_one():
    solution = refine("chicken", solve("chicken"))

    by_support = {tuple(map(len, eq.profile.supports)): eq.index for eq in solution.equilibria}
    assert by_support == {(1, 1): 1, (2, 2): -1}
    assert solution.indices == (1, -1, 1)
    assert any("sum to 1" in note for note in solution.notes)


def test_three_players_indices_tell_that_equilibria_are_missing():
    """McKelvey and McLennan (1996): nine equilibria, of which four are pure."""
    listed = solve("mckelvey_mclennan_1996", "pure_enumeration")
    assert any(
        "sum to 4" in note and "there are others" in note
        for note in refine("mckelvey_mclennan_1996", listed).notes
    )
    whole = refine("mckelvey_mclennan_1996", solve("mckelvey_mclennan_1996", "polynomial_supports"))
    assert len(whole.equilibria) == 9
    assert sum(eq.index for eq in whole.equilibria) == 1
    assert all(verdicts(eq) == {"perfect": True, "proper": True} for eq in whole.equilibria)


# ------------------------------------------------------------------ requests


def test_refine_takes_the_regime_and_numbers_of_the_solution():
    solution = solve("sanctions_threat", "perfect_bayesian", tau=0.6)

    assert refine("sanctions_threat", solution).equilibria == solution.equilibria


def test_a_staged_game_an_empty_solution_and_another_game_are_refused():
    with pytest.raises(NotApplicable, match="strategic and extensive"):
        refine("cournot_1838", solve("cournot_1838"))
    pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    with pytest.raises(RequestError, match="no equilibrium"):
        refine(pennies, solve(pennies, "pure_enumeration"))
    with pytest.raises(RequestError, match="not one of a game"):
        refine(NormalForm.bimatrix([[1, 2, 3]], [[1, 2, 3]]), solve(pennies))
    horse = trees.selten_horse()
    with pytest.raises(RequestError, match="not one of a game"):
        refine(trees.beer_quiche(), solve(horse))


def test_the_page_and_json_have_the_verdicts(capsys):
    assert main(["solve", "chicken", "--refine"]) == 0
    page = capsys.readouterr().out
    assert "index: -1" in page
    assert page.count("proper: yes") == 3

    assert main(["solve", "chicken", "--refine", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["indices"] == [1, -1, 1]
    assert [eq["index"] for eq in made["equilibria"]] == [1, -1, 1]
    assert {v["name"]: v["holds"] for v in made["equilibria"][0]["refinements"]} == {
        "perfect": True,
        "proper": True,
    }

    assert main(["solve", "chicken", "--refine", "--csv"]) != 0
    assert "--refine judges" in capsys.readouterr().err
    assert main(["solve", "chicken", "--refine", "--concept", "correlated"]) != 0
    assert "--concept correlated" in capsys.readouterr().err


def test_a_tree_of_perfect_information_is_perfect_where_it_is_subgame_perfect():
    react = Move(1, "react", ("fight", "share"), (Terminal((-1, -1)), Terminal((1, 1))))
    entry = Move(0, "enter", ("out", "in"), (Terminal((0, 2)), react))
    form = ExtensiveForm.from_tree(["entrant", "incumbent"], entry)
    (found,) = refine(form, solve(form)).equilibria

    assert verdicts(found) == {"sequential": True, "perfect": True}


@pytest.mark.parametrize("seed", range(30))
def test_what_is_perfect_in_a_random_tree_is_sequential_and_has_beliefs(seed):
    """Kreps and Wilson (1982), proposition 3, on trees of two and three players."""
    form = random_tree(seed, players=2 + seed % 2, depth=3, most_profiles=24)
    solution = solve(form, "backward_induction")
    for eq in refine(form, solution).equilibria if solution.equilibria else ():
        holds = verdicts(eq)
        if holds.get("perfect"):
            assert holds["sequential"] is True
        if holds["sequential"]:
            assert eq.certificate.refinement is not None
            assert all(belief.extreme for belief in eq.beliefs)


# ------------------------------------------------------------------ the judge


def test_the_judge_refuses_evidence_that_is_not_true():
    game = NormalForm.bimatrix([[1, 0, -9], [0, 0, -7], [-9, -7, -7]], symmetric=True)
    good, middle, bad = (Profile.pure(game, (k, k)) for k in range(3))
    third = (F(1, 3),) * 3
    bound = sign_bound(game, middle)
    small = F(1, 16 * bound**3)
    skewed = (small, 1 - small - small**2, small**2)
    false = [
        (bad, "perfect", Regular()),
        (bad, "perfect", BestAgainst((third, third))),
        (bad, "perfect", Trembles(((1, 1, 0), (1, 1, 0)))),
        (bad, "perfect", LocallyWorse(0, 2, 2)),
        (good, "perfect", Dominated(0, (F(0), F(1), F(0)))),
        (good, "perfect", Dominated(0, (F(2), F(-1), F(0)))),
        (middle, "proper", Trembles(((1, 0, 2), (1, 0, 2)))),
        (middle, "proper", NearlyProper(small, (skewed, skewed))),
        (good, "proper", NearlyProper(F(1, 2), (third, third))),
    ]
    for profile, name, evidence in false:
        assert judge_evidence(game, profile, name, evidence).holds is None


def test_a_small_error_that_is_not_small_enough_proves_nothing():
    game = NormalForm.bimatrix([[1, 0], [0, 0]], symmetric=True)
    good = Profile.pure(game, (0, 0))
    (evidence,) = proper_evidence(game, good)
    assert isinstance(evidence, NearlyProper)
    assert judge_evidence(game, good, "proper", evidence).holds is True
    assert judge_evidence(game, good, "proper", replace(evidence, epsilon=F(1, 100))).holds is None


# ------------------------------------------------------------------ random games


def shapley_index(game: NormalForm, profile: Profile) -> int:
    """Return the index by determinants of positive payoffs on the supports (floats)."""
    rows, columns = profile.supports
    assert len(rows) == len(columns)
    sign = (-1) ** (len(rows) + 1)
    for table in game.payoffs:
        positive = table - table.min() + 1
        sign *= int(np.sign(np.linalg.det(positive[np.ix_(rows, columns)])))
    return sign


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_indices_of_a_game_without_ties_sum_to_one(seed, rows, columns):
    rng = np.random.default_rng(seed)
    game = NormalForm.from_payoffs(rng.integers(-(10**6), 10**6, (2, rows, columns)))
    solution = refined(game)

    found = [eq.index for eq in solution.equilibria]
    assert sum(found) == 1
    assert len(found) % 2 == 1
    assert solution.indices == tuple(found)
    for eq in solution.equilibria:
        assert eq.index == shapley_index(game, eq.profile)
        assert verdicts(eq) == {"perfect": True, "proper": True}


def test_the_index_sum_bears_out_the_counts_of_the_batch_kernels():
    rng = np.random.default_rng(7)
    row, column = rng.integers(-(10**6), 10**6, (2, 3, 3, 40))
    answers = bimatrix_many(row, column)
    assert not answers.degenerate.any()
    for number, count in enumerate(answers.count):
        indices = refined(NormalForm.bimatrix(row[..., number], column[..., number])).indices
        assert len(indices) == count
        assert indices.count(1) == (count + 1) // 2


@pytest.mark.parametrize("seed", range(6))
def test_indices_of_three_players_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    game = NormalForm.from_payoffs(rng.random((3, 2, 2, 2)))
    solution = refined(game, "polynomial_supports")

    assert sum(eq.index for eq in solution.equilibria) == 1


@pytest.mark.parametrize("seed", range(25))
def test_the_index_of_a_component_is_that_of_what_is_near_it_in_a_game_nearby(seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 3, (2, 3, 3))
    game = NormalForm.from_payoffs(table)
    solution = refined(game)
    assert sum(solution.indices) == 1

    near = NormalForm.from_payoffs(table + 1e-7 * rng.random(table.shape))
    sums = [0] * len(solution.components)
    for eq in solve(near).equilibria:
        distances = [
            min(
                distance(eq.profile, solution, subset)
                for subset in solution.subsets
                if set(subset) <= set(members)
            )
            for members in solution.components
        ]
        assert min(distances) < 1e-4
        sums[int(np.argmin(distances))] += shapley_index(near, eq.profile)
    assert tuple(sums) == solution.indices


def distance(profile: Profile, solution: Solution, subset: Sequence[int]) -> float:
    """Return how far a profile is from a maximal Nash subset, in the sup norm."""
    from scipy.optimize import linprog

    far = 0.0
    for player in (0, 1):
        point = profile.floats()[player]
        others = np.array([solution.equilibria[k].profile.floats()[player] for k in subset]).T
        size, count = others.shape
        done = linprog(
            [*np.zeros(count), 1.0],
            A_ub=np.block([[others, -np.ones((size, 1))], [-others, -np.ones((size, 1))]]),
            b_ub=[*point, *(-point)],
            A_eq=[[*np.ones(count), 0.0]],
            b_eq=[1.0],
            bounds=[(0, None)] * (count + 1),
        )
        far = max(far, float(done.fun))
    return far


def test_another_direction_gives_components_the_same_index():
    game = NormalForm.bimatrix([[2, 2], [3, 0], [0, 1]], [[2, 2], [1, 0], [0, 3]])
    for seed in range(4):
        near, bound = regular_neighbor(game, seed)
        sums = {False: 0, True: 0}
        for eq in solve(near).equilibria:
            index = index_of(near, eq.profile)
            assert index is not None
            limit = [p.limit_denominator(bound) for p in eq.profile.strategies[0]]
            sums[limit == [1, 0, 0]] += index
        assert sums == {True: 0, False: 1}


def is_dominated(game: NormalForm, profile: Profile, player: int) -> bool:
    """Return whether a float linear program finds a mixture that weakly dominates."""
    from scipy.optimize import linprog

    table = game.payoffs[player] if player == 0 else game.payoffs[player].T
    own = profile.floats()[player] @ table
    done = linprog(
        -table.sum(axis=1),
        A_ub=-table.T,
        b_ub=-own,
        A_eq=[np.ones(len(table))],
        b_eq=[1.0],
        bounds=[(0, 1)] * len(table),
    )
    return bool(-done.fun - own.sum() > 1e-7)


@settings(max_examples=40)
@given(game=two_player_games(4, SMALL))
def test_two_players_are_perfect_if_undominated_and_proper_only_if_perfect(game):
    for eq in refined(game).equilibria:
        holds = verdicts(eq)
        assert holds["perfect"] is not None
        assert holds["perfect"] == (
            not any(is_dominated(game, eq.profile, player) for player in (0, 1))
        )
        if holds["proper"]:
            assert holds["perfect"]
        if not holds["perfect"]:
            assert holds["proper"] is False


def partitions(items: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield all ordered partitions."""
    if not items:
        yield ()
    for mask in range(1, 1 << len(items)):
        first = tuple(k for position, k in enumerate(items) if mask >> position & 1)
        for rest in partitions([k for k in items if k not in first]):
            yield (first, *rest)


def nearest_proper(game: NormalForm, profile: Profile, error: float) -> float:
    """Return the distance of the nearest ``error``-proper profile, by all pairs of rankings."""
    counts = game.num_strategies
    rankings = [list(partitions(range(count))) for count in counts]
    nearest = 2.0
    for pair in product(*rankings):
        far = 0.0
        for player in (0, 1):
            far = max(far, nearest_of(game, profile, player, pair, error))
            if far >= nearest:
                break
        nearest = min(nearest, far)
    return nearest


def nearest_of(game, profile, player, pair, error) -> float:
    from scipy.optimize import linprog

    count = game.num_strategies[player]
    table = game.payoffs[1 - player].T if player == 0 else game.payoffs[1 - player]
    upper = []
    for better, worse in zip(pair[player], pair[player][1:], strict=False):
        for k, other in product(worse, better):
            row = np.zeros(count)
            row[k], row[other] = 1.0, -error
            upper.append(row)
    equal = [np.ones(count)]
    for cell, after in zip(pair[1 - player], (*pair[1 - player][1:], ()), strict=True):
        equal += [table[cell[0]] - table[k] for k in cell[1:]]
        if after:
            upper.append(table[after[0]] - table[cell[0]])
    point = profile.floats()[player]
    identity = np.eye(count)
    done = linprog(
        [*np.zeros(count), 1.0],
        A_ub=[
            *([*row, 0.0] for row in upper),
            *([*row, -1.0] for row in identity),
            *([*(-row), -1.0] for row in identity),
        ],
        b_ub=[*np.zeros(len(upper)), *point, *(-point)],
        A_eq=[[*row, 0.0] for row in equal],
        b_eq=[1.0, *np.zeros(len(equal) - 1)],
        bounds=[(error**3, 1)] * count + [(0, None)],
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return float(done.fun) if done.success else 2.0


def assert_as_the_oracle_says(seed: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    game = NormalForm.from_payoffs(rng.integers(0, 3, (2, *shape)))
    for eq in refined(game).equilibria:
        if verdicts(eq)["perfect"]:
            distance = nearest_proper(game, eq.profile, 0.02)
            assert (distance < 0.1) == verdicts(eq)["proper"], (game.payoffs, eq.strategies)


@pytest.mark.parametrize("seed", range(8))
def test_proper_is_what_the_nearest_profile_with_rare_errors_says(seed):
    assert_as_the_oracle_says(seed, (2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_proper_is_what_the_nearest_profile_says_in_larger_games(seed):
    assert_as_the_oracle_says(100 + seed, (3, 3))


@settings(max_examples=25)
@given(game=two_player_games(3, SMALL), data=st.data())
def test_verdicts_and_indices_do_not_change_with_units_and_names(game, data):
    table = game.rational()
    orders = [data.draw(st.permutations(range(count))) for count in game.num_strategies]
    other = NormalForm.from_payoffs(
        np.stack([5 * table[0] - 3, table[1] / 7])[np.ix_([0, 1], *orders)]
    )
    found = by_play(refined(other))
    solution = refined(game)
    assert len(found) == len(solution.equilibria)
    for eq in solution.equilibria:
        moved = tuple(
            tuple(vector[k] for k in order)
            for vector, order in zip(eq.profile.strategies, orders, strict=True)
        )
        assert verdicts(found[moved]) == verdicts(eq)
        assert found[moved].index == eq.index


def test_evidence_in_a_game_of_three_is_found_or_nothing_is_said():
    rng = np.random.default_rng(3)
    told = set()
    for _ in range(30):
        game = NormalForm.from_payoffs(rng.integers(0, 2, (3, 2, 2, 2)))
        for eq in refined(game, "pure_enumeration").equilibria:
            told.add(verdicts(eq)["perfect"])
            for evidence in perfect_evidence(game, eq.profile):
                verdict = judge_evidence(game, eq.profile, "perfect", evidence)
                assert verdict.holds in (None, verdicts(eq)["perfect"])
    assert told == {True, False, None} or told == {True, False}
