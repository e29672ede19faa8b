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

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import (
    Interrupted,
    MethodFailed,
    RequestError,
    StoreError,
    did_you_mean,
)
from ..forms.build import build, values
from ..forms.staged import StagedForm
from ..spec.model import Chance, Game, Regime
from ._chunk import (
    CERTIFIED,
    NOT_SOLVED,
    STATUSES,
    Part,
    Task,
    solve_part,
)
from .branches import Branches, branches_of, frozen
from .draws import Draws
from .engines import Engine, open_engine, solve_in_chunks
from .outcome import values_given
from .table import ending_of, write_table, write_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .store import Contents, Store

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

TIE, UNDECIDED, UNCOMPARED = -1, -2, -3
"""What :meth:`Sweep.best` says of a draw without a winner: regimes are equally good; it depends
on which equilibrium is played; some regime's answer is not certified."""

ONLY = "game"
"""The name of the one regime that a game without regimes is swept under."""


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


# ---------------------------------------------------------------------------------------------
# What a sweep is


@dataclass(frozen=True)
class Sweep:
    """A game's answers at n draws under r regimes. Arrays are read-only."""

    game: str
    title: str
    source: str
    """Where the game was read."""
    specification: str
    """SHA-256 of the game's TOML text; "" for a game that has none."""
    preset: str | None
    settings: Mapping[str, Any]
    """The values that the request itself gave to parameters."""
    design: str
    """How the draws were made, in words."""
    players: tuple[str, ...]
    judge: str | None
    """The player who owns the decision that the regimes fix; None if there is no such."""
    number: Whole
    """(n,): numbers of the draws in the design, from 0."""
    inputs: Mapping[str, Array]
    """Parameter -> (n,) values."""
    answers: Draws
    """Bounds, counts and regrets, (n, r, ...)."""
    status: NDArray[np.str_]
    """(n, r): one of :data:`STATUSES`."""
    branches: Branches | None
    labels: Mapping[str, str]
    """Player, outcome or parameter -> label."""
    manifest: Mapping[str, str]
    """What reproduces the sweep: request and versions, in words."""
    absent: int = 0
    """Answers to the request that are not there: not solved yet, or lost to damage."""
    notes: tuple[str, ...] = ()
    """What a reader should know: regimes that set what is drawn, damage to the store."""

    @property
    def regimes(self) -> tuple[str, ...]:
        """The regimes, in the order of the arrays' second axis."""
        return self.answers.regimes

    @property
    def names(self) -> tuple[str, ...]:
        """Payoffs and outcomes, in the order of the arrays' third axis."""
        return self.answers.names

    def __len__(self) -> int:
        return len(self.number)

    @property
    def complete(self) -> bool:
        """Every answer to the request is there."""
        return self.absent == 0

    def column(self, name: str) -> tuple[Array, Array]:
        """Return ``low`` and ``high`` of a payoff or an outcome, each (n, r)."""
        return self.answers.column(name)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return regime -> status -> how many draws."""
        return {
            regime: {name: int((self.status[:, k] == name).sum()) for name in STATUSES}
            for k, regime in enumerate(self.regimes)
        }

    def best(self, player: str | None = None) -> Whole:
        """Return which regime is best for a player at every draw.

        A regime wins where the lowest payoff over its equilibria is above the highest of
        every other regime, as in :func:`highfence.compare`.

        Parameters
        ----------
        player
            Whose payoff judges; by default that of the owner of the decision which the
            regimes fix.

        Returns
        -------
        array of shape (n,)
            Index of the regime, or :data:`TIE`, :data:`UNDECIDED` or :data:`UNCOMPARED`.

        Raises
        ------
        RequestError
            There is no such player, or none by default.
        """
        judge = player or self.judge
        if judge is None:
            raise RequestError(
                "the regimes do not fix one decision, so nobody is the judge by default. "
                f"Name a player: {', '.join(self.players)}"
            )
        if judge not in self.players:
            raise RequestError(f"no player {judge!r}. {did_you_mean(judge, self.players)}")
        return _best(self, self.players.index(judge))

    def table(self) -> dict[str, Any]:
        """Return the table: column name -> array or list of text, as the module documents."""
        return _table(self)

    def write(self, path: str | Path) -> None:
        """Write the table as Parquet or CSV, or all of the sweep as JSON.

        Parameters
        ----------
        path
            Ends in ``.parquet``, ``.csv`` or ``.json`` (the keys of ``highfence sweep
            --json``). What is there is replaced, once all is written.

        Raises
        ------
        RequestError
            The ending is another one.
        OSError
            The file cannot be written; what was there is untouched.
        """
        if ending_of(path) != ".json":
            write_table(self.table(), path, self.manifest)
            return
        from ..report.json import dumps

        write_text(dumps(self.to_dict()), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the sweep with the keys of ``highfence sweep --json``."""
        from ..report.sweep_text import sweep_dict

        return sweep_dict(self)

    def __str__(self) -> str:
        from ..report.sweep_text import sweep_text

        return sweep_text(self)


