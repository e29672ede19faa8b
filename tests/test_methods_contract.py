"""What every registered method owes, whichever it is: a new one is tested by being there.

And, for the methods of the strategic form: answers do not depend on how payoffs are scaled,
strategies ordered or rows repeated, and the set of all equilibria is the one that a plain
enumeration of all bases gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import trees
from highfence import Decision, Game, Interval, Stage, limits, tolerances
from highfence.certify import certify
from highfence.errors import NotApplicable
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm
from highfence.forms.markov import MarkovForm
from highfence.forms.normal import NormalForm, Profile
from highfence.forms.staged import StagedForm
from highfence.methods import registry
from highfence.methods.extreme import components, extreme_enumeration, maximal_nash_subsets
from highfence.methods.lemke_howson import lemke_howson
from highfence.methods.pure import pure_enumeration
from highfence.methods.registry import Method
from highfence.methods.zero_sum import zero_sum_lp
from highfence.solution import Findings, Finds
from highfence.solve import candidates, solve
from searches import drained
from strategies import SMALL, strategic_games, two_player_games, zero_sum_games

METHODS = registry.all_methods()
STRATEGIC = registry.for_form(NormalForm)
EXACT = [method for method in STRATEGIC if method.exact]
OF_NASHPY = [method for method in STRATEGIC if method.name.startswith("nashpy")]
HALF = Fraction(1, 2)


def duopoly() -> StagedForm:
    """Return a Cournot duopoly: price 12 - q1 - q2, no costs. The equilibrium is q = 4."""
    game = Game(
        name="duopoly",
        players=["one", "two"],
        stages=[
            Stage(
                "supply",
                Decision("one", "q1", Interval(0, 12)),
                Decision("two", "q2", Interval(0, 12)),
            )
        ],
        payoffs={"one": "q1 * (12 - q1 - q2)", "two": "q2 * (12 - q1 - q2)"},
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    return form


def leader() -> StagedForm:
    """Return the same market with one firm first: q = 6 and 3."""
    game = Game(
        name="leader",
        players=["one", "two"],
        stages=[
            Stage("first", Decision("one", "q1", Interval(0, 12))),
            Stage("then", Decision("two", "q2", Interval(0, 12))),
        ],
        payoffs={"one": "q1 * (12 - q1 - q2)", "two": "q2 * (12 - q1 - q2)"},
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    return form


def strategic(seed: int) -> NormalForm:
    """Return a random game with ties; every third is zero-sum."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 5, 2)
    row = rng.integers(-2, 3, size)
    column = -row if seed % 3 == 0 else rng.integers(-2, 3, size)
    return NormalForm.bimatrix(row, column)


def dynamic(seed: int, players: int = 2, horizon: int | None = None) -> MarkovForm:
    """Return a random dynamic game of three states in which players have one to three actions."""
    rng = np.random.default_rng(seed)
    sizes = [tuple(rng.integers(1, 4, players)) for _ in range(3)]
    return MarkovForm.from_arrays(
        [rng.random((players, *size)) for size in sizes],
        [rng.dirichlet(np.ones(3), size=size) for size in sizes],
        0.8,
        horizon=horizon,
    )


def pursuit() -> MarkovForm:
    """Return a game without end in which two players move in turn on a line of three places."""
    return MarkovForm.build(
        ["one", "two"],
        [0, 1, 2],
        lambda gap: [["wait", "run"], ["wait", "run"]],
        lambda gap, a: [gap - 0.3 * (a[0] == "run"), -gap - 0.3 * (a[1] == "run")],
        lambda gap, a: {min(2, max(0, gap + (a[0] == "run") - (a[1] == "run"))): 1.0},
        0.7,
        in_turn=True,
    )


