"""Which mechanisms of a game bring an outcome about: switched off one by one, and in coalitions.

A mechanism is a named switch of the game: parameters, and the values that neutralize them. A
*coalition* S is a set of mechanisms that work while all others are off, and its value v(S) is
the outcome in equilibrium under it, in a regime, less the same in a baseline regime. So v is a
cooperative game of the mechanisms, and what they bring about together, v(all) - v(none), is
shared among them by the Shapley value: what a mechanism adds, averaged over all orders in which
the mechanisms may be switched on. The shares sum to the total.

Indices: mechanisms are numbered as declared; bit i of a coalition's number is mechanism i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import RequestError, did_you_mean
from ._asked import names_asked
from ._request import Request
from .cooperative import (
    averaged,
    interaction_indices,
    kept,
    paths,
)
from .outcome import (
    Outcome,
    game_with_regimes,
    judging_player,
    largest,
    leveled,
    payoff_of,
    values_given,
)
from .sample import generator_of
from .scan import regimes_asked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..spec.model import Game
    from .draws import Draws

    Array = NDArray[np.float64]

__all__ = [
    "RULES",
    "Attribution",
    "Removals",
    "Step",
    "attribute",
    "attribute_regimes",
    "remove_each",
]

RULES = ("mid", "low", "high")
"""Which value stands for an outcome that differs between equilibria."""
NAME_ONE = "Name an outcome, or a player for their payoff"


@dataclass(frozen=True)
class Step:
    """One step of a waterfall."""

    mechanism: str
    change: float
    start: float
    end: float


@dataclass(frozen=True)
class Attribution:
    """What each mechanism contributes to an outcome of a regime. Arrays are read-only.

    With draws, every number is a mean over the draws that have an answer.
    """

    game: str
    title: str
    regime: str
    regime_label: str
    baseline: str | None
    """The regime whose outcome is subtracted; None if none is."""
    baseline_label: str
    outcome: str
    outcome_label: str
    formula: str
    condition: bool
    """The outcome holds (1) or not (0); with draws, it is a share of them."""
    preset: str | None
    parameters: Mapping[str, Any]
    """The values before any regime's own settings and before draws."""
    changed: tuple[str, ...]
    drawn: tuple[str, ...]
    """Parameters that differ from draw to draw."""
    rule: str
    mechanisms: tuple[str, ...]
    """Those that were switched, in order of declaration: the index of all arrays."""
    idle: tuple[str, ...]
    """Mechanisms that are off already at these numbers; they contribute nothing."""
    labels: Mapping[str, str]
    ids: Mapping[str, str]
    exact: bool
    """All coalitions were solved; else orders were sampled, and ``error`` says how well."""
    permutations: int
    """Sampled orders, each together with its reverse; 0 if exact."""
    bare: float
    """The outcome with every mechanism off."""
    full: float
    """The outcome with every mechanism on: the game as it is."""
    full_range: tuple[float, float]
    """Lowest and highest over the equilibria of the game as it is."""
    shapley: Array
    """(n,): sums to ``full - bare``."""
    lowest: Array
    """(n,): the least contribution over all ways to choose an equilibrium in each coalition."""
    highest: Array
    """(n,): the greatest, likewise."""
    error: Array
    """(n,): standard error over sampled orders and draws; 0 where neither is sampled."""
    added_last: Array
    """(n,): what the mechanism adds to all others: the game as it is less the game without it."""
    added_first: Array
    """(n,): what the mechanism adds to none: working alone, less every mechanism off."""
    interactions: Array | None
    """(n, n): Shapley interaction index of each pair, NaN on the diagonal; None if not asked."""
    interaction_errors: Array | None
    """(n, n): standard errors, likewise."""
    waterfall: tuple[Step, ...]
    """From ``bare`` to ``full``, the largest contributions first."""
    draws: int
    used: int
    """Draws with an answer."""
    orders: float
    """Share of orders of the mechanisms that are defined, on average over the draws used."""
    coalitions: int
    """Coalitions solved, at each draw under each regime."""
    undefined: tuple[tuple[tuple[str, ...], int], ...]
    """Coalitions without a certified value (the mechanisms that are off), and at how many draws."""
    several: int
    """Coalitions and draws, counted together, with more than one value over the equilibria."""

    @property
    def total(self) -> float:
        """What the mechanisms change together: ``full - bare``."""
        return self.full - self.bare

    def to_dict(self) -> dict[str, Any]:
        """Return the attribution with the keys of ``highfence attribute --json``.

        The command prints ``{"attributions": [...]}``, one for each regime.

        Returns
        -------
        dict
            ``game``, ``regime``, ``baseline`` or null, ``outcome``, ``formula``, ``condition``,
            ``preset``, ``parameters``, ``drawn``, ``rule``, ``exact``, ``permutations``;
            ``bare``, ``full``, ``full_range`` and ``total``; ``mechanisms`` {name: {label, id,
            shapley, error, range [lowest, highest], added_last, added_first}}; ``idle`` [name];
            ``interactions`` [{mechanisms [one, other], index, error}]; ``waterfall``
            [{mechanism, change, start, end}]; ``draws``, ``used``, ``orders``, ``coalitions``;
            ``undefined`` [{off [mechanism], draws}]; ``several``.
        """
        named = self.mechanisms

        def by_name(array: Array) -> dict[str, float]:
            return {name: float(value) for name, value in zip(named, array, strict=True)}

        pairs = []
        if self.interactions is not None and self.interaction_errors is not None:
            pairs = [
                {
                    "mechanisms": [named[i], named[j]],
                    "index": float(self.interactions[i, j]),
                    "error": float(self.interaction_errors[i, j]),
                }
                for i in range(len(named))
                for j in range(i + 1, len(named))
            ]
        return {
            "game": self.game,
            "regime": self.regime,
            "baseline": self.baseline,
            "outcome": self.outcome,
            "formula": self.formula,
            "condition": self.condition,
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "drawn": list(self.drawn),
            "rule": self.rule,
            "exact": self.exact,
            "permutations": self.permutations,
            "bare": self.bare,
            "full": self.full,
            "full_range": list(self.full_range),
            "total": self.total,
            "mechanisms": {
                name: {
                    "label": self.labels[name],
                    "id": self.ids[name],
                    "shapley": by_name(self.shapley)[name],
                    "error": by_name(self.error)[name],
                    "range": [by_name(self.lowest)[name], by_name(self.highest)[name]],
                    "added_last": by_name(self.added_last)[name],
                    "added_first": by_name(self.added_first)[name],
                }
                for name in named
            },
            "idle": list(self.idle),
            "interactions": pairs,
            "waterfall": [
                {"mechanism": s.mechanism, "change": s.change, "start": s.start, "end": s.end}
                for s in self.waterfall
            ],
            "draws": self.draws,
            "used": self.used,
            "orders": self.orders,
            "coalitions": self.coalitions,
            "undefined": [{"off": list(off), "draws": count} for off, count in self.undefined],
            "several": self.several,
        }

    def __str__(self) -> str:
        from ..report.attribution_text import attribution_text

        text: str = attribution_text([self])
        return text


