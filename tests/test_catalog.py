"""Games are found by path, then in ./games, then in the catalogue, and loaded without surprise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from highfence import ExtensiveForm, Game, NormalForm, RequestError, SpecError, load
from highfence.spec import catalog

SPEC = """
name = "{name}"
title = "Title of {name}"
question = "Why {name}?"
[players]
A = ""
[[stages]]
name = "s"
[stages.decisions.a]
player = "A"
actions = ["l", "r"]
[payoffs]
A = "a == 'l'"
"""

BUILDER = '''"""A builder."""
from highfence import Decision, Game, Stage

def build() -> Game:
    stages = [Stage("s", Decision("A", "a", ["l", "r"]))]
    return Game(name="built", title="Built", players=["A"], stages=stages, payoffs={"A": 1})
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, text: str | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = SPEC.replace("\"a == 'l'\"", "\"1 * (a == 'l')\"").replace("{name}", path.stem)
    path.write_text(spec if text is None else text)
    return path


def test_a_name_is_looked_for_here_and_then_in_the_catalogue(here: Path) -> None:
    bundled = load("prisoners_dilemma")
    assert isinstance(bundled, Game)
    assert "classics" in bundled.file
    own = put(here, "games/mine/prisoners_dilemma.toml")
    found = load("prisoners_dilemma")
    assert isinstance(found, Game)
    assert found.title == "Title of prisoners_dilemma"
    assert Path(found.file) == own.relative_to(here)


def test_a_path_is_taken_as_it_is(here: Path) -> None:
    put(here, "games/one.toml")
    other = put(here, "elsewhere/one.toml", SPEC.replace("a == 'l'", "3").replace("{name}", "two"))
    for given in (other, str(other), "elsewhere/one.toml", "./elsewhere/one.toml"):
        found = load(given)
        assert isinstance(found, Game)
        assert found.name == "two"
        assert Path(found.file) == Path(given)


def test_a_file_name_of_the_catalogue_works_too(here: Path) -> None:
    assert isinstance(load("prisoners_dilemma.toml"), Game)


def test_two_games_of_one_name_in_one_place_are_refused(here: Path) -> None:
    put(here, "games/a/twin.toml")
    put(here, "games/b/twin.py", BUILDER)
    with pytest.raises(RequestError) as caught:
        load("twin")
    message = str(caught.value)
    assert str(Path("games/a/twin.toml")) in message
    assert str(Path("games/b/twin.py")) in message
    assert isinstance(load("games/a/twin.toml"), Game)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("prisoner_dilemma", "Did you mean 'prisoners_dilemma'"),
        ("", "empty"),
        (".", "this is a directory"),
        ("games", "there is no game"),
        ("games/", "this is a directory"),
        ("none.toml", "there is no such file"),
        ("games/fencee.toml", "Did you mean 'games/fence.toml'"),
        ("games/none", "there is no such file"),
        ("games/notes.txt", "the ending '.txt' is not known"),
        ("games/fence.yaml", ".yaml games are not read"),
        ("games/fence.json", ".json games are not read; JSON is for other programs"),
        ("beside.json", ".json games are not read; JSON is for other programs"),
        ("games/fence.toml.gz", "unpack it first"),
        ("/dev/null", "the file has no ending"),
    ],
)
def test_what_is_no_game_is_refused_with_a_hint(here: Path, given: str, says: str) -> None:
    for name in ("fence.toml", "notes.txt", "fence.yaml", "fence.toml.gz", "fence.json"):
        put(here, f"games/{name}")
    put(here, "beside.json")
    with pytest.raises(RequestError) as caught:
        load(given)
    assert says in str(caught.value)


def test_a_directory_or_a_pipe_with_the_ending_of_a_game_is_refused(here: Path) -> None:
    import os

    (here / "folder.toml").mkdir()
    os.mkfifo(here / "pipe.py")
    with pytest.raises(RequestError, match="directory"):
        load("./folder.toml")
    with pytest.raises(RequestError, match="pipe"):
        load("./pipe.py")


def test_a_link_is_followed(here: Path) -> None:
    target = put(here, "real.toml")
    (here / "games").mkdir()
    (here / "games" / "linked.toml").symlink_to(target)
    found = load("linked")
    assert isinstance(found, Game)
    assert found.name == "real"
    (here / "games" / "broken.toml").symlink_to(here / "gone.toml")
    with pytest.raises(RequestError, match="no such file"):
        load("broken")


# ---------------------------------------------------------------------------------------------
# Python games


def test_a_python_game_is_run_under_a_private_name_and_leaves_nothing_behind(here: Path) -> None:
    path = put(here, "games/numpy.py", BUILDER)
    modules, before = set(sys.modules), list(sys.path)
    found = load("numpy")
    assert isinstance(found, Game)
    assert found.name == "built"
    assert found.file == str(path.relative_to(here))
    assert {m for m in set(sys.modules) - modules if "_highfence_game" in m} == set()
    assert sys.path == before
    assert not list(here.rglob("__pycache__"))


def test_a_python_file_may_define_a_form(here: Path) -> None:
    text = "from highfence import NormalForm\ngame = NormalForm.from_payoffs([[1, 2]])\n"
    assert isinstance(load(put(here, "form.py", text)), NormalForm)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("x = 1\n", None, "the file defines no game"),
        ("game = 3\n", None, "game is int, not a game"),
        ("x = 1\ny = x +\n", 2, "not valid Python"),
        ("x = 1\n\ny = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import nothing_of_that_name\n", 1, "ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", 2, "SystemExit"),
        ("def build():\n    return 1 / 0\n", 2, "ZeroDivisionError"),
        (BUILDER.replace('{"A": 1}', '{"A": "b"}'), 6, "payoffs.A: unknown name 'b'"),
        (BUILDER.replace('["l", "r"]', '"lr"'), 5, "expected a list"),
    ],
)
def test_a_python_game_that_fails_is_named_with_its_line(
    here: Path, text: str, line: int | None, says: str
) -> None:
    path = put(here, "games/bad.py", text)
    with pytest.raises(SpecError) as caught:
        load("bad")
    message = str(caught.value)
    assert says in message
    place = f"{path.relative_to(here)}:{line}" if line else str(path.relative_to(here))
    assert message.startswith(place)


# ---------------------------------------------------------------------------------------------
# Gambit files


def test_gambit_files_are_games_too(here: Path) -> None:
    nfg = 'NFG 1 R "Title" { "A" "B" } { 2 2 }\n\n1 1 0 0 0 0 1 1\n'
    efg = 'EFG 2 R "Title" { "A" }\nt "" 1 "" { 3 }\n'
    normal = load(put(here, "games/n.nfg", nfg))
    assert isinstance(normal, NormalForm)
    assert normal.title == "Title"
    assert isinstance(load(put(here, "e.efg", efg)), ExtensiveForm)
    listed = {entry.name: entry for entry in catalog.entries()}
    assert listed["n"].title == "Title"
    assert listed["n"].form == "normal"


# ---------------------------------------------------------------------------------------------
# Listing


def test_entries_list_every_game_of_the_catalogue(here: Path, root: Path) -> None:
    listed = catalog.entries()
    files = {
        path.stem
        for ending in catalog.ENDINGS
        for path in (root / "games").rglob(f"*{ending}")
        if not path.name.startswith("_")
    }
    assert {entry.name for entry in listed} == files
    assert [entry.name for entry in listed] == sorted(files)
    for entry in listed:
        assert entry.origin == "catalogue"
        assert Path(entry.path).is_file()
        if entry.path.endswith((".toml", ".py")):
            assert entry.title, entry
            assert entry.question, entry


def test_entries_name_the_kind_of_the_form_that_is_built(here: Path) -> None:
    from highfence.forms.build import build
    from highfence.forms.staged import StagedForm

    kinds = {"normal": NormalForm, "extensive": ExtensiveForm, "staged": StagedForm}
    for entry in catalog.entries():
        if entry.path.endswith(".toml") and "classics" in entry.path:
            game = load(entry.path)
            assert isinstance(game, Game)
            assert isinstance(build(game), kinds[entry.form]), entry.name


def test_own_games_come_first_and_hidden_files_are_no_games(here: Path) -> None:
    put(here, "games/zebra.toml")
    put(here, "games/.hidden.toml")
    put(here, "games/_private.toml")
    put(here, "games/__pycache__/cached.py", BUILDER)
    put(here, "games/built.py", BUILDER)
    listed = catalog.entries()
    assert [(e.name, e.origin) for e in listed[:3]] == [
        ("built", "games"),
        ("zebra", "games"),
        (listed[2].name, "catalogue"),
    ]
    assert listed[0].title == "Built"
    assert listed[1].question == "Why zebra?"


def test_a_copy_of_the_catalogue_is_listed_once_and_a_changed_game_twice(
    here: Path, root: Path
) -> None:
    shutil.copytree(root / "games" / "coercion", here / "games" / "coercion")
    changed = here / "games" / "coercion" / "sanctions_threat.toml"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    listed = [entry for entry in catalog.entries() if entry.folder == "coercion"]

    assert [e.name for e in listed if e.origin == "catalogue"] == ["sanctions_threat"]
    assert len([e for e in listed if e.origin == "games"]) > 1


def test_a_broken_game_is_listed_as_broken(here: Path) -> None:
    put(here, "games/a.toml", "name = \n")
    put(here, "games/b.py", "def build(:\n")
    put(here, "games/c.nfg", "nothing")
    titles = {entry.name: entry.title for entry in catalog.entries()}
    assert "not valid TOML" in titles["a"]
    assert "not valid Python" in titles["b"]
    assert "not a Gambit file" in titles["c"]


def test_listing_runs_no_game_and_imports_no_numpy(here: Path) -> None:
    put(here, "games/loud.py", "raise SystemExit('it was run')\n")
    code = (
        "import sys\n"
        "from highfence.spec.catalog import entries\n"
        "assert len(entries()) > 5\n"
        "assert not {'numpy', 'scipy', 'sympy', 'numba'} & set(sys.modules), 'heavy import'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here)


def test_what_is_said_later_of_a_python_game_names_its_file(here: Path) -> None:
    from highfence.forms.build import build

    text = BUILDER.replace('"A": 1', '"A": "1 / c"').replace(
        'players=["A"]', 'players=["A"], parameters=[Parameter("c", 1)]'
    )
    put(here, "late.py", text.replace("Stage\n", "Parameter, Stage\n", 1))
    game = load("late.py")
    assert isinstance(game, Game)
    with pytest.raises(SpecError, match=r"late\.py: payoffs\.A: .* with c=0"):
        build(game, parameters={"c": 0})
