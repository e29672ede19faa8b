"""Which regime to choose when nobody knows the numbers: many draws, many criteria.

Payoffs are those of one player at each draw under each regime. Where a regime has several
equilibria at a draw, a named rule says which payoff counts: the *worst*, the *best*, or the
one half-way (*mid*). Draws at which a regime has no certified answer cannot be compared; they are
left out of every criterion, counted, and named by regime.

Every statement is about the draws: a maximin is the least payoff *seen*, and dominance holds
in the sample. Draws are equally likely; their distribution is an assumption like any other,
which is why beliefs around it are looked at as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import MethodFailed, RequestError, did_you_mean
from ._request import Request
from .beliefs import BALLS, Ball, Mixture, distances_between, mixture_over, worst_mixture
from .information import METHODS, Information, value_of_information
from .outcome import (
    game_with_regimes,
    judging_player,
    largest,
    leveled,
    payoff_of,
    values_given,
)
from .scan import regimes_asked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..spec.model import Game
    from .draws import Draws

    Array = NDArray[np.float64]

__all__ = [
    "RADII",
    "RULES",
    "Ambiguity",
    "Dominance",
    "Flip",
    "Payoffs",
    "Pick",
    "Reversal",
    "RobustChoice",
    "Winning",
    "choose",
    "dominance",
    "payoffs_of",
    "robust",
    "robust_regimes",
    "share_interval",
    "winning",
]

RULES = ("worst", "best", "mid")
"""Which payoff counts where a regime has several equilibria."""
RADII = MappingProxyType({"kl": 0.1, "chi2": 0.2, "wasserstein": 0.05})
"""Radii at which sets of beliefs are reported unless others are asked for."""
SCANNED = 60
"""Radii that are looked at for a flip, evenly spaced in the logarithm."""
LEAST_RADIUS = 1e-4
"""The smallest of them, as a share of the largest useful radius."""
HALVINGS = 60
"""Steps of a bisection for a radius."""
FLIP = 1e-4
"""Width of the bracket of a flip, relative to the radius."""
NORMAL = 1.959963984540054
"""Standard errors on each side of an interval that covers 95 percent."""


@dataclass(frozen=True)
class Payoffs:
    """One player's payoffs at n draws under r regimes. Arrays are read-only."""

    regimes: tuple[str, ...]
    low: Array
    """(n, r): over the equilibria; NaN where nothing is certified."""
    high: Array
    """(n, r)."""
    columns: Mapping[str, Array]
    """Parameter -> its n draws."""

    @property
    def defined(self) -> NDArray[np.bool_]:
        """(n,): every regime has a certified payoff."""
        both = np.isfinite(self.low) & np.isfinite(self.high)
        return np.asarray(both.all(axis=1))

    def by(self, rule: str) -> Array:
        """Return one payoff per draw and regime, (n, r), NaN where nothing is certified."""
        if rule not in RULES:
            raise RequestError(f"there is no rule {rule!r}. {did_you_mean(rule, RULES)}")
        if rule == "mid":
            return (self.low + self.high) / 2
        return self.low if rule == "worst" else self.high


@dataclass(frozen=True)
class Pick:
    """What a criterion recommends."""

    regime: str
    value: float
    runner_up: str | None
    margin: float
    """How much better the regime is than the runner-up, by the criterion."""
    near_tie: bool
    """A margin below ``tolerances.TIE`` of the largest expected payoff, in absolute value."""


@dataclass(frozen=True)
class Winning:
    """In how many draws a regime is best, by the rule of :func:`highfence.compare`."""

    regime: str
    wins: int
    share: float
    interval: tuple[float, float]
    """95 percent, for the share among all draws of this kind (Wilson 1927)."""
    bounds: tuple[float, float]
    """The share among all draws if it won none, or all, of those that are not settled:
    ties, draws where it depends on the equilibrium, and draws without an answer."""


