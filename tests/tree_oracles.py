"""Random small trees, and what holds in them found by trying everything.

Written from the definitions, without the package's backward induction or judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import prod
from random import Random

from highfence.forms.extensive import (
    BehaviorProfile,
    ExtensiveForm,
    Lottery,
    Move,
    Node,
    Terminal,
)

Pure = tuple[int, ...]
"""One action per information set."""


def random_tree(
    seed: int,
    *,
    players: int = 2,
    depth: int = 3,
    chance: float = 0.2,
    merging: float = 0.9,
    most_profiles: int = 300,
    payoffs: tuple[int, int] = (-2, 2),
) -> ExtensiveForm:
    """Return a random tree with perfect recall and at most so many pure profiles.

    Nodes at random become one information set where the mover keeps perfect recall. Payoffs
    are small integers, so ties are frequent.
    """
    rng = Random(seed)
    while True:
        shape = _shape(rng, players, depth, chance, payoffs)
        movers = list(_movers(shape))
        names = {path: number for number, (path, _, _) in enumerate(movers)}
        form = _form(shape, names, players)
        for path, player, count in movers:
            mates = [
                other
                for other, owner, size in movers
                if names[other] < names[path] and owner == player and size == count
            ]
            if mates and rng.random() < merging:
                merged = {**names, path: names[rng.choice(mates)]}
                tried = _form(shape, merged, players)
                if tried.perfect_recall() is None:
                    names, form = merged, tried
        if movers and prod(len(known.actions) for known in form.information_sets) <= most_profiles:
            return form


def _shape(rng: Random, players: int, depth: int, chance: float, payoffs: tuple[int, int]) -> tuple:
    kind = rng.random()
    if depth == 0 or (kind < 0.1 and depth < 3):
        return ("end", tuple(rng.randint(*payoffs) for _ in range(players)))
    count = rng.choice((1, 2, 2, 2, 2, 2, 2, 3))
    children = tuple(_shape(rng, players, depth - 1, chance, payoffs) for _ in range(count))
    if kind > 1 - chance:
        weights = [rng.choice((0, 1, 1, 2)) for _ in range(count)]
        weights[0] += not any(weights)
        return ("chance", tuple(Fraction(weight, sum(weights)) for weight in weights), children)
    return ("move", rng.randrange(players), children)


def _movers(shape: tuple, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], int, int]]:
    if shape[0] == "move":
        yield path, shape[1], len(shape[2])
    if shape[0] != "end":
        for k, child in enumerate(shape[2]):
            yield from _movers(child, (*path, k))


def _form(shape: tuple, names: Mapping[tuple[int, ...], int], players: int) -> ExtensiveForm:
    def node(part: tuple, path: tuple[int, ...]) -> Node:
        if part[0] == "end":
            return Terminal(part[1])
        children = tuple(node(child, (*path, k)) for k, child in enumerate(part[2]))
        actions = tuple("abc"[: len(children)])
        if part[0] == "chance":
            return Lottery("", actions, part[1], children)
        return Move(part[1], names[path], actions, children)

    return ExtensiveForm.from_tree([f"P{k}" for k in range(players)], node(shape, ()))


def pure_profiles(form: ExtensiveForm) -> Iterator[Pure]:
    """Yield every complete pure profile."""
    yield from product(*(range(len(known.actions)) for known in form.information_sets))


def as_behavior(form: ExtensiveForm, profile: Pure) -> BehaviorProfile:
    """Return a pure profile with exact probabilities."""
    return BehaviorProfile(
        tuple(
            tuple(Fraction(k == action) for k in range(len(known.actions)))
            for known, action in zip(form.information_sets, profile, strict=True)
        )
    )


def as_pure(profile: BehaviorProfile) -> Pure | None:
    """Return the actions of a pure profile, or None if it mixes anywhere."""
    if any(max(odds) != 1 for odds in profile.probabilities):
        return None
    return tuple(odds.index(1) for odds in profile.probabilities)


def payoffs_from(form: ExtensiveForm, node: int, profile: BehaviorProfile) -> tuple[Fraction, ...]:
    """Return everybody's expected payoff if play starts at a node."""
    following = form.children[node]
    if not following:
        return tuple(form.exact[node])
    known = int(form.information_set[node])
    odds = form.exact_probabilities[node] if known < 0 else profile.probabilities[known]
    below = [payoffs_from(form, child, profile) for child in following]
    return tuple(
        sum((Fraction(p) * value for p, value in zip(odds, column, strict=True)), Fraction(0))
        for column in zip(*below, strict=True)
    )


