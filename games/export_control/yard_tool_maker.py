"""The flagship with a tool maker who has something to lose."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Decision, Derived, Interval, Mechanism, Parameter, Player, Sentence

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

game = vary(
    "yard_tool_maker",
    title="The tool maker's bill",
    question="Are controls on tools still the cheapest ones once the tool maker's revenue counts?",
    source="own model: the flagship, with a tool segment that has its own revenue",
    about="""
In the flagship withholding tools costs the incumbent nothing. Here a tool maker sells tools in proportion
to the chips that are made: by the incumbent everywhere, and by the challenger in every segment whose tools
are not withheld. It earns `margin` plus its own progress x_V on each, and its progress also lowers the
incumbent's cost. So withheld tools take revenue, revenue pays for progress, and progress is shared.
Its profit counts for the restricting state by `home`: 1 if it is at home, 0 if it sits abroad. With the
tool maker abroad a small yard is still better than no controls; from home = 0.06 on nothing is, as the
yard withholds tools too. Controls on tools alone, which the flagship puts close to no controls, are
behind them at every weight.""",
    regimes=("none", "small_yard", "broad", "tools_only"),
    values={"allies": "aligned"},
    parameters=[
        Parameter(
            "margin", Decimal("0.05"), 0, Decimal("0.15"), "choke price",
            "Tool maker's margin for each chip", "own choice; ASML 2024: some 36 to 41 percent of sales to China",
        ),
        Parameter(
            "gamV", 40, 20, 80, "market / choke price",
            "Curvature of the tool maker's research cost", "own choice",
        ),
        Parameter(
            "shared", Decimal("0.5"), 0, 1, "1", "Share of progress in tools that lowers the incumbent's cost",
            "own choice",
        ),
        Parameter("home", 1, 0, 1, "1", "Weight of the tool maker's profit", "own choice"),
    ],
    players=[Player("V", "Tool maker")],
    research=[Decision("V", "x_V", Interval(0, Decimal("0.1"), "choke price"), label="Tool maker: research")],
    derived={
        "cost_L[t in markets]": None,
        "cost_L_1": "c_L",
        "cost_L_2": "cost(c_L - x_L - shared * x_V)",
        "cost_L_2c": "cost_L_2",
        "made_world_1": "sold(mR, monopoly_price(1, c_L), c_L)",
        "made_world_2": "sold((1 - omega) * mR, monopoly_price(1, cost_L[2]), cost_L[2]) + sold(omega * mR, price_R, cost_L[2])",
        "tools[t in periods]": Derived(
            "made_world[t] + sum(q_L[j, t] + q_H[j, t] * (1 - regime.z[j]) for j in segments)",
            "Chips made with the tools", "market",
        ),
        "Pi_V": Derived(
            "margin * tools_1 + delta * ((margin + x_V) * tools_2 - gamV * x_V ** 2 / 2)",
            "Tool maker's profit", "choke price x market",
        ),
        "econ": "Pi_L + gov - enf * scope * (1 + delta) - Rcost * ret * (1 + delta) + home * Pi_V",
    },
    payoffs={"V": "Pi_V"},
    outcomes=["x_V", "Pi_V", "tools_2"],
    mechanisms={
        "tool_revenue": Mechanism({"home": 0, "shared": 0}, "Withheld tools cost revenue and progress", "M70"),
    },
    narrative=[Sentence("The tool maker earns {Pi_V:.3f} and advances by {x_V:.3f}.")],
    assumptions=["The challenger's other tools are bought elsewhere, at a price that stands in its costs."],
    answered=["Withholding tools costs the incumbent nothing"],
)  # fmt: skip
