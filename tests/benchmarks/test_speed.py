"""How long answers take, and how many of a large batch are certified.

    python -m pytest -m benchmark tests/benchmarks/test_speed.py -s
    HIGHFENCE_DRAWS=10000 python -m pytest -m benchmark tests/benchmarks/test_speed.py -s -k draws

Wall time depends on what else the machine does; CPU time, of this process and of those that it
starts, does so much less.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from highfence import compare, load, solve
from highfence.forms.gambit_files import write_nfg
from highfence.forms.normal import NormalForm
from highfence.methods.extreme import extreme_enumeration
from highfence.study.draws import solve_draws
from reference_shares import (
    BEST,
    FLAGSHIP,
    NARROW,
    REFERENCE,
    REGIMES,
    YARD_OVER_BROAD,
    drawn,
    flags,
)

resource = pytest.importorskip("resource", reason="CPU time of children is read the POSIX way")

pytestmark = pytest.mark.benchmark


@dataclass
class Timed:
    """Seconds."""

    wall: float = 0.0
    cpu: float = 0.0
    """Of this process and of the processes that it started and that have ended."""

    def __str__(self) -> str:
        return f"{self.wall:.3f} s ({self.cpu:.3f} s of CPU)"


def cpu_seconds() -> float:
    """Return the CPU time used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def timed() -> Iterator[Timed]:
    """Measure what is done inside."""
    taken = Timed()
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield taken
    taken.wall, taken.cpu = time.perf_counter() - wall, cpu_seconds() - cpu


# ---------------------------------------------------------------------------------------------
# One comparison

GOAL = 0.2
RUNS = 5


@pytest.mark.parametrize("commitment", [False, True], ids=["regimes", "regimes and commitment"])
def test_one_comparison_of_all_regimes(commitment, capsys):
    """Every run is at another value of gF, so that nothing solved before is of use."""
    game = load(FLAGSHIP)
    compare(game, commitment=commitment)  # compiles
    runs: list[Timed] = []
    answered: list[bool] = []
    for k in range(RUNS):
        with timed() as taken:
            found = compare(game, commitment=commitment, gF=0.4501 + 0.0001 * k)
        runs.append(taken)
        answered += [bool(result.solution.equilibria) for result in found.regimes]

    median = Timed(
        statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs)
    )
    goal = "" if commitment else f"; the goal is {GOAL} s"
    with capsys.disabled():
        print(
            f"\ncompare {FLAGSHIP}, {len(found.regimes)} regimes"
            f"{' and the value of commitment' if commitment else ''}: {median}, median of {RUNS}"
            f"{goal}; {answered.count(False)} of {len(answered)} answers without an equilibrium"
        )
    assert np.mean(answered) > 0.9


# ---------------------------------------------------------------------------------------------
# Many draws

COUNT = int(os.environ.get("HIGHFENCE_DRAWS", "200"))
WORKERS = 2
THOROUGH = bool(os.environ.get("HIGHFENCE_THOROUGH"))
APART = 0.005
"""How far the reference is to be trusted; equilibria closer than this are one to its grids."""


def ranged(pair: np.ndarray) -> str:
    """Return a share, or its bounds where it depends on which equilibrium is played."""
    sure, possible = pair
    return f"{sure:.3f}" if sure == possible else f"{sure:.3f}-{possible:.3f}"