@dataclass(frozen=True)
class Dominance:
    """One regime is better than another for a whole class of preferences."""

    better: str
    worse: str
    order: str
    """``"every draw"``: nowhere worse. ``"first"``: whoever prefers more agrees.
    ``"second"``: whoever prefers more and dislikes risk agrees."""


@dataclass(frozen=True)
class Flip:
    """A radius of a set of beliefs at which the recommendation changes."""

    low: float
    high: float
    """The flip lies between the two."""
    before: str
    after: str


@dataclass(frozen=True)
class Reversal:
    """How far beliefs must move before another regime has the higher expected payoff."""

    regime: str
    radius: float | None
    """The least radius of a set that holds such a belief; None if no belief on these draws is."""
    tilt: Mapping[str, float]
    """Parameter -> how far that belief moves its mean, in standard deviations; the most first."""


@dataclass(frozen=True)
class Ambiguity:
    """Expected payoffs at their worst over beliefs around the draws' own."""

    kind: str
    radius: float
    largest: float
    """The radius at which the set holds every belief, so that the criterion is maximin."""
    worst: Array
    """(r,): least expected payoff over the set, for each regime."""
    pick: Pick
    mixture: Mixture | None
    """The best mixture of regimes over the set; None if it was not found (see the notes)."""
    flips: tuple[Flip, ...]
    """Of the criterion, from radius 0 to the largest. A scan of 60 radii finds them: two between
    neighbors that undo each other are missed."""
    reversals: tuple[Reversal, ...]
    """For every other regime than the one with the highest expected payoff, the nearest first."""


