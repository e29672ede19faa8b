"""Stages of three or more players inside trees: mixed equilibria, exact where they can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import limits, solve
from highfence.certify.extensive import certify_extensive
from highfence.errors import NotApplicable, RequestError
from highfence.forms.extensive import ExtensiveForm, Lottery, Move, Node, Terminal
from highfence.methods.backward_induction import backward_induction
from highfence.solution import Status
from searches import drained

HALF = Fraction(1, 2)
SEEDS = st.integers(0, 10**6)
OPPONENTS = ((1, 2), (0, 2), (0, 1))


def at_once(
    payoffs: Callable[..., Sequence | Node], counts: Sequence[int] = (2, 2, 2), name: str = "stage"
) -> Node:
    """Return a stage in which players 0, 1, ... move without seeing each other."""

    def node(taken: tuple[int, ...]) -> Node:
        player = len(taken)
        if player == len(counts):
            end = payoffs(*taken)
            return Terminal(tuple(end)) if isinstance(end, Sequence) else end
        actions = [f"a{k}" for k in range(counts[player])]
        children = tuple(node((*taken, k)) for k in range(counts[player]))
        return Move(player, f"{name} {player}", actions, children)

    return node(())


def run(root: Node, **options):
    """Return the tree, all that backward induction yields, and what it returns."""
    form = ExtensiveForm.from_tree(["one", "two", "three"], root)
    return form, *drained(backward_induction(form, **options))


def odd_one_out(a: int, b: int, c: int) -> tuple[int, int, int]:
    """One copies two, two copies three, and three does the opposite of one: Jordan's game (1993,
    "Three problems in learning mixed-strategy Nash equilibria"), all mix evenly."""
    return (int(a == b), int(b == c), int(c != a))


def whole_numbers(seed: int) -> Callable[..., tuple[int, ...]]:
    """Return payoffs of a stage of three players with two actions, as good as never with ties."""
    table = np.random.default_rng(seed).integers(0, 10_000, (2, 2, 2, 3))
    return lambda *taken: tuple(table[taken].tolist())


def equilibria_of_two_by_two_by_two(payoffs: Callable[..., Sequence]) -> list[np.ndarray]:
    """Return the probabilities of the second actions in every equilibrium of a generic game.

    Written from the definition: all supports, each player's indifference as a polynomial
    ``u + v y + w z + x y z`` in the probabilities of the two others.
    """
    table = np.array(
        [payoffs(*taken) for taken in product((0, 1), repeat=3)], float
    ).reshape(2, 2, 2, 3)  # fmt: skip

    def gain(player: int) -> tuple[float, float, float, float]:
        gains = np.diff(table[..., player], axis=player).squeeze(player).astype(object)
        return (
            gains[0, 0],
            gains[1, 0] - gains[0, 0],
            gains[0, 1] - gains[0, 0],
            gains[1, 1] - gains[1, 0] - gains[0, 1] + gains[0, 0],
        )

    of = [gain(player) for player in range(3)]

    def worth(player: int, p: np.ndarray) -> float:
        u, v, w, x = of[player]
        y, z = p[list(OPPONENTS[player])]
        return u + v * y + w * z + x * y * z

    points = [np.array(corner, float) for corner in product((0, 1), repeat=3)]
    for pure, corner in product(range(3), (0, 1)):
        p = np.full(3, float(corner))
        for mixer, other in (OPPONENTS[pure], OPPONENTS[pure][::-1]):
            # The other's indifference is linear in what the mixer does.
            p[mixer] = 0.0
            low = worth(other, p)
            p[mixer] = 1.0
            high = worth(other, p)
            p[mixer] = low / (low - high) if low != high else -1.0
        points.append(p)
    (u0, v0, w0, x0), (u1, v1, w1, x1), (u2, v2, w2, x2) = of
    top, bottom = np.poly1d([-w0, -u0]), np.poly1d([x0, v0])  # two's, from one's indifference
    first, below = np.poly1d([-w1, -u1]), np.poly1d([x1, v1])  # one's, from two's
    quadratic = u2 * below * bottom + v2 * first * bottom + w2 * top * below + x2 * first * top
    for root in quadratic.roots:
        if abs(root.imag) < 1e-9:
            r = root.real
            points.append(np.array([first(r) / below(r), top(r) / bottom(r), r]))

    def holds(p: np.ndarray) -> bool:
        if p.min() < 0 or p.max() > 1:
            return False
        for player in range(3):
            more = worth(player, p)
            if (p[player] == 0 and more > 0) or (p[player] == 1 and more < 0):
                return False
            if 0 < p[player] < 1 and abs(more) > 1e-6:
                return False
        return True

    return [p for p in points if holds(p)]


def seconds(profile, skipped: int) -> np.ndarray:
    """Return the probability of the second action at the information sets after some."""
    return np.array([float(odds[1]) for odds in profile.probabilities[skipped:]])


# ---------------------------------------------------------------------------------------------


def test_after_an_entry_decision_jordans_game_is_mixed_evenly_and_exactly():
    root = Move(0, "enter", ("stop", "go"), (Terminal((0, 0, 0)), at_once(odd_one_out)))
    form, found, findings = run(root)

    assert findings.complete
    assert [profile.probabilities for profile in found] == [((0, 1), *((HALF, HALF),) * 3)]
    certificate = certify_extensive(form, found[0])
    assert (certificate.exact, certificate.regret) == (True, 0)
    assert certificate.refinement == "subgame perfect"
    assert any("their indices sum to 1" in note for note in findings.notes)
    assert not any("floats" in note for note in findings.notes)


@pytest.mark.parametrize(("outside", "entered"), [(Fraction(49, 100), 1), (Fraction(51, 100), 0)])
def test_what_the_mixture_pays_decides_about_entry(outside, entered):
    root = Move(0, "enter", ("stop", "go"), (Terminal((outside, 0, 0)), at_once(odd_one_out)))
    _, found, findings = run(root)

    assert [profile.probabilities[0][1] for profile in found] == [entered]
    assert findings.complete


@settings(max_examples=60)
@given(seed=SEEDS)
def test_stages_of_three_with_two_actions_have_the_equilibria_of_brute_force(seed):
    payoffs = whole_numbers(seed)
    expected = equilibria_of_two_by_two_by_two(payoffs)
    root = Move(1, "enter", ("stop", "go"), (Terminal((0, -1, 0)), at_once(payoffs)))
    form, found, findings = run(root)

    assert findings.complete
    assert len(found) == len(expected)
    assert len(found) % 2 == 1
    for profile in found:
        assert min(np.abs(seconds(profile, 1) - p).max() for p in expected) < 1e-6
        certificate = certify_extensive(form, profile)
        assert certificate.holds
        assert certificate.refinement == "subgame perfect"
        assert certificate.exact is profile.is_exact
    assert any("floats" in note for note in findings.notes) is not all(
        profile.is_exact for profile in found
    )


IRRATIONAL = (24, 25, 48)
"""Seeds of stages whose only equilibrium has probabilities that are roots of quadratics."""


@pytest.mark.parametrize("seed", IRRATIONAL)
def test_an_equilibrium_in_floats_is_called_one(seed):
    payoffs = whole_numbers(seed)
    (p,) = equilibria_of_two_by_two_by_two(payoffs)
    form, (found,), findings = run(
        Move(2, "enter", ("stop", "go"), (Terminal((0, 0, -1)), at_once(payoffs)))
    )

    assert np.abs(seconds(found, 1) - p).max() < 1e-9
    assert found.probabilities[0] == (0, 1)
    assert findings.complete
    certificate = certify_extensive(form, found)
    assert not certificate.exact
    assert certificate.regret < 1e-12
    assert any("are floats, as they are no simple fractions" in note for note in findings.notes)


def test_payoffs_in_floats_tie_with_their_equals_and_with_nothing_else():
    """The same stage twice pays one the same; a stage that pays a little more is taken alone."""
    payoffs = whole_numbers(24)

    def more(*taken: int) -> list[Fraction | int]:
        first, *others = payoffs(*taken)
        return [first + Fraction(1, 10), *others]

    def choice(second: Callable[..., Sequence]) -> Node:
        stages = (at_once(payoffs, name="left"), at_once(second, name="right"))
        return Move(0, "side", ("left", "right"), stages)

    form, tied, findings = run(choice(payoffs))
    assert [profile.probabilities[0] for profile in tied] == [(1, 0), (0, 1)]
    assert findings.complete
    assert any("indifference at 'side'" in note for note in findings.notes)
    assert all(certify_extensive(form, profile).holds for profile in tied)

    form, (taken,), findings = run(choice(more))
    assert taken.probabilities[0] == (0, 1)
    assert not any("indifference" in note for note in findings.notes)
    assert certify_extensive(form, taken).holds


def test_a_stage_of_two_above_one_of_three_is_solved_for_what_that_pays():
    """Two enter or not, at once; if both do, a stage of three follows whose odds are irrational."""
    stage = at_once(whole_numbers(48))

    def entry(a: int, b: int) -> Sequence | Node:
        return stage if a and b else ((0, 9_000, 0), (20_000, 0, 0), (5_000, 5_000, 0))[2 * a + b]

    form, (found,), findings = run(at_once(entry, (2, 2), "entry"))

    assert findings.complete
    worth = ExtensiveForm.from_tree(["one", "two", "three"], stage)
    (alone,) = backward_induction(worth)
    one, two, _ = map(float, worth.expected_payoffs(alone))
    enters = {form.players[k.player]: p[1] for k, p in zip(form.information_sets,
                                                          found.probabilities, strict=True)
              if k.label.startswith("entry")}  # fmt: skip
    assert enters["two"] == pytest.approx(5_000 / (25_000 - one))
    assert enters["one"] == pytest.approx(9_000 / (4_000 + two))
    certificate = certify_extensive(form, found)
    assert certificate.holds
    assert not certificate.exact
    assert certificate.refinement == "subgame perfect"
    assert all(isinstance(p, float) for odds in found.probabilities for p in odds)


def test_payoffs_that_floats_cannot_tell_apart_leave_the_search_incomplete():
    """What the stage pays and what is to be had outside differ by 1e-9, of thousands."""
    payoffs = whole_numbers(24)
    form, (alone,), _ = run(at_once(payoffs))
    worth = Fraction(float(form.expected_payoffs(alone)[0])) + Fraction(1, 10**9)

    def entry(a: int, b: int) -> Sequence | Node:
        return at_once(payoffs) if a and b else (worth * (1 - a), 5_000 * a * (1 - b), 0)

    form, found, findings = run(at_once(entry, (2, 2), "entry"))

    assert not findings.complete
    assert any("too close to others to tell" in note for note in findings.notes)
    assert all(certify_extensive(form, profile).holds for profile in found)


@settings(max_examples=20)
@given(seed=SEEDS, counts=st.sampled_from(((2, 3, 2), (3, 2, 2), (2, 2, 2))))
def test_generic_stages_below_a_lottery_have_an_odd_number_of_equilibria(seed, counts):
    table = np.random.default_rng(seed).integers(0, 10_000, (*counts, 3))
    stage = at_once(lambda *taken: tuple(table[taken].tolist()), counts)
    odds = (Fraction(1, 3), Fraction(2, 3))
    form, found, findings = run(Lottery("war", ("no", "yes"), odds, (stage, Terminal((0, 1, 2)))))

    assert findings.complete
    assert len(found) % 2 == 1
    for profile in found:
        certificate = certify_extensive(form, profile)
        assert certificate.regret < 1e-10
        assert certificate.refinement == "subgame perfect"


@settings(max_examples=30)
@given(seed=SEEDS)
def test_each_continuation_of_a_stage_counts_once_in_the_whole(seed):
    """Whoever moves first chooses between two stages: one equilibrium per pair of theirs."""
    stages = [whole_numbers(seed), whole_numbers(seed + 1)]
    number = prod(len(equilibria_of_two_by_two_by_two(payoffs)) for payoffs in stages)
    left, right = (at_once(each, name=f"stage {k}") for k, each in enumerate(stages))
    form, found, findings = run(Move(1, "side", ("left", "right"), (left, right)))

    assert findings.complete
    tied = any("indifference" in note for note in findings.notes)
    assert len(found) == number or (tied and len(found) > number)
    for profile in found:
        assert certify_extensive(form, profile).holds


@pytest.mark.parametrize(("regime", "count"), [("none", 3), ("chips", 3), ("broad", 1)])
def test_industries_that_complement_one_another_have_all_their_equilibria(regime, count):
    """The stage after a control is the game that the regime leaves."""
    alone = solve("ecosystem_complements", "polynomial_supports", regime=regime)
    whole = solve("ecosystem_complements")

    assert len(alone.equilibria) == count
    assert whole.status is Status.SOLVED
    assert len(whole.equilibria) == 9  # one per combination of 3, 3 and 1
    assert all(e.certificate.exact and e.certificate.regret == 0 for e in whole.equilibria)
    assert {
        tuple(rows[f"{decision} after control={regime}"]["build"] for decision, rows in each)
        for each in (
            [("chip", e.strategies["chips"]), ("soft", e.strategies["software"]),
             ("net", e.strategies["network"])]
            for e in whole.equilibria
        )
    } == {
        tuple(
            e.strategies[player]["build"] for player in ("chips", "software", "network")
        )
        for e in alone.equilibria
    }  # fmt: skip


# --- limits --------------------------------------------------------------------------------


def test_a_stage_too_large_for_all_supports_gets_one_mixed_equilibrium(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SUPPORT_PATHS", 3)
    form, found, findings = run(
        Move(0, "enter", ("stop", "go"), (Terminal((0, 0, 0)), at_once(odd_one_out)))
    )

    assert [profile.probabilities for profile in found] == [((0, 1), *((HALF, HALF),) * 3)]
    assert certify_extensive(form, found[0]).exact
    assert not findings.complete
    text = " ".join(findings.notes)
    assert "highfence.limits.MAX_SUPPORT_PATHS" in text
    assert "one mixed equilibrium was found by the logit branch" in text
    assert "no pure equilibrium in the stage of the subgame at node 2 (after 'go')" in text


def test_many_stages_are_searched_for_mixtures_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_STAGE_PATHS", 20)  # one stage of 2x2x2 takes 16

    def coordinate(a: int, b: int, c: int) -> tuple[int, int, int]:
        return (int(a == b == c), 2 * (a == b == c), 3 * (a == b == c))

    stages = [at_once(coordinate, name=name) for name in ("left", "right")]
    _, found, findings = run(Move(0, "side", ("left", "right"), tuple(stages)))

    assert not findings.complete
    assert any(
        "MAX_STAGE_PATHS" in note and "the subgame at node 1 (after 'left')" in note
        for note in findings.notes
    )
    assert found


# --- a method of one's choice inside a stage -----------------------------------------------


def entry_then(stage: Node) -> Node:
    return Move(2, "enter", ("stop", "go"), (Terminal((0, 0, -1)), stage))


def test_the_logit_branch_inside_finds_one_equilibrium_and_says_so():
    form, (found,), findings = run(entry_then(at_once(whole_numbers(24))), inside="logit")
    (alone,) = equilibria_of_two_by_two_by_two(whole_numbers(24))

    assert np.abs(seconds(found, 1) - alone).max() < 1e-6
    assert certify_extensive(form, found).holds
    assert not findings.complete
    assert any("was solved by logit" in note for note in findings.notes)
    assert any("logit may have missed equilibria" in note for note in findings.notes)


def test_a_method_for_all_equilibria_inside_finds_what_is_found_without_it():
    def battle(a: int, b: int) -> tuple[int, int, int]:
        return ((2, 1, 0), (0, 0, 0), (0, 0, 0), (1, 2, 0))[2 * a + b]

    root = entry_then(at_once(battle, (2, 2)))
    _, plain, _ = run(root)
    for inside in ("extreme_enumeration", "polynomial_supports"):
        form, found, findings = run(root, inside=inside)
        assert {p.probabilities for p in found} == {p.probabilities for p in plain}
        assert findings.complete
        assert all(certify_extensive(form, p).exact for p in found)
    form, pure, _ = run(root, inside="pure_enumeration")
    assert {p.probabilities for p in pure} < {p.probabilities for p in plain}
    assert len(pure) == 2


def test_what_cannot_be_inside_is_refused_by_name():
    root = entry_then(at_once(odd_one_out))
    with pytest.raises(NotApplicable, match=r"lemke_howson does not take the stage of the subgame"):
        run(root, inside="lemke_howson")
    with pytest.raises(RequestError, match=r"takes extensive forms.*by one of: .*logit"):
        run(root, inside="agent_logit")
    with pytest.raises(RequestError, match="Did you mean"):
        run(root, inside="logitt")
