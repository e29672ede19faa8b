"""Monotone games as variational inequalities, potential games as convex programs; constraints
that all share.

Decisions x of all, F(x) the negative of everybody's own slopes. An equilibrium of payoffs that are
concave in own decisions solves the variational inequality of F over the feasible set. F is monotone
where the symmetric part of its Jacobian is positive semidefinite; strictly so, the equilibrium is
the only one (Rosen 1965, diagonal strict concavity with equal weights). Where Jacobians are
symmetric the game has an exact potential (Monderer and Shapley 1996, theorem 4.5), and equilibria
of a concave one are its maximizers.

Where constraints are shared, a *variational equilibrium* is the generalized Nash equilibrium at
which they cost everybody the same (Facchinei and Kanzow 2007, sec. 3; Rosen's normalized
equilibrium with equal weights).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MethodFailed, NotApplicable, RequestError
from ..forms.staged import StagedForm
from ..solution import Findings, Finds
from ..spec.formulas import Expr, apply
from ..spec.model import Game, Regime
from ._critical import Conditions, fits, operations
from .first_order import profile_of
from .plays import StagedProfile
from .registry import concept, method

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = [
    "Monotonicity",
    "SharedEquilibrium",
    "monotonicity",
    "potential",
    "potential_function",
    "shared_equilibrium",
    "solved",
    "symmetry",
    "variational",
]

KINKS = {"where", "min", "max", "abs", "lt", "le", "eq", "ne", "and", "or", "not"}
SUBDIVISIONS = 3_000
"""Boxes into which the feasible ones are cut to prove monotonicity."""
ROUNDS = 60
"""Linearized inequalities that are solved, one after another."""
FLAT = 1e-12
"""Eigenvalues below this share of the largest entry are zero up to rounding."""
SAMPLES = 6
"""Points at which cross derivatives are compared before anything symbolic is tried."""


@dataclass(frozen=True)
class Monotonicity:
    """Whether everybody's slopes fall together, over all of the actions."""

    holds: bool
    """Proved: the game is monotone."""
    strict: bool
    """Proved: strictly, so there is one equilibrium at most."""


def _smooth(form: StagedForm) -> bool:
    return fits(form) and not any(KINKS & operations(payoff) for payoff in form.payoffs)


def _field(conditions: Conditions, point: Array) -> tuple[Array, Array]:
    """Return F (decisions,) and its Jacobian at a point."""
    at = np.stack([point, point])[:, None, :]
    slopes, bends = conditions.derivatives(at)
    return -slopes.mean(axis=0)[0], -bends.mean(axis=0)[0]


def monotonicity(conditions: Conditions) -> Monotonicity:
    """Return whether a game is proved monotone: the symmetric part of the Jacobian of F has no
    negative eigenvalue anywhere, by interval arithmetic over boxes of actions.

    Notes
    -----
    Matrices of an interval are not below its middle less a diagonal of the sums of its rows'
    radii, because what is between them is diagonally dominant. Up to rounding, zero eigenvalues
    count as not negative.
    """
    free = conditions.free
    boxes = np.stack([conditions.low, conditions.high])[:, None, :]
    strict = True
    looked = 0
    with np.errstate(all="ignore"):
        while boxes.shape[1]:
            looked += boxes.shape[1]
            if looked > SUBDIVISIONS:
                return Monotonicity(False, False)
            _, bends = conditions.derivatives(boxes)
            bends = bends[:, :, free][:, :, :, free]
            width = conditions.width[free]
            bends = bends * np.outer(width, width)
            middle = -bends.mean(axis=0)
            radius = (bends[1] - bends[0]) / 2
            middle = (middle + np.swapaxes(middle, 1, 2)) / 2
            radius = (radius + np.swapaxes(radius, 1, 2)) / 2
            known = np.isfinite(middle).all(axis=(1, 2)) & np.isfinite(radius).all(axis=(1, 2))
            safe = np.where(known[:, None, None], middle, 0.0)
            blur = np.where(known[:, None], radius.sum(axis=2), 0.0)
            spread = blur[:, :, None] * np.eye(len(free))
            size = np.maximum(np.abs(safe).max(axis=(1, 2)), 1e-300)
            if (known & (np.linalg.eigvalsh(safe + spread)[:, 0] < -FLAT * size)).any():
                return Monotonicity(False, False)
            least = np.linalg.eigvalsh(safe - spread)[:, 0]
            done = known & (least >= -FLAT * size)
            strict &= bool((least > FLAT * size)[done].all())
            left = boxes[:, ~done]
            line = np.arange(left.shape[1])
            share = (left[1] - left[0]) / np.maximum(conditions.width, 1e-300)
            side = np.argmax(share, axis=1)
            cut = left[:, line, side].mean(axis=0)
            lower, upper = left.copy(), left.copy()
            lower[1, line, side] = cut
            upper[0, line, side] = cut
            boxes = np.concatenate([lower, upper], axis=1)
    return Monotonicity(True, strict)


