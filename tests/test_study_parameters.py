"""Values of parameters reach every study, whatever the parameters are called."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from highfence import Decision, Game, Mechanism, Parameter, Regime, Stage, solve_many, study
from highfence.errors import RequestError

ARGUMENTS = Game(
    name="arguments",
    players=["A"],
    parameters=[
        Parameter(name, 1, low=0, high=2)
        for name in ("x", "tolerance", "workers", "draws", "thorough", "progress", "weight")
    ],
    stages=[Stage("go", Decision("A", "go", ["left", "right"]))],
    payoffs={
        "A": "(go == 'left') * (x - tolerance + workers) + draws + thorough * progress * weight"
    },
    regimes=[Regime("left", fix={"go": "left"}), Regime("right", fix={"go": "right"})],
    mechanisms={"labor": Mechanism({"workers": 0})},
)
"""A game whose parameters are called like the arguments of the functions that solve draws."""

GIVEN = {"tolerance": 0.5, "workers": 2, "draws": 3, "thorough": 0, "progress": 2}
"""With these the payoff is x + 9/2 under left, and 3 under right."""


def study_module(name: str) -> ModuleType:
    """Return a module of the studies; by attribute one would get the function of that name."""
    return import_module(f"highfence.study.{name}")


def test_a_sweep_takes_parameters_that_are_called_like_its_arguments():
    found = study_module("sweep").sweep_regimes(ARGUMENTS, {"x": [0, 1, 2]}, parameters=GIVEN)

    low, high = found.column("A")
    assert low.tolist() == high.tolist() == [[4.5, 3], [5.5, 3], [6.5, 3]]


def test_every_study_over_draws_takes_such_parameters():
    drawn = {"x": np.linspace(0, 2, 40)}
    choice = study_module("robust").robust_regimes(
        ARGUMENTS, drawn, information=None, parameters=GIVEN
    )
    assert choice.expected.tolist() == pytest.approx([5.5, 3])
    solved = study_module("discover").solved_for(
        ARGUMENTS, "left.A > right.A", [None], draws=drawn, parameters=GIVEN
    )
    assert solved.column("A")[0][0].tolist() == [4.5, 3]
    (blamed,) = study_module("attribution").attribute_regimes(
        ARGUMENTS, ["left"], "right", parameters=GIVEN
    )
    assert (blamed.full, blamed.shapley.tolist()) == (pytest.approx(2.5), pytest.approx([2]))
    moved = study_module("sensitivity").sensitivity(
        ARGUMENTS, ["left.A"], method="tornado", names=["x"], parameters=GIVEN
    )
    assert moved.targets[0].base == pytest.approx(5.5)


def calls() -> dict[str, Callable[..., Any]]:
    """Return the studies, each as a function of the values of parameters."""
    drawn = {"x": np.linspace(0, 2, 40)}
    return {
        "sweep": lambda **given: study.sweep(ARGUMENTS, drawn, **given).column("A")[0],
        "compare": lambda **given: study.compare(ARGUMENTS, **given).best["A"].margin,
        "tipping": lambda **given: study.tipping(ARGUMENTS, "x", grid=3, **given).low,
        "robust": lambda **given: (
            study.robust(ARGUMENTS, drawn, information=None, **given).expected
        ),
        "discover": lambda **given: (
            study.discover(ARGUMENTS, "left.A > right.A", draws=drawn, **given).cases
        ),
        "attribute": lambda **given: study.attribute(ARGUMENTS, "left", None, **given).full,
        "sensitivity": lambda **given: (
            study.sensitivity(ARGUMENTS, "left.A", method="tornado", names=["x"], **given)
            .targets[0]
            .base
        ),
        "derivatives": lambda **given: (
            study.derivatives(ARGUMENTS, "left.A", names=["x"], **given).targets[0].value
        ),
        "regime_map": lambda **given: (
            study.regime_map(ARGUMENTS, "x", "thorough", cells=1, depth=0, **given).points[0].margin
        ),
    }


@pytest.mark.parametrize("name", calls())
def test_values_come_in_a_mapping_or_as_keywords(name):
    call = calls()[name]

    assert np.array_equal(call(weight=0.5), call(parameters={"weight": 0.5}), equal_nan=True)
    with pytest.raises(RequestError, match="weight is given twice"):
        call(weight=0.5, parameters={"weight": 0.5})
    with pytest.raises(RequestError, match=r"parameters = 3 is no mapping .* parameters=\{'learn"):
        call(parameters=3)


def test_draws_say_what_values_of_parameters_must_be():
    drawn = {"x": np.linspace(0, 2, 4)}
    for solved in (study.solve_draws, solve_many):
        with pytest.raises(RequestError, match="parameters = 3 is no mapping of names to values"):
            solved(ARGUMENTS, drawn, parameters=3)