SAMPLES: dict[type, list[Any]] = {
    MarkovForm: [
        dynamic(0),
        dynamic(1, 3),
        dynamic(2, horizon=2),
        dynamic(3, 3, horizon=3),
        pursuit(),
    ],
    NormalForm: [
        *map(strategic, range(12)),
        NormalForm.from_payoffs(np.zeros((3, 2, 1, 2), int)),
        NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), int)),
    ],
    ExtensiveForm: [
        trees.entry_deterrence(),
        trees.centipede(3),
        trees.selten_horse(),
        trees.beer_quiche(),
        trees.battle_with_outside_option(),
        trees.kuhn_poker(),
    ],
    StagedForm: [duopoly(), leader()],
}


def run(method: Method, form: Any) -> tuple[list[Any], Findings]:
    """Return all that a method yields, and what it says of its search."""
    return drained(method.function(form))


def taken(method: Method) -> list[Any]:
    """Return the sample games that a method takes."""
    return [form for form in SAMPLES[method.form] if method.accepts(form)]


# ------------------------------------------------------------------ every method


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_method_declares_what_it_does(method):
    assert method.name.isidentifier()
    assert method.source
    assert method.summary.startswith("Yield ")
    assert method.summary.endswith(".")
    assert method.domain or method.accepts is None
    assert method.use
    assert method.form in SAMPLES
    assert taken(method), "add a sample that this method takes"


def test_ranks_settle_which_method_auto_takes():
    for form in SAMPLES:
        ranks = [method.rank for method in registry.for_form(form)]
        assert len(ranks) == len(set(ranks))


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_method_reports_on_its_search_and_what_it_yields_is_certified(method):
    for form in taken(method):
        profiles, findings = run(method, form)

        assert isinstance(findings, Findings)
        if method.finds is not Finds.SOME:
            assert findings.complete or findings.notes
        if findings.proves_none:
            assert not profiles
        if method.finds is Finds.ONE:
            assert len(profiles) == 1
        for profile in profiles:
            certificate = certify(form, profile)
            if method.exact:
                assert certificate.exact
                assert certificate.regret == 0
            elif method not in OF_NASHPY:  # nashpy's errors are the next test's matter
                assert certificate.holds


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_solve_gives_nothing_uncertified_whichever_method_is_asked(method):
    for form in taken(method):
        solution = solve(form, method.name)

        assert solution.method == method.name
        assert solution.finds is method.finds
        assert all(equilibrium.certificate.holds for equilibrium in solution.equilibria)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_method_yields_the_same_again(method):
    form = taken(method)[0]

    def told() -> list[Any]:
        found = solve(form, method.name).equilibria
        return [(equilibrium.payoffs, equilibrium.strategies) for equilibrium in found]

    assert told() == told()


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_game_outside_the_domain_is_refused_with_the_methods_that_take_it(method):
    for forms in SAMPLES.values():
        for form in forms:
            if method not in [one.method for one in candidates(form)]:
                with pytest.raises(NotApplicable, match=f"{method.name} cannot .*Methods that can"):
                    solve(form, method.name)


# ------------------------------------------------------------------ the strategic form


@pytest.mark.parametrize("method", STRATEGIC, ids=str)
@settings(max_examples=30)
@given(data=st.data())
def test_every_equilibrium_of_a_strategic_method_is_certified(method, data):
    """No player gains by deviating, whichever method claims the profile."""
    game = data.draw(
        zero_sum_games(3) if method is zero_sum_lp else strategic_games(most_strategies=3)
    )
    assume(method.accepts(game))
    solution = solve(game, method.name)

    assert all(equilibrium.certificate.holds for equilibrium in solution.equilibria)
    if method not in OF_NASHPY:
        assert solution.rejected == 0
        assert solution.equilibria or method is pure_enumeration


@pytest.mark.parametrize("method", EXACT, ids=str)
@settings(max_examples=40)
@given(game=strategic_games())
def test_an_exact_method_yields_profiles_of_regret_zero_each_once(method, game):
    assume(method.accepts(game))
    profiles, findings = run(method, game)

    assert findings.complete
    assert len(profiles) == len(set(profiles))
    for profile in profiles:
        certificate = certify(game, profile)
        assert certificate.exact
        assert certificate.regret == 0


