"""Write a game with chance, a regime, and simultaneous finite and continuous answers."""

from highfence import Chance, Decision, Game, Interval, Parameter, Player, Regime, Stage, solve

A, C, L = Player("A", "Restricting state"), Player("C", "Restricted state"), Player("L", "Firm")
yard = Game(
    name="yard_or_wall",
    players=[A, C, L],
    parameters=[
        Parameter("learning", 0.18, low=0.05, high=0.35, unit="1"),
        Parameter("market", 17, low=8, high=25, unit="USD bn/yr"),
        Parameter("p_short", 0.4, low=0.05, high=0.6, unit="1"),
    ],
    stages=[
        Stage("nature", Chance("timeline", {"short": "p_short", "long": "1 - p_short"})),
        Stage("control", Decision(A, "regime", observes=(), actions={
            "none": {"scope": 0, "strictness": 0},
            "small_yard": {"scope": 0.2, "strictness": 0.9},
            "broad": {"scope": 0.8, "strictness": 0.7},
        })),
        Stage("response",
            Decision(C, "response", ["accept", "substitute", "retaliate"], observes=["regime"]),
            Decision(L, "research", Interval(0, 10, unit="USD bn/yr"), observes=["regime"])),
    ],
    derived={
        "lost_sales": "market * regime.scope * regime.strictness",
        "capability": "where(response == 'substitute', learning * lost_sales, 0)",
        "profit": "(market - lost_sales) * (1 + research / 20) / 2 - research ** 2 / 10",
        "denial": "where(timeline == 'short', 3 * lost_sales, -3 * capability)",
    },
    payoffs={
        A: "profit + denial - 6 * (response == 'retaliate')",
        C: "where(response == 'retaliate', lost_sales / 2 - 2, 2 * capability - (capability > 0))",
        L: "profit",
    },
    regimes=[Regime(r, fix={"regime": r}) for r in ("none", "small_yard", "broad")],
)  # fmt: skip
for equilibrium in solve(yard).equilibria:
    print("In equilibrium,", "; then ".join(equilibrium.path) + ".")
