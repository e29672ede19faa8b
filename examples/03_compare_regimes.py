"""Compare control regimes of the main game, and say who is best served by which."""

from highfence import compare, progress

with progress("comparing regimes"):
    result = compare(
        "small_yard_high_fence", ["none", "small_yard", "broad"], allies="aligned", commitment=False
    )

for regime in result.regimes:
    low, high = regime.payoffs["A"]
    value = f"{low:.3f}" if high - low < 1e-6 else f"{low:.3f} to {high:.3f}"
    print(f"{regime.label}: worth {value} to the restricting state. {regime.says}")

best = result.best["A"]
if best.regime:
    margin = f"by {best.margin:.3f}" + (", a near tie" if best.near_tie else "")
    print(f"With allies aligned, the restricting state does best with {best.regime}, {margin}.")
else:
    print(f"With allies aligned, no regime is best for sure: {best.verdict}.")
