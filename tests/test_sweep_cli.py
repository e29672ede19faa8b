"""``highfence sweep``: what it prints, keeps and writes, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from games_for_cli import MEETING, YARD
from highfence import load
from highfence.cli import main
from highfence.report.sweep_text import look_closer, sweep_text
from highfence.study.sweep import STATUSES, read_sweep, sweep

GRID = ("--grid", "stake=0:9:4")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that sweeps in a folder with two games, and returns (output, errors)."""
    (tmp_path / "yard.toml").write_text(YARD, "utf-8")
    (tmp_path / "meeting.nfg").write_text(MEETING, "utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0, game: str = "yard.toml") -> tuple[str, str]:
        ended = main(["sweep", game, *arguments])
        out, err = capsys.readouterr()
        assert ended == code, err
        assert "Traceback" not in err
        return out, err

    return run


def rows_of(text: str) -> list[dict[str, str]]:
    """Return CSV as rows."""
    return list(csv.DictReader(io.StringIO(text)))


# ---------------------------------------------------------------------------------------------
# What is written, and where


def test_another_ending_takes_the_page_as_text(run):
    page, err = run(*GRID, "--out", "page.txt")

    assert err == "highfence: wrote page.txt\n"
    assert Path("page.txt").read_text("utf-8").split() == page.split()


@pytest.mark.parametrize("name", ["draws.csv", "answers.JSON", "game.toml"])
def test_an_empty_file_of_another_kind_is_not_made_a_store(run, name):
    Path(name).touch()
    _, err = run(*GRID, "--store", name, code=4)

    assert f"{name}: this is an empty" in err
    assert "Name another file, or delete it first" in err
    assert Path(name).read_bytes() == b""
    Path("new.hf").touch()  # what a crash leaves of a store
    run(*GRID, "--store", "new.hf")


@pytest.mark.parametrize("command", ["sweep", "robust"])
def test_more_workers_than_the_limit_are_refused(run, capsys, command):
    arguments = [command, "yard.toml", "--draws", "20", "--workers", "1000"]
    assert main(arguments) == 2
    assert "1000 workers are more than MAX_WORKERS = 256. One for each" in capsys.readouterr().err


def test_no_more_workers_start_than_there_are_draws():
    from highfence.study.engines import open_engine

    with open_engine("threads", 200, most=3) as engine:
        assert engine.workers() == 3
    with open_engine("threads", 2, most=3) as engine:
        assert engine.workers() == 2


# ---------------------------------------------------------------------------------------------
# What is swept


def test_a_grid_says_first_which_regime_is_best_and_then_where(run):
    """At cost 1 the yard beats none from stake 1/2 on, the wall the yard from 7.5 on."""
    out, err = run(*GRID)
    said = " ".join(out.split())

    assert said.startswith(
        "A little yard: 4 draws of stake. For Restricting state (A) the best regime is yard in "
        "50 %, none in 25 %, wall in 25 %. 12 of 12 answers are certified (100 %). "
        "Design: grid stake=0:9:4."
    )
    assert "none gives way to yard between stake = 0 and 3" in said
    assert err == ""


def test_steps_of_a_grid_are_exact_before_they_are_rounded(run):
    out, _ = run("--grid", "stake=0:1:11", "--csv")

    assert [row["input.stake"] for row in rows_of(out)[::3]] == [repr(k / 10) for k in range(11)]


def test_grids_are_crossed(run):
    out, _ = run("--grid", "stake=1,2", "--grid", "cost = 1/2, 30%", "--csv", "--regimes", "yard")

    points = [(float(row["input.stake"]), float(row["input.cost"])) for row in rows_of(out)]
    assert points == [(1, 0.5), (1, 0.3), (2, 0.5), (2, 0.3)]
    gains = [float(row["payoff.A.low"]) for row in rows_of(out)]
    assert gains == pytest.approx([s / 2 - c / 4 for s, c in points])


def test_a_list_is_swept_line_by_line(run):
    Path("list.csv").write_text("cost,stake\n1,4\n2,6\n")
    out, _ = run("--list", "list.csv", "--csv", "--regimes", "wall,yard")

    assert [row["regime"] for row in rows_of(out)] == ["wall", "yard"] * 2
    assert [float(row["payoff.A.low"]) for row in rows_of(out)] == [0, 1.75, 1, 2.5]


@pytest.mark.parametrize("design", ["latin_hypercube", "sobol", "random"])
def test_draws_are_those_of_the_seed(run, design):
    from highfence.spec.toml import loads
    from highfence.study.sample import sample

    out, _ = run("--draws", "8", "--design", design, "--rng", "5", "--csv", "--regimes", "none")
    drawn = sample(loads(YARD), 8, 5, method=design)

    for name, column in drawn.items():
        assert [float(row[f"input.{name}"]) for row in rows_of(out)] == column.tolist()


def test_draws_follow_distributions_and_ties(run):
    out, _ = run(
        *("--draws", "20", "--vary", "cost", "--distribution", "stake=discrete(2, 6)"),
        *("--csv", "--regimes", "yard"),
    )
    rows = rows_of(out)

    assert {row["input.stake"] for row in rows} == {"2.0", "6.0"}
    tied, _ = run("--draws", "5", "--vary", "stake", "--tie", "cost=stake / 2", "--csv")
    assert all(float(row["input.cost"]) == float(row["input.stake"]) / 2 for row in rows_of(tied))


def test_what_is_not_drawn_is_set_or_of_the_preset(run):
    out, _ = run("--grid", "cost=1,2", "--set", "stake=8", "--regimes", "yard", "--csv")
    assert [float(row["payoff.A.low"]) for row in rows_of(out)] == [3.75, 3.5]
    out, _ = run("--grid", "cost=1,2", "--preset", "calm", "--regimes", "yard", "--csv")
    assert [float(row["payoff.A.low"]) for row in rows_of(out)] == [0.25, 0]


def test_branches_are_followed(run):
    out, _ = run(*GRID, "--branches", "--regimes", "yard")
    assert "Branches of equilibria along stake" in out
    table, _ = run(*GRID, "--branches", "--regimes", "yard", "--csv")
    assert [row["branch"] for row in rows_of(table)] == ["1"] * 4


# ---------------------------------------------------------------------------------------------
# What is written


def test_json_is_strict_and_has_the_documented_keys(run):
    from highfence.report import sweep_text

    out, _ = run(*GRID, "--json")
    made = json.loads(out, parse_constant=lambda name: pytest.fail(name))

    assert all(key in (sweep_text.__doc__ or "") for key in made)
    assert made["draws"] == 4
    assert made["best"]["A"] == {
        "none": 1, "yard": 2, "wall": 1, "tie": 0, "undecided": 0, "not compared": 0,
    }  # fmt: skip
    assert made["complete"] is True
    assert len(made["rows"]) == 12


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_the_table_is_written_beside_the_page(run, ending):
    out, err = run(*GRID, "--out", f"table.{ending}")

    assert "12 of 12 answers" in out
    assert err == f"highfence: wrote 12 answers to table.{ending}\n"
    assert Path(f"table.{ending}").stat().st_size > 500
    _, err = run(*GRID, "--out", f"table.{ending}", code=2)
    assert "Add --force" in err
    run(*GRID, "--out", f"table.{ending}", "--force")


def test_an_answer_that_is_not_certified_shows_in_the_exit_code(run):
    broken = YARD.replace("- cost * regime.scope ** 2", "- regime.scope / cost")
    broken = broken.replace("value = 1\nlow = 0", "value = 1\nlow = 1")  # 0 is not foreseen
    Path("broken.toml").write_text(broken, "utf-8")

    _, _ = run("--grid", "cost=0,1", game="broken.toml", code=3)
    out, _ = run("--grid", "cost=0,0", game="broken.toml", code=1)
    assert "wrong game" in out
    assert "not compared (an answer is not certified) in 100 %" in " ".join(out.split())


# ---------------------------------------------------------------------------------------------
# The store


def test_a_store_is_shown_gone_on_from_and_refused_to_others(run):
    first, _ = run(*GRID, "--store", "a.sweep")
    again, _ = run(*GRID, "--store", "a.sweep")
    shown, _ = run("--stored", "--store", "a.sweep")

    assert first == again == shown
    _, err = run("--grid", "stake=0:8:4", "--store", "a.sweep", code=4)
    assert "design: grid stake=0:9:4 there, grid stake=0:8:4 here" in err
    _, err = run("--draws", "3", "--rng", "1", "--store", "b.sweep")
    _, err = run("--draws", "3", "--rng", "2", "--store", "b.sweep", code=4)
    assert "latin hypercube, seed 1 there, latin hypercube, seed 2 here" in err


def test_a_damaged_store_is_named_and_repaired(run):
    first, _ = run(*GRID, "--store", "a.sweep")
    data = bytearray(Path("a.sweep").read_bytes())
    data[data.rindex(b"HfnceRow") + 160] ^= 1
    Path("a.sweep").write_bytes(data)

    _, err = run(*GRID, "--store", "a.sweep", code=4)
    assert "the checksum of draw " in err
    assert "11 answers are intact" in err
    shown, _ = run("--stored", "--store", "a.sweep", code=3)
    assert "1 of 12 answers are not there" in shown
    assert run(*GRID, "--store", "a.sweep", "--repair")[0] == first
    assert run("--stored", "--store", "a.sweep")[0] == first


def sweeping(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a sweep that takes long."""
    (folder / "yard.toml").write_text(YARD, "utf-8")
    command = [sys.executable, "-m", "highfence", "sweep", "yard.toml", "--draws", "300000"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize(
    ("number", "code", "workers"),
    [
        (signal.SIGINT, 130, "1"),
        pytest.param(signal.SIGTERM, 143, "2", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_sweep_says_what_it_kept_and_how_to_go_on(tmp_path, number, code, workers):
    process = sweeping(tmp_path, "--store", "a.sweep", "--workers", workers)
    path = tmp_path / "a.sweep"
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
        if path.exists() and path.with_name("a.sweep-wal").exists():
            log = path.with_name("a.sweep-wal").stat().st_size
            if log + path.stat().st_size > 200_000:
                break
    process.send_signal(number)
    out, err = process.communicate(timeout=100)

    assert process.returncode == code, err
    assert out == ""
    assert err.startswith("highfence: interrupted; ")
    assert err.endswith(" are kept in a.sweep; the same command goes on from there\n")
    told = int(err.split()[2].replace(",", ""))
    found = read_sweep(path)
    assert 0 < told == found.status.size - int((found.status == "not solved").sum()) < 900_000
    assert (found.status == "certified").all()
    assert [other.name for other in tmp_path.glob("a.sweep*")] == ["a.sweep"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_an_interrupted_sweep_without_a_store_writes_what_it_has(tmp_path):
    process = sweeping(tmp_path, "--out", "part.csv")
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=100)

    assert process.returncode == 130, err
    last = err.splitlines()[-1]
    if "are in part.csv; with --store FILE one can go on" in last:
        told = int(last.split()[2].replace(",", ""))
        assert len(rows_of((tmp_path / "part.csv").read_text())) == told > 0
    else:  # a slow machine had not solved anything
        assert last.startswith("highfence: interrupted; ")
        assert not (tmp_path / "part.csv").exists()


# ---------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing says what to solve. Choose one of --grid"),
        (("--draws", "3", *GRID), "--grid and --draws were both given"),
        ((*GRID, "--vary", "stake"), "--vary is for --draws N"),
        ((*GRID, "--design", "sobol"), "--design is for --draws N"),
        ((*GRID, "--tie", "a=b"), "--tie is for --draws N"),
        (("--grid", "stake"), "--grid stake: it is not NAME=LOW:HIGH:N or NAME=a,b,c. Write"),
        (("--grid", "stake=0:1"), "a range is LOW:HIGH:N"),
        (("--grid", "stake=1:0:5"), "1 is not below 0"),
        (("--grid", "stake=0:1:1"), "'1' is not a number of steps of at least 2"),
        (("--grid", "stake=0:1:1e9"), "'1e9' is not a number of steps"),
        (("--grid", "stake=0:1:999999999"), "more steps than MAX_SAMPLES"),
        (("--grid", "stake=a,b"), "--grid stake=a,b: "),
        (("--grid", "stake=1e400"), "too large for a floating-point number"),
        (("--grid", "stake=1", "--grid", "stake=2"), "stake is given twice"),
        (("--grid", "stak=1,2"), "no numeric parameter 'stak'. Did you mean 'stake'?"),
        ((*GRID, "--set", "stake=1"), "stake is drawn and set by --set stake="),
        (("--list", "no.csv"), "no.csv: cannot be read"),
        ((*GRID, "--out", "a.xlsx"), "must be one of .parquet, .csv, .json, or .txt"),
        ((*GRID, "--out", "no/a.csv"), "there is no folder 'no'"),
        ((*GRID, "--force"), "--force replaces the file of --out"),
        ((*GRID, "--repair"), "Name it: --store FILE"),
        (("--stored",), "--stored shows a store. Name it"),
        ((*GRID, "--json", "--csv"), "Choose one"),
        ((*GRID, "--engine", "proceses"), "no engine 'proceses'. Did you mean 'processes'"),
        ((*GRID, "--grid", "cost=1,2", "--branches"), "branches are followed along one parameter"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_refused_in_words(run, arguments, says):
    out, err = run(*arguments, code=2)

    assert out == ""
    assert says in err
    assert err.startswith("highfence: error: ")


def test_other_games_are_refused(run):
    _, err = run(*GRID, game="meeting.nfg", code=2)
    assert "has nothing to vary" in err
    run(*GRID, "--store", "a.sweep")
    _, err = run("--stored", "--store", "a.sweep", game="captive_market_timing", code=4)
    assert "the store holds a sweep of little_yard, not of captive_market_timing" in err
    _, err = run("--stored", "--store", "no.sweep", code=4)
    assert "there is no such store" in err


def test_parameters_are_drawn_together_where_that_is_asked(run):
    """Of 200 draws the ranks of the two go together as asked, give or take little."""
    out, _ = run("--draws", "200", "--correlate", "stake,cost=-0.9", "--regimes", "none", "--csv")
    rows = rows_of(out)
    ranks = [
        np.argsort(np.argsort([float(row[f"input.{name}"]) for row in rows]))
        for name in ("stake", "cost")
    ]
    assert np.corrcoef(ranks)[0, 1] == pytest.approx(-0.9, abs=0.05)

    said, _ = run("--draws", "20", "--correlate", "stake,cost=-0.9")
    assert "correlation of stake and cost = -0.9" in " ".join(said.split())
    for wrong, why in (("stake=0.5", "is not A,B=R"), ("stake,cost=2", "beyond -1 .. 1")):
        assert why in run("--draws", "9", "--correlate", wrong, code=2)[1]
    assert "--correlate is for --draws" in run(*GRID, "--correlate", "stake,cost=0.5", code=2)[1]


# ---------------------------------------------------------------------------------------------
# Progress


def test_progress_tells_the_rate_and_the_time_left(monkeypatch):
    from highfence.commands import draws as module

    clock = iter([100.0, 100.001, 110.0, 140.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    said: list[str] = []
    heard = module.told(said.append, "sweeping x", " answers")
    for done in (1000, 1250, 1500, 3000):  # 1,000 were in the store
        heard(done, 11000)

    assert said == [
        "sweeping x",
        "sweeping x: 1,000 of 11,000 answers",
        "sweeping x: 1,250 of 11,000 answers",
        "sweeping x: 1,500 of 11,000 answers, 50 a second, about 3 min left",
        "sweeping x: 3,000 of 11,000 answers, 50 a second, about 3 min left",
    ]


def test_that_workers_may_compile_is_said_where_no_answer_comes_for_long(monkeypatch):
    from highfence.commands import draws as module

    monkeypatch.setattr(module, "SILENT", 0.05)
    for workers, answers, compiling in ((2, 0, True), (2, 1, False), (1, 0, False)):
        said: list[str] = []
        heard = module.told(said.append, "sweeping x", workers=workers)
        for done in range(answers):
            heard(done, 9)
        time.sleep(0.2)

        assert said[0] == "sweeping x"
        assert ("workers compile" in said[-1]) is compiling


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (99, "99 s"), (100, "2 min"), (9000, "2.5 h")]
)
def test_lengths_of_time_are_short(seconds, words):
    from highfence.commands.draws import lasting

    assert lasting(seconds) == words


# ---------------------------------------------------------------------------------------------
# Looking closer


def with_open_answers(found, *cells):
    status = found.status.copy()
    for draw, regime in cells:
        status[draw, regime] = STATUSES[1]
    return replace(found, status=status)


def test_a_page_names_the_command_that_looks_closer_at_what_is_not_certified(run, capsys):
    game = load("yard.toml")
    draws = {"stake": np.array([1.5, 3.0, 1 / 3]), "cost": np.array([0.5, 1.0, 0.25])}
    whole = sweep(game, draws, ["yard", "wall"])
    assert look_closer(whole) == ""
    assert "looks closer" not in sweep_text(whole)
    found = with_open_answers(whole, (2, 1), (1, 1))

    command = look_closer(found)

    assert command == ("highfence solve yard.toml --regime wall --set stake=3 --set cost=1")
    text = sweep_text(found, width=60)
    assert "2 answers are not certified" in " ".join(text.split())
    assert f"  {command}" in text.splitlines()
    assert main(shlex.split(command)[1:]) == 0
    assert "stake = 3" in capsys.readouterr().out
    assert found.to_dict()["look_closer"] == command
    only = with_open_answers(whole, (2, 0))
    assert "1 answer is not certified" in " ".join(sweep_text(only).split())
    assert f"--set stake={1 / 3!r}" in look_closer(only)


def test_the_closer_look_keeps_what_the_sweep_was_asked_with(run):
    game = load("yard.toml")
    whole = sweep(game, {"stake": np.array([1.5, 3.0])}, ["yard"], cost=0.75)
    assert look_closer(with_open_answers(whole, (0, 0))) == (
        "highfence solve yard.toml --regime yard --set cost=0.75 --set stake=1.5"
    )
