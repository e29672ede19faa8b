"""Every block of the guide does what it shows; :mod:`documents` says how it is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from documents import ROOT, blocks, cases, lay, run_console, run_python, shell

GUIDE = sorted((ROOT / "examples" / "guide").glob("*.md"))
CONSOLE = [
    pytest.param(path, *case.values, id=f"{path.stem}-{case.id}", marks=case.marks)
    for path in GUIDE
    for case in cases([block for block in blocks(path) if block.kind == "console"])
]


@pytest.fixture(scope="module")
def desks(tmp_path_factory) -> dict[Path, Path]:
    """Return a folder for each page with what its reader has."""
    return {path: lay(tmp_path_factory.mktemp(path.stem), blocks(path)) for path in GUIDE}


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """Return an environment in which ``highfence`` and ``python`` are those of the tests."""
    return shell(tmp_path_factory.mktemp("commands"))


def test_the_guide_has_its_kinds_of_pages_and_the_readme_leads_to_them():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {path.stem for path in GUIDE} == {"tutorial", "how_to", "explanation"}
    assert all(f"(examples/guide/{path.name})" in readme for path in GUIDE)


@pytest.mark.parametrize(("path", "block"), CONSOLE)
def test_a_command_prints_what_is_shown(path, block, desks, environment):
    run_console(block, desks[path], environment)


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_python_prints_what_is_shown(path, desks, monkeypatch):
    monkeypatch.chdir(desks[path])
    run_python(blocks(path), path.name)


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", path.read_text("utf-8")):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.M)
            assert anchor in {head.lower().replace(" ", "-") for head in heads}
