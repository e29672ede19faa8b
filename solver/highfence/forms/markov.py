"""The Markov form: a dynamic game played on finitely many states.

Conventions
-----------
In every stage the game is in a state ``s``; player ``i`` chooses one of ``num_actions[s][i]``
actions, all at the same time; ``payoffs[s][i, a_0, ..., a_{N-1}]`` is what player ``i`` gets in
that stage, and ``transitions[s][a_0, ..., a_{N-1}, t]`` the probability that the next state is
``t``. ``discounts[i, s]`` is the weight of what comes after a stage in state ``s``, against that
stage. Arrays have as many entries as the state has actions: nothing is padded. A player with one
action in a state waits there, so moves in turn are states with one mover each (see
:meth:`MarkovForm.build`, ``in_turn``).

The *value* of a profile to player ``i`` in state ``s`` solves::

    V_i(s) = sum over a of sigma(a | s) [ u_i(s, a) + d_i(s) sum over t of P(t | s, a) V_i(t) ]

With a finite ``horizon`` there are so many stages, and ``terminal[i, s]`` is got after the last.
A *Markov-perfect equilibrium* is a profile that depends on the state alone (and on the stage,
with a finite horizon) and from which no player gains by deviating at any state.

References
----------
Shapley (1953), "Stochastic games", PNAS 39; Fink (1964), "Equilibrium in a stochastic n-person
game"; Maskin and Tirole (2001), "Markov perfect equilibrium", Journal of Economic Theory 100.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from numbers import Rational
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import limits, tolerances
from ..errors import LimitExceeded, Problem, RequestError, SpecError, did_you_mean

__all__ = ["MarkovForm", "MarkovProfile", "Trajectory"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MarkovProfile:
    """A strategy for every player in every state; with a finite horizon, at every stage.

    ``strategies`` holds one probability vector per (stage,) state and player, players fastest,
    stages slowest. A profile is a claim, not a checked fact: the judge checks it.
    """

    strategies: tuple[tuple[float, ...], ...]
    num_states: int
    num_players: int
    stages: int | None = None
    """Number of stages of a finite horizon; None where strategies are stationary."""

    @classmethod
    def from_vectors(cls, vectors: Sequence[Sequence[Any]]) -> MarkovProfile:
        """Return the profile of ``vectors[s][i]``, or of ``vectors[stage][s][i]``.

        Examples
        --------
        >>> MarkovProfile.from_vectors([[[1, 0], [0.5, 0.5]]]).at(0)
        ((1.0, 0.0), (0.5, 0.5))
        """
        given: Any = vectors
        staged = np.ndim(given[0][0][0]) > 0
        layers: Any = given if staged else [given]
        flat = tuple(
            tuple(float(p) for p in vector)
            for layer in layers
            for state in layer
            for vector in state
        )
        return cls(flat, len(layers[0]), len(layers[0][0]), len(layers) if staged else None)

    @classmethod
    def pure(cls, form: MarkovForm, choices: Any) -> MarkovProfile:
        """Return the profile with ``choices[s][i]`` (or ``[stage][s][i]``) the action played."""
        table = np.asarray(choices, dtype=int)
        layers = table if table.ndim == 3 else table[None]
        flat = tuple(
            tuple(float(k == chosen) for k in range(count))
            for layer in layers
            for state, counts in zip(layer, form.num_actions, strict=True)
            for chosen, count in zip(state, counts, strict=True)
        )
        stages = len(layers) if table.ndim == 3 else None
        return cls(flat, form.num_states, form.num_players, stages)

    @property
    def is_exact(self) -> bool:
        """True if every probability is an int or Fraction."""
        return all(isinstance(p, Rational) for vector in self.strategies for p in vector)

    def at(self, state: int, stage: int = 0) -> tuple[tuple[float, ...], ...]:
        """Return the players' probability vectors in a state (``stage`` counts from 0)."""
        start = ((stage if self.stages else 0) * self.num_states + state) * self.num_players
        return self.strategies[start : start + self.num_players]

    def choice(self, state: int, player: int, stage: int = 0) -> int:
        """Return the action played with the highest probability (the first of equals)."""
        vector = self.at(state, stage)[player]
        return max(range(len(vector)), key=vector.__getitem__)

    def present(self, form: MarkovForm) -> dict[str, Any]:
        """Return the fields of an equilibrium: values from ``form.initial``, named strategies.

        Strategies are player -> state (and stage) -> action -> probability, for the states in
        which the player has a choice.
        """
        strategies: dict[str, dict[str, dict[str, float]]] = {name: {} for name in form.players}
        for stage in range(self.stages or 1):
            for s, label in enumerate(form.states):
                where = f"{label}, stage {stage + 1}" if self.stages else label
                for i, vector in enumerate(self.at(s, stage)):
                    if len(vector) > 1:
                        strategies[form.players[i]][where] = dict(
                            zip(form.actions[s][i], vector, strict=True)
                        )
        values = form.values(self)
        started = (values[0] if self.stages else values) @ form.initial
        return {
            "payoffs": {name: float(v) for name, v in zip(form.players, started, strict=True)},
            "strategies": strategies,
            "outcomes": form.expected_outcomes(self),
            "path": form.shares(self),
        }


