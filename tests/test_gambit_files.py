"""Gambit's game files: every variant is read exactly, every mistake is located.

The texts below were written for these tests, after the format's public documentation (The
Gambit Project, "Game representation formats"). Sources of the games: Selten (1975), figure 1;
Kuhn (1950), "A simplified two-person poker"; Cho and Kreps (1987), beer and quiche.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import limits
from highfence.errors import GameFileError, LimitExceeded, Problem, RequestError, SpecError
from highfence.forms import gambit_files
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Lottery, Move, Node, Terminal
from highfence.forms.gambit_files import format_efg, format_nfg, parse_efg, parse_nfg
from highfence.forms.normal import NormalForm

BAD = Path(__file__).parent / "data" / "gambit_bad"
EXPECTED: dict[str, dict[str, Any]] = json.loads((BAD / "expected.json").read_text("utf-8"))
HALF = Fraction(1, 2)


# --- texts that are games ------------------------------------------------------------------

# 2 x 3, so that a wrong order of payoffs shows. Player 1's strategy varies fastest.
LADDER_1 = [[1, 3, 5], [2, 4, 6]]
LADDER_2 = [[10, 30, 50], [20, 40, 60]]
LADDER = "1 10 2 20 3 30 4 40 5 50 6 60"

NFG: dict[str, tuple[str, Any]] = {
    "sizes": ('NFG 1 R "t" { "A" "B" } { 2 3 }\n\n' + LADDER, [LADDER_1, LADDER_2]),
    "names": (
        'NFG 1 R "t" { "A" "B" }\n{ { "u" "d" }\n{ "l" "m" "r" } }\n\n' + LADDER + "\n",
        [LADDER_1, LADDER_2],
    ),
    "comment": ('NFG 1 R "t" { "A" "B" } { 2 3 }\n"two\nlines"\n' + LADDER, [LADDER_1, LADDER_2]),
    "old number type": ('NFG 1 D "t" { "A" "B" } { 2 3 } ' + LADDER, [LADDER_1, LADDER_2]),
    "no blanks": (
        'NFG 1 R"t"{"A" "B"}{{"u""d"}{"l""m""r"}}"c"' + LADDER,
        [LADDER_1, LADDER_2],
    ),
    "outcomes": (
        'NFG 1 R "t" { "A" "B" }\n{ { "u" "d" } { "l" "m" "r" } }\n""\n'
        '{\n{ "one" 1, 10 }\n{ "" 2 20 }\n{ "x" 3,30 }\n{ 4 , 40 }\n{ "" 5, 50 }\n{ "" 6, 60 }\n}\n'
        "1 2 3 4 5 6 \n",
        [LADDER_1, LADDER_2],
    ),
    "outcomes again and none": (
        'NFG 1 R "t" { "A" "B" } { 2 2 } { { "win" 1, -1 } { "lose" -1, 1 } } 1 0 2 1',
        [[[1, -1], [0, 1]], [[-1, 1], [0, -1]]],
    ),
    "numbers": (
        'NFG 1 R "t" { "A" } { 8 } 1/3 -1/3 .5 -1.25 3. 1e3 -1.5E-2 2e+0',
        [["1/3", "-1/3", "1/2", "-5/4", "3", "1000", "-3/200", "2"]],
    ),
    "plus signs": ('NFG 1 R "t" { "A" } { 3 } +2 +1/2 +.5', [["2", "1/2", "1/2"]]),
    "three players": (
        'NFG 1 R "t" { "A" "B" "C" } { 2 1 2 } 1 2 3  4 5 6  7 8 9  10 11 12',
        [[[[1, 7]], [[4, 10]]], [[[2, 8]], [[5, 11]]], [[[3, 9]], [[6, 12]]]],
    ),
}

HORSE = r"""EFG 2 R "the \"horse\" of Selten" { "One" "Two" "Three" }
"two paths lead
to the third player"
p "" 1 1 "" { "D" "C" } 0
p "" 3 1 "blind" { "L" "R" } 0
t "" 1 "" { 3, 2, 2 }
t "" 2 "" { 0 0 0 }
p "" 2 1 "" { "c" "d" } 0
t "" 3 "" { 1, 1, 1 }
p "" 3 1 0
t "" 4 "" { 4, 4, 0 }
t "" 5 "" { 0, 0, 1 }
"""

BEER_QUICHE = """EFG 2 R "beer or quiche" { "Sender" "Receiver" }
c "type" 1 "" { "wimp" .1 "surly" 9e-1 } 0
p "" 1 1 "wimp" { "beer" "quiche" } 0
p "" 2 1 "saw beer" { "duel" "leave" } 0
t "" 1 "" { 0, 1 }
t "" 2 "" { 2, 0 }
p "" 2 2 "saw quiche" { "duel" "leave" } 0
t "" 3 "" { 1, 1 }
t "" 4 "" { 3, 0 }
p "" 1 2 "surly" { "beer" "quiche" } 0
p "" 2 1 "saw beer" { "duel" "leave" } 0
t "" 5 "" { 1, 0 }
t "" 6 "" { 3, 1 }
p "" 2 2 "saw quiche" { "duel" "leave" } 0
t "" 7 "" { 0, 0 }
t "" 8 "" { 2, 1 }
"""


def kuhn() -> str:
    """Return three-card poker: a card each, ante 1, one bet of 1."""
    rank = {"J": 0, "Q": 1, "K": 2}
    deals = ["".join(deal) for deal in permutations("JQK", 2)]
    events = " ".join(f'"{deal}" 1/6' for deal in deals)
    lines = ['EFG 2 R "Kuhn poker" { "first" "second" }', '""', f'c "" 1 "deal" {{ {events} }} 0']
    outcomes = {1: (1, "win 1"), -1: (2, "lose 1"), 2: (3, "win 2"), -2: (4, "lose 2")}

    def end(gain: int) -> str:
        number, name = outcomes[gain]
        return f't "" {number} "{name}" {{ {gain}, {-gain} }}'

    for mine, other in deals:
        sign = 1 if rank[mine] > rank[other] else -1
        one, two = rank[mine] + 1, rank[other] + 1
        lines += [
            f'p "" 1 {one} "{mine}" {{ "check" "bet" }} 0',
            f'p "" 2 {two} "{other} after check" {{ "check" "bet" }} 0',
            end(sign),
            f'p "" 1 {one + 3} "{mine} after check, bet" {{ "fold" "call" }} 0',
            end(-1),
            end(2 * sign),
            f'p "" 2 {two + 3} "{other} after bet" {{ "fold" "call" }} 0',
            end(1),
            end(2 * sign),
        ]
    return "\n".join(lines) + "\n"


EFG: dict[str, str] = {
    "horse": HORSE,
    "beer and quiche": BEER_QUICHE,
    "kuhn poker": kuhn(),
    "outcomes by number": (
        'EFG 2 R "t" { "A" "B" }\n""\n'
        'p "" 1 1 "" { "a" "b" "c" } 0\n'
        't "" 1 "win" { 1, -1 }\nt "" 2 "lose" { -1 1 }\nt "" 1\n'
    ),
    "outcomes on the way": (
        'EFG 2 R "t" { "A" "B" }\n""\n'
        'c "" 1 "" { "l" 1/2 "r" 1/2 } 7 "fee" { -1/2, -.25 }\n'
        'p "" 1 1 "" { "a" "b" } 8 "bonus" { 10, 0 }\nt "" 1 "x" { 1, 2 }\nt "" 0\n'
        'p "" 1 2 "" { "a" "b" } 8\nt "" 0\nt "" 7\n'
    ),
    "events by number": (
        'EFG 2 R "t" { "A" "B" }\n""\n'
        'p "" 1 1 "" { "a" "b" } 0\n'
        'c "" 3 "coin" { "h" 1/3 "t" 2/3 } 0\nt "" 1 "" { 1, 2 }\nt "" 2 "" { 3, 4 }\n'
        'c "" 3 0\nt "" 3 "" { 5, 6 }\nt "" 4 "" { 7, 8 }\n'
    ),
    "one player, one action": (
        'EFG 2 R "" { "A" }\np "start" 1 5 "I" { "only" } 0 t "end" 12 "o" { 1e-2 }'
    ),
    "old number type, no comment, indented": (
        'EFG 2 D "t" { "A" "B" }\n\n  p "" 2 1 "(2,1)" { "a" "b" } 0\n'
        '    t "" 1 "Outcome 1" { 1.000000 2.000000 }\n    t "" 2 "Outcome 2" { .5 , 1e1 }'
    ),
}


# --- the strategic form --------------------------------------------------------------------


@pytest.mark.parametrize("name", NFG)
def test_every_variant_of_nfg_is_read_exactly(name):
    text, payoffs = NFG[name]
    form = parse_nfg(text)
    assert form.exact is not None
    wanted = np.vectorize(Fraction, otypes=[object])(np.array(payoffs, dtype=object))
    assert form.exact.shape == wanted.shape
    assert (form.exact == wanted).all()
    assert (form.payoffs == wanted.astype(float)).all()


def test_labels_of_an_nfg_are_kept():
    form = parse_nfg(NFG["outcomes"][0])
    assert (form.title, form.players) == ("t", ("A", "B"))
    assert form.strategies == (("u", "d"), ("l", "m", "r"))
    assert parse_nfg(NFG["sizes"][0]).strategies == (("1", "2"), ("1", "2", "3"))


def test_missing_labels_become_numbers():
    form = parse_nfg('NFG 1 R "" { "" "B" } { { "" "2" "" } { "x" } } 1 2 3 4 5 6')
    assert form.players == ("Player 1", "B")
    assert form.strategies == (("1", "2", "3"), ("x",))
    tree = parse_efg('EFG 2 R "" { "" } p 1 1 { "" "1" } 0 t 1 { 1 } t 2 "" { 2 }')
    assert tree.players == ("Player 1",)
    assert tree.information_sets[0].label == "set 1"
    assert tree.information_sets[0].actions == ("1'", "1")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_any_line_ends_do(ends):
    text = NFG["names"][0].replace("\n", ends)
    assert parse_nfg(text).payoffs.tolist() == [LADDER_1, LADDER_2]
    form = parse_efg(HORSE.replace("\n", ends))
    assert form.notes == ("two paths lead\nto the third player",)
    with pytest.raises(GameFileError) as caught:
        parse_nfg(text + "x")
    assert caught.value.problems[0].line == 6


# --- the extensive form --------------------------------------------------------------------


def test_seltens_horse_is_read():
    form = parse_efg(HORSE)
    assert form.title == 'the "horse" of Selten'
    assert form.owner.tolist() == [0, 2, -2, -2, 1, -2, 2, -2, -2]
    assert form.payoffs[form.terminals].tolist() == [
        [3, 2, 2], [0, 0, 0], [1, 1, 1], [4, 4, 0], [0, 0, 1],
    ]  # fmt: skip
    assert [s.label for s in form.information_sets] == ["set 1", "blind", "set 1"]
    assert form.information_sets[1].nodes == (1, 6)
    assert form.perfect_recall() is None
    assert form.subgame_roots() == (0,)


def test_beer_and_quiche_is_read():
    form = parse_efg(BEER_QUICHE)
    assert form.exact_probabilities is not None
    assert form.exact_probabilities[0] == (Fraction(1, 10), Fraction(9, 10))
    assert form.labels[0] == "type"
    pool = BehaviorProfile(((1, 0), (0, 1), (1, 0), (1, 0)))
    assert [s.label for s in form.information_sets] == ["wimp", "saw beer", "saw quiche", "surly"]
    assert form.expected_payoffs(pool) == (Fraction(29, 10), Fraction(9, 10))


def test_kuhn_poker_has_its_value():
    """Kuhn (1950): the first player loses 1/18 in equilibrium, here with alpha = 1/3."""
    form = parse_efg(kuhn())
    assert form.num_nodes == 1 + 6 * 9
    assert set(form.exact_probabilities[0]) == {Fraction(1, 6)}  # type: ignore[index]
    third = Fraction(1, 3)
    plan = {
        "J": (1 - third, third), "Q": (1, 0), "K": (0, 1),
        "J after check, bet": (1, 0), "K after check, bet": (0, 1),
        "Q after check, bet": (third, 1 - third),
        "J after check": (1 - third, third), "Q after check": (1, 0), "K after check": (0, 1),
        "J after bet": (1, 0), "K after bet": (0, 1), "Q after bet": (1 - third, third),
    }  # fmt: skip
    profile = BehaviorProfile(tuple(plan[s.label] for s in form.information_sets))
    assert form.expected_payoffs(profile) == (Fraction(-1, 18), Fraction(1, 18))
    assert form.perfect_recall() is None


def test_outcomes_are_used_again_by_number():
    form = parse_efg(EFG["outcomes by number"])
    assert form.payoffs[1:].tolist() == [[1, -1], [-1, 1], [1, -1]]
    assert form.labels == ("", "win", "lose", "win")


def test_outcomes_on_the_way_add_up():
    form = parse_efg(EFG["outcomes on the way"])
    assert form.exact is not None
    assert form.exact[form.terminals].tolist() == [
        [Fraction(21, 2), Fraction(7, 4)],
        [Fraction(19, 2), Fraction(-1, 4)],
        [Fraction(19, 2), Fraction(-1, 4)],
        [Fraction(9), Fraction(-1, 2)],
    ]


def test_events_are_used_again_by_number():
    form = parse_efg(EFG["events by number"])
    assert form.probabilities[1] == form.probabilities[4] == (1 / 3, 2 / 3)
    assert form.action_labels[4] == ("h", "t")


def test_equal_labels_of_information_sets_are_told_apart_with_a_note():
    form = gambit_files.read_efg(BAD / "dup_iset_label.efg")
    assert [s.label for s in form.information_sets] == ["I", "I (2)"]
    assert "'I (2)'" in form.notes[0]


def test_equal_labels_of_chance_are_told_apart_with_a_note():
    form = parse_efg(
        'EFG 2 R "" { "A" } c "" 1 "" { "1/4" 1/4 "1/2" 1/2 "1/4" 1/4 } 0 '
        't "" 1 "" { 1 } t "" 2 "" { 2 } t "" 3 "" { 3 }'
    )
    assert form.action_labels[0] == ("1/4", "1/2", "1/4 (2)")
    assert "'1/4 (2)'" in form.notes[0]


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (r"say \"hi\"", 'say "hi"'),
        (r"C:\new", r"C:\new"),
        (r"a\\b", r"a\b"),
        (r"ends in \\", "ends in \\"),
        (r"\\\"", '\\"'),
    ],
)
def test_escapes_in_labels(written, label):
    form = parse_nfg(f'NFG 1 R "{written}" {{ "{written}" }} {{ 1 }} 1')
    assert (form.title, form.players) == (label, (label,))
    again = parse_nfg(format_nfg(form))
    assert (again.title, again.players) == (label, (label,))


def test_imperfect_recall_is_read_and_reported():
    assert gambit_files.read_efg(BAD / "imperfect_recall.efg").perfect_recall() == (0, "set 2")
    assert gambit_files.read_efg(BAD / "absent_minded.efg").perfect_recall() == (0, "set 1")


# --- bad files -----------------------------------------------------------------------------


def test_every_bad_file_is_listed():
    assert {path.name for path in BAD.iterdir()} - {"expected.json"} == set(EXPECTED)


@pytest.mark.parametrize("name", [n for n in EXPECTED if not EXPECTED[n].get("accept")])
def test_a_bad_file_is_refused_where_it_is_wrong(name):
    started = time.monotonic()
    with pytest.raises(SpecError) as caught:
        gambit_files.read(BAD / name)
    assert time.monotonic() - started < 1
    problem = caught.value.problems[0]
    assert isinstance(caught.value, GameFileError | LimitExceeded)
    assert [problem.line, problem.column] == EXPECTED[name]["at"]
    assert problem.place.endswith(name)
    assert problem.fix
    for words in EXPECTED[name]["says"]:
        assert words in str(problem)


@pytest.mark.parametrize("name", [n for n in EXPECTED if EXPECTED[n].get("accept")])
def test_an_odd_file_is_accepted_and_survives_writing(name):
    form = gambit_files.read(BAD / name)
    if isinstance(form, NormalForm):
        same_normal(form, parse_nfg(format_nfg(form)))
    else:
        same_extensive(form, parse_efg(format_efg(form)))


@pytest.mark.parametrize(
    ("name", "payoffs"),
    [
        ("bom.nfg", [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]),
        ("no_trailing_newline.nfg", [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]),
        ("exp_payoff.nfg", [[[1000, 0], [0, 1]], [[1, 0], [0, 1]]]),
        ("one_player.nfg", [[1, 2, 3]]),
    ],
)
def test_what_is_accepted_is_read_right(name, payoffs):
    assert gambit_files.read_nfg(BAD / name).exact.tolist() == payoffs  # type: ignore[union-attr]


def test_games_without_decisions_are_read():
    form = gambit_files.read_efg(BAD / "all_chance.efg")
    assert form.expected_payoffs(BehaviorProfile(())) == (HALF, HALF)
    form = gambit_files.read_efg(BAD / "single_terminal.efg")
    assert form.expected_payoffs(BehaviorProfile(())) == (1, 1)
    form = gambit_files.read_efg(BAD / "probs_float_tenths.efg")
    assert form.expected_payoffs(BehaviorProfile(())) == (Fraction(9, 2), 0)


TREE = 'EFG 2 R "t" { "A" "B" } ""\n'
TABLE = 'NFG 1 R "t" { "A" "B" } '


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", 1, 1, "the file is empty"),
        ("GFN 1", 1, 1, "starts with NFG, this one with 'GFN'"),
        ("EFG 2 R", 1, 1, "Is it a .efg file?"),
        ("NFG 1 X", 1, 7, "expected R"),
        ("NFG 1 R t", 1, 9, "title: expected a quoted text, found 't'"),
        ('NFG 1 R "t', 1, 9, "never closed"),
        ('NFG 1 R "t" "A"', 1, 13, "players: expected '{'"),
        ('NFG 1 R "t" { A }', 1, 15, "players: expected '}', found 'A'"),
        (TABLE + "{ 2 2", 1, 30, "strategies: unexpected end of the file"),
        (TABLE + "{ 2 2.5 } 1", 1, 29, "number of strategies of 'B': '2.5' is not an integer"),
        (TABLE + "{ 2 0 } 1", 1, 29, "0 is less than 1"),
        (TABLE + "{ 2 99999 } 1", 1, 29, "the limit is 10000"),
        (TABLE + '{ { "a" } { } } 1', 1, 35, "strategies of 'B': there are none"),
        (TABLE + '{ { "a" } } 1', 1, 25, "strategies are given for 1"),
        (TABLE + '{ { "a" "a" } { "x" } } 1', 1, 27, "strategies of 'A': two of them"),
        (TABLE + '{ { "\u00e9" "e\u0301" } { "x" } } 1', 1, 27, "two of them"),
        (TABLE + '{ 1 1 }\n"c\x07"\n1 2', 2, 3, "U+0007"),
        (TABLE + '{ { "a\nb" } { "x" } } 1 2', 1, 31, "U+000A"),
        (TABLE + "{ 2 2 }\n1 2 3 4 5", 2, 10, "after 5 of 8 payoffs"),
        (TABLE + "{ 1 1 }\n1 2x", 2, 3, "payoff 2 of 2, to 'B': '2x' is not a number"),
        (TABLE + "{ 1 1 }\n1 1/0", 2, 3, "denominator of 1/0 is zero"),
        (TABLE + "{ 1 1 }\n1 --1", 2, 3, "'--1' is not a number"),
        (TABLE + "{ 1 1 }\n1 \u0663", 2, 3, "'\\u0663' is not a number"),
        (TABLE + "{ 1 1 }\n1 NaN", 2, 3, "'NaN' is not a finite number"),
        (TABLE + "{ 1 1 }\n1 1e-400", 2, 3, "closer to zero"),
        (TABLE + "{ 1 1 }\n1 1e-9999999999999", 2, 3, "limit of 400"),
        (TABLE + "{ 1 1 }\n1, 2", 2, 2, "Remove the comma"),
        (TABLE + "{ 1 1 }\n1 0,5", 2, 4, "Did you mean 0.5?"),
        (TABLE + "{ 1 1 }\n1 }", 2, 3, "expected a number, found '}'"),
        (TABLE + '{ 1 1 } { { "o" 1,5, 2 } } 1', 1, 46, "did you mean '1.5'"),
        (TABLE + '{ 1 1 } { { "o" 1 } } 1', 1, 43, "1 payoff for 2 players"),
        (TABLE + '{ 1 1 } { { "o" 1 2 } } 1 1', 1, 51, "'1' comes after all 1"),
        (TABLE + '{ 1 1 } { { "o" 1 2 } }', 1, 48, "unexpected end of the file"),
    ],
)
def test_a_bad_nfg_is_refused_where_it_is_wrong(text, line, column, says):
    with pytest.raises(SpecError) as caught:
        parse_nfg(text, "bad.nfg")
    problem = caught.value.problems[0]
    assert says in str(problem)
    assert (problem.line, problem.column) == (line, column)
    assert str(problem).startswith(f"bad.nfg:{line}:{column}: ")


@pytest.mark.parametrize(
    ("body", "line", "column", "says"),
    [
        ("", 2, 1, "unexpected end of the file, expected a node"),
        ('p "" 1 1 "" { "a" "b" } 0\nt "" 1 "" { 1, 2 }', 3, 19, "node on line 2 lacks 1"),
        ('p "" 1', 2, 7, "information set number: unexpected end"),
        ('p "" A 1 "" { "a" } 0', 2, 6, "player number: 'A' is not an integer"),
        ('p "" 1 0 "" { "a" } 0\nt "" 0', 2, 8, "0 is less than 1"),
        ('p "" 1 1 0', 2, 10, "its actions are not given"),
        ('p "" 1 1 "" { } 0', 2, 13, "there are no actions"),
        ('p "" 1 1 "" { "a" b } 0', 2, 19, "action 2: expected a quoted text"),
        ('p "" 1 1 "" { "a" 1/2 } 0', 2, 19, "action 2: expected a quoted text"),
        ('c "" 1 "" { "a" "b" } 0', 2, 17, "probability: expected a number"),
        ('c "" 1 "" { "a" 1/2 "b" 1/2x } 0 t 0 t 0', 2, 25, "'1/2x' is not a number"),
        ('c "" 1 "" { "a" 3/2 "b" -1/2 } 0 t 0 t 0', 2, 11, "probability -1/2 is negative"),
        ('t "" 1', 2, 6, "outcome 1: its payoffs are not given"),
        ('t "" -1', 2, 6, "-1 is less than 0"),
        ('t "" 0 "none" { 1, 2 }', 2, 6, "number 0 pays nothing"),
        ('t "" 1 "o" { 1,5, 2 }', 2, 19, "did you mean '1.5'"),
        ('t "" 1 "o" { 1, 2', 2, 18, "unexpected end of the file"),
        ('t "" 1 "o" 1, 2 }', 2, 6, "its payoffs are not given"),
        ('t "x\u200by" 0', 2, 5, "ZERO WIDTH SPACE"),
        ('t "" 0\n1', 3, 1, "after the tree is complete"),
        ('t "" 0\n"left over"', 3, 1, "number 0 pays nothing and has no label"),
        (
            'p "" 1 1 "I" { "a" } 0\np "" 1 1 "J" { "a" } 0\nt "" 0',
            3, 10, "called 'J' here, and 'I' on line 2",
        ),
        (
            'p "" 1 1 "" { "a" "b" } 0\nt "" 1 "" { 1, 2 }\nt "" 1 "" { 1, 3 }',
            4, 11, "pays 1, 3 here, and 1, 2 on line 3",
        ),
        (
            'p "" 1 1 "" { "a" "b" } 0\nt "" 1 "x" { 1, 2 }\nt "" 1 "y" { 1, 2 }',
            4, 8, "called 'y' here, and 'x' on line 3",
        ),
        (
            'c "" 1 "" { "a" 1 } 0\nc "" 1 "" { "a" 2 } 0\nt "" 0',
            3, 11, "the probabilities 2, the node on line 2 has 1",
        ),
    ],
)  # fmt: skip
def test_a_bad_efg_is_refused_where_it_is_wrong(body, line, column, says):
    with pytest.raises(SpecError) as caught:
        parse_efg(TREE + body, "bad.efg")
    problem = caught.value.problems[0]
    assert says in str(problem)
    assert (problem.line, problem.column) == (line, column)


def test_a_payoff_may_be_repeated_in_another_notation():
    form = parse_efg(
        TREE + 'p "" 1 1 "" { "a" "b" } 0\nt "" 1 "" { .5, 2 }\nt "" 1 "" { 1/2, 2.0 }'
    )
    assert form.payoffs[1:].tolist() == [[0.5, 2], [0.5, 2]]


def test_all_mistakes_of_a_file_are_reported_at_once():
    body = (
        'p "" 3 1 "" { "a" "a" } 0\n'
        'c "" 1 "" { "x" 1/2 "y" 1/3 } 0\nt "" 1 "" { 1, nan }\nt "" 2 "" { 1 }\nt "" 7\n'
    )
    with pytest.raises(GameFileError) as caught:
        parse_efg(TREE + body)
    assert [problem.line for problem in caught.value.problems] == [2, 2, 3, 4, 5, 6]


def test_a_message_stays_readable_however_many_mistakes():
    with pytest.raises(GameFileError) as caught:
        parse_nfg(TABLE + "{ 99 1 }" + " x" * 198)
    assert len(caught.value.problems) == 50


@given(st.data())
def test_damaged_text_is_read_or_refused_but_never_crashes(data):
    text = data.draw(st.sampled_from([*EFG.values(), *(text for text, _ in NFG.values())]))
    parse = parse_nfg if text.startswith("NFG") else parse_efg
    start = data.draw(st.integers(0, len(text)))
    stop = min(len(text), start + data.draw(st.integers(0, 12)))
    noise = data.draw(st.text(st.sampled_from('"\\{},.-/0123e ptcR\n\x00\u00a0\u202e'), max_size=8))
    damaged = text[:start] + noise + text[stop:]
    problems: tuple[Problem, ...] = ()
    try:
        parse(damaged)
    except SpecError as error:
        problems = error.problems
    assert all(problem.line is not None for problem in problems)


# --- limits --------------------------------------------------------------------------------


def deep_chain(length: int) -> Iterator[str]:
    yield TREE
    for step in range(length):
        yield f'p "" 1 {step + 1} "" {{ "a" "b" }} 0\n'
    for _ in range(length + 1):
        yield 't "" 1 "" { 1, 1 }\n'


def test_a_tree_100000_deep_is_refused_by_name():
    with pytest.raises(LimitExceeded, match=f"deeper than {limits.MAX_DEPTH} moves") as caught:
        parse_efg("".join(deep_chain(100_000)))
    assert caught.value.problems[0].line == 2 + limits.MAX_DEPTH + 1


def test_a_deep_tree_is_read_where_the_limit_allows(monkeypatch):
    monkeypatch.setattr(limits, "MAX_DEPTH", 5_000)
    form = parse_efg("".join(deep_chain(5_000)))
    assert form.depth.max() == 5_000
    same_extensive(form, parse_efg(format_efg(form)))


def test_the_number_of_nodes_is_limited(monkeypatch):
    monkeypatch.setattr(limits, "MAX_NODES", 4)
    with pytest.raises(LimitExceeded, match="more than 4 nodes"):
        parse_efg("".join(deep_chain(3)))


def test_a_table_is_refused_before_it_is_allocated():
    text = 'NFG 1 R "t" { "A" "B" "C" "D" } { 9999 9999 9999 9999 } 1'
    with pytest.raises(LimitExceeded, match="limit is 20000000"):
        parse_nfg(text)
    many = " ".join(f'"{k}"' for k in range(64))
    with pytest.raises(LimitExceeded, match="at most 63"):
        parse_nfg(f'NFG 1 R "t" {{ {many} }} {{ {"1 " * 64} }} ' + "1 " * 64)
    with pytest.raises(LimitExceeded, match="the limit is 100"):
        parse_nfg(f'NFG 1 R "t" {{ {many} {many.replace("6", "x")} }} {{ 1 }}')


@pytest.mark.parametrize("number", ["9" * 401, "0." + "1" * 400, "1/" + "3" * 401])
def test_a_number_of_many_digits_is_refused_by_name(number):
    with pytest.raises(LimitExceeded, match="400 digits"):
        parse_nfg(f'NFG 1 R "t" {{ "A" }} {{ 1 }} {number}')


def test_a_long_number_within_the_limit_is_exact():
    number = "0." + "3" * 390
    form = parse_nfg(f'NFG 1 R "t" {{ "A" }} {{ 1 }} {number}')
    assert form.exact is not None
    assert form.exact[0, 0] == Fraction(number)


def test_many_equal_labels_take_no_quadratic_time():
    count = 20_000
    odds = " ".join(f'"x" 1/{count // 4}' for _ in range(count // 4))
    text = (
        'EFG 2 R "" { "A" } '
        + "".join(f'p "" 1 {k + 1} "I" {{ "a" }} 0\n' for k in range(900))
        + f'c "" 1 "" {{ {odds} }} 0 '
        + 't "" 0 ' * (count // 4)
    )
    started = time.monotonic()
    form = parse_efg(text)
    assert time.monotonic() - started < 5
    assert form.information_sets[-1].label == "I (900)"
    assert form.action_labels[900][-1] == f"x ({count // 4})"


# --- paths ---------------------------------------------------------------------------------


def test_the_ending_of_the_name_decides(tmp_path):
    table, tree = tmp_path / "a.NFG", tmp_path / "b.efg"
    table.write_text(NFG["sizes"][0], "utf-8")
    tree.write_text(HORSE, "utf-8")
    assert isinstance(gambit_files.read(table), NormalForm)
    assert isinstance(gambit_files.read(str(tree)), ExtensiveForm)
    with pytest.raises(RequestError, match=r"\.nfg .* or \.efg"):
        gambit_files.read(tmp_path / "game.gbt")


def test_only_regular_files_are_read(tmp_path):
    folder = tmp_path / "folder.nfg"
    folder.mkdir()
    with pytest.raises(GameFileError, match=r"folder\.nfg: this is a directory"):
        gambit_files.read(folder)
    with pytest.raises(GameFileError, match="no such file"):
        gambit_files.read(tmp_path / "absent.efg")
    with pytest.raises(GameFileError, match="cannot be read"):
        gambit_files.read_nfg("a\0b.nfg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_at_once(tmp_path):
    pipe = tmp_path / "pipe.nfg"
    os.mkfifo(pipe)
    with pytest.raises(GameFileError, match="not a regular file"):
        gambit_files.read(pipe)
    device = tmp_path / "zero.efg"
    device.symlink_to("/dev/zero")
    with pytest.raises(GameFileError, match="not a regular file"):
        gambit_files.read(device)


def test_a_large_file_is_refused_by_name(tmp_path, monkeypatch):
    path = tmp_path / "big.nfg"
    path.write_text(NFG["sizes"][0], "utf-8")
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 20)
    with pytest.raises(LimitExceeded, match="more than 20 bytes"):
        gambit_files.read(path)


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "a.nfg"
    path.write_bytes(NFG["sizes"][0].encode("utf-16"))
    with pytest.raises(GameFileError, match="UTF-16"):
        gambit_files.read(path)
    path.write_bytes('NFG 1 R "t"\n{ "\u00e9" } { 1 } 1'.encode("latin-1"))
    with pytest.raises(GameFileError, match=r"a\.nfg:2:4: byte 0xe9 is not UTF-8"):
        gambit_files.read(path)


# --- writing -------------------------------------------------------------------------------


def same_normal(one: NormalForm, other: NormalForm) -> None:
    assert (one.title, one.players, one.strategies) == (
        other.title,
        other.players,
        other.strategies,
    )
    assert one.exact is not None
    assert other.exact is not None
    assert one.exact.shape == other.exact.shape
    assert (one.exact == other.exact).all()


def same_extensive(one: ExtensiveForm, other: ExtensiveForm) -> None:
    for name in (
        "title", "players", "children", "action_labels", "labels", "exact_probabilities",
    ):  # fmt: skip
        assert getattr(one, name) == getattr(other, name)
    for name in ("parent", "branch", "end", "owner", "information_set", "payoffs", "exact"):
        assert (getattr(one, name) == getattr(other, name)).all()
    assert [vars(s) for s in one.information_sets] == [vars(s) for s in other.information_sets]


RATIONALS = st.fractions(min_value=-(10**6), max_value=10**6) | st.integers(-3, 3).map(Fraction)
# No controls, surrogates, separators or format characters; quotes and backslashes often.
LABELS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")) | st.sampled_from('\\"{} ,'),
    max_size=8,
)


def distinct(count: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(
        LABELS.filter(bool),
        min_size=count,
        max_size=count,
        unique_by=lambda label: unicodedata.normalize("NFC", label),
    ).map(tuple)


@st.composite
def tables(draw: st.DrawFn) -> NormalForm:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    cells = int(np.prod(sizes)) * len(sizes)
    table = np.empty(cells, dtype=object)
    table[:] = draw(st.lists(RATIONALS, min_size=cells, max_size=cells))
    return NormalForm.from_payoffs(
        table.reshape((len(sizes), *sizes)),
        players=draw(distinct(len(sizes))),
        strategies=[draw(distinct(size)) for size in sizes],
        title=draw(LABELS),
    )


@st.composite
def trees(draw: st.DrawFn) -> ExtensiveForm:
    players = draw(distinct(draw(st.integers(1, 3))))
    count = len(players)
    sets = {
        (player, which): draw(distinct(draw(st.integers(1, 3))))
        for player in range(count)
        for which in range(2)
    }

    def vector() -> tuple[Fraction, ...]:
        return tuple(draw(RATIONALS) for _ in players)

    def node(depth: int) -> Node:
        kind = draw(st.integers(-1, count - 1)) if depth and draw(st.integers(0, 3)) else None
        if kind is None:
            return Terminal(vector(), label=draw(LABELS))
        bonus = vector() if draw(st.booleans()) else None
        if kind < 0:
            weights = draw(st.lists(st.integers(0, 9), min_size=1, max_size=3).filter(any))
            odds = tuple(Fraction(weight, sum(weights)) for weight in weights)
            children = tuple(node(depth - 1) for _ in weights)
            return Lottery(draw(LABELS), draw(distinct(len(weights))), odds, children, bonus)
        key = (kind, draw(st.integers(0, 1)))
        children = tuple(node(depth - 1) for _ in sets[key])
        return Move(kind, key, sets[key], children, draw(LABELS), bonus)

    names = {key: draw(LABELS) for key in sets}
    return ExtensiveForm.from_tree(players, node(3), draw(LABELS), names)


@given(tables())
def test_writing_and_reading_a_strategic_form_changes_nothing(form):
    same_normal(form, parse_nfg(format_nfg(form)))


@given(trees())
def test_writing_and_reading_an_extensive_form_changes_nothing(form):
    same_extensive(form, parse_efg(format_efg(form)))


@pytest.mark.parametrize("name", EFG)
def test_what_was_read_is_written_back(name):
    form = parse_efg(EFG[name])
    same_extensive(form, parse_efg(format_efg(form)))


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) > 1e-300 or not x))
def test_floats_are_written_as_the_shortest_decimal_that_is_them(number):
    form = NormalForm.from_payoffs(np.array([[number]]))
    again = parse_nfg(format_nfg(form))
    assert again.payoffs[0, 0] == number
    assert again.exact is not None
    assert again.exact[0, 0] == Fraction(repr(number))


def test_float_trees_are_written():
    odds = (0.1,) * 10
    root = Lottery("", tuple("abcdefghij"), odds, tuple(Terminal((k / 3,)) for k in range(10)))
    form = ExtensiveForm.from_tree(["A"], root)
    again = parse_efg(format_efg(form))
    assert again.probabilities[0] == odds
    assert (again.payoffs == form.payoffs).all()


def test_thirds_are_written_in_a_game_of_floats():
    """A payoff of 0.5 made floats of all numbers, and no decimal is a third."""
    root = Lottery("", ("a", "b"), (Fraction(1, 3), Fraction(2, 3)), (Terminal((0.5,)),) * 2)
    form = ExtensiveForm.from_tree(["A"], root)
    again = parse_efg(format_efg(form))
    assert again.exact_probabilities[0] == (Fraction(1, 3), Fraction(2, 3))
    assert again.probabilities == form.probabilities


def test_float_probabilities_that_miss_one_are_not_written():
    odds = (0.12345678901, 0.2, 0.676543210990001)
    root = Lottery("", ("a", "b", "c"), odds, (Terminal((0,)),) * 3)
    with pytest.raises(SpecError, match="as fractions"):
        format_efg(ExtensiveForm.from_tree(["A"], root))


@pytest.mark.parametrize("label", ["a\u202eb", "a\nb", "\x00", "\u200b"])
def test_labels_that_could_not_be_read_are_not_written(label):
    form = NormalForm.from_payoffs([[1]], players=[label])
    with pytest.raises(SpecError, match=f"U\\+{ord(label.strip('ab')):04X}"):
        format_nfg(form)
    with pytest.raises(SpecError):
        format_efg(ExtensiveForm.from_tree([label], Terminal((1,))))


def test_files_are_written_and_not_overwritten(tmp_path):
    path = tmp_path / "a.nfg"
    form = parse_nfg(NFG["names"][0])
    gambit_files.write(form, path)
    same_normal(form, gambit_files.read_nfg(path))
    before = path.read_bytes()
    with pytest.raises(RequestError, match="exists"):
        gambit_files.write(form, path)
    assert path.read_bytes() == before
    gambit_files.write(form, path, overwrite=True)
    gambit_files.write(parse_efg(HORSE), tmp_path / "b.efg")
    same_extensive(parse_efg(HORSE), gambit_files.read_efg(tmp_path / "b.efg"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nfg", "b.efg"]


def test_a_wrong_place_to_write_is_refused(tmp_path):
    form = parse_nfg(NFG["names"][0])
    with pytest.raises(RequestError, match=r"written to a \.nfg file"):
        gambit_files.write(form, tmp_path / "a.efg")
    with pytest.raises(RequestError, match="cannot be written"):
        gambit_files.write(form, tmp_path / "missing" / "a.nfg")
    (tmp_path / "d.nfg").mkdir()
    with pytest.raises(RequestError, match="is a directory"):
        gambit_files.write(form, tmp_path / "d.nfg", overwrite=True)


# --- the peer ------------------------------------------------------------------------------

PEER = importlib.util.find_spec("pygambit")

ASK_PEER = """
import io, json, sys
import pygambit