@settings(max_examples=40)
@given(game=two_player_games(4, SMALL))
def test_float_methods_come_out_exact_on_rational_games(game):
    """What nashpy finds in floats is certified as a proof, after lifting."""
    everything = set(extreme_enumeration(game))
    subsets = maximal_nash_subsets(list(everything))
    for equilibrium in solve(game, "nashpy_lemke_howson").equilibria:
        assert equilibrium.certificate.exact
        assert equilibrium.certificate.regret == 0
        if subsets is not None and all(len(subset) == 1 for subset in subsets):
            assert equilibrium.profile in everything


# ------------------------------------------------------------------ all, and nothing else


def determinant(matrix: list[list[Fraction]]) -> Fraction:
    """Return the determinant by expansion: slow, and short enough to be right."""
    if not matrix:
        return Fraction(1)
    total, sign = Fraction(0), 1
    for k, entry in enumerate(matrix[0]):
        if entry:
            rest = [row[:k] + row[k + 1 :] for row in matrix[1:]]
            total += sign * entry * determinant(rest)
        sign = -sign
    return total


def cramer(
    matrix: list[list[Fraction]], right: Sequence[Fraction]
) -> tuple[tuple[Fraction, ...], bool]:
    """Return the solution of a square system, and whether there is exactly one."""
    whole = determinant(matrix)
    if whole == 0:
        return (), False
    columns = range(len(matrix))
    replaced = (
        [[*row[:k], b, *row[k + 1 :]] for row, b in zip(matrix, right, strict=True)]
        for k in columns
    )
    return tuple(determinant(changed) / whole for changed in replaced), True


def vertices(payoffs: Any) -> set[tuple[Fraction, ...]]:
    """Return the nonzero vertices of ``{x >= 0, payoffs x <= 1}`` by trying all bases."""
    size = payoffs.shape[1]
    inequalities = [[Fraction(v) for v in row] for row in payoffs]
    signs = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    sides = [(row, Fraction(1)) for row in inequalities] + [(row, Fraction(0)) for row in signs]
    found = set()
    for basis in combinations(sides, size):
        point, unique = cramer([row for row, _ in basis], [side for _, side in basis])
        if unique and min(point) >= 0 and any(point):
            values = [sum(a * x for a, x in zip(row, point, strict=True)) for row in inequalities]
            if all(value <= 1 for value in values):
                found.add(point)
    return found


def plainly_all(game: NormalForm) -> set[Profile]:
    """Return all extreme equilibria: the pairs of vertices that are mutual best responses."""
    table = game.rational()
    row = table[0] - table[0].min() + 1
    column = (table[1] - table[1].min() + 1).T
    found = set()
    for x in vertices(column):
        for y in vertices(row):
            row_values, column_values = row @ np.array(y), column @ np.array(x)
            if all(v == row_values.max() for p, v in zip(x, row_values, strict=True) if p) and all(
                v == column_values.max() for p, v in zip(y, column_values, strict=True) if p
            ):
                found.add(Profile((tuple(p / sum(x) for p in x), tuple(q / sum(y) for q in y))))
    return found


@settings(max_examples=100)
@given(game=two_player_games(3))
def test_extreme_enumeration_finds_all_extreme_equilibria_and_nothing_else(game):
    assert set(extreme_enumeration(game)) == plainly_all(game)


@settings(max_examples=30)
@given(game=two_player_games(4, st.integers(0, 1)))
def test_extreme_enumeration_is_right_where_almost_everything_ties(game):
    assert set(extreme_enumeration(game)) == plainly_all(game)


def test_points_inside_a_face_are_not_taken_for_vertices():
    """Vertices of this game that share all but one of their labels need not be adjacent."""
    game = NormalForm.bimatrix(
        [[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]],
        [[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1]],
    )

    assert len(plainly_all(game)) == 9
    assert set(extreme_enumeration(game)) == plainly_all(game)


