"""Chunks: some draws under some regimes, solved wherever an engine sends them.

What a chunk returns depends on its task and its draws alone, not on who solves it, or when.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import HighfenceError, LimitExceeded, MethodFailed, SpecError
from ..forms.build import build
from ..forms.staged import StagedForm
from .branches import position
from .draws import load_what_solves, solve_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..solution import Equilibrium
    from ..spec.model import Game

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = [
    "CERTIFIED",
    "NONE_FOUND",
    "NOT_SOLVED",
    "STATUSES",
    "UNCERTIFIED",
    "WRONG_GAME",
    "Part",
    "Task",
    "make_ready",
    "solve_part",
]

STATUSES = ("certified", "not certified", "none found", "wrong game", "not solved")
"""What may be said of an answer."""

CERTIFIED, UNCERTIFIED, NONE_FOUND, WRONG_GAME, NOT_SOLVED = range(5)


@dataclass(frozen=True)
class Task:
    """What a worker needs to know beside the draws."""

    game: Game | None
    """The game itself, for a worker in this process and thread."""
    text: str
    regimes: tuple[str, ...]
    preset: str | None
    parameters: Mapping[str, Any]
    tolerance: float
    branches: bool
    columns: int


@dataclass(frozen=True)
class Part:
    """The answers of a chunk of n draws under r regimes."""

    status: Whole
    low: Array
    high: Array
    count: Whole
    regret: Array
    rejected: Whole
    more: tuple[tuple[bytes, ...], ...]
    """(n)(r): the equilibria themselves, where branches are asked for; else empty."""
    seconds: float
    """Of the processor: what else a machine does makes chunks no smaller, each of which costs
    some 20 ms more."""


_HERE = threading.local()


def _game_of(task: Task) -> Game:
    """Return the game, read once in every thread of every process: threads share nothing."""
    if task.game is not None:
        return task.game
    if getattr(_HERE, "text", None) != task.text:
        from ..spec.toml import loads

        _HERE.game = loads(task.text, checked=True)
        _HERE.text = task.text
    found: Game = _HERE.game
    return found


def make_ready(task: Task) -> bool:
    """Read the game and load what solves it, before there are draws; return whether it can be
    built at the values that are not drawn. A worker that starts does so beside the others."""
    game = _game_of(task)
    try:
        for regime in task.regimes:
            form = build(game, regime=regime, preset=task.preset, parameters=task.parameters)
            if isinstance(form, StagedForm):
                load_what_solves(form)
    except HighfenceError:
        return False  # whoever asked says why
    return True


def solve_part(task: Task, draws: Mapping[str, Array]) -> Part:
    """Solve some draws; what is returned depends on them alone."""
    game = _game_of(task)
    started = time.thread_time()
    solved = _every_equilibrium if task.branches else _bounds
    status, low, high, count, regret, rejected, more = solved(game, task, draws)
    seconds = time.thread_time() - started
    return Part(status, low, high, count, regret, rejected, more, seconds)


def _bounds(game: Game, task: Task, draws: Mapping[str, Array]) -> tuple[Any, ...]:
    found = solve_draws(
        game,
        draws,
        task.regimes,
        preset=task.preset,
        tolerance=task.tolerance,
        parameters=dict(task.parameters),
    )
    status = np.where(found.certified, CERTIFIED, np.where(found.rejected > 0, 1, NONE_FOUND))
    for n, k in zip(*np.nonzero(status == NONE_FOUND), strict=True):
        drawn = {name: float(column[n]) for name, column in draws.items()}
        if _is_wrong(game, task, task.regimes[k], drawn):
            status[n, k] = WRONG_GAME
    arrays = (found.low, found.high, found.count, found.regret, found.rejected)
    return (status.astype(np.int64), *arrays, ())


def _is_wrong(game: Game, task: Task, regime: str, drawn: Mapping[str, float]) -> bool:
    """Return whether it is the game that is wrong where no equilibrium was found."""
    from ..methods._search import COARSE
    from ..methods.staged import staged
    from ..methods.staged_batch import accepts, empty_behind, histories

    try:
        form = build(
            game, regime=regime, preset=task.preset, parameters={**task.parameters, **drawn}
        )
        if isinstance(form, StagedForm):
            if accepts(form):
                rows, plain = histories(form, form.root[:, : len(form.plan.names)])
                if plain[0]:
                    return bool(empty_behind(form, rows)[0])
            for _ in staged(form, resolution=COARSE):  # meets empty intervals on its way
                pass
    except LimitExceeded:
        return False
    except SpecError:
        return True
    except MethodFailed:
        return False
    return False


def _every_equilibrium(game: Game, task: Task, draws: Mapping[str, Array]) -> tuple[Any, ...]:
    from ..solve import solve
    from ..solve_many import bounds_of, held

    count = len(next(iter(draws.values())))
    shape = (count, len(task.regimes))
    status = np.full(shape, NONE_FOUND, np.int64)
    low = np.full((*shape, task.columns), np.nan)
    high = low.copy()
    found, rejected = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    regret = np.full(shape, np.inf)
    more = []
    for n in range(count):
        drawn = {name: float(column[n]) for name, column in draws.items()}
        texts = []
        for k, regime in enumerate(task.regimes):
            kept: list[Equilibrium] = []
            bounds = None
            try:
                form = build(
                    game, regime=regime, preset=task.preset, parameters={**task.parameters, **drawn}
                )
                solution = solve(form)
            except LimitExceeded:
                pass
            except SpecError:
                status[n, k] = WRONG_GAME
            except MethodFailed:
                pass
            else:
                places, regret[n, k], rejected[n, k] = held(solution, task.tolerance)
                kept = [solution.equilibria[place] for place in places]
                found[n, k] = len(kept)
                bounds = bounds_of(solution) if kept else None
                if rejected[n, k]:
                    status[n, k] = UNCERTIFIED
                elif kept:
                    status[n, k] = CERTIFIED
            table = [[float(x) for x in (*e.payoffs.values(), *e.outcomes.values())] for e in kept]
            if bounds is not None:
                low[n, k], high[n, k] = bounds
            elif table:
                low[n, k], high[n, k] = np.min(table, axis=0), np.max(table, axis=0)
            listed = [
                {"values": row, **position(solution.form, equilibrium.strategies)}
                for row, equilibrium in zip(table, kept, strict=True)
            ]
            texts.append(json.dumps(listed).encode())
        more.append(tuple(texts))
    return status, low, high, found, regret, rejected, tuple(more)
