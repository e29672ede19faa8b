"""Exact regions: at every point they say what an exhaustive search over pure strategies says."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Chance,
    Decision,
    Game,
    Parameter,
    Regime,
    RequestError,
    Stage,
    limits,
    load,
    solve,
)
from highfence.errors import LimitExceeded, NotApplicable
from highfence.forms.compile import numpy_function
from highfence.spec.resolve import resolved
from highfence.study.regions import Choice, region, regions, thresholds
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


@settings(max_examples=3)
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
    assert all(a != b for a, b in pairwise(changes))


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
        (equilibrium,) = solve(game, **point).equilibria
        (at,) = found.at(**point)
        (rule,) = (a for a, p in equilibrium.strategies["A"]["rule"].items() if p)
        answers = equilibrium.strategies["L"][f"location after rule={rule}"]
        (location,) = (a for a, p in answers.items() if p)
        assert steps(at.choices) == {("rule", rule, ()), ("location", location, ())}


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


# ------------------------------------------------------------------ thresholds of the literature


def test_a_lever_stops_offshoring_above_one_minus_the_cost_over_the_profit():
    found = region(
        "offshoring", {"location": "stay"}, ["pi_CN", "F", "j_product"], regime="product"
    )

    assert found.condition() == "F >= pi_CN*(1 - j_product)"
    assert found.solved_for("j_product") == ("j_product >= 1 - F/pi_CN",)
    changes = thresholds("offshoring", "j_product", regime="product").values
    assert changes == (Fraction(3, 5),)


def test_a_listing_pays_where_fragility_is_likely_enough():
    """The lister does not know whether the firm is fragile: P v_kill > (1 - P) v_harden."""
    game = Game(
        name="listing",
        players=["state"],
        parameters=[
            Parameter("p", "1/2", low=0, high=1),
            Parameter("v_kill", 3, low=1, high=5),
            Parameter("v_harden", 1, low="1/2", high=5),
        ],
        stages=[
            Stage("nature", Chance("firm", {"fragile": "p", "resilient": "1 - p"})),
            Stage("listing", Decision("state", "entity", ["list", "spare"], observes=())),
        ],
        payoffs={
            "state": "where(entity == 'list', where(firm == 'fragile', v_kill, -v_harden), 0)"
        },
    )

    found = region(game, {"entity": "list"})
    assert found.solved_for("p") == ("p >= v_harden/(v_kill + v_harden)",)
    assert found.concept == "pure Nash equilibrium"
    assert thresholds(game, "p").values == (Fraction(1, 4),)


@pytest.mark.parametrize(
    ("cost", "forgone"),
    [("0.75", Fraction("0.02700")), ("0.55", Fraction("0.01875")), ("0.45", Fraction("0.01408"))],
)
def test_an_ally_joins_where_penalty_and_stake_outweigh_the_profit_forgone(cost, forgone):
    """All three are needed. A joiner forgoes the profit against a challenger at cost c_H, who
    stays out where that is above the price of a monopolist at cost 0.4."""
    names = ["one", "two", "three"]
    game = Game(
        name="allies",
        players=names,
        parameters=[
            Parameter("m", "0.3", low="0.1", high="0.5"),
            Parameter("c_H", "0.75", low="0.4", high="0.8"),
            Parameter("security", 0, low=0, high="0.2"),
            Parameter("penalty", 0, low=0, high="0.1"),
        ],
        stages=[Stage("all", *(Decision(n, f"join_{n}", ["join", "sell"]) for n in names))],
        derived={
            "works": "where(" + " and ".join(f"join_{n} == 'join'" for n in names) + ", 1, 0)",
            "alone": "m * ((1 - 0.4) / 2) ** 2",
            "profit": "where(c_H >= (1 + 0.4) / 2, alone, m * ((1 - 2 * 0.4 + c_H) / 3) ** 2)",
        },
        payoffs={
            n: f"security * works + where(join_{n} == 'sell', profit - penalty, 0)" for n in names
        },
    )
    everybody = {f"join_{n}": "join" for n in names}

    found = region(game, everybody, c_H=cost)
    assert [i.used for i in found.inequalities] == [("m", "security", "penalty")]
    assert region(game, everybody).condition() == (
        "0.09*m <= security + penalty or security + penalty >= m*(5*c_H + 1)**2/225"
    )
    (change,) = thresholds(game, "penalty", c_H=cost).values
    assert abs(change - forgone) < Fraction(1, 200_000)


def test_deterrence_holds_up_to_the_autonomy_at_which_sanctions_bite_too_little():
    game = Game(
        name="deterrence",
        players=["attacker"],
        parameters=[
            Parameter("p", "0.5", low=0, high=1),
            Parameter("W", 1, low="0.5", high=2),
            Parameter("C_w", "0.2", low=0, high=1),
            Parameter("S", 1, low="0.5", high=2),
            Parameter("k", "0.5", low=0, high=1),
        ],
        stages=[Stage("now", Decision("attacker", "move", ["attack", "hold"]))],
        payoffs={"attacker": "where(move == 'attack', p * W - C_w - (1 - k) * S, 0)"},
    )

    held = region(game, {"move": "hold"})
    assert thresholds(game, "k").values == (Fraction(7, 10),)
    assert held.contains(p="0.5", W=1, C_w="0.2", S=1, k="0.7")  # ties are in
    assert not held.contains(p="0.5", W=1, C_w="0.2", S=1, k="0.7001")
    assert len(held.inequalities) == 1
    assert not held.cases


def test_an_offer_prevents_war_where_it_is_no_less_than_what_war_pays():
    """An offer of a unit pie is taken exactly where it pays at least 1 - p - c_B."""
    game = Game(
        name="bargain",
        players=["A", "B"],
        parameters=[
            Parameter("x", "0.4", low=0, high=1),
            Parameter("p", "0.6", low=0, high=1),
            Parameter("c_A", "0.1", low="0.01", high="0.3"),
            Parameter("c_B", "0.1", low="0.01", high="0.3"),
        ],
        stages=[
            Stage("offer", Decision("A", "offer", ["make", "fight"])),
            Stage("reply", Decision("B", "reply", ["accept", "refuse"])),
        ],
        derived={"peace": "where(offer == 'make' and reply == 'accept', 1, 0)"},
        payoffs={
            "A": "where(peace == 1, 1 - x, p - c_A)",
            "B": "where(peace == 1, x, 1 - p - c_B)",
        },
    )

    found = region(game, {"offer": "make", "reply": "accept"})
    assert set(map(str, found.inequalities)) == {"x + p + c_B >= 1", "x + p <= c_A + 1"}


def test_backward_induction_unravels_cooperation_whatever_the_numbers():
    first, *others = regions("centipede")
    assert {c.action for c in first.choices} == {"take", "over"}
    assert first.everywhere
    assert all(other.only_ties for other in others)
    (only,) = regions("chain_store")
    assert only.everywhere
    assert {c.action for c in only.choices} == {"in", "accommodate"}


# ------------------------------------------------------------------ what is printed


def drop_one(found):
    """Yield for each printed inequality what is left of the region's conditions without it."""
    cases = found.cases or ((),)
    for k in range(len(found.inequalities)):
        yield (
            found.inequalities[k],
            [(*found.inequalities[:k], *found.inequalities[k + 1 :], *case) for case in cases],
        )