@dataclass(frozen=True)
class Trajectory:
    """One simulated course of play."""

    states: tuple[int, ...]
    """States visited, the one after the last stage included."""
    actions: tuple[tuple[int, ...], ...]
    """Per stage, the action of every player."""
    payoffs: tuple[tuple[float, ...], ...]
    """Per stage, the payoff of every player, not discounted."""


@dataclass(frozen=True, eq=False)
class MarkovForm:
    """A dynamic game on finitely many states; see the module for the conventions.

    Made by :meth:`from_arrays` or :meth:`build`, which validate and copy; arrays are read-only.

    Attributes
    ----------
    players, states
        Labels, unique.
    actions
        ``actions[s][i]``: the labels of player ``i``'s actions in state ``s``.
    payoffs
        Per state, shape ``(N, a_0, ..., a_{N-1})``.
    transitions
        Per state, shape ``(a_0, ..., a_{N-1}, S)``; the last axis sums to 1.
    discounts
        Shape ``(N, S)``, in ``[0, 1]``.
    horizon
        Number of stages, or None for a game without end.
    terminal
        Shape ``(N, S)``: what is got after the last stage; zeros without end.
    initial
        Shape ``(S,)``: the distribution of the first state. Only the payoffs that are printed
        depend on it: an equilibrium is one from every state.
    title, question
        What reports print, and what the game asks.
    outcomes
        Other quantities than payoffs: name -> per state, shape ``(a_0, ..., a_{N-1})``.
    ends
        Shape ``(S,)``: 1 where the stage is the last one of a period, 0 for a move within one.
    """

    players: tuple[str, ...]
    states: tuple[str, ...]
    actions: tuple[tuple[tuple[str, ...], ...], ...]
    payoffs: tuple[Array, ...]
    transitions: tuple[Array, ...]
    discounts: Array
    horizon: int | None
    terminal: Array
    initial: Array
    title: str = ""
    question: str = ""
    outcomes: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    ends: Array | None = None

    @classmethod
    def from_arrays(
        cls,
        payoffs: Sequence[ArrayLike],
        transitions: Sequence[ArrayLike],
        discount: ArrayLike,
        *,
        horizon: int | None = None,
        terminal: ArrayLike | None = None,
        initial: int | ArrayLike = 0,
        players: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        actions: Sequence[Sequence[Sequence[str]]] | None = None,
        title: str = "",
        question: str = "",
        outcomes: Mapping[str, Sequence[ArrayLike]] | None = None,
        ends: ArrayLike | None = None,
    ) -> MarkovForm:
        """Return the game with these arrays.

        Parameters
        ----------
        payoffs
            Per state, shape ``(N, a_0, ..., a_{N-1})``: the sizes may differ between states.
        transitions
            Per state, shape ``(a_0, ..., a_{N-1}, S)``.
        discount
            One number, one per player, or shape ``(N, S)``, in ``[0, 1]``. Without end, no
            circle of states may have discount 1 throughout.
        horizon
            Number of stages; None for a game without end.
        terminal
            Shape ``(N, S)``; only with a horizon.
        initial
            Index of the first state, or a distribution over states.
        players, states, actions
            Labels; by default ``"Player 1"``, ..., and ``"1"``, ``"2"``, ...
        title, question
            What reports print, and what the game asks.
        outcomes
            Name -> per state, shape ``(a_0, ..., a_{N-1})``.
        ends
            Shape ``(S,)``: 1 where a period ends, 0 for a move within one; all 1 by default.

        Raises
        ------
        SpecError
            Something is wrong with the arrays; the message names the state.
        LimitExceeded
            More than ``limits.MAX_TRANSITIONS`` transition probabilities.

        Examples
        --------
        >>> stay, leave = [1, 0], [0, 1]
        >>> game = MarkovForm.from_arrays([[[1, 0]], [[2]]], [[stay, leave], [leave]], 0.5)
        >>> game.num_actions
        ((2,), (1,))
        """
        count = len(payoffs)
        if count == 0 or len(transitions) != count:
            raise _problem(
                "transitions", f"{len(transitions)} arrays for {count} states", "Give one per state"
            )
        tables = [_floats(table, f"payoffs[{s}]") for s, table in enumerate(payoffs)]
        num_players = tables[0].shape[0] if tables[0].ndim else 0
        moves = [_floats(table, f"transitions[{s}]") for s, table in enumerate(transitions)]
        _check_shapes(tables, moves, num_players)
        if sum(move.size for move in moves) > limits.MAX_TRANSITIONS:
            raise LimitExceeded(
                Problem(
                    "transitions",
                    f"{sum(move.size for move in moves)} transition probabilities are more than "
                    f"{limits.MAX_TRANSITIONS} (highfence.limits.MAX_TRANSITIONS)",
                    "Use fewer states or actions",
                )
            )
        moves = [_distributions(move, f"transitions[{s}]") for s, move in enumerate(moves)]
        if horizon is not None and (
            isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1
        ):
            raise _problem(
                "horizon",
                f"{horizon!r} is not a number of stages",
                "Give a whole number from 1, or None for a game without end",
            )
        shape = (num_players, count)
        discounts = _discounts(discount, shape)
        if horizon is None:
            _check_ends(moves, discounts)
        after = np.zeros(shape) if terminal is None else _floats(terminal, "terminal")
        if after.shape != shape or (terminal is not None and horizon is None):
            raise _problem(
                "terminal",
                f"has shape {after.shape} with horizon {horizon}",
                f"Give shape {shape}, with a finite horizon only",
            )
        return cls(
            players=_labels(players, num_players, "players", "Player "),
            states=_labels(states, count, "states", ""),
            actions=_action_labels(actions, tables),
            payoffs=tuple(map(_read_only, tables)),
            transitions=tuple(map(_read_only, moves)),
            discounts=_read_only(discounts),
            horizon=horizon,
            terminal=_read_only(after),
            initial=_read_only(_initial(initial, count)),
            title=title,
            question=question,
            outcomes=_outcome_tables(outcomes or {}, tables),
            ends=None if ends is None else _read_only(_floats(ends, "ends")),
        )

    @classmethod
    def build(
        cls,
        players: Sequence[str],
        states: Sequence[Hashable],
        actions: Callable[[Any], Sequence[Sequence[str]]],
        payoff: Callable[[Any, tuple[str, ...]], Sequence[float]],
        transition: Callable[[Any, tuple[str, ...]], Mapping[Any, float]],
        discount: ArrayLike,
        *,
        horizon: int | None = None,
        terminal: Callable[[Any], Sequence[float]] | None = None,
        initial: Hashable | None = None,
        in_turn: bool = False,
        label: Callable[[Any], str] = str,
        title: str = "",
        question: str = "",
    ) -> MarkovForm:
        """Return the game that functions of state and actions describe.

        Parameters
        ----------
        players
            Labels.
        states
            The states, as the functions take them: names, tuples of numbers, anything hashable.
        actions
            State -> per player, the labels of the actions there (one label: nothing to choose).
        payoff
            State, actions (one label per player) -> payoffs of the period, per player.
        transition
            State, actions -> {next state: probability}.
        discount
            One number, or one per player, for a period.
        horizon
            Number of periods, or None.
        terminal
            State -> payoffs after the last period; zeros by default.
        initial
            The first state; by default the first listed.
        in_turn
            False: all players move at once. True: within a period they move in the order of
            ``players`` and see what was done before. Then every move is a stage of its own, in
            a state such as ``"4,1 | broad"``; payoffs come with the last move, and only it is
            discounted. A horizon is still a number of periods.
        label
            State -> its label.
        title, question
            What reports print, and what the game asks.

        Raises
        ------
        SpecError
            A transition leads to an unknown state, or as for :meth:`from_arrays`.

        Examples
        --------
        >>> race = MarkovForm.build(
        ...     ["leader", "follower"], [0, 1],
        ...     lambda gap: [["wait", "run"], ["wait", "run"]],
        ...     lambda gap, a: [gap - (a[0] == "run"), -gap - (a[1] == "run")],
        ...     lambda gap, a: {1: 1.0} if a[0] == "run" else {gap: 1.0},
        ...     0.9, in_turn=True)
        >>> race.num_states
        6
        """
        known = {state: index for index, state in enumerate(states)}
        if len(known) != len(states):
            raise _problem("states", "a state is listed twice", "List every state once")
        names = [label(state) for state in states]
        nodes = _nodes(states, names, actions, len(players), in_turn)
        where = {(node.state, node.played): index for index, node in enumerate(nodes)}
        payoffs, transitions, labels = [], [], []
        for node in nodes:
            shape = tuple(len(own) for own in node.actions)
            table = np.zeros((len(players), *shape))
            move = np.zeros((*shape, len(nodes)))
            for cell in np.ndindex(shape):
                chosen = tuple(own[k] for own, k in zip(node.actions, cell, strict=True))
                if node.mover is not None:
                    played = (*node.played, chosen[node.mover])
                    if len(played) < len(players):
                        move[(*cell, where[node.state, played])] = 1.0
                        continue
                    chosen = played
                table[(slice(None), *cell)] = payoff(states[node.state], chosen)
                for target, probability in transition(states[node.state], chosen).items():
                    if target not in known:
                        raise _problem(
                            f"transition({names[node.state]}, {', '.join(chosen)})",
                            f"leads to {target!r}, which is not a state",
                            "List it among the states, or lead elsewhere",
                        )
                    move[(*cell, where[known[target], ()])] += probability
            payoffs.append(table)
            transitions.append(move)
            labels.append(node.actions)
        per_player = np.broadcast_to(np.asarray(discount, dtype=float), (len(players),))
        last = np.array([node.mover in (None, len(players) - 1) for node in nodes])
        ends = None
        if terminal is not None:
            ends = np.zeros((len(players), len(nodes)))
            for state, index in known.items():
                ends[:, where[index, ()]] = terminal(state)
        stages = horizon if horizon is None or not in_turn else horizon * len(players)
        return cls.from_arrays(
            payoffs,
            transitions,
            np.where(last, per_player[:, None], 1.0),
            horizon=stages,
            terminal=ends,
            initial=0 if initial is None else where[known[initial], ()],
            players=players,
            states=[node.label for node in nodes],
            actions=labels,
            title=title,
            question=question,
        )

    @property
    def num_players(self) -> int:
        """Number of players, N."""
        return len(self.players)

    @property
    def num_states(self) -> int:
        """Number of states, S."""
        return len(self.states)

    @property
    def num_actions(self) -> tuple[tuple[int, ...], ...]:
        """``num_actions[s][i]``: how many actions player ``i`` has in state ``s``."""
        return tuple(table.shape[1:] for table in self.payoffs)

    @property
    def one_mover(self) -> bool:
        """True if in every state at most one player has more than one action."""
        return all(sum(count > 1 for count in counts) <= 1 for counts in self.num_actions)

    @property
    def scales(self) -> Array:
        """Per player, the range of stage (and terminal) payoffs; 1 where that is 0."""
        scales = np.ones(self.num_players)
        for i in range(self.num_players):
            low = min(float(table[i].min()) for table in self.payoffs)
            high = max(float(table[i].max()) for table in self.payoffs)
            if self.horizon is not None:
                low = min(low, float(self.terminal[i].min()))
                high = max(high, float(self.terminal[i].max()))
            scales[i] = high - low if high > low else 1.0
        return scales

    def state(self, label: str) -> int:
        """Return the index of a state.

        Raises
        ------
        RequestError
            No state has this label; the message lists the closest.
        """
        if label not in self.states:
            raise RequestError(f"unknown state {label!r}. {did_you_mean(label, self.states)}")
        return self.states.index(label)

    def averages(self, profile: MarkovProfile, stage: int = 0) -> tuple[Array, Array]:
        """Return stage payoffs ``(N, S)`` and the transition matrix ``(S, S)`` of a profile."""
        earned = np.empty((self.num_players, self.num_states))
        moved = np.empty((self.num_states, self.num_states))
        for s in range(self.num_states):
            table, move = self.payoffs[s], self.transitions[s]
            for vector in reversed(profile.at(s, stage)):
                weights = np.array([float(p) for p in vector])
                table = table @ weights
                move = np.tensordot(weights, move, axes=(0, move.ndim - 2))
            earned[:, s], moved[s] = table, move
        return earned, moved

    def values(self, profile: MarkovProfile) -> Array:
        """Return what the profile is worth to every player from every state.

        Returns
        -------
        NDArray
            Shape ``(N, S)`` without end; ``(stages + 1, N, S)`` with a horizon, the last layer
            being ``terminal``.
        """
        if self.horizon is not None:
            values = np.empty((self.horizon + 1, self.num_players, self.num_states))
            values[-1] = self.terminal
            for stage in reversed(range(self.horizon)):
                earned, moved = self.averages(profile, stage)
                values[stage] = earned + self.discounts * (values[stage + 1] @ moved.T)
            return values
        return self.worth_of(*self.averages(profile))

    def worth_of(self, earned: Array, moved: Array) -> Array:
        """Return what payoffs without end are worth: the Bellman equation, solved.

        Parameters
        ----------
        earned
            Payoffs of one stage, ``(N, S)``.
        moved
            From which state to which one comes, ``(S, S)``.

        Returns
        -------
        NDArray
            Shape ``(N, S)``. Cost: one factorization for all players whose discounts agree.
        """
        values = np.empty((self.num_players, self.num_states))
        rates, group = np.unique(self.discounts, axis=0, return_inverse=True)
        for k, rate in enumerate(rates):
            of = np.flatnonzero(group.ravel() == k)
            system = np.eye(self.num_states) - rate[:, None] * moved
            values[of] = np.linalg.solve(system, earned[of].T).T
        return values

    def distribution(
        self, profile: MarkovProfile, stages: int, start: int | ArrayLike | None = None
    ) -> Array:
        """Return where the game is after 0, 1, ..., ``stages`` stages: ``(stages + 1, S)``.

        Parameters
        ----------
        profile
            Who does what.
        stages
            How many stages to follow; at most the horizon.
        start
            First state, or a distribution; ``initial`` by default.
        """
        self._check_length(stages)
        found = np.empty((stages + 1, self.num_states))
        found[0] = self.initial if start is None else _initial(start, self.num_states)
        moved = self.averages(profile)[1]
        for stage in range(stages):
            if profile.stages and stage:
                moved = self.averages(profile, stage)[1]
            found[stage + 1] = found[stage] @ moved
        return found

    def visits(self, profile: MarkovProfile) -> Array:
        """Return how often a profile leads to each state, later visits discounted.

        Returns
        -------
        NDArray
            Shape ``(stages, S)``, one row without end. Weights are the first player's discounts.
        """
        if self.horizon is None:
            moved = self.discounts[0][:, None] * self.averages(profile)[1]
            one: Array = np.linalg.solve(np.eye(self.num_states) - moved.T, self.initial)
            return one[None]
        found = np.empty((self.horizon, self.num_states))
        found[0] = self.initial
        for stage in range(self.horizon - 1):
            moved = self.averages(profile, stage)[1]
            found[stage + 1] = (found[stage] * self.discounts[0]) @ moved
        return found

    def expected_outcomes(self, profile: MarkovProfile) -> dict[str, float]:
        """Return the average of each outcome over the periods.

        Periods count as the first player discounts them: the average of a constant is the
        constant, and the average of a player's payoff of the period is ``1 - discount`` times
        what the game is worth to that player, if it has no end and all discount alike.
        """
        if not self.outcomes:
            return {}
        visits = self.visits(profile)
        ends = np.ones(self.num_states) if self.ends is None else self.ends
        totals = dict.fromkeys(self.outcomes, 0.0)
        for stage, row in enumerate(visits):
            for s in np.flatnonzero(ends * row):
                for name, tables in self.outcomes.items():
                    table = tables[s]
                    for vector in reversed(profile.at(int(s), stage)):
                        table = table @ np.array([float(p) for p in vector])
                    totals[name] += float(row[s]) * float(table)
        periods = float((visits @ ends).sum())
        return {name: total / periods for name, total in totals.items()}

    def shares(self, profile: MarkovProfile) -> tuple[str, ...]:
        """Return a line per player: which actions are played in which share of the periods.

        Of games that have outcomes; periods count as :meth:`expected_outcomes` weighs them, and
        states in which the player has no choice do not.
        """
        if self.ends is None:
            return ()
        visits = self.visits(profile)
        lines = []
        for i, player in enumerate(self.players):
            played: dict[str, float] = {}
            for stage, row in enumerate(visits):
                for s in np.flatnonzero(row):
                    if len(self.actions[s][i]) > 1:
                        for label, p in zip(
                            self.actions[s][i], profile.at(int(s), stage)[i], strict=True
                        ):
                            played[label] = played.get(label, 0.0) + float(row[s]) * float(p)
            total = sum(played.values())
            if total > 0:
                shown = [f"{label} {p / total:.0%}" for label, p in played.items() if p > 0]
                lines.append(f"{player}: {', '.join(shown)}")
        return tuple(lines)

    def simulate(
        self,
        profile: MarkovProfile,
        stages: int,
        rng: int | np.random.Generator,
        start: int | ArrayLike | None = None,
    ) -> Trajectory:
        """Return one course of play, drawn from ``rng`` (a generator or a seed)."""
        self._check_length(stages)
        random = np.random.default_rng(rng)
        first = self.initial if start is None else _initial(start, self.num_states)
        states = [int(random.choice(self.num_states, p=first))]
        actions: list[tuple[int, ...]] = []
        payoffs: list[tuple[float, ...]] = []
        for stage in range(stages):
            s = states[-1]
            cell = tuple(
                int(random.choice(len(vector), p=np.array(vector, dtype=float) / sum(vector)))
                for vector in profile.at(s, stage)
            )
            actions.append(cell)
            payoffs.append(tuple(float(table[cell]) for table in self.payoffs[s]))
            states.append(int(random.choice(self.num_states, p=self.transitions[s][cell])))
        return Trajectory(tuple(states), tuple(actions), tuple(payoffs))

    def commit(self, player: str, *actions: str) -> MarkovForm:
        """Return the game in which a player is bound to a course that all others know.

        Parameters
        ----------
        player
            Who is bound.
        actions
            One action: it is played for ever, in every state that offers it (a constant
            policy). Several: the first is played the first time, and so on, the last for ever
            (an open loop); only in games without end. States are then doubled by how far the
            course has gone, and named ``"4,1 (1)"``, ``"4,1 (2)"``, ... In a state that does not
            offer the action the player keeps their choice, and the course does not go on.

        Raises
        ------
        RequestError
            The player or an action is unknown, or several actions are asked of a game that ends.
        """
        if player not in self.players:
            raise RequestError(f"unknown player {player!r}. {did_you_mean(player, self.players)}")
        who = self.players.index(player)
        known = {label for state in self.actions for label in state[who]}
        for action in actions:
            if action not in known:
                raise RequestError(
                    f"{player} has no action {action!r} in any state. {did_you_mean(action, known)}"
                )
        if not actions or (len(actions) > 1 and self.horizon is not None):
            raise RequestError(
                "commit takes one action, or several in a game without end; "
                f"{len(actions)} given with horizon {self.horizon}"
            )
        layers = len(actions)
        payoffs, transitions, labels = [], [], []
        outcomes: dict[str, list[Array]] = {name: [] for name in self.outcomes}
        for layer, action in enumerate(actions):
            for s, state in enumerate(self.actions):
                table, move = self.payoffs[s], self.transitions[s]
                offered = len(state[who]) > 1 and action in state[who]
                if offered:
                    k = state[who].index(action)
                    table = table.take([k], axis=who + 1)
                    move = move.take([k], axis=who)
                for name, tables in self.outcomes.items():
                    own = tables[s].take([k], axis=who) if offered else tables[s]
                    outcomes[name].append(_read_only(own))
                wide = np.zeros((*move.shape[:-1], layers * self.num_states))
                then = min(layer + 1, layers - 1) if offered else layer
                wide[..., then * self.num_states : (then + 1) * self.num_states] = move
                payoffs.append(_read_only(table))
                transitions.append(_read_only(wide))
                labels.append(
                    tuple((action,) if i == who and offered else own for i, own in enumerate(state))
                )
        initial = np.concatenate([self.initial, np.zeros((layers - 1) * self.num_states)])
        return replace(
            self,
            states=self.states
            if layers == 1
            else tuple(f"{label} ({k + 1})" for k in range(layers) for label in self.states),
            actions=tuple(labels),
            payoffs=tuple(payoffs),
            transitions=tuple(transitions),
            discounts=_read_only(np.tile(self.discounts, layers)),
            terminal=_read_only(np.tile(self.terminal, layers)),
            initial=_read_only(initial),
            outcomes={name: tuple(tables) for name, tables in outcomes.items()},
            ends=None if self.ends is None else _read_only(np.tile(self.ends, layers)),
            title=f"{self.title}: {player} bound to {', '.join(actions)}",
        )

    def with_discount(self, discount: ArrayLike) -> MarkovForm:
        """Return the same game with another discount, in the states that are discounted.

        States in which a stage is not discounted (moves within a period) stay so.
        """
        per_player = np.broadcast_to(np.asarray(discount, dtype=float), (self.num_players,))
        changed = np.where(self.discounts == 1.0, 1.0, per_player[:, None])
        changed = _discounts(changed, changed.shape)
        if self.horizon is None:
            _check_ends(self.transitions, changed)
        return replace(self, discounts=_read_only(changed))

    def _check_length(self, stages: int) -> None:
        if stages < 0 or (self.horizon is not None and stages > self.horizon):
            raise RequestError(
                f"stages = {stages}: give a number from 0"
                + ("" if self.horizon is None else f" to {self.horizon}, the horizon")
            )


