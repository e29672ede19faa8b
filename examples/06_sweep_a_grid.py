"""Sweep a grid: how tight must a quota be before it speeds up catching up?"""

import numpy as np

from highfence import progress
from highfence.study.sweep import grid, sweep

quotas = grid({"quota": np.arange(0, 0.45, 0.05)})
with progress("sweeping quotas"):
    found = sweep("captive_market_timing", quotas, ["free_trade", "quota"])

years, _ = found.column("T")  # one row per quota, one column per regime
free, limited = years.T
for quota, under_quota in zip(found.inputs["quota"], limited, strict=True):
    print(f"quota {quota:.2f}: catches up after {under_quota:.1f} years")

speeds = found.inputs["quota"][limited < free]
best = [found.regimes[k] for k in found.best()]
wins = found.inputs["quota"][np.array(best) == "quota"]
print(
    f"Quotas up to {speeds.max():.2f} speed up catching up; yet for the exporting state itself "
    f"a quota beats free trade from {wins.min():.2f} on."
)
