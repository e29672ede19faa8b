"""What every game of the catalogue prints: kept in tests/golden, made anew by this file.

``python tests/golden_outputs.py [GAME ...]`` writes tests/golden/GAME.txt and GAME.json, of the
named games or of all, and removes those of games that are gone. Look at the difference before
committing it: a change there is a change of an answer, or of what people read.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

from highfence import solve
from highfence.report.json import dumps, solution_dict
from highfence.report.text import solution_text

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "golden"
WIDTH = 100
RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""How far a number may be from its golden one: answers of searches, on other machines."""

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")


def games() -> dict[str, Path]:
    """Return name -> file of every game of the catalogue."""
    files = (ROOT / "games").glob("*/*")
    found = sorted(
        path
        for path in files
        if path.suffix in (".toml", ".py", ".nfg", ".efg") and not path.name.startswith("_")
    )
    return {path.stem: path for path in found}


def outputs(path: Path) -> dict[str, str]:
    """Return ending -> text of what is kept of a game: the page and the JSON of ``solve``."""
    # Without the place of this checkout, on which lines would break elsewhere.
    solution = replace(solve(path), source=path.relative_to(ROOT).as_posix())
    tree = solution_dict(solution)
    for equilibrium in tree["equilibria"]:
        # Rounding errors, which differ from machine to machine; that they are below the
        # tolerance is what a certificate says.
        del equilibrium["certificate"]["regret"]
    page = re.sub(r"regret (< )?\S+ <=", "regret <=", solution_text(solution, WIDTH))
    page = "\n".join(line.rstrip() for line in page.splitlines()) + "\n"
    return {".txt": page, ".json": dumps(tree)}


def same_text(one: str, other: str) -> bool:
    """Tell whether two texts differ in nothing but the last digits of numbers."""
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    numbers = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(near(float(a), float(b)) for a, b in numbers)


def same_tree(one: Any, other: Any) -> bool:
    """Tell whether two JSON trees differ in nothing but the last digits of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_tree(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_tree, one, other))
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return near(one, other)
    if isinstance(one, str) and isinstance(other, str):
        return same_text(one, other)
    return False


def near(one: float, other: float) -> bool:
    """Tell whether two numbers are one up to the tolerances."""
    return isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def main(names: list[str]) -> int:
    """Write the files of the named games, or of all."""
    known = games()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no such game: {', '.join(unknown)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        if old.stem not in known:
            old.unlink()
            print(f"removed {old.name}")
    for name in names or known:
        for ending, text in outputs(known[name]).items():
            path = FOLDER / f"{name}{ending}"
            before = path.read_text("utf-8") if path.exists() else ""
            same = (
                same_tree(json.loads(before), json.loads(text))
                if before and ending == ".json"
                else (same_text(before, text))
            )
            if not same:
                path.write_text(text, "utf-8")
                print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
