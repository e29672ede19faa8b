"""How strongly must private firms fall in with the state for the game to fit what was observed?

The essays rest on firms that rally behind the state under an outside threat, and put no number
on it. One study did measure what a control does to research: up 49 percent.
"""

from highfence import progress
from highfence.study import fit

GAME = "small_yard_high_fence"

for allies in ("endogenous", "aligned"):
    with progress(f"fitting alignment, allies {allies}"):
        found = fit(
            GAME,
            ["align"],
            ["research_response"],
            parameters={"allies": allies},
            starts=4,
        )
    (align,) = found.parameters
    (response,) = found.residuals
    says = f"the nearest, alignment {align.value:.3f} (1: none), gives {response.found[0] - 1:+.0%}"
    if found.at_jump:
        says += ", and beyond it the response jumps"
    if align.at_bound:
        says += ", and none is weak enough" if align.value == align.low else ", and more would be"
    print(f"Allies {allies}: research {response.observed - 1:+.0%} was observed; {says}.")
