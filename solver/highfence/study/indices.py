"""Sensitivity indices of any function of uncertain numbers, with intervals.

Every method places points in the cube of shares of the uncertain numbers
(:mod:`highfence.study.uncertainty`), so all respect the distributions, and estimates from the
function's values there how much of their variation goes with each number. What the methods
measure is in :mod:`highfence.study.sensitivity`.

A value is undefined where it is NaN or infinite. Undefined values are counted and named, and
never reach an estimator.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import MethodFailed, RequestError, did_you_mean
from ._digits import short
from .sample import generator_of, unit_cube
from .uncertainty import Space, Uncertainty

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = [
    "DEFAULT_DRAWS",
    "METHODS",
    "Answers",
    "Design",
    "Indices",
    "Undefined",
    "analyzed",
    "check_confidence",
    "designed",
    "examples_of",
    "indices",
    "rank_correlations",
]

METHODS = ("sobol", "morris", "pawn", "rank", "tornado")
"""How sensitivity is measured; local derivatives are in :mod:`highfence.study.derivatives`."""

DEFAULT_DRAWS: Mapping[str, int] = MappingProxyType(
    {"sobol": 256, "morris": 20, "pawn": 1000, "rank": 1000, "tornado": 1}
)
"""Method -> blocks (sobol), trajectories (morris) or draws (pawn, rank) where none are asked."""

LEAST = {"sobol": 8, "morris": 2, "pawn": 50, "rank": 5}
"""Blocks, trajectories or draws with defined outcomes below which nothing is estimated."""

VARIED = 5
"""Sobol: points of A and B whose outcome is not the usual one, below which nothing is estimated.
Of few, most resamples hold none, and their spread is no error."""

RESAMPLES = 100
"""Bootstrap resamples behind an interval."""

LEVELS = 4
"""Levels of Morris's grid: 0, 1/3, 2/3 and 1 of the shares."""

SLICES = 10
"""Slices in which PAWN holds a parameter."""

EXAMPLES = 5
"""Undefined draws that are written out."""


@dataclass(frozen=True)
class Undefined:
    """Points at which an outcome is undefined, and what became of them."""

    uncertified: int = 0
    """A regime that the outcome reads has no certified equilibrium."""
    several: int = 0
    """Several equilibria disagree about it."""
    without_value: int = 0
    """Its formula has no finite value."""
    dropped: int = 0
    """Points left out: the undefined ones, and the rest of their blocks."""
    examples: tuple[Mapping[str, float], ...] = ()
    """Parameter -> value at some of the undefined points."""
    where: tuple[str, ...] = ()
    """The parameters by which undefined points differ from the others, and how."""

    @property
    def count(self) -> int:
        """All of them."""
        return self.uncertified + self.several + self.without_value


