"""Boxes of parameters in which a condition mostly holds: PRIM and CART.

A *box* limits some parameters from below, above or both. Over n draws, of which some are
*cases* (the condition holds), a box has a *coverage* (share of all cases that lie in it), a
*density* (share of the draws in it that are cases) and a *mass* (share of all draws in it).

Both algorithms are our own, written from the sources that their functions name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = [
    "Box",
    "Leaf",
    "Limit",
    "Peeling",
    "cart",
    "prim",
    "prim_of_few",
    "quasi_p_values",
]

GAIN = 0.01
"""What another parameter must add to the coverage, or the balance, of a box."""

Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Limit:
    """One limit of a box. A draw at the limit lies in the box."""

    parameter: str
    side: str
    """``"above"``: the parameter is at least the value; ``"below"``: at most."""
    value: float
    quasi_p: float
    """Probability of a density as high as the box's if the limit did not matter: draws of the
    box without this limit, taken at random (Bryant and Lempert 2010)."""


@dataclass(frozen=True)
class Box:
    """A box, and what it holds."""

    ends: Mapping[str, Ends]
    """Limited parameters -> lower and upper end, None where there is none."""
    limits: tuple[Limit, ...]
    """The most telling first (by quasi-p-value)."""
    inside: int
    """Draws in the box."""
    cases: int
    """Cases in the box."""
    coverage: float
    density: float
    mass: float

    def holds(self, columns: Mapping[str, ArrayLike]) -> Mask:
        """Return which draws lie in the box."""
        count = len(np.asarray(next(iter(columns.values()))))
        return _inside(self.ends, columns, count)


@dataclass(frozen=True)
class Peeling:
    """Where PRIM went: boxes from all draws down to the smallest one."""

    boxes: tuple[Box, ...]
    """Peeled, then pasted; without quasi-p-values, which are worked out for ``box``."""
    box: Box
    """The box that is reported."""
    chosen: int
    """The box of the trajectory that it comes from, less the limits that do not matter."""
    reason: str
    """By which rule it was chosen."""


@dataclass(frozen=True)
class Leaf:
    """A leaf of a classification tree."""

    box: Box
    says: bool
    """Whether most draws in it are cases."""


def _inside(ends: Mapping[str, Ends], columns: Mapping[str, ArrayLike], count: int) -> Mask:
    kept = np.ones(count, dtype=bool)
    for name, (low, high) in ends.items():
        column = np.asarray(columns[name], dtype=np.float64)
        if low is not None:
            kept &= column >= low
        if high is not None:
            kept &= column <= high
    return kept


def _table(columns: Mapping[str, ArrayLike], cases: ArrayLike) -> tuple[list[str], Array, Mask]:
    """Return names, draws (n, p) and cases (n,), checked."""
    flags = np.asarray(cases)
    if flags.dtype != bool or flags.ndim != 1:
        raise RequestError("cases are a one-dimensional array of booleans, one for each draw")
    names = list(columns)
    if not names:
        raise RequestError("there is no parameter to limit")
    made = []
    for name in names:
        column = np.asarray(columns[name], dtype=np.float64)
        if column.shape != flags.shape or not np.isfinite(column).all():
            raise RequestError(f"{name}: {len(flags)} draws need {len(flags)} finite values")
        made.append(column)
    return names, np.column_stack(made), flags


def _box(
    names: Sequence[str], ends: Sequence[Ends], table: Array, cases: Mask, quasi: bool = True
) -> Box:
    limited = {n: e for n, e in zip(names, ends, strict=True) if e != (None, None)}
    columns = {name: table[:, k] for k, name in enumerate(names)}
    kept = _inside(limited, columns, len(cases))
    inside, held, whole = int(kept.sum()), int((kept & cases).sum()), int(cases.sum())
    limits = quasi_p_values(limited, columns, cases) if quasi else ()
    return Box(
        MappingProxyType(limited),
        limits,
        inside,
        held,
        held / whole if whole else float("nan"),
        held / inside if inside else float("nan"),
        inside / len(cases),
    )


def quasi_p_values(
    ends: Mapping[str, Ends], columns: Mapping[str, ArrayLike], cases: ArrayLike
) -> tuple[Limit, ...]:
    """Return the limits of a box, each with its quasi-p-value, the most telling first.

    Parameters
    ----------
    ends
        Parameter -> lower and upper end of the box, None where there is none.
    columns, cases
        The draws, and which of them are cases.

    Notes
    -----
    Without the limit the box would hold m draws, a share s of them cases. The quasi-p-value is
    the probability that as many cases as the box has come up among as many draws as it holds,
    each a case with probability s: the upper tail of a binomial. The limits were chosen on the
    same draws, so it is no test at any level; it ranks limits, and says which may be left out.

    References
    ----------
    B. P. Bryant and R. J. Lempert (2010), Thinking inside the box, Technological Forecasting
    and Social Change 77, 34-49, appendix.
    """
    flags = np.asarray(cases, dtype=bool)
    told, outside = [], []
    for name, pair in ends.items():
        column = np.asarray(columns[name], dtype=np.float64)
        for side, value in zip(("above", "below"), pair, strict=True):
            if value is not None:
                told.append((name, side, float(value)))
                outside.append(column < value if side == "above" else column > value)
    if not told:
        return ()
    chances = _chances(np.array(outside), flags)
    made = [Limit(*limit, float(chance)) for limit, chance in zip(told, chances, strict=True)]
    made.sort(key=lambda limit: limit.quasi_p)
    return tuple(made)


# ---------------------------------------------------------------------------------------------
# PRIM


def prim(
    columns: Mapping[str, ArrayLike],
    cases: ArrayLike,
    *,
    peel: float = 0.05,
    paste: float = 0.05,
    least: float = 0.05,
    density: float = 0.8,
    significance: float = 0.05,
) -> Peeling:
    """Find a box in which most draws are cases, by peeling (Patient Rule Induction).

    Parameters
    ----------
    columns
        Parameter -> its n draws.
    cases
        (n,): bool.
    peel
        Share of the box's draws that one step takes away.
    paste
        Share of the box's draws by which a limit is widened again.
    least
        Mass below which nothing is peeled.
    density
        The box that is reported is, of those with at least this density, the one with the
        greatest coverage; if none is so dense, the one with the greatest harmonic mean of both.
    significance
        From each box of the trajectory limits with a quasi-p-value above this are dropped, the
        least telling first, before one is chosen. 1 keeps all.

    Returns
    -------
    Peeling

    Raises
    ------
    RequestError
        The arguments do not fit, or there is no case, or nothing but cases.

    Notes
    -----
    A step takes the lowest or the highest draws of one parameter: those that raise the density
    most per draw taken away. Draws with equal values go together, so that a parameter of few
    values is peeled by whole values. When the box is as small as allowed, limits are widened
    again as long as that does not lower the density. Cost O(n p) for each of some 20 to 60 steps.

    References
    ----------
    J. H. Friedman and N. I. Fisher (1999), Bump hunting in high-dimensional data, Statistics
    and Computing 9, 123-143. B. P. Bryant and R. J. Lempert (2010), Thinking inside the box,
    Technological Forecasting and Social Change 77, 34-49.

    Examples
    --------
    >>> grid = np.linspace(0, 1, 21)
    >>> x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    >>> found = prim({"x": x, "y": y}, (x > 0.62) & (y < 0.33)).box
    >>> {name: [None if e is None else round(e, 2) for e in ends]
    ...  for name, ends in found.ends.items()}
    {'x': [0.65, None], 'y': [None, 0.3]}
    >>> found.density, found.coverage
    (1.0, 1.0)
    """
    names, table, flags = _table(columns, cases)
    search = _Search(table, flags, peel, paste, least, density, significance)
    return search.peeling(names, list(range(len(names))))


def prim_of_few(
    columns: Mapping[str, ArrayLike],
    cases: ArrayLike,
    *,
    most: int = 3,
    peel: float = 0.05,
    paste: float = 0.05,
    least: float = 0.05,
    density: float = 0.8,
    significance: float = 0.05,
) -> Peeling:
    """Find a box that limits few parameters: PRIM on parameters taken in one by one.

    Parameters
    ----------
    most
        Parameters that the box may limit.
    columns, cases, peel, paste, least, density, significance
        As in :func:`prim`.

    Returns
    -------
    Peeling
        Of PRIM on the parameters taken in.

    Raises
    ------
    RequestError
        As :func:`prim`.

    Notes
    -----
    Among many parameters that do not matter, some peel of one of them looks best at almost
    every step, and the box fits the sample. So the parameter that makes the best box alone is
    taken first, then the one that makes the best box with it, as long as the box gains
    :data:`GAIN` of coverage or balance. PRIM on all parameters at once is tried as well, and
    kept if its box limits few enough and is better: it finds boxes whose limits tell nothing one
    by one. Cost about ``most`` times the number of parameters runs of PRIM.
    """
    names, table, flags = _table(columns, cases)
    if most < 1:
        raise RequestError(f"most = {most} is not a positive number of parameters")
    search = _Search(table, flags, peel, paste, least, density, significance)
    taken: list[int] = []
    best = -1.0
    while len(taken) < min(most, len(names)):
        rest = [k for k in range(len(names)) if k not in taken]
        scores = [search.score(search.run([*taken, k])) for k in rest]
        at = int(np.argmax(scores))
        if taken and scores[at] < best + GAIN:
            break
        taken.append(rest[at])
        best = scores[at]
    together = search.run(list(range(len(names))))
    limited = sum(ends != (None, None) for ends in together.simple[together.at])
    if limited <= most and search.score(together) > best:
        taken = list(range(len(names)))
    return search.peeling(names, sorted(taken))


@dataclass(frozen=True)
class _Run:
    """A trajectory of PRIM, and the box of it that is reported."""

    path: list[list[Ends]]
    simple: list[list[Ends]]
    """The same boxes without limits that do not matter."""
    at: int
    coverage: float
    density: float


class _Search:
    """PRIM on some parameters of a table."""

    def __init__(
        self,
        table: Array,
        cases: Mask,
        peel: float,
        paste: float,
        least: float,
        density: float,
        significance: float,
    ) -> None:
        for name, value in {"peel": peel, "paste": paste, "least": least}.items():
            if not 0 < value < 1:
                raise RequestError(f"{name} = {value:g} is not between 0 and 1")
        if not cases.any() or cases.all():
            raise RequestError("no draw is a case" if not cases.any() else "every draw is a case")
        self.table, self.cases = table, cases
        self.orders = np.argsort(table, axis=0, kind="stable")
        self.peel, self.paste = peel, paste
        self.density, self.significance = density, significance
        self.floor = max(1, int(np.ceil(least * len(cases))))

    def run(self, places: Sequence[int]) -> _Run:
        """Peel and paste over the parameters at these places."""
        table = self.table[:, list(places)]
        path = self._path(places)
        simple = [_without_idle(table, self.cases, one, self.significance) for one in path]
        whole = int(self.cases.sum())
        shares = []
        for one in simple:
            kept = _within(table, one)
            held = int((kept & self.cases).sum())
            shares.append((held / whole, held / max(int(kept.sum()), 1)))
        at = max(range(len(simple)), key=lambda k: (_score(*shares[k], self.density), k))
        coverage, density = shares[at]
        spread = [self._placed(places, one) for one in path]
        return _Run(spread, [self._placed(places, one) for one in simple], at, coverage, density)

    def score(self, run: _Run) -> float:
        return _score(run.coverage, run.density, self.density)

    def _path(self, places: Sequence[int]) -> list[list[Ends]]:
        table = self.table[:, list(places)]
        orders = [self.orders[:, k] for k in places]
        ends: list[Ends] = [(None, None)] * table.shape[1]
        path = [list(ends)]
        kept = np.ones(len(self.cases), dtype=bool)
        while True:
            orders = [order[kept[order]] for order in orders]
            step = _peeled(table, self.cases, orders, self.peel, self.floor)
            if step is None:
                break
            k, side, value = step
            ends[k] = (value, ends[k][1]) if side == 0 else (ends[k][0], value)
            kept &= table[:, k] >= value if side == 0 else table[:, k] <= value
            path.append(list(ends))
        return path + _pasted(table, self.cases, ends, self.paste)

    def _placed(self, places: Sequence[int], ends: Sequence[Ends]) -> list[Ends]:
        made: list[Ends] = [(None, None)] * self.table.shape[1]
        for place, pair in zip(places, ends, strict=True):
            made[place] = pair
        return made

    def peeling(self, names: Sequence[str], places: Sequence[int]) -> Peeling:
        """Return the run over these parameters, with what its boxes hold."""
        run = self.run(places)
        reason = f"the greatest coverage with a density of at least {100 * self.density:g}%"
        if run.density < self.density:
            reason = (
                f"no box has a density of {100 * self.density:g}%; the greatest harmonic mean of "
                "coverage and density"
            )
        return Peeling(
            tuple(_box(names, one, self.table, self.cases, quasi=False) for one in run.path),
            _box(names, run.simple[run.at], self.table, self.cases),
            run.at,
            reason,
        )


def _score(coverage: float, density: float, wanted: float) -> float:
    """Return how good a box is: dense enough and then by coverage, else by balance of the two."""
    if density >= wanted:
        return 1 + coverage
    return 2 * coverage * density / (coverage + density) if coverage + density else 0.0


def _peeled(
    table: Array, cases: Mask, orders: Sequence[NDArray[np.intp]], share: float, floor: int
) -> tuple[int, int, float] | None:
    """Return the best peel: parameter, side (0: the lowest go), new limit; None at the end.

    ``orders`` has the rows inside for each parameter, the lowest first: sorted once for all peels,
    since peeling leaves rows out and moves none.
    """
    size, held = len(orders[0]), int(cases[orders[0]].sum())
    if held == size:
        return None  # nothing but cases
    best: tuple[float, int] | None = None
    found: tuple[int, int, float] | None = None
    for k, order in enumerate(orders):
        ranked = table[order, k]
        if ranked[0] == ranked[-1]:
            continue
        heads = np.concatenate([[0], np.cumsum(cases[order])])
        take = max(1, round(share * size))
        for side in (0, 1):
            if side == 0:
                last = ranked[take - 1] if ranked[take - 1] < ranked[-1] else ranked[0]
                gone = int(np.searchsorted(ranked, last, side="right"))
                value = float(ranked[gone])
                left = held - int(heads[gone])
            else:
                last = ranked[-take] if ranked[-take] > ranked[0] else ranked[-1]
                gone = size - int(np.searchsorted(ranked, last, side="left"))
                value = float(ranked[size - gone - 1])
                left = int(heads[size - gone])
            if size - gone < floor:
                continue
            gain = (left / (size - gone) - held / size) / gone
            if best is None or (gain, -gone) > best:
                best, found = (gain, -gone), (k, side, value)
    if best is None or best[0] < 0:
        return None
    return found


def _pasted(table: Array, cases: Mask, ends: Sequence[Ends], share: float) -> list[list[Ends]]:
    """Return the boxes that widen limits again without a loss of density."""
    current = list(ends)
    path: list[list[Ends]] = []
    while True:
        kept = _within(table, current)
        size, held = int(kept.sum()), int((kept & cases).sum())
        best: tuple[float, int] | None = None
        found: tuple[int, int, float | None] | None = None
        for k, (low, high) in enumerate(current):
            for side, value in ((0, low), (1, high)):
                if value is None:
                    continue
                rest = list(current)
                rest[k] = (None, high) if side == 0 else (low, None)
                beyond = _within(table, rest) & ~kept
                outer = np.sort(table[beyond, k])
                if not len(outer):
                    new = None
                else:
                    take = min(max(1, round(share * size)), len(outer))
                    new = float(outer[-take] if side == 0 else outer[take - 1])
                rest[k] = (new, high) if side == 0 else (low, new)
                wider = _within(table, rest)
                more = int(wider.sum())
                mean = int((wider & cases).sum()) / more
                if mean >= held / size and (best is None or (mean, more) > best):
                    best, found = (mean, more), (k, side, new)
        if found is None:
            return path
        k, side, new = found
        current[k] = (new, current[k][1]) if side == 0 else (current[k][0], new)
        path.append(list(current))


def _within(table: Array, ends: Sequence[Ends]) -> Mask:
    kept = np.ones(len(table), dtype=bool)
    for k, (low, high) in enumerate(ends):
        if low is not None:
            kept &= table[:, k] >= low
        if high is not None:
            kept &= table[:, k] <= high
    return kept


def _without_idle(
    table: Array, cases: Mask, ends: Sequence[Ends], significance: float
) -> list[Ends]:
    """Return the box without the limits that do not matter, the least telling dropped first."""
    current = list(ends)
    sides = [
        (k, side, value)
        for k, pair in enumerate(ends)
        for side, value in enumerate(pair)
        if value is not None
    ]
    if not sides:
        return current
    outside = np.array(
        [table[:, k] < value if side == 0 else table[:, k] > value for k, side, value in sides]
    )
    left = list(range(len(sides)))
    while left:
        chances = _chances(outside[left], cases)
        worst = int(chances.argmax())
        if chances[worst] <= significance:
            break
        k, side, _ = sides[left.pop(worst)]
        current[k] = (None, current[k][1]) if side == 0 else (current[k][0], None)
    return current


def _chances(outside: Mask, cases: Mask) -> Array:
    """Return the quasi-p-value of each limit, from which draws each excludes, (limits, n)."""
    from scipy.special import betainc

    total = outside.sum(axis=0)
    inside, held = int((total == 0).sum()), int(((total == 0) & cases).sum())
    if held == 0:
        return np.ones(len(outside))
    wider = total - outside == 0
    share = (wider & cases).sum(axis=1) / wider.sum(axis=1)
    # P(X >= k) of a binomial is the regularized incomplete beta function.
    made: Array = betainc(held, inside - held + 1, share)
    return made


# ---------------------------------------------------------------------------------------------
# CART


@dataclass
class _Node:
    rows: NDArray[np.intp]
    cases: int
    ends: list[Ends]
    depth: int
    split: tuple[int, float] | None = None
    left: _Node | None = None
    right: _Node | None = None

    @property
    def size(self) -> int:
        return len(self.rows)

    @property
    def says(self) -> bool:
        return 2 * self.cases > self.size

    @property
    def errors(self) -> int:
        return min(self.cases, self.size - self.cases)

    def leaves(self) -> list[_Node]:
        if self.left is None or self.right is None:
            return [self]
        return [*self.left.leaves(), *self.right.leaves()]


def cart(
    columns: Mapping[str, ArrayLike],
    cases: ArrayLike,
    *,
    least: float = 0.02,
    depth: int = 6,
    folds: int = 10,
    rng: int | np.random.Generator = 0,
) -> tuple[Leaf, ...]:
    """Return the leaves of a pruned classification tree, as boxes.

    Parameters
    ----------
    columns, cases
        As in :func:`prim`.
    least
        Mass below which a leaf is not split off.
    depth
        Splits above a leaf, at most.
    folds
        Parts of the draws for cross-validation, which chooses how far the tree is pruned.
    rng
        A seed or a generator, which deals draws into the parts.

    Returns
    -------
    tuple of Leaf
        Every draw lies in one. Leaves that say "case" come first, by coverage.

    Raises
    ------
    RequestError
        The arguments do not fit, or there is no case, or nothing but cases.

    Notes
    -----
    Splits lower the Gini impurity most. The tree is pruned at its weakest links, to the
    smallest whose cross-validated error is within one standard error of the least. A limit
    lies half-way between two draws.

    References
    ----------
    L. Breiman, J. H. Friedman, R. A. Olshen and C. J. Stone (1984), Classification and
    Regression Trees, ch. 2 to 4.

    Examples
    --------
    >>> x = np.linspace(0, 1, 100)
    >>> [(leaf.says, leaf.box.inside) for leaf in cart({"x": x}, x > 0.7)]
    [(True, 30), (False, 70)]
    """
    from .sample import generator_of

    names, table, flags = _table(columns, cases)
    if not 0 < least < 0.5:
        raise RequestError(f"least = {least:g} is not between 0 and 0.5")
    if depth < 1 or folds < 2:
        raise RequestError("a tree has at least 1 split, and cross-validation at least 2 parts")
    if not flags.any() or flags.all():
        raise RequestError("no draw is a case" if not flags.any() else "every draw is a case")
    count = len(flags)
    floor = max(1, int(np.ceil(least * count)))
    whole = np.arange(count)
    penalties = [alpha for alpha, _ in _prunings(_grown(table, flags, whole, floor, depth))]
    # Between two penalties one tree is best; their geometric mean stands for it. Beyond the last
    # penalty, which is 0 where no split predicts better than none, it is the root.
    middles = [*(float(np.sqrt(a * b)) for a, b in pairwise(penalties)), np.inf]
    parts = generator_of(rng).permutation(count) % min(folds, count)
    errors = np.zeros((len(middles), count), dtype=bool)
    for part in range(int(parts.max()) + 1):
        held = np.flatnonzero(parts == part)
        smaller = max(1, int(np.ceil(floor * (count - len(held)) / count)))
        root = _grown(table, flags, np.flatnonzero(parts != part), smaller, depth)
        trees = _prunings(root)
        for k, middle in enumerate(middles):
            fitting = [collapsed for alpha, collapsed in trees if alpha <= middle][-1]
            errors[k, held] = _says(root, fitting, table[held]) != flags[held]
    rates = errors.mean(axis=1)
    best = int(rates.argmin())
    allowed = rates[best] + np.sqrt(rates[best] * (1 - rates[best]) / count)
    chosen = max(k for k in range(len(rates)) if rates[k] <= allowed)
    root = _grown(table, flags, whole, floor, depth)
    _, collapsed = _prunings(root)[chosen]
    made = []
    for node in _leaves(root, collapsed):
        made.append(Leaf(_box(names, node.ends, table, flags), node.says))
    made.sort(key=lambda leaf: (not leaf.says, -leaf.box.coverage, -leaf.box.mass))
    return tuple(made)


def _grown(table: Array, cases: Mask, rows: NDArray[np.intp], floor: int, depth: int) -> _Node:
    root = _Node(rows, int(cases[rows].sum()), [(None, None)] * table.shape[1], 0)
    queue = [root]
    while queue:
        node = queue.pop()
        if node.depth >= depth or node.errors == 0:
            continue
        node.split = _best_split(table, cases, node.rows, floor)
        if node.split is None:
            continue
        k, value = node.split
        column = table[node.rows, k]
        lower = column <= value
        # Half-way between neighbors among the floats is one of the two, and both hold it.
        above = float(column[~lower].min()) if (column == value).any() else value
        for side, mask in (("left", lower), ("right", ~lower)):
            ends = list(node.ends)
            ends[k] = (ends[k][0], value) if side == "left" else (above, ends[k][1])
            inside = node.rows[mask]
            child = _Node(inside, int(cases[inside].sum()), ends, node.depth + 1)
            setattr(node, side, child)
            queue.append(child)
    return root


def _best_split(
    table: Array, cases: Mask, rows: NDArray[np.intp], floor: int
) -> tuple[int, float] | None:
    size = len(rows)
    flags = cases[rows]
    held = int(flags.sum())
    best = (held * (size - held) / size, -1, 0.0)  # half the Gini impurity times the size
    for k in range(table.shape[1]):
        column = table[rows, k]
        order = np.argsort(column, kind="stable")
        ranked = column[order]
        below = np.arange(1, size)
        allowed = (ranked[1:] > ranked[:-1]) & (below >= floor) & (size - below >= floor)
        if not allowed.any():
            continue
        left = np.cumsum(flags[order])[:-1]
        right = held - left
        impurity = left * (below - left) / below + right * (size - below - right) / (size - below)
        impurity = np.where(allowed, impurity, np.inf)
        at = int(impurity.argmin())
        if impurity[at] < best[0] * (1 - 1e-12):
            low, high = float(ranked[at]), float(ranked[at + 1])
            middle = (low + high) / 2
            best = float(impurity[at]), k, middle if low <= middle < high else low
    return None if best[1] < 0 else (best[1], best[2])


def _prunings(root: _Node) -> list[tuple[float, frozenset[int]]]:
    """Return penalties and the nodes collapsed at each, from the whole tree to the root."""
    collapsed: set[int] = set()
    made = [(0.0, frozenset(collapsed))]
    total = root.size
    while True:
        weakest: list[tuple[float, _Node]] = []
        for node in _inner(root, collapsed):
            leaves = _leaves(node, collapsed)
            saved = node.errors - sum(leaf.errors for leaf in leaves)
            weakest.append((saved / total / (len(leaves) - 1), node))
        if not weakest:
            return made
        alpha = min(strength for strength, _ in weakest)
        collapsed |= {id(node) for strength, node in weakest if strength <= alpha}
        if alpha <= made[-1][0]:
            made[-1] = made[-1][0], frozenset(collapsed)
        else:
            made.append((alpha, frozenset(collapsed)))


def _inner(node: _Node, collapsed: set[int]) -> list[_Node]:
    if node.left is None or node.right is None or id(node) in collapsed:
        return []
    return [node, *_inner(node.left, collapsed), *_inner(node.right, collapsed)]


def _leaves(node: _Node, collapsed: set[int] | frozenset[int]) -> list[_Node]:
    if node.left is None or node.right is None or id(node) in collapsed:
        return [node]
    return [*_leaves(node.left, collapsed), *_leaves(node.right, collapsed)]


def _says(root: _Node, collapsed: frozenset[int], table: Array) -> Mask:
    made = np.zeros(len(table), dtype=bool)
    todo = [(root, np.arange(len(table)))]
    while todo:
        node, rows = todo.pop()
        if node.split is None or id(node) in collapsed or node.left is None or node.right is None:
            made[rows] = node.says
            continue
        k, value = node.split
        lower = table[rows, k] <= value
        todo += [(node.left, rows[lower]), (node.right, rows[~lower])]
    return made
