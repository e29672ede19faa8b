"""The registry of all that answers: what takes which form, what it promises, and its source.

A method is a generator function ``(form, **options) -> Iterator[profile]`` whose
generator may return :class:`highfence.solution.Findings`. It declares its domain,
its promise and its source in the decorator::

    @method("zero_sum_lp", form=NormalForm, accepts=..., finds=Finds.ONE, source="...")
    def zero_sum_lp(game): ...

What answers another question than "which Nash equilibria are there" (a mediator's, a leader's,
a bargain), and what solves many games at once, is declared by :func:`concept` instead; it keeps
its own signature, and ``call`` names what users call.

Methods never import the judge (:mod:`highfence.certify`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from inspect import signature
from typing import Any, TypeVar

from ..errors import RequestError, did_you_mean
from ..solution import Finds

__all__ = [
    "BATCH",
    "CONCEPT",
    "CONCEPT_MODULES",
    "EQUILIBRIUM",
    "MODULES",
    "Concept",
    "Method",
    "all_methods",
    "concept",
    "concepts",
    "everything",
    "for_form",
    "get",
    "method",
]

EQUILIBRIUM = "equilibrium method"
CONCEPT = "concept"
BATCH = "batch"

MODULES = (
    "pure",
    "extreme",
    "nashpy_methods",
    "zero_sum",
    "lemke_howson",
    "lemke_howson_float",
    "backward_induction",
    "sequence_lp",
    "sequence_lcp",
    "perfect_bayesian",
    "staged",
    "first_order",
    "variational",
    "closed_form",
    "markov_induction",
    "markov_homotopy",
    "logit",
    "polynomial",
    "agent_logit",
    "global_newton",
)
"""The modules beside this one that define methods: add a line here for a new one."""

CONCEPT_MODULES = (
    "correlated",
    "stackelberg",
    "bargaining",
    "dominance",
    "trembles",
    "logit",
    "agent_logit",
    "variational",
    "repeated",
    "linear_quadratic",
    "investment_ladder",
    "batch",
    "batch_values",
    "batch_tree",
    "staged_batch",
)
"""The modules beside this one that declare concepts and batches: likewise."""

_METHODS: dict[str, Method] = {}
_CONCEPTS: dict[str, Concept] = {}


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
    use: str = ""
    """What to choose it for, in words."""
    first_for: Callable[[Any], bool] | None = field(default=None, repr=False)
    """Accepted forms at which "auto" takes it before all of lower rank."""
    pure_alone: bool = False
    """Whether it looks at pure strategies only, where there may be mixed equilibria."""

    kind = EQUILIBRIUM

    @property
    def takes(self) -> str:
        """The form and the domain in words."""
        return f"{form_name(self.form)}: {self.domain}" if self.domain else form_name(self.form)

    @property
    def call(self) -> str:
        """What to type."""
        return f"highfence solve GAME --method {self.name}"

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.function.__doc__ or "").strip().split("\n", 1)[0]

    @property
    def options(self) -> tuple[str, ...]:
        """What it may be told beside the form, by keyword."""
        return tuple(signature(self.function).parameters)[1:]

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
    use: str = "",
    first_for: Callable[[Any], bool] | None = None,
    pure_alone: bool = False,
) -> Callable[[Callable[..., Any]], Method]:
    """Register a generator function as a method."""

    def register(function: Callable[..., Any]) -> Method:
        if name in _METHODS:
            raise ValueError(f"two methods are named {name!r}")
        made = Method(
            name, form, accepts, finds, exact, source, function, domain, rank, use, first_for,
            pure_alone,
        )  # fmt: skip
        _METHODS[name] = made
        return made

    return register


@dataclass(frozen=True)
class Concept:
    """Something else than one method for Nash equilibria: another concept, or a batch."""

    name: str
    kind: str
    """``CONCEPT`` or ``BATCH``."""
    takes: str
    """Form and domain, in words."""
    finds: Finds
    exact: bool
    source: str
    call: str
    """What to type, or the public function in Python."""
    use: str
    """What to choose it for, in words."""
    function: Callable[..., Any] = field(repr=False)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.function.__doc__ or "").strip().split("\n", 1)[0]

    def __str__(self) -> str:
        return self.name


_Function = TypeVar("_Function", bound=Callable[..., Any])


def concept(
    name: str,
    *,
    takes: str,
    finds: Finds,
    source: str,
    call: str,
    use: str,
    kind: str = CONCEPT,
    exact: bool = False,
) -> Callable[[_Function], _Function]:
    """Declare what a function answers, and return the function as it is.

    A function that answers several questions is declared once for each.
    """

    def register(function: _Function) -> _Function:
        if name in _CONCEPTS or name in _METHODS:
            raise ValueError(f"two entries are named {name!r}")
        _CONCEPTS[name] = Concept(name, kind, takes, finds, exact, source, call, use, function)
        return function

    return register


def form_name(form: type) -> str:
    """Return what users call a form: ``normal`` for ``NormalForm``."""
    return form.__name__.removesuffix("Form").lower()


def _load(modules: tuple[str, ...] = MODULES) -> None:
    for module in modules:
        import_module(f".{module}", __package__)


def all_methods() -> tuple[Method, ...]:
    """Return every registered method, by rank and name."""
    _load()
    return tuple(sorted(_METHODS.values(), key=lambda made: (made.rank, made.name)))


def concepts() -> tuple[Concept, ...]:
    """Return every declared concept, then every batch, in the order of their modules."""
    _load(CONCEPT_MODULES)
    order = [f"{__package__}.{module}" for module in CONCEPT_MODULES]

    def place(made: Concept) -> tuple[bool, int, str]:
        return (made.kind != CONCEPT, order.index(made.function.__module__), made.name)

    return tuple(sorted(_CONCEPTS.values(), key=place))


def everything() -> tuple[Method | Concept, ...]:
    """Return all that ``highfence methods`` lists: methods, concepts, batches."""
    return (*all_methods(), *concepts())


def for_form(form: type) -> tuple[Method, ...]:
    """Return the methods that take this form, by rank and name."""
    return tuple(made for made in all_methods() if made.form is form)


def get(name: str) -> Method:
    """Return the method of that name.

    Raises
    ------
    RequestError
        No method has this name; the message lists the closest, or says what to type if it is
        a concept or a batch.
    """
    known = {made.name: made for made in all_methods()}
    if name not in known:
        for other in concepts():
            if other.name == name:
                raise RequestError(
                    f"{name} is no equilibrium method, but a {other.kind}: {other.call}"
                )
        raise RequestError(f"unknown method {name!r}. {did_you_mean(name, known)}")
    return known[name]
