"""Staged games at many draws at once: the same equilibria as one by one, judged by loops apart."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from highfence import Decision, Game, Interval, Parameter, Stage, load
from highfence.certify.staged import certify_staged
from highfence.certify.staged_batch import certify_leads
from highfence.forms.build import build
from highfence.forms.staged import StagedForm
from highfence.methods.staged import staged
from highfence.methods.staged_batch import (
    FINE,
    LeadAnswers,
    accepts,
    empty_behind,
    histories,
    lead_answers,
    lead_index,
)
from highfence.study.draws import _solve_staged, _solve_together, solve_draws
from highfence.study.sample import sample

COUNT = 12


def flagship(regime: str, **parameters: Any) -> StagedForm:
    form = build(load("small_yard_high_fence"), regime=regime, parameters=parameters)
    assert isinstance(form, StagedForm)
    return form


def market(followers: int) -> StagedForm:
    """Return a market with price 1 - Q, no costs: one leader, then several followers.

    With n followers the leader sells 1/2, each follower 1 / (2 (n + 1)) (von Stackelberg 1934).
    """
    names = [f"f{k}" for k in range(followers)]
    total = " + ".join(f"q_{name}" for name in ["leader", *names])
    game = Game(
        name="followed",
        players=["leader", *names],
        stages=[
            Stage("lead", Decision("leader", "q_leader", Interval(0, 1))),
            Stage("follow", *(Decision(name, f"q_{name}", Interval(0, 1)) for name in names)),
        ],
        payoffs={name: f"q_{name} * (1 - ({total}))" for name in ["leader", *names]},
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    return form


def inputs_of(form: StagedForm, count: int = 1) -> np.ndarray:
    return np.repeat(form.root[:, : len(form.plan.names)], count, axis=0)


def solved(form: StagedForm) -> tuple[np.ndarray, LeadAnswers]:
    rows, plain = histories(form, inputs_of(form))
    assert plain.all()
    return rows, lead_answers(form, rows)


def judged(form: StagedForm, rows: np.ndarray, found: LeadAnswers) -> Any:
    return certify_leads(
        form,
        lead_index(form),
        rows[found.history],
        found.profiles,
        found.lead,
        found.weights,
        found.actions,
        found.prescribe,
    )


# ------------------------------------------------------------------ what is taken


def test_the_flagship_under_a_regime_is_taken():
    assert accepts(flagship("broad"))


def test_games_with_more_interval_stages_are_left_to_the_other_method():
    form = build(load("spencer_brander_1983"))

    assert isinstance(form, StagedForm)
    assert not accepts(form)


def test_a_regime_that_is_chosen_last_is_left_to_the_other_method():
    form = flagship("broad", timing="discretion")
    assert not accepts(form) or histories(form, inputs_of(form))[1].all()


# ------------------------------------------------------------------ closed forms


@pytest.mark.parametrize("followers", [1, 2, 3])
def test_a_leader_of_a_market_sells_half_of_it(followers):
    form = market(followers)
    rows, found = solved(form)
    verdict = judged(form, rows, found)

    assert found.lead == pytest.approx([0.5], abs=1e-6)
    assert found.actions[0, 0] == pytest.approx([1 / (2 * (followers + 1))] * followers, abs=1e-6)
    assert verdict.regret[0] < 1e-9
    assert verdict.payoffs[0, 0] == pytest.approx(1 / (4 * (followers + 1)), abs=1e-9)


@pytest.mark.parametrize("shift", [-0.01, -1e-4, 0.0, 1e-4, 0.01])
@pytest.mark.parametrize("steep", [0.0, 1.0])
def test_a_reply_next_to_a_bend_is_located_to_rounding(shift, steep):
    """The follower's payoff bends three times as much above .4, and drops more steeply there by
    ``steep``: a peak, smooth up to a jump of the curvature, on either side or at the bend."""
    game = Game(
        name="bent",
        players=["leader", "follower"],
        parameters=[Parameter("shift", 0), Parameter("steep", 0)],
        stages=[
            Stage("lead", Decision("leader", "q", Interval(0, 1))),
            Stage("follow", Decision("follower", "r", Interval(0, 1))),
        ],
        payoffs={
            "leader": "-(q - 0.3) ** 2",
            "follower": "-(r - 0.4 - shift) ** 2 - 2 * max(r - 0.4, 0) ** 2"
            " - steep * max(r - 0.4, 0)",
        },
    )
    form = build(game, parameters={"shift": shift, "steep": steep})
    assert isinstance(form, StagedForm)
    rows, found = solved(form)
    # (r - .4 - shift) + 2 (r - .4) + steep / 2 = 0 above .4
    above = max((shift - steep / 2) / 3, 0.0)
    expected = 0.4 + (shift if shift < 0 else above)

    assert found.actions[0, 0] == pytest.approx([expected], abs=1e-9)
    assert found.lead == pytest.approx([0.3], abs=1e-6)
    assert judged(form, rows, found).regret[0] < 1e-12


def test_a_leader_who_is_indifferent_up_to_rounding_is_listed_at_the_ends():
    """The follower sells (1 - q) / 2, so the leader is paid 1 whatever they do."""
    game = Game(
        name="indifferent",
        players=["leader", "follower"],
        stages=[
            Stage("lead", Decision("leader", "q", Interval(0, 1))),
            Stage("follow", Decision("follower", "r", Interval(0, 1))),
        ],
        payoffs={"leader": "1 + r - (1 - q) / 2", "follower": "r * (1 - q - r)"},
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    rows, found = solved(form)

    assert found.lead == pytest.approx([0, 1])
    assert judged(form, rows, found).regret.max() < 1e-6


def test_a_mixture_of_one_mover_beside_an_interval_is_found():
    """At Phi = .0434 the small yard's second stage has no pure equilibrium."""
    form = flagship("small_yard", Phi=0.0434)
    rows, found = solved(form)
    verdict = judged(form, rows, found)
    entry = found.profiles.index((1, 0))

    assert len(found.lead) == 1
    assert found.weights[0, entry] == pytest.approx(0.6865, abs=1e-3)
    assert found.lead[0] == pytest.approx(0.3746, abs=1e-3)
    assert verdict.regret[0] < 1e-6


