"""What a method says: all that it yields, and what it returns of its search."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any


def drained(search: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """Return all that a method yields, and what it says of its search."""
    profiles = []
    while True:
        try:
            profiles.append(next(search))
        except StopIteration as end:
            return profiles, end.value