def symmetry(conditions: Conditions) -> bool:
    """Return whether cross derivatives agree at some points, as they do with a potential."""
    rng = np.random.default_rng(0)
    free = conditions.free
    for _ in range(SAMPLES):
        point = conditions.low + conditions.width * rng.uniform(0.05, 0.95, len(conditions.low))
        with np.errstate(all="ignore"):
            _, jacobian = _field(conditions, point)
        part = jacobian[np.ix_(free, free)]
        if not np.isfinite(part).all():
            return False
        if np.abs(part - part.T).max(initial=0.0) > 1e-9 * np.abs(part).max(initial=1e-300):
            return False
    return True


# ---------------------------------------------------------------------------------------------
# Solving


@concept(
    "variational_equilibrium",
    takes="staged: monotone games in which all decide at once, with linear constraints they share",
    finds=Finds.ONE,
    source="Rosen (1965); Facchinei & Kanzow (2007)",
    call="highfence.concepts.variational_equilibrium",
    use="amounts under a cap that all share, and what the cap costs them",
)
def solved(
    conditions: Conditions, matrix: Array | None = None, limits: Array | None = None
) -> tuple[Array, Array]:
    """Return the solution of the variational inequality, and the multipliers of shared limits.

    Parameters
    ----------
    conditions
        A monotone game.
    matrix, limits
        Shared constraints ``matrix @ x <= limits``, shapes (rows, decisions) and (rows,).

    Raises
    ------
    MethodFailed
        No actions meet the constraints, or the rounds did not come to rest.

    Notes
    -----
    Each round solves the inequality of F made linear at the last point (Josephy 1979), as the
    convex quadratic program of its gap, whose least value is 0. Then what binds is taken as
    equations and solved to rounding by Newton's method.
    """
    free = conditions.free
    low, width, d = conditions.low[free], conditions.width[free], len(free)
    matrix = np.zeros((0, len(conditions.low))) if matrix is None else matrix
    limits = np.zeros(0) if limits is None else limits
    shared = matrix[:, free] * width
    size = np.maximum(np.abs(shared).max(axis=1, initial=0.0), 1e-300)
    rows = np.concatenate([shared / size[:, None], np.eye(d), -np.eye(d)])
    right = np.concatenate([(limits - matrix @ conditions.low) / size, np.ones(d), np.zeros(d)])
    point = _feasible(rows, right, d)

    def actions(y: Array) -> Array:
        made = conditions.low.copy()
        made[free] = low + width * y
        return made

    def field(y: Array) -> tuple[Array, Array]:
        value, jacobian = _field(conditions, actions(y))
        return value[free] * width, jacobian[np.ix_(free, free)] * np.outer(width, width)

    multipliers = np.zeros(len(right))
    for _ in range(ROUNDS):
        value, jacobian = field(point)
        if not (np.isfinite(value).all() and np.isfinite(jacobian).all()):
            raise MethodFailed("variational: a payoff has no slope at a point that was met")
        following, multipliers = _linear(value, jacobian, point, rows, right)
        step = following - point
        point = point + step
        if np.abs(step).max() <= 1e-7:
            break
    else:
        raise MethodFailed(f"variational: {ROUNDS} rounds did not come to rest")
    point, multipliers = _polished(field, point, multipliers, rows, right)
    found = np.clip(actions(point), conditions.low, conditions.high)
    return found, multipliers[: len(matrix)] / size


