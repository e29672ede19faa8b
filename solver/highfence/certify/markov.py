"""The judge of Markov profiles.

A profile of a dynamic game is Markov perfect if and only if no player gains at any state (and
stage) by deviating once and then returning to it: the one-deviation principle (Blackwell 1965;
Hendon, Jacobsen and Sloth 1996), which holds because payoffs are bounded and discounted or the
game ends. So the judge values the profile itself, by one linear system per player without end,
or backwards from the last stage, and tries every action at every state.

Gains are divided by the range of the player's payoffs of a single stage, which is stricter than
by that of values: these are larger by up to ``1 / (1 - discount)``.
"""

from __future__ import annotations

from math import fsum, inf, isfinite

import numpy as np
from numpy.typing import NDArray

from .. import tolerances
from ..forms.markov import MarkovForm, MarkovProfile
from ..solution import Certificate

__all__ = ["certify_markov"]

Array = NDArray[np.float64]


def certify_markov(
    form: MarkovForm, profile: MarkovProfile, tolerance: float | None = None
) -> Certificate:
    """Return the certificate of a Markov profile.

    Parameters
    ----------
    form
        The game.
    profile
        Stationary without end; one strategy per stage with a horizon.
    tolerance
        Largest regret for which the certificate holds; ``tolerances.REGRET_FLOAT`` by default.

    Returns
    -------
    Certificate
        ``regret`` is the largest gain of any player from one deviation at any state (and
        stage), over the range of that player's stage payoffs; ``refinement`` is "Markov
        perfect". Where every discount is below 1 without end, ``checks`` bounds what any
        strategy whatever could gain.

    Notes
    -----
    Time ``O(N S^3 + S^2 prod(a_i))`` without end, ``O(stages S^2 prod(a_i))`` with a horizon.
    """
    limit = tolerances.REGRET_FLOAT if tolerance is None else tolerance
    fault = _fault(form, profile)
    if fault is not None:
        return Certificate(inf, limit, exact=False, checks=(fault,))
    vectors = [
        [
            [np.array([float(p) for p in vector]) for vector in profile.at(s, stage)]
            for s in range(form.num_states)
        ]
        for stage in range(profile.stages or 1)
    ]
    gains = np.zeros((form.num_players, form.num_states))
    if form.horizon is None:
        values, residual = _stationary_values(form, vectors[0])
        gains = _gains(form, vectors[0], values)[0]
    else:
        values, residual = np.array(form.terminal), 0.0
        for layer in reversed(vectors):
            found, values = _gains(form, layer, values)
            gains = np.maximum(gains, found)
    scales = np.array([_scale(form, i) for i in range(form.num_players)])
    relative = gains / scales[:, None]
    regret = float(relative.max()) if np.isfinite(relative).all() else inf
    player, state = np.unravel_index(int(np.argmax(relative)), relative.shape)
    stages = "state" if form.horizon is None else "state and stage"
    if regret > limit:
        return Certificate(
            regret,
            limit,
            exact=False,
            checks=(
                f"{form.players[int(player)]} gains {regret:.3g} of their payoff scale "
                f"by one deviation in state {form.states[int(state)]}",
            ),
        )
    checks = [
        f"no player gains by one deviation at any of the {form.num_states} states"
        + ("" if form.horizon is None else f" in any of the {form.horizon} stages"),
        f"values solve the Bellman equation up to {residual:.1e} of the payoff scale"
        if form.horizon is None
        else f"values computed backwards at every {stages}",
    ]
    if form.horizon is None and form.discounts.max() < 1:
        bound = regret / (1 - float(form.discounts.max()))
        checks.append(f"no strategy, however it deviates, gains more than {bound:.1e} of it")
    return Certificate(
        regret, limit, exact=False, refinement="Markov perfect", checks=tuple(checks)
    )


def _fault(form: MarkovForm, profile: MarkovProfile) -> str | None:
    """Return why the profile is none of this game, or None."""
    if profile.stages != form.horizon:
        return f"strategies for {profile.stages} stages, horizon {form.horizon}"
    expected = [
        (s, i, count)
        for _ in range(form.horizon or 1)
        for s in range(form.num_states)
        for i, count in enumerate(form.num_actions[s])
    ]
    if (profile.num_states, profile.num_players, len(profile.strategies)) != (
        form.num_states,
        form.num_players,
        len(expected),
    ):
        return f"{len(profile.strategies)} probability vectors, {len(expected)} needed"
    for (s, i, count), vector in zip(expected, profile.strategies, strict=True):
        who = f"{form.players[i]} in state {form.states[s]}"
        if len(vector) != count:
            return f"{who}: {len(vector)} probabilities, {count} actions"
        if not all(isfinite(p) for p in vector):
            return f"{who}: a probability is not finite"
        if min(vector) < -tolerances.PROBABILITY:
            return f"{who}: the probability {min(vector)} is negative"
        if abs(fsum(vector) - 1) > tolerances.PROBABILITY:
            return f"{who}: probabilities sum to {fsum(vector)}"
    return None


def _scale(form: MarkovForm, player: int) -> float:
    """Return the range of a player's payoffs of one stage; 1 where they are all equal."""
    seen = [table[player].ravel() for table in form.payoffs]
    if form.horizon is not None:
        seen.append(form.terminal[player])
    every = np.concatenate(seen)
    width = float(every.max() - every.min())
    return width if width > 0 else 1.0


def _expected(table: Array, weights: list[Array], skip: int | None) -> Array:
    """Return ``table[a_0, ..., a_{N-1}, ...]`` averaged over all players' actions but one's."""
    for j in reversed(range(len(weights))):
        if j != skip:
            table = np.tensordot(table, weights[j], axes=([j], [0]))
    return table


def _stationary_values(form: MarkovForm, weights: list[list[Array]]) -> tuple[Array, float]:
    """Return the values ``(N, S)`` and the largest relative error of the Bellman equation."""
    count = form.num_states
    moved = np.stack([_expected(form.transitions[s], weights[s], None) for s in range(count)])
    values = np.empty((form.num_players, count))
    worst = 0.0
    for i in range(form.num_players):
        earned = np.array(
            [float(_expected(form.payoffs[s][i], weights[s], None)) for s in range(count)]
        )
        system = np.eye(count) - form.discounts[i][:, None] * moved
        values[i] = np.linalg.solve(system, earned)
        values[i] += np.linalg.solve(system, earned - system @ values[i])
        worst = max(worst, float(np.abs(earned - system @ values[i]).max()) / _scale(form, i))
    return values, worst


def _gains(form: MarkovForm, weights: list[list[Array]], after: Array) -> tuple[Array, Array]:
    """Return the best gains ``(N, S)`` of one deviation, and the values ``(N, S)`` without."""
    gains = np.empty((form.num_players, form.num_states))
    values = np.empty_like(gains)
    for s in range(form.num_states):
        for i in range(form.num_players):
            table = form.payoffs[s][i] + form.discounts[i, s] * (form.transitions[s] @ after[i])
            options = _expected(table, weights[s], i)
            values[i, s] = options @ weights[s][i]
            gains[i, s] = max(0.0, float(options.max() - values[i, s]))
    return gains, values
