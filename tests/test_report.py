"""Reports: one page that needs nothing else, true to its studies, and figures that can be read."""

from __future__ import annotations

import colorsys
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType
from xml.etree import ElementTree

import numpy as np
import pytest

from games_for_cli import YARD
from highfence import Parameter, Regime, load
from highfence.cli import main
from highfence.commands.report import parts_answered_in_part
from highfence.errors import RequestError
from highfence.report import plots
from highfence.report.html import own_estimate, pictures_of, report_html, report_summary
from highfence.report.text import plain
from highfence.report.tipping_text import tipping_page
from highfence.spec.toml import loads
from highfence.study.attribution import attribute
from highfence.study.compare import compare
from highfence.study.discover import discover
from highfence.study.indices import Indices
from highfence.study.map import regime_map
from highfence.study.report import DEFAULT, SECTIONS, Found, Running, gather, running_shares
from highfence.study.robust import share_interval
from highfence.study.sweep import grid, sweep
from highfence.study.tipping import tipping
from study_games import battle

HOSTILE = "</title><script>alert('a')</script> & <img src=x onerror=alert(1)> $x^2$ ]]>"
MECHANISMS = """
[mechanisms]
hitting_back = {off = {cost = 0}, label = "Scope is dear"}
"""
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """A page taken apart: elements with their attributes, whether they nest, and their text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def hostile_game(**changes):
    """Return the little yard with script-like text wherever a game holds text."""
    game = loads(YARD + MECHANISMS)
    players = (replace(game.players[0], label=HOSTILE), *game.players[1:])
    parameters = tuple(replace(p, label=HOSTILE, source=HOSTILE) for p in game.parameters[:1])
    regimes = (*game.regimes[:1], replace(game.regimes[1], label=HOSTILE), *game.regimes[2:])
    return replace(
        game,
        title=HOSTILE,
        question=HOSTILE,
        assumptions=(HOSTILE,),
        players=players,
        parameters=(*parameters, *game.parameters[1:]),
        regimes=regimes,
        **changes,
    )


@pytest.fixture(scope="module")
def findings():
    """Return what a report of a hostile game rests on."""
    return gather(hostile_game(), sections=SECTIONS, draws=40, command="highfence report yard.toml")


@pytest.fixture(scope="module")
def page(findings) -> str:
    """Return the page."""
    return report_html(findings)


@pytest.fixture
def yard(tmp_path):
    """Return the path of a small game."""
    path = tmp_path / "yard.toml"
    path.write_text(YARD + MECHANISMS, "utf-8")
    return path


# ------------------------------------------------------------------ the page


def test_a_page_is_well_formed_and_closes_what_it_opens(page):
    parsed = Page(page)

    assert page.startswith("<!DOCTYPE html>")
    assert len(page) < 2_000_000
    assert parsed.wrong == []
    assert parsed.open == []


def test_a_page_loads_nothing(page):
    """No address, no script, no style sheet, no font; what is referred to is in the page."""
    parsed = Page(page)
    outside = re.compile(r"(?:https?:)?//[a-z0-9]", re.IGNORECASE)
    addresses = [
        value
        for _, attributes in parsed.elements
        for name, value in attributes.items()
        if name in ("href", "src", "srcset", "xlink:href", "action", "data", "poster")
    ]

    assert {tag for tag, _ in parsed.elements} & {"script", "link", "iframe", "object", "base"} == (
        set()
    )
    assert addresses
    assert all((value or "").startswith("#") for value in addresses)
    assert not any(
        outside.search(value or "")
        for _, attributes in parsed.elements
        for value in attributes.values()
    )
    assert not re.search(r"@import|url\((?!#)", page)
    policies = [m["content"] for m in parsed.tags("meta") if "content" in m and "http-equiv" in m]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_a_page_refers_to_is_there_once(page):
    parsed = Page(page)
    named = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    used = set(re.findall(r"url\(#([^)]*)\)", page))
    used |= {value["href"][1:] for _, value in parsed.elements if value.get("href")}
    for svg in parsed.tags("svg"):
        used |= set((svg["aria-labelledby"] or "").split())

    assert len(named) == len(set(named))
    assert used <= set(named)


def test_text_of_a_game_stays_text(page):
    parsed = Page(page)

    assert "<script" not in page
    assert "onerror" not in {name for _, attributes in parsed.elements for name in attributes}
    assert parsed.tags("img") == []
    assert HOSTILE in parsed.text  # nothing of it is lost either
    assert sum(HOSTILE in word for word in parsed.words) >= 4


def test_every_figure_says_what_it_shows(page, findings):
    """A title and a description for those who hear the page, and a caption below."""
    parsed = Page(page)
    figures = pictures_of(findings)

    assert len(parsed.tags("svg")) == len(figures) == len(parsed.tags("figcaption"))
    for svg, (name, picture) in zip(parsed.tags("svg"), figures.items(), strict=True):
        assert svg["role"] == "img"
        assert svg["aria-labelledby"] == f"{name}-title {name}-desc"
        assert " ".join(picture.alt.split()) in parsed.text
        assert len(picture.alt) > 20


def test_a_page_has_every_section_that_was_asked_for_or_says_why_not(findings, page):
    parsed = Page(page)
    sections = {attributes.get("id") for attributes in parsed.tags("section")}

    assert findings.complete
    assert findings.left_out == {}
    assert set(SECTIONS) <= sections
    assert {"certificates", "assumptions", "specification", "manifest"} <= sections
    partial = gather(hostile_game(mechanisms={}), sections=["attribution"])
    assert not partial.complete
    assert "declares no mechanisms" in partial.left_out["attribution"]
    said = Page(report_html(partial)).text
    assert "declares no mechanisms" in said
    assert "not asked for" in said


def test_a_page_says_what_the_studies_say(findings, page):
    """By hand: with stake 4 and cost 1 the yard is worth 7/4, the others nothing."""
    text = Page(page).text

    assert findings.chosen == "yard"
    assert findings.player == "A"
    assert "by 1.75 over" in text
    assert findings.manifest["specification (SHA-256)"] in text
    assert "highfence report yard.toml" in text
    assert findings.specification.splitlines()[0] in text
    for result in findings.comparison.regimes:
        assert result.label in text


def test_values_without_an_outside_source_are_flagged(page):
    game = loads(YARD)
    text = Page(page).text

    assert [own_estimate(p) for p in game.parameters] == ["own estimate", "no source", "no source"]
    assert "(2 of 3)" in text  # the first one has the hostile text for its source
    assert "no source" in text


def test_the_same_request_gives_the_same_page_to_the_byte(yard, tmp_path):
    def made(name: str) -> bytes:
        out = tmp_path / name / "r.html"
        out.parent.mkdir()
        arguments = ["report", str(yard), "--out", str(out), "--draws", "20"]
        assert main([*arguments, "--sections", "outcomes,shares,map"]) == 0
        return out.read_bytes()

    assert made("one") == made("two")


def test_the_command_in_a_page_makes_it_again(yard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["report", "yard.toml", "--regimes", "none,yard", "--set", "stake=3", "--rng", "7"]
    assert main([*asked, "--draws", "15", "--sections", "shares", "--out", "a.html"]) == 0
    first = (tmp_path / "a.html").read_text("utf-8")
    (line,) = re.findall(r"<pre>highfence (report .*)</pre>", first)

    assert main([*line.split(), "--force"]) == 0
    assert (tmp_path / "a.html").read_text("utf-8") == first


# ------------------------------------------------------------------ what is gathered


def test_the_running_share_at_the_end_is_the_share_of_all_draws():
    game = loads(YARD)
    found = sweep(game, {"stake": np.linspace(0, 10, 50), "cost": np.linspace(5, 0, 50)})
    running = running_shares(found)
    best = found.best()

    assert running.draws[-1] == 50
    assert np.allclose(running.share.sum(axis=1), 1)
    for k, name in enumerate(running.regimes):
        if name not in found.regimes:
            continue
        wins = int((best == found.regimes.index(name)).sum())
        assert running.share[-1, k] == wins / 50
        assert (running.low[-1, k], running.high[-1, k]) == share_interval(wins, 50)


def test_a_stored_sweep_is_used_as_it_is_and_cut_to_the_regimes_asked():
    game = loads(YARD)
    found = sweep(game, {"stake": np.linspace(0.1, 10, 30)}, design="random, seed 3")
    made = gather(game, ["yard", "none"], sweep=found, sections=["shares"])

    assert made.sweep is not None
    assert made.sweep.regimes == ("yard", "none")
    assert made.manifest["design"] == "random, seed 3"
    low, _ = made.sweep.column("A")
    assert np.array_equal(low, found.column("A")[0][:, [1, 0]])
    with pytest.raises(RequestError, match="its own preset"):
        gather(game, sweep=found, preset="calm")


def test_shares_of_a_grid_are_left_out():
    game = loads(YARD)
    found = sweep(game, grid({"stake": [1, 2, 3]}), design="grid stake=1,2,3")
    made = gather(game, sweep=found, sections=["shares", "outcomes"])

    assert "grid" in made.left_out["shares"]
    assert set(pictures_of(made)) == {"outcomes"}


def test_what_is_not_asked_for_is_chosen_by_the_rules_that_the_module_states():
    """The best regime; the parameters that move its margin most; the most even flag."""
    made = gather(loads(YARD + MECHANISMS), draws=60)

    assert made.sections == DEFAULT
    assert made.chosen == "yard"
    assert made.baseline == "none"
    assert made.tornado is not None
    assert made.parameters == made.tornado.targets[0].ranked[:2]
    assert made.found is not None
    share = np.nanmean(made.found.holds)
    assert 0 < share < 1
    assert made.found.discovery.cases == int(np.nansum(made.found.holds))


def test_indices_are_left_out_where_nobody_knows_what_matters_most():
    regimes = [Regime("free"), Regime("held", fix={"his": "opera"})]
    game = battle(Parameter("w", 2, low=1, high=3), regimes=regimes)
    made = gather(game, sections=["tornado", "sobol"], player="he")

    assert "undefined at the preset" in made.tornado.targets[0].reason
    assert "the margin is undefined" in made.left_out["sobol"]


def test_a_section_is_sentences_then_a_table_then_a_picture():
    text = report_html(gather(loads(YARD), sections=["outcomes", "shares"], draws=20))

    for name in ("outcomes", "shares"):
        section = text.partition(f'<section id="{name}">')[2].partition("</section>")[0]
        places = [section.index(mark) for mark in ('class="answer"', "<table", "<svg")]
        assert places == sorted(places)


def test_what_was_set_is_where_a_study_along_it_begins():
    asked = {"sections": ["tipping", "map"], "along": ["stake", "cost"]}
    made = gather(loads(YARD), parameters={"stake": 7}, **asked)
    at_four = gather(loads(YARD), **asked)

    assert [one.value for one in made.tipping] == [7, 1]
    assert (made.map.x.value, made.map.y.value) == (7, 1)
    assert made.tipping[0].flips == at_four.tipping[0].flips
    said = plain(tipping_page(made.tipping[0]))
    assert "At stake = 7, the value where nothing is varied" in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sections": ["shares", "tornados"]}, "Did you mean 'tornado'"),
        ({"along": ["steak"]}, "Did you mean 'stake'"),
        ({"regimes": ["moat"]}, "moat"),
        ({"player": "Z"}, "no player"),
        ({"draws": 1}, "too few"),
        ({"condition": "W_A"}, "not a condition"),
        ({"regimes": ["yard", "wall"], "condition": "B4"}, "none"),
    ],
)
def test_a_wrong_request_is_refused(changes, message):
    with pytest.raises(RequestError, match=message):
        gather(loads(YARD), **changes)


def test_a_game_whose_regimes_nobody_owns_says_so():
    game = loads(YARD)
    regimes = tuple(replace(r, fix={}, set={"stake": k}) for k, r in enumerate(game.regimes))
    made = gather(replace(game, regimes=regimes))

    assert made.player is None
    assert "--player" in made.left_out["map"]
    assert "Best for" in Page(report_html(made)).text


def test_the_summary_counts_draws_at_which_regimes_tie():
    """Above a stake of 5 the yard is better; below, both regimes give nothing."""
    game = loads(YARD)
    game = replace(
        game,
        payoffs={**game.payoffs, "A": "max(0, stake - 5) * (regime != 'none')"},
        regimes=[regime for regime in game.regimes if regime.name != "wall"],
    )
    made = gather(game, draws=40, sections=["shares"], player="A")
    said = " ".join(report_summary(made))

    assert "Small yard in 50%; equally good in 50%." in said
    same = replace(game, payoffs={**game.payoffs, "A": "stake"})
    said = " ".join(report_summary(gather(same, draws=10, sections=["shares"], player="A")))
    assert "no regime is best in any; equally good in 100%." in said


# ------------------------------------------------------------------ figures


LOOKS = plots.looks_of(["none", "yard", "wall"])
LABELS = {"none": "No controls", "yard": "Small yard", "wall": "Wall"}


def tornado() -> plots.Picture:
    """Return a tornado of two parameters; of one of them an end is undefined."""
    measures = {
        "swing": [3.0, 1.0],
        "at_low": [1.0, np.nan],
        "at_high": [4.0, 3.0],
        "low": [0.0, 2.0],
        "high": [10.0, 5.0],
    }
    found = Indices(
        "tornado", "margin of yard", ("stake", "cost"),
        MappingProxyType({k: np.array(v) for k, v in measures.items()}),
        MappingProxyType({}), 5, 4, 0.95, base=2.0,
    )  # fmt: skip
    return plots.tornado_bars(found)


def test_numbers_of_a_tornado_are_written_out():
    measures = {
        "swing": [3649.0, 1.0],
        "at_low": [474.0, np.nan],
        "at_high": [4123.0, 3.0],
        "low": [0.0, 2.0],
        "high": [12000.0, 5.0],
    }
    found = Indices(
        "tornado", "margin of yard", ("stake", "cost"),
        MappingProxyType({k: np.array(v) for k, v in measures.items()}),
        MappingProxyType({}), 5, 4, 0.95, base=2000.0,
    )  # fmt: skip
    made = plots.tornado_bars(found)

    drawn = [text.get_text() for text in made.figure.axes[0].texts]
    assert drawn == ["474 at 0", "4123 at 12000", "undefined at 2", "3 at 5"]
    assert made.alt.startswith("At the numbers as given 2000. stake: 474 at 0, 4123 at 12000; cost")


def sobol() -> plots.Picture:
    """Return Sobol indices of two parameters, one of them without intervals."""
    ends = np.array([[0.1, 0.5], [np.nan, np.nan]])
    found = Indices(
        "sobol", "margin of yard", ("stake", "cost"),
        MappingProxyType({"first": np.array([0.3, -0.01]), "total": np.array([0.7, 0.2])}),
        MappingProxyType({"first": ends, "total": ends}), 64, 64, 0.95,
    )  # fmt: skip
    return plots.sobol_bars(found)


def convergence() -> plots.Picture:
    """Return running shares of two regimes and of ties."""
    share = np.array([[0.5, 0.5, 0.0], [0.6, 0.3, 0.1]])
    draws = np.array([10, 40])
    return plots.convergence(
        Running(("none", "yard", "tie"), draws, share, share * 0.8, share * 0.8 + 0.2),
        LOOKS,
        LABELS,
    )


def outcomes() -> plots.Picture:
    """Return what regimes of the little yard change."""
    return plots.outcome_bars(compare(loads(YARD)), LOOKS, "none", "A")


def strip() -> plots.Picture:
    """Return the little yard along the stake."""
    return plots.tipping_strip(tipping(loads(YARD), "stake"), LOOKS, LABELS, "tipping-1")


def test_a_flip_somewhere_in_a_stretch_without_answers_is_no_line():
    found = tipping(loads(YARD), "stake")
    assert len(found.flips) > 1
    (first, *_), others = found.flips, [tip for tip in found.tips if tip not in found.flips]
    unsolved = tuple(replace(tip, unsolved=tip is not first) for tip in found.flips)

    def lines(one):
        return len(plots.tipping_strip(one, LOOKS, LABELS).figure.axes[1].lines)

    made = replace(found, tips=(*unsolved, *others))
    assert lines(found) == 1 + len(found.flips)  # and the number as given
    assert lines(made) == 2


def two_axes() -> plots.Picture:
    """Return a map of the little yard, with ties."""
    return plots.regime_map(regime_map(loads(YARD), "stake", "cost", cells=3), LOOKS, LABELS)


def test_words_beside_bars_reach_as_far_as_the_bounds_drawn():
    comparison = compare(loads(YARD))
    ends = {"none": (2.0, 2.0), "yard": (1.0, 5.0), "wall": (3.0, 4.0)}
    results = tuple(
        replace(r, payoffs=dict.fromkeys(r.payoffs, ends[r.name])) for r in comparison.regimes
    )
    alt = plots.outcome_bars(replace(comparison, regimes=results), LOOKS, "none", "A").alt

    first = alt.partition("Payoff of Restricting state: ")[2].partition(";")[0]
    labels = {r.name: r.label for r in comparison.regimes}
    assert first == f"from -1 ({labels['yard']}) to 3 ({labels['yard']})"


@pytest.mark.parametrize(("regimes", "fit"), [(3, 12), (20, 6)])
def test_as_many_outcomes_are_drawn_as_a_page_holds(regimes, fit):
    comparison = compare(loads(YARD))
    none, yard, _ = comparison.regimes
    many = {f"o{k}": (float(k), float(k)) for k in range(1, 20)}
    results = (none, *(replace(yard, name=f"r{k}", outcomes=many) for k in range(1, regimes)))
    base = replace(none, outcomes=dict.fromkeys(many, (0.0, 0.0)))
    made = plots.outcome_bars(
        replace(comparison, regimes=(base, *results[1:])),
        {r.name: plots.LEVERS[0] for r in results}, "none",
    )  # fmt: skip

    drawn = [axes for axes in made.figure.axes if axes.get_visible()]
    assert len(drawn) == fit
    assert made.figure.get_size_inches()[1] <= plots.TALLEST + 0.6


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (2e-4, "under 0.1%"), (0.0026, "0.3%"), (0.0196, "2.0%"), (0.02, "2%"),
     (0.98, "98%"), (0.9974, "99.7%"), (0.9998, "over 99.9%"), (1, "100%")],
)  # fmt: skip
def test_what_is_rare_is_not_said_to_be_never(share, text):
    assert plots.percent(share) == text


def test_the_ends_of_a_range_that_was_drawn_are_written_as_they_are():
    drawn = np.array([2.0014, 3.0, 5.0, 7.9931])
    columns = {"stake": np.tile(drawn, 20), "cost": np.linspace(0, 5, 80)}
    found = discover(loads(YARD), "wall.A > yard.A", draws=columns, among=("stake",))
    holds = 0.5 * columns["stake"] > 3 + 0.75 * columns["cost"]
    made = plots.discovery_box(Found(found, holds.astype(float)), columns)
    assert made is not None

    assert {"2", "7.99"} <= {text.get_text() for text in made.figure.axes[0].texts}


@pytest.mark.parametrize("draws", [plots.POINTS, 2000])
def test_draws_that_would_hide_one_another_are_not_all_drawn(draws):
    made = box(draws=draws)
    axes = made.figure.axes[1]
    drawn = [len(line.get_xdata()) for line in axes.lines]

    assert len(drawn) == 2
    assert sum(drawn) == plots.POINTS
    assert axes.get_xlabel() == "stake" + " (600 of 2,000 draws shown)" * (draws > plots.POINTS)


def waterfall() -> plots.Picture:
    """Return what makes the yard as good as it is."""
    found = attribute(loads(YARD + MECHANISMS), "yard")
    return plots.waterfall(found, "attribution-1")


def box(names: tuple[str, ...] = ("stake", "cost"), draws: int = 80) -> plots.Picture:
    """Return where the wall is best, in one or two limits."""
    rng = np.random.default_rng(0)
    columns = {"stake": rng.uniform(0, 10, draws), "cost": rng.uniform(0, 5, draws)}
    condition = "wall.A > yard.A"
    found = discover(loads(YARD), condition, draws=columns, among=names)
    holds = 0.5 * columns["stake"] > 3 + 0.75 * columns["cost"]
    made = plots.discovery_box(Found(found, holds.astype(float)), columns)
    assert made is not None
    return made


FIGURES = (tornado, sobol, convergence, outcomes, strip, two_axes, waterfall, box)


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_a_figure_is_a_picture_and_a_drawing_with_words(draw):
    from matplotlib.image import imread

    picture = draw()
    png = imread(io.BytesIO(picture.png()))
    svg = ElementTree.fromstring(picture.svg())
    names = {"svg": "http://www.w3.org/2000/svg"}

    assert png.shape[1] == round(plots.WIDTH * plots.DOTS)
    assert png[..., :3].min() < 0.1  # something is drawn
    assert png[..., :3].max() > 0.9  # on something
    assert svg.findtext("svg:title", namespaces=names) == picture.title
    assert svg.findtext("svg:desc", namespaces=names) == picture.alt
    assert svg.findall(".//svg:text", names)  # text is text, which can be searched and read out
    assert "http" not in picture.inline()


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_nothing_that_is_written_is_cut_off(draw):
    """Every text lies within the figure, but for less than two pixels of a hundred an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    picture = draw()
    with plots._style():
        canvas = FigureCanvasAgg(picture.figure)
        canvas.draw()
        whole = picture.figure.bbox
        outside = [
            text.get_text()
            for text in picture.figure.findobj(Text)
            if text.get_visible() and text.get_text()
            for extent in [text.get_window_extent(canvas.get_renderer())]
            if extent.x0 < -2
            or extent.y0 < -2
            or extent.x1 > whole.x1 + 2
            or extent.y1 > whole.y1 + 2
        ]
        ticks = {
            tick.label1.get_text()
            for axes in picture.figure.axes
            for axis in (axes.xaxis, axes.yaxis)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        }

    assert [text for text in outside if text not in ticks] == []


