"""Where the parts of a sweep are solved: here, in threads, in processes, on a Dask cluster.

There is one seam, :class:`concurrent.futures.Executor`. An engine is an executor and a count
of what it can do at once; whoever has another executor (of MPI, say) hands it over as it is.
:func:`solve_in_chunks` feeds an engine: it sizes the chunks by the time that earlier ones
took, keeps every worker busy, and hands over each chunk as soon as it is there.

A chunk goes to wherever its engine sends it, in any order and perhaps twice (a cluster solves
again what a lost worker had). That is harmless: what a draw is answered with depends on the
draw alone, and whoever takes the answers puts them in the draw's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import MethodFailed, RequestError, did_you_mean
from ..processes import LOST, refuse_workers, worker_processes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Indices = NDArray[np.int64]

__all__ = ["ENGINES", "Engine", "Pace", "Serial", "open_engine", "solve_in_chunks"]

ENGINES = ("serial", "threads", "processes", "dask")
"""Engines by name; ``dask://HOST:PORT`` is the scheduler of a cluster that runs already."""

CHUNK_SECONDS = 1.0
"""How long a chunk should take, of the processor. What comes on top of solving it (sending it and
its answers, looking up the game, one commit with a full sync) takes some 10 ms: 1 % of this."""

FIRST_CHUNK = 4
"""Draws in the first chunks, before it is known how long one takes."""

LAST_SECONDS = 0.1
"""How long the last chunks should take at least. With smaller ones workers would not end together
any better, and a chunk costs some 20 ms however few draws it has."""

GROWTH = 8.0
"""Chunks grow at most by this factor: the first ones also compile and load."""

AHEAD = 2
"""Chunks under way per worker: one is solved and one waits, so that no worker does."""

CONNECT_SECONDS = 10.0
"""How long the scheduler of a cluster may take to answer."""


@dataclass(frozen=True)
class Engine:
    """An executor, and how much it does at once."""

    name: str
    executor: Executor
    workers: Callable[[], int]
    """How many chunks are solved at once; asked again and again, as clusters grow and shrink."""
    shares_memory: bool
    """What it is given is not copied: it runs in this process."""


class Serial(Executor):
    """Does everything at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done. A KeyboardInterrupt is not kept for it, but raised."""
        made: Future[Any] = Future()
        try:
            made.set_result(fn(*args, **kwargs))
        except Exception as error:
            made.set_exception(error)
        return made


