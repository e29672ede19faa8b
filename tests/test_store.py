"""What a store promises, with every fault made for real.

Processes are killed with SIGKILL, disks filled, bytes flipped. What was reported as done must be
there afterwards and right; a sweep that goes on must end with the bits of one that was never
disturbed; and what cannot be used must say why.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy as shallow
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games_for_cli import YARD
from highfence.errors import RequestError, StoreError
from highfence.load import load
from highfence.spec.model import Sentence
from highfence.spec.toml import WORDS, digest, loads
from highfence.study import engines, store
from highfence.study.engines import Serial
from highfence.study.store import Store, read
from highfence.study.sweep import Sweep, read_sweep, sweep

HERE = Path(__file__).parent
GAME = loads(YARD)
COUNT = 240
DRAWS = {"stake": np.linspace(0, 10, COUNT), "cost": np.linspace(5, 0, COUNT)}
ANSWERS = 3 * COUNT


class Slowly(Serial):
    """Solves in this thread, with time for a fault before each chunk."""

    def submit(self, fn, /, *args, **kwargs):
        time.sleep(0.008)
        return super().submit(fn, *args, **kwargs)


@contextmanager
def small_chunks() -> Iterator[None]:
    """Cut sweeps into 30 chunks, however fast they are."""
    before = engines.FIRST_CHUNK, engines.GROWTH
    engines.FIRST_CHUNK, engines.GROWTH = 8, 1.0
    try:
        yield
    finally:
        engines.FIRST_CHUNK, engines.GROWTH = before


def answers_in(found: Sweep) -> int:
    """Return how many answers a sweep has."""
    return found.status.size - int((found.status == "not solved").sum())


def bits(found: Sweep) -> list[bytes]:
    """Return all of a sweep that is numbers."""
    arrays = (found.answers.low, found.answers.high, found.answers.count, found.answers.regret)
    return [*(array.tobytes() for array in arrays), found.status.tobytes()]


@pytest.fixture(scope="module")
def alone() -> Sweep:
    """Return the sweep that was never disturbed and never stored."""
    return sweep(GAME, DRAWS)


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """Return a store that holds all of it."""
    path = tmp_path_factory.mktemp("full") / "full.sweep"
    sweep(GAME, DRAWS, store=path)
    return path


@pytest.fixture
def copy(full, tmp_path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copy(full, tmp_path / "copy.sweep"))


def agrees(found: Sweep, alone: Sweep) -> bool:
    """Return whether what a partial sweep has is what the whole one has, to the bit."""
    kept = found.status != "not solved"
    low = alone.answers.low[found.number]
    return bool(
        (found.answers.low[kept].tobytes() == low[kept].tobytes())
        and (found.status[kept] == alone.status[found.number][kept]).all()
        and all((found.inputs[n] == alone.inputs[n][found.number]).all() for n in alone.inputs)
    )


# ---------------------------------------------------------------------------------------------
# Without faults


def test_a_store_is_one_file_when_nobody_uses_it(full):
    assert [path.name for path in full.parent.iterdir()] == ["full.sweep"]
    read_sweep(full)
    assert [path.name for path in full.parent.iterdir()] == ["full.sweep"]


def test_a_store_gives_back_what_was_put_into_it(full, alone):
    found = read_sweep(full)

    assert found.complete
    assert found.notes == ()
    assert bits(found) == bits(alone)
    assert str(found) == str(alone)
    assert found.to_dict()["rows"] == alone.to_dict()["rows"]
    assert bits(sweep(GAME, DRAWS, store=full)) == bits(alone)


def test_what_is_in_the_store_is_not_solved_again(full, alone, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("nothing is left to solve")

    monkeypatch.setattr(import_module("highfence.study.sweep"), "solve_part", never)
    steps: list[tuple[int, int]] = []

    found = sweep(GAME, DRAWS, store=full, progress=lambda *step: steps.append(step))

    assert bits(found) == bits(alone)
    assert steps == [(ANSWERS, ANSWERS)]


def test_a_store_is_written_with_full_synchronization(tmp_path):
    with Store(tmp_path / "a.sweep", {"game": "a"}, {"draws": 1, "regimes": ["r"]}) as kept:
        base = kept._base
        assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert base.execute("PRAGMA synchronous").fetchone() == (2,)


def test_equal_draws_are_kept_once_and_given_back_as_often_as_asked(tmp_path):
    path = tmp_path / "a.sweep"
    found = sweep(GAME, {"stake": [1, 2, 1, 1, -0.0, 0.0]}, store=path)

    assert len(read(path).rows) == 4 * 3  # -0.0 and 0.0 are different bits
    again = read_sweep(path)
    assert again.number.tolist() == [0, 1, 2, 3, 4, 5]
    assert again.inputs["stake"].tobytes() == found.inputs["stake"].tobytes()
    assert bits(again) == bits(found)


def test_branches_are_kept_as_well(tmp_path):
    path = tmp_path / "a.sweep"
    found = sweep(GAME, {"stake": [1.0, 2.0, 3.0]}, store=path, branches=True)
    again = read_sweep(path)

    assert again.branches is not None
    assert again.branches.branch.tolist() == found.branches.branch.tolist()
    assert again.branches.plays == found.branches.plays
    assert again.branches.values.tobytes() == found.branches.values.tobytes()


# ---------------------------------------------------------------------------------------------
# Another request


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"draws": {"stake": np.linspace(0, 9, COUNT), "cost": DRAWS["cost"]}},
            "draws: 240 of stake",
        ),
        ({"draws": {"stake": DRAWS["stake"]}}, "draws: 240 of stake, cost"),
        ({"regimes": ["none", "yard"]}, "regimes: none, yard, wall there, none, yard here"),
        ({"preset": "calm"}, "preset: none there, calm here"),
        ({"timing": "discretion"}, "settings: none there, timing = discretion here"),
        ({"tolerance": 1e-5}, r"tolerance: 0\.0001 there, 1e-05 here"),
        ({"design": "seed 1"}, "design: as given there, seed 1 here"),
        ({"branches": True, "draws": {"stake": DRAWS["stake"]}}, "answers: bounds there, every"),
        (
            {"game": loads(YARD.replace("3, 0)", "3.5, 0)"))},
            "specification: [0-9a-f]{16} there, [0-9a-f]{16} here. Name",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "+".join(value),
)
def test_a_store_of_another_request_is_refused_and_says_what_differs(full, change, says):
    asked = {"game": GAME, "draws": DRAWS, **change}

    with pytest.raises(StoreError, match=says) as refused:
        sweep(asked.pop("game"), asked.pop("draws"), store=full, **asked)

    assert str(full) in str(refused.value)


@pytest.mark.parametrize("name", ["highfence", "numpy", "numba", "scipy"])
def test_a_store_of_another_version_is_refused(full, name, monkeypatch):
    other = {**store.versions(), name: "0.0.1"}
    monkeypatch.setattr(store, "versions", lambda: other)

    with pytest.raises(StoreError, match=rf"{name}: .* there, 0\.0\.1 here"):
        sweep(GAME, DRAWS, store=full)


def test_the_version_tells_an_edited_solver(tmp_path):
    package = Path(store.__file__).parent.parent
    shutil.copytree(package, tmp_path / "highfence", ignore=shutil.ignore_patterns("__pycache__"))
    script = "from highfence.study.store import versions; print(versions()['highfence'])"

    def told() -> str:
        ran = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"],
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    assert told() == store.versions()["highfence"]
    with open(tmp_path / "highfence" / "methods" / "staged.py", "a") as file:
        file.write("\n")
    assert told() != store.versions()["highfence"]


RETOLD = replace(
    GAME,
    title="The yard, told anew",
    question="Who wins?",
    source="nobody",
    about="The same game in other words.",
    assumptions=("Nobody reads this.",),
    narrative=(Sentence("Nothing happens."),),
    players=tuple(replace(player, label=f"{player.name} anew") for player in GAME.players),
    parameters=tuple(
        replace(p, label=f"{p.name} anew", about="new", source="new") for p in GAME.parameters
    ),
    regimes=tuple(replace(regime, label=f"{regime.name} anew") for regime in GAME.regimes),
)
"""The game in other words."""


def test_a_store_stays_valid_when_words_change_and_tells_the_new_ones(copy, alone, monkeypatch):
    monkeypatch.setattr(import_module("highfence.study.sweep"), "solve_part", None)

    found = sweep(RETOLD, DRAWS, store=copy)
    read = read_sweep(copy)

    assert agrees(found, alone)
    assert agrees(read, alone)
    assert read.labels["stake"] == "stake anew"
    assert read.title == "The yard, told anew"
    assert agrees(sweep(GAME, DRAWS, store=copy), alone)
    assert read_sweep(copy).title == alone.title


def test_an_answer_of_a_store_that_was_retold_is_still_found_when_it_is_damaged(copy, alone):
    sweep(RETOLD, DRAWS, store=copy)
    flip(copy, place_of(copy, 3) + 80)

    with pytest.raises(StoreError, match="checksum of draw 1 under"):
        sweep(RETOLD, DRAWS, store=copy)
    assert agrees(sweep(GAME, DRAWS, store=copy, repair=True), alone)


def test_a_store_of_the_first_layout_is_read_and_not_written(tmp_path, alone, monkeypatch):
    path = tmp_path / "old.hf"
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "FORMAT", "1")
        sweep(GAME, DRAWS, store=path)

    with pytest.raises(StoreError, match="layout of the store: 1 there, 2 here"):
        sweep(GAME, DRAWS, store=path)
    assert agrees(read_sweep(path), alone)


def variants(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a part of a game with one leaf changed, and the names of the fields on the way."""
    if is_dataclass(value):
        for field in fields(value):
            if field.name in ("cache", "file"):
                continue
            for where, new in variants(getattr(value, field.name), (*place, field.name)):
                made = shallow(value)
                object.__setattr__(made, field.name, new)
                yield where, made
    elif isinstance(value, Mapping):
        for key, old in value.items():
            if place[-2:-1] != ("moves",):  # a chance move has its outcomes in two mappings
                yield place, {f"{k}x" if k == key else k: v for k, v in value.items()}
            for where, new in variants(old, place):
                yield where, {k: new if k == key else v for k, v in value.items()}
    elif isinstance(value, tuple):
        for k, old in enumerate(value):
            for where, new in variants(old, place):
                yield where, (*value[:k], new, *value[k + 1 :])
        if value:
            yield place, value[:-1]
    elif isinstance(value, str):
        yield place, f"{value}x"
    elif value is not None:
        yield place, value + 1


