"""Validation of a game: all mistakes at once."""

from __future__ import annotations

from .model import Game


def validate(game: Game) -> None:
    """Raise SpecError with every mistake of the game."""
    from .resolve import resolve

    resolve(game)
