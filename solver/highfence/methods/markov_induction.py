"""Markov-perfect equilibria by induction: backwards from a horizon, or sweep after sweep.

With a finite horizon the last stage is a game by itself in every state; its equilibrium payoffs
are what the stage before continues with, and so on (Selten 1965). Every equilibrium chosen at
every state makes another equilibrium of the whole, so they multiply; the rule by which they are
listed is part of the answer's notes.

Without end and with one mover in every state, a sweep lets every mover choose the best action
against what the last sweep found the future to be worth. Once the choices no longer change, the
profile is valued exactly and tested. With a single player this always ends (Howard 1960); with
several it may go round in circles, which is said.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits, tolerances
from ..errors import MethodFailed
from ..forms.markov import MarkovForm, MarkovProfile
from ..forms.normal import NormalForm
from ..solution import Findings, Finds
from .extreme import extreme_enumeration
from .markov_homotopy import markov_homotopy
from .registry import method

__all__ = ["markov_induction", "markov_sweeps"]

Array = NDArray[np.float64]
Vectors = tuple[tuple[float, ...], ...]

_SWEEPS = 20_000
"""Sweeps from one starting point."""
_STEADY = 3
"""Sweeps without a change of any choice after which the profile is tested."""


@method(
    "markov_induction",
    form=MarkovForm,
    accepts=lambda game: game.horizon is not None,
    finds=Finds.SOME,
    source="Backward induction (Selten 1965) over the stage games of every state",
    domain="dynamic games with a finite horizon",
    rank=10,
    use="a game on states that ends",
)
def markov_induction(game: MarkovForm) -> Generator[MarkovProfile, None, Findings]:
    """Yield Markov-perfect equilibria of a game with a horizon, by the listing rule in its notes.

    In every state of every stage the stage game's equilibria are listed: all that are pure;
    for two players with a choice, all extreme ones, mixed ones after pure ones; for more
    players without a pure one, the one at the end of the logit path. Profiles are yielded in
    the order in which the choices of the earliest stages change first.

    Parameters
    ----------
    game
        A Markov form with a horizon.

    Yields
    ------
    MarkovProfile
        One strategy per stage and state. The first takes the first listed everywhere.

    Returns
    -------
    Findings
        Incomplete where ``limits.MAX_MARKOV_EQUILIBRIA`` profiles were yielded and more remain.

    Notes
    -----
    Stationary across states of one stage only: strategies that depend on more of the past than
    the state and the stage are not searched. A player who is indifferent (up to 1e-12 of the
    payoffs) gives an equilibrium for each best action.

    Examples
    --------
    >>> stay = [[[1.0]] * 2] * 2
    >>> once = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]
    >>> twice = MarkovForm.from_arrays([once], [stay], 1.0, horizon=2)
    >>> [profile.choice(0, 0, stage) for profile in markov_induction(twice) for stage in (0, 1)]
    [1, 1]
    """
    stages = game.horizon or 0
    chosen: list[tuple[Vectors, ...]] = []
    searches: list[Iterator[tuple[tuple[Vectors, ...], Array]]] = [_layers(game, game.terminal)]
    yielded, mixed = 0, False
    while searches:
        try:
            layer, values = next(searches[-1])
        except StopIteration:
            searches.pop()
            if chosen:
                chosen.pop()
            continue
        if yielded == limits.MAX_MARKOV_EQUILIBRIA:
            note = (
                f"{yielded} equilibria were listed, and there are more "
                "(highfence.limits.MAX_MARKOV_EQUILIBRIA)"
            )
            return Findings(complete=False, notes=(_RULE, note))
        mixed = mixed or any(0 < p < 1 for state in layer for vector in state for p in vector)
        if len(searches) < stages:
            chosen.append(layer)
            searches.append(_layers(game, values))
            continue
        yielded += 1
        flat = tuple(
            vector for each in (layer, *reversed(chosen)) for state in each for vector in state
        )
        yield MarkovProfile(flat, game.num_states, game.num_players, stages)
    return Findings(complete=True, notes=(_RULE,) if yielded > 1 or mixed else ())


_RULE = (
    "in every state of every stage: all pure equilibria of the stage game, and all extreme ones "
    "of two players; of more players without a pure one, the one at the end of the logit path; "
    "the first profile takes the first listed everywhere"
)


def _layers(game: MarkovForm, after: Array) -> Iterator[tuple[tuple[Vectors, ...], Array]]:
    """Yield the choices of all states in one stage, with their values ``(N, S)``."""
    listed: list[list[tuple[Vectors, Array]]] = []
    for s in range(game.num_states):
        continued = np.stack([game.transitions[s] @ after[i] for i in range(game.num_players)])
        shape = (game.num_players, *[1] * game.num_players)
        table = game.payoffs[s] + game.discounts[:, s].reshape(shape) * continued
        listed.append([(found, _worth(table, found)) for found in _stage_equilibria(table)])
    for combination in product(*listed):
        yield (
            tuple(vectors for vectors, _ in combination),
            np.stack([worth for _, worth in combination], axis=1),
        )


def _worth(table: Array, vectors: Vectors) -> Array:
    """Return the players' expected payoffs of a mixed profile."""
    for vector in reversed(vectors):
        table = table @ np.array(vector)
    return table


