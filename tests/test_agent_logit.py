"""Agent quantal response on trees: what it is, where its branch leads, and who agrees."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence import limits, load
from highfence.certify import certify
from highfence.certify.assessment import certify_agent_logit, sequential_gain
from highfence.concepts import agent_logit_equilibrium
from highfence.errors import MethodFailed, NotApplicable, RequestError
from highfence.forms.assessment import Assessment
from highfence.forms.build import build
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.gambit_files import write_efg
from highfence.methods.agent_logit import agent_logit, agent_logit_profile
from highfence.solution import Status
from highfence.solve import solve


def growing_centipede(moves: int = 4) -> ExtensiveForm:
    """Return the centipede of McKelvey and Palfrey (1992): 0.40 and 0.10, doubled by every pass."""
    large, small = Fraction(2, 5), Fraction(1, 10)

    def paid(turn: int) -> Terminal:
        shares = large * 2**turn, small * 2**turn
        return Terminal(shares if turn % 2 == 0 else shares[::-1])

    node: Move | Terminal = paid(moves)
    for turn in reversed(range(moves)):
        node = Move(turn % 2, f"move {turn + 1}", ("take", "pass"), (paid(turn), node))
    return ExtensiveForm.from_tree(["one", "two"], node)


def random_tree(seed: int) -> ExtensiveForm:
    """Return a tree of chance, a move, and hidden replies of two more players."""
    rng = np.random.default_rng(seed)

    def end() -> Terminal:
        return Terminal(tuple(rng.integers(0, 10, 3).tolist()))

    def third(seen: str) -> Move:
        return Move(2, f"three {seen}", ("x", "y"), (end(), end()))

    def second(weather: str) -> Move:
        seen = "any" if seed % 2 else weather
        return Move(1, f"two {seen}", ("l", "m", "r"), (third("l"), third("other"), third("other")))

    return ExtensiveForm.from_tree(
        ["one", "two", "three"],
        Lottery(
            "weather",
            ("dry", "wet"),
            (Fraction(1, 3), Fraction(2, 3)),
            tuple(Move(0, f"one {w}", ("in", "out"), (second(w), end())) for w in ("dry", "wet")),
        ),
    )


def behavior(form: ExtensiveForm, profile: Assessment) -> dict[tuple[str, str], list[float]]:
    """Return probabilities by player and information set."""
    return {
        (form.players[known.player], known.label): [float(p) for p in odds]
        for known, odds in zip(form.information_sets, profile.probabilities, strict=True)
    }


# ------------------------------------------------------------------ at a precision


def test_uniform_play_is_where_the_branch_begins():
    found = agent_logit_equilibrium(trees.beer_quiche(), 0)

    assert all(set(odds) == {0.5} for odds in found.profile.probabilities)
    assert found.certificate.holds


def test_a_single_choice_is_the_logit_choice_whatever_the_units():
    choice = Move(0, "choose", ("a", "b", "c"), tuple(Terminal((x,)) for x in (0, 1, 3)))
    form = ExtensiveForm.from_tree(["chooser"], choice)
    found = agent_logit_equilibrium(form, 0.7).strategies["chooser"]["choose"]

    weights = np.exp(0.7 * np.array([0, 1, 3]))
    assert list(found.values()) == pytest.approx(weights / weights.sum())


def test_perfect_information_is_solved_backwards_by_logit_choices():
    """The last mover's odds follow from payoffs alone, the earlier ones' from what comes after."""
    form, r = growing_centipede(), 1.5
    found = behavior(form, agent_logit_profile(form, r))
    worth = np.array([6.4, 1.6])
    for turn in reversed(range(4)):
        who = turn % 2
        shares = np.array([0.4, 0.1][:: 1 if turn % 2 == 0 else -1]) * 2**turn
        take = 1 / (1 + exp(r * (worth[who] - shares[who])))
        assert found[(form.players[who], f"move {turn + 1}")][0] == pytest.approx(take)
        worth = take * shares + (1 - take) * worth


def test_taking_is_likelier_the_later_the_move_at_high_precision():
    """McKelvey and Palfrey (1998): as in the experiment; and sooner, the more exact the play."""
    form = growing_centipede()
    blunt, sharp = (
        [odds[0] for odds in agent_logit_profile(form, precision).probabilities]
        for precision in (2.0, 4.0)
    )

    assert blunt == sorted(blunt)
    assert sharp == sorted(sharp)
    assert all(less < more for less, more in zip(blunt, sharp, strict=True))


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), precision=st.floats(0, 3))
def test_probabilities_are_the_logit_responses_to_what_actions_pay(seed, precision):
    form = random_tree(seed)
    found = agent_logit_equilibrium(form, precision)

    assert found.certificate.holds, found.certificate.checks
    assert not certify_agent_logit(form, found.profile, precision + 0.5).holds


def test_what_is_no_precision_and_no_such_tree_is_refused(monkeypatch):
    for precision in (-1, float("nan"), float("inf")):
        with pytest.raises(RequestError, match="not a finite number, 0 or more"):
            agent_logit_profile(trees.beer_quiche(), precision)
    with pytest.raises(RequestError, match="perfect recall"):
        agent_logit_profile(trees.forgetful_driver(), 1)
    with pytest.raises(NotApplicable, match="perfect recall"):
        solve(trees.forgetful_driver(), "agent_logit")
    monkeypatch.setattr(limits, "MAX_PATH_STEPS", 3)
    with pytest.raises(MethodFailed, match="MAX_PATH_STEPS"):
        next(agent_logit(trees.beer_quiche()))


# ------------------------------------------------------------------ the limit


def test_seltens_horse_goes_across():
    """Selten (1975): (D, c, L) is subgame perfect but not sequential; the branch avoids it."""
    solution = solve(trees.selten_horse(), "agent_logit")
    (found,) = solution.equilibria

    assert solution.status is Status.SOLVED
    assert list(found.payoffs.values()) == [1, 1, 1]
    assert found.certificate.regret == 0
    assert any("epsilon-sequential" in check for check in found.certificate.checks)


def test_beer_or_quiche_ends_in_a_sequential_equilibrium_with_pooling():
    form = trees.beer_quiche()
    (found,) = solve(form, "agent_logit").equilibria

    by_set = behavior(form, found.profile)
    pooled = [odds for (player, _), odds in by_set.items() if player == form.players[0]]
    assert all(max(odds) == 1 for odds in pooled)
    gain, _ = sequential_gain(form, found.profile)
    assert gain <= 1e-9


def test_the_centipede_is_taken_at_once():
    (found,) = solve(growing_centipede(), "agent_logit").equilibria

    assert found.certificate.refinement == "subgame perfect"
    assert all(set(strategy) == {"take", "pass"} and strategy["take"] == 1
               for sets in found.strategies.values() for strategy in sets.values())  # fmt: skip


def test_kuhn_poker_is_worth_one_eighteenth_to_the_second():
    """Kuhn (1950): the first player bets jacks with some p <= 1/3, and kings with 3 p."""
    form = build(load("kuhn_poker"))
    (found,) = solve(form, "agent_logit").equilibria

    assert float(found.payoffs["first"]) == pytest.approx(-1 / 18, abs=1e-9)
    opening = found.strategies["first"]
    bets = {
        card: next(s["bet"] for label, s in opening.items() if card in label and "bet" in s)
        for card in ("jack", "queen", "king")
    }
    assert bets["king"] == pytest.approx(3 * float(bets["jack"]), abs=1e-6)
    assert 0 <= bets["jack"] <= 1 / 3 + 1e-9
    assert bets["queen"] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_the_branch_of_random_trees_ends_in_a_certified_sequential_equilibrium(seed):
    form = random_tree(seed)
    profile = next(agent_logit(form))

    certificate = certify(form, profile)
    assert certificate.holds, certificate.checks
    assert "epsilon-sequential" in certificate.checks[-1]


def odd_one_out() -> ExtensiveForm:
    """Return a tree in which three meet, and mix: no pure profile is stable.

    One alone sees a color that matters to nobody, so that one has eight plans.
    """

    def at(color: str, *choices: str) -> Move | Terminal:
        if len(choices) == 3:
            a, b, c = choices
            return Terminal((int(a == b), int(b == c), int(c != a)))
        player = len(choices)
        known = f"side {player}" if player else color
        moves = tuple(at(color, *choices, side) for side in ("x", "y"))
        return Move(player, known, ("x", "y"), moves)

    colors = ("red", "green", "blue")
    start = Lottery("color", colors, (Fraction(1, 3),) * 3, tuple(map(at, colors)))
    return ExtensiveForm.from_tree(["one", "two", "three"], start)


def test_auto_falls_back_on_it_where_three_meet_and_mix_in_a_large_stage(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SUPPORT_PATHS", 3)
    monkeypatch.setattr(limits, "MAX_PATH_STRATEGIES", 11)  # 10 actions, 12 plans
    solution = solve(odd_one_out())
    (found,) = solution.equilibria

    assert solution.method == "agent_logit"
    assert solution.status is Status.PARTIAL
    assert "then a tree of" in solution.method_reason
    assert found.strategies["two"]["side 1"] == {"x": Fraction(1, 2), "y": Fraction(1, 2)}
    assert found.certificate.regret == 0
    assert found.certificate.refinement == "subgame perfect"


# ------------------------------------------------------------------ the judge


def near(*plan: tuple[int, int], trembles: tuple[float, ...] = (1e-12,) * 3) -> Assessment:
    """Return a pure plan of two actions everywhere, with a tremble per information set."""
    logs = tuple(
        tuple(log(tremble) if p == 0 else log(1 - tremble) for p in odds)
        for odds, tremble in zip(plan, trembles, strict=False)
    )
    return Assessment(plan, logs)


def test_the_judge_tells_sequential_play_from_what_is_merely_a_threat():
    """The horse's (D, L, c) is subgame perfect, but two would go down if asked.

    All going across needs three to believe that it was two rather than one who went down.
    """
    horse = trees.selten_horse()
    threat = certify(horse, near((1, 0), (1, 0), (1, 0)))
    assert threat.holds
    assert "another action gains" in threat.checks[-1]
    assert "'2'" in threat.checks[-1]

    for trembles, holds in (((1e-12,) * 3, False), ((1e-12, 1e-12, 1e-9), True)):
        across = certify(horse, near((0, 1), (0, 1), (1, 0), trembles=trembles))
        assert across.holds
        assert ("epsilon-sequential" in across.checks[-1]) is holds

    fights = certify(trees.entry_deterrence(), near((1, 0), (1, 0)))
    assert "another action gains" in fights.checks[-1]


@pytest.mark.parametrize(
    ("trembles", "told"),
    [
        (((-1.0,), (-1.0, -1.0)), "of another game"),
        (((-np.inf, 0.0), (log(0.5), log(0.5))), "probability 0"),
        (((log(0.5), log(0.4)), (log(0.5), log(0.5))), "sum to one"),
        (((log(0.5), log(0.5)), (log(0.5), log(0.5))), "away"),
    ],
)
def test_the_judge_says_what_is_wrong_with_the_trembles(trembles, told):
    entry = trees.entry_deterrence()
    profile = Assessment(((0, 1), (0, 1)), trembles)

    certificate = certify(entry, profile)
    assert certificate.holds
    assert told in certificate.checks[-1]


# ------------------------------------------------------------------ Gambit

ASK_GAMBIT = """
import ast, json, sys
import pygambit

