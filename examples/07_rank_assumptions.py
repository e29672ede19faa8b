"""Rank assumptions: on what does it hang whether broad controls strengthen the challenger?"""

from highfence import progress
from highfence.study.sensitivity import sensitivity

with progress("solving 80 draws"):
    found = sensitivity(
        "small_yard_high_fence",
        ["broad.K_H - none.K_H", "broad.W_A - none.W_A"],
        method="rank",
        draws=80,
        names=["align", "beta", "gM", "chiM", "tauT", "mF", "h", "Rcost"],
        distributions={"gamH": "loguniform(2, 8)", "Om": "loguniform(0.5, 15)"},
        ties={"mM": "1 - mF"},
    )
capability, welfare = found.targets

for about, target in (("capability", capability), ("what controls are worth", welfare)):
    print(f"Rank correlations with the change of {about}, over {target.used} draws:")
    for name in target.ranked[:4]:
        low, high = target.interval(name)
        print(f"  {name:6} {target.of(name):+.2f} ({low:+.2f} to {high:+.2f})")

low, high = capability.interval("align")
clear = "it is clear" if low > 0 else "it is not clear with so few draws"
print(
    f"That threat aligns private firms with the state (align) goes with backfire at "
    f"{capability.of('align'):+.2f}: {clear} that the essays' unmeasured assumption matters. "
    f"What broad controls are worth to the restricting state goes most with {welfare.ranked[0]}."
)