def _cvxpy() -> Any:
    """Return cvxpy, whose own types do not name all that it exports."""
    import cvxpy

    return cvxpy


def _feasible(rows: Array, right: Array, d: int) -> Array:
    """Return a point well inside ``rows @ y <= right``."""
    cp = _cvxpy()

    point, slack = cp.Variable(d), cp.Variable()
    program = cp.Problem(cp.Maximize(slack), [rows @ point + slack <= right, slack <= 1])
    _run(program)
    if program.status != cp.OPTIMAL or slack.value < -1e-7:
        raise MethodFailed("variational: no actions meet the shared constraints")
    return np.asarray(point.value)


def _linear(
    value: Array, jacobian: Array, point: Array, rows: Array, right: Array
) -> tuple[Array, Array]:
    """Return solution and multipliers of the inequality of value + jacobian @ (y - point)."""
    cp = _cvxpy()

    size = max(float(np.abs(value).max()), float(np.abs(jacobian).max()), 1e-300)
    matrix, constant = jacobian / size, (value - jacobian @ point) / size
    half = (matrix + matrix.T) / 2
    y, duals = cp.Variable(len(point)), cp.Variable(len(right), nonneg=True)
    gap = cp.quad_form(y, cp.psd_wrap(half)) + constant @ y + right @ duals
    balance = matrix @ y + constant + rows.T @ duals == 0
    program = cp.Problem(cp.Minimize(gap), [balance, rows @ y <= right])
    _run(program)
    if y.value is None:
        raise MethodFailed(f"variational: the program's backend reported {program.status!r}")
    return np.asarray(y.value), np.asarray(duals.value) * size


def _run(program: Any) -> None:
    import warnings

    cp = _cvxpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program.solve(solver=cp.CLARABEL)
        except cp.SolverError as error:
            raise MethodFailed(f"variational: {error}") from error


def _polished(
    field: Any, point: Array, multipliers: Array, rows: Array, right: Array
) -> tuple[Array, Array]:
    """Return the point at which what binds holds with equality, by Newton's method; the point as
    it was if that leads away."""
    size = max(float(np.abs(field(point)[0]).max()), float(multipliers.max(initial=0.0)), 1e-300)
    # The program's backend leaves what binds a little room, more where it costs little.
    for near in (1e-6, 1e-4):
        active = np.flatnonzero((right - rows @ point < near) & (multipliers > 1e-7 * size))
        found = _settled(field, point, multipliers[active], rows[active], right[active], size)
        if found is not None and (rows @ found[0] <= right + 1e-9).all():
            everything = np.zeros(len(right))
            everything[active] = found[1]
            return found[0], everything
    return point, multipliers


def _settled(
    field: Any, point: Array, multipliers: Array, rows: Array, right: Array, size: float
) -> tuple[Array, Array] | None:
    """Return point and multipliers where all these rows bind, by Newton's method; None if that
    leads away, or to a multiplier that is negative."""
    start = point
    # In units of the slopes themselves, or what binds is lost beside them.
    duals = multipliers / size
    d, m = len(point), len(rows)
    for _ in range(20):
        value, jacobian = (part / size for part in field(point))
        system = np.block([[jacobian, rows.T], [rows, np.zeros((m, m))]])
        left = np.concatenate([value + rows.T @ duals, rows @ point - right])
        step = np.linalg.lstsq(system, left, rcond=1e-13)[0]
        point, duals = point - step[:d], duals - step[d:]
        if not np.isfinite(step).all() or np.abs(point - start).max() > 1e-3:
            return None
        if np.abs(step[:d]).max(initial=0.0) <= 1e-16:
            break
    if (duals < -1e-7).any():
        return None
    return point, np.maximum(duals, 0.0) * size


# ---------------------------------------------------------------------------------------------
# Shared constraints


@dataclass(frozen=True, eq=False)
class SharedEquilibrium:
    """A variational equilibrium, and the constraints as a matrix."""

    profile: StagedProfile
    matrix: Array
    """(rows, decisions)"""
    limits: Array
    """(rows,)"""
    multipliers: Array
    """(rows,)"""
    unique: bool


