"""Many draws under several regimes: closed forms are met, and what has no answer is flagged.

The games are small enough to be solved by hand; their closed forms stand beside them.
"""

from __future__ import annotations

import pickle
import time
from importlib import import_module
from multiprocessing import active_children

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Regime, Stage
from highfence.errors import LimitExceeded, Problem, RequestError, SpecError
from highfence.study.draws import CHUNK, LEAST, Draws, keep_workers, solve_draws
from highfence.study.sample import sample
from study_games import battle, duopoly, pursuit

DUOPOLY = duopoly(
    Parameter("a", 100, low=80, high=120),
    Parameter("c", 10, low=5, high=20),
    Parameter("tax", 6, low=0, high=9),
    Parameter("season", "calm", choices=("calm", "storm")),
    price="a - q_1 - q_2 - 10 * (season == 'storm')",
    outcomes=["price", "q_1"],
    presets={"small": {"a": 90}},
)

PURSUIT = pursuit(
    Parameter("goal", 0.5, low=0.1, high=0.9),
    Parameter("sign", -1),
    regimes=[Regime("meet"), Regime("hide", set={"sign": 1})],
)

# Tsebelis's inspection game: the inspectee gains d undetected and loses b detected, the
# inspector pays e to inspect, loses c by a miss and a by a catch. The inspectee violates with
# probability e/(e + c - a), the inspector inspects with d/(b + d) (Avenhaus and Canty 1996).
INSPECTION = Game(
    name="inspection",
    players=["inspectee", "inspector"],
    parameters=[
        Parameter("d", 1, low=0.5, high=2),
        Parameter("b", 3, low=1, high=5),
        Parameter("c", 1, low=0.6, high=2),
    ],
    stages=[
        Stage(
            "now",
            Decision("inspectee", "act", ["comply", "violate"]),
            Decision("inspector", "look", ["rest", "inspect"]),
        )
    ],
    derived={
        "caught": "1 * (act == 'violate' and look == 'inspect')",
        "missed": "1 * (act == 'violate' and look == 'rest')",
    },
    payoffs={
        "inspectee": "d * missed - b * caught",
        "inspector": "-c * missed - 0.2 * caught - 0.1 * (act == 'comply' and look == 'inspect')",
    },
    regimes=[Regime("open"), Regime("always", fix={"look": "inspect"})],
)

# Three players of whom the first two play matching pennies unless B is told what to do.
PENNIES = Game(
    name="pennies",
    players=["A", "B", "C"],
    parameters=[Parameter("stake", 1), Parameter("share", 1)],
    stages=[
        Stage(
            "go",
            *(Decision(player, player.lower(), ["left", "right"]) for player in ("A", "B", "C")),
        )
    ],
    derived={"same": "1 * ((a == 'left') == (b == 'left'))"},
    payoffs={"A": "stake * same / share", "B": "-same", "C": "stake * (c == 'left')"},
    regimes=[Regime("told", fix={"b": "left"}), Regime("untold")],
)


# ---------------------------------------------------------------------------------------------
# Closed forms


@pytest.fixture
def part(monkeypatch) -> int:
    """Return how many draws are solved at once, made few."""
    draws = import_module("highfence.study.draws")
    for name, few in (("CHUNK", 24), ("ALONE", 24), ("LEAST", 8)):
        monkeypatch.setattr(draws, name, few)
    return 24


def test_every_draw_of_a_staged_game_meets_the_closed_form():
    draws = sample(DUOPOLY, 20, 4)
    found = solve_draws(DUOPOLY, draws)

    assert found.regimes == ("free", "taxed")
    assert found.names == ("G", "one", "two", "price", "q_1")
    assert found.certified.all()
    assert (found.count == 1).all()
    assert (found.rejected == 0).all()
    assert found.regret.max() <= 1e-4
    a, c = draws["a"], draws["c"]
    for regime, due in enumerate([np.zeros(20), draws["tax"]]):
        q_1, q_2 = (a - c - 2 * due) / 3, (a - c + due) / 3
        closed = {
            "G": due * q_1, "one": q_1**2, "two": q_2**2, "price": a - q_1 - q_2, "q_1": q_1
        }  # fmt: skip
        for name, expected in closed.items():
            low, high = (side[:, regime] for side in found.column(name))
            # Payoffs are certified to 1e-4 of their scale, so quantities to its root.
            assert low == pytest.approx(expected, rel=1e-3, abs=1e-9), name
            assert (low == high).all()


