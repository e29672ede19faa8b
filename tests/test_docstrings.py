"""Every example in a docstring gives what it says.

The documented things include the methods: the registry keeps a method's function, with its
docstring, in an object, where doctest does not look by itself.
"""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from highfence.methods.registry import Method

SOURCE = Path(__file__).resolve().parent.parent / "solver"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


def examples(name: str) -> list[doctest.DocTest]:
    """Return the docstrings of a module that have examples."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    module = import_module(name)
    found = finder.find(module, name)
    for value in vars(module).values():
        if isinstance(value, Method) and value.function.__module__ == name:
            found += finder.find(value.function, f"{name}.{value.name}", module)
    return [test for test in found if test.examples]


def test_docstrings_hold_examples():
    assert WITH_EXAMPLES


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_in_docstrings_give_what_they_say(module):
    found = examples(module)
    shown: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)

    for example in found:
        runner.run(example, out=shown.append)

    assert found
    assert runner.failures == 0, "".join(shown)
