"""The machine-readable reports: their keys, their numbers, and that they are strictly valid."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence.report.csv import solution_csv, table_csv
from highfence.report.json import dumps, plain, solution_dict
from highfence.solution import Certificate, Equilibrium, Finds, Solution, Status

SOLUTION_KEYS = {
    "game", "source", "form", "regime", "preset", "parameters", "method", "method_reason",
    "status", "reason", "finds", "equilibria", "notes", "subsets", "components", "bounds",
    "rejected", "indices", "count", "outcome_count", "more", "extremes", "plays",
}  # fmt: skip
EQUILIBRIUM_KEYS = {
    "payoffs", "strategies", "outcomes", "certificate", "path", "notes", "exact",
    "beliefs", "refinements", "index",
}  # fmt: skip
CERTIFICATE_KEYS = {"regret", "tolerance", "exact", "kind", "refinement", "checks"}


def refuse(token: str) -> None:
    raise AssertionError(f"{token} is not JSON")


def read(text: str):
    """Parse strict JSON: NaN and Infinity are refused."""
    return json.loads(text, parse_constant=refuse)


EXACT = Equilibrium(
    payoffs={"Row": Fraction(1, 3), "Column": Fraction(2)},
    strategies={"Row": {"a": Fraction(1, 3), "b": Fraction(2, 3)}, "Column": {"c": Fraction(1)}},
    outcomes={"welfare": 2.5},
    certificate=Certificate(Fraction(0), 0.0, True, "subgame perfect", ("every subgame",)),
)
STAGED = Equilibrium(
    payoffs={"A": 3.4682, "C": -0.25},
    strategies={"A": {"regime": {"yard": 0.25, "none": 0.75}}, "C": {"s": 0.412}},
    outcomes={"K_H": 0.1442, "gap": math.nan},
    certificate=Certificate(2.1e-12, 1e-6, False),
    path=("regime: yard", "s = 0.412"),
)


def solution(*equilibria: Equilibrium, **changes: object) -> Solution:
    """Return a solution that holds these equilibria."""
    made = Solution(
        game="yard",
        source="yard.toml",
        form="normal",
        status=Status.SOLVED,
        reason="",
        method="extreme",
        finds=Finds.ALL,
        equilibria=equilibria,
    )
    return replace(made, **changes)


def test_a_solution_has_the_documented_keys():
    made = read(dumps(solution_dict(solution(EXACT, STAGED))))

    assert set(made) == SOLUTION_KEYS
    for equilibrium in made["equilibria"]:
        assert set(equilibrium) == EQUILIBRIUM_KEYS
        assert set(equilibrium["certificate"]) == CERTIFICATE_KEYS


def test_exact_values_stand_beside_the_numbers():
    made = read(dumps(solution_dict(solution(EXACT))))["equilibria"][0]

    assert made["payoffs"] == {"Row": 1 / 3, "Column": 2.0}
    assert made["exact"]["payoffs"] == {"Row": "1/3", "Column": "2"}
    assert made["exact"]["strategies"]["Row"] == {"a": "1/3", "b": "2/3"}
    assert made["certificate"]["regret"] == 0
    assert made["certificate"]["exact"] is True


def test_a_staged_strategy_is_a_value_or_a_mixture():
    made = read(dumps(solution_dict(solution(STAGED))))["equilibria"][0]

    assert made["strategies"] == {
        "A": {"regime": {"yard": 0.25, "none": 0.75}},
        "C": {"s": 0.412},
    }
    assert made["exact"] is None


def test_an_undefined_number_is_null():
    made = read(dumps(solution_dict(solution(STAGED))))["equilibria"][0]

    assert made["outcomes"] == {"K_H": 0.1442, "gap": None}


def test_a_payoff_beyond_floats_is_null_and_stands_exactly():
    huge = replace(EXACT, payoffs={"Row": Fraction(10) ** 400, "Column": Fraction(1)})
    made = solution_dict(solution())

    assert made["equilibria"] == []
    cell = read(dumps(plain({"x": Fraction(10) ** 400})))
    assert cell == {"x": None}
    assert str(huge.payoffs["Row"]).startswith("1000")


def test_parameters_keep_their_values_and_kinds():
    made = read(
        dumps(solution_dict(solution(parameters={"Om": Fraction(1, 2), "allies": "aligned"})))
    )

    assert made["parameters"] == {"Om": 0.5, "allies": "aligned"}


def test_text_of_any_kind_survives():
    awkward = 'a "quoted"\n<script>\x1b[31m 許可 \ud83d'
    made = read(dumps(solution_dict(solution(game=awkward))))

    assert made["game"] == awkward


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_is_written_with_all_its_digits_or_null(value):
    (back,) = read(dumps([value]))

    assert back == value if math.isfinite(value) else back is None


def test_numpy_values_are_numbers():
    np = pytest.importorskip("numpy")

    assert read(dumps({"a": np.float64(0.1), "b": np.arange(2), "c": np.bool_(True)})) == {
        "a": 0.1,
        "b": [0, 1],
        "c": True,
    }


# ------------------------------------------------------------------ CSV


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_one_row_for_each_equilibrium():
    first, second = rows(solution_csv(solution(EXACT, STAGED)))

    assert first["payoff.Row"] == repr(1 / 3)
    assert first["strategy.Row.a"] == repr(1 / 3)
    assert first["exact"] == "true"
    assert second["strategy.A.regime.yard"] == "0.25"
    assert second["strategy.C.s"] == "0.412"
    assert second["outcome.gap"] == ""
    assert second["payoff.Row"] == ""


def test_csv_disarms_text_but_not_numbers():
    (made,) = rows(table_csv([{"label": "=1+1", "x": -1.5, "y": "+z", "z": "@a", "w": "-b"}]))

    assert made == {"label": "'=1+1", "x": "-1.5", "y": "'+z", "z": "'@a", "w": "'-b"}


def test_csv_of_nothing_is_a_header():
    assert solution_csv(solution()) == "equilibrium,status\n"
