"""Stages of a tree in which a sender moves and a receiver replies.

Definitions
-----------
The *stage* of a subgame is what is left of it when the subgames inside it are cut off. It is one
of a *sender* and a *receiver* if two players move in it, and on every play at most one move of
the sender comes before at most one of the receiver; chance may move anywhere. The sender's
information sets are the *types*: what the sender knows on moving. The receiver's are the
*readings*: what the receiver sees. A *source* of a reading is a type with a message that leads
there. Each source leads, after chance, to one reading at most, and all have positive probability
if the message is sent, so that every belief over the sources of a reading that is not reached is
a limit of Bayes' rule: the sender's trembles make it (Kreps and Wilson 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .extensive import CHANCE, ExtensiveForm

__all__ = ["Reading", "SignalingStage", "signaling_stage"]

Source = tuple[int, int]
"""A type, as an information set, and a message, as an action there."""


@dataclass(frozen=True)
class Reading:
    """An information set of the receiver, and the ways into it."""

    information_set: int
    sources: tuple[Source, ...]
    nodes: tuple[tuple[tuple[int, Fraction], ...], ...]
    """Per source, the nodes, with the product of the probabilities of chance on the way."""


@dataclass(frozen=True)
class SignalingStage:
    """A stage of a sender and a receiver. Make it by :func:`signaling_stage`."""

    root: int
    sender: int
    receiver: int
    types: tuple[int, ...]
    """The sender's information sets, ascending."""
    weights: tuple[Fraction, ...]
    """Per type, its probability in the stage."""
    readings: tuple[Reading, ...]
    """Ascending by information set."""
    elsewhere: dict[Source, tuple[tuple[int, Fraction], ...]]
    """Per source, the ends of the stage that no reading comes before, with the product of the
    probabilities of chance on the way."""


def signaling_stage(form: ExtensiveForm, root: int = 0) -> SignalingStage | None:
    """Return the stage of a subgame if it is one of a sender and a receiver, else None.

    Parameters
    ----------
    form
        Any extensive form.
    root
        The root of a subgame.

    Examples
    --------
    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> answer = Move(1, "seen", ("fight", "yield"), (Terminal((0, 1)), Terminal((1, 0))))
    >>> send = Move(0, "strong", ("hide", "show"), (Terminal((0, 0)), answer))
    >>> other = Move(0, "weak", ("hide", "show"), (Terminal((0, 0)), answer))
    >>> root = Lottery("type", ("strong", "weak"), (Fraction(1, 3), Fraction(2, 3)), (send, other))
    >>> stage = signaling_stage(ExtensiveForm.from_tree(["sender", "receiver"], root))
    >>> stage.types, stage.readings[0].sources
    ((0, 2), ((0, 1), (2, 1)))
    """
    cut = set(form.subgame_roots()) - {root}
    lotteries = form.exact_probabilities or form.probabilities
    weights: dict[int, Fraction] = {}
    nodes: dict[int, dict[Source, list[tuple[int, Fraction]]]] = {}
    elsewhere: dict[Source, list[tuple[int, Fraction]]] = {}
    roles: list[int] = []
    waiting: list[tuple[int, Fraction, tuple[Source, ...]]] = [(root, Fraction(1), ())]
    while waiting:
        node, weight, taken = waiting.pop()
        following = form.children[node]
        if not following or node in cut:
            if len(taken) == 1:
                elsewhere.setdefault(taken[0], []).append((node, weight))
            continue
        if form.owner[node] == CHANCE:
            odds: Sequence[float | Fraction] = lotteries[node]
            if not all(odds):
                return None
            steps = [
                (child, weight * Fraction(p), taken)
                for child, p in zip(following, odds, strict=True)
            ]
        else:
            known, player = int(form.information_set[node]), int(form.owner[node])
            if len(taken) == len(roles) < 2:
                roles.append(player)
            if len(taken) > 1 or roles[len(taken)] != player:
                return None
            if taken:
                nodes.setdefault(known, {}).setdefault(taken[0], []).append((node, weight))
            else:
                weights[known] = weights.get(known, Fraction(0)) + weight
            steps = [(child, weight, (*taken, (known, k))) for k, child in enumerate(following)]
        waiting.extend(reversed(steps))
    if len(roles) < 2 or roles[0] == roles[1]:
        return None
    sources = [source for of_reading in nodes.values() for source in of_reading]
    if len(sources) != len(set(sources)):
        return None
    return SignalingStage(
        root=root,
        sender=roles[0],
        receiver=roles[1],
        types=tuple(sorted(weights)),
        weights=tuple(weights[known] for known in sorted(weights)),
        readings=tuple(
            Reading(
                known,
                tuple(sorted(nodes[known])),
                tuple(tuple(nodes[known][source]) for source in sorted(nodes[known])),
            )
            for known in sorted(nodes)
        ),
        elsewhere={source: tuple(ends) for source, ends in elsewhere.items()},
    )
