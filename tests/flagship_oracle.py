"""An independent solution of the flagship game, to judge the library by.

It is written from the model's description alone, in plain Python over floats, and shares
nothing with the library: no formula language, no arrays, none of its methods. It is slow and
simple on purpose. The same functions can be compiled (:func:`compiled`), which changes nothing
but the time.

Order of play: regime r; subsidy share s and the two entries b_F, b_M; research x_L, x_H.

* Research: dense best replies (a grid, then golden section at every local maximum of the grid,
  then the vertex of a parabola, as profits are piecewise quadratic); all fixed points of the
  composed reply are looked for, on a grid with bisection.
* Response: for every entry profile, the best subsidy on a grid with refinement at every local
  maximum; a profile is an equilibrium where neither vendor gains by changing its entry, research
  solved again. All of them are returned. Where there is none, :func:`mixed_frontier_entry` looks
  for one in which the frontier vendor mixes.
"""

# ruff: noqa: N815 (the model's own symbols)

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations, pairwise, product
from types import FunctionType
from typing import Any, NamedTuple


class Calibration(NamedTuple):
    """The numeric parameters of the model."""

    c_L: float = 0.30
    gF: float = 0.45
    gM: float = 0.25
    mF: float = 0.3
    mM: float = 0.7
    mR: float = 3.0
    omega: float = 0.25
    lam: float = 0.20
    beta: float = 0.05
    gamH: float = 4.0
    gamL: float = 12.0
    chiF: float = 0.10
    chiM: float = 0.06
    rhoT: float = 0.5
    tauT: float = 0.10
    Phi: float = 0.02
    leak: float = 0.10
    spread: float = 0.5
    muF: float = 1.0
    muM: float = 0.25
    M0: float = 0.8
    kapL: float = 2.0
    Om: float = 3.0
    OmC: float = 1.0
    crisis: float = 0.25
    h: float = 0.35
    delta: float = 0.85
    eta: float = 0.3
    align: float = 1.25
    lazy: float = 0.3
    b_ret: float = 0.06
    r0: float = 0.02
    r1: float = 0.06
    Rcost: float = 0.04
    enf: float = 0.01


class Controls(NamedTuple):
    """One regime: strictness, tool switches, wedge, tax, own subsidy, threat, factor on beta."""

    k_F: float = 0.0
    k_M: float = 0.0
    z_F: float = 0.0
    z_M: float = 0.0
    prisk: float = 0.0
    tax: float = 0.0
    s_A: float = 0.0
    threat: float = 0.0
    factor: float = 1.0


def controls(
    *,
    prisk: float = 0.01,
    k_half: float = 0.5,
    threat_yard: float = 0.4,
    threat_half: float = 0.4,
    tax_licence: float = 0.06,
    s_invest: float = 0.3,
    beta_screen: float = 0.5,
) -> dict[str, Controls]:
    """Return the ten regimes, by name."""
    yard = Controls(k_F=1.0, z_F=1.0, prisk=prisk, threat=threat_yard)
    return {
        "none": Controls(),
        "screening_only": Controls(factor=beta_screen),
        "small_yard": yard,
        "broad": Controls(k_F=1.0, k_M=1.0, z_F=1.0, z_M=1.0, threat=1.0),
        "drifting_yard": yard._replace(prisk=0.10, threat=0.8),
        "half_fence": Controls(k_F=k_half, prisk=prisk, threat=threat_half),
        "tools_only": Controls(z_F=1.0, z_M=1.0, prisk=0.03, threat=0.6),
        "licence_tax": Controls(z_F=1.0, prisk=prisk, tax=tax_licence, threat=0.3),
        "invest_only": Controls(s_A=s_invest),
        "yard_invest": yard._replace(s_A=s_invest),
    }


REGIMES = controls()
DEFAULT = Calibration()
CONSERVATIVE = DEFAULT._replace(align=1.0, gamH=6.0, beta=0.10)

X_L_MAX, X_H_MAX, S_MAX = 0.27, 0.6, 0.9

METRICS = (
    *("W_A", "W_C", "econ", "security"),
    *("K_H", "P_1", "P_2", "P_2c", "leverage"),
    *("sh_H1", "sh_H2", "gap_F", "gap_M", "ret", "entry_F", "entry_M"),
    *("mil_1", "mil_2", "mil_2c"),
    *("Acc", "Q_H1", "theta", "scope"),
    *("Pi_L", "Pi_H", "gov", "CS_1", "CS_2", "X"),
    *("payoff_L", "payoff_H", "profit_T_F", "profit_T_M"),
)
W_A, W_C, K_H = (METRICS.index(name) for name in ("W_A", "W_C", "K_H"))
T_F, T_M = METRICS.index("profit_T_F"), METRICS.index("profit_T_M")


