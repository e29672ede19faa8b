"""Staged forms: what a spec becomes where interval decisions are in it, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from highfence import Action, Chance, Decision, Game, Interval, Parameter, Regime, Stage
from highfence.errors import HighfenceError, NotApplicable, SpecError
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm
from highfence.forms.normal import NormalForm
from highfence.forms.staged import StagedForm
from highfence.load import load
from highfence.solution import Solution, Status
from highfence.solve import solve
from highfence.spec.formulas import evaluate
from highfence.spec.resolve import resolve

UNIT = Interval(0, 1)


def make(
    players: str,
    stages: list[list[Decision | Chance] | Stage],
    payoffs: dict[str, str] | None = None,
    *,
    derived: dict[str, str] | None = None,
    regimes: list[Regime] | None = None,
    **values: float,
) -> Game:
    """Return a game; every player who is paid nothing is paid 0."""
    names = players.split()
    return Game(
        name="small",
        players=names,
        parameters=[Parameter(name, value) for name, value in values.items()],
        stages=[
            stage if isinstance(stage, Stage) else Stage(f"stage_{k}", *stage)
            for k, stage in enumerate(stages)
        ],
        derived=derived or {},
        payoffs=dict.fromkeys(names, "0") | (payoffs or {}),
        regimes=regimes or [],
    )


def form_of(game: Game, regime: Any = None, **values: Any) -> StagedForm:
    form = build(game, regime=regime, parameters=values)
    assert isinstance(form, StagedForm)
    return form


def blocks(game: Game) -> list[set[str]]:
    """Return the moves of each block."""
    return [
        {move.name for move in (*block.finite, *block.intervals)}
        | ({block.chance.name} if block.chance else set())
        for block in form_of(game).blocks
    ]


def played(form: StagedForm, **moves: float) -> np.ndarray:
    """Return a row (1, size) with moves in place and every level filled."""
    row = form.root.copy()
    for name, value in moves.items():
        row[0, form.plan.names.index(name)] = value
    for level in range(len(form.blocks)):
        form.advance(row, level)
    return row


def pays(form: StagedForm, **moves: float) -> list[float]:
    return list(map(float, form.finish(played(form, **moves))[0]))


def values(solution: Solution) -> dict[str, Any]:
    assert solution.status is Status.SOLVED, solution.reason
    (equilibrium,) = solution.equilibria
    return {k: v for own in equilibrium.strategies.values() for k, v in own.items()}


# ---------------------------------------------------------------------------------------------
# Who observes what


def rivals(observes: list[str] | None) -> Game:
    """Return two firms, the second a stage later, observing the first or not."""
    return make(
        "one two",
        [
            [Decision("one", "q1", Interval(0, 100))],
            [Decision("two", "q2", Interval(0, 100), observes=observes)],
        ],
        {"one": "q1 * (90 - q1 - q2)", "two": "q2 * (90 - q1 - q2)"},
    )


def test_a_later_decision_that_observes_nothing_is_simultaneous():
    hidden, seen = rivals([]), rivals(None)
    assert blocks(hidden) == [{"q1", "q2"}]
    assert blocks(seen) == blocks(rivals(["q1"])) == [{"q1"}, {"q2"}]
    found = values(solve(hidden))
    assert (found["q1"], found["q2"]) == pytest.approx((30, 30), abs=1e-7)
    found = values(solve(seen))
    assert (found["q1"], found["q2"]) == pytest.approx((45, 22.5), abs=1e-6)


def test_the_name_of_a_merged_block_says_which_stages_it_holds():
    assert [block.name for block in form_of(rivals([])).blocks] == ["stage_0, stage_1"]


def three(second: list[str] | None, third: list[str] | None) -> Game:
    return make(
        "a b c",
        [
            [Decision("a", "x", UNIT)],
            [Decision("b", "y", UNIT, observes=second)],
            [Decision("c", "z", UNIT, observes=third)],
        ],
        {"a": "-(x - y) ** 2", "b": "-(y - z) ** 2", "c": "-(z - 1 + x / 2) ** 2"},
    )


@pytest.mark.parametrize(
    ("second", "third", "expected"),
    [
        (None, None, [{"x"}, {"y"}, {"z"}]),
        (None, ["x"], [{"x"}, {"y", "z"}]),
        ([], None, [{"x", "y"}, {"z"}]),
        ([], [], [{"x", "y", "z"}]),
    ],
)
def test_a_decision_moves_with_the_block_that_it_does_not_observe(second, third, expected):
    assert blocks(three(second, third)) == expected


@pytest.mark.parametrize(
    ("second", "third", "missing"),
    [(None, ["y"], "x"), (None, [], "x, y"), ([], ["y"], "x"), ([], ["x"], "y")],
)
def test_a_gap_in_what_is_observed_is_refused_with_its_place(second, third, missing):
    """Interval actions that some later decision sees and another does not have no staged form."""
    with pytest.raises(NotApplicable) as caught:
        build(three(second, third))
    text = str(caught.value)
    assert "z" in text
    assert f"it does not observe {missing}" in text
    assert "observes everything of earlier stages" in text
    assert isinstance(caught.value, HighfenceError)


def test_decisions_of_one_stage_that_observe_different_things_are_refused():
    game = make(
        "a b c",
        [
            [Decision("a", "x", UNIT)],
            [Decision("b", "y", UNIT), Decision("c", "z", UNIT, observes=[])],
        ],
    )
    with pytest.raises(NotApplicable, match="observe different things"):
        build(game)


def test_solving_a_game_without_a_staged_form_names_the_decision():
    with pytest.raises(NotApplicable, match="z: it does not observe x"):
        solve(three(None, ["y"]))


# ---------------------------------------------------------------------------------------------
# Chance


def weather(observers: dict[str, list[str] | None], **more: Any) -> Game:
    """Return a game in which x is chosen, the weather drawn, and y and z chosen in turn."""
    return make(
        "a b c",
        [
            [Decision("a", "x", UNIT)],
            [Chance("sky", {"sun": "p * x", "rain": "1 - p * x"})],
            [Decision("b", "y", UNIT, observes=observers.get("y"))],
            [Decision("c", "z", UNIT, observes=observers.get("z"))],
        ],
        {
            "a": "where(sky == 'sun', 3 * y, 1 + z)",
            "b": "-(y - where(sky == 'sun', 1, 0)) ** 2",
            "c": "-(z - y / 2) ** 2",
        },
        derived={"sunny": "where(sky == 'sun', 1, 0)", "product": "where(sky == 'sun', x * y, -z)"},
        p=0.5,
        **more,
    )


BLIND = {"y": ["x"], "z": ["x", "y"]}


def test_a_draw_that_nobody_observes_is_averaged():
    game = weather(BLIND)
    assert blocks(game) == [{"x"}, {"y"}, {"z"}]
    form = form_of(game)
    for x, y, z, p in ((0.3, 0.2, 0.9, 0.5), (1, 1, 0, 0.25), (0, 0.7, 0.1, 1)):
        form = form_of(game, p=p)
        sun = p * x
        expected = [
            sun * 3 * y + (1 - sun) * (1 + z),
            -sun * (y - 1) ** 2 - (1 - sun) * y**2,
            -((z - y / 2) ** 2),
        ]
        assert pays(form, x=x, y=y, z=z) == pytest.approx(expected, abs=1e-14)
        outcomes = form.outcomes(played(form, x=x, y=y, z=z))[0]
        said = dict(zip(form.outcome_names, outcomes, strict=True))
        assert said == pytest.approx({"sunny": sun, "product": sun * x * y - (1 - sun) * z})


def test_an_unobserved_draw_is_answered_by_its_odds():
    """b chooses y = P(sun) = x / 2, c half of that; a's payoff is then convex: x = 1."""
    found = values(solve(weather(BLIND)))
    x = found["x"]
    assert found["y"] == pytest.approx(x / 2, abs=1e-6)
    assert found["z"] == pytest.approx(x / 4, abs=1e-6)

    def gain(x: float) -> float:
        return x / 2 * 3 * (x / 2) + (1 - x / 2) * (1 + x / 4)

    assert gain(x) == pytest.approx(max(gain(t) for t in np.linspace(0, 1, 1001)), abs=1e-9)


