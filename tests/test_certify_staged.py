"""The judge of staged games, attacked: every profile that is wrong must be turned down.

A certified profile is taken and spoiled in one place: an action, a probability, what is
prescribed behind a deviation, what is said of payoffs. Where the gain from deviating is known
in closed form, the regret must be that gain.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Chance, Decision, Game, Interval, Regime, tolerances
from highfence.certify import certify
from highfence.forms.build import build
from highfence.forms.staged import Prescription
from highfence.methods.plays import Play, StagedProfile
from highfence.methods.staged import staged
from highfence.solution import Certificate
from small_games import make

UNIT = Interval(0, 1)


def solved(game: Game, **values: float) -> StagedProfile:
    """Return a profile that holds."""
    profiles = staged(build(game, parameters=values))
    return next(profile for profile in profiles if certify(profile.form, profile).holds)


@dataclasses.dataclass
class Spoiled:
    """A profile with its path, or what it prescribes elsewhere, replaced."""

    form: Any
    play: Play
    prescribe: Callable[[int, np.ndarray], Prescription]


def spoiled(profile: StagedProfile, **parts: Any) -> Spoiled:
    given = {"play": profile.play, "prescribe": profile.prescribe} | parts
    return Spoiled(profile.form, **given)


def pure(values: np.ndarray, known: np.ndarray | None = None) -> Prescription:
    """Return the prescription of interval actions (n, k), no finite move beside them."""
    n = len(values)
    return Prescription(
        values, ((),), np.ones((n, 1)), np.ones(n, bool) if known is None else known
    )


def answered(profile: StagedProfile, block: int, row: np.ndarray) -> Play:
    """Return what the honest profile answers at one history."""
    plays = profile.solver.equilibria(block, row.copy())
    return profile.solver.choose(plays)


def judged(profile: Any, tolerance: float | None = None) -> Certificate:
    return certify(profile.form, profile, tolerance=tolerance)


def placed(profile: Any, play: Play, actions: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    """Return the history (1, size) behind a block's actions."""
    form, row = profile.form, play.row.copy()
    block = form.blocks[play.block]
    for move, action in zip(block.finite, actions, strict=True):
        row[0, move.slot] = action
    for move, value in zip(block.intervals, values, strict=True):
        row[0, move.slot] = value
    form.advance(row, play.block)
    return row


def replayed(
    profile: StagedProfile,
    play: Play,
    values: np.ndarray | None = None,
    mixed: tuple[tuple[float, ...], ...] | None = None,
) -> Play:
    """Return a play with other actions at its first block, and what the profile answers then.

    Everything that it says of itself is true; only its actions are not best.
    """
    values = play.values if values is None else values
    mixed = play.mixed if mixed is None else mixed
    branches = []
    payoffs = np.zeros(profile.form.num_players)
    supports = [[(a, p) for a, p in enumerate(mix) if p > 0] for mix in mixed]
    combinations: list[tuple[float, tuple[int, ...]]] = [(1.0, ())]
    for support in supports:
        combinations = [(w * p, (*a, b)) for w, a in combinations for b, p in support]
    for weight, actions in combinations:
        row = placed(profile, play, actions, values)
        later = None
        if play.block + 1 < len(profile.form.blocks):
            later = answered(profile, play.block + 1, row)
            payoffs = payoffs + weight * later.payoffs
        else:
            payoffs = payoffs + weight * profile.form.finish(row)[0]
        branches.append((weight, actions, later))
    return dataclasses.replace(
        play, values=values, mixed=mixed, payoffs=payoffs, branches=tuple(branches)
    )


def behind(play: Play, change: Callable[[Play], Play]) -> Play:
    """Return the play with its first continuation changed."""
    weight, actions, later = play.branches[0]
    assert later is not None
    changed = change(later)
    branches = ((weight, actions, changed), *play.branches[1:])
    payoffs = play.payoffs + weight * (changed.payoffs - later.payoffs)
    return dataclasses.replace(play, branches=branches, payoffs=payoffs)