# ---------------------------------------------------------------------------------------------
# The model. Every function below works on floats, compiled or not.


def cournot(m, Z, c1, c2):
    """Price and outputs of two firms facing price Z - Q / m."""
    if c1 >= Z and c2 >= Z:
        return Z, 0.0, 0.0
    p1 = 0.5 * (Z + c1)
    p2 = 0.5 * (Z + c2)
    if c2 >= p1:
        return p1, m * (p1 - c1), 0.0
    if c1 >= p2:
        return p2, 0.0, m * (p2 - c2)
    p = (Z + c1 + c2) / 3.0
    return p, m * (p - c1), m * (p - c2)


def alone(m, Z, c):
    """Price and output of a single firm."""
    if c >= Z:
        return Z, 0.0
    p = 0.5 * (Z + c)
    return p, m * (p - c)


def segment(par, r, frontier, second, cut_off, cL, K, b):
    """One segment of the restricted state's market in one period.

    Returns price, units of L, H, T and smugglers, profits of L, H, T, tax revenue, H's cost.
    """
    if frontier:
        m, g, chi, z, k = par.mF, par.gF, par.chiF, r.z_F, r.k_F
    else:
        m, g, chi, z, k = par.mM, par.gM, par.chiM, r.z_M, r.k_M
    both = r.k_F > 0 and r.k_M > 0
    wedge, tax = r.prisk + r.tax, r.tax
    if cut_off:
        k, both, wedge, tax, b = 1.0, True, 0.0, 0.0, 0.0
    tools = z * chi
    if second:
        tools = tools * (1.0 - par.rhoT)
    cH = max(0.02, par.c_L + g + tools - K)
    cT = par.c_L + par.tauT

    if k <= 0:
        p, qL, qH = cournot(m, 1.0, cL + wedge, cH)
        return p, qL, qH, 0.0, 0.0, (p - cL - wedge) * qL, (p - cH) * qH, 0.0, tax * qL, cH

    _, f, _ = cournot(m, 1.0, cL, cH)
    qL = (1.0 - k) * f
    w = par.leak * k * f
    if both:
        w = w * (1.0 + par.spread)
    Z = 1.0 - (qL + w) / m
    if b > 0:
        p, qH, qT = cournot(m, Z, cH, cT)
    else:
        p, qH = alone(m, Z, cH)
        qT = 0.0
    return p, qL, qH, qT, w, (p - cL) * qL, (p - cH) * qH, (p - cT) * qT, 0.0, cH


def abroad(par, r, cL2, K):
    """Profits of L and H in the rest of the world in period 2."""
    p, q = alone((1.0 - par.omega) * par.mR, 1.0, cL2)
    captive = (p - cL2) * q
    cH = max(0.02, par.c_L + par.gM - K + r.z_M * par.chiM * (1.0 - par.rhoT))
    p, qL, qH = cournot(par.omega * par.mR, 1.0, cL2, cH)
    return captive + (p - cL2) * qL, (p - cH) * qH


def inherited(par, r, s, e_F, e_M):
    """Return what the challenger knows before research, and its research productivity."""
    made = everywhere = licensed = 0.0
    for frontier in (True, False):
        e = e_F if frontier else e_M
        _, qL, qH, qT, w, _, _, _, _, _ = segment(par, r, frontier, False, False, par.c_L, 0.0, e)
        made += qH
        licensed += qL
        everywhere += qL + qH + qT + w
    access = licensed / everywhere if everywhere > 0 else 0.0
    theta = (1.0 + (par.align - 1.0) * r.threat) * (1.0 - par.lazy * s * (1.0 - r.threat))
    return par.lam * made + par.beta * r.factor * access, theta


def second_period(par, r, e_F, e_M, x_L, K):
    """Profits of L and H in period 2, at home and abroad, before research costs."""
    cL2 = max(0.02, par.c_L - x_L)
    profit_L, profit_H = abroad(par, r, cL2, K)
    for frontier in (True, False):
        e = e_F if frontier else e_M
        _, _, _, _, _, more_L, more_H, _, _, _ = segment(par, r, frontier, True, False, cL2, K, e)
        profit_L += more_L
        profit_H += more_H
    return profit_L, profit_H


