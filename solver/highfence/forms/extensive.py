"""Extensive form: a game tree as flat, read-only arrays.

Conventions
-----------
- Nodes are numbered in preorder: the root is 0, a node's first child follows it, and
  the subtree of node ``v`` is the range ``v <= u < end[v]``.
- ``children[v][k]`` is where action ``k`` of node ``v`` leads; ``branch[u]`` is the ``k``
  that led to ``u``.
- ``owner[v]`` is the index of the player who moves at ``v``, ``CHANCE`` or ``TERMINAL``.
- Information sets are numbered by the first of their nodes in preorder. All their
  nodes belong to one player and have the same actions in the same order.
- Payoffs are those of the whole play: what nonterminal nodes pay is already added.

Definitions
-----------
*Perfect recall*: at any two nodes of one information set, its player has visited the same
information sets of their own and taken the same actions there, in the same order. A path
that visits an information set twice (absent-mindedness) violates it. *Subgame*: a subtree
whose root is alone in its information set and that cuts no information set.

References
----------
Kuhn (1953), "Extensive games and the problem of information"; Selten (1975),
"Reexamination of the perfectness concept", sections 2-5; Piccione and Rubinstein (1997) for
absent-mindedness.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from numbers import Integral, Rational, Real
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import limits, tolerances
from ..errors import LimitExceeded, Problem, SpecError

__all__ = [
    "CHANCE",
    "TERMINAL",
    "BehaviorProfile",
    "ExtensiveForm",
    "InformationSet",
    "Lottery",
    "Move",
    "Node",
    "Number",
    "Terminal",
    "improper",
    "repeated_label",
]

CHANCE = -1
"""Owner of a node at which a lottery decides."""
TERMINAL = -2
"""Owner of a node at which the play has ended."""

Number = int | float | Fraction | Decimal
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]

_ZERO = Fraction(0)
_MAX_PROBLEMS = 50  # one message should stay readable; the rest would repeat it


def _frozen(mapping: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True, eq=False)
class Terminal:
    """The end of a play: a payoff per player, and metrics that are reported beside them."""

    payoffs: tuple[Number, ...]
    outcomes: Mapping[str, float] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "payoffs", tuple(self.payoffs))
        object.__setattr__(self, "outcomes", _frozen(self.outcomes))


@dataclass(frozen=True, eq=False)
class Move:
    """A player's move.

    Parameters
    ----------
    player
        Index of the player, from 0.
    information_set
        Any hashable name. Moves with an equal name are in one information set.
    actions
        Labels of the actions, distinct.
    children
        The node after each action, in the order of ``actions``.
    payoffs
        What passing this node pays, added to every terminal below; None for nothing.
    """

    player: int
    information_set: Hashable
    actions: tuple[str, ...]
    children: tuple[Node, ...] = field(repr=False)
    label: str = ""
    payoffs: tuple[Number, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(self, "children", tuple(self.children))
        if self.payoffs is not None:
            object.__setattr__(self, "payoffs", tuple(self.payoffs))


@dataclass(frozen=True, eq=False)
class Lottery:
    """A chance move: an action is drawn with the stated probabilities, which sum to one."""

    label: str
    actions: tuple[str, ...]
    probabilities: tuple[Number, ...]
    children: tuple[Node, ...] = field(repr=False)
    payoffs: tuple[Number, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(self, "probabilities", tuple(self.probabilities))
        object.__setattr__(self, "children", tuple(self.children))
        if self.payoffs is not None:
            object.__setattr__(self, "payoffs", tuple(self.payoffs))


Node = Terminal | Move | Lottery


@dataclass(frozen=True, eq=False)
class InformationSet:
    """Nodes between which the player who moves there cannot tell.

    ``label`` is unique among the information sets of the player; ``nodes`` ascend.
    """

    player: int
    label: str
    actions: tuple[str, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class BehaviorProfile:
    """A behavior strategy profile: per information set, probabilities over its actions.

    The order is that of :attr:`ExtensiveForm.information_sets`.
    """

    probabilities: tuple[tuple[Number, ...], ...]

    @classmethod
    def from_weights(cls, *weights: Iterable[Number]) -> BehaviorProfile:
        """Return the profile in proportion to the weights, one iterable per information set.

        Rational weights give Fractions. Floats that are negative by at most
        ``tolerances.PROBABILITY`` of the sum are rounding and become 0.

        Raises
        ------
        SpecError
            Weights are negative, not finite, or all zero.

        Examples
        --------
        >>> BehaviorProfile.from_weights([1.0, 3.0], [1, 2])
        BehaviorProfile(probabilities=((0.25, 0.75), (Fraction(1, 3), Fraction(2, 3))))
        """
        return cls(tuple(_normalized(index, tuple(given)) for index, given in enumerate(weights)))

    @cached_property
    def is_exact(self) -> bool:
        """True if every probability is an int or a Fraction."""
        kinds = {kind for weights in self.probabilities for kind in set(map(type, weights))}
        return all(issubclass(kind, Rational) for kind in kinds)


def _normalized(index: int, weights: tuple[Number, ...]) -> tuple[Number, ...]:
    place = f"information set {index}"
    if weights and all(isinstance(weight, Rational) for weight in weights):
        exact = [Fraction(weight) for weight in weights]
        whole = sum(exact, _ZERO)
        if min(exact) < 0 or whole == 0:
            raise SpecError(Problem(place, f"weights {_listed(exact)} are negative or all zero"))
        return tuple(weight / whole for weight in exact)
    floats = [float(weight) for weight in weights]
    total = math.fsum(floats)
    if not floats or not math.isfinite(total) or total <= 0:
        raise SpecError(Problem(place, f"weights {floats} have no finite positive sum"))
    if min(floats) < -tolerances.PROBABILITY * total:
        raise SpecError(Problem(place, f"weight {min(floats)!r} is negative"))
    clipped = [max(weight, 0.0) for weight in floats]
    total = math.fsum(clipped)
    return tuple(weight / total for weight in clipped)


@dataclass(frozen=True, eq=False)
class ExtensiveForm:
    """A finite game in extensive form. Make it by :meth:`from_tree`, which validates.

    All arrays are read-only; ``n`` is the number of nodes, ``N`` that of players.
    """

    players: tuple[str, ...]
    title: str
    parent: Integers
    """(n,): the node before; -1 for the root."""
    branch: Integers
    """(n,): index of the action of the parent that leads here; -1 for the root."""
    children: tuple[tuple[int, ...], ...]
    """Per node, the node after each action; () at terminals."""
    end: Integers
    """(n,): one past the last node of the subtree."""
    owner: Integers
    """(n,): player index, ``CHANCE`` or ``TERMINAL``."""
    information_set: Integers
    """(n,): index into ``information_sets``; -1 where no player moves."""
    information_sets: tuple[InformationSet, ...]
    action_labels: tuple[tuple[str, ...], ...]
    """Per node; () at terminals."""
    labels: tuple[str, ...]
    """Per node, its own label, often empty; at chance nodes that of the lottery."""
    probabilities: tuple[tuple[float, ...], ...]
    """Per node, of the actions of chance; () elsewhere."""
    exact_probabilities: tuple[tuple[Fraction, ...], ...] | None
    """The same as rationals, or None if any number of the game was a float."""
    payoffs: Floats
    """(n, N): payoffs of the whole play at terminals, 0 elsewhere."""
    exact: Objects | None
    """(n, N): the same as Fractions, or None if any number of the game was a float."""
    outcomes: Mapping[str, Floats]
    """Per metric, (n,): its value at terminals, 0 elsewhere."""
    notes: tuple[str, ...] = ()
    """What a reader of the game should know, such as labels made distinguishable."""
    order_shown: tuple[int, ...] = ()
    """Decision nodes in the order in which people are told of them; () for preorder. A tree may
    have chance later than the game that it was made from."""

    @classmethod
    def from_tree(
        cls,
        players: Sequence[str],
        root: Node,
        title: str = "",
        set_labels: Mapping[Any, str] | None = None,
    ) -> ExtensiveForm:
        """Return the form of a tree of :class:`Move`, :class:`Lottery` and :class:`Terminal`.

        Parameters
        ----------
        players
            Names of the players, distinct.
        root
            The tree. A node object may stand at several places; each place counts.
        set_labels
            Labels of information sets, by the ``information_set`` of their moves. By
            default a text names itself and anything else becomes ``set 1``, ``set 2``, ...
            per player. Labels that coincide for one player get a number, with a note.

        Raises
        ------
        SpecError
            The tree is no game: probabilities that do not sum to one, payoff vectors of
            wrong length or not finite, information sets whose nodes differ in player or
            actions, and the like. All mistakes are listed, up to 50.
        LimitExceeded
            More than ``limits.MAX_NODES`` nodes, or deeper than ``limits.MAX_DEPTH`` moves.

        Notes
        -----
        Exactness: ints, Fractions and Decimals are exact. A float anywhere means that
        the game is not: ``exact`` and ``exact_probabilities`` are then None. Float
        probabilities must sum to one up to ``tolerances.PROBABILITY`` and are never
        renormalized. Perfect recall is not demanded; see :meth:`perfect_recall`.
        Cost: O(n N), without recursion.

        Examples
        --------
        >>> entry = Move(0, "enter?", ("in", "out"), (
        ...     Move(1, "react", ("fight", "share"), (Terminal((-1, -1)), Terminal((1, 1)))),
        ...     Terminal((0, 2)),
        ... ))
        >>> game = ExtensiveForm.from_tree(["entrant", "incumbent"], entry)
        >>> game.owner.tolist()
        [0, 1, -2, -2, -2]
        >>> game.subgame_roots()
        (0, 1)
        >>> game.expected_payoffs(BehaviorProfile(((1, 0), (0, 1))))
        (Fraction(1, 1), Fraction(1, 1))
        """
        return cls.from_preorder(players, _preorder(root), title, set_labels)

    @classmethod
    def from_preorder(
        cls,
        players: Sequence[str],
        nodes: Iterable[Node],
        title: str = "",
        set_labels: Mapping[Any, str] | None = None,
        notes: Sequence[str] = (),
    ) -> ExtensiveForm:
        """Return the form of nodes listed in preorder; their ``children`` are not read.

        Same contract as :meth:`from_tree`; ``notes`` are kept in front of its own.
        """
        builder = _Builder(players, title)
        for node in nodes:
            builder.add(node)
        return builder.finish(cls, set_labels or {}, notes)

    @property
    def num_nodes(self) -> int:
        """Number of nodes, ``n``."""
        return len(self.children)

    @property
    def num_players(self) -> int:
        """Number of players, ``N``."""
        return len(self.players)

    @property
    def is_exact(self) -> bool:
        """True if all payoffs and probabilities are rational numbers."""
        return self.exact is not None

    @cached_property
    def terminals(self) -> Integers:
        """Terminal nodes, ascending."""
        return _read_only(np.flatnonzero(self.owner == TERMINAL).astype(np.int64))

    @cached_property
    def depth(self) -> Integers:
        """(n,): number of moves before each node."""
        depth = [0] * self.num_nodes
        for node, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                depth[node] = depth[parent] + 1
        return _read_only(np.array(depth, dtype=np.int64))

    @cached_property
    def decisions_shown(self) -> tuple[int, ...]:
        """Decision nodes in the order in which people are told of them."""
        return self.order_shown or tuple(np.flatnonzero(self.owner >= 0).tolist())

    @cached_property
    def sets_shown(self) -> tuple[int, ...]:
        """Information sets in the order in which people are told of them."""
        sets = self.information_set.tolist()
        return tuple(dict.fromkeys(sets[node] for node in self.decisions_shown))

    def sets_of(self, player: int) -> tuple[int, ...]:
        """Return the indices of the player's information sets, ascending."""
        return tuple(
            index for index, known in enumerate(self.information_sets) if known.player == player
        )

    def path(self, node: int) -> tuple[tuple[int, int], ...]:
        """Return the (node, action index) pairs that lead from the root to a node."""
        steps = []
        while self.parent[node] >= 0:
            before = int(self.parent[node])
            steps.append((before, int(self.branch[node])))
            node = before
        return tuple(reversed(steps))

    def history(self, node: int) -> tuple[str, ...]:
        """Return the labels of the actions that lead from the root to a node."""
        return tuple(self.action_labels[before][taken] for before, taken in self.path(node))

    def describe(self, node: int) -> str:
        """Return words for a node: its number, and the actions before it."""
        return _description(node, self.history(node))

    def perfect_recall(self) -> tuple[int, str] | None:
        """Return None if every player has perfect recall, otherwise a witness.

        Returns
        -------
        The player's index and the label of the first information set, in preorder, at
        two nodes of which the player would remember different things. Absent-mindedness
        is one way in which this happens.

        Notes
        -----
        Each player's memory along a path is numbered, so that two nodes compare in O(1);
        O(n N) in all.
        """
        numbers: dict[tuple[int, int, int], int] = {}
        memories: list[tuple[int, ...]] = [()] * self.num_nodes
        remembered: list[int | None] = [None] * len(self.information_sets)
        parents, branches = self.parent.tolist(), self.branch.tolist()
        owners, sets = self.owner.tolist(), self.information_set.tolist()

        for node, parent in enumerate(parents):
            if parent < 0:
                memory: tuple[int, ...] = (0,) * self.num_players
            else:
                memory, mover = memories[parent], owners[parent]
                if mover >= 0:
                    step = (memory[mover], sets[parent], branches[node])
                    number = numbers.setdefault(step, len(numbers) + 1)
                    memory = (*memory[:mover], number, *memory[mover + 1 :])
            memories[node] = memory
            here = sets[node]
            if here >= 0:
                own = memory[owners[node]]
                if remembered[here] is None:
                    remembered[here] = own
                elif remembered[here] != own:
                    return owners[node], self.information_sets[here].label
        return None

    def subgame_roots(self) -> tuple[int, ...]:
        """Return the roots of all subgames, ascending; the whole game's root comes first.

        Decision nodes and chance nodes count, terminal nodes do not: a game of one
        terminal has no subgame. O(n).
        """
        count = self.num_nodes
        parents, owners, ends = self.parent.tolist(), self.owner.tolist(), self.end.tolist()
        low, high = list(range(count)), list(range(count))
        for known in self.information_sets:
            for node in known.nodes:
                low[node], high[node] = known.nodes[0], known.nodes[-1]
        # Lowest and highest node that shares an information set with the subtree.
        for node in range(count - 1, 0, -1):
            parent = parents[node]
            low[parent] = min(low[parent], low[node])
            high[parent] = max(high[parent], high[node])
        return tuple(
            node
            for node in range(count)
            if owners[node] != TERMINAL
            and low[node] >= node
            and high[node] < ends[node]
            and (owners[node] < 0 or self._is_alone(node))
        )

    def _is_alone(self, node: int) -> bool:
        return len(self.information_sets[int(self.information_set[node])].nodes) == 1

    def reach(self, profile: BehaviorProfile) -> tuple[Number, ...]:
        """Return the probability of reaching each node: Fractions if all is exact, else floats."""
        self._check(profile)
        exact = self.exact_probabilities is not None and profile.is_exact
        lotteries: tuple[tuple[Number, ...], ...] = (
            self.exact_probabilities
            if exact and self.exact_probabilities is not None
            else self.probabilities
        )
        number: Callable[[Any], Any] = Fraction if exact else float
        reached: list[Any] = [number(0)] * self.num_nodes
        reached[0] = number(1)
        sets, owners = self.information_set.tolist(), self.owner.tolist()
        for node, following in enumerate(self.children):
            here = reached[node]
            if not following or not here:
                continue
            weights = (
                lotteries[node] if owners[node] == CHANCE else profile.probabilities[sets[node]]
            )
            for child, weight in zip(following, weights, strict=True):
                if weight:  # most strategies are pure
                    reached[child] = here if weight == 1 else here * number(weight)
        return tuple(reached)

    def expected_payoffs(
        self, profile: BehaviorProfile, reached: Sequence[Number] | None = None
    ) -> tuple[Number, ...]:
        """Return each player's expected payoff: Fractions if form and profile are exact.

        ``reached`` is what :meth:`reach` returns for the profile, if it is known already.

        Raises
        ------
        SpecError
            The profile has other information sets or actions than the form. Whether its
            numbers are probabilities is for the judge to say, not checked here.
        """
        if reached is None:
            reached = self.reach(profile)
        ends = [node for node in self.terminals.tolist() if reached[node] != 0]
        if self.exact is not None and profile.is_exact:
            return tuple(
                sum((reached[node] * self.exact[node, player] for node in ends), start=_ZERO)
                for player in range(self.num_players)
            )
        weights = np.array([float(reached[node]) for node in ends])
        return tuple(float(value) for value in weights @ self.payoffs[ends])

    def expected_outcomes(
        self, profile: BehaviorProfile, reached: Sequence[Number] | None = None
    ) -> dict[str, float]:
        """Return the expected value of each metric; ``reached`` as for expected payoffs."""
        if reached is None:
            reached = self.reach(profile)
        weights = np.zeros(self.num_nodes)
        for node, weight in enumerate(reached):
            if weight:  # most nodes are off the path
                weights[node] = weight
        ends = self.terminals
        return {name: float(weights[ends] @ values[ends]) for name, values in self.outcomes.items()}

    def _check(self, profile: BehaviorProfile) -> None:
        wanted = [len(known.actions) for known in self.information_sets]
        given = [len(weights) for weights in profile.probabilities]
        if given != wanted:
            raise SpecError(
                Problem(
                    "behavior profile",
                    f"has {given} probabilities per information set, the game has {wanted} actions",
                )
            )