COURNOT = make(
    "one two",
    [[Decision("one", "q1", Interval(0, 100)), Decision("two", "q2", Interval(0, 100))]],
    {"one": "money * q1 * (90 - q1 - q2)", "two": "money * q2 * (90 - q1 - q2)"},
    money=1,
)
STACKELBERG = make(
    "leader follower",
    [[Decision("leader", "q1", Interval(0, 90))], [Decision("follower", "q2", Interval(0, 90))]],
    {"leader": "q1 * (90 - q1 - q2)", "follower": "q2 * (90 - q1 - q2)"},
)
GAP = make(
    "vendor state firm",
    [
        [Decision("vendor", "entry", ["stay", "enter"]), Decision("state", "s", UNIT)],
        [Decision("firm", "x", UNIT)],
    ],
    {
        "vendor": "where(entry == 'enter', 0.4 - s + x - s / 2, 0)",
        "state": "-(s - where(entry == 'enter', 0.6, 0)) ** 2",
        "firm": "-(x - s / 2) ** 2",
    },
)
LIMIT = make(
    "incumbent entrant",
    [
        [Decision("incumbent", "q1", UNIT)],
        [Decision("entrant", "entry", ["stay_out", "enter"])],
        [Decision("entrant", "q2", Interval(0, "where(entry == 'enter', 1, 0)"))],
    ],
    {
        "incumbent": "q1 * (1 - q1 - q2)",
        "entrant": "where(entry == 'enter', q2 * (1 - q1 - q2) - F, 0)",
    },
    F=0.02,
)
WEATHER = make(
    "one two",
    [
        [Decision("one", "x", UNIT)],
        [Chance("weather", {"fair": 0.99, "storm": 0.01})],
        [Decision("two", "y", UNIT)],
    ],
    {"one": "-(x - y) ** 2", "two": "-(y - where(weather == 'storm', 0.9, 0.2)) ** 2"},
)


@cache
def honest(name: str) -> StagedProfile:
    games = {"cournot": COURNOT, "stackelberg": STACKELBERG, "gap": GAP, "limit": LIMIT}
    return solved(games[name])


@pytest.fixture
def cournot() -> StagedProfile:
    return honest("cournot")


@pytest.fixture
def stackelberg() -> StagedProfile:
    return honest("stackelberg")


@pytest.fixture
def gap() -> StagedProfile:
    return honest("gap")


@pytest.fixture
def limit() -> StagedProfile:
    return honest("limit")


# ---------------------------------------------------------------------------------------------
# What holds


def test_what_is_right_holds_and_says_what_was_checked(cournot, stackelberg, gap, limit):
    for profile in (cournot, stackelberg, gap, limit):
        certificate = judged(profile)
        assert certificate.holds
        assert certificate.regret <= tolerances.REGRET_STAGED == certificate.tolerance
        assert certificate.refinement == "subgame perfect"
        assert not certificate.exact
        assert "deviations" in certificate.checks[0]
    assert "off it" in judged(stackelberg).checks[0]
    assert any("off the path" in check for check in judged(stackelberg).checks[1:])


def test_a_spoiled_profile_with_nothing_spoiled_holds(gap):
    """The attacks below fail for what they change, not for how they are made."""
    same = replayed(gap, gap.play)
    assert same.payoffs == pytest.approx(gap.play.payoffs, abs=1e-9)
    assert judged(spoiled(gap, play=same)).refinement == "subgame perfect"


def test_judging_changes_nothing(gap):
    before = gap.play.row.copy(), gap.play.values.copy(), gap.form.root.copy()
    first, second = judged(gap), judged(gap)
    assert first == second
    for kept, now in zip(before, (gap.play.row, gap.play.values, gap.form.root), strict=True):
        assert (kept == now).all()


# ---------------------------------------------------------------------------------------------
# Actions that are not best


@given(st.floats(-0.3, 0.3), st.sampled_from([0, 1]))
def test_the_regret_is_the_gain_over_the_range_of_payoffs(change, player):
    """At q1 = 30 + d the best is 30, so the first gains d^2; its payoffs on [0, 100] are known."""
    profile = honest("cournot")
    values = profile.play.values.copy()
    values[player] += 100 * change
    play = replayed(profile, profile.play, values)
    certificate = judged(spoiled(profile, play=play))
    own, other = values[player], values[1 - player]
    gain = (own - (90 - other) / 2) ** 2
    rival_gain = (other - (90 - own) / 2) ** 2 if own < 90 else other**2
    lowest = min(100 * (90 - 100 - other), 0)
    highest = (90 - other) ** 2 / 4
    # Payoffs of anybody's deviations count in the range; they make it wider, at most fourfold.
    assert certificate.regret >= max(gain, rival_gain) / (4 * (highest - lowest)) - 1e-12
    assert certificate.regret <= 4 * max(gain, rival_gain) / (highest - lowest) + 1e-9
    if abs(change) > 0.005:
        assert not certificate.holds