def everything(par, r, s, b_F, b_M, x_L, x_H):
    """Return all metrics, in the order of METRICS."""
    e_F = b_F if r.k_F > 0 else 0.0
    e_M = b_M if r.k_M > 0 else 0.0
    base, theta = inherited(par, r, s, e_F, e_M)
    K = base + theta * x_H
    cL2 = max(0.02, par.c_L - x_L)

    home_L = home_H = made = licensed = units_1 = mil_1 = CS_1 = gov = 0.0
    profit_T_F = profit_T_M = 0.0
    for frontier in (True, False):
        e, mu = (e_F, par.muF) if frontier else (e_M, par.muM)
        p, qL, qH, qT, w, piL, piH, piT, tax, _ = segment(
            par, r, frontier, False, False, par.c_L, 0.0, e
        )
        units = qL + qH + qT + w
        home_L, home_H = home_L + piL, home_H + piH
        made, licensed, units_1 = made + qH, licensed + qL, units_1 + units
        mil_1, CS_1, gov = mil_1 + mu * units, CS_1 + 0.5 * (1.0 - p) * units, gov + tax
        if frontier:
            profit_T_F += piT
        else:
            profit_T_M += piT
    p, q = alone(par.mR, 1.0, par.c_L)
    home_L += (p - par.c_L) * q

    later_L, later_H = abroad(par, r, cL2, K)
    made_2 = units_2 = mil_2 = mil_2c = CS_2 = gap_F = gap_M = 0.0
    for frontier in (True, False):
        e, mu = (e_F, par.muF) if frontier else (e_M, par.muM)
        p, qL, qH, qT, w, piL, piH, piT, tax, cH = segment(par, r, frontier, True, False, cL2, K, e)
        units = qL + qH + qT + w
        later_L, later_H = later_L + piL, later_H + piH
        made_2, units_2, mil_2 = made_2 + qH, units_2 + units, mil_2 + mu * units
        CS_2, gov = CS_2 + 0.5 * (1.0 - p) * units, gov + par.delta * tax
        if frontier:
            profit_T_F += par.delta * piT
            gap_F = cH - cL2
        else:
            profit_T_M += par.delta * piT
            gap_M = cH - cL2
        _, qL, qH, qT, w, _, _, _, _, _ = segment(par, r, frontier, True, True, cL2, K, 0.0)
        mil_2c += mu * (qL + qH + qT + w)

    access = licensed / units_1 if units_1 > 0 else 0.0
    able = par.M0 + par.kapL * x_L
    P_1, P_2, P_2c = par.M0 / (par.M0 + mil_1), able / (able + mil_2), able / (able + mil_2c)
    X = par.h * P_1 + (1.0 - par.h) * ((1.0 - par.crisis) * P_2 + par.crisis * P_2c)
    leverage = 1.0 - mil_2c / mil_2 if mil_2 > 0 else 0.0

    scope = par.mF * (r.k_F + r.z_F / 4.0) + par.mM * (r.k_M + r.z_M / 4.0)
    ret = 1.0 if scope > 0 and par.b_ret * scope > par.r0 + par.r1 * access else 0.0
    cost_L, cost_H = par.gamL * x_L * x_L / 2.0, par.gamH * x_H * x_H / 2.0
    Pi_L = home_L + par.delta * (later_L - cost_L)
    Pi_H = home_H + par.delta * (later_H - cost_H)
    econ = Pi_L + gov - (1.0 + par.delta) * (par.enf * scope + par.Rcost * ret)
    security = par.Om * X
    welfare_C = (
        Pi_H
        + CS_1
        + par.delta * CS_2
        - par.eta * par.delta * s * cost_H
        - ret * (par.r0 + par.r1 * access - par.b_ret * scope)
        - par.OmC * X
    )
    # In two parts: the compiler takes no tuple of more than thirty.
    states = (
        econ + security,
        welfare_C,
        econ,
        security,
        K,
        P_1,
        P_2,
        P_2c,
        leverage,
        made / units_1 if units_1 > 0 else 0.0,
        made_2 / units_2 if units_2 > 0 else 0.0,
        gap_F,
        gap_M,
        ret,
        e_F,
        e_M,
    )
    return states + (  # noqa: RUF005
        mil_1,
        mil_2,
        mil_2c,
        access,
        made,
        theta,
        scope,
        Pi_L,
        Pi_H,
        gov,
        CS_1,
        CS_2,
        X,
        home_L + par.delta * (later_L - (1.0 - r.s_A) * cost_L),
        home_H + par.delta * (later_H - (1.0 - s) * cost_H),
        b_F * (profit_T_F - par.Phi),
        b_M * (profit_T_M - par.Phi),
    )