found = []
for path, precisions in json.load(sys.stdin):
    game = pygambit.read_efg(path)
    rows = []
    for point in pygambit.qre.logit_solve_lambda(game, precisions, use_strategic=False):
        told = ast.literal_eval(str(point.profile))
        rows.append([list(odds.values()) for sets in told.values() for odds in sets])
    found.append(rows)
json.dump(found, sys.stdout)
"""


@pytest.mark.skipif(importlib.util.find_spec("pygambit") is None, reason="pygambit is not there")
def test_gambit_follows_the_same_branch(tmp_path):
    """Points of the principal branch at several precisions, in Gambit's order of sets."""
    precisions = [0.5, 1.0, 3.0]
    forms = {
        "horse": trees.selten_horse(),
        "beer": trees.beer_quiche(),
        "centipede": growing_centipede(),
        "kuhn": trees.kuhn_poker(),
        "random": random_tree(4),
        "hidden": random_tree(5),
    }
    paths = []
    for name, form in forms.items():
        path = tmp_path / f"{name}.efg"
        write_efg(form, path)
        paths.append([str(path), precisions])
    ran = subprocess.run(
        [sys.executable, "-c", ASK_GAMBIT],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    for form, rows in zip(forms.values(), json.loads(ran.stdout), strict=True):
        order = [known for k in range(form.num_players) for known in form.sets_of(k)]
        for precision, theirs in zip(precisions, rows, strict=True):
            ours = agent_logit_profile(form, precision).probabilities
            for known, odds in zip(order, theirs, strict=True):
                assert odds == pytest.approx(ours[known], abs=1e-5)
