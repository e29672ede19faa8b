"""Perfect Bayesian equilibria with their beliefs, and what the intuitive criterion and D1 say.

The oracle of random games is written anew here: it goes through all supports of a sender and a
receiver and asks float linear programs for a point inside, then whether that point is a mixture
of what the method lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trees
from highfence.certify import certify
from highfence.certify.signaling import judge_signaling, supporting_beliefs
from highfence.forms.extensive import BehaviorProfile, ExtensiveForm, Lottery, Move, Terminal
from highfence.forms.signaling import signaling_stage
from highfence.solution import Equilibrium, Status
from highfence.solve import solve

F = Fraction
ZERO, HALF, ONE = F(0), F(1, 2), F(1)


@dataclass(frozen=True)
class Signal:
    """A signaling game: payoffs[type][message][reply] = (sender's, receiver's)."""

    prior: tuple[Fraction, ...]
    payoffs: tuple[tuple[tuple[tuple[int, int], ...], ...], ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.payoffs), len(self.payoffs[0]), len(self.payoffs[0][0])

    def form(self) -> ExtensiveForm:
        types, messages, replies = self.sizes

        def seen(t: int, m: int) -> Move:
            ends = tuple(Terminal(pair) for pair in self.payoffs[t][m])
            return Move(1, f"m{m}", tuple(f"r{r}" for r in range(replies)), ends)

        moves = tuple(
            Move(
                0,
                f"t{t}",
                tuple(f"m{m}" for m in range(messages)),
                tuple(seen(t, m) for m in range(messages)),
            )
            for t in range(types)
        )
        root = Lottery("type", tuple(f"t{t}" for t in range(types)), self.prior, moves)
        return ExtensiveForm.from_tree(["sender", "receiver"], root)


def split(form: ExtensiveForm, profile: BehaviorProfile) -> tuple[list[list], list[list]]:
    """Return the sender's rows per type and the receiver's per message."""
    labels = [known.label for known in form.information_sets]
    rows = dict(zip(labels, profile.probabilities, strict=True))
    return (
        [list(rows[label]) for label in sorted(labels) if label.startswith("t")],
        [list(rows[label]) for label in sorted(labels) if label.startswith("m")],
    )


def verdicts(equilibrium: Equilibrium) -> dict[str, bool | None]:
    return {verdict.name: verdict.holds for verdict in equilibrium.refinements}


def belief_at(equilibrium: Equilibrium, place: str):
    (found,) = [b for b in equilibrium.beliefs if b.information_set.endswith(place)]
    return found


# ------------------------------------------------------------------ published games


def test_beer_quiche_has_two_outcomes_and_the_intuitive_criterion_keeps_beer():
    """Cho and Kreps (1987), Quarterly Journal of Economics 102:179-221, section II."""
    found = solve("beer_quiche", "perfect_bayesian")

    assert found.status is Status.SOLVED
    beers = {eq.outcomes["beer"] for eq in found.equilibria}
    assert beers == {0, 1}
    for eq in found.equilibria:
        kept = eq.outcomes["beer"] == 1
        assert verdicts(eq) == {
            "sequential": True,
            "intuitive criterion": kept,
            "D1": kept,
            "D2": kept,
        }
        eaten, other = ("beer", "quiche") if kept else ("quiche", "beer")
        assert belief_at(eq, eaten).extreme == ((F(9, 10), F(1, 10)),)
        unreached = belief_at(eq, other)
        assert not unreached.reached
        fights = eq.strategies["receiver"][f"reply after breakfast={other}"]["fight"]
        # A sure fight needs a weak type of at least 1/2; a mixture, of exactly 1/2.
        assert unreached.extreme == (
            ((ZERO, ONE), (HALF, HALF)) if fights == 1 else ((HALF, HALF),)
        )
    assert (
        sum("'weak' would lose" in r.reason for e in found.equilibria for r in e.refinements) == 2
    )


def test_the_small_yard_is_believed_by_halves():
    """p = 1/2, beta_c = .3, d = .5, m = .2, B = 1, zeta = .8: q = 1/3 and r = .4."""
    (found,) = solve("yard_credibility", "perfect_bayesian").equilibria

    assert found.strategies["A"]["yard after type=containment"]["narrow"] == F(1, 3)
    assert found.strategies["C"]["answer after yard=narrow"]["mobilize"] == F(2, 5)
    assert belief_at(found, "narrow").extreme == ((F(3, 4), F(1, 4)),)  # mu = m / (B zeta)
    assert set(verdicts(found).values()) == {True}


def test_a_pooling_yard_is_no_equilibrium_once_the_answer_to_broad_must_be_best():
    """Waiting after a broad control is best under no belief, though Nash allows it."""
    nash = solve("yard_credibility", "backward_induction", preset="pooling")
    bayesian = solve("yard_credibility", "perfect_bayesian", preset="pooling")

    assert len(nash.equilibria) == 2
    (kept,) = bayesian.equilibria
    assert kept.strategies["C"]["answer after yard=broad"]["mobilize"] == 1
    assert belief_at(kept, "broad").extreme == ((ZERO, ONE), (ONE, ZERO))  # under any belief
    (dropped,) = [e for e in nash.equilibria if e.profile != kept.profile]
    form = solve_form("yard_credibility", preset="pooling")
    (verdict,) = judge_signaling(form, dropped.profile)
    assert (verdict.name, verdict.holds) == ("sequential", False)
    assert supporting_beliefs(form, dropped.profile)[1].extreme == ()


def solve_form(name: str, **settings: object) -> ExtensiveForm:
    from highfence.load import load
    from highfence.solve import form_of

    form = form_of(load(name), **settings)
    assert isinstance(form, ExtensiveForm)
    return form


def test_a_weak_sender_bluffs_and_every_sanction_that_is_seen_has_failed():
    """x = 1, s = 2, a = .5, b = 1, tau = .3: beta = 3/7, rho = 1/3, P(imposed) = .2."""
    (found,) = solve("sanctions_threat", "perfect_bayesian").equilibria

    assert found.strategies["A"]["word after type=weak"]["threaten"] == F(3, 7)
    assert found.strategies["C"]["answer after word=threaten"]["comply"] == F(1, 3)
    assert found.outcomes["imposed"] == pytest.approx(0.2)
    assert found.outcomes["threat"] == pytest.approx(0.6)
    assert belief_at(found, "threaten").extreme == ((HALF, HALF),)

    believed = solve("sanctions_threat", "perfect_bayesian", preset="believed").equilibria
    assert [(eq.outcomes["complied"], eq.outcomes["imposed"]) for eq in believed] == [(1, 0)]


@pytest.mark.parametrize(("e", "separates"), [(0.9, False), (1, True), (2, True), (2.1, False)])
def test_education_separates_if_it_costs_between_one_and_two(e, separates):
    """Spence (1973), Quarterly Journal of Economics 87:355-374: 1 <= e <= 2; Riley's is e = 1."""
    found = solve("spence_1973", "perfect_bayesian", e=e)

    def is_separating(equilibrium: Equilibrium) -> bool:
        rows = equilibrium.strategies["worker"]
        able, unable = rows["education after type=able"], rows["education after type=unable"]
        return able["degree"] == 1 and unable["none"] == 1

    assert any(map(is_separating, found.equilibria)) == separates