# ---------------------------------------------------------------------------------------------
# Research


def objective(par, r, s, e_F, e_M, base, theta, for_L, own, other):
    """A firm's period-2 profit net of its research cost and subsidy."""
    if for_L:
        profit, _ = second_period(par, r, e_F, e_M, own, base + theta * other)
        return profit - (1.0 - r.s_A) * par.gamL * own * own / 2.0
    _, profit = second_period(par, r, e_F, e_M, other, base + theta * own)
    return profit - (1.0 - s) * par.gamH * own * own / 2.0


def best_reply(par, r, s, e_F, e_M, base, theta, for_L, other, cells):
    """Return the best own research and its value."""
    high = X_L_MAX if for_L else X_H_MAX
    step = high / cells
    before = -1e300
    here = objective(par, r, s, e_F, e_M, base, theta, for_L, 0.0, other)
    best, best_value = 0.0, here
    for i in range(cells + 1):
        x = i * step
        after = -1e300
        if i < cells:
            after = objective(par, r, s, e_F, e_M, base, theta, for_L, x + step, other)
        if here >= before and here >= after:
            a, b = max(0.0, x - step), min(high, x + step)
            golden = 0.6180339887498949
            u, v = b - golden * (b - a), a + golden * (b - a)
            fu = objective(par, r, s, e_F, e_M, base, theta, for_L, u, other)
            fv = objective(par, r, s, e_F, e_M, base, theta, for_L, v, other)
            for _ in range(45):
                if fu >= fv:
                    b, v, fv = v, u, fu
                    u = b - golden * (b - a)
                    fu = objective(par, r, s, e_F, e_M, base, theta, for_L, u, other)
                else:
                    a, u, fu = u, v, fv
                    v = a + golden * (b - a)
                    fv = objective(par, r, s, e_F, e_M, base, theta, for_L, v, other)
            y = 0.5 * (a + b)
            fy = objective(par, r, s, e_F, e_M, base, theta, for_L, y, other)
            # Golden section stops at the square root of the precision; inside a piece the
            # objective is a parabola, whose vertex is known exactly.
            d = 1e-3
            for _ in range(3):
                if y - d > 0.0 and y + d < high:
                    lo = objective(par, r, s, e_F, e_M, base, theta, for_L, y - d, other)
                    hi = objective(par, r, s, e_F, e_M, base, theta, for_L, y + d, other)
                    bend = lo - 2.0 * fy + hi
                    if bend < 0.0:
                        vertex = y + 0.5 * d * (lo - hi) / bend
                        if abs(vertex - y) < 2e-7:
                            y = vertex
                            fy = objective(par, r, s, e_F, e_M, base, theta, for_L, y, other)
                            break
                d = 0.1 * d
            if x == 0.0 or x == high:
                edge = objective(par, r, s, e_F, e_M, base, theta, for_L, x, other)
                if edge >= fy - 1e-15:
                    y, fy = x, edge
            if fy > best_value:
                best, best_value = y, fy
        before, here = here, after
    return best, best_value


def composed(par, r, s, e_F, e_M, base, theta, x_H, cells):
    """Return L's best reply to x_H, and H's best reply to that."""
    x_L, _ = best_reply(par, r, s, e_F, e_M, base, theta, True, x_H, cells)
    reply, _ = best_reply(par, r, s, e_F, e_M, base, theta, False, x_L, cells)
    return x_L, reply


def iterate(par, r, s, e_F, e_M, start, cells):
    """Iterate best replies from x_H = start; return x_L, x_H and the last step."""
    base, theta = inherited(par, r, s, e_F, e_M)
    x_H = start
    x_L, step = 0.0, 1.0
    for _ in range(300):
        x_L, reply = composed(par, r, s, e_F, e_M, base, theta, x_H, cells)
        step = abs(reply - x_H)
        x_H = reply
        if step < 1e-13:
            break
    return x_L, x_H, step