def test_a_box_of_one_limit_shows_shares_by_value():
    picture = box(("stake",))

    assert "stake from" in picture.alt
    assert len(picture.figure.axes) == 2


def test_letters_that_the_font_lacks_and_dollars_are_drawn_without_a_warning():
    game = loads(YARD)
    label = "围栏 $a_b$ \\frac"
    regimes = tuple(replace(r, label=label) for r in game.regimes)
    comparison = compare(replace(game, regimes=regimes))
    picture = plots.outcome_bars(comparison, LOOKS, "none")

    assert picture.png()
    assert "围栏" in picture.svg()


def test_looks_differ_by_more_than_color():
    """A printer without colors keeps every pair of levers, and of roles, apart."""

    def lightness(color: str) -> float:
        red, green, blue = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
        return colorsys.rgb_to_hls(red, green, blue)[1]

    looks = plots.LEVERS
    assert len({look.marker for look in looks}) == len(looks)
    assert len({(look.color, look.hatch) for look in looks}) == len(looks)
    for k, one in enumerate(looks):
        for other in looks[:k]:
            apart = abs(lightness(one.color) - lightness(other.color)) > 0.04
            assert one.hatch != other.hatch or apart, (one, other)
    pairs = [("low end", "high end"), ("alone", "with others"), ("raises", "lowers")]
    for one, other in pairs:
        assert plots.ROLES[one].hatch != plots.ROLES[other].hatch
    assert plots.ROLES["holds"].marker != plots.ROLES["fails"].marker


