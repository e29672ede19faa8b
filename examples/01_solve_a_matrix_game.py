"""Solve a two-player matrix game: inspect a shipment or not, ship legally or divert."""

from highfence import NormalForm, solve

# Rows: inspect, wave through. Columns: ship legally, divert.
agency = [["-1/10", "-1/5"], [0, -1]]
exporter = [[0, -3], [0, 1]]
game = NormalForm.bimatrix(
    agency,
    exporter,
    players=("agency", "exporter"),
    strategies=(("inspect", "wave through"), ("legal", "divert")),
)

solution = solve(game)
(equilibrium,) = solution.equilibria
inspects = equilibrium.strategies["agency"]["inspect"]
diverts = equilibrium.strategies["exporter"]["divert"]

print(
    f"The only equilibrium: the agency inspects with probability {inspects}, the exporter "
    f"diverts with probability {diverts}; nobody gains by deviating (regret "
    f"{equilibrium.certificate.regret}, computed exactly)."
)
