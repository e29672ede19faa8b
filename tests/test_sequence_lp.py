"""Zero-sum trees by one linear program: values, plans, and games that are refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import trees
from highfence.certify import certify
from highfence.errors import NotApplicable
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Terminal
from highfence.methods.backward_induction import backward_induction
from highfence.methods.sequence_lp import sequence_lp
from highfence.solve import solve


def hidden(seed: int) -> ExtensiveForm:
    """Return a zero-sum tree: chance, a player who sees it, one who does not, the first again."""
    rng = np.random.default_rng(seed)

    def end() -> Terminal:
        won = int(rng.integers(-9, 10))
        return Terminal((won, -won))

    def last(state: int, action: int) -> Move:
        # The first player remembers the state and the own action, and never sees the reply.
        return Move(0, f"last {state} {action}", ("a", "b", "c"), (end(), end(), end()))

    def reply(state: int, action: int) -> Move:
        return Move(1, f"reply {action}", ("x", "y"), (last(state, action), last(state, action)))

    states = [Move(0, f"sees {k}", ("l", "r"), (reply(k, 0), reply(k, 1))) for k in range(3)]
    odds = tuple(Fraction(1, n) for n in (2, 3, 6))
    return ExtensiveForm.from_tree(
        ["one", "two"], Lottery("state", ("s", "t", "u"), odds, tuple(states))
    )


def test_three_card_poker_is_worth_a_loss_of_an_eighteenth():
    game = trees.kuhn_poker()
    (profile,) = sequence_lp(game)

    assert float(game.expected_payoffs(profile)[0]) == pytest.approx(-1 / 18, abs=1e-12)
    assert certify(game, profile).regret < 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_its_value_is_that_of_the_exact_equilibria(seed):
    game = hidden(seed)
    (profile,) = sequence_lp(game)
    exact = next(backward_induction(game))

    assert certify(game, profile).holds
    assert float(game.expected_payoffs(profile)[0]) == pytest.approx(
        float(game.expected_payoffs(exact)[0]), abs=1e-9
    )


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_scale_of_payoffs_does_not_matter(factor):
    game = trees.scaled(trees.kuhn_poker(), factor)
    (profile,) = sequence_lp(game)

    assert float(game.expected_payoffs(profile)[0]) == pytest.approx(-factor / 18)
    assert certify(game, profile).holds


def test_payoffs_that_are_all_the_same_are_no_special_case():
    ends = Terminal((3, -1)), Terminal((3, -1))
    game = ExtensiveForm.from_tree(["one", "two"], Move(0, "first", ("l", "r"), ends))

    assert certify(game, next(sequence_lp(game))).holds


@pytest.mark.parametrize(
    "game",
    [
        trees.beer_quiche(),  # not zero-sum
        trees.selten_horse(),  # three players
        trees.forgetful_driver(),  # forgets
        ExtensiveForm.from_tree(  # a proper subgame
            ["one", "two"],
            Move(
                0,
                "first",
                ("l", "r"),
                (Terminal((0, 0)), Move(1, "then", ("l", "r"), trees.ends((1, -1), (2, -2)))),
            ),
        ),
    ],
)
def test_other_trees_are_refused(game):
    with pytest.raises(NotApplicable, match="sequence_lp"):
        solve(game, "sequence_lp")
