"""Every game of the catalogue prints what was looked at: text and JSON, number by number."""

from __future__ import annotations

import json
from time import process_time

import pytest

from golden_outputs import FOLDER, ROOT, games, outputs, same_text, same_tree

KNOWN = games()
SECONDS = 2
SLOW = {"fershtman_kamien_1987": 6, "harris_vickers_1987": 5, "yard_with_allies": 5}
"""Games that take longer, in seconds of CPU time, compiled. games/README.md names them."""
SLACK = 2
"""How much longer anything may take on a machine that does other things as well."""
AGAIN = "If the change is meant: python tests/golden_outputs.py"


def test_every_game_has_its_golden_outputs_and_nothing_else_has():
    kept = {path.name for path in FOLDER.iterdir()}
    assert kept == {f"{name}{ending}" for name in KNOWN for ending in (".txt", ".json")}, AGAIN


def timed(name):
    """Return the outputs of a game, and the seconds of CPU time that they took."""
    began = process_time()
    made = outputs(KNOWN[name])
    return made, process_time() - began


def test_slow_games_are_named_where_games_are_described():
    told = (ROOT / "games" / "README.md").read_text("utf-8")
    for name, seconds in SLOW.items():
        assert f"`{name}` ({seconds} s)" in told


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in KNOWN],
)
def test_a_game_prints_what_it_printed_and_takes_no_longer_than_is_said(name):
    made, seconds = timed(name)
    most = SLACK * SLOW.get(name, SECONDS)
    if seconds > most:  # the first time it may have been compiled
        made, seconds = timed(name)
    assert seconds <= most
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
