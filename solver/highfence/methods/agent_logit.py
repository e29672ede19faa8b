"""Agent quantal response in extensive form, and the sequential equilibrium at its end.

Definitions
-----------
At *precision* ``r``, a completely mixed behavior profile is an agent logit equilibrium if at every
information set each action ``a`` is played with a probability in proportion to ``exp(r u(a))``,
where ``u(a)`` is the expected payoff of who moves, given that the set was reached and ``a`` is
taken, and that all, themselves included, play on as the profile says (McKelvey and Palfrey 1998).
The *principal branch* starts at uniform play at precision 0; limits of agent logit equilibria as
the precision grows are sequential equilibria, the beliefs being the limits of those of the branch.

Plays that pass action ``a`` have odds ``exp(L)``, where ``L`` is the sum of the logarithms of
the probabilities on the way. With perfect recall the player's own earlier choices weight all of
them alike, so that ``u(a)`` is the mean of the payoffs of these plays with these odds, and its
derivative with respect to a log-probability is a covariance. In logarithms none of it underflows,
however unlikely an information set becomes (Turocy 2010).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import MethodFailed, RequestError
from ..forms.assessment import Assessment
from ..forms.extensive import BehaviorProfile, ExtensiveForm
from ..solution import Findings, Finds
from .registry import concept, method

__all__ = ["agent_logit", "agent_logit_profile"]

Array = NDArray[np.float64]

_FAR = 3e9
"""Precision, with payoffs in [0, 1], at which the branch is left. Regret at an information set is
at most the logarithm of the number of actions over it."""
_ENOUGH = 1e8
"""Precision from which on it is left as soon as rounding, which grows with it, makes steps
shorter than a hundredth of it."""
_FIRST_STEP = 0.1
_LONGEST = 2.0
"""Longest step, over one plus the precision."""
_AIMS = (0.15, 0.02)
"""Errors of the predictor (in log-probability) that are aimed at: the first, then more careful."""
_GONE = 1e-9
"""Probability at the end of the branch below which an action is out of the limit."""


def _accepts(form: ExtensiveForm) -> bool:
    actions = sum(len(known.actions) for known in form.information_sets)
    return (
        0 < actions <= limits.MAX_PATH_STRATEGIES
        and actions * form.num_nodes <= limits.MAX_PATH_CELLS
        and form.perfect_recall() is None
    )


@method(
    "agent_logit",
    form=ExtensiveForm,
    accepts=_accepts,
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1998); Turocy (2010)",
    domain="perfect recall, any number of players, up to some hundred actions in all",
    rank=50,
    use="one sequential equilibrium of several players, where moves are hidden",
)
def agent_logit(form: ExtensiveForm) -> Generator[BehaviorProfile, None, Findings]:
    """Yield the sequential equilibrium to which the principal branch of agent logit leads.

    Parameters
    ----------
    form
        Each player's payoffs are mapped to [0, 1] first, so that the answer does not depend on
        the units in which they are measured.

    Yields
    ------
    Assessment
        In floats, with the completely mixed profile at the end of the branch, from which the
        judge takes beliefs at information sets that play does not reach.

    Raises
    ------
    MethodFailed
        The branch could not be followed to its end with the steps that are allowed.

    Notes
    -----
    Other sequential equilibria may exist. The branch is followed until nobody gains more than
    some 1e-9 of their payoff range; the limit itself is not computed.

    A step costs ``O(A^2 T + A^3)`` for ``A`` actions at all information sets and ``T`` plays; 50
    to 300 steps are usual.

    References
    ----------
    R. D. McKelvey and T. R. Palfrey (1998), "Quantal response equilibria for extensive form
    games"; T. L. Turocy (2010), "Computing sequential equilibria using agent quantal response
    equilibria".

    Examples
    --------
    >>> from highfence.forms.extensive import Move, Terminal
    >>> entry = Move(0, "enter?", ("in", "out"), (
    ...     Move(1, "react", ("fight", "share"), (Terminal((-1, -1)), Terminal((1, 1)))),
    ...     Terminal((0, 2)),
    ... ))
    >>> game = ExtensiveForm.from_tree(["entrant", "incumbent"], entry)
    >>> [[round(p, 6) for p in odds] for odds in next(agent_logit(game)).probabilities]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    units = _unit_payoffs(form)
    reached = 0.0
    for aim in _AIMS:
        branch = _Branch(form, units, aim)
        for point in branch.run(_FAR):
            if point[-1] > _ENOUGH and branch.length < 0.01 * point[-1]:
                break
        reached = max(reached, float(branch.point[-1]))
        if branch.point[-1] < _ENOUGH:
            continue
        logs = branch.logs()
        kept = [np.where(row > np.log(_GONE), np.exp(row), 0.0) for row in logs]
        yield Assessment(
            tuple(tuple((row / row.sum()).tolist()) for row in kept),
            tuple(tuple(row.tolist()) for row in logs),
        )
        return Findings(complete=True, notes=("equilibria off the branch were not searched for",))
    raise MethodFailed(
        f"agent_logit: the branch could not be followed beyond precision {reached:.3g} (payoffs "
        f"in [0, 1]) in {limits.MAX_PATH_STEPS} steps (highfence.limits.MAX_PATH_STEPS)"
    )


