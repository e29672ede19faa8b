"""The only tolerances, each with its reason.

All are relative to a *payoff scale*: for a player, the difference between the
largest and the smallest payoff that the judge saw (1 where that is 0).
"""

from __future__ import annotations

REGRET_FLOAT = 1e-8
"""Regret of a floating-point equilibrium of a finite game.

Payoffs carry 1e-16, a linear solve of a few dozen unknowns loses at most 1e-4 of
its digits; eight digits are what every finite backend reaches after a re-check.
"""

REGRET_STAGED = 1e-6
"""Regret of an equilibrium with interval actions, judged by dense search.

A maximum found to 1e-4 of its interval loses about 1e-8 of the scale where the
payoff is smooth; cliffs and kinks are located to 1e-9 of the interval. 1e-6 leaves
room for nested stages.
"""

REGRET_BATCH = 1e-4
"""Regret to which batches of draws are certified; others are flagged."""

PROBABILITY = 1e-9
"""How far probabilities may be from summing to one, and from being nonnegative, in floats."""

SAME = 1e-6
"""Two strategy profiles closer than this (sup norm, relative to the action ranges) are one."""

TIE = 3e-3
"""Margins below this share of the largest payoff compared, in absolute value, are near ties.

The payoffs of a calibrated game rest on parameters known to a few percent at best; a
difference of .01 in a payoff of 3.47 turns over with any of them.
"""

ROUNDING = 1e-12
"""Sums of a few payoffs that differ by less than this, relative to the largest, are equal.

For float tables only (is the game zero-sum?): each payoff carries 1e-16 of itself, and
decimal inputs such as 0.1 + 0.2 - 0.3 cancel to a few of these.
"""

STEADY = 1e-9
"""How far an outcome moves over draws, relative to its size, where nothing moves it.

Equilibria are found to some ten digits, and the difference of two prices is that of theirs.
"""

NARROW = 1e-6
"""Least payoff scale, as a share of the payoffs themselves, that regret is divided by.

Subgames that are solved anew give payoffs that differ by 1e-13 to 1e-12 of their size. Where
a player's payoffs differ by no more than that, their range is no scale: rounding over
rounding would be a regret of 1.
"""

FIT = 1e-4
"""What is one in a fit: distances that differ by less, values that differ by less than this
share of their range, and directions whose slope is below this share of the steepest.

Slopes come from differences of certified answers, which are good to about six digits.
"""
