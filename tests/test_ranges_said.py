"""What every study says of values outside a parameter's declared range."""

from __future__ import annotations

from pathlib import Path

import pytest

from games_for_cli import YARD
from highfence.cli import main

SAID = "highfence: note: stake goes beyond its declared range, 0 .. 10\n"
DRAWN = ("--draws", "8", "--vary", "stake")
WIDE = (*DRAWN, "--distribution", "stake=uniform(0, 50)")
WITHIN = (*DRAWN, "--distribution", "stake=uniform(0, 10)")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return a function that runs a command in a folder with a game; it returns stderr."""
    text = YARD + '\n[targets.gain]\nformula = "none.gain"\nvalue = 1\n'
    text += "\n[mechanisms.spite]\noff = {cost = 0}\n"
    (tmp_path / "yard.toml").write_text(text, "utf-8")
    (tmp_path / "wide.csv").write_text("stake,cost\n-1,2\n4,2\n60,2\n", "utf-8")
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: str) -> str:
        assert main([name, "yard.toml", *arguments]) in (0, 1, 3)
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep", "--grid", "stake=-5,60"),
        ("sweep", "--grid", "stake=0:20:3", "--grid", "cost=1,2"),
        ("sweep", "--list", "wide.csv"),
        ("sweep", *WIDE),
        ("sweep", "--draws", "4", "--vary", "cost", "--tie", "stake=20 + cost"),
        ("map", "stake", "cost", "--x", "-1:5", "--cells", "2", "--depth", "0"),
        ("map", "cost", "stake", "--y", "1,5,11", "--depth", "0"),
        ("tipping", "stake", "--between", "5:12"),
        ("tipping", "stake", "--between", "-1:"),
        ("fit", "--vary", "stake=0:20", "--starts", "1"),
        ("sensitivity", "--method", "rank", *WIDE),
        ("robust", *WIDE),
        ("discover", "--condition", "yard.W_A > none.W_A", *WIDE),
        ("attribute", "--absolute", "--regimes", "yard", "--draws", "4", *WIDE[2:]),
    ],
)
def test_a_study_says_once_that_a_parameter_leaves_its_declared_range(said, arguments):
    assert said(*arguments).count(SAID) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep", "--grid", "stake=0,10"),
        ("sweep", *WITHIN),
        ("map", "stake", "cost", "--x", "0:10", "--cells", "2", "--depth", "0"),
        ("tipping", "stake", "--between", "0:10"),
        ("robust", *WITHIN),
    ],
)
def test_a_study_within_the_declared_ranges_says_nothing(said, arguments):
    assert "declared range" not in said(*arguments)
