"""Methods for several players beside Gambit, on the same games in one run, with what each found.

    python -m pytest -m benchmark tests/benchmarks/test_methods_speed.py -s

Gambit runs in a child process and is left out where it is not installed. All times are CPU seconds
of one thread, compiled and warm; ours include certificates where the table says so.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from highfence.certify import certify
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.gambit_files import write_efg
from highfence.forms.normal import NormalForm
from highfence.methods.agent_logit import agent_logit
from highfence.methods.global_newton import global_newton
from highfence.methods.logit import logit, logit_profile
from highfence.methods.polynomial import polynomial_supports

pytestmark = pytest.mark.benchmark

PEER = """
import json, sys, time
import numpy as np
import pygambit
given = json.load(sys.stdin)
build = getattr(pygambit, "StrategicGame", pygambit.Game).from_arrays
games = [
    pygambit.read_efg(table) if isinstance(table, str) else build(*np.array(table))
    for table in given["tables"]
]
solve = {
    "enumpoly": lambda game: len(pygambit.nash.enumpoly_solve(game).equilibria),
    "logit": lambda game: bool(pygambit.nash.logit_solve(game).success),
    "gnm": lambda game: len(pygambit.nash.gnm_solve(game).equilibria),
    "agent": lambda game: bool(pygambit.nash.logit_solve(game, use_strategic=False).success),
    "qre": lambda game: len(pygambit.qre.logit_solve_lambda(game, lam=[10.0])),
}[given["work"]]
solve(games[0])
started = time.process_time()
counts = [solve(game) for game in games]
print(json.dumps([(time.process_time() - started) / len(games), counts]))
"""


def random_games(number, *shape):
    """Return games with random payoffs in [0, 1]."""
    rng = np.random.default_rng(0)
    return [NormalForm.from_payoffs(rng.random((len(shape), *shape))) for _ in range(number)]


def gambit(work, games):
    """Return Gambit's seconds a game and how many profiles it gives; trees are given as files."""
    if importlib.util.find_spec("pygambit") is None:
        return None, None
    tables = [game if isinstance(game, str) else game.payoffs.tolist() for game in games]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEER],
        input=json.dumps({"work": work, "tables": tables}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def run(game):
    """Return all equilibria, and whether the search was complete."""
    profiles, search = [], polynomial_supports.function(game)
    while True:
        try:
            profiles.append(next(search))
        except StopIteration as end:
            return profiles, end.value.complete


def timed(solve, games):
    """Return seconds a game of the better of two runs, and what was found."""
    solve(games[0])
    best = np.inf
    for _ in range(2):
        started = time.process_time()
        found = [solve(game) for game in games]
        best = min(best, (time.process_time() - started) / len(games))
    return best, found


def row(work, ours, theirs, remark=""):
    """Print one line of the table."""
    ratio = f"Gambit x{theirs / ours:,.2g}" if theirs else ""
    print(f"{work:<44} {1e3 * ours:>9.3f} ms   {ratio:<16} {remark}")


@pytest.mark.parametrize(("shape", "number"), [((2, 2, 2), 200), ((3, 3, 3), 30), ((2,) * 4, 30)])
def test_all_equilibria_of_several_players(shape, number):
    games = random_games(number, *shape)
    ours, found = timed(run, games)
    theirs, counts = gambit("enumpoly", games)

    assert all(complete and len(profiles) % 2 for profiles, complete in found)
    assert all(certify(g, p).holds for g, (ps, _) in zip(games, found, strict=True) for p in ps)
    remark = ""
    if counts is not None:
        missed = sum(n < len(ps) for n, (ps, _) in zip(counts, found, strict=True))
        remark = f"Gambit misses some in {missed} of {number}, we in 0"
    row(f"all equilibria, {'x'.join(map(str, shape))}", ours, theirs, remark)


@pytest.mark.parametrize(
    "shape", [(2, 2), (3, 3), (2, 2, 2), (3, 3, 3), (2,) * 5, (3,) * 5, (4,) * 5]
)
def test_the_end_of_the_logit_branch(shape):
    games = random_games(20 if len(shape) < 5 or shape[0] < 3 else 3, *shape)
    ours, found = timed(lambda game: next(logit(game)), games)
    theirs, _ = gambit("logit", games)
    worst = max(float(certify(g, p).regret) for g, p in zip(games, found, strict=True))

    assert worst < 1e-11
    row(
        f"logit branch to its end, {'x'.join(map(str, shape))}", ours, theirs, f"regret {worst:.0e}"
    )


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 3), (3,) * 5])
def test_a_logit_equilibrium_at_a_precision(shape):
    games = random_games(20 if len(shape) < 5 else 3, *shape)
    ours, _ = timed(lambda game: logit_profile(game, 10.0), games)
    theirs, _ = gambit("qre", games)
    row(f"logit equilibrium at precision 10, {'x'.join(map(str, shape))}", ours, theirs)


@pytest.mark.parametrize(("shape", "number"), [((3, 3), 20), ((3, 3, 3), 10), ((2,) * 4, 10)])
def test_several_equilibria_on_paths_of_bonuses(shape, number):
    games = random_games(number, *shape)
    ours, found = timed(lambda game: list(global_newton(game)), games)
    theirs, counts = gambit("gnm", games)
    everything = sum(len(run(game)[0]) for game in games)
    met = sum(map(len, found))

    assert all(certify(g, p).holds for g, ps in zip(games, found, strict=True) for p in ps)
    remark = f"{met} of {everything} equilibria, Gambit {sum(counts or [])}"
    row(f"ten paths of bonuses, {'x'.join(map(str, shape))}", ours, theirs, remark)


def poker(cards, rake=0):
    """Return Kuhn poker with so many cards, after Kuhn (1950); the house takes a share of wins."""
    kept = 1 - rake

    def end(first, second, won):
        return Terminal((won * kept, -won) if first > second else (-won, won * kept))

    def played(first, second):
        replies = (Terminal((kept, -1)), end(first, second, 2))
        called = Move(1, f"{second} bet", ("fold", "call"), replies)
        answer = Move(
            0, f"{first} check bet", ("fold", "call"), (Terminal((-1, kept)), end(first, second, 2))
        )
        checked = Move(1, f"{second} check", ("check", "bet"), (end(first, second, 1), answer))
        return Move(0, f"{first}", ("check", "bet"), (checked, called))

    deals = [(a, b) for a in range(cards) for b in range(cards) if a != b]
    return ExtensiveForm.from_tree(
        ["first", "second"],
        Lottery(
            "deal",
            tuple(f"{a},{b}" for a, b in deals),
            tuple(Fraction(1, len(deals)) for _ in deals),
            tuple(played(a, b) for a, b in deals),
        ),
    )


@pytest.mark.parametrize("cards", [3, 4])
def test_the_end_of_the_agent_logit_branch(cards, tmp_path):
    form, path = poker(cards), tmp_path / "poker.efg"
    write_efg(form, path)
    ours, (profile,) = timed(lambda game: next(agent_logit(game)), [form])
    theirs, _ = gambit("agent", [str(path)])
    certificate = certify(form, profile)

    assert certificate.holds
    remark = f"regret {float(certificate.regret):.0e}"
    row(f"agent logit branch to its end, poker of {cards} cards", ours, theirs, remark)
