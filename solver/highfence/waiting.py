"""What takes long says on stderr what it does: on a terminal in one line, elsewhere in some."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["progress"]

QUIET = "HIGHFENCE_QUIET"
"""Environment variable that, set to anything but 0, keeps progress off stderr."""
FIRST, EVERY = 2, 10
"""Seconds until progress is told where no terminal shows it, and between two such lines."""


@contextmanager
def progress(step: str = "") -> Iterator[Callable[[str], None]]:
    """Say on stderr what is being done, once it takes long.

    A terminal has one line that is written over, from the first second on; elsewhere there is
    a line of its own after two seconds, and one more every ten. That code is compiled, as it is
    the first time on a machine, is said beside it. ``HIGHFENCE_QUIET=1`` in the environment
    keeps all of it off.

    Parameters
    ----------
    step
        What is being done, in words.

    Yields
    ------
    callable
        To be called with what is done next.

    Examples
    --------
    >>> from highfence import progress, solve
    >>> with progress("solving chicken"):
    ...     found = solve("chicken")
    >>> len(found.equilibria)
    3
    """
    if os.environ.get(QUIET, "0") not in ("", "0"):
        yield lambda step: None
        return
    done = threading.Event()
    current = [step]
    show = _on_terminal if sys.stderr.isatty() else _in_lines
    thread = threading.Thread(target=show, args=(done, current), daemon=True)
    thread.start()
    try:
        yield lambda step: current.__setitem__(0, step)
    finally:
        done.set()
        thread.join()


def _on_terminal(done: threading.Event, current: list[str]) -> None:
    shown = 0
    for seconds, compiling in _seconds(done):
        if seconds == shown:
            continue
        shown = seconds
        sys.stderr.write(f"\r\x1b[K{_said(current[0], compiling)} ({seconds} s)")
        sys.stderr.flush()
    if shown:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _in_lines(done: threading.Event, current: list[str]) -> None:
    due = FIRST
    for seconds, compiling in _seconds(done):
        if seconds < due:
            continue
        due = seconds + EVERY
        with suppress(OSError, ValueError):  # whoever read stderr may be gone
            print(
                f"highfence: {_said(current[0], compiling)} ({seconds} s)",
                file=sys.stderr,
                flush=True,
            )


def _said(step: str, compiling: bool) -> str:
    """Return what is being done, in words."""
    parts = (step, "compiling for this machine (the first time only)" * compiling)
    return "; ".join(part for part in parts if part) or "at work"


def _seconds(done: threading.Event) -> Iterator[tuple[int, bool]]:
    """Yield how long it took so far, and whether code is compiled, until it is done."""
    start = time.monotonic()
    compiles = _Compiles()
    # A compilation is heard only by who listens before it begins, soon after numba is imported.
    while not done.wait(0.1):
        compiles.listen()
        yield int(time.monotonic() - start), compiles.going_on


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
