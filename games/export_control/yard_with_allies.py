"""The flagship with three allies, each of whom decides about the frontier."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Decision, Derived, Mechanism, Parameter, Player, Sentence

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

MOVES = {
    "stay": {"enter": 0, "when": "allies != 'backfill' or regime.kF <= 0", "label": "Align"},
    "enter": {"enter": 1, "when": "allies != 'aligned' and regime.kF > 0", "label": "Backfill"},
}

game = vary(
    "yard_with_allies",
    title="A fence that three allies must hold",
    question="How many of three allies hold the fence, and what keeps them?",
    source="own model: the flagship, with three third-country vendors at the frontier",
    about="""
Three vendors of allied countries decide, each for itself, whether to sell at the frontier where the
incumbent may not. Each that enters pays Phi and shares the market with the others and the challenger;
each loses `stake` for every unit of military use in the two periods. By default one enters and two hold
the fence (which one is not determined; there are also mixtures, in which nearly two enter on average). One
is enough: what the restricting state gets is what it gets in the flagship with its single vendor. With a
penalty of 0.01 all three enter, with 0.045 nobody. The allies' own stake does not help, even at 0.2: it is
a public good, and the one who enters gains more than it loses itself.""",
    players=[Player("T_2", "Second ally"), Player("T_3", "Third ally")],
    parameters=[
        Parameter(
            "stake", Decimal("0.01"), 0, Decimal("0.2"), "choke price", "An ally's loss for each unit of military use",
            "own choice",
        ),
    ],
    response=[
        Decision("T_2", "b_2", MOVES, label="Second ally"),
        Decision("T_3", "b_3", MOVES, label="Third ally"),
    ],
    functions={
        # A challenger with unit cost c1 and n vendors with c2 each face price Z - Q/m.
        "crowded_price(Z, c1, c2, n)": "where(n <= 0, monopoly_price(Z, c1), where(min(c1, c2) >= Z, Z, where(c2 >= (Z + c1) / 2, (Z + c1) / 2, where(c1 >= (Z + n * c2) / (n + 1), (Z + n * c2) / (n + 1), (Z + c1 + n * c2) / (n + 2)))))",
    },
    derived={
        "vendors_F": "(b_F.enter + b_2.enter + b_3.enter) * (regime.kF > 0)",
        "vendors_M": "b_M.enter * (regime.kM > 0)",
        "entry[j in segments]": "vendors[j]",
        "aligned": Derived("3 - vendors_F", "Allies that hold the frontier", "allies"),
        "fenced[j in segments, t in markets]": "crowded_price(residual[j, t], cost_H[j, t], cost_T, enters[j, t])",
        "share_T[t in periods]": "where(vendors_F > 0, profit_T_F[t] / max(vendors_F, 1), 0)",
        "danger": "stake * (mil_1 + delta * mil_2)",
    },
    payoffs={
        "T_F": "b_F.enter * (share_T_1 + delta * share_T_2 - Phi) - danger",
        "T_2": "b_2.enter * (share_T_1 + delta * share_T_2 - Phi) - danger",
        "T_3": "b_3.enter * (share_T_1 + delta * share_T_2 - Phi) - danger",
    },
    outcomes=["aligned"],
    mechanisms={
        "coalition": Mechanism({"stake": 0}, "Allies mind military use themselves", "M76"),
    },
    narrative=[Sentence("{aligned:.2g} of three allies hold the frontier.", "scope > 0")],
    assumptions=[
        "The three allies' vendors are alike.",
        "At most one vendor enters the mainstream.",
    ],
)  # fmt: skip
