"""Exact regions: at every point they say what an exhaustive search over pure strategies says."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Chance,
    Decision,
    Game,
    Parameter,
    Stage,
    load,
    solve,
)
from highfence.forms.compile import numpy_function
from highfence.spec.resolve import resolved
from highfence.study.regions import region, regions, thresholds
from region_oracle import pure_outcomes

COUNT = 10_000


def steps(choices):
    """Return choices as plain tuples."""
    return frozenset((c.decision, c.action, c.given) for c in choices)


def points(found, count, seed=0):
    """Return random points of the ranges, exactly."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield {
            name: Fraction(float(low + (high - low) * Fraction(float(rng.random()))))
            for name, (low, high) in found.regions[0].ranges.items()
        }


def printed(found, point):
    """Return whether a point satisfies the printed condition, numbers read as fractions."""
    exactly = re.sub(r"(?<![\w.])(\d+(\.\d+)?)", r"F('\1')", found.python())
    exactly = re.sub(r"\*\*F\('(\d+)'\)", r"**\1", exactly)
    return eval(exactly, {"F": Fraction}, dict(point))


def columns(found, count, seed=0):
    """Return random points of the ranges as columns."""
    rng = np.random.default_rng(seed)
    return {
        name: float(low) + float(high - low) * rng.random(count)
        for name, (low, high) in found.ranges.items()
    }


def market_entry(**changes):
    """An entrant that is fought or not; and a government that may forbid entry."""
    made = {
        "name": "entry",
        "players": ["state", "entrant", "incumbent"],
        "parameters": [
            Parameter("gain", 2, low=-1, high=4),
            Parameter("harm", 1, low=0, high=3),
            Parameter("fight_cost", 1, low=-1, high=2),
            Parameter("fee", 0, low=0, high=1),
        ],
        "stages": [
            Stage("rule", Decision("state", "rule", ["open", "closed"])),
            Stage("entry", Decision("entrant", "entry", ["in", "out"])),
            Stage("answer", Decision("incumbent", "answer", ["fight", "share"])),
        ],
        "derived": {
            "enters": "where(entry == 'in' and rule == 'open', 1, 0)",
            "fought": "enters * where(answer == 'fight', 1, 0)",
        },
        "payoffs": {
            "state": "enters * (gain - harm * fought) - fee * where(rule == 'closed', 1, 0)",
            "entrant": "enters * (1 - 2 * fought) - fee * where(entry == 'in', 1, 0)",
            "incumbent": "-enters - fought * fight_cost",
        },
    }
    return Game(**{**made, **changes})


# ------------------------------------------------------------------ against exhaustive search


NUMBERS = st.sampled_from([-2, -1, 0, 1, 2])
SHARES = st.sampled_from([Fraction(k, 4) for k in range(5)])


@st.composite
def terms(draw, letters, shapes):
    """A payoff: a polynomial in parameters, sometimes in cases."""
    shape = draw(st.sampled_from(shapes))
    a, b = draw(st.sampled_from(letters)), draw(st.sampled_from(letters))
    k, m = draw(NUMBERS), draw(NUMBERS)
    return {
        "linear": f"({k} * {a} + {m} * {b} + {draw(NUMBERS)})",
        "bilinear": f"({k} * {a} * {b} + {m})",
        "where": f"where({a} > 1 / 4, {k} * {b}, {m})",
        "max": f"max({k} * {a}, min({b}, {m}))",
        "ratio": f"({k} / (1 + {a}) + {m} * {b})",
        "square": f"({k} * {a} ** 2 + {m} * abs({b} - 1 / 2))",
    }[shape]


@st.composite
def small_games(draw):
    """Games of up to three decisions in various orders, with a lottery sometimes."""
    letters = draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]]))
    odd = draw(st.sampled_from(["linear", "bilinear", "where", "max", "ratio", "square"]))
    shapes = ["linear", odd] if len(letters) < 3 else ["linear"]
    sizes = draw(st.sampled_from([(2, 2), (2, 3), (2, 2, 2)]))
    names = ["x", "y", "z"][: len(sizes)]
    players = [draw(st.sampled_from(["P", "Q"])) if k else "P" for k in range(len(sizes))]
    if len(set(players)) == 1:
        players[-1] = "Q"
    decisions = [
        Decision(player, name, [f"{name}{k}" for k in range(size)])
        for player, name, size in zip(players, names, sizes, strict=True)
    ]
    together = draw(st.booleans()) and len(set(players[:2])) == 2
    stages = (
        [Stage("first", *decisions[:2])]
        if together
        else [Stage(f"s{k}", d) for k, d in enumerate(decisions[:2])]
    )
    lottery = draw(st.sampled_from([None, "seen", "unseen"]))
    weather = Chance("weather", {"wet": "a / 2 + 1 / 4", "dry": "3 / 4 - a / 2"})
    if lottery == "seen":
        stages.insert(draw(st.integers(0, len(stages))), Stage("nature", weather))
    elif lottery == "unseen":
        stages.append(Stage("nature", weather))
    stages += [Stage("last", d) for d in decisions[2:]] if lottery != "unseen" else []
    used = names if lottery != "unseen" else names[:2]
    payoffs = {}
    for player in ("P", "Q"):
        text = "0"
        for played in product(*(range(size) for size in sizes[: len(used)])):
            test = " and ".join(
                f"{name} == '{name}{k}'" for name, k in zip(used, played, strict=True)
            )
            value = draw(terms(letters, shapes))
            if lottery:
                value = f"{value} + where(weather == 'wet', {draw(terms(letters, ['linear']))}, 0)"
            text = f"where({test}, {value}, {text})"
        payoffs[player] = text
    return Game(
        name="small",
        players=["P", "Q"],
        parameters=[Parameter(letter, Fraction(1, 2), low=0, high=1) for letter in letters],
        stages=stages,
        payoffs=payoffs,
    )