def test_many_draws_are_solved_and_certified_or_flagged(capsys):
    told: list[tuple[int, float]] = []
    started = time.perf_counter()
    with timed() as taken:
        found = solve_draws(
            load(FLAGSHIP),
            drawn(COUNT, NARROW),  # the ranges of the reference, as far as we can tell
            REGIMES,
            workers=WORKERS,
            thorough=THOROUGH,
            progress=lambda done, _: told.append((done, time.perf_counter() - started)),
            allies="endogenous",
        )

    cells = found.count.size
    certified, missing = found.certified, (found.count == 0) & (found.rejected == 0)
    rejected, several = found.rejected > 0, found.count > 1
    share = certified.mean()
    shares = flags(found)
    (low, high), (least, most) = found.column("K_H"), found.column("W_A")
    apart = several & (np.maximum(high - low, most - least) > APART)
    with capsys.disabled():
        print(
            f"\n{COUNT} draws x {len(REGIMES)} regimes, {WORKERS} processes: {taken}; "
            f"{COUNT / taken.wall:.1f} draws/s, {1000 * taken.cpu / cells:.1f} ms of CPU an answer"
        )
        if len(told) > WORKERS:
            # The first parts also pay for starting and compiling.
            (early, then), (done, now) = told[WORKERS - 1], told[-1]
            rate = (done - early) / (now - then)
            print(
                f"  once started {rate:.1f} draws/s: 10,000 draws take "
                f"{then + (10_000 - early) / rate:.0f} s"
            )
        print(
            f"  certified {share:.4f} of {cells} answers; flagged: none found "
            f"{missing.sum()}, rejected {rejected.sum()}; several equilibria "
            f"{several.sum()}, of which {apart.sum()} more than {APART} apart in K_H or W_A; "
            f"largest regret of a certified one {found.regret[certified].max():.1e}"
        )
        for k, regime in enumerate(REGIMES):
            print(
                f"    {regime:10} certified {certified[:, k].mean():.4f}, none found "
                f"{missing[:, k].sum()}, rejected {rejected[:, k].sum()}, several "
                f"{several[:, k].sum()}"
            )
        print(f"  {'share of draws':38} {'yard':>12} {'(ref)':>6}   {'broad':>12} {'(ref)':>6}")
        for name, (yard, broad) in REFERENCE.items():
            ours = [ranged(pair) for pair in shares[name].T]
            print(f"  {name:38} {ours[0]:>12} {yard:6.3f}   {ours[1]:>12} {broad:6.3f}")
        print(
            f"  best of {', '.join(REGIMES)}: {' '.join(map(ranged, shares['best'].T))} "
            f"(ref {' '.join(f'{x:.3f}' for x in BEST)}); yard over broad "
            f"{ranged(shares['yard over broad'])} (ref {YARD_OVER_BROAD})"
        )
    assert told[-1][0] == COUNT
    assert told == sorted(told)
    assert share > 0.9


# ---------------------------------------------------------------------------------------------
# Exact enumeration

GAMES = {3: 40, 5: 20, 8: 6}
"""Strategies of each player -> games."""

ASK_GAMBIT = """
import json, sys, time
import pygambit

taken, counts = [], []
for path in json.load(sys.stdin):
    game = pygambit.read_nfg(path)
    started = time.process_time()
    result = pygambit.nash.enummixed_solve(game, rational=True)
    taken.append(time.process_time() - started)
    counts.append(len(result.equilibria))
json.dump([taken, counts], sys.stdout)
"""


def asked_of_gambit(games: list[NormalForm], folder: Path) -> tuple[list[float], list[int]]:
    """Return Gambit's CPU seconds and number of equilibria for every game."""
    paths = [folder / f"{k}.nfg" for k in range(len(games))]
    for game, path in zip(games, paths, strict=True):
        write_nfg(game, path)
    done = subprocess.run(
        [sys.executable, "-c", ASK_GAMBIT],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        check=True,
    )
    taken, counts = json.loads(done.stdout)
    return taken, counts


@pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)
@pytest.mark.parametrize("size", GAMES)
def test_exact_enumeration_beside_its_peers(size, tmp_path, capsys):
    """Ours and Gambit's are exact; nashpy's is in floats and not proved."""
    import nashpy

    rng = np.random.default_rng(size)
    tables = [rng.integers(-50, 51, (2, size, size)) for _ in range(GAMES[size])]
    games = [NormalForm.from_payoffs(table, players=["A", "B"]) for table in tables]
    list(extreme_enumeration(games[0]))  # imports

    ours, found = [], []
    for game in games:
        with timed() as taken:
            found.append(len(list(extreme_enumeration(game))))
        ours.append(taken.cpu)
    solve(games[0])
    with timed() as solved:
        for game in games:
            solve(game)
    theirs = []
    for row, column in tables:
        with timed() as taken, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of degenerate games
            list(nashpy.Game(row, column).vertex_enumeration())
        theirs.append(taken.cpu)
    gambits, counts = asked_of_gambit(games, tmp_path)

    own, nash, gambit = (1000 * statistics.fmean(each) for each in (ours, theirs, gambits))
    with capsys.disabled():
        print(
            f"\n{size}x{size}, CPU a game, mean of {len(games)}: extreme enumeration {own:.2f} ms "
            f"(all of solve, with certificates: {1000 * solved.cpu / len(games):.2f} ms); "
            f"nashpy's vertex enumeration {nash:.2f} ms ({nash / own:.2f} times ours); Gambit's, "
            f"rational, {gambit:.2f} ms ({gambit / own:.2f} times ours)"
        )
    assert found == counts