@pytest.mark.parametrize("money", [1e-9, 1e9])
def test_money_of_another_size_hides_nothing(money):
    profile = solved(COURNOT, money=money)
    values = profile.play.values + np.array([0.5, 0])
    assert not judged(spoiled(profile, play=replayed(profile, profile.play, values))).holds


@pytest.mark.parametrize("change", [-0.1, 0.01, 0.003])
def test_an_action_that_is_not_best_before_others_answer_is_rejected(stackelberg, change):
    values = stackelberg.play.values + 90 * change
    play = replayed(stackelberg, stackelberg.play, values)
    certificate = judged(spoiled(stackelberg, play=play))
    assert not certificate.holds
    assert certificate.refinement is None


@pytest.mark.parametrize("change", [-0.1, 0.01, 0.003])
def test_an_answer_on_the_path_that_is_not_best_is_rejected(stackelberg, change):
    play = behind(
        stackelberg.play,
        lambda later: replayed(stackelberg, later, later.values + 90 * change),
    )
    assert not judged(spoiled(stackelberg, play=play)).holds


def test_a_wrong_action_on_a_branch_of_small_probability_is_rejected():
    profile = solved(WEATHER)

    def storm(draw: Play) -> Play:
        branches = []
        for weight, actions, later in draw.branches:
            if weight < 0.5 and later is not None:
                later = replayed(profile, later, later.values - 0.05)
            branches.append((weight, actions, later))
        return dataclasses.replace(draw, branches=tuple(branches))

    assert not judged(spoiled(profile, play=behind(profile.play, storm))).holds


@pytest.mark.parametrize("shift", [-0.05, 0.01, 0.3])
def test_a_mixture_that_leaves_the_other_no_reason_to_play_as_said_is_rejected(gap, shift):
    """The vendor is indifferent whatever it mixes; the state's subsidy is best for one mixture."""
    ((stay, enter),) = gap.play.mixed
    play = replayed(gap, gap.play, mixed=((stay - shift, enter + shift),))
    assert not judged(spoiled(gap, play=play)).holds


@pytest.mark.parametrize("enters", [0.0, 1.0])
def test_a_pure_answer_where_only_a_mixed_one_holds_is_rejected(gap, enters):
    play = replayed(gap, gap.play, mixed=((1 - enters, enters),))
    assert not judged(spoiled(gap, play=play)).holds
    best = replayed(gap, gap.play, np.array([0.6 * enters]), ((1 - enters, enters),))
    assert not judged(spoiled(gap, play=best)).holds


def entering(profile: StagedProfile) -> Spoiled:
    """Return the profile in which the entrant enters on the path, and only there."""
    swapped = behind(profile.play, lambda node: replayed(profile, node, mixed=((0.0, 1.0),)))
    return spoiled(profile, play=swapped)


def test_a_finite_action_that_is_not_best_is_rejected():
    """With F = 0.07 the entrant stays out by itself: it would lose 0.0075."""
    assert not judged(entering(solved(LIMIT, F=0.07))).holds


JOINT = make(
    "one two",
    [[Decision("one", "x", UNIT), Decision("one", "y", UNIT), Decision("two", "z", UNIT)]],
    {"one": "x * y", "two": "-(z - x) ** 2"},
)
TRIPLE = make(
    "one",
    [[Decision("one", "x", UNIT), Decision("one", "y", UNIT), Decision("one", "z", UNIT)]],
    {"one": "x * y * z"},
)


def nothing(game: Game) -> Any:
    """Return the profile in which every interval action of a single block is 0."""
    form = build(game)
    row = form.root.copy()
    values = np.zeros(len(form.blocks[0].intervals))
    play = Play(0, row, values, (), np.zeros(form.num_players), ((1.0, (), None),))
    profile = StagedProfile(form, play, "", None)
    return spoiled(profile, prescribe=lambda block, rows: pure(np.zeros((len(rows), len(values)))))


