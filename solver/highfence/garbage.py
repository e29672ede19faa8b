"""How often Python looks for garbage.

It does so after every 700 objects that stay, and modules make hundreds of thousands, which all
stay: that took a tenth of the time of solving a small game. Reference counts free nearly all that
a solver drops; what is looked for are cycles.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["loading_what_stays", "look_seldom"]

_OURS = False


def look_seldom() -> None:
    """Look for garbage seldom from now on. For processes that run nothing but this package."""
    global _OURS
    _OURS = True
    gc.set_threshold(50_000)


@contextmanager
def loading_what_stays() -> Iterator[None]:
    """Do not look for garbage meanwhile; in a process of our own, never among what was loaded."""
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _OURS:
            gc.freeze()
        if looking:
            gc.enable()
