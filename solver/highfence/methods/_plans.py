"""The equilibria that backward induction found: counted, and written out by their numbers.

Definitions
-----------
A *plan* is a complete equilibrium: what is done at every information set. Two plans have the
same *outcome* if they lead to every terminal with the same probability, so that they differ
at most where play does not come. A *continuation* is all plans of one subgame that give
everybody the same payoffs. It is a list of *ways*: behavior in the stage of the subgame, with
the continuations that may follow below.

Two ways of a continuation have the same outcomes if and only if they reach the ends of the stage
with the same probabilities, and the same continuations at those that are reached. So plans and
outcomes are sums over ways of products over subgames, and none has to be made to be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, repeat, zip_longest
from math import prod
from typing import Any

from ..solution import Support

__all__ = ["MANY", "Continuation", "Listing", "Way", "extremes_first", "grouped"]

Rational = Fraction | int
Strategy = tuple[Any, ...]

MANY = 10**300
"""Counts are exact below this; it is a float still, and takes no time to add or to print."""


@dataclass(slots=True, eq=False)
class Way:
    """One way to bring about a continuation: stage behavior, and what may follow."""

    behavior: tuple[tuple[int, Strategy], ...]
    parts: tuple[Sequence[Continuation], ...]
    """Per subgame right below, the continuations that may be combined with the others."""
    count: int
    onward: tuple[Continuation, ...]
    """The continuations that play reaches."""
    reach: tuple[Any, ...] = ()
    """The ends of the stage that play reaches, with their probabilities, where it has several
    nodes."""

    @property
    def elsewhere(self) -> list[Sequence[Continuation]]:
        """The continuations that may be combined where play does not come."""
        reached = set(map(id, self.onward))
        return [part for part in self.parts if len(part) > 1 or id(part[0]) not in reached]


@dataclass(slots=True, eq=False)
class Continuation:
    """The equilibria of one subgame that give everybody the same payoffs."""

    value: tuple[Rational, ...]
    ways: list[Way]
    count: int


def grouped(ways: Iterable[tuple[tuple[Rational, ...], Way]]) -> list[Continuation]:
    """Return continuations: ways by payoffs, in the order in which these first come."""
    made: dict[tuple[Rational, ...], Continuation] = {}
    for value, way in ways:
        continuation = made.get(value)
        if continuation is None:
            made[value] = Continuation(value, [way], way.count)
        else:
            continuation.ways.append(way)
            continuation.count = min(MANY, continuation.count + way.count)
    return list(made.values())


def extremes_first(found: Sequence[Continuation]) -> list[Continuation]:
    """Return continuations, first those with the least or the greatest payoff of a player."""
    if not found:
        return []
    first: dict[int, Continuation] = {}
    for player in range(len(found[0].value)):
        for end in (min, max):
            one = end(found, key=lambda each, who=player: each.value[who])  # type: ignore[misc]
            first[id(one)] = one
    return [*first.values(), *(each for each in found if id(each) not in first)]


def _turns(
    found: Iterable[Continuation], count: Callable[[Continuation], int]
) -> Iterator[tuple[Continuation, int]]:
    """Yield continuations and numbers below their counts: all with 0, all with 1, and so on."""
    numbers = (zip(repeat(each), range(count(each))) for each in found)
    return (pair for turn in zip_longest(*numbers) for pair in turn if pair is not None)


@dataclass(slots=True, eq=False)
class _Alike:
    """Ways of one continuation that have the same outcomes."""

    ways: list[Way]
    outcomes: int

    @property
    def onward(self) -> tuple[Continuation, ...]:
        return self.ways[0].onward


class Listing:
    """The equilibria of a whole game, from the continuations of its first subgame.

    Parameters
    ----------
    found
        The continuations of the whole game.
    num_sets
        Information sets of the game.
    """

    def __init__(self, found: Sequence[Continuation], num_sets: int) -> None:
        self.found = found
        self.num_sets = num_sets
        self.alike: dict[int, list[_Alike]] = {}
        self.occurring: dict[tuple[int, ...], dict[int, dict[int, Strategy]]] = {}
        self.first: dict[Strategy, Strategy] = {}
        self.as_first: dict[int, Strategy] = {}
        """Per strategy (its identity), the equal one that was met first. A strategy of hundreds
        of actions occurs in hundreds of outcomes, and takes long to hash: it is hashed once."""
        self.number: dict[int, int] = {}
        """Per continuation (its identity) that was looked at: its outcomes."""

    @property
    def plans(self) -> int:
        """How many equilibria there are; ``MANY`` if there are no fewer."""
        return min(MANY, sum(each.count for each in self.found))

    @property
    def outcomes(self) -> int:
        """How many outcomes they have; ``MANY`` if there are no fewer."""
        return min(MANY, sum(self._outcomes(each) for each in self.found))

    def all_plans(self, in_turns: bool = False) -> Iterator[tuple[Strategy, ...]]:
        """Yield the strategies of every equilibrium, per information set.

        In turns, one of each payoff vector comes after the other, the extremes first.
        """
        if in_turns:
            for each, number in _turns(extremes_first(self.found), lambda each: each.count):
                yield self._plan([(each, number)])
            return
        for each in self.found:
            for number in range(each.count):
                yield self._plan([(each, number)])

    def one_of_each(self, most: int) -> Iterator[tuple[tuple[Strategy, ...], Support]]:
        """Yield one plan per outcome, and what else supports the outcome.

        The payoff vectors take turns, so that each is there if there is room for all. If there
        is not, those come first at which some player has the least or the greatest payoff.
        """
        found = extremes_first(self.found) if self.outcomes > most else self.found
        for each, number in islice(_turns(found, self._outcomes), most):
            yield self._outcome(each, number)

    # --- outcomes --------------------------------------------------------------------------

    def _outcomes(self, whole: Continuation) -> int:
        """Return the number of outcomes of a continuation, and know it for all below."""
        waiting = [whole]
        while waiting:
            here = waiting[-1]
            if id(here) in self.number:
                waiting.pop()
                continue
            below = [
                each for way in here.ways for each in way.onward if id(each) not in self.number
            ]
            if below:
                waiting += below
                continue
            groups: dict[object, _Alike] = {}
            for way in here.ways:
                key = (way.reach, *map(id, way.onward))
                if key in groups:
                    groups[key].ways.append(way)
                else:
                    number = prod(self.number[id(each)] for each in way.onward)
                    groups[key] = _Alike([way], min(MANY, number))
            self.alike[id(here)] = list(groups.values())
            number = sum(group.outcomes for group in groups.values()) if groups else 1
            self.number[id(here)] = min(MANY, number)
        return self.number[id(whole)]

    def _outcome(self, whole: Continuation, number: int) -> tuple[tuple[Strategy, ...], Support]:
        """Return the first plan with the outcome of this number, and what else supports it."""
        plans = 1
        chosen: list[tuple[Continuation, int]] = []
        seen: dict[int, dict[int, Strategy]] = {}
        off: list[Sequence[Continuation]] = []
        waiting = [(whole, number)]
        strategies: list[Strategy] = [()] * self.num_sets
        while waiting:
            here, rest = waiting.pop()
            for group in self.alike[id(here)]:
                if rest < group.outcomes:
                    break
                rest -= group.outcomes
            else:  # a terminal
                continue
            for each in group.onward:
                rest, digit = divmod(rest, self.number[id(each)])
                waiting.append((each, digit))
            ways = 0
            for way in group.ways:
                elsewhere = way.elsewhere
                ways += prod(sum(choice.count for choice in part) for part in elsewhere)
                off += elsewhere
                self._see(seen, way)
            plans = min(MANY, plans * ways)
            first = group.ways[0]
            for known, strategy in first.behavior:
                strategies[known] = strategy
            chosen += [(part[0], 0) for part in first.elsewhere]
        self._write(strategies, chosen)
        for part in reversed(off):
            for known, occurring in self._occurring(part).items():
                seen.setdefault(known, {}).update(occurring)
        options = {
            known: tuple(kept.values()) for known, kept in sorted(seen.items()) if len(kept) > 1
        }
        return tuple(strategies), Support(plans, options)

    def _see(self, seen: dict[int, dict[int, Strategy]], way: Way) -> None:
        """Add what is done in a way, per information set, each strategy once (by identity)."""
        for known, strategy in way.behavior:
            one = self.as_first.get(id(strategy))
            if one is None:
                one = self.as_first[id(strategy)] = self.first.setdefault(strategy, strategy)
            seen.setdefault(known, {})[id(one)] = one

    def _occurring(self, part: Sequence[Continuation]) -> dict[int, dict[int, Strategy]]:
        """Return what some plan of the continuations does, at each of their information sets.

        Many outcomes leave the same off the path, so it is looked up once.
        """
        key = tuple(map(id, part))
        if key in self.occurring:
            return self.occurring[key]
        seen: dict[int, dict[int, Strategy]] = {}
        waiting, visited = list(part), set[int]()
        while waiting:
            here = waiting.pop()
            if id(here) in visited:
                continue
            visited.add(id(here))
            for way in here.ways:
                self._see(seen, way)
                for below in way.parts:
                    waiting += below
        self.occurring[key] = seen
        return seen

    # --- plans -----------------------------------------------------------------------------

    def _plan(self, chosen: list[tuple[Continuation, int]]) -> tuple[Strategy, ...]:
        strategies: list[Strategy] = [()] * self.num_sets
        self._write(strategies, chosen)
        return tuple(strategies)

    def _write(self, strategies: list[Strategy], waiting: list[tuple[Continuation, int]]) -> None:
        """Write down the plans of continuations that have these numbers, from 0."""
        while waiting:
            here, rest = waiting.pop()
            for way in here.ways:
                if rest < way.count:
                    break
                rest -= way.count
            else:  # a terminal
                continue
            for known, strategy in way.behavior:
                strategies[known] = strategy
            for part in way.parts:
                if len(part) == 1:
                    rest, digit = divmod(rest, part[0].count)
                    waiting.append((part[0], digit))
                    continue
                rest, digit = divmod(rest, min(MANY, sum(choice.count for choice in part)))
                for choice in part:
                    if digit < choice.count:
                        waiting.append((choice, digit))
                        break
                    digit -= choice.count
