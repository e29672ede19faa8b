"""Lemke-Howson paths in floats: ends, ties, and what happens where a bound is reached."""

from __future__ import annotations

import numpy as np
import pytest

from highfence import limits, tolerances
from highfence.certify import certify
from highfence.forms.normal import NormalForm
from highfence.methods.lemke_howson import lemke_howson
from highfence.methods.lemke_howson_float import lemke_howson_float, path_end
from highfence.solution import Status
from highfence.solve import solve
from searches import drained


@pytest.mark.parametrize("seed", range(20))
def test_every_path_ends_where_it_ends_in_exact_arithmetic(seed):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, 7, 2)
    game = NormalForm.bimatrix(*rng.integers(0, 4 if seed % 2 else 100, (2, m, n)))
    row, column = game.unit_payoffs(0), game.unit_payoffs(1)
    ends = []
    for label in range(m + n):
        found, pivots = path_end(row, column, label, 1000)
        assert found is not None
        assert 0 < pivots < 1000
        ends.append(np.concatenate(found))
    exact = [np.concatenate(profile.floats()) for profile in lemke_howson(game)]

    # Each once, in the order of the labels: the same sets of ends, ties or not.
    for end in ends:
        assert min(np.abs(end - other).max() for other in exact) < 1e-9
    for other in exact:
        assert min(np.abs(end - other).max() for end in ends) < 1e-9


@pytest.mark.parametrize("size", [40, 120])
@pytest.mark.parametrize("ties", [False, True])
def test_one_equilibrium_of_a_large_game_is_found_and_certified(size, ties):
    rng = np.random.default_rng(size)
    tables = rng.integers(0, 5, (2, size, size)) if ties else rng.random((2, size, size))
    game = NormalForm.bimatrix(*tables)
    (profile,) = lemke_howson_float(game)

    assert certify(game, profile).regret < 1e-11 < tolerances.REGRET_FLOAT


def test_where_floats_spend_their_pivots_the_exact_method_answers(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FLOAT_PIVOTS", 1)
    game = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    (profile,), findings = drained(lemke_howson_float.function(game))

    assert profile in set(lemke_howson(game))
    assert "exact arithmetic" in findings.notes[0]


def test_where_both_spend_their_pivots_the_answer_says_so(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FLOAT_PIVOTS", 1)
    monkeypatch.setattr(limits, "MAX_PIVOTS", 1)
    game = NormalForm.bimatrix([[1, -1], [-1, 1]], zero_sum=True)
    solution = solve(game, "lemke_howson_float")

    assert not solution.equilibria
    assert solution.status is not Status.SOLVED
    assert "highfence.limits.MAX_FLOAT_PIVOTS" in str(solution.reason)
