"""The registry of methods: what can solve which form, what it promises, and its source.

A method is a generator function ``(form, **options) -> Iterator[profile]`` whose
generator may return :class:`highfence.solution.Findings`. It declares its domain,
its promise and its source in the decorator::

    @method("zero_sum_lp", form=NormalForm, accepts=..., finds=Finds.ONE, source="...")
    def zero_sum_lp(game): ...

Methods never import the judge (:mod:`highfence.certify`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..errors import RequestError, did_you_mean
from ..solution import Finds

__all__ = ["MODULES", "Method", "all_methods", "for_form", "get", "method"]

MODULES = (
    "pure",
    "extreme",
    "nashpy_methods",
    "zero_sum",
    "lemke_howson",
    "backward_induction",
    "perfect_bayesian",
    "staged",
    "markov_induction",
    "markov_homotopy",
    "logit",
    "polynomial",
)
"""The modules beside this one that define methods: add a line here for a new one."""

_METHODS: dict[str, Method] = {}


@dataclass(frozen=True)
class Method:
    """A registered method. Call it with a form to get an iterator of profiles."""

    name: str
    form: type
    accepts: Callable[[Any], bool]
    finds: Finds
    exact: bool
    source: str
    function: Callable[..., Generator[Any, None, Any]] = field(repr=False)
    domain: str = ""
    """The domain in words, for ``highfence methods``."""
    rank: int = 100
    """``method="auto"`` takes the accepting method with the lowest rank."""

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.function.__doc__ or "").strip().split("\n", 1)[0]

    def __call__(self, form: Any, **options: Any) -> Iterator[Any]:
        return self.function(form, **options)

    def __str__(self) -> str:
        return self.name


def method(
    name: str,
    *,
    form: type,
    finds: Finds,
    source: str,
    accepts: Callable[[Any], bool] = lambda game: True,
    exact: bool = False,
    domain: str = "",
    rank: int = 100,
) -> Callable[[Callable[..., Any]], Method]:
    """Register a generator function as a method."""

    def register(function: Callable[..., Any]) -> Method:
        if name in _METHODS:
            raise ValueError(f"two methods are named {name!r}")
        made = Method(name, form, accepts, finds, exact, source, function, domain, rank)
        _METHODS[name] = made
        return made

    return register


def _load() -> None:
    for module in MODULES:
        import_module(f".{module}", __package__)


def all_methods() -> tuple[Method, ...]:
    """Return every registered method, by rank and name."""
    _load()
    return tuple(sorted(_METHODS.values(), key=lambda made: (made.rank, made.name)))


def for_form(form: type) -> tuple[Method, ...]:
    """Return the methods that take this form, by rank and name."""
    return tuple(made for made in all_methods() if made.form is form)


def get(name: str) -> Method:
    """Return the method of that name.

    Raises
    ------
    RequestError
        No method has this name; the message lists the closest.
    """
    known = {made.name: made for made in all_methods()}
    if name not in known:
        raise RequestError(f"unknown method {name!r}. {did_you_mean(name, known)}")
    return known[name]