def _best(found: Sweep, k: int) -> Whole:
    low, high = found.answers.low[:, :, k], found.answers.high[:, :, k]
    count = len(found)
    verdict = np.full(count, UNCOMPARED, np.int64)
    sure = (found.status == STATUSES[CERTIFIED]).all(axis=1)
    if not sure.any() or len(found.regimes) < 2:
        return verdict
    low, high = low[sure], high[sure]
    players = slice(0, len(found.players))
    size = np.maximum(np.abs(low), np.abs(high)).max(axis=1)
    ends = [np.abs(side[sure][:, :, players]) for side in (found.answers.low, found.answers.high)]
    everybody = np.maximum(*ends).max(axis=(1, 2))
    slack = np.where(size > 0, size, 1.0) * float(found.manifest["tolerance"])
    slack = np.where(size <= tolerances.ROUNDING * everybody, 2 * size, slack)
    top = low.max(axis=1)
    contends = high >= (top - slack)[:, None]
    equal = (~contends | (high - low <= slack[:, None])).all(axis=1)
    verdict[sure] = np.where(
        contends.sum(axis=1) == 1, low.argmax(axis=1), np.where(equal, TIE, UNDECIDED)
    )
    return verdict


def _table(found: Sweep) -> dict[str, Any]:
    n, r = found.status.shape
    if found.branches is None:
        rows, at = np.divmod(np.arange(n * r), r or 1)
        branch = plays = None
        low, high = (
            side.reshape(n * r, len(found.names))
            for side in (found.answers.low, found.answers.high)
        )
    else:
        kept = found.branches
        there = np.zeros((n, r), bool)
        there[kept.row, kept.regime] = True
        empty_rows, empty_at = np.nonzero(~there)
        rows, at = np.r_[kept.row, empty_rows], np.r_[kept.regime, empty_at]
        branch = np.r_[kept.branch, np.zeros(len(empty_rows), np.int64)]
        nothing = np.full((len(empty_rows), len(found.names)), np.nan)
        low = high = np.concatenate([kept.values, nothing])
        order = np.lexsort((branch, at, rows))
        rows, at, branch, low = rows[order], at[order], branch[order], low[order]
        high = low
        texts = [*kept.plays, *[""] * len(empty_rows)]
        plays = [texts[k] for k in order]
    made: dict[str, Any] = {
        "draw": found.number[rows],
        "regime": [found.regimes[k] for k in at],
        "status": found.status[rows, at].tolist(),
        "equilibria": found.answers.count[rows, at],
        "rejected": found.answers.rejected[rows, at],
        "regret": found.answers.regret[rows, at],
    }
    if branch is not None and plays is not None:
        made["branch"], made["plays"] = branch, plays
    for name, column in found.inputs.items():
        made[f"input.{name}"] = column[rows]
    for k, name in enumerate(found.names):
        kind = "payoff" if k < len(found.players) else "outcome"
        made[f"{kind}.{name}.low"], made[f"{kind}.{name}.high"] = low[:, k], high[:, k]
    return made


# ---------------------------------------------------------------------------------------------
# Sweeping


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
    return sweep_regimes(
        game,
        draws,
        regimes,
        preset=preset,
        store=store,
        repair=repair,
        workers=workers,
        engine=engine,
        branches=branches,
        design=design,
        progress=progress,
        tolerance=tolerance,
        parameters=values_given(parameters, named),
    )


