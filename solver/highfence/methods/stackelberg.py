"""Optimal commitment: what a leader should bind themselves to before a follower responds.

A leader commits to a mixed strategy, a follower sees it and responds. In the *strong* Stackelberg
equilibrium a follower who is indifferent does what is best for the leader; it always exists, and
for each response that the follower might give, the best commitment that makes it a best response
is a linear program (Conitzer and Sandholm 2006). If indifferent followers do what is *worst* for
the leader, the best that the leader can be sure of may be a supremum that no commitment attains
(von Stengel and Zamir 2010). Against several types of the follower, choosing a response for each
is a mixed-integer program (Paruchuri and others 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations, pairwise
from math import comb, fsum
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..errors import MethodFailed, RequestError
from ..forms.normal import NormalForm
from ..solution import Finds
from .registry import concept

__all__ = ["BestCommitment", "Coverage", "best_commitment", "best_coverage"]

_CLEAR = 1e-9
"""Margin, in payoffs scaled to [0, 1], that tells a preference from a tie."""
_TIED = 1e-7
"""The same where programs were given room for ``_CLEAR``."""
_EQUAL = 1e-12
"""Difference of scaled payoffs that is rounding."""


@dataclass(frozen=True)
class BestCommitment:
    """A commitment, the response of each type, and whether the leader's value is attained."""

    strategy: tuple[float, ...]
    responses: tuple[int, ...]
    attained: bool
    proved: bool = True
    """False: ``limits.MAX_COMMITMENT_PROGRAMS`` ended the search for one that pays more."""


@concept(
    "commitment",
    takes="normal: two players",
    finds=Finds.ONE,
    source="Conitzer & Sandholm (2006)",
    call="highfence solve GAME --concept stackelberg",
    use="what a leader should bind themselves to, indifference helping them",
)
@concept(
    "commitment_pessimistic",
    takes="normal: two players",
    finds=Finds.ONE,
    source="von Stengel & Zamir (2010)",
    call="highfence solve GAME --concept stackelberg --pessimistic",
    use="what a leader can be sure of, indifference harming them",
)
@concept(
    "commitment_to_types",
    takes="normal: a leader, and a follower of several types",
    finds=Finds.ONE,
    source="Paruchuri et al. (2008)",
    call="highfence solve GAME --concept stackelberg --types R=P,...",
    use="a leader who does not know whom they face",
)
def best_commitment(
    forms: Sequence[NormalForm],
    weights: Sequence[float],
    leader: int,
    *,
    pessimistic: bool = False,
) -> BestCommitment:
    """Return the leader's best mixed commitment.

    Parameters
    ----------
    forms
        One two-player game per type of the follower, with the same strategies of the leader.
    weights
        Probability of each type.
    leader
        Index of the player who commits.
    pessimistic
        Indifferent followers do what is worst for the leader. One type only.

    Returns
    -------
    BestCommitment
        If pessimistic and not attained: the limit of commitments that are arbitrarily nearly
        as good, with the response to those.

    Raises
    ------
    RequestError
        Not two players, strategies of the leader that are not the same in all games, weights that
        are no probabilities, or pessimistic with several types.
    MethodFailed
        The backend reports no optimum.

    Notes
    -----
    With one type, one program per response of the follower. With several types, one
    mixed-integer program, whose answer is proved by up to ``limits.MAX_COMMITMENT_PROGRAMS`` linear
    ones; NP-hard in the number of types.

    References
    ----------
    V. Conitzer and T. Sandholm (2006), "Computing the optimal strategy to commit to"; P. Paruchuri
    and others (2008), "Playing games for security"; B. von Stengel and S. Zamir (2010),
    "Leadership games with convex strategy sets"; C. Casorran, B. Fortz, M. Labbe and F. Ordonez
    (2019), "A study of general and security Stackelberg game formulations".
    """
    _check(forms, weights, leader, pessimistic)
    games = [_tables(form, leader) for form in forms]
    low = min(float(own.min()) for own, _ in games)
    high = max(float(own.max()) for own, _ in games)
    scaled = [((own - low) / ((high - low) or 1.0), other) for own, other in games]
    if pessimistic:
        return _pessimistic(*scaled[0])
    if len(forms) == 1:
        tried = [(_program(scaled, [1.0], [j]), j) for j in range(scaled[0][0].shape[1])]
        (_, x), j = max(
            ((made, j) for made, j in tried if made is not None), key=lambda item: item[0][0]
        )
        return BestCommitment(tuple(x.tolist()), (j,), attained=True)
    responses, proved = _searched(scaled, weights, _responses_of_types(scaled, weights))
    made = _program(scaled, weights, responses)
    if made is None:
        raise MethodFailed("commitment: the responses that the backend chose are no best responses")
    return BestCommitment(tuple(made[1].tolist()), tuple(responses), attained=True, proved=proved)