@settings(max_examples=50)
@given(game=two_player_games(5))
def test_all_equilibria_include_every_pure_one_and_every_end_of_a_path(game):
    everything = set(extreme_enumeration(game))

    assert set(pure_enumeration(game)) <= everything
    assert set(lemke_howson(game)) <= everything


@settings(max_examples=50)
@given(game=zero_sum_games(5))
def test_all_equilibria_of_a_zero_sum_game_pay_the_same(game):
    payoffs = {game.expected_payoffs(profile) for profile in extreme_enumeration(game)}
    by_program = solve(game, "zero_sum_lp").equilibria[0]

    assert payoffs == {tuple(by_program.payoffs.values())}


def test_a_random_game_has_an_odd_number_of_equilibria():
    """Wilson (1971): nondegenerate games do. Random floats are nondegenerate."""
    rng = np.random.default_rng(0)
    for size in (2, 3, 4, 5, 6, 7):
        for _ in range(10):
            game = NormalForm.from_payoffs(rng.random((2, size, size)))
            assert len(list(extreme_enumeration(game))) % 2 == 1


@settings(max_examples=40)
@given(game=two_player_games(4, SMALL), data=st.data())
def test_every_mixture_within_a_maximal_nash_subset_is_an_equilibrium(game, data):
    profiles = list(extreme_enumeration(game))
    subsets = maximal_nash_subsets(profiles)
    assert subsets is not None
    assert {index for subset in subsets for index in subset} == set(range(len(profiles)))
    for subset in subsets:
        mixture = []
        for player in (0, 1):
            corners = [profiles[index].strategies[player] for index in subset]
            weights = data.draw(
                st.lists(st.integers(1, 5), min_size=len(corners), max_size=len(corners))
            )
            mixture.append(
                tuple(
                    sum((w * p for w, p in zip(weights, column, strict=True)), Fraction(0))
                    / sum(weights)
                    for column in zip(*corners, strict=True)
                )
            )
        assert certify(game, Profile(tuple(mixture))).regret == 0


@settings(max_examples=40)
@given(game=two_player_games(4, SMALL))
def test_components_part_the_equilibria_and_hold_subsets_whole(game):
    profiles = list(extreme_enumeration(game))
    parts = components(profiles)
    subsets = maximal_nash_subsets(profiles)

    assert sorted(index for part in parts for index in part) == list(range(len(profiles)))
    assert subsets is not None
    for subset in subsets:
        assert any(set(subset) <= set(part) for part in parts)
    for k, part in enumerate(parts):
        for other in parts[k + 1 :]:
            for player in (0, 1):
                ours = {profiles[index].strategies[player] for index in part}
                assert ours.isdisjoint(profiles[index].strategies[player] for index in other)


# ------------------------------------------------------------------ what must not matter


def as_set(profiles: Iterator[Profile]) -> set[tuple[tuple[Any, ...], ...]]:
    """Return the strategies of profiles as a set."""
    return {profile.strategies for profile in profiles}


@settings(max_examples=50)
@given(
    game=two_player_games(4, SMALL),
    scales=st.tuples(*[st.fractions(Fraction(1, 99), 99)] * 2),
    shifts=st.tuples(*[st.fractions(-99, 99)] * 2),
)
def test_positive_affine_payoffs_have_the_same_equilibria(game, scales, shifts):
    factor, shift = (np.array(pair, dtype=object).reshape(2, 1, 1) for pair in (scales, shifts))
    changed = NormalForm.from_payoffs(game.rational() * factor + shift)

    for method in (extreme_enumeration, pure_enumeration, lemke_howson):
        assert as_set(method(changed)) == as_set(method(game))


@settings(max_examples=50)
@given(game=two_player_games(4, SMALL), data=st.data())
def test_adding_to_all_payoffs_against_one_strategy_changes_nothing(game, data):
    table = game.rational().copy()
    m, n = game.num_strategies
    table[0] += np.array(data.draw(st.lists(SMALL, min_size=n, max_size=n)), dtype=object)
    table[1] += np.array(data.draw(st.lists(SMALL, min_size=m, max_size=m)), dtype=object)[:, None]

    assert as_set(extreme_enumeration(NormalForm.from_payoffs(table))) == as_set(
        extreme_enumeration(game)
    )


