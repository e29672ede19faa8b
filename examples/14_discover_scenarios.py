"""Discover scenarios: under which assumptions does a quota speed up the rival it should slow?"""

from highfence import load, progress
from highfence.report.discover_text import box_in_words
from highfence.study.discover import discover
from highfence.study.uncertainty import draw

game = load("captive_market_timing")
with progress("solving 150 draws"):
    found = discover(game, "quota.T < free_trade.T", draws=draw(game, 150), density=0.95)
box = found.boxes[0].box

print(f"Over {found.used} draws a quota speeds up catching up in {found.density:.0%}.")
print(
    f"It does so in {box.density:.0%} of cases with {box_in_words(box)}; that box holds "
    f"{box.coverage:.0%} of all cases. On draws that such a box was not made from it is right in "
    f"{found.held_out.density:.0%}."
)
