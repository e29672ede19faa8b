"""How long a report of the main game takes when its draws are solved already.

    python -m pytest -m benchmark tests/benchmarks/test_report_speed.py -s

CPU time is judged, which a busy machine does not change; one process does nearly all of it.
"""

from __future__ import annotations

import time

import pytest

from highfence.cli import main

pytestmark = pytest.mark.benchmark

FLAGSHIP = "small_yard_high_fence"


def test_a_report_of_a_stored_sweep_takes_less_than_half_a_minute(tmp_path, capsys):
    store, out = tmp_path / "sweep.db", tmp_path / "report.html"
    assert main(["sweep", FLAGSHIP, "--draws", "128", "--store", str(store)]) in (0, 3)

    start, cpu = time.perf_counter(), time.process_time()
    assert main(["report", FLAGSHIP, "--store", str(store), "--out", str(out)]) == 0
    spent = time.process_time() - cpu

    with capsys.disabled():
        print(f"\nreport: {spent:.1f} s of CPU, {time.perf_counter() - start:.1f} s by the clock")
    assert spent < 30
