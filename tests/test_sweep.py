"""Sweeps: closed forms at every draw, one answer for each, tables that others read."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games_for_cli import YARD
from highfence import Decision, Game, Interval, Parameter, Regime, Stage, compare, limits, load
from highfence.errors import Interrupted, RequestError, SpecError
from highfence.forms.build import build
from highfence.forms.staged import StagedForm
from highfence.spec.model import exact
from highfence.spec.toml import loads
from highfence.study._sweep_job import Job
from highfence.study.branches import Matcher
from highfence.study.sweep import (
    STATUSES,
    TIE,
    UNCOMPARED,
    UNDECIDED,
    Sweep,
    grid,
    sweep,
)
from highfence.study.table import read_draws
from study_games import battle

GAME = loads(YARD)

# Told to, B stands at 0, and A meets B. Else both run to an end, each to where the other loses by
# it: both must mix over an interval, which is not searched for. At a share of 0 nobody can stand
# anywhere.
PENNIES = Game(
    name="pennies",
    players=["A", "B"],
    parameters=[Parameter("share", 1), Parameter("free", 1)],
    stages=[
        Stage(
            "go",
            Decision("A", "a", Interval(0, "where(share == 0, -1, 1)")),
            Decision("B", "b", Interval(0, 1)),
        )
    ],
    derived={"miss": "where(free > 0, (a - 0.5) * (b - 0.5), (a - b) ** 2)"},
    payoffs={
        "A": "share * (where(free > 0, (a - 0.5) ** 2, 1) - miss)",
        "B": "free * ((b - 0.5) ** 2 + miss) - (1 - free) * b ** 2",
    },
    regimes=[Regime("told", set={"free": 0}), Regime("untold")],
)

BATTLE = battle(Parameter("w", 2, low=0.5, high=3), Parameter("bar", 0))


def payoffs(stake: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return A's payoff under none, yard and wall: C retaliates (costing 3) under the wall."""
    return np.stack([0 * stake, stake / 2 - cost / 4, stake - 3 - cost], axis=1)


@pytest.fixture(scope="module")
def swept() -> Sweep:
    """Return a sweep over a grid of two parameters."""
    return sweep(GAME, grid({"stake": np.linspace(0, 10, 6), "cost": [0.5, 1, 4]}), design="grid")


# ---------------------------------------------------------------------------------------------
# Answers


def test_every_draw_meets_the_closed_form(swept):
    closed = payoffs(swept.inputs["stake"], swept.inputs["cost"])
    low, high = swept.column("A")

    assert low == pytest.approx(closed, abs=1e-12)
    assert (low == high).all()
    assert (swept.status == "certified").all()
    assert swept.complete
    assert swept.regimes == ("none", "yard", "wall")
    assert len(swept) == 18


def test_the_best_regime_is_that_of_the_closed_form(swept):
    closed = payoffs(swept.inputs["stake"], swept.inputs["cost"])
    ordered = np.sort(closed, axis=1)
    clear = ordered[:, 2] - ordered[:, 1] > 1e-3 * np.abs(closed).max(axis=1)

    assert swept.judge == "A"
    assert (swept.best()[clear] == closed.argmax(axis=1)[clear]).all()
    assert clear.sum() >= 15
    assert (swept.best("C") != UNCOMPARED).all()


@pytest.mark.parametrize("stake", [0.5, 2.0, 4.0, 8.0])
@pytest.mark.parametrize("player", ["A", "C"])
def test_the_best_regime_is_that_of_a_comparison(stake, player):
    found = sweep(GAME, {"stake": [stake]})
    (verdict,) = found.best(player)
    best = compare(GAME, commitment=False, stake=stake).best[player]

    assert best.regime == (found.regimes[verdict] if verdict >= 0 else None)
    assert (best.verdict.value == "tie") == (verdict == TIE)


def test_where_ranges_overlap_the_best_is_undecided():
    game = Game(
        name="battle",
        players=BATTLE.players,
        parameters=BATTLE.parameters,
        stages=BATTLE.stages,
        derived=BATTLE.derived,
        payoffs=BATTLE.payoffs,
        regimes=[Regime("any"), Regime("gallant", fix={"his": "opera"})],
    )
    found = sweep(game, {"w": [2, 3]})

    assert found.answers.count.tolist() == [[3, 1], [3, 1]]
    assert found.best("he").tolist() == [UNDECIDED, UNDECIDED]


