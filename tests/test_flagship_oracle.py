"""The oracle against the model's published reference tables, and against itself.

The tables were computed on grids (x_L step 0.001, x_H step 0.0015, s step 0.025); a certified
finer solution should lie within 0.005 of them in x_H, K_H and shares, 0.001 in x_L and 0.003 in
W_A. One cell lies farther off: sh_H2 of the small yard with entry, by 0.0065, all of it due to
the finer subsidy (0.412 instead of 0.400), which a second solver of the reference found too.
"""

from __future__ import annotations

import numpy as np
import pytest

import flagship_oracle as oracle

COLUMNS = (
    *("W_A", "econ", "security", "x_L", "x_H", "K_H", "P_1", "P_2", "P_2c", "leverage"),
    *("sh_H1", "sh_H2", "gap_F", "gap_M", "ret", "entry_F", "entry_M"),
)
# fmt: off
ENDOGENOUS = {
    "none": (3.4669, .9321, 2.5348, .1530, .0525, .1009, .8230, .8405, .9055, .450,
             .125, .127, .502, .302, 0, 0, 0),
    "small_yard": (3.3900, .8253, 2.5646, .1360, .0975, .1394, .8318, .8558, .9019, .355,
                   .136, .201, .497, .247, 0, 1, 0),
    "broad": (3.1306, .5892, 2.5414, .1020, .1800, .2310, .8346, .8446, .8818, .271,
              .089, .420, .371, .151, 1, 1, 1),
    "half_fence": (3.3943, .8733, 2.5210, .1460, .0750, .1225, .8119, .8406, .9007, .419,
                   .127, .159, .474, .274, 0, 1, 0),
    "tools_only": (3.4576, .9093, 2.5483, .1490, .0810, .1404, .8313, .8438, .9055, .436,
                   .074, .158, .509, .289, 0, 0, 0),
    "invest_only": (3.4567, .9010, 2.5557, .2490, .0375, .0841, .8230, .8501, .9196, .504,
                    .125, .057, .615, .415, 0, 0, 0),
    "yard_invest": (3.4079, .8098, 2.5981, .2230, .0555, .0954, .8318, .8726, .9202, .406,
                    .136, .095, .628, .378, 0, 1, 0),
}
# fmt: on
ALIGNED = {
    "none": {"W_A": 3.4669},
    "small_yard": {
        **{"W_A": 3.4718, "x_L": 0.133, "x_H": 0.1275, "K_H": 0.182, "P_1": 0.8946, "P_2": 0.8777},
        **{"P_2c": 0.8939, "sh_H1": 0.226, "sh_H2": 0.382, "ret": 0},
    },
    "broad": {
        **{"W_A": 3.2236, "x_L": 0.098, "x_H": 0.2505, "K_H": 0.340, "P_1": 0.9207, "P_2": 0.8623},
        **{"P_2c": 0.8623, "sh_H1": 0.723, "sh_H2": 0.878, "ret": 1, "leverage": 0},
    },
}
ROWS = [
    ("endogenous", name, dict(zip(COLUMNS, row, strict=True))) for name, row in ENDOGENOUS.items()
] + [("aligned", name, row) for name, row in ALIGNED.items()]
BOUNDS = {
    **{"W_A": 0.003, "econ": 0.003, "security": 0.003, "x_L": 0.001, "x_H": 0.005, "K_H": 0.005},
    **{"P_1": 0.001, "P_2": 0.001, "P_2c": 0.001, "leverage": 0.005},
    **{"sh_H1": 0.005, "sh_H2": 0.005, "gap_F": 0.006, "gap_M": 0.006},
    **{"ret": 0, "entry_F": 0, "entry_M": 0},
}
FARTHER = {("endogenous", "small_yard", "sh_H2"): 0.007}
SLOW = ("half_fence",)  # research has mixed equilibria off its path


def cases() -> list:
    return [
        pytest.param(*row, id=f"{row[1]}-{row[0]}", marks=[pytest.mark.slow] * (row[1] in SLOW))
        for row in ROWS
    ]


def only(regime: str | oracle.Controls, allies: str = "endogenous", **changes: float) -> dict:
    found = oracle.solve_response(oracle.DEFAULT._replace(**changes), regime, allies)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("allies", "regime", "row"), cases())
def test_the_reference_tables_are_met_within_their_bounds(allies, regime, row):
    found = only(regime, allies)
    for name, value in row.items():
        bound = FARTHER.get((allies, regime, name), BOUNDS[name])
        # Half a unit of the last printed digit comes on top.
        assert abs(found[name] - value) <= bound + 5e-4 * (bound > 0), (name, found[name], value)