def test_two_unobserved_draws_may_depend_on_one_another():
    game = make(
        "a",
        [
            [Decision("a", "x", UNIT)],
            [Chance("first", {"u": "1/4", "v": "3/4"})],
            [
                Chance(
                    "second",
                    {"s": "where(first == 'u', 0.9, x)", "t": "where(first == 'u', 0.1, 1 - x)"},
                )
            ],
        ],
        {"a": "where(second == 's', where(first == 'u', 1, 10), 0) - 9 * x ** 2"},
    )
    form = form_of(game)
    for x in (0.0, 0.25, 0.8):
        expected = 0.25 * 0.9 * 1 + 0.75 * x * 10 - 9 * x**2
        assert pays(form, x=x) == pytest.approx([expected], abs=1e-14)
    assert values(solve(game))["x"] == pytest.approx(7.5 / 18, abs=1e-8)


def test_a_draw_that_everybody_observes_is_a_block_of_its_own():
    game = weather({})
    assert blocks(game) == [{"x"}, {"sky"}, {"y"}, {"z"}]
    form = form_of(game)
    chance = form.blocks[1].chance
    assert chance is not None
    assert (chance.player, chance.labels) == (-1, ("sun", "rain"))
    row = played(form, x=0.6)
    assert [float(ref.read(row)[0]) for ref in chance.conditions] == pytest.approx([0.3, 0.7])
    # Behind sun b plays 1 and c 1/2, behind rain 0 and 0.
    (equilibrium,) = solve(game).equilibria
    x = equilibrium.strategies["a"]["x"]
    assert x == pytest.approx(1, abs=1e-9)
    assert equilibrium.payoffs["a"] == pytest.approx(0.5 * 3 + 0.5 * 1, abs=1e-7)
    assert equilibrium.outcomes["sunny"] == pytest.approx(0.5, abs=1e-9)


