"""The flagship with a smuggler who cannot see whether anybody watches."""

# ruff: noqa: E501  (formulas and prose are kept whole)
from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from runpy import run_path

from highfence import Decision, Derived, Mechanism, Parameter, Player, Sentence, Stage

vary = run_path(str(Path(__file__).with_name("_flagship.py")))["vary"]

game = vary(
    "yard_unseen_enforcement",
    title="A fence at night",
    question="How much leaks through a fence if smugglers cannot see whether it is watched?",
    source="own model: the flagship, with the inspection game of Avenhaus, von Stengel and Zamir 2002 in the place of a fixed leak",
    about="""
The restricting state watches the fence, at a cost for each unit of scope, or does not; a smuggler runs
the share `leak` of withheld chips, or does not; neither sees the other. A watched run is caught with
probability `caught`, and fined. Both mix: the smuggler runs as often as makes watching worth its cost, and
the state watches with probability gain/(caught (gain + fine)). So a higher fine does not lower smuggling,
it lowers watching; what lowers smuggling is cheaper watching, or a state that minds it more. By default a
small yard is run 0.42 of the time and broad controls, which cost more to watch, 0.67; beyond a cost of
0.0192 a yard is not watched at all, and run always.""",
    values={"allies": "aligned"},
    parameters=[
        Parameter("caught", Decimal("0.8"), Decimal("0.3"), 1, "1", "A watched run is caught", "own choice"),
        Parameter(
            "gain", 1, Decimal("0.5"), 2, "per run", "Smuggler's gain from a run", "normalization",
        ),
        Parameter("fine", 2, Decimal("0.5"), 5, "per run", "Smuggler's fine", "own choice"),
        Parameter(
            "watching", Decimal("0.008"), Decimal("0.001"), Decimal("0.05"), "choke price x market",
            "Cost of watching, for each unit of scope", "own choice",
        ),
    ],
    players=[Player("S", "Smuggler")],
    between=Stage(
        "fence",
        Decision("A", "patrol", {"relax": {"eyes": 0}, "watch": {"eyes": 1}}, label="The fence"),
        Decision("S", "run", {"stay": {"runs": 0}, "go": {"runs": 1}}, label="The smuggler"),
    ),
    derived={
        "watched": Derived("patrol.eyes", "The fence is watched", "1"),
        "runs": Derived("run.runs", "The smuggler runs", "1"),
        "leaking": Derived("leak * run.runs * (1 - caught * patrol.eyes)", "Share of withheld chips that leaks", "1"),
        "smuggled[j in segments, t in markets]": "(leak if t == '2c' else leaking) * (1 + spread * (k[F, t] > 0 and k[M, t] > 0)) * k[j, t] * free[j, t]",
        "bill": "watching * (scope + 0.01) * patrol.eyes",
        "econ": "Pi_L + gov - enf * scope * (1 + delta) - Rcost * ret * (1 + delta) - bill",
    },
    payoffs={"S": "run.runs * where(scope > 0, gain - caught * (gain + fine) * patrol.eyes, -gain)"},
    outcomes=["watched", "runs", "leaking"],
    mechanisms={
        "enforcement": Mechanism({"leak": 0}, "Withheld chips are smuggled", "M27"),
    },
    narrative=[Sentence("The fence is watched with probability {watched:.2f}; {100 * leaking:.1f} percent leaks.", "scope > 0")],
    assumptions=[
        "One smuggler; a run carries the whole share, in both periods.",
        "When it answers, the restricted state knows whether chips come through.",
        "In a crisis the share leak comes through, as in the flagship: the fence is too long by then.",
        "The watch costs a hundredth of a market's watching even where nothing is withheld.",
    ],
    answered=["Smuggling is a fixed share"],
)  # fmt: skip
