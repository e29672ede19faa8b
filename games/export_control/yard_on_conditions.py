"""The flagship with regimes that depend on what the other side does."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Decision, Derived, Mechanism, Parameter, Sentence

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

game = vary(
    "yard_on_conditions",
    title="A yard on conditions: lifted on catching up, or only while the other side blocks",
    question="Does a control that ends when the challenger catches up, or when its state opens up, do better than one that stays?",
    source="own model: the flagship, with a sliding scale after Miyagiwa and Ohno 1995 and reciprocity after the essays",
    about="""
Two regimes beside no controls, a small yard and broad controls. Under a sliding scale frontier chips and
tools are withheld until the challenger's capability passes K_lift, and sold again in the second period
if it does. Under reciprocity they are withheld only if the restricted state blocks the incumbent's
services, which is worth `rent` to it and costs the restricting state `harm`. In Miyagiwa and Ohno's world
a control that is lifted on catching up takes away the reason to catch up. So it is here: a challenger
that would reach 0.182 behind a yard stops at K_lift, so as not to lose its captive market, and the
restricting state gets more than by any other regime (3.484 at K_lift = 0.13, 3.452 with a yard). A mark
that is too low (0.05) is passed, and the control lifted. Reciprocity opens the other side iff the rent is
below what a yard would cost it, 0.071. With third countries free to enter (allies = endogenous) a vendor
enters, and the restricted state helps the challenger past the mark, by a subsidy of 0.516. Smaller ones,
down to 0.497, leave no equilibrium in pure efforts: if the challenger stops short, the incumbent does
so little research that passing pays; if it passes, so much that stopping pays. There it mixes the two.""",
    values={"allies": "aligned"},
    added={
        "sliding_scale": (
            "small_yard",
            {"sliding": 1},
            "Sliding scale",
            "A small yard that ends in the second period if the challenger has caught up by then.",
        ),
        "reciprocal": (
            "small_yard",
            {"reciprocal": 1},
            "Reciprocity",
            "A small yard if the restricted state blocks services, nothing if it does not.",
        ),
    },
    attributes={"sliding": 0, "reciprocal": 0},
    parameters=[
        Parameter(
            "K_lift", Decimal("0.13"), Decimal("0.02"), Decimal("0.40"), "choke price",
            "Capability at which a sliding scale ends", "own choice, near what a yard brings about",
        ),
        Parameter(
            "rent", Decimal("0.03"), 0, Decimal("0.30"), "choke price x market",
            "Restricted state's gain from blocking services", "own choice",
        ),
        Parameter(
            "harm", Decimal("0.02"), 0, Decimal("0.10"), "choke price x market",
            "Restricting state's loss from the block", "own choice",
        ),
    ],
    response=[
        Decision(
            "C", "block",
            {"open": {"blocks": 0, "label": "Let services in"},
             "block": {"blocks": 1, "label": "Block services"}},
            label="Foreign services",
        )
    ],
    derived={
        "blocked": Derived("block.blocks", "Restricted state: blocks services", "1"),
        "bites": Derived("where(regime.reciprocal > 0, block.blocks, 1)", "The control applies", "1"),
        "lifted": Derived(
            "where(regime.sliding > 0 and K_H > K_lift, 1, 0)", "The control is lifted", "1"
        ),
        "on_1": "bites",
        "on_2": "bites * (1 - lifted)",
        "on_2c": "bites",
        "k[j in segments, t in markets]": "1 if t == '2c' else regime.k[j] * on[t]",
        "wedge[t in markets]": "0 if t == '2c' else (regime.prisk + regime.tax) * on[t]",
        "entry[j in segments]": "b[j].enter * (regime.k[j] > 0) * bites",
        "enters[j in segments, t in markets]": "0 if t == '2c' else entry[j] * on[t]",
        "cost_H[j in segments, t in markets]": "cost(c_L + g[j] + regime.z[j] * on[t] * chi[j] * (1 - rhoT * (t != '1')) - stock[t])",
        "cost_HR": "cost(c_L + gM - K_H + regime.zM * on_2 * chiM * (1 - rhoT))",
        "threatened": "regime.threat * bites",
        "theta": "(1 + (align - 1) * threatened) * (1 - lazy * s * (1 - threatened))",
        "scope": "bites * sum(m[j] * (regime.k[j] + regime.z[j] / 4) for j in segments)",
        "econ": "Pi_L + gov - enf * scope * (1 + delta) - Rcost * ret * (1 + delta) - harm * blocked",
        "W_C": "Pi_H + CS_1 + delta * CS_2 - eta * delta * s * gamH * x_H ** 2 / 2 - ret * (r0 + r1 * Acc - b_ret * scope) - OmC * X + rent * blocked",
    },
    payoffs={
        "T_F": "b_F.enter * bites * (profit_T_F_1 + delta * profit_T_F_2 - Phi)",
        "T_M": "b_M.enter * bites * (profit_T_M_1 + delta * profit_T_M_2 - Phi)",
    },
    outcomes=["blocked", "bites", "lifted"],
    mechanisms={
        "reciprocity": Mechanism({"rent": 0}, "The restricted state gains by blocking services", "M36"),
    },
    narrative=[
        Sentence("The control has been lifted by the second period.", "lifted > 0.5"),
        Sentence("Services are blocked.", "blocked > 0.5"),
        Sentence("Services are let in.", "blocked <= 0.5"),
    ],
    assumptions=[
        "The challenger knows at which capability the control is lifted, and may stop just short of it.",
        "Blocking services changes nothing but the rent and the harm.",
    ],
)  # fmt: skip