@dataclass(frozen=True)
class Indices:
    """How one outcome responds to each of d parameters. Arrays are read-only."""

    method: str
    target: str
    """The outcome."""
    names: tuple[str, ...]
    """The parameters."""
    measures: Mapping[str, Array]
    """Measure -> its value for each parameter, shape (d,); empty if nothing was estimated.

    ``sobol``: first, total. ``morris``: mu_star, mu, sigma, in units of the outcome per whole
    range of shares. ``pawn``: median, mean, maximum (Kolmogorov-Smirnov distances over the
    slices). ``rank``: correlation. ``tornado``: swing, at_low, at_high, low, high.
    """
    intervals: Mapping[str, Array]
    """Measure -> confidence interval, shape (d, 2), for the measures that have one."""
    points: int
    """Points of the design."""
    used: int
    """Points that the estimates rest on."""
    confidence: float
    mean: float = math.nan
    """Of the outcome over the points used (of a condition: how often it holds)."""
    spread: float = math.nan
    """Its standard deviation."""
    pairs: Array | None = None
    """Second-order Sobol indices, shape (d, d), symmetric, NaN on the diagonal."""
    pairs_intervals: Array | None = None
    """Shape (d, d, 2)."""
    noise: float | None = None
    """PAWN: the index (median) that a parameter without any effect stays below, 19 times in 20."""
    base: float | None = None
    """Tornado: the outcome at the preset."""
    condition: bool = False
    """Whether the outcome holds or does not, rather than being a number."""
    undefined: Undefined = field(default_factory=Undefined)
    reason: str = ""
    """Why nothing was estimated; empty if it was."""
    constant: bool = False
    """Nothing was estimated because the outcome is the same at all points."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> label."""
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The measure by which parameters are ranked."""
        return MAIN[self.method]

    @property
    def ranked(self) -> tuple[str, ...]:
        """The parameters by the size of the main measure, the largest first."""
        if not self.measures:
            return ()
        sizes = np.nan_to_num(np.abs(self.measures[self.main]), nan=-1.0)
        return tuple(self.names[k] for k in np.argsort(-sizes, kind="stable"))

    def of(self, name: str, measure: str | None = None) -> float:
        """Return a measure (the main one by default) of a parameter."""
        if name not in self.names:
            raise RequestError(f"no parameter {name!r}. {did_you_mean(name, self.names)}")
        asked = self.main if measure is None else measure
        if asked not in self.measures:
            raise RequestError(f"no measure {asked!r}. {did_you_mean(asked, self.measures)}")
        return float(self.measures[asked][self.names.index(name)])

    def interval(self, name: str, measure: str | None = None) -> tuple[float, float] | None:
        """Return the confidence interval of a measure of a parameter, if it has one."""
        self.of(name, measure)
        asked = self.main if measure is None else measure
        if asked not in self.intervals:
            return None
        low, high = self.intervals[asked][self.names.index(name)]
        return float(low), float(high)

    @property
    def says(self) -> str:
        """The answer in a sentence."""
        return _sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``highfence sensitivity --json`` holds under ``targets``.

        Keys: ``target``, ``says``, ``reason`` (text, empty if estimated), ``condition``,
        ``points``, ``used``, ``mean``, ``spread``, ``confidence``; ``parameters``: {name:
        {measure: value, "intervals": {measure: [low, high]}}}, most influential first;
        ``pairs``: [{"parameters": [a, b], "second": value, "interval": [low, high]}], largest
        first, or null; ``noise``, ``base``: a number or null; ``undefined``: {"count",
        "uncertified", "several", "without_value", "dropped", "examples": [{parameter: value}],
        "where": [text]}; ``notes``: [text].
        """
        about = self.undefined
        return {
            "target": self.target,
            "says": self.says,
            "reason": self.reason,
            "condition": self.condition,
            "points": self.points,
            "used": self.used,
            "mean": self.mean,
            "spread": self.spread,
            "confidence": self.confidence,
            "parameters": {
                name: {
                    **{measure: self.of(name, measure) for measure in self.measures},
                    "intervals": {m: self.interval(name, m) for m in self.intervals},
                }
                for name in self.ranked
            },
            "pairs": None
            if self.pairs is None
            else [
                {"parameters": pair, "second": value, "interval": interval}
                for pair, value, interval in self.strongest_pairs
            ],
            "noise": self.noise,
            "base": self.base,
            "undefined": {
                "count": about.count,
                "uncertified": about.uncertified,
                "several": about.several,
                "without_value": about.without_value,
                "dropped": about.dropped,
                "examples": [dict(example) for example in about.examples],
                "where": about.where,
            },
            "notes": self.notes,
        }

    @property
    def strongest_pairs(
        self,
    ) -> tuple[tuple[tuple[str, str], float, tuple[float, float]], ...]:
        """Pairs of parameters with their second-order index and its interval, largest first."""
        if self.pairs is None or self.pairs_intervals is None:
            return ()
        upper = zip(*np.triu_indices(len(self.names), 1), strict=True)
        found = []
        for i, j in upper:
            low, high = self.pairs_intervals[i, j]
            pair = self.names[i], self.names[j]
            found.append((pair, float(self.pairs[i, j]), (float(low), float(high))))
        return tuple(sorted(found, key=lambda one: -abs(one[1])))


MAIN = {
    "sobol": "total",
    "morris": "mu_star",
    "pawn": "median",
    "rank": "correlation",
    "tornado": "swing",
}


# ---------------------------------------------------------------------------------------------
# Functions