@concept(
    "agent_quantal_response",
    takes="extensive: as for agent_logit",
    finds=Finds.ONE,
    source="McKelvey & Palfrey (1998)",
    call="highfence solve GAME --concept agent_logit --precision X",
    use="how players who err play a game in stages",
)
def agent_logit_profile(form: ExtensiveForm, precision: float) -> Assessment:
    """Return the agent logit equilibrium of the principal branch at a precision.

    Parameters
    ----------
    form
        Payoffs are taken as they stand, in their own units.
    precision
        Nonnegative, in units of one over payoff. 0 is uniform play.

    Returns
    -------
    Assessment
        In floats; its ``trembles`` are the logarithms of its own probabilities. Where the branch
        passes the precision several times, the first of them.

    Raises
    ------
    RequestError
        The precision is negative or not finite, or the game is too large or without perfect
        recall.
    MethodFailed
        The branch could not be followed so far.

    Examples
    --------
    >>> from highfence.forms.extensive import Move, Terminal
    >>> choice = Move(0, "choose", ("a", "b"), (Terminal((0,)), Terminal((1,))))
    >>> game = ExtensiveForm.from_tree(["chooser"], choice)
    >>> [round(p, 4) for p in agent_logit_profile(game, 1.0).probabilities[0]]
    [0.2689, 0.7311]
    """
    if not (np.isfinite(precision) and precision >= 0):
        raise RequestError(f"precision = {precision!r} is not a finite number, 0 or more")
    if not _accepts(form):
        raise RequestError(
            f"{form.title or 'the game'}: agent logit equilibria are computed for trees with "
            f"perfect recall and at most {limits.MAX_PATH_STRATEGIES} actions in all "
            "(highfence.limits.MAX_PATH_STRATEGIES and MAX_PATH_CELLS)"
        )
    ends = form.payoffs[form.terminals]
    scale = float(np.ptp(ends, axis=0).max()) or 1.0
    target = precision * scale
    for aim in _AIMS:
        branch = _Branch(form, (form.payoffs - ends.min(axis=0)) / scale, aim)
        before = branch.point
        if target == 0:
            return branch.assessment(before)
        for point in branch.run(target):
            if point[-1] < target:
                before = point
                continue
            settled = branch.at_precision(before, point, target)
            if settled is not None:
                return branch.assessment(settled)
    raise MethodFailed(
        f"agent_logit: the branch could not be followed to precision {precision:.6g}; it came to "
        f"{branch.point[-1] / scale:.6g}"
    )