@pytest.mark.parametrize("name", ["boastful_plan", "captive_market_timing", "small_yard_dynamic"])
def test_a_store_tells_games_by_all_but_their_words(name):
    """Every number, formula, name, unit and stage counts; no word for people does."""
    game = load(name)
    plain, words = digest(game), {*WORDS, "assumptions", "narrative"}
    counted = {True: 0, False: 0}
    for place, changed in variants(game):
        said = not words.isdisjoint(place)
        counted[said] += 1
        assert (digest(changed) == plain) == said, place
    assert min(counted.values()) > 20


def test_a_game_without_a_text_cannot_be_stored(tmp_path):
    called = replace(GAME, derived={**GAME.derived, "twice": lambda stake: 2 * stake})

    with pytest.raises(RequestError, match="twice is a Python callable"):
        sweep(called, {"stake": [1.0]}, store=tmp_path / "a.sweep")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [b"draw,stake\n1,2\n", b"\0" * 5000, b"SQLite format 3\0" * 99])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_bytes(text)

    for use in (lambda: sweep(GAME, DRAWS, store=path), lambda: read_sweep(path)):
        with pytest.raises(StoreError, match="not a store of highfence"):
            use()
    with pytest.raises(StoreError):
        sweep(GAME, DRAWS, store=path, repair=True)
    assert path.read_bytes() == text
    assert [other.name for other in tmp_path.iterdir()] == ["mine.csv"]


