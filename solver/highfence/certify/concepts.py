"""The judge of answers that are not Nash profiles: mediators, commitments, logit play, bargains.

Each function has loops of its own, knows nothing of the method that made the answer, and returns
a certificate whose ``regret`` measures what the concept forbids; its ``checks`` say what that is.
Gains are divided by the player's payoff scale, the difference of their largest and least payoff
(1 where that is 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import exp, fsum, inf

import numpy as np
from numpy.typing import NDArray

from .. import tolerances
from ..forms.normal import NormalForm, Profile
from ..solution import Certificate

__all__ = [
    "certify_bargain",
    "certify_commitment",
    "certify_correlated",
    "certify_coverage",
    "certify_elimination",
    "certify_logit",
]


def certify_correlated(
    form: NormalForm, distribution: NDArray[np.float64], *, coarse: bool = False
) -> Certificate:
    """Return how much any player gains by disobeying a mediator.

    Parameters
    ----------
    form
        The game.
    distribution
        Probabilities of the pure profiles, shape ``(a_0, ..., a_(N-1))``.
    coarse
        Disobeying is decided before anything is told; otherwise after. In both cases the gain
        is weighted by the probability of being told so.

    Returns
    -------
    Certificate
        Infinite regret if these are no probabilities.
    """
    if distribution.shape != form.num_strategies:
        return _fault(f"probabilities of shape {distribution.shape}, not {form.num_strategies}")
    flat = [float(p) for p in distribution.ravel()]
    if not all(0.0 <= p <= inf for p in flat) or abs(fsum(flat) - 1) > tolerances.PROBABILITY:
        return _fault(f"these are no probabilities; they sum to {fsum(flat)}")
    worst = 0.0
    for player, count in enumerate(form.num_strategies):
        table = form.unit_payoffs(player)
        gains = [[[0.0] for _ in range(count)] for _ in range(count)]
        for cell in product(*map(range, form.num_strategies)):
            if p := float(distribution[cell]):
                told = cell[player]
                for instead in range(count):
                    other = (*cell[:player], instead, *cell[player + 1 :])
                    gains[told][instead].append(p * float(table[other] - table[cell]))
        for instead in range(count):
            of_each = [fsum(gains[told][instead]) for told in range(count)]
            worst = max(worst, fsum(of_each) if coarse else max(of_each))
    kind = "before being told" if coarse else "whatever they are told"
    return _verdict(worst, f"no player gains by disobeying, {kind}")


def certify_commitment(
    forms: Sequence[NormalForm],
    leader: int,
    strategy: Sequence[float],
    responses: Sequence[int],
) -> Certificate:
    """Return how much any type of the follower gains by another response to a commitment.

    Parameters
    ----------
    forms
        One two-player game per type of the follower.
    leader
        Index of the player who commits.
    strategy
        The leader's probabilities.
    responses
        Per type, the follower's pure response.

    Notes
    -----
    That no other commitment is better for the leader is the method's word.
    """
    shapes = [form.num_strategies for form in forms]
    if len(responses) != len(forms) or not all(
        len(shape) == 2 and len(strategy) == shape[leader] and 0 <= response < shape[1 - leader]
        for shape, response in zip(shapes, responses, strict=True)
    ):
        return _fault("the commitment and the responses are of other games")
    if any(not p >= 0 for p in strategy) or abs(fsum(strategy) - 1) > tolerances.PROBABILITY:
        return _fault("the commitment is no probability vector")
    worst = 0.0
    for form, response in zip(forms, responses, strict=True):
        table = form.unit_payoffs(1 - leader)
        table = table if leader == 0 else table.T
        values = [
            fsum(float(p) * float(table[k, reply]) for k, p in enumerate(strategy))
            for reply in range(table.shape[1])
        ]
        worst = max(worst, max(values) - values[response])
    return _verdict(worst, "no type of the follower gains by another response")


def certify_coverage(
    targets: Sequence[tuple[float, float, float, float]],
    schedules: Sequence[Sequence[int]],
    resources: int,
    coverage: Sequence[float],
    attacked: int,
    patrols: Sequence[tuple[Sequence[int], float]],
) -> Certificate:
    """Return how much an attacker who sees the odds gains at another target.

    Parameters
    ----------
    targets
        Per target, payoffs of the defender if it is attacked while covered and while uncovered,
        then of the attacker.
    schedules
        Targets that one resource covers together.
    resources
        How many there are.
    coverage
        Probability that each target is covered.
    attacked
        Index of the target.
    patrols
        Sets of schedules, with probabilities; none if it is not claimed that the odds can be had.

    Notes
    -----
    That no other odds are better for the defender is the method's word.
    """
    if len(coverage) != len(targets) or not 0 <= attacked < len(targets):
        return _fault("the odds are of other targets")
    if not all(-tolerances.PROBABILITY <= c <= 1 + tolerances.PROBABILITY for c in coverage):
        return _fault("the odds are no probabilities")
    told = "the odds are a bound: whether patrols can bring them about was not looked at"
    if patrols:
        if abs(fsum(p for _, p in patrols) - 1) > tolerances.PROBABILITY:
            return _fault("the probabilities of the patrols do not sum to one")
        if any(not p >= 0 or len(set(team)) > resources for team, p in patrols):
            return _fault("a patrol has more schedules than there are resources")
        for target, claimed in enumerate(coverage):
            real = fsum(p for team, p in patrols if any(target in schedules[s] for s in team))
            if abs(real - claimed) > tolerances.SAME:
                return _fault(f"target {target} is covered with {real:.6g}, not {claimed:.6g}")
        told = "the patrols bring these odds about"
    numbers = [number for row in targets for number in row[2:]]
    scale = (max(numbers) - min(numbers)) or 1.0
    gains = [
        free + c * (caught - free)
        for (_, _, caught, free), c in zip(targets, coverage, strict=True)
    ]
    found = _verdict((max(gains) - gains[attacked]) / scale, "no other target is better to attack")
    return Certificate(found.regret, found.tolerance, exact=False, checks=(*found.checks, told))


def certify_logit(form: NormalForm, profile: Profile, precision: float) -> Certificate:
    """Return how far probabilities are from the logit responses to them.

    Parameters
    ----------
    form
        The game; payoffs as they stand.
    profile
        One probability vector per player.
    precision
        In units of one over payoff.
    """
    worst = 0.0
    strategies = [[float(p) for p in vector] for vector in profile.strategies]
    if tuple(map(len, strategies)) != form.num_strategies:
        return _fault("the profile is of another game")
    for player, count in enumerate(form.num_strategies):
        values = [0.0] * count
        for cell in product(*map(range, form.num_strategies)):
            weight = 1.0
            for other, k in enumerate(cell):
                if other != player:
                    weight *= strategies[other][k]
            values[cell[player]] += weight * float(form.payoffs[(player, *cell)])
        weights = [exp(precision * (value - max(values))) for value in values]
        for p, weight in zip(strategies[player], weights, strict=True):
            worst = max(worst, abs(p - weight / fsum(weights)))
    return _verdict(worst, "probabilities are the logit responses to each other")


def certify_bargain(
    form: NormalForm,
    lottery: NDArray[np.float64],
    normal: Sequence[float],
) -> Certificate:
    """Return how much better another lottery could be in a direction that proves efficiency.

    Parameters
    ----------
    form
        The game whose pure profiles are the possible agreements.
    lottery
        Probabilities of the pure profiles.
    normal
        Nonnegative weights of the players' payoffs (each over its scale), not all 0. If no
        profile has a larger weighted sum, no lottery is better for all.
    """
    if lottery.shape != form.num_strategies or len(normal) != form.num_players:
        return _fault("the lottery or the weights are of another game")
    flat = [float(p) for p in lottery.ravel()]
    if not all(p >= 0 for p in flat) or abs(fsum(flat) - 1) > tolerances.PROBABILITY:
        return _fault("the lottery is no probability distribution")
    if not all(0 <= w < inf for w in normal) or not 0 < fsum(normal) < inf:
        return _fault("the weights do not prove anything")
    total = fsum(normal)
    tables = [form.unit_payoffs(player) for player in range(form.num_players)]
    sums = [
        fsum(w / total * float(table[cell]) for w, table in zip(normal, tables, strict=True))
        for cell in product(*map(range, form.num_strategies))
    ]
    got = fsum(p * value for p, value in zip(flat, sums, strict=True))
    return _verdict(
        max(0.0, max(sums) - got), "no lottery over the profiles is better for all", 1e-6
    )


def certify_elimination(
    form: NormalForm,
    rounds: Sequence[Sequence[tuple[int, int, Mapping[int, Fraction], bool]]],
) -> Certificate:
    """Return whether every strategy that was removed is dominated as it is said to be, exactly.

    Parameters
    ----------
    form
        The game before anything was removed.
    rounds
        What is removed at once, round after round: the player, the strategy, the weights of
        those that dominate it, and whether strictly.

    Returns
    -------
    Certificate
        Exact. Its regret is 0 if all removals are right, else infinite.

    Notes
    -----
    That nothing else is dominated is the method's word.
    """
    table = form.rational()
    left = [set(range(count)) for count in form.num_strategies]
    count = 0
    for together in rounds:
        for player, strategy, weights, strict in together:
            if strategy not in left[player] or not set(weights) <= left[player] - {strategy}:
                return _fault(f"{form.players[player]}: a strategy is not there any more")
            if sum(weights.values()) != 1 or min(weights.values()) < 0:
                return _fault(f"{form.players[player]}: the weights are no mixture")
            gaps = []
            others = [sorted(kept) if k != player else [strategy] for k, kept in enumerate(left)]
            for cell in product(*others):
                instead = sum(
                    weight * Fraction(table[(player, *cell[:player], k, *cell[player + 1 :])])
                    for k, weight in weights.items()
                )
                gaps.append(instead - Fraction(table[(player, *cell)]))
            if not (min(gaps) > 0 if strict else min(gaps) >= 0 and max(gaps) > 0):
                return _fault(
                    f"{form.players[player]}: {form.strategies[player][strategy]} is not dominated"
                )
            count += 1
        for player, strategy, _, _ in together:
            left[player].remove(strategy)
    return Certificate(
        Fraction(0), 0.0, exact=True, checks=(f"{count} removed strategies are dominated",)
    )


def _verdict(worst: float, claim: str, tolerance: float = tolerances.REGRET_FLOAT) -> Certificate:
    holds = worst <= tolerance
    return Certificate(
        worst,
        tolerance,
        exact=False,
        checks=(claim if holds else f"false by {worst:.3g}: {claim}",),
    )


def _fault(reason: str) -> Certificate:
    return Certificate(inf, tolerances.REGRET_FLOAT, exact=False, checks=(reason,))
