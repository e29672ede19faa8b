"""Answers to a sweep as they come: put in arrays, kept in a store, read from there again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ._chunk import NOT_SOLVED, STATUSES, Part
from ._sweep_job import Job
from ._swept import Sweep
from .branches import branches_of, frozen
from .draws import Draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .store import Contents, Store

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["Progress", "sweep_in"]


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


class Progress:
    """The answers to a request, as far as they are there."""

    def __init__(self, job: Job) -> None:
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


def sweep_in(contents: Contents, notes: tuple[str, ...]) -> Sweep:
    """Return the sweep that a store's contents hold; ``notes`` say what is damaged."""
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