def _stage_equilibria(table: Array) -> list[Vectors]:
    """Return the equilibria of one stage game that the rule lists; at least one."""
    players, sizes = table.shape[0], table.shape[1:]
    stable = np.ones(sizes, dtype=bool)
    for i in range(players):
        slack = tolerances.ROUNDING * max(1e-300, float(np.abs(table[i]).max()))
        stable &= table[i] >= table[i].max(axis=i, keepdims=True) - slack
    found = [_pure(cell, sizes) for cell in np.argwhere(stable).tolist()]
    active = [i for i in range(players) if sizes[i] > 1]
    if len(active) == 2:
        kept = tuple(slice(None) if i in active else 0 for i in range(players))
        stage = NormalForm.from_payoffs(np.stack([table[(i, *kept)] for i in active]))
        for profile in extreme_enumeration(stage):
            row, column = profile.floats()
            if max(row) < 1 or max(column) < 1:
                own = {active[0]: tuple(row.tolist()), active[1]: tuple(column.tolist())}
                found.append(tuple(own.get(i, (1.0,)) for i in range(players)))
    elif not found:
        stay = np.ones((*sizes, 1))
        stage_form = MarkovForm.from_arrays([table], [stay], 0.0)
        found = [next(markov_homotopy(stage_form)).at(0)]
    if not found:
        raise MethodFailed("markov_induction: a stage game's equilibria passed a limit")
    return found


def _pure(cell: list[int], sizes: tuple[int, ...]) -> Vectors:
    return tuple(
        tuple(float(k == chosen) for k in range(size))
        for chosen, size in zip(cell, sizes, strict=True)
    )


@method(
    "markov_sweeps",
    form=MarkovForm,
    accepts=lambda game: game.horizon is None and game.one_mover,
    finds=Finds.SOME,
    source="Howard (1960); Shapley (1953)",
    domain="dynamic games without end in which one player at a time has a choice",
    rank=30,
    use="a game on states without end in which one moves at a time",
)
def markov_sweeps(game: MarkovForm) -> Generator[MarkovProfile, None, Findings]:
    """Yield pure stationary Markov-perfect equilibria of a game with moves in turn.

    Sweeps of best choices start from a future worth nothing, from the worth of uniform play,
    and from a future that is worth most where one player's stage payoffs are; every profile on
    which they settle is valued exactly and tested at every state.

    Parameters
    ----------
    game
        A Markov form without end in which no two players have a choice in the same state.

    Yields
    ------
    MarkovProfile
        Each once; at ties the action listed first is taken.

    Returns
    -------
    Findings
        Complete if at least one start settled; else the sweeps went round, and a note says so.

    Notes
    -----
    ``O(options S)`` a sweep; the number of sweeps grows with ``1 / (1 - discount)``. With one
    player the answer is the optimum. With several there may be other equilibria, mixed and pure.

    Examples
    --------
    >>> harvest = MarkovForm.build(
    ...     ["owner"], ["young", "grown"],
    ...     lambda state: [["wait", "cut"]],
    ...     lambda state, a: [{"young": 1, "grown": 3}[state] * (a[0] == "cut")],
    ...     lambda state, a: {"young" if a[0] == "cut" else "grown": 1.0},
    ...     0.9)
    >>> [next(markov_sweeps(harvest)).choice(s, 0) for s in (0, 1)]
    [0, 1]
    """
    options = _Options(game)
    seen: set[tuple[int, ...]] = set()
    starts, settled = options.starts(), 0
    for values in starts:
        choice = options.settle(values)
        if choice is None:
            continue
        settled += 1
        if tuple(choice.tolist()) not in seen:
            seen.add(tuple(choice.tolist()))
            yield options.profile(choice)
    notes = [
        f"sweeps from {len(starts)} starts, {settled} of which settled, on {len(seen)} profiles"
    ]
    if settled < len(starts):
        notes.append("from the others the choices still changed when they were given up")
    if game.num_players > 1:
        notes.append("other equilibria, mixed ones among them, were not searched for")
    return Findings(complete=settled > 0, notes=tuple(notes))


