"""The shape of the package, read off its source: who imports whom, and what is never done.

Data flows spec -> form -> method -> solution -> study -> report, and a module imports
only from what lies before it. The judge and the methods lie side by side and do not know
each other, so that no method can influence its own verdict.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "solver" / "highfence"

LAYERS = (
    ("errors", "garbage", "lazy", "limits", "tolerances", "waiting"),
    ("processes",),
    ("kernels",),
    ("spec",),
    ("forms",),
    ("load", "solution"),  # a solution is below the methods, which return its Findings
    ("certify", "methods", "present"),  # side by side: none may import another
    ("solve",),
    ("concepts", "refinements", "solve_many"),
    ("study",),
    ("report",),
    ("commands",),
    ("cli",),
    ("__init__", "__main__"),
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

ALLOWED_INSIDE_FUNCTIONS = {
    ("solution", "report.text"),  # str(solution) is a table
    ("study.compare", "report.compare_text"),  # str(comparison) likewise
    ("study.compare", "report.json"),  # comparison.to_dict() is what --json prints
    ("study._tips", "report.tipping_text"),  # likewise
    ("study.map", "report.map_text"),
    ("study._swept", "report.sweep_text"),  # str(sweep), and sweep.to_dict()
    ("study._swept", "report.json"),  # sweep.write("x.json")
    ("study.attribution", "report.attribution_text"),  # str(attribution) is its page
    ("study.robust", "report.robust_text"),
    ("study.discover", "report.discover_text"),
    ("study.claims", "report.claims_text"),
    ("study.mechanisms", "report.mechanisms_text"),
}
"""Imports against the flow; each is made when the function runs, for an object's printed form."""

HEAVY = {
    "SALib", "clarabel", "cvxpy", "distributed", "flint", "highspy", "jinja2", "matplotlib",
    "nashpy", "numba", "pandas", "pyarrow", "rich", "scipy", "sympy", "z3",
}  # fmt: skip
WITHOUT_NUMPY = {
    "__init__",
    "__main__",
    "cli",
    "commands",
    "commands.exit_codes",
    "errors",
    "lazy",
    "limits",
    "methods.registry",
    "solution",
    "spec.catalog",
    "study",
    "tolerances",
}
IMPORTED_BY_NAME = {"cli", "lazy", "methods.registry"}
"""Modules that import others by a computed name: lazy public names, commands, methods."""

IMPORT_NAMES = {"python-flint": "flint", "z3-solver": "z3"}
"""Distributions whose import name is another."""


@dataclass(frozen=True)
class Import:
    """One import: of what, by whom, where, and when it happens."""

    module: str
    target: str
    line: int
    late: bool
    """Inside a function, so it happens when the function runs."""
    typing: bool
    """Under ``if TYPE_CHECKING``, so it never happens."""

    def __str__(self) -> str:
        return f"{self.module} (line {self.line}) imports {self.target}"


def dotted(path: Path) -> str:
    """Return a module's name inside the package: ``spec.model``, ``certify``, ``__init__``."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


MODULES = {dotted(path): path for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def package_of(module: str) -> tuple[str, ...]:
    """Return the package that a module's relative imports start from."""
    parts = tuple(module.split("."))
    return parts if MODULES[module].name == "__init__.py" and module != "__init__" else parts[:-1]


