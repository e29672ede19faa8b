"""``from highfence.study import ...``: the public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from highfence import study

MODULES = sorted(
    path.stem for path in Path(study.__file__).parent.glob("*.py") if path.stem != "__init__"
)
CALLS = {
    "attribute", "compare", "derivatives", "discover", "gather", "grid", "rank_correlations",
    "read_sweep", "regime_map", "region", "regions", "robust", "sample", "sensitivity",
    "solve_draws", "sweep", "thresholds", "tipping", "value_of_information",
}  # fmt: skip
RESULTS = {
    "Attribution", "Comparison", "Derivatives", "Discovery", "Draws", "Findings", "Indices",
    "RegimeMap", "Region", "Regions", "RobustChoice", "Sensitivity", "Sweep", "Thresholds",
    "Tipping",
}  # fmt: skip


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_names_are_sorted_and_each_is_the_one_its_module_defines():
    assert study.__all__ == sorted(set(study.__all__))
    assert set(study.__all__) <= set(dir(study))
    for name in study.__all__:
        found = getattr(study, name)
        assert callable(found), name
        assert found.__name__ == name
        assert found.__module__.startswith("highfence.study.")
        assert name in import_module(found.__module__).__all__
        assert found.__doc__


def test_every_study_and_every_result_has_a_public_name():
    assert set(study.__all__) >= CALLS | RESULTS


@pytest.mark.parametrize("first", ["modules", "names"])
def test_a_public_name_is_never_the_module_that_bears_it(first):
    """Whichever is imported first; the module itself stays where import_module finds it."""
    both = sorted(set(MODULES) & set(study.__all__))
    modules = (
        f"for name in {MODULES!r}:\n"
        "    assert isinstance(import_module(f'highfence.study.{name}'), ModuleType), name\n"
    )
    names = (
        "for name in study.__all__:\n"
        "    assert not isinstance(getattr(study, name), ModuleType), name\n"
    )
    start = "from importlib import import_module\nfrom types import ModuleType\n"
    parts = [modules, names] if first == "modules" else [names, modules]

    assert {"sweep", "sensitivity", "tipping", "robust", "discover", "regions"} <= set(both)
    python(start + "from highfence import study\n" + "".join(parts) + names)
    python(f"from highfence.study import {', '.join(both)}\nassert callable(sweep)\n")
    assert not any(isinstance(getattr(study, name), ModuleType) for name in both)


def test_a_module_that_bears_no_public_name_is_a_module():
    other = import_module("highfence.study.store")

    assert isinstance(other, ModuleType)
    assert study.store is other


def test_all_names_can_be_imported_by_a_star():
    printed = python(
        "from highfence.study import *\n"
        "from highfence import study\n"
        "print(all(globals()[name] is getattr(study, name) for name in study.__all__))\n"
    )
    assert printed.split() == ["True"]


def test_importing_the_package_loads_none_of_its_studies_and_nothing_heavy():
    loaded = python(
        "import sys\n"
        "import highfence.study\n"
        "print(*sorted(name for name in sys.modules if name.startswith('highfence')))\n"
        "print('numpy' in sys.modules)\n"
    ).splitlines()

    assert loaded == ["highfence highfence.lazy highfence.study", "False"]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'highfence\.study' has no attribute 'swep'"):
        _ = study.swep
    with pytest.raises(ImportError, match="swep"):
        exec("from highfence.study import swep")


def test_names_of_the_top_level_are_the_same_things():
    import highfence

    for name in set(highfence.__all__) & set(study.__all__):
        assert getattr(highfence, name) is getattr(study, name)
