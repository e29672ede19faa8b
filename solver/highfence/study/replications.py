"""Published answers beside ours.

A game may declare answers that others gave for it (:class:`highfence.spec.model.Published`):
a formula over the game's outcomes, the value that was published, and at which numbers. Here the
game is solved at these numbers, every equilibrium is certified, and the two are set side by
side. Nothing that is declared is read while solving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from .. import limits
from ..errors import RequestError, SpecError
from ..solution import Equilibrium, Solution, Status
from ..solve import solve
from ..spec.catalog import entries
from ..spec.formulas import evaluate
from ..spec.model import Game, Published, exact
from .outcome import Outcome, categorical_values, outcome_of

__all__ = ["Replication", "replicate", "replications"]


@dataclass(frozen=True)
class Replication:
    """One published answer and ours."""

    game: str
    title: str
    source: str
    """Who published it."""
    label: str
    """What the number is."""
    formula: str
    """The same in the game's names."""
    origin: str
    """Whose the value is: one of :data:`highfence.spec.model.ORIGINS`."""
    published: float
    ours: float | None
    """Our value: of the equilibrium that is farthest from the published one where it must hold
    in all of them, of the nearest where it must hold in some. None if nothing was found."""
    tolerance: float
    """The largest difference, in absolute value, that counts as a match."""
    holds: bool
    """The difference is within the tolerance, and every equilibrium behind it is certified."""
    reason: str
    """What was solved, or why there is no value."""
    equilibria: int
    """How many equilibria were found."""
    command: str
    """The command that solves the game at these numbers."""

    @property
    def difference(self) -> float | None:
        """Ours less theirs; None if nothing was found."""
        return None if self.ours is None else self.ours - self.published

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence replications --json`` holds for it."""
        return {
            "source": self.source,
            "label": self.label,
            "origin": self.origin,
            "game": self.game,
            "formula": self.formula,
            "published": self.published,
            "ours": self.ours,
            "difference": self.difference,
            "tolerance": self.tolerance,
            "holds": self.holds,
            "equilibria": self.equilibria,
            "reason": self.reason,
            "command": self.command,
        }


def replications(
    games: Iterable[str | Path | Game] | None = None,
    *,
    tell: Callable[[str], None] = lambda step: None,
) -> tuple[Replication, ...]:
    """Return every published answer of the games, beside ours.

    Parameters
    ----------
    games
        Games, names or paths; by default all games in TOML that ``highfence list`` names and
        that declare published answers. (Games in Python are programs, and are run only if named.)
    tell
        Is told what is being solved.

    Returns
    -------
    tuple of Replication
        In the order of the games, and in each in that of its declaration.

    Raises
    ------
    RequestError
        There is no such game, or one that was named declares nothing.
    """
    made: list[Replication] = []
    for name, game in _games(games):
        tell(f"solving {name}")
        made.extend(replicate(game, name=name))
    return tuple(made)


def _games(games: Iterable[str | Path | Game] | None) -> Iterator[tuple[str, Game]]:
    from ..load import load

    if games is not None:
        for given in games:
            game = given if isinstance(given, Game) else load(given)
            if not isinstance(game, Game) or not game.published:
                name = given.name if isinstance(given, Game) else given
                raise RequestError(
                    f"{name} declares no published answers. A game does so with [[published]]"
                )
            yield game.name if isinstance(given, Game) else str(given), game
        return
    for entry in entries():
        if not entry.path.endswith(".toml"):
            continue
        try:
            if b"[[published]]" not in Path(entry.path).read_bytes():
                continue
            game = load(entry.path)
        except (OSError, SpecError):
            continue  # `highfence list` and `highfence check` say what is wrong with it
        if isinstance(game, Game) and game.published:
            yield entry.name, game


def replicate(game: Game, *, name: str | None = None) -> tuple[Replication, ...]:
    """Return the published answers of one game beside ours, in the order of its declaration.

    Rows at the same numbers share one solution.

    Parameters
    ----------
    name
        What commands call the game: its own name, or a path.
    """
    solved: dict[Any, Solution] = {}

    def answer(row: Published, regime: str) -> Solution:
        key = (regime, row.preset, row.method, tuple(sorted(row.set.items())))
        if key not in solved:
            settings: dict[str, Any] = dict(row.set)
            solved[key] = solve(
                game, row.method, regime=regime or None, preset=row.preset or None, **settings
            )
        return solved[key]

    called = game.name if name is None else name
    return tuple(_replication(game, called, row, answer) for row in game.published)


def _replication(
    game: Game, name: str, row: Published, answer: Callable[[Published, str], Solution]
) -> Replication:
    outcome = outcome_of(game, row.formula, categorical_values(game, row.set))
    published, tolerance = float(exact(row.value)), float(exact(row.tolerance))
    solution = answer(row, row.regime)
    others = {regime: answer(row, regime) for regime in outcome.others}
    ours, reason = _ours(row, outcome, solution, others, published)
    certified = all(
        found.certificate.holds
        for one in (solution, *others.values())
        for found in one.equilibria
    )  # fmt: skip
    near = ours is not None and abs(ours - published) <= tolerance
    if near and not certified:
        reason = "an equilibrium is not certified"
    return Replication(
        name,
        game.title or game.name,
        row.source,
        row.label or row.formula,
        row.formula,
        row.origin,
        published,
        ours,
        tolerance,
        near and certified,
        reason,
        len(solution.equilibria),
        _command(name, row),
    )


def _ours(
    row: Published,
    outcome: Outcome,
    solution: Solution,
    others: Mapping[str, Solution],
    published: float,
) -> tuple[float | None, str]:
    for regime, one in {row.regime: solution, **others}.items():
        if not one.equilibria:
            under = f" under {regime}" if regime else ""
            return None, f"no equilibrium was found{under}: {one.reason}"
    if row.equilibria == "all" and solution.status is not Status.SOLVED:
        return None, solution.reason
    sets = [solution.equilibria, *(one.equilibria for one in others.values())]
    if np.prod([len(one) for one in sets]) > limits.MAX_SAMPLES:
        return None, "too many combinations of equilibria"
    values = [_value(outcome, solution, list(others), played) for played in product(*sets)]
    if not all(map(isfinite, values)):
        return None, f"{row.formula} is undefined"
    choose = max if row.equilibria == "all" else min
    count = len(values)
    which = "the only equilibrium" if count == 1 else f"{row.equilibria} of {count} equilibria"
    return choose(values, key=lambda value: abs(value - published)), which


def _value(
    outcome: Outcome, solution: Solution, others: list[str], played: tuple[Equilibrium, ...]
) -> float:
    own = _read(played[0], solution)
    inputs = dict(own)
    for regime, found in zip(others, played[1:], strict=True):
        inputs.update({f"{regime}.{key}": value for key, value in _read(found, solution).items()})
    needed = {key: inputs[key] for key in outcome.inputs}
    (value,) = evaluate([outcome.root], needed)
    return float(value) if np.ndim(value) == 0 else inf


def _read(found: Equilibrium, solution: Solution) -> dict[str, float]:
    """Return outcomes, payoffs and numeric parameters by name."""
    parameters = {
        name: float(value)
        for name, value in solution.parameters.items()
        if not isinstance(value, str)
    }
    payoffs = {player: float(value) for player, value in found.payoffs.items()}
    return {**parameters, **payoffs, **{k: float(v) for k, v in found.outcomes.items()}}


def _command(name: str, row: Published) -> str:
    parts = ["highfence", "solve", name]
    if row.regime:
        parts += ["--regime", row.regime]
    if row.preset:
        parts += ["--preset", row.preset]
    for parameter, value in row.set.items():
        parts += ["--set", f"{parameter}={value}"]
    if row.method != "auto":
        parts += ["--method", row.method]
    return " ".join(parts)
