"""Every block of the README does what the README shows; :mod:`documents` says how it is read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from documents import blocks, cases, lay, run_console, run_python, same, shell, steps

README = Path(__file__).resolve().parent.parent / "README.md"
INSTALLERS = re.compile(r"\b(pip|pipx|uv|uvx)\b")

BLOCKS = blocks(README)
CONSOLE = [block for block in BLOCKS if block.kind == "console" and not block.file]
INSTALLING = [block for block in CONSOLE if INSTALLERS.search(block.text)]
RUNNING = [block for block in CONSOLE if block not in INSTALLING]
PYTHON = [block for block in BLOCKS if block.kind == "python" and not block.file]


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without its head."""
    below = README.read_text("utf-8").split(f"\n{heading}\n")[1]
    rows = re.findall(r"^\|(.*)\|$", re.split(r"^#", below, maxsplit=1, flags=re.M)[0], re.M)
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", row)] for row in rows[2:]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """Return a folder with what the README's reader has: catalogue, examples, own files."""
    return lay(tmp_path_factory.mktemp("desk"), BLOCKS)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """Return an environment in which ``highfence`` and ``python`` are those of the tests."""
    return shell(tmp_path_factory.mktemp("commands"))


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
@pytest.mark.parametrize("block", cases(RUNNING))
def test_a_command_prints_what_is_shown(block, desk, environment):
    run_console(block, desk, environment)


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
    assert PYTHON
    run_python(BLOCKS, "README.md")