def test_two_interval_actions_of_one_player_are_changed_together():
    assert not judged(nothing(JOINT)).holds


def test_three_interval_actions_of_one_player_are_changed_together():
    assert not judged(nothing(TRIPLE)).holds


# ---------------------------------------------------------------------------------------------
# Play off the path


def flood(profile: StagedProfile) -> Spoiled:
    """Return the follower's threat: unless the leader sells 30, flood the market.

    The path, 30 and 30, is a Nash equilibrium that only this empty threat supports.
    """
    form = profile.form
    slot, own = (form.blocks[k].intervals[0].slot for k in (0, 1))

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        assert block == 1
        return pure(np.where(np.abs(rows[:, [slot]] - 30) < 1e-12, 30.0, 90.0))

    row = placed(profile, profile.play, (), np.array([30.0]))
    full = row.copy()
    full[0, own] = 30.0
    payoffs = form.finish(full)[0]
    later = Play(1, row, np.array([30.0]), (), payoffs, ((1.0, (), None),))
    play = Play(0, form.root.copy(), np.array([30.0]), (), payoffs, ((1.0, (), later),))
    return spoiled(profile, play=play, prescribe=prescribe)


def test_an_empty_threat_is_rejected_though_the_path_is_a_best_reply(stackelberg):
    threat = flood(stackelberg)
    assert threat.play.payoffs == pytest.approx((900, 900))
    certificate = judged(threat)
    assert not certificate.holds
    assert certificate.refinement is None


def test_an_entrant_that_enters_whatever_happens_is_rejected(limit):
    """On the path (1/2, then 1/4) entry pays; after 0.9 it does not, and is said to happen."""
    form = limit.form
    entry = form.blocks[1].finite[0].slot
    q1 = form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        if block == 1:
            n = len(rows)
            enters = np.tile([0.0, 1.0], (n, 1))
            return Prescription(np.empty((n, 0)), ((0,), (1,)), enters, np.ones(n, bool))
        sold = np.maximum((1 - rows[:, [q1]]) / 2, 0)
        return pure(np.where(rows[:, [entry]] == 1, sold, 0.0))

    def answer(block: int, row: np.ndarray) -> Play:
        said = prescribe(block, row)
        if block == 2:
            full = row.copy()
            full[0, form.blocks[2].intervals[0].slot] = said.values[0, 0]
            return Play(2, row, said.values[0], (), form.finish(full)[0], ((1.0, (), None),))
        after = row.copy()
        after[:, entry] = 1
        form.advance(after, 1)
        later = answer(2, after)
        branches = ((1.0, (1,), later),)
        return Play(1, row, np.empty(0), ((0.0, 1.0),), later.payoffs, branches)

    node = answer(1, placed(limit, limit.play, (), np.array([0.5])))
    play = Play(0, form.root.copy(), np.array([0.5]), (), node.payoffs, ((1.0, (), node),))
    assert node.payoffs == pytest.approx((0.125, 0.0425))
    certificate = judged(spoiled(limit, play=play, prescribe=prescribe))
    assert not certificate.holds
    assert certificate.refinement is None


@pytest.mark.parametrize("shift", [-1.0, 0.3])
def test_an_answer_off_the_path_that_is_a_little_off_is_rejected(stackelberg, shift):
    """The follower sells a little less or more than it should, wherever the leader deviates."""
    at, slot = stackelberg.play.values[0], stackelberg.form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        said = stackelberg.prescribe(block, rows)
        away = np.abs(rows[:, [slot]] - at) > 1e-9
        return dataclasses.replace(said, values=np.clip(said.values + shift * away, 0, 90))

    assert not judged(spoiled(stackelberg, prescribe=prescribe)).holds


def test_one_unanswered_deviation_is_enough_to_leave_perfection_open(limit):
    """The incumbent's alternatives are 0.005 apart; the entrant has no answer to one of them."""
    slot = limit.form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        said = limit.prescribe(block, rows)
        return dataclasses.replace(said, known=said.known & (np.abs(rows[:, slot] - 0.8) > 1e-4))

    certificate = judged(spoiled(limit, prescribe=prescribe))
    assert certificate.holds
    assert certificate.refinement is None


