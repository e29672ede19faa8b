"""Small linear programs in rational arithmetic.

Whether beliefs exist, or a point is a mixture of others, is the question whether a matrix
game has a nonnegative value. Float backends decide it up to a tolerance; where ties matter
this is not enough.

References
----------
Dantzig (1951), "A proof of the equivalence of the programming problem and the game problem";
Lemke (1954), "The dual method of solving the linear programming problem"; Bland (1977), "New
finite pivoting rules for the simplex method".
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["in_convex_hull", "least_cost", "matrix_game"]


def least_cost(
    costs: Sequence[Fraction | int],
    rows: Sequence[Sequence[Fraction | int]],
    bounds: Sequence[Fraction | int],
) -> tuple[Fraction, tuple[Fraction, ...]]:
    """Return the least cost of a covering, and a covering that has it.

    Minimizes ``sum of costs[c] z[c]`` subject to ``z >= 0`` and, for every row ``r``,
    ``sum of rows[r][c] z[c] >= bounds[r]``. Costs are nonnegative.

    Raises
    ------
    ValueError
        No ``z`` satisfies all rows.

    Notes
    -----
    Dual simplex method with least-index pivots, from the origin, which is dual feasible
    because no cost is negative. Exponential in the worst case; meant for up to a few hundred
    rows and columns.

    Examples
    --------
    >>> least_cost([2, 3], [[1, 1], [0, 1]], [4, 1])
    (Fraction(9, 1), (Fraction(3, 1), Fraction(1, 1)))
    """
    width = len(costs)
    # Each line: a basic variable as a constant plus a combination of the nonbasic ones.
    lines = [
        [Fraction(-bound), *map(Fraction, row)] for bound, row in zip(bounds, rows, strict=True)
    ]
    cost = [Fraction(0), *map(Fraction, costs)]
    basic = [width + r for r in range(len(rows))]
    nonbasic = list(range(width))
    while True:
        short = [r for r, line in enumerate(lines) if line[0] < 0]
        if not short:
            break
        leaving = min(short, key=lambda r: basic[r])
        line = lines[leaving]
        entering = min(
            (c for c in range(1, width + 1) if line[c] > 0),
            key=lambda c: (cost[c] / line[c], nonbasic[c - 1]),
            default=None,
        )
        if entering is None:
            raise ValueError("no covering satisfies all rows")
        lead = line[entering]
        solved = [-entry / lead for entry in line]
        solved[entering] = 1 / lead
        for r in range(len(lines)):
            if r != leaving:
                lines[r] = _substituted(lines[r], solved, entering)
        lines[leaving] = solved
        cost = _substituted(cost, solved, entering)
        basic[leaving], nonbasic[entering - 1] = nonbasic[entering - 1], basic[leaving]
    covering = [Fraction(0)] * width
    for variable, line in zip(basic, lines, strict=True):
        if variable < width:
            covering[variable] = line[0]
    return cost[0], tuple(covering)


def _substituted(line: list[Fraction], solved: list[Fraction], column: int) -> list[Fraction]:
    """Return a line after the nonbasic variable of a column is replaced by its solution."""
    factor = line[column]
    if not factor:
        return line
    made = [a + factor * b if b else a for a, b in zip(line, solved, strict=True)]
    made[column] = factor * solved[column]
    return made


def matrix_game(
    payoffs: Sequence[Sequence[Fraction | int]],
) -> tuple[Fraction, tuple[Fraction, ...]]:
    """Return the value of a matrix game and a column mixture that guarantees it.

    Parameters
    ----------
    payoffs
        ``payoffs[r][c]`` is what the column player, who *maximizes*, gets if rows minimize.

    Returns
    -------
    value, mixture
        ``min over r of sum over c of payoffs[r][c] mixture[c] == value``, the largest that any
        mixture reaches.

    Examples
    --------
    >>> matrix_game([[1, -1], [-1, 1]])
    (Fraction(0, 1), (Fraction(1, 2), Fraction(1, 2)))
    """
    # With all payoffs positive, mixture / value covers every row by 1 at the cost 1 / value.
    shift = 1 - min(min(row) for row in payoffs)
    total, covering = least_cost(
        [1] * len(payoffs[0]),
        [[entry + shift for entry in row] for row in payoffs],
        [1] * len(payoffs),
    )
    return 1 / total - shift, tuple(part / total for part in covering)


def in_convex_hull(point: Sequence[Fraction], others: Sequence[Sequence[Fraction]]) -> bool:
    """Return True if a nonnegative vector is a convex combination of others, exactly.

    Examples
    --------
    >>> half = Fraction(1, 2)
    >>> in_convex_hull([half, half], [[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]])
    True
    """
    # Only vectors that are zero wherever the point is can take part.
    within = [
        other
        for other in others
        if not any(entry and not here for entry, here in zip(other, point, strict=True))
    ]
    if not within:
        return False
    rows = []
    for k, here in enumerate(point):
        differences = [other[k] - here for other in within]
        if any(differences):
            rows += [differences, [-difference for difference in differences]]
    return not rows or matrix_game(rows)[0] == 0
