"""The global Newton method: what its paths meet, how often, and that none is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import load
from highfence.certify import certify
from highfence.errors import MethodFailed
from highfence.forms.build import build
from highfence.forms.normal import NormalForm, Profile
from highfence.methods import global_newton as module
from highfence.methods.extreme import extreme_enumeration
from highfence.methods.global_newton import global_newton
from highfence.methods.polynomial import polynomial_supports
from highfence.solution import Status
from highfence.solve import solve
from strategies import SMALL, strategic_games


def random_game(seed: int, *shape: int) -> NormalForm:
    """Return a game without ties."""
    return NormalForm.from_payoffs(np.random.default_rng(seed).random((len(shape), *shape)))


def vectors(profiles) -> list[np.ndarray]:
    """Return the probabilities of each profile in one vector."""
    return [np.concatenate(profile.floats()) for profile in profiles]


@pytest.mark.parametrize("shape", [(3, 3), (5, 5), (2, 2, 2), (3, 3, 3), (2, 2, 2, 2)])
def test_what_is_met_is_among_all_equilibria_and_is_most_of_them(shape):
    met, all_of_them = 0, 0
    for seed in range(3):
        game = random_game(seed, *shape)
        every = vectors(extreme_enumeration(game) if len(shape) == 2 else polynomial_supports(game))
        found = vectors(global_newton(game))
        for p in found:
            assert min(np.abs(p - q).max() for q in every) < 1e-6
        met, all_of_them = met + len(found), all_of_them + len(every)

    assert met >= 0.9 * all_of_them


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), bonuses=st.integers(0, 10_000), players=st.integers(2, 4))
def test_every_path_meets_an_odd_number_of_equilibria_and_ends(seed, bonuses, players):
    """Govindan and Wilson (2003): from one end to the other the precision changes its sign."""
    game = random_game(seed, *(3, 3, 2, 2)[:players])
    paths = module._Paths(game)
    met = list(paths.follow(np.random.default_rng(bonuses).random(paths.size)))

    assert paths.ended
    assert len(met) % 2 == 1


@pytest.mark.parametrize("shape", [(4, 4), (3, 3, 3), (3, 2, 2, 2)])
def test_paths_of_generic_games_meet_the_same_whenever_whoever_interrupts_is_heard(
    shape, monkeypatch
):
    """All that is met is an equilibrium, and each path meets an odd number, in any pieces."""
    game = random_game(1, *shape)
    bonus = np.random.default_rng(1).random(sum(shape))
    whole = list(module._Paths(game).follow(bonus))
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    pieces = list(module._Paths(game).follow(bonus))

    assert len(whole) % 2 == 1
    assert np.array_equal(whole, pieces)
    for p in whole:
        parts = np.split(p, np.cumsum(shape)[:-1])
        assert certify(game, Profile.from_weights(*parts)).holds


def test_a_path_with_more_equilibria_than_there_is_room_for_is_not_ended(monkeypatch):
    game = build(load("mckelvey_mclennan_1996"))
    bonuses = [np.random.default_rng(seed).random(6) for seed in range(10)]
    most = max(bonuses, key=lambda bonus: len(list(module._Paths(game).follow(bonus))))
    monkeypatch.setattr(module, "_ROOM", 2)
    paths = module._Paths(game)

    assert len(list(paths.follow(most))) == 4  # two in either attempt
    assert not paths.ended


def test_all_nine_equilibria_of_mckelvey_and_mclennan_are_met():
    solution = solve(build(load("mckelvey_mclennan_1996")), "global_newton")

    assert solution.status is Status.SOLVED
    assert len(solution.equilibria) == 9
    assert solution.rejected == 0


def test_shapleys_game_has_its_one_equilibrium_exactly():
    (found,) = solve("shapley_1964", "global_newton").equilibria

    assert found.certificate.regret == 0
    assert found.certificate.exact


@settings(max_examples=15)
@given(game=strategic_games((2, 3), 3, SMALL))
def test_ties_never_leave_a_game_without_an_answer(game):
    profiles = list(global_newton(game))

    assert profiles
    assert all(certify(game, profile).holds for profile in profiles)


def test_larger_games_than_can_be_enumerated_have_several_equilibria_met():
    game = random_game(3, 6, 6, 6)
    profiles = list(global_newton(game, rays=4))

    assert profiles
    assert all(certify(game, profile).holds for profile in profiles)


def test_paths_that_cannot_be_followed_are_counted(monkeypatch):
    monkeypatch.setattr(module, "_STEPS", 1)
    game = random_game(0, 3, 3, 3)
    search = global_newton.function(game, rays=2)
    profiles = []
    while True:
        try:
            profiles.append(next(search))
        except StopIteration as end:
            findings = end.value
            break

    assert not findings.complete
    assert "2 of 2 paths" in findings.notes[1]
    assert len(profiles) == 1
    assert certify(game, profiles[0]).holds


def test_nothing_at_all_is_a_failure_with_its_reason(monkeypatch):
    from highfence import limits

    monkeypatch.setattr(module, "_STEPS", 1)
    monkeypatch.setattr(limits, "MAX_PATH_STEPS", 1)
    with pytest.raises(MethodFailed, match="could not be followed"):
        list(global_newton(random_game(0, 3, 3, 3)))
