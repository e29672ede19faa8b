"""Batches beside the field's tools, on the same inputs in one run, with the same answers.

    python -m pytest -m benchmark tests/benchmarks/test_batch_speed.py -s

Peers run in child processes, so that no library loads into ours, and are left out where they are
not installed. All times are CPU seconds of one thread, after everything is compiled and warm.
Loops of peers are over fewer games than ours where they would take minutes.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from highfence import Chance, Decision, Game, Parameter, Stage
from highfence.forms.batch import trees
from highfence.methods.batch import bimatrix_many, induction, pure_many
from highfence.solve_many import solve_many
from highfence.study.sample import sample

pytestmark = pytest.mark.benchmark


def per_game(run, games):
    """Return the least CPU seconds a game of three runs, after one that compiles."""
    run()
    taken = []
    for _ in range(3):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return min(taken) / games


def peer(name, code, folder: Path, **arrays):
    """Run a peer's loop in a child process; return its seconds a game and its answers.

    The code finds the arrays by name, and sets ``seconds`` and ``answers``.
    """
    if importlib.util.find_spec(name) is None:
        return None
    given, made = folder / "given.npz", folder / "made.npz"
    np.savez(given, **arrays)
    whole = (
        "import time, warnings\n"
        "import numpy as np\n"
        "warnings.filterwarnings('ignore')\n"
        f"globals().update(np.load({str(given)!r}))\n"
        f"{code}\n"
        f"np.savez({str(made)!r}, seconds=seconds, answers=np.array(answers))\n"
    )
    subprocess.run([sys.executable, "-c", whole], check=True)
    found = np.load(made)
    return float(found["seconds"]), found["answers"]


def row(work, ours, **peers):
    """Print one line of the table."""
    cells = [f"{name} x{seconds / ours:,.0f}" for name, seconds in peers.items() if seconds]
    print(f"{work:<46} {1 / ours:>12,.0f}/s   {'   '.join(cells)}")


NASHPY = """
import nashpy
def run(A, B):
    games = [nashpy.Game(A[..., g], B[..., g]) for g in range(A.shape[-1])]
    return [len(list(game.support_enumeration())) for game in games]
run(A[..., :2], B[..., :2])
started = time.process_time()
answers = run(A, B)
seconds = (time.process_time() - started) / A.shape[-1]
"""
QUANTECON = """
import quantecon.game_theory as gt
def run(A, B):
    made = []
    for g in range(A.shape[-1]):
        game = gt.NormalFormGame((gt.Player(A[..., g]), gt.Player(B[..., g].T)))
        made.append(len(gt.support_enumeration(game)))
    return made
A, B = np.ascontiguousarray(A), np.ascontiguousarray(B)
run(A[..., :2], B[..., :2])
started = time.process_time()
answers = run(A, B)
seconds = (time.process_time() - started) / A.shape[-1]
"""
GAMBIT = """
import pygambit
def run(A, B):
    made = []
    for g in range(A.shape[-1]):
        game = pygambit.StrategicGame.from_arrays(A[..., g], B[..., g])
        made.append(len(pygambit.nash.enummixed_solve(game, rational=False).equilibria))
    return made