@dataclass(frozen=True)
class _Node:
    """A state, and what was done in it before in this period."""

    state: int
    played: tuple[str, ...]
    mover: int | None
    actions: tuple[tuple[str, ...], ...]
    label: str


def _nodes(
    states: Sequence[Any],
    names: Sequence[str],
    actions: Callable[[Any], Sequence[Sequence[str]]],
    num_players: int,
    in_turn: bool,
) -> list[_Node]:
    """Return the states of the form: with moves in turn, the periods' first moves come first."""
    offered = [tuple(tuple(map(str, own)) for own in actions(state)) for state in states]
    for name, own in zip(names, offered, strict=True):
        if len(own) != num_players or not all(own):
            raise _problem(
                f"actions({name})",
                f"gives {len(own)} lists, {sum(map(bool, own))} of them with actions",
                f"Give each of the {num_players} players at least one action",
            )
    if not in_turn:
        return [
            _Node(s, (), None, own, name)
            for s, (name, own) in enumerate(zip(names, offered, strict=True))
        ]
    waiting = ("wait",)
    nodes = []
    for mover in range(num_players):
        for s, (name, own) in enumerate(zip(names, offered, strict=True)):
            for played in product(*own[:mover]):
                shown = tuple(own[k] if k == mover else waiting for k in range(num_players))
                label = f"{name} | {', '.join(played)}" if played else name
                nodes.append(_Node(s, played, mover, shown, label))
    return nodes


