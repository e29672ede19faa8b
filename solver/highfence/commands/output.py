"""How commands print: pages, JSON, and progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .. import waiting

if TYPE_CHECKING:
    from ..report.text import Page


def clean(text: object) -> str:
    """Return text without what a terminal would obey."""
    from ..report.text import clean as clean_text

    return clean_text(text)


def count_of(number: int, what: str) -> str:
    """Return a count with its noun, "1 game" or "2 games"; the plural is made by an s."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def print_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON cannot hold become null."""
    from ..report.json import dumps

    click.echo(dumps(value), nl=False)


def print_page(page: Page) -> None:
    """Print a page, on a terminal with its styles."""
    from ..report.text import plain, styled

    if sys.stdout.isatty():
        styled(page)
    else:
        click.echo(plain(page))


def print_answers(answers: Iterable[str]) -> None:
    """Print the sentences that answer what was asked, alone."""
    from ..report.text import Page

    page = Page()
    for sentence in answers:
        page.answer(sentence)
    print_page(page)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done, as :func:`highfence.progress` does, once it takes long."""
    with waiting.progress() as tell:
        yield lambda step: tell(clean(step))
