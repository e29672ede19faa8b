"""How long Sobol indices of the main game take, of one regime and of two against one another.

    python -m pytest -m benchmark tests/benchmarks/test_sensitivity_speed.py -s

CPU time of one process is judged, which a busy machine does not change; two processes take half
of it by the clock.
"""

from __future__ import annotations

import time

import pytest

from highfence.study import sensitivity

pytestmark = pytest.mark.benchmark

FLAGSHIP = "small_yard_high_fence"
NAMES = (
    "gF", "gM", "mR", "omega", "lam", "beta", "gamH", "gamL", "align", "lazy", "chiF", "chiM",
    "rhoT", "tauT", "Phi", "leak", "kapL", "Om", "crisis", "h",
)  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "regimes"),
    [
        (["K_H"], ["broad"]),
        (["margin(small_yard)", "wins(small_yard)"], ["small_yard", "broad"]),
    ],
)
def test_sobol_indices_of_twenty_parameters_take_less_than_three_minutes(outcomes, regimes, capsys):
    start, cpu = time.perf_counter(), time.process_time()
    found = sensitivity(FLAGSHIP, outcomes, regimes, method="sobol", draws=1024, names=NAMES)
    spent = time.process_time() - cpu

    with capsys.disabled():
        print(
            f"\n{found.points:,} points under {len(regimes)} regimes: {spent:.0f} s of CPU, "
            f"{time.perf_counter() - start:.0f} s by the clock"
        )
        for one in found.targets:
            print(f"{one.target}: {one.undefined.count} undefined, {one.used:,} points used")
    assert found.points == 1024 * (2 * len(NAMES) + 2)
    assert found.estimated
    assert spent < 180
