"""Differentiate an equilibrium: do higher penalties lead to fewer diverted shipments?"""

from highfence.study.derivatives import derivatives

found = derivatives("enforcement_inspection", ["diverted", "inspected"], "penalty")
diverted, inspected = (found[f"{name} under penalty"] for name in ("diverted", "inspected"))

print(f"Percent per percent, by {diverted.how}:")
for name, meaning in {
    "b": "penalty if caught",
    "d": "gain from diversion",
    "e": "cost of an inspection",
}.items():
    print(
        f"  {meaning:22} diversion {diverted[name].elasticity:+.2f}, "
        f"inspection {inspected[name].elasticity:+.2f}"
    )

fewer = diverted["b"].derivative < -diverted["b"].error - 1e-9
print(
    f"A penalty 1% higher changes how often shipments are diverted by "
    f"{diverted['b'].elasticity:+.2f}% and how often they are inspected by "
    f"{inspected['b'].elasticity:+.2f}%: it "
    + ("deters diversion" if fewer else "saves inspections and deters nobody")
    + f". Inspections 1% cheaper change diversion by {-diverted['e'].elasticity:+.2f}%."
)
