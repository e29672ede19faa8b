"""Methods that promise all agree with each other and with peers, class by class of random games.

Each class has a few games in the default suite and 2,000 with ``-m slow``. Ground truth is exact
arithmetic, and for games without ties Wilson's oddness and the sum of the indices (Shapley 1974;
Wilson 1971, SIAM J. Appl. Math. 21:80-87). Peers run in a child process: Gambit's enumpoly
misses equilibria, so what it finds must be among ours, not the other way round.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from highfence.certify import certify
from highfence.certify.extensive import certify_extensive
from highfence.certify.refinement import index_of
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Node, Terminal
from highfence.forms.markov import MarkovForm
from highfence.forms.normal import NormalForm
from highfence.methods.backward_induction import backward_induction, pure_sequential
from highfence.methods.batch import bimatrix_many, pure_many
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.lemke_howson import lemke_howson
from highfence.methods.markov_homotopy import markov_homotopy
from highfence.methods.markov_induction import markov_induction
from highfence.methods.perfect_bayesian import perfect_bayesian
from highfence.methods.polynomial import polynomial_supports
from highfence.methods.pure import pure_enumeration
from highfence.methods.zero_sum import zero_sum_lp
from searches import drained
from tree_oracles import as_pure, pure_subgame_perfect, random_tree, up_to_excluded_sets

HOW_MANY = [pytest.param(15, id="few"), pytest.param(2_000, id="2000", marks=pytest.mark.slow)]
CLOSE = 1e-7

peer = pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)

ASK_GAMBIT = """
import json, sys
import numpy as np
import pygambit

build = getattr(pygambit, "StrategicGame", pygambit.Game).from_arrays
solver, games = json.load(sys.stdin)
found = []
for tables in games:
    game = build(*(np.array(table, dtype=object) for table in tables))
    if solver == "enumpoly":
        profiles = pygambit.nash.enumpoly_solve(game).equilibria
    elif solver == "lp":
        profiles = [pygambit.nash.lp_solve(game, rational=True).equilibrium]
    else:
        profiles = pygambit.nash.enummixed_solve(game, rational=True).equilibria
    found.append([[[str(p) for _, p in mixed] for mixed in profile] for profile in profiles])
json.dump(found, sys.stdout)
"""


def gambit(solver: str, games: list[NormalForm]) -> list[list[tuple[tuple[str, ...], ...]]]:
    """Return what Gambit finds of each game, probabilities as text."""
    tables = [game.payoffs.astype(int).tolist() for game in games]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_GAMBIT],
        input=json.dumps([solver, tables]),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [[tuple(map(tuple, p)) for p in profiles] for profiles in json.loads(done.stdout)]


def tables(seed: int, count: int, *shape: int, most: int) -> list[NormalForm]:
    """Return games of one shape with whole payoffs from -most to most."""
    draws = np.random.default_rng(seed).integers(-most, most + 1, (count, len(shape), *shape))
    return [NormalForm.from_payoffs(one) for one in draws]


def exact_profiles(game: NormalForm) -> set[tuple[tuple[Fraction, ...], ...]]:
    """Return the extreme equilibria of a game of two."""
    return {profile.strategies for profile in extreme_enumeration(game)}


def points(profiles) -> np.ndarray:
    """Return a row of probabilities for each profile."""
    return np.array([[float(p) for strategy in one for p in strategy] for one in profiles])


def same_points(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two sets of points are one."""
    if len(one) != len(other):
        return False
    return len(one) == 0 or bool(
        (np.abs(one[:, None] - other[None]).max(axis=2).min(axis=1) < CLOSE).all()
        and (np.abs(other[:, None] - one[None]).max(axis=2).min(axis=1) < CLOSE).all()
    )