def test_behind_a_public_draw_decisions_may_still_be_simultaneous():
    game = weather({"z": ["x", "sky"]})
    assert blocks(game) == [{"x"}, {"sky"}, {"y", "z"}]


def test_a_draw_is_a_block_behind_what_is_decided_without_it():
    assert blocks(weather({"y": ["x"]})) == [{"x"}, {"y"}, {"sky"}, {"z"}]


def test_a_draw_that_some_observe_and_later_ones_do_not_is_refused():
    with pytest.raises(NotApplicable, match="z: it does not observe 'sky', which 'y' does"):
        build(weather({"z": ["x", "y"]}))


def test_a_private_type_beside_intervals_is_refused():
    game = make(
        "a b",
        [
            [Chance("kind", {"weak": "1/2", "strong": "1/2"})],
            [Decision("a", "x", UNIT, observes=["kind"])],
            [Decision("b", "y", UNIT, observes=["x"])],
        ],
        {"a": "-(x - 0.2 * (kind == 'weak')) ** 2", "b": "-(y - x) ** 2"},
    )
    with pytest.raises(NotApplicable, match="y: it does not observe 'kind', which 'x' does"):
        build(game)


# ---------------------------------------------------------------------------------------------
# Bounds and availability


SHARES = make(
    "a b",
    [[Decision("a", "x", UNIT)], [Decision("b", "y", Interval("x / 2", "floor + 1 - x / 2"))]],
    {"a": "y - x ** 2", "b": "y"},
    floor=0,
)


def test_bounds_are_read_at_the_history():
    form = form_of(SHARES, floor=0.1)
    rows = np.concatenate([played(form, x=x) for x in (0.0, 0.4, 1.0)])
    (move,) = form.blocks[1].intervals
    assert move.low.read(rows) == pytest.approx([0, 0.2, 0.5])
    assert move.high.read(rows) == pytest.approx([1.1, 0.9, 0.6])


def test_a_player_keeps_to_bounds_that_an_earlier_move_sets():
    """b takes all that is left, 1 - x/2, and a knows."""
    found = values(solve(SHARES))
    assert (found["x"], found["y"]) == pytest.approx((0, 1), abs=1e-8)
    greedy = make(
        "a b",
        [[Decision("a", "x", UNIT)], [Decision("b", "y", Interval(0, "1 - x"))]],
        {"a": "x * (1 - y)", "b": "y"},
    )
    found = values(solve(greedy))
    assert (found["x"], found["y"]) == pytest.approx((1, 0), abs=1e-8)


