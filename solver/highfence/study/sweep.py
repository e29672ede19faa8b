"""Sweeps: a game solved at many draws of its numbers, under every regime, and kept.

A *draw* is a set of values of the parameters that vary; the analyst's word is a scenario. All
regimes are solved at the same draws (common random numbers), so that what differs between two
regimes at a draw is the regimes' doing. Where draws come from does not matter: from a grid
(:func:`grid`), a list, a design over ranges (:func:`highfence.study.sample.sample`) or over
distributions (:mod:`highfence.study.uncertainty`).

Every draw under every regime is one *answer*, with a status:

``certified``
    at least one equilibrium was found, and every profile proposed was certified;
``not certified``
    a profile that was proposed failed its certificate;
``none found``
    the search ended without an equilibrium;
``wrong game``
    at these numbers the game itself is wrong: a payoff is undefined, an interval empty;
``not solved``
    the sweep was interrupted before, or the answer was lost to damage.

The columns of a sweep's table, in order; names once published do not change::

    draw             number of the draw in the design, from 0
    regime           name of the regime
    status           as above
    equilibria       certified equilibria found
    rejected         profiles proposed that were not certified
    regret           largest regret of the profiles proposed, over the payoff scale
    input.P          value of the parameter P that was drawn
    payoff.I.low     lowest payoff of player I over the certified equilibria
    payoff.I.high    highest
    outcome.X.low    likewise of the outcome X
    outcome.X.high

There is one row per answer. A sweep with branches has one row per equilibrium, whose ``low``
and ``high`` are both its own value, and two more columns after ``regret``::

    branch           number of the branch, from 1; 0 where there is no equilibrium
    plays            what is played, without probabilities and amounts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import Interrupted, MethodFailed, RequestError, StoreError
from ..processes import leave_a_script_run_again
from ._chunk import STATUSES, Part, Task, make_ready, solve_part
from ._sweep_answers import Progress, sweep_in
from ._sweep_job import Job
from ._swept import TIE, UNCOMPARED, UNDECIDED, Sweep
from .engines import Engine, open_engine, solve_in_chunks, starts_processes
from .outcome import values_given

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..spec.model import Game
    from .store import Store

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = [
    "STATUSES",
    "TIE",
    "UNCOMPARED",
    "UNDECIDED",
    "Sweep",
    "grid",
    "read_sweep",
    "sweep",
    "sweep_regimes",
]


def grid(axes: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Return all combinations of some values: a full factorial design.

    Parameters
    ----------
    axes
        Parameter -> the values on its axis.

    Returns
    -------
    dict of str to array
        Parameter -> column of draws; the last axis varies fastest.

    Raises
    ------
    RequestError
        An axis is empty or not a list of finite numbers, there is none, or the grid has more
        numbers than :data:`highfence.limits.MAX_SAMPLES`.

    Examples
    --------
    >>> made = grid({"h": [0.1, 0.2], "mF": [1, 2, 3]})
    >>> made["h"].tolist(), made["mF"].tolist()
    ([0.1, 0.1, 0.1, 0.2, 0.2, 0.2], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0])
    """
    points = {}
    for name, axis in axes.items():
        try:
            points[name] = np.asarray(axis, dtype=np.float64)
        except (TypeError, ValueError):
            points[name] = np.empty(0)
        if points[name].ndim != 1 or not len(points[name]) or not np.isfinite(points[name]).all():
            raise RequestError(f"the axis of {name} is not a list of finite numbers")
    if not points:
        raise RequestError("a grid needs at least one axis")
    count = int(np.prod([len(axis) for axis in points.values()], dtype=object))
    if count * len(points) > limits.MAX_SAMPLES:
        raise RequestError(
            f"a grid of {count} points is more numbers than MAX_SAMPLES = {limits.MAX_SAMPLES}. "
            "Take fewer values, or draw from the ranges"
        )
    crossed = np.meshgrid(*points.values(), indexing="ij")
    return {name: axis.ravel() for name, axis in zip(points, crossed, strict=True)}


