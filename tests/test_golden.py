"""Every game of the catalogue prints what was looked at: text and JSON, number by number."""

from __future__ import annotations

import json

import pytest

from golden_outputs import FOLDER, games, outputs, same_text, same_tree

KNOWN = games()
AGAIN = "If the change is meant: python tests/golden_outputs.py"


def test_every_game_has_its_golden_outputs_and_nothing_else_has():
    kept = {path.name for path in FOLDER.iterdir()}
    assert kept == {f"{name}{ending}" for name in KNOWN for ending in (".txt", ".json")}, AGAIN


@pytest.mark.parametrize("name", KNOWN)
def test_a_game_prints_what_it_printed(name):
    made = outputs(KNOWN[name])
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    tree = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))

    if not same_text(made[".txt"], text):
        assert made[".txt"] == text, AGAIN
    if not same_tree(json.loads(made[".json"]), tree):
        assert json.loads(made[".json"]) == tree, AGAIN


def test_the_last_digits_may_differ_and_nothing_else():
    assert same_text("p = 0.333333, 2 equilibria", "p = 0.3333331, 2 equilibria")
    assert not same_text("p = 0.333333, 2 equilibria", "p = 0.3334, 2 equilibria")
    assert not same_text("p = 0.3, 2 equilibria", "p = 0.3, 3 equilibria")
    assert not same_text("p = 0.3 certified", "p = 0.3 rejected")
    assert same_tree({"p": [1.0, None, "x"]}, {"p": [1 + 1e-9, None, "x"]})
    assert not same_tree({"p": [1.0, None]}, {"p": [1.0, 0]})
    assert not same_tree({"p": 1}, {"p": True})
    assert not same_tree({"p": 1}, {"q": 1})