def test_every_draw_of_a_finite_game_meets_the_closed_form():
    draws = sample(INSPECTION, 20, 9)
    found = solve_draws(INSPECTION, draws)

    assert found.certified.all()
    assert found.regret.max() < 1e-15
    d, b, c = draws["d"], draws["b"], draws["c"]
    violates, inspects = 0.1 / (c - 0.1), d / (b + d)
    caught, _ = found.column("caught")
    inspector, _ = found.column("inspector")
    inspectee, _ = found.column("inspectee")
    assert caught[:, 0] == pytest.approx(violates * inspects)
    assert inspector[:, 0] == pytest.approx(-c * violates)
    assert inspectee == pytest.approx(0, abs=1e-12)
    assert (caught[:, 1] == 0).all()
    assert inspector[:, 1] == pytest.approx(-0.1)


def test_all_regimes_are_solved_at_the_same_draws():
    """Where the tax is nothing, the two regimes are one game."""
    draws = {"tax": [0.0, 3.0], "c": [7.0, 8.0]}
    found = solve_draws(DUOPOLY, draws, ["taxed", "free"])

    assert found.regimes == ("taxed", "free")
    one, _ = found.column("one")
    assert one[0, 0] == pytest.approx(one[0, 1], rel=1e-4)
    assert one[1, 0] < one[1, 1]


def test_what_is_not_drawn_is_the_preset_or_what_is_given():
    def price(**more):
        return solve_draws(DUOPOLY, {"c": [5.0]}, "free", **more).column("price")[0].item()

    assert price() == pytest.approx((100 + 2 * 5) / 3, rel=1e-3)
    assert price(preset="small") == pytest.approx((90 + 2 * 5) / 3, rel=1e-3)
    assert price(preset="small", a=110) == pytest.approx((110 + 2 * 5) / 3, rel=1e-3)
    assert price(season="storm") == pytest.approx((90 + 2 * 5) / 3, rel=1e-3)


@pytest.mark.parametrize("name", ["workers", "tolerance", "parameters"])
def test_a_parameter_may_be_called_like_an_argument(name):
    """One alone asks for q at q (x - q): half of x, whatever x is called."""
    game = Game(
        name="named",
        players=["A"],
        parameters=[Parameter(name, 1), Parameter("unit", 1)],
        stages=[Stage("go", Decision("A", "q", Interval(0, 4)))],
        payoffs={"A": f"q * ({name} - q) * unit"},
        regimes=[Regime("any")],
    )

    def worth(**more):
        return solve_draws(game, {"unit": [1.0]}, **more).column("A")[0].item()

    assert worth() == pytest.approx(1 / 4, rel=1e-3)
    assert worth(parameters={name: 3}) == pytest.approx(9 / 4, rel=1e-3)
    assert worth(parameters={name: "3"}, preset="default") == pytest.approx(9 / 4, rel=1e-3)


def test_a_parameter_is_given_once():
    with pytest.raises(RequestError, match="a is given twice, in parameters and as a keyword"):
        solve_draws(DUOPOLY, {"c": [5.0]}, parameters={"a": 90}, a=90)


def test_several_equilibria_are_a_range():
    """Battle of the sexes: two pure equilibria and one mixed, in which each gets w/(w + 1)."""
    game = battle(
        Parameter("w", 2), regimes=[Regime("any"), Regime("gallant", fix={"his": "opera"})]
    )
    found = solve_draws(game, {"w": [2, 3]})

    assert found.count.tolist() == [[3, 1], [3, 1]]
    assert found.certified.all()
    low, high = found.column("he")
    assert low == pytest.approx(np.array([[2 / 3, 1], [3 / 4, 1]]))
    assert high == pytest.approx(np.array([[2, 1], [3, 1]]))


# ---------------------------------------------------------------------------------------------
# What is flagged


def test_a_staged_game_without_a_pure_equilibrium_is_flagged():
    draws = {"goal": [0.25, 0.5, 0.8]}
    found = solve_draws(PURSUIT, draws)

    assert found.certified.tolist() == [[True, False]] * 3
    assert found.count.tolist() == [[1, 0]] * 3
    assert np.isinf(found.regret[:, 1]).all()
    low, high = found.column("second")
    assert low[:, 0] == pytest.approx(0, abs=1e-4)
    assert np.isnan(low[:, 1]).all()
    assert np.isnan(high[:, 1]).all()


