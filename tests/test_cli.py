"""The command line: what each command prints, where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from games_for_cli import MEETING, PENNIES, YARD
from highfence.cli import main

COMMANDS = ("list", "show", "check", "solve", "compare", "methods", "export")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds three small games."""
    (tmp_path / "yard.toml").write_text(YARD, "utf-8")
    (tmp_path / "meeting.nfg").write_text(MEETING, "utf-8")
    (tmp_path / "pennies.nfg").write_text(PENNIES, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs a command in this process."""

    def run(*arguments: str, code: int = 0) -> str:
        ended = main(list(arguments))
        out, err = capsys.readouterr()
        assert ended == code, err
        assert "Traceback" not in err
        return out

    return run


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    environment = {**os.environ, **options.pop("environment", {})}
    for name in options.pop("without", ()):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-m", "highfence", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        **options,
    )


# ------------------------------------------------------------------ help, version, list


def test_no_arguments_print_the_usage_to_standard_error():
    ran = process()

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("Usage: highfence")


def test_help_names_every_command(run):
    said = run("--help")

    for command in COMMANDS:
        assert re.search(rf"^  {command} ", said, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run, command):
    assert run(command, "--help").startswith(f"Usage: highfence {command}")


def test_the_version_is_that_of_the_package(run):
    import highfence

    assert run("--version") == f"highfence {highfence.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["list"]], ids=" ".join)
def test_help_and_list_answer_at_once(arguments):
    """Measured 0.05 s of CPU time; the promise is 0.15 s, and shared machines are slow."""
    resource = pytest.importorskip("resource")
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert process(*arguments).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(spent) < 0.3


def test_list_names_games_with_their_titles(run):
    said = run("list")

    assert "small_yard_high_fence: Small yard, high fence" in said


def test_list_shows_one_folder_or_what_a_word_finds(run):
    coercion = run("list", "coercion")
    assert coercion.startswith("Games in ./games/coercion\n") or "catalogue, coercion" in coercion
    assert "sanctions_threat" in coercion
    assert "small_yard_high_fence" not in coercion

    found = json.loads(run("list", "coercion", "--search", "SANCTION", "--json"))
    assert {entry["folder"] for entry in found} == {"coercion"}
    assert 0 < len(found) < coercion.count("\n") - 1
    assert "'zebra'" in run("list", "--search", "zebra")


def test_list_suggests_the_folder_that_was_meant(capsys):
    assert main(["list", "coersion"]) == 2
    assert "Did you mean 'coercion'?" in capsys.readouterr().err


def test_list_as_json_names_file_form_and_question(run):
    listed = {entry["name"]: entry for entry in json.loads(run("list", "--json"))}
    flagship = listed["small_yard_high_fence"]

    assert set(flagship) >= {"name", "title", "question", "form", "path", "origin"}
    assert flagship["form"] == "staged"
    assert Path(flagship["path"]).is_file()


def test_games_of_ones_own_are_listed_and_found_by_name(here, run):
    (here / "games").mkdir()
    (here / "games" / "mine.toml").write_text(YARD, "utf-8")

    assert "mine: A little yard" in run("list")
    assert "A little yard" in run("show", "mine")


# ------------------------------------------------------------------ show, check


def test_show_tells_all_that_a_reader_needs(run):
    said = run("show", "yard.toml")

    for part in (
        "Restricting state",
        "stake      4  0 .. 10",
        "USD bn",
        "Source: own numbers.",
        "commitment | discretion",
        "yard: scope 0.5",
        "yard (Small yard): regime = yard",
        "calm: stake = 1",
        "Nothing is smuggled.",
        "as in stage 1",
    ):
        assert re.sub(r"\s+", " ", part) in re.sub(r"\s+", " ", said)


def test_show_tells_the_strategies_of_a_game_file(run):
    assert "Row: opera, fight" in run("show", "meeting.nfg")


def test_a_game_that_another_of_its_name_hides_is_listed_as_such(here, run):
    (here / "games").mkdir()
    (here / "games" / "chicken.toml").write_text(YARD, "utf-8")
    listed = run("list", "--search", "chicken")
    assert listed.count("chicken:") == 2
    assert listed.count("(by its path only: the name calls another in ./games)") == 1
    assert "by its path only" not in run("list", "coercion")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("solve", "chicken", "--limit", "x"), "'x' is not a whole number. See"),
        (("sweep", "chicken", "--draws", "1.5"), "'1.5' is not a whole number. See"),
        (("tipping", "chicken", "v", "--tolerance", "x"), "'x' is not a number. See"),
        (("show", "zzzzzz"), "there is no game 'zzzzzz'. `highfence list` shows all"),
        (("show", "folder"), "there is no game 'folder'. It is a folder: name a game in it"),
    ],
)
def test_a_wrong_word_is_answered_in_plain_words(here, capsys, arguments, said):
    (here / "folder").mkdir()
    assert main(list(arguments)) == 2
    assert said in capsys.readouterr().err


UNSOLVED = """\
name = "secret"
[players]
A = "A"
C = "C"
[[stages]]
name = "nature"
chance.kind = {strong = 0.3, weak = 0.7}
[[stages]]
name = "first"
decisions.effort = {player = "A", observes = ["kind"], interval = {low = 0, high = 1}}
[[stages]]
name = "second"
decisions.reply = {player = "C", observes = ["effort"], actions = ["l", "r"]}
[payoffs]
A = "effort * where(kind == 'strong', 1, -1)"
C = "where(reply == 'l', effort, 1 - effort)"
[regimes.none]
[regimes.other]
"""


def test_check_warns_of_a_game_that_no_method_solves(here, capsys):
    (here / "secret.toml").write_text(UNSOLVED, "utf-8")

    assert main(["check", "secret.toml"]) == 0

    out, err = capsys.readouterr()
    assert out.startswith("secret.toml: nothing wrong (2 players, 3 stages")
    (line,) = err.splitlines()
    assert line.startswith("highfence: warning: no method solves it: secret.toml: reply:")
    assert "it does not observe 'kind', which 'effort' does" in line
    assert "Write the actions of effort as a list" in line
    assert main(["solve", "secret.toml"]) == 2
    assert "it does not observe 'kind'" in capsys.readouterr().err
    # The way out that it names is one.
    grid = UNSOLVED.replace("interval = {low = 0, high = 1}", "actions = [0, 0.5, 1]")
    (here / "secret.toml").write_text(grid, "utf-8")
    assert main(["check", "secret.toml"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["solve", "secret.toml"]) == 0


def test_check_names_the_regimes_under_which_no_method_solves(here, capsys):
    text = """\
name = "wide"
[players]
A = "A"
[parameters]
top = {value = 1, low = 0.6, high = 2}
[[stages]]
name = "one"
decisions.a = {player = "A", interval = {low = 0.5, high = "top"}}
[payoffs]
A = "a"
[regimes.free]
[regimes.closed]
set = {top = 0.2}
"""
    (here / "wide.toml").write_text(text, "utf-8")

    assert main(["check", "wide.toml"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("highfence: warning: no method solves it under closed: wide.toml")
    assert "the interval from 0.5 to 0.2 is empty" in line


def test_check_says_that_nothing_is_wrong(run):
    assert run("check", "yard.toml") == (
        "yard.toml: nothing wrong (2 players, 3 stages, 3 parameters, 3 regimes)\n"
    )
    assert run("check", "meeting.nfg") == "meeting.nfg: nothing wrong (2 players)\n"


# ------------------------------------------------------------------ solve


def test_solve_prints_every_equilibrium_with_its_certificate(run):
    assert run("solve", "meeting.nfg") == GOLDEN_MEETING


GOLDEN_MEETING = """\
Battle (meeting.nfg)
normal form, solved by extreme_enumeration, which promises all equilibria
auto chose it: 2 players with a choice, 2x2 strategies; it is good for every equilibrium of two
players, with the continua they span
solved: 3 equilibria, each certified; the search was complete: all extreme equilibria of a
two-player game, exactly

Equilibrium 1 of 3
  Row: opera
  Column: opera
  payoffs: Row 3, Column 2
  certificate: regret 0, exact; no player gains by any of their pure strategies

Equilibrium 2 of 3
  Row: opera with probability 3/5, fight with 2/5
  Column: opera with probability 2/5, fight with 3/5
  payoffs: Row 6/5, Column 6/5
  certificate: regret 0, exact; no player gains by any of their pure strategies

Equilibrium 3 of 3
  Row: fight
  Column: fight
  payoffs: Row 2, Column 3
  certificate: regret 0, exact; no player gains by any of their pure strategies

Over all equilibria
  Row  1.2 .. 3
  Column  1.2 .. 3
"""


def test_infinitely_many_equilibria_are_said_to_be_so(here, run):
    """Where B is indifferent, A does u or d: two segments that share a point."""
    (here / "ties.nfg").write_text(
        'NFG 1 R "Ties" { "A" "B" } { { "u" "d" } { "l" "r" } }\n1 1 1 1 0 0 1 1\n', "utf-8"
    )
    said = run("solve", "ties.nfg")

    assert "solved: infinitely many equilibria; the 3 extreme ones are listed" in said
    assert "in 1 connected component." in said
    assert said.endswith("  equilibria 1, 2\n  equilibria 2, 3\n")


def test_solve_takes_a_regime_a_preset_and_parameters(run):
    made = json.loads(
        run("solve", "yard.toml", "--regime", "yard", "--preset", "calm", "--set", "cost=1/2",
            "--json")
    )  # fmt: skip

    assert made["regime"] == "yard"
    assert made["preset"] == "calm"
    assert made["parameters"] == {"stake": 1, "cost": 0.5, "timing": "commitment"}
    (equilibrium,) = made["equilibria"]
    assert equilibrium["payoffs"] == {"A": 0.375, "C": -0.5}
    assert equilibrium["exact"]["payoffs"] == {"A": "3/8", "C": "-1/2"}


@pytest.mark.parametrize(
    ("value", "said"), [("11", True), ("-1/2", True), ("10", False), ("0", False)]
)
def test_a_value_outside_the_declared_range_is_taken_and_said_to_be_so(here, capsys, value, said):
    assert main(["solve", "yard.toml", "--set", f"stake={value}"]) == 0

    note = f"highfence: note: stake = {value} is outside its declared range, 0 .. 10\n"
    assert capsys.readouterr().err == (note if said else "")


def test_a_percentage_is_a_number(run):
    made = json.loads(run("solve", "yard.toml", "--set", "stake=50%", "--json"))

    assert made["parameters"]["stake"] == 0.5


def test_solve_as_csv_has_a_row_for_each_equilibrium(run):
    rows = list(csv.DictReader(io.StringIO(run("solve", "meeting.nfg", "--csv"))))

    assert len(rows) == 3
    assert sorted(float(row["payoff.Row"]) for row in rows) == [1.2, 2, 3]
    assert {row["exact"] for row in rows} == {"true"}


def test_a_method_without_an_equilibrium_ends_with_code_1(run):
    made = json.loads(run("solve", "pennies.nfg", "--method", "pure_enumeration", "--json", code=1))

    assert made["status"] == "none found"
    assert made["equilibria"] == []
    assert made["reason"]


def test_a_search_that_meets_a_limit_ends_with_code_3(run, monkeypatch):
    monkeypatch.setattr("highfence.limits.MAX_EQUILIBRIA", 1)
    made = json.loads(run("solve", "meeting.nfg", "--json", code=3))

    assert made["status"] == "partial"
    assert len(made["equilibria"]) >= 1


def test_a_limit_above_the_guard_is_used_and_said(here, capsys, monkeypatch):
    monkeypatch.setattr("highfence.limits.MAX_EQUILIBRIA", 1)
    for limit, said in (("1", False), ("3", True)):
        main(["solve", "meeting.nfg", "--limit", limit, "--json"])
        out, err = capsys.readouterr()
        assert len(json.loads(out)["equilibria"]) == int(limit)
        assert ("--limit 3 is used in place of MAX_EQUILIBRIA = 1" in err) == said


def test_a_game_comes_through_standard_input(run, monkeypatch):
    for text in (YARD, MEETING):
        data = SimpleNamespace(buffer=io.BytesIO(text.encode()), isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", data)

        assert json.loads(run("solve", "-", "--json"))["source"] == "standard input"


def test_methods_say_what_they_promise(run):
    said = run("methods")

    for part in ("extreme", "promises: all", "source:"):
        assert part in said


def test_methods_of_a_game_say_which_one_auto_takes(run):
    listed = json.loads(run("methods", "pennies.nfg", "--json"))

    assert {made["form"] for made in listed} == {"normal"}
    assert next(made for made in listed if made["accepts"])["name"] == "extreme_enumeration"
    assert "extreme" in run("methods", "pennies.nfg")


# ------------------------------------------------------------------ export


@pytest.mark.parametrize(
    ("game", "ending"), [("yard.toml", "toml"), ("yard.toml", "efg"), ("meeting.nfg", "nfg")]
)
def test_an_exported_game_has_the_same_equilibria(run, game, ending):
    assert run("export", game, f"copy.{ending}") == ""

    assert payoffs(run("solve", f"copy.{ending}", "--json")) == payoffs(
        run("solve", game, "--json")
    )


def test_it_is_said_that_json_is_not_read_back(here, capsys):
    assert main(["export", "yard.toml", "copy.json"]) == 0
    assert "is not read back; .toml is" in capsys.readouterr().err
    assert main(["solve", "copy.json"]) == 2
    assert "copy.json: .json games are not read" in capsys.readouterr().err


def test_a_tree_exported_as_a_strategic_form_keeps_its_nash_equilibria(here, capsys):
    assert main(["export", "yard.toml", "copy.nfg"]) == 0
    assert "need not be subgame perfect" in capsys.readouterr().err
    found = []
    for game in ("yard.toml", "copy.nfg"):
        assert main(["solve", game, "--json"]) == 0
        found.append(payoffs(capsys.readouterr().out))

    assert found[0][0] in found[1]


def payoffs(text: str) -> list[dict[str, float]]:
    """Return the payoffs of each equilibrium in a solution's JSON."""
    return [equilibrium["payoffs"] for equilibrium in json.loads(text)["equilibria"]]


def test_an_exported_regime_is_the_game_under_it(run):
    run("export", "yard.toml", "wall.nfg", "--regime", "wall")

    (equilibrium,) = json.loads(run("solve", "wall.nfg", "--json"))["equilibria"]
    assert equilibrium["payoffs"] == {"A": 0, "C": -3.5}


def test_json_export_holds_the_spec(run, here):
    run("export", "yard.toml", "yard.json")
    made = json.loads((here / "yard.json").read_text("utf-8"))

    assert made["name"] == "little_yard"
    assert set(made["regimes"]) == {"none", "yard", "wall"}


def test_export_replaces_a_file_when_told_to(run, here):
    (here / "old.nfg").write_text("old", "utf-8")
    run("export", "meeting.nfg", "old.nfg", "--force")

    assert (here / "old.nfg").read_text("utf-8").startswith("NFG 1 R")
    assert not list(here.glob(".*"))


# ------------------------------------------------------------------ compare


def test_compare_prints_a_table_and_words(run):
    assert run("compare", "yard.toml") == GOLDEN_YARD


GOLDEN_YARD = """\
A little yard
Which controls should A choose when C can answer?
little_yard (yard.toml); default parameters

                                  Restricted
                                       state
regime         W_A  gain  denial           C
No controls   0.00   0.0       0        0.0*
Small yard   1.75*   0.0       2        -2.0
Wall          0.00   0.5       4        -3.5

* best for that player
Best for Restricting state: Small yard, by 1.75 over No controls
Best for Restricted state: No controls, by 2 over Small yard
Value of commitment to Restricting state: 1.75, that is 1.75 by choosing first (Small yard) less 0
  by choosing last (Wall)

What happens
No controls: Everything is sold.
Small yard [D]: Denial is 2.0 at stake 4.
Wall [D]: Denial is 4.0 at stake 4. C retaliates.

Flags: D is denial > none.denial

Not shown: what the columns mean and 1 assumption (highfence compare --all).
"""


def test_compare_prints_everything_on_request(run):
    said = run("compare", "yard.toml", "--all")

    for part in (
        "Chosen by Restricting state: Small yard",
        "Flags: B4 is W_A < none.W_A; D is denial > none.denial",
        "denial: Denial (USD bn)",
        "- Nothing is smuggled.",
    ):
        assert part in said
    assert "Not shown" not in said


def test_solve_prints_everything_on_request(run):
    short, whole = run("solve", "yard.toml"), run("solve", "yard.toml", "--all")

    assert "Not shown: the play, move by move (highfence solve --all)." in short
    assert "A (Restricting state): regime = yard" in short
    assert "play: A at regime: yard; C at response after regime=yard: accept" in whole
    assert "Not shown" not in whole


def test_solve_shows_a_dozen_outcomes_and_counts_the_rest(here, run):
    more = "".join(f'w{k} = "stake + {k}"\n' for k in range(15))
    text = YARD.replace('outcomes = ["W_A", "gain", "denial"]\n', "")
    (here / "many.toml").write_text(text.replace("[derived]\n", f"[derived]\n{more}"), "utf-8")

    assert re.search(r"w11 15, \.\.\.\s+\(7\s+more\)", run("solve", "many.toml"))
    assert "w14 18" in run("solve", "many.toml", "--all")


def test_solve_names_what_was_asked_for(run):
    said = run("solve", "yard.toml", "--regime", "wall", "--preset", "calm", "--set", "stake=5/2")

    assert "regime wall; preset calm; stake = 2.5" in said


def test_compare_as_csv_has_a_row_for_each_regime(run):
    rows = list(csv.DictReader(io.StringIO(run("compare", "yard.toml", "--csv"))))

    assert [row["regime"] for row in rows] == ["none", "yard", "wall"]
    assert [float(row["payoff.A"]) for row in rows] == [0, 1.75, 0]
    assert [row["flag.D"] for row in rows] == ["false", "true", "true"]


def test_compare_takes_regimes_in_the_order_asked_for(run):
    made = json.loads(run("compare", "yard.toml", "--regimes", "wall,none", "--json"))

    assert list(made["regimes"]) == ["wall", "none"]


def test_the_flagship_is_compared_from_the_catalogue(run):
    """D2 of the scenarios: with open entry the yard raises the challenger's capability, and A
    is better off without controls."""
    command = ["compare", "small_yard_high_fence", "--regimes", "none,small_yard"]
    made = json.loads(run(*command, "--no-commitment", "--json"))
    yard = made["regimes"]["small_yard"]

    assert made["best"]["A"]["regime"] == "none"
    assert made["best"]["A"]["margin"] == pytest.approx(0.081, abs=0.003)
    assert yard["outcomes"]["K_H"][0] == pytest.approx(0.144, abs=0.005)
    assert yard["flags"] == {"B0": False, "B1": True, "B2": False, "B3": True, "B4": True}
    assert "A third country backfills the frontier segment." in yard["says"]
    assert yard["equilibria"][0]["strategies"]["C"]["s"] == pytest.approx(0.412, abs=0.01)
    assert made["commitment"] is None


# ------------------------------------------------------------------ terminals and pipes


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
@pytest.mark.parametrize("command", [["compare", "yard.toml"], ["solve", "meeting.nfg"]])
def test_no_digit_is_lost_at_any_width(run, monkeypatch, columns, command):
    monkeypatch.setenv("COLUMNS", "1000")
    wide = numbers(run(*command))
    monkeypatch.setenv("COLUMNS", columns)

    assert numbers(run(*command)) == wide


def numbers(text: str) -> set[str]:
    """Return the numbers in a text."""
    return set(re.findall(r"\d+(?:\.\d+)?(?:/\d+)?", text))


def test_lines_are_as_wide_as_the_terminal_where_words_allow(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    assert max(map(len, run("show", "yard.toml").splitlines())) <= 40


def test_output_that_is_no_terminal_is_plain(run):
    for command in (["list"], ["show", "yard.toml"], ["solve", "meeting.nfg"]):
        assert "\x1b" not in run(*command)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("colored", [True, False])
def test_a_terminal_gets_color_unless_no_color_is_set(here, colored):
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    if not colored:
        environment["NO_COLOR"] = "1"
    said = on_a_terminal(["solve", "meeting.nfg"], environment, here)

    assert "3 equilibria, each certified" in said
    assert ("\x1b[32m" in said) == colored


def on_a_terminal(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    """Run the command with a pseudo-terminal as its standard output."""
    import pty

    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "highfence", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=folder,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side was closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert child.wait(60) == 0
    child.stderr.close()
    return said.decode()


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["show", "small_yard_high_fence"],
        ["solve", "meeting.nfg", "--csv"],
    ],
    ids=" ".join,
)
def test_a_closed_pipe_is_success(here, command):
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "highfence", *command],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    assert ran.returncode == 0
    assert ran.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error():
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "highfence", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    assert ran.returncode == 2
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_it_works_without_a_home_and_without_utf8(here):
    ran = process(
        "show",
        "yard.toml",
        environment={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        without=("HOME",),
    )

    assert ran.returncode == 0
    assert "A little yard" in ran.stdout


def test_nothing_is_written_where_one_works(here, run):
    before = sorted(here.rglob("*"))
    for command in (["list"], ["show", "yard.toml"], ["solve", "meeting.nfg"]):
        run(*command)

    assert sorted(here.rglob("*")) == before


@pytest.mark.slow
def test_progress_says_that_code_is_compiled_though_numba_comes_late():
    """Numba is imported after a while, and compiles at once: that is when it takes long."""
    waits = """
import io, sys, time
class Terminal(io.StringIO):
    def isatty(self):
        return True
sys.stderr = Terminal()
from highfence.commands.output import progress
with progress() as tell:
    tell("solving")
    time.sleep(1.2)
    from numba.core import event
    time.sleep(0.3)  # what else importing numba takes
    event.start_event("numba:compile", {})
    time.sleep(1.3)
    event.end_event("numba:compile", {})
print(sys.stderr.getvalue())
"""
    ran = told_progress(waits)

    assert "solving (1 s)" in ran.stdout, ran.stderr
    assert "solving; compiling for this machine (the first time only)" in ran.stdout


def told_progress(program: str, quiet: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "HIGHFENCE_QUIET"}
    if quiet is not None:
        environment["HIGHFENCE_QUIET"] = quiet
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment
    )


