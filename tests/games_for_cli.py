"""Small games that the tests of the command line and of compare write to files."""

from __future__ import annotations

YARD = """\
name = "little_yard"
title = "A little yard"
question = "Which controls should A choose when C can answer?"
source = "made for the tests"
assumptions = ["Nothing is smuggled."]
outcomes = ["W_A", "gain", "denial"]

[players]
A = "Restricting state"
C = "Restricted state"

[parameters.stake]
value = 4
low = 0
high = 10
unit = "USD bn"
label = "What denial is worth to A"
source = "own numbers"

[parameters.cost]
value = 1
low = 0
high = 5

[parameters.timing]
value = "commitment"
choices = ["commitment", "discretion"]

[[stages]]
name = "regime"
when = "timing == 'commitment'"
[stages.decisions.regime]
player = "A"
[stages.decisions.regime.actions]
none = {scope = 0}
yard = {scope = 0.5}
wall = {scope = 1}

[[stages]]
name = "response"
[stages.decisions.response]
player = "C"
actions = ["accept", "retaliate"]

[[stages]]
name = "regime_late"
when = "timing == 'discretion'"
[stages.decisions.regime]
player = "A"
[stages.decisions.regime.actions]
none = {scope = 0}
yard = {scope = 0.5}
wall = {scope = 1}

[derived]
denial = {formula = "stake * regime.scope", label = "Denial", unit = "USD bn"}
hit = "where(response == 'retaliate', 3, 0)"
W_A = "denial - hit - cost * regime.scope ** 2"
gain = "where(response == 'retaliate', 2 * regime.scope - 1.5, 0)"

[payoffs]
A = "W_A"
C = "gain - denial"

[regimes.none]
label = "No controls"
fix = {regime = "none"}

[regimes.yard]
label = "Small yard"
fix = {regime = "yard"}

[regimes.wall]
label = "Wall"
fix = {regime = "wall"}

[presets.calm]
stake = 1

[flags]
B4 = "W_A < none.W_A"
D = "denial > none.denial"

[[narrative]]
when = "denial > 0"
text = "Denial is {denial:.1f} at stake {stake:.0f}."

[[narrative]]
when = "gain > 0"
text = "C retaliates."

[[narrative]]
when = "denial <= 0"
text = "Everything is sold."

[commitment]
player = "A"
parameter = "timing"
committed = "commitment"
discretionary = "discretion"
"""
"""A finite game in exact numbers. Under the wall C retaliates (gain 1/2 > 0), under the yard it
does not (-1/2 < 0). W_A: none 0, yard 2 - 1/4 = 7/4, wall 4 - 3 - 1 = 0: the yard wins by 7/4.
Under discretion A takes the wall whatever C did (4 - 1 = 3 beats 7/4), so C retaliates and A has 0:
commitment is worth 7/4."""

MEETING = """\
NFG 1 R "Battle" { "Row" "Column" } { { "opera" "fight" } { "opera" "fight" } }
3 2 0 0 0 0 2 3
"""
"""Battle of the sexes: two pure equilibria, and opera 3/5 against opera 2/5, worth 6/5 each."""

PENNIES = """\
NFG 1 R "Pennies" { "Even" "Odd" } { { "heads" "tails" } { "heads" "tails" } }
1 -1 -1 1 -1 1 1 -1
"""
