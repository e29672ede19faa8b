"""Every example in a docstring gives what it says.

The documented things include the methods: the registry keeps a method's function, with its
docstring, in an object, where doctest does not look by itself.
"""

from __future__ import annotations

import doctest
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest

import highfence
from highfence.methods import registry

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> Iterator[str]:
    """Yield the name of every module of the package."""
    yield "highfence"
    for found in pkgutil.walk_packages(highfence.__path__, "highfence."):
        if not found.name.endswith("__main__") and "._catalog" not in found.name:
            yield found.name


def examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of every docstring that has some."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in modules():
        module = import_module(name)
        found = finder.find(module, name)
        found += [
            test
            for value in vars(module).values()
            if isinstance(value, registry.Method) and value.function.__module__ == name
            for test in finder.find(value.function, f"{name}.{value.name}", module)
        ]
        yield from (test for test in found if test.examples)


EXAMPLES = list(examples())


def test_docstrings_hold_examples():
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_gives_what_it_says(example):
    shown: list[str] = []

    failed, _ = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=shown.append)

    assert not failed, "".join(shown)