def sweep(
    game: Game | str | Path,
    draws: Mapping[str, ArrayLike],
    regimes: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    store: str | Path | None = None,
    repair: bool = False,
    workers: int | None = None,
    engine: str | Executor | None = None,
    branches: bool = False,
    design: str = "",
    progress: Callable[[int, int], None] | None = None,
    tolerance: float = tolerances.REGRET_BATCH,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Sweep:
    """Solve a game at many draws of its numbers under every regime.

    Parameters
    ----------
    game
        A game, its name in the catalogue, or its file.
    draws
        Parameter -> values, all of one length n: from :func:`grid`, a sample, a list.
    regimes
        Names of regimes; all of the game's by default. A game without regimes is swept as it
        is, under the name ``game``.
    preset
        The preset of parameter values that the rest starts from.
    store
        A file that keeps the answers as they come. If it is there, the sweep goes on from
        what it holds, which must be answers to the same request by the same versions.
    repair
        Where the store is damaged, keep what is intact and solve the rest again.
    workers, engine
        Where the draws are solved: :func:`highfence.study.engines.open_engine`. More than one
        worker needs a game that can be written as TOML (no callables).
    branches
        Keep every equilibrium, and join them into branches along the one parameter that
        varies. Solved as :func:`highfence.solve` does, which searches more closely.
    design
        How the draws were made, in words, for whoever reads the answers.
    progress
        Called with (answers there, answers in all), first with what the store holds.
    tolerance
        Regret, over the payoff scale, up to which an answer is certified.
    parameters, named
        Values of parameters that are not drawn, in a mapping or as keywords.

    Returns
    -------
    Sweep
        The same, bit for bit, whatever the engine, the chunks, and the interruptions.

    Raises
    ------
    RequestError
        A name is unknown, a column is not finite numbers, there is nothing to solve, there
        are more answers than :data:`highfence.limits.MAX_ANSWERS`, or branches are asked for
        where more than one parameter varies.
    SpecError
        The game is wrong at the values that are not drawn.
    StoreError
        The store is in use, full, damaged, or made by another request.
    Interrupted
        Ctrl-C: ``done`` is the sweep as far as it went; with a store, all of it is kept.
    MethodFailed
        A worker was lost.

    Notes
    -----
    Equal draws are solved once. That answers are the same on another machine, where floating
    point is compiled to other instructions, is not promised.

    Branches are matched from each point of the grid to the next, among equilibria in which
    the same actions are played, by the smallest distance of payoffs, outcomes, probabilities
    and amounts (each over what it ranges over), from where the branch would be if it went on
    as it did. A branch ends where no equilibrium of its kind is left, where an amount jumps,
    and at a point without answers. Where branches of one kind cross, which is which rests on
    the steps of the grid.

    Examples
    --------
    >>> found = sweep("captive_market_timing", grid({"quota": [0.1, 0.2, 0.3]}), ["quota"])
    >>> found.status[:, 0].tolist()
    ['certified', 'certified', 'certified']
    >>> [round(years, 1) for years in found.column("T")[0][:, 0].tolist()]
    [4.4, 5.8, 7.4]
    """
    if starts_processes(engine, workers):
        leave_a_script_run_again()  # before the store, which is in use there
    given = values_given(parameters, named)
    job = Job.of(game, draws, regimes, preset, branches, design, tolerance, given)
    with ExitStack() as stack:
        running: Engine | None = None
        if starts_processes(engine, workers) and job.text and not (store and Path(store).exists()):
            # All is to be solved: workers start and load at once, and look whether the game is in
            # order, so that this process need not load what solves.
            running = stack.enter_context(open_engine(engine, workers, most=job.distinct))
            first = job.task(np.arange(len(job.regimes)), shared=False)
            ready = [running.executor.submit(make_ready, first) for _ in range(running.workers())]
            if not ready[0].result():
                job.check()
        else:
            job.check()
        answers = Progress(job)
        kept: Store | None = None
        if store is not None:
            from .store import Store

            if not job.text:
                job.dumps()  # says why there is none
            kept = stack.enter_context(Store(store, job.request(), job.about(), repair=repair))
            answers.load(kept)
        tell = progress or (lambda done, total: None)
        try:
            tell(answers.done, answers.total)
            for regimes_, rows in answers.missing():
                if running is None:
                    running = stack.enter_context(open_engine(engine, workers, most=len(rows)))
                    if not running.shares_memory:
                        job.dumps()
                task = job.task(regimes_, running.shares_memory)

                def submit(to: Executor, at: Whole, task: Task = task) -> Future[Any]:
                    return to.submit(solve_part, task, answers.draws(at))

                def take(at: Whole, part: Part, regimes_: Whole = regimes_) -> float:
                    answers.take(kept, at, regimes_, part)
                    tell(answers.done, answers.total)
                    return part.seconds

                solve_in_chunks(running, rows, submit, take)
        except KeyboardInterrupt:
            done = f"{answers.done:,} of {answers.total:,} answers"
            message = (
                f"{done} were solved; a store would have kept them"
                if store is None
                else f"{done} are kept in {store}; the same request goes on from there"
            )
            raise Interrupted(message, answers.sweep(partial=True)) from None
        except MethodFailed as error:
            hint = "" if store is None else f". The same request goes on from what {store} keeps"
            raise MethodFailed(f"{error}{hint}") from error
    return answers.sweep()


sweep_regimes = sweep
"""An older name: parameters in a mapping are taken by both."""


def read_sweep(path: str | Path) -> Sweep:
    """Return what a store holds, as a sweep; also while another process writes to it.

    Parameters
    ----------
    path
        The store.

    Returns
    -------
    Sweep
        With the draws of which at least one answer is there. ``notes`` says what is missing
        and what is damaged.

    Raises
    ------
    StoreError
        There is no such file, it is not a store, or what says how to read it is damaged.
    """
    from .store import damage, read

    contents = read(path)
    try:
        return sweep_in(contents, () if contents.whole else (damage(contents),))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: this store does not hold a sweep ({error})") from None