def test_another_programs_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE people (name TEXT)")
    base.commit()
    base.close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match="not a store of highfence"):
        sweep(GAME, DRAWS, store=path)
    assert path.read_bytes() == before


def test_places_that_cannot_hold_a_store_are_named(tmp_path):
    with pytest.raises(StoreError, match="is a directory"):
        sweep(GAME, DRAWS, store=tmp_path)
    with pytest.raises(StoreError, match="there is no folder"):
        sweep(GAME, DRAWS, store=tmp_path / "no" / "a.sweep")
    with pytest.raises(StoreError, match="there is no such store"):
        read_sweep(tmp_path / "a.sweep")


# ---------------------------------------------------------------------------------------------
# Two processes


def test_a_second_writer_is_refused_at_once_and_a_reader_is_not(tmp_path, alone):
    path = tmp_path / "a.sweep"
    seen: list[object] = []

    def meanwhile(done: int, _: int) -> None:
        if done and not seen:
            started = time.monotonic()
            command = [sys.executable, "-c", SECOND, str(path), str(HERE)]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
            seen.append(ran.stdout + ran.stderr)
            found = read_sweep(path)
            seen.append(answers_in(found) == done)
            seen.append(agrees(found, alone))
            seen.append(time.monotonic() - started)

    with small_chunks():
        found = sweep(GAME, DRAWS, store=path, progress=meanwhile)

    assert "another process (process " in seen[0]
    assert f"process {os.getpid()}" in seen[0]
    assert "reading is possible meanwhile" in seen[0]
    assert seen[1:3] == [True, True]
    assert bits(found) == bits(alone)
    assert [other.name for other in tmp_path.iterdir()] == ["a.sweep"]


