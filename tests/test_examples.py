"""The scripts in examples/: short enough to read at a glance, and each runs and answers."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


def test_there_are_examples_and_their_names_say_in_which_order_to_read_them():
    assert EXAMPLES
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+\.py", path.name) for path in EXAMPLES)
    numbers = [path.name[:2] for path in EXAMPLES]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_it_is_about(script):
    lines = script.read_text("utf-8").splitlines()

    assert len(lines) < 40
    assert lines[0].startswith('"""')


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_without_a_warning_and_prints_its_answer(
    script, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])

    runpy.run_path(str(script), run_name="__main__")

    out, err = capsys.readouterr()
    assert out.strip()
    assert err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", EXAMPLES[:2], ids=lambda path: path.stem)
def test_an_example_runs_in_a_process_of_its_own(script, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "HIGHFENCE_QUIET": "1"},
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    assert ran.stderr == ""
    assert list(tmp_path.iterdir()) == []