def unknown_above(profile: StagedProfile, level: float) -> Spoiled:
    """Return the profile with nothing prescribed where the first action is above a level."""
    slot = profile.form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        said = profile.prescribe(block, rows)
        return dataclasses.replace(said, known=said.known & (rows[:, slot] <= level))

    return spoiled(profile, prescribe=prescribe)


def test_where_a_deviation_is_unanswered_perfection_is_not_claimed(stackelberg, limit):
    for profile, level in ((stackelberg, 60.0), (limit, 0.8)):
        certificate = judged(unknown_above(profile, level))
        assert certificate.holds
        assert certificate.refinement is None
        assert any("not claimed" in check for check in certificate.checks)


# ---------------------------------------------------------------------------------------------
# Profiles that are not profiles, or that say what is not so


@pytest.mark.parametrize("value", [-1.0, 101.0, 100.1, 1e300])
def test_an_action_outside_its_interval_is_rejected(cournot, value):
    play = dataclasses.replace(cournot.play, values=np.array([value, 30.0]))
    assert not judged(spoiled(cournot, play=play)).holds


def test_an_action_that_is_no_number_is_rejected(cournot):
    play = dataclasses.replace(cournot.play, values=np.array([np.nan, 30.0]))
    assert not judged(spoiled(cournot, play=play)).holds


def test_an_action_outside_its_interval_off_the_path_is_rejected(stackelberg):
    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        return pure(np.full((len(rows), 1), -5.0))

    assert not judged(spoiled(stackelberg, prescribe=prescribe)).holds


@pytest.mark.parametrize("mix", [(0.5, 0.6), (1.2, -0.2), (0.0, 0.0), (np.nan, 1.0)])
def test_what_is_no_probability_distribution_is_refused(gap, mix):
    play = dataclasses.replace(gap.play, mixed=(mix,))
    try:
        certificate = judged(spoiled(gap, play=play))
    except ValueError as error:
        assert "probability" in str(error)  # noqa: PT017
    else:
        assert not certificate.holds


KINDS = make(
    "one two",
    [
        [
            Decision("one", "kind", {"plain": {"v": 0}, "fair": {"v": 0}, "rich": {"v": 1}}),
            Decision("two", "x", UNIT),
        ]
    ],
    {"one": "kind.v + 0 * x", "two": "-(x - 0.3 - 0.2 * kind.v) ** 2"},
)


@pytest.mark.parametrize("left", [["plain"], ["plain", "fair"]])
def test_an_action_that_a_regime_takes_away_is_rejected(left):
    rich = solved(KINDS)
    assert rich.play.mixed == ((0.0, 0.0, 1.0),)
    narrow = build(KINDS, regime=Regime("narrow", narrow={"kind": left}))
    assert not certify(narrow, rich).holds


def test_payoffs_that_the_play_does_not_bring_are_rejected(cournot):
    play = dataclasses.replace(cournot.play, payoffs=cournot.play.payoffs + 5.0)
    assert not judged(spoiled(cournot, play=play)).holds


def test_an_unknown_payoff_on_the_path_is_rejected(stackelberg):
    """Nothing is said of what follows the path's own first action."""
    play = dataclasses.replace(stackelberg.play, branches=())
    assert not judged(spoiled(stackelberg, play=play)).holds


def test_nothing_is_taken_from_what_a_play_says_of_its_payoffs(stackelberg):
    """The leader sells 10, and what follows is said to be better than it is."""
    play = replayed(stackelberg, stackelberg.play, np.array([10.0]))
    praised = dataclasses.replace(play, payoffs=play.payoffs + np.array([5000.0, 0.0]))
    for wrong in (play, praised):
        assert not judged(spoiled(stackelberg, play=wrong)).holds


def test_a_rule_that_depends_on_what_else_is_asked_is_rejected(stackelberg):
    """A strategy is a function of the history; this one answers alone otherwise than in a batch."""
    slot = stackelberg.form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        if len(rows) == 1:
            return pure(np.zeros((1, 1)))
        return pure(np.maximum((90 - rows[:, [slot]]) / 2, 0))

    assert not judged(spoiled(stackelberg, prescribe=prescribe)).holds


def test_an_indifferent_entrant_that_enters_on_the_path_is_rejected(limit):
    """At the limit output entry costs nothing, so the entrant may enter; but the incumbent chose
    that output because it does not."""
    wrong = entering(limit)
    assert wrong.play.payoffs[0] < limit.play.payoffs[0] - 0.05
    assert not judged(wrong).holds


