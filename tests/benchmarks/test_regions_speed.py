"""How long exact regions take: six parameters, twelve ways to play.

python -m pytest -m benchmark tests/benchmarks/test_regions_speed.py -s
"""

from __future__ import annotations

import statistics
import time

import pytest

from highfence import Decision, Game, Parameter, Stage
from highfence.study.regions import regions

pytestmark = pytest.mark.benchmark

GOAL = 1.0
RUNS = 5


def control_game(bilinear: bool) -> Game:
    """A control, an answer to it and an ally who joins or not, all at once: 2 x 3 x 2."""
    reach = "lost * reach" if bilinear else "lost"
    return Game(
        name="control",
        players=["restricting", "restricted", "ally"],
        parameters=[
            Parameter("security", 1, low=0, high=4, about="gain from a control that works"),
            Parameter("lost", 1, low=0, high=3, about="sales lost by whoever controls"),
            Parameter("catch_up", 1, low=0, high=2, about="gain from own production"),
            Parameter("effort", "1/2", low=0, high=2, about="cost of own production"),
            Parameter("strike", "1/2", low=0, high=2, about="harm done by retaliation"),
            Parameter("reach", "1/2", low=0, high=1, about="share of the ally's sales covered"),
        ],
        stages=[
            Stage(
                "all",
                Decision("restricting", "control", ["open", "deny"]),
                Decision("restricted", "answer", ["accept", "substitute", "retaliate"]),
                Decision("ally", "ally", ["join", "stay_out"]),
            )
        ],
        derived={
            "denied": "where(control == 'deny', 1, 0)",
            "joined": "where(ally == 'join', 1, 0)",
            "own": "where(answer == 'substitute', 1, 0)",
            "hits": "where(answer == 'retaliate', 1, 0)",
        },
        payoffs={
            "restricting": f"denied * (security * (1 + joined) / 2 - {reach} - catch_up * own)"
            " - strike * hits",
            "restricted": "own * (catch_up * (1 + denied) - effort) - denied * security"
            " + hits * (strike * denied * (1 - joined) - effort / 2)",
            "ally": f"joined * (security * denied - {reach} - strike * hits) + own * catch_up / 2",
        },
    )


@pytest.mark.parametrize("bilinear", [False, True], ids=["linear", "bilinear"])
def test_exact_regions_of_twelve_profiles_over_six_parameters(bilinear, capsys):
    """The table of all of them, overlaps and where there is none; the libraries are loaded."""
    regions(control_game(bilinear))
    seconds = []
    for _ in range(RUNS):
        game = control_game(bilinear)
        began = time.perf_counter()
        found = regions(game)
        seconds.append(time.perf_counter() - began)

    assert found.status == "exact"
    assert found.profiles == 12
    assert all(not each.reason for each in found)  # nothing redundant is left
    with capsys.disabled():
        print(
            f"\nexact regions, six parameters, {'bilinear' if bilinear else 'linear'}: "
            f"{statistics.median(seconds):.3f} s, median of {RUNS}; the goal is {GOAL} s; "
            f"{len(found)} of {found.profiles} profiles somewhere, {len(found.overlaps)} overlaps, "
            f"{'none' if found.without else 'one'} at some parameters"
        )
    assert statistics.median(seconds) < GOAL
