"""Many draws of a game's numbers under several regimes, on several cores.

Every draw is solved under every regime (common random numbers), and every answer is judged:
a cell of the result is certified to the tolerance, or it is flagged. Staged games take a
path of their own in which nothing is built or compiled again from draw to draw; the draws of
finite games are solved together (:mod:`highfence.solve_many`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import MethodFailed, RequestError, SpecError, did_you_mean
from ..forms.batch import trees
from ..forms.build import build, values, values_given
from ..forms.staged import StagedForm
from ..processes import refuse_workers, worker_processes
from ..solve_many import Answers, rows_of, solve_many

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..forms.extensive import ExtensiveForm
    from ..forms.markov import MarkovForm
    from ..forms.normal import NormalForm
    from ..spec.model import Game

    Form = NormalForm | ExtensiveForm | StagedForm | MarkovForm
    Array = NDArray[np.float64]

__all__ = ["Draws", "keep_workers", "solve_draws"]

CHUNK = 250
"""Draws that are solved together, before progress is told. What is done once for all of them takes
a sixth of the time of a hundred."""
LEAST = 40
"""Draws in the last parts that processes get: smaller than the first, so that all end together."""
ALONE = 100
"""Draws up to which this process solves them itself: others would take longer to start."""
WORTHWHILE = 20
"""Draws from which on it pays to work out and compile a closed form."""


@dataclass(frozen=True)
class Draws:
    """Answers for n draws and r regimes. Arrays are read-only; NaN where nothing is certified."""

    regimes: tuple[str, ...]
    names: tuple[str, ...]
    """Columns of ``low`` and ``high``: each player's payoff, then the outcomes."""
    low: Array
    """(n, r, columns): lowest value over the certified equilibria."""
    high: Array
    """(n, r, columns): highest value."""
    count: NDArray[np.int64]
    """(n, r): certified equilibria."""
    regret: Array
    """(n, r): largest regret, over the payoff scale, of the profiles proposed; infinite if none."""
    rejected: NDArray[np.int64]
    """(n, r): profiles proposed that were not certified."""

    @property
    def certified(self) -> NDArray[np.bool_]:
        """(n, r): at least one equilibrium, and none rejected."""
        holds: NDArray[np.bool_] = (self.count > 0) & (self.rejected == 0)
        return holds

    def column(self, name: str) -> tuple[Array, Array]:
        """Return ``low`` and ``high`` of a payoff or an outcome, each (n, r)."""
        if name not in self.names:
            raise RequestError(f"no column {name!r}. {did_you_mean(name, self.names)}")
        k = self.names.index(name)
        return self.low[:, :, k], self.high[:, :, k]