class Pace:
    """How many draws the next chunk should hold.

    Parameters
    ----------
    seconds
        How long a chunk should take.

    Examples
    --------
    >>> pace = Pace(seconds=1.0)
    >>> pace.size(left=1000, workers=1)
    4
    >>> pace.took(4, 0.4)
    >>> pace.size(left=1000, workers=1)
    10
    """

    def __init__(self, seconds: float = CHUNK_SECONDS) -> None:
        self.seconds = seconds
        self._last = 0
        self._draws = self._seconds = 0.0

    def took(self, draws: int, seconds: float) -> None:
        """Hear that a worker solved so many draws in so many seconds."""
        # The latest and largest chunks count most: the first one has loaded and compiled, too.
        self._draws = 0.5 * self._draws + draws
        self._seconds = 0.5 * self._seconds + seconds
        self._last = max(self._last, draws)

    def size(self, left: int, workers: int) -> int:
        """Return how many of the draws that are left to send should go next.

        Towards the end chunks get smaller, so that all workers end at about the same time.
        """
        least = 0.0
        if not self._last:
            wanted = float(FIRST_CHUNK)
        else:
            each = max(self._seconds / self._draws, 1e-9)
            wanted = min(self.seconds / each, self._last * GROWTH)
            least = min(wanted, LAST_SECONDS / each)
        fair = -(-left // (2 * workers)) if workers > 1 else left
        return max(1, min(int(wanted), max(fair, int(least)), left))


def solve_in_chunks(
    engine: Engine,
    todo: Indices,
    submit: Callable[[Executor, Indices], Future[Any]],
    take: Callable[[Indices, Any], float],
) -> None:
    """Solve the draws with these indices in chunks.

    Parameters
    ----------
    engine
        Where.
    todo
        Indices of the draws.
    submit
        Called as ``submit(executor, indices)``; returns the future of that chunk.
    take
        Called as ``take(indices, result)`` when a chunk is there; returns the seconds that
        its worker took. It must bear to be called a second time for a chunk, if the first
        call was interrupted.

    Raises
    ------
    KeyboardInterrupt
        After it no chunk is begun; those that were under way have been waited for and taken.
    MethodFailed
        A worker process ended by itself or was killed; the chunks that were there are taken.
    """
    pace = Pace()
    flying: dict[Future[Any], Indices] = {}
    next_at = 0

    def finish(done: Future[Any]) -> None:
        indices = flying[done]
        pace.took(len(indices), take(indices, done.result()))
        del flying[done]

    try:
        while next_at < len(todo) or flying:
            workers = max(1, engine.workers())
            ahead = 1 if isinstance(engine.executor, Serial) else workers * AHEAD
            while next_at < len(todo) and len(flying) < ahead:
                size = pace.size(len(todo) - next_at, workers)
                chunk = todo[next_at : next_at + size]
                flying[submit(engine.executor, chunk)] = chunk
                next_at += size
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                finish(done)
    except KeyboardInterrupt:
        for future in flying:
            future.cancel()
        for future in wait([f for f in flying if not f.cancelled()]).done:
            if future.exception() is None:
                finish(future)
        raise
    except (BrokenExecutor, CancelledError) as error:
        ended = [f for f in flying if f.done() and not f.cancelled()]
        for future in [f for f in ended if f.exception() is None]:
            finish(future)
        raise MethodFailed(LOST) from error
    except BaseException:
        for future in flying:
            future.cancel()
        raise


def starts_processes(engine: str | Executor | None, workers: int | None) -> bool:
    """Return whether :func:`open_engine` starts processes of its own."""
    count = 1 if workers is None else workers
    refuse_workers(count)
    return engine == "processes" or (engine is None and count > 1)


@contextmanager
def open_engine(
    engine: str | Executor | None = None, workers: int | None = None, most: int | None = None
) -> Iterator[Any]:
    """Start an engine, and stop it at the end.

    Parameters
    ----------
    engine
        ``"serial"``, ``"threads"``, ``"processes"``, ``"dask"`` (a cluster on this machine,
        for as long as it is used), ``"dask://HOST:PORT"`` (a cluster's scheduler), or an
        executor, which is left open. By default processes, or serial for one worker.
    workers
        How many; 1 by default, on a cluster that is there already all it has. Of an executor
        given, how much it does at once.
    most
        How many draws there are to solve: no more workers than that are started here.

    Yields
    ------
    Engine

    Raises
    ------
    RequestError
        There is no such engine, ``workers`` is beyond
        :data:`highfence.limits.MAX_WORKERS`, ``distributed`` is not installed, the scheduler does
        not answer, or a worker of the cluster has another version of Highfence. Or the script asks
        for processes outside of ``if __name__ == "__main__":``.
    """
    count = 1 if workers is None else workers
    refuse_workers(count)
    started = count if most is None else max(1, min(count, most))
    if engine is None:
        engine = "processes" if starts_processes(engine, workers) else "serial"
    if isinstance(engine, Executor):
        yield Engine("executor", engine, lambda: count, isinstance(engine, Serial))
    elif engine == "serial":
        if count > 1:
            raise RequestError(f"the engine serial has one worker, not {count}")
        yield Engine(engine, Serial(), lambda: 1, True)
    elif engine == "threads":
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(started) as threads:
            yield Engine(engine, threads, lambda: started, False)
    elif engine == "processes":
        yield from _processes(started)
    elif engine == "dask" or engine.startswith("dask://"):
        yield from _dask(engine, started)
    else:
        close = did_you_mean(engine, (*ENGINES, "dask://HOST:PORT"))
        raise RequestError(f"there is no engine {engine!r}. {close}")


def _processes(count: int) -> Iterator[Engine]:
    with worker_processes(count, _start) as pool:
        yield Engine("processes", pool, lambda: count, False)


def _start() -> None:
    """Prepare a worker process: Ctrl-C is the parent's affair, and it ends with its parent."""
    import os
    import signal
    import threading
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(1)  # a parent that was killed cannot say that there is nothing more to do

    threading.Thread(target=follow, daemon=True).start()


def _dask(engine: str, workers: int) -> Iterator[Engine]:
    try:
        import distributed as package
    except ImportError:
        raise RequestError(
            f"the engine {engine} needs the package distributed. "
            "Install it, where Highfence was installed from: pip install '.[dask]'"
        ) from None
    distributed: Any = package  # untyped in part
    if engine == "dask":
        with (
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield from _on(client, engine)
        return
    address = engine.removeprefix("dask://").rstrip("/")
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise RequestError(
            f"the engine {engine!r} is not dask://HOST:PORT. Write dask://10.0.0.5:8786"
        )
    try:
        client = distributed.Client(
            f"tcp://{address}", timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise RequestError(
            f"no scheduler answers at {address} ({error}). Start one: dask scheduler"
        ) from None
    with client:
        _same_version(client)
        yield from _on(client, engine)


def _on(client: Any, engine: str) -> Iterator[Engine]:
    from distributed.scheduler import KilledWorker

    def workers() -> int:
        return sum(client.nthreads().values())

    # pure=False: what is asked for twice is solved twice, rather than kept by the cluster.
    try:
        yield Engine(engine, client.get_executor(pure=False), workers, False)
    except KilledWorker as error:  # the cluster has tried it on several workers
        raise MethodFailed(LOST) from error


def _same_version(client: Any) -> None:
    """Refuse a cluster without workers, or with one that would answer something else."""
    from .store import versions

    here = versions()
    there = client.run(versions, on_error="return")
    if not there:
        raise RequestError("the cluster has no workers. Start some: dask worker HOST:PORT")
    for address, found in there.items():
        if isinstance(found, BaseException):
            raise RequestError(
                f"the worker {address} cannot load highfence ({found}). Install it there"
            )
        for name, version in here.items():
            if found.get(name) != version:
                raise RequestError(
                    f"the worker {address} has {name} {found.get(name)}, this machine {version}; "
                    "their answers may differ. Install the same version"
                )
