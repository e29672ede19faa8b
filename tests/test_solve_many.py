"""Draws solved together have the answers of draws solved one by one, and the judge of the former
finds what is wrong with them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from highfence import Chance, Decision, Game, Interval, Parameter, Regime, Stage, load, solve
from highfence.certify.batch import batch_regret, ways_regret
from highfence.errors import NotApplicable, RequestError
from highfence.forms.batch import trees
from highfence.methods.batch_tree import REASONS, Block, Ways, solve_block, solve_ways
from highfence.solve_many import Answers, solve_many
from highfence.study.draws import solve_draws
from highfence.study.engines import starts_processes
from highfence.study.sample import sample

CATALOGUE = ("battle_of_the_sexes", "centipede", "chain_store", "enforcement_inspection",
             "offshoring", "prisoners_dilemma")  # fmt: skip
"""Finite games of the catalogue whose numbers have ranges and whose stages are no signals."""


def one_by_one(game, draws, k, regime=None, tolerance=1e-8):
    """Return the payoffs and outcomes of the equilibria of one draw, (equilibria, columns)."""
    solution = solve(
        game, regime=regime, **{name: float(column[k]) for name, column in draws.items()}
    )
    kept = [e for e in solution.equilibria if e.certificate.regret <= tolerance]
    return np.array([[float(x) for x in (*e.payoffs.values(), *e.outcomes.values())] for e in kept])


def assert_same(game, draws, found: Answers, regime=None):
    """Assert that the answers are those of ``solve`` at every draw."""
    for k in range(len(found.count)):
        table = one_by_one(game, draws, k, regime)
        assert found.count[k] == len(table)
        assert found.rejected[k] == 0
        if len(table):
            assert found.low[k] == pytest.approx(table.min(axis=0), abs=1e-9)
            assert found.high[k] == pytest.approx(table.max(axis=0), abs=1e-9)
            rows = slice(found.start[k], found.start[k + 1])
            assert found.equilibria[rows].sum() == len(table)
            for payoffs in found.payoffs[rows]:
                gaps = np.abs(table[:, : len(payoffs)] - payoffs).max(axis=1)
                assert gaps.min() < 1e-9


def random_game(rng: np.random.Generator, ties: bool, most: int = 3) -> Game:
    """Return a game of one to three stages: chance, single movers, and two or three at once.

    With ties, payoffs are small whole numbers whatever the draw. Before the last stage everybody
    has at ``most`` so many actions.
    """
    players = [f"p{i}" for i in range(rng.integers(2, 5))]
    stages, moves = [], []
    for s in range(int(rng.integers(1, 3))):
        kind = rng.random()
        if kind < 0.25:
            odds = {"o0": "q / 2", "o1": "q / 2", "o2": "1 - q"}
            stages.append(Stage(f"s{s}", Chance(f"m{s}", odds)))
            moves.append((f"m{s}", list(odds)))
            continue
        count = 1 if kind < 0.5 else int(rng.integers(2, min(len(players), 3) + 1))
        decisions = []
        for who in rng.choice(len(players), count, replace=False):
            actions = [f"a{j}" for j in range(rng.integers(2, most + 1))]
            decisions.append(Decision(players[who], f"m{s}_{who}", actions))
            moves.append((f"m{s}_{who}", actions))
        stages.append(Stage(f"s{s}", *decisions))
    decision = Decision(players[0], "last", ["a0", "a1"])
    stages.append(Stage("last", decision))
    moves.append(("last", ["a0", "a1"]))

    def formula(terms):
        parts = []
        for _ in range(terms):
            size = int(rng.integers(1, min(3, len(moves)) + 1))
            chosen = [moves[j] for j in rng.choice(len(moves), size, replace=False)]
            test = " and ".join(f"{name} == '{rng.choice(of)}'" for name, of in chosen)
            a, b, c = rng.integers(-9, 10, 3)
            number = str(abs(a) % 3) if ties else f"({a} / 10 + {b} / 10 * x + {c} / 3 * y)"
            parts.append(f"{number} * ({test})")
        return " + ".join(parts)

    return Game(
        name="random",
        players=players,
        parameters=[
            Parameter("x", 0.5, low=0, high=1),
            Parameter("y", 0.5, low=-1, high=1),
            Parameter("q", 0.3, low=0.1, high=0.9),
        ],
        stages=stages,
        derived={"metric": formula(4)},
        payoffs={player: formula(int(rng.integers(4, 14))) for player in players},
    )


# ---------------------------------------------------------------------------------------------
# The same answers


@pytest.mark.parametrize("name", CATALOGUE)
def test_games_of_the_catalogue_have_the_answers_of_solve(name):
    game = load(name)
    draws = sample(game, 12, 3)
    for regime in [regime.name for regime in game.regimes] or [None]:
        found = solve_many(game, draws, regime=regime)

        assert not found.exact.any()
        assert found.certified.all()
        assert found.regret.max() < 1e-14
        assert_same(game, draws, found, regime)


def test_a_signalling_game_is_solved_one_by_one():
    game = load("yard_credibility")
    draws = sample(game, 3, 3)

    found = solve_many(game, draws)

    assert found.exact.all()
    assert_same(game, draws, found)


@pytest.mark.parametrize("seed", range(30))
def test_random_games_have_the_answers_of_solve(seed):
    game = random_game(np.random.default_rng(seed), ties=seed % 3 == 0)
    draws = sample(game, 2, seed)
    trees_of = trees(game, tuple(draws))
    ((_, form),) = trees_of.sort(np.column_stack(list(draws.values())))
    block = solve_block(form, np.column_stack(list(draws.values())))
    if (block.status != 0).any() or block.answers()[0].max() > 30:
        pytest.skip("left to the method that it is compared with, or too many to list")

    assert_same(game, draws, solve_many(game, draws))


def test_random_games_are_mostly_solved_together():
    together = 0
    for seed in range(30):
        game = random_game(np.random.default_rng(seed), ties=seed % 3 == 0)
        table = np.full((1, 3), 0.4)
        for _, form in trees(game, ("x", "y", "q")).sort(table):
            together += solve_block(form, table).status[0] == 0

    assert together >= 20


def three_at_once(payoffs: dict[str, str], **parameters: float) -> Game:
    """Return a game in which three act at once unless the first of them stays out."""
    inside = {"when": "enter == 'in'"}
    actions = {"l": inside, "r": inside, "none": {"when": "enter == 'out'"}}
    decisions = [Decision(p, f"act_{p}", actions) for p in ("a", "b", "c")]
    return Game(
        name="three",
        players=["a", "b", "c"],
        parameters=[Parameter(name, value) for name, value in parameters.items()],
        stages=[Stage("open", Decision("a", "enter", ["out", "in"])), Stage("act", *decisions)],
        payoffs={player: f"where(enter == 'in', {f}, 0)" for player, f in payoffs.items()},
    )


MATCHING = {
    "a": "x * (act_a == act_b)",
    "b": "(act_b == act_c) + x / 2",
    "c": "2 * (act_c != act_a)",
}
"""One copies two, two copies three, three does the opposite of one: only a mixed equilibrium."""
AGREEING = {
    "a": "x + (act_a == act_b) * (act_b == act_c)",
    "b": "y * (act_a == act_b) * (act_b == act_c)",
    "c": "(act_a == act_b) * (act_b == act_c) * (1 + where(act_c == 'r', x, 0))",
}
"""All want to do the same: two pure equilibria, and mixed ones between them."""


def same(formula: str) -> str:
    """Return a formula in which ``act_a == act_b`` is written out in tests of actions."""
    for one, other in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")):
        both = f"((act_{one} == 'l') == (act_{other} == 'l'))"
        formula = formula.replace(f"(act_{one} == act_{other})", both)
        formula = formula.replace(f"(act_{one} != act_{other})", f"(1 - {both})")
    return formula


@pytest.mark.parametrize("payoffs", [MATCHING, AGREEING])
def test_mixed_equilibria_of_three_at_once_are_those_of_solve(payoffs):
    game = three_at_once({p: same(f) for p, f in payoffs.items()}, x=0.5, y=1)
    draws = {"x": np.array([0.25, 0.5, 0.9]), "y": np.array([1.0, 2.0, 3.5])}

    found = solve_many(game, draws)

    assert found.exact.all()
    assert found.certified.all()
    assert found.count.min() >= (1 if payoffs is MATCHING else 3)
    assert_same(game, draws, found)


def test_three_at_once_whom_dominance_settles_are_solved_together():
    """a has a dominant action, then b, then c; where x makes two indifferent they are not."""
    game = three_at_once(
        {
            "a": "1 + (act_a == 'r') + y * (act_b == 'r')",
            "b": "where(act_a == 'r', x * (act_b == 'r'), (act_b == 'l'))",
            "c": "where(act_b == 'r', act_n, 1 - act_n)".replace("act_n", "(act_c == 'l')"),
        },
        x=0.5,
        y=1,
    )
    draws = {"x": np.array([0.5, 0.0, 2.0, -0.5]), "y": np.array([1.0, 2.0, -0.5, 3.0])}

    found = solve_many(game, draws)

    assert found.exact.tolist() == [False, True, False, False]
    assert found.certified[[0, 2, 3]].all()
    assert found.count[[0, 2, 3]].tolist() == [1, 1, 1]
    settled = {name: column[[0, 2, 3]] for name, column in draws.items()}
    assert_same(game, settled, solve_many(game, settled))


def test_a_stage_too_large_for_all_equilibria_has_its_pure_ones(monkeypatch):
    """As backward induction does: with more paths to follow than the limit, pure ones."""
    game = three_at_once({p: same(f) for p, f in AGREEING.items()}, x=0.5, y=1)
    draws = {"x": np.array([0.25, 0.5]), "y": np.array([1.0, 2.0])}
    monkeypatch.setattr("highfence.limits.MAX_SUPPORT_PATHS", 10)

    found = solve_many(game, draws)

    assert not found.exact.any()
    assert found.count.tolist() == [2, 2]
    assert_same(game, draws, found)


def test_two_with_a_choice_among_three_players_have_their_mixed_equilibria():
    """A game of one stage, in which the third player has nothing to decide."""
    game = Game(
        name="pennies",
        players=["a", "b", "c"],
        parameters=[Parameter("x", 0.5)],
        stages=[Stage("show", Decision("a", "one", ["l", "r"]), Decision("b", "two", ["l", "r"]))],
        derived={"same": "(one == 'l') == (two == 'l')"},
        payoffs={"a": "where(same, 1 + x, 0)", "b": "where(same, 0, 1)", "c": "where(same, x, 1)"},
    )
    draws = {"x": np.array([0.25, 0.5])}

    found = solve_many(game, draws)

    assert not found.exact.any()
    assert found.count.tolist() == [1, 1]
    assert_same(game, draws, found)


def test_all_equilibria_along_indifference_are_counted():
    """The second mover is indifferent whatever the draw; the first prefers to be left alone."""
    game = Game(
        name="indifferent",
        players=["A", "B"],
        parameters=[Parameter("x", 0.5)],
        stages=[
            Stage("one", Decision("A", "enter", ["out", "in"])),
            Stage("two", Decision("B", "react", ["fight", "share"])),
        ],
        payoffs={
            "A": "where(enter == 'out', x, where(react == 'fight', 0, 1))",
            "B": "where(enter == 'out', 2, 1)",
        },
    )
    found = solve_many(game, {"x": [0.25, 0.5, 1.0, 2.0]})

    # Four plans of B; A enters where B shares after entry, and also stays out where x ties.
    assert found.count.tolist() == [4, 4, 6, 4]
    assert not found.exact.any()
    assert found.low[:, 0].tolist() == [0.25, 0.5, 1.0, 2.0]
    assert found.high[:, 0].tolist() == [1.0, 1.0, 1.0, 2.0]
    assert_same(game, {"x": np.array([0.25, 0.5, 1.0, 2.0])}, found)
    assert found.start.tolist() == [0, 2, 4, 6, 7]


def test_actions_that_the_draw_makes_available_make_another_tree():
    game = Game(
        name="caps",
        players=["A", "B"],
        parameters=[Parameter("cap", 1.0, low=0, high=3), Parameter("p", 0.5)],
        stages=[
            Stage("luck", Chance("luck", {"good": "p", "bad": "1 - p"})),
            Stage(
                "go", Decision("A", "act", {"rest": {"v": 0}, "run": {"v": 2, "when": "cap > 1"}})
            ),
            Stage("answer", Decision("B", "reply", ["no", "yes"])),
        ],
        payoffs={"A": "act.v * (luck == 'good') + cap", "B": "(reply == 'yes') * act.v - 1"},
    )
    draws = {"cap": np.array([0.5, 2.0, 2.0, 0.5]), "p": np.array([0.5, 0.5, 1.0, 0.0])}
    found = solve_many(game, draws)

    assert not found.exact.any()
    assert_same(game, draws, found)


def test_conditions_that_rounding_may_turn_over_are_decided_exactly():
    """0.1 + 0.2 is more than 0.3 in floats, and is not."""
    game = Game(
        name="edge",
        players=["A"],
        parameters=[Parameter("x", 0.1), Parameter("y", 0.2)],
        stages=[Stage("go", Decision("A", "act", ["stay", "leave"]))],
        payoffs={"A": "where(x + y > 0.3, 1, 2) * (act == 'leave')"},
    )
    found = solve_many(game, {"x": [0.1, 0.15], "y": [0.2, 0.2]})

    assert found.exact.tolist() == [True, False]
    assert found.column("A")[0].tolist() == [2, 1]


def test_near_ties_are_decided_exactly():
    game = Game(
        name="near",
        players=["A"],
        parameters=[Parameter("x", 1)],
        stages=[Stage("go", Decision("A", "act", ["stay", "leave", "wait"]))],
        payoffs={"A": "where(act == 'stay', 1, where(act == 'leave', x, 0))"},
    )
    found = solve_many(game, {"x": [1.0, 1 + 1e-9, 1 + 1e-6]})

    assert found.exact.tolist() == [False, True, False]
    assert found.count.tolist() == [2, 1, 1]


def test_a_draw_at_which_the_game_is_wrong_has_no_answer():
    game = Game(
        name="share",
        players=["A"],
        parameters=[Parameter("n", 1), Parameter("p", 0.5)],
        stages=[
            Stage("luck", Chance("luck", {"good": "p", "bad": "1 - p"})),
            Stage("go", Decision("A", "act", ["stay", "leave"])),
        ],
        payoffs={"A": "(act == 'leave') / n"},
    )
    found = solve_many(game, {"n": [1, 0, 2, 1], "p": [0.5, 0.5, 1.5, 0.2]})

    assert found.count.tolist() == [1, 0, 0, 1]
    assert np.isnan(found.low[1:3]).all()
    assert found.start.tolist() == [0, 1, 1, 1, 2]


def test_a_callable_is_solved_one_by_one():
    game = Game(
        name="called",
        players=["A"],
        parameters=[Parameter("x", 1)],
        stages=[Stage("go", Decision("A", "act", ["stay", "leave"]))],
        derived={"gain": lambda x: x * x},
        payoffs={"A": "gain * (act == 'leave')"},
    )
    found = solve_many(game, {"x": [1, 2]})

    assert found.exact.all()
    assert found.low[:, 0].tolist() == [1, 4]


# ---------------------------------------------------------------------------------------------
# Threads, studies


def test_a_parameter_may_be_called_like_an_argument():
    """Of a sure thing worth ``tolerance`` and a draw worth x, the better one is taken."""
    game = Game(
        name="named",
        players=["one"],
        parameters=[Parameter("x", 1), Parameter("tolerance", 2)],
        stages=[Stage("go", Decision("one", "a", ["sure", "draw"]))],
        payoffs={"one": "tolerance if a == 'sure' else x"},
    )
    draws = {"x": [1.0, 3.0, 5.0]}

    assert solve_many(game, draws).column("one")[0].tolist() == [2, 3, 5]
    found = solve_many(game, draws, parameters={"tolerance": 4}, tolerance=1e-9)
    assert found.column("one")[0].tolist() == [4, 4, 5]
    with pytest.raises(RequestError, match="x is given twice"):
        solve_many(game, {"tolerance": [1.0]}, parameters={"x": 1}, x=2)


def test_two_threads_give_the_bits_of_one():
    game = load("chain_store")
    draws = sample(game, 3000, 1)

    one, two = (solve_many(game, draws, workers=workers) for workers in (1, 2))

    for name in ("low", "high", "count", "regret", "start", "payoffs", "equilibria"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


def test_studies_take_the_answers_of_draws_solved_together():
    game = load("offshoring")
    draws = sample(game, 40, 5)
    table = solve_draws(game, draws)

    for r, regime in enumerate(table.regimes):
        found = solve_many(game, draws, regime=regime, tolerance=1e-4)
        assert table.names == found.names
        assert table.low[:, r].tobytes() == found.low.tobytes()
        assert table.count[:, r].tolist() == found.count.tolist()


# ---------------------------------------------------------------------------------------------
# The judge


def form_of(name, count):
    game = load(name)
    draws = sample(game, count, 2)
    table = np.column_stack(list(draws.values()))
    ((_, form),) = trees(game, tuple(draws)).sort(table)
    return form, table


def block_of(name="chain_store", count=5) -> Block:
    """Return answers of one equilibrium a stage."""
    block = solve_block(*form_of(name, count))
    assert (block.clear == 0).all()
    assert not block.others
    return block


def ways_of(name="chain_store", count=5) -> Ways:
    """Return answers that may have several."""
    return solve_ways(*form_of(name, count))


def test_the_judges_find_no_fault_with_what_was_found():
    assert batch_regret(block_of()).max() == 0
    assert ways_regret(ways_of()).max() == 0
    assert batch_regret(block_of("enforcement_inspection")).max() < 1e-15
    assert ways_regret(ways_of("enforcement_inspection")).max() < 1e-15


def test_the_judges_see_a_worse_action_in_any_stage():
    for stage in range(26):
        block, ways = block_of(), ways_of()
        cells = np.diff(block.form.stages.cell_start)
        block.cells[stage] = (block.cells[stage] + 1) % cells[stage]
        assert (ways.ways[:, stage, 0] == stage).all()
        ways.ways[:, stage, 2] = (ways.ways[:, stage, 2] + 1) % cells[stage]

        seen = batch_regret(block)
        assert seen.min() > 0.01, stage
        assert seen == pytest.approx(ways_regret(ways), rel=1e-12)


def test_the_judges_measure_the_gain_over_the_payoff_scale():
    """In the prisoners' dilemma the gain from defecting is known."""
    form, table = form_of("prisoners_dilemma", 5)
    block, ways = solve_block(form, table), solve_ways(form, table)
    payoffs = form.values(table)[:, :, :2]
    gain = payoffs[:, 2, 0] - payoffs[:, 0, 0]
    scale = np.ptp(payoffs[:, :, 0], axis=1)
    block.cells[0] = 0
    block.root[:2] = payoffs[:, 0].T
    ways.ways[:, 0, 2] = 0
    ways.values[:, 4, :2] = payoffs[:, 0]

    assert batch_regret(block) == pytest.approx(gain / scale)
    assert ways_regret(ways) == pytest.approx(gain / scale)