def _check(
    forms: Sequence[NormalForm], weights: Sequence[float], leader: int, pessimistic: bool
) -> None:
    if not forms or any(form.num_players != 2 for form in forms):
        raise RequestError("commitment is to one follower: give games of two players")
    if leader not in (0, 1):
        raise RequestError(f"leader = {leader!r} is not 0 or 1, the index of a player")
    if len({form.num_strategies[leader] for form in forms}) > 1:
        raise RequestError("the leader has the same strategies whichever the follower's type is")
    if len({form.strategies[leader] for form in forms}) > 1:
        raise RequestError(
            f"the strategies of {forms[0].players[leader]} have other names in one game than in "
            "another: list them alike, in one order"
        )
    if len(weights) != len(forms) or not (
        all(weight >= 0 for weight in weights) and abs(fsum(weights) - 1) <= 1e-9
    ):
        raise RequestError(f"{len(forms)} types need as many probabilities that sum to one")
    if pessimistic and len(forms) > 1:
        raise RequestError(
            "pessimistic commitment is for one type of the follower. "
            "Leave pessimistic out, or give one game"
        )


def _tables(form: NormalForm, leader: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    own, other = form.payoffs[leader], form.unit_payoffs(1 - leader)
    return (own, other) if leader == 0 else (own.T, other.T)


def _program(
    games: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    weights: Sequence[float],
    responses: Sequence[int],
    ties: Sequence[int] = (),
) -> tuple[float, NDArray[np.float64]] | None:
    """Return the best commitment that makes these best responses; None if there is none.

    With ``ties``, the least of what the leader gets at those responses of the only type counts.
    """
    import cvxpy

    cp: Any = cvxpy
    x = cp.Variable(games[0][0].shape[0], nonneg=True)
    constraints = [cp.sum(x) == 1]
    for (_, other), j in zip(games, responses, strict=True):
        margins = _margins(other, j)
        if len(margins):
            constraints.append(margins @ x >= 0)
    if ties:
        objective = cp.min(games[0][0][:, list(ties)].T @ x)
    else:
        gains = sum(w * own[:, j] for w, (own, _), j in zip(weights, games, responses, strict=True))
        objective = gains @ x
    program = cp.Problem(cp.Maximize(objective), constraints)
    if not _solved(program):
        return None
    found = np.clip(x.value, 0.0, None)
    return float(program.value), found / found.sum()


def _margins(other: NDArray[np.float64], j: int) -> NDArray[np.float64]:
    """Return by what a response is better than each other one, per strategy of the leader.

    Each row is in units of its largest entry: programs keep constraints up to a tolerance, and
    responses may pay the follower nearly the same. Those that pay the same are left out.
    """
    rows = (other[:, [j]] - other).T
    sizes = np.abs(rows).max(axis=1)
    apart = sizes > _EQUAL
    margins: NDArray[np.float64] = rows[apart] / sizes[apart, None]
    return margins


def _solved(program: Any, **options: Any) -> bool:
    """Solve; return whether there is an optimum, False if nothing is feasible."""
    import cvxpy

    cp: Any = cvxpy
    try:
        program.solve(solver=cp.HIGHS, primal_feasibility_tolerance=1e-10, **options)
    except cp.error.SolverError as error:
        raise MethodFailed(f"commitment: backend failed: {error}") from error
    if program.status in (cp.INFEASIBLE, "infeasible_or_unbounded"):
        return False
    if program.status != cp.OPTIMAL:
        raise MethodFailed(f"commitment: backend reported {program.status!r}")
    return True


def _pessimistic(own: NDArray[np.float64], other: NDArray[np.float64]) -> BestCommitment:
    """Return the supremum over responses that are the only best ones at some commitments."""
    import cvxpy

    cp: Any = cvxpy
    tried: list[tuple[float, NDArray[np.float64], int, list[int]]] = []
    for j in range(own.shape[1]):
        apart = np.abs(other - other[:, [j]]).max(axis=0)
        same = np.flatnonzero(apart <= _CLEAR).tolist()
        rivals = [k for k in range(own.shape[1]) if k not in same]
        if rivals:
            x, margin = cp.Variable(own.shape[0], nonneg=True), cp.Variable()
            strict = [(other[:, [j]] - other[:, rivals]).T @ x >= margin, cp.sum(x) == 1]
            program = cp.Problem(cp.Maximize(margin), strict)
            if not _solved(program) or margin.value <= _CLEAR:
                continue
        made = _program([(own, other)], [1.0], [j], ties=same)
        if made is not None:
            tried.append((*made, j, same))
    if not tried:
        raise MethodFailed("commitment: no response is the only best one at any commitment")
    value = max(each[0] for each in tried)
    best = [each for each in tried if each[0] >= value - _CLEAR]
    for attempt in (False, True):
        for _, x, j, same in best:
            commitment = _attaining(own, other, value, j, same) if attempt else x
            if commitment is None:
                continue
            least, response = _worst(own, other, commitment)
            if least >= value - 2 * _CLEAR:
                return BestCommitment(tuple(commitment.tolist()), (response,), attained=True)
    _, x, j, same = best[0]
    response = min(same, key=lambda k: float(x @ own[:, k]))
    return BestCommitment(tuple(x.tolist()), (response,), attained=False)


def _worst(
    own: NDArray[np.float64], other: NDArray[np.float64], commitment: NDArray[np.float64]
) -> tuple[float, int]:
    """Return the least that a best response to a commitment pays the leader, and the response."""
    replies = commitment @ other
    ties = np.flatnonzero(replies >= replies.max() - _CLEAR).tolist()
    return min((float(commitment @ own[:, k]), k) for k in ties)


def _attaining(
    own: NDArray[np.float64], other: NDArray[np.float64], value: float, j: int, same: list[int]
) -> NDArray[np.float64] | None:
    """Return a commitment with response ``j`` at which no best response pays less than a value.

    Among commitments at which some responses pay enough, one in the middle ties as few others as
    can be. Those that tie there tie everywhere, and have to pay enough too; and so on. None if
    that leads to nothing.
    """
    import cvxpy

    cp: Any = cvxpy
    paid = list(same)
    while True:
        x = cp.Variable(own.shape[0], nonneg=True)
        room = [
            cp.sum(x) == 1,
            (other[:, [j]] - other).T @ x >= 0,
            own[:, paid].T @ x >= value - _CLEAR,
        ]
        corners = []
        for k in range(own.shape[1]):
            program = cp.Problem(cp.Maximize((other[:, j] - other[:, k]) @ x), room)
            if not _solved(program):
                return None
            corners.append(np.clip(x.value, 0.0, None))
        middle: NDArray[np.float64] = np.mean(corners, axis=0)
        middle /= middle.sum()
        replies = middle @ other
        ties = np.flatnonzero(replies >= replies[j] - _TIED).tolist()
        more = [k for k in ties if k not in paid]
        if not more:
            return middle
        paid += more


def _responses_of_types(
    games: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], weights: Sequence[float]
) -> list[int]:
    """Return the response of each type in the leader's optimum, by one mixed-integer program.

    ``joint[:, j]`` is the commitment where the type responds with ``j``, else 0: that ``j`` is best
    is a constraint on it without a large number that switches it off (Casorran and others 2019),
    which would leave room for what is nearly best.
    """
    import cvxpy

    cp: Any = cvxpy
    rows = games[0][0].shape[0]
    x = cp.Variable(rows, nonneg=True)
    constraints = [cp.sum(x) == 1]
    objective, chosen = 0.0, []
    for weight, (own, other) in zip(weights, games, strict=True):
        columns = own.shape[1]
        joint = cp.Variable((rows, columns), nonneg=True)
        picked = cp.Variable(columns, boolean=True)
        constraints += [
            cp.sum(joint, axis=1) == x,
            cp.sum(joint, axis=0) == picked,
            cp.sum(picked) == 1,
        ]
        for j in range(columns):
            margins = _margins(other, j)
            if len(margins):
                constraints.append(margins @ joint[:, j] >= 0)
        objective = objective + weight * cp.sum(cp.multiply(own, joint))
        chosen.append(picked)
    # With the usual tolerance presolve takes types who are nearly indifferent for indifferent.
    exact = {"mip_rel_gap": 0.0, "mip_feasibility_tolerance": 1e-10}
    if not _solved(cp.Problem(cp.Maximize(objective), constraints), **exact):
        raise MethodFailed("commitment: backend found no commitment at all")
    return [int(np.argmax(picked.value)) for picked in chosen]


