"""Agreement with Gambit on random signaling games without ties, asked in a child process.

Gambit has no method for perfect Bayesian equilibria. But each of ours is a Nash equilibrium, so
its payoffs are those of one that Gambit enumerates in the strategic form; and the limit of the
agents' logit equilibria is sequential, so its payoffs are those of one of ours.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.gambit_files import write_efg
from highfence.solve import solve

COUNT = 24

ASK_GAMBIT = """
import json, sys
import pygambit

found = []
for path in json.load(sys.stdin):
    game = pygambit.read_efg(path)
    nash = pygambit.nash.enummixed_solve(game, rational=True)
    assert nash.success
    logit = pygambit.nash.logit_solve(game, use_strategic=False, maxregret=1e-4)
    found.append({
        "nash": [[str(eq.payoffs[player]) for player in game.players] for eq in nash.equilibria],
        "logit": logit.equilibrium
        and [float(logit.equilibrium.payoffs[player]) for player in game.players],
    })
json.dump(found, sys.stdout)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
    ),
]


def random_game(seed: int) -> ExtensiveForm:
    """Return a game of two or three types, messages and replies, payoffs from -1000 to 1000."""
    rng = np.random.default_rng(seed)
    types, messages, replies = ((2, 2, 2), (3, 2, 2), (2, 3, 2), (2, 2, 3))[seed % 4]
    pay = rng.integers(-1000, 1001, (types, messages, replies, 2)).tolist()
    weights = rng.integers(1, 6, types).tolist()

    def seen(t: int, m: int) -> Move:
        ends = tuple(Terminal(tuple(pair)) for pair in pay[t][m])
        return Move(1, f"m{m}", tuple(f"r{r}" for r in range(replies)), ends)

    moves = tuple(
        Move(
            0,
            f"t{t}",
            tuple(f"m{m}" for m in range(messages)),
            tuple(seen(t, m) for m in range(messages)),
        )
        for t in range(types)
    )
    odds = tuple(Fraction(w, sum(weights)) for w in weights)
    root = Lottery("type", tuple(f"t{t}" for t in range(types)), odds, moves)
    return ExtensiveForm.from_tree(["sender", "receiver"], root, f"{seed}")


@pytest.fixture(scope="module")
def by_gambit(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder: Path = tmp_path_factory.mktemp("games")
    paths = []
    for seed in range(COUNT):
        paths.append(str(folder / f"{seed}.efg"))
        write_efg(random_game(seed), paths[-1])
    done = subprocess.run(
        [sys.executable, "-c", ASK_GAMBIT],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_of_ours_is_one_of_gambits_nash_equilibria_and_the_logit_limit_one_of_ours(by_gambit):
    fewer = followed = 0
    for seed, told in enumerate(by_gambit):
        ours = {
            tuple(eq.payoffs.values())
            for eq in solve(random_game(seed), "perfect_bayesian").equilibria
        }
        nash = {tuple(map(Fraction, pair)) for pair in told["nash"]}

        assert ours
        assert ours <= nash, seed
        fewer += ours < nash
        if told["logit"] is not None:  # its path does not always come to an end
            followed += 1
            assert any(
                np.allclose(told["logit"], [float(p) for p in own], atol=10.0) for own in ours
            ), seed
    assert followed > COUNT / 2
    assert fewer  # the concept rules something out