# ---------------------------------------------------------------------------------------------
# Validation


def _problem(place: str, reason: str, fix: str = "") -> SpecError:
    return SpecError(Problem(place, reason, fix))


def _read_only(array: Array) -> Array:
    made = np.array(array, dtype=np.float64)
    made.setflags(write=False)
    return made


def _floats(table: ArrayLike, place: str) -> Array:
    try:
        made = np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _problem(
            place, f"is not an array of numbers ({error})", "Check its nesting"
        ) from None
    if not np.isfinite(made).all():
        raise _problem(place, "holds a number that is infinite or not a number", "Give finite ones")
    return made


def _check_shapes(tables: list[Array], moves: list[Array], num_players: int) -> None:
    for s, (table, move) in enumerate(zip(tables, moves, strict=True)):
        if num_players < 1 or table.ndim != num_players + 1 or table.shape[0] != num_players:
            raise _problem(
                f"payoffs[{s}]",
                f"has shape {table.shape}",
                "Give one axis for the player (as long in every state) and one for each "
                "player's actions",
            )
        if prod(table.shape) == 0:
            raise _problem(
                f"payoffs[{s}]", "leaves a player without an action", "Give at least one"
            )
        wanted = (*table.shape[1:], len(tables))
        if move.shape != wanted:
            raise _problem(
                f"transitions[{s}]",
                f"has shape {move.shape}",
                f"Give {wanted}, as payoffs[{s}] asks",
            )