@pytest.mark.parametrize(
    ("game", "parameters"),
    [("offshoring", None), ("prisoners_dilemma", None), ("offshoring", ["F", "j_parts"])],
)
def test_no_printed_inequality_is_redundant(game, parameters):
    """Without it, some point is let in where it fails: z3 finds one, asked independently."""
    import z3

    for found in regions(game, parameters):
        names = {name: z3.Real(name) for name in found.parameters}
        box = [
            bound
            for name, (low, high) in found.ranges.items()
            for bound in (names[name] >= str(low), names[name] <= str(high))
        ]
        for inequality, ways in drop_one(found):
            needed = False
            for way in ways:
                solver = z3.Solver()
                solver.add(*box, z3.Not(eval(inequality.python(), {}, dict(names))))
                solver.add(*(eval(other.python(), {}, dict(names)) for other in way))
                needed |= solver.check() == z3.sat
            assert needed, (found.text(), inequality.text())


def test_a_region_is_printed_as_text_latex_and_python():
    found = region(
        "offshoring", {"location": "stay"}, ["pi_CN", "F", "j_product"], regime="product"
    )

    assert str(found) == (
        "location = stay is a pure Nash equilibrium iff F >= pi_CN*(1 - j_product)."
    )
    assert found.latex() == r"F \ge \pi_{CN} \, \left(1 - j_{product}\right)"
    assert eval(found.python(), {"F": 0.03, "pi_CN": 0.05, "j_product": 0.5})
    told = found.to_dict()
    assert told["condition"] == found.condition()
    assert (told["latex"], told["python"]) == (found.latex(), found.python())
    assert found.to_dict()["ranges"]["F"] == ["1/200", "3/100"]