def test_a_regime_looks_the_same_in_part_of_the_regimes():
    made = gather(loads(YARD), ["wall", "none"], sections=["outcomes"])
    svg = pictures_of(made)["outcomes"].svg().casefold()

    assert plots.LEVERS[2].color.casefold() in svg  # the wall's, though the yard is not there
    assert plots.LEVERS[1].color.casefold() not in svg


# ------------------------------------------------------------------ the command


def test_the_command_writes_the_page_and_its_figures(yard, tmp_path, capsys):
    out, folder = tmp_path / "r.html", tmp_path / "figures"

    code = main(["report", str(yard), "--out", str(out), "--figures", str(folder), "--draws", "30"])

    told = capsys.readouterr()
    assert code == 0
    assert told.out.startswith("At the numbers as given, best for Restricting state: Small yard")
    assert "note: left out sobol: not asked for" in told.err
    assert Page(out.read_text("utf-8")).wrong == []
    drawn = {path.stem for path in folder.iterdir()}
    assert {"outcomes", "shares", "tornado", "map", "tipping-1", "attribution-1"} <= drawn
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{ending}" for name in drawn for ending in ("png", "svg")
    }
    for path in folder.iterdir():
        start = path.read_bytes()[:8]
        assert start.startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_nothing_is_overwritten_without_force(yard, tmp_path, capsys):
    out, folder = tmp_path / "r.html", tmp_path / "figures"
    folder.mkdir()
    out.write_text("mine")
    short = ["--sections", "outcomes", "--out", str(out)]

    assert main(["report", str(yard), *short]) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    out.unlink()
    (folder / "outcomes.png").write_bytes(b"mine")
    (folder / "notes.txt").write_text("mine")
    assert main(["report", str(yard), *short, "--figures", str(folder)]) == 2
    assert not out.exists()
    assert (folder / "outcomes.png").read_bytes() == b"mine"
    assert main(["report", str(yard), *short, "--figures", str(folder), "--force"]) == 0
    assert (folder / "outcomes.png").read_bytes() != b"mine"
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "r.pdf"], "must be .html"),
        (["--out", "nowhere/r.html"], "no folder"),
        (["--out", "r.html", "--figures", "yard.toml"], "not a directory"),
        (["--out", "r.html", "--figures", "no/where"], "no folder"),
        (["--out", "r.html", "--sections", "maps"], "Did you mean 'map'"),
        (["--out", "r.html", "--sections", "map,"], "a name is empty"),
        (["--out", "r.html", "--store", "none.db", "--draws", "9"], "--draws would change them"),
        (["--out", "r.html", "--store", "none.db"], "none.db"),
    ],
)
def test_a_wrong_command_writes_nothing(yard, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)

    assert main(["report", "yard.toml", *arguments]) in (2, 4)
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["yard.toml"]