MODEL = (
    "cournot",
    "alone",
    "segment",
    "abroad",
    "inherited",
    "second_period",
    "everything",
    "objective",
    "best_reply",
    "composed",
    "iterate",
)


@cache
def compiled() -> Mapping[str, Callable[..., Any]]:
    """Return the functions above, compiled: the same code, some forty times faster."""
    import numba

    scope = dict(globals())
    for name in MODEL:
        plain = FunctionType(globals()[name].__code__, scope, name)
        scope[name] = numba.njit(plain)
    return scope


def evaluate(
    par: Calibration | Mapping[str, float],
    regime: str | Controls,
    s: float,
    b_F: float,
    b_M: float,
    x_L: float,
    x_H: float,
) -> dict[str, float]:
    """Return every metric of a play, in plain Python. Objectives of T_j count the entry cost."""
    if not isinstance(par, Calibration):
        par = Calibration(**par)
    r = REGIMES[regime] if isinstance(regime, str) else regime
    values = everything(par, r, s, b_F, b_M, x_L, x_H)
    return dict(zip(METRICS, values, strict=True)) | {"x_L": x_L, "x_H": x_H, "s": s}


CELLS = 120

Play = tuple[tuple[float, float, float], ...]
"""A research equilibrium: (probability, x_L, x_H), one row if it is pure."""


class Node(NamedTuple):
    """The research game that follows a regime, a subsidy and the entries."""

    par: Calibration
    r: Controls
    s: float
    e_F: float
    e_M: float

    @property
    def inherited(self) -> tuple[float, float]:
        """The challenger's stock before research, and its research productivity."""
        return compiled()["inherited"](self.par, self.r, self.s, self.e_F, self.e_M)

    def composed(self, x_H: float) -> tuple[float, float]:
        """L's best reply to x_H, and H's best reply to that."""
        return compiled()["composed"](*self, *self.inherited, x_H, CELLS)

    def reply_to_mix(self, for_L: bool, mix: list[tuple[float, float]]) -> float:
        """Return a firm's best reply to a mixture of the other's research."""
        value = compiled()["objective"]
        base, theta = self.inherited

        def expected(x: float) -> float:
            return sum(q * value(*self, base, theta, for_L, x, y) for q, y in mix)

        return maximize(expected, 0.0, X_L_MAX if for_L else X_H_MAX, CELLS)[0]

    def regret(self, play: Play) -> float:
        """Return the most that a firm gains by deviating alone from a play."""
        value = compiled()["objective"]
        base, theta = self.inherited
        worst = 0.0
        for for_L, high in ((True, X_L_MAX), (False, X_H_MAX)):
            rows = [(q, x_L, x_H) if for_L else (q, x_H, x_L) for q, x_L, x_H in play]

            def expected(x: float, rows=rows, for_L=for_L) -> float:
                return sum(q * value(*self, base, theta, for_L, x, y) for q, _, y in rows)

            now = sum(q * value(*self, base, theta, for_L, x, y) for q, x, y in rows)
            worst = max(worst, maximize(expected, 0.0, high, CELLS)[1] - now)
        return worst


def node(par: Calibration, r: Controls, s: float, b_F: float, b_M: float) -> Node:
    """Return the research game; entry into an open segment has no effect."""
    return Node(par, r, float(s), float(b_F if r.k_F > 0 else 0), float(b_M if r.k_M > 0 else 0))


def research(
    par: Calibration, r: Controls, s: float, b_F: float, b_M: float, *, start: float = 0.0
) -> Play:
    """Return one research equilibrium: where best replies from ``start`` lead, or the first."""
    game = node(par, r, s, b_F, b_M)
    x_L, x_H, step = compiled()["iterate"](*game, start, CELLS)
    if step < 1e-9:
        return ((1.0, x_L, x_H),)
    found = all_research(par, r, s, b_F, b_M)
    return found[0] if found else both_mix(game, x_L, x_H)


