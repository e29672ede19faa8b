"""Play a game on states: constant controls against a free hand, patient and impatient."""

import numpy as np

from highfence import load, solve

game = load("small_yard_dynamic")
start = game.state("gap 4, ecosystem 1")


def worth(form):
    """Return an equilibrium, and what it is worth to the restricting state."""
    (equilibrium, *_) = solve(form).equilibria
    return equilibrium.profile, equilibrium.payoffs["Restricting state"]


for discount in (0.9, 0.95, 0.98):
    patient = game.with_discount(discount)
    bound = {
        control: worth(patient.commit("Restricting state", control))[1]
        for control in ("none", "yard", "broad")
    }
    profile, free = worth(patient)
    values = ", ".join(f"{control} {value:.3f}" for control, value in bound.items())
    print(f"Discount {discount}: {values}; with a free hand {free:.3f}.")
    print(f"  The best promise is worth {max(bound.values()) - free:+.3f} against a free hand.")

profile, _ = worth(game)
later = game.distribution(profile, 80)[-1]  # two moves a period: 40 periods
gaps = np.array([float(label.split()[1].rstrip(",")) for label in game.states])
print(f"From {game.states[start]}, the gap after 40 periods is {later @ gaps:.2f} on average.")

course = game.simulate(profile, 12, rng=0)
print("One course of play:", "; ".join(game.states[s] for s in course.states[::2]))
