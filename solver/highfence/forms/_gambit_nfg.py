"""The reader of ``.nfg`` files: strategic forms with payoffs or with outcomes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

import numpy as np

from .. import limits
from ..errors import SpecError
from ._gambit_tokens import END, INTEGER, TEXT, WORD, Reader, counted, located
from .normal import NormalForm

__all__ = ["NfgReader"]

_MAX_PLAYERS = 63  # a numpy array has at most 64 axes, and one is the player


class NfgReader(Reader):
    """Takes the tokens of a ``.nfg`` file."""

    magic, version, other = "NFG", "1", "EFG"

    def game(self) -> NormalForm:
        """Take the whole file and return its game."""
        title, players = self.header()
        strategies = self._strategies(players)
        sizes = [len(labels) for labels in strategies]
        cells = math.prod(sizes) * len(players)
        if len(players) > _MAX_PLAYERS:
            self.exceed(
                "players",
                f"{len(players)} players, a strategic form holds at most {_MAX_PLAYERS}",
                "Leave out players who have no choice.",
                self.sizes_at,
            )
        if cells > limits.MAX_CELLS:
            self.exceed(
                "strategies",
                f"{_product(sizes)} make {cells} payoffs, the limit is {limits.MAX_CELLS}",
                "Use a smaller game, or raise highfence.limits.MAX_CELLS if memory allows.",
                self.sizes_at,
            )
        self.comment()
        # Counts that contradict each other would make every further message wrong.
        self.finish()
        listed = (
            self._by_outcomes(players, sizes)
            if self.at_mark("{")
            else self._by_payoffs(players, sizes)
        )
        self.finish()
        # As listed: last player slowest, first player faster, then the player whose payoff it is.
        flat = np.empty(cells, dtype=object)
        flat[:] = listed
        table = flat.reshape((*reversed(sizes), len(players))).transpose()
        try:
            return NormalForm.from_payoffs(
                table, players=players, strategies=strategies, title=title
            )
        except SpecError as error:
            raise located(error, self.source) from None

    def _strategies(self, players: Sequence[str]) -> list[tuple[str, ...]]:
        self.sizes_at = self.at
        self.expect("{", "strategies")
        lists: list[tuple[str, ...]] = []
        if self.at_mark("{"):
            while self.at_mark("{"):
                start = self.at
                whose = f"strategies of {_named(players, len(lists))}"
                self.advance()
                labels: list[str] = []
                while self.kind == TEXT:
                    labels.append(self.label(f"{whose}, number {len(labels) + 1}"))
                self.expect("}", whose)
                if not labels:
                    self.problem(whose, "there are none", "Give every player one.", start)
                self._check_count(whose, len(labels), start)
                lists.append(self.distinct(labels, whose, "strategy", start))
        else:
            while self.kind == WORD:
                start = self.at
                whose = f"number of strategies of {_named(players, len(lists))}"
                count = self.integer(whose, 1, "Give every player at least one strategy.")
                self._check_count(whose, count, start)
                lists.append(tuple(str(number + 1) for number in range(count)))
        self.expect("}", "strategies")
        if len(lists) != len(players):
            self.problem(
                "strategies",
                f"{len(players)} players are named, and strategies are given for {len(lists)}",
                "Give one entry per player.",
                self.sizes_at,
            )
        return lists

    def _check_count(self, field: str, count: int, at: int) -> None:
        if count > limits.MAX_ACTIONS:
            self.exceed(
                field,
                f"{count} strategies, the limit is {limits.MAX_ACTIONS}",
                "Raise highfence.limits.MAX_ACTIONS if memory allows.",
                at,
            )

    def _by_payoffs(self, players: Sequence[str], sizes: Sequence[int]) -> list[Fraction]:
        total = math.prod(sizes) * len(players)
        values: list[Fraction] = []
        before = ""
        while len(values) < total:
            if self.kind == END:
                self.fail(
                    "payoffs",
                    f"unexpected end of the file after {len(values)} of {total} payoffs "
                    f"({_product(sizes)})",
                    "Add the rest.",
                )
            if self.at_mark(","):
                self._comma(before)
            before = self.value
            whose = players[len(values) % len(players)]
            values.append(self.number(f"payoff {len(values) + 1} of {total}, to {whose!r}"))
        if self.at_mark(","):
            self._comma(before)
        if self.kind != END:
            self.problem(
                "payoffs",
                f"{self.shown()} comes after all {total} payoffs ({_product(sizes)})",
                "Remove it, or correct the numbers of strategies.",
            )
        return values

    def _comma(self, before: str) -> NoReturn:
        comma = self.at
        after = re.compile(r"[0-9]+").match(self.text, comma + 1)
        tight = INTEGER.fullmatch(before) and self.text[comma - 1] not in " \t\n"
        self.fail(
            "payoffs",
            "blanks separate payoffs, not commas",
            f"Did you mean {before}.{after[0]}?" if tight and after else "Remove the comma.",
        )

    def _by_outcomes(self, players: Sequence[str], sizes: Sequence[int]) -> list[Fraction]:
        self.expect("{", "outcomes")
        zeros = (Fraction(0),) * len(players)
        outcomes = [zeros]  # number 0 pays nothing
        while self.at_mark("{"):
            outcomes.append(self._outcome(players, len(outcomes)))
        self.expect("}", "outcomes")
        total = math.prod(sizes)
        values: list[Fraction] = []
        for cell in range(total):
            what = f"outcome number {cell + 1} of {total}"
            start = self.at
            number = self.integer(what, 0, "Outcomes are numbered from 1; 0 pays nothing.")
            if number >= len(outcomes):
                self.problem(
                    what,
                    f"outcome {number} used, {len(outcomes) - 1} defined",
                    "Define it, or use a smaller number.",
                    start,
                )
                number = 0
            values.extend(outcomes[number])
        if self.kind != END:
            self.problem(
                "outcome numbers",
                f"{self.shown()} comes after all {total} ({_product(sizes)})",
                "Remove it, or correct the lists of strategies.",
            )
        return values

    def _outcome(self, players: Sequence[str], number: int) -> tuple[Fraction, ...]:
        """Take ``{ "label" 1, 2 }``, the label optional."""
        field = f"outcome {number}"
        self.expect("{", field)
        if self.kind == TEXT:
            self.label(f"{field}, label")
        return self.payoffs(field, players)


def _product(sizes: Sequence[int]) -> str:
    shown = " x ".join(map(str, sizes[:6])) + (" x ..." if len(sizes) > 6 else "")
    return f"{shown} strategies of {counted(len(sizes), 'player')}"


def _named(players: Sequence[str], index: int) -> str:
    return repr(players[index]) if index < len(players) else f"player {index + 1}"
