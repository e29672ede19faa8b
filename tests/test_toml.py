"""TOML and Python say the same game: what is written is read back, without loss."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from highfence import (
    Action,
    Chance,
    Commitment,
    Decision,
    Derived,
    Game,
    Interval,
    Mechanism,
    Parameter,
    Player,
    Regime,
    RequestError,
    Sentence,
    SpecError,
    Stage,
    limits,
)
from highfence.errors import LimitExceeded
from highfence.spec import toml
from highfence.spec.model import number
from highfence.spec.positions import Positions

YARD_IN_TOML = """
name = "yard_or_wall"

[players]
restricting = "Restricting state"
restricted = "Restricted state"
incumbent = "Incumbent firm"

[parameters.learning]
value = 0.18
low = 0.05
high = 0.35
unit = "1"
source = "own calibration"

[parameters.market]
value = 17.0
low = 8
high = 25
unit = "USD bn/yr"
source = "own calibration"

[parameters.p_short]
value = 0.3
low = 0.05
high = 0.6
unit = "1"
about = "P(AI timeline is short)"

[[stages]]
name = "nature"
[stages.chance.timeline]
short = "p_short"
long = "1 - p_short"

[[stages]]
name = "regime"
[stages.decisions.regime]
player = "restricting"
observes = []
[stages.decisions.regime.actions]
none = { scope = 0.0, strictness = 0.0 }
small_yard = { scope = 0.2, strictness = 0.9 }
broad = { scope = 0.8, strictness = 0.7 }

[[stages]]
name = "response"
[stages.decisions.response]
player = "restricted"
observes = ["regime"]
actions = ["accept", "substitute", "retaliate"]
[stages.decisions.research]
player = "incumbent"
observes = ["regime"]
interval = { low = 0, high = 10, unit = "USD bn/yr" }

[derived]
lost_sales = "market * regime.scope * regime.strictness"
capability = "learning * lost_sales * (response == 'substitute')"

[payoffs]
restricting = "10 - lost_sales - 5 * capability"
restricted = "capability - lost_sales - (response == 'retaliate')"
incumbent = "(market - lost_sales) * research / 10 - research ** 2 / 20"

