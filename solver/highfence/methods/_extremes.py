"""The least and the greatest that everybody gets over all equilibria of a tree, listed or not.

Definitions
-----------
What is *paid* is a player's payoff or an outcome of the form: a number at every terminal, so that
an equilibrium pays its expectation. A *range* is a lower and an upper bound of what is paid, over
all equilibria of one subgame that backward induction counts, and whether some equilibrium meets
each. Over the continuations of a subgame payoffs are known, and an outcome is least where it is
least in every subgame that play reaches, since these are chosen independently.

A subgame is *cut* where not all combinations of continuations below it were followed up, or one
below it is cut. Its range follows from the ranges of the subgames right below:

- of a lottery, the least is the lottery over what is least;
- where one player decides, an action with payoff ``v`` to them is taken in some equilibrium if and
  only if every other action has a continuation with no more than ``v``. So what is below the
  largest of the others' least is left out;
- of a stage in which nobody's payoff depends on what follows the cut, every equilibrium of the
  stage is an expectation over its ends; of any other stage, no more is said than that everybody
  gets what some end pays, and whoever moves no less than what they can secure.

The last two may leave a range wider than the equilibria; then its end is not met.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .. import tolerances
from ..errors import LimitExceeded
from ..forms.extensive import CHANCE, ExtensiveForm
from ..forms.reduce import Truncation
from ..solution import Extremes
from ._plans import Continuation

__all__ = ["Ranges", "extremes"]

Rational = Fraction | int
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Range:
    """Bounds of what is paid in a subgame: payoffs, then outcomes; and which of them are met."""

    low: Row
    high: Row
    low_met: tuple[bool, ...]
    high_met: tuple[bool, ...]


def extremes(ranges: Ranges, units: Sequence[Rational]) -> tuple[Extremes | None, ...]:
    """Return the extremes over the whole game: of each player's payoff, then of each outcome.

    Parameters
    ----------
    units
        By which each player's payoffs were multiplied.

    Returns
    -------
    tuple
        None for an outcome that is not defined everywhere; empty where a subgame has no
        equilibrium that was found.
    """
    whole = ranges.of(0)
    if whole is None:
        return ()
    followed = ranges.over(0, ranges.after[0]) if ranges.after[0] else whole
    made: list[Extremes | None] = []
    for k, (low, high) in enumerate(zip(whole.low, whole.high, strict=True)):
        is_payoff = k < len(units)
        if not is_payoff and not ranges.defined[k - len(units)]:
            made.append(None)
            continue
        near = 0 if is_payoff else tolerances.ROUNDING * max(abs(low), abs(high))
        unit = Fraction(units[k]) if is_payoff else 1
        made.append(
            Extremes(
                float(low / unit),
                float(high / unit),
                bool(whole.low_met[k] or followed.low[k] - low <= near),
                bool(whole.high_met[k] or high - followed.high[k] <= near),
            )
        )
    return tuple(made)


class Ranges:
    """Ranges of the subgames of a tree that backward induction went through.

    Parameters
    ----------
    form
        The tree.
    after
        Per node, the continuations that were followed up.
    lotteries
        Per node, the probabilities of chance.
    slack
        Per player, the difference in payoff below which actions tie.
    cut
        Roots of subgames of which some continuations were not followed up, not counting those
        that are cut because one below them is.
    behaviors
        Per stage that has the same equilibria whatever follows: the probability of each of its
        ends, for each.
    """

    def __init__(
        self,
        form: ExtensiveForm,
        after: Sequence[Sequence[Continuation]],
        lotteries: Sequence[Sequence[Fraction]],
        slack: Sequence[Rational],
        cut: Collection[int],
        behaviors: Mapping[int, Sequence[Row]],
    ) -> None:
        self.form, self.after, self.lotteries, self.slack = form, after, lotteries, slack
        self.behaviors = behaviors
        self.roots = frozenset(form.subgame_roots())
        self.players = form.num_players
        ends = form.terminals
        self.defined = [bool(np.isfinite(v[ends]).all()) for v in form.outcomes.values()]
        """Per outcome, whether it is a number at every end; what it comes to is else not told."""
        self.columns = [
            np.where(np.isfinite(values), values, 0.0).tolist() for values in form.outcomes.values()
        ]
        self.pays: dict[int, tuple[Row, Row]] = {}
        """Per continuation (its identity), the least and greatest of the outcomes."""
        self.known: dict[int, _Range | None] = {}
        self.cut: set[int] = set()
        for root in cut:
            node = root
            while node not in self.cut:
                if node in self.roots:
                    self.cut.add(node)
                if node == 0:
                    break
                node = int(form.parent[node])

    # --- subgames of which all continuations are known ---------------------------------------

    def over(self, node: int, continuations: Iterable[Continuation]) -> _Range:
        """Return the range over continuations of the subgame at a node: all of it is met."""
        lows, highs = [], []
        for each in continuations:
            low, high = self._outcomes(node, each)
            lows.append((*each.value, *low))
            highs.append((*each.value, *high))
        met = (True,) * (self.players + len(self.columns))
        return _Range(
            tuple(map(min, zip(*lows, strict=True))),
            tuple(map(max, zip(*highs, strict=True))),
            met,
            met,
        )

    def _outcomes(self, node: int, whole: Continuation) -> tuple[Row, Row]:
        """Return the least and greatest of every outcome over the ways of a continuation."""
        if not self.columns:
            return (), ()
        waiting = [(node, whole)]
        while waiting:
            here, each = waiting[-1]
            if id(each) in self.pays:
                waiting.pop()
                continue
            if not each.ways:
                paid = tuple([column[here] for column in self.columns])
                self.pays[id(each)] = paid, paid
                continue
            steps = [self._steps(here, way) for way in each.ways]
            below = [
                (later, following)
                for step in steps
                for _, later, following in step
                if id(following) not in self.pays
            ]
            if below:
                waiting += below
                continue
            lows, highs = [], []
            for step in steps:
                found = [(weight, *self.pays[id(following)]) for weight, _, following in step]
                lows.append(_mixed([(weight, low) for weight, low, _ in found]))
                highs.append(_mixed([(weight, high) for weight, _, high in found]))
            self.pays[id(each)] = (
                tuple(map(min, zip(*lows, strict=True))),
                tuple(map(max, zip(*highs, strict=True))),
            )
        return self.pays[id(whole)]

    def _steps(self, node: int, way: Any) -> list[tuple[float, int, Continuation]]:
        """Return (probability, node, continuation) of everything right below that play reaches."""
        children = self.form.children[node]
        if way.reach:
            onward = iter(way.onward)
            return [
                (
                    float(weight),
                    end,
                    next(onward) if self.form.children[end] else self.after[end][0],
                )
                for end, weight in way.reach
            ]
        if not way.behavior:
            odds = [
                (float(weight), child)
                for child, weight in zip(children, self.lotteries[node], strict=True)
                if weight
            ]
            return [(w, child, each) for (w, child), each in zip(odds, way.onward, strict=True)]
        ((_, strategy),) = way.behavior
        return [(1.0, children[strategy.index(1)], way.onward[0])]

    def _ends(self, root: int) -> list[int]:
        """Return the nodes at which the stage of a subgame ends, ascending."""
        ends, waiting = [], list(reversed(self.form.children[root]))
        while waiting:
            node = waiting.pop()
            if node in self.roots or not self.form.children[node]:
                ends.append(node)
            else:
                waiting += reversed(self.form.children[node])
        return ends

    # --- subgames that are cut -----------------------------------------------------------------

    def of(self, root: int) -> _Range | None:
        """Return the range of a subgame; None where no equilibrium of it was found."""
        for node in sorted(self.cut, reverse=True):  # the deepest first
            if node not in self.known and node >= root:
                self.known[node] = self._cut(node)
        return self._of(root)

    def _of(self, node: int) -> _Range | None:
        if node in self.cut:
            return self.known[node]
        if not self.after[node]:
            return None
        return self.over(node, self.after[node])

    def _cut(self, node: int) -> _Range | None:
        ends = self._ends(node)
        below = [self._of(end) for end in ends]
        found = [each for each in below if each is not None]
        if len(found) < len(below):
            return None
        if tuple(ends) == tuple(self.form.children[node]):
            if int(self.form.owner[node]) == CHANCE:
                return _expected(list(zip(self.lotteries[node], found, strict=True)))
            return self._decided(node, found)
        return self._staged(node, ends, found)

    def _decided(self, node: int, below: Sequence[_Range]) -> _Range | None:
        """Return the range where one player decides."""
        player = int(self.form.owner[node])
        kept = []
        for k, (child, range_) in enumerate(zip(self.form.children[node], below, strict=True)):
            others = [other for place, other in enumerate(below) if place != k]
            sure = all(other.low_met[player] for other in others)
            enough = max((other.low[player] for other in others), default=range_.low[player])
            enough -= self.slack[player]
            if range_.high[player] < enough:
                continue
            if range_.low[player] < enough:
                if child not in self.cut:
                    fitting = [e for e in self.after[child] if e.value[player] >= enough]
                    if not fitting:
                        continue
                    range_ = self.over(child, fitting)
                else:
                    own = [place == player for place in range(len(range_.low))]
                    range_ = _Range(
                        tuple(
                            enough if mine else low
                            for mine, low in zip(own, range_.low, strict=True)
                        ),
                        range_.high,
                        (False,) * len(own),
                        tuple(mine and met for mine, met in zip(own, range_.high_met, strict=True)),
                    )
            if not sure:
                range_ = _unmet(range_)
            kept.append(range_)
        return _hull(kept) if kept else None

    def _staged(self, node: int, ends: Sequence[int], below: Sequence[_Range]) -> _Range:
        """Return the range of a stage of several nodes."""
        tree = Truncation.of(self.form, node, self.roots - {node}, lotteries=self.lotteries)
        settled = all(each.low[p] == each.high[p] for each in below for p in tree.counts)
        if settled and node in self.behaviors:
            return _hull(
                [
                    _expected(list(zip(weights, below, strict=True)))
                    for weights in self.behaviors[node]
                ]
            )
        range_ = _unmet(_hull(below))
        low = list(range_.low)
        secured = self._secured(tree, dict(zip(ends, (each.low for each in below), strict=True)))
        for player, sure in secured.items():
            low[player] = max(low[player], min(sure - self.slack[player], range_.high[player]))
        return _Range(tuple(low), range_.high, range_.low_met, range_.high_met)

    def _secured(self, tree: Truncation, least: Mapping[int, Row]) -> dict[int, Rational]:
        """Return what each who has a choice can secure by a pure plan, whatever follows."""
        active = [player for player, count in tree.counts.items() if count > 1]
        try:
            table, whole = tree.scaled_table(least, active, active)
        except LimitExceeded:
            return {}
        made: dict[int, Rational] = {}
        for axis, player in enumerate(active):
            others = tuple(k for k in range(len(active)) if k != axis)
            made[player] = Fraction(int(table[axis].min(axis=others).max()), whole)
        return made


def _mixed(parts: Sequence[tuple[Any, Row]]) -> Row:
    """Return what is expected of rows with these probabilities."""
    return tuple(
        sum(weight * entry for (weight, _), entry in zip(parts, column, strict=True))
        for column in zip(*(row for _, row in parts), strict=True)
    )


def _expected(parts: Sequence[tuple[Any, _Range]]) -> _Range:
    """Return the range of a lottery over ranges, of which each is chosen by itself."""
    drawn = [(Fraction(weight), each) for weight, each in parts if weight]
    return _Range(
        _mixed([(weight, each.low) for weight, each in drawn]),
        _mixed([(weight, each.high) for weight, each in drawn]),
        tuple(map(all, zip(*(each.low_met for _, each in drawn), strict=True))),
        tuple(map(all, zip(*(each.high_met for _, each in drawn), strict=True))),
    )


def _hull(ranges: Sequence[_Range]) -> _Range:
    """Return the range of what is in one of the ranges."""
    low = tuple(map(min, zip(*(each.low for each in ranges), strict=True)))
    high = tuple(map(max, zip(*(each.high for each in ranges), strict=True)))
    columns = range(len(low))
    return _Range(
        low,
        high,
        tuple(any(r.low_met[k] and r.low[k] == low[k] for r in ranges) for k in columns),
        tuple(any(r.high_met[k] and r.high[k] == high[k] for r in ranges) for k in columns),
    )


def _unmet(range_: _Range) -> _Range:
    none = (False,) * len(range_.low)
    return _Range(range_.low, range_.high, none, none)
