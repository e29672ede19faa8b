"""Large two-player zero-sum trees, by one sparse linear program over sequences.

Definitions are those of :mod:`highfence.methods.sequence_form`. With ``E x = e`` and ``F y = f``
the realization plans of the two players, and ``A`` the first player's payoffs per pair of
sequences, chance included, the first player's best guarantee is::

    max f'q   over x >= 0 and prices q   with   E x = e,   F'q <= A'x

and the multipliers of the inequalities are a best plan of the second player: one program gives
both. It has a row and a column per sequence and information set, and an entry per pair of
sequences that end together, so that it is as sparse as the tree is.

References
----------
Romanovskii (1962); Koller, Megiddo and von Stengel (1996), "Efficient computation of equilibria
for extensive two-person games", Games and Economic Behavior 14, sec. 3; Huangfu and Hall (2018),
the dual simplex method of HiGHS.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import tolerances
from ..errors import MethodFailed
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..solution import Findings, Finds
from .registry import method

__all__ = ["sequence_lp"]


def _accepts(form: ExtensiveForm) -> bool:
    if form.num_players != 2 or form.perfect_recall() is not None:
        return False
    total = form.payoffs[form.terminals].sum(axis=1)
    size = np.abs(form.payoffs).max(initial=0.0)
    return bool(np.ptp(total) <= tolerances.ROUNDING * size) and form.subgame_roots() == (0,)


@method(
    "sequence_lp",
    form=ExtensiveForm,
    accepts=_accepts,
    finds=Finds.ONE,
    source="Romanovskii (1962); Koller, Megiddo & von Stengel (1996), sec. 3",
    domain="two players whose payoffs sum to a constant, perfect recall, no proper subgames",
    rank=12,
    use="the value of a large tree in which one wins what the other loses",
)
def sequence_lp(form: ExtensiveForm) -> Generator[BehaviorProfile, None, Findings]:
    """Yield one equilibrium of a two-player zero-sum tree, by a sparse linear program.

    Parameters
    ----------
    form
        A tree without proper subgames, in which all equilibria are subgame perfect; payoffs sum
        to the same number at every end.

    Yields
    ------
    BehaviorProfile
        In floats. Where a player's own choices never lead, all actions are equally likely.

    Raises
    ------
    MethodFailed
        The LP backend reports anything but an optimum. Every such program has one.

    Notes
    -----
    Other equilibria may exist; all give both players the same payoffs. Building the program
    costs ``O(n)`` for ``n`` nodes; solving it, in practice, little more.

    Examples
    --------
    >>> from highfence.forms.extensive import Move, Terminal
    >>> replies = [
    ...     Move(1, "blind", ("heads", "tails"), (Terminal((a, -a)), Terminal((-a, a))))
    ...     for a in (1, -1)
    ... ]
    >>> pennies = ExtensiveForm.from_tree(
    ...     ["even", "odd"], Move(0, "first", ("heads", "tails"), tuple(replies)))
    >>> [[round(p, 9) for p in at] for at in next(sequence_lp(pennies)).probabilities]
    [[0.5, 0.5], [0.5, 0.5]]
    """
    from scipy.optimize import linprog
    from scipy.sparse import bmat, coo_matrix

    first_of, before, last = _sequences(form)
    counts = [len(before[0]), len(before[1])]
    ends = form.terminals
    payoffs = form.payoffs[ends, 0]
    low, high = payoffs.min(), payoffs.max()
    weights = _chance(form)[ends] * ((payoffs - low) / (high - low) if high > low else 0.0)
    table = coo_matrix((weights, (last[0][ends], last[1][ends])), shape=counts).tocsr()
    largest = np.abs(table.data).max(initial=0.0)
    if largest > 0.0:  # solvers call anything optimal below their tolerance
        table = table / largest
    own, other = (_constraints(form, player, first_of, before[player]) for player in (0, 1))
    sets = [own.shape[0], other.shape[0]]
    right = np.zeros(sets[0])
    right[0] = 1.0
    costs = np.zeros(counts[0] + sets[1])
    costs[counts[0]] = -1.0  # the price of the empty sequence
    found: Any = linprog(
        costs,
        A_ub=bmat([[-table.T, other.T]], format="csr"),
        b_ub=np.zeros(counts[1]),
        A_eq=bmat([[own, coo_matrix((sets[0], sets[1]))]], format="csr"),
        b_eq=right,
        bounds=[(0, None)] * counts[0] + [(None, None)] * sets[1],
        method="highs-ds",
    )
    if found.status != 0:
        raise MethodFailed(f"sequence_lp: LP backend reported {found.message!r}")
    plans = np.clip(found.x[: counts[0]], 0.0, None), np.clip(-found.ineqlin.marginals, 0.0, None)
    yield BehaviorProfile.from_weights(*_behavior(form, first_of, plans))
    return Findings(complete=True, notes=("all equilibria of a zero-sum game give these payoffs",))


def _sequences(
    form: ExtensiveForm,
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...], NDArray[np.int64]]:
    """Return the sequences of both players; 0 is the empty one.

    The first sequence of each information set; per player, per sequence, the information set it
    is at (-1: none); per player and node, the last sequence of own choices that leads there.
    """
    first_of = np.zeros(len(form.information_sets), np.int64)
    at: list[list[int]] = [[-1], [-1]]
    for known, each in enumerate(form.information_sets):
        first_of[known] = len(at[each.player])
        at[each.player] += [known] * len(each.actions)
    last = np.zeros((2, form.num_nodes), np.int64)
    depth, parents = form.depth, form.parent
    order = np.argsort(depth, kind="stable")
    starts = np.searchsorted(depth[order], np.arange(1, depth.max() + 2))
    for k in range(len(starts) - 1):
        nodes = order[starts[k] : starts[k + 1]]
        above = parents[nodes]
        for player in (0, 1):
            taken = first_of[form.information_set[above]] + form.branch[nodes]
            last[player, nodes] = np.where(form.owner[above] == player, taken, last[player, above])
    return first_of, tuple(np.array(each, np.int64) for each in at), last


def _chance(form: ExtensiveForm) -> NDArray[np.float64]:
    """Return, per node, the probability with which chance leads there."""
    reach = np.ones(form.num_nodes)
    depth, parents = form.depth, form.parent
    share = np.ones(form.num_nodes)
    for node in np.flatnonzero(form.owner == CHANCE):
        share[list(form.children[node])] = form.probabilities[node]
    order = np.argsort(depth, kind="stable")
    starts = np.searchsorted(depth[order], np.arange(1, depth.max() + 2))
    for k in range(len(starts) - 1):
        nodes = order[starts[k] : starts[k + 1]]
        reach[nodes] = reach[parents[nodes]] * share[nodes]
    return reach


def _constraints(
    form: ExtensiveForm, player: int, first_of: NDArray[np.int64], at: NDArray[np.int64]
) -> Any:
    """Return E: a row for the empty sequence, and one per information set of the player."""
    from scipy.sparse import coo_matrix

    rows, columns, values = [0], [0], [1.0]
    for row, known in enumerate(form.sets_of(player), start=1):
        each = form.information_sets[known]
        first, count = first_of[known], len(each.actions)
        rows += [row] * (count + 1)
        columns += [*range(first, first + count), _before(form, player, first_of, each.nodes[0])]
        values += [1.0] * count + [-1.0]
    shape = 1 + len(form.sets_of(player)), len(at)
    return coo_matrix((values, (rows, columns)), shape=shape)


def _before(form: ExtensiveForm, player: int, first_of: NDArray[np.int64], node: int) -> int:
    """Return the player's own last sequence before a node; perfect recall makes it the set's."""
    while node > 0:
        branch, node = int(form.branch[node]), int(form.parent[node])
        if form.owner[node] == player:
            return int(first_of[form.information_set[node]]) + branch
    return 0


def _behavior(
    form: ExtensiveForm, first_of: NDArray[np.int64], plans: tuple[NDArray[np.float64], ...]
) -> list[NDArray[np.float64]]:
    """Return probabilities per information set, in proportion to the plans."""
    made = []
    for known, each in enumerate(form.information_sets):
        count = len(each.actions)
        weights = plans[each.player][first_of[known] : first_of[known] + count]
        # What is left of plans that never come here is rounding.
        made.append(weights if weights.sum() > tolerances.ROUNDING else np.ones(count))
    return made
