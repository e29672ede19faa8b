"""Wrong requests, wrong files and wrong games through the command line.

Each ends with exit code 2, says ``highfence: error:`` with the place and the fix, prints
nothing to standard output, and never shows a traceback.
"""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from games_for_cli import MEETING, YARD
from highfence.cli import COMMANDS, main
from highfence.commands.export import write_file
from highfence.errors import RequestError

GAMBIT_BAD = Path(__file__).parent / "data" / "gambit_bad"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds a good game of each kind."""
    (tmp_path / "yard.toml").write_text(YARD, "utf-8")
    (tmp_path / "meeting.nfg").write_text(MEETING, "utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.toml").write_text("", "utf-8")
    (tmp_path / "taken.json").write_text("mine", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must be refused; return what it said."""
    code = main(list(arguments))
    out, err = capsys.readouterr()

    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert err
    assert all(line.startswith("highfence: error: ") for line in err.splitlines())
    return err


# ------------------------------------------------------------------ requests

REQUESTS = {
    "unknown command": (["sovle", "yard.toml"], ["'sovle'", "'solve'"]),
    "unknown command, nothing close": (["zzzzz"], ["'zzzzz'", "compare"]),
    "unknown option": (["solve", "yard.toml", "--methd", "pure"], ["--methd", "--method"]),
    "unknown option before the command": (["--verbos", "list"], ["--verbos"]),
    "option of another command": (["solve", "yard.toml", "--regimes", "yard"], ["--regime"]),
    "no game": (["solve"], ["GAME"]),
    "an argument too many": (["show", "yard.toml", "meeting.nfg"], ["meeting.nfg"]),
    "unknown name": (["solve", "prisoners_dilema"], ["prisoners_dilema", "prisoners_dilemma"]),
    "empty name": (["solve", ""], ["empty", "list"]),
    "no such file": (["show", "yrad.toml"], ["yrad.toml", "no such file"]),
    "no such folder": (["show", "nowhere/yard.toml"], ["nowhere/yard.toml"]),
    "a folder": (["check", "./folder"], ["folder", "directory"]),
    "a device": (["check", "/dev/null"], ["/dev/null"]),
    "unknown ending": (["solve", "./yard.xlsx"], [".xlsx", ".toml"]),
    "yaml": (["solve", "./yard.yaml"], [".toml"]),
    "unknown regime": (["solve", "yard.toml", "--regime", "yarn"], ["'yarn'", "'yard'"]),
    "unknown preset": (["solve", "yard.toml", "--preset", "clam"], ["'clam'", "'calm'"]),
    "unknown method": (
        ["solve", "yard.toml", "--method", "pure_enumeraton"],
        ["pure_enumeraton", "'pure_enumeration'"],
    ),
    "set without =": (["solve", "yard.toml", "--set", "stake"], ["--set", "stake=0.5"]),
    "set without a name": (["solve", "yard.toml", "--set", "=3"], ["--set", "NAME=VALUE"]),
    "set without a value": (["solve", "yard.toml", "--set", "stake="], ["stake", "NAME=VALUE"]),
    "set without anything": (["solve", "yard.toml", "--set"], ["--set"]),
    "set twice": (
        ["solve", "yard.toml", "--set", "stake=1", "--set", "stake=2"],
        ["stake", "twice"],
    ),
    "set an unknown parameter": (
        ["solve", "yard.toml", "--set", "stkae=1"],
        ["--set stkae=1", "'stake'"],
    ),
    "set to no number": (["solve", "yard.toml", "--set", "stake=much"], ["'much'", "0.3"]),
    "set to nan": (["solve", "yard.toml", "--set", "stake=nan"], ["'nan'"]),
    "set to infinity": (["compare", "yard.toml", "--set", "stake=inf"], ["'inf'"]),
    "set to code": (
        ["solve", "yard.toml", "--set", "stake=__import__('os').getpid()"],
        ["stake", "not a number"],
    ),
    "set to a huge number": (["solve", "yard.toml", "--set", "stake=1e999999"], ["stake"]),
    "set a choice that is none": (
        ["solve", "yard.toml", "--set", "timing=discreton"],
        ["timing", "'discretion'"],
    ),
    "set a parameter of a game file": (
        ["solve", "meeting.nfg", "--set", "stake=1"],
        ["--set", "no parameters"],
    ),
    "regime of a game file": (["solve", "meeting.nfg", "--regime", "yard"], ["regime"]),
    "json and csv": (["solve", "yard.toml", "--json", "--csv"], ["--json", "--csv"]),
    "compare json and csv": (["compare", "yard.toml", "--json", "--csv"], ["--json", "--csv"]),
    "compare an unknown regime": (
        ["compare", "yard.toml", "--regimes", "none,yarn"],
        ["'yarn'", "'yard'"],
    ),
    "compare a regime twice": (
        ["compare", "yard.toml", "--regimes", "none,yard,none"],
        ["'none'", "twice"],
    ),
    "compare an empty regime": (["compare", "yard.toml", "--regimes", "none,"], ["--regimes"]),
    "compare no regime": (["compare", "yard.toml", "--regimes", ""], ["--regimes"]),
    "compare without regimes": (["compare", "meeting.nfg"], ["regimes", ".toml"]),
    "empty file": (["solve", "empty.toml"], ["empty.toml", "empty"]),
    "methods of an unknown game": (["methods", "no_such_game"], ["no_such_game"]),
    "export to an unknown ending": (["export", "yard.toml", "out.xlsx"], ["out.xlsx", ".json"]),
    "export without an ending": (["export", "yard.toml", "out"], ["out", ".json"]),
    "export over a file": (["export", "yard.toml", "taken.json"], ["taken.json", "--force"]),
    "export into no folder": (["export", "yard.toml", "nodir/x.json"], ["nodir", "no folder"]),
    "export onto a folder": (["export", "yard.toml", "folder/.json"], [".json"]),
    "export a game file as toml": (["export", "meeting.nfg", "x.toml"], [".nfg"]),
    "export a normal form as a tree": (["export", "meeting.nfg", "x.efg"], ["normal", ".nfg"]),
    "export toml at parameters": (
        ["export", "yard.toml", "x.toml", "--set", "stake=1"],
        ["--set"],
    ),
}


