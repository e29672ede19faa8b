"""What ``method="auto"`` takes, that it says why, and that it goes on where it should."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import limits, load
from highfence.errors import LimitForeseen, NotApplicable, RequestError
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm
from highfence.forms.normal import NormalForm, Profile
from highfence.methods import extreme, registry, sequence_form
from highfence.methods._growth import about, expected
from highfence.methods.extreme import extreme_enumeration
from highfence.solution import Status
from highfence.solve import candidates, chosen_by_auto, solve
from highfence.spec.catalog import entries
from highfence.spec.model import Game
from strategies import SMALL, two_player_games

HALF = Fraction(1, 2)
SLOW = ("fershtman_kamien_1987", "harris_vickers_1987")
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


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CATALOGUE],
)
def test_auto_takes_a_method_for_every_game_of_the_catalogue_and_says_why(name):
    game = load(name)
    overlays = [None, *(regime.name for regime in game.regimes)] if isinstance(game, Game) else [""]
    for regime in overlays:
        form = build(game, regime=regime) if isinstance(game, Game) else game
        method, reason = chosen_by_auto(form)

        assert method in [one.method for one in candidates(form)]
        use = f"is good for {method.use}"
        if isinstance(form, NormalForm):
            active = sum(count > 1 for count in form.num_strategies)
            if active < 2:
                use = f"lists {'every best choice' if active else 'the only profile'}"
            wanted = "pure_enumeration" if active > 2 else "extreme_enumeration"
        elif isinstance(form, ExtensiveForm):
            wanted = "backward_induction"
        else:
            wanted = {"StagedForm": "staged", "MarkovForm": "markov_sweeps"}[type(form).__name__]
            if name in BY_ALGEBRA or f"{name} {regime}" in BY_ALGEBRA:
                wanted = "first_order"
        assert method.name == wanted
        assert reason.endswith(f"; it {use}")


def test_where_one_player_chooses_or_nobody_the_reason_does_not_speak_of_two():
    alone = NormalForm.from_payoffs(np.arange(6).reshape(2, 3, 1))
    assert chosen_by_auto(alone)[1].endswith("3x1 strategies; it lists every best choice")
    nobody = NormalForm.from_payoffs(np.zeros((2, 1, 1)))
    assert chosen_by_auto(nobody)[1].endswith("1x1 strategies; it lists the only profile")


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


# --- limits that are seen before they are reached ------------------------------------------


def random_game(size: int) -> NormalForm:
    return NormalForm.from_payoffs(
        np.random.default_rng(size).integers(0, 1000, (2, size, size)), title="random"
    )


def sizes_met(module, monkeypatch) -> list[int]:
    """Return a list to which 0 and then the size of every polyhedron on a method's way is added."""
    sizes = [0]
    cut = module._cut

    def counted(*given):
        made = cut(*given)
        sizes.append(len(made))
        return made

    monkeypatch.setattr(module, "_cut", counted)
    return sizes


def test_a_bimatrix_game_of_too_many_vertices_is_known_early(monkeypatch):
    """Of its five million vertices, auto lists at most some ten thousand."""
    most = sizes_met(extreme, monkeypatch)
    solution = solve(random_game(20))

    assert max(most) < limits.MAX_BASES / 4
    assert solution.method == "lemke_howson"
    assert solution.status is Status.PARTIAL
    assert solution.method_reason.startswith("extreme_enumeration would pass a limit; then")
    assert "MAX_BASES" in solution.notes[0]
    assert "Ask for extreme_enumeration to have it tried" in solution.notes[0]


def test_a_method_that_is_asked_for_goes_to_its_limit(monkeypatch):
    game = random_game(9)
    monkeypatch.setattr(limits, "MAX_BASES", 100)

    assert "more than 100 vertices" in solve(game, "extreme_enumeration").reason
    with pytest.raises(LimitForeseen, match="is expected to have some"):
        list(extreme_enumeration(game, foresee=True))


