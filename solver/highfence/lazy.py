"""Packages whose public names are imported on first use.

``import highfence`` must be fast, so its public names stand in a table, and the module of a
name is imported when the name is first asked for (as PEP 562 allows for).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["import_on_use"]


class _Package(ModuleType):
    """A package, in which a public name is never the module that bears it.

    When ``highfence.solve`` is imported, Python binds the module in the package under the
    name of the function, and ``from highfence import solve`` would yield the module.
    """

    _homes: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        homes: Mapping[str, str] = self.__dict__.get("_homes", {})
        if name not in homes:
            # Its modules are there without an import of each, as in a package that imports them.
            wanted = f"{self.__name__}.{name}"
            if not name.startswith("_"):
                try:
                    return import_module(wanted)
                except ModuleNotFoundError as error:
                    if error.name != wanted:
                        raise
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{homes[name]}", self.__name__), name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._homes})

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in self._homes and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def import_on_use(package: str, homes: Mapping[str, str]) -> None:
    """Give a package public names that are imported when they are first used.

    Parameters
    ----------
    package
        Its ``__name__``; it is being imported, and none of its modules has been.
    homes
        Public name -> module that defines it, relative to the package: ``"study.compare"``.
    """
    module = sys.modules[package]
    module.__dict__["_homes"] = dict(homes)
    module.__class__ = _Package
