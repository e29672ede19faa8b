"""``solve`` on finite forms: which method, what is listed, how it is said, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

import trees
from highfence import Decision, Game, Parameter, Regime, Stage, limits
from highfence.errors import MethodFailed, NotApplicable, RequestError
from highfence.forms.gambit_files import format_nfg
from highfence.forms.normal import NormalForm, Profile
from highfence.methods import registry
from highfence.solution import Finds, Status
from highfence.solve import form_of, solve

HALF = Fraction(1, 2)
PENNIES = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True, title="pennies")
BATTLE = NormalForm.bimatrix(
    [[3, 0], [0, 2]],
    [[2, 0], [0, 3]],
    players=["she", "he"],
    strategies=[["opera", "match"], ["opera", "match"]],
    title="battle",
    outcomes={"together": [[1, 0], [0, 1]]},
)
WALL = Game(
    name="wall",
    players=["A", "B"],
    parameters=[Parameter("gain", 2, low=0, high=3)],
    stages=[
        Stage("play", Decision("A", "a", ["up", "down"]), Decision("B", "b", ["left", "right"]))
    ],
    derived={"both": "(a == 'up') * (b == 'left')"},
    payoffs={"A": "gain * both", "B": "both"},
    regimes=[Regime("fixed", fix={"a": "down"})],
    presets={"small": {"gain": "1/2"}},
)


@pytest.fixture
def claim(monkeypatch):
    """Return a function that registers, for one test, a method that yields given profiles."""
    registry.all_methods()

    def register(*profiles, name="claims", finds=Finds.ALL, fails=False):
        def function(game: NormalForm) -> Iterator[Profile]:
            """Yield what the test says."""
            if fails:
                raise MethodFailed("the backend broke down")
            yield from profiles

        made = registry.Method(
            name, NormalForm, lambda game: True, finds, False, "this test", function, "", rank=1
        )
        monkeypatch.setitem(registry._METHODS, name, made)

    return register


# ------------------------------------------------------------------ which method


@pytest.mark.parametrize(
    ("game", "method"),
    [
        (PENNIES, "extreme_enumeration"),
        (NormalForm.from_payoffs(np.zeros((3, 1, 2, 2), int)), "extreme_enumeration"),
        (NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), int)), "pure_enumeration"),
        (NormalForm.from_payoffs([[1, 2]]), "pure_enumeration"),
        (trees.entry_deterrence(), "backward_induction"),
    ],
    ids=["two players", "three, two with a choice", "three players", "one player", "tree"],
)
def test_auto_takes_the_method_that_promises_most(game, method):
    assert solve(game).method == method


def test_auto_goes_on_where_the_first_method_passes_its_limit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BASES", 10)
    solution = solve(NormalForm.from_payoffs(np.random.default_rng(0).random((2, 8, 8))))

    assert solution.method == "lemke_howson"
    assert solution.status is Status.PARTIAL
    assert "passed a limit" in solution.reason
    assert any("MAX_BASES" in note for note in solution.notes)
    assert all(e.certificate.regret == 0 for e in solution.equilibria)
    assert solution.subsets == solution.components == ()


def test_auto_goes_on_where_a_backend_breaks_down_and_an_explicit_request_does_not(claim):
    claim(fails=True)
    solution = solve(PENNIES)

    assert solution.method == "extreme_enumeration"
    assert "the backend broke down" in solution.notes
    with pytest.raises(MethodFailed, match="broke down"):
        solve(PENNIES, "claims")


def test_an_unknown_method_is_refused_with_the_closest():
    with pytest.raises(RequestError, match="Did you mean 'zero_sum_lp'"):
        solve(PENNIES, "zero_sum")


def test_a_method_that_does_not_fit_is_refused_with_those_that_do():
    with pytest.raises(NotApplicable, match=r"sum to a constant.*extreme_enumeration"):
        solve(BATTLE, "zero_sum_lp")
    with pytest.raises(NotApplicable, match=r"takes extensive forms.*normal form"):
        solve(BATTLE, "backward_induction")


# ------------------------------------------------------------------ what is listed


def test_an_equilibrium_is_told_in_labels_with_exact_numbers_and_outcomes():
    equilibrium = solve(BATTLE).equilibria[1]

    assert equilibrium.strategies == {
        "she": {"opera": Fraction(3, 5), "match": Fraction(2, 5)},
        "he": {"opera": Fraction(2, 5), "match": Fraction(3, 5)},
    }
    assert equilibrium.payoffs == {"she": Fraction(6, 5), "he": Fraction(6, 5)}
    assert equilibrium.outcomes == {"together": pytest.approx(12 / 25)}
    assert equilibrium.certificate.regret == 0
    assert isinstance(equilibrium.certificate.regret, Fraction)


def test_equilibria_are_in_descending_lexicographic_order():
    first = [e.profile.strategies[0] for e in solve(BATTLE).equilibria]

    assert first == [(1, 0), (Fraction(3, 5), Fraction(2, 5)), (0, 1)]
    assert first == sorted(first, reverse=True)


def test_all_best_choices_of_a_single_player_are_listed():
    solution = solve(NormalForm.from_payoffs([[1, 5, 5, 0]]))

    assert solution.status is Status.SOLVED
    assert [e.profile.supports for e in solution.equilibria] == [((1,),), ((2,),)]


def test_a_continuum_is_told_by_its_corners_and_what_they_span():
    solution = solve(NormalForm.from_payoffs(np.zeros((2, 2, 2), int)))

    assert len(solution.equilibria) == 4
    assert solution.subsets == solution.components == ((0, 1, 2, 3),)
    assert "infinitely many equilibria" in str(solution)


def test_subsets_are_told_only_where_all_equilibria_are_there():
    assert solve(BATTLE).subsets == ((0,), (1,), (2,))
    assert solve(BATTLE, "lemke_howson").subsets == ()
    assert solve(BATTLE, limit=2).subsets == ()


def test_too_many_subsets_are_a_note(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SUBSETS", 1)
    solution = solve(BATTLE)

    assert solution.subsets == ()
    assert len(solution.components) == 3
    assert any("MAX_SUBSETS" in note for note in solution.notes)


def test_the_limit_on_equilibria_makes_an_answer_partial():
    solution = solve(BATTLE, limit=2)

    assert solution.status is Status.PARTIAL
    assert len(solution.equilibria) == 2
    assert "limit of 2 equilibria" in solution.reason
    assert solve(BATTLE, limit=3).status is Status.SOLVED


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "2"])
def test_a_limit_that_is_no_positive_whole_number_is_refused(limit):
    with pytest.raises(RequestError, match="positive whole number"):
        solve(BATTLE, limit=limit)


# ------------------------------------------------------------------ what the judge does


def test_profiles_that_the_judge_rejects_are_counted_and_not_listed(claim):
    even, wrong = ((HALF, HALF), (HALF, HALF)), ((HALF, HALF), (Fraction(1), Fraction(0)))
    claim(Profile(even), Profile(wrong))
    solution = solve(PENNIES, "claims")

    assert [e.profile.strategies for e in solution.equilibria] == [even]
    assert solution.rejected == 1
    assert solution.status is Status.PARTIAL


def test_if_every_profile_is_rejected_nothing_is_certified_and_the_reason_says_why(claim):
    claim(Profile(((1.0, 0.0), (0.7, 0.7))))
    solution = solve(PENNIES, "claims")

    assert solution.status is Status.UNCERTIFIED
    assert solution.equilibria == ()
    assert "rejected all 1 profiles" in solution.reason
    assert "sum to 1.4" in solution.reason


def test_profiles_in_floats_are_certified_exactly_where_exact_ones_are_near(claim):
    third = 0.333333333333
    claim(Profile(((third, 1 - third, 0.0), (third, 1 - third, 0.0))), finds=Finds.ONE)
    game = NormalForm.bimatrix([[2, 0, 0], [0, 1, 0], [0, 0, 0]], symmetric=True)
    (equilibrium,) = solve(game, "claims").equilibria

    assert equilibrium.profile.strategies[0] == (Fraction(1, 3), Fraction(2, 3), 0)
    assert equilibrium.certificate.regret == 0


def test_what_is_an_equilibrium_only_within_tolerance_is_certified_as_that(claim):
    """The exact profile is none, by a billionth; the float certificate says by how much."""
    claim(Profile(((1.0, 0.0), (1.0, 0.0))))
    game = NormalForm.bimatrix([[1, 0], [1 + Fraction(1, 10**9), 0]], [[1, 0], [1, 0]])
    (equilibrium,) = solve(game, "claims").equilibria

    assert not equilibrium.certificate.exact
    assert equilibrium.certificate.regret == pytest.approx(1e-9)


def test_irrational_equilibria_are_certified_in_floats(claim):
    """Nau, Gomez Canovas and Hansen (2004), section 4: the only equilibrium is irrational.

    Fractions near it are no equilibrium, so none of them may take its place.
    """
    payoffs = [[3, 0, 0, 1, 1, 0, 0, 2], [0, 1, 2, 0, 0, 3, 1, 0], [2, 0, 0, 0, 0, 0, 0, 3]]
    game = NormalForm.from_payoffs(
        np.stack([np.array(player).reshape((2, 2, 2), order="F") for player in payoffs])
    )
    claim(
        Profile.from_weights(
            [0.619232579472553789, 0.380767420527446211],
            [0.479804222677605238, 0.520195777322394762],
            [0.378825336065631427, 0.621174663934368573],
        )
    )
    (equilibrium,) = solve(game, "claims").equilibria

    assert not equilibrium.certificate.exact
    assert equilibrium.certificate.regret <= 1e-12


def test_profiles_that_are_the_same_up_to_rounding_are_one(claim):
    # Mixed equilibria of three players need not be rational; these stay in floats.
    p = 2**0.5 - 1
    game = NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), int))
    one, other, far = (Profile(((q, 1 - q),) * 3) for q in (p, p + 1e-8, p + 1e-3))
    claim(one, other, far)

    assert len(solve(game, "claims").equilibria) == 2


def test_an_interrupt_is_not_swallowed(claim, monkeypatch):
    def interrupted(game):
        """Yield nothing."""
        raise KeyboardInterrupt
        yield

    claim()
    made = registry.get("claims")
    monkeypatch.setitem(
        registry._METHODS,
        "claims",
        registry.Method(
            "claims", made.form, made.accepts, made.finds, False, "", interrupted, "", 1
        ),
    )

    with pytest.raises(KeyboardInterrupt):
        solve(PENNIES)


# ------------------------------------------------------------------ how it is said


def test_no_pure_equilibrium_is_not_called_no_equilibrium():
    solution = solve(PENNIES, "pure_enumeration")

    assert solution.status is Status.NONE_FOUND
    assert "mixed strategies were not searched" in solution.reason


@pytest.mark.parametrize("method", ["lemke_howson", "zero_sum_lp"])
def test_a_method_that_does_not_promise_all_says_that_there_may_be_more(method):
    solution = solve(PENNIES, method)

    assert solution.status is Status.SOLVED
    assert solution.reason.endswith("there may be more")


def test_a_solution_prints_as_text():
    text = str(solve(BATTLE))

    assert "battle" in text
    assert "opera with probability 3/5, match with 2/5" in text
    assert "regret 0, exact" in text


def test_bounds_are_over_all_equilibria():
    assert solve(BATTLE).bounds()["she"] == (1.2, 3.0)


# ------------------------------------------------------------------ games, files, regimes


def test_a_spec_is_solved_under_its_regimes_presets_and_parameters():
    free, fixed = solve(WALL), solve(WALL, regime="fixed")

    assert (free.game, free.source, free.form) == ("wall", "python", "normal")
    assert free.parameters == {"gain": 2}
    assert free.bounds()["A"] == (0, 2)
    assert fixed.regime == "fixed"
    assert fixed.bounds()["A"] == (0, 0)
    assert solve(WALL, preset="small").bounds()["A"] == (0, 0.5)
    assert solve(WALL, preset="small", gain=3).parameters == {"gain": 3}
    assert solve(WALL, regime=Regime("mine", fix={"b": "left"})).regime == "mine"


def test_the_form_of_a_spec_is_what_is_solved():
    form = form_of(WALL, preset="small")

    assert isinstance(form, NormalForm)
    assert form.exact is not None
    assert form.exact.max() == 1
    assert form_of(WALL, gain=3).payoffs.max() == 3


@pytest.mark.parametrize(
    "request_",
    [{"regime": "fxed"}, {"preset": "smal"}, {"gian": 1}, {"gain": "much"}],
    ids=str,
)
def test_an_unknown_regime_preset_parameter_or_value_is_refused(request_):
    with pytest.raises(RequestError):
        solve(WALL, **request_)


def test_a_form_has_no_regimes_or_parameters():
    with pytest.raises(RequestError, match=r"no regimes, presets or parameters \(regime, gain"):
        solve(PENNIES, regime="fixed", gain=1)


def test_a_file_is_solved_by_its_path(tmp_path):
    path = tmp_path / "pennies.nfg"
    path.write_text(format_nfg(PENNIES), "utf-8")
    solution = solve(path)

    assert solution.source == str(path)
    assert solution.game == "pennies"
    assert [e.profile.strategies for e in solution.equilibria] == [((HALF, HALF), (HALF, HALF))]


def test_what_is_no_game_is_refused():
    with pytest.raises(RequestError, match="int is not a game"):
        solve(3)
    with pytest.raises(RequestError):
        solve("no_such_game_anywhere")


# ------------------------------------------------------------------ trees


def test_a_tree_is_told_by_information_sets_and_its_path_of_play():
    solution = solve(trees.entry_deterrence())
    (equilibrium,) = solution.equilibria

    assert solution.form == "extensive"
    assert equilibrium.strategies == {
        "Entrant": {"enter": {"Out": 0, "In": 1}},
        "Incumbent": {"react": {"Fight": 0, "Accommodate": 1}},
    }
    assert equilibrium.payoffs == {"Entrant": 1, "Incumbent": 1}
    assert equilibrium.path == ("Entrant at enter: In", "Incumbent at react: Accommodate")
    assert equilibrium.certificate.refinement == "subgame perfect"


def test_the_path_of_play_leaves_out_what_is_not_reached_and_tells_mixtures():
    game = trees.battle_with_outside_option()
    paths = {equilibrium.path for equilibrium in solve(game).equilibria}

    assert all(1 <= len(path) <= 3 for path in paths)
    assert any(len(path) == 1 for path in paths)
