"""Engines: the same answers wherever they are solved, and nothing lost where a worker is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games_for_cli import YARD
from highfence import Decision, Game, Interval, Parameter, Regime, Stage
from highfence.errors import MethodFailed, RequestError
from highfence.spec.toml import loads
from highfence.study import engines
from highfence.study.engines import Engine, Pace, Serial, open_engine, solve_in_chunks
from highfence.study.sweep import Sweep, grid, sweep

GAME = loads(YARD)
DRAWS = grid({"stake": np.linspace(0, 10, 13), "cost": [0.5, 1, 4]})


def bits(found: Sweep) -> list[bytes]:
    """Return all of a sweep that is numbers."""
    arrays = (found.answers.low, found.answers.high, found.answers.count, found.answers.regret)
    return [*(array.tobytes() for array in arrays), found.status.tobytes()]


@pytest.fixture(scope="module")
def alone() -> Sweep:
    """Return the sweep, solved in this thread."""
    return sweep(GAME, DRAWS)


class Backwards(Executor):
    """Solves what it is given when it is asked to, the latest first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future, tuple]] = []

    def submit(self, fn, /, *args, **kwargs):
        made: Future = Future()
        self.waiting.append((made, (fn, args)))
        if len(self.waiting) == engines.AHEAD * 3:
            self.run()
        return made

    def run(self) -> None:
        while self.waiting:
            future, (fn, args) = self.waiting.pop()
            future.set_result(fn(*args))


# ---------------------------------------------------------------------------------------------
# The same answers


@pytest.mark.parametrize(("engine", "workers"), [("threads", 3), ("processes", 2), (None, 2)])
def test_every_engine_gives_the_bits_of_one_thread(engine, workers, alone):
    assert bits(sweep(GAME, DRAWS, engine=engine, workers=workers)) == bits(alone)


def test_any_executor_is_an_engine_and_stays_open(alone):
    with ThreadPoolExecutor(2) as mine:
        assert bits(sweep(GAME, DRAWS, engine=mine, workers=2)) == bits(alone)
        assert mine.submit(int, "3").result() == 3


@pytest.mark.parametrize("first", [1, 2, 5, 1000])
def test_how_draws_are_cut_into_chunks_changes_nothing(first, alone, monkeypatch):
    monkeypatch.setattr(engines, "FIRST_CHUNK", first)
    monkeypatch.setattr(engines, "GROWTH", 1.5)

    assert bits(sweep(GAME, DRAWS)) == bits(alone)


def test_chunks_that_come_in_another_order_are_put_in_their_places():
    taken: dict[int, float] = {}

    def take(indices, result):
        taken.update(zip(indices.tolist(), result.tolist(), strict=True))
        return 1.0

    back = Backwards()
    engine = Engine("backwards", back, lambda: 3, True)
    numbers = np.arange(24)

    solve_in_chunks(engine, numbers, lambda to, at: to.submit(np.square, at), take)

    assert taken == {k: k * k for k in range(24)}


def test_a_game_with_a_callable_is_swept_in_one_thread_only():
    game = Game(
        name="called",
        players=["A"],
        parameters=[Parameter("x", 1)],
        stages=[Stage("go", Decision("A", "q", Interval(0, 1)))],
        derived={"gain": lambda x, q: x * q - q * q},
        payoffs={"A": "gain"},
        regimes=[Regime("any")],
    )
    found = sweep(game, {"x": [0.5, 1.0]})

    assert found.column("A")[0][:, 0] == pytest.approx(np.array([0.5, 1.0]) ** 2 / 4, rel=1e-3)
    assert found.specification == ""
    with pytest.raises(RequestError, match="gain is a Python callable"):
        sweep(game, {"x": [0.5, 1.0]}, workers=2)


# ---------------------------------------------------------------------------------------------
# The size of chunks


@given(
    seconds=st.lists(st.floats(1e-7, 20), min_size=1, max_size=40),
    left=st.integers(1, 10**6),
    workers=st.integers(1, 64),
)
def test_a_chunk_is_never_empty_nor_more_than_is_left(seconds, left, workers):
    pace = Pace()
    for each in seconds:
        size = pace.size(left, workers)
        assert 1 <= size <= left
        pace.took(size, size * each)


@pytest.mark.parametrize("each", [1e-5, 1e-3, 0.03, 3.0])
def test_chunks_come_to_take_the_time_that_they_should(each):
    pace = Pace(seconds=1.0)
    for _ in range(12):
        size = pace.size(10**9, 2)
        pace.took(size, size * each)

    assert pace.size(10**9, 2) * each == pytest.approx(max(1.0, each), rel=0.35)


def test_the_last_chunks_are_shared_among_the_workers():
    pace = Pace(seconds=1.0)
    pace.took(1000, 1.0)

    assert pace.size(800, 4) == 100


def test_the_last_chunks_are_no_smaller_than_pays():
    pace = Pace(seconds=1.0)
    pace.took(1000, 1.0)

    assert pace.size(200, 4) == round(1000 * engines.LAST_SECONDS)
    assert pace.size(3, 4) == 3