def all_research(
    par: Calibration, r: Controls, s: float, b_F: float, b_M: float, *, points: int = 601
) -> list[Play]:
    """Return every research equilibrium found, the pure ones by x_H first.

    They are the fixed points of the composed reply. Where it jumps down over the diagonal there
    is none; then one firm mixes over the two ends of its own jump, so that the other's reply
    stays at the jump.
    """
    game = node(par, r, s, b_F, b_M)

    def gap(x: float) -> float:
        return game.composed(x)[1] - x

    samples = [(x, gap(x)) for x in (X_H_MAX * i / (points - 1) for i in range(points))]
    # Where the reply is steep and near the diagonal, cells are halved: next to a jump there may
    # be a fixed point, or a pair of them.
    cells, fine = list(pairwise(samples))[::-1], [samples[0]]
    while cells:
        (a, gap_a), (b, gap_b) = cells.pop()
        replies = sorted((a + gap_a, b + gap_b))
        steep = (replies[1] - replies[0]) / (b - a)
        near = replies[0] <= b and replies[1] >= a
        if near and steep > 0.5 and b - a > (1e-9 if steep > 4 else 1e-5):
            middle = (0.5 * (a + b), gap(0.5 * (a + b)))
            cells += [(middle, (b, gap_b)), ((a, gap_a), middle)]
        else:
            fine.append((b, gap_b))

    roots = [x for x, y in fine if abs(y) < 1e-12]
    mixed: list[Play] = []
    for (a, gap_a), (b, gap_b) in pairwise(fine):
        if gap_a * gap_b >= 0:
            continue
        if gap_a < 0 and b - a < 1e-8 and gap_b - gap_a > 1e-6:
            continue  # a jump up: no mixture of its ends lies on the diagonal
        for _ in range(60):
            middle = 0.5 * (a + b)
            here = gap(middle)
            if (here > 0) == (gap_a > 0):
                a, gap_a = middle, here
            else:
                b, gap_b = middle, here
        # On the locus where the challenger leaves a segment, its reply is known to 1e-8 only.
        if min(abs(gap_a), abs(gap_b)) < 1e-6:
            roots.append(a if abs(gap_a) < abs(gap_b) else b)
        else:
            play = _mixture(game, a, b)
            if game.regret(play) < 1e-12:
                mixed.append(play)
    pure: list[Play] = []
    for root in sorted(roots):
        if not pure or root - pure[-1][0][2] > 1e-5:
            pure.append(((1.0, game.composed(root)[0], root),))
    return pure + mixed


def _mixture(game: Node, a: float, b: float) -> Play:
    """Return the play of least regret near a jump of the composed reply between a and b.

    One firm mixes over the two ends of its jump. Where the other's reply to the mixture jumps
    too, no such play is an equilibrium, as its regret shows.
    """
    (L_a, H_a), (L_b, H_b) = game.composed(a), game.composed(b)
    middle = 0.5 * (a + b)
    L_jumps = abs(L_a - L_b) > 1e-5

    def play(q: float) -> Play:
        if L_jumps:
            return ((1 - q, L_a, middle), (q, L_b, middle))
        return ((1 - q, L_a, H_a), (q, L_a, H_b))

    def miss(q: float) -> float:
        if L_jumps:
            return game.reply_to_mix(False, [(1 - q, L_a), (q, L_b)]) - middle
        return game.reply_to_mix(True, [(1 - q, H_a), (q, H_b)]) - L_a

    low, high, falls = 0.0, 1.0, miss(0.0) > 0
    for _ in range(50):
        q = 0.5 * (low + high)
        if (miss(q) > 0) == falls:
            low = q
        else:
            high = q
    return min((play(0.0), play(low), play(high), play(1.0)), key=game.regret)


def both_mix(game: Node, x_L: float, x_H: float) -> Play:
    """Return an equilibrium in which both firms may mix, by adding best replies to small games.

    From two actions on, the finite game among the actions kept is solved over all supports of
    equal size up to three, and the best replies to its equilibrium are added, until they gain
    less than 1e-12. What has not been used three times in a row is dropped.
    """
    import numpy as np

    value = compiled()["objective"]
    base, theta = game.inherited
    sides: tuple[list[float], list[float]] = ([x_L], [x_H])
    idle: dict[float, int] = {}
    for _ in range(200):
        cells = [[(x, y) for y in sides[1]] for x in sides[0]]
        pay_L = [[value(*game, base, theta, True, x, y) for x, y in row] for row in cells]
        pay_H = [[value(*game, base, theta, False, y, x) for x, y in row] for row in cells]
        mixes = _small_equilibrium(np.array(pay_L), np.array(pay_H))
        kept = [
            [(float(q), x) for q, x in zip(mix, side, strict=True) if q > 1e-13]
            for mix, side in zip(mixes, sides, strict=True)
        ]
        play = tuple((p * q, x, y) for p, x in kept[0] for q, y in kept[1])
        if game.regret(play) < 1e-12:
            return play
        for own, other in ((0, 1), (1, 0)):
            reply = game.reply_to_mix(own == 0, kept[other])
            used = {x for _, x in kept[own]}
            for x in list(sides[own]):
                idle[x] = 0 if x in used else idle.get(x, 0) + 1
                if idle[x] > 3:
                    sides[own].remove(x)
            if min(abs(reply - x) for x in sides[own]) > 1e-12:
                sides[own].append(reply)
    raise ArithmeticError(f"no research equilibrium found at {game}")