def test_the_judges_measure_the_gain_against_mixed_strategies():
    form, table = form_of("enforcement_inspection", 5)
    block, ways = solve_block(form, table), solve_ways(form, table)
    length = form.stages.axis_size.sum()
    assert (block.cells[0] == -2 - length * np.arange(5)).all()
    mixed = block.mixed[: 5 * length].reshape(5, length)
    assert mixed.tolist() == ways.mixed[:, :length].tolist()
    m = form.stages.axis_size[0]
    mixed[:, :m] = ways.mixed[:, :m] = np.arange(m) == 0

    regret = batch_regret(block)
    assert regret.min() > 0.01
    assert regret == pytest.approx(ways_regret(ways), rel=1e-12)


def test_the_judges_refuse_payoffs_that_are_not_those_of_the_strategies():
    block, ways = block_of(), ways_of()
    block.root[0] += 1
    ways.values[np.arange(5), ways.following[:, -1, 0], 0] += 1

    assert batch_regret(block).min() > 0.04
    assert ways_regret(ways).min() > 0.04


@pytest.mark.parametrize("share", [-0.1, 0.9])
def test_the_judges_refuse_what_is_no_probability(share):
    block, ways = block_of("enforcement_inspection"), ways_of("enforcement_inspection")
    block.mixed[-2 - block.cells[0]] = share
    ways.mixed[:, 0] = share

    assert np.isinf(batch_regret(block)).all()
    assert np.isinf(ways_regret(ways)).all()


