"""All isolated equilibria by polynomials: known sets, other methods, Gambit, and what ties do."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits
from highfence.certify import certify
from highfence.errors import NotApplicable
from highfence.forms.normal import NormalForm
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.logit import logit
from highfence.methods.polynomial import polynomial_supports, root_count
from highfence.methods.pure import pure_enumeration
from highfence.solve import solve
from searches import drained
from strategies import strategic_games


def run(game):
    """Return what the method yields, and what it says of its search."""
    return drained(polynomial_supports.function(game))


def random_game(seed: int, *shape: int) -> NormalForm:
    """Return a game with random floats, which is nondegenerate."""
    return NormalForm.from_payoffs(np.random.default_rng(seed).random((len(shape), *shape)))


def as_points(profiles) -> np.ndarray:
    """Return one row of probabilities for each profile, sorted."""
    return np.array(
        sorted(np.concatenate(profile.floats()).round(7).tolist() for profile in profiles)
    )


def threshold(needed: int, cost: float) -> NormalForm:
    """Return the game of three who align, each at a cost, for a benefit of 1 if enough do."""
    table = np.zeros((3, 2, 2, 2))
    for profile in np.ndindex(2, 2, 2):
        for player in range(3):
            table[(player, *profile)] = (sum(profile) >= needed) - cost * profile[player]
    return NormalForm.from_payoffs(table)


def test_a_generic_system_has_the_known_number_of_roots():
    """McKelvey and McLennan (1997), table of regular totally mixed equilibria."""
    assert root_count((2, 2, 2)) == 2
    assert root_count((3, 3, 3)) == 10
    assert root_count((2, 2, 2, 2)) == 9
    assert root_count((3, 3, 3, 3)) == 297
    assert root_count((2, 3)) == 0


def test_the_example_of_mckelvey_and_mclennan_has_nine_equilibria():
    payoffs = [
        (9, 8, 12),
        (0, 0, 0),
        (0, 0, 0),
        (9, 8, 2),
        (0, 0, 0),
        (3, 4, 6),
        (3, 4, 6),
        (0, 0, 0),
    ]
    table = np.zeros((3, 2, 2, 2))
    for k, cell in enumerate(payoffs):  # the first player's strategy changes fastest
        table[:, k & 1, k >> 1 & 1, k >> 2] = cell
    solution = solve(NormalForm.from_payoffs(table), "polynomial_supports")

    assert solution.status == "solved"
    assert len(solution.equilibria) == 9
    mixed = [e for e in solution.equilibria if all(len(s) == 2 for s in e.profile.supports)]
    assert len(mixed) == 2
    assert max(float(e.certificate.regret) for e in solution.equilibria) < 1e-14


def test_two_of_three_allies_align_in_five_ways_at_least():
    """Palfrey and Rosenthal (1984): nobody, any two, and two symmetric probabilities."""
    found = as_points(run(threshold(2, 0.3))[0])
    symmetric = sorted(row[1] for row in found if np.ptp(row[1::2]) < 1e-6 and 0 < row[1] < 1)

    assert symmetric == pytest.approx([0.183772, 0.816228], abs=1e-6)
    assert sorted(row[1::2].sum() for row in found if set(row) <= {0.0, 1.0}) == [0, 2, 2, 2]


def test_all_three_allies_align_with_the_known_probability():
    found = as_points(run(threshold(3, 0.3))[0])
    symmetric = [row[1] for row in found if np.ptp(row[1::2]) < 1e-6 and 0 < row[1] < 1]

    assert symmetric == pytest.approx([np.sqrt(0.3)], abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "games"),
    [
        ((2, 2, 2), 100), ((2, 3, 2), 30), ((3, 3, 3), 20), ((4, 2, 4), 15), ((2, 3, 4), 30),
        ((2, 2, 2, 2), 15),
    ],
)  # fmt: skip
def test_random_games_are_solved_completely(shape, games):
    for seed in range(games):
        game = random_game(seed, *shape)
        profiles, findings = run(game)

        assert findings.complete, findings.notes
        assert len(profiles) % 2 == 1
        assert len(np.unique(as_points(profiles), axis=0)) == len(profiles)
        assert max(float(certify(game, profile).regret) for profile in profiles) < 1e-13


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3, 2), (4, 4)])
def test_two_players_have_the_extreme_equilibria_also_with_a_bystander(shape):
    for seed in range(15):
        game = random_game(seed, *shape)
        wanted = as_points(extreme_enumeration(game))
        alone, findings = run(game)
        beside = NormalForm.from_payoffs(
            np.concatenate([game.payoffs, game.payoffs[:1] * 0])[..., None]
        )

        assert findings.complete
        assert np.allclose(as_points(alone), wanted, atol=1e-6)
        assert np.allclose(as_points(run(beside)[0])[:, :-1], wanted, atol=1e-6)


def test_a_unit_of_each_players_payoffs_changes_nothing():
    for seed in range(10):
        game = random_game(seed, 3, 2, 3)
        units = np.array([1e-9, 1e9, 3.0]).reshape(3, 1, 1, 1)
        other = NormalForm.from_payoffs(game.payoffs * units - 5 * units)

        assert np.allclose(as_points(run(game)[0]), as_points(run(other)[0]), atol=1e-6)


def test_small_differences_between_large_ones_are_seen():
    """Where a third player ends all with a great loss, the others' payoffs look alike."""
    game = random_game(3, 2, 3, 3)
    table = np.full((3, 3, 3, 3), -1e6)
    table[:, :2] = game.payoffs
    profiles, findings = run(NormalForm.from_payoffs(table))
    wanted = as_points(run(game)[0])

    assert findings.complete
    assert np.allclose(np.delete(as_points(profiles), 2, axis=1), wanted, atol=1e-6)