def test_a_game_without_regimes_is_swept_as_it_is():
    found = sweep(BATTLE, {"w": [2, 3]})

    assert found.regimes == ("game",)
    assert found.judge is None
    assert found.answers.count.tolist() == [[3], [3]]
    low, high = found.column("he")
    assert low[:, 0] == pytest.approx([2 / 3, 3 / 4])
    assert high[:, 0] == pytest.approx([2, 3])
    with pytest.raises(RequestError, match="Name a player: he, she"):
        found.best()


def test_each_status_is_told_from_the_others():
    found = sweep(PENNIES, {"share": [1.0, 0.0]})

    assert found.status.tolist() == [["certified", "none found"], ["wrong game", "wrong game"]]
    assert found.best("A").tolist() == [UNCOMPARED, UNCOMPARED]
    assert found.counts()["told"] == {
        "certified": 1, "not certified": 0, "none found": 0, "wrong game": 1, "not solved": 0,
    }  # fmt: skip
    strict = sweep(BATTLE, {"w": [2.0]}, tolerance=-1.0)
    assert strict.status.tolist() == [["not certified"]]


def test_an_empty_interval_is_a_wrong_game():
    game = Game(
        name="narrow",
        players=["A"],
        parameters=[Parameter("top", 1)],
        stages=[Stage("go", Decision("A", "q", Interval(0, "top")))],
        payoffs={"A": "q"},
        regimes=[Regime("any")],
    )
    assert sweep(game, {"top": [1.0, -1.0]}).status.tolist() == [["certified"], ["wrong game"]]


@pytest.mark.parametrize("workers", [None, 2])
def test_a_game_that_is_wrong_at_what_is_not_drawn_is_refused_in_the_same_words(workers, tmp_path):
    """With workers it is they who find it, and no store is begun."""
    store = tmp_path / "a.sweep"

    with pytest.raises(SpecError, match=r"^python: stages.go.a: .*empty at these values"):
        sweep(PENNIES, {"free": [0.0, 1.0]}, workers=workers, store=store, share=0)
    assert not store.exists()


@pytest.mark.parametrize(
    "name", ["small_yard_high_fence", "chain_store", "prisoners_dilemma", "enforcement_inspection"]
)
def test_columns_are_those_of_the_form_though_none_is_built(name):
    game = load(name)
    regime = game.regimes[0].name if game.regimes else None
    number = next(p for p in game.parameters if not p.choices)
    draws = {number.name: [float(exact(number.value))]}
    job = Job.of(game, draws, None, None, False, "", 1e-4, {})
    form = build(game, regime=regime)

    outcomes = form.outcome_names if isinstance(form, StagedForm) else tuple(form.outcomes)
    assert job.players == form.players
    assert job.columns == (*form.players, *outcomes)


def test_equal_draws_are_solved_once(monkeypatch):
    module = import_module("highfence.study.sweep")

    asked: list[float] = []
    real = module.solve_part
    monkeypatch.setattr(
        module, "solve_part", lambda task, d: asked.extend(d["stake"]) or real(task, d)
    )
    found = sweep(GAME, {"stake": [1, 2, 1, 3, 2, 1]})

    assert sorted(asked) == [1, 2, 3]
    assert found.column("A")[0][:, 1].tolist() == [0.25, 0.75, 0.25, 1.25, 0.75, 0.25]


def test_progress_ends_with_all_answers():
    steps: list[tuple[int, int]] = []
    sweep(GAME, {"stake": [1, 1, 2]}, progress=lambda *step: steps.append(step))

    assert steps[0] == (0, 9)
    assert steps[-1] == (9, 9)
    assert steps == sorted(steps)


def test_a_sweep_that_is_interrupted_gives_what_it_has():
    def stop(done: int, _: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="were solved; a store would have kept them") as caught:
        sweep(GAME, {"stake": np.linspace(1, 2, 99)}, progress=stop)

    partial = caught.value.done
    assert 0 < len(partial) < 99
    assert partial.absent == 3 * (99 - len(partial))
    assert (partial.status == "certified").all()
    assert partial.column("A")[0][:, 1] == pytest.approx(partial.inputs["stake"] / 2 - 0.25)
    assert "certified" in str(partial)