@dataclass(frozen=True)
class RobustChoice:
    """What many criteria recommend. Arrays are read-only and ordered as ``regimes``."""

    game: str
    title: str
    player: str
    player_label: str
    payoff: str
    """The outcome that is the player's payoff, or the player."""
    regimes: tuple[str, ...]
    labels: Mapping[str, str]
    preset: str | None
    parameters: Mapping[str, Any]
    changed: tuple[str, ...]
    drawn: tuple[str, ...]
    rule: str
    draws: int
    used: int
    """Draws at which every regime has a certified answer."""
    undefined: Mapping[str, int]
    """Regime -> draws without a certified answer."""
    several: Mapping[str, int]
    """Regime -> draws used at which its payoff differs between equilibria."""
    expected: Array
    expected_error: Array
    """Standard errors."""
    quantiles: Array
    """(r, 3): 5, 50 and 95 percent."""
    least: Array
    """The least payoff seen."""
    least_draw: tuple[int, ...]
    """The draw at which, counted from 0."""
    regret: Array
    """The largest regret seen: what the best regime at a draw would have given more."""
    regret_draw: tuple[int, ...]
    picks: Mapping[str, Pick]
    """Criterion -> recommendation: expected payoff, maximin, minimax regret, winning."""
    mixtures: Mapping[str, Mixture]
    """Criterion (maximin, minimax regret) -> the best mixture of regimes."""
    winning: tuple[Winning, ...]
    ties: int
    depends: int
    """Draws at which the best regime depends on which equilibrium is played."""
    near_ties: int
    """Draws with a winner by a margin below ``tolerances.TIE``."""
    dominance: tuple[Dominance, ...]
    """The strongest statement that holds for each ordered pair."""
    ambiguity: tuple[Ambiguity, ...]
    information: Information | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the choice with the keys of ``highfence robust --json``.

        Returns
        -------
        dict
            ``game``, ``player``, ``payoff``, ``preset``, ``parameters``, ``drawn``, ``rule``;
            ``draws``, ``used``, ``undefined`` and ``several`` {regime: draws};
            ``regimes`` {name: {label, expected, expected_error, quantiles [5, 50, 95 percent],
            least, least_draw, regret, regret_draw}};
            ``picks`` {criterion: {regime, value, runner_up, margin, near_tie}};
            ``mixtures`` {criterion: {weights {regime: weight}, value, gap}};
            ``winning`` [{regime, wins, share, interval, bounds}], ``ties``, ``depends``,
            ``near_ties``; ``dominance`` [{better, worse, order}];
            ``ambiguity`` [{kind, radius, largest, worst {regime: payoff}, pick, mixture or null,
            flips [{low, high, before, after}], reversals [{regime, radius or null, tilt
            {parameter: standard deviations}}]}];
            ``information`` {perfect, error, method, partial [{parameter, value, error, chance,
            method}]} or null; ``notes`` [text].
        """
        named = self.regimes

        def pick(found: Pick) -> dict[str, Any]:
            return dict(vars(found))

        def mixture(found: Mixture | None) -> dict[str, Any] | None:
            if found is None:
                return None
            weights = dict(zip(named, map(float, found.weights), strict=True))
            return {"weights": weights, "value": found.value, "gap": found.gap}

        return {
            "game": self.game,
            "player": self.player,
            "payoff": self.payoff,
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "drawn": list(self.drawn),
            "rule": self.rule,
            "draws": self.draws,
            "used": self.used,
            "undefined": dict(self.undefined),
            "several": dict(self.several),
            "regimes": {
                name: {
                    "label": self.labels[name],
                    "expected": float(self.expected[k]),
                    "expected_error": float(self.expected_error[k]),
                    "quantiles": [float(value) for value in self.quantiles[k]],
                    "least": float(self.least[k]),
                    "least_draw": self.least_draw[k],
                    "regret": float(self.regret[k]),
                    "regret_draw": self.regret_draw[k],
                }
                for k, name in enumerate(named)
            },
            "picks": {name: pick(found) for name, found in self.picks.items()},
            "mixtures": {name: mixture(found) for name, found in self.mixtures.items()},
            "winning": [
                {**vars(one), "interval": list(one.interval), "bounds": list(one.bounds)}
                for one in self.winning
            ],
            "ties": self.ties,
            "depends": self.depends,
            "near_ties": self.near_ties,
            "dominance": [dict(vars(one)) for one in self.dominance],
            "ambiguity": [
                {
                    "kind": one.kind,
                    "radius": one.radius,
                    "largest": one.largest,
                    "worst": dict(zip(named, map(float, one.worst), strict=True)),
                    "pick": pick(one.pick),
                    "mixture": mixture(one.mixture),
                    "flips": [dict(vars(flip)) for flip in one.flips],
                    "reversals": [
                        {"regime": r.regime, "radius": r.radius, "tilt": dict(r.tilt)}
                        for r in one.reversals
                    ],
                }
                for one in self.ambiguity
            ],
            "information": None
            if self.information is None
            else {
                "perfect": self.information.perfect,
                "error": self.information.error,
                "method": self.information.method,
                "partial": [dict(vars(one)) for one in self.information.partial],
            },
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from ..report.robust_text import robust_text

        text: str = robust_text(self)
        return text


# ---------------------------------------------------------------------------------------------
# Criteria


def payoffs_of(
    found: Draws,
    player: str,
    columns: Mapping[str, ArrayLike],
    regimes: Sequence[str] | None = None,
) -> Payoffs:
    """Return one player's payoffs at solved draws; what is not certified is NaN.

    Parameters
    ----------
    found, columns
        Answers, and the draws that they are of: those of a sweep are ``sweep.answers`` and
        ``sweep.inputs``.
    player
        Whose payoffs.
    regimes
        Some of the regimes solved; all by default.
    """
    asked = found.regimes if regimes is None else tuple(regimes)
    for name in asked:
        if name not in found.regimes:
            raise RequestError(
                f"the draws were not solved under {name}. {did_you_mean(name, found.regimes)}"
            )
    at = [found.regimes.index(name) for name in asked]
    low, high = (side[:, at] for side in found.column(player))
    scale = np.maximum(largest(low, high), np.minimum(largest(found.low, found.high), 1.0))
    sides = leveled(np.concatenate([low, high], axis=1), 0.0, scale)
    low, high = sides[:, : len(at)], sides[:, len(at) :]
    certified = found.certified[:, at]
    return Payoffs(
        asked,
        _fixed(np.where(certified, low, np.nan)),
        _fixed(np.where(certified, high, np.nan)),
        MappingProxyType({n: np.asarray(c, dtype=np.float64) for n, c in columns.items()}),
    )


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 percent interval of a share (Wilson 1927); (0, 1) without a trial.

    References
    ----------
    E. B. Wilson (1927), Journal of the American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in share_interval(5, 10)]
    [0.237, 0.763]
    >>> [round(end, 3) for end in share_interval(0, 10)]
    [0.0, 0.278]
    """
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, NORMAL**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    half *= NORMAL / (1 + square / trials)
    low = 0.0 if successes == 0 else max(middle - half, 0.0)
    high = 1.0 if successes == trials else min(middle + half, 1.0)
    return low, high


