"""Files of claims: what is claimed, read and checked; no verdict stands in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import Problem, RequestError, SpecError, did_you_mean
from ..spec.catalog import catalogue
from ..spec.model import number
from ..spec.toml import read_text

__all__ = [
    "CONFIDENCE",
    "Case",
    "Claim",
    "Claims",
    "Evidence",
    "Proposition",
    "Search",
    "read_claims",
]

FILE = "_claims.toml"
"""The catalogue's claims; the name keeps it out of the list of games."""

CONFIDENCE = {
    "H": "primary source or its abstract seen",
    "Md": "reputable secondary source seen",
    "L": "press, or contested",
    "M": "from memory of the public record",
}
VERIFIED = ("H", "Md")
DIRECTIONS = ("for", "against", "mixed")


@dataclass(frozen=True)
class Evidence:
    """One finding that bears on a claim."""

    name: str
    source: str
    says: str
    direction: str
    """``"for"``, ``"against"`` or ``"mixed"``, seen from the claim."""
    confidence: str
    """A key of :data:`CONFIDENCE`."""

    @property
    def verified(self) -> bool:
        """The source was seen; otherwise it is shown as unverified and not counted."""
        return self.confidence in VERIFIED


@dataclass(frozen=True)
class Case:
    """Numbers at which a proposition is asked about."""

    name: str
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Parameter -> value, over the preset."""


@dataclass(frozen=True)
class Proposition:
    """A comparison of two numbers, ``left > right`` or ``left < right``."""

    text: str
    left: str
    right: str
    relation: str

    @property
    def margin(self) -> str:
        """The formula that is above 0 exactly where the proposition holds."""
        one, two = (self.left, self.right) if self.relation == ">" else (self.right, self.left)
        if two == "0":
            return one
        return f"{one} - {two}" if re.fullmatch(r"[\w.]+", two) else f"{one} - ({two})"


@dataclass(frozen=True)
class Search:
    """A parameter along which the boundary of one proposition is looked for."""

    parameter: str
    proposition: Proposition
    case: Case
    low: float | None = None
    """None: the end that the parameter declares."""
    high: float | None = None
    beside: bool = False
    """Numbers are set on top of the case."""


@dataclass(frozen=True)
class Claim:
    """A sentence of the debate as propositions about a game."""

    name: str
    kind: str
    """``"claim"``, or ``"counterfactual"``: what would follow from another policy."""
    says: str
    essays: tuple[str, ...] = ()
    game: str | None = None
    propositions: tuple[Proposition, ...] = ()
    """All of them have to hold."""
    cases: tuple[Case, ...] = ()
    searches: tuple[Search, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    about: str = ""
    """What the propositions leave out; why there is no game."""

    @property
    def weighed(self) -> str:
        """What the verified evidence says: "for", "against", "mixed", "unverified" or "none"."""
        seen = {item.direction for item in self.evidence if item.verified}
        if not self.evidence:
            return "none"
        if not seen:
            return "unverified"
        return seen.pop() if len(seen) == 1 else "mixed"


@dataclass(frozen=True)
class Claims:
    """A file of claims, in its order."""

    file: str
    essays: Mapping[str, str]
    """Essay -> what it is."""
    claims: tuple[Claim, ...]

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, name: str) -> Claim:
        for claim in self.claims:
            if claim.name == name:
                return claim
        known = [claim.name for claim in self.claims]
        raise RequestError(f"{self.file}: no claim {name!r}. {did_you_mean(name, known)}")

    def named(self, names: Sequence[str] | str) -> tuple[Claim, ...]:
        """Return the claims that are named, or match a pattern such as ``"cf*"``, in file order.

        Raises
        ------
        RequestError
            There is no claim of a name, or none that matches.
        """
        asked = [names] if isinstance(names, str) else list(names)
        found = set()
        for name in asked:
            mine = [claim.name for claim in self if fnmatchcase(claim.name, name)]
            found.update(mine or [self[name].name])
        return tuple(claim for claim in self if claim.name in found)


def read_claims(file: str | Path | None = None) -> Claims:
    """Read a file of claims; by default ``games/_claims.toml``, here or else in the catalogue.

    Parameters
    ----------
    file
        A TOML file::

            [essays]
            S1 = "what it is"

            [evidence.NAME]
            source = "author, year"
            says = "what was found"
            confidence = "H"                   # H, Md, L or M

            [cases.GAME]                       # at which numbers a game is asked
            NAME = {preset = "P", set = {PARAMETER = value}}

            [claims.NAME]                      # or [counterfactuals.NAME]
            says = "the sentence"
            essays = ["S1"]
            game = "GAME"                      # without it the claim is not modeled, and
            about = "..."                      # this says why
            holds = ["broad.K_H > none.K_H"]   # each one comparison, < or >
            cases = ["NAME"]                   # by default all of the game's
            along = [{parameter = "P", between = [0, 1], case = "NAME", set = {}, holds = 1}]
            for = ["NAME"]                     # evidence; also against, mixed

        A game without regimes is asked about as it is written. In ``along``, ``holds`` is the
        number of the proposition (1 by default), ``case`` the first by default, and ``between``
        the declared range. What ``set`` changes on top of the case is looked at beside: such a
        boundary takes no part in the ruling.

    Raises
    ------
    RequestError
        There is no such file.
    SpecError
        The file is wrong; all mistakes are listed. Games and formulas are read when a claim is
        judged.

    Examples
    --------
    >>> claims = read_claims()
    >>> claims["drift_is_bad"].propositions[0].margin
    'small_yard.W_A - drifting_yard.W_A'
    """
    file = _found() if file is None else file
    text = read_text(file)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(Problem(str(file), f"not valid TOML: {error}", "Mend the line")) from None
    reader = _Reader(str(file))
    made = reader.read(table)
    if reader.problems:
        raise SpecError(reader.problems)
    if not made.claims:
        raise SpecError(Problem(str(file), "it has no claims", "Write [claims.NAME] and says"))
    return made


def _found() -> Path:
    """Return the file of claims: in ``./games``, else in the catalogue."""
    own, bundled = Path("games") / FILE, catalogue()
    if own.is_file():
        return own
    if bundled is None:
        raise RequestError("the catalogue of games is missing, and its claims with it")
    return bundled / FILE


class _Reader:
    """Reads a file of claims, and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def wrong(self, key: str, reason: str, fix: str = "") -> None:
        self.problems.append(Problem(f"{self.file}: {key}", reason, fix))

    def read(self, table: Mapping[str, Any]) -> Claims:
        self.known("", table, ("essays", "evidence", "cases", "claims", "counterfactuals"))
        essays = {
            key: self.text(f"essays.{key}", value)
            for key, value in self.table("essays", table.get("essays", {})).items()
        }
        evidence = {
            key: self.evidence(f"evidence.{key}", key, value)
            for key, value in self.table("evidence", table.get("evidence", {})).items()
        }
        cases = {
            game: [
                self.case(f"cases.{game}.{key}", key, value)
                for key, value in self.table(f"cases.{game}", given).items()
            ]
            for game, given in self.table("cases", table.get("cases", {})).items()
        }
        claims: dict[str, Claim] = {}
        for section, kind in (("claims", "claim"), ("counterfactuals", "counterfactual")):
            for key, value in self.table(section, table.get(section, {})).items():
                if key in claims:
                    self.wrong(f"{section}.{key}", "the name is taken by a claim", "Rename it")
                place = f"{section}.{key}"
                claims[key] = self.claim(place, key, kind, value, essays, evidence, cases)
        return Claims(self.file, MappingProxyType(essays), tuple(claims.values()))

    def claim(
        self,
        place: str,
        name: str,
        kind: str,
        given: Any,
        essays: Mapping[str, str],
        evidence: Mapping[str, Evidence],
        cases: Mapping[str, Sequence[Case]],
    ) -> Claim:
        table = self.table(place, given)
        fields = ("says", "essays", "game", "about", "holds", "cases", "along", *DIRECTIONS)
        self.known(place, table, fields)
        says = self.text(f"{place}.says", table.get("says"))
        about = self.text(f"{place}.about", table.get("about", ""))
        pointers = self.names(f"{place}.essays", table.get("essays", []), essays)
        weighed = [
            replace(evidence[key], direction=direction)
            for direction in DIRECTIONS
            for key in self.names(f"{place}.{direction}", table.get(direction, []), evidence)
        ]
        plain = Claim(name, kind, says, pointers, evidence=tuple(weighed), about=about)
        if "game" not in table:
            extra = [key for key in ("holds", "cases", "along") if key in table]
            if extra:
                self.wrong(f"{place}.{extra[0]}", "it is asked about no game", "Name the game")
            if not about:
                self.wrong(place, "it names no game, and does not say why", "Write about = ...")
            return plain
        game = self.text(f"{place}.game", table["game"])
        holds = self.list(f"{place}.holds", table.get("holds"))
        asked = [self.proposition(f"{place}.holds", text) for text in holds]
        propositions = tuple(made for made in asked if made is not None)
        if not holds:
            self.wrong(f"{place}.holds", "nothing has to hold", 'Write holds = ["a.X > b.X"]')
        own = {case.name: case for case in cases.get(game, ())}
        chosen = self.names(f"{place}.cases", table.get("cases", list(own)), own)
        at = tuple(own[key] for key in chosen) or (Case("default"),)
        along = self.list(f"{place}.along", table.get("along", []))
        searches = []
        for k, search in enumerate(along, 1):
            made = self.search(f"{place}.along.#{k}", search, propositions, at, own)
            if made is not None:
                searches.append(made)
        return replace(
            plain, game=game, propositions=propositions, cases=at, searches=tuple(searches)
        )

    def search(
        self,
        place: str,
        given: Any,
        propositions: Sequence[Proposition],
        cases: Sequence[Case],
        own: Mapping[str, Case],
    ) -> Search | None:
        table = self.table(place, given)
        self.known(place, table, ("parameter", "between", "case", "set", "holds"))
        parameter = self.text(f"{place}.parameter", table.get("parameter"))
        which = table.get("holds", 1)
        if isinstance(which, bool) or not isinstance(which, int):
            self.wrong(f"{place}.holds", f"{which!r} is not the number of a proposition")
            return None
        if not 1 <= which <= len(propositions):
            self.wrong(f"{place}.holds", f"there is no proposition {which}")
            return None
        case = cases[0]
        if "case" in table:
            names = self.names(f"{place}.case", [table["case"]], own)
            if not names:
                return None
            case = own[names[0]]
        more = self.case(f"{place}", "", {"set": table.get("set", {})}).settings
        if more:  # the new name tells what is set
            told = ", ".join([case.name, *(f"{name} = {value}" for name, value in more.items())])
            case = Case(told, case.preset, MappingProxyType({**case.settings, **more}))
        between = table.get("between")
        low = high = None
        if between is not None:
            numbers = self.list(f"{place}.between", between)
            if len(numbers) != 2 or not all(_is_number(end) for end in numbers):
                self.wrong(f"{place}.between", "it is not [low, high]")
                return None
            low, high = (float(end) for end in numbers)
        return Search(parameter, propositions[which - 1], case, low, high, bool(more))

    def proposition(self, place: str, given: Any) -> Proposition | None:
        text = self.text(place, given)
        found = re.fullmatch(r"([^<>=!]+)([<>])([^<>=!]+)", text)
        if found is None:
            self.wrong(place, f"{text!r} is not one comparison", 'Write "broad.K_H > none.K_H"')
            return None
        left, relation, right = (part.strip() for part in found.groups())
        return Proposition(text, left, right, relation)

    def evidence(self, place: str, name: str, given: Any) -> Evidence:
        table = self.table(place, given)
        self.known(place, table, ("source", "says", "confidence"))
        confidence = self.text(f"{place}.confidence", table.get("confidence"))
        if confidence not in CONFIDENCE:
            known = ", ".join(CONFIDENCE)
            self.wrong(f"{place}.confidence", f"{confidence!r} is not one of {known}")
        source, says = (self.text(f"{place}.{k}", table.get(k)) for k in ("source", "says"))
        return Evidence(name, source, says, "mixed", confidence)

    def case(self, place: str, name: str, given: Any) -> Case:
        table = self.table(place, given)
        self.known(place, table, ("preset", "set"))
        preset = table.get("preset")
        if preset is not None:
            preset = self.text(f"{place}.preset", preset)
        settings = self.table(f"{place}.set", table.get("set", {}))
        for key, value in settings.items():
            if not (isinstance(value, str) or _is_number(value)):
                self.wrong(f"{place}.set.{key}", f"{value!r} is neither a number nor a text")
        made = {k: v if isinstance(v, str) else number(str(v)) for k, v in settings.items()}
        return Case(name, preset, MappingProxyType(made))

    # -- parts of TOML ---------------------------------------------------------------------

    def table(self, place: str, given: Any) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        self.wrong(place, "it is not a table")
        return {}

    def list(self, place: str, given: Any) -> Sequence[Any]:
        if isinstance(given, list):
            return given
        self.wrong(place, "it is missing" if given is None else "it is not a list")
        return []

    def text(self, place: str, given: Any) -> str:
        if isinstance(given, str):
            return given
        self.wrong(place, "it is missing" if given is None else "it is not a text")
        return ""

    def names(self, place: str, given: Any, known: Mapping[str, Any]) -> tuple[str, ...]:
        found = []
        for name in self.list(place, given):
            if not isinstance(name, str) or name not in known:
                self.wrong(place, f"there is no {name!r}", did_you_mean(str(name), known))
            elif name in found:
                self.wrong(place, f"{name!r} is named twice", "Name it once")
            else:
                found.append(name)
        return tuple(found)

    def known(self, place: str, table: Mapping[str, Any], fields: Sequence[str]) -> None:
        for key in table:
            if key not in fields:
                dotted = f"{place}.{key}" if place else key
                self.wrong(dotted, "there is no such key", did_you_mean(key, fields))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