@pytest.mark.parametrize("study", [("robust",), ("tipping", "stake"), ("fit", "--vary", "stake")])
def test_an_ending_that_no_study_writes_is_refused(tmp_path, monkeypatch, capsys, study):
    monkeypatch.chdir(tmp_path)
    name, *more = study
    assert main([name, "offshoring", *more, "--out", "a.xyz"]) == 2
    assert "the ending must be one of .json, .csv, or .txt" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("arguments", "named"), REQUESTS.values(), ids=REQUESTS)
def test_a_wrong_request_is_refused_with_the_place_and_the_fix(here, capsys, arguments, named):
    said = refused(capsys, *arguments)

    for part in named:
        assert part in said


def test_a_refused_export_leaves_what_was_there(here, capsys):
    refused(capsys, "export", "yard.toml", "taken.json")

    assert (here / "taken.json").read_text("utf-8") == "mine"
    assert not list(here.glob(".*"))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_export_into_a_folder_without_permission_is_refused(here, capsys):
    (here / "folder").chmod(0o500)

    assert "folder" in refused(capsys, "export", "yard.toml", "folder/x.json")


def test_export_does_not_write_through_a_symbolic_link(here, capsys):
    (here / "elsewhere.json").write_text("precious", "utf-8")
    (here / "link.json").symlink_to(here / "elsewhere.json")

    said = refused(capsys, "export", "yard.toml", "link.json", "--force")

    assert "link" in said
    assert (here / "elsewhere.json").read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"name = ", "standard input"),
    ],
)
def test_standard_input_that_holds_no_game_is_refused(here, capsys, monkeypatch, data, named):
    stream = SimpleNamespace(buffer=io.BytesIO(data), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)

    assert named in refused(capsys, "solve", "-")


# ------------------------------------------------------------------ games


def changed(old: str, new: str) -> str:
    """Return the good game with one piece of it replaced."""
    assert YARD.count(old) >= 1
    return YARD.replace(old, new, 1)


