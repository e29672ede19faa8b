"""Batches of tables and large trees: every answer is that of the exact method, game by game."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from highfence.errors import RequestError
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.normal import NormalForm
from highfence.methods.backward_induction import backward_induction
from highfence.methods.batch import bimatrix_many, induction, pure_many
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.pure import pure_enumeration

SHAPES = [(1, 1), (1, 3), (2, 2), (2, 4), (4, 2), (3, 3), (4, 4), (3, 5), (5, 5), (6, 6)]


def exactly(row, column):
    """Return all extreme equilibria of one game, each as one vector."""
    game = NormalForm.from_payoffs(np.stack([row, column]))
    return np.array([np.concatenate(p.floats()) for p in extreme_enumeration(game)])


def assert_same_equilibria(found, row, column):
    for g in range(row.shape[2]):
        rows = slice(found.start[g], found.start[g + 1])
        ours = np.hstack([found.x[rows], found.y[rows]])
        theirs = exactly(row[:, :, g], column[:, :, g])
        assert len(ours) == len(theirs) == found.count[g]
        apart = np.abs(ours[:, None] - theirs[None]).max(axis=2)
        assert apart.min(axis=0).max() < 1e-9
        assert apart.min(axis=1).max() < 1e-9


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_equilibria_of_random_games_are_found(shape):
    rng = np.random.default_rng(5)
    row, column = rng.normal(size=(2, *shape, 40 if max(shape) < 5 else 10))

    found = bimatrix_many(row, column)

    assert not found.degenerate.any()
    assert (found.count % 2 == 1).all()
    assert found.regret.max() < 1e-13
    assert_same_equilibria(found, row, column)


@pytest.mark.parametrize("most", [2, 4, 10])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_games_with_ties_have_all_their_extreme_equilibria(shape, most):
    rng = np.random.default_rng(6)
    count = 40 if max(shape) < 5 else 10
    row, column = rng.integers(0, most, (2, *shape, count)).astype(float)

    found = bimatrix_many(row, column)

    assert found.regret.max() < 1e-13
    assert_same_equilibria(found, row, column)
    even = found.count % 2 == 0
    assert found.degenerate[even].all()


def test_a_nondegenerate_game_with_ties_that_do_not_matter_is_not_called_degenerate():
    """The prisoners' dilemma with a tie off the path of best replies."""
    row = np.array([[3.0, 0.0], [5.0, 1.0]])[..., None]
    column = np.array([[3.0, 5.0], [0.0, 1.0]])[..., None]

    found = bimatrix_many(row, column)

    assert found.count.tolist() == [1]
    assert not found.degenerate.any()


def test_differences_that_floats_cannot_tell_are_decided_exactly():
    """The column player is always indifferent, the row player nearly, against one column."""
    row = np.array([[1.0, 0.0], [1.0 + 1e-9, 0.0]])[..., None]
    column = np.zeros((2, 2, 1))

    found = bimatrix_many(row, column)

    assert found.exact.tolist() == [True]
    assert_same_equilibria(found, row, column)


def test_differences_beyond_rounding_count_if_they_are_all_there_is():
    """All four profiles were called equilibria, one with a gain of all that can be gained."""
    row = np.array([[1.0, 0.0], [-1.0, 1.0]])[..., None] + 2.0**52
    column = np.array([[-1.0, -1.0], [1.0, 0.0]])[..., None] - 2.0**52

    found = bimatrix_many(row, column)

    assert found.exact.tolist() == [True]
    assert found.regret.max() <= 1e-9
    assert_same_equilibria(found, row, column)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_and_shifts_change_no_equilibrium(factor):
    rng = np.random.default_rng(7)
    row, column = rng.normal(size=(2, 3, 3, 200))

    plain, scaled = bimatrix_many(row, column), bimatrix_many(factor * row, factor * (column + 3))

    assert plain.count.tolist() == scaled.count.tolist()
    assert plain.x == pytest.approx(scaled.x, abs=1e-9)
    assert plain.y == pytest.approx(scaled.y, abs=1e-9)