def test_cheap_education_undoes_pooling_by_the_intuitive_criterion():
    """At e = .6 the able gain 2 - .3 over 1.5 by a degree, the unable lose by it (2 - .6 < 1.5)."""
    pooling = [
        eq
        for eq in solve("spence_1973", "perfect_bayesian", preset="cheap").equilibria
        if eq.outcomes["educated"] == 0
    ]

    assert pooling
    for eq in pooling:
        assert verdicts(eq)["intuitive criterion"] is False
        (reason,) = [r.reason for r in eq.refinements if r.name == "intuitive criterion"]
        assert "'unable' would lose" in reason
        assert "'able' gains at least 0.2" in reason


def test_d1_may_rule_out_what_the_intuitive_criterion_leaves():
    """Both types gain from a good reply, but one of them already from a mixture less good."""
    quiet = ((0, 0), (0, 0))
    game = Signal((HALF, HALF), ((quiet, ((1, 1), (-1, 0))), (quiet, ((1, 0), (-3, 1)))))
    form = game.form()
    pooling = [
        profile
        for equilibrium in solve(form, "perfect_bayesian").equilibria
        if split(form, profile := equilibrium.profile)[0] == [[1, 0], [1, 0]]
    ]

    assert pooling
    for profile in pooling:
        holds = {v.name: v.holds for v in judge_signaling(form, profile)}
        assert holds == {
            "sequential": True,
            "intuitive criterion": True,
            "D1": False,
            "D2": False,
        }


