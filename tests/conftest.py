"""What every test shares: one hypothesis profile, and an environment that does not leak in."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("highfence", deadline=None, derandomize=True)
settings.load_profile("highfence")

os.environ["HIGHFENCE_QUIET"] = "1"  # whether progress is told hangs on how fast the machine is

SETTINGS_OF_THE_TERMINAL = ("CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR")


def pytest_collection_finish() -> None:
    """Spare the garbage collector the thousands of tests, which stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the width and the colors of whoever runs the tests out of what is tested."""
    for name in SETTINGS_OF_THE_TERMINAL:
        monkeypatch.delenv(name, raising=False)
