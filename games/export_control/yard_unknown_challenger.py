"""The flagship where the restricting state does not know how near the challenger is."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Chance, Derived, Mechanism, Parameter, Sentence, Stage

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

game = vary(
    "yard_unknown_challenger",
    title="A fence against a challenger nobody has measured",
    question="How sure must the restricting state be that the challenger is far behind before a yard pays?",
    source="own model: the flagship, with the challenger's initial gap known to all but the restricting state",
    about="""
The challenger is near (its cost gaps are smaller by `near_by`) with probability p_near, or far (larger by
`far_by`). Everybody but the restricting state knows; it chooses a regime on its belief. A yard is worth
more against a challenger that is far: with aligned allies it is better than no controls below a belief of
0.519, and worse above. The essays' "underestimated" is a belief that is too low; it costs at most 0.030
here (a yard against a challenger that is surely near), as much as a yard gains against one that is surely
far (0.033).""",
    values={"allies": "aligned"},
    parameters=[
        Parameter("p_near", Decimal("0.3"), 0, 1, "1", "Belief that the challenger is near", "own choice"),
        Parameter(
            "near_by", Decimal("0.10"), 0, Decimal("0.15"), "choke price", "How much smaller the gaps of a near one are",
            "own choice",
        ),
        Parameter(
            "far_by", Decimal("0.05"), 0, Decimal("0.15"), "choke price", "How much larger the gaps of a far one are",
            "own choice",
        ),
    ],
    between=Stage(
        "nature",
        Chance(
            "challenger",
            {"near": {"probability": "p_near", "shift": "-near_by"},
             "far": {"probability": "1 - p_near", "shift": "far_by"}},
            "The challenger is",
        ),
    ),
    derived={
        "shift": "challenger.shift",
        "initial[j in segments]": "g[j] + shift",
        "cost_H[j in segments, t in markets]": "cost(c_L + initial[j] + regime.z[j] * chi[j] * (1 - rhoT * (t != '1')) - stock[t])",
        "cost_HR": "cost(c_L + initial[M] - K_H + regime.zM * chiM * (1 - rhoT))",
        "near": Derived("where(shift < far_by, 1, 0)", "The challenger is near", "1"),
    },
    outcomes=["near"],
    mechanisms={
        "underestimation": Mechanism({"p_near": 0}, "The challenger may be nearer than it looks", "M23"),
    },
    narrative=[Sentence("All numbers are means over what the challenger may be.")],
    assumptions=[
        "The restricted state and the firms know how far the challenger is; the restricting state learns it too late.",
    ],
)  # fmt: skip