def _searched(
    games: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    weights: Sequence[float],
    responses: list[int],
) -> tuple[list[int], bool]:
    """Return these responses of types, or better ones that a search of all others comes upon, and
    whether it proves that there are none better still.

    The mixed-integer program's backend may lose responses of types who are nearly indifferent.
    Here types are given a response one after the other; of those that have none yet the linear
    relaxation says what the leader can hope for at most. Where that is no more than is had, it
    proves so, mostly at the first look.
    """
    relaxed = _Relaxation(games, weights)
    best, value = responses, relaxed.value(responses)
    waiting: list[tuple[float, tuple[int, ...]]] = []

    def look(fixed: tuple[int, ...]) -> None:
        nonlocal best, value
        found = relaxed.solved(fixed)
        if found is None or found[0] <= value + _CLEAR:
            return
        hope, chosen = found
        if (had := relaxed.value(chosen)) > value:
            best, value = chosen, had
        if len(fixed) < len(games) and hope > value + _CLEAR:
            heappush(waiting, (-hope, fixed))

    look(())
    while waiting and relaxed.programs < limits.MAX_COMMITMENT_PROGRAMS:
        hope, fixed = heappop(waiting)
        if -hope <= value + _CLEAR:
            break
        for j in range(games[len(fixed)][0].shape[1]):
            look((*fixed, j))
    return best, all(-hope <= value + _CLEAR for hope, _ in waiting)


