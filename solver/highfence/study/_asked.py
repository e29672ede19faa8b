"""What studies check of a request before anything is solved: the game, and the names in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import RequestError, did_you_mean
from ..spec.model import Chance, Game, Regime

__all__ = ["game_of", "levers_of", "names_asked", "one_called", "owners_of", "set_by"]

T = TypeVar("T")


def game_of(given: Any, otherwise: str) -> Game:
    """Return a game with stages: itself, from the catalogue, or from its file.

    Parameters
    ----------
    otherwise
        What is said of a strategic form or a tree, which are tables of numbers.

    Raises
    ------
    RequestError
        It is one of these.
    """
    from ..load import load

    found = load(given) if isinstance(given, str | Path) else given
    if not isinstance(found, Game):
        name = given if isinstance(given, str | Path) else "this game"
        raise RequestError(f"{name}: {otherwise}")
    return found


def names_asked(
    what: str, asked: Sequence[str] | str | None, known: Collection[str], missing: str
) -> tuple[str, ...]:
    """Return the names that are asked for; all that are known if None.

    Parameters
    ----------
    what
        What they are names of, such as ``"regime"``.
    missing
        How the refusal of an unknown name begins, such as ``"unknown regime"``.

    Raises
    ------
    RequestError
        A name is unknown or comes twice, or there is none.
    """
    if asked is None:
        return tuple(known)
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    for position, name in enumerate(names):
        if name not in known:
            raise RequestError(f"{missing} {name!r}. {did_you_mean(name, known)}")
        if name in names[:position]:
            raise RequestError(f"the {what} {name!r} is asked for twice. Name it once")
    if not names:
        raise RequestError(f"no {what} is asked for. Known: {', '.join(known)}")
    return names


def one_called(name: str, known: Mapping[str, T]) -> T:
    """Return the one of this name.

    Raises
    ------
    KeyError
        There is none; the message says which there are.
    """
    if name not in known:
        raise KeyError(f"{name!r}. {did_you_mean(name, known)}")
    return known[name]


def owners_of(game: Game, decisions: Collection[str]) -> set[str]:
    """Return the players who take these decisions."""
    return {
        move.player
        for stage in game.stages
        for move in stage.moves
        if not isinstance(move, Chance) and move.name in decisions
    }


def levers_of(game: Game, regimes: Collection[str] | None = None) -> dict[str, list[str]]:
    """Return the parameters that some of these regimes set -> the regimes that do.

    By default any regime of the game.
    """
    found: dict[str, list[str]] = {}
    for regime in game.regimes:
        if regimes is None or regime.name in regimes:
            for name in set_by(game, regime):
                found.setdefault(name, []).append(regime.name)
    return found


def set_by(game: Game, regime: Regime) -> list[str]:
    """Return the parameters that a regime sets, itself or by switching mechanisms off."""
    off = [name for mechanism in regime.off for name in game.mechanisms[mechanism].off]
    return list(dict.fromkeys([*regime.set, *off]))