def test_names_that_sympy_keeps_for_itself_are_only_names():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("beta", 1, low=0, high=2), Parameter("S", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": "where(x == 'yes', beta, S)"},
    )

    found = region(game, {"x": "yes"})
    assert found.text().endswith("iff beta >= S.")
    assert found.latex() == r"\beta \ge S"


def test_cases_and_coincidences_are_told_apart():
    game = market_entry()
    found = region(game, {"rule": "open", "entry": "in", "answer": "share"})

    assert found.status == "exact"
    assert not found.only_ties
    assert found.contains(gain=2, harm=1, fight_cost=1, fee="1/2")
    assert not found.contains(gain=2, harm=1, fight_cost=-1, fee="1/2")
    assert "coincidence" in found.text() or not found.ties
    assert printed(found, {"gain": 2, "harm": 1, "fight_cost": 1, "fee": Fraction(1, 2)})


def test_the_witness_lies_in_the_region_and_is_the_preset_where_that_does():
    for found in regions("offshoring"):
        assert found.contains(**found.witness)
    at_home = region("offshoring", {"rule": "product", "location": "stay"})
    declared = {p.name: Fraction(str(p.value)) for p in load("offshoring").parameters}
    assert dict(at_home.witness) == {name: declared[name] for name in at_home.parameters}


def test_an_irrational_threshold_is_exact():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", 1, low=0, high=2), Parameter("b", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": "where(x == 'yes', a ** 2 + a ** 3 - 2 * b, 0)"},
    )

    (root,) = thresholds(game, "a").values
    assert root == 1
    (root,) = thresholds(game, "a", b="1.5").values
    assert (root**2 + root**3 - 3).equals(0)
    assert float(root) == pytest.approx(1.1745594102929802, abs=1e-12)
    found = thresholds(game, "a", b="1.5")
    assert [len(s.equilibria) for s in found.stretches] == [1, 2, 1]
    assert found.stretches[1].is_point
    assert "about 1.17456" in found.text()


def test_a_region_that_is_one_irrational_point_has_an_algebraic_witness():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": "where(x == 'yes', -((a ** 2 - 2) ** 2), 0)"},
    )

    found = region(game, {"x": "yes"})
    assert found.only_ties
    assert float(found.witness["a"]) == pytest.approx(2**0.5)
    assert found.witness["a"] ** 2 == 2 or (found.witness["a"] ** 2 - 2).equals(0)
    assert (
        found.text()
        == "x = yes is a pure Nash equilibrium iff a**2 == 2, which needs a coincidence."
    )


def test_where_there_is_no_pure_equilibrium_a_point_shows_it():
    game = Game(
        name="inspection",
        players=["inspector", "firm"],
        parameters=[Parameter("fine", 1, low=0, high=3), Parameter("cost", 1, low=0, high=2)],
        stages=[
            Stage(
                "now",
                Decision("inspector", "inspect", ["yes", "no"]),
                Decision("firm", "comply", ["yes", "no"]),
            )
        ],
        payoffs={
            "inspector": "where(inspect == 'yes', where(comply == 'no', fine, 0) - cost, 0)",
            "firm": "where(comply == 'no', 1 - where(inspect == 'yes', fine, 0), 0)",
        },
    )

    found = regions(game)
    assert found.always is False
    assert pure_outcomes(game, dict(found.without)) == set()
    assert all(solve(game, **found.without).equilibria)
    settled = regions(game, fine="1/2")
    assert settled.always is True
    assert "Everywhere" in settled.text()