class _Relaxation:
    """The program over all types' responses in which a type may respond with shares of several."""

    def __init__(
        self,
        games: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
        weights: Sequence[float],
    ) -> None:
        from scipy.sparse import block_diag, csr_array, hstack, vstack

        self.programs = 0
        self.games = games
        self.rows = rows = games[0][0].shape[0]
        self.columns = [own.shape[1] for own, _ in games]
        shares = [(own, other, j) for own, other in games for j in range(own.shape[1])]
        count = len(shares) * rows
        owners = np.repeat(np.arange(len(games)), self.columns).tolist()
        self.gains = np.concatenate(
            [np.zeros(rows)]
            + [weights[t] * own[:, j] for t, (own, _, j) in zip(owners, shares, strict=True)]
        )
        margins = [_margins(other, j) for _, other, j in shares]
        inner = block_diag([m if len(m) else csr_array((0, rows)) for m in margins], format="csr")
        self.best = hstack([csr_array((inner.shape[0], rows)), -inner], format="csr")
        sums = [
            hstack([-csr_array(np.eye(rows)), *(np.eye(rows) * (t == o) for o in owners)])
            for t in range(len(games))
        ]
        total = csr_array(np.concatenate([np.ones(rows), np.zeros(count)])[None])
        self.alike = vstack([*sums, total], format="csr")
        self.right = np.concatenate([np.zeros(len(games) * rows), [1.0]])
        self.starts = rows * (1 + np.concatenate([[0], np.cumsum(self.columns)]))

    def solved(self, fixed: Sequence[int]) -> tuple[float, list[int]] | None:
        """Return the most that is possible with the first types' responses, and likely ones of
        all; None if no commitment makes them best."""
        from scipy.optimize import linprog

        self.programs += 1
        most = np.ones(len(self.gains))
        for t, j in enumerate(fixed):
            most[self.starts[t] : self.starts[t + 1]] = 0.0
            first = self.starts[t] + j * self.rows
            most[first : first + self.rows] = 1.0
        found = linprog(
            -self.gains,
            A_ub=self.best if self.best.shape[0] else None,
            b_ub=np.zeros(self.best.shape[0]) if self.best.shape[0] else None,
            A_eq=self.alike,
            b_eq=self.right,
            bounds=np.stack([np.zeros(len(most)), most], axis=1),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10},
        )
        if found.status == 2:
            return None
        if found.status != 0:
            raise MethodFailed(f"commitment: backend reported {found.message!r}")
        taken = [
            found.x[self.starts[t] : self.starts[t + 1]].reshape(-1, self.rows).sum(axis=1)
            for t in range(len(self.games))
        ]
        return -float(found.fun), [int(np.argmax(shares)) for shares in taken]

    def value(self, responses: Sequence[int]) -> float:
        """Return the most that the leader gets where these are best responses."""
        found = self.solved(responses)
        return -np.inf if found is None else found[0]


