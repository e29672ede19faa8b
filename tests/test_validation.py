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
from highfence.errors import LimitExceeded
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
        at='observes = []\ninterval',
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
        "not built yet",
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