def shared_equilibrium(
    game: Game,
    shared: Sequence[str],
    regime: Regime | str | None,
    preset: str | None,
    parameters: Mapping[str, Any],
) -> SharedEquilibrium:
    """Return the variational equilibrium of a game with shared constraints; see
    :func:`highfence.concepts.variational_equilibrium`."""
    from ..forms.build import build, values
    from ..spec.resolve import resolved

    if isinstance(shared, str) or not shared:
        raise RequestError('shared constraints are a list of inequalities: ["q_1 + q_2 <= 1"]')
    names = [f"shared_constraint_{k + 1}" for k in range(len(shared))]
    more: dict[str, Any] = dict(zip(names, shared, strict=True))
    larger = replace(game, derived={**game.derived, **more})
    options: dict[str, Any] = {"regime": regime, "preset": preset, "parameters": parameters}
    form = build(larger, **options)
    if not isinstance(form, StagedForm) or not _smooth(form):
        raise NotApplicable(
            f"{game.name}: variational equilibria are of games in which all decide at once over "
            "intervals, by formulas without kinks"
        )
    found = resolved(larger, values(larger, **options)).derived
    conditions = Conditions(form)
    rows = [_row(conditions, found[name], text) for name, text in zip(names, shared, strict=True)]
    matrix = np.array([row for row, _ in rows])
    limits = np.array([limit for _, limit in rows])
    proof = monotonicity(conditions)
    if not proof.holds:
        raise NotApplicable(
            f"{game.name} is not proved monotone (Rosen 1965), which variational equilibria are "
            "computed for"
        )
    point, multipliers = solved(conditions, matrix, limits)
    profile = profile_of(form, point, "the solution of the variational inequality")
    return SharedEquilibrium(profile, matrix, limits, multipliers, proof.strict)


def _row(conditions: Conditions, condition: Expr, text: str) -> tuple[Array, float]:
    """Return row and limit of one shared constraint."""
    import sympy

    from ..forms.symbolic import symbol, to_sympy

    if condition.op == "where":
        condition = condition.args[0]
    if condition.op not in ("lt", "le"):
        raise RequestError(f"{text!r} is no single inequality. Write it as 'q_1 + q_2 <= 1'")
    (less,) = conditions.placed([apply("sub", *condition.args)])
    names = [symbol(name) for name in conditions.names]
    try:
        poly = sympy.Poly(to_sympy(less), *names)
    except (sympy.polys.polyerrors.PolynomialError, NotApplicable):
        poly = None
    if poly is None or poly.total_degree() > 1 or poly.free_symbols_in_domain:
        raise RequestError(f"{text!r} is not linear in the decisions")
    row = np.array([float(poly.coeff_monomial(name)) for name in names])
    if not row.any():
        raise RequestError(f"{text!r} does not depend on any decision")
    return row, -float(poly.coeff_monomial(1))


# ---------------------------------------------------------------------------------------------
# Methods


def _is_monotone(form: StagedForm) -> bool:
    return _smooth(form) and monotonicity(Conditions(form)).holds


@method(
    "variational",
    form=StagedForm,
    accepts=_is_monotone,
    finds=Finds.ONE,
    domain="monotone games: all decide at once over intervals, and slopes fall together",
    source="Rosen (1965); Facchinei & Kanzow (2007)",
    rank=40,
    use="the equilibrium of many decisions over intervals, and whether it is the only one",
)
def variational(form: StagedForm) -> Generator[StagedProfile, None, Findings]:
    """Yield an equilibrium of a monotone game, as the solution of a variational inequality.

    Parameters
    ----------
    form
        A game of one stage of interval decisions, without kinks, that is proved monotone.

    Notes
    -----
    If it is proved strictly monotone, the equilibrium is the only one (Rosen 1965, theorem 2), and
    the notes say so. Otherwise the equilibria are a convex set, of which one is found.
    """
    conditions = Conditions(form)
    proof = monotonicity(conditions)
    point, _ = solved(conditions)
    yield profile_of(form, point, "the solution of the variational inequality")
    if proof.strict:
        return Findings(
            True, ("the game is proved strictly monotone: there is no other equilibrium",)
        )
    return Findings(
        True, ("the game is monotone: its equilibria are a convex set, of which this is one",)
    )