# ---------------------------------------------------------------------------------------------
# Security games


@dataclass(frozen=True)
class Coverage:
    """How a defender covers targets, and what an attacker who sees the odds does."""

    coverage: tuple[float, ...]
    """Probability that each target is covered."""
    attacked: int
    defender: float
    attacker: float
    patrols: tuple[tuple[tuple[int, ...], float], ...]
    """Sets of schedules that are covered together, each with its probability. Empty if the
    assignments are too many to look at: some mixture may then have these odds, or none, and the
    defender's payoff is an upper bound (Korzhyk and others 2010)."""

    @property
    def implementable(self) -> bool:
        """Some mixture of assignments has these odds."""
        return bool(self.patrols)


@concept(
    "security_coverage",
    takes="targets, resources and schedules",
    finds=Finds.ONE,
    source="Kiekintveld et al. (2009); Jain et al. (2010)",
    call="highfence.concepts.security_coverage",
    use="where to patrol, inspect or audit with too few resources",
)
def best_coverage(
    defender: Sequence[tuple[float, float]],
    attacker: Sequence[tuple[float, float]],
    resources: int,
    schedules: Sequence[Sequence[int]] | None = None,
) -> Coverage:
    """Return the defender's best coverage of targets in a security game.

    Parameters
    ----------
    defender, attacker
        Per target, the payoff if it is attacked while covered, and while uncovered.
    resources
        How many resources, each of which covers one schedule.
    schedules
        Sets of targets that one resource covers together; single targets by default.

    Returns
    -------
    Coverage
        Where several targets are equally good for the attacker, the one that is best for the
        defender is attacked, as in any strong Stackelberg equilibrium.

    Raises
    ------
    RequestError
        The lists differ in length, a payoff is not finite, a schedule names no target, there are
        no schedules, or no resources.

    Notes
    -----
    One linear program per target. If every schedule is one target, its variables are the odds
    themselves, which can always be had. Otherwise they are the probabilities of all assignments
    of resources to schedules, up to ``limits.MAX_ASSIGNMENTS``; beyond that the odds of schedules,
    which is a relaxation.

    References
    ----------
    C. Kiekintveld and others (2009), "Computing optimal randomized resource allocations for
    massive security games"; M. Jain and others (2010), "Security games with arbitrary schedules";
    D. Korzhyk, V. Conitzer and R. Parr (2010), "Complexity of computing optimal Stackelberg
    strategies in security resource allocation games".

    Examples
    --------
    >>> worth = [(-1.0, 5.0), (-1.0, 3.0), (-1.0, 2.0)]
    >>> found = best_coverage([(-a, -b) for a, b in worth], worth, 1)
    >>> [round(odds, 4) for odds in found.coverage], round(found.attacker, 4)
    ([0.5556, 0.3333, 0.1111], 1.6667)
    """
    import cvxpy

    cp: Any = cvxpy
    count = len(defender)
    sets = [[k] for k in range(count)] if schedules is None else [list(row) for row in schedules]
    if len(attacker) != count or not count:
        raise RequestError("give two payoffs for every target, for defender and attacker alike")
    ours, theirs = np.array(defender, float), np.array(attacker, float)
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise RequestError("a payoff at a target is not a finite number")
    if any(not 0 <= k < count for row in sets for k in row):
        raise RequestError(f"schedules name targets by their index, 0 to {count - 1}")
    if not isinstance(resources, Integral) or isinstance(resources, bool) or resources < 1:
        raise RequestError(f"resources = {resources!r}: give their number, at least one")
    if not sets:
        raise RequestError(
            "there are no schedules. Leave them out if each resource covers a target"
        )
    scale = float(np.ptp(theirs)) or 1.0
    size = float(np.ptp(ours)) or 1.0
    member = np.array([[float(k in row) for row in sets] for k in range(count)])
    single = all(len(set(row)) == 1 for row in sets)
    teams = None if single else _teams(member, min(resources, len(sets)))
    covers = member if teams is None else np.array([row for _, row in teams]).T
    best: tuple[float, int, NDArray[np.float64]] | None = None
    for target in range(count):
        used = cp.Variable(covers.shape[1], nonneg=True)
        odds = covers @ used
        gain = theirs[:, 1] / scale + cp.multiply((theirs[:, 0] - theirs[:, 1]) / scale, odds)
        loss = (ours[target, 1] + (ours[target, 0] - ours[target, 1]) * odds[target]) / size
        limits_on = (
            [cp.sum(used) <= resources, used <= 1, odds <= 1]
            if teams is None
            else [cp.sum(used) == 1]
        )
        program = cp.Problem(cp.Maximize(loss), [*limits_on, gain[target] >= gain])
        if _solved(program) and (best is None or float(program.value) > best[0] + 1e-12):
            best = (float(program.value), target, np.clip(used.value, 0.0, 1.0))
    if best is None:
        raise MethodFailed("coverage: no target can be made the best one to attack")
    _, target, weights = best
    if teams is not None:
        weights = weights / weights.sum()
        patrols = tuple(
            (team, float(p)) for (team, _), p in zip(teams, weights, strict=True) if p > 1e-12
        )
    else:
        patrols = _rounds(weights) if single else ()
    found = np.clip(covers @ weights, 0.0, 1.0)
    c = float(found[target])
    return Coverage(
        coverage=tuple(found.tolist()),
        attacked=target,
        defender=float(ours[target, 1] + (ours[target, 0] - ours[target, 1]) * c),
        attacker=float(theirs[target, 1] + (theirs[target, 0] - theirs[target, 1]) * c),
        patrols=patrols,
    )


