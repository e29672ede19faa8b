"""That the table of speeds can be made: every row runs, on small sizes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(scope="module")
def table() -> ModuleType:
    """Return the module of the table, which finds its neighbors as a script does."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("table", BENCHMARKS / "table.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["table"] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BENCHMARKS))


NAMES = (
    "bimatrix", "exact", "pure", "stages", "polynomial", "newton", "large", "trees", "poker",
    "lemke", "markov", "markov_large", "qre", "staged", "regions",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    # The formulas of three stages take some seconds to derive, those of a tree to compile.
    [pytest.param(n, marks=pytest.mark.slow if n.startswith("stage") else ()) for n in NAMES],
)
def test_every_row_can_be_measured(name, table, capsys):
    table.main(["--tiny", "--alone", name])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines[2:] if line.startswith("|")]

    assert rows
    assert all(line.count("|") == 6 for line in rows)
    assert "numpy" in lines[-1]


def test_the_table_has_these_rows_and_no_others(table):
    assert tuple(table.ROWS) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_peer_gives_the_same_answers(name, table, capsys):
    table.main(["--tiny", name])

    assert capsys.readouterr().out.count("\n") > 3


def test_a_row_that_is_not_there_is_refused(table):
    with pytest.raises(SystemExit):
        table.main(["nothing"])


def test_numbers_are_given_to_two_digits(table):
    assert [table.rounded(n) for n in (0.1234, 12.34, 1234, 123456, 2345678)] == [
        "0.12", "12", "1,200", "123,000", "2.3 million",
    ]  # fmt: skip
    assert [table.spoken(t) for t in (12.3, 0.0123, 1.23e-5)] == ["12 s", "12 ms", "12 µs"]