@pytest.mark.parametrize("games", [1, 63, 64, 65, 2500])
def test_any_number_of_games_and_threads_give_the_same_answers(games):
    rng = np.random.default_rng(8)
    row, column = np.round(rng.random((2, 3, 3, games)), 1)

    one, two = bimatrix_many(row, column), bimatrix_many(row, column, workers=2)

    for name in ("count", "start", "x", "y", "regret", "degenerate", "exact"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name
    assert one.start[-1] == len(one.x)
    alone = bimatrix_many(row[:, :, -1:], column[:, :, -1:])
    assert one.x[one.start[-2] :] == pytest.approx(alone.x)


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        (np.zeros((7, 7, 1)), np.zeros((7, 7, 1)), "at most 6"),
        (np.zeros((2, 3, 1)), np.zeros((3, 2, 1)), "both must be"),
        (np.zeros((2, 2)), np.zeros((2, 2)), "is needed"),
        (np.zeros((2, 2, 0)), np.zeros((2, 2, 0)), "is needed"),
        (np.full((2, 2, 1), np.nan), np.zeros((2, 2, 1)), "not a finite number"),
    ],
)
def test_tables_that_are_no_games_are_refused(row, column, says):
    with pytest.raises(RequestError, match=says):
        bimatrix_many(row, column)


# ---------------------------------------------------------------------------------------------
# Pure equilibria


@pytest.mark.parametrize("sizes", [(3,), (2, 2), (3, 3, 3), (2, 3, 4), (2,) * 5], ids=str)
@pytest.mark.parametrize("ties", [False, True], ids=["no ties", "ties"])
def test_pure_equilibria_are_those_of_the_enumeration(sizes, ties):
    rng = np.random.default_rng(9)
    shape = (len(sizes), *sizes, 70)
    payoffs = rng.integers(0, 4, shape).astype(float) if ties else rng.normal(size=shape)

    found = pure_many(payoffs)

    for g in range(70):
        profiles = pure_enumeration(NormalForm.from_payoffs(payoffs[..., g]))
        expected = [[support[0] for support in profile.supports] for profile in profiles]
        assert found.actions[found.start[g] : found.start[g + 1]].tolist() == expected
        assert found.count[g] == len(expected)


@pytest.mark.parametrize("games", [1, 64, 511, 513, 1000])
def test_pure_equilibria_are_the_same_however_many_games_there_are(games):
    payoffs = np.random.default_rng(2).integers(0, 3, (3, 2, 3, 2, 1100)).astype(float)
    payoffs.setflags(write=False)
    whole, part = pure_many(payoffs), pure_many(payoffs[..., :games])

    assert part.count.tolist() == whole.count[:games].tolist()
    assert part.actions.tolist() == whole.actions[: whole.start[games]].tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 70, 599])
def test_a_payoff_that_is_no_number_is_refused_wherever_it_stands(bad, place):
    payoffs = np.random.default_rng(3).random((2, 2, 2, 600))
    payoffs[1, 0, 1, place] = bad

    with pytest.raises(RequestError, match="not a finite number"):
        pure_many(payoffs)
    with pytest.raises(RequestError, match="not a finite number"):
        bimatrix_many(*payoffs)


def test_pure_equilibria_on_two_threads_are_the_same():
    payoffs = np.random.default_rng(1).random((3, 2, 2, 2, 5000))

    one, two = pure_many(payoffs), pure_many(payoffs, workers=2)

    assert one.actions.tobytes() == two.actions.tobytes()
    assert one.start.tolist() == two.start.tolist()


@pytest.mark.parametrize("shape", [(2, 3, 10), (3, 2, 2, 10), (2, 2, 2)])
def test_tables_that_are_not_of_so_many_players_are_refused(shape):
    with pytest.raises(RequestError, match="is needed"):
        pure_many(np.zeros(shape))


