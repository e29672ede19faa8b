"""Every block of the README does what the README shows.

How a block is read:

- ``console``: lines that begin with ``$`` are commands (a backslash continues one), what
  follows is their output, standard error included. Output is compared line by line; a decimal
  number and a percentage may differ by one unit of the last digit, a line ``...`` stands for any
  lines, ``...`` within a line for any text. A command must exit with 0, unless ``echo $?`` comes
  next and shows another code. Commands run in a folder that holds the catalogue, the examples
  and the files that the README tells to write.
- ``console`` with an installer in it (pip, pipx, uv): only its syntax, and the names in it,
  are checked here; ``.ci/run`` runs the two that are marked as commands.
- ``python``: run one after the other, as in one session; a ``text`` block right below is
  what it prints.
- ``<!-- file: NAME -->`` before a block: the block is the contents of that file.
- ``<!-- slow: WHY -->`` before a block: it runs with ``-m slow``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[a-z]+: [^\n]+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)(?![\w.])|\d+(?=%))")
"""A number with a decimal point or an exponent, or a percentage; counts are compared as text."""
FLOAT = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
INSTALLERS = re.compile(r"\b(pip|pipx|uv|uvx)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, its text, the line it starts on, the comment before it."""

    kind: str
    text: str
    line: int
    note: str

    @property
    def end(self) -> int:
        """The line of the closing fence."""
        return self.line + self.text.count("\n") + 1

    @property
    def file(self) -> str | None:
        """The name of the file that this block is the contents of."""
        return self.note.removeprefix("file: ") if self.note.startswith("file: ") else None


