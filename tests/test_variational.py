"""Monotone and potential games, and constraints that all share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Interval, Parameter, Stage, load
from highfence.certify.shared import certify_shared
from highfence.concepts import variational_equilibrium
from highfence.errors import MethodFailed, NotApplicable, RequestError, SpecError
from highfence.forms.build import build
from highfence.methods._critical import Conditions
from highfence.methods.variational import (
    monotonicity,
    potential_function,
    shared_equilibrium,
    symmetry,
)
from highfence.solution import Status
from highfence.solve import solve


def make(payoffs: dict[str, str], low: Any = 0, high: Any = 10, **values: float) -> Game:
    """Return a game in which player k decides on its own letter."""
    return Game(
        name="at_once",
        players=list(payoffs),
        parameters=[Parameter(name, value) for name, value in values.items()],
        stages=[Stage("now", *(Decision(p, p.lower(), Interval(low, high)) for p in payoffs))],
        payoffs=payoffs,
    )


def conditions(game: Game, **values: Any) -> Conditions:
    return Conditions(build(game, parameters=values))


def actions(game: Game, method: str, **values: Any) -> tuple[float, ...]:
    solution = solve(game, method, **values)
    assert solution.status is Status.SOLVED, solution.reason
    (equilibrium,) = solution.equilibria
    assert equilibrium.certificate.kind == "interval"
    return tuple(value for own in equilibrium.strategies.values() for value in own.values())


MARKET = make({"X": "x * (a - x - y) - c * x", "Y": "y * (a - x - y)"}, a=10, c=1)
CUBIC = make({"X": "-x**4 - x*y + 5*x", "Y": "x*y - y**2 + y"}, 0, 3)
"""Monotone, without a potential: what one loses by the other's action, the other gains."""
LOGS = make({"X": "2*log(1 + x) - x*y/100 - x/4", "Y": "3*log(1 + y) - x*y/100 - y/4"})


@pytest.mark.parametrize("method", ["potential", "variational"])
@pytest.mark.parametrize("c", [0, 1, 5, 7])
def test_outputs_of_two_firms(method, c):
    expected = ((10 - 2 * c) / 3, (10 + c) / 3) if c <= 5 else (0, 5)
    assert actions(MARKET, method, c=c) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["potential", "variational", "first_order"])
def test_three_ways_to_one_equilibrium(method):
    (searched,) = solve(LOGS, "staged").equilibria
    expected = [value for own in searched.strategies.values() for value in own.values()]
    assert actions(LOGS, method) == pytest.approx(expected, abs=1e-6)


def test_a_monotone_game_without_a_potential():
    assert not symmetry(conditions(CUBIC))
    x, y = actions(CUBIC, "variational")
    assert 5 - 4 * x**3 - y == pytest.approx(0, abs=1e-12)
    assert x - 2 * y + 1 == pytest.approx(0, abs=1e-12)
    with pytest.raises(NotApplicable, match="potential cannot solve"):
        solve(CUBIC, "potential")


def test_a_game_that_is_not_monotone_is_refused():
    matching = make({"X": "x * y - x**2 / 4", "Y": "x * y - y**2 / 4"})
    assert not monotonicity(conditions(matching)).holds
    with pytest.raises(NotApplicable, match="variational cannot solve"):
        solve(matching, "variational")


QUADRATIC = make({"X": "-a*x**2/2 - b*x*y", "Y": "-c*x*y - d*y**2/2"}, a=1, b=0, c=0, d=1)


@given(st.lists(st.integers(-6, 6), min_size=4, max_size=4))
def test_a_quadratic_game_is_monotone_where_its_matrix_is(entries):
    a, b, c, d = entries
    found = monotonicity(conditions(QUADRATIC, a=a, b=b, c=c, d=d))
    least = np.linalg.eigvalsh(np.array([[a, (b + c) / 2], [(b + c) / 2, d]]))[0]
    assert found.holds == (least > -1e-9)
    assert found.strict == (least > 1e-9)


def test_rosen_s_game_has_one_equilibrium_at_equal_weights():
    """The example of Rosen 1965: unshared it is (0, 0); with x + y >= 1 it is (1, 0), price 1."""
    game = make({"X": "-x**2/2 + x*y", "Y": "-y**2 - x*y"})
    notes = solve(game, "variational").notes
    assert any("proved strictly monotone" in note for note in notes)
    assert actions(game, "variational") == pytest.approx((0, 0), abs=1e-12)
    found = variational_equilibrium(game, ["x + y >= 1"])
    assert tuple(found.actions.values()) == pytest.approx((1, 0), abs=1e-9)
    assert list(found.shared.values()) == pytest.approx([1], abs=1e-8)


def test_a_potential_is_written_out_and_its_slopes_are_everybody_s():
    here = conditions(MARKET)
    function = potential_function(here)
    import sympy

    from highfence.forms.symbolic import symbol, to_sympy

    for k, name in enumerate(here.names):
        own = to_sympy(here.payoffs[here.moves[k].player])
        apart = sympy.diff(function, symbol(name)) - sympy.diff(own, symbol(name))
        assert sympy.expand(apart) == 0


def test_infinitely_many_equilibria_are_said_to_be_a_set():
    game = make({"X": "-(x + y - 1)**2", "Y": "-(x + y - 1)**2"}, 0, 1)
    for method in ("potential", "variational"):
        solution = solve(game, method)
        assert any("convex set" in note for note in solution.notes)
        assert sum(actions(game, method)) == pytest.approx(1)


