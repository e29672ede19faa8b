"""In what share of draws controls backfire in the main game, beside the shares of a reference.

The reference (:mod:`reference_shares`) printed shares over 600 draws. Over the declared ranges
broad controls backfire more often in ours: the more of the rest of the world is open to the
challenger (omega, declared from 0 to 1), the more often. With omega up to 0.5, or held at 0.25,
the shares come close. What the reference printed of parts of its draws says what is left: of those
with an alignment below 1.2 it counted fewer backfires than there are between 1 and 1.2, the
lowest value declared, so it drew lower ones. With align from 0.9 as well, all shares are met.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from highfence import load
from highfence.study import Draws, rank_correlations, solve_draws
from reference_shares import (
    BEST,
    CONDITIONAL,
    DRAWS,
    FLAGSHIP,
    NARROW,
    REFERENCE,
    REGIMES,
    WIDE,
    YARD_OVER_BROAD,
    drawn,
    flags,
)

pytestmark = pytest.mark.slow

CAPABILITY = "B1 capability backfire (K_H > none)"


@cache
def solved(declared: bool) -> tuple[dict[str, np.ndarray], Draws]:
    """Return draws over the declared or the narrower ranges, and their answers."""
    count, ranges, rng = (300, WIDE, 0) if declared else (DRAWS, NARROW, 2)
    draws = drawn(count, ranges, rng)
    return draws, solve_draws(load(FLAGSHIP), draws, REGIMES, allies="endogenous")


def apart(shares: np.ndarray, reference: float, count: int) -> float:
    """Return how far a share (its bounds) is from the reference's, in standard errors of both."""
    low, high = shares
    nearest = min(max(reference, low), high)
    pooled = (count * nearest + DRAWS * reference) / (count + DRAWS)
    error = np.sqrt(max(pooled * (1 - pooled), 1e-4) * (1 / count + 1 / DRAWS))
    return abs(nearest - reference) / error


def all_apart(found: Draws) -> dict[str, float]:
    """Return every share's distance from the reference, by name and regime."""
    shares, count = flags(found), int(found.certified.all(axis=1).sum())
    distances = {
        f"{name}, {regime}": apart(shares[name][:, k], row[k], count)
        for name, row in REFERENCE.items()
        for k, regime in enumerate(REGIMES[1:])
    }
    for k, regime in enumerate(REGIMES):
        distances[f"{regime} is best"] = apart(shares["best"][:, k], BEST[k], count)
    distances["yard over broad"] = apart(shares["yard over broad"], YARD_OVER_BROAD, count)
    return distances


def backfires(found: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return which draws are certified under all regimes, and in which of these K_H rises."""
    low, high = found.column("K_H")
    kept = found.certified.all(axis=1)
    return kept, low[kept, 2] > high[kept, 0]


def test_all_shares_of_the_reference_are_met_over_narrower_ranges():
    """Twenty shares of 600 draws beside 600: two to three of them 2 standard errors apart."""
    _, found = solved(declared=False)
    distances = all_apart(found)

    assert found.certified.mean() > 0.95
    assert len(distances) == 20
    assert max(distances.values()) < 2.6, distances
    assert np.sqrt(np.mean(np.square(list(distances.values())))) < 1.3, distances


def test_over_the_declared_ranges_broad_controls_backfire_more_often():
    draws, found = solved(declared=True)
    distances = all_apart(found)
    kept, up = backfires(found)
    omega = draws["omega"][kept]

    assert distances[f"{CAPABILITY}, broad"] > 3
    assert distances["B3 crisis backfire (P_2c < none), broad"] > 3
    assert up[omega > 0.75].mean() > up[omega < 0.25].mean() + 0.15


def test_backfire_by_alignment_is_that_of_the_reference_only_with_lower_alignments():
    narrow, found = solved(declared=False)
    kept, up = backfires(found)
    align, beta = narrow["align"][kept], narrow["beta"][kept]
    parts = {
        "align < 1.2 and beta > 0.1": (align < 1.2) & (beta > 0.1),
        "align < 1.2": align < 1.2,
        "align > 1.4": align > 1.4,
    }

    assert set(parts) == set(CONDITIONAL)
    for name, part in parts.items():
        assert up[part].mean() == pytest.approx(CONDITIONAL[name], abs=0.08), name
    between = (align >= 1) & (align < 1.2)
    assert up[between].mean() > up[align < 1.2].mean() + 0.03


def test_what_capability_goes_with_over_the_narrower_ranges():
    """The reference names align +.50, gamH -.39 and beta -.36 first."""
    draws, found = solved(declared=False)
    kept = found.certified.all(axis=1)
    middle = sum(found.column("K_H"))[kept] / 2
    ranks = rank_correlations(
        {name: column[kept] for name, column in draws.items() if name != "mM"},
        middle[:, 2] - middle[:, 0],
    )

    assert set(ranks.ranked[:3]) == {"align", "gamH", "beta"}
    assert ranks.of("align") == pytest.approx(0.50, abs=0.1)
    assert ranks.of("gamH") == pytest.approx(-0.39, abs=0.1)
    assert ranks.of("beta") == pytest.approx(-0.36, abs=0.1)
