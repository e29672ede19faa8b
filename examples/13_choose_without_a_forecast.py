"""Choose without a forecast: is a small yard a safe bet if nobody knows the stakes or odds?"""

from highfence import load, progress
from highfence.study.robust import robust
from highfence.study.uncertainty import draw

game = load("small_yard_high_fence")
draws = draw(game, 40, names=["h", "crisis", "align"], distributions={"Om": "loguniform(1, 12)"})
with progress("solving 40 draws"):
    found = robust(game, draws, ["none", "small_yard"], beliefs={"kl": 0.1}, allies="aligned")

for criterion in ("expected payoff", "maximin", "minimax regret"):
    pick = found.picks[criterion]
    print(f"{criterion}: {found.labels[pick.regime]}, by {pick.margin:.3f}")

yard = found.winning[1]
worst = found.regret[1]
learn = found.information.partial[0]
print(
    f"With allies aligned a small yard is best in {yard.share:.0%} of {found.used} draws "
    f"({yard.interval[0]:.0%} to {yard.interval[1]:.0%}), and at most {worst:.2f} behind no "
    f"controls, which are up to {found.regret[0]:.2f} behind it. To learn {learn.parameter} first "
    f"would be worth {learn.value:.3f}, of {found.information.perfect:.3f} for everything."
)
