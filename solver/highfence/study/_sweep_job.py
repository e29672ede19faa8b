"""The request of a sweep: checked, and put in words that tell it from every other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits
from ..errors import RequestError, did_you_mean
from ..forms.build import build, values
from ..spec.model import Game, Regime
from ..spec.resolve import resolved
from ._asked import game_of, names_asked, owners_of, set_by
from ._chunk import Task

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["Job"]

ONLY = "game"
"""The name of the one regime that a game without regimes is swept under."""


@dataclass(frozen=True)
class Job:
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
    ) -> Job:
        """Check a request, but for :meth:`check`, which loads what solves.

        Raises
        ------
        RequestError
            Something in it is wrong.
        """
        game = game_of(
            game,
            "a game without parameters has nothing to vary. "
            "Write it as a Game (.toml or .py) and declare parameters",
        )
        if not game.regimes and regimes is None:
            game = replace(game, regimes=(Regime(ONLY),))
        known = [regime.name for regime in game.regimes]
        asked = names_asked("regime", regimes, known, f"{game.name} has no regime")
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
        base = values(game, regime=asked[0], preset=preset, parameters=parameters)
        found = resolved(game, {name: v for name, v in base.items() if isinstance(v, str)})
        players = tuple(player.name for player in game.players)
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
            players=players,
            columns=(*players, *found.outcomes),
            first=at[inverse.ravel()].astype(np.int64),
        )

    def check(self) -> None:
        """Refuse a game that is wrong at the values that are not drawn.

        Raises
        ------
        SpecError
            What is wrong.
        """
        build(self.game, regime=self.regimes[0], preset=self.preset, parameters=self.parameters)

    def dumps(self) -> str:
        """Return the game in TOML.

        Raises
        ------
        RequestError
            It cannot be written so, and why.
        """
        return self.text or _text(self.game)

    @property
    def distinct(self) -> int:
        """How many draws differ."""
        return int((self.first == np.arange(len(self.first))).sum())

    def task(self, columns: Whole, shared: bool) -> Task:
        """Return what workers are told about these regimes; a game that is shared is handed on."""
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

    @cached_property
    def specification(self) -> str:
        """Digest of what answers depend on in the game's text; "" for a game that has none."""
        from ..spec.toml import digest

        return digest(self.game) if self.text else ""

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
    owners = owners_of(game, fixed)
    return owners.pop() if len(owners) == 1 else None


def _overruled(game: Game, regimes: Sequence[str], drawn: Iterable[str]) -> Iterator[str]:
    """Say where a regime sets what is drawn: it is the draw that counts."""
    table = set(drawn)
    for regime in game.regimes:
        for name in set_by(game, regime):
            if regime.name in regimes and name in table:
                yield f"the regime {regime.name} sets {name}, which is drawn; the draw counts"


def _labels(game: Game) -> dict[str, str]:
    labels = {parameter.name: parameter.label for parameter in game.parameters}
    labels.update({player.name: player.label for player in game.players})
    labels.update({name: quantity.label for name, quantity in game.derived.items()})
    return {name: label for name, label in labels.items() if label}
