"""What numba keeps of the kernels is dropped when any of them has changed.

And what is kept is loaded when it is needed, with nothing that is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import highfence


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the kernels' folder, in a copy of the package."""
    package = tmp_path_factory.mktemp("site") / "highfence"
    source = Path(highfence.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package / "kernels"


def imported(kernels: Path, **variables: str) -> Path:
    """Import the kernels in a new process; return where numba keeps what it compiles of them."""
    code = (
        "import highfence.kernels as k, numba; print(k.__file__);"
        "print(numba.njit(k._probe, cache=True).stats.cache_path)"
    )
    environment = os.environ | {"PYTHONPATH": str(kernels.parents[1]), **variables}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    file, kept = done.stdout.splitlines()
    assert Path(file).parent == kernels
    return Path(kept)


@pytest.mark.slow
def test_processes_that_need_a_kernel_at_once_compile_it_once(tmp_path):
    go = tmp_path / "go"
    code = (
        "import sys, time, pathlib, numba, highfence.kernels.compiling\n"
        "print('ready', flush=True)\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.001)\n"
        "from highfence.kernels.batch_dominance import eliminate_dominated\n"
        "made = eliminate_dominated.loaded()\n"
        "print(sum(made.stats.cache_misses.values()), sum(made.stats.cache_hits.values()))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    command = [sys.executable, "-c", code, str(go)]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    go.touch()
    told = sorted(process.communicate()[0] for process in running)

    assert told == ["0 1\n", "0 1\n", "1 0\n"]


def test_a_kernel_is_loaded_when_it_is_first_needed_and_linear_algebra_is_not():
    """By several threads at once, too."""
    code = (
        "import sys, threading\n"
        "from highfence.kernels import batch_pure\n"
        "import numba.np.linalg\n"
        "print('scipy.linalg' in sys.modules, numba.np.linalg.ensure_blas.__name__)\n"
        "print(batch_pure.list_marked._loaded)\n"
        "barrier, found = threading.Barrier(4), []\n"
        "def ask():\n"
        "    barrier.wait()\n"
        "    found.append(bool(batch_pure.list_marked.loaded().overloads))\n"
        "threads = [threading.Thread(target=ask) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(found, batch_pure.mark_pure._loaded)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "False ensure_blas\nNone\n[True, True, True, True] None\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_disk_that_is_full_keeps_no_kernel_and_loses_none(tmp_path):
    code = (
        "import resource, highfence.kernels.compiling\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from highfence.kernels.batch_dominance import eliminate_dominated\n"
        "made = eliminate_dominated.loaded()\n"
        "print(len(made.overloads) > 0, sum(made.stats.cache_hits.values()))\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    command = [sys.executable, "-c", code]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.stdout == "True 0\n", done.stderr


def test_a_process_that_was_killed_as_it_compiled_holds_up_nobody(tmp_path):
    code = (
        "import sys, time\n"
        "from highfence.kernels import compiling\n"
        "with open(sys.argv[1], 'ab') as stream:\n"
        "    compiling._lock(stream.fileno())\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(float(sys.argv[2]))\n"
    )

    def locked(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, str(tmp_path / "made.lock"), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        return process

    holder = locked(600)
    holder.kill()
    holder.communicate()

    later = locked(0)
    later.communicate()
    assert later.returncode == 0


def filled(kept: Path) -> list[Path]:
    paths = [kept / "staged_batch.lead_rows.nbi", kept / "staged_batch.lead_rows.1.nbc"]
    for path in paths:
        path.write_bytes(b"compiled")
    return paths


@pytest.mark.parametrize("where", ["beside", pytest.param("elsewhere", marks=pytest.mark.slow)])
def test_a_change_of_one_kernel_drops_what_was_compiled_of_all(installed, tmp_path, where):
    """Also of those whose own file is the same: functions of others are compiled into them."""
    variables = {"NUMBA_CACHE_DIR": "" if where == "beside" else str(tmp_path)}
    kept = imported(installed, **variables)
    assert kept.is_relative_to(installed if where == "beside" else tmp_path)
    paths = filled(kept)

    assert imported(installed, **variables) == kept
    assert all(path.exists() for path in paths)

    with (installed / "lead.py").open("a") as stream:
        stream.write("# changed\n")
    imported(installed, **variables)
    assert not any(path.exists() for path in paths)

    filled(kept)
    imported(installed, **variables)
    assert all(path.exists() for path in paths)
    assert not list(kept.glob("*.tmp"))


def test_what_lies_there_without_a_mark_is_dropped(installed):
    """As it was kept by a release that set none."""
    kept = imported(installed, NUMBA_CACHE_DIR="")
    paths = filled(kept)
    for mark in kept.glob("*.sha256"):
        mark.unlink()

    imported(installed, NUMBA_CACHE_DIR="")

    assert not any(path.exists() for path in paths)


def test_a_damaged_mark_counts_as_another_one(installed):
    kept = imported(installed, NUMBA_CACHE_DIR="")
    paths = filled(kept)
    (mark,) = kept.glob("*.sha256")
    mark.write_bytes(b"\xff\xfe")

    imported(installed, NUMBA_CACHE_DIR="")

    assert not any(path.exists() for path in paths)
    assert len(mark.read_text()) == 64
