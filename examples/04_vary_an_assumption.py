"""Vary an assumption: at which quota does an export control begin to speed up catching up?"""

from highfence import load, progress, solve

game = load("captive_market_timing")


def adoption_date(regime, **assumptions):
    """Return when the restricted firm catches up, in years."""
    with progress(f"solving {regime}"):
        (equilibrium,) = solve(game, regime=regime, **assumptions).equilibria
    return equilibrium.outcomes["T"]


free = adoption_date("free_trade")
faster = []
for percent in range(0, 45, 5):
    quota = percent / 100
    years = adoption_date("quota", quota=quota)
    print(f"quota {quota:.2f}: catches up after {years:.1f} years ({years - free:+.1f})")
    if years < free:
        faster.append(quota)

print(
    f"Under free trade it takes {free:.1f} years. Of these quotas only those up to "
    f"{max(faster):.2f} speed it up; looser ones delay it."
)