def test_a_regime_that_sets_what_is_drawn_is_named():
    game = Game(
        name="set",
        players=["A"],
        parameters=[Parameter("x", 1), Parameter("y", 1)],
        stages=[Stage("go", Decision("A", "a", ["left", "right"]))],
        payoffs={"A": "x * (a == 'left')"},
        regimes=[Regime("plain"), Regime("fixed", set={"x": 5})],
    )
    found = sweep(game, {"x": [1, 2]})

    assert found.notes == ("the regime fixed sets x, which is drawn; the draw counts",)
    assert found.column("A")[0].tolist() == [[1, 1], [2, 2]]
    assert sweep(game, {"y": [1, 2]}).notes == ()
    assert found.complete


def test_a_sweep_cannot_be_written_over(swept):
    arrays = [swept.answers.low, swept.status, swept.number, *swept.inputs.values()]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError):
        swept.inputs["stake"] = 0


@pytest.mark.parametrize(
    ("draws", "more", "says"),
    [
        ({"stak": [1.0]}, {}, r"no numeric parameter 'stak'\. Did you mean 'stake'"),
        ({"timing": [1.0]}, {}, "no numeric parameter 'timing'"),
        ({"stake": [1.0], "cost": [1.0, 2.0]}, {}, "not of one length: stake 1, cost 2"),
        ({"stake": []}, {}, "there are no draws"),
        ({}, {}, "there are no draws"),
        ({"stake": [[1.0]]}, {}, "stake are not one column"),
        ({"stake": [np.nan]}, {}, "not all finite"),
        ({"stake": ["x"]}, {}, "not all finite"),
        ({"stake": [1.0]}, {"regimes": ["yrad"]}, r"no regime 'yrad'\. Did you mean 'yard'"),
        ({"stake": [1.0]}, {"regimes": ["yard", "yard"]}, "asked for twice"),
        ({"stake": [1.0]}, {"regimes": []}, "no regime is asked for"),
        ({"stake": [1.0]}, {"preset": "x"}, "no preset 'x'"),
        ({"stake": [1.0]}, {"stakes": 1}, "no parameter 'stakes'"),
        (
            {"stake": [1.0, 2.0], "cost": [1.0, 2.0]},
            {"branches": True},
            "along one parameter; stake, cost vary",
        ),
    ],
)
def test_a_wrong_request_is_refused(draws, more, says):
    with pytest.raises(RequestError, match=says):
        sweep(GAME, draws, **more)


def test_more_answers_than_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ANSWERS", 5)

    with pytest.raises(RequestError, match=r"2 draws under 3 regimes are more .* MAX_ANSWERS = 5"):
        sweep(GAME, {"stake": [1.0, 2.0]})


# ---------------------------------------------------------------------------------------------
# Grids and lists


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_has_every_combination_once(sizes):
    made = grid({f"p{k}": np.arange(size) for k, size in enumerate(sizes)})
    points = set(zip(*(column.tolist() for column in made.values()), strict=True))

    assert {len(column) for column in made.values()} == {len(points)} == {int(np.prod(sizes))}


def test_a_grid_that_cannot_be_is_refused(monkeypatch):
    for axes, says in [({}, "at least one axis"), ({"x": []}, "axis of x"), ({"x": ["a"]}, "of x")]:
        with pytest.raises(RequestError, match=says):
            grid(axes)
    monkeypatch.setattr(limits, "MAX_SAMPLES", 100)
    with pytest.raises(RequestError, match="100 points is more numbers than MAX_SAMPLES"):
        grid({"x": range(10), "y": range(10)})


