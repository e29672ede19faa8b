"""Games whose answers are known beyond doubt: published, closed-form, or proved by two ways.

``data/reduced_forms.json`` holds reduced strategic forms of trees with all their extreme
equilibria, as facts with their sources. The rest is built here, each from the rules that the
source states.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from highfence import Decision, Game, Interval, Parameter, Stage, solve
from highfence.errors import NotApplicable, RequestError, SpecError
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.normal import NormalForm
from highfence.methods.backward_induction import backward_induction
from highfence.methods.logit import logit_profile
from highfence.methods.repeated import critical_discount, grim_trigger, payoff_set
from highfence.methods.sequence_lp import sequence_lp
from highfence.solution import Status
from highfence.study import sweep

REDUCED = json.loads((Path(__file__).parent / "data" / "reduced_forms.json").read_text("utf-8"))


def test_the_facts_are_there():
    assert len(REDUCED["games"]) == 109
    assert all(case["source"] for case in REDUCED["games"])


@pytest.mark.parametrize("case", REDUCED["games"], ids=[c["id"] for c in REDUCED["games"]])
def test_all_extreme_equilibria_of_the_reduced_form_of_a_tree_are_found_and_proved(case):
    solution = solve(NormalForm.from_payoffs(case["payoffs"], title=case["title"]))

    assert solution.status is Status.SOLVED
    assert [e.profile.strategies for e in solution.equilibria] == [
        tuple(tuple(map(Fraction, strategy)) for strategy in profile)
        for profile in case["equilibria"]
    ]
    assert [list(e.payoffs.values()) for e in solution.equilibria] == [
        list(map(Fraction, pair)) for pair in case["equilibrium_payoffs"]
    ]
    assert all(e.certificate.exact and e.certificate.regret == 0 for e in solution.equilibria)
    if case["subsets"] is not None:
        assert solution.subsets == tuple(map(tuple, case["subsets"]))
        assert solution.components == tuple(map(tuple, case["components"]))


# ------------------------------------------------------------------ trees


def test_without_recall_there_may_be_no_equilibrium_in_behavior_and_that_is_refused():
    """Wichardt (2008, Games and Economic Behavior 63): the first player forgets the first move."""

    def answers(first: str, second: str) -> Move:
        gains = {("l", "l"): (1, -1), ("r", "r"): (-1, 1)}.get((first, second), (-5, -5))
        ends = tuple(Terminal((gain, -gain)) for gain in gains)
        return Move(1, "reply", ("l", "r"), ends)

    root = Move(
        0,
        "first",
        ("l", "r"),
        tuple(Move(0, "forgotten", ("l", "r"), tuple(answers(a, b) for b in "lr")) for a in "lr"),
    )
    form = ExtensiveForm.from_tree(["one", "two"], root)
    with pytest.raises(NotApplicable, match="recall"):
        solve(form)


def liars_dice(sides: int) -> ExtensiveForm:
    """Return liar's dice with one die each: bids rise, the highest face counts as any."""
    bids = [(many, face) for many in (1, 2) for face in range(1, sides + 1)]

    def after(rolls: tuple[int, int], said: tuple[int, ...]) -> Move:
        player = len(said) % 2
        following = range(said[-1] + 1 if said else 0, len(bids))
        labels = [f"{bids[k][0]} of {bids[k][1]}" for k in following]
        below: list[Any] = [after(rolls, (*said, k)) for k in following]
        if said:
            many, face = bids[said[-1]]
            true = sum(roll in (face, sides) for roll in rolls) >= many
            won = 1 if (player == 1) == true else -1
            labels.append("liar")
            below.append(Terminal((won, -won)))
        return Move(player, f"{player} {rolls[player]} {said}", tuple(labels), tuple(below))

    rolls = list(product(range(1, sides + 1), repeat=2))
    odds = (Fraction(1, len(rolls)),) * len(rolls)
    dice = Lottery("dice", tuple(map(str, rolls)), odds, tuple(after(r, ()) for r in rolls))
    return ExtensiveForm.from_tree(["one", "two"], dice)