@settings(max_examples=50)
@given(game=two_player_games(4, SMALL), data=st.data())
def test_the_order_of_strategies_and_players_does_not_matter(game, data):
    orders = [data.draw(st.permutations(range(count))) for count in game.num_strategies]
    table = game.rational()[:, orders[0], :][:, :, orders[1]]
    permuted = NormalForm.from_payoffs(table)
    exchanged = NormalForm.from_payoffs(np.stack([game.rational()[1].T, game.rational()[0].T]))

    for method in (extreme_enumeration, pure_enumeration):
        assert as_set(method(permuted)) == {
            tuple(
                tuple(strategy[k] for k in order)
                for strategy, order in zip(profile.strategies, orders, strict=True)
            )
            for profile in method(game)
        }
        assert as_set(method(exchanged)) == {p.strategies[::-1] for p in method(game)}


@settings(max_examples=50)
@given(game=two_player_games(3, SMALL), data=st.data())
def test_a_row_repeated_plays_the_part_of_the_first(game, data):
    """Merging the copies maps the equilibria of the larger game onto those of the smaller."""
    row = data.draw(st.integers(0, game.num_strategies[0] - 1))
    table = game.rational()
    repeated = NormalForm.from_payoffs(np.concatenate([table, table[:, row : row + 1]], axis=1))
    merged = set()
    for profile in extreme_enumeration(repeated):
        x = list(profile.strategies[0])
        copy = x.pop()
        x[row] += copy
        merged.add((tuple(x), profile.strategies[1]))

    assert merged == as_set(extreme_enumeration(game))


@settings(max_examples=50)
@given(game=two_player_games(3, SMALL), margin=st.integers(1, 3))
def test_a_strictly_dominated_row_changes_nothing(game, margin):
    """Also where it is dominated only after columns are: Bernheim (1984), Pearce (1984)."""
    table = game.rational()
    worse = table[:, :1].copy()
    worse[0] -= margin
    larger = NormalForm.from_payoffs(np.concatenate([table, worse], axis=1))
    wanted = {((*x, Fraction(0)), y) for x, y in as_set(extreme_enumeration(game))}

    assert as_set(extreme_enumeration(larger)) == wanted


@pytest.mark.parametrize("scale", ["1e-10", "1e-5", "1e5", "1e10"])
@settings(max_examples=10)
@given(game=two_player_games(4, SMALL))
def test_exact_answers_do_not_depend_on_the_scale_of_payoffs(scale, game):
    scaled = NormalForm.from_payoffs(game.rational() * Fraction(scale))
    solution, reference = solve(scaled), solve(game)

    assert [e.profile for e in solution.equilibria] == [e.profile for e in reference.equilibria]
    assert solution.subsets == reference.subsets
    assert solution.components == reference.components
    assert all(e.certificate.regret == 0 for e in solution.equilibria)


FLOAT_METHODS = [method for method in STRATEGIC if not method.exact]


@pytest.mark.parametrize("method", FLOAT_METHODS, ids=str)
@pytest.mark.parametrize("scales", [(1e-10, 1e-10), (1e10, 1e10), (1e-10, 1e10), (1e-9, 1e-9)])
def test_float_methods_work_at_every_scale_and_at_mixed_scales(method, scales):
    """A solver's tolerances are absolute: matching pennies times 1e-9 has 'optimal' pure play."""
    base = np.array([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]])
    if method is zero_sum_lp:
        scales = (scales[0], scales[0])
    game = NormalForm.from_payoffs(base * np.array(scales).reshape(2, 1, 1))
    solution = solve(game, method.name)

    assert [e.profile.strategies for e in solution.equilibria] == [((HALF, HALF), (HALF, HALF))]
    assert solution.equilibria[0].certificate.regret == 0


# ------------------------------------------------------------------ single methods