def winning(
    payoffs: Payoffs, tolerance: float = tolerances.REGRET_BATCH
) -> tuple[tuple[Winning, ...], int, int, int]:
    """Count at how many draws each regime is best.

    A regime wins a draw where its lowest payoff is above the highest of every other, by more
    than ``tolerance`` of the largest payoff there, in absolute value.

    Returns
    -------
    winning, ties, depends, near_ties
        A :class:`Winning` for each regime, and numbers of draws.
    """
    defined = payoffs.defined
    low, high = payoffs.low[defined], payoffs.high[defined]
    count, regimes = low.shape
    scale = np.maximum(np.abs(low), np.abs(high)).max(axis=1, initial=0.0)
    slack = tolerance * scale
    leader = low.argmax(axis=1)
    rows = np.arange(count)
    top = low[rows, leader]
    rivals = high.copy()
    rivals[rows, leader] = -np.inf
    runner_up = rivals.max(axis=1, initial=-np.inf)
    wins = top > runner_up + slack
    contending = high >= (top - slack)[:, None]
    narrow = (high - low <= slack[:, None]) | ~contending
    ties = ~wins & narrow.all(axis=1)
    near = wins & (top - runner_up <= tolerances.TIE * scale)
    open_draws = len(defined) - int(wins.sum())
    made = []
    for k, name in enumerate(payoffs.regimes):
        number = int((wins & (leader == k)).sum())
        share = number / count if count else float("nan")
        bounds = (number / len(defined), (number + open_draws) / len(defined))
        made.append(Winning(name, number, share, share_interval(number, count), bounds))
    depends = int((~wins & ~ties).sum())
    if regimes == 1:
        return tuple(made), 0, 0, 0
    return tuple(made), int(ties.sum()), depends, int(near.sum())


def dominance(table: ArrayLike, regimes: Sequence[str]) -> tuple[Dominance, ...]:
    """Return which regimes dominate which, over equally likely draws.

    Parameters
    ----------
    table
        (n, r): payoffs, finite.
    regimes
        Their names.

    Returns
    -------
    tuple of Dominance
        The strongest order that holds for each pair: in every draw, then first-order, then
        second-order stochastic dominance. Equal regimes do not dominate each other.

    Notes
    -----
    With equally likely draws, first order compares the sorted payoffs one by one, second order
    their partial sums from the least. Differences below ``tolerances.ROUNDING`` of the largest
    payoff count as none.

    References
    ----------
    J. Hadar and W. R. Russell (1969), Rules for ordering uncertain prospects, American Economic
    Review 59, 25-34.

    Examples
    --------
    >>> dominance([[1, 2], [3, 2]], ["risky", "safe"])[0].order
    'second'
    """
    u = np.asarray(table, dtype=np.float64)
    slack = tolerances.ROUNDING * (np.abs(u).max(initial=0.0) or 1.0)
    ordered = np.sort(u, axis=0)
    sums = np.cumsum(ordered, axis=0)
    made = []
    for i, better in enumerate(regimes):
        for j, worse in enumerate(regimes):
            if i == j:
                continue
            for order, first, second, room in (
                ("every draw", u[:, i], u[:, j], slack),
                ("first", ordered[:, i], ordered[:, j], slack),
                ("second", sums[:, i], sums[:, j], slack * len(u)),
            ):
                if (first >= second - room).all() and (first > second + room).any():
                    made.append(Dominance(better, worse, order))
                    break
    return tuple(made)