SECOND = """
import sys
sys.path.insert(0, sys.argv[2])
from test_store import DRAWS, GAME
from highfence.study.sweep import sweep
from highfence.errors import StoreError
try:
    sweep(GAME, DRAWS, store=sys.argv[1])
except StoreError as error:
    print(error)
"""


# ---------------------------------------------------------------------------------------------
# Killed


SERVER = """
import os, sys
sys.path.insert(0, sys.argv[2])
from test_store import DRAWS, GAME, Slowly, small_chunks
from highfence.study.sweep import sweep
small_chunks().__enter__()
sweep(GAME, {"stake": [1.0], "cost": [1.0]})  # everything is imported, and compiled
print("ready", flush=True)
for line in sys.stdin:  # a child for every line, which works until it is done or killed
    child = os.fork()
    if child == 0:
        told = lambda done, whole: os.write(1, f"done {done}\\n".encode())
        os.write(1, f"child {os.getpid()}\\n".encode())
        sweep(GAME, DRAWS, store=sys.argv[1], progress=told, engine=Slowly())
        os.write(1, b"finished\\n")
        os._exit(0)
    os.waitpid(child, 0)
    os.write(1, b"ended\\n")
"""


@contextmanager
def workers_to_kill(path: Path) -> Iterator[Callable[..., tuple[int, bool]]]:
    """Yield a function that starts a sweep, kills it after some answers and some seconds, and
    returns how many answers it then reported, and whether it finished."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER, str(path), str(HERE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"

    def run(seconds: float = 0, answers: int = 0) -> tuple[int, bool]:
        print("go", file=server.stdin, flush=True)
        child = int(server.stdout.readline().split()[1])
        while answers and int(server.stdout.readline().split()[1]) < answers:
            pass
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it got through
            os.kill(child, signal.SIGKILL)
        done, finished = 0, False
        while (line := server.stdout.readline()) != "ended\n":
            if line.startswith("done"):
                done = int(line.split()[1])
            finished |= line == "finished\n"
        return done, finished

    try:
        yield run
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


def kill_until_done(path: Path, alone: Sweep, kills: int, seed: int) -> int:
    """Kill a sweep again and again; start over when it got through; return how often killed."""
    chance = random.Random(seed)
    killed = 0
    with workers_to_kill(path) as run:
        while killed < kills:
            done, finished = run(chance.uniform(0, 0.5))
            killed += not finished
            if done or path.exists():
                try:
                    found = read_sweep(path)
                except StoreError:  # killed before the file was a store
                    found = None
                assert (0 if found is None else answers_in(found)) >= done
                if found is not None:
                    assert agrees(found, alone)
                    assert not any("damaged" in note for note in found.notes)
            if finished:
                assert bits(read_sweep(path)) == bits(alone)
                path.unlink()
        assert bits(sweep(GAME, DRAWS, store=path)) == bits(alone)
    return killed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_was_reported_survives_kills_and_the_rest_is_solved(tmp_path, alone):
    assert kill_until_done(tmp_path / "a.sweep", alone, kills=3, seed=1) == 3


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("seed", [2, 3])
def test_what_was_reported_survives_many_kills(tmp_path, alone, seed):
    assert kill_until_done(tmp_path / "a.sweep", alone, kills=60, seed=seed) == 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_lock_of_a_process_that_was_killed_holds_nobody_up(tmp_path, alone):
    path = tmp_path / "a.sweep"
    with workers_to_kill(path) as run:
        run(answers=1)
    path.with_name("a.sweep-lock").touch()

    assert bits(sweep(GAME, DRAWS, store=path)) == bits(alone)
    assert [other.name for other in tmp_path.iterdir()] == ["a.sweep"]


def test_ctrl_c_keeps_what_is_done(tmp_path, alone):
    from highfence.errors import Interrupted

    path = tmp_path / "a.sweep"

    def stop(done: int, _: int) -> None:
        if done > 30:
            raise KeyboardInterrupt

    kept = r"of 720 answers are kept in .*a\.sweep"
    with small_chunks(), pytest.raises(Interrupted, match=kept) as caught:
        sweep(GAME, DRAWS, store=path, progress=stop)

    partial = caught.value.done
    assert 30 < len(partial) * 3 < ANSWERS
    assert not partial.complete
    assert agrees(partial, alone)
    assert bits(read_sweep(path)) == bits(partial)
    assert bits(sweep(GAME, DRAWS, store=path)) == bits(alone)


# ---------------------------------------------------------------------------------------------
# A full disk


FILLER = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from test_store import DRAWS, GAME, small_chunks
from highfence.study.sweep import sweep
from highfence.errors import StoreError
small_chunks().__enter__()
if sys.argv[3] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    sweep(GAME, DRAWS, store=sys.argv[1], progress=lambda *s: print("done", *s, flush=True))
    print("finished")
except StoreError as error:
    print("full", error)
"""


