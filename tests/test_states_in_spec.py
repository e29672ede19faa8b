"""Games that go on, declared as a spec: the form built by hand, and the answers that are known."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Chance,
    Decision,
    Game,
    Interval,
    Parameter,
    Regime,
    Stage,
    State,
    compare,
    solve,
    solve_many,
)
from highfence.errors import LimitExceeded, NotApplicable, SpecError
from highfence.forms.build import build
from highfence.forms.markov import MarkovForm
from highfence.spec import toml
from highfence.study import region
from highfence.study.draws import solve_draws

TOYMAKER = """
name = "toymaker"
discount = "delta"

[players]
maker = "Toymaker"

[parameters.delta]
value = 0.9
low = 0.5
high = 0.95

[states.toy]
values = ["liked", "disliked"]
initial = "liked"

[states.toy.next]
liked = "luck"
disliked = "1 - luck"

[[stages]]
name = "effort"
[stages.decisions.effort]
player = "maker"
actions = ["save", "spend"]

[derived]
luck = "where(effort == 'spend', 0.8, 0.5) - 0.1 * (toy == 'disliked')"
earned = "where(toy == 'liked', where(effort == 'spend', 4, 6), where(effort == 'spend', -5, -3))"

[payoffs]
maker = "earned"
"""


def race(**changes: Any) -> Game:
    """Return a race with a seen move, an answer, and chance at the end."""
    parts: dict[str, Any] = {
        "name": "race",
        "players": ["leader", "follower"],
        "parameters": [Parameter("pace", "0.3", 0, "0.5"), Parameter("start", 2, 0, 3)],
        "states": [State("gap", range(4), "start", "min(max(gap + shift.by, 0), 3)")],
        "discount": {"leader": "0.9", "follower": "0.8"},
        "stages": [
            Stage("first", Decision("leader", "deny", ["no", "yes"])),
            Stage(
                "second",
                Decision("follower", "run", {"wait": {}, "run": {"when": "gap > 0"}, "leap": {}}),
            ),
            Stage(
                "nature",
                Chance(
                    "shift",
                    {
                        "up": {"probability": "pace", "by": 1},
                        "down": {"probability": "where(run == 'wait', 0, 0.4)", "by": -1},
                        "none": {"probability": "1 - pace - where(run == 'wait', 0, 0.4)", "by": 0},
                    },
                ),
            ),
        ],
        "payoffs": {
            "leader": "gap - 0.2 * (deny == 'yes')",
            "follower": "-gap - 0.1 * (run == 'run') - 0.3 * (run == 'leap') * (deny == 'yes')",
        },
        "regimes": [Regime("free"), Regime("bound", fix={"deny": "yes"})],
    }
    return Game(**(parts | changes))


def race_by_hand(pace: float = 0.3, start: int = 2) -> MarkovForm:
    def transition(gap: int, did: tuple[str, ...]) -> dict[int, float]:
        down = 0.0 if did[1] == "wait" else 0.4
        found: dict[int, float] = {}
        for by, p in ((1, pace), (-1, down), (0, 1 - pace - down)):
            target = min(max(gap + by, 0), 3)
            found[target] = found.get(target, 0.0) + p
        return found

    return MarkovForm.build(
        ["leader", "follower"],
        range(4),
        lambda gap: [["no", "yes"], ["wait", "run", "leap"] if gap else ["wait", "leap"]],
        lambda gap, did: [
            gap - 0.2 * (did[0] == "yes"),
            -gap - 0.1 * (did[1] == "run") - 0.3 * (did[1] == "leap") * (did[0] == "yes"),
        ],
        transition,
        [0.9, 0.8],
        initial=start,
        in_turn=True,
        label=lambda gap: f"gap {gap}",
    )


def same(one: MarkovForm, other: MarkovForm) -> None:
    assert one.states == other.states
    assert one.actions == other.actions
    for mine, theirs in zip(one.payoffs, other.payoffs, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-14)
    for mine, theirs in zip(one.transitions, other.transitions, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-14)
    np.testing.assert_array_equal(one.discounts, other.discounts)
    np.testing.assert_array_equal(one.initial, other.initial)
    assert one.horizon == other.horizon


def test_the_form_is_the_one_built_by_hand():
    same(build(race()), race_by_hand())
    changed = build(race(), parameters={"pace": 0.1, "start": 0})
    same(changed, race_by_hand(0.1, 0))


def test_a_toymaker_advertises_and_does_research_as_howard_found():
    """Howard (1960), Dynamic Programming and Markov Processes, the toymaker at discount 0.9."""
    solution = solve(toml.loads(TOYMAKER))
    (equilibrium,) = solution.equilibria

    assert equilibrium.strategies["maker"] == {
        "toy liked": {"save": 0.0, "spend": 1.0},
        "toy disliked": {"save": 0.0, "spend": 1.0},
    }
    value = (4 * 0.73 - 5 * 0.18) / 0.091  # of the two linear equations of that policy: 22.2
    assert equilibrium.payoffs["maker"] == pytest.approx(value)
    assert equilibrium.certificate.refinement == "Markov perfect"
    # All of the payoff is the outcome, so the outcome is the average of what is got.
    assert equilibrium.outcomes["earned"] == pytest.approx((1 - 0.9) * value)


@pytest.mark.parametrize("discount", ["0.5", "0.9"])
def test_the_discounted_big_match_is_worth_a_half(discount):
    """Blackwell and Ferguson (1968): 1/2 at every discount, and the row player stops the game
    with probability l / (1 + l), where l is one less the discount."""
    other = "match == 'on'"
    game = Game(
        name="big_match",
        players=["row", "column"],
        discount=discount,
        states=[
            State(
                "match",
                ["on", "won", "lost"],
                "on",
                {
                    "on": "where(match == 'on' and stop == 'no', 1, 0)",
                    "won": "where(match == 'won' or (stop == 'yes' and call == 'left'), 1, 0)",
                    "lost": "where(match == 'lost' or (stop == 'yes' and call == 'right'), 1, 0)",
                },
            )
        ],
        stages=[
            Stage(
                "at_once",
                Decision("row", "stop", {"no": {}, "yes": {"when": other}}),
                Decision("column", "call", {"left": {}, "right": {"when": other}}),
            )
        ],
        derived={
            "hit": "where(match == 'on', where((stop == 'yes') == (call == 'left'), 1, 0), "
            "where(match == 'won', 1, 0))"
        },
        payoffs={"row": "hit", "column": "-hit"},
    )
    (equilibrium,) = solve(game).equilibria

    assert equilibrium.outcomes["hit"] == pytest.approx(0.5, abs=1e-7)
    rate = 1 - float(discount)
    stopping = equilibrium.strategies["row"]["match on"]["yes"]
    assert stopping == pytest.approx(rate / (1 + rate), abs=1e-6)


def test_chance_before_a_decision_is_seen_as_a_state_would_be():
    """Weather drawn anew at the start of each period, or handed on by the period before."""
    harvest = "where(weather == 'dry', 1, 3) * (work == 'yes') - 2 * (work == 'yes')"
    common: dict[str, Any] = {
        "players": ["farmer"],
        "discount": 0.9,
        "payoffs": {"farmer": f"{harvest} + 0.1 * stock"},
    }
    work = Stage("work", Decision("farmer", "work", ["no", "yes"]))
    stock = State("stock", range(3), 0, "min(stock + (work == 'yes'), 2)")
    odds = {"dry": "0.25", "wet": "0.75"}
    drawn = Game(
        name="drawn", states=[stock], stages=[Stage("sky", Chance("weather", odds)), work], **common
    )
    handed = Game(
        name="handed",
        states=[stock, State("weather", ["dry", "wet"], "wet", odds)],
        stages=[work],
        **common,
    )
    first = build(drawn)
    assert first.num_states == 6
    assert first.initial.tolist() == [0.25, 0.75, 0, 0, 0, 0]
    (one,), (other,) = solve(drawn).equilibria, solve(handed).equilibria
    form = build(handed)
    values = form.values(other.profile)[0]
    expected = (
        0.25 * values[form.state("stock 0, weather dry")]
        + 0.75 * values[form.state("stock 0, weather wet")]
    )
    assert one.payoffs["farmer"] == pytest.approx(expected)


def test_chance_between_two_decisions_leads_to_states_of_its_own():
    game = Game(
        name="between",
        players=["a", "b"],
        discount="1/2",
        horizon=1,
        states=[State("s", [0, 1], 0, "s")],
        stages=[
            Stage("one", Decision("a", "bet", ["low", "high"])),
            Stage("two", Chance("coin", {"heads": "1/4", "tails": "3/4"})),
            Stage("three", Decision("b", "guess", ["heads_", "tails_"])),
        ],
        payoffs={
            "a": "(1 + (bet == 'high')) * where((coin == 'heads') == (guess == 'heads_'), -1, 1)",
            "b": "where((coin == 'heads') == (guess == 'heads_'), 1, -1)",
        },
    )
    form = build(game)
    assert form.states[2] == "s 0 | low, heads"
    assert form.horizon == 2  # two stages of the form: a's and b's
    (equilibrium, *_) = solve(game).equilibria
    assert dict(equilibrium.payoffs) == {"a": -1, "b": 1}


def test_the_order_of_moves_within_a_stage_has_no_meaning():
    def made(*moves: Decision) -> MarkovForm:
        return build(
            Game(
                name="order",
                players=["a", "b", "c"],
                discount="0.5",
                states=[State("s", range(3), 1, "min(max(s + (x == 'r') - (y == 'm'), 0), 2)")],
                stages=[
                    Stage("at_once", *moves),
                    Stage("later", Decision("c", "z", ["u", "v"])),
                ],
                payoffs={
                    "a": "s * (x == 'r') - (y == 'n')",
                    "b": "(y == 'm') - s * (z == 'v')",
                    "c": "(z == 'u') * (y == 'o') - (z == 'v') * (x == 'l')",
                },
            )
        )

    x, y = Decision("a", "x", ["l", "r"]), Decision("b", "y", ["m", "n", "o"])
    one, other = made(x, y), made(y, x)
    assert one.num_actions[:3] == other.num_actions[:3] == ((2, 3, 1),) * 3
    for s in range(3):
        for i, k in np.ndindex(2, 3):
            labels = ("lr"[i], "mno"[k])
            seen = [
                form.states[int(np.argmax(form.transitions[s][i, k, 0]))] for form in (one, other)
            ]
            assert seen == [f"s {s} | {', '.join(labels)}", f"s {s} | {', '.join(labels[::-1])}"]
            after = [
                form.payoffs[form.state(name)].tolist()
                for form, name in zip((one, other), seen, strict=True)
            ]
            assert after[0] == after[1]


def test_a_horizon_counts_periods_and_outcomes_are_averages_over_them():
    game = race(horizon=3, discount=1, derived={"distance": "gap"})
    form = build(game)
    assert form.horizon == 6
    (equilibrium, *_) = solve(game).equilibria
    course = form.distribution(equilibrium.profile, 4)
    gaps = [
        sum(float(p) * int(label.split()[1]) for p, label in zip(row, form.states, strict=True))
        for row in course[::2]
    ]
    assert equilibrium.outcomes["distance"] == pytest.approx(sum(gaps) / 3)


def test_a_regime_that_fixes_a_decision_commits_in_every_state():
    game = race()
    free, bound = compare(game).regimes
    form = build(game)
    (promised, *_) = solve(form.commit("leader", "yes")).equilibria

    assert bound.payoffs["leader"][0] == pytest.approx(promised.payoffs["leader"])
    assert free.payoffs["leader"][0] >= bound.payoffs["leader"][0]
    assert compare(game).choice is None


def test_where_a_fixed_action_is_not_offered_the_decision_stays_free():
    game = race()
    form = build(game, regime=Regime("runs", fix={"run": "run"}))

    assert form.actions[form.state("gap 0 | no")][1] == ("wait", "leap")
    assert form.actions[form.state("gap 2 | no")][1] == ("run",)


def test_draws_are_solved_one_by_one():
    found = solve_draws(race(), {"pace": [0.1, 0.3]})
    assert found.certified.all()

    for k, pace in enumerate((0.1, 0.3)):
        (equilibrium, *_) = solve(race(), regime="free", pace=pace).equilibria
        low, high = found.column("leader")
        assert low[k, 0] <= equilibrium.payoffs["leader"] + 1e-9 <= high[k, 0] + 2e-9


# ---------------------------------------------------------------------------------------------
# TOML

TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=8)


@st.composite
def small_games(draw: st.DrawFn) -> tuple[Game, Any]:
    """Return a game, and the form that numpy makes of its numbers."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))
    offset = draw(st.integers(-2, 2))
    weights = [draw(st.integers(-3, 3)) for _ in range(6)]
    odds = Fraction(draw(st.integers(0, 4)), 4)
    states = [
        State(
            f"s{k}",
            draw(st.sampled_from([range(offset, offset + n), [Fraction(j, 3) for j in range(n)]]))
            if k
            else range(n),
            0 if not k else "first" if offset else 0,
            {"0": "1"}
            if not k and n == 1
            else f"where(roll == 'on' and a == 'go', {n - 1}, s{k})"
            if not k
            else f"s{k}",
            draw(TEXTS),
            draw(TEXTS),
            draw(TEXTS),
        )
        for k, n in enumerate(sizes)
    ]
    if len(states) > 1:
        own = states[1]
        states[1] = State(own.name, own.values, own.values[0], own.next, own.label)
    game = Game(
        name="g",
        players=["p", "q"],
        parameters=[Parameter("first", offset)],
        states=states,
        discount=draw(st.sampled_from(["1/2", "0.75", {"p": "0.5", "q": "3/4"}])),
        horizon=draw(st.sampled_from([None, 1, 4])),
        stages=[
            Stage(
                "both",
                Decision("q", "b", ["x", "y", "z"]),
                Decision("p", "a", ["stop", "go"]),
                Chance("roll", {"on": odds, "off": 1 - odds}),
            )
        ],
        derived={"level": "s0 + 1"},
        payoffs={
            "p": f"{weights[0]} * s0 + {weights[1]} * (a == 'go') + {weights[2]} * (b == 'y')",
            "q": f"{weights[3]} * s0 * (roll == 'on') + {weights[4]} * (b == 'z') * (a == 'go')",
        },
    )
    return game, (sizes, weights, float(odds))