def _has_potential(form: StagedForm) -> bool:
    if not _smooth(form):
        return False
    conditions = Conditions(form)
    return symmetry(conditions) and monotonicity(conditions).holds


@method(
    "potential",
    form=StagedForm,
    accepts=_has_potential,
    finds=Finds.ONE,
    domain="games with a concave potential: all decide at once over intervals",
    source="Monderer & Shapley (1996)",
    rank=30,
    use="a game in which all in effect maximize one function, and that function",
)
def potential(form: StagedForm) -> Generator[StagedProfile, None, Findings]:
    """Yield an equilibrium of a game with a concave potential, as the solution of a convex program.

    Parameters
    ----------
    form
        A game of one stage of interval decisions, without kinks, with equal cross derivatives
        and a concave potential.

    Raises
    ------
    MethodFailed
        The cross derivatives are not equal as formulas, or the potential is not a sum of a
        quadratic and of concave functions of single sums, as the program needs it.

    Notes
    -----
    The potential is written out in the notes. Equilibria are its maximizers: with a strictly
    concave one there is no other, else they are a convex set, of which one is found.
    """
    conditions = Conditions(form)
    function = potential_function(conditions)
    proof = monotonicity(conditions)
    point = _maximized(conditions, function)
    yield profile_of(form, point, "the maximizer of the potential")
    told = f"the potential is {function}" if len(str(function)) <= 300 else "the potential is long"
    only = (
        "it is proved strictly concave: there is no other equilibrium"
        if proof.strict
        else "it is concave: the equilibria are a convex set, of which this is one"
    )
    return Findings(True, (told, only))


def potential_function(conditions: Conditions) -> Any:
    """Return the exact potential as a sympy expression in the decisions, zero at the middle of all
    intervals.

    Raises
    ------
    MethodFailed
        There is none, or sympy finds no integral.
    """
    import sympy

    from ..forms.symbolic import symbol, to_sympy

    free = conditions.free
    names = [symbol(conditions.names[k]) for k in free]
    slopes = [
        sympy.diff(to_sympy(conditions.payoffs[conditions.moves[k].player]), name)
        for k, name in zip(free, names, strict=True)
    ]
    for a in range(len(free)):
        for b in range(a):
            apart = sympy.diff(slopes[a], names[b]) - sympy.diff(slopes[b], names[a])
            if sympy.simplify(apart) != 0:
                raise MethodFailed(
                    f"potential: the cross derivatives of {names[b]} and {names[a]} differ"
                )
    base = [
        sympy.Rational(*float(conditions.low[k] + conditions.width[k] / 2).as_integer_ratio())
        for k in free
    ]
    total = sympy.Integer(0)
    for k, name in enumerate(names):
        slope = slopes[k].subs(dict(zip(names[k + 1 :], base[k + 1 :], strict=True)))
        inner = sympy.integrate(sympy.expand(slope), name)
        if inner.has(sympy.Integral):
            raise MethodFailed("potential: sympy finds no integral of a derivative")
        total += inner - inner.subs(name, base[k])
    return sympy.expand(total)