def sweep_regimes(
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
) -> Sweep:
    """Sweep as :func:`sweep` does, with the parameters' values in a mapping."""
    job = _Job.of(game, draws, regimes, preset, branches, design, tolerance, parameters or {})
    answers = _Progress(job)
    with ExitStack() as stack:
        kept: Store | None = None
        if store is not None:
            from .store import Store

            if not job.text:
                job.dumps()  # says why there is none
            kept = stack.enter_context(Store(store, job.request(), job.about(), repair=repair))
            answers.load(kept)
        tell = progress or (lambda done, total: None)
        running: Engine | None = None
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


@dataclass(frozen=True)
class _Job:
    """A request that was found to be in order."""

    game: Game
    text: str
    """The game in TOML; "" if it cannot be written so."""
    table: Mapping[str, Array]
    regimes: tuple[str, ...]
    preset: str | None
    branches: bool
    design: str
    tolerance: float
    parameters: Mapping[str, Any]
    players: tuple[str, ...]
    columns: tuple[str, ...]
    first: Whole
    """(n,): the first draw that equals this one."""

    @classmethod
    def of(
        cls,
        game: Game | str | Path,
        draws: Mapping[str, ArrayLike],
        regimes: Sequence[str] | None,
        preset: str | None,
        branches: bool,
        design: str,
        tolerance: float,
        parameters: Mapping[str, Any],
    ) -> _Job:
        """Check a request.

        Raises
        ------
        RequestError
            Something in it is wrong.
        """
        game = _loaded(game)
        if not game.regimes and regimes is None:
            game = replace(game, regimes=(Regime(ONLY),))
        asked = _asked(game, regimes)
        table = _columns(game, draws, values(game, preset=preset, parameters=parameters))
        count = len(next(iter(table.values())))
        if count * len(asked) > limits.MAX_ANSWERS:
            raise RequestError(
                f"{count} draws under {len(asked)} regimes are more answers than MAX_ANSWERS = "
                f"{limits.MAX_ANSWERS}. Ask for fewer"
            )
        varies = [name for name, column in table.items() if len(set(column.tolist())) > 1]
        if branches and len(varies) > 1:
            raise RequestError(
                f"branches are followed along one parameter; {', '.join(varies)} vary. "
                "Take a grid of one"
            )
        form = build(game, regime=asked[0], preset=preset, parameters=parameters)
        outcomes = form.outcome_names if isinstance(form, StagedForm) else tuple(form.outcomes)
        bits = np.ascontiguousarray(np.stack(list(table.values()), axis=1)).view(np.uint64)
        _, at, inverse = np.unique(bits, axis=0, return_index=True, return_inverse=True)
        try:
            text = _text(game)
        except RequestError:
            text = ""
        return cls(
            game=game,
            text=text,
            table=table,
            regimes=asked,
            preset=preset,
            branches=branches,
            design=design or "as given",
            tolerance=float(tolerance),
            parameters=dict(parameters),
            players=tuple(form.players),
            columns=(*form.players, *outcomes),
            first=at[inverse.ravel()].astype(np.int64),
        )

    def dumps(self) -> str:
        """Return the game in TOML.

        Raises
        ------
        RequestError
            It cannot be written so, and why.
        """
        return self.text or _text(self.game)

    def task(self, columns: Whole, shared: bool) -> Task:
        return Task(
            game=self.game if shared else None,
            text=self.text,
            regimes=tuple(self.regimes[k] for k in columns),
            preset=self.preset,
            parameters=self.parameters,
            tolerance=self.tolerance,
            branches=self.branches,
            columns=len(self.columns),
        )

    @property
    def specification(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest() if self.text else ""

    def request(self) -> dict[str, str]:
        """Return what the answers are answers to, in words that tell one request from another."""
        from .store import versions

        bits = hashlib.sha256()
        for column in self.table.values():
            bits.update(column.astype("<f8").tobytes())
        given = sorted(self.parameters.items())
        count = len(self.first)
        return {
            "game": self.game.name,
            "specification": self.specification[:16],
            "preset": self.preset or "none",
            "settings": ", ".join(f"{name} = {value!s}" for name, value in given) or "none",
            "regimes": ", ".join(self.regimes),
            "design": self.design,
            "draws": f"{count} of {', '.join(self.table)} ({bits.hexdigest()[:16]})",
            "tolerance": repr(self.tolerance),
            "answers": "every equilibrium" if self.branches else "bounds",
            **versions(),
        }

    def about(self) -> dict[str, Any]:
        """Return what else is needed to read the answers."""
        copies = np.nonzero(self.first != np.arange(len(self.first)))[0]
        return {
            "title": self.game.title or self.game.name,
            "source": self.game.file,
            "specification": self.specification,
            "preset": self.preset,
            "settings": {name: str(value) for name, value in self.parameters.items()},
            "players": list(self.players),
            "columns": list(self.columns),
            "regimes": list(self.regimes),
            "inputs": list(self.table),
            "draws": len(self.first),
            "copies": [[int(k), int(self.first[k])] for k in copies],
            "judge": _judge(self.game, self.regimes),
            "labels": _labels(self.game),
            "branches": self.branches,
            "notes": list(_overruled(self.game, self.regimes, self.table)),
        }


def _text(game: Game) -> str:
    from ..spec.toml import dumps

    return dumps(game)


def _loaded(given: Any) -> Game:
    from ..load import load

    found = load(given) if isinstance(given, str | Path) else given
    if not isinstance(found, Game):
        name = given if isinstance(given, str | Path) else "this game"
        raise RequestError(
            f"{name}: a game without parameters has nothing to vary. "
            "Write it as a Game (.toml or .py) and declare parameters"
        )
    return found


def _asked(game: Game, regimes: Sequence[str] | None) -> tuple[str, ...]:
    known = [regime.name for regime in game.regimes]
    asked = (regimes,) if isinstance(regimes, str) else tuple(known if regimes is None else regimes)
    for position, name in enumerate(asked):
        if name not in known:
            raise RequestError(f"{game.name} has no regime {name!r}. {did_you_mean(name, known)}")
        if name in asked[:position]:
            raise RequestError(f"the regime {name!r} is asked for twice. Name it once")
    if not asked:
        raise RequestError(f"no regime is asked for. Known: {', '.join(known)}")
    return asked


def _columns(
    game: Game, draws: Mapping[str, ArrayLike], base: Mapping[str, Any]
) -> dict[str, Array]:
    """Return the draws as columns of finite numbers, all of one length, one for a parameter."""
    numeric = {name for name, value in base.items() if not isinstance(value, str)}
    table = {}
    for name, given in draws.items():
        if name not in numeric:
            raise RequestError(
                f"{game.name} has no numeric parameter {name!r}. {did_you_mean(name, numeric)}"
            )
        try:
            column = np.array(given, dtype=np.float64)
        except (TypeError, ValueError):
            column = np.array([np.nan])
        if column.ndim != 1:
            raise RequestError(f"{game.name}: the draws of {name} are not one column")
        if not np.isfinite(column).all():
            raise RequestError(f"{game.name}: the draws of {name} are not all finite numbers")
        column.setflags(write=False)
        table[name] = column
    lengths = {len(column) for column in table.values()}
    if lengths in (set(), {0}):
        raise RequestError("there are no draws")
    if len(lengths) > 1:
        told = ", ".join(f"{name} {len(column)}" for name, column in table.items())
        raise RequestError(f"the columns of draws are not of one length: {told}")
    return table


def _judge(game: Game, regimes: Sequence[str]) -> str | None:
    """Return the player who owns the decision that all regimes fix; a baseline may fix none."""
    fixed = {name for r in game.regimes if r.name in regimes for name in (*r.fix, *r.narrow)}
    owners = {
        move.player
        for stage in game.stages
        for move in stage.moves
        if not isinstance(move, Chance) and move.name in fixed
    }
    return owners.pop() if len(owners) == 1 else None


def _overruled(game: Game, regimes: Sequence[str], drawn: Iterable[str]) -> Iterator[str]:
    """Say where a regime sets what is drawn: it is the draw that counts."""
    table = set(drawn)
    for regime in game.regimes:
        off = [name for mechanism in regime.off for name in game.mechanisms[mechanism].off]
        for name in dict.fromkeys([*regime.set, *off]):
            if regime.name in regimes and name in table:
                yield f"the regime {regime.name} sets {name}, which is drawn; the draw counts"


def _labels(game: Game) -> dict[str, str]:
    labels = {parameter.name: parameter.label for parameter in game.parameters}
    labels.update({player.name: player.label for player in game.players})
    labels.update({name: quantity.label for name, quantity in game.derived.items()})
    return {name: label for name, label in labels.items() if label}


# ---------------------------------------------------------------------------------------------
# Answers as they come


class _Answers:
    """The arrays that answers are put in, for n draws, r regimes and c columns."""

    def __init__(self, n: int, r: int, c: int) -> None:
        self.status = np.full((n, r), NOT_SOLVED, np.int64)
        self.low = np.full((n, r, c), np.nan)
        self.high = np.full((n, r, c), np.nan)
        self.count = np.zeros((n, r), np.int64)
        self.regret = np.full((n, r), np.inf)
        self.rejected = np.zeros((n, r), np.int64)
        self.more: dict[tuple[int, int], bytes] = {}
        self._width = 8 * (4 + 2 * c)

    def put(self, at: Whole, regimes: Whole, part: Part) -> None:
        """Take the answers of a chunk."""
        where = np.ix_(at, regimes)
        for name in ("status", "low", "high", "count", "regret", "rejected"):
            getattr(self, name)[where] = getattr(part, name)
        for n, texts in zip(at.tolist(), part.more, strict=False):
            for k, text in zip(regimes.tolist(), texts, strict=True):
                self.more[n, k] = text

    def unpack(self, n: int, k: int, value: bytes) -> bool:
        """Take one answer from the bytes that :func:`_packed` made, if they can be one."""
        if len(value) < self._width:
            return False
        table = np.frombuffer(value[: self._width], "<f8")
        c = self.low.shape[2]
        self.status[n, k], self.count[n, k], self.rejected[n, k] = table.view("<i8")[:3]
        self.regret[n, k] = table[3]
        self.low[n, k], self.high[n, k] = table[4 : 4 + c], table[4 + c :]
        if len(value) > self._width:
            self.more[n, k] = value[self._width :]
        return True


def _packed(part: Part) -> list[bytes]:
    """Return the bytes of the answers of a chunk, draw by draw, regime by regime."""
    n, r, c = part.low.shape
    table = np.empty((n, r, 4 + 2 * c), "<f8")
    whole = table.view("<i8")
    whole[:, :, 0], whole[:, :, 1], whole[:, :, 2] = part.status, part.count, part.rejected
    table[:, :, 3] = part.regret
    table[:, :, 4 : 4 + c], table[:, :, 4 + c :] = part.low, part.high
    data, width = table.tobytes(), 8 * (4 + 2 * c)
    places = range(0, len(data), width)
    values = [data[place : place + width] for place in places]
    if part.more:
        more = [text for texts in part.more for text in texts]
        values = [value + text for value, text in zip(values, more, strict=True)]
    return values


class _Progress:
    """The answers to a request, as far as they are there."""

    def __init__(self, job: _Job) -> None:
        n, r = len(job.first), len(job.regimes)
        self.job = job
        self.answers = _Answers(n, r, len(job.columns))
        self._own = job.first == np.arange(n)
        self._copies = np.bincount(job.first, minlength=n)
        self._bits = np.ascontiguousarray(np.stack(list(job.table.values()), axis=1), "<f8")
        self.total = n * r
        """Answers in all, those of equal draws included."""

    @property
    def done(self) -> int:
        """Answers that are there."""
        return int(((self.answers.status != NOT_SOLVED) * self._copies[:, None]).sum())

    def missing(self) -> list[tuple[Whole, Whole]]:
        """Return (regimes, draws) that are to be solved together, by index."""
        absent = (self.answers.status == NOT_SOLVED) & self._own[:, None]
        patterns = np.unique(absent[absent.any(axis=1)], axis=0)
        return [
            (np.nonzero(pattern)[0], np.nonzero((absent == pattern).all(axis=1))[0])
            for pattern in patterns[::-1]
        ]

    def draws(self, at: Whole) -> dict[str, Array]:
        """Return the draws with these indices."""
        return {name: column[at] for name, column in self.job.table.items()}

    def take(self, kept: Store | None, at: Whole, regimes: Whole, part: Part) -> None:
        """Take the answers of a chunk, into the store first."""
        if kept is not None:
            across = len(self.job.regimes)
            starts = list(zip(regimes.tolist(), self._starts(kept, regimes), strict=True))
            keys = [
                (draw * across + k, start + bits)
                for draw, bits in zip(at.tolist(), self._bits_of(at), strict=True)
                for k, start in starts
            ]
            values = _packed(part)
            kept.put((*key, value) for key, value in zip(keys, values, strict=True))
        self.answers.put(at, regimes, part)

    def load(self, kept: Store) -> None:
        """Take what a store holds; what does not have the key that it should is left out."""
        across = len(self.job.regimes)
        starts = self._starts(kept, np.arange(across))
        bits = self._bits_of(np.arange(len(self.job.first))) if kept.rows else []
        for number, (key, value) in kept.rows.items():
            n, k = divmod(number, across)
            if key == starts[k] + bits[n]:
                self.answers.unpack(n, k, value)

    def _starts(self, kept: Store, regimes: Whole) -> list[bytes]:
        """Return what the keys of these regimes' answers begin with."""
        return [kept.digest + self.job.regimes[k].encode() + b"\0" for k in regimes.tolist()]

    def _bits_of(self, at: Whole) -> list[bytes]:
        """Return the bits of the numbers of these draws, with which keys end."""
        data, width = self._bits[at].tobytes(), 8 * len(self.job.table)
        return [data[k : k + width] for k in range(0, len(data), width)]

    def sweep(self, partial: bool = False) -> Sweep:
        """Return the sweep; a partial one has only the draws of which something is known."""
        job = self.job
        keep = np.arange(len(job.first))
        if partial:
            keep = np.nonzero((self.answers.status[job.first] != NOT_SOLVED).any(axis=1))[0]
        inputs = {name: column[keep] for name, column in job.table.items()}
        absent = self.total - self.done
        return _made(
            self.answers, job.first[keep], keep, inputs, job.request(), job.about(), absent
        )


def _made(
    answers: _Answers,
    at: Whole,
    number: Whole,
    inputs: Mapping[str, Array],
    request: Mapping[str, str],
    about: Mapping[str, Any],
    absent: int,
    notes: tuple[str, ...] = (),
) -> Sweep:
    """Return a sweep of the draws at these rows of the answers' arrays."""
    arrays = {
        name: frozen(getattr(answers, name)[at])
        for name in ("low", "high", "count", "regret", "rejected")
    }
    names = tuple(about["columns"])
    found = Draws(regimes=tuple(about["regimes"]), names=names, **arrays)
    followed = None
    if about["branches"]:
        cells = {
            (row, k): json.loads(answers.more[source, k])
            for row, source in enumerate(at.tolist())
            for k in range(len(found.regimes))
            if (source, k) in answers.more
        }
        followed = branches_of(inputs, cells, len(found.regimes), len(names))
    return Sweep(
        game=request["game"],
        title=about["title"],
        source=about["source"],
        specification=about["specification"],
        preset=about["preset"],
        settings=MappingProxyType(dict(about["settings"])),
        design=request["design"],
        players=tuple(about["players"]),
        judge=about["judge"],
        number=frozen(np.asarray(number, np.int64)),
        inputs=MappingProxyType({name: frozen(column) for name, column in inputs.items()}),
        answers=found,
        status=frozen(np.array(STATUSES)[answers.status[at]]),
        branches=followed,
        labels=MappingProxyType(dict(about["labels"])),
        manifest=MappingProxyType(dict(request)),
        absent=absent,
        notes=(*about["notes"], *notes),
    )


# ---------------------------------------------------------------------------------------------
# Reading a store


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
        return _read(contents, () if contents.whole else (damage(contents),))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: this store does not hold a sweep ({error})") from None


def _read(contents: Contents, notes: tuple[str, ...]) -> Sweep:
    about = contents.about
    regimes = [name.encode() for name in about["regimes"]]
    n, r = about["draws"], len(regimes)
    answers = _Answers(n, r, len(about["columns"]))
    bits = np.full((n, len(about["inputs"])), np.nan)
    for number, (key, value) in contents.rows.items():
        draw, k = divmod(number, r)
        start = contents.digest + regimes[k] + b"\0"
        if key.startswith(start) and answers.unpack(draw, k, value):
            bits[draw] = np.frombuffer(key[len(start) :], "<f8")
    first = np.arange(n)
    for copy, original in about["copies"]:
        first[copy] = original
    keep = np.nonzero((answers.status[first] != NOT_SOLVED).any(axis=1))[0]
    missing = int((answers.status[first] == NOT_SOLVED).sum())
    if missing:
        notes = (f"{missing:,} of {n * r:,} answers are not there", *notes)
    at = first[keep]
    inputs = dict(zip(about["inputs"], bits[at].T, strict=True))
    return _made(answers, at, keep, inputs, contents.request, about, missing, notes)