run(A[..., :2], B[..., :2])
started = time.process_time()
answers = run(A, B)
seconds = (time.process_time() - started) / A.shape[-1]
"""


@pytest.mark.parametrize(("side", "few"), [(3, 300), (4, 100), (5, 30)])
def test_all_equilibria_of_bimatrix_games(side, few, tmp_path, capsys):
    rng = np.random.default_rng(1)
    one, two = rng.random((2, side, side, 64 * 1000))
    found = bimatrix_many(one, two)
    ours = per_game(lambda: bimatrix_many(one, two), one.shape[-1])
    small = {"A": one[..., :few], "B": two[..., :few]}
    peers = {
        "nashpy": peer("nashpy", NASHPY, tmp_path, **small),
        "quantecon": peer("quantecon", QUANTECON, tmp_path, **small),
        "pygambit": peer("pygambit", GAMBIT, tmp_path, **small),
    }

    assert (found.count % 2 == 1).all()
    for name, made in peers.items():
        if made is not None and name != "nashpy":
            assert made[1].tolist() == found.count[:few].tolist()
    # nashpy loses some equilibria to rounding, and never has more.
    if peers["nashpy"] is not None:
        assert (peers["nashpy"][1] <= found.count[:few]).all()
        assert (peers["nashpy"][1] == found.count[:few]).mean() > 0.8
    with capsys.disabled():
        print()
        row(
            f"all equilibria, {side}x{side}, float",
            ours,
            **{name: made and made[0] for name, made in peers.items()},
        )


@pytest.mark.parametrize(("most", "side"), [(10, 3), (10, 4)])
def test_all_equilibria_of_games_with_ties(most, side, capsys):
    rng = np.random.default_rng(1)
    one, two = rng.integers(0, most, (2, side, side, 64 * 50)).astype(float)
    found = bimatrix_many(one, two)
    ours = per_game(lambda: bimatrix_many(one, two), one.shape[-1])

    with capsys.disabled():
        print()
        row(f"the same, {side}x{side}, integers 0..{most - 1}", ours)
        print(f"    {found.degenerate.mean():.0%} of them degenerate")
    assert found.regret.max() < 1e-13


PURE_QUANTECON = """
import quantecon.game_theory as gt
from quantecon.game_theory import pure_nash_brute
def run(U):
    made = []
    players = U.shape[0]
    for g in range(U.shape[-1]):
        # quantecon has a player's own actions first, then those of the next players in turn.
        own = [U[i, ..., g].transpose([*range(i, players), *range(i)]) for i in range(players)]
        own = [np.ascontiguousarray(table) for table in own]
        game = gt.NormalFormGame([gt.Player(table) for table in own])
        made.append(len(pure_nash_brute(game)))
    return made
run(U[..., :2])
started = time.process_time()
answers = run(U)
seconds = (time.process_time() - started) / U.shape[-1]
"""
PURE_GAMBIT = """
import pygambit
def run(U):
    made = []
    for g in range(U.shape[-1]):
        game = pygambit.StrategicGame.from_arrays(*(U[i, ..., g] for i in range(U.shape[0])))
        made.append(len(pygambit.nash.enumpure_solve(game).equilibria))
    return made