GAMES = {
    "not TOML": ("players = [", ["1"]),
    "a key twice": (changed('title = "A little yard"', 'name = "again"'), ["name"]),
    "an unknown key": (changed("question =", "qestion ="), ["qestion", "question"]),
    "an unknown table": (changed("[payoffs]", "[payof]"), ["payof", "payoffs"]),
    "no payoffs": (changed('[payoffs]\nA = "W_A"\nC = "gain - denial"\n', ""), ["payoffs"]),
    "a payoff missing": (changed('C = "gain - denial"\n', ""), ["payoffs", "C"]),
    "a payoff of nobody": (changed('A = "W_A"', 'A = "W_A"\nB = "1"'), ["payoffs", "B"]),
    "no players": (changed('A = "Restricting state"\nC = "Restricted state"\n', ""), ["players"]),
    "a decision of nobody": (changed('player = "C"', 'player = "D"'), ["response", "D"]),
    "an unknown name": (changed('"stake * regime.scope"', '"stakes * regime.scope"'), ["stakes"]),
    "an unknown attribute": (changed("regime.scope ** 2", "regime.scop ** 2"), ["scop", "scope"]),
    "an unknown action": (
        changed("response == 'retaliate', 3", "response == 'retaliat', 3"),
        ["retaliat", "retaliate"],
    ),
    "a power with ^": (changed("regime.scope ** 2", "regime.scope ^ 2"), ["**"]),
    "a percentage": (changed("2 * regime.scope - 1.5", "30% * regime.scope"), ["0.3"]),
    "a single =": (changed("response == 'retaliate', 3", "response = 'retaliate', 3"), ["=="]),
    "a condition as a payoff": (changed('A = "W_A"', 'A = "W_A > 0"'), ["condition"]),
    "division by zero": (changed('A = "W_A"', 'A = "W_A / (cost - cost)"'), ["payoffs.A"]),
    "a formula bomb": (changed('A = "W_A"', 'A = "9 ** 9 ** 9 ** 9"'), ["payoffs.A"]),
    "a deep formula": (changed('A = "W_A"', f'A = "{"(" * 3000}1{")" * 3000}"'), ["payoffs.A"]),
    "a long formula": (changed('A = "W_A"', f'A = "{"1 + " * 5000}1"'), ["MAX_FORMULA_LENGTH"]),
    "an import": (changed('A = "W_A"', "A = \"__import__('os').getpid()\""), ["payoffs.A"]),
    "an attribute chain": (changed('A = "W_A"', 'A = "().__class__.__mro__"'), ["payoffs.A"]),
    "a lookalike letter": (changed('A = "W_A"', 'A = "W_\u0410"'), ["CYRILLIC"]),
    "nan": (changed("value = 4", "value = nan"), ["stake"]),
    "infinity": (changed("high = 10", "high = inf"), ["stake"]),
    "a range reversed": (changed("low = 0\nhigh = 10", "low = 10\nhigh = 0"), ["stake"]),
    "a value out of range": (changed("value = 4", "value = 40"), ["stake"]),
    "a choice that is none": (changed('value = "commitment"', 'value = "commit"'), ["timing"]),
    "an action twice": (changed('["accept", "retaliate"]', '["accept", "accept"]'), ["accept"]),
    "no actions": (changed('["accept", "retaliate"]', "[]"), ["response"]),
    "attributes that differ": (changed("yard = {scope = 0.5}", "yard = {size = 0.5}"), ["regime"]),
    "definitions in a circle": (
        changed("hit = \"where(response == 'retaliate', 3, 0)\"", 'hit = "W_A"'),
        ["circle"],
    ),
    "a regime fixes nothing": (
        changed('fix = {regime = "yard"}', 'fix = {regim = "yard"}'),
        ["regim"],
    ),
    "a regime fixes no action": (
        changed('fix = {regime = "yard"}', 'fix = {regime = "yarn"}'),
        ["yarn", "yard"],
    ),
    "a regime sets no parameter": (
        changed('fix = {regime = "yard"}', "set = {stakes = 1}"),
        ["stakes", "stake"],
    ),
    "a regime switches nothing": (changed('fix = {regime = "yard"}', 'off = ["x"]'), ["x"]),
    "a preset of no parameter": (changed("stake = 1", "stke = 1"), ["stke", "stake"]),
    "a flag of an unknown name": (changed("W_A < none.W_A", "W_B < none.W_A"), ["B4", "W_B"]),
    "a flag of an unknown regime": (changed("W_A < none.W_A", "W_A < nun.W_A"), ["B4", "nun"]),
    "a flag that is a number": (changed("W_A < none.W_A", "W_A - none.W_A"), ["B4", "condition"]),
    "a sentence of an unknown name": (changed("{denial:.1f}", "{denil:.1f}"), ["denil", "denial"]),
    "a sentence with a bad format": (changed("{denial:.1f}", "{denial:>9999999}"), ["narrative"]),
    "a sentence with an open brace": (changed("{denial:.1f}", "{denial:.1f"), ["narrative"]),
    "a commitment of nobody": (
        changed('player = "A"\nparameter', 'player = "Z"\nparameter'),
        ["Z"],
    ),
    "a commitment without timing": (
        changed('parameter = "timing"', 'parameter = "timng"'),
        ["timng", "timing"],
    ),
    "a reported outcome that is none": (changed('"gain", "denial"]', '"gian"]'), ["gian", "gain"]),
    "two decisions of a name": (
        changed('actions = ["accept", "retaliate"]', 'actions = ["x"]\n[stages.decisions.regime]\n'
                'player = "C"\nactions = ["y", "z"]'),
        ["regime"],
    ),
    "not UTF-8": (b'name = "\xe9"', ["UTF-8"]),
    "UTF-16": ('name = "x"'.encode("utf-16"), ["UTF-16"]),
    "compressed": (b"\x1f\x8b\x08\x00", ["compressed"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "named"), GAMES.values(), ids=GAMES)
def test_a_wrong_game_is_refused_with_the_place_and_the_fix(here, capsys, text, named):
    path = here / "wrong.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))

    said = refused(capsys, "check", "wrong.toml")

    assert "wrong.toml" in said
    for part in named:
        assert part in said


def test_every_mistake_is_named_at_once(here, capsys):
    text = changed("stake * regime.scope", "stakes * regime.scope")
    text = text.replace("W_A < none.W_A", "W_B < none.W_A").replace("value = 4", "value = nan")
    (here / "wrong.toml").write_text(text, "utf-8")

    said = refused(capsys, "check", "wrong.toml")

    assert len(said.splitlines()) >= 3
    for part in ("stakes", "W_B", "NaN"):
        assert part in said


def test_control_characters_of_a_file_do_not_reach_the_terminal(here, capsys):
    (here / "wrong.toml").write_text(YARD.replace('A = "W_A"', 'A = "W_\\u001b[31m"'), "utf-8")

    assert "\x1b" not in refused(capsys, "check", "wrong.toml")


# ------------------------------------------------------------------ Gambit files

ACCEPTED = {
    # Good files with something unusual in them: read, never refused.
    "bom.nfg", "csv_label.nfg", "dup_iset_label.efg", "escaped_quote.nfg", "exp_payoff.nfg",
    "frac_neg_den.nfg", "html_label.nfg", "huge_int_payoff.nfg", "no_trailing_newline.nfg",
    "one_player.nfg", "path_title.nfg", "probs_float_tenths.efg", "single_terminal.efg",
    "unicode_label.nfg", "all_chance.efg", "absent_minded.efg", "imperfect_recall.efg",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(GAMBIT_BAD.glob("*.?fg")) if p.name not in ACCEPTED],
    ids=lambda p: p.name,
)
def test_a_wrong_game_file_is_refused_with_its_line(capsys, path):
    said = refused(capsys, "check", str(path))

    assert path.name in said


