"""Games of stages that tests write in a few lines."""

from __future__ import annotations

from highfence import Chance, Decision, Game, Parameter, Stage


def make(
    players: str,
    stages: list[list[Decision | Chance]],
    payoffs: dict[str, str],
    derived: dict[str, str] | None = None,
    **parameters: float,
) -> Game:
    """Return a game; players are the words of a text."""
    return Game(
        name="small",
        players=players.split(),
        parameters=[Parameter(name, value) for name, value in parameters.items()],
        stages=[Stage(f"stage_{k}", *moves) for k, moves in enumerate(stages)],
        derived=derived or {},
        payoffs=payoffs,
    )