def test_the_judges_refuse_answers_without_all_stages():
    block, ways = block_of(), ways_of()
    block.cells[3] = -1

    assert np.isinf(batch_regret(block)).all()
    assert np.isinf(ways_regret(replace(ways, way_count=ways.way_count - 1))).all()


@pytest.mark.parametrize("cell", [99, -(2**31)])
def test_the_judge_refuses_what_is_not_there(cell):
    block = block_of()
    block.cells[2, 1] = cell

    assert np.isinf(batch_regret(block)).tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("most", [3, 6])
@pytest.mark.parametrize("seed", range(30))
def test_draws_together_have_the_answers_of_each_alone(seed, most):
    """The loop over draws side by side says what the one over each draw says."""
    game = random_game(np.random.default_rng(seed), ties=seed % 3 == 0, most=most)
    draws = sample(game, 40, seed)
    table = np.column_stack(list(draws.values()))
    ((_, form),) = trees(game, tuple(draws)).sort(table)
    block, ways = solve_block(form, table), solve_ways(form, table)
    regret, each = batch_regret(block), ways_regret(ways)

    assert block.status.tolist() == ways.status.tolist()
    for together, alone in zip(block.answers(), ways.answers(), strict=True):
        np.testing.assert_array_equal(together, alone)
    assert regret == pytest.approx(each, rel=1e-12, abs=1e-15)