def blocks() -> list[Block]:
    """Return the fenced blocks of the README, in order."""
    text = README.read_text("utf-8")
    return [
        Block(
            found["kind"],
            found["text"],
            text.count("\n", 0, found.start("kind")) + 1,
            found["note"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def steps(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output shown."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


BLOCKS = blocks()
CONSOLE = [block for block in BLOCKS if block.kind == "console" and not block.file]
INSTALLING = [block for block in CONSOLE if INSTALLERS.search(block.text)]
RUNNING = [block for block in CONSOLE if block not in INSTALLING]
PYTHON = [block for block in BLOCKS if block.kind == "python" and not block.file]


def unit(number: str) -> float:
    """Return one unit of the last digit that is shown."""
    mantissa, _, exponent = number.partition("e")
    digits = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - digits)


def same_line(shown: str, real: str) -> bool:
    """Compare two lines; numbers to one unit of the last digit, ``...`` with anything."""
    pattern = "(.*)".join(
        "([-+]?[0-9.e+-]+)".join(re.escape(text) for text in NUMBER.split(part))
        for part in shown.rstrip().split("...")
    )
    found = re.fullmatch(pattern, real.rstrip())
    if found is None:
        return False
    # The groups of `found` alternate as the numbers and dots do in the line that is shown.
    kinds = re.findall(rf"\.\.\.|{NUMBER.pattern}", shown.rstrip())
    for kind, text in zip(kinds, found.groups(), strict=True):
        if kind == "...":
            continue
        if not FLOAT.fullmatch(text) or abs(float(text) - float(kind)) > 1.001 * unit(kind):
            return False
    return True


def same(shown: str, real: str) -> bool:
    """Compare two outputs line by line; a line ``...`` stands for any number of lines."""
    expected, got = shown.strip("\n").splitlines(), real.strip("\n").splitlines()

    def matches(e: int, g: int) -> bool:
        if e == len(expected):
            return g == len(got)
        if expected[e].strip() == "...":
            return any(matches(e + 1, later) for later in range(g, len(got) + 1))
        return g < len(got) and same_line(expected[e], got[g]) and matches(e + 1, g + 1)

    return matches(0, 0)


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without its head."""
    below = README.read_text("utf-8").split(f"\n{heading}\n")[1]
    rows = re.findall(r"^\|(.*)\|$", re.split(r"^#", below, maxsplit=1, flags=re.M)[0], re.M)
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", row)] for row in rows[2:]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """Return a folder with what the README's reader has: catalogue, examples, own files."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("games", "examples"):
        shutil.copytree(README.parent / name, folder / name)
    for block in BLOCKS:
        if block.file:
            (folder / block.file).write_text(block.text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """Return an environment in which ``highfence`` and ``python`` are those of the tests."""
    commands = tmp_path_factory.mktemp("commands")
    for name, arguments in {"highfence": "-m highfence", "python": "", "python3": ""}.items():
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "100"}


def test_what_is_shown_is_compared_closely_but_not_to_the_last_digit():
    assert same("regret 1.25 in ... s\n...\nend", "regret 1.26 in 0.8 s\na\nb\nend")
    assert same("a\n...\nb", "a\nb")
    assert not same("regret 1.25", "regret 1.27")
    assert not same("tie", "no tie")
    assert not same("a\nb", "a\nb\nc")
    assert not same("1.5e-10", "1.5e-9")
    assert not same("10 regimes in 2026-01, M03", "11 regimes in 2026-01, M03")
    assert not same("10 regimes in 2026-01, M03", "10 regimes in 2026-01, M04")
    assert same("x_1 | -0.30 |", "x_1 | -0.31 |")
    assert same("in 53% of 9 draws", "in 54% of 9 draws")
    assert not same("in 53% of 9 draws", "in 55% of 9 draws")
    assert not same("in 53% of 9 draws", "in 53% of 8 draws")


def test_no_place_is_left_to_fill():
    assert re.findall(r"<!-- fill[^>]*>", README.read_text("utf-8")) == []


def test_every_block_says_what_it_is():
    assert {block.kind for block in BLOCKS} <= {"console", "python", "text", "toml"}
    assert README.read_text("utf-8").count("```") == 2 * len(BLOCKS)
    assert {block.note.partition(": ")[2] for block in BLOCKS if "command" in block.note} == {
        "main",
        "tests",
    }


@pytest.mark.parametrize("block", INSTALLING, ids=lambda block: f"line-{block.line}")
def test_an_install_command_is_well_formed_and_names_what_exists(block, root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    for command, output in steps(block):
        subprocess.run(["sh", "-n", "-c", command], check=True)
        assert output == ""
        for extra in re.findall(r"\.\[(\w+)\]", command):
            assert extra in project["optional-dependencies"]
        for game in re.findall(r"highfence (?:compare|solve|show) (\w+)", command):
            assert list((root / "games").rglob(f"{game}.*"))


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "block",
    [
        pytest.param(
            block,
            marks=[pytest.mark.slow] if block.note.startswith("slow: ") else [],
            id=f"line-{block.line}",
        )
        for block in RUNNING
    ],
)
def test_a_command_prints_what_is_shown(block, desk, environment):
    code = 0
    todo = steps(block)
    for number, (command, shown) in enumerate(todo):
        if command == "echo $?":
            real = f"{code}\n"
        else:
            ran = subprocess.run(
                ["sh", "-c", command],
                cwd=desk,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            real, code = ran.stdout, ran.returncode
            asked = todo[number + 1 : number + 2]
            assert code == 0 or (asked and asked[0][0] == "echo $?"), real
        assert same(shown, real), f"$ {command}\n{real}"


def promise(made: Any) -> str:
    """Return what an entry of the registry promises, as the tables say it."""
    return made.finds.value + (", exact" if made.exact else "")


def test_the_table_of_methods_is_what_the_methods_say():
    from highfence.methods.registry import all_methods

    assert table("### Methods") == [
        [made.name, made.use, made.takes, promise(made), made.source] for made in all_methods()
    ]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("### Answers that are not Nash equilibria", "concept"), ("### Many games at once", "batch")],
)
def test_the_tables_of_other_answers_are_what_these_say(heading, kind):
    from highfence.methods.registry import concepts

    assert table(heading) == [
        [made.name, made.use, made.takes, promise(made), made.call, made.source]
        for made in concepts()
        if made.kind == kind
    ]


def test_the_table_of_limits_is_true():
    from highfence import limits

    rows = table("## Limits")
    assert rows
    for name, value, _ in rows:
        assert getattr(limits, name) == int(value.replace(",", ""))


def test_the_table_of_exit_codes_is_that_of_the_command_line():
    from highfence.commands import exit_codes as cli

    codes = [cli.SOLVED, cli.NOTHING, cli.WRONG, cli.PART, cli.STORE, cli.DEFECT, cli.INTERRUPTED]
    assert [int(code) for code, _ in table("### Exit codes")] == codes
    assert f"({cli.TERMINATED}: terminated)" in README.read_text("utf-8")


def test_the_table_of_commands_names_every_command_and_option():
    import click

    from highfence.cli import COMMANDS, cli

    shown = {row[0].split()[1]: row[0] for row in table("### Commands")}
    assert set(shown) == set(COMMANDS)
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o[:2] == "--"}
        there = set(re.findall(r"--[a-z-]+", shown[name]))
        assert there <= options
        assert options - there <= {"--debug", "--commitment"}


def test_the_spec_table_names_every_part_of_a_file():
    from highfence.spec.toml import _SECTIONS

    named = {word for row in table("### The spec") for word in re.findall(r"`?(\w+)`?", row[0])}
    assert set(_SECTIONS) <= named


def test_the_json_keys_shown_are_those_that_are_printed(desk, environment):
    def printed(*arguments: str) -> object:
        command = [sys.executable, "-m", "highfence", *arguments, "--json"]
        ran = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True)
        return json.loads(ran.stdout)

    solve, compare = (
        block.text for block in BLOCKS if block.kind == "text" and block.text.startswith("{")
    )
    solution = printed("solve", "prisoners_dilemma")
    comparison = printed("compare", "yard.toml")
    (equilibrium,) = solution["equilibria"]
    for keys, text in (
        ([*solution, *equilibrium, *equilibrium["certificate"]], solve),
        ([*comparison, *comparison["regimes"]["none"], *comparison["best"]["A"]], compare),
        (comparison["choice"], compare),
    ):
        assert set(keys) <= set(re.findall(r'"(\w+)"', text))


def test_the_python_blocks_run_in_order_and_print_what_is_shown(desk, monkeypatch):
    monkeypatch.chdir(desk)
    session: dict[str, object] = {"__name__": "__main__"}

    assert PYTHON
    for block in PYTHON:
        below = [other for other in BLOCKS if block.end < other.line <= block.end + 2]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text, f"README.md:{block.line}", "exec"), session)
        for shown in (other.text for other in below if other.kind == "text"):
            assert same(shown, printed.getvalue()), printed.getvalue()
