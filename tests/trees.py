"""Game trees that several tests share, with their sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import permutations

import numpy as np

from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Node, Terminal


def ends(*payoffs: Sequence[int | float | Fraction]) -> tuple[Terminal, ...]:
    """Return a terminal per payoff vector."""
    return tuple(Terminal(tuple(vector)) for vector in payoffs)


def entry_deterrence(low: float = -1) -> ExtensiveForm:
    """Return one market of the chain store game. Selten (1978), Theory and Decision 9:127-159.

    Information sets: 0 the entrant's, 1 the incumbent's.
    """
    react = Move(1, "react", ("Fight", "Accommodate"), ends((low, -1), (1, 1)))
    root = Move(0, "enter", ("Out", "In"), (*ends((0, 2)), react))
    return ExtensiveForm.from_tree(["Entrant", "Incumbent"], root, "Entry deterrence")


def centipede(moves: int) -> ExtensiveForm:
    """Return a centipede with doubling pots, 40 and 10 cents first.

    McKelvey & Palfrey (1992), Econometrica 60:803-836.
    """
    large, small = 40 * 2**moves, 10 * 2**moves
    node: Node = Terminal((large, small) if moves % 2 == 0 else (small, large))
    for step in reversed(range(moves)):
        large, small = large // 2, small // 2
        taken = Terminal((large, small) if step % 2 == 0 else (small, large))
        node = Move(step % 2, f"move {step + 1}", ("Take", "Pass"), (taken, node))
    return ExtensiveForm.from_tree(["1", "2"], node, f"Centipede, {moves} moves")


def selten_horse() -> ExtensiveForm:
    """Return Selten's horse. Selten (1975), International Journal of Game Theory 4:25-55, fig. 1.

    Information sets: 0 player 1 (C, D), 1 player 3 (L, R), 2 player 2 (c, d), in preorder.
    """
    across = Move(1, "2", ("c", "d"), (*ends((1, 1, 1)), _third((4, 4, 0), (0, 0, 1))))
    root = Move(0, "1", ("D", "C"), (_third((3, 2, 2), (0, 0, 0)), across))
    return ExtensiveForm.from_tree(["1", "2", "3"], root, "Selten's horse")


def _third(*payoffs: Sequence[int]) -> Move:
    return Move(2, "3", ("L", "R"), ends(*payoffs))


def beer_quiche(strong: Fraction = Fraction(9, 10)) -> ExtensiveForm:
    """Return Beer-Quiche. Cho & Kreps (1987), Quarterly Journal of Economics 102:179-221.

    Information sets: 0 the strong type, 1 after Beer, 2 after Quiche, 3 the weak type.
    """

    def sender(name: str, beer: Sequence[Sequence[int]], quiche: Sequence[Sequence[int]]) -> Move:
        after = tuple(
            Move(1, seen, ("Duel", "Defer"), ends(*payoffs))
            for seen, payoffs in (("Beer", beer), ("Quiche", quiche))
        )
        return Move(0, name, ("Beer", "Quiche"), after)

    root = Lottery(
        "type",
        ("Strong", "Weak"),
        (strong, 1 - strong),
        (
            sender("Strong", [(1, 0), (3, 1)], [(0, 0), (2, 1)]),
            sender("Weak", [(0, 1), (2, 0)], [(1, 1), (3, 0)]),
        ),
    )
    return ExtensiveForm.from_tree(["Sender", "Receiver"], root, "Beer-Quiche")


def kuhn_poker() -> ExtensiveForm:
    """Return Kuhn's three-card poker. Kuhn (1950), Contributions to the Theory of Games I."""
    deals = []
    for first, second in permutations("JQK", 2):
        sign = 1 if "JQK".index(first) > "JQK".index(second) else -1
        showdown = {stake: Terminal((sign * stake, -sign * stake)) for stake in (1, 2)}
        answer = Move(
            0, f"{first}, bet after check", ("Fold", "Call"), (*ends((-1, 1)), showdown[2])
        )
        checked = Move(1, f"{second} after check", ("Check", "Bet"), (showdown[1], answer))
        bet = Move(1, f"{second} after bet", ("Fold", "Call"), (*ends((1, -1)), showdown[2]))
        deals.append(Move(0, first, ("Check", "Bet"), (checked, bet)))
    labels = tuple(first + second for first, second in permutations("JQK", 2))
    root = Lottery("deal", labels, (Fraction(1, 6),) * 6, tuple(deals))
    return ExtensiveForm.from_tree(["First", "Second"], root, "Kuhn poker")


def battle_with_outside_option(outside: float = 2) -> ExtensiveForm:
    """Return battle of the sexes after the first player declined an outside option.

    van Damme (1989), Journal of Economic Theory 48:476-496. Information sets: 0 the option,
    1 the first player's choice, 2 the second player's.
    """
    battle = Move(
        0,
        "first",
        ("Boxing", "Ballet"),
        tuple(
            Move(1, "second", ("Boxing", "Ballet"), ends(*payoffs))
            for payoffs in ([(3, 1), (0, 0)], [(0, 0), (1, 3)])
        ),
    )
    root = Move(0, "option", ("Outside", "Inside"), (*ends((outside, 5)), battle))
    return ExtensiveForm.from_tree(["1", "2"], root, "Battle with an outside option")