def facts(text):
    read = pygambit.read_nfg if text.lstrip("\\ufeff").startswith("NFG") else pygambit.read_efg
    game = read(io.StringIO(text))
    players = list(game.players)
    found = {"title": game.title, "players": players}
    if read is pygambit.read_nfg:
        found["payoffs"] = [[str(x) for x in table.ravel().tolist()] for table in game.to_arrays()]
        found["shape"] = list(game.to_arrays()[0].shape)
    else:
        uniform = game.mixed_behavior_profile(rational=True)
        found["uniform"] = [str(uniform.payoffs[player]) for player in players]
        found["sets"] = [len(list(game.get_infosets(player))) for player in players]
        found["recall"] = game.is_perfect_recall
    return found

json.dump({name: facts(text) for name, text in json.load(sys.stdin).items()}, sys.stdout)
"""


def peer(texts: dict[str, str]) -> dict[str, Any]:
    """Return what pygambit, in a process of its own, reads from the texts."""
    done = subprocess.run(
        [sys.executable, "-c", ASK_PEER],
        input=json.dumps(texts), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def facts(text: str) -> dict[str, Any]:
    """Return the same from our reader."""
    if text.startswith("NFG"):
        table = parse_nfg(text)
        assert table.exact is not None
        return {
            "title": table.title,
            "players": list(table.players),
            "payoffs": [[str(x) for x in player.ravel().tolist()] for player in table.exact],
            "shape": list(table.num_strategies),
        }
    form = parse_efg(text)
    uniform = BehaviorProfile.from_weights(*([1] * len(s.actions) for s in form.information_sets))
    return {
        "title": form.title,
        "players": list(form.players),
        "uniform": [str(value) for value in form.expected_payoffs(uniform)],
        "sets": [len(form.sets_of(player)) for player in range(form.num_players)],
        "recall": form.perfect_recall() is None,
    }


@pytest.mark.skipif(PEER is None, reason="pygambit is not installed")
def test_a_peer_reads_the_same_games():
    """What both read, and what the peer reads of what we wrote, is the same."""
    # The peer wants blanks around words, labels on outcomes, and no plus signs.
    ours_alone = ("no blanks", "outcomes", "plus signs")
    texts = {name: text for name, (text, _) in NFG.items() if name not in ours_alone} | EFG
    written = {
        f"{name}, written": format_nfg(parse_nfg(text))
        if text.startswith("NFG")
        else format_efg(parse_efg(text))
        for name, text in texts.items()
    }
    read = peer(texts | written)
    assert {name: facts(text) for name, text in (texts | written).items()} == read


@pytest.mark.skipif(PEER is None, reason="pygambit is not installed")
def test_the_catalogue_of_the_peer_is_read_as_the_peer_reads_it():
    assert PEER is not None
    assert PEER.origin is not None
    folder = Path(PEER.origin).parent
    paths = sorted([*folder.rglob("*.nfg"), *folder.rglob("*.efg")])
    if not paths:
        pytest.skip("this pygambit comes without games")
    texts = {path.name: path.read_text("utf-8") for path in paths}
    ours = {name: facts(text) for name, text in texts.items()}
    assert ours == peer(texts)