@pytest.mark.parametrize("size", [9, 10, 11, 12, 13])
def test_what_ends_within_its_limit_is_not_given_up(size, monkeypatch):
    """With a limit as tight as can be."""
    game = random_game(size)
    sides = extreme.integer_payoffs(game)
    monkeypatch.setattr(limits, "MAX_BASES", max(len(extreme._vertices(side)) for side in sides))

    assert solve(game).method == "extreme_enumeration"


def test_hundreds_of_strategies_go_to_paths_in_floats():
    solution = solve(random_game(60))

    assert solution.method == "lemke_howson_float"
    assert "lemke_howson would pass a limit" in solution.method_reason
    assert solution.equilibria[0].certificate.holds


@pytest.mark.parametrize(("cards", "sign"), [(5, "would pass"), (6, "would pass"), (8, "passed")])
def test_a_tree_of_too_many_rays_is_known_early(cards, sign, monkeypatch):
    """Kuhn's poker with a rake: auto spent 5 seconds with five cards, and 40 with six."""
    most = sizes_met(sequence_form, monkeypatch)
    solution = solve(trees.raked_poker(cards))

    assert max(most) < limits.MAX_RAYS / 4
    assert solution.method == "sequence_lcp"
    assert solution.method_reason.startswith(f"backward_induction {sign} a limit; then")


def test_pure_equilibria_are_listed_where_mixed_ones_are_out_of_reach(monkeypatch):
    monkeypatch.setattr(limits, "MAX_RAYS", 12)
    found = 0
    for seed in range(20):
        game = trees.hidden(seed, 4, 9)
        solution = solve(game)
        if "rays" in " ".join(solution.notes) and solution.method == "backward_induction":
            assert solution.status is Status.PARTIAL
            assert all(
                set(p) <= {0, 1} for e in solution.equilibria for p in e.profile.probabilities
            )
            found += 1

    assert found


@given(
    counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    left=st.integers(0, 30),
    limit=st.integers(1, 10**6),
)
def test_growth_is_expected_to_slow_down(counts, left, limit):
    likely = expected(counts, left, limit)

    if likely and len(counts) > 4:
        rate = max(counts[-1] / counts[-5], counts[-5] / counts[-1]) ** (1 / 4)
        assert (
            counts[-1] / (rate ** (left / 2) + 1) <= likely <= counts[-1] * rate ** (left / 2) + 1
        )
    if likely < limit and counts[-1] * 20 < limit:
        assert likely == 0
    assert expected(counts, 0, limit) == 0


def test_large_numbers_are_said_in_words():
    assert about(42_317) == "some 40,000"
    assert about(3 * 10**12) == "billions of"


# --- methods that do not take a game --------------------------------------------------------


def one_of_each_form():
    """Return a game of each form, a normal one of two players and one of three."""
    return {
        "normal": NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True),
        "normal of three": odd_one_out(),
        "extensive": trees.selten_horse(),
        "staged": build(load("cournot_1838")),
        "markov": build(load("small_yard_dynamic")),
    }


@pytest.mark.parametrize("kind", ["normal", "normal of three", "extensive", "staged", "markov"])
def test_a_method_that_does_not_take_a_game_says_so_in_one_line_with_those_that_do(kind):
    form = one_of_each_form()[kind]
    fitting = [one.method for one in candidates(form)]
    others = [made for made in registry.all_methods() if made not in fitting]

    assert fitting
    assert others
    for made in others:
        with pytest.raises(NotApplicable) as refused:
            solve(form, made.name)
        message = str(refused.value)
        assert message.startswith(f"{made.name} cannot solve this game: it takes ")
        assert message.endswith("Methods that can: " + ", ".join(map(str, fitting)))
        assert "\n" not in message


def test_a_concept_asked_for_as_a_method_says_what_to_type():
    with pytest.raises(RequestError) as refused:
        solve(odd_one_out(), "correlated")

    assert "correlated is no equilibrium method, but a concept" in str(refused.value)
    assert "highfence solve GAME --concept correlated" in str(refused.value)
    with pytest.raises(RequestError, match=r"Did you mean 'logit'\? Methods that can: pure_enum"):
        solve(odd_one_out(), "logitt")