def test_three_players_mix_where_there_is_no_pure_equilibrium():
    found = solve_draws(PENNIES, {"stake": [1, 2, 3]})

    assert found.certified.all()
    assert found.column("same")[0] == pytest.approx(np.array([[1, 0.5]] * 3))
    assert found.column("C")[0][:, 1] == pytest.approx([1, 2, 3])


def test_a_regime_that_is_never_answered_has_its_columns_all_the_same():
    found = solve_draws(PURSUIT, {"goal": [0.3, 0.6, 0.7]}, ["hide"])

    assert not found.certified.any()
    assert found.names == ("first", "second", "apart")
    assert found.low.shape == (3, 1, 3)
    assert np.isnan(found.low).all()


def test_a_part_that_is_never_answered_joins_the_others(part):
    """Draws are solved in parts; in the second part the first player likes closeness."""
    signs = [1.0] * part + [-1.0] * part
    found = solve_draws(PURSUIT, {"sign": signs}, "meet", thorough=False)

    assert found.certified[:, 0].tolist() == [False] * part + [True] * part
    assert found.column("apart")[0][part:, 0] == pytest.approx(0, abs=1e-4)


def test_a_draw_at_which_the_game_is_wrong_is_flagged():
    found = solve_draws(PENNIES, {"share": [1.0, 0.0, 2.0]}, "told")

    assert found.certified[:, 0].tolist() == [True, False, True]
    assert found.column("A")[0][[0, 2], 0].tolist() == [1, 0.5]


def test_an_empty_interval_is_flagged():
    found = solve_draws(DUOPOLY, {"a": [100.0, -5.0]})

    assert found.certified.tolist() == [[True, True], [False, False]]


def test_nothing_is_certified_beyond_the_tolerance_asked_for():
    loose = solve_draws(DUOPOLY, {"c": [11.0]})
    strict = solve_draws(DUOPOLY, {"c": [11.0]}, tolerance=-1.0)

    assert loose.certified.all()
    assert not strict.certified.any()
    assert (strict.rejected == loose.count).all()


# ---------------------------------------------------------------------------------------------
# Processes, progress


def same(one: Draws, two: Draws) -> bool:
    """Return whether two results are equal to the bit."""
    arrays = ("low", "high", "count", "regret", "rejected")
    return (one.regimes, one.names) == (two.regimes, two.names) and all(
        getattr(one, name).tobytes() == getattr(two, name).tobytes() for name in arrays
    )


def test_two_processes_give_the_bits_of_one(part):
    draws = sample(PURSUIT, part + 9, 1, names=["goal"])
    steps: list[tuple[int, int]] = []

    one = solve_draws(PURSUIT, draws)
    two = solve_draws(PURSUIT, draws, workers=2, progress=lambda *step: steps.append(step))

    assert same(one, two)
    assert steps == sorted(set(steps))
    assert steps[-1] == (part + 9, part + 9)
    assert len(steps) > 2


@given(count=st.integers(1, 20_000), workers=st.integers(1, 8))
def test_parts_hold_every_draw_once_and_the_last_are_small(count, workers):
    """Where there are several workers none waits long for the others at the end."""
    parts = import_module("highfence.study.draws")._parts(count, workers)
    sizes = [part.stop - part.start for part in parts]

    assert [k for part in parts for k in range(count)[part]] == list(range(count))
    assert max(sizes) <= 1.5 * CHUNK
    if workers > 1 and count > 1000:
        assert sizes[-1] <= LEAST
        assert sizes == sorted(sizes, reverse=True)


def test_parts_of_a_study_share_their_processes(part):
    draws = sample(PURSUIT, part + 9, 1, names=["goal"])
    alone = solve_draws(PURSUIT, draws)

    with keep_workers(PURSUIT, 2, 2 * len(draws["goal"])):
        first = solve_draws(PURSUIT, draws, workers=2)
        started = {child.pid for child in active_children()}
        second = solve_draws(PURSUIT, draws, workers=2)
        assert {child.pid for child in active_children()} == started
        assert len(started) == 2
    assert not active_children()
    assert same(alone, first)
    assert same(alone, second)


