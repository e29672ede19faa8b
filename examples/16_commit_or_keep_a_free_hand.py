"""Play a game on states: constant controls against a free hand, patient and impatient."""

from highfence import compare, load, progress, solve
from highfence.forms.build import build

game = load("small_yard_dynamic")

for patience in (0.9, 0.95, 0.98):
    with progress(f"comparing at discount {patience}"):
        results = compare(game, patience=patience).regimes
    values = {result.name: result.payoffs["restricting"][0] for result in results}
    free = values.pop("free")
    shown = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    print(f"Discount {patience}: {shown}; with a free hand {free:.3f}.")
    print(f"  The best promise is worth {max(values.values()) - free:+.3f} against a free hand.")

form = build(game)
(equilibrium, *_) = solve(form).equilibria
later = form.distribution(equilibrium.profile, 80)[-1]  # two moves a period: 40 periods
gaps = [float(label.split()[1].rstrip(",")) for label in form.states]
print(f"From gap 4, ecosystem 1, the gap after 40 periods is {later @ gaps:.2f} on average.")

course = form.simulate(equilibrium.profile, 12, rng=0)
print("One course of play:", "; ".join(form.states[s] for s in course.states[::2]))
