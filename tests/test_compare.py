"""Regimes compared: who wins and by how much, what depends on the equilibrium, what is said.

The little yard is worked out by hand (see ``games_for_cli.YARD``); the other games are made
so that each has one thing to tell.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from importlib import import_module

import numpy as np
import pytest

from games_for_cli import YARD
from highfence import (
    Decision,
    Derived,
    Game,
    Interval,
    Mechanism,
    Parameter,
    Player,
    Regime,
    Sentence,
    Stage,
    limits,
    solve,
)
from highfence.errors import RequestError, SpecError
from highfence.forms.normal import NormalForm
from highfence.report.compare_text import comparison_text
from highfence.report.json import dumps, solution_dict
from highfence.report.sweep_text import sweep_page
from highfence.report.text import plain
from highfence.solution import Status
from highfence.spec.toml import loads
from highfence.study.compare import Verdict, compare
from highfence.study.sweep import sweep

COMPARISON_KEYS = {
    "game", "title", "source", "preset", "parameters", "regimes", "best", "choice",
    "commitment", "flags", "assumptions", "notes",
}  # fmt: skip
REGIME_KEYS = {
    "label", "status", "reason", "method", "equilibria", "notes", "payoffs", "outcomes",
    "flags", "says",
}  # fmt: skip
BEST_KEYS = {
    "regime", "margin", "verdict", "near_tie", "runner_up", "contenders", "left_out"
}  # fmt: skip


def yard(**changes: object) -> Game:
    """Return the little yard, changed."""
    return dataclasses.replace(loads(YARD), **changes)


def choosing(payoffs: dict[str, str], *, flags: dict[str, str] | None = None, **more) -> Game:
    """Return a game in which A picks one of the actions of ``payoffs`` and is paid for it."""
    text = " + ".join(f"({formula}) * (pick == '{name}')" for name, formula in payoffs.items())
    return Game(
        name="choosing",
        players=["A"],
        parameters=[Parameter("x", 0, low=-10, high=10)],
        stages=[Stage("pick", Decision("A", "pick", list(payoffs)))],
        derived={"v": text, **more.pop("derived", {})},
        payoffs={"A": "v"},
        regimes=[Regime(name, fix={"pick": name}) for name in payoffs],
        flags=flags or {},
        **more,
    )


MEETING = Game(
    name="meeting",
    players=["A", "B"],
    parameters=[Parameter("shift", 0)],
    stages=[
        Stage("law", Decision("A", "law", ["free", "ban"])),
        Stage(
            "meet",
            Decision("A", "one", ["left", "right"]),
            Decision("B", "two", ["left", "right"]),
        ),
    ],
    derived={
        "met": "((one == 'left') == (two == 'left')) * 1",
        "left": "((one == 'left') and (two == 'left')) * 1",
        "pay_A": "where(law == 'ban', 5/2 + shift, met * (2 + left))",
    },
    payoffs={"A": "pay_A", "B": "where(law == 'ban', (two == 'left') * 1, met * (3 - left))"},
    regimes=[
        Regime("free", "Free", fix={"law": "free"}),
        Regime("ban", fix={"law": "ban", "one": "left"}),
    ],
    flags={"worse": "pay_A < ban.pay_A", "low": "pay_A < 100", "high": "pay_A > 100"},
    narrative=[
        Sentence("They meet on the left.", "left >= 1"),
        Sentence("A has {pay_A:.2f}."),
        Sentence("Never said.", "pay_A > 50"),
    ],
)
"""Under "free" there are three equilibria (A has 3, 6/5 or 2), under "ban" one (A has 5/2)."""


# ------------------------------------------------------------------ results


def test_every_regime_is_solved_on_the_same_numbers():
    made = compare(yard())

    assert [result.name for result in made.regimes] == ["none", "yard", "wall"]
    assert {r.name: r.payoffs["A"] for r in made.regimes} == {
        "none": (0, 0),
        "yard": (1.75, 1.75),
        "wall": (0, 0),
    }
    assert made["wall"].outcomes["denial"] == (4, 4)
    assert all(e.certificate.regret == 0 for r in made.regimes for e in r.solution.equilibria)
    assert made.settled


def test_parameters_and_presets_reach_every_regime():
    made = compare(yard(), preset="calm", cost=0.5)

    assert made["yard"].payoffs["A"] == (0.375, 0.375)
    assert dict(made.parameters)["stake"] == 1
    assert made.changed == ("cost",)


def test_a_regime_may_set_parameters_and_switch_mechanisms_off():
    game = choosing(
        {"a": "x"},
        mechanisms={"push": Mechanism({"x": 0})},
    )
    regimes = (Regime("up", set={"x": 3}), Regime("flat", set={"x": 3}, off=("push",)))
    made = compare(dataclasses.replace(game, regimes=regimes), x=None or 0)

    # What is asked for comes last, so --set x overrides what a regime sets.
    assert made["up"].payoffs["A"] == (0, 0)
    made = compare(dataclasses.replace(game, regimes=regimes))
    assert made["up"].payoffs["A"] == (3, 3)
    assert made["flat"].payoffs["A"] == (0, 0)


def test_the_order_asked_for_is_kept():
    made = compare(yard(), ["wall", "none"])

    assert [result.name for result in made.regimes] == ["wall", "none"]


# ------------------------------------------------------------------ winners


def test_the_winner_is_named_with_its_margin():
    best = compare(yard()).best["A"]

    assert best.verdict is Verdict.WINS
    assert best.regime == "yard"
    assert best.margin == 1.75
    assert best.contenders == ("yard",)
    assert not best.near_tie


def test_equal_regimes_are_a_tie_and_no_winner():
    best = compare(yard(), ["none", "wall"]).best["A"]

    assert best.verdict is Verdict.TIE
    assert best.regime is None
    assert best.margin is None
    assert best.near_tie
    assert best.contenders == ("none", "wall")


def test_a_margin_below_three_thousandths_of_the_payoffs_is_a_near_tie():
    near = compare(choosing({"a": "10", "b": "10.02", "c": "9.995", "d": "9.9"})).best["A"]
    clear = compare(choosing({"a": "10", "b": "10.04"})).best["A"]

    assert (near.regime, near.near_tie, near.near) == ("b", True, ("a", "c"))
    assert (clear.regime, clear.near_tie, clear.near) == ("b", False, ())
    assert near.margin == pytest.approx(0.02)


def test_no_winner_is_named_where_the_ranges_overlap():
    made = compare(MEETING)
    best = made.best["A"]

    assert made["free"].payoffs["A"] == (1.2, 3)
    assert made["ban"].payoffs["A"] == (2.5, 2.5)
    assert best.verdict is Verdict.DEPENDS
    assert best.regime is None
    assert best.contenders == ("free", "ban")
    assert not made.settled


def test_a_winner_is_named_where_the_ranges_do_not_overlap():
    best = compare(MEETING, shift=1).best["A"]

    assert best.verdict is Verdict.WINS
    assert best.regime == "ban"
    assert best.margin == 0.5


def test_one_regime_alone_wins_over_nobody():
    best = compare(yard(), ["yard"]).best["A"]

    assert best.verdict is Verdict.ALONE
    assert best.margin is None


PENNIES = Game(
    name="pennies",
    players=["A", "B"],
    stages=[
        Stage(
            "show",
            Decision("A", "one", ["heads", "tails"]),
            Decision("B", "two", ["heads", "tails"]),
        )
    ],
    derived={"same": "((one == 'heads') == (two == 'heads')) * 1"},
    payoffs={"A": "2 * same - 1", "B": "1 - 2 * same"},
    regimes=[Regime("free"), Regime("heads", fix={"one": "heads"})],
    flags={"F": "same > free.same"},
)


def test_a_regime_without_an_equilibrium_is_said_to_have_none():
    made = compare(PENNIES, method="pure_enumeration")

    assert made["free"].solution.status is Status.NONE_FOUND
    assert "No equilibrium" in made["free"].says
    assert made["free"].flags == {"F": None}
    assert made["heads"].flags == {"F": None}
    assert made.best["A"].verdict is Verdict.ALONE
    assert made.best["A"].left_out == ("free",)
    assert not made.settled
    assert any("free: none found" in note for note in made.notes)

    said = comparison_text(made, 100)
    assert "Not in the running, for want of an equilibrium: free" in said
    assert "free: No equilibrium was found" in said


# ------------------------------------------------------------------ flags and words


def test_flags_compare_with_the_regime_that_they_name():
    made = compare(yard())

    assert made["none"].flags == {"B4": False, "D": False}
    assert made["yard"].flags == {"B4": False, "D": True}
    assert made["wall"].flags == {"B4": False, "D": True}


def test_the_baseline_is_solved_when_not_asked_for_and_not_listed():
    made = compare(yard(), ["yard", "wall"])

    assert [result.name for result in made.regimes] == ["yard", "wall"]
    assert made["wall"].flags == {"B4": False, "D": True}


def test_a_flag_that_holds_in_some_equilibria_depends():
    made = compare(MEETING)

    assert made["free"].flags == {"worse": None, "low": True, "high": False}
    assert made["ban"].flags == {"worse": False, "low": True, "high": False}


def test_rounding_does_not_make_a_winner():
    nothing = "where(law == 'free', exp(y) / 3 * 3, exp(2 * y) / exp(y)) - exp(y)"
    game = Game(
        name="idle",
        players=["A", "B"],
        parameters=[Parameter("x", 1, low=0, high=3)],
        stages=[
            Stage("law", Decision("A", "law", ["free", "ban"])),
            Stage("do", Decision("A", "y", Interval(0, 3))),
        ],
        payoffs={"A": "1 - (y - x) ** 2", "B": nothing},
        regimes=[Regime("free", fix={"law": "free"}), Regime("ban", fix={"law": "ban"})],
    )
    made = [compare(game, x=x / 10) for x in range(1, 20)]

    assert any(one["free"].payoffs["B"] != one["ban"].payoffs["B"] for one in made)
    assert {one.best["B"].verdict for one in made} == {Verdict.TIE}


def test_a_regime_is_never_worse_than_itself_for_having_several_equilibria():
    game = dataclasses.replace(MEETING, flags={"self": "pay_A < free.pay_A"})

    assert compare(game)["free"].flags == {"self": False}


def test_a_flag_over_an_undefined_number_is_not_said_to_fail():
    flags = {
        "open": "log(pay_A - 1000) > 1",
        "denied": "not (log(pay_A - 1000) > 1)",
        "guarded": "pay_A > 1000 and log(pay_A - 1000) > 1",
    }
    made = compare(dataclasses.replace(MEETING, flags=flags))

    assert made["ban"].flags == {"open": None, "denied": None, "guarded": False}


def test_rounding_does_not_raise_a_flag():
    game = choosing(
        {"a": "exp(x) / exp(x)", "b": "exp(2 * x) / exp(x) / exp(x)"},
        flags={"down": "v < a.v", "up": "v > a.v"},
    )
    raised = [compare(game, x=x / 10)["b"].flags for x in range(1, 30)]

    assert all(flags == {"down": False, "up": False} for flags in raised)


def test_sentences_say_what_happens():
    made = compare(yard())

    assert made["none"].says == "Everything is sold."
    assert made["wall"].says == "Denial is 4.0 at stake 4. C retaliates."


def test_sentences_tell_ranges_and_that_it_depends():
    made = compare(MEETING)

    assert made["free"].says == "In some equilibria: They meet on the left. A has 1.20 to 3.00."
    assert made["ban"].says.endswith("A has 2.50.")


def test_without_sentences_the_path_of_play_is_told():
    game = Game(
        name="two_steps",
        players=["A", "C"],
        stages=[
            Stage("law", Decision("A", "law", ["free", "ban"])),
            Stage("reply", Decision("C", "reply", ["accept", "retaliate"])),
            Stage("end", Decision("A", "end", ["stay", "leave"])),
        ],
        derived={"v": "(reply == 'accept') * 2 + (end == 'leave') * 1"},
        payoffs={"A": "v", "C": "v * where(law == 'ban', -1, 1)"},
        regimes=[Regime("free", fix={"law": "free"}), Regime("ban", fix={"law": "ban"})],
    )
    made = compare(game)

    assert made["free"].says.startswith("C at reply: accept; ")
    assert made["ban"].says.startswith("C at reply: retaliate; ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{v}", "0.3333"),
        ("{v:.2f}", "0.33"),
        ("{v:.0%} of it", "33% of it"),
        ("{{v}}", "{v}"),
        ("{1 / v:.1f}", "3.0"),
        ("{1 / (v - 1 / 3):.1f}", "(undefined)"),
        ("{log(-v):.1f}", "(undefined)"),
        ("{where(v > 0, 1, 2):.0f}", "1"),
    ],
)
def test_formulas_in_sentences_are_written_in_their_format(text, said):
    game = choosing({"a": "1/3"}, narrative=[Sentence(text)])
    assert compare(game)["a"].says == said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"flags": {"F": "w < 1"}}, ["flags.F", "'w'"]),
        ({"flags": {"F": "v + 1"}}, ["flags.F", "condition"]),
        ({"flags": {"F": "v < c.v"}}, ["flags.F", "'c'"]),
        ({"flags": {"F": "v < b.w"}}, ["flags.F", "'w'"]),
        ({"narrative": [Sentence("{v:x}")]}, ["narrative", "'x'"]),
        ({"narrative": [Sentence("{v")]}, ["narrative", "brace"]),
        ({"narrative": [Sentence("v}")]}, ["narrative", "brace"]),
        ({"narrative": [Sentence("{w}")]}, ["narrative", "'w'"]),
        ({"narrative": [Sentence("v", "v")]}, ["narrative", "condition"]),
    ],
)
def test_a_wrong_flag_or_sentence_is_named(change, named):
    with pytest.raises(SpecError) as error:
        compare(choosing({"a": "1", "b": "2"}, **change))

    for part in named:
        assert part in str(error.value)


# ------------------------------------------------------------------ choice and commitment


def test_the_player_who_leads_chooses_the_regime_that_is_best_for_them():
    choice = compare(yard()).choice

    assert (choice.player, choice.decision, choice.regimes) == ("A", "regime", ("yard",))


def test_the_choice_is_among_the_regimes_asked_for():
    assert compare(yard(), ["wall", "none"]).choice.regimes == ("none", "wall")


def test_the_choice_agrees_with_the_game_solved_without_overlay():
    from highfence import solve

    (equilibrium,) = solve(yard()).equilibria

    assert equilibrium.payoffs["A"] == compare(yard())["yard"].payoffs["A"][0]
    assert equilibrium.strategies["A"]["regime"]["yard"] == 1


def test_a_choice_that_others_do_not_wait_for_is_solved_for():
    made = compare(yard(), timing="discretion")

    assert made.choice.regimes == ("wall",)
    assert "solved by" in made.choice.reason


def test_regimes_that_are_not_choices_have_no_choice():
    game = choosing({"a": "x", "b": "2 * x"})
    regimes = (Regime("one", fix={"pick": "a"}), Regime("two", set={"x": 2}))
    made = compare(dataclasses.replace(game, regimes=regimes))

    assert made.choice is None
    assert made.commitment is None


def test_commitment_is_worth_what_discretion_loses():
    value = compare(yard()).commitment

    assert value.committed == (1.75, 1.75)
    assert value.discretionary == (0, 0)
    assert value.value == (1.75, 1.75)
    assert value.chosen_committed == ("yard",)
    assert value.chosen_discretionary == ("wall",)


def test_commitment_is_the_same_whichever_timing_is_the_default():
    one, two = compare(yard()).commitment, compare(yard(), timing="discretion").commitment

    assert (one.committed, one.discretionary) == (two.committed, two.discretionary)


def test_commitment_is_left_out_on_request():
    assert compare(yard(), commitment=False).commitment is None


def test_commitment_among_one_regime_is_no_question():
    value = compare(yard(), ["yard"]).commitment

    assert value.value is None
    assert "two" in value.reason


# ------------------------------------------------------------------ requests


def test_a_game_without_regimes_is_told_how_to_declare_them():
    with pytest.raises(RequestError, match=r"\[regimes\.NAME\]"):
        compare(yard(regimes=(), flags={}, narrative=()))


def test_a_form_without_regimes_is_refused():
    with pytest.raises(RequestError, match="regimes"):
        compare(NormalForm.from_payoffs([[[1]], [[2]]]))


@pytest.mark.parametrize(
    ("regimes", "reason"),
    [(["yarn"], "Did you mean 'yard'"), (["yard", "yard"], "twice"), ([], "no regime")],
)
def test_a_wrong_list_of_regimes_is_refused(regimes, reason):
    with pytest.raises(RequestError, match=reason):
        compare(yard(), regimes)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(RequestError, match="stake"):
        compare(yard(), stakes=3)


# ------------------------------------------------------------------ reports


def test_the_json_has_the_documented_keys():
    made = json.loads(dumps(compare(MEETING).to_dict()))

    assert set(made) == COMPARISON_KEYS
    for regime in made["regimes"].values():
        assert set(regime) == REGIME_KEYS
    for best in made["best"].values():
        assert set(best) == BEST_KEYS
    assert made["regimes"]["free"]["outcomes"]["pay_A"] == [1.2, 3.0]
    assert made["regimes"]["free"]["flags"] == {"worse": None, "low": True, "high": False}
    assert made["best"]["A"]["verdict"] == "depends on which equilibrium"


def test_the_json_tells_choice_and_commitment():
    made = json.loads(dumps(compare(yard()).to_dict()))

    assert made["choice"]["regimes"] == ["yard"]
    assert made["commitment"]["value"] == [1.75, 1.75]


def test_the_text_tells_what_depends():
    said = comparison_text(compare(MEETING), 100)

    assert "Best for A: depends on which equilibrium: Free or ban" in said
    assert "1.2..3.0" in said
    assert "worse?" in said
    assert "? depends on which equilibrium" in said
    assert "free: 3 equilibria" in said


def test_the_text_says_near_tie_and_marks_it():
    said = str(compare(choosing({"a": "10", "b": "10.02", "c": "9.995", "d": "9.9"})))

    assert "Best for A: b, by 0.02 over a: a near tie, also with c" in said
    assert re.search(r"a +10.000~\nb +10.020\*\nc +9.995~\nd +9.900$", said, re.MULTILINE)
    assert "~ near tie, within 0.3 percent" in said


def test_without_sentences_it_is_said_what_is_played():
    """A matrix game has no path of play to tell, so its strategies are named."""
    moves = [Decision(player, name, ["in", "out"]) for player, name in (("A", "a"), ("B", "b"))]
    game = Game(
        name="both_in",
        players=["A", "B"],
        parameters=[Parameter("fee", 0, low=0, high=2)],
        stages=[Stage("meet", *moves)],
        payoffs={"A": "(1 - fee) * (a == 'in')", "B": "(b == 'in') * 1"},
        regimes=[Regime("free"), Regime("dear", set={"fee": 2})],
    )

    assert [regime.says for regime in compare(game).regimes] == ["A: in; B: in", "A: out; B: in"]


@pytest.mark.parametrize("width", [12, 20, 30, 60, 100])
def test_the_table_keeps_every_number_at_any_width(width):
    made = compare(yard())
    wide, narrow = comparison_text(made, 400), comparison_text(made, width)

    for number in ("1.75", "-3.5", "0.5"):
        assert number in wide
        assert number in narrow


def test_players_and_outcomes_are_explained():
    game = choosing({"a": "1", "b": "2"}, derived={"w": Derived("x", "Worth", "EUR")})
    made = compare(dataclasses.replace(game, players=(Player("A", "The ally"),)))

    assert "Best for The ally" in str(made)
    assert "w: Worth (EUR)" in comparison_text(made, everything=True)


def test_a_large_margin_is_written_out():
    assert "by 1567 over a" in str(compare(choosing({"a": "4781.3", "b": "6348.6"})))
    assert "by 1.57 over a" in str(compare(choosing({"a": "4.7813", "b": "6.3486"})))


def test_the_short_page_shows_the_first_outcomes_and_counts_the_rest():
    many = {f"w{k}": Derived(f"x + {k} * v", f"Part {k}") for k in range(20)}
    made = compare(choosing({"a": "1", "b": "2"}, derived=many, assumptions=("None.",)))
    short, whole = comparison_text(made, 100), comparison_text(made, 100, everything=True)

    assert "Not shown: 6 more outcomes, what the columns mean and 1 assumption" in short
    assert re.search(r"\bw13\b", short)
    assert "w14" not in short
    assert "w19: Part 19" in whole
    assert "Not shown" not in whole


def test_what_is_the_same_everywhere_takes_no_column():
    made = compare(choosing({"a": "1", "b": "2"}, derived={"w": "x + 3"}))

    assert "The same under every regime: w 3" in comparison_text(made, 100)
    assert "regime   v  w" in comparison_text(made, 100, everything=True)


def test_where_all_is_the_same_there_is_no_table_and_no_mark():
    said = comparison_text(compare(choosing({"a": "1", "b": "1"})), 100)

    assert "The same under every regime: v 1" in said
    assert "all the same" in said
    assert "regime\n" not in said
    assert "* best" not in said


ROUNDING = "sqrt(2) * sqrt(2) - 2"
"""0, but 4.4e-16 in floats."""


def rounded(size: str = "1") -> Game:
    """Return a game in which B gets 0 but for rounding, and so is an outcome."""
    return Game(
        name="rounded",
        players=["A", "B"],
        parameters=[Parameter("x", 1, low=0, high=2)],
        stages=[Stage("pick", Decision("A", "pick", ["a", "b"]))],
        derived={
            "gap": f"{size} * ({ROUNDING}) * x",
            "part": f"({ROUNDING}) + 2e-5 * (pick == 'a')",
        },
        payoffs={
            "A": f"{size} * (8 + (pick == 'b') * sqrt(2) * x)",
            "B": f"{size} * (pick == 'b') * ({ROUNDING}) * x",
        },
        regimes=[Regime(name, fix={"pick": name}) for name in ("a", "b")],
    )


def test_what_is_rounding_beside_its_column_is_printed_as_0_and_kept_in_json():
    made = compare(rounded())
    said = comparison_text(made, 100, everything=True)
    table = [line.split() for line in said.splitlines() if line[:6] in ("a     ", "b     ")]

    assert table == [
        ["a", "8.0000", "0*", "0", "2e-05"],
        ["b", "9.4142*", "0*", "0", "0"],
    ]
    assert "e-16" not in said
    assert "e-16" in dumps(made.to_dict())
    assert "gap 0" in comparison_text(made, 100)


def test_small_numbers_of_a_game_in_small_units_are_printed():
    made = compare(rounded("1e-20"))
    said = comparison_text(made, 100, everything=True)

    assert "8e-20" in said
    assert "e-36" not in said
    assert made.best["B"].verdict is Verdict.TIE


def test_rounding_is_0_on_the_pages_of_solutions_and_sweeps_too():
    solution = solve(rounded(), regime="b")
    swept = sweep(rounded(), {"x": np.linspace(0.5, 1.5, 5)})

    assert "payoffs: A 9.4142, B 0" in str(solution)
    assert "outcomes: gap 0, part 0" in str(solution)
    assert "e-16" in dumps(solution_dict(solution))
    assert "e-1" not in plain(sweep_page(swept, everything=True))
    assert 0 < np.abs(swept.column("B")[0]).max() < 1e-15


def test_labels_stand_over_the_columns_and_groups_over_all_of_theirs():
    derived = {
        "p": Derived("v + 1", "The ally: trade"),
        "q": Derived("v + 2", "The ally: security of supply"),
        "t": Derived("v + 3", "T"),
    }
    said = comparison_text(compare(choosing({"a": "1", "b": "2"}, derived=derived)), 60)

    assert said.splitlines()[3:8] == [
        "            --- The ally --",
        "                   security",
        "                         of",
        "            trade    supply",
        "regime   v      p         q  t",
    ]


@pytest.mark.parametrize("count", [10])
def test_a_comparison_costs_little_beside_its_solutions(count):
    """Ten regimes: 5 to 10 ms beside the solver were measured; busy machines get 100."""
    module = import_module("highfence.study.compare")

    names = [f"r{k}" for k in range(count)]
    game = choosing(
        {name: f"{k} + x" for k, name in enumerate(names)},
        flags={f"F{k}": f"v < r0.v + {k}" for k in range(5)},
        narrative=[Sentence("v is {v / r1.v:.2f}", f"v > {k}") for k in range(15)],
    )
    compare(game)
    spent = {"solving": 0.0}
    solve = module.solve

    def timed(*given, **named):
        start = time.perf_counter()
        try:
            return solve(*given, **named)
        finally:
            spent["solving"] += time.perf_counter() - start

    module.solve = timed
    try:
        start = time.perf_counter()
        compare(game)
        beside = time.perf_counter() - start - spent["solving"]
    finally:
        module.solve = solve
    assert beside < 0.1


ROOMS = """
name = "rooms"
[players]
One = ""
Two = ""
[[stages]]
name = "enter"
[stages.decisions.go]
player = "One"
actions = ["in", "out"]
[[stages]]
name = "where"
[stages.chance.room]
first = {probability = "1/3", bonus = 0}
second = {probability = "1/3", bonus = 1}
third = {probability = "1/3", bonus = 2}
[[stages]]
name = "meet"
[stages.decisions.x]
player = "One"
actions = ["left", "right"]
[stages.decisions.y]
player = "Two"
actions = ["left", "right"]
[derived]
left = "where(x == 'left' and y == 'left', 1, 0)"
right = "where(x == 'right' and y == 'right', 1, 0)"
[payoffs]
One = "where(go == 'out', 2.9, left * (2 + room.bonus) + right)"
Two = "where(go == 'out', 0, left + right * (2 + room.bonus))"
[regimes]
enter = {fix = {go = "in"}}
out = {fix = {go = "out"}}
"""
"""Three equilibria in each of three rooms: inside, One is paid up to (2 + 3 + 4) / 3 = 3."""


LIMITS = [("MAX_LISTED_OUTCOMES", 27), ("MAX_CONTINUATIONS", 4), ("MAX_STAGE_GAMES", 4)]


@pytest.mark.parametrize(("limit", "least"), LIMITS)
def test_no_winner_is_named_where_it_depends_on_equilibria_that_are_not_listed(
    monkeypatch, limit, least
):
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 2)
    monkeypatch.setattr(limits, limit, 4)
    game = loads(ROOMS)
    comparison = compare(game)
    inside = comparison.regimes[0].solution

    assert inside.unlisted
    assert inside.count is not None
    assert inside.count >= least
    assert inside.more == (limit != "MAX_LISTED_OUTCOMES")
    assert ("at least" in str(inside)) == inside.more
    assert comparison.regimes[0].payoffs["One"][1] == 3
    assert comparison.best["One"].verdict is Verdict.DEPENDS
    assert set(comparison.best["One"].contenders) == {"enter", "out"}
    assert comparison.choice is not None
    assert comparison.choice.regimes == ("enter", "out")


@pytest.mark.parametrize(("limit", "least"), LIMITS)
def test_a_winner_is_named_over_all_equilibria_listed_or_not(monkeypatch, limit, least):
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 2)
    monkeypatch.setattr(limits, limit, 4)
    comparison = compare(loads(ROOMS.replace("2.9", "3.1")))

    assert comparison.regimes[0].solution.unlisted
    assert comparison.best["One"].verdict is Verdict.WINS
    assert comparison.best["One"].regime == "out"
    assert comparison.best["One"].margin == pytest.approx(0.1)
    assert comparison.choice is not None
    assert comparison.choice.regimes == ("out",)
    assert any("ranges are over all of them, of which" in note for note in comparison.notes)


def test_flags_are_left_open_where_equilibria_that_are_not_listed_may_decide(monkeypatch):
    flags = '[flags]\nbrave = "One > 2.95"\nsafe = "go_is_out > 0"\n'
    text = ROOMS.replace("[payoffs]", "go_is_out = \"where(go == 'out', 1, 0)\"\n[payoffs]")
    told = compare(loads(text + flags)).regimes[0].flags
    assert told == {"brave": None, "safe": False}
    monkeypatch.setattr(limits, "MAX_LISTED_PLANS", 2)
    monkeypatch.setattr(limits, "MAX_LISTED_OUTCOMES", 4)
    inside = compare(loads(text + flags)).regimes[0]
    assert inside.flags == {"brave": None, "safe": False}
    assert inside.says.endswith(" Or others, which are not listed.")
    told = '[[narrative]]\ntext = "One gets {One:.2f}."\nwhen = "One > 0"\n'
    inside = compare(loads(text + flags + told)).regimes[0]
    assert inside.says == ("Of the 4 equilibria listed: In some equilibria: One gets 0.74 to 3.00.")


def test_ranges_over_all_equilibria_name_a_winner_where_they_can():
    """Paid 3.1 outside, One stays there whatever is played inside."""
    comparison = compare(loads(ROOMS.replace("2.9", "3.1")))

    assert not comparison.regimes[0].solution.unlisted
    assert comparison.best["One"].verdict is Verdict.WINS
    assert comparison.best["One"].regime == "out"


def test_of_many_plays_a_few_are_told():
    """Each of three rooms has three equilibria, so that 27 plays follow entry."""
    says = compare(loads(ROOMS)).regimes[0].says
    assert says.count(" Or: ") == 3
    assert says.endswith(" Or one of 23 more; highfence solve lists them.")
