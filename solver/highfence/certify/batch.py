"""The judge of batches: the regret of what was answered at every draw of a block.

Regret is defined as for a single answer (see :mod:`highfence.certify.extensive`): the largest
gain of any player from any deviation in any subgame, over that player's payoff scale. It is
computed in floats, by loops that are not those of the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["batch_regret", "ways_regret"]


def batch_regret(block: Any) -> NDArray[np.float64]:
    """Return the largest regret of all equilibria of each draw of a block.

    Parameters
    ----------
    block
        A :class:`highfence.methods.batch_tree.Block`: the form, terminals' payoffs, and what is
        played at every stage. What the search says that continuations are worth is not used.

    Returns
    -------
    (n,): infinite at draws that were not solved, and where an answer is malformed.

    Notes
    -----
    A bound for every equilibrium that the ways span; that all equilibria are among them is
    the promise of the method and not judged.
    """
    from ..kernels.judge_cells import judge_cells_of_tree

    form = block.form
    regret = np.empty(len(block.status))
    arguments: list[Any] = [
        *form.stages.arrays[:-1],
        form.stages.players,
        form.stages.terminals,
        form.columns,
        form.formulas.places,
        *form.distinct,
        block.numbers,
        block.clear,
        block.cells,
        block.mixed,
        block.root,
        regret,
    ]
    judge_cells_of_tree(*arguments)
    for draws, ways in block.others:
        regret[draws] = ways_regret(ways)
    return regret


def ways_regret(ways: Any) -> NDArray[np.float64]:
    """Return the same of some draws of a block at which a stage may have several equilibria.

    Parameters
    ----------
    ways
        A :class:`highfence.methods.batch_tree.Ways`.
    """
    from ..kernels.judge_batch import judge_draws_of_tree

    stages = ways.form.stages
    regret = np.empty(len(ways.status))
    arguments: list[Any] = [
        *stages.arrays[:-1],
        stages.players,
        stages.terminals,
        ways.values,
        ways.odds,
        len(ways.status),
        ways.status,
        ways.way_count,
        ways.following,
        ways.ways,
        ways.mixed,
        regret,
    ]
    judge_draws_of_tree(*arguments)
    return regret