def solve_draws(
    game: Game,
    draws: Mapping[str, ArrayLike],
    regimes: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    thorough: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Draws:
    """Solve a game for many draws of its numeric parameters under every regime.

    Parameters
    ----------
    game
        The game.
    draws
        Parameter -> values, all of one length n.
    regimes
        Names of regimes; all of the game's by default.
    preset
        The preset of parameter values that the rest starts from.
    workers
        Processes. More than one needs a game that can be written as TOML (no callables).
    tolerance
        Regret, over the payoff scale, up to which an answer is certified.
    thorough
        Whether an answer that compiled code did not settle is searched once more, alone, by the
        method for single answers, which takes up to seconds. True: always. False: never; it
        stays flagged. None: unless it is plain why nothing was met, since one of the finite
        movers leaves each of the leader's replies to what they may do (on the flagship all that
        is left, one answer in a hundred under broad controls): the leader may have to mix over
        the interval, which neither method searches.
    progress
        Called with (draws done, n) now and then.
    parameters, named
        Values of parameters that are not drawn, in a mapping or as keywords. In the mapping they
        may be called like the arguments here.

    Raises
    ------
    RequestError
        A name is unknown, a value is not a finite number, the lengths differ, there is
        nothing to solve, or a parameter is given twice.
    SpecError
        The game is wrong at the values that are not drawn.

    Notes
    -----
    A draw at which the game itself is wrong (a payoff is undefined, an interval is empty), or
    at which a method fails, is flagged like one without an equilibrium. Where a regime sets
    a parameter that is drawn, the draw counts.

    Games under regimes that leave one interval decision before a last stage of interval
    decisions are solved and judged in compiled code, all draws of a chunk at once, and so are
    stages of linear responses, in closed form (:mod:`highfence.methods.closed_form`); what it
    cannot settle, and other games, one draw at a time. A mover counts as content there, as in
    single answers, where it is not known what follows another action; not if that action pays
    more whatever follows.

    Cost on the flagship: a few milliseconds a draw and regime. Interrupting it (Ctrl-C)
    loses the batch; a store that resumes is not part of this function.
    """
    names = [regime.name for regime in game.regimes]
    asked = (regimes,) if isinstance(regimes, str) else tuple(names if regimes is None else regimes)
    for name in asked:
        if name not in names:
            raise RequestError(f"{game.name} has no regime {name!r}. {did_you_mean(name, names)}")
    table = {name: _numbers(game, name, column) for name, column in draws.items()}
    lengths = {column.shape for column in table.values()}
    if not asked or len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise RequestError(
            "draws are one-dimensional columns of one length, for at least one regime"
        )
    count = len(next(iter(table.values())))
    if count == 0:
        raise RequestError("there are no draws")
    refuse_workers(workers)
    given = values_given(parameters, named)
    fixed = values(game, preset=preset, parameters=given)
    numeric = {name for name, value in fixed.items() if not isinstance(value, str)}
    for name in table:
        if name not in numeric:
            raise RequestError(
                f"{game.name} has no numeric parameter {name!r}. {did_you_mean(name, numeric)}"
            )
    if all(
        trees(game, tuple(table), regime=name, preset=preset, parameters=given) is not None
        for name in asked
    ):
        return _solve_finite(game, asked, table, preset, given, workers, tolerance, progress)
    job = partial(_solve_chunk, asked, preset, given, tolerance, thorough)
    chunks = [
        {name: column[part] for name, column in table.items()} for part in _parts(count, workers)
    ]
    parts = []
    done = 0
    for part in _run(game, job, chunks, workers):
        parts.append(part)
        done += len(part[1])
        if progress is not None:
            progress(done, count)
    columns = parts[0][0]
    arrays = [np.concatenate([part[k] for part in parts]) for k in range(1, 6)]
    for array in arrays:
        array.setflags(write=False)
    low, high, found, regret, rejected = arrays
    return Draws(asked, columns, low, high, found, regret, rejected)


def _solve_finite(
    game: Game,
    regimes: tuple[str, ...],
    table: Mapping[str, Array],
    preset: str | None,
    parameters: Mapping[str, Any],
    workers: int,
    tolerance: float,
    progress: Callable[[int, int], None] | None,
) -> Draws:
    """Return the answers for a game without intervals: each regime's draws are solved together."""
    answers: list[Answers] = []
    told = 0

    def tell(done: int, count: int) -> None:
        nonlocal told
        now = (len(answers) * count + done) // len(regimes)
        if progress is not None and now > told:
            told = now
            progress(now, count)

    for regime in regimes:
        answers.append(
            solve_many(
                game,
                table,
                regime=regime,
                preset=preset,
                workers=workers,
                tolerance=tolerance,
                progress=tell,
                parameters=parameters,
            )
        )
    arrays = [
        np.stack([getattr(answer, name) for answer in answers], axis=1)
        for name in ("low", "high", "count", "regret", "rejected")
    ]
    for array in arrays:
        array.setflags(write=False)
    low, high, found, regret, rejected = arrays
    return Draws(regimes, answers[0].names, low, high, found, regret, rejected)


def _numbers(game: Game, name: str, column: ArrayLike) -> Array:
    """Return the draws of a parameter, all finite."""
    try:
        numbers = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise RequestError(f"{game.name}: the draws of {name} are not all finite numbers")
    return numbers


def _parts(count: int, workers: int) -> list[slice]:
    """Return the parts in which draws are solved."""
    made = []
    done = 0
    while done < count:
        left = count - done
        if workers > 1 and count > ALONE:
            size = min(left, CHUNK, max(LEAST, -(-left // (2 * workers))))
        else:
            size = CHUNK if 2 * left > 3 * CHUNK else left
        made.append(slice(done, done + size))
        done += size
    return made


_GAME: Game | None = None


def _start(text: str) -> None:
    """Read the game once in every process."""
    global _GAME
    from ..spec.toml import loads

    _GAME = loads(text, checked=True)


def _in_process(job: Callable[..., Any], chunk: Mapping[str, Array]) -> Any:
    return job(_GAME, chunk)


_KEPT: ContextVar[tuple[Game, Executor] | None] = ContextVar("kept", default=None)
"""A game, and processes that have read it."""


@contextmanager
def keep_workers(game: Game, workers: int, count: int) -> Iterator[None]:
    """Have the calls of :func:`solve_draws` inside, on this game, share worker processes.

    A process takes seconds to start; a study that asks for its draws in parts would start as
    many anew for each.

    Parameters
    ----------
    workers
        Processes, as in each call.
    count
        Draws in all: no more are started than these give work to.

    Raises
    ------
    MethodFailed
        A worker was lost.
    """
    from ..spec.toml import dumps

    refuse_workers(workers)
    parts = len(_parts(count, workers))
    try:
        text = dumps(game) if workers > 1 and parts > 1 else ""
    except RequestError:
        text = ""  # whoever asks for workers is told
    if not text:
        yield
        return
    with worker_processes(min(workers, parts), _start, (text,)) as pool:
        token = _KEPT.set((game, pool))
        try:
            yield
        finally:
            _KEPT.reset(token)


def _run(
    game: Game,
    job: Callable[..., Any],
    chunks: Sequence[Mapping[str, Array]],
    workers: int,
) -> Iterator[Any]:
    if workers <= 1 or len(chunks) == 1:
        for chunk in chunks:
            yield job(game, chunk)
        return
    kept = _KEPT.get()
    if kept is not None and kept[0] is game:
        yield from kept[1].map(partial(_in_process, job), chunks)
        return
    from ..spec.toml import dumps

    with worker_processes(min(workers, len(chunks)), _start, (dumps(game),)) as pool:
        yield from pool.map(partial(_in_process, job), chunks)


def _solve_chunk(
    regimes: tuple[str, ...],
    preset: str | None,
    parameters: Mapping[str, Any],
    tolerance: float,
    thorough: bool | None,
    game: Game,
    chunk: Mapping[str, Array],
) -> tuple[Any, ...]:
    """Return (columns, low, high, count, regret, rejected) of a chunk of draws."""
    forms = [build(game, regime=regime, preset=preset, parameters=parameters) for regime in regimes]
    count = len(next(iter(chunk.values())))
    answers: list[tuple[Array, float, int, Array | None]] = []
    together = [
        _solve_together(form, chunk, tolerance, thorough) if isinstance(form, StagedForm) else {}
        for form in forms
    ]
    for n in range(count):
        drawn = {name: float(column[n]) for name, column in chunk.items()}
        for regime, form, done in zip(regimes, forms, together, strict=True):
            if n in done:
                answers.append((*done[n], None))
            elif isinstance(form, StagedForm):
                answers.append((*_solve_staged(form, drawn, tolerance), None))
            else:
                answers.append(
                    _solve_built(game, regime, preset, {**parameters, **drawn}, tolerance)
                )
    # All regimes report the same, but a chunk may be without a single equilibrium.
    columns = (*forms[0].players, *_outcome_names(forms[0]))
    shape = (count, len(regimes))
    low = np.full((*shape, len(columns)), np.nan)
    high = low.copy()
    found, rejected = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    regret = np.full(shape, np.inf)
    for k, (table, worst, wrong, bounds) in enumerate(answers):
        at = divmod(k, len(regimes))
        found[at], rejected[at], regret[at] = len(table), wrong, worst
        if bounds is not None:
            low[at], high[at] = bounds
        elif len(table):
            low[at], high[at] = table.min(axis=0), table.max(axis=0)
    return columns, low, high, found, regret, rejected


def _outcome_names(form: Form) -> tuple[str, ...]:
    return form.outcome_names if isinstance(form, StagedForm) else tuple(form.outcomes)


def _solve_together(
    form: StagedForm, chunk: Mapping[str, Array], tolerance: float, thorough: bool | None = None
) -> dict[int, tuple[Array, float, int]]:
    """Return what :func:`_solve_staged` does, for the draws that compiled code settles at once.

    There are three looks. What was rejected, or not found, or found roughly only, may follow
    another branch of the last stage: a rule for each corner is tried. Where nothing was certified
    even so, the scan is finer, and a finite player is held to be content with an action if nobody
    knows what follows the others.

    Where all were in vain, a draw is left to the other method if ``thorough`` is true; if it is
    None, unless every reply was found and somebody leaves each. It is left where this method
    does not apply.
    """
    from ..certify.staged_batch import certify_leads
    from ..methods.staged_batch import (
        FINE,
        accepts,
        empty_behind,
        histories,
        lead_answers,
        lead_index,
    )

    closed = _solve_closed(form, chunk, tolerance)
    if closed or not accepts(form):
        return closed
    count = len(next(iter(chunk.values())))
    inputs = np.repeat(form.root[:, : len(form.plan.names)], count, axis=0)
    for name, column in chunk.items():
        inputs[:, form.plan.names.index(name)] = column
    rows, plain = histories(form, inputs)
    solved = np.flatnonzero(plain)
    done: dict[int, tuple[Array, float, int]] = {}
    sharp = min(tolerance, tolerances.REGRET_STAGED)
    looks: tuple[dict[str, Any], ...] = (
        {},
        {"corners": True},
        {"resolution": FINE, "lenient": True},
    )
    for look in looks:
        if not len(solved):
            break
        found = lead_answers(form, rows[solved], **look)
        judged = certify_leads(
            form,
            lead_index(form),
            rows[solved][found.history],
            found.profiles,
            found.lead,
            found.weights,
            found.actions,
            found.prescribe,
        )
        table = np.concatenate([judged.payoffs, judged.outcomes], axis=1)
        holds = judged.regret <= tolerance
        worst = np.full(len(solved), -np.inf)
        np.maximum.at(worst, found.history, judged.regret)
        settled = ~found.left & (worst <= tolerance)
        close = judged.regret <= sharp
        better = np.bincount(found.history[close], minlength=len(solved)) > 0
        again = ~(settled & better)
        if look:
            # A rule that is no equilibrium's was tried in vain: the others' answers stand.
            rough = np.array([int(n) in done for n in solved])
            holds = np.where(better[found.history], close, holds & ~rough[found.history])
            settled = np.bincount(found.history[holds], minlength=len(solved)) > 0
            again = ~(settled | rough)
        for n in np.flatnonzero(settled):
            mine = (found.history == n) & holds
            done[int(solved[n])] = (table[mine], float(judged.regret[mine].max()), 0)
        proposed = np.bincount(found.history, minlength=len(solved))[again]
        worst, refuted, solved = worst[again], found.refuted[again], solved[again]
    if len(solved) and not thorough:
        over = ~empty_behind(form, rows[solved]) & (refuted | (thorough is False))
        for n in np.flatnonzero(over):
            regret = float(worst[n]) if proposed[n] else np.inf
            done[int(solved[n])] = (np.empty((0, 0)), regret, int(proposed[n]))
    return done


def load_what_solves(form: StagedForm) -> None:
    """Load and compile all that draws of a game are solved by at once: one is solved by it."""
    names = form.plan.names
    draw = {name: form.root[:, k] for k, name in enumerate(names[:1])}
    _solve_together(form, draw, tolerances.REGRET_BATCH, thorough=False)


def _solve_closed(
    form: StagedForm, chunk: Mapping[str, Array], tolerance: float
) -> dict[int, tuple[Array, float, int]]:
    """Return likewise the draws of a game that has one equilibrium, in closed form, and whose
    certificate holds."""
    from ..certify.plays_batch import certify_plays
    from ..methods.closed_form import closed_form_of

    count = len(next(iter(chunk.values())))
    closed = closed_form_of(form, only_known=count < WORTHWHILE)
    if closed is None or not closed.single:
        return {}
    inputs = np.repeat(form.root[:, : len(form.plan.names)], count, axis=0)
    for name, column in chunk.items():
        inputs[:, form.plan.names.index(name)] = column
    judged = certify_plays(form, closed, inputs)
    inputs[:, [move.slot for block in form.blocks for move in block.intervals]] = judged.actions
    table = np.concatenate([judged.payoffs, form.outcomes(inputs)], axis=1)
    return {
        int(n): (table[n : n + 1], float(judged.regret[n]), 0)
        # Formulas are right to rounding, or wrong: a batch's tolerance would let flat payoffs by.
        for n in np.flatnonzero(judged.regret <= min(tolerance, tolerances.REGRET_FLOAT))
    }


def _solve_staged(
    form: StagedForm, drawn: Mapping[str, float], tolerance: float
) -> tuple[Array, float, int]:
    """Return (table (equilibria, columns), regret, rejected) of one draw."""
    from ..certify.staged import LIGHT, certify_staged
    from ..methods._search import COARSE
    from ..methods.staged import staged

    inputs = form.root[0, : len(form.plan.names)].copy()
    for name, value in drawn.items():
        inputs[form.plan.names.index(name)] = value
    rows, worst, wrong = [], -np.inf, 0
    try:
        here = form.at(inputs)
        for profile in staged(here, resolution=COARSE):
            certificate = certify_staged(here, profile, tolerance, LIGHT)
            worst = max(worst, float(certificate.regret))
            if not certificate.holds:
                wrong += 1
                continue
            fields = profile.present(here)
            rows.append([*fields["payoffs"].values(), *fields["outcomes"].values()])
    except (MethodFailed, SpecError):
        return np.empty((0, 0)), np.inf, wrong
    return np.array(rows), worst if worst > -np.inf else np.inf, wrong


def _solve_built(
    game: Game,
    regime: str,
    preset: str | None,
    parameters: Mapping[str, Any],
    tolerance: float,
) -> tuple[Array, float, int, Array | None]:
    """Return the same for a game that is built anew for every draw, and bounds if others than
    these are covered by them."""
    from ..solve import solve

    try:
        solution = solve(build(game, regime=regime, preset=preset, parameters=parameters))
    except (MethodFailed, SpecError):
        return np.empty((0, 0)), np.inf, 0, None
    return rows_of(solution, tolerance)