def indices(
    function: Callable[[Mapping[str, Array]], ArrayLike],
    distributions: Mapping[str, Uncertainty | str | float] | Space,
    *,
    method: str = "sobol",
    draws: int | None = None,
    rng: int | np.random.Generator = 0,
    target: str = "the outcome",
    second_order: bool = True,
    confidence: float = 0.95,
) -> Indices:
    """Return how a function of uncertain numbers responds to each of them.

    Parameters
    ----------
    function
        Takes name -> values, arrays of shape (n,), and returns n outcomes. NaN and infinity
        are undefined outcomes.
    distributions
        Name -> distribution, independent of one another; or a space.
    method
        ``sobol``, ``morris``, ``pawn`` or ``rank``.
    draws
        ``sobol``: blocks N, best a power of two, of 2d + 2 points each (d + 2 without the
        second order). ``morris``: trajectories of d + 1 points. Otherwise draws. By default
        :data:`DEFAULT_DRAWS`.
    rng
        A seed (0 is a seed), or a generator, which is advanced.
    target
        What the outcome is called.
    second_order
        Estimate Sobol indices of pairs as well, at nearly twice the points.
    confidence
        Of the intervals.

    Returns
    -------
    Indices
        With a ``reason`` and without measures where too few outcomes are defined, all of them
        are equal, or (``sobol``) nearly all of the base points are.

    Raises
    ------
    RequestError
        The method is unknown or does not take correlated parameters, nothing varies, or the
        function returns something else than n numbers.

    Notes
    -----
    One undefined outcome invalidates its whole block (``sobol``) or trajectory (``morris``),
    which is left out; otherwise the draw alone is. The indices then describe the part of the
    space in which the outcome is defined, and a note says so.

    Sobol and Morris indices are estimated by SALib, which is given finite numbers that vary,
    and a seed that is not 0 (for which it would take none). The intervals of ``sobol``,
    ``morris`` and ``pawn`` come from the bootstrap's standard error (100 resamples), those of
    ``rank`` from Fisher's transformation with the variance of Bonett and Wright (2000). PAWN
    slices shares rather than values, so a discrete parameter has slices too; ranks are those
    of the values, in which equal values share theirs.

    References
    ----------
    A. Saltelli et al. (2010), Computer Physics Communications 181, 259-270. A. Saltelli
    (2002), Computer Physics Communications 145, 280-297. M. D. Morris (1991), Technometrics
    33, 161-174. F. Pianosi and T. Wagener (2018), Environmental Modelling & Software 108,
    197-207. D. G. Bonett and T. A. Wright (2000), Psychometrika 65, 23-28.

    Examples
    --------
    >>> found = indices(
    ...     lambda x: x["a"] + 2 * x["b"],
    ...     {"a": "uniform(0, 1)", "b": "uniform(0, 1)"},
    ...     draws=512,
    ... )
    >>> found.ranked
    ('b', 'a')
    >>> round(found.of("b", "first"), 1)
    0.8
    """
    space = distributions if isinstance(distributions, Space) else Space.of(distributions)
    design = designed(space, method, draws, rng, second_order)
    columns = design.columns(space)
    with np.errstate(all="ignore"):
        given = function(columns)
    try:
        made = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        made = np.empty(0)
    if made.shape != (len(design.cube),):
        raise RequestError(
            f"the function returned {np.shape(given)} for {len(design.cube)} points. "
            "It takes columns and returns one number for each point"
        )
    answers = Answers.of(made)
    return analyzed(design, space, columns, target, answers, confidence)


