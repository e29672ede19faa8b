"""What ``method="auto"`` takes, that it says why, and that it goes on where it should."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from highfence import limits, load
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm
from highfence.forms.normal import NormalForm, Profile
from highfence.methods import registry
from highfence.methods.extreme import extreme_enumeration
from highfence.solution import Status
from highfence.solve import candidates, chosen_by_auto, solve
from highfence.spec.catalog import entries
from highfence.spec.model import Game
from strategies import SMALL, two_player_games

HALF = Fraction(1, 2)
CATALOGUE = sorted(entry.name for entry in entries())
BY_ALGEBRA = (
    "bertrand_differentiated", "cournot_1838", "katz_shapiro_1985", "tullock_1980",
    "learning_by_doing_duopoly open_loop", "stackelberg_1934 together",
)  # fmt: skip
"""Games, and regimes of games, in which all choose amounts at once, by conditions of low degree."""


def odd_one_out() -> NormalForm:
    """Return a game without pure equilibria: one and two want to match, and three to differ."""
    payoffs = np.zeros((3, 2, 2, 2), int)
    for a, b, c in np.ndindex(2, 2, 2):
        payoffs[:, a, b, c] = a == b, b == c, c != a
    return NormalForm.from_payoffs(payoffs)


def with_idle(game: NormalForm, place: int) -> NormalForm:
    """Return a two-player game with a third player who has a single strategy, at a place."""
    axis = np.expand_dims(game.rational(), place + 1)
    payoffs = np.insert(axis, place, 7, axis=0)
    return NormalForm.from_payoffs(payoffs)


@pytest.mark.parametrize("name", CATALOGUE)
def test_auto_takes_a_method_for_every_game_of_the_catalogue_and_says_why(name):
    game = load(name)
    overlays = [None, *(regime.name for regime in game.regimes)] if isinstance(game, Game) else [""]
    for regime in overlays:
        form = build(game, regime=regime) if isinstance(game, Game) else game
        method, reason = chosen_by_auto(form)

        assert method in [one.method for one in candidates(form)]
        assert reason.endswith(f"it is good for {method.use}")
        if isinstance(form, NormalForm):
            active = sum(count > 1 for count in form.num_strategies)
            wanted = "pure_enumeration" if active > 2 else "extreme_enumeration"
        elif isinstance(form, ExtensiveForm):
            wanted = "backward_induction"
        else:
            wanted = {"StagedForm": "staged", "MarkovForm": "markov_sweeps"}[type(form).__name__]
            if name in BY_ALGEBRA or f"{name} {regime}" in BY_ALGEBRA:
                wanted = "first_order"
        assert method.name == wanted


def test_the_reason_is_in_the_solution_its_page_and_its_json():
    from highfence.report.json import solution_dict

    solution = solve("matching_pennies")

    assert solution.method_reason.startswith("2 players with a choice, 2x2 strategies")
    assert solution_dict(solution)["method_reason"] == solution.method_reason
    assert "auto chose it: 2 players with a choice" in str(solution)
    assert solve("matching_pennies", "lemke_howson").method_reason == "asked for"


def test_where_no_pure_profile_is_an_equilibrium_auto_goes_on_to_mixed_ones():
    solution = solve(odd_one_out())

    assert solution.method == "polynomial_supports"
    assert solution.status is Status.SOLVED
    assert [e.profile for e in solution.equilibria] == [Profile(((HALF, HALF),) * 3)]
    assert solution.equilibria[0].certificate.exact
    assert "no pure profile is an equilibrium; then" in solution.method_reason


def test_where_there_are_pure_equilibria_the_reason_says_how_to_find_mixed_ones():
    solution = solve("palfrey_rosenthal_1984")

    assert solution.method == "pure_enumeration"
    assert solution.method_reason.endswith("polynomial_supports, if asked for, finds mixed ones")
    assert len(solve("palfrey_rosenthal_1984", "polynomial_supports").equilibria) > len(
        solution.equilibria
    )


def test_a_game_too_large_for_all_supports_is_solved_by_the_logit_branch(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SUPPORT_PATHS", 3)
    solution = solve(odd_one_out())

    assert solution.method != "polynomial_supports"
    assert solution.status is Status.SOLVED
    assert solution.reason.endswith("there may be more")
    assert solution.equilibria[0].certificate.holds


@settings(max_examples=25)
@given(game=two_player_games(3, SMALL))
def test_a_player_without_a_choice_does_not_change_the_answer(game):
    expected = set(extreme_enumeration(game))
    for place in range(3):
        solution = solve(with_idle(game, place))

        assert solution.method == "extreme_enumeration"
        found = {
            Profile(tuple(s for k, s in enumerate(e.profile.strategies) if k != place))
            for e in solution.equilibria
        }
        assert found == expected
        assert all(e.certificate.regret == 0 for e in solution.equilibria)
        assert solution.subsets == solve(game).subsets
        assert all(e.payoffs[f"Player {place + 1}"] == 7 for e in solution.equilibria)


def test_any_two_player_method_can_be_asked_for_where_two_have_a_choice():
    pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    for method in registry.for_form(NormalForm):
        solution = solve(with_idle(pennies, 1), method.name)

        if method.name != "pure_enumeration":
            profile = solution.equilibria[0].profile
            assert [list(map(float, s)) for s in profile.strategies] == [
                [0.5, 0.5],
                [1],
                [0.5, 0.5],
            ]


def test_a_regime_that_fixes_the_third_players_decision_leaves_a_game_of_two():
    """Without the platform's owner two users coordinate: two pure equilibria and a mixture."""
    solution = solve("platform_tipping", regime="none")

    assert solution.method == "extreme_enumeration"
    assert len(solution.equilibria) == 3
    assert "A without a choice" in solution.method_reason
