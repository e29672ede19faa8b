"""Spec and values -> form: who moves, who knows what, and exact payoffs."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Chance,
    Decision,
    ExtensiveForm,
    Game,
    Interval,
    Mechanism,
    NormalForm,
    Parameter,
    Regime,
    RequestError,
    SpecError,
    Stage,
    limits,
)
from highfence.errors import LimitExceeded
from highfence.forms.build import build, values
from highfence.forms.extensive import CHANCE, TERMINAL
from highfence.forms.staged import StagedForm
from highfence.spec import toml


def entry(**changes: Any) -> Game:
    """Entry deterrence with a cost of fighting and two regimes."""
    made: dict[str, Any] = {
        "name": "entry",
        "players": ["E", "I"],
        "parameters": [
            Parameter("cost", Fraction(1, 3), low=0, high=1),
            Parameter("size", 4, low=1, high=10),
            Parameter("mood", "calm", choices=("calm", "angry")),
        ],
        "stages": [
            Stage("enter", Decision("E", "enter", ["in", "out"])),
            Stage(
                "reply",
                Decision(
                    "I",
                    "reply",
                    {
                        "share": {"when": "enter == 'in'"},
                        "fight": {"when": "enter == 'in'"},
                        "none": {"when": "enter == 'out'"},
                    },
                ),
            ),
        ],
        "derived": {
            "entered": "where(enter == 'in', 1, 0)",
            "anger": "where(mood == 'angry', 2, 0)",
        },
        "payoffs": {
            "E": "where(enter == 'out', 0, where(reply == 'share', size / 2, 0) - cost)",
            "I": "where(enter == 'out', size, where(reply == 'share', size / 2, anger - 1))",
        },
        "regimes": [
            Regime("open", fix={"enter": "in"}),
            Regime("cheap", set={"cost": "10%"}, off=("market",)),
            Regime("meek", narrow={"reply": ("share", "none")}),
        ],
        "mechanisms": {"market": Mechanism({"size": 1})},
        "presets": {"large": {"size": 9, "cost": 0.5}},
    }
    return Game(**(made | changes))


# ---------------------------------------------------------------------------------------------
# Values


def test_values_are_exact_and_the_last_word_is_the_caller_s() -> None:
    game = entry()
    declared = {"cost": Fraction(1, 3), "size": Fraction(4), "mood": "calm"}
    assert values(game) == declared
    assert values(game, preset="default") == declared
    assert values(game, preset="large") == declared | {"size": 9, "cost": Fraction(1, 2)}
    cheap = values(game, preset="large", regime="cheap")
    assert cheap == declared | {"cost": Fraction(1, 10), "size": 1}
    asked = values(
        game, preset="large", regime="cheap", parameters={"size": "7/2", "mood": "angry"}
    )
    assert asked == {"cost": Fraction(1, 10), "size": Fraction(7, 2), "mood": "angry"}
    assert list(asked) == ["cost", "size", "mood"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0.3", Fraction(3, 10)),
        ("1/3", Fraction(1, 3)),
        ("30%", Fraction(3, 10)),
        ("1e-3", Fraction(1, 1000)),
        (0.1, Fraction(1, 10)),
        (np.float64(0.1), Fraction(1, 10)),
        (np.int64(3), Fraction(3)),
        (Decimal("0.125"), Fraction(1, 8)),
        (-5, Fraction(-5)),
    ],
)
def test_a_value_is_the_number_that_was_written(given: Any, expected: Fraction) -> None:
    """Also outside the declared range, where studies probe."""
    assert values(entry(), parameters={"cost": given})["cost"] == expected


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"parameters": {"csot": 1}}, "no parameter 'csot'. Did you mean 'cost'?"),
        ({"parameters": {"cost": "a third"}}, "cost = 'a third' is not a finite number"),
        ({"parameters": {"cost": float("nan")}}, "cost = nan is not a finite number"),
        ({"parameters": {"cost": "1/0"}}, "is not a finite number"),
        ({"parameters": {"cost": True}}, "is not a finite number"),
        ({"parameters": {"cost": 10**400}}, "is not a finite number"),
        ({"parameters": {"mood": "clam"}}, "it has choices. Did you mean 'calm'?"),
        ({"parameters": {"mood": 1}}, "mood cannot be 1"),
        ({"preset": "lrage"}, "no preset 'lrage'. Did you mean 'large'?"),
        ({"regime": "opne"}, "no regime 'opne'. Did you mean 'open'?"),
        ({"regime": Regime("x", set={"csot": 1})}, "no parameter 'csot' (regime x)"),
        ({"regime": Regime("x", off=("m",))}, "no mechanism 'm'"),
        ({"regime": Regime("x", fix={"entr": "in"})}, "no decision 'entr'"),
        ({"regime": Regime("x", fix={"enter": "on"})}, "enter has no action 'on'"),
        (
            {"regime": Regime("x", fix={"enter": "in"}, narrow={"enter": ("out",)})},
            "no action of enter is left",
        ),
    ],
)
def test_a_wrong_request_says_what_is_there(request_: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError) as caught:
        build(entry(), **request_)
    assert says in str(caught.value)


# ---------------------------------------------------------------------------------------------
# Strategic form


def dilemma(**changes: Any) -> Game:
    made: dict[str, Any] = {
        "name": "dilemma",
        "title": "Dilemma",
        "players": ["R", "C"],
        "parameters": [Parameter("tempt", Fraction(10, 3))],
        "stages": [
            Stage(
                "only",
                Decision("C", "c", {"keep": {"v": 1}, "break": {"v": 0}}),
                Decision("R", "r", {"keep": {"v": 1}, "break": {"v": 0}, "hide": {"v": "1/2"}}),
            )
        ],
        "derived": {"peace": "r.v * c.v"},
        "payoffs": {"R": "2 * c.v - r.v + tempt * (r == 'hide')", "C": "2 * r.v - c.v"},
    }
    return Game(**(made | changes))


def test_one_stage_of_distinct_players_is_a_strategic_form_with_exact_payoffs() -> None:
    form = build(dilemma())
    assert isinstance(form, NormalForm)
    assert form.title == "Dilemma"
    assert form.players == ("R", "C")
    assert form.strategies == (("keep", "break", "hide"), ("keep", "break"))
    assert form.exact is not None
    attribute = (Fraction(1), Fraction(0), Fraction(1, 2))
    for r, c in product(range(3), range(2)):
        extra = Fraction(10, 3) if r == 2 else 0
        assert form.exact[0, r, c] == 2 * attribute[c] - attribute[r] + extra
        assert form.exact[1, r, c] == 2 * attribute[r] - attribute[c]
        assert form.outcomes["peace"][r, c] == float(attribute[r] * attribute[c])
    assert form.payoffs[0, 2, 0] == float(form.exact[0, 2, 0])


def test_irrational_payoffs_are_floats() -> None:
    form = build(dilemma(payoffs={"R": "exp(c.v)", "C": "2 * r.v"}))
    assert isinstance(form, NormalForm)
    assert form.exact is None
    assert form.payoffs[0].tolist() == [[np.e, 1.0]] * 3


def test_an_irrational_branch_that_is_never_taken_leaves_payoffs_exact() -> None:
    form = build(dilemma(payoffs={"R": "where(tempt > 100, exp(c.v), c.v)", "C": "r.v"}))
    assert isinstance(form, NormalForm)
    assert form.exact is not None


def test_a_large_table_is_kept_in_floats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EXACT_CELLS", 11)
    form = build(dilemma())
    assert isinstance(form, NormalForm)
    assert form.exact is None
    monkeypatch.setattr(limits, "MAX_CELLS", 11)
    with pytest.raises(LimitExceeded, match=r"3 x 2 strategies are 12 payoffs; .* MAX_CELLS is 11"):
        build(dilemma())


def test_a_fixed_decision_leaves_a_single_strategy() -> None:
    form = build(dilemma(regimes=[Regime("kept", fix={"r": "keep"})]), regime="kept")
    assert isinstance(form, NormalForm)
    assert form.strategies == (("keep",), ("keep", "break"))
    assert form.payoffs.shape == (2, 1, 2)


def test_an_action_that_is_not_available_is_no_strategy() -> None:
    stage = Stage(
        "only",
        Decision("R", "r", {"a": {}, "b": {"when": "tempt > 3"}, "c": {"when": "tempt < 3"}}),
        Decision("C", "c", ["x", "y"]),
    )
    game = dilemma(
        stages=[stage],
        derived={},
        payoffs={"R": "1 * (r == 'b')", "C": 0},
        parameters=[Parameter("tempt", 4, low=0, high=9)],
    )
    assert build(game).strategies[0] == ("a", "b")  # type: ignore[union-attr]
    assert build(game, parameters={"tempt": 2}).strategies[0] == ("a", "c")  # type: ignore[union-attr]
    assert build(game, parameters={"tempt": 3}).strategies[0] == ("a",)  # type: ignore[union-attr]


def test_a_payoff_that_is_undefined_at_the_values_asked_for_is_refused_by_name() -> None:
    game = dilemma(payoffs={"R": "1 / (tempt - 1)", "C": "log(tempt)"})
    with pytest.raises(SpecError) as caught:
        build(game, parameters={"tempt": 1})
    assert "payoffs.R" in str(caught.value)
    assert "with tempt=1" in str(caught.value)
    with pytest.raises(SpecError, match=r"payoffs\.C"):
        build(game, parameters={"tempt": -1})


def test_a_single_player_and_a_game_without_choice_have_forms() -> None:
    alone = Game(
        name="g",
        players=["A", "B"],
        stages=[Stage("s", Decision("A", "a", ["1", "2"]))],
        payoffs={"A": "a", "B": "-a"},
        regimes=[Regime("r", fix={"a": "2"})],
    )
    form = build(alone)
    assert isinstance(form, NormalForm)
    assert form.strategies == (("1", "2"), ("(no decision)",))
    fixed = build(alone, regime="r")
    assert isinstance(fixed, NormalForm)
    assert fixed.payoffs.ravel().tolist() == [2.0, -2.0]


# ---------------------------------------------------------------------------------------------
# Extensive form


def test_stages_become_a_tree_without_forced_moves() -> None:
    form = build(entry())
    assert isinstance(form, ExtensiveForm)
    assert form.owner.tolist() == [0, 1, TERMINAL, TERMINAL, TERMINAL]
    assert [s.label for s in form.information_sets] == ["enter", "reply after enter=in"]
    assert form.information_sets[1].actions == ("share", "fight")
    assert form.exact is not None
    assert [tuple(form.exact[k]) for k in (2, 3, 4)] == [
        (Fraction(5, 3), 2),
        (Fraction(-1, 3), -1),
        (0, 4),
    ]
    assert form.outcomes["entered"].tolist() == [0, 0, 1, 1, 0]
    angry = build(entry(), parameters={"mood": "angry"})
    assert isinstance(angry, ExtensiveForm)
    assert angry.payoffs[3].tolist() == [-1 / 3, 1.0]


def test_a_regime_that_fixes_the_first_move_leaves_the_game_after_it() -> None:
    form = build(entry(), regime="open")
    assert isinstance(form, NormalForm)
    assert form.strategies == (("in",), ("share", "fight"))
    meek = build(entry(), regime="meek")
    assert isinstance(meek, NormalForm | ExtensiveForm)
    assert meek.title == "entry"


def test_simultaneous_decisions_do_not_observe_one_another() -> None:
    game = Game(
        name="g",
        players=["A", "B"],
        stages=[
            Stage("first", Decision("A", "first", ["l", "r"])),
            Stage("both", Decision("A", "a", ["l", "r"]), Decision("B", "b", ["l", "r"])),
            Stage("last", Decision("B", "last", ["l", "r"], observes=("first",))),
        ],
        payoffs={"A": 0, "B": 0},
    )
    form = build(game)
    assert isinstance(form, ExtensiveForm)
    assert [s.label for s in form.information_sets] == [
        "first",
        "a after first=l",
        "b after first=l",
        "last after first=l, b=l",  # B knows B's own move, not A's
        "last after first=l, b=r",
        "a after first=r",
        "b after first=r",
        "last after first=r, b=l",
        "last after first=r, b=r",
    ]
    assert form.perfect_recall() is None
    assert form.subgame_roots() == (
        0,
        *form.information_sets[1].nodes,
        *form.information_sets[5].nodes,
    )


def test_two_decisions_of_one_player_in_a_stage_are_a_joint_move() -> None:
    stage = Stage(
        "s",
        Decision("A", "x", ["0", "1"]),
        Decision("B", "y", ["0", "1"]),
        Decision("A", "z", ["0", "1"]),
    )
    game = Game(name="g", players=["A", "B"], stages=[stage], payoffs={"A": "x * z", "B": "y"})
    form = build(game)
    assert isinstance(form, ExtensiveForm)
    assert [s.label for s in form.information_sets] == ["x", "y", "z after x=0", "z after x=1"]
    assert form.perfect_recall() is None


def signalling(share: Any) -> Game:
    return Game(
        name="g",
        players=["S", "R"],
        parameters=[Parameter("share", share, low=0, high=1)],
        stages=[
            Stage("nature", Chance("type", {"strong": {"probability": "share", "v": 2},
                                            "weak": {"probability": "1 - share", "v": 1}})),
            Stage("signal", Decision("S", "signal", ["loud", "mute"], observes=("type",))),
            Stage("answer", Decision("R", "answer", ["yield", "stay"], observes=("signal",))),
        ],
        payoffs={"S": "type.v * (answer == 'yield')", "R": "1 * (answer == 'stay')"},
    )  # fmt: skip


def test_private_types_are_chance_moves_that_one_player_observes() -> None:
    form = build(signalling("0.9"))
    assert isinstance(form, ExtensiveForm)
    assert form.owner[0] == CHANCE
    assert form.exact_probabilities is not None
    assert form.exact_probabilities[0] == (Fraction(9, 10), Fraction(1, 10))
    sets = {s.label: len(s.nodes) for s in form.information_sets}
    assert sets == {
        "signal after type=strong": 1,
        "signal after type=weak": 1,
        "answer after signal=loud": 2,
        "answer after signal=mute": 2,
    }
    assert form.subgame_roots() == (0,)


def test_an_outcome_without_probability_is_no_branch() -> None:
    form = build(signalling("0.9"), parameters={"share": 1})
    assert isinstance(form, ExtensiveForm)
    assert form.num_nodes == 7
    assert form.payoffs.max() == 2.0


def test_probabilities_outside_the_range_are_refused_with_their_sum() -> None:
    with pytest.raises(SpecError) as caught:
        build(signalling("0.9"), parameters={"share": "1.5"})
    message = str(caught.value)
    assert "stages.nature.type" in message
    assert "3/2, -1/2 with share=3/2" in message
    assert "never rescaled" in message


def test_irrational_probabilities_make_a_tree_in_floats() -> None:
    game = signalling("0.9")
    stages = [
        Stage("nature", Chance("type", {"strong": {"probability": "exp(-share)", "v": 2},
                                        "weak": {"probability": "1 - exp(-share)", "v": 1}})),
        *game.stages[1:],
    ]  # fmt: skip
    made = Game(name="g", players=game.players, parameters=game.parameters, stages=stages,
                payoffs=game.payoffs)  # fmt: skip
    form = build(made)
    assert isinstance(form, ExtensiveForm)
    assert form.probabilities[0] == pytest.approx((np.exp(-0.9), 1 - np.exp(-0.9)))


def test_the_tree_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [Stage(f"s{k}", Decision("A", f"a{k}", ["0", "1"])) for k in range(12)]
    game = Game(name="g", players=["A"], stages=stages, payoffs={"A": "a0"})
    monkeypatch.setattr(limits, "MAX_NODES", 1000)
    with pytest.raises(LimitExceeded, match="MAX_NODES = 1000"):
        build(game)


def test_an_interval_makes_a_staged_form() -> None:
    stages = [Stage("s", Decision("A", "x", Interval(0, "top")), Decision("B", "y", ["0", "1"]))]
    game = Game(
        name="g",
        players=["A", "B"],
        parameters=[Parameter("top", 2)],
        stages=stages,
        payoffs={"A": "x * (1 - x) + y", "B": "x * y"},
        regimes=[Regime("r", fix={"y": "1"}), Regime("wrong", fix={}, narrow={})],
    )
    assert isinstance(build(game), StagedForm)
    assert isinstance(build(game, regime="r"), StagedForm)
    with pytest.raises(RequestError, match="x is an interval"):
        build(game, regime=Regime("n", fix={"x": "1"}))


# ---------------------------------------------------------------------------------------------
# Against direct evaluation


@settings(max_examples=30)
@given(data=st.data())
def test_every_terminal_pays_what_the_formulas_say(data: st.DataObject) -> None:
    """The grouped evaluation equals plain Python on each play, exactly."""
    count = data.draw(st.integers(1, 4), label="moves")
    sizes = [data.draw(st.integers(2, 3)) for _ in range(count)]
    weights = [
        [data.draw(st.fractions(-3, 3, max_denominator=4)) for _ in range(size)] for size in sizes
    ]
    stages = [
        Stage(
            f"s{k}",
            Decision("AB"[k % 2], f"m{k}", {f"a{j}": {"w": weights[k][j]} for j in range(size)}),
        )
        for k, size in enumerate(sizes)
    ]
    pairs = [f"m{k}.w * m{(k + 1) % count}.w" for k in range(count)]
    payoff = "max(" + ", ".join([*pairs, "p"]) + ") + where(m0 == 'a0', p / 3, m0.w)"
    game = Game(
        name="g",
        players=["A", "B"],
        parameters=[Parameter("p", Fraction(1, 7))],
        stages=stages,
        payoffs={"A": payoff, "B": " + ".join(pairs)},
    )
    form = build(game)
    exact = form.exact
    assert exact is not None
    if isinstance(form, NormalForm):
        found = [tuple(exact[:, k, 0]) for k in range(sizes[0])]
    else:
        found = [tuple(exact[k]) for k in form.terminals]
    expected = []
    for play in product(*map(range, sizes)):
        w = [weights[k][j] for k, j in enumerate(play)]
        products = [w[k] * w[(k + 1) % count] for k in range(count)]
        first = max([*products, Fraction(1, 7)])
        expected.append((first + (Fraction(1, 21) if play[0] == 0 else w[0]), sum(products)))
    assert found == expected


def test_every_finite_game_of_the_catalogue_is_built_exactly(root: Path) -> None:
    kinds = {}
    for path in sorted((root / "games" / "classics").glob("*.toml")):
        form = build(toml.load(path))
        if isinstance(form, StagedForm):  # it has decisions over intervals
            continue
        assert isinstance(form, NormalForm | ExtensiveForm)
        assert form.exact is not None, path
        kinds[path.stem] = type(form)
        if isinstance(form, ExtensiveForm):
            assert form.perfect_recall() is None
    assert kinds["prisoners_dilemma"] is NormalForm
    assert kinds["kuhn_poker"] is ExtensiveForm


def test_many_actions_cost_no_more_than_their_number() -> None:
    """Attributes are looked up, not compared one after another: 3000 actions in no time."""
    count = 3000
    stage = Stage(
        "s",
        Decision("A", "a", {f"{k}": {"v": Fraction(k, 7)} for k in range(count)}),
        Decision("B", "b", ["x", "y"]),
    )
    game = Game(
        name="g",
        players=["A", "B"],
        stages=[stage],
        payoffs={"A": "a + a.v", "B": "where(a == '77', 5, where(b == 'x', a.v, 0))"},
    )
    began = time.process_time()
    form = build(game)
    assert time.process_time() - began < 5
    assert isinstance(form, NormalForm)
    assert form.exact is not None
    assert [form.exact[0, k, 0] for k in (0, 7, count - 1)] == [0, 8, (count - 1) * Fraction(8, 7)]
    assert form.exact[1, 77].tolist() == [5, 5]
    assert form.exact[1, 78].tolist() == [Fraction(78, 7), 0]