def test_d1_leaves_what_tempts_both_types_alike():
    quiet = ((0, 0), (0, 0))
    game = Signal((HALF, HALF), ((quiet, ((1, 1), (-1, 0))), (quiet, ((1, 0), (-1, 1)))))
    form = game.form()
    pooling = BehaviorProfile(((ONE, ZERO), (ONE, ZERO), (ZERO, ONE), (ONE, ZERO)))

    assert certify(form, pooling).refinement == "weak perfect Bayesian"
    assert {v.name: v.holds for v in judge_signaling(form, pooling)} == {
        "sequential": True,
        "intuitive criterion": True,
        "D1": True,
        "D2": True,
    }


def test_d2_rules_out_a_type_whom_others_cover_only_together():
    """The middle type gains from mild replies; each of the others from one half of them.

    Replies a, b, c: the first type gains from a, the third from b, the middle one from both, but
    less, and all lose from c, which is best against the middle type alone.
    """
    quiet = ((0, 0), (0, 0), (0, 0))
    first = ((2, 2), (-1, 0), (-1, 0))
    middle = ((1, 0), (1, 0), (-9, 2))
    third = ((-1, 0), (2, 2), (-1, 0))
    game = Signal((F(1, 3),) * 3, ((quiet, first), (quiet, middle), (quiet, third)))
    form = game.form()
    rows = {"t0": (1, 0), "t1": (1, 0), "t2": (1, 0), "m0": (1, 0, 0), "m1": (0, 0, 1)}
    pooling = BehaviorProfile(
        tuple(tuple(map(F, rows[known.label])) for known in form.information_sets)
    )

    assert certify(form, pooling).refinement == "weak perfect Bayesian"
    assert {v.name: v.holds for v in judge_signaling(form, pooling)} == {
        "sequential": True,
        "intuitive criterion": True,
        "D1": True,
        "D2": False,
    }


def test_three_beliefs_span_a_polygon():
    """After a surprise a reply is best where its type has at least half of the weight."""
    quiet = ((2, 0), (2, 0))

    def surprise(right: int) -> tuple[tuple[int, int], ...]:
        return tuple((0, int(reply == right)) for reply in (0, 1))

    game = Signal((F(1, 3),) * 3, tuple((quiet, surprise(right)) for right in (0, 1, 1)))
    form = game.form()
    found = solve(form, "perfect_bayesian").equilibria
    first = [e for e in found if split(form, e.profile)[1][1] == [1, 0]]

    assert first
    assert belief_at(first[0], "m1").extreme == (
        (HALF, ZERO, HALF),
        (HALF, HALF, ZERO),
        (ONE, ZERO, ZERO),
    )


def test_seltens_horse_keeps_its_sequential_equilibrium():
    """Selten (1975): of the two pure ones, the one in which the third player is never asked."""
    found = solve(trees.selten_horse(), "perfect_bayesian")

    assert found.status is Status.PARTIAL
    assert [eq.strategies["1"]["1"]["C"] for eq in found.equilibria] == [1]
    assert any("3 players" in note for note in found.notes)


