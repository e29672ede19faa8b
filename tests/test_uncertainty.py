"""Distributions, correlations and ties: what is drawn is what was described.

Each quantile function is compared with scipy's distribution of the same name, which is a
second implementation; correlations and stratification are measured on the draws.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highfence import Decision, Game, Parameter, Stage, limits
from highfence.errors import RequestError
from highfence.study.sample import METHODS, sample
from highfence.study.uncertainty import (
    KINDS,
    Uncertainty,
    draw,
    parse_uncertainty,
    space_of,
)

PARAMETERS = (
    Parameter("mF", 0.3, low=0.15, high=0.5),
    Parameter("mM", 0.7, low=0.5, high=0.85),
    Parameter("Om", 3, low=0.5, high=50),
    Parameter("align", 1.25, low=1, high=1.6),
    Parameter("c_L", 0.3),
    Parameter("point", 2, low=2, high=2),
    Parameter("allies", "aligned", choices=("aligned", "backfill")),
)
GAME = Game(
    name="numbers",
    players=["A"],
    parameters=list(PARAMETERS),
    functions={"twice(x)": "2 * x"},
    stages=[Stage("go", Decision("A", "go", ["left", "right"]))],
    payoffs={"A": "1 * (go == 'left')"},
    presets={"other": {"c_L": 0.5}},
)

EXAMPLES = {
    "uniform": Uncertainty("uniform", (1, 5)),
    "loguniform": Uncertainty("loguniform", (0.5, 15)),
    "triangular": Uncertainty("triangular", (0, 0.2, 0.6)),
    "normal": Uncertainty("normal", (1, 0.5)),
    "truncated normal": Uncertainty("normal", (1, 0.5, 0, 1.2)),
    "normal cut in its tail": Uncertainty("normal", (0, 1, 9, 10)),
    "lognormal": Uncertainty("lognormal", (2, 0.4)),
    "truncated lognormal": Uncertainty("lognormal", (2, 0.4, 0, 3)),
    "beta": Uncertainty("beta", (2, 5)),
    "scaled beta": Uncertainty("beta", (0.5, 0.5, -1, 3)),
    "discrete": Uncertainty("discrete", (3, 1, 2), (2, 1, 1)),
    "equally likely": Uncertainty("discrete", (0, 1)),
    "fixed": Uncertainty("fixed", (0.1,)),
}


def reference(name: str):
    """Return the distribution as scipy has it."""
    from scipy import stats

    cut = (math.log(3) - math.log(2)) / 0.4
    return {
        "uniform": stats.uniform(1, 4),
        "loguniform": stats.loguniform(0.5, 15),
        "triangular": stats.triang(1 / 3, 0, 0.6),
        "normal": stats.norm(1, 0.5),
        "truncated normal": stats.truncnorm(-2, 0.4, 1, 0.5),
        "normal cut in its tail": stats.truncnorm(9, 10),
        "lognormal": stats.lognorm(0.4, scale=2),
        "truncated lognormal": stats.lognorm(0.4, scale=2),
        "beta": stats.beta(2, 5),
        "scaled beta": stats.beta(0.5, 0.5, -1, 4),
    }[name], stats.norm.cdf(cut) if name == "truncated lognormal" else 1.0


# ---------------------------------------------------------------------------------------------
# Distributions


@pytest.mark.parametrize(
    "name", [n for n in EXAMPLES if n not in ("discrete", "equally likely", "fixed")]
)
def test_quantiles_are_those_of_the_distribution(name):
    other, mass = reference(name)
    shares = np.linspace(0.001, 0.999, 61)

    assert EXAMPLES[name].quantile(shares) == pytest.approx(other.ppf(shares * mass), rel=1e-9)


def test_values_come_up_as_often_as_they_weigh():
    shares = (np.arange(400) + 0.5) / 400
    found, counts = np.unique(EXAMPLES["discrete"].quantile(shares), return_counts=True)

    assert found.tolist() == [1, 2, 3]
    assert counts.tolist() == [100, 100, 200]


def test_a_value_without_weight_never_comes_up():
    of = Uncertainty("discrete", (1, 2, 3, 4), (0, 1, 1, 0))

    assert of.quantile([0, 0.25, 0.5, 0.75, 1]).tolist() == [2, 2, 2, 3, 3]
    assert of.support == (2, 3)


@pytest.mark.parametrize("name", EXAMPLES)
@given(shares=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_quantiles_are_finite_ordered_and_inside_the_support(name, shares):
    of = EXAMPLES[name]
    found = of.quantile(sorted(shares))

    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert of.support[0] <= found.min()
    assert found.max() <= of.support[1]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_ends_of_the_shares_are_the_ends_of_the_support(name):
    of = EXAMPLES[name]

    for share, end in zip((0, 1), of.support, strict=True):
        if math.isfinite(end):
            assert of.quantile(share) == pytest.approx(end, abs=1e-3)


@pytest.mark.parametrize("shares", [-0.1, 1.1, np.nan])
def test_shares_outside_of_zero_and_one_are_refused(shares):
    with pytest.raises(RequestError, match="between 0 and 1"):
        EXAMPLES["uniform"].quantile(shares)


# ---------------------------------------------------------------------------------------------
# Text


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_printed_is_read_back(name):
    assert parse_uncertainty(str(EXAMPLES[name])) == EXAMPLES[name]


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (" Uniform( 1e-1 , 1/2 ) ", "uniform(0.1, 0.5)"),
        ("uniform", "uniform(0, 1)"),
        ("loguniform(declared)", "loguniform(0, 1)"),
        ("beta(2, 5, declared)", "beta(2, 5, 0, 1)"),
        ("normal(20%, 0.05)", "normal(0.2, 0.05)"),
        ("discrete(1: 2, 3: 1)", "discrete(1: 2, 3: 1)"),
        ("discrete(1, 3)", "discrete(1, 3)"),
        ("0.3", "fixed(0.3)"),
        ("30%", "fixed(0.3)"),
    ],
)
def test_a_text_is_taken_at_its_word(written, means):
    if "loguniform" in written:
        assert str(parse_uncertainty(written, declared=(0.5, 1))) == "loguniform(0.5, 1)"
    else:
        assert str(parse_uncertainty(written, declared=(0, 1))) == means


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "is not a distribution. Write one of: uniform"),
        ("uniforn(0, 1)", r"no distribution 'uniforn'\. Did you mean"),
        ("uniform(0, 1", "is not a distribution"),
        ("uniform(1, 0)", "low and high are needed, low first"),
        ("uniform(0)", r"Write uniform\(low, high\)"),
        ("uniform()", "a number is missing"),
        ("uniform(0, x)", "'x' is not a number"),
        ("uniform(0, nan)", "'nan' is not a number"),
        ("uniform(0, inf)", "'inf' is not a number"),
        ("uniform(0, 1e999)", "number"),
        ("uniform(0: 1, 2)", "only values of discrete have weights"),
        ("uniform(declared)", "declares no range"),
        ("triangular", "triangular needs numbers"),
        ("triangular(0, 2, 1)", "low <= mode <= high"),
        ("loguniform(0, 1)", "0 < low"),
        ("normal(0, 0)", "above 0"),
        ("normal(0, 1, 40, 50)", "within 30 standard deviations"),
        ("lognormal(-1, 1)", "above 0"),
        ("lognormal(1, 1, 2, 1)", "0 <= low < high"),
        ("beta(0, 1)", "above 0"),
        ("beta(1, 1, 2, 2)", "low < high"),
        ("discrete(1, 1)", "each once"),
        ("discrete(1: 2, 3)", "give every value a weight"),
        ("discrete(1: 0)", "not all 0"),
        ("discrete(1: -1, 2: 3)", "none negative"),
        ("fixed(1, 2)", "one value"),
        ("__import__('os')", "no distribution '__import__'"),
        ("uniform(0, (1))", r"'\(1\)' is not a number"),
        (7, "is text such as"),
        ("discrete(" + "1, " * 5000 + "2)", "MAX_FORMULA_LENGTH"),
    ],
)
def test_a_wrong_text_is_refused_with_what_to_write(written, says):
    with pytest.raises(RequestError, match=says):
        parse_uncertainty(written)


def test_every_kind_says_how_it_is_written():
    assert {of.kind for of in EXAMPLES.values()} == set(KINDS)
    for kind, form in KINDS.items():
        assert form.startswith(f"{kind}(")


def test_weights_belong_to_discrete_values():
    with pytest.raises(RequestError, match="only a discrete distribution has weights"):
        Uncertainty("uniform", (0, 1), (1, 2))
    with pytest.raises(RequestError, match="no distribution 'cauchy'"):
        Uncertainty("cauchy", (0, 1))


# ---------------------------------------------------------------------------------------------
# Draws


@pytest.mark.parametrize("design", METHODS)
def test_without_descriptions_the_draws_are_those_of_sample(design):
    names = ["mF", "Om", "align"]

    ours = draw(GAME, 9, 3, names=names, design=design)
    theirs = sample(GAME, 9, 3, names=names, method=design)

    assert list(ours) == names
    for name in names:
        assert ours[name].tobytes() == theirs[name].tobytes()


def test_all_declared_ranges_are_drawn_and_a_point_is_fixed():
    draws = draw(GAME, 5)

    assert list(draws) == ["mF", "mM", "Om", "align", "point"]
    assert set(draws["point"]) == {2}


def test_described_parameters_are_drawn_whether_or_not_they_are_named():
    draws = draw(GAME, 5, names=["align"], distributions={"c_L": "uniform(0.2, 0.4)", "Om": 3})

    assert list(draws) == ["align", "c_L", "Om"]
    assert set(draws["Om"]) == {3}
    assert 0.2 <= draws["c_L"].min() <= draws["c_L"].max() <= 0.4


def test_every_slice_of_the_distribution_holds_one_draw():
    of = Uncertainty("triangular", (0, 0.2, 0.6))
    draws = draw(GAME, 32, 1, names=[], distributions={"c_L": of})["c_L"]

    edges = of.quantile(np.linspace(0, 1, 33))
    assert np.histogram(draws, edges)[0].tolist() == [1] * 32


def test_ties_are_computed_in_the_order_in_which_they_need_each_other():
    draws = draw(
        GAME,
        6,
        names=["mF"],
        ties={"Om": "twice(mM) + c_L", "mM": "1 - mF"},
        preset="other",
        parameters={"align": 1.1},
    )

    assert list(draws) == ["mF", "mM", "Om"]
    assert draws["mM"] == pytest.approx(1 - draws["mF"])
    assert draws["Om"] == pytest.approx(2 * draws["mM"] + 0.5)


def test_a_tie_may_ask_which_choice_is_set():
    tie = {"Om": "where(allies == 'aligned', 1, 2)"}

    assert set(draw(GAME, 2, names=["mF"], ties=tie)["Om"]) == {1}
    other = draw(GAME, 2, names=["mF"], ties=tie, parameters={"allies": "backfill"})
    assert set(other["Om"]) == {2}


@pytest.mark.parametrize("design", ["latin_hypercube", "random"])
@pytest.mark.parametrize("rank", [-0.7, 0.4, 1.0])
def test_ranks_correlate_as_asked(rank, design):
    from scipy.stats import spearmanr

    draws = draw(
        GAME,
        20_000,
        5,
        names=["mF", "Om", "align"],
        distributions={"Om": "loguniform(0.5, 15)"},
        correlation={("mF", "Om"): rank},
        design=design,
    )
    found = spearmanr(np.column_stack(list(draws.values()))).statistic

    assert found[0, 1] == pytest.approx(rank, abs=0.03)
    assert abs(found[0, 2]) < 0.03
    assert abs(found[1, 2]) < 0.03


def test_normal_scores_correlate_as_asked():
    draws = draw(
        GAME,
        4000,
        5,
        names=[],
        distributions={"mF": "normal(0, 1)", "Om": "normal(2, 3)"},
        correlation={("mF", "Om"): 0.5},
        correlation_of="normal_scores",
    )

    assert np.corrcoef(draws["mF"], draws["Om"])[0, 1] == pytest.approx(0.5, abs=0.03)


def test_correlation_leaves_every_slice_with_one_draw():
    draws = draw(GAME, 50, 2, names=["mF", "Om"], correlation={("mF", "Om"): -0.8})

    for name, (low, high) in {"mF": (0.15, 0.5), "Om": (0.5, 50)}.items():
        slices = np.floor((draws[name] - low) / (high - low) * 50)
        assert sorted(slices) == list(range(50))


def test_draws_repeat_by_seed_and_zero_is_a_seed():
    def drawn(seed):
        return draw(GAME, 9, seed, correlation={("mF", "Om"): 0.3})["mF"].tobytes()

    assert drawn(0) == drawn(0) != drawn(1)


def test_a_space_of_nothing_that_varies_repeats_the_fixed_values():
    assert draw(GAME, 2, names=[], distributions={"Om": 7})["Om"].tolist() == [7, 7]


def test_draws_cannot_be_written_over():
    for column in draw(GAME, 3, names=["mF"], ties={"mM": "1 - mF"}).values():
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


# ---------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"names": ["mf"]}, r"no parameter 'mf'\. Known: Om, align"),
        ({"names": ["mF", "mF"]}, "'mF' is asked for twice"),
        ({"names": ["c_L"]}, r"c_L declares no low and high\. Give it a distribution"),
        ({"names": ["allies"]}, "allies has choices.*aligned, backfill.*set it"),
        ({"names": []}, "left to draw"),
        ({"distributions": {"alig": 1}}, "Did you mean 'align'"),
        ({"distributions": {"Om": "uniform(1)"}}, r"Om: uniform\(1\): low and high"),
        ({"distributions": {"Om": "uniform(1, 2)"}, "ties": {"Om": "1"}}, "Give one of both"),
        ({"names": ["mM"], "ties": {"mM": "1 - mF"}}, "mM is tied to others"),
        ({"names": ["mM"], "parameters": {"mM": 1}}, "mM is set to a value"),
        ({"distributions": {"Om": "1"}, "parameters": {"Om": 1}}, "set to a value and drawn"),
        ({"ties": {"mM": "1 - mf"}}, r"tie mM, column 5: unknown name 'mf'"),
        ({"ties": {"mM": "__import__('os')"}}, "tie mM"),
        ({"ties": {"mM": "1 - Om", "Om": "mM"}}, "need one another. Write one of them in"),
        ({"ties": {"mM": "mM + 1"}}, "the tie of mM needs mM itself. Write it in other"),
        ({"ties": {"mM": "log(c_L - 1)"}}, "no finite value"),
        ({"ties": {"mM": "1 / (mF - mF)"}}, "mM"),
        ({"ties": {"mM": "sqrt(mF - 0.3)"}}, r"no finite value at mF = 0\."),
        ({"correlation": {("mF", "om"): 0.5}}, "'om', which does not vary. Known: Om, align"),
        ({"correlation": {("mF", "mF"): 0.5}}, "itself is 1 always. Name two parameters"),
        ({"correlation": {("mF", "Om"): 0.5, ("Om", "mF"): 0.5}}, "given twice. Give one"),
        ({"correlation": {("mF", "Om"): 1.5}}, "beyond -1"),
        ({"correlation": {("mF", "Om"): math.nan}}, "beyond -1"),
        (
            {"correlation": {("mF", "Om"): 0.9, ("Om", "align"): 0.9, ("mF", "align"): -0.9}},
            "no joint distribution",
        ),
        ({"correlation_of": "rank"}, "Did you mean 'ranks'"),
        ({"design": "sobel"}, "Did you mean 'sobol'"),
        ({"preset": "othr"}, "no preset 'othr'"),
        ({"rng": -1}, "neither a seed"),
        ({"count": 0}, "not a positive whole number"),
    ],
)
def test_wrong_requests_are_refused(more, says):
    with pytest.raises(RequestError, match=says):
        draw(GAME, **{"count": 4, **more})


def test_shares_have_a_column_for_each_uncertain_parameter():
    space = space_of(GAME, names=["mF", "Om"])

    assert space.values([[0, 1]])["Om"].tolist() == [50]
    with pytest.raises(RequestError, match=r"shape \(n, 2\)"):
        space.values([0, 1])


def test_the_limit_on_numbers_is_named(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SAMPLES", 6)
    assert len(draw(GAME, 3, names=["mF"], ties={"mM": "1 - mF"})) == 2

    with pytest.raises(RequestError, match="MAX_SAMPLES = 6"):
        draw(GAME, 4, names=["mF"], ties={"mM": "1 - mF"})


def test_nothing_of_scipy_is_loaded_to_read_a_distribution():
    import subprocess

    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from highfence.study.uncertainty import parse_uncertainty as p;"
            "p('triangular(0, 0.2, 0.6)').quantile(0.5); print('scipy' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "False\n"