[regimes.small_yard]
fix = { regime = "small_yard" }
[regimes.broad]
fix = { regime = "broad" }
"""


def yard(**changes: Any) -> Game:
    restricting = Player("restricting", "Restricting state")
    restricted = Player("restricted", "Restricted state")
    incumbent = Player("incumbent", "Incumbent firm")
    made: dict[str, Any] = {
        "name": "yard_or_wall",
        "players": [restricting, restricted, incumbent],
        "parameters": [
            Parameter("learning", 0.18, low=0.05, high=0.35, unit="1", source="own calibration"),
            Parameter("market", 17.0, low=8, high=25, unit="USD bn/yr", source="own calibration"),
            Parameter(
                "p_short", 0.3, low=0.05, high=0.6, unit="1", about="P(AI timeline is short)"
            ),
        ],
        "stages": [
            Stage("nature", Chance("timeline", {"short": "p_short", "long": "1 - p_short"})),
            Stage(
                "regime",
                Decision(
                    restricting,
                    "regime",
                    observes=(),
                    actions={
                        "none": {"scope": 0.0, "strictness": 0.0},
                        "small_yard": {"scope": 0.2, "strictness": 0.9},
                        "broad": {"scope": 0.8, "strictness": 0.7},
                    },
                ),
            ),
            Stage(
                "response",
                Decision(
                    restricted,
                    "response",
                    observes=("regime",),
                    actions=["accept", "substitute", "retaliate"],
                ),
                Decision(
                    incumbent,
                    "research",
                    observes=("regime",),
                    actions=Interval(0, 10, unit="USD bn/yr"),
                ),
            ),
        ],
        "derived": {
            "lost_sales": "market * regime.scope * regime.strictness",
            "capability": "learning * lost_sales * (response == 'substitute')",
        },
        "payoffs": {
            restricting: "10 - lost_sales - 5 * capability",
            restricted: "capability - lost_sales - (response == 'retaliate')",
            incumbent: "(market - lost_sales) * research / 10 - research ** 2 / 20",
        },
        "regimes": [
            Regime("small_yard", fix={"regime": "small_yard"}),
            Regime("broad", fix={"regime": "broad"}),
        ],
    }
    return Game(**(made | changes))


def test_a_game_written_in_python_equals_the_same_game_written_in_toml() -> None:
    assert toml.loads(YARD_IN_TOML) == yard()
    assert toml.loads(YARD_IN_TOML) != yard(title="Another")


def test_a_game_survives_the_way_through_toml() -> None:
    text = toml.dumps(yard())
    assert toml.loads(text) == yard()
    assert toml.dumps(toml.loads(text)) == text
    tomllib.loads(text)


def test_a_game_that_was_checked_is_read_without_a_second_look() -> None:
    """Workers read what another process has checked; what others read is checked as ever."""
    text = toml.dumps(yard())
    wrong = text.replace("market *", "markt *")

    assert wrong != text
    assert toml.loads(text, checked=True) == yard()
    assert toml.loads(wrong, checked=True).name == yard().name
    with pytest.raises(SpecError):
        toml.loads(wrong)


def test_the_place_where_a_game_was_read_is_kept_but_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "yard.toml"
    path.write_text(YARD_IN_TOML)
    read = toml.load(path)
    assert read.file == str(path)
    assert read == yard()


def test_everything_a_game_can_hold_survives() -> None:
    game = Game(
        name="everything",
        title='Quotes " and \\ and é',
        question="Two\nlines?",
        source="x",
        about="tab\there",
        assumptions=["first", 'second "quoted"'],
        players=[Player("A", "Aë"), Player("B")],
        sets={"s": ("F", "1")},
        parameters=[
            Parameter("third", Fraction(1, 3)),
            Parameter("small", Decimal("1e-30"), low=Decimal("0E+3"), high=1),
            Parameter("tenth", 0.1, label="Tenth", about="a\nb"),
            Parameter("whole", 10**30, low=-5),
            Parameter("share", "30%"),
            Parameter("t", "early", choices=("early", "late")),
        ],
        functions={"f(a, b)": "a + b"},
        stages=[
            Stage(
                "mixed order",
                Decision(
                    "A", "a", {"x": {"k": Fraction(1, 7), "when": "tenth > 0"}, "y": {"k": 1}}
                ),
                Chance(
                    "c",
                    {"one": {"probability": "1/3", "v": 2}, "2": {"probability": "2/3", "v": 0.5}},
                ),
                Decision("B", "b", [Action("l", label="Left"), Action("r.s")], label="B's move"),
            ),
            Stage("late only", Chance("d", {"u": 1}, label="draw"), when="t == 'late'"),
            Stage("last", Decision("A", "z", Interval("-1", "where(c == '2', 2, 1)", "EUR"))),
        ],
        derived={
            "q[j in s]": Derived("third", "Quantity", "1", "per set"),
            "total": "sum(q[j] for j in s)\n  + f(1, 2)",
            "flat": 2.5,
        },
        payoffs={"A": "total + z", "B": Fraction(2, 3)},
        outcomes=("total", "z"),
        mechanisms={"m": Mechanism({"tenth": 0}, "Label", "M1", "about"), "n": "small"},
        regimes=[
            Regime(
                "r", "R", "about", {"a": "x"}, {"b": ("l",)}, {"t": "late", "third": "1/5"}, ("m",)
            )
        ],
        presets={"p": {"tenth": "1/8", "t": "late"}},
        flags={"B1": "total > r.total"},
        narrative=[Sentence("It is {total:.1f}, {{so}}.", "total > 1"), "Always."],
        commitment=Commitment("A", "t", "early", "late"),
    )
    text = toml.dumps(game)
    read = toml.loads(text)
    for name in game.__dataclass_fields__:
        if name not in ("cache", "file"):
            assert getattr(read, name) == getattr(game, name), name
    assert read == game
    assert toml.dumps(read) == text
    assert read.parameters[0].value == Fraction(1, 3)
    assert read.parameters[4].value == Decimal("0.30")
    assert [move.name for move in read.stages[0].moves] == ["a", "c", "b"]


TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"),
    ),
    max_size=12,
)
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.fractions(-100, 100, max_denominator=1000),
    st.decimals(-1000, 1000, allow_nan=False, allow_infinity=False, places=7),
    st.floats(-1e300, 1e300, allow_nan=False, allow_infinity=False),
)


@st.composite
def small_games(draw: st.DrawFn) -> Game:
    players = [Player(f"p{k}", draw(TEXTS)) for k in range(draw(st.integers(1, 3)))]
    parameters = [
        Parameter(f"x{k}", draw(NUMBERS), unit=draw(TEXTS), label=draw(TEXTS), about=draw(TEXTS))
        for k in range(draw(st.integers(0, 3)))
    ]
    labels = st.lists(
        TEXTS.filter(lambda t: t == t.strip() and t), min_size=2, max_size=3, unique=True
    )
    stages = []
    for k in range(draw(st.integers(1, 3))):
        names = draw(labels)
        move: Decision | Chance
        match draw(st.integers(0, 2)):
            case 0:
                weight = Fraction(1, len(names))
                move = Chance(f"m{k}", dict.fromkeys(names, weight))
            case 1:
                actions = {name: {"v": draw(NUMBERS)} for name in names}
                move = Decision(draw(st.sampled_from(players)), f"m{k}", actions)
            case _:
                move = Decision(draw(st.sampled_from(players)), f"m{k}", names, label=draw(TEXTS))
        stages.append(Stage(f"s{k}", move))
    return Game(
        name="g",
        title=draw(TEXTS),
        players=players,
        parameters=parameters,
        stages=stages,
        payoffs={player: draw(NUMBERS) for player in players},
        assumptions=draw(st.lists(TEXTS, max_size=2)),
    )


@settings(max_examples=40)
@given(game=small_games())
def test_any_game_survives_the_way_through_toml(game: Game) -> None:
    text = toml.dumps(game)
    read = toml.loads(text)
    assert read == game
    assert toml.dumps(read) == text


def test_decimals_are_the_decimals_that_were_written() -> None:
    text = YARD_IN_TOML.replace("value = 0.18", "value = 0.1799999999999999999999999999999")
    assert toml.loads(text).parameters[0].value == Decimal("0.1799999999999999999999999999999")
    assert number(0.1) == Decimal("0.1")


def test_a_callable_cannot_be_written_to_toml() -> None:
    game = yard(derived={"lost_sales": lambda market: market, "capability": "1"})
    with pytest.raises(RequestError, match=r"derived\.lost_sales is a Python callable"):
        toml.dumps(game)


def test_an_outcome_that_toml_reserves_cannot_be_written() -> None:
    stages = [Stage("s", Chance("c", {"label": 1}), Decision("A", "a", ["l", "r"]))]
    game = Game(name="g", players=["A"], stages=stages, payoffs={"A": 1})
    with pytest.raises(RequestError, match="an outcome cannot be called 'label'"):
        toml.dumps(game)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3", 3),
        (" 1/3 ", Fraction(1, 3)),
        ("-2/4", Fraction(-1, 2)),
        ("30%", Decimal("0.30")),
        ("12.5 %", Decimal("0.125")),
        ("1e-3", Decimal("0.001")),
        (".5", Decimal("0.5")),
        (0.1, Decimal("0.1")),
        (1e-7, Decimal("1e-7")),
    ],
)
def test_a_number_is_read_as_it_is_written(written: Any, expected: Any) -> None:
    assert number(written) == expected
    assert type(number(written)) is type(expected)


@pytest.mark.parametrize(
    "written",
    ["", "a", "1/0", "nan", "inf", "1,5", "1 2", "0x10", "1/3%", True, None, float("nan"),
     float("inf"), Decimal("NaN"), Decimal("sNaN"), "1e999", 10**500, "9" * 1000, "\u0663"],
)  # fmt: skip
def test_what_is_no_finite_number_is_refused(written: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        number(written)


def test_a_percentage_keeps_all_its_digits() -> None:
    digits = "12.3456789012345678901234567890123456789"
    assert number(digits + "%") * 100 == Decimal(digits) or Fraction(
        number(digits + "%")
    ) * 100 == (Fraction(digits))


# ---------------------------------------------------------------------------------------------
# Files


def test_only_regular_files_of_bounded_size_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    with pytest.raises(RequestError, match="is a directory"):
        toml.load(tmp_path)
    with pytest.raises(RequestError, match="no such file"):
        toml.load(tmp_path / "none.toml")
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(RequestError, match="device or a pipe"):
        toml.load(pipe)
    with pytest.raises(RequestError, match="device or a pipe"):
        toml.load("/dev/zero")
    with pytest.raises(RequestError, match="cannot be read"):
        toml.load("zero\0byte.toml")
    path = tmp_path / "yard.toml"
    path.write_text(YARD_IN_TOML)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert toml.load(link) == yard()
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100)
    with pytest.raises(LimitExceeded, match="MAX_FILE_BYTES = 100"):
        toml.load(path)


# ---------------------------------------------------------------------------------------------
# Positions of keys

POSITIONS = '''# a comment
name = "x" # another
'quoted key' = 1
[table."with dot.s"]
  indented = { inner = [1, { deep = "a" }], other = 2 }
text = """
first
second"""
a.b.c = 3

[[list]]
k = 1
[list.sub]
k = 2
[[list]]
k = 3
[list.sub]
k = '''


def test_positions_are_those_of_the_keys() -> None:
    found = {path: (at.line, at.column) for path, at in Positions(POSITIONS + "4\n").found.items()}
    assert found["name",] == (2, 1)
    assert found["quoted key",] == (3, 1)
    assert found["table", "with dot.s"] == (4, 1)
    assert found["table", "with dot.s", "indented"] == (5, 3)
    assert found["table", "with dot.s", "indented", "inner", 1, "deep"] == (5, 30)
    assert found["table", "with dot.s", "indented", "other"] == (5, 45)
    assert found["table", "with dot.s", "text"] == (6, 1)
    assert found["table", "with dot.s", "a", "b", "c"] == (9, 1)
    assert found["list", 0, "k"] == (12, 1)
    assert found["list", 0, "sub", "k"] == (14, 1)
    assert found["list", 1, "sub", "k"] == (18, 1)


def test_every_key_that_tomllib_reads_has_a_position(root: Path) -> None:
    def paths(value: Any, path: tuple[str | int, ...]) -> Any:
        if path:
            yield path
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from paths(item, (*path, key))

    files = sorted((root / "games").rglob("*.toml"))
    assert files
    for file in files:
        text = file.read_text()
        positions = Positions(text)
        assert positions.twice == []
        headers = {path[:k] for path in positions.found for k in range(1, len(path))}
        for path in paths(tomllib.loads(text), ()):
            assert path in positions.found or path in headers, (file, path)


def test_the_column_of_a_mistake_is_counted_in_the_file() -> None:
    text = YARD_IN_TOML.replace('"10 - lost_sales', '"""\n10 -\n   lst_sales').replace(
        "5 * capability", '5 * capability"""', 1
    ).replace('""""', '"""')  # fmt: skip
    with pytest.raises(Exception, match="lst_sales") as caught:
        toml.loads(text, "f.toml")
    (problem,) = caught.value.problems  # type: ignore[attr-defined]
    assert problem.line is not None
    assert problem.column is not None
    line = text.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith("lst_sales")


