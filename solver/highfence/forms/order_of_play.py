"""In which order the moves of a game become the levels of a tree.

Two moves that follow each other, of which the later neither sees nor depends on the earlier,
may change places: nothing that a player knows at an information set, can do there, or is paid
in the end is changed by it. This is Thompson's interchange of moves, one of the
transformations under which a game keeps its reduced strategic form.

The equilibria of the strategic form, and beliefs that Bayes' rule gives, thereby stay what they
are. Subgames do not: what stands behind a chance move that somebody does not see is in one
subgame with it. Played after that player's decision, the same chance move leaves a subgame there,
and a plan must be best in it. So chance is put as late as it may be, where that adds subgames
and nowhere else.

References
----------
Thompson (1952), "Equivalence of games in extensive form"; Kohlberg and Mertens (1986), "On the
strategic stability of equilibria", on why subgame perfection depends on such changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..spec.formulas import input_names
from ..spec.model import Chance, Decision
from ..spec.resolve import Resolved

__all__ = ["Draws", "chance_among", "late_chance", "order_of_play"]

Moves = Sequence[Decision | Chance]
Names = Mapping[str, Collection[str]]


def late_chance(moves: Moves, needed: Names, which: Collection[str]) -> list[Decision | Chance]:
    """Return the moves with chance behind the decisions that neither see it nor depend on it.

    Parameters
    ----------
    moves
        In order of play.
    needed
        Move -> the earlier moves that it depends on: what a decision knows and what says which
        actions are available, or what the probabilities of chance are formulas of.
    which
        Names of the chance moves that may be put later.

    Returns
    -------
    list
        Each of them right behind the last decision that it may follow. All else keeps its
        order.
    """
    order = list(moves)
    for move in reversed(moves):
        if not isinstance(move, Chance) or move.name not in which:
            continue
        at = last = order.index(move)
        for k in range(at + 1, len(order)):
            if move.name in needed[order[k].name]:
                break
            if isinstance(order[k], Decision):
                last = k
        order.insert(last, order.pop(at))
    return order


def order_of_play(moves: Moves, needed: Names, known: Names) -> list[Decision | Chance]:
    """Return the moves with chance put later where that adds subgames.

    Parameters
    ----------
    moves
        In order of play.
    needed
        As for :func:`late_chance`.
    known
        Decision -> the earlier moves that its player knows on making it.

    Returns
    -------
    list
        The moves as they are, if no other order adds subgames. Of chance moves, only those
        are put later without which one of the subgames would not be.

    Notes
    -----
    What is known is told from the names of moves, whatever was played: a subgame that there is
    after some actions only does not count.
    """
    which = [move.name for move in moves if isinstance(move, Chance)]
    if not which:
        return list(moves)
    order = late_chance(moves, needed, which)
    wanted = _subgames(order, known)
    if not wanted > _subgames(moves, known):
        return list(moves)
    for name in list(which):
        rest = [other for other in which if other != name]
        shorter = late_chance(moves, needed, rest)
        if _subgames(shorter, known) >= wanted:
            which, order = rest, shorter
    return order


def _subgames(order: Moves, known: Names) -> set[frozenset[str]]:
    """Return the decisions in the subgames of a tree with this order, whatever was played.

    A subgame begins where all who decide from there on know everything that was done before.
    """
    found = set()
    later: set[str] = set()
    shared: set[str] | None = None
    for k in reversed(range(len(order))):
        move = order[k]
        if isinstance(move, Decision):
            later.add(move.name)
            shared = set(known[move.name]) if shared is None else shared & set(known[move.name])
        if shared is not None and all(before.name in shared for before in order[:k]):
            found.add(frozenset(later))
    return found


@dataclass(frozen=True)
class Draws:
    """What the decisions of a game see of its chance moves."""

    hidden: tuple[Chance, ...]
    """Those that no later decision observes."""
    behind: Mapping[str, int]
    """Those that every later decision observes -> the stage behind whose decisions they come."""
    split: tuple[Chance, Decision, Decision] | None
    """One that some later decision observes and another does not, wherever it is put."""


def chance_among(found: Resolved, decisions: Sequence[Decision]) -> Draws:
    """Return which chance moves are seen, put behind decisions that do not see them.

    Parameters
    ----------
    found
        The resolved game.
    decisions
        Those that count: with a choice, in order of play.

    Notes
    -----
    A chance move that all or no later decisions observe is left where it is.
    """
    stage_of, moves = found.stage_of, list(found.moves.values())
    seen = {decision.name: set(found.observed(decision)) for decision in decisions}

    def later(chance: Chance, order: Moves) -> list[Decision]:
        before = {move.name for move in order[: order.index(chance)]}
        after = [d for d in decisions if stage_of[d.name] > stage_of[chance.name]]
        return [decision for decision in after if decision.name not in before]

    drawn = [move for move in moves if isinstance(move, Chance)]
    parted = [
        chance.name
        for chance in drawn
        if len({chance.name in seen[decision.name] for decision in later(chance, moves)}) == 2
    ]
    order = late_chance(moves, _needed(found), parted) if parted else moves
    hidden: list[Chance] = []
    behind: dict[str, int] = {}
    for chance in drawn:
        after = later(chance, order)
        blind = [decision for decision in after if chance.name not in seen[decision.name]]
        if len(blind) == len(after):
            hidden.append(chance)
        elif blind:
            seeing = next(decision for decision in after if decision not in blind)
            return Draws((), {}, (chance, blind[0], seeing))
        else:
            before = order[: order.index(chance) + 1]
            behind[chance.name] = max(stage_of[move.name] for move in before)
    return Draws(tuple(hidden), behind, None)


def _needed(found: Resolved) -> dict[str, set[str]]:
    """Return move -> the moves that it sees or depends on."""
    made: dict[str, set[str]] = {}
    for name, move in found.moves.items():
        rows = [
            *found.probabilities.get(name, ()),
            *found.available.get(name, ()),
            *found.bounds.get(name, ()),
        ]
        made[name] = set(input_names(rows))
        if isinstance(move, Decision):
            made[name].update(found.observed(move))
    return made