def test_a_reputation_is_kept_by_mixtures():
    """Kreps and Wilson (1982): the weak one fights with probability p (1 - b)/((1 - p) b)."""
    (found,) = solve("kreps_wilson_1982", "perfect_bayesian").equilibria

    assert found.strategies["M"]["answer_1 after type=weak"]["fight"] == F(3, 17)
    assert found.strategies["E"]["second after answer_1=fight"]["enter"] == HALF
    assert verdicts(found)["sequential"] is True


def test_what_is_no_signaling_is_left_open():
    """In Kuhn's poker the first player moves twice, so beliefs hang together."""
    found = solve("kuhn_poker", "perfect_bayesian")

    assert found.equilibria
    for eq in found.equilibria:
        assert [r.name for r in eq.refinements] == ["sequential"]
        assert eq.refinements[0].holds is None


def test_every_pure_one_is_found_by_the_method_for_pure_ones_too():
    for name in ("beer_quiche", "spence_1973", "boastful_plan", "roll_back", "akerlof_1970"):
        pure = {e.profile for e in solve(name, "pure_sequential").equilibria}
        mixed = {e.profile for e in solve(name, "perfect_bayesian").equilibria}
        assert pure == {
            profile
            for profile in mixed
            if all(p in (0, 1) for row in profile.probabilities for p in row)
        }


# ------------------------------------------------------------------ the stage


def test_a_stage_is_not_one_of_signaling_if_the_receiver_moves_first_or_twice():
    assert signaling_stage(trees.beer_quiche()) is not None
    assert signaling_stage(trees.selten_horse()) is None
    assert signaling_stage(trees.kuhn_poker()) is None


def test_messages_that_the_receiver_cannot_tell_apart_leave_the_criteria_open():
    def send(name: str) -> Move:
        blind = tuple(
            Move(1, "noise", ("yes", "no"), (Terminal((-1, 0)), Terminal((-1, 1))))
            for _ in range(2)
        )
        return Move(0, name, ("quiet", "loud", "shrill"), (Terminal((0, 0)), *blind))

    (alone,) = solve(
        ExtensiveForm.from_tree(["sender", "receiver"], send("type")), "perfect_bayesian"
    ).equilibria
    assert verdicts(alone) == {"sequential": True}
    assert belief_at(alone, "noise").places == ("loud", "shrill")

    root = Lottery("type", ("one", "two"), (HALF, HALF), (send("one"), send("two")))
    form = ExtensiveForm.from_tree(["sender", "receiver"], root)
    (found,) = solve(form, "perfect_bayesian").equilibria
    assert verdicts(found) == {
        "sequential": True,
        "intuitive criterion": None,
        "D1": None,
        "D2": None,
    }
    assert len(belief_at(found, "noise").extreme) == 4


def test_beliefs_keep_to_the_odds_of_chance_that_the_sender_does_not_see():
    """A belief in one of two draws alone supports a reply, but is no limit of Bayes' rule."""

    def answer(good: int) -> Move:
        return Move(1, "asked", ("no", "yes"), (Terminal((-1, good)), Terminal((1, 0))))

    def send(good: int) -> Move:
        return Move(0, "sender", ("quiet", "ask"), (Terminal((0, 0)), answer(good)))

    root = Lottery("weather", ("fair", "foul"), (F(3, 4), F(1, 4)), (send(-1), send(1)))
    form = ExtensiveForm.from_tree(["sender", "receiver"], root)
    refusal = BehaviorProfile(((ONE, ZERO), (ONE, ZERO)))

    assert certify(form, refusal).refinement == "weak perfect Bayesian"
    (verdict,) = judge_signaling(form, refusal)
    assert (verdict.name, verdict.holds) == ("sequential", False)


# ------------------------------------------------------------------ random games


def subsets(count: int) -> list[tuple[int, ...]]:
    sizes = range(1, count + 1)
    return list(chain.from_iterable(combinations(range(count), size) for size in sizes))


