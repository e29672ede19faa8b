"""Small linear programs in rational arithmetic, as matrix games.

Every linear feasibility problem over mixtures is the question whether a matrix game has a
nonnegative value. Float backends decide it up to a tolerance; where ties matter this is not
enough.

References
----------
Dantzig (1951), "A proof of the equivalence of the programming problem and the game problem";
Bland (1977), "New finite pivoting rules for the simplex method".
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["in_convex_hull", "matrix_game"]


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

    Notes
    -----
    Simplex method with Bland's rule on the program of the row player, made feasible at the
    origin by a constant that makes all payoffs positive. Exponential in the worst case; meant
    for a few dozen rows and columns.

    Examples
    --------
    >>> matrix_game([[1, -1], [-1, 1]])
    (Fraction(0, 1), (Fraction(1, 2), Fraction(1, 2)))
    """
    shift = 1 - min(min(row) for row in payoffs)
    height, width = len(payoffs), len(payoffs[0])
    # Maximize the sum of r >= 0 subject to (payoffs + shift)^T r <= 1; one line per column,
    # entries: the rows, the slacks, the right-hand side. The last line is the objective.
    table = [
        [Fraction(payoffs[r][c] + shift) for r in range(height)]
        + [Fraction(k == c) for k in range(width)]
        + [Fraction(1)]
        for c in range(width)
    ]
    goal = [Fraction(-1)] * height + [Fraction(0)] * (width + 1)
    basis = [height + c for c in range(width)]
    while True:
        entering = next((k for k, entry in enumerate(goal[:-1]) if entry < 0), None)
        if entering is None:
            break
        # Positive payoffs bound the program, so some line always limits the step.
        leaving = min(
            (c for c in range(width) if table[c][entering] > 0),
            key=lambda c: (table[c][-1] / table[c][entering], basis[c]),
        )
        lead = table[leaving][entering]
        table[leaving] = [entry / lead for entry in table[leaving]]
        for c, line in enumerate(table):
            if c != leaving and (factor := line[entering]):
                table[c] = [a - factor * b for a, b in zip(line, table[leaving], strict=True)]
        if factor := goal[entering]:
            goal = [a - factor * b for a, b in zip(goal, table[leaving], strict=True)]
        basis[leaving] = entering
    value = 1 / goal[-1]
    return value - shift, tuple(entry * value for entry in goal[height:-1])


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