def _teams(
    member: NDArray[np.float64], resources: int
) -> list[tuple[tuple[int, ...], NDArray[np.float64]]] | None:
    """Return the sets of at most so many schedules, with the targets that each covers.

    Of sets that cover the same targets one is enough. None if there are too many.
    """
    schedules = member.shape[1]
    if sum(comb(schedules, k) for k in range(resources + 1)) > limits.MAX_ASSIGNMENTS:
        return None
    made: dict[bytes, tuple[tuple[int, ...], NDArray[np.float64]]] = {}
    for size in range(resources + 1):
        for team in combinations(range(schedules), size):
            row: NDArray[np.float64] = member[:, team].max(axis=1, initial=0.0)
            made.setdefault(row.tobytes(), (team, row))
    return list(made.values())


def _rounds(weights: NDArray[np.float64]) -> tuple[tuple[tuple[int, ...], float], ...]:
    """Return sets of schedules with probabilities such that each is used as often as is asked.

    The weights are laid end to end; a comb of teeth one apart is put down at random.
    """
    ends = np.cumsum(weights)
    cuts = np.unique(np.concatenate([[0.0, 1.0], np.mod(ends, 1.0)]))
    made: dict[tuple[int, ...], float] = {}
    for low, high in pairwise(cuts.tolist()):
        teeth = (low + high) / 2 + np.arange(int(np.ceil(ends[-1])) + 1)
        places = np.searchsorted(ends, teeth[teeth < ends[-1]], side="right")
        team = tuple(sorted(set(places.tolist())))
        if high - low > 1e-12:
            made[team] = made.get(team, 0.0) + high - low
    total = sum(made.values())
    return tuple((team, p / total) for team, p in made.items())