# --- making a form -------------------------------------------------------------------------


def _preorder(root: Node) -> Iterator[Node]:
    """Yield the nodes of a tree in preorder, without recursion."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Move | Lottery) and len(node.children) != len(node.actions):
            raise SpecError(
                Problem(
                    f"node with actions {_listed(node.actions)}",
                    f"the number of children is {len(node.children)}, "
                    f"that of actions {len(node.actions)}",
                    "Give one child per action, in the same order.",
                )
            )
        yield node
        if isinstance(node, Move | Lottery):
            waiting.extend(reversed(node.children))


class _Builder:
    """Collects nodes in preorder, checks them, and makes the arrays."""

    def __init__(self, players: Sequence[str], title: str) -> None:
        self.players = tuple(players)
        self.title = title
        self.problems: list[Problem] = []
        self.parent: list[int] = []
        self.branch: list[int] = []
        self.children: list[list[int]] = []
        self.owner: list[int] = []
        self.sets: list[int] = []
        self.actions: list[tuple[str, ...]] = []
        self.labels: list[str] = []
        self.floats: dict[int, tuple[float, ...]] = {}
        self.rationals: dict[int, tuple[Fraction, ...]] = {}
        self.totals: list[tuple[Any, ...] | None] = []
        self.metrics: dict[int, Mapping[str, float]] = {}
        self.is_exact = True
        self.set_keys: dict[Hashable, int] = {}
        self.set_nodes: list[list[int]] = []
        self.open: list[
            tuple[int, int]
        ] = []  # (node, actions still without a child), innermost last
        self._check_players()

    def _check_players(self) -> None:
        if not self.players:
            self._problem(-1, "there are no players", "Name at least one.")
        if len(self.players) > limits.MAX_PLAYERS:
            raise LimitExceeded(
                Problem(
                    self._place(-1),
                    f"{len(self.players)} players, the limit is {limits.MAX_PLAYERS}",
                    "Raise highfence.limits.MAX_PLAYERS if memory allows.",
                )
            )
        if any(not isinstance(name, str) or not name for name in self.players):
            self._problem(-1, "a player has no name", "Give every player a text as name.")
        elif twice := repeated_label(self.players):
            self._problem(-1, f"two players are named {twice!r}", "Rename one of them.")

    def _place(self, node: int) -> str:
        title = f"{self.title!r}" if self.title else "game"
        if node < 0:
            return title
        steps = []
        at = node
        while self.parent[at] >= 0:
            before = self.parent[at]
            steps.append(self.actions[before][self.branch[at]])
            at = before
        return f"{title}, {_description(node, tuple(reversed(steps)))}"

    def _problem(self, node: int, reason: str, fix: str = "") -> None:
        self.problems.append(Problem(self._place(node), reason, fix))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise SpecError(self.problems)

    def add(self, node: Node) -> None:
        """Take the next node in preorder."""
        index = len(self.parent)
        if index >= limits.MAX_NODES:
            raise LimitExceeded(
                Problem(
                    self._place(-1),
                    f"more than {limits.MAX_NODES} nodes",
                    "Use a smaller game, or raise highfence.limits.MAX_NODES if memory allows.",
                )
            )
        if index and not self.open:
            self._problem(-1, f"node {index} comes after the tree is complete", "Remove it.")
            raise SpecError(self.problems)
        self._attach(index)
        if isinstance(node, Terminal):
            self._terminal(index, node)
        elif isinstance(node, Move | Lottery):
            self._inner(index, node)
        else:
            self.labels.append("")
            self._problem(
                index,
                f"{type(node).__name__} is not a node",
                "Use Move, Lottery or Terminal.",
            )
            raise SpecError(self.problems)

    def _attach(self, index: int) -> None:
        parent = branch = -1
        if self.open:
            parent, left = self.open[-1]
            branch = len(self.actions[parent]) - left
            if len(self.open) > limits.MAX_DEPTH:
                raise LimitExceeded(
                    Problem(
                        self._place(-1),
                        f"the tree is deeper than {limits.MAX_DEPTH} moves (at node {index})",
                        "Shorten the game, or raise highfence.limits.MAX_DEPTH.",
                    )
                )
            self.children[parent].append(index)
            self.open[-1] = (parent, left - 1)
        self.parent.append(parent)
        self.branch.append(branch)
        self.children.append([])
        self.actions.append(())
        self.owner.append(TERMINAL)
        self.sets.append(-1)
        self.totals.append(None if parent < 0 else self.totals[parent])

    def _close(self) -> None:
        """Drop the levels whose actions all have children: those levels stay in use until now."""
        while self.open and self.open[-1][1] == 0:
            self.open.pop()

    def _terminal(self, index: int, node: Terminal) -> None:
        self.labels.append(node.label)
        self._pay(index, node.payoffs)
        self.metrics[index] = node.outcomes
        self._close()

    def _inner(self, index: int, node: Move | Lottery) -> None:
        self.labels.append(node.label)
        self._check_actions(index, node.actions)
        self.actions[index] = node.actions
        if isinstance(node, Move):
            self._move(index, node)
        else:
            self._lottery(index, node)
        if node.payoffs is not None:
            self._pay(index, node.payoffs)
        self.open.append((index, len(node.actions)))

    def _check_actions(self, index: int, actions: tuple[str, ...]) -> None:
        if not actions:
            self._problem(index, "there are no actions", "Use Terminal where the play ends.")
            raise SpecError(self.problems)
        if len(actions) > limits.MAX_ACTIONS:
            raise LimitExceeded(
                Problem(
                    self._place(index),
                    f"{len(actions)} actions, the limit is {limits.MAX_ACTIONS}",
                    "Raise highfence.limits.MAX_ACTIONS if memory allows.",
                )
            )
        if any(not isinstance(action, str) or not action for action in actions):
            self._problem(index, "an action has no label", "Give every action a text as label.")
        elif twice := repeated_label(actions):
            self._problem(index, f"two actions are labeled {twice!r}", "Rename one of them.")

    def _move(self, index: int, node: Move) -> None:
        player = node.player
        if (
            isinstance(player, bool)
            or not isinstance(player, Integral)
            or not 0 <= player < len(self.players)
        ):
            self._problem(
                index,
                f"player index {player!r}, but there are {len(self.players)} players",
                f"Use 0 to {len(self.players) - 1}.",
            )
            player = 0
        self.owner[index] = int(player)
        known = self.set_keys.setdefault(node.information_set, len(self.set_nodes))
        self.sets[index] = known
        if known == len(self.set_nodes):
            self.set_nodes.append([index])
            return
        first = self.set_nodes[known][0]
        self.set_nodes[known].append(index)
        if self.owner[first] != self.owner[index]:
            self._problem(
                index,
                f"information set {node.information_set!r} belongs to "
                f"{self.players[self.owner[first]]!r} at {self._place(first)}, "
                f"and to {self.players[self.owner[index]]!r} here",
                "Give the two nodes different information sets.",
            )
        elif self.actions[first] != node.actions:
            self._problem(
                index,
                f"information set {node.information_set!r} has the actions "
                f"{_listed(node.actions)} here, and {_listed(self.actions[first])} "
                f"at {self._place(first)}",
                "All nodes of an information set have the same actions in the same order.",
            )

    def _lottery(self, index: int, node: Lottery) -> None:
        self.owner[index] = CHANCE
        if len(node.probabilities) != len(node.actions):
            self._problem(
                index,
                f"{len(node.probabilities)} probabilities for {len(node.actions)} actions",
                "Give one per action.",
            )
            return
        numbers = self._numbers(index, node.probabilities, "probability")
        if numbers is None:
            return
        self.floats[index] = tuple(map(float, numbers))
        if all(isinstance(value, Fraction) for value in numbers):
            self.rationals[index] = numbers
            if (wrong := improper(numbers, node.probabilities)) is not None:
                self._problem(index, *wrong)
        elif min(numbers) < 0:
            self._problem(index, f"probability {min(numbers)} is negative", "Make it at least 0.")
        elif abs(math.fsum(numbers) - 1) > tolerances.PROBABILITY:
            self._problem(
                index,
                f"the probabilities {_listed(node.probabilities)} sum to {math.fsum(numbers)!r}, "
                "not 1",
                "Correct them; they are never rescaled.",
            )

    def _pay(self, index: int, payoffs: tuple[Number, ...]) -> None:
        if len(payoffs) != len(self.players):
            self._problem(
                index,
                f"{len(payoffs)} payoffs for {len(self.players)} players",
                "Give one payoff per player.",
            )
            return
        numbers = self._numbers(index, payoffs, "payoff")
        before = self.totals[index]
        if numbers is None:
            return
        if before is None:
            self.totals[index] = numbers
            return
        self.totals[index] = tuple(
            known + added for known, added in zip(before, numbers, strict=True)
        )
        for player, total in enumerate(self.totals[index] or ()):
            if not math.isfinite(_float(total)):
                self._problem(
                    index,
                    f"payoffs to {self.players[player]!r} along this path exceed the largest float",
                    "Rescale the payoffs.",
                )
                self.totals[index] = None
                return

    def _numbers(self, index: int, given: tuple[Number, ...], what: str) -> tuple[Any, ...] | None:
        """Return Fractions for exact numbers and floats for the others; None if any is bad."""
        numbers: list[Fraction | float] = []
        for position, value in enumerate(given):
            number = _read(value)
            if isinstance(number, str):
                whose = (
                    f" of {self.players[position]!r}"
                    if what == "payoff"
                    else f" of {self.actions[index][position]!r}"
                )
                self._problem(index, f"{what}{whose} {number}", "Use a finite number.")
                return None
            if not isinstance(number, Fraction):
                self.is_exact = False
            numbers.append(number)
        return tuple(numbers)

    def finish(
        self,
        cls: type[ExtensiveForm],
        set_labels: Mapping[Any, str],
        notes: Sequence[str],
    ) -> ExtensiveForm:
        """Make the arrays and the form."""
        if self.open or not self.parent:
            node = self.open[-1][0] if self.open else -1
            self._problem(node, "the tree ends before every action has a node", "Add the rest.")
        names = self._metric_names()
        if self.problems:
            raise SpecError(self.problems)
        count, width = len(self.parent), len(self.players)
        parent = np.array(self.parent, dtype=np.int64)

        end = list(range(1, count + 1))
        for node in range(count - 1, 0, -1):
            end[self.parent[node]] = max(end[self.parent[node]], end[node])

        payoffs = np.zeros((count, width))
        exact = np.full((count, width), _ZERO, dtype=object) if self.is_exact else None
        for node in self.metrics:  # exactly the terminals
            totals = self.totals[node]
            payoffs[node] = [float(total) for total in totals or ()]
            if exact is not None:
                exact[node] = totals
        outcomes = {}
        for name in names:
            values = np.zeros(count)
            for node, metrics in self.metrics.items():
                values[node] = metrics[name]
            outcomes[name] = _read_only(values)

        labels, relabeled = self._set_labels(set_labels)
        return cls(
            players=self.players,
            title=self.title,
            parent=_read_only(parent),
            branch=_read_only(np.array(self.branch, dtype=np.int64)),
            children=tuple(map(tuple, self.children)),
            end=_read_only(np.array(end, dtype=np.int64)),
            owner=_read_only(np.array(self.owner, dtype=np.int64)),
            information_set=_read_only(np.array(self.sets, dtype=np.int64)),
            information_sets=tuple(
                InformationSet(self.owner[nodes[0]], label, self.actions[nodes[0]], tuple(nodes))
                for nodes, label in zip(self.set_nodes, labels, strict=True)
            ),
            action_labels=tuple(self.actions),
            labels=tuple(self.labels),
            probabilities=tuple(self.floats.get(node, ()) for node in range(count)),
            exact_probabilities=(
                tuple(self.rationals.get(node, ()) for node in range(count))
                if self.is_exact
                else None
            ),
            payoffs=_read_only(payoffs),
            exact=None if exact is None else _read_only(exact),
            outcomes=MappingProxyType(outcomes),
            notes=(*notes, *relabeled),
        )

    def _metric_names(self) -> tuple[str, ...]:
        """Return the metrics, which every terminal must have; check their values."""
        names: tuple[str, ...] | None = None
        for node, metrics in self.metrics.items():
            if names is None:
                names = tuple(metrics)
            if set(names) != set(metrics):
                self._problem(
                    node,
                    f"outcomes {_listed(tuple(metrics))}, elsewhere {_listed(names)}",
                    "Give the same outcomes at every terminal.",
                )
                continue
            for name, value in metrics.items():
                if not isinstance(value, Real) or not math.isfinite(value):
                    self._problem(node, f"outcome {name!r} is {value!r}", "Use a finite number.")
        return names or ()

    def _set_labels(self, given: Mapping[Any, str]) -> tuple[list[str], list[str]]:
        """Return labels that are unique per player, and notes on those that were changed."""
        wanted: list[str] = []
        owned = [0] * len(self.players)
        for key, known in self.set_keys.items():
            player = self.owner[self.set_nodes[known][0]]
            owned[player] += 1
            default = key if isinstance(key, str) and key else f"set {owned[player]}"
            wanted.append(given.get(key, default) or default)

        whose = [self._set_player(known) for known in range(len(wanted))]
        taken = {(player, _nfc(label)) for player, label in zip(whose, wanted, strict=True)}
        counts: dict[tuple[int, str], int] = {}
        labels: list[str] = []
        renamed: dict[tuple[int, str], str] = {}
        for player, label in zip(whose, wanted, strict=True):
            key = (player, _nfc(label))
            number, name = counts.get(key, 0) + 1, label
            if number > 1:
                name = f"{label} ({number})"
                while (player, _nfc(name)) in taken:
                    number += 1
                    name = f"{label} ({number})"
                renamed.setdefault(key, name)
            counts[key] = number
            taken.add((player, _nfc(name)))
            labels.append(name)
        notes = [
            f"{self.players[player]!r} has several information sets labeled {label!r}; "
            f"the second is called {name!r}, and so on"
            for (player, label), name in renamed.items()
        ]
        return labels, notes

    def _set_player(self, known: int) -> int:
        return self.owner[self.set_nodes[known][0]]


def _read(value: Any) -> Fraction | float | str:
    """Return an exact number as a Fraction, a float as it is, or words on what is wrong."""
    if not isinstance(value, Real | Decimal):
        return f"is {value!r}, which is not a real number"
    if isinstance(value, Fraction):
        number = value
    elif isinstance(value, Integral):
        number = Fraction(int(value))
    elif isinstance(value, Rational):
        number = Fraction(int(value.numerator), int(value.denominator))
    elif isinstance(value, Decimal):
        if not value.is_finite():
            return f"is {value}, which is not finite"
        if abs(value.adjusted()) > limits.MAX_DIGITS:
            return f"is {value!s:.40}, beyond 10 to the {limits.MAX_DIGITS}"
        number = Fraction(value)
    else:
        return float(value) if math.isfinite(value) else f"is {value!r}, which is not finite"
    nearest = _float(number)
    if not math.isfinite(nearest):
        return "is beyond the largest float (about 1.8e308)"
    if nearest == 0 and number:
        return "is too small for a float (below 5e-324)"
    return number


def _float(number: Fraction | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def improper(numbers: Sequence[Fraction], written: Sequence[object]) -> tuple[str, str] | None:
    """Return what is wrong with exact probabilities, and the fix; None if they sum to one.

    Examples
    --------
    >>> reason, fix = improper([Fraction("0.333")] * 3, ["0.333"] * 3)
    >>> print(reason)
    the probabilities 0.333, 0.333, 0.333 sum to 999/1000 = 0.999, not 1
    >>> print(fix)
    Did you mean 1/3, 1/3, 1/3?
    """
    if (lowest := min(numbers)) < 0:
        return f"probability {written[numbers.index(lowest)]} is negative", "Make it at least 0."
    if (total := sum(numbers)) == 1:
        return None
    near = _simple(numbers)
    return (
        f"the probabilities {_listed([str(item) for item in written], quote=False)} "
        f"sum to {_shown(total)}, not 1",
        f"Did you mean {', '.join(map(str, near))}?"
        if near
        else "Correct them; they are never rescaled.",
    )


def _simple(numbers: Sequence[Fraction]) -> tuple[Fraction, ...] | None:
    """Return fractions with small denominators within 1/100 of these that sum to one."""
    for largest in (12, 100):
        near = tuple(number.limit_denominator(largest) for number in numbers)
        if sum(near) == 1 and all(
            abs(simple - number) <= Fraction(1, 100)
            for simple, number in zip(near, numbers, strict=True)
        ):
            return near
    return None


def _shown(number: Fraction | int) -> str:
    """Return a rational with its decimal, where the decimal is finite and short."""
    exact = Fraction(number)
    decimal = f"{float(exact):.12g}"
    if exact.denominator == 1 or Fraction(decimal) != exact:
        return str(exact)
    return f"{exact} = {decimal}"


def repeated_label(labels: Sequence[str]) -> str | None:
    """Return the first label that comes twice, compared in Unicode normal form C, or None."""
    if len(set(labels)) == len(labels) and "".join(labels).isascii():
        return None
    seen: set[str] = set()
    for label in labels:
        if (normal := _nfc(label)) in seen:
            return label
        seen.add(normal)
    return None


def _nfc(label: str) -> str:
    return label if label.isascii() else unicodedata.normalize("NFC", label)


def _listed(items: Sequence[Any], most: int = 12, quote: bool = True) -> str:
    shown = [f"'{item}'" if quote and isinstance(item, str) else str(item) for item in items[:most]]
    return ", ".join(shown) + (", ..." if len(items) > most else "")


def _description(node: int, history: tuple[str, ...]) -> str:
    if not history:
        return "the root"
    last = history[-6:]
    words = ", ".join(f"'{action}'" for action in last)
    return f"node {node} (after {'..., ' if len(history) > len(last) else ''}{words})"


Array = TypeVar("Array", bound=npt.NDArray[Any])


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array