def targets(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield what one statement imports: ``.spec.model`` inside the package, else as written."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    if node.level == 0:
        yield node.module or ""
        return
    package = package_of(module)
    base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
    base = tuple(part for part in base if part)
    for alias in node.names:
        if not base and alias.name == "__version__":
            continue  # a constant of the package, there before anything else is imported
        longer = ".".join((*base, alias.name))
        yield "." + (longer if longer in MODULES else ".".join(base))


def imports_of(module: str) -> Iterator[Import]:
    """Yield every import of a module, wherever it stands."""

    def walk(node: ast.AST, late: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for target in targets(module, child):
                    yield Import(module, target, child.lineno, late, typing)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from walk(child, True, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                yield from walk(child, late, True)
            elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                yield from walk(child, late, typing)  # no expression holds an import

    yield from walk(TREES[module], False, False)


IMPORTS = [found for module in MODULES for found in imports_of(module)]
INSIDE = [found for found in IMPORTS if found.target.startswith(".")]
OUTSIDE = [found for found in IMPORTS if not found.target.startswith(".")]


def part(module: str) -> str:
    """Return the part of the package that a module belongs to."""
    return module.lstrip(".").split(".")[0]


def called(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the name and line of every call: ``eval``, or ``.sympify`` for an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield f".{node.func.attr}", node.lineno


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the public functions and classes of a module, and the public methods of the latter."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    yield f"{node.name}.{member.name}", member


def declared_dependencies() -> set[str]:
    """Return the import names of what pyproject.toml declares for run time, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [
        *project["dependencies"],
        *(line for name in extras if name != "test" for line in extras[name]),
    ]
    names = [re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0] for line in lines]
    return {IMPORT_NAMES.get(name, name) for name in names}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


# ------------------------------------------------------------------ who imports whom


def test_every_module_has_its_layer():
    assert {part(module) for module in MODULES} <= set(RANK)


def test_imports_flow_one_way():
    against = [
        str(found)
        for found in INSIDE
        if part(found.target) != part(found.module)
        and RANK[part(found.target) or "__init__"] >= RANK[part(found.module)]
        and not (found.late and (found.module, found.target[1:]) in ALLOWED_INSIDE_FUNCTIONS)
    ]

    assert against == []


def test_methods_and_the_judge_do_not_know_each_other():
    crossing = [
        str(found)
        for found in INSIDE
        if {part(found.module), part(found.target)} == {"methods", "certify"}
    ]

    assert crossing == []


def test_the_judge_has_compiled_loops_of_its_own():
    """A fault in a loop that searches must not reach the verdict on what was found."""
    used = {
        (part(found.module), found.target) for found in INSIDE if part(found.target) == "kernels"
    }
    of_the_judge = {
        part(found.module)
        for found in INSIDE
        if found.target.startswith(".kernels.judge")
        and not found.module.startswith("kernels.judge")  # they are the judge's as well
    }
    of_the_search = {user for user, kernel in used if not kernel.startswith(".kernels.judge")}
    shared = {
        alias.name
        for module in MODULES
        if module.startswith("kernels.judge")
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }

    assert of_the_judge <= {"certify"}
    assert of_the_search <= {"forms", "kernels", "methods"}
    # Types of compiled functions, how one is compiled, and how it is called: nothing that computes.
    assert all(name.isupper() for name in shared - {"kept", "lean", "pointer"})


def test_the_solver_imports_nothing_from_the_catalogue_or_the_tests():
    roots = {"examples", "games", "highfence", "solver", "tests"}

    assert [str(found) for found in OUTSIDE if part(found.target) in roots] == []


def test_every_import_is_of_the_standard_library_or_declared():
    known = set(sys.stdlib_module_names) | declared_dependencies()

    assert [str(found) for found in OUTSIDE if part(found.target) not in known] == []


def test_every_declared_dependency_is_imported():
    used = {part(found.target) for found in OUTSIDE}
    # cvxpy loads its two solvers itself, by name.
    assert declared_dependencies() - used <= {"clarabel", "highspy"}


def test_modules_are_imported_by_computed_name_only_where_that_is_the_purpose():
    computed = {
        module
        for module, tree in TREES.items()
        if {"import_module", ".import_module", "__import__"} & {name for name, _ in called(tree)}
    }

    assert computed <= IMPORTED_BY_NAME


# ------------------------------------------------------------------ what is loaded when


def test_heavy_libraries_are_imported_late():
    early = [
        str(found)
        for found in OUTSIDE
        if part(found.target) in HEAVY
        and not (found.late or found.typing)
        and part(found.module) != "kernels"
    ]

    assert early == []


def test_numpy_is_not_imported_where_a_command_starts():
    early = [
        str(found)
        for found in OUTSIDE
        if part(found.target) == "numpy"
        and not (found.late or found.typing)
        and found.module in WITHOUT_NUMPY
    ]

    assert early == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["list"]], ids=" ".join)
def test_nothing_heavy_is_loaded_to_start_or_to_list(arguments):
    ran = run_python(
        "import runpy, sys\n"
        "import highfence\n"
        f"sys.argv = ['highfence', *{arguments!r}]\n"
        "try:\n"
        "    if len(sys.argv) > 1:\n"
        "        runpy.run_module('highfence', run_name='__main__')\n"
        "finally:\n"
        f"    print(sorted({HEAVY | {'numpy'}!r} & sys.modules.keys()), file=sys.stderr)\n"
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines()[-1] == "[]"


# ------------------------------------------------------------------ what is never done


def test_nothing_a_user_writes_is_executed():
    """Formulas are parsed by a whitelist; generated code from checked parts runs at one place."""
    running = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "literal_eval"}
    sites = [
        (module, name, line)
        for module, tree in TREES.items()
        for name, line in called(tree)
        if name in running or name in {".sympify", ".parse_expr"}
    ]

    assert [site for site in sites if site[0] != "forms.compile"] == []
    assert [name for _, name, _ in sites if name != "compile"] in ([], ["exec"])


def test_nothing_is_unpickled():
    unsafe = {"cloudpickle", "dill", "marshal", "pickle", "shelve"}

    assert [str(found) for found in OUTSIDE if part(found.target) in unsafe] == []
    assert [
        module
        for module, path in MODULES.items()
        if re.search(r"allow_pickle\s*=\s*True", path.read_text("utf-8"))
    ] == []


# ------------------------------------------------------------------ what is said


def test_everything_public_is_documented():
    silent = [
        f"{module}: {name}"
        for module, tree in TREES.items()
        for name, node in [("the module", tree), *public_definitions(tree)]
        if tree.body and ast.get_docstring(node) is None
    ]

    assert silent == []


def test_the_public_names_are_sorted_and_each_can_be_imported():
    ran = run_python(
        "import highfence\n"
        "assert highfence.__all__ == sorted(set(highfence.__all__))\n"
        "assert set(highfence.__all__) <= set(dir(highfence))\n"
        "for name in highfence.__all__:\n"
        "    getattr(highfence, name)\n"
        "from highfence import *\n"
    )

    assert ran.returncode == 0, ran.stderr


def test_a_public_name_is_never_the_module_that_bears_it():
    """``highfence.solve`` is the function, also once the module of that name was imported."""
    bearers = {part(module) for module in MODULES} - {"__init__", "__main__"}
    ran = run_python(
        "from importlib import import_module\n"
        "from types import ModuleType\n"
        "import highfence\n"
        f"for name in {sorted(bearers)!r}:\n"
        "    assert isinstance(import_module(f'highfence.{name}'), ModuleType)\n"
        "from highfence import certify, compare, load, solve\n"
        "for function in (certify, compare, load, solve):\n"
        "    assert callable(function), function\n"
        "for name in highfence.__all__:\n"
        "    assert not isinstance(getattr(highfence, name), ModuleType), name\n"
    )

    assert ran.returncode == 0, ran.stderr


def test_an_unknown_public_name_is_an_attribute_error():
    ran = run_python("import highfence\nhighfence.sovle\n")

    assert ran.stderr.splitlines()[-1].startswith("AttributeError")
