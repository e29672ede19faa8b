"""How commands print: pages, JSON, and progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

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


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is being done, once it takes longer than a second."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    import threading
    import time

    done = threading.Event()
    current = [""]
    start = time.monotonic()

    def run() -> None:
        compiles = _Compiles()
        shown = 0
        # A compilation is heard only by who listens before it begins, soon after numba is imported.
        while not done.wait(0.1):
            compiles.listen()
            seconds = int(time.monotonic() - start)
            if seconds == shown:
                continue
            shown = seconds
            what = "compiling for this machine (the first time only)" * compiles.going_on
            sys.stderr.write(f"\r\x1b[K{clean(what or current[0])} ({seconds} s)")
            sys.stderr.flush()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield lambda step: current.__setitem__(0, step)
    finally:
        done.set()
        thread.join()


class _Compiles:
    """Tells whether numba compiles, once it has been imported by whoever needs it."""

    def __init__(self) -> None:
        self._heard: Any = None

    def listen(self) -> None:
        """Register with numba, if it is there by now."""
        events: Any = sys.modules.get("numba.core.event")
        if self._heard is None and hasattr(events, "RecordingListener"):
            self._heard = events.RecordingListener()
            events.register("numba:compile", self._heard)

    @property
    def going_on(self) -> bool:
        heard = [] if self._heard is None else self._heard.buffer
        return sum(1 if event.is_start else -1 for _, event in heard) > 0