@settings(max_examples=40)
@given(made=small_games())
def test_any_such_game_survives_toml_and_is_the_game_of_its_numbers(made):
    game, (sizes, w, odds) = made
    text = toml.dumps(game)
    read = toml.loads(text)

    assert read == game
    assert toml.dumps(read) == text
    form = build(read)
    cells = list(product(*(range(n) for n in sizes)))
    assert form.num_states == len(cells)
    for s, cell in enumerate(cells):
        for a, b in product(range(2), range(3)):
            p = w[0] * cell[0] + w[1] * a + w[2] * (b == 1)
            q = w[3] * cell[0] * odds + w[4] * (b == 2) * a
            assert form.payoffs[s][:, a, b] == pytest.approx([p, q])
            expected = np.zeros(len(cells))
            expected[cells.index((sizes[0] - 1, *cell[1:]))] += odds if a else 0
            expected[s] += 1 - odds if a else 1
            np.testing.assert_allclose(form.transitions[s][a, b], expected, atol=1e-15)


def test_whole_numbers_from_low_to_high_are_the_values_listed():
    listed = TOYMAKER.replace('values = ["liked", "disliked"]', "values = [0, 1]")
    listed = listed.replace('initial = "liked"', "initial = 0").replace("[states.toy.next]\n", "")
    listed = listed.replace("'liked'", "'0'").replace("'disliked'", "'1'")
    listed = listed.replace('disliked = "1 - luck"\n', "").replace('liked = "luck"', 'next = "toy"')
    short = listed.replace("values = [0, 1]", "low = 0\nhigh = 1")

    assert toml.loads(short) == toml.loads(listed)