class _Options:
    """All options of all states in one list: with one mover, a profile is one option a state."""

    def __init__(self, game: MarkovForm) -> None:
        self.game = game
        counts = game.num_actions
        self.mover = np.array([int(np.argmax(own)) for own in counts])
        sizes = [int(np.prod(own)) for own in counts]
        self.first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.state = np.repeat(np.arange(game.num_states), sizes)
        self.payoffs = np.concatenate(
            [table.reshape(game.num_players, -1) for table in game.payoffs], axis=1
        )
        self.moves = np.concatenate([m.reshape(-1, game.num_states) for m in game.transitions])
        self.own = self.mover[self.state], np.arange(len(self.state))

    def starts(self) -> list[Array]:
        """Return what the future is taken to be worth at first."""
        players, count = self.game.num_players, self.game.num_states
        uniform = MarkovProfile(
            tuple((1.0 / size,) * size for own in self.game.num_actions for size in own),
            count,
            players,
        )
        found = [np.zeros((players, count)), self.game.values(uniform)]
        reach = 1 / (1 - min(0.99, float(self.game.discounts.min())))
        highest = np.maximum.reduceat(self.payoffs, self.first, axis=1)
        for i in range(players if players > 1 else 0):
            favoring = np.zeros((players, count))
            favoring[i] = highest[i] * reach
            found.append(favoring)
        return found

    def worth(self, values: Array) -> Array:
        """Return every option's payoffs and continuation: ``(N, options)``."""
        found: Array = self.payoffs + self.game.discounts[:, self.state] * (values @ self.moves.T)
        return found

    def best(self, worth: Array) -> NDArray[np.int64]:
        """Return the first best option of every state's mover, up to rounding."""
        own = worth[self.own]
        highest = np.maximum.reduceat(own, self.first)
        slack = tolerances.ROUNDING * np.abs(worth).max()
        good = np.flatnonzero(own >= highest[self.state] - slack)
        _, at = np.unique(self.state[good], return_index=True)
        chosen: NDArray[np.int64] = good[at]
        return chosen

    def settle(self, values: Array) -> NDArray[np.int64] | None:
        """Return the options on which sweeps settle, if they are an equilibrium."""
        before: Any = None
        steady, patience, tested = 0, _STEADY, set()
        for _ in range(_SWEEPS):
            worth = self.worth(values)
            choice = self.best(worth)
            values = worth[:, choice]
            if before is not None and (choice == before).all():
                steady += 1
            else:
                steady = 0
            before = choice
            if steady < patience:
                continue
            key = choice.tobytes()
            if key not in tested:
                tested.add(key)
                exact = self.value(choice)
                improved = self.worth(exact)[self.own]
                gain = (
                    np.maximum.reduceat(improved, self.first)
                    - exact[self.mover, np.arange(len(choice))]
                )
                if (gain <= 1e-10 * (1 + np.abs(exact).max())).all():
                    return choice
            if patience > _SWEEPS // 8:
                return None
            patience *= 2
            steady = 0
        return None

    def value(self, choice: NDArray[np.int64]) -> Array:
        """Return the values ``(N, S)`` of a profile."""
        return self.game.worth_of(self.payoffs[:, choice], self.moves[choice])

    def profile(self, choice: NDArray[np.int64]) -> MarkovProfile:
        """Return the pure profile of one option a state."""
        strategies = []
        for s, own in enumerate(self.game.num_actions):
            cell = int(choice[s] - self.first[s])
            for i, size in enumerate(own):
                played = cell if i == self.mover[s] else 0
                strategies.append(tuple(float(k == played) for k in range(size)))
        return MarkovProfile(tuple(strategies), self.game.num_states, self.game.num_players)