def together(games: list[NormalForm]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return what the batch finds of games of two: points of each game, and ties or none."""
    payoffs = np.stack([game.payoffs for game in games], axis=-1)
    found = bimatrix_many(payoffs[0], payoffs[1])
    both = np.hstack([found.x, found.y])
    parts = [both[found.start[g] : found.start[g + 1]] for g in range(len(games))]
    return parts, found.degenerate


@pytest.mark.parametrize("count", HOW_MANY)
@pytest.mark.parametrize("shape", [(2, 3), (3, 3), (4, 3)], ids=str)
def test_two_players_without_ties_have_an_odd_number_and_indices_that_sum_to_one(shape, count):
    games = tables(1, count, *shape, most=10**6)
    batch, _ = together(games)
    for game, batched in zip(games, batch, strict=True):
        found = list(extreme_enumeration(game))
        ends = {profile.strategies for profile in lemke_howson(game)}
        assert len(found) % 2 == 1
        assert sum(index_of(game, profile) for profile in found) == 1
        assert ends <= {profile.strategies for profile in found}
        assert same_points(batched, points(profile.strategies for profile in found))
        isolated = list(polynomial_supports(game))
        assert same_points(points(p.strategies for p in isolated), batched)


@peer
@pytest.mark.parametrize("count", HOW_MANY)
@pytest.mark.parametrize("most", [2, 10**4], ids=["with ties", "without"])
def test_two_players_agree_with_gambit_in_exact_arithmetic(most, count):
    games = tables(2, count, 3, 4, most=most)
    batch, _ = together(games)
    for game, theirs, batched in zip(games, gambit("enummixed", games), batch, strict=True):
        ours = exact_profiles(game)
        assert ours == {tuple(tuple(map(Fraction, s)) for s in one) for one in theirs}
        assert same_points(batched, points(ours))


@peer
@pytest.mark.parametrize("count", HOW_MANY)
def test_zero_sum_games_have_one_value_whoever_computes_it(count):
    draws = np.random.default_rng(3).integers(-5, 6, (count, 3, 4))
    games = [NormalForm.from_payoffs(np.stack([one, -one])) for one in draws]
    for game, theirs in zip(games, gambit("lp", games), strict=True):
        rows = game.rational()[0]
        x, y = (np.array([Fraction(p) for p in s]) for s in theirs[0])
        value = x @ rows @ y
        assert {np.array(x) @ rows @ np.array(y) for x, y in exact_profiles(game)} == {value}
        (profile,) = zero_sum_lp(game)
        one, other = profile.floats()
        assert float(one @ game.payoffs[0] @ other) == pytest.approx(float(value), abs=1e-8)


@pytest.mark.parametrize("count", HOW_MANY)
@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 2), (2, 2, 2, 2)], ids=str)
def test_several_players_without_ties_have_an_odd_number_and_indices_that_sum_to_one(shape, count):
    games = tables(4, count, *shape, most=10**6)
    pure = pure_many(np.stack([game.payoffs for game in games], axis=-1))
    for g, game in enumerate(games):
        found = list(polynomial_supports(game))
        assert len(found) % 2 == 1
        assert sum(index_of(game, profile) for profile in found) == 1
        listed = {profile.strategies for profile in pure_enumeration(game)}
        assert len(listed) == pure.count[g]
        corners = [p for p in found if all(max(s) == 1 for s in p.strategies)]
        assert same_points(points(p.strategies for p in corners), points(listed))


@peer
@pytest.mark.parametrize("count", HOW_MANY)
def test_what_gambit_finds_of_three_players_is_among_ours(count):
    games = tables(5, count, 2, 2, 2, most=1000)
    for game, theirs in zip(games, gambit("enumpoly", games), strict=True):
        ours = points(profile.strategies for profile in polynomial_supports(game))
        for point in points(theirs):
            assert np.abs(ours - point).max(axis=1).min() < 1e-5


@pytest.mark.parametrize("count", HOW_MANY)
def test_trees_with_chance_and_hidden_moves_agree_with_brute_force(count):
    for seed in range(count):
        form = random_tree(seed, players=1 + seed % 3, most_profiles=60)
        found = [up_to_excluded_sets(form, p) for p in map(as_pure, backward_induction(form)) if p]
        assert len(set(found)) == len(found)
        assert set(found) == {up_to_excluded_sets(form, p) for p in pure_subgame_perfect(form)}


@pytest.mark.parametrize("count", HOW_MANY)
def test_signaling_games_have_the_same_pure_equilibria_by_both_methods(count):
    rng = np.random.default_rng(6)
    for _ in range(count):
        form = signaling_game(rng)
        found = list(perfect_bayesian(form))
        assert found
        assert all(certify_extensive(form, profile).holds for profile in found)
        pure = {as_pure(profile) for profile in found} - {None}
        assert pure == {as_pure(profile) for profile in pure_sequential(form)}


def signaling_game(rng: np.random.Generator) -> ExtensiveForm:
    """Return a sender of two types, two messages and two replies, with whole payoffs."""

    def replies(message: int) -> Node:
        ends = tuple(Terminal(tuple(int(p) for p in rng.integers(-4, 5, 2))) for _ in range(2))
        return Move(1, f"after {message}", ("a", "b"), ends)

    types = tuple(Move(0, f"type {t}", ("l", "r"), (replies(0), replies(1))) for t in range(2))
    share = Fraction(int(rng.integers(1, 8)), 8)
    root = Lottery("type", ("0", "1"), (share, 1 - share), types)
    return ExtensiveForm.from_tree(["sender", "receiver"], root, "signals")


# ------------------------------------------------------------------ games on states


def values_of(tables: np.ndarray) -> np.ndarray:
    """Return the values of zero-sum games with two actions each, (..., 2, 2), by the formula."""
    floor = tables.min(axis=-1).max(axis=-1)
    ceiling = tables.max(axis=-2).min(axis=-1)
    (a, b), (c, d) = np.moveaxis(tables, (-2, -1), (0, 1))
    saddle = floor >= ceiling
    spread = np.where(saddle, 1.0, a + d - b - c)
    return np.where(saddle, floor, (a * d - b * c) / spread)


@pytest.mark.parametrize("count", HOW_MANY)
def test_zero_sum_games_on_states_have_shapleys_values(count):
    """Shapley (1953): values are the fixed point of the stage games' values."""
    rng = np.random.default_rng(7)
    gains = rng.integers(-9, 10, (count, 2, 2, 2)).astype(float)
    moves = rng.dirichlet(np.ones(2), size=(count, 2, 2, 2))
    values = np.zeros((count, 2))
    for _ in range(90):  # 0.7 ** 90 is 1e-14
        values = values_of(gains + 0.7 * np.einsum("gsabt,gt->gsab", moves, values))
    for gain, move, value in zip(gains, moves, values, strict=True):
        form = MarkovForm.from_arrays([np.stack([g, -g]) for g in gain], list(move), 0.7)
        profile = next(markov_homotopy(form))
        assert certify(form, profile).regret < 1e-10
        assert form.values(profile)[0] == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("count", HOW_MANY)
def test_pure_equilibria_of_games_that_end_are_those_of_all_profiles(count):
    """Two states, two stages, two actions each: 256 profiles, of which every one is tried."""
    rng = np.random.default_rng(8)
    complete = 0
    plans = np.array(list(product((0, 1), repeat=8))).reshape(-1, 2, 2, 2)  # stage, state, player
    for _ in range(count):
        gains = rng.integers(0, 4, (2, 2, 2, 2)).astype(float)  # state, player, actions
        moves = rng.integers(0, 3, (2, 2, 2)) / 2  # state, actions: the chance of the first state
        moves = np.stack([moves, 1 - moves], axis=-1)
        form = MarkovForm.from_arrays(list(gains), list(moves), 1.0, horizon=2)
        profiles, findings = drained(markov_induction(form))
        found = {
            tuple(p.choice(s, k, t) for t in (0, 1) for s in (0, 1) for k in (0, 1))
            for p in profiles
            if all(x in (0, 1) for vector in p.strategies for x in vector)
        }
        everything = set()
        for plan in plans:
            onward = np.zeros((2, 2))  # state, player
            stable = True
            for stage in (1, 0):
                tables = gains + np.einsum("sabt,tk->skab", moves, onward)
                onward = np.empty((2, 2))
                for state, (a, b) in enumerate(plan[stage]):
                    one, other = tables[state]
                    stable &= one[a, b] >= one[1 - a, b]
                    stable &= other[a, b] >= other[a, 1 - b]
                    onward[state] = one[a, b], other[a, b]
            if stable:
                everything.add(tuple(plan.ravel().tolist()))
        assert found <= everything
        assert found == everything or not findings.complete
        complete += findings.complete
    assert complete > 0.95 * count