def rank_correlations(
    columns: Mapping[str, ArrayLike],
    outcome: ArrayLike,
    *,
    target: str = "the outcome",
    confidence: float = 0.95,
) -> Indices:
    """Return Spearman's rank correlation of an outcome with each column of a sweep.

    Parameters
    ----------
    columns
        Parameter -> its n draws.
    outcome
        n values; undefined ones (NaN, infinite) are left out and counted.
    target
        What the outcome is called.
    confidence
        Of the intervals, by Fisher's transformation with the variance (1 + r^2 / 2) / (n - 3)
        of Bonett and Wright (2000).

    Raises
    ------
    RequestError
        The columns have different lengths, or there is none.

    Examples
    --------
    >>> found = rank_correlations({"x": range(6), "y": [3, 1, 2, 6, 4, 5]}, [1, 2, 4, 8, 16, 32])
    >>> found.of("x"), round(found.of("y"), 2)
    (1.0, 0.66)
    """
    table = {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}
    made = np.array(outcome, dtype=np.float64)
    if not table or made.ndim != 1 or any(c.shape != made.shape for c in table.values()):
        raise RequestError("rank correlations take columns of the length of the outcome")
    check_confidence(confidence)
    answers = Answers.of(made)
    cube = np.column_stack(list(table.values()))
    design = Design("rank", cube, cube, 1, np.random.default_rng(0), False)
    return analyzed(design, tuple(table), table, target, answers, confidence)


# ---------------------------------------------------------------------------------------------
# Designs


@dataclass(frozen=True)
class Design:
    """Points at which outcomes are wanted, in blocks that stand or fall together."""

    method: str
    cube: Array
    """Independent shares, (n, d)."""
    shares: Array
    """Shares after the copula, (n, d)."""
    block: int
    """Points of a block."""
    rng: np.random.Generator
    second_order: bool
    stratified: bool = False

    def columns(self, space: Space) -> dict[str, Array]:
        """Return the values at the points: parameter -> column."""
        return space.values(self.cube, stratified=self.stratified)


def designed(
    space: Space,
    method: str,
    draws: int | None,
    rng: int | np.random.Generator,
    second_order: bool,
) -> Design:
    """Return the points that a method needs; see :func:`indices` for the arguments."""
    if method not in METHODS[:-1]:
        raise RequestError(
            f"there is no method {method!r} here. {did_you_mean(str(method), METHODS[:-1])}"
        )
    count = DEFAULT_DRAWS[method] if draws is None else draws
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise RequestError(f"draws = {count!r} is not a positive whole number")
    size = len(space.names)
    if size == 0:
        raise RequestError("no parameter varies. Give at least one a range or a distribution")
    if method in ("sobol", "morris") and space.correlation is not None:
        raise RequestError(
            f"{method} takes parameters that are independent of one another. "
            "Use pawn or rank, or leave the correlations out"
        )
    block = {"sobol": 2 * size + 2 if second_order else size + 2, "morris": size + 1}.get(method, 1)
    points = int(count) * block
    if points * len(space.columns) > limits.MAX_SAMPLES:
        raise RequestError(
            f"{points} points of {len(space.columns)} parameters are more numbers than "
            f"MAX_SAMPLES = {limits.MAX_SAMPLES}. Ask for fewer draws"
        )
    generator = generator_of(rng)
    stratified = method in ("pawn", "rank")
    if method == "sobol":
        cube = _sobol_cube(int(count), size, generator, second_order)
    elif method == "morris":
        cube = _morris_cube(int(count), size, generator)
    else:
        cube = unit_cube(int(count), size, generator, "latin_hypercube")
    shares = space.shares(cube, stratified=stratified)
    return Design(method, cube, shares, block, generator, second_order, stratified)


def _sobol_cube(count: int, size: int, rng: np.random.Generator, second_order: bool) -> Array:
    """Return blocks A, A with one column of B each, (B with one column of A each,) B."""
    both = unit_cube(count, 2 * size, rng, "sobol")
    a, b = both[:, :size], both[:, size:]
    parts = [a]
    for base, other in ((a, b), (b, a))[: 2 if second_order else 1]:
        for k in range(size):
            mixed = base.copy()
            mixed[:, k] = other[:, k]
            parts.append(mixed)
    parts.append(b)
    made: Array = np.stack(parts, axis=1).reshape(-1, size)
    return made


