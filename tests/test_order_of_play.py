"""Chance is played behind decisions that do not see it, and the game stays the same game."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from highfence import Chance, Decision, Game, Interval, Parameter, Regime, Stage, compare, solve
from highfence.forms import build as build_module
from highfence.forms.build import build
from highfence.forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from highfence.forms.gambit_files import format_efg, parse_efg
from highfence.forms.staged import StagedForm
from highfence.solve_many import solve_many
from highfence.spec.toml import loads
from highfence.study import region, regions

ROOT = Path(__file__).resolve().parent.parent
SEEDS = range(50)
NATURE = Stage("nature", Chance("skill", {"able": "p", "unable": "1 - p"}))
RULE = Stage("rule", Decision("A", "rule", ["service", "stop"], observes=[]))


def typed(*stages: Stage, ally: bool = True, **more) -> Game:
    """Return a game in which A rules, C answers as able as it is, and B does not see how able."""
    answers = [Decision("C", "answer", ["wait", "train"], observes=["rule", "skill"])]
    if ally:
        answers.append(Decision("B", "ally", ["join", "step_in"], observes=["rule"]))
    return Game(
        name="typed",
        players=["A", "B", "C"],
        parameters=[Parameter("p", 0.4, low=0, high=1), Parameter("cost", 0.3, low=0, high=1)],
        stages=[*stages, Stage("answer", *answers)],
        derived={
            "able": "where(skill == 'able', 0.9, 0.2)",
            "own": "able * (answer == 'train')",
            "filled": "(ally == 'step_in')" if ally else "0",
            "output": "where(rule == 'stop', max(own, 0.5 * filled), 1)",
        },
        payoffs={
            "A": "where(rule == 'stop', 1 - output, 0.2)",
            "B": "filled * (0.6 - output)",
            "C": "output - cost * (answer == 'train')",
        },
        **more,
    )


def stated(monkeypatch, game: Game, **values) -> ExtensiveForm:
    """Return the tree with the moves in the order in which the game states them."""
    with monkeypatch.context() as patched:
        patched.setattr(build_module, "order_of_play", lambda moves, needed, known: list(moves))
        form = build(game, **values)
    assert isinstance(form, ExtensiveForm)
    return form


def moves_of(form: ExtensiveForm) -> list[str]:
    """Return the moves on the first path through a tree."""
    names, node = [], 0
    while form.children[node]:
        known = int(form.information_set[node])
        name = form.labels[node] if known < 0 else form.information_sets[known].label
        names.append(name.split(" ")[0])
        node = form.children[node][0]
    return names


def place(label: str):
    """Return what an information set's label says, in whatever order it says it."""
    name, _, after = label.partition(" after ")
    return name, frozenset(after.split(", "))


def signature(equilibrium):
    """Return all that an equilibrium is."""
    strategies = {
        player: {place(label): odds for label, odds in strategy.items()}
        for player, strategy in equilibrium.strategies.items()
    }
    path = {(place(at), played) for at, _, played in (p.rpartition(": ") for p in equilibrium.path)}
    return strategies, equilibrium.payoffs, equilibrium.outcomes, path


@cache
def random_game(seed: int) -> Game:
    """Return a game of three to six moves, some of them chance, each seen by some of the later.

    Players remember: whoever saw a move sees it again.
    """
    rng = np.random.default_rng(seed)
    players = ["a", "b", "c"]
    stages: list[Stage] = []
    names: list[tuple[str, list[str]]] = []
    memory: dict[str, set[str]] = {player: set() for player in players}
    decided: set[str] = set()
    for k in range(int(rng.integers(3, 6))):
        labels = [f"o{j}" for j in range(rng.integers(2, 4))]
        name = f"m{k}"
        if rng.random() < (0.7 if k < 2 else 0.3):
            odds = ["1/4"] * (len(labels) - 1) + [f"1 - {len(labels) - 1}/4"]
            if names and rng.random() < 0.5:
                other, of = names[rng.integers(len(names))]
                odds[0] = f"where({other} == '{of[0]}', 1/8, 1/4)"
                odds[-1] = f"1 - {len(labels) - 2}/4 - {odds[0]}"
            stages.append(Stage(f"s{k}", Chance(name, dict(zip(labels, odds, strict=True)))))
        else:
            player = str(rng.choice(players))
            memory[player] |= {
                other for other, _ in names if rng.random() < (0.9 if other in decided else 0.5)
            }
            actions = {label: {} for label in labels}
            if memory[player] and rng.random() < 0.4:
                other = sorted(memory[player])[0]
                of = dict(names)[other]
                actions[labels[-1]] = {"when": f"{other} == '{of[0]}'"}
            observes = sorted(memory[player])
            stages.append(Stage(f"s{k}", Decision(player, name, actions, observes=observes)))
            memory[player].add(name)
            decided.add(name)
        names.append((name, labels))

    def formula() -> str:
        parts = []
        for _ in range(5):
            chosen = [names[j] for j in rng.choice(len(names), 2, replace=False)]
            test = " and ".join(f"{name} == '{rng.choice(of)}'" for name, of in chosen)
            parts.append(f"{rng.integers(-9, 10)} * ({test})")
        return " + ".join(parts)

    return Game(
        name="random",
        players=players,
        stages=stages,
        derived={"metric": formula()},
        payoffs={player: formula() for player in players},
    )