run(U[..., :2])
started = time.process_time()
answers = run(U)
seconds = (time.process_time() - started) / U.shape[-1]
"""


@pytest.mark.parametrize(
    ("sizes", "many", "few"),
    [((3, 3, 3), 64000, 200), ((2,) * 5, 64000, 200), ((5,) * 4, 6400, 20)],
)
def test_pure_equilibria(sizes, many, few, tmp_path, capsys):
    payoffs = np.random.default_rng(2).random((len(sizes), *sizes, many))
    found = pure_many(payoffs)
    ours = per_game(lambda: pure_many(payoffs), many)
    small = {"U": payoffs[..., :few]}
    peers = {
        "quantecon": peer("quantecon", PURE_QUANTECON, tmp_path, **small),
        "pygambit": peer("pygambit", PURE_GAMBIT, tmp_path, **small),
    }

    for made in peers.values():
        if made is not None:
            assert made[1].tolist() == found.count[:few].tolist()
    with capsys.disabled():
        print()
        row(
            f"pure equilibria, {'x'.join(map(str, sizes))}",
            ours,
            **{name: made and made[0] for name, made in peers.items()},
        )


def test_a_tree_of_a_million_nodes(capsys):
    """Perfect information, five players, a tenth of the moves by chance, three actions."""
    rng = np.random.default_rng(3)
    depth = 12
    inner = (3**depth - 1) // 2
    nodes = (3 ** (depth + 1) - 1) // 2
    first = np.zeros(nodes, np.int64)
    first[:inner] = 1 + 3 * np.arange(inner)
    count = np.zeros(nodes, np.int64)
    count[:inner] = 3
    owner = rng.integers(0, 5, nodes).astype(np.int32)
    owner[rng.random(nodes) < 0.1] = -1
    chance = np.full(nodes, 1 / 3)
    payoffs = rng.random((nodes, 5))
    found = induction(first, count, owner, payoffs, chance)
    taken = per_game(lambda: induction(first, count, owner, payoffs, chance), 1)

    assert found.plans[0] == 1
    with capsys.disabled():
        print(f"\nperfect information, {nodes:,} nodes{'':<16} {taken:.3f} s")
    assert taken < 0.5


# ---------------------------------------------------------------------------------------------
# A staged game of five players, 972 terminals

LEVELS = {"low": {"size": 1}, "middle": {"size": 2}, "high": {"size": 3}}
FIVE = Game(
    name="five_players",
    players=["A", "B", "C", "D", "E"],
    parameters=[
        Parameter("short", 0.3, low=0.1, high=0.6),
        Parameter("gain", 1.0, low=0.5, high=1.5),
        Parameter("market", 5.0, low=3, high=8),
        Parameter("cost_B", 1.0, low=0.5, high=2),
        Parameter("cost_C", 1.2, low=0.5, high=2),
        Parameter("cost_D", 1.0, low=0.5, high=2),
        Parameter("cost_E", 1.1, low=0.5, high=2),
        Parameter("threat", 0.5, low=0.1, high=1),
        Parameter("rivalry", 0.3, low=0.1, high=0.6),
    ],
    stages=[
        Stage("control", Decision("A", "control", {f"level_{k}": {"bite": k} for k in range(6)})),
        Stage("research", Decision("B", "effort_B", LEVELS), Decision("C", "effort_C", LEVELS)),
        Stage("nature", Chance("timeline", {"soon": "short", "late": "1 - short"})),
        Stage("market", Decision("D", "output_D", LEVELS), Decision("E", "output_E", LEVELS)),
    ],
    derived={
        "soon": "1 * (timeline == 'soon')",
        "bite": "control.bite / 5",
        "lead": "effort_B.size - effort_C.size * (1 - 0.5 * bite)",
        "supply": "output_D.size * (1 - 0.4 * bite)",
        "capability": "effort_C.size * (1 - 0.5 * bite) + 0.3 * output_E.size",
    },
    outcomes=[],
    payoffs={
        "A": "gain * supply - threat * capability * (1 + soon) - 0.05 * control.bite",
        "B": "gain * effort_B.size + rivalry * lead - cost_B * effort_B.size ** 2 / 4"
        " + 0.1 * supply",
        "C": "gain * effort_C.size - rivalry * effort_B.size * effort_C.size / 3"
        " - cost_C * effort_C.size ** 2 / 4 + 0.1 * output_E.size",
        "D": "(market - cost_D * output_D.size - 3 * bite * (1 + soon)"
        " + rivalry * output_E.size) * output_D.size + 0.2 * effort_B.size",
        "E": "(market - cost_E * output_E.size - 2 * rivalry * output_D.size"
        " - 2 * bite + 0.2 * effort_C.size) * output_E.size",
    },
)  # fmt: skip
# The peers' loop, timed from the numbers of a draw to what the game is worth, as ours is: payoffs
# at the terminals, by array formulas (6 controls, efforts of B and C, timeline, outputs of D and
# E, players), then every stage game, which is built and solved. Ours certifies its answers too.
STAGES = """
control, one, two, soon, four, five = np.ix_(
    np.arange(6.0), [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 0.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
bite = control / 5
lead = one - two * (1 - 0.5 * bite)
supply = four * (1 - 0.4 * bite)
capability = two * (1 - 0.5 * bite) + 0.3 * five
def payoffs(short, gain, market, cost_B, cost_C, cost_D, cost_E, threat, rivalry):
    u = np.empty((6, 3, 3, 2, 3, 3, 5))
    u[..., 0] = gain * supply - threat * capability * (1 + soon) - 0.05 * control
    u[..., 1] = gain * one + rivalry * lead - cost_B * one ** 2 / 4 + 0.1 * supply
    u[..., 2] = gain * two - rivalry * one * two / 3 - cost_C * two ** 2 / 4 + 0.1 * five
    u[..., 3] = ((market - cost_D * four - 3 * bite * (1 + soon) + rivalry * five) * four
                 + 0.2 * one)
    u[..., 4] = (market - cost_E * five - 2 * rivalry * four - 2 * bite + 0.2 * two) * five
    return u
def solve_draw(draw):
    u, short = payoffs(*draw), draw[0]
    after = np.empty((6, 3, 3, 2, 5))
    for place in np.ndindex(6, 3, 3, 2):
        here = u[place]
        x, y = equilibrium(here[..., 3], here[..., 4])
        after[place] = np.einsum('i,j,ijp->p', x, y, here)
    mean = short * after[..., 0, :] + (1 - short) * after[..., 1, :]
    best = None
    for control in range(6):
        here = mean[control]
        x, y = equilibrium(here[..., 1], here[..., 2])
        value = np.einsum('i,j,ijp->p', x, y, here)
        if best is None or value[0] > best[0]:
            best = value
    return best
solve_draw(draws[0])
started = time.process_time()
answers = [solve_draw(draw) for draw in draws]
seconds = (time.process_time() - started) / len(draws)
"""
STAGES_NASHPY = (
    """
import nashpy
def equilibrium(a, b):
    game = nashpy.Game(a, b)
    found = list(game.support_enumeration())
    if not found:  # lost to rounding
        found = list(game.vertex_enumeration())
    return found[0]
"""
    + STAGES
)
STAGES_GAMBIT = (
    """
import pygambit
def equilibrium(a, b):
    game = pygambit.StrategicGame.from_arrays(a, b)
    found, = pygambit.nash.enummixed_solve(game, rational=False).equilibria
    return [np.array([found[player][label] for label in '123']) for player in '12']
"""
    + STAGES
)


def test_a_staged_game_of_five_players(tmp_path, capsys):
    many, few = 6_000, 3
    draws = sample(FIVE, many, 0)
    found = solve_many(FIVE, draws)
    ours = per_game(lambda: solve_many(FIVE, draws), many)
    table = np.column_stack(list(draws.values()))
    ((_, form),) = trees(FIVE, tuple(draws)).sort(table)
    # Draws with one equilibrium each: the peers' loops follow one.
    chosen = np.flatnonzero(found.count == 1)[:few]
    terminals = form.stages.terminals
    small = {"draws": table[chosen]}
    nashpy = peer("nashpy", STAGES_NASHPY, tmp_path, **small)
    gambit = peer("pygambit", STAGES_GAMBIT, tmp_path, **small)

    assert terminals == 972
    assert found.certified.mean() > 0.99
    for made in (nashpy, gambit):
        if made is not None:
            assert made[1] == pytest.approx(found.low[chosen], abs=1e-9)
    started = time.perf_counter()
    solve_many(FIVE, draws, workers=2)
    wall = time.perf_counter() - started
    with capsys.disabled():
        print()
        row(
            "five players, four stages, 972 terminals",
            ours,
            **{
                "nashpy, stage by stage": nashpy and nashpy[0],
                "pygambit, stage by stage": gambit and gambit[0],
            },
        )
        print(
            f"    {60 * many / wall:,.0f} draws a minute by the clock on two threads; "
            f"{found.exact.mean():.1%} solved one by one, regret at most {found.regret.max():.1e}"
        )
    assert 60 / ours > 100_000
