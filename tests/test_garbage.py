"""Garbage is not looked for while modules are loaded, and as before afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress

import pytest

from highfence.garbage import loading_what_stays


@pytest.mark.parametrize("looking", [True, False])
def test_garbage_is_looked_for_again_as_before(looking):
    before = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
    try:
        (gc.enable if looking else gc.disable)()
        with suppress(ImportError), loading_what_stays():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == looking
        assert (gc.get_threshold(), gc.get_freeze_count()) == before[1:], "objects of the caller's"
    finally:
        (gc.enable if before[0] else gc.disable)()


def test_a_process_of_our_own_never_looks_through_what_it_loaded():
    code = (
        "import gc; from highfence.garbage import loading_what_stays, look_seldom\n"
        "look_seldom()\n"
        "with loading_what_stays(): made = [[] for _ in range(5000)]\n"
        "print(gc.get_freeze_count() > 5000, gc.get_threshold()[0] > 700)\n"
        "a = []; a.append(a); del a; print(gc.collect() > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True True\nTrue\n"
