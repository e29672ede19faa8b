"""Games with known equilibria, from textbooks, papers and other solvers' issue trackers.

``data/textbook.json`` holds the payoffs and the equilibria as facts, each with its source.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from highfence.certify import certify
from highfence.forms.normal import NormalForm, Profile
from highfence.methods.extreme import components, extreme_enumeration, maximal_nash_subsets
from highfence.methods.pure import pure_enumeration
from highfence.solution import Status
from highfence.solve import solve

FACTS = json.loads((Path(__file__).parent / "data" / "textbook.json").read_text("utf-8"))
BIMATRIX, STRATEGIC = FACTS["bimatrix"], FACTS["strategic"]


def by_id(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    """Run a test for every case."""
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def probabilities(equilibria: list[Any]) -> list[tuple[tuple[Fraction, ...], ...]]:
    """Return profiles of text as profiles of Fractions."""
    return [tuple(tuple(map(Fraction, strategy)) for strategy in profile) for profile in equilibria]


def table(case: dict[str, Any]) -> NormalForm:
    """Return the game of a case with any number of players; player 1 varies fastest."""
    payoffs = np.array(case["payoffs"], dtype=object)
    shape = case["shape"]
    return NormalForm.from_payoffs(
        np.stack([player.reshape(shape, order="F") for player in payoffs]), title=case["title"]
    )


# ------------------------------------------------------------------ two players


def test_the_facts_are_there():
    assert len(BIMATRIX) == 78
    assert len(STRATEGIC) == 17
    assert all(case["source"] for case in BIMATRIX + STRATEGIC)


@by_id(BIMATRIX)
def test_all_extreme_equilibria_of_a_known_game_are_found_and_proved(case):
    solution = solve(NormalForm.from_payoffs(case["payoffs"], title=case["title"]))

    assert solution.status is Status.SOLVED
    assert solution.method == "extreme_enumeration"
    assert [e.profile.strategies for e in solution.equilibria] == probabilities(case["equilibria"])
    assert all(e.certificate.exact and e.certificate.regret == 0 for e in solution.equilibria)


@by_id(BIMATRIX)
def test_payoffs_subsets_and_components_of_a_known_game_are_as_published(case):
    solution = solve(NormalForm.from_payoffs(case["payoffs"]))
    payoffs = [list(e.payoffs.values()) for e in solution.equilibria]

    assert payoffs == [list(map(Fraction, pair)) for pair in case["equilibrium_payoffs"]]
    assert solution.subsets == tuple(map(tuple, case["subsets"]))
    assert solution.components == tuple(map(tuple, case["components"]))


def in_floats(case: dict[str, Any]) -> bool:
    """Return whether floats hold the payoffs of a case."""
    numbers = np.array(case["payoffs"], dtype=object).ravel()
    return all(Fraction(float(Fraction(x))) == Fraction(x) for x in numbers)


@by_id([case for case in BIMATRIX if in_floats(case)])
def test_floats_give_the_same_equilibria_where_they_hold_the_payoffs(case):
    game = NormalForm.from_payoffs(case["payoffs"])
    rounded = NormalForm.from_payoffs(game.payoffs.copy())

    assert set(extreme_enumeration(rounded)) == set(extreme_enumeration(game))


@by_id([case for case in BIMATRIX if len(case["equilibria"]) <= 40])
def test_subsets_and_components_do_not_depend_on_the_order_of_the_equilibria(case):
    profiles = [Profile(strategies) for strategies in probabilities(case["equilibria"])][::-1]
    last = len(profiles) - 1

    for found, known in (
        (maximal_nash_subsets(profiles), case["subsets"]),
        (components(profiles), case["components"]),
    ):
        assert {frozenset(last - k for k in part) for part in found} == set(map(frozenset, known))


# ------------------------------------------------------------------ any number of players


@by_id(STRATEGIC)
def test_all_pure_equilibria_of_a_known_game_are_found(case):
    found = [tuple(k for (k,) in p.supports) for p in pure_enumeration(table(case))]

    assert found == sorted(map(tuple, case["pure"]))


@by_id([case for case in STRATEGIC if "equilibria" in case])
def test_the_judge_accepts_the_known_equilibria_of_a_game_of_several_players(case):
    game = table(case)
    for equilibrium in case["equilibria"]:
        rational = all("." not in p for strategy in equilibrium for p in strategy)
        number = Fraction if rational else float
        profile = Profile(tuple(tuple(map(number, strategy)) for strategy in equilibrium))
        certificate = certify(game, profile)

        assert certificate.holds
        if rational:
            assert certificate.regret == 0


def test_guessing_two_thirds_of_the_average_on_integers_has_two_pure_equilibria():
    """Nagel (1995), on 0..3 with four players: all zero, and all one."""
    payoffs = np.zeros((4, 4, 4, 4, 4), dtype=object)
    for guesses in np.ndindex(4, 4, 4, 4):
        distance = [abs(12 * own - 2 * sum(guesses)) for own in guesses]
        winners = [k for k in range(4) if distance[k] == min(distance)]
        for winner in winners:
            payoffs[(winner, *guesses)] = Fraction(1, len(winners))
    solution = solve(NormalForm.from_payoffs(payoffs))

    assert [e.profile.supports for e in solution.equilibria] == [((0,),) * 4, ((1,),) * 4]


# ------------------------------------------------------------------ large games of two players


def mendelsohn(size: int) -> NormalForm:
    """Return the game "one larger wins 1, two or more larger loses 2". Ferguson, part II, 2.4."""

    def wins(i: int, j: int) -> int:
        return {0: 0, 1: 1, -1: -1}.get(i - j, -2 if i > j else 2)

    row = [[wins(i, j) for j in range(size)] for i in range(size)]
    return NormalForm.bimatrix(row, zero_sum=True, title="Mendelsohn")


def test_a_large_zero_sum_game_is_solved_exactly_by_its_program():
    """Ferguson, Game Theory, part II, section 2.4: 1/4, 1/2, 1/4 on the three smallest."""
    (equilibrium,) = solve(mendelsohn(100), "zero_sum_lp").equilibria
    quarter = Fraction(1, 4)

    assert equilibrium.certificate.regret == 0
    assert equilibrium.profile.strategies == ((quarter, 2 * quarter, quarter, *[0] * 97),) * 2


def test_dominance_makes_a_large_game_small_enough_to_enumerate():
    solution = solve(mendelsohn(100))

    assert solution.status is Status.SOLVED
    assert solution.method == "extreme_enumeration"
    assert [e.profile.supports for e in solution.equilibria] == [((0, 1, 2), (0, 1, 2))]


def travelers(claims: range) -> NormalForm:
    """Return the traveler's dilemma with bonus 2. Basu (1994), American Economic Review 84."""
    row = [[min(a, b) + 2 * ((b > a) - (a > b)) for b in claims] for a in claims]
    return NormalForm.bimatrix(row, symmetric=True, title="Traveler's dilemma")


def test_the_travelers_claim_the_least():
    least = ((0,), (0,))

    assert [p.supports for p in pure_enumeration(travelers(range(2, 101)))] == [least]
    assert [e.profile.supports for e in solve(travelers(range(2, 12))).equilibria] == [least]
    assert [
        e.profile.supports for e in solve(travelers(range(2, 22)), "lemke_howson").equilibria
    ] == [least]