def profile_of(form: ExtensiveForm, seed: int, pure: bool = False) -> BehaviorProfile:
    """Return a profile that depends on the names of information sets alone."""
    weights = []
    for known in form.information_sets:
        key = [seed, known.player, *known.label.encode()]
        rng = np.random.default_rng(key)
        count = len(known.actions)
        if pure:
            chosen = int(rng.integers(count))
            weights.append([Fraction(k == chosen) for k in range(count)])
        else:
            weights.append([Fraction(int(n)) for n in rng.integers(1, 9, count)])
    return BehaviorProfile.from_weights(*weights)


# ---------------------------------------------------------------------------------------------
# The same game


@pytest.mark.parametrize("seed", SEEDS)
def test_another_order_is_the_same_game(seed, monkeypatch):
    """Who knows what, what everybody gets, and what is told of it, whatever is played."""
    game = random_game(seed)
    made, plain = build(game), stated(monkeypatch, game)

    assert {(k.player, k.label, k.actions) for k in made.information_sets} == {
        (k.player, k.label, k.actions) for k in plain.information_sets
    }
    assert made.perfect_recall() is None
    assert len(made.terminals) == len(plain.terminals)
    for pure, of in product((False, True), range(3)):
        one, other = profile_of(made, of, pure), profile_of(plain, of, pure)
        assert made.expected_payoffs(one) == plain.expected_payoffs(other)
        assert made.expected_outcomes(one) == pytest.approx(plain.expected_outcomes(other))
        told, before = present(made, one), present(plain, other)
        assert list(told.path) == list(before.path)
        assert [list(s) for s in told.strategies.values()] == [
            list(s) for s in before.strategies.values()
        ]


def present(form, profile):
    from highfence.certify import certify
    from highfence.present import present_extensive

    return present_extensive(form, profile, certify(form, profile))


def subgames(form: ExtensiveForm) -> set[frozenset[str]]:
    """Return the information sets in each subgame."""
    owned = [int(k) for k in form.information_set]
    return {
        frozenset(
            f"{form.information_sets[owned[n]].player} {form.information_sets[owned[n]].label}"
            for n in range(root, form.end[root])
            if owned[n] >= 0
        )
        for root in form.subgame_roots()
    }


def test_another_order_adds_subgames_and_takes_none_away(monkeypatch):
    moved = 0
    for seed in SEEDS:
        game = random_game(seed)
        made, plain = build(game), stated(monkeypatch, game)
        if made.order_shown:
            moved += 1
            assert subgames(made) > subgames(plain)
        else:
            assert moves_of(made) == moves_of(plain)
    assert moved >= 5


def test_subgame_perfect_equilibria_are_equilibria_of_the_stated_tree(monkeypatch):
    from highfence.certify import certify

    game = typed(NATURE, RULE)
    made, plain = build(game), stated(monkeypatch, game)
    place = {(k.player, k.label): n for n, k in enumerate(made.information_sets)}
    found = solve(made).equilibria

    assert found
    assert len(solve(plain).equilibria) > len(found)
    for equilibrium in found:
        weights = [
            equilibrium.profile.probabilities[place[k.player, k.label]]
            for k in plain.information_sets
        ]
        assert certify(plain, BehaviorProfile(tuple(weights))).holds


# ---------------------------------------------------------------------------------------------
# The place of chance in the file does not matter