def _small_equilibrium(pay_L: Any, pay_H: Any) -> tuple[Any, Any]:
    """Return the equilibrium of least regret of a bimatrix game, supports of up to three."""
    import numpy as np

    def weights(block: Any) -> Any:
        """Return the mixture of columns that makes all rows of the block equally good."""
        size = len(block)
        system = np.ones((size + 1, size + 1))
        system[:size, :size], system[:size, size], system[size, size] = block, -1.0, 0.0
        return np.linalg.solve(system, np.eye(size + 1)[size])[:size]

    best, least = None, np.inf
    for size in range(1, 1 + min(3, *pay_L.shape)):
        for rows in combinations(range(pay_L.shape[0]), size):
            for columns in combinations(range(pay_L.shape[1]), size):
                x, y = np.zeros(pay_L.shape[0]), np.zeros(pay_L.shape[1])
                try:
                    x[list(rows)] = weights(pay_H[np.ix_(rows, columns)].T)
                    y[list(columns)] = weights(pay_L[np.ix_(rows, columns)])
                except np.linalg.LinAlgError:
                    continue
                if min(x.min(), y.min()) < 0:
                    continue
                values_L, values_H = pay_L @ y, x @ pay_H
                regret = max(values_L.max() - x @ values_L, values_H.max() - values_H @ y)
                if regret < least:
                    best, least = (x, y), regret
        if least < 1e-15:
            break
    assert best is not None  # every pure profile is a candidate
    return best


# ---------------------------------------------------------------------------------------------
# Response


def outcome(
    par: Calibration, r: Controls, s: float, b_F: float, b_M: float
) -> tuple[tuple[float, ...], float, float]:
    """Return the (expected) metrics after s, b_F, b_M, with research solved, and x_L, x_H."""
    play = research(par, r, s, b_F, b_M)
    rows = [
        (q, (*compiled()["everything"](par, r, s, float(b_F), float(b_M), x_L, x_H), x_L, x_H))
        for q, x_L, x_H in play
    ]
    values = [sum(q * row[i] for q, row in rows) for i in range(len(METRICS) + 2)]
    return tuple(values[:-2]), values[-2], values[-1]


def maximize(
    value: Callable[[float], float], low: float, high: float, cells: int
) -> tuple[float, float]:
    """Return the best point: a grid, and golden section at each of its good local maxima.

    Local maxima of the grid that are below the top by more than a twentieth of the grid's range
    of values are not refined.
    """
    grid = [low + (high - low) * i / cells for i in range(cells + 1)]
    values = [value(x) for x in grid]
    bar = max(values) - 0.05 * (max(values) - min(values))
    best, best_value = max(zip(grid, values, strict=True), key=lambda pair: pair[1])
    for i, (x, y) in enumerate(zip(grid, values, strict=True)):
        sides = values[max(0, i - 1) : i] + values[i + 1 : i + 2]
        if y < max(sides) or y < bar:
            continue
        a, b = grid[max(0, i - 1)], grid[min(cells, i + 1)]
        golden = 0.6180339887498949
        u, v = b - golden * (b - a), a + golden * (b - a)
        fu, fv = value(u), value(v)
        for _ in range(36):
            if fu >= fv:
                b, v, fv = v, u, fu
                u = b - golden * (b - a)
                fu = value(u)
            else:
                a, u, fu = u, v, fv
                v = a + golden * (b - a)
                fv = value(v)
        for z, fz in ((u, fu), (v, fv), (x, y)):
            if fz > best_value:
                best, best_value = z, fz
    return best, best_value


def best_subsidy(
    par: Calibration, r: Controls, b_F: float, b_M: float, *, cells: int = 90
) -> tuple[float, float]:
    """Return C's best subsidy share against an entry profile, and its welfare."""
    return maximize(lambda s: outcome(par, r, s, b_F, b_M)[0][W_C], 0.0, S_MAX, cells)