def _unit_payoffs(form: ExtensiveForm) -> Array:
    """Return payoffs per node, with each player's at the ends mapped to [0, 1]."""
    ends = form.payoffs[form.terminals]
    low, size = ends.min(axis=0), np.ptp(ends / 2, axis=0)
    made: Array = (form.payoffs / 2 - low / 2) / np.where(size > 0, size, 1.0)
    return made


class _Branch:
    """The principal branch of a tree, from precision 0."""

    def __init__(self, form: ExtensiveForm, payoffs: Array, aim: float) -> None:
        self.aim = aim
        counts = [len(known.actions) for known in form.information_sets]
        self.first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int)
        self.size = int(sum(counts))
        self.set_of = np.repeat(np.arange(len(counts)), counts)
        self.owner = np.array([form.information_sets[known].player for known in self.set_of])
        passed, chance, values = [], [], []
        for node in form.terminals.tolist():
            row, odds, here = np.zeros(self.size), 0.0, node
            while (before := int(form.parent[here])) >= 0:
                branch, known = int(form.branch[here]), int(form.information_set[before])
                if known >= 0:
                    row[self.first[known] + branch] = 1.0
                else:
                    weight = form.probabilities[before][branch]
                    odds += np.log(weight) if weight > 0 else -np.inf
                here = before
            if odds > -np.inf:
                passed.append(row)
                chance.append(odds)
                values.append(payoffs[node])
        self.passed = np.array(passed)
        """(plays, actions): whether the action is taken."""
        self.chance = np.array(chance)
        self.gains = np.array(values).T[self.owner]
        """(actions, plays): the payoff of who owns the action."""
        self.outside = np.where(self.passed.T > 0, 0.0, -np.inf)
        self.seen = self.passed.any(axis=0)
        self.point = np.append(-np.log(np.repeat(counts, counts)), 0.0)
        u = self.values(self.point[:-1])[0]
        slope = np.concatenate([part - part.mean() for part in self.split(u)])
        self.tangent: Array = np.append(slope, 1.0)
        self.tangent /= float(np.linalg.norm(self.tangent))
        self.length = _FIRST_STEP

    def split(self, vector: Array) -> list[Array]:
        """Return the parts of a vector over all actions, one per information set."""
        return np.split(vector, self.first[1:])

    def logs(self) -> list[Array]:
        """Return the logarithms of the probabilities where the branch has come to."""
        return self.split(self.point[:-1])

    def assessment(self, point: Array) -> Assessment:
        """Return the profile at a point."""
        logs = self.split(point[:-1])
        return Assessment(
            tuple(tuple((np.exp(row) / np.exp(row).sum()).tolist()) for row in logs),
            tuple(tuple(row.tolist()) for row in logs),
        )

    def values(self, logs: Array) -> tuple[Array, Array]:
        """Return what each action pays, given that its set is reached, and the slopes of that."""
        # Whole parts add up exactly, so that what all plays have in common cancels to the last
        # digit, however large it is.
        whole = np.rint(logs)
        large, small = self.passed @ whole, self.chance + self.passed @ (logs - whole)
        likeliest = np.argmax(self.outside + (large + small), axis=1)[:, None]
        odds = (large - large[likeliest]) + (small - small[likeliest])
        weights = np.exp(self.outside + odds)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
        u: Array = np.einsum("at,at->a", weights, self.gains)
        slopes: Array = (weights * (self.gains - u[:, None])) @ self.passed
        slopes[~self.seen] = 0.0
        return u, slopes

    def equations(self, point: Array, base: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return the equations' values at a point, and their slopes (size, size + 1)."""
        logs, precision = point[:-1], point[-1]
        u, slopes = self.values(logs)
        of = base[self.set_of]
        gain = u - u[of]
        value: Array = logs - logs[of] - precision * gain
        matrix = np.empty((self.size, self.size + 1))
        matrix[:, :-1] = -precision * (slopes - slopes[of])
        rows = np.arange(self.size)
        matrix[rows, rows] += 1.0
        np.subtract.at(matrix, (rows, of), 1.0)
        matrix[:, -1] = -gain
        p = np.exp(logs)
        for known, row in enumerate(base):
            inside = self.set_of == known
            matrix[row] = 0.0
            matrix[row, :-1][inside] = p[inside]
            value[row] = p[inside].sum() - 1.0
        return value, matrix

    def base(self, point: Array) -> NDArray[np.intp]:
        """Return the most probable action of each set."""
        likeliest = [int(np.argmax(part)) for part in self.split(point[:-1])]
        return self.first + np.array(likeliest, dtype=np.intp)

    def run(self, until: float) -> Iterator[Array]:
        """Yield points until the precision or the last step is reached.

        As for strategic forms: the direction is kept by the angle to the last tangent, and a
        step that turns by more than 18 degrees is halved.
        """
        for _ in range(limits.MAX_PATH_STEPS):
            if self.point[-1] >= until:
                return
            while not self._step():
                self.length *= 0.5
                if not self.length >= 1e-10 * (1.0 + abs(self.point[-1])):
                    return
            yield self.point.copy()

    def _step(self) -> bool:
        base = self.base(self.point)
        found = self._corrected(self.point + self.length * self.tangent, base)
        if found is None:
            return False
        trial, error = found
        matrix = np.vstack([self.equations(trial, base)[1], self.tangent])
        turned = _solved(matrix, np.append(np.zeros(self.size), 1.0))
        if turned is None:
            return False
        turned = turned / float(np.linalg.norm(turned))
        straight = float(turned @ self.tangent)
        if straight < 0.95 or error > 2.0 * self.aim or trial[-1] <= 0:
            return False
        self.point, self.tangent = trial, turned
        factor = min(2.5, max(0.4, (self.aim / max(error, 1e-300)) ** 0.5))
        self.length = min(self.length * factor, _LONGEST * (1.0 + abs(trial[-1])))
        return True

    def _corrected(self, trial: Array, base: NDArray[np.intp]) -> tuple[Array, float] | None:
        """Return the point of the branch next to a guess, and how far off the guess was."""
        before, error = np.inf, 0.0
        for turn in range(8):
            value, matrix = self.equations(trial, base)
            move = _solved(np.vstack([matrix, self.tangent]), np.append(value, 0.0))
            if move is None:
                return None
            moved = float((np.abs(move) / (1.0 + 0.02 * np.abs(trial))).max())
            if not moved < 4.0 or moved > 0.7 * before:
                # No digit is left to gain where the precision magnifies rounding.
                return (trial, error) if before <= 1e-8 + 1e-14 * abs(trial[-1]) else None
            trial = trial - move
            error = moved if turn == 0 else error
            before = moved
            if moved <= 1e-11 + 1e-15 * abs(trial[-1]):
                return trial, error
        return None

    def at_precision(self, below: Array, above: Array, target: float) -> Array | None:
        """Return the point of a precision between two neighbors on the branch."""
        share = (target - below[-1]) / (above[-1] - below[-1])
        point: Array = below + share * (above - below)
        point[-1] = target
        guess, base, moved = point.copy(), self.base(point), np.inf
        for _ in range(30):
            value, matrix = self.equations(point, base)
            move = _solved(matrix[:, :-1], value)
            if move is None:
                break
            point[:-1] -= move
            moved = float(np.abs(move).max())
            if not moved < 4.0 or moved <= 1e-13:
                break
        # Far from where the chord says it is, the point may be one of another branch.
        slack = 1e-9 + np.abs(above - below)[:-1].max()
        if moved < 1e-9 and np.abs(point - guess)[:-1].max() <= slack:
            return point
        return guess if np.abs(self.equations(guess, base)[0]).max() < 1e-12 else None


def _solved(matrix: Array, right: Array) -> Array | None:
    try:
        found: Array = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(found).all() else None