@pytest.mark.parametrize("ally", [False, True])
@pytest.mark.parametrize("p", [0.1, 0.4, 0.9])
def test_chance_first_has_the_equilibria_of_chance_later(ally, p):
    first, later = typed(NATURE, RULE, ally=ally), typed(RULE, NATURE, ally=ally)
    one, other = solve(first, p=p), solve(later, p=p)

    assert one.equilibria
    assert one.status is other.status
    assert len(one.equilibria) == len(other.equilibria)
    told = [signature(equilibrium) for equilibrium in other.equilibria]
    assert all(signature(equilibrium) in told for equilibrium in one.equilibria)


def test_chance_first_is_exported_as_chance_later():
    one, other = (
        parse_efg(format_efg(build(typed(*stages)))) for stages in ((NATURE, RULE), (RULE, NATURE))
    )

    assert one.children == other.children
    assert one.action_labels == other.action_labels
    assert one.owner.tolist() == other.owner.tolist()
    assert one.information_set.tolist() == other.information_set.tolist()
    assert one.exact_probabilities == other.exact_probabilities
    assert one.exact.tolist() == other.exact.tolist()


def test_an_equilibrium_of_chance_first_has_its_region():
    """Its information sets are named in the game's order, regions go by that of play."""
    game = typed(NATURE, RULE, ally=False)
    (equilibrium,) = solve(game).equilibria
    found = region(game, equilibrium, ["p"])

    assert found.contains(p=0.4)
    assert not found.contains(p=0.99)


def test_draws_solved_together_have_chance_at_the_same_place():
    draws = {"p": np.linspace(0.05, 0.95, 7)}
    one, other = (solve_many(typed(*stages), draws) for stages in ((NATURE, RULE), (RULE, NATURE)))

    assert one.count.tolist() == other.count.tolist()
    assert one.low.tolist() == other.low.tolist()
    assert one.high.tolist() == other.high.tolist()


def test_regimes_compare_as_if_chance_came_later():
    regimes = [Regime("open", fix={"rule": "service"}), Regime("shut", fix={"rule": "stop"})]
    one, other = (
        compare(typed(*stages, regimes=regimes)) for stages in ((NATURE, RULE), (RULE, NATURE))
    )

    assert str(one) == str(other)
    assert one.choice == other.choice
    assert "backward induction" in one.choice.reason


@pytest.mark.parametrize("finite", [True, False])
def test_the_yard_of_the_readme_may_have_its_timeline_last(finite):
    """Stated first there, and seen by nobody; research is an amount, or one of three."""
    text = (ROOT / "README.md").read_text("utf-8")
    text = text.split("<!-- file: yard.toml -->\n```toml\n")[1].split("```")[0]
    if finite:
        amount = 'interval = {low = 0, high = 10, unit = "USD bn/yr"}'
        assert amount in text
        text = text.replace(amount, 'actions = ["0", "2", "5"]')
    first = loads(text)
    nature, *rest = first.stages
    later = replace(first, stages=(*rest, nature))
    one, other = solve(first, p_short="0.4"), solve(later, p_short="0.4")

    assert nature.name == "nature"
    assert len(one.equilibria) == 1
    assert list(map(signature, one.equilibria)) == list(map(signature, other.equilibria))
    assert compare(first).choice == compare(later).choice
    if finite:
        assert moves_of(build(first)) == ["regime", "response", "research", "timeline"]


def test_regions_of_chance_first_are_those_of_chance_later():
    one, other = (
        regions(typed(*stages, ally=False), ["p"]) for stages in ((NATURE, RULE), (RULE, NATURE))
    )

    assert str(one) == str(other)


# ---------------------------------------------------------------------------------------------
# What moves and what stays


def deciding(name: str, *observes: str, player: str | None = None) -> Stage:
    return Stage(f"s_{name}", Decision(player or name.upper(), name, ["l", "r"], observes=observes))


def drawing(name: str, **odds: str) -> Stage:
    return Stage(f"s_{name}", Chance(name, odds or {"u": "1/2", "d": "1/2"}))


def order(*stages: Stage) -> list[str]:
    decisions = [m for stage in stages for m in stage.moves if isinstance(m, Decision)]
    names = list(dict.fromkeys(move.player for move in decisions))
    game = Game(name="order", players=names, stages=list(stages), payoffs=dict.fromkeys(names, "0"))
    return moves_of(build(game))


def test_chance_that_nobody_sees_comes_last():
    assert order(drawing("c"), deciding("x"), deciding("y", "x")) == ["x", "y", "c"]