@pytest.mark.parametrize(
    ("regime", "s", "x_H", "K_H", "W_A"),
    [("none", 0.254, 0.0485, 0.0979, 3.4682), ("small_yard", 0.412, 0.1024, 0.1442, 3.3873)],
)
def test_the_finer_values_of_the_reference_are_met_to_their_digits(regime, s, x_H, K_H, W_A):
    found = only(regime)
    assert (found["s"], found["x_H"], found["K_H"], found["W_A"]) == pytest.approx(
        (s, x_H, K_H, W_A), abs=6e-4
    )


def test_the_restricted_states_welfare_is_nearly_flat_in_its_subsidy():
    none = oracle.REGIMES["none"]
    at = only("none")
    loss = at["W_C"] - oracle.outcome(oracle.DEFAULT, none, 0.30, 0, 0)[0][oracle.W_C]
    assert 1e-5 < loss < 3e-5


def test_compiling_changes_nothing():
    rng = np.random.default_rng(5)
    for regime in oracle.REGIMES.values():
        s, x_L, x_H = rng.random(3) * (0.9, 0.27, 0.6)
        plain = oracle.everything(oracle.DEFAULT, regime, s, 1.0, 0.0, x_L, x_H)
        fast = oracle.compiled()["everything"](oracle.DEFAULT, regime, s, 1.0, 0.0, x_L, x_H)
        assert fast == pytest.approx(plain, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("regime", list(oracle.REGIMES))
def test_no_firm_gains_by_another_research_level(regime):
    """Judged by total payoffs on a dense grid, not by the period-2 objectives that were solved."""
    r = oracle.REGIMES[regime]
    total = oracle.compiled()["everything"]
    ends = {"payoff_L": oracle.X_L_MAX, "payoff_H": oracle.X_H_MAX}
    for s in (0.0, 0.3, 0.6):
        b_F, b_M = oracle.entries(r, "endogenous")[-1]
        play = oracle.research(oracle.DEFAULT, r, s, b_F, b_M)
        for name, high in ends.items():
            index = oracle.METRICS.index(name)

            def expected(x=None, name=name, index=index, s=s, b_F=b_F, b_M=b_M, play=play):
                return sum(
                    q
                    * total(
                        *(oracle.DEFAULT, r, s, b_F, b_M),
                        x_L if x is None or name == "payoff_H" else x,
                        x_H if x is None or name == "payoff_L" else x,
                    )[index]
                    for q, x_L, x_H in play
                )

            best = max(expected(x) for x in np.linspace(0, high, 1001))
            assert best <= expected() + 1e-11


def test_a_game_with_entry_costs_in_the_gap_has_no_pure_response():
    """Where the vendor enters only if the subsidy expects it not to, there is no pure answer."""
    at = oracle.DEFAULT._replace
    assert [e["b_F"] for e in oracle.solve_response(at(Phi=0.0425), "small_yard")] == [1]
    assert oracle.solve_response(at(Phi=0.0434), "small_yard") == []
    assert [e["b_F"] for e in oracle.solve_response(at(Phi=0.0440), "small_yard")] == [0]


@pytest.mark.slow
def test_in_the_gap_the_vendor_mixes_and_the_subsidy_makes_it_indifferent():
    par, r = oracle.DEFAULT._replace(Phi=0.0434), oracle.REGIMES["small_yard"]
    mixed = oracle.mixed_frontier_entry(par, "small_yard")
    assert mixed is not None
    q, s = mixed
    assert (q, s) == pytest.approx((0.6865, 0.3746), abs=5e-4)
    assert abs(oracle.outcome(par, r, s, 1, 0)[0][oracle.T_F]) < 1e-7

    def welfare(s: float) -> float:
        into, out = oracle.outcome(par, r, s, 1, 0), oracle.outcome(par, r, s, 0, 0)
        return q * into[0][oracle.W_C] + (1 - q) * out[0][oracle.W_C]

    assert max(welfare(x) for x in np.linspace(0, 0.9, 181)) <= welfare(s) + 1e-10


@pytest.mark.slow
def test_the_best_subsidy_under_an_aligned_half_fence_sits_at_the_edge_of_a_cliff():
    """Just below it research has no pure equilibrium, and welfare falls steeply."""
    at = only("half_fence", "aligned")
    par, r = oracle.DEFAULT, oracle.REGIMES["half_fence"]
    assert at["s"] == pytest.approx(0.35559, abs=1e-4)

    def drop(s: float) -> float:
        return at["W_C"] - oracle.outcome(par, r, s, 0, 0)[0][oracle.W_C]

    assert drop(at["s"] - 1e-3) > 5e-5
    assert 0 <= drop(at["s"] + 1e-3) < 1e-6
    below = oracle.all_research(par, r, at["s"] - 1e-3, 0, 0)
    assert [len(play) for play in below] == [2]


@pytest.mark.slow
def test_research_may_have_mixed_equilibria_only():
    """Off the path of play; both firms mix over two levels each."""
    par, r = oracle.CONSERVATIVE, oracle.REGIMES["half_fence"]
    assert oracle.all_research(par, r, 0.49, 0, 0) == []
    play = oracle.research(par, r, 0.49, 0, 0)
    assert len(play) == 4
    assert sum(q for q, _, _ in play) == pytest.approx(1, abs=1e-12)
    assert oracle.node(par, r, 0.49, 0, 0).regret(play) < 1e-12


@pytest.mark.slow
def test_a_drift_risk_of_two_percent_ends_the_aligned_yards_advantage():
    none = only("none", "aligned")["W_A"]
    gains = {
        wedge: only(oracle.controls(prisk=wedge)["small_yard"], "aligned")["W_A"] - none
        for wedge in (0.0, 0.01, 0.02, 0.10)
    }
    reference = {0.0: 0.0115, 0.01: 0.0050, 0.02: -0.0014, 0.10: -0.0367}
    assert gains == pytest.approx(reference, abs=BOUNDS["W_A"])
    assert gains[0.01] > 0.003
    assert gains[0.02] < -0.001


@pytest.mark.slow
@pytest.mark.parametrize(
    ("par", "screening", "none", "with_yard"),
    [
        (oracle.DEFAULT, (3.4822, 0.0685, 0.9114), (3.4669, 0.1009), 3.4896),
        (oracle.CONSERVATIVE, (3.4784, 0.0762, None), (3.4528, 0.1311), 3.5210),
    ],
    ids=["default", "conservative"],
)
def test_screening_alone_is_better_than_no_controls_under_both_presets(
    par, screening, none, with_yard
):
    (found,) = oracle.solve_response(par, "screening_only")
    assert (found["W_A"], found["K_H"]) == pytest.approx(screening[:2], abs=3e-3)
    assert screening[2] is None or found["P_2c"] == pytest.approx(screening[2], abs=1e-3)
    (base,) = oracle.solve_response(par, "none")
    assert (base["W_A"], base["K_H"]) == pytest.approx(none, abs=4e-3)
    assert found["W_A"] > base["W_A"] + 0.01
    yard = oracle.REGIMES["small_yard"]._replace(factor=0.5)
    (both,) = oracle.solve_response(par, yard, "aligned")
    assert both["W_A"] == pytest.approx(with_yard, abs=3e-3)


@pytest.mark.parametrize(("Om", "h", "margin"), [(20.0, 0.65, 0.0028), (50.0, 0.5, 0.0135)])
def test_two_cells_of_the_reference_map_turn_on_the_subsidy_grid(Om, h, margin):
    """Aligned allies: broad controls win on a subsidy grid of 0.025, the small yard off it."""
    par = oracle.DEFAULT._replace(Om=Om, h=h)
    yard, broad = (oracle.REGIMES[name] for name in ("small_yard", "broad"))

    def on_grid(r: oracle.Controls) -> float:
        after = [oracle.outcome(par, r, 0.025 * i, 0, 0)[0] for i in range(37)]
        return max(after, key=lambda values: values[oracle.W_C])[oracle.W_A]

    def off_grid(r: oracle.Controls) -> float:
        return oracle.solve_response(par, r, "aligned")[0]["W_A"]

    assert on_grid(yard) - on_grid(broad) < -0.01
    assert off_grid(yard) - off_grid(broad) == pytest.approx(margin, abs=3e-4)


@pytest.mark.parametrize("allies", ["aligned", "endogenous"])
def test_under_discretion_the_subsidy_buys_the_restricting_state_off(allies):
    """C subsidizes just enough that A, choosing last, gives up the yard; A would rather commit."""
    regimes = {name: oracle.REGIMES[name] for name in ("none", "small_yard", "broad")}
    (late,) = oracle.solve_discretion(oracle.DEFAULT, regimes, allies)
    assert (late["regime"], late["b_F"], late["b_M"]) == ("none", 0, 0)
    par, s = oracle.DEFAULT, late["s"]
    tie = [oracle.outcome(par, regimes[n], s, 0, 0)[0][oracle.W_A] for n in ("none", "small_yard")]
    assert tie[0] == pytest.approx(tie[1], abs=1e-6)
    assert s == pytest.approx(0.3537, abs=2e-4)
    early = max(only(name, allies)["W_A"] for name in regimes)
    assert early - late["W_A"] > 0.002