def forgetful_driver() -> ExtensiveForm:
    """Return a tree with an absent-minded driver. Piccione & Rubinstein (1997)."""
    second = Move(0, "exit?", ("Exit", "Go"), ends((4,), (1,)))
    root = Move(0, "exit?", ("Exit", "Go"), (*ends((0,)), second))
    return ExtensiveForm.from_tree(["Driver"], root, "Absent-minded driver")


def scaled(form: ExtensiveForm, factor: float | Fraction) -> ExtensiveForm:
    """Return the same tree with all payoffs times ``factor`` (exact if both are)."""
    return with_payoffs(form, lambda payoffs: tuple(value * factor for value in payoffs))


def opposed(form: ExtensiveForm, slope: Fraction | int) -> ExtensiveForm:
    """Return a two-player tree in which 2 gets 7 plus ``slope`` times what 1 gets."""
    return with_payoffs(form, lambda payoffs: (payoffs[0], 7 + slope * payoffs[0]))


def with_payoffs(form: ExtensiveForm, change: Callable[[tuple], tuple]) -> ExtensiveForm:
    """Return the same tree with other payoffs at its terminals."""
    table = form.payoffs if form.exact is None else form.exact
    built: dict[int, Node] = {}
    for node in reversed(range(form.num_nodes)):
        following = tuple(built.pop(child) for child in form.children[node])
        known = int(form.information_set[node])
        if not following:
            built[node] = Terminal(change(tuple(table[node].tolist())))
        elif known >= 0:
            player = form.information_sets[known].player
            built[node] = Move(player, known, form.action_labels[node], following)
        else:
            odds = (form.exact_probabilities or form.probabilities)[node]
            built[node] = Lottery("", form.action_labels[node], odds, following)
    labels = {known: about.label for known, about in enumerate(form.information_sets)}
    return ExtensiveForm.from_tree(form.players, built[0], form.title, labels)


def hidden(
    seed: int, moves: int = 4, most: int = 2, players: int = 2, ratio: Fraction | None = None
) -> ExtensiveForm:
    """Return a random tree: at each depth someone moves, and some see it and others do not.

    Payoffs are integers of size up to ``most``: few of them make ties. The odds of what chance
    does are one to two to three, or powers of ``ratio``.
    """
    rng = np.random.default_rng(seed)
    movers = rng.integers(-1, players, moves)
    counts = rng.integers(2, 4, moves)
    seen = rng.random((moves, players)) < 0.4

    def grow(past: tuple[int, ...]) -> Node:
        depth = len(past)
        if depth == moves or (depth > 1 and rng.random() < 0.15):
            return Terminal(tuple(map(int, rng.integers(-most, most + 1, players))))
        mover = int(movers[depth])
        actions = tuple(f"{depth}{letter}" for letter in "abc"[: counts[depth]])
        children = tuple(grow((*past, action)) for action in range(counts[depth]))
        if mover < 0:
            odds = tuple(ratio**k if ratio else Fraction(k + 1) for k in range(len(actions)))
            return Lottery("", actions, tuple(weight / sum(odds) for weight in odds), children)
        known = [k for k in range(depth) if movers[k] == mover or seen[k, mover]]
        return Move(mover, (depth, *((k, past[k]) for k in known)), actions, children)

    return ExtensiveForm.from_tree([f"p{k}" for k in range(players)], grow(()), f"hidden {seed}")


def raked_poker(cards: int, rake: Fraction = Fraction(1, 10)) -> ExtensiveForm:
    """Return Kuhn's poker with more cards, in which the house takes a share of what is won."""
    one = 1 - rake

    def end(first: int, second: int, won: int) -> Terminal:
        return Terminal((won * one, -won) if first > second else (-won, won * one))

    def played(first: int, second: int) -> Move:
        answer = Move(
            0,
            ("first", first, "bet"),
            ("fold", "call"),
            (Terminal((-1, one)), end(first, second, 2)),
        )
        checked = Move(
            1, ("second", second, "check"), ("check", "bet"), (end(first, second, 1), answer)
        )
        called = Move(
            1,
            ("second", second, "bet"),
            ("fold", "call"),
            (Terminal((one, -1)), end(first, second, 2)),
        )
        return Move(0, first, ("check", "bet"), (checked, called))

    deals = [(a, b) for a in range(cards) for b in range(cards) if a != b]
    return ExtensiveForm.from_tree(
        ["first", "second"],
        Lottery(
            "deal",
            tuple(f"{a} {b}" for a, b in deals),
            (Fraction(1, len(deals)),) * len(deals),
            tuple(played(a, b) for a, b in deals),
        ),
    )


def many_ties(moves: int = 5) -> ExtensiveForm:
    """Return a tree of ``2 ** moves`` pure subgame-perfect equilibria and more."""
    node: Node = Terminal((0, 0))
    for k in range(moves):
        node = Move(k % 2, f"move {k}", ("l", "r"), (Terminal((0, 0)), node))
    return ExtensiveForm.from_tree(["1", "2"], node)


def tied_subgames(tied: int = 1, name: str = "") -> Node:
    """Return two simultaneous movers before four subgames, each with two payoff vectors.

    In the subgames player ``tied`` is indifferent, and the other is not.
    """
    count = iter(range(4))

    def below() -> Node:
        k = next(count)
        payoffs = [(value, 0) if tied else (0, value) for value in (k, 3 * k - 5)]
        return Move(tied, (name, "tied", k), ("l", "r"), ends(*payoffs))

    columns = [Move(1, (name, "column"), ("a", "b"), (below(), below())) for _ in "ab"]
    return Move(0, (name, "row"), ("a", "b"), tuple(columns))
