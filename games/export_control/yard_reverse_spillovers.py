"""The flagship where the incumbent also learns from the challenger."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Derived, Mechanism, Parameter, Sentence

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

game = vary(
    "yard_reverse_spillovers",
    title="A fence that keeps ideas out as well as in",
    question="Does a fence cut the incumbent off from what the challenger finds out?",
    source="own model: the flagship, with spillovers to the incumbent after the essays",
    about="""
The incumbent learns from the challenger as far as it does business in the restricted state: its cost
falls, and the restricting state's capability rises, by `back` times its share of that market times the
challenger's capability. Against the essays, a small yard does not cut that off: it leaves most of the contact and
makes a challenger from whom there is more to learn, so what flows back speaks for the yard. Where a
patient state (h = 0.2) would sell without it, the yard is better from back = 0.15 on. Broad controls end
the contact, and lose by all of it.""",
    values={"allies": "aligned"},
    parameters=[
        Parameter(
            "back", Decimal("0.1"), 0, Decimal("0.5"), "1",
            "Share of the challenger's capability that flows back under full contact", "own choice",
        ),
    ],
    derived={
        "cost_L[t in markets]": None,
        "cost_L_1": "c_L",
        "cost_L_2": "cost(c_L - x_L - learned)",
        "cost_L_2c": "cost_L_2",
        "learned": Derived("back * Acc * K_H", "Incumbent: learned from the challenger", "choke price"),
        "capability[t in markets]": "M0 if t == '1' else M0 + kapL * (x_L + learned)",
    },
    outcomes=["learned"],
    mechanisms={
        "reverse_spillovers": Mechanism({"back": 0}, "The incumbent learns from the challenger", "M77"),
    },
    narrative=[Sentence("{1000 * learned:.1f} thousandths of the choke price flow back.", "learned > 0")],
    assumptions=["What flows back is in proportion to the incumbent's licensed share in period 1."],
    answered=["Nothing that is learned on the restricted side"],
)  # fmt: skip