def test_overlaps_are_shown_by_a_point_at_which_both_are_equilibria():
    found = regions("battle_of_the_sexes")

    (overlap,) = found.overlaps
    both = {overlap.first, overlap.second}
    inside = {k for k, each in enumerate(found) if each.contains(**overlap.witness)}
    assert both <= inside
    assert found.profiles == 4
    assert len(found) == 2


# ------------------------------------------------------------------ what is asked


def test_an_equilibrium_of_the_solver_can_be_asked_about():
    game = load("prisoners_dilemma")
    (equilibrium,) = solve(game).equilibria

    found = region(game, equilibrium)
    assert found.choices == (Choice("first", "defect"), Choice("second", "defect"))
    assert found.everywhere


def test_a_mixed_equilibrium_is_refused():
    game = load("battle_of_the_sexes")
    mixed = next(
        e
        for e in solve(game).equilibria
        if any(0 < p < 1 for s in e.strategies.values() for p in s.values())
    )

    with pytest.raises(RequestError, match="mixed"):
        region(game, mixed)


def test_some_decisions_alone_ask_for_any_equilibrium_that_has_them():
    game = load("offshoring")
    whole = region(game, {"rule": "parts"})
    spots = columns(whole, 2000)

    parts = [r for r in regions(game) if Choice("rule", "parts") in r.choices]
    any_of = np.logical_or.reduce([each.inside(spots) for each in parts])
    np.testing.assert_array_equal(whole.inside(spots), any_of)
    assert whole.text().startswith("Some pure subgame-perfect equilibrium has rule = parts iff")


def test_regimes_presets_and_settings_hold_what_they_set():
    game = Game(
        **{
            "name": "g",
            "players": ["P"],
            "parameters": [
                Parameter("a", 1, low=0, high=2),
                Parameter("b", 1, low=0, high=2),
                Parameter("c", "0.1", low=0, high=2),
            ],
            "stages": [Stage("s", Decision("P", "x", ["yes", "no"]))],
            "payoffs": {"P": "where(x == 'yes', a + c, b)"},
            "regimes": [Regime("r", set={"b": "1/3"})],
            "presets": {"high": {"c": "0.7"}},
        }
    )

    assert region(game, {"x": "yes"}).parameters == ("a", "b", "c")
    assert region(game, {"x": "yes"}, regime="r").condition() == "a + c >= 1/3"
    assert region(game, {"x": "yes"}, ["a", "b"]).condition() == "b <= a + 0.1" or (
        region(game, {"x": "yes"}, ["a", "b"]).condition() == "a + 0.1 >= b"
    )
    assert region(game, {"x": "yes"}, ["a"], preset="high").condition() == "a >= 0.3"
    assert region(game, {"x": "yes"}, ["b"], a="1/3", c=0).condition() == "b <= 1/3"
    assert region(game, {"x": "yes"}, ["a"], regime="r", c="1/3").everywhere


def test_a_regime_that_fixes_a_decision_takes_it_out_of_the_game():
    found = regions("offshoring", regime="product")

    assert {c.decision for each in found for c in each.choices} == {"location"}
    with pytest.raises(RequestError, match="leaves rule only product, not parts"):
        region("offshoring", {"rule": "parts"}, regime="product")
    assert region("offshoring", {"rule": "product", "location": "stay"}, regime="product").complete


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (lambda: region("offshoring", {"rul": "parts"}), "Did you mean 'rule'"),
        (lambda: region("offshoring", {"rule": "part"}), "Did you mean 'parts'"),
        (lambda: region("offshoring", {"rule": "parts"}, ["G"]), "no parameter 'G'"),
        (lambda: region("offshoring", {"rule": "parts"}, []), "no parameter is named"),
        (lambda: region("offshoring", {"rule": "parts"}, ["F"], F=1), "cannot both vary"),
        (lambda: region("offshoring", {"rule": "parts"}, ["F"]).contains(G=1), "does not vary"),
        (lambda: region("offshoring", {"rule": "parts"}, ["F"]).contains(), "F is missing"),
        (lambda: region("offshoring", {"rule": "parts"}, ["F"]).contains(F="x"), "finite number"),
        (lambda: regions("small_yard_high_fence"), "s is over an interval.*tipping"),
        (lambda: regions("yard_credibility"), "answer does not observe type.*tipping"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(request_, message):
    with pytest.raises(RequestError, match=message):
        request_()


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        ("exp(a)", r"exp\(\)"),
        ("log(1 + a)", r"log\(\)"),
        ("sqrt(a)", r"sqrt\(\)"),
        ("2 ** a", "power"),
    ],
)
def test_formulas_without_exact_values_are_refused(formula, named):
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": f"where(x == 'yes', {formula}, 0)"},
    )

    with pytest.raises(NotApplicable, match=f"{named}.*tipping"):
        regions(game)