def subgames(form: ExtensiveForm) -> list[int]:
    """Return the decision and chance nodes below which no information set sticks out."""
    found = []
    for root in range(form.num_nodes):
        inside = {root}
        for node in range(root + 1, form.num_nodes):
            if int(form.parent[node]) in inside:
                inside.add(node)
        whole = all(
            inside.issuperset(known.nodes) or inside.isdisjoint(known.nodes)
            for known in form.information_sets
        )
        known = int(form.information_set[root])
        alone = known < 0 or form.information_sets[known].nodes == (root,)
        if form.children[root] and whole and alone:
            found.append(root)
    return found


def gain(form: ExtensiveForm, root: int, player: int, profile: BehaviorProfile) -> Fraction:
    """Return what a player's best deviation from a node on adds there, over pure deviations."""
    now = payoffs_from(form, root, profile)[player]
    own = [k for k, known in enumerate(form.information_sets) if known.player == player]
    best = now
    for actions in product(*(range(len(form.information_sets[k].actions)) for k in own)):
        odds = list(profile.probabilities)
        for k, action in zip(own, actions, strict=True):
            odds[k] = tuple(Fraction(j == action) for j in range(len(odds[k])))
        best = max(best, payoffs_from(form, root, BehaviorProfile(tuple(odds)))[player])
    return best - now


def scale(form: ExtensiveForm, player: int) -> Fraction:
    """Return the difference between a player's largest and smallest payoff, or 1."""
    values = [form.exact[node, player] for node in form.terminals]
    return (max(values) - min(values)) or Fraction(1)


def regret(form: ExtensiveForm, root: int, profile: BehaviorProfile) -> Fraction:
    """Return the largest gain in a subgame over the payoff scales."""
    return max(
        gain(form, root, player, profile) / scale(form, player)
        for player in range(form.num_players)
    )


def pure_subgame_perfect(form: ExtensiveForm) -> set[Pure]:
    """Return all pure profiles at which no one gains in any subgame."""
    owners = [known.player for known in form.information_sets]
    profiles = list(pure_profiles(form))
    left = set(profiles)
    for root in subgames(form):
        value = {
            profile: payoffs_from(form, root, as_behavior(form, profile)) for profile in profiles
        }
        for player in range(form.num_players):
            best: dict[Pure, Fraction] = {}
            for profile, worth in value.items():
                others = _without(profile, owners, player)
                best[others] = max(best.get(others, worth[player]), worth[player])
            left -= {
                profile
                for profile, worth in value.items()
                if worth[player] < best[_without(profile, owners, player)]
            }
    return left


def _without(profile: Pure, owners: list[int], player: int) -> Pure:
    return tuple(-1 if owner == player else k for k, owner in zip(profile, owners, strict=True))


def up_to_excluded_sets(form: ExtensiveForm, profile: Pure) -> tuple[int | None, ...]:
    """Return a pure profile with None where its player's own choice in the stage excludes it."""
    roots = set(subgames(form))
    kept: list[int | None] = []
    for action, known in zip(profile, form.information_sets, strict=True):
        node = known.nodes[0]
        excluded = False
        while node not in roots:
            before, taken = int(form.parent[node]), int(form.branch[node])
            at = int(form.information_set[before])
            if int(form.owner[before]) == known.player:
                excluded = excluded or profile[at] != taken
            node = before
        kept.append(None if excluded else action)
    return tuple(kept)