def test_a_list_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("\ufeffstake, cost\n1/3,30%\n\n2e0, 0.1\r\n", "utf-8")

    found = read_draws(path, ["stake", "cost"])

    assert list(found) == ["stake", "cost"]
    assert found["stake"].tolist() == [float(Fraction(1, 3)), 2.0]
    assert found["cost"].tolist() == [0.3, 0.1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no head"),
        ("stake\n", "there are no draws below the head"),
        ("stake,stake\n1,2\n", "line 1, column 2: stake stands twice"),
        ("stake,\n1,2\n", "line 1, column 2: the name is empty"),
        ("stak\n1\n", r"line 1, column 1: .* 'stak'\. Did you mean 'stake'"),
        ("stake,cost\n1,2\n3\n", "line 3: there are 1 cells, and 2 names"),
        ("stake,cost\n1,2\n3,4,5\n", "line 3: there are 3 cells, and 2 names"),
        ("stake,cost\n1,2\n3,x\n", "line 3, column cost: 'x' is not a finite number"),
        ("stake,cost\n1,\n", "line 2, column cost: empty"),
        ("stake\nnan\n", "line 2, column stake: 'nan' is not a finite number"),
        ("stake\ninf\n", "line 2, column stake: 'inf' is not a finite number"),
        ("stake\n1e999\n", "line 2, column stake: '1e999' is not"),
        ("stake\n1,5\n", "line 2: there are 2 cells"),
        ('stake\n"1\n', "line 2: this is not CSV"),
        ('stake\n"\n1"\nx\n', "line 4, column stake: 'x' is not"),
        ("stake;cost\n1;2\n", "'stake;cost'"),
    ],
)
def test_what_is_wrong_in_a_list_is_named_by_line_and_column(tmp_path, text, says):
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")

    with pytest.raises(SpecError, match=says) as refused:
        read_draws(path, ["stake", "cost"])
    assert "list.csv" in str(refused.value)


def test_every_mistake_of_a_list_is_named_at_once(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("stake,cost\nx,1\n1,y\n1\n", "utf-8")

    with pytest.raises(SpecError) as refused:
        read_draws(path, ["stake", "cost"])
    assert len(refused.value.problems) == 3


def test_files_that_cannot_be_lists_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "list.csv"
    with pytest.raises(RequestError, match="cannot be read"):
        read_draws(path, ["stake"])
    path.write_bytes(b"stake\n\xff\n")
    with pytest.raises(RequestError, match="byte 7 is not UTF-8"):
        read_draws(path, ["stake"])
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 3)
    with pytest.raises(RequestError, match="MAX_FILE_BYTES = 3"):
        read_draws(path, ["stake"])