def test_a_quartic_potential_is_no_program_of_ours():
    game = make({"X": "-x**4 - x*y + x", "Y": "-y**4 - x*y/1 - 3*y**2 + y"}, 0.4, 1)
    assert symmetry(conditions(game))
    with pytest.raises(MethodFailed, match="no quadratic"):
        solve(game, "potential")


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e5])
def test_units_of_actions_change_nothing(unit):
    game = make({"X": "x/u * (10 - x/u - y/u)", "Y": "y/u * (10 - x/u - y/u)"}, 0, "10 * u", u=unit)
    for method in ("potential", "variational"):
        assert actions(game, method) == pytest.approx((unit * 10 / 3, unit * 10 / 3), rel=1e-12)


# ------------------------------------------------------------------ shared constraints


@pytest.mark.parametrize(("c", "cap"), [(0, 4), (1, 4), (1, 3), (0, 100)])
def test_a_shared_cap_costs_both_the_same(c, cap):
    """x + y = cap with a - c - 2x - y = a - 2y - x, so x = (cap - c) / 2."""
    found = variational_equilibrium(MARKET, [f"x + y <= {cap}"], c=c)
    price = 10 - c / 2 - 1.5 * cap
    expected = ((cap - c) / 2, (cap + c) / 2) if price > 0 else ((10 - 2 * c) / 3, (10 + c) / 3)
    assert tuple(found.actions.values()) == pytest.approx(expected, abs=1e-9)
    assert list(found.shared.values()) == pytest.approx([max(price, 0)], abs=1e-8)
    assert found.unique
    assert found.certificate.holds
    assert found.certificate.kind == "interval"


@pytest.mark.parametrize("unit", [1e-6, 1e6, 1e12])
def test_units_of_shared_constraints_change_nothing(unit):
    """In large units the last digits of what binds were lost beside the slopes of the payoffs."""
    game = make({"X": "x * (10*u - x - y)", "Y": "y * (10*u - x - y)"}, 0, "10 * u", u=unit)
    found = variational_equilibrium(game, [f"x + y <= {4 * unit!r}"])
    assert tuple(found.actions.values()) == pytest.approx((2 * unit, 2 * unit), rel=1e-12)
    assert list(found.shared.values()) == pytest.approx([4 * unit], rel=1e-12)


def four_who_share_a_constraint() -> Game:
    """At the equilibrium one is at the low end, and two at the high end, one at little cost."""
    ends = {"A": (-2.08, 3.78), "B": (-2.4, -0.21), "C": (-1.09, 0.54), "D": (-1.36, -0.21)}
    return Game(
        name="four",
        players=list(ends),
        stages=[Stage("now", *(Decision(p, p.lower(), Interval(*ends[p])) for p in ends))],
        payoffs={
            "A": "-10.484*a - 2.428*a**2 - 3.219*a*b + 0.295*a*c - 0.43*a*d",
            "B": "2.333*b - 1.466*b**2 - 0.367*b*a - 1.919*b*c - 0.534*b*d",
            "C": "0.088*c - 0.6555*c**2 - 1.688*c*a - 0.848*c*b + 1.72*c*d",
            "D": "-5.178*d - 1.8825*d**2 + 2.222*d*a - 0.755*d*b - 3.741*d*c",
        },
    )


def test_what_binds_at_little_cost_is_found_too():
    """The backend left an action short of its end by a millionth, and the answer was refused."""
    found = variational_equilibrium(four_who_share_a_constraint(), ["-2*a + 2*c <= -2.51"])

    assert tuple(found.actions.values()) == pytest.approx((0.165, -0.21, -1.09, -0.21), abs=1e-9)
    assert found.certificate.holds


def test_a_constraint_that_is_given_twice_has_one_price():
    once, twice = (variational_equilibrium(MARKET, ["x + y <= 4"] * times) for times in (1, 2))
    assert dict(twice.shared) == pytest.approx(dict(once.shared))


def test_constraints_may_use_parameters_and_several_may_bind():
    found = variational_equilibrium(MARKET, ["x + 2*y <= a / 2", "x <= c"])
    assert tuple(found.actions.values()) == pytest.approx((1, 2), abs=1e-9)
    assert min(found.shared.values()) > 0


def test_other_generalized_equilibria_are_not_called_variational():
    """At x = 3, y = 1 with x + y <= 4 nobody gains either, but the cap is worth more to y."""
    shared = shared_equilibrium(MARKET, ["x + y <= 4"], None, None, {"c": 0})
    certificate = certify_shared(
        shared.profile.form, np.array([3.0, 1.0]), shared.matrix, shared.limits, shared.multipliers
    )
    assert not certificate.holds
    assert any("do not balance" in said for said in certificate.checks)


def test_broken_constraints_and_gains_are_turned_down():
    shared = shared_equilibrium(MARKET, ["x + y <= 4"], None, None, {"c": 0})
    form = shared.profile.form
    for values in ([3.0, 3.0], [1.0, 1.0]):
        found = certify_shared(
            form, np.array(values), shared.matrix, shared.limits, shared.multipliers
        )
        assert not found.holds


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (["x * y <= 1"], RequestError, "not linear"),
        (["x + y"], RequestError, "no single inequality"),
        (["x == y"], RequestError, "no single inequality"),
        (["a <= 1"], RequestError, "does not depend on any decision"),
        (["x <= z"], SpecError, "unknown name 'z'"),
        ("x <= 1", RequestError, "a list of inequalities"),
        (["x + y <= -1"], MethodFailed, "no actions meet"),
    ],
)
def test_wrong_constraints_are_refused_with_the_reason(wrong, error, text):
    with pytest.raises(error, match=text):
        variational_equilibrium(MARKET, wrong)


def test_games_in_stages_are_refused():
    with pytest.raises(NotApplicable, match="all decide at once"):
        variational_equilibrium(load("stackelberg_1934"), ["q_1 + q_2 <= 1"])
