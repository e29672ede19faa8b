"""The reader of ``.efg`` files: extensive forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .. import limits
from ..errors import SpecError
from ._gambit_tokens import END, TEXT, WORD, Reader, listed, located
from .extensive import ExtensiveForm, Lottery, Move, Node, Terminal, improper

__all__ = ["EfgReader"]


@dataclass(frozen=True)
class _Described:
    """An information set, chance event or outcome, as first described at ``at``."""

    at: int
    label: str
    written: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    values: tuple[Fraction, ...] = ()


class EfgReader(Reader):
    """Takes the tokens of an ``.efg`` file."""

    magic, version, other = "EFG", "2", "NFG"

    def game(self) -> ExtensiveForm:
        """Take the whole file and return its game."""
        title, self.players = self.header()
        comment = self.comment()
        self.finish()
        self.sets: dict[tuple[int, int], _Described] = {}
        self.events: dict[int, _Described] = {}
        self.outcomes: dict[int, _Described] = {}
        self.notes = [comment] if comment else []
        self.numbered = False
        nodes = list(self._nodes())
        if self.kind != END:
            self.problem(
                "tree",
                f"{self.shown()} comes after the tree is complete",
                "Remove it, or give the action that leads to it.",
            )
        self.finish()
        labels = {key: known.label or f"set {key[1]}" for key, known in self.sets.items()}
        try:
            return ExtensiveForm.from_preorder(self.players, nodes, title, labels, self.notes)
        except SpecError as error:
            raise located(error, self.source) from None

    def _nodes(self) -> Iterator[Node]:
        """Take the nodes until the tree is complete."""
        left: list[list[int]] = []  # per open node: [children still to come, where it is]
        count = 0
        while True:
            if count >= limits.MAX_NODES:
                self.exceed(
                    "tree",
                    f"more than {limits.MAX_NODES} nodes",
                    "Use a smaller game, or raise highfence.limits.MAX_NODES if memory allows.",
                )
            if len(left) > limits.MAX_DEPTH:
                self.exceed(
                    "tree",
                    f"deeper than {limits.MAX_DEPTH} moves",
                    "Shorten the game, or raise highfence.limits.MAX_DEPTH.",
                )
            if self.kind == END and left:
                parent = self.line(left[-1][1])
                self.fail(
                    "tree",
                    f"unexpected end of the file; the node on line {parent} lacks "
                    f"{left[-1][0]} of its children",
                    "Add the rest.",
                )
            if left:
                left[-1][0] -= 1
            start = self.at
            node = self._node()
            count += 1
            yield node
            if isinstance(node, Terminal):
                while left and not left[-1][0]:
                    left.pop()
                if not left:
                    return
            else:
                left.append([len(node.actions), start])

    def _node(self) -> Node:
        kind = self.value if self.kind == WORD else ""
        if kind not in ("p", "t", "c"):
            self.fail(
                "node",
                "unexpected end of the file, expected a node"
                if self.kind == END
                else f"a node starts with c, p or t, not with {self.shown()}",
                "Write c for chance, p for a player, t for the end of a play.",
            )
        at = self.at
        self.advance()
        label = self.label("node label") if self.kind == TEXT else ""
        if kind == "t":
            values, outcome = self._outcome()
            return Terminal(values or (Fraction(0),) * len(self.players), label=label or outcome)
        if kind == "c":
            event = self._event(at)
            values, _ = self._outcome()
            return Lottery(label or event.label, event.actions, event.values, (), values)
        key, known = self._information_set(at)
        values, _ = self._outcome()
        return Move(key[0], key, known.actions, (), label, values)

    def _information_set(self, at: int) -> tuple[tuple[int, int], _Described]:
        start = self.at
        count = len(self.players)
        player = self.integer("player number", -1 << 31, f"Give a number from 1 to {count}.")
        if not 1 <= player <= count:
            self.problem(
                "player number",
                f"player {player}, but {count} players are declared",
                f"Give a number from 1 to {count}"
                + (", or write c for a chance node." if player == 0 else "."),
                start,
            )
            player = 1
        name = self.players[player - 1]
        number = self.integer("information set number", 1, "Number information sets from 1.")
        field = f"information set {number} of {name!r}"
        key = (player - 1, number)
        known = self.sets.get(key)
        found = self._description(field, at, known, chance=False)
        if known is None:
            self.sets[key] = found
        return key, found

    def _event(self, at: int) -> _Described:
        number = self.integer("event number", 1, "Number the events of chance from 1.")
        field = f"event {number} of chance"
        known = self.events.get(number)
        found = self._description(field, at, known, chance=True)
        if known is None:
            self.events[number] = found
        return found

    def _description(
        self, field: str, at: int, known: _Described | None, chance: bool
    ) -> _Described:
        """Take ``"label" { "a" "b" }`` or, of chance, ``"label" { "a" 1/2 "b" 1/2 }``.

        Both parts may be missing where the set is known.
        """
        label_at = self.at
        label = self.label(f"{field}, label") if self.kind == TEXT else ""
        if known is not None and label and label != known.label:
            self.problem(
                field,
                f"it is called {label!r} here, and {known.label!r} on line {self.line(known.at)}",
                "Use one label, or another number.",
                label_at,
            )
        if not self.at_mark("{"):
            if known is None:
                self.fail(
                    field,
                    f"its actions are not given, and no node before has it; found {self.shown()}",
                    'List them: { "a" "b" }.',
                )
            return known
        start = self.at
        self.advance()
        written: list[str] = []
        words: list[str] = []
        values: list[Fraction] = []
        while not self.at_mark("}"):
            what = f"{field}, action {len(written) + 1}"
            written.append(self.label(what))
            if chance:
                words.append(self.value)
                values.append(self.number(f"{what}, probability"))
        self.advance()
        if known is not None and tuple(written) == known.written and tuple(values) == known.values:
            return known
        if not written:
            self.fail(field, "there are no actions", "Use t where a play ends.", start)
        if len(written) > limits.MAX_ACTIONS:
            self.exceed(
                field,
                f"{len(written)} actions, the limit is {limits.MAX_ACTIONS}",
                "Raise highfence.limits.MAX_ACTIONS if memory allows.",
                start,
            )
        if known is not None:
            self._mismatch(field, at, start, known, written, values)
        elif chance and (wrong := improper(values, words)) is not None:
            self.problem(field, *wrong, start)
        apart = self._apart(written, field) if chance else written
        actions = self.distinct(apart, field, "action", start)
        return _Described(at, label, tuple(written), actions, tuple(values))

    def _apart(self, labels: Sequence[str], field: str) -> list[str]:
        """Return the labels of a chance event, with a number where one comes again.

        Files of the Gambit project label the actions of chance by their probabilities.
        Nobody chooses among them, so a number does no harm.
        """
        apart: list[str] = []
        numbers: dict[str, int] = {}
        taken = set(labels)
        for label in labels:
            name, number = label, numbers.get(label, 0) + 1
            if label and number > 1:
                name = f"{label} ({number})"
                while name in taken:
                    number += 1
                    name = f"{label} ({number})"
                if not self.numbered:
                    self.numbered = True
                    self.notes.append(
                        f"{field} has several actions labeled {label!r}; the second is called "
                        f"{name!r}, and likewise at other events"
                    )
            numbers[label] = number
            taken.add(name)
            apart.append(name)
        return apart

    def _mismatch(
        self,
        field: str,
        at: int,
        start: int,
        known: _Described,
        written: Sequence[str],
        values: Sequence[Fraction],
    ) -> None:
        here, there = self.line(at), self.line(known.at)
        if tuple(written) != known.written:
            self.problem(
                field,
                f"the node on line {here} has the actions {_quoted(written)}, "
                f"the node on line {there} has {_quoted(known.written)}",
                "All nodes of one set have the same actions in the same order; "
                "or give this node another number.",
                start,
            )
        else:
            self.problem(
                field,
                f"the node on line {here} has the probabilities {listed(values)}, "
                f"the node on line {there} has {listed(known.values)}",
                "Use the same probabilities, or another number.",
                start,
            )

    def _outcome(self) -> tuple[tuple[Fraction, ...] | None, str]:
        """Take ``0``, ``3`` or ``3 "label" { 1, 2 }``; return payoffs (None for 0) and label."""
        at = self.at
        number = self.integer("outcome number", 0, "Outcomes are numbered from 1; 0 pays nothing.")
        field = f"outcome {number}"
        known = self.outcomes.get(number)
        label_at = self.at
        label = self.label(f"{field}, label") if self.kind == TEXT else ""
        if self.at_mark("{"):
            if number == 0:
                self.problem(
                    field, "number 0 pays nothing and has no payoffs", "Number it from 1.", at
                )
            start = self.at
            self.advance()
            values = self.payoffs(field, self.players)
            if known is None:
                if number:
                    self.outcomes[number] = _Described(at, label, values=values)
                return values, label
            if values != known.values:
                self.problem(
                    field,
                    f"it pays {listed(values)} here, and {listed(known.values)} "
                    f"on line {self.line(known.at)}",
                    "Use the same payoffs, or another number.",
                    start,
                )
        if number == 0:
            if label:
                self.problem(
                    field, "number 0 pays nothing and has no label", "Number it from 1.", label_at
                )
            return None, label
        if known is None:
            self.problem(
                field,
                "its payoffs are not given, and no node before has it",
                "Give them: { 1, 2 }." if len(self.players) == 2 else "Give one per player in { }.",
                at,
            )
            return None, label
        if label and known.label and label != known.label:
            self.problem(
                field,
                f"it is called {label!r} here, and {known.label!r} on line {self.line(known.at)}",
                "Use one label, or another number.",
                label_at,
            )
        return known.values, known.label


def _quoted(labels: Sequence[str]) -> str:
    return listed([f"'{label}'" for label in labels])
