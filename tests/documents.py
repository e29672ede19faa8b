"""Documents whose blocks do what they show: how blocks are read, run and compared.

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
- ``<!-- patch: NAME -> OTHER -->`` before a ``diff`` block: OTHER is the contents of NAME, changed
  so. Where the lines that stay and go stand in NAME, those that stay and come are put.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from highfence.cli import main

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[a-z]+: [^\n]+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)(?![\w.])|\d+(?=%))")
"""A number with a decimal point or an exponent, or a percentage; counts are compared as text."""
PLAIN = re.compile(r"highfence [^|<>&;$*?`()#\\~]*")
"""A command in which nothing is the shell's but quotes."""
FLOAT = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


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


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    text = path.read_text("utf-8")
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


def changed(text: str, diff: str) -> str:
    """Return a text with the hunks of a diff applied; a line ``...`` parts two hunks."""
    for hunk in re.split(r"^\.\.\.\n", diff, flags=re.M):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def lay(folder: Path, found: Sequence[Block]) -> Path:
    """Put what a reader has into a folder: the catalogue, the examples, the files of a document."""
    for name in ("games", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    for block in found:
        if block.file:
            (folder / block.file).write_text(block.text, "utf-8")
        elif block.note.startswith("patch: "):
            old, new = block.note.removeprefix("patch: ").split(" -> ")
            (folder / new).write_text(
                changed((folder / old).read_text("utf-8"), block.text), "utf-8"
            )
    return folder


def shell(folder: Path) -> dict[str, str]:
    """Return an environment in which ``highfence`` and ``python`` are those of the tests."""
    for name, arguments in {"highfence": "-m highfence", "python": "", "python3": ""}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}


def cases(found: Sequence[Block]) -> list[object]:
    """Return blocks as test cases, named by their line, the slow ones marked."""
    return [
        pytest.param(
            block,
            marks=[pytest.mark.slow] if block.note.startswith("slow: ") else [],
            id=f"line-{block.line}",
        )
        for block in found
    ]


def run_command(command: str, desk: Path, environment: dict[str, str]) -> tuple[str, int]:
    """Return what a command prints, and its exit code.

    What the shell has no part in runs in this process, which has loaded already what the command
    needs. That a process of its own prints the same is for the tests of the command line.
    """
    if PLAIN.fullmatch(joined := command.replace("\\\n", " ")):
        printed = io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            patch.chdir(desk)
            patch.setenv("COLUMNS", environment["COLUMNS"])
            code = main(shlex.split(joined)[1:])
        return printed.getvalue(), code
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=desk,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ran.stdout, ran.returncode


def run_console(block: Block, desk: Path, environment: dict[str, str]) -> None:
    """Run the commands of a block, and compare what they print with what is shown."""
    code = 0
    todo = steps(block)
    for number, (command, shown) in enumerate(todo):
        if command == "echo $?":
            real = f"{code}\n"
        else:
            real, code = run_command(command, desk, environment)
            asked = todo[number + 1 : number + 2]
            assert code == 0 or (asked and asked[0][0] == "echo $?"), real
        assert same(shown, real), f"$ {command}\n{real}"


def run_python(found: Sequence[Block], name: str) -> None:
    """Run the python blocks of a document as one session, and compare what they print."""
    session: dict[str, object] = {"__name__": "__main__"}
    for block in found:
        if block.kind != "python" or block.file:
            continue
        below = [other for other in found if block.end < other.line <= block.end + 2]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text, f"{name}:{block.line}", "exec"), session)
        for shown in (other.text for other in below if other.kind == "text"):
            assert same(shown, printed.getvalue()), printed.getvalue()
