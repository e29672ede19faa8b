"""How much CPU time a command takes before it does anything, and to solve a small game.

    python -m pytest -m benchmark tests/benchmarks/test_startup.py -s

CPU time of the child, user and system, the least of several runs: what the work costs,
whatever else the machine is doing. A cold disk or a busy core shows in wall time only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

resource = pytest.importorskip("resource", reason="CPU time of children is read the POSIX way")

pytestmark = pytest.mark.benchmark

GOAL = 0.15
RUNS = 7
SCRIPT = Path(sysconfig.get_path("scripts")) / "highfence"
COMMANDS = {
    "import highfence": [sys.executable, "-c", "import highfence"],
    "highfence --help": [str(SCRIPT), "--help"],
    "highfence list": [str(SCRIPT), "list"],
    "highfence solve taiwan_deterrence": [str(SCRIPT), "solve", "taiwan_deterrence"],
}
GOALS = {"highfence solve taiwan_deterrence": 0.8}
"""Where more is done than to start."""


def cpu_seconds(command: list[str], cwd: Path) -> float:
    """Return the least CPU time over several runs of a command, after one to warm the caches."""
    seen = []
    # Where Python keeps no bytecode, it compiles all that it imports, every time.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seen.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seen[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_starting_is_quick(name, tmp_path, capsys):
    taken = cpu_seconds(COMMANDS[name], tmp_path)
    bare = cpu_seconds([sys.executable, "-c", "pass"], tmp_path)

    with capsys.disabled():
        print(f"\n{name}: {taken:.3f} s of CPU, of which the bare interpreter takes {bare:.3f} s")
    assert taken < GOALS.get(name, GOAL)
