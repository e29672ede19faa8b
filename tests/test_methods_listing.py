"""What ``highfence methods`` lists: all that answers, each named once and really there."""

from __future__ import annotations

import json
import re
from importlib import import_module

import click
import pytest

from highfence.cli import cli, main
from highfence.commands.concepts import OPTIONS
from highfence.methods import registry
from highfence.solution import Finds

EVERYTHING = registry.everything()


def test_more_than_thirty_answers_are_listed_by_name_and_kind():
    names = [made.name for made in EVERYTHING]
    kinds = [made.kind for made in EVERYTHING]

    assert len(set(names)) == len(names) > 30
    assert (
        sorted(kinds, key=[registry.EQUILIBRIUM, registry.CONCEPT, registry.BATCH].index) == kinds
    )
    assert set(kinds) == {"equilibrium method", "concept", "batch"}


@pytest.mark.parametrize("made", EVERYTHING, ids=str)
def test_each_says_what_it_takes_promises_and_is_good_for(made):
    assert made.takes
    assert made.use
    assert re.search(r"\d{4}|nashpy|Backward", made.source)
    assert isinstance(made.finds, Finds)
    assert made.summary.endswith(".")


@pytest.mark.parametrize("made", registry.concepts(), ids=str)
def test_what_each_tells_to_call_is_there(made):
    if made.call.startswith("highfence solve GAME --concept "):
        concept, *options = made.call.removeprefix("highfence solve GAME --concept ").split()
        assert concept in OPTIONS
        asked = [option.removeprefix("--") for option in options if option.startswith("--")]
        assert set(asked) <= set(OPTIONS[concept])
    elif made.call.startswith("highfence "):
        command = cli.get_command(click.Context(cli), made.call.split()[1])
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", made.call)) <= known
    else:
        module, _, name = made.call.rpartition(".")
        assert callable(getattr(import_module(module), name))


def test_every_concept_of_the_command_line_is_listed():
    told = " ".join(made.call for made in registry.concepts())

    assert all(f"--concept {concept}" in told for concept in OPTIONS)


def test_two_entries_never_share_a_name():
    with pytest.raises(ValueError, match="two entries are named 'correlated'"):
        registry.concept(
            "correlated", takes="", finds=Finds.ONE, source="", call="", use=""
        )(print)  # fmt: skip


def test_the_page_and_the_json_hold_all_of_them(capsys):
    assert main(["methods"]) == 0
    page = capsys.readouterr().out
    assert main(["methods", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)

    assert [row["name"] for row in rows] == [made.name for made in EVERYTHING]
    assert all(f"\n{made.name}\n" in f"\n{page}" for made in EVERYTHING)
    assert {row["kind"] for row in rows} == {"equilibrium method", "concept", "batch"}


def test_a_game_is_told_what_auto_takes_and_why(capsys):
    assert main(["methods", "matching_pennies", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)

    (chosen,) = [row for row in rows if row["auto"]]
    assert chosen["name"] == "extreme_enumeration"
    assert chosen["auto"].startswith("2 players with a choice")