def test_chance_stays_before_whoever_sees_it():
    stages = drawing("c"), deciding("x"), deciding("y", "x", "c"), deciding("z", "x", "y")
    assert order(*stages) == ["x", "c", "y", "z"]


def test_chance_stays_where_a_later_place_adds_no_subgame():
    """Whoever moves last knows all: there is a subgame at each of their nodes anyway."""
    stages = drawing("c"), deciding("x"), deciding("y", "x", "c")
    assert order(*stages) == ["c", "x", "y"]
    assert order(drawing("c"), deciding("x"), deciding("y")) == ["c", "x", "y"]


def test_chance_stays_before_chance_that_depends_on_it():
    second = drawing("second", u="where(first == 'u', 1/4, 1/2)", d="where(first == 'u', 3/4, 1/2)")
    stages = drawing("first"), second, deciding("x", "second"), deciding("y", "second", "x")
    assert order(*stages) == ["first", "second", "x", "y"]
    stages = drawing("first"), second, deciding("x"), deciding("y", "x")
    assert order(*stages) == ["x", "y", "first", "second"]


def test_chance_that_depends_on_a_decision_stays_behind_it():
    drawn = drawing("c", u="where(x == 'l', 1/4, 1/2)", d="where(x == 'l', 3/4, 1/2)")
    stages = deciding("x"), drawn, deciding("y", "x"), deciding("z", "x", "y")
    assert order(*stages) == ["x", "y", "z", "c"]


def test_types_of_two_players_stay_first():
    stages = drawing("s"), drawing("t"), deciding("x", "s"), deciding("y", "t", "x")
    assert order(*stages) == ["s", "t", "x", "y"]


def test_a_tree_that_would_be_too_large_keeps_the_stated_order_and_says_so(monkeypatch):
    wide = Stage("x", Decision("X", "x", [f"a{k}" for k in range(4)], observes=[]))
    game = Game(
        name="wide",
        players=["X", "Y"],
        stages=[drawing("c"), wide, deciding("y", "x", player="Y")],
        payoffs={"X": "0", "Y": "(y == 'l') * (c == 'u')"},
    )
    assert moves_of(build(game)) == ["x", "y", "c"]
    monkeypatch.setattr("highfence.limits.MAX_NODES", 28)
    form = build(game)

    assert form.num_nodes == 1 + 2 + 8 + 16
    assert moves_of(form) == ["c", "x", "y"]
    assert "c would be played behind" in form.notes[0]
    assert "more than 28 nodes" in solve(form).notes[0]


def test_a_chance_node_keeps_its_probabilities():
    drawn = drawing("c", u="where(x == 'l', 1/4, 1/2)", d="where(x == 'l', 3/4, 1/2)")
    game = Game(
        name="odds",
        players=["X", "Y"],
        stages=[deciding("x"), drawn, deciding("y", "x", player="Y")],
        payoffs={"X": "0", "Y": "(y == 'l') * (c == 'u')"},
    )
    form = build(game)
    for node in np.flatnonzero(form.owner == CHANCE):
        first = form.history(int(node))[0]
        assert form.exact_probabilities[node][0] == (
            Fraction(1, 4) if first == "l" else Fraction(1, 2)
        )


# ---------------------------------------------------------------------------------------------
# Intervals


def with_amounts(*stages: Stage) -> Game:
    return Game(
        name="amounts",
        players=["a", "b"],
        stages=[
            *stages,
            Stage("last", Decision("b", "y", Interval(0, 1), observes=["sky", "x"])),
        ],
        payoffs={"a": "y * (1 - x) - x ** 2 / 9", "b": "-(y - x * where(sky == 'sun', 1, 0)) ** 2"},
    )


def test_a_draw_is_put_behind_an_amount_that_is_chosen_without_it():
    sky = Stage("weather", Chance("sky", {"sun": "1/3", "rain": "2/3"}))
    amount = Stage("first", Decision("a", "x", Interval(0, 1), observes=[]))
    first, later = with_amounts(sky, amount), with_amounts(amount, sky)
    form = build(first)

    assert isinstance(form, StagedForm)
    assert [block.name for block in form.blocks] == ["first", "weather", "last"]
    (one,), (other,) = solve(first).equilibria, solve(later).equilibria
    assert signature(one) == signature(other)
    # a maximizes x (1 - x) / 3 - x^2 / 9: x = 3 / 8.
    assert one.strategies["a"]["x"] == pytest.approx(3 / 8, abs=1e-6)