def inner_point(
    count: int,
    sums: Sequence[Sequence[int]],
    used: Sequence[int],
    rows: Sequence[Sequence[float]],
) -> np.ndarray | None:
    """Return x >= 0, zero outside ``used`` and as positive as can be there, or None.

    Each group in ``sums`` adds up to 1, and ``rows x >= 0``.
    """
    from scipy.optimize import linprog

    upper = [[*(-np.array(row, float)), 0.0] for row in rows]
    upper += [[*(-1.0 * (np.arange(count) == k)), 1.0] for k in used]
    equal = [[*np.isin(np.arange(count), group).astype(float), 0.0] for group in sums]
    bounds = [(0, 1 if k in used else 0) for k in range(count)] + [(None, 1)]
    done = linprog(
        [*np.zeros(count), -1.0],
        A_ub=upper,
        b_ub=np.zeros(len(upper)),
        A_eq=equal,
        b_eq=np.ones(len(equal)),
        bounds=bounds,
    )
    return done.x[:-1] if done.success and done.x[-1] > 1e-6 else None


def points_of_every_support(game: Signal) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield a perfect Bayesian equilibrium of each support that has one."""
    types, messages, replies = game.sizes
    u = np.array([[[pair[0] for pair in row] for row in table] for table in game.payoffs], float)
    v = np.array([[[pair[1] for pair in row] for row in table] for table in game.payoffs], float)
    prior = np.array([float(p) for p in game.prior])
    for sent in product(subsets(messages), repeat=types):
        groups = [[t * messages + m for m in range(messages)] for t in range(types)]
        used = [t * messages + m for t in range(types) for m in sent[t]]
        reached = {m for t in range(types) for m in sent[t]}
        for given_back in product(subsets(replies), repeat=messages):
            better = []
            for t, m in ((t, m) for t, own in enumerate(sent) for m in own):
                for other in range(messages):
                    row = np.zeros((messages, replies))
                    row[m] += u[t, m]
                    row[other] -= u[t, other]
                    better.append(row.ravel())
            answers = [[m * replies + r for r in range(replies)] for m in range(messages)]
            kept = [m * replies + r for m in range(messages) for r in given_back[m]]
            if (rho := inner_point(messages * replies, answers, kept, better)) is None:
                continue
            best, is_best = [], True
            for m in range(messages):
                gains = [
                    v[:, m, r] - v[:, m, other] for r in given_back[m] for other in range(replies)
                ]
                if m not in reached:
                    belief = belief_against(gains, types)
                    is_best = is_best and belief
                    continue
                for gain in gains:
                    row = np.zeros((types, messages))
                    row[:, m] = prior * gain
                    best.append(row.ravel())
            if is_best and (sigma := inner_point(types * messages, groups, used, best)) is not None:
                yield sigma, rho


def belief_against(gains: Sequence[np.ndarray], types: int) -> bool:
    from scipy.optimize import linprog

    done = linprog(
        np.zeros(types),
        A_ub=[-gain for gain in gains],
        b_ub=np.zeros(len(gains)),
        A_eq=[np.ones(types)],
        b_eq=[1.0],
        bounds=[(0, 1)] * types,
    )
    return bool(done.success)


def is_mixture(point: np.ndarray, others: Sequence[np.ndarray]) -> bool:
    from scipy.optimize import linprog

    done = linprog(
        np.zeros(len(others)),
        A_eq=np.vstack([np.array(others).T, np.ones(len(others))]),
        b_eq=[*point, 1.0],
        bounds=[(0, 1)] * len(others),
        options={"primal_feasibility_tolerance": 1e-9},
    )
    return bool(done.success)


def random_game(seed: int, sizes: tuple[int, int, int], most: int) -> Signal:
    rng = np.random.default_rng(seed)
    types, messages, replies = sizes
    table = rng.integers(-most, most + 1, (types, messages, replies, 2))
    weights = [int(k) for k in rng.integers(1, 5, types)]
    return Signal(
        tuple(F(w, sum(weights)) for w in weights),
        tuple(
            tuple(tuple((int(a), int(b)) for a, b in row) for row in of_message)
            for of_message in table
        ),
    )


def assert_all_and_only(game: Signal) -> None:
    form = game.form()
    found = solve(form, "perfect_bayesian")
    assert found.status is Status.SOLVED
    assert found.rejected == 0
    listed = []
    for equilibrium in found.equilibria:
        assert equilibrium.certificate.refinement in ("subgame perfect", "weak perfect Bayesian")
        assert verdicts(equilibrium)["sequential"] is True
        assert all(belief.extreme for belief in equilibrium.beliefs)
        sigma, rho = split(form, equilibrium.profile)
        pair = [np.array(list(map(float, chain.from_iterable(side)))) for side in (sigma, rho)]
        listed.append(pair)
    for sigma, rho in points_of_every_support(game):
        # A product of mixtures is a mixture of products.
        within = [
            np.outer(x, y).ravel()
            for x, y in listed
            if not (x[sigma < 1e-9]).any() and not (y[rho < 1e-9]).any()
        ]
        assert within, (game, sigma, rho)
        assert is_mixture(np.outer(sigma, rho).ravel(), within), (game, sigma, rho)


@pytest.mark.parametrize("seed", range(12))
def test_all_of_a_random_game_are_mixtures_of_those_listed(seed):
    assert_all_and_only(random_game(seed, (2, 2, 2), 3 if seed % 2 else 20))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_all_of_many_random_games_are_mixtures_of_those_listed(seed):
    sizes = [(2, 2, 2), (3, 2, 2), (2, 2, 3)][seed % 3]
    assert_all_and_only(random_game(100 + seed, sizes, 2 if seed % 2 else 9))


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 9))
def test_verdicts_do_not_change_with_units_and_what_fails_intuition_fails_d1(seed, most):
    game = random_game(seed, (2, 2, 2), most)
    form = game.form()
    other = Signal(
        game.prior,
        tuple(
            tuple(tuple((7 * a + 100, 3 * b - 5) for a, b in row) for row in of_message)
            for of_message in game.payoffs
        ),
    ).form()
    for equilibrium in solve(form, "perfect_bayesian").equilibria:
        holds = verdicts(equilibrium)
        assert holds == {v.name: v.holds for v in judge_signaling(other, equilibrium.profile)}
        assert equilibrium.beliefs == supporting_beliefs(other, equilibrium.profile)
        if holds["intuitive criterion"] is False:
            assert holds["D1"] is False
        if holds["D1"] is False:
            assert holds["D2"] is False


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_some_equilibrium_survives_d1_and_beliefs_bear_out_the_replies(seed):
    """A stable set survives D1 in generic signaling games (Cho and Kreps 1987, Banks and Sobel)."""
    game = random_game(seed, (2, 2, 3), 1000)
    form = game.form()
    found = solve(form, "perfect_bayesian").equilibria

    assert any(verdicts(eq)["D2"] for eq in found)
    for eq in found:
        _, replies = split(form, eq.profile)
        for m, belief in enumerate(sorted(eq.beliefs, key=lambda b: b.information_set)):
            for point in belief.extreme:
                worth = [
                    sum(p * game.payoffs[t][m][r][1] for t, p in enumerate(point)) for r in range(3)
                ]
                assert all(worth[r] == max(worth) for r in range(3) if replies[m][r])


def test_floats_bring_the_same_beliefs_up_to_the_tolerance():
    exact = solve(trees.beer_quiche(), "perfect_bayesian").equilibria
    floats = solve(trees.scaled(trees.beer_quiche(), 0.1), "perfect_bayesian").equilibria

    assert len(floats) == len(exact) == 4
    for one, other in zip(exact, floats, strict=True):
        assert not other.certificate.exact
        assert verdicts(one) == verdicts(other)
        for belief, near in zip(one.beliefs, other.beliefs, strict=True):
            assert belief.reached == near.reached
            for column, of_other in zip(
                zip(*belief.extreme, strict=True), zip(*near.extreme, strict=True), strict=True
            ):
                assert float(min(of_other)) == pytest.approx(float(min(column)), abs=1e-6)
                assert float(max(of_other)) == pytest.approx(float(max(column)), abs=1e-6)