def test_a_callable_is_refused():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        derived={"payoff": lambda a: a + 1},
        payoffs={"P": "where(x == 'yes', payoff, 0)"},
    )

    with pytest.raises(NotApplicable, match=r"Python callable.*tipping"):
        regions(game)


def test_a_parameter_whose_range_is_a_point_does_not_vary():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", "1/3", low="1/3", high="1/3"), Parameter("b", 1, low=0, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": "where(x == 'yes', b, a)"},
    )

    assert region(game, {"x": "yes"}).parameters == ("b",)
    with pytest.raises(RequestError, match="a cannot vary: its range is 1/3 to 1/3"):
        region(game, {"x": "yes"}, ["a"])


def test_a_part_that_is_undefined_somewhere_leaves_that_out():
    game = Game(
        name="g",
        players=["P"],
        parameters=[Parameter("a", 1, low=0, high=2), Parameter("b", 1, low=-1, high=2)],
        stages=[Stage("s", Decision("P", "x", ["yes", "no"]))],
        payoffs={"P": "where(x == 'yes', where(b > 0, a / b, -1), 1)"},
    )

    found = region(game, {"x": "yes"})
    assert found.contains(a=1, b="1/2")
    assert found.contains(a=1, b=1)
    assert not found.contains(a=1, b=0)
    assert not found.contains(a=1, b=-1)


# ------------------------------------------------------------------ limits


def test_running_out_of_time_is_a_status_and_points_are_still_told(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REGION_SECONDS", 0)
    found = region("offshoring", {"rule": "product", "location": "stay"})

    assert found.status == "unknown"
    assert "z3 gave up" in found.reason
    assert found.text().startswith("It is unknown")
    at = {p.name: p.value for p in load("offshoring").parameters}
    assert found.contains(**at)
    with pytest.raises(RequestError, match="not the whole region"):
        found.inside({name: np.array([0.1]) for name in found.parameters})


def test_too_many_cases_are_a_status(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REGION_CASES", 1)
    found = region("offshoring", {"rule": "territorial", "location": "move"})

    assert found.status == "unknown"
    assert "MAX_REGION_CASES" in found.reason


@pytest.mark.parametrize("name", ["MAX_REGION_OUTCOMES", "MAX_REGION_COMPARISONS"])
def test_a_game_that_is_too_large_is_refused(name, monkeypatch):
    monkeypatch.setattr(limits, name, 3)

    with pytest.raises(LimitExceeded, match=name):
        regions("offshoring")


def test_bounds_of_alternatives_are_not_joined():
    """Entry pays if the market is large or the rival is small: neither bound is needed."""
    game = Game(
        name="either_or",
        players=["entrant"],
        parameters=[Parameter("market", 1, low=0, high=4), Parameter("rival", 1, low=0, high=4)],
        stages=[Stage("entry", Decision("entrant", "entry", ["in", "out"]))],
        payoffs={"entrant": "where(entry == 'in', max(market - 2, 1 - rival), 0)"},
    )
    found = region(game, {"entry": "in"})

    assert found.cases
    assert found.contains(market=3, rival=3)
    assert found.contains(market=0, rival=0.5)
    assert not found.contains(market=1, rival=2)
    assert found.solved_for("market") == ()
