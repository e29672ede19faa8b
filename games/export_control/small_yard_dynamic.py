"""Small yard, high fence, as a dynamic game: control early, roll back later.

The state is the gap between the leading and the challenging industry (0 to 5 rungs) and the
challenger's domestic ecosystem (0 to 4). Every period the restricting state picks no control, a
small yard, or broad control; the restricted state sees it and mobilizes its firms or not. Control
denies inputs and tools, the more the smaller the domestic ecosystem; it also hands the challenger
a captive market, on which the ecosystem grows, and takes sales from the leader, on which its
advance feeds. A larger ecosystem catches up faster and leaves less leverage in a crisis.

The calibration is this catalogue's own and stylized: no number is an estimate. It was chosen so
that, from gap 4 and ecosystem 1, a small yard is the best constant policy for a state of middling
patience and no control for a very patient one, and rounded to two digits; whoever uses it should
vary it. Payoffs have no unit.
"""

from __future__ import annotations

from typing import Any

from highfence.forms.markov import MarkovForm

GAPS, ECOSYSTEMS = range(6), range(5)

CONTROLS = ("none", "yard", "broad")
RESPONSES = ("wait", "mobilize")

COVERAGE = {"none": 0.0, "yard": 0.11, "broad": 1.0}
"""Share of the challenger's market that the leader loses, and the challenger's firms capture."""

VALUES: dict[str, float] = {
    # The challenger closes a rung with this probability ...
    "catch_up": 0.21,
    "catch_up_ecosystem": 0.70,  # ... and so much more with a full ecosystem
    "catch_up_captive": 0.11,  # ... with all of the market captive
    "catch_up_mobilized": 0.08,  # ... if mobilized, under control
    "catch_up_denied": 0.50,  # ... and so much less without tools and inputs
    "substitution": 0.60,  # share of that denial which a full ecosystem undoes
    # The leader gains a rung with this probability ...
    "advance": 0.24,
    "advance_lost_market": 0.67,  # ... less by this share with all of the market lost
    # The ecosystem grows by a step with these probabilities, and shrinks with this one.
    "growth_captive": 0.45,
    "growth_mobilized": 0.085,
    "decay": 0.11,  # times the share of the market that is open
    "decay_mobilized": 0.5,  # share of decay left if mobilized
    "unforced": 0.25,  # effect of mobilizing where nothing is controlled: firms are not aligned
    # What the restricting state gets.
    "sales": 0.33,  # from an open market
    "stakes": 1.0,
    "security": 1.44,  # times stakes: of the better of all worlds
    "denial": 0.47,  # share of security in ordinary times that is denial and not the gap
    "crisis": 0.18,  # weight of a crisis, in which leverage over a small ecosystem counts
    # What the restricted state gets.
    "mobilizing": 0.115,  # cost
    "gap_cost": 1.4,
    "autonomy": 0.73,
    "denial_cost": 0.3,
}

WARY: dict[str, float] = {
    "growth_captive": 0.5,
    "growth_mobilized": 0.12,
    "decay": 0.09,
    "decay_mobilized": 0.26,
    "unforced": 0.67,
    "security": 1.65,
    "mobilizing": 0.33,
    "gap_cost": 0.4,
    "autonomy": 0.03,
    "denial_cost": 1.7,
}
"""Another calibration, ``build(0.98, **WARY)``: a restricted state to which an ecosystem is worth
something only against the controls that it expects. A promise never to control keeps it small, and
a free hand, which cannot promise that, is worth much less to a patient restricting state."""


def build(discount: float = 0.9, **changes: float) -> MarkovForm:
    """Return the game, with some of ``VALUES`` changed, starting at gap 4 and ecosystem 1."""
    unknown = changes.keys() - VALUES.keys()
    if unknown:
        raise ValueError(f"unknown value {sorted(unknown)[0]!r}. Known: {', '.join(VALUES)}")
    v = VALUES | changes

    def bite(control: str, ecosystem: int) -> float:
        return 0.0 if control == "none" else 1 - v["substitution"] * ecosystem / 4

    def payoff(state: tuple[int, int], played: tuple[str, ...]) -> list[float]:
        (gap, ecosystem), (control, response) = state, played
        share, denied = COVERAGE[control], bite(control, ecosystem)
        ordinary = (1 - v["denial"]) * gap / 5 + v["denial"] * share * denied
        leverage = 1 - ecosystem / 4
        security = (1 - v["crisis"]) * ordinary + v["crisis"] * leverage
        return [
            v["sales"] * (1 - share) + v["stakes"] * v["security"] * security,
            -v["mobilizing"] * (response == "mobilize")
            - v["gap_cost"] * gap / 5
            + v["autonomy"] * ecosystem / 4
            - v["denial_cost"] * denied,
        ]

    def transition(state: tuple[int, int], played: tuple[str, ...]) -> dict[Any, float]:
        (gap, ecosystem), (control, response) = state, played
        share = COVERAGE[control]
        mobilized = response == "mobilize"
        effort = mobilized * (v["unforced"] if control == "none" else 1.0)
        closes = (
            0.0
            if gap == 0
            else probability(
                v["catch_up"]
                + v["catch_up_ecosystem"] * ecosystem / 4
                + v["catch_up_captive"] * share
                + v["catch_up_mobilized"] * effort
                - v["catch_up_denied"] * bite(control, ecosystem)
            )
        )
        widens = (
            0.0 if gap == 5 else probability(v["advance"] * (1 - v["advance_lost_market"] * share))
        )
        grows = (
            0.0
            if ecosystem == 4
            else probability(v["growth_captive"] * share + v["growth_mobilized"] * effort)
        )
        shrinks = (
            0.0
            if ecosystem == 0
            else probability(
                v["decay"] * (1 - share) * (v["decay_mobilized"] if mobilized else 1.0)
            )
        )
        found: dict[Any, float] = {}
        for step, p in steps(closes, widens):
            for turn, q in steps(shrinks, grows):
                if p * q > 0:
                    target = (gap + step, ecosystem + turn)
                    found[target] = found.get(target, 0.0) + p * q
        return found

    return MarkovForm.build(
        ["Restricting state", "Restricted state"],
        [(gap, ecosystem) for gap in GAPS for ecosystem in ECOSYSTEMS],
        lambda state: [CONTROLS, RESPONSES],
        payoff,
        transition,
        discount,
        initial=(4, 1),
        in_turn=True,
        label=lambda state: f"gap {state[0]}, ecosystem {state[1]}",
        title="Small yard, high fence: a dynamic game of gap and ecosystem",
        question="Should controls be constant, or rolled back once the challenger has caught up?",
    )


def probability(value: float) -> float:
    """Return a value cut to 0 ... 0.95."""
    return min(max(value, 0.0), 0.95)


def steps(down: float, up: float) -> list[tuple[int, float]]:
    """Return the steps down, up and none, of two chances that cancel when both come."""
    falls, rises = down * (1 - up), up * (1 - down)
    return [(-1, falls), (1, rises), (0, 1 - falls - rises)]