def fill(path: Path, limit: int) -> tuple[int, str]:
    """Sweep where files can have so many bytes (0: any); return answers reported, last line."""
    command = [sys.executable, "-W", "ignore", "-c", FILLER, str(path), str(HERE), str(limit)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = ran.stdout.splitlines()
    assert lines, ran.stderr
    done = [int(line.split()[1]) for line in lines if line.startswith("done")]
    return (done[-1] if done else 0), lines[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
@pytest.mark.parametrize("limit", [100, 20_000, 120_000, 200_000])
def test_a_disk_that_is_full_loses_nothing_that_was_reported(tmp_path, alone, limit):
    """The limit falls into making the file, into its first pages, into the log; the whole store
    would take some 240 KB."""
    path = tmp_path / "a.sweep"
    done, last = fill(path, limit)

    assert last.startswith("full")
    assert "What was committed is kept" in last
    if done:
        found = read_sweep(path)
        assert answers_in(found) >= done
        assert agrees(found, alone)
    assert bits(sweep(GAME, DRAWS, store=path)) == bits(alone)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Mount a file system of 600 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_loses_nothing_that_was_reported(small_disk, tmp_path, alone):
    path = small_disk / "a.sweep"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 200_000)

    done, last = fill(path, 0)

    assert last.startswith("full")
    assert 0 < done < ANSWERS
    found = read_sweep(path)
    assert answers_in(found) >= done
    assert agrees(found, alone)
    with pytest.raises(StoreError, match="cannot be written"):
        sweep(GAME, DRAWS, store=path)
    shutil.copytree(small_disk, tmp_path / "larger")  # a larger disk
    assert bits(sweep(GAME, DRAWS, store=tmp_path / "larger" / "a.sweep")) == bits(alone)


# ---------------------------------------------------------------------------------------------
# Damage


def flip(path: Path, at: int, count: int = 1) -> None:
    """Turn over every bit of some bytes."""
    data = bytearray(path.read_bytes())
    for k in range(at, min(at + count, len(data))):
        data[k] ^= 0xFF
    path.write_bytes(data)


def place_of(path: Path, number: int) -> int:
    """Return where an answer's record begins in the file."""
    record = next(
        r for r in store._scan(path.read_bytes()) if r.number == number and r.kind == b"HfnceRow"
    )
    head = store.HEAD.pack(store.ROW, record.length, number, len(record.key))
    return path.read_bytes().index(head)


def test_a_damaged_answer_is_named_and_the_others_are_readable(copy, alone):
    flip(copy, place_of(copy, 3 * 17 + 2) + 150)

    with pytest.raises(StoreError, match="draw 17 under wall is wrong; 719 answers are intact"):
        sweep(GAME, DRAWS, store=copy)
    found = read_sweep(copy)
    assert found.status[17].tolist() == ["certified", "certified", "not solved"]
    assert (found.status == "not solved").sum() == 1
    assert any("draw 17 under wall" in note for note in found.notes)
    assert agrees(found, alone)


def test_repair_solves_what_is_damaged_and_nothing_else(copy, alone, monkeypatch):
    module = import_module("highfence.study.sweep")

    solved: list[tuple[tuple[str, ...], int]] = []
    real = module.solve_part

    def counted(task, draws):
        solved.append((task.regimes, len(draws["stake"])))
        return real(task, draws)

    monkeypatch.setattr(module, "solve_part", counted)
    flip(copy, place_of(copy, 3 * 17 + 2) + 150)
    flip(copy, place_of(copy, 3 * 40) + 60)

    found = sweep(GAME, DRAWS, store=copy, repair=True)

    assert sorted(solved) == [(("none",), 1), (("wall",), 1)]
    assert bits(found) == bits(alone)
    assert bits(read_sweep(copy)) == bits(alone)
    assert read(copy).whole
    assert [other.name for other in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("at", [0, 20, 60, 100, 16_384, 2 * 16_384, 2 * 16_384 + 3])
def test_damage_to_what_sqlite_needs_costs_no_answer(copy, alone, at):
    """The head of the file, of its schema, of the pages that tables begin with."""
    flip(copy, at, 12)

    found = read_sweep(copy)
    assert bits(found) == bits(alone)
    assert bits(sweep(GAME, DRAWS, store=copy, repair=True)) == bits(alone)
    assert read(copy).whole


@pytest.mark.parametrize("seed", range(4))
def test_damage_anywhere_is_never_taken_for_an_answer(full, tmp_path, alone, seed):
    chance = random.Random(seed)
    size = full.stat().st_size
    for trial in range(25):
        path = Path(shutil.copy(full, tmp_path / f"{trial}.sweep"))
        for _ in range(chance.choice([1, 1, 5])):
            flip(path, chance.randrange(size), chance.choice([1, 4, 200]))
        found = read_sweep(path)
        assert agrees(found, alone)
        assert found.complete or found.notes
        assert found.absent <= 20
        if trial % 5 == 0:
            assert bits(sweep(GAME, DRAWS, store=path, repair=True)) == bits(alone)
            assert read(path).whole
        path.unlink()


def test_a_store_that_was_cut_short_keeps_what_is_left(copy, alone):
    data = copy.read_bytes()
    copy.write_bytes(data[: len(data) // 2])

    found = read_sweep(copy)
    assert 0 < found.absent < ANSWERS
    assert agrees(found, alone)
    with pytest.raises(StoreError, match="the store is damaged"):
        sweep(GAME, DRAWS, store=copy)
    assert bits(sweep(GAME, DRAWS, store=copy, repair=True)) == bits(alone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_damage_to_the_log_costs_only_what_it_hit(tmp_path, alone):
    """SQLite itself drops all that follows a damaged part of its log, without a word."""
    path = tmp_path / "a.sweep"
    with workers_to_kill(path) as run:
        run(answers=ANSWERS // 2)
    log = path.with_name("a.sweep-wal")
    before = read_sweep_of_copy(path, tmp_path / "before")
    flip(log, log.stat().st_size // 3, 4)

    assert before >= ANSWERS // 2
    lost = before - read_sweep_of_copy(path, tmp_path / "after")
    assert lost <= 3
    assert bits(sweep(GAME, DRAWS, store=path)) == bits(alone)
    assert read(path).whole


def read_sweep_of_copy(path: Path, folder: Path) -> int:
    """Return how many answers a copy of a store and its log has."""
    shutil.copytree(path.parent, folder, ignore=lambda *_: ["before", "after"])
    found = read_sweep(folder / path.name)
    return answers_in(found)


def test_a_store_with_foreign_answers_does_not_take_them(copy, alone):
    """A record that is intact but has another key is not an answer to this request."""
    base = sqlite3.connect(copy)
    row = base.execute("SELECT record FROM answers WHERE number = 5").fetchone()[0]
    parsed = store._parse(row)
    assert parsed is not None
    foreign = store._record(store.ROW, 5, parsed.key[:-1] + b"x", parsed.value)
    base.execute("UPDATE answers SET record = ? WHERE number = 5", (foreign,))
    base.commit()
    base.close()

    assert bits(sweep(GAME, DRAWS, store=copy)) == bits(alone)
    assert bits(read_sweep(copy)) == bits(alone)


def test_chunks_are_committed_as_they_come(tmp_path):
    path = tmp_path / "a.sweep"
    seen = []

    def look(done: int, _: int) -> None:
        base = sqlite3.connect(path)
        seen.append((done, base.execute("SELECT count(*) FROM answers").fetchone()[0]))
        base.close()

    with small_chunks():
        sweep(GAME, DRAWS, store=path, progress=look)

    assert len(seen) == 31
    assert all(done == there for done, there in seen)