# ---------------------------------------------------------------------------------------------
# Trees


def random_tree(rng, whole):
    """Return a random tree of perfect information as arrays and as a form."""
    first, count, owner, payoffs, chance = [0], [0], [-1], [np.zeros(3)], [0.0]
    waiting = [(0, 0)]
    while waiting:
        node, depth = waiting.pop(0)
        if depth == 3 or (depth > 0 and rng.random() < 0.2):
            payoffs[node] = rng.integers(0, 3, 3).astype(float) if whole else rng.normal(size=3)
            continue
        count[node] = int(rng.integers(2, 4))
        first[node] = len(first)
        owner[node] = int(rng.integers(-1, 3))
        for _ in range(count[node]):
            waiting.append((len(first), depth + 1))
            first.append(0)
            count.append(0)
            owner.append(-1)
            payoffs.append(np.zeros(3))
            chance.append(1 / count[node])

    def made(node):
        if not count[node]:
            return Terminal(tuple(payoffs[node].tolist()))
        children = tuple(made(k) for k in range(first[node], first[node] + count[node]))
        labels = tuple(map(str, range(count[node])))
        if owner[node] < 0:
            return Lottery(
                "", labels, tuple(chance[first[node] : first[node] + count[node]]), children
            )
        return Move(owner[node], node, labels, children)

    form = ExtensiveForm.from_tree(["a", "b", "c"], made(0))
    return (first, count, owner, np.array(payoffs), chance), form


@pytest.mark.parametrize("seed", range(20))
def test_a_tree_from_arrays_has_the_equilibria_of_backward_induction(seed):
    arrays, form = random_tree(np.random.default_rng(seed), whole=seed % 2 == 0)

    found = induction(*arrays)
    profiles = list(backward_induction(form))

    assert found.plans[0] in (-1, len(profiles))
    payoffs = [form.expected_payoffs(profile) for profile in profiles]
    assert min(np.abs(np.array(p, float) - found.values[0]).max() for p in payoffs) < 1e-9
    if seed % 2:
        assert found.plans[0] == 1


def test_a_tie_that_matters_to_others_is_not_counted():
    tie = {
        "first_child": [1, 0, 3, 0, 0],
        "child_count": [2, 0, 2, 0, 0],
        "owner": [0, 0, 1, 0, 0],
    }
    told = induction(**tie, payoffs=[[0, 0], [1, 0], [0, 0], [0, 5], [2, 5]])
    same = induction(**tie, payoffs=[[0, 0], [1, 0], [0, 0], [2, 5], [2, 5]])

    assert told.plans.tolist() == [-1, 1, -1, 1, 1]
    assert same.plans.tolist() == [2, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"first_child": [2, 0, 0]}, "child of no node"),
        ({"first_child": [1, 1, 0], "child_count": [2, 1, 0]}, "child of no node"),
        ({"owner": [5, 0, 0]}, "neither -1"),
        ({"owner": [-1, 0, 0]}, "do not sum to one"),
        ({"owner": [-1, 0, 0], "chance": [0, 1.5, -0.5]}, "negative"),
        ({"payoffs": [[0.0], [np.inf], [0.0]]}, "not a finite"),
        ({"payoffs": [[0.0], [1.0]]}, "of one length"),
    ],
)
def test_arrays_that_are_no_tree_are_refused(change, says):
    fine = {
        "first_child": [1, 0, 0],
        "child_count": [2, 0, 0],
        "owner": [0, 0, 0],
        "payoffs": [[0.0], [1.0], [0.0]],
    }
    assert induction(**fine).values[0, 0] == 1
    with pytest.raises(RequestError, match=says):
        induction(**{**fine, **change})


def test_every_profile_of_a_constant_game_is_an_equilibrium():
    found = pure_many(np.zeros((3, 2, 2, 3, 1)))

    assert found.actions.tolist() == [list(p) for p in product(range(2), range(2), range(3))]
