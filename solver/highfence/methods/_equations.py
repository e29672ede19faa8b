"""Sparse systems of linear equations in integers, solved exactly.

References
----------
Markowitz (1957), "The elimination form of the inverse and its application to linear programming".
"""

from __future__ import annotations

from typing import Any

__all__ = ["solution"]


def solution(rows: list[dict[int, Any]], right: list[Any], count: int) -> list[Any] | None:
    """Return the solution of sparse equations in integers, as flint rationals; None if not one.

    Unknowns with a coefficient of 1 or -1 are eliminated first, from the shortest equations: no
    number gets longer by that. What is left is dense and small.

    Parameters
    ----------
    rows
        Per equation, unknown -> coefficient, none of them 0; written over.
    right
        The right-hand sides; written over.
    count
        Number of unknowns.
    """
    from flint import fmpq, fmpq_mat

    if len(rows) != count:
        return None
    columns: list[set[int]] = [set() for _ in range(count)]
    for k, row in enumerate(rows):
        for place in row:
            columns[place].add(k)
    waiting = set(range(count))
    done: list[tuple[int, int]] = []
    while True:
        best, chosen = None, (-1, -1)
        for k in waiting:
            length = len(rows[k])
            if best is not None and length - 1 >= best:
                continue
            for place, entry in rows[k].items():
                if entry in (1, -1):
                    fill = (length - 1) * (len(columns[place]) - 1)
                    if best is None or fill < best:
                        best, chosen = fill, (k, place)
            if best is not None and best <= 1:
                break
        if best is None:
            break
        k, place = chosen
        lead, pivot = rows[k][place], rows[k]
        waiting.remove(k)
        done.append(chosen)
        for other in pivot:
            columns[other].discard(k)
        for r in columns[place]:
            row = rows[r]
            factor = row.pop(place) * lead
            right[r] -= factor * right[k]
            for other, entry in pivot.items():
                if other != place:
                    value = row.get(other, 0) - factor * entry
                    if value:
                        row[other] = value
                        columns[other].add(r)
                    else:
                        del row[other]
                        columns[other].discard(r)
        columns[place] = set()
    solved: list[Any] = [fmpq(0)] * count
    if waiting:
        left = sorted(waiting)
        eliminated = {place for _, place in done}
        unknown = [place for place in range(count) if place not in eliminated]
        dense = [[rows[k].get(place, 0) for place in unknown] for k in left]
        try:
            found = fmpq_mat(len(left), len(left), [fmpq(e) for row in dense for e in row]).solve(
                fmpq_mat(len(left), 1, [fmpq(right[k]) for k in left])
            )
        except ZeroDivisionError:
            return None
        for position, place in enumerate(unknown):
            solved[place] = found[position, 0]
    for k, place in reversed(done):
        total = fmpq(right[k])
        for other, entry in rows[k].items():
            if other != place:
                total -= entry * solved[other]
        solved[place] = total * rows[k][place]
    return solved