def test_words_about_presets_and_targets_survive_and_read_like_values():
    game = toml.loads(
        YARD_IN_TOML
        + """
[presets.fast]
about = "As fast as a survey says."
source = "a survey"
confidence = "low"
learning = 0.3

[targets.answer]
formula = "2 * broad.incumbent"
value = "1/3"
low = 0.2
high = 0.4
source = "a survey"
confidence = "memory"
"""
    )
    fast = game.presets["fast"]
    assert dict(fast) == {"learning": Decimal("0.3")}
    assert (fast.source, fast.confidence) == ("a survey", "low")
    answer = game.targets["answer"]
    assert (answer.value, answer.low, answer.high) == (
        Fraction(1, 3),
        Decimal("0.2"),
        Decimal("0.4"),
    )
    assert toml.loads(toml.dumps(game)) == game


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[presets.fast]\nconfidence = "sure"\nlearning = 0.3', "not a mark of confidence"),
        ('[targets.t]\nformula = "broad.incumbent"', "the key 'value' is missing"),
        ("[targets.t]\nvalue = 1", "the key 'formula' is missing"),
        ('[targets.t]\nformula = "incumbent"\nvalue = 1', "does not say of which regime"),
        ('[targets.t]\nformula = "broad.incumbnt"\nvalue = 1', "incumbnt"),
        (
            '[targets.t]\nformula = "broad.incumbent"\nvalue = 1\nlow = 2\nhigh = 3',
            "outside the range",
        ),
    ],
)
def test_a_wrong_preset_or_target_is_named_with_its_place(text, words):
    with pytest.raises(SpecError, match=words) as caught:
        toml.loads(YARD_IN_TOML + "\n" + text)
    assert text.split("]")[0].lstrip("[") in str(caught.value)