def _maximized(conditions: Conditions, function: Any) -> Array:
    """Return the maximizer of a concave potential over the intervals."""
    import sympy

    from ..forms.symbolic import symbol

    cp = _cvxpy()
    free = conditions.free
    names = [symbol(conditions.names[k]) for k in free]
    low, width = conditions.low[free], conditions.width[free]
    # In shares of the intervals: x = low + width * y.
    shares = [sympy.Dummy(f"y{k}") for k in range(len(free))]
    change = {
        name: sympy.Rational(*float(lo).as_integer_ratio())
        + sympy.Rational(*float(w).as_integer_ratio()) * share
        for name, lo, w, share in zip(names, low, width, shares, strict=True)
    }
    y = cp.Variable(len(free))
    quadratic = sympy.Integer(0)
    others = []
    for term in sympy.Add.make_args(sympy.expand(function)):
        placed = term.subs(change)
        if placed.is_polynomial(*shares):
            quadratic += placed
        else:
            others.append(_concave_term(placed, shares, y))
    poly = sympy.Poly(quadratic, *shares)
    if poly.total_degree() > 2:
        raise MethodFailed("potential: it is no quadratic, nor a sum of known concave functions")
    hessian = np.array(sympy.hessian(poly.as_expr(), shares), dtype=float)
    slope = np.array([float(poly.diff(s).eval(dict.fromkeys(shares, 0))) for s in shares])
    size = max(float(np.abs(hessian).max()), float(np.abs(slope).max()), 1e-300)
    if others:
        size = max(size, *(weight for weight, _ in others))
    value = -0.5 * cp.quad_form(y, cp.psd_wrap(-hessian / size)) + (slope / size) @ y
    for weight, part in others:
        value += (weight / size) * part
    program = cp.Problem(cp.Maximize(value), [y >= 0, y <= 1])
    if not program.is_dcp():
        raise MethodFailed("potential: it is no quadratic, nor a sum of known concave functions")
    _run(program)
    if y.value is None:
        raise MethodFailed(f"potential: the program's backend reported {program.status!r}")
    start = conditions.low.copy()
    start[free] = low + width * np.clip(y.value, 0.0, 1.0)
    return _sharpened(conditions, start)


def _concave_term(term: Any, shares: list[Any], y: Any) -> tuple[float, Any]:
    """Return a positive weight and a concave cvxpy expression whose product is the term."""
    import sympy

    cp = _cvxpy()
    weight, rest = term.as_independent(*shares, as_Add=False)
    weight = float(weight)

    def affine(inside: Any) -> Any:
        poly = sympy.Poly(inside, *shares)
        if poly.total_degree() > 1:
            raise MethodFailed("potential: a function of what is not a sum of decisions")
        total = float(poly.eval(dict.fromkeys(shares, 0)))
        return total + sum(float(poly.coeff_monomial(s)) * y[k] for k, s in enumerate(shares))

    try:
        if isinstance(rest, sympy.log):
            made = cp.log(affine(rest.args[0]))
        elif isinstance(rest, sympy.exp):
            made = cp.exp(affine(rest.args[0]))
        elif rest.is_Pow and rest.exp.is_Rational:
            made = cp.power(affine(rest.base), float(rest.exp))
        else:
            raise MethodFailed(f"potential: {rest.func.__name__} is not known to be concave")
    except sympy.polys.polyerrors.PolynomialError as error:
        raise MethodFailed("potential: a function of what is not a sum of decisions") from error
    return abs(weight), made if weight > 0 else -made


def _sharpened(conditions: Conditions, point: Array) -> Array:
    """Return the solution of the first-order conditions near a point, with what is at the end of
    its interval held there."""
    width = np.where(conditions.width > 0, conditions.width, 1.0)
    low = conditions.low
    with np.errstate(all="ignore"):
        value, _ = _field(conditions, point)
    size = float(np.abs(value * width).max())
    start = (point - low) / width
    lean = value * width / max(size, 1e-300)
    held_low = (start < 1e-5) & (lean > 1e-9)
    held_high = (start > 1 - 1e-5) & (lean < -1e-9)
    held = held_low | held_high | (conditions.width == 0)
    fixed = np.where(held_low, low, np.where(held_high, conditions.high, point))
    inside = np.flatnonzero(~held)
    here = fixed.copy()
    for _ in range(30):
        value, jacobian = _field(conditions, here)
        scaled = jacobian[np.ix_(inside, inside)] * np.outer(width[inside], width[inside])
        step = np.linalg.lstsq(scaled, value[inside] * width[inside], rcond=1e-13)[0]
        if not np.isfinite(step).all():
            return point
        here[inside] -= step * width[inside]
        if np.abs(step).max(initial=0.0) <= 1e-16:
            break
    if (np.abs(here - fixed) > 1e-3 * width).any():
        return point
    return np.clip(here, low, conditions.high)
