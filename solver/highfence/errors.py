"""Every exception that Highfence raises on purpose.

The tree::

    HighfenceError
    ├── SpecError            a game, or the file that holds it, is wrong (ValueError)
    │   ├── GameFileError    a .nfg or .efg file is wrong; names line and column
    │   └── LimitExceeded    a named limit on size or time would be passed
    │       └── LimitForeseen    by an estimate: the search was not carried so far
    ├── RequestError         the request is wrong: unknown game, regime, method, option (ValueError)
    │   └── NotApplicable    the method cannot take this game, and why
    ├── MethodFailed         a method met a numerical failure that it cannot repair
    └── StoreError           a store cannot be used: damaged, full, in use, made by another request

:class:`Interrupted` is a KeyboardInterrupt that holds what was done before it.

A search that ends without an equilibrium is *not* an exception: it is a
:class:`highfence.solution.Solution` with a status and a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

__all__ = [
    "GameFileError",
    "HighfenceError",
    "Interrupted",
    "LimitExceeded",
    "LimitForeseen",
    "MethodFailed",
    "NotApplicable",
    "Problem",
    "RequestError",
    "SpecError",
    "StoreError",
    "did_you_mean",
]


# What a terminal obeys, hides, or writes from right to left is spelled out in messages.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what is wrong, and how to mend it."""

    place: str
    """File, key, or both: ``games/yard.toml: payoffs.restricting``."""
    reason: str
    fix: str = ""
    line: int | None = None
    """Line of the file."""
    column: int | None = None
    """Column of that line; without a line, column of the formula."""

    def __str__(self) -> str:
        file, colon, key = self.place.partition(": ")
        if self.line is not None:
            file += f":{self.line}"
            if self.column is not None:
                file += f":{self.column}"
        elif self.column is not None:
            key += f", column {self.column}"
        place = file + colon + key
        text = f"{place}: {self.reason}" if place else self.reason
        text = f"{text}. {self.fix}" if self.fix else text
        return _HIDDEN.sub(lambda match: f"\\u{ord(match.group()):04X}", text)


class HighfenceError(Exception):
    """Base of all errors raised on purpose."""


class SpecError(HighfenceError, ValueError):
    """A game is not well defined. ``problems`` lists every mistake found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        # An exception is copied from its message by default: in another process each letter
        # of it would be a problem.
        return type(self), (self.problems,)


class GameFileError(SpecError):
    """A ``.nfg`` or ``.efg`` file cannot be read; the problem names line and column."""


class LimitExceeded(SpecError):
    """Going on would pass a named limit (see :mod:`highfence.limits`)."""


class LimitForeseen(LimitExceeded):
    """By an estimate, going on would pass a named limit; the search was not carried so far."""


class RequestError(HighfenceError, ValueError):
    """The game is fine but what was asked of it is not."""


class NotApplicable(RequestError):
    """The method's declared domain does not hold the game."""


class MethodFailed(HighfenceError):
    """A backend failed numerically; never raised for "no equilibrium found"."""


class StoreError(HighfenceError):
    """A store cannot be used: damaged, full, in use, or made by another request."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a study; the message says what is kept, and how to go on."""

    def __init__(self, message: str, done: Any = None) -> None:
        super().__init__(message)
        self.done = done
        """What was done until then, as the study returns it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'?"``, or the list of what is known if nothing is close."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=2, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(repr(match) for match in close) + "?"
    if not names:
        return ""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"Known: {shown}"