def _pick(regimes: Sequence[str], value: Array, size: float, *, least: bool = False) -> Pick:
    """Return the regime with the largest value, or the least."""
    signed = -value if least else value
    best = int(signed.argmax())
    others = [k for k in range(len(regimes)) if k != best]
    if not others:
        return Pick(regimes[best], float(value[best]), None, 0.0, False)
    second = max(others, key=lambda k: signed[k])
    margin = float(signed[best] - signed[second])
    near = margin <= tolerances.TIE * size
    return Pick(regimes[best], float(value[best]), regimes[second], margin, bool(near))


# ---------------------------------------------------------------------------------------------
# Beliefs


def _ambiguity(
    payoffs: Payoffs,
    table: Array,
    columns: Mapping[str, Array],
    kind: str,
    radius: float,
    size: float,
) -> tuple[Ambiguity, str]:
    """Return the answer over one set of beliefs, and a note or ""."""
    count = len(table)
    distances = distances_between(columns) if kind == "wasserstein" else None
    ball = Ball(kind, np.ones(count), distances)
    regimes = payoffs.regimes

    def worst(at: float) -> Array:
        return np.array([ball.worst(table[:, k], at) for k in range(len(regimes))])

    def best(at: float) -> int:
        return int(worst(at).argmax())

    flips = _flips(best, ball.largest, regimes)
    at = worst(radius)
    note = ""
    mixture = None
    try:
        mixture = mixture_over(table, ball, radius)
    except MethodFailed as error:
        note = str(error)
    made = Ambiguity(
        kind,
        radius,
        ball.largest,
        _fixed(at),
        _pick(regimes, at, size),
        mixture,
        flips,
        _reversals(ball, table, columns, regimes),
    )
    return made, note


def _reversals(
    ball: Ball, table: Array, columns: Mapping[str, Array], regimes: Sequence[str]
) -> tuple[Reversal, ...]:
    leader = int(table.mean(axis=0).argmax())
    made = []
    for k, name in enumerate(regimes):
        if k == leader:
            continue
        ahead = table[:, leader] - table[:, k]
        if not ahead.min() < 0:
            made.append(Reversal(name, None, MappingProxyType({})))
            continue
        low, high = 0.0, ball.largest
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high or high - low <= FLIP * high:
                break
            if ball.worst(ahead, middle) > 0:
                low = middle
            else:
                high = middle
        tilt = _tilt(ball.belief(ahead, high), columns)
        made.append(Reversal(name, float(high), MappingProxyType(tilt)))
    far = float("inf")
    made.sort(key=lambda one: far if one.radius is None else one.radius)
    return tuple(made)


def _tilt(belief: Array, columns: Mapping[str, Array]) -> dict[str, float]:
    """Return how far a belief moves each mean, in standard deviations, the most first."""
    made = {
        name: float((belief @ column - column.mean()) / column.std())
        for name, column in columns.items()
    }
    return dict(sorted(made.items(), key=lambda item: -abs(item[1])))


def _flips(
    best: Callable[[float], int], largest: float, regimes: Sequence[str]
) -> tuple[Flip, ...]:
    """Return where the recommendation changes between neighbors of a scan, bracketed."""
    radii = [0.0, *np.geomspace(LEAST_RADIUS * largest, largest, SCANNED)]
    found = []
    before = best(0.0)
    for low, high in pairwise(radii):
        start = low
        while best(high) != before:
            end = high
            while end - start > FLIP * end:
                middle = (start + end) / 2
                if best(middle) == before:
                    start = middle
                else:
                    end = middle
            after = best(end)
            found.append(Flip(float(start), float(end), regimes[before], regimes[after]))
            before, start = after, end
    return tuple(found)