SLOW = """
import time
from highfence import progress, waiting
waiting.EVERY = 1
with progress() as tell:
    tell("sweeping yard: 3 of 9 answers")
    time.sleep({seconds})
print("the answer")
"""


def test_progress_is_told_in_lines_where_no_terminal_shows_it():
    ran = told_progress(SLOW.format(seconds=3.5))

    assert ran.stdout == "the answer\n"
    lines = ran.stderr.splitlines()
    assert lines[0] == "highfence: sweeping yard: 3 of 9 answers (2 s)"
    assert lines[1:] == ["highfence: sweeping yard: 3 of 9 answers (3 s)"]


def test_what_is_soon_done_is_done_without_a_word():
    assert told_progress(SLOW.format(seconds=0.5)).stderr == ""


@pytest.mark.slow
def test_progress_is_kept_off_stderr_for_who_wants_quiet():
    assert told_progress(SLOW.format(seconds=2.5), quiet="1").stderr == ""
    assert told_progress(SLOW.format(seconds=2.5), quiet="0").stderr != ""


# ------------------------------------------------------------------ interruption

ENDLESS = """\
from highfence import Decision, Game, Stage

print("building", flush=True)
while True:
    pass
"""
"""A builder that never ends stands for any long computation in Python."""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "kill"]
)
def test_an_interruption_ends_with_its_code_and_no_traceback(here, number, code):
    (here / "endless.py").write_text(ENDLESS, "utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "highfence", "solve", "endless.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "building\n"
    started = time.monotonic()
    child.send_signal(number)
    out, err = child.communicate(timeout=60)

    assert child.returncode == code
    assert time.monotonic() - started < 10
    assert out == ""
    assert err.strip() == "highfence: interrupted; nothing was written"


STUBBORN = """\
said = "building"
while True:
    try:
        print(said, flush=True)  # inside, so that whoever has read it interrupts what catches it
        while True:
            pass
    except KeyboardInterrupt:
        said = "once more"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_second_interruption_ends_at_once_whatever_the_first_met(here):
    (here / "stubborn.py").write_text(STUBBORN, "utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "highfence", "solve", "stubborn.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "building\n"
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "once more\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)

    assert child.returncode == 130
    assert "Traceback" not in err
