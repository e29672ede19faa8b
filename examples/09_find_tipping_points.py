"""Find tipping points: when does a small yard pay, and when is half a fence worse than none?"""

from highfence import progress
from highfence.study.tipping import tipping

with progress("looking for tipping points"):
    found = tipping("small_yard_high_fence", "h", ["none", "small_yard"], allies="aligned", grid=17)
(flip,) = found.flips
low, high = flip.near_tie
print(
    f"If allies go along, {flip.after} beats {flip.before} once the chance of a short timeline "
    f"passes {flip.at:.3f}; between {low:.2f} and {high:.2f} it is a near tie."
)

with progress("looking for what half a fence does"):
    more = tipping(
        "small_yard_high_fence",
        "k_half",
        outcome="half_fence.mil_1 - none.mil_1",
        low=0.4,
        high=0.6,
        grid=9,
    )
(climb,) = more.flips
print(
    f"If they do not, a fence that withholds more than {climb.low:.0%} of frontier sales draws a "
    f"third country in, and the military gets more than without controls ({climb.says})."
)
