"""Full agreement with Gambit's exact enumeration on random games with ties.

Acceptance: 300 random bimatrix games up to 5x5, integer payoffs in [-3, 3], written as
``.nfg``; the full sets of extreme equilibria agree with pygambit's ``enummixed_solve`` in
rational arithmetic, each of ours certified with regret exactly 0; and with payoffs times
1e10 and 1e-10, where pygambit itself fails, ours are those of the unscaled game.

Gambit is run once, in a child process, on all files.
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

from highfence.forms.gambit_files import read_nfg, write_nfg
from highfence.forms.normal import NormalForm
from highfence.methods.extreme import extreme_enumeration
from highfence.solution import Status
from highfence.solve import solve

COUNT = 300
SEED = 20240229

ASK_GAMBIT = """
import json, sys
import pygambit

def equilibria(path):
    result = pygambit.nash.enummixed_solve(pygambit.read_nfg(path), rational=True)
    assert result.success
    return [
        [[str(profile[player][label]) for label in labels] for player, labels in zip("AB", sizes)]
        for profile in result.equilibria
    ]

found = []
for path, rows, columns in json.load(sys.stdin):
    sizes = [[f"{k + 1}" for k in range(count)] for count in (rows, columns)]
    found.append(equilibria(path))
json.dump(found, sys.stdout)
"""

Profiles = set[tuple[tuple[Fraction, ...], ...]]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pygambit") is None, reason="pygambit is not installed"
)


def random_games() -> list[NormalForm]:
    """Return the games: every size from 1x1 to 5x5 is drawn, small payoffs make ties."""
    rng = np.random.default_rng(SEED)
    games = []
    for number in range(COUNT):
        rows, columns = rng.integers(1, 6, 2)
        games.append(
            NormalForm.from_payoffs(
                rng.integers(-3, 4, (2, rows, columns)), players=["A", "B"], title=f"{number}"
            )
        )
    return games


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the games as .nfg, and return the paths."""
    folder = tmp_path_factory.mktemp("games")
    paths = []
    for game in random_games():
        paths.append(folder / f"{game.title}.nfg")
        write_nfg(game, paths[-1])
    return paths


@pytest.fixture(scope="module")
def by_gambit(files: list[Path]) -> list[Profiles]:
    """Return Gambit's equilibria of every game."""
    asked = [[str(path), *read_nfg(path).num_strategies] for path in files]
    done = subprocess.run(
        [sys.executable, "-c", ASK_GAMBIT],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [
        {tuple(tuple(map(Fraction, strategy)) for strategy in profile) for profile in profiles}
        for profiles in json.loads(done.stdout)
    ]


def test_every_extreme_equilibrium_agrees_and_is_proved(files, by_gambit):
    assert len(files) == len(by_gambit) == COUNT
    for path, theirs in zip(files, by_gambit, strict=True):
        solution = solve(path)

        assert solution.status is Status.SOLVED
        assert {e.profile.strategies for e in solution.equilibria} == theirs, path.name
        assert len(solution.equilibria) == len(theirs)
        for equilibrium in solution.equilibria:
            assert equilibrium.certificate.exact
            assert equilibrium.certificate.regret == 0


def test_the_games_have_what_makes_enumeration_err(by_gambit):
    """Continua (so: several extreme equilibria that share a strategy), and mixed ones."""
    continua = sum(len({x for x, _ in profiles}) < len(profiles) for profiles in by_gambit)
    mixed = sum(any(max(x) < 1 > max(y) for x, y in profiles) for profiles in by_gambit)

    assert continua > COUNT // 5
    assert mixed > COUNT // 6


@pytest.mark.parametrize("scale", [Fraction(10) ** 10, Fraction(1, 10**10)], ids=["1e10", "1e-10"])
def test_equilibria_do_not_change_with_the_scale_of_payoffs(scale, files, by_gambit, tmp_path):
    for number, (path, theirs) in enumerate(zip(files, by_gambit, strict=True)):
        game = NormalForm.from_payoffs(read_nfg(path).rational() * scale, title=f"{number}")
        scaled = tmp_path / f"{number}.nfg"
        write_nfg(game, scaled)
        solution = solve(scaled)

        assert {e.profile.strategies for e in solution.equilibria} == theirs, path.name
        assert all(e.certificate.regret == 0 for e in solution.equilibria)


def test_floats_times_1e10_have_the_same_equilibria(files, by_gambit):
    """Integers times 1e10 are floats without rounding."""
    for path, theirs in zip(files, by_gambit, strict=True):
        floats = NormalForm.from_payoffs(read_nfg(path).payoffs * 1e10)

        assert floats.exact is None
        assert {profile.strategies for profile in extreme_enumeration(floats)} == theirs, path.name


def test_floats_times_1e_10_have_the_same_pure_equilibria_and_all_are_proved(files, by_gambit):
    """1e-10 is no float: rounding keeps order and ties, so pure equilibria, but not sums."""
    for path, theirs in zip(files, by_gambit, strict=True):
        floats = NormalForm.from_payoffs(read_nfg(path).payoffs * 1e-10)
        solution = solve(floats)
        ours = {e.profile.strategies for e in solution.equilibria}

        assert {p for p in ours if is_pure(p)} == {p for p in theirs if is_pure(p)}
        assert solution.status is Status.SOLVED
        assert all(e.certificate.regret == 0 for e in solution.equilibria)


def is_pure(profile: tuple[tuple[Fraction, ...], ...]) -> bool:
    """Return whether every player plays one strategy for sure."""
    return all(max(strategy) == 1 for strategy in profile)