def _outcome_tables(
    given: Mapping[str, Sequence[ArrayLike]], tables: Sequence[Array]
) -> dict[str, tuple[Array, ...]]:
    made = {}
    for name, rows in given.items():
        own = [_floats(row, f"outcomes.{name}[{s}]") for s, row in enumerate(rows)]
        if [row.shape for row in own] != [table.shape[1:] for table in tables]:
            raise _problem(
                f"outcomes.{name}",
                "has other shapes than the payoffs of a player",
                "Give one number per state and actions",
            )
        made[name] = tuple(map(_read_only, own))
    return made


def _distributions(move: Array, place: str) -> Array:
    """Return probabilities that sum to 1 exactly, from ones that do up to rounding."""
    totals = move.sum(axis=-1)
    wrong = (np.abs(totals - 1) > tolerances.PROBABILITY) | (move.min(axis=-1) < 0)
    if wrong.any():
        cell = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise _problem(
            place,
            f"at actions {cell} the probabilities are {move[cell].tolist()[:8]} "
            f"and sum to {float(totals[cell]):.12g}",
            "Give nonnegative numbers that sum to 1",
        )
    scaled: Array = move / totals[..., None]
    return scaled


def _discounts(discount: ArrayLike, shape: tuple[int, int]) -> Array:
    given = _floats(discount, "discount")
    if given.shape == (shape[0],):
        given = given[:, None]
    if given.shape not in ((), (shape[0], 1), shape):
        raise _problem(
            "discount", f"has shape {given.shape}", f"Give a number, one per player, or {shape}"
        )
    made = np.broadcast_to(given, shape)
    if (made < 0).any() or (made > 1).any():
        raise _problem("discount", "lies outside 0 to 1", "Give the weight of the next stage")
    return np.array(made)