def test_a_report_of_a_store_solves_no_draw_again(yard, tmp_path, capsys):
    store, out = tmp_path / "s.db", tmp_path / "r.html"
    swept = ["sweep", str(yard), "--draws", "25", "--rng", "5", "--store", str(store)]
    assert main([*swept, "--set", "timing=commitment"]) == 0

    assert main(["report", str(yard), "--store", str(store), "--out", str(out)]) == 0
    text = Page(out.read_text("utf-8")).text
    assert "25 of stake, cost" in text
    assert "seed 5" in text
    capsys.readouterr()


def test_a_form_has_no_report(tmp_path, capsys):
    path = tmp_path / "g.nfg"
    path.write_text('NFG 1 R "g" { "1" "2" } { 2 2 }\n\n1 1 0 0 0 0 1 1\n')

    assert main(["report", str(path), "--out", str(tmp_path / "r.html")]) == 2
    assert "regimes" in capsys.readouterr().err


@pytest.mark.slow
def test_the_main_game_has_a_report_with_every_figure():
    made = gather("small_yard_high_fence", draws=30)
    parsed = Page(report_html(made))

    assert set(made.left_out) == {"sobol"}
    assert parsed.wrong == []
    assert len(parsed.tags("svg")) >= 8
    assert load("small_yard_high_fence").assumptions[0] in parsed.text