def _problem(names: Sequence[str]) -> dict[str, Any]:
    """Return a space of shares as SALib describes it."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def _seed(rng: np.random.Generator) -> int:
    """Return a seed for SALib, to which 0 is none."""
    return int(rng.integers(1, 2**31))


def _morris_cube(count: int, size: int, rng: np.random.Generator) -> Array:
    from SALib.sample import morris

    made: Array = morris.sample(
        _problem([str(k) for k in range(size)]), count, num_levels=LEVELS, seed=_seed(rng)
    )
    return np.clip(made, 0.0, 1.0)


# ---------------------------------------------------------------------------------------------
# Estimates


@dataclass(frozen=True)
class Answers:
    """An outcome at n points: its value, NaN where it is undefined, and why it is."""

    value: Array
    uncertified: Flags
    several: Flags
    without_value: Flags
    condition: bool = False

    @classmethod
    def of(cls, value: Array) -> Answers:
        """Return the values of a function, undefined where they are not finite."""
        missing = ~np.isfinite(value)
        never = np.zeros(len(value), dtype=bool)
        return cls(np.where(missing, np.nan, value), never, never, missing)


def analyzed(
    design: Design,
    space: Space | tuple[str, ...],
    columns: Mapping[str, Array],
    target: str,
    answers: Answers,
    confidence: float,
    labels: Mapping[str, str] | None = None,
) -> Indices:
    """Estimate a method's measures from the outcomes at its points."""
    check_confidence(confidence)
    names = space.names if isinstance(space, Space) else space
    y = answers.value
    blocks = y.reshape(-1, design.block)
    kept: Flags = np.logical_and.reduce(np.isfinite(blocks), axis=1)
    rows = np.repeat(kept, design.block)
    used = y[rows]
    undefined = Undefined(
        uncertified=int(answers.uncertified.sum()),
        several=int(answers.several.sum()),
        without_value=int(answers.without_value.sum()),
        dropped=int((~rows).sum()),
        examples=examples_of(columns, ~np.isfinite(y)),
        where=_where(names, columns, ~np.isfinite(y)),
    )
    found = Indices(
        method=design.method,
        target=target,
        names=names,
        measures=MappingProxyType({}),
        intervals=MappingProxyType({}),
        points=len(y),
        used=len(used),
        confidence=confidence,
        mean=float(used.mean()) if used.size else math.nan,
        spread=float(used.std()) if used.size else math.nan,
        condition=answers.condition,
        undefined=undefined,
        labels=MappingProxyType({n: lab for n, lab in (labels or {}).items() if n in names}),
    )
    notes = _notes(found, int(kept.sum()), len(kept))
    reason = _why_not(design.method, used, int(kept.sum()), len(kept))
    if reason:
        constant = int(kept.sum()) >= LEAST[design.method]
        return replace(found, reason=reason, constant=constant, notes=notes)
    if design.method == "sobol" and (reason := _why_rare(blocks[kept])):
        return replace(found, reason=reason, notes=notes)
    estimate = {"sobol": _sobol, "morris": _morris, "pawn": _pawn, "rank": _rank}[design.method]
    shares = design.shares
    if design.method == "rank":  # values may be equal where shares are not
        shares = np.column_stack([columns[name] for name in names])
    part = replace(design, cube=design.cube[rows], shares=shares[rows], rng=design.rng.spawn(1)[0])
    more = estimate(part, names, used, confidence)
    for group in ("measures", "intervals"):
        for array in more[group].values():
            array.setflags(write=False)
        more[group] = MappingProxyType(more[group])
    for name in ("pairs", "pairs_intervals"):
        if more.get(name) is not None:
            more[name].setflags(write=False)
    return replace(found, notes=notes, **more)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is not a probability between 0 and 1."""
    if not 0 < confidence < 1:
        raise RequestError(f"confidence = {confidence!r} lies between 0 and 1, such as 0.95")


def _unit(method: str, count: int) -> str:
    one = {"sobol": "block", "morris": "trajectory"}.get(method, "draw")
    many = {"morris": "trajectories"}.get(method, f"{one}s")
    return f"{count} {one if count == 1 else many}"


def _why_not(method: str, used: Array, kept: int, asked: int) -> str:
    if kept < LEAST[method]:
        return (
            f"the outcome is defined throughout {_unit(method, kept)} of {asked}; "
            f"{LEAST[method]} are needed"
        )
    if np.ptp(used) <= tolerances.STEADY * np.abs(used).max():
        return f"the outcome is the same at all points: {used[0]:.6g}"
    return ""


def _why_rare(blocks: Array) -> str:
    """Return why nothing is estimated where A and B, which tell the variance, hardly vary."""
    base = blocks[:, [0, -1]].ravel()
    usual = float(np.median(base))
    varied = int((np.abs(base - usual) > tolerances.STEADY * np.abs(base).max()).sum())
    if varied >= VARIED:
        return ""
    return (
        f"at {varied} of the {len(base)} points that its variance is estimated from it differs "
        f"from {usual:.6g}; {VARIED} are needed. Ask for more draws"
    )


def _notes(found: Indices, kept: int, asked: int) -> tuple[str, ...]:
    about = found.undefined
    if not about.count:
        return ()
    kinds = {
        "no certified equilibrium": about.uncertified,
        "equilibria that disagree": about.several,
        "no finite value": about.without_value,
    }
    parts = ", ".join(f"{kind}: {count}" for kind, count in kinds.items() if count)
    notes = [
        f"the outcome is undefined at {about.count} of {found.points} points ({parts}); "
        f"{_unit(found.method, asked - kept)} of {asked} left out, so the measures describe "
        "the rest"
    ]
    if about.where:
        notes.append("undefined points have " + ", ".join(about.where))
    return tuple(notes)


def examples_of(columns: Mapping[str, Array], missing: Flags) -> tuple[Mapping[str, float], ...]:
    """Return the parameters at some of the points that are missing."""
    rows = np.flatnonzero(missing)[:EXAMPLES]
    return tuple(
        MappingProxyType({name: float(column[n]) for name, column in columns.items()}) for n in rows
    )


def _where(names: Sequence[str], columns: Mapping[str, Array], missing: Flags) -> tuple[str, ...]:
    """Return the parameters by which undefined points stand out, most clearly first."""
    count = int(missing.sum())
    if count < EXAMPLES or count == len(missing):
        return ()
    found = []
    for name in names:
        column = columns[name]
        ordered = np.sort(column)
        inside = np.sort(column[missing])
        shares = np.searchsorted(ordered, inside, side="right") / len(column)
        own = np.arange(1, count + 1) / count
        distance = float(np.maximum(np.abs(own - shares), np.abs(own - 1 / count - shares)).max())
        # The Kolmogorov-Smirnov distance that chance stays below 99 times in 100.
        if distance > 1.63 / math.sqrt(count):
            low, high = np.quantile(inside, [0.05, 0.95])
            mostly = f"at {low:.3g}" if low == high else f"between {low:.3g} and {high:.3g}"
            whole = f"(of {ordered[0]:.3g} to {ordered[-1]:.3g})"
            found.append((-distance, f"{name} mostly {mostly} {whole}"))
    return tuple(text for _, text in sorted(found)[:3])


def _sobol(design: Design, names: Sequence[str], y: Array, confidence: float) -> dict[str, Any]:
    from SALib.analyze import sobol

    _guard(y)
    with warnings.catch_warnings():  # a resample may hold no unusual outcome
        warnings.filterwarnings("ignore", "Constant values encountered", UserWarning)
        found = sobol.analyze(
            _problem(names),
            y.copy(),
            calc_second_order=design.second_order,
            num_resamples=RESAMPLES,
            conf_level=confidence,
            seed=_seed(design.rng),
        )
    made: dict[str, Any] = {"measures": {}, "intervals": {}}
    for measure, key in (("first", "S1"), ("total", "ST")):
        value = np.array(found[key], dtype=np.float64)
        half = np.array(found[f"{key}_conf"], dtype=np.float64)
        made["measures"][measure] = value
        made["intervals"][measure] = np.column_stack([value - half, value + half])
    if design.second_order and len(names) > 1:
        upper = np.triu(np.ones((len(names), len(names)), dtype=bool), 1)
        pairs, halves = (
            np.where(upper, found[key], np.where(upper.T, np.transpose(found[key]), np.nan))
            for key in ("S2", "S2_conf")
        )
        made["pairs"] = pairs
        made["pairs_intervals"] = np.stack([pairs - halves, pairs + halves], axis=2)
    return made


def _guard(y: Array) -> None:
    """Refuse what SALib answers without a word: one NaN makes every index 0."""
    if not np.isfinite(y).all():
        raise MethodFailed("undefined outcomes reached an estimator")


def _morris(design: Design, names: Sequence[str], y: Array, confidence: float) -> dict[str, Any]:
    from SALib.analyze import morris

    _guard(y)
    found = morris.analyze(
        _problem(names),
        design.cube.copy(),
        y.copy(),
        num_resamples=RESAMPLES,
        conf_level=confidence,
        num_levels=LEVELS,
        seed=_seed(design.rng),
    )
    measures = {
        key: np.array(np.ma.getdata(found[key]), dtype=np.float64)
        for key in ("mu_star", "mu", "sigma")
    }
    half = np.array(np.ma.getdata(found["mu_star_conf"]), dtype=np.float64)
    # A parameter without effect moves the outcome by what a step multiplies rounding by.
    rounding = 10 * tolerances.ROUNDING * np.abs(y).max()
    for values in (*measures.values(), half):
        values[np.abs(values) <= rounding] = 0.0
    value = measures["mu_star"]
    return {
        "measures": measures,
        "intervals": {"mu_star": np.column_stack([np.maximum(value - half, 0), value + half])},
    }


def _distances(shares: Array, y: Array) -> Array:
    """Return the Kolmogorov-Smirnov distances of each parameter's slices, shape (d, SLICES)."""
    count = len(y)
    order = np.argsort(y, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(y[order]) > 0, True))  # the last of equal outcomes
    everywhere = (ends + 1) / count
    found = np.zeros((shares.shape[1], SLICES))
    for k in range(shares.shape[1]):
        ranks = np.argsort(np.argsort(shares[:, k], kind="stable"), kind="stable")
        place = (ranks * SLICES // count)[order]
        inside = np.zeros((count, SLICES))
        inside[np.arange(count), place] = 1
        reached = np.cumsum(inside, axis=0)
        found[k] = np.abs(reached[ends] / reached[-1] - everywhere[:, None]).max(axis=0)
    return found


def _pawn(design: Design, names: Sequence[str], y: Array, confidence: float) -> dict[str, Any]:
    from scipy.special import ndtri

    summaries: dict[str, Callable[..., Any]] = {
        "median": np.median,
        "mean": np.mean,
        "maximum": np.max,
    }
    found = _distances(design.shares, y)
    measures = {name: summary(found, axis=1) for name, summary in summaries.items()}
    again: dict[str, list[Array]] = {name: [] for name in summaries}
    for _ in range(RESAMPLES):
        rows = design.rng.integers(len(y), size=len(y))
        one = _distances(design.shares[rows], y[rows])
        for name, summary in summaries.items():
            again[name].append(summary(one, axis=1))
    z = float(ndtri(0.5 + confidence / 2))
    intervals = {}
    for name, value in measures.items():
        half = z * np.std(again[name], axis=0, ddof=1)
        intervals[name] = np.column_stack([value - half, value + half])
    dummies = design.rng.random((len(y), RESAMPLES))
    noise = float(np.quantile(np.median(_distances(dummies, y), axis=1), 0.95))
    return {"measures": measures, "intervals": intervals, "noise": noise}


def _rank(design: Design, names: Sequence[str], y: Array, confidence: float) -> dict[str, Any]:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    own = _standardized(rankdata(y))
    made = np.array([_standardized(rankdata(column)) @ own for column in design.shares.T])
    made = np.where(np.abs(made) > 1 - tolerances.ROUNDING, np.sign(made), made)
    z = float(ndtri(0.5 + confidence / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * np.sqrt((1 + made**2 / 2) / max(len(y) - 3, 1))
        ends = np.tanh(np.arctanh(made)[:, None] + np.column_stack([-half, half]))
    return {"measures": {"correlation": made}, "intervals": {"correlation": ends}}


def _standardized(ranks: Array) -> Array:
    centered = ranks - ranks.mean()
    length = float(np.sqrt(centered @ centered))
    return centered / length if length > 0 else np.full(len(ranks), np.nan)


# ---------------------------------------------------------------------------------------------
# Sentences


def _called(found: Indices, name: str) -> str:
    label = found.labels.get(name, "")
    return f"{label} ({name})" if label else name


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def _three(value: float) -> str:
    return short(value, 3)


def _then(names: Sequence[str], text: Callable[[str], str]) -> str:
    return "; then " + ", ".join(f"{name} ({text(name)})" for name in names) if names else ""


def _sentence(found: Indices) -> str:
    target = found.target
    if found.condition:  # "B1 under broad" is a flag, "taxed wins" a sentence
        name, under, regime = target.partition(" under ")
        target = f"whether {name}{' holds' * name.isidentifier()}{under}{regime}"
    if found.constant:
        return f"Nothing moves {target}: {found.reason}."
    if found.reason:
        return f"Nothing can be said about {target}: {found.reason}."
    return {
        "sobol": _says_sobol,
        "morris": _says_morris,
        "pawn": _says_pawn,
        "rank": _says_rank,
        "tornado": _says_tornado,
    }[found.method](found, target)


def _says_sobol(found: Indices, target: str) -> str:
    order = sorted(found.names, key=lambda n: -found.of(n, "first"))
    sure = [n for n in order if (found.interval(n, "first") or (0, 0))[0] > 0]
    if not sure:
        top = found.ranked[0]
        return (
            f"No parameter's own share of the variance of {target} can be told from 0 with "
            f"{found.used} points; {_called(found, top)} has the largest total share, "
            f"{_percent(found.of(top))}."
        )
    name, *rest = sure
    interval = found.interval(name, "first")
    assert interval is not None
    larger = order[: order.index(name)]
    return (
        f"{_called(found, name)} explains {_percent(found.of(name, 'first'))} of the variance "
        f"of {target} (between {_percent(max(interval[0], 0))} and {_percent(interval[1])}), "
        f"{_percent(found.of(name, 'total'))} with its interactions"
        + _then(rest[:2], lambda n: _percent(found.of(n, "first")))
        + _unsure(larger, lambda n: _percent(found.of(n, "first")))
        + "."
    )


def _unsure(names: Sequence[str], text: Callable[[str], str]) -> str:
    """Name what may matter more, and may not matter at all."""
    told = ", ".join(f"{name} ({text(name)})" for name in names)
    return f"; {told} may explain more, but cannot be told from 0" if names else ""


def _says_morris(found: Indices, target: str) -> str:
    name = found.ranked[0]
    return (
        f"{_called(found, name)} moves {target} most, by {_three(found.of(name))} on average "
        "over its whole range" + _then(found.ranked[1:3], lambda n: _three(found.of(n))) + "."
    )


def _says_pawn(found: Indices, target: str) -> str:
    name = found.ranked[0]
    noise = found.noise or 0.0
    above = [n for n in found.ranked if found.of(n) > noise]
    if not above:
        return f"No parameter's effect on the distribution of {target} can be told from chance."
    return (
        f"{_called(found, name)} moves the distribution of {target} most: PAWN index "
        f"{_three(found.of(name))}, where chance gives up to {_three(noise)}"
        + _then(above[1:3], lambda n: _three(found.of(n)))
        + "."
    )


def _says_rank(found: Indices, target: str) -> str:
    name = found.ranked[0]
    low, high = found.interval(name) or (math.nan, math.nan)
    return (
        f"{_called(found, name)} goes most with {target}: rank correlation "
        f"{found.of(name):+.2f} ({low:+.2f} to {high:+.2f})"
        + _then(found.ranked[1:3], lambda n: f"{found.of(n):+.2f}")
        + "."
    )


def _says_tornado(found: Indices, target: str) -> str:
    name = found.ranked[0]
    if found.of(name) == 0:
        return f"No parameter moves {target} by itself."
    shown = (lambda value: "yes" if value > 0.5 else "no") if found.condition else _three
    rest = [n for n in found.ranked[1:3] if found.of(n) > 0]
    return (
        f"{_called(found, name)} moves {target} most: {shown(found.of(name, 'at_low'))} at "
        f"{_three(found.of(name, 'low'))}, {shown(found.of(name, 'at_high'))} at "
        f"{_three(found.of(name, 'high'))} ({shown(float(found.base or 0.0))} at the preset)"
        + _then(rest, lambda n: _three(found.of(n)))
        + "."
    )
