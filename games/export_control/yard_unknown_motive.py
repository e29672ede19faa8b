"""The flagship where the restricted state does not know what the restricting state is after.

What follows a regime and a subsidy is the flagship's research and markets, solved once for each
pair and each motive and kept in ``AFTER``; ``continuation()`` is the game that gives the numbers.
"""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import (
    Chance,
    Decision,
    Derived,
    Game,
    Mechanism,
    Parameter,
    Player,
    Regime,
    Sentence,
    Stage,
)

SUBSIDIES = ("0.10", "0.15", "0.20", "0.25", "0.30", "0.35", "0.40")
"""The grid of AFTER."""
ANSWERS = ("0.20", "0.25", "0.30")
"""The subsidies that are best under some belief; without doubt about what follows it is 0.25."""

AFTER: dict[str, tuple[tuple[str, str], ...]] = {
    "none": (
        ("3.47098", "-0.68043"),
        ("3.47023", "-0.68038"),
        ("3.46934", "-0.68034"),
        ("3.46828", "-0.68033"),
        ("3.46700", "-0.68035"),
        ("3.46542", "-0.68043"),
        ("3.46345", "-0.68063"),
    ),
    "yard": (
        ("3.50072", "-0.75438"),
        ("3.49654", "-0.75353"),
        ("3.49145", "-0.75267"),
        ("3.48510", "-0.75187"),
        ("3.47698", "-0.75129"),
        ("3.46623", "-0.75131"),
        ("3.45000", "-0.75300"),
    ),
    "grown": (
        ("3.41872", "-0.74646"),
        ("3.41409", "-0.74578"),
        ("3.40787", "-0.74515"),
        ("3.40125", "-0.74524"),
        ("3.39310", "-0.74619"),
        ("3.38281", "-0.74876"),
        ("3.36944", "-0.75447"),
    ),
    "broad": (
        ("3.28602", "-0.72706"),
        ("3.27391", "-0.72330"),
        ("3.25824", "-0.71956"),
        ("3.23718", "-0.71666"),
        ("3.20739", "-0.71703"),
        ("3.16212", "-0.72883"),
        ("3.12803", "-0.75020"),
    ),
}
"""Case -> (W_A, W_C) for each of SUBSIDIES, with the flagship's default parameters."""


def continuation() -> Game:
    """Return the flagship with aligned allies, subsidies on a grid, and a yard that may grow.

    ``escalates = 1`` withholds mainstream chips too in the second period, where frontier chips
    are withheld.
    """
    vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]
    made: Game = vary(
        "yard_that_escalates",
        title="A yard that may grow",
        question="What follows a regime and a subsidy?",
        source="own model: the flagship, with subsidies on a grid",
        about="A part of yard_unknown_motive.",
        values={"allies": "aligned"},
        without=("s",),
        parameters=[
            Parameter("escalates", 0, 0, 1, "1", "The yard grows in period 2", "own choice")
        ],
        response=[Decision("C", "s", SUBSIDIES, label="Research subsidy share")],
        derived={
            "k[j in segments, t in markets]": "1 if t == '2c' else max(regime.k[j], escalates * (t == '2') * (regime.kF > 0))"
        },
    )
    return made


CASES = {
    "none": ("none", 0),
    "yard": ("small_yard", 0),
    "grown": ("small_yard", 1),
    "broad": ("broad", 0),
}
"""Case of AFTER -> (regime of the flagship, escalates)."""