# ---------------------------------------------------------------------------------------------
# All of it


def robust(
    game: Game | str | Path,
    draws: Mapping[str, ArrayLike],
    regimes: Sequence[str] | None = None,
    *,
    player: str | None = None,
    rule: str = "worst",
    beliefs: Mapping[str, float] = RADII,
    information: str | None = "regression",
    rng: int | np.random.Generator = 0,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    step: Callable[[str], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> RobustChoice:
    """Say which regime to choose over many draws, by criteria that need no forecast or a rough one.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    draws
        Parameter -> values, all of one length (:func:`highfence.study.uncertainty.draw`).
    regimes
        The regimes to choose among; all of the game's by default.
    player
        Whose payoff counts; by default the owner of the decision that the regimes fix.
    rule
        ``"worst"``, ``"best"`` or ``"mid"``: which payoff counts where a regime has several
        equilibria.
    beliefs
        Kind of set (:data:`highfence.study.beliefs.BALLS`) -> radius. Empty: none.
    information
        How values of information are estimated (``"regression"`` or ``"bins"``); None: not.
    rng
        A seed or a generator of their shuffles and bootstrap.
    preset, parameters, named
        Values of parameters that are not drawn, in a mapping or as keywords.
    workers, tolerance, progress
        As in :func:`highfence.study.draws.solve_draws`.
    step
        Called with what is done next, in words, once all is solved.

    Raises
    ------
    RequestError
        A name is unknown, the player must be named, or no draw has an answer under every
        regime.

    See Also
    --------
    choose : the same from payoffs that are solved already.
    """
    loaded = game_with_regimes(game)
    asked = regimes_asked(loaded, regimes)
    judge = judging_player(loaded, asked, player)
    _check(rule, beliefs, information)
    given = values_given(parameters, named)
    request = Request(loaded, preset, given, workers, tolerance, progress)
    base = request.base  # refused before anything is solved
    return choose(
        loaded, payoffs_of(request.solve(draws, asked), judge, draws), judge, rule=rule,
        beliefs=beliefs, information=information, rng=rng, tolerance=tolerance, preset=preset,
        parameters=base, changed=tuple(request.parameters), step=step,
    )  # fmt: skip


robust_regimes = robust
"""An older name: parameters in a mapping are taken by both."""


def _check(rule: str, beliefs: Mapping[str, float], information: str | None) -> None:
    if information is not None and information not in METHODS:
        close = did_you_mean(information, METHODS)
        raise RequestError(f"there is no method {information!r}. {close}")
    if rule not in RULES:
        raise RequestError(f"there is no rule {rule!r}. {did_you_mean(rule, RULES)}")
    for kind, radius in beliefs.items():
        if kind not in BALLS:
            raise RequestError(f"there is no set of beliefs {kind!r}. {did_you_mean(kind, BALLS)}")
        if not radius >= 0:
            raise RequestError(
                f"{kind}: a radius of {radius:g} is below 0. Give 0 or more: {kind}=0.1"
            )


def choose(
    game: Game,
    payoffs: Payoffs,
    player: str,
    *,
    rule: str = "worst",
    beliefs: Mapping[str, float] = RADII,
    information: str | None = "regression",
    rng: int | np.random.Generator = 0,
    tolerance: float = tolerances.REGRET_BATCH,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    changed: Sequence[str] = (),
    step: Callable[[str], None] | None = None,
) -> RobustChoice:
    """Say which regime to choose, from payoffs at solved draws; see :func:`robust`.

    ``step`` is called with what is done next, in words.
    """
    _check(rule, beliefs, information)
    steps = 1 + len(beliefs) + (information is not None)
    done = 0

    def next_step(what: str) -> None:
        nonlocal done
        done += 1
        if step is not None:
            step(f"step {done} of {steps}: {what} over {len(payoffs.defined)} draws")

    next_step("mixtures of regimes")
    names = payoffs.regimes
    defined = payoffs.defined
    if not defined.any():
        raise RequestError("no draw has a certified answer under every regime: nothing to compare")
    table = payoffs.by(rule)[defined]
    columns = {name: column[defined] for name, column in payoffs.columns.items()}
    at = np.flatnonzero(defined)
    count = len(table)
    regrets = table.max(axis=1, keepdims=True) - table
    expected = table.mean(axis=0)
    size = float(np.abs(expected).max()) or 1.0
    deviation = table.std(axis=0, ddof=1) if count > 1 else np.zeros(len(names))
    won, ties, depends, near_ties = winning(payoffs, tolerance)
    shares = np.array([one.share for one in won])
    picks = {
        "expected payoff": _pick(names, expected, size),
        "maximin": _pick(names, table.min(axis=0), size),
        "minimax regret": _pick(names, regrets.max(axis=0), size, least=True),
        "winning": _pick(names, shares, 0.0),
    }
    mixtures = {
        "maximin": worst_mixture(table),
        "minimax regret": worst_mixture(regrets, largest=True),
    }
    varying = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    notes = []
    sets = []
    for kind, radius in beliefs.items():
        next_step(f"beliefs of kind {kind}")
        if count < 2 or (kind == "wasserstein" and not varying):
            notes.append(f"{kind}: draws that do not differ leave nothing to believe")
            continue
        try:
            one, note = _ambiguity(payoffs, table, varying, kind, radius, size)
        except RequestError as error:
            notes.append(f"{kind}: {error}")
            continue
        sets.append(one)
        notes += [note] if note else []
    value = None
    if information is not None:
        next_step("the value of information")
    if information is not None and count >= 10:
        value = value_of_information(table, varying, method=information, rng=rng)
    elif information is not None:
        notes.append(f"{count} draws are too few for the value of information")
    high = np.abs(payoffs.high[defined]).max(axis=1, keepdims=True)
    wide = payoffs.high[defined] - payoffs.low[defined] > tolerance * high
    labels = {regime.name: regime.label or regime.name for regime in game.regimes}
    people = {one.name: one.label or one.name for one in game.players}
    return RobustChoice(
        game=game.name,
        title=game.title or game.name,
        player=player,
        player_label=people[player],
        payoff=payoff_of(game, player),
        regimes=names,
        labels=MappingProxyType({name: labels[name] for name in names}),
        preset=preset,
        parameters=MappingProxyType(dict(parameters or {})),
        changed=tuple(changed),
        drawn=tuple(payoffs.columns),
        rule=rule,
        draws=len(defined),
        used=count,
        undefined=MappingProxyType(_counts(names, ~np.isfinite(payoffs.low))),
        several=MappingProxyType(_counts(names, wide)),
        expected=_fixed(expected),
        expected_error=_fixed(deviation / sqrt(count)),
        quantiles=_fixed(np.quantile(table, [0.05, 0.5, 0.95], axis=0).T.copy()),
        least=_fixed(table.min(axis=0)),
        least_draw=tuple(int(at[k]) for k in table.argmin(axis=0)),
        regret=_fixed(regrets.max(axis=0)),
        regret_draw=tuple(int(at[k]) for k in regrets.argmax(axis=0)),
        picks=MappingProxyType(picks),
        mixtures=MappingProxyType(mixtures),
        winning=won,
        ties=ties,
        depends=depends,
        near_ties=near_ties,
        dominance=dominance(table, names),
        ambiguity=tuple(sets),
        information=value,
        notes=tuple(notes),
    )


def _counts(names: Sequence[str], table: NDArray[np.bool_]) -> dict[str, int]:
    return {name: int(table[:, k].sum()) for k, name in enumerate(names)}


def _fixed(array: Array) -> Array:
    array.setflags(write=False)
    return array