@settings(max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_list_gives_back_every_float(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("list") / "list.csv"
    path.write_text("stake\n" + "".join(f"{value!r}\n" for value in values))

    assert read_draws(path, ["stake"])["stake"].tolist() == values


# ---------------------------------------------------------------------------------------------
# Branches


def test_the_equilibria_of_a_finite_game_are_branches_along_a_grid():
    """Two pure equilibria and one mixed at every w; each is one branch, and meets its formula."""
    found = sweep(BATTLE, grid({"w": [0.5, 1.5, 2.5]}), branches=True)
    kept = found.branches

    assert kept.count == 3
    assert kept.parameter == "w"
    he = {}
    for branch in (1, 2, 3):
        on = kept.branch == branch
        assert found.inputs["w"][kept.row[on]].tolist() == [0.5, 1.5, 2.5]
        assert len({kept.plays[k] for k in np.nonzero(on)[0]}) == 1
        he[kept.plays[int(np.nonzero(on)[0][0])]] = kept.values[on, 0]
    w = np.array([0.5, 1.5, 2.5])
    assert he["he: opera; she: opera"] == pytest.approx([1, 1, 1])
    assert he["he: fight; she: fight"] == pytest.approx(w)
    assert he["he: opera or fight; she: opera or fight"] == pytest.approx(w / (1 + w))


def test_a_branch_ends_where_another_action_is_played():
    """Under the wall A has stake - 3 - cost whatever happens; C retaliates iff reach > 3/4."""
    found = sweep(GAME, grid({"cost": [1, 2, 3]}), ["yard", "wall"], branches=True)
    assert found.branches.count == 2
    assert found.branches.regime.tolist() == [0, 0, 0, 1, 1, 1]

    entry = Game(
        name="entry",
        players=["E"],
        parameters=[Parameter("fee", 1)],
        stages=[Stage("go", Decision("E", "move", ["in", "out"]))],
        payoffs={"E": "(2 - fee) * (move == 'in')"},
    )
    found = sweep(entry, {"fee": [3.0, 1.0, 0.0, 4.0]}, branches=True)
    ends = dict(zip(found.inputs["fee"][found.branches.row], found.branches.branch, strict=True))
    assert ends == {0.0: 1, 1.0: 1, 3.0: 2, 4.0: 2}


def test_crossing_branches_of_one_kind_go_straight_on():
    """Two equilibria in amounts, whose values cross between two points."""
    axis = np.linspace(-1, 1, 12)
    points = [
        [
            {"plays": "", "shares": [], "amounts": [t], "values": [t]},
            {"plays": "", "shares": [], "amounts": [-t], "values": [-t]},
        ][:: (-1) ** k]
        for k, t in enumerate(axis)
    ]
    found = Matcher(points, axis).follow()

    assert [numbers[:: (-1) ** k] for k, numbers in enumerate(found)] == [[1, 2]] * 12


def test_a_jump_of_an_amount_ends_a_branch_and_a_slope_does_not():
    axis = np.arange(10.0)
    jump = [0, 0.1, 0.2, 0.3, 0.4, 9, 9.1, 9.2, 9.3, 9.4]
    points = [[{"plays": "", "shares": [], "amounts": [x], "values": [x]}] for x in jump]
    assert [k for (k,) in Matcher(points, axis).follow()] == [1] * 5 + [2] * 5

    steep = [[{"plays": "", "shares": [], "amounts": [x], "values": [x]}] for x in axis**4]
    assert [k for (k,) in Matcher(steep, axis).follow()] == [1] * 10


def test_a_point_without_answers_parts_branches():
    one = [{"plays": "a", "shares": [], "amounts": [], "values": [1.0]}]

    assert Matcher([one, [], one], np.arange(3.0)).follow() == [[1], [], [2]]


def test_the_table_of_branches_has_a_row_for_every_equilibrium():
    found = sweep(BATTLE, grid({"w": [0.5, 1.5]}), branches=True)
    table = found.table()

    assert table["draw"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["branch"].tolist() == [1, 2, 3] * 2
    assert (table["payoff.he.low"] == table["payoff.he.high"]).all()
    assert sorted(table["payoff.he.low"][:3]) == pytest.approx([1 / 3, 0.5, 1])
    nothing = sweep(PENNIES, {"share": [1.0, 2.0]}, branches=True).table()
    assert nothing["branch"].tolist() == [1, 0, 1, 0]
    assert nothing["regime"] == ["told", "untold", "told", "untold"]
    assert nothing["plays"][1] == ""
    assert np.isnan(nothing["payoff.A.low"][1])


# ---------------------------------------------------------------------------------------------
# Tables


COLUMNS = [
    "draw", "regime", "status", "equilibria", "rejected", "regret", "input.stake", "input.cost",
    "payoff.A.low", "payoff.A.high", "payoff.C.low", "payoff.C.high", "outcome.W_A.low",
    "outcome.W_A.high", "outcome.gain.low", "outcome.gain.high", "outcome.denial.low",
    "outcome.denial.high",
]  # fmt: skip


@pytest.fixture(scope="module")
def mixed() -> Sweep:
    """Return a sweep with all that makes tables hard: gaps, an infinite regret, odd floats."""
    return sweep(PENNIES, {"share": [1.0, 0.0, 1 / 3, 1e300, -7.25]})


def test_the_columns_are_those_that_were_published(swept):
    table = swept.table()

    assert list(table) == COLUMNS
    assert {len(column) for column in table.values()} == {18 * 3}
    assert table["regime"][:4] == ["none", "yard", "wall", "none"]
    assert table["draw"][:4].tolist() == [0, 0, 0, 1]
    assert set(table["status"]) <= set(STATUSES)


def expected(found: Sweep) -> dict[str, list]:
    """Return the table as readers should see it: None where there is nothing."""
    return {
        name: [
            None if isinstance(cell, float) and not np.isfinite(cell) else cell
            for cell in (column.tolist() if hasattr(column, "tolist") else column)
        ]
        for name, column in found.table().items()
    }


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_programs_read_the_same_numbers(mixed, tmp_path, ending):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / f"sweep.{ending}"
    mixed.write(path)
    table = expected(mixed)

    parquet = ending == "parquet"
    frame = pandas.read_parquet(path) if parquet else pandas.read_csv(path)
    frame = frame.astype(object).where(frame.notna(), None)
    of_polars = polars.read_parquet(path) if parquet else polars.read_csv(path)
    relation = duckdb.sql(f"FROM '{path}'")
    rows = relation.fetchall()
    of_duckdb = {name: [row[k] for row in rows] for k, name in enumerate(relation.columns)}

    assert list(frame.columns) == list(table)
    assert {name: frame[name].tolist() for name in table} == table
    assert of_polars.to_dict(as_series=False) == table
    assert of_duckdb == table


def test_a_spreadsheet_reads_the_same_numbers(mixed, tmp_path):
    """Through CSV, as a spreadsheet program imports it, saved and read again as a workbook."""
    openpyxl = pytest.importorskip("openpyxl")
    import csv

    path = tmp_path / "sweep.csv"
    mixed.write(path)
    book = openpyxl.Workbook()
    with open(path, newline="") as file:
        for row in csv.reader(file):
            book.active.append([_as_typed(cell) for cell in row])
    book.save(tmp_path / "sweep.xlsx")

    sheet = openpyxl.load_workbook(tmp_path / "sweep.xlsx").active
    head, *rows = sheet.iter_rows(values_only=True)
    table = expected(mixed)
    assert list(head) == list(table)
    assert [list(column) for column in zip(*rows, strict=True)] == list(table.values())


def _as_typed(cell: str):
    """Return what a spreadsheet makes of a cell that is typed in."""
    if cell == "":
        return None
    try:
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError:
        return cell


def test_a_parquet_file_says_what_made_it(swept, tmp_path):
    from pyarrow import parquet

    swept.write(tmp_path / "a.parquet")
    about = json.loads(parquet.read_schema(tmp_path / "a.parquet").metadata[b"highfence"])

    assert about == dict(swept.manifest)
    assert about["game"] == "little_yard"
    assert about["design"] == "grid"
    assert {"highfence", "numpy", "specification", "draws"} <= about.keys()


def test_json_holds_the_table_and_what_made_it(mixed, tmp_path):
    mixed.write(tmp_path / "a.json")
    made = json.loads((tmp_path / "a.json").read_text())
    table = expected(mixed)

    assert made == mixed.to_dict()
    assert made["columns"] == list(table)
    assert [list(c) for c in zip(*made["rows"], strict=True)] == list(table.values())
    assert made["manifest"] == dict(mixed.manifest)
    assert made["counts"]["told"]["wrong game"] == 1


def test_a_file_is_replaced_whole_or_not_at_all(swept, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("before")
    with pytest.raises(RequestError, match=r"must be one of \.parquet, \.csv, \.json"):
        swept.write(tmp_path / "a.xlsx")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        swept.write(path)
    assert path.read_text() == "before"
    assert [other.name for other in tmp_path.iterdir()] == ["a.csv"]


# ---------------------------------------------------------------------------------------------
# Pages


def test_the_page_says_first_which_regime_is_best_how_often(swept):
    best = swept.best()
    first = " ".join(str(swept).split("\n\n")[0].split())

    share = 100 * (best == 2).sum() / 18
    assert first.startswith("A little yard: 18 draws of stake, cost. For Restricting state (A)")
    assert f"wall in {share:.3g} %" in first
    assert "54 of 54 answers are certified (100 %)" in first


def test_along_one_parameter_the_page_says_where_the_best_changes():
    """With cost 1: the yard beats none from stake 1/2 on, the wall the yard from 7.5 on."""
    found = sweep(GAME, grid({"stake": [0, 1, 2, 7, 8, 9]}))
    page = " ".join(str(found).split())

    assert "none gives way to yard between stake = 0 and 1;" in page
    assert "yard gives way to wall between stake = 7 and 8." in page


def test_branches_are_listed_on_the_page():
    page = str(sweep(BATTLE, grid({"w": [0.5, 1.5]}), branches=True))

    assert "Branches of equilibria along w" in page
    assert "he: opera or fight; she: opera or fight" in page


def test_an_interrupted_sweep_without_answers_can_be_shown():
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    for branches in (False, True):
        with pytest.raises(Interrupted) as caught:
            sweep(GAME, {"stake": [1.0, 2.0]}, progress=stop, branches=branches)
        assert len(caught.value.done) == 0
        assert "0 draws of stake" in str(caught.value.done)
        assert caught.value.done.to_dict()["rows"] == []