@dataclass(frozen=True)
class Removals:
    """What an outcome becomes if mechanisms are switched off one at a time. Read-only arrays."""

    game: str
    regime: str
    baseline: str | None
    """The regime whose outcome is subtracted; None if none is."""
    outcome: str
    outcome_label: str
    preset: str | None
    settings: Mapping[str, Any]
    """Parameters that were set."""
    mechanisms: tuple[str, ...]
    """Those that were switched off, in order of declaration: the index of ``without``."""
    idle: tuple[str, ...]
    """Mechanisms that are off already at these numbers."""
    full: float
    """The outcome with every mechanism on; NaN where it is not certified."""
    without: Array
    """(n,): the outcome without the mechanism; NaN where it is not certified."""
    spread: Array
    """(n,): how far ``full`` less ``without`` differs between choices of equilibria."""

    @property
    def effects(self) -> Array:
        """(n,): what each mechanism adds to all others, ``full - without``."""
        return kept(self.full - self.without)


# ---------------------------------------------------------------------------------------------
# Mechanisms of a game


def attribute(
    game: Game | str | Path,
    regime: str,
    baseline: str | None = "none",
    outcome: str | None = None,
    mechanisms: Sequence[str] | None = None,
    *,
    draws: Mapping[str, ArrayLike] | None = None,
    rule: str = "mid",
    permutations: int = 100,
    interactions: bool | None = None,
    rng: int | np.random.Generator = 0,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Attribution:
    """Say which mechanisms bring about what a regime changes.

    Parameters
    ----------
    game
        A game with regimes and mechanisms, its name in the catalogue, or its file.
    regime
        The regime that is explained.
    baseline
        The regime that it is compared with: the outcome there is subtracted. None: nothing is.
        Nor is anything where the outcome is a condition or names a regime itself.
    outcome
        An outcome, a player (their payoff), a flag, or a formula or condition (see
        :mod:`highfence.study.outcome`). By default the payoff of the player who chooses the
        regime.
    mechanisms
        Those to switch; all that the game declares by default. Others stay on.
    draws
        Parameter -> values, all of one length: the question is asked at each draw, and
        answers are averaged, so that a condition is attributed as the share of draws in which
        it holds. By default it is asked once, at the game's numbers.
    rule
        Which value stands for an outcome that differs between equilibria: ``"low"``, ``"high"``
        or ``"mid"``, half-way between the two (a condition that depends on the equilibrium
        counts as half).
    permutations
        Orders to sample, each with its reverse, where there are more mechanisms than
        :data:`highfence.limits.MAX_EXACT_MECHANISMS`; with fewer, all orders count.
    interactions
        Work out the interaction of each pair; by default where all coalitions are solved.
        With sampled orders it takes twice as many coalitions.
    rng
        A seed, or a generator, of the sampled orders.
    preset, parameters, named
        Values of parameters, in a mapping or as keywords.
    workers, tolerance, progress
        As in :func:`highfence.study.draws.solve_draws`.

    Raises
    ------
    RequestError
        The game has no mechanisms, a name is unknown, two mechanisms set one parameter to
        different values, or there is too much to solve.
    SpecError
        The outcome is not a formula of the game.

    Notes
    -----
    A coalition that is not certified has no value: it is named in ``undefined``, and only
    orders of the mechanisms that avoid it count (see :func:`shapley_values`).

    Attribution depends on what "off" means, which the game declares, and on the other
    mechanisms: it says what these formulas do, not what caused anything in the world.

    Cost: 2^n coalitions times draws times two regimes, or 2 (n - 1) coalitions per sampled
    order at most.

    References
    ----------
    L. S. Shapley (1953). J. Castro, D. Gomez and J. Tejada (2009), Polynomial calculation of
    the Shapley value based on sampling, Computers and Operations Research 36, 1726-1730.

    Examples
    --------
    >>> found = attribute(
    ...     "small_yard_high_fence", "broad", mechanisms=["retaliation", "exports"]
    ... )
    >>> bool(abs(found.shapley.sum() - found.total) < 1e-12)
    True
    >>> found.waterfall[0].mechanism
    'retaliation'
    """
    (found,) = attribute_regimes(
        game, [regime], baseline, outcome, mechanisms, draws=draws, rule=rule,
        permutations=permutations, interactions=interactions, rng=rng, preset=preset,
        workers=workers, tolerance=tolerance, progress=progress,
        parameters=values_given(parameters, named),
    )  # fmt: skip
    return found


def attribute_regimes(
    game: Game | str | Path,
    regimes: Sequence[str],
    baseline: str | None = "none",
    outcome: str | None = None,
    mechanisms: Sequence[str] | None = None,
    *,
    draws: Mapping[str, ArrayLike] | None = None,
    rule: str = "mid",
    permutations: int = 100,
    interactions: bool | None = None,
    rng: int | np.random.Generator = 0,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[Attribution, ...]:
    """Attribute as :func:`attribute` does, for several regimes on the same coalitions."""
    loaded = game_with_regimes(game)
    request = Request(loaded, preset, dict(parameters or {}), workers, tolerance, progress)
    asked = regimes_asked(loaded, regimes)
    if rule not in RULES:
        raise RequestError(f"there is no rule {rule!r}. {did_you_mean(rule, RULES)}")
    if permutations < 2:
        raise RequestError(f"permutations = {permutations} is too few: at least 2")
    measured = request.outcome(
        outcome or payoff_of(loaded, judging_player(loaded, asked, fix=NAME_ONE))
    )
    subtracted = _baseline(loaded, baseline, measured, asked)
    solved = tuple(dict.fromkeys([*asked, *measured.others, *([subtracted] if subtracted else [])]))
    switches = _Switches(request, solved, mechanisms, draws or {})
    count = len(switches.names)
    exact = count <= limits.MAX_EXACT_MECHANISMS
    pairs = exact if interactions is None else interactions
    orders = _orders(count, 0 if exact else permutations, rng)
    wanted = _coalitions(count, exact, orders, pairs)
    _refuse(len(wanted), switches.rows)
    answers = switches.solve(wanted)
    made = []
    for regime in asked:
        minus = subtracted if subtracted != regime else None
        worth = answers.worth(measured, regime, minus)
        made.append(
            _attribution(
                regime, minus, measured, switches, wanted, worth, exact, orders, pairs, rule
            )
        )  # fmt: skip
    return tuple(made)


def remove_each(
    game: Game | str | Path,
    regime: str,
    baseline: str | None = "none",
    outcomes: Sequence[str] | None = None,
    mechanisms: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> tuple[Removals, ...]:
    """Switch mechanisms off one at a time, and say what each adds to all others.

    Parameters
    ----------
    game, regime, baseline, mechanisms, preset, workers, tolerance, progress, parameters, named
        As in :func:`attribute`.
    outcomes
        One answer each; by default the payoff of the player who chooses the regime.

    Returns
    -------
    tuple of Removals
        In the order of ``outcomes``. Where equilibria differ, half-way values stand for them,
        and ``spread`` says how much that hides.

    Raises
    ------
    RequestError, SpecError
        As :func:`attribute`.

    Notes
    -----
    n + 1 coalitions are solved, once for all outcomes. Effects of single removals do not add up
    to the whole where mechanisms interact; :func:`attribute` shares out the whole.

    Examples
    --------
    >>> (found,) = remove_each(
    ...     "small_yard_high_fence", "broad", mechanisms=["retaliation", "exports"]
    ... )
    >>> dict(zip(found.mechanisms, (found.effects < 0).tolist(), strict=True))
    {'retaliation': True, 'exports': True}
    """
    loaded = game_with_regimes(game)
    asked = regimes_asked(loaded, [regime])
    given = values_given(parameters, named)
    request = Request(loaded, preset, given, workers, tolerance, progress)
    told = outcomes or [payoff_of(loaded, judging_player(loaded, asked, fix=NAME_ONE))]
    measured = [request.outcome(name) for name in told]
    subtracted = [_baseline(loaded, baseline, one, asked) for one in measured]
    solved = [*asked, *(name for one in measured for name in one.others)]
    solved += [name for name in subtracted if name]
    switches = _Switches(request, tuple(dict.fromkeys(solved)), mechanisms, {})
    count = len(switches.names)
    full = (1 << count) - 1
    wanted = np.array([full, *(full ^ (1 << k) for k in range(count))])
    answers = switches.solve(wanted)
    made = []
    for one, minus in zip(measured, subtracted, strict=True):
        worth = answers.worth(one, regime, minus)
        middle, low, high = (a[:, 0] for a in (worth.by_rule["mid"], worth.low, worth.high))
        made.append(
            Removals(
                game=loaded.name,
                regime=regime,
                baseline=minus,
                outcome=one.name,
                outcome_label=one.label,
                preset=preset,
                settings=MappingProxyType({name: request.base[name] for name in given}),
                mechanisms=switches.names,
                idle=switches.idle,
                full=float(middle[0]),
                without=kept(middle[1:].copy()),
                spread=kept((high - low)[0] + (high - low)[1:]),
            )
        )
    return tuple(made)


def _baseline(
    game: Game, baseline: str | None, measured: Outcome, asked: Sequence[str]
) -> str | None:
    if baseline is None or measured.condition or measured.others:
        return None
    names = [regime.name for regime in game.regimes]
    if baseline not in names:
        raise RequestError(
            f"{game.name} has no regime {baseline!r} to compare with. "
            f"Name another baseline (--baseline), or none (--absolute). "
            f"{did_you_mean(baseline, names)}"
        )
    if tuple(asked) == (baseline,):
        raise RequestError(
            f"{baseline} is compared with itself. Name another baseline (--baseline), or none "
            "(--absolute)"
        )
    return baseline


def _refuse(coalitions: int, rows: int) -> None:
    if coalitions * rows > limits.MAX_SAMPLES:
        raise RequestError(
            f"{coalitions} coalitions at {rows} draws are more than MAX_SAMPLES = "
            f"{limits.MAX_SAMPLES}. Ask about fewer mechanisms or draws"
        )


def _orders(count: int, permutations: int, rng: int | np.random.Generator) -> list[tuple[int, ...]]:
    """Return sampled orders, each followed by its reverse."""
    generator = generator_of(rng)
    made: list[tuple[int, ...]] = []
    for _ in range(permutations):
        order = tuple(int(k) for k in generator.permutation(count))
        made += [order, order[::-1]]
    return made


def _prefixes(order: Sequence[int]) -> Iterator[int]:
    held = 0
    yield held
    for player in order:
        held |= 1 << player
        yield held


def _coalitions(
    count: int, exact: bool, orders: Sequence[Sequence[int]], pairs: bool
) -> NDArray[np.int64]:
    """Return the coalitions to solve, ascending."""
    if exact:
        return np.arange(1 << count)
    full = (1 << count) - 1
    wanted = {0, full}
    for player in range(count):
        wanted |= {1 << player, full ^ (1 << player)}
    for order in orders:
        held = list(_prefixes(order))
        wanted.update(held)
        if pairs:
            wanted.update(held[k] | 1 << order[k + 1] for k in range(count - 1))
    return np.array(sorted(wanted))


class _Switches:
    """The mechanisms that are switched, and what a coalition of them sets."""

    def __init__(
        self,
        request: Request,
        regimes: Sequence[str],
        asked: Sequence[str] | None,
        draws: Mapping[str, ArrayLike],
    ) -> None:
        self.request, self.game = request, request.game
        game = request.game
        self.drawn = {name: np.asarray(column, np.float64) for name, column in draws.items()}
        lengths = {column.shape for column in self.drawn.values()}
        if len(lengths) > 1 or any(len(shape) != 1 for shape in lengths):
            raise RequestError("draws are one-dimensional columns of one length")
        self.rows = next(iter(lengths))[0] if lengths else 1
        if self.rows == 0:
            raise RequestError("there are no draws")
        named = self._named(asked)
        self._refuse_conflicts(named)
        self.base = {regime: request.values(regime) for regime in regimes}
        categorical = {p.name for p in game.parameters if p.choices}
        self.off = {
            name: {
                parameter: str(value) if parameter in categorical else float(value)
                for parameter, value in game.mechanisms[name].off.items()
            }
            for name in named
        }
        self.categorical = categorical
        self.names = tuple(name for name in named if not self._idle(name))
        self.idle = tuple(name for name in named if self._idle(name))
        if not self.names:
            raise RequestError(
                f"{game.name}: nothing is left to switch off; at these numbers all mechanisms "
                f"asked for are off already ({', '.join(self.idle)})"
            )

    def _named(self, asked: Sequence[str] | None) -> tuple[str, ...]:
        known = self.game.mechanisms
        if not known:
            raise RequestError(
                f"{self.game.name} declares no mechanisms, so there is nothing to switch off. "
                "Declare them: [mechanisms.NAME] with off = {PARAMETER = VALUE}"
            )
        named = names_asked("mechanism", asked, known, f"{self.game.name} has no mechanism")
        return tuple(name for name in known if name in named)

    def _refuse_conflicts(self, named: Sequence[str]) -> None:
        seen: dict[str, tuple[Any, str]] = {}
        for name in named:
            for parameter, value in self.game.mechanisms[name].off.items():
                before, other = seen.setdefault(parameter, (value, name))
                if before != value:
                    raise RequestError(
                        f"{self.game.name}: the mechanisms {other} and {name} both set "
                        f"{parameter} when they are off, to {before} and to {value}. "
                        "Ask about one of them"
                    )

    def _idle(self, name: str) -> bool:
        return all(
            parameter not in self.drawn
            and all(
                (base[parameter] if isinstance(value, str) else float(base[parameter])) == value
                for base in self.base.values()
            )
            for parameter, value in self.off[name].items()
        )

    def settings(self, coalition: int) -> dict[str, float | str]:
        """Return what is set while only the mechanisms of the coalition work."""
        made: dict[str, float | str] = {}
        for k, name in enumerate(self.names):
            if not coalition >> k & 1:
                made.update(self.off[name])
        return made

    def solve(self, wanted: NDArray[np.int64]) -> _Answers:
        """Solve every coalition at every draw under every regime."""
        progress = self.request.progress
        settings = [self.settings(int(coalition)) for coalition in wanted]
        texts = [tuple((n, v) for n, v in s.items() if isinstance(v, str)) for s in settings]
        touched = sorted({n for off in self.off.values() for n in off if n not in self.categorical})
        alike: dict[tuple[Any, ...], list[str]] = {}
        for regime, base in self.base.items():
            alike.setdefault(tuple(base[name] for name in touched), []).append(regime)
        whole = len(alike) * len(wanted) * self.rows
        done = 0
        parts = []
        for group in dict.fromkeys(texts):
            members = np.array([k for k, text in enumerate(texts) if text == group])
            for regimes in alike.values():
                columns = self._columns(members, settings, self.base[regimes[0]], touched)
                tell = None
                if progress is not None:
                    start = done

                    def tell(part: int, _: int, start: int = start) -> None:
                        progress(start + part, whole)

                found = self.request.solve(columns, regimes, also=dict(group), progress=tell)
                done += len(members) * self.rows
                parts.append((members, columns, dict(group), found))
        return _Answers(self, len(wanted), parts)

    def _columns(
        self,
        members: NDArray[np.int64],
        settings: Sequence[Mapping[str, float | str]],
        base: Mapping[str, Any],
        touched: Sequence[str],
    ) -> dict[str, Array]:
        """Return the columns of a batch: all draws of one coalition, then of the next."""
        made = {name: np.tile(column, len(members)) for name, column in self.drawn.items()}
        for name in touched:
            column = made.setdefault(name, np.full(len(members) * self.rows, float(base[name])))
            for k, member in enumerate(members):
                if name in settings[member]:
                    column[k * self.rows : (k + 1) * self.rows] = float(settings[member][name])
        if not made:  # all that is switched is categorical
            some = next(p.name for p in self.game.parameters if p.name not in self.categorical)
            made[some] = np.full(len(members) * self.rows, float(base[some]))
        return made


@dataclass(frozen=True)
class _Worth:
    """Values of coalitions, each (coalitions, draws); NaN where there is none."""

    low: Array
    high: Array
    """Of the outcome less the baseline's, over all pairs of equilibria."""
    by_rule: Mapping[str, Array]


class _Answers:
    """Solved batches, put together by coalition."""

    def __init__(
        self,
        switches: _Switches,
        coalitions: int,
        parts: Sequence[tuple[NDArray[np.int64], dict[str, Array], dict[str, Any], Draws]],
    ) -> None:
        self.switches, self.coalitions, self.parts = switches, coalitions, parts

    def _of(self, measured: Outcome, regime: str) -> tuple[Array, Array]:
        """Return the outcome's lowest and highest value, each (coalitions, draws)."""
        rows = self.switches.rows
        low = np.full((self.coalitions, rows), np.nan)
        high = low.copy()
        if len({part[3].regimes for part in self.parts}) > 1 and measured.others:
            raise RequestError(
                f"{measured.name} compares regimes that set parameters of mechanisms differently. "
                "Ask about an outcome of one regime, with a baseline"
            )
        for members, columns, texts, found in self.parts:
            if regime not in found.regimes:
                continue
            known = {**self.switches.base[regime], **columns, **texts}
            numbers = {n: v for n, v in known.items() if not isinstance(v, str)}
            numbers = {n: v if isinstance(v, np.ndarray) else float(v) for n, v in numbers.items()}
            lowest, highest = measured.values(found, regime, numbers)
            low[members] = lowest.reshape(len(members), rows)
            high[members] = highest.reshape(len(members), rows)
        return low, high

    def worth(self, measured: Outcome, regime: str, baseline: str | None) -> _Worth:
        low, high = self._of(measured, regime)
        below, above = (
            (np.zeros_like(low),) * 2 if baseline is None else self._of(measured, baseline)
        )
        by_rule = {
            "low": low - below,
            "high": high - above,
            "mid": (low + high) / 2 - (below + above) / 2,
        }
        scale = largest(low.T, high.T, below.T, above.T)

        def sure(values: Array) -> Array:
            """Return differences without what only rounding makes of them, at every draw."""
            rounding = np.abs(values) <= tolerances.ROUNDING * scale
            return leveled(np.where(rounding, 0.0, values).T, 0.0, scale).T

        return _Worth(
            sure(low - above),
            sure(high - below),
            {rule: sure(values) for rule, values in by_rule.items()},
        )


def _attribution(
    regime: str,
    baseline: str | None,
    measured: Outcome,
    switches: _Switches,
    wanted: NDArray[np.int64],
    worth: _Worth,
    exact: bool,
    orders: Sequence[tuple[int, ...]],
    pairs: bool,
    rule: str,
) -> Attribution:
    request, game = switches.request, switches.game
    names = switches.names
    chosen = worth.by_rule[rule]
    if exact:
        before, after = paths(~np.isnan(chosen))
        shares, _, _ = averaged(chosen, chosen, before, after)
        _, least, most = averaged(worth.low, worth.high, before, after)
        share_of_orders = before[-1] / factorial(len(names))
        sampling = np.zeros(len(names))
        index = interaction_indices(chosen) if pairs else None
        index_error = None if index is None else np.zeros(index.shape[:2])
    else:
        shares, least, most, share_of_orders, sampling = _sampled(wanted, worth, chosen, orders)
        index, index_error = (
            _sampled_interactions(len(names), wanted, chosen, orders) if pairs else (None, None)
        )
    used = share_of_orders > 0
    if not used.any():
        shares = shares[:, :0]
        used = np.zeros_like(used)
    place = {int(coalition): k for k, coalition in enumerate(wanted)}
    full = (1 << len(names)) - 1
    shapley = _mean(shares[:, used]) if used.any() else np.full(len(names), np.nan)
    spread = _standard_error(shares[:, used]) if used.any() else np.full(len(names), np.nan)
    at_bare, at_full = (float(_mean(chosen[[place[k]]][:, used])[0]) for k in (0, full))
    undefined = tuple(
        (
            tuple(name for i, name in enumerate(names) if not int(coalition) >> i & 1),
            int(np.isnan(chosen[k]).sum()),
        )
        for k, coalition in enumerate(wanted)
        if np.isnan(chosen[k]).any()
    )
    mean_index = None if index is None else _mean(index[:, :, used])
    if index is not None and exact:
        index_error = _standard_error(index[:, :, used])
    declared = game.mechanisms
    labels = {r.name: r.label or r.name for r in game.regimes}
    return Attribution(
        game=game.name,
        title=game.title or game.name,
        regime=regime,
        regime_label=labels[regime],
        baseline=baseline,
        baseline_label=labels[baseline] if baseline else "",
        outcome=measured.name,
        outcome_label=measured.label,
        formula=measured.formula,
        condition=measured.condition,
        preset=request.preset,
        parameters=request.base,
        changed=tuple(request.parameters),
        drawn=tuple(switches.drawn),
        rule=rule,
        mechanisms=names,
        idle=switches.idle,
        labels=MappingProxyType({n: declared[n].label or n for n in [*names, *switches.idle]}),
        ids=MappingProxyType({n: declared[n].id for n in [*names, *switches.idle]}),
        exact=exact,
        permutations=0 if exact else len(orders) // 2,
        bare=at_bare,
        full=at_full,
        full_range=(
            float(_mean(worth.low[[place[full]]][:, used])[0]),
            float(_mean(worth.high[[place[full]]][:, used])[0]),
        ),
        shapley=kept(shapley),
        lowest=kept(_mean(least[:, used])),
        highest=kept(_mean(most[:, used])),
        error=kept(np.hypot(spread, sampling)),
        added_last=kept(
            np.array(
                [
                    _mean_of((chosen[place[full]] - chosen[place[full ^ (1 << k)]])[used])
                    for k in range(len(names))
                ]
            )
        ),
        added_first=kept(
            np.array(
                [
                    _mean_of((chosen[place[1 << k]] - chosen[place[0]])[used])
                    for k in range(len(names))
                ]
            )
        ),
        interactions=None if mean_index is None else kept(mean_index),
        interaction_errors=None if index_error is None else kept(index_error),
        waterfall=_waterfall(names, shapley, at_bare),
        draws=switches.rows,
        used=int(used.sum()),
        orders=float(share_of_orders[used].mean()) if used.any() else 0.0,
        coalitions=len(wanted),
        undefined=undefined,
        several=int(((worth.high - worth.low) > tolerances.SAME * _size(chosen)).sum()),
    )


def _size(array: Array) -> float:
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 1.0


def _mean(array: Array) -> Array:
    """Return the mean over the last axis, the draws; NaN for none."""
    if array.shape[-1] == 0:
        return np.full(array.shape[:-1], np.nan)
    made: Array = array.mean(axis=-1)
    return made


def _mean_of(row: Array) -> float:
    defined = row[~np.isnan(row)]
    return float(defined.mean()) if defined.size else float("nan")


def _standard_error(array: Array) -> Array:
    """Return the standard error of the mean over the draws; 0 for one draw, which is no sample."""
    count = array.shape[-1]
    if count < 2:
        return np.zeros(array.shape[:-1]) if count else np.full(array.shape[:-1], np.nan)
    made: Array = array.std(axis=-1, ddof=1) / np.sqrt(count)
    return made


def _sampled(
    wanted: NDArray[np.int64], worth: _Worth, chosen: Array, orders: Sequence[tuple[int, ...]]
) -> tuple[Array, Array, Array, Array, Array]:
    """Return average contributions (n, d), the least, the greatest, orders used, and errors (n,).

    An order and its reverse are one observation: what they add on average has no error where
    mechanisms interact in pairs only.
    """
    count = len(orders[0])
    rows = chosen.shape[1]
    walked = [np.searchsorted(wanted, list(_prefixes(order))) for order in orders]
    observed = np.empty((len(orders), 3, count, rows))
    for k, (order, at) in enumerate(zip(orders, walked, strict=True)):
        players = list(order)
        observed[k, 0, players] = np.diff(chosen[at], axis=0)
        observed[k, 1, players] = worth.low[at[1:]] - worth.high[at[:-1]]
        observed[k, 2, players] = worth.high[at[1:]] - worth.low[at[:-1]]
    together = (observed[0::2] + observed[1::2]) / 2
    defined: NDArray[np.bool_] = np.asarray(~np.isnan(together).any(axis=(1, 2)))
    number = defined.sum(axis=0)
    kept = np.where(defined[:, None, None], together, 0.0)
    with np.errstate(all="ignore"):
        mean = kept.sum(axis=0) / number
        over_draws = kept[:, 0].sum(axis=2) / defined.sum(axis=1)[:, None]
    over_draws = over_draws[defined.any(axis=1)]
    error = (
        over_draws.std(axis=0, ddof=1) / np.sqrt(len(over_draws))
        if len(over_draws) > 1
        else np.full(count, np.nan)
    )
    return mean[0], mean[1], mean[2], number / len(together), error


def _sampled_interactions(
    count: int, wanted: NDArray[np.int64], chosen: Array, orders: Sequence[tuple[int, ...]]
) -> tuple[Array, Array]:
    """Return interaction indices (n, n, d) from neighbors in sampled orders, and errors (n, n).

    What comes before two neighbors is distributed as the index weighs it. An order and its reverse
    are one observation here too: together they have no error where at most three interact.
    """
    seen: dict[tuple[int, int], list[Array]] = {}
    for order in orders:
        held = list(_prefixes(order))
        for k in range(count - 1):
            i, j = sorted(order[k : k + 2])
            corners = [held[k], held[k] | 1 << i, held[k] | 1 << j, held[k + 2]]
            none, one, other, both = chosen[np.searchsorted(wanted, corners)]
            seen.setdefault((i, j), []).append(both - one - other + none)
    index = np.full((count, count, chosen.shape[1]), np.nan)
    error = np.full((count, count), np.nan)
    for (i, j), found in seen.items():
        table = np.array(found)
        defined = ~np.isnan(table)
        number = defined.sum(axis=0)
        with np.errstate(all="ignore"):
            index[i, j] = index[j, i] = np.where(defined, table, 0).sum(axis=0) / number
        together = (table[0::2] + table[1::2]) / 2
        whole = [_mean_of(row) for row in together if not np.isnan(row).all()]
        if len(whole) > 1:
            error[i, j] = error[j, i] = np.std(whole, ddof=1) / np.sqrt(len(whole))
    return index, error


def _waterfall(names: Sequence[str], shapley: Array, bare: float) -> tuple[Step, ...]:
    if np.isnan(shapley).any():
        return ()
    steps = []
    at = bare
    for k in sorted(range(len(names)), key=lambda k: (-abs(shapley[k]), k)):
        change = float(shapley[k])
        steps.append(Step(names[k], change, at, at + change))
        at += change
    return tuple(steps)
