"""What a sweep is: answers at many draws under every regime, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import RequestError, did_you_mean
from ._chunk import CERTIFIED, STATUSES
from .branches import Branches
from .draws import Draws
from .table import ending_of, write_table, write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["TIE", "UNCOMPARED", "UNDECIDED", "Sweep"]

TIE, UNDECIDED, UNCOMPARED = -1, -2, -3
"""What :meth:`Sweep.best` says of a draw without a winner: regimes are equally good; it depends
on which equilibrium is played; some regime's answer is not certified."""


@dataclass(frozen=True)
class Sweep:
    """A game's answers at n draws under r regimes. Arrays are read-only."""

    game: str
    title: str
    source: str
    """Where the game was read."""
    specification: str
    """SHA-256 of the game's TOML text without the words in it, on which no answer depends
    (:func:`highfence.spec.toml.digest`); "" for a game that has no such text."""
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