def test_integers_that_no_float_holds_are_told_apart_by_the_pure_enumeration():
    game = NormalForm.from_payoffs([[2**53, 2**53 + 1, 0]])

    assert [profile.supports for profile in pure_enumeration(game)] == [((1,),)]


def test_pure_equilibria_come_in_lexicographic_order_for_any_number_of_players():
    everywhere = NormalForm.from_payoffs(np.zeros((3, 2, 2, 2), dtype=int))
    supports = [tuple(k for (k,) in profile.supports) for profile in pure_enumeration(everywhere)]

    assert supports == list(np.ndindex(2, 2, 2))


def test_enumeration_that_would_pass_a_limit_yields_nothing_and_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_BASES", 20)
    game = NormalForm.from_payoffs(np.random.default_rng(0).random((2, 6, 6)))
    profiles, findings = run(extreme_enumeration, game)

    assert profiles == []
    assert not findings.complete
    assert "MAX_BASES" in findings.notes[0]


def test_too_many_degenerate_vertices_are_a_limit_of_their_own(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PAIRS", 100)
    game = NormalForm.from_payoffs(np.random.default_rng(0).integers(0, 4, (2, 11, 11)))

    assert "MAX_PAIRS" in run(extreme_enumeration, game)[1].notes[0]


def test_paths_that_would_pass_a_limit_are_counted(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIVOTS", 30)
    game = NormalForm.from_payoffs(np.random.default_rng(0).random((2, 12, 12)))
    profiles, findings = run(lemke_howson, game)

    assert not findings.complete
    assert "of 24 Lemke-Howson paths" in findings.notes[0]
    assert all(certify(game, profile).regret == 0 for profile in profiles)


def test_too_many_maximal_nash_subsets_are_not_listed(monkeypatch):
    # Each column pays against all rows but one: every set of rows is a neighborhood.
    size = 5
    nodes = [[tuple(Fraction(int(k == j)) for j in range(size))] for k in range(size)]
    profiles = [
        Profile((nodes[i][0], nodes[j][0])) for i in range(size) for j in range(size) if i != j
    ]
    assert len(maximal_nash_subsets(profiles) or ()) == 2**size - 2
    monkeypatch.setattr(limits, "MAX_SUBSETS", 10)

    assert maximal_nash_subsets(profiles) is None


def test_paths_end_where_the_ratio_test_alone_would_cycle():
    """Ties among ratios: without the lexicographic rule the third path of this game has no end."""
    game = NormalForm.bimatrix(
        [[-1, 0, 1, 0, 1], [1, 1, 1, 0, 1], [-1, 0, 0, -1, 1]],
        [[-1, -1, 1, 1, 1], [0, 0, -1, 1, -1], [0, 1, 1, 1, 0]],
    )

    assert run(lemke_howson, game)[1].complete


def test_a_game_of_dozens_of_strategies_gets_an_exact_equilibrium():
    game = NormalForm.from_payoffs(np.random.default_rng(1).random((2, 30, 30)))

    assert certify(game, next(lemke_howson(game))).regret == 0


def test_nashpys_warnings_are_notes_and_not_warnings():
    degenerate = NormalForm.bimatrix([[1, 1], [1, 1]], [[0, 1], [0, 1]])
    _, findings = run(registry.get("nashpy_support_enumeration"), degenerate)

    assert any("nashpy warned" in note for note in findings.notes)


def test_a_path_on_which_nashpy_cycles_is_given_up(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PATH_PIVOTS", 1)
    game = NormalForm.bimatrix([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], zero_sum=True)
    _, findings = run(registry.get("nashpy_lemke_howson"), game)

    assert not findings.complete
    assert "given up after 1 pivots" in findings.notes[0]


def test_the_same_profile_found_twice_is_one_equilibrium():
    """Every Lemke-Howson path of matching pennies ends in the same place."""
    pennies = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)

    assert len(run(registry.get("nashpy_lemke_howson"), pennies)[0]) == 4
    assert len(solve(pennies, "nashpy_lemke_howson").equilibria) == 1
    assert tolerances.SAME > 0