def test_an_interval_that_shrinks_to_a_point_leaves_no_choice():
    game = make(
        "a b",
        [[Decision("a", "x", Interval("width", 1)), Decision("b", "y", UNIT)]],
        {"a": "-(x - y) ** 2", "b": "-(y - x / 2) ** 2"},
        width=0,
    )
    found = values(solve(game))
    assert (found["x"], found["y"]) == pytest.approx((0, 0), abs=1e-8)
    found = values(solve(game, width=1))
    assert (found["x"], found["y"]) == pytest.approx((1, 0.5), abs=1e-8)


def test_an_interval_that_is_a_point_behind_some_histories_only():
    """A ban leaves the firm nothing to choose; without one it exports its best."""
    game = make(
        "state firm",
        [
            [Decision("state", "ban", ["no", "yes"])],
            [Decision("firm", "x", Interval(0, "where(ban == 'yes', 0, 1)"))],
        ],
        {"state": "where(ban == 'yes', 0.3, x)", "firm": "-(x - best) ** 2"},
        best=0.4,
    )
    found = values(solve(game))
    assert (found["ban"]["no"], found["x"]) == (1, pytest.approx(0.4, abs=1e-8))
    found = values(solve(game, best=0.2))
    assert (found["ban"]["yes"], found["x"]) == (1, 0)


def test_an_empty_interval_is_refused_where_it_is_empty():
    game = make(
        "a b",
        [[Decision("a", "x", Interval("low", 1)), Decision("b", "y", UNIT)]],
        {"a": "-(x - y) ** 2", "b": "-(y - x) ** 2"},
        low=0,
    )
    assert values(solve(game, low=1))["x"] == 1
    with pytest.raises(SpecError) as caught:
        solve(game, low=1.5)
    assert "stages.stage_0.x: the interval from 1.5 to 1 is empty" in str(caught.value)


def test_an_interval_that_earlier_moves_make_empty_is_told():
    """With floor = -1/2, y lies between x/2 and 1/2 - x/2: nothing is left above x = 1/2."""
    try:
        solution = solve(SHARES, floor=-0.5)
    except SpecError as error:
        assert "y" in str(error)  # noqa: PT017
    else:
        assert "empty" in f"{solution.reason} {solution.notes}"


@pytest.mark.parametrize("observes", [None, []])
def test_bounds_that_need_a_move_not_yet_made_are_refused(observes):
    """A simultaneous move, or one of an earlier stage that is not observed."""
    late = Decision("b", "y", Interval(0, "1 - x"), observes=observes)
    first = Decision("a", "x", UNIT)
    with pytest.raises(SpecError, match=r"y.*'x'|y.*x"):
        build(make("a b", [[first], [late]] if observes == [] else [[first, late]], {"b": "y"}))


DOORS = make(
    "a b",
    [
        [Decision("a", "x", UNIT)],
        [
            Decision(
                "b",
                "door",
                [
                    Action("shut", {"v": 0}),
                    Action("ajar", {"v": 1}, when="x >= 0.25"),
                    Action("open", {"v": 2}, when="x >= 0.75 and wide > 0"),
                ],
            )
        ],
    ],
    {"a": "-abs(x - 0.9)", "b": "door.v"},
    regimes=[
        Regime("closed", fix={"door": "shut"}),
        Regime("some", narrow={"door": ["shut", "ajar"]}),
    ],
    wide=1,
)


def test_which_actions_are_open_is_read_at_the_history():
    form = form_of(DOORS)
    rows = np.concatenate([played(form, x=x) for x in (0.0, 0.25, 0.74, 0.75, 1.0)])
    (move,) = form.blocks[1].finite
    assert move.labels == ("shut", "ajar", "open")
    assert move.actions(rows) == [(0,), (0, 1), (0, 1), (0, 1, 2), (0, 1, 2)]
    narrow = form_of(DOORS, wide=0).blocks[1].finite[0]
    assert narrow.actions(np.concatenate([played(form_of(DOORS, wide=0), x=1)])) == [(0, 1)]


