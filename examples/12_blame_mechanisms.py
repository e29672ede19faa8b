"""Blame mechanisms: what makes broad controls build up the challenger they should hold back?"""

from highfence import progress
from highfence.study.attribution import attribute

with progress("solving all coalitions"):
    found = attribute(
        "small_yard_high_fence",
        "broad",
        "none",
        outcome="K_H",
        mechanisms=["alignment", "access_learning", "learning_by_doing", "tool_chokepoint"],
        allies="aligned",
    )

print(
    f"Broad controls change the challenger's capability by {found.full:+.3f}, and by "
    f"{found.bare:+.3f} with four mechanisms off."
)
for step in found.waterfall:
    name = found.labels[step.mechanism]
    print(f"{name} ({found.ids[step.mechanism]}): {step.change:+.3f}, to {step.end:+.3f}")

backfires = [step.mechanism for step in found.waterfall if step.change > 0]
works = [step.mechanism for step in found.waterfall if step.change < 0]
print(
    f"What backfires is {', '.join(backfires) or 'nothing'}; {', '.join(works) or 'nothing'} "
    f"works for the control; {found.bare / found.full:.0%} of the change needs none of the four."
)
