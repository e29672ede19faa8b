"""What a mediator, a leader and players who err make of one game, each with its certificate."""

from highfence import load
from highfence.concepts import (
    agent_logit_equilibrium,
    commitment,
    correlated_range,
    logit_equilibrium,
)
from highfence.forms.build import build

inspection = build(load("enforcement_inspection"))
lead = commitment(inspection, "agency")
print(f"announced: agency {lead.leader_payoff:.4f}, inspects {lead.strategy['inspect']:.2f}")

low, high = correlated_range(build(load("chicken")), "crash")
print(f"with a mediator, a crash has odds of {low.value:.3f} to {high.value:.3f}")

erring = logit_equilibrium(inspection, 2.0)
print(f"at precision 2, diversions {erring.strategies['exporter']['divert']:.3f}")

centipede = agent_logit_equilibrium(build(load("centipede")), 1.0)
first = centipede.strategies["first"]["move_1"]
print(f"the centipede is taken at once with odds of {first['take']:.3f}")

answers = (lead, low, high, erring, centipede)
print("all certified:", all(answer.certificate.holds for answer in answers))