def _check_ends(moves: Sequence[Array], discounts: Array) -> None:
    """Refuse a game without end in which some play is never discounted."""
    count = len(moves)
    reach = np.stack([move.reshape(-1, count).max(axis=0) > 0 for move in moves])
    for undiscounted in {tuple(row) for row in (discounts == 1.0).tolist()}:
        left = np.array(undiscounted)
        while left.any():
            # A state of discount 1 that leads to none that is left can be on no circle of them.
            leaf = left & ~(reach[:, left].any(axis=1))
            if not leaf.any():
                raise _problem(
                    "discount",
                    f"is 1 on a circle of states, on or after state {int(np.argmax(left))}",
                    "Without end, values are finite only with discounts below 1",
                )
            left = left & ~leaf


def _labels(given: Sequence[str] | None, count: int, place: str, stem: str) -> tuple[str, ...]:
    labels = tuple(f"{stem}{k + 1}" for k in range(count)) if given is None else tuple(given)
    if len(labels) != count or len(set(labels)) != count:
        raise _problem(place, f"{len(labels)} labels for {count}", "Give as many, all different")
    return labels


def _action_labels(
    given: Sequence[Sequence[Sequence[str]]] | None, tables: Sequence[Array]
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    if given is not None and len(given) != len(tables):
        raise _problem("actions", f"{len(given)} entries for {len(tables)} states", "One per state")
    made = []
    for s, table in enumerate(tables):
        own = None if given is None else given[s]
        if own is not None and len(own) != table.shape[0]:
            raise _problem(f"actions[{s}]", f"{len(own)} lists", "Give one per player")
        made.append(
            tuple(
                _labels(None if own is None else own[i], count, f"actions[{s}][{i}]", "")
                for i, count in enumerate(table.shape[1:])
            )
        )
    return tuple(made)


def _initial(given: int | ArrayLike, count: int) -> Array:
    if np.ndim(given) == 0:
        index = int(np.asarray(given))
        if not 0 <= index < count:
            raise _problem("initial", f"there is no state {index}", f"Give 0 to {count - 1}")
        unit: Array = np.eye(count)[index]
        return unit
    made = _floats(given, "initial")
    if made.shape != (count,):
        raise _problem("initial", f"has shape {made.shape}", f"Give an index, or shape ({count},)")
    return _distributions(made, "initial")
