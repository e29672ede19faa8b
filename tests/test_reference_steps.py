"""What a reference solution of the main game printed, and the steps that it was computed in.

The reference put subsidies and research on grids. With allies aligned, no controls and the small
yard are so close that the steps decide where one gives way to the other: here the independent
solver of ``flagship_oracle`` is made as coarse as the reference.

The steps of the margins along ``prisk`` are those that the reference states. For the thresholds
it states the subsidy's, 0.1; the steps of research are an inference, the best of 46 pairs tried.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import flagship_oracle as oracle

pytestmark = pytest.mark.slow

BRACKETS = {
    "Om": (1.7, 3.0), "h": (0.25, 0.29), "crisis": (0.33, 0.375), "lam": (0.325, 0.35),
    "chiF": (0.067, 0.083), "gF": (0.42, 0.44), "muM": (0.33, 0.375), "kapL": (3.0, 3.3),
    "align": (1.29, 1.33), "mR": (3.5, 3.7), "rhoT": (0.83, 0.875), "leak": (0.27, 0.29),
}  # fmt: skip
"""Parameter -> values at which the reference still had one regime best, and already the other."""
FOR_THE_YARD = {"Om", "h", "chiF", "gF"}
"""Parameters along which the yard takes over; along the others no controls do."""


@cache
def research_in_steps() -> Callable[..., Any]:
    """Return iterated best replies on grids from no research, as the reference took them."""
    import numba

    objective, inherited = (oracle.compiled()[name] for name in ("objective", "inherited"))

    @numba.njit
    def research(par, r, s, step_L, step_H):
        base, theta = inherited(par, r, s, 0.0, 0.0)
        x_L = x_H = 0.0
        for _ in range(60):
            before_L, before_H = x_L, x_H
            best = -1e300
            for i in range(round(oracle.X_L_MAX / step_L) + 1):
                value = objective(par, r, s, 0.0, 0.0, base, theta, True, i * step_L, before_H)
                if value > best + 1e-15:
                    best, x_L = value, i * step_L
            best = -1e300
            for i in range(round(oracle.X_H_MAX / step_H) + 1):
                value = objective(par, r, s, 0.0, 0.0, base, theta, False, i * step_H, x_L)
                if value > best + 1e-15:
                    best, x_H = value, i * step_H
            if x_L == before_L and x_H == before_H:
                break
        return x_L, x_H

    return research


def margin(steps: tuple[float, float, float], *, prisk: float = 0.01, **changes: float) -> float:
    """Return the restricting state's welfare under the yard less that under none."""
    step, step_L, step_H = steps
    par = oracle.DEFAULT._replace(**changes)
    everything = oracle.compiled()["everything"]
    welfare = []
    for name in ("none", "small_yard"):
        r = oracle.controls(prisk=prisk)[name]
        best = None
        for s in np.arange(0, oracle.S_MAX + 1e-9, step).tolist():
            x_L, x_H = research_in_steps()(par, r, s, step_L, step_H)
            found = everything(par, r, s, 0.0, 0.0, x_L, x_H)
            if best is None or found[oracle.W_C] > best[oracle.W_C] + 1e-12:
                best = found
        assert best is not None
        welfare.append(best[oracle.W_A])
    return welfare[1] - welfare[0]


def test_the_margins_along_prisk_come_out_to_the_last_digit():
    found = [margin((0.025, 0.001, 0.0015), prisk=prisk) for prisk in (0, 0.01, 0.02, 0.1)]

    assert [round(value, 4) for value in found] == [0.0115, 0.0050, -0.0014, -0.0367]


def test_at_coarse_steps_every_threshold_is_in_its_bracket():
    """On both ends of a bracket the regime is best that the reference says."""
    for parameter, (low, high) in BRACKETS.items():
        at = [margin((0.1, 0.0015, 0.0025), **{parameter: value}) for value in (low, high)]
        sign = 1 if parameter in FOR_THE_YARD else -1
        assert sign * at[0] < 0 < sign * at[1], parameter
