"""What share of draws a control backfires in: a reference's numbers, and how they were drawn.

The reference is a solution of the main game by other hands, on coarse grids, which is known by
the shares that it printed. It said that it drew 600 times, uniformly over the ranges of the
calibration table, with logarithmic draws of gamH, gamL, Phi and Om, and named narrower ranges of
Om and h. Over the ranges that the game declares, its shares are not met: see WIDE and NARROW.
"""

from __future__ import annotations

import numpy as np

from highfence import load
from highfence.study.draws import Draws
from highfence.study.sample import sample

FLAGSHIP = "small_yard_high_fence"
REGIMES = ("none", "small_yard", "broad")

# mM is the rest of the restricted state's market, and not drawn.
DRAWN = (
    "gF", "gM", "mF", "mR", "omega", "lam", "beta", "gamH", "gamL", "chiF", "chiM", "rhoT",
    "tauT", "Phi", "leak", "spread", "muM", "kapL", "Om", "crisis", "h", "delta", "align", "lazy",
    "r1", "Rcost",
)  # fmt: skip
LOGARITHMIC = ("gamH", "gamL", "Phi", "Om")

WIDE = {"Om": (0.5, 15.0), "h": (0.05, 0.9)}
"""Ranges other than those declared, as the reference named them."""
NARROW = {**WIDE, "omega": (0.0, 0.5), "align": (0.9, 1.6)}
"""Likewise, with two that we infer: under these all shares agree within Monte Carlo error.

They do as well with omega held at its default, 0.25."""

DRAWS = 600
# Shares of draws (small yard, broad), and of draws in which each regime is best.
REFERENCE = {
    "denial works now (P_1 > none)": (0.832, 0.778),
    "B1 capability backfire (K_H > none)": (0.545, 0.527),
    "strong (K_H > 1.5 x none)": (0.157, 0.285),
    "B2 strategic backfire (P_2 < none)": (0.112, 0.277),
    "B3 crisis backfire (P_2c < none)": (0.442, 0.520),
    "security term below none": (0.140, 0.260),
    "B4 welfare backfire (W_A < none)": (0.790, 0.948),
    "retaliation": (0.013, 1.000),
}
BEST = (0.783, 0.197, 0.020)
YARD_OVER_BROAD = 0.973

# Share of draws with K_broad > K_none among those with align below and above, as printed.
CONDITIONAL = {"align < 1.2 and beta > 0.1": 0.18, "align < 1.2": 0.23, "align > 1.4": 0.79}


def drawn(
    count: int, ranges: dict[str, tuple[float, float]] = WIDE, rng: int = 0
) -> dict[str, np.ndarray]:
    """Return draws, uniform or log-uniform, over the declared ranges but for those given."""
    game = load(FLAGSHIP)
    declared = {p.name: (float(p.low), float(p.high)) for p in game.parameters if p.name in DRAWN}
    draws = sample(game, count, rng, names=DRAWN)
    for name in {*LOGARITHMIC, *ranges}:
        low, high = declared[name]
        share = (draws[name] - low) / (high - low)
        low, high = ranges.get(name, (low, high))
        if name in LOGARITHMIC:
            draws[name] = low * (high / low) ** share
        else:
            draws[name] = low + (high - low) * share
    draws["mM"] = 1 - draws["mF"]
    return draws


def more(high: tuple[np.ndarray, np.ndarray], low: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return whether one range is above another: for sure, and possibly, shape (2, n)."""
    return np.array([high[0] > low[1], high[1] > low[0]])


def flags(found: Draws) -> dict[str, np.ndarray]:
    """Return the shares of draws: for every row of REFERENCE shape (2, regimes but the first).

    Of the draws certified under every regime. Where a regime has several equilibria a flag is up
    for sure if it is up whichever of them are played, and possibly if for some.
    """
    kept = found.certified.all(axis=1)

    def of(name: str, regime: int, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        low, high = found.column(name)
        return factor * low[kept, regime], factor * high[kept, regime]

    half = (np.full(kept.sum(), 0.5),) * 2
    rows = {}
    for k in (1, 2):
        up = (
            more(of("P_1", k), of("P_1", 0)),
            more(of("K_H", k), of("K_H", 0)),
            more(of("K_H", k), of("K_H", 0, 1.5)),
            more(of("P_2", 0), of("P_2", k)),
            more(of("P_2c", 0), of("P_2c", k)),
            more(of("security", 0), of("security", k)),
            more(of("W_A", 0), of("W_A", k)),
            more(of("ret", k), half),
        )
        for name, row in zip(REFERENCE, up, strict=True):
            rows.setdefault(name, []).append(row.mean(axis=1))
    shares = {name: np.array(pair).T for name, pair in rows.items()}
    pairs = {(k, j): more(of("W_A", k), of("W_A", j)) for k in range(3) for j in range(3) if k != j}
    shares["best"] = np.array(
        [np.all([pairs[k, j] for j in range(3) if j != k], axis=0).mean(axis=1) for k in range(3)]
    ).T
    shares["yard over broad"] = pairs[1, 2].mean(axis=1)
    return shares
