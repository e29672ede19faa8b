"""Worker processes: started and ended in one way, and what went wrong is said.

A worker is a new Python. Before it does anything it runs the script that started it, from its
top, under another ``__name__`` than ``__main__``: so it finds what the script defines. A script
that asks for workers outside of ``if __name__ == "__main__":`` therefore asks for them in each
worker again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import current_process
from multiprocessing.context import SpawnContext, SpawnProcess
from numbers import Integral
from typing import Any

from . import limits
from .errors import MethodFailed, RequestError
from .garbage import look_seldom

__all__ = ["LOST", "leave_a_script_run_again", "refuse_workers", "worker_processes"]

LOST = (
    "a worker ended before it had answered; perhaps the memory ran out, or somebody ended it. "
    "Ask for fewer workers"
)
_ASKED_AGAIN = 86
"""Exit status of a worker that came to a request for workers while it ran the script."""
_FAILED = 1
"""Exit status of a worker in which the script raised an exception: later ones are sent back."""
_FIX = 'Put what starts workers under: if __name__ == "__main__":'


def refuse_workers(count: object) -> None:
    """Refuse what is no number of workers, and more than :data:`highfence.limits.MAX_WORKERS`.

    Raises
    ------
    RequestError
        ``count`` is not a whole number from 1 to the limit.
    """
    if not isinstance(count, Integral) or isinstance(count, bool) or int(count) < 1:
        raise RequestError(f"workers = {count!r} is not a positive whole number")
    if int(count) > limits.MAX_WORKERS:
        raise RequestError(
            f"{count} workers are more than MAX_WORKERS = {limits.MAX_WORKERS}. "
            "One for each processor is enough"
        )


class _Context(SpawnContext):
    """Remembers the processes that it started: a pool that is broken does not tell of them."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        """Return a new process; called so by :mod:`multiprocessing`."""
        made = SpawnProcess(*args, **kwargs)
        self.started.append(made)
        return made


def leave_a_script_run_again() -> None:
    """End this process if it is a worker that still runs the script which started it.

    No traceback is printed: whoever started the worker reads its exit status, and raises.
    """
    # Set by multiprocessing while the script runs; it refuses to start processes by it.
    if getattr(current_process(), "_inheriting", False):
        sys.exit(_ASKED_AGAIN)


@contextmanager
def worker_processes(
    count: int, start: Callable[..., None], arguments: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Start worker processes, and end them at the end.

    Parameters
    ----------
    count
        At most how many.
    start
        Called first in each, with ``arguments``.

    Raises
    ------
    RequestError
        The script asks for workers outside of ``if __name__ == "__main__":``.
    MethodFailed
        A worker ended by itself or was killed.
    """
    leave_a_script_run_again()
    context = _Context()
    try:
        with ProcessPoolExecutor(
            count, context, initializer=_begin, initargs=(start, arguments)
        ) as pool:
            yield pool
    except (BrokenExecutor, MethodFailed) as error:
        ended = {process.exitcode for process in context.started}
        if _ASKED_AGAIN in ended:
            raise RequestError(
                f"{_script()}: each worker runs this script from its top, and came to a request "
                f"for workers there. {_FIX}"
            ) from None
        if _FAILED in ended:
            raise MethodFailed(
                f"a worker could not start: it runs {_script()} from its top, and failed there, "
                f"as printed above. {_FIX}"
            ) from error
        if isinstance(error, BrokenExecutor):
            raise MethodFailed(LOST) from error
        raise


def _begin(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    look_seldom()
    start(*arguments)


def _script() -> str:
    return getattr(sys.modules["__main__"], "__file__", None) or "the script"