# ------------------------------------------------------------------ signs


def test_every_sign_of_the_page_is_explained_on_it(yard, tmp_path):
    out = tmp_path / "r.html"
    assert main(["report", str(yard), "--out", str(out), "--draws", "30"]) == 0
    page = " ".join(re.sub("<[^>]+>", " ", out.read_text("utf-8")).split())

    for sign, said in {
        "*": "* best for that player, ~ a near tie with it.",
        "baseline": "Bars are changes from No controls, the baseline;",
        "whiskers": "the lowest to the highest value over all equilibria",
        "star": "The star marks the numbers as given.",
        "vertical line": "The vertical line is the value at the numbers as given.",
        "dashed": "a dashed one the number as given",
        "added": "What a mechanism adds is its Shapley value",
    }.items():
        assert said in page, sign
    assert "s.e." not in page


def test_a_report_is_answered_in_part_where_one_of_its_parts_is(findings):
    assert findings.found is not None
    status = findings.sweep.status.copy()
    status[:] = "certified"
    whole = replace(findings, sweep=replace(findings.sweep, status=status))
    before = list(parts_answered_in_part(whole))
    status = status.copy()
    status[0, 0] = "not certified"
    less = replace(findings, sweep=replace(findings.sweep, status=status))
    told = f"the draws ({status.size - 1} of {status.size} answers certified)"
    assert sorted(parts_answered_in_part(less)) == sorted([*before, told])