@pytest.mark.parametrize(
    ("sides", "value"), [(4, 1 / 16), pytest.param(6, -7 / 258, marks=pytest.mark.slow)]
)
def test_liars_dice_is_worth_what_is_known(sides, value):
    """OpenSpiel's rules (Lanctot et al. 2019); 24,571 sequences of each player with six sides."""
    form = liars_dice(sides)
    (profile,) = sequence_lp(form)

    assert float(form.expected_payoffs(profile)[0]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("steps", [10, 11])
def test_in_a_noisy_duel_both_fire_when_a_hit_is_as_likely_as_a_miss(steps):
    """Karlin (1959); Dresher (1961): with accuracies equal to time, at one half."""

    def at(k: int) -> Move | Terminal:
        if k > steps:
            return Terminal((0, 0))
        # Who misses alone is hit at the end.
        alone = Fraction(2 * k, steps) - 1
        first, other = Terminal((alone, -alone)), Terminal((-alone, alone))
        labels = ("fire", "wait")
        return Move(
            0,
            f"one {k}",
            labels,
            (
                Move(1, f"two {k}", labels, (Terminal((0, 0)), first)),
                Move(1, f"two {k}", labels, (other, at(k + 1))),
            ),
        )

    form = ExtensiveForm.from_tree(["one", "two"], at(1))
    found = list(backward_induction(form))
    fired = {
        k
        for profile in found
        for k in range(1, steps + 1)
        for known, odds in zip(form.information_sets, profile.probabilities, strict=True)
        if known.label == f"one {k}" and odds[0] > 0 and form.reach(profile)[known.nodes[0]] > 0
    }
    assert {form.expected_payoffs(profile) for profile in found} == {(0, 0)}
    assert fired <= {steps // 2, steps // 2 + 1}
    assert steps // 2 + 1 in fired


# ------------------------------------------------------------------ amounts


def at_once(payoffs: dict[str, str], most: float, **values: float) -> dict[str, float]:
    """Return the only equilibrium of players who each choose ``x_PLAYER`` up to ``most``."""
    game = Game(
        name="at_once",
        players=list(payoffs),
        parameters=[Parameter(name, value) for name, value in values.items()],
        stages=[Stage("now", *(Decision(p, f"x_{p}", Interval(0, most)) for p in payoffs))],
        payoffs=payoffs,
    )
    solution = solve(game)
    assert solution.status is Status.SOLVED
    (only,) = solution.equilibria
    assert only.certificate.holds
    return {p: value for p, own in only.strategies.items() for value in own.values()} | {
        f"payoff {p}": float(value) for p, value in only.payoffs.items()
    }


def test_four_alike_in_cournots_market_sell_nine_each():
    """q = (a - c) / (b (n + 1))."""
    total = "x_A + x_B + x_C + x_D"
    found = at_once({p: f"x_{p} * (90 - 2 * ({total}))" for p in "ABCD"}, 45)

    assert [found[p] for p in "ABCD"] == pytest.approx([9] * 4)
    assert [found[f"payoff {p}"] for p in "ABCD"] == pytest.approx([162] * 4)


def test_a_seller_whose_cost_is_above_the_price_stays_out():
    """Conditions inside the ranges alone would have it sell less than nothing: -6."""
    total = "x_A + x_B + x_C"
    costs = {"A": 12, "B": 24, "C": 60}
    found = at_once({p: f"x_{p} * (120 - ({total}) - {c})" for p, c in costs.items()}, 120)

    assert [found[p] for p in "ABC"] == pytest.approx([40, 28, 0], abs=1e-9)


def test_prices_of_differentiated_goods_are_as_the_formula_says():
    """p = (a + c) / (2 - d)."""
    found = at_once(
        {p: f"(x_{p} - c) * (a - x_{p} + d * x_{q})" for p, q in ("AB", "BA")},
        50,
        a=10,
        d=0.5,
        c=2,
    )
    assert (found["A"], found["B"]) == (pytest.approx(8), pytest.approx(8))


def test_three_shops_on_a_line_have_no_pure_equilibrium():
    """Eaton and Lipsey (1975), on a grid: whoever is in the middle moves on."""
    places = range(11)

    def customers(at: tuple[int, ...]) -> list[Fraction]:
        taken = sorted(set(at))
        ends = [Fraction(0), *(Fraction(a + b, 2) for a, b in pairwise(taken))]
        width = {p: b - a for p, a, b in zip(taken, ends, [*ends[1:], Fraction(10)], strict=True)}
        return [width[p] / at.count(p) for p in at]

    table = np.empty((3, 11, 11, 11), dtype=object)
    for at in product(places, repeat=3):
        table[(slice(None), *at)] = customers(at)
    solution = solve(NormalForm.from_payoffs(table), method="pure_enumeration")

    assert solution.status is Status.NONE_FOUND
    assert "no pure profile is an equilibrium (all were checked)" in solution.reason


@pytest.mark.parametrize("steps", [10, 21])
def test_bids_in_an_all_pay_auction_come_near_to_uniform(steps):
    """Baye, Kovenock and de Vries (1996): uniform on [0, value], and nothing is gained."""
    bids = range(steps + 1)
    own = [
        [
            (Fraction(steps) if a > b else Fraction(steps, 2) if a == b else 0) - Fraction(a)
            for b in bids
        ]
        for a in bids
    ]
    game = NormalForm.bimatrix(own, symmetric=True)
    solution = solve(game, method="lemke_howson")

    for equilibrium in solution.equilibria:
        for strategy in equilibrium.profile.strategies:
            gap = np.cumsum([float(p) for p in strategy]) - (np.arange(steps + 1) + 1) / steps
            assert np.abs(gap).max() <= 2 / steps
        assert max(map(float, equilibrium.payoffs.values())) <= 1


def test_inspection_falls_with_the_penalty_as_the_formula_says():
    """An inspectee who gains 10 from a violation that is not seen: 10 / (10 + penalty)."""
    game = Game(
        name="inspection",
        players=["inspector", "inspectee"],
        parameters=[Parameter("penalty", 10.0, low=1, high=1000)],
        stages=[
            Stage(
                "now",
                Decision("inspector", "inspect", ["yes", "no"]),
                Decision("inspectee", "violate", ["yes", "no"]),
            )
        ],
        derived={"inspected": "inspect == 'yes'"},
        payoffs={
            "inspector": "where(violate == 'yes', where(inspected, -20, -100), -inspected)",
            "inspectee": "where(violate == 'yes', where(inspected, -penalty, 10), 0)",
        },
    )
    penalties = np.arange(1.0, 1001.0, 27.0)
    swept = sweep(game, {"penalty": penalties})

    low, high = swept.column("inspected")
    assert (swept.status == "certified").all()
    assert low[:, 0] == pytest.approx(10 / (10 + penalties))
    assert high[:, 0] == pytest.approx(10 / (10 + penalties))


# ------------------------------------------------------------------ errors, and repetition


@pytest.mark.parametrize(
    ("precision", "first", "second"),
    [
        (0.5, 0.830670591341817, 0.418077466906214),
        (1, 0.893576330553974, 0.312780375029533),
        (2, 0.860754394341034, 0.191078494317474),
        (4, 0.741682312227275, 0.126368270636421),
        (8, 0.632740842954971, 0.106799914733308),
    ],
)
def test_players_who_err_answer_to_their_own_payoffs(precision, first, second):
    """Matching pennies with 9 for one match: Ochs (1995); McKelvey, Palfrey and Weber (2000).

    The numbers are roots of the two logit equations, found by Newton's method in 30 digits.
    """
    game = NormalForm.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    row, column = logit_profile(game, precision).floats()

    assert (row[0], column[0]) == (pytest.approx(first), pytest.approx(second))
    (nash,) = solve(game).equilibria
    assert nash.profile.strategies == ((Fraction(1, 2),) * 2, (Fraction(1, 10), Fraction(9, 10)))


def test_the_payoff_set_of_a_repeated_game_is_the_published_one():
    """Abreu and Sannikov (2014), three actions each, discount 0.3."""
    game = NormalForm.bimatrix(
        [[16, 3, 0], [21, 10, -1], [9, 5, -5]], [[9, 13, 3], [1, 4, 0], [0, -4, -15]]
    )
    published = np.array(
        [
            [1.1256824, 2.8], [7.33770472, 0.0], [7.33770472, 10.9826253],
            [7.86308964, 0.0], [15.5630896, 9.1], [19.7917977, 2.8],
        ]
    )  # fmt: skip
    found = np.array(payoff_set(game, 0.3).corners, dtype=float)
    angles = np.linspace(0, 2 * np.pi, 721)
    directions = np.array([np.cos(angles), np.sin(angles)])

    assert (found @ directions).max(axis=0) == pytest.approx(
        (published @ directions).max(axis=0), abs=2e-6
    )


def test_where_nothing_pure_can_be_sustained_the_payoff_set_is_empty():
    game = NormalForm.bimatrix([[1, -1], [-2, 1]], [[-1, 2], [2, 0]])
    assert payoff_set(game, 0.05).corners == ()


def test_a_grim_trigger_holds_from_a_discount_of_a_seventh():
    """(T - R) / (T - P) with 10, 9 and 3."""
    game = NormalForm.bimatrix([[9, 1], [10, 3]], symmetric=True)
    assert grim_trigger(game, (0, 0), (1, 1)).all_players == Fraction(1, 7)
    assert critical_discount(game, (0, 0)) == pytest.approx(1 / 7, abs=2e-6)


# ------------------------------------------------------------------ calls side by side, and again


def test_threads_that_solve_at_once_find_what_one_finds_alone():
    names = ["beer_quiche", "matching_pennies", "spence_1973", "kuhn_poker", "chicken"] * 2
    alone = [solve(name) for name in names]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(solve, names))
    assert together == alone


@pytest.mark.parametrize(
    ("wrong", "error"), [(float("inf"), SpecError), (1j, TypeError), ("a", SpecError)]
)
def test_an_error_names_the_cell_and_leaves_no_trace_in_the_next_call(wrong, error):
    before = solve("chicken")
    with pytest.raises(error, match=r"row\[0, 1\]"):
        NormalForm.bimatrix([[0, wrong], [1, 0]], [[0, 1], [1, 0]])
    with pytest.raises(RequestError):
        solve("chicken", method="no_such_method")
    assert solve("chicken") == before