def test_a_regime_leaves_only_its_actions():
    for regime, left in (("closed", (0,)), ("some", (0, 1))):
        form = form_of(DOORS, regime)
        (move,) = form.blocks[1].finite
        assert move.actions(played(form, x=1.0)) == [left]
    assert values(solve(DOORS))["door"]["open"] == 1
    assert values(solve(DOORS, regime="some"))["door"]["ajar"] == 1
    assert values(solve(DOORS, regime="closed"))["door"]["shut"] == 1


def test_what_was_solved_under_one_regime_is_not_taken_for_another():
    """Forms of one game share the subgames they solved; a regime changes what follows them."""
    orders = [(None, "some", "closed"), ("closed", None, "some"), ("some", "closed", None)]
    answers = []
    for order in orders:
        game = dataclasses.replace(DOORS)
        found = {regime: values(solve(game, regime=regime)) for regime in order}
        answers.append(found)
    assert answers[0] == answers[1] == answers[2]


# ---------------------------------------------------------------------------------------------
# Rows and compiled functions


def test_finite_games_are_not_staged():
    one = make("a b", [[Decision("a", "x", ["u", "v"]), Decision("b", "y", ["u", "v"])]])
    two = make("a b", [[Decision("a", "x", ["u", "v"])], [Decision("b", "y", ["u", "v"])]])
    assert isinstance(build(one), NormalForm)
    assert isinstance(build(two), ExtensiveForm)


def test_a_form_says_who_plays_and_moves():
    form = form_of(weather({}))
    assert form.players == ("a", "b", "c")
    assert form.num_players == 3
    assert [block.players for block in form.blocks] == [(0,), (), (1,), (2,)]
    assert form.title == "small"
    with pytest.raises(ValueError, match="read-only"):
        form.root[0, 0] = 1.0


def test_advancing_twice_changes_nothing():
    form = form_of(SHARES)
    row = played(form, x=0.3, y=0.5)
    again = row.copy()
    for level in range(-1, len(form.blocks)):
        form.advance(again, level)
    assert (again == row).all()


@pytest.mark.parametrize("timing", ["commitment", "discretion"])
def test_compiled_payoffs_are_those_of_plain_evaluation(timing):
    """The flagship at random plays: slots and levels, against the graph evaluated at once."""
    game = load("small_yard_high_fence")
    found = resolve(game, {"timing": timing})
    form = form_of(game, timing=timing)
    rng = np.random.default_rng(7)
    count = 300
    rows = np.repeat(form.root, count, axis=0)
    columns = {name: rows[:, k] for k, name in enumerate(form.plan.names)}
    for block in form.blocks:
        for move in block.intervals:
            low, high = move.low.read(rows), move.high.read(rows)
            columns[move.name][:] = low + (high - low) * rng.random(count)
        for move in block.finite:
            columns[move.name][:] = rng.integers(0, len(move.labels), count)
    for level in range(len(form.blocks)):
        form.advance(rows, level)
    payoffs = form.finish(rows)
    plain = evaluate([found.payoffs[player] for player in form.players], columns)
    for k in range(form.num_players):
        assert payoffs[:, k] == pytest.approx(
            np.broadcast_to(plain[k], count), rel=1e-13, abs=1e-13
        )
    outcomes = dict(zip(form.outcome_names, form.outcomes(rows).T, strict=True))
    assert outcomes["W_A"] == pytest.approx(payoffs[:, 0], rel=1e-13)
    assert len(np.unique(payoffs[:, 2])) == count


def test_parameters_stand_in_the_root_as_they_were_given():
    form = form_of(SHARES, floor="1/3")
    assert form.root[0, form.plan.names.index("floor")] == 1 / 3
    assert form_of(SHARES).root[0, 0] == 0.0


def test_a_finite_decision_with_numbers_for_names_can_be_reported():
    game = Game(
        name="counted",
        players=["one", "two"],
        stages=[
            Stage("enter", Decision("one", "firms", ["1", "2"])),
            Stage("supply", Decision("two", "q", Interval(0, 1))),
        ],
        payoffs={"one": "where(firms == '2', 1, 0)", "two": "q * (1 - q)"},
        outcomes=["firms", "q"],
    )
    solution = solve(game)

    assert solution.equilibria[0].outcomes == pytest.approx({"firms": 2.0, "q": 0.5}, abs=1e-6)