def test_solving_again_gives_the_same_bits_and_order_does_not_matter():
    draws = sample(DUOPOLY, 6, 2)
    backwards = {name: column[::-1] for name, column in draws.items()}

    first, again, turned = (solve_draws(DUOPOLY, each) for each in (draws, draws, backwards))

    assert same(first, again)
    assert first.low.tobytes() == turned.low[::-1].tobytes()


def test_progress_is_told_after_every_part(part):
    steps: list[tuple[int, int]] = []

    solve_draws(
        PURSUIT,
        {"goal": np.full(2 * part, 0.5)},
        "meet",
        progress=lambda *step: steps.append(step),
    )

    assert steps == [(part, 2 * part), (2 * part, 2 * part)]


def test_progress_of_a_finite_game_ends_with_its_last_draw(part):
    steps: list[tuple[int, int]] = []

    solve_draws(PENNIES, {"stake": np.ones(8 * part)}, progress=lambda *step: steps.append(step))

    assert steps == sorted(set(steps))
    assert steps[-1] == (8 * part, 8 * part)
    assert len(steps) > 1


def test_a_game_with_a_callable_is_solved_in_one_process_only():
    def gain(x, q):
        return x * q - q * q

    game = Game(
        name="called",
        players=["A"],
        parameters=[Parameter("x", 1)],
        stages=[Stage("go", Decision("A", "q", Interval(0, 1)))],
        derived={"gain": gain},
        payoffs={"A": "gain"},
        regimes=[Regime("any")],
    )
    draws = {"x": np.linspace(0.5, 1.5, CHUNK + 1)}

    found = solve_draws(game, draws)
    assert found.column("A")[0][:, 0] == pytest.approx(draws["x"] ** 2 / 4, rel=1e-3)
    with pytest.raises(RequestError, match="gain is a Python callable"):
        solve_draws(game, draws, workers=2)


@pytest.mark.parametrize("kind", [SpecError, LimitExceeded])
def test_an_error_in_another_process_says_the_same_here(kind):
    problems = [Problem("file: key", "it is wrong", "Mend it", 3), Problem("", "so is this")]

    copy = pickle.loads(pickle.dumps(kind(problems)))

    assert type(copy) is kind
    assert copy.problems == tuple(problems)
    assert str(copy) == str(kind(problems))


def test_results_cannot_be_written_over():
    found = solve_draws(PENNIES, {"stake": [1]}, "told")

    for array in (found.low, found.high, found.count, found.regret, found.rejected):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# ---------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("draws", "regimes", "more", "says"),
    [
        ({"cc": [1.0]}, None, {}, r"no numeric parameter 'cc'\. Did you mean 'c'\?"),
        ({"season": [1.0]}, None, {}, "no numeric parameter 'season'"),
        ({"c": [1.0]}, ["fre"], {}, r"no regime 'fre'\. Did you mean 'free'\?"),
        ({"c": [1.0]}, "fre", {}, "no regime 'fre'"),
        ({"c": [1.0]}, [], {}, "at least one regime"),
        ({"c": [1.0, 2.0], "a": [1.0]}, None, {}, "of one length"),
        ({"c": [[1.0]]}, None, {}, "one-dimensional"),
        ({"c": 1.0}, None, {}, "one-dimensional"),
        ({"c": []}, None, {}, "there are no draws"),
        ({}, None, {}, "draws are"),
        ({"c": [1.0, np.nan]}, None, {}, "draws of c are not all finite"),
        ({"c": [np.inf]}, None, {}, "draws of c are not all finite"),
        ({"c": ["low"]}, None, {}, "draws of c are not all finite"),
        ({"c": [[1.0], [1.0, 2.0]]}, None, {}, "draws of c are not all finite"),
        ({"c": [1.0]}, None, {"taxs": 1}, r"no parameter 'taxs'\. Did you mean 'tax'"),
        ({"c": [1.0]}, None, {"preset": "smal"}, "no preset 'smal'"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_solved(draws, regimes, more, says):
    started = time.process_time()

    with pytest.raises(RequestError, match=says):
        solve_draws(DUOPOLY, draws, regimes, **more)

    assert time.process_time() - started < 1


def test_an_unknown_column_is_refused_by_name():
    found = solve_draws(PENNIES, {"stake": [1]}, "told")

    with pytest.raises(RequestError, match=r"no column 'sane'\. Did you mean 'same'"):
        found.column("sane")