def agree(game, spots):
    """Compare regions with exhaustive search; ties are common on a grid of quarters."""
    letters = [parameter.name for parameter in game.parameters]
    found = regions(game, letters)
    assert found.status == "exact"

    for spot in spots:
        point = dict(zip(letters, spot, strict=False))
        searched = pure_outcomes(game, point)
        assert {steps(each.choices) for each in found.at(**point)} == searched
        assert found.always is not True or searched
        for each in found:
            assert printed(each, point) == each.contains(**point)


SPOTS = st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=3, max_size=3)


@settings(max_examples=12)
@given(game=small_games(), spots=SPOTS)
def test_regions_hold_what_a_search_over_all_pure_strategies_finds(game, spots):
    agree(game, spots)


@pytest.mark.slow
@settings(max_examples=150)
@given(game=small_games(), spots=SPOTS)
def test_regions_of_many_games_hold_what_a_search_over_all_pure_strategies_finds(game, spots):
    agree(game, spots)


@settings(max_examples=15)
@given(game=small_games())
def test_thresholds_are_where_the_equilibria_change(game):
    letters = [parameter.name for parameter in game.parameters]
    found = thresholds(game, letters[0], **dict.fromkeys(set(letters[1:]), "1/3"))

    for stretch in found.stretches:
        ends = [stretch.low, stretch.high]
        if any(not isinstance(end, Fraction) for end in ends):
            continue  # irrational: the search is over rational points
        inner = (stretch.low + stretch.high) / 2
        spots = [inner] + [end for end, at in zip(ends, stretch.closed, strict=True) if at]
        for spot in spots:
            at = {**dict.fromkeys(letters[1:], Fraction(1, 3)), letters[0]: spot}
            assert pure_outcomes(game, at) == {steps(c) for c in stretch.equilibria}
    changes = [s.equilibria for s in found.stretches]
    assert all(a != b for a, b in zip(changes, changes[1:], strict=False))


# ------------------------------------------------------------------ ten thousand points


def leaves(game, spots):
    """Return each player's payoff after every (rule, answer), shape (players, 3, 2, points)."""
    found = resolved(game)
    names = list(spots)
    compiled = numpy_function(
        [found.payoffs[player.name] for player in game.players], [*names, "rule", "location"]
    )
    count = len(next(iter(spots.values())))
    table = np.empty((2, 3, 2, count))
    for rule, location in product(range(3), range(2)):
        rows = np.column_stack(
            [*spots.values(), np.full(count, float(rule)), np.full(count, float(location))]
        )
        table[:, rule, location] = compiled(rows).T
    return table


def test_ten_thousand_points_of_a_leader_and_a_follower_agree_with_backward_induction():
    game = load("offshoring")
    found = regions(game)
    spots = columns(found.regions[0], COUNT)

    table = leaves(game, spots)
    answer = table[1].argmax(axis=1)  # (rule, point); no ties at random points
    value = np.take_along_axis(table[0], answer[:, None, :], axis=1)[:, 0, :]
    rule = value.argmax(axis=0)
    reply = answer[rule, np.arange(COUNT)]

    rules, replies = ["territorial", "parts", "product"], ["stay", "move"]
    seen = np.zeros(COUNT, dtype=int)
    for each in found:
        played = {c.decision: c.action for c in each.choices}
        is_it = (rule == rules.index(played["rule"])) & (reply == replies.index(played["location"]))
        np.testing.assert_array_equal(each.inside(spots), is_it)
        seen += is_it
    assert (seen == 1).all()


def test_random_points_agree_with_the_solver():
    game = load("offshoring")
    found = regions(game)

    for point in points(found, 12):
        solution = solve(game, **point)
        (equilibrium,) = solution.equilibria
        (at,) = found.at(**point)
        assert steps(region(game, equilibrium).choices) == steps(at.choices)


@pytest.mark.parametrize("name", ["prisoners_dilemma", "battle_of_the_sexes"])
def test_catalogue_games_in_strategic_form_agree_with_exhaustive_search(name):
    game = load(name)
    found = regions(game)

    for point in points(found, 25):
        assert {steps(r.choices) for r in found.at(**point)} == pure_outcomes(game, point)


def test_a_tree_with_moves_that_are_sometimes_forced_agrees_with_exhaustive_search():
    game = load("centipede")
    found = regions(game)
    tie = {"large": Fraction(3, 10), "small": Fraction(3, 20)}

    for point in [*points(found, 10), tie]:
        said = {frozenset(s for s in steps(r.choices) if s[1] != "over") for r in found.at(**point)}
        assert said == pure_outcomes(game, point)
    assert len(found.at(**tie)) == 5