def test_the_end_of_the_logit_branch_is_among_them():
    for seed in range(10):
        game = random_game(seed, 3, 2, 3)
        everything, end = as_points(run(game)[0]), as_points([next(logit(game))])

        assert np.abs(everything - end).max(axis=1).min() < 1e-6


@settings(max_examples=40)
@given(game=strategic_games((3, 3), 2, st.integers(0, 2)))
def test_where_payoffs_tie_nothing_is_claimed_and_pure_equilibria_are_there(game):
    profiles, findings = run(game)

    assert profiles
    assert set(pure_enumeration(game)) <= set(profiles)
    assert all(certify(game, profile).holds for profile in profiles)
    assert findings.complete or findings.notes


def test_a_continuum_of_equilibria_is_not_called_complete():
    flat = NormalForm.from_payoffs(np.zeros((3, 2, 2, 2)))
    profiles, findings = run(flat)

    assert len(profiles) == 8
    assert not findings.complete
    assert "continua" in findings.notes[0]


def test_a_game_with_too_many_paths_is_outside_the_domain():
    with pytest.raises(NotApplicable, match="small games"):
        solve(random_game(0, 6, 6, 6), "polynomial_supports")


def test_the_limit_on_paths_is_named_in_its_module():
    assert polynomial_supports.accepts(random_game(0, 4, 4, 4))
    assert limits.MAX_SUPPORT_PATHS >= 5248


PEER = """
import json, sys
import numpy as np
import pygambit
made = []
for table in json.load(sys.stdin):
    game = getattr(pygambit, "StrategicGame", pygambit.Game).from_arrays(*np.array(table))
    found = pygambit.nash.enumpoly_solve(game).equilibria
    made.append([[p for mixed in profile for _, p in mixed] for profile in found])
print(json.dumps(made))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)
def test_what_gambit_finds_is_there():
    """Gambit's enumpoly misses equilibria of some games, but what it finds is right."""
    games = [random_game(seed, *shape) for seed in range(8) for shape in ((2, 2, 2), (3, 3, 2))]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEER],
        input=json.dumps([game.payoffs.tolist() for game in games]),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    for game, theirs in zip(games, json.loads(ran.stdout), strict=True):
        ours = as_points(run(game)[0])

        assert len(theirs) <= len(ours)
        for point in theirs:
            assert np.abs(ours - point).max(axis=1).min() < 1e-5
