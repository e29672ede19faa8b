"""Best actions that are approached and not attained, against games known by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from highfence import Decision, Interval
from highfence.report.text import solution_text
from highfence.solution import Status
from highfence.solve import solve
from small_games import make

UNIT = Interval(0, 1)
A, B = Decision("A", "a", UNIT), Decision("B", "x", UNIT)
SAYS = Decision("B", "b", actions=["no", "yes"])


def one(formula, t=0.3):
    """Return a game of one player."""
    return make("A", [[A]], {"A": formula}, t=t)


def led(leader, follower, reply=SAYS, t=0.37):
    """Return a game of A, who leads, and B, who replies."""
    return make("A B", [[A], [reply]], {"A": leader, "B": follower}, t=t)


OPEN = {
    "up to the end": (one("where(a < 1, a, -1)"), "below", 1.0, 1.0, -1.0),
    "from below": (one("where(a < t, a, a - 1)"), "below", 0.3, 0.3, -0.7),
    "from above": (one("where(a > t, 1 - a, -a)"), "above", 0.3, 0.7, -0.3),
    "down to zero": (one("where(a > 0, 1 - a, 0)"), "above", 0.0, 1.0, 0.0),
    "negated": (one("where(not (a >= t), a, a - 1)"), "below", 0.3, 0.3, -0.7),
    "a follower who says yes at once": (
        led("a - 2 * (b == 'yes')", "(b == 'yes') * where(a >= t, 1, -1)"),
        "below", 0.37, 0.37, -1.63,
    ),
    "a follower who must get more": (
        led("(b == 'yes') * (1 - a)", "(b == 'yes') * where(a > t, 1, -1)"),
        "above", 0.37, 0.63, 0.0,
    ),
    "a follower who goes far": (
        led("a - 2 * x", "-(x - where(a >= t, 1, 0))**2", B), "below", 0.37, 0.37, -1.63,
    ),
    "against another at once": (
        make("A B", [[A, B]], {"A": "where(a < t, a, -1)", "B": "-(x - a)**2"}, t=0.37),
        "below", 0.37, 0.37, -1.0,
    ),
}  # fmt: skip
"""Name -> (game, side, edge, limit of A's payoff, A's payoff at the edge)."""

CLOSED = {
    "from below": one("where(a <= t, a, a - 1)"),
    "from above": one("where(a >= t, 1 - a, -a)"),
    "negated": one("where(not (a > t), a, a - 1)"),
    "a point": one("where(a == 0.5, 2, a)"),
    "a stretch behind the edge": one("where(a > t, 1, 0)"),
    "a kink": one("min(a, 100 * (t - a))"),
    "an end": one("a"),
    "an indifferent follower may say yes": led("2 * (b == 'yes') - a", "(b == 'yes') * (a - t)"),
    "an indifferent follower may say no": led("a - 2 * (b == 'yes')", "(b == 'yes') * (a - t)"),
    "an indifferent follower may stay": led("a - 2 * x", "4*(x - 0.5)**2 + (x - 0.5)*(a - t)", B),
    "a follower who says yes up to there": led(
        "where(a <= t, a, a - 1)", "(b == 'yes') * where(a <= t, 1, -1)"
    ),
    "a follower who keeps up": led("where(a <= t, a, a - 1)", "-(x - a)**2", B),
}


@pytest.mark.parametrize("name", OPEN)
def test_a_supremum_that_is_not_attained_is_told_with_what_is_certified(name):
    game, side, edge, limit, there = OPEN[name]
    solution = solve(game, "staged")
    (found,) = solution.equilibria
    (short,) = found.profile.approached

    assert found.certificate.holds
    assert (short.player, short.decision, short.side) == ("A", "a", side)
    assert short.edge == pytest.approx(edge, abs=1e-9)
    assert short.supremum == pytest.approx(limit, abs=1e-8)
    assert short.at_edge == pytest.approx(there, abs=1e-8)
    assert found.strategies["A"]["a"] == pytest.approx(edge, abs=1e-8)
    assert 0 <= short.given_up < 1e-8
    assert short.words in found.notes
    assert solution.status is Status.SOLVED
    assert "all that are listed are epsilon-equilibria" in solution.reason


@pytest.mark.parametrize("name", CLOSED)
def test_a_best_action_that_is_attained_is_not_called_a_supremum(name):
    solution = solve(CLOSED[name], "staged")

    assert solution.equilibria
    assert not any(found.profile.approached for found in solution.equilibria)
    assert "epsilon" not in solution.reason


@given(t=st.one_of(st.floats(0.02, 0.98), st.integers(1, 39).map(lambda k: k / 40)))
@settings(max_examples=12)
def test_whether_an_edge_is_attained_does_not_depend_on_where_it_is(t):
    assume(0.02 <= t <= 0.98)
    # The other end of the interval is never the better one.
    (below,) = solve(one("where(a < t, a, a - 1)"), "staged", t=t).equilibria
    (upto,) = solve(one("where(a <= t, a, a - 1)"), "staged", t=t).equilibria

    assert [short.side for short in below.profile.approached] == ["below"]
    assert below.profile.approached[0].edge == pytest.approx(t, abs=1e-12)
    assert not upto.profile.approached


def test_who_undercuts_has_no_best_price():
    """Costs .2 and .4, one buyer: whoever is cheaper sells, at any price between the costs."""
    sells = "where({0} < {1}, 1, where({0} > {1}, 0, 0.5)) * ({0} - {2})"
    game = make(
        "A B", [[A, B]], {"A": sells.format("a", "x", 0.2), "B": sells.format("x", "a", 0.4)}
    )
    solution = solve(game, "staged")

    assert solution.equilibria
    for found in solution.equilibria:
        (short,) = found.profile.approached
        assert (short.player, short.side) == ("A", "below")
        assert short.edge == pytest.approx(found.strategies["B"]["x"], abs=1e-9)
        assert short.at_edge == pytest.approx(short.supremum / 2, abs=1e-9)


def test_the_page_says_that_the_best_is_not_attained():
    page = solution_text(solve(OPEN["up to the end"][0], "staged"))

    assert "A has no best a: 1 is approached as a -> 1 from below" in " ".join(page.split())


def test_an_amount_of_one_is_printed_as_an_amount_and_not_as_the_action_that_is_certain():
    """Both sell 1: a number for a decision, not a probability of an action."""
    game = make("A B", [[A, B]], {"A": "a * (2.5 - a - x / 2)", "B": "x * (2.5 - x - a / 2)"})
    page = solution_text(solve(game))

    assert "A: a = 1\n" in page
    assert "B: x = 1\n" in page