def test_every_way_in_which_a_draw_ends_is_named():
    assert len(REASONS) == 8
    assert REASONS[0] == "solved"


# ---------------------------------------------------------------------------------------------
# What is refused


def test_games_with_intervals_are_not_taken():
    game = Game(
        name="interval",
        players=["A"],
        parameters=[Parameter("x", 1)],
        stages=[Stage("go", Decision("A", "q", Interval(0, 1)))],
        payoffs={"A": "x * q"},
        regimes=[Regime("any")],
    )
    with pytest.raises(NotApplicable, match="interval decisions"):
        solve_many(game, {"x": [1.0]})


@pytest.mark.parametrize(
    ("draws", "says"),
    [
        ({"alon": [1.0]}, "no numeric parameter 'alon'. Did you mean 'alone'"),
        ({"alone": [np.nan]}, "not all finite"),
        ({"alone": [10**400]}, "not all finite"),
        ({"alone": [1.0, 2.0], "shared": [1.0]}, "of one length"),
        ({"alone": []}, "there are no draws"),
        ({}, "of one length"),
    ],
)
def test_wrong_requests_are_refused(draws, says):
    with pytest.raises(RequestError, match=says):
        solve_many(load("chain_store"), draws)


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "2"])
def test_what_is_no_number_of_workers_is_refused(workers: object) -> None:
    game = load("chain_store")
    draws = {"stay_out": np.array([0.5, 1.0])}
    with pytest.raises(RequestError, match=r"workers = .* is not a positive whole number"):
        solve_many(game, draws, workers=workers)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=r"workers = .* is not a positive whole number"):
        starts_processes(None, workers)  # type: ignore[arg-type]
