"""The distribution: what a stranger installs, built and taken apart.

The wheel is made from the sdist, as an index would serve it, with the build back end of
the test environment, so that no network is needed.
"""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

LITTER = ("__pycache__", ".venv", ".git/", "_cache/", ".hypothesis")
GAME_ENDINGS = {".toml", ".py", ".nfg", ".efg"}


def is_game(path: Path) -> bool:
    """Whether a file of the catalogue is a game: names with an underscore are private."""
    return path.suffix in GAME_ENDINGS and not path.name.startswith("_")


@pytest.fixture(scope="module")
def distributions(root, tmp_path_factory) -> Path:
    """Build the sdist, and the wheel from it; return the folder that holds both."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, root],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(distributions) -> Path:
    """Return the wheel."""
    (found,) = distributions.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def in_wheel(wheel) -> set[str]:
    """Return the names in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def in_sdist(distributions) -> set[str]:
    """Return the names in the sdist, without its top folder."""
    (found,) = distributions.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """Unpack the wheel into a folder as pip would; return the folder.

    Its dependencies come from the test environment; the folder goes first on the path.
    """
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files(folder: Path) -> set[str]:
    """Return the files below a folder, as in a checkout without litter."""
    found = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in found)
    return {name for name in names if not any(litter in name for litter in LITTER)}


def test_the_wheels_only_top_level_name_is_highfence(in_wheel):
    top = {name.split("/")[0] for name in in_wheel}

    assert {name for name in top if not name.endswith(".dist-info")} == {"highfence"}


def test_the_wheel_holds_the_package_whole_and_is_typed(in_wheel, root):
    inside = {name.removeprefix("highfence/") for name in in_wheel}

    assert files(root / "solver" / "highfence") <= inside
    assert "py.typed" in inside


def test_the_wheel_holds_the_whole_catalogue(in_wheel, root):
    bundled = {
        name.removeprefix("highfence/_catalog/")
        for name in in_wheel
        if name.startswith("highfence/_catalog/")
    }

    assert bundled == files(root / "games")
    assert any(name.endswith("small_yard_high_fence.toml") for name in bundled)


def test_the_wheel_installs_the_command_and_carries_its_license(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        scripts = configparser.ConfigParser()
        scripts.read_string(archive.read(entry_points).decode())
        (license_file,) = (name for name in archive.namelist() if name.endswith("LICENSE"))
        text = archive.read(license_file).decode()

    assert dict(scripts["console_scripts"]) == {"highfence": "highfence.cli:main"}
    assert "Apache License" in text


def test_nothing_is_in_a_distribution_that_does_not_belong_there(in_wheel, in_sdist):
    for names in (in_wheel, in_sdist):
        assert [name for name in names if any(litter in name for litter in LITTER)] == []


def test_the_sdist_holds_what_builds_and_tests_it(in_sdist, root):
    for folder in ("solver", "games", "tests", "examples"):
        assert {f"{folder}/{name}" for name in files(root / folder)} <= in_sdist
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci/run"} <= in_sdist


def test_an_installed_wheel_works_in_a_folder_full_of_its_own_names(installed, tmp_path):
    """A user's ``games/`` and ``solver.py`` do not shadow anything, and it finds its catalogue."""
    (tmp_path / "games").mkdir()
    (tmp_path / "games" / "__init__.py").write_text("raise ImportError('a stranger')\n")
    for name in ("solver", "catalog", "report", "study"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('a stranger')\n")
    code = (
        "import highfence\n"
        "print(highfence.__file__)\n"
        "print(highfence.load('small_yard_high_fence').name)\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    place, name = ran.stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    assert name == "small_yard_high_fence"


def test_an_installed_wheel_lists_every_game_of_the_checkout(installed, root, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "highfence", "list", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    listed = {game["name"] for game in json.loads(ran.stdout)}
    games = {Path(name) for name in files(root / "games")}
    assert {game.stem for game in games if is_game(game)} <= listed


def test_an_installed_wheel_has_a_game_for_every_mechanism(installed, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "highfence", "mechanisms"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("85 of 85 mechanisms")
