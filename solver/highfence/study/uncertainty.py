"""What is uncertain about a game's numbers: distributions, dependence, and designs of draws.

An :class:`Uncertainty` is the distribution of one parameter, known by its quantile function:
a share u between 0 and 1 stands for the value that a draw stays below with probability u. A
:class:`Space` holds those of a game's uncertain parameters; a design places draws in the cube
of shares, a Gaussian copula makes the shares depend on one another, the quantile functions
turn shares into values, and ties compute the parameters that follow from others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import Problem, RequestError, did_you_mean
from ..forms.build import values
from ..spec.formulas import Compiler, Expr, evaluate, input_names, text, variable
from ..spec.model import number
from ..spec.resolve import functions_of
from ._asked import levers_of
from .sample import METHODS, generator_of, unit_cube

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..spec.model import Game

    Array = NDArray[np.float64]

__all__ = ["KINDS", "Space", "Uncertainty", "draw", "parse_uncertainty", "space_of"]

Range = tuple[float, float]

KINDS = {
    "uniform": "uniform(low, high)",
    "loguniform": "loguniform(low, high)",
    "triangular": "triangular(low, mode, high)",
    "normal": "normal(mean, sd) or normal(mean, sd, low, high)",
    "lognormal": "lognormal(median, sd of the logarithm), or with low, high",
    "beta": "beta(a, b) or beta(a, b, low, high)",
    "discrete": "discrete(value, ...) or discrete(value: weight, ...)",
    "fixed": "fixed(value)",
}
"""Kind of distribution -> how it is written."""

EDGE = 2.0**-32
"""Shares closer to 0 or 1 than this are moved here where the distribution has no end."""
TINY = 1e-30
"""Shares below this are 0; no design of fewer than 1e30 draws tells them apart."""


@dataclass(frozen=True)
class Uncertainty:
    """The distribution of one parameter.

    Parameters
    ----------
    kind
        One of :data:`KINDS`, which says what the numbers are.
    numbers
        ``uniform``, ``loguniform``: low, high. ``triangular``: low, mode, high. ``normal``:
        mean and standard deviation; ``lognormal``: median and standard deviation of the
        logarithm; both may be followed by low and high, at which they are truncated.
        ``beta``: the two exponents, and low and high if they are not 0 and 1. ``discrete``:
        the values. ``fixed``: the value.
    weights
        Of a discrete distribution: one number, not negative, for each value; equal by default.
        They need not sum to 1.

    Raises
    ------
    RequestError
        The numbers do not make a distribution of that kind.

    Examples
    --------
    >>> guess = Uncertainty("triangular", (0, 0.2, 0.6))
    >>> str(guess), guess.support
    ('triangular(0, 0.2, 0.6)', (0.0, 0.6))
    >>> float(guess.quantile(1 / 3))
    0.2
    """

    kind: str
    numbers: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RequestError(
                f"there is no distribution {self.kind!r}. {did_you_mean(str(self.kind), KINDS)}"
            )
        for name in ("numbers", "weights"):
            object.__setattr__(self, name, _floats(self.kind, getattr(self, name)))
        if self.kind == "discrete" and not self.weights:
            object.__setattr__(self, "weights", (1.0,) * len(self.numbers))
        wrong = _CHECKS[self.kind](self.numbers, self.weights)
        if wrong:
            raise RequestError(f"{self}: {wrong}. Write {KINDS[self.kind]}")
        if self.weights and self.kind != "discrete":
            raise RequestError(f"{self}: only a discrete distribution has weights")

    @property
    def is_fixed(self) -> bool:
        """True if only one value is possible."""
        return self.support[0] == self.support[1]

    @property
    def support(self) -> Range:
        """The lowest and the highest possible value; infinite where there is no end."""
        x = self.numbers
        match self.kind:
            case "uniform" | "loguniform":
                return x[0], x[1]
            case "triangular":
                return x[0], x[2]
            case "normal":
                return (x[2], x[3]) if len(x) == 4 else (-math.inf, math.inf)
            case "lognormal":
                return (x[2], x[3]) if len(x) == 4 else (0.0, math.inf)
            case "beta":
                return (x[2], x[3]) if len(x) == 4 else (0.0, 1.0)
        possible = [v for v, w in zip(x, self.weights or (1.0,), strict=True) if w > 0]
        return min(possible), max(possible)

    def quantile(self, shares: ArrayLike) -> Array:
        """Return the values below which a draw stays with these probabilities.

        Parameters
        ----------
        shares
            Numbers from 0 to 1, of any shape. At 0 and 1 stand the ends of the support; a
            distribution without an end is asked at :data:`EDGE` from there.

        Returns
        -------
        array
            Of the same shape, nowhere decreasing in the shares.
        """
        u = np.asarray(shares, dtype=np.float64)
        if not ((u >= 0) & (u <= 1)).all():
            raise RequestError(f"{self}: shares lie between 0 and 1")
        low, high = self.support
        if low == high:
            return np.full(u.shape, low)
        if math.isinf(low) or math.isinf(high):
            u = np.clip(u, EDGE if low == -math.inf else 0.0, 1 - EDGE)
        found: Array = np.clip(_QUANTILES[self.kind](self, u), low, high)
        return found

    def __str__(self) -> str:
        if self.kind == "discrete" and len(set(self.weights)) > 1:
            pairs = zip(self.numbers, self.weights, strict=False)
            inside = ", ".join(f"{_short(value)}: {_short(weight)}" for value, weight in pairs)
        else:
            inside = ", ".join(_short(value) for value in self.numbers)
        return f"{self.kind}({inside})"


def _short(value: float) -> str:
    return repr(value).removesuffix(".0")


def _floats(kind: str, given: Any) -> tuple[float, ...]:
    try:
        return tuple(float(number(value)) for value in given)
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"{kind}: {given!r} are not finite numbers") from None


Numbers = tuple[float, ...]


def _check_uniform(x: Numbers, _: Numbers) -> str:
    return "" if len(x) == 2 and x[0] <= x[1] else "low and high are needed, low first"


def _check_loguniform(x: Numbers, _: Numbers) -> str:
    return "" if len(x) == 2 and 0 < x[0] <= x[1] else "0 < low <= high is needed"


def _check_triangular(x: Numbers, _: Numbers) -> str:
    return "" if len(x) == 3 and x[0] <= x[1] <= x[2] else "low <= mode <= high is needed"


def _check_normal(x: Numbers, _: Numbers) -> str:
    if len(x) not in (2, 4) or x[1] <= 0:
        return "a mean and a standard deviation above 0 are needed"
    if len(x) == 4 and not (x[2] < x[3] and _mass(x[0], x[1], x[2], x[3])):
        return "low < high is needed, and a range within 30 standard deviations of the mean"
    return ""


def _check_lognormal(x: Numbers, _: Numbers) -> str:
    if len(x) not in (2, 4) or x[0] <= 0 or x[1] <= 0:
        return "a median and a standard deviation of the logarithm, both above 0, are needed"
    if len(x) == 4:
        if not 0 <= x[2] < x[3]:
            return "0 <= low < high is needed"
        if not _mass(math.log(x[0]), x[1], _log(x[2]), math.log(x[3])):
            return "the range is more than 30 standard deviations from the median"
    return ""


def _check_beta(x: Numbers, _: Numbers) -> str:
    if len(x) not in (2, 4) or x[0] <= 0 or x[1] <= 0:
        return "two exponents above 0 are needed"
    return "" if len(x) == 2 or x[2] < x[3] else "low < high is needed"


def _check_discrete(x: Numbers, weights: Numbers) -> str:
    if not x or len(set(x)) < len(x):
        return "one or more values are needed, each once"
    if len(weights) != len(x) or min(weights) < 0 or sum(weights) <= 0:
        return "one weight for each value is needed, none negative, not all 0"
    return ""


def _check_fixed(x: Numbers, _: Numbers) -> str:
    return "" if len(x) == 1 else "one value is needed"


_CHECKS: dict[str, Callable[[Numbers, Numbers], str]] = {
    "uniform": _check_uniform,
    "loguniform": _check_loguniform,
    "triangular": _check_triangular,
    "normal": _check_normal,
    "lognormal": _check_lognormal,
    "beta": _check_beta,
    "discrete": _check_discrete,
    "fixed": _check_fixed,
}


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _mass(mean: float, sd: float, low: float, high: float) -> bool:
    """Return whether a truncated normal keeps a range in which floats can tell quantiles."""
    return low < mean + 30 * sd and high > mean - 30 * sd


def _truncated(mean: float, sd: float, low: float, high: float, u: Array) -> Array:
    from scipy.stats import truncnorm

    found: Array = truncnorm.ppf(u, (low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)
    return found


def _quantile_uniform(of: Uncertainty, u: Array) -> Array:
    low, high = of.numbers
    return low + (high - low) * u


def _quantile_loguniform(of: Uncertainty, u: Array) -> Array:
    low, high = of.numbers
    made: Array = low * np.exp(math.log(high / low) * u)
    return made


def _quantile_triangular(of: Uncertainty, u: Array) -> Array:
    low, mode, high = of.numbers
    width = high - low
    left = np.sqrt(u * width * (mode - low))
    right = np.sqrt((1 - u) * width * (high - mode))
    made: Array = np.where(u * width < mode - low, low + left, high - right)
    return made


def _quantile_normal(of: Uncertainty, u: Array) -> Array:
    if len(of.numbers) == 4:
        mean, sd, low, high = of.numbers
        return _truncated(mean, sd, low, high, u)
    from scipy.special import ndtri

    mean, sd = of.numbers
    made: Array = mean + sd * ndtri(u)
    return made


def _quantile_lognormal(of: Uncertainty, u: Array) -> Array:
    median, sd = of.numbers[:2]
    if len(of.numbers) == 4:
        low, high = of.numbers[2:]
        made: Array = np.exp(_truncated(math.log(median), sd, _log(low), math.log(high), u))
        return made
    from scipy.special import ndtri

    made = median * np.exp(sd * ndtri(u))
    return made


def _quantile_beta(of: Uncertainty, u: Array) -> Array:
    from scipy.special import betaincinv

    a, b = of.numbers[:2]
    low, high = of.support
    u = np.where(u < TINY, 0.0, u)  # betaincinv is NaN at some
    made: Array = low + (high - low) * betaincinv(a, b, u)
    return made


def _quantile_discrete(of: Uncertainty, u: Array) -> Array:
    order = np.argsort(of.numbers)
    sorted_values = np.array(of.numbers)[order]
    sums = np.cumsum(np.array(of.weights)[order])
    shares = sums / sums[-1]
    # A share at which a value ends belongs to it; weights of 0 never come up, not even at 0.
    first = int(np.argmax(shares > 0))
    made: Array = sorted_values[np.maximum(np.searchsorted(shares, u), first)]
    return made


_QUANTILES: dict[str, Callable[[Uncertainty, Array], Array]] = {
    "uniform": _quantile_uniform,
    "loguniform": _quantile_loguniform,
    "triangular": _quantile_triangular,
    "normal": _quantile_normal,
    "lognormal": _quantile_lognormal,
    "beta": _quantile_beta,
    "discrete": _quantile_discrete,
}


# ---------------------------------------------------------------------------------------------
# Text


_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*\Z", re.ASCII | re.DOTALL)


def parse_uncertainty(source: str, declared: Range | None = None) -> Uncertainty:
    """Return the distribution that a text such as ``triangular(0, 0.2, 0.6)`` describes.

    Parameters
    ----------
    source
        A kind of :data:`KINDS` with its numbers, written ``0.3``, ``3e-1``, ``1/3`` or ``30%``;
        or a number alone, which is fixed. The word ``declared`` stands for the two numbers
        ``low, high`` of the declared range, and is meant where ``uniform`` or ``loguniform``
        stands alone.
    declared
        The declared range of the parameter, if it has one.

    Raises
    ------
    RequestError
        The text is nothing of that.

    Notes
    -----
    Nothing is evaluated: the text is taken apart at its commas.

    Examples
    --------
    >>> str(parse_uncertainty("normal(0.2, 5%, declared)", declared=(0, 1)))
    'normal(0.2, 0.05, 0, 1)'
    >>> str(parse_uncertainty("discrete(0: 3, 1/2: 1)"))
    'discrete(0: 3, 0.5: 1)'
    >>> str(parse_uncertainty("loguniform", declared=(0.5, 15)))
    'loguniform(0.5, 15)'
    """
    if not isinstance(source, str):
        raise RequestError(f"a distribution is text such as 'uniform(0, 1)', not {source!r}")
    if len(source) > limits.MAX_FORMULA_LENGTH:
        raise RequestError(
            f"the distribution has {len(source)} characters; the limit MAX_FORMULA_LENGTH is "
            f"{limits.MAX_FORMULA_LENGTH}"
        )
    shown = source.strip()
    try:
        return Uncertainty("fixed", (float(number(source)),))
    except (ValueError, OverflowError):
        pass
    matched = _CALL.match(source)
    if matched is None:
        raise RequestError(f"{shown!r} is not a distribution. Write one of: {_all_kinds()}")
    kind, inside = matched.group(1).lower(), matched.group(2)
    if kind not in KINDS:
        close = did_you_mean(kind, KINDS)
        raise RequestError(f"there is no distribution {kind!r}. {close}")
    if inside is None:
        if kind not in ("uniform", "loguniform"):
            raise RequestError(f"{kind} needs numbers. Write {KINDS[kind]}")
        inside = "declared"
    numbers: list[float] = []
    weights: list[float] = []
    for part in inside.split(","):
        if part.strip() == "declared":
            if declared is None:
                raise RequestError(
                    f"{shown}: the parameter declares no range. Write low and high as numbers"
                )
            numbers.extend(declared)
            continue
        value, colon, weight = part.partition(":")
        numbers.append(_number_in(shown, value))
        if colon:
            if kind != "discrete":
                raise RequestError(f"{shown}: only values of discrete have weights after ':'")
            weights.append(_number_in(shown, weight))
    if weights and len(weights) != len(numbers):
        raise RequestError(f"{shown}: give every value a weight, or none")
    return Uncertainty(kind, tuple(numbers), tuple(weights))


def _all_kinds() -> str:
    return "; ".join(KINDS.values())


def _number_in(shown: str, source: str) -> float:
    try:
        return float(number(source))
    except (ValueError, OverflowError):
        what = f"{source.strip()!r} is not a number" if source.strip() else "a number is missing"
        raise RequestError(f"{shown}: {what}. Write 0.3, 3e-1, 3/10 or 30%") from None


# ---------------------------------------------------------------------------------------------
# Spaces


@dataclass(frozen=True)
class Space:
    """The uncertain parameters of a game, and how draws of them are made."""

    names: tuple[str, ...]
    """The parameters that vary by themselves: the dimensions of the cube of shares."""
    distributions: Mapping[str, Uncertainty]
    """Of ``names``, in their order."""
    fixed: Mapping[str, float]
    """Parameters that were given one value."""
    ties: Mapping[str, str]
    """Parameter -> formula of the others, in an order in which they can be computed."""
    correlation: Array | None
    """Correlations of the normal scores of ``names``, shape (d, d); None: all independent."""
    _formulas: Mapping[str, Expr]
    _base: Mapping[str, float]
    """Values of the numeric parameters that are neither drawn nor tied."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The parameters of a draw: the uncertain, the fixed, the tied."""
        return (*self.names, *self.fixed, *self.ties)

    @classmethod
    def of(cls, distributions: Mapping[str, Uncertainty | str | float]) -> Space:
        """Return a space of independent numbers that belong to no game.

        Examples
        --------
        >>> Space.of({"x": "uniform(0, 2)", "y": 3}).values([[0.25]])["x"].tolist()
        [0.5]
        """
        made = {name: _described(name, one, None) for name, one in distributions.items()}
        varying = {name: one for name, one in made.items() if not one.is_fixed}
        return cls(
            names=tuple(varying),
            distributions=MappingProxyType(varying),
            fixed=MappingProxyType({n: x.support[0] for n, x in made.items() if x.is_fixed}),
            ties=MappingProxyType({}),
            correlation=None,
            _formulas=MappingProxyType({}),
            _base=MappingProxyType({}),
        )

    def shares(self, cube: ArrayLike, *, stratified: bool = False) -> Array:
        """Return shares that depend on one another for independent ones.

        Parameters
        ----------
        cube
            Independent shares from 0 to 1, shape (n, d), in the order of ``names``.
        stratified
            Reorder each column instead of moving its shares where parameters are correlated,
            so that a Latin hypercube stays one.

        Returns
        -------
        array, shape (n, d)
        """
        points = np.asarray(cube, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != len(self.names):
            raise RequestError(f"shares have the shape (n, {len(self.names)})")
        if self.correlation is None:
            return points
        return _dependent(points, self.correlation, stratified)

    def values(self, cube: ArrayLike, *, stratified: bool = False) -> dict[str, Array]:
        """Return the draws that stand at points of the cube of independent shares.

        Parameters
        ----------
        cube, stratified
            As in :meth:`shares`.

        Returns
        -------
        dict of str to array of shape (n,)
            In the order of ``columns``, read-only.

        Raises
        ------
        RequestError
            A tie has no finite value at some draw.
        """
        shares = self.shares(cube, stratified=stratified)
        drawn = {
            name: distribution.quantile(shares[:, k])
            for k, (name, distribution) in enumerate(self.distributions.items())
        }
        return self.completed(drawn, len(shares))

    def completed(self, drawn: Mapping[str, ArrayLike], count: int) -> dict[str, Array]:
        """Return columns of length ``count``: those drawn, the fixed, and the tied."""
        made = {name: np.array(column, dtype=np.float64) for name, column in drawn.items()}
        made |= {name: np.full(count, value) for name, value in self.fixed.items()}
        for name, formula in self._formulas.items():
            (value,) = evaluate([formula], {**self._base, **made})
            column = np.array(np.broadcast_to(value, (count,)), dtype=np.float64)
            undefined = ~np.isfinite(column)
            if undefined.any():
                at = int(np.argmax(undefined))
                known = [n for n in sorted(input_names([formula])) if n in made]
                where = ", ".join(f"{n} = {made[n][at]:.6g}" for n in known)
                raise RequestError(
                    f"the tie {name} = {self.ties[name]} has no finite value"
                    + (f" at {where}" if where else "")
                )
            made[name] = column
        for column in made.values():
            column.setflags(write=False)
        return made

    def draw(
        self, count: int, rng: int | np.random.Generator = 0, *, design: str = "latin_hypercube"
    ) -> dict[str, Array]:
        """Return ``count`` draws; see :func:`draw`."""
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise RequestError(f"count = {count!r} is not a positive whole number")
        if count * max(len(self.columns), 1) > limits.MAX_SAMPLES:
            raise RequestError(
                f"{count} draws of {len(self.columns)} parameters are more numbers than "
                f"MAX_SAMPLES = {limits.MAX_SAMPLES}. Ask for fewer"
            )
        if design not in METHODS:
            raise RequestError(
                f"there is no design {design!r}. {did_you_mean(str(design), METHODS)}"
            )
        generator = generator_of(rng)
        if not self.names:
            return self.values(np.empty((int(count), 0)))
        shares = unit_cube(int(count), len(self.names), generator, design)
        return self.values(shares, stratified=design == "latin_hypercube")


def _dependent(cube: Array, correlation: Array, stratified: bool) -> Array:
    """Return shares with the copula's dependence."""
    from scipy.special import ndtr, ndtri

    scores = ndtri(np.clip(cube, EDGE, 1 - EDGE)) @ _root(correlation).T
    if not stratified:
        moved: Array = np.clip(ndtr(scores), 0.0, 1.0)
        return moved
    ranks = np.argsort(np.argsort(scores, axis=0, kind="stable"), axis=0, kind="stable")
    return np.take_along_axis(np.sort(cube, axis=0), ranks, axis=0)


def _root(correlation: Array) -> Array:
    """Return L, lower triangular where possible, with L L' the correlation matrix."""
    try:
        return np.linalg.cholesky(correlation).astype(np.float64)
    except np.linalg.LinAlgError:  # singular: parameters that are one
        found, vectors = np.linalg.eigh(correlation)
        root: Array = vectors * np.sqrt(np.clip(found, 0.0, None))
        return root


def space_of(
    game: Game,
    *,
    names: Sequence[str] | None = None,
    distributions: Mapping[str, Uncertainty | str | float] | None = None,
    correlation: Mapping[tuple[str, str], float] | None = None,
    correlation_of: str = "ranks",
    ties: Mapping[str, str] | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    regimes: Collection[str] | None = None,
) -> Space:
    """Return the space of a game's uncertain parameters; see :func:`draw` for the arguments."""
    base = values(game, preset=preset, parameters=parameters)
    given = dict(parameters or {})
    tied = dict(ties or {})
    numeric = {p.name: p for p in game.parameters if not p.choices}
    ranges = {
        name: (float(p.low), float(p.high))
        for name, p in numeric.items()
        if p.low is not None and p.high is not None
    }
    chosen: dict[str, Uncertainty] = {}
    described = dict(distributions or {})
    for name in [*described, *tied]:
        _known(game, name, numeric)
        if name in given:
            raise RequestError(f"{name} is set to a value and drawn as well. Do one of both")
        if name in described and name in tied:
            raise RequestError(f"{name} has a distribution and a tie. Give one of both")
    asked = [names] if isinstance(names, str) else names
    if asked is None:
        left_out = {*tied, *given, *described, *levers_of(game, regimes)}
        asked = [name for name in ranges if name not in left_out]
    for position, name in enumerate(asked):
        _known(game, name, numeric)
        if name in asked[:position]:
            raise RequestError(f"the parameter {name!r} is asked for twice. Name it once")
        if name in tied or name in given:
            what = "tied to others" if name in tied else "set to a value"
            raise RequestError(f"{name} is {what} and asked to be drawn. Do one of both")
        if name not in ranges and name not in described:
            raise RequestError(
                f"{game.name}: {name} declares no low and high. Give it a distribution, "
                f"such as {name}=uniform(0, 1)"
            )
    for name in numeric:  # in the order of the declaration
        if name in described:
            chosen[name] = _described(name, described[name], ranges.get(name))
        elif name in asked:
            chosen[name] = Uncertainty("uniform", ranges[name])
    if names is not None:
        order = [*asked, *(name for name in chosen if name not in asked)]
        chosen = {name: chosen[name] for name in order}
    varying = {name: one for name, one in chosen.items() if not one.is_fixed}
    fixed = {name: one.support[0] for name, one in chosen.items() if one.is_fixed}
    if not varying and not fixed and not tied:
        raise RequestError(
            f"{game.name} declares no range (low and high) of any parameter that is left to "
            "draw. Give distributions"
        )
    formulas = _tied(game, tied, base)
    return Space(
        names=tuple(varying),
        distributions=MappingProxyType(varying),
        fixed=MappingProxyType(fixed),
        ties=MappingProxyType({name: tied[name] for name in formulas}),
        correlation=_correlated(tuple(varying), correlation or {}, correlation_of),
        _formulas=MappingProxyType(formulas),
        _base=MappingProxyType({n: float(v) for n, v in base.items() if not isinstance(v, str)}),
    )


def draw(
    game: Game,
    count: int,
    rng: int | np.random.Generator = 0,
    *,
    names: Sequence[str] | None = None,
    distributions: Mapping[str, Uncertainty | str | float] | None = None,
    correlation: Mapping[tuple[str, str], float] | None = None,
    correlation_of: str = "ranks",
    ties: Mapping[str, str] | None = None,
    design: str = "latin_hypercube",
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    regimes: Collection[str] | None = None,
) -> dict[str, Array]:
    """Return draws of a game's uncertain parameters.

    Parameters
    ----------
    game
        The game.
    count
        Number of draws.
    rng
        A seed (0 is a seed), or a generator, which is advanced.
    names
        Parameters that are drawn from their declared ranges unless they are described; by
        default all numeric ones with a range that are neither tied nor set, be it by one of
        ``regimes``: that is a lever, and the same under all regimes if it is drawn.
    distributions
        Parameter -> its distribution: an :class:`Uncertainty`, a text such as
        ``"triangular(0, 0.2, 0.6)"`` (:func:`parse_uncertainty`), or a number, which fixes it.
        Described parameters are drawn whether or not ``names`` has them.
    correlation
        (parameter, parameter) -> correlation, from -1 to 1; pairs that are not named are
        independent. Draws depend on one another through a Gaussian copula.
    correlation_of
        What the correlations are of: ``"ranks"`` (Spearman) or ``"normal_scores"`` (Pearson's
        of the copula's scores).
    ties
        Parameter -> formula over other parameters, such as ``{"mM": "1 - mF"}``, in the
        language of the game's formulas. What is neither drawn nor tied has its preset value.
    design
        ``"latin_hypercube"``, ``"sobol"`` or ``"random"``, as in
        :func:`highfence.study.sample.sample`.
    preset
        The preset of the values that are not drawn, which ties may use.
    parameters
        Values of parameters that are not drawn.
    regimes
        The regimes that are compared; by default all of the game's.

    Returns
    -------
    dict of str to array of shape (count,)
        Parameter -> draws, read-only: the uncertain parameters, the fixed, the tied. Ready for
        :func:`highfence.study.draws.solve_draws`.

    Raises
    ------
    RequestError
        A name is unknown, categorical, or both drawn and set or tied; a distribution or a tie
        is wrong; the correlations are not those of any joint distribution; a tie has no finite
        value at some draw; or ``count``, ``rng`` or ``design`` is not what it must be.

    Notes
    -----
    Without distributions, correlations and ties the draws are those of ``sample``, to the
    bit. A Latin hypercube stays one under correlation: columns are put in the order of the
    correlated scores (Stein 1987). A rank correlation r is met by scores that correlate with
    2 sin(pi r / 6), which holds exactly for continuous distributions (Pearson 1907); for
    discrete ones it is weaker.

    References
    ----------
    M. Stein (1987), Technometrics 29, 143-151. R. B. Nelsen (2006), An Introduction to
    Copulas, sec. 2.3 and 5.1.

    Examples
    --------
    >>> from highfence import load
    >>> game = load("small_yard_high_fence")
    >>> draws = draw(
    ...     game,
    ...     4,
    ...     names=["mF"],
    ...     distributions={"Om": "loguniform(0.5, 15)", "h": "triangular(0, 0.35, 1)"},
    ...     correlation={("Om", "h"): 0.5},
    ...     ties={"mM": "1 - mF"},
    ... )
    >>> sorted(draws)
    ['Om', 'h', 'mF', 'mM']
    >>> bool((draws["mM"] == 1 - draws["mF"]).all())
    True
    """
    space = space_of(
        game,
        names=names,
        distributions=distributions,
        correlation=correlation,
        correlation_of=correlation_of,
        ties=ties,
        preset=preset,
        parameters=parameters,
        regimes=regimes,
    )
    return space.draw(count, rng, design=design)


def _known(game: Game, name: str, numeric: Iterable[str]) -> None:
    if name in numeric:
        return
    categorical = {p.name: p.choices for p in game.parameters if p.choices}
    if name in categorical:
        raise RequestError(
            f"{game.name}: {name} has choices, not numbers. Study each of "
            f"{', '.join(categorical[name])} by itself: set it"
        )
    raise RequestError(f"{game.name} has no parameter {name!r}. {did_you_mean(name, numeric)}")


def _described(name: str, given: Uncertainty | str | float, declared: Range | None) -> Uncertainty:
    try:
        if isinstance(given, Uncertainty):
            return given
        if isinstance(given, str):
            return parse_uncertainty(given, declared)
        return Uncertainty("fixed", (given,))
    except RequestError as error:
        raise RequestError(f"{name}: {error}") from None


class _Scope:
    """What the names in a tie mean: the game's parameters."""

    def __init__(self, base: Mapping[str, Any]) -> None:
        self.base = base

    def name(self, name: str) -> Expr | None:
        if name not in self.base:
            return None
        value = self.base[name]
        return text(value) if isinstance(value, str) else variable(name)

    def has(self, name: str) -> bool:
        return name in self.base

    def test(self, name: str, action: str) -> Expr | None:
        return None

    def attribute(self, name: str, attribute: str) -> Expr | None:
        return None

    def attributes(self, name: str) -> Sequence[str]:
        return ()

    def known(self) -> Iterable[str]:
        return self.base


def _tied(game: Game, ties: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Expr]:
    """Return the expressions of the ties, each after those that it uses."""
    problems: list[Problem] = []
    units = {p.name: p.unit for p in game.parameters if p.unit}
    functions = functions_of(game, problems)
    compiler = Compiler(_Scope(base), functions, game.sets, problems, units)
    made = {}
    for name, formula in ties.items():
        made[name] = compiler.formula(formula, f"tie {name}")
    if problems:
        raise RequestError("\n".join(map(str, problems)))
    ordered: dict[str, Expr] = {}
    left = {name: expr for name, expr in made.items() if expr is not None}
    while left:
        ready = [n for n, expr in left.items() if not input_names([expr]) & left.keys()]
        if not ready:
            if len(left) == 1:
                raise RequestError(
                    f"the tie of {next(iter(left))} needs {next(iter(left))} itself. Write it in "
                    "other parameters, or draw it"
                )
            raise RequestError(
                f"the ties of {', '.join(left)} need one another. Write one of them in parameters "
                "that are not tied"
            )
        for name in ready:
            ordered[name] = left.pop(name)
    return ordered


def _correlated(
    names: tuple[str, ...], pairs: Mapping[tuple[str, str], float], of: str
) -> Array | None:
    """Return the correlations of the normal scores, checked."""
    kinds = ("ranks", "normal_scores")
    if of not in kinds:
        raise RequestError(f"there is no correlation of {of!r}. {did_you_mean(str(of), kinds)}")
    if not pairs:
        return None
    matrix = np.eye(len(names))
    seen: set[frozenset[str]] = set()
    for pair, given in pairs.items():
        one, other = pair
        for name in pair:
            if name not in names:
                close = did_you_mean(name, names)
                raise RequestError(f"a correlation is of {name!r}, which does not vary. {close}")
        if one == other:
            raise RequestError(
                f"the correlation of {one} with itself is 1 always. Name two parameters"
            )
        if frozenset(pair) in seen:
            raise RequestError(f"the correlation of {one} and {other} is given twice. Give one")
        seen.add(frozenset(pair))
        value = float(given)
        if not -1 <= value <= 1:
            raise RequestError(f"the correlation of {one} and {other}, {given}, is beyond -1 .. 1")
        score = 2 * math.sin(math.pi * value / 6) if of == "ranks" else value
        i, j = names.index(one), names.index(other)
        matrix[i, j] = matrix[j, i] = score
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -tolerances.PROBABILITY:
        raise RequestError(
            "no joint distribution has these correlations: their matrix has the eigenvalue "
            f"{least:.3g}. Bring them closer to 0"
        )
    matrix.setflags(write=False)
    return matrix
