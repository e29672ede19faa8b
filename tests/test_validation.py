"""Validation: every mistake is found, with its place and its fix, and all of them at once."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Chance,
    Commitment,
    Decision,
    Game,
    Interval,
    Parameter,
    Player,
    Regime,
    SpecError,
    Stage,
    limits,
)
from highfence.errors import LimitExceeded, Problem
from highfence.spec import toml

BASE = (Path(__file__).parent / "data" / "bad_specs" / "base.toml").read_text()


class Bad(NamedTuple):
    """An edit of the good spec, the line of which the message must speak, and what it says."""

    old: str
    new: str
    at: str
    says: tuple[str, ...]


def bad(old: str, new: str, *says: str, at: str | None = None) -> Bad:
    return Bad(old, new, new if at is None else at, says)


BAD_SPECS = {
    # formulas
    "unknown name": bad(
        'market * regime.scope"',
        'markt * regime.scope"',
        "derived.lost",
        "unknown name 'markt'",
        "Did you mean 'market'?",
        at="markt",
    ),
    "division by a difference that is zero": bad(
        '"market * regime.scope"',
        '"1 / (market - market)"',
        "derived.lost",
        "division by zero",
        "denominator is 0 for all values",
    ),
    "tower of powers": bad(
        '"market * regime.scope"',
        '"9**9**9"',
        "derived.lost",
        "MAX_EXPONENT = 64",
        "Use a smaller exponent",
    ),
    "lookalike letter": bad(
        '"market * regime.scope"',
        '"mаrket * regime.scope"',
        "derived.lost",
        "CYRILLIC SMALL LETTER A",
        "ASCII",
    ),
    "comparison as a payoff": bad(
        'A = "sum(sales[j] for j in segments) - capability"',
        'A = "capability < 3"',
        "payoffs.A",
        "a condition, not a number",
        "where(condition, a, b)",
    ),
    "NaN as a payoff": bad(
        'A = "sum(sales[j] for j in segments) - capability"',
        "A = nan",
        "payoffs.A",
        "finite number",
        "Write",
    ),
    "infinity in an attribute": bad(
        "yard = { scope = 0.2 }",
        "yard = { scope = inf }",
        "stages.regime.regime.yard.scope",
        "finite number",
    ),
    "true as a number": bad(
        "yard = { scope = 0.2 }",
        "yard = { scope = true }",
        "stages.regime.regime.yard.scope",
        "not true",
    ),
    "assignment": bad(
        '"market * regime.scope"',
        '"market = 3"',
        "derived.lost",
        "Write == to compare",
    ),
    "percent in a formula": bad(
        '"market * regime.scope"',
        '"30% * market"',
        "derived.lost",
        "A share is written 0.3",
    ),
    "power written as in a spreadsheet": bad(
        '"market * regime.scope"',
        '"market ^ 2"',
        "derived.lost",
        "Powers are written **",
    ),
    "comment in a formula": bad(
        '"market * regime.scope"',
        '"market # all of it"',
        "derived.lost",
        "holds no comments",
    ),
    "call of a method": bad(
        '"market * regime.scope"',
        '"().__class__.__base__.__subclasses__()"',
        "derived.lost",
        "only named functions can be called",
    ),
    "import": bad(
        '"market * regime.scope"',
        "\"__import__('os')\"",
        "derived.lost",
        "unknown function '__import__'",
        "Known",
    ),
    "lambda": bad(
        '"market * regime.scope"',
        '"(lambda: 1)()"',
        "derived.lost",
        "only named functions",
    ),
    "unknown function": bad(
        "gain(research, lost / 10)",
        "gian(research, lost / 10)",
        "derived.capability",
        "unknown function 'gian'",
        "Did you mean 'gain'?",
    ),
    "wrong number of arguments": bad(
        "gain(research, lost / 10)",
        "gain(research)",
        "derived.capability",
        "takes 2 argument(s), not 1",
        "gain(a, b)",
    ),
    "unknown action in a test": bad(
        "response == 'substitute'",
        "response == 'subsitute'",
        "payoffs.C",
        "no action 'subsitute'",
        "Did you mean 'substitute'?",
    ),
    "unknown attribute": bad(
        "market * regime.scope",
        "market * regime.scpe",
        "derived.lost",
        "no attribute 'scpe'",
        "Did you mean 'scope'?",
    ),
    "move used as a number": bad(
        "market * regime.scope",
        "market * response",
        "derived.lost",
        "response is a move, not a number",
        "response == 'action'",
    ),
    "unknown index set": bad(
        "for j in segments) -",
        "for j in segmnts) -",
        "payoffs.A",
        "unknown index set 'segmnts'",
        "Did you mean 'segments'?",
    ),
    "circle of definitions": bad(
        '"market * regime.scope"',
        '"capability + 1"',
        "derived.",
        "circle",
        "Break the circle",
        at="capability = ",
    ),
    "function that calls itself": bad(
        '"gain(a, b)" = "max(a - b, 0)"',
        '"gain(a, b)" = "gain(b, a)"',
        "derived.capability",
        "calls itself",
        at="capability = ",
    ),
    "text as a number": bad(
        '"market * regime.scope"',
        "\"market * 'abc'\"",
        "derived.lost",
        "the text 'abc' is used as a number",
        "Compare",
    ),
    "empty formula": bad(
        '"market * regime.scope"',
        '" "',
        "derived.lost",
        "the formula is empty",
    ),
    "long formula": bad(
        '"market * regime.scope"',
        '"market' + " + market" * 2000 + '"',
        "derived.lost",
        "MAX_FORMULA_LENGTH",
        "Split it",
    ),
    "deep formula": bad(
        '"market * regime.scope"',
        '"' + "(" * 3000 + "1" + ")" * 3000 + '"',
        "derived.lost",
        "MAX_FORMULA_NESTING",
        "Split it",
    ),
    "huge number": bad(
        '"market * regime.scope"',
        '"1e999999999"',
        "derived.lost",
        "MAX_DIGITS",
        "unit",
    ),
    "number beyond floating point": bad(
        '"market * regime.scope"',
        '"1e350"',
        "derived.lost",
        "beyond the range",
        "unit",
    ),
    # parameters
    "value outside the range": bad(
        "value = 17",
        "value = 27",
        "parameters.market.value",
        "outside the range [8, 25]",
        "Widen the range",
    ),
    "share written as a percentage": bad(
        "value = 0.3\nlow",
        "value = 30\nlow",
        "parameters.p_short.value",
        "outside",
        'Write 0.3 or "30%"',
        at="value = 30",
    ),
    "reversed range": bad(
        "low = 0.05\nhigh = 0.35",
        "low = 0.35\nhigh = 0.05",
        "parameters.learning.low",
        "reversed",
        "Swap",
        at="low = 0.35",
    ),
    "parameter that is a word": bad(
        'value = "1/4"',
        'value = "a quarter"',
        "parameters.mF.value",
        "not a finite number",
        '"30%"',
    ),
    "unknown key of a parameter": bad(
        'unit = "1"',
        'unti = "1"',
        "parameters.learning.unti",
        "Did you mean 'unit'?",
    ),
    "value not among the choices": bad(
        'value = "commitment"',
        'value = "comitment"',
        "parameters.timing.value",
        "not among the choices",
        "Did you mean 'commitment'?",
    ),
    "keyword as a name": bad(
        "[parameters.market]",
        "[parameters.lambda]",
        "parameters.lambda",
        "word of the formula language",
        "lambda_",
    ),
    "argument of solve as a name": bad(
        "[parameters.market]",
        "[parameters.method]",
        "parameters.method",
        "argument of solve",
        "method_",
    ),
    "name that is no identifier": bad(
        "[parameters.market]",
        '[parameters."market size"]',
        "parameters.market size",
        "is not a name",
        "ASCII letters",
    ),
    "missing value": bad(
        "value = 17\n",
        "",
        "parameters.market",
        "'value' is missing",
        "Write value",
        at="[parameters.market]",
    ),
    "duplicate name": bad(
        "[parameters.market]",
        "[parameters.regime]",
        "stages.regime.regime",
        "is a move and a parameter",
        "Rename",
        at="[stages.decisions.regime]",
    ),
    # players and payoffs
    "misspelled section": bad(
        "[payoffs]",
        "[payof]",
        "payof",
        "unknown key 'payof'",
        "Did you mean 'payoffs'?",
    ),
    "no payoff for a player": bad(
        'H = "sales_F + research * (1 - research / 20)"',
        "",
        "payoffs",
        "player 'H' has no payoff",
        "Write H",
        at="[payoffs]",
    ),
    "payoff of nobody": bad(
        'H = "sales_F',
        'X = 1\nH = "sales_F',
        "payoffs.X",
        "no player 'X'",
        at="X = 1",
    ),
    "unknown player of a decision": bad(
        'player = "C"',
        'player = "D"',
        "response.response.player",
        "no player 'D'",
        "Known",
    ),
    "player without text": bad(
        'H = "Challenger"',
        "H = 3",
        "players.H",
        "label",
        "Quote it",
    ),
    # stages
    "probabilities that sum to less than one": bad(
        '"1 - p_short"',
        '"0.69"',
        "stages.nature.timeline",
        "sum to 0.99, not 1 at p_short=0.3",
        "never rescaled",
        at="[stages.chance.timeline]",
    ),
    "probabilities that are only nearly one": bad(
        '"1 - p_short"',
        '"0.70000000001"',
        "stages.nature.timeline",
        "not 1 at p_short=0.3",
        at="[stages.chance.timeline]",
    ),
    "probabilities that are one at the declared value alone": bad(
        '"1 - p_short"',
        '"0.7"',
        "stages.nature.timeline",
        "not 1 at p_short=",
        "narrow the declared ranges",
        at="[stages.chance.timeline]",
    ),
    "negative probability": bad(
        'probability = "p_short", years = 2',
        'probability = "-0.1", years = 2',
        "stages.nature.timeline.short",
        "-0.1",
        "negative",
    ),
    "probability that turns negative in the range": bad(
        "high = 0.6\n",
        "high = 1.2\n",
        "stages.nature.timeline.long",
        "negative",
        "narrow the declared ranges",
        at="long = {",
    ),
    "no actions": bad(
        'actions = ["accept", "substitute", "retaliate"]',
        "actions = []",
        "stages.response.response",
        "has no actions",
        'actions = ["a", "b"]',
        at="[stages.decisions.response]",
    ),
    "action twice": bad(
        '["accept", "substitute", "retaliate"]',
        '["accept", "substitute", "accept"]',
        "stages.response.response",
        "'accept' is there twice",
        "Drop or rename",
        at="[stages.decisions.response]",
    ),
    "action twice in two Unicode spellings": bad(
        '["accept", "substitute", "retaliate"]',
        '["caf\u00e9", "cafe\u0301", "substitute"]',
        "stages.response.response",
        "another Unicode spelling",
        at="[stages.decisions.response]",
    ),
    "hidden character in a label": bad(
        '["accept", "substitute", "retaliate"]',
        '["accept\\u202E", "substitute", "retaliate"]',
        "stages.response.response",
        "U+202E",
        "Remove",
        at="[stages.decisions.response]",
    ),
    "attribute that is missing for one action": bad(
        'yard = { scope = 0.2 }\nbroad = { scope = 0.8, when = "market > 1" }\n\n[[stages]]\n'
        'name = "late',
        'yard = {}\nbroad = { scope = 0.8, when = "market > 1" }\n\n[[stages]]\nname = "late',
        "stages.regime.regime.yard",
        "lack(s) the attribute 'scope'",
        "scope = 0",
        at="yard = {}",
    ),
    "empty interval": bad(
        "low = 0, high = 10",
        "low = 10, high = 0",
        "stages.response.research",
        "from 10 to 0 is empty",
        "low less than high",
        at="[stages.decisions.research]",
    ),
    "interval of one point": bad(
        "low = 0, high = 10",
        "low = 10, high = 10",
        "stages.response.research",
        "equal everywhere",
        at="[stages.decisions.research]",
    ),
    "bound that depends on a move of the same stage": bad(
        "high = 10,",
        "high = \"where(response == 'accept', 5, 10)\",",
        "stages.response.research.high",
        "'response', which is not made earlier",
        "earlier moves",
    ),
    "bound that depends on what is not observed": bad(
        "high = 10,",
        'high = "timeline.years",',
        "stages.response.research.high",
        "'timeline', which research does not observe",
        "Add 'timeline' to 'observes'",
    ),
    "interval and actions": bad(
        'actions = ["accept", "substitute", "retaliate"]',
        'actions = ["accept"]\ninterval = { low = 0, high = 1 }',
        "stages.response.response",
        "not both",
        "Drop one",
        at="[stages.decisions.response]",
    ),
    "neither interval nor actions": bad(
        'actions = ["accept", "substitute", "retaliate"]',
        "",
        "stages.response.response",
        "missing",
        "interval = {low = 0, high = 10}",
        at="[stages.decisions.response]",
    ),
    "observes an unknown move": bad(
        'player = "C"\nobserves = ["regime"]',
        'player = "C"\nobserves = ["regmie"]',
        "stages.response.response.observes",
        "no move 'regmie'",
        "Did you mean 'regime'?",
        at='observes = ["regmie"]',
    ),
    "observes a move of the same stage": bad(
        'player = "C"\nobserves = ["regime"]',
        'player = "C"\nobserves = ["research"]',
        "stages.response.response.observes",
        "not made in an earlier stage",
        "another stage",
        at='observes = ["research"]',
    ),
    "player who forgets": bad(
        'player = "H"\nobserves = ["regime"]',
        'player = "C"\nobserves = []',
        "stages.response.research.observes",
        "'C' forgets 'regime'",
        "Add 'regime' to 'observes'",
        at="observes = []\ninterval",
    ),
    "move in two stages at once": bad(
        "when = \"timing == 'discretion'\"",
        "",
        "stages.late_regime.regime",
        "stands in the stage 'regime' too",
        "exclude each other",
        at='[stages.decisions.regime]\nplayer = "A"\nobserves = []\n'
        "[stages.decisions.regime.actions]\nnone = { scope = 0.0 }\nyard = { scope = 0.2 }\n"
        'broad = { scope = 0.8, when = "market > 1" }\n\n[[stages]]\nname = "response"',
    ),
    "stage that depends on a number": bad(
        "when = \"timing == 'discretion'\"",
        'when = "market > 3"',
        "stages.late_regime.when",
        "more than categorical parameters",
        "choices",
    ),
    "condition on a later move": bad(
        'broad = { scope = 0.8, when = "market > 1" }\n\n[[stages]]\nname = "late',
        'broad = { scope = 0.8, when = "response == \'accept\'" }\n\n[[stages]]\nname = "late',
        "stages.regime.regime.broad.when",
        "not made earlier",
        at='broad = { scope = 0.8, when = "resp',
    ),
    "action that is never available": bad(
        'actions = ["accept", "substitute", "retaliate"]',
        'actions = { accept = {}, substitute = {}, retaliate = { when = "market > 100" } }',
        "stages.response.response.retaliate.when",
        "never available",
        "drop the action",
    ),
    "no action is left": bad(
        'actions = ["accept", "substitute", "retaliate"]',
        "actions = { accept = { when = \"regime == 'none'\" }, substitute = { when = "
        "\"regime == 'none'\" }, retaliate = { when = \"regime == 'yard'\" } }",
        "stages.response.response",
        "no action is available at regime=broad",
        "no 'when'",
        at="[stages.decisions.response]",
    ),
    "stage without moves": bad(
        "[derived]",
        '[[stages]]\nname = "rest"\n\n[derived]',
        "stages.rest",
        "no moves",
        "chance move",
        at='[[stages]]\nname = "rest"',
    ),
    "dynamic game": bad(
        "[derived]",
        "[state]\nK = 1\n\n[derived]",
        "state",
        "unknown key",
        "'states'",
        at="[state]",
    ),
    # what a payoff can be
    "payoff undefined at the declared values": bad(
        'C = "capability',
        'C = "1 / (regime.scope - 0.2) + capability',
        "payoffs.C",
        "division by zero",
        "at regime=yard",
        "Guard it with where",
    ),
    "payoff undefined inside the ranges": bad(
        'C = "capability',
        'C = "sqrt(market - 10) + capability',
        "payoffs.C",
        "sqrt of -",
        "at market=",
        "narrow the declared ranges",
    ),
    "payoff with a pole inside the ranges": bad(
        'C = "capability',
        'C = "1 / (market - 9) + capability',
        "payoffs.C",
        "division by zero",
        "market=9",
        "Narrow the declared ranges",
    ),
    "payoff infinite at the end of an interval": bad(
        'C = "capability',
        'C = "log(research) + capability',
        "payoffs.C",
        "infinite (log of 0)",
        "research=0",
        "Guard",
    ),
    "payoff that overflows": bad(
        'C = "capability',
        'C = "exp(market * 100) + capability',
        "payoffs.C",
        "infinite",
        "market=17",
        "Guard",
    ),
    "outcome undefined": bad(
        'lost = { formula = "market * regime.scope"',
        'lost = { formula = "market / regime.scope"',
        "derived.lost",
        "division by zero",
        "regime=none",
        "Guard",
    ),
    # overlays and sentences
    "regime that fixes an unknown decision": bad(
        'fix = { regime = "none" }',
        'fix = { regmie = "none" }',
        "regimes.none.fix.regmie",
        "no decision 'regmie'",
        "Did you mean 'regime'?",
    ),
    "regime that fixes an unknown action": bad(
        'fix = { regime = "none" }',
        'fix = { regime = "nothing" }',
        "regimes.none.fix.regime",
        "no action 'nothing'",
    ),
    "regime that fixes an interval": bad(
        'fix = { regime = "none" }',
        'fix = { research = "3" }',
        "regimes.none.fix.research",
        "is an interval",
        "parameters",
    ),
    "regime that narrows to nothing": bad(
        'narrow = { response = ["accept", "retaliate"] }',
        "narrow = { response = [] }",
        "regimes.yard.narrow.response",
        "no action is left",
        "Name some of",
    ),
    "regime that sets an unknown parameter": bad(
        "set = { learning = 0.1 }",
        "set = { learnin = 0.1 }",
        "regimes.yard.set.learnin",
        "no parameter",
        "Did you mean 'learning'?",
    ),
    "regime that switches off what does not exist": bad(
        'off = ["learning_by_doing"]',
        'off = ["learning"]',
        "regimes.yard.off",
        "no mechanism 'learning'",
        "Did you mean 'learning_by_doing'?",
    ),
    "mechanism with an unknown parameter": bad(
        "off = { learning = 0 }",
        "off = { lerning = 0 }",
        "mechanisms.learning_by_doing.off.lerning",
        "Did you mean 'learning'?",
    ),
    "preset outside the range": bad(
        "[presets.slow]\nlearning = 0.1",
        "[presets.slow]\nlearning = 0.01",
        "presets.slow.learning",
        "outside the range [0.05, 0.35]",
        "Widen",
        at="learning = 0.01",
    ),
    "preset with a wrong choice": bad(
        "[presets.slow]\n",
        '[presets.slow]\ntiming = "late"\n',
        "presets.slow.timing",
        "not among the choices",
        at='timing = "late"',
    ),
    "unknown outcome": bad(
        'outcomes = ["lost",',
        'outcomes = ["lots",',
        "outcomes",
        "no quantity 'lots'",
        "Did you mean 'lost'?",
    ),
    "flag with an unknown outcome": bad(
        "capability > none.capability",
        "capabilty > none.capability",
        "flags.B1",
        "unknown name 'capabilty'",
        "Did you mean 'capability'?",
    ),
    "flag with an unknown regime": bad(
        "capability > none.capability",
        "capability > nothing.capability",
        "flags.B1",
        "nothing",
    ),
    "flag that is a number": bad(
        "capability > none.capability",
        "capability - none.capability",
        "flags.B1",
        "a number, not a condition",
        "Compare it",
    ),
    "sentence with an open brace": bad(
        "Sales of {lost:.1f} are lost.",
        "Sales of {lost:.1f are lost.",
        "narrative.#1.text",
        "has no partner",
        "{{ for a brace",
    ),
    "sentence with a wrong format": bad(
        "Sales of {lost:.1f} are lost.",
        "Sales of {lost:>900} are lost.",
        "narrative.#1.text",
        "not a number format",
        ".2f",
    ),
    "commitment of nobody": bad(
        '[commitment]\nplayer = "A"',
        '[commitment]\nplayer = "B"',
        "commitment.player",
        "no player 'B'",
        "Known",
        at='player = "B"',
    ),
    "commitment by a number": bad(
        'parameter = "timing"',
        'parameter = "market"',
        "commitment.parameter",
        "no parameter 'market' with choices",
        "timing",
    ),
    "commitment without a choice": bad(
        'committed = "commitment"\n',
        "",
        "commitment",
        "'committed' is missing",
        at="[commitment]",
    ),
    # shape of the file
    "key twice": bad(
        'title = "Yard or wall"',
        'title = "Yard"\ntitle = "Wall"',
        "title",
        "given twice, first on line 2",
        "Keep one",
        at='title = "Wall"',
    ),
    "two kinds of table": bad(
        "[presets.slow]",
        "[stages]\nx = 1\n[presets.slow]",
        "stages",
        "in two ways, as [stages] and as [[stages]]",
        "Keep one",
        at="[stages]\nx",
    ),
    "table twice": bad(
        "[presets.slow]",
        "[presets.slow]\nlearning = 0.1\n[presets.slow]",
        "presets.slow",
        "given twice, first on line 106",
        at="[presets.slow]\nlearning = 0.1\n\n",
    ),
    "text that is not closed": bad(
        'title = "Yard or wall"',
        'title = "Yard or wall',
        "not TOML",
        "Check quotes",
    ),
    "unknown key at the top": bad(
        'title = "Yard',
        'titel = "Yard',
        "titel",
        "unknown key",
        "Did you mean 'title'?",
    ),
    "list in place of a table": bad(
        'unit = "1"\nsource = "own calibration"\n',
        'unit = ["1"]\n',
        "parameters.learning.unit",
        "expected a text, not a list",
    ),
    "date": bad(
        "value = 17",
        "value = 2026-01-01",
        "parameters.market.value",
        "date",
        "Write a number",
    ),
    "set that is a text": bad(
        'segments = ["F", "M"]',
        'segments = "F"',
        "sets.segments",
        "expected a list",
        '["a", "b"]',
    ),
}


def problems_of(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        toml.loads(text, "yard.toml")
    return caught.value


@pytest.mark.parametrize("name", BAD_SPECS)
def test_a_bad_spec_is_refused_with_the_place_and_the_fix(name: str) -> None:
    case = BAD_SPECS[name]
    assert case.old in BASE
    text = BASE.replace(case.old, case.new, 1)
    began = time.process_time()
    error = problems_of(text)
    assert time.process_time() - began < 1.0
    line = text[: text.index(case.at)].count("\n") + 1
    said = [str(problem) for problem in error.problems]
    assert any(
        problem.line is not None
        and line <= problem.line <= line + case.at.count("\n")
        and all(word in message for word in case.says)
        for problem, message in zip(error.problems, said, strict=True)
    ), "\n".join(said)
    assert all(message.startswith("yard.toml") for message in said)
    assert all(problem.fix for problem in error.problems), "\n".join(said)
    assert len(said) <= 6, "\n".join(said)


def test_the_base_of_the_bad_specs_is_good() -> None:
    assert toml.loads(BASE).name == "yard"


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    names = [
        "unknown key at the top",
        "value outside the range",
        "action twice",
        "empty interval",
        "unknown function",
        "payoff of nobody",
        "mechanism with an unknown parameter",
        "regime that fixes an unknown action",
        "preset outside the range",
        "commitment by a number",
    ]
    text = BASE
    for name in names:
        assert BAD_SPECS[name].old in text
        text = text.replace(BAD_SPECS[name].old, BAD_SPECS[name].new, 1)
    error = problems_of(text)
    found = [str(problem) for problem in error.problems]
    # The interval is not empty by its text: it shows when plays are drawn, once the rest is right.
    for name in set(names) - {"empty interval"}:
        assert any(all(word in line for word in BAD_SPECS[name].says) for line in found), name
    lines = [problem.line or 0 for problem in error.problems]
    assert lines == sorted(lines)
    assert len(set(found)) == len(found)
    assert str(error) == "\n".join(found)


def test_what_follows_from_an_unreadable_part_is_not_reported_again() -> None:
    error = problems_of(BASE.replace("value = 17", "value = [17]", 1))
    assert len(error.problems) == 1
    assert "expected a number" in error.problems[0].reason


RAW = {
    "empty": (b"", "the file is empty"),
    "blanks": (b" \n\t\n", "the file is empty"),
    "JSON": (b'{"name": "yard", "players": {}}', "this is JSON"),
    "YAML": (b"name: yard\nplayers:\n  - A\n", "this is YAML"),
    "YAML with a marker": (b"---\nname: yard\n", "this is YAML"),
    "Gambit": (b'NFG 1 R "title" {"A" "B"} {2 2}\n', "a Gambit .nfg file"),
    "merge conflict": (b"<<<<<<< HEAD\nname = 1\n", "a merge conflict"),
    "UTF-16": ('name = "yard"'.encode("utf-16"), "UTF-16"),
    "Latin-1": (b'name = "yard"\ntitle = "caf\xe9"\n', "0xe9 is not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00rest", "compressed"),
    "zero byte": (b'name = "ya\x00rd"\n', "not TOML"),
    "unclosed table": (b"[players\n", "not TOML"),
    "huge integer": (b"name = " + b"9" * 5000, "number cannot be read"),
    "deep list": (b"name = " + b"[" * 3000, "nested too deeply"),
    "nothing of a game": (b'title = "x"\n', "the key 'stages' is missing"),
}


@pytest.mark.parametrize("name", RAW)
def test_a_file_that_is_no_game_is_refused(name: str, tmp_path: Path) -> None:
    content, says = RAW[name]
    path = tmp_path / "game.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        toml.load(path)
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(path))
    assert all(problem.fix for problem in caught.value.problems)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "game.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.encode())
    assert toml.load(path) == toml.loads(BASE)


def test_windows_line_ends_are_no_mistake() -> None:
    assert toml.loads(BASE.replace("\n", "\r\n")) == toml.loads(BASE)


def test_labels_that_yaml_would_misread_stay_texts() -> None:
    text = BASE.replace('["accept", "substitute", "retaliate"]', '["no", "010", "1:30"]')
    text = text.replace('["accept", "retaliate"]', '["no"]').replace("'substitute'", "'010'")
    decision = toml.loads(text).stages[3].moves[0]
    assert isinstance(decision, Decision)
    assert not isinstance(decision.actions, Interval)
    assert [action.name for action in decision.actions] == ["no", "010", "1:30"]


def test_labels_that_differ_in_case_are_two_labels() -> None:
    text = BASE.replace(
        '["accept", "substitute", "retaliate"]', '["accept", "Accept", "retaliate"]'
    )
    assert toml.loads(text.replace("'substitute'", "'Accept'"))


# ---------------------------------------------------------------------------------------------
# Games in Python

A, B = Player("A"), Player("B")
MATCHING = Stage("show", Decision(A, "a", ["heads", "tails"]), Decision(B, "b", ["heads", "tails"]))


def game(**changes: Any) -> Game:
    made: dict[str, Any] = {
        "name": "matching",
        "players": [A, B],
        "stages": [MATCHING],
        "derived": {"same": "(a == 'heads') == (b == 'heads')"},
        "payoffs": {A: "where(same, 1, -1)", B: "where(same, -1, 1)"},
    }
    return Game(**(made | changes))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"payoffs": {A: "1"}}, "the player 'B' has no payoff"),
        ({"payoffs": {A: "1", "B": float("nan")}}, "payoffs.B: nan is not a finite number"),
        ({"payoffs": {A: "1", "B": True}}, "payoffs.B: True is not a finite number"),
        ({"payoffs": {A: "1", "B": None}}, "payoffs.B: None is not a finite number"),
        ({"payoffs": ["1", "2"]}, "expected a mapping"),
        ({"players": "AB"}, "expected a list, not 'AB'"),
        ({"players": [A, B, A]}, "the player 'A' is there twice"),
        ({"players": [Player("A B"), B]}, "'A B' is not a name"),
        ({"players": []}, "there are no players"),
        ({"stages": []}, "there are no stages"),
        ({"stages": MATCHING}, "expected a list"),
        ({"stages": [Decision(A, "a", ["l"])]}, "is not a Stage"),
        ({"stages": [Stage("s", [Decision(A, "a", ["l"])])]}, "not a Decision or a Chance"),
        ({"parameters": [Parameter("x", "1/0")]}, "parameters.x.value: '1/0' is not a finite"),
        ({"parameters": [Parameter("x", 1, low="a")]}, "parameters.x.low"),
        ({"parameters": [Parameter("x", 10**500)]}, "not a finite number"),
        ({"parameters": [Parameter("a", 1)]}, "'a' is a move and a parameter"),
        ({"parameters": [Parameter("x", 1), Parameter("x", 2)]}, "'x' is a parameter twice"),
        ({"parameters": [Parameter("t", "a", low=0, choices=("a", "b"))]}, "has no range"),
        ({"parameters": [Parameter("t", "a", choices=("a", "a"))]}, "'a' is there twice"),
        ({"derived": {"same": "1 < 2", "q[j in s]": "1"}}, "unknown index set 's'"),
        ({"derived": {"same": "1 < 2", "q[j]": "1"}}, "index is not understood"),
        ({"derived": {"same": "1 < 2", "exp": "1"}}, "word of the formula language"),
        ({"derived": {"same": "1 < 2", "A": "1"}}, "a player and a reported outcome"),
        ({"sets": {"s": ()}}, "the set is empty"),
        ({"sets": {"s": ("a", "b c")}}, "'b c' is not plain"),
        ({"functions": {"f": "1"}}, "not a signature"),
        ({"functions": {"f(x, x)": "x"}}, "two arguments have the same name"),
        ({"functions": {"f(x)": "x +"}}, "not a formula"),
        ({"outcomes": ["same", "same"]}, "'same' is there twice"),
        ({"outcomes": ["same", "a"]}, "'a' is a move, not a number"),
        ({"regimes": [Regime("r", fix={"a": "edge"})]}, "no action 'edge'"),
        ({"regimes": [Regime("r"), Regime("r")]}, "the regime 'r' is there twice"),
        (
            {"regimes": [Regime("r", fix={"a": "heads"}, narrow={"a": ("tails",)})]},
            "not among the actions that narrow leaves",
        ),
        ({"mechanisms": {"m": {}}}, "switches nothing off"),
        ({"commitment": Commitment("A", "t", "x", "y")}, "no parameter 't' with choices"),
        ({"title": "a\u202eb"}, "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ({"title": 3}, "title: 3 is not a text"),
        ({"about": "bell \x07"}, "U+0007"),
        ({"derived": {"same": lambda a: a}}, "a is a move, not a number"),
    ],
)
def test_a_bad_game_in_python_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        game(**change)
    assert says in str(caught.value)
    assert all(problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Decision(A, "a", "heads"), "expected a list, not 'heads'"),
        (lambda: Decision(A, "a", ["x"], observes="b"), "expected a list, not 'b'"),
        (lambda: Decision(A, "a", {"x": 3}), "expected a mapping, not 3"),
        (lambda: Chance("c", ["x"]), "expected a mapping"),  # type: ignore[arg-type]
        (lambda: Parameter("p", "x", choices="xy"), "expected a list"),  # type: ignore[arg-type]
        (lambda: Regime("r", narrow={"a": "heads"}), "expected a list"),  # type: ignore[dict-item]
        (lambda: Regime("r", off="m"), "expected a list"),  # type: ignore[arg-type]
    ],
)
def test_a_text_is_not_taken_for_the_list_of_its_letters(make: Any, says: str) -> None:
    with pytest.raises(SpecError, match=re.escape(says)):
        make()


def test_a_callable_that_fails_is_named() -> None:
    def scalar_only(x: Any) -> Any:
        return 1 if x > 0 else 2

    numbers = Stage("s", Decision(A, "a", [0, 1]), Decision(B, "b", [0, 1]))
    with pytest.raises(SpecError) as caught:
        game(
            parameters=[Parameter("x", 1, low=0, high=2)],
            stages=[numbers],
            derived={"cost": scalar_only},
            payoffs={A: "cost + a", B: "b"},
            outcomes=(),
        )
    assert "payoffs.A" in str(caught.value)
    assert "numpy.where" in str(caught.value)


@pytest.mark.parametrize(
    ("cost", "price", "differ"),
    [
        ("EUR/kg", "EUR/t", True),
        ("USD mn/yr", "USD bn/yr", True),
        ("USD bn", "USD", True),
        ("USD m/yr", "USD bn/yr", True),
        ("USD M/yr", "USD bn/yr", True),
        ("kUSD/yr", "USD bn/yr", True),
        ("million USD", "USD bn", True),
        ("USD mn/yr", "USD m/yr", False),
        ("USD B", "billion USD", False),
        ("USD/m", "USD/km", True),
        ("m", "km", True),
        ("EUR", "USD", True),
        ("USD bn / yr", "USD bn/yr", False),
        ("USD", "units", False),  # textbooks drop coefficients that are 1
        ("", "USD", False),
        ("1", "USD", False),
    ],
)
def test_units_of_one_kind_are_not_mixed_without_a_factor(
    cost: str, price: str, differ: bool
) -> None:
    parameters = [Parameter("cost", 1, unit=cost), Parameter("price", 2, unit=price)]
    assert game(parameters=parameters, payoffs={A: "price - 1000 * cost", B: "price * cost"})
    for formula in ("price - cost", "where(price - 1 < -cost, 1, 2)", "1 + (cost + 2 + price)"):
        if differ:
            with pytest.raises(SpecError, match="units differ") as caught:
                game(parameters=parameters, payoffs={A: formula, B: 0})
            assert repr(cost) in str(caught.value)
            assert "Convert one by a factor" in str(caught.value)
        else:
            assert game(parameters=parameters, payoffs={A: formula, B: 0})


def test_shares_of_units_in_two_sizes_are_not_added_up() -> None:
    def made(formula: str, share: str) -> Game:
        parameters = [
            Parameter("fence", 1, unit="USD bn/yr"),
            Parameter("sales", 2, unit="USD mn/yr"),
            Parameter("output", 0.5, unit=share),
        ]
        derived = {"lost": "sales * output"}
        return game(parameters=parameters, derived=derived, payoffs={A: formula, B: 0})

    for formula in ("fence * (1 - output) - lost", "fence + sales * (output > 0)"):
        with pytest.raises(SpecError, match="units differ: 'USD bn/yr' and 'USD mn/yr'"):
            made(formula, "1")
    assert made("fence * (1 - output) - lost / 1000", "1")
    assert made("fence - 0.001 * sales", "1")
    assert made("fence - lost", "bn/mn")  # a parameter may convert


def test_an_interval_may_be_a_point_under_some_choices_but_not_under_all() -> None:
    stage = Stage("s", Decision(A, "a", Interval(0, "where(x == 'on', 1, 0)")))
    on = Parameter("x", "on", choices=("on", "off"))
    made: dict[str, Any] = {"name": "g", "players": [A], "stages": [stage], "payoffs": {A: "a"}}
    assert Game(**made, parameters=[on])
    with pytest.raises(SpecError, match="equal everywhere"):
        Game(**made, parameters=[Parameter("x", "off", choices=("off", "away"))])


def test_probabilities_given_as_ratios_are_summed_exactly() -> None:
    def with_chance(*numbers: Any) -> Game:
        outcomes = {f"o{k}": number for k, number in enumerate(numbers)}
        return game(stages=[Stage("c", Chance("c", outcomes)), MATCHING])

    assert with_chance(Fraction(1, 3), "1/3", "1 - 2/3")
    assert with_chance(0.1, 0.2, Decimal("0.7"))
    with pytest.raises(SpecError, match=r"sum to 0\.9, not 1"):
        with_chance(0.3, 0.3, 0.3)
    with pytest.raises(SpecError, match="not 1"):
        with_chance("1/3", "1/3", "0.3332333333333333333")
    with pytest.raises(SpecError, match="which is negative"):
        with_chance(1.1, -0.1)


def test_the_conditions_of_unreachable_histories_do_not_matter() -> None:
    """A payoff may be undefined where play cannot come."""
    stages = [
        Stage("first", Decision(A, "a", ["in", "out"])),
        Stage(
            "second",
            Decision(B, "n", {"1": {}, "0": {"when": "a == 'out'"}}),
        ),
    ]
    payoffs = {A: "where(a == 'in', 1 / n, 0)", B: "n"}
    assert Game(name="g", players=[A, B], stages=stages, payoffs=payoffs, outcomes=())


def test_a_player_must_observe_again_what_they_saw() -> None:
    def two_moves(observes: tuple[str, ...] | None) -> Game:
        return Game(
            name="g",
            players=[A, B],
            stages=[
                Stage("nature", Chance("type", {"low": 0.5, "high": 0.5})),
                Stage("first", Decision(A, "first", ["l", "r"], observes=("type",))),
                Stage("reply", Decision(B, "reply", ["l", "r"], observes=("first",))),
                Stage("second", Decision(A, "second", ["l", "r"], observes=observes)),
            ],
            payoffs={A: 0, B: 0},
        )

    assert two_moves(None)
    assert two_moves(("type", "reply"))  # A knows what A did
    with pytest.raises(SpecError, match="'A' forgets 'type', known since the decision 'first'"):
        two_moves(("first", "reply"))


def test_more_expressions_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_EXPRESSIONS", 50)
    derived = {"same": "1 < 2"} | {f"d{k}": f"x + {k} * x" for k in range(30)}
    with pytest.raises(LimitExceeded, match="MAX_EXPRESSIONS is 50"):
        game(parameters=[Parameter("x", 1)], derived=derived)


# ---------------------------------------------------------------------------------------------
# Anything at all

TOKENS = [
    "nan", "-inf", "true", "[]", "{}", "0", "-1", '""', '"x"', "1e400", "[1, 2]", '["a"]',
    "2020-01-01", '"1/0"', '"a + "', '"regime"', '"[j in s]"', "'''\n'''", "{a = 1}", "[[1]]",
]  # fmt: skip


@st.composite
def edited_specs(draw: st.DrawFn) -> str:
    lines = BASE.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        k = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[k]
            case 1:
                lines.insert(draw(st.integers(0, len(lines))), lines[k])
            case 2 if "=" in lines[k]:
                lines[k] = f"{lines[k].split('=', 1)[0]}= {draw(st.sampled_from(TOKENS))}"
            case 3 if lines[k]:
                at = draw(st.integers(0, len(lines[k]) - 1))
                put = draw(st.sampled_from([*"abz0.[]{}()='\"#,\\ é", "\u202e", ""]))
                lines[k] = lines[k][:at] + put + lines[k][at + 1 :]
            case _:
                lines[k] = lines[draw(st.integers(0, len(lines) - 1))]
    return "\n".join(lines)


@settings(max_examples=150)
@given(text=edited_specs())
def test_any_edit_gives_a_game_that_round_trips_or_mistakes_with_place_and_fix(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        made = toml.loads(text, "yard.toml")
    except SpecError as error:
        problems = error.problems
    else:
        assert toml.loads(toml.dumps(made)) == made
    for problem in problems:
        assert str(problem).startswith("yard.toml")
        assert problem.fix