def test_a_branch_that_is_left_out_is_missed(gap):
    play = dataclasses.replace(gap.play, branches=gap.play.branches[:1])
    assert not judged(spoiled(gap, play=play)).holds


# ---------------------------------------------------------------------------------------------
# Tolerance


def test_the_tolerance_asked_for_is_the_one_that_counts(cournot):
    values = cournot.play.values + np.array([1.0, 0.0])
    wrong = spoiled(cournot, play=replayed(cournot, cournot.play, values))
    regret = judged(wrong).regret
    assert 0 < regret < 1e-2
    # Where it holds, the largest gain found is replaced by a proved bound, a little above it.
    for factor, holds, kind in ((0.99, False, "search"), (1.01, True, "interval")):
        certificate = judged(wrong, tolerance=factor * regret)
        assert (certificate.holds, certificate.kind) == (holds, kind)
        assert regret <= certificate.regret <= (certificate.tolerance if holds else regret)
        assert certificate.regret == pytest.approx(regret, rel=1e-6)
        assert certificate.tolerance == factor * regret
        assert (certificate.refinement == "subgame perfect") == holds


# ---------------------------------------------------------------------------------------------
# Deeper off the path

BOTH = make(
    "leader firm",
    [
        [Decision("leader", "w", UNIT)],
        [Decision("firm", "x", UNIT), Decision("firm", "y", UNIT)],
    ],
    {"leader": "w * (x + y) + (1 - w)", "firm": "x * y"},
)


def test_two_interval_actions_off_the_path_are_changed_together():
    """After anything but w = 0 the firm is said to do nothing; both actions at 1 pay it 1."""
    profile = solved(BOTH)
    form, slot = profile.form, profile.form.blocks[0].intervals[0].slot
    assert profile.play.values == pytest.approx([1.0])

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        return pure(np.repeat(np.where(rows[:, [slot]] < 1e-12, 1.0, 0.0), 2, axis=1))

    row = placed(profile, profile.play, (), np.array([0.0]))
    later = Play(1, row, np.ones(2), (), np.array([1.0, 1.0]), ((1.0, (), None),))
    play = Play(0, form.root.copy(), np.zeros(1), (), later.payoffs, ((1.0, (), later),))
    certificate = judged(spoiled(profile, play=play, prescribe=prescribe))
    assert not (certificate.holds and certificate.refinement == "subgame perfect")


def test_unknown_play_behind_an_action_that_is_not_taken_leaves_perfection_open(limit):
    """Above the limit output the entrant stays out; what would follow its entry is not known."""
    slots = [limit.form.blocks[0].intervals[0].slot, limit.form.blocks[1].finite[0].slot]

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        said = limit.prescribe(block, rows)
        if block == 2:
            entered = (rows[:, slots[0]] > 0.75) & (rows[:, slots[1]] == 1)
            return dataclasses.replace(said, known=said.known & ~entered)
        return said

    certificate = judged(spoiled(limit, prescribe=prescribe))
    assert certificate.refinement is None


def test_a_threat_by_a_second_mover_of_three_is_rejected():
    """The second sells all it can unless the first sells 0.3; the third answers as it should."""
    game = make(
        "one two three",
        [
            [Decision("one", "q1", UNIT)],
            [Decision("two", "q2", UNIT)],
            [Decision("three", "q3", UNIT)],
        ],
        {name: f"q{k} * (1 - q1 - q2 - q3)" for k, name in enumerate(("one", "two", "three"), 1)},
    )
    profile = solved(game)
    form = profile.form
    q1 = form.blocks[0].intervals[0].slot

    def prescribe(block: int, rows: np.ndarray) -> Prescription:
        if block == 2:
            return profile.prescribe(block, rows)
        agreed = np.abs(rows[:, [q1]] - 0.3) < 1e-12
        return pure(np.where(agreed, 0.35, 1.0))

    first = placed(profile, profile.play, (), np.array([0.3]))
    node = replayed(profile, answered(profile, 1, first), np.array([0.35]))
    play = Play(0, form.root.copy(), np.array([0.3]), (), node.payoffs, ((1.0, (), node),))
    certificate = judged(spoiled(profile, play=play, prescribe=prescribe))
    assert not certificate.holds