def entries(r: Controls, allies: str) -> list[tuple[float, float]]:
    """Return the entry profiles that the alliance leaves open."""
    choices = []
    for controlled in (r.k_F > 0, r.k_M > 0):
        if not controlled or allies == "aligned":
            choices.append((0.0,))
        else:
            choices.append((1.0,) if allies == "backfill" else (0.0, 1.0))
    return list(product(*choices))


def solve_response(
    par: Calibration, regime: str | Controls, allies: str = "endogenous", *, cells: int = 90
) -> list[dict[str, Any]]:
    """Return every pure equilibrium of the response stage, research solved, with all metrics."""
    r = REGIMES[regime] if isinstance(regime, str) else regime
    profiles = entries(r, allies)
    found = []
    for b_F, b_M in profiles:
        s, _ = best_subsidy(par, r, b_F, b_M, cells=cells)
        values, x_L, x_H = outcome(par, r, s, b_F, b_M)
        gains = []
        for other, index in (((1 - b_F, b_M), T_F), ((b_F, 1 - b_M), T_M)):
            if other in profiles:
                gains.append(outcome(par, r, s, *other)[0][index] - values[index])
        if all(gain <= 1e-12 for gain in gains):
            metrics = dict(zip(METRICS, values, strict=True))
            found.append(metrics | {"s": s, "x_L": x_L, "x_H": x_H, "b_F": b_F, "b_M": b_M})
    return found


def mixed_frontier_entry(
    par: Calibration, regime: str | Controls, *, cells: int = 90
) -> tuple[float, float] | None:
    """Return (probability that T_F enters, s) where T_F is indifferent and C replies best.

    For regimes that control the frontier alone.
    """
    r = REGIMES[regime] if isinstance(regime, str) else regime

    def best(q: float) -> float:
        def value(s: float) -> float:
            into, out = outcome(par, r, s, 1.0, 0.0), outcome(par, r, s, 0.0, 0.0)
            return q * into[0][W_C] + (1 - q) * out[0][W_C]

        return maximize(value, 0.0, S_MAX, cells)[0]

    def gain(s: float) -> float:
        return outcome(par, r, s, 1.0, 0.0)[0][T_F]

    low, high = 0.0, 1.0
    at_low, at_high = gain(best(low)), gain(best(high))
    if at_low * at_high > 0:
        return None
    for _ in range(30):
        middle = 0.5 * (low + high)
        if (gain(best(middle)) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    q = 0.5 * (low + high)
    return q, best(q)


# ---------------------------------------------------------------------------------------------
# Discretion: subsidy and entries are sunk when the regime is chosen


def late_choice(
    par: Calibration, regimes: Mapping[str, Controls], s: float, b_F: float, b_M: float
) -> tuple[str, tuple[float, ...]]:
    """Return the regime that A then likes best, and the metrics; the first of equals."""
    after = {name: outcome(par, r, s, b_F, b_M)[0] for name, r in regimes.items()}
    chosen = max(after, key=lambda name: after[name][W_A])
    return chosen, after[chosen]


def solve_discretion(
    par: Calibration,
    regimes: Mapping[str, Controls],
    allies: str = "endogenous",
    *,
    cells: int = 90,
) -> list[dict[str, Any]]:
    """Return every pure equilibrium where the regime is chosen last, with its name and metrics.

    The subsidy at which A changes its mind is a cliff of C's welfare, and C may do best right
    at it. There A is indifferent, and an equilibrium needs the tie to be broken as C likes.
    """
    open_to = {"aligned": (0.0,), "backfill": (1.0,), "endogenous": (0.0, 1.0)}[allies]
    found = []
    for b_F, b_M in product(open_to, repeat=2):

        def welfare(s: float, b_F: float = b_F, b_M: float = b_M) -> float:
            return late_choice(par, regimes, s, b_F, b_M)[1][W_C]

        s, _ = maximize(welfare, 0.0, S_MAX, cells)
        name, values = late_choice(par, regimes, s, b_F, b_M)
        gains = [
            late_choice(par, regimes, s, *other)[1][index] - values[index]
            for other, index in (((1 - b_F, b_M), T_F), ((b_F, 1 - b_M), T_M))
            if allies == "endogenous"
        ]
        if all(gain <= 1e-12 for gain in gains):
            metrics = dict(zip(METRICS, values, strict=True))
            found.append(metrics | {"regime": name, "s": s, "b_F": b_F, "b_M": b_M})
    return found