def tabulate() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return AFTER as it is solved now."""
    from highfence import solve

    game = continuation()
    table = {}
    for case, (regime, escalates) in CASES.items():
        row = []
        for s in SUBSIDIES:
            overlay = Regime("case", fix={"regime": regime, "s": s})
            (found,) = solve(game, regime=overlay, escalates=escalates).equilibria
            row.append((f"{found.outcomes['W_A']:.5f}", f"{found.outcomes['W_C']:.5f}"))
        table[case] = tuple(row)
    return table


def looked_up(case: str, column: int) -> str:
    """Return a formula: what AFTER holds for a case at the subsidy that is played."""
    terms = (
        f"({pair[column]}) * (s == '{s}')"
        for s, pair in zip(SUBSIDIES, AFTER[case], strict=True)
        if s in ANSWERS
    )
    return " + ".join(terms)


def after(column: int) -> str:
    """Return a formula of W_A (column 0) or W_C (column 1) after any play."""
    cases = {case: f"({looked_up(case, column)})" for case in CASES}
    small = f"where(motive == 'containment', {cases['grown']}, {cases['yard']})"
    return (
        f"where(regime == 'none', {cases['none']}, "
        f"where(regime == 'broad', {cases['broad']}, {small}))"
    )


game = Game(
    name="yard_unknown_motive",
    title="A small yard, or the first step to a large one?",
    question="Does a small yard tell the restricted state what the restricting state is after?",
    source="own model: signalling before the flagship's research and markets, which are solved beforehand",
    about="""
The restricting state is after security (probability p) or containment; only it knows. It chooses no
controls, a small yard or broad controls; the restricted state sees that and sets its subsidy. After a
small yard the containment type withholds mainstream chips too in the second period. Broad control is
worth `gain` a period to it beyond what the flagship counts. With a gain below 0.156 it hides: both types
choose the yard, and the yard tells nothing. Above 0.164 it goes broad at once, and a yard is believed.
In between both are equilibria, and a third in which it does now one, now the other. Against the essays, suspicion does not make the restricted
state mobilize: a yard that will grow hands the challenger its market without a subsidy, so the best
subsidy falls from 0.30 (a yard that is believed) to 0.20 (one that is sure to grow).""",
    players=[Player("A", "Restricting state"), Player("C", "Restricted state")],
    parameters=[
        Parameter("p", Decimal("0.5"), 0, 1, "1", "Probability that security is the motive", "own choice"),
        Parameter(
            "gain", Decimal("0.10"), 0, Decimal("0.30"), "choke price x market",
            "Containment: gain from broad control, a period", "own choice",
        ),
        Parameter("delta", Decimal("0.85"), Decimal("0.7"), Decimal("0.97"), "1", "Discount factor", "as in the flagship"),
    ],
    stages=[
        Stage("nature", Chance("motive", {"security": "p", "containment": "1 - p"}, "Motive")),
        Stage(
            "regime",
            Decision("A", "regime", ["none", "yard", "broad"], ("motive",), "Export-control regime"),
        ),
        Stage(
            "response",
            Decision(
                "C", "s",
                {s: {} if s == "0.25" else {"when": "regime == 'yard'"} for s in ANSWERS},
                ("regime",), "Research subsidy share",
            ),
        ),
    ],
    derived={
        "contains": "where(motive == 'containment', 1, 0)",
        "W_A": Derived(after(0), "Restricting state: welfare, as in the flagship", "choke price x market"),
        "W_C": Derived(after(1), "Restricted state: welfare, as in the flagship", "choke price x market"),
        "subsidy": Derived("s", "Subsidy", "1"),
        "yard": Derived("where(regime == 'yard', 1, 0)", "A small yard is chosen", "1"),
        "hides": Derived("contains * yard", "Containment behind a small yard", "1"),
        "periods": "where(regime == 'broad', 1 + delta, where(regime == 'yard', delta, 0))",
    },
    outcomes=["W_A", "W_C", "subsidy", "yard", "hides"],
    payoffs={"A": "W_A + contains * gain * periods", "C": "W_C"},
    mechanisms={
        "doubt": Mechanism({"p": 1}, "The motive may be containment", "M84"),
        "drift": Mechanism({"gain": 0}, "Broad control is worth something in itself", "M18"),
    },
    presets={"eager": {"gain": Decimal("0.25")}},
    narrative=[
        Sentence("Containment hides behind a small yard.", "hides > 0 and yard > 0.99"),
        Sentence("A small yard is believed.", "hides <= 0 and yard > 0"),
    ],
    assumptions=[
        "Allies are aligned; subsidies are multiples of 0.05, and those never best are left out.",
        "Firms know whether the yard has grown when they choose research.",
        "Parameters of the flagship are at their defaults: they are not parameters here.",
    ],
)  # fmt: skip