# ------------------------------------------------------------------ the process


def highfence(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "highfence", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "yard.toml", "--methd", "x"],
        ["solve", "nothing_of_this_name"],
        ["check", "empty.toml"],
        ["compare", "yard.toml", "--set", "stake=x"],
        ["export", "yard.toml", "taken.json"],
    ],
    ids=" ".join,
)
def test_the_process_ends_with_code_2_and_no_traceback(here, arguments):
    ran = highfence(*arguments, cwd=here)

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("highfence: error: ")
    assert "Traceback" not in ran.stderr


def test_debug_shows_the_traceback(here):
    ran = highfence("--debug", "solve", "nothing_of_this_name", cwd=here)

    assert ran.returncode == 2
    assert "Traceback" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("highfence: error: ")


def closed_folder(here):
    """Return a folder in which no file can be made, though its permissions may not say so."""
    if os.geteuid():
        (here / "closed").mkdir(mode=0o555)
        return here / "closed"
    if not Path("/sys").is_dir():
        pytest.skip("nothing is closed to this user")
    return Path("/sys")


def with_out():
    """Yield a request of every command that takes --out, of a game that is not there."""
    needed = {"tipping": ("x",), "discover": ("--condition", "x > 1"), "map": ("x", "y")}
    needed["fit"] = ("--vary", "x", "--target", "x=1")
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        command = getattr(import_module(f"highfence.commands.{module}"), attribute)
        if any(option.name in ("out", "figures") for option in command.params):
            game = () if name == "claims" else ("no_such_game",)
            yield (name, *game, *needed.get(name, ()))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions work otherwise")
@pytest.mark.parametrize("asked", list(with_out()), ids=lambda words: words[0])
def test_a_file_that_cannot_be_written_is_refused_before_the_game_is_read(asked, tmp_path, capsys):
    ending = "html" if asked[0] == "report" else "csv"
    out = closed_folder(tmp_path) / f"x.{ending}"
    assert main([*asked, "--out", str(out)]) == 2
    assert "cannot be written to (" in capsys.readouterr().err


def test_without_hard_links_files_are_written_and_none_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: object, target: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    write_file(tmp_path / "made.txt", "first", force=False)
    with pytest.raises(RequestError, match="the file exists"):
        write_file(tmp_path / "made.txt", "second", force=False)
    assert (tmp_path / "made.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["made.txt"]