# ---------------------------------------------------------------------------------------------
# What is refused


def problems(**changes: Any) -> str:
    with pytest.raises(SpecError) as caught:
        race(**changes)
    return str(caught.value)


def gap(**changes: Any) -> dict[str, Any]:
    own = {"values": range(4), "initial": "start", "next": "min(max(gap + shift.by, 0), 3)"}
    return {"states": [State("gap", **(own | changes))]}


def swapped(stage: Stage) -> dict[str, Any]:
    first, _, nature = race().stages
    return {"stages": [first, stage, nature]}


RUN = ["wait", "run", "leap"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"discount": None}, ("discount: it is missing", "discount = 0.9")),
        ({"discount": 1}, ("discount: it is 1", "less than 1")),
        ({"discount": "-0.1"}, ("discount: it is -0.1",)),
        ({"discount": "pace * 3"}, ("discount: it is", "narrow the declared ranges")),
        ({"discount": "0.1 * gap"}, ("depends on 'gap'", "Use parameters only")),
        ({"discount": {"leader": 0.9}}, ("'follower' has none",)),
        ({"discount": {"leader": 0.9, "folower": 1}}, ("did you mean", "follower")),
        ({"horizon": 0}, ("horizon: 0 is no number of periods",)),
        ({"horizon": True}, ("horizon: True is no number of periods",)),
        ({"states": ()}, ("a game without state variables is played once",)),
        (gap(next="gap + shift.by"), ("states.gap.next: it is", "no value of gap", "min(max(")),
        (gap(next="gap + step"), ("states.gap.next", "step")),
        (gap(next={"0": "0.5", "1": "0.4"}), ("probabilities sum to 0.9",)),
        (gap(next={"7": 1}), ("'7' is not a value",)),
        (gap(initial=5), ("states.gap.initial: it is 5", "no value of gap")),
        (gap(initial="(run == 'wait') + 1"), ("states.gap.initial: it depends on 'run'",)),
        (gap(values=()), ("has no values",)),
        (gap(values=(0, 1, "1")), ("the value '1'", "twice")),
        (gap(values=(0, "1/2", "2/4")), ("two values are the same number",)),
        ({"states": ["gap"]}, ("'gap' is not a State",)),
        (
            swapped(Stage("second", Decision("follower", "run", RUN, observes=()))),
            ("stages.second.run.observes", "Drop the key"),
        ),
        (
            swapped(
                Stage(
                    "second",
                    Decision("follower", "run", RUN),
                    Decision("follower", "size", Interval(0, 1)),
                )
            ),
            ("takes finite decisions", "'follower' has two decisions in one stage"),
        ),
        (
            swapped(
                Stage(
                    "second",
                    Decision("follower", "run", {a: {"when": "gap > 0"} for a in RUN}),
                )
            ),
            ("no action is available at gap=0",),
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_fix(changes, told):
    message = problems(**changes)
    for text in told:
        assert text.lower() in message.lower(), message


def test_mistakes_in_a_file_have_their_lines():
    text = TOYMAKER.replace('initial = "liked"', 'initial = "loved"').replace(
        'discount = "delta"', 'discount = "2 * delta"\nhorizon = "long"'
    )
    with pytest.raises(SpecError) as caught:
        toml.loads(text)
    lines = {problem.place.partition(": ")[2]: problem.line for problem in caught.value.problems}

    assert lines["states.toy.initial"] == text[: text.index("initial")].count("\n") + 1
    assert lines["horizon"] == text[: text.index("horizon")].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('values = ["liked", "disliked"]', "", "the values are missing"),
        ('values = ["liked", "disliked"]', "low = 2\nhigh = 1", "is no range"),
        ('values = ["liked", "disliked"]', "low = 0\nhigh = 10000000", "MAX_ACTIONS"),
        ('values = ["liked", "disliked"]', "values = [0]\nlow = 0", "not both"),
        ('values = ["liked", "disliked"]', "values = 2", "expected a list"),
        ('values = ["liked", "disliked"]', "values = [true]", "expected a number or a text"),
        ('initial = "liked"', "", "the key 'initial' is missing"),
        ('initial = "liked"', 'initial = "liked"\nfirst = 1', "unknown key 'first'"),
        ('discount = "delta"', "discount = [1]", "expected a formula"),
    ],
)
def test_what_a_table_of_a_state_variable_cannot_say(old, new, told):
    with pytest.raises(SpecError, match=told):
        toml.loads(TOYMAKER.replace(old, new, 1))


def test_a_value_at_which_the_game_is_wrong_is_refused_when_it_is_built():
    with pytest.raises(SpecError, match="probabilities are not at least 0 with sum 1"):
        build(race(), parameters={"pace": 0.8})
    with pytest.raises(SpecError, match=r"states\.gap\.initial: it is 9"):
        build(race(), parameters={"start": 9})


def test_a_period_too_large_is_refused_before_it_is_built():
    wide = [State(f"s{k}", range(100), 0, f"s{k}") for k in range(4)]
    game = race(states=[*race().states, *wide])
    with pytest.raises(LimitExceeded, match="MAX_CELLS"):
        build(game)


def test_what_takes_games_played_once_says_what_to_use_instead():
    with pytest.raises(NotApplicable, match="goes on over periods"):
        region(race(), "free", "bound")
    with pytest.raises(NotApplicable, match=r"state variables.*solve_draws"):
        solve_many(race(), {"pace": [0.1, 0.3]})