def test_small_chunks_count_less_than_large_ones():
    """The first ones load and compile."""
    pace = Pace(seconds=1.0)
    pace.took(4, 4.0)
    pace.took(1000, 1.0)

    assert pace.size(10**9, 2) > 300


# ---------------------------------------------------------------------------------------------
# What goes wrong


def test_a_chunk_that_fails_ends_the_sweep_with_its_own_error():
    engine = Engine("serial", Serial(), lambda: 1, True)

    with pytest.raises(ZeroDivisionError):
        solve_in_chunks(
            engine, np.arange(3), lambda to, at: to.submit(lambda: 1 // 0), lambda at, made: 0.0
        )


def test_what_was_under_way_is_taken_when_interrupted():
    """One chunk is done and taken, Ctrl-C falls into taking it, and nothing is lost or begun."""
    begun, taken = [], []

    def submit(to, at):
        begun.append(at.tolist())
        return to.submit(lambda: time.sleep(0.05))

    def take(at, made):
        if not taken:
            taken.append("interrupted")
            raise KeyboardInterrupt
        taken.append(at.tolist())
        return 0.05

    with ThreadPoolExecutor(2) as pool, pytest.raises(KeyboardInterrupt):
        solve_in_chunks(Engine("threads", pool, lambda: 2, True), np.arange(100), submit, take)

    assert len(begun) == 2 * engines.AHEAD
    assert all(chunk in begun for chunk in taken[1:])
    assert begun[0] in taken
    assert len(taken) - 1 >= 2  # those that ran; those that waited may have been taken back


def test_a_worker_that_is_killed_is_named_as_the_cause(tmp_path):
    with (
        open_engine("processes", 2) as engine,
        pytest.raises(MethodFailed, match="a worker ended before it had answered"),
    ):
        solve_in_chunks(
            engine,
            np.arange(2),
            lambda to, at: to.submit(os.kill, 0, 0) if at[0] else to.submit(os._exit, 9),
            lambda at, made: 0.1,
        )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_end_with_a_parent_that_is_killed():
    script = (
        "import os, time\n"
        "from highfence.study.engines import open_engine\n"
        "if __name__ == '__main__':\n"
        "    with open_engine('processes', 2) as engine:\n"
        "        print(engine.executor.submit(os.getpid).result(), flush=True)\n"
        "        time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 10
    while _lives(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(worker)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


UNGUARDED = {
    "sweep": "sweep(GAME, {'stake': [1.0, 2.0, 3.0]}, workers=2)",
    "sweep with a store": "sweep(GAME, {'stake': [1.0, 2.0, 3.0]}, workers=2, store='kept.sweep')",
    "solve_draws": "solve_draws(CAPTIVE, {'quota': [0.1] * 101}, workers=2)",
}


@pytest.mark.parametrize("asked", UNGUARDED.values(), ids=UNGUARDED)
def test_a_script_that_starts_workers_at_its_top_is_told_what_to_write(asked, tmp_path):
    """Every worker runs the script, which asks for workers: one message, and nothing else."""
    script = tmp_path / "study.py"
    script.write_text(
        "from highfence import load\n"
        "from highfence.spec.toml import loads\n"
        "from highfence.study.draws import solve_draws\n"
        "from highfence.study.sweep import sweep\n"
        f"GAME = loads({YARD!r})\n"
        "CAPTIVE = load('captive_market_timing')\n"
        "try:\n"
        f"    found = {asked}\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )

    assert ran.stderr == ""
    assert ran.returncode == 0
    assert ran.stdout.splitlines() == [
        f"RequestError {script}: each worker runs this script from its top, and came to a request "
        'for workers there. Put what starts workers under: if __name__ == "__main__":'
    ]


def test_a_script_that_guards_its_studies_has_workers(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        "from highfence.study.sweep import sweep\n"
        "if __name__ == '__main__':\n"
        "    found = sweep('captive_market_timing', {'quota': [0.1, 0.2]}, workers=2)\n"
        "    print(set(found.status.ravel().tolist()))\n"
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)

    assert (ran.stdout, ran.stderr) == ("{'certified'}\n", "")


def test_a_script_that_fails_where_workers_run_it_is_named(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        "from highfence.study.sweep import sweep\n"
        "if __name__ != '__main__':\n"
        "    raise ValueError('not here')\n"
        "try:\n"
        "    sweep('captive_market_timing', {'quota': [0.1, 0.2]}, workers=2)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)

    assert "ValueError: not here" in ran.stderr
    assert ran.stdout == (
        f"MethodFailed a worker could not start: it runs {script} from its top, and failed there, "
        'as printed above. Put what starts workers under: if __name__ == "__main__":\n'
    )


@pytest.mark.parametrize(
    ("engine", "workers", "says"),
    [
        ("procces", 2, r"no engine 'procces'\. Did you mean 'processes'"),
        ("serial", 2, "serial has one worker, not 2"),
        (None, 0, "workers = 0 is not a positive whole number"),
        (None, True, "workers = True is not"),
        ("dask://somewhere", None, r"is not dask://HOST:PORT"),
        ("dask://:8786", None, r"is not dask://HOST:PORT"),
    ],
)
def test_a_wrong_engine_is_refused(engine, workers, says):
    with pytest.raises(RequestError, match=says):
        sweep(GAME, {"stake": [1.0]}, engine=engine, workers=workers)


def test_a_cluster_needs_its_package():
    """Without distributed the message says what to install, and everything else works."""
    script = (
        "import sys\n"
        "sys.modules['distributed'] = None\n"
        "from highfence.study.sweep import sweep\n"
        "from highfence.errors import RequestError\n"
        "print(len(sweep('captive_market_timing', {'quota': [0.1]})))\n"
        "try:\n"
        "    sweep('captive_market_timing', {'quota': [0.1]}, engine='dask')\n"
        "except RequestError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert ran.stdout.splitlines() == [
        "1",
        "the engine dask needs the package distributed. Install it, where Highfence was installed "
        "from: pip install '.[dask]'",
    ]


# ---------------------------------------------------------------------------------------------
# A cluster

CLUSTER = """
import sys
from dask import config
from distributed import LocalCluster

if __name__ == "__main__":
    config.set({"distributed.scheduler.allowed-failures": 3})
    with LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, processes=True, dashboard_address=None,
        host="127.0.0.1",
    ) as cluster:
        print(cluster.scheduler_address.removeprefix("tcp://"), flush=True)
        print(*(worker.pid for worker in cluster.workers.values()), flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler with two worker processes; yield its address and their process ids."""
    pytest.importorskip("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    pids = [int(pid) for pid in process.stdout.readline().split()]
    yield address, pids
    process.communicate("")


SWEEPER = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[3])
from highfence.study import engines
engines.CHUNK_SECONDS = 0.05
from test_engines import DRAWS_FOR_A_CLUSTER, GAME, bits
from highfence.study.sweep import sweep
from hashlib import sha256

if __name__ == "__main__":
    told = lambda done, whole: print("done", done, whole, flush=True)
    found = sweep(
        GAME, DRAWS_FOR_A_CLUSTER, engine=f"dask://{sys.argv[1]}", store=sys.argv[2], progress=told
    )
    print("bits", *(sha256(part).hexdigest() for part in bits(found)), flush=True)
"""

DRAWS_FOR_A_CLUSTER = {"stake": np.linspace(0, 10, 240), "cost": np.linspace(0.5, 5, 240)}


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_loses_nothing(cluster, tmp_path):
    """Two workers; one is killed in the middle. Every draw is answered, once, as it should be."""
    import sqlite3
    from hashlib import sha256

    address, pids = cluster
    assert len(pids) == 2
    script = tmp_path / "sweeper.py"
    script.write_text(SWEEPER)
    store = tmp_path / "cluster.sweep"
    process = subprocess.Popen(
        [sys.executable, str(script), address, str(store), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told = []
    killed_at = None
    for line in process.stdout:
        told.append(line.split())
        if told[-1][0] == "done" and killed_at is None and int(told[-1][1]) > 100:
            os.kill(pids[0], signal.SIGKILL)
            killed_at = int(told[-1][1])
    code, errors = process.wait(), process.stderr.read()
    process.stderr.close()
    process.stdout.close()

    assert code == 0, errors
    answers = 3 * len(DRAWS_FOR_A_CLUSTER["stake"])
    assert killed_at is not None
    assert killed_at < answers - 100  # it was in the middle
    assert told[-2] == ["done", str(answers), str(answers)]
    alone = sweep(GAME, DRAWS_FOR_A_CLUSTER)
    assert told[-1][1:] == [sha256(part).hexdigest() for part in bits(alone)]
    base = sqlite3.connect(store)
    assert base.execute("SELECT count(*), min(number), max(number) FROM answers").fetchone() == (
        answers,
        0,
        answers - 1,
    )
    base.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_this_machine_gives_the_bits_of_one_thread(alone):
    pytest.importorskip("distributed")

    assert bits(sweep(GAME, DRAWS, engine="dask", workers=2)) == bits(alone)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_said_to_be(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "CONNECT_SECONDS", 0.5)

    with pytest.raises(RequestError, match=r"no scheduler answers at 127\.0\.0\.1:9"):
        sweep(GAME, {"stake": [1.0]}, engine="dask://127.0.0.1:9")


def told_apart() -> dict[str, str]:
    """Return another version in every process."""
    return {"highfence": str(os.getpid())}


@pytest.mark.slow
def test_a_cluster_with_another_version_is_refused(cluster, monkeypatch):
    address, pids = cluster
    monkeypatch.setattr("highfence.study.store.versions", told_apart)
    monkeypatch.setattr(told_apart, "__module__", "__main__")  # sent as it is, not by its name

    with pytest.raises(RequestError, match=rf"has highfence \d+, this machine {os.getpid()}"):
        sweep(GAME, {"stake": [1.0]}, engine=f"dask://{address}")
    assert len(pids) == 2
