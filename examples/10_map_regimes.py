"""Map regimes: how much must be at stake, and how soon, before broad controls are best?"""

from highfence import progress
from highfence.study.map import regime_map

with progress("mapping regimes"):
    found = regime_map(
        "small_yard_high_fence",
        "h",
        "Om",
        ["none", "small_yard", "broad"],
        y=(1, 50),
        cells=5,
        depth=1,
        allies="aligned",
    )
print(found)

broad = [border for border in found.borders if "broad" in border.regimes]
soonest = min(border.x for border in broad)
least = min(border.y for border in broad)
print(
    f"With allies aligned, broad controls are best only where the chance of a short timeline is "
    f"above {soonest:.2f} or so and winning is worth more than {least:.0f} times the restricted "
    f"state's market; the small yard is best in {found.shares['small_yard']:.0%} of the rectangle."
)