def divided(entry: str, extra: str = "0") -> StagedForm:
    """The leader wants .8 if the entrant stays out, .1 if they enter; they are paid for ``entry``.
    The follower repeats what the leader does."""
    game = Game(
        name="divided",
        players=["leader", "entrant", "follower"],
        stages=[
            Stage(
                "lead",
                Decision("leader", "q", Interval(0, 1)),
                Decision("entrant", "entry", ["out", "enter"]),
            ),
            Stage("follow", Decision("follower", "r", Interval(0, 1))),
        ],
        payoffs={
            "leader": f"-(q - where(entry == 'enter', 0.1, 0.8)) ** 2 + {extra}",
            "entrant": f"where(entry == 'enter', {entry}, 0)",
            "follower": "-(r - q) ** 2",
        },
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    return form


@pytest.mark.parametrize("level", [0.11, 0.3, 0.5, 0.79])
def test_a_mixture_is_where_the_mover_is_indifferent_and_the_leader_stays(level):
    """The entrant is indifferent at q = level, where (1 - p)(.8 - level) = p (level - .1)."""
    form = divided(f"r - {level}")
    rows, found = solved(form)

    assert found.profiles == ((0,), (1,))
    assert found.lead == pytest.approx([level], abs=1e-9)
    assert found.weights[0, 1] == pytest.approx((0.8 - level) / 0.7, abs=1e-6)
    assert judged(form, rows, found).regret[0] < 1e-9


def test_a_gap_that_jumps_over_zero_is_no_indifference():
    """The entrant gains or loses one, according to the side of .3; at .3 they lose."""
    _, found = solved(divided("where(r > 0.3, 1, -1)"))

    assert len(found.lead) == 0
    assert found.left.all()


def test_a_mixture_does_not_hold_where_the_leader_is_paid_more_elsewhere():
    """Above .9 the leader gains 20 a unit: they go to 1, and the entrant enters."""
    form = divided("r - 0.3", extra="20 * max(q - 0.9, 0)")
    rows, found = solved(form)

    assert found.lead == pytest.approx([1.0])
    assert found.weights[0] == pytest.approx([0, 1])
    assert judged(form, rows, found).regret[0] < 1e-9


# ------------------------------------------------------------------ agreement


@pytest.fixture(scope="module")
def draws() -> dict[str, np.ndarray]:
    table = dict(sample(load("small_yard_high_fence"), COUNT, 3))
    table["mM"] = 1 - table["mF"]
    return table


@pytest.mark.parametrize(
    "regime", ["none", "small_yard", pytest.param("broad", marks=pytest.mark.slow)]
)
def test_single_equilibria_are_those_found_one_by_one(draws, regime):
    form = flagship(regime)
    together = _solve_together(form, draws, 1e-4)
    compared = 0
    for n, (table, regret, rejected) in together.items():
        alone, _, wrong = _solve_staged(form, {k: float(c[n]) for k, c in draws.items()}, 1e-4)
        assert rejected == 0
        assert regret <= 1e-4
        if len(table) == len(alone) == 1 and wrong == 0:
            compared += 1
            assert table == pytest.approx(alone, rel=1e-3, abs=1e-4)

    assert compared >= COUNT // 2


def test_draws_do_not_depend_on_the_others_of_their_batch(draws):
    game = load("small_yard_high_fence")
    every = solve_draws(game, draws, ["small_yard"])
    half = solve_draws(game, {k: c[::2] for k, c in draws.items()}, ["small_yard"])

    assert np.array_equal(every.low[::2], half.low, equal_nan=True)
    assert np.array_equal(every.regret[::2], half.regret)


def test_an_answer_to_a_history_does_not_depend_on_what_else_is_asked():
    form = flagship("broad")
    rows, found = solved(form)
    behind = form.placed(
        lead_index(form), np.repeat(rows, 9, axis=0), (0, 0), np.linspace(0, 0.9, 9)[:, None]
    )
    which = np.zeros(9, np.int64)
    together = found.prescribe(which, behind)[0]
    alone = [found.prescribe(which[:1], behind[n : n + 1])[0][0] for n in range(9)]

    assert np.array_equal(together, np.array(alone))


# ------------------------------------------------------------------ the judge


def planted(found: LeadAnswers, **changes: Any) -> LeadAnswers:
    return dataclasses.replace(found, **changes)


@pytest.fixture(scope="module")
def yard() -> tuple[StagedForm, np.ndarray, LeadAnswers]:
    form = flagship("small_yard")
    return form, *solved(form)


def test_the_judge_accepts_what_the_one_by_one_judge_accepts(yard):
    form, rows, found = yard
    verdict = judged(form, rows, found)

    assert verdict.regret.max() < 1e-6
    assert verdict.payoffs[0, form.players.index("A")] == pytest.approx(3.3873, abs=3e-3)


@pytest.mark.parametrize("shift", [-0.2, -0.05, 0.05, 0.2])
def test_the_judge_rejects_another_action_of_the_leader(yard, shift):
    form, rows, found = yard
    wrong = planted(found, lead=found.lead + shift)

    assert judged(form, rows, wrong).regret[0] > 1e-5


@pytest.mark.parametrize("decision", [0, 1])
def test_the_judge_rejects_another_action_of_the_last_block(yard, decision):
    form, rows, found = yard
    actions = found.actions.copy()
    actions[..., decision] += 0.05
    wrong = planted(found, actions=actions)

    assert judged(form, rows, wrong).regret[0] > 1e-4


def test_the_judge_rejects_another_finite_action(yard):
    form, rows, found = yard
    weights = np.roll(found.weights, 1, axis=1)
    actions = np.repeat(found.actions[:, [found.weights[0].argmax()]], weights.shape[1], axis=1)
    wrong = planted(found, weights=weights, actions=actions)

    assert judged(form, rows, wrong).regret[0] > 1e-3


@pytest.mark.parametrize("factor", [0.9, -1.0, np.nan])
def test_the_judge_rejects_weights_that_are_no_probabilities(yard, factor):
    form, rows, found = yard
    wrong = planted(found, weights=found.weights * factor)

    assert judged(form, rows, wrong).regret[0] == np.inf


def test_the_judge_rejects_an_action_outside_its_interval(yard):
    form, rows, found = yard

    assert judged(form, rows, planted(found, lead=found.lead * 0 + 0.95)).regret[0] == np.inf
    assert judged(form, rows, planted(found, actions=found.actions - 1)).regret[0] == np.inf


def test_the_judge_rejects_threats_that_nobody_would_carry_out(yard):
    """Behind deviations the challenger is prescribed to give up, which deters them."""
    form, rows, found = yard

    class Threatening(LeadAnswers):
        def prescribe(self, which: Any, behind: Any) -> Any:
            actions, payoffs, known = super().prescribe(which, behind)
            actions[:, 1] = 0.0
            return actions, payoffs, known

    fields = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
    assert judged(form, rows, Threatening(**fields)).regret[0] > 1e-3


def test_the_judge_rejects_answers_that_depend_on_what_else_is_asked(yard):
    form, rows, found = yard

    class Drifting(LeadAnswers):
        def prescribe(self, which: Any, behind: Any) -> Any:
            actions, payoffs, known = super().prescribe(which, behind)
            return actions + 1e-3 * (len(behind) > 1), payoffs, known

    fields = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
    assert judged(form, rows, Drifting(**fields)).regret[0] == np.inf


def test_what_is_not_searched_again_stays_flagged():
    game = load("small_yard_high_fence")
    table = dict(sample(game, 40, 5))
    table["mM"] = 1 - table["mF"]
    quick = solve_draws(game, table, ["broad"], thorough=False)
    full = solve_draws(game, table, ["broad"])

    assert (quick.certified <= full.certified).all()
    assert quick.certified.mean() > 0.8
    same = quick.certified & full.certified
    assert np.array_equal(quick.low[same], full.low[same])
    assert np.isnan(quick.low[~quick.certified & (quick.count == 0)]).all()


# ------------------------------------------------------------------ several answers behind

SAMPLED = """
    gF gM mF mR omega lam beta gamH gamL chiF chiM rhoT tauT Phi leak spread muM kapL Om
    crisis h delta align lazy r1 Rcost mM
"""
"""Parameters of the draws below."""

PARTED = [
    (
        "broad",
        (0.28290, 0.28319),
        """
        0.5190342 0.2331793 0.4489506 3.010122 0.3173843 0.1634345 0.1727855 2.768058
        14.8386 0.1625026 0.09607961 0.7722339 0.1758868 0.02098696 0.1198889 0.7003338
        0.2252827 1.951135 2.918624 0.1774814 0.3071537 0.7540214 0.9847615 0.3099532
        0.03600169 0.08161949 0.5510494
        """,
    ),
    (
        "small_yard",
        (0.49093, 0.53635),
        """
        0.4989822 0.269655 0.2762762 4.330676 0.4903599 0.2923037 0.02196713 5.413837
        11.21154 0.04156809 0.03067678 0.8004113 0.1141573 0.006469889 0.1639167 0.7609267
        0.1936504 1.488634 8.32411 0.1830699 0.5225523 0.94587 1.460095 0.5708388
        0.07395285 0.04142183 0.7237238
        """,
    ),
    (
        "broad",
        (0.76228, 0.76546),
        """
        0.4194919 0.2627519 0.3916254 2.550196 0.1278016 0.3818528 0.1372669 4.493418
        8.339955 0.2066319 0.05282749 0.6057476 0.1635699 0.01748306 0.3454144 0.997203
        0.3656966 2.078794 6.425707 0.3143983 0.1767961 0.782378 0.9582884 0.4264963
        0.02986083 0.08546083 0.6083746
        """,
    ),
    (
        "small_yard",
        (0.54029, 0.55075),
        """
        0.3400549 0.3135275 0.4637813 3.335362 0.2316254 0.2304115 0.1007471 4.74047
        9.15463 0.1075176 0.08734214 0.6684281 0.04790623 0.008401268 0.2071927 0.9932089
        0.2518353 2.269813 2.647741 0.0602609 0.689908 0.8693644 1.52367 0.1291407
        0.03378175 0.05394905 0.5362187
        """,
    ),
    (
        "small_yard",
        (0.63355, 0.64386),
        """
        0.3156564 0.3008527 0.4142824 4.064897 0.1859134 0.1606498 0.01510363 4.071673
        16.53417 0.1322001 0.1420471 0.48211 0.1542191 0.01320617 0.3393553 0.6434992
        0.07951794 1.941712 9.697104 0.4161199 0.5452422 0.8800054 1.281284 0.3585361
        0.09875317 0.1181854 0.5857176
        """,
    ),
]


@pytest.mark.parametrize(("regime", "leads", "numbers"), PARTED)
def test_equilibria_that_differ_in_which_answer_is_expected_are_all_found(regime, leads, numbers):
    """Up to which investment the leader goes depends on which of two answers of the last stage
    is expected. Between both, other rules than the ones tried here have equilibria as well."""
    form = flagship(regime, allies="endogenous")
    drawn = dict(zip(SAMPLED.split(), map(float, numbers.split()), strict=True))
    inputs = inputs_of(form)
    for name, value in drawn.items():
        inputs[:, form.plan.names.index(name)] = value
    rows, plain = histories(form, inputs)
    assert plain.all()

    table, regret, rejected = _solve_together(
        form, {k: np.array([x]) for k, x in drawn.items()}, 1e-4
    )[0]
    one_by_one, exact, _ = _solve_staged(form, drawn, 1e-4)

    assert (len(table), rejected) == (len(leads), 0)
    assert max(regret, exact) <= 1e-6
    found = lead_answers(form, rows, corners=True)
    close = judged(form, rows, found).regret <= 1e-6
    ends = [found.lead[close].min(), found.lead[close].max()]
    assert ends == pytest.approx(leads, abs=1e-5)
    # What is found one by one is the same, or between.
    pays, alone = (rows[:, : form.num_players] for rows in (table, one_by_one))
    assert (alone >= pays.min(axis=0) - 1e-5).all()
    assert (alone <= pays.max(axis=0) + 1e-5).all()


# ------------------------------------------------------------------ nothing behind, nothing found


def chase(go: str) -> StagedForm:
    """Return a game in which a leader invests while somebody may start a chase, and be paid ``go``.

    Once it is started, one wants to be at the same end as the other, who wants to be at the other
    end: both would have to mix (matching pennies).
    """
    game = Game(
        name="chase",
        players=["leader", "starter", "hunter", "hare"],
        parameters=[Parameter("best", 0.3)],
        stages=[
            Stage(
                "lead",
                Decision("leader", "q", Interval(0, 1)),
                Decision("starter", "move", ["stay", "go"]),
            ),
            Stage(
                "chase",
                Decision("hunter", "x", Interval(0, 1)),
                Decision("hare", "y", Interval(0, 1)),
            ),
        ],
        derived={"near": "(x - 0.5) * (y - 0.5)"},
        payoffs={
            "leader": "-(q - best) ** 2",
            "starter": f"where(move == 'go', {go}, 0)",
            "hunter": "where(move == 'go', (x - 0.5) ** 2 + near, -(x - 0.5) ** 2)",
            "hare": "where(move == 'go', (y - 0.5) ** 2 - near, -(y - 0.5) ** 2)",
        },
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    return form


TWO_DRAWS = {"best": np.array([0.3, 0.6])}


@pytest.mark.parametrize("go", ["x - 0.4", "-1"])
def test_who_cannot_know_what_follows_stays_but_not_at_a_first_look(go):
    form = chase(go)
    rows, plain = histories(form, inputs_of(form))
    assert plain.all()

    assert len(lead_answers(form, rows).lead) == 0
    found = lead_answers(form, rows, FINE, lenient=True)
    assert found.lead == pytest.approx([0.3], abs=1e-6)
    assert found.weights.tolist() == [[1.0, 0.0]]
    assert judged(form, rows, found).regret[0] < 1e-9


@pytest.mark.parametrize("go", ["x - 0.4", "-1"])
def test_what_is_found_one_by_one_is_found_together_where_a_stage_has_no_answer(go):
    form = chase(go)
    together = _solve_together(form, TWO_DRAWS, 1e-4)

    for n, best in enumerate(TWO_DRAWS["best"]):
        table, _, wrong = together[n]
        alone, _, also_wrong = _solve_staged(form, {"best": float(best)}, 1e-4)
        assert (len(table), wrong) == (len(alone), also_wrong) == (1, 0)
        assert table == pytest.approx(alone, abs=1e-9)


def test_nobody_stays_who_is_paid_more_whatever_follows():
    """The starter gets 1 by going, whoever catches whom, though nothing is known to follow."""
    form = chase("1")
    together = _solve_together(form, TWO_DRAWS, 1e-4, False)
    assert [len(table) for table, _, _ in together.values()] == [0, 0]

    rows, _ = histories(form, inputs_of(form))
    modest = lead_answers(chase("-1"), rows, FINE, lenient=True)
    proposed = dataclasses.replace(modest, form=form)
    assert judged(form, rows, proposed).regret[0] == pytest.approx(1)


@pytest.mark.parametrize(("go", "regret"), [("-1", 0), ("1", 1), ("x - 0.4", 0)])
def test_one_by_one_what_is_paid_whatever_follows_counts_as_well(go, regret):
    """Nothing is claimed of subgames: one has no equilibrium that is known."""
    (profile,) = staged(chase("-1"))
    verdict = certify_staged(chase(go), dataclasses.replace(profile, form=chase(go)))

    assert verdict.regret == pytest.approx(regret, abs=1e-9)
    assert verdict.refinement is None


def test_equilibria_in_which_the_leader_mixes_are_not_searched_for_twice():
    """The leader goes to the end that suits the others, who are in only if it is at the other:
    each mixes half and half, and no single action of the leader is an equilibrium's."""
    game = Game(
        name="ends",
        players=["leader", "entrant", "follower"],
        parameters=[Parameter("tilt", 0)],
        stages=[
            Stage(
                "lead",
                Decision("leader", "q", Interval(0, 1)),
                Decision("entrant", "entry", ["out", "in"]),
            ),
            Stage("follow", Decision("follower", "r", Interval(0, 1))),
        ],
        payoffs={
            "leader": "(q - 0.5) ** 2 + where(entry == 'in', 2 * q - 1, 1 - 2 * q) + tilt * q",
            "entrant": "where(entry == 'in', 0.5 - q, 0)",
            "follower": "-(r - q) ** 2",
        },
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    rows, _ = histories(form, inputs_of(form))
    draws = {"tilt": np.array([0.0, 0.1])}

    assert lead_answers(form, rows, FINE, lenient=True).refuted.all()
    for n, (table, regret, rejected) in _solve_together(form, draws, 1e-4).items():
        assert (len(table), regret, rejected) == (0, np.inf, 0)
        alone, _, _ = _solve_staged(form, {"tilt": float(draws["tilt"][n])}, 1e-4)
        assert len(alone) == 0
    assert len(_solve_together(form, draws, 1e-4)) == 2
    assert _solve_together(form, draws, 1e-4, True) == {}


def test_where_no_reply_was_found_the_other_method_is_asked():
    """The last price goes right up to where the buyer would leave: a jump, which is met by a
    closer search only."""
    form = build(load("switching_costs"))
    assert isinstance(form, StagedForm)
    rows, _ = histories(form, inputs_of(form))
    draws = {"c": np.array([0.8, 1.2]), "s": np.array([0.3, 0.7])}

    assert not lead_answers(form, rows, FINE, lenient=True).refuted.any()
    assert _solve_together(form, draws, 1e-4) == {}
    assert [len(table) for table, _, _ in _solve_together(form, draws, 1e-4, False).values()] == [
        0,
        0,
    ]
    alone, regret, _ = _solve_staged(form, {"c": 0.8, "s": 0.3}, 1e-4)
    assert len(alone) == 1
    assert regret < 1e-9


def test_intervals_that_are_empty_behind_an_action_are_seen():
    game = Game(
        name="room",
        players=["leader", "follower"],
        parameters=[Parameter("room", 1)],
        stages=[
            Stage("lead", Decision("leader", "q", Interval(0, 1))),
            Stage("follow", Decision("follower", "r", Interval("q", "room"))),
        ],
        payoffs={"leader": "q * (1 - q) - r", "follower": "-(r - 0.5) ** 2"},
    )
    form = build(game)
    assert isinstance(form, StagedForm)
    inputs = inputs_of(form, 3)
    inputs[:, form.plan.names.index("room")] = [1.0, 0.5, 2.0]
    rows, _ = histories(form, inputs)

    assert empty_behind(form, rows).tolist() == [False, True, False]
